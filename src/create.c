/*
 * create.c
 *	  The old table itself: making it, comparing it, taking it away.
 *
 * What an application of the pair era starts with, for those who are at its
 * beginning, and for those who want to know how far theirs is from it. One
 * list of columns, keys and indexes serves both: it is what CREATE TABLE is
 * made of, and what a table is compared with, right after it was created too.
 *
 * The table is the user's: never a member of an extension, whatever script
 * runs around this (see caller.h).
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "caller.h"
#include "create.h"
#include "detect.h"
#include "difference.h"
#include "ledger.h"

static const TableSpec specs[] = {
	{.shape = "pair",
	 .comment = "Chat history: each row is a question and its answer.",
	 .columns =
		 {
			 {"id", "integer", NULL, true, true,
			  "Number of the exchange, in the order of writing."},
			 {OWNER_COLUMN, "integer", NULL, false, false,
			  "The user whose history it is; NULL for guests."},
			 {"message", "text", NULL, false, true,
			  "What the user said; empty where the bot spoke first."},
			 {"response", "text", NULL, false, true, "What the bot answered."},
			 {"model", "character varying(100)", NULL, false, false,
			  "The model that answered."},
			 {"timestamp", "timestamp without time zone", "now()", false, false,
			  "When the answer was complete."},
			 {"session_id", "character varying(255)", NULL, false, false,
			  "The connection in which it was said."},
		 },
	 .indexes =
		 {
			 {"user_timestamp", "user_id, \"timestamp\" DESC"},
		 }},
	{/*
	  * Elsewhere the CHECK names the bot ('user', 'lyra'). A bot that is
	  * renamed then has rows under two names, and a CHECK that allows
	  * one: so here it is the role that is stored.
	  */
	 .shape = "flat",
	 .comment = "Chat history: each row is one message.",
	 .check_column = "sender",
	 .check = "CHECK (sender IN ('assistant', 'user'))",
	 .columns =
		 {
			 {"id", "uuid", "gen_random_uuid()", false, true,
			  "Unique identifier of the message."},
			 {OWNER_COLUMN, "uuid", NULL, false, true,
			  "The user whose history it is."},
			 {"text", "text", NULL, false, true, "The message."},
			 {"sender", "character varying(10)", NULL, false, true,
			  "Who sent the message: user or assistant."},
			 {"is_voice", "boolean", "false", false, false,
			  "Whether the message was spoken."},
			 {"created_at", "timestamp with time zone", "now()", false, false,
			  "When the message was created."},
		 },
	 .indexes =
		 {
			 {"user_id", "user_id"},
			 {"created_at", "created_at"},
			 {"sender", "sender"},
		 }},
};

static const TableSpec *find_spec(const char *shape);
static void resolve_name(const CreateRequest *request, Wanted *wanted);
static void resolve_owner(Oid owner_table, Wanted *wanted);
static void find_table(Wanted *wanted);
static void create_table(Wanted *wanted);
static void create_indexes(const Wanted *wanted);
static void create_comments(const Wanted *wanted);
static void check_is_table(Oid relid);
static void refuse_migrations(Oid relid);
static void refuse_other_tables(Oid relid);
static void refuse_rows(Oid relid, const char *qualified);
static int64 count_rows(const char *qualified);

void
chatmig_create_table(const CreateRequest *request, CreateReport report,
					 void *state)
{
	Wanted wanted = {.report = report, .state = state};
	CallerState caller;

	/* 1. What is wanted, and where; this needs the caller's search_path. */
	wanted.spec = find_spec(request->shape ? request->shape : "pair");
	resolve_name(request, &wanted);

	chatmig_caller_enter(&caller);
	if (OidIsValid(request->owner_table))
		resolve_owner(request->owner_table, &wanted);

	/* 2. An existing table is left as it is. */
	find_table(&wanted);
	if (!OidIsValid(wanted.relid))
	{
		create_table(&wanted);
		create_indexes(&wanted);
		create_comments(&wanted);
	}

	/*
	 * 3. What is there now, created or found: the snapshot of the query that
	 * this runs in may be older.
	 */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	chatmig_difference_report(&wanted);
	PopActiveSnapshot();
	chatmig_caller_leave(&caller);
}

