/*
 * validate_sql.c
 *	  What a legacy row must have become, as SQL.
 *
 * In: a mapping. Out: SQL text. This says a second time, in another language,
 * what read and split say in theirs; the two must not be made from one source.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "role.h"
#include "validate_sql.h"

char *
chatmig_validate_sql_column(const Column *column)
{
	return psprintf("s.%s", quote_identifier(column->name));
}

/*
 * So that no two collations meet: a trace or a target may have been given
 * another one by hand.
 */
char *
chatmig_validate_sql_collated(const Column *column, const char *value)
{
	Oid collation = column->collation;

	if (!OidIsValid(collation))
		return pstrdup(value);
	return psprintf("(%s COLLATE %s)", value,
					generate_collation_name(collation));
}

/* A part's text, compared by its bytes. */
char *
chatmig_validate_sql_text(const Mapping *mapping, Part part)
{
	return psprintf("(%s::text COLLATE \"C\")",
					chatmig_validate_sql_column(&mapping->parts[part]));
}

/* Not "character", which is one character, for bpchar. */
char *
chatmig_validate_sql_step(const MigrationPlan *plan)
{
	return psprintf("interval '" INT64_FORMAT " microseconds'",
					plan->time_step);
}

char *
chatmig_validate_sql_type(Oid type)
{
	return format_type_extended(
		type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

char *
chatmig_validate_sql_key_value(const Mapping *mapping, int i,
							   const char *format)
{
	return format != NULL ? psprintf(format, i + 1)
						  : chatmig_validate_sql_column(&mapping->keys[i]);
}

/* format() calls the type's output function, whatever casts it has. */
char *
chatmig_validate_sql_key(const Mapping *mapping, const char *format)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, "%sformat('%%s', %s)", i > 0 ? ", " : "",
						 chatmig_validate_sql_key_value(mapping, i, format));
	return mapping->nkeys == 1
			   ? sql.data
			   : psprintf("jsonb_build_array(%s)::text", sql.data);
}

char *
chatmig_validate_sql_key_text(const Mapping *mapping)
{
	return psprintf("CASE WHEN num_nulls(%s) = 0 THEN %s END",
					chatmig_validate_sql_key_columns(mapping),
					chatmig_validate_sql_key(mapping, NULL));
}

char *
chatmig_validate_sql_key_columns(const Mapping *mapping)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "",
						 chatmig_validate_sql_column(&mapping->keys[i]));
	return list.data;
}

char *
chatmig_validate_sql_same_key(const Mapping *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < mapping->nkeys; i++)
	{
		const Column *key = &mapping->keys[i];

		appendStringInfo(&sql, "%s%s %s t.key_%d", i > 0 ? " AND " : "",
						 chatmig_validate_sql_collated(
							 key, chatmig_validate_sql_column(key)),
						 chatmig_plan_equality(key->type), i + 1);
	}
	return sql.data;
}

char *
chatmig_validate_sql_differs(const Column *column, const char *left,
							 const char *right)
{
	return psprintf("(num_nonnulls(%s, %s) > 0 AND "
					"(%s %s %s) IS NOT TRUE)",
					left, right, chatmig_validate_sql_collated(column, left),
					chatmig_plan_equality(column->type), right);
}

char *
chatmig_validate_sql_halves(const Mapping *mapping)
{
	if (mapping->shape == SHAPE_PAIR)
		return psprintf("(VALUES (1, %s, 'user'::text), "
						"(2, %s, 'assistant'::text)) "
						"AS h (part, content, role)",
						chatmig_validate_sql_text(mapping, PART_QUESTION),
						chatmig_validate_sql_text(mapping, PART_ANSWER));
	return psprintf("(VALUES (1, %s, %s)) AS h (part, content, role)",
					chatmig_validate_sql_text(mapping, PART_CONTENT),
					chatmig_validate_sql_role(mapping));
}

char *
chatmig_validate_sql_is_empty(const Mapping *mapping)
{
	bool is_pair = mapping->shape == SHAPE_PAIR;
	const Column *transcript = &mapping->parts[PART_TRANSCRIPT];
	char *first;
	char *sql;

	/* no row of jsonb is turned into text for this */
	if (mapping->shape == SHAPE_TRANSCRIPT)
		return getBaseType(transcript->type) == JSONBOID
				   ? psprintf("(%s IS NULL)",
							  chatmig_validate_sql_column(transcript))
				   : psprintf(
						 "(coalesce(%s, '') = '')",
						 chatmig_validate_sql_text(mapping, PART_TRANSCRIPT));
	first = chatmig_validate_sql_text(mapping,
									  is_pair ? PART_QUESTION : PART_CONTENT);
	sql = psprintf("coalesce(%s, '') = '' AND NOT %s", first,
				   chatmig_validate_sql_has_media(mapping));

	if (is_pair)
		sql = psprintf("%s AND coalesce(%s, '') = ''", sql,
					   chatmig_validate_sql_text(mapping, PART_ANSWER));
	return psprintf("(%s)", sql);
}

