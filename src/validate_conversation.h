/*
 * validate_conversation.h
 *	  What the walk has seen of one conversation, and what follows from it.
 */
#ifndef CHATMIG_VALIDATE_CONVERSATION_H
#define CHATMIG_VALIDATE_CONVERSATION_H

#include "validation.h"

/* The earliest and latest of some times. */
typedef struct TimeSpan
{
	bool is_empty;
	TimestampTz first;
	TimestampTz last;
} TimeSpan;

/* What is known of the conversation that the walk is in. */
typedef struct Walked
{
	Datum id;
	bool is_present;
	bool is_migrated;     /* the trace has it */
	int64 expected;       /* messages, by the trace */
	NullableDatum begins; /* its created_at */
	NullableDatum ends;   /* its updated_at */
	bool is_owners;       /* made for an owner who had no messages */
	int64 messages;       /* that are there */
	int64 explained;      /* that the trace has here, be they there or not */
	int32 next_position;
	bool has_gap; /* ... in its positions: */
	const char *gap_message;
	const char *gap_found;
	bool is_disturbed;  /* a message is missing, moved or invented */
	bool is_invented;   /* the latter */
	bool is_unordered;  /* which has been reported */
	bool is_timeless;   /* a time that matters is not known */
	TimeSpan own;       /* of what the trace has here: rows' own times, */
	TimeSpan all;       /* and also what they have from neighbours */
	TimeSpan written;   /* of its messages that the trace has here */
	NullableDatum time; /* of the message that the walk is at, ... */
	NullableDatum time_before; /* ... and the latest that is earlier */
	bool is_sound;             /* one at that time is where it must be, ... */
	bool is_sound_before;      /* ... or was at the time before */
	bool has_gone;             /* a message of it is missing */
	bool is_mistimed;          /* or has not the time that it must have */
	List *astray;              /* of Violation *: times later than the row's,
								* though no other message was in the way */
	NullableDatum last_time;   /* of its last message, whosever that is */
} Walked;

/* What can only be said once all of a conversation has been seen. */
extern void chatmig_validate_judge(Validation *validation, Walked *walked,
								   const char *id);

/* Widens a span by a time, unless that is NULL. */
extern void chatmig_validate_widen(TimeSpan *span, NullableDatum time);

/*
 * Than the migration: the application's, then. As far as the column that holds
 * the time keeps a second's digits.
 */
extern bool chatmig_validate_is_newer(const MigrationPlan *plan,
									  TargetTable table, Field field,
									  NullableDatum time);

extern const char *chatmig_validate_time_text(NullableDatum time);

#endif /* CHATMIG_VALIDATE_CONVERSATION_H */
