/*
 * insert_reference.c
 *	  Foreign keys of rows that are inserted: the same key is looked up once.
 *
 * In: an INSERT of insert.c, as it starts. Out: the same INSERT, whose triggers
 * for foreign keys skip a row with the key that the server has just found. The
 * messages of a conversation come one after another, so that the server looks
 * for their conversation once, not for each.
 *
 * Nothing is let through that the server would refuse. When it found the key,
 * it locked the row that is referred to (KEY SHARE), so that other transactions
 * neither delete it nor change its key; and as soon as this one has written
 * anything at all, as a trigger may, all is looked up again. What is refused
 * is refused by the server's own function (utils/adt/ri_triggers.c).
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "insert.h"
#include "insert_reference.h"

/*
 * The looks of one statement, for all its foreign keys. A round is the
 * looks between which nothing else was written or locked.
 */
typedef struct Looks
{
	CommandId command; /* after the last one */
	uint64 round;      /* from 1 on */
} Looks;

/* A foreign key of a table, during one statement. */
typedef struct Reference
{
	/* fixed */
	PGFunction look_up; /* the server's function */
	const ForeignKeyCacheInfo *key;
	Looks *looks;

	/* the last key that was found */
	uint64 round;          /* in which it was; 0: none is kept */
	MemoryContext context; /* of the values, and nothing else */
	Datum values[INDEX_MAX_KEYS];
} Reference;

static ExecutorStart_hook_type next_hook;

static void start(QueryDesc *query, int flags);
static void watch_table(ResultRelInfo *table, Looks *looks);
static const ForeignKeyCacheInfo *find_key(Relation rel, Oid constraint);
static Datum check(PG_FUNCTION_ARGS);
static bool is_found(const Reference *reference, TupleTableSlot *slot);
static void keep(Reference *reference, TupleTableSlot *slot);
static bool read_key(const Reference *reference, TupleTableSlot *slot,
					 Datum *values);
static Form_pg_attribute column_of(const Reference *reference,
								   TupleTableSlot *slot, int i);

void
chatmig_insert_reference_init(void)
{
	if (LOOKS_ARE_BATCHED)
		return;
	next_hook = ExecutorStart_hook;
	ExecutorStart_hook = start;
}

static void
start(QueryDesc *query, int flags)
{
	MemoryContext old;
	Looks *looks;
	ListCell *lc;

	if (next_hook)
		next_hook(query, flags);
	else
		standard_ExecutorStart(query, flags);
	if (query->operation != CMD_INSERT ||
		get_ENR(query->queryEnv, INSERT_ROWS) == NULL)
		return;
	old = MemoryContextSwitchTo(query->estate->es_query_cxt);
	looks = palloc0(sizeof(Looks));
	looks->command = InvalidCommandId;
	/* partitions are opened later, and left to the server */
	foreach(lc, query->estate->es_opened_result_relations)
		watch_table(lfirst(lc), looks);
	MemoryContextSwitchTo(old);
}

/* The executor keeps each trigger's function for the length of a statement. */
static void
watch_table(ResultRelInfo *table, Looks *looks)
{
	TriggerDesc *triggers = table->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		FmgrInfo *function = &table->ri_TrigFunctions[i];
		const ForeignKeyCacheInfo *key;
		Reference *reference;

		if (trigger->tgfoid != F_RI_FKEY_CHECK_INS)
			continue;
		key = find_key(table->ri_RelationDesc, trigger->tgconstraint);
		if (key == NULL)
			continue;
		fmgr_info(trigger->tgfoid, function);
		reference = palloc0(sizeof(Reference));
		reference->look_up = function->fn_addr;
		reference->key = key;
		reference->looks = looks;
		reference->context = AllocSetContextCreate(
			CurrentMemoryContext, "chatmig reference", ALLOCSET_SMALL_SIZES);
		function->fn_addr = check;
		function->fn_extra = reference; /* the server has no use for it here */
	}
}

/* NULL if the trigger belongs to none, as one made by hand. */
static const ForeignKeyCacheInfo *
find_key(Relation rel, Oid constraint)
{
	ListCell *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);

		if (key->conoid == constraint)
			return copyObject(key); /* the list is the cache's */
	}
	return NULL;
}

/* The trigger function, called as the server calls its own. */
static Datum
check(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = (const TriggerData *) fcinfo->context;
	Reference *reference = fcinfo->flinfo->fn_extra;
	Looks *looks = reference->looks;
	CommandId before;
	Datum result;

	/* as a look begins; nothing happens if nothing was written or locked */
	CommandCounterIncrement();
	before = GetCurrentCommandId(false);
	if (looks->command != before)
		looks->round++;
	else if (is_found(reference, trigger->tg_trigslot))
		return PointerGetDatum(NULL);
	result = reference->look_up(fcinfo);
	looks->command = GetCurrentCommandId(false);
	/* a look is one command; the rest are of functions that it has called */
	if (looks->command > before + 1)
		looks->round++;
	/* of a row that a trigger has deleted or updated, nothing was looked up */
	else if (table_tuple_satisfies_snapshot(trigger->tg_relation,
											trigger->tg_trigslot, SnapshotSelf))
		keep(reference, trigger->tg_trigslot);
	return result;
}

/* By the bytes: what is equal to an operator alone is looked up again. */
static bool
is_found(const Reference *reference, TupleTableSlot *slot)
{
	Datum values[INDEX_MAX_KEYS];

	if (reference->round != reference->looks->round ||
		!read_key(reference, slot, values))
		return false;
	for (int i = 0; i < reference->key->nkeys; i++)
	{
		Form_pg_attribute column = column_of(reference, slot, i);

		if (!datum_image_eq(values[i], reference->values[i], column->attbyval,
							column->attlen))
			return false;
	}
	return true;
}

static void
keep(Reference *reference, TupleTableSlot *slot)
{
	Datum values[INDEX_MAX_KEYS];
	MemoryContext old;

	reference->round = 0;
	MemoryContextReset(reference->context);
	if (!read_key(reference, slot, values))
		return;
	old = MemoryContextSwitchTo(reference->context);
	for (int i = 0; i < reference->key->nkeys; i++)
	{
		Form_pg_attribute column = column_of(reference, slot, i);

		reference->values[i] =
			datumCopy(values[i], column->attbyval, column->attlen);
	}
	reference->round = reference->looks->round;
	MemoryContextSwitchTo(old);
}

/* False if there is a NULL in it: such a key is not looked up. */
static bool
read_key(const Reference *reference, TupleTableSlot *slot, Datum *values)
{
	bool isnull = false;

	for (int i = 0; i < reference->key->nkeys && !isnull; i++)
		values[i] = slot_getattr(slot, reference->key->conkey[i], &isnull);
	return !isnull;
}

static Form_pg_attribute
column_of(const Reference *reference, TupleTableSlot *slot, int i)
{
	return TupleDescAttr(slot->tts_tupleDescriptor,
						 reference->key->conkey[i] - 1);
}
