/*
 * suit.h
 *	  How well a column suits a part.
 */
#ifndef CHATMIG_SUIT_H
#define CHATMIG_SUIT_H

#include "subject.h"

/* The tier (vocabulary.h) of a column for a part; TIER_NONE: not at all. */
extern int chatmig_suit_tier(const Subject *subject, const Candidate *column,
							 Shape shape, Part part);

/* The best tier that a column which is still free has for a part. */
extern int chatmig_suit_best(const Subject *subject, Shape shape, Part part);

/* True if there are columns for both parts that make the shape. */
extern bool chatmig_suit_has_both(const Subject *subject, Shape shape);

/* ... and both have names that are usual and a type that was made for it. */
extern bool chatmig_suit_is_firm(const Subject *subject, Shape shape);

#endif /* CHATMIG_SUIT_H */
