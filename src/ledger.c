/*
 * ledger.c
 *	  chatmig's own tables: what is registered, what was made of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ledger.h"
#include "ledger_access.h"
#include "ledger_definition.h"
#include "query.h"

const char *const chatmig_target_names[NUM_TARGETS] = {
	"conversations", "messages", "media", "trace", "owners", "links"};

/* What a streaming callback fills, in the caller's context. */
typedef struct LoadState
{
	MemoryContext context;
	Registration *registration;
	Profile *profile;
	LedgerTargets *targets;
} LoadState;

static void store_reject(const char *name, const Reject *reject);
static char *find_relative(Oid relid, const char *rows);
static bool load_registration(TupleTableSlot *slot, void *state);
static bool load_profile(TupleTableSlot *slot, void *state);
static Jsonb *load_jsonb(TupleTableSlot *slot, int attnum,
						 const LoadState *load);
static bool load_target(TupleTableSlot *slot, void *state);

Registration *
chatmig_ledger_find(const char *name)
{
	LoadState state = {.context = CurrentMemoryContext};
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_stream(
		"SELECT name, source::oid, mapping, target, options, profile "
		"FROM %s.chatmig_migration WHERE name = $1",
		&args, load_registration, &state);
	return state.registration;
}

Registration *
chatmig_ledger_get(const char *name)
{
	Registration *registration = chatmig_ledger_find(name);

	if (registration == NULL)
		chatmig_ledger_not_found(name);
	return registration;
}

void
chatmig_ledger_not_found(const char *name)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_OBJECT),
		 errmsg("migration \"%s\" does not exist", name),
		 errhint(
			 "SELECT * FROM chatmig_status lists the registered ones; chatmig_register() adds one.")));
}

Profile *
chatmig_ledger_find_profile(const char *name)
{
	LoadState state = {.context = CurrentMemoryContext};
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_stream("SELECT name, mapping, target, options "
								 "FROM %s.chatmig_profile WHERE name = $1",
								 &args, load_profile, &state);
	return state.profile;
}

List *
chatmig_ledger_profile_names(void)
{
	return chatmig_ledger_access_list("SELECT name FROM %s.chatmig_profile "
									  "ORDER BY name COLLATE \"C\"",
									  NULL);
}

List *
chatmig_ledger_names(void)
{
	return chatmig_ledger_access_list("SELECT name FROM %s.chatmig_migration "
									  "ORDER BY name COLLATE \"C\"",
									  NULL);
}

List *
chatmig_ledger_migrated_names(void)
{
	return chatmig_ledger_access_list("SELECT migration FROM %s.chatmig_run "
									  "ORDER BY migration COLLATE \"C\"",
									  NULL);
}

Oid
chatmig_ledger_relation(void)
{
	return chatmig_ledger_access_table("chatmig_migration");
}

void
chatmig_ledger_store(const Registration *registration)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, registration->name);
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(registration->source),
					  false);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(registration->mapping),
					  false);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(registration->target),
					  false);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(registration->options),
					  false);
	chatmig_query_text_arg(&args, registration->profile);
	chatmig_ledger_access_run(
		"INSERT INTO %s.chatmig_migration AS m "
		"(name, source, mapping, target, options, profile) "
		"VALUES ($1, $2::regclass, $3, $4, $5, $6) "
		"ON CONFLICT (name) DO UPDATE SET source = excluded.source, "
		"mapping = excluded.mapping, target = excluded.target, "
		"options = excluded.options, profile = excluded.profile, "
		"registered_at = excluded.registered_at",
		&args);
	chatmig_ledger_access_announce();
}

void
chatmig_ledger_forget(const char *name)
{
	QueryArgs args = {0};

	/* no foreign key does it: see chatmig--2.0.sql */
	if (OidIsValid(chatmig_ledger_access_table("chatmig_target")))
		chatmig_ledger_clear(name);
	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_migration WHERE name = $1", &args);
	chatmig_ledger_access_announce();
}

void
chatmig_ledger_lock(const char *name)
{
	QueryArgs args = {0};

	/*
	 * An UPDATE and not SELECT FOR UPDATE: a transaction with an older
	 * snapshot must fail instead of not seeing what this run will have done.
	 */
	chatmig_query_text_arg(&args, name);
	if (chatmig_ledger_access_run(
			"UPDATE %s.chatmig_migration SET name = name WHERE name = $1",
			&args) == 0)
		chatmig_ledger_not_found(name);
}

