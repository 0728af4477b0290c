/*
 * new_page.h
 *	  New pages at the end of a table, for which there is room on the disk.
 */
#ifndef CHATMIG_NEW_PAGE_H
#define CHATMIG_NEW_PAGE_H

#include "storage/block.h"
#include "utils/relcache.h"

/*
 * Makes a table's main fork longer by at most so many pages of zeros, at least
 * one, and returns how many; 53100 if the disk is full. The table ends at that
 * block, and nobody else extends it meanwhile: its extension is not locked.
 */
extern int chatmig_new_page_add(Relation rel, BlockNumber end, int pages);

#endif /* CHATMIG_NEW_PAGE_H */
