/*
 * target.c
 *	  The tables that chatmig creates: their columns, indexes and keys.
 *
 * In: a plan whose names are free. Out: tables in the target schema that look
 * as if somebody had written them by hand, with comments. They belong to the
 * owner of the legacy table and are members of no extension.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "caller.h"
#include "columns.h"
#include "compat.h"
#include "proof.h"
#include "query.h"
#include "reference.h"
#include "reindex.h"
#include "relation.h"
#include "target.h"

/* What a load's foreign keys hold. */
typedef struct Proven
{
	const MigrationPlan *plan;
	bool references;
} Proven;

/* Of the server's default_statistics_target, which is 100. */
#define QUICK_STATISTICS_TARGET 10

static bool has_its_columns(const MigrationPlan *plan, TargetTable table,
							TupleDesc desc);
static void check_unchanged(const MigrationPlan *plan, TargetTable table);
static bool has_more(const MigrationPlan *plan, TargetTable table,
					 Relation rel);
static bool has_doubled(Oid table, int64 added);
static void analyze(const MigrationPlan *plan, TargetTable table, bool quickly);
static void create_table(MigrationPlan *plan, TargetTable table,
						 const char *comment);
static void refuse_gone(const MigrationPlan *plan, TargetTable table);
static char *type_name(const TargetColumn *column);
static void constrain(const MigrationPlan *plan);
static void constrain_conversations(const MigrationPlan *plan);
static void constrain_media(const MigrationPlan *plan);
static void constrain_messages(const MigrationPlan *plan);
static void constrain_trace(const MigrationPlan *plan);
static void catch_up(const MigrationPlan *plan);
static void prove(void *state);
static void check_again(const MigrationPlan *plan);
static void finish_sequence(const MigrationPlan *plan, TargetTable table);
static void run(const char *format, ...) pg_attribute_printf(1, 2);

void
chatmig_target_create(MigrationPlan *plan)
{
	const char *from = psprintf("migrated from %s by chatmig, migration %s",
								plan->source_name, plan->name);
	const char *const comments[NUM_TARGETS] = {
		[TARGET_CONVERSATIONS] = psprintf("Conversations; %s", from),
		[TARGET_MESSAGES] = psprintf("Messages of conversations; %s", from),
		[TARGET_MEDIA] = psprintf("Media of messages; %s", from),
		[TARGET_TRACE] = psprintf(
			"Which messages were made of which row of %s: chatmig needs it to check, to go on and to roll back",
			plan->source_name),
		[TARGET_OWNERS] =
			psprintf("Conversations of owners who had no message; %s", from),
		[TARGET_LINKS] = psprintf(
			"Which rows of other tables were given a conversation: a rollback takes it back; %s",
			from)};

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table])
			create_table(plan, table, comments[table]);
}

bool
chatmig_target_is_plain(const MigrationPlan *plan, TargetTable table)
{
	Relation rel = table_open(plan->tables[table], AccessShareLock);
	TupleDesc desc = RelationGetDescr(rel);
	bool result =
		rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!rel->rd_rel->relispartition && !rel->rd_rel->relhasindex &&
		!rel->rd_rel->relhasrules && !rel->rd_rel->relhastriggers &&
		!rel->rd_rel->relrowsecurity &&
		(desc->constr == NULL || (desc->constr->num_check == 0 &&
								  !desc->constr->has_generated_stored)) &&
		has_its_columns(plan, table, desc);

	table_close(rel, NoLock);
	return result;
}

static bool
has_its_columns(const MigrationPlan *plan, TargetTable table, TupleDesc desc)
{
	TargetColumns columns;
	bool result;

	chatmig_columns_list(plan, table, &columns);
	result = desc->natts == columns.n;
	for (int i = 0; i < columns.n && result; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		result =
			!attribute->attisdropped &&
			attribute->atttypid == columns.columns[i].type &&
			strcmp(NameStr(attribute->attname), columns.columns[i].name) == 0;
	}
	return result;
}

void
chatmig_target_constrain(const MigrationPlan *plan)
{
	RoleState role;

	chatmig_caller_become(&role, plan->source_owner);
	constrain(plan);
	chatmig_caller_resume(&role);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->fresh[table])
			check_unchanged(plan, table);
}

