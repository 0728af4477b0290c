/*
 * register.c
 *	  Registering a legacy table, and forgetting it again.
 *
 * In: what the user wrote. Out: a row of the ledger with a complete mapping
 * (draft.c completes it). What cannot be a source, or was migrated already, is
 * refused here. Writes nothing but the ledger.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "amend.h"
#include "arguments.h"
#include "caller.h"
#include "draft.h"
#include "ledger.h"
#include "options.h"
#include "plan.h"
#include "profile.h"
#include "register.h"

static Relation open_source(Oid source);
static void check_source(Relation rel);
static void name_profile(void *profile);
static void check_arguments(const Description *given);
static char *choose_name(const RegisterRequest *request, Relation rel);
static Registration *complete(const RegisterRequest *request,
							  const Description *given, Relation rel,
							  char *name);
static void wait_for_run(const char *name, bool migrated);
static void check_same_source(const Registration *old, Oid source,
							  bool migrated);
static bool same_registration(const Registration *a, const Registration *b);
static bool same_jsonb(Jsonb *a, Jsonb *b);
static void check_may_remove(const Registration *registration);
static Jsonb *or_empty(Jsonb *given);

char *
chatmig_register_add(const RegisterRequest *request)
{
	CallerState caller;
	Relation rel;
	char *name;
	Registration *old;
	Registration *new;
	LedgerTargets targets;
	Description given = {request->mapping, request->target, request->options};
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = name_profile,
									.arg =
										unconstify(char *, request->profile)};

	chatmig_arguments_check_size(request->mapping, "mapping");
	chatmig_arguments_check_size(request->target, "target");
	chatmig_arguments_check_size(request->options, "options");
	chatmig_caller_enter(&caller);
	rel = open_source(request->source);
	check_source(rel);
	name = choose_name(request, rel);

	old = chatmig_ledger_find(name);
	chatmig_ledger_load_targets(name, &targets);
	if (old != NULL)
		check_same_source(old, request->source, targets.migrated);
	if (request->profile != NULL)
	{
		Profile *profile = chatmig_profile_find(request->profile);

		error_context_stack = &context;
		chatmig_profile_apply(
			profile, rel, old != NULL && targets.migrated ? old->mapping : NULL,
			&given);
	}
	check_arguments(&given);
	new = targets.migrated
			  ? chatmig_amend_registration(old, given.mapping, given.target,
										   given.options)
			  : complete(request, &given, rel, name);
	if (old == NULL || !same_registration(old, new))
	{
		if (old != NULL)
			wait_for_run(name, targets.migrated);
		chatmig_ledger_store(new);
	}

	/* whatever else stands in the way is better known now than at night */
	(void) chatmig_plan_make(name);
	error_context_stack = context.previous;
	relation_close(rel, NoLock);
	chatmig_caller_leave(&caller);
	return name;
}

void
chatmig_register_remove(const char *name)
{
	CallerState caller;
	Registration *registration;
	LedgerTargets targets;

	chatmig_caller_enter(&caller);
	registration = chatmig_ledger_get(name);
	check_may_remove(registration);
	chatmig_ledger_lock(name);
	chatmig_ledger_load_targets(name, &targets);
	if (targets.migrated)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" is migrated", name),
			 errdetail(
				 "Forgetting it would lose the way back to the legacy rows."),
			 errhint(
				 "Run SELECT * FROM chatmig_rollback(%s) first. To keep the new tables and stop using chatmig, run DROP EXTENSION chatmig: it leaves them in place.",
				 quote_literal_cstr(name))));
	chatmig_ledger_forget(name);
	chatmig_caller_leave(&caller);
}

static Relation
open_source(Oid source)
{
	Relation rel =
		OidIsValid(source) ? try_relation_open(source, AccessShareLock) : NULL;

	if (rel == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("no such table to register"),
			 errdetail("The source is %s.", OidIsValid(source)
												? psprintf("the OID %u", source)
												: "NULL"),
			 errhint(
				 "SELECT * FROM chatmig_detect() lists the tables that hold a chat history.")));
	return rel;
}

