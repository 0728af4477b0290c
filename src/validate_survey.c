/*
 * validate_survey.c
 *	  Where a look is worth it.
 *
 * In: a plan. Out: the conversations in which digests, positions or times are
 * not what they must be, and whether some legacy rows have to be looked at by
 * themselves. In a table of a million rows that is right, nothing is left to
 * look at. It finds nothing: what is odd here may be perfectly right, such as
 * a message that the application has added.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "validate_digest.h"
#include "validate_order.h"
#include "validate_sql.h"
#include "validation.h"

/* Messages of a conversation, and their digest. */
typedef struct Sequence
{
	int64 n;
	uint64 hash;
} Sequence;

typedef struct SurveyState
{
	/* fixed */
	Validation *validation;
	MemoryContext context;
	bool id_by_value;
	int16 id_length;
	RowOrder *order;

	/* per conversation */
	MemoryContext conversation_context;
	bool is_open;
	Datum id;
	bool is_present;
	bool is_odd;
	NullableDatum group;
	NullableDatum rows_group; /* of its first legacy row */
	NullableDatum begins;
	NullableDatum ends;
	NullableDatum first_at;
	NullableDatum last_at;
	int64 rows; /* legacy rows of it */
	Sequence legacy;
	Sequence messages;
	Sequence older;          /* of the messages, than the migration */
	NullableDatum positions; /* of the others */

	/* counters */
	int64 traced;        /* legacy rows */
	int64 named;         /* messages of those, by the trace */
	int64 conversations; /* of those */
} SurveyState;

static bool is_clean(const Survey *survey);
static void begin(TupleDesc desc, void *arg);
static bool receive(TupleTableSlot *slot, void *arg);
static void add_untraced(SurveyState *state, TupleTableSlot *slot);
static bool same_conversation(const SurveyState *state, TupleTableSlot *slot);
static void open_conversation(SurveyState *state, TupleTableSlot *slot);
static void see_conversation(SurveyState *state, TupleTableSlot *slot);
static void see_messages(SurveyState *state, TupleTableSlot *slot);
static void see_legacy_row(SurveyState *state, TupleTableSlot *slot);
static Sequence sequence_of(TupleTableSlot *slot, DigestColumn n,
							DigestColumn digest);
static void close_conversation(SurveyState *state);
static bool is_suspect(const SurveyState *state);
static bool is_same(Sequence a, Sequence b);
static bool is_continued(const SurveyState *state);
static bool is_newer(const SurveyState *state, NullableDatum time);
static void append(Sequence *sequence, TupleTableSlot *slot,
				   DigestColumn column);
static void add_suspect(Survey *survey, Datum id, const SurveyState *state);
static void add_moved(SurveyState *state);
static bool receive_moved(TupleTableSlot *slot, void *arg);
static NullableDatum value_of(TupleTableSlot *slot, DigestColumn column);
static bool same_value(NullableDatum a, NullableDatum b);

void
chatmig_validate_survey(Validation *validation)
{
	SurveyState state = {.validation = validation,
						 .context = CurrentMemoryContext};
	const MigrationPlan *plan = validation->plan;
	Survey *survey = &validation->survey;
	char *sql;

	/* it takes tables as chatmig makes them */
	if (plan == NULL || plan->uses[TARGET_OWNERS] || plan->options.owner_times)
		return;
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (chatmig_plan_fills(plan, table))
			return;
	if (!chatmig_validate_wants(validation, CHECK_LEGACY_KEY,
								CHECK_CONVERSATION_TIMES) &&
		!chatmig_validate_wants(validation, CHECK_LEDGER, CHECK_LEDGER))
		return;
	sql = chatmig_validate_digest(plan);
	if (sql == NULL)
		return;
	get_typlenbyval(plan->id_types[TARGET_CONVERSATIONS], &state.id_length,
					&state.id_by_value);
	survey->is_made = true;
	survey->suspects = palloc(sizeof(Datum) * MAX_SUSPECTS);
	if (chatmig_validate_summary(validation))
		return;
	state.conversation_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig conversation", ALLOCSET_SMALL_SIZES);
	chatmig_query_stream(sql, NULL, true, begin, receive, &state);
	close_conversation(&state);
	if (is_clean(survey) && !plan->has_media)
		chatmig_validate_trace_met(validation, state.traced, state.named);

	/* rows of the trace that no legacy row has met */
	chatmig_validate_trace(validation);
	if (state.traced != validation->trace.rows)
		survey->has_odd_rows = true;
	if (is_clean(survey))
	{
		validation->trace.has_conversations = true;
		validation->trace.conversations = state.conversations;
	}
	if (survey->nsuspects > 0 && !survey->is_full)
		add_moved(&state);
	MemoryContextDelete(state.conversation_context);
	elog(DEBUG1, "validate: suspect conversations: %s%d; odd rows: %s",
		 survey->is_full ? "more than " : "", survey->nsuspects,
		 survey->has_odd_rows   ? "yes"
		 : survey->has_untraced ? "not in the trace"
								: "no");
}

