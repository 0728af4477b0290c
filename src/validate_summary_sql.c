/*
 * validate_summary_sql.c
 *	  What a summary asks the server. See validate_summary_sql.h.
 *
 * In: a plan. Out: SQL text. Each value is hashed once, below a fence, and then
 * added up as often as it is needed.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "ledger.h"
#include "validate_digest.h"
#include "validate_hash.h"
#include "validate_sql.h"
#include "validate_summary_sql.h"

/* Of a row with the hashes of two ids, of which one may be NULL. */
#define HAS_MESSAGES                                                           \
	"(s.chatmig_id_1 IS NOT NULL OR s.chatmig_id_2 IS NOT NULL)"
#define NUMBER_OF_MESSAGES "count(s.chatmig_id_1) + count(s.chatmig_id_2)"

static char *ids_of_rows(const MigrationPlan *plan, const char *until);
static char *id(const MigrationPlan *plan, int part);
static char *sum(const char *hash);
static char *row_hash(const char *key, const char *fingerprint);
static char *contents(const char *own, const char *group);
static char *hashed_key(const Mapping *mapping, const char *format);
static int parts(const Mapping *mapping);

char *
chatmig_validate_summary_legacy(const MigrationPlan *plan, const char *until)
{
	const Mapping *mapping = plan->mapping;
	List *messages = NIL;
	StringInfoData is_empty;

	initStringInfo(&is_empty);
	for (int part = 1; part <= parts(mapping); part++)
	{
		char *half = chatmig_validate_digest_half(plan, part, "s.chatmig_id_");

		appendStringInfo(&is_empty, "%s%s IS NULL", part > 1 ? " AND " : "",
						 chatmig_validate_digest_filled_half(mapping, part));
		messages = lappend(
			messages,
			psprintf("CASE WHEN s.chatmig_id_%d IS NOT NULL THEN %s END", part,
					 contents(half, "s.chatmig_group")));
	}
	return psprintf(
		"SELECT count(*), "
		"count(*) FILTER (WHERE %s OR s.chatmig_at >= %s::timestamp), "
		"count(*) FILTER (WHERE " HAS_MESSAGES "), %s, " NUMBER_OF_MESSAGES
		", %s FROM (%s) AS s",
		is_empty.data, until,
		sum(psprintf("CASE WHEN " HAS_MESSAGES " THEN %s END",
					 row_hash("s.chatmig_key",
							  chatmig_validate_digest_fingerprint(plan)))),
		sum(chatmig_validate_hash_sum(messages)), ids_of_rows(plan, until));
}

/* Legacy rows, and hashes of the ids that their messages must have. */
static char *
ids_of_rows(const MigrationPlan *plan, const char *until)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData ids;

	initStringInfo(&ids);
	for (int part = 1; part <= 2; part++)
		if (part <= parts(mapping))
			appendStringInfo(
				&ids,
				"CASE WHEN %s IS NOT NULL AND s.chatmig_at < %s::timestamp "
				"THEN %s END AS chatmig_id_%d, ",
				chatmig_validate_digest_filled_half(mapping, part), until,
				id(plan, part), part);
		else
			appendStringInfo(&ids, "NULL::bigint AS chatmig_id_%d, ", part);
	return psprintf("SELECT s.*, %s%s AS chatmig_key, %s FROM (%s) AS s",
					ids.data, hashed_key(mapping, NULL), FENCE,
					chatmig_validate_digest_rows(plan));
}

static char *
id(const MigrationPlan *plan, int part)
{
	return chatmig_validate_hash_id(
		plan, TARGET_MESSAGES,
		psprintf("%s.chatmig_message_id(%s::text, s.chatmig_key_text, %d, "
				 "s.chatmig_at)",
				 chatmig_ledger_schema(), quote_literal_cstr(plan->name), part),
		VALUE_ID);
}

/* Of hashes; NULL for none. */
static char *
sum(const char *hash)
{
	return psprintf("(sum(%s) %% 9223372036854775808)::bigint", hash);
}

static char *
row_hash(const char *key, const char *fingerprint)
{
	return chatmig_validate_hash_pair(
		chatmig_validate_hash_sum(
			list_make2((char *) key, (char *) fingerprint)),
		chatmig_validate_hash_pair("coalesce(s.chatmig_id_1, 0)",
								   "coalesce(s.chatmig_id_2, 0)"));
}

/* Of a message: it must be the same on both sides. */
static char *
contents(const char *own, const char *group)
{
	return chatmig_validate_hash_pair(own, group);
}

/* See chatmig_validate_sql_key_value(). */
static char *
hashed_key(const Mapping *mapping, const char *format)
{
	List *hashes = NIL;

	for (int i = 0; i < mapping->nkeys; i++)
		hashes = lappend(
			hashes, chatmig_validate_hash_key(
						mapping, i,
						chatmig_validate_sql_key_value(mapping, i, format)));
	return chatmig_validate_hash_sum(hashes);
}

