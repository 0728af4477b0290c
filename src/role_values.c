/*
 * role_values.c
 *	  What a messages' table calls the roles.
 *
 * In: a plan whose messages' table exists, or not. Out: for each role the
 * value that the table's column has for it, or none. What the column takes is
 * what its type, its domain and its check constraints let through: these are
 * asked, as they may say it in any way. Reads catalogs alone; checks may call
 * functions, and are evaluated as the source's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "caller.h"
#include "query.h"
#include "role_values.h"

/* What is known of the column, and what is said of it. */
typedef struct RoleColumn
{
	const MigrationPlan *plan;
	const Column *column;
	Oid base;
	List *literals;       /* of char *; enum labels, and what checks mention */
	StringInfoData tests; /* SQL: conditions on v, a text, with ANDs */
	StringInfoData names; /* of these checks, quoted, with commas */
	List *allowed;        /* of those that were tried */
	int nown;
	const RoleSpelling *own; /* spellings, besides those that are known */
	char *fault;             /* a sentence: what a check said of a value it
							  * cannot even test; NULL: none did */
} RoleColumn;

static void examine(RoleColumn *role_column);
static void add_enum_labels(RoleColumn *role_column);
static void add_checks(RoleColumn *role_column, Oid index,
					   AttrNumber constrained, Oid owner, const char *name);
static void add_check(RoleColumn *role_column, Relation rel, HeapTuple tuple,
					  Oid owner, const char *name);
static bool is_on_column(const RoleColumn *role_column, Relation rel,
						 HeapTuple tuple);
static List *literals(const char *sql, List *found);
static List *try_values(RoleColumn *role_column);
static List *query_values(const RoleColumn *role_column, const char *values,
						  char **fault);
static void append_value(StringInfo sql, const char *value, bool is_enum,
						 const List *labels);
static char *choose(const RoleColumn *role_column, Role role);
static bool is_in(const List *values, const char *value);
static char *allowed_literals(const RoleColumn *role_column);
static void refuse_named(const RoleColumn *role_column, Role role);
static void refuse(const RoleColumn *role_column, Role role);
static void check_distinct(MigrationPlan *plan);
static void refuse_same(const MigrationPlan *plan, Role one, Role other);

void
chatmig_role_values(MigrationPlan *plan)
{
	RoleColumn role_column = {.plan = plan};

	if (plan->fields[TARGET_MESSAGES] == NULL || plan->in_place)
	{
		for (Role role = 0; role < NUM_ROLES; role++)
			plan->role_values[role] = pstrdup(chatmig_role_names[role]);
		return;
	}
	role_column.column = &plan->fields[TARGET_MESSAGES][FIELD_ROLE];
	examine(&role_column);
	role_column.allowed = try_values(&role_column);
	plan->roles_allowed = allowed_literals(&role_column);
	for (Role role = 0; role < NUM_ROLES; role++)
	{
		plan->role_values[role] = choose(&role_column, role);
		if (plan->role_values[role] == NULL &&
			(role == ROLE_USER || role == ROLE_ASSISTANT))
			refuse(&role_column, role);
	}
	check_distinct(plan);
}

void
chatmig_role_values_find(MigrationPlan *plan, const RoleSpelling *own, int n)
{
	RoleColumn role_column = {.plan = plan,
							  .column =
								  &plan->fields[TARGET_MESSAGES][FIELD_ROLE],
							  .nown = n,
							  .own = own};

	examine(&role_column);
	role_column.allowed = try_values(&role_column);
	for (Role role = 0; role < NUM_ROLES; role++)
		plan->role_values[role] = choose(&role_column, role);
}

/* The column's type, its domains from the outside in, and its table. */
static void
examine(RoleColumn *role_column)
{
	const MigrationPlan *plan = role_column->plan;
	const Column *column = role_column->column;
	Oid type = column->type;

	initStringInfo(&role_column->names);
	initStringInfo(&role_column->tests);
	appendStringInfoString(&role_column->tests, "true");
	role_column->base = getBaseType(type);
	if (type_is_enum(role_column->base))
		add_enum_labels(role_column);
	else
		appendStringInfo(&role_column->tests, " AND v::%s::text = v",
						 format_type_extended(role_column->base, column->typmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
												  FORMAT_TYPE_FORCE_QUALIFY));
	while (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		add_checks(role_column, ConstraintTypidIndexId,
				   Anum_pg_constraint_contypid, type, "value");
		type = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
	add_checks(role_column, ConstraintRelidTypidNameIndexId,
			   Anum_pg_constraint_conrelid, plan->tables[TARGET_MESSAGES],
			   column->name);
}

static void
add_enum_labels(RoleColumn *role_column)
{
	CatCList *labels = SearchSysCacheList1(ENUMTYPOIDNAME,
										   ObjectIdGetDatum(role_column->base));

	for (int i = 0; i < labels->n_members; i++)
	{
		Form_pg_enum label =
			(Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple);

		role_column->literals =
			lappend(role_column->literals, pstrdup(NameStr(label->enumlabel)));
	}
	ReleaseSysCacheList(labels);
}

/*
 * The check constraints of a table, or of a domain; name: what they call the
 * value.
 */
static void
add_checks(RoleColumn *role_column, Oid index, AttrNumber constrained,
		   Oid owner, const char *name)
{
	Relation rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, constrained, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(owner));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_constraint) GETSTRUCT(tuple))->contype ==
			CONSTRAINT_CHECK)
			add_check(role_column, rel, tuple, owner, name);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
