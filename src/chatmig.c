/*
 * chatmig.c
 *	  Module magic, settings, and the SQL entry points in the order in which a
 *	  user calls them.
 *
 * The only file of the flow that knows fmgr: an entry point takes its
 * arguments, calls one function, and returns. (times.c and fingerprint.c hold
 * the functions that the reading query calls for each row.)
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "create.h"
#include "detect.h"
#include "insert_reference.h"
#include "ledger.h"
#include "migrate.h"
#include "register.h"
#include "report.h"
#include "rollback.h"
#include "settings.h"
#include "validate.h"

PG_MODULE_MAGIC;

bool chatmig_bulk_load = true;

/* Read by the update script, with current_setting(). */
static bool convert_on_update = true;

void _PG_init(void);

PG_FUNCTION_INFO_V1(chatmig_create_chat_messages);
PG_FUNCTION_INFO_V1(chatmig_drop_chat_messages);
PG_FUNCTION_INFO_V1(chatmig_detect);
PG_FUNCTION_INFO_V1(chatmig_register);
PG_FUNCTION_INFO_V1(chatmig_unregister);
PG_FUNCTION_INFO_V1(chatmig_plan);
PG_FUNCTION_INFO_V1(chatmig_preview);
PG_FUNCTION_INFO_V1(chatmig_migrate);
PG_FUNCTION_INFO_V1(chatmig_validate);
PG_FUNCTION_INFO_V1(chatmig_violations);
PG_FUNCTION_INFO_V1(chatmig_assert_valid);
PG_FUNCTION_INFO_V1(chatmig_rollback);

/* A result set that is being filled, and whose rows these are. */
typedef struct ResultSet
{
	ReturnSetInfo *info;
	const char *migration;
	int64 number; /* of rows so far */
	int64 max_rows;
} ResultSet;

static char *text_arg(FunctionCallInfo fcinfo, int arg);
static Jsonb *jsonb_arg(FunctionCallInfo fcinfo, int arg);
static List *migrations(FunctionCallInfo fcinfo, int arg);
static ResultSet begin_result(FunctionCallInfo fcinfo);
static void put_row(ResultSet *result, const Datum *values, const bool *nulls);
static Datum text_or_null(const char *value, bool *isnull);
static void put_created(const char *object, const char *action,
						const char *detail, void *state);
static void put_detection(Oid relid, const Detection *detection, void *state);
static void put_step(const PlanStep *step, void *state);
static bool put_message(const MigrationPlan *plan,
						const Conversation *conversation,
						const Message *message, const LegacyRow *row,
						void *state);
static void put_counts(ResultSet *result, const RunCounts *counts,
					   TimestampTz start);
static void put_check(const CheckResult *check, ResultSet *result);
static void put_violation(const Violation *violation, void *state);

