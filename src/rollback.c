/*
 * rollback.c
 *	  The inverse of migrate.
 *
 * In comes a migration's name; its tables are looked up in the ledger, its
 * rows in the trace. Nothing that anybody else has added is ever deleted or
 * changed: rows that stand alone stay, with their tables; rows that hang on a
 * migrated one make the call refuse before it has touched anything.
 *
 * Locks, all to the end of the transaction:
 * - the ledger's row lock, so that no other run is under way;
 * - ExclusiveLock on the migration's tables while they are examined: they can
 *   be read, but not written, nor can new rows elsewhere refer to theirs, so
 *   that what was found out stays true;
 * - AccessExclusiveLock on tables that are dropped, as the last thing.
 * A dry run takes AccessShareLock on the tables and nothing else.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "caller.h"
#include "query.h"
#include "rollback.h"

/* The tables with ids of their own come before the trace. */
#define NUM_ID_TABLES TARGET_TRACE

typedef struct Rollback
{
	const char *name;
	bool dry_run;
	LedgerTargets targets;         /* InvalidOid also where a table is gone */
	char *tables[NUM_TARGETS];     /* qualified and quoted; NULL: gone */
	int64 traced;                  /* rows of the trace */
	int64 migrated[NUM_ID_TABLES]; /* rows that the trace names */
	int64 added[NUM_ID_TABLES];    /* rows that it does not name */
} Rollback;

/* What a query for count(*) and one of the rows found. */
typedef struct Finding
{
	int64 count;
	char *example; /* NULL: none */
	MemoryContext context;
} Finding;

/* A foreign key that points to one of the tables. */
typedef struct ForeignKey
{
	Oid from;
	Oid to;
	char *name;  /* of the constraint */
	char *table; /* whose it is, qualified and quoted */
	char *join;  /* condition between o, that table, and t, the one it
				  * points to */
	char *value; /* expression that shows what a row of o points to */
} ForeignKey;

typedef struct ForeignKeys
{
	List *list; /* of ForeignKey * */
	MemoryContext context;
} ForeignKeys;

/* The trace's expressions for a table's ids. */
static const char *const traced_ids[NUM_ID_TABLES] = {
	[TARGET_CONVERSATIONS] = "conversation_id",
	[TARGET_MESSAGES] = "pg_catalog.unnest(message_ids)",
	[TARGET_MEDIA] = "media_id"};

/* The ways in which an added message can hang on a migrated row. */
static const struct
{
	const char *column;
	TargetTable target;
	const char *reason;
} ties[] = {{"conversation_id", TARGET_CONVERSATIONS,
			 "messages have been added to its conversations"},
			{"reply_to_id", TARGET_MESSAGES,
			 "messages that have been added elsewhere reply to its messages"},
			{"media_id", TARGET_MEDIA,
			 "messages that have been added elsewhere use its media"}};

static void find_tables(Rollback *rollback);
static void find_table(Rollback *rollback, TargetTable target);
static void count_rows(Rollback *rollback);
static void refuse_ties(const Rollback *rollback);
static void refuse_foreign_keys(const Rollback *rollback);
static List *find_foreign_keys(const Rollback *rollback);
static void add_foreign_key(TupleTableSlot *slot, void *state);
static void refuse_foreign_key(const Rollback *rollback, const ForeignKey *key);
static void take_back(Rollback *rollback);
static char *find_reason_to_keep(const Rollback *rollback);
static void delete_rows(const Rollback *rollback);
static char *drop_tables(Rollback *rollback, TargetTable first,
						 TargetTable last);
static char *try_to_drop(const char *list);
static void say_kept(const Rollback *rollback, TargetTable first,
					 TargetTable last, const char *reason);
static char *list_tables(const Rollback *rollback, TargetTable first,
						 TargetTable last);
static char *is_migrated(const Rollback *rollback, TargetTable target,
						 const char *value);
static Finding find_rows(const char *sql);
static void store_finding(TupleTableSlot *slot, void *state);
static Oid owner_of(Oid relid);

