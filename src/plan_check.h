/*
 * plan_check.h
 *	  What can stand in the way of a target's tables: schemas, names, rights.
 */
#ifndef CHATMIG_PLAN_CHECK_H
#define CHATMIG_PLAN_CHECK_H

#include "migration.h"

/* Of a table that is not in the ledger, once the migration has run: 55000. */
extern void chatmig_plan_check_recorded(const MigrationPlan *plan,
										TargetTable table);

/* The schema for new tables must exist, and be one for tables that stay. */
extern void chatmig_plan_check_schema(const MigrationPlan *plan);

/* Caller and source's owner may create tables in it. */
extern void chatmig_plan_check_create(const MigrationPlan *plan);

/* The source's owner, who reads and writes, may use the schema. */
extern void chatmig_plan_check_usage(const MigrationPlan *plan,
									 const char *schema);

/* The source's owner may call those of the functions that queries call. */
extern void chatmig_plan_check_calls(const MigrationPlan *plan);

/* A table that an earlier run filled is still there. */
extern void chatmig_plan_check_exists(const MigrationPlan *plan,
									  TargetTable table);

/* A table can be created: nothing has its name. */
extern void chatmig_plan_check_name(const MigrationPlan *plan,
									TargetTable table);

/* The source's owner may do to a table that exists all that a run does. */
extern void chatmig_plan_check_rights(const MigrationPlan *plan, Oid relid,
									  const char *name);

/* A table that exists is no other part's, nor chatmig's own. */
extern void chatmig_plan_check_single(const MigrationPlan *plan,
									  TargetTable table);

#endif /* CHATMIG_PLAN_CHECK_H */
