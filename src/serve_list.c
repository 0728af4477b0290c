/*
 * serve_list.c
 *	  Conversations as they are listed.
 *
 * In: an owner. Out: rows, the latest first, from the index of owners and
 * times; messages are looked at for the conversations that are returned alone.
 * Reads under the calling statement's snapshot.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "serve_input.h"
#include "serve_list.h"
#include "serve_sql.h"

/* Which ones; variants of SERVE_LIST. */
#define HAS_OWNER 0x01
#define HAS_COUNTERPART 0x02
#define IS_ACTIVE 0x04
#define IS_ARCHIVED 0x08
#define HAS_BEFORE 0x10  /* a conversation with a time */
#define IS_TIMELESS 0x20 /* ... without one */

/* Characters of the last message. */
#define LAST_MESSAGE_LENGTH 100

#define LIST_LAST_ROLE 6

typedef struct ListState
{
	const ServeCall *call;
	ServeRow row;
	void *row_state;
} ListState;

static int find_before(ServeCall *call, const ListRequest *request,
					   QueryArgs *args);
static char *build_find_time(const ServeTarget *target, int variant);
static char *build_list(const ServeTarget *target, int variant);
static char *list_table(const ServeTarget *target, int variant);
static char *list_columns(const ServeTarget *target, const char *time);
static char *list_messages(const ServeTarget *target, int variant);
static char *condition(const ServeTarget *target, TargetTable table,
					   int variant);
static bool take_conversation(TupleTableSlot *slot, void *state);

void
chatmig_serve_list(ServeCall *call, const ListRequest *request, ServeRow row,
				   void *state)
{
	TargetTable table =
		OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid)
			? TARGET_CONVERSATIONS
			: TARGET_MESSAGES;
	ListState list = {call, row, state};
	int variant = (request->owner ? HAS_OWNER : 0) |
				  (request->counterpart ? HAS_COUNTERPART : 0) |
				  (!request->has_active ? 0
				   : request->active    ? IS_ACTIVE
										: IS_ARCHIVED);
	QueryArgs args = {0};

	if (request->owner != NULL)
		chatmig_serve_input_require(call, table, FIELD_OWNER, "owner");
	if (request->counterpart != NULL)
		chatmig_serve_input_require(call, table, FIELD_COUNTERPART,
									"counterpart");
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner",
							request->owner);
	chatmig_serve_input_arg(&args, call, table, FIELD_COUNTERPART,
							"counterpart", request->counterpart);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(request->max_rows),
					  request->max_rows < 0);
	variant |= find_before(call, request, &args);
	(void) chatmig_query_execute(chatmig_serve_cache_plan(call->target,
														  SERVE_LIST, variant,
														  build_list, &args),
								 &args, true, take_conversation, &list);
}

/* Adds $4, its id, and $5, its time. */
static int
find_before(ServeCall *call, const ListRequest *request, QueryArgs *args)
{
	bool has_table =
		OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid);
	QueryArgs id = {0};
	Datum time = (Datum) 0;
	bool isnull = true;

	chatmig_serve_input_arg(
		&id, call, has_table ? TARGET_CONVERSATIONS : TARGET_MESSAGES,
		has_table ? FIELD_ID : FIELD_CONVERSATION, "before", request->before);
	chatmig_query_arg(args, id.types[0], id.values[0], id.nulls[0] == 'n');
	if (request->before != NULL &&
		!chatmig_query_fetch(chatmig_serve_cache_plan(call->target,
													  SERVE_FIND_TIME, 0,
													  build_find_time, &id),
							 &id, true, 1, &time, &isnull))
		chatmig_serve_input_unknown(call, request->before);
	chatmig_query_arg(args, TIMESTAMPTZOID, time, isnull);
	return request->before == NULL ? 0 : isnull ? IS_TIMELESS : HAS_BEFORE;
}

