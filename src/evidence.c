/*
 * evidence.c
 *	  What a few rows say about columns whose names do not decide.
 *
 * In: a subject, as the catalogs describe it. Out: for some of its columns,
 * whether they spell roles, hold JSON with messages, or count in which unit.
 * Where the names say enough, no row is read; and a row is only evidence:
 * suit.c and confidence.c say what it is worth.
 *
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
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "epoch.h"
#include "evidence.h"
#include "role.h"
#include "sample.h"
#include "suit.h"
#include "transcript_path.h"
#include "vocabulary.h"

#define MAX_ROLE_LENGTH 32          /* bytes; what is longer is no role */
#define MAX_ROLES 3                 /* unknown ones; more are names */
#define MAX_JSON (1024 * 1024)      /* bytes; larger values are passed over */
#define MAX_JSON_TOTAL (128 * 1024) /* ... of a column, but for the first */
#define ENOUGH_MESSAGES 5           /* rows with them: no more are parsed */
#define ENOUGH_OTHERS 10            /* rows without any: likewise */

/* A column that is asked, and what its rows have said so far. */
typedef struct Witness
{
	Candidate *column;
	int attnum;
	Oid type; /* base type */
	bool asked_role;
	bool asked_messages;
	bool asked_epoch;
	bool is_text;  /* for the server, and can be read as such */
	int nspelled;  /* rows with a value */
	List *spelled; /* of char *: distinct */
	int nlong;     /* values too long for a role */
	List *paths;   /* of PathCount * */
	Size parsed;   /* bytes of JSON */
	int nparsed;   /* rows that hold JSON or other text */
	int nmessages; /* ... with messages */
} Witness;

typedef struct PathCount
{
	char *path;
	int n;
} PathCount;

typedef struct Hearing
{
	int n;
	Witness *witnesses;
	MemoryContext context; /* of what is kept */
} Hearing;

/*
 * Spellings that say who speaks only where both stand in one column, and
 * nothing else does.
 */
static const struct
{
	const char *user;
	const char *assistant;
} opposites[] = {
	{"inbound", "outbound"},
	{"incoming", "outgoing"},
	{"in", "out"},
	{"received", "sent"},
	{"question", "answer"},
	{"prompt", "response"},
	{"prompt", "completion"},
	{"input", "output"},
	{"query", "response"},
	{"q", "a"},
	{"u", "a"},
	{"u", "b"},
};

static bool call_witnesses(Subject *subject, const Shape *forced_shape,
						   Hearing *hearing);
static bool may_hold_messages(const Subject *subject, const Candidate *column);
static bool may_spell_roles(const Subject *subject, const Candidate *column,
							bool names_decide);
static bool is_known_otherwise(const Candidate *column);
static bool is_text(Oid type);
static bool look_at_row(TupleTableSlot *slot, void *state);
static void hear_role(Witness *witness, const char *value);
static void hear_json(Hearing *hearing, Witness *witness, Datum value);
static Jsonb *parse_json(Datum value);
static bool names_speaker(const char *json);
static void hear_messages(Witness *witness, char *path);
static void hear_number(Witness *witness, Datum value);
static char *get_text(const Witness *witness, Datum value);
static void list_labels(Witness *witness);
static int compare_strings(const ListCell *a, const ListCell *b);
static void judge_roles(Witness *witness);
static bool judge_opposites(Witness *witness);
static const char *find_spelling(List *spelled, const char *spelling);
static void add_spelling(Candidate *column, const char *spelling, Role role);
static void judge_messages(Witness *witness);

void
chatmig_evidence_gather(Subject *subject, const Shape *forced_shape)
{
	Hearing hearing = {.context = CurrentMemoryContext};
	char *error = NULL;

	hearing.witnesses = palloc0(sizeof(Witness) * Max(subject->ncolumns, 1));
	if (call_witnesses(subject, forced_shape, &hearing))
		error = chatmig_sample_rows(subject->rel, look_at_row, &hearing);
	if (error != NULL)
		chatmig_subject_note(subject, "some rows could not be looked at: %s",
							 error);
	for (int i = 0; i < hearing.n; i++)
	{
		Witness *witness = &hearing.witnesses[i];

		if (witness->asked_role)
			judge_roles(witness);
		if (witness->asked_messages)
			judge_messages(witness);
	}
}

