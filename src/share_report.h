/*
 * share_report.h
 *	  What a parallel worker says of its shares, once all their rows are sent.
 */
#ifndef CHATMIG_SHARE_REPORT_H
#define CHATMIG_SHARE_REPORT_H

#include "send.h"
#include "travel.h"

/*
 * What comes in a worker's queue: rows of a TargetTable, or this. A
 * conversation's row follows those of its messages and media.
 */
#define SHARE_REPORT NUM_TARGETS

/* rejects: of Reject *. Waits while the queue is full. */
extern void chatmig_share_report_send(SendQueue *queue,
									  const MigrateResult *result,
									  const List *rejects);

/*
 * Adds what a message of a report says; a report has several. At most
 * max_rejects rejects are kept. Copies are made in the current memory context.
 */
extern void chatmig_share_report_add(const void *message, Size length,
									 int64 max_rejects, MigrateResult *result,
									 List **rejects);

#endif /* CHATMIG_SHARE_REPORT_H */
