/*
 * owner_table.c
 *	  The table of the owners: the users, the workspaces.
 *
 * In: a plan whose options ask for owners without messages, or for owners'
 * times. Out: which table that is, and its columns for key and times. Reads
 * catalogs alone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "field.h"
#include "keys.h"
#include "owner_table.h"
#include "vocabulary.h"

static char *time_of(const MigrationPlan *plan, const Column *column);
static Oid find_table(const MigrationPlan *plan, AttrNumber *key);
static void find_time(const MigrationPlan *plan, Relation rel, Field field,
					  Column *column);
static void take(Form_pg_attribute attribute, Column *column);
static void check_right(const MigrationPlan *plan);

void
chatmig_owner_find(MigrationPlan *plan)
{
	OwnerTable *owner = &plan->owner_table;
	AttrNumber key = InvalidAttrNumber;
	Relation rel;

	owner->relid = find_table(plan, &key);
	if (!OidIsValid(owner->relid))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("the owners of migration \"%s\" are in no table",
					plan->name),
			 errdetail(
				 "The options empty_owners and times need the table that the owner refers to; %s.",
				 HAS_PART(plan->mapping, PART_OWNER)
					 ? psprintf("column \"%s\" of %s has no foreign key",
								plan->mapping->parts[PART_OWNER].name,
								plan->source_name)
					 : psprintf("%s has no owner", plan->source_name)),
			 errhint(
				 "ALTER TABLE %s ADD FOREIGN KEY (...) REFERENCES ...; or register without these options.",
				 plan->source_name)));
	rel = table_open(owner->relid, AccessShareLock);
	owner->qualified = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(rel)),
		RelationGetRelationName(rel));
	take(TupleDescAttr(RelationGetDescr(rel), key - 1), &owner->key);
	find_time(plan, rel, FIELD_CREATED_AT, &owner->created_at);
	find_time(plan, rel, FIELD_UPDATED_AT, &owner->updated_at);
	check_right(plan);
	table_close(rel, NoLock); /* nobody alters it before the run */
}

char *
chatmig_owner_join(const MigrationPlan *plan)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];

	return chatmig_keys_equal(
		psprintf("o.%s", quote_identifier(plan->owner_table.key.name)),
		plan->owner_table.key.type,
		psprintf("s.%s", quote_identifier(owner->name)), owner->type);
}

/* Where an owner was never updated, that was when it was created. */
char *
chatmig_owner_time(const MigrationPlan *plan, Field field)
{
	const OwnerTable *owner = &plan->owner_table;
	const Column *column =
		field == FIELD_CREATED_AT ? &owner->created_at : &owner->updated_at;

	if (field == FIELD_UPDATED_AT && column->name != NULL)
		return psprintf("coalesce(%s, %s)", time_of(plan, column),
						time_of(plan, &owner->created_at));
	return time_of(plan, &owner->created_at);
}

static char *
time_of(const MigrationPlan *plan, const Column *column)
{
	char *value;

	if (column->name == NULL)
		return pstrdup("NULL::timestamptz");
	value = psprintf("o.%s", quote_identifier(column->name));
	if (getBaseType(column->type) == TIMESTAMPTZOID)
		return value;
	return psprintf("timezone(%s, %s)",
					quote_literal_cstr(plan->options.time_zone), value);
}

static Oid
find_table(const MigrationPlan *plan, AttrNumber *key)
{
	Oid result = InvalidOid;
	ListCell *lc;

	if (!HAS_PART(plan->mapping, PART_OWNER))
		return InvalidOid;
	foreach(lc, chatmig_keys_foreign(plan->source,
									 plan->mapping->parts[PART_OWNER].attnum))
	{
		HeapTuple tuple =
			SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(lc)));
		Datum columns;
		bool isnull;

		if (!HeapTupleIsValid(tuple))
			continue;
		result = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
		columns = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_confkey,
								  &isnull);
		*key = ((AttrNumber *) ARR_DATA_PTR(DatumGetArrayTypeP(columns)))[0];
		ReleaseSysCache(tuple);
	}
	return result;
}

/* By its name, as a conversation's time is found. */
static void
find_time(const MigrationPlan *plan, Relation rel, Field field, Column *column)
{
	TupleDesc desc = RelationGetDescr(rel);
	int n;
	const FieldDefinition *definitions =
		chatmig_field_definitions(TARGET_CONVERSATIONS, &n);
	const char *best = NULL;

	for (int i = 0; i < n; i++)
	{
		if (definitions[i].field != field)
			continue;
		for (int k = 0; k < desc->natts; k++)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, k);
			Oid type;
			const char *at;

			if (attribute->attisdropped)
				continue;
			type = getBaseType(attribute->atttypid);
			if (type != TIMESTAMPOID && type != TIMESTAMPTZOID)
				continue;
			at = strstr(definitions[i].synonyms,
						psprintf(" %s ", chatmig_vocabulary_normalise(
											 NameStr(attribute->attname))));
			if (at == NULL || (best != NULL && at >= best))
				continue;
			best = at;
			take(attribute, column);
		}
	}
	if (column->name == NULL && field == FIELD_CREATED_AT &&
		plan->options.owner_times)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("no column of %s says when its rows were made",
					plan->owner_table.qualified),
			 errdetail(
				 "Option \"times\" of migration \"%s\" gives conversations the times of their owners.",
				 plan->name),
			 errhint("Register with options => '{\"times\": \"messages\"}'.")));
}

static void
take(Form_pg_attribute attribute, Column *column)
{
	column->name = pstrdup(NameStr(attribute->attname));
	column->attnum = attribute->attnum;
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->collation = attribute->attcollation;
	column->not_null = attribute->attnotnull;
}

static void
check_right(const MigrationPlan *plan)
{
	char *role = GetUserNameFromId(plan->source_owner, false);

	if (pg_class_aclcheck(plan->owner_table.relid, plan->source_owner,
						  ACL_SELECT) == ACLCHECK_OK)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("role \"%s\" may not SELECT %s", role,
				plan->owner_table.qualified),
		 errdetail(
			 "It owns %s, and migration \"%s\" reads and writes as that role.",
			 plan->source_name, plan->name),
		 errhint("GRANT SELECT ON %s TO %s.", plan->owner_table.qualified,
				 quote_identifier(role))));
}
