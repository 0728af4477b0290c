/*
 * rollback_copy.c
 *	  Whether what a rollback would delete is the only copy.
 *
 * In come the tables that rollback.c has found and locked, and the source as
 * it is registered. Errors if legacy rows whose messages or media are there
 * do not exist any more, or a column that was read has gone, or if nobody can
 * tell. Looks at keys alone: a legacy row that was changed since is there.
 * Reads only.
 *
 * Everything is read as one role, the trace's owner. So that a view's
 * functions get no other rights than their owner's, the source must be that
 * role's too; and so that no cast of anybody's is called, the keys must have
 * the same types on both sides.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "plan.h"
#include "rollback_copy.h"
#include "rollback_find.h"

static char *find_obstacle(const Rollback *rollback, List *keys);
static char *find_key_obstacle(const Rollback *rollback, const char *key,
							   const char *traced);
static char *find_dropped(const Rollback *rollback);
static char *is_gone(const Rollback *rollback, List *keys);
static Finding find_lost(const Rollback *rollback, int nkeys,
						 const char *condition);
static char *has_left(const Rollback *rollback);
static void refuse_without_source(const Rollback *rollback,
								  const Finding *lost);
static void refuse_unknown(const Rollback *rollback, const char *obstacle,
						   const Finding *lost);
static void refuse_dropped(const Rollback *rollback, const char *column,
						   const Finding *lost);
static void refuse_deleted(const Rollback *rollback, const Finding *lost);

void
chatmig_rollback_check_copy(const Rollback *rollback)
{
	List *keys = chatmig_arguments_strings(rollback->mapping, "mapping", "key");
	bool is_there = rollback->source_name != NULL;
	char *obstacle = is_there ? find_obstacle(rollback, keys) : NULL;
	char *dropped = is_there ? find_dropped(rollback) : NULL;
	bool is_readable = is_there && obstacle == NULL && dropped == NULL;
	Finding lost;

	if (is_readable)
		chatmig_plan_lock_below(rollback->source, rollback->source_name,
								GetUserId());
	/* As in chatmig_rollback_check(). */
	PushActiveSnapshot(GetLatestSnapshot());
	lost = find_lost(rollback, list_length(keys),
					 is_readable ? is_gone(rollback, keys) : "true");
	PopActiveSnapshot();

	if (lost.count == 0)
		return;
	if (!is_there)
		refuse_without_source(rollback, &lost);
	else if (obstacle != NULL)
		refuse_unknown(rollback, obstacle, &lost);
	else if (dropped != NULL)
		refuse_dropped(rollback, dropped, &lost);
	else
		refuse_deleted(rollback, &lost);
}

/* A sentence, or NULL if the source can be compared with the trace. */
static char *
find_obstacle(const Rollback *rollback, List *keys)
{
	char *obstacle = NULL;

	if (rollback->source_owner != GetUserId())
		return psprintf("%s and the trace %s have different owners now.",
						rollback->source_name, rollback->tables[TARGET_TRACE]);
	for (int i = 0; i < list_length(keys) && obstacle == NULL; i++)
		obstacle = find_key_obstacle(rollback, list_nth(keys, i),
									 psprintf("key_%d", i + 1));
	return obstacle;
}

static char *
find_key_obstacle(const Rollback *rollback, const char *key, const char *traced)
{
	const Oid trace = rollback->targets.tables[TARGET_TRACE];
	AttrNumber attnum = get_attnum(rollback->source, key);
	Oid type;
	Oid traced_type;

	if (attnum == InvalidAttrNumber)
		return psprintf("%s has no column \"%s\" any more, which was its key.",
						rollback->source_name, key);
	type = get_atttype(rollback->source, attnum);
	traced_type = get_atttype(trace, get_attnum(trace, traced));
	if (type == traced_type)
		return NULL;
	return psprintf("The key \"%s\" of %s has the type %s, and that of the "
					"trace has %s.",
					key, rollback->source_name, format_type_be(type),
					format_type_be(traced_type));
}

/*
 * A column that plays a part and that the source does not have any more, or
 * NULL. Rows that stayed where they are may have lost their owner so, and then
 * only their conversation knows whose they are.
 */
static char *
find_dropped(const Rollback *rollback)
{
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		char *column;

		if (part == PART_MEDIA &&
			chatmig_arguments_object(rollback->mapping, "mapping",
									 chatmig_part_names[part]) != NULL)
			continue;
		column = chatmig_arguments_string(rollback->mapping, "mapping",
										  chatmig_part_names[part]);
		if (column != NULL &&
			get_attnum(rollback->source, column) == InvalidAttrNumber)
			return column;
	}
	return NULL;
}

/* A condition: the source has no row with the key of t, a row of the trace. */
static char *
is_gone(const Rollback *rollback, List *keys)
{
	const Oid trace = rollback->targets.tables[TARGET_TRACE];
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "NOT EXISTS (SELECT FROM %s AS s WHERE ",
					 rollback->source_name);
	for (int i = 0; i < list_length(keys); i++)
	{
		Oid type;
		int32 typmod;
		Oid collation;

		get_atttypetypmodcoll(trace,
							  get_attnum(trace, psprintf("key_%d", i + 1)),
							  &type, &typmod, &collation);
		appendStringInfo(&sql, "%ss.%s %s t.key_%d", i > 0 ? " AND " : "",
						 quote_identifier(list_nth(keys, i)),
						 chatmig_plan_equality(type), i + 1);
		/* the source's may be another one by now */
		if (OidIsValid(collation))
			appendStringInfo(&sql, " COLLATE %s",
							 generate_collation_name(collation));
	}
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/*
 * Rows of the trace that meet the condition and have messages or media. These
 * are looked for one by one, and so for the few rows alone that need it.
 */
