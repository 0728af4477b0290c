/*
 * confidence.h
 *	  How sure detection is that a table is a chat.
 */
#ifndef CHATMIG_CONFIDENCE_H
#define CHATMIG_CONFIDENCE_H

#include "subject.h"

/* Below this, a table has no shape. */
#define MIN_CONFIDENCE 0.15

/* Sets the confidence from the parts found so far; adds notes on doubts. */
extern void chatmig_confidence_judge(Subject *subject);

#endif /* CHATMIG_CONFIDENCE_H */
