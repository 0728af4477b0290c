/*
 * amend.c
 *	  What may change about a registration that has been migrated.
 *
 * In: the old registration, and what the user wrote now. Out: a registration
 * that says the same of every row that is migrated, or an error. Without this,
 * one new row with an unknown role would leave nothing but a rollback.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "amend.h"
#include "arguments.h"
#include "mapping.h"

#define KEY "key"
#define KEEP "keep"
#define ROLES "roles"
#define EPOCH "epoch"
#define MAX_REJECTS "max_rejects"

static Jsonb *overlay(Jsonb *old, Jsonb *given);
static Jsonb *overlay_roles(Jsonb *old, Jsonb *given);
static Jsonb *as_stored(Jsonb *old, Jsonb *given);
static bool is_detected(const char *key);
static Jsonb *in_array(Jsonb *mapping, const char *key);
static Jsonb *without_new_epoch(Jsonb *old, Jsonb *mapping);
static bool same_without(Jsonb *a, Jsonb *b, const char *key);
static Jsonb *member(Jsonb *object, const char *key);
static bool only_adds_unknown(Jsonb *old, Jsonb *amended);
static void check_spelling(const char *spelling, const char *role, void *state);
static void refuse(const Registration *old) pg_attribute_noreturn();

/* For a look at each spelling. */
typedef struct SpellingState
{
	Jsonb *old; /* roles as registered; NULL: none */
	bool unknown;
} SpellingState;

Registration *
chatmig_amend_registration(const Registration *old, Jsonb *mapping,
						   Jsonb *target, Jsonb *options)
{
	Registration *amended = palloc(sizeof(Registration));
	Shape shape;

	if (mapping != NULL && chatmig_mapping_shape(old->mapping, &shape))
	{
		chatmig_mapping_check_keys(mapping, shape);
		mapping = as_stored(old->mapping, mapping);
	}
	*amended = *old;
	amended->mapping = overlay_roles(old->mapping, mapping);
	amended->target = overlay(old->target, target);
	amended->options = overlay(old->options, options);
	if (!same_without(without_new_epoch(old->mapping, old->mapping),
					  without_new_epoch(old->mapping, amended->mapping),
					  ROLES) ||
		!only_adds_unknown(old->mapping, amended->mapping) ||
		!same_without(old->target, amended->target, "") ||
		!same_without(old->options, amended->options, MAX_REJECTS))
		refuse(old);
	return amended;
}

/*
 * What was given, as a registration keeps it: one name is an array of one, and
 * a null is not kept. It says nothing where it says that something is to be
 * detected, or that there is none and there was none.
 */
static Jsonb *
as_stored(Jsonb *old, Jsonb *given)
{
	Jsonb *stored = given;
	JsonbIterator *it = JsonbIteratorInit(&given->root);
	JsonbIteratorToken token;
	JsonbValue value;
	const char *key = "";

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvNull &&
				 (is_detected(key) || !chatmig_arguments_has(old, key)))
			stored = chatmig_arguments_without(stored, key);
	}
	return in_array(in_array(stored, KEY), KEEP);
}

static bool
is_detected(const char *key)
{
	return strcmp(key, "shape") == 0 || strcmp(key, KEY) == 0 ||
		   strcmp(key, ROLES) == 0 || strcmp(key, EPOCH) == 0;
}

static Jsonb *
in_array(Jsonb *mapping, const char *key)
{
	JsonbParseState *state = NULL;
	JsonbValue name = {.type = jbvString};
	JsonbValue *value =
		getKeyJsonValueFromContainer(&mapping->root, key, strlen(key), NULL);

	if (value == NULL || value->type != jbvString)
		return mapping;
	name.val.string.val = unconstify(char *, key);
	name.val.string.len = strlen(key);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&state, WJB_ELEM, value);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return overlay(mapping, JsonbValueToJsonb(
								pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* old || given */
static Jsonb *
overlay(Jsonb *old, Jsonb *given)
{
	if (given == NULL)
		return old;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(old),
											  JsonbPGetDatum(given)));
}

/* The same, and also within the roles. */
static Jsonb *
overlay_roles(Jsonb *old, Jsonb *given)
{
	Jsonb *amended = overlay(old, given);
	Jsonb *before = member(old, ROLES);
	Jsonb *now = given ? member(given, ROLES) : NULL;
	Datum path[1];
	Jsonb *roles;

	if (before == NULL || now == NULL)
		return amended;
	roles = overlay(before, now);
	path[0] = CStringGetTextDatum(ROLES);
	return DatumGetJsonbP(
		DirectFunctionCall4(jsonb_set, JsonbPGetDatum(amended),
							PointerGetDatum(construct_array(
								path, 1, TEXTOID, -1, false, TYPALIGN_INT)),
							JsonbPGetDatum(roles), BoolGetDatum(true)));
}

/* While it was unknown, no row with a time was migrated. */
static Jsonb *
without_new_epoch(Jsonb *old, Jsonb *mapping)
{
	if (chatmig_arguments_has(old, EPOCH))
		return mapping;
	return chatmig_arguments_without(mapping, EPOCH);
}

static bool
same_without(Jsonb *a, Jsonb *b, const char *key)
{
	Datum name = CStringGetTextDatum(key);
	Datum x = DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(a), name);
	Datum y = DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(b), name);

	return DatumGetBool(DirectFunctionCall2(jsonb_eq, x, y));
}

/* NULL where there is none, or JSON null. */
static Jsonb *
member(Jsonb *object, const char *key)
{
	JsonbValue *value =
		getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);

	return value && value->type == jbvBinary ? JsonbValueToJsonb(value) : NULL;
}

/*
 * Rows with a spelling that was known are migrated, and with the role that it
 * had then.
 */
static bool
only_adds_unknown(Jsonb *old, Jsonb *amended)
{
	SpellingState state = {.old = member(old, ROLES), .unknown = true};
	Jsonb *roles = member(amended, ROLES);

	if (state.old != NULL &&
		(roles == NULL || !DatumGetBool(DirectFunctionCall2(
							  jsonb_contains, JsonbPGetDatum(roles),
							  JsonbPGetDatum(state.old)))))
		return false;
	chatmig_arguments_each(amended, "mapping", ROLES, check_spelling, &state);
	return state.unknown;
}

static void
check_spelling(const char *spelling, const char *role, void *arg)
{
	SpellingState *state = arg;
	Role known;

	if (state->old != NULL && chatmig_arguments_has(state->old, spelling))
		return;
	if (chatmig_role_find(NULL, 0, spelling, &known))
		state->unknown = false;
}

static void
refuse(const Registration *old)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg(
			 "migration \"%s\" is migrated and cannot be registered differently",
			 old->name),
		 errdetail(
			 "Only max_rejects may change now, and roles be added for spellings that were unknown. Its mapping is %s.",
			 JsonbToCString(NULL, &old->mapping->root, VARSIZE(old->mapping))),
		 errhint(
			 "Run SELECT * FROM chatmig_rollback(%s) first, or register under another name and with other targets.",
			 quote_literal_cstr(old->name))));
}
