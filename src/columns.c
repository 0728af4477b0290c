/*
 * columns.c
 *	  The columns of the tables that chatmig creates.
 *
 * In: a plan. Out: what each table's columns are called, of which type, and
 * what they are for. target.c creates the tables from this, write.c fills them
 * in this order. Reads catalogs alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "columns.h"

#define ROLES_COMMENT "Who wrote it: user, assistant, system or tool"
#define NOW "DEFAULT now()"

static void list_conversations(const MigrationPlan *plan,
							   TargetColumns *columns);
static void list_messages(const MigrationPlan *plan, TargetColumns *columns);
static void list_media(const MigrationPlan *plan, TargetColumns *columns);
static void list_trace(const MigrationPlan *plan, TargetColumns *columns);
static void add(TargetColumns *columns, const char *name, Oid type,
				const char *constraint, const char *comment);
static void add_id(const MigrationPlan *plan, TargetColumns *columns);
static void add_source(TargetColumns *columns, const char *name,
					   const Column *source, const char *constraint,
					   const char *comment);
static void check_column(const MigrationPlan *plan, TargetTable table,
						 TupleDesc desc, int i, const TargetColumn *expected);

void
chatmig_columns_list(const MigrationPlan *plan, TargetTable table,
					 TargetColumns *columns)
{
	columns->n = 0;
	switch (table)
	{
		case TARGET_CONVERSATIONS:
			list_conversations(plan, columns);
			break;
		case TARGET_MESSAGES:
			list_messages(plan, columns);
			break;
		case TARGET_MEDIA:
			list_media(plan, columns);
			break;
		case TARGET_TRACE:
			list_trace(plan, columns);
			break;
		case NUM_TARGETS:
			break;
	}
}

void
chatmig_columns_check(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		TargetColumns columns;
		Relation rel;

		if (!OidIsValid(plan->tables[table]) ||
			(table == TARGET_MEDIA && !plan->has_media))
			continue;
		chatmig_columns_list(plan, table, &columns);
		rel = table_open(plan->tables[table], AccessShareLock);
		for (int i = 0; i < columns.n; i++)
			check_column(plan, table, RelationGetDescr(rel), i,
						 &columns.columns[i]);
		table_close(rel, NoLock); /* nobody alters it before the run */
	}
}

static void
list_conversations(const MigrationPlan *plan, TargetColumns *columns)
{
	const Column *parts = plan->mapping->parts;

	add_id(plan, columns);
	if (plan->owner_column)
		add_source(columns, plan->owner_column, &parts[PART_OWNER], "",
				   "Whose conversation it is");
	if (plan->counterpart_column)
		add_source(columns, plan->counterpart_column, &parts[PART_COUNTERPART],
				   "", "With whom the owner talks");
	add(columns, "title", TEXTOID, "", "For lists of conversations");
	add(columns, "description", TEXTOID, "", "What it is about");
	add(columns, "is_active", BOOLOID, "NOT NULL DEFAULT true",
		"False: archived by its owner");
	add(columns, "metadata", JSONBOID, "",
		"What else is known; the legacy session, if there was one");
	add(columns, "created_at", TIMESTAMPTZOID, NOW,
		"When its first message was written");
	add(columns, "updated_at", TIMESTAMPTZOID, NOW,
		"When its last message was written");
}

static void
list_messages(const MigrationPlan *plan, TargetColumns *columns)
{
	const Oid id = plan->options.id_type;

	add_id(plan, columns);
	add(columns, "conversation_id", id, "NOT NULL",
		"The conversation that it is part of");
	add(columns, "position", INT4OID, "NOT NULL",
		"Place in the conversation: 0, 1, 2, ...");
	add(columns, "role", TEXTOID, "NOT NULL", ROLES_COMMENT);
	add(columns, "content", TEXTOID, "", "Its words");
	add(columns, "model", TEXTOID, "", "The model that answered");
	add(columns, "tokens", chatmig_mapping_tokens_type(plan->mapping), "",
		"Tokens that it cost");
	add(columns, "metadata", JSONBOID, "",
		"Columns of the legacy row that have no column here, by name");
	add(columns, "media_id", id, "", "The medium that came with it");
	add(columns, "reply_to_id", id, "", "The message it answers");
	add(columns, "created_at", TIMESTAMPTZOID, NOW, "When it was written");
}

