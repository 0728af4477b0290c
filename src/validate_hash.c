/*
 * validate_hash.c
 *	  The values of a message as numbers that must be the same on both sides.
 *
 * In: SQL for a value. Out: SQL for its hash of 64 bits; see validate_hash.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "validate_hash.h"
#include "validate_sql.h"

/* Of the first part of a group. */
#define GROUP_SEED 1618033988

/* Of the first column of a key. */
#define KEY_SEED 1414213562

/* Arguments of chatmig_hash_sum(). */
#define HASHES_IN_A_SUM 8

static char *session_value(const Column *session, const char *value);
static bool is_string(Oid type);
static char *hashed_value(Oid type, const char *value, int seed);
static char *hashed_number(const char *number, int seed);
static char *named_hash(const char *type, const char *name, const char *value);
static bool is_its_text(const Column *column);
static const char *function_of(Oid type);
static char *hashed_column(const Column *column, const char *function);
static char *hashed(const char *function, const char *expression, int seed);
static char *hashed_metadata(const MigrationPlan *plan, bool is_message);
static void add_made_metadata(StringInfo values, const MigrationPlan *plan,
							  bool is_message);
static char *given_metadata(const MigrationPlan *plan);
static char *mapped_metadata(const MigrationPlan *plan);

bool
chatmig_validate_has_hash(const Column *column)
{
	return column->name == NULL ||
		   OidIsValid(
			   lookup_type_cache(column->type, TYPECACHE_HASH_EXTENDED_PROC)
				   ->hash_extended_proc);
}

char *
chatmig_validate_hash_sum(const List *hashes)
{
	StringInfoData sql;
	int n = 0;
	ListCell *lc;

	initStringInfo(&sql);
	foreach(lc, hashes)
	{
		/* the sum of what is left is the last one */
		if (n == HASHES_IN_A_SUM - 1 && lnext(hashes, lc) != NULL)
		{
			List *left = list_copy_tail(hashes, n);

			appendStringInfo(&sql, "%s, ", chatmig_validate_hash_sum(left));
			n++;
			break;
		}
		appendStringInfo(&sql, "%s, ", (char *) lfirst(lc));
		n++;
	}
	for (; n < HASHES_IN_A_SUM; n++)
		appendStringInfoString(&sql, "NULL::bigint, ");
	sql.data[sql.len - 2] = '\0';
	return psprintf("%s.chatmig_hash_sum(%s)", chatmig_ledger_schema(),
					sql.data);
}

/* Each part has a seed of its own. */
char *
chatmig_validate_hash_group(const Mapping *mapping, Part part, char *value)
{
	const Column *column = &mapping->parts[part];
	Oid type = getBaseType(column->type);

	if (part == PART_SESSION)
	{
		value = session_value(column, value);
		type = is_string(type) ? type : TEXTOID;
	}
	return hashed_value(type, value, GROUP_SEED + (int) part);
}

