/*
 * confidence.c
 *	  How sure detection is that a table is a chat.
 *
 * The confidence is a sum of evidence, cut to 0 .. 1: 0.45 for the columns that
 * make a shape, and then what speaks for and against. What the sum means:
 *
 * - 0.6 and more: names, types and keys, or the rows, say that it is a chat.
 * - 0.4 to 0.6: it can be one; the notes say what is missing or odd.
 * - less than 0.4: there are such columns, but more speaks against a chat than
 *   for one, and no shape is given.
 */
#include "postgres.h"

#include <math.h>

#include "utils/rel.h"

#include "confidence.h"
#include "vocabulary.h"

#define FOR_SHAPE 0.45
#define FOR_CHAT_NAME 0.10 /* each: ai_response, not just answer */
#define FOR_MESSAGES 0.15  /* rows show JSON that holds messages */
#define FOR_OWNER 0.10
#define FOR_WEAK_OWNER 0.05 /* an e-mail address, a workspace */
#define FOR_OWNER_KEY 0.05  /* ... with a foreign key onto users */
#define FOR_SESSION 0.10
#define FOR_TIME 0.05
#define FOR_MODEL 0.10           /* or a number of tokens */
#define FOR_TABLE_NAME 0.15      /* chat_log */
#define FOR_TABLE_MESSAGES 0.10  /* messages, of whatever kind */
#define AGAINST_WEAK_NAME 0.15   /* each: input, not prompt */
#define AGAINST_WEAK_ROLE 0.30   /* type or author may be anything */
#define AGAINST_UNSEEN 0.35      /* JSON called like a transcript, no row */
#define MAX_UNSEEN 0.55          /* ... whatever else speaks for it */
#define AGAINST_POOR_TYPE 0.10   /* each: JSON where text is expected */
#define AGAINST_AMBIGUOUS 0.10   /* each of the two columns */
#define AGAINST_NOBODY 0.25      /* neither owner nor session: a FAQ? */
#define AGAINST_NOBODY_CHAT 0.10 /* ... but names say that it is a chat */
#define AGAINST_COLUMN 0.30      /* each: subject, ticket_id, price */
#define AGAINST_CONTACT 0.30     /* name and e-mail: a contact form? */
#define AGAINST_TABLE_NAME 0.50  /* faq, orders, tickets */

static bool looks_like_chat(const Subject *subject);
static bool has_chat_name(const Subject *subject, Part part);
static double judge_parts(Subject *subject);
static double judge_transcript(const Subject *subject);
static double judge_owner(Subject *subject, bool looks_like_chat);
static double judge_columns(Subject *subject);

void
chatmig_confidence_judge(Subject *subject)
{
	Detection *found = subject->found;
	const Part *both = chatmig_subject_shape_parts[found->shape];
	TableName name = chatmig_vocabulary_judge_table(subject->normal);
	double sum;

	if (found->candidates[both[0]] == NIL || found->candidates[both[1]] == NIL)
		return;
	sum = FOR_SHAPE + (found->shape == SHAPE_TRANSCRIPT
						   ? judge_transcript(subject)
						   : judge_parts(subject));
	sum += judge_owner(subject, looks_like_chat(subject));
	sum += judge_columns(subject);
	if (found->candidates[PART_TIME] != NIL)
		sum += FOR_TIME;
	if (found->candidates[PART_MODEL] != NIL ||
		found->candidates[PART_TOKENS] != NIL)
		sum += FOR_MODEL;
	if (name == TABLE_NAME_CHAT)
		sum += FOR_TABLE_NAME;
	else if (name == TABLE_NAME_MESSAGES)
		sum += FOR_TABLE_MESSAGES;
	else if (name == TABLE_NAME_OTHER)
	{
		sum -= AGAINST_TABLE_NAME;
		chatmig_subject_note(subject, "the name \"%s\" is not that of a chat",
							 RelationGetRelationName(subject->rel));
	}
	/* a name alone makes nothing sure */
	if (found->shape == SHAPE_TRANSCRIPT &&
		subject->tiers[PART_TRANSCRIPT] == TIER_WEAK)
		sum = Min(sum, MAX_UNSEEN);
	found->confidence = (float4) (rint(Min(Max(sum, 0.0), 1.0) * 100) / 100);
}

/* Something else than the shape says so. */
static bool
looks_like_chat(const Subject *subject)
{
	const Detection *found = subject->found;
	const Part *both = chatmig_subject_shape_parts[found->shape];

	return chatmig_vocabulary_judge_table(subject->normal) == TABLE_NAME_CHAT ||
		   has_chat_name(subject, both[0]) || has_chat_name(subject, both[1]) ||
		   found->candidates[PART_MODEL] != NIL ||
		   found->candidates[PART_TOKENS] != NIL;
}

