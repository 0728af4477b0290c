/*
 * part_type.c
 *	  Which types a column may have that plays a part.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "part_type.h"

static const char *const accepted[] = {
	[ACCEPTS_ORDERED] = "a type with a default B-tree operator class",
	[ACCEPTS_TEXT] = "text, varchar, char, json or jsonb",
	[ACCEPTS_ROLE] = "text, varchar, char, an enum, boolean or an integer",
	[ACCEPTS_TIME] = "timestamp, timestamptz, date, a number or text",
	[ACCEPTS_LABEL] = "text, varchar, char or an enum",
	[ACCEPTS_INTEGER] = "smallint, integer or bigint",
	[ACCEPTS_JSON] = "json or jsonb",
};

bool
chatmig_part_type_fits(PartType accepts, Oid type)
{
	Oid base = getBaseType(type);
	char category;
	bool preferred;
	bool is_string;
	bool is_enum;
	bool is_integer = base == INT2OID || base == INT4OID || base == INT8OID;
	bool is_json = base == JSONOID || base == JSONBOID;

	get_type_category_preferred(base, &category, &preferred);
	is_string = category == TYPCATEGORY_STRING;
	is_enum = category == TYPCATEGORY_ENUM;
	switch (accepts)
	{
		case ACCEPTS_ORDERED:
			return OidIsValid(
				lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR)
					->lt_opr);
		case ACCEPTS_TEXT:
			return is_string || is_json;
		case ACCEPTS_ROLE:
			return is_string || is_enum || is_integer || base == BOOLOID;
		case ACCEPTS_TIME:
			return is_string || is_integer || base == TIMESTAMPOID ||
				   base == TIMESTAMPTZOID || base == DATEOID ||
				   base == FLOAT4OID || base == FLOAT8OID || base == NUMERICOID;
		case ACCEPTS_LABEL:
			return is_string || is_enum;
		case ACCEPTS_INTEGER:
			return is_integer;
		case ACCEPTS_JSON:
			return is_json;
	}
	return false;
}

void
chatmig_part_type_check(Relation rel, const char *part, PartType accepts,
						AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	if (chatmig_part_type_fits(accepts, att->atttypid))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DATATYPE_MISMATCH),
		 errmsg("column \"%s\" of \"%s\" cannot be the %s",
				NameStr(att->attname), RelationGetRelationName(rel), part),
		 errdetail("It has the type %s; accepted is %s.",
				   format_type_be(att->atttypid), accepted[accepts]),
		 errhint("Name another column, or register a view that converts it.")));
}