/* An array of the suspects' ids, as a parameter. */
void
chatmig_validate_suspects_arg(const Validation *validation, QueryArgs *args)
{
	const Survey *survey = &validation->survey;
	Oid type = validation->plan->id_types[TARGET_CONVERSATIONS];
	int16 length;
	bool by_value;
	char align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	chatmig_query_arg(
		args, get_array_type(type),
		PointerGetDatum(construct_array(survey->suspects, survey->nsuspects,
										type, length, by_value, align)),
		false);
}

char *
chatmig_validate_untraced(const Validation *validation, QueryArgs *args)
{
	const Survey *survey = &validation->survey;
	const Mapping *mapping = validation->mapping;
	char *same_key = chatmig_validate_sql_same_key(mapping);
	StringInfoData arrays;
	StringInfoData names;

	if (survey->is_untraced != NULL)
		return psprintf("WHERE %s", survey->is_untraced);
	if (survey->nuntraced == 0)
		return psprintf("WHERE NOT EXISTS (SELECT FROM %s AS t WHERE %s)",
						validation->plan->qualified[TARGET_TRACE], same_key);
	initStringInfo(&arrays);
	initStringInfo(&names);
	for (int i = 0; i < mapping->nkeys; i++)
	{
		Oid type = survey->key_types[i];
		int16 length;
		bool by_value;
		char align;

		get_typlenbyvalalign(type, &length, &by_value, &align);
		chatmig_query_arg(args, get_array_type(type),
						  PointerGetDatum(construct_array(
							  survey->untraced[i], survey->nuntraced, type,
							  length, by_value, align)),
						  false);
		appendStringInfo(&arrays, "%s$%d", i > 0 ? ", " : "", args->n);
		appendStringInfo(&names, "%skey_%d", i > 0 ? ", " : "", i + 1);
	}
	return psprintf("WHERE EXISTS (SELECT FROM unnest(%s) AS t (%s) WHERE %s)",
					arrays.data, names.data, same_key);
}

/* Nothing has to be looked at but rows in no trace. */
static bool
is_clean(const Survey *survey)
{
	return !survey->has_odd_rows && !survey->has_strangers &&
		   !survey->is_full && survey->nsuspects == 0;
}

static void
begin(TupleDesc desc, void *arg)
{
	SurveyState *state = arg;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	state->order = chatmig_validate_order(state->validation->mapping, desc);
	MemoryContextSwitchTo(old);
}

static bool
receive(TupleTableSlot *slot, void *arg)
{
	SurveyState *state = arg;
	Survey *survey = &state->validation->survey;
	bool is_legacy_row;

	slot_getallattrs(slot);
	is_legacy_row = !slot->tts_isnull[DIGEST_IS_ODD - 1];
	if (slot->tts_isnull[DIGEST_ID - 1])
	{
		if (is_legacy_row)
			add_untraced(state, slot);
		else
			survey->is_full = survey->has_strangers =
				true; /* a message of no conversation */
		return true;
	}
	if (!same_conversation(state, slot))
	{
		close_conversation(state);
		open_conversation(state, slot);
	}
	if (is_legacy_row)
		see_legacy_row(state, slot);
	else if (slot->tts_isnull[DIGEST_NUMBER - 1])
		see_conversation(state, slot);
	else
		see_messages(state, slot);
	return true;
}

