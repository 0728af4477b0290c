/*
 * validate_definition.c
 *	  What a table had after the first run, and has no more.
 *
 * In: a plan that has been migrated, and what the ledger says each table had.
 * Finds constraints, indexes, NOT NULLs, defaults and triggers that have gone
 * or do not work, and tables that a crash would empty now. Looks at catalogs
 * alone.
 *
 * It may be meant so: all are warnings. Constraints of tables that chatmig has
 * made are in validate_tables.c, and are violations. What a dropped or renamed
 * column took along is not missed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "validation.h"

static void check_table(Validation *validation, TargetTable table);
static char *referred(const MigrationPlan *plan);

void
chatmig_validate_definition(Validation *validation)
{
	if (validation->plan == NULL ||
		!chatmig_validate_wants(validation, CHECK_CONSTRAINTS, CHECK_INDEXES))
		return;
	for (TargetTable table = 0; table < NUM_TARGETS; table++)
		if (validation->plan->uses[table] &&
			validation->targets.definition[table] != NULL)
			check_table(validation, table);
}

/*
 * $1 is what it had, $2 the table. A constraint may have another name, or other
 * columns under its old name; a unique index does what a unique constraint
 * does.
 */
#define SAME_COLUMNS                                                           \
	"(SELECT array_agg(a.attname::text ORDER BY a.attname) "                   \
	"FROM pg_attribute AS a WHERE a.attrelid = c.conrelid "                    \
	"AND a.attnum = ANY (c.conkey)) = d.columns"
#define IS_ENFORCED                                                            \
	"c.convalidated AND NOT EXISTS (SELECT FROM pg_trigger AS g "              \
	"WHERE g.tgconstraint = c.oid AND g.tgenabled = 'D')"
#define IS_MISSING                                                             \
	"CASE d.kind WHEN 'constraint' THEN NOT EXISTS (SELECT "                   \
	"FROM pg_constraint AS c WHERE c.conrelid = $2 "                           \
	"AND c.contype::text || btrim(c.confdeltype::text) = d.type "              \
	"AND (c.conname = d.name OR " SAME_COLUMNS ") AND " IS_ENFORCED ") "       \
	"AND NOT (d.type IN ('p', 'u') AND EXISTS (SELECT FROM i "                 \
	"WHERE i.is_unique AND i.sorted = d.columns)) "                            \
	"WHEN 'index' THEN NOT EXISTS (SELECT FROM i "                             \
	"WHERE i.name = d.name OR i.columns = d.columns) "                         \
	"WHEN 'not_null' THEN EXISTS (SELECT FROM pg_attribute AS a "              \
	"WHERE a.attrelid = $2 AND a.attname = d.name AND NOT a.attnotnull) "      \
	"WHEN 'default' THEN EXISTS (SELECT FROM pg_attribute AS a "               \
	"WHERE a.attrelid = $2 AND a.attname = d.name AND NOT a.atthasdef "        \
	"AND a.attidentity = '') "                                                 \
	"WHEN 'logged' THEN EXISTS (SELECT FROM pg_class AS r "                    \
	"WHERE r.oid = $2 AND r.relpersistence = 'u') "                            \
	"ELSE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = $2 "       \
	"AND g.tgname = d.name AND NOT g.tgisinternal AND g.tgenabled <> 'D') END"

/*
 * Of tables that chatmig has made: what validate_tables.c does not look at, or
 * finds in order. There a foreign key may still delete other rows than before.
 * The first %s is where it may lead.
 */
#define IS_ELSEWHERE                                                           \
	"(d.kind = 'constraint' AND NOT (left(d.type, 1) = 'f' "                   \
	"AND EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = $2 "        \
	"AND c.contype = 'f' AND " SAME_COLUMNS " AND " IS_ENFORCED                \
	" AND c.confrelid IN (%s))) OR d.kind = 'index' AND %s)"

static void
check_table(Validation *validation, TargetTable table)
{
	const MigrationPlan *plan = validation->plan;
	char *elsewhere =
		plan->created[table]
			? psprintf(IS_ELSEWHERE, referred(plan),
					   table == TARGET_CONVERSATIONS ? "true" : "false")
			: "false";
	QueryArgs args = {0};

	chatmig_query_arg(&args, JSONBOID,
					  JsonbPGetDatum(validation->targets.definition[table]),
					  false);
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(plan->tables[table]),
					  false);
	chatmig_validate_query(
		validation,
		psprintf(
			"WITH d AS (SELECT d.* FROM jsonb_to_recordset($1) "
			"AS d (kind text, name text, type text, columns text[])), "
			"i AS (SELECT r.relname::text AS name, i.indisunique "
			"AND i.indpred IS NULL AND i.indexprs IS NULL AS is_unique, "
			"array_agg(a.attname::text ORDER BY k) AS columns, "
			"array_agg(a.attname::text ORDER BY a.attname) AS sorted "
			"FROM pg_index AS i JOIN pg_class AS r ON r.oid = i.indexrelid "
			"CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k "
			"LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
			"AND a.attnum = i.indkey[k] WHERE i.indrelid = $2 "
			/* one that is not valid is spoken of elsewhere */
			"GROUP BY i.indexrelid, r.relname) "
			"SELECT CASE d.kind WHEN 'index' THEN %d ELSE %d END, %d, "
			"NULL::text, NULL::text, NULL::text, "
			"format(CASE d.kind "
			"WHEN 'constraint' THEN '%%s had the constraint %%I on (%%s) when "
			"it was first migrated into; now it is not there, not valid, not "
			"enforced, or deletes otherwise.' "
			"WHEN 'index' THEN '%%s had the index %%I on (%%s) when it was "
			"first migrated into, and has none like it now.' "
			"WHEN 'not_null' THEN 'In %%s, column %%I was NOT NULL when it was "
			"first migrated into, and is not now.' "
			"WHEN 'default' THEN 'In %%s, column %%I had a default when it was "
			"first migrated into, and has none now.' "
			"WHEN 'logged' THEN '%%s is UNLOGGED, which it was not when it was "
			"first migrated into: a crash of the server empties it.' "
			"ELSE '%%s had the trigger %%I when it was first migrated into; "
			"now it is not there, or disabled.' END, $2::regclass, d.name, "
			"array_to_string(d.columns, ', ', '...')) "
			"FROM d WHERE NOT %s AND " IS_MISSING " "
			"AND NOT EXISTS (SELECT FROM unnest(d.columns) AS u (name) "
			"WHERE u.name IS NOT NULL AND NOT EXISTS (SELECT "
			"FROM pg_attribute AS a WHERE a.attrelid = $2 "
			"AND a.attname = u.name AND NOT a.attisdropped)) "
			"ORDER BY d.kind, d.name",
			CHECK_INDEXES, CHECK_CONSTRAINTS, CHECK_WARNING, elsewhere),
		&args);
}

/* OIDs of what the tables refer to: each other, and what the source does. */
static char *
referred(const MigrationPlan *plan)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (TargetTable i = 0; i < NUM_ID_TARGETS; i++)
		if (plan->uses[i])
			appendStringInfo(&sql, "SELECT %u::oid UNION ALL ",
							 plan->tables[i]);
	appendStringInfo(&sql,
					 "SELECT k.confrelid FROM pg_constraint AS k "
					 "WHERE k.conrelid = %u AND k.contype = 'f'",
					 plan->source);
	return sql.data;
}
