/*
 * rollback.c
 *	  The inverse of migrate.
 *
 * In comes a migration's name; its tables are looked up in the ledger, its
 * rows in the trace. Nothing that anybody else has added is ever deleted or
 * changed: rows that stand alone stay, with their tables; rows that hang on a
 * migrated one make the call refuse before it has touched anything. So do,
 * unless force says otherwise, rows that the legacy table does not have any
 * more.
 *
 * Locks, all to the end of the transaction:
 * - the ledger's row lock, so that no other run is under way;
 * - AccessShareLock on the legacy table, so that it stays what it is; rows of
 * it may be deleted meanwhile, as they may be afterwards;
 * - ExclusiveLock on the migration's tables while they are examined: they can
 *   be read, but not written, nor can new rows elsewhere refer to theirs, so
 *   that what was found out stays true;
 * - AccessExclusiveLock on tables that are dropped, as the last thing.
 * A dry run takes AccessShareLock on all of them and nothing else.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "caller.h"
#include "compat.h"
#include "defer.h"
#include "query.h"
#include "rights.h"
#include "rollback.h"
#include "rollback_check.h"
#include "rollback_copy.h"
#include "rollback_find.h"
#include "rollback_link.h"
#include "snapshot.h"

static void find_migration(Rollback *rollback);
static void find_tables(Rollback *rollback);
static void find_source(Rollback *rollback);
static void find_table(Rollback *rollback, TargetTable target);
static void check_rows(Rollback *rollback);
static void defer(const Rollback *rollback, bool deferred);
static void take_back(Rollback *rollback);
static void drop_created(Rollback *rollback);
static bool fills_others(const Rollback *rollback);
static char *find_reason_to_keep(const Rollback *rollback);
static char *added_rows(const Rollback *rollback, TargetTable target);
static void delete_migrated(const Rollback *rollback);
static void take_out(const Rollback *rollback, const char *id);
static void delete_rows(const Rollback *rollback, TargetTable target,
						const char *condition, int64 expected);
static char *drop_tables(Rollback *rollback, TargetTable first,
						 TargetTable last);
static char *try_to_drop(const char *list);
static void say_kept(const Rollback *rollback, TargetTable first,
					 TargetTable last, const char *reason);
static char *list_tables(const Rollback *rollback, TargetTable first,
						 TargetTable last);

void
chatmig_rollback_run(const char *name, bool dry_run, bool force,
					 RunCounts *counts)
{
	Rollback rollback = {.name = name, .dry_run = dry_run, .force = force};
	CallerState caller;

	chatmig_caller_enter(&caller);

	/* 1. What the migration made, as far as it is still there. */
	find_migration(&rollback);
	find_tables(&rollback);

	/*
	 * 2. What is in it now, and 3. whether anything else hangs on that, or it
	 * is the only copy.
	 */
	check_rows(&rollback);

	/* 4. Take it back. */
	defer(&rollback, false);
	take_back(&rollback);
	defer(&rollback, true);

	/* 5. Forget it all, except for the tables that had to stay. */
	if (!dry_run)
	{
		chatmig_ledger_clear(name);
		chatmig_ledger_store_targets(name, &rollback.targets);
	}
	chatmig_caller_leave(&caller);

	MemSet(counts, 0, sizeof(RunCounts));
	counts->legacy_rows = rollback.traced;
	counts->migrated = rollback.traced;
	counts->conversations = rollback.migrated[TARGET_CONVERSATIONS];
	counts->messages = rollback.migrated[TARGET_MESSAGES];
	counts->media = rollback.migrated[TARGET_MEDIA];
	counts->links = rollback.links_reset;
}

