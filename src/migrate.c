/*
 * migrate.c
 *	  A run, and its rehearsal: what comes before and after the rows.
 *
 * In: a migration's name. Out: its legacy rows as conversations and messages,
 * and the ledger's record of it, or an error and nothing changed. All that is
 * read is read under one snapshot, taken when no other run and no DDL can
 * interfere; what the application writes meanwhile is for the next run.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "accept.h"
#include "caller.h"
#include "columns.h"
#include "existing.h"
#include "migrate.h"
#include "read.h"
#include "reference.h"
#include "rights.h"
#include "settings.h"
#include "share.h"
#include "snapshot.h"
#include "target.h"
#include "write_link.h"
#include "write_reply.h"

static void check_owner(const char *name);
static MigrationPlan *begin(const char *name, bool force,
							MigrateResult *result);
static bool has_work(const MigrationPlan *plan, RunCounts *counts);
static void record_targets(const MigrationPlan *plan);
static WriteMode choose_mode(const MigrationPlan *plan);
static List *travel(const MigrationPlan *plan, WriteMode mode,
					MigrateResult *result);
static void check_rejects(const MigrationPlan *plan,
						  const MigrateResult *result, bool in_update);

void
chatmig_migrate_run(const char *name, bool force, MigrateResult *result)
{
	CallerState caller;
	RoleState role;
	MigrationPlan *plan;
	WriteMode mode;
	List *rejects;

	chatmig_caller_enter(&caller);
	/* 1. from here on, no other run of this migration */
	check_owner(name);
	chatmig_ledger_lock(name);
	plan = begin(name, force, result);
	if (has_work(plan, &result->counts))
	{
		/* 2. the tables, empty, with keys and indexes that a load fills */
		chatmig_target_create(plan);
		mode = choose_mode(plan);
		if (mode == WRITE_BULK)
			chatmig_target_constrain(plan);

		/* 3. the rows; by now the transaction has an id (see query.h) */
		chatmig_reference_defer(plan, false);
		chatmig_caller_become(&role, plan->source_owner);
		rejects = travel(plan, mode, result);
		check_rejects(plan, result, caller.creating_extension);
		chatmig_read_rejected(plan, rejects);
		chatmig_caller_resume(&role);

		/* 4. keys and indexes are made good; last, what locks other tables */
		chatmig_target_finish(plan, mode == WRITE_BULK);
		chatmig_caller_become(&role, plan->source_owner);
		chatmig_write_replies(plan);
		result->counts.links = chatmig_write_links(plan);
		chatmig_caller_resume(&role);
		chatmig_reference_defer(plan, true);
		chatmig_target_analyze(plan, &result->counts);

		/* 5. the record */
		if (!plan->migrated)
			record_targets(plan);
		chatmig_ledger_store_rejects(name, rejects);
		chatmig_ledger_store_run(name, &result->counts);
	}
	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
}

MigrationPlan *
chatmig_migrate_rehearse(const char *name, bool force, MigrateResult *result,
						 MigrateShow show, void *state)
{
	CallerState caller;
	RoleState role;
	MigrationPlan *plan;

	chatmig_caller_enter(&caller);
	plan = begin(name, force, result);
	if (has_work(plan, &result->counts))
	{
		chatmig_caller_become(&role, plan->source_owner);
		(void) chatmig_travel(plan, WRITE_NOTHING, NULL, result, show, state);
		chatmig_caller_resume(&role);
	}
	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
	return plan;
}

/* Whoever may not migrate shall not keep others from it either. */
static void
check_owner(const char *name)
{
	Registration *registration = chatmig_ledger_get(name);

	chatmig_rights_check_source(registration);
}

/* Also pushes the snapshot under which all is read. */
static MigrationPlan *
begin(const char *name, bool force, MigrateResult *result)
{
	RoleState role;
	MigrationPlan *plan = chatmig_plan_make(name);

	plan->force = force;
	chatmig_columns_check(plan);
	if (!plan->migrated)
		chatmig_reference_check(plan);
	MemSet(result, 0, sizeof(MigrateResult));
	/* not before the plan has locked what is read: see
	 * chatmig_plan_lock_below() */
	PushActiveSnapshot(GetTransactionSnapshot());
	chatmig_snapshot_check(NIL);
	chatmig_caller_become(&role, plan->source_owner);
	chatmig_plan_probe(plan);
	chatmig_accept_check(plan);
	chatmig_caller_resume(&role);
	return plan;
}

/* A first run always has: it creates the tables, be they empty. */
static bool
has_work(const MigrationPlan *plan, RunCounts *counts)
{
	RoleState role;

	if (!plan->migrated)
		return true;
	chatmig_caller_become(&role, plan->source_owner);
	chatmig_read_totals(plan, &counts->legacy_rows, &counts->already);
	chatmig_caller_resume(&role);
	/* a rejected row may have been deleted since, and be the last of them */
	return counts->legacy_rows > counts->already || plan->uses[TARGET_OWNERS] ||
		   plan->uses[TARGET_LINKS] || chatmig_ledger_has_rejects(plan->name);
}

static void
record_targets(const MigrationPlan *plan)
{
	LedgerTargets targets = {0};

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		if (!plan->uses[table])
			continue;
		targets.tables[table] = plan->tables[table];
		targets.created[table] = plan->created[table];
		if (chatmig_plan_fills(plan, table))
			targets.columns[table] = chatmig_existing_record(plan, table);
	}
	chatmig_ledger_store_targets(plan->name, &targets);
}

static WriteMode
choose_mode(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table] &&
			(!plan->fresh[table] || !chatmig_target_is_plain(plan, table)))
			return WRITE_INSERT;
	return chatmig_bulk_load ? WRITE_BULK : WRITE_INSERT;
}

/* Beside parallel workers, if that is possible and worth it. */
static List *
travel(const MigrationPlan *plan, WriteMode mode, MigrateResult *result)
{
	List *rejects;

	if (mode == WRITE_BULK && chatmig_share_travel(plan, result, &rejects))
		return rejects;
	return chatmig_travel(plan, mode, NULL, result, NULL, NULL);
}

static void
check_rejects(const MigrationPlan *plan, const MigrateResult *result,
			  bool in_update)
{
	RejectSummary *first;
	const char *name = quote_literal_cstr(plan->name);

	if (result->nrejects <= plan->options.max_rejects)
		return;
	first = linitial(result->rejects);
	ereport(
		ERROR,
		(errcode(ERRCODE_DATA_EXCEPTION),
		 plan->mapping->shape == SHAPE_TRANSCRIPT
			 ? errmsg_plural(
				   "%lld transcript or message in %s cannot be converted",
				   "%lld transcripts or messages in %s cannot be converted",
				   result->nrejects, (long long) result->nrejects,
				   plan->source_name)
			 : errmsg_plural("%lld row of %s cannot be converted",
							 "%lld rows of %s cannot be converted",
							 result->nrejects, (long long) result->nrejects,
							 plan->source_name),
		 errdetail(
			 "The first has the key %s: %s max_rejects is %lld; nothing has been changed.",
			 first->first_key, first->first_reason,
			 (long long) plan->options.max_rejects),
		 errhint(
			 "%sSELECT * FROM chatmig_plan(%s) says how many there are of each kind. Correct the rows or the mapping; or register with options => '{\"max_rejects\": %lld}' to set them aside in chatmig_rejects, whole.",
			 /* the database will be at 1.0 again, which has no plan */
			 in_update
				 ? "SET chatmig.convert_on_update = off and update again; then "
				 : "",
			 name, (long long) result->nrejects)));
}
