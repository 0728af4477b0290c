/*
 * json.h
 *	  Text that may or may not be JSON.
 */
#ifndef CHATMIG_JSON_H
#define CHATMIG_JSON_H

#include "utils/jsonb.h"

/*
 * Why jsonb cannot hold the text: a sentence, palloc'd; NULL if it can. No
 * error, whatever the text is.
 */
extern char *chatmig_json_fault_of(const char *json, int length);

/*
 * Why a jsonb cannot be written as text: a sentence, palloc'd; NULL if it can.
 * Looks at its numbers alone.
 */
extern char *chatmig_json_fault_of_jsonb(const Jsonb *json);

#endif /* CHATMIG_JSON_H */
