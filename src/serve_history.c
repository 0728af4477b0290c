/*
 * serve_history.c
 *	  Messages as they are read: in order, or as questions and answers.
 *
 * In: a conversation or an owner. Out: rows. Reads under the calling
 * statement's snapshot. With a position, the last messages come out of the
 * index of conversation and position, whatever the conversation's length;
 * without one, the conversation's messages are counted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "serve_history.h"
#include "serve_input.h"
#include "serve_sql.h"

/* Variants of statements. */
#define HAS_BEFORE 0x01
#define BY_OWNER 0x02
#define STANDALONE 0x04

/* Columns of SERVE_HISTORY and of SERVE_PAIRS. */
#define HISTORY_ROLE 2
#define NUM_PAIR_INPUTS 6
#define MESSAGE_CONVERSATION 0
#define MESSAGE_ID 1
#define MESSAGE_ROLE 2
#define MESSAGE_CONTENT 3
#define MESSAGE_MODEL 4
#define MESSAGE_TIME 5

typedef struct HistoryState
{
	const ServeCall *call;
	int64 rows;
	ServeRow row;
	void *row_state;
} HistoryState;

typedef struct PairState
{
	HistoryState history;
	MemoryContext context; /* of the question; reset with it */
	bool has_question;     /* it waits for its answer */
	Datum question[NUM_PAIR_INPUTS];
	bool question_nulls[NUM_PAIR_INPUTS];
} PairState;

static char *build_history(const ServeTarget *target, int variant);
static char *message_columns(const ServeTarget *target, const char *position);
static char *medium_query(const ServeTarget *target);
static bool take_message(TupleTableSlot *slot, void *state);
static void read_pairs(ServeCall *call, const QueryArgs *args, int variant,
					   PairState *pairs);
static char *build_pairs(const ServeTarget *target, int variant);
static bool take_half(TupleTableSlot *slot, void *state);
static void keep_question(PairState *pairs, TupleTableSlot *slot);
static void end_question(PairState *pairs, TupleTableSlot *answer);
static char *build_count(const ServeTarget *target, int variant);

void
chatmig_serve_history(ServeCall *call, const HistoryRequest *request,
					  ServeRow row, void *state)
{
	HistoryState history = {.call = call, .row = row, .row_state = state};
	QueryArgs args = {0};

	chatmig_serve_input_not_null("conversation", request->conversation);
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_CONVERSATION,
							"conversation", request->conversation);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(request->max_messages),
					  request->max_messages < 0);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(request->before_position),
					  !request->has_before);
	(void) chatmig_query_execute(
		chatmig_serve_cache_plan(call->target, SERVE_HISTORY,
								 request->has_before ? HAS_BEFORE : 0,
								 build_history, &args),
		&args, true, take_message, &history);
	if (history.rows == 0)
		chatmig_serve_input_exists(call, request->conversation, true);
}

void
chatmig_serve_pairs(ServeCall *call, const char *owner,
					const char *conversation, ServeRow row, void *state)
{
	PairState pairs = {
		.history = {.call = call, .row = row, .row_state = state},
		.context = AllocSetContextCreate(
			CurrentMemoryContext, "chatmig question", ALLOCSET_DEFAULT_SIZES)};
	TargetTable table =
		OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid)
			? TARGET_CONVERSATIONS
			: TARGET_MESSAGES;
	QueryArgs args = {0};

	if ((owner == NULL) == (conversation == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("either an owner or a conversation must be given"),
				 errhint("Write for instance chatmig_pairs(owner => '7').")));
	if (conversation != NULL)
	{
		chatmig_serve_input_arg(&args, call, TARGET_MESSAGES,
								FIELD_CONVERSATION, "conversation",
								conversation);
		read_pairs(call, &args, 0, &pairs);
		if (pairs.history.rows == 0)
			chatmig_serve_input_exists(call, conversation, true);
		return;
	}
	chatmig_serve_input_require(call, table, FIELD_OWNER, "owner");
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner", owner);
	read_pairs(call, &args, BY_OWNER, &pairs);
	if (chatmig_serve_sql_column(call->target, TARGET_MESSAGES, FIELD_OWNER) ==
		NULL)
		return;
	args.n = 0;
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_OWNER, "owner",
							owner);
	read_pairs(call, &args, BY_OWNER | STANDALONE, &pairs);
}

