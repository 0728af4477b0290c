/*
 * rollback_find.h
 *	  Looking for rows of a migration's tables.
 */
#ifndef CHATMIG_ROLLBACK_FIND_H
#define CHATMIG_ROLLBACK_FIND_H

#include "rollback_state.h"

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

#endif /* CHATMIG_ROLLBACK_FIND_H */
