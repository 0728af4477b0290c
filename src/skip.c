/*
 * skip.c
 *	  Legacy rows that are left alone, because of what the target holds.
 *
 * In: a plan. Out: SQL. Only a target that was there before can hold anything
 * that is not of this migration. An owner who has conversations there, and none
 * of this migration, is left alone unless forced. Of an owner who has both, and
 * of one who is forced, each row is, whose messages the others' hold: while an
 * application writes both tables, nothing comes twice.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "read_media.h"
#include "relation.h"
#include "skip.h"

/* A message of the application counts as the same up to so far apart. */
#define SAME_TIME "interval '1 minute'"

static char *in_place(const MigrationPlan *plan);
static char *owner_has_made(const MigrationPlan *plan);
static char *owner_has_others(const MigrationPlan *plan);
static char *owner_has(const MigrationPlan *plan, const char *which);
static char *is_there(const MigrationPlan *plan, const char *time);
static char *half_is_there(const MigrationPlan *plan, Part part,
						   const char *time);
static char *has_no_medium(const MigrationPlan *plan, Part part);
static char *column(const MigrationPlan *plan, Part part);

char *
chatmig_skip_condition(const MigrationPlan *plan, const char *time)
{
	if (plan->in_place)
		return in_place(plan);
	if (plan->uses[TARGET_CONVERSATIONS]
			? !chatmig_plan_fills(plan, TARGET_CONVERSATIONS)
			: !chatmig_plan_fills(plan, TARGET_MESSAGES))
		return pstrdup("false");
	if (!plan->migrated)
		return psprintf("CASE WHEN %s THEN %s ELSE false END",
						owner_has(plan, ""),
						plan->force ? is_there(plan, time) : "true");
	return psprintf("CASE WHEN t.key_1 IS NULL AND %s THEN %s%s ELSE false END",
					owner_has_others(plan),
					plan->force ? ""
								: psprintf("NOT %s OR ", owner_has_made(plan)),
					is_there(plan, time));
}

char *
chatmig_skip_made(const MigrationPlan *plan)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT r.conversation_id FROM %s AS r",
					 plan->qualified[TARGET_TRACE]);
	if (plan->uses[TARGET_OWNERS])
		appendStringInfo(&sql,
						 " UNION ALL SELECT r.conversation_id FROM %s AS r",
						 plan->qualified[TARGET_OWNERS]);
	return sql.data;
}

/*
 * Who stays where he is has no owner with conversations of others: the rows
 * themselves say whether they are in one. Later, a row without one may be one
 * that the application means to stand alone.
 */
static char *
in_place(const MigrationPlan *plan)
{
	char *in_one = psprintf(
		"s.%s IS NOT NULL",
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_CONVERSATION));

	if (!plan->migrated)
		return in_one;
	if (plan->force)
		return psprintf("(t.key_1 IS NULL AND %s)", in_one);
	return psprintf(
		"(t.key_1 IS NULL AND (%s OR (%s >= %s::timestamptz) IS NOT FALSE))",
		in_one,
		chatmig_relation_time(
			plan, TARGET_MESSAGES, FIELD_CREATED_AT,
			psprintf("s.%s", chatmig_relation_column(plan, TARGET_MESSAGES,
													 FIELD_CREATED_AT))),
		quote_literal_cstr(timestamptz_to_str(plan->migrated_at)));
}

/* The owner has conversations of this migration; has others, made by others. */
static char *
owner_has_made(const MigrationPlan *plan)
{
	return owner_has(plan,
					 psprintf(" AND c.id IN (%s)", chatmig_skip_made(plan)));
}

static char *
owner_has_others(const MigrationPlan *plan)
{
	/* not IN: that is no join, and looks at all of them for each row */
	return owner_has(plan, psprintf(" AND NOT EXISTS (SELECT FROM (%s) AS r "
									"WHERE r.conversation_id = c.id)",
									chatmig_skip_made(plan)));
}

