/*
 * validate_summary.c
 *	  Whether a survey is worth it.
 *
 * In: a plan. Out: whether the tables hold exactly what the migration must have
 * left in them, but for what is younger; and if so, what the survey would have
 * said. Each table is read once, in any order, by itself: no join of the two
 * sides, no sort. That is possible since an id follows from the legacy key:
 * the only thing that is asked of the run's own code, and any function would
 * do that gives each message an id of its own. If anything differs, the survey
 * tells what.
 *
 * Numbers of things and sums of their hashes are compared, which in any order
 * is as good as comparing the things one by one:
 *
 * - keys, fingerprints and ids of the messages: legacy rows and trace;
 * - messages, each with its id and the group that it is in: legacy rows and
 *   messages with their conversations;
 * - which conversation a message is in: trace and messages;
 * - which conversations begin: conversations and messages.
 *
 * As contents have the time in them, what is left is that in each conversation
 * positions count from 0, and times of different rows increase: summary.c.
 * Where they do not increase, keys decide on the order, which is for others to
 * see: these conversations are suspects.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "summary.h"
#include "validate_digest.h"
#include "validate_hash.h"
#include "validate_sql.h"
#include "validation.h"

/*
 * Sums of hashes are equal if their lower 63 bits are: sum() makes a numeric,
 * whose remainder has a sign.
 */
#define SAME_SUM(a, b) ((((uint64) (a) ^ (uint64) (b)) << 1) == 0)

/* The legacy rows that are older than the last run and hold messages. */
typedef struct LegacySums
{
	int64 all;      /* rows of any kind */
	int64 untraced; /* that hold no message, or are younger */
	int64 rows;
	uint64 row_hash;
	int64 messages;
	uint64 contents;
} LegacySums;

typedef struct TraceSums
{
	int64 rows;
	uint64 row_hash;
	int64 messages;
	uint64 places;
	bool is_odd;
} TraceSums;

/* The conversations that are older than the last run. */
typedef struct ConversationSums
{
	int64 conversations;
	uint64 hash;
} ConversationSums;

/* A joint's two messages, being looked up. */
typedef struct JointSearch
{
	Validation *validation;
	Summary *summary;
	int *found;        /* of each joint, with its position */
	int *predecessors; /* of each joint, that come before it in time, too */
} JointSearch;

/* What the messages' query has returned. */
typedef struct MessageSums
{
	MemoryContext context; /* for what outlives the query */
	Summary *summary;
} MessageSums;

static bool takes(const MigrationPlan *plan);
static bool holds(Validation *validation, const char *until, Summary **summary,
				  LegacySums *legacy);
static char *last_run(const Validation *validation);
static char *legacy_query(const MigrationPlan *plan, const char *until);
static char *legacy_ids(const MigrationPlan *plan, const char *until);
static char *sum(const char *hash);
static char *row_hash(const char *key, const char *fingerprint);
static char *contents(const char *own, const char *group);
static char *key_of(const MigrationPlan *plan, const char *format);
static char *id_key(const Mapping *mapping);
static char *trace_query(const MigrationPlan *plan);
static char *message_query(const MigrationPlan *plan, const char *until);
static char *conversation_query(const MigrationPlan *plan, const char *until);
static bool receive_legacy(TupleTableSlot *slot, void *state);
static bool receive_trace(TupleTableSlot *slot, void *state);
static bool receive_messages(TupleTableSlot *slot, void *state);
static bool receive_conversations(TupleTableSlot *slot, void *state);
static int64 number_of(TupleTableSlot *slot, int column);
static bool is_set(TupleTableSlot *slot, int column);
static bool joints_hold(Validation *validation, Summary *summary);
static void joint_args(Summary *summary, QueryArgs *args);
static bool receive_joint(TupleTableSlot *slot, void *state);
static char *is_untraced(const MigrationPlan *plan, const char *until);
static bool take_suspects(Validation *validation, Summary *summary);
static bool add_suspect(Survey *survey, const pg_uuid_t *conversation);

