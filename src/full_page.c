/*
 * full_page.c
 *	  Full pages of tables that are being loaded, for whoever has time to write.
 *
 * In: pages, as the process that loads leaves them. Out: the same pages,
 * written by another process, so that the first one finds clean buffers when it
 * comes round its ring. That is what the server's background writer does for
 * others, and by the same function, which writes the WAL up to a page before
 * the page. No row depends on it: a page that is not written here is dirty, and
 * the server's to write; what goes wrong as it is written ends the run.
 */
#include "postgres.h"

#include "port/atomics.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "compat.h"
#include "full_page.h"

/*
 * Of all tables: twice the buffers of a ring (16 MB at most), of which each
 * table has one. When the list is full, pages that are longer in it stay,
 * whether they are still in a buffer or not.
 */
#define MAX_FULL_PAGES 4096

/* Written in one go; as many stay, as they were filled a moment ago. */
#define PAGES_IN_GO 16

typedef struct FullPage
{
	RelFileLocator file;
	BlockNumber block;
	Buffer buffer; /* in which it was */
} FullPage;

struct FullPages
{
	pg_atomic_uint32 added; /* pages, ever; modulo 2^32, as is the next one */
	pg_atomic_uint32 taken; /* of these */
	FullPage pages[MAX_FULL_PAGES]; /* page n at n modulo MAX_FULL_PAGES */
};

static bool take(FullPages *pages, FullPage *taken);
static void write_page(const FullPage *page);

Size
chatmig_full_page_size(void)
{
	return sizeof(FullPages);
}

FullPages *
chatmig_full_page_init(void *memory)
{
	FullPages *pages = memory;

	pg_atomic_init_u32(&pages->added, 0);
	pg_atomic_init_u32(&pages->taken, 0);
	return pages;
}

void
chatmig_full_page_add(FullPages *pages, Relation rel, Buffer buffer)
{
	uint32 added = pg_atomic_read_u32(&pages->added);

	if (added - pg_atomic_read_u32(&pages->taken) >= MAX_FULL_PAGES)
		return;
	/* whoever has taken what was there has read it: see take() */
	pg_memory_barrier();
	pages->pages[added % MAX_FULL_PAGES] =
		(FullPage){.file = rel->rd_locator,
				   .block = BufferGetBlockNumber(buffer),
				   .buffer = buffer};
	pg_write_barrier();
	pg_atomic_write_u32(&pages->added, added + 1);
}

bool
chatmig_full_page_write(FullPages *pages)
{
	FullPage taken[PAGES_IN_GO];

	if (!take(pages, taken))
		return false;
	for (int i = 0; i < PAGES_IN_GO; i++)
		write_page(&taken[i]);
	return true;
}

/* False if there are too few. */
static bool
take(FullPages *pages, FullPage *taken)
{
	uint32 first = pg_atomic_read_u32(&pages->taken);

	do
	{
		/* read after "taken", or their difference could be negative */
		pg_read_barrier();
		if (pg_atomic_read_u32(&pages->added) - first < 2 * PAGES_IN_GO)
			return false;
		pg_read_barrier();
		for (uint32 i = 0; i < PAGES_IN_GO; i++)
			taken[i] = pages->pages[(first + i) % MAX_FULL_PAGES];
		/* a full barrier; fails, and reads again, if another one took them */
	} while (!pg_atomic_compare_exchange_u32(&pages->taken, &first,
											 first + PAGES_IN_GO));
	return true;
}

/* If it is still in its buffer; if it is clean, nothing is written. */
static void
write_page(const FullPage *page)
{
	if (!ReadRecentBuffer(page->file, MAIN_FORKNUM, page->block, page->buffer))
		return;
	LockBuffer(page->buffer, BUFFER_LOCK_SHARE);
	FlushOneBuffer(page->buffer);
	UnlockReleaseBuffer(page->buffer);
}
