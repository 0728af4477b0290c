/*
 * bulk_page.c
 *	  The pages of a table that is being loaded, one after another.
 *
 * In: tuples, before they go in. Out: an empty page for table_multi_insert()
 * when the one before is full, which goes to full_page.c. A server that adds a
 * page writes zeros, and writes the page again with its rows. Here room for
 *many pages is taken on the disk at once (new_page.c); a page there is zeros in
 *a buffer, without reading it, and is written once.
 *
 * The server may store a long tuple's columns apart, and nobody knows what it
 * leaves: such a tuple gets a page with room for what it leaves at most. Where
 * that wastes too much, or a tuple takes more room than was counted (columns
 * that may not be stored apart), the server adds pages from then on, as ever,
 * behind all of these, so that rows stay in their order; in the second case,
 * pages that were ahead stay empty.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/hio.h"
#include "catalog/storage.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "bulk_page.h"
#include "new_page.h"

/* 1 MB; fewer while the table is small. */
#define MAX_NEW_PAGES 128

/* What may be wasted of all pages: one of so many, and these. */
#define WASTED_PART 32
#define WASTED_PAGES 4

struct BulkPages
{
	/* fixed */
	Relation rel;
	BulkInsertState state; /* borrowed */
	FullPages *full;       /* borrowed */
	Size reserve;          /* of each page, by its fillfactor */

	/* so far */
	BlockNumber next; /* that is empty */
	BlockNumber end;  /* of the file; unless the server adds pages */
	Size room;        /* in the open page */
	uint64 wasted;    /* of full pages, for tuples that may be shortened */
	bool is_over;     /* the server adds pages */
};

static Size room_for(const BulkPages *pages, HeapTuple tuple);
static bool may_change(HeapTuple tuple);
static void count(BulkPages *pages, HeapTuple tuple);
static bool is_wasteful(const BulkPages *pages);
static Size room_of_page(const BulkPages *pages);
static void open_page(BulkPages *pages);

BulkPages *
chatmig_bulk_page_begin(Relation rel, BulkInsertState state, FullPages *full)
{
	BulkPages *pages = palloc0(sizeof(BulkPages));

	Assert(!RelationUsesLocalBuffers(rel));
	pages->rel = rel;
	pages->state = state;
	pages->full = full;
	pages->reserve =
		RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
	pages->next = pages->end = RelationGetNumberOfBlocks(rel);
	return pages;
}

bool
chatmig_bulk_page_reserve(BulkPages *pages, HeapTuple tuple)
{
	if (!pages->is_over && room_for(pages, tuple) > pages->room)
		return false;
	count(pages, tuple);
	return true;
}

void
chatmig_bulk_page_refresh(BulkPages *pages)
{
	const Buffer buffer = pages->state->current_buf;
	Size room;

	if (pages->is_over)
		return;
	/* pinned, and nobody else writes to it */
	room = PageGetExactFreeSpace(BufferGetPage(buffer));
	pages->room = room > pages->reserve ? room - pages->reserve : 0;
	pages->is_over = BufferGetBlockNumber(buffer) != pages->next - 1;
}

void
chatmig_bulk_page_next(BulkPages *pages, HeapTuple tuple)
{
	if (may_change(tuple))
		pages->wasted += pages->room;
	if (pages->next == pages->end && is_wasteful(pages))
		pages->is_over = true;
	else
		open_page(pages);
	count(pages, tuple);
}

void
chatmig_bulk_page_end(BulkPages *pages)
{
	ReleaseBulkInsertStatePin(pages->state);
	if (!pages->is_over && pages->next < pages->end)
		RelationTruncate(pages->rel, pages->next);
	pfree(pages);
}

/* What a tuple needs in a page, at most. */
static Size
room_for(const BulkPages *pages, HeapTuple tuple)
{
	const Size shortened =
		Max(TOAST_TUPLE_THRESHOLD,
			RelationGetToastTupleTarget(pages->rel, TOAST_TUPLE_TARGET));
	Size length = tuple->t_len;

	if (HeapTupleHasExternal(tuple))
		length = shortened; /* what is elsewhere is fetched first */
	else if (may_change(tuple))
		length = Min(length, shortened);
	return MAXALIGN(length) + sizeof(ItemIdData);
}

/* Whether columns of it may be compressed or stored apart, as it goes in. */
static bool
may_change(HeapTuple tuple)
{
	return tuple->t_len > TOAST_TUPLE_THRESHOLD || HeapTupleHasExternal(tuple);
}

/* Nothing goes behind a tuple before it is known what it has taken. */
static void
count(BulkPages *pages, HeapTuple tuple)
{
	const Size need = room_for(pages, tuple);

	pages->room =
		may_change(tuple) || need > pages->room ? 0 : pages->room - need;
}

static bool
is_wasteful(const BulkPages *pages)
{
	const uint64 few = pages->end / WASTED_PART + WASTED_PAGES;

	return pages->wasted > few * room_of_page(pages);
}

static Size
room_of_page(const BulkPages *pages)
{
	return BLCKSZ - SizeOfPageHeaderData - pages->reserve;
}

static void
open_page(BulkPages *pages)
{
	BulkInsertState state = pages->state;

	if (pages->next == pages->end)
		pages->end += chatmig_new_page_add(
			pages->rel, pages->end, Min(Max(pages->end, 1), MAX_NEW_PAGES));
	if (state->current_buf != InvalidBuffer)
		chatmig_full_page_add(pages->full, pages->rel, state->current_buf);
	ReleaseBulkInsertStatePin(state);
	state->current_buf =
		ReadBufferExtended(pages->rel, MAIN_FORKNUM, pages->next++,
						   RBM_ZERO_AND_LOCK, state->strategy);
	LockBuffer(state->current_buf, BUFFER_LOCK_UNLOCK);
	pages->room = room_of_page(pages);
}
