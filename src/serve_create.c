/*
 * serve_create.c
 *	  New conversations and media.
 *
 * In: whose they are. Out: a row each, and its id. Where conversations have no
 * table, the id alone: that of a conversation that goes on from another is a
 * function of the owner and of the one before it, so that all who ask before
 * its first message is written get the same.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "identity.h"
#include "serve_create.h"
#include "serve_id.h"
#include "serve_input.h"
#include "serve_sql.h"

/* What a new row has, and what a search goes by: variants of statements. */
#define HAS_TITLE 0x01
#define HAS_METADATA 0x02
#define HAS_TYPE 0x04
#define HAS_SUMMARY 0x08
#define HAS_COUNTERPART 0x10
#define HAS_IDLE 0x20

/* A list of columns and their values. */
typedef struct Row
{
	const ServeTarget *target;
	TargetTable table;
	StringInfoData names;
	StringInfoData values;
} Row;

static char *build_create_conversation(const ServeTarget *target, int variant);
static char *build_create_medium(const ServeTarget *target, int variant);
static Row begin_row(const ServeTarget *target, TargetTable table);
static void add_column(Row *row, Field field, const char *value);
static void add_text(Row *row, Field field, bool is_given, const char *value);
static void add_metadata(Row *row, bool is_given, const char *value);
static char *end_row(Row *row);
static void check_group(const ServeCall *call, TargetTable table,
						const char *owner, const char *counterpart);
static char *find_active(ServeCall *call, const QueryArgs *args, int variant,
						 bool latest, char **last);
static char *build_find_active(const ServeTarget *target, int variant);
static char *build_find_active_in_messages(const ServeTarget *target,
										   int variant);
static char *group_condition(const ServeTarget *target, TargetTable table,
							 int variant);
static char *next_id(const ServeCall *call, const char *owner,
					 const char *counterpart, const char *last);

char *
chatmig_serve_create_conversation(ServeCall *call,
								  const ConversationRequest *request)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	TimestampTz now = GetCurrentTimestamp();
	QueryArgs args = {0};
	Datum id;
	bool isnull;

	if (request->title != NULL)
		chatmig_serve_input_require(call, table, FIELD_TITLE, "title");
	if (request->metadata != NULL)
		chatmig_serve_input_require(call, table, FIELD_METADATA, "metadata");
	if (!OidIsValid(call->target->tables[table].relid))
	{
		check_group(call, TARGET_MESSAGES, request->owner,
					request->counterpart);
		return chatmig_serve_id_text(now);
	}
	check_group(call, table, request->owner, request->counterpart);
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner",
							request->owner);
	chatmig_serve_input_arg(&args, call, table, FIELD_COUNTERPART,
							"counterpart", request->counterpart);
	chatmig_query_text_arg(&args, request->title);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(request->metadata),
					  request->metadata == NULL);
	chatmig_query_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(now), false);
	chatmig_serve_id_arg(&args, call, table, now);
	if (!chatmig_query_fetch(
			chatmig_serve_cache_plan(call->target, SERVE_CREATE_CONVERSATION,
									 (request->title ? HAS_TITLE : 0) |
										 (request->metadata ? HAS_METADATA : 0),
									 build_create_conversation, &args),
			&args, false, 1, &id, &isnull))
		return NULL; /* a trigger did not want it */
	return TextDatumGetCString(id);
}

