/*
 * validate_ledger.c
 *	  chatmig's own records against the tables, and whose the tables are.
 *
 * In: what the ledger says. Finds tables of a migration, or their sequences
 * and types, that are members of an extension, and numbers of rows that are
 * not those that the runs have recorded.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "validation.h"

static void check_members(Validation *validation);
static void check_counts(Validation *validation);

void
chatmig_validate_ledger(Validation *validation)
{
	if (!validation->targets.migrated)
		return;
	if (chatmig_validate_wants(validation, CHECK_EXTENSION_MEMBERS,
							   CHECK_EXTENSION_MEMBERS))
		check_members(validation);
	if (validation->plan != NULL &&
		chatmig_validate_wants(validation, CHECK_LEDGER, CHECK_LEDGER))
		check_counts(validation);
}

/*
 * Of any extension for the tables that were migrated into; of chatmig for the
 * legacy table, which may well be somebody else's.
 */
static void
check_members(Validation *validation)
{
	StringInfoData tables;

	initStringInfo(&tables);
	appendStringInfo(&tables, "%u", validation->source);
	for (TargetTable i = 0; i < NUM_TARGETS; i++)
		if (OidIsValid(validation->targets.tables[i]))
			appendStringInfo(&tables, ", %u", validation->targets.tables[i]);
	chatmig_validate_query(
		validation,
		psprintf(
			"WITH r AS (SELECT c.oid, c.oid AS relation FROM pg_class AS c "
			"WHERE c.oid IN (%s)), "
			"o AS (SELECT 'pg_class'::regclass AS classid, r.oid AS objid, "
			"r.relation FROM r "
			"UNION SELECT d.classid, d.objid, r.relation FROM r "
			"JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass "
			"AND d.refobjid = r.oid AND d.deptype IN ('a', 'i') "
			"UNION SELECT 'pg_type'::regclass, t.oid, r.relation FROM r "
			"JOIN pg_type AS t ON t.typrelid = r.oid) "
			"SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
			"format('%%s is a member of the extension %%I.', "
			"pg_describe_object(d.classid, d.objid, 0), x.extname) "
			"FROM o JOIN pg_depend AS d ON d.classid = o.classid "
			"AND d.objid = o.objid AND d.deptype = 'e' "
			"AND d.refclassid = 'pg_extension'::regclass "
			"JOIN pg_extension AS x ON x.oid = d.refobjid "
			"WHERE o.relation <> %u OR x.extname = 'chatmig'",
			tables.data, CHECK_EXTENSION_MEMBERS, CHECK_VIOLATION,
			validation->source),
		NULL);
}

static void
check_counts(Validation *validation)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, validation->name);
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('%%s has %%s rows; the runs have migrated %%s.', "
				 "%s, t.rows, s.migrated) "
				 "FROM %s.chatmig_status AS s, "
				 "(SELECT count(*) AS rows FROM %s) AS t "
				 "WHERE s.migration = $1 AND s.migrated <> t.rows",
				 CHECK_LEDGER, CHECK_VIOLATION,
				 quote_literal_cstr(validation->plan->qualified[TARGET_TRACE]),
				 chatmig_ledger_schema(),
				 validation->plan->qualified[TARGET_TRACE]),
		&args);
}
