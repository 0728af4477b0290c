/*
 * reindex.c
 *	  Indexes of new tables, built after the load, several side by side.
 *
 * In: tables that this transaction has created and filled without a look at
 * their indexes. Out: the indexes, whole.
 *
 * With workers the server sorts one index in all of them, and writes it in one
 * process, while the others wait. Here each process sorts and writes an index
 * of its own. That is no more than the server's parallel workers may do: they
 * cannot insert rows or change catalogs, but building a B-tree is to fill a
 * file that nobody else has opened, by the access method's own code, which
 * writes WAL as ever. Files and catalogs are made by the leader beforehand, by
 * the server's own function for it. An error in a worker is raised in the
 * leader, which ends the transaction, and with it the files. What REINDEX does
 * besides, for indexes unlike those that chatmig makes, is left to REINDEX.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "port/atomics.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "keys.h"
#include "query.h"
#include "reindex.h"

/* The worker's function, for CreateParallelContext(). */
#define REINDEX_LIBRARY "$libdir/chatmig"
#define REINDEX_FUNCTION "chatmig_reindex_worker"

/* Key of the only thing in the shared memory segment. */
#define REINDEX_KEY_STATE 1

/* An index to be built. */
typedef struct Build
{
	Oid table;
	Oid index;
	BlockNumber blocks; /* of the table */
	int nworkers;       /* that the server would give it */
} Build;

/* What the processes share. */
typedef struct ReindexState
{
	pg_atomic_uint32 next; /* build to be taken, up to n */
	int n;
	Build builds[FLEXIBLE_ARRAY_MEMBER];
} ReindexState;

static List *list_builds(Oid table);
static bool is_ordinary(Relation index);
static int count_workers(const List *builds);
static int largest_first(const ListCell *a, const ListCell *b);
static void build_side_by_side(List *builds, int nworkers,
							   ReindexMeanwhile meanwhile, void *arg);
static void make_new_file(const Build *build);
static ReindexState *put_state(ParallelContext *context, const List *builds);
static void build_next_ones(ReindexState *state);
static void build_index(const Build *build);

void
chatmig_reindex(const List *tables, ReindexMeanwhile meanwhile, void *state)
{
	List *builds = NIL;
	List *shared = NIL;
	ListCell *lc;
	int nworkers;

	foreach(lc, tables)
		builds = list_concat(builds, list_builds(lfirst_oid(lc)));
	foreach(lc, builds)
		if (((Build *) lfirst(lc))->nworkers > 0)
			shared = lappend(shared, lfirst(lc));
	nworkers = count_workers(shared);
	foreach(lc, builds)
	{
		const Build *build = lfirst(lc);

		if (nworkers == 0 || build->nworkers == 0)
			(void) chatmig_query_run(
				psprintf("REINDEX INDEX %s",
						 chatmig_keys_qualified_name(build->index)),
				NULL);
	}
	/* not before: functions of those indexes may have changed the tables */
	PushActiveSnapshot(GetLatestSnapshot());
	if (nworkers > 0)
		build_side_by_side(shared, nworkers, meanwhile, state);
	else
		meanwhile(state);
	PopActiveSnapshot();
}

/* The indexes of a table. */
static List *
list_builds(Oid table)
{
	Relation rel = table_open(table, ShareLock);
	List *indexes = RelationGetIndexList(rel);
	List *result = NIL;
	ListCell *lc;

	foreach(lc, indexes)
	{
		Build *build = palloc(sizeof(Build));
		Relation index = index_open(lfirst_oid(lc), AccessExclusiveLock);

		build->table = table;
		build->index = lfirst_oid(lc);
		build->blocks = RelationGetNumberOfBlocks(rel);
		/* it looks at sizes, memory, temporary tables and unsafe functions */
		build->nworkers = is_ordinary(index)
							  ? plan_create_index_workers(table, build->index)
							  : 0;
		index_close(index, NoLock);
		result = lappend(result, build);
	}
	list_free(indexes);
	table_close(rel, NoLock);
	return result;
}

/*
 * A B-tree for which ambuild is all that index_build() does: no second fork, no
 * second look at the rows, no functions but those of operator classes and of a
 * predicate.
 */
