/*
 * existing.c
 *	  Tables that were there before: which of their columns are for what.
 *
 * In: a table that the user named in target, and what it is for. Out: for each
 * field the column that is filled, if any. What the user named stands; what is
 * left out is found by name, type and foreign key, and taken only if it can
 * hold what comes. Reads catalogs alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "existing.h"
#include "existing_check.h"
#include "keys.h"
#include "vocabulary.h"

/* A table while its columns are being found. */
typedef struct Search
{
	MigrationPlan *plan;
	TargetTable table;
	Relation rel;
	Jsonb *recorded; /* NULL: this is the first run */
	Column *fields;  /* found so far */
} Search;

static Relation open_table(const MigrationPlan *plan, TargetTable table);
static bool is_wanted(const Search *search, const FieldDefinition *definition);
static void find_column(Search *search, const FieldDefinition *definition);
static bool take_named(Search *search, const FieldDefinition *definition);
static Form_pg_attribute find_by_reference(const Search *search,
										   const FieldDefinition *definition);
static Form_pg_attribute find_by_name(const Search *search,
									  const FieldDefinition *definition,
									  const char *names);
static bool fits(const Search *search, const FieldDefinition *definition,
				 Form_pg_attribute attribute);
static bool holds_part(const Column *source, Oid type);
static bool holds_reference(const MigrationPlan *plan, TargetTable refers,
							Oid type);
static bool is_string(Oid type);
static bool is_used(const Search *search, AttrNumber attnum);
static void take(Search *search, Field field, Form_pg_attribute attribute);
static void refuse_missing(const Search *search, const char *field);
static void refuse_type(const Search *search, const char *field,
						Form_pg_attribute attribute);

void
chatmig_existing_resolve(MigrationPlan *plan, TargetTable table,
						 Jsonb *recorded)
{
	int n;
	const FieldDefinition *definitions = chatmig_field_definitions(table, &n);
	Search search = {.plan = plan,
					 .table = table,
					 .rel = open_table(plan, table),
					 .recorded = recorded,
					 .fields = palloc0(sizeof(Column) * NUM_FIELDS)};

	/* what was named first: nothing else may take those columns */
	for (int i = 0; i < n; i++)
		if (is_wanted(&search, &definitions[i]))
			(void) take_named(&search, &definitions[i]);
	for (int i = 0; i < n; i++)
		if (is_wanted(&search, &definitions[i]))
			find_column(&search, &definitions[i]);
	for (int i = 0; i < n; i++)
		if (definitions[i].is_required &&
			search.fields[definitions[i].field].name == NULL)
			refuse_missing(&search, chatmig_field_names[definitions[i].field]);
	plan->fields[table] = search.fields;
	plan->id_types[table] =
		chatmig_existing_id_type(search.fields[FIELD_ID].type);
	chatmig_existing_check(plan, table, RelationGetDescr(search.rel));
	table_close(search.rel, NoLock); /* nobody alters it before the run */
}

Oid
chatmig_existing_referred(const MigrationPlan *plan, Field field)
{
	int n;
	const FieldDefinition *definitions =
		chatmig_field_definitions(TARGET_MESSAGES, &n);
	Search search = {.plan = unconstify(MigrationPlan *, plan),
					 .table = TARGET_MESSAGES,
					 .rel = open_table(plan, TARGET_MESSAGES),
					 .fields = palloc0(sizeof(Column) * NUM_FIELDS)};
	Oid result = InvalidOid;

	for (int i = 0; i < n; i++)
	{
		if (definitions[i].field != field)
			continue;
		find_column(&search, &definitions[i]);
		if (search.fields[field].name != NULL)
			result = chatmig_keys_target(plan->tables[TARGET_MESSAGES],
										 search.fields[field].attnum);
	}
	table_close(search.rel, NoLock);
	return result;
}

Jsonb *
chatmig_existing_record(const MigrationPlan *plan, TargetTable table)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (Field field = 0; field < NUM_NAMED_FIELDS; field++)
	{
		const char *strings[] = {chatmig_field_names[field],
								 plan->fields[table][field].name};

		for (int i = 0; i < lengthof(strings) && strings[1] != NULL; i++)
		{
			JsonbValue value = {.type = jbvString};

			value.val.string.val = unconstify(char *, strings[i]);
			value.val.string.len = strlen(strings[i]);
			pushJsonbValue(&state, i == 0 ? WJB_KEY : WJB_VALUE, &value);
		}
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static Relation
open_table(const MigrationPlan *plan, TargetTable table)
{
	Relation rel = table_open(plan->tables[table], AccessShareLock);
	char kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s cannot be filled", plan->qualified[table]),
			 errdetail("It is no table. Migration \"%s\" has it as its %s.",
					   plan->name, chatmig_target_names[table]),
			 errhint("Name the table behind it, or another one, in target.")));
	return rel;
}

