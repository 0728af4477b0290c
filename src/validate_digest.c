/*
 * validate_digest.c
 *	  Both sides of a migration as numbers that must be the same.
 *
 * In: a plan. Out: a query; see validate_digest.h. Contents are hashed where
 * they are read, so that no join and no sort carries them, and every step can
 * run in parallel workers. A hash of 64 bits a message: it decides where to
 * look, and what it does not see, nobody will. No defence against people who
 * make collisions; the checks themselves compare bytes.
 */
#include "postgres.h"

#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "validate_compare.h"
#include "validate_digest.h"
#include "validate_hash.h"

/*
 * A column that keeps the planner from evaluating a subquery's expressions
 * above the join: it is volatile. Nobody reads it.
 */
#define FENCE "clock_timestamp()"

/* Of positions. */
#define POSITIONS_SEED 271828182

static const Part group_parts[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};

static char *order(const Mapping *mapping, const char *alias);
static bool has_hash(const Column *column);
static char *conversations(const MigrationPlan *plan);
static char *legacy_rows(const MigrationPlan *plan);
static char *reduced_rows(const MigrationPlan *plan);
static char *kept_columns(const MigrationPlan *plan);
static char *hashed_group(const Mapping *mapping);
static char *half(const MigrationPlan *plan, int part);
static char *messages(const MigrationPlan *plan);
static char *keys(const MigrationPlan *plan, const char *format);

char *
chatmig_validate_digest(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;

	/* how many messages a row holds is not known here */
	if (mapping->shape == SHAPE_TRANSCRIPT ||
		HAS_PART(mapping, PART_REPLY_TO) || mapping->media_in_metadata)
		return NULL;
	for (int i = 0; i < lengthof(group_parts); i++)
		if (!has_hash(&mapping->parts[group_parts[i]]))
			return NULL;
	/*
	 * The legacy rows first, as they give the keys their types. They are sorted
	 * by themselves, in the workers that read them: the rest is to merge.
	 */
	return psprintf("SELECT u.* FROM ((SELECT l.* FROM (%s) AS l %s) "
					"UNION ALL %s) AS u %s",
					legacy_rows(plan), order(mapping, "l"), conversations(plan),
					order(mapping, "u"));
}

/*
 * A conversation comes before its legacy rows: none of them has a time before
 * -infinity, and all that have a conversation have a key.
 */
static char *
order(const Mapping *mapping, const char *alias)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ORDER BY %s.conversation, %s.at", alias, alias);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(
			&sql, ", %s NULLS FIRST",
			chatmig_validate_sql_collated(&mapping->keys[i],
										  psprintf("%s.key_%d", alias, i + 1)));
	return sql.data;
}

uint64
chatmig_validate_digest_at(int64 digest, int64 place)
{
	return DatumGetUInt64(DirectFunctionCall2(
		hashint8extended, Int64GetDatum(digest), Int64GetDatum(place)));
}

uint64
chatmig_validate_digest_positions(int64 first, int64 n)
{
	uint64 result = 0;

	for (int64 i = first; i < first + n; i++)
		result ^= chatmig_validate_digest_at(i, POSITIONS_SEED);
	return result;
}

static bool
has_hash(const Column *column)
{
	return column->name == NULL ||
		   OidIsValid(
			   lookup_type_cache(column->type, TYPECACHE_HASH_EXTENDED_PROC)
				   ->hash_extended_proc);
}

static char *
conversations(const MigrationPlan *plan)
{
	const Column *session = &plan->mapping->parts[PART_SESSION];
	StringInfoData group;

	initStringInfo(&group);
	appendStringInfoString(&group, "0::bigint");
	if (plan->owner_column)
		chatmig_validate_hash_group(
			&group, plan->mapping, PART_OWNER,
			psprintf("c.%s", quote_identifier(plan->owner_column)));
	if (plan->counterpart_column)
		chatmig_validate_hash_group(
			&group, plan->mapping, PART_COUNTERPART,
			psprintf("c.%s", quote_identifier(plan->counterpart_column)));
	if (session->name != NULL)
		chatmig_validate_hash_group(
			&group, plan->mapping, PART_SESSION,
			psprintf("(c.metadata ->> %s)", quote_literal_cstr(session->name)));
	return psprintf(
		"SELECT coalesce(c.id, a.conversation_id), %d, "
		"'-infinity'::timestamptz, "
		"CASE WHEN c.id IS NOT NULL "
		"THEN %s END, NULL::bigint, "
		"NULL::bigint, false, false, c.created_at, c.updated_at, a.messages, "
		"a.digest, a.younger, a.younger_digest, a.positions%s "
		"FROM %s AS c FULL JOIN (%s) AS a ON a.conversation_id = c.id",
		DIGEST_CONVERSATION, group.data, keys(plan, ", NULL"),
		plan->relation[TARGET_CONVERSATIONS], messages(plan));
}

