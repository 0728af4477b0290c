/*
 * serve_cache.c
 *	  The targets that this backend serves, kept from call to call.
 *
 * In: a migration's name. Out: its target and its prepared statements, which
 * belong to this file. A target that is no longer valid may still be in use,
 * by a call around this one (a trigger on the messages calls chatmig, too): it
 * is freed at the end of the transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "serve_cache.h"

/* All in TopMemoryContext. */
static List *targets = NIL;
static List *retired = NIL;        /* until the transaction ends */
static ServeTarget *only = NULL;   /* what is meant where none is named, */
static Oid only_of = InvalidOid;   /* by this role; and the messages */
static List *asked = NIL;          /* on which its rights were asked for */
static Oid ledger = InvalidOid;    /* the ledger's relation */
static bool has_callbacks = false; /* they cannot be taken back */
static bool has_changed = false;   /* anything, while a target is made */

static void register_callbacks(void);
static void forget_relation(Datum arg, Oid relid);
static void forget_all(Datum arg, int cache, uint32 hash);
static void forget_type(Datum arg, int cache, uint32 hash);
static void forget_only(Datum arg, int cache, uint32 hash);
static bool fills(const ServeTarget *target, Oid relid);
static void end_transaction(XactEvent event, void *arg);
static void retire_invalid(void);
static ServeTarget *find(const char *migration);
static ServeTarget *make(const char *migration);
static char *only_migrated(void);
static List *within_rights(List *names);
static bool has_rights(Oid relid);
static char *same_target(List *names);
static void retire(ServeTarget *target);

ServeTarget *
chatmig_serve_cache_get(const char *migration)
{
	bool is_only = migration == NULL;
	ServeTarget *target;

	/* what others have changed is known from the transaction's start on */
	register_callbacks();
	retire_invalid();
	if (is_only && only != NULL && only_of == GetUserId())
		return only;
	has_changed = false;
	ledger = chatmig_ledger_relation();
	if (is_only)
		migration = only_migrated();
	target = find(migration);
	if (target == NULL)
	{
		target = make(migration);
		target->is_valid = !has_changed;
		/* from an old snapshot: what others have changed since is not in it */
		target->is_transient = IsolationUsesXactSnapshot();
	}
	if (is_only && !has_changed && !IsolationUsesXactSnapshot())
	{
		only = target;
		only_of = GetUserId();
	}
	return target;
}

QueryPlan *
chatmig_serve_cache_plan(ServeTarget *target, ServeStatement statement,
						 int variant, char *(*build)(const ServeTarget *, int),
						 const QueryArgs *args)
{
	int number = statement * MAX_SERVE_VARIANTS + variant;
	QueryPlan *plan;

	Assert(variant < MAX_SERVE_VARIANTS);
	for (int i = 0; i < target->nplans; i++)
		if (target->plans[i].number == number)
			return target->plans[i].plan;
	plan = chatmig_query_prepare(build(target, variant), args);
	if (target->nplans == target->max_plans)
	{
		target->max_plans = Max(8, target->max_plans * 2);
		target->plans =
			target->plans == NULL
				? MemoryContextAlloc(target->context,
									 sizeof(ServePlan) * target->max_plans)
				: repalloc(target->plans,
						   sizeof(ServePlan) * target->max_plans);
	}
	target->plans[target->nplans].number = number;
	target->plans[target->nplans++].plan = plan;
	return plan;
}

static void
register_callbacks(void)
{
	if (has_callbacks)
		return;
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, forget_all, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, forget_type, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_only, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	has_callbacks = true;
}

/* No catalog may be read in here. */
static void
forget_relation(Datum arg, Oid relid)
{
	ListCell *lc;

	has_changed = true;
	foreach(lc, targets)
	{
		ServeTarget *target = lfirst(lc);

		if (!OidIsValid(relid) || relid == ledger || fills(target, relid))
			target->is_valid = false;
	}
	/* or rights were given or taken */
	if (!OidIsValid(relid) || relid == ledger || list_member_oid(asked, relid))
		only = NULL;
}

static void
forget_all(Datum arg, int cache, uint32 hash)
{
	forget_relation(arg, InvalidOid);
}

/* Types come and go with every temporary table: only those that matter. */
static void
forget_type(Datum arg, int cache, uint32 hash)
{
	ListCell *lc;

	has_changed = true;
	foreach(lc, targets)
	{
		ServeTarget *target = lfirst(lc);

		if (hash == 0 || list_member_int(target->role_types, (int) hash))
			target->is_valid = false;
	}
}

static void
forget_only(Datum arg, int cache, uint32 hash)
{
	only = NULL;
}

static bool
fills(const ServeTarget *target, Oid relid)
{
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (target->tables[table].relid == relid)
			return true;
	return false;
}

