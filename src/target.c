/*
 * target.c
 *	  The tables that chatmig creates: their columns, indexes and keys.
 *
 * In: a plan whose names are free. Out: tables in the target schema that look
 * as if somebody had written them by hand, with comments. They belong to the
 * owner of the legacy table and are members of no extension.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "caller.h"
#include "query.h"
#include "target.h"

static void create_table(MigrationPlan *plan, TargetTable table,
						 const char *columns);
static char *conversations_columns(const MigrationPlan *plan);
static char *messages_columns(const MigrationPlan *plan);
static char *media_columns(const MigrationPlan *plan);
static char *trace_columns(const MigrationPlan *plan);
static char *id_type(const MigrationPlan *plan);
static char *id_column(const MigrationPlan *plan);
static char *group_columns(const MigrationPlan *plan, bool counterpart);
static char *type_name(const Column *column);
static void comment_tables(const MigrationPlan *plan);
static void comment(const MigrationPlan *plan, TargetTable table,
					const char *column, const char *text);
static void finish_conversations(const MigrationPlan *plan);
static void finish_messages(const MigrationPlan *plan);
static void finish_media(const MigrationPlan *plan);
static void finish_trace(const MigrationPlan *plan);
static void finish_sequence(const MigrationPlan *plan, TargetTable table);
static void copy_foreign_keys(const MigrationPlan *plan, TargetTable table,
							  const Column *from, const char *to);
static void copy_foreign_key(const MigrationPlan *plan, TargetTable table,
							 const char *to, const char *reference);
static List *foreign_keys(Oid relid, AttrNumber attnum);
static void run(const char *format, ...) pg_attribute_printf(1, 2);

void
chatmig_target_create(MigrationPlan *plan)
{
	create_table(plan, TARGET_CONVERSATIONS, conversations_columns(plan));
	create_table(plan, TARGET_MESSAGES, messages_columns(plan));
	if (plan->has_media)
		create_table(plan, TARGET_MEDIA, media_columns(plan));
	create_table(plan, TARGET_TRACE, trace_columns(plan));
	comment_tables(plan);
}

void
chatmig_target_finish(const MigrationPlan *plan)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	const Column *counterpart = &plan->mapping->parts[PART_COUNTERPART];
	RoleState role;

	/*
	 * As the owner: what a view calls may have changed the tables since they
	 * were created, so that the caller would run what it put in their place.
	 */
	chatmig_caller_become(&role, plan->source_owner);
	if (plan->fresh[TARGET_CONVERSATIONS])
		finish_conversations(plan);
	if (plan->fresh[TARGET_MEDIA])
		finish_media(plan);
	if (plan->fresh[TARGET_MESSAGES])
		finish_messages(plan);
	if (plan->fresh[TARGET_TRACE])
		finish_trace(plan);
	chatmig_caller_resume(&role);

	/* last, since these lock tables that others use */
	if (plan->owner_column && plan->fresh[TARGET_CONVERSATIONS])
		copy_foreign_keys(plan, TARGET_CONVERSATIONS, owner,
						  plan->owner_column);
	if (plan->owner_column && plan->fresh[TARGET_MEDIA])
		copy_foreign_keys(plan, TARGET_MEDIA, owner, plan->owner_column);
	if (plan->counterpart_column && plan->fresh[TARGET_CONVERSATIONS])
		copy_foreign_keys(plan, TARGET_CONVERSATIONS, counterpart,
						  plan->counterpart_column);
}

void
chatmig_target_analyze(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->fresh[table])
			run("ANALYZE %s", plan->qualified[table]);
}

List *
chatmig_target_references(const MigrationPlan *plan, const Column *column)
{
	List *result = NIL;
	ListCell *lc;

	foreach(lc, foreign_keys(plan->source, column->attnum))
	{
		HeapTuple tuple =
			SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(lc)));
		Oid referenced;

		if (!HeapTupleIsValid(tuple))
			continue;
		referenced = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
		ReleaseSysCache(tuple);
		result = lappend(result,
						 quote_qualified_identifier(
							 get_namespace_name(get_rel_namespace(referenced)),
							 get_rel_name(referenced)));
	}
	return result;
}