void
chatmig_rollback_run(const char *name, bool dry_run, RunCounts *counts)
{
	Rollback rollback = {.name = name, .dry_run = dry_run};
	CallerState caller;

	chatmig_caller_enter(&caller);

	/* 1. What the migration made, as far as it is still there. */
	find_tables(&rollback);

	/*
	 * 2. What is in it now, and 3. what hangs on it. The snapshot is younger
	 * than the locks at any isolation level: what was committed while this
	 * call waited for them must not be overlooked.
	 */
	PushActiveSnapshot(GetLatestSnapshot());
	count_rows(&rollback);
	refuse_ties(&rollback);
	refuse_foreign_keys(&rollback);
	PopActiveSnapshot();

	/* 4. Take it back. */
	take_back(&rollback);

	/* 5. Forget it all, except for the tables that had to stay. */
	if (!dry_run)
	{
		chatmig_ledger_clear(name);
		chatmig_ledger_store_targets(name, rollback.targets.tables,
									 rollback.targets.created);
	}
	chatmig_caller_leave(&caller);

	MemSet(counts, 0, sizeof(RunCounts));
	counts->legacy_rows = rollback.traced;
	counts->migrated = rollback.traced;
	counts->conversations = rollback.migrated[TARGET_CONVERSATIONS];
	counts->messages = rollback.migrated[TARGET_MESSAGES];
	counts->media = rollback.migrated[TARGET_MEDIA];
}

/* Looks up, checks and locks what the ledger says the migration made. */
static void
find_tables(Rollback *rollback)
{
	bool is_empty = true;

	if (chatmig_ledger_find(rollback->name) == NULL)
		chatmig_ledger_not_found(rollback->name);
	if (!rollback->dry_run)
		chatmig_ledger_lock(rollback->name);

	chatmig_ledger_load_targets(rollback->name, &rollback->targets);
	if (!rollback->targets.migrated)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" has not been migrated", rollback->name),
			 errdetail("There is nothing to take back."),
			 errhint("SELECT * FROM chatmig_status shows the state of "
					 "each migration.")));

	for (int i = 0; i < NUM_TARGETS; i++)
		find_table(rollback, i);
	for (int i = 0; i < NUM_ID_TABLES; i++)
		is_empty &= rollback->tables[i] == NULL;
	if (rollback->tables[TARGET_TRACE] == NULL && !is_empty)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration \"%s\" cannot be rolled back: its trace "
						"is gone",
						rollback->name),
				 errdetail("Without that table chatmig cannot tell the rows "
						   "that it made in %s from others.",
						   list_tables(rollback, 0, NUM_ID_TABLES - 1)),
				 errhint("Restore the table from a dump, or drop these "
						 "tables too and call chatmig_rollback() again.")));
}

static void
find_table(Rollback *rollback, TargetTable target)
{
	Oid *relid = &rollback->targets.tables[target];
	char *name;

	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(*relid)))
	{
		chatmig_caller_check_owner(*relid);
		LockRelationOid(*relid,
						rollback->dry_run ? AccessShareLock : ExclusiveLock);
	}

	/* The user may have dropped it, lately also while this call waited. */
	name = get_rel_name(*relid);
	if (name == NULL)
		*relid = InvalidOid;
	else
		rollback->tables[target] = quote_qualified_identifier(
			get_namespace_name(get_rel_namespace(*relid)), name);
}

static void
count_rows(Rollback *rollback)
{
	if (rollback->tables[TARGET_TRACE] == NULL)
		return;

	rollback->traced = find_rows(psprintf("SELECT count(*), NULL::text FROM %s",
										  rollback->tables[TARGET_TRACE]))
						   .count;
	for (int i = 0; i < NUM_ID_TABLES; i++)
	{
		const char *table = rollback->tables[i];

		if (table == NULL)
			continue;
		rollback->added[i] =
			find_rows(psprintf("SELECT count(*), NULL::text FROM %s AS t "
							   "WHERE NOT %s",
							   table, is_migrated(rollback, i, "t.id")))
				.count;
		rollback->migrated[i] =
			find_rows(psprintf("SELECT count(*), NULL::text FROM %s", table))
				.count -
			rollback->added[i];
	}
}

/* Refuses if added messages hang on migrated rows. */
static void
refuse_ties(const Rollback *rollback)
{
	const char *messages = rollback->tables[TARGET_MESSAGES];

	if (rollback->added[TARGET_MESSAGES] == 0)
		return;
	for (int i = 0; i < lengthof(ties); i++)
	{
		char *column = psprintf("m.%s", ties[i].column);
		Finding finding;

		if (rollback->tables[ties[i].target] == NULL)
			continue;
		finding = find_rows(
			psprintf("SELECT count(*), min(m.id::text) FROM %s AS m "
					 "WHERE NOT %s AND %s",
					 messages, is_migrated(rollback, TARGET_MESSAGES, "m.id"),
					 is_migrated(rollback, ties[i].target, column)));
		if (finding.count > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("migration \"%s\" cannot be rolled back: %s",
							rollback->name, ties[i].reason),
					 errdetail("In %s there are " INT64_FORMAT " such rows, "
							   "the first of them with id %s.",
							   messages, finding.count, finding.example),
					 errhint("Delete them, or give them another %s, and call "
							 "chatmig_rollback() again.",
							 ties[i].column)));
	}
}

