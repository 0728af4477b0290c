/*
 * validate_checks.c
 *	  The table of checks, and what they have found.
 *
 * In: findings, one at a time. Out: for each check the number, the worst
 * status and the first finding; or, for chatmig_violations(), the findings
 * themselves. Holds one finding a check, however many there are.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "validation.h"

#define MIGRATE_AGAIN                                                          \
	"The legacy table still has the original: if nobody writes to the new "    \
	"tables yet, call chatmig_rollback(%1$s) and then chatmig_migrate(%1$s); " \
	"or mend the rows by hand."

const char *const chatmig_validate_statuses[] = {"ok", "info", "warning",
												 "violation"};

const CheckDefinition chatmig_validate_checks[NUM_CHECKS] = {
	[CHECK_MAPPING] = {"mapping", CHECK_VIOLATION,
					   "Undo what changed the table, or call "
					   "chatmig_register() again with what fits."},
	[CHECK_LEGACY_KEY] = {"legacy_key", CHECK_VIOLATION,
						  "Register again with columns that identify every "
						  "row: mapping => '{\"key\": [\"...\"]}'."},
	[CHECK_LEGACY_TIME] = {"legacy_time", CHECK_INFO,
						   "A missing time is taken from a neighbour and "
						   "marked in the message's metadata. Rows whose time "
						   "cannot be read are rejected: correct them."},
	[CHECK_LEGACY_ROLE] = {"legacy_role", CHECK_WARNING,
						   "Such rows are rejected. Register again and say "
						   "what the spellings stand for: mapping => "
						   "'{\"roles\": {\"...\": \"assistant\"}}'."},
	[CHECK_LEGACY_EMPTY] = {"legacy_empty", CHECK_INFO,
							"Such rows make no message; chatmig_migrate() "
							"counts them."},
	[CHECK_LEGACY_UNMIGRATED] = {"legacy_unmigrated", CHECK_VIOLATION,
								 "Run SELECT * FROM chatmig_migrate(%1$s); it "
								 "picks up such rows."},
	[CHECK_LEGACY_REJECTED] = {"legacy_rejected", CHECK_WARNING,
							   "Read SELECT * FROM chatmig_rejects WHERE "
							   "migration = %1$s, correct the rows or the "
							   "mapping, and run SELECT * FROM "
							   "chatmig_migrate(%1$s)."},
	[CHECK_LEGACY_CHANGED] = {"legacy_changed", CHECK_VIOLATION,
							  "The messages hold what the rows were. Change "
							  "the messages too, or, if nobody writes to the "
							  "new tables yet, call chatmig_rollback(%1$s) "
							  "and then chatmig_migrate(%1$s)."},
	[CHECK_LEGACY_DELETED] = {"legacy_deleted", CHECK_VIOLATION,
							  "The messages are still there. If the rows were "
							  "to go, delete the messages and the rows of the "
							  "trace; or else put the rows back."},
	[CHECK_MESSAGE_MISSING] = {"message_missing", CHECK_VIOLATION,
							   MIGRATE_AGAIN},
	[CHECK_MESSAGE_UNEXPECTED] = {"message_unexpected", CHECK_VIOLATION,
								  "Messages that no legacy row explains, as "
								  "old as the migrated ones: look for "
								  "scripts that wrote them, and delete them."},
	[CHECK_MESSAGE_CONTENT] = {"message_content", CHECK_VIOLATION,
							   MIGRATE_AGAIN},
	[CHECK_MESSAGE_ROLE] = {"message_role", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_TIME] = {"message_time", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_OWNER] = {"message_owner", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_MODEL] = {"message_model", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_TOKENS] = {"message_tokens", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_METADATA] = {"message_metadata", CHECK_VIOLATION,
								MIGRATE_AGAIN},
	[CHECK_MESSAGE_REPLY] = {"message_reply", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MESSAGE_ORPHAN] = {"message_orphan", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_MEDIA] = {"media", CHECK_VIOLATION, MIGRATE_AGAIN},
	[CHECK_CONVERSATION_EMPTY] = {"conversation_empty", CHECK_VIOLATION,
								  MIGRATE_AGAIN},
	[CHECK_CONVERSATION_ORPHAN] = {"conversation_orphan", CHECK_VIOLATION,
								   "Put the rows back that the conversations "
								   "refer to, or delete the conversations."},
	[CHECK_CONVERSATION_ORDER] = {"conversation_order", CHECK_VIOLATION,
								  MIGRATE_AGAIN},
	[CHECK_CONVERSATION_TIMES] = {"conversation_times", CHECK_VIOLATION,
								  MIGRATE_AGAIN},
	[CHECK_CONSTRAINTS] = {"constraints", CHECK_VIOLATION,
						   "Add what is missing with ALTER TABLE ... ADD "
						   "CONSTRAINT; where it is there but not valid, run "
						   "ALTER TABLE ... VALIDATE CONSTRAINT."},
	[CHECK_INDEXES] = {"indexes", CHECK_VIOLATION,
					   "Run REINDEX INDEX on what is not valid, and CREATE "
					   "INDEX for what is missing."},
	[CHECK_EXTENSION_MEMBERS] = {"extension_members", CHECK_VIOLATION,
								 "DROP EXTENSION would drop these. Run ALTER "
								 "EXTENSION ... DROP for each of them, "
								 "sequences too."},
	[CHECK_LEDGER] = {"ledger", CHECK_VIOLATION,
					  "Restore the table from a dump, or call "
					  "chatmig_rollback(%1$s) to take back what is left and "
					  "chatmig_migrate(%1$s) to begin anew."},
};

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