void
chatmig_ledger_load_targets(const char *name, LedgerTargets *targets)
{
	LoadState state = {.context = CurrentMemoryContext, .targets = targets};
	QueryArgs args = {0};

	MemSet(targets, 0, sizeof(LedgerTargets));
	if (!OidIsValid(chatmig_ledger_access_table("chatmig_target")))
		return;
	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_stream(
		"SELECT t.part, t.relation::oid, t.created, r.migrated_at, "
		"t.columns, t.definition "
		"FROM %s.chatmig_target AS t "
		"LEFT JOIN %s.chatmig_run AS r ON r.migration = t.migration "
		"WHERE t.migration = $1",
		&args, load_target, &state);
}

bool
chatmig_ledger_is_target(Oid relid)
{
	QueryArgs args = {0};

	if (!OidIsValid(chatmig_ledger_access_table("chatmig_target")))
		return false;
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	return chatmig_ledger_access_count("SELECT count(*) FROM %s.chatmig_target "
									   "WHERE relation::oid = $1",
									   &args) > 0;
}

bool
chatmig_ledger_is_trace(Oid relid)
{
	QueryArgs args = {0};

	if (!OidIsValid(chatmig_ledger_access_table("chatmig_target")))
		return false;
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	return chatmig_ledger_access_count(
			   "SELECT count(*) FROM %s.chatmig_target WHERE relation::oid = "
			   "$1 AND part NOT IN ('conversations', 'messages', 'media')",
			   &args) > 0;
}

char *
chatmig_ledger_find_reader(Oid relid)
{
	return find_relative(relid, "SELECT name, source::oid "
								"FROM %s.chatmig_migration");
}

char *
chatmig_ledger_find_writer(Oid relid)
{
	if (!OidIsValid(chatmig_ledger_access_table("chatmig_target")))
		return NULL;
	return find_relative(relid, "SELECT migration, relation::oid "
								"FROM %s.chatmig_target");
}

void
chatmig_ledger_store_targets(const char *name, const LedgerTargets *targets)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_target WHERE migration = $1", &args);
	for (int i = 0; i < NUM_TARGETS; i++)
	{
		if (!OidIsValid(targets->tables[i]))
			continue;
		args.n = 1;
		chatmig_query_text_arg(&args, chatmig_target_names[i]);
		chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(targets->tables[i]),
						  false);
		chatmig_query_arg(&args, BOOLOID, BoolGetDatum(targets->created[i]),
						  false);
		chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(targets->columns[i]),
						  targets->columns[i] == NULL);
		chatmig_ledger_access_run(
			"INSERT INTO %s.chatmig_target "
			"(migration, part, relation, created, columns, definition) "
			"VALUES ($1, $2, $3::regclass, $4, $5, " TABLE_DEFINITION("$3") ")",
			&args);
	}
	chatmig_ledger_access_announce();
}

void
chatmig_ledger_store_run(const char *name, const RunCounts *counts)
{
	const int64 columns[] = {
		counts->legacy_rows, counts->migrated,      counts->empty,
		counts->rejected,    counts->conversations, counts->messages,
		counts->media,       counts->skipped,       counts->links};
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	for (int i = 0; i < lengthof(columns); i++)
		chatmig_query_arg(&args, INT8OID, Int64GetDatum(columns[i]), false);
	chatmig_ledger_access_run(
		"INSERT INTO %s.chatmig_run AS r "
		"(migration, migrated_at, last_run, legacy_rows, migrated, empty, "
		"rejected, conversations, messages, media, skipped, links) "
		"VALUES ($1, now(), now(), $2, $3, $4, $5, $6, $7, $8, $9, $10) "
		"ON CONFLICT (migration) DO UPDATE SET last_run = excluded.last_run, "
		"legacy_rows = excluded.legacy_rows, "
		"migrated = r.migrated + excluded.migrated, "
		"empty = excluded.empty, rejected = excluded.rejected, "
		"conversations = r.conversations + excluded.conversations, "
		"messages = r.messages + excluded.messages, "
		"media = r.media + excluded.media, "
		"skipped = excluded.skipped, links = r.links + excluded.links "
		"WHERE excluded.migrated + excluded.conversations + excluded.links > 0 "
		"OR (r.legacy_rows, r.empty, r.rejected, r.skipped) <> "
		"(excluded.legacy_rows, excluded.empty, excluded.rejected, "
		"excluded.skipped)",
		&args);
	chatmig_ledger_access_announce();
}

