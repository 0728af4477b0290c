/*
 * epoch.h
 *	  The unit of a column of numbers that are times.
 */
#ifndef CHATMIG_EPOCH_H
#define CHATMIG_EPOCH_H

#include "utils/relcache.h"

/*
 * "seconds", "milliseconds" or "microseconds" since 1970, by the size of the
 * numbers; NULL where there are none yet. Scans the relation twice, as the
 * current role. Error: 42P38 if the smallest and the largest number are in
 * different units.
 */
extern const char *chatmig_epoch_unit(Relation rel, const char *column);

/* The same for one number, which is not negative. */
extern const char *chatmig_epoch_unit_of(double number);

#endif /* CHATMIG_EPOCH_H */
