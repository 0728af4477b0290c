/*
 * defer.h
 *	  Constraints that wait for the end of the transaction.
 */
#ifndef CHATMIG_DEFER_H
#define CHATMIG_DEFER_H

#include "nodes/pg_list.h"

/*
 * Makes the deferred constraints on, and the foreign keys to, some tables (a
 * List of OIDs) immediate, or deferred again. A security-restricted operation
 * may not leave a trigger behind for the end of the transaction, when it would
 * fire with the caller's rights. Runs as the caller.
 */
extern void chatmig_defer(List *relids, bool deferred);

#endif /* CHATMIG_DEFER_H */
