/*
 * epoch.c
 *	  The unit of a column of numbers that are times.
 *
 * In: a column. Out: the unit in which it counts since 1970. Seconds have ten
 * digits in our days, milliseconds thirteen, microseconds sixteen. A wrong
 * guess would move years of rows by thousands of years, so one that the
 * smallest and the largest number do not share is refused.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "epoch.h"
#include "query.h"

/* Numbers from here on count milliseconds, microseconds. */
#define FIRST_MILLISECONDS 1e11 /* the year 1973; in seconds, 5138 */
#define FIRST_MICROSECONDS 1e14 /* the year 1973; in milliseconds, 5138 */

static bool extreme(Relation rel, const char *column, const char *aggregate,
					double *result);

const char *
chatmig_epoch_unit(Relation rel, const char *column)
{
	double smallest;
	double largest;

	if (!extreme(rel, column, "min", &smallest) ||
		!extreme(rel, column, "max", &largest))
		return NULL;
	if (chatmig_epoch_unit_of(smallest) != chatmig_epoch_unit_of(largest))
		ereport(
			ERROR,
			(errcode(ERRCODE_INDETERMINATE_DATATYPE),
			 errmsg(
				 "the unit of the times in column \"%s\" of \"%s\" is ambiguous",
				 column, RelationGetRelationName(rel)),
			 errdetail(
				 "The smallest is %.0f, which looks like %s, the largest %.0f, which looks like %s.",
				 smallest, chatmig_epoch_unit_of(smallest), largest,
				 chatmig_epoch_unit_of(largest)),
			 errhint(
				 "Say it: mapping => '{\"epoch\": \"%s\"}'; or correct the rows, or register a view that does.",
				 chatmig_epoch_unit_of(largest))));
	return chatmig_epoch_unit_of(largest);
}

/* 0 tells nothing. Returns false where nothing is left. */
static bool
extreme(Relation rel, const char *column, const char *aggregate, double *result)
{
	const char *name = quote_identifier(column);
	char *table = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(rel)),
		RelationGetRelationName(rel));
	bool isnull;
	Datum value = chatmig_query_value(
		psprintf("SELECT %s(abs(s.%s::float8)) FROM %s AS s "
				 "WHERE s.%s <> 0 AND abs(s.%s::float8) < 'Infinity'",
				 aggregate, name, table, name, name),
		NULL, &isnull);

	*result = isnull ? 0 : DatumGetFloat8(value);
	return !isnull;
}

const char *
chatmig_epoch_unit_of(double number)
{
	if (number >= FIRST_MICROSECONDS)
		return "microseconds";
	return number >= FIRST_MILLISECONDS ? "milliseconds" : "seconds";
}
