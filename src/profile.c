/*
 * profile.c
 *	  A named mapping, target and options, laid under what a user wrote.
 *
 * In: a profile's name, a relation, and what the user wrote beside the name.
 * Out: what the user would have had to write without the profile. One profile
 * serves an application's older and newer tables, so that what it says and a
 * table does not have is left out here, and then detected; what the user wrote
 * is never left out. Writes nothing.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "caller.h"
#include "detect.h"
#include "ledger.h"
#include "mapping.h"
#include "profile.h"

#define KEY "key"
#define KEEP "keep"
#define ROLES "roles"
#define LINKS "links"
#define SCHEMA "schema"

/* Spellings of a profile, while those that do not fit are left out. */
typedef struct SpellingState
{
	Oid type; /* of the role column */
	int n;    /* that fit */
	JsonbParseState *fitting;
} SpellingState;

static Jsonb *not_overridden(Jsonb *profile, Jsonb *own);
static Jsonb *merge(Jsonb *below, Jsonb *above);
static Jsonb *without_columns(const Profile *profile, Relation rel);
static bool names_all(Relation rel, const Profile *profile, const char *key,
					  List *columns);
static Jsonb *without_kept(const Profile *profile, Relation rel,
						   Jsonb *mapping);
static Jsonb *without_spellings(Relation rel, Jsonb *mapping, Jsonb *known);
static char *role_column(Relation rel, Jsonb *mapping, Jsonb *known);
static char *detect_role(Relation rel, const Shape *shape, Jsonb *mapping);
static bool is_named(Jsonb *mapping, const char *column);
static void add_spelling(const char *spelling, const char *role, void *state);
static bool can_hold(Oid type, const char *spelling);
static Jsonb *without_links(const Profile *profile, Relation rel,
							Jsonb *target);
static bool link_fits(const Profile *profile, Relation rel, Jsonb *target,
					  const JsonbValue *link);
static Jsonb *replace(Jsonb *object, const char *key, JsonbValue *value);
static char *string_member(JsonbContainer *object, const char *key);
static bool has_column(Relation rel, const char *column);

Profile *
chatmig_profile_find(const char *name)
{
	Profile *profile = chatmig_ledger_find_profile(name);
	StringInfoData known;
	ListCell *lc;

	if (profile != NULL)
		return profile;
	initStringInfo(&known);
	foreach(lc, chatmig_ledger_profile_names())
		appendStringInfo(&known, "%s%s", known.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_OBJECT),
		 errmsg("profile \"%s\" does not exist", name),
		 errdetail("Known profiles: %s.", known.len > 0 ? known.data : "none"),
		 errhint(
			 "Name one of them; SELECT * FROM chatmig_profile says what they are for. Or leave it out and describe the table in mapping, target and options.")));
}

void
chatmig_profile_apply(Profile *profile, Relation rel, Jsonb *known,
					  Description *description)
{
	bool has_roles;

	profile->mapping = not_overridden(profile->mapping, description->mapping);
	profile->mapping = without_columns(profile, rel);
	has_roles = chatmig_arguments_given(profile->mapping, ROLES);
	description->mapping = merge(profile->mapping, description->mapping);
	if (has_roles && JB_ROOT_IS_OBJECT(description->mapping))
		description->mapping =
			without_spellings(rel, description->mapping, known);

	profile->target = not_overridden(profile->target, description->target);
	profile->target = without_links(profile, rel, description->target);
	description->target = merge(profile->target, description->target);

	description->options = merge(profile->options, description->options);
}

/* What the profile says of keys that the user has not written. */
static Jsonb *
not_overridden(Jsonb *profile, Jsonb *own)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue key;

	if (own == NULL || !JB_ROOT_IS_OBJECT(own))
		return profile;
	it = JsonbIteratorInit(&own->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
		if (token == WJB_KEY)
			profile = chatmig_arguments_without(
				profile, pnstrdup(key.val.string.val, key.val.string.len));
	return profile;
}

/* What is no object stays, to be refused by who knows what it should be. */
static Jsonb *
merge(Jsonb *below, Jsonb *above)
{
	if (above == NULL)
		return below;
	if (!JB_ROOT_IS_OBJECT(above))
		return above;
	return DatumGetJsonbP(DirectFunctionCall2(
		jsonb_concat, JsonbPGetDatum(below), JsonbPGetDatum(above)));
}

