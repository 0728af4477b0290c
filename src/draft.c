/*
 * draft.c
 *	  From a mapping that a user began to one that is complete.
 *
 * What the user names stands. What the user leaves out is detected, and taken
 * only if there is one candidate; two are refused with their names, since a
 * guess here would move years of rows wrongly. JSON null means: no column.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "detect.h"
#include "draft.h"
#include "epoch.h"
#include "keys.h"
#include "role.h"

/* A mapping while it is being completed; names are unquoted, or NULL. */
typedef struct DraftSpelling
{
	const char *spelling;
	const char *role; /* as written; mapping.c checks it */
} DraftSpelling;

typedef struct Draft
{
	Shape shape;
	List *key;
	char *parts[NUM_PARTS];
	Jsonb *media;    /* where the metadata describe them; NULL: not */
	List *spellings; /* of DraftSpelling * */
	const char *epoch;
	bool has_keep;    /* false: what plays no part is kept */
	List *keep;       /* of char *: columns */
	const char *path; /* to the messages in a transcript */
} Draft;

static Shape choose_shape(Relation rel, Jsonb *given);
static bool has_several_halves(const Detection *found);
static void choose_parts(Relation rel, Jsonb *given, Draft *draft,
						 const Detection *found);
static char *choose_reply_to(Relation rel, const Draft *draft);
static char *choose_part(Relation rel, const Draft *draft, Part part,
						 const Detection *found);
static bool is_used(const Draft *draft, const char *column);
static void choose_key(Relation rel, Draft *draft, const Detection *found);
static char *advise_key(Relation rel);
static void choose_path(Jsonb *given, Draft *draft, const Detection *found);
static void choose_found_spellings(Draft *draft, const Detection *found);
static bool is_found(const Draft *draft, Part part, const Detection *found);
static void choose_spellings(Relation rel, Draft *draft);
static void add_spelling(const char *spelling, const char *role, void *state);
static Jsonb *serialize(const Draft *draft);
static void push_names(JsonbParseState **state, const char *key, List *names);
static char *join(const List *names);

Jsonb *
chatmig_draft_mapping(Relation rel, Jsonb *given)
{
	Draft draft = {0};
	Detection *found;
	Jsonb *result;

	draft.shape = choose_shape(rel, given);
	chatmig_mapping_check_keys(given, draft.shape);
	found = chatmig_detect_relation(rel, &draft.shape);

	draft.key = chatmig_arguments_strings(given, "mapping", "key");
	choose_parts(rel, given, &draft, found);
	choose_key(rel, &draft, found);
	if (draft.shape == SHAPE_FLAT)
	{
		chatmig_arguments_each(given, "mapping", "roles", add_spelling, &draft);
		choose_found_spellings(&draft, found);
		choose_spellings(rel, &draft);
	}
	choose_path(given, &draft, found);
	if (draft.shape == SHAPE_TRANSCRIPT)
		chatmig_arguments_each(given, "mapping", "roles", add_spelling, &draft);
	draft.epoch = chatmig_arguments_string(given, "mapping", "epoch");
	draft.has_keep = chatmig_arguments_given(given, "keep");
	draft.keep = chatmig_arguments_strings(given, "mapping", "keep");
	/* every name and type is checked before a row is read */
	result = serialize(&draft);
	if (chatmig_mapping_resolve(rel, result)->time_kind == TIME_EPOCH &&
		draft.epoch == NULL)
	{
		draft.epoch = chatmig_epoch_unit(rel, draft.parts[PART_TIME]);
		result = serialize(&draft);
	}
	return result;
}

/* As named; or as the named parts say; or as detected. */
static Shape
choose_shape(Relation rel, Jsonb *given)
{
	Shape shape;
	Detection *found;

	if (!JB_ROOT_IS_OBJECT(given))
		chatmig_mapping_check_keys(given, SHAPE_PAIR);
	if (chatmig_mapping_shape(given, &shape))
		return shape;
	if (chatmig_arguments_has(given, "question") ||
		chatmig_arguments_has(given, "answer"))
		return SHAPE_PAIR;
	if (chatmig_arguments_has(given, "role") ||
		chatmig_arguments_has(given, "content"))
		return SHAPE_FLAT;
	if (chatmig_arguments_has(given, "transcript") ||
		chatmig_arguments_has(given, "path"))
		return SHAPE_TRANSCRIPT;

	found = chatmig_detect_relation(rel, NULL);
	if (!found->is_possible && has_several_halves(found))
		return SHAPE_PAIR;
	if (!found->is_possible)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("nothing like a chat message was found in \"%s\"",
					RelationGetRelationName(rel)),
			 errdetail(
				 "%s",
				 found->notes
					 ? psprintf("Detection says: %s.", join(found->notes))
					 : "No columns look like a question and an answer, or like a role and a content."),
			 errhint(
				 "If it is a chat history, say which columns hold it: mapping => '{\"question\": \"...\", \"answer\": \"...\"}' for rows of a question and an answer, '{\"role\": \"...\", \"content\": \"...\"}' for rows of one message, '{\"transcript\": \"...\"}' for a column of JSON that holds messages.")));
	return found->shape;
}

