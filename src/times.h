/*
 * times.h
 *	  Times of every kind that legacy tables hold -> timestamptz.
 */
#ifndef CHATMIG_TIMES_H
#define CHATMIG_TIMES_H

#include "datatype/timestamp.h"

/*
 * The time that a text holds, read in the zone unless it names one; false if
 * it cannot be read. Errors with 22023 for a zone that is not known.
 */
extern bool chatmig_times_from_text(const char *value, int length,
									const char *zone, TimestampTz *result);

/*
 * The time that a number alone holds: seconds, milliseconds or microseconds
 * since 1970, whichever its size speaks for.
 */
extern bool chatmig_times_from_number(double value, TimestampTz *result);

#endif /* CHATMIG_TIMES_H */
