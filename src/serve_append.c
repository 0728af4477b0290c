/*
 * serve_append.c
 *	  Messages that are added to conversations.
 *
 * In: a message and its conversation. Out: a row. serve_place.c has made sure
 * that nobody else appends to the conversation; the statement here takes a new
 * snapshot afterwards, and so finds the last message.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "serve_append.h"
#include "serve_id.h"
#include "serve_input.h"
#include "serve_place.h"
#include "serve_sql.h"

/* What a message has; the variants of SERVE_ADD_MESSAGE. */
#define HAS_MODEL 0x01
#define HAS_TOKENS 0x02
#define HAS_METADATA 0x04
#define HAS_MEDIUM 0x08
#define HAS_REPLY_TO 0x10
#define IS_STANDALONE 0x20

static void check_request(const ServeCall *call, const AppendRequest *request);
static void check_reply_to(ServeCall *call, const AppendRequest *request,
						   const Place *place);
static char *build_find_message(const ServeTarget *target, int variant);
static void check_medium(ServeCall *call, const AppendRequest *request,
						 const Place *place);
static char *build_find_medium(const ServeTarget *target, int variant);
static char *add_message(ServeCall *call, const AppendRequest *request,
						 Place *place);
static char *build_add_message(const ServeTarget *target, int variant);
static void add_group(StringInfo names, StringInfo values,
					  const ServeTarget *target, bool is_standalone);
static void add_column(StringInfo names, StringInfo values,
					   const ServeTarget *target, Field field,
					   const char *value);
static char *position_value(const ServeTarget *target);
static char *time_value(const ServeTarget *target, bool is_standalone);
static char *role_value(const ServeTarget *target);

char *
chatmig_serve_append(ServeCall *call, const AppendRequest *request)
{
	Place place = {0};

	check_request(call, request);
	chatmig_serve_place_find(call, request->conversation, request->owner, 1,
							 &place);
	check_reply_to(call, request, &place);
	check_medium(call, request, &place);
	return add_message(call, request, &place);
}

void
chatmig_serve_append_pair(ServeCall *call, const AppendRequest *question,
						  const AppendRequest *answer, char **question_id,
						  char **answer_id)
{
	AppendRequest reply = *answer;
	Place place = {0};

	check_request(call, question);
	check_request(call, answer);
	chatmig_serve_place_find(call, question->conversation, question->owner, 2,
							 &place);
	check_medium(call, question, &place);
	*question_id = add_message(call, question, &place);
	if (chatmig_serve_sql_column(call->target, TARGET_MESSAGES,
								 FIELD_REPLY_TO) != NULL)
		reply.reply_to = *question_id;
	/* whoever sorts by time alone finds them in this order */
	place.time += call->target->time_step;
	*answer_id = add_message(call, &reply, &place);
}

static void
check_request(const ServeCall *call, const AppendRequest *request)
{
	const struct
	{
		Field field;
		bool is_given;
		const char *what;
	} arguments[] = {{FIELD_MODEL, request->model != NULL, "model"},
					 {FIELD_TOKENS, request->has_tokens, "tokens"},
					 {FIELD_METADATA, request->metadata != NULL, "metadata"},
					 {FIELD_MEDIA, request->media != NULL, "media"},
					 {FIELD_REPLY_TO, request->reply_to != NULL, "reply_to"}};

	(void) chatmig_serve_input_role(call, request->role);
	for (int i = 0; i < lengthof(arguments); i++)
		if (arguments[i].is_given)
			chatmig_serve_input_require(call, TARGET_MESSAGES,
										arguments[i].field, arguments[i].what);
	if (request->media != NULL)
		chatmig_serve_input_require(call, TARGET_MEDIA, FIELD_ID, "media");
}

static void
check_reply_to(ServeCall *call, const AppendRequest *request,
			   const Place *place)
{
	QueryArgs args = place->identifier;
	Datum is_same;
	bool isnull;
	bool found;

	if (request->reply_to == NULL)
		return;
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_ID, "reply_to",
							request->reply_to);
	chatmig_query_arg(&args, place->group.types[0], place->group.values[0],
					  place->group.nulls[0] == 'n');
	found = chatmig_query_fetch(
		chatmig_serve_cache_plan(call->target, SERVE_FIND_MESSAGE,
								 request->conversation ? 0 : IS_STANDALONE,
								 build_find_message, &args),
		&args, false, 1, &is_same, &isnull);
	if (found && DatumGetBool(is_same))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
		 errmsg("message \"%s\" cannot be replied to here", request->reply_to),
		 !found ? errdetail("It is not in %s.",
							call->target->tables[TARGET_MESSAGES].name)
		 : request->conversation == NULL
			 ? errdetail("It is in a conversation, or another owner's.")
			 : errdetail("It is not in conversation \"%s\" of %s.",
						 request->conversation,
						 call->target->tables[TARGET_MESSAGES].name),
		 errhint("A reply is in the conversation of what it answers; "
				 "chatmig_history() lists a conversation's messages.")));
}