/*
 * An event trigger may have had something to do with ALTER TABLE and CREATE
 * INDEX as well, when it is decided that rows go past the executor. Checks and
 * indexes may be added: the former are looked at, the latter built.
 */
static void
check_unchanged(const MigrationPlan *plan, TargetTable table)
{
	Relation rel = table_open(plan->tables[table], AccessShareLock);
	const bool has_columns =
		has_its_columns(plan, table, RelationGetDescr(rel));

	if (!has_columns || has_more(plan, table, rel))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 has_columns
				 ? errmsg("table \"%s\" was given triggers, rules, row "
						  "security or foreign keys while it was made",
						  RelationGetRelationName(rel))
				 : errmsg(
					   "the columns of table \"%s\" were changed while it was made",
					   RelationGetRelationName(rel)),
			 errdetail("It is %s, a new table of migration \"%s\"; an event "
					   "trigger may have done it.",
					   plan->qualified[table], plan->name),
			 errhint("SELECT evtname FROM pg_event_trigger lists them; ALTER "
					 "EVENT TRIGGER ... DISABLE for the migration.")));
	table_close(rel, NoLock);
}

/* Than constrain() gives it, of what is not looked at for each row. */
static bool
has_more(const MigrationPlan *plan, TargetTable table, Relation rel)
{
	int nreferences = 0;

	if (table == TARGET_MESSAGES)
		nreferences = 1 + plan->uses[TARGET_CONVERSATIONS] + plan->has_media;
	if (list_length(RelationGetFKeyList(rel)) != nreferences)
		return true;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers;
		 i++)
		if (!rel->trigdesc->triggers[i].tgisinternal)
			return true;
	return rel->rd_rel->relhasrules || rel->rd_rel->relrowsecurity;
}

void
chatmig_target_finish(const MigrationPlan *plan, bool constrained)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	const Column *counterpart = &plan->mapping->parts[PART_COUNTERPART];
	RoleState role;

	/*
	 * As the owner: what a view calls may have changed the tables since they
	 * were created, so that the caller would run what it put in their place.
	 */
	chatmig_caller_become(&role, plan->source_owner);
	if (constrained)
		catch_up(plan);
	else
		constrain(plan);
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->fresh[table])
			finish_sequence(plan, table);
	chatmig_caller_resume(&role);

	/* last, since these lock tables that others use */
	if (plan->owner_column && plan->fresh[TARGET_CONVERSATIONS])
		chatmig_reference_copy(plan, TARGET_CONVERSATIONS, owner,
							   plan->owner_column);
	if (plan->owner_column && plan->fresh[TARGET_MEDIA])
		chatmig_reference_copy(plan, TARGET_MEDIA, owner, plan->owner_column);
	if (plan->counterpart_column && plan->fresh[TARGET_CONVERSATIONS])
		chatmig_reference_copy(plan, TARGET_CONVERSATIONS, counterpart,
							   plan->counterpart_column);
}

void
chatmig_target_analyze(const MigrationPlan *plan, const RunCounts *counts)
{
	const int64 added[NUM_ID_TARGETS] = {[TARGET_CONVERSATIONS] =
											 counts->conversations,
										 [TARGET_MESSAGES] = counts->messages,
										 [TARGET_MEDIA] = counts->media};
	RoleState role;

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->fresh[table])
			analyze(plan, table, true);
	if (plan->migrated)
		return;

	/*
	 * Others' tables have changed, too. ShareUpdateExclusiveLock, held to the
	 * end of the transaction, is that of a VACUUM: where one is at work, that
	 * has to do.
	 */
	chatmig_caller_become(&role, plan->source_owner);
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->uses[table] && chatmig_plan_fills(plan, table) &&
			object_ownercheck(RelationRelationId, plan->tables[table],
							  plan->source_owner) &&
			ConditionalLockRelationOid(plan->tables[table],
									   ShareUpdateExclusiveLock))
			analyze(plan, table,
					has_doubled(plan->tables[table], added[table]));
	chatmig_caller_resume(&role);
}

/*
 * Most of its rows are new, so that autovacuum comes by within a minute, as it
 * does to a fresh table. To a partitioned one it never does.
 */
