/*
 * serve_input.c
 *	  What callers give as text, checked against the columns of a target.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "serve_input.h"
#include "serve_sql.h"

/* For the hint of an error that a type raises. */
typedef struct InputContext
{
	const char *what;
	const char *table;
	const char *column;
	Oid type;
} InputContext;

static const char *conversations_name(const ServeCall *call);
static char *build_find(const ServeTarget *target, int variant);
static void explain(void *arg);
static char *known_roles(const ServeCall *call);

void
chatmig_serve_input_arg(QueryArgs *args, const ServeCall *call,
						TargetTable table, Field field, const char *what,
						const char *text)
{
	const ServeTable *served = &call->target->tables[table];
	const ServeColumn *column =
		chatmig_serve_sql_column(call->target, table, field);
	Oid type = column ? column->type : TEXTOID;
	InputContext input = {.what = what,
						  .table = served->name,
						  .column = column ? column->name : "",
						  .type = type};
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = explain, .arg = &input};
	Oid function;
	Oid parameter;

	if (text == NULL)
	{
		chatmig_query_arg(args, type, (Datum) 0, true);
		return;
	}
	getTypeInputInfo(type, &function, &parameter);
	error_context_stack = &context;
	chatmig_query_arg(
		args, type,
		OidInputFunctionCall(function, unconstify(char *, text), parameter, -1),
		false);
	error_context_stack = context.previous;
}

bool
chatmig_serve_input_equal(const ServeColumn *column, const QueryArgs *one,
						  const QueryArgs *other)
{
	TypeCacheEntry *type =
		lookup_type_cache(one->types[0], TYPECACHE_EQ_OPR_FINFO);

	if (one->nulls[0] == 'n' || other->nulls[0] == 'n')
		return false;
	return DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo,
										  column->collation, one->values[0],
										  other->values[0]));
}

char *
chatmig_serve_input_text(const QueryArgs *args, int i)
{
	Oid output;
	bool is_varlena;

	if (args->nulls[i] == 'n')
		return NULL;
	getTypeOutputInfo(args->types[i], &output, &is_varlena);
	return OidOutputFunctionCall(output, args->values[i]);
}

void
chatmig_serve_input_require(const ServeCall *call, TargetTable table,
							Field field, const char *what)
{
	const ServeTarget *target = call->target;
	bool has_table = OidIsValid(target->tables[table].relid);
	/* whose something is was for the migration to say */
	bool is_part = field == FIELD_OWNER || field == FIELD_COUNTERPART;

	if (chatmig_serve_sql_column(target, table, field) != NULL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 has_table
			 ? errmsg("%s has no column for \"%s\"", target->tables[table].name,
					  chatmig_field_names[field])
			 : errmsg("migration \"%s\" has no table of %s", target->migration,
					  chatmig_target_names[table]),
		 errdetail("%s() needs it for %s.", call->function, what),
		 has_table && !is_part
			 ? errhint(
				   "Leave it out, or add a column under a usual name: ALTER TABLE %s ADD COLUMN %s ...",
				   target->tables[table].name, chatmig_field_names[field])
			 : errhint("Leave it out, or keep it in a table of your own.")));
}

void
chatmig_serve_input_not_null(const char *what, const void *value)
{
	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be NULL", what),
						errhint("Give a value for %s.", what)));
}

void
chatmig_serve_input_positive(const char *what, const Interval *interval)
{
	Interval none = {0};

	if (DatumGetBool(DirectFunctionCall2(interval_gt,
										 IntervalPGetDatum(interval),
										 IntervalPGetDatum(&none))))
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be a positive interval", what),
					errdetail("It is \"%s\".",
							  DatumGetCString(DirectFunctionCall1(
								  interval_out, IntervalPGetDatum(interval)))),
					errhint("Give for instance %s => '90 days'.", what)));
}

TimestampTz
chatmig_serve_input_ago(const Interval *interval)
{
	/* times begin in 4714 BC */
	Interval most = {.month = 6000 * MONTHS_PER_YEAR};
	TimestampTz now = GetCurrentTimestamp();

	if (DatumGetBool(DirectFunctionCall2(interval_gt,
										 IntervalPGetDatum(interval),
										 IntervalPGetDatum(&most))))
		return DT_NOBEGIN;
	return DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now),
							IntervalPGetDatum(interval)));
}

