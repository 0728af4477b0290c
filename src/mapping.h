/*
 * mapping.h
 *	  A registered mapping, with every name checked against the catalogs.
 *
 * A mapping says which column of a legacy table plays which part. The user
 * writes names in jsonb; detect.c proposes names; register.c turns names into
 * this struct, and refuses what does not fit. Everything behind register.c
 * (plan, the stages, validate, rollback) sees only this.
 */
#ifndef CHATMIG_MAPPING_H
#define CHATMIG_MAPPING_H

#include "access/attnum.h"
#include "media_keys.h"
#include "role.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

/* How a legacy row holds messages. */
typedef enum Shape
{
	SHAPE_PAIR,      /* a question and its answer */
	SHAPE_FLAT,      /* one message */
	SHAPE_TRANSCRIPT /* JSON that holds messages */
} Shape;

/*
 * The parts that a single column can play. The order is that of the names in
 * chatmig_part_names[]; the key is apart because it may have many columns.
 */
typedef enum Part
{
	PART_OWNER,
	PART_COUNTERPART,
	PART_SESSION,
	PART_QUESTION, /* pair */
	PART_ANSWER,   /* pair */
	PART_ROLE,     /* flat */
	PART_CONTENT,  /* flat */
	PART_TRANSCRIPT,
	PART_TIME,
	PART_MODEL,
	PART_TOKENS,
	PART_METADATA,
	PART_MEDIA, /* the medium's URL */
	PART_MEDIA_TYPE,
	PART_REPLY_TO, /* the key of the legacy row that it answers */
	NUM_PARTS
} Part;

/* What a column of times holds; decides how it is read. */
typedef enum TimeKind
{
	TIME_NONE, /* no time column: the key orders */
	TIME_TIMESTAMPTZ,
	TIME_TIMESTAMP, /* read in options.time_zone */
	TIME_DATE,      /* midnight in options.time_zone */
	TIME_EPOCH,     /* a number; epoch_unit says of what */
	TIME_TEXT       /* ISO 8601 */
} TimeKind;

typedef struct Column
{
	char *name; /* unquoted; NULL: no column plays the part */
	AttrNumber attnum;
	Oid type; /* as declared (a domain stays a domain) */
	int32 typmod;
	Oid collation;
	bool not_null;
} Column;

#define MAX_KEYS 8 /* columns in a legacy key */

typedef struct Mapping
{
	Shape shape;
	int nkeys; /* at least 1 */
	Column keys[MAX_KEYS];
	Column parts[NUM_PARTS];
	bool media_in_metadata; /* then there is no column for media: */
	MediaKeys media_keys;
	TimeKind time_kind;
	bool epoch_known;  /* false: nothing says what the numbers count */
	double epoch_unit; /* units per second: 1, 1e3 or 1e6 */
	int nspellings;    /* the user's own; known ones are in role.c */
	RoleSpelling *spellings;
	char *path;   /* transcript: the jsonpath to the messages */
	int ncolumns; /* all columns, in the table's order */
	Column *columns;
	int nkept; /* kept whole in the metadata of each message: columns
				* that no part names, or those that the user names */
	Column *kept;
	int nleft; /* that nothing names: not in the new tables */
	Column *left;
} Mapping;

/* In the metadata of a message whose time is a neighbour's. */
#define TIME_MISSING_MARK "chatmig_time_missing"

/*
 * Under which a message's own members are in its metadata, where one of their
 * names is that of a kept column.
 */
#define OWN_MEMBERS "chatmig_message"

#define HAS_PART(mapping, part) ((mapping)->parts[part].name != NULL)
#define HAS_MEDIA(mapping)                                                     \
	(HAS_PART(mapping, PART_MEDIA) || (mapping)->media_in_metadata)

extern const char *const chatmig_shape_names[];
extern const char *const chatmig_part_names[NUM_PARTS];

/* The shape that a mapping names; false where it names none. */
extern bool chatmig_mapping_shape(Jsonb *jsonb, Shape *shape);

/* Whether the shape has the part, and cannot do without it. */
extern bool chatmig_mapping_part_fits(Shape shape, Part part);
extern bool chatmig_mapping_part_required(Shape shape, Part part);

/*
 * Whether messages keep the role as it was spelled, where the user had to say
 * what it means: a label says more than the role does, and a number too if
 * several stand for one role.
 */
extern bool chatmig_mapping_keeps_role(const Mapping *mapping);

/* bigint where the source has it, or else integer. */
extern Oid chatmig_mapping_tokens_type(const Mapping *mapping);

/* Errors with 22023 on a key that the shape does not know. */
extern void chatmig_mapping_check_keys(Jsonb *jsonb, Shape shape);

/*
 * Checks a complete mapping against a relation that the caller holds open.
 * Errors: 42703 no such column, 42804 a type that does not fit, 22023.
 */
extern Mapping *chatmig_mapping_resolve(Relation rel, Jsonb *jsonb);

#endif /* CHATMIG_MAPPING_H */