/* Decides which columns to ask for what; false if no row is needed. */
static bool
call_witnesses(Subject *subject, const Shape *forced_shape, Hearing *hearing)
{
	bool is_pair = chatmig_suit_is_firm(subject, SHAPE_PAIR);
	bool is_flat = chatmig_suit_is_firm(subject, SHAPE_FLAT);
	int role = chatmig_suit_best(subject, SHAPE_FLAT, PART_ROLE);
	bool ask_messages = forced_shape != NULL ? *forced_shape == SHAPE_TRANSCRIPT
											 : !is_pair && !is_flat;
	bool ask_roles =
		forced_shape != NULL
			? *forced_shape == SHAPE_FLAT
			: !is_pair && chatmig_suit_best(subject, SHAPE_FLAT,
											PART_CONTENT) != TIER_NONE;
	bool needs_rows = false;
	bool has_time = false;

	for (int i = 0; i < subject->ncolumns; i++)
	{
		Candidate *column = &subject->columns[i];
		Witness *witness = &hearing->witnesses[hearing->n];

		if (column->used)
			continue;
		witness->column = column;
		witness->attnum = i + 1;
		witness->type = getBaseType(
			TupleDescAttr(RelationGetDescr(subject->rel), i)->atttypid);
		witness->is_text =
			(column->holds & HOLDS_TEXT) && is_text(witness->type);
		witness->asked_messages =
			ask_messages &&
			(witness->is_text || (column->holds & HOLDS_JSON)) &&
			may_hold_messages(subject, column);
		witness->asked_role =
			ask_roles &&
			may_spell_roles(subject, column,
							role == TIER_CHAT || role == TIER_PLAIN);
		witness->asked_epoch = (column->holds & (HOLDS_INT | HOLDS_NUMBER)) &&
							   chatmig_suit_tier(subject, column, SHAPE_FLAT,
												 PART_TIME) != TIER_NONE;
		if (!witness->asked_messages && !witness->asked_role &&
			!witness->asked_epoch)
			continue;
		hearing->n++;
		if (witness->asked_role && (column->holds & HOLDS_ENUM))
			list_labels(witness);
		else if (witness->asked_messages || witness->asked_role)
			needs_rows = true;
		has_time |= witness->asked_epoch;
	}
	/* a time alone makes no chat */
	return needs_rows ||
		   (has_time && (forced_shape != NULL ||
						 chatmig_suit_has_both(subject, SHAPE_PAIR) ||
						 chatmig_suit_has_both(subject, SHAPE_FLAT)));
}

/*
 * Any JSON may. Text is asked only if its name or the table's says so: nearly
 * all tables have a column of text.
 */
static bool
may_hold_messages(const Subject *subject, const Candidate *column)
{
	if (column->in_key || column->has_foreign_key)
		return false;
	if (column->holds & HOLDS_JSON)
		return true;
	return (column->holds & HOLDS_TEXT) && column->is_long &&
		   (chatmig_vocabulary_is_transcript(column->normal, column->holds) ||
			chatmig_vocabulary_may_be_json(column->normal) ||
			chatmig_vocabulary_judge_table(subject->normal) == TABLE_NAME_CHAT);
}

/*
 * Words may, if their name is one of a role; or any others, if there is no
 * good name of a role, and if theirs is not known for something else.
 */
static bool
may_spell_roles(const Subject *subject, const Candidate *column,
				bool names_decide)
{
	if (!(column->holds & (HOLDS_TEXT | HOLDS_ENUM)) || column->in_key ||
		column->has_foreign_key)
		return false;
	if (chatmig_suit_tier(subject, column, SHAPE_FLAT, PART_ROLE) != TIER_NONE)
		return true;
	return !names_decide && !is_known_otherwise(column);
}

static bool
is_known_otherwise(const Candidate *column)
{
	for (Part part = 0; part < NUM_PARTS; part++)
		if (part != PART_ROLE &&
			chatmig_vocabulary_tier(part,
									part == PART_QUESTION || part == PART_ANSWER
										? SHAPE_PAIR
										: SHAPE_FLAT,
									column->normal, column->holds) != TIER_NONE)
			return true;
	return false;
}

/* citext and the like are text to the server; "name" is not. */
static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID ||
		   IsBinaryCoercible(type, TEXTOID);
}

