/*
 * draft.h
 *	  From a mapping that a user began to one that is complete.
 */
#ifndef CHATMIG_DRAFT_H
#define CHATMIG_DRAFT_H

#include "utils/jsonb.h"
#include "utils/relcache.h"

/*
 * Fills in what the given mapping leaves out, and checks the result against
 * the relation, which the caller holds open. May read one number from it (its
 * largest epoch time). Errors: 42P38 ambiguous, 42804, 42703, 22023, and 42809
 * for a relation without a key or without anything like a message.
 */
extern Jsonb *chatmig_draft_mapping(Relation rel, Jsonb *given);

#endif /* CHATMIG_DRAFT_H */
