/*
 * witness.c
 *	  A column that is asked, and what its values have said so far.
 *
 * In: values of one column, one after the other. Out: counts of what they are.
 * Values are looked at here, never by a function of their type that somebody
 * could have replaced; large ones are passed over.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"

#include "compat.h"
#include "epoch.h"
#include "transcript_path.h"
#include "witness.h"

#define MAX_ROLE_LENGTH 32          /* bytes; what is longer is no role */
#define MAX_JSON (1024 * 1024)      /* bytes; larger values are passed over */
#define MAX_JSON_TOTAL (128 * 1024) /* ... of a column, but for the first */
#define ENOUGH_MESSAGES 5           /* values with them: no more are parsed */
#define ENOUGH_OTHERS 10            /* values without any: likewise */

static void hear_role(Witness *witness, const char *value);
static char *get_text(const Witness *witness, Datum value);
static void hear_json(Witness *witness, Datum value, MemoryContext keep);
static Jsonb *parse_json(Datum value);
static bool names_speaker(const char *json);
static void hear_messages(Witness *witness, char *path);
static void hear_number(Witness *witness, Datum value);

void
chatmig_witness_hear(Witness *witness, Datum value, MemoryContext keep)
{
	MemoryContext caller = MemoryContextSwitchTo(keep);

	if (witness->asked_role && witness->is_text)
		hear_role(witness, get_text(witness, value));
	if (witness->asked_epoch)
		hear_number(witness, value);
	MemoryContextSwitchTo(caller);
	if (witness->asked_messages)
		hear_json(witness, value, keep);
}

void
chatmig_witness_hear_labels(Witness *witness)
{
	CatCList *labels =
		SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(witness->type));

	for (int i = 0; i < labels->n_members; i++)
	{
		Form_pg_enum label =
			(Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple);

		witness->spelled =
			lappend(witness->spelled, pstrdup(NameStr(label->enumlabel)));
	}
	ReleaseSysCacheList(labels);
	witness->nspelled = list_length(witness->spelled);
}

/* NULL: too long for a role. An empty one says nothing. */
static void
hear_role(Witness *witness, const char *value)
{
	if (value == NULL)
		witness->nlong++;
	else if (value[0] != '\0')
	{
		ListCell *lc;

		witness->nspelled++;
		foreach(lc, witness->spelled)
			if (strcmp(lfirst(lc), value) == 0)
				return;
		witness->spelled = lappend(witness->spelled, unconstify(char *, value));
	}
}

/* A short text without blanks around it; NULL for a long one. */
static char *
get_text(const Witness *witness, Datum value)
{
	char *result;
	int length;

	if (toast_raw_datum_size(value) > MAX_ROLE_LENGTH * 4 + VARHDRSZ)
		return NULL;
	result = TextDatumGetCString(value);
	length = strlen(result);
	while (witness->type == BPCHAROID && length > 0 &&
		   result[length - 1] == ' ')
		result[--length] = '\0';
	return length > MAX_ROLE_LENGTH ? NULL : result;
}

static void
hear_json(Witness *witness, Datum value, MemoryContext keep)
{
	Size size = toast_raw_datum_size(value);
	Jsonb *jsonb = NULL;
	MemoryContext row;
	char *path;

	if (witness->nmessages >= ENOUGH_MESSAGES ||
		(witness->nmessages == 0 && witness->nparsed >= ENOUGH_OTHERS) ||
		size > MAX_JSON ||
		(witness->parsed > 0 && witness->parsed + size > MAX_JSON_TOTAL))
		return;
	witness->parsed += size;
	if (witness->type == JSONBOID)
		jsonb = DatumGetJsonbP(value);
	else
		jsonb = parse_json(value);
	/* an empty array will be one of messages, or not */
	if (jsonb != NULL && JB_ROOT_COUNT(jsonb) == 0)
		return;
	witness->nparsed++;
	path = jsonb == NULL ? NULL : chatmig_transcript_path(jsonb);
	if (path == NULL)
		return;
	row = MemoryContextSwitchTo(keep);
	hear_messages(witness, path);
	MemoryContextSwitchTo(row);
}

/*
 * NULL for what is no JSON, and for what cannot hold messages: parsing takes
 * longest, and most JSON names nobody who could speak.
 */
static Jsonb *
parse_json(Datum value)
{
	char *string = text_to_cstring(DatumGetTextPP(value));
	char *start = string + strspn(string, " \t\r\n");
	JsonLexContext *lex;

	if (start[0] == '\0' || strcmp(start, "[]") == 0 ||
		strcmp(start, "{}") == 0)
		start = "[]";
	else if ((start[0] != '{' && start[0] != '[') || !names_speaker(start))
		return NULL;
	/* jsonb_in() would raise an error */
	lex = makeJsonLexContextCstringLen(NULL, start, strlen(start),
									   GetDatabaseEncoding(), true);
	if (pg_parse_json(lex, &nullSemAction) != JSON_SUCCESS)
		return NULL;
	return DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(start)));
}

/*
 * True if the JSON has a member such as "role": "user". Strings are compared
 * as they are written: nobody escapes letters.
 */
static bool
names_speaker(const char *json)
{
	bool after_key = false;
	const char *start;
	const char *end;

	for (start = strchr(json, '"'); start != NULL; start = strchr(end + 1, '"'))
	{
		char string[MAX_ROLE_LENGTH + 1];
		size_t length;

		for (end = ++start; *end != '"' && *end != '\0'; end++)
			if (*end == '\\' && end[1] != '\0')
				end++;
		if (*end == '\0')
			return false;
		length = Min(end - start, MAX_ROLE_LENGTH);
		memcpy(string, start, length);
		string[length] = '\0';
		if (after_key && chatmig_transcript_is_speaker(string))
			return true;
		after_key = end[1 + strspn(end + 1, " \t\r\n")] == ':' &&
					chatmig_transcript_is_role_key(string);
	}
	return false;
}

static void
hear_messages(Witness *witness, char *path)
{
	PathCount *count;
	ListCell *lc;

	witness->nmessages++;
	foreach(lc, witness->paths)
	{
		count = lfirst(lc);
		if (strcmp(count->path, path) == 0)
		{
			count->n++;
			return;
		}
	}
	count = palloc(sizeof(PathCount));
	count->path = pstrdup(path);
	count->n = 1;
	witness->paths = lappend(witness->paths, count);
}

/* 0 tells nothing. */
static void
hear_number(Witness *witness, Datum value)
{
	Candidate *column = witness->column;
	const char *unit;
	double number;

	switch (witness->type)
	{
		case INT2OID:
			number = DatumGetInt16(value);
			break;
		case INT4OID:
			number = DatumGetInt32(value);
			break;
		case INT8OID:
			number = DatumGetInt64(value);
			break;
		case FLOAT4OID:
			number = DatumGetFloat4(value);
			break;
		case FLOAT8OID:
			number = DatumGetFloat8(value);
			break;
		default:
			number = DatumGetFloat8(
				DirectFunctionCall1(numeric_float8_no_overflow, value));
	}
	if (number == 0 || isnan(number) || isinf(number))
		return;
	unit = chatmig_epoch_unit_of(fabs(number));
	if (column->epoch == NULL)
		column->epoch = unit;
	else if (column->epoch != unit)
		column->epoch_too = unit;
}
