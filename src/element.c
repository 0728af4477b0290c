/*
 * element.c
 *	  One message of a transcript, as JSON.
 *
 * In: a JSON value. Out: who says what, and when, as its members say; and all
 * other members. The names are those of split_transcript.c. Pure.
 *
 * A content is a text; a number, true or false, as it is written; or an array
 * of parts, or one part, or an object with an array "parts". A part is a text
 * if it is a string, or an object with a string "text" whose "type" says
 * nothing else. The texts are joined by line feeds; unless all there is is one
 * text, the array is kept as a member, too. Without any text, the content is
 * the JSON itself. null, "", [] and {} are no content.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "element.h"

static const char *const role_keys[] = {"role", "type", "sender", "from",
										"author"};
static const char *const content_keys[] = {"content", "text", "message", "body",
										   "parts"};
static const char *const time_keys[] = {
	"created_at", "createdAt", "timestamp",   "time",    "date",
	"ts",         "at",        "create_time", "sent_at", "sentAt"};
static const char *const text_types[] = {"text", "input_text", "output_text"};

/* Members that a message's metadata is being made of. */
typedef struct Members
{
	int n;
	JsonbValue *keys;
	JsonbValue *values;
} Members;

static void find_inner(Element *element);
static void find_role(Element *element, const Mapping *mapping);
static char *role_spelling(JsonbContainer *object, const char *key,
						   bool *is_plain);
static bool is_own_spelling(const Mapping *mapping, const char *spelling);
static void find_content(Element *element);
static bool content_of(JsonbContainer *object, const char **key,
					   JsonbValue *value);
static void read_content(Element *element, const JsonbValue *value);
static void add_part(const JsonbValue *part, StringInfo texts, int *nparts,
					 bool *all_text, bool *all_plain);
static bool part_text(const JsonbValue *part, JsonbValue *text, bool *is_plain);
static void find_time(Element *element);
static bool is_consumed(const Element *element, const JsonbValue *key);
static void collect(const Element *element, Members *members);
static void collect_object(const Element *element, JsonbContainer *object,
						   Members *members);
static void collect_metadata(const Element *element, Members *members);
static Jsonb *inner_without_content(const Element *element);
static bool has_taken(const Mapping *mapping, const Members *members);
static bool has_any(JsonbContainer *object, const Members *members);
static void push_object(JsonbParseState **state, JsonbContainer *object);
static bool get(JsonbContainer *object, const char *key, JsonbValue *value);
static bool is_filled(const JsonbValue *value);
static bool is_object(const JsonbValue *value);
static bool is_array(const JsonbValue *value);
static bool is_key(const JsonbValue *key, const char *name);

bool
chatmig_element_open(Element *element, const Mapping *mapping, bool wants_model,
					 JsonbValue *value)
{
	MemSet(element, 0, sizeof(Element));
	if (!is_object(value))
		return false;
	element->object = value->val.binary.data;
	find_inner(element);
	find_role(element, mapping);
	find_content(element);
	find_time(element);
	element->has_model =
		wants_model && get(element->object, "model", &element->model) &&
		element->model.type == jbvString && element->model.val.string.len > 0;
	return true;
}

Jsonb *
chatmig_element_metadata(const Element *element, const Mapping *mapping,
						 Jsonb *shared)
{
	JsonbParseState *state = NULL;
	Members members = {0};
	bool clash;

	collect(element, &members);
	if (members.n == 0)
		return NULL;
	clash = has_taken(mapping, &members) ||
			(shared != NULL && has_any(&shared->root, &members));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (shared != NULL)
		push_object(&state, &shared->root);
	if (clash)
	{
		JsonbValue key = {.type = jbvString,
						  .val.string = {.len = strlen(OWN_MEMBERS),
										 .val = pstrdup(OWN_MEMBERS)}};

		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	}
	for (int i = 0; i < members.n; i++)
	{
		pushJsonbValue(&state, WJB_KEY, &members.keys[i]);
		pushJsonbValue(&state, WJB_VALUE, &members.values[i]);
	}
	if (clash)
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

const char *
chatmig_element_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return is_array(value) ? "an array" : "an object";
	}
}

char *
chatmig_element_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return pstrdup("null");
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(
				numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return JsonbToCString(NULL, value->val.binary.data,
								  value->val.binary.len);
	}
}

static void
find_inner(Element *element)
{
	static const char *const inner_keys[] = {"data", "message"};
	JsonbValue value;

	for (int i = 0; i < lengthof(inner_keys) && element->inner == NULL; i++)
	{
		if (get(element->object, inner_keys[i], &value) && is_object(&value))
		{
			element->inner_key = inner_keys[i];
			element->inner = value.val.binary.data;
		}
	}
}

