/*
 * fuzz.c
 *	  libFuzzer, in a backend, for the parts of chatmig that read what users and
 *	  their applications have written.
 *
 * chatmig_fuzz(target, argument, ...) hands the arguments to libFuzzer, which
 * ends the backend when it is done. Each input goes to one of the targets:
 *
 *	  split		a byte of flags, then a text that may be JSON: json.c,
 *				transcript_path.c, split_transcript.c, element.c, role.c
 *	  time		a byte that chooses a zone, then a text; or eight bytes that are
 *				a number: times.c
 *	  mapping	a text that may be an object with "mapping", "target" and
 *				"options": mapping.c, part_type.c, media_keys.c, destination.c,
 *				options.c, arguments.c
 *
 * The server's own code is that of a real backend, so jsonb, numbers and errors
 * are what they are in use. All that an input needs is in a context of exact.c,
 * which is emptied behind it. What must hold is in the target's function; where
 * it does not, fail() aborts, and libFuzzer keeps the input.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "destination.h"
#include "exact.h"
#include "json.h"
#include "mapping.h"
#include "options.h"
#include "split_transcript.h"
#include "times.h"
#include "transcript_path.h"

extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
							   int (*callback)(const uint8_t *data,
											   size_t size));
extern Datum chatmig_fuzz(PG_FUNCTION_ARGS);

/* The table whose columns a mapping can name. */
#define SOURCE "fuzz_source"

/* False: not an input that there could be. */
typedef bool (*Target)(const uint8_t *data, size_t size);

static bool try_split(const uint8_t *data, size_t size);
static Jsonb *as_array(Jsonb *json);
static void check_split(const LegacyRow *row, const SplitRow *split);
static void check_message(const Message *message);
static bool try_time(const uint8_t *data, size_t size);
static void try_number(double number);
static void compare_with_server(const char *input, TimestampTz result,
								pg_tz *zone);
static bool try_mapping(const uint8_t *data, size_t size);
static void resolve(Jsonb *json);
static void parse_options(Jsonb *json);
static void parse_target(Jsonb *json);
static void may_refuse(void (*function)(Jsonb *json), Jsonb *json);
static Jsonb *read_json(const char *input, int length);
static char *as_text(const uint8_t *data, size_t size);
static int try_input(const uint8_t *data, size_t size);
static void fail(const char *why) pg_attribute_noreturn();

static const struct
{
	const char *name;
	Target try;
} targets[] = {
	{"split", try_split}, {"time", try_time}, {"mapping", try_mapping}};

static Target target;
static MemoryContext context; /* emptied behind each input */
static Relation source;

PG_FUNCTION_INFO_V1(chatmig_fuzz);

/* (target text, VARIADIC arguments text[]) -> void */
Datum
chatmig_fuzz(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum *arguments;
	int narguments;
	int argc = 0;
	char **argv;

	for (int i = 0; i < lengthof(targets); i++)
		if (strcmp(targets[i].name, name) == 0)
			target = targets[i].try;
	if (target == NULL)
		elog(ERROR, "there is no target \"%s\"", name);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &arguments, NULL, &narguments);
	argv = palloc0(sizeof(char *) * (narguments + 2));
	argv[argc++] = "chatmig_fuzz";
	for (int i = 0; i < narguments; i++)
		argv[argc++] = TextDatumGetCString(arguments[i]);

	context = chatmig_exact_context(TopMemoryContext, "fuzz");
	source = table_open(RelnameGetRelid(SOURCE), AccessShareLock);
	(void) LLVMFuzzerRunDriver(&argc, &argv, try_input);
	PG_RETURN_VOID();
}

/* -1: libFuzzer is not to keep it. */
static int
try_input(const uint8_t *data, size_t size)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	bool is_input = false;

	PG_TRY();
	{
		is_input = target(data, size);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		fail("an error where there must be none");
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	return is_input ? 0 : -1;
}

/*
 * Where json.c finds no fault, the server reads the text, and writes it again.
 * Splitting raises no error, and each element is a message or a reject.
 */
