/*
 * relation.c
 *	  A target's tables as the stages know them: what to read from, and how to
 *	  write.
 *
 * In: a plan. Out: SQL. All names and types are qualified and quoted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "relation.h"

static char *read_columns(const MigrationPlan *plan, TargetTable table,
						  const char *position);
static char *read_column(const MigrationPlan *plan, TargetTable table,
						 const TargetColumn *column);
static bool is_wider(Oid field, Oid column);
static char *within_int4(const char *value);
static char *read_role(const MigrationPlan *plan, const char *value);
static char *read_metadata(const MigrationPlan *plan, TargetTable table,
						   const char *value);
static char *read_grouped(const MigrationPlan *plan);
static char *write_in_place(const MigrationPlan *plan, const char *rows);
static char *write_column(const MigrationPlan *plan, TargetTable table,
						  const TargetColumn *column);
static bool is_filled_with_empty(const Column *column, Field field);
static char *type_name(Oid type, int32 typmod);

char *
chatmig_relation_read(const MigrationPlan *plan, TargetTable table)
{
	if (table == TARGET_CONVERSATIONS && !plan->uses[table])
		return read_grouped(plan);
	if (plan->fields[table] == NULL)
		return plan->qualified[table];
	return psprintf("(SELECT %s FROM %s AS x)",
					read_columns(plan, table, "NULL::int"),
					plan->qualified[table]);
}

char *
chatmig_relation_read_positions(const MigrationPlan *plan)
{
	const TargetTable table = TARGET_MESSAGES;

	if (plan->has_position)
		return chatmig_relation_read(plan, table);
	return psprintf(
		"(SELECT %s FROM %s AS x)",
		read_columns(
			plan, table,
			psprintf("(row_number() OVER (PARTITION BY x.%s "
					 "ORDER BY x.%s, x.%s) - 1)::int",
					 chatmig_relation_column(plan, table, FIELD_CONVERSATION),
					 chatmig_relation_column(plan, table, FIELD_CREATED_AT),
					 chatmig_relation_column(plan, table, FIELD_ID))),
		plan->qualified[table]);
}

char *
chatmig_relation_read_whole(const MigrationPlan *plan)
{
	TargetColumns columns;
	StringInfoData list;

	if (!plan->has_leftovers)
		return chatmig_relation_read_positions(plan);
	chatmig_columns_list_all(plan, TARGET_MESSAGES, &columns);
	initStringInfo(&list);
	for (int i = 0; i < columns.n; i++)
	{
		const TargetColumn *column = &columns.columns[i];
		const char *name = quote_identifier(column->name);

		appendStringInfo(&list, "%s", i > 0 ? ", " : "");
		if (column->column == NULL && column->field == FIELD_METADATA)
			appendStringInfoString(&list, "l.value -> 'metadata' AS metadata");
		else if (column->column == NULL && (column->field == FIELD_MODEL ||
											column->field == FIELD_TOKENS))
			appendStringInfo(&list, "(l.value ->> %s)::%s AS %s",
							 quote_literal_cstr(column->name),
							 type_name(column->type, -1), name);
		else
			appendStringInfo(&list, "y.%s", name);
	}
	return psprintf(
		"(SELECT %s, l.value AS " LEFT_COLUMN
		" FROM %s AS y LEFT JOIN (SELECT i.id, "
		"r.metadata -> i.part::text AS value FROM %s AS r "
		"CROSS JOIN LATERAL unnest(r.message_ids) WITH ORDINALITY "
		"AS i (id, part) WHERE r.metadata IS NOT NULL AND i.id IS NOT NULL) "
		"AS l ON l.id = y.id)",
		list.data, chatmig_relation_read_positions(plan),
		plan->qualified[TARGET_TRACE]);
}

char *
chatmig_relation_write(const MigrationPlan *plan, TargetTable table,
					   const char *rows)
{
	TargetColumns columns;
	StringInfoData names;
	StringInfoData values;

	if (table == TARGET_MESSAGES && plan->in_place)
		return write_in_place(plan, rows);
	chatmig_columns_list(plan, table, &columns);
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < columns.n; i++)
	{
		const TargetColumn *column = &columns.columns[i];

		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(column->column));
		appendStringInfo(&values, "%s%s", i > 0 ? ", " : "",
						 write_column(plan, table, column));
	}
	return psprintf(
		"INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s AS r",
		plan->qualified[table], names.data, values.data, rows);
}

const char *
chatmig_relation_column(const MigrationPlan *plan, TargetTable table,
						Field field)
{
	TargetColumns columns;

	chatmig_columns_list(plan, table, &columns);
	for (int i = 0; i < columns.n; i++)
		if (columns.columns[i].field == field)
			return pstrdup(quote_identifier(columns.columns[i].column));
	return NULL;
}

char *
chatmig_relation_time(const MigrationPlan *plan, TargetTable table, Field field,
					  const char *value)
{
	const Column *fields = plan->fields[table];

	if (fields == NULL || getBaseType(fields[field].type) != TIMESTAMPOID)
		return pstrdup(value);
	return psprintf("timezone(%s, %s)",
					quote_literal_cstr(plan->options.time_zone), value);
}

/* position: the expression for where the table has no column for it. */
static char *
read_columns(const MigrationPlan *plan, TargetTable table, const char *position)
{
	TargetColumns columns;
	StringInfoData list;

	chatmig_columns_list_all(plan, table, &columns);
	initStringInfo(&list);
	for (int i = 0; i < columns.n; i++)
	{
		const TargetColumn *column = &columns.columns[i];
		const char *value;

		if (column->column == NULL)
			value = column->field == FIELD_POSITION
						? position
						: psprintf("NULL::%s", type_name(column->type, -1));
		else
			value = read_column(plan, table, column);
		if (column->field == FIELD_METADATA)
			value = read_metadata(plan, table, value);
		appendStringInfo(&list, "%s%s AS %s", i > 0 ? ", " : "", value,
						 quote_identifier(column->name));
	}
	return list.data;
}