char *
chatmig_serve_create_medium(ServeCall *call, const MediumRequest *request)
{
	const TargetTable table = TARGET_MEDIA;
	const struct
	{
		Field field;
		bool is_given;
		const char *what;
		int variant;
	} arguments[] = {
		{FIELD_URL, true, "url", 0},
		{FIELD_OWNER, request->owner != NULL, "owner", 0},
		{FIELD_TYPE, request->type != NULL, "type", HAS_TYPE},
		{FIELD_SUMMARY, request->summary != NULL, "summary", HAS_SUMMARY},
		{FIELD_METADATA, request->metadata != NULL, "metadata", HAS_METADATA}};
	TimestampTz now = GetCurrentTimestamp();
	int variant = 0;
	QueryArgs args = {0};
	Datum id;
	bool isnull;

	chatmig_serve_input_not_null("url", request->url);
	for (int i = 0; i < lengthof(arguments); i++)
	{
		if (!arguments[i].is_given)
			continue;
		chatmig_serve_input_require(call, table, arguments[i].field,
									arguments[i].what);
		variant |= arguments[i].variant;
	}
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner",
							request->owner);
	chatmig_query_text_arg(&args, request->url);
	chatmig_query_text_arg(&args, request->type);
	chatmig_query_text_arg(&args, request->summary);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(request->metadata),
					  request->metadata == NULL);
	chatmig_query_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(now), false);
	chatmig_serve_id_arg(&args, call, table, now);
	if (!chatmig_query_fetch(
			chatmig_serve_cache_plan(call->target, SERVE_CREATE_MEDIUM, variant,
									 build_create_medium, &args),
			&args, false, 1, &id, &isnull))
		return NULL; /* a trigger did not want it */
	return TextDatumGetCString(id);
}

char *
chatmig_serve_active(ServeCall *call, const char *owner,
					 const char *counterpart, const Interval *idle)
{
	TargetTable table =
		OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid)
			? TARGET_CONVERSATIONS
			: TARGET_MESSAGES;
	ConversationRequest request = {.owner = owner, .counterpart = counterpart};
	int variant = (counterpart ? HAS_COUNTERPART : 0) | (idle ? HAS_IDLE : 0);
	const ServeColumn *columns[2];
	QueryArgs args = {0};
	char *last = NULL;
	char *id;

	check_group(call, table, owner, counterpart);
	if (idle != NULL)
		chatmig_serve_input_positive("idle", idle);
	if (chatmig_serve_sql_column(call->target, table, FIELD_OWNER) != NULL)
		chatmig_serve_input_not_null("owner", owner);
	if (idle != NULL && table == TARGET_CONVERSATIONS &&
		chatmig_serve_sql_activity(call->target) == NUM_FIELDS)
		chatmig_serve_input_require(call, table, FIELD_UPDATED_AT, "idle");
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner", owner);
	chatmig_serve_input_arg(&args, call, table, FIELD_COUNTERPART,
							"counterpart", counterpart);
	chatmig_query_arg(&args, TIMESTAMPTZOID,
					  idle ? TimestampTzGetDatum(chatmig_serve_input_ago(idle))
						   : (Datum) 0,
					  idle == NULL);
	id = find_active(call, &args, variant, false, &last);
	if (id != NULL)
		return id;
	if (table == TARGET_MESSAGES)
		return next_id(call, chatmig_serve_input_text(&args, 0),
					   chatmig_serve_input_text(&args, 1), last);
	/* one of those who find none makes one; the others find that */
	columns[0] = chatmig_serve_sql_column(call->target, table, FIELD_OWNER);
	columns[1] =
		chatmig_serve_sql_column(call->target, table, FIELD_COUNTERPART);
	chatmig_serve_call_lock(call, &args, columns, lengthof(columns));
	id = find_active(call, &args, variant, false, &last);
	if (id == NULL && IsolationUsesXactSnapshot() &&
		find_active(call, &args, variant, true, &last) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("The owner has got a conversation meanwhile."),
				 errhint("The transaction might succeed if retried.")));
	return id ? id : chatmig_serve_create_conversation(call, &request);
}

static char *
build_create_conversation(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	Row row = begin_row(target, table);

	add_column(&row, FIELD_OWNER, "$1");
	add_column(&row, FIELD_COUNTERPART, "$2");
	add_text(&row, FIELD_TITLE, (variant & HAS_TITLE) != 0, "$3");
	add_text(&row, FIELD_DESCRIPTION, false, NULL);
	add_metadata(&row, (variant & HAS_METADATA) != 0, "$4");
	add_column(&row, FIELD_IS_ACTIVE, "true");
	add_column(
		&row, FIELD_CREATED_AT,
		chatmig_serve_sql_write_time(target, table, FIELD_CREATED_AT, "$5"));
	add_column(
		&row, FIELD_UPDATED_AT,
		chatmig_serve_sql_write_time(target, table, FIELD_UPDATED_AT, "$5"));
	if (!target->tables[table].columns[FIELD_ID].has_default)
		add_column(&row, FIELD_ID, "$6");
	return end_row(&row);
}

