/*
 * rollback_find.c
 *	  Looking for rows of a migration's tables.
 *
 * In: the tables that rollback.c has found. Out: SQL that tells migrated rows
 * from others, and what such SQL has found.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "arguments.h"
#include "query.h"
#include "rollback_find.h"

/* The trace's expressions for a table's ids. */
static const char *const traced_ids[NUM_ID_TABLES] = {
	[TARGET_CONVERSATIONS] = "conversation_id",
	[TARGET_MESSAGES] = "pg_catalog.unnest(message_ids)",
	[TARGET_MEDIA] = "media_id"};

static bool store_finding(TupleTableSlot *slot, void *state);

Finding
chatmig_rollback_find(const char *sql)
{
	Finding finding = {.context = CurrentMemoryContext};

	chatmig_query_stream(sql, NULL, true, NULL, store_finding, &finding);
	return finding;
}

char *
chatmig_rollback_is_migrated(const Rollback *rollback, TargetTable target,
							 const char *value)
{
	const char *owners = rollback->tables[TARGET_OWNERS];

	return psprintf(
		"EXISTS (SELECT FROM (SELECT %s AS id FROM %s%s) AS k "
		"WHERE k.id = %s)",
		traced_ids[target], rollback->tables[TARGET_TRACE],
		target == TARGET_CONVERSATIONS && owners != NULL
			? psprintf(" UNION ALL SELECT conversation_id FROM %s", owners)
			: "",
		value);
}

char *
chatmig_rollback_column(const Rollback *rollback, TargetTable target,
						Field field)
{
	static const char *const names[NUM_NAMED_FIELDS] = {
		[FIELD_ID] = "id",
		[FIELD_CONVERSATION] = "conversation_id",
		[FIELD_POSITION] = "\"position\"",
		[FIELD_REPLY_TO] = "reply_to_id",
		[FIELD_MEDIA] = "media_id"};
	Jsonb *columns = rollback->targets.columns[target];
	const char *name = names[field];

	if (columns != NULL)
		name = chatmig_arguments_string(columns, "columns",
										chatmig_field_names[field]);
	return name == NULL ? NULL : pstrdup(quote_identifier(name));
}

static bool
store_finding(TupleTableSlot *slot, void *state)
{
	Finding *finding = state;

	slot_getallattrs(slot);
	finding->count = DatumGetInt64(slot->tts_values[0]);
	if (!slot->tts_isnull[1])
	{
		MemoryContext old = MemoryContextSwitchTo(finding->context);

		finding->example = TextDatumGetCString(slot->tts_values[1]);
		MemoryContextSwitchTo(old);
	}
	return true;
}
