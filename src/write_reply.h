/*
 * write_reply.h
 *	  Messages reply to those of the legacy row that theirs names.
 */
#ifndef CHATMIG_WRITE_REPLY_H
#define CHATMIG_WRITE_REPLY_H

#include "plan.h"

/*
 * Where the mapping has a reply_to: lets the first message of each traced row
 * that names another one reply to the last message of that row, unless it
 * replies already. A row that names none, itself, or one without messages
 * leaves its message as it is. The trace and its key must be there.
 */
extern void chatmig_write_replies(const MigrationPlan *plan);

#endif /* CHATMIG_WRITE_REPLY_H */
