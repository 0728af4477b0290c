/*
 * split_transcript.h
 *	  A legacy row that holds JSON --split--> the messages in it
 */
#ifndef CHATMIG_SPLIT_TRANSCRIPT_H
#define CHATMIG_SPLIT_TRANSCRIPT_H

#include "plan.h"
#include "rows.h"

/* As chatmig_split_row(), for the shape transcript. */
extern void chatmig_split_transcript(const MigrationPlan *plan,
									 const LegacyRow *row, SplitRow *split);

#endif /* CHATMIG_SPLIT_TRANSCRIPT_H */
