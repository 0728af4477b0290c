/*
 * validation.c
 *	  One validate at work: what it has found.
 *
 * In: findings, one at a time. Out: for each check the number, the worst
 * status and the first finding; or, for chatmig_violations(), the findings
 * themselves. Holds one finding a check, however many there are.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "validation.h"

static bool receive_finding(TupleTableSlot *slot, void *state);
static char *text_of(TupleTableSlot *slot, int attnum);
static char *name_of_row(const Violation *violation);

bool
chatmig_validate_wants(const Validation *validation, Check first, Check last)
{
	return validation->only == NUM_CHECKS ||
		   (validation->only >= first && validation->only <= last);
}

void
chatmig_validate_skip(Validation *validation, Check first, Check last,
					  const char *why)
{
	for (int i = first; i <= (int) last; i++)
		validation->checks[i].skipped =
			MemoryContextStrdup(validation->context, why);
}

void
chatmig_validate_find(Validation *validation, Check check, CheckStatus severity,
					  const Violation *violation)
{
	CheckState *state = &validation->checks[check];

	if (severity > state->worst || state->found + state->noted == 0)
	{
		MemoryContext old = MemoryContextSwitchTo(validation->context);

		/* the example shown is one of the worst */
		state->worst = severity;
		state->example = name_of_row(violation);
		state->detail = pstrdup(violation->detail);
		MemoryContextSwitchTo(old);
	}
	if (severity == CHECK_OK)
	{
		state->noted++;
		return;
	}
	if (validation->only == check && state->found < validation->max_rows)
		validation->list(violation, validation->list_state);
	state->found++;
}

bool
chatmig_validate_is_full(const Validation *validation)
{
	return validation->only != NUM_CHECKS &&
		   validation->checks[validation->only].found >= validation->max_rows;
}

void
chatmig_validate_query(Validation *validation, const char *sql,
					   const QueryArgs *args)
{
	chatmig_query_stream(sql, args, true, NULL, receive_finding, validation);
}

static bool
receive_finding(TupleTableSlot *slot, void *state)
{
	Validation *validation = state;
	MemoryContext row = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig finding", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row);
	Violation violation;

	slot_getallattrs(slot);
	violation.legacy_key = text_of(slot, 3);
	violation.conversation = text_of(slot, 4);
	violation.message = text_of(slot, 5);
	violation.detail = text_of(slot, 6);
	chatmig_validate_find(validation, DatumGetInt32(slot->tts_values[0]),
						  DatumGetInt32(slot->tts_values[1]), &violation);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row);
	return !chatmig_validate_is_full(validation);
}

static char *
text_of(TupleTableSlot *slot, int attnum)
{
	return slot->tts_isnull[attnum - 1]
			   ? NULL
			   : TextDatumGetCString(slot->tts_values[attnum - 1]);
}

/* What leads a person to the row; NULL where it is not about a row. */
static char *
name_of_row(const Violation *violation)
{
	if (violation->legacy_key != NULL)
		return psprintf("legacy key %s", violation->legacy_key);
	if (violation->message != NULL)
		return psprintf("message %s", violation->message);
	if (violation->conversation != NULL)
		return psprintf("conversation %s", violation->conversation);
	return NULL;
}
