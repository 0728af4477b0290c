/*
 * detect.c
 *	  A table's columns -> the shape and the part each column plays.
 *
 * An open relation comes in; what its columns are called, of which type they
 * are and where their foreign keys lead decides (vocabulary.c has the names).
 * No row is read, nothing is written, and nothing that a table looks like is
 * an error. Of a relation only the lock that the caller holds is needed:
 * indexes and referenced tables are looked up, never opened.
 *
 * For each part the columns of the best rank are its candidates: one is
 * certain, several are ambiguous, and then the user is to be asked.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/rel.h"

#include "confidence.h"
#include "detect.h"
#include "subject.h"
#include "vocabulary.h"

#define RANK_NONE PG_INT32_MAX

static const char *const shape_names[] = {"pair", "flat"};

/* Looked for in this order, after those; a column plays one part at most. */
static const Part common_parts[] = {
	PART_OWNER,  PART_COUNTERPART, PART_SESSION, PART_TIME,      PART_MODEL,
	PART_TOKENS, PART_METADATA,    PART_MEDIA,   PART_MEDIA_TYPE};

static void note_key(Subject *subject);
static bool choose_shape(Subject *subject);
static bool has_both(const Subject *subject, Shape shape);
static int best_tier(const Subject *subject, Shape shape, Part part);
static bool says_flat(const Subject *subject);
static int column_tier(const Candidate *column, Shape shape, Part part);
static bool may_play(const Candidate *column, int nkeys, Part part);
static void find_part(Subject *subject, Part part);
static int column_rank(const Subject *subject, const Candidate *column,
					   Part part);
static void note_part(Subject *subject, Part part, const char *weaker);
static void note_column(Subject *subject, Part part, const char *weaker);
static void note_no_shape(Subject *subject);
static void push_string(JsonbParseState **state, JsonbIteratorToken token,
						const char *value);

Detection *
chatmig_detect_relation(Relation rel, const Shape *forced_shape)
{
	Subject subject;

	chatmig_subject_load(&subject, rel);
	note_key(&subject);
	if (forced_shape != NULL)
		subject.found->shape = *forced_shape;
	else if (!choose_shape(&subject))
	{
		note_no_shape(&subject);
		return subject.found;
	}
	for (int i = 0; i < 2; i++)
		find_part(&subject,
				  chatmig_subject_shape_parts[subject.found->shape][i]);
	for (int i = 0; i < lengthof(common_parts); i++)
		find_part(&subject, common_parts[i]);

	chatmig_confidence_judge(&subject);
	subject.found->has_shape =
		forced_shape != NULL ||
		subject.found->confidence >= (float4) MIN_CONFIDENCE;
	if (!subject.found->has_shape)
		chatmig_subject_note(&subject, "more speaks against a chat than "
									   "for one");
	return subject.found;
}

Jsonb *
chatmig_detect_mapping(const Detection *detection)
{
	JsonbParseState *state = NULL;
	JsonbValue *result;
	ListCell *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (detection->has_shape)
	{
		push_string(&state, WJB_KEY, "shape");
		push_string(&state, WJB_VALUE, shape_names[detection->shape]);
	}
	if (detection->key != NIL)
	{
		push_string(&state, WJB_KEY, "key");
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, detection->key)
			push_string(&state, WJB_ELEM, lfirst(lc));
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	for (int part = 0; part < NUM_PARTS; part++)
	{
		if (list_length(detection->candidates[part]) != 1)
			continue;
		push_string(&state, WJB_KEY, chatmig_part_names[part]);
		push_string(&state, WJB_VALUE, linitial(detection->candidates[part]));
	}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(result);
}

/* A key is not looked for in the rows: only the server can promise one. */
static void
note_key(Subject *subject)
{
	if (subject->found->key != NIL)
		return;
	if (subject->rel->rd_rel->relkind == RELKIND_VIEW ||
		subject->rel->rd_rel->relkind == RELKIND_MATVIEW)
		chatmig_subject_note(subject, "key: a view has none; "
									  "name the columns that are unique in it");
	else
		chatmig_subject_note(subject, "key: neither a primary key nor a "
									  "unique index on NOT NULL columns");
}

/*
 * A question and an answer make a pair, a role and a content make flat
 * messages. Where a table has all four, it is a pair (message, response,
 * sender) unless its names say otherwise (role, content, input, output).
 */
static bool
choose_shape(Subject *subject)
{
	bool pair = has_both(subject, SHAPE_PAIR);
	bool flat = has_both(subject, SHAPE_FLAT);

	if (pair && flat)
		pair = !says_flat(subject);
	subject->found->shape = pair ? SHAPE_PAIR : SHAPE_FLAT;
	return pair || flat;
}

static bool
has_both(const Subject *subject, Shape shape)
{
	const Part *both = chatmig_subject_shape_parts[shape];

	return best_tier(subject, shape, both[0]) != TIER_NONE &&
		   best_tier(subject, shape, both[1]) != TIER_NONE;
}

static int
best_tier(const Subject *subject, Shape shape, Part part)
{
	int best = TIER_NONE;

	for (int i = 0; i < subject->ncolumns; i++)
	{
		const Candidate *column = &subject->columns[i];
		int tier;

		if (column->used || !may_play(column, subject->nkeys, part))
			continue;
		tier = column_tier(column, shape, part);
		if (tier != TIER_NONE && (best == TIER_NONE || tier < best))
			best = tier;
	}
	return best;
}

