/*
 * validate_walk.c
 *	  Along all conversations, message by message.
 *
 * In: the rows of validate_messages.c's query, sorted by conversation and
 * position. Out: what the query found wrong with single messages, and what can
 * only be seen in a row: positions, order, the times of conversations,
 * conversations without messages, messages that nothing explains.
 *
 * A fault is reported once: where a message is missing, moved or invented, a
 * gap in the positions says nothing new. Order and times are judged by the
 * legacy rows' times, so that a message whose own time is wrong is not also out
 * of order.
 *
 * Holds one row, and of a conversation only counters.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "validate_conversation.h"
#include "validate_describe.h"
#include "validate_rows.h"
#include "validate_walk.h"

/* How many findings of one conversation wait for its end. */
#define MAX_ASTRAY 1000

typedef struct WalkState
{
	/* fixed */
	MemoryContext context;
	Validation *validation;
	const MigrationPlan *plan;
	Describer describer;
	FmgrInfo key_compare[MAX_KEYS];
	bool id_by_value; /* of conversations */
	int16 id_length;
	bool message_by_value;
	int16 message_length;

	/* per conversation */
	MemoryContext conversation_context;
	bool is_walking;
	Walked walked;
	TupleTableSlot *before; /* the traced message before; empty: none */

	/* per row */
	MemoryContext row_context;
} WalkState;

static void prepare_keys(WalkState *state);
static void begin(TupleDesc desc, void *arg);
static bool receive(TupleTableSlot *slot, void *arg);
static bool is_same_conversation(const WalkState *state, TupleTableSlot *slot);
static bool is_repeated(const WalkState *state, TupleTableSlot *slot);
static void report_repeated(WalkState *state, TupleTableSlot *slot);
static void enter_conversation(WalkState *state, TupleTableSlot *slot);
static void see_row(WalkState *state, TupleTableSlot *slot);
static void see_message(WalkState *state, TupleTableSlot *slot);
static void see_position(WalkState *state, TupleTableSlot *slot);
static void see_traced(WalkState *state, TupleTableSlot *slot);
static void see_untraced(WalkState *state, TupleTableSlot *slot);
static void see_findings(WalkState *state, TupleTableSlot *slot);
static void see_order(WalkState *state, TupleTableSlot *slot);
static bool is_in_order(WalkState *state, TupleTableSlot *slot);
static bool same_moment(NullableDatum a, NullableDatum b);
static void see_time(WalkState *state, TupleTableSlot *slot);
static void see_apart(WalkState *state, TupleTableSlot *slot);
static void leave_conversation(WalkState *state);
static void report(WalkState *state, Check check, TupleTableSlot *slot,
				   const char *sentence);
static NullableDatum value_of(TupleTableSlot *slot, WalkColumn column);
static bool is_true(TupleTableSlot *slot, WalkColumn column);
static const char *position_text(NullableDatum position);

void
chatmig_validate_walk(Validation *validation, const char *sql,
					  const QueryArgs *args)
{
	WalkState state = {.context = CurrentMemoryContext,
					   .validation = validation,
					   .plan = validation->plan};

	chatmig_validate_describe_begin(&state.describer, state.plan);
	prepare_keys(&state);
	get_typlenbyval(state.plan->id_types[TARGET_CONVERSATIONS],
					&state.id_length, &state.id_by_value);
	get_typlenbyval(state.plan->id_types[TARGET_MESSAGES],
					&state.message_length, &state.message_by_value);
	state.conversation_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig conversation", ALLOCSET_SMALL_SIZES);
	state.row_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig message", ALLOCSET_DEFAULT_SIZES);
	chatmig_query_stream(sql, args, true, begin, receive, &state);
	leave_conversation(&state);
	ExecDropSingleTupleTableSlot(state.before);
	MemoryContextDelete(state.row_context);
	MemoryContextDelete(state.conversation_context);
}

static void
prepare_keys(WalkState *state)
{
	const Mapping *mapping = state->plan->mapping;

	for (int i = 0; i < mapping->nkeys; i++)
	{
		TypeCacheEntry *type =
			lookup_type_cache(mapping->keys[i].type, TYPECACHE_CMP_PROC_FINFO);

		fmgr_info_copy(&state->key_compare[i], &type->cmp_proc_finfo,
					   CurrentMemoryContext);
	}
}