int64
chatmig_serve_count(ServeCall *call, const char *conversation)
{
	QueryArgs args = {0};
	Datum count;
	bool isnull;

	chatmig_serve_input_not_null("conversation", conversation);
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_CONVERSATION,
							"conversation", conversation);
	(void) chatmig_query_fetch(chatmig_serve_cache_plan(call->target,
														SERVE_COUNT, 0,
														build_count, &args),
							   &args, true, 1, &count, &isnull);
	if (DatumGetInt64(count) == 0)
		chatmig_serve_input_exists(call, conversation, true);
	return DatumGetInt64(count);
}

/* Media are looked up for the messages that are returned alone. */
static char *
build_history(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];
	const char *conversation = table->columns[FIELD_CONVERSATION].name;
	const char *position = table->columns[FIELD_POSITION].name;
	bool has_before = (variant & HAS_BEFORE) != 0;
	bool has_media = OidIsValid(target->tables[TARGET_MEDIA].relid) &&
					 table->columns[FIELD_MEDIA].name != NULL;
	char *messages;

	if (position != NULL)
		messages = psprintf(
			"SELECT %s FROM %s AS x WHERE x.%s = $1%s "
			"ORDER BY x.%s DESC LIMIT $2",
			message_columns(target, psprintf("x.%s", position)), table->name,
			conversation,
			has_before ? psprintf(" AND x.%s < $3", position) : "", position);
	else
		messages = psprintf(
			"SELECT * FROM (SELECT %s FROM %s AS x WHERE x.%s = $1) AS n%s "
			"ORDER BY n.position DESC LIMIT $2",
			message_columns(target,
							psprintf("(row_number() OVER (ORDER BY %s) - 1)",
									 chatmig_serve_sql_order(target, "x", ""))),
			table->name, conversation,
			has_before ? " WHERE n.position < $3" : "");
	return psprintf(
		"SELECT s.id::text, s.position::int8, s.role, s.content, s.model, "
		"s.tokens, s.metadata, s.media::text, %s, s.reply_to, s.created_at "
		"FROM (%s) AS s%s ORDER BY s.position",
		has_media ? "d.url, d.type, d.summary"
				  : "NULL::text, NULL::text, NULL::text",
		messages,
		has_media ? psprintf(" LEFT JOIN LATERAL (%s) AS d ON true",
							 medium_query(target))
				  : "");
}

static char *
message_columns(const ServeTarget *target, const char *position)
{
	static const struct
	{
		Field field;
		const char *type; /* NULL: its own */
		const char *name;
	} columns[] = {{FIELD_ID, NULL, "id"},
				   {FIELD_ROLE, "text", "role"},
				   {FIELD_CONTENT, "text", "content"},
				   {FIELD_MODEL, "text", "model"},
				   {FIELD_TOKENS, "int8", "tokens"},
				   {FIELD_MEDIA, NULL, "media"},
				   {FIELD_REPLY_TO, "text", "reply_to"}};
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < lengthof(columns); i++)
		appendStringInfo(&sql, "%s%s%s AS %s, ",
						 chatmig_serve_sql_value(
							 target, TARGET_MESSAGES, columns[i].field, "x",
							 columns[i].type ? "NULL" : "NULL::text"),
						 columns[i].type ? "::" : "",
						 columns[i].type ? columns[i].type : "",
						 columns[i].name);
	appendStringInfo(&sql, "%s AS metadata, %s AS created_at, %s AS position",
					 chatmig_serve_sql_read_json(target, TARGET_MESSAGES, "x"),
					 chatmig_serve_sql_read_time(target, TARGET_MESSAGES,
												 FIELD_CREATED_AT, "x"),
					 position);
	return sql.data;
}