static char *
read_column(const MigrationPlan *plan, TargetTable table,
			const TargetColumn *column)
{
	const Column *field = &plan->fields[table][column->field];
	char *value = psprintf("x.%s", quote_identifier(column->column));

	if (column->field == FIELD_ROLE)
		return read_role(plan, value);
	if (column->type == TIMESTAMPTZOID)
		return chatmig_relation_time(plan, table, column->field, value);
	if (is_wider(field->type, column->type))
		return column->field == FIELD_POSITION ? within_int4(value) : value;
	if (field->type != column->type)
		value = psprintf("%s::%s", value, type_name(column->type, -1));
	/* see write_column() */
	if (is_filled_with_empty(field, column->field))
		value = psprintf("nullif(%s, '')", value);
	return value;
}

/*
 * Integers of the application's that are beyond those of the source: they are
 * read as they are, as the server compares integers of different widths.
 */
static bool
is_wider(Oid field, Oid column)
{
	Oid wide = getBaseType(field);
	Oid narrow = getBaseType(column);

	return (wide == INT8OID && (narrow == INT4OID || narrow == INT2OID)) ||
		   (wide == INT4OID && narrow == INT2OID);
}

/* What is beyond the last position stays behind all others. */
static char *
within_int4(const char *value)
{
	return psprintf("least(greatest(%s, %d), %d)::int", value, PG_INT32_MIN,
					PG_INT32_MAX);
}

static char *
read_role(const MigrationPlan *plan, const char *value)
{
	StringInfoData sql;
	int renamed = 0;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CASE %s::text", value);
	for (Role role = 0; role < NUM_ROLES; role++)
	{
		if (plan->role_values[role] == NULL)
			continue;
		appendStringInfo(&sql, " WHEN %s THEN %s",
						 quote_literal_cstr(plan->role_values[role]),
						 quote_literal_cstr(chatmig_role_names[role]));
		renamed++;
	}
	if (renamed == 0)
		return psprintf("%s::text", value);
	appendStringInfo(&sql, " ELSE %s::text END", value);
	return sql.data;
}

/* A session that has a column of its own is in the metadata otherwise. */
static char *
read_metadata(const MigrationPlan *plan, TargetTable table, const char *value)
{
	const char *session =
		table == TARGET_CONVERSATIONS
			? chatmig_relation_column(plan, table, FIELD_SESSION)
			: NULL;

	if (session == NULL)
		return pstrdup(value);
	return psprintf(
		"(coalesce(%s, '{}'::jsonb) || jsonb_build_object(%s, x.%s))", value,
		quote_literal_cstr(plan->mapping->parts[PART_SESSION].name), session);
}

