/*
 * read_metadata.h
 *	  The metadata of a message, in the query that reads a legacy table.
 */
#ifndef CHATMIG_READ_METADATA_H
#define CHATMIG_READ_METADATA_H

#include "plan.h"

/*
 * Mapped metadata, kept columns, the user's own spelling of a role, constants,
 * and a mark where a time is a neighbour's; NULL where there is nothing. A
 * mapped object is the metadata itself, unless a name in it is needed for a
 * column: then it stays whole under its column's name, as other JSON does.
 */
extern char *chatmig_read_metadata(const MigrationPlan *plan);

/* An object that has each column's value under its name. */
extern char *chatmig_read_metadata_object(const Column *columns, int n);

#endif /* CHATMIG_READ_METADATA_H */
