/*
 * keys.c
 *	  Foreign keys of one column, and primary keys, as the catalogs have them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "access/sysattr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "keys.h"

List *
chatmig_keys_foreign(Oid relid, AttrNumber attnum)
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
chatmig_keys_target(Oid relid, AttrNumber attnum)
{
	Oid result = InvalidOid;
	ListCell *lc;

	foreach(lc, chatmig_keys_foreign(relid, attnum))
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

char *
chatmig_keys_primary_text(Oid relid, const char *alias)
{
	Relation rel = table_open(relid, AccessShareLock);
	Bitmapset *columns =
		RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	StringInfoData sql;
	int n = 0;
	int i = -1;

	initStringInfo(&sql);
	while ((i = bms_next_member(columns, i)) >= 0)
		appendStringInfo(
			&sql, "%sformat('%%s', %s.%s)", n++ > 0 ? ", " : "", alias,
			quote_identifier(get_attname(
				relid, i + FirstLowInvalidHeapAttributeNumber, false)));
	table_close(rel, NoLock);
	if (n == 0)
		return NULL;
	return n == 1 ? sql.data
				  : psprintf("jsonb_build_array(%s)::text", sql.data);
}
