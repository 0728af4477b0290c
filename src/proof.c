/*
 * proof.c
 *	  Constraints of tables that this run has loaded, proven in one pass.
 *
 * In: fresh tables whose constraints are NOT VALID. Out: the same constraints,
 * valid. The server would sort or hash all messages once for each of them. But
 * a load leaves the conversations in the order in which their messages lie, and
 * an answer right behind its question, so that one scan of both tables, side by
 * side, sees for each message whether its conversation and the message that it
 * answers exist, and whether its role is one of four. It looks at the rows as
 * they are in the table, whoever wrote them. Where it does not see it, because
 * rows lie in another order or violate a constraint, the server is asked.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "columns.h"
#include "proof.h"
#include "query.h"

/* A scan of a table, in the order of its pages, and where an id is in it. */
typedef struct ProofScan
{
	Relation rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
} ProofScan;

typedef struct Proof
{
	ProofScan messages;
	ProofScan conversations;
	/* attribute numbers */
	int conversation_id; /* of conversations */
	int id;              /* these four: of messages */
	int conversation;
	int role;
	int reply_to;
	int last; /* the last of them */
	/* of the two kinds of ids */
	int16 length[NUM_ID_TARGETS];
	bool by_value[NUM_ID_TARGETS];
	Datum before;   /* the message before, ours */
	bool is_before; /* there is one */
} Proof;

static List *not_valid(Oid relid);
static bool prove(const MigrationPlan *plan);
static int attribute(const MigrationPlan *plan, TargetTable table, Field field);
static void begin_scan(ProofScan *scan, Oid relid, Snapshot snapshot);
static void end_scan(ProofScan *scan);
static bool next_message(Proof *proof);
static bool find_conversation(Proof *proof, Datum id);
static void remember(Proof *proof, Datum id);
static bool is_role(Datum role);
static void set_valid(Oid constraint);

void
chatmig_proof_messages(const MigrationPlan *plan)
{
	bool proven = plan->fresh[TARGET_CONVERSATIONS] && prove(plan);
	ListCell *lc;

	foreach(lc, not_valid(plan->tables[TARGET_MESSAGES]))
	{
		const char *name = lfirst(lc);

		if (proven)
			set_valid(get_relation_constraint_oid(plan->tables[TARGET_MESSAGES],
												  name, false));
		else
			(void) chatmig_query_run(
				psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
						 plan->qualified[TARGET_MESSAGES],
						 quote_identifier(name)),
				NULL);
	}
}

/* The names of the constraints that wait; a List of char *. */
static List *
not_valid(Oid relid)
{
	QueryArgs args = {0};
	List *names;

	/* they are younger than the snapshot under which the source was read */
	PushActiveSnapshot(GetLatestSnapshot());
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	names = chatmig_query_list("SELECT conname FROM pg_constraint "
							   "WHERE conrelid = $1 AND NOT convalidated "
							   "ORDER BY oid",
							   &args);
	PopActiveSnapshot();
	return names;
}

/* Whether each message has its conversation, and so on. */
static bool
prove(const MigrationPlan *plan)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool proven = true;
	Proof proof = {0};

	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (OidIsValid(plan->id_types[table]))
			get_typlenbyval(plan->id_types[table], &proof.length[table],
							&proof.by_value[table]);
	proof.conversation_id = attribute(plan, TARGET_CONVERSATIONS, FIELD_ID);
	proof.id = attribute(plan, TARGET_MESSAGES, FIELD_ID);
	proof.conversation = attribute(plan, TARGET_MESSAGES, FIELD_CONVERSATION);
	proof.role = attribute(plan, TARGET_MESSAGES, FIELD_ROLE);
	proof.reply_to = attribute(plan, TARGET_MESSAGES, FIELD_REPLY_TO);
	proof.last =
		Max(Max(proof.id, proof.conversation), Max(proof.role, proof.reply_to));
	begin_scan(&proof.messages, plan->tables[TARGET_MESSAGES], snapshot);
	begin_scan(&proof.conversations, plan->tables[TARGET_CONVERSATIONS],
			   snapshot);
	while (proven &&
		   table_scan_getnextslot(proof.messages.scan, ForwardScanDirection,
								  proof.messages.slot))
	{
		CHECK_FOR_INTERRUPTS();
		proven = next_message(&proof);
	}
	end_scan(&proof.messages);
	end_scan(&proof.conversations);
	UnregisterSnapshot(snapshot);
	return proven;
}