static void
begin(TupleDesc desc, void *arg)
{
	WalkState *state = arg;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	/* outlives the query, whose descriptor does not */
	state->before = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc),
											 &TTSOpsMinimalTuple);
	MemoryContextSwitchTo(old);
}

static bool
receive(TupleTableSlot *slot, void *arg)
{
	WalkState *state = arg;
	MemoryContext old = MemoryContextSwitchTo(state->row_context);

	slot_getallattrs(slot);
	if (slot->tts_isnull[WALK_CONVERSATION - 1])
	{
		/* in others' tables a message may stand alone */
		if (state->plan->fields[TARGET_MESSAGES] == NULL ||
			is_true(slot, WALK_IS_TRACED))
			report(state, CHECK_MESSAGE_ORPHAN, slot, "is in no conversation.");
	}
	else
	{
		if (!is_same_conversation(state, slot))
		{
			leave_conversation(state);
			enter_conversation(state, slot);
		}
		if (is_repeated(state, slot))
			report_repeated(state, slot);
		else
			see_row(state, slot);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->row_context);
	return !chatmig_validate_is_full(state->validation);
}

static bool
is_same_conversation(const WalkState *state, TupleTableSlot *slot)
{
	return state->is_walking &&
		   datum_image_eq(state->walked.id,
						  slot->tts_values[WALK_CONVERSATION - 1],
						  state->id_by_value, state->id_length);
}

/* The trace names the message for the row before, too. */
static bool
is_repeated(const WalkState *state, TupleTableSlot *slot)
{
	bool isnull;

	return !TTS_EMPTY(state->before) && !slot->tts_isnull[WALK_MESSAGE - 1] &&
		   datum_image_eq(slot_getattr(state->before, WALK_MESSAGE, &isnull),
						  slot->tts_values[WALK_MESSAGE - 1],
						  state->message_by_value, state->message_length);
}

/* Two rows with the same key are a fault of the legacy table's. */
static void
report_repeated(WalkState *state, TupleTableSlot *slot)
{
	Violation before;
	Violation now;

	slot_getallattrs(state->before);
	before =
		chatmig_validate_describe_row(&state->describer, state->before, "");
	now = chatmig_validate_describe_row(&state->describer, slot, "");
	if (strcmp(before.legacy_key, now.legacy_key) != 0)
		report(state, CHECK_LEDGER, slot,
			   psprintf("has the message of legacy key %s, by the trace.",
						before.legacy_key));
}

static void
enter_conversation(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;
	MemoryContext old;

	MemoryContextReset(state->conversation_context);
	ExecClearTuple(state->before);
	MemSet(walked, 0, sizeof(Walked));
	old = MemoryContextSwitchTo(state->conversation_context);
	walked->id = datumCopy(slot->tts_values[WALK_CONVERSATION - 1],
						   state->id_by_value, state->id_length);
	MemoryContextSwitchTo(old);
	walked->is_present = is_true(slot, WALK_IS_PRESENT);
	walked->is_migrated = !slot->tts_isnull[WALK_EXPECTED - 1];
	if (walked->is_migrated)
		walked->expected = DatumGetInt64(slot->tts_values[WALK_EXPECTED - 1]);
	walked->begins = value_of(slot, WALK_BEGINS);
	walked->ends = value_of(slot, WALK_ENDS);
	walked->is_owners = is_true(slot, WALK_IS_OWNERS);
	walked->own.is_empty = walked->all.is_empty = true;
	walked->written.is_empty = true;
	walked->last_time.isnull = true;
	walked->time.isnull = walked->time_before.isnull = true;
	state->is_walking = true;
}

static void
see_row(WalkState *state, TupleTableSlot *slot)
{
	if (!slot->tts_isnull[WALK_MESSAGE - 1])
		see_message(state, slot);
	if (is_true(slot, WALK_IS_TRACED))
		see_traced(state, slot);
}

/* A message that is there, whosever it is. */
static void
see_message(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;

	walked->messages++;
	walked->last_time = value_of(slot, WALK_CREATED_AT);
	if (!same_moment(walked->last_time, walked->time))
	{
		walked->time_before = walked->time;
		walked->is_sound_before = walked->is_sound;
		walked->time = walked->last_time;
		walked->is_sound = false;
	}
	if (!walked->is_present)
		report(state, CHECK_MESSAGE_ORPHAN, slot,
			   "is in a conversation that does not exist.");
	see_position(state, slot);
	if (!is_true(slot, WALK_IS_TRACED))
		see_untraced(state, slot);
}

