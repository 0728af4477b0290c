/*
 * rollback_check.h
 *	  What a migration's tables hold, and what forbids to take it back.
 */
#ifndef CHATMIG_ROLLBACK_CHECK_H
#define CHATMIG_ROLLBACK_CHECK_H

#include "rollback_state.h"

/*
 * Counts the rows of the tables, and errors with 55000 if added messages, or
 * rows that a foreign key ties to the tables, hang on migrated rows. Rows of
 * others' tables are read with the rights of the trace's owner (42501).
 */
extern void chatmig_rollback_check(Rollback *rollback);

#endif /* CHATMIG_ROLLBACK_CHECK_H */