static char *
build_find_time(const ServeTarget *target, int variant)
{
	const ServeTable *conversations = &target->tables[TARGET_CONVERSATIONS];
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	Field activity = chatmig_serve_sql_activity(target);
	char *time;

	if (OidIsValid(conversations->relid))
		return psprintf("SELECT %s FROM %s AS x WHERE x.%s = $1",
						activity == NUM_FIELDS
							? "NULL::timestamptz"
							: chatmig_serve_sql_read_time(
								  target, TARGET_CONVERSATIONS, activity, "x"),
						conversations->name,
						conversations->columns[FIELD_ID].name);
	time = chatmig_serve_sql_read_time(target, TARGET_MESSAGES,
									   FIELD_CREATED_AT, "x");
	return psprintf("SELECT max(%s) FROM %s AS x WHERE x.%s = $1 "
					"HAVING count(*) > 0",
					time, messages->name,
					messages->columns[FIELD_CONVERSATION].name);
}

/* s: conversations, in their order and number. */
static char *
build_list(const ServeTarget *target, int variant)
{
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	const char *conversation = messages->columns[FIELD_CONVERSATION].name;

	return psprintf(
		"SELECT s.id::text, s.owner, s.counterpart, s.title, s.is_active, "
		"n.messages, l.role, l.content, s.created_at, s.updated_at, "
		"s.metadata FROM (%s) AS s "
		"CROSS JOIN LATERAL (SELECT count(*) AS messages FROM %s AS x "
		"WHERE x.%s = s.id) AS n "
		"LEFT JOIN LATERAL (SELECT x.%s::text AS role, "
		"left(x.%s::text, %d) AS content FROM %s AS x WHERE x.%s = s.id "
		"ORDER BY %s LIMIT 1) AS l ON true "
		"ORDER BY s.activity DESC NULLS LAST, s.id DESC",
		OidIsValid(target->tables[TARGET_CONVERSATIONS].relid)
			? list_table(target, variant)
			: list_messages(target, variant),
		messages->name, conversation, messages->columns[FIELD_ROLE].name,
		messages->columns[FIELD_CONTENT].name, LAST_MESSAGE_LENGTH,
		messages->name, conversation,
		chatmig_serve_sql_order(target, "x", " DESC"));
}

/*
 * The index has NULLs in front and the list has them behind, so each has a
 * query of its own.
 */
static char *
list_table(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	Field activity = chatmig_serve_sql_activity(target);
	const char *id = target->tables[table].columns[FIELD_ID].name;
	char *from;
	char *timeless;
	const char *time;

	from = psprintf("FROM %s AS x WHERE %s", target->tables[table].name,
					condition(target, table, variant));
	timeless = variant & IS_TIMELESS ? psprintf(" AND x.%s < $4", id) : "";
	if (activity == NUM_FIELDS)
		return psprintf("SELECT %s %s%s ORDER BY x.%s DESC LIMIT $3",
						list_columns(target, "NULL::timestamptz"), from,
						timeless, id);
	time = psprintf("x.%s", target->tables[table].columns[activity].name);
	return psprintf(
		"(SELECT %s %s AND %s IS NOT NULL%s ORDER BY %s DESC, x.%s DESC "
		"LIMIT $3) UNION ALL (SELECT %s %s AND %s IS NULL%s "
		"ORDER BY x.%s DESC LIMIT $3) "
		"ORDER BY activity DESC NULLS LAST, id DESC LIMIT $3",
		list_columns(target, time), from, time,
		variant & IS_TIMELESS ? " AND false"
		: variant & HAS_BEFORE
			? psprintf(
				  " AND (%s, x.%s) < (%s, $4)", time, id,
				  chatmig_serve_sql_write_time(target, table, activity, "$5"))
			: "",
		time, id, list_columns(target, time), from, time, timeless, id);
}

