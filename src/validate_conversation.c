/*
 * validate_conversation.c
 *	  What the walk has seen of one conversation, and what follows from it.
 *
 * In: counters. Out: findings about the conversation as a whole: none of its
 * messages is there, its positions have a gap, its times are not those of its
 * first and last message. Where messages are missing, moved or invented, that
 * has been reported, and what only follows from it is not.
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "common/int.h"
#include "relation.h"
#include "validate_conversation.h"

typedef struct Judgement
{
	Validation *validation;
	const Walked *walked;
	const char *id;
} Judgement;

static void judge_astray(const Judgement *judgement);
static void judge_empty(const Judgement *judgement);
static void judge_positions(const Judgement *judgement);
static void judge_times(const Judgement *judgement);
static void report(const Judgement *judgement, Check check,
				   const char *sentence);
static bool same_time(NullableDatum a, NullableDatum b);
static bool has_times(const Judgement *judgement, Field field);
static bool is_before(NullableDatum a, NullableDatum b);
static bool is_at(const Judgement *judgement, Field field, NullableDatum time,
				  NullableDatum message);
static bool is_at_end(const Judgement *judgement, Field field,
					  NullableDatum time);

void
chatmig_validate_judge(Validation *validation, Walked *walked, const char *id)
{
	const Judgement judgement = {validation, walked, id};

	if (walked->explained != walked->expected)
		walked->is_disturbed = true; /* some are in other conversations */
	if (!walked->has_gone)
		judge_astray(&judgement);
	if (!walked->is_present)
		return;
	if (walked->messages == 0)
		judge_empty(&judgement);
	else if (walked->is_migrated)
	{
		judge_positions(&judgement);
		judge_times(&judgement);
	}
}

void
chatmig_validate_widen(TimeSpan *span, NullableDatum time)
{
	TimestampTz at = DatumGetTimestampTz(time.value);

	if (time.isnull)
		return;
	if (span->is_empty || at < span->first)
		span->first = at;
	if (span->is_empty || at > span->last)
		span->last = at;
	span->is_empty = false;
}

bool
chatmig_validate_is_newer(const MigrationPlan *plan, TargetTable table,
						  Field field, NullableDatum time)
{
	const Column *fields = plan->fields[table];
	int32 digits = fields == NULL || fields[field].typmod < 0
					   ? MAX_TIMESTAMP_PRECISION
					   : fields[field].typmod;
	int64 step = 1;

	/* what is of the migration's own second may be rounded down to it */
	for (int i = digits; i < MAX_TIMESTAMP_PRECISION; i++)
		step *= 10;
	return !time.isnull && DatumGetTimestampTz(time.value) >=
							   plan->migrated_at - plan->migrated_at % step;
}

const char *
chatmig_validate_time_text(NullableDatum time)
{
	return time.isnull
			   ? "NULL"
			   : pstrdup(timestamptz_to_str(DatumGetTimestampTz(time.value)));
}

/* Nobody was in the way of these. */
static void
judge_astray(const Judgement *judgement)
{
	ListCell *lc;

	foreach(lc, judgement->walked->astray)
		chatmig_validate_find(judgement->validation, CHECK_MESSAGE_TIME,
							  CHECK_VIOLATION, lfirst(lc));
}

/*
 * The application may have opened one that nobody has written in yet, also
 * between an earlier migration, since rolled back, and this one.
 */
static void
judge_empty(const Judgement *judgement)
{
	const Walked *walked = judgement->walked;

	/* one that was made for an owner without messages shall have none */
	if (walked->is_migrated && walked->expected == 0)
		return;
	if (walked->is_migrated)
		report(judgement, CHECK_CONVERSATION_EMPTY,
			   psprintf("has no message; by the trace it had " INT64_FORMAT ".",
						walked->expected));
	else if (chatmig_plan_fills(judgement->validation->plan,
								TARGET_CONVERSATIONS))
		return; /* the application's own, however old */
	else if (walked->begins.isnull ||
			 DatumGetTimestampTz(walked->begins.value) <
				 judgement->validation->registered_at)
		report(
			judgement, CHECK_CONVERSATION_EMPTY,
			psprintf("has no message, was made of no legacy row, and is older "
					 "(%s) than the registration.",
					 chatmig_validate_time_text(walked->begins)));
}

static void
judge_positions(const Judgement *judgement)
{
	const Walked *walked = judgement->walked;

	if (walked->has_gap && !walked->is_disturbed && !walked->is_unordered)
		report(judgement, CHECK_CONVERSATION_ORDER,
			   psprintf("has message %s at position %s instead of %d.",
						walked->gap_message, walked->gap_found,
						walked->next_position));
}

/*
 * The application may have moved updated_at on, to its own last message. A
 * time from a neighbour counts, but only where it is one is for others to say.
 */
