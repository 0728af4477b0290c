/*
 * write_link.h
 *	  Rows of other tables get the conversation of their owner.
 */
#ifndef CHATMIG_WRITE_LINK_H
#define CHATMIG_WRITE_LINK_H

#include "plan.h"
#include "write.h"

/*
 * Gives the rows that have no conversation that of their owner, of those that
 * this migration has made the one with the latest activity, and remembers
 * which rows these are. Returns their number. Row locks alone, held to the end
 * of the transaction.
 */
extern int64 chatmig_write_links(const MigrationPlan *plan);

/* How many a run would, after a writer that has written nothing. */
extern int64 chatmig_write_count_links(const MigrationPlan *plan,
									   const Writer *writer);

#endif /* CHATMIG_WRITE_LINK_H */
