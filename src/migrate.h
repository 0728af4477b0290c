/*
 * migrate.h
 *	  A run, and its rehearsal.
 */
#ifndef CHATMIG_MIGRATE_H
#define CHATMIG_MIGRATE_H

#include "travel.h"

/*
 * Migrates what is not migrated yet, in the current transaction. Locks, all to
 * the end of the transaction: the migration's row in the ledger (another run
 * of it waits); AccessShareLock on the source (DDL waits, rows may change);
 * those of target.h, at the end. Errors: those of plan.h; 22000 for rows that
 * cannot be converted, beyond max_rejects.
 */
extern void chatmig_migrate_run(const char *name, bool force,
								MigrateResult *result);

/*
 * The same, up to and without the writing; changes nothing. The plan is
 * returned; show may be NULL.
 */
extern MigrationPlan *chatmig_migrate_rehearse(const char *name, bool force,
											   MigrateResult *result,
											   MigrateShow show, void *state);

#endif /* CHATMIG_MIGRATE_H */