/* The user's own spellings as they are, then the known ones in any case. */
char *
chatmig_validate_sql_role(const Mapping *mapping)
{
	return chatmig_validate_sql_role_of(
		mapping, chatmig_validate_sql_text(mapping, PART_ROLE));
}

char *
chatmig_validate_sql_role_of(const Mapping *mapping, const char *spelling)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "CASE");
	for (int i = 0; i < mapping->nspellings; i++)
		appendStringInfo(
			&sql, " WHEN %s = %s THEN %s", spelling,
			quote_literal_cstr(mapping->spellings[i].spelling),
			quote_literal_cstr(chatmig_role_names[mapping->spellings[i].role]));
	appendStringInfo(&sql, " WHEN true THEN CASE lower(%s) ", spelling);
	for (int i = 0; i < chatmig_n_known_spellings; i++)
		appendStringInfo(
			&sql, "WHEN %s THEN %s ",
			quote_literal_cstr(chatmig_known_spellings[i].spelling),
			quote_literal_cstr(
				chatmig_role_names[chatmig_known_spellings[i].role]));
	appendStringInfoString(&sql, "END END");
	return sql.data;
}

char *
chatmig_validate_sql_is_own_spelling(const Mapping *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < mapping->nspellings; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "",
						 quote_literal_cstr(mapping->spellings[i].spelling));
	return psprintf("%s IN (%s)", chatmig_validate_sql_text(mapping, PART_ROLE),
					sql.data);
}

char *
chatmig_validate_sql_taken_names(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData names;
	ListCell *lc;

	initStringInfo(&names);
	for (int i = 0; i < mapping->nkept; i++)
		appendStringInfo(&names, "%s, ",
						 quote_literal_cstr(mapping->kept[i].name));
	if (chatmig_mapping_keeps_role(mapping))
		appendStringInfo(&names, "%s, ",
						 quote_literal_cstr(mapping->parts[PART_ROLE].name));
	foreach(lc, plan->options.metadata)
		appendStringInfo(
			&names, "%s, ",
			quote_literal_cstr(((MetadataMember *) lfirst(lc))->name));
	return psprintf("ARRAY[%s'" TIME_MISSING_MARK "']", names.data);
}

/* What jsonb has no place for stays a string. */
char *
chatmig_validate_sql_json(const Column *column)
{
	char *value = chatmig_validate_sql_column(column);
	char *text = psprintf("%s::text", value);

	/* to_jsonb() would make a copy, value by value */
	if (column->type == JSONBOID)
		return value;
	if (getBaseType(column->type) != JSONOID)
		return psprintf("to_jsonb(%s)", value);
	return psprintf("CASE WHEN %s.chatmig_json_fault(%s) IS NOT NULL "
					"THEN to_jsonb(%s) ELSE to_jsonb(%s) END",
					chatmig_ledger_schema(), text, text, value);
}

void
chatmig_validate_sql_add(RowTests *tests, int check, int severity,
						 const char *condition, const char *detail)
{
	Assert(tests->n < MAX_ROW_TESTS);
	tests->list[tests->n++] =
		(RowTest){check, severity, pstrdup(condition), pstrdup(detail)};
}

char *
chatmig_validate_sql_any(const RowTests *tests)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < tests->n; i++)
		appendStringInfo(&sql, "%s(%s)", i > 0 ? " OR " : "",
						 tests->list[i].condition);
	return sql.data;
}

/* Most rows pass all tests, so a row is first asked whether it does. */
char *
chatmig_validate_sql_tests(const RowTests *tests, const char *key,
						   const char *conversation, const char *from)
{
	StringInfoData values;

	initStringInfo(&values);
	for (int i = 0; i < tests->n; i++)
	{
		const RowTest *test = &tests->list[i];

		appendStringInfo(&values, "%s(%d, %d, %s, CASE WHEN %s THEN %s END)",
						 i > 0 ? ", " : "", test->check, test->severity,
						 test->condition, test->condition, test->detail);
	}
	return psprintf("SELECT f.test, f.severity, %s, %s, NULL::text, f.detail "
					"FROM %s CROSS JOIN LATERAL (VALUES %s) "
					"AS f (test, severity, fails, detail) "
					"WHERE (%s) AND f.fails",
					key, conversation, from, values.data,
					chatmig_validate_sql_any(tests));
}

char *
chatmig_validate_sql_is_deleted(const MigrationPlan *plan, const char *id)
{
	return psprintf("EXISTS (SELECT FROM %s.chatmig_deletions AS x "
					"WHERE x.migration = %s AND x.conversation = %s::text)",
					chatmig_ledger_schema(), quote_literal_cstr(plan->name),
					id);
}
