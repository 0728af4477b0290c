/*
 * report.c
 *	  What chatmig_plan() says: the steps of a migration before it is run.
 *
 * In: a plan and the result of its rehearsal. Out: steps, with exact numbers
 * of rows, estimated bytes, and the lock that each step takes. Reads catalogs
 * alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "reference.h"
#include "report.h"

/* Bytes of a row beside its texts, tuple header and line pointer included. */
#define CONVERSATION_BYTES 180
#define MESSAGE_BYTES 110
#define MEDIUM_BYTES 160
#define TRACE_BYTES 110
/* Bytes of all index entries of a row. */
#define CONVERSATION_INDEX_BYTES 70
#define MESSAGE_INDEX_BYTES 110
#define MEDIUM_INDEX_BYTES 70
#define TRACE_INDEX_BYTES 30

typedef struct ReportState
{
	const MigrationPlan *plan;
	const MigrateResult *result;
	ReportStep step;
	void *step_state;
} ReportState;

static void report_source(const ReportState *report);
static void report_left(const ReportState *report);
static void report_rows(const ReportState *report, const char *action,
						int64 rows, const char *note);
static void report_tables(const ReportState *report);
static void report_links(const ReportState *report);
static void report_table(const ReportState *report, TargetTable table,
						 int64 rows, int64 bytes);
static bool changes_rows(Oid relid, bool is_updated);
static void report_keys(const ReportState *report, TargetTable table,
						int64 bytes);
static void report_references(const ReportState *report);

void
chatmig_report_plan(const MigrationPlan *plan, const MigrateResult *result,
					ReportStep step, void *state)
{
	const RunCounts *counts = &result->counts;
	ReportState report = {plan, result, step, state};
	ListCell *lc;

	report_source(&report);
	if (plan->mapping->nleft > 0)
		report_left(&report);
	if (counts->already > 0)
		report_rows(&report, "leave", counts->already, "migrated already");
	if (counts->skipped > 0)
		report_rows(
			&report, "skip", counts->skipped,
			plan->in_place
				? "the application's own: in a conversation already, or written since the first run; chatmig_migrate(..., force => true) takes the latter, too"
				: "their owners have conversations already; chatmig_migrate(..., force => true) migrates them, too");
	if (counts->empty > 0)
		report_rows(&report, "leave", counts->empty,
					"no message in it: all halves are NULL or ''");
	foreach(lc, result->rejects)
	{
		RejectSummary *summary = lfirst(lc);

		report_rows(&report, "reject", summary->number,
					psprintf("%s; the first has the key %s: %s", summary->code,
							 summary->first_key, summary->first_reason));
	}
	if (result->nrejects > plan->options.max_rejects)
		report_rows(
			&report, "stop", result->nrejects,
			psprintf(
				"more rejected rows than max_rejects, which is %lld: chatmig_migrate() will change nothing",
				(long long) plan->options.max_rejects));
	report_tables(&report);
}

static void
report_source(const ReportState *report)
{
	Oid source = report->plan->source;
	char kind = get_rel_relkind(source);
	PlanStep step = {
		.object = report->plan->source_name,
		.action = "read",
		.rows = report->result->counts.legacy_rows,
		.bytes = -1,
		.lock = "ACCESS SHARE",
		.note =
			"in one snapshot; rows can be read and written meanwhile, DDL waits"};

	if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW)
		step.bytes = DatumGetInt64(
			DirectFunctionCall1(pg_table_size, ObjectIdGetDatum(source)));
	report->step(&step, report->step_state);
}

static void
report_left(const ReportState *report)
{
	const Mapping *mapping = report->plan->mapping;
	StringInfoData note;

	initStringInfo(&note);
	appendStringInfoString(&note, "columns that \"keep\" does not name:");
	for (int i = 0; i < mapping->nleft; i++)
		appendStringInfo(&note, "%s %s", i > 0 ? "," : "",
						 quote_identifier(mapping->left[i].name));
	report_rows(report, "leave behind", -1, note.data);
}

static void
report_rows(const ReportState *report, const char *action, int64 rows,
			const char *note)
{
	PlanStep step = {.object = report->plan->source_name,
					 .action = action,
					 .rows = rows,
					 .bytes = -1,
					 .note = note};

	report->step(&step, report->step_state);
}

