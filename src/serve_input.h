/*
 * serve_input.h
 *	  What callers give as text, checked against the columns of a target.
 */
#ifndef CHATMIG_SERVE_INPUT_H
#define CHATMIG_SERVE_INPUT_H

#include "serve_call.h"
#include "utils/timestamp.h"

/*
 * Adds an argument of the type of the table's column; NULL where text is NULL,
 * and of type text where there is no such column. what is the argument's name
 * in SQL. Errors: 22P02, or what else the type says of it, with a hint.
 */
extern void chatmig_serve_input_arg(QueryArgs *args, const ServeCall *call,
									TargetTable table, Field field,
									const char *what, const char *text);

/* Whether the first arguments, of a column, are equal there, and not NULL. */
extern bool chatmig_serve_input_equal(const ServeColumn *column,
									  const QueryArgs *one,
									  const QueryArgs *other);

/* The argument as its type writes it, palloc'd; NULL for NULL. */
extern char *chatmig_serve_input_text(const QueryArgs *args, int i);

/*
 * Errors with 0A000 unless the table is there and has the column. what says
 * what needs it.
 */
extern void chatmig_serve_input_require(const ServeCall *call,
										TargetTable table, Field field,
										const char *what);

/* Errors with 22004. */
extern void chatmig_serve_input_not_null(const char *what, const void *value);

/* Errors with 22023. */
extern void chatmig_serve_input_positive(const char *what,
										 const Interval *interval);

/*
 * So long before now; where that is longer than times go back, -infinity, which
 * nothing is older than.
 */
extern TimestampTz chatmig_serve_input_ago(const Interval *interval);

/* The value that the messages' table has for a role; errors with 22023. */
extern const char *chatmig_serve_input_role(const ServeCall *call,
											const char *role);

/* The role that such a value is, or else the value itself. */
extern const char *chatmig_serve_input_role_name(const ServeCall *call,
												 const char *value);

/*
 * Errors with P0002 unless there is such a conversation; where conversations
 * have no table, there may be any.
 */
extern void chatmig_serve_input_exists(const ServeCall *call,
									   const char *conversation,
									   bool read_only);

/* P0002: there is no such conversation, or the caller may not see it. */
extern void chatmig_serve_input_unknown(const ServeCall *call,
										const char *conversation)
	pg_attribute_noreturn();

/* P0002: it is not that owner's. */
extern void chatmig_serve_input_foreign(const ServeCall *call,
										const char *conversation,
										const char *owner)
	pg_attribute_noreturn();

#endif /* CHATMIG_SERVE_INPUT_H */
