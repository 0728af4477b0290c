/*
 * rights.h
 *	  Who may do anything with a migration.
 */
#ifndef CHATMIG_RIGHTS_H
#define CHATMIG_RIGHTS_H

#include "ledger.h"

/*
 * Errors with 42501 unless the current role owns the migration's source. Where
 * that has been dropped, it must own the tables that the migration made; where
 * these are gone, too, nobody owns anything of it, and it takes a superuser.
 */
extern void chatmig_rights_check_source(const Registration *registration);

/* The same, but the tables come first, and then the source. */
extern void chatmig_rights_check_tables(const Registration *registration);

#endif /* CHATMIG_RIGHTS_H */
