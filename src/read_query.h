/*
 * read_query.h
 *	  The query that reads a legacy table.
 */
#ifndef CHATMIG_READ_QUERY_H
#define CHATMIG_READ_QUERY_H

#include "plan.h"

/* Where the query's columns are: attribute numbers, 0 where there is none. */
typedef struct ReadColumns
{
	int natts;
	int keys; /* the first of them */
	int owner;
	int counterpart;
	int session;
	int time;
	int time_missing; /* the row has no time of its own */
	int contents;     /* the first of one or two; the transcript */
	int sizes;        /* of the contents; only if they are reduced */
	int role;
	int model;
	int tokens;
	int metadata;
	int media;
	int media_type;
	int media_name;
	int summarizes;
	int fingerprint;
	int skipped;
	int owner_created_at;
	int owner_updated_at;
	int known; /* these only if the plan is migrated: */
	int conversation;
	int position;
	int written; /* only where time alone orders */
	int next_conversation;
	int next_time;
} ReadColumns;

/*
 * The query for chatmig_read_rows(), and where its columns are. Reduced rows
 * cannot be those of transcripts.
 */
extern char *chatmig_read_query(const MigrationPlan *plan, bool reduced,
								ReadColumns *columns);

/* A legacy key as text, of the row s: what LegacyRow.key holds. */
extern char *chatmig_read_query_key(const MigrationPlan *plan);

/* Owners without a conversation: owner, created_at, updated_at. */
extern char *chatmig_read_query_owners(const MigrationPlan *plan);

/* count(*) of the legacy rows that are in the trace. */
extern char *chatmig_read_query_traced(const MigrationPlan *plan);

/*
 * The whole legacy rows, as jsonb, whose keys as text are in the array $1;
 * before each, its index there, from 1. Where the array $2 is true, the
 * transcript is left out.
 */
extern char *chatmig_read_query_rejected(const MigrationPlan *plan);

#endif /* CHATMIG_READ_QUERY_H */