/* which: a further condition on the conversation c. */
static char *
owner_has(const MigrationPlan *plan, const char *which)
{
	const char *relation = plan->relation[TARGET_CONVERSATIONS];
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	const char *target;
	char *value;

	if (plan->owner_column == NULL)
		return psprintf("EXISTS (SELECT FROM %s AS c WHERE true%s)", relation,
						which);
	target = quote_identifier(plan->owner_column);
	value = column(plan, PART_OWNER);
	return psprintf(
		"(CASE WHEN %s IS NULL THEN EXISTS (SELECT FROM %s AS c "
		"WHERE c.%s IS NULL%s) ELSE %s %s ANY (SELECT c.%s FROM %s AS c "
		"WHERE c.%s IS NOT NULL%s) END)",
		value, relation, target, which, value,
		chatmig_plan_equality(owner->type), target, relation, target, which);
}

/* Every half of the row that is not empty is a message of its owner. */
static char *
is_there(const MigrationPlan *plan, const char *time)
{
	switch (plan->mapping->shape)
	{
		case SHAPE_PAIR:
			return psprintf("(%s AND %s)",
							half_is_there(plan, PART_QUESTION, time),
							half_is_there(plan, PART_ANSWER, time));
		case SHAPE_FLAT:
			return half_is_there(plan, PART_CONTENT, time);
		default:
			return pstrdup("false");
	}
}

static char *
half_is_there(const MigrationPlan *plan, Part part, const char *time)
{
	const Mapping *mapping = plan->mapping;
	char *content = psprintf("%s::text", column(plan, part));
	bool has_owner =
		plan->fields[TARGET_MESSAGES] != NULL &&
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_OWNER) != NULL;
	StringInfoData sql;

	initStringInfo(&sql);
	/* by hashes first: they are looked up, and few rows are there */
	appendStringInfo(&sql,
					 "CASE WHEN coalesce(%s, '') = '' THEN %s "
					 "ELSE hashtextextended(%s, 0) = ANY "
					 "(SELECT hashtextextended(x.content, 0) FROM %s AS x) "
					 "AND EXISTS (SELECT FROM %s AS x%s WHERE x.content = %s",
					 content, has_no_medium(plan, part), content,
					 plan->relation[TARGET_MESSAGES],
					 plan->relation[TARGET_MESSAGES],
					 has_owner ? ""
							   : psprintf(" JOIN %s AS c "
										  "ON c.id = x.conversation_id",
										  plan->relation[TARGET_CONVERSATIONS]),
					 content);
	if (mapping->shape == SHAPE_PAIR)
		appendStringInfo(
			&sql, " AND x.role = %s",
			quote_literal_cstr(
				chatmig_role_names[part == PART_QUESTION ? ROLE_USER
														 : ROLE_ASSISTANT]));
	if (plan->owner_column)
	{
		char *owner = psprintf("%s.%s", has_owner ? "x" : "c",
							   quote_identifier(plan->owner_column));
		char *value = column(plan, PART_OWNER);

		appendStringInfo(&sql, " AND (%s %s %s OR num_nulls(%s, %s) = 2)",
						 owner,
						 chatmig_plan_equality(mapping->parts[PART_OWNER].type),
						 value, owner, value);
	}
	if (time != NULL)
		appendStringInfo(&sql,
						 " AND x.created_at BETWEEN %s - " SAME_TIME
						 " AND %s + " SAME_TIME,
						 time, time);
	if (plan->migrated)
		appendStringInfo(&sql,
						 " AND NOT EXISTS (SELECT FROM (%s) AS r "
						 "WHERE r.conversation_id = x.conversation_id)",
						 chatmig_skip_made(plan));
	appendStringInfoString(&sql, ") END");
	return sql.data;
}

/* A medium without a word is not known to be there. */
static char *
has_no_medium(const MigrationPlan *plan, Part part)
{
	if (part == PART_ANSWER)
		return pstrdup("true");
	if (plan->mapping->media_in_metadata)
		return psprintf("(%s) IS NULL", chatmig_read_media_url(plan));
	if (!HAS_PART(plan->mapping, PART_MEDIA))
		return pstrdup("true");
	return psprintf("coalesce(%s::text, '') = ''", column(plan, PART_MEDIA));
}

static char *
column(const MigrationPlan *plan, Part part)
{
	return psprintf("s.%s", quote_identifier(plan->mapping->parts[part].name));
}
