/*
 * serve_sql.h
 *	  Pieces of SQL over the tables of a target.
 *
 * All are palloc'd, with names quoted and types qualified.
 */
#ifndef CHATMIG_SERVE_SQL_H
#define CHATMIG_SERVE_SQL_H

#include "serve_target.h"

/* The column of a table for a field; NULL: it has none. */
extern const ServeColumn *chatmig_serve_sql_column(const ServeTarget *target,
												   TargetTable table,
												   Field field);

/* The same, quoted and behind "x."; the SQL "otherwise" where it has none. */
extern const char *chatmig_serve_sql_value(const ServeTarget *target,
										   TargetTable table, Field field,
										   const char *alias,
										   const char *otherwise);

/* SQL: a time of the table as timestamptz, and the other way round. */
extern char *chatmig_serve_sql_read_time(const ServeTarget *target,
										 TargetTable table, Field field,
										 const char *alias);
extern char *chatmig_serve_sql_write_time(const ServeTarget *target,
										  TargetTable table, Field field,
										  const char *value);

/*
 * What a conversation's latest activity is taken from, of the conversations'
 * table: FIELD_UPDATED_AT, or FIELD_CREATED_AT; NUM_FIELDS: nothing says it.
 */
extern Field chatmig_serve_sql_activity(const ServeTarget *target);

/*
 * SQL: the messages' order with an alias, position or time and id; direction
 * is "", or " DESC".
 */
extern char *chatmig_serve_sql_order(const ServeTarget *target,
									 const char *alias, const char *direction);

/* A conversation that is not archived, as a condition on "x". */
extern char *chatmig_serve_sql_is_active(const ServeTarget *target);

/* A jsonb as the column has it, and the other way round. */
extern char *chatmig_serve_sql_write_json(const ServeColumn *column,
										  const char *value);
extern char *chatmig_serve_sql_read_json(const ServeTarget *target,
										 TargetTable table, const char *alias);

/*
 * SQL, for FROM: conversations, and the messages of each. The messages are
 * looked up by conversation, whatever the server thinks of the tables: where it
 * knows nothing of them, as after a restore, it would read them all for one
 * owner. Only for what asks for the conversations of one.
 */
extern char *chatmig_serve_sql_join_messages(const ServeTarget *target,
											 const char *conversation,
											 const char *message);

#endif /* CHATMIG_SERVE_SQL_H */
