/*
 * write.h
 *	  conversations and messages --write--> the target tables and the trace
 */
#ifndef CHATMIG_WRITE_H
#define CHATMIG_WRITE_H

#include "plan.h"
#include "rows.h"
#include "send.h"
#include "write_mode.h"

/*
 * The plan's tables exist, unless nothing is written. Counts what is written
 * in *counts. Everything is allocated below the current memory context. queue
 * is for WRITE_SEND.
 */
extern Writer *chatmig_write_begin(const MigrationPlan *plan, WriteMode mode,
								   SendQueue *queue, RunCounts *counts);

/* Begins a conversation with its first new row, or goes on with one. */
extern void chatmig_write_open(Writer *writer, Conversation *conversation,
							   const LegacyRow *row, const SplitRow *split);

/* Writes a row's messages, its medium and its trace; gives messages ids. */
extern void chatmig_write_row(Writer *writer, Conversation *conversation,
							  const LegacyRow *row, SplitRow *split);

/* Ends the open conversation: its times are known now. */
extern void chatmig_write_close(Writer *writer, Conversation *conversation);

/* Writes what waits, so that a query with a new snapshot sees it. */
extern void chatmig_write_flush(Writer *writer);

/* Writes a conversation without messages, for the row's owner. */
extern void chatmig_write_without_messages(Writer *writer,
										   const LegacyRow *row);

/* Writes what is left, and lets go of the tables. */
extern void chatmig_write_end(Writer *writer);

/*
 * For an error's context. Rows are inserted some time after they were written:
 * while that happens, says of which legacy rows they are, and returns true.
 */
extern bool chatmig_write_describe(const Writer *writer);

#endif /* CHATMIG_WRITE_H */
