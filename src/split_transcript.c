/*
 * split_transcript.c
 *	  A legacy row that holds JSON --split--> the messages in it
 *
 * In: a legacy row with an array of elements, each of which should be a
 * message. Out: a message or a reject for each. Pure, as split.c is.
 *
 * An element is an object. Its parts are found by their usual names, the first
 * that is there and not empty:
 *
 *	  role		role, type, sender, from, author: text, or an object with
 *				a role; a spelling that is known goes before one that is not
 *	  content	content, text, message, body, parts; see element.c
 *	  time		created_at, createdAt, timestamp, time, date, ts, at,
 *				create_time, sent_at, sentAt: ISO 8601, or a number
 *	  model		model: a string, where the row has none and there is a
 *				column for it
 *	  metadata	metadata: an object, whose members are the message's
 *
 * Role and content may also be within an object "data" or "message". All other
 * members are the message's metadata, under their own names.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "element.h"
#include "split_transcript.h"
#include "times.h"

/* How much of a value is shown in a reason. */
#define SHOWN_BYTES 60

typedef struct TranscriptState
{
	/* fixed */
	const MigrationPlan *plan;
	const LegacyRow *row;
	SplitRow *split;
	MemoryContext context; /* for what outlives an element */
	MemoryContext scratch;

	/* per row */
	Value unmarked; /* the row's metadata without the mark; see needs_mark() */
	bool has_unmarked;
} TranscriptState;

static void split_element(TranscriptState *state, JsonbValue *value, int part);
static bool takes_model(const TranscriptState *state);
static bool read_time(TranscriptState *state, const Element *element,
					  Value *time);
static void add_message(TranscriptState *state, const Element *element,
						int part, Role role, Value content, Value own_time);
static Value shared_metadata(TranscriptState *state, bool has_own_time);
static Value text_value(TranscriptState *state, const char *text, int length);
static void reject(TranscriptState *state, int part, const char *code,
				   const char *format, ...) pg_attribute_printf(4, 5);
static char *clipped(const char *text);

void
chatmig_split_transcript(const MigrationPlan *plan, const LegacyRow *row,
						 SplitRow *split)
{
	const char *column = plan->mapping->parts[PART_TRANSCRIPT].name;
	TranscriptState state = {.plan = plan,
							 .row = row,
							 .split = split,
							 .context = CurrentMemoryContext};
	JsonbIterator *iterator;
	JsonbValue value;

	*split = (SplitRow){0};
	if (row->fault != NULL)
		reject(&state, 0, "not_json",
			   "Column \"%s\" cannot be read as JSON. %s", column, row->fault);
	if (row->elements == NULL)
		return;
	split->nparts = JsonContainerSize(row->elements);
	if (split->nparts == 0)
	{
		reject(&state, 0, "no_messages",
			   "In column \"%s\" there is nothing at the path %s.", column,
			   plan->mapping->path);
		return;
	}
	split->messages =
		palloc_extended(sizeof(Message) * split->nparts, MCXT_ALLOC_HUGE);
	state.scratch = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig element", ALLOCSET_DEFAULT_SIZES);
	iterator = JsonbIteratorInit(row->elements);
	(void) JsonbIteratorNext(&iterator, &value, false);
	for (int part = 1; part <= split->nparts; part++)
	{
		MemoryContext old = MemoryContextSwitchTo(state.scratch);

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &value, true);
		split_element(&state, &value, part);
		MemoryContextSwitchTo(old);
		MemoryContextReset(state.scratch);
	}
	MemoryContextDelete(state.scratch);
	/* what the row cost is the last message's, as it is an answer's */
	if (split->nmessages > 0)
		split->messages[split->nmessages - 1].tokens = row->tokens;
}

/* In the scratch context. */
static void
split_element(TranscriptState *state, JsonbValue *value, int part)
{
	const Mapping *mapping = state->plan->mapping;
	Element element;
	Role role;
	Value content;
	Value time;

	if (!chatmig_element_open(&element, mapping, takes_model(state), value))
	{
		reject(state, part, "not_an_object", "Message %d is %s.%s", part,
			   chatmig_element_type(value),
			   value->type == jbvBinary
				   ? " The path must lead to the messages one by one, as "
					 "\"$.messages[*]\" does."
				   : "");
		return;
	}
	if (element.spelling == NULL)
	{
		reject(state, part, "missing_role", "Message %d has no role.", part);
		return;
	}
	if (!chatmig_role_find(mapping->spellings, mapping->nspellings,
						   element.spelling, &role))
	{
		char *shown = clipped(element.spelling);

		reject(
			state, part, "unknown_role",
			"Message %d has the role \"%s\"; say in mapping what it means: {\"roles\": {\"%s\": \"user\"}}.",
			part, shown, shown);
		return;
	}
	if (element.content == NULL)
	{
		reject(state, part, "missing_content", "Message %d has no content.",
			   part);
		return;
	}
	if (!read_time(state, &element, &time))
	{
		reject(state, part, "invalid_time",
			   "The time %s of message %d cannot be read.",
			   clipped(chatmig_element_text(&element.time)), part);
		return;
	}
	content = text_value(state, element.content, element.content_length);
	add_message(state, &element, part, role, content, time);
}

