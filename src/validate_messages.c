/*
 * validate_messages.c
 *	  Each half of a legacy row against the message that was made of it.
 *
 * In: a plan that has been migrated. Out: one query that joins the trace, the
 * legacy rows that have not changed since, the messages and the conversations,
 * in full, and compares what each half must have become with what is there.
 * Its rows are all messages of all conversations in their order, which
 * validate_walk.c then walks along.
 *
 *	  t		the trace
 *	  s		the legacy row, unless it has changed or gone since
 *	  d		the row's medium
 *	  h		a part of the row: part, content, role
 *	  m		the message
 *	  k		the message's conversation, and how many messages the trace has
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "validate_sql.h"
#include "validate_walk.h"

#define MAX_COMPARISONS 16

/* What may differ between a half and its message; all on one row. */
typedef struct Comparison
{
	Check check;
	char *condition; /* never NULL; true: they differ */
	char *detail;	 /* text, goes on after "The answer of legacy key 17" */
} Comparison;

typedef struct Comparisons
{
	int n;
	Comparison list[MAX_COMPARISONS];
} Comparisons;

static char *query(const MigrationPlan *plan);
static char *joins(const MigrationPlan *plan);
static char *conversations(const MigrationPlan *plan);
static char *findings(const MigrationPlan *plan);
static char *missing(void);
static void compare(Comparisons *comparisons, Check check,
					const char *condition, const char *detail);
static void compare_all(Comparisons *comparisons, const MigrationPlan *plan);
static void compare_group(Comparisons *comparisons,
						  const MigrationPlan *plan);
static void compare_column(Comparisons *comparisons, const MigrationPlan *plan,
						   Part part, const char *column, const char *what);
static void compare_session(Comparisons *comparisons,
							const MigrationPlan *plan);
static void compare_time(Comparisons *comparisons, const MigrationPlan *plan);
static void compare_labels(Comparisons *comparisons, const Mapping *mapping);
static void compare_reply(Comparisons *comparisons, const MigrationPlan *plan);
static void compare_media(Comparisons *comparisons, const MigrationPlan *plan);
static char *has_own_time(const Mapping *mapping);
static char *part_column(const Mapping *mapping, Part part);

void
chatmig_validate_messages(Validation *validation)
{
	if (validation->plan == NULL ||
		!chatmig_validate_wants(validation, CHECK_MESSAGE_MISSING,
								CHECK_CONVERSATION_TIMES))
		return;
	chatmig_validate_walk(validation, query(validation->plan));
}

/* The columns are those of validate_walk.h, in that order. */
static char *
query(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"SELECT coalesce(m.conversation_id, t.conversation_id, k.id), "
		"k.present IS TRUE, k.expected, k.created_at, k.updated_at, "
		"m.id, m.\"position\", m.created_at, t.key_1 IS NOT NULL, h.part, "
		"t.message_ids[h.part] IS NOT NULL, "
		"m.conversation_id IS DISTINCT FROM t.conversation_id, "
		"CASE WHEN %s THEN %s ELSE m.created_at END, "
		"%s IS TRUE OR m.id IS NOT NULL, %s, ",
		has_own_time(mapping), chatmig_validate_sql_time(plan),
		has_own_time(mapping), findings(plan));
	appendStringInfo(
		&sql,
		"CASE WHEN m.id IS NOT NULL AND %s IS NOT NULL AND " CONTENT_DIFFERS
		" THEN h.content END, "
		"CASE WHEN m.id IS NOT NULL AND %s IS NOT NULL AND " CONTENT_DIFFERS
		" THEN m.content::text END",
		chatmig_validate_sql_column(&mapping->keys[0]),
		chatmig_validate_sql_column(&mapping->keys[0]));
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, ", t.key_%d", i + 1);
	appendStringInfo(&sql, " FROM %s ORDER BY 1, 7", joins(plan));
	return sql.data;
}

static char *
joins(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "(%s AS t LEFT JOIN %s AS s ON %s "
					 "AND %s.chatmig_fingerprint(s.*) = t.fingerprint",
					 plan->qualified[TARGET_TRACE], plan->source_name,
					 chatmig_validate_sql_same_key(mapping),
					 chatmig_ledger_schema());
	if (plan->has_media)
		appendStringInfo(&sql, " LEFT JOIN %s AS d ON d.id = t.media_id",
						 plan->qualified[TARGET_MEDIA]);
	appendStringInfo(&sql,
					 " CROSS JOIN LATERAL %s)"
					 " FULL JOIN %s AS m ON m.id = t.message_ids[h.part]"
					 " FULL JOIN (%s) AS k"
					 " ON k.id = coalesce(m.conversation_id, t.conversation_id)",
					 chatmig_validate_sql_halves(mapping),
					 plan->qualified[TARGET_MESSAGES], conversations(plan));
	return sql.data;
}

