/*
 * group.c
 *	  messages --group--> conversation and position
 *
 * In: rows in the order of group, time and key. Out: for each the conversation
 * and, for new rows, the positions of their messages. Pure: depends on what it
 * was given alone, touches no table.
 *
 * A first run sees new rows only: a conversation begins where the group
 * changes, or after a pause longer than idle_gap, and positions count from 0.
 *
 * A later run also sees the rows that are migrated already ("known"), which
 * stay where they are. A new row joins the conversation of the row before it
 * in its group, or else that of the known row after it, unless idle_gap is
 * between; if neither, it begins one. Behind the last known row, positions go
 * on at the end of the conversation (which may hold messages that came from
 * elsewhere since); before that, room must be made, behind all known rows that
 * came before. These may be in another order than their messages: their times
 * were changed since, or are a neighbour's that is not known any more. Known
 * rows whose conversation has been deleted are not given to this file.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "group.h"

#define GROUP_COLUMNS 3

/* A conversation in which known rows have moved up. */
typedef struct LeftConversation
{
	Datum id;
	int64 next_position;
	int32 inserted;
} LeftConversation;

struct GroupState
{
	/* fixed */
	int64 idle_gap;
	bool has_position;
	int32 precision; /* of a target's times: digits of a second */
	int64 time_step; /* between messages, in microseconds; 0: none is needed */
	bool used[GROUP_COLUMNS];
	FmgrInfo equal[GROUP_COLUMNS];
	Oid collation[GROUP_COLUMNS];
	int16 length[GROUP_COLUMNS];
	bool by_value[GROUP_COLUMNS];
	bool id_by_value;
	int16 id_length;

	/* per group */
	MemoryContext left_context; /* holds what follows */
	List *left; /* of LeftConversation *: a changed row may lead back there */

	/* per conversation */
	MemoryContext group_context; /* holds the group key and the id */
	bool is_open;
	Conversation conversation;
	Value last_time;     /* of the row before */
	Value last_written;  /* time of the message before */
	int64 next_position; /* behind all rows that came before */
	int32 inserted;      /* messages put before known ones, by which
						  * what the trace says is out of date */
};

static void prepare_column(GroupState *state, int i, const Column *column);
static Value *group_value(GroupKey *group, int i);
static bool same_group(GroupState *state, const LegacyRow *row);
static void copy_group(GroupState *state, const LegacyRow *row);
static void leave(GroupState *state);
static void come_back(GroupState *state);
static bool within_gap(const GroupState *state, Value earlier, Value later);
static bool same_id(const GroupState *state, Datum a, Datum b);
static void place_known(GroupState *state, const LegacyRow *row);
static int32 next_position(GroupState *state);
static void keep_apart(GroupState *state, Message *message, bool is_answered);
static Value as_kept(const GroupState *state, Value time);
static Value earlier(Value a, Value b);
static Value later(Value a, Value b);

GroupState *
chatmig_group_begin(const MigrationPlan *plan)
{
	GroupState *state = palloc0(sizeof(GroupState));

	state->idle_gap = plan->options.idle_gap;
	state->has_position = plan->has_position;
	if (plan->keeps_apart)
	{
		state->time_step = plan->time_step;
		state->precision = plan->time_precision;
	}
	prepare_column(state, 0, &plan->mapping->parts[PART_OWNER]);
	prepare_column(state, 1, &plan->mapping->parts[PART_COUNTERPART]);
	prepare_column(state, 2, &plan->mapping->parts[PART_SESSION]);
	get_typlenbyval(plan->id_types[TARGET_CONVERSATIONS], &state->id_length,
					&state->id_by_value);
	state->group_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig group", ALLOCSET_SMALL_SIZES);
	state->left_context = AllocSetContextCreate(CurrentMemoryContext,
												"chatmig conversations left",
												ALLOCSET_SMALL_SIZES);
	return state;
}

Conversation *
chatmig_group_current(GroupState *state)
{
	return state->is_open ? &state->conversation : NULL;
}