bool
chatmig_validate_summary(Validation *validation)
{
	Survey *survey = &validation->survey;
	const Survey before = *survey;
	Summary *summary = NULL;
	LegacySums legacy = {0};
	char *until;
	bool is_clean;

	if (!takes(validation->plan))
		return false;
	until = last_run(validation);
	is_clean = until != NULL && holds(validation, until, &summary, &legacy) &&
			   joints_hold(validation, summary) &&
			   take_suspects(validation, summary);
	elog(DEBUG1, "validate: summary %s; suspect conversations: %d",
		 is_clean ? "holds" : "does not hold", survey->nsuspects);
	if (!is_clean)
	{
		*survey = before;
		return false;
	}
	survey->has_untraced = legacy.untraced > 0;
	survey->is_untraced = is_untraced(validation->plan, until);
	validation->trace = (TraceCounts){.is_counted = true,
									  .rows = legacy.rows,
									  .messages = legacy.messages,
									  .has_conversations = true,
									  .conversations = summary->begins};
	return true;
}

/* Ids that follow from a key and a time, and no media. */
static bool
takes(const MigrationPlan *plan)
{
	const Oid messages = plan->tables[TARGET_MESSAGES];
	const AttrNumber conversation = get_attnum(messages, "conversation_id");

	for (int i = 0; i < plan->mapping->nkeys; i++)
		if (!chatmig_validate_digest_has_hash(&plan->mapping->keys[i]))
			return false;
	return !plan->has_media && plan->mapping->time_kind != TIME_NONE &&
		   chatmig_validate_sql_takes_any_time(plan) &&
		   plan->id_types[TARGET_MESSAGES] == UUIDOID &&
		   plan->id_types[TARGET_CONVERSATIONS] == UUIDOID &&
		   get_atttype(messages, conversation) == UUIDOID;
}

/*
 * A time as a literal: what is older can be of a run. Of all that the ledger
 * knows, as a run's is that at which its transaction began. NULL where the
 * survey is needed anyhow.
 */
static char *
last_run(const Validation *validation)
{
	QueryArgs args = {0};
	bool isnull;
	Datum time;

	chatmig_query_text_arg(&args, validation->name);
	time = chatmig_query_value(
		psprintf("SELECT greatest(s.last_run, s.migrated_at, s.registered_at) "
				 "FROM %s.chatmig_status AS s "
				 "WHERE s.migration = $1 AND s.rejected = 0 "
				 "AND NOT EXISTS (SELECT FROM %s.chatmig_deletions AS x "
				 "WHERE x.migration = s.migration)",
				 chatmig_ledger_schema(), chatmig_ledger_schema()),
		&args, &isnull);
	if (isnull)
		return NULL;
	return quote_literal_cstr(timestamptz_to_str(DatumGetTimestampTz(time)));
}

/* The cheaper half first: the other matters only if it holds. */
static bool
holds(Validation *validation, const char *until, Summary **summary,
	  LegacySums *legacy)
{
	const MigrationPlan *plan = validation->plan;
	TraceSums trace = {0};
	ConversationSums conversations = {0};
	MessageSums messages = {.context = validation->context};

	chatmig_query_stream(trace_query(plan), NULL, true, NULL, receive_trace,
						 &trace);
	chatmig_query_stream(legacy_query(plan, until), NULL, true, NULL,
						 receive_legacy, legacy);
	/* a row without a key, or a time, is of no kind */
	if (trace.is_odd || legacy->all != legacy->rows + legacy->untraced ||
		trace.rows != legacy->rows ||
		!SAME_SUM(trace.row_hash, legacy->row_hash) ||
		trace.messages != legacy->messages)
		return false;
	chatmig_query_stream(conversation_query(plan, until), NULL, true, NULL,
						 receive_conversations, &conversations);
	chatmig_query_stream(message_query(plan, until), NULL, true, NULL,
						 receive_messages, &messages);
	*summary = messages.summary;
	return *summary != NULL && !(*summary)->is_odd &&
		   (*summary)->messages == legacy->messages &&
		   SAME_SUM((*summary)->contents, legacy->contents) &&
		   SAME_SUM((*summary)->places, trace.places) &&
		   (*summary)->begins == conversations.conversations &&
		   SAME_SUM((*summary)->begun, conversations.hash);
}

