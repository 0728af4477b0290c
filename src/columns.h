/*
 * columns.h
 *	  The columns of a target's tables, and how values come into them.
 *
 * The stages know columns by names of their own, which are also those of the
 * tables that chatmig creates: id, conversation_id, role, ... A table that was
 * there before may call them otherwise, store them in other types, or not have
 * them at all.
 */
#ifndef CHATMIG_COLUMNS_H
#define CHATMIG_COLUMNS_H

#include "migration.h"

typedef struct TargetColumn
{
	Field field;
	const char *name; /* unquoted */
	Oid type;         /* of the values that write gives */
	int32 typmod;
	Oid collation;
	const char *constraint; /* as in CREATE TABLE; "": none */
	const char *comment;
	const char *column; /* in the table; NULL: it has none. For tables that
						 * chatmig created, the name */
} TargetColumn;

/* More columns than any of the tables has: a key has MAX_KEYS at most. */
#define MAX_TARGET_COLUMNS 20

/* One table's columns, in the order in which they are created and filled. */
typedef struct TargetColumns
{
	int n;
	TargetColumn columns[MAX_TARGET_COLUMNS];
} TargetColumns;

/* The session, where the target has a column for it. */
#define SESSION_COLUMN "chatmig_session"

/* Those that the table has, or will have. */
extern void chatmig_columns_list(const MigrationPlan *plan, TargetTable table,
								 TargetColumns *columns);

/*
 * Also those that the table does not have; it is one that chatmig did not
 * create.
 */
extern void chatmig_columns_list_all(const MigrationPlan *plan,
									 TargetTable table, TargetColumns *columns);

/*
 * Errors with 55000 unless each table that chatmig created and that exists
 * still begins with these columns, by name and type: a later run fills them,
 * with values of the types that the source has now. Columns that were added
 * behind them do not matter.
 */
extern void chatmig_columns_check(const MigrationPlan *plan);

/*
 * What the owner's or counterpart's column is called in tables that chatmig
 * creates: as in the source, unless they have a column of that name. Palloc'd.
 */
extern char *chatmig_columns_group_name(const char *name);

#endif /* CHATMIG_COLUMNS_H */