/* As the table was created from the same list, a moment ago. */
static int
attribute(const MigrationPlan *plan, TargetTable table, Field field)
{
	TargetColumns columns;

	chatmig_columns_list(plan, table, &columns);
	for (int i = 0; i < columns.n; i++)
		if (columns.columns[i].field == field)
			return get_attnum(plan->tables[table], columns.columns[i].name);
	elog(ERROR, "no column for field %d", (int) field);
}

static void
begin_scan(ProofScan *scan, Oid relid, Snapshot snapshot)
{
	scan->rel = table_open(relid, AccessShareLock);
	/* not where another scan is: from the first page on */
	scan->scan =
		table_beginscan_strat(scan->rel, snapshot, 0, NULL, true, false);
	scan->slot = table_slot_create(scan->rel, NULL);
}

static void
end_scan(ProofScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	table_endscan(scan->scan);
	table_close(scan->rel, NoLock);
}

static bool
next_message(Proof *proof)
{
	TupleTableSlot *slot = proof->messages.slot;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	const int id = proof->id - 1;
	const int conversation = proof->conversation - 1;
	const int role = proof->role - 1;
	const int reply_to = proof->reply_to - 1;

	slot_getsomeattrs(slot, proof->last);
	if (nulls[id] || nulls[conversation] || nulls[role])
		return false;
	if (!is_role(values[role]) ||
		!find_conversation(proof, values[conversation]))
		return false;
	if (!nulls[reply_to] &&
		!(proof->is_before && datum_image_eq(values[reply_to], proof->before,
											 proof->by_value[TARGET_MESSAGES],
											 proof->length[TARGET_MESSAGES])))
		return false;
	remember(proof, values[id]);
	return true;
}

/* The conversation that is open, or one behind it. */
static bool
find_conversation(Proof *proof, Datum id)
{
	ProofScan *scan = &proof->conversations;
	const int at = proof->conversation_id - 1;

	for (;;)
	{
		if (!TTS_EMPTY(scan->slot))
		{
			slot_getsomeattrs(scan->slot, proof->conversation_id);
			if (!scan->slot->tts_isnull[at] &&
				datum_image_eq(scan->slot->tts_values[at], id,
							   proof->by_value[TARGET_CONVERSATIONS],
							   proof->length[TARGET_CONVERSATIONS]))
				return true;
		}
		CHECK_FOR_INTERRUPTS();
		if (!table_scan_getnextslot(scan->scan, ForwardScanDirection,
									scan->slot))
			return false;
	}
}

static void
remember(Proof *proof, Datum id)
{
	if (proof->is_before && !proof->by_value[TARGET_MESSAGES])
		pfree(DatumGetPointer(proof->before));
	proof->before = datumCopy(id, proof->by_value[TARGET_MESSAGES],
							  proof->length[TARGET_MESSAGES]);
	proof->is_before = true;
}

/* As the table's CHECK has it; never toasted, being that short. */
static bool
is_role(Datum role)
{
	static const char *const roles[] = {"user", "assistant", "system", "tool"};
	const struct varlena *text = (const struct varlena *) DatumGetPointer(role);

	if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text))
		return false;
	for (int i = 0; i < lengthof(roles); i++)
		if (VARSIZE_ANY_EXHDR(text) == strlen(roles[i]) &&
			memcmp(VARDATA_ANY(text), roles[i], strlen(roles[i])) == 0)
			return true;
	return false;
}

/* As ALTER TABLE ... VALIDATE CONSTRAINT ends (commands/tablecmds.c). */
static void
set_valid(Oid constraint)
{
	Relation catalog = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple tuple =
		SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	form->convalidated = true;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	CacheInvalidateRelcacheByRelid(form->conrelid);
	heap_freetuple(tuple);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}
