/*
 * mapping.c
 *	  From the names in a mapping to columns of a relation.
 *
 * In: a relation that the caller holds open, and a complete mapping as jsonb.
 * Out: a Mapping in which every column exists and has a type that fits its
 * part. Whatever does not fit is refused here, with the name, the type and
 * what is accepted. Touches no row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "mapping.h"
#include "part_type.h"
#include "role.h"

const char *const chatmig_shape_names[] = {"pair", "flat", "transcript"};

const char *const chatmig_part_names[NUM_PARTS] = {
	"owner",  "counterpart", "session",    "question",   "answer",
	"role",   "content",     "transcript", "time",       "model",
	"tokens", "metadata",    "media",      "media_type", "reply_to"};

/* Keys of a mapping that are no parts. */
#define MAPPING_SHAPE "shape"
#define MAPPING_KEY "key"
#define MAPPING_ROLES "roles"
#define MAPPING_EPOCH "epoch"
#define MAPPING_KEEP "keep"
#define MAPPING_PATH "path"

/* What chatmig names in its queries, and in metadata, begins with this. */
#define OWN_PREFIX "chatmig_"

static const PartType part_types[NUM_PARTS] = {
	[PART_OWNER] = ACCEPTS_ORDERED,    [PART_COUNTERPART] = ACCEPTS_ORDERED,
	[PART_SESSION] = ACCEPTS_ORDERED,  [PART_QUESTION] = ACCEPTS_TEXT,
	[PART_ANSWER] = ACCEPTS_TEXT,      [PART_ROLE] = ACCEPTS_ROLE,
	[PART_CONTENT] = ACCEPTS_TEXT,     [PART_TRANSCRIPT] = ACCEPTS_TEXT,
	[PART_TIME] = ACCEPTS_TIME,        [PART_MODEL] = ACCEPTS_LABEL,
	[PART_TOKENS] = ACCEPTS_INTEGER,   [PART_METADATA] = ACCEPTS_JSON,
	[PART_MEDIA] = ACCEPTS_LABEL,      [PART_MEDIA_TYPE] = ACCEPTS_LABEL,
	[PART_REPLY_TO] = ACCEPTS_ORDERED,
};

static void resolve_keys(Relation rel, Jsonb *jsonb, Mapping *mapping);
static void resolve_parts(Relation rel, Jsonb *jsonb, Mapping *mapping);
static void check_reply_to(Relation rel, const Mapping *mapping);
static void check_media(Relation rel, const Mapping *mapping);
static void resolve_time(Jsonb *jsonb, Mapping *mapping);
static void resolve_path(Relation rel, Jsonb *jsonb, Mapping *mapping);
static void resolve_columns(Relation rel, Mapping *mapping);
static void resolve_kept(Relation rel, Jsonb *jsonb, Mapping *mapping);
static bool plays_part(const Mapping *mapping, const Column *column);
static bool is_listed(Relation rel, List *names, const char *name);
static void resolve_column(Relation rel, const char *part, char *name,
						   Column *column);
static void check_name(Relation rel, const char *name);
static void add_spelling(const char *spelling, const char *role, void *state);

bool
chatmig_mapping_shape(Jsonb *jsonb, Shape *shape)
{
	char *name = chatmig_arguments_string(jsonb, "mapping", MAPPING_SHAPE);

	if (name == NULL)
		return false;
	for (int i = 0; i < lengthof(chatmig_shape_names); i++)
	{
		if (strcmp(name, chatmig_shape_names[i]) == 0)
		{
			*shape = i;
			return true;
		}
	}
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("unknown shape \"%s\" in mapping", name),
		 errdetail(
			 "Known shapes: pair (a question and its answer in one row), flat (one message in one row), transcript (JSON that holds messages)."),
		 errhint(
			 "For another shape, register a view that shows the history in one of these.")));
}

