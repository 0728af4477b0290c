/*
 * media.c
 *	  Media that wait for a row that says what is in them.
 *
 * An application may have kept what its model saw in a picture as a message of
 * its own, behind the one with the picture. The message stays a message; its
 * text is the medium's summary as well. So a medium is not written before its
 * conversation ends, or what waits is written.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "media.h"

static Value copy_text(Value value);
static bool same_text(Value a, Value b);

void
chatmig_media_begin(Media *media)
{
	MemSet(media, 0, sizeof(Media));
	media->context = AllocSetContextCreate(
		CurrentMemoryContext, "chatmig media", ALLOCSET_SMALL_SIZES);
	media->allocated = 8;
	media->list = palloc(sizeof(Medium) * media->allocated);
}

void
chatmig_media_wait(Media *media, Oid id_type, Value id, const LegacyRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(media->context);
	int16 length;
	bool by_value;
	Medium *medium;

	if (media->n == media->allocated)
	{
		media->allocated *= 2;
		media->list = repalloc(media->list, sizeof(Medium) * media->allocated);
	}
	medium = &media->list[media->n++];
	get_typlenbyval(id_type, &length, &by_value);
	medium->id = (Value){.datum = datumCopy(id.datum, by_value, length)};
	medium->url = copy_text(row->media_url);
	medium->type = copy_text(row->media_type);
	medium->name = copy_text(row->media_name);
	medium->summary = (Value){.isnull = true};
	medium->created_at = row->time;
	MemoryContextSwitchTo(old);
}

void
chatmig_media_summarize(Media *media, Value name, Value summary)
{
	MemoryContext old = MemoryContextSwitchTo(media->context);

	for (int i = media->n - 1; i >= 0; i--)
	{
		Medium *medium = &media->list[i];

		if (!medium->summary.isnull ||
			!(name.isnull || same_text(medium->name, name)))
			continue;
		medium->summary = copy_text(summary);
		break;
	}
	MemoryContextSwitchTo(old);
}

void
chatmig_media_reset(Media *media)
{
	if (media->n == 0)
		return;
	media->n = 0;
	MemoryContextReset(media->context);
}

/* Detoasted, as it may outlive the query's snapshot of it. */
static Value
copy_text(Value value)
{
	if (!value.isnull)
		value.datum = PointerGetDatum(PG_DETOAST_DATUM_COPY(value.datum));
	return value;
}

static bool
same_text(Value a, Value b)
{
	return !a.isnull && !b.isnull &&
		   datum_image_eq(a.datum, b.datum, false, -1);
}
