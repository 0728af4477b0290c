/*
 * serve_statistics.c
 *	  An owner's conversations, messages and media in numbers.
 *
 * In: an owner. Out: totals that add up. Counts what is there, under the
 * calling statement's snapshot: costs as much as the owner has written.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "serve_input.h"
#include "serve_list.h"
#include "serve_sql.h"

/* Of whom; variants of statements. */
#define HAS_OWNER 0x01
#define STANDALONE 0x02

/* What take_messages() fills. */
typedef struct CountState
{
	const ServeCall *call;
	Statistics *statistics;
} CountState;

static void count_conversations(ServeCall *call, const char *owner,
								Statistics *statistics);
static char *build_conversations(const ServeTarget *target, int variant);
static char *build_grouped(const ServeTarget *target, int variant);
static void count_messages(ServeCall *call, const char *owner, bool standalone,
						   Statistics *statistics);
static char *build_messages(const ServeTarget *target, int variant);
static bool take_messages(TupleTableSlot *slot, void *state);
static void count_media(ServeCall *call, const char *owner,
						Statistics *statistics);
static char *build_media(const ServeTarget *target, int variant);
static char *owner_condition(const ServeTarget *target, TargetTable table,
							 int variant);
static void take_time(Statistics *statistics, Datum time, bool isnull);
static TargetTable owner_table(const ServeTarget *target);

void
chatmig_serve_statistics(ServeCall *call, const char *owner,
						 Statistics *statistics)
{
	MemSet(statistics, 0, sizeof(Statistics));
	if (owner != NULL)
		chatmig_serve_input_require(call, owner_table(call->target),
									FIELD_OWNER, "owner");
	count_conversations(call, owner, statistics);
	count_messages(call, owner, false, statistics);
	/* nothing says whose a message is that stands alone */
	if (owner == NULL ||
		chatmig_serve_sql_column(call->target, TARGET_MESSAGES, FIELD_OWNER))
		count_messages(call, owner, true, statistics);
	if (OidIsValid(call->target->tables[TARGET_MEDIA].relid) &&
		(owner == NULL ||
		 chatmig_serve_sql_column(call->target, TARGET_MEDIA, FIELD_OWNER)))
		count_media(call, owner, statistics);
}

static void
count_conversations(ServeCall *call, const char *owner, Statistics *statistics)
{
	TargetTable table = owner_table(call->target);
	QueryArgs args = {0};
	Datum values[5];
	bool nulls[5];

	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner", owner);
	(void) chatmig_query_fetch(
		chatmig_serve_cache_plan(
			call->target, SERVE_COUNT_CONVERSATIONS, owner ? HAS_OWNER : 0,
			table == TARGET_CONVERSATIONS ? build_conversations : build_grouped,
			&args),
		&args, true, lengthof(values), values, nulls);
	statistics->conversations = DatumGetInt64(values[0]);
	statistics->active = DatumGetInt64(values[1]);
	statistics->archived = statistics->conversations - statistics->active;
	statistics->with_counterpart = DatumGetInt64(values[2]);
	statistics->without_counterpart =
		statistics->conversations - statistics->with_counterpart;
	take_time(statistics, values[3], nulls[3]);
	take_time(statistics, values[4], nulls[4]);
}

static char *
build_conversations(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	char *created =
		chatmig_serve_sql_read_time(target, table, FIELD_CREATED_AT, "x");
	char *updated =
		chatmig_serve_sql_read_time(target, table, FIELD_UPDATED_AT, "x");

	return psprintf(
		"SELECT count(*), count(*) FILTER (WHERE %s), count(%s), "
		"min(%s), max(%s) FROM %s AS x WHERE %s",
		chatmig_serve_sql_is_active(target),
		chatmig_serve_sql_value(target, table, FIELD_COUNTERPART, "x", "NULL"),
		created, updated, target->tables[table].name,
		owner_condition(target, table, variant));
}

static char *
build_grouped(const ServeTarget *target, int variant)
{
	const TargetTable table = TARGET_MESSAGES;
	const char *conversation =
		target->tables[table].columns[FIELD_CONVERSATION].name;

	return psprintf(
		"SELECT count(*), count(*), count(g.counterpart), "
		"NULL::timestamptz, NULL::timestamptz FROM (SELECT x.%s, "
		"(array_agg(%s::text))[1] AS counterpart FROM %s AS x "
		"WHERE %s AND x.%s IS NOT NULL GROUP BY x.%s) AS g",
		conversation,
		chatmig_serve_sql_value(target, table, FIELD_COUNTERPART, "x", "NULL"),
		target->tables[table].name, owner_condition(target, table, variant),
		conversation, conversation);
}