/* Where the row has one, or the messages have no column for it, it is kept. */
static bool
takes_model(const TranscriptState *state)
{
	const Column *fields = state->plan->fields[TARGET_MESSAGES];

	return state->row->model.isnull &&
		   (fields == NULL || fields[FIELD_MODEL].name != NULL);
}

/* False: there is one, but nobody can read it. */
static bool
read_time(TranscriptState *state, const Element *element, Value *time)
{
	const JsonbValue *value = &element->time;
	TimestampTz result;
	bool is_read = false;

	*time = (Value){.isnull = element->time_key == NULL};
	if (time->isnull)
		return true;
	if (value->type == jbvString)
		is_read = chatmig_times_from_text(
			value->val.string.val, value->val.string.len,
			state->plan->options.time_zone, &result);
	else if (value->type == jbvNumeric)
		is_read =
			chatmig_times_from_number(DatumGetFloat8(DirectFunctionCall1(
										  numeric_float8_no_overflow,
										  NumericGetDatum(value->val.numeric))),
									  &result);
	if (is_read)
		time->datum = TimestampTzGetDatum(result);
	return is_read;
}

static void
add_message(TranscriptState *state, const Element *element, int part, Role role,
			Value content, Value own_time)
{
	SplitRow *split = state->split;
	const LegacyRow *row = state->row;
	Message *message = &split->messages[split->nmessages];
	const Message *before =
		split->nmessages > 0 ? &split->messages[split->nmessages - 1] : NULL;
	Value shared = shared_metadata(state, !own_time.isnull);
	Jsonb *metadata = chatmig_element_metadata(
		element, state->plan->mapping,
		shared.isnull ? NULL : DatumGetJsonbP(shared.datum));

	MemSet(message, 0, sizeof(Message));
	message->part = part;
	message->role = role;
	message->content = content;
	message->time = own_time.isnull ? row->time : own_time;
	message->model = row->model;
	if (element->has_model)
		message->model = text_value(state, element->model.val.string.val,
									element->model.val.string.len);
	message->tokens.isnull = true;
	message->metadata = shared;
	if (metadata != NULL)
	{
		Jsonb *kept = MemoryContextAlloc(state->context, VARSIZE(metadata));

		memcpy(kept, metadata, VARSIZE(metadata));
		message->metadata =
			(Value){.datum = JsonbPGetDatum(kept), .isnull = false};
	}
	/* to the question right before it, with nothing rejected between */
	message->replies = role == ROLE_ASSISTANT && before != NULL &&
					   before->role == ROLE_USER && before->part == part - 1;
	split->nmessages++;
}

/*
 * What the row gives to each of its messages. The mark of a row whose time is
 * a neighbour's is not for a message that has a time of its own.
 */
static Value
shared_metadata(TranscriptState *state, bool has_own_time)
{
	Value all = state->row->metadata;
	MemoryContext old;
	Jsonb *unmarked;

	if (all.isnull || !has_own_time)
		return all;
	if (state->has_unmarked)
		return state->unmarked;
	old = MemoryContextSwitchTo(state->context);
	unmarked = DatumGetJsonbP(DirectFunctionCall2(
		jsonb_delete, all.datum, CStringGetTextDatum(TIME_MISSING_MARK)));
	MemoryContextSwitchTo(old);
	state->has_unmarked = true;
	/* where the mark was all, there is nothing; what was empty stays so */
	state->unmarked =
		(Value){.datum = JsonbPGetDatum(unmarked),
				.isnull = JB_ROOT_COUNT(unmarked) == 0 &&
						  JB_ROOT_COUNT(DatumGetJsonbP(all.datum)) > 0};
	return state->unmarked;
}

static Value
text_value(TranscriptState *state, const char *text, int length)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	Value value = {.datum =
					   PointerGetDatum(cstring_to_text_with_len(text, length))};

	MemoryContextSwitchTo(old);
	return value;
}

static void
reject(TranscriptState *state, int part, const char *code, const char *format,
	   ...)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	SplitReject *rejected = palloc0(sizeof(SplitReject));
	StringInfoData reason;
	va_list args;
	int needed;

	initStringInfo(&reason);
	do
	{
		va_start(args, format);
		needed = appendStringInfoVA(&reason, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(&reason, needed);
	} while (needed > 0);
	*rejected =
		(SplitReject){.part = part, .code = code, .reason = reason.data};
	state->split->rejects = lappend(state->split->rejects, rejected);
	MemoryContextSwitchTo(old);
}

static char *
clipped(const char *text)
{
	int length = strlen(text);
	int shown = pg_mbcliplen(text, length, SHOWN_BYTES);

	return psprintf("%s%s", pnstrdup(text, shown), shown < length ? "..." : "");
}
