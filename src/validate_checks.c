/*
 * validate_checks.c
 *	  The checks by name, and what to do about a finding.
 */
#include "postgres.h"

#include "validate_checks.h"

#define MIGRATE_AGAIN                                                          \
	"The legacy table still has the original: if nobody writes to the new "    \
	"tables yet, call chatmig_rollback(%1$s) and then chatmig_migrate(%1$s); " \
	"or mend the rows by hand."

const char *const chatmig_validate_statuses[] = {"ok", "info", "warning",
												 "violation"};

const CheckDefinition chatmig_validate_checks[NUM_CHECKS] = {
	[CHECK_MAPPING] = {"mapping", "Undo what changed the table, or call "
								  "chatmig_register() again with what fits."},
	[CHECK_LEGACY_KEY] = {"legacy_key",
						  "Register again with columns that identify every "
						  "row: mapping => '{\"key\": [\"...\"]}'."},
	[CHECK_LEGACY_TIME] = {"legacy_time",
						   "A missing time is taken from a neighbour and "
						   "marked in the message's metadata. Rows whose time "
						   "cannot be read are rejected: correct them."},
	[CHECK_LEGACY_ROLE] = {"legacy_role",
						   "Such rows are rejected. Register again and say "
						   "what the spellings stand for: mapping => "
						   "'{\"roles\": {\"...\": \"assistant\"}}'."},
	[CHECK_LEGACY_CONTENT] = {"legacy_content",
							  "Such rows and messages are rejected. Correct "
							  "them, or register again with the path to the "
							  "messages: mapping => '{\"path\": \"...\"}'; or "
							  "set them aside: options => "
							  "'{\"max_rejects\": ...}'."},
	[CHECK_LEGACY_EMPTY] = {"legacy_empty",
							"Such rows make no message; chatmig_migrate() "
							"counts them."},
	[CHECK_LEGACY_UNMIGRATED] = {"legacy_unmigrated",
								 "Run SELECT * FROM chatmig_migrate(%1$s); it "
								 "picks up such rows."},
	[CHECK_LEGACY_REJECTED] = {"legacy_rejected",
							   "Read SELECT * FROM chatmig_rejects WHERE "
							   "migration = %1$s, correct the rows or the "
							   "mapping, and run SELECT * FROM "
							   "chatmig_migrate(%1$s)."},
	[CHECK_LEGACY_CHANGED] = {"legacy_changed",
							  "The messages hold what the rows were. If nobody "
							  "writes to the new tables yet, call "
							  "chatmig_rollback(%1$s) and then "
							  "chatmig_migrate(%1$s); and see to it that "
							  "nobody writes to the legacy table any more."},
	[CHECK_LEGACY_DELETED] = {"legacy_deleted",
							  "The messages are still there. If the rows were "
							  "to go, delete the messages, too; or else put "
							  "the rows back."},
	[CHECK_MESSAGE_MISSING] = {"message_missing", MIGRATE_AGAIN},
	[CHECK_MESSAGE_UNEXPECTED] = {"message_unexpected",
								  "Messages that no legacy row explains, as "
								  "old as the migrated ones: look for "
								  "scripts that wrote them, and delete them."},
	[CHECK_MESSAGE_DUPLICATE] = {"message_duplicate",
								 "Look for imports and scripts that wrote the "
								 "same history a second time, and delete what "
								 "they wrote."},
	[CHECK_MESSAGE_CONTENT] = {"message_content", MIGRATE_AGAIN},
	[CHECK_MESSAGE_ROLE] = {"message_role", MIGRATE_AGAIN},
	[CHECK_MESSAGE_TIME] = {"message_time", MIGRATE_AGAIN},
	[CHECK_MESSAGE_OWNER] = {"message_owner", MIGRATE_AGAIN},
	[CHECK_MESSAGE_MODEL] = {"message_model", MIGRATE_AGAIN},
	[CHECK_MESSAGE_TOKENS] = {"message_tokens", MIGRATE_AGAIN},
	[CHECK_MESSAGE_METADATA] = {"message_metadata", MIGRATE_AGAIN},
	[CHECK_MESSAGE_REPLY] = {"message_reply", MIGRATE_AGAIN},
	[CHECK_MESSAGE_ORPHAN] = {"message_orphan", MIGRATE_AGAIN},
	[CHECK_MEDIA] = {"media", MIGRATE_AGAIN},
	[CHECK_CONVERSATION_EMPTY] = {"conversation_empty",
								  "For lost messages see message_missing; a "
								  "conversation that was made of nothing can "
								  "be deleted."},
	[CHECK_CONVERSATION_ORPHAN] = {"conversation_orphan",
								   "Put the rows back that the conversations "
								   "refer to, or delete the conversations."},
	[CHECK_CONVERSATION_ORDER] = {"conversation_order", MIGRATE_AGAIN},
	[CHECK_CONVERSATION_TIMES] = {"conversation_times", MIGRATE_AGAIN},
	[CHECK_CONVERSATION_MISSING] = {"conversation_missing",
									"Run SELECT * FROM chatmig_migrate(%1$s); "
									"owners who have none get one."},
	[CHECK_CONVERSATION_DELETED] = {"conversation_deleted",
									"chatmig_deletions says when, and by "
									"whom. If it was not to be, the legacy "
									"table still has the original."},
	[CHECK_LINKS] =
		{"links", "Point these rows to a conversation of their owner, or to "
				  "none: then SELECT * FROM chatmig_migrate(%1$s) links them "
				  "again."},
	[CHECK_CONSTRAINTS] = {"constraints",
						   "Add what is missing with ALTER TABLE ... ADD "
						   "CONSTRAINT; where it is there but not valid, run "
						   "ALTER TABLE ... VALIDATE CONSTRAINT, and where it "
						   "is not enforced, ENABLE TRIGGER ALL."},
	[CHECK_INDEXES] = {"indexes",
					   "Run REINDEX INDEX on what is not valid, and CREATE "
					   "INDEX for what is missing."},
	[CHECK_SEQUENCES] = {"sequences",
						 "SELECT setval('...', max(id)) FROM ...: or else the "
						 "next row that the application adds has the id of "
						 "another."},
	[CHECK_RIGHTS] = {"rights",
					  "If it is not meant so: GRANT, or ALTER TABLE ... ENABLE "
					  "ROW LEVEL SECURITY and CREATE POLICY."},
	[CHECK_STATISTICS] = {"statistics",
						  "Run ANALYZE on the table, so that queries are "
						  "planned well."},
	[CHECK_EXTENSION_MEMBERS] = {"extension_members",
								 "DROP EXTENSION would drop these. Run ALTER "
								 "EXTENSION ... DROP for each of them, "
								 "sequences too."},
	[CHECK_LEDGER] = {"ledger",
					  "Restore the table from a dump and enter it in "
					  "chatmig_target; or begin anew: chatmig_rollback(%1$s) "
					  "takes back what is left, and chatmig_migrate(%1$s) "
					  "migrates again. If the trace is gone, and the legacy "
					  "table still has every row, drop the other new tables by "
					  "hand first; chatmig_rollback(%1$s) then forgets them."},
	[CHECK_LEFTOVERS] = {"leftovers",
						 "Find out whose it is, and end it: COMMIT PREPARED "
						 "keeps what it did, ROLLBACK PREPARED takes it "
						 "back."},
};
