/*
 * plan_check.c
 *	  What can stand in the way of a target's tables: schemas, names, rights.
 *
 * In: a plan. Out: nothing, or an error that says what to do.
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "arguments.h"
#include "compat.h"
#include "plan_check.h"
#include "query.h"

static void check_create(const MigrationPlan *plan, Oid schema, Oid role);
static void check_name_single(const MigrationPlan *plan, TargetTable table);

/* The load runs as the source's owner, who must reach what it calls. */
void
chatmig_plan_check_usage(const MigrationPlan *plan, const char *schema)
{
	char *role = GetUserNameFromId(plan->source_owner, false);

	if (object_aclcheck(NamespaceRelationId, get_namespace_oid(schema, false),
						plan->source_owner, ACL_USAGE) == ACLCHECK_OK)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("role \"%s\" may not use schema \"%s\"", role, schema),
		 errdetail(
			 "It owns %s, and migration \"%s\" reads and writes as that role.",
			 plan->source_name, plan->name),
		 errhint("GRANT USAGE ON SCHEMA %s TO %s.", quote_identifier(schema),
				 quote_identifier(role))));
}

/*
 * Default privileges may keep EXECUTE from PUBLIC. Those that look at their
 * arguments alone are called by name, by what reads and by what validates.
 */
void
chatmig_plan_check_calls(const MigrationPlan *plan)
{
	QueryArgs args = {0};
	List *functions;
	char *role;
	StringInfoData list;
	ListCell *lc;

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(plan->source_owner),
					  false);
	functions = chatmig_query_list(
		"SELECT p.oid::regprocedure FROM pg_depend AS d "
		"JOIN pg_extension AS e ON e.oid = d.refobjid "
		"JOIN pg_proc AS p ON p.oid = d.objid "
		"WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' "
		"AND d.classid = 'pg_proc'::regclass AND e.extname = 'chatmig' "
		"AND p.proname ~ '^chatmig_(fingerprint$|json_fault$|message_id$|summary$|hash_|time_)' "
		"AND NOT has_function_privilege($1, p.oid, 'EXECUTE') ORDER BY 1",
		&args);
	if (functions == NIL)
		return;
	role = GetUserNameFromId(plan->source_owner, false);
	initStringInfo(&list);
	foreach(lc, functions)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("role \"%s\" may not call function %s", role,
				(char *) linitial(functions)),
		 errdetail(
			 "It owns %s, and migration \"%s\" reads and is validated as that role.",
			 plan->source_name, plan->name),
		 errhint("GRANT EXECUTE ON FUNCTION %s TO %s.", list.data,
				 quote_identifier(role))));
}

void
chatmig_plan_check_exists(const MigrationPlan *plan, TargetTable table)
{
	if (get_rel_name(plan->tables[table]) != NULL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("the %s table of migration \"%s\" does not exist",
				chatmig_target_names[table], plan->name),
		 errdetail(
			 "It was %s when the migration ran, and has been dropped since.",
			 plan->qualified[table]),
		 table == TARGET_TRACE
			 ? errhint(
				   "Restore the table from a dump and enter it in chatmig_target. Or, if the legacy table still has every row, drop the other new tables by hand, run SELECT * FROM chatmig_rollback(%s), which then forgets them, and migrate again.",
				   quote_literal_cstr(plan->name))
			 : errhint(
				   "Run SELECT * FROM chatmig_rollback(%s) to take back what is left, then migrate again.",
				   quote_literal_cstr(plan->name))));
}

/* A run records what it has filled: it cannot be without these. */
void
chatmig_plan_check_recorded(const MigrationPlan *plan, TargetTable table)
{
	if (table == TARGET_MESSAGES || table == TARGET_TRACE)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the %s table of migration \"%s\" is not recorded",
					chatmig_target_names[table], plan->name),
			 errdetail(
				 "The migration has been run, and chatmig_target does not say where that table is."),
			 errhint(
				 "Put its row back into chatmig_target from a dump; SELECT * FROM chatmig_validate(%s) says what else is missing.",
				 quote_literal_cstr(plan->name))));
}

void
chatmig_plan_check_schema(const MigrationPlan *plan)
{
	Oid schema = get_namespace_oid(plan->schema, true);

	if (!OidIsValid(schema))
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_SCHEMA),
			 errmsg("schema \"%s\" does not exist", plan->schema),
			 errhint(
				 "Create it, or register again with another one: target => '{\"schema\": \"...\"}'.")));
	if (IsCatalogNamespace(schema) || IsToastNamespace(schema) ||
		isAnyTempNamespace(schema) ||
		strcmp(plan->schema, "information_schema") == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("schema \"%s\" is not for tables that stay", plan->schema),
			 errdetail("Migration \"%s\" would create its tables there.",
					   plan->name),
			 errhint(
				 "Register again with another schema: target => '{\"schema\": \"...\"}'.")));
}

/* Who may not create tables there by hand may not have them created. */
void
chatmig_plan_check_create(const MigrationPlan *plan)
{
	Oid schema = get_namespace_oid(plan->schema, false);

	check_create(plan, schema, GetUserId());
	/* the tables will be that role's, which adds the indexes */
	check_create(plan, schema, plan->source_owner);
}