/* Columns for what the source does not have are the application's to fill. */
static bool
is_wanted(const Search *search, const FieldDefinition *definition)
{
	const MigrationPlan *plan = search->plan;

	switch (definition->field)
	{
		case FIELD_OWNER:
			return plan->owner_column != NULL;
		case FIELD_COUNTERPART:
			return plan->counterpart_column != NULL;
		case FIELD_SESSION:
			return HAS_PART(plan->mapping, PART_SESSION);
		case FIELD_MEDIA:
			return plan->has_media;
		case FIELD_MODEL:
			return HAS_PART(plan->mapping, PART_MODEL) ||
				   plan->mapping->shape == SHAPE_TRANSCRIPT;
		case FIELD_TOKENS:
			return HAS_PART(plan->mapping, PART_TOKENS);
		default:
			return true;
	}
}

static void
find_column(Search *search, const FieldDefinition *definition)
{
	Form_pg_attribute found = NULL;

	if (take_named(search, definition))
		return;
	found = find_by_reference(search, definition);
	if (found == NULL && definition->part != NUM_PARTS)
		found = find_by_name(
			search, definition,
			psprintf(" %s ",
					 chatmig_vocabulary_normalise(
						 search->plan->mapping->parts[definition->part].name)));
	if (found == NULL)
		found = find_by_name(search, definition, definition->synonyms);
	if (found != NULL)
		take(search, definition->field, found);
}

/* True if the first run or the user has said it, be it that there is none. */
static bool
take_named(Search *search, const FieldDefinition *definition)
{
	const DestinationTable *named =
		&search->plan->destination.tables[search->table];
	const char *field = chatmig_field_names[definition->field];
	const char *name = named->columns[definition->field];
	AttrNumber attnum;

	if (search->recorded != NULL)
		name = chatmig_arguments_string(search->recorded, "columns", field);
	else if (!named->has_column[definition->field])
		return false;
	if (name == NULL || search->fields[definition->field].name != NULL)
		return true;
	attnum = get_attnum(RelationGetRelid(search->rel), name);
	if (attnum <= 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s does not exist", name,
					search->plan->qualified[search->table]),
			 errdetail("Migration \"%s\" fills it as the %s.",
					   search->plan->name, field),
			 errhint(
				 search->recorded
					 ? "If it was renamed, give it its name back; if it was dropped, roll the migration back."
					 : "Register again with the right name in target.")));
	if (!fits(search, definition,
			  TupleDescAttr(RelationGetDescr(search->rel), attnum - 1)))
		refuse_type(search, field,
					TupleDescAttr(RelationGetDescr(search->rel), attnum - 1));
	take(search, definition->field,
		 TupleDescAttr(RelationGetDescr(search->rel), attnum - 1));
	return true;
}

/* A column whose foreign key leads where the field's must lead. */
static Form_pg_attribute
find_by_reference(const Search *search, const FieldDefinition *definition)
{
	TupleDesc desc = RelationGetDescr(search->rel);
	Oid to = InvalidOid;

	if (definition->kind == KIND_REFERENCE)
		to = search->plan->tables[definition->refers];
	else if (definition->kind == KIND_PART)
		to = chatmig_keys_target(
			search->plan->source,
			search->plan->mapping->parts[definition->part].attnum);
	if (!OidIsValid(to))
		return NULL;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && fits(search, definition, attribute) &&
			!is_used(search, attribute->attnum) &&
			chatmig_keys_target(RelationGetRelid(search->rel),
								attribute->attnum) == to)
			return attribute;
	}
	return NULL;
}

/* The likeliest name first; of columns that could hold it. */
static Form_pg_attribute
find_by_name(const Search *search, const FieldDefinition *definition,
			 const char *names)
{
	TupleDesc desc = RelationGetDescr(search->rel);
	Form_pg_attribute best = NULL;
	const char *best_at = NULL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *at;

		if (attribute->attisdropped || is_used(search, attribute->attnum) ||
			!fits(search, definition, attribute))
			continue;
		at = strstr(names, psprintf(" %s ", chatmig_vocabulary_normalise(
												NameStr(attribute->attname))));
		if (at != NULL && (best == NULL || at < best_at))
		{
			best = attribute;
			best_at = at;
		}
	}
	return best;
}