/*
 * The name, or for a role what rows say. Articles have a content, too: beside
 * a type or an author that says nothing.
 */
static bool
has_chat_name(const Subject *subject, Part part)
{
	List *names = subject->found->candidates[part];

	if (part == PART_CONTENT && subject->tiers[PART_ROLE] == TIER_WEAK)
		return false;
	for (int i = 0; i < subject->ncolumns && part == PART_ROLE; i++)
		if (list_length(names) == 1 &&
			subject->columns[i].role == ROWS_CONFIRM &&
			strcmp(subject->columns[i].name, linitial(names)) == 0)
			return true;
	return subject->tiers[part] % TIER_STEP == TIER_CHAT;
}

/* The two columns that make the shape. */
static double
judge_parts(Subject *subject)
{
	const Part *both = chatmig_subject_shape_parts[subject->found->shape];
	double sum = 0;

	for (int i = 0; i < 2; i++)
	{
		int tier = subject->tiers[both[i]];

		if (tier > TIER_STEP)
		{
			sum -= AGAINST_POOR_TYPE;
			tier -= TIER_STEP;
		}
		if (has_chat_name(subject, both[i]))
			sum += FOR_CHAT_NAME;
		else if (tier == TIER_WEAK)
			sum -= both[i] == PART_ROLE ? AGAINST_WEAK_ROLE : AGAINST_WEAK_NAME;
		if (list_length(subject->found->candidates[both[i]]) > 1)
			sum -= AGAINST_AMBIGUOUS;
	}
	return sum;
}

static double
judge_transcript(const Subject *subject)
{
	bool is_ambiguous =
		list_length(subject->found->candidates[PART_TRANSCRIPT]) > 1;
	double sum = is_ambiguous ? -AGAINST_AMBIGUOUS : 0;

	switch (subject->tiers[PART_TRANSCRIPT])
	{
		case TIER_CHAT:
			return sum + FOR_MESSAGES + FOR_CHAT_NAME;
		case TIER_PLAIN:
			return sum + FOR_MESSAGES;
		default:
			return sum + FOR_CHAT_NAME - AGAINST_UNSEEN;
	}
}

/* Chats are somebody's; who made a row is somebody only in a chat. */
static double
judge_owner(Subject *subject, bool looks_like_chat)
{
	List *owners = subject->found->candidates[PART_OWNER];
	bool has_session = subject->found->candidates[PART_SESSION] != NIL;
	double sum = 0;

	for (int i = 0; i < subject->ncolumns && !looks_like_chat; i++)
		if (owners != NIL &&
			strcmp(subject->columns[i].name, linitial(owners)) == 0 &&
			chatmig_vocabulary_is_maker(subject->columns[i].normal))
			owners = NIL;
	if (has_session)
		sum += FOR_SESSION;
	if (owners != NIL)
		sum +=
			subject->tiers[PART_OWNER] < TIER_WEAK ? FOR_OWNER : FOR_WEAK_OWNER;
	for (int i = 0; i < subject->ncolumns && owners != NIL; i++)
		if (strcmp(subject->columns[i].name, linitial(owners)) == 0 &&
			subject->columns[i].referenced != NULL &&
			chatmig_vocabulary_is_table_of(PART_OWNER,
										   subject->columns[i].referenced))
			sum += FOR_OWNER_KEY;
	if (owners == NIL && !has_session)
	{
		sum -= looks_like_chat ? AGAINST_NOBODY_CHAT : AGAINST_NOBODY;
		chatmig_subject_note(subject, "neither an owner nor a session: "
									  "it may be no chat at all");
	}
	return sum;
}

/* Columns that chats do not have. */
static double
judge_columns(Subject *subject)
{
	List *names = NIL;
	bool has_name = false;
	bool has_email = false;
	double sum = 0;

	for (int i = 0; i < subject->ncolumns; i++)
	{
		Candidate *column = &subject->columns[i];

		if (!column->used && chatmig_vocabulary_is_foreign(column->normal))
			names = lappend(names, column->name);
		has_name |= strcmp(column->normal, "name") == 0;
		has_email |= strncmp(column->normal, "email", 5) == 0;
	}
	if (names != NIL)
	{
		sum -= AGAINST_COLUMN * list_length(names);
		chatmig_subject_note(subject, "chats seldom have a column %s",
							 chatmig_subject_join(names));
	}
	if (has_name && has_email)
	{
		sum -= AGAINST_CONTACT;
		chatmig_subject_note(subject, "a name and an e-mail address: "
									  "it may be a contact form");
	}
	return sum;
}
