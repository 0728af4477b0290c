/*
 * validate_sql.h
 *	  What a legacy row must have become, as SQL.
 *
 * Expressions over a legacy row with the alias s, palloc'd. All names are
 * quoted; operators are those of pg_catalog but where a type has its own.
 */
#ifndef CHATMIG_VALIDATE_SQL_H
#define CHATMIG_VALIDATE_SQL_H

#include "lib/stringinfo.h"
#include "plan.h"

/* s."column" */
extern char *chatmig_validate_sql_column(const Column *column);

/* A value of a column's type, in the column's own collation. */
extern char *chatmig_validate_sql_collated(const Column *column,
										   const char *value);

/* The text of a part of s, compared by its bytes. */
extern char *chatmig_validate_sql_text(const Mapping *mapping, Part part);

/* The smallest step of a target's times, as an interval. */
extern char *chatmig_validate_sql_step(const MigrationPlan *plan);

/* A type's name, for a cast that changes no value. */
extern char *chatmig_validate_sql_type(Oid type);

/*
 * A column of the key, the first being 0: of s, or by a format such as
 * "t.key_%d".
 */
extern char *chatmig_validate_sql_key_value(const Mapping *mapping, int i,
											const char *format);

/* The key as text: as it is for one column, as a JSON array for several. */
extern char *chatmig_validate_sql_key(const Mapping *mapping,
									  const char *format);

/* The columns of the key of s, with commas; their text, NULL if one is NULL. */
extern char *chatmig_validate_sql_key_columns(const Mapping *mapping);
extern char *chatmig_validate_sql_key_text(const Mapping *mapping);

/* A condition: s has the key that is in t.key_1, t.key_2, ... */
extern char *chatmig_validate_sql_same_key(const Mapping *mapping);

/* A condition, never NULL: two values of a column's type are not the same. */
extern char *chatmig_validate_sql_differs(const Column *column,
										  const char *left, const char *right);

/*
 * What the parts of the row hold: "(VALUES (1, content text, role text), ...)
 * AS h (part, content, role)".
 */
extern char *chatmig_validate_sql_halves(const Mapping *mapping);

/* Conditions: the row holds a medium; the row holds no message at all. */
extern char *chatmig_validate_sql_has_media(const Mapping *mapping);

/* The URL of that medium, or what stands for it. */
extern char *chatmig_validate_sql_media_url(const Mapping *mapping);
extern char *chatmig_validate_sql_is_empty(const Mapping *mapping);

/* The role (text) that a flat row's spelling stands for; NULL: unknown. */
extern char *chatmig_validate_sql_role(const Mapping *mapping);

/* The same of any spelling, a text in the collation "C". */
extern char *chatmig_validate_sql_role_of(const Mapping *mapping,
										  const char *spelling);

/* A condition: the row's role is spelled as only the user could explain. */
extern char *chatmig_validate_sql_is_own_spelling(const Mapping *mapping);

/* Names that a mapped object must not have to be the metadata: text[]. */
extern char *chatmig_validate_sql_taken_names(const MigrationPlan *plan);

/*
 * The row's own time as timestamptz. Only for rows that have been migrated:
 * of others, the server may refuse the value.
 */
extern char *chatmig_validate_sql_time(const MigrationPlan *plan);

/* The same as timestamp, which is the time in UTC. */
extern char *chatmig_validate_sql_utc_time(const MigrationPlan *plan);

/* True if the server refuses no value as the row's time, migrated or not. */
extern bool chatmig_validate_sql_takes_any_time(const MigrationPlan *plan);

/* The time that a text holds, as timestamptz. Only where is_time() is true. */
extern char *chatmig_validate_sql_text_time(const MigrationPlan *plan,
											const char *text);

/* A condition: text that can be read as a time. */
extern char *chatmig_validate_sql_is_time(const char *text);

/*
 * A column as it is kept in metadata, jsonb. A json column may also be kept as
 * a string.
 */
extern char *chatmig_validate_sql_json(const Column *column);

/* One thing that may be wrong with a row. */
typedef struct RowTest
{
	int check;
	int severity;
	char *condition; /* true: it is wrong */
	char *detail;    /* text; evaluated only where it is wrong */
} RowTest;

#define MAX_ROW_TESTS 24

typedef struct RowTests
{
	int n;
	RowTest list[MAX_ROW_TESTS];
} RowTests;

extern void chatmig_validate_sql_add(RowTests *tests, int check, int severity,
									 const char *condition, const char *detail);

/* The conditions, with OR between them. */
extern char *chatmig_validate_sql_any(const RowTests *tests);

/*
 * A query for chatmig_validate_query(): a row for each test that a row fails.
 * from is what stands behind FROM; key and conversation are expressions.
 */
extern char *chatmig_validate_sql_tests(const RowTests *tests, const char *key,
										const char *conversation,
										const char *from);

/*
 * SQL: whether a conversation's id, an expression, is one that serving has
 * deleted. Looked up by index, or hashed, as the server thinks best: there may
 * be a million of them.
 */
extern char *chatmig_validate_sql_is_deleted(const MigrationPlan *plan,
											 const char *id);

#endif /* CHATMIG_VALIDATE_SQL_H */
