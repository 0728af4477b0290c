/*
 * times.c
 *	  Times of every kind that legacy tables hold -> timestamptz.
 *
 * Pure functions that the read query calls once a row. Each is STRICT, and
 * returns NULL, never an error, for a value that cannot be read or that lies
 * outside of timestamptz's range: what is to become of such a row is for split
 * to say. An unknown zone is an error (22023), as it is not the row's fault.
 *
 * Nothing here depends on the session's TimeZone or DateStyle: local times are
 * read in the zone that the caller names.
 *
 * Text is ISO 8601: a calendar date, then T or a blank and a time, then a
 * zone, each of the two optional, with all their digits:
 *
 *	  2024-05-01
 *	  2024-05-01 10:00, 2024-05-01T10:00:00.123Z, 2024-05-01 10:00:00+05:30
 *	  20240501T100000Z
 *
 * and what the server's own ISO output adds to that: a zone with seconds,
 * years of up to six digits, a blank and BC at the end, infinity, -infinity.
 * UTC is understood where Z is. Words (now, today), slashes, names of months,
 * abbreviated zones, the year 0, a time alone, and fractions of more than 64
 * digits, which the server does not read, are not.
 */
#include "postgres.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "times.h"

/* A zone, looked up once a query; lives in fn_extra. */
typedef struct Zone
{
	char name[TZ_STRLEN_MAX + 1];
	int name_len;
	pg_tz *tz;       /* owned by the server, for ever */
	bool is_fixed;   /* one offset at all times ... */
	long fixed_east; /* ... which is this, in seconds */
} Zone;

/* What is left to read of a text. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

/* A text that has been read; tm as tm2timestamp() wants it. */
typedef struct IsoTime
{
	struct pg_tm tm;
	fsec_t fsec;
	bool has_zone;
	int west; /* seconds west of Greenwich, if has_zone */
} IsoTime;

/* Numbers from here on count milliseconds, microseconds, or nothing known. */
#define FIRST_MILLISECONDS 1e11
#define FIRST_MICROSECONDS 1e14
#define FIRST_UNKNOWN 1e17

#define MAX_YEAR_DIGITS 6
#define MICROSECOND_DIGITS 6
#define MAX_FRACTION_DIGITS 15 /* that a double holds exactly */
#define MAX_FRACTION_TEXT 64   /* digits; the server reads not many more */

static const Zone *find_zone(FunctionCallInfo fcinfo, int argno);
static void fill_zone(Zone *zone, const char *zone_name, int len);
static bool timestamp_in_zone(Timestamp local, const Zone *zone,
							  TimestampTz *result);
static bool epoch_to_time(double seconds, TimestampTz *result);
static bool text_to_time(Cursor *cursor, const Zone *zone, TimestampTz *result);
static bool read_iso(Cursor *cursor, IsoTime *iso);
static bool read_date(Cursor *cursor, struct pg_tm *tm, bool *is_basic);
static bool read_time(Cursor *cursor, bool is_basic, IsoTime *iso);
static fsec_t read_fraction(Cursor *cursor);
static bool read_zone(Cursor *cursor, IsoTime *iso);
static bool check_date(struct pg_tm *tm, bool is_bc);
static void skip_blanks(Cursor *cursor);
static int count_digits(const Cursor *cursor);
static bool read_digits(Cursor *cursor, int n, int *value);
static bool read_char(Cursor *cursor, char c);
static bool read_word(Cursor *cursor, const char *word);

PG_FUNCTION_INFO_V1(chatmig_time_from_timestamp);
PG_FUNCTION_INFO_V1(chatmig_time_from_date);
PG_FUNCTION_INFO_V1(chatmig_time_from_text);
PG_FUNCTION_INFO_V1(chatmig_time_from_epoch);