/* Its key; unless there are too many, or one that cannot be looked up. */
static void
add_untraced(SurveyState *state, TupleTableSlot *slot)
{
	Survey *survey = &state->validation->survey;
	const int nkeys = state->validation->mapping->nkeys;
	MemoryContext old;

	if (survey->has_untraced && survey->nuntraced == 0)
		return;
	survey->has_untraced = true;
	for (int i = 0; i < nkeys; i++)
		if (survey->nuntraced == MAX_SUSPECTS ||
			slot->tts_isnull[DIGEST_KEYS - 1 + i] ||
			!OidIsValid(get_array_type(
				TupleDescAttr(slot->tts_tupleDescriptor, DIGEST_KEYS - 1 + i)
					->atttypid)))
		{
			survey->nuntraced = 0;
			return;
		}
	old = MemoryContextSwitchTo(state->context);
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, DIGEST_KEYS - 1 + i);

		if (survey->nuntraced == 0)
			survey->untraced[i] = palloc(sizeof(Datum) * MAX_SUSPECTS);
		survey->key_types[i] = attribute->atttypid;
		survey->untraced[i][survey->nuntraced] =
			datumCopy(slot->tts_values[DIGEST_KEYS - 1 + i],
					  attribute->attbyval, attribute->attlen);
	}
	survey->nuntraced++;
	MemoryContextSwitchTo(old);
}

static bool
same_conversation(const SurveyState *state, TupleTableSlot *slot)
{
	return state->is_open &&
		   datum_image_eq(state->id, slot->tts_values[DIGEST_ID - 1],
						  state->id_by_value, state->id_length);
}

static void
open_conversation(SurveyState *state, TupleTableSlot *slot)
{
	static const NullableDatum unknown = {.isnull = true};
	MemoryContext old;

	MemoryContextReset(state->conversation_context);
	old = MemoryContextSwitchTo(state->conversation_context);
	state->id = datumCopy(slot->tts_values[DIGEST_ID - 1], state->id_by_value,
						  state->id_length);
	MemoryContextSwitchTo(old);
	chatmig_validate_order_restart(state->order);
	state->is_open = true;
	state->is_present = state->is_odd = false;
	state->group = state->rows_group = state->begins = state->ends = unknown;
	state->first_at = state->last_at = state->positions = unknown;
	state->rows = 0;
	state->legacy = state->messages = state->older = (Sequence){0};
}

static void
see_conversation(SurveyState *state, TupleTableSlot *slot)
{
	state->is_present = true;
	state->group = value_of(slot, DIGEST_GROUP);
	state->begins = value_of(slot, DIGEST_BEGINS);
	state->ends = value_of(slot, DIGEST_ENDS);
}

static void
see_messages(SurveyState *state, TupleTableSlot *slot)
{
	Sequence younger = sequence_of(slot, DIGEST_YOUNGER, DIGEST_ALL_YOUNGER);

	state->messages = sequence_of(slot, DIGEST_NUMBER, DIGEST_ALL);
	state->older = (Sequence){.n = state->messages.n - younger.n,
							  .hash = state->messages.hash ^ younger.hash};
	state->positions = value_of(slot, DIGEST_POSITIONS);
}

/* Without a digest where there is none of them, or none with a position. */
static Sequence
sequence_of(TupleTableSlot *slot, DigestColumn n, DigestColumn digest)
{
	NullableDatum hash = value_of(slot, digest);

	return (Sequence){.n = DatumGetInt32(slot->tts_values[n - 1]),
					  .hash = hash.isnull ? 0 : DatumGetUInt64(hash.value)};
}

static void
see_legacy_row(SurveyState *state, TupleTableSlot *slot)
{
	Survey *survey = &state->validation->survey;
	NullableDatum at = value_of(slot, DIGEST_AT);
	NullableDatum group = value_of(slot, DIGEST_GROUP);

	state->traced++;
	state->named += DatumGetInt32(slot->tts_values[DIGEST_NUMBER - 1]);
	state->rows++;
	append(&state->legacy, slot, DIGEST_FIRST);
	append(&state->legacy, slot, DIGEST_SECOND);
	if (state->rows == 1)
	{
		state->first_at = at;
		state->rows_group = group;
	}
	state->last_at = at;
	if (!same_value(group, state->rows_group) ||
		!chatmig_validate_order_holds(state->order, slot))
		state->is_odd = true;
	if (DatumGetBool(slot->tts_values[DIGEST_IS_TIMELESS - 1]))
		state->is_odd = survey->has_odd_rows = survey->has_timeless = true;
	if (DatumGetBool(slot->tts_values[DIGEST_IS_ODD - 1]))
		state->is_odd = survey->has_odd_rows = true;
}