static void
find_migration(Rollback *rollback)
{
	Registration *registration = chatmig_ledger_find(rollback->name);
	Destination destination;

	if (registration != NULL)
	{
		/* whoever may not roll back shall not keep others waiting either */
		chatmig_rights_check_tables(registration);
		if (!rollback->dry_run)
			chatmig_ledger_lock(rollback->name);
		/* while this waited, it may have been registered anew */
		registration = chatmig_ledger_find(rollback->name);
	}
	if (registration == NULL)
		chatmig_ledger_not_found(rollback->name);
	rollback->source = registration->source;
	rollback->mapping = registration->mapping;
	chatmig_destination_parse(registration->target, &destination);
	rollback->links = destination.links;

	chatmig_ledger_load_targets(rollback->name, &rollback->targets);
	rollback->is_grouped =
		!OidIsValid(rollback->targets.tables[TARGET_CONVERSATIONS]);
	rollback->in_place =
		rollback->targets.tables[TARGET_MESSAGES] == rollback->source;
	if (!rollback->targets.migrated)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" has not been migrated", rollback->name),
			 errdetail("There is nothing to take back."),
			 errhint("SELECT * FROM chatmig_status shows the state of "
					 "each migration.")));
}

/* Checks and locks what the ledger says the migration made. */
static void
find_tables(Rollback *rollback)
{
	bool is_empty = true;

	/* The source comes first, as in a run. */
	find_source(rollback);
	for (int i = 0; i < NUM_TARGETS; i++)
		find_table(rollback, i);
	PushActiveSnapshot(GetTransactionSnapshot());
	chatmig_snapshot_check(NIL);
	PopActiveSnapshot();
	if (rollback->tables[TARGET_TRACE] != NULL)
		rollback->trace_owner =
			chatmig_caller_owner(rollback->targets.tables[TARGET_TRACE]);
	for (int i = 0; i < NUM_ID_TABLES; i++)
		is_empty &= rollback->tables[i] == NULL;
	if (rollback->tables[TARGET_TRACE] == NULL && !is_empty)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" cannot be rolled back: its trace "
					"is gone",
					rollback->name),
			 errdetail("Without that table chatmig cannot tell the rows "
					   "that it made in %s from others.",
					   list_tables(rollback, 0, NUM_ID_TABLES - 1)),
			 fills_others(rollback)
				 ? errhint("Restore the table from a dump and enter it in "
						   "chatmig_target.")
				 : errhint(
					   "Restore the table from a dump and enter it in "
					   "chatmig_target. Or, if the legacy table still has "
					   "every row, drop these tables by hand and call "
					   "chatmig_rollback(%s) again, which then forgets them.",
					   quote_literal_cstr(rollback->name))));
}

/* It may be gone, or somebody else's: whether that matters, check says. */
static void
find_source(Rollback *rollback)
{
	const Oid relid = rollback->source;
	char *name;

	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) &&
		object_ownercheck(RelationRelationId, relid, GetUserId()))
		LockRelationOid(relid, AccessShareLock);
	name = get_rel_name(relid);
	if (name == NULL)
		return;
	rollback->source_name = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), name);
	rollback->source_owner = chatmig_caller_owner(relid);
}

static void
find_table(Rollback *rollback, TargetTable target)
{
	Oid *relid = &rollback->targets.tables[target];
	char *name;

	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(*relid)))
	{
		const LOCKMODE mode =
			rollback->dry_run ? AccessShareLock : ExclusiveLock;

		if (rollback->targets.created[target])
			chatmig_caller_check_owner(*relid);
		LockRelationOid(*relid, mode);
		/* who writes to a partition need not lock what it is one of */
		(void) find_all_inheritors(*relid, mode, NULL);
	}

	/* The user may have dropped it, lately also while this call waited. */
	name = get_rel_name(*relid);
	if (name == NULL)
		*relid = InvalidOid;
	else
		rollback->tables[target] = quote_qualified_identifier(
			get_namespace_name(get_rel_namespace(*relid)), name);
}

/*
 * As the tables' owner, who may have changed their types, and have casts of
 * his own to these.
 */
static void
check_rows(Rollback *rollback)
{
	RoleState role;

	if (rollback->tables[TARGET_TRACE] == NULL)
		return; /* nor is there any other, says find_tables() */
	chatmig_caller_become(&role, rollback->trace_owner);
	chatmig_rollback_check(rollback);
	if (!rollback->force)
		chatmig_rollback_check_copy(rollback);
	chatmig_caller_resume(&role);
}

