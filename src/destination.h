/*
 * destination.h
 *	  The target of a registration, as the user described it.
 */
#ifndef CHATMIG_DESTINATION_H
#define CHATMIG_DESTINATION_H

#include "field.h"

/* What the user says of one table. */
typedef struct DestinationTable
{
	bool is_named;                   /* so that one that exists may be filled */
	bool is_none;                    /* null: there shall be none */
	char *name;                      /* unquoted; NULL: the default */
	char *columns[NUM_NAMED_FIELDS]; /* as named; NULL: not named */
	bool has_column[NUM_NAMED_FIELDS]; /* named, or said to be none */
} DestinationTable;

/* A table whose rows point to the conversation of their owner. */
typedef struct DestinationLink
{
	char *schema; /* NULL: that of the new tables; all unquoted */
	char *table;
	char *owner;
	char *conversation;
} DestinationLink;

typedef struct Destination
{
	char *schema; /* NULL: the source's */
	DestinationTable tables[NUM_TARGETS];
	char *roles[NUM_ROLES]; /* what the messages' table calls them; NULL: not
							 * said */
	List *links;            /* of DestinationLink * */
} Destination;

/* Errors with 22023. Palloc'd in the current memory context. */
extern void chatmig_destination_parse(Jsonb *jsonb, Destination *destination);

#endif /* CHATMIG_DESTINATION_H */