bool
chatmig_group_continues(GroupState *state, const LegacyRow *row)
{
	const Conversation *open = &state->conversation;

	if (!state->is_open || !same_group(state, row))
		return false;
	if (row->known.known)
		return !open->is_new &&
			   same_id(state, open->id, row->known.conversation);
	if (within_gap(state, state->last_time, row->time))
		return true;
	/* what was between has been deleted, and the next row is near */
	return !open->is_new && row->known.has_next &&
		   same_id(state, open->id, row->known.next_conversation) &&
		   within_gap(state, row->time, row->known.next_time);
}

Conversation *
chatmig_group_open(GroupState *state, const LegacyRow *row)
{
	Conversation *open = &state->conversation;
	const KnownRow *known = &row->known;
	bool joins_next =
		known->has_next && within_gap(state, row->time, known->next_time);

	if (state->is_open && same_group(state, row))
		leave(state);
	else if (state->left != NIL)
	{
		MemoryContextReset(state->left_context);
		state->left = NIL;
	}
	MemoryContextReset(state->group_context);
	MemSet(open, 0, sizeof(Conversation));
	copy_group(state, row);
	open->title.isnull = open->description.isnull = true;
	open->created_at.isnull = open->updated_at.isnull = true;
	open->is_new = !known->known && !joins_next;
	if (!open->is_new)
	{
		MemoryContext old = MemoryContextSwitchTo(state->group_context);

		open->id = datumCopy(known->known ? known->conversation
										  : known->next_conversation,
							 state->id_by_value, state->id_length);
		MemoryContextSwitchTo(old);
	}
	state->is_open = true;
	state->next_position = 0;
	state->inserted = 0;
	state->last_time = row->time;
	state->last_written.isnull = true;
	if (!open->is_new)
		come_back(state);
	return open;
}

void
chatmig_group_place(GroupState *state, const LegacyRow *row, SplitRow *split)
{
	Conversation *open = &state->conversation;
	bool at_end;

	state->last_time = row->time;
	if (row->known.known)
	{
		place_known(state, row);
		return;
	}
	if (split->nmessages == 0)
		return;

	/* known rows of this conversation follow: they must move up */
	open->make_room = state->has_position && !open->is_new &&
					  row->known.has_next &&
					  same_id(state, open->id, row->known.next_conversation);
	at_end = !open->is_new && !open->make_room && state->has_position;

	for (int i = 0; i < split->nmessages; i++)
	{
		Message *message = &split->messages[i];

		message->position = at_end ? LAST_POSITION : next_position(state);
		if (state->time_step > 0)
			keep_apart(state, message, i + 1 < split->nmessages);
		open->created_at = earlier(open->created_at, message->time);
		open->updated_at = later(open->updated_at, message->time);
	}
	if (open->make_room)
		state->inserted += split->nmessages;
	open->new_messages += split->nmessages;
}

static void
prepare_column(GroupState *state, int i, const Column *column)
{
	TypeCacheEntry *type;

	if (column->name == NULL)
		return;
	type = lookup_type_cache(column->type, TYPECACHE_EQ_OPR_FINFO);
	state->used[i] = true;
	fmgr_info_copy(&state->equal[i], &type->eq_opr_finfo, CurrentMemoryContext);
	state->collation[i] = column->collation;
	get_typlenbyval(column->type, &state->length[i], &state->by_value[i]);
}

static Value *
group_value(GroupKey *group, int i)
{
	return i == 0   ? &group->owner
		   : i == 1 ? &group->counterpart
					: &group->session;
}

/* NULL is a value here: guests are a group, and so is "no session". */
static bool
same_group(GroupState *state, const LegacyRow *row)
{
	for (int i = 0; i < GROUP_COLUMNS; i++)
	{
		const Value *a = group_value(&state->conversation.group, i);
		const Value *b = group_value(unconstify(GroupKey *, &row->group), i);

		if (!state->used[i])
			continue;
		if (a->isnull != b->isnull)
			return false;
		if (!a->isnull &&
			!DatumGetBool(FunctionCall2Coll(
				&state->equal[i], state->collation[i], a->datum, b->datum)))
			return false;
	}
	return true;
}

static void
copy_group(GroupState *state, const LegacyRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(state->group_context);

	for (int i = 0; i < GROUP_COLUMNS; i++)
	{
		const Value *from = group_value(unconstify(GroupKey *, &row->group), i);
		Value *to = group_value(&state->conversation.group, i);

		to->isnull = !state->used[i] || from->isnull;
		if (!to->isnull)
			to->datum =
				datumCopy(from->datum, state->by_value[i], state->length[i]);
	}
	MemoryContextSwitchTo(old);
}

