/*
 * json.c
 *	  Text that may or may not be JSON.
 *
 * In: a text. Out: nothing, or a sentence that says why jsonb cannot hold it.
 * The server's own functions raise an error for the first such text, and a
 * migration must know of all of them. Its parser is used, but what would raise
 * an error in there, or behind it, is looked for here: nesting that exhausts
 * the stack; numbers beyond numeric; \u0000, half of a surrogate pair, and
 * characters that the database's encoding does not have; sizes beyond those of
 * jsonb. Where it is not worth to be exact, the limits here are narrower. And
 * a number such as 1e131071 is short, but a text of 131072 digits, as which
 * the server writes it: of these, no more than it can hold.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/jsonapi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "compat.h"
#include "json.h"

#define MAX_DEPTH 500

#define MAX_SENTENCE_BYTES 200

/* Of numeric: digits before and behind the point. */
#define MAX_WHOLE_DIGITS 131072
#define MAX_FRACTION_DIGITS 16383

/* Members of one array or object: the server doubles an array of them. */
#define MAX_MEMBERS ((int) (MaxAllocSize / sizeof(JsonbPair) / 2))

/* Of a number in jsonb, beside its digits: its entry, headers, padding. */
#define NUMBER_BYTES 16

/* Of all numbers, as the server writes them; a text ends at four times this. */
#define MAX_NUMBERS_TEXT ((int64) 256 * 1024 * 1024)

/* The shortest jsonb whose numbers could be that long: each takes 8 bytes. */
#define MIN_LONG_JSONB                                                         \
	(MAX_NUMBERS_TEXT / (MAX_WHOLE_DIGITS + MAX_FRACTION_DIGITS) * 8)

/* What the text comes to, while it is parsed. */
typedef struct Measure
{
	const char *fault; /* NULL: none so far */
	int64 bytes;       /* in jsonb, at most */
	int64 numbers;     /* bytes of numbers as text, at most */
	int depth;
	int members[MAX_DEPTH + 1]; /* of the containers that are open */
} Measure;

static char *clipped(const char *sentence);
static char *find_depth(const char *json, int length);
static char *find_escape(const char *json, int length);
static int read_hex(const char *at, const char *end);
static bool has_character(int codepoint);
static JsonActionResult begin_container(void *state);
static JsonActionResult end_container(void *state);
static JsonActionResult see_field(void *state, char *name, bool isnull);
static JsonActionResult see_element(void *state, bool isnull);
static JsonActionResult see_scalar(void *state, char *token,
								   JsonTokenType type);
static void count_member(Measure *measure, int bytes);
static bool measure_number(const char *token, int64 *bytes);
static char *numbers_fault(void);

PG_FUNCTION_INFO_V1(chatmig_json_fault);

/* (text) -> text */
Datum
chatmig_json_fault(PG_FUNCTION_ARGS)
{
	text *json = PG_GETARG_TEXT_PP(0);
	char *fault =
		chatmig_json_fault_of(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));

	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

char *
chatmig_json_fault_of(const char *json, int length)
{
	Measure measure = {.bytes = length};
	JsonSemAction actions = {.semstate = &measure,
							 .object_start = begin_container,
							 .object_end = end_container,
							 .array_start = begin_container,
							 .array_end = end_container,
							 .object_field_start = see_field,
							 .array_element_start = see_element,
							 .scalar = see_scalar};
	JsonLexContext *lex;
	JsonParseErrorType error;
	char *fault = find_depth(json, length);

	if (fault != NULL)
		return fault;
	lex = makeJsonLexContextCstringLen(NULL, unconstify(char *, json), length,
									   GetDatabaseEncoding(), false);
	error = pg_parse_json(lex, &actions);
	if (error != JSON_SUCCESS)
		return clipped(json_errdetail(error, lex));
	pfree(lex);
	if (measure.fault != NULL)
		return pstrdup(measure.fault);
	/* lengths and offsets have 28 bits */
	if (measure.bytes > JENTRY_OFFLENMASK)
		return psprintf("It may be longer than the %d bytes that jsonb holds.",
						JENTRY_OFFLENMASK);
	if (measure.numbers > MAX_NUMBERS_TEXT)
		return numbers_fault();
	return find_escape(json, length);
}

char *
chatmig_json_fault_of_jsonb(const Jsonb *json)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue value;
	int64 bytes = 0;

	if (VARSIZE(json) < MIN_LONG_JSONB)
		return NULL;
	iterator = JsonbIteratorInit(&unconstify(Jsonb *, json)->root);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		char *number;

		CHECK_FOR_INTERRUPTS();
		if ((token != WJB_ELEM && token != WJB_VALUE) ||
			value.type != jbvNumeric)
			continue;
		number = DatumGetCString(DirectFunctionCall1(
			numeric_out, NumericGetDatum(value.val.numeric)));
		bytes += strlen(number);
		pfree(number);
		if (bytes > MAX_NUMBERS_TEXT)
			return numbers_fault();
	}
	return NULL;
}

/* It quotes what it does not understand, and that may be all. */
static char *
clipped(const char *sentence)
{
	int length = strlen(sentence);
	int shown = pg_mbcliplen(sentence, length, MAX_SENTENCE_BYTES);

	return shown == length ? pstrdup(sentence)
						   : psprintf("%s...", pnstrdup(sentence, shown));
}

