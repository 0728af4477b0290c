/*
 * ledger_access.h
 *	  SQL on chatmig's own tables, as the role that owns them.
 *
 * In all statements %s stands for the schema that the extension lives in;
 * there may be three of them. A literal percent sign is written %%.
 */
#ifndef CHATMIG_LEDGER_ACCESS_H
#define CHATMIG_LEDGER_ACCESS_H

#include "nodes/pg_list.h"
#include "query.h"

#define EXTENSION_NAME "chatmig"

/* Returns the number of rows that were changed. */
extern uint64 chatmig_ledger_access_run(const char *sql, const QueryArgs *args);

/* Calls row for each row; see chatmig_query_stream(). */
extern void chatmig_ledger_access_stream(const char *sql, const QueryArgs *args,
										 QueryRow row, void *state);

/* The rows of a query for one text; args may be NULL. */
extern List *chatmig_ledger_access_list(const char *sql, const QueryArgs *args);

/* The number that a query for one bigint returns. */
extern int64 chatmig_ledger_access_count(const char *sql,
										 const QueryArgs *args);

/* InvalidOid where this version of the extension has no such table. */
extern Oid chatmig_ledger_access_table(const char *name);

/* True if the relation belongs to the extension. */
extern bool chatmig_ledger_access_is_member(Oid relid);

/* The schema that the extension lives in. Errors with 42704 without one. */
extern Oid chatmig_ledger_access_schema(void);

/*
 * Says that registrations, or what is recorded of them, have changed: to other
 * backends when this transaction commits, to this one before.
 */
extern void chatmig_ledger_access_announce(void);

#endif /* CHATMIG_LEDGER_ACCESS_H */