bool
chatmig_mapping_part_fits(Shape shape, Part part)
{
	switch (part)
	{
		case PART_QUESTION:
		case PART_ANSWER:
			return shape == SHAPE_PAIR;
		case PART_ROLE:
		case PART_CONTENT:
			return shape == SHAPE_FLAT;
		case PART_TRANSCRIPT:
			return shape == SHAPE_TRANSCRIPT;
		case PART_MEDIA:
		case PART_MEDIA_TYPE:
		case PART_REPLY_TO:
			return shape != SHAPE_TRANSCRIPT;
		default:
			return true;
	}
}

bool
chatmig_mapping_part_required(Shape shape, Part part)
{
	return chatmig_mapping_part_fits(shape, part) &&
		   (part == PART_QUESTION || part == PART_ANSWER || part == PART_ROLE ||
			part == PART_CONTENT || part == PART_TRANSCRIPT);
}

void
chatmig_mapping_check_keys(Jsonb *jsonb, Shape shape)
{
	const char *known[NUM_PARTS + 5];
	int n = 0;

	known[n++] = MAPPING_SHAPE;
	known[n++] = MAPPING_KEY;
	for (Part part = 0; part < NUM_PARTS; part++)
		if (chatmig_mapping_part_fits(shape, part))
			known[n++] = chatmig_part_names[part];
	known[n++] = MAPPING_EPOCH;
	known[n++] = MAPPING_KEEP;
	if (shape != SHAPE_PAIR)
		known[n++] = MAPPING_ROLES;
	if (shape == SHAPE_TRANSCRIPT)
		known[n++] = MAPPING_PATH;
	chatmig_arguments_check(jsonb, "mapping", known, n);
}

Mapping *
chatmig_mapping_resolve(Relation rel, Jsonb *jsonb)
{
	Mapping *mapping = palloc0(sizeof(Mapping));

	if (!chatmig_mapping_shape(jsonb, &mapping->shape))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(
				 "the registered mapping of \"%s\" does not say which shape its rows have",
				 RelationGetRelationName(rel)),
			 errdetail("The mapping is %s.",
					   JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb))),
			 errhint(
				 "chatmig_register() always writes it, so that the row was changed in chatmig_migration itself: put it back from a dump; or, before anything is migrated, call chatmig_register() again.")));
	resolve_keys(rel, jsonb, mapping);
	resolve_parts(rel, jsonb, mapping);
	mapping->media_in_metadata =
		chatmig_media_keys_parse(jsonb, &mapping->media_keys);
	check_media(rel, mapping);
	check_reply_to(rel, mapping);
	resolve_time(jsonb, mapping);
	if (mapping->shape != SHAPE_PAIR)
		chatmig_arguments_each(jsonb, "mapping", MAPPING_ROLES, add_spelling,
							   mapping);
	if (mapping->shape == SHAPE_TRANSCRIPT)
		resolve_path(rel, jsonb, mapping);
	resolve_columns(rel, mapping);
	resolve_kept(rel, jsonb, mapping);
	return mapping;
}

bool
chatmig_mapping_keeps_role(const Mapping *mapping)
{
	/* the roles in a transcript are kept, or not, one by one */
	if (mapping->shape == SHAPE_TRANSCRIPT)
		return false;
	/* whatever it is, it is kept */
	for (int i = 0; i < mapping->nkept; i++)
		if (mapping->kept[i].attnum == mapping->parts[PART_ROLE].attnum)
			return false;
	/* a label says more than a role, and so does one of two for a role */
	if (mapping->nspellings > 0 &&
		chatmig_part_type_fits(ACCEPTS_LABEL, mapping->parts[PART_ROLE].type))
		return true;
	for (int i = 0; i < mapping->nspellings; i++)
		for (int j = 0; j < i; j++)
			if (mapping->spellings[i].role == mapping->spellings[j].role)
				return true;
	return false;
}

