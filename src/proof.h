/*
 * proof.h
 *	  Constraints of tables that this run has loaded, proven in one pass.
 */
#ifndef CHATMIG_PROOF_H
#define CHATMIG_PROOF_H

#include "plan.h"

/*
 * Validates the constraints of the messages' table that are NOT VALID yet:
 * the check of roles, and the references to conversations and to messages. By a
 * proof where there is one, else by the server, with its own errors where a row
 * violates one. The messages' table is fresh and has its primary key; rows are
 * read under a snapshot of now.
 */
extern void chatmig_proof_messages(const MigrationPlan *plan);

#endif /* CHATMIG_PROOF_H */
