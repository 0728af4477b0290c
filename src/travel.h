/*
 * travel.h
 *	  The way of the rows: read -> split -> group -> write.
 */
#ifndef CHATMIG_TRAVEL_H
#define CHATMIG_TRAVEL_H

#include "plan.h"
#include "rows.h"
#include "send.h"
#include "write_mode.h"

/* Rejected rows, and messages in rows, with one code. */
typedef struct RejectSummary
{
	const char *code;
	int64 number;
	char *first_key; /* as text */
	char *first_reason;
} RejectSummary;

/* What a run did, or would do. */
typedef struct MigrateResult
{
	RunCounts counts;
	int64 nrejects;      /* rejected rows, and messages of other rows */
	List *rejects;       /* of RejectSummary *, a code each */
	int64 content_bytes; /* of all new messages, as stored */
} MigrateResult;

/* A message as it would be written; false ends the run. */
typedef bool (*MigrateShow)(const MigrationPlan *plan,
							const Conversation *conversation,
							const Message *message, const LegacyRow *row,
							void *state);

/*
 * Sends the plan's rows that way, as the current role, under the active
 * snapshot, and adds to *result. queue is for WRITE_SEND, show may be NULL.
 * Returns the rejected rows, a List of Reject *, max_rejects of them at most.
 */
extern List *chatmig_travel(const MigrationPlan *plan, WriteMode mode,
							SendQueue *queue, MigrateResult *result,
							MigrateShow show, void *show_state);

#endif /* CHATMIG_TRAVEL_H */