static bool
look_at_row(TupleTableSlot *slot, void *state)
{
	Hearing *hearing = state;

	for (int i = 0; i < hearing->n; i++)
	{
		Witness *witness = &hearing->witnesses[i];
		bool isnull;
		Datum value = slot_getattr(slot, witness->attnum, &isnull);
		MemoryContext row;

		if (isnull)
			continue;
		if (witness->asked_messages)
			hear_json(hearing, witness, value);
		row = MemoryContextSwitchTo(hearing->context);
		if (witness->asked_role && witness->is_text)
			hear_role(witness, get_text(witness, value));
		if (witness->asked_epoch)
			hear_number(witness, value);
		MemoryContextSwitchTo(row);
	}
	return true;
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

static void
hear_json(Hearing *hearing, Witness *witness, Datum value)
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
	row = MemoryContextSwitchTo(hearing->context);
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
	lex = makeJsonLexContextCstringLen(start, strlen(start),
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

/* All that an enum can say, without a row. */
static void
list_labels(Witness *witness)
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

static int
compare_strings(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static void
judge_roles(Witness *witness)
{
	Candidate *column = witness->column;
	bool has_user = false;
	bool has_assistant = false;
	ListCell *lc;

	if (witness->nspelled == 0 && witness->nlong == 0)
		return;
	list_sort(witness->spelled, compare_strings);
	foreach(lc, witness->spelled)
	{
		Role role;

		if (!chatmig_role_find(NULL, 0, lfirst(lc), &role))
			column->unknown = lappend(column->unknown, lfirst(lc));
		else
		{
			has_user |= role == ROLE_USER;
			has_assistant |= role == ROLE_ASSISTANT;
		}
	}
	if (witness->nlong > 0 || list_length(column->unknown) > MAX_ROLES)
		column->role = ROWS_DENY;
	else if (has_user && has_assistant && column->unknown == NIL)
		column->role = ROWS_CONFIRM;
	else if (has_user || has_assistant)
		column->role = ROWS_HINT;
	else if (judge_opposites(witness))
		column->role = ROWS_CONFIRM;
	else if (witness->nspelled <= MAX_ROLES ||
			 witness->nspelled >= 2 * list_length(witness->spelled))
		column->role = ROWS_DOUBT;
	else
		column->role = ROWS_DENY;
}

/* Nothing is known, but these two are one another's opposite. */
static bool
judge_opposites(Witness *witness)
{
	if (list_length(witness->spelled) != 2)
		return false;
	for (int i = 0; i < lengthof(opposites); i++)
	{
		const char *user = find_spelling(witness->spelled, opposites[i].user);
		const char *assistant =
			find_spelling(witness->spelled, opposites[i].assistant);

		if (user == NULL || assistant == NULL)
			continue;
		add_spelling(witness->column, user, ROLE_USER);
		add_spelling(witness->column, assistant, ROLE_ASSISTANT);
		witness->column->unknown = NIL;
		return true;
	}
	return false;
}

/* As it is written in the list; in any case. */
static const char *
find_spelling(List *spelled, const char *spelling)
{
	ListCell *lc;

	foreach(lc, spelled)
		if (pg_strcasecmp(lfirst(lc), spelling) == 0)
			return lfirst(lc);
	return NULL;
}

static void
add_spelling(Candidate *column, const char *spelling, Role role)
{
	RoleSpelling *added = palloc(sizeof(RoleSpelling));

	added->spelling = pstrdup(spelling);
	added->role = role;
	column->spellings = lappend(column->spellings, added);
}

/*
 * A third of the rows that hold anything must hold messages: an envelope may
 * be without. One message in a row could also be an event, so half of them.
 */
static void
judge_messages(Witness *witness)
{
	Candidate *column = witness->column;
	PathCount *best = NULL;
	ListCell *lc;

	if (witness->nparsed == 0)
		return;
	foreach(lc, witness->paths)
	{
		PathCount *count = lfirst(lc);

		if (best == NULL || count->n > best->n)
			best = count;
	}
	column->nrows = witness->nparsed;
	column->messages = ROWS_DENY;
	if (best == NULL ||
		best->n * (strcmp(best->path, "$") == 0 ? 2 : 3) < witness->nparsed)
		return;
	column->messages = ROWS_CONFIRM;
	column->path = best->path;
	column->nmessages = best->n;
}
