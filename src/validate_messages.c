/*
 * validate_messages.c
 *	  Each half of a legacy row against the message that was made of it.
 *
 * In: a plan that has been migrated. Out: one query that joins the trace, the
 * legacy rows that have not changed since, the messages and the conversations,
 * in full, and says where a half and its message differ. Its rows are all the
 * messages of all conversations, in their order, for validate_walk.c.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "relation.h"
#include "validate_compare.h"
#include "validate_transcript.h"
#include "validate_walk.h"

static char *query(const MigrationPlan *plan, bool is_partial);
static char *is_owners(const MigrationPlan *plan);
static char *findings(const MigrationPlan *plan);
static const char *message_id(const Mapping *mapping);
static char *row_time(const MigrationPlan *plan);
static char *is_apart(const MigrationPlan *plan);
static char *without_message(const MigrationPlan *plan);
static char *differing(const MigrationPlan *plan, const char *content);
static char *joins(const MigrationPlan *plan, bool is_partial);
static char *conversations(const MigrationPlan *plan, bool is_partial);
static char *table(const MigrationPlan *plan, TargetTable table,
				   const char *column, bool is_partial);

void
chatmig_validate_messages(Validation *validation)
{
	const Survey *survey = &validation->survey;
	bool is_partial = survey->is_made && !survey->is_full;
	QueryArgs args = {0};

	if (validation->plan == NULL || (is_partial && survey->nsuspects == 0))
		return;
	/* the walk also sees where the trace names a message twice */
	if (!chatmig_validate_wants(validation, CHECK_MESSAGE_MISSING,
								CHECK_CONVERSATION_TIMES) &&
		!chatmig_validate_wants(validation, CHECK_LEDGER, CHECK_LEDGER))
		return;
	if (is_partial)
		chatmig_validate_suspects_arg(validation, &args);
	chatmig_validate_walk(validation, query(validation->plan, is_partial),
						  &args);
}

/* The columns are those of validate_rows.h, in that order. */
static char *
query(const MigrationPlan *plan, bool is_partial)
{
	const Mapping *mapping = plan->mapping;
	char *own_time = chatmig_validate_compare_own_time(mapping);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"SELECT coalesce(m.conversation_id, t.conversation_id, k.id), "
		"k.is_present IS TRUE, k.expected, k.created_at, k.updated_at, "
		"%s, "
		"m.id, m.\"position\", m.created_at, t.key_1 IS NOT NULL, h.part, "
		"%s IS NOT NULL, "
		"m.conversation_id IS DISTINCT FROM t.conversation_id, "
		"CASE WHEN %s THEN %s ELSE m.created_at END, "
		"%s, %s, %s, %s, %s, %s",
		is_owners(plan), message_id(mapping), own_time,
		chatmig_validate_compare_half_time(plan), own_time, row_time(plan),
		is_apart(plan), findings(plan), differing(plan, "h.content"),
		differing(plan, "m.content::text"));
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, ", t.key_%d", i + 1);
	appendStringInfo(&sql, " FROM %s ORDER BY 1, 8", joins(plan, is_partial));
	return sql.data;
}

/* Its times may have begun, and ended, with its owner. */
static char *
is_owners(const MigrationPlan *plan)
{
	if (!plan->uses[TARGET_OWNERS])
		return pstrdup("false");
	return psprintf("EXISTS (SELECT FROM %s AS r "
					"WHERE r.conversation_id = k.id)",
					plan->qualified[TARGET_OWNERS]);
}

/*
 * What is wrong with a half: an array of a check's number, a blank and a
 * sentence without its subject; NULL if nothing is. What is missing, or should
 * not be there at all, is not compared any further.
 */
