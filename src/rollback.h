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
 * something depends on them, only its rows go, and a NOTICE says why. Needs
 * neither the source nor a mapping that fits it: ledger and trace suffice.
 *
 * With dry_run nothing changes, and counts say what would be taken back.
 * Fills legacy_rows and migrated (traced rows), conversations, messages and
 * media; the rest is 0.
 *
 * Errors: 42704 no such migration; 42501 not the owner of what it made; 55000
 * not migrated, its trace is gone, rows that were added since hang on its
 * rows, or a trigger keeps rows from being deleted; 40001 under REPEATABLE
 * READ, if a run committed since.
 */
extern void chatmig_rollback_run(const char *name, bool dry_run,
								 RunCounts *counts);

#endif /* CHATMIG_ROLLBACK_H */
