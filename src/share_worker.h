/*
 * share_worker.h
 *	  What a parallel worker is given, and does.
 */
#ifndef CHATMIG_SHARE_WORKER_H
#define CHATMIG_SHARE_WORKER_H

#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/shm_toc.h"

#include "ledger.h"

/* The function's name, for CreateParallelContext(). */
#define SHARE_LIBRARY "$libdir/chatmig"
#define SHARE_FUNCTION "chatmig_share_worker"

/* Keys of what is in the shared memory segment. */
#define SHARE_KEY_STATE 1
#define SHARE_KEY_NAME 2 /* the migration's, as a string */

#define SHARE_KEY_PAGES 3 /* full ones, for the workers to write */

#define SHARE_KEY_QUEUE 4 /* the first worker's; then those of the others */

/* Should a worker not start, another one takes its share. */
typedef struct ShareState
{
	int nshares;
	pg_atomic_uint32 next; /* share to be taken, up to nshares */
	Oid tables[NUM_TARGETS];
} ShareState;

/*
 * Takes shares while there are any: reads their rows, forms those of the
 * tables, and sends them; in the end, a report (see share_report.h). Called by
 * the server.
 */
extern PGDLLEXPORT void chatmig_share_worker(dsm_segment *segment,
											 shm_toc *toc);

#endif /* CHATMIG_SHARE_WORKER_H */
