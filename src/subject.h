/*
 * subject.h
 *	  The relation that detection looks at, as the catalogs describe it.
 *
 * Shared by detect.c, which gives parts to columns, and confidence.c, which
 * says what that is worth. Everything lives in the caller's memory context.
 */
#ifndef CHATMIG_SUBJECT_H
#define CHATMIG_SUBJECT_H

#include "detection.h"

/* What the rows of a sample say about a column and a part. */
typedef enum RowsSay
{
	ROWS_SILENT, /* not asked, or nothing in them */
	ROWS_DENY,   /* it is something else */
	ROWS_DOUBT,  /* nothing that is known, but few values, again and again */
	ROWS_HINT,   /* something that is known, among others */
	ROWS_CONFIRM
} RowsSay;

/* A column, with what the catalogs say about it. */
typedef struct Candidate
{
	char *name;
	char *normal; /* normalised */
	int holds;    /* HOLDS_... */
	bool is_long; /* text without a limit, or a high one */
	bool in_key;
	bool has_foreign_key;
	char *referenced;      /* normalised name of the table that a foreign
							* key of this one column refers to, or NULL */
	char *referenced_name; /* the same as it is written */
	bool used;             /* plays a part already */

	/* what evidence.c found out */
	RowsSay role;          /* whether it spells roles */
	List *spellings;       /* of RoleSpelling *: not known without others */
	List *unknown;         /* of char *: spelled like no role */
	RowsSay messages;      /* whether it holds JSON with messages */
	char *path;            /* the jsonpath to them */
	int nrows;             /* looked at that hold anything */
	int nmessages;         /* ... that hold messages there */
	const char *epoch;     /* unit of its numbers, as times since 1970 */
	const char *epoch_too; /* another such unit: it is ambiguous */
} Candidate;

/* The relation that is being looked at. */
typedef struct Subject
{
	Relation rel;
	char *normal;   /* normalised name */
	bool is_forced; /* the shape is given */
	int ncolumns;
	Candidate *columns;
	int nkeys;
	Detection *found;
	int tiers[NUM_PARTS]; /* of the candidates; TIER_NONE: none */
} Subject;

/* The two parts that make each shape; of a transcript, the same twice. */
extern const Part chatmig_subject_shape_parts[][2];

/*
 * Fills columns and key of a relation that the caller holds open. Indexes and
 * referenced tables are looked up in the catalogs, not opened: no lock is
 * taken, so nothing is waited for.
 */
extern void chatmig_subject_load(Subject *subject, Relation rel);

/* Adds a sentence to what detection says. */
extern void chatmig_subject_note(Subject *subject, const char *format, ...)
	pg_attribute_printf(2, 3);

/* "a", "b" or "c"; of a List of char *. */
extern char *chatmig_subject_join(List *names);

#endif /* CHATMIG_SUBJECT_H */
