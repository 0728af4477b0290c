/*
 * serve_place.c
 *	  Where a message goes: its conversation, locked.
 *
 * Changing the conversation's row makes whoever else appends to it wait. Under
 * READ COMMITTED the next statement takes a new snapshot and sees what they
 * wrote; under REPEATABLE READ and above the change itself fails with 40001
 * where somebody has appended since the transaction began. Where conversations
 * have no table, an advisory lock stands for the row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "serve_input.h"
#include "serve_place.h"
#include "serve_sql.h"

/* The columns that say whose a message is, in the order of Place.group. */
static const Field group_fields[] = {FIELD_OWNER, FIELD_COUNTERPART,
									 FIELD_SESSION};

static void check_standalone(const ServeCall *call, const char *owner);
static void find_nowhere(ServeCall *call, const char *owner, Place *place);
static void lock_conversation(ServeCall *call, const char *conversation,
							  const char *owner, Place *place);
static char *build_lock(const ServeTarget *target, int variant);
static void find_in_messages(ServeCall *call, const char *conversation,
							 const char *owner, Place *place);
static char *build_last_message(const ServeTarget *target, int variant);
static void check_latest(QueryPlan *plan, const QueryArgs *args, Datum seen,
						 bool seen_none);
static void take_group(const ServeCall *call, TargetTable table,
					   const Datum *values, const bool *nulls, Place *place);
static void check_owner(const ServeCall *call, TargetTable table,
						const char *conversation, const char *owner,
						const Place *place);
static TimestampTz current_time(const ServeTarget *target);
static char *clock_value(const ServeTarget *target);
static char *build_touch(const ServeTarget *target, int variant);

void
chatmig_serve_place_find(ServeCall *call, const char *conversation,
						 const char *owner, int messages, Place *place)
{
	chatmig_serve_input_arg(&place->identifier, call, TARGET_MESSAGES,
							FIELD_CONVERSATION, "conversation", conversation);
	place->messages = messages;
	if (conversation == NULL)
	{
		check_standalone(call, owner);
		find_nowhere(call, owner, place);
	}
	else if (OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid))
		lock_conversation(call, conversation, owner, place);
	else
		find_in_messages(call, conversation, owner, place);
}

void
chatmig_serve_place_touch(ServeCall *call, const char *conversation,
						  Place *place)
{
	QueryArgs args = {0};

	if (conversation == NULL || place->time <= place->moved_to ||
		chatmig_serve_sql_column(call->target, TARGET_CONVERSATIONS,
								 FIELD_UPDATED_AT) == NULL)
		return;
	chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
							"conversation", conversation);
	chatmig_query_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(place->time),
					  false);
	(void) chatmig_query_execute(chatmig_serve_cache_plan(call->target,
														  SERVE_TOUCH, 0,
														  build_touch, &args),
								 &args, false, NULL, NULL);
	place->moved_to = place->time;
}

/* A message without a conversation. */
static void
check_standalone(const ServeCall *call, const char *owner)
{
	const ServeTable *messages = &call->target->tables[TARGET_MESSAGES];

	if (messages->columns[FIELD_CONVERSATION].not_null)
		ereport(
			ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("each message of %s is in a conversation", messages->name),
			 errdetail("Its column %s is NOT NULL, and no conversation was "
					   "given.",
					   messages->columns[FIELD_CONVERSATION].name),
			 errhint("chatmig_active_conversation() names or makes one.")));
	if (owner != NULL)
		chatmig_serve_input_require(call, TARGET_MESSAGES, FIELD_OWNER,
									"owner");
}

static void
find_nowhere(ServeCall *call, const char *owner, Place *place)
{
	for (int i = 0; i < lengthof(group_fields); i++)
		chatmig_serve_input_arg(&place->group, call, TARGET_MESSAGES,
								group_fields[i], "owner",
								i == 0 ? owner : NULL);
	place->time = current_time(call->target);
}

