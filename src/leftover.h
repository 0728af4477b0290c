/*
 * leftover.h
 *	  What a messages' table has no column for, kept in the trace.
 */
#ifndef CHATMIG_LEFTOVER_H
#define CHATMIG_LEFTOVER_H

#include "plan.h"
#include "rows.h"

/*
 * jsonb, or NULL where all has a place: an object with what is left of each
 * message, by its part, such as {"1": {"model": "..."}}; the names are model,
 * tokens, metadata, session, media, media_type. Palloc'd.
 */
extern Value chatmig_leftover_make(const MigrationPlan *plan,
								   const LegacyRow *row, const SplitRow *split);

#endif /* CHATMIG_LEFTOVER_H */
