/*
 * caller.c
 *	  On whose behalf, and under which settings, chatmig runs SQL.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "caller.h"
#include "compat.h"

typedef struct Setting
{
	const char *name;
	const char *value;
} Setting;

/* Settings under which all SQL of chatmig runs. */
static const Setting settings[] = {
	/* no look-alike in a user's schema is ever called */
	{"search_path", "pg_catalog, pg_temp"},
	/* hidden rows would be lost rows: an error instead */
	{"row_security", "off"},
	/* a backslash in a literal of ours is a backslash */
	{"standard_conforming_strings", "on"},
	/* keys and kept columns have one text form, whatever the session says */
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "iso_8601"},
	{"TimeZone", "UTC"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
};

/* And those for whole tables: they make them quicker to read. */
static const Setting quicker[] = {
	/*
	 * An index that gives the first column of an order makes the planner fetch
	 * the whole table row by row, at random: a parallel scan and a sort take
	 * less than half of that.
	 */
	{"enable_incremental_sort", "off"},
	/* of chatmig_caller_share_memory(), a hash takes as much as a sort */
	{"hash_mem_multiplier", "1"},
	/* what is computed for each row costs more than the planner thinks */
	{"parallel_tuple_cost", "0.01"},
	/* compiling takes longer than it saves, once in each worker */
	{"jit", "off"},
};

static void set(const Setting *list, int n);

void
chatmig_caller_enter(CallerState *state)
{
	chatmig_caller_enter_ledger(state);
	set(quicker, lengthof(quicker));
	/* the leader takes part, and holds what it has merged besides */
	chatmig_caller_share_memory(max_parallel_workers_per_gather + 2);
}

void
chatmig_caller_enter_ledger(CallerState *state)
{
	state->guc_level = NewGUCNestLevel();
	set(settings, lengthof(settings));

	/*
	 * Whatever is created while an extension script runs becomes a member of
	 * the extension, and would be dropped with it and left out of dumps. The
	 * tables made here hold user data, so they must not. The server itself
	 * resets the flag if the script fails.
	 */
	state->creating_extension = creating_extension;
	creating_extension = false;
}

static void
set(const Setting *list, int n)
{
	for (int i = 0; i < n; i++)
		(void) set_config_option(list[i].name, list[i].value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
}

/*
 * What is read is sorted before the first index is built, so that sort may
 * have the memory of an index build; and as there, its processes share it.
 */
void
chatmig_caller_share_memory(int nprocesses)
{
	int share = maintenance_work_mem / nprocesses;

	if (share > work_mem)
		(void) set_config_option("work_mem", psprintf("%dkB", share),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

void
chatmig_caller_leave(const CallerState *state)
{
	creating_extension = state->creating_extension;
	AtEOXact_GUC(false, state->guc_level);
}

void
chatmig_caller_become(RoleState *state, Oid role)
{
	state->guc_level = NewGUCNestLevel();
	GetUserIdAndSecContext(&state->userid, &state->sec_context);
	if (role != state->userid)
		SetUserIdAndSecContext(role, state->sec_context |
										 SECURITY_LOCAL_USERID_CHANGE |
										 SECURITY_RESTRICTED_OPERATION);
}

void
chatmig_caller_resume(const RoleState *state)
{
	/* a search_path of that role's would lead the caller to its functions */
	AtEOXact_GUC(false, state->guc_level);
	SetUserIdAndSecContext(state->userid, state->sec_context);
}

void
chatmig_caller_check_owner(Oid relid)
{
	if (object_ownercheck(RelationRelationId, relid, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of relation \"%s\"", get_rel_name(relid)),
			 errdetail("The current role is \"%s\".",
					   GetUserNameFromId(GetUserId(), false)),
			 errhint("Run this as the owner of the relation, as a member of "
					 "that role, or as a superuser.")));
}

Oid
chatmig_caller_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errdetail("It was dropped by another session just now."),
				 errhint("SELECT * FROM chatmig_status shows what is there.")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
