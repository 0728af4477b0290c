/*
 * bulk.c
 *	  Loading a table that this transaction has created.
 *
 * In: formed rows. Out: the same rows in the heap, by table_multi_insert, as
 * COPY does it (commands/copyfrom.c): many tuples to a page at once, a ring of
 * buffers, one WAL record a page, and none at all with wal_level minimal. As
 * there, the server itself looks at NOT NULL and checks. Nobody looks at
 * indexes and triggers, those of foreign keys among them: that is for the
 * caller, once all rows are loaded.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "bulk.h"

/* The limits of COPY, for the same reasons. */
#define MAX_BUFFERED_ROWS 1000
#define MAX_BUFFERED_BYTES 65535

struct Bulk
{
	/* fixed */
	Relation rel;
	BulkInsertState bistate;
	CommandId cid;
	int options;    /* of table_multi_insert */
	EState *estate; /* in which constraints are checked */
	ResultRelInfo *result_rel;

	/* per batch */
	MemoryContext batch_context; /* what the table AM leaves behind */
	TupleTableSlot *slots[MAX_BUFFERED_ROWS]; /* each owns its tuple */
	int nslots;                               /* made so far */
	int nrows;
	Size bytes;
};

static void check(Bulk *bulk, TupleTableSlot *slot);

Bulk *
chatmig_bulk_begin(Oid relid)
{
	Bulk *bulk = palloc0(sizeof(Bulk));

	bulk->rel = table_open(relid, RowExclusiveLock);
	bulk->bistate = GetBulkInsertState();
	bulk->cid = GetCurrentCommandId(true);
	bulk->options = TABLE_INSERT_SKIP_FSM;
	/* should this be undone, so is the table itself */
	if (bulk->rel->rd_createSubid == GetCurrentSubTransactionId())
		bulk->options |= TABLE_INSERT_FROZEN;
	bulk->batch_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig bulk batch", ALLOCSET_DEFAULT_SIZES);
	bulk->estate = CreateExecutorState();
	bulk->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(bulk->result_rel, bulk->rel, 0, NULL, 0);
	return bulk;
}

void
chatmig_bulk_put(Bulk *bulk, const Datum *values, const bool *nulls)
{
	int natts = RelationGetDescr(bulk->rel)->natts;
	TupleTableSlot *slot;
	HeapTuple tuple;
	bool should_free;

	if (bulk->nrows == bulk->nslots)
	{
		/* a slot lives as long as the load */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(bulk));

		bulk->slots[bulk->nslots++] = table_slot_create(bulk->rel, NULL);
		MemoryContextSwitchTo(old);
	}
	slot = bulk->slots[bulk->nrows++];
	memcpy(slot->tts_values, values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, nulls, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	check(bulk, slot);
	ExecMaterializeSlot(slot);
	tuple = ExecFetchSlotHeapTuple(slot, false, &should_free);
	bulk->bytes += tuple->t_len;
	if (should_free)
		heap_freetuple(tuple);

	if (bulk->nrows == MAX_BUFFERED_ROWS || bulk->bytes >= MAX_BUFFERED_BYTES)
		chatmig_bulk_flush(bulk);
}

void
chatmig_bulk_end(Bulk *bulk)
{
	chatmig_bulk_flush(bulk);
	for (int i = 0; i < bulk->nslots; i++)
		ExecDropSingleTupleTableSlot(bulk->slots[i]);
	FreeBulkInsertState(bulk->bistate);
	FreeExecutorState(bulk->estate);
	table_finish_bulk_insert(bulk->rel, TABLE_INSERT_SKIP_FSM);
	MemoryContextDelete(bulk->batch_context);
	table_close(bulk->rel, NoLock);
}

void
chatmig_bulk_flush(Bulk *bulk)
{
	MemoryContext old;

	if (bulk->nrows == 0)
		return;
	old = MemoryContextSwitchTo(bulk->batch_context);
	table_multi_insert(bulk->rel, bulk->slots, bulk->nrows, bulk->cid,
					   bulk->options, bulk->bistate);
	MemoryContextSwitchTo(old);
	MemoryContextReset(bulk->batch_context);
	for (int i = 0; i < bulk->nrows; i++)
		ExecClearTuple(bulk->slots[i]);
	bulk->nrows = 0;
	bulk->bytes = 0;
}

/* Raises the server's own error, of INSERT, if the row violates a constraint.
 */
static void
check(Bulk *bulk, TupleTableSlot *slot)
{
	if (RelationGetDescr(bulk->rel)->constr == NULL)
		return;
	ExecConstraints(bulk->result_rel, slot, bulk->estate);
	ResetPerTupleExprContext(bulk->estate);
}
