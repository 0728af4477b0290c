/*
 * rollback_check.c
 *	  What a migration's tables hold, and what forbids to take it back.
 *
 * In come the tables that rollback.c has found and locked. Out go the numbers
 * of migrated and of added rows in each; or an error, if added rows hang on
 * migrated ones, so that these cannot go without deleting or changing those.
 * Reads only.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "query.h"
#include "rollback_check.h"
#include "rollback_find.h"
#include "rollback_link.h"
#include "snapshot.h"

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

/* The ways in which an added message can hang on a migrated row. */
static const struct
{
	Field field;
	TargetTable target;
	const char *reason;
} ties[] = {{FIELD_CONVERSATION, TARGET_CONVERSATIONS,
			 "messages have been added to its conversations"},
			{FIELD_REPLY_TO, TARGET_MESSAGES,
			 "messages that have been added elsewhere reply to its messages"},
			{FIELD_MEDIA, TARGET_MEDIA,
			 "messages that have been added elsewhere use its media"}};

static void lock_referring(List *keys);
static void count_rows(Rollback *rollback);
static int64 count(const char *table, const char *condition);
static void refuse_ties(const Rollback *rollback);
static void refuse_foreign_keys(const Rollback *rollback);
static List *find_foreign_keys(const Rollback *rollback);
static bool add_foreign_key(TupleTableSlot *slot, void *state);
static void refuse_foreign_key(const Rollback *rollback, const ForeignKey *key);

void
chatmig_rollback_check(Rollback *rollback)
{
	/* nobody can add such a key any more, but DDL on its table may go on */
	PushActiveSnapshot(GetLatestSnapshot());
	lock_referring(find_foreign_keys(rollback));
	PopActiveSnapshot();

	/*
	 * Younger than the locks at any isolation level: what was committed while
	 * this call waited for them must not be overlooked.
	 */
	PushActiveSnapshot(GetLatestSnapshot());
	count_rows(rollback);
	refuse_ties(rollback);
	refuse_foreign_keys(rollback);
	PopActiveSnapshot();
}

/* To a snapshot from before an ALTER TABLE they could look empty. */
static void
lock_referring(List *keys)
{
	List *relids = NIL;
	ListCell *lc;

	foreach(lc, keys)
		relids = lappend_oid(relids, ((ForeignKey *) lfirst(lc))->from);
	chatmig_snapshot_lock(relids);
}

static void
count_rows(Rollback *rollback)
{
	if (rollback->tables[TARGET_TRACE] == NULL)
		return;

	rollback->traced = count(rollback->tables[TARGET_TRACE], "true");
	for (int i = 0; i < NUM_ID_TABLES; i++)
	{
		const char *table = rollback->tables[i];
		char *condition;

		if (table == NULL)
			continue;
		condition = chatmig_rollback_is_migrated(
			rollback, i,
			psprintf("t.%s", chatmig_rollback_column(rollback, i, FIELD_ID)));
		rollback->added[i] = count(table, psprintf("NOT %s", condition));
		rollback->migrated[i] = count(table, "true") - rollback->added[i];
	}
	/* without a table of their own, they are what the trace says */
	if (rollback->is_grouped)
		rollback->migrated[TARGET_CONVERSATIONS] =
			chatmig_rollback_find(
				psprintf("SELECT count(DISTINCT conversation_id), NULL::text "
						 "FROM %s",
						 rollback->tables[TARGET_TRACE]))
				.count;
}

static int64
count(const char *table, const char *condition)
{
	return chatmig_rollback_find(
			   psprintf("SELECT count(*), NULL::text FROM %s AS t "
						"WHERE %s",
						table, condition))
		.count;
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
		char *column =
			chatmig_rollback_column(rollback, TARGET_MESSAGES, ties[i].field);
		char *id = psprintf("m.%s", chatmig_rollback_column(
										rollback, TARGET_MESSAGES, FIELD_ID));
		Finding finding;

		if (rollback->tables[ties[i].target] == NULL || column == NULL)
			continue;
		finding = chatmig_rollback_find(psprintf(
			"SELECT count(*), min(%s::text) FROM %s AS m "
			"WHERE NOT %s AND %s",
			id, messages,
			chatmig_rollback_is_migrated(rollback, TARGET_MESSAGES, id),
			chatmig_rollback_is_migrated(rollback, ties[i].target,
										 psprintf("m.%s", column))));
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
							 column)));
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
	for (int i = 0; i < lengthof(ties); i++)
	{
		char *column =
			chatmig_rollback_column(rollback, TARGET_MESSAGES, ties[i].field);

		chatmig_query_text_arg(&args, column);
	}

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
		"quote_ident(f.attname) IN ($3, $4, $5)) "
		"GROUP BY c.oid, c.conrelid, c.confrelid, c.conname "
		"ORDER BY 4, 3",
		&args, false, NULL, add_foreign_key, &keys);
	return keys.list;
}

static bool
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
	return true;
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
	appendStringInfo(
		&sql,
		"SELECT count(*), min(%s) FROM %s AS o "
		"JOIN %s AS t ON %s WHERE %s",
		key->value, key->table, rollback->tables[to], key->join,
		chatmig_rollback_is_migrated(
			rollback, to,
			psprintf("t.%s", chatmig_rollback_column(rollback, to, FIELD_ID))));
	for (int i = 0; i < NUM_ID_TABLES; i++)
		if (rollback->targets.tables[i] == key->from)
			appendStringInfo(&sql, " AND NOT %s",
							 chatmig_rollback_is_migrated(
								 rollback, i,
								 psprintf("o.%s", chatmig_rollback_column(
													  rollback, i, FIELD_ID))));
	if (rollback->tables[TARGET_LINKS] != NULL)
		appendStringInfo(&sql, " AND NOT %s",
						 chatmig_rollback_is_linked(rollback, key->from));

	finding = chatmig_rollback_find(sql.data);
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
