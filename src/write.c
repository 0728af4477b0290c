/*
 * write.c
 *	  conversations and messages --write--> the target tables and the trace
 *
 * In: what split and group made. Out: rows of the target tables. Forms rows
 * and gives ids; bulk.c and insert.c are the two ways into a table, and send.c
 * leads to another process that takes the first of them. Holds the
 * open conversation in memory and nothing else.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "leftover.h"
#include "place.h"
#include "relation.h"
#include "sequence.h"
#include "write.h"
#include "write_conversation.h"

/* Messages that wait before the ordinary way writes them. */
#define MAX_WAITING_MESSAGES 10000

static void open_table(Writer *writer, TargetTable table, SendQueue *queue);
static void write_message(Writer *writer, const Conversation *conversation,
						  const Message *message, Value medium, Value reply_to);
static void write_trace(Writer *writer, const Conversation *conversation,
						const LegacyRow *row, const SplitRow *split,
						Value medium);

Writer *
chatmig_write_begin(const MigrationPlan *plan, WriteMode mode, SendQueue *queue,
					RunCounts *counts)
{
	Writer *writer = palloc0(sizeof(Writer));

	writer->plan = plan;
	writer->mode = mode;
	writer->counts = counts;
	get_typlenbyvalalign(plan->id_types[TARGET_MESSAGES], &writer->id_length,
						 &writer->id_by_value, &writer->id_align);
	for (Role role = 0; role < NUM_ROLES; role++)
		if (plan->role_values[role] != NULL)
			writer->role_values[role] =
				CStringGetTextDatum(plan->role_values[role]);
	initStringInfo(&writer->key);
	initStringInfo(&writer->first_key);
	initStringInfo(&writer->last_key);
	writer->conversation_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig conversation", ALLOCSET_SMALL_SIZES);
	chatmig_media_begin(&writer->media);
	if (mode == WRITE_NOTHING &&
		(plan->uses[TARGET_OWNERS] || plan->links != NIL))
		writer->seen_owners =
			hash_create("chatmig owners", 1024,
						&(HASHCTL){.keysize = sizeof(uint64),
								   .entrysize = sizeof(uint64),
								   .hcxt = CurrentMemoryContext},
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		writer->next_id[table] = 1;
	for (TargetTable table = 0; table < TARGET_LINKS; table++)
		if (mode != WRITE_NOTHING && plan->uses[table])
			open_table(writer, table, queue);
	if (mode == WRITE_INSERT && plan->migrated && plan->uses[TARGET_OWNERS])
		chatmig_write_conversation_forget(plan);
	return writer;
}

void
chatmig_write_open(Writer *writer, Conversation *conversation,
				   const LegacyRow *row, const SplitRow *split)
{
	MemoryContext old;

	MemoryContextReset(writer->conversation_context);
	writer->metadata.isnull = true;
	writer->last_position = -1;
	if (!conversation->is_new)
		return;

	old = MemoryContextSwitchTo(writer->conversation_context);
	chatmig_write_conversation_begin(writer, conversation, row,
									 split->messages[0].content);
	MemoryContextSwitchTo(old);
}

void
chatmig_write_row(Writer *writer, Conversation *conversation,
				  const LegacyRow *row, SplitRow *split)
{
	Value medium = {.isnull = true};
	Value reply_to = {.isnull = true};

	chatmig_writer_name(writer, row);
	writer->conversation = conversation;
	/* split has decided whether there is one, and that it is the first's */
	if (split->messages[0].has_media && writer->plan->has_media)
		medium = chatmig_writer_medium(writer, row);
	if (conversation->make_room && writer->mode != WRITE_NOTHING)
	{
		chatmig_writer_flush(writer);
		chatmig_place_before(writer->plan, conversation->id,
							 split->messages[0].position, split->nmessages);
	}
	for (int i = 0; i < split->nmessages; i++)
	{
		Message *message = &split->messages[i];

		message->id = writer->plan->in_place
						  ? row->keys[0]
						  : chatmig_writer_make_id(
								writer, TARGET_MESSAGES,
								&(Identity){.kind = IDENTITY_MESSAGE,
											.migration = writer->plan->name,
											.key = row->key,
											.part = message->part,
											.time = message->time});
		if (message->position == LAST_POSITION && writer->mode != WRITE_NOTHING)
		{
			if (writer->last_position < 0)
			{
				chatmig_writer_flush(writer);
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
	if (row->summarizes && writer->plan->has_media)
		chatmig_media_summarize(&writer->media, row->media_name,
								split->messages[0].content);
	writer->counts->messages += split->nmessages;
	writer->counts->migrated++;
}

void
chatmig_write_close(Writer *writer, Conversation *conversation)
{
	chatmig_writer_media(writer, conversation);
	if (writer->mode == WRITE_NOTHING || conversation->new_messages == 0)
		return;
	if (conversation->is_new && writer->plan->options.owner_times)
	{
		/* guests have none */
		if (!writer->owner_created_at.isnull)
			conversation->created_at = writer->owner_created_at;
		if (!writer->owner_updated_at.isnull)
			conversation->updated_at = writer->owner_updated_at;
	}
	if (!conversation->is_new && writer->plan->uses[TARGET_CONVERSATIONS])
		chatmig_write_conversation_widen(writer, conversation);
	else if (conversation->is_new && writer->plan->uses[TARGET_CONVERSATIONS])
		chatmig_write_conversation_row(writer, conversation);
	/* only now: a message's conversation must be written before it */
	if (writer->mode == WRITE_INSERT &&
		chatmig_insert_waiting(writer->insert[TARGET_MESSAGES]) >=
			MAX_WAITING_MESSAGES)
		chatmig_writer_flush(writer);
}

void
chatmig_write_flush(Writer *writer)
{
	if (writer->mode == WRITE_INSERT)
		chatmig_writer_flush(writer);
	for (TargetTable table = 0; table < TARGET_LINKS; table++)
		if (writer->bulk[table])
			chatmig_bulk_flush(writer->bulk[table]);
}

void
chatmig_write_without_messages(Writer *writer, const LegacyRow *row)
{
	chatmig_write_conversation_empty(writer, row);
}

void
chatmig_write_end(Writer *writer)
{
	if (writer->mode == WRITE_INSERT)
		chatmig_writer_flush(writer);
	for (TargetTable table = 0; table < TARGET_LINKS; table++)
	{
		if (writer->bulk[table])
			chatmig_bulk_end(writer->bulk[table]);
		if (writer->send[table])
			chatmig_send_end(writer->send[table]);
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
open_table(Writer *writer, TargetTable table, SendQueue *queue)
{
	const MigrationPlan *plan = writer->plan;
	TargetColumns *columns = &writer->columns[table];
	TupleDesc desc;

	chatmig_columns_list(plan, table, columns);
	if (writer->mode == WRITE_BULK)
		writer->bulk[table] = chatmig_bulk_begin(plan->tables[table]);
	else if (writer->mode == WRITE_SEND)
		writer->send[table] =
			chatmig_send_begin(plan->tables[table], queue, table);
	else
	{
		desc = CreateTemplateTupleDesc(columns->n);
		for (int i = 0; i < columns->n; i++)
		{
			TargetColumn *column = &columns->columns[i];

			TupleDescInitEntry(desc, i + 1, column->name, column->type,
							   column->typmod, 0);
			TupleDescInitEntryCollation(desc, i + 1, column->collation);
		}
		writer->insert[table] = chatmig_insert_begin(
			plan->qualified[table], desc,
			chatmig_relation_write(plan, table, INSERT_ROWS));
		if (table < NUM_ID_TARGETS &&
			!(table == TARGET_MESSAGES && plan->in_place) &&
			(plan->id_types[table] == INT8OID ||
			 plan->id_types[table] == INT4OID))
			writer->sequence[table] = chatmig_sequence_ready(plan, table);
	}
}

static void
write_message(Writer *writer, const Conversation *conversation,
			  const Message *message, Value medium, Value reply_to)
{
	FormedRow formed;

	chatmig_writer_form(&formed);
	chatmig_writer_set(&formed, FIELD_ID, message->id);
	chatmig_writer_set(&formed, FIELD_CONVERSATION, conversation->id);
	chatmig_writer_set(&formed, FIELD_POSITION,
					   Int32GetDatum(message->position));
	chatmig_writer_set(&formed, FIELD_ROLE, writer->role_values[message->role]);
	chatmig_writer_set_group(&formed, &conversation->group);
	formed.values[FIELD_CONTENT] = message->content;
	formed.values[FIELD_MODEL] = message->model;
	formed.values[FIELD_TOKENS] = message->tokens;
	formed.values[FIELD_METADATA] = message->metadata;
	if (message->has_media)
		formed.values[FIELD_MEDIA] = medium;
	if (message->replies)
		formed.values[FIELD_REPLY_TO] = reply_to;
	formed.values[FIELD_CREATED_AT] = message->time;
	formed.values[FIELD_UPDATED_AT] = message->time;
	chatmig_writer_put(writer, TARGET_MESSAGES, &formed);
}

/* message_ids[part] is the message of that part, NULL where there is none. */
static void
write_trace(Writer *writer, const Conversation *conversation,
			const LegacyRow *row, const SplitRow *split, Value medium)
{
	FormedRow formed;
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
	chatmig_writer_form(&formed);
	for (int i = 0; i < writer->plan->mapping->nkeys; i++)
		chatmig_writer_set(&formed, FIELD_KEY + i, row->keys[i]);
	chatmig_writer_set(&formed, FIELD_FINGERPRINT,
					   Int64GetDatum(row->fingerprint));
	chatmig_writer_set(&formed, FIELD_CONVERSATION, conversation->id);
	chatmig_writer_set(
		&formed, FIELD_MESSAGES,
		PointerGetDatum(construct_md_array(
			ids, nulls, 1, dims, lower_bounds,
			writer->plan->id_types[TARGET_MESSAGES], writer->id_length,
			writer->id_by_value, writer->id_align)));
	formed.values[FIELD_MEDIA] = medium;
	if (writer->plan->has_leftovers)
		formed.values[FIELD_METADATA] =
			chatmig_leftover_make(writer->plan, row, split);
	chatmig_writer_put(writer, TARGET_TRACE, &formed);
}
