/*
 * pages.c
 *	  Pages of a new table, filled in memory and written once.
 *
 * In: rows. Out: the same rows at the end of the table's file, and in the WAL,
 * 32 pages at a time. That is how the server itself writes a table anew (VACUUM
 * FULL and CLUSTER, access/heap/rewriteheap.c) and builds an index. A page does
 * not go through shared buffers, where it would be written as zeros, filled,
 * and written again when its buffer is needed.
 *
 * No other transaction can see the table. Should this one add rows by another
 * way meanwhile, from a function that a view calls, those go to pages of their
 * own: ours are numbered when they are written.
 *
 * Rows are frozen, as COPY FREEZE writes them, and pages all-visible: whoever
 * reads the table first would write it once more, with hints, and VACUUM a
 * third time. The table appears with the commit, and so do its rows; a
 * transaction that began before and looks up the table's name only then would
 * otherwise find it empty, and finds the rows.
 *
 * A crash: the file counts only once the transaction has committed, and then
 * the WAL holds every page. A checkpoint in between must not forget a page
 * whose record lies before its redo point. So a page is first written, which
 * also tells the checkpointer to sync the file, and logged after that. The page
 * in the file is without an LSN, which makes the next change of it write a full
 * page into the WAL, nothing else.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "pgstat.h"
#include "storage/bufpage.h"
#include "storage/smgr.h"
#include "utils/rel.h"

#include "pages.h"

/* As many as a WAL record can hold. */
#define MAX_PAGES XLR_MAX_BLOCK_ID

struct Pages
{
	/* fixed */
	Relation rel;
	TransactionId xid;
	CommandId cid;

	/* those that wait */
	int n;    /* the last of them is being filled */
	int rows; /* in all of them */
	char *pages[MAX_PAGES];
};

static HeapTuple form(Pages *pages, Datum *values, bool *nulls);
static Page page_with_room(Pages *pages, Size length);
static void number_rows(Page page, BlockNumber block);

bool
chatmig_pages_possible(Relation rel)
{
	return !RelationIsLogicallyLogged(rel);
}

Pages *
chatmig_pages_begin(Relation rel)
{
	Pages *pages = palloc0(sizeof(Pages));

	pages->rel = rel;
	pages->xid = GetCurrentTransactionId();
	pages->cid = GetCurrentCommandId(true);
	for (int i = 0; i < MAX_PAGES; i++)
		pages->pages[i] = palloc(BLCKSZ);
	return pages;
}

void
chatmig_pages_put(Pages *pages, Datum *values, bool *nulls)
{
	HeapTuple tuple = form(pages, values, nulls);
	Page page = page_with_room(pages, tuple->t_len);

	if (PageAddItem(page, (Item) tuple->t_data, tuple->t_len,
					InvalidOffsetNumber, false, true) == InvalidOffsetNumber)
		elog(ERROR, "failed to add a row to a page");
	pages->rows++;
}

void
chatmig_pages_flush(Pages *pages)
{
	SMgrRelation smgr = RelationGetSmgr(pages->rel);
	BlockNumber first = smgrnblocks(smgr, MAIN_FORKNUM);
	BlockNumber blocks[MAX_PAGES];

	if (pages->n == 0)
		return;
	for (int i = 0; i < pages->n; i++)
	{
		Page page = (Page) pages->pages[i];

		blocks[i] = first + i;
		number_rows(page, blocks[i]);
		PageSetChecksumInplace(page, blocks[i]);
		smgrextend(smgr, MAIN_FORKNUM, blocks[i], page, false);
	}
	if (RelationNeedsWAL(pages->rel))
		log_newpages(&pages->rel->rd_node, MAIN_FORKNUM, pages->n, blocks,
					 pages->pages, true);
	pgstat_count_heap_insert(pages->rel, pages->rows);
	pages->n = 0;
	pages->rows = 0;
}

/* As heap_insert() would write it, being told to freeze it. */
static HeapTuple
form(Pages *pages, Datum *values, bool *nulls)
{
	HeapTuple tuple =
		heap_form_tuple(RelationGetDescr(pages->rel), values, nulls);
	HeapTupleHeader header;

	if (HeapTupleHasExternal(tuple) || tuple->t_len > TOAST_TUPLE_THRESHOLD)
		tuple = heap_toast_insert_or_update(
			pages->rel, tuple, NULL, HEAP_INSERT_SKIP_FSM | HEAP_INSERT_FROZEN);
	if (MAXALIGN(tuple->t_len) > MaxHeapTupleSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("row is too big: size %zu, maximum size %zu",
							   (Size) tuple->t_len, (Size) MaxHeapTupleSize),
						errhint("Leave out columns with mapping => '{\"keep\": "
								"[...]}', or register a view without them.")));
	header = tuple->t_data;
	header->t_infomask &= ~HEAP_XACT_MASK;
	header->t_infomask2 &= ~HEAP2_XACT_MASK;
	header->t_infomask |= HEAP_XMAX_INVALID;
	HeapTupleHeaderSetXmin(header, pages->xid);
	HeapTupleHeaderSetXminFrozen(header);
	HeapTupleHeaderSetCmin(header, pages->cid);
	HeapTupleHeaderSetXmax(header, InvalidTransactionId);
	return tuple;
}

static Page
page_with_room(Pages *pages, Size length)
{
	Page page;

	if (pages->n > 0)
	{
		page = (Page) pages->pages[pages->n - 1];
		if (PageGetHeapFreeSpace(page) >= MAXALIGN(length))
			return page;
		if (pages->n == MAX_PAGES)
			chatmig_pages_flush(pages);
	}
	page = (Page) pages->pages[pages->n++];
	PageInit(page, BLCKSZ, 0);
	PageSetAllVisible(page);
	return page;
}

/* A row's t_ctid points to itself: there is no newer version of it. */
static void
number_rows(Page page, BlockNumber block)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		HeapTupleHeader header =
			(HeapTupleHeader) PageGetItem(page, PageGetItemId(page, i));

		ItemPointerSet(&header->t_ctid, block, i);
	}
}
