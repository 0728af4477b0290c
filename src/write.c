/*
 * write.c
 *	  conversations and messages --write--> the target tables and the trace
 *
 * In: what split and group made. Out: rows of the target tables. Forms rows
 * and gives ids; bulk.c and insert.c are the two ways into a table. Holds the
 * open conversation in memory and nothing else.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "bulk.h"
#include "columns.h"
#include "identity.h"
#include "insert.h"
#include "place.h"
#include "query.h"
#include "session.h"
#include "title.h"
#include "write.h"

/* Messages that wait before the ordinary way writes them. */
#define MAX_WAITING_MESSAGES 10000

struct Writer
{
	/* fixed */
	const MigrationPlan *plan;
	WriteMode mode;
	Bulk *bulk[NUM_TARGETS]; /* one of the two for each table */
	Insert *insert[NUM_TARGETS];
	Oid sequence[NUM_TARGETS];   /* behind ids of bigint */
	int64 next_id[NUM_TARGETS];  /* where no sequence is asked */
	Datum role_names[NUM_ROLES]; /* text */
	bool id_by_value;
	int16 id_length;
	char id_align;

	/* per conversation */
	MemoryContext conversation_context; /* holds its id, title, metadata */
	Value metadata;                     /* jsonb */
	int32 last_position; /* what follows LAST_POSITION; -1: unknown */

	/* legacy rows that wait to be inserted, for error messages */
	const char *key; /* of the row that is being written; not ours */
	StringInfoData first_key;
	StringInfoData last_key;
	bool flushing;

	/* counters */
	RunCounts *counts;
};

/* A row being formed, in the order of columns.c. */
typedef struct FormedRow
{
	int n;
	Datum values[MAX_TARGET_COLUMNS];
	bool nulls[MAX_TARGET_COLUMNS];
} FormedRow;

static void open_table(Writer *writer, TargetTable table);
static Datum make_id(Writer *writer, TargetTable table,
					 const Identity *identity);
static Value write_medium(Writer *writer, const Conversation *conversation,
						  const LegacyRow *row);
static void write_message(Writer *writer, const Conversation *conversation,
						  const Message *message, Value medium, Value reply_to);
static void write_trace(Writer *writer, const Conversation *conversation,
						const LegacyRow *row, const SplitRow *split,
						Value medium);
static void write_conversation(Writer *writer,
							   const Conversation *conversation);
static void widen_conversation(Writer *writer,
							   const Conversation *conversation);
static void add(FormedRow *formed, Datum datum, bool isnull);
static void add_value(FormedRow *formed, Value value);
static void put(Writer *writer, TargetTable table, const FormedRow *formed);
static void note_waiting(Writer *writer);
static void flush(Writer *writer);

Writer *
chatmig_write_begin(const MigrationPlan *plan, WriteMode mode,
					RunCounts *counts)
{
	Writer *writer = palloc0(sizeof(Writer));

	writer->plan = plan;
	writer->mode = mode;
	writer->counts = counts;
	get_typlenbyvalalign(plan->options.id_type, &writer->id_length,
						 &writer->id_by_value, &writer->id_align);
	for (Role role = 0; role < NUM_ROLES; role++)
		writer->role_names[role] =
			CStringGetTextDatum(chatmig_role_names[role]);
	initStringInfo(&writer->first_key);
	initStringInfo(&writer->last_key);
	writer->conversation_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig conversation", ALLOCSET_SMALL_SIZES);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		writer->next_id[table] = 1;
		if (mode != WRITE_NOTHING && OidIsValid(plan->tables[table]))
			open_table(writer, table);
	}
	return writer;
}

void
chatmig_write_open(Writer *writer, Conversation *conversation,
				   const LegacyRow *row, const SplitRow *split)
{
	const MigrationPlan *plan = writer->plan;
	MemoryContext old;

	MemoryContextReset(writer->conversation_context);
	writer->metadata.isnull = true;
	writer->last_position = -1;
	if (!conversation->is_new)
		return;

	old = MemoryContextSwitchTo(writer->conversation_context);
	conversation->id = make_id(writer, TARGET_CONVERSATIONS,
							   &(Identity){.kind = IDENTITY_CONVERSATION,
										   .migration = plan->name,
										   .key = row->key,
										   .time = row->time});
	conversation->title =
		chatmig_title_fill(plan->mapping,
						   conversation->group.counterpart.isnull
							   ? plan->options.title_without_counterpart
							   : plan->options.title,
						   &conversation->group, split->messages[0].content);
	conversation->description =
		chatmig_title_fill(plan->mapping, plan->options.description,
						   &conversation->group, split->messages[0].content);
	writer->metadata =
		chatmig_session_metadata(plan->mapping, conversation->group.session);
	MemoryContextSwitchTo(old);
	writer->counts->conversations++;
}

