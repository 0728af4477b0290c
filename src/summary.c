/*
 * summary.c
 *	  All messages of a table -> a few numbers, and what has to be looked up.
 *
 * chatmig_summary() is an aggregate without a state for each conversation: it
 * takes messages in any order, and expects them in that of the table, where
 * those of a conversation lie one behind the other. Of what lies there, each
 * message is compared with the one before; for the others it remembers where
 * to look. See summary.h for what comes out of it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "hash128.h"
#include "summary.h"

/* A message, or NULL for what is not there; see the aggregate's arguments. */
typedef struct SummaryMessage
{
	const pg_uuid_t *conversation;
	uint64 conversation_hash;
	TimestampTz begins;
	TimestampTz ends;
	int64 position;
	TimestampTz time;
	uint64 id;
	uint64 answered; /* 0: none */
	uint64 contents;
	TimestampTz until; /* what is older is old */
} SummaryMessage;

typedef enum SummaryArgument
{
	ARG_STATE,
	ARG_CONVERSATION,
	ARG_CONVERSATION_HASH,
	ARG_BEGINS,
	ARG_ENDS,
	ARG_POSITION,
	ARG_TIME,
	ARG_ID,
	ARG_ANSWERED,
	ARG_CONTENTS,
	ARG_UNTIL,
	NUM_ARGUMENTS
} SummaryArgument;

typedef struct SummaryState
{
	MemoryContext context; /* holds all of this */
	Summary sums;
	SummaryJoint *joints;
	pg_uuid_t *ties;
	int max_joints; /* for so many there is space */
	int max_ties;

	/* the message before, and the run of messages that it ends */
	bool has_message;
	pg_uuid_t conversation;
	int64 position;
	TimestampTz time;
	uint64 id;
	bool reaches_end;
	int joint; /* at which the run begins, or -1 */
} SummaryState;

static SummaryState *make_state(MemoryContext context);
static bool has_nulls(FunctionCallInfo fcinfo);
static void add(SummaryState *state, const SummaryMessage *message);
static void follow(SummaryState *state, const SummaryMessage *message);
static void begin_run(SummaryState *state, const SummaryMessage *message);
static void add_old(SummaryState *state, const SummaryMessage *message);
static void reach_end(SummaryState *state);
static void keep(SummaryState *state, const SummaryMessage *message);
static void add_joint(SummaryState *state, const SummaryJoint *joint);
static void add_tie(SummaryState *state, const pg_uuid_t *conversation);
static bool make_room(SummaryState *state, void **array, int n, int *max,
					  Size size);
static MemoryContext aggregate_context(FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(chatmig_summary_add);
PG_FUNCTION_INFO_V1(chatmig_summary_combine);
PG_FUNCTION_INFO_V1(chatmig_summary_send);
PG_FUNCTION_INFO_V1(chatmig_summary_receive);

/* The aggregate's transition: internal, and a message -> internal. */
Datum
chatmig_summary_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SummaryState *state = PG_ARGISNULL(ARG_STATE)
							  ? make_state(context)
							  : (SummaryState *) PG_GETARG_POINTER(ARG_STATE);
	SummaryMessage message;

	if (has_nulls(fcinfo))
	{
		state->sums.is_odd = true;
		PG_RETURN_POINTER(state);
	}
	message = (SummaryMessage){
		.conversation = PG_GETARG_UUID_P(ARG_CONVERSATION),
		.conversation_hash = (uint64) PG_GETARG_INT64(ARG_CONVERSATION_HASH),
		.begins = PG_GETARG_TIMESTAMPTZ(ARG_BEGINS),
		.ends = PG_GETARG_TIMESTAMPTZ(ARG_ENDS),
		.position = PG_GETARG_INT64(ARG_POSITION),
		.time = PG_GETARG_TIMESTAMPTZ(ARG_TIME),
		.id = (uint64) PG_GETARG_INT64(ARG_ID),
		.answered = PG_ARGISNULL(ARG_ANSWERED)
						? 0
						: (uint64) PG_GETARG_INT64(ARG_ANSWERED),
		.contents = (uint64) PG_GETARG_INT64(ARG_CONTENTS),
		.until = PG_GETARG_TIMESTAMPTZ(ARG_UNTIL)};
	add(state, &message);
	PG_RETURN_POINTER(state);
}

/* Of two processes' messages: internal, internal -> internal. */
Datum
chatmig_summary_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SummaryState *sum =
		PG_ARGISNULL(0) ? NULL : (SummaryState *) PG_GETARG_POINTER(0);
	const SummaryState *more =
		PG_ARGISNULL(1) ? NULL : (SummaryState *) PG_GETARG_POINTER(1);

	if (sum == NULL)
		sum = make_state(context);
	if (more != NULL)
	{
		sum->sums.is_odd |= more->sums.is_odd;
		sum->sums.messages += more->sums.messages;
		sum->sums.contents += more->sums.contents;
		sum->sums.places += more->sums.places;
		sum->sums.begins += more->sums.begins;
		sum->sums.begun += more->sums.begun;
		sum->sums.ends += more->sums.ends;
		for (int i = 0; i < more->sums.njoints; i++)
			add_joint(sum, &more->joints[i]);
		for (int i = 0; i < more->sums.nties; i++)
			add_tie(sum, &more->ties[i]);
	}
	sum->has_message = false;
	PG_RETURN_POINTER(sum);
}

