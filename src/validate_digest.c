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

#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "hash128.h"
#include "validate_compare.h"
#include "validate_digest.h"
#include "validate_hash.h"

/* Of positions. */
#define POSITIONS_SEED 271828182

static const Part group_parts[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};

static char *order_of_keys(const Mapping *mapping);
static char *conversations(const MigrationPlan *plan);
static char *legacy_rows(const MigrationPlan *plan);
static char *null_of(const char *type, const char *column);
static char *time_if_unchanged(const MigrationPlan *plan);
static char *is_unchanged(const MigrationPlan *plan);
static char *key_text(const Mapping *mapping);
static Part content_part(const Mapping *mapping, int part);
static const Column *content(const Mapping *mapping, int part);
static char *hashed_rest(const MigrationPlan *plan);
static char *traced_rows(const MigrationPlan *plan);
static char *kept_columns(const MigrationPlan *plan);
static char *hashed_group(const Mapping *mapping);
static char *messages(const MigrationPlan *plan);
static char *hashed_content(const Mapping *mapping);
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
		if (!chatmig_validate_has_hash(&mapping->parts[group_parts[i]]))
			return NULL;
	/*
	 * The legacy rows first, as they give the keys their types. Each of the
	 * three is sorted by itself, in the workers that read it: the rest is to
	 * merge, which one process does alone. By the conversation, as time and
	 * key are NULL in two of them: the planner does not know that what is
	 * sorted by the conversation is sorted by NULL, too.
	 */
	return psprintf("SELECT u.* FROM ((SELECT l.* FROM (%s) AS l "
					"ORDER BY l.conversation, l.at%s) "
					"UNION ALL (%s ORDER BY 1) UNION ALL (%s ORDER BY 1)) AS u "
					"ORDER BY u.conversation",
					legacy_rows(plan), order_of_keys(mapping),
					conversations(plan), messages(plan));
}

static char *
order_of_keys(const Mapping *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, ", %s",
						 chatmig_validate_sql_collated(
							 &mapping->keys[i], psprintf("l.key_%d", i + 1)));
	return sql.data;
}

uint64
chatmig_validate_digest_at(int64 digest, int64 place)
{
	return hash128_pair((uint64) digest, (uint64) place);
}

uint64
chatmig_validate_digest_positions(int64 first, int64 n)
{
	uint64 result = 0;

	for (int64 i = first; i < first + n; i++)
		result ^= chatmig_validate_digest_at(i, POSITIONS_SEED);
	return result;
}

static char *
conversations(const MigrationPlan *plan)
{
	return psprintf("SELECT c.id, NULL::timestamp, %s, NULL::bigint, "
					"NULL::bigint, NULL::int, NULL::bool, NULL::bool, "
					"c.created_at, c.updated_at, NULL::int%s FROM %s AS c",
					chatmig_validate_digest_group(plan), keys(plan, ", NULL"),
					plan->relation[TARGET_CONVERSATIONS]);
}

/* The columns are those of hashed_group(). */
char *
chatmig_validate_digest_group(const MigrationPlan *plan)
{
	const Column *session = &plan->mapping->parts[PART_SESSION];
	List *group = NIL;

	if (plan->owner_column)
		group = lappend(
			group, chatmig_validate_hash_group(
					   plan->mapping, PART_OWNER,
					   psprintf("c.%s", quote_identifier(plan->owner_column))));
	if (plan->counterpart_column)
		group = lappend(
			group,
			chatmig_validate_hash_group(
				plan->mapping, PART_COUNTERPART,
				psprintf("c.%s", quote_identifier(plan->counterpart_column))));
	if (session->name != NULL)
		group =
			lappend(group, chatmig_validate_hash_group(
							   plan->mapping, PART_SESSION,
							   psprintf("(c.metadata ->> %s)",
										quote_literal_cstr(session->name))));
	return chatmig_validate_hash_sum(group);
}

