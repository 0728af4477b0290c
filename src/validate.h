/*
 * validate.h
 *	  Proves a migration, by code of its own.
 *
 * Nothing here shares code with read, split, group and write, because a
 * bug must not verify itself: what must have come out is written down a second
 * time, in SQL, and compared with what is there.
 *
 * All functions here read only, as the owner of the legacy table, under one
 * snapshot, in memory that the server's settings bound. What they say depends
 * on the rows alone, not on the session's settings.
 */
#ifndef CHATMIG_VALIDATE_H
#define CHATMIG_VALIDATE_H

#include "nodes/pg_list.h"
#include "validate_checks.h"

/* The columns of chatmig_validate(). */
typedef struct CheckResult
{
	const char *name;
	CheckStatus status;
	int64 violations;
	char *example; /* NULL: none */
	char *detail;  /* NULL: nothing to say */
	char *hint;    /* NULL: nothing to do */
} CheckResult;

/*
 * Makes all checks. Returns a List of CheckResult *, one a check, always all
 * of them in the same order. Errors: 42704 no such migration, 42501 not the
 * owner of the legacy table. A table or column that is gone is no error but a
 * violation of "mapping" or "ledger"; checks that need it are not made then,
 * and say so.
 */
extern List *chatmig_validate_run(const char *migration);

/*
 * Calls found() for each of the first max_rows findings of one check, in no
 * particular order. Errors as above, and 22023 for an unknown check.
 */
extern void chatmig_validate_list(const char *migration, const char *check,
								  int max_rows, ViolationFound found,
								  void *state);

/* Errors with 23000 if any check finds a violation. */
extern void chatmig_validate_assert(const char *migration);

#endif /* CHATMIG_VALIDATE_H */
