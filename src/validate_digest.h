/*
 * validate_digest.h
 *	  Both sides of a migration as numbers that must be the same.
 */
#ifndef CHATMIG_VALIDATE_DIGEST_H
#define CHATMIG_VALIDATE_DIGEST_H

#include "plan.h"

/* Whose row it is; sorted in this order within a conversation. */
typedef enum DigestSide
{
	DIGEST_CONVERSATION,
	DIGEST_LEGACY_ROW,
	DIGEST_MESSAGE
} DigestSide;

/* The columns, before those of the key, by which legacy rows are sorted. */
typedef enum DigestColumn
{
	DIGEST_ID = 1,     /* the conversation's; NULL: the row is in no trace */
	DIGEST_SIDE,       /* int */
	DIGEST_AT,         /* timestamptz: a legacy row's time */
	DIGEST_POSITION,   /* int: a message's */
	DIGEST_GROUP,      /* bigint: of owner, counterpart and session; not of a
						* message */
	DIGEST_FIRST,      /* bigint: of the (first) message, as it is or must be */
	DIGEST_SECOND,     /* bigint: of a legacy row's second message */
	DIGEST_BEGINS,     /* timestamptz: its created_at */
	DIGEST_ENDS,       /* timestamptz: a conversation's updated_at */
	DIGEST_IS_ODD,     /* bool: a legacy row that has to be looked at */
	DIGEST_IS_TIMELESS /* bool: a legacy row without a time */
} DigestColumn;

/*
 * A query whose rows are conversations, traced legacy rows in the order in
 * which their messages must be, and messages in the order in which they are.
 * A message and the half it was made of have the same digest; where digests
 * differ, something may be wrong. NULL: some column's type has no hash.
 */
extern char *chatmig_validate_digest(const MigrationPlan *plan);

#endif /* CHATMIG_VALIDATE_DIGEST_H */