static void
lock_conversation(ServeCall *call, const char *conversation, const char *owner,
				  Place *place)
{
	QueryArgs args = {0};
	Interval more = {.time = (place->messages - 1) * call->target->time_step};
	Datum values[lengthof(group_fields) + 2];
	bool nulls[lengthof(group_fields) + 2];

	chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
							"conversation", conversation);
	chatmig_query_arg(&args, INTERVALOID, IntervalPGetDatum(&more), false);
	if (!chatmig_query_fetch(chatmig_serve_cache_plan(call->target, SERVE_LOCK,
													  0, build_lock, &args),
							 &args, false, lengthof(values), values, nulls))
		chatmig_serve_input_unknown(call, conversation);
	/* no earlier than the lock, and no later than updated_at is now */
	place->time = current_time(call->target);
	if (!nulls[1])
	{
		place->moved_to = DatumGetTimestampTz(values[1]);
		if (call->target->updated_at_is_fine)
			place->time = Min(place->time, place->moved_to - more.time);
	}
	take_group(call, TARGET_CONVERSATIONS, values + 2, nulls + 2, place);
	check_owner(call, TARGET_CONVERSATIONS, conversation, owner, place);
	if (!DatumGetBool(values[0]))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("conversation \"%s\" of %s is archived", conversation,
					call->target->tables[TARGET_CONVERSATIONS].name),
			 errdetail("Nothing is added to an archived conversation."),
			 errhint(
				 "chatmig_unarchive_conversation(%s) opens it again; chatmig_active_conversation() begins another one.",
				 quote_literal_cstr(conversation))));
}

/*
 * The clock is read again where the row had to be waited for. Without a time,
 * any column will do: what matters is that the row changes.
 */
static char *
build_lock(const ServeTarget *target, int variant)
{
	static const Field others[] = {FIELD_IS_ACTIVE,  FIELD_TITLE,
								   FIELD_METADATA,   FIELD_OWNER,
								   FIELD_CREATED_AT, FIELD_ID};
	const TargetTable table = TARGET_CONVERSATIONS;
	const ServeColumn *column =
		chatmig_serve_sql_column(target, table, FIELD_UPDATED_AT);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS x SET ", target->tables[table].name);
	if (column != NULL)
		appendStringInfo(&sql, "%s = greatest(x.%s, %s)", column->name,
						 column->name,
						 chatmig_serve_sql_write_time(
							 target, table, FIELD_UPDATED_AT,
							 psprintf("(%s + $2)", clock_value(target))));
	for (int i = 0; column == NULL && i < lengthof(others); i++)
	{
		column = chatmig_serve_sql_column(target, table, others[i]);
		if (column != NULL)
			appendStringInfo(&sql, "%s = x.%s", column->name, column->name);
	}
	appendStringInfo(
		&sql, " WHERE x.%s = $1 RETURNING %s, %s",
		target->tables[table].columns[FIELD_ID].name,
		chatmig_serve_sql_is_active(target),
		chatmig_serve_sql_read_time(target, table, FIELD_UPDATED_AT, "x"));
	for (int i = 0; i < lengthof(group_fields); i++)
		appendStringInfo(&sql, ", %s",
						 chatmig_serve_sql_value(target, table, group_fields[i],
												 "x", "NULL::text"));
	return sql.data;
}

/* Without a table of its own, a conversation is what its messages say. */
static void
find_in_messages(ServeCall *call, const char *conversation, const char *owner,
				 Place *place)
{
	const ServeColumn *column = chatmig_serve_sql_column(
		call->target, TARGET_MESSAGES, FIELD_CONVERSATION);
	QueryArgs args = place->identifier;
	Datum values[lengthof(group_fields) + 1];
	bool nulls[lengthof(group_fields) + 1];
	QueryPlan *plan;
	bool found;

	chatmig_serve_call_lock(call, &args, &column, 1);
	plan = chatmig_serve_cache_plan(call->target, SERVE_LAST_MESSAGE, 0,
									build_last_message, &args);
	found = chatmig_query_fetch(plan, &args, false, lengthof(values), values,
								nulls);
	check_latest(plan, &args, values[0], !found);
	place->time = current_time(call->target);
	if (found)
	{
		take_group(call, TARGET_MESSAGES, values + 1, nulls + 1, place);
		check_owner(call, TARGET_MESSAGES, conversation, owner, place);
		return;
	}
	/* the first message says whose it is */
	if (owner == NULL && chatmig_serve_sql_column(call->target, TARGET_MESSAGES,
												  FIELD_OWNER) != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("conversation \"%s\" does not exist in %s", conversation,
					call->target->tables[TARGET_MESSAGES].name),
			 errdetail("There is no message of it that the caller may see."),
			 errhint("If it is to begin, say whose it is: owner => '...'.")));
	find_nowhere(call, owner, place);
}

