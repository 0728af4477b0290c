/*
 * read.h
 *	  legacy table --read--> legacy rows, by group, time, key
 */
#ifndef CHATMIG_READ_H
#define CHATMIG_READ_H

#include "plan.h"
#include "rows.h"

/* False ends the reading. */
typedef bool (*ReadRow)(LegacyRow *row, void *state);

/*
 * Streams the legacy rows that a run must look at: all of them in a first
 * run; later, those of every owner who has rows that are not migrated yet,
 * with what the trace says of each. Reads as the current role under the
 * active snapshot. With parallel, workers may be used; see query.h for what
 * the callback must not do then. Reduced, rows are as LegacyRow says. The row
 * and all it points to live until the callback returns.
 */
extern void chatmig_read_rows(const MigrationPlan *plan, bool parallel,
							  bool reduced, ReadRow callback, void *state);

/*
 * How many processes the server would let sort the rows of a first run, where
 * each of them could also do all that comes after, for a share of the rows (see
 * read_share.h): 0 if the table is small, if a view or a type is not safe
 * there, or if rows depend on rows of other shares.
 */
extern int chatmig_read_workers(const MigrationPlan *plan);

/*
 * Streams the owners who have no conversation in the target and no message: a
 * row with the owner, the owner's times, and the owner as its key. Reads as the
 * current role under the active snapshot.
 */
extern void chatmig_read_owners(const MigrationPlan *plan, ReadRow callback,
								void *state);

/* Numbers of legacy rows, and of those among them that are in the trace. */
extern void chatmig_read_totals(const MigrationPlan *plan, int64 *rows,
								int64 *traced);

/* Fetches the whole legacy row of each Reject *, by its key. */
extern void chatmig_read_rejected(const MigrationPlan *plan, List *rejects);

#endif /* CHATMIG_READ_H */
