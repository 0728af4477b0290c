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

/* Twice, over negative numbers: the unique constraint looks at each row. */
void
chatmig_place_before(const MigrationPlan *plan, Datum conversation,
					 int32 position, int count)
{
	const char *place =
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_POSITION);
	const char *of =
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_CONVERSATION);
	QueryArgs args = {0};

	chatmig_query_arg(&args, plan->id_types[TARGET_CONVERSATIONS], conversation,
					  false);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(position), false);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(count), false);
	(void) chatmig_query_run(
		psprintf("UPDATE %s SET %s = -1 - (%s + $3) WHERE %s = $1 AND %s >= $2",
				 plan->qualified[TARGET_MESSAGES], place, place, of, place),
		&args);
	args.n = 1;
	(void) chatmig_query_run(
		psprintf("UPDATE %s SET %s = -1 - %s WHERE %s = $1 AND %s < 0",
				 plan->qualified[TARGET_MESSAGES], place, place, of, place),
		&args);
}