/* If rows were put in front of others, what the trace says is out of date. */
static void
leave(GroupState *state)
{
	MemoryContext old;
	LeftConversation *left;

	if (state->inserted == 0)
		return;
	old = MemoryContextSwitchTo(state->left_context);
	left = palloc(sizeof(LeftConversation));
	left->id =
		datumCopy(state->conversation.id, state->id_by_value, state->id_length);
	left->next_position = state->next_position;
	left->inserted = state->inserted;
	state->left = lappend(state->left, left);
	MemoryContextSwitchTo(old);
}

static void
come_back(GroupState *state)
{
	ListCell *lc;

	foreach(lc, state->left)
	{
		const LeftConversation *left = lfirst(lc);

		if (!same_id(state, left->id, state->conversation.id))
			continue;
		state->next_position = left->next_position;
		state->inserted = left->inserted;
		state->left = foreach_delete_current(state->left, lc);
		return;
	}
}

/* Where a time is unknown, nothing says that there was a pause. */
static bool
within_gap(const GroupState *state, Value earlier, Value later)
{
	int64 pause;

	if (state->idle_gap == 0 || earlier.isnull || later.isnull)
		return true;
	if (pg_sub_s64_overflow(DatumGetTimestampTz(later.datum),
							DatumGetTimestampTz(earlier.datum), &pause))
		return false;
	return pause <= state->idle_gap;
}

static bool
same_id(const GroupState *state, Datum a, Datum b)
{
	return datum_image_eq(a, b, state->id_by_value, state->id_length);
}

/*
 * The trace's position was read before this run put messages in front, which
 * were in front of this row as well if it is the last one so far. If it is not,
 * messages were put behind it, too; but then its position does not matter.
 */
static void
place_known(GroupState *state, const LegacyRow *row)
{
	if (state->time_step > 0)
		state->last_written =
			as_kept(state, later(row->time, row->known.written));
	if (!row->known.position.isnull)
		state->next_position =
			Max(state->next_position,
				(int64) DatumGetInt32(row->known.position.datum) + 1 +
					state->inserted);
}

/* A target of the application's may have higher ones than ours are read as. */
static int32
next_position(GroupState *state)
{
	if (state->next_position > PG_INT32_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg(
				 "no position is left behind a message of the conversation that this row joins"),
			 errdetail("The next one would be %lld.",
					   (long long) state->next_position),
			 errhint("Give its messages the positions 0, 1, 2, ... again.")));
	return state->next_position++;
}

/*
 * Readers of this target sort by time alone. So a question whose answer has the
 * same time is moved back by the smallest step; and where several rows have
 * the same time, each message stays behind the one before it.
 */
static void
keep_apart(GroupState *state, Message *message, bool is_answered)
{
	TimestampTz time = DatumGetTimestampTz(as_kept(state, message->time).datum);

	if (message->time.isnull || TIMESTAMP_NOT_FINITE(time))
		return;
	if (is_answered)
		time -= state->time_step;
	if (!state->last_written.isnull &&
		time <= DatumGetTimestampTz(state->last_written.datum))
		time =
			DatumGetTimestampTz(state->last_written.datum) + state->time_step;
	message->time.datum = TimestampTzGetDatum(time);
	state->last_written = message->time;
}

/* As the column will round it. */
static Value
as_kept(const GroupState *state, Value time)
{
	if (!time.isnull)
		time.datum = DirectFunctionCall2(timestamptz_scale, time.datum,
										 Int32GetDatum(state->precision));
	return time;
}

static Value
earlier(Value a, Value b)
{
	if (a.isnull || b.isnull)
		return a.isnull ? b : a;
	return DatumGetTimestampTz(a.datum) <= DatumGetTimestampTz(b.datum) ? a : b;
}

static Value
later(Value a, Value b)
{
	if (a.isnull || b.isnull)
		return a.isnull ? b : a;
	return DatumGetTimestampTz(a.datum) >= DatumGetTimestampTz(b.datum) ? a : b;
}
