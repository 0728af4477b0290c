/*
 * validate_hash.c
 *	  The values of a message as numbers that must be the same on both sides.
 *
 * In: SQL for a value. Out: SQL for its hash of 64 bits; see validate_hash.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "validate_hash.h"
#include "validate_sql.h"

/* Of the first part of a group. */
#define GROUP_SEED 1618033988

static char *session_value(const Column *session, const char *value);
static bool is_string(Oid type);
static char *hashed_value(Oid type, const char *value, int seed);
static char *hashed(const char *function, const char *expression, int seed);
static char *hashed_metadata(const MigrationPlan *plan, bool is_message);
static void add_made_metadata(StringInfo values, const MigrationPlan *plan,
							  bool is_message);
static char *given_metadata(const MigrationPlan *plan);
static char *mapped_metadata(const MigrationPlan *plan);

/* Each part has a seed of its own. */
void
chatmig_validate_hash_group(StringInfo sql, const Mapping *mapping, Part part,
							char *value)
{
	const Column *column = &mapping->parts[part];
	Oid type = getBaseType(column->type);

	if (part == PART_SESSION)
	{
		value = session_value(column, value);
		type = is_string(type) ? type : TEXTOID;
	}
	appendStringInfo(sql, " # %s",
					 hashed_value(type, value, GROUP_SEED + (int) part));
}

/*
 * By the type's own function, as what is equal must have the same hash. That
 * is quicker to call by its name than through a row; but nobody else may have a
 * function like it, and a column that was widened needs the one for both.
 */
static char *
hashed_value(Oid type, const char *value, int seed)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return hashed("hashint8extended", value, seed);
		case UUIDOID:
			return hashed("uuid_hash_extended", value, seed);
		case TEXTOID:
		case VARCHAROID:
			return hashed("hashtextextended", value, seed);
		default:
			return psprintf("hash_record_extended(ROW(%s), %d)", value, seed);
	}
}

/*
 * The session is kept as text. Texts are compared as their type and collation
 * want it, and other types as text.
 */
static char *
session_value(const Column *session, const char *value)
{
	if (!is_string(getBaseType(session->type)))
		return psprintf("(%s::text COLLATE \"C\")", value);
	return chatmig_validate_sql_collated(
		session,
		psprintf("%s::%s", value, chatmig_validate_sql_type(session->type)));
}

static bool
is_string(Oid type)
{
	char category;
	bool is_preferred;

	get_type_category_preferred(type, &category, &is_preferred);
	return category == TYPCATEGORY_STRING;
}

/* 0 for a NULL. With a seed of 0, it would be for numbers, too: 0.0, NaN. */
static char *
hashed(const char *function, const char *expression, int seed)
{
	return psprintf("coalesce(%s(%s, %d), 0)", function, expression, seed);
}

char *
chatmig_validate_hash_id(const MigrationPlan *plan, TargetTable table,
						 const char *id, HashedValue value)
{
	return hashed_value(plan->id_types[table], id, value);
}

char *
chatmig_validate_hash_text(const char *text, HashedValue value)
{
	return hashed("hashtextextended", psprintf("%s COLLATE \"C\"", text),
				  value);
}

/* There is no function for timestamptz. */
char *
chatmig_validate_hash_time(const char *time)
{
	return hashed("timestamp_hash_extended", time, VALUE_TIME);
}

char *
chatmig_validate_hash_tokens(const char *tokens)
{
	return hashed("hashint8extended", tokens, VALUE_TOKENS);
}

/* NULL for an empty text. */
char *
chatmig_validate_hash_content(const char *text)
{
	return psprintf("hashtextextended(nullif(%s COLLATE \"C\", ''), %d)", text,
					VALUE_CONTENT);
}

/* What all messages of a row have of it. */
char *
chatmig_validate_hash_rest(const MigrationPlan *plan, bool is_message)
{
	const Mapping *mapping = plan->mapping;

	return psprintf(
		"(%s # %s)", hashed_metadata(plan, is_message),
		!HAS_PART(mapping, PART_MODEL) ? "0"
		: is_message
			? chatmig_validate_hash_text("m.model::text", VALUE_MODEL)
			: chatmig_validate_hash_text(
				  chatmig_validate_sql_text(mapping, PART_MODEL), VALUE_MODEL));
}

