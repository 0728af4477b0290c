/*
 * validate_time.c
 *	  A legacy row's time, as SQL.
 *
 * In: a plan. Out: an expression that gives timestamptz, by the server's own
 * functions where it has them, and not by those of times.c.
 */
#include "postgres.h"

#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "compat.h"
#include "ledger.h"
#include "validate_sql.h"

/*
 * ISO 8601 as times.c documents it, as regular expressions for ~*: a date,
 * then perhaps a time, then perhaps a zone, then perhaps BC.
 */
#define ISO_BLANK "[ \\t\\r\\n]*"
#define ISO_DATE "\\d{4,6}-\\d\\d-\\d\\d"
#define ISO_CLOCK "(T|[ \\t\\r\\n]+)(\\d\\d:?\\d\\d(:?\\d\\d([.,]\\d{1,64})?)?)"
#define ISO_SHIFT "([+-]\\d\\d(?::?\\d\\d(?::\\d\\d)?)?)"
#define ISO_ZONE "(Z|UTC|" ISO_SHIFT ")"
#define ISO_END "([ \\t\\r\\n]+BC)?$"
#define ISO_LOCAL "^(" ISO_DATE "|\\d{8}(?=T|[ \\t\\r\\n]))(" ISO_CLOCK ")?"

#define ISO_WITHOUT_ZONE ISO_LOCAL ISO_END
#define ISO_WITH_ZONE                                                          \
	"^(" ISO_DATE                                                              \
	"|\\d{8}(?=T|[ \\t\\r\\n]))" ISO_CLOCK ISO_BLANK ISO_ZONE ISO_END
#define INFINITE "^-?infinity$"

static bool is_utc(const MigrationPlan *plan);
static char *local_time(const MigrationPlan *plan, const char *value);
static bool is_abbreviation(const char *zone);
static char *trimmed(const char *text);
static char *matches(const char *value, const char *expression);

char *
chatmig_validate_sql_time(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *value;

	if (mapping->time_kind == TIME_NONE)
		return pstrdup("NULL::timestamptz");
	value = chatmig_validate_sql_column(&mapping->parts[PART_TIME]);
	switch (mapping->time_kind)
	{
		case TIME_TIMESTAMPTZ:
			return psprintf("%s::timestamptz", value);
		case TIME_TIMESTAMP:
			return local_time(plan, psprintf("%s::timestamp", value));
		case TIME_DATE:
			return local_time(plan, psprintf("%s::date::timestamp", value));
		case TIME_EPOCH:
			return psprintf("to_timestamp(%s::float8 / %.0f)", value,
							mapping->epoch_unit);
		case TIME_TEXT:
			return chatmig_validate_sql_text_time(plan,
												  psprintf("%s::text", value));
		case TIME_NONE:
			break;
	}
	return NULL;
}

/* TimeZone is UTC. */
char *
chatmig_validate_sql_utc_time(const MigrationPlan *plan)
{
	if (is_utc(plan))
		return psprintf("%s::timestamp", chatmig_validate_sql_column(
											 &plan->mapping->parts[PART_TIME]));
	return psprintf("(%s)::timestamp", chatmig_validate_sql_time(plan));
}

bool
chatmig_validate_sql_takes_any_time(const MigrationPlan *plan)
{
	return plan->mapping->time_kind == TIME_NONE ||
		   plan->mapping->time_kind == TIME_TIMESTAMPTZ || is_utc(plan);
}

/* Its times are UTC already, by their type and their zone. */
static bool
is_utc(const MigrationPlan *plan)
{
	return plan->mapping->time_kind == TIME_TIMESTAMP &&
		   pg_strcasecmp(plan->options.time_zone, "UTC") == 0;
}

char *
chatmig_validate_sql_is_time(const char *text)
{
	char *value = trimmed(text);

	/* the server's own cast would fail on a day such as February 30 */
	return psprintf(
		"((%s OR %s OR %s) "
		"AND %s.chatmig_time_from_text(%s, 'UTC'::text) IS NOT NULL)",
		matches(value, INFINITE), matches(value, ISO_WITH_ZONE),
		matches(value, ISO_WITHOUT_ZONE), chatmig_ledger_schema(), text);
}

/*
 * timezone() takes some names for abbreviations, without summer time, that
 * are also zones with it, such as CET; there the zone is what is meant.
 */
static char *
local_time(const MigrationPlan *plan, const char *value)
{
	const char *zone = plan->options.time_zone;

	if (is_abbreviation(zone))
		return psprintf("%s.chatmig_time_from_timestamp(%s, %s::text)",
						chatmig_ledger_schema(), value,
						quote_literal_cstr(zone));
	return psprintf("timezone(%s::text, %s)", quote_literal_cstr(zone), value);
}

static bool
is_abbreviation(const char *zone)
{
	DateTimeErrorExtra extra;
	pg_tz *tz;
	int offset;
	int type;

	if (pg_strcasecmp(zone, "UTC") == 0)
		return false;
	return DecodeTimezoneAbbrev(
			   0, downcase_identifier(zone, strlen(zone), false, false), &type,
			   &offset, &tz, &extra) == 0 &&
		   type != UNKNOWN_FIELD;
}

static char *
trimmed(const char *text)
{
	return psprintf("btrim((%s) COLLATE \"C\", E' \\t\\r\\n')", text);
}

/*
 * The server reads all of it but a comma for a point, and a zone such as -05:00
 * right behind a time without colons.
 */
char *
chatmig_validate_sql_text_time(const MigrationPlan *plan, const char *text)
{
	char *value = trimmed(text);
	char *read = psprintf("replace(%s, ',', '.')", value);

	return psprintf(
		"CASE WHEN %s THEN %s::timestamptz "
		"WHEN %s THEN regexp_replace(%s, %s, %s, 'i')::timestamptz "
		"WHEN %s THEN %s END",
		matches(value, INFINITE), read, matches(value, ISO_WITH_ZONE), read,
		quote_literal_cstr(ISO_SHIFT ISO_END), quote_literal_cstr(" \\1\\2"),
		matches(value, ISO_WITHOUT_ZONE),
		local_time(plan, psprintf("%s::timestamp", read)));
}

static char *
matches(const char *value, const char *expression)
{
	return psprintf("%s ~* %s", value, quote_literal_cstr(expression));
}
