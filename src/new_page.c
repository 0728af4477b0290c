/*
 * new_page.c
 *	  New pages at the end of a table, for which there is room on the disk.
 *
 * In: where a table ends. Out: pages of zeros there, with room on the disk but
 * without writing each of them, as smgrzeroextend() makes them from 16 on. A
 * hole in the file would not do: once the disk is full, its pages could not be
 * written by whoever has to, be it a checkpoint or another session.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/relpath.h"
#include "storage/fd.h"
#include "storage/smgr.h"
#include "utils/rel.h"

#include "compat.h"
#include "new_page.h"

#if !HAVE_SMGRZEROEXTEND

/* Zeros; never changed. */
static PGAlignedBlock empty_page;

static void smgrzeroextend(SMgrRelation file, ForkNumber fork,
						   BlockNumber first, int pages, bool skip_fsync);
static bool take_room(SMgrRelation file, ForkNumber fork, BlockNumber first,
					  int pages);

#endif

int
chatmig_new_page_add(Relation rel, BlockNumber end, int pages)
{
	/* in one file: the server begins another one after so many */
	const int fitting = Min(pages, (int) (RELSEG_SIZE - end % RELSEG_SIZE));

	smgrzeroextend(RelationGetSmgr(rel), MAIN_FORKNUM, end, fitting, false);
	return fitting;
}

#if !HAVE_SMGRZEROEXTEND

/* The last page first, which leaves a hole before it; then room for that. */
static void
smgrzeroextend(SMgrRelation file, ForkNumber fork, BlockNumber first, int pages,
			   bool skip_fsync)
{
	smgrextend(file, fork, first + pages - 1, empty_page.data, skip_fsync);
	if (take_room(file, fork, first, pages))
		return;
	for (int i = 0; i < pages - 1; i++)
		smgrwrite(file, fork, first + i, empty_page.data, skip_fsync);
}

/* False if the room must be written: not all file systems can do without. */
static bool
take_room(SMgrRelation file, ForkNumber fork, BlockNumber first, int pages)
{
#ifdef FALLOC_FL_KEEP_SIZE
	const BlockNumber segment = first / RELSEG_SIZE;
	char *path = relpath(file->smgr_rnode, fork);
	bool is_taken;
	int fd;

	if (segment > 0)
		path = psprintf("%s.%u", path, segment);
	fd = OpenTransientFile(path, O_RDWR | PG_BINARY);
	if (fd < 0)
		return false;
	is_taken = fallocate(fd, 0, (off_t) (first % RELSEG_SIZE) * BLCKSZ,
						 (off_t) pages * BLCKSZ) == 0;
	/* as the server says it */
	if (!is_taken && (errno == ENOSPC || errno == EDQUOT))
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not extend file \"%s\": %m", path),
						errhint("Check free disk space.")));
	CloseTransientFile(fd);
	pfree(path);
	return is_taken;
#else
	return false;
#endif
}

#endif
