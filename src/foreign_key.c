/*
 * foreign_key.c
 *	  Foreign keys of one column, as the catalogs have them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "foreign_key.h"

List *
chatmig_foreign_keys(Oid relid, AttrNumber attnum)
{
	Relation rel = table_open(ConstraintRelationId, AccessShareLock);
	List *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		ArrayType *columns;
		bool isnull;

		if (form->contype != CONSTRAINT_FOREIGN)
			continue;
		columns = DatumGetArrayTypeP(heap_getattr(
			tuple, Anum_pg_constraint_conkey, RelationGetDescr(rel), &isnull));
		if (ARR_DIMS(columns)[0] == 1 &&
			((AttrNumber *) ARR_DATA_PTR(columns))[0] == attnum)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

Oid
chatmig_foreign_key_target(Oid relid, AttrNumber attnum)
{
	Oid result = InvalidOid;
	ListCell *lc;

	foreach(lc, chatmig_foreign_keys(relid, attnum))
	{
		HeapTuple tuple =
			SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		result = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
		ReleaseSysCache(tuple);
	}
	return result;
}
