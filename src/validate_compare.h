/*
 * validate_compare.h
 *	  What a half of a legacy row and its message must have in common.
 *
 * The tests are about one row of the query in validate_messages.c, whose
 * aliases are t, s, d, h, m and k; all of s, h and m is there. A detail goes
 * on after "The answer of legacy key 17 ".
 */
#ifndef CHATMIG_VALIDATE_COMPARE_H
#define CHATMIG_VALIDATE_COMPARE_H

#include "validate_sql.h"
#include "validation.h"

/* Byte for byte; an empty half of a row with a medium may be NULL or ''. */
#define CONTENTS_DIFFER                                                        \
	"(nullif(m.content::text COLLATE \"C\", '') "                              \
	"IS DISTINCT FROM nullif(h.content, ''))"

extern void chatmig_validate_compare(const MigrationPlan *plan,
									 RowTests *tests);

/* The tests of metadata alone. */
extern void chatmig_validate_compare_metadata(const MigrationPlan *plan,
											  RowTests *tests);

/*
 * A condition, for validate_digest.c: the row s, which says by chatmig_media
 * whether it has a medium, has another one than d.
 */
extern char *chatmig_validate_compare_medium(const MigrationPlan *plan);

/* A condition: the row is there and has a time, or its table has none. */
extern char *chatmig_validate_compare_row_time(const Mapping *mapping);

/* The same of a half, which may have a time of its own; and that time. */
extern char *chatmig_validate_compare_own_time(const Mapping *mapping);
extern char *chatmig_validate_compare_half_time(const MigrationPlan *plan);

/* That time as the target keeps it, unless other messages are in the way. */
extern char *chatmig_validate_compare_written_time(const MigrationPlan *plan);

/* Tests of the columns of d, the row's medium, which is there. */
extern void chatmig_validate_compare_columns(const MigrationPlan *plan,
											 RowTests *tests);

#endif /* CHATMIG_VALIDATE_COMPARE_H */
