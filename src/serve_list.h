/*
 * serve_list.h
 *	  Conversations as they are listed and counted.
 */
#ifndef CHATMIG_SERVE_LIST_H
#define CHATMIG_SERVE_LIST_H

#include "serve_history.h"

typedef struct ListRequest
{
	const char *owner;       /* NULL: of all that the caller may see */
	const char *counterpart; /* NULL: with whomever */
	bool has_active;
	bool active;        /* false: archived ones */
	int64 max_rows;     /* < 0: all */
	const char *before; /* a conversation: those that come after it */
} ListRequest;

/*
 * The latest first. Columns: conversation, owner, counterpart, title text,
 * active bool, messages bigint, last_role, last_message text, created_at,
 * updated_at timestamptz, metadata jsonb. Errors: P0002 for before.
 */
#define LIST_COLUMNS 11
extern void chatmig_serve_list(ServeCall *call, const ListRequest *request,
							   ServeRow row, void *state);

/*
 * All numbers of an owner; NULL: of all that the caller may see. conversations
 * = active + archived = with_counterpart + without_counterpart; messages = in
 * conversations + standalone = those of all roles.
 */
typedef struct Statistics
{
	int64 conversations;
	int64 active;
	int64 archived;
	int64 with_counterpart;
	int64 without_counterpart;
	int64 messages;
	int64 roles[NUM_ROLES];
	int64 other_roles;
	int64 in_conversations;
	int64 in_active; /* of these */
	int64 standalone;
	int64 media;
	bool has_activity;
	TimestampTz first; /* of conversations and messages */
	TimestampTz last;
} Statistics;

extern void chatmig_serve_statistics(ServeCall *call, const char *owner,
									 Statistics *statistics);

#endif /* CHATMIG_SERVE_LIST_H */