static void
create_table(MigrationPlan *plan, TargetTable table, const char *columns)
{
	/* left, with its keys, by a rollback that could not drop it */
	if (OidIsValid(plan->tables[table]))
		return;
	run("CREATE TABLE %s (%s)", plan->qualified[table], columns);
	if (plan->source_owner != GetUserId())
		run("ALTER TABLE %s OWNER TO %s", plan->qualified[table],
			quote_identifier(GetUserNameFromId(plan->source_owner, false)));
	plan->tables[table] = get_relname_relid(
		plan->table_names[table], get_namespace_oid(plan->schema, false));
	plan->created[table] = plan->fresh[table] = true;
}

static char *
conversations_columns(const MigrationPlan *plan)
{
	return psprintf("%s, %stitle text, description text, "
					"is_active boolean NOT NULL DEFAULT true, metadata jsonb, "
					"created_at timestamptz DEFAULT now(), "
					"updated_at timestamptz DEFAULT now()",
					id_column(plan), group_columns(plan, true));
}

static char *
messages_columns(const MigrationPlan *plan)
{
	return psprintf("%s, conversation_id %s NOT NULL, "
					"\"position\" integer NOT NULL, role text NOT NULL, "
					"content text, model text, tokens %s, metadata jsonb, "
					"media_id %s, reply_to_id %s, "
					"created_at timestamptz DEFAULT now()",
					id_column(plan), id_type(plan),
					chatmig_mapping_tokens_type(plan->mapping) == INT8OID
						? "bigint"
						: "integer",
					id_type(plan), id_type(plan));
}

static char *
media_columns(const MigrationPlan *plan)
{
	return psprintf("%s, %surl text, type text, summary text, "
					"metadata jsonb, created_at timestamptz DEFAULT now()",
					id_column(plan), group_columns(plan, false));
}

static char *
trace_columns(const MigrationPlan *plan)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&columns, "key_%d %s NOT NULL, ", i + 1,
						 type_name(&plan->mapping->keys[i]));
	appendStringInfo(&columns,
					 "fingerprint bigint NOT NULL, "
					 "conversation_id %s NOT NULL, message_ids %s[] NOT NULL, "
					 "media_id %s",
					 id_type(plan), id_type(plan), id_type(plan));
	return columns.data;
}

static char *
id_type(const MigrationPlan *plan)
{
	return format_type_be(plan->options.id_type);
}

/* With a default, so that the application can add rows of its own. */
static char *
id_column(const MigrationPlan *plan)
{
	switch (plan->options.id_type)
	{
		case INT8OID:
			return "id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY";
		case TEXTOID:
			return "id text NOT NULL DEFAULT gen_random_uuid()::text";
		default:
			return "id uuid NOT NULL DEFAULT gen_random_uuid()";
	}
}

/* "user_id integer, " and the counterpart likewise, as far as mapped. */
static char *
group_columns(const MigrationPlan *plan, bool counterpart)
{
	StringInfoData columns;

	initStringInfo(&columns);
	if (plan->owner_column)
		appendStringInfo(&columns, "%s %s, ",
						 quote_identifier(plan->owner_column),
						 type_name(&plan->mapping->parts[PART_OWNER]));
	if (plan->counterpart_column && counterpart)
		appendStringInfo(&columns, "%s %s, ",
						 quote_identifier(plan->counterpart_column),
						 type_name(&plan->mapping->parts[PART_COUNTERPART]));
	return columns.data;
}

/* The source column's own type, collation included. */
static char *
type_name(const Column *column)
{
	char *name = format_type_extended(column->type, column->typmod,
									  FORMAT_TYPE_TYPEMOD_GIVEN |
										  FORMAT_TYPE_FORCE_QUALIFY);

	if (OidIsValid(column->collation) &&
		column->collation != get_typcollation(column->type))
		return psprintf("%s COLLATE %s", name,
						generate_collation_name(column->collation));
	return name;
}