static void
list_media(const MigrationPlan *plan, TargetColumns *columns)
{
	add_id(plan, columns);
	if (plan->owner_column)
		add_source(columns, plan->owner_column,
				   &plan->mapping->parts[PART_OWNER], "", "Whose medium it is");
	add(columns, "url", TEXTOID, "", "Where it is");
	add(columns, "type", TEXTOID, "", "What kind of medium it is");
	add(columns, "summary", TEXTOID, "", "What is in it");
	add(columns, "metadata", JSONBOID, "", "What else is known");
	add(columns, "created_at", TIMESTAMPTZOID, NOW,
		"When its message was written");
}

static void
list_trace(const MigrationPlan *plan, TargetColumns *columns)
{
	const Oid id = plan->options.id_type;

	for (int i = 0; i < plan->mapping->nkeys; i++)
		add_source(
			columns, psprintf("key_%d", i + 1), &plan->mapping->keys[i],
			"NOT NULL",
			psprintf("The legacy row's %s", plan->mapping->keys[i].name));
	add(columns, "fingerprint", INT8OID, "NOT NULL",
		"Of the legacy row as it was migrated: chatmig_fingerprint()");
	add(columns, "conversation_id", id, "NOT NULL",
		"The conversation that its messages went into");
	add(columns, "message_ids", get_array_type(id), "NOT NULL",
		plan->mapping->shape == SHAPE_PAIR
			? "The question's and the answer's message; NULL for an empty half"
			: "The row's message");
	add(columns, "media_id", id, "", "The row's medium");
}

static void
add(TargetColumns *columns, const char *name, Oid type, const char *constraint,
	const char *comment)
{
	Column column = {
		.type = type, .typmod = -1, .collation = get_typcollation(type)};

	add_source(columns, name, &column, constraint, comment);
}

/* With a default, so that the application can add rows of its own. */
static void
add_id(const MigrationPlan *plan, TargetColumns *columns)
{
	Oid type = plan->options.id_type;

	add(columns, "id", type,
		type == INT8OID   ? "NOT NULL GENERATED BY DEFAULT AS IDENTITY"
		: type == TEXTOID ? "NOT NULL DEFAULT gen_random_uuid()::text"
						  : "NOT NULL DEFAULT gen_random_uuid()",
		"Follows from the legacy row, unless it is a number");
}

/* A column with the type of one of the source's, collation included. */
static void
add_source(TargetColumns *columns, const char *name, const Column *source,
		   const char *constraint, const char *comment)
{
	TargetColumn *column = &columns->columns[columns->n++];

	Assert(columns->n <= MAX_TARGET_COLUMNS);
	column->name = name;
	column->type = source->type;
	column->typmod = source->typmod;
	column->collation = source->collation;
	column->constraint = constraint;
	column->comment = comment;
}

static void
check_column(const MigrationPlan *plan, TargetTable table, TupleDesc desc,
			 int i, const TargetColumn *expected)
{
	Form_pg_attribute found = i < desc->natts ? TupleDescAttr(desc, i) : NULL;
	bool is_there = found != NULL && !found->attisdropped;
	const char *qualified = plan->qualified[table];
	char *type = format_type_with_typemod(expected->type, expected->typmod);

	if (is_there && strcmp(NameStr(found->attname), expected->name) == 0 &&
		found->atttypid == expected->type &&
		found->atttypmod == expected->typmod)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("column \"%s\" of %s is not as the migration fills it",
				expected->name, qualified),
		 !is_there
			 ? errdetail("It has been dropped.")
			 : errdetail(
				   "Migration \"%s\" needs \"%s\" of type %s, and "
				   "finds \"%s\" of type %s in its place.",
				   plan->name, expected->name, type, NameStr(found->attname),
				   format_type_with_typemod(found->atttypid, found->atttypmod)),
		 !is_there ? errhint("Restore the table from a dump, or call "
							 "chatmig_rollback(%s) and migrate again.",
							 quote_literal_cstr(plan->name))
		 : strcmp(NameStr(found->attname), expected->name) != 0
			 ? errhint("Give the column its name back: ALTER TABLE %s RENAME "
					   "COLUMN %s TO %s.",
					   qualified, quote_identifier(NameStr(found->attname)),
					   quote_identifier(expected->name))
			 : errhint("If the legacy table's column was altered, alter this "
					   "one too: ALTER TABLE %s ALTER COLUMN %s TYPE %s.",
					   qualified, quote_identifier(expected->name), type)));
}
