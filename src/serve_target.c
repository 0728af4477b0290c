/*
 * serve_target.c
 *	  What serving knows of the tables that a migration filled.
 *
 * In: the ledger's rows. Out: for each table its name and which of its columns
 * are for what. Reads the ledger and catalogs, takes no lock on the tables,
 * asks for no right on them: the statements that are built of this do. Checks
 * of the roles' column are evaluated as the table's owner: who only reads must
 * not run what they call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "caller.h"
#include "columns.h"
#include "keys.h"
#include "plan.h"
#include "role_values.h"
#include "serve_target.h"
#include "vocabulary.h"

/* What a target is made from. */
typedef struct Source
{
	Registration *registration;
	LedgerTargets recorded;
	MigrationPlan *plan; /* only as much of it as columns.c and role_values.c
						  * look at */
	ServeTarget *target;
} Source;

static void load(Source *source, const char *migration);
static MigrationPlan *partial_plan(const Source *source);
static void describe_table(Source *source, TargetTable table);
static void table_is_gone(const Source *source, TargetTable table)
	pg_attribute_noreturn();
static void describe_created(Source *source, TargetTable table);
static void describe_recorded(Source *source, TargetTable table);
static void find_others(Source *source, TargetTable table);
static bool is_none(const Source *source, TargetTable table, Field field);
static AttrNumber column_count(const Source *source, TargetTable table);
static bool holds(FieldKind kind, Oid type);
static bool is_taken(const ServeTable *table, const char *quoted);
static void find_media(Source *source);
static void describe_column(ServeTable *table, Field field, const char *name);
static char *equality(Oid type);
static void check_required(const Source *source, TargetTable table);
static void describe_roles(Source *source);
static void note_domains(ServeTarget *target, Oid type);
static void add_spelling(const char *name, const char *value, void *state);
static void describe_times(Source *source);
static int time_digits(const ServeTarget *target, TargetTable table,
					   Field field);

ServeTarget *
chatmig_serve_target_make(const char *migration)
{
	Source source = {.target = palloc0(sizeof(ServeTarget))};

	load(&source, migration);
	source.target->migration = pstrdup(migration);
	source.target->context = CurrentMemoryContext;
	source.plan = partial_plan(&source);
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (OidIsValid(source.recorded.tables[table]))
			describe_table(&source, table);
	for (TargetTable table = 0; table < TARGET_MEDIA; table++)
		if (OidIsValid(source.target->tables[table].relid))
			find_others(&source, table);
	if (!OidIsValid(source.target->tables[TARGET_MEDIA].relid))
		find_media(&source);
	describe_roles(&source);
	describe_times(&source);
	return source.target;
}

static void
load(Source *source, const char *migration)
{
	source->registration = chatmig_ledger_get(migration);
	chatmig_ledger_load_targets(migration, &source->recorded);
	if (source->recorded.migrated)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration \"%s\" has not been run", migration),
			 errdetail("There are no tables to serve conversations from."),
			 errhint("SELECT * FROM chatmig_migrate(%s) fills them.",
					 quote_literal_cstr(migration))));
}

static MigrationPlan *
partial_plan(const Source *source)
{
	Jsonb *mapping = source->registration->mapping;
	MigrationPlan *plan = palloc0(sizeof(MigrationPlan));
	char *owner = chatmig_arguments_string(mapping, "mapping",
										   chatmig_part_names[PART_OWNER]);
	char *counterpart = chatmig_arguments_string(
		mapping, "mapping", chatmig_part_names[PART_COUNTERPART]);

	plan->name = source->registration->name;
	plan->mapping = palloc0(sizeof(Mapping));
	chatmig_options_parse(source->registration->options, &plan->options);
	chatmig_destination_parse(source->registration->target, &plan->destination);
	if (owner != NULL)
		plan->owner_column = chatmig_columns_group_name(owner);
	if (counterpart != NULL)
		plan->counterpart_column = chatmig_columns_group_name(counterpart);
	/* names are asked for, not types */
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		plan->id_types[table] = UUIDOID;
	return plan;
}

static void
describe_table(Source *source, TargetTable table)
{
	ServeTable *served = &source->target->tables[table];
	Oid relid = source->recorded.tables[table];
	char *name = get_rel_name(relid);

	if (name == NULL)
		table_is_gone(source, table);
	served->relid = relid;
	served->name = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), name);
	if (source->recorded.created[table])
		describe_created(source, table);
	else
		describe_recorded(source, table);
	check_required(source, table);
}

static void
table_is_gone(const Source *source, TargetTable table)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("the %s table of migration \"%s\" does not exist",
					chatmig_target_names[table], source->target->migration),
			 errdetail("It had the OID %u and has been dropped.",
					   source->recorded.tables[table]),
			 errhint("Restore it from a dump, or call "
					 "chatmig_rollback(%s) and migrate again.",
					 quote_literal_cstr(source->target->migration))));
}

