/*
 * plan_target.c
 *	  The part of a plan that is about the tables to be filled.
 *
 * In: a plan with its source. Out: for each table whether it is there, is to be
 * filled as it is, or is to be created, under which name, with which ids. Reads
 * catalogs alone.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "columns.h"
#include "existing.h"
#include "link.h"
#include "owner_table.h"
#include "plan_check.h"
#include "plan_target.h"
#include "relation.h"
#include "role_values.h"
#include "snapshot.h"
#include "vocabulary.h"

static void choose_names(MigrationPlan *plan);
static void choose_group_columns(MigrationPlan *plan);
static char *free_column(const MigrationPlan *plan, Part part);
static void choose_tables(MigrationPlan *plan, const LedgerTargets *recorded);
static void choose_table(MigrationPlan *plan, TargetTable table,
						 const LedgerTargets *recorded, Field referring);
static void use_table(MigrationPlan *plan, TargetTable table, Oid relid);
static void resolve_columns(MigrationPlan *plan, const LedgerTargets *recorded);
static void choose_id_types(MigrationPlan *plan);
static void check_group(const MigrationPlan *plan);
static void check_in_place(const MigrationPlan *plan);
static void forget_session(MigrationPlan *plan);
static void describe_messages(MigrationPlan *plan);
static void check_order(const MigrationPlan *plan);
static void lock_children(const MigrationPlan *plan);
static bool has_place_for_session(const MigrationPlan *plan);
static char *fingerprint(const MigrationPlan *plan);
static bool says_when_changed(const Column *column);

void
chatmig_plan_target(MigrationPlan *plan, Jsonb *target,
					const LedgerTargets *recorded)
{
	chatmig_destination_parse(target, &plan->destination);
	choose_names(plan);
	plan->migrated = recorded->migrated;
	plan->migrated_at = recorded->migrated_at;
	/* the user may have moved them, or renamed their schema */
	if (get_rel_name(recorded->tables[TARGET_TRACE]) != NULL)
		plan->schema = get_namespace_name(
			get_rel_namespace(recorded->tables[TARGET_TRACE]));
	chatmig_plan_check_schema(plan);
	if (!plan->migrated)
		chatmig_plan_check_create(plan);
	choose_tables(plan, recorded);
	choose_group_columns(plan);
	resolve_columns(plan, recorded);
	forget_session(plan);
	choose_id_types(plan);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table] && !OidIsValid(plan->tables[table]))
			chatmig_plan_check_name(plan, table);
	check_group(plan);
	check_in_place(plan);
	describe_messages(plan);
	check_order(plan);
	if (plan->options.empty_owners || plan->options.owner_times)
		chatmig_owner_find(plan);
	chatmig_link_find(plan);
	lock_children(plan);
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table] || table == TARGET_CONVERSATIONS)
			plan->relation[table] = chatmig_relation_read(plan, table);
	plan->fingerprint = fingerprint(plan);
}

static void
choose_names(MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;

	if (plan->destination.schema != NULL)
		plan->schema = plan->destination.schema;
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
	{
		char *named = plan->destination.tables[table].name;

		plan->table_names[table] =
			named ? named
			: table >= TARGET_TRACE
				? makeObjectName(plan->name, chatmig_target_names[table], NULL)
				: pstrdup(chatmig_target_names[table]);
		plan->qualified[table] =
			quote_qualified_identifier(plan->schema, plan->table_names[table]);
		plan->uses[table] = true;
	}
	plan->has_media = HAS_MEDIA(mapping);
	plan->uses[TARGET_OWNERS] = plan->options.empty_owners;
	plan->uses[TARGET_LINKS] = plan->destination.links != NIL;
}

static void
choose_group_columns(MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;

	if (HAS_PART(mapping, PART_OWNER))
		plan->owner_column = free_column(plan, PART_OWNER);
	if (HAS_PART(mapping, PART_COUNTERPART))
		plan->counterpart_column = free_column(plan, PART_COUNTERPART);
}

