/*
 * detect.h
 *	  A table's columns -> the shape and the part each column plays.
 */
#ifndef CHATMIG_DETECT_H
#define CHATMIG_DETECT_H

#include "detection.h"
#include "utils/relcache.h"

/*
 * Looks at a table, view or partitioned table that the caller holds open.
 * forced_shape may be NULL; otherwise the shape is given and only the parts
 * are looked for. Never raises an error for what the table looks like.
 * Allocates in the current memory context.
 */
extern Detection *chatmig_detect_relation(Relation rel,
										  const Shape *forced_shape);

/* The mapping that a detection proposes, as register expects it. */
extern Jsonb *chatmig_detect_mapping(const Detection *detection);

/*
 * Looks at every table, partitioned table, view and materialized view that
 * the current role may read, leaving out system and temporary relations,
 * partitions, extension members, what a migration fills, and what somebody has
 * locked exclusively. Calls found for those with a shape, the likeliest first,
 * then by name. By then the relation may be gone again: no lock is kept.
 */
typedef void (*DetectFound)(Oid relid, const Detection *detection, void *state);
extern void chatmig_detect_all(DetectFound found, void *state);

/*
 * The same for one relation, whether it has a shape or not. Waits for who has
 * it locked exclusively. Error: 42501 if the current role may not read it.
 */
extern void chatmig_detect_one(Oid relid, DetectFound found, void *state);

#endif /* CHATMIG_DETECT_H */