/* Then it is said which they are, and not that there are none. */
static bool
has_several_halves(const Detection *found)
{
	int questions = list_length(found->candidates[PART_QUESTION]);
	int answers = list_length(found->candidates[PART_ANSWER]);

	return questions > 0 && answers > 0 && questions + answers > 2;
}

static void
choose_parts(Relation rel, Jsonb *given, Draft *draft, const Detection *found)
{
	bool named[NUM_PARTS];

	/* first all that the user named: detection must not take those columns */
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		const char *name = chatmig_part_names[part];

		named[part] = chatmig_arguments_has(given, name);
		if (part == PART_MEDIA)
			draft->media = chatmig_arguments_object(given, "mapping", name);
		if (part == PART_MEDIA && draft->media != NULL)
			continue;
		draft->parts[part] = chatmig_arguments_string(given, "mapping", name);
	}
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		if (!chatmig_mapping_part_fits(draft->shape, part))
			continue;
		if (!named[part] && part == PART_REPLY_TO)
			draft->parts[part] = choose_reply_to(rel, draft);
		else if (!named[part])
			draft->parts[part] = choose_part(rel, draft, part, found);
		if (draft->parts[part] == NULL &&
			chatmig_mapping_part_required(draft->shape, part))
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							errmsg("no column of \"%s\" could be the %s",
								   RelationGetRelationName(rel),
								   chatmig_part_names[part]),
							errdetail("Rows of the shape %s need one.",
									  chatmig_shape_names[draft->shape]),
							errhint("Name it: mapping => '{\"%s\": \"...\"}'.",
									chatmig_part_names[part])));
	}
	/* found by its name alone; without a medium it is a column to be kept */
	if (!named[PART_MEDIA_TYPE] && draft->parts[PART_MEDIA] == NULL)
		draft->parts[PART_MEDIA_TYPE] = NULL;
}

/* A column that refers to the table's own key; NULL if there is none. */
static char *
choose_reply_to(Relation rel, const Draft *draft)
{
	TupleDesc desc = RelationGetDescr(rel);
	Oid relid = RelationGetRelid(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		char *name = NameStr(attribute->attname);

		if (!attribute->attisdropped && !is_used(draft, name) &&
			chatmig_keys_target(relid, attribute->attnum) == relid)
			return pstrdup(name);
	}
	return NULL;
}

static char *
choose_part(Relation rel, const Draft *draft, Part part, const Detection *found)
{
	List *free_columns = NIL;
	ListCell *lc;

	foreach(lc, found->candidates[part])
		if (!is_used(draft, lfirst(lc)))
			free_columns = lappend(free_columns, lfirst(lc));
	if (list_length(free_columns) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE),
				 errmsg("the %s of \"%s\" is ambiguous",
						chatmig_part_names[part], RelationGetRelationName(rel)),
				 errdetail("It could be: %s.", join(free_columns)),
				 errhint("Name one%s: mapping => '{\"%s\": %s}'.",
						 chatmig_mapping_part_required(draft->shape, part)
							 ? ""
							 : ", or null for none",
						 chatmig_part_names[part],
						 chatmig_arguments_quote(linitial(free_columns)))));
	return free_columns ? linitial(free_columns) : NULL;
}

static bool
is_used(const Draft *draft, const char *column)
{
	for (Part part = 0; part < NUM_PARTS; part++)
		if (draft->parts[part] != NULL &&
			strcmp(draft->parts[part], column) == 0)
			return true;
	return false;
}

static void
choose_key(Relation rel, Draft *draft, const Detection *found)
{
	if (draft->key == NIL)
		draft->key = found->key;
	if (draft->key == NIL)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" has no key", RelationGetRelationName(rel)),
			 errdetail(
				 "Each row must have a name of its own, so that it can be proven that none is lost."),
			 errhint(
				 "Name the columns that identify a row: mapping => '{\"key\": [\"...\"]}'%s.",
				 advise_key(rel))));
}

/* What else there is to do about it; a view cannot be given a key. */
static char *
advise_key(Relation rel)
{
	char kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		return "";
	if (get_attnum(RelationGetRelid(rel), "id") != InvalidAttrNumber)
		return "; or add a primary key to the table";
	return psprintf(
		"; or add a primary key, for instance ALTER TABLE %s ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		quote_qualified_identifier(
			get_namespace_name(RelationGetNamespace(rel)),
			RelationGetRelationName(rel)));
}

/* As named; or where rows of the same column have messages. */
static void
choose_path(Jsonb *given, Draft *draft, const Detection *found)
{
	if (draft->shape != SHAPE_TRANSCRIPT)
		return;
	draft->path = chatmig_arguments_string(given, "mapping", "path");
	if (draft->path == NULL && is_found(draft, PART_TRANSCRIPT, found))
		draft->path = found->path;
}

