/*
 * row_check.h
 *	  A table's NOT NULLs and checks, for rows that no INSERT brings.
 */
#ifndef CHATMIG_ROW_CHECK_H
#define CHATMIG_ROW_CHECK_H

#include "utils/rel.h"

typedef struct RowCheck RowCheck;

/* The relation stays open until the end. Memory is in the current context. */
extern RowCheck *chatmig_row_check_begin(Relation rel);

/* All the table's columns. Errors as INSERT does (23502, 23514). */
extern void chatmig_row_check(RowCheck *check, const Datum *values,
							  const bool *nulls);

extern void chatmig_row_check_end(RowCheck *check);

#endif /* CHATMIG_ROW_CHECK_H */
