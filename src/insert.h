/*
 * insert.h
 *	  Adding rows to any table through the executor.
 */
#ifndef CHATMIG_INSERT_H
#define CHATMIG_INSERT_H

#include "access/tupdesc.h"

typedef struct Insert Insert;

/* What the statement calls the rows. */
#define INSERT_ROWS "chatmig_rows"

/*
 * Rows for one table, and the statement that puts them there: it reads
 * INSERT_ROWS, which has the columns of desc. Keeps no lock between flushes but
 * what the first statement takes (RowExclusiveLock: others may read and write).
 * Rows beyond work_mem wait in a temporary file. desc, the name and the
 * statement must outlive it.
 */
extern Insert *chatmig_insert_begin(const char *qualified, TupleDesc desc,
									const char *sql);

/* Adds a row, which is copied: the columns of desc, in their order. */
extern void chatmig_insert_put(Insert *insert, const Datum *values,
							   const bool *nulls);

/* Rows that wait. */
extern int64 chatmig_insert_waiting(const Insert *insert);

/* Puts what waits into the table, in one statement. */
extern void chatmig_insert_flush(Insert *insert);

/* Flushes and frees. */
extern void chatmig_insert_end(Insert *insert);

#endif /* CHATMIG_INSERT_H */
