/*
 * detect.c
 *	  A table's columns -> the shape and the part each column plays.
 *
 * An open relation comes in; what its columns are called, of which type they
 * are and where their foreign keys lead decides (vocabulary.c has the names),
 * and where that does not, a few of its rows (evidence.c). Nothing is written,
 * and nothing that a table looks like or holds is an error. Of a relation only
 * the lock that the caller holds is needed: indexes and referenced tables are
 * looked up, never opened.
 *
 * For each part the columns of the best rank are its candidates: one is
 * certain, several are ambiguous, and then the user is to be asked.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/rel.h"

#include "arguments.h"
#include "confidence.h"
#include "detect.h"
#include "evidence.h"
#include "subject.h"
#include "suit.h"
#include "vocabulary.h"

#define RANK_NONE PG_INT32_MAX

/* Looked for in this order, after those; a column plays one part at most. */
static const Part common_parts[] = {
	PART_OWNER,  PART_COUNTERPART, PART_SESSION, PART_TIME,      PART_MODEL,
	PART_TOKENS, PART_METADATA,    PART_MEDIA,   PART_MEDIA_TYPE};

static void note_key(Subject *subject);
static bool choose_shape(Subject *subject);
static bool says_flat(const Subject *subject);
static bool says_transcript(const Subject *subject, bool has_other);
static void find_part(Subject *subject, Part part);
static int column_rank(const Subject *subject, const Candidate *column,
					   Part part);
static void note_part(Subject *subject, Part part, const char *weaker);
static void note_column(Subject *subject, Part part, const char *weaker);
static const Candidate *only_candidate(const Subject *subject, Part part);
static void note_roles(StringInfo note, const Candidate *column);
static void note_messages(StringInfo note, const Candidate *column);
static void note_epoch(StringInfo note, const Candidate *column);
static void keep_evidence(Subject *subject);
static void note_no_shape(Subject *subject);

