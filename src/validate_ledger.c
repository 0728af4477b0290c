/*
 * validate_ledger.c
 *	  chatmig's own records against the tables, and whose the tables are.
 *
 * In: what the ledger says. Finds tables of a migration, or their sequences
 * and types, that are members of an extension, numbers of rows that are not
 * those that the runs have recorded, and transactions that nobody has ended.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "validation.h"

static void check_members(Validation *validation);
static void check_counts(Validation *validation);
static void check_leftovers(Validation *validation);
static char *relations(const Validation *validation);
static char *traced_conversations(const MigrationPlan *plan);
static char *replaced_conversations(const MigrationPlan *plan);

void
chatmig_validate_ledger(Validation *validation)
{
	if (chatmig_validate_wants(validation, CHECK_LEFTOVERS, CHECK_LEFTOVERS))
		check_leftovers(validation);
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
 * legacy table, which may well be somebody else's. The type of a table's rows
 * can be left behind as a member; where the table is one, that says it all.
 */
static void
check_members(Validation *validation)
{
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
			"WHERE (o.relation <> %u OR x.extname = 'chatmig') "
			"AND (o.classid <> 'pg_type'::regclass OR NOT EXISTS ("
			"SELECT FROM pg_depend AS t WHERE t.classid = 'pg_class'::regclass "
			"AND t.objid = o.relation AND t.deptype = 'e'))",
			relations(validation), CHECK_EXTENSION_MEMBERS, CHECK_VIOLATION,
			validation->source),
		NULL);
}

/*
 * What the trace says has been made, all runs together, and whether the times
 * of the runs can be: they are those at which transactions began, and these may
 * have waited. Where rows are missing, what they made is, too. A link
 * that was made again is recorded once.
 */
static void
check_counts(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const char *name = quote_literal_cstr(plan->qualified[TARGET_TRACE]);
	char *links = plan->uses[TARGET_LINKS]
					  ? psprintf("(SELECT count(*) FROM %s)",
								 plan->qualified[TARGET_LINKS])
					  : "0::bigint";
	const TraceCounts *counts = &validation->trace;
	QueryArgs args = {0};

	chatmig_validate_trace(validation);
	chatmig_query_text_arg(&args, validation->name);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(counts->rows), false);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(counts->messages), false);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(counts->media), false);
	chatmig_query_arg(&args, INT8OID, Int64GetDatum(counts->conversations),
					  !counts->has_conversations);
	chatmig_validate_query(
		validation,
		psprintf(
			"SELECT %d, %d, NULL::text, NULL::text, NULL::text, f.detail "
			"FROM %s.chatmig_status AS s, "
			"(VALUES ($2, $3, $4)) AS t (rows, messages, media), "
			"(SELECT coalesce($5, (SELECT count(*) FROM (%s) AS c)) AS n) AS c, "
			"(SELECT %s AS n) AS d, LATERAL (VALUES "
			"(s.migrated <> t.rows, "
			"format('%%s has %%s rows; the runs have migrated %%s.', "
			"%s, t.rows, s.migrated)), "
			"(s.migrated = t.rows AND s.messages <> t.messages, "
			"format('%%s has %%s messages; the runs have made %%s.', "
			"%s, t.messages, s.messages)), "
			"(s.migrated = t.rows AND s.media <> t.media, "
			"format('%%s has %%s media; the runs have made %%s.', "
			"%s, t.media, s.media)), "
			"(s.migrated = t.rows "
			"AND s.conversations NOT BETWEEN c.n AND c.n + d.n, "
			"format('%%s has %%s conversations; the runs have made %%s.', "
			"%s, c.n, s.conversations)), "
			"(s.links < %s OR (s.links > %s AND s.last_run = s.migrated_at), "
			"format('The runs have linked %%s rows; %%s are recorded.', "
			"s.links, %s)), "
			"(s.last_run < s.migrated_at - interval '1 day', "
			"format('The last run (%%s) was before the first (%%s).', "
			"s.last_run, s.migrated_at)), "
			"(NOT isfinite(s.migrated_at) "
			"OR s.migrated_at > clock_timestamp() + interval '1 day', "
			"format('The first run cannot have been at %%s.', "
			"s.migrated_at))) "
			"AS f (fails, detail) WHERE s.migration = $1 AND f.fails",
			CHECK_LEDGER, CHECK_VIOLATION, chatmig_ledger_schema(),
			traced_conversations(plan), replaced_conversations(plan), name,
			name, name, name, links, links, links),
		&args);
}

/*
 * A run is one transaction, and a transaction that was cut off leaves nothing;
 * but one that was prepared waits, for years if need be, and across restarts.
 */
static void
check_leftovers(Validation *validation)
{
	chatmig_validate_query(
		validation,
		psprintf("SELECT DISTINCT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('Transaction %%L, prepared by %%s at %%s, has neither "
				 "been committed nor rolled back, and holds locks on %%s.', "
				 "x.gid, x.owner, x.prepared, l.relation::regclass) "
				 "FROM pg_prepared_xacts AS x JOIN pg_locks AS own "
				 "ON own.transactionid = x.transaction AND own.pid IS NULL "
				 "JOIN pg_locks AS l ON l.pid IS NULL "
				 "AND l.virtualtransaction = own.virtualtransaction "
				 "WHERE x.database = current_database() AND l.database = "
				 "(SELECT d.oid FROM pg_database AS d "
				 "WHERE d.datname = x.database) AND l.relation IN (%s)",
				 CHECK_LEFTOVERS, CHECK_WARNING, relations(validation)),
		NULL);
}

/* The legacy table, and those that were migrated into; with commas. */
static char *
relations(const Validation *validation)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfo(&list, "%u", validation->source);
	for (TargetTable i = 0; i < NUM_TARGETS; i++)
		if (OidIsValid(validation->targets.tables[i]))
			appendStringInfo(&list, ", %u", validation->targets.tables[i]);
	return list.data;
}

/* Conversations that were made: of rows, or of owners without messages. */
static char *
traced_conversations(const MigrationPlan *plan)
{
	return psprintf("SELECT t.conversation_id FROM %s AS t %s",
					plan->qualified[TARGET_TRACE],
					plan->uses[TARGET_OWNERS]
						? psprintf("UNION SELECT t.conversation_id FROM %s "
								   "AS t",
								   plan->qualified[TARGET_OWNERS])
						: "GROUP BY t.conversation_id");
}

/*
 * How many at most were made and are in no trace any more: an owner without
 * messages whose conversation was deleted on purpose has got another one.
 */
static char *
replaced_conversations(const MigrationPlan *plan)
{
	if (!plan->uses[TARGET_OWNERS])
		return pstrdup("0");
	return psprintf("(SELECT count(*) FROM %s.chatmig_deletions AS x "
					"WHERE x.migration = $1 AND NOT EXISTS (SELECT FROM (%s) "
					"AS c WHERE c.conversation_id::text = x.conversation))",
					chatmig_ledger_schema(), traced_conversations(plan));
}
