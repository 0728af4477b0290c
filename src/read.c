/*
 * read.c
 *	  legacy table --read--> legacy rows, by group, time, key
 *
 * In: a plan. Out: one LegacyRow at a time, in the order in which the rows
 * become messages. One query (read_query.c) does the work, so the server may
 * sort in external files and use parallel workers; this file only turns its
 * rows into structs. Holds one row in memory.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "json.h"
#include "query.h"
#include "read.h"
#include "read_query.h"
#include "read_share.h"

typedef struct ReadState
{
	/* fixed */
	const MigrationPlan *plan;
	ReadColumns columns;
	ReadRow callback;
	void *callback_state;
	FmgrInfo key_output[MAX_KEYS];
	Datum path;        /* transcript: jsonpath */
	bool path_is_keys; /* ... which only names keys: */
	List *path_keys;

	/* per row */
	MemoryContext row_context;
	LegacyRow row;
} ReadState;

typedef struct RejectedState
{
	MemoryContext context;
	List *rejects; /* of Reject * */
} RejectedState;

static bool receive_owner(TupleTableSlot *slot, void *state);
static bool receive_rejected(TupleTableSlot *slot, void *state);
static void add_messages(const MigrationPlan *plan, List *rejects);
static bool receive(TupleTableSlot *slot, void *state);
static void fill_row(ReadState *state, TupleTableSlot *slot);
static void fill_transcript(ReadState *state, Value transcript);
static Jsonb *copy_out(MemoryContext context, Jsonb *json);
static JsonbContainer *follow_keys(const ReadState *state, Jsonb *json);
static void read_path(ReadState *state, const char *path);
static Jsonb *parse(ReadState *state, Datum transcript);
static void leave_sort_to_workers(void);
static void fill_known(ReadState *state, TupleTableSlot *slot);
static Value value_of(TupleTableSlot *slot, int attnum);
static char *key_text(ReadState *state);

void
chatmig_read_rows(const MigrationPlan *plan, bool parallel, bool reduced,
				  ReadRow callback, void *callback_state)
{
	ReadState state = {
		.plan = plan, .callback = callback, .callback_state = callback_state};
	char *sql = chatmig_read_query(plan, reduced, &state.columns);
	int guc_level;

	state.row.reduced = reduced;
	for (int i = 0; i < plan->mapping->nkeys; i++)
	{
		Oid output;
		bool is_varlena;

		getTypeOutputInfo(plan->mapping->keys[i].type, &output, &is_varlena);
		fmgr_info(output, &state.key_output[i]);
	}
	if (plan->mapping->shape == SHAPE_TRANSCRIPT)
		read_path(&state, plan->mapping->path);
	state.row_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig legacy row", ALLOCSET_DEFAULT_SIZES);
	guc_level = NewGUCNestLevel();
	if (!reduced)
		leave_sort_to_workers();
	chatmig_query_stream(sql, NULL, parallel, NULL, receive, &state);
	AtEOXact_GUC(true, guc_level);
	MemoryContextDelete(state.row_context);
}

int
chatmig_read_workers(const MigrationPlan *plan)
{
	ReadColumns columns;

	if (plan->migrated || plan->times_missing || plan->options.owner_times ||
		!chatmig_read_share_is_possible(plan))
		return 0;
	return chatmig_query_workers(chatmig_read_query(plan, false, &columns));
}

