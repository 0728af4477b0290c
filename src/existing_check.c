/*
 * existing_check.c
 *	  What can stand in the way of filling a table that was there before.
 *
 * In: a plan that says which columns of the table are for what. Out: nothing,
 * or an error that names all that is amiss. Reads catalogs alone; what only the
 * rows can tell is for accept.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "existing_check.h"

/* Of a uuid as text. */
#define ID_CHARACTERS 36

static void check_lengths(const MigrationPlan *plan, TargetTable table);
static bool is_no_string(Oid type);
static void check_unfilled(const MigrationPlan *plan, TargetTable table,
						   TupleDesc desc);
static bool is_filled(const MigrationPlan *plan, TargetTable table,
					  Form_pg_attribute attribute);
static bool is_used(const Column *fields, AttrNumber attnum);

void
chatmig_existing_check(const MigrationPlan *plan, TargetTable table,
					   TupleDesc desc)
{
	check_lengths(plan, table);
	if (plan->tables[table] != plan->source)
		check_unfilled(plan, table, desc);
}

/* A domain can forbid it, too. */
bool
chatmig_existing_not_null(Form_pg_attribute attribute)
{
	Oid type = attribute->atttypid;
	bool result = attribute->attnotnull;

	while (!result && get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		result = form->typnotnull;
		type = form->typbasetype;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Ids that chatmig gives are uuids; in a text, that takes its room. */
static void
check_lengths(const MigrationPlan *plan, TargetTable table)
{
	static const Field ids[] = {FIELD_ID, FIELD_CONVERSATION, FIELD_MEDIA,
								FIELD_REPLY_TO};
	const char *name = plan->qualified[table];
	bool stays = plan->tables[table] == plan->source;

	for (int i = 0; i < lengthof(ids); i++)
	{
		const Column *column = &plan->fields[table][ids[i]];

		if (column->name == NULL || is_no_string(column->type) ||
			column->typmod < 0 || column->typmod - VARHDRSZ >= ID_CHARACTERS ||
			(stays && ids[i] != FIELD_CONVERSATION))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of %s is too short for an id",
						column->name, name),
				 errdetail("It takes %d characters; an id that chatmig gives "
						   "has %d.",
						   column->typmod - (int) VARHDRSZ, ID_CHARACTERS),
				 errhint("ALTER TABLE %s ALTER COLUMN %s TYPE varchar(%d).",
						 name, quote_identifier(column->name), ID_CHARACTERS)));
	}
}

/* By the migration, or by a default where it has nothing for it. */
static bool
is_filled(const MigrationPlan *plan, TargetTable table,
		  Form_pg_attribute attribute)
{
	const Column *fields = plan->fields[table];
	AttrNumber attnum = attribute->attnum;
	bool has_default = attribute->atthasdef || attribute->attidentity != '\0' ||
					   attribute->attgenerated != '\0';
	bool has_times =
		plan->mapping->time_kind != TIME_NONE ||
		(table == TARGET_CONVERSATIONS && plan->options.owner_times);

	if (!is_used(fields, attnum))
		return has_default;
	if (attnum == fields[FIELD_ID].attnum)
		return has_default || plan->id_types[table] == TEXTOID ||
			   plan->id_types[table] == UUIDOID;
	/* the first message is no reply, and not each has a medium */
	if ((fields[FIELD_REPLY_TO].name != NULL &&
		 attnum == fields[FIELD_REPLY_TO].attnum) ||
		(fields[FIELD_MEDIA].name != NULL &&
		 attnum == fields[FIELD_MEDIA].attnum))
		return false;
	/* a default would be the time of the migration */
	if ((fields[FIELD_CREATED_AT].name != NULL &&
		 attnum == fields[FIELD_CREATED_AT].attnum) ||
		(fields[FIELD_UPDATED_AT].name != NULL &&
		 attnum == fields[FIELD_UPDATED_AT].attnum))
		return has_times;
	return true;
}

/* Every row would be refused; better now than after an hour. */
static void
check_unfilled(const MigrationPlan *plan, TargetTable table, TupleDesc desc)
{
	const char *name = plan->qualified[table];
	StringInfoData names;
	int n = 0;

	initStringInfo(&names);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || !chatmig_existing_not_null(attribute) ||
			is_filled(plan, table, attribute))
			continue;
		appendStringInfo(&names, "%s\"%s\"", n++ > 0 ? ", " : "",
						 NameStr(attribute->attname));
	}
	if (n == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_NOT_NULL_VIOLATION),
		 errmsg_plural(
			 "column %s of %s is NOT NULL, and nothing would fill it",
			 "columns %s of %s are NOT NULL, and nothing would fill them", n,
			 names.data, name),
		 errdetail(
			 "Migration \"%s\" has no value for it, or not for every row; nor has it a default that would be right.",
			 plan->name),
		 errhint(
			 "ALTER TABLE %s ALTER COLUMN ... SET DEFAULT ..., or ... DROP NOT NULL; or, if it is the column for something that the migration has, name it: target => '{\"%s\": {\"table\": ..., \"columns\": {...}}}'.",
			 name, chatmig_target_names[table])));
}

static bool
is_no_string(Oid type)
{
	Oid base = getBaseType(type);

	return base == UUIDOID || base == INT4OID || base == INT8OID;
}

static bool
is_used(const Column *fields, AttrNumber attnum)
{
	for (Field field = 0; field < NUM_FIELDS; field++)
		if (fields[field].name != NULL && fields[field].attnum == attnum)
			return true;
	return false;
}
