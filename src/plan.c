/*
 * plan.c
 *	  From a registration to a MigrationPlan.
 *
 * In: a migration's name. Out: a plan in which every name is an object that
 * exists and that the caller may use, or that is free to be created. Refuses
 * what cannot work. Writes nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "caller.h"
#include "keys.h"
#include "options.h"
#include "plan.h"
#include "plan_check.h"
#include "plan_target.h"
#include "query.h"
#include "rights.h"

static MigrationPlan *make(const char *name, const LedgerTargets *made);
static void plan_source(MigrationPlan *plan, Jsonb *mapping);
static void check_no_times(const MigrationPlan *plan);
static bool key_is_unique(const MigrationPlan *plan);
static bool index_proves_key(Relation index, Relation rel,
							 const Mapping *mapping);
static void check_key(const MigrationPlan *plan);
static char *column_list(const Mapping *mapping, const char *prefix);

MigrationPlan *
chatmig_plan_make(const char *name)
{
	MigrationPlan *plan = make(name, NULL);

	chatmig_plan_check_calls(plan);
	return plan;
}

MigrationPlan *
chatmig_plan_make_share(const char *name, const Oid *tables, int share,
						int nshares)
{
	LedgerTargets made = {0};
	MigrationPlan *plan;

	memcpy(made.tables, tables, sizeof(made.tables));
	memset(made.created, true, sizeof(made.created));
	plan = make(name, &made);
	plan->share = share;
	plan->nshares = nshares;
	return plan;
}

/* made: what the run has created, and not recorded yet; NULL before that. */
static MigrationPlan *
make(const char *name, const LedgerTargets *made)
{
	Registration *registration = chatmig_ledger_get(name);
	MigrationPlan *plan = palloc0(sizeof(MigrationPlan));
	LedgerTargets recorded;

	chatmig_rights_check_source(registration);
	plan->name = registration->name;
	plan->source = registration->source;
	plan_source(plan, registration->mapping);
	if (made == NULL)
	{
		chatmig_plan_lock_below(plan->source, plan->source_name,
								plan->source_owner);
		chatmig_ledger_load_targets(name, &recorded);
	}
	chatmig_options_parse(registration->options, &plan->options);
	chatmig_options_check_metadata(&plan->options, plan->mapping);
	chatmig_plan_target(plan, registration->target, made ? made : &recorded);
	chatmig_plan_check_usage(plan, plan->schema);
	chatmig_plan_check_usage(plan, chatmig_ledger_schema_name());
	return plan;
}

void
chatmig_plan_probe(MigrationPlan *plan)
{
	const Column *time = &plan->mapping->parts[PART_TIME];
	bool isnull;

	if (!key_is_unique(plan))
		check_key(plan);
	if (plan->mapping->time_kind == TIME_NONE)
		return;
	(void) chatmig_query_value(
		psprintf("SELECT true FROM %s AS s WHERE s.%s IS NULL",
				 plan->source_name, quote_identifier(time->name)),
		NULL, &isnull);
	plan->times_missing = !isnull;
	if (plan->mapping->time_kind == TIME_EPOCH && !plan->mapping->epoch_known)
		check_no_times(plan);
}

void
chatmig_plan_lock_below(Oid source, const char *name, Oid owner)
{
	char relkind = get_rel_relkind(source);
	RoleState role;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_VIEW)
		return;
	chatmig_caller_become(&role, owner);
	(void) chatmig_query_run(
		psprintf("LOCK TABLE %s IN ACCESS SHARE MODE", name), NULL);
	chatmig_caller_resume(&role);
}

bool
chatmig_plan_fills(const MigrationPlan *plan, TargetTable table)
{
	return plan->fields[table] != NULL;
}

char *
chatmig_plan_equality(Oid type)
{
	return chatmig_keys_equality(type);
}

