/*
 * sample.h
 *	  A few rows of a table, for detection.
 */
#ifndef CHATMIG_SAMPLE_H
#define CHATMIG_SAMPLE_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

/* Rows looked at, at most. */
#define SAMPLE_ROWS 20

/*
 * Called for each row; false ends the sample. What the callback allocates is
 * gone after the call; what is to stay it must put into a context of its own.
 * It may raise an error: then that row is left behind, but after a few errors
 * the sample ends.
 */
typedef bool (*SampleRow)(TupleTableSlot *slot, void *state);

/*
 * Shows some rows of a relation that the caller holds open to a callback:
 * first ones and last ones. Nothing is an error, except that the user cancels:
 * no rows are shown of what is no table or partitioned table, what the current
 * role may not read whole or not see all rows of, and where subtransactions
 * are not allowed. Returns the message of an error that rows were left out
 * for, in the current memory context, or NULL.
 */
extern char *chatmig_sample_rows(Relation rel, SampleRow look, void *state);

#endif /* CHATMIG_SAMPLE_H */
