/*
 * existing.h
 *	  Tables that were there before: which of their columns are for what.
 */
#ifndef CHATMIG_EXISTING_H
#define CHATMIG_EXISTING_H

#include "migration.h"

/*
 * Finds the columns of a table that the plan fills and did not create, and
 * sets the plan's fields and id type for it. Columns that were recorded by the
 * first run are taken as they were; of others, those that the user named stand,
 * and the rest is found by name, type and foreign key. The plan's mapping and
 * the tables that this one refers to must have been set. Takes AccessShareLock
 * to the end of the transaction. Errors: 42809 no table; 42703 no such column;
 * 42804 a type that does not fit; 42P10 no column for what must have one;
 * 23502 a column that must be filled and that nothing fills.
 */
extern void chatmig_existing_resolve(MigrationPlan *plan, TargetTable table,
									 Jsonb *recorded);

/*
 * The table that the messages' table refers to for a field, by a foreign key
 * of one column; InvalidOid if there is none. Looks at the columns that the
 * user named for it, or else at those that are called so.
 */
extern Oid chatmig_existing_referred(const MigrationPlan *plan, Field field);

/* An id of that type as the stages have it; InvalidOid: not for ids. */
extern Oid chatmig_existing_id_type(Oid type);

/* For the ledger: {field: column}. */
extern Jsonb *chatmig_existing_record(const MigrationPlan *plan,
									  TargetTable table);

#endif /* CHATMIG_EXISTING_H */
