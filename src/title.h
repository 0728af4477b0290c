/*
 * title.h
 *	  Titles and descriptions of conversations, from templates.
 */
#ifndef CHATMIG_TITLE_H
#define CHATMIG_TITLE_H

#include "plan.h"
#include "rows.h"

/*
 * Fills a template in: {owner}, {counterpart}, {session} by the group's
 * values, {first_message} by the first line of the message, 80 characters of
 * it at most. Returns text, palloc'd in the current memory context; NULL where
 * the template is NULL or the result is empty.
 */
extern Value chatmig_title_fill(const Mapping *mapping, const char *template,
								const GroupKey *group, Value first_message);

/* Shortens it to what the column takes, with "..." where there is room. */
extern void chatmig_title_clip(Value *title, const Column *column);

#endif /* CHATMIG_TITLE_H */