static char *
findings(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	bool is_transcript = mapping->shape == SHAPE_TRANSCRIPT;
	char *expected =
		is_transcript
			? pstrdup("h.is_expected")
			: psprintf("(h.content <> '' OR (h.part = 1 AND %s)) IS TRUE",
					   chatmig_validate_sql_has_media(mapping));
	RowTests tests = {0};
	StringInfoData all;

	chatmig_validate_compare(plan, &tests);
	initStringInfo(&all);
	for (int i = 0; i < tests.n; i++)
		appendStringInfo(&all, "%sCASE WHEN %s THEN '%d ' || %s END",
						 i > 0 ? ", " : "", tests.list[i].condition,
						 tests.list[i].check, tests.list[i].detail);
	return psprintf(
		"CASE WHEN %s IS NULL THEN NULL "
		"WHEN m.id IS NULL THEN CASE "
		"WHEN %s%s THEN NULL "
		"%sWHEN %s THEN ARRAY['%d ' || "
		"CASE WHEN %s IS NULL "
		"THEN 'is not empty, but no message was made of it.' "
		"ELSE format('is lost: there is no message %%s%%s.', "
		"%s, CASE WHEN k.is_present IS NOT TRUE "
		"THEN format(', nor its conversation %%s', t.conversation_id) END) "
		"END] END "
		"WHEN NOT (%s) "
		"THEN ARRAY['%d is %s, but a message was made of it.'] "
		"WHEN %s THEN array_remove(ARRAY[%s], NULL) END",
		chatmig_validate_sql_column(&mapping->keys[0]),
		plan->uses[TARGET_CONVERSATIONS] ? "k.is_present IS NOT TRUE AND " : "",
		chatmig_validate_sql_is_deleted(plan, "t.conversation_id"),
		is_transcript ? without_message(plan) : "", expected,
		CHECK_MESSAGE_MISSING, message_id(mapping), message_id(mapping),
		expected, CHECK_MESSAGE_UNEXPECTED, is_transcript ? "none" : "empty",
		chatmig_validate_sql_any(&tests), all.data);
}

/* By the trace; an array of many is not searched for each of them. */
static const char *
message_id(const Mapping *mapping)
{
	return mapping->shape == SHAPE_TRANSCRIPT ? "h.id"
											  : "t.message_ids[h.part]";
}

/*
 * The time by which rows are in order; of a transcript, not its messages'. What
 * a row without a time has been given is not known where it was rounded, or
 * moved apart from others.
 */
static char *
row_time(const MigrationPlan *plan)
{
	char *time = chatmig_validate_sql_time(plan);

	if (plan->mapping->shape == SHAPE_TRANSCRIPT ||
		plan->time_precision < MAX_TIMESTAMP_PRECISION || plan->keeps_apart)
		return psprintf("CASE WHEN %s THEN %s END",
						chatmig_validate_compare_row_time(plan->mapping), time);
	return psprintf("CASE WHEN %s THEN %s ELSE m.created_at END",
					chatmig_validate_compare_own_time(plan->mapping), time);
}

/* Only where readers sort by time alone. */
static char *
is_apart(const MigrationPlan *plan)
{
	if (!plan->keeps_apart || plan->mapping->time_kind == TIME_NONE)
		return pstrdup("false");
	return psprintf("CASE WHEN %s THEN m.created_at > %s ELSE false END",
					chatmig_validate_compare_own_time(plan->mapping),
					chatmig_validate_compare_written_time(plan));
}

/*
 * Of a transcript. Who is among the rejected is not missing, also where the
 * role has been explained since; and what is no message must be among them.
 */
static char *
without_message(const MigrationPlan *plan)
{
	/* the subquery depends on nothing, so it is read once, and hashed */
	return psprintf(
		"WHEN h.id IS NULL AND (NOT h.is_element OR (%s, h.part) IN (SELECT "
		"j.legacy_key, j.part FROM %s.chatmig_rejects AS j "
		"WHERE j.migration = %s)) THEN NULL "
		"WHEN h.id IS NULL AND NOT h.is_expected "
		"THEN ARRAY['%d is neither migrated nor rejected.'] ",
		chatmig_validate_sql_key(plan->mapping, "t.key_%d"),
		chatmig_ledger_schema(), quote_literal_cstr(plan->name),
		CHECK_MESSAGE_MISSING);
}

