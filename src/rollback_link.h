/*
 * rollback_link.h
 *	  Rows of other tables that a migration linked to its conversations.
 */
#ifndef CHATMIG_ROLLBACK_LINK_H
#define CHATMIG_ROLLBACK_LINK_H

#include "rollback_state.h"

/*
 * SQL: o, a row of the table, was linked by the migration. False for all rows
 * of a table that has no links.
 */
extern char *chatmig_rollback_is_linked(const Rollback *rollback, Oid table);

/* The tables that have links, as far as they are there; a List of OIDs. */
extern List *chatmig_rollback_linked(const Rollback *rollback);

/*
 * Takes the conversation from exactly those rows that the migration gave it,
 * unless they point elsewhere by now; in a dry run, only counts them. Returns
 * their number.
 */
extern int64 chatmig_rollback_unlink(const Rollback *rollback);

#endif /* CHATMIG_ROLLBACK_LINK_H */
