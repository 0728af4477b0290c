/*
 * rollback_check.h
 *	  What a migration's tables hold, and what forbids to take it back.
 */
#ifndef CHATMIG_ROLLBACK_CHECK_H
#define CHATMIG_ROLLBACK_CHECK_H

#include "destination.h"
#include "ledger.h"

/* The tables with ids of their own come before the trace. */
#define NUM_ID_TABLES NUM_ID_TARGETS

typedef struct Rollback
{
	const char *name;
	bool dry_run;
	bool force;

	/* what was migrated, as it is registered */
	Oid source;
	char *source_name; /* qualified and quoted; NULL: gone, or not looked at */
	Oid source_owner;
	Jsonb *mapping;
	List *links;   /* of DestinationLink *, as registered */
	bool in_place; /* the messages' table is the source: its rows stay */

	/* the tables; those that are gone, or will be, are InvalidOid and NULL */
	LedgerTargets targets;
	char *tables[NUM_TARGETS]; /* qualified and quoted */
	Oid trace_owner;           /* who has read and written */

	/* what is in them, given by check */
	int64 traced;                  /* rows of the trace */
	int64 links_reset;             /* rows of other tables that were linked */
	int64 migrated[NUM_ID_TABLES]; /* rows that the trace names */
	int64 added[NUM_ID_TABLES];    /* rows that it does not name */
} Rollback;

/*
 * Counts the rows of the tables, and errors with 55000 if added messages, or
 * rows that a foreign key ties to the tables, hang on migrated rows. Rows of
 * others' tables are read with the rights of the trace's owner (42501).
 */
extern void chatmig_rollback_check(Rollback *rollback);

/* The table's column for a field, quoted; NULL: it has none. */
extern char *chatmig_rollback_column(const Rollback *rollback,
									 TargetTable target, Field field);

/* What a query for a number of rows and one of them found. */
typedef struct Finding
{
	int64 count;
	char *example; /* NULL: none */
	MemoryContext context;
} Finding;

/*
 * Runs SELECT count, example under the active snapshot; see caller.h for the
 * role. The example is in the current memory context.
 */
extern Finding chatmig_rollback_find(const char *sql);

/*
 * SQL for: is the value the id of a row that the migration made in that
 * table? The trace must be there. Palloc'd.
 */
extern char *chatmig_rollback_is_migrated(const Rollback *rollback,
										  TargetTable target,
										  const char *value);

#endif /* CHATMIG_ROLLBACK_CHECK_H */