static bool
is_ordinary(Relation index)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		   index->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		   !index->rd_index->indisexclusion &&
		   RelationGetIndexExpressions(index) == NIL;
}

/* As many as the server would give one of them; the leader builds, too. */
static int
count_workers(const List *builds)
{
	int result = 0;
	ListCell *lc;

	foreach(lc, builds)
		result = Max(result, ((const Build *) lfirst(lc))->nworkers);
	return Min(result, Max(list_length(builds) - 1, 0));
}

static int
largest_first(const ListCell *a, const ListCell *b)
{
	const Build *left = lfirst(a);
	const Build *right = lfirst(b);

	return (left->blocks < right->blocks) - (left->blocks > right->blocks);
}

static void
build_side_by_side(List *builds, int nworkers, ReindexMeanwhile meanwhile,
				   void *arg)
{
	const int guc_level = NewGUCNestLevel();
	ParallelContext *context;
	ReindexState *state;
	ListCell *lc;

	list_sort(builds, largest_first);
	foreach(lc, builds)
		make_new_file(lfirst(lc));
	/* together they may have what one index build may have */
	(void) set_config_option(
		"maintenance_work_mem",
		psprintf("%dkB", Max(maintenance_work_mem / (nworkers + 1), 1024)),
		PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);

	EnterParallelMode();
	context =
		CreateParallelContext(REINDEX_LIBRARY, REINDEX_FUNCTION, nworkers);
	state = put_state(context, builds);
	LaunchParallelWorkers(context);
	elog(DEBUG1, "reindex: %d parallel workers for %d indexes",
		 context->nworkers_launched, state->n);
	meanwhile(arg);
	build_next_ones(state);
	WaitForParallelWorkersToFinish(context);
	DestroyParallelContext(context);
	ExitParallelMode();
	AtEOXact_GUC(false, guc_level);
}

/* An empty one, as REINDEX makes it; the old one goes when this commits. */
static void
make_new_file(const Build *build)
{
	Relation index = index_open(build->index, AccessExclusiveLock);

	CheckTableNotInUse(index, "REINDEX INDEX");
	TransferPredicateLocksToHeapRelation(index);
	RelationSetNewRelfilenumber(index, index->rd_rel->relpersistence);
	index_close(index, NoLock);
}

static ReindexState *
put_state(ParallelContext *context, const List *builds)
{
	const Size size =
		offsetof(ReindexState, builds) + sizeof(Build) * list_length(builds);
	ReindexState *state;
	ListCell *lc;

	shm_toc_estimate_chunk(&context->estimator, size);
	shm_toc_estimate_keys(&context->estimator, 1);
	InitializeParallelDSM(context);
	state = shm_toc_allocate(context->toc, size);
	pg_atomic_init_u32(&state->next, 0);
	state->n = 0;
	foreach(lc, builds)
		state->builds[state->n++] = *(const Build *) lfirst(lc);
	shm_toc_insert(context->toc, REINDEX_KEY_STATE, state);
	return state;
}

void
chatmig_reindex_worker(dsm_segment *segment, shm_toc *toc)
{
	build_next_ones(shm_toc_lookup(toc, REINDEX_KEY_STATE, false));
}

/* Each process takes the largest that is left. */
static void
build_next_ones(ReindexState *state)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig index", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	uint32 i;

	while ((i = pg_atomic_fetch_add_u32(&state->next, 1)) < state->n)
	{
		build_index(&state->builds[i]);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * As index_build() calls it: as the table's owner, whose functions may be
 * called, and who shall not use what the caller may do. The locks are those of
 * _bt_parallel_build_main(): a leader's lock lets its own workers through.
 */
static void
build_index(const Build *build)
{
	Relation table = table_open(build->table, ShareLock);
	Relation index = index_open(build->index, AccessExclusiveLock);
	const int guc_level = NewGUCNestLevel();
	Oid userid;
	int sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(table->rd_rel->relowner,
						   sec_context | SECURITY_RESTRICTED_OPERATION);
	(void) index->rd_indam->ambuild(table, index, BuildIndexInfo(index));
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(userid, sec_context);
	index_close(index, NoLock);
	table_close(table, NoLock);
}