/* Brackets within strings are none. The parser would need as much stack. */
static char *
find_depth(const char *json, int length)
{
	bool in_string = false;
	int depth = 0;

	for (int i = 0; i < length; i++)
	{
		if (json[i] == '"')
			in_string = !in_string;
		else if (json[i] == '\\' && in_string)
			i++;
		else if (in_string)
			continue;
		else if (json[i] == '}' || json[i] == ']')
			depth--;
		else if ((json[i] == '{' || json[i] == '[') && ++depth > MAX_DEPTH)
			return psprintf("It is nested more than %d levels deep.",
							MAX_DEPTH);
	}
	return NULL;
}

/* Of a text that is JSON, so that backslashes stand in strings alone. */
static char *
find_escape(const char *json, int length)
{
	const char *end = json + length;
	const char *at = json;

	while ((at = memchr(at, '\\', end - at)) != NULL)
	{
		int code;
		int second;

		if (at[1] != 'u')
		{
			at += 2;
			continue;
		}
		code = read_hex(at, end);
		if (code == 0)
			return pstrdup("It holds \\u0000, which text cannot hold.");
		at += 6;
		if (code >= 0xD800 && code <= 0xDFFF)
		{
			second = read_hex(at, end);
			if (code > 0xDBFF || second < 0xDC00 || second > 0xDFFF)
				return psprintf("It holds \\u%04x, half of a character.", code);
			code = 0x10000 + ((code & 0x3FF) << 10) + (second & 0x3FF);
			at += 6;
		}
		if (!has_character(code))
			return psprintf("It holds the character U+%04X, which the encoding "
							"of the database does not have.",
							code);
	}
	return NULL;
}

/* The number behind \u; -1 where there is none. */
static int
read_hex(const char *at, const char *end)
{
	char digits[5];

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	memcpy(digits, at + 2, 4);
	digits[4] = '\0';
	return strtol(digits, NULL, 16);
}

static bool
has_character(int codepoint)
{
	int encoding = GetDatabaseEncoding();
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1];
	unsigned char converted[MAX_MULTIBYTE_CHAR_LEN * 4 + 1];
	Oid conversion;
	int length;

	if (encoding == PG_UTF8 || codepoint < 0x80)
		return true;
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return false;
	unicode_to_utf8(codepoint, utf8);
	length = pg_utf_mblen(utf8);
	return pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, utf8,
										 length, converted, sizeof(converted),
										 true) == length;
}

static JsonActionResult
begin_container(void *state)
{
	Measure *measure = state;

	measure->bytes += sizeof(JEntry) * 2;
	measure->members[measure->depth++] = 0;
	JSON_ACTION_DONE;
}

static JsonActionResult
end_container(void *state)
{
	((Measure *) state)->depth--;
	JSON_ACTION_DONE;
}

/* The name's own bytes are among the text's. */
static JsonActionResult
see_field(void *state, char *name, bool isnull)
{
	count_member(state, sizeof(JEntry) * 2);
	JSON_ACTION_DONE;
}

static JsonActionResult
see_element(void *state, bool isnull)
{
	count_member(state, sizeof(JEntry));
	JSON_ACTION_DONE;
}

static JsonActionResult
see_scalar(void *state, char *token, JsonTokenType type)
{
	Measure *measure = state;

	if (type == JSON_TOKEN_NUMBER)
	{
		measure->bytes += NUMBER_BYTES;
		if (!measure_number(token, &measure->numbers) && measure->fault == NULL)
			measure->fault = "It holds a number beyond the range of numeric.";
	}
	if (token != NULL)
		pfree(token);
	JSON_ACTION_DONE;
}

static void
count_member(Measure *measure, int bytes)
{
	measure->bytes += bytes;
	if (++measure->members[measure->depth - 1] > MAX_MEMBERS)
		measure->fault = "It holds an array or an object with more members "
						 "than the server can read.";
}

/*
 * A JSON number: digits, perhaps a fraction, perhaps an exponent. False: it is
 * out of range. Adds what it takes without an exponent.
 */
static bool
measure_number(const char *token, int64 *bytes)
{
	int64 whole = 0;
	int64 fraction = 0;
	int64 exponent = 0;

	if (*token == '-')
		token++;
	whole = strspn(token, "0123456789");
	token += whole;
	if (*token == '.')
	{
		fraction = strspn(token + 1, "0123456789");
		token += 1 + fraction;
	}
	if (*token == 'e' || *token == 'E')
	{
		/* more digits than these are out of range, whatever they are */
		if (strspn(token + 1, "+-0123456789") > 9)
			return false;
		exponent = strtol(token + 1, NULL, 10);
	}
	/* a sign, a point, and a digit before it */
	*bytes += Max(whole + exponent, 1) + Max(fraction - exponent, 0) + 2;
	return whole + exponent <= MAX_WHOLE_DIGITS &&
		   fraction - exponent <= MAX_FRACTION_DIGITS;
}

static char *
numbers_fault(void)
{
	return psprintf("Its numbers, written without exponents, are longer than "
					"%lld bytes.",
					(long long) MAX_NUMBERS_TEXT);
}
