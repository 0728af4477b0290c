/*
 * create.h
 *	  The old table itself: making it, comparing it, taking it away.
 */
#ifndef CHATMIG_CREATE_H
#define CHATMIG_CREATE_H

#include "difference.h"

/* What the user asked for. */
typedef struct CreateRequest
{
	const char *shape;       /* "pair" or "flat"; NULL: pair */
	const char *table_name;  /* unquoted; NULL: chat_messages */
	const char *schema_name; /* unquoted; NULL: the first of search_path */
	Oid owner_table;         /* InvalidOid: no foreign key */
} CreateRequest;

/*
 * Creates the table unless it exists, as the current role, and reports what
 * is there. An existing table is compared and never changed. Must be called
 * under the caller's own search_path. With an owner table, creating takes
 * SHARE ROW EXCLUSIVE on it to the end of the transaction; comparing takes
 * ACCESS SHARE on the table alone. Errors: 22023 shape or name, 42622 name
 * too long, 3F000 no such schema, 42P01 no such owner table, 42830 an owner
 * table without a key of one column, 42809 the name is that of no table; and
 * the server's own.
 */
extern void chatmig_create_table(const CreateRequest *request,
								 CreateReport report, void *state);

/*
 * Drops the table, its rows too if force is set. What depends on it stops it.
 * The ACCESS EXCLUSIVE lock is taken only for a table that may go. Errors:
 * 42501 not the owner, 42809 no table or no chat table, 55000 it holds rows, or
 * a migration reads it or has filled it, 2BP01 something depends on it.
 */
extern void chatmig_create_drop(Oid relid, bool force);

#endif /* CHATMIG_CREATE_H */
