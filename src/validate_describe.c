/*
 * validate_describe.c
 *	  Which row it is, and what is the matter with it, in words.
 *
 * In: a row of the walk. Out: text, palloc'd. Touches no table.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "validate_describe.h"
#include "validate_rows.h"

/* How much of a content is shown, and how much of that before a difference. */
#define EXCERPT_BYTES 60
#define EXCERPT_BEFORE 15

static char *key_text(Describer *describer, TupleTableSlot *slot);
static char *id_text(Describer *describer, TupleTableSlot *slot, int attnum);
static char *excerpt(const char *content, int len, int from);

void
chatmig_validate_describe_begin(Describer *describer, const MigrationPlan *plan)
{
	Oid output;
	bool is_varlena;

	describer->mapping = plan->mapping;
	getTypeOutputInfo(plan->id_types[TARGET_CONVERSATIONS], &output,
					  &is_varlena);
	fmgr_info(output, &describer->conversation_output);
	getTypeOutputInfo(plan->id_types[TARGET_MESSAGES], &output, &is_varlena);
	fmgr_info(output, &describer->message_output);
	for (int i = 0; i < plan->mapping->nkeys; i++)
	{
		getTypeOutputInfo(plan->mapping->keys[i].type, &output, &is_varlena);
		fmgr_info(output, &describer->key_outputs[i]);
	}
}

Violation
chatmig_validate_describe_row(Describer *describer, TupleTableSlot *slot,
							  const char *sentence)
{
	bool is_traced = !slot->tts_isnull[WALK_IS_TRACED - 1] &&
					 DatumGetBool(slot->tts_values[WALK_IS_TRACED - 1]);
	const char *subject = "message";
	Violation violation;

	violation.legacy_key = is_traced ? key_text(describer, slot) : NULL;
	violation.conversation = id_text(describer, slot, WALK_CONVERSATION);
	violation.message = id_text(describer, slot, WALK_MESSAGE);
	if (is_traced && describer->mapping->shape == SHAPE_PAIR)
		subject = DatumGetInt32(slot->tts_values[WALK_PART - 1]) == 1
					  ? "question"
					  : "answer";
	if (is_traced && describer->mapping->shape == SHAPE_TRANSCRIPT)
	{
		violation.detail =
			psprintf("Message %d of legacy key %s %s",
					 DatumGetInt32(slot->tts_values[WALK_PART - 1]),
					 violation.legacy_key, sentence);
		return violation;
	}
	violation.detail =
		is_traced ? psprintf("The %s of legacy key %s %s", subject,
							 violation.legacy_key, sentence)
				  : psprintf("The message %s %s", violation.message, sentence);
	return violation;
}

char *
chatmig_validate_describe_contents(NullableDatum legacy, NullableDatum message)
{
	text *a =
		legacy.isnull ? cstring_to_text("") : DatumGetTextPP(legacy.value);
	text *b =
		message.isnull ? cstring_to_text("") : DatumGetTextPP(message.value);
	int a_len = VARSIZE_ANY_EXHDR(a);
	int b_len = VARSIZE_ANY_EXHDR(b);
	int at = 0;

	while (at < Min(a_len, b_len) && VARDATA_ANY(a)[at] == VARDATA_ANY(b)[at])
		at++;
	return psprintf("is not the legacy row's from byte %d on: %s (%d bytes), "
					"not %s (%d bytes).",
					at + 1, excerpt(VARDATA_ANY(b), b_len, at), b_len,
					excerpt(VARDATA_ANY(a), a_len, at), a_len);
}

/* As the ledger has it: a JSON array of texts for a key of several columns. */
static char *
key_text(Describer *describer, TupleTableSlot *slot)
{
	int nkeys = describer->mapping->nkeys;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < nkeys; i++)
	{
		/* NULL only in a trace that has lost its constraints */
		char *value =
			slot->tts_isnull[WALK_KEY - 1 + i]
				? pstrdup("")
				: OutputFunctionCall(&describer->key_outputs[i],
									 slot->tts_values[WALK_KEY - 1 + i]);

		if (nkeys == 1)
			return value;
		appendStringInfoString(&text, i == 0 ? "[" : ", ");
		escape_json(&text, value);
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

static char *
id_text(Describer *describer, TupleTableSlot *slot, int attnum)
{
	if (slot->tts_isnull[attnum - 1])
		return NULL;
	return OutputFunctionCall(attnum == WALK_MESSAGE
								  ? &describer->message_output
								  : &describer->conversation_output,
							  slot->tts_values[attnum - 1]);
}

/* Around a byte, without half characters, as a literal. */
static char *
excerpt(const char *content, int len, int from)
{
	int start = 0;
	int shown;
	char *cut;

	while (start < from - EXCERPT_BEFORE)
		start += pg_mblen(content + start);
	shown = pg_mbcliplen(content + start, len - start, EXCERPT_BYTES);
	cut = pnstrdup(content + start, shown);
	return psprintf("%s%s%s", start > 0 ? "..." : "", quote_literal_cstr(cut),
					start + shown < len ? "..." : "");
}
