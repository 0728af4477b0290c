/*
 * json.h
 *	  Text that may or may not be JSON.
 */
#ifndef CHATMIG_JSON_H
#define CHATMIG_JSON_H

/*
 * Why jsonb cannot hold the text: a sentence, palloc'd; NULL if it can. No
 * error, whatever the text is.
 */
extern char *chatmig_json_fault_of(const char *json, int length);

#endif /* CHATMIG_JSON_H */
