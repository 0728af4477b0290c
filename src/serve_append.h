/*
 * serve_append.h
 *	  Messages that are added to conversations.
 */
#ifndef CHATMIG_SERVE_APPEND_H
#define CHATMIG_SERVE_APPEND_H

#include "serve_call.h"

/* A message to add. What is NULL is not given. */
typedef struct AppendRequest
{
	const char *conversation; /* NULL: a standalone message */
	const char *role;
	Datum content; /* text */
	bool has_content;
	const char *model;
	bool has_tokens;
	int64 tokens;
	Jsonb *metadata;
	const char *media;
	const char *reply_to;
	const char *owner; /* whose conversation it must be */
} AppendRequest;

/*
 * Adds a message at the end of its conversation, and moves the conversation's
 * updated_at to its time; returns its id as text. Who else appends to the
 * conversation waits until this transaction ends; others do not. Errors: P0002
 * no such conversation, 55000 archived, 22023 unknown role, 23503 reply_to or
 * media of another conversation or owner, 0A000 no column for what is given,
 * 40001 under REPEATABLE READ if another message came meanwhile.
 */
extern char *chatmig_serve_append(ServeCall *call,
								  const AppendRequest *request);

/*
 * Adds a question and the answer that replies to it, ids of which go into
 * *question_id and *answer_id. The medium goes with the question, tokens with
 * the answer, model and metadata with both.
 */
extern void chatmig_serve_append_pair(ServeCall *call,
									  const AppendRequest *question,
									  const AppendRequest *answer,
									  char **question_id, char **answer_id);

#endif /* CHATMIG_SERVE_APPEND_H */
