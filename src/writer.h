/*
 * writer.h
 *	  A writer at work: the tables, the open conversation, rows being formed.
 *
 * Only the write*.c files include this.
 */
#ifndef CHATMIG_WRITER_H
#define CHATMIG_WRITER_H

#include "lib/stringinfo.h"
#include "utils/hsearch.h"

#include "bulk.h"
#include "columns.h"
#include "identity.h"
#include "insert.h"
#include "media.h"
#include "plan.h"
#include "rows.h"
#include "send.h"
#include "write_mode.h"

struct Writer
{
	/* fixed */
	const MigrationPlan *plan;
	WriteMode mode;
	TargetColumns columns[NUM_TARGETS];
	Bulk *bulk[NUM_TARGETS]; /* one of the three for each table */
	Insert *insert[NUM_TARGETS];
	Sender *send[NUM_TARGETS];
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
	StringInfoData key; /* of the row that is being written */
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

/* An id for a row of the table. Allocated in the current memory context. */
extern Datum chatmig_writer_make_id(Writer *writer, TargetTable table,
									const Identity *identity);

/* Which row is being written, for error messages. */
extern void chatmig_writer_name(Writer *writer, const LegacyRow *row);

/* All NULL. */
extern void chatmig_writer_form(FormedRow *formed);
extern void chatmig_writer_set(FormedRow *formed, Field field, Datum datum);
extern void chatmig_writer_set_group(FormedRow *formed, const GroupKey *group);

/* Into the table, or to those that wait for it. */
extern void chatmig_writer_put(Writer *writer, TargetTable table,
							   const FormedRow *formed);

/* Returns the medium's id. It waits for a row that says what is in it. */
extern Value chatmig_writer_medium(Writer *writer, const LegacyRow *row);

/* Puts those of the open conversation. */
extern void chatmig_writer_media(Writer *writer,
								 const Conversation *conversation);

/* What waits, in the order that foreign keys ask for. */
extern void chatmig_writer_flush(Writer *writer);

#endif /* CHATMIG_WRITER_H */
