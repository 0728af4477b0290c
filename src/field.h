/*
 * field.h
 *	  The columns that the tables of a target can have, whatever their names.
 *
 * A field is what a column is for. The tables that chatmig creates have a
 * column for each field, under the field's own name; in tables that exist
 * already, existing.c finds the columns.
 */
#ifndef CHATMIG_FIELD_H
#define CHATMIG_FIELD_H

#include "ledger.h"
#include "mapping.h"

typedef enum Field
{
	FIELD_ID,
	FIELD_CONVERSATION, /* id of the conversation */
	FIELD_POSITION,
	FIELD_ROLE,
	FIELD_CONTENT,
	FIELD_MODEL,
	FIELD_TOKENS,
	FIELD_METADATA,
	FIELD_MEDIA,    /* id of the medium */
	FIELD_REPLY_TO, /* id of the message that it answers */
	FIELD_OWNER,
	FIELD_COUNTERPART,
	FIELD_SESSION,
	FIELD_TITLE,
	FIELD_DESCRIPTION,
	FIELD_IS_ACTIVE,
	FIELD_URL,
	FIELD_TYPE,
	FIELD_SUMMARY,
	FIELD_CREATED_AT,
	FIELD_UPDATED_AT,
	/* of chatmig's own tables alone */
	FIELD_FINGERPRINT,
	FIELD_MESSAGES, /* ids of a legacy row's messages */
	FIELD_TABLE,    /* of a linked row */
	FIELD_ROW,      /* its key */
	FIELD_KEY,      /* the first of MAX_KEYS */
	NUM_FIELDS = FIELD_KEY + MAX_KEYS
} Field;

/* Fields that a user can name. */
#define NUM_NAMED_FIELDS FIELD_FINGERPRINT

/* What a field's column must be able to hold. */
typedef enum FieldKind
{
	KIND_ID,        /* uuid, text, integer, bigint */
	KIND_REFERENCE, /* the type of the id that it refers to */
	KIND_PART,      /* what the legacy column of that part holds */
	KIND_TEXT,
	KIND_ROLE, /* text or enum */
	KIND_INTEGER,
	KIND_JSON,
	KIND_BOOLEAN,
	KIND_TIME /* timestamptz or timestamp */
} FieldKind;

typedef struct FieldDefinition
{
	Field field;
	FieldKind kind;
	bool is_required;
	Part part;            /* KIND_PART: which; otherwise NUM_PARTS */
	TargetTable refers;   /* KIND_REFERENCE: to the ids of which table */
	const char *synonyms; /* names in lower case without underscores, the
						   * likeliest first, blanks between and around */
} FieldDefinition;

/* Its name in target, such as "reply_to". */
extern const char *const chatmig_field_names[NUM_NAMED_FIELDS];

/* A table's fields; there are *n of them. None for the trace. */
extern const FieldDefinition *chatmig_field_definitions(TargetTable table,
														int *n);

#endif /* CHATMIG_FIELD_H */
