/*
 * snapshot.h
 *	  Whether a snapshot sees the rows of tables at all.
 *
 * To a snapshot that is older than a TRUNCATE, or an ALTER TABLE that rewrites
 * its table, that table is empty. So locks come first, and the snapshot then.
 * From REPEATABLE READ on, the snapshot is that of the transaction, and cannot
 * be a later one.
 */
#ifndef CHATMIG_SNAPSHOT_H
#define CHATMIG_SNAPSHOT_H

#include "nodes/pg_list.h"

/* Waits for DDL on the tables, their partitions and children: AccessShareLock.
 */
extern void chatmig_snapshot_lock(List *relids);

/*
 * Errors with 40001 if the active snapshot, being the transaction's, is older
 * than what has become of one of these tables, or of one that the transaction
 * has locked: they were rewritten, emptied or dropped. READ COMMITTED has
 * nothing to fear.
 */
extern void chatmig_snapshot_check(List *relids);

#endif /* CHATMIG_SNAPSHOT_H */
