/*
 * detection.h
 *	  What detection found out about a table.
 */
#ifndef CHATMIG_DETECTION_H
#define CHATMIG_DETECTION_H

#include "mapping.h"
#include "nodes/pg_list.h"

/* All that detection found out about one table. */
typedef struct Detection
{
	bool has_shape;   /* false: nothing like a chat */
	bool is_possible; /* it has the columns, and may be taken for a
					   * chat if the user names the table */
	Shape shape;
	float4 confidence;           /* 0 .. 1 */
	List *key;                   /* of char *: column names; NIL: no key */
	List *candidates[NUM_PARTS]; /* of char *: column names that could
								  * play the part, equally likely; one
								  * is certain, two are ambiguous */
	List *notes;                 /* of char *: sentences that say why */

	/* of the only candidate, as its rows say */
	const char *path;  /* of PART_TRANSCRIPT; NULL: no row was looked at */
	const char *epoch; /* of PART_TIME, if it has numbers, or NULL */
	List *spellings;   /* of PART_ROLE: of RoleSpelling *, besides those that
						* are known */
} Detection;

#endif /* CHATMIG_DETECTION_H */
