/*
 * role_values.h
 *	  What a messages' table calls the roles.
 */
#ifndef CHATMIG_ROLE_VALUES_H
#define CHATMIG_ROLE_VALUES_H

#include "migration.h"

/*
 * Sets the plan's role_values. Where the column is an enum, or a check
 * constraint lists what is allowed, only that is taken: what the user named
 * (22023 if it is not allowed), the role's own name, or a known spelling of
 * it. Errors with 22023 where a role that every history has, user or
 * assistant, has none.
 */
extern void chatmig_role_values(MigrationPlan *plan);

/*
 * The same for a messages' table that exists, whatever its roles: one without
 * a place in it has no value. The n own spellings are known, too.
 */
extern void chatmig_role_values_find(MigrationPlan *plan,
									 const RoleSpelling *own, int n);

#endif /* CHATMIG_ROLE_VALUES_H */
