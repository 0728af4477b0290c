/*
 * validate_owners.c
 *	  Owners and their conversations, and the rows that are linked to these.
 *
 * In: a plan that has been migrated. Finds owners who were to have a
 * conversation and have none, conversations that were deleted on purpose, and
 * rows of other tables that point to no conversation, or to another owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "keys.h"
#include "relation.h"
#include "validate_sql.h"
#include "validation.h"

static void check_owners(Validation *validation);
static void list_deleted(Validation *validation);
static void check_times(Validation *validation);
static int precision_of(const MigrationPlan *plan, Field field);
static char *owner_time(const MigrationPlan *plan, const Column *column);
static void check_link(Validation *validation, const LinkTable *link);

void
chatmig_validate_owners(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	ListCell *lc;

	if (plan == NULL)
		return;
	if (plan->uses[TARGET_OWNERS] &&
		chatmig_validate_wants(validation, CHECK_CONVERSATION_MISSING,
							   CHECK_CONVERSATION_MISSING))
		check_owners(validation);
	if (chatmig_validate_wants(validation, CHECK_CONVERSATION_DELETED,
							   CHECK_CONVERSATION_DELETED))
		list_deleted(validation);
	if (plan->options.owner_times && plan->uses[TARGET_CONVERSATIONS] &&
		chatmig_validate_wants(validation, CHECK_CONVERSATION_TIMES,
							   CHECK_CONVERSATION_TIMES))
		check_times(validation);
	if (chatmig_validate_wants(validation, CHECK_LINKS, CHECK_LINKS))
	{
		foreach(lc, plan->links)
			check_link(validation, lfirst(lc));
	}
}

/*
 * Who came after the migration, or whose conversation was deleted on purpose,
 * gets one by the next run.
 */
static void
check_owners(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const OwnerTable *table = &plan->owner_table;
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	char *key = psprintf("o.%s", quote_identifier(table->key.name));

	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, CASE WHEN %s >= %s::timestamptz OR %s::text IN "
				 "(SELECT x.owner FROM %s.chatmig_deletions AS x "
				 "WHERE x.migration = %s) THEN %d ELSE %d "
				 "END, NULL::text, NULL::text, NULL::text, "
				 "format('The owner %%L has no conversation.', %s) "
				 "FROM %s AS o WHERE NOT EXISTS (SELECT FROM %s AS c "
				 "WHERE %s)",
				 CHECK_CONVERSATION_MISSING,
				 owner_time(plan, &plan->owner_table.created_at),
				 quote_literal_cstr(timestamptz_to_str(plan->migrated_at)), key,
				 chatmig_ledger_schema(), quote_literal_cstr(plan->name),
				 CHECK_INFO, CHECK_VIOLATION, key, table->qualified,
				 plan->relation[TARGET_CONVERSATIONS],
				 chatmig_keys_equal(
					 key, table->key.type,
					 psprintf("c.%s", quote_identifier(plan->owner_column)),
					 owner->type)),
		NULL);
}

/*
 * Conversations that were given their owner's times. The owner may have been
 * changed since, and the conversation have gone on: then nobody can tell.
 */
static void
check_times(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const OwnerTable *table = &plan->owner_table;
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	const struct
	{
		Field field;
		const char *name;
		const Column *column;
	} times[] = {{FIELD_CREATED_AT, "created_at", &table->created_at},
				 {FIELD_UPDATED_AT, "updated_at",
				  table->updated_at.name != NULL ? &table->updated_at
												 : &table->created_at}};
	const char *migrated_at =
		quote_literal_cstr(timestamptz_to_str(plan->migrated_at));

	for (int i = 0; i < lengthof(times); i++)
	{
		char *time = owner_time(plan, times[i].column);

		if (times[i].column->name == NULL ||
			chatmig_relation_column(plan, TARGET_CONVERSATIONS,
									times[i].field) == NULL)
			continue;
		chatmig_validate_query(
			validation,
			psprintf("SELECT %d, %d, NULL::text, c.id::text, NULL::text, "
					 "format('The conversation %%s has %s %%s; its owner is of "
					 "%%s.', c.id, coalesce(c.%s::text, 'NULL'), %s) "
					 "FROM %s AS o JOIN %s AS c ON %s "
					 "WHERE c.id IN (SELECT r.conversation_id FROM %s AS r%s) "
					 "AND %s < %s::timestamptz "
					 "AND (c.%s >= %s::timestamptz) IS NOT TRUE "
					 "AND c.%s IS DISTINCT FROM (%s)::timestamptz(%d)",
					 CHECK_CONVERSATION_TIMES, CHECK_WARNING, times[i].name,
					 times[i].name, time, table->qualified,
					 plan->relation[TARGET_CONVERSATIONS],
					 chatmig_keys_equal(
						 psprintf("o.%s", quote_identifier(table->key.name)),
						 table->key.type,
						 psprintf("c.%s", quote_identifier(plan->owner_column)),
						 owner->type),
					 plan->qualified[TARGET_TRACE],
					 plan->uses[TARGET_OWNERS]
						 ? psprintf(" UNION ALL SELECT r.conversation_id "
									"FROM %s AS r",
									plan->qualified[TARGET_OWNERS])
						 : "",
					 time, migrated_at, times[i].name, migrated_at,
					 times[i].name, time, precision_of(plan, times[i].field)),
			NULL);
	}
}