/*
 * Refuses if rows of other tables, or added rows of these, point to migrated
 * ones: deleting those would fail, or delete or change them too.
 */
static void
refuse_foreign_keys(const Rollback *rollback)
{
	ListCell *lc;

	foreach(lc, find_foreign_keys(rollback))
	{
		CHECK_FOR_INTERRUPTS();
		refuse_foreign_key(rollback, lfirst(lc));
	}
}

/* All that point to the tables, but for those that refuse_ties() covers. */
static List *
find_foreign_keys(const Rollback *rollback)
{
	ForeignKeys keys = {.context = CurrentMemoryContext};
	Datum tables[NUM_ID_TABLES];
	QueryArgs args = {0};

	for (int i = 0; i < NUM_ID_TABLES; i++)
		tables[i] = ObjectIdGetDatum(rollback->targets.tables[i]);
	chatmig_query_arg(
		&args, OIDARRAYOID,
		PointerGetDatum(construct_array(tables, NUM_ID_TABLES, OIDOID,
										sizeof(Oid), true, TYPALIGN_INT)),
		false);
	chatmig_query_arg(
		&args, OIDOID,
		ObjectIdGetDatum(rollback->targets.tables[TARGET_MESSAGES]), false);

	/* A partition repeats the key of its parent, which has its rows too. */
	chatmig_query_stream(
		"SELECT c.conrelid, c.confrelid, c.conname::text, "
		"c.conrelid::regclass::text, "
		"string_agg(format('t.%I OPERATOR(%I.%s) o.%I', p.attname, "
		"n.nspname, e.oprname, f.attname), ' AND ' ORDER BY k.ord), "
		"format('concat_ws('', '', %s)', "
		"string_agg(format('o.%I', f.attname), ', ' ORDER BY k.ord)) "
		"FROM pg_constraint AS c "
		"CROSS JOIN LATERAL unnest(c.conkey, c.confkey, c.conpfeqop) "
		"WITH ORDINALITY AS k (f, p, e, ord) "
		"JOIN pg_attribute AS f ON f.attrelid = c.conrelid "
		"AND f.attnum = k.f "
		"JOIN pg_attribute AS p ON p.attrelid = c.confrelid "
		"AND p.attnum = k.p "
		"JOIN pg_operator AS e ON e.oid = k.e "
		"JOIN pg_namespace AS n ON n.oid = e.oprnamespace "
		"WHERE c.contype = 'f' AND c.conparentid = 0 "
		"AND c.confrelid = ANY ($1) "
		"AND NOT (c.conrelid = $2 AND cardinality(c.conkey) = 1 AND "
		"f.attname IN ('conversation_id', 'reply_to_id', 'media_id')) "
		"GROUP BY c.oid, c.conrelid, c.confrelid, c.conname "
		"ORDER BY 4, 3",
		&args, false, NULL, add_foreign_key, &keys);
	return keys.list;
}

static void
add_foreign_key(TupleTableSlot *slot, void *state)
{
	ForeignKeys *keys = state;
	MemoryContext old = MemoryContextSwitchTo(keys->context);
	ForeignKey *key = palloc(sizeof(ForeignKey));

	slot_getallattrs(slot);
	key->from = DatumGetObjectId(slot->tts_values[0]);
	key->to = DatumGetObjectId(slot->tts_values[1]);
	key->name = TextDatumGetCString(slot->tts_values[2]);
	key->table = TextDatumGetCString(slot->tts_values[3]);
	key->join = TextDatumGetCString(slot->tts_values[4]);
	key->value = TextDatumGetCString(slot->tts_values[5]);
	keys->list = lappend(keys->list, key);
	MemoryContextSwitchTo(old);
}