static char *
build_create_medium(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_MEDIA;
	Row row = begin_row(target, table);

	add_column(&row, FIELD_OWNER, "$1");
	add_column(&row, FIELD_URL, "$2");
	add_text(&row, FIELD_TYPE, (variant & HAS_TYPE) != 0, "$3");
	add_text(&row, FIELD_SUMMARY, (variant & HAS_SUMMARY) != 0, "$4");
	add_metadata(&row, (variant & HAS_METADATA) != 0, "$5");
	add_column(
		&row, FIELD_CREATED_AT,
		chatmig_serve_sql_write_time(target, table, FIELD_CREATED_AT, "$6"));
	if (!target->tables[table].columns[FIELD_ID].has_default)
		add_column(&row, FIELD_ID, "$7");
	return end_row(&row);
}

static Row
begin_row(const ServeTarget *target, TargetTable table)
{
	Row row = {.target = target, .table = table};

	initStringInfo(&row.names);
	initStringInfo(&row.values);
	return row;
}

/* Does nothing where the table has no such column. */
static void
add_column(Row *row, Field field, const char *value)
{
	const ServeColumn *column =
		chatmig_serve_sql_column(row->target, row->table, field);
	const char *comma = row->names.len > 0 ? ", " : "";

	if (column == NULL)
		return;
	appendStringInfo(&row->names, "%s%s", comma, column->name);
	appendStringInfo(&row->values, "%s%s", comma, value);
}

/* What is not given is the column's default, or an empty text if need be. */
static void
add_text(Row *row, Field field, bool is_given, const char *value)
{
	const ServeColumn *column =
		chatmig_serve_sql_column(row->target, row->table, field);

	if (is_given)
		add_column(row, field, value);
	else if (column != NULL && column->not_null && !column->has_default)
		add_column(row, field, "''");
}

static void
add_metadata(Row *row, bool is_given, const char *value)
{
	const ServeColumn *column =
		chatmig_serve_sql_column(row->target, row->table, FIELD_METADATA);

	if (column == NULL)
		return;
	if (is_given)
		add_column(row, FIELD_METADATA,
				   chatmig_serve_sql_write_json(column, value));
	else if (column->not_null && !column->has_default)
		add_column(row, FIELD_METADATA, "'{}'");
}

static char *
end_row(Row *row)
{
	const ServeTable *table = &row->target->tables[row->table];

	return psprintf("INSERT INTO %s AS x (%s) VALUES (%s) RETURNING x.%s::text",
					table->name, row->names.data, row->values.data,
					table->columns[FIELD_ID].name);
}

static void
check_group(const ServeCall *call, TargetTable table, const char *owner,
			const char *counterpart)
{
	if (owner != NULL)
		chatmig_serve_input_require(call, table, FIELD_OWNER, "owner");
	if (counterpart != NULL)
		chatmig_serve_input_require(call, table, FIELD_COUNTERPART,
									"counterpart");
}

/*
 * NULL: none is active; then *last is the one that has been idle too long, of
 * conversations without a table. latest: whatever the transaction's snapshot.
 */
static char *
find_active(ServeCall *call, const QueryArgs *args, int variant, bool latest,
			char **last)
{
	bool has_table =
		OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid);
	QueryPlan *plan = chatmig_serve_cache_plan(
		call->target, SERVE_FIND_ACTIVE, variant,
		has_table ? build_find_active : build_find_active_in_messages, args);
	Datum values[2];
	bool nulls[2];
	bool found;

	if (latest)
		PushActiveSnapshot(GetLatestSnapshot());
	found = chatmig_query_fetch(plan, args, latest, 2, values, nulls);
	if (latest)
		PopActiveSnapshot();
	if (!found)
		return NULL;
	if (!nulls[1] && DatumGetBool(values[1]))
		return TextDatumGetCString(values[0]);
	*last = TextDatumGetCString(values[0]);
	return NULL;
}

