/*
 * keys.c
 *	  Foreign keys of one column, and primary keys, as the catalogs have them;
 *	  and how keys compare.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "keys.h"

static bool is_number(Oid type);

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

char *
chatmig_keys_qualified_name(Oid relid)
{
	return quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

char *
chatmig_keys_equality(Oid type)
{
	Oid operator= lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "type %u has no equality operator", type);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("OPERATOR(%s.%s)",
					  quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}

char *
chatmig_keys_equal(const char *other, Oid other_type, const char *key, Oid type)
{
	bool is_cast = getBaseType(other_type) != getBaseType(type) &&
				   !(is_number(other_type) && is_number(type));

	return psprintf(
		"%s%s%s %s %s", other, is_cast ? "::" : "",
		is_cast ? format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY)
				: "",
		chatmig_keys_equality(type), key);
}

/* The server compares those of different widths. */
static bool
is_number(Oid type)
{
	char category;
	bool is_preferred;

	get_type_category_preferred(getBaseType(type), &category, &is_preferred);
	return category == TYPCATEGORY_NUMERIC;
}
