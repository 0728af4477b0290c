/*
 * write.c
 *	  conversations and messages --write--> the target tables and the trace
 *
 * In: what split and group made. Out: rows of the target tables. Forms rows
 * and gives ids; bulk.c and insert.c are the two ways into a table. Holds the
 * open conversation in memory and nothing else.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "bulk.h"
#include "columns.h"
#include "identity.h"
#include "insert.h"
#include "leftover.h"
#include "media.h"
#include "place.h"
#include "query.h"
#include "relation.h"
#include "sequence.h"
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
	TargetColumns columns[NUM_TARGETS];
	Bulk *bulk[NUM_TARGETS]; /* one of the two for each table */
	Insert *insert[NUM_TARGETS];
	Oid sequence[NUM_ID_TARGETS];  /* behind ids that are numbers */
	int64 next_id[NUM_ID_TARGETS]; /* where no sequence is asked */
	Datum role_values[NUM_ROLES];  /* text, as the table has them */
	bool id_by_value;              /* of messages */
	int16 id_length;
	char id_align;

	/* per conversation */
	MemoryContext conversation_context; /* holds its id, title, metadata */
	Value metadata;                     /* jsonb */
	Value owner_created_at;             /* timestamptz */
	Value owner_updated_at;
	int32 last_position; /* what follows LAST_POSITION; -1: unknown */

	/* legacy rows that wait to be inserted, for error messages */
	const char *key; /* of the row that is being written; not ours */
	StringInfoData first_key;
	StringInfoData last_key;
	bool flushing;

	Media media;                      /* that wait */
	const Conversation *conversation; /* that they belong to; not ours */

	/* counters */
	RunCounts *counts;
	HTAB *seen_owners; /* hashes of those who would get a conversation; only
						* where nothing is written, and somebody asks */
};

/* A row being formed; of its values, those are stored that have a column. */
typedef struct FormedRow
{
	Value values[NUM_FIELDS];
} FormedRow;

static bool joins_owner(const Writer *writer, Conversation *conversation);
static bool see_owner(const Writer *writer, Value owner, HASHACTION action);
static void entitle(const Writer *writer, Conversation *conversation,
					Value first_message);
static void open_table(Writer *writer, TargetTable table);
static Datum make_id(Writer *writer, TargetTable table,
					 const Identity *identity);
static Value write_medium(Writer *writer, const LegacyRow *row);
static void write_media(Writer *writer, const Conversation *conversation);
static void write_message(Writer *writer, const Conversation *conversation,
						  const Message *message, Value medium, Value reply_to);
static void write_trace(Writer *writer, const Conversation *conversation,
						const LegacyRow *row, const SplitRow *split,
						Value medium);
static void write_conversation(Writer *writer,
							   const Conversation *conversation);
static void widen_conversation(Writer *writer,
							   const Conversation *conversation);
static void widen(Writer *writer, const Conversation *conversation, Field field,
				  const char *column, const char *beyond, Value time);
static void form(FormedRow *formed);
static void set(FormedRow *formed, Field field, Datum datum);
static void set_group(FormedRow *formed, const GroupKey *group);
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
	get_typlenbyvalalign(plan->id_types[TARGET_MESSAGES], &writer->id_length,
						 &writer->id_by_value, &writer->id_align);
	for (Role role = 0; role < NUM_ROLES; role++)
		if (plan->role_values[role] != NULL)
			writer->role_values[role] =
				CStringGetTextDatum(plan->role_values[role]);
	initStringInfo(&writer->first_key);
	initStringInfo(&writer->last_key);
	writer->conversation_context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig conversation", ALLOCSET_SMALL_SIZES);
	chatmig_media_begin(&writer->media);
	if (mode == WRITE_NOTHING && plan->uses[TARGET_OWNERS])
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
			open_table(writer, table);
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
	if (joins_owner(writer, conversation))
		conversation->is_new = false;
	else
	{
		conversation->id = make_id(writer, TARGET_CONVERSATIONS,
								   &(Identity){.kind = IDENTITY_CONVERSATION,
											   .migration = plan->name,
											   .key = row->key,
											   .time = row->time});
		entitle(writer, conversation, split->messages[0].content);
		writer->metadata = chatmig_session_metadata(
			plan->mapping, conversation->group.session);
		writer->owner_created_at = row->owner_created_at;
		writer->owner_updated_at = row->owner_updated_at;
		writer->counts->conversations++;
		if (writer->seen_owners != NULL)
			(void) see_owner(writer, conversation->group.owner, HASH_ENTER);
	}
	MemoryContextSwitchTo(old);
}