void
chatmig_create_drop(Oid relid, bool force)
{
	CallerState caller;
	char *qualified;

	check_is_table(relid);
	chatmig_caller_check_owner(relid);

	/* From here on its name stays what it is. */
	LockRelationOid(relid, AccessShareLock);
	check_is_table(relid);
	qualified = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));

	chatmig_caller_enter(&caller);
	refuse_migrations(relid);
	refuse_other_tables(relid);

	/*
	 * A table that holds rows is refused before anybody is locked out. Rows
	 * may come between that and the strong lock, so they are counted again
	 * under it, which takes no time where there were none.
	 */
	if (!force)
	{
		refuse_rows(relid, qualified);
		LockRelationOid(relid, AccessExclusiveLock);
		refuse_rows(relid, qualified);
	}
	chatmig_query_run(psprintf("DROP TABLE %s RESTRICT", qualified), NULL);
	chatmig_caller_leave(&caller);
}

static const TableSpec *
find_spec(const char *shape)
{
	for (int i = 0; i < lengthof(specs); i++)
		if (strcmp(specs[i].shape, shape) == 0)
			return &specs[i];
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("unknown shape \"%s\" of a chat table", shape),
		 errdetail(
			 "Known shapes: pair (a question and its answer in one row), flat (one message in one row)."),
		 errhint(
			 "Call chatmig_create_chat_messages('pair') or chatmig_create_chat_messages('flat').")));
}

static void
resolve_name(const CreateRequest *request, Wanted *wanted)
{
	const char *schema = request->schema_name;
	const char *table =
		request->table_name ? request->table_name : "chat_messages";

	if (table[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a chat table must not be empty"),
				 errhint("Leave table_name out for \"chat_messages\".")));
	if (strlen(table) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("the name \"%s\" is too long for a table", table),
				 errdetail("It has %zu bytes, and the server allows %d.",
						   strlen(table), NAMEDATALEN - 1),
				 errhint("Choose a shorter table_name.")));
	if (schema == NULL)
	{
		List *path = fetch_search_path(false);

		if (path == NIL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA),
							errmsg("no schema has been selected to create in"),
							errdetail("No schema in search_path exists."),
							errhint("Name one in schema_name.")));
		schema = get_namespace_name(linitial_oid(path));
	}
	wanted->namespace = get_namespace_oid(schema, true);
	if (!OidIsValid(wanted->namespace))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA),
						errmsg("schema \"%s\" does not exist", schema),
						errdetail("It is named in schema_name."),
						errhint("Create the schema first, or name another.")));
	wanted->table = pstrdup(table);
	wanted->qualified = quote_qualified_identifier(schema, wanted->table);
}

/* The foreign key as pg_get_constraintdef() would write it. */
static void
resolve_owner(Oid owner_table, Wanted *wanted)
{
	QueryArgs args = {0};
	List *key;
	AttrNumber attnum;
	Oid type;
	int32 typmod;
	Oid collation;

	check_is_table(owner_table);
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(owner_table), false);
	key = chatmig_query_list("SELECT a.attname"
							 " FROM pg_index i"
							 " JOIN pg_attribute a ON a.attrelid = i.indrelid"
							 " AND a.attnum = ANY (i.indkey)"
							 " WHERE i.indrelid = $1 AND i.indisprimary",
							 &args);
	if (list_length(key) != 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_FOREIGN_KEY),
			 errmsg("table \"%s\" has no primary key of one column",
					get_rel_name(owner_table)),
			 key == NIL
				 ? errdetail("\"" OWNER_COLUMN
							 "\" is to refer to it, and it has no primary key.")
				 : errdetail(
					   "\"" OWNER_COLUMN
					   "\" is to refer to it, and its primary key has %d columns.",
					   list_length(key)),
			 errhint(
				 "Name another owner_table, or leave it out and add the foreign key yourself.")));

	attnum = get_attnum(owner_table, linitial(key));
	get_atttypetypmodcoll(owner_table, attnum, &type, &typmod, &collation);
	wanted->owner_type = format_type_with_typemod(type, typmod);
	wanted->foreign_key =
		psprintf("FOREIGN KEY (" OWNER_COLUMN ") REFERENCES %s(%s)"
				 " ON DELETE CASCADE",
				 chatmig_difference_text("SELECT $1::regclass::text", &args),
				 quote_identifier(linitial(key)));
}

/* Also locks it, so that it stays what it is while it is compared. */
static void
find_table(Wanted *wanted)
{
	Oid relid = get_relname_relid(wanted->table, wanted->namespace);

	if (!OidIsValid(relid))
		return;
	LockRelationOid(relid, AccessShareLock);
	check_is_table(relid);
	wanted->relid = relid;
}