static void
plan_source(MigrationPlan *plan, Jsonb *mapping)
{
	Relation rel = try_relation_open(plan->source, AccessShareLock);

	if (rel == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("the legacy table of migration \"%s\" does not exist",
					plan->name),
			 errdetail("It had the OID %u and has been dropped.", plan->source),
			 errhint(
				 "Register the table that holds the history now under another name, or, if this migration is no longer needed, call chatmig_unregister(%s).",
				 quote_literal_cstr(plan->name))));
	chatmig_caller_check_owner(plan->source);
	plan->source_name = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(rel)),
		RelationGetRelationName(rel));
	plan->source_rows = psprintf("(SELECT * FROM %s)", plan->source_name);
	plan->source_owner = rel->rd_rel->relowner;
	plan->schema = get_namespace_name(RelationGetNamespace(rel));
	plan->mapping = chatmig_mapping_resolve(rel, mapping);
	relation_close(rel, NoLock); /* the lock stays */
}

/* Registered while there was no row to tell; without times, it is all one. */
static void
check_no_times(const MigrationPlan *plan)
{
	const Column *time = &plan->mapping->parts[PART_TIME];
	bool isnull;

	(void) chatmig_query_value(
		psprintf("SELECT true FROM %s AS s WHERE s.%s IS NOT NULL",
				 plan->source_name, quote_identifier(time->name)),
		NULL, &isnull);
	if (isnull)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("the unit of the times in column \"%s\" of %s is not known",
				time->name, plan->source_name),
		 errdetail(
			 "Migration \"%s\" was registered before there was a row to tell.",
			 plan->name),
		 errhint(
			 "Register again and say it, for instance chatmig_register(%s, mapping => '{\"epoch\": \"milliseconds\"}', name => %s).",
			 quote_literal_cstr(plan->source_name),
			 quote_literal_cstr(plan->name))));
}

/* True if constraints alone prove that each row has a key of its own. */
static bool
key_is_unique(const MigrationPlan *plan)
{
	Relation rel = relation_open(plan->source, NoLock);
	bool result = false;
	ListCell *lc;

	if ((rel->rd_rel->relkind == RELKIND_RELATION &&
		 !has_subclass(plan->source)) ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		foreach(lc, RelationGetIndexList(rel))
		{
			Relation index = relation_open(lfirst_oid(lc), AccessShareLock);

			result = result || index_proves_key(index, rel, plan->mapping);
			relation_close(index, AccessShareLock);
		}
	}
	relation_close(rel, NoLock);
	return result;
}

/* All of the index's columns are in the key, and none of them may be NULL. */
static bool
index_proves_key(Relation index, Relation rel, const Mapping *mapping)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber attnum = form->indkey.values[i];
		bool in_key = false;

		for (int k = 0; k < mapping->nkeys; k++)
			in_key = in_key || mapping->keys[k].attnum == attnum;
		if (!in_key ||
			!TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull)
			return false;
	}
	/* key columns beyond the index's must not be NULL either */
	for (int k = 0; k < mapping->nkeys; k++)
		if (!TupleDescAttr(RelationGetDescr(rel), mapping->keys[k].attnum - 1)
				 ->attnotnull)
			return false;
	return true;
}

static void
check_key(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *columns = column_list(mapping, "s.");
	char *names = column_list(mapping, "");
	bool isnull;
	Datum found;

	(void) chatmig_query_value(
		psprintf("SELECT true FROM %s AS s WHERE num_nulls(%s) > 0",
				 plan->source_name, columns),
		NULL, &isnull);
	if (!isnull)
		ereport(
			ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("%s has rows without a key", plan->source_name),
			 errdetail("The key of migration \"%s\" is (%s).", plan->name,
					   names),
			 errhint(
				 "Register again with columns that identify every row: mapping => '{\"key\": [\"...\"]}'.")));
	found = chatmig_query_value(
		psprintf("SELECT ROW(%s)::text || ', ' || count(*) || ' rows' "
				 "FROM %s AS s GROUP BY %s "
				 "HAVING count(*) > 1",
				 columns, plan->source_name, columns),
		NULL, &isnull);
	if (!isnull)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg(
				 "the key of migration \"%s\" does not identify the rows of %s",
				 plan->name, plan->source_name),
			 errdetail("Several rows have the same (%s), for instance %s.",
					   names, TextDatumGetCString(found)),
			 errhint(
				 "Register again with columns that identify every row: mapping => '{\"key\": [\"...\"]}'.")));
}

/* The key's columns, quoted, with commas. */
static char *
column_list(const Mapping *mapping, const char *prefix)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&list, "%s%s%s", i > 0 ? ", " : "", prefix,
						 quote_identifier(mapping->keys[i].name));
	return list.data;
}