Oid
chatmig_mapping_tokens_type(const Mapping *mapping)
{
	return HAS_PART(mapping, PART_TOKENS) &&
				   getBaseType(mapping->parts[PART_TOKENS].type) == INT8OID
			   ? INT8OID
			   : INT4OID;
}

static void
resolve_keys(Relation rel, Jsonb *jsonb, Mapping *mapping)
{
	List *names = chatmig_arguments_strings(jsonb, "mapping", MAPPING_KEY);
	ListCell *lc;

	if (list_length(names) < 1 || list_length(names) > MAX_KEYS)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the key of \"%s\" must have 1 to %d columns",
					RelationGetRelationName(rel), MAX_KEYS),
			 errdetail("The mapping names %d.", list_length(names)),
			 errhint(
				 "Name the columns that identify a row: mapping => '{\"key\": [\"...\"]}'.")));
	foreach(lc, names)
	{
		Column *column = &mapping->keys[mapping->nkeys++];

		resolve_column(rel, MAPPING_KEY, lfirst(lc), column);
		check_name(rel, column->name);
		chatmig_part_type_check(rel, MAPPING_KEY, ACCEPTS_ORDERED,
								column->attnum);
		for (int k = 0; k < mapping->nkeys - 1; k++)
			if (mapping->keys[k].attnum == column->attnum)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" is twice in the key of \"%s\"",
								column->name, RelationGetRelationName(rel)),
						 errhint("Name each column of the key once.")));
	}
}

static void
resolve_parts(Relation rel, Jsonb *jsonb, Mapping *mapping)
{
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		char *name;

		if (!chatmig_mapping_part_fits(mapping->shape, part))
			continue;
		if (part == PART_MEDIA &&
			chatmig_arguments_object(jsonb, "mapping", "media") != NULL)
			continue;
		name = chatmig_arguments_string(jsonb, "mapping",
										chatmig_part_names[part]);
		if (name == NULL)
			continue;
		resolve_column(rel, chatmig_part_names[part], name,
					   &mapping->parts[part]);
		check_name(rel, name);
		chatmig_part_type_check(rel, chatmig_part_names[part], part_types[part],
								mapping->parts[part].attnum);
		for (Part other = 0; other < part; other++)
			if (HAS_PART(mapping, other) &&
				mapping->parts[other].attnum == mapping->parts[part].attnum)
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of \"%s\" cannot play two parts",
							name, RelationGetRelationName(rel)),
					 errdetail("The mapping names it as \"%s\" and as \"%s\".",
							   chatmig_part_names[other],
							   chatmig_part_names[part]),
					 errhint("Name another column, or null for no column.")));
	}
}

/* It names a row as the key does. */
static void
check_reply_to(Relation rel, const Mapping *mapping)
{
	const Column *reply_to = &mapping->parts[PART_REPLY_TO];

	if (reply_to->name == NULL ||
		(mapping->nkeys == 1 &&
		 getBaseType(reply_to->type) == getBaseType(mapping->keys[0].type)))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DATATYPE_MISMATCH),
		 errmsg("column \"%s\" of \"%s\" cannot be the reply_to",
				reply_to->name, RelationGetRelationName(rel)),
		 mapping->nkeys == 1
			 ? errdetail("It has the type %s, and the key \"%s\" has %s.",
						 format_type_be(reply_to->type), mapping->keys[0].name,
						 format_type_be(mapping->keys[0].type))
			 : errdetail("The key has %d columns.", mapping->nkeys),
		 errhint(
			 "Say \"reply_to\": null, and the column is kept in the metadata.")));
}

