/*
 * write_conversation.c
 *	  Rows of the conversations' table.
 *
 * In: conversations that group opened, and owners who have none. Out: their
 * rows, with titles from the options' templates.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "query.h"
#include "relation.h"
#include "session.h"
#include "title.h"
#include "write_conversation.h"

/* A seed, so that no value has the hash of another's text. */
#define HASH_OF_VALUES 1618033988

static bool joins_owner(const Writer *writer, Conversation *conversation);
static bool see_owner(const Writer *writer, Value owner, HASHACTION action);
static uint64 owner_hash(const char *owner);
static void entitle(const Writer *writer, Conversation *conversation,
					Value first_message);
static void widen(Writer *writer, const Conversation *conversation, Field field,
				  const char *column, const char *beyond, Value time);

void
chatmig_write_conversation_begin(Writer *writer, Conversation *conversation,
								 const LegacyRow *row, Value first_message)
{
	const MigrationPlan *plan = writer->plan;

	if (joins_owner(writer, conversation))
		conversation->is_new = false;
	else
	{
		conversation->id =
			chatmig_writer_make_id(writer, TARGET_CONVERSATIONS,
								   &(Identity){.kind = IDENTITY_CONVERSATION,
											   .migration = plan->name,
											   .key = row->key,
											   .time = row->time});
		entitle(writer, conversation, first_message);
		writer->metadata = chatmig_session_metadata(
			plan->mapping, conversation->group.session);
		writer->owner_created_at = row->owner_created_at;
		writer->owner_updated_at = row->owner_updated_at;
		writer->counts->conversations++;
		if (writer->seen_owners != NULL)
			(void) see_owner(writer, conversation->group.owner, HASH_ENTER);
	}
}

/* What follows from the owner must not follow from a row that comes later. */
void
chatmig_write_conversation_empty(Writer *writer, const LegacyRow *row)
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
	conversation.id =
		chatmig_writer_make_id(writer, TARGET_CONVERSATIONS,
							   &(Identity){.kind = IDENTITY_OWNER,
										   .migration = plan->name,
										   .key = row->key,
										   .time = row->owner_created_at});
	entitle(writer, &conversation, nothing);
	writer->metadata = nothing;
	chatmig_writer_name(writer, row);
	if (writer->seen_owners != NULL)
		(void) see_owner(writer, row->group.owner, HASH_ENTER);
	chatmig_write_conversation_row(writer, &conversation);
	chatmig_writer_form(&formed);
	formed.values[FIELD_OWNER] = row->group.owner;
	chatmig_writer_set(&formed, FIELD_CONVERSATION, conversation.id);
	chatmig_writer_put(writer, TARGET_OWNERS, &formed);
	writer->counts->conversations++;
}

void
chatmig_write_conversation_forget(const MigrationPlan *plan)
{
	(void) chatmig_query_run(
		psprintf("DELETE FROM %s AS r WHERE NOT EXISTS (SELECT FROM %s AS c "
				 "WHERE c.id = r.conversation_id)",
				 plan->qualified[TARGET_OWNERS],
				 plan->relation[TARGET_CONVERSATIONS]),
		NULL);
}

void
chatmig_write_conversation_row(Writer *writer, const Conversation *conversation)
{
	FormedRow formed;

	chatmig_writer_form(&formed);
	chatmig_writer_set(&formed, FIELD_ID, conversation->id);
	chatmig_writer_set_group(&formed, &conversation->group);
	formed.values[FIELD_TITLE] = conversation->title;
	formed.values[FIELD_DESCRIPTION] = conversation->description;
	chatmig_writer_set(&formed, FIELD_IS_ACTIVE, BoolGetDatum(true));
	formed.values[FIELD_METADATA] = writer->metadata;
	formed.values[FIELD_CREATED_AT] = conversation->created_at;
	formed.values[FIELD_UPDATED_AT] = conversation->updated_at;
	chatmig_writer_put(writer, TARGET_CONVERSATIONS, &formed);
}

void
chatmig_write_conversation_widen(Writer *writer,
								 const Conversation *conversation)
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

bool
chatmig_write_conversation_seen(const Writer *writer, const char *owner)
{
	uint64 hash = owner_hash(owner);
	bool found;

	(void) hash_search(writer->seen_owners, &hash, HASH_FIND, &found);
	return found;
}

/*
 * An owner without messages was given one by an earlier run. It is of no
 * counterpart and no session, and groups never mix.
 */
static bool
joins_owner(const Writer *writer, Conversation *conversation)
{
	const MigrationPlan *plan = writer->plan;
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	QueryArgs args = {0};
	bool isnull;
	Datum found;

	if (!plan->uses[TARGET_OWNERS] || !plan->migrated ||
		conversation->group.owner.isnull ||
		!conversation->group.counterpart.isnull ||
		!conversation->group.session.isnull)
		return false;
	chatmig_query_arg(&args, owner->type, conversation->group.owner.datum,
					  false);
	PushActiveSnapshot(GetTransactionSnapshot());
	found =
		chatmig_query_value(psprintf("SELECT r.conversation_id FROM %s AS r "
									 "JOIN %s AS c ON c.id = r.conversation_id "
									 "WHERE r.owner %s $1",
									 plan->qualified[TARGET_OWNERS],
									 plan->relation[TARGET_CONVERSATIONS],
									 chatmig_plan_equality(owner->type)),
							&args, &isnull);
	PopActiveSnapshot();
	if (!isnull)
		conversation->id = found;
	return !isnull;
}

/*
 * Whether an owner was there already. Owners that are equal have one hash,
 * however they are spelled; what is entered can be found by its text, too.
 */
static bool
see_owner(const Writer *writer, Value owner, HASHACTION action)
{
	const Column *column = &writer->plan->mapping->parts[PART_OWNER];
	const TypeCacheEntry *type;
	Oid output;
	bool is_varlena;
	bool found;
	uint64 by_text = 0;
	uint64 by_value = 0;

	/* without an owner, all are guests */
	if (!HAS_PART(writer->plan->mapping, PART_OWNER))
		return false;
	if (!owner.isnull)
	{
		getTypeOutputInfo(column->type, &output, &is_varlena);
		by_text = by_value =
			owner_hash(OidOutputFunctionCall(output, owner.datum));
		type = lookup_type_cache(column->type, TYPECACHE_HASH_EXTENDED_PROC);
		if (OidIsValid(type->hash_extended_proc))
			by_value = DatumGetUInt64(OidFunctionCall2Coll(
				type->hash_extended_proc, column->collation, owner.datum,
				UInt64GetDatum(HASH_OF_VALUES)));
	}
	if (action == HASH_ENTER)
		(void) hash_search(writer->seen_owners, &by_text, action, &found);
	(void) hash_search(writer->seen_owners, &by_value, action, &found);
	return found;
}

static uint64
owner_hash(const char *owner)
{
	return hash_bytes_extended((const unsigned char *) owner, strlen(owner), 0);
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
