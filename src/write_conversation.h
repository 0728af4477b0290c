/*
 * write_conversation.h
 *	  Rows of the conversations' table.
 */
#ifndef CHATMIG_WRITE_CONVERSATION_H
#define CHATMIG_WRITE_CONVERSATION_H

#include "writer.h"

/*
 * Names a new conversation, with its first row; or finds that it is one which
 * an earlier run made for its owner, who had no messages then.
 */
extern void chatmig_write_conversation_begin(Writer *writer,
											 Conversation *conversation,
											 const LegacyRow *row,
											 Value first_message);

/* A new conversation without messages, for the row's owner. */
extern void chatmig_write_conversation_empty(Writer *writer,
											 const LegacyRow *row);

/*
 * Where conversations without messages have been deleted since: their owners
 * may get another one.
 */
extern void chatmig_write_conversation_forget(const MigrationPlan *plan);

/* A row for a new conversation. */
extern void chatmig_write_conversation_row(Writer *writer,
										   const Conversation *conversation);

/* An existing conversation begins earlier, or ends later, than it did. */
extern void chatmig_write_conversation_widen(Writer *writer,
											 const Conversation *conversation);

/*
 * Whether a run that writes nothing would have made a conversation for the
 * owner, given as text. Only where the plan has links.
 */
extern bool chatmig_write_conversation_seen(const Writer *writer,
											const char *owner);

#endif /* CHATMIG_WRITE_CONVERSATION_H */