static void
report_tables(const ReportState *report)
{
	const MigrationPlan *plan = report->plan;
	const RunCounts *counts = &report->result->counts;
	const struct
	{
		int64 rows;
		int64 row_bytes;
		int64 index_bytes;
	} sizes[TARGET_OWNERS] = {
		[TARGET_CONVERSATIONS] = {counts->conversations, CONVERSATION_BYTES,
								  CONVERSATION_INDEX_BYTES},
		[TARGET_MESSAGES] = {counts->messages, MESSAGE_BYTES,
							 MESSAGE_INDEX_BYTES},
		[TARGET_MEDIA] = {counts->media, MEDIUM_BYTES, MEDIUM_INDEX_BYTES},
		[TARGET_TRACE] = {counts->migrated, TRACE_BYTES, TRACE_INDEX_BYTES}};

	for (TargetTable table = 0; table < TARGET_OWNERS; table++)
		if (plan->uses[table])
			report_table(report, table, sizes[table].rows,
						 sizes[table].rows * sizes[table].row_bytes +
							 (table == TARGET_MESSAGES && !plan->in_place
								  ? report->result->content_bytes
								  : 0));
	report_links(report);
	if (plan->migrated)
		return;
	for (TargetTable table = 0; table < TARGET_OWNERS; table++)
		if (plan->uses[table])
			report_keys(report, table,
						sizes[table].rows * sizes[table].index_bytes);
	report_references(report);
}

/* How many rows will be linked is known when the conversations are there. */
static void
report_links(const ReportState *report)
{
	ListCell *lc;

	foreach(lc, report->plan->links)
	{
		const LinkTable *link = lfirst(lc);
		PlanStep step = {
			.object = link->qualified,
			.action = "link",
			.rows = -1,
			.bytes = -1,
			.lock = "ROW EXCLUSIVE",
			.note = psprintf(
				"rows whose \"%s\" is NULL get the conversation of their owner; who changes one of them waits",
				link->conversation.name)};

		report->step(&step, report->step_state);
	}
}

static void
report_table(const ReportState *report, TargetTable table, int64 rows,
			 int64 bytes)
{
	bool exists = OidIsValid(report->plan->tables[table]);
	bool stays = table == TARGET_MESSAGES && report->plan->in_place;
	PlanStep step = {.object = report->plan->qualified[table],
					 .action = stays    ? "put into conversations"
							   : exists ? "insert"
										: "create and load",
					 .rows = rows,
					 .bytes = bytes,
					 .lock = exists ? "ROW EXCLUSIVE" : "ACCESS EXCLUSIVE",
					 .note = stays ? "rows can be read meanwhile; who changes "
									 "one of them waits"
							 : exists ? "rows can be read and written meanwhile"
									  : "a new table: nobody waits for it"};

	if (exists && changes_rows(report->plan->tables[table], stays))
		step.note = psprintf("%s; the table's own triggers run for each row, "
							 "and can change it",
							 step.note);
	report->step(&step, report->step_state);
}

/* Whether triggers run before a row is updated, or inserted. */
static bool
changes_rows(Oid relid, bool is_updated)
{
	Relation rel = table_open(relid, AccessShareLock);
	const TriggerDesc *triggers = rel->trigdesc;
	bool result =
		triggers != NULL && (is_updated ? triggers->trig_update_before_row
										: triggers->trig_insert_before_row);

	table_close(rel, NoLock); /* nobody alters it before the report is made */
	return result;
}

static void
report_keys(const ReportState *report, TargetTable table, int64 bytes)
{
	PlanStep step = {.object = report->plan->qualified[table],
					 .action = "add keys and indexes",
					 .rows = -1,
					 .bytes = bytes,
					 .lock = "ACCESS EXCLUSIVE",
					 .note = "a new table: nobody waits for it"};

	if (OidIsValid(report->plan->tables[table]))
		return;
	report->step(&step, report->step_state);
}

/* The foreign keys that are copied lock the tables that they refer to. */
static void
report_references(const ReportState *report)
{
	ListCell *lc;

	foreach(lc, chatmig_reference_tables(report->plan))
	{
		PlanStep step = {
			.object = lfirst(lc),
			.action = "refer to it",
			.rows = -1,
			.bytes = -1,
			.lock = "SHARE ROW EXCLUSIVE",
			.note =
				"the last step; its rows can be read meanwhile, writes wait until the transaction ends"};

		report->step(&step, report->step_state);
	}
}
