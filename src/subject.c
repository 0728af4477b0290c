/*
 * subject.c
 *	  The relation that detection looks at, as the catalogs describe it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "subject.h"
#include "vocabulary.h"

const Part chatmig_subject_shape_parts[][2] = {
	{PART_QUESTION, PART_ANSWER},
	{PART_ROLE, PART_CONTENT},
	{PART_TRANSCRIPT, PART_TRANSCRIPT}};

#define MIN_LONG_TEXT 500 /* characters */

static void load_columns(Subject *subject);
static int type_holds(Oid type);
static void load_foreign_keys(Subject *subject);
static void find_key(Subject *subject);
static void use_key(Subject *subject, Form_pg_index index);
static bool is_usable_key(Relation rel, Form_pg_index index);

void
chatmig_subject_load(Subject *subject, Relation rel)
{
	memset(subject, 0, sizeof(Subject));
	subject->rel = rel;
	subject->normal =
		chatmig_vocabulary_normalise(RelationGetRelationName(rel));
	subject->found = palloc0(sizeof(Detection));
	load_columns(subject);
	load_foreign_keys(subject);
	find_key(subject);
}

void
chatmig_subject_note(Subject *subject, const char *format, ...)
{
	StringInfoData note;

	initStringInfo(&note);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&note, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&note, needed);
	}
	subject->found->notes = lappend(subject->found->notes, note.data);
}

char *
chatmig_subject_join(List *names)
{
	StringInfoData joined;

	initStringInfo(&joined);
	for (int i = 0; i < list_length(names); i++)
	{
		if (i > 0)
			appendStringInfoString(&joined,
								   i == list_length(names) - 1 ? " or " : ", ");
		appendStringInfo(&joined, "\"%s\"", (char *) list_nth(names, i));
	}
	return joined.data;
}

static void
load_columns(Subject *subject)
{
	TupleDesc desc = RelationGetDescr(subject->rel);

	subject->columns = palloc0(sizeof(Candidate) * Max(desc->natts, 1));
	subject->ncolumns = desc->natts;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Candidate *column = &subject->columns[i];

		column->name = pstrdup(NameStr(attribute->attname));
		column->normal = chatmig_vocabulary_normalise(column->name);
		if (attribute->attisdropped)
			column->used = true;
		else
			column->holds = type_holds(attribute->atttypid);
		column->is_long =
			attribute->atttypmod < 0 || attribute->atttypmod >= MIN_LONG_TEXT;
	}
}

/* Domains are what they are made of; citext is a string to the server. */
static int
type_holds(Oid type)
{
	char category;
	bool preferred;

	type = getBaseType(type);
	switch (type)
	{
		case JSONOID:
		case JSONBOID:
			return HOLDS_JSON;
		case BOOLOID:
			return HOLDS_BOOL;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return HOLDS_INT;
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return HOLDS_NUMBER;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case DATEOID:
			return HOLDS_TIME;
		case UUIDOID:
			return HOLDS_UUID;
		default:
			get_type_category_preferred(type, &category, &preferred);
			if (category == TYPCATEGORY_STRING)
				return HOLDS_TEXT;
			return category == TYPCATEGORY_ENUM ? HOLDS_ENUM : HOLDS_OTHER;
	}
}

static void
load_foreign_keys(Subject *subject)
{
	List *keys = RelationGetFKeyList(subject->rel);
	ListCell *lc;

	foreach(lc, keys)
	{
		ForeignKeyCacheInfo *key = lfirst(lc);
		char *table = get_rel_name(key->confrelid);

		for (int i = 0; i < key->nkeys; i++)
		{
			Candidate *column = &subject->columns[key->conkey[i] - 1];

			column->has_foreign_key = true;
			if (key->nkeys != 1 || table == NULL)
				continue;
			column->referenced_name = table;
			column->referenced = chatmig_vocabulary_normalise(table);
		}
	}
}

/*
 * The primary key; failing that, the unique index with the fewest columns,
 * none of which may be NULL. Indexes are read from the catalog, not opened:
 * REINDEX locks them, and detection must not wait for it.
 */
static void
find_key(Subject *subject)
{
	List *indexes = RelationGetIndexList(subject->rel);
	int best = MAX_KEYS + 1;
	ListCell *lc;

	foreach(lc, indexes)
	{
		HeapTuple tuple =
			SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (is_usable_key(subject->rel, index) &&
			(index->indisprimary || index->indnkeyatts < best))
		{
			best = index->indisprimary ? 0 : index->indnkeyatts;
			use_key(subject, index);
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	subject->nkeys = list_length(subject->found->key);
}

static void
use_key(Subject *subject, Form_pg_index index)
{
	subject->found->key = NIL;
	for (int i = 0; i < subject->ncolumns; i++)
		subject->columns[i].in_key = false;
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		int attnum = index->indkey.values[i];
		Candidate *column = &subject->columns[attnum - 1];

		column->in_key = true;
		subject->found->key =
			lappend(subject->found->key, pstrdup(column->name));
	}
}

static bool
is_usable_key(Relation rel, Form_pg_index index)
{
	HeapTuple tuple;
	bool is_partial;

	if (!index->indisunique || !index->indisvalid || !index->indislive ||
		index->indnkeyatts > MAX_KEYS)
		return false;
	if (index->indisprimary)
		return true;
	if (!index->indimmediate)
		return false;
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		int attnum = index->indkey.values[i];

		if (attnum <= 0 ||
			!TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull)
			return false;
	}
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index->indexrelid));
	if (!HeapTupleIsValid(tuple))
		return false;
	is_partial = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return !is_partial;
}
