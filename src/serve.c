/*
 * serve.c
 *	  The SQL entry points that serve conversations, in the order in which an
 *	  application calls them.
 *
 * The only file of serving that knows fmgr: an entry point takes its
 * arguments, calls one function between begin and end, and returns. All run
 * with the caller's rights on the tables; see serve_call.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "serve_append.h"
#include "serve_change.h"
#include "serve_create.h"
#include "serve_history.h"
#include "serve_list.h"

PG_FUNCTION_INFO_V1(chatmig_create_conversation);
PG_FUNCTION_INFO_V1(chatmig_active_conversation);
PG_FUNCTION_INFO_V1(chatmig_append);
PG_FUNCTION_INFO_V1(chatmig_append_pair);
PG_FUNCTION_INFO_V1(chatmig_history);
PG_FUNCTION_INFO_V1(chatmig_pairs);
PG_FUNCTION_INFO_V1(chatmig_conversations);
PG_FUNCTION_INFO_V1(chatmig_message_count);
PG_FUNCTION_INFO_V1(chatmig_rename_conversation);
PG_FUNCTION_INFO_V1(chatmig_archive_conversation);
PG_FUNCTION_INFO_V1(chatmig_unarchive_conversation);
PG_FUNCTION_INFO_V1(chatmig_delete_conversation);
PG_FUNCTION_INFO_V1(chatmig_reset);
PG_FUNCTION_INFO_V1(chatmig_cleanup);
PG_FUNCTION_INFO_V1(chatmig_create_media);
PG_FUNCTION_INFO_V1(chatmig_statistics);

static void begin(FunctionCallInfo fcinfo, ServeCall *call,
				  const char *function);
static Datum end_with_text(FunctionCallInfo fcinfo, ServeCall *call,
						   const char *value);
static Datum archive(FunctionCallInfo fcinfo, const char *function,
					 bool is_active);
static char *text_arg(FunctionCallInfo fcinfo, int arg);
static Jsonb *jsonb_arg(FunctionCallInfo fcinfo, int arg);
static int64 limit_arg(FunctionCallInfo fcinfo, int arg, const char *what);
static void put_row(const Datum *values, const bool *nulls, void *state);
static Datum make_row(FunctionCallInfo fcinfo, const Datum *values,
					  const bool *nulls);
static Datum make_counts(FunctionCallInfo fcinfo, const DeleteCounts *counts);

/* (owner, counterpart, title, metadata, migration) -> conversation */
Datum
chatmig_create_conversation(PG_FUNCTION_ARGS)
{
	ServeCall call;
	ConversationRequest request = {.owner = text_arg(fcinfo, 0),
								   .counterpart = text_arg(fcinfo, 1),
								   .title = text_arg(fcinfo, 2),
								   .metadata = jsonb_arg(fcinfo, 3)};

	begin(fcinfo, &call, "chatmig_create_conversation");
	return end_with_text(fcinfo, &call,
						 chatmig_serve_create_conversation(&call, &request));
}

/* (owner, counterpart, idle, migration) -> conversation */
Datum
chatmig_active_conversation(PG_FUNCTION_ARGS)
{
	ServeCall call;

	begin(fcinfo, &call, "chatmig_active_conversation");
	return end_with_text(
		fcinfo, &call,
		chatmig_serve_active(&call, text_arg(fcinfo, 0), text_arg(fcinfo, 1),
							 PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2)));
}

/*
 * (conversation, role, content, model, tokens, metadata, media, reply_to,
 * owner, migration) -> message
 */
Datum
chatmig_append(PG_FUNCTION_ARGS)
{
	ServeCall call;
	AppendRequest request = {.conversation = text_arg(fcinfo, 0),
							 .role = text_arg(fcinfo, 1),
							 .content = PG_GETARG_DATUM(2),
							 .has_content = !PG_ARGISNULL(2),
							 .model = text_arg(fcinfo, 3),
							 .has_tokens = !PG_ARGISNULL(4),
							 .tokens = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4),
							 .metadata = jsonb_arg(fcinfo, 5),
							 .media = text_arg(fcinfo, 6),
							 .reply_to = text_arg(fcinfo, 7),
							 .owner = text_arg(fcinfo, 8)};

	begin(fcinfo, &call, "chatmig_append");
	return end_with_text(fcinfo, &call, chatmig_serve_append(&call, &request));
}

/*
 * (conversation, question, answer, model, tokens, metadata, media, owner,
 * migration) -> (question_message, answer_message)
 */
