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
#include "executor/tuptable.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "bulk.h"
#include "bulk_page.h"
#include "row_check.h"

/* The limits of COPY, for the same reasons. */
#define MAX_BUFFERED_ROWS 1000
#define MAX_BUFFERED_BYTES 65535

struct Bulk
{
	/* fixed */
	Relation rel;
	BulkInsertState bistate;
	CommandId cid;
	int options; /* of table_multi_insert */
	RowCheck *check;
	BulkPages *pages; /* NULL: the server adds pages */

	/* per batch */
	MemoryContext batch_context; /* what the table AM leaves behind */
	TupleTableSlot *slots[MAX_BUFFERED_ROWS]; /* each owns its tuple */
	int nslots;                               /* made so far */
	int nrows;
	Size bytes;
};

static void add(Bulk *bulk, HeapTuple tuple);
static void make_room(Bulk *bulk, HeapTuple tuple);
static MemoryContext keep(const Bulk *bulk);

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
	bulk->check = chatmig_row_check_begin(bulk->rel);
	bulk->batch_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig bulk batch", ALLOCSET_DEFAULT_SIZES);
	return bulk;
}

void
chatmig_bulk_share_pages(Bulk *bulk, FullPages *full)
{
	bulk->pages = chatmig_bulk_page_begin(bulk->rel, bulk->bistate, full);
}

void
chatmig_bulk_put(Bulk *bulk, const Datum *values, const bool *nulls)
{
	MemoryContext old;

	chatmig_row_check(bulk->check, values, nulls);
	old = keep(bulk);
	add(bulk, heap_form_tuple(RelationGetDescr(bulk->rel),
							  unconstify(Datum *, values),
							  unconstify(bool *, nulls)));
	MemoryContextSwitchTo(old);
}

void
chatmig_bulk_put_checked(Bulk *bulk, MinimalTuple tuple)
{
	MemoryContext old = keep(bulk);

	add(bulk, heap_tuple_from_minimal_tuple(tuple));
	MemoryContextSwitchTo(old);
}

void
chatmig_bulk_end(Bulk *bulk)
{
	chatmig_bulk_flush(bulk);
	if (bulk->pages != NULL)
		chatmig_bulk_page_end(bulk->pages);
	for (int i = 0; i < bulk->nslots; i++)
		ExecDropSingleTupleTableSlot(bulk->slots[i]);
	chatmig_row_check_end(bulk->check);
	FreeBulkInsertState(bulk->bistate);
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
	if (bulk->pages != NULL)
		chatmig_bulk_page_refresh(bulk->pages);
	for (int i = 0; i < bulk->nrows; i++)
		ExecClearTuple(bulk->slots[i]);
	bulk->nrows = 0;
	bulk->bytes = 0;
}

/* The tuple is the bulk's from here on. */
static void
add(Bulk *bulk, HeapTuple tuple)
{
	if (bulk->pages != NULL)
		make_room(bulk, tuple);
	if (bulk->nrows == bulk->nslots)
		bulk->slots[bulk->nslots++] = MakeSingleTupleTableSlot(
			RelationGetDescr(bulk->rel), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(tuple, bulk->slots[bulk->nrows++], true);
	bulk->bytes += tuple->t_len;
	if (bulk->nrows == MAX_BUFFERED_ROWS || bulk->bytes >= MAX_BUFFERED_BYTES)
		chatmig_bulk_flush(bulk);
}

/* In the open page, or else in a new one. */
static void
make_room(Bulk *bulk, HeapTuple tuple)
{
	if (chatmig_bulk_page_reserve(bulk->pages, tuple))
		return;
	chatmig_bulk_flush(bulk);
	if (!chatmig_bulk_page_reserve(bulk->pages, tuple))
		chatmig_bulk_page_next(bulk->pages, tuple);
}

/* What waits outlives the row it came from. */
static MemoryContext
keep(const Bulk *bulk)
{
	return MemoryContextSwitchTo(GetMemoryChunkContext((void *) bulk));
}
