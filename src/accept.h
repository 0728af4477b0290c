/*
 * accept.h
 *	  Whether tables that were there before can take what the source holds.
 */
#ifndef CHATMIG_ACCEPT_H
#define CHATMIG_ACCEPT_H

#include "plan.h"

/*
 * Looks at the rows that would be migrated, before one of them moves. Errors:
 * 22023 a role that the messages' table does not allow (of flat rows; what is
 * in others is found out when they are split); 23502 rows without a value for
 * a column that must have one; 55000, 42501 no sequence for ids that are
 * numbers, or no right to use it. Reads as the current role, under the active
 * snapshot.
 */
extern void chatmig_accept_check(const MigrationPlan *plan);

#endif /* CHATMIG_ACCEPT_H */
