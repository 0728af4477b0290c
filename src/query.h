/*
 * query.h
 *	  The only code that calls SPI: run a statement, fetch a value, stream rows.
 *
 * Each call makes its own SPI connection, so that a statement may be run
 * while another one streams. SQL text is built by the callers, every name in
 * it quoted; search_path is what chatmig_caller_enter() set.
 */
#ifndef CHATMIG_QUERY_H
#define CHATMIG_QUERY_H

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#define MAX_QUERY_ARGS 16

/* Parameters $1, $2, ... of a statement. */
typedef struct QueryArgs
{
	int n;
	Oid types[MAX_QUERY_ARGS];
	Datum values[MAX_QUERY_ARGS];
	char nulls[MAX_QUERY_ARGS]; /* ' ' or 'n' */
} QueryArgs;

extern void chatmig_query_arg(QueryArgs *args, Oid type, Datum value,
							  bool isnull);
extern void chatmig_query_text_arg(QueryArgs *args, const char *value);
/* A List of OIDs, as an oid[]. */
extern void chatmig_query_oids_arg(QueryArgs *args, const List *oids);

/* Runs one statement, of any kind; args may be NULL. Returns rows processed. */
extern uint64 chatmig_query_run(const char *sql, const QueryArgs *args);

/*
 * SELECTs under the active snapshot, like chatmig_query_stream(): several of
 * them see the same rows. They do not see what commands after that snapshot
 * wrote, unless the caller pushes a new one.
 *
 * value: the first column of the first row, copied into the current memory
 * context; *isnull is also true when there is no row.
 */
extern Datum chatmig_query_value(const char *sql, const QueryArgs *args,
								 bool *isnull);

/* The same for a bigint that is never NULL, such as count(*). */
extern int64 chatmig_query_count(const char *sql, const QueryArgs *args);

/* The first column of every row as text, NULLs left out; a List of char *. */
extern List *chatmig_query_list(const char *sql, const QueryArgs *args);

/*
 * Called for each row that a query returns; false ends the query. The slot is
 * valid during the call alone. It may be of any kind: use slot_getattr() and
 * the like.
 */
typedef bool (*QueryRow)(TupleTableSlot *slot, void *state);

/*
 * Streams a SELECT's rows under the active snapshot. Rows are not collected:
 * memory is what the executor needs. With parallel, workers may be used, and
 * then the callback must not start a command or assign a transaction id.
 * begin, if not NULL, is called once with the rows' descriptor before them.
 */
typedef void (*QueryBegin)(TupleDesc desc, void *state);
extern void chatmig_query_stream(const char *sql, const QueryArgs *args,
								 bool parallel, QueryBegin begin, QueryRow row,
								 void *state);

/*
 * How many workers the planner would use for a SELECT; 0 if it would use none,
 * if this process would do more than gather and sort what they read, or if
 * processes that run all of it each for itself might not see the same.
 */
extern int chatmig_query_workers(const char *sql);

/*
 * Runs a statement that reads tuplestores under names of their own, as a
 * trigger reads its transition tables.
 */
typedef struct QueryStore
{
	const char *name;
	TupleDesc desc;
	Tuplestorestate *store;
	double ntuples;
} QueryStore;

extern uint64 chatmig_query_run_with_stores(const char *sql,
											const QueryStore *stores,
											int nstores);

/*
 * A statement that is prepared once and run often: the types of the arguments
 * are fixed, their values are not. It is kept until it is freed, over the end
 * of transactions, too, and planned again where tables have changed.
 */
typedef struct _SPI_plan QueryPlan;
extern QueryPlan *chatmig_query_prepare(const char *sql, const QueryArgs *args);
extern void chatmig_query_free(QueryPlan *plan);

/*
 * Runs it and calls row, if not NULL, for each row of the result; returns the
 * number of rows processed. With read_only under the active snapshot, or else
 * under a new one, which is how a statement sees what was committed while the
 * one before it waited for a lock.
 */
extern uint64 chatmig_query_execute(QueryPlan *plan, const QueryArgs *args,
									bool read_only, QueryRow row, void *state);

/*
 * The same, for a row at most: copies its columns, of which there must be
 * ncolumns, into the current memory context. False: there is no row.
 */
extern bool chatmig_query_fetch(QueryPlan *plan, const QueryArgs *args,
								bool read_only, int ncolumns, Datum *values,
								bool *nulls);

#endif /* CHATMIG_QUERY_H */