/*
 * What must be in it of the legacy row, or is; see validate_metadata.c. By its
 * bytes: hashes of jsonb do not tell 1 from [1], nor {} from []. Many rows have
 * none.
 */
static char *
hashed_metadata(const MigrationPlan *plan, bool is_message)
{
	const Column *mapped = &plan->mapping->parts[PART_METADATA];
	StringInfoData values;
	bool is_alone;

	initStringInfo(&values);
	add_made_metadata(&values, plan, is_message);
	is_alone = values.len == 0;
	if (mapped->name != NULL)
		appendStringInfo(&values, "%snullif(%s, '{}')", is_alone ? "" : ", ",
						 is_message ? given_metadata(plan)
									: mapped_metadata(plan));
	if (values.len == 0)
		return pstrdup("0::bigint");
	return psprintf(
		"CASE WHEN %s THEN 0 ELSE %s.chatmig_fingerprint(ROW(%s)) "
		"END",
		!is_alone ? "false"
		: is_message
			? "m.metadata IS NULL"
			: psprintf("%s IS NULL", chatmig_validate_sql_column(mapped)),
		chatmig_ledger_schema(), values.data);
}

/* Members of their own: kept columns, the role, constants. */
static void
add_made_metadata(StringInfo values, const MigrationPlan *plan, bool is_message)
{
	const Mapping *mapping = plan->mapping;
	const Column *role = &mapping->parts[PART_ROLE];
	ListCell *lc;

	for (int i = 0; i < mapping->nkept; i++)
		appendStringInfo(
			values, "%scoalesce(%s, 'null')", values->len > 0 ? ", " : "",
			is_message ? psprintf("m.metadata -> %s",
								  quote_literal_cstr(mapping->kept[i].name))
					   : chatmig_validate_sql_json(&mapping->kept[i]));
	if (chatmig_mapping_keeps_role(mapping))
		appendStringInfo(
			values, "%scoalesce(%s, 'null')", values->len > 0 ? ", " : "",
			is_message
				? psprintf("m.metadata -> %s", quote_literal_cstr(role->name))
				: psprintf("CASE WHEN %s THEN to_jsonb(%s) END",
						   chatmig_validate_sql_is_own_spelling(mapping),
						   chatmig_validate_sql_column(role)));
	/* one that is not there is no null */
	foreach(lc, plan->options.metadata)
	{
		const MetadataMember *constant = lfirst(lc);

		appendStringInfo(
			values, "%s%s%s", values->len > 0 ? ", " : "",
			is_message ? "m.metadata -> " : "jsonb ",
			quote_literal_cstr(is_message ? constant->name : constant->value));
	}
}

/* A message's metadata but for those. */
static char *
given_metadata(const MigrationPlan *plan)
{
	char *taken = chatmig_validate_sql_taken_names(plan);

	return psprintf("CASE WHEN jsonb_typeof(m.metadata) = 'object' "
					"THEN CASE WHEN m.metadata ?| %s THEN m.metadata - %s "
					"ELSE m.metadata END END",
					taken, taken);
}

/* A legacy row's metadata, as a message has it. */
static char *
mapped_metadata(const MigrationPlan *plan)
{
	const Column *mapped = &plan->mapping->parts[PART_METADATA];
	char *value = chatmig_validate_sql_json(mapped);
	char *taken = chatmig_validate_sql_taken_names(plan);

	return psprintf("CASE WHEN %s IS NULL THEN NULL "
					"WHEN jsonb_typeof(%s) = 'object' AND NOT (%s) ?| %s "
					"THEN %s ELSE jsonb_build_object(%s, %s) - %s END",
					chatmig_validate_sql_column(mapped), value, value, taken,
					value, quote_literal_cstr(mapped->name), value, taken);
}
