/*
 * send.h
 *	  Rows for tables, to the process that writes them.
 */
#ifndef CHATMIG_SEND_H
#define CHATMIG_SEND_H

#include "access/htup.h"
#include "storage/shm_mq.h"

typedef struct Sender Sender;

/* A message: whatever follows is aligned for a tuple. */
typedef struct SendHeader
{
	int64 kind; /* a table, as the sender was told; or what else both sides
				 * have agreed upon */
} SendHeader;

/*
 * Opens a table; the leader has locked it. All memory is in the current
 * context.
 */
extern Sender *chatmig_send_begin(Oid relid, shm_mq_handle *queue, int kind);

/*
 * Sends a row, as a MinimalTuple: all the table's columns, in their order.
 * Waits while the queue is full. Errors if the row violates NOT NULL or a check
 * (23502, 23514).
 */
extern void chatmig_send_put(Sender *sender, const Datum *values,
							 const bool *nulls);

/* Closes the table; the queue stays. */
extern void chatmig_send_end(Sender *sender);

/* Sends anything. */
extern void chatmig_send(shm_mq_handle *queue, int kind, const void *data,
						 Size length);

#endif /* CHATMIG_SEND_H */
