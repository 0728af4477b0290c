/*
 * proof.c
 *	  Foreign keys between tables that this run has loaded, proven in one pass.
 *
 * In: fresh tables, loaded without a look at their foreign keys. Out: whether
 * these hold. The server would sort or hash all messages once for each of them.
 * But a load leaves conversations and media in the order in which their
 * messages lie, and an answer right behind its question, so that one scan of
 * the tables, side by side, sees for each message whether what it refers to
 * exists. It looks at the rows as they are in the tables, whoever wrote them,
 * and at nothing that the writer remembers. It never says yes without having
 * seen the row that is referred to; where it says no, the server is asked.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "columns.h"
#include "proof.h"

/* A column, and how to compare its values. */
typedef struct ProofColumn
{
	int attnum;
	int16 length;
	bool by_value;
} ProofColumn;

/* A scan of a table, in the order of its pages. */
typedef struct ProofScan
{
	Relation rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	ProofColumn id; /* which nobody can refer to if it is NULL */
} ProofScan;

/* What a column of messages refers to. */
typedef struct ProofReference
{
	int from; /* attribute number in messages */
	ProofScan to;
} ProofReference;

typedef struct Proof
{
	/* fixed */
	ProofScan messages;
	ProofReference references[2]; /* conversations; media, if there are any */
	int nreferences;
	int reply_to; /* attribute number: it refers to messages */
	int last;     /* the last attribute number of all these */

	/* per row */
	Datum before;   /* the id of the message before, ours */
	bool is_before; /* there is one */
} Proof;

static bool prove(Proof *proof);
static void add_reference(Proof *proof, const MigrationPlan *plan, Field field,
						  TargetTable to, Snapshot snapshot);
static void begin_scan(ProofScan *scan, const MigrationPlan *plan,
					   TargetTable table, Snapshot snapshot);
static void end_scan(ProofScan *scan);
static ProofColumn column(const MigrationPlan *plan, TargetTable table,
						  Field field);
static bool holds(Proof *proof);
static bool find(ProofScan *scan, Datum id);
static bool same(const ProofColumn *column, Datum a, Datum b);
static void remember(Proof *proof, Datum id);

bool
chatmig_proof_references(const MigrationPlan *plan)
{
	Snapshot snapshot = GetActiveSnapshot();
	Proof proof = {0};
	bool proven;

	begin_scan(&proof.messages, plan, TARGET_MESSAGES, snapshot);
	if (plan->uses[TARGET_CONVERSATIONS])
		add_reference(&proof, plan, FIELD_CONVERSATION, TARGET_CONVERSATIONS,
					  snapshot);
	if (plan->has_media)
		add_reference(&proof, plan, FIELD_MEDIA, TARGET_MEDIA, snapshot);
	proof.reply_to = column(plan, TARGET_MESSAGES, FIELD_REPLY_TO).attnum;
	proof.last = Max(proof.last, Max(proof.messages.id.attnum, proof.reply_to));
	proven = prove(&proof);
	for (int i = 0; i < proof.nreferences; i++)
		end_scan(&proof.references[i].to);
	end_scan(&proof.messages);
	return proven;
}

static bool
prove(Proof *proof)
{
	while (table_scan_getnextslot(proof->messages.scan, ForwardScanDirection,
								  proof->messages.slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!holds(proof))
			return false;
	}
	return true;
}

static void
add_reference(Proof *proof, const MigrationPlan *plan, Field field,
			  TargetTable to, Snapshot snapshot)
{
	ProofReference *reference = &proof->references[proof->nreferences++];

	Assert(plan->fresh[to]);
	reference->from = column(plan, TARGET_MESSAGES, field).attnum;
	begin_scan(&reference->to, plan, to, snapshot);
	proof->last = Max(proof->last, reference->from);
}

static void
begin_scan(ProofScan *scan, const MigrationPlan *plan, TargetTable table,
		   Snapshot snapshot)
{
	scan->rel = table_open(plan->tables[table], AccessShareLock);
	/* not where another scan is: from the first page on */
	scan->scan =
		table_beginscan_strat(scan->rel, snapshot, 0, NULL, true, false);
	scan->slot = table_slot_create(scan->rel, NULL);
	scan->id = column(plan, table, FIELD_ID);
}

static void
end_scan(ProofScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	table_endscan(scan->scan);
	table_close(scan->rel, NoLock);
}

static ProofColumn
column(const MigrationPlan *plan, TargetTable table, Field field)
{
	ProofColumn result;
	TargetColumns columns;

	chatmig_columns_list(plan, table, &columns);
	for (int i = 0; i < columns.n; i++)
	{
		if (columns.columns[i].field != field)
			continue;
		result.attnum = i + 1; /* it was created from the same list */
		get_typlenbyval(columns.columns[i].type, &result.length,
						&result.by_value);
		return result;
	}
	elog(ERROR, "no column for field %d", (int) field);
}

/* Whether all exists that the message in the slot refers to. */
static bool
holds(Proof *proof)
{
	TupleTableSlot *slot = proof->messages.slot;
	const ProofColumn *id = &proof->messages.id;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;

	slot_getsomeattrs(slot, proof->last);
	for (int i = 0; i < proof->nreferences; i++)
	{
		ProofReference *reference = &proof->references[i];

		if (!nulls[reference->from - 1] &&
			!find(&reference->to, values[reference->from - 1]))
			return false;
	}
	if (!nulls[proof->reply_to - 1] &&
		!(proof->is_before &&
		  same(id, values[proof->reply_to - 1], proof->before)))
		return false;
	if (nulls[id->attnum - 1])
		return false;
	remember(proof, values[id->attnum - 1]);
	return true;
}

/* In the row that the scan has come to, or in one behind it. */
static bool
find(ProofScan *scan, Datum id)
{
	const int i = scan->id.attnum - 1;

	for (;;)
	{
		if (!TTS_EMPTY(scan->slot))
		{
			slot_getsomeattrs(scan->slot, scan->id.attnum);
			if (!scan->slot->tts_isnull[i] &&
				same(&scan->id, scan->slot->tts_values[i], id))
				return true;
		}
		CHECK_FOR_INTERRUPTS();
		if (!table_scan_getnextslot(scan->scan, ForwardScanDirection,
									scan->slot))
			return false;
	}
}

/* Byte for byte: then they are equal to the server as well. */
static bool
same(const ProofColumn *column, Datum a, Datum b)
{
	return datum_image_eq(a, b, column->by_value, column->length);
}

static void
remember(Proof *proof, Datum id)
{
	const ProofColumn *column = &proof->messages.id;

	if (proof->is_before && !column->by_value)
		pfree(DatumGetPointer(proof->before));
	proof->before = datumCopy(id, column->by_value, column->length);
	proof->is_before = true;
}
