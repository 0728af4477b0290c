/*
 * witness.h
 *	  A column that is asked, and what its values have said so far.
 */
#ifndef CHATMIG_WITNESS_H
#define CHATMIG_WITNESS_H

#include "subject.h"

/* How often messages were found where. */
typedef struct PathCount
{
	char *path;
	int n;
} PathCount;

typedef struct Witness
{
	/* fixed */
	Candidate *column; /* its epoch is set at once, the rest judged later */
	int attnum;
	Oid type; /* base type */
	bool asked_role;
	bool asked_messages;
	bool asked_epoch;
	bool is_text; /* for the server, and can be read as such */

	/* roles */
	int nspelled;  /* values */
	List *spelled; /* of char *: distinct ones */
	int nlong;     /* values too long for a role */

	/* messages */
	List *paths;   /* of PathCount * */
	Size parsed;   /* bytes */
	int nparsed;   /* values that hold anything */
	int nmessages; /* ... with messages */
} Witness;

/*
 * Hears one value that is not NULL. What is to stay goes into the context
 * keep. Errors: a value that is broken, or JSON that jsonb cannot hold.
 */
extern void chatmig_witness_hear(Witness *witness, Datum value,
								 MemoryContext keep);

/* Hears all the labels of an enum, as if each were the value of a row. */
extern void chatmig_witness_hear_labels(Witness *witness);

#endif /* CHATMIG_WITNESS_H */
