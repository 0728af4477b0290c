/*
 * split.h
 *	  legacy row --split--> the messages in it
 */
#ifndef CHATMIG_SPLIT_H
#define CHATMIG_SPLIT_H

#include "plan.h"
#include "rows.h"

/*
 * Fills *split. Pure: depends on the row and the plan alone, touches no table,
 * raises no error for what a row holds. The messages borrow the row's Datums;
 * what is new is palloc'd in the current memory context.
 */
extern void chatmig_split_row(const MigrationPlan *plan, const LegacyRow *row,
							  SplitRow *split);

#endif /* CHATMIG_SPLIT_H */
