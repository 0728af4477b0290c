/*
 * options.h
 *	  The options of a registration, checked.
 */
#ifndef CHATMIG_OPTIONS_H
#define CHATMIG_OPTIONS_H

#include "utils/jsonb.h"

typedef struct Options
{
	int64 idle_gap;    /* microseconds; 0: none */
	char *title;       /* template; NULL: no title */
	char *description; /* template; NULL: no description */
	char *time_zone;   /* for times without one */
	int64 max_rejects;
	Oid id_type;       /* of conversations, messages and media: uuid,
						* text or bigint */
	bool empty_owners; /* owners without messages get a conversation */
	bool owner_times;  /* conversations have their owner's times */
} Options;

/* Parses options; errors with 22023. Palloc'd in the current context. */
extern void chatmig_options_parse(Jsonb *jsonb, Options *options);

#endif /* CHATMIG_OPTIONS_H */
