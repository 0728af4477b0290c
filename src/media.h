/*
 * media.h
 *	  Media that wait for a row that says what is in them.
 */
#ifndef CHATMIG_MEDIA_H
#define CHATMIG_MEDIA_H

#include "rows.h"

typedef struct Medium
{
	Value id;
	Value url;     /* text */
	Value type;    /* text */
	Value name;    /* text */
	Value summary; /* text; NULL until there is one */
	Value created_at;
} Medium;

/* Those of one conversation, or of a part of it. */
typedef struct Media
{
	MemoryContext context; /* holds all but the list */
	int n;
	int allocated;
	Medium *list;
} Media;

/* All memory is below the current context. */
extern void chatmig_media_begin(Media *media);

/* Copies what the row says of its medium. */
extern void chatmig_media_wait(Media *media, Oid id_type, Value id,
							   const LegacyRow *row);

/*
 * A text that says what is in the last medium of that name that has no
 * summary; it is copied. Without a name, in the last medium.
 */
extern void chatmig_media_summarize(Media *media, Value name, Value summary);

/* They are written. */
extern void chatmig_media_reset(Media *media);

#endif /* CHATMIG_MEDIA_H */