static void
comment_tables(const MigrationPlan *plan)
{
	const char *from = psprintf("migrated from %s by chatmig, migration %s",
								plan->source_name, plan->name);

	comment(plan, TARGET_CONVERSATIONS, NULL,
			psprintf("Conversations; %s", from));
	if (plan->owner_column)
		comment(plan, TARGET_CONVERSATIONS, plan->owner_column,
				"Whose conversation it is");
	if (plan->counterpart_column)
		comment(plan, TARGET_CONVERSATIONS, plan->counterpart_column,
				"With whom the owner talks");
	comment(plan, TARGET_CONVERSATIONS, "title", "For lists of conversations");
	comment(plan, TARGET_CONVERSATIONS, "is_active",
			"False: archived by its owner");
	comment(plan, TARGET_CONVERSATIONS, "metadata",
			"What else is known; the legacy session, if there was one");
	comment(plan, TARGET_CONVERSATIONS, "created_at",
			"When its first message was written");
	comment(plan, TARGET_CONVERSATIONS, "updated_at",
			"When its last message was written");

	comment(plan, TARGET_MESSAGES, NULL,
			psprintf("Messages of conversations; %s", from));
	comment(plan, TARGET_MESSAGES, "position",
			"Place in the conversation: 0, 1, 2, ...");
	comment(plan, TARGET_MESSAGES, "role",
			"Who wrote it: user, assistant, system or tool");
	comment(plan, TARGET_MESSAGES, "tokens", "Tokens that it cost");
	comment(plan, TARGET_MESSAGES, "metadata",
			"Columns of the legacy row that have no column here, by name");
	comment(plan, TARGET_MESSAGES, "reply_to_id", "The message it answers");
	comment(plan, TARGET_MESSAGES, "created_at", "When it was written");

	if (plan->has_media)
	{
		comment(plan, TARGET_MEDIA, NULL,
				psprintf("Media of messages; %s", from));
		comment(plan, TARGET_MEDIA, "url", "Where it is");
		comment(plan, TARGET_MEDIA, "summary", "What is in it");
	}

	comment(
		plan, TARGET_TRACE, NULL,
		psprintf(
			"Which messages were made of which row of %s: chatmig needs it to check, to go on and to roll back",
			plan->source_name));
	comment(
		plan, TARGET_TRACE, "message_ids",
		plan->mapping->shape == SHAPE_PAIR
			? "The question's and the answer's message; NULL for an empty half"
			: "The row's message");
	comment(plan, TARGET_TRACE, "fingerprint",
			"Of the legacy row as it was migrated: chatmig_fingerprint()");
}

static void
comment(const MigrationPlan *plan, TargetTable table, const char *column,
		const char *text)
{
	/* the user may have said something else since */
	if (!plan->fresh[table])
		return;
	if (column == NULL)
		run("COMMENT ON TABLE %s IS %s", plan->qualified[table],
			quote_literal_cstr(text));
	else
		run("COMMENT ON COLUMN %s.%s IS %s", plan->qualified[table],
			quote_identifier(column), quote_literal_cstr(text));
}

static void
finish_conversations(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_CONVERSATIONS];

	run("ALTER TABLE %s ADD PRIMARY KEY (id)", table);
	/* a user's conversations, latest first */
	if (plan->owner_column)
		run("CREATE INDEX ON %s (%s, updated_at DESC)", table,
			quote_identifier(plan->owner_column));
	else
		run("CREATE INDEX ON %s (updated_at DESC)", table);
	finish_sequence(plan, TARGET_CONVERSATIONS);
}

static void
finish_messages(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_MESSAGES];

	/* the unique constraint also serves a conversation's messages in order */
	run("ALTER TABLE %s ADD PRIMARY KEY (id), "
		"ADD UNIQUE (conversation_id, \"position\"), "
		"ADD CHECK (role IN ('user', 'assistant', 'system', 'tool'))",
		table);
	/* without it each deleted message would look for replies in them all */
	run("CREATE INDEX ON %s (reply_to_id) WHERE reply_to_id IS NOT NULL",
		table);
	run("ALTER TABLE %s ADD FOREIGN KEY (conversation_id) REFERENCES %s (id) ON DELETE CASCADE, "
		"ADD FOREIGN KEY (reply_to_id) REFERENCES %s (id) ON DELETE SET NULL",
		table, plan->qualified[TARGET_CONVERSATIONS], table);
	if (plan->has_media)
	{
		run("CREATE INDEX ON %s (media_id) WHERE media_id IS NOT NULL", table);
		run("ALTER TABLE %s ADD FOREIGN KEY (media_id) REFERENCES %s (id) ON DELETE SET NULL",
			table, plan->qualified[TARGET_MEDIA]);
	}
	finish_sequence(plan, TARGET_MESSAGES);
}