static char *
build_last_message(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_MESSAGES;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT x.%s::text",
					 target->tables[table].columns[FIELD_ID].name);
	for (int i = 0; i < lengthof(group_fields); i++)
		appendStringInfo(&sql, ", %s",
						 chatmig_serve_sql_value(target, table, group_fields[i],
												 "x", "NULL::text"));
	appendStringInfo(&sql, " FROM %s AS x WHERE x.%s = $1 ORDER BY %s LIMIT 1",
					 target->tables[table].name,
					 target->tables[table].columns[FIELD_CONVERSATION].name,
					 chatmig_serve_sql_order(target, "x", " DESC"));
	return sql.data;
}

/*
 * No row has been changed that the server could notice: under a snapshot of
 * the transaction, look whether that is still the last message.
 */
static void
check_latest(QueryPlan *plan, const QueryArgs *args, Datum seen, bool seen_none)
{
	Datum values[lengthof(group_fields) + 1];
	bool nulls[lengthof(group_fields) + 1];
	bool found;

	if (!IsolationUsesXactSnapshot())
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	found =
		chatmig_query_fetch(plan, args, true, lengthof(values), values, nulls);
	PopActiveSnapshot();
	if (found == !seen_none &&
		(!found || strcmp(TextDatumGetCString(values[0]),
						  TextDatumGetCString(seen)) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail("Another message came into the conversation."),
			 errhint("The transaction might succeed if retried.")));
}

static void
take_group(const ServeCall *call, TargetTable table, const Datum *values,
		   const bool *nulls, Place *place)
{
	for (int i = 0; i < lengthof(group_fields); i++)
	{
		const ServeColumn *column =
			chatmig_serve_sql_column(call->target, table, group_fields[i]);

		chatmig_query_arg(&place->group, column ? column->type : TEXTOID,
						  values[i], nulls[i]);
	}
}

static void
check_owner(const ServeCall *call, TargetTable table, const char *conversation,
			const char *owner, const Place *place)
{
	QueryArgs given = {0};

	if (owner == NULL)
		return;
	chatmig_serve_input_require(call, table, FIELD_OWNER, "owner");
	chatmig_serve_input_arg(&given, call, table, FIELD_OWNER, "owner", owner);
	if (!chatmig_serve_input_equal(
			chatmig_serve_sql_column(call->target, table, FIELD_OWNER),
			&place->group, &given))
		chatmig_serve_input_foreign(call, conversation, owner);
}

/* Not finer than the messages' times, so that they keep it as it is. */
static TimestampTz
current_time(const ServeTarget *target)
{
	TimestampTz time = GetCurrentTimestamp();

	return time - time % target->time_step;
}

/* SQL: the same. */
static char *
clock_value(const ServeTarget *target)
{
	if (target->time_step == 1)
		return pstrdup("clock_timestamp()");
	return psprintf("date_bin('%lld microseconds', clock_timestamp(), "
					"'2000-01-01 00:00:00+00')",
					(long long) target->time_step);
}

static char *
build_touch(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	const ServeTable *conversations = &target->tables[table];
	const char *column = conversations->columns[FIELD_UPDATED_AT].name;

	return psprintf(
		"UPDATE %s AS x SET %s = greatest(x.%s, %s) WHERE x.%s = $1",
		conversations->name, column, column,
		chatmig_serve_sql_write_time(target, table, FIELD_UPDATED_AT, "$2"),
		conversations->columns[FIELD_ID].name);
}