const char *
chatmig_serve_input_role(const ServeCall *call, const char *role)
{
	const ServeTarget *target = call->target;
	Role known;

	if (role == NULL)
		chatmig_serve_input_not_null("role", role);
	for (Role i = 0; i < NUM_ROLES; i++)
		if (target->roles[i] != NULL && strcmp(target->roles[i], role) == 0)
			return target->roles[i];
	if (chatmig_role_parse(role, &known) && target->roles[known] != NULL)
		return target->roles[known];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s has no role \"%s\"",
					target->tables[TARGET_MESSAGES].name, role),
			 errdetail("Its column %s has: %s.",
					   target->tables[TARGET_MESSAGES].columns[FIELD_ROLE].name,
					   known_roles(call)),
			 errhint("Give one of these roles.")));
}

const char *
chatmig_serve_input_role_name(const ServeCall *call, const char *value)
{
	const ServeTarget *target = call->target;
	Role role;

	for (Role i = 0; i < NUM_ROLES; i++)
		if (target->roles[i] != NULL && strcmp(target->roles[i], value) == 0)
			return chatmig_role_names[i];
	if (chatmig_role_find(target->spellings, target->nspellings, value, &role))
		return chatmig_role_names[role];
	return value;
}

void
chatmig_serve_input_exists(const ServeCall *call, const char *conversation,
						   bool read_only)
{
	QueryArgs args = {0};
	Datum found;
	bool isnull;

	if (!OidIsValid(call->target->tables[TARGET_CONVERSATIONS].relid))
		return;
	chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
							"conversation", conversation);
	if (!chatmig_query_fetch(chatmig_serve_cache_plan(call->target,
													  SERVE_FIND_CONVERSATION,
													  0, build_find, &args),
							 &args, read_only, 1, &found, &isnull))
		chatmig_serve_input_unknown(call, conversation);
}

void
chatmig_serve_input_unknown(const ServeCall *call, const char *conversation)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("conversation \"%s\" does not exist in %s", conversation,
					conversations_name(call)),
			 errdetail("It was deleted, or has never been, or row security "
					   "hides it from role \"%s\".",
					   GetUserNameFromId(GetUserId(), false)),
			 errhint("chatmig_conversations() lists them; "
					 "chatmig_active_conversation() makes one where there is "
					 "none.")));
}

void
chatmig_serve_input_foreign(const ServeCall *call, const char *conversation,
							const char *owner)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("conversation \"%s\" is not one of owner \"%s\"",
						   conversation, owner),
					errdetail("It is in %s, and somebody else's.",
							  conversations_name(call)),
					errhint("chatmig_conversations(%s) lists the owner's.",
							quote_literal_cstr(owner))));
}

static const char *
conversations_name(const ServeCall *call)
{
	const ServeTable *table = &call->target->tables[TARGET_CONVERSATIONS];

	return OidIsValid(table->relid)
			   ? table->name
			   : call->target->tables[TARGET_MESSAGES].name;
}

static char *
build_find(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];

	return psprintf("SELECT true FROM %s AS x WHERE x.%s = $1", table->name,
					table->columns[FIELD_ID].name);
}

static void
explain(void *arg)
{
	const InputContext *input = arg;

	errdetail("The argument %s must fit the column %s of %s.", input->what,
			  input->column, input->table);
	errhint("Give it as a text that the type %s reads.",
			format_type_be(input->type));
}

static char *
known_roles(const ServeCall *call)
{
	StringInfoData list;

	initStringInfo(&list);
	for (Role i = 0; i < NUM_ROLES; i++)
	{
		const char *value = call->target->roles[i];

		if (value == NULL)
			continue;
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 chatmig_role_names[i]);
		if (strcmp(value, chatmig_role_names[i]) != 0)
			appendStringInfo(&list, " (%s)", value);
	}
	return list.data;
}
