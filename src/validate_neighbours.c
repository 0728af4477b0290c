/*
 * validate_neighbours.c
 *	  Times that a message has from a neighbour, because its row has none.
 *
 * In: a plan. Finds messages of such rows whose time is not that of any row
 * of the same group, nor of another message of the same conversation; and
 * halves of one row with different times. Which neighbour it is, is not
 * looked at: neighbours come and go after a migration, times stay. Where it is
 * still the time, to the millisecond, that the message's id begins with, the
 * neighbour may just be gone: that is a warning.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "validate_sql.h"
#include "validation.h"

static const char *milliseconds_of_id(const MigrationPlan *plan);
static char *query(const MigrationPlan *plan);
static char *no_neighbour(const MigrationPlan *plan, const char *time);
static char *no_row_at(const MigrationPlan *plan, const char *time,
					   const char *at);
static char *messages_of_row(const MigrationPlan *plan);
static char *time_of_any_row(const MigrationPlan *plan, const char *column);
static char *same_group(const Mapping *mapping);

/* Of m, as an id has it: none before 1970, and no more than 48 bits. */
#define MILLISECONDS_OF_TIME                                                   \
	"CASE WHEN m.created_at < '1970-01-01 00:00:00+00' THEN 0 "                \
	"WHEN isfinite(m.created_at) THEN least(281474976710655, "                 \
	"floor(extract(epoch FROM m.created_at) * 1000))::bigint "                 \
	"ELSE 281474976710655 END"

void
chatmig_validate_neighbours(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;

	if (plan == NULL || plan->mapping->time_kind == TIME_NONE ||
		!chatmig_validate_wants(validation, CHECK_MESSAGE_TIME,
								CHECK_MESSAGE_TIME))
		return;
	if (validation->survey.is_made && !validation->survey.has_timeless)
		return;
	chatmig_validate_query(validation, query(plan), NULL);
}

/* The anti-joins are joins by times, whatever the number of such rows. */
static char *
query(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	const char *messages = plan->relation[TARGET_MESSAGES];
	const char *time = quote_identifier(mapping->parts[PART_TIME].name);
	bool is_transcript = mapping->shape == SHAPE_TRANSCRIPT;
	char *key = chatmig_validate_sql_key(mapping, "t.key_%d");
	char *timeless = psprintf(
		"SELECT %d, CASE WHEN %s = %s THEN %d ELSE %d END, %s, "
		"m.conversation_id::text, m.id::text, "
		"format('The row with legacy key %%s has no time; its message has "
		"%%s, which is no neighbour''s.', %s, "
		"coalesce(m.created_at::text, 'NULL')) "
		"FROM %s AS t JOIN %s AS s ON %s "
		"AND %s = t.fingerprint AND s.%s IS NULL "
		"CROSS JOIN LATERAL %s AS m ",
		CHECK_MESSAGE_TIME, milliseconds_of_id(plan), MILLISECONDS_OF_TIME,
		CHECK_WARNING, CHECK_VIOLATION, key, key, plan->qualified[TARGET_TRACE],
		plan->source_rows, chatmig_validate_sql_same_key(mapping),
		plan->fingerprint, time, messages_of_row(plan));

	return psprintf(
		"%s WHERE m.created_at IS NULL AND (EXISTS (SELECT FROM %s AS o "
		"WHERE o.id = ANY (t.message_ids) AND o.created_at IS NOT NULL%s) "
		"OR %s > 0) "
		"UNION ALL %s WHERE m.created_at IS NOT NULL "
		"AND NOT EXISTS (SELECT FROM %s AS o "
		"WHERE o.conversation_id = m.conversation_id "
		"AND o.created_at = m.created_at AND %s) "
		"%s",
		timeless, messages,
		is_transcript ? " AND o.metadata ? '" TIME_MISSING_MARK "'" : "",
		milliseconds_of_id(plan), timeless, messages,
		/* a row that gives its time has one, and many may be in this */
		is_transcript ? "(o.metadata ? '" TIME_MISSING_MARK "') IS NOT TRUE"
					  : "o.id <> ALL (array_remove(t.message_ids, NULL))",
		no_neighbour(plan, time_of_any_row(plan, psprintf("n.%s", time))));
}

/*
 * "AND ...": no row of the group has the time of m. Where messages of one time
 * are kept apart, m may be a step before it, with its answer at it; or a step
 * behind another message, that was in its way.
 */
