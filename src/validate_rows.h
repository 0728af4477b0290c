/*
 * validate_rows.h
 *	  The rows of the query that is walked along.
 */
#ifndef CHATMIG_VALIDATE_ROWS_H
#define CHATMIG_VALIDATE_ROWS_H

/*
 * The columns of the query that is walked along, sorted by the first and the
 * position. A row is a message, or a half of a legacy row that has none, or a
 * conversation with neither.
 */
typedef enum WalkColumn
{
	WALK_CONVERSATION = 1, /* id */
	WALK_IS_PRESENT,       /* bool: the conversation is there */
	WALK_EXPECTED,         /* bigint: messages by the trace; NULL: not in it */
	WALK_BEGINS,           /* timestamptz: its created_at */
	WALK_ENDS,             /* timestamptz: its updated_at */
	WALK_IS_OWNERS,        /* bool: it was made for an owner without messages */
	WALK_MESSAGE,          /* id; NULL: there is no message */
	WALK_POSITION,         /* int */
	WALK_CREATED_AT,       /* timestamptz */
	WALK_IS_TRACED,        /* bool: a legacy row's; the following are its */
	WALK_PART,             /* int */
	WALK_IS_NAMED,         /* bool: the trace names a message for the part */
	WALK_IS_MOVED,         /* bool: it is not where the trace says */
	WALK_TIME,           /* timestamptz: the row's own, or else the message's */
	WALK_HAS_OWN_TIME,   /* bool */
	WALK_ROW_TIME,       /* timestamptz: by which the rows are in order */
	WALK_IS_APART,       /* bool: the message is later than its row, as if it
						  * had been kept apart from others */
	WALK_FINDINGS,       /* text[]: "<check> <sentence>"; or NULL */
	WALK_LEGACY_CONTENT, /* text, where it differs ... */
	WALK_MESSAGE_CONTENT, /* ... from this */
	WALK_KEY,             /* the first of the key's columns */
} WalkColumn;

#endif /* CHATMIG_VALIDATE_ROWS_H */
