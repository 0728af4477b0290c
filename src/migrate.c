/*
 * migrate.c
 *	  The loop read -> split -> group -> write.
 *
 * In: a migration's name. Out: its legacy rows as conversations and messages,
 * and the ledger's record of it, or an error and nothing changed. All that is
 * read is read under one snapshot, taken when no other run and no DDL can
 * interfere; what the application writes meanwhile is for the next run.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "accept.h"
#include "caller.h"
#include "columns.h"
#include "existing.h"
#include "fit.h"
#include "group.h"
#include "migrate.h"
#include "read.h"
#include "reference.h"
#include "rights.h"
#include "settings.h"
#include "snapshot.h"
#include "split.h"
#include "target.h"
#include "write.h"
#include "write_link.h"
#include "write_reply.h"

typedef struct MigrateState
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
} MigrateState;

static void check_owner(const char *name);
static MigrationPlan *begin(const char *name, bool force,
							MigrateResult *result);
static bool has_work(const MigrationPlan *plan, RunCounts *counts);
static void record_targets(const MigrationPlan *plan);
static WriteMode choose_mode(const MigrationPlan *plan);
static List *travel(const MigrationPlan *plan, WriteMode mode,
					MigrateResult *result, MigrateShow show, void *state);
static bool only_counts(const MigrateState *state);
static void travel_owners(MigrateState *state);
static bool travel_owner(LegacyRow *row, void *arg);
static bool travel_row(LegacyRow *row, void *state);
static void place_and_write(MigrateState *state, LegacyRow *row,
							SplitRow *split);
static Size stored_size(const LegacyRow *row, const Message *message);
static void close_conversation(MigrateState *state);
static void reject(MigrateState *state, const LegacyRow *row,
				   const SplitReject *rejected, bool partial);
static void check_rejects(const MigrationPlan *plan,
						  const MigrateResult *result, bool in_update);
static void describe_row(void *state);

void
chatmig_migrate_run(const char *name, bool force, MigrateResult *result)
{
	CallerState caller;
	RoleState role;
	MigrationPlan *plan;
	WriteMode mode;
	List *rejects;

	chatmig_caller_enter(&caller);
	/* 1. from here on, no other run of this migration */
	check_owner(name);
	chatmig_ledger_lock(name);
	plan = begin(name, force, result);
	if (has_work(plan, &result->counts))
	{
		/* 2. the tables, empty, with the constraints that a load keeps */
		chatmig_target_create(plan);
		mode = choose_mode(plan);
		if (mode == WRITE_BULK)
			chatmig_target_constrain(plan);

		/* 3. the rows; by now the transaction has an id (see query.h) */
		chatmig_reference_defer(plan, false);
		chatmig_caller_become(&role, plan->source_owner);
		rejects = travel(plan, mode, result, NULL, NULL);
		check_rejects(plan, result, caller.creating_extension);
		chatmig_read_rejected(plan, rejects);
		chatmig_caller_resume(&role);

		/* 4. keys and indexes; last, what locks other tables */
		chatmig_target_finish(plan, mode == WRITE_BULK);
		chatmig_caller_become(&role, plan->source_owner);
		chatmig_write_replies(plan);
		result->counts.links = chatmig_write_links(plan);
		chatmig_caller_resume(&role);
		chatmig_reference_defer(plan, true);
		chatmig_target_analyze(plan);

		/* 5. the record */
		if (!plan->migrated)
			record_targets(plan);
		chatmig_ledger_store_rejects(name, rejects);
		chatmig_ledger_store_run(name, &result->counts);
	}
	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
}

MigrationPlan *
chatmig_migrate_rehearse(const char *name, bool force, MigrateResult *result,
						 MigrateShow show, void *state)
{
	CallerState caller;
	RoleState role;
	MigrationPlan *plan;

	chatmig_caller_enter(&caller);
	plan = begin(name, force, result);
	if (has_work(plan, &result->counts))
	{
		chatmig_caller_become(&role, plan->source_owner);
		(void) travel(plan, WRITE_NOTHING, result, show, state);
		chatmig_caller_resume(&role);
	}
	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
	return plan;
}

/* Whoever may not migrate shall not keep others from it either. */
static void
check_owner(const char *name)
{
	Registration *registration = chatmig_ledger_get(name);

	chatmig_rights_check_source(registration);
}

