/*
 * serve_id.h
 *	  Ids for new rows, where the table does not give them.
 */
#ifndef CHATMIG_SERVE_ID_H
#define CHATMIG_SERVE_ID_H

#include "serve_call.h"

/*
 * Adds the id of a new row as an argument: NULL where the column has a default,
 * which is to give it, or else a random uuid with the time in front. Errors
 * with 55000 where ids are numbers and nothing gives them.
 */
extern void chatmig_serve_id_arg(QueryArgs *args, const ServeCall *call,
								 TargetTable table, TimestampTz time);

/* A random uuid as text, with the time in front. */
extern char *chatmig_serve_id_text(TimestampTz time);

#endif /* CHATMIG_SERVE_ID_H */
