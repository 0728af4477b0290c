/*
 * validate_walk.h
 *	  Along all conversations, message by message.
 */
#ifndef CHATMIG_VALIDATE_WALK_H
#define CHATMIG_VALIDATE_WALK_H

#include "validation.h"

/* Runs the query, whose rows are those of validate_rows.h. */
extern void chatmig_validate_walk(Validation *validation, const char *sql,
								  const QueryArgs *args);

#endif /* CHATMIG_VALIDATE_WALK_H */