static bool
has_doubled(Oid table, int64 added)
{
	Relation rel = table_open(table, NoLock); /* the caller has one */
	bool result = rel->rd_rel->relkind == RELKIND_RELATION &&
				  rel->rd_rel->reltuples < added;

	table_close(rel, NoLock);
	return result;
}

/*
 * Quickly: from a tenth of the default sample, for the first queries, where
 * autovacuum takes the whole one soon.
 */
static void
analyze(const MigrationPlan *plan, TargetTable table, bool quickly)
{
	int guc_level = NewGUCNestLevel();

	if (quickly && default_statistics_target > QUICK_STATISTICS_TARGET)
		(void) set_config_option("default_statistics_target",
								 psprintf("%d", QUICK_STATISTICS_TARGET),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	run("ANALYZE %s", plan->qualified[table]);
	AtEOXact_GUC(true, guc_level);
}

static void
create_table(MigrationPlan *plan, TargetTable table, const char *comment)
{
	const char *qualified = plan->qualified[table];
	TargetColumns columns;
	StringInfoData list;

	/* left, with its keys, by a rollback that could not drop it */
	if (OidIsValid(plan->tables[table]))
		return;
	chatmig_columns_list(plan, table, &columns);
	initStringInfo(&list);
	for (int i = 0; i < columns.n; i++)
		appendStringInfo(&list, "%s%s %s %s", i > 0 ? ", " : "",
						 quote_identifier(columns.columns[i].name),
						 type_name(&columns.columns[i]),
						 columns.columns[i].constraint);
	/* bulk.c and foreign keys want a heap, whatever the session's default */
	run("CREATE TABLE %s (%s) USING heap", qualified, list.data);
	plan->tables[table] = get_relname_relid(
		plan->table_names[table], get_namespace_oid(plan->schema, false));
	if (!OidIsValid(plan->tables[table]))
		refuse_gone(plan, table);
	run("COMMENT ON TABLE %s IS %s", qualified, quote_literal_cstr(comment));
	for (int i = 0; i < columns.n; i++)
		run("COMMENT ON COLUMN %s.%s IS %s", qualified,
			quote_identifier(columns.columns[i].name),
			quote_literal_cstr(columns.columns[i].comment));
	if (plan->source_owner != GetUserId())
		run("ALTER TABLE %s OWNER TO %s", qualified,
			quote_identifier(GetUserNameFromId(plan->source_owner, false)));
	plan->created[table] = plan->fresh[table] = true;
}

static void
refuse_gone(const MigrationPlan *plan, TargetTable table)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("table %s is not there after it was created",
				plan->qualified[table]),
		 errdetail(
			 "An event trigger has renamed, moved or dropped the %s table of migration \"%s\".",
			 chatmig_target_names[table], plan->name),
		 errhint(
			 "Look into pg_event_trigger; disable the trigger for the migration, or register with names and a schema that it leaves alone: target => '{\"%s\": \"...\"}'.",
			 chatmig_target_names[table])));
}

static char *
type_name(const TargetColumn *column)
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

/* Keys, indexes, checks, and the foreign keys among the new tables. */
static void
constrain(const MigrationPlan *plan)
{
	if (plan->fresh[TARGET_CONVERSATIONS])
		constrain_conversations(plan);
	if (plan->fresh[TARGET_MEDIA])
		constrain_media(plan);
	if (plan->fresh[TARGET_MESSAGES])
		constrain_messages(plan);
	if (plan->fresh[TARGET_TRACE])
		constrain_trace(plan);
	if (plan->fresh[TARGET_OWNERS])
		run("ALTER TABLE %s ADD PRIMARY KEY (owner)",
			plan->qualified[TARGET_OWNERS]);
	if (plan->fresh[TARGET_LINKS])
		run("ALTER TABLE %s ADD PRIMARY KEY (link_table, row_key)",
			plan->qualified[TARGET_LINKS]);
}

static void
constrain_conversations(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_CONVERSATIONS];

	run("ALTER TABLE %s ADD PRIMARY KEY (id)", table);
	/* a user's conversations, latest first */
	if (plan->owner_column)
		run("CREATE INDEX ON %s (%s, updated_at DESC)", table,
			quote_identifier(plan->owner_column));
	else
		run("CREATE INDEX ON %s (updated_at DESC)", table);
}

