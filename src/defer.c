/*
 * defer.c
 *	  Constraints that wait for the end of the transaction.
 */
#include "postgres.h"

#include "defer.h"
#include "query.h"

void
chatmig_defer(List *relids, bool deferred)
{
	QueryArgs args = {0};
	ListCell *lc;

	chatmig_query_oids_arg(&args, relids);
	foreach(lc, chatmig_query_list(
					"SELECT format('%I.%I', n.nspname, c.conname) "
					"FROM pg_constraint AS c "
					"JOIN pg_namespace AS n ON n.oid = c.connamespace "
					"WHERE (c.conrelid = ANY ($1) OR c.confrelid = ANY ($1)) "
					"AND c.condeferred",
					&args))
		(void) chatmig_query_run(psprintf("SET CONSTRAINTS %s %s",
										  (char *) lfirst(lc),
										  deferred ? "DEFERRED" : "IMMEDIATE"),
								 NULL);
}
