/*
 * compat.h
 *	  What servers after 15 call otherwise, for 15.
 *
 * The only file that asks for the server's version: all others call what 17
 * has, by its name and with its arguments.
 */
#ifndef CHATMIG_COMPAT_H
#define CHATMIG_COMPAT_H

/* The functions of a JsonSemAction return what the parser is to do next. */
#if PG_VERSION_NUM >= 160000
#define JsonActionResult JsonParseErrorType
#define JSON_ACTION_DONE return JSON_SUCCESS
#else
#define JsonActionResult void
#define JSON_ACTION_DONE return
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#else
/* Of relations, and of schemas, alone. */
#define object_ownercheck(class, relid, role) pg_class_ownercheck(relid, role)
#define object_aclcheck(class, schema, role, mode)                             \
	pg_namespace_aclcheck(schema, role, mode)
#define DecodeTimezoneAbbrev(field, token, type, offset, tz, extra)            \
	((void) (extra), *(type) = DecodeTimezoneAbbrev(field, token, offset, tz), \
	 0)
#define DateTimeErrorExtra int
#define RelationSetNewRelfilenumber RelationSetNewRelfilenode
#define RelFileLocator RelFileNode
#define rd_locator rd_node
#endif

#if PG_VERSION_NUM < 170000
#define WAIT_EVENT_MESSAGE_QUEUE_SEND WAIT_EVENT_MQ_SEND
/* NULL as the context stands for a new one. */
#define makeJsonLexContextCstringLen(lex, json, len, encoding, need_escapes)   \
	makeJsonLexContextCstringLen(json, len, encoding, need_escapes)
#endif

/* Whether the server makes a file longer by many pages at once. */
#define HAVE_SMGRZEROEXTEND (PG_VERSION_NUM >= 160000)

/* Whether a foreign key's trigger may return before it has looked. */
#define LOOKS_ARE_BATCHED (PG_VERSION_NUM >= 190000)

#endif /* CHATMIG_COMPAT_H */
