/*
 * send.h
 *	  Rows for tables, to the process that writes them.
 */
#ifndef CHATMIG_SEND_H
#define CHATMIG_SEND_H

#include "access/htup.h"
#include "storage/shm_mq.h"

#include "full_page.h"

typedef struct Sender Sender;

/* A message: whatever follows is aligned for a tuple. */
typedef struct SendHeader
{
	int64 kind; /* a table, as the sender was told; or what else both sides
				 * have agreed upon */
} SendHeader;

/* Where rows go, and what the process that takes them leaves to others. */
typedef struct SendQueue
{
	shm_mq_handle *handle;
	FullPages *pages; /* to be written while the queue is full */
} SendQueue;

/*
 * Opens a table; the leader has locked it. All memory is in the current
 * context.
 */
extern Sender *chatmig_send_begin(Oid relid, SendQueue *queue, int kind);

/*
 * Sends a row, as a MinimalTuple: all the table's columns, in their order.
 * While the queue is full, writes full pages, or waits. Errors if the row
 * violates NOT NULL or a check (23502, 23514).
 */
extern void chatmig_send_put(Sender *sender, const Datum *values,
							 const bool *nulls);

/* Closes the table; the queue stays. */
extern void chatmig_send_end(Sender *sender);

/* Sends anything. */
extern void chatmig_send(SendQueue *queue, int kind, const void *data,
						 Size length);

#endif /* CHATMIG_SEND_H */