/* This process has enough to do: it writes what they have sorted. */
static void
leave_sort_to_workers(void)
{
	(void) set_config_option("parallel_leader_participation", "off",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
}

void
chatmig_read_owners(const MigrationPlan *plan, ReadRow callback, void *state)
{
	ReadState read = {
		.plan = plan, .callback = callback, .callback_state = state};
	Oid output;
	bool is_varlena;

	getTypeOutputInfo(plan->mapping->parts[PART_OWNER].type, &output,
					  &is_varlena);
	fmgr_info(output, &read.key_output[0]);
	read.row_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig owner", ALLOCSET_DEFAULT_SIZES);
	chatmig_query_stream(chatmig_read_query_owners(plan), NULL, false, NULL,
						 receive_owner, &read);
	MemoryContextDelete(read.row_context);
}

void
chatmig_read_totals(const MigrationPlan *plan, int64 *rows, int64 *traced)
{
	*rows = chatmig_query_count(
		psprintf("SELECT count(*) FROM %s", plan->source_name), NULL);
	*traced = plan->migrated
				  ? chatmig_query_count(chatmig_read_query_traced(plan), NULL)
				  : 0;
}

/* In one pass over the source, however many there are. */
void
chatmig_read_rejected(const MigrationPlan *plan, List *rejects)
{
	int n = list_length(rejects);
	Datum *keys = palloc(sizeof(Datum) * Max(n, 1));
	Datum *are_messages = palloc(sizeof(Datum) * Max(n, 1));
	RejectedState state = {.context = CurrentMemoryContext, .rejects = rejects};
	QueryArgs args = {0};

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
	{
		const Reject *reject = list_nth(rejects, i);

		keys[i] = CStringGetTextDatum(reject->key);
		are_messages[i] = BoolGetDatum(reject->message != NULL);
	}
	chatmig_query_arg(&args, TEXTARRAYOID,
					  PointerGetDatum(construct_array(keys, n, TEXTOID, -1,
													  false, TYPALIGN_INT)),
					  false);
	chatmig_query_arg(&args, BOOLARRAYOID,
					  PointerGetDatum(construct_array(are_messages, n, BOOLOID,
													  1, true, TYPALIGN_CHAR)),
					  false);
	chatmig_query_stream(chatmig_read_query_rejected(plan), &args, false, NULL,
						 receive_rejected, &state);
	add_messages(plan, rejects);

	/* a view may say something else each time it is read */
	for (int i = 0; i < n; i++)
	{
		Reject *reject = list_nth(rejects, i);

		if (reject->legacy_row == NULL)
			ereport(
				ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("the row of %s with the key %s was not found again",
						plan->source_name, reject->key),
				 errhint(
					 "The key of a view must follow from the rows behind it, not from the order in which they are read.")));
	}
}

static bool
receive_owner(TupleTableSlot *slot, void *state)
{
	ReadState *read = state;
	LegacyRow *row = &read->row;
	MemoryContext old = MemoryContextSwitchTo(read->row_context);

	slot_getallattrs(slot);
	row->group.owner = value_of(slot, 1);
	row->owner_created_at = value_of(slot, 2);
	row->owner_updated_at = value_of(slot, 3);
	row->key = OutputFunctionCall(&read->key_output[0], row->group.owner.datum);
	(void) read->callback(row, read->callback_state);
	MemoryContextSwitchTo(old);
	MemoryContextReset(read->row_context);
	return true;
}

static bool
receive_rejected(TupleTableSlot *slot, void *state)
{
	RejectedState *rejected = state;
	MemoryContext old = MemoryContextSwitchTo(rejected->context);
	Reject *reject;

	slot_getallattrs(slot);
	reject =
		list_nth(rejected->rejects, DatumGetInt64(slot->tts_values[0]) - 1);
	reject->legacy_row = DatumGetJsonbPCopy(slot->tts_values[1]);
	MemoryContextSwitchTo(old);
	return true;
}

/* Where a message is rejected, it stands for the whole transcript. */
static void
add_messages(const MigrationPlan *plan, List *rejects)
{
	ListCell *lc;

	foreach(lc, rejects)
	{
		Reject *reject = lfirst(lc);
		Datum path[1];

		if (reject->message == NULL || reject->legacy_row == NULL)
			continue;
		path[0] =
			CStringGetTextDatum(plan->mapping->parts[PART_TRANSCRIPT].name);
		reject->legacy_row = DatumGetJsonbP(DirectFunctionCall4(
			jsonb_set, JsonbPGetDatum(reject->legacy_row),
			PointerGetDatum(
				construct_array(path, 1, TEXTOID, -1, false, TYPALIGN_INT)),
			JsonbPGetDatum(reject->message), BoolGetDatum(true)));
	}
}

