/*
 * existing_check.h
 *	  What can stand in the way of filling a table that was there before.
 */
#ifndef CHATMIG_EXISTING_CHECK_H
#define CHATMIG_EXISTING_CHECK_H

#include "access/tupdesc.h"
#include "migration.h"

/*
 * Errors: 42804 a column that is too short for ids; 23502 columns that are NOT
 * NULL and that nothing would fill. desc is the table's; the plan's fields for
 * it must be set.
 */
extern void chatmig_existing_check(const MigrationPlan *plan, TargetTable table,
								   TupleDesc desc);

/* Whether the column, or a domain that it is of, is NOT NULL. */
extern bool chatmig_existing_not_null(Form_pg_attribute attribute);

#endif /* CHATMIG_EXISTING_CHECK_H */
