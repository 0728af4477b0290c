/*
 * migration.h
 *	  MigrationPlan: what is read, in which order, into what.
 *
 * chatmig_plan_make() fills it; everything behind that only reads it.
 */
#ifndef CHATMIG_MIGRATION_H
#define CHATMIG_MIGRATION_H

#include "destination.h"
#include "ledger.h"
#include "mapping.h"
#include "options.h"

/* The table of the owners, where it is asked for something. */
typedef struct OwnerTable
{
	Oid relid; /* InvalidOid: it is not */
	char *qualified;
	Column key;
	Column created_at; /* without a name: there is none */
	Column updated_at;
} OwnerTable;

/* A table whose rows are linked to conversations. */
typedef struct LinkTable
{
	Oid relid;
	char *qualified;
	Column owner;
	Column conversation;
	char *key; /* SQL: of o, a row of it, its primary key as text */
} LinkTable;

typedef struct MigrationPlan
{
	char *name; /* the migration's */

	/* the source */
	Oid source;
	char *source_name; /* schema-qualified and quoted */
	char *source_rows; /* SQL: the same as a subquery. Its s.* is a record, to
						* which functions for the table's own type do not
						* apply; see chatmig_ledger_schema() */
	Oid source_owner;  /* the role that reads and writes */
	Mapping *mapping;
	Options options;

	/* the target; see columns.h for the columns */
	Destination destination;
	char *schema;                   /* unquoted */
	bool uses[NUM_TARGETS];         /* there is, or will be, such a table */
	char *table_names[NUM_TARGETS]; /* unquoted */
	char *qualified[NUM_TARGETS];   /* schema-qualified and quoted */
	char *relation[NUM_TARGETS];    /* to read from: has the columns that
									 * columns.h names, whatever the table's
									 * own are */
	Oid tables[NUM_TARGETS];        /* InvalidOid: not there (yet) */
	bool created[NUM_TARGETS];      /* made by chatmig */
	bool fresh[NUM_TARGETS];        /* made in this run */
	Column *fields[NUM_TARGETS];    /* of a table that chatmig did not create:
									 * NUM_FIELDS columns, those without a
									 * name are not there; or NULL */
	Oid id_types[NUM_ID_TARGETS];   /* uuid, text, bigint or integer */
	char *role_values[NUM_ROLES];   /* what the messages' table calls a role;
									 * NULL: it has no place for it */
	char *roles_allowed;            /* a sentence that says which roles it
									 * allows; NULL: any */
	bool has_position;              /* the messages' table keeps the order */
	int32 time_precision;           /* digits of a second that its times keep */
	bool keeps_apart;               /* readers sort by time alone: no two
									 * messages of a conversation have the same */
	int64 time_step;                /* the smallest, in microseconds, that its
									 * times keep */
	bool has_leftovers;             /* the trace keeps what the messages' table
									 * has no column for */
	bool session_is_left;           /* among them, the session */
	bool in_place;                  /* the messages' table is the source */
	char *owner_column;             /* in conversations and media; NULL: none */
	char *counterpart_column;       /* in conversations; NULL: none */
	bool has_media;                 /* uses[TARGET_MEDIA] */
	OwnerTable owner_table;
	List *links;       /* of LinkTable * */
	char *fingerprint; /* SQL: of s, a row of source_rows */
	bool force;        /* owners with conversations of others are
						* migrated, too */

	bool migrated;           /* an earlier run has been here: the trace
							  * says what is done */
	TimestampTz migrated_at; /* of the first run, if migrated */

	/* found out by chatmig_plan_probe() */
	bool times_missing; /* some rows have no time: take neighbours' */

	/* in a parallel worker; see read_share.h */
	int share;   /* which share of the rows it reads, from 0 */
	int nshares; /* 0: it reads all of them */
} MigrationPlan;

#endif /* CHATMIG_MIGRATION_H */
