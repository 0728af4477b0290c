/*
 * evidence.h
 *	  What a few rows say about columns whose names do not decide.
 */
#ifndef CHATMIG_EVIDENCE_H
#define CHATMIG_EVIDENCE_H

#include "subject.h"

/*
 * Fills role, messages, epoch and what belongs to them of the columns for
 * which that can decide something; forced_shape may be NULL. Reads at most a
 * few rows of the subject, or none. Raises no error for what it reads.
 */
extern void chatmig_evidence_gather(Subject *subject,
									const Shape *forced_shape);

#endif /* CHATMIG_EVIDENCE_H */
