/*
 * proof.h
 *	  Foreign keys between tables that this run has loaded, proven in one pass.
 */
#ifndef CHATMIG_PROOF_H
#define CHATMIG_PROOF_H

#include "plan.h"

/*
 * Whether every message refers to a conversation, a medium and a message that
 * exist, or to none where it may. False: one does not, or rows lie in an order
 * in which this cannot be seen. All of the tables are fresh; rows are read
 * under the active snapshot. AccessShareLock on each, to the end of the
 * transaction.
 */
extern bool chatmig_proof_references(const MigrationPlan *plan);

#endif /* CHATMIG_PROOF_H */
