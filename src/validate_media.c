/*
 * validate_media.c
 *	  What a legacy row says of its medium.
 *
 * In: a plan. Out: SQL over s, a legacy row, and tests of d, the medium that
 * was made of it; see validate_sql.h and validate_compare.h. A medium has
 * columns of its own, or is described in the metadata; where a URL was never
 * kept, the file's name stands for it.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "relation.h"
#include "validate_compare.h"

static char *member(const Mapping *mapping, const char *alias, const char *key);
static void compare_text(const MigrationPlan *plan, Field field,
						 const char *expected, RowTests *tests);
static void compare_summary(const MigrationPlan *plan, RowTests *tests);

char *
chatmig_validate_sql_has_media(const Mapping *mapping)
{
	const MediaKeys *keys = &mapping->media_keys;

	if (HAS_PART(mapping, PART_MEDIA))
		return psprintf("coalesce(%s <> '', false)",
						chatmig_validate_sql_text(mapping, PART_MEDIA));
	if (!mapping->media_in_metadata)
		return pstrdup("false");
	if (keys->when == NULL)
		return psprintf("coalesce(%s <> '', false)",
						member(mapping, "s", keys->url));
	return psprintf("coalesce(%s IN ('true', '1'), false)",
					member(mapping, "s", keys->when));
}

char *
chatmig_validate_sql_media_url(const Mapping *mapping)
{
	const MediaKeys *keys = &mapping->media_keys;

	if (!mapping->media_in_metadata)
		return chatmig_validate_sql_text(mapping, PART_MEDIA);
	return psprintf("coalesce(nullif(%s, ''), nullif(%s, ''))",
					member(mapping, "s", keys->url),
					member(mapping, "s", keys->name));
}

void
chatmig_validate_compare_columns(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;

	compare_text(plan, FIELD_URL, chatmig_validate_sql_media_url(mapping),
				 tests);
	if (mapping->media_in_metadata)
		compare_text(plan, FIELD_TYPE,
					 member(mapping, "s", mapping->media_keys.type), tests);
	else if (HAS_PART(mapping, PART_MEDIA_TYPE))
		compare_text(plan, FIELD_TYPE,
					 chatmig_validate_sql_text(mapping, PART_MEDIA_TYPE),
					 tests);
	if (mapping->media_in_metadata && mapping->media_keys.summary_when != NULL)
		compare_summary(plan, tests);
}

/* Of the metadata of a legacy row, as text; NULL where there is none. */
static char *
member(const Mapping *mapping, const char *alias, const char *key)
{
	char *value = chatmig_validate_sql_json(&mapping->parts[PART_METADATA]);

	if (key == NULL)
		return pstrdup("NULL::text");
	/* the expressions are over s */
	if (strcmp(alias, "s") != 0)
		value = psprintf("(SELECT %s FROM (SELECT %s.*) AS s)", value, alias);
	return psprintf("(CASE jsonb_typeof(%s) WHEN 'object' THEN %s ->> %s END "
					"COLLATE \"C\")",
					value, value, quote_literal_cstr(key));
}

/* A column that must not be NULL has '' where there is nothing to say. */
static void
compare_text(const MigrationPlan *plan, Field field, const char *expected,
			 RowTests *tests)
{
	const char *name = chatmig_field_names[field];

	if (chatmig_relation_column(plan, TARGET_MEDIA, field) == NULL)
		return;
	chatmig_validate_sql_add(
		tests, CHECK_MEDIA, CHECK_VIOLATION,
		psprintf("nullif(d.%s::text COLLATE \"C\", '') "
				 "IS DISTINCT FROM nullif(%s, '')",
				 name, expected),
		psprintf("format('has a medium with the %s %%L, not %%L.', "
				 "left(d.%s, 200), left(%s, 200))",
				 name, name, expected));
}

/* Each summary is the text of a row that says it is one. */
static void
compare_summary(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;
	const Column *content = &mapping->parts[PART_CONTENT];

	if (mapping->shape != SHAPE_FLAT ||
		chatmig_relation_column(plan, TARGET_MEDIA, FIELD_SUMMARY) == NULL)
		return;
	chatmig_validate_sql_add(
		tests, CHECK_MEDIA, CHECK_VIOLATION,
		psprintf("d.summary IS NOT NULL AND (d.summary COLLATE \"C\") NOT IN ("
				 "SELECT (n.%s::text COLLATE \"C\") FROM %s AS n "
				 "WHERE n.%s IS NOT NULL AND %s IN ('true', '1'))",
				 quote_identifier(content->name), plan->source_name,
				 quote_identifier(content->name),
				 member(mapping, "n", mapping->media_keys.summary_when)),
		"format('has a medium with the summary %L, which no row says.', "
		"left(d.summary, 200))");
}