/* Conversations that are there, that the trace has, or both. */
static char *
conversations(const MigrationPlan *plan)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT coalesce(c.id, r.conversation_id) "
								 "AS id, c.id IS NOT NULL AS present, "
								 "r.expected, c.metadata, c.created_at, "
								 "c.updated_at");
	if (plan->owner_column)
		appendStringInfo(&sql, ", c.%s AS owner",
						 quote_identifier(plan->owner_column));
	if (plan->counterpart_column)
		appendStringInfo(&sql, ", c.%s AS counterpart",
						 quote_identifier(plan->counterpart_column));
	appendStringInfo(&sql,
					 " FROM %s AS c FULL JOIN (SELECT r.conversation_id, "
					 "sum(cardinality(array_remove(r.message_ids, NULL)))"
					 "::bigint AS expected FROM %s AS r "
					 "GROUP BY r.conversation_id) AS r "
					 "ON r.conversation_id = c.id",
					 plan->qualified[TARGET_CONVERSATIONS],
					 plan->qualified[TARGET_TRACE]);
	return sql.data;
}

/*
 * What is wrong with a half: an array of a check's number, a blank and a
 * sentence without its subject; NULL if nothing is. What is missing, or should
 * not be there at all, is not compared any further.
 */
static char *
findings(const MigrationPlan *plan)
{
	char *expected =
		psprintf("(h.content <> '' OR (h.part = 1 AND %s))",
				 chatmig_validate_sql_has_media(plan->mapping));
	Comparisons comparisons = {0};
	StringInfoData any;
	StringInfoData all;

	compare_all(&comparisons, plan);
	initStringInfo(&any);
	initStringInfo(&all);
	for (int i = 0; i < comparisons.n; i++)
	{
		const Comparison *comparison = &comparisons.list[i];

		appendStringInfo(&any, "%s%s", i > 0 ? " OR " : "",
						 comparison->condition);
		appendStringInfo(&all, "%sCASE WHEN %s THEN '%d ' || %s END",
						 i > 0 ? ", " : "", comparison->condition,
						 comparison->check, comparison->detail);
	}
	return psprintf("CASE WHEN %s IS NULL THEN NULL "
					"WHEN %s IS TRUE AND m.id IS NULL "
					"THEN ARRAY['%d ' || %s] "
					"WHEN %s IS NOT TRUE AND m.id IS NOT NULL "
					"THEN ARRAY['%d is empty, but a message was made of it.'] "
					"WHEN m.id IS NOT NULL AND (%s) "
					"THEN array_remove(ARRAY[%s], NULL) END",
					chatmig_validate_sql_column(&plan->mapping->keys[0]),
					expected, CHECK_MESSAGE_MISSING, missing(), expected,
					CHECK_MESSAGE_UNEXPECTED, any.data, all.data);
}

static char *
missing(void)
{
	return "CASE WHEN t.message_ids[h.part] IS NULL "
		   "THEN 'is not empty, but no message was made of it.' "
		   "ELSE format('is lost: there is no message %s%s.', "
		   "t.message_ids[h.part], CASE WHEN k.present IS NOT TRUE "
		   "THEN format(', nor its conversation %s', t.conversation_id) END) "
		   "END";
}

static void
compare(Comparisons *comparisons, Check check, const char *condition,
		const char *detail)
{
	Assert(comparisons->n < MAX_COMPARISONS);
	comparisons->list[comparisons->n++] =
		(Comparison){check, pstrdup(condition), pstrdup(detail)};
}

static void
compare_all(Comparisons *comparisons, const MigrationPlan *plan)
{
	/* validate_walk.c says where the contents differ */
	compare(comparisons, CHECK_MESSAGE_CONTENT, "(" CONTENT_DIFFERS ")",
			"''");
	compare(comparisons, CHECK_MESSAGE_ROLE,
			"(m.role::text COLLATE \"C\") IS DISTINCT FROM h.role",
			"format('has the role %L, not %L.', m.role, h.role)");
	compare_time(comparisons, plan);
	compare_group(comparisons, plan);
	compare_labels(comparisons, plan->mapping);
	chatmig_validate_compare_metadata(plan, comparisons, compare_metadata);
	compare_reply(comparisons, plan);
	if (plan->has_media)
		compare_media(comparisons, plan);
}