static char *
legacy_query(const MigrationPlan *plan, const char *until)
{
	const char *has_messages =
		"s.chatmig_id_1 IS NOT NULL OR s.chatmig_id_2 IS NOT NULL";
	const bool is_pair = plan->mapping->shape == SHAPE_PAIR;
	StringInfoData sums;
	StringInfoData is_empty;

	initStringInfo(&sums);
	initStringInfo(&is_empty);
	for (int part = 1; part <= (is_pair ? 2 : 1); part++)
	{
		appendStringInfo(
			&is_empty, "%s%s IS NULL", part > 1 ? " AND " : "",
			chatmig_validate_digest_filled_half(plan->mapping, part));
		appendStringInfo(
			&sums, ", %s",
			sum(psprintf("CASE WHEN s.chatmig_id_%d IS NOT NULL THEN %s END",
						 part,
						 contents(chatmig_validate_digest_half(plan, part,
															   "s.chatmig_id_"),
								  "s.chatmig_group"))));
	}
	return psprintf(
		"SELECT count(*), count(*) FILTER (WHERE %s "
		"OR s.chatmig_at >= %s::timestamptz::timestamp), "
		"count(*) FILTER (WHERE %s), %s, "
		"count(s.chatmig_id_1) + count(s.chatmig_id_2)%s FROM (%s) AS s",
		is_empty.data, until, has_messages,
		sum(psprintf("CASE WHEN %s THEN %s END", has_messages,
					 row_hash("s.chatmig_key",
							  chatmig_validate_digest_fingerprint(plan)))),
		sums.data, legacy_ids(plan, until));
}

/* Hashes of the ids that messages of legacy rows must have. */
static char *
legacy_ids(const MigrationPlan *plan, const char *until)
{
	const Mapping *mapping = plan->mapping;
	const char *time = "s.chatmig_at";
	StringInfoData ids;

	initStringInfo(&ids);
	for (int part = 1; part <= 2; part++)
	{
		char *id =
			psprintf("%s.chatmig_message_id(%s::text, %s, %d, %s)",
					 chatmig_ledger_schema(), quote_literal_cstr(plan->name),
					 id_key(mapping), part, time);

		if (part == 2 && mapping->shape != SHAPE_PAIR)
		{
			appendStringInfoString(&ids, "NULL::bigint AS chatmig_id_2, ");
			break;
		}
		appendStringInfo(
			&ids,
			"CASE WHEN %s IS NOT NULL AND %s < %s::timestamptz::timestamp "
			"THEN %s END AS chatmig_id_%d, ",
			chatmig_validate_digest_filled_half(mapping, part), time, until,
			chatmig_validate_hash_id(plan, TARGET_MESSAGES, id, VALUE_ID),
			part);
	}
	return psprintf("SELECT s.*, %s%s AS chatmig_key, %s FROM (%s) AS s",
					ids.data, key_of(plan, NULL), FENCE,
					chatmig_validate_digest_rows(plan));
}

/* Of hashes; NULL for none. */
static char *
sum(const char *hash)
{
	return psprintf("(sum(%s) %% 9223372036854775808)::bigint", hash);
}

/* Of a row s with the hashes of two ids. */
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

/* The hash of a key: of the row s, or of columns named by a format. */
static char *
key_of(const MigrationPlan *plan, const char *format)
{
	const Mapping *mapping = plan->mapping;
	List *hashes = NIL;

	for (int i = 0; i < mapping->nkeys; i++)
		hashes = lappend(
			hashes, chatmig_validate_hash_key(
						mapping, i,
						format != NULL
							? psprintf(format, i + 1)
							: chatmig_validate_sql_column(&mapping->keys[i])));
	return chatmig_validate_hash_sum(hashes);
}

/* The key's text. A cast is quicker than format(), where it is the server's. */
static char *
id_key(const Mapping *mapping)
{
	const Column *key = &mapping->keys[0];

	if (mapping->nkeys == 1 &&
		(key->type == INT4OID || key->type == INT8OID || key->type == UUIDOID))
		return psprintf("%s::text", chatmig_validate_sql_column(key));
	return chatmig_validate_sql_key_text(mapping);
}

