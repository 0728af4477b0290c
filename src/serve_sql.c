/*
 * serve_sql.c
 *	  Pieces of SQL over the tables of a target.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "serve_sql.h"

const ServeColumn *
chatmig_serve_sql_column(const ServeTarget *target, TargetTable table,
						 Field field)
{
	const ServeColumn *column = &target->tables[table].columns[field];

	return column->name == NULL ? NULL : column;
}

const char *
chatmig_serve_sql_value(const ServeTarget *target, TargetTable table,
						Field field, const char *alias, const char *otherwise)
{
	const ServeColumn *column = chatmig_serve_sql_column(target, table, field);

	return column == NULL ? otherwise : psprintf("%s.%s", alias, column->name);
}

char *
chatmig_serve_sql_read_time(const ServeTarget *target, TargetTable table,
							Field field, const char *alias)
{
	const ServeColumn *column = chatmig_serve_sql_column(target, table, field);

	if (column == NULL)
		return pstrdup("NULL::timestamptz");
	return chatmig_serve_sql_write_time(target, table, field,
										psprintf("%s.%s", alias, column->name));
}

/* timezone() turns each of the two types into the other one. */
char *
chatmig_serve_sql_write_time(const ServeTarget *target, TargetTable table,
							 Field field, const char *value)
{
	const ServeColumn *column = chatmig_serve_sql_column(target, table, field);

	if (column == NULL || getBaseType(column->type) != TIMESTAMPOID)
		return pstrdup(value);
	return psprintf("timezone(%s, %s)", quote_literal_cstr(target->time_zone),
					value);
}

Field
chatmig_serve_sql_activity(const ServeTarget *target)
{
	static const Field fields[] = {FIELD_UPDATED_AT, FIELD_CREATED_AT};

	for (int i = 0; i < lengthof(fields); i++)
		if (chatmig_serve_sql_column(target, TARGET_CONVERSATIONS, fields[i]) !=
			NULL)
			return fields[i];
	return NUM_FIELDS;
}

char *
chatmig_serve_sql_order(const ServeTarget *target, const char *alias,
						const char *direction)
{
	const TargetTable table = TARGET_MESSAGES;
	const char *position =
		chatmig_serve_sql_value(target, table, FIELD_POSITION, alias, NULL);

	if (position != NULL)
		return psprintf("%s%s", position, direction);
	return psprintf(
		"%s%s, %s%s",
		chatmig_serve_sql_value(target, table, FIELD_CREATED_AT, alias, ""),
		direction, chatmig_serve_sql_value(target, table, FIELD_ID, alias, ""),
		direction);
}

char *
chatmig_serve_sql_is_active(const ServeTarget *target)
{
	const ServeColumn *column =
		chatmig_serve_sql_column(target, TARGET_CONVERSATIONS, FIELD_IS_ACTIVE);

	return column == NULL ? pstrdup("true")
						  : psprintf("x.%s IS NOT FALSE", column->name);
}

char *
chatmig_serve_sql_write_json(const ServeColumn *column, const char *value)
{
	return psprintf(
		"%s::%s", value,
		format_type_extended(column->type, -1, FORMAT_TYPE_FORCE_QUALIFY));
}

char *
chatmig_serve_sql_read_json(const ServeTarget *target, TargetTable table,
							const char *alias)
{
	return psprintf(
		"%s::jsonb",
		chatmig_serve_sql_value(target, table, FIELD_METADATA, alias, "NULL"));
}

/* OFFSET 0 keeps the planner from making a join of it. */
char *
chatmig_serve_sql_join_messages(const ServeTarget *target,
								const char *conversation, const char *message)
{
	const ServeTable *conversations = &target->tables[TARGET_CONVERSATIONS];
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];

	return psprintf("%s AS %s CROSS JOIN LATERAL (SELECT y.* FROM %s AS y "
					"WHERE y.%s = %s.%s OFFSET 0) AS %s",
					conversations->name, conversation, messages->name,
					messages->columns[FIELD_CONVERSATION].name, conversation,
					conversations->columns[FIELD_ID].name, message);
}
