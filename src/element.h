/*
 * element.h
 *	  One message of a transcript, as JSON.
 */
#ifndef CHATMIG_ELEMENT_H
#define CHATMIG_ELEMENT_H

#include "mapping.h"
#include "utils/jsonb.h"

/*
 * What an element's members say. Pointers lead into the element, or to what
 * was palloc'd when it was opened.
 */
typedef struct Element
{
	JsonbContainer *object;
	const char *inner_key; /* "data" or "message", an object; or NULL */
	JsonbContainer *inner;

	char *spelling;       /* of the role; NULL: none */
	const char *role_key; /* NULL: it is to be kept as a member, too */

	char *content; /* NULL: none */
	int content_length;
	const char *content_key;
	bool content_in_inner;
	bool content_is_kept; /* as a member, too, since it is more than a text */

	const char *time_key; /* NULL: none */
	JsonbValue time;

	bool has_model;
	JsonbValue model; /* a string */
} Element;

/* False where the value is no object. */
extern bool chatmig_element_open(Element *element, const Mapping *mapping,
								 bool wants_model, JsonbValue *value);

/*
 * The message's metadata: the shared one (NULL: none) and all members that are
 * not said otherwise. NULL: the shared one alone.
 */
extern Jsonb *chatmig_element_metadata(const Element *element,
									   const Mapping *mapping, Jsonb *shared);

/* "an array", "a string", ... */
extern const char *chatmig_element_type(const JsonbValue *value);

/* A value's text: a string as it is, anything else as JSON; palloc'd. */
extern char *chatmig_element_text(const JsonbValue *value);

#endif /* CHATMIG_ELEMENT_H */