/* The first that is known, or else the first. */
static void
find_role(Element *element, const Mapping *mapping)
{
	JsonbContainer *objects[] = {element->object, element->inner};

	for (int i = 0; i < lengthof(objects); i++)
	{
		for (int k = 0; k < lengthof(role_keys); k++)
		{
			bool is_plain;
			char *spelling = role_spelling(objects[i], role_keys[k], &is_plain);
			Role role;

			if (spelling == NULL)
				continue;
			if (element->spelling == NULL)
				element->spelling = spelling;
			if (!chatmig_role_find(mapping->spellings, mapping->nspellings,
								   spelling, &role))
				continue;
			element->spelling = spelling;
			if (i == 0 && is_plain && !is_own_spelling(mapping, spelling))
				element->role_key = role_keys[k];
			return;
		}
	}
}

/* NULL: there is none. Not plain: the member says more than this. */
static char *
role_spelling(JsonbContainer *object, const char *key, bool *is_plain)
{
	JsonbValue value;

	if (object == NULL || !get(object, key, &value))
		return NULL;
	*is_plain = value.type == jbvString;
	if (is_object(&value) && !get(value.val.binary.data, "role", &value))
		return NULL;
	if (value.type == jbvBinary || !is_filled(&value))
		return NULL;
	return chatmig_element_text(&value);
}

static bool
is_own_spelling(const Mapping *mapping, const char *spelling)
{
	for (int i = 0; i < mapping->nspellings; i++)
		if (strcmp(mapping->spellings[i].spelling, spelling) == 0)
			return true;
	return false;
}

static void
find_content(Element *element)
{
	JsonbValue value;

	if (content_of(element->object, &element->content_key, &value))
		read_content(element, &value);
	else if (element->inner != NULL &&
			 content_of(element->inner, &element->content_key, &value))
	{
		element->content_in_inner = true;
		read_content(element, &value);
	}
}

/* An object "message" holds a message, and is none. */
static bool
content_of(JsonbContainer *object, const char **key, JsonbValue *value)
{
	for (int i = 0; i < lengthof(content_keys); i++)
	{
		*key = content_keys[i];
		if (get(object, *key, value) && is_filled(value) &&
			!(strcmp(*key, "message") == 0 && is_object(value)))
			return true;
	}
	*key = NULL;
	return false;
}

static void
read_content(Element *element, const JsonbValue *value)
{
	JsonbValue parts = *value;
	bool has_own_parts = false;
	bool all_text = true;
	bool all_plain = true;
	int nparts = 0;
	StringInfoData texts;

	if (value->type == jbvString)
	{
		element->content = value->val.string.val;
		element->content_length = value->val.string.len;
		return;
	}
	initStringInfo(&texts);
	if (is_object(value) && get(value->val.binary.data, "parts", &parts) &&
		is_array(&parts))
		has_own_parts = true;
	if (has_own_parts || is_array(value))
	{
		JsonbIterator *iterator = JsonbIteratorInit(
			(has_own_parts ? &parts : value)->val.binary.data);
		JsonbValue part;

		(void) JsonbIteratorNext(&iterator, &part, false);
		while (JsonbIteratorNext(&iterator, &part, true) == WJB_ELEM)
			add_part(&part, &texts, &nparts, &all_text, &all_plain);
	}
	else
		add_part(value, &texts, &nparts, &all_text, &all_plain);

	if (texts.len == 0)
	{
		pfree(texts.data);
		/* texts, and all of them empty */
		if (all_text)
			return;
		element->content = chatmig_element_text(value);
		element->content_length = strlen(element->content);
		return;
	}
	element->content = texts.data;
	element->content_length = texts.len;
	element->content_is_kept = has_own_parts || nparts > 1 || !all_plain;
}

/* Empty texts leave no empty line. */
static void
add_part(const JsonbValue *part, StringInfo texts, int *nparts, bool *all_text,
		 bool *all_plain)
{
	JsonbValue text;
	bool is_plain;

	(*nparts)++;
	if (!part_text(part, &text, &is_plain))
	{
		*all_text = *all_plain = false;
		return;
	}
	*all_plain = *all_plain && is_plain;
	if (text.val.string.len == 0)
		return;
	if (texts->len > 0)
		appendStringInfoChar(texts, '\n');
	appendBinaryStringInfo(texts, text.val.string.val, text.val.string.len);
}

/* Plain: there is nothing to it but the text. */
static bool
part_text(const JsonbValue *part, JsonbValue *text, bool *is_plain)
{
	JsonbContainer *object;
	JsonbValue type;
	int type_of = 0;

	*text = *part;
	*is_plain = true;
	if (part->type == jbvString)
		return true;
	if (!is_object(part))
		return false;
	object = part->val.binary.data;
	if (!get(object, "text", text) || text->type != jbvString)
		return false;
	if (!get(object, "type", &type))
	{
		*is_plain = JsonContainerSize(object) == 1;
		return true;
	}
	while (type_of < lengthof(text_types) &&
		   !(type.type == jbvString && is_key(&type, text_types[type_of])))
		type_of++;
	*is_plain = type_of == 0 && JsonContainerSize(object) == 2;
	return type_of < lengthof(text_types);
}