static void
refuse_foreign_key(const Rollback *rollback, const ForeignKey *key)
{
	StringInfoData sql;
	TargetTable to = 0;
	Finding finding;

	while (rollback->targets.tables[to] != key->to)
		to++;
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT count(*), min(%s) FROM %s AS o "
					 "JOIN %s AS t ON %s WHERE %s",
					 key->value, key->table, rollback->tables[to], key->join,
					 is_migrated(rollback, to, "t.id"));
	for (int i = 0; i < NUM_ID_TABLES; i++)
		if (rollback->targets.tables[i] == key->from)
			appendStringInfo(&sql, " AND NOT %s",
							 is_migrated(rollback, i, "o.id"));

	finding = find_rows(sql.data);
	if (finding.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration \"%s\" cannot be rolled back: rows of %s "
						"point to its %s",
						rollback->name, key->table, chatmig_target_names[to]),
				 errdetail("By the foreign key \"%s\" " INT64_FORMAT
						   " rows do, the first of them to %s.",
						   key->name, finding.count, finding.example),
				 errhint("Delete these rows, or let them point elsewhere, and "
						 "call chatmig_rollback() again.")));
}

/* Drops the tables or, where that cannot be, empties them of its rows. */
static void
take_back(Rollback *rollback)
{
	const TargetTable last = NUM_ID_TABLES - 1;
	char *reason = find_reason_to_keep(rollback);

	if (rollback->dry_run)
	{
		if (reason != NULL)
			say_kept(rollback, 0, last, reason);
		return;
	}

	if (reason == NULL)
		reason = drop_tables(rollback, 0, last);
	if (reason != NULL)
	{
		delete_rows(rollback);
		say_kept(rollback, 0, last, reason);
	}

	/* The trace is needed until here. */
	reason = drop_tables(rollback, TARGET_TRACE, TARGET_TRACE);
	if (reason != NULL)
	{
		chatmig_query_run(
			psprintf("DELETE FROM %s", rollback->tables[TARGET_TRACE]), NULL);
		say_kept(rollback, TARGET_TRACE, TARGET_TRACE, reason);
	}
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
			return psprintf("%s also holds rows that the migration did not "
							"make: " INT64_FORMAT ".",
							rollback->tables[i], rollback->added[i]);
	}
	return NULL;
}

/* Runs as the tables' owners, as these may have triggers. */
static void
delete_rows(const Rollback *rollback)
{
	static const TargetTable order[NUM_ID_TABLES] = {
		TARGET_MESSAGES, TARGET_CONVERSATIONS, TARGET_MEDIA};

	for (int i = 0; i < lengthof(order); i++)
	{
		const char *table = rollback->tables[order[i]];
		int64 expected = rollback->migrated[order[i]];
		RoleState role;
		int64 deleted;

		if (table == NULL)
			continue;
		chatmig_caller_become(&role,
							  owner_of(rollback->targets.tables[order[i]]));
		deleted =
			chatmig_query_run(psprintf("DELETE FROM %s AS t WHERE %s", table,
									   is_migrated(rollback, order[i], "t.id")),
							  NULL);
		chatmig_caller_resume(&role);
		if (deleted != expected)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("migration \"%s\" cannot be rolled back: not all "
							"of its rows in %s could be deleted",
							rollback->name, table),
					 errdetail(INT64_FORMAT " of " INT64_FORMAT
											" rows were deleted.",
							   deleted, expected),
					 errhint("Look for triggers and rules on the table, and "
							 "disable them for the rollback.")));
	}
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

/* SQL: is the value the id of a row that the migration made in the table? */
static char *
is_migrated(const Rollback *rollback, TargetTable target, const char *value)
{
	return psprintf("EXISTS (SELECT FROM (SELECT %s AS id FROM %s) AS k "
					"WHERE k.id = %s)",
					traced_ids[target], rollback->tables[TARGET_TRACE], value);
}

/* Runs SELECT count(*), example under the active snapshot. */
static Finding
find_rows(const char *sql)
{
	Finding finding = {.context = CurrentMemoryContext};

	chatmig_query_stream(sql, NULL, true, NULL, store_finding, &finding);
	return finding;
}

static void
store_finding(TupleTableSlot *slot, void *state)
{
	Finding *finding = state;

	slot_getallattrs(slot);
	finding->count = DatumGetInt64(slot->tts_values[0]);
	if (!slot->tts_isnull[1])
	{
		MemoryContext old = MemoryContextSwitchTo(finding->context);

		finding->example = TextDatumGetCString(slot->tts_values[1]);
		MemoryContextSwitchTo(old);
	}
}

static Oid
owner_of(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
