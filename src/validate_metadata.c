/*
 * validate_metadata.c
 *	  What of a legacy row must be in its messages' metadata.
 *
 * In: a plan. Out: tests, as SQL; see validate_compare.h. Columns that play no
 * part are there under their own names; a mapped object is the metadata, or
 * stays whole under its column's name where one of its names is taken; a role
 * that only the user could explain is there as it was spelled; a time that is
 * a neighbour's is marked; and what every message was to get is in each. What
 * else is in the metadata is not looked at.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "validate_compare.h"

/* All that may differ, and what to say of the first that does. */
typedef struct Differences
{
	StringInfoData any;
	StringInfoData details;
} Differences;

static void compare_kept(const Column *column, Differences *differences);
static char *is_kept_as_text(const Column *column);
static void compare_role(const Mapping *mapping, Differences *differences);
static void compare_own(Differences *differences);
static void compare_mark(const Mapping *mapping, Differences *differences);
static void compare_constant(const MetadataMember *constant,
							 Differences *differences);
static void compare_mapped(const MigrationPlan *plan, Differences *differences);
static void add(Differences *differences, const char *condition,
				const char *name, const char *value);

void
chatmig_validate_compare_metadata(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;
	Differences differences;
	ListCell *lc;

	initStringInfo(&differences.any);
	initStringInfo(&differences.details);
	for (int i = 0; i < mapping->nkept; i++)
		compare_kept(&mapping->kept[i], &differences);
	if (chatmig_mapping_keeps_role(mapping))
		compare_role(mapping, &differences);
	if (mapping->shape == SHAPE_TRANSCRIPT)
		compare_own(&differences);
	if (HAS_PART(mapping, PART_TIME))
		compare_mark(mapping, &differences);
	foreach(lc, plan->options.metadata)
		compare_constant(lfirst(lc), &differences);
	if (HAS_PART(mapping, PART_METADATA))
		compare_mapped(plan, &differences);
	if (differences.any.len > 0)
		chatmig_validate_sql_add(
			tests, CHECK_MESSAGE_METADATA, CHECK_VIOLATION,
			differences.any.data,
			psprintf("CASE %s END", differences.details.data));
}

/* A NULL may be a JSON null, or not be there. */
static void
compare_kept(const Column *column, Differences *differences)
{
	const char *name = quote_literal_cstr(column->name);
	char *value = chatmig_validate_sql_json(column);

	add(differences,
		psprintf("coalesce(m.metadata -> %s, 'null') IS DISTINCT FROM "
				 "coalesce(%s, 'null') AND NOT %s",
				 name, value, is_kept_as_text(column)),
		name, value);
}

/*
 * A condition. A json column may stay what it is, a text, and a NULL is no
 * loss where the mark of a missing time has the column's name.
 */
static char *
is_kept_as_text(const Column *column)
{
	char *value = chatmig_validate_sql_column(column);

	if (strcmp(column->name, TIME_MISSING_MARK) == 0)
		return psprintf("(%s IS NULL)", value);
	if (getBaseType(column->type) != JSONOID)
		return "false";
	return psprintf("coalesce(m.metadata -> %s = to_jsonb(%s::text), false)",
					quote_literal_cstr(column->name), value);
}

static void
compare_role(const Mapping *mapping, Differences *differences)
{
	const Column *role = &mapping->parts[PART_ROLE];
	const char *name = quote_literal_cstr(role->name);
	char *spelling = chatmig_validate_sql_column(role);

	add(differences,
		psprintf("%s AND m.metadata -> %s IS DISTINCT FROM to_jsonb(%s)",
				 chatmig_validate_sql_is_own_spelling(mapping), name, spelling),
		name, psprintf("to_jsonb(%s)", spelling));
}

/* The members of a message in a transcript, where names clash in one object. */
static void
compare_own(Differences *differences)
{
	const char *lost = "FROM jsonb_each(h.own) AS e "
					   "WHERE m.metadata -> e.key IS DISTINCT FROM e.value";

	add(differences,
		psprintf("CASE WHEN h.own = '{}' OR m.metadata -> '" OWN_MEMBERS
				 "' = h.own THEN false ELSE EXISTS (SELECT %s) END",
				 lost),
		psprintf("(SELECT e.key %s ORDER BY e.key COLLATE \"C\" LIMIT 1)",
				 lost),
		psprintf("(SELECT e.value %s ORDER BY e.key COLLATE \"C\" LIMIT 1)",
				 lost));
}

static void
compare_mark(const Mapping *mapping, Differences *differences)
{
	add(differences,
		psprintf("%s IS NULL%s AND m.metadata -> '" TIME_MISSING_MARK
				 "' IS DISTINCT FROM 'true'",
				 chatmig_validate_sql_column(&mapping->parts[PART_TIME]),
				 mapping->shape == SHAPE_TRANSCRIPT ? " AND h.at IS NULL" : ""),
		"'" TIME_MISSING_MARK "'", "'true'::jsonb");
}

static void
compare_constant(const MetadataMember *constant, Differences *differences)
{
	const char *name = quote_literal_cstr(constant->name);
	char *value = psprintf("%s::jsonb", quote_literal_cstr(constant->value));

	add(differences,
		psprintf("m.metadata -> %s IS DISTINCT FROM %s", name, value), name,
		value);
}

/*
 * Each member of a mapped object must be there with the same value. What
 * others have added since makes the comparison slower, not false.
 */
static void
compare_mapped(const MigrationPlan *plan, Differences *differences)
{
	const Column *column = &plan->mapping->parts[PART_METADATA];
	const char *name = quote_literal_cstr(column->name);
	char *source = chatmig_validate_sql_column(column);
	char *value = chatmig_validate_sql_json(column);
	char *taken = chatmig_validate_sql_taken_names(plan);
	char *kept = is_kept_as_text(column);
	char *is_whole = psprintf("jsonb_typeof(%s) <> 'object' OR (%s) ?| %s",
							  value, value, taken);
	char *lost = psprintf("FROM jsonb_each(%s) AS e "
						  "WHERE m.metadata -> e.key IS DISTINCT FROM e.value",
						  value);

	add(differences,
		psprintf("CASE WHEN %s IS NULL OR %s THEN false "
				 "WHEN %s THEN m.metadata -> %s IS DISTINCT FROM %s "
				 "ELSE false END",
				 source, kept, is_whole, name, value),
		name, value);
	add(differences,
		psprintf("CASE WHEN %s IS NULL OR %s OR %s THEN false "
				 "WHEN CASE jsonb_typeof(m.metadata) WHEN 'object' "
				 "THEN m.metadata - %s END = %s THEN false "
				 "ELSE EXISTS (SELECT %s) END",
				 source, kept, is_whole, taken, value, lost),
		psprintf("(SELECT e.key %s ORDER BY e.key COLLATE \"C\" LIMIT 1)",
				 lost),
		psprintf("(SELECT e.value %s ORDER BY e.key COLLATE \"C\" LIMIT 1)",
				 lost));
}

/* name and value are SQL. */
static void
add(Differences *differences, const char *condition, const char *name,
	const char *value)
{
	appendStringInfo(&differences->any, "%s(%s)",
					 differences->any.len > 0 ? " OR " : "", condition);
	appendStringInfo(&differences->details,
					 " WHEN %s THEN format('has %%s as \"%%s\" in its "
					 "metadata, not %%s.', "
					 "coalesce(left((m.metadata -> %s)::text, 200), "
					 "'nothing'), %s, "
					 "coalesce(left((%s)::text, 200), 'NULL'))",
					 condition, name, name, value);
}
