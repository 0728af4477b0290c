/*
 * profile.h
 *	  A named mapping, target and options, laid under what a user wrote.
 */
#ifndef CHATMIG_PROFILE_H
#define CHATMIG_PROFILE_H

#include "utils/jsonb.h"
#include "utils/relcache.h"

/* What describes a migration; each is NULL where nothing was given. */
typedef struct Description
{
	Jsonb *mapping;
	Jsonb *target;
	Jsonb *options;
} Description;

/*
 * Lays the description over the profile's: a key that the description has
 * stands, JSON null included, and the profile's others join it. Left out is
 * what the profile says and the relation, which the caller holds open, cannot
 * use: names of columns that it does not have (NOTICE), spellings that its role
 * column cannot hold, and links of tables that do not exist (NOTICE). known is
 * the mapping that is registered already, or NULL. Takes no lock. Errors:
 * 42704 no such profile, with the ones that there are; 22023.
 */
extern void chatmig_profile_apply(const char *name, Relation rel, Jsonb *known,
								  Description *description);

#endif /* CHATMIG_PROFILE_H */
