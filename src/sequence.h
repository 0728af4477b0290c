/*
 * sequence.h
 *	  Numbers for ids, from the sequence behind a column.
 */
#ifndef CHATMIG_SEQUENCE_H
#define CHATMIG_SEQUENCE_H

#include "plan.h"

/*
 * Errors unless there is a sequence behind a table's ids, which are numbers
 * (55000), and the current role may take numbers from it (42501).
 */
extern void chatmig_sequence_check(const MigrationPlan *plan,
								   TargetTable table);

/*
 * The sequence behind a table's ids, which are numbers; it is put behind the
 * highest id, where an application gave ids of its own. Errors: 55000 if there
 * is no sequence; 42501 if the current role may not use it.
 */
extern Oid chatmig_sequence_ready(const MigrationPlan *plan, TargetTable table);

/* The next number. */
extern int64 chatmig_sequence_next(Oid sequence);

#endif /* CHATMIG_SEQUENCE_H */