/* Where a row has changed, its time may be one that the server refuses. */
static char *
legacy_rows(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	const Column *time = &mapping->parts[PART_TIME];
	const bool is_pair = mapping->shape == SHAPE_PAIR;
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < mapping->nkeys; i++)
	{
		Oid type = getBaseType(mapping->keys[i].type);

		appendStringInfo(&columns, ", %s::%s AS key_%d",
						 chatmig_validate_sql_column(&mapping->keys[i]),
						 chatmig_validate_sql_type(type), i + 1);
	}
	return psprintf(
		"SELECT t.conversation_id AS conversation, %d AS side, "
		"CASE WHEN s.chatmig_fingerprint = t.fingerprint THEN %s END AS at, "
		"s.chatmig_group, %s, %s, "
		"CASE WHEN (s.chatmig_fingerprint = t.fingerprint) IS NOT TRUE "
		"THEN true ELSE cardinality(t.message_ids) > %d OR %s END, %s, "
		"NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::bigint, "
		"NULL::bigint, NULL::bigint, NULL::bigint%s "
		"FROM (%s) AS s LEFT JOIN %s AS t ON %s%s",
		DIGEST_LEGACY_ROW, chatmig_validate_sql_time(plan), half(plan, 1),
		is_pair ? half(plan, 2) : "NULL::bigint", is_pair ? 2 : 1,
		plan->has_media ? chatmig_validate_compare_medium(plan) : "false",
		time->name == NULL
			? "false"
			: psprintf("%s IS NULL", chatmig_validate_sql_column(time)),
		columns.data, reduced_rows(plan), plan->qualified[TARGET_TRACE],
		chatmig_validate_sql_same_key(mapping),
		plan->has_media ? psprintf(" LEFT JOIN %s AS d ON d.id = t.media_id",
								   plan->relation[TARGET_MEDIA])
						: "");
}

/* A legacy row without its contents: a few columns, numbers for the rest. */
static char *
reduced_rows(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	bool is_pair = mapping->shape == SHAPE_PAIR;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s%s AS chatmig_half_1, ",
					 kept_columns(plan),
					 chatmig_validate_hash_content(chatmig_validate_sql_text(
						 mapping, is_pair ? PART_QUESTION : PART_CONTENT)));
	if (is_pair)
		appendStringInfo(&sql, "%s AS chatmig_half_2, ",
						 chatmig_validate_hash_content(
							 chatmig_validate_sql_text(mapping, PART_ANSWER)));
	else
		appendStringInfo(&sql, "%s AS chatmig_role, ",
						 chatmig_validate_sql_role(mapping));
	if (HAS_PART(mapping, PART_TOKENS))
		appendStringInfo(
			&sql, "%s::bigint AS chatmig_tokens, ",
			chatmig_validate_sql_column(&mapping->parts[PART_TOKENS]));
	appendStringInfo(
		&sql,
		"%s AS chatmig_group, %s AS chatmig_rest, %s AS chatmig_media, "
		"%s AS chatmig_fingerprint, %s FROM %s AS s",
		hashed_group(mapping), chatmig_validate_hash_rest(plan, false),
		chatmig_validate_sql_has_media(mapping), plan->fingerprint, FENCE,
		plan->source_rows);
	return sql.data;
}

/* The key, the time, and what a medium is compared with; each once. */
static char *
kept_columns(const MigrationPlan *plan)
{
	static const Part parts[] = {PART_TIME, PART_OWNER, PART_MEDIA,
								 PART_MEDIA_TYPE};
	const Mapping *mapping = plan->mapping;
	Bitmapset *seen = NULL;
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < mapping->nkeys + lengthof(parts); i++)
	{
		const Column *column = i < mapping->nkeys
								   ? &mapping->keys[i]
								   : &mapping->parts[parts[i - mapping->nkeys]];

		if (column->name == NULL || bms_is_member(column->attnum, seen) ||
			(i > mapping->nkeys && !plan->has_media))
			continue;
		seen = bms_add_member(seen, column->attnum);
		appendStringInfo(&list, "%s, ", chatmig_validate_sql_column(column));
	}
	return list.data;
}

