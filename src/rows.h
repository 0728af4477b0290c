/*
 * rows.h
 *	  LegacyRow, Message, Conversation: the only vocabulary between the stages.
 *
 * read fills a LegacyRow, split turns it into Messages, group gives each a
 * Conversation and a position, write stores them. All pointers and Datums in
 * here are borrowed: those of a LegacyRow and of its Messages live until the
 * next row is read, those of a Conversation until group opens the next one.
 */
#ifndef CHATMIG_ROWS_H
#define CHATMIG_ROWS_H

#include "datatype/timestamp.h"
#include "mapping.h"
#include "nodes/pg_list.h"

/* A Datum that may be NULL. */
typedef struct Value
{
	Datum datum;
	bool isnull;
} Value;

/* What must never mix in a conversation. */
typedef struct GroupKey
{
	Value owner;
	Value counterpart;
	Value session;
} GroupKey;

#define MAX_CONTENTS 2 /* columns of one legacy row that hold messages */

/* What the trace says of a legacy row that is migrated already. */
typedef struct KnownRow
{
	bool known;
	bool is_gone;            /* its conversation has been deleted since */
	Datum conversation;      /* in which its messages are */
	Value position;          /* int4, of its last message; NULL: all gone */
	Value written;           /* timestamptz, of its last message, which may
							  * have been kept apart from others; NULL where
							  * positions order */
	bool has_next;           /* a known row follows in the same group ... */
	Datum next_conversation; /* ... in this conversation, ... */
	Value next_time;         /* ... with this time. Only for rows that are
							  * not known themselves. */
} KnownRow;

/* One row of the legacy table, in the order of group, time and key. */
typedef struct LegacyRow
{
	Datum keys[MAX_KEYS]; /* never NULL */
	char *key;            /* as text; a composite key as a JSON array */
	GroupKey group;
	Value time;                   /* timestamptz; taken from a neighbour where
								   * the row has none */
	bool time_invalid;            /* the row has a time that cannot be read */
	Value contents[MAX_CONTENTS]; /* text: question and answer, or the
								   * one content; may be toasted */
	bool reduced;                 /* of each content there is only the
								   * first character, no metadata and no
								   * fingerprint: for counting */
	int32 sizes[MAX_CONTENTS];    /* then, as stored: of each content */
	char *role;                   /* flat: as spelled in the row, or NULL */
	JsonbContainer *elements;     /* transcript: an array of what the path leads
								   * to; NULL: the column holds nothing, or no
								   * JSON */
	char *fault;       /* transcript: a sentence: why it is no JSON */
	Value model;       /* text */
	Value tokens;      /* int4 */
	Value metadata;    /* jsonb: mapped metadata, kept columns, marks */
	Value media_url;   /* text */
	Value media_type;  /* text */
	Value media_name;  /* text; where the metadata describe media */
	bool summarizes;   /* the row says what is in the medium of that name */
	int64 fingerprint; /* of the whole legacy row, see fingerprint.c */
	bool skipped;      /* is not to be migrated, see skip.c */
	Value owner_created_at; /* timestamptz; of the owner's own row, where
							 * the conversation takes them from there */
	Value owner_updated_at;
	KnownRow known;
} LegacyRow;

/* Behind all that the conversation holds; write finds out where that is. */
#define LAST_POSITION (-1)

typedef struct Message
{
	int part; /* 1, 2, ...: which part of the legacy row */
	Role role;
	Value content;  /* text */
	Value time;     /* timestamptz; what follows is the row's, too, unless
					 * the message has its own */
	Value model;    /* text */
	Value tokens;   /* int4 or int8, see chatmig_mapping_tokens_type() */
	Value metadata; /* jsonb */
	bool has_media; /* the row's medium belongs to this message */
	bool replies;   /* to the row's message before it */

	/* given by group */
	int32 position;

	/* given by write */
	Datum id;
} Message;

/* A legacy row, or one of the messages in it, that cannot be converted. */
typedef struct SplitReject
{
	int part; /* of the row; 0: the row as a whole */
	const char *code;
	char *reason; /* a sentence */
} SplitReject;

/*
 * What became of a legacy row: messages, rejects, or neither, which is a row
 * that holds no message. Where some messages of a row are rejected, the others
 * come through.
 */
typedef struct SplitRow
{
	int nparts; /* the row's parts are 1 to nparts */
	int nmessages;
	Message *messages; /* in the order of their parts */
	List *rejects;     /* of SplitReject * */
} SplitRow;

/* The conversation that group has open. */
typedef struct Conversation
{
	Datum id;
	bool is_new;        /* to be written; otherwise it exists */
	GroupKey group;     /* owned by group */
	Value title;        /* text */
	Value description;  /* text */
	Value created_at;   /* timestamptz, of the first message */
	Value updated_at;   /* timestamptz, of the last message */
	int64 new_messages; /* that this run adds to it */
	bool make_room;     /* what is at the next position, and behind
						 * it, must move up first */
} Conversation;

#endif /* CHATMIG_ROWS_H */
