/*
 * difference.c
 *	  What a chat table should be, and how far a table is from it.
 *
 * Both sides are put into one form of words, that of SQL as the server writes
 * it under search_path pg_catalog, and then compared as strings: what differs
 * can be shown to the user as it was compared.
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "difference.h"

/*
 * Column $2 of table $1. Serial and identity are one, and so are the two
 * spellings of the current time.
 */
static const char column_sql[] =
	"SELECT format_type(a.atttypid, a.atttypmod)"
	" || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END"
	" || CASE"
	" WHEN a.attidentity <> '' OR e.value LIKE 'nextval(%'"
	" THEN ' from a sequence'"
	" WHEN a.attgenerated <> ''"
	" THEN ' GENERATED ALWAYS AS ' || e.value"
	" WHEN e.value = 'CURRENT_TIMESTAMP'"
	" THEN ' DEFAULT now()'"
	" ELSE coalesce(' DEFAULT ' || e.value, '') END"
	" FROM pg_attribute a"
	" LEFT JOIN pg_attrdef d"
	" ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" CROSS JOIN pg_get_expr(d.adbin, d.adrelid) e (value)"
	" WHERE a.attrelid = $1 AND a.attname = $2"
	" AND a.attnum > 0 AND NOT a.attisdropped";

/*
 * The constraint of type $2 on column $3 of table $1, best one that is $4. The
 * server rewrites a CHECK beyond recognition, so of a CHECK only the values
 * are taken, as "column IN (values)".
 */
static const char constraint_sql[] =
	"SELECT x.definition FROM ("
	"SELECT CASE WHEN c.contype <> 'c'"
	" THEN pg_get_constraintdef(c.oid)"
	" ELSE (SELECT format('CHECK (%s IN (%s))', $3,"
	" string_agg(v.value[1], ', '"
	" ORDER BY v.value[1] COLLATE \"C\"))"
	" FROM regexp_matches(pg_get_constraintdef(c.oid),"
	" '''(?:[^'']|'''')*''', 'g') v (value)) END"
	" FROM pg_constraint c"
	" WHERE c.conrelid = $1 AND c.contype = $2"
	" AND (c.contype = 'p' OR c.conkey = ARRAY("
	"SELECT a.attnum FROM pg_attribute a"
	" WHERE a.attrelid = $1 AND a.attname = $3))"
	") x (definition)"
	" ORDER BY x.definition = $4 DESC LIMIT 1";

/*
 * The index of table $1 on the columns $2. One that begins with them does what
 * theirs would.
 */
static const char index_sql[] =
	"SELECT c.relname::text"
	" FROM pg_index i"
	" JOIN pg_class c ON c.oid = i.indexrelid"
	" JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'"
	" CROSS JOIN LATERAL (SELECT string_agg("
	"quote_ident(a.attname) ||"
	" CASE WHEN i.indoption[k.n - 1] & 1 = 1"
	" THEN ' DESC' ELSE '' END, ', ' ORDER BY k.n)"
	" FROM generate_series(1, i.indnkeyatts) k (n)"
	" JOIN pg_attribute a ON a.attrelid = i.indrelid"
	" AND a.attnum = i.indkey[k.n - 1]) x (columns)"
	" WHERE i.indrelid = $1 AND i.indisvalid"
	" AND i.indpred IS NULL AND i.indexprs IS NULL"
	" AND (x.columns = $2"
	" OR starts_with(x.columns, $2 || ', '))"
	" ORDER BY x.columns = $2 DESC, c.relname LIMIT 1";

static void compare_column(const Wanted *wanted, const ColumnSpec *column);
static char *find_column(Oid relid, const char *name);
static void report_extra(const Wanted *wanted);
static void compare_constraint(const Wanted *wanted, const char *object,
							   char type, const char *column,
							   const char *expected);
static void compare_index(const Wanted *wanted, const IndexSpec *index);
static void report_compared(const Wanted *wanted, const char *object,
							const char *expected, const char *found);

