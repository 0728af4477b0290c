/*
 * reference.h
 *	  Foreign keys that the new tables share with the legacy table.
 */
#ifndef CHATMIG_REFERENCE_H
#define CHATMIG_REFERENCE_H

#include "plan.h"

/*
 * The tables that owner and counterpart refer to, each once; a List of char *,
 * qualified and quoted. They are locked by the last step of a first run.
 */
extern List *chatmig_reference_tables(const MigrationPlan *plan);

/*
 * Errors with 42501 unless the current role may refer to those tables: it
 * would only turn out after the load.
 */
extern void chatmig_reference_check(const MigrationPlan *plan);

/*
 * Gives a column of a new table the same references as the source's column
 * has, with the same actions. Each takes ShareRowExclusiveLock on the
 * referenced table to the end of the transaction: reads go on, writes wait.
 */
extern void chatmig_reference_copy(const MigrationPlan *plan, TargetTable table,
								   const Column *from, const char *to);

/*
 * Makes the new tables' deferred constraints immediate, or deferred again. A
 * security-restricted operation must not leave anything to be checked later.
 */
extern void chatmig_reference_defer(const MigrationPlan *plan, bool deferred);

#endif /* CHATMIG_REFERENCE_H */
