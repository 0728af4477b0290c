/*
 * serve_place.h
 *	  Where a message goes: its conversation, locked.
 */
#ifndef CHATMIG_SERVE_PLACE_H
#define CHATMIG_SERVE_PLACE_H

#include "serve_call.h"

typedef struct Place
{
	int messages;         /* that are about to be added */
	QueryArgs identifier; /* the conversation's id, as messages have it */
	QueryArgs group;      /* its owner, counterpart and session */
	TimestampTz time;     /* of the next message, or of the last */
	TimestampTz moved_to; /* the conversation's updated_at is no earlier */
} Place;

/*
 * Locks the conversation to the end of the transaction and says whose it is;
 * its updated_at becomes that of so many messages, which must follow. A
 * conversation that is NULL is none: the messages stand alone. owner, if not
 * NULL, must be the conversation's. Errors: P0002, 55000, 23502, 40001.
 */
extern void chatmig_serve_place_find(ServeCall *call, const char *conversation,
									 const char *owner, int messages,
									 Place *place);

/* Moves updated_at on to the place's time where that is later. */
extern void chatmig_serve_place_touch(ServeCall *call, const char *conversation,
									  Place *place);

#endif /* CHATMIG_SERVE_PLACE_H */
