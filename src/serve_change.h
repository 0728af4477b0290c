/*
 * serve_change.h
 *	  Conversations that change or go.
 */
#ifndef CHATMIG_SERVE_CHANGE_H
#define CHATMIG_SERVE_CHANGE_H

#include "serve_call.h"
#include "utils/timestamp.h"

/* What was deleted, or would be. */
typedef struct DeleteCounts
{
	int64 conversations;
	int64 messages;
} DeleteCounts;

/*
 * Errors of both: P0002 no such conversation; 0A000 no column, or no table,
 * for it. Archiving says whether that changed anything.
 */
extern void chatmig_serve_rename(ServeCall *call, const char *conversation,
								 const char *title);
extern bool chatmig_serve_archive(ServeCall *call, const char *conversation,
								  bool is_active);

/*
 * Each locks the conversations first, so that a message that is being appended
 * is deleted, too, or finds its conversation gone. Errors: P0002, 22004,
 * 40001.
 */
extern void chatmig_serve_delete(ServeCall *call, const char *conversation,
								 DeleteCounts *counts);

/* Conversations and standalone messages of an owner; media stay. */
extern void chatmig_serve_reset(ServeCall *call, const char *owner,
								DeleteCounts *counts);

/*
 * Conversations in which nothing has happened for so long, whosever they are;
 * one in which something happens meanwhile stays. Errors: 22023 unless
 * older_than is positive.
 */
extern void chatmig_serve_cleanup(ServeCall *call, const Interval *older_than,
								  bool dry_run, DeleteCounts *counts);

#endif /* CHATMIG_SERVE_CHANGE_H */
