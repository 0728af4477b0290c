/*
 * arguments.h
 *	  Reading, and making, the jsonb objects that users write: mapping, target,
 *	  options.
 *
 * "what" is the argument's name, for messages. Errors are 22023 unless said
 * otherwise, and say what was given and what is known.
 */
#ifndef CHATMIG_ARGUMENTS_H
#define CHATMIG_ARGUMENTS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Errors with 54000 if it is larger than names and roles can be; not if NULL.
 */
extern void chatmig_arguments_check_size(Jsonb *argument, const char *what);

/* Errors unless the argument is an object with no keys but the known ones. */
extern void chatmig_arguments_check(Jsonb *argument, const char *what,
									const char *const *known, int nknown);

/* True if the key is there, JSON null included. */
extern bool chatmig_arguments_has(Jsonb *argument, const char *key);

/* True if the key is there with another value than JSON null. */
extern bool chatmig_arguments_given(Jsonb *argument, const char *key);

/* A string, palloc'd; NULL for JSON null or where the key is not there. */
extern char *chatmig_arguments_string(Jsonb *argument, const char *what,
									  const char *key);

/* True if the key is there and JSON null. */
extern bool chatmig_arguments_is_null(Jsonb *argument, const char *key);

/* True, false, or the default where the key is not there. */
extern bool chatmig_arguments_bool(Jsonb *argument, const char *what,
								   const char *key, bool otherwise);

/* An object, palloc'd; NULL where the value is none, or is not there. */
extern Jsonb *chatmig_arguments_object(Jsonb *argument, const char *what,
									   const char *key);

/* An array of objects, as a List of Jsonb *. */
extern List *chatmig_arguments_objects(Jsonb *argument, const char *what,
									   const char *key);

/* A whole number >= 0, or the default for JSON null, or without the key. */
extern int64 chatmig_arguments_count(Jsonb *argument, const char *what,
									 const char *key, int64 otherwise);

/* A string or an array of strings, as a List of char *. */
extern List *chatmig_arguments_strings(Jsonb *argument, const char *what,
									   const char *key);

/*
 * Calls pair() for each member of the object under a key, whose values must
 * be strings. Does nothing where the key is not there.
 */
extern void chatmig_arguments_each(Jsonb *argument, const char *what,
								   const char *key,
								   void (*pair)(const char *name,
												const char *value, void *state),
								   void *state);

/* A copy of the object without that key. */
extern Jsonb *chatmig_arguments_without(Jsonb *object, const char *key);

/* Adds a string to an object or array that is being made; it is not copied. */
extern void chatmig_arguments_push(JsonbParseState **state,
								   JsonbIteratorToken token,
								   const char *string);

/*
 * For hints: a name as a JSON string, in its quotes, inside a literal of SQL,
 * so that the hint can be run as it is, whatever the name holds. Palloc'd.
 */
extern char *chatmig_arguments_quote(const char *name);

#endif /* CHATMIG_ARGUMENTS_H */