/* (timestamp, zone text) -> timestamptz */
Datum
chatmig_time_from_timestamp(PG_FUNCTION_ARGS)
{
	Timestamp local = PG_GETARG_TIMESTAMP(0);
	TimestampTz result;

	if (!timestamp_in_zone(local, find_zone(fcinfo, 1), &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

/* (date, zone text) -> timestamptz: midnight in that zone */
Datum
chatmig_time_from_date(PG_FUNCTION_ARGS)
{
	DateADT date = PG_GETARG_DATEADT(0);
	const Zone *zone = find_zone(fcinfo, 1);
	TimestampTz result;

	if (DATE_IS_NOBEGIN(date))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (DATE_IS_NOEND(date))
		PG_RETURN_TIMESTAMPTZ(DT_NOEND);

	/* Dates reach further than times, at their upper end. */
	if (date >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		PG_RETURN_NULL();
	if (!timestamp_in_zone(date * USECS_PER_DAY, zone, &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

/* (text, zone text) -> timestamptz; the zone is for texts without one */
Datum
chatmig_time_from_text(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	Cursor cursor = {VARDATA_ANY(value),
					 VARDATA_ANY(value) + VARSIZE_ANY_EXHDR(value)};
	TimestampTz result;

	if (!text_to_time(&cursor, find_zone(fcinfo, 1), &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

/* (double precision, units per second double precision) -> timestamptz */
Datum
chatmig_time_from_epoch(PG_FUNCTION_ARGS)
{
	double value = PG_GETARG_FLOAT8(0);
	double units = PG_GETARG_FLOAT8(1);
	TimestampTz result;

	if (!(units > 0) || isinf(units))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("units per second must be a positive number"),
				 errhint("Use 1 for seconds, 1000 for milliseconds, 1000000 "
						 "for microseconds.")));
	if (!epoch_to_time(value / units, &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

bool
chatmig_times_from_text(const char *value, int length, const char *zone_name,
						TimestampTz *result)
{
	Cursor cursor = {value, value + length};
	Zone zone;

	fill_zone(&zone, zone_name, strlen(zone_name));
	return text_to_time(&cursor, &zone, result);
}

bool
chatmig_times_from_number(double value, TimestampTz *result)
{
	double size = fabs(value);

	if (!(size < FIRST_UNKNOWN))
		return false;
	return epoch_to_time(value / (size < FIRST_MILLISECONDS   ? 1
								  : size < FIRST_MICROSECONDS ? 1e3
															  : 1e6),
						 result);
}

/*
 * The zone that argument argno names, kept in fn_extra: the server's own
 * look-up is too slow for every row. Names are those of AT TIME ZONE, except
 * abbreviations that are no zones, as those depend on a setting.
 */
static const Zone *
find_zone(FunctionCallInfo fcinfo, int argno)
{
	text *name = PG_GETARG_TEXT_PP(argno);
	int len = VARSIZE_ANY_EXHDR(name);
	Zone *zone = fcinfo->flinfo->fn_extra;

	if (zone != NULL && zone->name_len == len &&
		memcmp(zone->name, VARDATA_ANY(name), len) == 0)
		return zone;

	if (zone == NULL)
		zone = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Zone));
	fcinfo->flinfo->fn_extra = NULL; /* not half a zone after an error */
	fill_zone(zone, text_to_cstring(name), len);
	fcinfo->flinfo->fn_extra = zone;
	return zone;
}

static void
fill_zone(Zone *zone, const char *zone_name, int len)
{
	zone->tz = len <= TZ_STRLEN_MAX ? pg_tzset(zone_name) : NULL;
	if (zone->tz == NULL || !pg_tz_acceptable(zone->tz))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not known", zone_name),
				 errhint("The view pg_timezone_names lists the zones.")));
	memcpy(zone->name, zone_name, len + 1);
	zone->name_len = len;
	zone->is_fixed = pg_get_timezone_offset(zone->tz, &zone->fixed_east);
}

/* As timestamp_zone() in the server's timestamp.c, but false for an error. */
static bool
timestamp_in_zone(Timestamp local, const Zone *zone, TimestampTz *result)
{
	struct pg_tm tm;
	fsec_t fsec;
	int west;

	if (TIMESTAMP_NOT_FINITE(local))
	{
		*result = local;
		return true;
	}
	if (zone->is_fixed)
	{
		/* No overflow: the range's ends are years away from int64's. */
		*result = local - zone->fixed_east * USECS_PER_SEC;
		return IS_VALID_TIMESTAMP(*result);
	}
	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return false;
	west = DetermineTimeZoneOffset(&tm, zone->tz);
	return tm2timestamp(&tm, fsec, &west, result) == 0;
}

/* As float8_timestamptz() in the server's timestamp.c, likewise. */
static bool
epoch_to_time(double seconds, TimestampTz *result)
{
	if (isnan(seconds))
		return false;
	if (isinf(seconds))
	{
		*result = seconds < 0 ? DT_NOBEGIN : DT_NOEND;
		return true;
	}
	if (seconds <
			(double) SECS_PER_DAY * (DATETIME_MIN_JULIAN - UNIX_EPOCH_JDATE) ||
		seconds >=
			(double) SECS_PER_DAY * (TIMESTAMP_END_JULIAN - UNIX_EPOCH_JDATE))
		return false;

	seconds -= (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	*result = (int64) rint(seconds * USECS_PER_SEC);
	return IS_VALID_TIMESTAMP(*result);
}

static bool
text_to_time(Cursor *cursor, const Zone *zone, TimestampTz *result)
{
	IsoTime iso;
	Cursor word;
	bool is_infinite;

	skip_blanks(cursor);
	word = *cursor;
	*result = read_char(&word, '-') ? DT_NOBEGIN : DT_NOEND;
	is_infinite = read_word(&word, "infinity");
	if (is_infinite)
		*cursor = word;
	else if (!read_iso(cursor, &iso))
		return false;
	skip_blanks(cursor);
	if (cursor->at < cursor->end)
		return false;
	if (is_infinite)
		return true;

	if (iso.has_zone)
		;
	else if (zone->is_fixed)
		iso.west = -zone->fixed_east;
	else
		iso.west = DetermineTimeZoneOffset(&iso.tm, zone->tz);
	return tm2timestamp(&iso.tm, iso.fsec, &iso.west, result) == 0;
}

static bool
read_iso(Cursor *cursor, IsoTime *iso)
{
	bool is_basic;
	bool is_bc;
	Cursor rest;

	memset(iso, 0, sizeof(IsoTime));
	if (!read_date(cursor, &iso->tm, &is_basic))
		return false;

	/* A blank may also stand before BC, or be the last. */
	rest = *cursor;
	skip_blanks(&rest);
	if (read_char(cursor, 'T') ||
		(rest.at > cursor->at && count_digits(&rest) > 0))
	{
		if (rest.at > cursor->at)
			*cursor = rest;
		if (!read_time(cursor, is_basic, iso) || !read_zone(cursor, iso))
			return false;
	}
	else if (is_basic)
		return false; /* eight digits may be anything */

	/* A blank must stand before BC: the server takes ZBC for one word. */
	rest = *cursor;
	skip_blanks(&rest);
	is_bc = rest.at > cursor->at && read_word(&rest, "BC");
	if (is_bc)
		*cursor = rest;
	return check_date(&iso->tm, is_bc);
}

/* 2024-05-01 or, basic in the words of the standard, 20240501. */
static bool
read_date(Cursor *cursor, struct pg_tm *tm, bool *is_basic)
{
	int ndigits = count_digits(cursor);

	*is_basic = ndigits == 8;
	if (*is_basic)
		return read_digits(cursor, 4, &tm->tm_year) &&
			   read_digits(cursor, 2, &tm->tm_mon) &&
			   read_digits(cursor, 2, &tm->tm_mday);
	if (ndigits < 4 || ndigits > MAX_YEAR_DIGITS)
		return false;
	return read_digits(cursor, ndigits, &tm->tm_year) &&
		   read_char(cursor, '-') && read_digits(cursor, 2, &tm->tm_mon) &&
		   read_char(cursor, '-') && read_digits(cursor, 2, &tm->tm_mday);
}

/* 10:00, 10:00:00, 10:00:00.123 and, basic, 1000, 100000, 100000.123. */
static bool
read_time(Cursor *cursor, bool is_basic, IsoTime *iso)
{
	struct pg_tm *tm = &iso->tm;

	if (!read_digits(cursor, 2, &tm->tm_hour) ||
		!(is_basic || read_char(cursor, ':')) ||
		!read_digits(cursor, 2, &tm->tm_min))
		return false;
	if (is_basic ? count_digits(cursor) > 0 : read_char(cursor, ':'))
	{
		if (!read_digits(cursor, 2, &tm->tm_sec))
			return false;
		if (read_char(cursor, '.') || read_char(cursor, ','))
		{
			if (count_digits(cursor) == 0 ||
				count_digits(cursor) > MAX_FRACTION_TEXT)
				return false;
			iso->fsec = read_fraction(cursor);
		}
	}

	/* As the server has it: leap seconds, and 24:00 for the day's end. */
	if (tm->tm_hour == HOURS_PER_DAY)
		return tm->tm_min == 0 && tm->tm_sec == 0 && iso->fsec == 0;
	return tm->tm_hour < HOURS_PER_DAY && tm->tm_min < MINS_PER_HOUR &&
		   tm->tm_sec <= SECS_PER_MINUTE;
}

/*
 * Digits of a fraction of a second -> microseconds, rounded as the server
 * rounds them; may be a full second.
 */
static fsec_t
read_fraction(Cursor *cursor)
{
	int ndigits = count_digits(cursor);
	double scale = 1;
	int64 value = 0;

	for (int i = 0; i < ndigits; i++, cursor->at++)
		if (i < MAX_FRACTION_DIGITS)
		{
			value = value * 10 + (*cursor->at - '0');
			scale *= 10;
		}
	return (fsec_t) rint(value / scale * USECS_PER_SEC);
}

/* Nothing, Z, UTC, +02, +0530, +05:30, +05:30:10. */
static bool
read_zone(Cursor *cursor, IsoTime *iso)
{
	Cursor zone = *cursor;
	int hours;
	int minutes = 0;
	int seconds = 0;
	bool is_west;

	skip_blanks(&zone);
	is_west = read_char(&zone, '-');
	if (is_west || read_char(&zone, '+'))
	{
		if (!read_digits(&zone, 2, &hours))
			return false;
		if (read_char(&zone, ':'))
		{
			if (!read_digits(&zone, 2, &minutes) ||
				(read_char(&zone, ':') && !read_digits(&zone, 2, &seconds)))
				return false;
		}
		else if (count_digits(&zone) > 0 && !read_digits(&zone, 2, &minutes))
			return false;
		if (hours > MAX_TZDISP_HOUR || minutes >= MINS_PER_HOUR ||
			seconds >= SECS_PER_MINUTE)
			return false;
		iso->west =
			(hours * MINS_PER_HOUR + minutes) * SECS_PER_MINUTE + seconds;
		if (!is_west)
			iso->west = -iso->west;
	}
	else if (!read_word(&zone, "Z") && !read_word(&zone, "UTC"))
		return true; /* none, or it is not a zone that follows */

	iso->has_zone = true;
	*cursor = zone;
	return true;
}

/* Turns the year into the server's, where 1 BC is 0, and checks the date. */
static bool
check_date(struct pg_tm *tm, bool is_bc)
{
	if (tm->tm_year < 1 || tm->tm_mon < 1 || tm->tm_mon > MONTHS_PER_YEAR)
		return false;
	if (is_bc)
		tm->tm_year = 1 - tm->tm_year;
	return tm->tm_mday >= 1 &&
		   tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

static void
skip_blanks(Cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at))
		cursor->at++;
}

static int
count_digits(const Cursor *cursor)
{
	const char *at = cursor->at;

	while (at < cursor->end && *at >= '0' && *at <= '9')
		at++;
	return at - cursor->at;
}

/* Exactly n digits; more may follow. */
static bool
read_digits(Cursor *cursor, int n, int *value)
{
	if (count_digits(cursor) < n)
		return false;
	*value = 0;
	while (n-- > 0)
		*value = *value * 10 + (*cursor->at++ - '0');
	return true;
}

static bool
read_char(Cursor *cursor, char c)
{
	if (cursor->at == cursor->end ||
		(char) pg_ascii_toupper((unsigned char) *cursor->at) != c)
		return false;
	cursor->at++;
	return true;
}

static bool
read_word(Cursor *cursor, const char *word)
{
	int len = strlen(word);

	if (cursor->end - cursor->at < len ||
		pg_strncasecmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}