static void
create_table(Wanted *wanted)
{
	const TableSpec *spec = wanted->spec;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", wanted->qualified);
	for (int i = 0; i < MAX_COLUMNS && spec->columns[i].name; i++)
	{
		const ColumnSpec *column = &spec->columns[i];

		appendStringInfo(&sql, "%s ", quote_identifier(column->name));
		if (column->from_sequence)
			appendStringInfoString(&sql, "serial NOT NULL");
		else
			appendStringInfoString(&sql,
								   chatmig_difference_column(wanted, column));
		appendStringInfoString(&sql, ", ");
	}
	if (spec->check)
		appendStringInfo(&sql, "%s, ", spec->check);
	if (wanted->foreign_key)
		appendStringInfo(&sql, "%s, ", wanted->foreign_key);
	appendStringInfoString(&sql, "PRIMARY KEY (id))");
	chatmig_query_run(sql.data, NULL);

	CommandCounterIncrement();
	wanted->relid = get_relname_relid(wanted->table, wanted->namespace);
	wanted->created = true;
}

static void
create_indexes(const Wanted *wanted)
{
	for (int i = 0; i < MAX_INDEXES && wanted->spec->indexes[i].label; i++)
	{
		const IndexSpec *index = &wanted->spec->indexes[i];
		char *name = ChooseRelationName("idx", wanted->table, index->label,
										wanted->namespace, false);

		chatmig_query_run(psprintf("CREATE INDEX %s ON %s (%s)",
								   quote_identifier(name), wanted->qualified,
								   index->columns),
						  NULL);
	}
}

static void
create_comments(const Wanted *wanted)
{
	const TableSpec *spec = wanted->spec;

	chatmig_query_run(psprintf("COMMENT ON TABLE %s IS %s", wanted->qualified,
							   quote_literal_cstr(spec->comment)),
					  NULL);
	for (int i = 0; i < MAX_COLUMNS && spec->columns[i].name; i++)
	{
		const ColumnSpec *column = &spec->columns[i];

		chatmig_query_run(psprintf("COMMENT ON COLUMN %s.%s IS %s",
								   wanted->qualified,
								   quote_identifier(column->name),
								   quote_literal_cstr(column->comment)),
						  NULL);
	}
}

static void
check_is_table(Oid relid)
{
	char kind = get_rel_relkind(relid);

	if (kind == '\0')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table with OID %u does not exist", relid),
						errdetail("It was dropped, perhaps just now."),
						errhint("Call this again with the name of a table.")));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" is not a table", get_rel_name(relid)),
				 errdetail_relkind_not_supported(kind),
				 errhint("Name a table, or another name that is free.")));
}

/* What a migration needs goes by hand alone, be it forced. */
static void
refuse_migrations(Oid relid)
{
	const char *reader = chatmig_ledger_find_reader(relid);
	const char *writer = chatmig_ledger_find_writer(relid);
	const char *name = reader ? reader : writer;

	if (name == NULL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("table \"%s\" belongs to migration \"%s\"", get_rel_name(relid),
				name),
		 reader ? errdetail("The migration reads the rows of this table.")
				: errdetail("The migration has filled this table."),
		 errhint(
			 "If it is migrated, run SELECT * FROM chatmig_rollback(%s) first; SELECT chatmig_unregister(%s) then forgets it. Or use DROP TABLE.",
			 quote_literal_cstr(name), quote_literal_cstr(name))));
}

static void
refuse_other_tables(Oid relid)
{
	Relation rel = relation_open(relid, NoLock);
	Detection *found = chatmig_detect_relation(rel, NULL);

	relation_close(rel, NoLock);
	if (found->has_shape)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_WRONG_OBJECT_TYPE),
		 errmsg("table \"%s\" is not a chat table", get_rel_name(relid)),
		 errdetail(
			 "By its columns it holds neither questions and answers nor messages and roles."),
		 errhint(
			 "SELECT * FROM chatmig_detect(%s) says why. Use DROP TABLE for other tables.",
			 quote_literal_cstr(quote_qualified_identifier(
				 get_namespace_name(get_rel_namespace(relid)),
				 get_rel_name(relid))))));
}

static void
refuse_rows(Oid relid, const char *qualified)
{
	int64 rows = count_rows(qualified);

	if (rows == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("table \"%s\" holds a chat history", get_rel_name(relid)),
		 errdetail_plural("It has %lld row.", "It has %lld rows.",
						  rows > 1 ? 2 : 1, (long long) rows),
		 errhint(
			 "To lose them, call chatmig_drop_chat_messages(%s, force => true).",
			 quote_literal_cstr(qualified))));
}

/*
 * Under a snapshot of now: in a REPEATABLE READ transaction that of the
 * transaction would not show what others have committed since.
 */
static int64
count_rows(const char *qualified)
{
	int64 rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = chatmig_query_count(psprintf("SELECT count(*) FROM %s", qualified),
							   NULL);
	PopActiveSnapshot();
	return rows;
}