/* Only what a user made, keeps, and owns can be a source. */
static void
check_source(Relation rel)
{
	const char *refused = NULL;

	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			refused = "It is no table or view.";
	}
	if (IsCatalogRelation(rel) ||
		IsCatalogNamespace(RelationGetNamespace(rel)) ||
		strcmp(get_namespace_name(RelationGetNamespace(rel)),
			   "information_schema") == 0)
		refused = "It belongs to the system.";
	else if (isAnyTempNamespace(RelationGetNamespace(rel)))
		refused = "It is temporary, and would be gone before it is migrated.";
	else if (chatmig_ledger_is_member(RelationGetRelid(rel)))
		refused = "It belongs to the extension chatmig.";
	if (refused != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" cannot be migrated", RelationGetRelationName(rel)),
			 errdetail("%s", refused),
			 errhint(
				 "SELECT * FROM chatmig_detect() lists the tables that hold a chat history.")));
	chatmig_caller_check_owner(RelationGetRelid(rel));
}

/* What is refused may not be what the user wrote. */
static void
name_profile(void *profile)
{
	errcontext("profile \"%s\"", (const char *) profile);
}

static void
check_arguments(const Description *given)
{
	Options options;
	Destination destination;

	chatmig_options_parse(or_empty(given->options), &options);
	chatmig_destination_parse(or_empty(given->target), &destination);
}

static char *
choose_name(const RegisterRequest *request, Relation rel)
{
	if (request->name == NULL)
		return pstrdup(RelationGetRelationName(rel));
	if (request->name[0] == '\0' || strlen(request->name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name \"%s\" for a migration", request->name),
				 errdetail("A name has 1 to %d bytes.", NAMEDATALEN - 1),
				 errhint("Choose another name.")));
	return pstrdup(request->name);
}

static Registration *
complete(const RegisterRequest *request, const Description *given, Relation rel,
		 char *name)
{
	Registration *registration = palloc0(sizeof(Registration));
	RoleState role;

	registration->name = name;
	registration->source = request->source;
	registration->target = or_empty(given->target);
	registration->options = or_empty(given->options);
	if (request->profile != NULL)
		registration->profile = pstrdup(request->profile);
	/* it may read a number, and a view may call anything for that */
	chatmig_caller_become(&role, rel->rd_rel->relowner);
	registration->mapping =
		chatmig_draft_mapping(rel, or_empty(given->mapping));
	chatmig_caller_resume(&role);
	return registration;
}

/* No run is under way from here on, and none has been since we looked. */
static void
wait_for_run(const char *name, bool migrated)
{
	LedgerTargets targets;

	chatmig_ledger_lock(name);
	chatmig_ledger_load_targets(name, &targets);
	if (targets.migrated != migrated)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("migration \"%s\" was %s meanwhile", name,
					migrated ? "rolled back" : "migrated"),
			 errdetail("Its registration is as it was."),
			 errhint(
				 "Look at chatmig_status, and call chatmig_register() again if it is still to change.")));
}

/* A name may be taken over from a table that is gone, unless it is in use. */
static void
check_same_source(const Registration *old, Oid source, bool migrated)
{
	char *name = get_rel_name(old->source);

	if (old->source == source || (name == NULL && !migrated))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DUPLICATE_OBJECT),
		 errmsg("migration \"%s\" is registered for another table", old->name),
		 errdetail(
			 "Its source is %s.",
			 name
				 ? quote_qualified_identifier(
					   get_namespace_name(get_rel_namespace(old->source)), name)
				 : "dropped"),
		 errhint("Choose a name: chatmig_register(..., name => '...').")));
}

static bool
same_registration(const Registration *a, const Registration *b)
{
	return a->source == b->source && same_jsonb(a->mapping, b->mapping) &&
		   same_jsonb(a->target, b->target) &&
		   same_jsonb(a->options, b->options) &&
		   strcmp(a->profile ? a->profile : "", b->profile ? b->profile : "") ==
			   0;
}

static bool
same_jsonb(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

/* Nobody owns a table that is gone: then it takes a superuser. */
static void
check_may_remove(const Registration *registration)
{
	if (get_rel_name(registration->source) != NULL)
		chatmig_caller_check_owner(registration->source);
	else if (!superuser())
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be superuser to unregister migration \"%s\"",
					registration->name),
			 errdetail(
				 "Its legacy table has been dropped, so that nobody owns it."),
			 errhint("Ask a superuser to call chatmig_unregister(%s).",
					 quote_literal_cstr(registration->name))));
}

static Jsonb *
or_empty(Jsonb *given)
{
	JsonbParseState *state = NULL;

	if (given != NULL)
		return given;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
