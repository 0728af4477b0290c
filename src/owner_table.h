/*
 * owner_table.h
 *	  The table of the owners: the users, the workspaces.
 */
#ifndef CHATMIG_OWNER_TABLE_H
#define CHATMIG_OWNER_TABLE_H

#include "migration.h"

/*
 * Sets the plan's owner_table: the one that the source's owner refers to by a
 * foreign key. Takes AccessShareLock on it. Errors: 42P10 without an owner, or
 * a foreign key, or columns for the times; 42501 if the source's owner may not
 * read it.
 */
extern void chatmig_owner_find(MigrationPlan *plan);

/* SQL: o is the row of s's owner. */
extern char *chatmig_owner_join(const MigrationPlan *plan);

/* SQL: a time of o as timestamptz, FIELD_CREATED_AT or FIELD_UPDATED_AT. */
extern char *chatmig_owner_time(const MigrationPlan *plan, Field field);

#endif /* CHATMIG_OWNER_TABLE_H */
