/*
 * keys.h
 *	  Foreign keys of one column, and primary keys, as the catalogs have them;
 *	  and how keys compare.
 */
#ifndef CHATMIG_KEYS_H
#define CHATMIG_KEYS_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

/* The foreign keys of that column alone; a List of constraint OIDs. */
extern List *chatmig_keys_foreign(Oid relid, AttrNumber attnum);

/* The table that one of them leads to; InvalidOid: there is none. */
extern Oid chatmig_keys_target(Oid relid, AttrNumber attnum);

/*
 * SQL, palloc'd: the primary key of a row with that alias, as text; a JSON
 * array where it has several columns. NULL: the table has none.
 */
extern char *chatmig_keys_primary_text(Oid relid, const char *alias);

/* A relation's name, qualified and quoted; palloc'd. */
extern char *chatmig_keys_qualified_name(Oid relid);

/* The type's default equality operator, as OPERATOR(schema.=). */
extern char *chatmig_keys_equality(Oid type);

/*
 * SQL, palloc'd: a value of a type that can be compared with a key's equals
 * the key, as the key's type has it. Numbers are compared as they are: not
 * each is in the range of the key's type.
 */
extern char *chatmig_keys_equal(const char *other, Oid other_type,
								const char *key, Oid type);

#endif /* CHATMIG_KEYS_H */
