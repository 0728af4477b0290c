/*
 * serve_call.c
 *	  One call that serves: its target, its settings, and what errors say of it.
 *
 * Unlike the migration, which reads all rows as the owner of the legacy table
 * (caller.c), serving does what the caller could do by hand, row security
 * included.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "serve_call.h"

#define SEARCH_PATH "pg_catalog, pg_temp"

static uint64 hash_value(const QueryArgs *args, int i,
						 const ServeColumn *column);
static void describe(void *arg);

void
chatmig_serve_call_begin(ServeCall *call, const char *function,
						 const char *migration)
{
	call->function = function;
	call->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", SEARCH_PATH, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* few rows each time, whatever the planner expects of an owner */
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	call->target = chatmig_serve_cache_get(migration);
	call->context.callback = describe;
	call->context.arg = call;
	call->context.previous = error_context_stack;
	error_context_stack = &call->context;
}

void
chatmig_serve_call_end(ServeCall *call)
{
	error_context_stack = call->context.previous;
	AtEOXact_GUC(true, call->guc_level);
}

void
chatmig_serve_call_lock(const ServeCall *call, const QueryArgs *args,
						const ServeColumn *const *columns, int n)
{
	uint64 hash = call->target->tables[TARGET_MESSAGES].relid;

	for (int i = 0; i < n; i++)
		hash = hash_combine64(hash, hash_value(args, i, columns[i]));
	(void) DirectFunctionCall1(pg_advisory_xact_lock_int8,
							   Int64GetDatum((int64) hash));
}

/* Of what is equal in the column, the same; of a type without hash, always 1.
 */
static uint64
hash_value(const QueryArgs *args, int i, const ServeColumn *column)
{
	TypeCacheEntry *type =
		lookup_type_cache(args->types[i], TYPECACHE_HASH_EXTENDED_PROC_FINFO);

	if (args->nulls[i] == 'n')
		return 0;
	if (!OidIsValid(type->hash_extended_proc))
		return 1;
	return DatumGetUInt64(FunctionCall2Coll(
		&type->hash_extended_proc_finfo,
		column ? column->collation : get_typcollation(args->types[i]),
		args->values[i], Int64GetDatum(0)));
}

static void
describe(void *arg)
{
	const ServeCall *call = arg;

	errcontext("%s() on %s, migration \"%s\"", call->function,
			   call->target->tables[TARGET_MESSAGES].name,
			   call->target->migration);
	/* serving itself has qualified all names, and knows that they are there */
	switch (geterrcode())
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_OBJECT:
			errhint("Functions of triggers, defaults and checks run with the "
					"search path " SEARCH_PATH " here: qualify the names in "
					"them, or ALTER FUNCTION ... SET search_path.");
	}
}
