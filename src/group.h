/*
 * group.h
 *	  messages --group--> conversation and position
 */
#ifndef CHATMIG_GROUP_H
#define CHATMIG_GROUP_H

#include "plan.h"
#include "rows.h"

typedef struct GroupState GroupState;

/*
 * Starts with no conversation open. Everything is allocated in the current
 * memory context; at most one group key is held.
 */
extern GroupState *chatmig_group_begin(const MigrationPlan *plan);

/* The open conversation, or NULL. Borrowed; group changes it in place. */
extern Conversation *chatmig_group_current(GroupState *state);

/*
 * Whether the row goes into the open conversation. If not, the caller closes
 * that one and opens another.
 */
extern bool chatmig_group_continues(GroupState *state, const LegacyRow *row);

/* Opens the conversation that the row begins or joins; it has no id if new. */
extern Conversation *chatmig_group_open(GroupState *state,
										const LegacyRow *row);

/* Gives the row's messages their places, and the conversation its times. */
extern void chatmig_group_place(GroupState *state, const LegacyRow *row,
								SplitRow *split);

#endif /* CHATMIG_GROUP_H */