static void
finish_media(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_MEDIA];

	run("ALTER TABLE %s ADD PRIMARY KEY (id)", table);
	if (plan->owner_column)
		run("CREATE INDEX ON %s (%s, created_at DESC)", table,
			quote_identifier(plan->owner_column));
	finish_sequence(plan, TARGET_MEDIA);
}

/* A legacy row is migrated once: the key says so. */
static void
finish_trace(const MigrationPlan *plan)
{
	StringInfoData keys;

	initStringInfo(&keys);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&keys, "%skey_%d", i > 0 ? ", " : "", i + 1);
	run("ALTER TABLE %s ADD PRIMARY KEY (%s)", plan->qualified[TARGET_TRACE],
		keys.data);
}

/* The bulk way counts by itself: put the sequence behind the highest id. */
static void
finish_sequence(const MigrationPlan *plan, TargetTable table)
{
	if (plan->options.id_type != INT8OID)
		return;
	run("SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM %s HAVING max(id) IS NOT NULL",
		quote_literal_cstr(plan->qualified[table]), plan->qualified[table]);
}

/*
 * The same references as the source's column has, with the same actions. Each
 * takes ShareRowExclusiveLock on the referenced table: reads go on, writes
 * wait.
 */
static void
copy_foreign_keys(const MigrationPlan *plan, TargetTable table,
				  const Column *from, const char *to)
{
	/* the name may hold anything, so it is counted and not searched for */
	char *begin = psprintf("FOREIGN KEY (%s)", quote_identifier(from->name));
	ListCell *lc;

	foreach(lc, foreign_keys(plan->source, from->attnum))
	{
		Datum definition = DirectFunctionCall1(
			pg_get_constraintdef, ObjectIdGetDatum(lfirst_oid(lc)));
		char *sql = TextDatumGetCString(definition);

		if (strncmp(sql, begin, strlen(begin)) != 0)
			elog(ERROR, "unexpected definition of a foreign key: %s", sql);
		copy_foreign_key(plan, table, to, sql + strlen(begin));
	}
}

/*
 * Rows are compared as the table's owner: types of that role may have casts,
 * and those are functions of that role, not to be run by a superuser.
 */
static void
copy_foreign_key(const MigrationPlan *plan, TargetTable table, const char *to,
				 const char *reference)
{
	static const char not_valid[] = " NOT VALID";
	char *name =
		ChooseConstraintName(plan->table_names[table], to, "fkey",
							 get_namespace_oid(plan->schema, false), NIL);
	size_t length = strlen(reference);
	bool is_valid =
		length < strlen(not_valid) ||
		strcmp(reference + length - strlen(not_valid), not_valid) != 0;
	RoleState role;

	run("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s)%s%s",
		plan->qualified[table], quote_identifier(name), quote_identifier(to),
		reference, is_valid ? not_valid : "");
	if (!is_valid)
		return;
	chatmig_caller_become(&role, plan->source_owner);
	run("ALTER TABLE %s VALIDATE CONSTRAINT %s", plan->qualified[table],
		quote_identifier(name));
	chatmig_caller_resume(&role);
}

/* The foreign keys of one column alone; a List of constraint OIDs. */
static List *
foreign_keys(Oid relid, AttrNumber attnum)
{
	Relation rel = table_open(ConstraintRelationId, AccessShareLock);
	List *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		ArrayType *columns;
		bool isnull;

		if (form->contype != CONSTRAINT_FOREIGN)
			continue;
		columns = DatumGetArrayTypeP(heap_getattr(
			tuple, Anum_pg_constraint_conkey, RelationGetDescr(rel), &isnull));
		if (ARR_DIMS(columns)[0] == 1 &&
			((AttrNumber *) ARR_DATA_PTR(columns))[0] == attnum)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static void
run(const char *format, ...)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&sql, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&sql, needed);
	}
	(void) chatmig_query_run(sql.data, NULL);
	pfree(sql.data);
}
