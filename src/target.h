/*
 * target.h
 *	  The tables that chatmig creates: their columns, indexes and keys.
 */
#ifndef CHATMIG_TARGET_H
#define CHATMIG_TARGET_H

#include "plan.h"

/*
 * Creates those of the plan's tables that do not exist, bare: columns, defaults
 * and comments, nothing that slows a load. Fills tables, created and fresh of
 * the plan. They belong to the source's owner. New tables, so no lock that
 * anybody waits for.
 */
extern void chatmig_target_create(MigrationPlan *plan);

/*
 * Whether a fresh one is as it was created, so that rows can be put into it
 * without the executor. An event trigger may have added columns, triggers,
 * checks, rules, indexes or row security.
 */
extern bool chatmig_target_is_plain(const MigrationPlan *plan,
									TargetTable table);

/*
 * Adds to the fresh ones all their keys, indexes and checks, and the foreign
 * keys among them, while they are empty. What is loaded then without a look at
 * indexes and foreign keys (bulk.c) is for chatmig_target_finish() to make
 * good: until then who looks for a row by an index finds none.
 */
extern void chatmig_target_constrain(const MigrationPlan *plan);

/*
 * Constrained: builds those indexes anew, in parallel workers if the server has
 * some, which is where a key that is there twice is found (23505), and sees to
 * it that the foreign keys hold. Or else, adds all that
 * chatmig_target_constrain() adds. Last, the foreign keys to the owner's and
 * the counterpart's tables. These take ShareRowExclusiveLock on those tables to
 * the end of the transaction: rows there can be read but not written meanwhile.
 * So this comes after the load.
 */
extern void chatmig_target_finish(const MigrationPlan *plan, bool constrained);

/*
 * Gathers statistics of the fresh ones, so that the first query is quick; in a
 * first run also of those that were there before, if the source's owner owns
 * them and nobody is vacuuming them. From a small sample where most rows are
 * new.
 */
extern void chatmig_target_analyze(const MigrationPlan *plan,
								   const RunCounts *counts);

#endif /* CHATMIG_TARGET_H */