Detection *
chatmig_detect_relation(Relation rel, const Shape *forced_shape)
{
	Subject subject;
	const Part *both;

	chatmig_subject_load(&subject, rel);
	note_key(&subject);
	chatmig_evidence_gather(&subject, forced_shape);
	if (forced_shape != NULL)
		subject.found->shape = *forced_shape;
	else if (!choose_shape(&subject))
	{
		note_no_shape(&subject);
		return subject.found;
	}
	both = chatmig_subject_shape_parts[subject.found->shape];
	find_part(&subject, both[0]);
	if (both[1] != both[0])
		find_part(&subject, both[1]);
	for (int i = 0; i < lengthof(common_parts); i++)
		find_part(&subject, common_parts[i]);
	keep_evidence(&subject);

	chatmig_confidence_judge(&subject);
	subject.found->is_possible =
		forced_shape != NULL ||
		subject.found->confidence >= (float4) MIN_POSSIBLE;
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
		chatmig_arguments_push(&state, WJB_KEY, "shape");
		chatmig_arguments_push(&state, WJB_VALUE,
							   chatmig_shape_names[detection->shape]);
	}
	if (detection->key != NIL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "key");
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, detection->key)
			chatmig_arguments_push(&state, WJB_ELEM, lfirst(lc));
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	for (int part = 0; part < NUM_PARTS; part++)
	{
		if (list_length(detection->candidates[part]) != 1)
			continue;
		chatmig_arguments_push(&state, WJB_KEY, chatmig_part_names[part]);
		chatmig_arguments_push(&state, WJB_VALUE,
							   linitial(detection->candidates[part]));
	}
	if (detection->path != NULL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "path");
		chatmig_arguments_push(&state, WJB_VALUE, detection->path);
	}
	if (detection->epoch != NULL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "epoch");
		chatmig_arguments_push(&state, WJB_VALUE, detection->epoch);
	}
	if (detection->spellings != NIL)
	{
		chatmig_arguments_push(&state, WJB_KEY, "roles");
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		foreach(lc, detection->spellings)
		{
			RoleSpelling *spelling = lfirst(lc);

			chatmig_arguments_push(&state, WJB_KEY, spelling->spelling);
			chatmig_arguments_push(&state, WJB_VALUE,
								   chatmig_role_names[spelling->role]);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
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
	bool pair = chatmig_suit_has_both(subject, SHAPE_PAIR);
	bool flat = chatmig_suit_has_both(subject, SHAPE_FLAT);

	if (says_transcript(subject, pair || flat))
	{
		subject->found->shape = SHAPE_TRANSCRIPT;
		return true;
	}
	if (pair && flat)
		pair = !says_flat(subject);
	subject->found->shape = pair ? SHAPE_PAIR : SHAPE_FLAT;
	return pair || flat;
}

/* True if role and content have the clearest names, and the question not. */
static bool
says_flat(const Subject *subject)
{
	return chatmig_suit_best(subject, SHAPE_FLAT, PART_ROLE) == TIER_CHAT &&
		   chatmig_suit_best(subject, SHAPE_FLAT, PART_CONTENT) == TIER_CHAT &&
		   chatmig_suit_best(subject, SHAPE_PAIR, PART_QUESTION) != TIER_CHAT;
}

/*
 * Ordinary columns of text with ordinary names come first; then what rows
 * show; and last JSON that is only called like a transcript.
 */
static bool
says_transcript(const Subject *subject, bool has_other)
{
	int tier = chatmig_suit_best(subject, SHAPE_TRANSCRIPT, PART_TRANSCRIPT);

	if (chatmig_suit_is_firm(subject, SHAPE_PAIR) ||
		chatmig_suit_is_firm(subject, SHAPE_FLAT))
		return false;
	return tier == TIER_CHAT || tier == TIER_PLAIN ||
		   (tier == TIER_WEAK && !has_other);
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
				chatmig_suit_tier(subject, column, subject->found->shape, part);
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

	tier = chatmig_suit_tier(subject, column, subject->found->shape, part);
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
	const Candidate *column = only_candidate(subject, part);
	StringInfoData note;

	initStringInfo(&note);
	appendStringInfo(&note, "%s: column \"%s\"", chatmig_part_names[part],
					 column->name);
	if (column->referenced_name != NULL)
		appendStringInfo(&note, ", a foreign key to %s",
						 column->referenced_name);
	if (part == PART_ROLE)
		note_roles(&note, column);
	else if (part == PART_TRANSCRIPT)
		note_messages(&note, column);
	else if (part == PART_TIME)
		note_epoch(&note, column);
	if (weaker != NULL)
		appendStringInfo(&note, ", rather than \"%s\"", weaker);
	if (part == PART_COUNTERPART && subject->found->shape == SHAPE_FLAT)
		appendStringInfoString(&note, "; rows that have none make "
									  "conversations of their own");
	chatmig_subject_note(subject, "%s", note.data);
}

/* NULL if there is none, or several. */
static const Candidate *
only_candidate(const Subject *subject, Part part)
{
	List *names = subject->found->candidates[part];

	for (int i = 0; i < subject->ncolumns && list_length(names) == 1; i++)
		if (strcmp(subject->columns[i].name, linitial(names)) == 0)
			return &subject->columns[i];
	return NULL;
}

static void
note_roles(StringInfo note, const Candidate *column)
{
	ListCell *lc;

	if (column->role == ROWS_CONFIRM && column->spellings == NIL)
		appendStringInfoString(note, ", which names a user and an assistant");
	foreach(lc, column->spellings)
	{
		RoleSpelling *spelling = lfirst(lc);

		appendStringInfo(
			note, "%s \"%s\" for the %s",
			lc == list_head(column->spellings) ? ", which says" : " and",
			spelling->spelling, chatmig_role_names[spelling->role]);
	}
	if (column->role == ROWS_DENY)
		appendStringInfoString(note, ", although it has values that are no "
									 "roles");
	else if (column->unknown != NIL)
		appendStringInfo(note, "; say in \"roles\" what %s means",
						 chatmig_subject_join(column->unknown));
}

static void
note_messages(StringInfo note, const Candidate *column)
{
	if (column->messages != ROWS_CONFIRM)
		appendStringInfoString(note, ", by its name: no row was there to see "
									 "messages in");
	else
		appendStringInfo(note,
						 ", with messages at %s in %d of %d row%s "
						 "looked at",
						 column->path, column->nmessages, column->nrows,
						 column->nrows == 1 ? "" : "s");
}

static void
note_epoch(StringInfo note, const Candidate *column)
{
	if (column->epoch_too != NULL)
		appendStringInfo(note, ", whose numbers could be %s or %s since 1970",
						 column->epoch, column->epoch_too);
	else if (column->epoch != NULL)
		appendStringInfo(note, ", %s since 1970", column->epoch);
}

/* What rows said about the columns that were chosen. */
static void
keep_evidence(Subject *subject)
{
	const Candidate *column;

	column = only_candidate(subject, PART_TRANSCRIPT);
	if (column != NULL)
		subject->found->path = column->path;
	column = only_candidate(subject, PART_ROLE);
	if (column != NULL)
		subject->found->spellings = column->spellings;
	column = only_candidate(subject, PART_TIME);
	if (column != NULL && column->epoch_too == NULL)
		subject->found->epoch = column->epoch;
}

static void
note_no_shape(Subject *subject)
{
	for (int i = 0; i < subject->ncolumns; i++)
	{
		const Candidate *column = &subject->columns[i];

		if (!chatmig_vocabulary_is_transcript(column->normal, column->holds))
			continue;
		if (column->messages == ROWS_DENY)
			chatmig_subject_note(subject,
								 "column \"%s\": no messages in %d row%s "
								 "looked at",
								 column->name, column->nrows,
								 column->nrows == 1 ? "" : "s");
		else
			chatmig_subject_note(subject,
								 "column \"%s\" may hold whole conversations",
								 column->name);
	}
	chatmig_subject_note(subject, "no columns that could be a question and "
								  "its answer, nor a role and a content");
}