static char *
build_find_message(const ServeTarget *target, int variant)
{
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	const ServeColumn *owner =
		chatmig_serve_sql_column(target, TARGET_MESSAGES, FIELD_OWNER);

	return psprintf(
		"SELECT x.%s IS NOT DISTINCT FROM $1%s FROM %s AS x WHERE x.%s = $2",
		messages->columns[FIELD_CONVERSATION].name,
		(variant & IS_STANDALONE) && owner != NULL
			? psprintf(" AND (x.%s %s $3 OR num_nonnulls(x.%s, $3) = 0) "
					   "IS TRUE",
					   owner->name, owner->equals, owner->name)
			: "",
		messages->name, messages->columns[FIELD_ID].name);
}

static void
check_medium(ServeCall *call, const AppendRequest *request, const Place *place)
{
	const ServeTable *media = &call->target->tables[TARGET_MEDIA];
	char *owner = chatmig_serve_input_text(&place->group, 0);
	QueryArgs args = {0};
	Datum is_same;
	bool isnull;
	bool found;

	if (request->media == NULL)
		return;
	chatmig_serve_input_arg(&args, call, TARGET_MEDIA, FIELD_ID, "media",
							request->media);
	chatmig_serve_input_arg(&args, call, TARGET_MEDIA, FIELD_OWNER, "owner",
							owner);
	found = chatmig_query_fetch(
		chatmig_serve_cache_plan(call->target, SERVE_FIND_MEDIUM, 0,
								 build_find_medium, &args),
		&args, false, 1, &is_same, &isnull);
	/* nobody's medium, or nobody's conversation, is anybody's */
	if (found && (isnull || DatumGetBool(is_same)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("medium \"%s\" cannot be sent here", request->media),
			 found ? errdetail("It is another owner's than \"%s\".", owner)
				   : errdetail("It is not in %s.", media->name),
			 errhint("chatmig_create_media() adds one.")));
}

static char *
build_find_medium(const ServeTarget *target, int variant)
{
	const ServeTable *media = &target->tables[TARGET_MEDIA];
	const ServeColumn *owner = &media->columns[FIELD_OWNER];

	return psprintf("SELECT %s FROM %s AS x WHERE x.%s = $1",
					owner->name == NULL
						? "NULL::bool"
						: psprintf("x.%s %s $2", owner->name, owner->equals),
					media->name, media->columns[FIELD_ID].name);
}

/* Returns the id; the place's time becomes the message's. */
static char *
add_message(ServeCall *call, const AppendRequest *request, Place *place)
{
	int variant = (request->model ? HAS_MODEL : 0) |
				  (request->has_tokens ? HAS_TOKENS : 0) |
				  (request->metadata ? HAS_METADATA : 0) |
				  (request->media ? HAS_MEDIUM : 0) |
				  (request->reply_to ? HAS_REPLY_TO : 0) |
				  (request->conversation ? 0 : IS_STANDALONE);
	QueryArgs args = place->identifier;
	Datum values[2];
	bool nulls[2];

	chatmig_query_text_arg(&args,
						   chatmig_serve_input_role(call, request->role));
	chatmig_query_arg(&args, TEXTOID, request->content, !request->has_content);
	chatmig_query_text_arg(&args, request->model);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(request->tokens),
					  !request->has_tokens);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(request->metadata),
					  request->metadata == NULL);
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_MEDIA, "media",
							request->media);
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_REPLY_TO,
							"reply_to", request->reply_to);
	chatmig_query_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(place->time),
					  false);
	for (int i = 0; i < place->group.n; i++)
		chatmig_query_arg(&args, place->group.types[i], place->group.values[i],
						  place->group.nulls[i] == 'n');
	chatmig_serve_id_arg(&args, call, TARGET_MESSAGES, place->time);
	if (!chatmig_query_fetch(
			chatmig_serve_cache_plan(call->target, SERVE_ADD_MESSAGE, variant,
									 build_add_message, &args),
			&args, false, lengthof(values), values, nulls))
		return NULL; /* a trigger did not want it */
	place->time = DatumGetTimestampTz(values[1]);
	chatmig_serve_place_touch(call, request->conversation, place);
	return TextDatumGetCString(values[0]);
}