static bool
receive(TupleTableSlot *slot, void *state)
{
	ReadState *read = state;
	bool more;
	MemoryContext old = MemoryContextSwitchTo(read->row_context);

	fill_row(read, slot);
	more = read->callback(&read->row, read->callback_state);
	MemoryContextSwitchTo(old);
	MemoryContextReset(read->row_context);
	return more;
}

static void
fill_row(ReadState *state, TupleTableSlot *slot)
{
	const Mapping *mapping = state->plan->mapping;
	const ReadColumns *columns = &state->columns;
	LegacyRow *row = &state->row;
	Value role;

	slot_getallattrs(slot);
	for (int i = 0; i < mapping->nkeys; i++)
		row->keys[i] = slot->tts_values[columns->keys - 1 + i];
	row->key = key_text(state);
	row->group.owner = value_of(slot, columns->owner);
	row->group.counterpart = value_of(slot, columns->counterpart);
	row->group.session = value_of(slot, columns->session);
	row->time = value_of(slot, columns->time);
	row->time_invalid =
		row->time.isnull &&
		!DatumGetBool(slot->tts_values[columns->time_missing - 1]);
	row->contents[0] = value_of(slot, columns->contents);
	row->elements = NULL;
	row->fault = NULL;
	if (mapping->shape == SHAPE_PAIR)
		row->contents[1] = value_of(slot, columns->contents + 1);
	for (int i = 0; i < MAX_CONTENTS && row->reduced; i++)
		if (i == 0 || mapping->shape == SHAPE_PAIR)
			row->sizes[i] =
				DatumGetInt32(slot->tts_values[columns->sizes - 1 + i]);
	role = value_of(slot, columns->role);
	row->role = role.isnull ? NULL : TextDatumGetCString(role.datum);
	row->model = value_of(slot, columns->model);
	row->tokens = value_of(slot, columns->tokens);
	row->metadata = value_of(slot, columns->metadata);
	row->media_url = value_of(slot, columns->media);
	row->media_type = value_of(slot, columns->media_type);
	row->media_name = value_of(slot, columns->media_name);
	row->summarizes = columns->summarizes > 0 &&
					  DatumGetBool(slot->tts_values[columns->summarizes - 1]);
	row->fingerprint =
		DatumGetInt64(slot->tts_values[columns->fingerprint - 1]);
	row->skipped = DatumGetBool(slot->tts_values[columns->skipped - 1]);
	row->owner_created_at = value_of(slot, columns->owner_created_at);
	row->owner_updated_at = value_of(slot, columns->owner_updated_at);
	fill_known(state, slot);
	/* what is migrated is not looked into again */
	if (mapping->shape == SHAPE_TRANSCRIPT && !row->known.known)
		fill_transcript(state, row->contents[0]);
}

/*
 * A transcript may be long: a copy is dropped as soon as there is the next
 * one, and with it what parsing and searching leave behind.
 */