void
chatmig_write_row(Writer *writer, Conversation *conversation,
				  const LegacyRow *row, SplitRow *split)
{
	Value medium = {.isnull = true};
	Value reply_to = {.isnull = true};

	writer->key = row->key;
	/* split has decided whether there is one, and that it is the first's */
	if (split->messages[0].has_media)
		medium = write_medium(writer, conversation, row);
	if (conversation->make_room && writer->mode != WRITE_NOTHING)
	{
		flush(writer);
		chatmig_place_before(writer->plan, conversation->id,
							 split->messages[0].position, split->nmessages);
	}
	for (int i = 0; i < split->nmessages; i++)
	{
		Message *message = &split->messages[i];

		message->id = make_id(writer, TARGET_MESSAGES,
							  &(Identity){.kind = IDENTITY_MESSAGE,
										  .migration = writer->plan->name,
										  .key = row->key,
										  .part = message->part,
										  .time = message->time});
		if (message->position == LAST_POSITION && writer->mode != WRITE_NOTHING)
		{
			if (writer->last_position < 0)
			{
				flush(writer);
				writer->last_position =
					chatmig_place_behind(writer->plan, conversation->id);
			}
			message->position = writer->last_position++;
		}
		write_message(writer, conversation, message, medium, reply_to);
		reply_to.datum = message->id;
		reply_to.isnull = false;
	}
	write_trace(writer, conversation, row, split, medium);
	writer->counts->messages += split->nmessages;
	writer->counts->migrated++;
}

void
chatmig_write_close(Writer *writer, Conversation *conversation)
{
	if (writer->mode == WRITE_NOTHING || conversation->new_messages == 0)
		return;
	if (conversation->is_new)
		write_conversation(writer, conversation);
	else
		widen_conversation(writer, conversation);
	/* only now: a message's conversation must be written before it */
	if (writer->mode == WRITE_INSERT &&
		chatmig_insert_waiting(writer->insert[TARGET_MESSAGES]) >=
			MAX_WAITING_MESSAGES)
		flush(writer);
}

void
chatmig_write_end(Writer *writer)
{
	if (writer->mode == WRITE_INSERT)
		flush(writer);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		if (writer->bulk[table])
			chatmig_bulk_end(writer->bulk[table]);
		if (writer->insert[table])
			chatmig_insert_end(writer->insert[table]);
	}
	MemoryContextDelete(writer->conversation_context);
}

bool
chatmig_write_describe(const Writer *writer)
{
	const char *first = writer->first_key.data;
	const char *last = writer->last_key.data;

	if (!writer->flushing || first[0] == '\0')
		return false;
	if (strcmp(first, last) == 0)
		errcontext("migration \"%s\", legacy key %s", writer->plan->name,
				   first);
	else
		errcontext("migration \"%s\", a row from legacy key %s to %s",
				   writer->plan->name, first, last);
	return true;
}

static void
open_table(Writer *writer, TargetTable table)
{
	const MigrationPlan *plan = writer->plan;
	TargetColumns columns;

	chatmig_columns_list(plan, table, &columns);
	if (writer->mode == WRITE_BULK)
		writer->bulk[table] = chatmig_bulk_begin(plan->tables[table]);
	else
		writer->insert[table] = chatmig_insert_begin(
			plan->tables[table], plan->qualified[table], columns.n);
	if (plan->options.id_type == INT8OID && table != TARGET_TRACE &&
		writer->mode == WRITE_INSERT)
		writer->sequence[table] =
			getIdentitySequence(plan->tables[table], 1, false);
}

