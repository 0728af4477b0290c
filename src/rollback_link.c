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
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "caller.h"
#include "keys.h"
#include "query.h"
#include "rollback_link.h"

static Oid find_renamed(const Rollback *rollback, const DestinationLink *link);
static Oid find_table(const Rollback *rollback, const DestinationLink *link);
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
		Oid table = find_table(rollback, link);
		RoleState role;
		char *name;
		char *condition;

		if (!OidIsValid(table))
			continue;
		name = quote_qualified_identifier(
			get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
		condition = is_remembered(rollback, table, link->conversation);
		chatmig_caller_become(&role, rollback->trace_owner);
		reset += chatmig_query_run(
			rollback->dry_run
				? psprintf("SELECT FROM %s AS o WHERE %s", name, condition)
				: psprintf("UPDATE %s AS o SET %s = NULL WHERE %s", name,
						   quote_identifier(link->conversation), condition),
			NULL);
		chatmig_caller_resume(&role);
	}
	return reset;
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
	return psprintf("EXISTS (SELECT FROM %s AS l WHERE l.link_table = %u "
					"AND l.row_key = %s AND l.conversation_id = o.%s)",
					rollback->tables[TARGET_LINKS], table,
					chatmig_keys_primary_text(table, "o"),
					quote_identifier(conversation));
}