void
chatmig_write_row(Writer *writer, Conversation *conversation,
				  const LegacyRow *row, SplitRow *split)
{
	Value medium = {.isnull = true};
	Value reply_to = {.isnull = true};

	writer->key = row->key;
	writer->conversation = conversation;
	/* split has decided whether there is one, and that it is the first's */
	if (split->messages[0].has_media && writer->plan->has_media)
		medium = write_medium(writer, row);
	if (conversation->make_room && writer->mode != WRITE_NOTHING)
	{
		flush(writer);
		chatmig_place_before(writer->plan, conversation->id,
							 split->messages[0].position, split->nmessages);
	}
	for (int i = 0; i < split->nmessages; i++)
	{
		Message *message = &split->messages[i];

		message->id = writer->plan->in_place
						  ? row->keys[0]
						  : make_id(writer, TARGET_MESSAGES,
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
	if (row->summarizes && writer->plan->has_media)
		chatmig_media_summarize(&writer->media, row->media_name,
								split->messages[0].content);
	writer->counts->messages += split->nmessages;
	writer->counts->migrated++;
}

void
chatmig_write_close(Writer *writer, Conversation *conversation)
{
	write_media(writer, conversation);
	if (writer->mode == WRITE_NOTHING || conversation->new_messages == 0)
		return;
	if (conversation->is_new && writer->plan->options.owner_times)
	{
		conversation->created_at = writer->owner_created_at;
		conversation->updated_at = writer->owner_updated_at;
	}
	if (!conversation->is_new && writer->plan->uses[TARGET_CONVERSATIONS])
		widen_conversation(writer, conversation);
	else if (conversation->is_new && writer->plan->uses[TARGET_CONVERSATIONS])
		write_conversation(writer, conversation);
	/* only now: a message's conversation must be written before it */
	if (writer->mode == WRITE_INSERT &&
		chatmig_insert_waiting(writer->insert[TARGET_MESSAGES]) >=
			MAX_WAITING_MESSAGES)
		flush(writer);
}

void
chatmig_write_flush(Writer *writer)
{
	if (writer->mode == WRITE_INSERT)
		flush(writer);
	for (TargetTable table = 0; table < TARGET_LINKS; table++)
		if (writer->bulk[table])
			chatmig_bulk_flush(writer->bulk[table]);
}

/* What follows from the owner must not follow from a row that comes later. */
void
chatmig_write_owner(Writer *writer, const LegacyRow *row)
{
	const MigrationPlan *plan = writer->plan;
	Conversation conversation = {.is_new = true,
								 .group.owner = row->group.owner,
								 .created_at = row->owner_created_at,
								 .updated_at = row->owner_updated_at};
	const Value nothing = {.isnull = true};
	FormedRow formed;

	if (writer->seen_owners != NULL &&
		see_owner(writer, row->group.owner, HASH_FIND))
		return;
	conversation.group.counterpart = conversation.group.session = nothing;
	conversation.id = make_id(writer, TARGET_CONVERSATIONS,
							  &(Identity){.kind = IDENTITY_OWNER,
										  .migration = plan->name,
										  .key = row->key,
										  .time = row->owner_created_at});
	entitle(writer, &conversation, nothing);
	writer->metadata = nothing;
	writer->key = row->key;
	write_conversation(writer, &conversation);
	form(&formed);
	formed.values[FIELD_OWNER] = row->group.owner;
	set(&formed, FIELD_CONVERSATION, conversation.id);
	put(writer, TARGET_OWNERS, &formed);
	writer->counts->conversations++;
}

void
chatmig_write_end(Writer *writer)
{
	if (writer->mode == WRITE_INSERT)
		flush(writer);
	for (TargetTable table = 0; table < TARGET_LINKS; table++)
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

/* An owner without messages was given one by an earlier run. */
static bool
joins_owner(const Writer *writer, Conversation *conversation)
{
	const MigrationPlan *plan = writer->plan;
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	QueryArgs args = {0};
	bool isnull;
	Datum found;

	if (!plan->uses[TARGET_OWNERS] || !plan->migrated ||
		conversation->group.owner.isnull)
		return false;
	chatmig_query_arg(&args, owner->type, conversation->group.owner.datum,
					  false);
	PushActiveSnapshot(GetTransactionSnapshot());
	found =
		chatmig_query_value(psprintf("SELECT r.conversation_id FROM %s AS r "
									 "WHERE r.owner %s $1",
									 plan->qualified[TARGET_OWNERS],
									 chatmig_plan_equality(owner->type)),
							&args, &isnull);
	PopActiveSnapshot();
	if (!isnull)
		conversation->id = found;
	return !isnull;
}

/* Whether an owner's hash was there already. */
static bool
see_owner(const Writer *writer, Value owner, HASHACTION action)
{
	Oid output;
	bool is_varlena;
	bool found;
	char *text = "";
	uint64 hash;

	getTypeOutputInfo(writer->plan->mapping->parts[PART_OWNER].type, &output,
					  &is_varlena);
	if (!owner.isnull)
		text = OidOutputFunctionCall(output, owner.datum);
	hash = hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
	(void) hash_search(writer->seen_owners, &hash, action, &found);
	return found;
}

static void
entitle(const Writer *writer, Conversation *conversation, Value first_message)
{
	const MigrationPlan *plan = writer->plan;
	const Column *fields = plan->fields[TARGET_CONVERSATIONS];

	conversation->title =
		chatmig_title_fill(plan->mapping,
						   conversation->group.counterpart.isnull
							   ? plan->options.title_without_counterpart
							   : plan->options.title,
						   &conversation->group, first_message);
	conversation->description =
		chatmig_title_fill(plan->mapping, plan->options.description,
						   &conversation->group, first_message);
	if (fields != NULL)
	{
		chatmig_title_clip(&conversation->title, &fields[FIELD_TITLE]);
		chatmig_title_clip(&conversation->description,
						   &fields[FIELD_DESCRIPTION]);
	}
}

static void
open_table(Writer *writer, TargetTable table)
{
	const MigrationPlan *plan = writer->plan;
	TargetColumns *columns = &writer->columns[table];
	TupleDesc desc;

	chatmig_columns_list(plan, table, columns);
	if (writer->mode == WRITE_BULK)
		writer->bulk[table] = chatmig_bulk_begin(plan->tables[table]);
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

/* Allocated in the current memory context. */
static Datum
make_id(Writer *writer, TargetTable table, const Identity *identity)
{
	const Oid type = writer->plan->id_types[table];
	Datum uuid;

	if (type == INT8OID || type == INT4OID)
	{
		int64 id = OidIsValid(writer->sequence[table])
					   ? chatmig_sequence_next(writer->sequence[table])
					   : writer->next_id[table]++;

		return type == INT8OID ? Int64GetDatum(id) : Int32GetDatum((int32) id);
	}
	uuid = chatmig_identity_uuid(identity);
	if (type == UUIDOID)
		return uuid;
	return CStringGetTextDatum(
		DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
}

/* Returns the medium's id. It waits for a row that says what is in it. */
static Value
write_medium(Writer *writer, const LegacyRow *row)
{
	Value id = {.isnull = false};

	id.datum = make_id(writer, TARGET_MEDIA,
					   &(Identity){.kind = IDENTITY_MEDIUM,
								   .migration = writer->plan->name,
								   .key = row->key,
								   .part = 1,
								   .time = row->time});
	chatmig_media_wait(&writer->media, writer->plan->id_types[TARGET_MEDIA], id,
					   row);
	writer->counts->media++;
	return id;
}

/* Those of the open conversation. */
static void
write_media(Writer *writer, const Conversation *conversation)
{
	for (int i = 0; i < writer->media.n; i++)
	{
		const Medium *medium = &writer->media.list[i];
		FormedRow formed;

		form(&formed);
		formed.values[FIELD_ID] = medium->id;
		formed.values[FIELD_OWNER] = conversation->group.owner;
		formed.values[FIELD_URL] = medium->url;
		formed.values[FIELD_TYPE] = medium->type;
		formed.values[FIELD_SUMMARY] = medium->summary;
		formed.values[FIELD_CREATED_AT] = medium->created_at;
		put(writer, TARGET_MEDIA, &formed);
	}
	chatmig_media_reset(&writer->media);
}

static void
write_message(Writer *writer, const Conversation *conversation,
			  const Message *message, Value medium, Value reply_to)
{
	FormedRow formed;

	form(&formed);
	set(&formed, FIELD_ID, message->id);
	set(&formed, FIELD_CONVERSATION, conversation->id);
	set(&formed, FIELD_POSITION, Int32GetDatum(message->position));
	set(&formed, FIELD_ROLE, writer->role_values[message->role]);
	set_group(&formed, &conversation->group);
	formed.values[FIELD_CONTENT] = message->content;
	formed.values[FIELD_MODEL] = message->model;
	formed.values[FIELD_TOKENS] = message->tokens;
	formed.values[FIELD_METADATA] = message->metadata;
	if (message->has_media)
		formed.values[FIELD_MEDIA] = medium;
	if (message->replies)
		formed.values[FIELD_REPLY_TO] = reply_to;
	formed.values[FIELD_CREATED_AT] = message->time;
	put(writer, TARGET_MESSAGES, &formed);
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
	form(&formed);
	for (int i = 0; i < writer->plan->mapping->nkeys; i++)
		set(&formed, FIELD_KEY + i, row->keys[i]);
	set(&formed, FIELD_FINGERPRINT, Int64GetDatum(row->fingerprint));
	set(&formed, FIELD_CONVERSATION, conversation->id);
	set(&formed, FIELD_MESSAGES,
		PointerGetDatum(construct_md_array(
			ids, nulls, 1, dims, lower_bounds,
			writer->plan->id_types[TARGET_MESSAGES], writer->id_length,
			writer->id_by_value, writer->id_align)));
	formed.values[FIELD_MEDIA] = medium;
	if (writer->plan->has_leftovers)
		formed.values[FIELD_METADATA] =
			chatmig_leftover_make(writer->plan, row, split);
	put(writer, TARGET_TRACE, &formed);
}

static void
write_conversation(Writer *writer, const Conversation *conversation)
{
	FormedRow formed;

	form(&formed);
	set(&formed, FIELD_ID, conversation->id);
	set_group(&formed, &conversation->group);
	formed.values[FIELD_TITLE] = conversation->title;
	formed.values[FIELD_DESCRIPTION] = conversation->description;
	set(&formed, FIELD_IS_ACTIVE, BoolGetDatum(true));
	formed.values[FIELD_METADATA] = writer->metadata;
	formed.values[FIELD_CREATED_AT] = conversation->created_at;
	formed.values[FIELD_UPDATED_AT] = conversation->updated_at;
	put(writer, TARGET_CONVERSATIONS, &formed);
}

/* An existing conversation begins earlier, or ends later, than it did. */
static void
widen_conversation(Writer *writer, const Conversation *conversation)
{
	const MigrationPlan *plan = writer->plan;
	const TargetTable table = TARGET_CONVERSATIONS;
	const char *created =
		chatmig_relation_column(plan, table, FIELD_CREATED_AT);
	const char *updated =
		chatmig_relation_column(plan, table, FIELD_UPDATED_AT);

	if (plan->options.owner_times)
		return;
	if (created != NULL)
		widen(writer, conversation, FIELD_CREATED_AT, created, "<",
			  conversation->created_at);
	if (updated != NULL)
		widen(writer, conversation, FIELD_UPDATED_AT, updated, ">",
			  conversation->updated_at);
}

static void
widen(Writer *writer, const Conversation *conversation, Field field,
	  const char *column, const char *beyond, Value time)
{
	const MigrationPlan *plan = writer->plan;
	const TargetTable table = TARGET_CONVERSATIONS;
	char *value = chatmig_relation_time(plan, table, field, "$2");
	QueryArgs args = {0};

	if (time.isnull)
		return;
	chatmig_query_arg(&args, plan->id_types[table], conversation->id, false);
	chatmig_query_arg(&args, TIMESTAMPTZOID, time.datum, false);
	(void) chatmig_query_run(
		psprintf(
			"UPDATE %s SET %s = %s WHERE %s = $1 AND (%s %s %s) IS NOT FALSE",
			plan->qualified[table], column, value,
			chatmig_relation_column(plan, table, FIELD_ID), value, beyond,
			column),
		&args);
}

/* All NULL. */
static void
form(FormedRow *formed)
{
	for (int i = 0; i < NUM_FIELDS; i++)
		formed->values[i] = (Value){.isnull = true};
}

static void
set(FormedRow *formed, Field field, Datum datum)
{
	formed->values[field] = (Value){.datum = datum};
}

static void
set_group(FormedRow *formed, const GroupKey *group)
{
	formed->values[FIELD_OWNER] = group->owner;
	formed->values[FIELD_COUNTERPART] = group->counterpart;
	formed->values[FIELD_SESSION] = group->session;
}

static void
put(Writer *writer, TargetTable table, const FormedRow *formed)
{
	const TargetColumns *columns = &writer->columns[table];
	Datum values[MAX_TARGET_COLUMNS];
	bool nulls[MAX_TARGET_COLUMNS];

	for (int i = 0; i < columns->n; i++)
	{
		const Value *value = &formed->values[columns->columns[i].field];

		values[i] = value->datum;
		nulls[i] = value->isnull;
	}
	if (writer->bulk[table])
		chatmig_bulk_put(writer->bulk[table], values, nulls);
	else if (writer->insert[table])
	{
		/* a conversation's rows wait already */
		if (table != TARGET_CONVERSATIONS)
			note_waiting(writer);
		chatmig_insert_put(writer->insert[table], values, nulls);
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
										TARGET_MESSAGES, TARGET_TRACE,
										TARGET_OWNERS};

	if (writer->media.n > 0)
		write_media(writer, writer->conversation);
	writer->flushing = true;
	for (int i = 0; i < lengthof(order); i++)
		if (writer->insert[order[i]])
			chatmig_insert_flush(writer->insert[order[i]]);
	writer->flushing = false;
	resetStringInfo(&writer->first_key);
	resetStringInfo(&writer->last_key);
}
