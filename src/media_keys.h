/*
 * media_keys.h
 *	  Media that a message's metadata describe.
 */
#ifndef CHATMIG_MEDIA_KEYS_H
#define CHATMIG_MEDIA_KEYS_H

#include "utils/jsonb.h"

/* Names of members of the metadata; NULL: not given. */
typedef struct MediaKeys
{
	char *when;         /* true: the message has a medium */
	char *url;          /* where it is */
	char *type;         /* what kind of medium it is */
	char *name;         /* the file's name; stands for the URL where none is */
	char *summary_when; /* true: the message says what is in the medium of that
						 * name before it */
} MediaKeys;

/*
 * Reads the object under "media" of a mapping. False where media is no object.
 * Errors with 22023.
 */
extern bool chatmig_media_keys_parse(Jsonb *mapping, MediaKeys *keys);

#endif /* CHATMIG_MEDIA_KEYS_H */
