/*
 * part_type.h
 *	  Which types a column may have that plays a part.
 */
#ifndef CHATMIG_PART_TYPE_H
#define CHATMIG_PART_TYPE_H

#include "access/attnum.h"
#include "utils/relcache.h"

/* What a part accepts. */
typedef enum PartType
{
	ACCEPTS_ORDERED, /* any type that can be sorted */
	ACCEPTS_TEXT,    /* string types, json and jsonb */
	ACCEPTS_ROLE,    /* string types, enum, boolean, integers */
	ACCEPTS_TIME,
	ACCEPTS_LABEL, /* string types and enum */
	ACCEPTS_INTEGER,
	ACCEPTS_JSON
} PartType;

/* A domain is what it is over. */
extern bool chatmig_part_type_fits(PartType accepts, Oid type);

/*
 * Errors with 42804 unless the column's type fits the part, of which this is
 * the name.
 */
extern void chatmig_part_type_check(Relation rel, const char *part,
									PartType accepts, AttrNumber attnum);

#endif /* CHATMIG_PART_TYPE_H */
