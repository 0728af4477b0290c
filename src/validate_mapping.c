/*
 * validate_mapping.c
 *	  What is there to be looked at.
 *
 * In: a registration. Out: the source, its mapping and the plan, as far as
 * they exist and fit each other; a finding for what does not, and for each
 * check that needs it, why it cannot be made. What has been dropped or altered
 * since the registration is no error here.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "caller.h"
#include "validation.h"

#define NOT_MIGRATED "nothing has been migrated yet"

/* What is tried, and what it makes of the validation. */
typedef void (*Attempt)(Validation *validation,
						const Registration *registration);

static bool find_source(Validation *validation);
static void find_registered(Validation *validation);
static void find_targets(Validation *validation);
static void find_unrecorded(Validation *validation);
static const char *find_mapping(Validation *validation,
								const Registration *registration);
static void resolve_mapping(Validation *validation,
							const Registration *registration);
static const char *find_plan(Validation *validation,
							 const Registration *registration);
static void make_plan(Validation *validation, const Registration *registration);
static bool columns_fit(Validation *validation);
static Oid column_type(Oid relid, const char *name);
static bool types_fit(Validation *validation);
static bool type_fits(Validation *validation, const Column *column,
					  TargetTable table, const char *name);
static ErrorData *attempt(Attempt function, Validation *validation,
						  const Registration *registration);
static bool is_about_tables(const ErrorData *error);
static void find_error(Validation *validation, Check check,
					   CheckStatus severity, const ErrorData *error);
static void find(Validation *validation, Check check, CheckStatus severity,
				 const char *detail);

void
chatmig_validate_mapping(Validation *validation,
						 const Registration *registration)
{
	const char *why;

	if (!find_source(validation))
	{
		chatmig_validate_skip(validation, CHECK_LEGACY_KEY, NUM_CHECKS - 1,
							  "the legacy table does not exist");
		return;
	}
	find_registered(validation);
	find_targets(validation);
	why = find_mapping(validation, registration);
	if (why != NULL)
		chatmig_validate_skip(validation, CHECK_LEGACY_KEY, CHECK_LEGACY_EMPTY,
							  why);
	else
		why = find_plan(validation, registration);
	if (why != NULL)
		chatmig_validate_skip(validation, CHECK_LEGACY_UNMIGRATED,
							  CHECK_STATISTICS, why);
	if (!validation->targets.migrated)
		chatmig_validate_skip(validation, CHECK_EXTENSION_MEMBERS, CHECK_LEDGER,
							  NOT_MIGRATED);
}

static bool
find_source(Validation *validation)
{
	Relation rel = try_relation_open(validation->source, AccessShareLock);

	if (rel == NULL)
	{
		find(validation, CHECK_MAPPING, CHECK_VIOLATION,
			 psprintf("The legacy table, which had the OID %u, does not exist "
					  "any more.",
					  validation->source));
		return false;
	}
	chatmig_caller_check_owner(validation->source);
	validation->source_owner = rel->rd_rel->relowner;
	validation->source_name = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(rel)),
		RelationGetRelationName(rel));
	relation_close(rel, NoLock); /* the lock stays */
	chatmig_plan_lock_below(validation->source, validation->source_name,
							validation->source_owner);
	return true;
}

static void
find_registered(Validation *validation)
{
	QueryArgs args = {0};
	bool isnull;
	Datum time;

	chatmig_query_text_arg(&args, validation->name);
	time = chatmig_query_value(
		psprintf("SELECT s.registered_at FROM %s.chatmig_status AS s "
				 "WHERE s.migration = $1",
				 chatmig_ledger_schema()),
		&args, &isnull);
	validation->registered_at = isnull ? DT_NOBEGIN : DatumGetTimestampTz(time);
}

/* Those that are there are locked, so that they are still there later. */
static void
find_targets(Validation *validation)
{
	LedgerTargets *targets = &validation->targets;

	chatmig_ledger_load_targets(validation->name, targets);
	for (TargetTable i = 0; targets->migrated && i < NUM_TARGETS; i++)
	{
		Oid relid = targets->tables[i];

		if (!OidIsValid(relid))
			continue;
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			LockRelationOid(relid, AccessShareLock);
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			continue;
		validation->is_target_missing = true;
		targets->tables[i] = InvalidOid;
		find(validation, CHECK_LEDGER, CHECK_VIOLATION,
			 psprintf("The %s table, which had the OID %u, does not exist any "
					  "more.",
					  chatmig_target_names[i], relid));
	}
	find_unrecorded(validation);
}

