/*
 * share.c
 *	  A first run by parallel workers, each with a share of the rows.
 *
 * In: a plan whose tables this transaction has created. Out: the rows, written.
 * The server lets no worker add rows, so they read, sort, split, group and
 *form, each for a share of the owners (share_worker.c), and this process puts
 *what comes out of their queues into the tables. As with any parallel query, an
 * error in a worker is raised here, and an error here ends the workers.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "bulk.h"
#include "caller.h"
#include "read.h"
#include "send.h"
#include "share.h"
#include "share_report.h"
#include "share_worker.h"

/*
 * What the workers may be ahead of this process, all together, and one at
 * least: where shared memory is short, as in containers, many must not want too
 * much.
 */
#define QUEUES_SIZE (8 * 1024 * 1024)
#define MIN_QUEUE_SIZE (1024 * 1024)

/* Rows that are taken from a queue before it is the next one's turn. */
#define ROWS_IN_TURN 1000

typedef struct Share
{
	/* fixed */
	const MigrationPlan *plan;
	int last_kind;       /* what comes last of what belongs together */
	MemoryContext outer; /* for what is reported */
	ParallelContext *context;
	Bulk *bulk[NUM_TARGETS];

	/* per worker */
	shm_mq_handle **queues; /* NULL: it has no more */

	/* what the workers report */
	MigrateResult *result;
	List *rejects; /* of Reject *, max_rejects of them at most */
} Share;

static int count_workers(const MigrationPlan *plan);
static void begin(Share *share, int nworkers);
static void put_state(const Share *share);
static void put_queues(Share *share);
static void put_pages(const Share *share);
static Size queue_size(int nworkers);
static void receive(Share *share);
static bool take_turn(Share *share, int worker);
static int take(Share *share, void *message, Size length);
static void wait_for_workers(void);
static void finish(Share *share);
static void describe(void *arg);

bool
chatmig_share_travel(const MigrationPlan *plan, MigrateResult *result,
					 List **rejects)
{
	Share share = {.plan = plan,
				   .last_kind = plan->uses[TARGET_CONVERSATIONS]
									? TARGET_CONVERSATIONS
									: TARGET_TRACE,
				   .outer = CurrentMemoryContext,
				   .result = result};
	ErrorContextCallback callback = {
		.previous = error_context_stack, .callback = describe, .arg = &share};
	MemoryContext context;
	int nworkers = count_workers(plan);
	bool is_launched;
	int guc_level;

	if (nworkers == 0)
		return false;
	context = AllocSetContextCreate(share.outer, "chatmig migration",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	error_context_stack = &callback;
	guc_level = NewGUCNestLevel();
	/* this process sorts nothing */
	chatmig_caller_share_memory(nworkers);
	begin(&share, nworkers);
	is_launched = share.context->nworkers_launched > 0;
	elog(DEBUG1, "migrate: %d parallel workers for %d shares",
		 share.context->nworkers_launched, nworkers);
	if (is_launched)
		receive(&share);
	finish(&share);
	AtEOXact_GUC(true, guc_level);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(share.outer);
	MemoryContextDelete(context);
	*rejects = share.rejects;
	return is_launched;
}

static int
count_workers(const MigrationPlan *plan)
{
	if (plan->uses[TARGET_OWNERS])
		return 0;
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->uses[table] && (plan->id_types[table] == INT8OID ||
								  plan->id_types[table] == INT4OID))
			return 0;
	return chatmig_read_workers(plan);
}

/* The tables first: in parallel mode no command can begin. */
static void
begin(Share *share, int nworkers)
{
	ParallelContext *context;

	for (TargetTable table = 0; table < TARGET_LINKS; table++)
		if (share->plan->uses[table])
			share->bulk[table] = chatmig_bulk_begin(share->plan->tables[table]);

	EnterParallelMode();
	context = share->context =
		CreateParallelContext(SHARE_LIBRARY, SHARE_FUNCTION, nworkers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(ShareState));
	shm_toc_estimate_chunk(&context->estimator, strlen(share->plan->name) + 1);
	for (int i = 0; i < nworkers; i++)
		shm_toc_estimate_chunk(&context->estimator, queue_size(nworkers));
	shm_toc_estimate_chunk(&context->estimator, chatmig_full_page_size());
	shm_toc_estimate_keys(&context->estimator, 3 + nworkers);
	InitializeParallelDSM(context);
	put_state(share);
	put_queues(share);
	put_pages(share);
	LaunchParallelWorkers(context);
	for (int i = 0; i < context->nworkers_launched; i++)
		shm_mq_set_handle(share->queues[i], context->worker[i].bgwhandle);
}

