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
#include "utils/rel.h"

#include "row_check.h"
#include "send.h"

struct Sender
{
	Relation rel;
	RowCheck *check;
	shm_mq_handle *queue;
	int kind;
};

Sender *
chatmig_send_begin(Oid relid, shm_mq_handle *queue, int kind)
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
chatmig_send(shm_mq_handle *queue, int kind, const void *data, Size length)
{
	SendHeader header = {.kind = kind};
	shm_mq_iovec parts[] = {{(const char *) &header, sizeof(header)},
							{data, length}};

	/* detached: that process has failed, and is about to end this one */
	if (shm_mq_sendv(queue, parts, lengthof(parts), false, false) ==
		SHM_MQ_DETACHED)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("the process that writes the rows has gone")));
}
