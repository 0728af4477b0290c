/*
 * validate_checks.h
 *	  The checks by name, and what a finding is.
 *
 * A check is a statement about a migration that is true or not. Its name is
 * stable: users select by it, and tests too.
 */
#ifndef CHATMIG_VALIDATE_CHECKS_H
#define CHATMIG_VALIDATE_CHECKS_H

/* How bad it is. The order matters: a result has the worst of its findings. */
typedef enum CheckStatus
{
	CHECK_OK,
	CHECK_INFO,     /* good to know, or the check could not be made */
	CHECK_WARNING,  /* needs a person's eye; no row is lost */
	CHECK_VIOLATION /* something is lost, invented or changed */
} CheckStatus;

extern const char *const chatmig_validate_statuses[];

/* In the order in which they are shown, which is that of a row's way. */
typedef enum Check
{
	/* the legacy table */
	CHECK_MAPPING,
	CHECK_LEGACY_KEY,
	CHECK_LEGACY_TIME,
	CHECK_LEGACY_ROLE,
	CHECK_LEGACY_CONTENT,
	CHECK_LEGACY_EMPTY,
	/* the legacy table against the trace */
	CHECK_LEGACY_UNMIGRATED,
	CHECK_LEGACY_REJECTED,
	CHECK_LEGACY_CHANGED,
	CHECK_LEGACY_DELETED,
	/* each half of a legacy row against its message */
	CHECK_MESSAGE_MISSING,
	CHECK_MESSAGE_UNEXPECTED,
	CHECK_MESSAGE_DUPLICATE,
	CHECK_MESSAGE_CONTENT,
	CHECK_MESSAGE_ROLE,
	CHECK_MESSAGE_TIME,
	CHECK_MESSAGE_OWNER,
	CHECK_MESSAGE_MODEL,
	CHECK_MESSAGE_TOKENS,
	CHECK_MESSAGE_METADATA,
	CHECK_MESSAGE_REPLY,
	CHECK_MESSAGE_ORPHAN,
	CHECK_MEDIA,
	/* conversations */
	CHECK_CONVERSATION_EMPTY,
	CHECK_CONVERSATION_ORPHAN,
	CHECK_CONVERSATION_ORDER,
	CHECK_CONVERSATION_TIMES,
	CHECK_CONVERSATION_MISSING,
	CHECK_CONVERSATION_DELETED,
	CHECK_LINKS,
	/* the tables */
	CHECK_CONSTRAINTS,
	CHECK_INDEXES,
	CHECK_SEQUENCES,
	CHECK_RIGHTS,
	CHECK_STATISTICS,
	CHECK_EXTENSION_MEMBERS,
	CHECK_LEDGER,
	CHECK_LEFTOVERS,
	NUM_CHECKS
} Check;

typedef struct CheckDefinition
{
	const char *name;
	const char *hint; /* a format; %1$s is the migration, quoted */
} CheckDefinition;

extern const CheckDefinition chatmig_validate_checks[NUM_CHECKS];

/* The columns of chatmig_violations(); each but the detail may be NULL. */
typedef struct Violation
{
	const char *legacy_key;
	const char *conversation;
	const char *message;
	const char *detail;
} Violation;

typedef void (*ViolationFound)(const Violation *violation, void *state);

#endif /* CHATMIG_VALIDATE_CHECKS_H */
