/*
 * validate_digest.h
 *	  Both sides of a migration as numbers that must be the same.
 */
#ifndef CHATMIG_VALIDATE_DIGEST_H
#define CHATMIG_VALIDATE_DIGEST_H

#include "plan.h"

/*
 * The columns of the query. A row is a conversation, if it has no number; a
 * legacy row, if it is odd or not; all of a conversation's messages otherwise.
 * Three hashes are other things in each.
 */
typedef enum DigestColumn
{
	DIGEST_ID = 1, /* the conversation's; NULL: a legacy row is in no trace */
	DIGEST_AT,     /* timestamp: a legacy row's time, in UTC */
	DIGEST_HASH_1, /* bigint */
	DIGEST_HASH_2,
	DIGEST_HASH_3,
	DIGEST_NUMBER,      /* int: of messages; for a legacy row, of those that the
						 * trace names */
	DIGEST_IS_ODD,      /* bool: a legacy row that has to be looked at; this is
						 * never NULL for one */
	DIGEST_IS_TIMELESS, /* bool: a legacy row without a time */
	DIGEST_BEGINS,      /* timestamptz: a conversation's created_at */
	DIGEST_ENDS,        /* timestamptz: a conversation's updated_at */
	DIGEST_YOUNGER,     /* int: how many messages are younger than the
						 * migration */
	DIGEST_KEYS,        /* a legacy row's key: the first of its columns */

	/* conversations and legacy rows: of owner, counterpart and session */
	DIGEST_GROUP = DIGEST_HASH_1,
	/* legacy rows: of the two messages */
	DIGEST_FIRST = DIGEST_HASH_2,
	DIGEST_SECOND = DIGEST_HASH_3,
	/* messages: of all, of those that are younger, of their positions */
	DIGEST_ALL = DIGEST_HASH_1,
	DIGEST_ALL_YOUNGER = DIGEST_HASH_2,
	DIGEST_POSITIONS = DIGEST_HASH_3
} DigestColumn;

/*
 * A query whose rows are conversations, the messages of each as one row, and
 * its legacy rows. Those of a conversation come one after the other, the legacy
 * rows among them in the order of the migration unless the planner sorts all
 * of it once more, which validate_order.h tells. A message and the half it was
 * made of have the same digest; where digests differ, something may be wrong.
 * NULL: some column's type has no hash.
 */
extern char *chatmig_validate_digest(const MigrationPlan *plan);

/*
 * A column that keeps the planner from evaluating a subquery's expressions
 * above it, once for each use: it is volatile. Nobody reads it.
 */
#define FENCE "pg_is_in_recovery() AS chatmig_fence"

/*
 * A query: legacy rows without their contents. Their key and their time, and
 * numbers for the rest: chatmig_half_1 and _2 are hashes of their texts,
 * chatmig_fingerprint is what else the fingerprint is the sum of. chatmig_at is
 * the time in UTC, if chatmig_validate_sql_takes_any_time(), and
 * chatmig_key_text the key as it names the row's messages.
 */
extern char *chatmig_validate_digest_rows(const MigrationPlan *plan);

/*
 * Of such a row s: hashes of what message 1 or 2 of it must hold, in one; NULL
 * if it has no text and no medium. The hashes of the messages' ids are in
 * columns that are called `ids`, and 1 or 2.
 */
extern char *chatmig_validate_digest_half(const MigrationPlan *plan, int part,
										  const char *ids);

/* Of the text of message 1 or 2 of such a row s: its hash, NULL for none. */
extern char *chatmig_validate_digest_filled_half(const Mapping *mapping,
												 int part);

/* Of such a row s: its fingerprint. */
extern char *chatmig_validate_digest_fingerprint(const MigrationPlan *plan);

/*
 * Of a message m: a list of the hashes that make such a one, but for those of
 * its id and of the one that it answers.
 */
extern List *chatmig_validate_digest_message(const MigrationPlan *plan);

/* Of a conversation c: the hash that its legacy rows have as chatmig_group. */
extern char *chatmig_validate_digest_group(const MigrationPlan *plan);

/* The digest of many is the XOR of theirs, each with its place from 0 on. */
extern uint64 chatmig_validate_digest_at(int64 digest, int64 place);

/* What DIGEST_POSITIONS must be for n messages from position first on. */
extern uint64 chatmig_validate_digest_positions(int64 first, int64 n);

#endif /* CHATMIG_VALIDATE_DIGEST_H */
