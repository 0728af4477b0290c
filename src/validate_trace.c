/*
 * validate_trace.c
 *	  How much the trace holds.
 *
 * In: a plan that has been migrated. Out: the numbers in validation->trace,
 * read from the trace once, however many stages ask for them.
 */
#include "postgres.h"

#include "validation.h"

static bool receive(TupleTableSlot *slot, void *state);
static char *messages(const MigrationPlan *plan);

void
chatmig_validate_trace(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;

	if (validation->trace.is_counted)
		return;
	chatmig_query_stream(psprintf("SELECT count(*), %s, count(t.media_id) "
								  "FROM %s AS t",
								  messages(plan),
								  plan->qualified[TARGET_TRACE]),
						 NULL, true, NULL, receive, &validation->trace);
	validation->trace.is_counted = true;
}

void
chatmig_validate_trace_met(Validation *validation, int64 rows, int64 messages)
{
	const char *trace = validation->plan->qualified[TARGET_TRACE];
	char *sql = psprintf("SELECT count(*) FROM %s", trace);

	if (chatmig_query_count(sql, NULL) == rows)
		validation->trace = (TraceCounts){
			.is_counted = true, .rows = rows, .messages = messages};
}

static bool
receive(TupleTableSlot *slot, void *state)
{
	TraceCounts *counts = state;

	slot_getallattrs(slot);
	counts->rows = DatumGetInt64(slot->tts_values[0]);
	counts->messages = DatumGetInt64(slot->tts_values[1]);
	counts->media = DatumGetInt64(slot->tts_values[2]);
	return true;
}

/* Of a row with two halves at most, counting is quicker than removing. */
static char *
messages(const MigrationPlan *plan)
{
	if (plan->mapping->shape == SHAPE_TRANSCRIPT)
		return pstrdup("coalesce(sum(cardinality(array_remove("
					   "t.message_ids, NULL))), 0)");
	return pstrdup("count(t.message_ids[1]) + count(t.message_ids[2])");
}
