/*
 * columns.c
 *	  The columns of a target's tables.
 *
 * In: a plan. Out: what each table's columns are called, of which type, and
 * what they are for. target.c creates tables from this, write.c fills them in
 * this order. Reads catalogs alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "columns.h"

#define ROLES_COMMENT "Who wrote it: user, assistant, system or tool"
#define NOW "DEFAULT now()"

static void list(const MigrationPlan *plan, TargetTable table,
				 TargetColumns *columns);
static void list_conversations(const MigrationPlan *plan,
							   TargetColumns *columns);
static void list_messages(const MigrationPlan *plan, TargetColumns *columns);
static void list_media(const MigrationPlan *plan, TargetColumns *columns);
static void list_trace(const MigrationPlan *plan, TargetColumns *columns);
static void list_owners(const MigrationPlan *plan, TargetColumns *columns);
static void list_links(const MigrationPlan *plan, TargetColumns *columns);
static void add(TargetColumns *columns, Field field, const char *name, Oid type,
				const char *constraint, const char *comment);
static void add_id(const MigrationPlan *plan, TargetTable table,
				   TargetColumns *columns);
static void add_group(const MigrationPlan *plan, TargetColumns *columns);
static void add_source(TargetColumns *columns, Field field, const char *name,
					   const Column *source, const char *constraint,
					   const char *comment);
static void check_column(const MigrationPlan *plan, TargetTable table,
						 TupleDesc desc, int i, const TargetColumn *expected);

void
chatmig_columns_list(const MigrationPlan *plan, TargetTable table,
					 TargetColumns *columns)
{
	int n = 0;

	list(plan, table, columns);
	if (plan->fields[table] == NULL)
		return;
	for (int i = 0; i < columns->n; i++)
	{
		columns->columns[n] = columns->columns[i];
		if (columns->columns[n].column != NULL)
			n++;
	}
	columns->n = n;
}

void
chatmig_columns_list_all(const MigrationPlan *plan, TargetTable table,
						 TargetColumns *columns)
{
	list(plan, table, columns);
}

void
chatmig_columns_check(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		TargetColumns columns;
		Relation rel;

		if (!plan->uses[table] || !OidIsValid(plan->tables[table]) ||
			plan->fields[table] != NULL)
			continue;
		chatmig_columns_list(plan, table, &columns);
		rel = table_open(plan->tables[table], AccessShareLock);
		for (int i = 0; i < columns.n; i++)
			check_column(plan, table, RelationGetDescr(rel), i,
						 &columns.columns[i]);
		table_close(rel, NoLock); /* nobody alters it before the run */
	}
}