static void
judge_times(const Judgement *judgement)
{
	const Walked *walked = judgement->walked;
	const TimeSpan *own = walked->own.is_empty ? &walked->all : &walked->own;
	NullableDatum first = {TimestampTzGetDatum(own->first), own->is_empty};
	NullableDatum last = {TimestampTzGetDatum(own->last), own->is_empty};

	if (walked->is_timeless || walked->is_invented || walked->expected == 0 ||
		walked->explained != walked->expected ||
		judgement->validation->plan->options.owner_times)
		return;
	if (has_times(judgement, FIELD_CREATED_AT) &&
		!is_at(judgement, FIELD_CREATED_AT, walked->begins, first) &&
		!(walked->is_owners &&
		  (first.isnull || is_before(walked->begins, first))) &&
		!is_at_end(judgement, FIELD_CREATED_AT, walked->begins))
		report(judgement, CHECK_CONVERSATION_TIMES,
			   psprintf("has created_at %s; its first message is of %s.",
						chatmig_validate_time_text(walked->begins),
						chatmig_validate_time_text(first)));
	if (has_times(judgement, FIELD_UPDATED_AT) &&
		!is_at(judgement, FIELD_UPDATED_AT, walked->ends, last) &&
		!(walked->is_owners &&
		  (last.isnull || is_before(last, walked->ends))) &&
		!is_at(judgement, FIELD_UPDATED_AT, walked->ends, walked->last_time) &&
		!is_at_end(judgement, FIELD_UPDATED_AT, walked->ends) &&
		!chatmig_validate_is_newer(judgement->validation->plan,
								   TARGET_CONVERSATIONS, FIELD_UPDATED_AT,
								   walked->ends))
		report(judgement, CHECK_CONVERSATION_TIMES,
			   psprintf("has updated_at %s; its last message is of %s.",
						chatmig_validate_time_text(walked->ends),
						chatmig_validate_time_text(last)));
}

static void
report(const Judgement *judgement, Check check, const char *sentence)
{
	Violation violation = {.conversation = judgement->id};

	violation.detail =
		psprintf("The conversation %s %s", judgement->id, sentence);
	chatmig_validate_find(judgement->validation, check, CHECK_VIOLATION,
						  &violation);
}

static bool
same_time(NullableDatum a, NullableDatum b)
{
	return a.isnull == b.isnull &&
		   (a.isnull ||
			DatumGetTimestampTz(a.value) == DatumGetTimestampTz(b.value));
}

/* Without a table of their own, their times are those of their messages. */
static bool
has_times(const Judgement *judgement, Field field)
{
	const MigrationPlan *plan = judgement->validation->plan;

	return plan->uses[TARGET_CONVERSATIONS] &&
		   chatmig_relation_column(plan, TARGET_CONVERSATIONS, field) != NULL;
}

/*
 * Whether a conversation's time is that of a message, as its column keeps it.
 * Of a message that has gone, or has been moved, nobody knows how far it had
 * been kept apart.
 */
static bool
is_at(const Judgement *judgement, Field field, NullableDatum time,
	  NullableDatum message)
{
	const MigrationPlan *plan = judgement->validation->plan;
	const Column *fields = plan->fields[TARGET_CONVERSATIONS];
	int64 distance;

	if (time.isnull || message.isnull)
		return same_time(time, message);
	if (fields != NULL && fields[field].typmod >= 0)
		message.value =
			DirectFunctionCall2(timestamptz_scale, message.value,
								Int32GetDatum(fields[field].typmod));
	if (same_time(time, message))
		return true;
	return plan->keeps_apart &&
		   (judgement->walked->has_gone || judgement->walked->is_mistimed) &&
		   !pg_sub_s64_overflow(DatumGetTimestampTz(time.value),
								DatumGetTimestampTz(message.value),
								&distance) &&
		   llabs(distance) <= Max(USECS_PER_SEC - 1, 2 * plan->time_step);
}

static bool
is_before(NullableDatum a, NullableDatum b)
{
	return !a.isnull && !b.isnull &&
		   DatumGetTimestampTz(a.value) < DatumGetTimestampTz(b.value);
}

/*
 * At the end of what its messages have from neighbours, too; in others' tables,
 * of what they have been written with.
 */
static bool
is_at_end(const Judgement *judgement, Field field, NullableDatum time)
{
	const Walked *walked = judgement->walked;
	const MigrationPlan *plan = judgement->validation->plan;
	const TimeSpan *spans[] = {&walked->all, &walked->written};
	int n = plan->fields[TARGET_MESSAGES] == NULL ? 1 : lengthof(spans);

	for (int i = 0; i < n; i++)
	{
		TimestampTz end =
			field == FIELD_CREATED_AT ? spans[i]->first : spans[i]->last;

		if (!spans[i]->is_empty && !time.isnull &&
			is_at(judgement, field, time,
				  (NullableDatum){TimestampTzGetDatum(end), false}))
			return true;
	}
	return false;
}
