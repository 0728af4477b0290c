/*
 * validate_target.c
 *	  What the new tables need beside their rows.
 *
 * In: a plan that has been migrated. Finds sequences that would give an id
 * again, rights and row security of the old table that the new ones lack, and
 * tables of which the planner knows nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "validation.h"

static void check_sequence(Validation *validation, TargetTable table);
static void check_rights(Validation *validation);
static void check_statistics(Validation *validation);
static char *tables(const MigrationPlan *plan);
static char *created(const MigrationPlan *plan);

void
chatmig_validate_target(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;

	if (plan == NULL)
		return;
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->uses[table] &&
			(plan->id_types[table] == INT4OID ||
			 plan->id_types[table] == INT8OID) &&
			chatmig_validate_wants(validation, CHECK_SEQUENCES,
								   CHECK_SEQUENCES))
			check_sequence(validation, table);
	if (chatmig_validate_wants(validation, CHECK_RIGHTS, CHECK_RIGHTS))
		check_rights(validation);
	if (chatmig_validate_wants(validation, CHECK_STATISTICS, CHECK_STATISTICS))
		check_statistics(validation);
}

/* The next number must be beyond all ids, in the sequence's direction. */
static void
check_sequence(Validation *validation, TargetTable table)
{
	const MigrationPlan *plan = validation->plan;
	const char *column =
		plan->fields[table] == NULL ? "id" : plan->fields[table][FIELD_ID].name;
	QueryArgs args = {0};
	bool isnull;
	Datum sequence;

	chatmig_query_text_arg(&args, plan->qualified[table]);
	chatmig_query_text_arg(&args, column);
	sequence = chatmig_query_value(
		"SELECT s.name FROM pg_get_serial_sequence($1, $2) AS s (name) "
		"WHERE has_sequence_privilege(s.name, 'SELECT')",
		&args, &isnull);
	if (isnull)
		return;
	chatmig_validate_query(
		validation,
		psprintf(
			"SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('The sequence %%s would give %%s, and %%s has ids up to "
			"%%s.', %s, n.next, %s, m.id) FROM (SELECT s.last_value + "
			"CASE WHEN s.is_called THEN p.seqincrement ELSE 0 END AS next, "
			"p.seqincrement > 0 AS is_up FROM %s AS s, pg_sequence AS p "
			"WHERE p.seqrelid = %s::regclass) AS n, LATERAL (SELECT "
			"CASE WHEN n.is_up THEN max(x.id) ELSE min(x.id) END AS id "
			"FROM %s AS x) AS m WHERE CASE WHEN n.is_up THEN m.id >= n.next "
			"ELSE m.id <= n.next END",
			CHECK_SEQUENCES, CHECK_VIOLATION,
			quote_literal_cstr(TextDatumGetCString(sequence)),
			quote_literal_cstr(plan->qualified[table]),
			TextDatumGetCString(sequence),
			quote_literal_cstr(TextDatumGetCString(sequence)),
			plan->relation[table]),
		NULL);
}

