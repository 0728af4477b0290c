/*
 * fit.h
 *	  Messages that a target which was there before cannot hold.
 */
#ifndef CHATMIG_FIT_H
#define CHATMIG_FIT_H

#include "plan.h"
#include "rows.h"

/*
 * Rejects messages with a role that the target does not allow
 * (role_not_allowed), or a content or model longer than its column (too_long):
 * of a transcript the single message, otherwise the whole row. Touches no
 * table. Allocates in the current memory context.
 */
extern void chatmig_fit_row(const MigrationPlan *plan, SplitRow *split);

#endif /* CHATMIG_FIT_H */