static void
describe_created(Source *source, TargetTable table)
{
	TargetColumns columns;

	chatmig_columns_list(source->plan, table, &columns);
	for (int i = 0; i < columns.n; i++)
		describe_column(&source->target->tables[table],
						columns.columns[i].field, columns.columns[i].name);
}

static void
describe_recorded(Source *source, TargetTable table)
{
	Jsonb *recorded = source->recorded.columns[table];
	int n;
	const FieldDefinition *definitions = chatmig_field_definitions(table, &n);

	for (int i = 0; i < n && recorded != NULL; i++)
	{
		char *name = chatmig_arguments_string(
			recorded, "columns", chatmig_field_names[definitions[i].field]);

		if (name != NULL)
			describe_column(&source->target->tables[table],
							definitions[i].field, name);
	}
}

/*
 * Columns that the migration had nothing for, and that the application fills:
 * by their usual names.
 */
static void
find_others(Source *source, TargetTable table)
{
	ServeTable *served = &source->target->tables[table];
	AttrNumber last = column_count(source, table);
	int n;
	const FieldDefinition *definitions = chatmig_field_definitions(table, &n);

	for (int i = 0; i < n; i++)
	{
		const FieldDefinition *definition = &definitions[i];

		/* whose they are was for the migration to say */
		if (definition->kind == KIND_PART ||
			is_none(source, table, definition->field) ||
			served->columns[definition->field].name != NULL ||
			definition->field == FIELD_POSITION)
			continue;
		for (AttrNumber attnum = 1; attnum <= last; attnum++)
		{
			char *name = get_attname(served->relid, attnum, true);
			Oid type = name ? get_atttype(served->relid, attnum) : InvalidOid;

			if (OidIsValid(type) && holds(definition->kind, type) &&
				!is_taken(served, quote_identifier(name)) &&
				strstr(definition->synonyms,
					   psprintf(" %s ", chatmig_vocabulary_normalise(name))))
			{
				describe_column(served, definition->field, name);
				break;
			}
		}
	}
}

/* The user has said that there shall be no such column. */
static bool
is_none(const Source *source, TargetTable table, Field field)
{
	const DestinationTable *named = &source->plan->destination.tables[table];

	return named->has_column[field] && named->columns[field] == NULL;
}

static AttrNumber
column_count(const Source *source, TargetTable table)
{
	Oid relid = source->target->tables[table].relid;
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber result;

	if (!HeapTupleIsValid(tuple))
		table_is_gone(source, table);
	result = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return result;
}

static bool
holds(FieldKind kind, Oid type)
{
	Oid base = getBaseType(type);
	bool is_text = base == TEXTOID || base == VARCHAROID || base == BPCHAROID;
	bool is_integer = base == INT2OID || base == INT4OID || base == INT8OID;

	switch (kind)
	{
		case KIND_ID:
		case KIND_REFERENCE:
			return is_text || is_integer || base == UUIDOID;
		case KIND_TEXT:
			return is_text;
		case KIND_INTEGER:
			return is_integer;
		case KIND_JSON:
			return base == JSONOID || base == JSONBOID;
		case KIND_BOOLEAN:
			return base == BOOLOID;
		case KIND_TIME:
			return base == TIMESTAMPOID || base == TIMESTAMPTZOID;
		case KIND_PART:
		case KIND_ROLE:
			break;
	}
	return false;
}

static bool
is_taken(const ServeTable *table, const char *quoted)
{
	for (Field field = 0; field < NUM_NAMED_FIELDS; field++)
		if (table->columns[field].name != NULL &&
			strcmp(table->columns[field].name, quoted) == 0)
			return true;
	return false;
}

/* Where no medium was migrated, the messages' foreign key says where they go.
 */
static void
find_media(Source *source)
{
	const ServeTable *messages = &source->target->tables[TARGET_MESSAGES];
	ServeTable *media = &source->target->tables[TARGET_MEDIA];
	const ServeTable *conversations =
		&source->target->tables[TARGET_CONVERSATIONS];
	const ServeColumn *reference = &messages->columns[FIELD_MEDIA];
	const ServeColumn *owner = &conversations->columns[FIELD_OWNER];
	Oid relid = reference->name == NULL
					? InvalidOid
					: chatmig_keys_target(messages->relid, reference->attnum);
	char *name;

	if (!OidIsValid(relid) || relid == messages->relid ||
		relid == conversations->relid)
		return;
	media->relid = relid;
	media->name = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	find_others(source, TARGET_MEDIA);
	/* whose medium it is, by the name that conversations have for that */
	name = owner->name == NULL
			   ? NULL
			   : get_attname(conversations->relid, owner->attnum, true);
	if (name != NULL)
		describe_column(media, FIELD_OWNER, name);
	if (media->columns[FIELD_ID].name == NULL ||
		media->columns[FIELD_URL].name == NULL)
		media->relid = InvalidOid;
}