static char *
trace_query(const MigrationPlan *plan)
{
	const bool is_pair = plan->mapping->shape == SHAPE_PAIR;

	return psprintf(
		"SELECT count(*), %s, count(s.chatmig_id_1) + count(s.chatmig_id_2), "
		"%s, %s, bool_or(s.is_odd) FROM ("
		"SELECT %s AS key, t.fingerprint, %s AS chatmig_id_1, "
		"%s AS chatmig_id_2, "
		"%s AS conversation, (cardinality(t.message_ids) <= %d "
		"AND t.media_id IS NULL) IS NOT TRUE AS is_odd, %s FROM %s AS t) AS s",
		sum(row_hash("s.key", "s.fingerprint")),
		sum(chatmig_validate_hash_pair("s.chatmig_id_1", "s.conversation")),
		sum(chatmig_validate_hash_pair("s.chatmig_id_2", "s.conversation")),
		key_of(plan, "t.key_%d"),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "t.message_ids[1]",
								 VALUE_ID),
		chatmig_validate_hash_id(plan, TARGET_MESSAGES, "t.message_ids[2]",
								 VALUE_ID),
		chatmig_validate_hash_id(plan, TARGET_CONVERSATIONS,
								 "t.conversation_id", VALUE_CONVERSATION),
		is_pair ? 2 : 1, FENCE, plan->qualified[TARGET_TRACE]);
}

/* A message's own hash is made below the join, its conversation's once. */
static char *
message_query(const MigrationPlan *plan, const char *until)
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

static char *
conversation_query(const MigrationPlan *plan, const char *until)
{
	return psprintf("SELECT count(*), %s FROM %s AS c "
					"WHERE (c.created_at >= %s::timestamptz) IS NOT TRUE",
					sum(chatmig_validate_hash_id(plan, TARGET_CONVERSATIONS,
												 "c.id", VALUE_CONVERSATION)),
					plan->relation[TARGET_CONVERSATIONS], until);
}

static bool
receive_legacy(TupleTableSlot *slot, void *state)
{
	LegacySums *sums = state;

	slot_getallattrs(slot);
	sums->all = number_of(slot, 0);
	sums->untraced = number_of(slot, 1);
	sums->rows = number_of(slot, 2);
	sums->row_hash = (uint64) number_of(slot, 3);
	sums->messages = number_of(slot, 4);
	for (int i = 5; i < slot->tts_tupleDescriptor->natts; i++)
		sums->contents += (uint64) number_of(slot, i);
	return true;
}

static bool
receive_trace(TupleTableSlot *slot, void *state)
{
	TraceSums *sums = state;

	slot_getallattrs(slot);
	sums->rows = number_of(slot, 0);
	sums->row_hash = (uint64) number_of(slot, 1);
	sums->messages = number_of(slot, 2);
	sums->places = (uint64) number_of(slot, 3) + (uint64) number_of(slot, 4);
	sums->is_odd = is_set(slot, 5);
	return true;
}

static bool
receive_messages(TupleTableSlot *slot, void *state)
{
	MessageSums *sums = state;

	slot_getallattrs(slot);
	if (!slot->tts_isnull[0])
	{
		bytea *result = DatumGetByteaPP(slot->tts_values[0]);
		const Size length = VARSIZE_ANY_EXHDR(result);

		sums->summary = MemoryContextAlloc(sums->context, length);
		memcpy(sums->summary, VARDATA_ANY(result), length);
	}
	return true;
}

static bool
receive_conversations(TupleTableSlot *slot, void *state)
{
	ConversationSums *sums = state;

	slot_getallattrs(slot);
	sums->conversations = number_of(slot, 0);
	sums->hash = (uint64) number_of(slot, 1);
	return true;
}

/* 0 for NULL, which is the sum of nothing. */
static int64
number_of(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? 0
									: DatumGetInt64(slot->tts_values[column]);
}

static bool
is_set(TupleTableSlot *slot, int column)
{
	return !slot->tts_isnull[column] && DatumGetBool(slot->tts_values[column]);
}

/*
 * At each joint there is one message with its position, and one with the
 * position before it, as if the two had lain one behind the other: so no
 * position is there twice, and none is left out. Where conversations end, too,
 * is complete then: each one once.
 */