static char *
no_neighbour(const MigrationPlan *plan, const char *time)
{
	char *step = chatmig_validate_sql_step(plan);
	const char *messages = plan->relation[TARGET_MESSAGES];
	char *before = psprintf("m.created_at - %s", step);
	char *behind = psprintf("m.created_at + %s", step);

	if (!plan->keeps_apart)
		return no_row_at(plan, time, "m.created_at");
	return psprintf("%s%sAND NOT EXISTS (SELECT FROM %s AS o "
					"WHERE o.conversation_id = m.conversation_id "
					"AND o.created_at = %s) "
					"AND NOT EXISTS (SELECT FROM %s AS o "
					"WHERE o.conversation_id = m.conversation_id "
					"AND o.created_at = %s "
					"AND o.id <> ALL (array_remove(t.message_ids, NULL)))",
					no_row_at(plan, time, "m.created_at"),
					no_row_at(plan, time, behind), messages, before, messages,
					behind);
}

/* time is that of n, a row of the legacy table. */
static char *
no_row_at(const MigrationPlan *plan, const char *time, const char *at)
{
	return psprintf("AND NOT EXISTS (SELECT FROM %s AS n "
					"WHERE (%s)::timestamptz(%d) = %s%s) ",
					plan->source_name, time, plan->time_precision, at,
					same_group(plan->mapping));
}

/*
 * Of a transcript only messages without a time of their own, and of these one
 * for each time: all of a row must have the same.
 */
static char *
messages_of_row(const MigrationPlan *plan)
{
	const char *messages = plan->relation[TARGET_MESSAGES];

	if (plan->mapping->shape != SHAPE_TRANSCRIPT)
		return psprintf("(SELECT m.* FROM unnest(t.message_ids) AS i (id) "
						"JOIN %s AS m ON m.id = i.id)",
						messages);
	return psprintf("(SELECT DISTINCT ON (m.created_at) m.* "
					"FROM unnest(t.message_ids) AS i (id) "
					"JOIN %s AS m ON m.id = i.id "
					"WHERE m.metadata ? '" TIME_MISSING_MARK "' "
					"ORDER BY m.created_at, m.\"position\")",
					messages);
}

/*
 * The id begins with the time that the message was given, in milliseconds (see
 * identity.h): it tells also when the neighbour has gone. NULL for a number.
 */
static const char *
milliseconds_of_id(const MigrationPlan *plan)
{
	return plan->id_types[TARGET_MESSAGES] != UUIDOID &&
				   plan->id_types[TARGET_MESSAGES] != TEXTOID
			   ? "NULL::bigint"
			   : "('x' || left(replace(m.id::text, '-', ''), 12))"
				 "::bit(48)::bigint";
}

/* NULL, and no error, also where the server could not read the time. */
static char *
time_of_any_row(const MigrationPlan *plan, const char *column)
{
	const char *schema = chatmig_ledger_schema();
	char *zone = quote_literal_cstr(plan->options.time_zone);

	switch (plan->mapping->time_kind)
	{
		case TIME_NONE:
			break;
		case TIME_TIMESTAMPTZ:
			return psprintf("%s::timestamptz", column);
		case TIME_TIMESTAMP:
			return psprintf(
				"%s.chatmig_time_from_timestamp(%s::timestamp, %s::text)",
				schema, column, zone);
		case TIME_DATE:
			return psprintf("%s.chatmig_time_from_date(%s::date, %s::text)",
							schema, column, zone);
		case TIME_EPOCH:
			return psprintf(
				"%s.chatmig_time_from_epoch(%s::float8, %.0f::float8)", schema,
				column, plan->mapping->epoch_unit);
		case TIME_TEXT:
			return psprintf("%s.chatmig_time_from_text(%s::text, %s::text)",
							schema, column, zone);
	}
	return NULL;
}

/* " AND ...": n is in the group of s. */
static char *
same_group(const Mapping *mapping)
{
	static const Part parts[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < lengthof(parts); i++)
	{
		const Column *column = &mapping->parts[parts[i]];

		if (column->name != NULL)
			appendStringInfo(
				&sql, " AND NOT %s",
				chatmig_validate_sql_differs(
					column, chatmig_validate_sql_column(column),
					psprintf("n.%s", quote_identifier(column->name))));
	}
	return sql.data;
}
