/*
 * title.c
 *	  Titles and descriptions of conversations, from templates.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "title.h"

#define MAX_TITLE_CHARACTERS 80

/* In which the first line is looked for: room for blanks before it. */
#define BEGINNING_BYTES 1024

static void append_value(StringInfo title, const Column *column, Value value);
static void append_first_line(StringInfo title, Value message);

Value
chatmig_title_fill(const Mapping *mapping, const char *template,
				   const GroupKey *group, Value first_message)
{
	Value result = {.isnull = true};
	StringInfoData title;

	if (template == NULL)
		return result;
	initStringInfo(&title);
	for (const char *p = template; *p != '\0'; p++)
	{
		if (*p != '{')
		{
			appendStringInfoChar(&title, *p);
			continue;
		}
		if (strncmp(p, "{owner}", 7) == 0)
			append_value(&title, &mapping->parts[PART_OWNER], group->owner);
		else if (strncmp(p, "{counterpart}", 13) == 0)
			append_value(&title, &mapping->parts[PART_COUNTERPART],
						 group->counterpart);
		else if (strncmp(p, "{session}", 9) == 0)
			append_value(&title, &mapping->parts[PART_SESSION], group->session);
		else
			append_first_line(&title, first_message);
		p = strchr(p, '}'); /* options.c has checked that there is one */
	}
	if (title.len > 0)
	{
		result.datum = CStringGetTextDatum(title.data);
		result.isnull = false;
	}
	pfree(title.data);
	return result;
}

void
chatmig_title_clip(Value *title, const Column *column)
{
	int limit = column->typmod - VARHDRSZ;
	char *whole;
	int kept;

	if (title->isnull || column->name == NULL || column->typmod < 0)
		return;
	whole = TextDatumGetCString(title->datum);
	if (pg_mbstrlen(whole) <= limit)
		return;
	kept = pg_mbcharcliplen(whole, strlen(whole), Max(limit - 3, 0));
	if (limit < 3)
		kept = pg_mbcharcliplen(whole, strlen(whole), limit);
	title->datum = CStringGetTextDatum(
		psprintf("%.*s%s", kept, whole, limit < 3 ? "" : "..."));
}

static void
append_value(StringInfo title, const Column *column, Value value)
{
	Oid output;
	bool is_varlena;

	if (value.isnull || column->name == NULL)
		return;
	getTypeOutputInfo(column->type, &output, &is_varlena);
	appendStringInfoString(title, OidOutputFunctionCall(output, value.datum));
}

/*
 * Of a long message only the beginning is fetched: it may end within a
 * character, and what it ends with need not be the end of the line.
 */
static void
append_first_line(StringInfo title, Value message)
{
	text *beginning;
	char *line;
	int length;
	int clipped;
	bool goes_on;

	if (message.isnull)
		return;
	beginning = DatumGetTextPSlice(message.datum, 0, BEGINNING_BYTES);
	line = VARDATA_ANY(beginning);
	length = VARSIZE_ANY_EXHDR(beginning);
	goes_on = toast_raw_datum_size(message.datum) - VARHDRSZ > length;
	length = pg_mbcliplen(line, length, length);
	while (length > 0 && scanner_isspace(*line))
	{
		line++;
		length--;
	}
	for (int i = 0; i < length; i++)
	{
		if (line[i] == '\n' || line[i] == '\r')
		{
			length = i;
			goes_on = false;
		}
	}
	while (length > 0 && scanner_isspace(line[length - 1]))
		length--;
	clipped = pg_mbcharcliplen(line, length, MAX_TITLE_CHARACTERS);
	appendBinaryStringInfo(title, line, clipped);
	if (clipped < length || (goes_on && length > 0))
		appendStringInfoString(title, "...");
}
