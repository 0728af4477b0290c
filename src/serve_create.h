/*
 * serve_create.h
 *	  New conversations and media.
 */
#ifndef CHATMIG_SERVE_CREATE_H
#define CHATMIG_SERVE_CREATE_H

#include "serve_call.h"
#include "utils/timestamp.h"

/* What is NULL is not given. */
typedef struct ConversationRequest
{
	const char *owner;
	const char *counterpart;
	const char *title;
	Jsonb *metadata;
} ConversationRequest;

typedef struct MediumRequest
{
	const char *owner;
	const char *url;
	const char *type;
	const char *summary;
	Jsonb *metadata;
} MediumRequest;

/*
 * Each returns the new id as text. Where conversations have no table, a new
 * conversation is an id alone, which its first message makes true. Errors:
 * 0A000 no column for what is given; what the table itself refuses.
 */
extern char *
chatmig_serve_create_conversation(ServeCall *call,
								  const ConversationRequest *request);
extern char *chatmig_serve_create_medium(ServeCall *call,
										 const MediumRequest *request);

/*
 * The owner's latest conversation with that counterpart, NULL being nobody,
 * unless it is archived or, with idle, nothing has happened in it for so long;
 * a new one where there is none. Who calls it with the same names while it
 * makes one waits until this transaction ends. Errors: 22004 no owner, where
 * conversations have one; 40001 under REPEATABLE READ if one has come
 * meanwhile.
 */
extern char *chatmig_serve_active(ServeCall *call, const char *owner,
								  const char *counterpart,
								  const Interval *idle);

#endif /* CHATMIG_SERVE_CREATE_H */
