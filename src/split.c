/*
 * split.c
 *	  legacy row --split--> the messages in it
 *
 * In: one legacy row. Out: its messages in order, or a reject code and a
 * reason, or nothing for a row that holds no message. A half is empty if it is
 * NULL or ''; anything else, white space too, is a message, byte for byte.
 * Transcripts are for split_transcript.c.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "split.h"
#include "split_transcript.h"

static bool is_empty(Value content);
static void split_pair(const LegacyRow *row, bool has_media, SplitRow *split);
static void split_flat(const Mapping *mapping, const LegacyRow *row,
					   bool has_media, SplitRow *split);
static void begin(SplitRow *split, int nparts);
static Message *add_message(SplitRow *split, const LegacyRow *row, int part,
							Role role, Value content);
static void reject_row(SplitRow *split, const char *code, char *reason);

void
chatmig_split_row(const MigrationPlan *plan, const LegacyRow *row,
				  SplitRow *split)
{
	const Mapping *mapping = plan->mapping;
	/* of a medium that metadata describe, the URL may not be known */
	bool has_media = mapping->media_in_metadata ? !row->media_url.isnull
												: !is_empty(row->media_url);

	if (mapping->shape == SHAPE_PAIR)
		split_pair(row, has_media, split);
	else if (mapping->shape == SHAPE_FLAT)
		split_flat(mapping, row, has_media, split);
	else
		chatmig_split_transcript(plan, row, split);

	/* a row without a message has nothing that a bad time could spoil */
	if (row->time_invalid && split->nmessages > 0)
		reject_row(
			split, "invalid_time",
			psprintf(
				"The time in column \"%s\" cannot be read, or is out of range.",
				mapping->parts[PART_TIME].name));
}

/* Toasted values are longer than nothing, and are not fetched for this. */
static bool
is_empty(Value content)
{
	struct varlena *datum;

	if (content.isnull)
		return true;
	datum = (struct varlena *) DatumGetPointer(content.datum);
	return !VARATT_IS_EXTERNAL(datum) && !VARATT_IS_COMPRESSED(datum) &&
		   VARSIZE_ANY_EXHDR(datum) == 0;
}

/* A medium without a question makes the question's message, without words. */
static void
split_pair(const LegacyRow *row, bool has_media, SplitRow *split)
{
	begin(split, 2);
	if (!is_empty(row->contents[0]) || has_media)
		add_message(split, row, 1, ROLE_USER, row->contents[0])->has_media =
			has_media;
	if (!is_empty(row->contents[1]))
	{
		bool replies = split->nmessages > 0;

		add_message(split, row, 2, ROLE_ASSISTANT, row->contents[1])->replies =
			replies;
	}
	/* the last: they are the answer's, if there is one */
	if (split->nmessages > 0)
		split->messages[split->nmessages - 1].tokens = row->tokens;
}

static void
split_flat(const Mapping *mapping, const LegacyRow *row, bool has_media,
		   SplitRow *split)
{
	Role role;

	begin(split, 1);
	if (is_empty(row->contents[0]) && !has_media)
		return;
	if (row->role == NULL)
		reject_row(
			split, "missing_role",
			psprintf("Column \"%s\" is NULL.", mapping->parts[PART_ROLE].name));
	else if (!chatmig_role_find(mapping->spellings, mapping->nspellings,
								row->role, &role))
		reject_row(
			split, "unknown_role",
			psprintf(
				"Column \"%s\" is \"%s\"; say in mapping what it means: {\"roles\": {\"%s\": \"user\"}}.",
				mapping->parts[PART_ROLE].name, row->role, row->role));
	else
	{
		Message *message = add_message(split, row, 1, role, row->contents[0]);

		message->tokens = row->tokens;
		message->has_media = has_media;
	}
}

static void
begin(SplitRow *split, int nparts)
{
	split->nparts = nparts;
	split->nmessages = 0;
	split->messages = palloc(sizeof(Message) * nparts);
	split->rejects = NIL;
}

/* With all that the row says of each of its messages, but for the tokens. */
static Message *
add_message(SplitRow *split, const LegacyRow *row, int part, Role role,
			Value content)
{
	Message *message = &split->messages[split->nmessages++];

	MemSet(message, 0, sizeof(Message));
	message->part = part;
	message->role = role;
	message->content = content;
	message->time = row->time;
	message->model = row->model;
	message->tokens.isnull = true;
	message->metadata = row->metadata;
	return message;
}

static void
reject_row(SplitRow *split, const char *code, char *reason)
{
	SplitReject *reject = palloc(sizeof(SplitReject));

	*reject = (SplitReject){.part = 0, .code = code, .reason = reason};
	split->nmessages = 0;
	split->rejects = list_make1(reject);
}