/* In messages that exist, it may be among their columns, too. */
static char *
free_column(const MigrationPlan *plan, Part part)
{
	static const char *const taken[] = {
		"conversation_id", "position", "role",     "content",
		"model",           "tokens",   "media_id", "reply_to_id"};
	char *name = chatmig_columns_group_name(plan->mapping->parts[part].name);

	if (!OidIsValid(plan->tables[TARGET_MESSAGES]) ||
		plan->created[TARGET_MESSAGES])
		return name;
	for (int i = 0; i < lengthof(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return makeObjectName("owner", name, NULL);
	return name;
}

/* Messages first: what they refer to says which the others are. */
static void
choose_tables(MigrationPlan *plan, const LedgerTargets *recorded)
{
	choose_table(plan, TARGET_MESSAGES, recorded, NUM_FIELDS);
	choose_table(plan, TARGET_CONVERSATIONS, recorded, FIELD_CONVERSATION);
	if (plan->has_media)
		choose_table(plan, TARGET_MEDIA, recorded, FIELD_MEDIA);
	else
		plan->uses[TARGET_MEDIA] = false;
	for (TargetTable table = TARGET_TRACE; table < NUM_TARGETS; table++)
		choose_table(plan, table, recorded, NUM_FIELDS);
}

/* referring: the messages' field that refers to the table. */
static void
choose_table(MigrationPlan *plan, TargetTable table,
			 const LedgerTargets *recorded, Field referring)
{
	const DestinationTable *named = &plan->destination.tables[table];
	bool by_messages = referring != NUM_FIELDS &&
					   OidIsValid(plan->tables[TARGET_MESSAGES]) &&
					   !plan->created[TARGET_MESSAGES];
	bool by_name;
	Oid found;

	/* one that a rollback had to keep may have been dropped since */
	if (OidIsValid(recorded->tables[table]) &&
		(recorded->migrated || get_rel_name(recorded->tables[table]) != NULL))
	{
		plan->created[table] = recorded->created[table];
		plan->tables[table] = recorded->tables[table];
		chatmig_plan_check_exists(plan, table);
		use_table(plan, table, recorded->tables[table]);
		return;
	}
	if (recorded->migrated)
		chatmig_plan_check_recorded(plan, table);
	if (recorded->migrated || named->is_none)
		plan->uses[table] = false;
	if (!plan->uses[table])
		return;
	found = named->is_named
				? get_relname_relid(plan->table_names[table],
									get_namespace_oid(plan->schema, false))
				: InvalidOid;
	by_name = OidIsValid(found);
	if (!by_name && by_messages)
		found = chatmig_existing_referred(plan, referring);
	if (OidIsValid(found) && table < NUM_ID_TARGETS)
	{
		char *looked_up = plan->table_names[table];

		use_table(plan, table, found);
		if (by_name && strcmp(looked_up, plan->table_names[table]) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("table \"%s\" was renamed meanwhile", looked_up),
					 errdetail("It is %s now.", plan->qualified[table]),
					 errhint("Nothing has been changed; call this again.")));
	}
	else if (by_messages && !named->is_named)
		plan->uses[table] = false;
}

/*
 * The user may have renamed it, and may do so until it is locked: what is
 * recorded and what is written must be the same table.
 */
static void
use_table(MigrationPlan *plan, TargetTable table, Oid relid)
{
	char *name;

	LockRelationOid(relid, AccessShareLock);
	name = get_rel_name(relid);
	if (name == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table %s was dropped meanwhile", plan->qualified[table]),
			 errdetail("Migration \"%s\" would fill it.", plan->name),
			 errhint("Nothing has been changed; call this again.")));
	plan->tables[table] = relid;
	plan->table_names[table] = name;
	plan->qualified[table] = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), plan->table_names[table]);
	if (plan->created[table])
		return;
	chatmig_plan_check_single(plan, table);
	chatmig_plan_check_rights(plan, relid, plan->qualified[table]);
}

/* What others refer to first: ids must be of the same type. */
static void
resolve_columns(MigrationPlan *plan, const LedgerTargets *recorded)
{
	static const TargetTable order[] = {TARGET_CONVERSATIONS, TARGET_MEDIA,
										TARGET_MESSAGES};

	for (int i = 0; i < lengthof(order); i++)
		if (plan->uses[order[i]] && OidIsValid(plan->tables[order[i]]) &&
			!plan->created[order[i]])
			chatmig_existing_resolve(plan, order[i],
									 recorded->columns[order[i]]);
	/* a medium that no message could point to is kept as metadata */
	if (plan->fields[TARGET_MESSAGES] != NULL &&
		plan->fields[TARGET_MESSAGES][FIELD_MEDIA].name == NULL)
		plan->uses[TARGET_MEDIA] = false;
	plan->has_media = plan->uses[TARGET_MEDIA];
}