/* Nothing can be compared unless these two are known. */
static void
find_unrecorded(Validation *validation)
{
	static const TargetTable needed[] = {TARGET_MESSAGES, TARGET_TRACE};
	const LedgerTargets *targets = &validation->targets;

	for (int i = 0; i < lengthof(needed); i++)
	{
		if (!targets->migrated || validation->is_target_missing ||
			OidIsValid(targets->tables[needed[i]]))
			continue;
		validation->is_target_missing = true;
		find(validation, CHECK_LEDGER, CHECK_VIOLATION,
			 psprintf("The migration has been run, and chatmig_target does not "
					  "say which table is its %s table.",
					  chatmig_target_names[needed[i]]));
	}
}

/* Returns why there is none that could be used, or NULL. */
static const char *
find_mapping(Validation *validation, const Registration *registration)
{
	ErrorData *error = attempt(resolve_mapping, validation, registration);

	if (error == NULL)
		return NULL;
	validation->mapping = NULL;
	find_error(validation, CHECK_MAPPING, CHECK_VIOLATION, error);
	return "the mapping does not fit the legacy table";
}

static void
resolve_mapping(Validation *validation, const Registration *registration)
{
	Relation rel = relation_open(validation->source, AccessShareLock);

	validation->mapping = chatmig_mapping_resolve(rel, registration->mapping);
	relation_close(rel, NoLock);
}

/* Returns why there is none that has been carried out, or NULL. */
static const char *
find_plan(Validation *validation, const Registration *registration)
{
	bool is_migrated = validation->targets.migrated;
	ErrorData *error;

	if (validation->is_target_missing)
		return "a table that was migrated into does not exist";
	error = attempt(make_plan, validation, registration);
	if (error == NULL && is_migrated && columns_fit(validation) &&
		types_fit(validation))
		return NULL;

	validation->plan = NULL;
	if (!is_migrated)
	{
		/* chatmig_migrate() would refuse, too */
		if (error != NULL)
			find_error(validation, CHECK_MAPPING, CHECK_WARNING, error);
		return NOT_MIGRATED;
	}
	if (error == NULL)
		return "the tables are not as they were, see the checks \"mapping\" "
			   "and \"ledger\"";
	find_error(validation, CHECK_LEDGER, CHECK_VIOLATION, error);
	return "see the check \"ledger\"";
}

static void
make_plan(Validation *validation, const Registration *registration)
{
	validation->plan = chatmig_plan_make(registration->name);
}