/* To another process, and as the result: internal -> bytea, a Summary. */
Datum
chatmig_summary_send(PG_FUNCTION_ARGS)
{
	const SummaryState *state = (SummaryState *) PG_GETARG_POINTER(0);
	const Size joints = sizeof(SummaryJoint) * state->sums.njoints;
	const Size ties = sizeof(pg_uuid_t) * state->sums.nties;
	const Size length = VARHDRSZ + sizeof(Summary) + joints + ties;
	bytea *result = palloc(length);
	char *at = VARDATA(result);

	(void) aggregate_context(fcinfo);
	SET_VARSIZE(result, length);
	memcpy(at, &state->sums, sizeof(Summary));
	if (joints > 0)
		memcpy(at + sizeof(Summary), state->joints, joints);
	if (ties > 0)
		memcpy(at + sizeof(Summary) + joints, state->ties, ties);
	PG_RETURN_BYTEA_P(result);
}

/* From another process: bytea, internal -> internal. */
Datum
chatmig_summary_receive(PG_FUNCTION_ARGS)
{
	bytea *sent = PG_GETARG_BYTEA_PP(0);
	const char *at = VARDATA_ANY(sent);
	SummaryState *state = make_state(CurrentMemoryContext);
	Size joints;

	(void) aggregate_context(fcinfo);
	memcpy(&state->sums, at, sizeof(Summary));
	joints = sizeof(SummaryJoint) * state->sums.njoints;
	state->joints = palloc(Max(joints, 1));
	memcpy(state->joints, at + sizeof(Summary), joints);
	state->ties = palloc(sizeof(pg_uuid_t) * Max(state->sums.nties, 1));
	memcpy(state->ties, at + sizeof(Summary) + joints,
		   sizeof(pg_uuid_t) * state->sums.nties);
	PG_RETURN_POINTER(state);
}

static SummaryState *
make_state(MemoryContext context)
{
	SummaryState *state = MemoryContextAllocZero(context, sizeof(SummaryState));

	state->context = context;
	return state;
}

/* But for what it answers. */
static bool
has_nulls(FunctionCallInfo fcinfo)
{
	for (int i = ARG_STATE + 1; i < NUM_ARGUMENTS; i++)
		if (i != ARG_ANSWERED && PG_ARGISNULL(i))
			return true;
	return false;
}

static void
add(SummaryState *state, const SummaryMessage *message)
{
	if (state->has_message && state->position < PG_INT64_MAX &&
		message->position == state->position + 1 &&
		memcmp(message->conversation, &state->conversation, UUID_LEN) == 0)
		follow(state, message);
	else
		begin_run(state, message);
	if (message->time < message->until)
		add_old(state, message);
	/* an old conversation begins with an old one */
	else if (message->position == 0 && message->begins < message->until)
		state->sums.is_odd = true;
	keep(state, message);
}

/* Messages of one time are of one legacy row where one answers the other. */
static void
follow(SummaryState *state, const SummaryMessage *message)
{
	if (message->time < state->time)
		state->sums.is_odd = true;
	else if (message->time == state->time && message->answered != state->id)
		add_tie(state, message->conversation);
}

static void
begin_run(SummaryState *state, const SummaryMessage *message)
{
	state->reaches_end = false;
	state->joint = -1;
	/* there is none before it */
	if (message->position < 0)
		state->sums.is_odd = true;
	if (message->position <= 0)
		return;
	state->joint = state->sums.njoints;
	add_joint(state, &(SummaryJoint){.conversation = *message->conversation,
									 .position = message->position,
									 .time = message->time,
									 .ends = message->ends,
									 .answered = (int64) message->answered});
}

static void
add_old(SummaryState *state, const SummaryMessage *message)
{
	Summary *sums = &state->sums;

	sums->messages++;
	sums->contents += message->contents;
	sums->places += hash128_pair(message->id, message->conversation_hash);
	if (message->position == 0)
	{
		sums->begins++;
		sums->begun += message->conversation_hash;
		if (message->time != message->begins)
			sums->is_odd = true;
	}
	/* the application goes on with a conversation that ends later */
	if (message->ends >= message->until)
	{
		if (message->position == 0)
			sums->ends++;
	}
	else if (message->time > message->ends)
		sums->is_odd = true;
	else if (message->time == message->ends && !state->reaches_end)
		reach_end(state);
}

static void
reach_end(SummaryState *state)
{
	state->sums.ends++;
	state->reaches_end = true;
	if (state->joint >= 0 && state->joint < state->sums.njoints)
		state->joints[state->joint].reaches_end = true;
}

static void
keep(SummaryState *state, const SummaryMessage *message)
{
	state->has_message = true;
	state->conversation = *message->conversation;
	state->position = message->position;
	state->time = message->time;
	state->id = message->id;
}

static void
add_joint(SummaryState *state, const SummaryJoint *joint)
{
	if (make_room(state, (void **) &state->joints, state->sums.njoints,
				  &state->max_joints, sizeof(SummaryJoint)))
		state->joints[state->sums.njoints++] = *joint;
}

/* Not twice in a row. */
static void
add_tie(SummaryState *state, const pg_uuid_t *conversation)
{
	const int n = state->sums.nties;

	if (n > 0 &&
		memcmp(&state->ties[n - 1], conversation, sizeof(pg_uuid_t)) == 0)
		return;
	if (make_room(state, (void **) &state->ties, n, &state->max_ties,
				  sizeof(pg_uuid_t)))
		state->ties[state->sums.nties++] = *conversation;
}

/* For one more; false where there are too many. */
static bool
make_room(SummaryState *state, void **array, int n, int *max, Size size)
{
	if (n == MAX_SUMMARY_LOOKUPS)
	{
		state->sums.is_odd = true;
		return false;
	}
	if (n < *max)
		return true;
	*max = Max(*max * 2, 64);
	*array = *array == NULL ? MemoryContextAlloc(state->context, *max * size)
							: repalloc(*array, *max * size);
	return true;
}

/* These are for the aggregate alone: a state is changed where it is. */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this function is a part of chatmig_summary()"),
						errhint("Call SELECT * FROM chatmig_validate().")));
	return context;
}
