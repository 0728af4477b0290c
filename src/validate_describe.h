/*
 * validate_describe.h
 *	  Which row it is, and what is the matter with it, in words.
 */
#ifndef CHATMIG_VALIDATE_DESCRIBE_H
#define CHATMIG_VALIDATE_DESCRIBE_H

#include "fmgr.h"
#include "validation.h"

/* How to turn the ids and keys of a walk's rows into text. */
typedef struct Describer
{
	const Mapping *mapping;
	FmgrInfo conversation_output;
	FmgrInfo message_output;
	FmgrInfo key_outputs[MAX_KEYS];
} Describer;

extern void chatmig_validate_describe_begin(Describer *describer,
											const MigrationPlan *plan);

/*
 * A finding about a walk's row: its names are filled in, and the sentence is
 * put behind "The answer of legacy key 17". Palloc'd.
 */
extern Violation chatmig_validate_describe_row(Describer *describer,
											   TupleTableSlot *slot,
											   const char *sentence);

/* "differs from byte 7 on: ...", for two contents, of which one may be NULL. */
extern char *chatmig_validate_describe_contents(NullableDatum legacy,
												NullableDatum message);

#endif /* CHATMIG_VALIDATE_DESCRIBE_H */