static void
choose_id_types(MigrationPlan *plan)
{
	static const Field referring[NUM_ID_TARGETS] = {
		[TARGET_CONVERSATIONS] = FIELD_CONVERSATION,
		[TARGET_MESSAGES] = FIELD_REPLY_TO,
		[TARGET_MEDIA] = FIELD_MEDIA};
	const Column *fields = plan->fields[TARGET_MESSAGES];

	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
	{
		if (OidIsValid(plan->id_types[table]))
			continue;
		plan->id_types[table] = plan->options.id_type;
		if (fields != NULL && fields[referring[table]].name != NULL)
			plan->id_types[table] =
				chatmig_existing_id_type(fields[referring[table]].type);
	}
	if (!plan->uses[TARGET_CONVERSATIONS] &&
		(plan->id_types[TARGET_CONVERSATIONS] == INT4OID ||
		 plan->id_types[TARGET_CONVERSATIONS] == INT8OID))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg(
				 "the conversations of %s are numbers, and no table gives them",
				 plan->qualified[TARGET_MESSAGES]),
			 errdetail("Its column %s refers to no table.",
					   chatmig_relation_column(plan, TARGET_MESSAGES,
											   FIELD_CONVERSATION)),
			 errhint(
				 "Name the table of conversations: target => '{\"conversations\": \"...\"}'; one that does not exist is created.")));
}

/* Whose conversation it is must be said somewhere. */
static void
check_group(const MigrationPlan *plan)
{
	static const struct
	{
		Part part;
		Field field;
	} parts[] = {{PART_OWNER, FIELD_OWNER},
				 {PART_COUNTERPART, FIELD_COUNTERPART}};

	for (int i = 0; i < lengthof(parts); i++)
	{
		const char *name = chatmig_part_names[parts[i].part];

		if (!HAS_PART(plan->mapping, parts[i].part) ||
			(plan->uses[TARGET_CONVERSATIONS] &&
			 chatmig_relation_column(plan, TARGET_CONVERSATIONS,
									 parts[i].field) != NULL) ||
			(plan->fields[TARGET_MESSAGES] != NULL &&
			 chatmig_relation_column(plan, TARGET_MESSAGES, parts[i].field) !=
				 NULL))
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("there is no column for the %s in %s", name,
					plan->uses[TARGET_CONVERSATIONS]
						? plan->qualified[TARGET_CONVERSATIONS]
						: plan->qualified[TARGET_MESSAGES]),
			 errdetail(
				 "Migration \"%s\" has one: column \"%s\" of %s, of type %s, which a column there must be able to hold.",
				 plan->name, plan->mapping->parts[parts[i].part].name,
				 plan->source_name,
				 format_type_be(plan->mapping->parts[parts[i].part].type)),
			 errhint(
				 "Name it in target: {\"conversations\": {\"table\": \"...\", \"columns\": {\"%s\": \"...\"}}}. Or say mapping => '{\"%s\": null}', and it is kept as metadata.",
				 name, name)));
	}
}

/* Rows that stay are named by their key, which must be their id. */
static void
check_in_place(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;

	if (plan->tables[TARGET_MESSAGES] != plan->source)
		return;
	if (mapping->shape == SHAPE_FLAT && mapping->nkeys == 1 &&
		mapping->keys[0].attnum ==
			plan->fields[TARGET_MESSAGES][FIELD_ID].attnum)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("the rows of %s cannot stay where they are", plan->source_name),
		 errdetail(
			 "Its rows can become messages in place if each is one message (shape flat) and its key is the message's id."),
		 errhint(
			 "Name another table for the messages: target => '{\"messages\": \"...\"}'; one that does not exist is created.")));
}

/* Where rows stay, what tells their conversation is filled, and not read. */
static void
forget_session(MigrationPlan *plan)
{
	const Column *fields = plan->fields[TARGET_MESSAGES];
	Column *session = &plan->mapping->parts[PART_SESSION];

	if (plan->tables[TARGET_MESSAGES] != plan->source ||
		session->name == NULL ||
		session->attnum != fields[FIELD_CONVERSATION].attnum)
		return;
	MemSet(session, 0, sizeof(Column));
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->fields[table] != NULL)
			plan->fields[table][FIELD_SESSION].name = NULL;
}

