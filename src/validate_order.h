/*
 * validate_order.h
 *	  Whether legacy rows come in the order of the migration.
 */
#ifndef CHATMIG_VALIDATE_ORDER_H
#define CHATMIG_VALIDATE_ORDER_H

#include "executor/tuptable.h"
#include "mapping.h"

typedef struct RowOrder RowOrder;

/*
 * For the rows of a query that chatmig_validate_digest() has made. Allocated in
 * the current context.
 */
extern RowOrder *chatmig_validate_order(const Mapping *mapping, TupleDesc desc);

/* The next row is a conversation's first. */
extern void chatmig_validate_order_restart(RowOrder *order);

/*
 * Whether a row comes behind the one before, or has the same place: by its
 * time, then by its key.
 */
extern bool chatmig_validate_order_holds(RowOrder *order, TupleTableSlot *slot);

#endif /* CHATMIG_VALIDATE_ORDER_H */