/* What the other checks read must be there, as target.c made it. */
static bool
columns_fit(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const Oid conversation = plan->id_types[TARGET_CONVERSATIONS];
	const Oid message = plan->id_types[TARGET_MESSAGES];
	const Oid medium = plan->id_types[TARGET_MEDIA];
	const Oid any = InvalidOid;
	const struct
	{
		TargetTable table;
		const char *name;
		Oid type;
	} columns[] = {
		{TARGET_CONVERSATIONS, "id", conversation},
		{TARGET_CONVERSATIONS, "metadata", JSONBOID},
		{TARGET_CONVERSATIONS, "created_at", TIMESTAMPTZOID},
		{TARGET_CONVERSATIONS, "updated_at", TIMESTAMPTZOID},
		{TARGET_MESSAGES, "id", message},
		{TARGET_MESSAGES, "conversation_id", conversation},
		{TARGET_MESSAGES, "position", INT4OID},
		{TARGET_MESSAGES, "role", any},
		{TARGET_MESSAGES, "content", any},
		{TARGET_MESSAGES, "model", any},
		{TARGET_MESSAGES, "tokens", any},
		{TARGET_MESSAGES, "metadata", JSONBOID},
		{TARGET_MESSAGES, "media_id", medium},
		{TARGET_MESSAGES, "reply_to_id", message},
		{TARGET_MESSAGES, "created_at", TIMESTAMPTZOID},
		{TARGET_MEDIA, "id", medium},
		{TARGET_MEDIA, "url", any},
		{TARGET_MEDIA, "type", any},
		{TARGET_MEDIA, "created_at", TIMESTAMPTZOID},
		{TARGET_TRACE, "fingerprint", INT8OID},
		{TARGET_TRACE, "conversation_id", conversation},
		{TARGET_TRACE, "message_ids", get_array_type(message)},
		{TARGET_TRACE, "media_id", medium},
	};
	bool fits = true;

	for (int i = 0; i < lengthof(columns); i++)
	{
		TargetTable table = columns[i].table;
		Oid type;

		/* where the tables are not ours, the plan has looked at them */
		if (!plan->uses[table] || plan->fields[table] != NULL)
			continue;
		type = column_type(plan->tables[table], columns[i].name);
		if (OidIsValid(type) &&
			(columns[i].type == any || columns[i].type == type))
			continue;
		find(validation, CHECK_LEDGER, CHECK_VIOLATION,
			 OidIsValid(type)
				 ? psprintf("Column \"%s\" of %s has the type %s, not %s.",
							columns[i].name, plan->qualified[table],
							format_type_be(type),
							format_type_be(columns[i].type))
				 : psprintf("Column \"%s\" of %s does not exist.",
							columns[i].name, plan->qualified[table]));
		fits = false;
	}
	return fits;
}

/* InvalidOid: there is no such column. */
static Oid
column_type(Oid relid, const char *name)
{
	AttrNumber attnum = get_attnum(relid, name);

	return attnum == InvalidAttrNumber ? InvalidOid
									   : get_atttype(relid, attnum);
}

/* Values are compared with what was made of them: types must not change. */
static bool
types_fit(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const Mapping *mapping = plan->mapping;
	bool fits = true;

	for (int i = 0; i < mapping->nkeys; i++)
		fits &= type_fits(validation, &mapping->keys[i], TARGET_TRACE,
						  psprintf("key_%d", i + 1));
	if (plan->owner_column)
		fits &= type_fits(validation, &mapping->parts[PART_OWNER],
						  TARGET_CONVERSATIONS, plan->owner_column);
	if (plan->counterpart_column)
		fits &= type_fits(validation, &mapping->parts[PART_COUNTERPART],
						  TARGET_CONVERSATIONS, plan->counterpart_column);
	return fits;
}

static bool
type_fits(Validation *validation, const Column *column, TargetTable table,
		  const char *name)
{
	const MigrationPlan *plan = validation->plan;
	Oid type;

	if (!plan->uses[table] || plan->fields[table] != NULL)
		return true;
	type = column_type(plan->tables[table], name);
	if (type == column->type)
		return true;
	find(validation, CHECK_MAPPING, CHECK_VIOLATION,
		 psprintf("The column \"%s\" of the legacy table has the type %s; "
				  "column \"%s\" of %s %s%s.",
				  column->name, format_type_be(column->type), name,
				  plan->qualified[table],
				  OidIsValid(type) ? "has the type " : "does not exist",
				  OidIsValid(type) ? format_type_be(type) : ""));
	return false;
}

/*
 * Calls a function in a subtransaction. Returns NULL, or the error if it says
 * that tables or columns are not what they should be; others go on.
 */
static ErrorData *
attempt(Attempt function, Validation *validation,
		const Registration *registration)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(validation, registration);
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

	if (error != NULL && !is_about_tables(error))
		ReThrowError(error);
	return error;
}

static bool
is_about_tables(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION):
			return error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE;
		case ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_SCHEMA_NAME):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED):
			return true;
		default:
			return false;
	}
}

static void
find_error(Validation *validation, Check check, CheckStatus severity,
		   const ErrorData *error)
{
	find(validation, check, severity,
		 error->detail == NULL
			 ? psprintf("%s.", error->message)
			 : psprintf("%s. %s", error->message, error->detail));
}

static void
find(Validation *validation, Check check, CheckStatus severity,
	 const char *detail)
{
	Violation violation = {.detail = detail};

	chatmig_validate_find(validation, check, severity, &violation);
}
