/*
 * plan.h
 *	  From a registration to a MigrationPlan.
 *
 * chatmig_plan_make() is the one place that decides whether a migration can
 * run. What it returns is fixed for the rest of the run.
 */
#ifndef CHATMIG_PLAN_H
#define CHATMIG_PLAN_H

#include "migration.h"

/*
 * Resolves a registered migration. Takes AccessShareLock on the source, and on
 * its partitions or what the view reads, and keeps it to the end of the
 * transaction, so that no DDL comes between this and what follows; rows may be
 * read and written meanwhile. Take the snapshot afterwards. Errors: 42704 no
 * such migration; 42501 not the owner of the source; 42P01, 42703, 42804 the
 * source no longer fits the mapping; 3F000 no such schema; 42P07 a target's
 * name is taken; 55000 a target is gone. Allocates in the current memory
 * context.
 */
extern MigrationPlan *chatmig_plan_make(const char *name);

/*
 * The same in a parallel worker of a first run, for a share of the rows. The
 * run holds all locks, and has created the tables, NUM_TARGETS of them.
 */
extern MigrationPlan *chatmig_plan_make_share(const char *name,
											  const Oid *tables, int share,
											  int nshares);

/*
 * Looks at the rows: whether each has a key of its own (23502, 23505 if not),
 * and whether some have no time. Reads as the current role, under the active
 * snapshot.
 */
extern void chatmig_plan_probe(MigrationPlan *plan);

/*
 * Locks a legacy table's partitions and children, or what a view reads, with
 * AccessShareLock, as its owner; name is its own, qualified and quoted. A
 * snapshot must be taken afterwards: to one from before an ALTER TABLE that
 * rewrote a table, and for which the lock had to wait, that table is empty.
 */
extern void chatmig_plan_lock_below(Oid source, const char *name, Oid owner);

/* Whether the table is one that chatmig did not create, and fills. */
extern bool chatmig_plan_fills(const MigrationPlan *plan, TargetTable table);

/* chatmig_keys_equality(), for what stands above a plan. */
extern char *chatmig_plan_equality(Oid type);

#endif /* CHATMIG_PLAN_H */
