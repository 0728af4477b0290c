/*
 * identity.h
 *	  Ids that follow from what they name.
 *
 * An id is a function of the migration, the legacy key, the part of the row
 * and the time, so that migrating the same rows again gives the same ids, and
 * sorting by id sorts by time.
 */
#ifndef CHATMIG_IDENTITY_H
#define CHATMIG_IDENTITY_H

#include "datatype/timestamp.h"
#include "rows.h"

/* The kinds of things that get an id. Stored ids depend on the numbers. */
typedef enum IdentityKind
{
	IDENTITY_CONVERSATION = 1,
	IDENTITY_MESSAGE = 2,
	IDENTITY_MEDIUM = 3,
	IDENTITY_OWNER = 4, /* the conversation of an owner without messages */
	IDENTITY_SERVED = 5 /* one that begins when it is asked for */
} IdentityKind;

typedef struct Identity
{
	IdentityKind kind;
	const char *migration; /* name of the migration */
	const char *key;       /* legacy key as text; of the first row, for a
							* conversation */
	int part;              /* of the legacy row; 0 for a conversation */
	Value time;            /* timestamptz */
} Identity;

/*
 * A uuid, palloc'd: version 7 of RFC 9562, section 5.7, with the milliseconds
 * of the time in front (0 without a time or before 1970, all ones at
 * infinity), then the part, and 62 bits of a hash of the rest where the RFC
 * allows random ones. The hash is of the bytes alone: the same on every
 * machine.
 */
extern Datum chatmig_identity_uuid(const Identity *identity);

/* One that follows from nothing but the time: the rest is random. */
extern Datum chatmig_identity_random(TimestampTz time);

#endif /* CHATMIG_IDENTITY_H */
