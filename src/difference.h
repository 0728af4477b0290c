/*
 * difference.h
 *	  What a chat table should be, and how far a table is from it.
 */
#ifndef CHATMIG_DIFFERENCE_H
#define CHATMIG_DIFFERENCE_H

#include "query.h"

/*
 * Called for each object that the table should have or has beyond that:
 * 'column "text"' and so on. Actions: created, exists, differs, missing,
 * extra. The detail says what it is, or what was expected and what found. All
 * strings live during the call alone.
 */
typedef void (*CreateReport)(const char *object, const char *action,
							 const char *detail, void *state);

#define OWNER_COLUMN "user_id"

/* Types and defaults are written as the server writes them. */
typedef struct ColumnSpec
{
	const char *name;
	const char *type;          /* of user_id: if there is no owner table */
	const char *default_value; /* NULL: none */
	bool from_sequence;
	bool not_null;
	const char *comment;
} ColumnSpec;

typedef struct IndexSpec
{
	const char *label; /* the last word of its name */
	const char *columns;
} IndexSpec;

#define MAX_COLUMNS 7
#define MAX_INDEXES 3

typedef struct TableSpec
{
	const char *shape;
	const char *comment;
	const char *check_column; /* NULL: none */
	const char *check;
	ColumnSpec columns[MAX_COLUMNS]; /* up to one without a name */
	IndexSpec indexes[MAX_INDEXES];  /* up to one without a label */
} TableSpec;

/* A request whose names are looked up. */
typedef struct Wanted
{
	const TableSpec *spec;
	char *table;
	Oid namespace;
	char *qualified;   /* schema-qualified and quoted */
	char *owner_type;  /* NULL: no owner table */
	char *foreign_key; /* NULL: no owner table */
	Oid relid;         /* InvalidOid: not there */
	bool created;
	CreateReport report;
	void *state;
} Wanted;

/*
 * Reports each column, key, check and index of the table: created or exists,
 * differs, missing, extra. Reads catalogs alone; the caller holds a lock on
 * the table and has entered caller.h's settings.
 */
extern void chatmig_difference_report(const Wanted *wanted);

/* "integer NOT NULL DEFAULT 0": what follows a column's name in SQL. */
extern char *chatmig_difference_column(const Wanted *wanted,
									   const ColumnSpec *column);

/* The text that a query returns; NULL for NULL and for no row. */
extern char *chatmig_difference_text(const char *sql, const QueryArgs *args);

#endif /* CHATMIG_DIFFERENCE_H */