/* The parameters are those of add_message(), in its order. */
static char *
build_add_message(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_MESSAGES;
	const ServeColumn *columns = target->tables[table].columns;
	bool is_standalone = (variant & IS_STANDALONE) != 0;
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	add_column(&names, &values, target, FIELD_CONVERSATION, "$1");
	if (!is_standalone)
		add_column(&names, &values, target, FIELD_POSITION,
				   position_value(target));
	add_column(&names, &values, target, FIELD_ROLE, role_value(target));
	add_column(&names, &values, target, FIELD_CONTENT,
			   columns[FIELD_CONTENT].not_null ? "coalesce($3, '')" : "$3");
	if (variant & HAS_MODEL)
		add_column(&names, &values, target, FIELD_MODEL, "$4");
	if (variant & HAS_TOKENS)
		add_column(&names, &values, target, FIELD_TOKENS, "$5");
	if (variant & HAS_METADATA)
		add_column(
			&names, &values, target, FIELD_METADATA,
			chatmig_serve_sql_write_json(&columns[FIELD_METADATA], "$6"));
	else if (columns[FIELD_METADATA].not_null &&
			 !columns[FIELD_METADATA].has_default)
		add_column(&names, &values, target, FIELD_METADATA, "'{}'");
	if (variant & HAS_MEDIUM)
		add_column(&names, &values, target, FIELD_MEDIA, "$7");
	if (variant & HAS_REPLY_TO)
		add_column(&names, &values, target, FIELD_REPLY_TO, "$8");
	add_column(&names, &values, target, FIELD_CREATED_AT,
			   time_value(target, is_standalone));
	add_group(&names, &values, target, is_standalone);
	if (!columns[FIELD_ID].has_default)
		add_column(&names, &values, target, FIELD_ID, "$13");
	return psprintf(
		"INSERT INTO %s AS x (%s) VALUES (%s) RETURNING x.%s::text, %s",
		target->tables[table].name, names.data, values.data,
		columns[FIELD_ID].name,
		chatmig_serve_sql_read_time(target, table, FIELD_CREATED_AT, "x"));
}

/* What messages repeat of their conversation. */
static void
add_group(StringInfo names, StringInfo values, const ServeTarget *target,
		  bool is_standalone)
{
	static const Field fields[] = {FIELD_OWNER, FIELD_COUNTERPART,
								   FIELD_SESSION};
	TargetTable from =
		is_standalone || !OidIsValid(target->tables[TARGET_CONVERSATIONS].relid)
			? TARGET_MESSAGES
			: TARGET_CONVERSATIONS;

	for (int i = 0; i < lengthof(fields); i++)
		if (chatmig_serve_sql_column(target, from, fields[i]) != NULL)
			add_column(names, values, target, fields[i],
					   psprintf("$%d", 10 + i));
}

/* Does nothing where the table has no such column. */
static void
add_column(StringInfo names, StringInfo values, const ServeTarget *target,
		   Field field, const char *value)
{
	const ServeColumn *column =
		chatmig_serve_sql_column(target, TARGET_MESSAGES, field);

	if (column == NULL)
		return;
	appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", column->name);
	appendStringInfo(values, "%s%s", values->len > 0 ? ", " : "", value);
}

/* Found in the index of conversation and position, if there is one. */
static char *
position_value(const ServeTarget *target)
{
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	const ServeColumn *column = &messages->columns[FIELD_POSITION];

	if (column->name == NULL)
		return NULL;
	return psprintf(
		"(SELECT coalesce(max(p.%s), -1) + 1 FROM %s AS p WHERE p.%s = $1)",
		column->name, messages->name,
		messages->columns[FIELD_CONVERSATION].name);
}

/* Where time gives the order, it is later than all that is there. */
static char *
time_value(const ServeTarget *target, bool is_standalone)
{
	const TargetTable table = TARGET_MESSAGES;
	const ServeTable *messages = &target->tables[table];
	const char *last;

	if (is_standalone || messages->columns[FIELD_POSITION].name != NULL)
		return chatmig_serve_sql_write_time(target, table, FIELD_CREATED_AT,
											"$9");
	last = psprintf(
		"(SELECT max(p.%s) + interval '%lld microseconds' FROM %s AS "
		"p WHERE p.%s = $1)",
		messages->columns[FIELD_CREATED_AT].name, (long long) target->time_step,
		messages->name, messages->columns[FIELD_CONVERSATION].name);
	return psprintf(
		"greatest(%s, %s)",
		chatmig_serve_sql_write_time(target, table, FIELD_CREATED_AT, "$9"),
		last);
}

/* Assignment casts text to text, and not to an enum. */
static char *
role_value(const ServeTarget *target)
{
	const ServeColumn *column =
		&target->tables[TARGET_MESSAGES].columns[FIELD_ROLE];

	if (!type_is_enum(getBaseType(column->type)))
		return pstrdup("$2");
	return psprintf("$2::%s", format_type_extended(column->type, -1,
												   FORMAT_TYPE_FORCE_QUALIFY));
}
