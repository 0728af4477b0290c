/*
 * link.h
 *	  Rows of other tables that point to the conversation of their owner.
 */
#ifndef CHATMIG_LINK_H
#define CHATMIG_LINK_H

#include "migration.h"

/*
 * Sets the plan's links. Takes AccessShareLock on their tables. Errors: 42P01
 * no such table; 42703 no such column; 42804 a type that does not fit; 42P10
 * no primary key, or no owner; 42501 if the source's owner may not change it.
 */
extern void chatmig_link_find(MigrationPlan *plan);

#endif /* CHATMIG_LINK_H */
