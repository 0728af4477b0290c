/*
 * rollback_copy.h
 *	  Whether what a rollback would delete is the only copy.
 */
#ifndef CHATMIG_ROLLBACK_COPY_H
#define CHATMIG_ROLLBACK_COPY_H

#include "rollback_check.h"

/*
 * Errors with 55000 if the legacy table is gone, or cannot be compared with
 * the trace any more, or lacks rows that were migrated, and there are messages
 * or media of such rows. Must be called as the trace's owner.
 */
extern void chatmig_rollback_check_copy(const Rollback *rollback);

#endif /* CHATMIG_ROLLBACK_COPY_H */
