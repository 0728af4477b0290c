/*
 * role_values.c
 *	  What a messages' table calls the roles.
 *
 * In: a plan whose messages' table exists, or not. Out: for each role the
 * value that the table's column has for it, or none. Reads catalogs alone.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "role_values.h"

static List *allowed_values(const MigrationPlan *plan);
static List *enum_labels(Oid type);
static List *checked_values(Oid relid, AttrNumber attnum);
static List *literals(const char *sql, List *found);
static char *choose(const MigrationPlan *plan, Role role, List *allowed);
static bool is_allowed(List *allowed, const char *value);
static void refuse(const MigrationPlan *plan, Role role, List *allowed);
static char *join(const List *values);

void
chatmig_role_values(MigrationPlan *plan)
{
	List *allowed;

	if (plan->fields[TARGET_MESSAGES] == NULL || plan->in_place)
	{
		for (Role role = 0; role < NUM_ROLES; role++)
			plan->role_values[role] = pstrdup(chatmig_role_names[role]);
		return;
	}
	allowed = allowed_values(plan);
	for (Role role = 0; role < NUM_ROLES; role++)
	{
		plan->role_values[role] = choose(plan, role, allowed);
		if (plan->role_values[role] == NULL &&
			(role == ROLE_USER || role == ROLE_ASSISTANT))
			refuse(plan, role, allowed);
	}
}

/* NIL: any. */
static List *
allowed_values(const MigrationPlan *plan)
{
	const Column *column = &plan->fields[TARGET_MESSAGES][FIELD_ROLE];
	Oid type = getBaseType(column->type);

	return type_is_enum(type)
			   ? enum_labels(type)
			   : checked_values(plan->tables[TARGET_MESSAGES], column->attnum);
}

static List *
enum_labels(Oid type)
{
	CatCList *labels =
		SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	List *result = NIL;

	for (int i = 0; i < labels->n_members; i++)
	{
		Form_pg_enum label =
			(Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple);

		result = lappend(result, pstrdup(NameStr(label->enumlabel)));
	}
	ReleaseSysCacheList(labels);
	return result;
}

/* The literals of a check constraint on that column alone. */
static List *
checked_values(Oid relid, AttrNumber attnum)
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
		Datum definition;
		bool isnull;

		if (form->contype != CONSTRAINT_CHECK)
			continue;
		definition = heap_getattr(tuple, Anum_pg_constraint_conkey,
								  RelationGetDescr(rel), &isnull);
		if (isnull)
			continue;
		columns = DatumGetArrayTypeP(definition);
		if (ARR_DIMS(columns)[0] != 1 ||
			((AttrNumber *) ARR_DATA_PTR(columns))[0] != attnum)
			continue;
		definition = DirectFunctionCall1(pg_get_constraintdef,
										 ObjectIdGetDatum(form->oid));
		result = literals(TextDatumGetCString(definition), result);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* What stands in quotes, as pg_get_constraintdef() writes it. */
static List *
literals(const char *sql, List *found)
{
	for (const char *p = strchr(sql, '\''); p != NULL; p = strchr(p, '\''))
	{
		StringInfoData literal;

		initStringInfo(&literal);
		for (p++; *p != '\0' && (*p != '\'' || p[1] == '\''); p++)
		{
			if (*p == '\'')
				p++;
			appendStringInfoChar(&literal, *p);
		}
		found = lappend(found, literal.data);
		if (*p == '\0')
			break;
		p++;
	}
	return found;
}

static char *
choose(const MigrationPlan *plan, Role role, List *allowed)
{
	char *named = plan->destination.roles[role];
	ListCell *lc;

	if (named != NULL && allowed != NIL && !is_allowed(allowed, named))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s does not allow the role \"%s\"",
						plan->qualified[TARGET_MESSAGES], named),
				 errdetail("Target names it for \"%s\". Allowed are: %s.",
						   chatmig_role_names[role], join(allowed)),
				 errhint("Name one of these.")));
	if (named != NULL)
		return named;
	if (allowed == NIL || is_allowed(allowed, chatmig_role_names[role]))
		return pstrdup(chatmig_role_names[role]);
	foreach(lc, allowed)
	{
		Role known;

		if (chatmig_role_find(NULL, 0, lfirst(lc), &known) && known == role)
			return lfirst(lc);
	}
	return NULL;
}

static bool
is_allowed(List *allowed, const char *value)
{
	ListCell *lc;

	foreach(lc, allowed)
		if (strcmp(lfirst(lc), value) == 0)
			return true;
	return false;
}

static void
refuse(const MigrationPlan *plan, Role role, List *allowed)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("%s has no role for the messages of the %s",
				plan->qualified[TARGET_MESSAGES], chatmig_role_names[role]),
		 errdetail(
			 "Its column %s allows: %s.",
			 quote_identifier(plan->fields[TARGET_MESSAGES][FIELD_ROLE].name),
			 join(allowed)),
		 errhint(
			 "Say which it is: target => '{\"messages\": {\"table\": \"%s\", \"roles\": {\"%s\": \"...\"}}}'.",
			 plan->table_names[TARGET_MESSAGES], chatmig_role_names[role])));
}

static char *
join(const List *values)
{
	StringInfoData joined;
	ListCell *lc;

	initStringInfo(&joined);
	foreach(lc, values)
		appendStringInfo(&joined, "%s%s", joined.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	return joined.data;
}
