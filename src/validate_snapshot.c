/*
 * validate_snapshot.c
 *	  What is looked at, and as of when.
 *
 * In: a migration's name. Out: what there is to be looked at, and the active
 * snapshot under which all of it is read; the caller pops it. Whatever waits
 * for a lock does so before that snapshot is taken: to an older one, a table
 * that DDL has rewritten is empty, and one that a rollback has dropped is
 * missing. If the ledger says something else after the wait than before, all
 * of it begins anew.
 *
 * Locks: AccessShareLock on the legacy table and what is below it, on the
 * migration's tables, and on those that these refer to.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "ledger.h"
#include "rights.h"
#include "snapshot.h"
#include "validation.h"

/* What the ledger says of a migration. */
typedef struct Record
{
	Registration *registration;
	LedgerTargets targets;
} Record;

static void load(const char *migration, Record *record);
static bool same(const Record *a, const Record *b);
static bool same_jsonb(const Jsonb *a, const Jsonb *b);
static void hold(const Violation *violation, void *state);
static List *relations(const Record *record);
static List *referred(List *relids);

void
chatmig_validate_snapshot(Validation *validation, const char *migration)
{
	const Validation initial = *validation;
	List *held;
	Record before;
	Record after;
	ListCell *lc;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		held = NIL;
		*validation = initial;
		validation->list = hold;
		/* cppcheck-suppress autoVariables ; taken back below */
		validation->list_state = &held;

		/* 1. what there is, waiting where somebody changes it */
		load(migration, &before);
		chatmig_rights_check_source(before.registration);
		validation->name = before.registration->name;
		validation->source = before.registration->source;
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		chatmig_validate_mapping(validation, before.registration);
		PopActiveSnapshot();
		PushActiveSnapshot(GetTransactionSnapshot());
		chatmig_snapshot_lock(referred(relations(&before)));
		PopActiveSnapshot();

		/* 2. from here on, nothing waits */
		PushActiveSnapshot(GetTransactionSnapshot());
		load(migration, &after);
		if (same(&before, &after))
			break;
		PopActiveSnapshot();
	}
	chatmig_snapshot_check(relations(&before));

	validation->list = initial.list;
	validation->list_state = initial.list_state;
	foreach(lc, held)
		validation->list(lfirst(lc), validation->list_state);
}

static void
load(const char *migration, Record *record)
{
	record->registration = chatmig_ledger_get(migration);
	chatmig_ledger_load_targets(migration, &record->targets);
}

static bool
same(const Record *a, const Record *b)
{
	return a->registration->source == b->registration->source &&
		   same_jsonb(a->registration->mapping, b->registration->mapping) &&
		   same_jsonb(a->registration->target, b->registration->target) &&
		   same_jsonb(a->registration->options, b->registration->options) &&
		   a->targets.migrated == b->targets.migrated &&
		   a->targets.migrated_at == b->targets.migrated_at &&
		   memcmp(a->targets.tables, b->targets.tables,
				  sizeof(a->targets.tables)) == 0;
}

static bool
same_jsonb(const Jsonb *a, const Jsonb *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* Findings about the tables themselves, until it is certain that they count. */
static void
hold(const Violation *violation, void *state)
{
	List **held = state;
	Violation *copy = palloc(sizeof(Violation));

	*copy = *violation;
	if (violation->detail != NULL)
		copy->detail = pstrdup(violation->detail);
	*held = lappend(*held, copy);
}

static List *
relations(const Record *record)
{
	List *relids = list_make1_oid(record->registration->source);

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (OidIsValid(record->targets.tables[table]))
			relids = lappend_oid(relids, record->targets.tables[table]);
	return relids;
}

/* Tables that these refer to by foreign keys. */
static List *
referred(List *relids)
{
	QueryArgs args = {0};
	List *result = NIL;
	ListCell *lc;

	chatmig_query_oids_arg(&args, relids);
	foreach(lc, chatmig_query_list(
					"SELECT DISTINCT c.confrelid FROM pg_constraint AS c "
					"WHERE c.contype = 'f' AND c.conrelid = ANY ($1) "
					"ORDER BY 1",
					&args))
		result = lappend_oid(result, atooid(lfirst(lc)));
	return result;
}
