/*
 * link.c
 *	  Rows of other tables that point to the conversation of their owner.
 *
 * In: a plan whose target names links. Out: their tables, and the columns that
 * are read and changed. Reads catalogs alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "existing.h"
#include "keys.h"
#include "link.h"

static LinkTable *find_link(const MigrationPlan *plan,
							const DestinationLink *named);
static void find_column(const MigrationPlan *plan, const LinkTable *link,
						const char *name, Column *column);
static void check_types(const MigrationPlan *plan, const LinkTable *link);
static bool same_kind(Oid a, Oid b);
static void check_children(const MigrationPlan *plan, const LinkTable *link,
						   Relation rel);
static void check_right(const MigrationPlan *plan, const LinkTable *link);

void
chatmig_link_find(MigrationPlan *plan)
{
	ListCell *lc;

	if (plan->destination.links == NIL)
		return;
	if (plan->owner_column == NULL || !plan->uses[TARGET_CONVERSATIONS])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("migration \"%s\" has nothing to link to", plan->name),
				 errdetail("%s", plan->owner_column == NULL
									 ? "Its rows have no owner."
									 : "Its conversations have no table."),
				 errhint("Register without links in target.")));
	foreach(lc, plan->destination.links)
	{
		LinkTable *link = find_link(plan, lfirst(lc));

		if (link != NULL)
			plan->links = lappend(plan->links, link);
	}
}

/* NULL: it was there in the first run, and has been dropped since. */
static LinkTable *
find_link(const MigrationPlan *plan, const DestinationLink *named)
{
	LinkTable *link = palloc0(sizeof(LinkTable));
	const char *schema = named->schema ? named->schema : plan->schema;
	Oid namespace = get_namespace_oid(schema, true);
	Relation rel;

	link->qualified = quote_qualified_identifier(schema, named->table);
	if (OidIsValid(namespace))
		link->relid = get_relname_relid(named->table, namespace);
	if (!OidIsValid(link->relid) && plan->migrated)
		return NULL;
	if (!OidIsValid(link->relid))
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table %s does not exist", link->qualified),
			 errdetail("Migration \"%s\" would link its rows to conversations.",
					   plan->name),
			 errhint(
				 "Correct the name in target, \"links\", or leave the link out.")));
	rel = table_open(link->relid, AccessShareLock);
	/* from here on nobody can rename it */
	link->qualified = chatmig_keys_qualified_name(link->relid);
	find_column(plan, link, named->owner, &link->owner);
	find_column(plan, link, named->conversation, &link->conversation);
	check_types(plan, link);
	check_children(plan, link, rel);
	link->key = chatmig_keys_primary_text(link->relid, "o");
	table_close(rel, NoLock); /* nobody alters it before the run */
	if (link->key == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("%s has no primary key", link->qualified),
			 errdetail("A rollback must know which of its rows were linked."),
			 errhint("Add a primary key, or leave the link out of target.")));
	check_right(plan, link);
	return link;
}

static void
find_column(const MigrationPlan *plan, const LinkTable *link, const char *name,
			Column *column)
{
	AttrNumber attnum = get_attnum(link->relid, name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of %s does not exist", name,
						link->qualified),
				 errdetail("A link of migration \"%s\" names it.", plan->name),
				 errhint("Correct the name in target, \"links\".")));
	column->name = pstrdup(name);
	column->attnum = attnum;
	get_atttypetypmodcoll(link->relid, attnum, &column->type, &column->typmod,
						  &column->collation);
}

static void
check_types(const MigrationPlan *plan, const LinkTable *link)
{
	Oid id = plan->id_types[TARGET_CONVERSATIONS];
	const Column *owner = &plan->mapping->parts[PART_OWNER];

	if (!same_kind(link->owner.type, owner->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of %s cannot be the owner",
						link->owner.name, link->qualified),
				 errdetail("It has the type %s; owners of %s are %s.",
						   format_type_be(link->owner.type), plan->source_name,
						   format_type_be(owner->type)),
				 errhint("Correct the name in target, \"links\".")));
	if (chatmig_existing_id_type(link->conversation.type) == id ||
		(id == INT4OID && getBaseType(link->conversation.type) == INT8OID))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DATATYPE_MISMATCH),
		 errmsg("column \"%s\" of %s cannot point to a conversation",
				link->conversation.name, link->qualified),
		 errdetail("It has the type %s; ids of conversations are %s.",
				   format_type_be(link->conversation.type), format_type_be(id)),
		 errhint(
			 "Where chatmig creates the conversations: options => '{\"id_type\": \"...\"}'.")));
}

/* So that the server can compare them. */
static bool
same_kind(Oid a, Oid b)
{
	const Oid types[] = {getBaseType(a), getBaseType(b)};
	char categories[2];
	bool is_preferred;

	for (int i = 0; i < lengthof(types); i++)
		get_type_category_preferred(types[i], &categories[i], &is_preferred);
	return types[0] == types[1] || (categories[0] == categories[1] &&
									(categories[0] == TYPCATEGORY_STRING ||
									 categories[0] == TYPCATEGORY_NUMERIC));
}

/* A row of a child may have the same primary key as another of its parent. */
static void
check_children(const MigrationPlan *plan, const LinkTable *link, Relation rel)
{
	List *children;

	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	children = find_inheritance_children(link->relid, NoLock);
	if (children == NIL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_WRONG_OBJECT_TYPE),
		 errmsg("rows of %s cannot be linked", link->qualified),
		 errdetail(
			 "Other tables inherit from it (%s), so its primary key does not say which row was linked by migration \"%s\".",
			 chatmig_keys_qualified_name(linitial_oid(children)), plan->name),
		 errhint(
			 "ALTER TABLE %s NO INHERIT %s; or leave the link out of target.",
			 chatmig_keys_qualified_name(linitial_oid(children)),
			 link->qualified)));
}

static void
check_right(const MigrationPlan *plan, const LinkTable *link)
{
	char *role = GetUserNameFromId(plan->source_owner, false);

	if (pg_class_aclcheck(link->relid, plan->source_owner, ACL_SELECT) ==
			ACLCHECK_OK &&
		pg_class_aclcheck(link->relid, plan->source_owner, ACL_UPDATE) ==
			ACLCHECK_OK)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("role \"%s\" may not link rows of %s", role, link->qualified),
		 errdetail(
			 "It owns %s, and migration \"%s\" reads and writes as that role.",
			 plan->source_name, plan->name),
		 errhint("GRANT SELECT, UPDATE ON %s TO %s.", link->qualified,
				 quote_identifier(role))));
}