char *
chatmig_validate_hash_key(const Mapping *mapping, int i, const char *value)
{
	const Column *key = &mapping->keys[i];

	return hashed_value(getBaseType(key->type),
						chatmig_validate_sql_collated(key, value),
						KEY_SEED + i);
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
			return hashed_number(value, seed);
		case UUIDOID:
			return hashed("uuid_hash_extended", value, seed);
		case TEXTOID:
		case VARCHAROID:
			return hashed("hashtextextended", value, seed);
		default:
			return psprintf("CASE WHEN num_nulls(%s) = 0 "
							"THEN hash_record_extended(ROW(%s), %d) END",
							value, value, seed);
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

/*
 * As of a column of that name. None of these functions has another of its name
 * that would take the value as it is, as all of its types are given.
 */
static char *
named_hash(const char *type, const char *name, const char *value)
{
	return psprintf("%s.chatmig_hash_%s(%s::text, %s)", chatmig_ledger_schema(),
					type, quote_literal_cstr(name), value);
}

static char *
hashed(const char *function, const char *expression, int seed)
{
	return psprintf("%s(%s, %d)", function, expression, seed);
}

static char *
hashed_number(const char *number, int seed)
{
	return chatmig_validate_hash_pair(number, psprintf("%d", seed));
}

char *
chatmig_validate_hash_pair(const char *first, const char *second)
{
	return psprintf("%s.chatmig_hash_pair(%s::bigint, %s::bigint)",
					chatmig_ledger_schema(), first, second);
}

char *
chatmig_validate_hash_id(const MigrationPlan *plan, TargetTable table,
						 const char *id, HashedValue value)
{
	return hashed_value(plan->id_types[table], id, value);
}

char *
chatmig_validate_hash_answered(const char *hash)
{
	return hashed_number(hash, VALUE_REPLY_TO);
}

char *
chatmig_validate_hash_text(const char *text, HashedValue value)
{
	return hashed("hashtextextended", psprintf("%s COLLATE \"C\"", text),
				  value);
}

char *
chatmig_validate_hash_local_time(const char *time)
{
	return named_hash("timestamp", "time", time);
}

char *
chatmig_validate_hash_time(const char *time)
{
	return named_hash("timestamptz", "time", time);
}

char *
chatmig_validate_hash_tokens(const char *tokens)
{
	return hashed_number(tokens, VALUE_TOKENS);
}

char *
chatmig_validate_hash_content(const Column *column, const char *text)
{
	return named_hash("text", column->name, text);
}

char *
chatmig_validate_hash_without_empty(const Column *column, const char *hash)
{
	return psprintf("nullif(%s, %s)", hash,
					named_hash("text", column->name, "''::text"));
}

/*
 * A long text would be copied to make a row of it, and be hashed and read from
 * where it is stored a second time.
 */
char *
chatmig_validate_hash_without_contents(const MigrationPlan *plan, char **from)
{
	const Mapping *mapping = plan->mapping;
	bool is_pair = mapping->shape == SHAPE_PAIR;
	const Column *first =
		&mapping->parts[is_pair ? PART_QUESTION : PART_CONTENT];
	const Column *second = is_pair ? &mapping->parts[PART_ANSWER] : NULL;
	List *hashes = NIL;
	StringInfoData others;

	if (plan->in_place || !is_its_text(first) ||
		(is_pair && (!is_its_text(second) || first->attnum == second->attnum)))
		return NULL;
	initStringInfo(&others);
	for (int i = 0; i < mapping->ncolumns; i++)
	{
		const Column *column = &mapping->columns[i];
		const char *function = function_of(getBaseType(column->type));

		if (column->attnum == first->attnum ||
			(second != NULL && column->attnum == second->attnum))
			continue;
		if (function != NULL)
			hashes = lappend(hashes, hashed_column(column, function));
		else
			appendStringInfo(&others, "%s%s", others.len > 0 ? ", " : "",
							 chatmig_validate_sql_column(column));
	}
	if (others.len > 0)
	{
		*from = psprintf(", LATERAL (SELECT %s) AS rest", others.data);
		hashes = lappend(hashes, psprintf("%s.chatmig_fingerprint(rest.*)",
										  chatmig_ledger_schema()));
	}
	return chatmig_validate_hash_sum(hashes);
}

/* Of a type, the end of its name; NULL: such a value has to be in a row. */
static const char *
function_of(Oid type)
{
	switch (type)
	{
		case INT4OID:
			return "integer";
		case INT8OID:
			return "bigint";
		case UUIDOID:
			return "uuid";
		case TEXTOID:
		case VARCHAROID:
			return "text";
		case JSONBOID:
			return "jsonb";
		case TIMESTAMPOID:
			return "timestamp";
		case TIMESTAMPTZOID:
			return "timestamptz";
		default:
			return NULL;
	}
}

/* What it adds to the fingerprint of its row. */
static char *
hashed_column(const Column *column, const char *function)
{
	return named_hash(
		function, column->name,
		psprintf("%s::%s", chatmig_validate_sql_column(column), function));
}

/* The bytes of the column's values are those of their texts. */
static bool
is_its_text(const Column *column)
{
	Oid type = getBaseType(column->type);

	return type == TEXTOID || type == VARCHAROID;
}

/* What all messages of a row have of it. */
List *
chatmig_validate_hash_rest(const MigrationPlan *plan, bool is_message)
{
	const Mapping *mapping = plan->mapping;
	char *metadata = hashed_metadata(plan, is_message);
	List *hashes = NIL;

	if (metadata != NULL)
		hashes = lappend(hashes, metadata);
	if (HAS_PART(mapping, PART_MODEL))
		hashes = lappend(hashes, chatmig_validate_hash_text(
									 is_message ? "m.model::text"
												: chatmig_validate_sql_text(
													  mapping, PART_MODEL),
									 VALUE_MODEL));
	return hashes;
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
	char *given;

	initStringInfo(&values);
	add_made_metadata(&values, plan, is_message);
	given = mapped->name == NULL ? NULL
			: is_message         ? given_metadata(plan)
								 : mapped_metadata(plan);
	if (values.len == 0 && given == NULL)
		return NULL;
	if (values.len == 0)
		return psprintf("nullif(%s, %s)",
						named_hash("jsonb", "metadata", given),
						named_hash("jsonb", "metadata", "'{}'::jsonb"));
	if (given != NULL)
		appendStringInfo(&values, ", nullif(%s, '{}')", given);
	return psprintf("%s.chatmig_fingerprint(ROW(%s))", chatmig_ledger_schema(),
					values.data);
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