/* A content, where the two contents differ: the walk says in which bytes. */
static char *
differing(const MigrationPlan *plan, const char *content)
{
	return psprintf("CASE WHEN %s IS NOT NULL AND m.id IS NOT NULL "
					"AND " CONTENTS_DIFFER " THEN %s END",
					chatmig_validate_sql_column(&plan->mapping->keys[0]),
					content);
}

/*
 *	  t		the trace
 *	  s		the legacy row, unless it has changed or gone since
 *	  d		the row's medium
 *	  h		a part of the row: part, content, role
 *	  m		the message
 *	  k		the message's conversation
 */
static char *
joins(const MigrationPlan *plan, bool is_partial)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "(%s AS t LEFT JOIN %s AS s ON %s "
					 "AND %s = t.fingerprint",
					 table(plan, TARGET_TRACE, "conversation_id", is_partial),
					 plan->source_rows,
					 chatmig_validate_sql_same_key(plan->mapping),
					 plan->fingerprint);
	if (plan->has_media)
		appendStringInfo(&sql, " LEFT JOIN %s AS d ON d.id = t.media_id",
						 plan->relation[TARGET_MEDIA]);
	appendStringInfo(
		&sql,
		" CROSS JOIN LATERAL %s)"
		" FULL JOIN %s AS m ON m.id = %s"
		" FULL JOIN (%s) AS k ON k.id = "
		"coalesce(m.conversation_id, t.conversation_id)",
		plan->mapping->shape == SHAPE_TRANSCRIPT
			? chatmig_validate_transcript_parts(plan)
			: chatmig_validate_sql_halves(plan->mapping),
		table(plan, TARGET_MESSAGES, "conversation_id", is_partial),
		message_id(plan->mapping), conversations(plan, is_partial));
	return sql.data;
}

/*
 * Conversations that are there, that the trace has, or both; and how many
 * messages the trace has in each: NULL for one of the application's own.
 * Without a table of conversations, one that was deleted on purpose is the
 * application's own as soon as it goes on.
 */
static char *
conversations(const MigrationPlan *plan, bool is_partial)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT coalesce(c.id, r.conversation_id) "
								 "AS id, c.id IS NOT NULL AS is_present, "
								 "r.expected, c.metadata, c.created_at, "
								 "c.updated_at");
	if (plan->owner_column)
		appendStringInfo(&sql, ", c.%s AS owner",
						 quote_identifier(plan->owner_column));
	if (plan->counterpart_column)
		appendStringInfo(&sql, ", c.%s AS counterpart",
						 quote_identifier(plan->counterpart_column));
	appendStringInfo(
		&sql,
		" FROM %s AS c FULL JOIN (SELECT r.conversation_id, "
		"sum(r.n)::bigint AS expected FROM ("
		"SELECT r.conversation_id, "
		"cardinality(array_remove(r.message_ids, NULL)) AS n "
		"FROM %s AS r%s%s) AS r GROUP BY r.conversation_id) AS r "
		"ON r.conversation_id = c.id",
		table(plan, TARGET_CONVERSATIONS, "id", is_partial),
		table(plan, TARGET_TRACE, "conversation_id", is_partial),
		plan->uses[TARGET_CONVERSATIONS]
			? ""
			: psprintf(" WHERE NOT %s", chatmig_validate_sql_is_deleted(
											plan, "r.conversation_id")),
		plan->uses[TARGET_OWNERS]
			? psprintf(" UNION ALL SELECT r.conversation_id, 0 "
					   "FROM %s AS r",
					   plan->qualified[TARGET_OWNERS])
			: "");
	return sql.data;
}

/* A table, or of it what belongs to the suspects. */
static char *
table(const MigrationPlan *plan, TargetTable table, const char *column,
	  bool is_partial)
{
	char *relation = table == TARGET_MESSAGES
						 ? chatmig_relation_read_whole(plan)
						 : plan->relation[table];

	if (!is_partial)
		return relation;
	return psprintf("(SELECT x.* FROM %s AS x WHERE x.%s = ANY ($1))", relation,
					column);
}
