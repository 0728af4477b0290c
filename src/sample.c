/*
 * sample.c
 *	  A few rows of a table, for detection.
 *
 * In: a relation. Out: some of its rows, to a callback. It must be quick also
 * for thousands of tables, some of them huge, bloated, locked or broken:
 *
 * - Rows are taken from the table itself, without a query: no function of a
 *   user's can be called, and nothing is planned.
 * - Only a few blocks are read, from the beginning and from the end, since an
 *   application may have changed what it writes.
 * - Partitions are locked only if that needs no waiting, and unlocked again.
 * - All happens in a subtransaction, so that a block that cannot be read, or a
 *   value that cannot be understood, costs a part of the sample and no more.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "sample.h"

#define SAMPLE_BLOCKS 8      /* read at each end of a table */
#define SAMPLE_PARTITIONS 16 /* opened of a partitioned table */
#define SAMPLE_ATTEMPTS 4    /* with values that cannot be understood */

/* A sample that is being taken. */
typedef struct Sample
{
	SampleRow look;
	void *state;
	TupleDesc desc;            /* of the table, whose rows look expects */
	MemoryContext row_context; /* reset after each row */
	int nshown;                /* rows */
	char *error;               /* the last one's message, or NULL */

	/* in the present attempt; after an error there may be another */
	int nrows;
	int npartitions;
	bool is_done;
} Sample;

static bool is_allowed(Relation rel);
static bool sample_safely(Relation rel, Sample *sample);
static void sample_relation(Relation rel, Sample *sample);
static void sample_partitions(Relation rel, Sample *sample);
static void sample_partition(Oid relid, Sample *sample);
static void sample_table(Relation rel, Sample *sample);
static void sample_blocks(Relation rel, Sample *sample, ItemPointer first,
						  ItemPointer last, int max_rows);
static void show_row(Relation rel, Sample *sample, TupleTableSlot *slot);

char *
chatmig_sample_rows(Relation rel, SampleRow look, void *state)
{
	Sample sample = {.look = look, .state = state};

	if (!is_allowed(rel))
		return NULL;
	sample.row_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig sample row", ALLOCSET_SMALL_SIZES);
	sample.desc = CreateTupleDescCopy(RelationGetDescr(rel));
	for (int attempt = 0; attempt < SAMPLE_ATTEMPTS; attempt++)
	{
		int nshown = sample.nshown;

		/* nothing new was shown: it is not a row that is in the way */
		if (sample_safely(rel, &sample) || sample.nshown == nshown)
			break;
	}
	FreeTupleDesc(sample.desc);
	MemoryContextDelete(sample.row_context);
	return sample.error;
}

/* A view or a foreign table would run what is behind it. */
static bool
is_allowed(Relation rel)
{
	Oid relid = RelationGetRelid(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	if (RELATION_IS_OTHER_TEMP(rel) || IsInParallelMode() ||
		(RecoveryInProgress() && !RelationIsPermanent(rel)))
		return false;
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/*
 * Whatever goes wrong is forgotten, with the subtransaction; then it returns
 * false. Rows that were shown already are not shown again.
 */
static bool
sample_safely(Relation rel, Sample *sample)
{
	volatile bool succeeded = false;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	sample->nrows = 0;
	sample->npartitions = 0;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		bool has_snapshot = ActiveSnapshotSet();

		if (!has_snapshot)
			PushActiveSnapshot(GetTransactionSnapshot());
		sample_relation(rel, sample);
		if (!has_snapshot)
			PopActiveSnapshot();
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		succeeded = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		sample->error = pstrdup(error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	return succeeded;
}

static void
sample_relation(Relation rel, Sample *sample)
{
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		sample_partitions(rel, sample);
	else if (rel->rd_rel->relkind == RELKIND_RELATION)
		sample_table(rel, sample);
}

/* Partitions of partitions included; the rights are the parent's. */
static void
sample_partitions(Relation rel, Sample *sample)
{
	List *children = find_inheritance_children(RelationGetRelid(rel), NoLock);
	ListCell *lc;

	foreach(lc, children)
	{
		if (sample->is_done || sample->nrows >= SAMPLE_ROWS ||
			sample->npartitions >= SAMPLE_PARTITIONS)
			break;
		sample->npartitions++;
		sample_partition(lfirst_oid(lc), sample);
	}
	list_free(children);
}

static void
sample_partition(Oid relid, Sample *sample)
{
	Relation rel;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
	{
		UnlockRelationOid(relid, AccessShareLock);
		return;
	}
	sample_relation(rel, sample);
	relation_close(rel, AccessShareLock);
}

/*
 * Half of the rows from the first blocks, the other half from the last ones.
 * Only some access methods can read a part of a table; of others the first
 * rows are taken.
 */
static void
sample_table(Relation rel, Sample *sample)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	ItemPointerData first;
	ItemPointerData last;

	if (nblocks == 0)
		return;
	if (rel->rd_tableam->scan_set_tidrange == NULL)
	{
		sample_blocks(rel, sample, NULL, NULL, SAMPLE_ROWS);
		return;
	}
	ItemPointerSet(&first, 0, FirstOffsetNumber);
	ItemPointerSet(&last, Min(nblocks, SAMPLE_BLOCKS) - 1, MaxOffsetNumber);
	sample_blocks(rel, sample, &first, &last,
				  sample->nrows + (SAMPLE_ROWS - sample->nrows + 1) / 2);
	if (nblocks > SAMPLE_BLOCKS &&
		ItemPointerGetBlockNumber(&first) < nblocks - SAMPLE_BLOCKS)
		ItemPointerSet(&first, nblocks - SAMPLE_BLOCKS, FirstOffsetNumber);
	ItemPointerSet(&last, nblocks - 1, MaxOffsetNumber);
	sample_blocks(rel, sample, &first, &last, SAMPLE_ROWS);
}

/*
 * Shows rows between first and last until there are max_rows in all; first
 * then points behind the last one shown.
 */
static void
sample_blocks(Relation rel, Sample *sample, ItemPointer first, ItemPointer last,
			  int max_rows)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan =
		first != NULL
			? table_beginscan_tidrange(rel, GetActiveSnapshot(), first, last)
			: table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true,
									false);

	while (!sample->is_done && sample->nrows < max_rows)
	{
		bool found =
			first != NULL
				? table_scan_getnextslot_tidrange(scan, ForwardScanDirection,
												  slot)
				: table_scan_getnextslot(scan, ForwardScanDirection, slot);

		if (!found)
			break;
		CHECK_FOR_INTERRUPTS();
		show_row(rel, sample, slot);
		if (first != NULL)
		{
			*first = slot->tts_tid;
			ItemPointerInc(first);
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* A partition may have its columns in another order than the table. */
static void
show_row(Relation rel, Sample *sample, TupleTableSlot *slot)
{
	MemoryContext caller;
	TupleConversionMap *map;

	if (++sample->nrows <= sample->nshown)
		return;
	sample->nshown = sample->nrows;
	caller = MemoryContextSwitchTo(sample->row_context);
	map = convert_tuples_by_name(RelationGetDescr(rel), sample->desc);
	if (map != NULL)
		slot = execute_attr_map_slot(
			map->attrMap, slot,
			MakeSingleTupleTableSlot(sample->desc, &TTSOpsVirtual));
	sample->is_done = !sample->look(slot, sample->state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(sample->row_context);
}