/* The profile's mapping, without the columns that the relation lacks. */
static Jsonb *
without_columns(const Profile *profile, Relation rel)
{
	Jsonb *mapping = profile->mapping;

	for (Part part = 0; part < NUM_PARTS; part++)
	{
		const char *name = chatmig_part_names[part];
		char *column = string_member(&mapping->root, name);

		if (column == NULL || names_all(rel, profile, name, list_make1(column)))
			continue;
		mapping = chatmig_arguments_without(mapping, name);
		/* the type of no medium; detection finds both or none */
		if (part == PART_MEDIA)
			mapping = chatmig_arguments_without(
				mapping, chatmig_part_names[PART_MEDIA_TYPE]);
	}
	if (!names_all(rel, profile, KEY,
				   chatmig_arguments_strings(mapping, "mapping", KEY)))
		mapping = chatmig_arguments_without(mapping, KEY);
	return without_kept(profile, rel, mapping);
}

/* Says which column there is not. */
static bool
names_all(Relation rel, const Profile *profile, const char *key, List *columns)
{
	ListCell *lc;

	foreach(lc, columns)
	{
		if (has_column(rel, lfirst(lc)))
			continue;
		ereport(
			NOTICE,
			(errmsg(
				 "column \"%s\" of \"%s\" does not exist: left out of profile \"%s\"",
				 (char *) lfirst(lc), RelationGetRelationName(rel),
				 profile->name),
			 errdetail("The profile names it as \"%s\"%s.", key,
					   strcmp(key, KEEP) == 0 ? ""
											  : ", which is now detected")));
		return false;
	}
	return true;
}

static Jsonb *
without_kept(const Profile *profile, Relation rel, Jsonb *mapping)
{
	JsonbParseState *state = NULL;
	ListCell *lc;

	if (!chatmig_arguments_given(mapping, KEEP))
		return mapping;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, chatmig_arguments_strings(mapping, "mapping", KEEP))
		if (names_all(rel, profile, KEEP, list_make1(lfirst(lc))))
			chatmig_arguments_push(&state, WJB_ELEM, lfirst(lc));
	return replace(mapping, KEEP, pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/*
 * The whole mapping, without those of its roles, which are the profile's, that
 * the role column can never hold: "lyra" is none in a boolean. Pairs have none.
 */
static Jsonb *
without_spellings(Relation rel, Jsonb *mapping, Jsonb *known)
{
	SpellingState state = {0};
	Shape shape;
	char *column;
	JsonbValue *fitting;

	if (chatmig_mapping_shape(mapping, &shape) && shape == SHAPE_PAIR)
		return chatmig_arguments_without(mapping, ROLES);
	column = role_column(rel, mapping, known);
	if (column == NULL || !has_column(rel, column))
		return mapping;
	state.type = getBaseType(get_atttype(
		RelationGetRelid(rel), get_attnum(RelationGetRelid(rel), column)));
	pushJsonbValue(&state.fitting, WJB_BEGIN_OBJECT, NULL);
	chatmig_arguments_each(mapping, "mapping", ROLES, add_spelling, &state);
	fitting = pushJsonbValue(&state.fitting, WJB_END_OBJECT, NULL);
	return state.n == 0 ? chatmig_arguments_without(mapping, ROLES)
						: replace(mapping, ROLES, fitting);
}

/* As named, as registered, or as detected; NULL: nobody knows. */
static char *
role_column(Relation rel, Jsonb *mapping, Jsonb *known)
{
	const char *name = chatmig_part_names[PART_ROLE];
	Shape shape;
	bool has_shape = chatmig_mapping_shape(mapping, &shape);

	if (chatmig_arguments_has(mapping, name))
		return chatmig_arguments_string(mapping, "mapping", name);
	if (known != NULL)
		return chatmig_arguments_string(known, "mapping", name);
	return detect_role(rel, has_shape ? &shape : NULL, mapping);
}

/* Detection may read rows, and a view may call anything for that. */
static char *
detect_role(Relation rel, const Shape *shape, Jsonb *mapping)
{
	Detection *found;
	RoleState role;
	List *columns = NIL;
	ListCell *lc;

	chatmig_caller_become(&role, rel->rd_rel->relowner);
	found = chatmig_detect_relation(rel, shape);
	chatmig_caller_resume(&role);
	foreach(lc, found->candidates[PART_ROLE])
		if (!is_named(mapping, lfirst(lc)))
			columns = lappend(columns, lfirst(lc));
	/* several are refused later */
	return list_length(columns) == 1 ? linitial(columns) : NULL;
}

static bool
is_named(Jsonb *mapping, const char *column)
{
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		char *named = string_member(&mapping->root, chatmig_part_names[part]);

		if (named != NULL && strcmp(named, column) == 0)
			return true;
	}
	return false;
}