/* See defer.h. The rows of other tables that point here may be deferred, too.
 */
static void
defer(const Rollback *rollback, bool deferred)
{
	List *relids = NIL;

	if (rollback->dry_run)
		return;
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (OidIsValid(rollback->targets.tables[table]))
			relids = lappend_oid(relids, rollback->targets.tables[table]);
	chatmig_defer(list_concat(relids, chatmig_rollback_linked(rollback)),
				  deferred);
}

/* Drops the tables or, where that cannot be, empties them of its rows. */
static void
take_back(Rollback *rollback)
{
	const TargetTable last = NUM_ID_TABLES - 1;
	bool is_ours = !fills_others(rollback);
	char *reason = find_reason_to_keep(rollback);

	rollback->links_reset = chatmig_rollback_unlink(rollback);
	if (rollback->dry_run)
	{
		if (reason != NULL && is_ours)
			say_kept(rollback, 0, last, reason);
		return;
	}

	if (reason == NULL)
		reason = drop_tables(rollback, 0, last);
	if (reason != NULL)
	{
		delete_migrated(rollback);
		if (is_ours)
			say_kept(rollback, 0, last, reason);
		else
			drop_created(rollback);
	}

	/* These are needed until here. */
	reason = drop_tables(rollback, TARGET_TRACE, NUM_TARGETS - 1);
	if (reason != NULL)
	{
		for (TargetTable i = TARGET_TRACE; i < NUM_TARGETS; i++)
			if (rollback->tables[i] != NULL)
				delete_rows(rollback, i, "true", -1);
		say_kept(rollback, TARGET_TRACE, NUM_TARGETS - 1, reason);
	}
	/* what was there before stays, and is not of the migration any more */
	for (TargetTable i = 0; i <= last; i++)
		if (!rollback->targets.created[i])
			rollback->targets.tables[i] = InvalidOid;
}

/* Beside tables that were there before, those that were not. */
static void
drop_created(Rollback *rollback)
{
	/* messages point to the others */
	static const TargetTable order[NUM_ID_TABLES] = {
		TARGET_MESSAGES, TARGET_CONVERSATIONS, TARGET_MEDIA};

	for (int i = 0; i < lengthof(order); i++)
	{
		char *reason;

		if (rollback->tables[order[i]] == NULL ||
			!rollback->targets.created[order[i]])
			continue;
		reason = added_rows(rollback, order[i]);
		if (reason == NULL)
			reason = drop_tables(rollback, order[i], order[i]);
		if (reason != NULL)
			say_kept(rollback, order[i], order[i], reason);
	}
}

/* Whether some tables were there before, so that nobody expects them to go. */
static bool
fills_others(const Rollback *rollback)
{
	for (TargetTable i = 0; i < NUM_ID_TABLES; i++)
		if (rollback->tables[i] != NULL && !rollback->targets.created[i])
			return true;
	return false;
}

/* A sentence, or NULL if all the tables may go. */
static char *
find_reason_to_keep(const Rollback *rollback)
{
	for (int i = 0; i < NUM_ID_TABLES; i++)
	{
		if (rollback->tables[i] == NULL)
			continue;
		if (!rollback->targets.created[i])
			return psprintf("%s was not created by chatmig.",
							rollback->tables[i]);
		if (rollback->added[i] > 0)
			return added_rows(rollback, i);
	}
	return NULL;
}

/* A sentence, or NULL if there are none. */
static char *
added_rows(const Rollback *rollback, TargetTable target)
{
	if (rollback->added[target] == 0)
		return NULL;
	return psprintf("%s also holds rows that the migration did not "
					"make: " INT64_FORMAT ".",
					rollback->tables[target], rollback->added[target]);
}

