/*
 * read_media.h
 *	  The part of the reading query that is about media.
 */
#ifndef CHATMIG_READ_MEDIA_H
#define CHATMIG_READ_MEDIA_H

#include "plan.h"

/*
 * SQL over s, where the metadata describe media: the URL, NULL where there is
 * no medium; its type; its name; and whether the message is a summary.
 */
extern char *chatmig_read_media_url(const MigrationPlan *plan);
extern char *chatmig_read_media_type(const MigrationPlan *plan);
extern char *chatmig_read_media_name(const MigrationPlan *plan);
extern char *chatmig_read_media_summarizes(const MigrationPlan *plan);

#endif /* CHATMIG_READ_MEDIA_H */