bool
chatmig_ledger_has_rejects(const char *name)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	return chatmig_ledger_access_count(
			   "SELECT count(*) FROM %s.chatmig_rejected "
			   "WHERE migration = $1 AND NOT partial",
			   &args) > 0;
}

void
chatmig_ledger_store_rejects(const char *name, List *rejects)
{
	QueryArgs args = {0};
	Datum *keys = palloc(sizeof(Datum) * Max(1, list_length(rejects)));
	int n = 0;
	MemoryContext context;
	MemoryContext old;
	ListCell *lc;

	foreach(lc, rejects)
		keys[n++] = CStringGetTextDatum(((Reject *) lfirst(lc))->key);
	chatmig_query_text_arg(&args, name);
	chatmig_query_arg(&args, TEXTARRAYOID,
					  PointerGetDatum(construct_array(keys, n, TEXTOID, -1,
													  false, TYPALIGN_INT)),
					  false);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_rejected "
		"WHERE migration = $1 AND NOT partial AND legacy_key <> ALL ($2)",
		&args);
	/* there may be a million of them */
	context = AllocSetContextCreate(CurrentMemoryContext, "chatmig reject",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	foreach(lc, rejects)
	{
		store_reject(name, lfirst(lc));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
chatmig_ledger_clear(const char *name)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, name);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_target WHERE migration = $1", &args);
	chatmig_ledger_access_run("DELETE FROM %s.chatmig_run WHERE migration = $1",
							  &args);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_rejected WHERE migration = $1", &args);
	chatmig_ledger_access_run(
		"DELETE FROM %s.chatmig_deleted WHERE migration = $1", &args);
	chatmig_ledger_access_announce();
}

void
chatmig_ledger_record_deleted(Oid messages, const LedgerDeleted *deleted)
{
	QueryArgs args = {0};

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(messages), false);
	chatmig_query_arg(&args, TEXTARRAYOID, deleted->conversations, false);
	chatmig_query_arg(&args, TEXTARRAYOID, deleted->owners, false);
	chatmig_query_arg(&args, TIMESTAMPTZARRAYOID, deleted->begun, false);
	chatmig_query_text_arg(&args, GetUserNameFromId(GetUserId(), false));
	chatmig_ledger_access_run(
		"INSERT INTO %s.chatmig_deleted "
		"(migration, conversation, owner, deleted_by) "
		"SELECT t.migration, d.conversation, d.owner, $5 "
		"FROM unnest($2, $3, $4) AS d (conversation, owner, begun) "
		"JOIN %s.chatmig_target AS t ON t.relation::oid = $1 "
		"AND t.part = 'messages' "
		"JOIN %s.chatmig_run AS r ON r.migration = t.migration "
		"AND (d.begun > r.last_run + interval '1 day' "
		"AND d.begun <= clock_timestamp()) IS NOT TRUE "
		"ON CONFLICT (migration, conversation) DO UPDATE SET "
		"owner = excluded.owner, deleted_by = excluded.deleted_by, "
		"deleted_at = excluded.deleted_at",
		&args);
}

const char *
chatmig_ledger_schema(void)
{
	return quote_identifier(chatmig_ledger_schema_name());
}

const char *
chatmig_ledger_schema_name(void)
{
	return get_namespace_name(chatmig_ledger_access_schema());
}

bool
chatmig_ledger_is_member(Oid relid)
{
	return chatmig_ledger_access_is_member(relid);
}

/* What is there already and says the same is not written again. */
static void
store_reject(const char *name, const Reject *reject)
{
	QueryArgs args = {0};

	CHECK_FOR_INTERRUPTS();
	chatmig_query_text_arg(&args, name);
	chatmig_query_text_arg(&args, reject->key);
	chatmig_query_arg(&args, INT4OID, Int32GetDatum(reject->part), false);
	chatmig_query_text_arg(&args, reject->code);
	chatmig_query_text_arg(&args, reject->reason);
	chatmig_query_arg(&args, JSONBOID, JsonbPGetDatum(reject->legacy_row),
					  false);
	chatmig_query_arg(&args, BOOLOID, BoolGetDatum(reject->partial), false);
	chatmig_ledger_access_run(
		"INSERT INTO %s.chatmig_rejected AS j "
		"(migration, legacy_key, part, code, reason, legacy_row, partial) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7) "
		"ON CONFLICT (migration, legacy_key, part) DO UPDATE SET "
		"code = excluded.code, reason = excluded.reason, "
		"legacy_row = excluded.legacy_row, partial = excluded.partial, "
		"rejected_at = excluded.rejected_at "
		"WHERE (j.code, j.reason, j.legacy_row, j.partial) <> "
		"(excluded.code, excluded.reason, excluded.legacy_row, "
		"excluded.partial)",
		&args);
}

