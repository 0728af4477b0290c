/*
 * insert.h
 *	  Adding rows to any table through the executor.
 */
#ifndef CHATMIG_INSERT_H
#define CHATMIG_INSERT_H

#include "access/tupdesc.h"

typedef struct Insert Insert;

/*
 * Rows for one table. Keeps no lock between flushes but what the first INSERT
 * takes (RowExclusiveLock: others may read and write). Rows beyond work_mem
 * wait in a temporary file. Columns behind the first ncolumns get their
 * defaults: a user may have added some.
 */
extern Insert *chatmig_insert_begin(Oid relid, const char *qualified,
									int ncolumns);

/* Adds a row, which is copied: the table's first ncolumns, in their order. */
extern void chatmig_insert_put(Insert *insert, const Datum *values,
							   const bool *nulls);

/* Rows that wait. */
extern int64 chatmig_insert_waiting(const Insert *insert);

/* INSERTs what waits, in one statement. */
extern void chatmig_insert_flush(Insert *insert);

/* Flushes and frees. */
extern void chatmig_insert_end(Insert *insert);

#endif /* CHATMIG_INSERT_H */