static Finding
find_lost(const Rollback *rollback, int nkeys, const char *condition)
{
	StringInfoData keys;
	StringInfoData text;

	initStringInfo(&keys);
	initStringInfo(&text);
	for (int i = 1; i <= nkeys; i++)
	{
		appendStringInfo(&keys, "%skey_%d", i > 1 ? ", " : "", i);
		appendStringInfo(&text, "%sformat('%%s', key_%d)", i > 1 ? ", " : "",
						 i);
	}
	return chatmig_rollback_find(psprintf(
		"WITH gone AS MATERIALIZED (SELECT %s, message_ids, media_id "
		"FROM %s AS t WHERE %s), "
		"lost AS MATERIALIZED (SELECT %s FROM gone AS t WHERE %s) "
		"SELECT (SELECT count(*) FROM lost), "
		"(SELECT %s FROM lost ORDER BY %s LIMIT 1)",
		keys.data, rollback->tables[TARGET_TRACE], condition, keys.data,
		has_left(rollback),
		nkeys == 1 ? text.data
				   : psprintf("jsonb_build_array(%s)::text", text.data),
		keys.data));
}

/* A condition: there is something of t, a row of the trace. */
static char *
has_left(const Rollback *rollback)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "false");
	if (rollback->tables[TARGET_MESSAGES] != NULL)
		appendStringInfo(
			&sql,
			" OR EXISTS (SELECT FROM %s AS m "
			"WHERE m.%s = ANY (t.message_ids))",
			rollback->tables[TARGET_MESSAGES],
			chatmig_rollback_column(rollback, TARGET_MESSAGES, FIELD_ID));
	if (rollback->tables[TARGET_MEDIA] != NULL)
		appendStringInfo(
			&sql,
			" OR EXISTS (SELECT FROM %s AS d "
			"WHERE d.%s = t.media_id)",
			rollback->tables[TARGET_MEDIA],
			chatmig_rollback_column(rollback, TARGET_MEDIA, FIELD_ID));
	return sql.data;
}

static void
refuse_without_source(const Rollback *rollback, const Finding *lost)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("migration \"%s\" cannot be rolled back: its legacy table "
				"does not exist any more",
				rollback->name),
		 errdetail("Rows that, as far as chatmig can tell, are in the new "
				   "tables alone: " INT64_FORMAT
				   ", the first of them with key %s.",
				   lost->count, lost->example),
		 errhint("SELECT * FROM chatmig_rollback(%s, force => true) deletes "
				 "this only copy. To keep the new tables and stop using "
				 "chatmig, run DROP EXTENSION chatmig.",
				 quote_literal_cstr(rollback->name))));
}

static void
refuse_unknown(const Rollback *rollback, const char *obstacle,
			   const Finding *lost)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("migration \"%s\" cannot be rolled back: it cannot be told "
				"which rows its legacy table still has",
				rollback->name),
		 errdetail(
			 "%s Rows whose only copy may be in the new tables: " INT64_FORMAT
			 ", the first of them with key %s.",
			 obstacle, lost->count, lost->example),
		 errhint("Undo what changed the tables and call chatmig_rollback() "
				 "again. SELECT * FROM chatmig_rollback(%s, force => true) "
				 "does not look, and deletes the messages, be they the only "
				 "copy.",
				 quote_literal_cstr(rollback->name))));
}

static void
refuse_dropped(const Rollback *rollback, const char *column,
			   const Finding *lost)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("migration \"%s\" cannot be rolled back: column \"%s\" of "
				"its legacy table does not exist any more",
				rollback->name, column),
		 errdetail("Rows of %s for which the new tables alone may hold what "
				   "was in it: " INT64_FORMAT
				   ", the first of them with key %s.",
				   rollback->source_name, lost->count, lost->example),
		 errhint("Put the column back, with what was in it, and call "
				 "chatmig_rollback() again. SELECT * FROM chatmig_rollback(%s, "
				 "force => true) deletes this only copy.",
				 quote_literal_cstr(rollback->name))));
}

static void
refuse_deleted(const Rollback *rollback, const Finding *lost)
{
	const char *name = quote_literal_cstr(rollback->name);

	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("migration \"%s\" cannot be rolled back: rows of its legacy "
				"table have been deleted since",
				rollback->name),
		 errdetail("Rows that are not in %s any more, and whose only copy is "
				   "in the new tables: " INT64_FORMAT
				   ", the first of them with key %s.",
				   rollback->source_name, lost->count, lost->example),
		 errhint("SELECT * FROM chatmig_violations(%s, 'legacy_deleted') "
				 "lists them, as chatmig_validate() does. Put them back, or "
				 "delete their messages, too. SELECT * FROM "
				 "chatmig_rollback(%s, force => true) deletes this only copy.",
				 name, name)));
}
