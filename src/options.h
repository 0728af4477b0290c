/*
 * options.h
 *	  The options and the target of a registration, checked.
 */
#ifndef CHATMIG_OPTIONS_H
#define CHATMIG_OPTIONS_H

#include "ledger.h"
#include "mapping.h"

/* A member of the option "metadata". */
typedef struct MetadataMember
{
	char *name;
	char *value; /* JSON text */
} MetadataMember;

typedef struct Options
{
	int64 idle_gap;                  /* microseconds; 0: none */
	char *title;                     /* template; NULL: no title */
	char *title_without_counterpart; /* template, for conversations with
									  * nobody named; NULL: no title */
	char *description;               /* template; NULL: no description */
	List *metadata;  /* of MetadataMember *: in that of each message */
	char *time_zone; /* for times without one */
	int64 max_rejects;
	Oid id_type; /* of conversations, messages and media: uuid,
				  * text or bigint */
} Options;

/* Parses options; errors with 22023. Palloc'd in the current context. */
extern void chatmig_options_parse(Jsonb *jsonb, Options *options);

/*
 * Errors with 22023 if constant metadata have a name under which something of
 * a legacy row is kept, too.
 */
extern void chatmig_options_check_metadata(const Options *options,
										   const Mapping *mapping);

/*
 * Parses a target: the schema (NULL: the source's) and the tables' names
 * (NULL: the default). Errors with 22023.
 */
extern void chatmig_options_parse_target(Jsonb *jsonb, char **schema,
										 char *table_names[NUM_TARGETS]);

#endif /* CHATMIG_OPTIONS_H */
