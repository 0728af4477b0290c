/*
 * place.h
 *	  Places for messages in conversations that exist.
 *
 * All that waits to be written into the conversation must have been written.
 */
#ifndef CHATMIG_PLACE_H
#define CHATMIG_PLACE_H

#include "plan.h"

/*
 * The position behind all messages of a conversation, be they from an earlier
 * run or the application's. Locks its row to the end of the transaction, so
 * that whoever adds a message and moves updated_at, as a run does, waits.
 * Error: 22003 if there is none left.
 */
extern int32 chatmig_place_behind(const MigrationPlan *plan,
								  Datum conversation);

/* Moves the messages from a position on up, by so many places. */
extern void chatmig_place_before(const MigrationPlan *plan, Datum conversation,
								 int32 position, int count);

#endif /* CHATMIG_PLACE_H */