static void
put_state(const Share *share)
{
	shm_toc *toc = share->context->toc;
	Size length = strlen(share->plan->name) + 1;
	ShareState *state = shm_toc_allocate(toc, sizeof(ShareState));
	char *name = shm_toc_allocate(toc, length);

	state->nshares = share->context->nworkers;
	pg_atomic_init_u32(&state->next, 0);
	memcpy(state->tables, share->plan->tables, sizeof(state->tables));
	memcpy(name, share->plan->name, length);
	shm_toc_insert(toc, SHARE_KEY_STATE, state);
	shm_toc_insert(toc, SHARE_KEY_NAME, name);
}

static void
put_queues(Share *share)
{
	ParallelContext *context = share->context;
	const Size size = queue_size(context->nworkers);

	share->queues = palloc0(sizeof(shm_mq_handle *) * (context->nworkers + 1));
	for (int i = 0; i < context->nworkers; i++)
	{
		shm_mq *queue =
			shm_mq_create(shm_toc_allocate(context->toc, size), size);

		shm_toc_insert(context->toc, SHARE_KEY_QUEUE + i, queue);
		shm_mq_set_receiver(queue, MyProc);
		share->queues[i] = shm_mq_attach(queue, context->seg, NULL);
	}
}

/* From here on, no command runs until the tables are loaded. */
static void
put_pages(const Share *share)
{
	shm_toc *toc = share->context->toc;
	FullPages *pages =
		chatmig_full_page_init(shm_toc_allocate(toc, chatmig_full_page_size()));

	shm_toc_insert(toc, SHARE_KEY_PAGES, pages);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (share->bulk[table] != NULL)
			chatmig_bulk_share_pages(share->bulk[table], pages);
}

static Size
queue_size(int nworkers)
{
	return nworkers == 0 ? 0 : Max(QUEUES_SIZE / nworkers, MIN_QUEUE_SIZE);
}

/* Until each worker has let go of its queue. */
static void
receive(Share *share)
{
	bool is_over = false;

	while (!is_over)
	{
		bool has_read = false;

		is_over = true;
		for (int i = 0; i < share->context->nworkers_launched; i++)
		{
			has_read = take_turn(share, i) || has_read;
			is_over = is_over && share->queues[i] == NULL;
		}
		if (!is_over && !has_read)
			wait_for_workers();
	}
}

/*
 * A conversation's rows come in one turn: they lie together then, and the
 * tables have one order, which proof.c relies on. Returns whether there was
 * something.
 */
static bool
take_turn(Share *share, int worker)
{
	shm_mq_handle **queue = &share->queues[worker];
	bool is_whole = true;
	int n = 0;

	while (*queue != NULL && (n < ROWS_IN_TURN || !is_whole))
	{
		Size length;
		void *message;
		shm_mq_result read = shm_mq_receive(*queue, &length, &message, true);

		CHECK_FOR_INTERRUPTS();
		if (read == SHM_MQ_WOULD_BLOCK && is_whole)
			break;
		if (read == SHM_MQ_WOULD_BLOCK)
			wait_for_workers();
		else if (read == SHM_MQ_DETACHED)
			*queue = NULL;
		else
		{
			int kind = take(share, message, length);

			is_whole = kind == share->last_kind || kind == SHARE_REPORT;
			n++;
		}
	}
	return n > 0;
}

/* Returns the kind of message it was. */
static int
take(Share *share, void *message, Size length)
{
	SendHeader *header = message;
	void *data = header + 1;

	if (header->kind == SHARE_REPORT)
	{
		MemoryContext old = MemoryContextSwitchTo(share->outer);

		chatmig_share_report_add(data, length - sizeof(SendHeader),
								 share->plan->options.max_rejects,
								 share->result, &share->rejects);
		MemoryContextSwitchTo(old);
	}
	else
		chatmig_bulk_put_checked(share->bulk[header->kind], data);
	return header->kind;
}

/* Until a worker has sent something, or failed. */
static void
wait_for_workers(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0,
					 WAIT_EVENT_EXECUTE_GATHER);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Raises what a worker has not raised yet. */
static void
finish(Share *share)
{
	WaitForParallelWorkersToFinish(share->context);
	DestroyParallelContext(share->context);
	ExitParallelMode();
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (share->bulk[table] != NULL)
			chatmig_bulk_end(share->bulk[table]);
}

static void
describe(void *arg)
{
	const Share *share = arg;

	errcontext("migration \"%s\", with parallel workers", share->plan->name);
}
