/*
 * row_check.c
 *	  A table's NOT NULLs and checks, for rows that no INSERT brings.
 *
 * In: formed rows. Out: nothing, or the server's own error. The server looks
 * at each row, as COPY lets it do.
 */
#include "postgres.h"

#include "executor/executor.h"

#include "row_check.h"

struct RowCheck
{
	EState *estate; /* in which constraints are evaluated */
	ResultRelInfo *result_rel;
	TupleTableSlot *slot; /* NULL: there is nothing to look at */
};

RowCheck *
chatmig_row_check_begin(Relation rel)
{
	RowCheck *check = palloc0(sizeof(RowCheck));

	check->estate = CreateExecutorState();
	check->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(check->result_rel, rel, 0, NULL, 0);
	if (RelationGetDescr(rel)->constr != NULL)
		check->slot =
			MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	return check;
}

void
chatmig_row_check(RowCheck *check, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = check->slot;
	int natts;

	if (slot == NULL)
		return;
	natts = slot->tts_tupleDescriptor->natts;
	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, nulls, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	ExecConstraints(check->result_rel, slot, check->estate);
	ResetPerTupleExprContext(check->estate);
}

void
chatmig_row_check_end(RowCheck *check)
{
	if (check->slot != NULL)
		ExecDropSingleTupleTableSlot(check->slot);
	FreeExecutorState(check->estate);
	pfree(check);
}