/* Of s, a message; LIMIT keeps the server from reading all media for a join. */
static char *
medium_query(const ServeTarget *target)
{
	const TargetTable table = TARGET_MEDIA;

	return psprintf(
		"SELECT %s::text AS url, %s::text AS type, %s::text AS summary "
		"FROM %s AS m WHERE m.%s = s.media LIMIT 1",
		chatmig_serve_sql_value(target, table, FIELD_URL, "m", "NULL"),
		chatmig_serve_sql_value(target, table, FIELD_TYPE, "m", "NULL"),
		chatmig_serve_sql_value(target, table, FIELD_SUMMARY, "m", "NULL"),
		target->tables[table].name,
		target->tables[table].columns[FIELD_ID].name);
}

static bool
take_message(TupleTableSlot *slot, void *state)
{
	HistoryState *history = state;
	Datum values[HISTORY_COLUMNS];
	char *role;

	slot_getallattrs(slot);
	history->rows++;
	memcpy(values, slot->tts_values, sizeof(values));
	if (!slot->tts_isnull[HISTORY_ROLE])
	{
		role = TextDatumGetCString(values[HISTORY_ROLE]);
		values[HISTORY_ROLE] = CStringGetTextDatum(
			chatmig_serve_input_role_name(history->call, role));
	}
	history->row(values, slot->tts_isnull, history->row_state);
	return true;
}

static void
read_pairs(ServeCall *call, const QueryArgs *args, int variant,
		   PairState *pairs)
{
	(void) chatmig_query_execute(chatmig_serve_cache_plan(call->target,
														  SERVE_PAIRS, variant,
														  build_pairs, args),
								 args, true, take_half, pairs);
	end_question(pairs, NULL);
}

/* Conversations in the order in which they began. */
static char *
build_pairs(const ServeTarget *target, int variant)
{
	const ServeTable *conversations = &target->tables[TARGET_CONVERSATIONS];
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	const char *conversation = messages->columns[FIELD_CONVERSATION].name;
	bool by_conversation = (variant & BY_OWNER) && !(variant & STANDALONE) &&
						   OidIsValid(conversations->relid);
	const ServeColumn *owner;
	char *order = chatmig_serve_sql_order(target, "x", "");
	char *select = psprintf(
		"SELECT x.%s::text, x.%s::text, x.%s::text, x.%s::text, %s::text, %s "
		"FROM %s",
		conversation, messages->columns[FIELD_ID].name,
		messages->columns[FIELD_ROLE].name,
		messages->columns[FIELD_CONTENT].name,
		chatmig_serve_sql_value(target, TARGET_MESSAGES, FIELD_MODEL, "x",
								"NULL"),
		chatmig_serve_sql_read_time(target, TARGET_MESSAGES, FIELD_CREATED_AT,
									"x"),
		by_conversation ? chatmig_serve_sql_join_messages(target, "c", "x")
						: psprintf("%s AS x", messages->name));

	if (!(variant & BY_OWNER))
		return psprintf("%s WHERE x.%s = $1 ORDER BY %s", select, conversation,
						order);
	if (!by_conversation)
	{
		owner = &messages->columns[FIELD_OWNER];
		return psprintf(
			"%s WHERE x.%s %s $1 AND x.%s IS %s ORDER BY %s%s", select,
			owner->name, owner->equals, conversation,
			variant & STANDALONE ? "NULL" : "NOT NULL",
			variant & STANDALONE
				? psprintf("x.%s, ", messages->columns[FIELD_CREATED_AT].name)
				: psprintf("min(x.%s) OVER (PARTITION BY x.%s), x.%s, ",
						   messages->columns[FIELD_CREATED_AT].name,
						   conversation, conversation),
			variant & STANDALONE
				? psprintf("x.%s", messages->columns[FIELD_ID].name)
				: order);
	}
	owner = &conversations->columns[FIELD_OWNER];
	return psprintf("%s WHERE c.%s %s $1 ORDER BY %s, c.%s, %s", select,
					owner->name, owner->equals,
					chatmig_serve_sql_value(target, TARGET_CONVERSATIONS,
											FIELD_CREATED_AT, "c",
											"NULL::text"),
					conversations->columns[FIELD_ID].name, order);
}

