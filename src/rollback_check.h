/*
 * rollback_check.h
 *	  What a migration's tables hold, and what forbids to take it back.
 */
#ifndef CHATMIG_ROLLBACK_CHECK_H
#define CHATMIG_ROLLBACK_CHECK_H

#include "rollback_state.h"

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