static char *
list_columns(const ServeTarget *target, const char *time)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	const char *id = target->tables[table].columns[FIELD_ID].name;

	return psprintf(
		"x.%s AS id, %s AS activity, %s::text AS owner, "
		"%s::text AS counterpart, %s::text AS title, (%s) AS is_active, "
		"%s AS created_at, %s AS updated_at, %s AS metadata",
		id, time,
		chatmig_serve_sql_value(target, table, FIELD_OWNER, "x", "NULL"),
		chatmig_serve_sql_value(target, table, FIELD_COUNTERPART, "x", "NULL"),
		chatmig_serve_sql_value(target, table, FIELD_TITLE, "x", "NULL"),
		chatmig_serve_sql_is_active(target),
		chatmig_serve_sql_read_time(target, table, FIELD_CREATED_AT, "x"),
		chatmig_serve_sql_read_time(target, table, FIELD_UPDATED_AT, "x"),
		chatmig_serve_sql_read_json(target, table, "x"));
}

/* Where conversations are what their messages say. */
static char *
list_messages(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_MESSAGES;
	const ServeTable *messages = &target->tables[table];
	const char *id = messages->columns[FIELD_CONVERSATION].name;
	char *time =
		chatmig_serve_sql_read_time(target, table, FIELD_CREATED_AT, "x");
	const char *before = "true";

	if (variant & HAS_BEFORE)
		before = psprintf("((max(%s), x.%s) < ($5, $4) OR max(%s) IS NULL)",
						  time, id, time);
	if (variant & IS_TIMELESS)
		before = psprintf("(max(%s) IS NULL AND x.%s < $4)", time, id);
	return psprintf(
		"SELECT x.%s AS id, max(%s) AS activity, "
		"(array_agg(%s::text))[1] AS owner, "
		"(array_agg(%s::text))[1] AS counterpart, NULL::text AS title, "
		"true AS is_active, min(%s) AS created_at, max(%s) AS updated_at, "
		"NULL::jsonb AS metadata FROM %s AS x "
		"WHERE %s AND x.%s IS NOT NULL GROUP BY x.%s HAVING %s "
		"ORDER BY activity DESC NULLS LAST, id DESC LIMIT $3",
		id, time,
		chatmig_serve_sql_value(target, table, FIELD_OWNER, "x", "NULL"),
		chatmig_serve_sql_value(target, table, FIELD_COUNTERPART, "x", "NULL"),
		time, time, messages->name, condition(target, table, variant), id, id,
		before);
}

static char *
condition(const ServeTarget *target, TargetTable table, int variant)
{
	const ServeColumn *columns = target->tables[table].columns;
	bool has_is_active = columns[FIELD_IS_ACTIVE].name != NULL;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "true");
	if (variant & HAS_OWNER)
		appendStringInfo(&sql, " AND x.%s %s $1", columns[FIELD_OWNER].name,
						 columns[FIELD_OWNER].equals);
	if (variant & HAS_COUNTERPART)
		appendStringInfo(&sql, " AND x.%s %s $2",
						 columns[FIELD_COUNTERPART].name,
						 columns[FIELD_COUNTERPART].equals);
	if ((variant & IS_ACTIVE) && has_is_active)
		appendStringInfo(&sql, " AND %s", chatmig_serve_sql_is_active(target));
	if (variant & IS_ARCHIVED)
		appendStringInfo(&sql, " AND %s",
						 has_is_active ? psprintf("x.%s IS FALSE",
												  columns[FIELD_IS_ACTIVE].name)
									   : "false");
	return sql.data;
}

static bool
take_conversation(TupleTableSlot *slot, void *state)
{
	ListState *list = state;
	Datum values[LIST_COLUMNS];

	slot_getallattrs(slot);
	memcpy(values, slot->tts_values, sizeof(values));
	if (!slot->tts_isnull[LIST_LAST_ROLE])
		values[LIST_LAST_ROLE] =
			CStringGetTextDatum(chatmig_serve_input_role_name(
				list->call, TextDatumGetCString(values[LIST_LAST_ROLE])));
	list->row(values, slot->tts_isnull, list->row_state);
	return true;
}