/* The first of the positions that is not 0, 1, 2, ... */
static void
see_position(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;
	NullableDatum position = value_of(slot, WALK_POSITION);
	MemoryContext old;

	if (walked->has_gap)
		return;
	if (!position.isnull &&
		DatumGetInt32(position.value) == walked->next_position)
	{
		walked->next_position++;
		return;
	}
	walked->has_gap = true;
	old = MemoryContextSwitchTo(state->conversation_context);
	walked->gap_message =
		chatmig_validate_describe_row(&state->describer, slot, "").message;
	walked->gap_found = position_text(position);
	MemoryContextSwitchTo(old);
}

/*
 * The application adds messages to a migrated conversation, but none that is
 * older than the migration.
 */
static void
see_untraced(WalkState *state, TupleTableSlot *slot)
{
	NullableDatum time = value_of(slot, WALK_CREATED_AT);

	state->walked.is_sound = true;
	if (!state->walked.is_migrated ||
		chatmig_validate_is_newer(state->plan, TARGET_MESSAGES,
								  FIELD_CREATED_AT, time))
		return;
	state->walked.is_disturbed = state->walked.is_invented = true;
	report(state, CHECK_MESSAGE_UNEXPECTED, slot,
		   psprintf("was made of no legacy row, and is older (%s) than the "
					"migration (%s).",
					chatmig_validate_time_text(time),
					/* whose buffer the other time is written to as well */
					pstrdup(timestamptz_to_str(state->plan->migrated_at))));
}

/* A half of a legacy row, and the message that was made of it, if any. */
static void
see_traced(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;

	see_findings(state, slot);
	if (!is_true(slot, WALK_IS_NAMED))
		return;
	if (slot->tts_isnull[WALK_MESSAGE - 1])
	{
		walked->is_disturbed = walked->has_gone = true;
		walked->explained++;
		see_time(state, slot);
	}
	else if (is_true(slot, WALK_IS_MOVED))
		walked->is_disturbed = true;
	else
	{
		walked->explained++;
		see_time(state, slot);
		chatmig_validate_widen(&walked->written,
							   value_of(slot, WALK_CREATED_AT));
		see_apart(state, slot);
		see_order(state, slot);
		ExecCopySlot(state->before, slot);
	}
}

static void
see_findings(WalkState *state, TupleTableSlot *slot)
{
	NullableDatum findings = value_of(slot, WALK_FINDINGS);
	Datum *elements;
	int n;

	if (findings.isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(findings.value), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char *sentence = TextDatumGetCString(elements[i]);
		Check check = strtol(sentence, &sentence, 10);

		sentence++; /* the blank */
		if (check == CHECK_MESSAGE_TIME)
			state->walked.is_mistimed = true;
		if (check == CHECK_MESSAGE_CONTENT)
			sentence = chatmig_validate_describe_contents(
				value_of(slot, WALK_LEGACY_CONTENT),
				value_of(slot, WALK_MESSAGE_CONTENT));
		report(state, check, slot, sentence);
	}
}

/* Widens the conversation's times, as the legacy rows have them. */
static void
see_time(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;
	NullableDatum time = value_of(slot, WALK_TIME);

	if (is_true(slot, WALK_HAS_OWN_TIME))
		chatmig_validate_widen(&walked->own, time);
	else if (slot->tts_isnull[WALK_MESSAGE - 1])
		walked->is_timeless = true;
	chatmig_validate_widen(&walked->all, time);
}

/*
 * A message that is later than its row must be a step behind another one: that
 * was in its way. Who was may have gone since, which is only known at the end.
 */
static void
see_apart(WalkState *state, TupleTableSlot *slot)
{
	Walked *walked = &state->walked;
	char *sentence;
	MemoryContext old;
	Violation *violation;

	if (!is_true(slot, WALK_IS_APART) ||
		(walked->is_sound_before && !walked->time_before.isnull &&
		 DatumGetTimestampTz(walked->time_before.value) ==
			 DatumGetTimestampTz(walked->time.value) - state->plan->time_step))
	{
		walked->is_sound = true;
		return;
	}
	sentence = psprintf("has the time %s; its row is of %s, and no other "
						"message was in the way.",
						chatmig_validate_time_text(walked->time),
						chatmig_validate_time_text(value_of(slot, WALK_TIME)));
	/* nobody has gone so often */
	if (list_length(walked->astray) == MAX_ASTRAY)
	{
		report(state, CHECK_MESSAGE_TIME, slot, sentence);
		return;
	}
	old = MemoryContextSwitchTo(state->conversation_context);
	violation = palloc(sizeof(Violation));
	*violation =
		chatmig_validate_describe_row(&state->describer, slot, sentence);
	walked->astray = lappend(walked->astray, violation);
	MemoryContextSwitchTo(old);
}

