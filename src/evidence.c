/*
 * evidence.c
 *	  What a few rows say about columns whose names do not decide.
 *
 * In: a subject, as the catalogs describe it. Out: for some of its columns,
 * whether they spell roles, hold JSON with messages, or count in which unit.
 * Where the names say enough, no row is read; and a row is only evidence:
 * suit.c and confidence.c say what it is worth.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "evidence.h"
#include "role.h"
#include "sample.h"
#include "suit.h"
#include "vocabulary.h"
#include "witness.h"

#define MAX_ROLES 3 /* unknown ones; more are names */

typedef struct Hearing
{
	int n;
	Witness *witnesses;
	MemoryContext context; /* of what is kept */
} Hearing;

/*
 * Spellings that say who speaks only where both stand in one column, and
 * nothing else does.
 */
static const struct
{
	const char *user;
	const char *assistant;
} opposites[] = {
	{"inbound", "outbound"},
	{"incoming", "outgoing"},
	{"in", "out"},
	{"received", "sent"},
	{"question", "answer"},
	{"prompt", "response"},
	{"prompt", "completion"},
	{"input", "output"},
	{"query", "response"},
	{"q", "a"},
	{"u", "a"},
	{"u", "b"},
};

static bool call_witnesses(Subject *subject, const Shape *forced_shape,
						   Hearing *hearing);
static bool may_hold_messages(const Subject *subject, const Candidate *column);
static bool may_spell_roles(const Subject *subject, const Candidate *column,
							bool names_decide);
static bool is_known_otherwise(const Candidate *column);
static bool is_text(Oid type);
static bool look_at_row(TupleTableSlot *slot, void *state);
static int compare_strings(const ListCell *a, const ListCell *b);
static void judge_roles(Witness *witness);
static bool judge_opposites(Witness *witness);
static const char *find_spelling(List *spelled, const char *spelling);
static void add_spelling(Candidate *column, const char *spelling, Role role);
static void judge_messages(Witness *witness);

void
chatmig_evidence_gather(Subject *subject, const Shape *forced_shape)
{
	Hearing hearing = {.context = CurrentMemoryContext};
	char *error = NULL;

	hearing.witnesses = palloc0(sizeof(Witness) * Max(subject->ncolumns, 1));
	if (call_witnesses(subject, forced_shape, &hearing))
		error = chatmig_sample_rows(subject->rel, look_at_row, &hearing);
	if (error != NULL)
		chatmig_subject_note(subject, "some rows could not be looked at: %s",
							 error);
	for (int i = 0; i < hearing.n; i++)
	{
		Witness *witness = &hearing.witnesses[i];

		if (witness->asked_role)
			judge_roles(witness);
		if (witness->asked_messages)
			judge_messages(witness);
	}
}

/* Decides which columns to ask for what; false if no row is needed. */
static bool
call_witnesses(Subject *subject, const Shape *forced_shape, Hearing *hearing)
{
	bool is_pair = chatmig_suit_is_firm(subject, SHAPE_PAIR);
	bool is_flat = chatmig_suit_is_firm(subject, SHAPE_FLAT);
	int role = chatmig_suit_best(subject, SHAPE_FLAT, PART_ROLE);
	bool ask_messages = forced_shape != NULL ? *forced_shape == SHAPE_TRANSCRIPT
											 : !is_pair && !is_flat;
	bool ask_roles =
		forced_shape != NULL
			? *forced_shape == SHAPE_FLAT
			: !is_pair && chatmig_suit_best(subject, SHAPE_FLAT,
											PART_CONTENT) != TIER_NONE;
	bool needs_rows = false;
	bool has_time = false;

	for (int i = 0; i < subject->ncolumns; i++)
	{
		Candidate *column = &subject->columns[i];
		Witness *witness = &hearing->witnesses[hearing->n];

		if (column->used)
			continue;
		witness->column = column;
		witness->attnum = i + 1;
		witness->type = getBaseType(
			TupleDescAttr(RelationGetDescr(subject->rel), i)->atttypid);
		witness->is_text =
			(column->holds & HOLDS_TEXT) && is_text(witness->type);
		witness->asked_messages =
			ask_messages &&
			(witness->is_text || (column->holds & HOLDS_JSON)) &&
			may_hold_messages(subject, column);
		witness->asked_role =
			ask_roles &&
			may_spell_roles(subject, column,
							role == TIER_CHAT || role == TIER_PLAIN);
		witness->asked_epoch = (column->holds & (HOLDS_INT | HOLDS_NUMBER)) &&
							   chatmig_suit_tier(subject, column, SHAPE_FLAT,
												 PART_TIME) != TIER_NONE;
		if (!witness->asked_messages && !witness->asked_role &&
			!witness->asked_epoch)
			continue;
		hearing->n++;
		if (witness->asked_role && (column->holds & HOLDS_ENUM))
			chatmig_witness_hear_labels(witness);
		else if (witness->asked_messages || witness->asked_role)
			needs_rows = true;
		has_time |= witness->asked_epoch;
	}
	/* a time alone makes no chat */
	return needs_rows ||
		   (has_time && (forced_shape != NULL ||
						 chatmig_suit_has_both(subject, SHAPE_PAIR) ||
						 chatmig_suit_has_both(subject, SHAPE_FLAT)));
}

/*
 * Any JSON may. Text is asked only if its name or the table's says so: nearly
 * all tables have a column of text.
 */
