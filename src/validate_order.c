/*
 * validate_order.c
 *	  Whether legacy rows come in the order of the migration.
 *
 * In: the legacy rows of a conversation, one by one. Out: whether each comes
 * behind the one before, as the types' own functions for B-trees say. Of the
 * row before, its time and its key are kept.
 */
#include "postgres.h"

#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

#include "validate_digest.h"
#include "validate_order.h"

/* A column of the order: the time is the first, and the key's follow. */
#define MAX_COLUMNS (1 + MAX_KEYS)

struct RowOrder
{
	int ncolumns;
	int place[MAX_COLUMNS]; /* in the row, from 0 on */
	SortSupportData sort[MAX_COLUMNS];
	bool by_value[MAX_COLUMNS];
	int16 length[MAX_COLUMNS];
	bool has_row; /* this is the one before */
	NullableDatum row[MAX_COLUMNS];
	MemoryContext context; /* of its values */
};

static void add_column(RowOrder *order, Form_pg_attribute attribute,
					   Oid collation);
static int compare(RowOrder *order, TupleTableSlot *slot);
static void keep(RowOrder *order, TupleTableSlot *slot);

RowOrder *
chatmig_validate_order(const Mapping *mapping, TupleDesc desc)
{
	RowOrder *order = palloc0(sizeof(RowOrder));

	order->context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig row before", ALLOCSET_SMALL_SIZES);
	add_column(order, TupleDescAttr(desc, DIGEST_AT - 1), InvalidOid);
	for (int i = 0; i < mapping->nkeys; i++)
		add_column(order, TupleDescAttr(desc, DIGEST_KEYS - 1 + i),
				   mapping->keys[i].collation);
	return order;
}

static void
add_column(RowOrder *order, Form_pg_attribute attribute, Oid collation)
{
	const int i = order->ncolumns++;

	order->place[i] = attribute->attnum - 1;
	order->by_value[i] = attribute->attbyval;
	order->length[i] = attribute->attlen;
	order->sort[i].ssup_cxt = CurrentMemoryContext;
	order->sort[i].ssup_collation = collation;
	PrepareSortSupportFromOrderingOp(
		lookup_type_cache(attribute->atttypid, TYPECACHE_LT_OPR)->lt_opr,
		&order->sort[i]);
}

void
chatmig_validate_order_restart(RowOrder *order)
{
	order->has_row = false;
}

bool
chatmig_validate_order_holds(RowOrder *order, TupleTableSlot *slot)
{
	bool holds = !order->has_row || compare(order, slot) <= 0;

	keep(order, slot);
	return holds;
}

/* The row before with this one. */
static int
compare(RowOrder *order, TupleTableSlot *slot)
{
	int result = 0;

	for (int i = 0; i < order->ncolumns && result == 0; i++)
		result = ApplySortComparator(order->row[i].value, order->row[i].isnull,
									 slot->tts_values[order->place[i]],
									 slot->tts_isnull[order->place[i]],
									 &order->sort[i]);
	return result;
}

static void
keep(RowOrder *order, TupleTableSlot *slot)
{
	MemoryContext old;

	MemoryContextReset(order->context);
	old = MemoryContextSwitchTo(order->context);
	for (int i = 0; i < order->ncolumns; i++)
	{
		Datum value = slot->tts_values[order->place[i]];
		bool isnull = slot->tts_isnull[order->place[i]];

		order->row[i] = (NullableDatum){
			isnull ? (Datum) 0
				   : datumCopy(value, order->by_value[i], order->length[i]),
			isnull};
	}
	MemoryContextSwitchTo(old);
	order->has_row = true;
}
