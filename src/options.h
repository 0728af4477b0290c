/*
 * options.h
 *	  The options and the target of a registration, checked.
 */
#ifndef CHATMIG_OPTIONS_H
#define CHATMIG_OPTIONS_H

#include "ledger.h"

typedef struct Options
{
	int64 idle_gap;    /* microseconds; 0: none */
	char *title;       /* template; NULL: no title */
	char *description; /* template; NULL: no description */
	char *time_zone;   /* for times without one */
	int64 max_rejects;
	Oid id_type; /* of conversations, messages and media: uuid,
				  * text or bigint */
} Options;

/* Parses options; errors with 22023. Palloc'd in the current context. */
extern void chatmig_options_parse(Jsonb *jsonb, Options *options);

/*
 * Parses a target: the schema (NULL: the source's) and the tables' names
 * (NULL: the default). Errors with 22023.
 */
extern void chatmig_options_parse_target(Jsonb *jsonb, char **schema,
										 char *table_names[NUM_TARGETS]);

#endif /* CHATMIG_OPTIONS_H */
