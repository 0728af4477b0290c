/*
 * send.c
 *	  Rows for tables, to the process that writes them.
 *
 * In: formed rows. Out: the same rows as minimal tuples in a queue, as the
 * server's own parallel workers send theirs (executor/tqueue.c). One queue
 * takes the rows of all tables, so that they arrive in the order in which they
 * were formed. Long values that lie in the legacy table's TOAST table go as
 * pointers.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/rel.h"

#include "compat.h"
#include "row_check.h"
#include "send.h"

struct Sender
{
	Relation rel;
	RowCheck *check;
	SendQueue *queue;
	int kind;
};

static void wait_for_room(void);

Sender *
chatmig_send_begin(Oid relid, SendQueue *queue, int kind)
{
	Sender *sender = palloc0(sizeof(Sender));

	sender->rel = table_open(relid, AccessShareLock);
	sender->check = chatmig_row_check_begin(sender->rel);
	sender->queue = queue;
	sender->kind = kind;
	return sender;
}

void
chatmig_send_put(Sender *sender, const Datum *values, const bool *nulls)
{
	MinimalTuple tuple;

	chatmig_row_check(sender->check, values, nulls);
	tuple = heap_form_minimal_tuple(RelationGetDescr(sender->rel),
									unconstify(Datum *, values),
									unconstify(bool *, nulls));
	chatmig_send(sender->queue, sender->kind, tuple, tuple->t_len);
	heap_free_minimal_tuple(tuple);
}

void
chatmig_send_end(Sender *sender)
{
	chatmig_row_check_end(sender->check);
	table_close(sender->rel, AccessShareLock);
}

void
chatmig_send(SendQueue *queue, int kind, const void *data, Size length)
{
	SendHeader header = {.kind = kind};
	shm_mq_iovec parts[] = {{(const char *) &header, sizeof(header)},
							{data, length}};
	shm_mq_result sent;

	while ((sent = shm_mq_sendv(queue->handle, parts, lengthof(parts), true,
								false)) == SHM_MQ_WOULD_BLOCK)
	{
		if (!chatmig_full_page_write(queue->pages))
			wait_for_room();
		CHECK_FOR_INTERRUPTS();
	}
	/* detached: that process has failed, and is about to end this one */
	if (sent == SHM_MQ_DETACHED)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("the process that writes the rows has gone")));
}

/* Until the latch is set: by the reader, or by anything else. */
static void
wait_for_room(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0,
					 WAIT_EVENT_MESSAGE_QUEUE_SEND);
	ResetLatch(MyLatch);
}
