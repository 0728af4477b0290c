/*
 * amend.h
 *	  What may change about a registration that has been migrated.
 */
#ifndef CHATMIG_AMEND_H
#define CHATMIG_AMEND_H

#include "ledger.h"

/*
 * Lays what was given (each NULL if nothing was) over a migrated registration
 * and returns the result. Only what concerns rows to come may change: the
 * number of rows that may be rejected, roles for spellings that were unknown,
 * and the unit of times where it was. Errors: 55000 for anything else.
 */
extern Registration *chatmig_amend_registration(const Registration *old,
												Jsonb *mapping, Jsonb *target,
												Jsonb *options);

#endif /* CHATMIG_AMEND_H */