static void
fill_transcript(ReadState *state, Value transcript)
{
	LegacyRow *row = &state->row;
	MemoryContext old = CurrentMemoryContext;
	MemoryContext scratch;
	Jsonb *json;

	if (transcript.isnull)
		return;
	scratch = AllocSetContextCreate(old, "chatmig transcript",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	json = copy_out(old, parse(state, transcript.datum));
	MemoryContextReset(scratch);
	if (json != NULL)
		row->elements = follow_keys(state, json);
	if (json != NULL && row->elements == NULL)
	{
		Datum no_variables =
			DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
		Datum found =
			DirectFunctionCall4(jsonb_path_query_array, JsonbPGetDatum(json),
								state->path, no_variables, BoolGetDatum(true));

		pfree(json);
		row->elements = &copy_out(old, DatumGetJsonbP(found))->root;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* NULL for NULL. */
static Jsonb *
copy_out(MemoryContext context, Jsonb *json)
{
	Jsonb *copy;

	if (json == NULL)
		return NULL;
	copy = MemoryContextAlloc(context, VARSIZE(json));
	memcpy(copy, json, VARSIZE(json));
	return copy;
}

/*
 * The array that a path such as $.a.b[*] leads to, where it is. Nearly all
 * paths are such, and this way there is no further copy. NULL: look for it.
 */
static JsonbContainer *
follow_keys(const ReadState *state, Jsonb *json)
{
	JsonbContainer *container = &json->root;
	ListCell *lc;

	if (!state->path_is_keys)
		return NULL;
	foreach(lc, state->path_keys)
	{
		const char *key = lfirst(lc);
		JsonbValue value;

		if (!JsonContainerIsObject(container) ||
			getKeyJsonValueFromContainer(container, key, strlen(key), &value) ==
				NULL ||
			value.type != jbvBinary)
			return NULL;
		container = value.val.binary.data;
	}
	return JsonContainerIsArray(container) && !JsonContainerIsScalar(container)
			   ? container
			   : NULL;
}

/* "$", then perhaps keys of plain letters, then "[*]". */
static void
read_path(ReadState *state, const char *path)
{
	static const char *const letters =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

	state->path = DirectFunctionCall1(jsonpath_in, CStringGetDatum(path));
	if (*path++ != '$')
		return;
	while (*path == '.')
	{
		int length = strspn(++path, letters);

		state->path_keys = lappend(state->path_keys, pnstrdup(path, length));
		path += length;
	}
	state->path_is_keys = strcmp(path, "[*]") == 0;
}

/* NULL: there is nothing in it, or row->fault says what is wrong. */
static Jsonb *
parse(ReadState *state, Datum transcript)
{
	const Column *column = &state->plan->mapping->parts[PART_TRANSCRIPT];
	LegacyRow *row = &state->row;
	text *json;
	char *string;
	char *fault;
	Jsonb *result;

	if (getBaseType(column->type) == JSONBOID)
	{
		result = DatumGetJsonbP(transcript);
		fault = chatmig_json_fault_of_jsonb(result);
		if (fault == NULL)
			return result;
		row->fault = MemoryContextStrdup(state->row_context, fault);
		return NULL;
	}
	json = DatumGetTextPP(transcript);
	if (VARSIZE_ANY_EXHDR(json) == 0)
		return NULL;
	fault = chatmig_json_fault_of(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
	if (fault != NULL)
	{
		row->fault = MemoryContextStrdup(state->row_context, fault);
		return NULL;
	}
	string = text_to_cstring(json);
	if ((Pointer) json != DatumGetPointer(transcript))
		pfree(json);
	result =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(string)));
	pfree(string);
	return result;
}

static void
fill_known(ReadState *state, TupleTableSlot *slot)
{
	const ReadColumns *columns = &state->columns;
	KnownRow *known = &state->row.known;
	Value conversation;
	Value next;

	MemSet(known, 0, sizeof(KnownRow));
	if (columns->known == 0)
		return;
	known->known = DatumGetBool(slot->tts_values[columns->known - 1]);
	conversation = value_of(slot, columns->conversation);
	known->is_gone = known->known && conversation.isnull;
	known->conversation = conversation.datum;
	known->position = value_of(slot, columns->position);
	known->written = value_of(slot, columns->written);
	next = value_of(slot, columns->next_conversation);
	known->has_next = !known->known && !next.isnull;
	known->next_conversation = next.datum;
	known->next_time = value_of(slot, columns->next_time);
}

/* NULL where the query has no such column. */
static Value
value_of(TupleTableSlot *slot, int attnum)
{
	Value value = {.isnull = true};

	if (attnum > 0)
	{
		value.datum = slot->tts_values[attnum - 1];
		value.isnull = slot->tts_isnull[attnum - 1];
	}
	return value;
}

/* As the SQL of chatmig_read_query_key() has it. */
static char *
key_text(ReadState *state)
{
	int nkeys = state->plan->mapping->nkeys;
	StringInfoData text;

	if (nkeys == 1)
		return OutputFunctionCall(&state->key_output[0], state->row.keys[0]);
	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(&text, ", ");
		escape_json(&text, OutputFunctionCall(&state->key_output[i],
											  state->row.keys[i]));
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}
