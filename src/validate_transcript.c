/*
 * validate_transcript.c
 *	  What the messages in a row's JSON must have become, as SQL.
 *
 * In: a mapping. Out: SQL text, over the legacy row s. It says in the server's
 * own words what split_transcript.c and element.c say in theirs; see there for
 * the rules.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "validate_sql.h"
#include "validate_transcript.h"

/* null, "", [] and {} are as good as nothing. */
#define IS_FILLED "value NOT IN ('null', '\"\"', '[]', '{}')"

static const char *const role_names[] = {"role", "type",   "sender",
										 "from", "author", NULL};
static const char *const content_names[] = {"content", "text",  "message",
											"body",    "parts", NULL};
static const char *const time_names[] = {
	"created_at", "createdAt",   "timestamp", "time",   "date", "ts",
	"at",         "create_time", "sent_at",   "sentAt", NULL};

static char *json(const Mapping *mapping);
static char *elements(const Mapping *mapping);
static char *read_elements(const Mapping *mapping);
static char *roles(const Mapping *mapping);
static char *contents(void);
static char *times(void);
static char *members(const char *const *names, const char *object, int first);
static char *own_time(const MigrationPlan *plan);
static char *takes_model(const MigrationPlan *plan);
static char *own_members(const char *takes_model);

char *
chatmig_validate_transcript_parts(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *model = takes_model(plan);

	/* a window, so that what is read is read once */
	return psprintf(
		"(SELECT coalesce(x.part, i.part)::int AS part, i.id, "
		"x.part IS NOT NULL AS is_element, "
		"(x.part IS NOT NULL AND x.fault IS NULL) AS is_expected, "
		"(x.content COLLATE \"C\") AS content, x.role, x.at, x.model, "
		"coalesce(x.own, '{}') AS own, "
		"i.part = max(i.part) FILTER (WHERE i.id IS NOT NULL) OVER () "
		"AS is_last, "
		"CASE WHEN x.role = 'assistant' AND lag(x.role) OVER w = 'user' "
		"AND lag(x.fault) OVER w IS NULL THEN lag(i.id) OVER w END "
		"AS question "
		"FROM unnest(t.message_ids) WITH ORDINALITY AS i (id, part) "
		"FULL JOIN (SELECT x.part, x.fault, x.content, x.role, %s AS at, "
		"%s AS model, %s AS own FROM (%s) AS x) AS x ON x.part = i.part "
		"WINDOW w AS (ORDER BY coalesce(x.part, i.part))) AS h",
		own_time(plan), psprintf("CASE WHEN %s THEN x.model END", model),
		own_members(model), read_elements(mapping));
}

char *
chatmig_validate_transcript_elements(const Mapping *mapping)
{
	return psprintf("(SELECT x.part::int AS part, x.fault, "
					"left(CASE x.fault WHEN 'unknown_role' THEN x.spelling "
					"WHEN 'invalid_time' THEN x.time::text END, 60) AS value "
					"FROM (%s) AS x) AS h",
					read_elements(mapping));
}

char *
chatmig_validate_transcript_fault(const Mapping *mapping)
{
	const Column *column = &mapping->parts[PART_TRANSCRIPT];
	char *value = chatmig_validate_sql_column(column);

	if (getBaseType(column->type) == JSONBOID)
		return pstrdup("NULL::text");
	return psprintf("CASE WHEN %s::text <> '' "
					"THEN %s.chatmig_json_fault(%s::text) END",
					value, chatmig_ledger_schema(), value);
}

char *
chatmig_validate_transcript_is_bare(const Mapping *mapping)
{
	return psprintf("coalesce(jsonb_array_length(%s) = 0, false)",
					elements(mapping));
}

/* The column as jsonb; NULL for what is none. */
static char *
json(const Mapping *mapping)
{
	const Column *column = &mapping->parts[PART_TRANSCRIPT];
	char *value = chatmig_validate_sql_column(column);

	if (getBaseType(column->type) == JSONBOID)
		return psprintf("%s::jsonb", value);
	return psprintf("CASE WHEN %s::text <> '' AND (%s) IS NULL "
					"THEN %s::text::jsonb END",
					value, chatmig_validate_transcript_fault(mapping), value);
}

/* What the path leads to, as an array. */
static char *
elements(const Mapping *mapping)
{
	return psprintf("jsonb_path_query_array(%s, %s, '{}', true)", json(mapping),
					quote_literal_cstr(mapping->path));
}

/*
 *	  e		an element
 *	  o		the element, or {} if it is no object
 *	  n		the object within it that may hold role and content
 *	  r		its role
 *	  c		its content, as it is; y: as text
 *	  d		its time
 */
