/*
 * travel.c
 *	  The way of the rows: read -> split -> group -> write.
 *
 * In: a plan, and a way to write. Out: the plan's rows as conversations and
 * messages, counted, and those that could not be converted. A run, a rehearsal
 * and a parallel worker all go this way.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "fit.h"
#include "group.h"
#include "read.h"
#include "split.h"
#include "travel.h"
#include "write.h"
#include "write_link.h"

typedef struct TravelState
{
	/* fixed */
	const MigrationPlan *plan;
	WriteMode mode;
	MemoryContext context; /* for what outlives a row */
	GroupState *group;
	Writer *writer;
	MigrateShow show;
	void *show_state;

	/* per row, for error messages; NULL between rows */
	const char *key;

	/* counters */
	MigrateResult *result;
	List *rejects; /* of Reject *, max_rejects of them at most */
} TravelState;

static bool only_counts(const TravelState *state);
static void travel_owners(TravelState *state);
static bool travel_owner(LegacyRow *row, void *arg);
static bool travel_row(LegacyRow *row, void *state);
static void place_and_write(TravelState *state, LegacyRow *row,
							SplitRow *split);
static Size stored_size(const LegacyRow *row, const Message *message);
static void close_conversation(TravelState *state);
static void reject(TravelState *state, const LegacyRow *row,
				   const SplitReject *rejected, bool partial);
static void describe_row(void *state);

List *
chatmig_travel(const MigrationPlan *plan, WriteMode mode, SendQueue *queue,
			   MigrateResult *result, MigrateShow show, void *show_state)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig migration", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TravelState state = {.plan = plan,
						 .mode = mode,
						 .context = old,
						 .result = result,
						 .show = show,
						 .show_state = show_state};
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = describe_row,
									 .arg = &state};

	error_context_stack = &callback;
	state.group = chatmig_group_begin(plan);
	state.writer = chatmig_write_begin(plan, mode, queue, &result->counts);
	/* statements of the ordinary way cannot run beside parallel workers */
	chatmig_read_rows(plan, mode != WRITE_INSERT, only_counts(&state),
					  travel_row, &state);
	close_conversation(&state);
	if (plan->uses[TARGET_OWNERS])
		travel_owners(&state);
	if (mode == WRITE_NOTHING)
		result->counts.links = chatmig_write_count_links(plan, state.writer);
	chatmig_write_end(state.writer);
	error_context_stack = callback.previous;

	if (!plan->migrated)
		result->counts.legacy_rows =
			result->counts.skipped + result->counts.migrated +
			result->counts.empty + result->counts.rejected;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return state.rejects;
}

/* Whether nobody looks at contents: tables with limits of their own do. */
static bool
only_counts(const TravelState *state)
{
	const MigrationPlan *plan = state->plan;

	return state->mode == WRITE_NOTHING && state->show == NULL &&
		   plan->mapping->shape != SHAPE_TRANSCRIPT &&
		   !chatmig_plan_fills(plan, TARGET_MESSAGES);
}

/*
 * Those who have no conversation once all rows are written: a row that was
 * rejected leaves its owner without one.
 */
static void
travel_owners(TravelState *state)
{
	chatmig_write_flush(state->writer);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	chatmig_read_owners(state->plan, travel_owner, state);
	PopActiveSnapshot();
}

static bool
travel_owner(LegacyRow *row, void *arg)
{
	TravelState *state = arg;

	state->key = row->key;
	chatmig_write_without_messages(state->writer, row);
	state->key = NULL;
	return true;
}

/* The way of a row. */
static bool
travel_row(LegacyRow *row, void *arg)
{
	TravelState *state = arg;
	MigrateResult *result = state->result;
	SplitRow split = {0};

	state->key = row->key;
	if (row->skipped)
		result->counts.skipped++;
	else if (row->known.is_gone)
	{
		/* nothing joins a conversation that has been deleted */
	}
	else if (row->known.known)
		place_and_write(state, row, &split);
	else
	{
		ListCell *lc;

		chatmig_split_row(state->plan, row, &split);
		chatmig_fit_row(state->plan, &split);
		foreach(lc, split.rejects)
			reject(state, row, lfirst(lc), split.nmessages > 0);
		if (split.nmessages == 0 && split.rejects == NIL)
			result->counts.empty++;
		else if (split.nmessages == 0)
			result->counts.rejected++;
		/* beyond max_rejects a run is lost, and only counts them */
		else if (result->nrejects <= state->plan->options.max_rejects ||
				 state->mode == WRITE_NOTHING)
			place_and_write(state, row, &split);
	}
	for (int i = 0; i < split.nmessages && state->show != NULL; i++)
		if (!state->show(state->plan, chatmig_group_current(state->group),
						 &split.messages[i], row, state->show_state))
			return false;
	state->key = NULL;
	return true;
}

