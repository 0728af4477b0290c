/*
 * confidence.h
 *	  How sure detection is that a table is a chat.
 */
#ifndef CHATMIG_CONFIDENCE_H
#define CHATMIG_CONFIDENCE_H

#include "subject.h"

/*
 * Below this, a table has no shape (see confidence.c); and below that, it has
 * none even for a user who names it.
 */
#define MIN_CONFIDENCE 0.40
#define MIN_POSSIBLE 0.15

/* Sets the confidence from the parts found so far; adds notes on doubts. */
extern void chatmig_confidence_judge(Subject *subject);

#endif /* CHATMIG_CONFIDENCE_H */
