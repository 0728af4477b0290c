/*
 * options.c
 *	  The options of a registration, checked.
 *
 * In: the jsonb that the user wrote. Out: a struct with every default filled
 * in. Called when a migration is registered, to refuse early, and again when
 * it is planned.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "options.h"

static const char *const option_names[] = {
	"idle_gap",    "title",     "title_without_counterpart",
	"description", "time_zone", "metadata",
	"max_rejects", "id_type",   "empty_owners",
	"times"};

#define DEFAULT_TITLE "{first_message}"
#define DEFAULT_TIME_ZONE "UTC"

static List *parse_metadata(Jsonb *jsonb);
static void check_name_free(const Options *options, const char *name,
							const char *why);
static int64 parse_gap(const char *text);
static void name_option(void *option);
static Oid parse_id_type(const char *text);
static bool parse_times(const char *text);
static void check_template(const char *option, const char *template);
static void check_time_zone(const char *name);

void
chatmig_options_parse(Jsonb *jsonb, Options *options)
{
	char *text;

	chatmig_arguments_check(jsonb, "options", option_names,
							lengthof(option_names));

	text = chatmig_arguments_string(jsonb, "options", "idle_gap");
	options->idle_gap = text ? parse_gap(text) : 0;

	options->title = pstrdup(DEFAULT_TITLE);
	if (chatmig_arguments_has(jsonb, "title"))
		options->title = chatmig_arguments_string(jsonb, "options", "title");
	check_template("title", options->title);

	options->title_without_counterpart = options->title;
	if (chatmig_arguments_has(jsonb, "title_without_counterpart"))
		options->title_without_counterpart = chatmig_arguments_string(
			jsonb, "options", "title_without_counterpart");
	check_template("title_without_counterpart",
				   options->title_without_counterpart);

	options->description =
		chatmig_arguments_string(jsonb, "options", "description");
	check_template("description", options->description);

	text = chatmig_arguments_string(jsonb, "options", "time_zone");
	options->time_zone = text ? text : pstrdup(DEFAULT_TIME_ZONE);
	check_time_zone(options->time_zone);

	options->metadata = parse_metadata(jsonb);
	options->max_rejects =
		chatmig_arguments_count(jsonb, "options", "max_rejects", 0);

	text = chatmig_arguments_string(jsonb, "options", "id_type");
	options->id_type = text ? parse_id_type(text) : UUIDOID;

	options->empty_owners =
		chatmig_arguments_bool(jsonb, "options", "empty_owners", false);
	text = chatmig_arguments_string(jsonb, "options", "times");
	options->owner_times = text != NULL && parse_times(text);
}

void
chatmig_options_check_metadata(const Options *options, const Mapping *mapping)
{
	for (int i = 0; i < mapping->nkept; i++)
		check_name_free(options, mapping->kept[i].name,
						"A column of this name is kept there");
	if (chatmig_mapping_keeps_role(mapping))
		check_name_free(options, mapping->parts[PART_ROLE].name,
						"The spelling of a role is kept there");
	/* an object of which another name is taken stays whole under its own */
	if (HAS_PART(mapping, PART_METADATA))
		check_name_free(options, mapping->parts[PART_METADATA].name,
						"A column of this name is the mapped metadata");
	check_name_free(options, TIME_MISSING_MARK,
					"It marks messages whose time is a neighbour's");
}

/* The members of the option "metadata"; NIL: none. */
static List *
parse_metadata(Jsonb *jsonb)
{
	static const char *const key = "metadata";
	JsonbValue *value =
		getKeyJsonValueFromContainer(&jsonb->root, key, strlen(key), NULL);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	List *members = NIL;

	if (value == NULL || value->type == jbvNull)
		return NIL;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" in options must be an object", key),
			 errdetail("Its members join the metadata of each message."),
			 errhint(
				 "Write for instance options => '{\"metadata\": {\"migrated\": true}}'.")));
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		MetadataMember *member;
		Jsonb *whole;

		if (token != WJB_KEY)
			continue;
		member = palloc(sizeof(MetadataMember));
		member->name = pnstrdup(item.val.string.val, item.val.string.len);
		(void) JsonbIteratorNext(&it, &item, true);
		whole = JsonbValueToJsonb(&item);
		member->value = JsonbToCString(NULL, &whole->root, VARSIZE(whole));
		members = lappend(members, member);
	}
	return members;
}

static void
check_name_free(const Options *options, const char *name, const char *why)
{
	ListCell *lc;

	foreach(lc, options->metadata)
		if (strcmp(((MetadataMember *) lfirst(lc))->name, name) == 0)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in the option metadata is taken", name),
				 errdetail("%s, and one of the two would be lost.", why),
				 errhint(
					 "Choose another name in options => '{\"metadata\": ...}', or leave a column out with mapping => '{\"keep\": [...]}'.")));
}

/* Months count as 30 days, days as 24 hours, as in interval comparison. */
static int64
parse_gap(const char *text)
{
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = name_option,
									.arg = "idle_gap"};
	Interval *gap;
	int64 days;
	int64 result;

	error_context_stack = &context;
	gap = DatumGetIntervalP(
		DirectFunctionCall3(interval_in, CStringGetDatum(text),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	error_context_stack = context.previous;

	days = (int64) gap->month * DAYS_PER_MONTH + gap->day;
	if (pg_mul_s64_overflow(days, USECS_PER_DAY, &result) ||
		pg_add_s64_overflow(result, gap->time, &result))
		result = days > 0 ? PG_INT64_MAX : 0; /* longer than any pause */
	if (result <= 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("idle_gap must be longer than nothing"),
			 errdetail("It is \"%s\".", text),
			 errhint(
				 "Write for instance options => '{\"idle_gap\": \"30 minutes\"}', or leave it out for no gap.")));
	return result;
}

static void
name_option(void *option)
{
	errcontext("option \"%s\"", (const char *) option);
}

static Oid
parse_id_type(const char *text)
{
	if (strcmp(text, "uuid") == 0)
		return UUIDOID;
	if (strcmp(text, "text") == 0)
		return TEXTOID;
	if (strcmp(text, "bigint") == 0)
		return INT8OID;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown id_type \"%s\" in options", text),
					errhint("Known types: uuid, text, bigint.")));
}

/* True: the owner's. */
static bool
parse_times(const char *text)
{
	if (strcmp(text, "owner") == 0)
		return true;
	if (strcmp(text, "messages") != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown value \"%s\" of option \"times\"", text),
			 errhint(
				 "Known values: messages (a conversation has the times of its first and last message), owner (those of its owner's row).")));
	return false;
}

/* What is in braces must be a placeholder that title.c knows. */
static void
check_template(const char *option, const char *template)
{
	static const char *const known[] = {"{owner}", "{counterpart}", "{session}",
										"{first_message}"};

	for (const char *p = template; p != NULL && *p != '\0'; p++)
	{
		bool found = *p != '{';

		for (int i = 0; i < lengthof(known) && !found; i++)
			found = strncmp(p, known[i], strlen(known[i])) == 0;
		if (!found)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown placeholder in option \"%s\"", option),
				 errdetail("It is at \"%.30s\".", p),
				 errhint(
					 "Known placeholders: {owner}, {counterpart}, {session}, {first_message}.")));
	}
}

static void
check_time_zone(const char *name)
{
	pg_tz *zone = strlen(name) <= TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("time zone \"%s\" not recognized", name),
			 errhint("See the view pg_timezone_names for the known ones.")));
}
