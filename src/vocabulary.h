/*
 * vocabulary.h
 *	  What columns and tables of chats are called, as data.
 */
#ifndef CHATMIG_VOCABULARY_H
#define CHATMIG_VOCABULARY_H

#include "mapping.h"

/* What a type can hold, as far as detection cares. One bit each. */
#define HOLDS_TEXT 0x01
#define HOLDS_JSON 0x02
#define HOLDS_ENUM 0x04
#define HOLDS_BOOL 0x08
#define HOLDS_INT 0x10    /* int2, int4, int8 */
#define HOLDS_NUMBER 0x20 /* float4, float8, numeric */
#define HOLDS_TIME 0x40   /* timestamp, timestamptz, date */
#define HOLDS_UUID 0x80
#define HOLDS_OTHER 0x100

/*
 * How well a column's name and type suit a part. A smaller tier is a better
 * one; a type that can only just do is TIER_STEP tiers worse than one that
 * was made for it, so that it loses against any name of the vocabulary.
 */
#define TIER_NONE 0  /* not at all */
#define TIER_CHAT 1  /* hardly anything else is called that */
#define TIER_PLAIN 2 /* a usual name, also outside chats */
#define TIER_WEAK 3  /* possible, if there is nothing better */
#define TIER_SPEAKER                                                           \
	4 /* named after who speaks (user, bot): without                           \
	   * any other a good name, else just a name */
#define TIER_STEP 4

/* What the name of a table says about its rows. */
typedef enum TableName
{
	TABLE_NAME_CHAT,
	TABLE_NAME_MESSAGES, /* of whatever kind */
	TABLE_NAME_NEUTRAL,
	TABLE_NAME_OTHER /* a FAQ, orders, tickets, ... */
} TableName;

/*
 * All names below are normalised: lower case, without "_", "-" and spaces,
 * so that userMessage, user_message and "User Message" are one.
 */
extern char *chatmig_vocabulary_normalise(const char *name);

extern int chatmig_vocabulary_tier(Part part, Shape shape, const char *column,
								   int holds);

/* True if the rows of a table play the part: users are owners. */
extern bool chatmig_vocabulary_is_table_of(Part part, const char *table);

/* False for columns such as updated_by, whatever table they refer to. */
extern bool chatmig_vocabulary_may_own(const char *column, Shape shape);

/* True for created_by: whose row it is, but perhaps not whose history. */
extern bool chatmig_vocabulary_is_maker(const char *column);

extern TableName chatmig_vocabulary_judge_table(const char *table);

/* True for columns that chats do not have: subject, ticket_id, price, ... */
extern bool chatmig_vocabulary_is_foreign(const char *column);

/* True for columns that may hold JSON, although they are text. */
extern bool chatmig_vocabulary_may_be_json(const char *column);

/* True for columns that hold whole conversations. */
extern bool chatmig_vocabulary_is_transcript(const char *column, int holds);

#endif /* CHATMIG_VOCABULARY_H */