/* One finding a conversation: what follows is a consequence, or the same. */
static void
see_order(WalkState *state, TupleTableSlot *slot)
{
	Violation before;

	if (state->walked.is_unordered || TTS_EMPTY(state->before))
		return;
	slot_getallattrs(state->before);
	if (is_in_order(state, slot))
		return;
	state->walked.is_unordered = true;
	before =
		chatmig_validate_describe_row(&state->describer, state->before, "");
	report(state, CHECK_CONVERSATION_ORDER, slot,
		   psprintf("is at position %s, behind message %s of legacy key %s, "
					"which comes after it by time and key.",
					position_text(value_of(slot, WALK_POSITION)),
					before.message, before.legacy_key));
}

/* By time, legacy key and part; where one time is unknown, nobody can say. */
static bool
is_in_order(WalkState *state, TupleTableSlot *slot)
{
	TupleTableSlot *before = state->before;
	NullableDatum time = value_of(slot, WALK_ROW_TIME);
	NullableDatum time_before = value_of(before, WALK_ROW_TIME);
	const Mapping *mapping = state->plan->mapping;
	bool is_unknown = time.isnull && mapping->time_kind != TIME_NONE &&
					  (mapping->shape == SHAPE_TRANSCRIPT ||
					   state->plan->time_precision < MAX_TIMESTAMP_PRECISION ||
					   state->plan->keeps_apart);

	if (time.isnull != time_before.isnull)
		return true;
	/* where time alone orders, those of a row are where their times say */
	if (!state->plan->has_position && mapping->shape == SHAPE_TRANSCRIPT)
		return true;
	/* ... and messages of the same time have no order */
	if (!state->plan->has_position &&
		same_moment(value_of(before, WALK_CREATED_AT),
					value_of(slot, WALK_CREATED_AT)))
		return true;
	if (!time.isnull && DatumGetTimestampTz(time.value) !=
							DatumGetTimestampTz(time_before.value))
		return DatumGetTimestampTz(time.value) >
			   DatumGetTimestampTz(time_before.value);
	for (int i = 0; i < mapping->nkeys; i++)
	{
		NullableDatum key = value_of(slot, WALK_KEY + i);
		NullableDatum key_before = value_of(before, WALK_KEY + i);
		int result;

		/* in a trace that has lost its constraints; another check says so */
		if (key.isnull || key_before.isnull)
			return true;
		result = DatumGetInt32(FunctionCall2Coll(&state->key_compare[i],
												 mapping->keys[i].collation,
												 key_before.value, key.value));
		if (result != 0)
			return result < 0 || is_unknown;
	}
	return DatumGetInt32(before->tts_values[WALK_PART - 1]) <=
		   DatumGetInt32(slot->tts_values[WALK_PART - 1]);
}

static bool
same_moment(NullableDatum a, NullableDatum b)
{
	return a.isnull == b.isnull &&
		   (a.isnull ||
			DatumGetTimestampTz(a.value) == DatumGetTimestampTz(b.value));
}

static void
leave_conversation(WalkState *state)
{
	if (!state->is_walking)
		return;
	state->is_walking = false;
	chatmig_validate_judge(
		state->validation, &state->walked,
		OutputFunctionCall(&state->describer.conversation_output,
						   state->walked.id));
}

static void
report(WalkState *state, Check check, TupleTableSlot *slot,
	   const char *sentence)
{
	Violation violation =
		chatmig_validate_describe_row(&state->describer, slot, sentence);

	chatmig_validate_find(state->validation, check, CHECK_VIOLATION,
						  &violation);
}

static NullableDatum
value_of(TupleTableSlot *slot, WalkColumn column)
{
	return (NullableDatum){slot->tts_values[column - 1],
						   slot->tts_isnull[column - 1]};
}

/* False for NULL, too. */
static bool
is_true(TupleTableSlot *slot, WalkColumn column)
{
	return !slot->tts_isnull[column - 1] &&
		   DatumGetBool(slot->tts_values[column - 1]);
}

static const char *
position_text(NullableDatum position)
{
	return position.isnull ? "NULL"
						   : psprintf("%d", DatumGetInt32(position.value));
}
