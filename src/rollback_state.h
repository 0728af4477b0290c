/*
 * rollback_state.h
 *	  One rollback at work: what was made, and what is in it now.
 */
#ifndef CHATMIG_ROLLBACK_STATE_H
#define CHATMIG_ROLLBACK_STATE_H

#include "destination.h"
#include "ledger.h"

/* The tables with ids of their own come before the trace. */
#define NUM_ID_TABLES NUM_ID_TARGETS

typedef struct Rollback
{
	const char *name;
	bool dry_run;
	bool force;

	/* what was migrated, as it is registered */
	Oid source;
	char *source_name; /* qualified and quoted; NULL: gone, or not looked at */
	Oid source_owner;
	Jsonb *mapping;
	List *links;     /* of DestinationLink *, as registered */
	bool is_grouped; /* conversations have no table of their own */
	bool in_place;   /* the messages' table is the source: its rows stay */

	/* the tables; those that are gone, or will be, are InvalidOid and NULL */
	LedgerTargets targets;
	char *tables[NUM_TARGETS]; /* qualified and quoted */
	Oid trace_owner;           /* who has read and written */

	/* what is in them, given by check */
	int64 traced;                  /* rows of the trace */
	int64 links_reset;             /* rows of other tables that were linked */
	int64 migrated[NUM_ID_TABLES]; /* rows that the trace names */
	int64 added[NUM_ID_TABLES];    /* rows that it does not name */
} Rollback;

#endif /* CHATMIG_ROLLBACK_STATE_H */