static bool
try_split(const uint8_t *data, size_t size)
{
	RoleSpelling spelling = {.spelling = "me", .role = ROLE_USER};
	Column kept = {.name = "kept"};
	Mapping mapping = {.shape = SHAPE_TRANSCRIPT,
					   .parts[PART_TRANSCRIPT] = {.name = "transcript"},
					   .path = "$[*]",
					   .kept = &kept};
	MigrationPlan plan = {.mapping = &mapping, .options.time_zone = "UTC"};
	LegacyRow row = {.time.isnull = true,
					 .model.isnull = true,
					 .tokens.isnull = true,
					 .metadata.isnull = true};
	SplitRow split;
	Jsonb *json;
	char *input;

	if (size < 1 || (input = as_text(data + 1, size - 1)) == NULL)
		return false;
	json = read_json(input, size - 1);
	if (json == NULL)
		return true;
	mapping.nspellings = data[0] & 1 ? 1 : 0;
	mapping.spellings = &spelling;
	mapping.nkept = data[0] & 2 ? 1 : 0;
	row.model.isnull = !(data[0] & 4);
	if (data[0] & 4)
		row.model.datum = CStringGetTextDatum("a model");
	if (data[0] & 8)
		row.metadata = (Value){
			.datum = DirectFunctionCall1(
				jsonb_in, CStringGetDatum("{\"kept\": 1, \"" TIME_MISSING_MARK
										  "\": true}"))};
	(void) chatmig_transcript_path(json);
	row.elements = &as_array(json)->root;
	chatmig_split_transcript(&plan, &row, &split);
	check_split(&row, &split);
	return true;
}

static Jsonb *
as_array(Jsonb *json)
{
	JsonbParseState *state = NULL;
	JsonbValue value = {.type = jbvBinary};

	if (JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json))
		return json;
	if (JB_ROOT_IS_SCALAR(json))
		(void) JsonbExtractScalar(&json->root, &value);
	else
	{
		value.val.binary.data = &json->root;
		value.val.binary.len = VARSIZE(json) - VARHDRSZ;
	}
	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	(void) pushJsonbValue(&state, WJB_ELEM, &value);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static void
check_split(const LegacyRow *row, const SplitRow *split)
{
	int nelements = JsonContainerSize(row->elements);
	int nrejects = 0;
	int message = 0;

	if (split->nparts != nelements)
		fail("not as many parts as elements");
	if (nelements == 0)
	{
		if (split->nmessages != 0 || list_length(split->rejects) != 1)
			fail("no elements, but not one reject");
		return;
	}
	for (int part = 1; part <= split->nparts; part++)
	{
		bool is_message =
			message < split->nmessages && split->messages[message].part == part;
		bool is_rejected =
			nrejects < list_length(split->rejects) &&
			((SplitReject *) list_nth(split->rejects, nrejects))->part == part;

		if (is_message == is_rejected)
			fail("an element that is not a message or else a reject");
		if (is_message)
			check_message(&split->messages[message++]);
		else
			nrejects++;
	}
}

static void
check_message(const Message *message)
{
	char *content = TextDatumGetCString(message->content.datum);

	if (message->content.isnull || content[0] == '\0')
		fail("a message without content");
	if (!pg_verify_mbstr(PG_UTF8, content, strlen(content), true))
		fail("a content that is no text");
	if (!message->model.isnull)
		(void) TextDatumGetCString(message->model.datum);
	if (!message->metadata.isnull)
	{
		Jsonb *metadata = DatumGetJsonbP(message->metadata.datum);

		if (!JB_ROOT_IS_OBJECT(metadata))
			fail("metadata that are no object");
		/* reads all of it */
		(void) DirectFunctionCall1(
			jsonb_in, CStringGetDatum(JsonbToCString(NULL, &metadata->root,
													 VARSIZE(metadata))));
	}
}

/* What chatmig reads of a time, the server reads likewise. */
static bool
try_time(const uint8_t *data, size_t size)
{
	static const char *const zones[] = {"UTC",
										"Europe/Berlin",
										"Etc/GMT+5",
										"Asia/Kathmandu",
										"Australia/Lord_Howe",
										"America/St_Johns"};
	const char *zone;
	TimestampTz result;
	char *input;

	if (size < 1)
		return false;
	if (size == 1 + sizeof(double))
	{
		double number;

		memcpy(&number, data + 1, sizeof(double));
		try_number(number);
	}
	if ((input = as_text(data + 1, size - 1)) == NULL)
		return false;
	zone = zones[data[0] % lengthof(zones)];
	if (chatmig_times_from_text(input, size - 1, zone, &result))
		compare_with_server(pnstrdup(input, size - 1), result, pg_tzset(zone));
	return true;
}

