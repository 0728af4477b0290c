/*
 * plan.c
 *	  MigrationPlan: what is read, in which order, into what.
 *
 * In: a migration's name. Out: a plan in which every name is an object that
 * exists and that the caller may use, or that is free to be created. Refuses
 * what cannot work. Writes nothing.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "caller.h"
#include "options.h"
#include "plan.h"
#include "query.h"

static void plan_source(MigrationPlan *plan, Jsonb *mapping);
static void lock_below(const MigrationPlan *plan, char relkind);
static void plan_names(MigrationPlan *plan, Jsonb *target);
static void plan_target(MigrationPlan *plan);
static void check_schema(const MigrationPlan *plan);
static void check_usage(const MigrationPlan *plan, const char *schema);
static void check_create(const MigrationPlan *plan, Oid schema, Oid role);
static void check_target_exists(const MigrationPlan *plan, TargetTable table);
static void check_name_free(const MigrationPlan *plan, TargetTable table);
static void check_name_single(const MigrationPlan *plan, TargetTable table);
static char *free_column(const char *name);
static void check_no_times(const MigrationPlan *plan);
static bool key_is_unique(const MigrationPlan *plan);
static bool index_proves_key(Relation index, Relation rel,
							 const Mapping *mapping);
static void check_key(const MigrationPlan *plan);
static char *column_list(const Mapping *mapping, const char *prefix);

MigrationPlan *
chatmig_plan_make(const char *name)
{
	Registration *registration = chatmig_ledger_find(name);
	MigrationPlan *plan = palloc0(sizeof(MigrationPlan));

	if (registration == NULL)
		chatmig_ledger_not_found(name);
	plan->name = registration->name;
	plan->source = registration->source;
	plan_source(plan, registration->mapping);
	chatmig_options_parse(registration->options, &plan->options);
	chatmig_options_check_metadata(&plan->options, plan->mapping);
	plan_names(plan, registration->target);
	plan_target(plan);
	check_usage(plan, plan->schema);
	check_usage(plan, chatmig_ledger_schema_name());
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

char *
chatmig_plan_equality(Oid type)
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
	plan->source_owner = rel->rd_rel->relowner;
	plan->schema = get_namespace_name(RelationGetNamespace(rel));
	plan->mapping = chatmig_mapping_resolve(rel, mapping);
	lock_below(plan, rel->rd_rel->relkind);
	relation_close(rel, NoLock); /* the lock stays */
}

/*
 * Partitions, children, and what a view reads. A snapshot must be taken after
 * the locks: to one from before an ALTER TABLE that rewrote a table, and for
 * which the lock had to wait, that table is empty.
 */
static void
lock_below(const MigrationPlan *plan, char relkind)
{
	RoleState role;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_VIEW)
		return;
	chatmig_caller_become(&role, plan->source_owner);
	(void) chatmig_query_run(
		psprintf("LOCK TABLE %s IN ACCESS SHARE MODE", plan->source_name),
		NULL);
	chatmig_caller_resume(&role);
}

static void
plan_names(MigrationPlan *plan, Jsonb *target)
{
	const Mapping *mapping = plan->mapping;
	char *schema;

	chatmig_options_parse_target(target, &schema, plan->table_names);
	if (schema != NULL)
		plan->schema = schema;
	for (int i = 0; i < NUM_TARGETS; i++)
	{
		if (plan->table_names[i] == NULL)
			plan->table_names[i] =
				i == TARGET_TRACE ? makeObjectName(plan->name, "trace", NULL)
								  : pstrdup(chatmig_target_names[i]);
		plan->qualified[i] =
			quote_qualified_identifier(plan->schema, plan->table_names[i]);
	}
	plan->has_media = HAS_PART(mapping, PART_MEDIA);
	if (HAS_PART(mapping, PART_OWNER))
		plan->owner_column = free_column(mapping->parts[PART_OWNER].name);
	if (HAS_PART(mapping, PART_COUNTERPART))
		plan->counterpart_column =
			free_column(mapping->parts[PART_COUNTERPART].name);
}

/* What an earlier run recorded must be there; other names must be free. */
static void
plan_target(MigrationPlan *plan)
{
	LedgerTargets recorded;

	chatmig_ledger_load_targets(plan->name, &recorded);
	plan->migrated = recorded.migrated;
	plan->migrated_at = recorded.migrated_at;
	/* the user may have moved them, or renamed their schema */
	if (get_rel_name(recorded.tables[TARGET_MESSAGES]) != NULL)
		plan->schema = get_namespace_name(
			get_rel_namespace(recorded.tables[TARGET_MESSAGES]));
	check_schema(plan);
	for (TargetTable i = 0; i < NUM_TARGETS; i++)
	{
		/* one that a rollback had to keep may have been dropped since */
		if (recorded.migrated || get_rel_name(recorded.tables[i]) != NULL)
		{
			plan->tables[i] = recorded.tables[i];
			plan->created[i] = recorded.created[i];
		}
		if (i == TARGET_MEDIA && !plan->has_media)
			continue;
		if (OidIsValid(plan->tables[i]))
		{
			check_target_exists(plan, i);
			/* the user may have renamed it */
			plan->table_names[i] = get_rel_name(plan->tables[i]);
			plan->qualified[i] = quote_qualified_identifier(
				get_namespace_name(get_rel_namespace(plan->tables[i])),
				plan->table_names[i]);
		}
		else
			check_name_free(plan, i);
	}
}

/* The load runs as the source's owner, who must reach what it calls. */
static void
check_usage(const MigrationPlan *plan, const char *schema)
{
	char *role = GetUserNameFromId(plan->source_owner, false);

	if (pg_namespace_aclcheck(get_namespace_oid(schema, false),
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

static void
check_target_exists(const MigrationPlan *plan, TargetTable table)
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

/* Who may not create tables there by hand may not have them created. */
static void
check_schema(const MigrationPlan *plan)
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
	if (plan->migrated)
		return;
	check_create(plan, schema, GetUserId());
	/* the tables will be that role's, which adds the indexes */
	check_create(plan, schema, plan->source_owner);
}

static void
check_create(const MigrationPlan *plan, Oid schema, Oid role)
{
	if (pg_namespace_aclcheck(schema, role, ACL_CREATE) == ACLCHECK_OK)
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

static void
check_name_free(const MigrationPlan *plan, TargetTable table)
{
	Oid schema = get_namespace_oid(plan->schema, false);
	Oid taken = get_relname_relid(plan->table_names[table], schema);

	if (plan->migrated)
		elog(ERROR, "the %s table of migration \"%s\" is not recorded",
			 chatmig_target_names[table], plan->name);
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
			 "Register again with another name, for instance target => '{\"%s\": \"%s\"}', or with another schema, target => '{\"schema\": \"...\"}'.",
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
		if ((other == TARGET_MEDIA && !plan->has_media) ||
			OidIsValid(plan->tables[other]) ||
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

/* A group column keeps its name unless the default target has one like it. */
static char *
free_column(const char *name)
{
	static const char *const taken[] = {
		"id",         "title",      "description", "is_active", "metadata",
		"created_at", "updated_at", "url",         "type",      "summary"};

	for (int i = 0; i < lengthof(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return makeObjectName("owner", name, NULL);
	return pstrdup(name);
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