/* True if role and content have the clearest names, and the question not. */
static bool
says_flat(const Subject *subject)
{
	return best_tier(subject, SHAPE_FLAT, PART_ROLE) == TIER_CHAT &&
		   best_tier(subject, SHAPE_FLAT, PART_CONTENT) == TIER_CHAT &&
		   best_tier(subject, SHAPE_PAIR, PART_QUESTION) != TIER_CHAT;
}

/* The name's tier; a foreign key alone is a weak hint. */
static int
column_tier(const Candidate *column, Shape shape, Part part)
{
	int tier =
		chatmig_vocabulary_tier(part, shape, column->normal, column->holds);

	if (tier == TIER_NONE && column->referenced != NULL &&
		chatmig_vocabulary_is_table_of(part, column->referenced) &&
		(part != PART_OWNER ||
		 chatmig_vocabulary_may_own(column->normal, shape)))
		tier = TIER_WEAK;
	return tier;
}

/*
 * A key of one column plays no part; in a key of several, one may be whose
 * history it is, or when. References hold nobody's words.
 */
static bool
may_play(const Candidate *column, int nkeys, Part part)
{
	switch (part)
	{
		case PART_OWNER:
		case PART_COUNTERPART:
		case PART_SESSION:
		case PART_TIME:
			return !column->in_key || nkeys > 1;
		case PART_ROLE:
			return !column->in_key &&
				   !(column->has_foreign_key && (column->holds & HOLDS_INT));
		case PART_MODEL:
		case PART_MEDIA:
		case PART_MEDIA_TYPE:
			return !column->in_key;
		default:
			return !column->in_key && !column->has_foreign_key;
	}
}

static void
find_part(Subject *subject, Part part)
{
	int best = RANK_NONE;
	const char *weaker = NULL;

	/* content_type alone is not that of a medium */
	if (part == PART_MEDIA_TYPE && subject->tiers[PART_MEDIA] == TIER_NONE)
		return;

	for (int i = 0; i < subject->ncolumns; i++)
		best = Min(best, column_rank(subject, &subject->columns[i], part));
	for (int i = 0; i < subject->ncolumns && best != RANK_NONE; i++)
	{
		Candidate *column = &subject->columns[i];
		int rank = column_rank(subject, column, part);

		if (rank == best)
		{
			subject->tiers[part] =
				column_tier(column, subject->found->shape, part);
			subject->found->candidates[part] =
				lappend(subject->found->candidates[part], column->name);
			column->used = true;
		}
		else if (rank != RANK_NONE && weaker == NULL)
			weaker = column->name;
	}
	note_part(subject, part, weaker);
}

/*
 * Smaller is better: the tier first, and within it a foreign key onto a table
 * whose rows play the part. RANK_NONE: not at all.
 */
static int
column_rank(const Subject *subject, const Candidate *column, Part part)
{
	int tier;

	if (column->used || !may_play(column, subject->nkeys, part))
		return RANK_NONE;
	tier = column_tier(column, subject->found->shape, part);
	if (tier == TIER_NONE)
		return RANK_NONE;
	if (column->referenced != NULL &&
		chatmig_vocabulary_is_table_of(part, column->referenced))
		return 2 * tier;
	return 2 * tier + 1;
}

/* Says which column plays the part, or what follows from none. */
static void
note_part(Subject *subject, Part part, const char *weaker)
{
	List *candidates = subject->found->candidates[part];

	if (list_length(candidates) == 1)
		note_column(subject, part, weaker);
	else if (candidates != NIL)
		chatmig_subject_note(subject, "%s could be %s",
							 chatmig_part_names[part],
							 chatmig_subject_join(candidates));
	else if (part == PART_TIME && subject->found->key != NIL)
		chatmig_subject_note(subject, "time: no column; "
									  "rows are ordered by the key");
	else if (part == PART_OWNER)
		chatmig_subject_note(subject, "owner: no column; "
									  "the messages are nobody's");
	else if (chatmig_mapping_part_required(subject->found->shape, part))
		chatmig_subject_note(subject, "%s: no column that could be it",
							 chatmig_part_names[part]);
}

static void
note_column(Subject *subject, Part part, const char *weaker)
{
	const char *name = linitial(subject->found->candidates[part]);
	StringInfoData note;

	initStringInfo(&note);
	appendStringInfo(&note, "%s: column \"%s\"", chatmig_part_names[part],
					 name);
	for (int i = 0; i < subject->ncolumns; i++)
		if (subject->columns[i].referenced_name != NULL &&
			strcmp(subject->columns[i].name, name) == 0)
			appendStringInfo(&note, ", a foreign key to %s",
							 subject->columns[i].referenced_name);
	if (weaker != NULL)
		appendStringInfo(&note, ", rather than \"%s\"", weaker);
	if (part == PART_COUNTERPART && subject->found->shape == SHAPE_FLAT)
		appendStringInfoString(&note, "; rows that have none make "
									  "conversations of their own");
	chatmig_subject_note(subject, "%s", note.data);
}

static void
note_no_shape(Subject *subject)
{
	for (int i = 0; i < subject->ncolumns; i++)
		if (chatmig_vocabulary_is_transcript(subject->columns[i].normal,
											 subject->columns[i].holds))
			chatmig_subject_note(subject,
								 "column \"%s\" may hold whole conversations",
								 subject->columns[i].name);
	chatmig_subject_note(subject, "no columns that could be a question and "
								  "its answer, nor a role and a content");
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken token,
			const char *value)
{
	JsonbValue string = {
		.type = jbvString,
		.val.string = {.len = strlen(value), .val = unconstify(char *, value)}};

	pushJsonbValue(state, token, &string);
}