static void
find_time(Element *element)
{
	for (int i = 0; i < lengthof(time_keys); i++)
	{
		if (get(element->object, time_keys[i], &element->time) &&
			is_filled(&element->time))
		{
			element->time_key = time_keys[i];
			return;
		}
	}
}

/* A member whose value is all in the message's columns. */
static bool
is_consumed(const Element *element, const JsonbValue *key)
{
	return (element->role_key && is_key(key, element->role_key)) ||
		   (element->time_key && is_key(key, element->time_key)) ||
		   (element->has_model && is_key(key, "model")) ||
		   (element->content_key && !element->content_in_inner &&
			!element->content_is_kept && is_key(key, element->content_key));
}

/*
 * All that is to be kept. The members of an object "metadata" take its place,
 * unless one of their names is another member's.
 */
static void
collect(const Element *element, Members *members)
{
	JsonbValue metadata;
	int most = JsonContainerSize(element->object);
	bool has_metadata =
		get(element->object, "metadata", &metadata) && is_object(&metadata);

	if (has_metadata)
		most += JsonContainerSize(metadata.val.binary.data);
	/* one more, into which the iterators look ahead */
	members->keys = palloc(sizeof(JsonbValue) * (most + 1));
	members->values = palloc(sizeof(JsonbValue) * (most + 1));
	collect_object(element, element->object, members);
	if (has_metadata)
		collect_metadata(element, members);
}

static void
collect_object(const Element *element, JsonbContainer *object, Members *members)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue *key = &members->keys[members->n];
	JsonbValue *value = &members->values[members->n];

	(void) JsonbIteratorNext(&iterator, value, false);
	while (JsonbIteratorNext(&iterator, key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, value, true);
		if (object == element->object && is_consumed(element, key))
			continue;
		if (object == element->object && element->content_in_inner &&
			!element->content_is_kept && is_key(key, element->inner_key))
		{
			Jsonb *rest = inner_without_content(element);

			if (JB_ROOT_COUNT(rest) == 0)
				continue;
			*value = (JsonbValue){.type = jbvBinary};
			value->val.binary.data = &rest->root;
			value->val.binary.len = VARSIZE(rest) - VARHDRSZ;
		}
		key = &members->keys[++members->n];
		value = &members->values[members->n];
	}
}

static void
collect_metadata(const Element *element, Members *members)
{
	int at = 0;
	JsonbContainer *metadata;

	while (!is_key(&members->keys[at], "metadata"))
		at++;
	metadata = members->values[at].val.binary.data;
	/* the one itself does not count */
	for (int i = 0; i < members->n; i++)
		if (i != at && findJsonbValueFromContainer(metadata, JB_FOBJECT,
												   &members->keys[i]) != NULL)
			return;
	members->n--;
	members->keys[at] = members->keys[members->n];
	members->values[at] = members->values[members->n];
	collect_object(element, metadata, members);
}

static Jsonb *
inner_without_content(const Element *element)
{
	JsonbParseState *state = NULL;
	JsonbValue *whole;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_object(&state, element->inner);
	whole = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return DatumGetJsonbP(DirectFunctionCall2(
		jsonb_delete, JsonbPGetDatum(JsonbValueToJsonb(whole)),
		CStringGetTextDatum(element->content_key)));
}

/* A column's name is the column's, also in a row where it is NULL. */
static bool
has_taken(const Mapping *mapping, const Members *members)
{
	for (int i = 0; i < members->n; i++)
	{
		if (is_key(&members->keys[i], TIME_MISSING_MARK))
			return true;
		for (int k = 0; k < mapping->nkept; k++)
			if (is_key(&members->keys[i], mapping->kept[k].name))
				return true;
	}
	return false;
}

static bool
has_any(JsonbContainer *object, const Members *members)
{
	for (int i = 0; i < members->n; i++)
		if (findJsonbValueFromContainer(object, JB_FOBJECT,
										&members->keys[i]) != NULL)
			return true;
	return false;
}

/* The members alone. */
static void
push_object(JsonbParseState **state, JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;

	(void) JsonbIteratorNext(&iterator, &value, false);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) !=
		   WJB_END_OBJECT)
		pushJsonbValue(state, token, &value);
}

static bool
get(JsonbContainer *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), value) !=
		   NULL;
}

/* null, "", [] and {} are as good as nothing. */
static bool
is_filled(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return false;
		case jbvString:
			return value->val.string.len > 0;
		case jbvBinary:
			return JsonContainerSize(value->val.binary.data) > 0;
		default:
			return true;
	}
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		   JsonContainerIsObject(value->val.binary.data);
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		   JsonContainerIsArray(value->val.binary.data);
}

static bool
is_key(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) &&
		   memcmp(key->val.string.val, name, key->val.string.len) == 0;
}