char *
chatmig_columns_group_name(const char *name)
{
	static const char *const taken[] = {
		"id",         "title",      "description", "is_active", "metadata",
		"created_at", "updated_at", "url",         "type",      "summary"};

	for (int i = 0; i < lengthof(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return makeObjectName("owner", name, NULL);
	return pstrdup(name);
}

static void
list(const MigrationPlan *plan, TargetTable table, TargetColumns *columns)
{
	static void (*const lists[NUM_TARGETS])(const MigrationPlan *,
											TargetColumns *) = {
		[TARGET_CONVERSATIONS] = list_conversations,
		[TARGET_MESSAGES] = list_messages,
		[TARGET_MEDIA] = list_media,
		[TARGET_TRACE] = list_trace,
		[TARGET_OWNERS] = list_owners,
		[TARGET_LINKS] = list_links};
	const Column *fields = plan->fields[table];

	columns->n = 0;
	lists[table](plan, columns);
	for (int i = 0; i < columns->n; i++)
	{
		TargetColumn *column = &columns->columns[i];

		column->column =
			fields == NULL ? column->name : fields[column->field].name;
	}
}

static void
list_conversations(const MigrationPlan *plan, TargetColumns *columns)
{
	add_id(plan, TARGET_CONVERSATIONS, columns);
	add_group(plan, columns);
	add(columns, FIELD_TITLE, "title", TEXTOID, "",
		"For lists of conversations");
	add(columns, FIELD_DESCRIPTION, "description", TEXTOID, "",
		"What it is about");
	add(columns, FIELD_IS_ACTIVE, "is_active", BOOLOID, "NOT NULL DEFAULT true",
		"False: archived by its owner");
	add(columns, FIELD_METADATA, "metadata", JSONBOID, "",
		"What else is known; the legacy session, if there was one");
	add(columns, FIELD_CREATED_AT, "created_at", TIMESTAMPTZOID, NOW,
		"When its first message was written");
	add(columns, FIELD_UPDATED_AT, "updated_at", TIMESTAMPTZOID, NOW,
		"When its last message was written");
	if (plan->fields[TARGET_CONVERSATIONS] != NULL &&
		HAS_PART(plan->mapping, PART_SESSION))
		add_source(columns, FIELD_SESSION, SESSION_COLUMN,
				   &plan->mapping->parts[PART_SESSION], "", "");
}

static void
list_messages(const MigrationPlan *plan, TargetColumns *columns)
{
	add_id(plan, TARGET_MESSAGES, columns);
	add(columns, FIELD_CONVERSATION, "conversation_id",
		plan->id_types[TARGET_CONVERSATIONS], "NOT NULL",
		"The conversation that it is part of");
	add(columns, FIELD_POSITION, "position", INT4OID, "NOT NULL",
		"Place in the conversation: 0, 1, 2, ...");
	add(columns, FIELD_ROLE, "role", TEXTOID, "NOT NULL", ROLES_COMMENT);
	add(columns, FIELD_CONTENT, "content", TEXTOID, "", "Its words");
	add(columns, FIELD_MODEL, "model", TEXTOID, "", "The model that answered");
	add(columns, FIELD_TOKENS, "tokens",
		chatmig_mapping_tokens_type(plan->mapping), "", "Tokens that it cost");
	add(columns, FIELD_METADATA, "metadata", JSONBOID, "",
		"Columns of the legacy row that have no column here, by name");
	add(columns, FIELD_MEDIA, "media_id", plan->id_types[TARGET_MEDIA], "",
		"The medium that came with it");
	add(columns, FIELD_REPLY_TO, "reply_to_id", plan->id_types[TARGET_MESSAGES],
		"", "The message it answers");
	add(columns, FIELD_CREATED_AT, "created_at", TIMESTAMPTZOID, NOW,
		"When it was written");
	if (plan->fields[TARGET_MESSAGES] == NULL)
		return;
	add(columns, FIELD_UPDATED_AT, "updated_at", TIMESTAMPTZOID, "", "");
	add_group(plan, columns);
	if (HAS_PART(plan->mapping, PART_SESSION))
		add_source(columns, FIELD_SESSION, SESSION_COLUMN,
				   &plan->mapping->parts[PART_SESSION], "", "");
}

static void
list_media(const MigrationPlan *plan, TargetColumns *columns)
{
	add_id(plan, TARGET_MEDIA, columns);
	if (plan->owner_column)
		add_source(columns, FIELD_OWNER, plan->owner_column,
				   &plan->mapping->parts[PART_OWNER], "", "Whose medium it is");
	add(columns, FIELD_URL, "url", TEXTOID, "", "Where it is");
	add(columns, FIELD_TYPE, "type", TEXTOID, "", "What kind of medium it is");
	add(columns, FIELD_SUMMARY, "summary", TEXTOID, "", "What is in it");
	add(columns, FIELD_METADATA, "metadata", JSONBOID, "",
		"What else is known");
	add(columns, FIELD_CREATED_AT, "created_at", TIMESTAMPTZOID, NOW,
		"When its message was written");
	if (plan->fields[TARGET_MEDIA] != NULL)
		add(columns, FIELD_UPDATED_AT, "updated_at", TIMESTAMPTZOID, "", "");
}

static void
list_trace(const MigrationPlan *plan, TargetColumns *columns)
{
	for (int i = 0; i < plan->mapping->nkeys; i++)
		add_source(
			columns, FIELD_KEY + i, psprintf("key_%d", i + 1),
			&plan->mapping->keys[i], "NOT NULL",
			psprintf("The legacy row's %s", plan->mapping->keys[i].name));
	add(columns, FIELD_FINGERPRINT, "fingerprint", INT8OID, "NOT NULL",
		"Of the legacy row as it was migrated: chatmig_fingerprint()");
	add(columns, FIELD_CONVERSATION, "conversation_id",
		plan->id_types[TARGET_CONVERSATIONS], "NOT NULL",
		"The conversation that its messages went into");
	add(columns, FIELD_MESSAGES, "message_ids",
		get_array_type(plan->id_types[TARGET_MESSAGES]), "NOT NULL",
		plan->mapping->shape == SHAPE_PAIR
			? "The question's and the answer's message; NULL for an empty half"
		: plan->mapping->shape == SHAPE_FLAT
			? "The row's message"
			: "The row's messages; NULL for one that was rejected");
	add(columns, FIELD_MEDIA, "media_id", plan->id_types[TARGET_MEDIA], "",
		"The row's medium");
	if (plan->has_leftovers)
		add(columns, FIELD_METADATA, "metadata", JSONBOID, "",
			"What the messages' table has no column for");
}

static void
list_owners(const MigrationPlan *plan, TargetColumns *columns)
{
	add_source(columns, FIELD_OWNER, "owner", &plan->mapping->parts[PART_OWNER],
			   "NOT NULL", "Who had no message");
	add(columns, FIELD_CONVERSATION, "conversation_id",
		plan->id_types[TARGET_CONVERSATIONS], "NOT NULL",
		"The conversation that was made for that owner");
}

static void
list_links(const MigrationPlan *plan, TargetColumns *columns)
{
	add(columns, FIELD_TABLE, "link_table", REGCLASSOID, "NOT NULL",
		"The table whose row was linked");
	add(columns, FIELD_ROW, "row_key", TEXTOID, "NOT NULL",
		"The row's primary key as text; a JSON array where it has several columns");
	add(columns, FIELD_CONVERSATION, "conversation_id",
		plan->id_types[TARGET_CONVERSATIONS], "NOT NULL",
		"The conversation that it was given; it had none");
}

static void
add(TargetColumns *columns, Field field, const char *name, Oid type,
	const char *constraint, const char *comment)
{
	Column column = {
		.type = type, .typmod = -1, .collation = get_typcollation(type)};

	add_source(columns, field, name, &column, constraint, comment);
}

/* With a default, so that the application can add rows of its own. */
static void
add_id(const MigrationPlan *plan, TargetTable table, TargetColumns *columns)
{
	Oid type = plan->id_types[table];

	add(columns, FIELD_ID, "id", type,
		type == TEXTOID   ? "NOT NULL DEFAULT gen_random_uuid()::text"
		: type == UUIDOID ? "NOT NULL DEFAULT gen_random_uuid()"
						  : "NOT NULL GENERATED BY DEFAULT AS IDENTITY",
		"Follows from the legacy row, unless it is a number");
}

/* Whose conversation it is. */
static void
add_group(const MigrationPlan *plan, TargetColumns *columns)
{
	const Column *parts = plan->mapping->parts;

	if (plan->owner_column)
		add_source(columns, FIELD_OWNER, plan->owner_column, &parts[PART_OWNER],
				   "", "Whose conversation it is");
	if (plan->counterpart_column)
		add_source(columns, FIELD_COUNTERPART, plan->counterpart_column,
				   &parts[PART_COUNTERPART], "", "With whom the owner talks");
}

/* A column with the type of one of the source's, collation included. */
static void
add_source(TargetColumns *columns, Field field, const char *name,
		   const Column *source, const char *constraint, const char *comment)
{
	TargetColumn *column = &columns->columns[columns->n++];

	Assert(columns->n <= MAX_TARGET_COLUMNS);
	column->field = field;
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