static char *
read_elements(const Mapping *mapping)
{
	return psprintf(
		"SELECT e.part, o.o, n.inner_key, n.i, r.spelling, r.role, "
		"r.key AS role_key, c.key AS content_key, c.n > 100 AS is_inner, "
		"y.content, y.is_kept, d.key AS time_key, d.value AS time, "
		"CASE WHEN jsonb_typeof(o.o -> 'model') = 'string' "
		"AND o.o ->> 'model' <> '' THEN o.o ->> 'model' END AS model, "
		"CASE WHEN jsonb_typeof(e.e) <> 'object' THEN 'not_an_object' "
		"WHEN r.spelling IS NULL THEN 'missing_role' "
		"WHEN r.role IS NULL THEN 'unknown_role' "
		"WHEN y.content IS NULL THEN 'missing_content' "
		"WHEN NOT CASE jsonb_typeof(d.value) "
		"WHEN 'string' THEN %s WHEN 'number' "
		"THEN abs(d.value::numeric) < 1e17 ELSE d.value IS NULL END "
		"THEN 'invalid_time' END AS fault "
		"FROM jsonb_array_elements(%s) WITH ORDINALITY AS e (e, part) "
		"CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(e.e) WHEN 'object' "
		"THEN e.e ELSE '{}' END AS o) AS o "
		"CROSS JOIN LATERAL (SELECT k.inner_key, o.o -> k.inner_key AS i "
		"FROM (SELECT CASE 'object' WHEN jsonb_typeof(o.o -> 'data') "
		"THEN 'data' WHEN jsonb_typeof(o.o -> 'message') THEN 'message' END "
		"AS inner_key) AS k) AS n "
		"LEFT JOIN LATERAL (%s) AS r ON true "
		"LEFT JOIN LATERAL (%s) AS c ON true "
		"LEFT JOIN LATERAL (%s) AS y ON true "
		"LEFT JOIN LATERAL (%s) AS d ON true",
		chatmig_validate_sql_is_time("(d.value #>> '{}')"), elements(mapping),
		roles(mapping),
		psprintf("SELECT v.n, v.key, v.value FROM (VALUES %s, %s) "
				 "AS v (n, key, value) WHERE v." IS_FILLED
				 " AND NOT (v.key = 'message' "
				 "AND jsonb_typeof(v.value) = 'object') ORDER BY v.n LIMIT 1",
				 members(content_names, "o.o", 1),
				 members(content_names, "n.i", 101)),
		contents(), times());
}

/* key: NULL where the member is to be kept, too. */
static char *
roles(const Mapping *mapping)
{
	char *role =
		chatmig_validate_sql_role_of(mapping, "(v.spelling COLLATE \"C\")");
	StringInfoData own;

	initStringInfo(&own);
	for (int i = 0; i < mapping->nspellings; i++)
		appendStringInfo(&own, ", %s",
						 quote_literal_cstr(mapping->spellings[i].spelling));
	return psprintf(
		"SELECT v.spelling, %s AS role, CASE WHEN v.n < 100 "
		"AND jsonb_typeof(v.value) = 'string' "
		"AND v.spelling NOT IN (''%s) THEN v.key END AS key "
		"FROM (SELECT v.*, CASE jsonb_typeof(v.value) WHEN 'object' "
		"THEN CASE WHEN jsonb_typeof(v.value -> 'role') "
		"NOT IN ('object', 'array') THEN v.value ->> 'role' END "
		"WHEN 'array' THEN NULL ELSE v.value #>> '{}' END AS spelling "
		"FROM (VALUES %s, %s) AS v (n, key, value)) AS v "
		"WHERE v.spelling <> '' ORDER BY %s IS NULL, v.n LIMIT 1",
		role, own.data, members(role_names, "o.o", 1),
		members(role_names, "n.i", 101), role);
}

