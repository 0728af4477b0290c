/*
 * caller.h
 *	  On whose behalf, and under which settings, chatmig runs SQL.
 */
#ifndef CHATMIG_CALLER_H
#define CHATMIG_CALLER_H

/* What enter() changed and leave() puts back. */
typedef struct CallerState
{
	int guc_level;
	bool creating_extension;
} CallerState;

/* What become() changed and resume() puts back. */
typedef struct RoleState
{
	int guc_level;
	Oid userid;
	int sec_context;
} RoleState;

/*
 * Between enter and leave: search_path is pg_catalog, pg_temp; row_security
 * is off; dates, intervals, floats and byte strings have one text form; and
 * what is created does not become a member of an extension whose script is
 * running. An error undoes all of it with the (sub)transaction. Settings that
 * are changed in between are put back as well.
 */
extern void chatmig_caller_enter(CallerState *state);

/* The same for the few rows of the ledger: the planner is left as it is. */
extern void chatmig_caller_enter_ledger(CallerState *state);

/*
 * Gives each of so many processes that sort at the same time its part of
 * maintenance_work_mem as work_mem, if that is more. chatmig_caller_enter()
 * does so for a query with as many workers as there may be; the settings' level
 * that is open ends it.
 */
extern void chatmig_caller_share_memory(int nprocesses);

/* After either. */
extern void chatmig_caller_leave(const CallerState *state);

/*
 * Between become and resume, SQL runs as the given role. Where that is not
 * the current one already (a superuser migrates somebody's table), it runs as
 * a security-restricted operation, so that functions of that role in views,
 * checks, triggers and indexes cannot use the caller's rights. Settings that
 * such functions change, for the session too, are put back.
 */
extern void chatmig_caller_become(RoleState *state, Oid role);
extern void chatmig_caller_resume(const RoleState *state);

/*
 * Errors with 42501 unless the current role owns the relation, with a HINT
 * that names the owner.
 */
extern void chatmig_caller_check_owner(Oid relid);

/* The role that owns the relation. Errors with 42P01 if it is gone. */
extern Oid chatmig_caller_owner(Oid relid);

#endif /* CHATMIG_CALLER_H */