static bool
fits(const Search *search, const FieldDefinition *definition,
	 Form_pg_attribute attribute)
{
	const MigrationPlan *plan = search->plan;
	Oid type = getBaseType(attribute->atttypid);
	bool is_integer = type == INT2OID || type == INT4OID || type == INT8OID;

	if (attribute->attgenerated != '\0' ||
		(attribute->attidentity != '\0' && definition->field != FIELD_ID))
		return false;
	switch (definition->kind)
	{
		case KIND_ID:
			return OidIsValid(chatmig_existing_id_type(type));
		case KIND_REFERENCE:
			return holds_reference(plan, definition->refers, type);
		case KIND_PART:
			return holds_part(&plan->mapping->parts[definition->part], type);
		case KIND_TEXT:
			/* a name is cut off, and the other loses blanks */
			return is_string(type) && type != NAMEOID &&
				   !(type == BPCHAROID && definition->field == FIELD_CONTENT);
		case KIND_ROLE:
			return is_string(type) || type_is_enum(type);
		case KIND_INTEGER:
			return is_integer;
		case KIND_JSON:
			return type == JSONOID || type == JSONBOID;
		case KIND_BOOLEAN:
			return type == BOOLOID;
		case KIND_TIME:
			return type == TIMESTAMPOID || type == TIMESTAMPTZOID;
	}
	return false;
}

static bool
holds_part(const Column *source, Oid type)
{
	Oid from = getBaseType(source->type);
	bool from_integer = from == INT2OID || from == INT4OID || from == INT8OID;
	bool to_integer = type == INT2OID || type == INT4OID || type == INT8OID;

	return type == from || (is_string(type) && is_string(from)) ||
		   (from_integer && to_integer);
}

/* Before the other table is known, anything that can be an id. */
static bool
holds_reference(const MigrationPlan *plan, TargetTable refers, Oid type)
{
	return OidIsValid(plan->tables[refers]) &&
				   OidIsValid(plan->id_types[refers])
			   ? chatmig_existing_id_type(type) == plan->id_types[refers]
			   : OidIsValid(chatmig_existing_id_type(type));
}

Oid
chatmig_existing_id_type(Oid type)
{
	Oid base = getBaseType(type);

	if (base == UUIDOID || base == INT4OID || base == INT8OID)
		return base;
	return is_string(base) ? TEXTOID : InvalidOid;
}

static bool
is_string(Oid type)
{
	char category;
	bool is_preferred;

	get_type_category_preferred(type, &category, &is_preferred);
	return category == TYPCATEGORY_STRING;
}

static bool
is_used(const Search *search, AttrNumber attnum)
{
	const DestinationTable *named =
		&search->plan->destination.tables[search->table];
	Oid relation = RelationGetRelid(search->rel);

	for (Field field = 0; field < NUM_FIELDS; field++)
		if (search->fields[field].name != NULL &&
			search->fields[field].attnum == attnum)
			return true;
	/* said to be for something else, also where nothing fills that */
	for (Field field = 0; field < NUM_NAMED_FIELDS; field++)
		if (named->columns[field] != NULL &&
			get_attnum(relation, named->columns[field]) == attnum)
			return true;
	return false;
}

static void
take(Search *search, Field field, Form_pg_attribute attribute)
{
	Column *column = &search->fields[field];

	column->name = pstrdup(NameStr(attribute->attname));
	column->attnum = attribute->attnum;
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	/* a domain has it from the type that it is of */
	(void) getBaseTypeAndTypmod(column->type, &column->typmod);
	column->collation = attribute->attcollation;
	column->not_null = chatmig_existing_not_null(attribute);
}

static void
refuse_missing(const Search *search, const char *field)
{
	const char *table = search->plan->qualified[search->table];

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
		 errmsg("no column of %s could be the %s", table, field),
		 errdetail(
			 "Migration \"%s\" would fill that table as its %s, which needs one.",
			 search->plan->name, chatmig_target_names[search->table]),
		 errhint(
			 "Name it: target => '{\"%s\": {\"table\": %s, \"columns\": {\"%s\": \"...\"}}}'; or name another table, which is created if it does not exist.",
			 chatmig_target_names[search->table],
			 chatmig_arguments_quote(search->plan->table_names[search->table]),
			 field)));
}

static void
refuse_type(const Search *search, const char *field,
			Form_pg_attribute attribute)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_DATATYPE_MISMATCH),
		 errmsg("column \"%s\" of %s cannot be the %s",
				NameStr(attribute->attname),
				search->plan->qualified[search->table], field),
		 errdetail("It has the type %s%s.",
				   format_type_with_typemod(attribute->atttypid,
											attribute->atttypmod),
				   attribute->attgenerated != '\0' ? " and is generated" : ""),
		 errhint("Name another column in target.")));
}