/* Allocated in the current memory context. */
static Datum
make_id(Writer *writer, TargetTable table, const Identity *identity)
{
	Datum uuid;

	if (writer->plan->options.id_type == INT8OID)
		return Int64GetDatum(
			OidIsValid(writer->sequence[table])
				? nextval_internal(writer->sequence[table], false)
				: writer->next_id[table]++);
	uuid = chatmig_identity_uuid(identity);
	if (writer->plan->options.id_type == UUIDOID)
		return uuid;
	return CStringGetTextDatum(
		DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
}

/* Returns the medium's id. */
static Value
write_medium(Writer *writer, const Conversation *conversation,
			 const LegacyRow *row)
{
	FormedRow formed = {0};
	Value id = {.isnull = false};

	id.datum = make_id(writer, TARGET_MEDIA,
					   &(Identity){.kind = IDENTITY_MEDIUM,
								   .migration = writer->plan->name,
								   .key = row->key,
								   .part = 1,
								   .time = row->time});
	add_value(&formed, id);
	if (writer->plan->owner_column)
		add_value(&formed, conversation->group.owner);
	add_value(&formed, row->media_url);
	add_value(&formed, row->media_type);
	add(&formed, (Datum) 0, true); /* summary */
	add(&formed, (Datum) 0, true); /* metadata: the message has it */
	add_value(&formed, row->time);
	put(writer, TARGET_MEDIA, &formed);
	writer->counts->media++;
	return id;
}

static void
write_message(Writer *writer, const Conversation *conversation,
			  const Message *message, Value medium, Value reply_to)
{
	FormedRow formed = {0};

	add(&formed, message->id, false);
	add(&formed, conversation->id, false);
	add(&formed, Int32GetDatum(message->position), false);
	add(&formed, writer->role_names[message->role], false);
	add_value(&formed, message->content);
	add_value(&formed, message->model);
	add_value(&formed, message->tokens);
	add_value(&formed, message->metadata);
	add(&formed, medium.datum, medium.isnull || !message->has_media);
	add(&formed, reply_to.datum, reply_to.isnull || !message->replies);
	add_value(&formed, message->time);
	put(writer, TARGET_MESSAGES, &formed);
}

/* message_ids[part] is the message of that part, NULL where there is none. */
static void
write_trace(Writer *writer, const Conversation *conversation,
			const LegacyRow *row, const SplitRow *split, Value medium)
{
	FormedRow formed = {0};
	int dims[1] = {split->messages[split->nmessages - 1].part};
	int lower_bounds[1] = {1};
	Datum *ids;
	bool *nulls;

	if (writer->mode == WRITE_NOTHING)
		return;
	ids = palloc0(sizeof(Datum) * dims[0]);
	nulls = palloc(sizeof(bool) * dims[0]);
	memset(nulls, true, sizeof(bool) * dims[0]);
	for (int i = 0; i < split->nmessages; i++)
	{
		ids[split->messages[i].part - 1] = split->messages[i].id;
		nulls[split->messages[i].part - 1] = false;
	}
	for (int i = 0; i < writer->plan->mapping->nkeys; i++)
		add(&formed, row->keys[i], false);
	add(&formed, Int64GetDatum(row->fingerprint), false);
	add(&formed, conversation->id, false);
	add(&formed,
		PointerGetDatum(construct_md_array(
			ids, nulls, 1, dims, lower_bounds, writer->plan->options.id_type,
			writer->id_length, writer->id_by_value, writer->id_align)),
		false);
	add_value(&formed, medium);
	put(writer, TARGET_TRACE, &formed);
}

static void
write_conversation(Writer *writer, const Conversation *conversation)
{
	FormedRow formed = {0};

	add(&formed, conversation->id, false);
	if (writer->plan->owner_column)
		add_value(&formed, conversation->group.owner);
	if (writer->plan->counterpart_column)
		add_value(&formed, conversation->group.counterpart);
	add_value(&formed, conversation->title);
	add_value(&formed, conversation->description);
	add(&formed, BoolGetDatum(true), false);
	add_value(&formed, writer->metadata);
	add_value(&formed, conversation->created_at);
	add_value(&formed, conversation->updated_at);
	put(writer, TARGET_CONVERSATIONS, &formed);
}

/* An existing conversation begins earlier, or ends later, than it did. */
static void
widen_conversation(Writer *writer, const Conversation *conversation)
{
	const MigrationPlan *plan = writer->plan;
	QueryArgs args = {0};

	chatmig_query_arg(&args, plan->options.id_type, conversation->id, false);
	chatmig_query_arg(&args, TIMESTAMPTZOID, conversation->created_at.datum,
					  conversation->created_at.isnull);
	chatmig_query_arg(&args, TIMESTAMPTZOID, conversation->updated_at.datum,
					  conversation->updated_at.isnull);
	(void) chatmig_query_run(
		psprintf(
			"UPDATE %s SET created_at = least(created_at, $2), updated_at = greatest(updated_at, $3) WHERE id = $1 AND (created_at > $2 OR updated_at < $3 OR created_at IS NULL OR updated_at IS NULL)",
			plan->qualified[TARGET_CONVERSATIONS]),
		&args);
}

static void
add(FormedRow *formed, Datum datum, bool isnull)
{
	if (formed->n == MAX_TARGET_COLUMNS)
		elog(ERROR, "row has too many columns");
	formed->values[formed->n] = datum;
	formed->nulls[formed->n] = isnull;
	formed->n++;
}

static void
add_value(FormedRow *formed, Value value)
{
	add(formed, value.datum, value.isnull);
}

static void
put(Writer *writer, TargetTable table, const FormedRow *formed)
{
	if (writer->bulk[table])
		chatmig_bulk_put(writer->bulk[table], formed->values, formed->nulls);
	else if (writer->insert[table])
	{
		/* a conversation's rows wait already */
		if (table != TARGET_CONVERSATIONS)
			note_waiting(writer);
		chatmig_insert_put(writer->insert[table], formed->values,
						   formed->nulls);
	}
}

static void
note_waiting(Writer *writer)
{
	if (writer->first_key.len == 0)
		appendStringInfoString(&writer->first_key, writer->key);
	resetStringInfo(&writer->last_key);
	appendStringInfoString(&writer->last_key, writer->key);
}

/* In the order that foreign keys ask for. */
static void
flush(Writer *writer)
{
	static const TargetTable order[] = {TARGET_CONVERSATIONS, TARGET_MEDIA,
										TARGET_MESSAGES, TARGET_TRACE};

	writer->flushing = true;
	for (int i = 0; i < lengthof(order); i++)
		if (writer->insert[order[i]])
			chatmig_insert_flush(writer->insert[order[i]]);
	writer->flushing = false;
	resetStringInfo(&writer->first_key);
	resetStringInfo(&writer->last_key);
}
