/*
 * serve_change.c
 *	  Conversations that change or go.
 *
 * In: which. Out: how many rows that were. What goes is locked, in the order
 * of the ids, before the messages are deleted with a new snapshot: appending
 * changes the same row. Messages are deleted by name and not by a foreign key,
 * which may not be there, or may keep them. What has gone is recorded, so that
 * validate does not take it for lost.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "serve_change.h"
#include "serve_input.h"
#include "serve_sql.h"

/* Which ones; variants of statements. */
#define BY_ID 0x01
#define BY_OWNER 0x02
#define BY_AGE 0x04
#define DRY_RUN 0x08

static char *build_rename(const ServeTarget *target, int variant);
static char *build_archive(const ServeTarget *target, int variant);
static void delete_selected(ServeCall *call, const QueryArgs *args, int variant,
							DeleteCounts *counts);
static char *build_select(const ServeTarget *target, int variant);
static char *build_delete_messages(const ServeTarget *target, int variant);
static char *build_delete_conversations(const ServeTarget *target, int variant);
static char *build_delete_standalone(const ServeTarget *target, int variant);
static void delete_grouped(ServeCall *call, const QueryArgs *args, int variant,
						   DeleteCounts *counts);
static char *build_delete_grouped(const ServeTarget *target, int variant);
static char *deleted_query(const ServeTarget *target, TargetTable table,
						   Field id, const char *which);
static int64 take_deleted(ServeCall *call, QueryPlan *plan,
						  const QueryArgs *args, DeleteCounts *counts);
static void count_old(ServeCall *call, const QueryArgs *args,
					  DeleteCounts *counts);
static char *build_count_old(const ServeTarget *target, int variant);
static void take_counts(ServeCall *call, QueryPlan *plan, const QueryArgs *args,
						DeleteCounts *counts);
static char *condition(const ServeTarget *target, int variant);
static bool has_table(const ServeTarget *target);

void
chatmig_serve_rename(ServeCall *call, const char *conversation,
					 const char *title)
{
	QueryArgs args = {0};

	chatmig_serve_input_not_null("conversation", conversation);
	chatmig_serve_input_require(call, TARGET_CONVERSATIONS, FIELD_TITLE,
								"titles");
	chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
							"conversation", conversation);
	chatmig_query_text_arg(&args, title);
	if (chatmig_query_execute(chatmig_serve_cache_plan(call->target,
													   SERVE_RENAME, 0,
													   build_rename, &args),
							  &args, false, NULL, NULL) == 0)
		chatmig_serve_input_unknown(call, conversation);
}

bool
chatmig_serve_archive(ServeCall *call, const char *conversation, bool is_active)
{
	QueryArgs args = {0};

	chatmig_serve_input_not_null("conversation", conversation);
	chatmig_serve_input_require(call, TARGET_CONVERSATIONS, FIELD_IS_ACTIVE,
								"archived conversations");
	chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
							"conversation", conversation);
	chatmig_query_arg(&args, BOOLOID, BoolGetDatum(is_active), false);
	if (chatmig_query_execute(chatmig_serve_cache_plan(call->target,
													   SERVE_ARCHIVE, 0,
													   build_archive, &args),
							  &args, false, NULL, NULL) > 0)
		return true;
	chatmig_serve_input_exists(call, conversation, false);
	return false;
}

void
chatmig_serve_delete(ServeCall *call, const char *conversation,
					 DeleteCounts *counts)
{
	QueryArgs args = {0};

	chatmig_serve_input_not_null("conversation", conversation);
	if (has_table(call->target))
	{
		chatmig_serve_input_arg(&args, call, TARGET_CONVERSATIONS, FIELD_ID,
								"conversation", conversation);
		delete_selected(call, &args, BY_ID, counts);
	}
	else
	{
		const ServeColumn *column = chatmig_serve_sql_column(
			call->target, TARGET_MESSAGES, FIELD_CONVERSATION);

		chatmig_serve_input_arg(&args, call, TARGET_MESSAGES,
								FIELD_CONVERSATION, "conversation",
								conversation);
		chatmig_serve_call_lock(call, &args, &column, 1);
		delete_grouped(call, &args, BY_ID, counts);
	}
	if (counts->conversations == 0)
		chatmig_serve_input_unknown(call, conversation);
}

void
chatmig_serve_reset(ServeCall *call, const char *owner, DeleteCounts *counts)
{
	TargetTable table =
		has_table(call->target) ? TARGET_CONVERSATIONS : TARGET_MESSAGES;
	QueryArgs args = {0};

	chatmig_serve_input_not_null("owner", owner);
	chatmig_serve_input_require(call, table, FIELD_OWNER, "owner");
	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner", owner);
	if (table == TARGET_MESSAGES)
	{
		delete_grouped(call, &args, BY_OWNER, counts);
		return;
	}
	delete_selected(call, &args, BY_OWNER, counts);
	if (chatmig_serve_sql_column(call->target, TARGET_MESSAGES, FIELD_OWNER) ==
		NULL)
		return;
	args.n = 0;
	chatmig_serve_input_arg(&args, call, TARGET_MESSAGES, FIELD_OWNER, "owner",
							owner);
	counts->messages += chatmig_query_execute(
		chatmig_serve_cache_plan(call->target, SERVE_DELETE_STANDALONE, 0,
								 build_delete_standalone, &args),
		&args, false, NULL, NULL);
}

