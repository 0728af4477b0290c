/*
 * validate_transcript.h
 *	  What the messages in a row's JSON must have become, as SQL.
 */
#ifndef CHATMIG_VALIDATE_TRANSCRIPT_H
#define CHATMIG_VALIDATE_TRANSCRIPT_H

#include "plan.h"

/*
 * The parts of the legacy row s whose trace is t: "(SELECT ...) AS h", a row
 * for each element of the transcript and each message that the trace names:
 *
 *	  part			int
 *	  id			of the message, by the trace
 *	  is_element	the transcript has it
 *	  is_expected	... and it must be a message
 *	  content		text
 *	  role			text
 *	  at			timestamptz: its own time, or NULL
 *	  model			text: its own model, or NULL
 *	  own			jsonb: an object, of what must be in its metadata
 *	  is_last		of the row's messages, by the trace
 *	  question		id of the message that it replies to
 */
extern char *chatmig_validate_transcript_parts(const MigrationPlan *plan);

/*
 * The elements of the row s: "(SELECT ...) AS h", with part (int), fault (the
 * code with which it will be rejected, or NULL) and value (text, what is
 * wrong).
 */
extern char *chatmig_validate_transcript_elements(const Mapping *mapping);

/* Why s cannot be read as JSON: text, NULL if it can or is empty. */
extern char *chatmig_validate_transcript_fault(const Mapping *mapping);

/* A condition: s can be read, and the path leads to nothing. */
extern char *chatmig_validate_transcript_is_bare(const Mapping *mapping);

#endif /* CHATMIG_VALIDATE_TRANSCRIPT_H */
