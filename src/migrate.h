/*
 * migrate.h
 *	  The loop read -> split -> group -> write.
 */
#ifndef CHATMIG_MIGRATE_H
#define CHATMIG_MIGRATE_H

#include "plan.h"
#include "rows.h"

/* Rejected rows, and messages in rows, with one code. */
typedef struct RejectSummary
{
	const char *code;
	int64 number;
	char *first_key; /* as text */
	char *first_reason;
} RejectSummary;

/* What a run did, or would do. */
typedef struct MigrateResult
{
	RunCounts counts;
	int64 nrejects;      /* rejected rows, and messages of other rows */
	List *rejects;       /* of RejectSummary *, a code each */
	int64 content_bytes; /* of all new messages, as stored */
} MigrateResult;

/* A message as it would be written; false ends the run. */
typedef bool (*MigrateShow)(const MigrationPlan *plan,
							const Conversation *conversation,
							const Message *message, const LegacyRow *row,
							void *state);

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
