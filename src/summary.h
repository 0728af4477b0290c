/*
 * summary.h
 *	  All messages of a table as a few numbers.
 *
 * What the aggregate chatmig_summary() returns, as it lies in memory, in a
 * bytea. Only validate reads it, in the statement's own process.
 */
#ifndef CHATMIG_SUMMARY_H
#define CHATMIG_SUMMARY_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* At most so many things that have to be looked up. */
#define MAX_SUMMARY_LOOKUPS 10000

/*
 * A message that does not lie behind its predecessor: another process has read
 * that one, or one of the two has been written again since.
 */
typedef struct SummaryJoint
{
	pg_uuid_t conversation;
	int64 position; /* 1 or more */
	TimestampTz time;
	TimestampTz ends; /* of the conversation: updated_at */
	int64 answered;   /* hash of the id of the message that it answers, or 0 */
	bool reaches_end; /* a message from here on was counted in `ends` */
} SummaryJoint;

/*
 * "Old" is what is older than the time that was given. Sums of hashes are those
 * of 64 bits, without what is carried beyond.
 */
typedef struct Summary
{
	bool is_odd;     /* something is NULL, or not in order, or too much */
	int64 messages;  /* old ones */
	uint64 contents; /* their contents */
	uint64 places;   /* their ids, and the conversations that they are in */
	int64 begins;    /* old ones at position 0 */
	uint64 begun;    /* their conversations */
	int64 ends;      /* conversations of old messages that end with one, or are
					  * younger; one more for a joint between two such */
	int njoints;
	int nties;
} Summary;

/* What follows it: njoints of these, ... */
static inline SummaryJoint *
chatmig_summary_joints(Summary *summary)
{
	return (SummaryJoint *) (summary + 1);
}

/*
 * ... and nties conversations in which messages of one time may be of different
 * legacy rows; some more than once.
 */
static inline pg_uuid_t *
chatmig_summary_ties(Summary *summary)
{
	return (pg_uuid_t *) (chatmig_summary_joints(summary) + summary->njoints);
}

#endif /* CHATMIG_SUMMARY_H */
