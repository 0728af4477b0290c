/*
 * media_keys.c
 *	  Media that a message's metadata describe.
 *
 * In: a mapping as jsonb. Out: which members of the metadata say that there is
 * a medium, and what it is.
 */
#include "postgres.h"

#include "arguments.h"
#include "media_keys.h"

static const char *const known[] = {"when", "url", "type", "name",
									"summary_when"};

bool
chatmig_media_keys_parse(Jsonb *mapping, MediaKeys *keys)
{
	Jsonb *object = chatmig_arguments_object(mapping, "mapping", "media");
	char **const values[] = {&keys->when, &keys->url, &keys->type, &keys->name,
							 &keys->summary_when};

	MemSet(keys, 0, sizeof(MediaKeys));
	if (object == NULL)
		return false;
	chatmig_arguments_check(object, "\"media\" in mapping", known,
							lengthof(known));
	for (int i = 0; i < lengthof(known); i++)
		*values[i] =
			chatmig_arguments_string(object, "\"media\" in mapping", known[i]);
	if (keys->when == NULL && keys->url == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "\"media\" in mapping does not say which messages have one"),
			 errdetail(
				 "\"when\" names the member of the metadata that is true where there is a medium; without it, \"url\" the one that holds its URL."),
			 errhint(
				 "Write for instance {\"media\": {\"when\": \"hasMedia\", \"type\": \"mediaType\", \"name\": \"filename\"}}.")));
	return true;
}