Datum
chatmig_append_pair(PG_FUNCTION_ARGS)
{
	ServeCall call;
	AppendRequest question = {.conversation = text_arg(fcinfo, 0),
							  .role = chatmig_role_names[ROLE_USER],
							  .content = PG_GETARG_DATUM(1),
							  .has_content = !PG_ARGISNULL(1),
							  .model = text_arg(fcinfo, 3),
							  .metadata = jsonb_arg(fcinfo, 5),
							  .media = text_arg(fcinfo, 6),
							  .owner = text_arg(fcinfo, 7)};
	AppendRequest answer = {.conversation = question.conversation,
							.role = chatmig_role_names[ROLE_ASSISTANT],
							.content = PG_GETARG_DATUM(2),
							.has_content = !PG_ARGISNULL(2),
							.model = question.model,
							.has_tokens = !PG_ARGISNULL(4),
							.tokens = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4),
							.metadata = question.metadata,
							.owner = question.owner};
	char *ids[2];
	Datum values[2] = {0};
	bool nulls[2];

	begin(fcinfo, &call, "chatmig_append_pair");
	chatmig_serve_append_pair(&call, &question, &answer, &ids[0], &ids[1]);
	chatmig_serve_call_end(&call);
	for (int i = 0; i < lengthof(ids); i++)
	{
		nulls[i] = ids[i] == NULL;
		if (!nulls[i])
			values[i] = CStringGetTextDatum(ids[i]);
	}
	return make_row(fcinfo, values, nulls);
}

/* (conversation, max_messages, before_position, migration) -> rows */
Datum
chatmig_history(PG_FUNCTION_ARGS)
{
	ServeCall call;
	HistoryRequest request = {
		.conversation = text_arg(fcinfo, 0),
		.max_messages = limit_arg(fcinfo, 1, "max_messages"),
		.has_before = !PG_ARGISNULL(2),
		.before_position = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2)};

	InitMaterializedSRF(fcinfo, 0);
	begin(fcinfo, &call, "chatmig_history");
	chatmig_serve_history(&call, &request, put_row, fcinfo->resultinfo);
	chatmig_serve_call_end(&call);
	return (Datum) 0;
}

/* (owner, conversation, migration) -> rows */
Datum
chatmig_pairs(PG_FUNCTION_ARGS)
{
	ServeCall call;

	InitMaterializedSRF(fcinfo, 0);
	begin(fcinfo, &call, "chatmig_pairs");
	chatmig_serve_pairs(&call, text_arg(fcinfo, 0), text_arg(fcinfo, 1),
						put_row, fcinfo->resultinfo);
	chatmig_serve_call_end(&call);
	return (Datum) 0;
}

/* (owner, counterpart, active, max_rows, before, migration) -> rows */
Datum
chatmig_conversations(PG_FUNCTION_ARGS)
{
	ServeCall call;
	ListRequest request = {.owner = text_arg(fcinfo, 0),
						   .counterpart = text_arg(fcinfo, 1),
						   .has_active = !PG_ARGISNULL(2),
						   .active = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2),
						   .max_rows = limit_arg(fcinfo, 3, "max_rows"),
						   .before = text_arg(fcinfo, 4)};

	InitMaterializedSRF(fcinfo, 0);
	begin(fcinfo, &call, "chatmig_conversations");
	chatmig_serve_list(&call, &request, put_row, fcinfo->resultinfo);
	chatmig_serve_call_end(&call);
	return (Datum) 0;
}

/* (conversation, migration) -> number */
Datum
chatmig_message_count(PG_FUNCTION_ARGS)
{
	ServeCall call;
	int64 count;

	begin(fcinfo, &call, "chatmig_message_count");
	count = chatmig_serve_count(&call, text_arg(fcinfo, 0));
	chatmig_serve_call_end(&call);
	PG_RETURN_INT64(count);
}

/* (conversation, title, migration) -> void */
Datum
chatmig_rename_conversation(PG_FUNCTION_ARGS)
{
	ServeCall call;

	begin(fcinfo, &call, "chatmig_rename_conversation");
	chatmig_serve_rename(&call, text_arg(fcinfo, 0), text_arg(fcinfo, 1));
	chatmig_serve_call_end(&call);
	PG_RETURN_VOID();
}

/* (conversation, migration) -> whether that changed anything */
Datum
chatmig_archive_conversation(PG_FUNCTION_ARGS)
{
	return archive(fcinfo, "chatmig_archive_conversation", false);
}

/* (conversation, migration) -> whether that changed anything */
Datum
chatmig_unarchive_conversation(PG_FUNCTION_ARGS)
{
	return archive(fcinfo, "chatmig_unarchive_conversation", true);
}

/* (conversation, migration) -> number of messages */
Datum
chatmig_delete_conversation(PG_FUNCTION_ARGS)
{
	ServeCall call;
	DeleteCounts counts = {0};

	begin(fcinfo, &call, "chatmig_delete_conversation");
	chatmig_serve_delete(&call, text_arg(fcinfo, 0), &counts);
	chatmig_serve_call_end(&call);
	PG_RETURN_INT64(counts.messages);
}

