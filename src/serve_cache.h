/*
 * serve_cache.h
 *	  The targets that this backend serves, kept from call to call.
 *
 * A target is described once, and a statement on it prepared once, so that a
 * call costs little more than its statements. Both are thrown away when the
 * ledger, one of the tables, a schema's name or an enum changes, here or in
 * another backend.
 */
#ifndef CHATMIG_SERVE_CACHE_H
#define CHATMIG_SERVE_CACHE_H

#include "serve_target.h"

/*
 * The target of a migration; NULL: of the only one that has been run and on
 * whose messages the current role has some right, or of those that have filled
 * the same tables. Valid to the end of the transaction. Errors: 22023 where
 * there are several; 42501 where there are several and no right on any; 55000
 * where there is none; those of chatmig_serve_target_make().
 */
extern ServeTarget *chatmig_serve_cache_get(const char *migration);

/* What is run on a target. */
typedef enum ServeStatement
{
	SERVE_CREATE_CONVERSATION,
	SERVE_FIND_ACTIVE,
	SERVE_LOCK,
	SERVE_TOUCH,
	SERVE_LAST_MESSAGE,
	SERVE_FIND_MESSAGE,
	SERVE_FIND_MEDIUM,
	SERVE_FIND_CONVERSATION,
	SERVE_ADD_MESSAGE,
	SERVE_CREATE_MEDIUM,
	SERVE_RENAME,
	SERVE_ARCHIVE,
	SERVE_SELECT_CONVERSATIONS,
	SERVE_DELETE_MESSAGES,
	SERVE_DELETE_CONVERSATIONS,
	SERVE_DELETE_STANDALONE,
	SERVE_DELETE_GROUPED,
	SERVE_COUNT_OLD,
	SERVE_HISTORY,
	SERVE_PAIRS,
	SERVE_COUNT,
	SERVE_FIND_TIME,
	SERVE_LIST,
	SERVE_COUNT_CONVERSATIONS,
	SERVE_COUNT_MESSAGES,
	SERVE_COUNT_MEDIA
} ServeStatement;

/* Variants are bit sets of what a statement has. */
#define MAX_SERVE_VARIANTS 256

/*
 * The statement, prepared. build makes its SQL where it is not yet there;
 * the types of args are fixed for each statement and variant.
 */
extern QueryPlan *
chatmig_serve_cache_plan(ServeTarget *target, ServeStatement statement,
						 int variant,
						 char *(*build)(const ServeTarget *target, int variant),
						 const QueryArgs *args);

#endif /* CHATMIG_SERVE_CACHE_H */