/* The type of what? */
static void
check_media(Relation rel, const Mapping *mapping)
{
	if (mapping->media_in_metadata && !HAS_PART(mapping, PART_METADATA))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "the mapping of \"%s\" has media in its metadata, but no metadata",
				 RelationGetRelationName(rel)),
			 errdetail("\"media\" is an object with names of its members."),
			 errhint(
				 "Name the column with the metadata: mapping => '{\"metadata\": \"...\"}'; or say \"media\": null.")));
	if (HAS_PART(mapping, PART_MEDIA) || !HAS_PART(mapping, PART_MEDIA_TYPE))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("the mapping of \"%s\" has a media_type, but no media",
				RelationGetRelationName(rel)),
		 errdetail("Its column is \"%s\".",
				   mapping->parts[PART_MEDIA_TYPE].name),
		 errhint(
			 "Name the column with the URL as \"media\"; or say \"media_type\": null, and the column is kept in the metadata.")));
}

static void
resolve_time(Jsonb *jsonb, Mapping *mapping)
{
	char *unit = chatmig_arguments_string(jsonb, "mapping", MAPPING_EPOCH);

	if (!HAS_PART(mapping, PART_TIME))
	{
		mapping->time_kind = TIME_NONE;
		return;
	}
	switch (getBaseType(mapping->parts[PART_TIME].type))
	{
		case TIMESTAMPTZOID:
			mapping->time_kind = TIME_TIMESTAMPTZ;
			break;
		case TIMESTAMPOID:
			mapping->time_kind = TIME_TIMESTAMP;
			break;
		case DATEOID:
			mapping->time_kind = TIME_DATE;
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			mapping->time_kind = TIME_EPOCH;
			break;
		default:
			mapping->time_kind = TIME_TEXT;
	}

	mapping->epoch_known = unit != NULL;
	mapping->epoch_unit = 1;
	if (unit == NULL || strcmp(unit, "seconds") == 0)
		return;
	if (strcmp(unit, "milliseconds") == 0)
		mapping->epoch_unit = 1e3;
	else if (strcmp(unit, "microseconds") == 0)
		mapping->epoch_unit = 1e6;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown epoch unit \"%s\" in mapping", unit),
				 errhint("Known units: seconds, milliseconds, microseconds.")));
}

/* The server's function says what is wrong with a path, but not where it is. */
static void
resolve_path(Relation rel, Jsonb *jsonb, Mapping *mapping)
{
	MemoryContext context = CurrentMemoryContext;

	mapping->path = chatmig_arguments_string(jsonb, "mapping", MAPPING_PATH);
	if (mapping->path == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "the path to the messages in column \"%s\" of \"%s\" is not known",
				 mapping->parts[PART_TRANSCRIPT].name,
				 RelationGetRelationName(rel)),
			 errdetail(
				 "It was not named, and nothing in the column looks like messages."),
			 errhint(
				 "Name it, as a jsonpath: mapping => '{\"path\": \"$.messages[*]\"}' for {\"messages\": [...]}, \"$[*]\" for an array, \"$\" for one message in a row.")));
	PG_TRY();
	{
		(void) DirectFunctionCall1(jsonpath_in, CStringGetDatum(mapping->path));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		/* a cancellation, or the memory, say */
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
				ERRCODE_TO_CATEGORY(
					ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION) &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
				ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION))
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the path \"%s\" in mapping is no jsonpath",
							   mapping->path),
						errdetail("The server says: %s.", error->message),
						errhint("For messages in {\"messages\": [...]} it is "
								"\"$.messages[*]\".")));
	}
	PG_END_TRY();
}

static void
resolve_columns(Relation rel, Mapping *mapping)
{
	TupleDesc desc = RelationGetDescr(rel);

	mapping->columns = palloc0(sizeof(Column) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		resolve_column(rel, MAPPING_KEEP, NameStr(att->attname),
					   &mapping->columns[mapping->ncolumns++]);
	}
}

/*
 * What is kept in the metadata: the columns that the user names, or else
 * whatever is neither in the key nor a part.
 */
