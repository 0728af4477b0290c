/*
 * rights.c
 *	  Who may do anything with a migration.
 *
 * In: a registration. Out: nothing, or an error with 42501. Reads catalogs and
 * the ledger; locks nothing, so that whoever is refused has kept nobody
 * waiting.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "caller.h"
#include "rights.h"

static bool check_source(const Registration *registration);
static bool check_tables(const Registration *registration);
static void check_superuser(const Registration *registration);

void
chatmig_rights_check_source(const Registration *registration)
{
	if (!check_source(registration) && !check_tables(registration))
		check_superuser(registration);
}

void
chatmig_rights_check_tables(const Registration *registration)
{
	if (!check_tables(registration) && !check_source(registration))
		check_superuser(registration);
}

/* False if there is none. */
static bool
check_source(const Registration *registration)
{
	if (get_rel_name(registration->source) == NULL)
		return false;
	chatmig_caller_check_owner(registration->source);
	return true;
}

/* Those that were there before are not the migration's. False: none is there.
 */
static bool
check_tables(const Registration *registration)
{
	LedgerTargets targets;
	bool result = false;

	chatmig_ledger_load_targets(registration->name, &targets);
	for (TargetTable i = 0; i < NUM_TARGETS; i++)
	{
		if (!targets.created[i] || get_rel_name(targets.tables[i]) == NULL)
			continue;
		chatmig_caller_check_owner(targets.tables[i]);
		result = true;
	}
	return result;
}

static void
check_superuser(const Registration *registration)
{
	if (superuser())
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("must be superuser to use migration \"%s\"",
				registration->name),
		 errdetail(
			 "Its legacy table has been dropped, and so have the tables that it made: nobody owns them."),
		 errhint(
			 "Ask a superuser to call chatmig_rollback(%s), if it was migrated, and chatmig_unregister(%s).",
			 quote_literal_cstr(registration->name),
			 quote_literal_cstr(registration->name))));
}
