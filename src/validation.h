/*
 * validation.h
 *	  One validate at work: its checks, what it looks at, what it has found.
 *
 * Only the validate_*.c files include this.
 */
#ifndef CHATMIG_VALIDATION_H
#define CHATMIG_VALIDATION_H

#include "lib/stringinfo.h"
#include "plan.h"
#include "query.h"
#include "validate_checks.h"

/* What one check has found so far. */
typedef struct CheckState
{
	int64 found;
	int64 noted; /* that is as it should be, and still good to know */
	CheckStatus worst;
	char *example;
	char *detail;        /* of the example, or a note if nothing was found */
	const char *skipped; /* why it could not be made; NULL: it was */
} CheckState;

/* At most so many conversations, or legacy rows, are looked at one by one. */
#define MAX_SUSPECTS 10000

/* What the survey says needs to be looked at. */
typedef struct Survey
{
	bool is_made;       /* false: everything */
	bool has_untraced;  /* some are in no trace: empty, rejected, new */
	bool has_odd_rows;  /* some of the others are changed, gone, ... */
	bool has_strangers; /* some messages, as old as the migrated ones, are in
						 * conversations that the trace does not have */
	bool has_timeless;  /* some rows have no time of their own */
	bool is_full;       /* so many suspects that it is all of them */
	int nsuspects;      /* conversations in which something may be wrong */
	Datum *suspects;
	char *is_untraced; /* NULL, or a condition: s is a row in no trace */
	int nuntraced;     /* rows in no trace that are known: all, or none */
	Oid key_types[MAX_KEYS];
	Datum *untraced[MAX_KEYS]; /* their keys */
} Survey;

/* What the trace holds. */
typedef struct TraceCounts
{
	bool is_counted; /* the first three are known */
	int64 rows;
	int64 messages;
	int64 media;
	bool has_conversations; /* this one, too */
	int64 conversations;
} TraceCounts;

typedef struct Validation
{
	/* what is looked at; fixed once the mapping has been checked */
	char *name;
	Oid source;
	char *source_name; /* schema-qualified and quoted */
	Oid source_owner;  /* the role that reads */
	Mapping *mapping;  /* NULL: it does not fit the source */
	LedgerTargets targets;
	TimestampTz registered_at; /* nothing of it was there before */
	bool is_target_missing;
	MigrationPlan *plan; /* NULL: not migrated, or not all is there */

	Survey survey;
	TraceCounts trace;

	/* chatmig_violations(): the check to list, and to whom */
	Check only; /* NUM_CHECKS: all checks, none is listed */
	int64 max_rows;
	ViolationFound list;
	void *list_state;

	/* what has been found */
	MemoryContext context;
	CheckState checks[NUM_CHECKS];
} Validation;

/* Whether any of the checks from first to last is to be made. */
extern bool chatmig_validate_wants(const Validation *validation, Check first,
								   Check last);

/* Says why the checks from first to last cannot be made. */
extern void chatmig_validate_skip(Validation *validation, Check first,
								  Check last, const char *why);

/* Records a finding; with CHECK_OK it is noted and is no finding. */
extern void chatmig_validate_find(Validation *validation, Check check,
								  CheckStatus severity,
								  const Violation *violation);

/* True once nothing more needs to be found: the list has its max_rows. */
extern bool chatmig_validate_is_full(const Validation *validation);

/*
 * Runs a query each of whose rows is a finding: check int, severity int,
 * legacy key, conversation, message and detail text.
 */
extern void chatmig_validate_query(Validation *validation, const char *sql,
								   const QueryArgs *args);

/* Counts rows, messages and media of the trace, unless that has been done. */
extern void chatmig_validate_trace(Validation *validation);

/*
 * So many of its rows are known, with so many messages, and no medium: if that
 * is all of them, they need not be counted one by one.
 */
extern void chatmig_validate_trace_met(Validation *validation, int64 rows,
									   int64 messages);

/*
 * A WHERE clause for the legacy rows s that are in no trace, and the parameters
 * that it needs: the rows themselves, as long as the survey knows them.
 */
extern char *chatmig_validate_untraced(const Validation *validation,
									   QueryArgs *args);

/*
 * For a query of the suspects alone: adds the parameter $1, an array of their
 * ids. Not if the survey is full or has not been made.
 */
extern void chatmig_validate_suspects_arg(const Validation *validation,
										  QueryArgs *args);

/*
 * Finds out what is to be looked at, by chatmig_validate_mapping(), and pushes
 * the snapshot to look under. Errors: 42704 no such migration; 40001 from
 * REPEATABLE READ on, a table was rewritten or dropped since the snapshot.
 */
extern void chatmig_validate_snapshot(Validation *validation,
									  const char *migration);

/* For the survey: true if nothing differs, and the survey is filled in then. */
extern bool chatmig_validate_summary(Validation *validation);

/* The stages, in their order. Each makes the checks that it is about. */
extern void chatmig_validate_mapping(Validation *validation,
									 const Registration *registration);
extern void chatmig_validate_survey(Validation *validation);
extern void chatmig_validate_legacy(Validation *validation);
extern void chatmig_validate_messages(Validation *validation);
extern void chatmig_validate_neighbours(Validation *validation);
extern void chatmig_validate_references(Validation *validation);
extern void chatmig_validate_owners(Validation *validation);
extern void chatmig_validate_tables(Validation *validation);
extern void chatmig_validate_definition(Validation *validation);
extern void chatmig_validate_duplicates(Validation *validation);
extern void chatmig_validate_target(Validation *validation);
extern void chatmig_validate_ledger(Validation *validation);

#endif /* CHATMIG_VALIDATION_H */
