/*
 * read_media.c
 *	  The part of the reading query that is about media.
 *
 * In: a plan whose mapping says which members of the metadata describe a
 * medium. Out: SQL. A member that is no string counts by its JSON text, and one
 * that is null as if it were not there. Metadata that jsonb cannot hold
 * describe nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "read_media.h"

static char *member(const MigrationPlan *plan, const char *key);
static char *is_true(const MigrationPlan *plan, const char *key);
static char *where_medium(const MigrationPlan *plan, const char *value);

char *
chatmig_read_media_url(const MigrationPlan *plan)
{
	const MediaKeys *keys = &plan->mapping->media_keys;

	return where_medium(plan, psprintf("coalesce(%s, %s, '')",
									   member(plan, keys->url),
									   member(plan, keys->name)));
}

char *
chatmig_read_media_type(const MigrationPlan *plan)
{
	return where_medium(plan, member(plan, plan->mapping->media_keys.type));
}

char *
chatmig_read_media_name(const MigrationPlan *plan)
{
	return member(plan, plan->mapping->media_keys.name);
}

char *
chatmig_read_media_summarizes(const MigrationPlan *plan)
{
	return is_true(plan, plan->mapping->media_keys.summary_when);
}

static char *
member(const MigrationPlan *plan, const char *key)
{
	const Column *metadata = &plan->mapping->parts[PART_METADATA];
	const char *name = quote_identifier(metadata->name);

	if (key == NULL)
		return pstrdup("NULL::text");
	/* ->> of json reads no more than the member */
	if (getBaseType(metadata->type) == JSONOID)
		return psprintf("CASE WHEN strpos(s.%s::text, '\\u0000') = 0 "
						"AND json_typeof(s.%s) = 'object' "
						"THEN nullif(s.%s ->> %s, '') END",
						name, name, name, quote_literal_cstr(key));
	return psprintf("CASE WHEN jsonb_typeof(s.%s) = 'object' "
					"THEN nullif(s.%s ->> %s, '') END",
					name, name, quote_literal_cstr(key));
}

static char *
is_true(const MigrationPlan *plan, const char *key)
{
	return psprintf("coalesce((%s) IN ('true', '1'), false)",
					member(plan, key));
}

static char *
where_medium(const MigrationPlan *plan, const char *value)
{
	const MediaKeys *keys = &plan->mapping->media_keys;

	return psprintf("CASE WHEN %s THEN %s END",
					keys->when != NULL
						? is_true(plan, keys->when)
						: psprintf("(%s) IS NOT NULL", member(plan, keys->url)),
					value);
}