add_check(RoleColumn *role_column, Relation rel, HeapTuple tuple, Oid owner,
		  const char *name)
{
	bool is_domain =
		OidIsValid(((Form_pg_constraint) GETSTRUCT(tuple))->contypid);
	bool isnull;
	Datum check = heap_getattr(tuple, Anum_pg_constraint_conbin,
							   RelationGetDescr(rel), &isnull);
	char *sql;

	if (isnull || (!is_domain && !is_on_column(role_column, rel, tuple)))
		return;
	sql = TextDatumGetCString(DirectFunctionCall2(
		pg_get_expr, check, ObjectIdGetDatum(is_domain ? InvalidOid : owner)));
	appendStringInfo(
		&role_column->tests,
		" AND (SELECT (%s) FROM (SELECT v::%s AS %s) AS x) IS NOT FALSE", sql,
		format_type_extended(role_column->base, -1, FORMAT_TYPE_FORCE_QUALIFY),
		quote_identifier(name));
	appendStringInfo(&role_column->names, "%s\"%s\"",
					 role_column->names.len > 0 ? ", " : "",
					 NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	role_column->literals = literals(sql, role_column->literals);
}

/* Of a check that needs other columns, too, nothing can be said. */
static bool
is_on_column(const RoleColumn *role_column, Relation rel, HeapTuple tuple)
{
	bool isnull;
	Datum value = heap_getattr(tuple, Anum_pg_constraint_conkey,
							   RelationGetDescr(rel), &isnull);
	ArrayType *columns;

	if (isnull)
		return false;
	columns = DatumGetArrayTypeP(value);
	return ARR_DIMS(columns)[0] == 1 &&
		   ((AttrNumber *) ARR_DATA_PTR(columns))[0] ==
			   role_column->column->attnum;
}

/* What stands in quotes, as pg_get_expr() writes it; names are no literals. */
static List *
literals(const char *sql, List *found)
{
	bool in_name = false;

	for (const char *p = sql; *p != '\0'; p++)
	{
		StringInfoData literal;

		if (*p == '"')
			in_name = !in_name;
		if (*p != '\'' || in_name)
			continue;
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
	}
	return found;
}

/*
 * Of the roles' names, what the user named and the literals: what is taken. A
 * check may raise an error for a value; then each is tried alone.
 */
static List *
try_values(RoleColumn *role_column)
{
	bool is_enum = type_is_enum(role_column->base);
	List *values = NIL;
	StringInfoData all;
	char *fault = NULL;
	List *result;
	ListCell *lc;

	for (Role role = 0; role < NUM_ROLES; role++)
	{
		char *named = role_column->plan->destination.roles[role];

		if (named != NULL)
			values = lappend(values, named);
	}
	for (Role role = 0; role < NUM_ROLES; role++)
		values = lappend(values, unconstify(char *, chatmig_role_names[role]));
	values = list_concat(values, role_column->literals);
	initStringInfo(&all);
	foreach(lc, values)
		append_value(&all, lfirst(lc), is_enum, role_column->literals);
	if (all.len == 0)
		return NIL;
	result = query_values(role_column, all.data, &fault);
	if (fault == NULL)
		return result;
	foreach(lc, values)
	{
		resetStringInfo(&all);
		append_value(&all, lfirst(lc), is_enum, role_column->literals);
		if (all.len > 0)
			result = list_concat(result, query_values(role_column, all.data,
													  &role_column->fault));
	}
	return result;
}

/*
 * Those of the values that pass. NIL where a check cannot test one: *fault
 * says so, unless it says something already.
 */
static List *
query_values(const RoleColumn *role_column, const char *values, char **fault)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List *volatile result = NIL;
	ErrorData *volatile error = NULL;
	RoleState role_state;

	chatmig_caller_become(&role_state, role_column->plan->source_owner);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		result = chatmig_query_list(
			psprintf("SELECT v FROM unnest(ARRAY[%s]) AS v WHERE %s", values,
					 role_column->tests.data),
			NULL);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	chatmig_caller_resume(&role_state);

	if (error == NULL)
		return result;
	if ((ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
		 error->sqlerrcode != ERRCODE_RAISE_EXCEPTION) ||
		role_column->names.len == 0)
		ReThrowError(error);
	if (*fault == NULL)
		*fault =
			psprintf(" Its check constraints (%s) cannot test each value: %s.",
					 role_column->names.data, error->message);
	return NIL;
}

