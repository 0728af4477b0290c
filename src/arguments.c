/*
 * arguments.c
 *	  Reading, and making, the jsonb objects that users write: mapping, target,
 *	  options.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "arguments.h"

/*
 * More than any table's columns need. What is refused is quoted in the error,
 * and so in the server's log; and lists are searched from end to end.
 */
#define MAX_ARGUMENT_SIZE (256 * 1024)

static JsonbValue *find(Jsonb *argument, const char *key);
static char *value_string(const JsonbValue *value);
static void refuse(const char *what, const char *key, const char *expected)
	pg_attribute_noreturn();
static void refuse_unknown(const char *what, const char *key,
						   const char *const *known, int nknown)
	pg_attribute_noreturn();

void
chatmig_arguments_check_size(Jsonb *argument, const char *what)
{
	if (argument != NULL && VARSIZE(argument) > MAX_ARGUMENT_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of %s is too large", what),
				 errdetail("It has %zu bytes, and at most %d are read.",
						   (size_t) VARSIZE(argument), MAX_ARGUMENT_SIZE),
				 errhint("It names columns, tables and roles, and holds no "
						 "data: leave out what is not of these.")));
}

void
chatmig_arguments_check(Jsonb *argument, const char *what,
						const char *const *known, int nknown)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	if (!JB_ROOT_IS_OBJECT(argument))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a JSON object", what),
						errdetail("It is: %.200s",
								  JsonbToCString(NULL, &argument->root,
												 VARSIZE(argument))),
						errhint("Write for instance %s => '{\"%s\": \"...\"}'.",
								what, known[0])));

	it = JsonbIteratorInit(&argument->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool found = false;
		char *key;

		if (token != WJB_KEY)
			continue;
		key = value_string(&value);
		for (int i = 0; i < nknown && !found; i++)
			found = strcmp(key, known[i]) == 0;
		if (!found)
			refuse_unknown(what, key, known, nknown);
	}
}

bool
chatmig_arguments_has(Jsonb *argument, const char *key)
{
	return find(argument, key) != NULL;
}

bool
chatmig_arguments_given(Jsonb *argument, const char *key)
{
	JsonbValue *value = find(argument, key);

	return value != NULL && value->type != jbvNull;
}

char *
chatmig_arguments_string(Jsonb *argument, const char *what, const char *key)
{
	JsonbValue *value = find(argument, key);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != jbvString)
		refuse(what, key, "a string");
	return value_string(value);
}

bool
chatmig_arguments_is_null(Jsonb *argument, const char *key)
{
	JsonbValue *value = find(argument, key);

	return value != NULL && value->type == jbvNull;
}

bool
chatmig_arguments_bool(Jsonb *argument, const char *what, const char *key,
					   bool otherwise)
{
	JsonbValue *value = find(argument, key);

	if (value == NULL || value->type == jbvNull)
		return otherwise;
	if (value->type != jbvBool)
		refuse(what, key, "true or false");
	return value->val.boolean;
}

Jsonb *
chatmig_arguments_object(Jsonb *argument, const char *what, const char *key)
{
	JsonbValue *value = find(argument, key);

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		return NULL;
	return JsonbValueToJsonb(value);
}

List *
chatmig_arguments_objects(Jsonb *argument, const char *what, const char *key)
{
	JsonbValue *value = find(argument, key);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	List *result = NIL;

	if (value == NULL || value->type == jbvNull)
		return NIL;
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		refuse(what, key, "an array of objects");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvBinary ||
			!JsonContainerIsObject(item.val.binary.data))
			refuse(what, key, "an array of objects");
		result = lappend(result, JsonbValueToJsonb(&item));
	}
	return result;
}

int64
chatmig_arguments_count(Jsonb *argument, const char *what, const char *key,
						int64 otherwise)
{
	JsonbValue *value = find(argument, key);
	Datum number;
	Datum whole;

	if (value == NULL || value->type == jbvNull)
		return otherwise;
	if (value->type != jbvNumeric)
		refuse(what, key, "a whole number that is not negative");
	number = NumericGetDatum(value->val.numeric);
	whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, whole)) ||
		DatumGetBool(DirectFunctionCall2(
			numeric_lt, number, NumericGetDatum(int64_to_numeric(0)))) ||
		DatumGetBool(DirectFunctionCall2(
			numeric_gt, number,
			NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		refuse(what, key, "a whole number that is not negative");
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

List *
chatmig_arguments_strings(Jsonb *argument, const char *what, const char *key)
{
	JsonbValue *value = find(argument, key);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	List *result = NIL;

	if (value == NULL || value->type == jbvNull)
		return NIL;
	if (value->type == jbvString)
		return list_make1(value_string(value));
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		refuse(what, key, "a string or an array of strings");

	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvString)
			refuse(what, key, "a string or an array of strings");
		result = lappend(result, value_string(&item));
	}
	return result;
}

void
chatmig_arguments_each(Jsonb *argument, const char *what, const char *key,
					   void (*pair)(const char *name, const char *value,
									void *state),
					   void *state)
{
	JsonbValue *value = find(argument, key);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	char *name = NULL;

	if (value == NULL || value->type == jbvNull)
		return;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		refuse(what, key, "an object whose values are strings");

	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = value_string(&item);
		else if (token == WJB_VALUE)
		{
			if (item.type != jbvString)
				refuse(what, key, "an object whose values are strings");
			pair(name, value_string(&item), state);
		}
	}
}

Jsonb *
chatmig_arguments_without(Jsonb *object, const char *key)
{
	return DatumGetJsonbP(DirectFunctionCall2(
		jsonb_delete, JsonbPGetDatum(object), CStringGetTextDatum(key)));
}

void
chatmig_arguments_push(JsonbParseState **state, JsonbIteratorToken token,
					   const char *string)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, string);
	value.val.string.len = strlen(string);
	pushJsonbValue(state, token, &value);
}

char *
chatmig_arguments_quote(const char *name)
{
	StringInfoData json;
	StringInfoData result;

	initStringInfo(&json);
	escape_json(&json, name);
	initStringInfo(&result);
	for (char *c = json.data; *c != '\0'; c++)
	{
		if (*c == '\'')
			appendStringInfoChar(&result, '\'');
		appendStringInfoChar(&result, *c);
	}
	return result.data;
}

static JsonbValue *
find(Jsonb *argument, const char *key)
{
	return getKeyJsonValueFromContainer(&argument->root, key, strlen(key),
										NULL);
}

static char *
value_string(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
refuse(const char *what, const char *key, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" in %s must be %s", key, what, expected),
					errhint("Correct the value in %s and call again.", what)));
}

static void
refuse_unknown(const char *what, const char *key, const char *const *known,
			   int nknown)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < nknown; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", known[i]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown key \"%s\" in %s", key, what),
					errdetail("Known keys: %s.", list.data),
					errhint("Correct the key and call again.")));
}
