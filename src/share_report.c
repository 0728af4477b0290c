/*
 * share_report.c
 *	  What a parallel worker says of its shares, once all their rows are sent.
 *
 * In: counts and rejects. Out: the same, added up, in another process. A
 * message begins with its kind; numbers are as in memory, strings end with a
 * zero byte.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "send.h"
#include "share_report.h"

#define KIND_COUNTS 'c'
#define KIND_SUMMARY 's'
#define KIND_REJECT 'r'

/* A message being read. */
typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

static void send_counts(SendQueue *queue, const MigrateResult *result);
static void send_summary(SendQueue *queue, const RejectSummary *summary);
static void send_reject(SendQueue *queue, const Reject *reject);
static StringInfoData begin(char kind);
static void finish(SendQueue *queue, StringInfo message);
static void put(StringInfo message, const void *value, Size length);
static void put_string(StringInfo message, const char *string);
static void add_counts(Reader *reader, MigrateResult *result);
static void add_summary(Reader *reader, MigrateResult *result);
static Reject *read_reject(Reader *reader);
static void get(Reader *reader, void *value, Size length);
static char *get_string(Reader *reader);

void
chatmig_share_report_send(SendQueue *queue, const MigrateResult *result,
						  const List *rejects)
{
	ListCell *lc;

	send_counts(queue, result);
	foreach(lc, result->rejects)
		send_summary(queue, lfirst(lc));
	foreach(lc, rejects)
		send_reject(queue, lfirst(lc));
}

void
chatmig_share_report_add(const void *message, Size length, int64 max_rejects,
						 MigrateResult *result, List **rejects)
{
	Reader reader = {.at = message, .end = (const char *) message + length};
	char kind;

	get(&reader, &kind, sizeof(kind));
	switch (kind)
	{
		case KIND_COUNTS:
			add_counts(&reader, result);
			break;
		case KIND_SUMMARY:
			add_summary(&reader, result);
			break;
		case KIND_REJECT:
			if (list_length(*rejects) < max_rejects)
				*rejects = lappend(*rejects, read_reject(&reader));
			break;
		default:
			elog(ERROR, "report of a parallel worker has a message of kind %d",
				 kind);
	}
}

static void
send_counts(SendQueue *queue, const MigrateResult *result)
{
	StringInfoData message = begin(KIND_COUNTS);

	put(&message, &result->counts, sizeof(result->counts));
	put(&message, &result->nrejects, sizeof(result->nrejects));
	put(&message, &result->content_bytes, sizeof(result->content_bytes));
	finish(queue, &message);
}

static void
send_summary(SendQueue *queue, const RejectSummary *summary)
{
	StringInfoData message = begin(KIND_SUMMARY);

	put(&message, &summary->number, sizeof(summary->number));
	put_string(&message, summary->code);
	put_string(&message, summary->first_key);
	put_string(&message, summary->first_reason);
	finish(queue, &message);
}

static void
send_reject(SendQueue *queue, const Reject *reject)
{
	StringInfoData message = begin(KIND_REJECT);

	put(&message, &reject->part, sizeof(reject->part));
	put(&message, &reject->partial, sizeof(reject->partial));
	put_string(&message, reject->key);
	put_string(&message, reject->code);
	put_string(&message, reject->reason);
	if (reject->message != NULL)
		put(&message, reject->message, VARSIZE(reject->message));
	finish(queue, &message);
}

static StringInfoData
begin(char kind)
{
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfoChar(&message, kind);
	return message;
}

static void
finish(SendQueue *queue, StringInfo message)
{
	chatmig_send(queue, SHARE_REPORT, message->data, message->len);
	pfree(message->data);
}

static void
put(StringInfo message, const void *value, Size length)
{
	appendBinaryStringInfo(message, value, length);
}

static void
put_string(StringInfo message, const char *string)
{
	put(message, string, strlen(string) + 1);
}

static void
add_counts(Reader *reader, MigrateResult *result)
{
	RunCounts *sum = &result->counts;
	RunCounts counts;
	int64 nrejects;
	int64 content_bytes;

	get(reader, &counts, sizeof(counts));
	get(reader, &nrejects, sizeof(nrejects));
	get(reader, &content_bytes, sizeof(content_bytes));
	sum->legacy_rows += counts.legacy_rows;
	sum->already += counts.already;
	sum->skipped += counts.skipped;
	sum->migrated += counts.migrated;
	sum->empty += counts.empty;
	sum->rejected += counts.rejected;
	sum->conversations += counts.conversations;
	sum->messages += counts.messages;
	sum->media += counts.media;
	sum->links += counts.links;
	result->nrejects += nrejects;
	result->content_bytes += content_bytes;
}

static void
add_summary(Reader *reader, MigrateResult *result)
{
	RejectSummary *found = palloc0(sizeof(RejectSummary));
	ListCell *lc;

	get(reader, &found->number, sizeof(found->number));
	found->code = get_string(reader);
	found->first_key = get_string(reader);
	found->first_reason = get_string(reader);
	foreach(lc, result->rejects)
	{
		RejectSummary *summary = lfirst(lc);

		if (strcmp(summary->code, found->code) == 0)
		{
			summary->number += found->number;
			return;
		}
	}
	result->rejects = lappend(result->rejects, found);
}

static Reject *
read_reject(Reader *reader)
{
	Reject *reject = palloc0(sizeof(Reject));
	Size rest;

	get(reader, &reject->part, sizeof(reject->part));
	get(reader, &reject->partial, sizeof(reject->partial));
	reject->key = get_string(reader);
	reject->code = get_string(reader);
	reject->reason = get_string(reader);
	rest = reader->end - reader->at;
	if (rest > 0)
	{
		reject->message = palloc(rest);
		get(reader, reject->message, rest);
	}
	return reject;
}

static void
get(Reader *reader, void *value, Size length)
{
	if ((Size) (reader->end - reader->at) < length)
		elog(ERROR, "report of a parallel worker ends too early");
	memcpy(value, reader->at, length);
	reader->at += length;
}

/* A copy. */
static char *
get_string(Reader *reader)
{
	Size length = strnlen(reader->at, reader->end - reader->at) + 1;
	char *string = palloc(length);

	get(reader, string, length);
	return string;
}