/* Who read the old table wants to read the new ones, and no more than that. */
static void
check_rights(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	char *list = tables(plan);
	QueryArgs args = {0};

	if (plan->in_place)
		return;
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(plan->source), false);
	chatmig_validate_query(
		validation,
		psprintf(
			"SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s has row security, and %%s has none.', "
			"s.oid::regclass, t.oid::regclass) "
			"FROM pg_class AS s, pg_class AS t WHERE s.oid = $1 "
			"AND t.oid IN (%s) AND s.relrowsecurity AND NOT t.relrowsecurity "
			"UNION ALL SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s belongs to %%I, and %%s to %%I.', s.oid::regclass, "
			"pg_get_userbyid(s.relowner), t.oid::regclass, "
			"pg_get_userbyid(t.relowner)) "
			"FROM pg_class AS s, pg_class AS t WHERE s.oid = $1 "
			"AND t.oid IN (%s) AND s.relowner <> t.relowner "
			"UNION ALL SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s has row security for its owner, too, and %%s has "
			"not.', s.oid::regclass, t.oid::regclass) "
			"FROM pg_class AS s, pg_class AS t WHERE s.oid = $1 "
			"AND t.oid IN (%s) AND s.relrowsecurity AND s.relforcerowsecurity "
			"AND t.relrowsecurity AND NOT t.relforcerowsecurity "
			"UNION ALL SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s has row security with policies, and %%s has no "
			"policy.', s.oid::regclass, t.oid::regclass) "
			"FROM pg_class AS s, pg_class AS t WHERE s.oid = $1 "
			"AND t.oid IN (%s) AND s.relrowsecurity AND t.relrowsecurity "
			"AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = s.oid) "
			"AND NOT EXISTS (SELECT FROM pg_policy AS p "
			"WHERE p.polrelid = t.oid) "
			"UNION ALL SELECT DISTINCT %d, %d, NULL::text, NULL::text, "
			"NULL::text, format('%%s may %%s columns of %%s, and none of "
			"%%s.', coalesce(r.rolname, 'Everybody'), a.privilege_type, "
			"s.oid::regclass, t.oid::regclass) FROM pg_class AS s "
			"JOIN pg_attribute AS c ON c.attrelid = s.oid "
			"AND NOT c.attisdropped "
			"CROSS JOIN LATERAL aclexplode(c.attacl) AS a "
			"LEFT JOIN pg_roles AS r ON r.oid = a.grantee "
			"CROSS JOIN pg_class AS t WHERE s.oid = $1 AND t.oid IN (%s) "
			"AND a.grantee <> s.relowner "
			"AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE') "
			"AND NOT CASE WHEN a.grantee = 0 THEN EXISTS (SELECT "
			"FROM (SELECT t.relacl UNION ALL SELECT b.attacl "
			"FROM pg_attribute AS b WHERE b.attrelid = t.oid) AS l (acl), "
			"aclexplode(l.acl) AS b WHERE b.grantee = 0 "
			"AND b.privilege_type = a.privilege_type) "
			"ELSE has_any_column_privilege(a.grantee, t.oid, "
			"a.privilege_type) END "
			"UNION ALL SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s may %%s %%s, and not %%s.', "
			"coalesce(r.rolname, 'Everybody'), a.privilege_type, "
			"s.oid::regclass, t.oid::regclass) "
			"FROM pg_class AS s CROSS JOIN LATERAL aclexplode(s.relacl) AS a "
			"LEFT JOIN pg_roles AS r ON r.oid = a.grantee "
			"CROSS JOIN pg_class AS t WHERE s.oid = $1 AND t.oid IN (%s) "
			"AND a.grantee <> s.relowner "
			"AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') "
			"AND NOT CASE WHEN a.grantee = 0 THEN EXISTS (SELECT "
			"FROM aclexplode(t.relacl) AS b WHERE b.grantee = 0 "
			"AND b.privilege_type = a.privilege_type) "
			"ELSE has_table_privilege(a.grantee, t.oid, a.privilege_type) END "
			"ORDER BY 6",
			CHECK_RIGHTS, CHECK_WARNING, list, CHECK_RIGHTS, CHECK_WARNING,
			created(plan), CHECK_RIGHTS, CHECK_WARNING, list, CHECK_RIGHTS,
			CHECK_WARNING, list, CHECK_RIGHTS, CHECK_WARNING, list,
			CHECK_RIGHTS, CHECK_WARNING, list),
		&args);
}

static void
check_statistics(Validation *validation)
{
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('%%s has never been analyzed.', t.oid::regclass) "
				 "FROM pg_class AS t WHERE t.oid IN (%s) "
				 "AND t.relkind IN ('r', 'p') AND t.reltuples < 0 ORDER BY 6",
				 CHECK_STATISTICS, CHECK_INFO, tables(validation->plan)),
		NULL);
}

/* The OIDs of those that hold conversations, messages and media. */
static char *
tables(const MigrationPlan *plan)
{
	StringInfoData list;

	initStringInfo(&list);
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->uses[table])
			appendStringInfo(&list, "%s%u", list.len > 0 ? ", " : "",
							 plan->tables[table]);
	return list.data;
}

/* Those of them that chatmig has made. */
static char *
created(const MigrationPlan *plan)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfoString(&list, "0");
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (plan->uses[table] && plan->created[table])
			appendStringInfo(&list, ", %u", plan->tables[table]);
	return list.data;
}