/*
 * The index of owners and times gives the first row. It has conversations
 * without a time in front, which are looked at if there is no other.
 */
static char *
build_find_active(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];
	Field activity = chatmig_serve_sql_activity(target);
	const char *id = table->columns[FIELD_ID].name;
	char *from = psprintf(
		"SELECT x.%s::text, true FROM %s AS x WHERE %s AND %s", id, table->name,
		group_condition(target, TARGET_CONVERSATIONS, variant),
		chatmig_serve_sql_is_active(target));
	const char *time;

	if (activity == NUM_FIELDS)
		return psprintf("%s ORDER BY x.%s DESC LIMIT 1", from, id);
	time = table->columns[activity].name;
	if (variant & HAS_IDLE)
		return psprintf(
			"%s AND x.%s >= %s ORDER BY x.%s DESC, x.%s DESC LIMIT 1", from,
			time,
			chatmig_serve_sql_write_time(target, TARGET_CONVERSATIONS, activity,
										 "$3"),
			time, id);
	return psprintf("(%s AND x.%s IS NOT NULL ORDER BY x.%s DESC, x.%s DESC "
					"LIMIT 1) UNION ALL (%s AND x.%s IS NULL "
					"ORDER BY x.%s DESC LIMIT 1) LIMIT 1",
					from, time, time, id, from, time, id);
}

/* The conversation of the owner's last message, and whether that is new. */
static char *
build_find_active_in_messages(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];
	const char *time = table->columns[FIELD_CREATED_AT].name;

	return psprintf(
		"SELECT x.%s::text, %s FROM %s AS x WHERE %s AND x.%s IS NOT NULL "
		"AND x.%s IS NOT NULL ORDER BY x.%s DESC, x.%s DESC LIMIT 1",
		table->columns[FIELD_CONVERSATION].name,
		variant & HAS_IDLE
			? psprintf("x.%s >= %s", time,
					   chatmig_serve_sql_write_time(target, TARGET_MESSAGES,
													FIELD_CREATED_AT, "$3"))
			: "true",
		table->name, group_condition(target, TARGET_MESSAGES, variant),
		table->columns[FIELD_CONVERSATION].name, time, time,
		table->columns[FIELD_ID].name);
}

static char *
group_condition(const ServeTarget *target, TargetTable table, int variant)
{
	const ServeColumn *owner =
		chatmig_serve_sql_column(target, table, FIELD_OWNER);
	const ServeColumn *counterpart =
		chatmig_serve_sql_column(target, table, FIELD_COUNTERPART);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "true");
	if (owner != NULL)
		appendStringInfo(&sql, " AND x.%s %s $1", owner->name, owner->equals);
	if (counterpart != NULL && (variant & HAS_COUNTERPART))
		appendStringInfo(&sql, " AND x.%s %s $2", counterpart->name,
						 counterpart->equals);
	else if (counterpart != NULL)
		appendStringInfo(&sql, " AND x.%s IS NULL", counterpart->name);
	return sql.data;
}

/* Names of any length, so that no two lists of them make the same key. */
static char *
next_id(const ServeCall *call, const char *owner, const char *counterpart,
		const char *last)
{
	Identity identity = {
		.kind = IDENTITY_SERVED,
		.migration = call->target->migration,
		.key = psprintf("%s %s %s", owner ? quote_literal_cstr(owner) : "",
						counterpart ? quote_literal_cstr(counterpart) : "",
						last ? quote_literal_cstr(last) : ""),
		.time = {.isnull = true}};

	return DatumGetCString(
		DirectFunctionCall1(uuid_out, chatmig_identity_uuid(&identity)));
}
