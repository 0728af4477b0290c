/*
 * share.h
 *	  A first run by parallel workers, each with a share of the rows.
 */
#ifndef CHATMIG_SHARE_H
#define CHATMIG_SHARE_H

#include "travel.h"

/*
 * The same as chatmig_travel() with WRITE_BULK, or false and nothing done where
 * the server has no worker for it, or rows cannot be shared: see
 * chatmig_read_workers(). Ids that are numbers are counted by one process, and
 * owners without a conversation are known only in the end, so not with these.
 *
 * As many workers as the planner gives the reading query do all that comes
 * before the writing; this process writes what they have formed. Which of two
 * owners' rows come first in a table differs from run to run.
 */
extern bool chatmig_share_travel(const MigrationPlan *plan,
								 MigrateResult *result, List **rejects);

#endif /* CHATMIG_SHARE_H */