static void
resolve_kept(Relation rel, Jsonb *jsonb, Mapping *mapping)
{
	List *names = chatmig_arguments_strings(jsonb, "mapping", MAPPING_KEEP);
	bool is_named = chatmig_arguments_given(jsonb, MAPPING_KEEP);
	ListCell *lc;

	mapping->kept = palloc0(sizeof(Column) * Max(mapping->ncolumns, 1));
	mapping->left = palloc0(sizeof(Column) * Max(mapping->ncolumns, 1));
	foreach(lc, names)
	{
		Column column;

		resolve_column(rel, MAPPING_KEEP, lfirst(lc), &column);
	}
	for (int i = 0; i < mapping->ncolumns; i++)
	{
		const Column *column = &mapping->columns[i];
		bool is_part = plays_part(mapping, column);

		if (is_named ? is_listed(rel, names, column->name) : !is_part)
			mapping->kept[mapping->nkept++] = *column;
		else if (!is_part)
			mapping->left[mapping->nleft++] = *column;
	}
}

static bool
plays_part(const Mapping *mapping, const Column *column)
{
	for (int k = 0; k < mapping->nkeys; k++)
		if (mapping->keys[k].attnum == column->attnum)
			return true;
	/* what a row answers is kept, too: that row may have no message */
	for (Part part = 0; part < NUM_PARTS; part++)
		if (part != PART_REPLY_TO && HAS_PART(mapping, part) &&
			mapping->parts[part].attnum == column->attnum)
			return true;
	return false;
}

static bool
is_listed(Relation rel, List *names, const char *name)
{
	int n = 0;
	ListCell *lc;

	foreach(lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			n++;
	if (n > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("column \"%s\" of \"%s\" is to be kept twice",
							   name, RelationGetRelationName(rel)),
						errdetail("\"keep\" in mapping names it %d times.", n),
						errhint("Name each column in \"keep\" once.")));
	return n > 0;
}

static void
resolve_column(Relation rel, const char *part, char *name, Column *column)
{
	TupleDesc desc = RelationGetDescr(rel);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (strcmp(NameStr(att->attname), name) == 0)
		{
			column->name = pstrdup(name);
			column->attnum = att->attnum;
			column->type = att->atttypid;
			column->typmod = att->atttypmod;
			column->collation = att->attcollation;
			column->not_null = att->attnotnull;
			return;
		}
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
						 NameStr(att->attname));
	}
	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_COLUMN),
		 errmsg("column \"%s\" of \"%s\" does not exist", name,
				RelationGetRelationName(rel)),
		 errdetail("The mapping names it as \"%s\". The columns are: %s.", part,
				   columns.data),
		 errhint(
			 "If it was renamed, give it its name back; or, before anything is migrated, call chatmig_register() again with the right name.")));
}

/* In a query that has both, nobody could tell which is meant. */
static void
check_name(Relation rel, const char *name)
{
	if (strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) != 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_RESERVED_NAME),
		 errmsg("column \"%s\" of \"%s\" has a name that is chatmig's own",
				name, RelationGetRelationName(rel)),
		 errdetail(
			 "In its queries, what it computes has names that begin with \"%s\".",
			 OWN_PREFIX),
		 errhint(
			 "ALTER TABLE ... RENAME COLUMN, or leave the column out of the mapping.")));
}

static void
add_spelling(const char *spelling, const char *role, void *state)
{
	Mapping *mapping = state;
	RoleSpelling *added;

	if (mapping->nspellings == 0)
		mapping->spellings = palloc(sizeof(RoleSpelling));
	else
		mapping->spellings =
			repalloc(mapping->spellings,
					 sizeof(RoleSpelling) * (mapping->nspellings + 1));
	added = &mapping->spellings[mapping->nspellings];
	if (!chatmig_role_parse(role, &added->role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown role \"%s\" for \"%s\" in mapping", role,
						spelling),
				 errhint("Known roles: user, assistant, system, tool.")));
	added->spelling = pstrdup(spelling);
	mapping->nspellings++;
}
