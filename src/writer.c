/*
 * writer.c
 *	  A writer at work: the tables, the open conversation, rows being formed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "relation.h"
#include "sequence.h"
#include "writer.h"

static void note_waiting(Writer *writer);

Datum
chatmig_writer_make_id(Writer *writer, TargetTable table,
					   const Identity *identity)
{
	const Oid type = writer->plan->id_types[table];
	Datum uuid;

	if (type == INT8OID || type == INT4OID)
	{
		int64 id = OidIsValid(writer->sequence[table])
					   ? chatmig_sequence_next(writer->sequence[table])
					   : writer->next_id[table]++;

		if (type == INT8OID)
			return Int64GetDatum(id);
		if (id < PG_INT32_MIN || id > PG_INT32_MAX)
			ereport(
				ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("no id is left for %s", writer->plan->qualified[table]),
				 errdetail("Its sequence gave %lld, and its ids are integers.",
						   (long long) id),
				 errhint(
					 "ALTER TABLE %s ALTER COLUMN %s TYPE bigint.",
					 writer->plan->qualified[table],
					 chatmig_relation_column(writer->plan, table, FIELD_ID))));
		return Int32GetDatum((int32) id);
	}
	uuid = chatmig_identity_uuid(identity);
	if (type == UUIDOID)
		return uuid;
	return CStringGetTextDatum(
		DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
}

/* A copy: what waits outlives the row. */
void
chatmig_writer_name(Writer *writer, const LegacyRow *row)
{
	if (writer->mode != WRITE_INSERT)
		return;
	resetStringInfo(&writer->key);
	appendStringInfoString(&writer->key, row->key);
}

void
chatmig_writer_form(FormedRow *formed)
{
	for (int i = 0; i < NUM_FIELDS; i++)
		formed->values[i] = (Value){.isnull = true};
}

void
chatmig_writer_set(FormedRow *formed, Field field, Datum datum)
{
	formed->values[field] = (Value){.datum = datum};
}

void
chatmig_writer_set_group(FormedRow *formed, const GroupKey *group)
{
	formed->values[FIELD_OWNER] = group->owner;
	formed->values[FIELD_COUNTERPART] = group->counterpart;
	formed->values[FIELD_SESSION] = group->session;
}

void
chatmig_writer_put(Writer *writer, TargetTable table, const FormedRow *formed)
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
	else if (writer->send[table])
		chatmig_send_put(writer->send[table], values, nulls);
	else if (writer->insert[table])
	{
		/* a conversation's rows wait already */
		if (table != TARGET_CONVERSATIONS)
			note_waiting(writer);
		chatmig_insert_put(writer->insert[table], values, nulls);
	}
}

Value
chatmig_writer_medium(Writer *writer, const LegacyRow *row)
{
	Value id = {.isnull = false};

	id.datum =
		chatmig_writer_make_id(writer, TARGET_MEDIA,
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

void
chatmig_writer_media(Writer *writer, const Conversation *conversation)
{
	for (int i = 0; i < writer->media.n; i++)
	{
		const Medium *medium = &writer->media.list[i];
		FormedRow formed;

		chatmig_writer_form(&formed);
		formed.values[FIELD_ID] = medium->id;
		formed.values[FIELD_OWNER] = conversation->group.owner;
		formed.values[FIELD_URL] = medium->url;
		formed.values[FIELD_TYPE] = medium->type;
		formed.values[FIELD_SUMMARY] = medium->summary;
		formed.values[FIELD_CREATED_AT] = medium->created_at;
		formed.values[FIELD_UPDATED_AT] = medium->created_at;
		chatmig_writer_put(writer, TARGET_MEDIA, &formed);
	}
	chatmig_media_reset(&writer->media);
}

void
chatmig_writer_flush(Writer *writer)
{
	static const TargetTable order[] = {TARGET_CONVERSATIONS, TARGET_MEDIA,
										TARGET_MESSAGES, TARGET_TRACE,
										TARGET_OWNERS};

	if (writer->media.n > 0)
		chatmig_writer_media(writer, writer->conversation);
	writer->flushing = true;
	for (int i = 0; i < lengthof(order); i++)
		if (writer->insert[order[i]])
			chatmig_insert_flush(writer->insert[order[i]]);
	writer->flushing = false;
	resetStringInfo(&writer->first_key);
	resetStringInfo(&writer->last_key);
}

static void
note_waiting(Writer *writer)
{
	if (writer->first_key.len == 0)
		appendStringInfoString(&writer->first_key, writer->key.data);
	resetStringInfo(&writer->last_key);
	appendStringInfoString(&writer->last_key, writer->key.data);
}