static bool
joints_hold(Validation *validation, Summary *summary)
{
	const MigrationPlan *plan = validation->plan;
	JointSearch search = {
		.validation = validation,
		.summary = summary,
		.found = palloc0(sizeof(int) * (summary->njoints + 1)),
		.predecessors = palloc0(sizeof(int) * (summary->njoints + 1))};
	QueryArgs args = {0};

	if (summary->njoints > 0)
	{
		joint_args(summary, &args);
		chatmig_query_stream(
			psprintf("SELECT j.n::bigint, m.\"position\"::bigint, "
					 "m.created_at::timestamptz, %s "
					 "FROM unnest($1, $2) WITH ORDINALITY "
					 "AS j (conversation, \"position\", n) "
					 "CROSS JOIN LATERAL (VALUES (j.\"position\" - 1), "
					 "(j.\"position\")) AS p (\"position\") "
					 "JOIN %s AS m ON m.conversation_id = j.conversation "
					 "AND m.\"position\" = p.\"position\"",
					 chatmig_validate_hash_id(plan, TARGET_MESSAGES, "m.id",
											  VALUE_ID),
					 plan->relation[TARGET_MESSAGES]),
			&args, true, NULL, receive_joint, &search);
	}
	for (int i = 0; i < summary->njoints; i++)
		if (search.found[i] != 1 || search.predecessors[i] != 1)
			return false;
	return summary->ends == summary->begins;
}

static void
joint_args(Summary *summary, QueryArgs *args)
{
	const int n = summary->njoints;
	SummaryJoint *joints = chatmig_summary_joints(summary);
	Datum *conversations = palloc(sizeof(Datum) * n);
	Datum *positions = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
	{
		conversations[i] = UUIDPGetDatum(&joints[i].conversation);
		positions[i] = Int64GetDatum(joints[i].position);
	}
	chatmig_query_arg(
		args, UUIDARRAYOID,
		PointerGetDatum(construct_array(conversations, n, UUIDOID, UUID_LEN,
										false, TYPALIGN_CHAR)),
		false);
	chatmig_query_arg(
		args, INT8ARRAYOID,
		PointerGetDatum(construct_array(positions, n, INT8OID, sizeof(int64),
										FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
		false);
}

static bool
receive_joint(TupleTableSlot *slot, void *state)
{
	JointSearch *search = state;
	const SummaryJoint *joint;
	TimestampTz time;
	int i;

	slot_getallattrs(slot);
	i = (int) DatumGetInt64(slot->tts_values[0]) - 1;
	joint = &chatmig_summary_joints(search->summary)[i];
	if (DatumGetInt64(slot->tts_values[1]) == joint->position)
	{
		search->found[i]++;
		return true;
	}
	time = DatumGetTimestampTz(slot->tts_values[2]);
	if (slot->tts_isnull[2] || time > joint->time)
		return true;
	if (time == joint->time &&
		DatumGetInt64(slot->tts_values[3]) != joint->answered &&
		!add_suspect(&search->validation->survey, &joint->conversation))
		return true;
	search->predecessors[i]++;
	if (joint->reaches_end && time == joint->ends)
		search->summary->ends--;
	return true;
}

/*
 * A condition on legacy rows s: they hold no message, or are younger. Where the
 * legacy table has lost its key, a second row of a migrated one's key may be
 * among them, which is for validate_legacy.c to compare with the trace.
 */
static char *
is_untraced(const MigrationPlan *plan, const char *until)
{
	return psprintf("(%s OR %s >= %s::timestamptz::timestamp)",
					chatmig_validate_sql_is_empty(plan->mapping),
					chatmig_validate_sql_utc_time(plan), until);
}

/* Conversations in which keys decide on the order. */
static bool
take_suspects(Validation *validation, Summary *summary)
{
	for (int i = 0; i < summary->nties; i++)
		if (!add_suspect(&validation->survey,
						 &chatmig_summary_ties(summary)[i]))
			return false;
	return true;
}

/* False if there are too many. The id stays where it is. */
static bool
add_suspect(Survey *survey, const pg_uuid_t *conversation)
{
	if (survey->nsuspects == MAX_SUSPECTS)
		return false;
	survey->suspects[survey->nsuspects++] = UUIDPGetDatum(conversation);
	return true;
}
