/*
 * skip.h
 *	  Legacy rows that are left alone, because of what the target holds.
 */
#ifndef CHATMIG_SKIP_H
#define CHATMIG_SKIP_H

#include "plan.h"

/*
 * time: SQL, the row's own time; NULL: it has none.
 *
 * SQL, a boolean of s, a legacy row, and t, its row in the trace (in a later
 * run): whether the row is left alone although it is not migrated. So are rows
 * of owners who have conversations that this migration has not made, unless
 * the plan's force is set; with force, those rows whose messages are there
 * already; and, where messages stay in their table, those that the application
 * has put into a conversation, or has written since the first run.
 */
extern char *chatmig_skip_condition(const MigrationPlan *plan,
									const char *time);

/* SQL for the ids of all conversations that this migration has made. */
extern char *chatmig_skip_made(const MigrationPlan *plan);

#endif /* CHATMIG_SKIP_H */