void
_PG_init(void)
{
	DefineCustomBoolVariable(
		"chatmig.convert_on_update",
		"Converts what is registered when the extension is updated to 2.0.",
		"Off updates the code alone; chatmig_migrate() converts later.",
		&convert_on_update, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"chatmig.bulk_load",
		"Loads tables that a migration creates without the executor.",
		"Off sends every row through INSERT: slower, the same rows.",
		&chatmig_bulk_load, true, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("chatmig");
	chatmig_insert_reference_init();
}

/* (shape, table_name, schema_name, owner_table) -> (object, action, detail) */
Datum
chatmig_create_chat_messages(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	CreateRequest request = {.shape = text_arg(fcinfo, 0),
							 .table_name = text_arg(fcinfo, 1),
							 .schema_name = text_arg(fcinfo, 2),
							 .owner_table = PG_ARGISNULL(3) ? InvalidOid
															: PG_GETARG_OID(3)};

	chatmig_create_table(&request, put_created, &result);
	return (Datum) 0;
}

/* (source, force) -> void */
Datum
chatmig_drop_chat_messages(PG_FUNCTION_ARGS)
{
	chatmig_create_drop(PG_GETARG_OID(0), PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

/* (source) -> (source, shape, confidence, mapping, notes) */
Datum
chatmig_detect(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);

	if (PG_ARGISNULL(0))
		chatmig_detect_all(put_detection, &result);
	else
		chatmig_detect_one(PG_GETARG_OID(0), put_detection, &result);
	return (Datum) 0;
}

/* (source, mapping, target, options, profile, name) -> name */
Datum
chatmig_register(PG_FUNCTION_ARGS)
{
	RegisterRequest request = {.source = PG_ARGISNULL(0) ? InvalidOid
														 : PG_GETARG_OID(0),
							   .mapping = jsonb_arg(fcinfo, 1),
							   .target = jsonb_arg(fcinfo, 2),
							   .options = jsonb_arg(fcinfo, 3),
							   .profile = text_arg(fcinfo, 4),
							   .name = text_arg(fcinfo, 5)};

	PG_RETURN_TEXT_P(cstring_to_text(chatmig_register_add(&request)));
}

/* (name) -> void */
Datum
chatmig_unregister(PG_FUNCTION_ARGS)
{
	chatmig_register_remove(text_arg(fcinfo, 0));
	PG_RETURN_VOID();
}

/* (name) -> (migration, step, object, action, rows, bytes, lock, note) */
Datum
chatmig_plan(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	ListCell *lc;

	foreach(lc, migrations(fcinfo, 0))
	{
		MigrateResult rehearsal;
		MigrationPlan *plan;

		result.migration = lfirst(lc);
		result.number = 0;
		plan = chatmig_migrate_rehearse(result.migration, false, &rehearsal,
										NULL, NULL);
		chatmig_report_plan(plan, &rehearsal, put_step, &result);
	}
	return (Datum) 0;
}

/*
 * (name, max_messages) -> (migration, conversation, position, role, content,
 * created_at, legacy_key)
 */
Datum
chatmig_preview(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	ListCell *lc;

	result.max_rows = PG_ARGISNULL(1) ? PG_INT32_MAX : PG_GETARG_INT32(1);
	foreach(lc, migrations(fcinfo, 0))
	{
		MigrateResult rehearsal;

		result.migration = lfirst(lc);
		result.number = 0;
		if (result.max_rows > 0)
			(void) chatmig_migrate_rehearse(result.migration, false, &rehearsal,
											put_message, &result);
	}
	return (Datum) 0;
}

/* (name, dry_run, force) -> counts; see put_counts() */
Datum
chatmig_migrate(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	bool dry_run = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	bool force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	ListCell *lc;

	foreach(lc, migrations(fcinfo, 0))
	{
		TimestampTz start = GetCurrentTimestamp();
		MigrateResult migrated;

		result.migration = lfirst(lc);
		if (dry_run)
			(void) chatmig_migrate_rehearse(result.migration, force, &migrated,
											NULL, NULL);
		else
			chatmig_migrate_run(result.migration, force, &migrated);
		put_counts(&result, &migrated.counts, start);
	}
	return (Datum) 0;
}

/*
 * (name) -> (migration, check_name, status, violations, example, detail,
 * hint)
 */
Datum
chatmig_validate(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	ListCell *name;
	ListCell *check;

	foreach(name, migrations(fcinfo, 0))
	{
		result.migration = lfirst(name);
		foreach(check, chatmig_validate_run(result.migration))
			put_check(lfirst(check), &result);
	}
	return (Datum) 0;
}

/* (name, check_name, max_rows) -> (legacy_key, conversation, message, detail)
 */
Datum
chatmig_violations(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);

	chatmig_validate_list(text_arg(fcinfo, 0), text_arg(fcinfo, 1),
						  PG_GETARG_INT32(2), put_violation, &result);
	return (Datum) 0;
}

/* (name) -> void, or an error */
Datum
chatmig_assert_valid(PG_FUNCTION_ARGS)
{
	ListCell *lc;

	foreach(lc, migrations(fcinfo, 0))
		chatmig_validate_assert(lfirst(lc));
	PG_RETURN_VOID();
}

/* (name, dry_run, force) -> counts; see put_counts() */
Datum
chatmig_rollback(PG_FUNCTION_ARGS)
{
	ResultSet result = begin_result(fcinfo);
	TimestampTz start = GetCurrentTimestamp();
	RunCounts counts;

	result.migration = text_arg(fcinfo, 0);
	chatmig_rollback_run(result.migration, PG_GETARG_BOOL(1), PG_GETARG_BOOL(2),
						 &counts);
	put_counts(&result, &counts, start);
	return (Datum) 0;
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

/* The named migration, or all that are registered. */
static List *
migrations(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? chatmig_ledger_names()
							 : list_make1(text_arg(fcinfo, arg));
}

static ResultSet
begin_result(FunctionCallInfo fcinfo)
{
	ResultSet result = {0};

	InitMaterializedSRF(fcinfo, 0);
	result.info = (ReturnSetInfo *) fcinfo->resultinfo;
	return result;
}

static void
put_row(ResultSet *result, const Datum *values, const bool *nulls)
{
	result->number++;
	tuplestore_putvalues(result->info->setResult, result->info->setDesc,
						 (Datum *) values, (bool *) nulls);
}

static Datum
text_or_null(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

static void
put_created(const char *object, const char *action, const char *detail,
			void *state)
{
	Datum values[3];
	bool nulls[3];

	values[0] = text_or_null(object, &nulls[0]);
	values[1] = text_or_null(action, &nulls[1]);
	values[2] = text_or_null(detail, &nulls[2]);
	put_row(state, values, nulls);
}

static void
put_detection(Oid relid, const Detection *detection, void *state)
{
	Datum values[5];
	bool nulls[5] = {0};
	Datum *notes =
		palloc(sizeof(Datum) * Max(1, list_length(detection->notes)));
	int n = 0;
	ListCell *lc;

	foreach(lc, detection->notes)
		notes[n++] = CStringGetTextDatum(lfirst(lc));
	values[0] = ObjectIdGetDatum(relid);
	values[1] = text_or_null(
		detection->has_shape ? chatmig_shape_names[detection->shape] : NULL,
		&nulls[1]);
	values[2] = Float4GetDatum(detection->confidence);
	values[3] = JsonbPGetDatum(chatmig_detect_mapping(detection));
	values[4] = PointerGetDatum(
		construct_array(notes, n, TEXTOID, -1, false, TYPALIGN_INT));
	put_row(state, values, nulls);
}

static void
put_step(const PlanStep *step, void *state)
{
	ResultSet *result = state;
	Datum values[8];
	bool nulls[8] = {0};

	values[0] = CStringGetTextDatum(result->migration);
	values[1] = Int32GetDatum((int32) result->number + 1);
	values[2] = text_or_null(step->object, &nulls[2]);
	values[3] = text_or_null(step->action, &nulls[3]);
	values[4] = Int64GetDatum(step->rows);
	nulls[4] = step->rows < 0;
	values[5] = Int64GetDatum(step->bytes);
	nulls[5] = step->bytes < 0;
	values[6] = text_or_null(step->lock, &nulls[6]);
	values[7] = text_or_null(step->note, &nulls[7]);
	put_row(result, values, nulls);
}

static bool
put_message(const MigrationPlan *plan, const Conversation *conversation,
			const Message *message, const LegacyRow *row, void *state)
{
	ResultSet *result = state;
	Datum values[7];
	bool nulls[7] = {0};
	Oid output;
	bool is_varlena;

	values[0] = CStringGetTextDatum(result->migration);
	getTypeOutputInfo(plan->id_types[TARGET_CONVERSATIONS], &output,
					  &is_varlena);
	values[1] =
		CStringGetTextDatum(OidOutputFunctionCall(output, conversation->id));
	values[2] = Int32GetDatum(message->position);
	/* behind what an earlier run and the application wrote */
	nulls[2] = message->position == LAST_POSITION;
	values[3] = CStringGetTextDatum(chatmig_role_names[message->role]);
	values[4] = message->content.datum;
	nulls[4] = message->content.isnull;
	values[5] = message->time.datum;
	nulls[5] = message->time.isnull;
	values[6] = CStringGetTextDatum(row->key);
	put_row(result, values, nulls);
	return result->number < result->max_rows;
}

/*
 * (migration, legacy_rows, already, skipped, migrated, empty, rejected,
 * conversations, messages, media, links, elapsed)
 */
static void
put_counts(ResultSet *result, const RunCounts *counts, TimestampTz start)
{
	Interval elapsed = {.time = GetCurrentTimestamp() - start};
	const int64 numbers[] = {counts->legacy_rows,   counts->already,
							 counts->skipped,       counts->migrated,
							 counts->empty,         counts->rejected,
							 counts->conversations, counts->messages,
							 counts->media,         counts->links};
	Datum values[lengthof(numbers) + 2];
	bool nulls[lengthof(numbers) + 2] = {0};

	values[0] = CStringGetTextDatum(result->migration);
	for (int i = 0; i < lengthof(numbers); i++)
		values[i + 1] = Int64GetDatum(numbers[i]);
	values[lengthof(numbers) + 1] = IntervalPGetDatum(&elapsed);
	put_row(result, values, nulls);
}

static void
put_check(const CheckResult *check, ResultSet *result)
{
	Datum values[7];
	bool nulls[7] = {0};

	values[0] = CStringGetTextDatum(result->migration);
	values[1] = CStringGetTextDatum(check->name);
	values[2] = CStringGetTextDatum(chatmig_validate_statuses[check->status]);
	values[3] = Int64GetDatum(check->violations);
	values[4] = text_or_null(check->example, &nulls[4]);
	values[5] = text_or_null(check->detail, &nulls[5]);
	values[6] = text_or_null(check->hint, &nulls[6]);
	put_row(result, values, nulls);
}

static void
put_violation(const Violation *violation, void *state)
{
	Datum values[4];
	bool nulls[4];

	values[0] = text_or_null(violation->legacy_key, &nulls[0]);
	values[1] = text_or_null(violation->conversation, &nulls[1]);
	values[2] = text_or_null(violation->message, &nulls[2]);
	values[3] = text_or_null(violation->detail, &nulls[3]);
	put_row(state, values, nulls);
}