static char *
legacy_rows(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	const Column *time = &mapping->parts[PART_TIME];
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
		"SELECT t.conversation_id AS conversation, %s AS at, "
		"s.chatmig_group, %s, %s, num_nonnulls(t.id_1%s), "
		"CASE WHEN (%s) IS NOT TRUE THEN true ELSE (%s) IS NOT FALSE END, "
		"%s, %s, %s, %s%s "
		"FROM (%s) AS s LEFT JOIN (%s) AS t ON %s%s",
		time_if_unchanged(plan), chatmig_validate_digest_half(plan, 1, "t.id_"),
		mapping->shape == SHAPE_PAIR
			? chatmig_validate_digest_half(plan, 2, "t.id_")
			: "NULL::bigint",
		mapping->shape == SHAPE_PAIR ? ", t.id_2" : "", is_unchanged(plan),
		plan->has_media ? chatmig_validate_compare_medium(plan) : "false",
		time->name == NULL
			? "false"
			: psprintf("%s IS NULL", chatmig_validate_sql_column(time)),
		null_of("timestamptz", "chatmig_rest"),
		null_of("timestamptz", "chatmig_group"), null_of("int", "chatmig_rest"),
		columns.data, chatmig_validate_digest_rows(plan), traced_rows(plan),
		chatmig_validate_sql_same_key(mapping),
		plan->has_media ? psprintf(" LEFT JOIN %s AS d ON d.id = t.media_id",
								   plan->relation[TARGET_MEDIA])
						: "");
}

/*
 * A column that is never filled, by way of one that is. It is neither a
 * constant nor what another column is: for each of those, Gather Merge would
 * make a new row of a row, which one process does for all.
 */
static char *
null_of(const char *type, const char *column)
{
	return psprintf("CASE WHEN s.%s <> s.%s THEN NULL::%s END", column, column,
					type);
}

/* Where a row has changed, its time may be one that the server refuses. */
static char *
time_if_unchanged(const MigrationPlan *plan)
{
	char *time = chatmig_validate_sql_utc_time(plan);

	return chatmig_validate_sql_takes_any_time(plan)
			   ? time
			   : psprintf("CASE WHEN %s THEN %s END", is_unchanged(plan), time);
}

/* A condition: s is as it was when its row t of the trace was written. */
static char *
is_unchanged(const MigrationPlan *plan)
{
	return psprintf("%s = t.fingerprint",
					chatmig_validate_digest_fingerprint(plan));
}

char *
chatmig_validate_digest_fingerprint(const MigrationPlan *plan)
{
	List *hashes;
	char *from;

	if (chatmig_validate_hash_without_contents(plan, &from) == NULL)
		return pstrdup("s.chatmig_fingerprint");
	hashes = list_make2("s.chatmig_fingerprint", "s.chatmig_half_1");
	if (plan->mapping->shape == SHAPE_PAIR)
		hashes = lappend(hashes, "s.chatmig_half_2");
	return chatmig_validate_hash_sum(hashes);
}

char *
chatmig_validate_digest_rows(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *other_columns = "";
	char *fingerprint =
		chatmig_validate_hash_without_contents(plan, &other_columns);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s", kept_columns(plan));
	for (int part = 1; part <= (mapping->shape == SHAPE_PAIR ? 2 : 1); part++)
		appendStringInfo(&sql, "%s AS chatmig_half_%d, ",
						 chatmig_validate_hash_content(
							 content(mapping, part),
							 chatmig_validate_sql_text(
								 mapping, content_part(mapping, part))),
						 part);
	if (HAS_PART(mapping, PART_TOKENS))
		appendStringInfo(
			&sql, "%s::bigint AS chatmig_tokens, ",
			chatmig_validate_sql_column(&mapping->parts[PART_TOKENS]));
	if (chatmig_validate_sql_takes_any_time(plan))
		appendStringInfo(&sql, "%s AS chatmig_at, ",
						 chatmig_validate_sql_utc_time(plan));
	appendStringInfo(&sql, "%s AS chatmig_key_text, ", key_text(mapping));
	appendStringInfo(
		&sql,
		"%s AS chatmig_group, %s AS chatmig_rest, %s AS chatmig_media, "
		"%s AS chatmig_fingerprint, %s FROM %s AS s%s",
		hashed_group(mapping), hashed_rest(plan),
		chatmig_validate_sql_has_media(mapping),
		fingerprint != NULL ? fingerprint : plan->fingerprint, FENCE,
		plan->source_rows, other_columns);
	return sql.data;
}

