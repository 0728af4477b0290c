/*
 * bulk.h
 *	  Loading a table that this transaction has created.
 */
#ifndef CHATMIG_BULK_H
#define CHATMIG_BULK_H

#include "access/tupdesc.h"

typedef struct Bulk Bulk;

/*
 * Opens a plain table that has no index, trigger or constraint yet. Nobody
 * else can see it, so RowExclusiveLock waits for nobody. The caller has a
 * transaction id. All memory is in the current context.
 */
extern Bulk *chatmig_bulk_begin(Oid relid);

/* Adds a row, which is copied. All the table's columns, in their order. */
extern void chatmig_bulk_put(Bulk *bulk, Datum *values, bool *nulls);

/* Writes what waits. */
extern void chatmig_bulk_flush(Bulk *bulk);

/* Writes what is left and closes the table. */
extern void chatmig_bulk_end(Bulk *bulk);

#endif /* CHATMIG_BULK_H */