static void
delete_migrated(const Rollback *rollback)
{
	/* Messages point to the others. */
	static const TargetTable order[NUM_ID_TABLES] = {
		TARGET_MESSAGES, TARGET_CONVERSATIONS, TARGET_MEDIA};

	for (int i = 0; i < lengthof(order); i++)
	{
		char *id;

		if (rollback->tables[order[i]] == NULL)
			continue;
		id = psprintf("t.%s",
					  chatmig_rollback_column(rollback, order[i], FIELD_ID));
		if (order[i] == TARGET_MESSAGES && rollback->in_place)
			take_out(rollback, id);
		else
			delete_rows(rollback, order[i],
						chatmig_rollback_is_migrated(rollback, order[i], id),
						rollback->migrated[order[i]]);
	}
}

/* Rows that stayed in their table are in no conversation again. */
static void
take_out(const Rollback *rollback, const char *id)
{
	char *conversation =
		chatmig_rollback_column(rollback, TARGET_MESSAGES, FIELD_CONVERSATION);
	char *position =
		chatmig_rollback_column(rollback, TARGET_MESSAGES, FIELD_POSITION);
	RoleState role;

	chatmig_caller_become(&role, rollback->trace_owner);
	(void) chatmig_query_run(
		psprintf("UPDATE %s AS t SET %s = NULL%s FROM %s AS r "
				 "WHERE %s = ANY (r.message_ids) "
				 "AND t.%s = r.conversation_id",
				 rollback->tables[TARGET_MESSAGES], conversation,
				 position ? psprintf(", %s = NULL", position) : "",
				 rollback->tables[TARGET_TRACE], id, conversation),
		NULL);
	chatmig_caller_resume(&role);
}

/*
 * As the table's owner: there may be triggers. In a table that was there
 * before, as who filled it. expected: -1 is any number.
 */
static void
delete_rows(const Rollback *rollback, TargetTable target, const char *condition,
			int64 expected)
{
	const char *table = rollback->tables[target];
	RoleState role;
	int64 deleted;

	chatmig_caller_become(
		&role, rollback->targets.created[target]
				   ? chatmig_caller_owner(rollback->targets.tables[target])
				   : rollback->trace_owner);
	deleted = chatmig_query_run(
		psprintf("DELETE FROM %s AS t WHERE %s", table, condition), NULL);
	chatmig_caller_resume(&role);
	if (expected < 0 || deleted == expected)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" cannot be rolled back: not all of its "
					"rows in %s could be deleted",
					rollback->name, table),
			 errdetail(INT64_FORMAT " of " INT64_FORMAT " rows were deleted.",
					   deleted, expected),
			 errhint("Look for triggers and rules on the table, and disable "
					 "them for the rollback.")));
}

/*
 * Drops the tables from first to last that are there, all or none. Returns
 * NULL, or the sentence that says what depends on them.
 */
static char *
drop_tables(Rollback *rollback, TargetTable first, TargetTable last)
{
	char *list = list_tables(rollback, first, last);
	char *reason;

	if (list[0] == '\0')
		return NULL;
	reason = try_to_drop(list);
	if (reason == NULL)
		for (int i = first; i <= last; i++)
		{
			rollback->tables[i] = NULL;
			rollback->targets.tables[i] = InvalidOid;
		}
	return reason;
}

/* In a subtransaction, whose failure takes the strong locks back as well. */
static char *
try_to_drop(const char *list)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		chatmig_query_run(psprintf("DROP TABLE %s RESTRICT", list), NULL);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	if (error == NULL)
		return NULL;
	if (error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		ReThrowError(error);
	return error->detail ? error->detail : error->message;
}

static void
say_kept(const Rollback *rollback, TargetTable first, TargetTable last,
		 const char *reason)
{
	char *list = list_tables(rollback, first, last);

	if (rollback->dry_run)
		ereport(NOTICE,
				(errmsg("would keep %s, without the migrated rows", list),
				 errdetail_internal("%s", reason)));
	else
		ereport(NOTICE, (errmsg("kept %s, without the migrated rows", list),
						 errdetail_internal("%s", reason)));
}

/* The tables from first to last that are there, with commas. */
static char *
list_tables(const Rollback *rollback, TargetTable first, TargetTable last)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = first; i <= last; i++)
		if (rollback->tables[i] != NULL)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 rollback->tables[i]);
	return list.data;
}