/* A cast is quicker than format(), where it is the server's own. */
static char *
key_text(const Mapping *mapping)
{
	const Column *key = &mapping->keys[0];

	if (mapping->nkeys == 1 &&
		(key->type == INT4OID || key->type == INT8OID || key->type == UUIDOID))
		return psprintf("%s::text", chatmig_validate_sql_column(key));
	return chatmig_validate_sql_key_text(mapping);
}

/* Of a legacy row's message 1 or 2. */
static Part
content_part(const Mapping *mapping, int part)
{
	return mapping->shape != SHAPE_PAIR ? PART_CONTENT
		   : part == 1                  ? PART_QUESTION
										: PART_ANSWER;
}

static const Column *
content(const Mapping *mapping, int part)
{
	return &mapping->parts[content_part(mapping, part)];
}

/* What the halves have in common; each value once, and before the join. */
static char *
hashed_rest(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	List *rest = chatmig_validate_hash_rest(plan, false);

	if (mapping->shape == SHAPE_FLAT)
		rest =
			lappend(rest, chatmig_validate_hash_text(
							  chatmig_validate_sql_role(mapping), VALUE_ROLE));
	if (chatmig_validate_sql_takes_any_time(plan))
		rest = lappend(rest, chatmig_validate_hash_local_time(
								 chatmig_validate_sql_utc_time(plan)));
	return chatmig_validate_hash_sum(rest);
}

/*
 * A row of the trace without its ids, so that a hash table of all rows is
 * small: their hashes, NULL for none. These can be NULL where their columns are
 * not, and the other way round, which keeps them below the join without a
 * fence; with one, the planner would not know that a key is there once. Where
 * there are more ids than messages, or a medium that cannot be, the row is as
 * good as changed.
 */
static char *
traced_rows(const MigrationPlan *plan)
{
	const int n = plan->mapping->shape == SHAPE_PAIR ? 2 : 1;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&sql, "t.key_%d, ", i + 1);
	appendStringInfo(&sql,
					 "t.conversation_id, "
					 "CASE WHEN cardinality(t.message_ids) > %d%s "
					 "THEN NULL ELSE t.fingerprint END AS fingerprint, ",
					 n, plan->has_media ? "" : " OR t.media_id IS NOT NULL");
	for (int i = 1; i <= n; i++)
		appendStringInfo(&sql, "nullif(coalesce(%s, 0), 0) AS id_%d, ",
						 chatmig_validate_hash_id(
							 plan, TARGET_MESSAGES,
							 psprintf("t.message_ids[%d]", i), VALUE_ID),
						 i);
	appendStringInfo(&sql, "t.media_id FROM %s AS t",
					 plan->qualified[TARGET_TRACE]);
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

/* The columns are those of chatmig_validate_digest_group(). */
static char *
hashed_group(const Mapping *mapping)
{
	List *group = NIL;

	for (int i = 0; i < lengthof(group_parts); i++)
	{
		const Column *column = &mapping->parts[group_parts[i]];

		if (column->name != NULL)
			group = lappend(group, chatmig_validate_hash_group(
									   mapping, group_parts[i],
									   chatmig_validate_sql_column(column)));
	}
	return chatmig_validate_hash_sum(group);
}

/* The values are those of chatmig_validate_digest_message(). */
char *
chatmig_validate_digest_half(const MigrationPlan *plan, int part,
							 const char *ids)
{
	const Mapping *mapping = plan->mapping;
	const bool is_pair = mapping->shape == SHAPE_PAIR;
	const bool has_medium = part == 1 && plan->has_media;
	char *text = chatmig_validate_digest_filled_half(mapping, part);
	List *hashes =
		list_make3(text, "s.chatmig_rest", psprintf("%s%d", ids, part));

	if (part == 2)
		hashes = lappend(hashes,
						 chatmig_validate_hash_answered(psprintf("%s1", ids)));
	if (is_pair)
		hashes = lappend(hashes,
						 chatmig_validate_hash_text(
							 part == 1 ? "'user'" : "'assistant'", VALUE_ROLE));
	if (!chatmig_validate_sql_takes_any_time(plan))
		hashes = lappend(
			hashes, chatmig_validate_hash_local_time(time_if_unchanged(plan)));
	if (HAS_PART(mapping, PART_TOKENS))
		hashes = lappend(hashes,
						 chatmig_validate_hash_tokens(
							 !is_pair || part == 2
								 ? "s.chatmig_tokens"
								 : psprintf("CASE WHEN %s IS NULL "
											"THEN s.chatmig_tokens END",
											chatmig_validate_digest_filled_half(
												mapping, 2))));
	if (has_medium)
		hashes = lappend(hashes,
						 chatmig_validate_hash_id(plan, TARGET_MEDIA,
												  "t.media_id", VALUE_MEDIUM));
	return psprintf("CASE WHEN %s IS NOT NULL%s THEN %s END", text,
					has_medium ? " OR s.chatmig_media" : "",
					chatmig_validate_hash_sum(hashes));
}

