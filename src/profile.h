/*
 * profile.h
 *	  A named mapping, target and options, laid under what a user wrote.
 */
#ifndef CHATMIG_PROFILE_H
#define CHATMIG_PROFILE_H

#include "ledger.h"
#include "utils/relcache.h"

/* What describes a migration; each is NULL where nothing was given. */
typedef struct Description
{
	Jsonb *mapping;
	Jsonb *target;
	Jsonb *options;
} Description;

/* Error: 42704, with the profiles that there are. */
extern Profile *chatmig_profile_find(const char *name);

/*
 * Lays the description over the profile's: a key that the description has
 * stands, JSON null included, and the profile's others join it. Left out is
 * what the profile says and the relation, which the caller holds open, cannot
 * use: names of columns that it does not have (NOTICE), spellings that its role
 * column cannot hold, and links of tables that do not exist (NOTICE). known is
 * the mapping that is registered already, or NULL. The profile is changed, too.
 * Takes no lock. Error: 22023.
 */
extern void chatmig_profile_apply(Profile *profile, Relation rel, Jsonb *known,
								  Description *description);

#endif /* CHATMIG_PROFILE_H */