/* Of the value c: its texts, or else itself. */
static char *
contents(void)
{
	return pstrdup(
		"SELECT CASE WHEN jsonb_typeof(c.value) IN ('array', 'object') "
		"THEN coalesce(p.texts, CASE WHEN NOT p.is_all_text "
		"THEN c.value::text END) ELSE c.value #>> '{}' END AS content, "
		"jsonb_typeof(c.value) IN ('array', 'object') "
		"AND p.texts IS NOT NULL AND (p.n > 1 OR NOT p.is_all_plain "
		"OR jsonb_typeof(c.value -> 'parts') = 'array') IS TRUE AS is_kept "
		"FROM (SELECT string_agg(nullif(q.words, ''), E'\\n' ORDER BY q.n) "
		"AS texts, bool_and(q.words IS NOT NULL) AS is_all_text, "
		"bool_and(q.is_plain) AS is_all_plain, count(*) AS n "
		"FROM (SELECT p.n, CASE WHEN jsonb_typeof(p.p) = 'string' "
		"THEN p.p #>> '{}' WHEN jsonb_typeof(p.p -> 'text') = 'string' "
		"AND coalesce(p.p -> 'type', '\"text\"') "
		"IN ('\"text\"', '\"input_text\"', '\"output_text\"') "
		"THEN p.p ->> 'text' END AS words, "
		"CASE jsonb_typeof(p.p) WHEN 'string' THEN true WHEN 'object' "
		"THEN p.p ? 'text' AND p.p - '{text,type}'::text[] = '{}' "
		"AND coalesce(p.p -> 'type', '\"text\"') = '\"text\"' "
		"ELSE false END AS is_plain "
		"FROM jsonb_array_elements(CASE "
		"WHEN jsonb_typeof(c.value -> 'parts') = 'array' "
		"THEN c.value -> 'parts' WHEN jsonb_typeof(c.value) = 'array' "
		"THEN c.value ELSE jsonb_build_array(c.value) END) "
		"WITH ORDINALITY AS p (p, n) "
		"WHERE jsonb_typeof(c.value) IN ('array', 'object')) AS q) AS p");
}

static char *
times(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; time_names[i] != NULL; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? "," : "", time_names[i]);
	/* most messages have none */
	return psprintf("SELECT v.key, v.value FROM (VALUES %s) "
					"AS v (n, key, value) WHERE o.o ?| '{%s}' AND v." IS_FILLED
					" ORDER BY v.n LIMIT 1",
					members(time_names, "o.o", 1), names.data);
}

/* "(1, 'a', object -> 'a'), (2, 'b', object -> 'b')" */
static char *
members(const char *const *names, const char *object, int first)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; names[i] != NULL; i++)
		appendStringInfo(&sql, "%s(%d, '%s', %s -> '%s')", i > 0 ? ", " : "",
						 first + i, names[i], object, names[i]);
	return sql.data;
}

/* Of a number the size says what it counts; see times.c. */
static char *
own_time(const MigrationPlan *plan)
{
	return psprintf(
		"CASE WHEN x.fault IS NULL THEN CASE jsonb_typeof(x.time) "
		"WHEN 'string' THEN %s WHEN 'number' "
		"THEN to_timestamp(round(x.time::numeric, 20)::float8 "
		"/ CASE WHEN abs(x.time::numeric) < 1e11 THEN 1 "
		"WHEN abs(x.time::numeric) < 1e14 THEN 1e3 ELSE 1e6 END::float8) "
		"END END",
		chatmig_validate_sql_text_time(plan, "(x.time #>> '{}')"));
}

/* A condition: the message's own model is what its column holds. */
static char *
takes_model(const MigrationPlan *plan)
{
	const Column *fields = plan->fields[TARGET_MESSAGES];

	if (fields != NULL && fields[FIELD_MODEL].name == NULL)
		return pstrdup("false");
	if (!HAS_PART(plan->mapping, PART_MODEL))
		return pstrdup("true");
	return psprintf("(%s IS NULL)", chatmig_validate_sql_column(
										&plan->mapping->parts[PART_MODEL]));
}

/* All members but those that are in columns of the message. */
static char *
own_members(const char *takes_model)
{
	return psprintf(
		"(SELECT CASE WHEN jsonb_typeof(k.o -> 'metadata') = 'object' "
		"AND NOT (k.o - 'metadata') ?| ARRAY(SELECT jsonb_object_keys("
		"k.o -> 'metadata')) THEN (k.o - 'metadata') || (k.o -> 'metadata') "
		"ELSE k.o END FROM (SELECT CASE WHEN x.is_inner IS NOT TRUE "
		"OR x.is_kept "
		"THEN b.o WHEN x.i - x.content_key = '{}' THEN b.o - x.inner_key "
		"ELSE b.o || jsonb_build_object(x.inner_key, x.i - x.content_key) "
		"END AS o FROM (SELECT x.o - ARRAY[x.role_key, x.time_key, "
		"CASE WHEN x.model IS NOT NULL AND %s THEN 'model' END, "
		"CASE WHEN NOT x.is_inner AND NOT x.is_kept THEN x.content_key END] "
		"AS o) AS b) AS k)",
		takes_model);
}
