/*
 * reference.c
 *	  Foreign keys that the new tables share with the legacy table.
 *
 * In: a plan. Out: on the new tables' owner and counterpart, the references
 * that the source's columns have. Reads catalogs, and changes new tables alone,
 * but locks the tables that are referred to.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "caller.h"
#include "defer.h"
#include "keys.h"
#include "query.h"
#include "reference.h"

static bool is_copied(const MigrationPlan *plan, Part part);
static List *referenced_tables(const MigrationPlan *plan);
static void copy_foreign_key(const MigrationPlan *plan, TargetTable table,
							 const char *to, const char *reference);
static void explain_violation(void *arg);

List *
chatmig_reference_tables(const MigrationPlan *plan)
{
	List *result = NIL;
	ListCell *lc;

	foreach(lc, referenced_tables(plan))
		result = lappend(result, chatmig_keys_qualified_name(lfirst_oid(lc)));
	return result;
}

void
chatmig_reference_check(const MigrationPlan *plan)
{
	ListCell *lc;

	foreach(lc, referenced_tables(plan))
	{
		Oid relid = lfirst_oid(lc);
		char *role = GetUserNameFromId(GetUserId(), false);

		if (pg_class_aclcheck(relid, GetUserId(), ACL_REFERENCES) ==
				ACLCHECK_OK ||
			pg_attribute_aclcheck_all(relid, GetUserId(), ACL_REFERENCES,
									  ACLMASK_ANY) == ACLCHECK_OK)
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role \"%s\" may not refer to table \"%s\"", role,
					get_rel_name(relid)),
			 errdetail(
				 "%s has a foreign key to it, and so will the tables of migration \"%s\".",
				 plan->source_name, plan->name),
			 errhint("GRANT REFERENCES ON %s TO %s.",
					 chatmig_keys_qualified_name(relid),
					 quote_identifier(role))));
	}
}

void
chatmig_reference_copy(const MigrationPlan *plan, TargetTable table,
					   const Column *from, const char *to)
{
	/* the name may hold anything, so it is counted and not searched for */
	char *begin = psprintf("FOREIGN KEY (%s)", quote_identifier(from->name));
	ListCell *lc;

	foreach(lc, chatmig_keys_foreign(plan->source, from->attnum))
	{
		Datum definition = DirectFunctionCall1(
			pg_get_constraintdef, ObjectIdGetDatum(lfirst_oid(lc)));
		char *sql = TextDatumGetCString(definition);

		if (strncmp(sql, begin, strlen(begin)) != 0)
			elog(ERROR, "unexpected definition of a foreign key: %s", sql);
		copy_foreign_key(plan, table, to, sql + strlen(begin));
	}
}

void
chatmig_reference_defer(const MigrationPlan *plan, bool deferred)
{
	List *relids = NIL;
	ListCell *lc;

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table])
			relids = lappend_oid(relids, plan->tables[table]);
	foreach(lc, plan->links)
		relids = lappend_oid(relids, ((LinkTable *) lfirst(lc))->relid);
	chatmig_defer(relids, deferred);
}

/* Into a table that chatmig creates, or has created. */
static bool
is_copied(const MigrationPlan *plan, Part part)
{
	return (plan->uses[TARGET_CONVERSATIONS] &&
			!chatmig_plan_fills(plan, TARGET_CONVERSATIONS)) ||
		   (part == PART_OWNER && plan->uses[TARGET_MEDIA] &&
			!chatmig_plan_fills(plan, TARGET_MEDIA));
}

/* Each once; a List of OIDs. */
static List *
referenced_tables(const MigrationPlan *plan)
{
	static const Part parts[] = {PART_OWNER, PART_COUNTERPART};
	List *result = NIL;
	ListCell *lc;

	for (int i = 0; i < lengthof(parts); i++)
	{
		const Column *column = &plan->mapping->parts[parts[i]];

		if (column->name == NULL || !is_copied(plan, parts[i]))
			continue;
		foreach(lc, chatmig_keys_foreign(plan->source, column->attnum))
		{
			HeapTuple tuple =
				SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(lc)));

			if (!HeapTupleIsValid(tuple))
				continue;
			result = list_append_unique_oid(
				result, ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid);
			ReleaseSysCache(tuple);
		}
	}
	return result;
}

/*
 * Rows are compared as the table's owner: types of that role may have casts,
 * and those are functions of that role, not to be run by a superuser.
 */
static void
copy_foreign_key(const MigrationPlan *plan, TargetTable table, const char *to,
				 const char *reference)
{
	static const char not_valid[] = " NOT VALID";
	char *name =
		ChooseConstraintName(plan->table_names[table], to, "fkey",
							 get_namespace_oid(plan->schema, false), NIL);
	size_t length = strlen(reference);
	bool is_valid =
		length < strlen(not_valid) ||
		strcmp(reference + length - strlen(not_valid), not_valid) != 0;
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = explain_violation,
									 .arg = plan->name};
	RoleState role;

	(void) chatmig_query_run(
		psprintf("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s)%s%s",
				 plan->qualified[table], quote_identifier(name),
				 quote_identifier(to), reference, is_valid ? not_valid : ""),
		NULL);
	if (!is_valid)
		return;
	error_context_stack = &callback;
	chatmig_caller_become(&role, plan->source_owner);
	(void) chatmig_query_run(psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
									  plan->qualified[table],
									  quote_identifier(name)),
							 NULL);
	chatmig_caller_resume(&role);
	error_context_stack = callback.previous;
}

static void
explain_violation(void *arg)
{
	if (geterrcode() == ERRCODE_FOREIGN_KEY_VIOLATION)
		errhint(
			"A row that legacy rows referred to was deleted while the migration ran; nothing has been changed. Run SELECT * FROM chatmig_migrate(%s) again.",
			quote_literal_cstr(arg));
}
