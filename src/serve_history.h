/*
 * serve_history.h
 *	  Messages as they are read.
 */
#ifndef CHATMIG_SERVE_HISTORY_H
#define CHATMIG_SERVE_HISTORY_H

#include "serve_call.h"

/* Called for each row of a result, with its columns. */
typedef void (*ServeRow)(const Datum *values, const bool *nulls, void *state);

/*
 * The last messages of a conversation, in their order, max_messages at most
 * (< 0: all), those before a position if it is given. Columns: message text,
 * position bigint, role, content, model text, tokens bigint, metadata jsonb,
 * media, media_url, media_type, media_summary, reply_to text, created_at
 * timestamptz. Errors: P0002.
 */
typedef struct HistoryRequest
{
	const char *conversation;
	int64 max_messages;
	bool has_before;
	int64 before_position;
} HistoryRequest;

#define HISTORY_COLUMNS 13
extern void chatmig_serve_history(ServeCall *call,
								  const HistoryRequest *request, ServeRow row,
								  void *state);

/*
 * Questions and answers: of an owner, standalone messages last, or of a
 * conversation. Columns: conversation, question, answer, model text, asked_at,
 * answered_at timestamptz, question_message, answer_message text. Messages of
 * other roles than user and assistant are left out.
 */
#define PAIR_COLUMNS 8
extern void chatmig_serve_pairs(ServeCall *call, const char *owner,
								const char *conversation, ServeRow row,
								void *state);

/* Messages of a conversation. Errors: P0002. */
extern int64 chatmig_serve_count(ServeCall *call, const char *conversation);

#endif /* CHATMIG_SERVE_HISTORY_H */
