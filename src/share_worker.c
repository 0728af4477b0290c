/*
 * share_worker.c
 *	  What a parallel worker does: all but the writing, for a share of the rows.
 *
 * In: the migration's name, and the tables that the run has created. Out: rows
 * for these tables, in a queue, and a report. The server has given the process
 * the run's transaction, snapshot, role and settings. It makes the plan again,
 * as a plan is full of pointers.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "storage/proc.h"

#include "plan.h"
#include "share_report.h"
#include "share_worker.h"
#include "travel.h"

void
chatmig_share_worker(dsm_segment *segment, shm_toc *toc)
{
	ShareState *state = shm_toc_lookup(toc, SHARE_KEY_STATE, false);
	const char *name = shm_toc_lookup(toc, SHARE_KEY_NAME, false);
	shm_mq *mq =
		shm_toc_lookup(toc, SHARE_KEY_QUEUE + ParallelWorkerNumber, false);
	SendQueue queue = {.pages = shm_toc_lookup(toc, SHARE_KEY_PAGES, false)};
	MigrateResult result = {0};
	List *rejects = NIL;
	int share;

	shm_mq_set_sender(mq, MyProc);
	queue.handle = shm_mq_attach(mq, segment, NULL);
	while ((share = pg_atomic_fetch_add_u32(&state->next, 1)) < state->nshares)
	{
		MigrationPlan *plan =
			chatmig_plan_make_share(name, state->tables, share, state->nshares);

		rejects = list_concat(rejects, chatmig_travel(plan, WRITE_SEND, &queue,
													  &result, NULL, NULL));
	}
	chatmig_share_report_send(&queue, &result, rejects);
	shm_mq_detach(queue.handle);
}