/* Without a table of their own, conversations are what their messages say. */
static char *
read_grouped(const MigrationPlan *plan)
{
	const Part parts[] = {PART_OWNER, PART_COUNTERPART};
	const char *const names[] = {plan->owner_column, plan->counterpart_column};
	const Field fields[] = {FIELD_OWNER, FIELD_COUNTERPART};
	const char *session =
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_SESSION);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"(SELECT y.conversation_id AS id, min(y.created_at) AS created_at, "
		"max(y.created_at) AS updated_at, ");
	if (session == NULL)
		appendStringInfoString(&sql, "NULL::jsonb AS metadata");
	else
		appendStringInfo(
			&sql,
			"jsonb_build_object(%s, (array_agg(y." SESSION_COLUMN
			"))[1]) AS metadata",
			quote_literal_cstr(plan->mapping->parts[PART_SESSION].name));
	for (int i = 0; i < lengthof(parts); i++)
	{
		if (names[i] == NULL)
			continue;
		if (chatmig_relation_column(plan, TARGET_MESSAGES, fields[i]) == NULL)
			appendStringInfo(&sql, ", NULL::%s AS %s",
							 type_name(plan->mapping->parts[parts[i]].type, -1),
							 quote_identifier(names[i]));
		else
			appendStringInfo(&sql, ", (array_agg(y.%s))[1] AS %s",
							 quote_identifier(names[i]),
							 quote_identifier(names[i]));
	}
	appendStringInfo(&sql,
					 " FROM %s AS y WHERE y.conversation_id IS NOT NULL "
					 "GROUP BY y.conversation_id)",
					 chatmig_relation_read(plan, TARGET_MESSAGES));
	return sql.data;
}

/* The rows are there already; what they lack is a conversation. */
static char *
write_in_place(const MigrationPlan *plan, const char *rows)
{
	const TargetTable table = TARGET_MESSAGES;
	TargetColumns columns;
	StringInfoData set;

	chatmig_columns_list(plan, table, &columns);
	initStringInfo(&set);
	for (int i = 0; i < columns.n; i++)
	{
		const TargetColumn *column = &columns.columns[i];

		if (column->field == FIELD_CONVERSATION ||
			column->field == FIELD_POSITION)
			appendStringInfo(&set, "%s%s = %s", set.len > 0 ? ", " : "",
							 quote_identifier(column->column),
							 write_column(plan, table, column));
	}
	/* not out of one into which the application has put it meanwhile */
	return psprintf("UPDATE %s AS x SET %s FROM %s AS r WHERE x.%s = r.id "
					"AND x.%s IS NULL",
					plan->qualified[table], set.data, rows,
					chatmig_relation_column(plan, table, FIELD_ID),
					chatmig_relation_column(plan, table, FIELD_CONVERSATION));
}

static char *
write_column(const MigrationPlan *plan, TargetTable table,
			 const TargetColumn *column)
{
	const Column *field;
	char *value = psprintf("r.%s", quote_identifier(column->name));

	if (plan->fields[table] == NULL)
		return value;
	field = &plan->fields[table][column->field];
	if (column->type == TIMESTAMPTZOID)
		return chatmig_relation_time(plan, table, column->field, value);
	/* an empty one says the same, and must be where NULL may not */
	if (column->field == FIELD_METADATA)
		return psprintf("%s::%s",
						field->not_null ? psprintf("coalesce(%s, '{}')", value)
										: value,
						type_name(field->type, -1));
	if (is_filled_with_empty(field, column->field))
		value = psprintf("coalesce(%s, '')", value);
	if (column->field == FIELD_ROLE && type_is_enum(getBaseType(field->type)))
		return psprintf("%s::%s", value, type_name(field->type, -1));
	/* assignment casts the rest; it refuses what does not fit */
	return value;
}

/* A text that must be there, and may have nothing to say. */
static bool
is_filled_with_empty(const Column *column, Field field)
{
	return column->not_null &&
		   (field == FIELD_CONTENT || field == FIELD_TITLE ||
			field == FIELD_DESCRIPTION || field == FIELD_URL ||
			field == FIELD_TYPE || field == FIELD_SUMMARY);
}

static char *
type_name(Oid type, int32 typmod)
{
	return format_type_extended(
		type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}
