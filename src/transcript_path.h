/*
 * transcript_path.h
 *	  Where in a JSON value the messages are.
 */
#ifndef CHATMIG_TRANSCRIPT_PATH_H
#define CHATMIG_TRANSCRIPT_PATH_H

#include "utils/jsonb.h"

/*
 * The jsonpath to the messages: "$[*]", "$.messages[*]", "$.a.b[*]", or "$"
 * where the value is one message itself; NULL where it holds none. Pure: what
 * comes out depends on the value alone, and lives in the current memory
 * context. Errors: none, but for a stack or a memory that does not suffice.
 */
extern char *chatmig_transcript_path(Jsonb *value);

/* Whether a key names who speaks, and a spelling a user or an assistant. */
extern bool chatmig_transcript_is_role_key(const char *key);
extern bool chatmig_transcript_is_speaker(const char *spelling);

#endif /* CHATMIG_TRANSCRIPT_PATH_H */