void
chatmig_serve_cleanup(ServeCall *call, const Interval *older_than, bool dry_run,
					  DeleteCounts *counts)
{
	QueryArgs args = {0};

	chatmig_serve_input_not_null("older_than", older_than);
	chatmig_serve_input_positive("older_than", older_than);
	if (has_table(call->target) &&
		chatmig_serve_sql_activity(call->target) == NUM_FIELDS)
		chatmig_serve_input_require(call, TARGET_CONVERSATIONS,
									FIELD_UPDATED_AT, "older_than");
	chatmig_query_arg(&args, TIMESTAMPTZOID,
					  TimestampTzGetDatum(chatmig_serve_input_ago(older_than)),
					  false);
	if (!has_table(call->target))
		delete_grouped(call, &args, BY_AGE | (dry_run ? DRY_RUN : 0), counts);
	else if (dry_run)
		count_old(call, &args, counts);
	else
		delete_selected(call, &args, BY_AGE, counts);
}

static char *
build_rename(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];

	return psprintf("UPDATE %s AS x SET %s = $2 WHERE x.%s = $1", table->name,
					table->columns[FIELD_TITLE].name,
					table->columns[FIELD_ID].name);
}

static char *
build_archive(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];
	const char *is_active = table->columns[FIELD_IS_ACTIVE].name;

	return psprintf("UPDATE %s AS x SET %s = $2 WHERE x.%s = $1 "
					"AND (x.%s IS NOT FALSE) <> $2",
					table->name, is_active, table->columns[FIELD_ID].name,
					is_active);
}

static void
delete_selected(ServeCall *call, const QueryArgs *args, int variant,
				DeleteCounts *counts)
{
	Oid type = getBaseType(
		call->target->tables[TARGET_CONVERSATIONS].columns[FIELD_ID].type);
	QueryArgs ids = {0};
	Datum array;
	bool isnull;

	(void) chatmig_query_fetch(
		chatmig_serve_cache_plan(call->target, SERVE_SELECT_CONVERSATIONS,
								 variant, build_select, args),
		args, false, 1, &array, &isnull);
	if (isnull)
		return;
	chatmig_query_arg(&ids, get_array_type(type), array, false);
	counts->messages = chatmig_query_execute(
		chatmig_serve_cache_plan(call->target, SERVE_DELETE_MESSAGES, 0,
								 build_delete_messages, &ids),
		&ids, false, NULL, NULL);
	take_deleted(call,
				 chatmig_serve_cache_plan(call->target,
										  SERVE_DELETE_CONVERSATIONS, 0,
										  build_delete_conversations, &ids),
				 &ids, counts);
}

static char *
build_select(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];
	const ServeColumn *id = &table->columns[FIELD_ID];

	return psprintf("SELECT array_agg(s.id) FROM (SELECT x.%s::%s AS id "
					"FROM %s AS x WHERE %s ORDER BY x.%s FOR UPDATE) AS s",
					id->name,
					format_type_extended(getBaseType(id->type), -1,
										 FORMAT_TYPE_FORCE_QUALIFY),
					table->name, condition(target, variant), id->name);
}

static char *
build_delete_messages(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];

	return psprintf("DELETE FROM %s AS x WHERE x.%s = ANY ($1)", table->name,
					table->columns[FIELD_CONVERSATION].name);
}

static char *
build_delete_conversations(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];

	return deleted_query(
		target, TARGET_CONVERSATIONS, FIELD_ID,
		psprintf("x.%s = ANY ($1)", table->columns[FIELD_ID].name));
}

static char *
build_delete_standalone(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];
	const ServeColumn *owner = &table->columns[FIELD_OWNER];

	return psprintf("DELETE FROM %s AS x WHERE x.%s %s $1 AND x.%s IS NULL",
					table->name, owner->name, owner->equals,
					table->columns[FIELD_CONVERSATION].name);
}

/* Of conversations that are what their messages say. */
static void
delete_grouped(ServeCall *call, const QueryArgs *args, int variant,
			   DeleteCounts *counts)
{
	QueryPlan *plan =
		chatmig_serve_cache_plan(call->target, SERVE_DELETE_GROUPED, variant,
								 build_delete_grouped, args);

	if (variant & DRY_RUN)
		take_counts(call, plan, args, counts);
	else
		counts->messages = take_deleted(call, plan, args, counts);
}