/* The columns are those of conversations(). */
static char *
hashed_group(const Mapping *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "0::bigint");
	for (int i = 0; i < lengthof(group_parts); i++)
	{
		const Column *column = &mapping->parts[group_parts[i]];

		if (column->name != NULL)
			chatmig_validate_hash_group(&sql, mapping, group_parts[i],
										chatmig_validate_sql_column(column));
	}
	return sql.data;
}

/* The values are those of a message in messages(). */
static char *
half(const MigrationPlan *plan, int part)
{
	const Mapping *mapping = plan->mapping;
	bool is_last = part == (mapping->shape == SHAPE_PAIR ? 2 : 1);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"CASE WHEN (s.chatmig_half_%d IS NOT NULL%s) "
		"AND s.chatmig_fingerprint = t.fingerprint "
		"THEN coalesce(s.chatmig_half_%d, 0) # s.chatmig_rest # %s # %s # %s",
		part, part == 1 ? " OR s.chatmig_media" : "", part,
		chatmig_validate_hash_id(plan, TARGET_MESSAGES,
								 psprintf("t.message_ids[%d]", part), VALUE_ID),
		chatmig_validate_hash_text(mapping->shape == SHAPE_FLAT
									   ? "s.chatmig_role"
								   : part == 1 ? "'user'"
											   : "'assistant'",
								   VALUE_ROLE),
		chatmig_validate_hash_time(chatmig_validate_sql_time(plan)));
	if (HAS_PART(mapping, PART_TOKENS))
		appendStringInfo(&sql, " # %s",
						 chatmig_validate_hash_tokens(
							 is_last ? "s.chatmig_tokens"
									 : "CASE WHEN s.chatmig_half_2 IS NULL "
									   "THEN s.chatmig_tokens END"));
	if (part == 2)
		appendStringInfo(&sql, " # %s",
						 chatmig_validate_hash_id(plan, TARGET_MESSAGES,
												  "t.message_ids[1]",
												  VALUE_REPLY_TO));
	if (part == 1 && plan->has_media)
		appendStringInfo(&sql, " # %s",
						 chatmig_validate_hash_id(plan, TARGET_MEDIA,
												  "t.media_id", VALUE_MEDIUM));
	return psprintf("%s END", sql.data);
}

/*
 * For each conversation, as one line: two million messages are two million
 * lines less to sort. Those that the application has added behind the migrated
 * ones are younger than the migration.
 */
static char *
messages(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData digest;

	initStringInfo(&digest);
	appendStringInfo(
		&digest, "coalesce(%s, 0) # %s # %s # %s # %s # %s",
		chatmig_validate_hash_content("m.content::text"),
		chatmig_validate_hash_rest(plan, true),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.id", VALUE_ID),
		chatmig_validate_hash_text("m.role::text", VALUE_ROLE),
		chatmig_validate_hash_time("m.created_at"),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.reply_to_id",
								 VALUE_REPLY_TO));
	if (HAS_PART(mapping, PART_TOKENS))
		appendStringInfo(&digest, " # %s",
						 chatmig_validate_hash_tokens("m.tokens::bigint"));
	if (plan->has_media)
		appendStringInfo(&digest, " # %s",
						 chatmig_validate_hash_id(plan, TARGET_MEDIA,
												  "m.media_id", VALUE_MEDIUM));
	return psprintf(
		"SELECT m.conversation_id, count(*) AS messages, "
		"bit_xor(m.digest) AS digest, "
		"count(*) FILTER (WHERE m.is_younger) AS younger, "
		"bit_xor(m.digest) FILTER (WHERE m.is_younger) AS younger_digest, "
		"bit_xor(hashint8extended(m.\"position\", %d)) "
		"FILTER (WHERE m.is_younger) AS positions "
		"FROM (SELECT m.conversation_id, m.\"position\", "
		"hashint8extended(%s, m.\"position\") AS digest, "
		"m.created_at >= %s::timestamptz AS is_younger, " FENCE
		" FROM %s AS m) AS m GROUP BY m.conversation_id",
		POSITIONS_SEED, digest.data,
		quote_literal_cstr(timestamptz_to_str(plan->migrated_at)),
		plan->relation[TARGET_MESSAGES]);
}

/* The same for each column of the key. */
static char *
keys(const MigrationPlan *plan, const char *format)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfoString(&list, format);
	return list.data;
}
