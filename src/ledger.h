/*
 * ledger.h
 *	  chatmig's own tables: what is registered, what was made of it.
 *
 * The only code that touches those tables. They belong to the extension's
 * owner and nobody else may write them, so each access is made as that role,
 * with fixed SQL; whoever calls has checked what the user may do. All that is
 * returned is in the caller's memory context.
 */
#ifndef CHATMIG_LEDGER_H
#define CHATMIG_LEDGER_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* The tables that a migration writes. */
typedef enum TargetTable
{
	TARGET_CONVERSATIONS,
	TARGET_MESSAGES,
	TARGET_MEDIA, /* only where a medium is mapped */
	TARGET_TRACE,
	TARGET_OWNERS, /* conversations of owners without messages; only where
					* there shall be such */
	TARGET_LINKS,  /* which rows of other tables were linked; only where
					* links are named */
	NUM_TARGETS
} TargetTable;

/* Those before the trace have ids of their own; the user names these and it. */
#define NUM_ID_TARGETS TARGET_TRACE
#define NUM_NAMED_TARGETS (TARGET_TRACE + 1)

extern const char *const chatmig_target_names[NUM_TARGETS];

/* A row of chatmig_migration. */
typedef struct Registration
{
	char *name;
	Oid source;     /* may have been dropped since */
	Jsonb *mapping; /* complete: detection has filled it in */
	Jsonb *target;
	Jsonb *options;
	char *profile; /* NULL: none */
} Registration;

/* A row of chatmig_profile. */
typedef struct Profile
{
	char *name;
	Jsonb *mapping;
	Jsonb *target;
	Jsonb *options;
} Profile;

/* A migration's rows of chatmig_target, and the time in chatmig_run. */
typedef struct LedgerTargets
{
	Oid tables[NUM_TARGETS];        /* InvalidOid: none recorded */
	bool created[NUM_TARGETS];      /* by chatmig */
	Jsonb *columns[NUM_TARGETS];    /* of the others: field to column name */
	Jsonb *definition[NUM_TARGETS]; /* what it had after the first run; see
									 * ledger_definition.h. Storing takes what
									 * it has */
	bool migrated;                  /* a run has been recorded */
	TimestampTz migrated_at;        /* of the first run, if migrated */
} LedgerTargets;

/* What a run did; the columns of chatmig_migrate(). */
typedef struct RunCounts
{
	int64 legacy_rows; /* = already + skipped + migrated + empty +
						* rejected */
	int64 already;
	int64 skipped; /* the owner has conversations of others, or the row is
					* the application's own */
	int64 migrated;
	int64 empty;
	int64 rejected;      /* rows of which nothing came through */
	int64 conversations; /* new ones */
	int64 messages;      /* new ones */
	int64 media;         /* new ones */
	int64 links;         /* new ones */
} RunCounts;

/* A legacy row that was refused, or a message in one. */
typedef struct Reject
{
	char *key; /* as text */
	int part;  /* of the row; 0: the row as a whole */
	const char *code;
	char *reason;
	Jsonb *message;    /* the one that is rejected; NULL: the whole row is */
	Jsonb *legacy_row; /* whole, but for the other messages in it */
	bool partial;      /* other messages of the row came through */
} Reject;

/* NULL when there is none of that name. */
extern Registration *chatmig_ledger_find(const char *name);

/* The same, but errors with 42704. */
extern Registration *chatmig_ledger_get(const char *name);

/* Errors with 42704. */
extern void chatmig_ledger_not_found(const char *name) pg_attribute_noreturn();

/* NULL when there is none of that name. */
extern Profile *chatmig_ledger_find_profile(const char *name);

/* Names of all profiles, sorted; of char *. */
extern List *chatmig_ledger_profile_names(void);

/* Names of all registrations, sorted; of char *. */
extern List *chatmig_ledger_names(void);

/* Names of those that have been migrated, sorted; of char *. */
extern List *chatmig_ledger_migrated_names(void);

/* What has been deleted on purpose: arrays of the same length. */
typedef struct LedgerDeleted
{
	Datum conversations; /* text[] */
	Datum owners;        /* text[] */
	Datum begun;         /* timestamptz[]: when the conversations began */
} LedgerDeleted;

/*
 * Records conversations that the current role has deleted, for validate not to
 * miss them, in all migrations that have filled the table of messages. Those
 * that began after the last run are left out, as no migration has made them;
 * who can tell where the legacy table's clock was ahead, so it takes a day's
 * difference, and a time that has been.
 */
extern void chatmig_ledger_record_deleted(Oid messages,
										  const LedgerDeleted *deleted);

/*
 * The table of registrations. All that changes a registration, or what is
 * recorded of it, sends a relcache invalidation for this table, so that who
 * keeps something of it in memory forgets it.
 */
extern Oid chatmig_ledger_relation(void);

extern void chatmig_ledger_store(const Registration *registration);

/* With all that is recorded of it. */
extern void chatmig_ledger_forget(const char *name);

/*
 * Waits for, and takes, the row lock that keeps two runs of one migration
 * apart; it is held to the end of the transaction and blocks nobody else.
 * Under REPEATABLE READ, a run that committed since is an error (40001); and
 * so is a registration that was forgotten while this waited (42704).
 */
extern void chatmig_ledger_lock(const char *name);

/* Nothing is recorded under version 1.0 of the extension. */
extern void chatmig_ledger_load_targets(const char *name,
										LedgerTargets *targets);

/* True if some migration fills the relation. */
extern bool chatmig_ledger_is_target(Oid relid);

/* True if it is a migration's trace, or another of its own tables. */
extern bool chatmig_ledger_is_trace(Oid relid);

/*
 * The name of a migration that reads, or fills, the relation, one of its
 * partitions or children, or what it is one of; NULL if there is none.
 */
extern char *chatmig_ledger_find_reader(Oid relid);
extern char *chatmig_ledger_find_writer(Oid relid);

/* Replaces what is recorded with the tables that are not InvalidOid. */
extern void chatmig_ledger_store_targets(const char *name,
										 const LedgerTargets *targets);

/* Adds a run's counts to the migration's, creating its row at the first. */
extern void chatmig_ledger_store_run(const char *name, const RunCounts *counts);

/* Whether an earlier run has left rejected rows, of which nothing came through.
 */
extern bool chatmig_ledger_has_rejects(const char *name);

/*
 * Replaces the migration's rejected rows; rejects are of Reject *. Those of
 * rows that are migrated in part stay.
 */
extern void chatmig_ledger_store_rejects(const char *name, List *rejects);

/* Forgets targets, run and rejects: the migration is only registered. */
extern void chatmig_ledger_clear(const char *name);

/*
 * The schema that the extension lives in; quoted, and as it is. Others may be
 * allowed to create functions there: in a call from SQL each argument has
 * exactly the declared type, so that no function of theirs suits it better.
 */
extern const char *chatmig_ledger_schema(void);
extern const char *chatmig_ledger_schema_name(void);

/* True if the relation is a member of the extension. */
extern bool chatmig_ledger_is_member(Oid relid);

#endif /* CHATMIG_LEDGER_H */