char *
chatmig_validate_digest_filled_half(const Mapping *mapping, int part)
{
	return chatmig_validate_hash_without_empty(
		content(mapping, part), psprintf("s.chatmig_half_%d", part));
}

/*
 * For each conversation, as one line: two million messages are two million
 * lines less to sort. Those that the application has added behind the migrated
 * ones are younger than the migration.
 */
static char *
messages(const MigrationPlan *plan)
{
	const char *place = "m.\"position\"";
	char *id =
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.id", VALUE_ID);
	char *answered = chatmig_validate_hash_id(plan, TARGET_MESSAGES,
											  "m.reply_to_id", VALUE_ID);
	List *hashes = chatmig_validate_digest_message(plan);

	hashes = lappend(hashes, id);
	hashes = lappend(hashes, chatmig_validate_hash_answered(answered));
	return psprintf(
		"SELECT m.conversation_id, NULL::timestamp, bit_xor(m.digest), "
		"bit_xor(m.digest) FILTER (WHERE m.is_younger), "
		"bit_xor(%s) FILTER (WHERE m.is_younger), count(*)::int, NULL::bool, "
		"NULL::bool, NULL::timestamptz, NULL::timestamptz, "
		"(count(*) FILTER (WHERE m.is_younger))::int%s "
		"FROM (SELECT m.conversation_id, m.\"position\", "
		"%s AS digest, "
		"m.created_at >= %s::timestamptz AS is_younger, " FENCE
		" FROM %s AS m) AS m GROUP BY m.conversation_id",
		chatmig_validate_hash_pair(place, psprintf("%d", POSITIONS_SEED)),
		keys(plan, ", NULL"),
		chatmig_validate_hash_pair(chatmig_validate_hash_sum(hashes), place),
		quote_literal_cstr(timestamptz_to_str(plan->migrated_at)),
		plan->relation[TARGET_MESSAGES]);
}

/* The values are those of chatmig_validate_digest_half(). */
List *
chatmig_validate_digest_message(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	List *hashes = chatmig_validate_hash_rest(plan, true);

	hashes = lappend(hashes, hashed_content(mapping));
	hashes =
		lappend(hashes, chatmig_validate_hash_text("m.role::text", VALUE_ROLE));
	hashes = lappend(hashes,
					 chatmig_validate_hash_time("m.created_at::timestamptz"));
	if (HAS_PART(mapping, PART_TOKENS))
		hashes =
			lappend(hashes, chatmig_validate_hash_tokens("m.tokens::bigint"));
	if (plan->has_media)
		hashes = lappend(hashes,
						 chatmig_validate_hash_id(plan, TARGET_MEDIA,
												  "m.media_id", VALUE_MEDIUM));
	return hashes;
}

/* Of a message m, as of the column that it must have come from. */
static char *
hashed_content(const Mapping *mapping)
{
	const char *text = "m.content::text";
	char *first = chatmig_validate_hash_content(content(mapping, 1), text);

	first = chatmig_validate_hash_without_empty(content(mapping, 1), first);
	if (mapping->shape != SHAPE_PAIR)
		return first;
	return psprintf("CASE WHEN m.role::text COLLATE \"C\" = 'user' THEN %s "
					"ELSE %s END",
					first,
					chatmig_validate_hash_without_empty(
						content(mapping, 2), chatmig_validate_hash_content(
												 content(mapping, 2), text)));
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
