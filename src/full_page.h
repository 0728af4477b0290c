/*
 * full_page.h
 *	  Full pages of tables that are being loaded, for whoever has time to write.
 */
#ifndef CHATMIG_FULL_PAGE_H
#define CHATMIG_FULL_PAGE_H

#include "storage/buf.h"
#include "utils/relcache.h"

/* Lies in shared memory: one process adds pages, any other writes them. */
typedef struct FullPages FullPages;

extern Size chatmig_full_page_size(void);

/* Makes an empty list of chatmig_full_page_size() bytes. */
extern FullPages *chatmig_full_page_init(void *memory);

/*
 * Adds a page of a table's heap, which the caller has pinned, and to which no
 * row will come any more. If the list is full, nothing happens, and the server
 * writes the page when it needs the buffer.
 */
extern void chatmig_full_page_add(FullPages *pages, Relation rel,
								  Buffer buffer);

/*
 * Writes some that are still in shared buffers. False if there are too few that
 * nobody has taken. Takes a share lock on a page while it writes it; errors as
 * the server's own writing does (53100, a full disk).
 */
extern bool chatmig_full_page_write(FullPages *pages);

#endif /* CHATMIG_FULL_PAGE_H */
