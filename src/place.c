/*
 * place.c
 *	  Places for messages in conversations that exist.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "place.h"
#include "query.h"
#include "relation.h"

/* Messages of a conversation that make room for others. */
typedef struct Shift
{
	const MigrationPlan *plan;
	/* columns of the messages' table, quoted */
	const char *place;
	const char *of;
	const char *id;
	int count;
} Shift;

static void over_negatives(const Shift *shift, QueryArgs *args);
static bool positions_are_unique(const MigrationPlan *plan);
static void from_the_last(Shift *shift, QueryArgs *args);
static bool move_message(TupleTableSlot *slot, void *arg);

int32
chatmig_place_behind(const MigrationPlan *plan, Datum conversation)
{
	QueryArgs args = {0};
	int64 last;

	chatmig_query_arg(&args, plan->id_types[TARGET_CONVERSATIONS], conversation,
					  false);
	if (plan->uses[TARGET_CONVERSATIONS])
		(void) chatmig_query_run(
			psprintf(
				"SELECT FROM %s WHERE %s = $1 FOR NO KEY UPDATE",
				plan->qualified[TARGET_CONVERSATIONS],
				chatmig_relation_column(plan, TARGET_CONVERSATIONS, FIELD_ID)),
			&args);
	PushActiveSnapshot(GetTransactionSnapshot());
	last = chatmig_query_count(
		psprintf(
			"SELECT coalesce(max(\"position\"), -1) + 1::bigint FROM %s AS m WHERE conversation_id = $1",
			plan->relation[TARGET_MESSAGES]),
		&args);
	PopActiveSnapshot();
	if (last > PG_INT32_MAX - PG_INT16_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg(
				 "no position is left behind the last message of a conversation of %s",
				 plan->qualified[TARGET_MESSAGES]),
			 errdetail("The next one would be %lld.", (long long) last),
			 errhint("Give its messages the positions 0, 1, 2, ... again.")));
	return last;
}

/*
 * In a table of the application's, positions go through no other values than
 * the old and the new ones: it may have negative positions of its own, and
 * constraints on what a position may be.
 */
void
chatmig_place_before(const MigrationPlan *plan, Datum conversation,
					 int32 position, int count)
{
	Shift shift = {
		.plan = plan,
		.place = chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_POSITION),
		.of =
			chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_CONVERSATION),
		.id = chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_ID),
		.count = count};
	QueryArgs args = {0};

	chatmig_query_arg(&args, plan->id_types[TARGET_CONVERSATIONS], conversation,
					  false);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(position), false);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(count), false);
	if (!chatmig_plan_fills(plan, TARGET_MESSAGES))
		over_negatives(&shift, &args);
	else if (positions_are_unique(plan))
		from_the_last(&shift, &args);
	else
		(void) chatmig_query_run(
			psprintf("UPDATE %s SET %s = %s + $3 WHERE %s = $1 AND %s >= $2",
					 plan->qualified[TARGET_MESSAGES], shift.place, shift.place,
					 shift.of, shift.place),
			&args);
}

/* Twice: the unique constraint looks at each row. */
static void
over_negatives(const Shift *shift, QueryArgs *args)
{
	const char *table = shift->plan->qualified[TARGET_MESSAGES];
	const char *place = shift->place;

	(void) chatmig_query_run(
		psprintf("UPDATE %s SET %s = -1 - (%s + $3) WHERE %s = $1 AND %s >= $2",
				 table, place, place, shift->of, place),
		args);
	args->n = 1;
	(void) chatmig_query_run(
		psprintf("UPDATE %s SET %s = -1 - %s WHERE %s = $1 AND %s < 0", table,
				 place, place, shift->of, place),
		args);
}

/*
 * Whether an index may look at the positions of each row as it is changed. An
 * expression may hold a position; partitions may have indexes of their own.
 */
static bool
positions_are_unique(const MigrationPlan *plan)
{
	const Column *position = &plan->fields[TARGET_MESSAGES][FIELD_POSITION];
	QueryArgs args = {0};
	bool isnull;

	chatmig_query_arg(&args, OIDOID,
					  ObjectIdGetDatum(plan->tables[TARGET_MESSAGES]), false);
	chatmig_query_arg(&args, INT2OID, Int16GetDatum(position->attnum), false);
	(void) chatmig_query_value(
		"SELECT true FROM pg_class AS c WHERE c.oid = $1 AND c.relhassubclass "
		"UNION ALL SELECT true FROM pg_index AS i WHERE i.indrelid = $1 "
		"AND (i.indisunique OR i.indisexclusion) AND i.indimmediate "
		"AND ($2 = ANY (i.indkey::int2[]) OR i.indexprs IS NOT NULL)",
		&args, &isnull);
	return !isnull;
}

/* Row by row, so that the place that a message moves to is free. */
static void
from_the_last(Shift *shift, QueryArgs *args)
{
	args->n = 2;
	PushActiveSnapshot(GetTransactionSnapshot());
	chatmig_query_stream(
		psprintf("SELECT %s FROM %s WHERE %s = $1 AND %s >= $2 "
				 "ORDER BY %s DESC",
				 shift->id, shift->plan->qualified[TARGET_MESSAGES], shift->of,
				 shift->place, shift->place),
		args, false, NULL, move_message, shift);
	PopActiveSnapshot();
}

static bool
move_message(TupleTableSlot *slot, void *arg)
{
	const Shift *shift = arg;
	QueryArgs args = {0};

	slot_getallattrs(slot);
	chatmig_query_arg(&args,
					  TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid,
					  slot->tts_values[0], false);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(shift->count), false);
	(void) chatmig_query_run(
		psprintf("UPDATE %s SET %s = %s + $2 WHERE %s = $1",
				 shift->plan->qualified[TARGET_MESSAGES], shift->place,
				 shift->place, shift->id),
		&args);
	return true;
}
