/*
 * columns.h
 *	  The columns of the tables that chatmig creates.
 */
#ifndef CHATMIG_COLUMNS_H
#define CHATMIG_COLUMNS_H

#include "plan.h"

typedef struct TargetColumn
{
	const char *name; /* unquoted */
	Oid type;
	int32 typmod;
	Oid collation;
	const char *constraint; /* as in CREATE TABLE; "": none */
	const char *comment;
} TargetColumn;

/* More columns than any of the tables has: a key has MAX_KEYS at most. */
#define MAX_TARGET_COLUMNS 16

/* One table's columns, in the order in which they are created and filled. */
typedef struct TargetColumns
{
	int n;
	TargetColumn columns[MAX_TARGET_COLUMNS];
} TargetColumns;

extern void chatmig_columns_list(const MigrationPlan *plan, TargetTable table,
								 TargetColumns *columns);

/*
 * Errors with 55000 unless each table that exists still begins with these
 * columns, by name and type: a later run fills them, with values of the types
 * that the source has now. Columns that were added behind them do not matter.
 */
extern void chatmig_columns_check(const MigrationPlan *plan);

#endif /* CHATMIG_COLUMNS_H */
