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

static char *member(const Mapping *mapping, const char *key);
static void compare_text(const MigrationPlan *plan, Field field,
						 const char *expected, RowTests *tests);
static void compare_time(const MigrationPlan *plan, RowTests *tests);
static void compare_summary(const MigrationPlan *plan, RowTests *tests);
static char *summarizing(const MigrationPlan *plan);

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
						member(mapping, keys->url));
	return psprintf("coalesce(%s IN ('true', '1'), false)",
					member(mapping, keys->when));
}

char *
chatmig_validate_sql_media_url(const Mapping *mapping)
{
	const MediaKeys *keys = &mapping->media_keys;

	if (!mapping->media_in_metadata)
		return chatmig_validate_sql_text(mapping, PART_MEDIA);
	return psprintf("coalesce(nullif(%s, ''), nullif(%s, ''))",
					member(mapping, keys->url), member(mapping, keys->name));
}

void
chatmig_validate_compare_columns(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;

	compare_text(plan, FIELD_URL, chatmig_validate_sql_media_url(mapping),
				 tests);
	if (mapping->media_in_metadata)
		compare_text(plan, FIELD_TYPE,
					 member(mapping, mapping->media_keys.type), tests);
	else if (HAS_PART(mapping, PART_MEDIA_TYPE))
		compare_text(plan, FIELD_TYPE,
					 chatmig_validate_sql_text(mapping, PART_MEDIA_TYPE),
					 tests);
	compare_time(plan, tests);
	if (mapping->media_in_metadata && mapping->media_keys.summary_when != NULL)
		compare_summary(plan, tests);
}

/* Of the metadata of a legacy row, as text; NULL where there is none. */
static char *
member(const Mapping *mapping, const char *key)
{
	char *value = chatmig_validate_sql_json(&mapping->parts[PART_METADATA]);

	if (key == NULL)
		return pstrdup("NULL::text");
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

/* A row's own time; where it has none, nobody knows whose it was given. */
static void
compare_time(const MigrationPlan *plan, RowTests *tests)
{
	const Column *fields = plan->fields[TARGET_MEDIA];
	char *time = chatmig_validate_sql_time(plan);

	if (chatmig_relation_column(plan, TARGET_MEDIA, FIELD_CREATED_AT) == NULL ||
		plan->mapping->time_kind == TIME_NONE)
		return;
	if (fields != NULL && fields[FIELD_CREATED_AT].typmod >= 0)
		time = psprintf("(%s)::timestamptz(%d)", time,
						fields[FIELD_CREATED_AT].typmod);
	chatmig_validate_sql_add(
		tests, CHECK_MEDIA, CHECK_VIOLATION,
		psprintf("CASE WHEN %s THEN d.created_at IS DISTINCT FROM %s "
				 "ELSE false END",
				 chatmig_validate_compare_row_time(plan->mapping), time),
		psprintf("format('has a medium with the time %%s, not %%s.', "
				 "coalesce(d.created_at::text, 'NULL'), (%s)::text)",
				 time));
}

/*
 * Each summary is what a row of the same conversation says that says it is
 * one, of this medium if it names one. And as long as there was one run alone:
 * where a later row names the medium, and no medium has its words, they are
 * lost.
 */
static void
compare_summary(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;
	char *name = member(mapping, mapping->media_keys.name);
	char *summary = "(d.summary COLLATE \"C\")";
	char *summaries, *lost;

	if (mapping->shape != SHAPE_FLAT ||
		chatmig_relation_column(plan, TARGET_MEDIA, FIELD_SUMMARY) == NULL)
		return;
	summaries = summarizing(plan);
	lost =
		psprintf("(n.conversation::text, n.words) NOT IN (SELECT "
				 "q.conversation_id::text, (e.summary COLLATE \"C\") "
				 "FROM %s AS e JOIN %s AS q ON q.media_id = e.id "
				 "WHERE e.summary IS NOT NULL)",
				 plan->relation[TARGET_MEDIA], plan->qualified[TARGET_TRACE]);
	chatmig_validate_sql_add(
		tests, CHECK_MEDIA, CHECK_VIOLATION,
		psprintf("d.summary IS NOT NULL AND (t.conversation_id::text, %s, "
				 "coalesce(%s, '')) NOT IN (SELECT n.conversation::text, "
				 "n.words, coalesce(n.name, '') FROM %s AS n) "
				 "AND (t.conversation_id::text, %s) NOT IN (SELECT "
				 "n.conversation::text, n.words FROM %s AS n "
				 "WHERE n.name IS NULL)",
				 summary, name, summaries, summary, summaries),
		"format('has a medium with the summary %L, which no row says of it.', "
		"left(d.summary, 200))");
	chatmig_validate_sql_add(
		tests, CHECK_MEDIA, CHECK_VIOLATION,
		psprintf("d.summary IS NULL AND (SELECT r.last_run = r.migrated_at "
				 "FROM %s.chatmig_status AS r WHERE r.migration = %s) "
				 "AND coalesce((t.conversation_id::text, %s) IN (SELECT "
				 "n.conversation::text, n.name FROM %s AS n "
				 "WHERE n.name IS NOT NULL AND %s), false) "
				 "AND EXISTS (SELECT FROM %s AS n WHERE n.conversation = "
				 "t.conversation_id AND n.name = %s AND n.at > %s AND %s)",
				 chatmig_ledger_schema(), quote_literal_cstr(plan->name), name,
				 summaries, lost, summaries, name,
				 chatmig_validate_sql_time(plan), lost),
		"'has a medium without the summary that a later row gives.'");
}

/* The rows that say what is in a medium: where, what, of which, and when. */
static char *
summarizing(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *words = chatmig_validate_sql_text(mapping, PART_CONTENT);

	return psprintf("(SELECT t.conversation_id AS conversation, %s AS words, "
					"%s AS name, CASE WHEN %s = t.fingerprint THEN %s END "
					"AS at FROM %s AS s JOIN %s AS t ON %s "
					"WHERE %s <> '' AND %s IN ('true', '1'))",
					words, member(mapping, mapping->media_keys.name),
					plan->fingerprint, chatmig_validate_sql_time(plan),
					plan->source_name, plan->qualified[TARGET_TRACE],
					chatmig_validate_sql_same_key(mapping), words,
					member(mapping, mapping->media_keys.summary_when));
}