static void
check_create(const MigrationPlan *plan, Oid schema, Oid role)
{
	if (object_aclcheck(NamespaceRelationId, schema, role, ACL_CREATE) ==
		ACLCHECK_OK)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("permission denied for schema \"%s\"", plan->schema),
		 errdetail("Migration \"%s\" would create its tables there.",
				   plan->name),
		 errhint(
			 "GRANT CREATE ON SCHEMA %s TO %s, or register again with another one: target => '{\"schema\": \"...\"}'.",
			 quote_identifier(plan->schema),
			 quote_identifier(GetUserNameFromId(role, false)))));
}

void
chatmig_plan_check_name(const MigrationPlan *plan, TargetTable table)
{
	Oid schema = get_namespace_oid(plan->schema, false);
	Oid taken = get_relname_relid(plan->table_names[table], schema);

	check_name_single(plan, table);
	if (!OidIsValid(taken))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DUPLICATE_TABLE),
		 errmsg("relation %s already exists", plan->qualified[table]),
		 errdetail(
			 "Migration \"%s\" would create its %s table under this name%s.",
			 plan->name, chatmig_target_names[table],
			 taken == plan->source ? ", which is that of the legacy table"
								   : ""),
		 errhint(
			 "%s with another name, for instance target => '{\"%s\": \"%s\"}', or with another schema, target => '{\"schema\": \"...\"}'.",
			 table < NUM_ID_TARGETS && taken != plan->source
				 ? psprintf(
					   "Name it if it is to be filled: target => '{\"%s\": %s}'. Or register again",
					   chatmig_target_names[table],
					   chatmig_arguments_quote(plan->table_names[table]))
				 : "Register again",
			 chatmig_target_names[table],
			 ChooseRelationName("chat", NULL, chatmig_target_names[table],
								schema, false))));
}

/* No other of the tables to be created may have the name. */
static void
check_name_single(const MigrationPlan *plan, TargetTable table)
{
	for (TargetTable other = 0; other < table; other++)
	{
		if (!plan->uses[other] || OidIsValid(plan->tables[other]) ||
			strcmp(plan->table_names[other], plan->table_names[table]) != 0)
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_DUPLICATE_TABLE),
			 errmsg("relation %s would be created twice",
					plan->qualified[table]),
			 errdetail(
				 "Migration \"%s\" would create its %s and its %s table under this name.",
				 plan->name, chatmig_target_names[other],
				 chatmig_target_names[table]),
			 errhint(
				 "Register again with a name for each: target => '{\"%s\": \"...\", \"%s\": \"...\"}'.",
				 chatmig_target_names[other], chatmig_target_names[table])));
	}
}

void
chatmig_plan_check_rights(const MigrationPlan *plan, Oid relid,
						  const char *name)
{
	static const struct
	{
		AclMode mode;
		const char *right;
	} needed[] = {{ACL_SELECT, "SELECT"},
				  {ACL_INSERT, "INSERT"},
				  {ACL_UPDATE, "UPDATE"},
				  {ACL_DELETE, "DELETE"}};
	char *role = GetUserNameFromId(plan->source_owner, false);

	chatmig_plan_check_usage(plan,
							 get_namespace_name(get_rel_namespace(relid)));
	for (int i = 0; i < lengthof(needed); i++)
		if (pg_class_aclcheck(relid, plan->source_owner, needed[i].mode) !=
			ACLCHECK_OK)
			ereport(
				ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not %s %s", role, needed[i].right,
						name),
				 errdetail(
					 "It owns %s, and migration \"%s\" reads and writes as that role.",
					 plan->source_name, plan->name),
				 errhint("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s.",
						 name, quote_identifier(role))));
	/* it would hide rows from a later run, from validate and from rollback */
	if (check_enable_rls(relid, plan->source_owner, true) == RLS_ENABLED)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security would hide rows of %s from role \"%s\"", name,
					role),
			 errdetail(
				 "It owns %s, and migration \"%s\" reads and writes as that role.",
				 plan->source_name, plan->name),
			 errhint("ALTER ROLE %s BYPASSRLS; or, while it migrates, ALTER "
					 "TABLE %s DISABLE ROW LEVEL SECURITY.",
					 quote_identifier(role), name)));
}

/*
 * What one part fills cannot be another's, and chatmig's own tables are no
 * place for messages.
 */
void
chatmig_plan_check_single(const MigrationPlan *plan, TargetTable table)
{
	Oid relid = plan->tables[table];
	const char *name = plan->qualified[table];
	const char *kind = chatmig_target_names[table];

	for (TargetTable other = 0; other < NUM_TARGETS; other++)
		if (other != table && plan->tables[other] == relid)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be filled twice", name),
				 errdetail("Migration \"%s\" has it as its %s and as its %s.",
						   plan->name, chatmig_target_names[other], kind),
				 errhint("Name another table for one of them in target.")));
	if (table != TARGET_MESSAGES && relid == plan->source)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be filled", name),
				 errdetail("It is the legacy table of migration \"%s\", which "
						   "has it as its %s.",
						   plan->name, kind),
				 errhint("Name another table in target.")));
	if (chatmig_ledger_is_member(relid) || chatmig_ledger_is_trace(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s cannot be filled", name),
				 errdetail("It is one of chatmig's own tables. Migration "
						   "\"%s\" has it as its %s.",
						   plan->name, kind),
				 errhint("Name another table in target.")));
}
