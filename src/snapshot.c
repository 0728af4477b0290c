/*
 * snapshot.c
 *	  Whether a snapshot sees the rows of tables at all.
 *
 * In: tables that are about to be read. Out: nothing, once they can be read
 * as they are; or an error. See snapshot.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"
#include "utils/syscache.h"

#include "query.h"
#include "snapshot.h"

void
chatmig_snapshot_lock(List *relids)
{
	ListCell *lc;

	foreach(lc, relids)
	{
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
		/* it may have been dropped while this waited */
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			(void) find_all_inheritors(lfirst_oid(lc), AccessShareLock, NULL);
	}
}

/*
 * The snapshot knows another file of the table than there is now. VACUUM FULL
 * and CLUSTER make another one, too: there the rows could be seen, but nothing
 * tells these from an ALTER TABLE.
 */
void
chatmig_snapshot_check(List *relids)
{
	QueryArgs args = {0};
	List *changed;

	if (!IsolationUsesXactSnapshot())
		return;
	chatmig_query_oids_arg(&args, relids);
	changed = chatmig_query_list(
		"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c "
		"JOIN pg_namespace AS n ON n.oid = c.relnamespace "
		"WHERE c.relkind IN ('r', 'm') AND c.relfilenode <> 0 "
		"AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid) "
		"AND (c.oid = ANY ($1) OR c.oid IN (SELECT l.relation "
		"FROM pg_locks AS l WHERE l.pid = pg_backend_pid() "
		"AND l.locktype = 'relation' AND l.database = (SELECT d.oid "
		"FROM pg_database AS d WHERE d.datname = current_database()))) "
		"ORDER BY 1",
		&args);
	if (changed == NIL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
		 errmsg("could not serialize access to table %s due to a concurrent "
				"change of it",
				(char *) linitial(changed)),
		 errdetail(
			 "It was rewritten, emptied or dropped after this "
			 "transaction took its snapshot, to which it may look empty."),
		 errhint("Nothing has been changed; run it again in a new transaction, "
				 "best under READ COMMITTED.")));
}