static void
place_and_write(TravelState *state, LegacyRow *row, SplitRow *split)
{
	Conversation *conversation;

	if (!chatmig_group_continues(state->group, row))
	{
		close_conversation(state);
		conversation = chatmig_group_open(state->group, row);
		chatmig_write_open(state->writer, conversation, row, split);
	}
	conversation = chatmig_group_current(state->group);
	chatmig_group_place(state->group, row, split);
	if (split->nmessages > 0)
		chatmig_write_row(state->writer, conversation, row, split);
	for (int i = 0; i < split->nmessages; i++)
		state->result->content_bytes += stored_size(row, &split->messages[i]);
}

static Size
stored_size(const LegacyRow *row, const Message *message)
{
	if (message->content.isnull)
		return 0;
	return row->reduced ? row->sizes[message->part - 1]
						: toast_datum_size(message->content.datum);
}

static void
close_conversation(TravelState *state)
{
	Conversation *conversation = chatmig_group_current(state->group);

	if (conversation != NULL)
		chatmig_write_close(state->writer, conversation);
}

static void
reject(TravelState *state, const LegacyRow *row, const SplitReject *rejected,
	   bool partial)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	RejectSummary *summary = NULL;
	ListCell *lc;

	state->result->nrejects++;
	foreach(lc, state->result->rejects)
		if (strcmp(((RejectSummary *) lfirst(lc))->code, rejected->code) == 0)
			summary = lfirst(lc);
	if (summary == NULL)
	{
		summary = palloc0(sizeof(RejectSummary));
		summary->code = rejected->code;
		summary->first_key = pstrdup(row->key);
		summary->first_reason = pstrdup(rejected->reason);
		state->result->rejects = lappend(state->result->rejects, summary);
	}
	summary->number++;
	if (list_length(state->rejects) < state->plan->options.max_rejects)
	{
		Reject *kept = palloc0(sizeof(Reject));

		kept->key = pstrdup(row->key);
		kept->part = rejected->part;
		kept->code = rejected->code;
		kept->reason = pstrdup(rejected->reason);
		kept->partial = partial;
		if (rejected->part > 0 && row->elements != NULL)
			kept->message = JsonbValueToJsonb(getIthJsonbValueFromContainer(
				row->elements, rejected->part - 1));
		state->rejects = lappend(state->rejects, kept);
	}
	MemoryContextSwitchTo(old);
}

static void
describe_row(void *arg)
{
	TravelState *state = arg;

	if (geterrcode() == ERRCODE_UNIQUE_VIOLATION)
		errhint("If others add messages to the same conversations at this "
				"moment, run it again; nothing has been changed. Or else a "
				"unique index of a table that was there before forbids what "
				"the rows say; for titles, see the option title.");
	else if (geterrcode() == ERRCODE_FOREIGN_KEY_VIOLATION)
		errhint("If what the row refers to was deleted at this moment, run it "
				"again; nothing has been changed. Or else put it into the "
				"table that is referred to first, such as the users.");
	else if (geterrcode() == ERRCODE_CHECK_VIOLATION)
		errhint("A check of a table that was there before forbids what a row "
				"says; nothing has been changed. Correct the rows, or register "
				"a view that leaves them out.");
	if (state->writer != NULL && chatmig_write_describe(state->writer))
		return;
	if (state->key != NULL)
		errcontext("migration \"%s\", legacy key %s", state->plan->name,
				   state->key);
	else
		errcontext("migration \"%s\", reading %s", state->plan->name,
				   state->plan->source_name);
}
