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
#include "validate_hash.h"
#include "validate_sql.h"
#include "validate_summary_sql.h"
#include "validation.h"

/* Of two sums of hashes; see validate_summary_sql.h. */
#define SAME_SUM(a, b) ((((uint64) (a) ^ (uint64) (b)) << 1) == 0)

/* A joint's two messages, being looked up. */
typedef struct JointSearch
{
	Survey *survey;
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
static bool receive_numbers(TupleTableSlot *slot, void *state);
static bool receive_messages(TupleTableSlot *slot, void *state);
static bool joints_hold(Validation *validation, Summary *summary);
static void joint_args(Summary *summary, QueryArgs *args);
static bool receive_joint(TupleTableSlot *slot, void *state);
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
	survey->is_untraced =
		chatmig_validate_summary_untraced(validation->plan, until);
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
		if (!chatmig_validate_has_hash(&plan->mapping->keys[i]))
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

	chatmig_query_stream(chatmig_validate_summary_trace(plan), NULL, true, NULL,
						 receive_numbers, &trace);
	chatmig_query_stream(chatmig_validate_summary_legacy(plan, until), NULL,
						 true, NULL, receive_numbers, legacy);
	/* a row without a key, or a time, is of no kind */
	if (trace.odd > 0 || legacy->all != legacy->rows + legacy->untraced ||
		trace.rows != legacy->rows ||
		!SAME_SUM(trace.row_hash, legacy->row_hash) ||
		trace.messages != legacy->messages)
		return false;
	chatmig_query_stream(chatmig_validate_summary_conversations(plan, until),
						 NULL, true, NULL, receive_numbers, &conversations);
	chatmig_query_stream(chatmig_validate_summary_messages(plan, until), NULL,
						 true, NULL, receive_messages, &messages);
	*summary = messages.summary;
	return *summary != NULL && !(*summary)->is_odd &&
		   (*summary)->messages == legacy->messages &&
		   SAME_SUM((*summary)->contents, legacy->contents) &&
		   SAME_SUM((*summary)->places, trace.places) &&
		   (*summary)->begins == conversations.conversations &&
		   SAME_SUM((*summary)->begun, conversations.hash);
}

/* A row of numbers; 0 for NULL, which is the sum of nothing. */
static bool
receive_numbers(TupleTableSlot *slot, void *state)
{
	int64 *numbers = state;

	slot_getallattrs(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
		numbers[i] =
			slot->tts_isnull[i] ? 0 : DatumGetInt64(slot->tts_values[i]);
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

/*
 * At each joint there is one message with its position, and one with the
 * position before it, as if the two had lain one behind the other: so no
 * position is there twice, and none is left out. Where conversations end, too,
 * is complete then: each one once.
 */
static bool
joints_hold(Validation *validation, Summary *summary)
{
	JointSearch search = {
		.survey = &validation->survey,
		.summary = summary,
		.found = palloc0(sizeof(int) * (summary->njoints + 1)),
		.predecessors = palloc0(sizeof(int) * (summary->njoints + 1))};
	QueryArgs args = {0};

	if (summary->njoints > 0)
	{
		joint_args(summary, &args);
		chatmig_query_stream(chatmig_validate_summary_joints(validation->plan),
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
		!add_suspect(search->survey, &joint->conversation))
		return true;
	search->predecessors[i]++;
	if (joint->reaches_end && time == joint->ends)
		search->summary->ends--;
	return true;
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