static void
describe_messages(MigrationPlan *plan)
{
	const Column *fields = plan->fields[TARGET_MESSAGES];
	const Mapping *mapping = plan->mapping;
	int32 precision;

	plan->in_place = plan->tables[TARGET_MESSAGES] == plan->source;
	plan->has_position = fields == NULL || fields[FIELD_POSITION].name != NULL;
	precision = fields == NULL || fields[FIELD_CREATED_AT].typmod < 0
					? MAX_TIMESTAMP_PRECISION
					: fields[FIELD_CREATED_AT].typmod;
	plan->time_precision = precision;
	plan->time_step = 1;
	for (int i = precision; i < MAX_TIMESTAMP_PRECISION; i++)
		plan->time_step *= 10;
	/* ids that are numbers grow, and keep the order of flat messages */
	plan->keeps_apart = !plan->has_position && !plan->in_place &&
						(mapping->shape == SHAPE_PAIR ||
						 (mapping->shape == SHAPE_FLAT &&
						  (plan->id_types[TARGET_MESSAGES] == UUIDOID ||
						   plan->id_types[TARGET_MESSAGES] == TEXTOID)));
	plan->session_is_left =
		fields != NULL && !plan->in_place && !has_place_for_session(plan);
	plan->has_leftovers =
		fields != NULL && !plan->in_place &&
		(fields[FIELD_METADATA].name == NULL ||
		 (HAS_MEDIA(mapping) && !plan->has_media) ||
		 (HAS_MEDIA(mapping) && plan->fields[TARGET_MEDIA] != NULL &&
		  plan->fields[TARGET_MEDIA][FIELD_TYPE].name == NULL) ||
		 (HAS_PART(mapping, PART_MODEL) && fields[FIELD_MODEL].name == NULL) ||
		 (HAS_PART(mapping, PART_TOKENS) &&
		  fields[FIELD_TOKENS].name == NULL) ||
		 plan->session_is_left);
	chatmig_role_values(plan);
}

/* Without positions and times, only ids that count could keep it. */
static void
check_order(const MigrationPlan *plan)
{
	Oid id = plan->id_types[TARGET_MESSAGES];

	if (plan->has_position || plan->in_place || id == INT4OID ||
		id == INT8OID || plan->mapping->time_kind != TIME_NONE)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
		 errmsg("nothing in %s would keep the order of the messages",
				plan->qualified[TARGET_MESSAGES]),
		 errdetail("%s has no times, and %s has no column for the position.",
				   plan->source_name, plan->qualified[TARGET_MESSAGES]),
		 errhint(
			 "ALTER TABLE %s ADD COLUMN \"position\" int; or let chatmig create the table for the messages.",
			 plan->qualified[TARGET_MESSAGES])));
}

/* Of all that is read beside the source. The snapshot comes afterwards. */
static void
lock_children(const MigrationPlan *plan)
{
	List *relids = NIL;
	ListCell *lc;

	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (plan->uses[table] && OidIsValid(plan->tables[table]))
			relids = lappend_oid(relids, plan->tables[table]);
	if (OidIsValid(plan->owner_table.relid))
		relids = lappend_oid(relids, plan->owner_table.relid);
	foreach(lc, plan->links)
		relids = lappend_oid(relids, ((LinkTable *) lfirst(lc))->relid);
	chatmig_snapshot_lock(relids);
}

static bool
has_place_for_session(const MigrationPlan *plan)
{
	const TargetTable conversations = TARGET_CONVERSATIONS;

	if (!HAS_PART(plan->mapping, PART_SESSION))
		return true;
	return (plan->uses[conversations] &&
			(chatmig_relation_column(plan, conversations, FIELD_METADATA) !=
				 NULL ||
			 chatmig_relation_column(plan, conversations, FIELD_SESSION) !=
				 NULL)) ||
		   chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_SESSION) !=
			   NULL;
}

/*
 * Of rows that stay, without what the migration itself changes, or has changed
 * by the triggers of the application.
 */
static char *
fingerprint(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	const Column *fields = plan->fields[TARGET_MESSAGES];
	StringInfoData columns;

	if (!plan->in_place)
		return psprintf("%s.chatmig_fingerprint(s.*)", chatmig_ledger_schema());
	initStringInfo(&columns);
	for (int i = 0; i < mapping->ncolumns; i++)
	{
		AttrNumber attnum = mapping->columns[i].attnum;

		if (attnum == fields[FIELD_CONVERSATION].attnum ||
			attnum == fields[FIELD_POSITION].attnum ||
			says_when_changed(&mapping->columns[i]))
			continue;
		appendStringInfo(&columns, "%ss.%s", columns.len > 0 ? ", " : "",
						 quote_identifier(mapping->columns[i].name));
	}
	return psprintf(
		"(SELECT %s.chatmig_fingerprint(f.*) FROM (SELECT %s) AS f)",
		chatmig_ledger_schema(), columns.data);
}

/* A time, with a name that conversations have for that of the last change. */
static bool
says_when_changed(const Column *column)
{
	Oid type = getBaseType(column->type);
	int n;
	const FieldDefinition *definitions =
		chatmig_field_definitions(TARGET_CONVERSATIONS, &n);
	char *name = psprintf(" %s ", chatmig_vocabulary_normalise(column->name));

	if (type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		return false;
	for (int i = 0; i < n; i++)
		if (definitions[i].field == FIELD_UPDATED_AT)
			return strstr(definitions[i].synonyms, name) != NULL;
	return false;
}