/* An enum cannot even be asked for what is no label of it. */
static void
append_value(StringInfo sql, const char *value, bool is_enum,
			 const List *labels)
{
	if (!is_enum || is_in(labels, value))
		appendStringInfo(sql, "%s%s", sql->len > 0 ? ", " : "",
						 quote_literal_cstr(value));
}

static char *
choose(const RoleColumn *role_column, Role role)
{
	char *named = role_column->plan->destination.roles[role];
	ListCell *lc;

	if (named != NULL && !is_in(role_column->allowed, named))
		refuse_named(role_column, role);
	if (named != NULL)
		return named;
	if (is_in(role_column->allowed, chatmig_role_names[role]))
		return pstrdup(chatmig_role_names[role]);
	foreach(lc, role_column->literals)
	{
		Role known;

		if (is_in(role_column->allowed, lfirst(lc)) &&
			chatmig_role_find(role_column->own, role_column->nown, lfirst(lc),
							  &known) &&
			known == role)
			return lfirst(lc);
	}
	return NULL;
}

static bool
is_in(const List *values, const char *value)
{
	ListCell *lc;

	foreach(lc, values)
		if (strcmp(lfirst(lc), value) == 0)
			return true;
	return false;
}

/* A sentence: what the column takes, as far as its constraints name it. */
static char *
allowed_literals(const RoleColumn *role_column)
{
	const Column *column = role_column->column;
	StringInfoData sentence;
	List *seen = NIL;
	ListCell *lc;

	initStringInfo(&sentence);
	appendStringInfo(&sentence, "Its column %s",
					 quote_identifier(column->name));
	foreach(lc, role_column->literals)
	{
		if (!is_in(role_column->allowed, lfirst(lc)) || is_in(seen, lfirst(lc)))
			continue;
		appendStringInfo(&sentence, "%s%s", seen == NIL ? " allows: " : ", ",
						 (char *) lfirst(lc));
		seen = lappend(seen, lfirst(lc));
	}
	if (seen == NIL)
		appendStringInfo(
			&sentence, " has the type %s",
			format_type_with_typemod(role_column->base, column->typmod));
	appendStringInfoChar(&sentence, '.');
	return sentence.data;
}

static void
refuse_named(const RoleColumn *role_column, Role role)
{
	const MigrationPlan *plan = role_column->plan;

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s does not allow the role \"%s\"",
						   plan->qualified[TARGET_MESSAGES],
						   plan->destination.roles[role]),
					errdetail("Target names it for \"%s\". %s%s",
							  chatmig_role_names[role], plan->roles_allowed,
							  role_column->fault ? role_column->fault : ""),
					errhint("Name one that it allows.")));
}

static void
refuse(const RoleColumn *role_column, Role role)
{
	const MigrationPlan *plan = role_column->plan;

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("%s has no role for the messages of the %s",
				plan->qualified[TARGET_MESSAGES], chatmig_role_names[role]),
		 errdetail("%s%s", plan->roles_allowed,
				   role_column->fault ? role_column->fault : ""),
		 errhint(
			 "Say which it is: target => '{\"messages\": {\"table\": %s, \"roles\": {\"%s\": \"...\"}}}'.",
			 chatmig_arguments_quote(plan->table_names[TARGET_MESSAGES]),
			 chatmig_role_names[role])));
}

/*
 * Who said what could not be told any more. A name that only its own role
 * would have taken is free for another.
 */
static void
check_distinct(MigrationPlan *plan)
{
	for (Role role = 1; role < NUM_ROLES; role++)
		for (Role other = 0; other < role; other++)
		{
			char **values = plan->role_values;
			char **named = plan->destination.roles;

			if (values[role] == NULL || values[other] == NULL ||
				strcmp(values[role], values[other]) != 0)
				continue;
			if (named[role] == NULL && role > ROLE_ASSISTANT)
				values[role] = NULL;
			else if (named[other] == NULL && other > ROLE_ASSISTANT)
				values[other] = NULL;
			else
				refuse_same(plan, other, role);
		}
}

static void
refuse_same(const MigrationPlan *plan, Role one, Role other)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("two roles would be \"%s\" in %s", plan->role_values[one],
				plan->qualified[TARGET_MESSAGES]),
		 errdetail("They are \"%s\" and \"%s\".", chatmig_role_names[one],
				   chatmig_role_names[other]),
		 errhint(
			 "Name another one in target for one of them. If both shall be one role, say so in mapping => '{\"roles\": {\"...\": \"%s\"}}'.",
			 chatmig_role_names[one])));
}
