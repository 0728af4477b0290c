/*
 * transcript_path.c
 *	  Where in a JSON value the messages are.
 *
 * In: a JSON value. Out: a jsonpath, or NULL. No table is touched, nothing is
 * remembered from one value to the next.
 *
 * A message is an object that says who speaks (role, type, sender, from,
 * author; a string) and what (content, text, message, body: a string, null, or
 * an array of parts; or data.content, as LangChain has it). Documents of rich
 * text have such objects as well ({"type": "paragraph", "content": [...]}),
 * and so have e-mails and events; so one of the messages must be by a speaker
 * whose name is known: a user or an assistant.
 *
 * Of several places the one nearest to the top is taken, of several at the
 * same depth the one with the most messages, then the first. Only the first
 * elements of an array are looked at: one that begins without a message is
 * none of messages, and a transcript may be long.
 */
#include "postgres.h"

#include "common/string.h"
#include "lib/stringinfo.h"
#include "utils/json.h"

#include "role.h"
#include "transcript_path.h"

#define MAX_DEPTH 4        /* keys from the top to the messages */
#define MAX_ELEMENTS 16    /* looked at in an array of messages */
#define MAX_DESCENDED 4    /* ... and looked into, if it is none */
#define MAX_MEMBERS 100    /* looked into in an object */
#define MAX_ROLE_LENGTH 32 /* no role is spelled longer */

static const char *const role_keys[] = {"role", "type", "sender", "from",
										"author"};
static const char *const content_keys[] = {"content", "text", "message",
										   "body"};

/* The best place so far. */
typedef struct Place
{
	char *path; /* NULL: none */
	int depth;
	int messages;
} Place;

/* What an object is. */
typedef enum Likeness
{
	NO_MESSAGE,
	LIKE_MESSAGE, /* has who and what */
	SURE_MESSAGE  /* ... and who is a user or an assistant */
} Likeness;

static void search(JsonbContainer *container, const char *path, int depth,
				   bool in_array, Place *best);
static void search_object(JsonbContainer *object, const char *path, int depth,
						  Place *best);
static void search_array(JsonbContainer *array, const char *path, int depth,
						 Place *best);
static bool holds_messages(JsonbContainer *array);
static void offer(Place *best, const char *path, int depth, int messages);
static Likeness judge_object(JsonbContainer *object);
static bool has_content(JsonbContainer *object);
static JsonbValue *get_member(JsonbContainer *object, const char *key,
							  JsonbValue *result);
static char *member_path(const char *path, const JsonbValue *key);

char *
chatmig_transcript_path(Jsonb *value)
{
	Place best = {0};

	if (!JB_ROOT_IS_SCALAR(value))
		search(&value->root, "$", 0, false, &best);
	return best.path;
}

bool
chatmig_transcript_is_role_key(const char *key)
{
	for (int i = 0; i < lengthof(role_keys); i++)
		if (strcmp(role_keys[i], key) == 0)
			return true;
	return false;
}

/* A system's or a tool's words alone are no chat. */
bool
chatmig_transcript_is_speaker(const char *spelling)
{
	Role role;

	return chatmig_role_find(NULL, 0, spelling, &role) &&
		   (role == ROLE_USER || role == ROLE_ASSISTANT);
}

/* One message alone counts at the top, or as what the elements hold. */
static void
search(JsonbContainer *container, const char *path, int depth, bool in_array,
	   Place *best)
{
	/* what is deeper than the best so far cannot be better */
	if (depth > MAX_DEPTH || (best->path != NULL && depth > best->depth))
		return;
	if (JsonContainerIsArray(container))
		search_array(container, path, depth, best);
	else if ((depth == 0 || in_array) &&
			 judge_object(container) == SURE_MESSAGE)
		offer(best, path, depth, 1);
	else
		search_object(container, path, depth, best);
}

static void
search_object(JsonbContainer *object, const char *path, int depth, Place *best)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue value;
	bool in_array = pg_str_endswith(path, "[*]");
	int members = 0;

	(void) JsonbIteratorNext(&iterator, &value, false);
	while (members++ < MAX_MEMBERS &&
		   JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvBinary)
			search(value.val.binary.data, member_path(path, &key), depth + 1,
				   in_array, best);
	}
}

static void
search_array(JsonbContainer *array, const char *path, int depth, Place *best)
{
	char *elements = psprintf("%s[*]", path);
	int n = Min(JsonContainerSize(array), MAX_DESCENDED);

	if (holds_messages(array))
	{
		offer(best, elements, depth, JsonContainerSize(array));
		return;
	}
	for (int i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type == jbvBinary &&
			JsonContainerIsObject(element->val.binary.data))
			search_object(element->val.binary.data, elements, depth, best);
	}
}

/* Half of the elements are messages, one of them for sure. */
static bool
holds_messages(JsonbContainer *array)
{
	int n = Min(JsonContainerSize(array), MAX_ELEMENTS);
	int messages = 0;
	bool is_sure = false;

	for (int i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		Likeness likeness = NO_MESSAGE;

		if (element->type == jbvBinary &&
			JsonContainerIsObject(element->val.binary.data))
			likeness = judge_object(element->val.binary.data);
		messages += likeness != NO_MESSAGE;
		is_sure |= likeness == SURE_MESSAGE;
	}
	return is_sure && 2 * messages >= n;
}

static void
offer(Place *best, const char *path, int depth, int messages)
{
	if (best->path != NULL &&
		(depth > best->depth ||
		 (depth == best->depth && messages <= best->messages)))
		return;
	best->path = pstrdup(path);
	best->depth = depth;
	best->messages = messages;
}

static Likeness
judge_object(JsonbContainer *object)
{
	Likeness likeness = NO_MESSAGE;
	JsonbValue value;

	if (!has_content(object))
		return NO_MESSAGE;
	for (int i = 0; i < lengthof(role_keys); i++)
	{
		if (get_member(object, role_keys[i], &value) == NULL ||
			value.type != jbvString)
			continue;
		if (value.val.string.len <= MAX_ROLE_LENGTH &&
			chatmig_transcript_is_speaker(
				pnstrdup(value.val.string.val, value.val.string.len)))
			return SURE_MESSAGE;
		likeness = LIKE_MESSAGE;
	}
	return likeness;
}

static bool
has_content(JsonbContainer *object)
{
	JsonbValue value;

	for (int i = 0; i < lengthof(content_keys); i++)
	{
		if (get_member(object, content_keys[i], &value) == NULL)
			continue;
		if (value.type == jbvString || value.type == jbvNull ||
			(value.type == jbvBinary &&
			 JsonContainerIsArray(value.val.binary.data)))
			return true;
	}
	return get_member(object, "data", &value) != NULL &&
		   value.type == jbvBinary &&
		   JsonContainerIsObject(value.val.binary.data) &&
		   get_member(value.val.binary.data, "content", &value) != NULL;
}

static JsonbValue *
get_member(JsonbContainer *object, const char *key, JsonbValue *result)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), result);
}

/* A key that is a plain word stands as it is, any other quoted. */
static char *
member_path(const char *path, const JsonbValue *key)
{
	char *name = pnstrdup(key->val.string.val, key->val.string.len);
	bool is_plain = name[0] != '\0' && (name[0] < '0' || name[0] > '9');
	StringInfoData result;

	for (char *c = name; *c; c++)
		is_plain &= *c == '_' || (*c >= '0' && *c <= '9') ||
					(*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
	initStringInfo(&result);
	appendStringInfo(&result, "%s.", path);
	if (is_plain)
		appendStringInfoString(&result, name);
	else
		escape_json(&result, name);
	return result.data;
}
