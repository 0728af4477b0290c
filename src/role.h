/*
 * role.h
 *	  The roles of messages and how applications spell them.
 */
#ifndef CHATMIG_ROLE_H
#define CHATMIG_ROLE_H

#include "mapping.h"

/* Spellings known without the user's help; matched without regard to case. */
extern const RoleSpelling chatmig_known_spellings[];
extern const int chatmig_n_known_spellings;

/*
 * The role that a spelling stands for: the user's own spellings first
 * (exactly), then the known ones. Returns false for an unknown spelling.
 */
extern bool chatmig_role_find(const Mapping *mapping, const char *spelling,
							  Role *role);

/* Parses a role's own name: user, assistant, system, tool. */
extern bool chatmig_role_parse(const char *name, Role *role);

#endif /* CHATMIG_ROLE_H */