static void
add_spelling(const char *spelling, const char *role, void *arg)
{
	SpellingState *state = arg;

	if (!can_hold(state->type, spelling))
		return;
	chatmig_arguments_push(&state->fitting, WJB_KEY, spelling);
	chatmig_arguments_push(&state->fitting, WJB_VALUE, role);
	state->n++;
}

/* Spellings are compared with the text that a value has. */
static bool
can_hold(Oid type, const char *spelling)
{
	switch (type)
	{
		case BOOLOID:
			return strcmp(spelling, "true") == 0 ||
				   strcmp(spelling, "false") == 0;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			if (*spelling == '-')
				spelling++;
			return *spelling != '\0' &&
				   spelling[strspn(spelling, "0123456789")] == '\0';
		default:
			return true;
	}
}

/* The profile's target, without links of tables that there are not. */
static Jsonb *
without_links(const Profile *profile, Relation rel, Jsonb *own)
{
	Jsonb *target = merge(profile->target, own);
	JsonbValue *links = getKeyJsonValueFromContainer(
		&profile->target->root, LINKS, strlen(LINKS), NULL);
	JsonbParseState *state = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue link;
	JsonbValue *fitting;

	if (links == NULL || links->type != jbvBinary ||
		!JsonContainerIsArray(links->val.binary.data) ||
		!JB_ROOT_IS_OBJECT(target))
		return profile->target;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	it = JsonbIteratorInit(links->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &link, true)) != WJB_DONE)
		if (token == WJB_ELEM && link_fits(profile, rel, target, &link))
			pushJsonbValue(&state, WJB_ELEM, &link);
	fitting = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return fitting->val.array.nElems == 0
			   ? chatmig_arguments_without(profile->target, LINKS)
			   : replace(profile->target, LINKS, fitting);
}

/*
 * A table without a schema is in the target's, which is the source's unless
 * the target says otherwise. What is no link at all is refused later.
 */
static bool
link_fits(const Profile *profile, Relation rel, Jsonb *target,
		  const JsonbValue *link)
{
	JsonbContainer *object = link->val.binary.data;
	char *schema;
	char *table;
	Oid namespace;

	if (link->type != jbvBinary || !JsonContainerIsObject(object))
		return true;
	table = string_member(object, "table");
	if (table == NULL)
		return true;
	schema = string_member(object, SCHEMA);
	if (schema == NULL)
		schema = string_member(&target->root, SCHEMA);
	if (schema == NULL)
		schema = get_namespace_name(RelationGetNamespace(rel));
	namespace = get_namespace_oid(schema, true);
	if (OidIsValid(namespace) &&
		OidIsValid(get_relname_relid(table, namespace)))
		return true;
	ereport(NOTICE,
			(errmsg("table %s does not exist: left out of profile \"%s\"",
					quote_qualified_identifier(schema, table), profile->name),
			 errdetail("The profile links its rows to conversations.")));
	return false;
}

static Jsonb *
replace(Jsonb *object, const char *key, JsonbValue *value)
{
	JsonbParseState *state = NULL;
	JsonbValue *member;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	chatmig_arguments_push(&state, WJB_KEY, key);
	pushJsonbValue(&state, WJB_VALUE, value);
	member = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return merge(object, JsonbValueToJsonb(member));
}

/* NULL where there is none, or something else than a string. */
static char *
string_member(JsonbContainer *object, const char *key)
{
	JsonbValue *value =
		getKeyJsonValueFromContainer(object, key, strlen(key), NULL);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static bool
has_column(Relation rel, const char *column)
{
	return get_attnum(RelationGetRelid(rel), column) > 0;
}
