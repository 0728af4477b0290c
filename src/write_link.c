/*
 * write_link.c
 *	  Rows of other tables get the conversation of their owner.
 *
 * In: a plan with links, and conversations that are written. Out: rows that
 * had no conversation have one, and the links' table says which rows these
 * were.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "keys.h"
#include "query.h"
#include "skip.h"
#include "write_conversation.h"
#include "write_link.h"

/* Rows that a run would link. */
typedef struct LinkCount
{
	const Writer *writer;
	int64 rows;
} LinkCount;

static char *has_made(const MigrationPlan *plan, const LinkTable *link);
static char *is_owner(const MigrationPlan *plan, const LinkTable *link,
					  const char *owner);
static bool count_owner(TupleTableSlot *slot, void *arg);

int64
chatmig_write_links(const MigrationPlan *plan)
{
	const char *owner;
	int64 made = 0;
	ListCell *lc;

	if (plan->links == NIL)
		return 0;
	owner = quote_identifier(plan->owner_column);
	foreach(lc, plan->links)
	{
		const LinkTable *link = lfirst(lc);

		made += chatmig_query_run(
			psprintf("WITH chosen AS MATERIALIZED (SELECT DISTINCT ON (c.%s) "
					 "c.%s AS owner, c.id FROM %s AS c WHERE c.%s IS NOT NULL "
					 "AND c.id IN (%s) "
					 "ORDER BY c.%s, c.updated_at DESC NULLS LAST, c.id DESC), "
					 "linked AS (UPDATE %s AS o SET %s = h.id FROM chosen AS h "
					 "WHERE %s AND o.%s IS NULL "
					 "RETURNING %s AS row_key, h.id) "
					 "INSERT INTO %s (link_table, row_key, conversation_id) "
					 "SELECT %u::regclass, l.row_key, l.id FROM linked AS l "
					 "ON CONFLICT (link_table, row_key) DO UPDATE "
					 "SET conversation_id = excluded.conversation_id",
					 owner, owner, plan->relation[TARGET_CONVERSATIONS], owner,
					 chatmig_skip_made(plan), owner, link->qualified,
					 quote_identifier(link->conversation.name),
					 is_owner(plan, link, "h.owner"),
					 quote_identifier(link->conversation.name), link->key,
					 plan->qualified[TARGET_LINKS], link->relid),
			NULL);
	}
	return made;
}

int64
chatmig_write_count_links(const MigrationPlan *plan, const Writer *writer)
{
	LinkCount count = {.writer = writer};
	ListCell *lc;

	foreach(lc, plan->links)
	{
		const LinkTable *link = lfirst(lc);

		chatmig_query_stream(
			psprintf("SELECT format('%%s', o.%s), count(*), %s FROM %s AS o "
					 "WHERE o.%s IS NULL AND o.%s IS NOT NULL GROUP BY o.%s",
					 quote_identifier(link->owner.name), has_made(plan, link),
					 link->qualified, quote_identifier(link->conversation.name),
					 quote_identifier(link->owner.name),
					 quote_identifier(link->owner.name)),
			NULL, false, NULL, count_owner, &count);
	}
	return count.rows;
}

/* SQL: the owner of o has a conversation of an earlier run. */
static char *
has_made(const MigrationPlan *plan, const LinkTable *link)
{
	if (!plan->migrated)
		return pstrdup("false");
	return psprintf(
		"EXISTS (SELECT FROM %s AS c WHERE %s AND c.id IN (%s))",
		plan->relation[TARGET_CONVERSATIONS],
		is_owner(plan, link,
				 psprintf("c.%s", quote_identifier(plan->owner_column))),
		chatmig_skip_made(plan));
}

/* SQL: o is a row of that owner. */
static char *
is_owner(const MigrationPlan *plan, const LinkTable *link, const char *owner)
{
	return chatmig_keys_equal(
		psprintf("o.%s", quote_identifier(link->owner.name)), link->owner.type,
		owner, plan->mapping->parts[PART_OWNER].type);
}

static bool
count_owner(TupleTableSlot *slot, void *arg)
{
	LinkCount *count = arg;

	slot_getallattrs(slot);
	if (DatumGetBool(slot->tts_values[2]) ||
		chatmig_write_conversation_seen(
			count->writer, TextDatumGetCString(slot->tts_values[0])))
		count->rows += DatumGetInt64(slot->tts_values[1]);
	return true;
}
