/*
 * validate_tables.c
 *	  The tables of a migration: what keeps them right and quick.
 *
 * In: a plan. Finds constraints that chatmig made and that are gone, not valid
 * or not enforced, and indexes that are gone or not valid. Looks at catalogs
 * alone.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "validation.h"

static void check_constraints(Validation *validation);
static void expect(StringInfo values, const MigrationPlan *plan,
				   TargetTable table, char kind, const char *columns,
				   TargetTable target);
static void expect_foreign_keys(StringInfo values, const MigrationPlan *plan);
static void check_indexes(Validation *validation);
static char *trace_keys(const MigrationPlan *plan);
static char *array_of_name(const char *name);

/* No table is referred to. */
#define NO_TARGET NUM_TARGETS

void
chatmig_validate_tables(Validation *validation)
{
	if (validation->plan == NULL)
		return;
	if (chatmig_validate_wants(validation, CHECK_CONSTRAINTS,
							   CHECK_CONSTRAINTS))
		check_constraints(validation);
	if (chatmig_validate_wants(validation, CHECK_INDEXES, CHECK_INDEXES))
		check_indexes(validation);
}

/* A unique index does what a unique constraint does. */
static void
check_constraints(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	StringInfoData values;

	initStringInfo(&values);
	expect(&values, plan, TARGET_CONVERSATIONS, 'p', "ARRAY['id']", NO_TARGET);
	expect(&values, plan, TARGET_MESSAGES, 'p', "ARRAY['id']", NO_TARGET);
	expect(&values, plan, TARGET_MESSAGES, 'u',
		   "ARRAY['conversation_id', 'position']", NO_TARGET);
	expect(&values, plan, TARGET_MESSAGES, 'c', "ARRAY['role']", NO_TARGET);
	expect(&values, plan, TARGET_MESSAGES, 'f', "ARRAY['conversation_id']",
		   TARGET_CONVERSATIONS);
	expect(&values, plan, TARGET_MESSAGES, 'f', "ARRAY['reply_to_id']",
		   TARGET_MESSAGES);
	if (plan->has_media)
	{
		expect(&values, plan, TARGET_MESSAGES, 'f', "ARRAY['media_id']",
			   TARGET_MEDIA);
		expect(&values, plan, TARGET_MEDIA, 'p', "ARRAY['id']", NO_TARGET);
	}
	expect(&values, plan, TARGET_TRACE, 'p', trace_keys(plan), NO_TARGET);
	expect_foreign_keys(&values, plan);
	if (values.len == 0)
		return;

	chatmig_validate_query(
		validation,
		psprintf(
			"WITH e AS (%s), i AS (SELECT i.indrelid, i.indisprimary, "
			"array_agg(a.attname::text ORDER BY a.attname) AS columns "
			"FROM pg_index AS i JOIN pg_attribute AS a "
			"ON a.attrelid = i.indrelid "
			"AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
			"WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL "
			"AND i.indexprs IS NULL "
			"AND i.indrelid IN (SELECT e.relation FROM e) "
			"GROUP BY i.indexrelid) "
			"SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"CASE WHEN c.oid IS NULL THEN format('%%s has no %%s on (%%s)%%s.', "
			"e.relation::regclass, CASE e.kind WHEN 'p' THEN 'primary key' "
			"WHEN 'u' THEN 'unique constraint' WHEN 'c' THEN "
			"'check constraint' ELSE 'foreign key' END, "
			"array_to_string(e.columns, ', '), "
			"' that refers to ' || e.target::regclass) "
			"ELSE format('Constraint %%I of %%s is not %%s.', c.conname, "
			"e.relation::regclass, CASE WHEN c.is_enforced THEN 'valid' "
			"ELSE 'enforced: its triggers are disabled' END) END "
			"FROM e LEFT JOIN LATERAL (SELECT c.oid, c.conname, "
			"c.convalidated, NOT EXISTS (SELECT FROM pg_trigger AS g "
			"WHERE g.tgconstraint = c.oid AND g.tgenabled = 'D') "
			"AS is_enforced FROM pg_constraint AS c "
			"WHERE c.conrelid = e.relation AND c.contype = e.kind "
			"AND (e.target IS NULL OR c.confrelid = e.target) "
			"AND e.columns = (SELECT array_agg(a.attname::text "
			"ORDER BY a.attname) FROM pg_attribute AS a "
			"WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) "
			"ORDER BY c.convalidated DESC, is_enforced DESC LIMIT 1) "
			"AS c ON true "
			"WHERE (c.oid IS NULL OR c.convalidated < e.is_valid "
			"OR NOT c.is_enforced) "
			"AND NOT (e.kind IN ('p', 'u') AND EXISTS (SELECT FROM i "
			"WHERE i.indrelid = e.relation AND i.columns = e.columns "
			"AND (e.kind = 'u' OR i.indisprimary)))",
			values.data, CHECK_CONSTRAINTS, CHECK_VIOLATION),
		NULL);
}

/* columns is SQL: a sorted array of names. Only of what chatmig has made. */
static void
expect(StringInfo values, const MigrationPlan *plan, TargetTable table,
	   char kind, const char *columns, TargetTable target)
{
	char *target_oid =
		target == NO_TARGET ? "NULL" : psprintf("%u", plan->tables[target]);

	if (!plan->created[table])
		return;
	appendStringInfo(values,
					 "%sSELECT %u::oid AS relation, '%c'::\"char\" AS kind, "
					 "%s AS columns, %s::oid AS target, true AS is_valid",
					 values->len > 0 ? " UNION ALL " : "", plan->tables[table],
					 kind, columns, target_oid);
}

/* The owner's and the counterpart's are those of the legacy table. */
static void
expect_foreign_keys(StringInfo values, const MigrationPlan *plan)
{
	const struct
	{
		TargetTable table;
		const char *column;
		Part part;
	} keys[] = {
		{TARGET_CONVERSATIONS, plan->owner_column, PART_OWNER},
		{TARGET_CONVERSATIONS, plan->counterpart_column, PART_COUNTERPART},
		{TARGET_MEDIA, plan->has_media ? plan->owner_column : NULL, PART_OWNER},
	};

	for (int i = 0; i < lengthof(keys); i++)
		if (keys[i].column != NULL && plan->created[keys[i].table])
			appendStringInfo(
				values,
				"%sSELECT %u::oid, 'f'::\"char\", %s, c.confrelid, "
				"c.convalidated FROM pg_constraint AS c "
				"WHERE c.conrelid = %u AND c.contype = 'f' "
				"AND c.conkey = ARRAY[%d]::int2[]",
				values->len > 0 ? " UNION ALL " : "",
				plan->tables[keys[i].table], array_of_name(keys[i].column),
				plan->source, plan->mapping->parts[keys[i].part].attnum);
}

/* One that is gone makes queries slow, one that is not valid may be wrong. */
static void
check_indexes(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	StringInfoData tables;

	initStringInfo(&tables);
	for (TargetTable i = 0; i < NUM_TARGETS; i++)
		if (OidIsValid(plan->tables[i]))
			appendStringInfo(&tables, "%s%u", tables.len > 0 ? ", " : "",
							 plan->tables[i]);
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('Index %%s of %%s is not valid.', "
				 "i.indexrelid::regclass, i.indrelid::regclass) "
				 "FROM pg_index AS i WHERE i.indrelid IN (%s) "
				 "AND NOT (i.indisvalid AND i.indisready AND i.indislive)",
				 CHECK_INDEXES, CHECK_VIOLATION, tables.data),
		NULL);

	if (!plan->created[TARGET_CONVERSATIONS])
		return;
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('%%s has no index for the latest conversations%%s.', "
				 "e.relation::regclass, ' by ' || e.columns[1]) "
				 "FROM (SELECT %u::oid AS relation, %s AS columns) AS e "
				 "WHERE NOT EXISTS (SELECT FROM pg_index AS i "
				 "WHERE i.indrelid = e.relation "
				 "AND e.columns || 'updated_at'::text = "
				 "(SELECT array_agg(a.attname::text ORDER BY k) "
				 "FROM generate_series(0, cardinality(e.columns)) AS k "
				 "JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
				 "AND a.attnum = i.indkey[k]))",
				 CHECK_INDEXES, CHECK_WARNING,
				 plan->tables[TARGET_CONVERSATIONS],
				 plan->owner_column ? array_of_name(plan->owner_column)
									: "ARRAY[]::text[]"),
		NULL);
}

static char *
trace_keys(const MigrationPlan *plan)
{
	StringInfoData array;

	initStringInfo(&array);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&array, "%s'key_%d'", i > 0 ? ", " : "ARRAY[", i + 1);
	return psprintf("%s]", array.data);
}

static char *
array_of_name(const char *name)
{
	return psprintf("ARRAY[%s::text]", quote_literal_cstr(name));
}