/* One that has been dropped since is not there; nor is one that is generated.
 */
static void
describe_column(ServeTable *table, Field field, const char *name)
{
	HeapTuple tuple = SearchSysCacheAttName(table->relid, name);
	ServeColumn *column = &table->columns[field];
	Form_pg_attribute form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	if (form->attgenerated == '\0')
	{
		column->name = pstrdup(quote_identifier(name));
		column->attnum = form->attnum;
		column->type = form->atttypid;
		column->typmod = form->atttypmod;
		column->collation = form->attcollation;
		column->not_null = form->attnotnull;
		column->has_default = form->atthasdef || form->attidentity != '\0';
		column->equals = equality(form->atttypid);
	}
	ReleaseSysCache(tuple);
}

/* Types that cannot be compared are not asked for by value: json. */
static char *
equality(Oid type)
{
	Oid base = getBaseType(type);

	return base == JSONOID ? pstrdup("=") : chatmig_plan_equality(type);
}

static void
check_required(const Source *source, TargetTable table)
{
	const ServeTable *served = &source->target->tables[table];
	int n;
	const FieldDefinition *definitions = chatmig_field_definitions(table, &n);

	for (int i = 0; i < n; i++)
	{
		const char *field = chatmig_field_names[definitions[i].field];

		if (!definitions[i].is_required ||
			served->columns[definitions[i].field].name != NULL)
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("%s has no longer a column for the %s", served->name,
					field),
			 errdetail("Migration \"%s\" has filled one.",
					   source->target->migration),
			 errhint(
				 "If it was renamed, give it its name back; if it was dropped, restore it from a dump.")));
	}
}

static void
describe_roles(Source *source)
{
	const TargetTable table = TARGET_MESSAGES;
	const ServeTable *messages = &source->target->tables[table];
	const ServeColumn *role = &messages->columns[FIELD_ROLE];
	MigrationPlan *plan = source->plan;
	Column *fields = palloc0(sizeof(Column) * NUM_FIELDS);

	if (source->recorded.created[table])
	{
		for (Role i = 0; i < NUM_ROLES; i++)
			source->target->roles[i] = pstrdup(chatmig_role_names[i]);
		return;
	}
	chatmig_arguments_each(source->registration->mapping, "mapping", "roles",
						   add_spelling, source->target);
	fields[FIELD_ROLE].name = get_attname(messages->relid, role->attnum, false);
	fields[FIELD_ROLE].attnum = role->attnum;
	fields[FIELD_ROLE].type = role->type;
	fields[FIELD_ROLE].typmod = role->typmod;
	note_domains(source->target, role->type);
	plan->fields[table] = fields;
	plan->source_owner = chatmig_caller_owner(messages->relid);
	plan->tables[table] = messages->relid;
	plan->qualified[table] = messages->name;
	chatmig_role_values_find(plan, source->target->spellings,
							 source->target->nspellings);
	for (Role i = 0; i < NUM_ROLES; i++)
		source->target->roles[i] = plan->role_values[i];
}

/* Their constraints may change; a table's are the table's own. */
static void
note_domains(ServeTarget *target, Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	while (HeapTupleIsValid(tuple))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
		Oid base = form->typbasetype;
		bool is_domain = form->typtype == TYPTYPE_DOMAIN;

		ReleaseSysCache(tuple);
		if (!is_domain)
			return;
		target->role_types = lappend_int(
			target->role_types,
			(int) GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)));
		type = base;
		tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	}
}

static void
add_spelling(const char *name, const char *value, void *state)
{
	ServeTarget *target = state;
	Role role;

	if (!chatmig_role_parse(value, &role))
		return;
	target->spellings =
		target->spellings == NULL
			? palloc(sizeof(RoleSpelling))
			: repalloc(target->spellings,
					   sizeof(RoleSpelling) * (target->nspellings + 1));
	target->spellings[target->nspellings].spelling = pstrdup(name);
	target->spellings[target->nspellings++].role = role;
}

static void
describe_times(Source *source)
{
	ServeTarget *target = source->target;
	int digits = time_digits(target, TARGET_MESSAGES, FIELD_CREATED_AT);

	target->time_zone = source->plan->options.time_zone;
	target->updated_at_is_fine =
		time_digits(target, TARGET_CONVERSATIONS, FIELD_UPDATED_AT) >= digits;
	target->time_step = 1;
	for (int i = digits; i < MAX_TIMESTAMP_PRECISION; i++)
		target->time_step *= 10;
}

/* Of a second, that the column keeps. */
static int
time_digits(const ServeTarget *target, TargetTable table, Field field)
{
	int32 typmod = target->tables[table].columns[field].typmod;

	return typmod < 0 ? MAX_TIMESTAMP_PRECISION : typmod;
}