static void
constrain_media(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_MEDIA];

	run("ALTER TABLE %s ADD PRIMARY KEY (id)", table);
	if (plan->owner_column)
		run("CREATE INDEX ON %s (%s, created_at DESC)", table,
			quote_identifier(plan->owner_column));
}

static void
constrain_messages(const MigrationPlan *plan)
{
	const char *table = plan->qualified[TARGET_MESSAGES];

	/* the unique constraint also serves a conversation's messages in order */
	run("ALTER TABLE %s ADD PRIMARY KEY (id), "
		"ADD UNIQUE (conversation_id, \"position\"), "
		"ADD CHECK (role IN ('user', 'assistant', 'system', 'tool'))",
		table);
	run("ALTER TABLE %s ADD FOREIGN KEY (reply_to_id) REFERENCES %s (id) ON DELETE SET NULL",
		table, table);
	if (plan->uses[TARGET_CONVERSATIONS])
		run("ALTER TABLE %s ADD FOREIGN KEY (conversation_id) REFERENCES %s (%s) ON DELETE CASCADE",
			table, plan->qualified[TARGET_CONVERSATIONS],
			chatmig_relation_column(plan, TARGET_CONVERSATIONS, FIELD_ID));
	if (plan->has_media)
		run("ALTER TABLE %s ADD FOREIGN KEY (media_id) REFERENCES %s (%s) ON DELETE SET NULL",
			table, plan->qualified[TARGET_MEDIA],
			chatmig_relation_column(plan, TARGET_MEDIA, FIELD_ID));
	/* without them each deleted row would look for its messages in them all */
	run("CREATE INDEX ON %s (reply_to_id) WHERE reply_to_id IS NOT NULL",
		table);
	if (plan->has_media)
		run("CREATE INDEX ON %s (media_id) WHERE media_id IS NOT NULL", table);
}

/* A legacy row is migrated once: the key says so. */
static void
constrain_trace(const MigrationPlan *plan)
{
	StringInfoData keys;

	initStringInfo(&keys);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&keys, "%skey_%d", i > 0 ? ", " : "", i + 1);
	run("ALTER TABLE %s ADD PRIMARY KEY (%s)", plan->qualified[TARGET_TRACE],
		keys.data);
}

/*
 * A load has looked at checks and NOT NULL (bulk.c), but neither at the
 * constraints' indexes, which the server now builds, nor at foreign keys.
 */
static void
catch_up(const MigrationPlan *plan)
{
	List *fresh = NIL;
	Proven proven = {.plan = plan};

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->fresh[table])
			fresh = lappend_oid(fresh, plan->tables[table]);
	chatmig_reindex(fresh, prove, &proven);
	if (!proven.references)
		check_again(plan);
}

static void
prove(void *state)
{
	Proven *proven = state;

	proven->references = !proven->plan->fresh[TARGET_MESSAGES] ||
						 chatmig_proof_references(proven->plan);
}

/* By the server, with its own errors: it checks what is added. */
static void
check_again(const MigrationPlan *plan)
{
	QueryArgs args = {0};
	ListCell *lc;
	List *statements;

	chatmig_query_arg(&args, OIDOID,
					  ObjectIdGetDatum(plan->tables[TARGET_MESSAGES]), false);
	/* they are younger than the snapshot under which the source was read */
	PushActiveSnapshot(GetLatestSnapshot());
	statements = chatmig_query_list(
		"SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, "
		"ADD CONSTRAINT %I %s', conrelid::regclass, conname, conname, "
		"pg_get_constraintdef(oid)) FROM pg_constraint "
		"WHERE conrelid = $1 AND contype = 'f' ORDER BY oid",
		&args);
	PopActiveSnapshot();
	foreach(lc, statements)
		run("%s", (const char *) lfirst(lc));
}

/* The bulk way counts by itself: put the sequence behind the highest id. */
static void
finish_sequence(const MigrationPlan *plan, TargetTable table)
{
	if (plan->id_types[table] != INT8OID)
		return;
	run("SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM %s HAVING max(id) IS NOT NULL",
		quote_literal_cstr(plan->qualified[table]), plan->qualified[table]);
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