static void
close_conversation(SurveyState *state)
{
	if (state->is_open && state->rows > 0)
		state->conversations++;
	if (state->is_open && state->rows == 0 && state->older.n > 0)
		state->validation->survey.has_strangers = true;
	if (state->is_open && is_suspect(state))
		add_suspect(&state->validation->survey, state->id, state);
	state->is_open = false;
}

/*
 * The application's own conversations are its own. It adds messages behind the
 * migrated ones; these are the older ones then, or all, if a later run has
 * migrated rows that are younger than the first run.
 */
static bool
is_suspect(const SurveyState *state)
{
	if (!state->is_present)
		return true;
	if (state->rows == 0)
		return state->messages.n == 0;
	return state->is_odd || !same_value(state->rows_group, state->group) ||
		   !(is_same(state->legacy, state->messages) ||
			 (is_same(state->legacy, state->older) && is_continued(state))) ||
		   !same_value(state->begins, state->first_at) ||
		   !(same_value(state->ends, state->last_at) ||
			 is_newer(state, state->ends));
}

static bool
is_same(Sequence a, Sequence b)
{
	return a.n == b.n && a.hash == b.hash;
}

/*
 * The messages that the application has added follow the others. Each digest
 * has its message's place in it, so nothing need be asked of those.
 */
static bool
is_continued(const SurveyState *state)
{
	const int64 n = state->messages.n - state->older.n;

	return same_value(
		state->positions,
		(NullableDatum){UInt64GetDatum(chatmig_validate_digest_positions(
							state->older.n, n)),
						.isnull = n == 0});
}

/* Than the migration. */
static bool
is_newer(const SurveyState *state, NullableDatum time)
{
	return !time.isnull && DatumGetTimestampTz(time.value) >=
							   state->validation->plan->migrated_at;
}

static void
append(Sequence *sequence, TupleTableSlot *slot, DigestColumn column)
{
	NullableDatum digest = value_of(slot, column);

	if (digest.isnull)
		return;
	sequence->hash ^=
		chatmig_validate_digest_at(DatumGetInt64(digest.value), sequence->n++);
}

static void
add_suspect(Survey *survey, Datum id, const SurveyState *state)
{
	MemoryContext old;

	if (survey->nsuspects == MAX_SUSPECTS)
		survey->is_full = true;
	if (survey->is_full)
		return;
	old = MemoryContextSwitchTo(state->context);
	survey->suspects[survey->nsuspects++] =
		datumCopy(id, state->id_by_value, state->id_length);
	MemoryContextSwitchTo(old);
}

/*
 * Where the messages are that are not in a suspect conversation but should be,
 * which may be one of the application's own.
 */
static void
add_moved(SurveyState *state)
{
	const MigrationPlan *plan = state->validation->plan;
	QueryArgs args = {0};

	chatmig_validate_suspects_arg(state->validation, &args);
	chatmig_query_stream(
		psprintf("SELECT DISTINCT m.conversation_id FROM %s AS t "
				 "CROSS JOIN LATERAL unnest(t.message_ids) AS i (id) "
				 "JOIN %s AS m ON m.id = i.id "
				 "WHERE t.conversation_id = ANY ($1) "
				 "AND m.conversation_id <> ALL ($1)",
				 plan->qualified[TARGET_TRACE],
				 plan->relation[TARGET_MESSAGES]),
		&args, true, NULL, receive_moved, state);
}

static bool
receive_moved(TupleTableSlot *slot, void *arg)
{
	SurveyState *state = arg;

	slot_getallattrs(slot);
	add_suspect(&state->validation->survey, slot->tts_values[0], state);
	return true;
}

static NullableDatum
value_of(TupleTableSlot *slot, DigestColumn column)
{
	return (NullableDatum){slot->tts_values[column - 1],
						   slot->tts_isnull[column - 1]};
}

/* For values of eight bytes. */
static bool
same_value(NullableDatum a, NullableDatum b)
{
	return a.isnull == b.isnull && (a.isnull || a.value == b.value);
}
