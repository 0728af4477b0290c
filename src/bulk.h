/*
 * bulk.h
 *	  Loading a table that this transaction has created.
 */
#ifndef CHATMIG_BULK_H
#define CHATMIG_BULK_H

#include "access/htup.h"

#include "full_page.h"

typedef struct Bulk Bulk;

/*
 * Opens a heap that this transaction has created, and that was empty when its
 * indexes and foreign keys were made. Nobody else can see it, so
 * RowExclusiveLock waits for nobody. The caller has a transaction id, rebuilds
 * the indexes afterwards, and answers for the foreign keys. All memory is in
 * the current context.
 */
extern Bulk *chatmig_bulk_begin(Oid relid);

/*
 * Adds a row, which is copied. All the table's columns, in their order. Errors
 * if it violates NOT NULL or a check (23502, 23514).
 */
extern void chatmig_bulk_put(Bulk *bulk, const Datum *values,
							 const bool *nulls);

/* Adds a row that was checked where it was formed (see row_check.h). Copied. */
extern void chatmig_bulk_put_checked(Bulk *bulk, MinimalTuple tuple);

/*
 * From now on pages are added by bulk_page.c, and full ones are for others to
 * write. The caller is in parallel mode until all rows are put, and runs no
 * command before chatmig_bulk_end(); full is used in parallel mode alone.
 */
extern void chatmig_bulk_share_pages(Bulk *bulk, FullPages *full);

/* Writes what waits. */
extern void chatmig_bulk_flush(Bulk *bulk);

/* Writes what is left and closes the table. */
extern void chatmig_bulk_end(Bulk *bulk);

#endif /* CHATMIG_BULK_H */
