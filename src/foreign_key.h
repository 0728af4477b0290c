/*
 * foreign_key.h
 *	  Foreign keys of one column, as the catalogs have them.
 */
#ifndef CHATMIG_FOREIGN_KEY_H
#define CHATMIG_FOREIGN_KEY_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

/* The foreign keys of that column alone; a List of constraint OIDs. */
extern List *chatmig_foreign_keys(Oid relid, AttrNumber attnum);

/* The table that one of them leads to; InvalidOid: there is none. */
extern Oid chatmig_foreign_key_target(Oid relid, AttrNumber attnum);

#endif /* CHATMIG_FOREIGN_KEY_H */
