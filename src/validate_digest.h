/*
 * validate_digest.h
 *	  Both sides of a migration as numbers that must be the same.
 */
#ifndef CHATMIG_VALIDATE_DIGEST_H
#define CHATMIG_VALIDATE_DIGEST_H

#include "plan.h"

/* The columns. */
typedef enum DigestColumn
{
	DIGEST_ID = 1,      /* the conversation's; NULL: the row is in no trace */
	DIGEST_NAMED,       /* int: how many messages the trace names for a legacy
						 * row; NULL: it is no legacy row */
	DIGEST_AT,          /* timestamp: a legacy row's time, in UTC; of others
						 * -infinity */
	DIGEST_GROUP,       /* bigint: of owner, counterpart and session */
	DIGEST_FIRST,       /* bigint: of a legacy row's first message */
	DIGEST_SECOND,      /* bigint: of its second */
	DIGEST_IS_ODD,      /* bool: a legacy row that has to be looked at */
	DIGEST_IS_TIMELESS, /* bool: a legacy row without a time */
	DIGEST_BEGINS,      /* timestamptz: a conversation's created_at */
	DIGEST_ENDS,        /* timestamptz: a conversation's updated_at */
	DIGEST_MESSAGES,    /* bigint: how many a conversation has; NULL: it is
						 * the conversation itself */
	DIGEST_ALL,         /* bigint: of all of them */
	DIGEST_YOUNGER,     /* bigint: how many are younger than the migration */
	DIGEST_ALL_YOUNGER, /* bigint: of those */
	DIGEST_POSITIONS,   /* bigint: of the positions of those */
	DIGEST_KEYS         /* a legacy row's key: the first of its columns */
} DigestColumn;

/*
 * A query whose rows are conversations, the messages of each as one row, and
 * behind those its traced legacy rows, in the order in which their messages
 * must be. A message and the half it was made of have the same digest; where
 * digests differ, something may be wrong. NULL: some column's type has no hash.
 */
extern char *chatmig_validate_digest(const MigrationPlan *plan);

/* The digest of many is the XOR of theirs, each with its place from 0 on. */
extern uint64 chatmig_validate_digest_at(int64 digest, int64 place);

/* What DIGEST_POSITIONS must be for n messages from position first on. */
extern uint64 chatmig_validate_digest_positions(int64 first, int64 n);

#endif /* CHATMIG_VALIDATE_DIGEST_H */
