/*
 * insert_reference.c
 *	  Foreign keys of rows that are inserted: the same key is looked up once.
 *
 * In: an INSERT of insert.c, as it starts. Out: the same INSERT, whose triggers
 * for foreign keys skip a row with the same key as the last one that the server
 * has found for this statement. The messages of a conversation come one after
 * another, so that the server looks for their conversation once, not for each.
 *
 * That is as strict as the server. Its look has locked the row that is referred
 * to (KEY SHARE) until the transaction ends, so that no other transaction
 * deletes it or changes its key; if this one does, in a trigger, the foreign
 * key's action on the referred table meets all rows of the statement, which are
 * there by then. What the server would refuse is refused by it, in its words:
 * everything but the same key goes to its own function
 * (utils/adt/ri_triggers.c).
 */
#include "postgres.h"

#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "insert.h"
#include "insert_reference.h"

/* A foreign key of a table, during one statement. */
typedef struct Reference
{
	/* fixed */
	PGFunction look_up; /* the server's function */
	const ForeignKeyCacheInfo *key;

	/* the last key that was found */
	bool is_found;
	MemoryContext context; /* of the values, and nothing else */
	Datum values[INDEX_MAX_KEYS];
} Reference;

static ExecutorStart_hook_type next_hook;

static void start(QueryDesc *query, int flags);
static void watch_table(EState *estate, ResultRelInfo *table);
static const ForeignKeyCacheInfo *find_key(Relation rel, Oid constraint);
static Datum check(PG_FUNCTION_ARGS);
static bool is_last(const Reference *reference, TupleTableSlot *slot);
static void keep(Reference *reference, TupleTableSlot *slot);

void
chatmig_insert_reference_init(void)
{
	next_hook = ExecutorStart_hook;
	ExecutorStart_hook = start;
}

static void
start(QueryDesc *query, int flags)
{
	ListCell *lc;

	if (next_hook)
		next_hook(query, flags);
	else
		standard_ExecutorStart(query, flags);
	if (query->operation != CMD_INSERT ||
		get_ENR(query->queryEnv, INSERT_ROWS) == NULL)
		return;
	/* partitions are opened later, and left to the server */
	foreach(lc, query->estate->es_opened_result_relations)
		watch_table(query->estate, lfirst(lc));
}

/* The executor keeps each trigger's function for the length of a statement. */
static void
watch_table(EState *estate, ResultRelInfo *table)
{
	TriggerDesc *triggers = table->ri_TrigDesc;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

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
		reference->context = AllocSetContextCreate(
			estate->es_query_cxt, "chatmig reference", ALLOCSET_SMALL_SIZES);
		function->fn_addr = check;
		function->fn_extra = reference; /* the server has no use for it here */
	}
	MemoryContextSwitchTo(old);
}

/* NULL if there is none, as for a trigger that has outlived its constraint. */
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
	Datum result;

	if (is_last(reference, trigger->tg_trigslot))
		return PointerGetDatum(NULL);
	result = reference->look_up(fcinfo);
	/* of a row that another trigger has deleted, nothing was looked up */
	if (table_tuple_satisfies_snapshot(trigger->tg_relation,
									   trigger->tg_trigslot, SnapshotSelf))
		keep(reference, trigger->tg_trigslot);
	return result;
}

/* By the bytes: what is equal to an operator alone is looked up again. */
static bool
is_last(const Reference *reference, TupleTableSlot *slot)
{
	if (!reference->is_found)
		return false;
	for (int i = 0; i < reference->key->nkeys; i++)
	{
		AttrNumber attnum = reference->key->conkey[i];
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1);
		bool isnull;
		Datum value = slot_getattr(slot, attnum, &isnull);

		if (isnull || !datum_image_eq(value, reference->values[i],
									  attribute->attbyval, attribute->attlen))
			return false;
	}
	return true;
}

/* A key with a NULL in it is not looked up, and not kept. */
static void
keep(Reference *reference, TupleTableSlot *slot)
{
	MemoryContext old;

	MemoryContextReset(reference->context);
	old = MemoryContextSwitchTo(reference->context);
	reference->is_found = true;
	for (int i = 0; i < reference->key->nkeys && reference->is_found; i++)
	{
		AttrNumber attnum = reference->key->conkey[i];
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1);
		bool isnull;
		Datum value = slot_getattr(slot, attnum, &isnull);

		if (isnull)
			reference->is_found = false;
		else
			reference->values[i] =
				datumCopy(value, attribute->attbyval, attribute->attlen);
	}
	MemoryContextSwitchTo(old);
}
