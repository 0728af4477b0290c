/*
 * validate_summary_sql.h
 *	  What a summary asks the server.
 *
 * Queries, palloc'd, each of one row of bigints, which are the members of a
 * struct in their order; NULL is the sum of nothing. Of sums of hashes the
 * lower 63 bits count: sum() makes a numeric, whose remainder has a sign.
 * "Old" is what is older than `until`, a time as a literal.
 */
#ifndef CHATMIG_VALIDATE_SUMMARY_SQL_H
#define CHATMIG_VALIDATE_SUMMARY_SQL_H

#include "plan.h"

/* The legacy rows. */
typedef struct LegacySums
{
	int64 all;      /* rows of any kind */
	int64 untraced; /* that hold no message, or are not old */
	int64 rows;     /* old ones that hold messages; what follows is of these */
	int64 row_hash; /* their keys, fingerprints, and ids of messages */
	int64 messages;
	int64 contents; /* of the messages, their ids and groups among them */
} LegacySums;

typedef struct TraceSums
{
	int64 rows;
	int64 row_hash; /* as of legacy rows */
	int64 messages;
	int64 places; /* which conversation a message is in */
	int64 odd;    /* rows that can be of no legacy row */
} TraceSums;

/* The old conversations. */
typedef struct ConversationSums
{
	int64 conversations;
	int64 hash; /* their ids */
} ConversationSums;

extern char *chatmig_validate_summary_legacy(const MigrationPlan *plan,
											 const char *until);
extern char *chatmig_validate_summary_trace(const MigrationPlan *plan);
extern char *chatmig_validate_summary_conversations(const MigrationPlan *plan,
													const char *until);

/* Returns a Summary, as a bytea. */
extern char *chatmig_validate_summary_messages(const MigrationPlan *plan,
											   const char *until);

/*
 * The messages at joints: $1 uuid[] are their conversations, $2 bigint[] their
 * positions. A row for each message there, or at the position before: which
 * joint (from 1 on), position, time, hash of the id.
 */
extern char *chatmig_validate_summary_joints(const MigrationPlan *plan);

/* A condition on legacy rows s: they are those of LegacySums.untraced. */
extern char *chatmig_validate_summary_untraced(const MigrationPlan *plan,
											   const char *until);

#endif /* CHATMIG_VALIDATE_SUMMARY_SQL_H */
