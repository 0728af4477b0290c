/*
 * pages.h
 *	  Pages of a new table, filled in memory and written once.
 */
#ifndef CHATMIG_PAGES_H
#define CHATMIG_PAGES_H

#include "utils/rel.h"

typedef struct Pages Pages;

/*
 * Whether a table can be loaded so: not if its rows are decoded from the WAL,
 * one by one, for a subscriber.
 */
extern bool chatmig_pages_possible(Relation rel);

/*
 * The relation is a heap that this transaction has created, and stays open.
 * The caller has a transaction id. Allocates in the current context.
 */
extern Pages *chatmig_pages_begin(Relation rel);

/*
 * Adds a row. What is formed on the way there is left in the current memory
 * context, and not needed any more.
 */
extern void chatmig_pages_put(Pages *pages, Datum *values, bool *nulls);

/* Writes what waits; from the next command on it can be read. */
extern void chatmig_pages_flush(Pages *pages);

#endif /* CHATMIG_PAGES_H */
