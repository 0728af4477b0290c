/*
 * rollback.h
 *	  The inverse of migrate.
 */
#ifndef CHATMIG_ROLLBACK_H
#define CHATMIG_ROLLBACK_H

#include "ledger.h"

/*
 * Takes back exactly what the migration made, and forgets that it was run.
 * Tables that it created are dropped; if they hold more than its rows, or
 * something depends on them, only its rows go, and a NOTICE says why.
 *
 * With dry_run nothing changes, and counts say what would be taken back. With
 * force the source is not looked at, and may be gone: ledger and trace suffice.
 * Fills legacy_rows and migrated (traced rows), conversations, messages and
 * media; the rest is 0.
 *
 * Errors: 42704 no such migration; 42501 not the owner of what it made; 55000
 * not migrated, its trace is gone, rows that were added since hang on its
 * rows, a trigger keeps rows from being deleted, or, without force, its rows
 * are the only copy or may be; 40001 under REPEATABLE READ, if a run committed
 * since.
 */
extern void chatmig_rollback_run(const char *name, bool dry_run, bool force,
								 RunCounts *counts);

#endif /* CHATMIG_ROLLBACK_H */