/* (owner, migration) -> (conversations, messages) */
Datum
chatmig_reset(PG_FUNCTION_ARGS)
{
	ServeCall call;
	DeleteCounts counts = {0};

	begin(fcinfo, &call, "chatmig_reset");
	chatmig_serve_reset(&call, text_arg(fcinfo, 0), &counts);
	chatmig_serve_call_end(&call);
	return make_counts(fcinfo, &counts);
}

/* (older_than, dry_run, migration) -> (conversations, messages) */
Datum
chatmig_cleanup(PG_FUNCTION_ARGS)
{
	ServeCall call;
	DeleteCounts counts = {0};

	begin(fcinfo, &call, "chatmig_cleanup");
	chatmig_serve_cleanup(&call,
						  PG_ARGISNULL(0) ? NULL : PG_GETARG_INTERVAL_P(0),
						  PG_ARGISNULL(1) || PG_GETARG_BOOL(1), &counts);
	chatmig_serve_call_end(&call);
	return make_counts(fcinfo, &counts);
}

/* (owner, url, type, summary, metadata, migration) -> medium */
Datum
chatmig_create_media(PG_FUNCTION_ARGS)
{
	ServeCall call;
	MediumRequest request = {.owner = text_arg(fcinfo, 0),
							 .url = text_arg(fcinfo, 1),
							 .type = text_arg(fcinfo, 2),
							 .summary = text_arg(fcinfo, 3),
							 .metadata = jsonb_arg(fcinfo, 4)};

	begin(fcinfo, &call, "chatmig_create_media");
	return end_with_text(fcinfo, &call,
						 chatmig_serve_create_medium(&call, &request));
}

/* (owner, migration) -> numbers */
Datum
chatmig_statistics(PG_FUNCTION_ARGS)
{
	ServeCall call;
	Statistics s;

	begin(fcinfo, &call, "chatmig_statistics");
	chatmig_serve_statistics(&call, text_arg(fcinfo, 0), &s);
	chatmig_serve_call_end(&call);
	{
		const int64 numbers[] = {s.conversations,
								 s.active,
								 s.archived,
								 s.with_counterpart,
								 s.without_counterpart,
								 s.messages,
								 s.roles[ROLE_USER],
								 s.roles[ROLE_ASSISTANT],
								 s.roles[ROLE_SYSTEM],
								 s.roles[ROLE_TOOL],
								 s.other_roles,
								 s.in_conversations,
								 s.in_active,
								 s.standalone,
								 s.media};
		Datum values[lengthof(numbers) + 2];
		bool nulls[lengthof(numbers) + 2] = {0};

		for (int i = 0; i < lengthof(numbers); i++)
			values[i] = Int64GetDatum(numbers[i]);
		values[lengthof(numbers)] = TimestampTzGetDatum(s.first);
		values[lengthof(numbers) + 1] = TimestampTzGetDatum(s.last);
		nulls[lengthof(numbers)] = nulls[lengthof(numbers) + 1] =
			!s.has_activity;
		return make_row(fcinfo, values, nulls);
	}
}

/* The last argument of each function is the migration. */
static void
begin(FunctionCallInfo fcinfo, ServeCall *call, const char *function)
{
	chatmig_serve_call_begin(call, function, text_arg(fcinfo, PG_NARGS() - 1));
}

static Datum
end_with_text(FunctionCallInfo fcinfo, ServeCall *call, const char *value)
{
	chatmig_serve_call_end(call);
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(value));
}

static Datum
archive(FunctionCallInfo fcinfo, const char *function, bool is_active)
{
	ServeCall call;
	bool result;

	begin(fcinfo, &call, function);
	result = chatmig_serve_archive(&call, text_arg(fcinfo, 0), is_active);
	chatmig_serve_call_end(&call);
	PG_RETURN_BOOL(result);
}

static char *
text_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static Jsonb *
jsonb_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_JSONB_P(arg);
}

/* NULL: no limit, which is -1. */
static int64
limit_arg(FunctionCallInfo fcinfo, int arg, const char *what)
{
	int64 limit = PG_ARGISNULL(arg) ? -1 : PG_GETARG_INT64(arg);

	if (limit < 0 && !PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be negative", what),
						errdetail("It is %lld.", (long long) limit),
						errhint("NULL means all.")));
	return limit;
}

static void
put_row(const Datum *values, const bool *nulls, void *state)
{
	ReturnSetInfo *info = state;

	tuplestore_putvalues(info->setResult, info->setDesc, (Datum *) values,
						 (bool *) nulls);
}

static Datum
make_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
											 (Datum *) values, (bool *) nulls));
}

static Datum
make_counts(FunctionCallInfo fcinfo, const DeleteCounts *counts)
{
	const Datum values[] = {Int64GetDatum(counts->conversations),
							Int64GetDatum(counts->messages)};
	const bool nulls[] = {false, false};

	return make_row(fcinfo, values, nulls);
}
