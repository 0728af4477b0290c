/*
 * reindex.h
 *	  Indexes of new tables, built after the load, several side by side.
 */
#ifndef CHATMIG_REINDEX_H
#define CHATMIG_REINDEX_H

#include "nodes/pg_list.h"
#include "storage/dsm.h"
#include "storage/shm_toc.h"

/* What this process does while the others have begun; not in a worker. */
typedef void (*ReindexMeanwhile)(void *state);

/*
 * The same as REINDEX TABLE for each of the tables, a List of Oid: all of their
 * indexes anew, and 23505 where a unique key is there twice. Where the server
 * would give a B-tree parallel workers, each process builds whole ones, with
 * its part of maintenance_work_mem; how large they are is for ANALYZE to find
 * out. Calls meanwhile once, with workers or without, with a snapshot of now as
 * the active one: in parallel mode it may read, and no more.
 *
 * This transaction must have created the tables, and the current role owns
 * them. ShareLock on the tables, AccessExclusiveLock on the indexes, to the end
 * of the transaction: nobody else can see them before.
 */
extern void chatmig_reindex(const List *tables, ReindexMeanwhile meanwhile,
							void *state);

/* Builds what is not taken yet. Called by the server, in a parallel worker. */
extern PGDLLEXPORT void chatmig_reindex_worker(dsm_segment *segment,
											   shm_toc *toc);

#endif /* CHATMIG_REINDEX_H */
