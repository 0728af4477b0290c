/*
 * bulk_page.h
 *	  The pages of a table that is being loaded, one after another.
 */
#ifndef CHATMIG_BULK_PAGE_H
#define CHATMIG_BULK_PAGE_H

#include "access/heapam.h"

#include "full_page.h"

typedef struct BulkPages BulkPages;

/*
 * For a heap that this transaction has created, and into which nothing but
 * table_multi_insert() with that state puts rows until chatmig_bulk_page_end().
 * The caller is in parallel mode, so that no command can, and runs none between
 * its end and that call. All memory is in the current context.
 */
extern BulkPages *chatmig_bulk_page_begin(Relation rel, BulkInsertState state,
										  FullPages *full);

/*
 * Counts a tuple that is to go to the open page, behind those counted before.
 * False if that page may have no room for it.
 */
extern bool chatmig_bulk_page_reserve(BulkPages *pages, HeapTuple tuple);

/*
 * Opens the next page, or leaves that to the server from now on, and counts
 * this tuple; all that was counted before is in. 53100 if the disk is full.
 */
extern void chatmig_bulk_page_next(BulkPages *pages, HeapTuple tuple);

/* After table_multi_insert(): reads from the open page what room it has. */
extern void chatmig_bulk_page_refresh(BulkPages *pages);

/*
 * Cuts off pages at the end that were not needed, as VACUUM does. Not in
 * parallel mode.
 */
extern void chatmig_bulk_page_end(BulkPages *pages);

#endif /* CHATMIG_BULK_PAGE_H */