/* Digits of a second that the conversations keep. */
static int
precision_of(const MigrationPlan *plan, Field field)
{
	const Column *fields = plan->fields[TARGET_CONVERSATIONS];

	return fields == NULL || fields[field].typmod < 0 ? MAX_TIMESTAMP_PRECISION
													  : fields[field].typmod;
}

/* A time of the owner o; NULL if nobody knows. */
static char *
owner_time(const MigrationPlan *plan, const Column *column)
{
	if (column->name == NULL)
		return pstrdup("NULL::timestamptz");
	if (getBaseType(column->type) == TIMESTAMPTZOID)
		return psprintf("o.%s", quote_identifier(column->name));
	return psprintf("o.%s AT TIME ZONE %s", quote_identifier(column->name),
					quote_literal_cstr(plan->options.time_zone));
}

/*
 * Those that the migration had made; the rest is nobody's business. CASE keeps
 * the planner from an anti-join, of which it would expect no rows.
 */
static void
list_deleted(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;

	chatmig_validate_query(
		validation,
		psprintf(
			"SELECT %d, %d, NULL::text, x.conversation, NULL::text, "
			"format('Conversation %%s was deleted by %%s at %%s (migrated "
			"messages: %%s).', x.conversation, x.deleted_by, x.deleted_at, "
			"sum(t.n)) "
			"FROM %s.chatmig_deletions AS x "
			"JOIN (SELECT t.conversation_id, "
			"cardinality(array_remove(t.message_ids, NULL)) AS n "
			"FROM %s AS t%s) AS t ON t.conversation_id::text = x.conversation "
			"WHERE x.migration = %s%s "
			"GROUP BY x.conversation, x.deleted_by, x.deleted_at "
			"ORDER BY x.deleted_at, x.conversation COLLATE \"C\"",
			CHECK_CONVERSATION_DELETED, CHECK_INFO, chatmig_ledger_schema(),
			plan->qualified[TARGET_TRACE],
			plan->uses[TARGET_OWNERS]
				? psprintf(
					  " UNION ALL SELECT r.conversation_id, 0 FROM %s AS r",
					  plan->qualified[TARGET_OWNERS])
				: "",
			quote_literal_cstr(plan->name),
			plan->uses[TARGET_CONVERSATIONS]
				? psprintf(" AND CASE WHEN EXISTS (SELECT FROM %s AS c "
						   "WHERE c.id = t.conversation_id) "
						   "THEN false ELSE true END",
						   plan->relation[TARGET_CONVERSATIONS])
				: ""),
		NULL);
}

/*
 * What the application has linked itself is its own, and what pointed to a
 * conversation that was deleted on purpose is nobody's fault; and yet both are
 * worth a look.
 */
static void
check_link(Validation *validation, const LinkTable *link)
{
	const MigrationPlan *plan = validation->plan;
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	const char *column = quote_identifier(link->conversation.name);
	const char *name = quote_identifier(link->owner.name);

	chatmig_validate_query(
		validation,
		psprintf(
			"SELECT %d, CASE WHEN c.id IS NULL AND %s THEN %d "
			"WHEN c.id IS NULL OR EXISTS (SELECT FROM %s AS l "
			"WHERE l.link_table = %u AND l.row_key = %s "
			"AND l.conversation_id = o.%s) THEN %d ELSE %d END, "
			"NULL::text, o.%s::text, NULL::text, "
			"CASE WHEN c.id IS NULL THEN "
			"format('Row %%s of %%s points to a conversation that does not "
			"exist.', %s, %s) ELSE "
			"format('Row %%s of %%s is of %%L and points to a conversation of "
			"%%L.', %s, %s, o.%s, c.%s) END "
			"FROM %s AS o LEFT JOIN %s AS c ON c.id = o.%s "
			"WHERE o.%s IS NOT NULL "
			"AND (c.id IS NULL OR (%s) IS NOT TRUE)",
			CHECK_LINKS,
			chatmig_validate_sql_is_deleted(plan, psprintf("o.%s", column)),
			CHECK_WARNING, plan->qualified[TARGET_LINKS], link->relid,
			link->key, column, CHECK_VIOLATION, CHECK_WARNING, column,
			link->key, quote_literal_cstr(link->qualified), link->key,
			quote_literal_cstr(link->qualified), name,
			quote_identifier(plan->owner_column), link->qualified,
			plan->relation[TARGET_CONVERSATIONS], column, column,
			chatmig_keys_equal(
				psprintf("o.%s", name), link->owner.type,
				psprintf("c.%s", quote_identifier(plan->owner_column)),
				owner->type)),
		NULL);
}