/* rows: a query for names and relations. */
static char *
find_relative(Oid relid, const char *rows)
{
	QueryArgs args = {0};
	List *names;

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	names = chatmig_ledger_access_list(
		psprintf("WITH RECURSIVE up AS (SELECT $1 AS id UNION "
				 "SELECT i.inhparent FROM pg_inherits AS i "
				 "JOIN up ON i.inhrelid = up.id), "
				 "down AS (SELECT $1 AS id UNION "
				 "SELECT i.inhrelid FROM pg_inherits AS i "
				 "JOIN down ON i.inhparent = down.id) "
				 "SELECT r.name FROM (%s) AS r (name, relation) "
				 "WHERE r.relation IN (TABLE up UNION TABLE down) "
				 "ORDER BY r.name COLLATE \"C\" LIMIT 1",
				 rows),
		&args);
	return names == NIL ? NULL : linitial(names);
}

static bool
load_registration(TupleTableSlot *slot, void *state)
{
	LoadState *load = state;
	MemoryContext old = MemoryContextSwitchTo(load->context);
	Registration *registration = palloc0(sizeof(Registration));

	slot_getallattrs(slot);
	registration->name = TextDatumGetCString(slot->tts_values[0]);
	registration->source = DatumGetObjectId(slot->tts_values[1]);
	registration->mapping = DatumGetJsonbPCopy(slot->tts_values[2]);
	registration->target = DatumGetJsonbPCopy(slot->tts_values[3]);
	registration->options = DatumGetJsonbPCopy(slot->tts_values[4]);
	if (!slot->tts_isnull[5])
		registration->profile = TextDatumGetCString(slot->tts_values[5]);
	load->registration = registration;
	MemoryContextSwitchTo(old);
	return true;
}

static bool
load_profile(TupleTableSlot *slot, void *state)
{
	LoadState *load = state;
	MemoryContext old = MemoryContextSwitchTo(load->context);
	Profile *profile = palloc0(sizeof(Profile));

	slot_getallattrs(slot);
	profile->name = TextDatumGetCString(slot->tts_values[0]);
	profile->mapping = DatumGetJsonbPCopy(slot->tts_values[1]);
	profile->target = DatumGetJsonbPCopy(slot->tts_values[2]);
	profile->options = DatumGetJsonbPCopy(slot->tts_values[3]);
	load->profile = profile;
	MemoryContextSwitchTo(old);
	return true;
}

static Jsonb *
load_jsonb(TupleTableSlot *slot, int attnum, const LoadState *load)
{
	MemoryContext old;
	Jsonb *value;

	if (slot->tts_isnull[attnum - 1])
		return NULL;
	old = MemoryContextSwitchTo(load->context);
	value = DatumGetJsonbPCopy(slot->tts_values[attnum - 1]);
	MemoryContextSwitchTo(old);
	return value;
}

static bool
load_target(TupleTableSlot *slot, void *state)
{
	LedgerTargets *targets = ((LoadState *) state)->targets;
	char *part;

	slot_getallattrs(slot);
	part = TextDatumGetCString(slot->tts_values[0]);
	for (int i = 0; i < NUM_TARGETS; i++)
	{
		if (strcmp(part, chatmig_target_names[i]) != 0)
			continue;
		targets->tables[i] = DatumGetObjectId(slot->tts_values[1]);
		targets->created[i] = DatumGetBool(slot->tts_values[2]);
		targets->columns[i] = load_jsonb(slot, 5, state);
		targets->definition[i] = load_jsonb(slot, 6, state);
	}
	targets->migrated = !slot->tts_isnull[3];
	if (targets->migrated)
		targets->migrated_at = DatumGetTimestampTz(slot->tts_values[3]);
	return true;
}