/* Also pushes the snapshot under which all is read. */
static MigrationPlan *
begin(const char *name, bool force, MigrateResult *result)
{
	RoleState role;
	MigrationPlan *plan = chatmig_plan_make(name);

	plan->force = force;
	chatmig_columns_check(plan);
	if (!plan->migrated)
		chatmig_reference_check(plan);
	MemSet(result, 0, sizeof(MigrateResult));
	/* not before the plan has locked what is read: see
	 * chatmig_plan_lock_below() */
	PushActiveSnapshot(GetTransactionSnapshot());
	chatmig_snapshot_check(NIL);
	chatmig_caller_become(&role, plan->source_owner);
	chatmig_plan_probe(plan);
	chatmig_accept_check(plan);
	chatmig_caller_resume(&role);
	return plan;
}

/* A first run always has: it creates the tables, be they empty. */
static bool
has_work(const MigrationPlan *plan, RunCounts *counts)
{
	RoleState role;

	if (!plan->migrated)
		return true;
	chatmig_caller_become(&role, plan->source_owner);
	chatmig_read_totals(plan, &counts->legacy_rows, &counts->already);
	chatmig_caller_resume(&role);
	/* a rejected row may have been deleted since, and be the last of them */
	return counts->legacy_rows > counts->already || plan->uses[TARGET_OWNERS] ||
		   plan->uses[TARGET_LINKS] || chatmig_ledger_has_rejects(plan->name);
}

static void
record_targets(const MigrationPlan *plan)
{
	LedgerTargets targets = {0};

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		if (!plan->uses[table])
			continue;
		targets.tables[table] = plan->tables[table];
		targets.created[table] = plan->created[table];
		if (chatmig_plan_fills(plan, table))
			targets.columns[table] = chatmig_existing_record(plan, table);
	}
	chatmig_ledger_store_targets(plan->name, &targets);
}

static WriteMode
choose_mode(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table] &&
			(!plan->fresh[table] || !chatmig_target_is_plain(plan, table)))
			return WRITE_INSERT;
	return chatmig_bulk_load ? WRITE_BULK : WRITE_INSERT;
}

/* Returns the rejects, of Reject *. */
static List *
travel(const MigrationPlan *plan, WriteMode mode, MigrateResult *result,
	   MigrateShow show, void *show_state)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig migration", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MigrateState state = {.plan = plan,
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
	state.writer = chatmig_write_begin(plan, mode, &result->counts);
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
only_counts(const MigrateState *state)
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
travel_owners(MigrateState *state)
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
	MigrateState *state = arg;

	state->key = row->key;
	chatmig_write_without_messages(state->writer, row);
	state->key = NULL;
	return true;
}

/* The way of a row. */
static bool
travel_row(LegacyRow *row, void *arg)
{
	MigrateState *state = arg;
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
place_and_write(MigrateState *state, LegacyRow *row, SplitRow *split)
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
close_conversation(MigrateState *state)
{
	Conversation *conversation = chatmig_group_current(state->group);

	if (conversation != NULL)
		chatmig_write_close(state->writer, conversation);
}

static void
reject(MigrateState *state, const LegacyRow *row, const SplitReject *rejected,
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
check_rejects(const MigrationPlan *plan, const MigrateResult *result,
			  bool in_update)
{
	RejectSummary *first;
	const char *name = quote_literal_cstr(plan->name);

	if (result->nrejects <= plan->options.max_rejects)
		return;
	first = linitial(result->rejects);
	ereport(
		ERROR,
		(errcode(ERRCODE_DATA_EXCEPTION),
		 plan->mapping->shape == SHAPE_TRANSCRIPT
			 ? errmsg_plural(
				   "%lld transcript or message in %s cannot be converted",
				   "%lld transcripts or messages in %s cannot be converted",
				   result->nrejects, (long long) result->nrejects,
				   plan->source_name)
			 : errmsg_plural("%lld row of %s cannot be converted",
							 "%lld rows of %s cannot be converted",
							 result->nrejects, (long long) result->nrejects,
							 plan->source_name),
		 errdetail(
			 "The first has the key %s: %s max_rejects is %lld; nothing has been changed.",
			 first->first_key, first->first_reason,
			 (long long) plan->options.max_rejects),
		 errhint(
			 "%sSELECT * FROM chatmig_plan(%s) says how many there are of each kind. Correct the rows or the mapping; or register with options => '{\"max_rejects\": %lld}' to set them aside in chatmig_rejects, whole.",
			 /* the database will be at 1.0 again, which has no plan */
			 in_update
				 ? "SET chatmig.convert_on_update = off and update again; then "
				 : "",
			 name, (long long) result->nrejects)));
}

static void
describe_row(void *arg)
{
	MigrateState *state = arg;

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