void
chatmig_difference_report(const Wanted *wanted)
{
	const TableSpec *spec = wanted->spec;

	wanted->report(psprintf("table \"%s\"", wanted->table),
				   wanted->created ? "created" : "exists", wanted->qualified,
				   wanted->state);
	for (int i = 0; i < MAX_COLUMNS && spec->columns[i].name; i++)
		compare_column(wanted, &spec->columns[i]);
	report_extra(wanted);
	compare_constraint(wanted, "primary key", CONSTRAINT_PRIMARY, "id",
					   "PRIMARY KEY (id)");
	if (wanted->foreign_key)
		compare_constraint(wanted, "foreign key", CONSTRAINT_FOREIGN,
						   OWNER_COLUMN, wanted->foreign_key);
	if (spec->check)
		compare_constraint(wanted,
						   psprintf("check of \"%s\"", spec->check_column),
						   CONSTRAINT_CHECK, spec->check_column, spec->check);
	for (int i = 0; i < MAX_INDEXES && spec->indexes[i].label; i++)
		compare_index(wanted, &spec->indexes[i]);
}

/* The words of find_column(), which but for a sequence are those of SQL. */
char *
chatmig_difference_column(const Wanted *wanted, const ColumnSpec *column)
{
	const char *type = column->type;

	if (wanted->owner_type && strcmp(column->name, OWNER_COLUMN) == 0)
		type = wanted->owner_type;
	return psprintf("%s%s%s%s%s", type, column->not_null ? " NOT NULL" : "",
					column->from_sequence ? " from a sequence" : "",
					column->default_value ? " DEFAULT " : "",
					column->default_value ? column->default_value : "");
}

char *
chatmig_difference_text(const char *sql, const QueryArgs *args)
{
	bool isnull;
	Datum value = chatmig_query_value(sql, args, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static void
compare_column(const Wanted *wanted, const ColumnSpec *column)
{
	report_compared(wanted, psprintf("column \"%s\"", column->name),
					chatmig_difference_column(wanted, column),
					find_column(wanted->relid, column->name));
}

/* NULL if there is no such column. */
static char *
find_column(Oid relid, const char *name)
{
	QueryArgs args = {0};

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	chatmig_query_text_arg(&args, name);
	return chatmig_difference_text(column_sql, &args);
}

static void
report_extra(const Wanted *wanted)
{
	const TableSpec *spec = wanted->spec;
	QueryArgs args = {0};
	List *names;
	ListCell *lc;

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(wanted->relid), false);
	names = chatmig_query_list("SELECT attname FROM pg_attribute"
							   " WHERE attrelid = $1 AND attnum > 0"
							   " AND NOT attisdropped ORDER BY attnum",
							   &args);
	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		bool known = false;

		for (int i = 0; i < MAX_COLUMNS && spec->columns[i].name; i++)
			known |= strcmp(spec->columns[i].name, name) == 0;
		if (!known)
			wanted->report(psprintf("column \"%s\"", name), "extra",
						   find_column(wanted->relid, name), wanted->state);
	}
}

static void
compare_constraint(const Wanted *wanted, const char *object, char type,
				   const char *column, const char *expected)
{
	QueryArgs args = {0};
	char *found;

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(wanted->relid), false);
	chatmig_query_arg(&args, CHAROID, CharGetDatum(type), false);
	chatmig_query_text_arg(&args, column);
	chatmig_query_text_arg(&args, expected);
	found = chatmig_difference_text(constraint_sql, &args);
	report_compared(wanted, object, expected, found);
}

static void
compare_index(const Wanted *wanted, const IndexSpec *index)
{
	QueryArgs args = {0};
	char *object = psprintf("index on (%s)", index->columns);
	char *name;

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(wanted->relid), false);
	chatmig_query_text_arg(&args, index->columns);
	name = chatmig_difference_text(index_sql, &args);
	if (name == NULL)
		wanted->report(object, "missing",
					   "expected a btree index on these columns",
					   wanted->state);
	else
		wanted->report(object, wanted->created ? "created" : "exists", name,
					   wanted->state);
}

static void
report_compared(const Wanted *wanted, const char *object, const char *expected,
				const char *found)
{
	if (found == NULL)
		wanted->report(object, "missing", psprintf("expected %s", expected),
					   wanted->state);
	else if (strcmp(expected, found) != 0)
		wanted->report(object, "differs",
					   psprintf("expected %s, found %s", expected, found),
					   wanted->state);
	else
		wanted->report(object, wanted->created ? "created" : "exists", found,
					   wanted->state);
}
