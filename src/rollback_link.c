/*
 * rollback_link.c
 *	  Rows of other tables that a migration linked to its conversations.
 *
 * In: the links' table, which remembers each such row by its primary key. Out:
 * those rows without a conversation, as they were. A table that has been
 * dropped since, or has lost its column, has nothing to be taken back.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "caller.h"
#include "keys.h"
#include "query.h"
#include "rollback_find.h"
#include "rollback_link.h"

static Oid find_renamed(const Rollback *rollback, const DestinationLink *link);
static Oid find_table(const Rollback *rollback, const DestinationLink *link);
static void refuse_dangling(const Rollback *rollback, const char *table,
							const DestinationLink *link);
static char *is_remembered(const Rollback *rollback, Oid table,
						   const char *conversation);

char *
chatmig_rollback_is_linked(const Rollback *rollback, Oid table)
{
	ListCell *lc;

	foreach(lc, rollback->links)
	{
		const DestinationLink *link = lfirst(lc);

		if (find_table(rollback, link) == table)
			return is_remembered(rollback, table, link->conversation);
	}
	return "false";
}

List *
chatmig_rollback_linked(const Rollback *rollback)
{
	List *relids = NIL;
	RoleState role;
	ListCell *lc;

	if (rollback->tables[TARGET_LINKS] == NULL)
		return NIL;
	chatmig_caller_become(&role, rollback->trace_owner);
	foreach(lc, rollback->links)
	{
		Oid table = find_table(rollback, lfirst(lc));

		if (OidIsValid(table))
			relids = lappend_oid(relids, table);
	}
	chatmig_caller_resume(&role);
	return relids;
}

int64
chatmig_rollback_unlink(const Rollback *rollback)
{
	int64 reset = 0;
	ListCell *lc;

	if (rollback->tables[TARGET_LINKS] == NULL)
		return 0;
	foreach(lc, rollback->links)
	{
		const DestinationLink *link = lfirst(lc);
		RoleState role;
		Oid table;
		char *name;
		char *condition;

		/* reading the links, too: their table is that role's, types and all */
		chatmig_caller_become(&role, rollback->trace_owner);
		table = find_table(rollback, link);

		if (!OidIsValid(table))
		{
			chatmig_caller_resume(&role);
			continue;
		}
		name = quote_qualified_identifier(
			get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
		condition = is_remembered(rollback, table, link->conversation);
		reset += chatmig_query_run(
			rollback->dry_run
				? psprintf("SELECT FROM %s AS o WHERE %s", name, condition)
				: psprintf("UPDATE %s AS o SET %s = NULL WHERE %s", name,
						   quote_identifier(link->conversation), condition),
			NULL);
		if (!rollback->dry_run)
			refuse_dangling(rollback, name, link);
		chatmig_caller_resume(&role);
	}
	return reset;
}

/* Nothing may point to conversations that go, whoever has linked it. */
static void
refuse_dangling(const Rollback *rollback, const char *table,
				const DestinationLink *link)
{
	char *column = psprintf("o.%s", quote_identifier(link->conversation));
	Finding left;

	/* what has been reset is to be seen */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	left = chatmig_rollback_find(psprintf(
		"SELECT count(*), min(%s::text) FROM %s AS o WHERE %s", column, table,
		chatmig_rollback_is_migrated(rollback, TARGET_CONVERSATIONS, column)));
	PopActiveSnapshot();
	if (left.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" cannot be rolled back: rows of %s point "
					"to its conversations",
					rollback->name, table),
			 errdetail("It did not link these, or the table's primary key is "
					   "not what it was: " INT64_FORMAT
					   " rows, the first of them to %s.",
					   left.count, left.example),
			 errhint("UPDATE %s SET %s = NULL for these rows, and call "
					 "chatmig_rollback() again.",
					 table, quote_identifier(link->conversation))));
}

/*
 * A table whose rows were linked, which has the link's columns and not the
 * name of any link.
 */
static Oid
find_renamed(const Rollback *rollback, const DestinationLink *link)
{
	ListCell *lc;

	foreach(lc, chatmig_query_list(
					psprintf("SELECT DISTINCT l.link_table::oid FROM %s AS l",
							 rollback->tables[TARGET_LINKS]),
					NULL))
	{
		Oid table = atooid(lfirst(lc));
		char *name = get_rel_name(table);
		bool is_other = name == NULL;
		ListCell *other;

		foreach(other, rollback->links)
			is_other =
				is_other ||
				strcmp(((DestinationLink *) lfirst(other))->table, name) == 0;
		if (!is_other && get_attnum(table, link->owner) != InvalidAttrNumber &&
			get_attnum(table, link->conversation) != InvalidAttrNumber)
			return table;
	}
	return InvalidOid;
}

/* InvalidOid: there is nothing to look at. */
static Oid
find_table(const Rollback *rollback, const DestinationLink *link)
{
	Oid schema =
		link->schema
			? get_namespace_oid(link->schema, true)
			: get_rel_namespace(rollback->targets.tables[TARGET_LINKS]);
	Oid table = OidIsValid(schema) ? get_relname_relid(link->table, schema)
								   : InvalidOid;

	if (!OidIsValid(table))
		table = find_renamed(rollback, link);
	if (!OidIsValid(table) ||
		get_attnum(table, link->conversation) == InvalidAttrNumber)
		return InvalidOid;
	return table;
}

/* A condition on o, a row of the table. */
static char *
is_remembered(const Rollback *rollback, Oid table, const char *conversation)
{
	char *key = chatmig_keys_primary_text(table, "o");

	if (key == NULL)
		return pstrdup("false");
	return psprintf("EXISTS (SELECT FROM %s AS l WHERE l.link_table = %u "
					"AND l.row_key = %s AND l.conversation_id = o.%s)",
					rollback->tables[TARGET_LINKS], table, key,
					quote_identifier(conversation));
}
