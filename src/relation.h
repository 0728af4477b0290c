/*
 * relation.h
 *	  A target's tables as the stages know them: what to read from, and how to
 *	  write.
 *
 * For tables that chatmig created, this is the table itself. For others it is
 * a subquery that gives their columns the names and types of columns.h, and a
 * statement that puts values back into theirs. The server pulls such a
 * subquery up: an index on the table's own column is used.
 */
#ifndef CHATMIG_RELATION_H
#define CHATMIG_RELATION_H

#include "columns.h"

/*
 * What to select from, palloc'd: a name, or a subquery in parentheses. A
 * column that the table does not have is NULL there.
 */
extern char *chatmig_relation_read(const MigrationPlan *plan,
								   TargetTable table);

/*
 * The messages with positions, also where the table has none: then they are
 * counted in the order of time and id.
 */
extern char *chatmig_relation_read_positions(const MigrationPlan *plan);

/*
 * The same, with what the table has no column for, as the trace keeps it: the
 * messages as if nothing had been left over. For a plan that is migrated; with
 * a column more where it has leftovers.
 */
#define LEFT_COLUMN "chatmig_left" /* jsonb: all that the trace keeps */
extern char *chatmig_relation_read_whole(const MigrationPlan *plan);

/*
 * The statement that adds the rows of "rows", which has the columns of
 * chatmig_columns_list(); or, where messages are migrated in place, that puts
 * them into their conversations.
 */
extern char *chatmig_relation_write(const MigrationPlan *plan,
									TargetTable table, const char *rows);

/* A column of the table, quoted; NULL where the table has none for it. */
extern const char *chatmig_relation_column(const MigrationPlan *plan,
										   TargetTable table, Field field);

/* SQL: a timestamptz as the table's column has it. */
extern char *chatmig_relation_time(const MigrationPlan *plan, TargetTable table,
								   Field field, const char *value);

#endif /* CHATMIG_RELATION_H */
