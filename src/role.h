/*
 * role.h
 *	  The roles of messages and how applications spell them.
 */
#ifndef CHATMIG_ROLE_H
#define CHATMIG_ROLE_H

/* The roles that a message may have, as the default target spells them. */
typedef enum Role
{
	ROLE_USER,
	ROLE_ASSISTANT,
	ROLE_SYSTEM,
	ROLE_TOOL,
	NUM_ROLES
} Role;

extern const char *const chatmig_role_names[NUM_ROLES];

/* One spelling in the role column and the role it stands for. */
typedef struct RoleSpelling
{
	char *spelling; /* as the column's text output has it */
	Role role;
} RoleSpelling;

/* Spellings known without the user's help; matched without regard to case. */
extern const RoleSpelling chatmig_known_spellings[];
extern const int chatmig_n_known_spellings;

/*
 * The role that a spelling stands for: the user's own n spellings first
 * (exactly), then the known ones. Returns false for an unknown spelling.
 */
extern bool chatmig_role_find(const RoleSpelling *own, int n,
							  const char *spelling, Role *role);

/* Parses a role's own name: user, assistant, system, tool. */
extern bool chatmig_role_parse(const char *name, Role *role);

#endif /* CHATMIG_ROLE_H */