/* How many messages a row may hold. */
static int
parts(const Mapping *mapping)
{
	return mapping->shape == SHAPE_PAIR ? 2 : 1;
}

char *
chatmig_validate_summary_trace(const MigrationPlan *plan)
{
	char *places = chatmig_validate_hash_sum(list_make2(
		chatmig_validate_hash_pair("s.chatmig_id_1", "s.conversation"),
		chatmig_validate_hash_pair("s.chatmig_id_2", "s.conversation")));

	return psprintf(
		"SELECT count(*), %s, " NUMBER_OF_MESSAGES ", %s, "
		"count(*) FILTER (WHERE s.is_odd) FROM ("
		"SELECT %s AS key, t.fingerprint, %s AS chatmig_id_1, "
		"%s AS chatmig_id_2, "
		"%s AS conversation, (cardinality(t.message_ids) <= %d "
		"AND t.media_id IS NULL) IS NOT TRUE AS is_odd, %s FROM %s AS t) AS s",
		sum(row_hash("s.key", "s.fingerprint")), sum(places),
		hashed_key(plan->mapping, "t.key_%d"),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "t.message_ids[1]",
								 VALUE_ID),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "t.message_ids[2]",
								 VALUE_ID),
		chatmig_validate_hash_id(plan, TARGET_CONVERSATIONS,
								 "t.conversation_id", VALUE_CONVERSATION),
		parts(plan->mapping), FENCE, plan->qualified[TARGET_TRACE]);
}

char *
chatmig_validate_summary_conversations(const MigrationPlan *plan,
									   const char *until)
{
	return psprintf("SELECT count(*), %s FROM %s AS c "
					"WHERE (c.created_at >= %s::timestamptz) IS NOT TRUE",
					sum(chatmig_validate_hash_id(plan, TARGET_CONVERSATIONS,
												 "c.id", VALUE_CONVERSATION)),
					plan->relation[TARGET_CONVERSATIONS], until);
}

/* A message's own hash is made below the join, its conversation's once. */
char *
chatmig_validate_summary_messages(const MigrationPlan *plan, const char *until)
{
	List *own = chatmig_validate_digest_message(plan);
	List *all = list_make3("m.own", "m.id",
						   chatmig_validate_hash_answered("m.answered"));

	return psprintf(
		"SELECT %s.chatmig_summary(m.conversation_id, c.hash, c.begins, "
		"c.ends, m.\"position\", m.at, m.id, m.answered, %s, %s::timestamptz) "
		"FROM (SELECT m.conversation_id, m.\"position\"::bigint, "
		"m.created_at::timestamptz AS at, %s AS id, %s AS answered, "
		"%s AS own, %s FROM %s AS m) AS m "
		"LEFT JOIN (SELECT c.id, %s AS hash, %s AS \"group\", "
		"c.created_at::timestamptz AS begins, "
		"c.updated_at::timestamptz AS ends, %s FROM %s AS c) AS c "
		"ON c.id = m.conversation_id",
		chatmig_ledger_schema(),
		contents(chatmig_validate_hash_sum(all), "c.\"group\""), until,
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.id", VALUE_ID),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.reply_to_id",
								 VALUE_ID),
		chatmig_validate_hash_sum(own), FENCE, plan->relation[TARGET_MESSAGES],
		chatmig_validate_hash_id(plan, TARGET_CONVERSATIONS, "c.id",
								 VALUE_CONVERSATION),
		chatmig_validate_digest_group(plan), FENCE,
		plan->relation[TARGET_CONVERSATIONS]);
}

/* By equality, so that the planner knows how few they are. */
char *
chatmig_validate_summary_joints(const MigrationPlan *plan)
{
	return psprintf(
		"SELECT j.n::bigint, m.\"position\"::bigint, "
		"m.created_at::timestamptz, %s FROM unnest($1, $2) WITH ORDINALITY "
		"AS j (conversation, \"position\", n) "
		"CROSS JOIN LATERAL (VALUES (j.\"position\" - 1), (j.\"position\")) "
		"AS p (\"position\") JOIN %s AS m "
		"ON m.conversation_id = j.conversation "
		"AND m.\"position\" = p.\"position\"",
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.id", VALUE_ID),
		plan->relation[TARGET_MESSAGES]);
}

/*
 * Where the legacy table has lost its key, a second row of a migrated one's key
 * may be among them, which is for validate_legacy.c to compare with the trace.
 */
char *
chatmig_validate_summary_untraced(const MigrationPlan *plan, const char *until)
{
	return psprintf("(%s OR %s >= %s::timestamp)",
					chatmig_validate_sql_is_empty(plan->mapping),
					chatmig_validate_sql_utc_time(plan), until);
}
