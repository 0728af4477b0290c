/*
 * read_share.h
 *	  Shares of a legacy table's rows, for processes that work at once.
 *
 * What is grouped must not be torn apart: a share is all the rows of some
 * owners, or where there is no owner, of some counterparts or sessions.
 */
#ifndef CHATMIG_READ_SHARE_H
#define CHATMIG_READ_SHARE_H

#include "migration.h"

/*
 * Whether there is something to share by. Its type must have a hash function
 * that agrees with its equality.
 */
extern bool chatmig_read_share_is_possible(const MigrationPlan *plan);

/*
 * SQL: a WHERE clause for the columns of q, see read_query.c; "" where a
 * process reads all rows.
 */
extern char *chatmig_read_share_clause(const MigrationPlan *plan);

#endif /* CHATMIG_READ_SHARE_H */