static char *
build_delete_grouped(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_MESSAGES];
	const char *conversation = table->columns[FIELD_CONVERSATION].name;
	const ServeColumn *owner = &table->columns[FIELD_OWNER];
	const char *which;

	if (variant & BY_ID)
		which = psprintf("x.%s = $1", conversation);
	else if (variant & BY_OWNER)
		which = psprintf("x.%s %s $1", owner->name, owner->equals);
	else
		which =
			psprintf("x.%s IN (SELECT o.%s FROM %s AS o WHERE o.%s IS NOT NULL "
					 "GROUP BY o.%s HAVING max(o.%s) < %s)",
					 conversation, conversation, table->name, conversation,
					 conversation, table->columns[FIELD_CREATED_AT].name,
					 chatmig_serve_sql_write_time(target, TARGET_MESSAGES,
												  FIELD_CREATED_AT, "$1"));
	if (variant & DRY_RUN)
		return psprintf(
			"SELECT count(DISTINCT x.%s), count(*) FROM %s AS x WHERE %s",
			conversation, table->name, which);
	return deleted_query(target, TARGET_MESSAGES, FIELD_CONVERSATION, which);
}

/*
 * Deletes rows of x; id is what names the conversation. Returns the number of
 * conversations and of rows, and what take_deleted() records of the former.
 */
static char *
deleted_query(const ServeTarget *target, TargetTable table, Field id,
			  const char *which)
{
	return psprintf(
		"WITH gone AS (DELETE FROM %s AS x WHERE %s RETURNING x.%s::text AS "
		"id, %s::text AS owner, %s AS begun), "
		"each AS (SELECT id, min(owner) AS owner, min(begun) AS begun, "
		"count(*) AS n FROM gone GROUP BY id) "
		"SELECT count(id), coalesce(sum(n), 0)::int8, "
		"array_agg(id) FILTER (WHERE id IS NOT NULL), "
		"array_agg(owner) FILTER (WHERE id IS NOT NULL), "
		"array_agg(begun) FILTER (WHERE id IS NOT NULL) FROM each",
		target->tables[table].name, which,
		target->tables[table].columns[id].name,
		chatmig_serve_sql_value(target, table, FIELD_OWNER, "x", "NULL"),
		chatmig_serve_sql_read_time(target, table, FIELD_CREATED_AT, "x"));
}

/* Runs a deleted_query(); returns the number of rows. */
static int64
take_deleted(ServeCall *call, QueryPlan *plan, const QueryArgs *args,
			 DeleteCounts *counts)
{
	Datum values[5];
	bool nulls[5];

	(void) chatmig_query_fetch(plan, args, false, lengthof(values), values,
							   nulls);
	counts->conversations = DatumGetInt64(values[0]);
	if (counts->conversations > 0)
	{
		LedgerDeleted deleted = {.conversations = values[2],
								 .owners = values[3],
								 .begun = values[4]};

		chatmig_ledger_record_deleted(
			call->target->tables[TARGET_MESSAGES].relid, &deleted);
	}
	return DatumGetInt64(values[1]);
}

static void
count_old(ServeCall *call, const QueryArgs *args, DeleteCounts *counts)
{
	take_counts(call,
				chatmig_serve_cache_plan(call->target, SERVE_COUNT_OLD, 0,
										 build_count_old, args),
				args, counts);
}

static char *
build_count_old(const ServeTarget *target, int variant)
{
	const ServeTable *conversations = &target->tables[TARGET_CONVERSATIONS];
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	char *old = psprintf("SELECT x.%s FROM %s AS x WHERE %s",
						 conversations->columns[FIELD_ID].name,
						 conversations->name, condition(target, BY_AGE));

	return psprintf("SELECT (SELECT count(*) FROM (%s) AS c), "
					"(SELECT count(*) FROM %s AS m WHERE m.%s IN (%s))",
					old, messages->name,
					messages->columns[FIELD_CONVERSATION].name, old);
}

static void
take_counts(ServeCall *call, QueryPlan *plan, const QueryArgs *args,
			DeleteCounts *counts)
{
	Datum values[2];
	bool nulls[2];

	(void) chatmig_query_fetch(plan, args, false, 2, values, nulls);
	counts->conversations = DatumGetInt64(values[0]);
	counts->messages = DatumGetInt64(values[1]);
}

/* On "x", a conversation. */
static char *
condition(const ServeTarget *target, int variant)
{
	const ServeTable *table = &target->tables[TARGET_CONVERSATIONS];
	const ServeColumn *owner = &table->columns[FIELD_OWNER];
	Field activity = chatmig_serve_sql_activity(target);

	if (variant & BY_ID)
		return psprintf("x.%s = $1", table->columns[FIELD_ID].name);
	if (variant & BY_OWNER)
		return psprintf("x.%s %s $1", owner->name, owner->equals);
	return psprintf("x.%s < %s", table->columns[activity].name,
					chatmig_serve_sql_write_time(target, TARGET_CONVERSATIONS,
												 activity, "$1"));
}

static bool
has_table(const ServeTarget *target)
{
	return OidIsValid(target->tables[TARGET_CONVERSATIONS].relid);
}