/* What rows say of the same column, where the user says nothing. */
static void
choose_found_spellings(Draft *draft, const Detection *found)
{
	ListCell *lc;

	if (draft->spellings != NIL || !is_found(draft, PART_ROLE, found))
		return;
	foreach(lc, found->spellings)
	{
		RoleSpelling *spelling = lfirst(lc);

		add_spelling(spelling->spelling, chatmig_role_names[spelling->role],
					 draft);
	}
}

/* True if the part is played by the column that detection found for it. */
static bool
is_found(const Draft *draft, Part part, const Detection *found)
{
	return draft->parts[part] != NULL &&
		   list_length(found->candidates[part]) == 1 &&
		   strcmp(draft->parts[part], linitial(found->candidates[part])) == 0;
}

/* A boolean, or 0 and 1, is a role only if the column's name says of whom. */
static void
choose_spellings(Relation rel, Draft *draft)
{
	const char *name = draft->parts[PART_ROLE];
	AttrNumber attnum = get_attnum(RelationGetRelid(rel), name);
	Oid type = attnum == InvalidAttrNumber
				   ? InvalidOid
				   : getBaseType(get_atttype(RelationGetRelid(rel), attnum));
	char *lower = str_tolower(name, strlen(name), C_COLLATION_OID);
	bool says_user = strstr(lower, "user") || strstr(lower, "human");
	bool says_bot = strstr(lower, "bot") || strstr(lower, "ai") ||
					strstr(lower, "assistant");
	const char *yes = type == BOOLOID ? "true" : "1";
	const char *no = type == BOOLOID ? "false" : "0";

	if (draft->spellings != NIL || (type != BOOLOID && type != INT2OID &&
									type != INT4OID && type != INT8OID))
		return;
	if (says_user == says_bot)
		ereport(
			ERROR,
			(errcode(ERRCODE_INDETERMINATE_DATATYPE),
			 errmsg("the roles in column \"%s\" of \"%s\" are ambiguous", name,
					RelationGetRelationName(rel)),
			 errdetail(
				 "It has the type %s, and its name does not say whose message %s is.",
				 format_type_be(type), yes),
			 errhint(
				 "Say it: mapping => '{\"roles\": {\"%s\": \"user\", \"%s\": \"assistant\"}}'.",
				 yes, no)));
	add_spelling(
		yes, chatmig_role_names[says_user ? ROLE_USER : ROLE_ASSISTANT], draft);
	add_spelling(no, chatmig_role_names[says_user ? ROLE_ASSISTANT : ROLE_USER],
				 draft);
}

static void
add_spelling(const char *spelling, const char *role, void *state)
{
	Draft *draft = state;
	DraftSpelling *added = palloc(sizeof(DraftSpelling));

	added->spelling = pstrdup(spelling);
	added->role = pstrdup(role);
	draft->spellings = lappend(draft->spellings, added);
}

static Jsonb *
serialize(const Draft *draft)
{
	JsonbParseState *state = NULL;
	ListCell *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	chatmig_arguments_push(&state, WJB_KEY, "shape");
	chatmig_arguments_push(&state, WJB_VALUE,
						   chatmig_shape_names[draft->shape]);
	push_names(&state, "key", draft->key);
	for (Part part = 0; part < NUM_PARTS; part++)
	{
		if (draft->parts[part] == NULL)
			continue;
		chatmig_arguments_push(&state, WJB_KEY, chatmig_part_names[part]);
		chatmig_arguments_push(&state, WJB_VALUE, draft->parts[part]);
	}
	if (draft->media != NULL)
	{
		JsonbValue media;

		chatmig_arguments_push(&state, WJB_KEY, chatmig_part_names[PART_MEDIA]);
		JsonbToJsonbValue(draft->media, &media);
		pushJsonbValue(&state, WJB_VALUE, &media);
	}
	if (draft->path != NULL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "path");
		chatmig_arguments_push(&state, WJB_VALUE, draft->path);
	}
	if (draft->epoch != NULL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "epoch");
		chatmig_arguments_push(&state, WJB_VALUE, draft->epoch);
	}
	if (draft->has_keep)
		push_names(&state, "keep", draft->keep);
	if (draft->spellings != NIL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "roles");
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		foreach(lc, draft->spellings)
		{
			DraftSpelling *spelling = lfirst(lc);

			chatmig_arguments_push(&state, WJB_KEY, spelling->spelling);
			chatmig_arguments_push(&state, WJB_VALUE, spelling->role);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
push_names(JsonbParseState **state, const char *key, List *names)
{
	ListCell *lc;

	chatmig_arguments_push(state, WJB_KEY, key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, names)
		chatmig_arguments_push(state, WJB_ELEM, lfirst(lc));
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static char *
join(const List *names)
{
	StringInfoData joined;
	ListCell *lc;

	initStringInfo(&joined);
	foreach(lc, names)
		appendStringInfo(&joined, "%s%s", joined.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	return joined.data;
}
