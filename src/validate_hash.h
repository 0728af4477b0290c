/*
 * validate_hash.h
 *	  The values of a message as numbers that must be the same on both sides.
 *
 * Expressions, palloc'd, for the hash of an expression or of columns of a row:
 * s is a legacy row, m a message. Each kind of value has a seed of its own, so
 * that the sum of hashes stands for all of the values; that of a NULL is NULL.
 */
#ifndef CHATMIG_VALIDATE_HASH_H
#define CHATMIG_VALIDATE_HASH_H

#include "nodes/pg_list.h"
#include "plan.h"

/* The kinds, which are the seeds. Contents have the names of their columns. */
typedef enum HashedValue
{
	VALUE_ID = 314159265,
	VALUE_ROLE,
	VALUE_MODEL,
	VALUE_TOKENS,
	VALUE_REPLY_TO,
	VALUE_MEDIUM,
	VALUE_CONVERSATION
} HashedValue;

/* Whether the type of a column, which may not be mapped, has a hash. */
extern bool chatmig_validate_has_hash(const Column *column);

/* Of all these, never NULL; a list of expressions. */
extern char *chatmig_validate_hash_sum(const List *hashes);

/* Of two numbers, in this order; see hash128_pair(). */
extern char *chatmig_validate_hash_pair(const char *first, const char *second);

/* Of owner, counterpart or session, as it is. */
extern char *chatmig_validate_hash_group(const Mapping *mapping, Part part,
										 char *value);

/* Of a column of the key, the first being 0. */
extern char *chatmig_validate_hash_key(const Mapping *mapping, int i,
									   const char *value);

/* table is that of the row with this id. */
extern char *chatmig_validate_hash_id(const MigrationPlan *plan,
									  TargetTable table, const char *id,
									  HashedValue value);

/* Of an answer's question, of whose id that is the hash. */
extern char *chatmig_validate_hash_answered(const char *hash);
extern char *chatmig_validate_hash_text(const char *text, HashedValue value);

/* Of a timestamp, which is the time in UTC, or a timestamptz: the same hash. */
extern char *chatmig_validate_hash_local_time(const char *time);
extern char *chatmig_validate_hash_time(const char *time);

/* Of a bigint. */
extern char *chatmig_validate_hash_tokens(const char *tokens);

/*
 * Of a column's text. An empty one has a hash as well, as in the row's
 * fingerprint; without_empty has NULL in its place.
 */
extern char *chatmig_validate_hash_content(const Column *column,
										   const char *text);
extern char *chatmig_validate_hash_without_empty(const Column *column,
												 const char *hash);

/*
 * A legacy row's fingerprint but for the columns that hold its contents, whose
 * hashes are a part of it. *from is set where a row of some of the others,
 * "rest", has to follow s in FROM. NULL where the contents' hashes are no part.
 */
extern char *chatmig_validate_hash_without_contents(const MigrationPlan *plan,
													char **from);

/*
 * Of model and metadata of a message, or of what they must be by the legacy
 * row: a list.
 */
extern List *chatmig_validate_hash_rest(const MigrationPlan *plan,
										bool is_message);

#endif /* CHATMIG_VALIDATE_HASH_H */
