/*
 * options.h
 *	  The options of a registration, checked.
 */
#ifndef CHATMIG_OPTIONS_H
#define CHATMIG_OPTIONS_H

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
	Oid id_type;       /* of conversations, messages and media: uuid,
						* text or bigint */
	bool empty_owners; /* owners without messages get a conversation */
	bool owner_times;  /* conversations have their owner's times */
} Options;

/* Parses options; errors with 22023. Palloc'd in the current context. */
extern void chatmig_options_parse(Jsonb *jsonb, Options *options);

/*
 * Errors with 22023 if constant metadata have a name under which something of
 * a legacy row is kept, too.
 */
extern void chatmig_options_check_metadata(const Options *options,
										   const Mapping *mapping);

#endif /* CHATMIG_OPTIONS_H */
