/*
 * defer.c
 *	  Constraints that wait for the end of the transaction.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "defer.h"
#include "query.h"

void
chatmig_defer(List *relids, bool deferred)
{
	Datum *tables = palloc(sizeof(Datum) * Max(1, list_length(relids)));
	QueryArgs args = {0};
	ListCell *lc;
	int n = 0;

	foreach(lc, relids)
		tables[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	chatmig_query_arg(&args, OIDARRAYOID,
					  PointerGetDatum(construct_array(
						  tables, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT)),
					  false);
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