static void
try_number(double number)
{
	TimestampTz result;

	if (chatmig_times_from_number(number, &result) &&
		!TIMESTAMP_NOT_FINITE(result) && !IS_VALID_TIMESTAMP(result))
		fail("a number that becomes a time beyond the server's");
}

static void
compare_with_server(const char *input, TimestampTz result, pg_tz *zone)
{
	pg_tz *old = session_timezone;
	char *server;
	const char *shift = Max(strrchr(input, '-'), strrchr(input, '+'));
	TimestampTz wanted;

	/* as validate_time.c has it: a blank before the zone, points for commas */
	if (shift == NULL || strspn(input, " \t\r\n0123456789-") >= shift - input)
		shift = input;
	server = psprintf("%.*s %s", (int) (shift - input), input, shift);
	for (char *at = server; (at = strchr(at, ',')) != NULL;)
		*at = '.';
	session_timezone = zone;
	wanted = DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in, CStringGetDatum(server),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	session_timezone = old;
	if (result != wanted)
		fail("a time that the server reads otherwise");
}

/* What does not fit is refused, with an SQLSTATE for it. */
static bool
try_mapping(const uint8_t *data, size_t size)
{
	char *input = as_text(data, size);
	Jsonb *json;

	if (input == NULL)
		return false;
	json = read_json(input, size);
	if (json == NULL || !JB_ROOT_IS_OBJECT(json))
		return true;
	may_refuse(resolve, chatmig_arguments_object(json, "", "mapping"));
	may_refuse(parse_options, chatmig_arguments_object(json, "", "options"));
	may_refuse(parse_target, chatmig_arguments_object(json, "", "target"));
	return true;
}

static void
resolve(Jsonb *json)
{
	Shape shape;
	Mapping *mapping;

	if (!chatmig_mapping_shape(json, &shape))
		return;
	chatmig_mapping_check_keys(json, shape);
	/* draft.c makes it complete, or refuses it */
	for (Part part = 0; part < NUM_PARTS; part++)
		if (chatmig_mapping_part_required(shape, part) &&
			!chatmig_arguments_given(json, chatmig_part_names[part]))
			return;
	mapping = chatmig_mapping_resolve(source, json);
	if (mapping->nkeys < 1 || mapping->nkeys > MAX_KEYS ||
		mapping->ncolumns != RelationGetDescr(source)->natts)
		fail("a mapping that cannot be");
	(void) chatmig_mapping_keeps_role(mapping);
	(void) chatmig_mapping_tokens_type(mapping);
}

static void
parse_options(Jsonb *json)
{
	Options options;

	chatmig_options_parse(json, &options);
	if (options.idle_gap < 0 || options.max_rejects < 0)
		fail("an option that cannot be");
}

static void
parse_target(Jsonb *json)
{
	Destination destination;

	chatmig_destination_parse(json, &destination);
}

static void
may_refuse(void (*function)(Jsonb *json), Jsonb *json)
{
	MemoryContext old = CurrentMemoryContext;

	if (json == NULL)
		return;
	PG_TRY();
	{
		function(json);
	}
	PG_CATCH();
	{
		int category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_TO_CATEGORY(
							ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED))
			PG_RE_THROW();
		MemoryContextSwitchTo(old);
		FlushErrorState();
	}
	PG_END_TRY();
}

/* NULL: it is not JSON that jsonb can hold, or that can be written again. */
static Jsonb *
read_json(const char *input, int length)
{
	Jsonb *json;

	if (chatmig_json_fault_of(input, length) != NULL)
		return NULL;
	json = DatumGetJsonbP(DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(input, length))));
	if (chatmig_json_fault_of_jsonb(json) != NULL)
		return NULL;
	(void) JsonbToCString(NULL, &json->root, VARSIZE(json));
	return json;
}

/* As in a text: nothing behind its end. NULL: no text of a UTF8 database. */
static char *
as_text(const uint8_t *data, size_t size)
{
	if (!pg_verify_mbstr(PG_UTF8, (const char *) data, size, true))
		return NULL;
	return memcpy(MemoryContextAlloc(context, size), data, size);
}

static void
fail(const char *why)
{
	fprintf(stderr, "chatmig_fuzz: %s\n", why);
	abort();
}