static void
count_messages(ServeCall *call, const char *owner, bool standalone,
			   Statistics *statistics)
{
	CountState state = {call, statistics};
	TargetTable table =
		standalone ? TARGET_MESSAGES : owner_table(call->target);
	QueryArgs args = {0};

	chatmig_serve_input_arg(&args, call, table, FIELD_OWNER, "owner", owner);
	(void) chatmig_query_execute(
		chatmig_serve_cache_plan(call->target, SERVE_COUNT_MESSAGES,
								 (owner ? HAS_OWNER : 0) |
									 (standalone ? STANDALONE : 0),
								 build_messages, &args),
		&args, true, take_messages, &state);
}

/* role, whether its conversation is active, or NULL if it has none, ... */
static char *
build_messages(const ServeTarget *target, int variant)
{
	const ServeTable *messages = &target->tables[TARGET_MESSAGES];
	const ServeTable *conversations = &target->tables[TARGET_CONVERSATIONS];
	const char *conversation = messages->columns[FIELD_CONVERSATION].name;
	bool standalone = (variant & STANDALONE) != 0;
	bool join = !standalone && OidIsValid(conversations->relid);
	/* x is what has the owner */
	const char *m = join ? "m" : "x";
	char *time = chatmig_serve_sql_read_time(target, TARGET_MESSAGES,
											 FIELD_CREATED_AT, m);

	return psprintf(
		"SELECT %s.%s::text, %s AS is_active, count(*), min(%s), max(%s) "
		"FROM %s WHERE %s%s GROUP BY 1, 2",
		m, messages->columns[FIELD_ROLE].name,
		standalone ? "NULL::bool"
		: join     ? psprintf("(%s)", chatmig_serve_sql_is_active(target))
				   : "true",
		time, time,
		!join ? psprintf("%s AS %s", messages->name, m)
		: variant & HAS_OWNER
			? chatmig_serve_sql_join_messages(target, "x", m)
			: psprintf("%s AS %s JOIN %s AS x ON x.%s = %s.%s", messages->name,
					   m, conversations->name,
					   conversations->columns[FIELD_ID].name, m, conversation),
		owner_condition(target, join ? TARGET_CONVERSATIONS : TARGET_MESSAGES,
						variant),
		join ? ""
			 : psprintf(" AND x.%s IS %s", conversation,
						standalone ? "NULL" : "NOT NULL"));
}

static bool
take_messages(TupleTableSlot *slot, void *state)
{
	CountState *count = state;
	Statistics *statistics = count->statistics;
	int64 number;
	Role role;

	slot_getallattrs(slot);
	number = DatumGetInt64(slot->tts_values[2]);
	statistics->messages += number;
	if (slot->tts_isnull[1])
		statistics->standalone += number;
	else
		statistics->in_conversations += number;
	if (!slot->tts_isnull[1] && DatumGetBool(slot->tts_values[1]))
		statistics->in_active += number;
	if (!slot->tts_isnull[0] &&
		chatmig_role_parse(
			chatmig_serve_input_role_name(
				count->call, TextDatumGetCString(slot->tts_values[0])),
			&role))
		statistics->roles[role] += number;
	else
		statistics->other_roles += number;
	take_time(statistics, slot->tts_values[3], slot->tts_isnull[3]);
	take_time(statistics, slot->tts_values[4], slot->tts_isnull[4]);
	return true;
}

static void
count_media(ServeCall *call, const char *owner, Statistics *statistics)
{
	QueryArgs args = {0};
	Datum count;
	bool isnull;

	chatmig_serve_input_arg(&args, call, TARGET_MEDIA, FIELD_OWNER, "owner",
							owner);
	(void) chatmig_query_fetch(
		chatmig_serve_cache_plan(call->target, SERVE_COUNT_MEDIA,
								 owner ? HAS_OWNER : 0, build_media, &args),
		&args, true, 1, &count, &isnull);
	statistics->media = DatumGetInt64(count);
}

static char *
build_media(const ServeTarget *target, int variant)
{
	return psprintf("SELECT count(*) FROM %s AS x WHERE %s",
					target->tables[TARGET_MEDIA].name,
					owner_condition(target, TARGET_MEDIA, variant));
}

static char *
owner_condition(const ServeTarget *target, TargetTable table, int variant)
{
	const ServeColumn *owner = &target->tables[table].columns[FIELD_OWNER];

	if (!(variant & HAS_OWNER))
		return pstrdup("true");
	return psprintf("x.%s %s $1", owner->name, owner->equals);
}

static void
take_time(Statistics *statistics, Datum time, bool isnull)
{
	TimestampTz value = DatumGetTimestampTz(time);

	if (isnull)
		return;
	if (!statistics->has_activity)
		statistics->first = statistics->last = value;
	statistics->first = Min(statistics->first, value);
	statistics->last = Max(statistics->last, value);
	statistics->has_activity = true;
}

/* The table that says whose a conversation is. */
static TargetTable
owner_table(const ServeTarget *target)
{
	return OidIsValid(target->tables[TARGET_CONVERSATIONS].relid)
			   ? TARGET_CONVERSATIONS
			   : TARGET_MESSAGES;
}