static bool
may_hold_messages(const Subject *subject, const Candidate *column)
{
	TableName table = chatmig_vocabulary_judge_table(subject->normal);

	if (column->in_key || column->has_foreign_key)
		return false;
	if (column->holds & HOLDS_JSON)
		return true;
	return (column->holds & HOLDS_TEXT) && column->is_long &&
		   (chatmig_vocabulary_is_transcript(column->normal, column->holds) ||
			chatmig_vocabulary_may_be_json(column->normal) ||
			table == TABLE_NAME_CHAT || table == TABLE_NAME_MESSAGES);
}

/*
 * Words may, if their name is one of a role; or any others, if there is no
 * good name of a role, and if theirs is not known for something else.
 */
static bool
may_spell_roles(const Subject *subject, const Candidate *column,
				bool names_decide)
{
	if (!(column->holds & (HOLDS_TEXT | HOLDS_ENUM)) || column->in_key ||
		column->has_foreign_key)
		return false;
	if (chatmig_suit_tier(subject, column, SHAPE_FLAT, PART_ROLE) != TIER_NONE)
		return true;
	return !names_decide && !is_known_otherwise(column);
}

static bool
is_known_otherwise(const Candidate *column)
{
	for (Part part = 0; part < NUM_PARTS; part++)
		if (part != PART_ROLE &&
			chatmig_vocabulary_tier(part,
									part == PART_QUESTION || part == PART_ANSWER
										? SHAPE_PAIR
										: SHAPE_FLAT,
									column->normal, column->holds) != TIER_NONE)
			return true;
	return false;
}

/* citext and the like are text to the server; "name" is not. */
static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID ||
		   IsBinaryCoercible(type, TEXTOID);
}

static bool
look_at_row(TupleTableSlot *slot, void *state)
{
	Hearing *hearing = state;

	for (int i = 0; i < hearing->n; i++)
	{
		Witness *witness = &hearing->witnesses[i];
		bool isnull;
		Datum value = slot_getattr(slot, witness->attnum, &isnull);

		if (!isnull)
			chatmig_witness_hear(witness, value, hearing->context);
	}
	return true;
}

static int
compare_strings(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static void
judge_roles(Witness *witness)
{
	Candidate *column = witness->column;
	bool has_user = false;
	bool has_assistant = false;
	ListCell *lc;

	if (witness->nspelled == 0 && witness->nlong == 0)
		return;
	list_sort(witness->spelled, compare_strings);
	foreach(lc, witness->spelled)
	{
		Role role;

		if (!chatmig_role_find(NULL, 0, lfirst(lc), &role))
			column->unknown = lappend(column->unknown, lfirst(lc));
		else
		{
			has_user |= role == ROLE_USER;
			has_assistant |= role == ROLE_ASSISTANT;
		}
	}
	if (witness->nlong > 0 || list_length(column->unknown) > MAX_ROLES)
		column->role = ROWS_DENY;
	else if (has_user && has_assistant && column->unknown == NIL)
		column->role = ROWS_CONFIRM;
	else if (has_user || has_assistant)
		column->role = ROWS_HINT;
	else if (judge_opposites(witness))
		column->role = ROWS_CONFIRM;
	else if (witness->nspelled <= MAX_ROLES ||
			 witness->nspelled >= 2 * list_length(witness->spelled))
		column->role = ROWS_DOUBT;
	else
		column->role = ROWS_DENY;
}

/* Nobody who is known speaks, but these two are one another's opposite. */
static bool
judge_opposites(Witness *witness)
{
	if (list_length(witness->column->unknown) != 2)
		return false;
	for (int i = 0; i < lengthof(opposites); i++)
	{
		const char *user = find_spelling(witness->spelled, opposites[i].user);
		const char *assistant =
			find_spelling(witness->spelled, opposites[i].assistant);

		if (user == NULL || assistant == NULL)
			continue;
		add_spelling(witness->column, user, ROLE_USER);
		add_spelling(witness->column, assistant, ROLE_ASSISTANT);
		witness->column->unknown = NIL;
		return true;
	}
	return false;
}

/* As it is written in the list; in any case. */
static const char *
find_spelling(List *spelled, const char *spelling)
{
	ListCell *lc;

	foreach(lc, spelled)
		if (pg_strcasecmp(lfirst(lc), spelling) == 0)
			return lfirst(lc);
	return NULL;
}

static void
add_spelling(Candidate *column, const char *spelling, Role role)
{
	RoleSpelling *added = palloc(sizeof(RoleSpelling));

	added->spelling = pstrdup(spelling);
	added->role = role;
	column->spellings = lappend(column->spellings, added);
}

/*
 * A third of the rows that hold anything must hold messages: an envelope may
 * be without. One message in a row could also be an event, so half of them.
 */
static void
judge_messages(Witness *witness)
{
	Candidate *column = witness->column;
	PathCount *best = NULL;
	ListCell *lc;

	if (witness->nparsed == 0)
		return;
	foreach(lc, witness->paths)
	{
		PathCount *count = lfirst(lc);

		if (best == NULL || count->n > best->n)
			best = count;
	}
	column->nrows = witness->nparsed;
	column->messages = ROWS_DENY;
	if (best == NULL ||
		best->n * (strcmp(best->path, "$") == 0 ? 2 : 3) < witness->nparsed)
		return;
	column->messages = ROWS_CONFIRM;
	column->path = best->path;
	column->nmessages = best->n;
}
