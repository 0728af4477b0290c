/*
 * insert.c
 *	  Adding rows to any table through the executor.
 *
 * In: formed rows, and a statement that selects from them. Out: the same rows
 * in the table, by that statement, so that indexes, constraints, triggers,
 * generated columns, partitions and whatever extends the server do their part,
 * many rows a statement.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "insert.h"
#include "query.h"

struct Insert
{
	TupleDesc desc;
	const char *qualified;
	const char *sql;
	Tuplestorestate *store;
	int64 waiting;
};

static void begin_store(Insert *insert);

Insert *
chatmig_insert_begin(const char *qualified, TupleDesc desc, const char *sql)
{
	Insert *insert = palloc0(sizeof(Insert));

	insert->qualified = qualified;
	insert->desc = desc;
	insert->sql = sql;
	begin_store(insert);
	return insert;
}

void
chatmig_insert_put(Insert *insert, const Datum *values, const bool *nulls)
{
	tuplestore_putvalues(insert->store, insert->desc, (Datum *) values,
						 (bool *) nulls);
	insert->waiting++;
}

int64
chatmig_insert_waiting(const Insert *insert)
{
	return insert->waiting;
}

void
chatmig_insert_flush(Insert *insert)
{
	QueryStore store = {.name = INSERT_ROWS,
						.desc = insert->desc,
						.store = insert->store,
						.ntuples = insert->waiting};
	int64 inserted;

	if (insert->waiting == 0)
		return;
	inserted = chatmig_query_run_with_stores(insert->sql, &store, 1);
	if (inserted != insert->waiting)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s did not take all rows", insert->qualified),
			 errdetail("Of %lld rows, it took %lld.",
					   (long long) insert->waiting, (long long) inserted),
			 errhint(
				 "If others changed or deleted its rows at this moment, run it again. Or else a trigger or a rule on the table keeps rows out; disable it for the migration, or change it.")));
	/* not cleared: every scan leaves a read pointer in it, for ever */
	tuplestore_end(insert->store);
	begin_store(insert);
}

void
chatmig_insert_end(Insert *insert)
{
	chatmig_insert_flush(insert);
	tuplestore_end(insert->store);
	pfree(insert);
}

/* Where the Insert lives, as a flush may be called for a row. */
static void
begin_store(Insert *insert)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(insert));

	insert->store = tuplestore_begin_heap(false, false, work_mem);
	insert->waiting = 0;
	MemoryContextSwitchTo(old);
}