/* A question opens a pair, the next answer closes it. */
static bool
take_half(TupleTableSlot *slot, void *state)
{
	PairState *pairs = state;
	const char *role;

	slot_getallattrs(slot);
	pairs->history.rows++;
	if (pairs->has_question && !pairs->question_nulls[MESSAGE_CONVERSATION] &&
		strcmp(TextDatumGetCString(pairs->question[MESSAGE_CONVERSATION]),
			   TextDatumGetCString(slot->tts_values[MESSAGE_CONVERSATION])) !=
			0)
		end_question(pairs, NULL);
	if (slot->tts_isnull[MESSAGE_ROLE])
		return true;
	role = chatmig_serve_input_role_name(
		pairs->history.call,
		TextDatumGetCString(slot->tts_values[MESSAGE_ROLE]));
	if (strcmp(role, chatmig_role_names[ROLE_USER]) == 0)
	{
		end_question(pairs, NULL);
		keep_question(pairs, slot);
	}
	else if (strcmp(role, chatmig_role_names[ROLE_ASSISTANT]) == 0)
		end_question(pairs, slot);
	return true;
}

static void
keep_question(PairState *pairs, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(pairs->context);

	for (int i = 0; i < NUM_PAIR_INPUTS; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, i);

		pairs->question_nulls[i] = slot->tts_isnull[i];
		if (!slot->tts_isnull[i])
			pairs->question[i] = datumCopy(
				slot->tts_values[i], attribute->attbyval, attribute->attlen);
	}
	pairs->has_question = true;
	MemoryContextSwitchTo(old);
}

/* Puts out the question, if one waits, with its answer, if there is one. */
static void
end_question(PairState *pairs, TupleTableSlot *answer)
{
	static const int halves[] = {MESSAGE_CONTENT, MESSAGE_TIME, MESSAGE_ID};
	static const int questions[] = {1, 4, 6};
	static const int answers[] = {2, 5, 7};
	Datum values[PAIR_COLUMNS];
	bool nulls[PAIR_COLUMNS];

	if (!pairs->has_question && answer == NULL)
		return;
	for (int i = 0; i < PAIR_COLUMNS; i++)
		nulls[i] = true;
	for (int i = 0; i < lengthof(halves); i++)
	{
		if (pairs->has_question)
		{
			values[questions[i]] = pairs->question[halves[i]];
			nulls[questions[i]] = pairs->question_nulls[halves[i]];
		}
		if (answer != NULL)
		{
			values[answers[i]] = answer->tts_values[halves[i]];
			nulls[answers[i]] = answer->tts_isnull[halves[i]];
		}
	}
	values[0] = answer ? answer->tts_values[MESSAGE_CONVERSATION]
					   : pairs->question[MESSAGE_CONVERSATION];
	nulls[0] = answer ? answer->tts_isnull[MESSAGE_CONVERSATION]
					  : pairs->question_nulls[MESSAGE_CONVERSATION];
	values[3] = answer ? answer->tts_values[MESSAGE_MODEL]
					   : pairs->question[MESSAGE_MODEL];
	nulls[3] = answer ? answer->tts_isnull[MESSAGE_MODEL]
					  : pairs->question_nulls[MESSAGE_MODEL];
	pairs->history.row(values, nulls, pairs->history.row_state);
	pairs->has_question = false;
	MemoryContextReset(pairs->context);
}

static char *
build_count(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];

	return psprintf("SELECT count(*) FROM %s AS x WHERE x.%s = $1", table->name,
					table->columns[FIELD_CONVERSATION].name);
}
