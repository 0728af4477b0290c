/*
 * read_metadata.c
 *	  The metadata of a message, in the query that reads a legacy table.
 *
 * In: a plan. Out: SQL expressions over the row s, of type jsonb.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "read_metadata.h"

/* A function takes 100 arguments at most, and each column can be two. */
#define MAX_OBJECT_COLUMNS 40

static char *added_metadata(const MigrationPlan *plan, StringInfo names);
static char *constants(const MigrationPlan *plan, StringInfo names);
static char *json_value(const Column *column);

char *
chatmig_read_metadata(const MigrationPlan *plan)
{
	const Column *mapped = &plan->mapping->parts[PART_METADATA];
	StringInfoData names;
	char *added = added_metadata(plan, &names);
	char *value;
	char *whole;

	if (mapped->name == NULL)
		return added == NULL ? pstrdup("NULL::jsonb")
							 : psprintf("nullif(%s, '{}')", added);
	value = json_value(mapped);
	whole = psprintf("jsonb_build_object(%s, %s)",
					 quote_literal_cstr(mapped->name), value);
	if (added == NULL)
		added = "'{}'::jsonb";
	return psprintf("CASE WHEN s.%s IS NULL THEN nullif(%s, '{}') "
					"WHEN jsonb_typeof(%s) = 'object' AND NOT %s ?| ARRAY[%s] "
					"THEN %s || %s ELSE %s || %s END",
					quote_identifier(mapped->name), added, value, value,
					names.data, value, added, whole, added);
}

char *
chatmig_read_metadata_object(const Column *columns, int n)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < n; i++)
	{
		if (i % MAX_OBJECT_COLUMNS == 0)
			appendStringInfoString(&sql, i == 0 ? "jsonb_build_object("
												: ") || jsonb_build_object(");
		appendStringInfo(
			&sql, "%s%s, %s", i % MAX_OBJECT_COLUMNS == 0 ? "" : ", ",
			quote_literal_cstr(columns[i].name), json_value(&columns[i]));
	}
	appendStringInfoString(&sql, n > 0 ? ")" : "'{}'::jsonb");
	return sql.data;
}

/* What is added to mapped metadata, and under which names; NULL: nothing. */
static char *
added_metadata(const MigrationPlan *plan, StringInfo names)
{
	const Mapping *mapping = plan->mapping;
	const Column *role = &mapping->parts[PART_ROLE];
	StringInfoData sql;

	initStringInfo(names);
	initStringInfo(&sql);
	if (mapping->nkept > 0)
	{
		appendStringInfoString(&sql, "CASE WHEN ");
		for (int i = 0; i < mapping->nkept; i++)
		{
			if (i % MAX_OBJECT_COLUMNS == 0)
				appendStringInfoString(&sql, i == 0 ? "num_nonnulls("
													: ") + num_nonnulls(");
			appendStringInfo(&sql, "%ss.%s",
							 i % MAX_OBJECT_COLUMNS == 0 ? "" : ", ",
							 quote_identifier(mapping->kept[i].name));
			appendStringInfo(names, "%s, ",
							 quote_literal_cstr(mapping->kept[i].name));
		}
		appendStringInfo(
			&sql, ") > 0 THEN %s ELSE '{}'::jsonb END",
			chatmig_read_metadata_object(mapping->kept, mapping->nkept));
	}
	if (chatmig_mapping_keeps_role(mapping))
	{
		appendStringInfo(&sql, "%sCASE WHEN s.%s::text IN (",
						 sql.len > 0 ? " || " : "",
						 quote_identifier(role->name));
		for (int i = 0; i < mapping->nspellings; i++)
			appendStringInfo(
				&sql, "%s%s", i > 0 ? ", " : "",
				quote_literal_cstr(mapping->spellings[i].spelling));
		appendStringInfo(
			&sql, ") THEN jsonb_build_object(%s, s.%s) ELSE '{}' END",
			quote_literal_cstr(role->name), quote_identifier(role->name));
		appendStringInfo(names, "%s, ", quote_literal_cstr(role->name));
	}
	if (plan->options.metadata != NIL)
		appendStringInfo(&sql, "%s%s::jsonb", sql.len > 0 ? " || " : "",
						 quote_literal_cstr(constants(plan, names)));
	if (plan->times_missing)
		appendStringInfo(&sql,
						 "%sCASE WHEN s.%s IS NULL THEN '{\"" TIME_MISSING_MARK
						 "\": true}'::jsonb ELSE '{}' END",
						 sql.len > 0 ? " || " : "",
						 quote_identifier(mapping->parts[PART_TIME].name));
	appendStringInfoString(names, "'" TIME_MISSING_MARK "'");
	return sql.len == 0 ? NULL : psprintf("(%s)", sql.data);
}

/* What each message gets, as JSON. */
static char *
constants(const MigrationPlan *plan, StringInfo names)
{
	StringInfoData json;
	ListCell *lc;

	initStringInfo(&json);
	foreach(lc, plan->options.metadata)
	{
		const MetadataMember *constant = lfirst(lc);

		appendStringInfoString(&json, json.len > 0 ? ", " : "{");
		escape_json(&json, constant->name);
		appendStringInfo(&json, ": %s", constant->value);
		appendStringInfo(names, "%s, ", quote_literal_cstr(constant->name));
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/*
 * A column as jsonb; what jsonb cannot hold, as a JSON string, byte for byte:
 * \u0000, numbers beyond numeric, and half of a surrogate pair, as JavaScript
 * leaves where it cuts an emoji in two.
 */
static char *
json_value(const Column *column)
{
	const char *name = quote_identifier(column->name);

	/* to_jsonb() would make a copy, value by value */
	if (column->type == JSONBOID)
		return psprintf("s.%s", name);
	if (getBaseType(column->type) == JSONOID)
		return psprintf("CASE WHEN %s.chatmig_json_fault(s.%s::text) "
						"IS NOT NULL THEN to_jsonb(s.%s::text) "
						"ELSE s.%s::jsonb END",
						chatmig_ledger_schema(), name, name, name);
	return psprintf("to_jsonb(s.%s)", name);
}
