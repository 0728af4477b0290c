/*
 * target.h
 *	  The tables that chatmig creates: their columns, indexes and keys.
 */
#ifndef CHATMIG_TARGET_H
#define CHATMIG_TARGET_H

#include "plan.h"

/* Columns of the tables, in their order; attribute number = index + 1. */
#define ANUM_MESSAGES_ID 1
#define ANUM_MESSAGES_CONVERSATION_ID 2
#define ANUM_MESSAGES_POSITION 3
#define ANUM_MESSAGES_ROLE 4
#define ANUM_MESSAGES_CONTENT 5
#define ANUM_MESSAGES_MODEL 6
#define ANUM_MESSAGES_TOKENS 7
#define ANUM_MESSAGES_METADATA 8
#define ANUM_MESSAGES_MEDIA_ID 9
#define ANUM_MESSAGES_REPLY_TO_ID 10
#define ANUM_MESSAGES_CREATED_AT 11
#define NUM_MESSAGES_COLUMNS 11

/*
 * Creates those of the plan's tables that do not exist, bare: columns, defaults
 * and comments, nothing that slows a load. Fills tables, created and fresh of
 * the plan. They belong to the source's owner. New tables, so no lock that
 * anybody waits for.
 */
extern void chatmig_target_create(MigrationPlan *plan);

/*
 * To the fresh ones, adds primary keys, unique constraints, checks, indexes and
 * foreign keys. The foreign keys to the owner's and the counterpart's tables
 * take ShareRowExclusiveLock on those to the end of the transaction: rows there
 * can be read but not written meanwhile. So this comes after the load.
 */
extern void chatmig_target_finish(const MigrationPlan *plan);

/*
 * The tables that a column of the source refers to, and that finish() locks; a
 * List of char *, qualified and quoted.
 */
extern List *chatmig_target_references(const MigrationPlan *plan,
									   const Column *column);

/* Gathers statistics of the fresh ones, so that the first query is quick. */
extern void chatmig_target_analyze(const MigrationPlan *plan);

#endif /* CHATMIG_TARGET_H */
