/*
 * serve_target.h
 *	  What serving knows of the tables that a migration filled.
 *
 * Taken from the ledger and the catalogs alone, not from the legacy table:
 * that may be gone, and who calls need have no right to it.
 */
#ifndef CHATMIG_SERVE_TARGET_H
#define CHATMIG_SERVE_TARGET_H

#include "field.h"
#include "ledger.h"
#include "query.h"

/* A column; one without a name is not there. */
typedef struct ServeColumn
{
	char *name; /* quoted */
	AttrNumber attnum;
	Oid type;
	int32 typmod;
	Oid collation; /* by which its values are equal */
	bool not_null;
	bool has_default; /* or is an identity */
	char *equals;     /* operator, qualified where it must be */
} ServeColumn;

typedef struct ServeTable
{
	Oid relid;  /* InvalidOid: there is no such table */
	char *name; /* qualified and quoted */
	ServeColumn columns[NUM_NAMED_FIELDS];
} ServeTable;

/* A statement that has been prepared, under a number; see serve_cache.h. */
typedef struct ServePlan
{
	int number;
	QueryPlan *plan;
} ServePlan;

typedef struct ServeTarget
{
	/* fixed */
	char *migration;
	ServeTable tables[NUM_ID_TARGETS]; /* conversations, messages, media */
	char *time_zone;                   /* of times without one */
	bool updated_at_is_fine; /* it keeps what the messages' times keep */
	int64 time_step;         /* of the messages' times, in microseconds */
	char *roles[NUM_ROLES];  /* as the messages' table has them; NULL: it
							  * has no place for the role */
	int nspellings;          /* the user's own, of roles */
	RoleSpelling *spellings; /* ... in the legacy table */
	List *role_types;        /* hashes of the domains that say which values a
							  * role has; of int */
	MemoryContext context;   /* in which all this is */
	/* kept by serve_cache.c */
	bool is_valid;
	bool is_transient; /* to the end of the transaction */
	int nplans;
	int max_plans;
	ServePlan *plans;
} ServeTarget;

/*
 * Describes the target of a migration, in the current memory context. Errors:
 * 42704 no such migration; 55000 not migrated; 42P01 a table is gone; 42703 a
 * column without which nothing goes is gone.
 */
extern ServeTarget *chatmig_serve_target_make(const char *migration);

#endif /* CHATMIG_SERVE_TARGET_H */
