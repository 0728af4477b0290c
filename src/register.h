/*
 * register.h
 *	  Registering a legacy table, and forgetting it again.
 */
#ifndef CHATMIG_REGISTER_H
#define CHATMIG_REGISTER_H

#include "utils/jsonb.h"

/* What the user passed; all but source may be left out (NULL). */
typedef struct RegisterRequest
{
	Oid source;
	Jsonb *mapping;
	Jsonb *target;
	Jsonb *options;
	const char *profile;
	const char *name;
} RegisterRequest;

/*
 * Checks the request, completes the mapping by detection, stores it, and
 * returns the migration's name. Takes AccessShareLock on the source to the end
 * of the transaction: it waits for DDL on the table and for nothing else, and
 * nobody else waits for it. Errors: 42501, 42809, 42703, 42804, 22023, 42P38
 * (ambiguous), 55000 (migrated already), 42710 (the name is another table's),
 * 42704 (no such profile).
 */
extern char *chatmig_register_add(const RegisterRequest *request);

/* Errors: 42704 no such migration, 42501, 55000 migrated already. */
extern void chatmig_register_remove(const char *name);

#endif /* CHATMIG_REGISTER_H */
