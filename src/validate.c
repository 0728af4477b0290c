/*
 * validate.c
 *	  Proves a migration, by code of its own.
 *
 * In: the name of a migration. Out: for each check whether it holds, and if
 * not, how often and where. The stages below find; validate_checks.c counts.
 * Reads only. Locks: AccessShareLock on all tables that are read, to the end
 * of the transaction, which keeps DDL away and nobody else.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "caller.h"
#include "validate.h"
#include "validation.h"

static void run(Validation *validation, const char *migration);
static CheckResult *make_result(const Validation *validation, Check check);
static char *make_hint(const Validation *validation, Check check);
static Check find_check(const char *name);
static char *names_of_violated(List *results);

List *
chatmig_validate_run(const char *migration)
{
	Validation validation = {.only = NUM_CHECKS};
	List *results = NIL;

	run(&validation, migration);
	for (Check check = 0; check < NUM_CHECKS; check++)
		results = lappend(results, make_result(&validation, check));
	return results;
}

void
chatmig_validate_list(const char *migration, const char *check, int max_rows,
					  ViolationFound found, void *state)
{
	Validation validation = {.only = find_check(check),
							 .max_rows = Max(max_rows, 0),
							 .list = found,
							 .list_state = state};

	run(&validation, migration);
}

void
chatmig_validate_assert(const char *migration)
{
	List *results = chatmig_validate_run(migration);
	ListCell *lc;

	foreach(lc, results)
	{
		CheckResult *result = lfirst(lc);

		if (result->status != CHECK_VIOLATION)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION),
				 errmsg("migration \"%s\" is not valid: check \"%s\" finds "
						"violations: " INT64_FORMAT,
						migration, result->name, result->violations),
				 errdetail("%s Checks with violations: %s.", result->detail,
						   names_of_violated(results)),
				 errhint("Run SELECT * FROM chatmig_violations(%s, %s) to "
						 "list them.",
						 quote_literal_cstr(migration),
						 quote_literal_cstr(result->name))));
	}
}

static void
run(Validation *validation, const char *migration)
{
	CallerState caller;
	RoleState role;

	chatmig_caller_enter(&caller);
	validation->context = CurrentMemoryContext;

	/* 1. What is there to be looked at, and one snapshot for all of it. */
	chatmig_validate_snapshot(validation, migration);

	/* 2. Look, with the rights of the legacy table's owner. */
	if (OidIsValid(validation->source_owner))
	{
		chatmig_caller_become(&role, validation->source_owner);
		chatmig_validate_survey(validation);
		chatmig_validate_legacy(validation);
		chatmig_validate_messages(validation);
		chatmig_validate_neighbours(validation);
		chatmig_validate_duplicates(validation);
		chatmig_validate_references(validation);
		chatmig_validate_owners(validation);
		chatmig_validate_tables(validation);
		chatmig_validate_definition(validation);
		chatmig_validate_target(validation);
		chatmig_validate_ledger(validation);
		chatmig_caller_resume(&role);
	}

	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
}

static CheckResult *
make_result(const Validation *validation, Check check)
{
	const CheckState *state = &validation->checks[check];
	CheckResult *result = palloc0(sizeof(CheckResult));

	result->name = chatmig_validate_checks[check].name;
	result->violations = state->found;
	if (state->found > 0)
	{
		result->status = state->worst;
		result->example = state->example;
		result->detail = state->detail;
		result->hint = make_hint(validation, check);
	}
	else if (state->skipped != NULL)
	{
		result->status = CHECK_INFO;
		result->detail = psprintf("Not checked: %s.", state->skipped);
	}
	else if (state->noted > 0)
		result->detail = psprintf("%s (%s; such rows in all: " INT64_FORMAT ")",
								  state->detail, state->example, state->noted);
	return result;
}

static char *
make_hint(const Validation *validation, Check check)
{
	const CheckDefinition *definition = &chatmig_validate_checks[check];
	const char *migration = quote_literal_cstr(validation->name);
	char *advice = psprintf(definition->hint, migration);

	if (validation->checks[check].found == 1)
		return advice;
	return psprintf("SELECT * FROM chatmig_violations(%s, %s) lists them. %s",
					migration, quote_literal_cstr(definition->name), advice);
}

static Check
find_check(const char *name)
{
	StringInfoData known;

	initStringInfo(&known);
	for (Check check = 0; check < NUM_CHECKS; check++)
	{
		if (strcmp(chatmig_validate_checks[check].name, name) == 0)
			return check;
		appendStringInfo(&known, "%s%s", check > 0 ? ", " : "",
						 chatmig_validate_checks[check].name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no check \"%s\"", name),
					errhint("The checks are: %s.", known.data)));
}

static char *
names_of_violated(List *results)
{
	StringInfoData names;
	ListCell *lc;

	initStringInfo(&names);
	foreach(lc, results)
	{
		CheckResult *result = lfirst(lc);

		if (result->status == CHECK_VIOLATION)
			appendStringInfo(&names, "%s%s (" INT64_FORMAT ")",
							 names.len > 0 ? ", " : "", result->name,
							 result->violations);
	}
	return names.data;
}
