/*
 * leftover.c
 *	  What a messages' table has no column for, kept in the trace.
 *
 * In: a legacy row's messages, and a plan that says which columns there are.
 * Out: what would be lost, as jsonb.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "leftover.h"
#include "session.h"

static bool lacks(const MigrationPlan *plan, Field field);
static void add_key(JsonbParseState **state, const char *name);
static void add_message(JsonbParseState **state, const MigrationPlan *plan,
						const LegacyRow *row, const Message *message,
						Value session);
static bool lacks_media(const MigrationPlan *plan, const Message *message);
static bool lacks_media_type(const MigrationPlan *plan, const LegacyRow *row,
							 const Message *message);
static void add_text(JsonbParseState **state, const char *name, Value value);
static void add_json(JsonbParseState **state, const char *name, Jsonb *value);
static bool has_any(const MigrationPlan *plan, const Message *message,
					Value session);

Value
chatmig_leftover_make(const MigrationPlan *plan, const LegacyRow *row,
					  const SplitRow *split)
{
	Value session = {.isnull = true};
	Value result = {.isnull = true};
	JsonbParseState *state = NULL;
	bool is_empty = true;

	if (plan->session_is_left)
		session = chatmig_session_metadata(plan->mapping, row->group.session);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < split->nmessages; i++)
	{
		const Message *message = &split->messages[i];

		if (!has_any(plan, message, session) &&
			!lacks_media_type(plan, row, message))
			continue;
		add_key(&state, psprintf("%d", message->part));
		add_message(&state, plan, row, message, session);
		is_empty = false;
	}
	result.datum = JsonbPGetDatum(
		JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	result.isnull = is_empty;
	return result;
}

static bool
lacks(const MigrationPlan *plan, Field field)
{
	return plan->fields[TARGET_MESSAGES][field].name == NULL;
}

static bool
has_any(const MigrationPlan *plan, const Message *message, Value session)
{
	return !session.isnull || lacks_media(plan, message) ||
		   (!message->model.isnull && lacks(plan, FIELD_MODEL)) ||
		   (!message->tokens.isnull && lacks(plan, FIELD_TOKENS)) ||
		   (!message->metadata.isnull && lacks(plan, FIELD_METADATA));
}

static void
add_message(JsonbParseState **state, const MigrationPlan *plan,
			const LegacyRow *row, const Message *message, Value session)
{
	JsonbValue value;

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	if (lacks(plan, FIELD_MODEL))
		add_text(state, "model", message->model);
	if (lacks_media(plan, message))
		add_text(state, "media", row->media_url);
	if (lacks_media_type(plan, row, message))
		add_text(state, "media_type", row->media_type);
	if (!message->tokens.isnull && lacks(plan, FIELD_TOKENS))
	{
		bool is_wide = chatmig_mapping_tokens_type(plan->mapping) == INT8OID;

		add_key(state, "tokens");
		value.type = jbvNumeric;
		value.val.numeric =
			int64_to_numeric(is_wide ? DatumGetInt64(message->tokens.datum)
									 : DatumGetInt32(message->tokens.datum));
		pushJsonbValue(state, WJB_VALUE, &value);
	}
	if (!message->metadata.isnull && lacks(plan, FIELD_METADATA))
		add_json(state, "metadata", DatumGetJsonbP(message->metadata.datum));
	if (!session.isnull)
		add_json(state, "session", DatumGetJsonbP(session.datum));
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static bool
lacks_media(const MigrationPlan *plan, const Message *message)
{
	return message->has_media && !plan->has_media;
}

/* Where the medium, if it has a table, has no column for it. */
static bool
lacks_media_type(const MigrationPlan *plan, const LegacyRow *row,
				 const Message *message)
{
	const Column *fields = plan->fields[TARGET_MEDIA];

	return message->has_media && !row->media_type.isnull &&
		   (!plan->has_media ||
			(fields != NULL && fields[FIELD_TYPE].name == NULL));
}

/* Unless it is NULL. */
static void
add_text(JsonbParseState **state, const char *name, Value value)
{
	JsonbValue string = {.type = jbvString};

	if (value.isnull)
		return;
	add_key(state, name);
	string.val.string.val = TextDatumGetCString(value.datum);
	string.val.string.len = strlen(string.val.string.val);
	pushJsonbValue(state, WJB_VALUE, &string);
}

static void
add_key(JsonbParseState **state, const char *name)
{
	JsonbValue key = {.type = jbvString};

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
}

/* Whole; the server unpacks a binary value itself. */
static void
add_json(JsonbParseState **state, const char *name, Jsonb *value)
{
	JsonbValue packed;

	add_key(state, name);
	JsonbToJsonbValue(value, &packed);
	pushJsonbValue(state, WJB_VALUE, &packed);
}
