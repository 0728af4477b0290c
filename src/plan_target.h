/*
 * plan_target.h
 *	  The part of a plan that is about the tables to be filled.
 */
#ifndef CHATMIG_PLAN_TARGET_H
#define CHATMIG_PLAN_TARGET_H

#include "ledger.h"
#include "migration.h"

/*
 * Decides for each table whether it is one that an earlier run filled, one
 * that exists and is to be filled, or one to be created, and finds the columns
 * of those that exist; recorded is what the ledger says of them. The plan's
 * source, mapping and options must be set.
 * Takes AccessShareLock on tables that exist. Errors: see chatmig_plan_make().
 */
extern void chatmig_plan_target(MigrationPlan *plan, Jsonb *target,
								const LedgerTargets *recorded);

#endif /* CHATMIG_PLAN_TARGET_H */
