/*
 * query.c
 *	  The only code that calls SPI. See query.h.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "query.h"

/* A receiver that hands each row to a callback. */
typedef struct StreamReceiver
{
	DestReceiver pub;
	QueryBegin begin;
	QueryRow row;
	void *state;
} StreamReceiver;

/* What take_row() fills. */
typedef struct FetchState
{
	MemoryContext context;
	int ncolumns;
	Datum *values;
	bool *nulls;
	bool found;
} FetchState;

static Datum first_value(const char *sql, const QueryArgs *args,
						 uint64 max_rows, bool *isnull);
static bool take_row(TupleTableSlot *slot, void *state);
static ParamListInfo make_params(const QueryArgs *args);
static bool is_repeatable(SPIPlanPtr plan);
static StreamReceiver make_receiver(QueryBegin begin, QueryRow row,
									void *state);
static void fail(int code, const char *what) pg_attribute_noreturn();
static void stream_startup(DestReceiver *self, int operation, TupleDesc desc);
static bool stream_receive(TupleTableSlot *slot, DestReceiver *self);
static void stream_shutdown(DestReceiver *self);
static void stream_destroy(DestReceiver *self);

void
chatmig_query_arg(QueryArgs *args, Oid type, Datum value, bool isnull)
{
	if (args->n == MAX_QUERY_ARGS)
		elog(ERROR, "a query of chatmig has too many parameters");
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

void
chatmig_query_text_arg(QueryArgs *args, const char *value)
{
	chatmig_query_arg(args, TEXTOID,
					  value ? CStringGetTextDatum(value) : (Datum) 0,
					  value == NULL);
}

void
chatmig_query_oids_arg(QueryArgs *args, const List *oids)
{
	Datum *values = palloc(sizeof(Datum) * Max(1, list_length(oids)));
	ListCell *lc;
	int n = 0;

	foreach(lc, oids)
		values[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	chatmig_query_arg(args, OIDARRAYOID,
					  PointerGetDatum(construct_array(
						  values, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT)),
					  false);
}

uint64
chatmig_query_run(const char *sql, const QueryArgs *args)
{
	SPIExecuteOptions options = {.params = make_params(args)};
	uint64 processed;
	int code;

	SPI_connect();
	code = SPI_execute_extended(sql, &options);
	if (code < 0)
		fail(code, sql);
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

Datum
chatmig_query_value(const char *sql, const QueryArgs *args, bool *isnull)
{
	return first_value(sql, args, 1, isnull);
}

/* max_rows 0: of all rows, which parallel workers may read. */
static Datum
first_value(const char *sql, const QueryArgs *args, uint64 max_rows,
			bool *isnull)
{
	SPIExecuteOptions options = {
		.params = make_params(args), .read_only = true, .tcount = max_rows};
	MemoryContext caller = CurrentMemoryContext;
	Datum result = (Datum) 0;
	int code;

	SPI_connect();
	code = SPI_execute_extended(sql, &options);
	if (code < 0 || SPI_tuptable == NULL)
		fail(code, sql);
	*isnull = true;
	if (SPI_processed > 0)
	{
		Oid type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);
		bool byval;
		int16 len;

		get_typlenbyval(type, &len, &byval);
		result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							   isnull);
		if (!*isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			result = datumCopy(result, byval, len);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	return result;
}

int64
chatmig_query_count(const char *sql, const QueryArgs *args)
{
	bool isnull;
	Datum count = first_value(sql, args, 0, &isnull);

	return isnull ? 0 : DatumGetInt64(count);
}

List *
chatmig_query_list(const char *sql, const QueryArgs *args)
{
	SPIExecuteOptions options = {.params = make_params(args),
								 .read_only = true};
	MemoryContext caller = CurrentMemoryContext;
	List *result = NIL;
	int code;

	SPI_connect();
	code = SPI_execute_extended(sql, &options);
	if (code < 0 || SPI_tuptable == NULL)
		fail(code, sql);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *value =
			SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		if (value != NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			result = lappend(result, pstrdup(value));
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	return result;
}

void
chatmig_query_stream(const char *sql, const QueryArgs *args, bool parallel,
					 QueryBegin begin, QueryRow row, void *state)
{
	StreamReceiver receiver = make_receiver(begin, row, state);
	SPIExecuteOptions options = {
		.params = make_params(args), .read_only = true, .dest = &receiver.pub};
	SPIPlanPtr plan;
	int code;

	SPI_connect();
	plan = SPI_prepare_cursor(sql, args ? args->n : 0,
							  args ? (Oid *) args->types : NULL,
							  parallel ? CURSOR_OPT_PARALLEL_OK : 0);
	if (plan == NULL)
		fail(SPI_result, sql);
	code = SPI_execute_plan_extended(plan, &options);
	if (code < 0)
		fail(code, sql);
	SPI_finish();
}

int
chatmig_query_workers(const char *sql)
{
	SPIPlanPtr plan;
	CachedPlan *cached;
	Plan *node;
	int result = 0;

	SPI_connect();
	plan = SPI_prepare_cursor(sql, 0, NULL, CURSOR_OPT_PARALLEL_OK);
	if (plan == NULL)
		fail(SPI_result, sql);
	cached = SPI_plan_get_cached_plan(plan);
	node = linitial_node(PlannedStmt, cached->stmt_list)->planTree;
	/* anything else above the workers is for one process alone */
	while (IsA(node, Sort) || IsA(node, IncrementalSort))
		node = outerPlan(node);
	if (IsA(node, Gather))
		result = ((Gather *) node)->num_workers;
	else if (IsA(node, GatherMerge))
		result = ((GatherMerge *) node)->num_workers;
	if (result > 0 && !is_repeatable(plan))
		result = 0;
	ReleaseCachedPlan(cached, NULL);
	SPI_finish();
	return result;
}

/*
 * Whether several processes may run all of it, each for itself, and see the
 * same. The planner lets what is restricted to one process run above its
 * workers, and what is volatile in any of them.
 */
static bool
is_repeatable(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	Query *query = linitial_node(Query, source->query_list);

	return max_parallel_hazard(query) == PROPARALLEL_SAFE &&
		   !contain_volatile_functions((Node *) query);
}

uint64
chatmig_query_run_with_stores(const char *sql, const QueryStore *stores,
							  int nstores)
{
	uint64 processed;
	int code;

	SPI_connect();
	for (int i = 0; i < nstores; i++)
	{
		EphemeralNamedRelation enr =
			palloc0(sizeof(EphemeralNamedRelationData));

		enr->md.name = pstrdup(stores[i].name);
		enr->md.reliddesc = InvalidOid;
		enr->md.tupdesc = stores[i].desc;
		enr->md.enrtype = ENR_NAMED_TUPLESTORE;
		enr->md.enrtuples = stores[i].ntuples;
		enr->reldata = stores[i].store;
		code = SPI_register_relation(enr);
		if (code != SPI_OK_REL_REGISTER)
			fail(code, stores[i].name);
	}
	code = SPI_execute(sql, false, 0);
	if (code < 0)
		fail(code, sql);
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

QueryPlan *
chatmig_query_prepare(const char *sql, const QueryArgs *args)
{
	SPIPlanPtr plan;

	SPI_connect();
	plan = SPI_prepare(sql, args->n, (Oid *) args->types);
	if (plan == NULL)
		fail(SPI_result, sql);
	SPI_keepplan(plan);
	SPI_finish();
	return plan;
}

void
chatmig_query_free(QueryPlan *plan)
{
	SPI_freeplan(plan);
}

uint64
chatmig_query_execute(QueryPlan *plan, const QueryArgs *args, bool read_only,
					  QueryRow row, void *state)
{
	StreamReceiver receiver = make_receiver(NULL, row, state);
	SPIExecuteOptions options = {.params = make_params(args),
								 .read_only = read_only,
								 .dest = row ? &receiver.pub : NULL};
	uint64 processed;
	int code;

	SPI_connect();
	code = SPI_execute_plan_extended(plan, &options);
	if (code < 0)
		fail(code, "a prepared statement");
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

bool
chatmig_query_fetch(QueryPlan *plan, const QueryArgs *args, bool read_only,
					int ncolumns, Datum *values, bool *nulls)
{
	FetchState state = {.context = CurrentMemoryContext,
						.ncolumns = ncolumns,
						.values = values,
						.nulls = nulls};

	(void) chatmig_query_execute(plan, args, read_only, take_row, &state);
	return state.found;
}

static StreamReceiver
make_receiver(QueryBegin begin, QueryRow row, void *state)
{
	return (StreamReceiver){.pub = {.receiveSlot = stream_receive,
									.rStartup = stream_startup,
									.rShutdown = stream_shutdown,
									.rDestroy = stream_destroy,
									.mydest = DestNone},
							.begin = begin,
							.row = row,
							.state = state};
}

/* Statements here are well formed: SPI has only errors of its own to raise. */
static void
fail(int code, const char *what)
{
	elog(ERROR, "SPI failed with \"%s\" at: %s", SPI_result_code_string(code),
		 what);
}

static bool
take_row(TupleTableSlot *slot, void *state)
{
	FetchState *fetch = state;
	MemoryContext old = MemoryContextSwitchTo(fetch->context);
	TupleDesc desc = slot->tts_tupleDescriptor;

	Assert(!fetch->found && desc->natts == fetch->ncolumns);
	slot_getallattrs(slot);
	for (int i = 0; i < fetch->ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		fetch->nulls[i] = slot->tts_isnull[i];
		if (!fetch->nulls[i])
			fetch->values[i] = datumCopy(
				slot->tts_values[i], attribute->attbyval, attribute->attlen);
	}
	fetch->found = true;
	MemoryContextSwitchTo(old);
	return true;
}

static ParamListInfo
make_params(const QueryArgs *args)
{
	ParamListInfo params;

	if (args == NULL || args->n == 0)
		return NULL;
	params = makeParamList(args->n);
	for (int i = 0; i < args->n; i++)
	{
		params->params[i].value = args->values[i];
		params->params[i].isnull = args->nulls[i] == 'n';
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = args->types[i];
	}
	return params;
}

static void
stream_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	StreamReceiver *receiver = (StreamReceiver *) self;

	if (receiver->begin)
		receiver->begin(desc, receiver->state);
}

static bool
stream_receive(TupleTableSlot *slot, DestReceiver *self)
{
	StreamReceiver *receiver = (StreamReceiver *) self;

	CHECK_FOR_INTERRUPTS();
	return receiver->row(slot, receiver->state);
}

static void
stream_shutdown(DestReceiver *self)
{
}

static void
stream_destroy(DestReceiver *self)
{
}
