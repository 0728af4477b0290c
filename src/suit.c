/*
 * suit.c
 *	  How well a column suits a part.
 *
 * In: a column, as the catalogs and perhaps a few rows describe it. Out: a
 * tier. The name decides (vocabulary.c), then where a foreign key leads; and
 * where rows were looked at, they may raise what the name says, or deny it.
 */
#include "postgres.h"

#include "suit.h"
#include "vocabulary.h"

static bool may_play(const Candidate *column, int nkeys, Part part);
static int name_tier(const Candidate *column, Shape shape, Part part);
static int role_tier(const Candidate *column, int tier);
static int transcript_tier(const Candidate *column);

int
chatmig_suit_tier(const Subject *subject, const Candidate *column, Shape shape,
				  Part part)
{
	if (column->used || !may_play(column, subject->nkeys, part))
		return TIER_NONE;
	/* the row that it answers, and nobody's conversation: see draft.c */
	if (column->referenced != NULL &&
		strcmp(column->referenced, subject->normal) == 0)
		return TIER_NONE;
	switch (part)
	{
		case PART_ROLE:
			return role_tier(column, name_tier(column, shape, part));
		case PART_TRANSCRIPT:
			return transcript_tier(column);
		case PART_QUESTION:
		case PART_ANSWER:
		case PART_CONTENT:
			/* messages, not the words of one */
			if (column->messages == ROWS_CONFIRM &&
				(column->holds & HOLDS_JSON))
				return TIER_NONE;
			return name_tier(column, shape, part);
		default:
			return name_tier(column, shape, part);
	}
}

int
chatmig_suit_best(const Subject *subject, Shape shape, Part part)
{
	int best = TIER_NONE;

	for (int i = 0; i < subject->ncolumns; i++)
	{
		int tier =
			chatmig_suit_tier(subject, &subject->columns[i], shape, part);

		if (tier != TIER_NONE && (best == TIER_NONE || tier < best))
			best = tier;
	}
	return best;
}

bool
chatmig_suit_has_both(const Subject *subject, Shape shape)
{
	const Part *both = chatmig_subject_shape_parts[shape];

	return chatmig_suit_best(subject, shape, both[0]) != TIER_NONE &&
		   chatmig_suit_best(subject, shape, both[1]) != TIER_NONE;
}

bool
chatmig_suit_is_firm(const Subject *subject, Shape shape)
{
	const Part *both = chatmig_subject_shape_parts[shape];

	for (int i = 0; i < 2; i++)
	{
		int tier = chatmig_suit_best(subject, shape, both[i]);

		if (tier != TIER_CHAT && tier != TIER_PLAIN && tier != TIER_SPEAKER)
			return false;
	}
	return true;
}

/*
 * A key of one column plays no part; in a key of several, one may be whose
 * history it is, or when. References hold nobody's words, and a reference to
 * people says who speaks, but not in which role.
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
				   !(column->has_foreign_key &&
					 ((column->holds & HOLDS_INT) ||
					  (column->referenced != NULL &&
					   chatmig_vocabulary_is_table_of(PART_OWNER,
													  column->referenced))));
		case PART_MODEL:
		case PART_MEDIA:
		case PART_MEDIA_TYPE:
			return !column->in_key;
		default:
			return !column->in_key && !column->has_foreign_key;
	}
}

/* The name's tier; a foreign key alone is a weak hint. */
static int
name_tier(const Candidate *column, Shape shape, Part part)
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

static int
role_tier(const Candidate *column, int tier)
{
	bool is_weak = tier == TIER_NONE || tier == TIER_WEAK;

	switch (column->role)
	{
		case ROWS_CONFIRM:
			/* of two that name roles, sender rather than sender_name */
			return is_weak ? TIER_PLAIN : TIER_CHAT;
		case ROWS_HINT:
			return tier == TIER_WEAK ? TIER_PLAIN : tier;
		case ROWS_DOUBT:
			return is_weak ? TIER_NONE : tier;
		case ROWS_DENY:
			return is_weak ? TIER_NONE : TIER_WEAK;
		default:
			return tier;
	}
}

/* A name alone makes a transcript only of JSON, and then a weak one. */
static int
transcript_tier(const Candidate *column)
{
	bool is_named =
		chatmig_vocabulary_is_transcript(column->normal, column->holds);

	if (column->messages == ROWS_CONFIRM)
		return is_named ? TIER_CHAT : TIER_PLAIN;
	return column->messages == ROWS_SILENT && is_named &&
				   (column->holds & HOLDS_JSON)
			   ? TIER_WEAK
			   : TIER_NONE;
}