static void
end_transaction(XactEvent event, void *arg)
{
	ListCell *lc;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	foreach(lc, targets)
	{
		ServeTarget *target = lfirst(lc);

		if (target->is_transient)
			target->is_valid = false;
	}
	foreach(lc, retired)
	{
		ServeTarget *target = lfirst(lc);

		for (int i = 0; i < target->nplans; i++)
			chatmig_query_free(target->plans[i].plan);
		MemoryContextDelete(target->context);
	}
	list_free(retired);
	retired = NIL;
}

static void
retire_invalid(void)
{
	ListCell *lc;

	foreach(lc, targets)
	{
		ServeTarget *target = lfirst(lc);

		if (target->is_valid)
			continue;
		targets = foreach_delete_current(targets, lc);
		if (only == target)
			only = NULL;
		retire(target);
	}
}

static ServeTarget *
find(const char *migration)
{
	ListCell *lc;

	foreach(lc, targets)
	{
		ServeTarget *target = lfirst(lc);

		if (strcmp(target->migration, migration) == 0)
			return target;
	}
	return NULL;
}

/* In a context of its own, which an error takes along. */
static ServeTarget *
make(const char *migration)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig serve target", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ServeTarget *target = chatmig_serve_target_make(migration);

	MemoryContextSwitchTo(TopMemoryContext);
	targets = lappend(targets, target);
	MemoryContextSetParent(context, TopMemoryContext);
	MemoryContextSwitchTo(old);
	return target;
}

static char *
only_migrated(void)
{
	List *all = chatmig_ledger_migrated_names();
	List *names = within_rights(all);
	char *name = NULL;
	StringInfoData list;
	ListCell *lc;

	/* with no right on any, the tables say so where it is clear which */
	if (all != NIL)
		name = same_target(names == NIL ? all : names);
	if (name != NULL)
		return name;
	if (all == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no migration has been run"),
				 errdetail("There are no tables to serve conversations from."),
				 errhint("SELECT * FROM chatmig_status lists the registered "
						 "ones; chatmig_migrate() runs them.")));
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the messages of each migration"),
				 errdetail("There are several, and none is named."),
				 errhint("Ask the owner of the tables for rights on them.")));
	initStringInfo(&list);
	foreach(lc, names)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 quote_literal_cstr(lfirst(lc)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there are several migrations, and none is named"),
					errdetail("They have filled different tables."),
					errhint("Say which: migration => one of %s.", list.data)));
}

/*
 * Those whose messages the caller may read or write: what others migrate for
 * themselves neither makes a call ambiguous nor receives what it writes.
 */
static List *
within_rights(List *names)
{
	List *result = NIL;
	ListCell *lc;

	list_free(asked);
	asked = NIL;
	foreach(lc, names)
	{
		LedgerTargets filled;
		MemoryContext old;

		chatmig_ledger_load_targets(lfirst(lc), &filled);
		old = MemoryContextSwitchTo(TopMemoryContext);
		asked = lappend_oid(asked, filled.tables[TARGET_MESSAGES]);
		MemoryContextSwitchTo(old);
		if (has_rights(filled.tables[TARGET_MESSAGES]))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* False for a table that has been dropped. */
static bool
has_rights(Oid relid)
{
	const AclMode any = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	bool is_missing = false;

	return (pg_class_aclcheck_ext(relid, GetUserId(), any, &is_missing) ==
				ACLCHECK_OK &&
			!is_missing) ||
		   (!is_missing &&
			pg_attribute_aclcheck_all(relid, GetUserId(),
									  ACL_SELECT | ACL_INSERT | ACL_UPDATE,
									  ACLMASK_ANY) == ACLCHECK_OK);
}

/* One of several that have filled the same tables; NULL: they have not. */
static char *
same_target(List *names)
{
	char *result = linitial(names);
	LedgerTargets first;
	ListCell *lc;

	chatmig_ledger_load_targets(result, &first);
	for_each_from(lc, names, 1)
	{
		LedgerTargets other;

		chatmig_ledger_load_targets(lfirst(lc), &other);
		if (other.tables[TARGET_CONVERSATIONS] !=
				first.tables[TARGET_CONVERSATIONS] ||
			other.tables[TARGET_MESSAGES] != first.tables[TARGET_MESSAGES])
			return NULL;
		/* one that has no media of its own may do, too */
		if (!OidIsValid(first.tables[TARGET_MEDIA]))
		{
			result = lfirst(lc);
			first = other;
		}
		else if (OidIsValid(other.tables[TARGET_MEDIA]) &&
				 other.tables[TARGET_MEDIA] != first.tables[TARGET_MEDIA])
			return NULL;
	}
	return result;
}

static void
retire(ServeTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	retired = lappend(retired, target);
	MemoryContextSwitchTo(old);
}
