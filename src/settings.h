/*
 * settings.h
 *	  The settings chatmig.*, defined in chatmig.c.
 */
#ifndef CHATMIG_SETTINGS_H
#define CHATMIG_SETTINGS_H

/* chatmig.bulk_load: off sends every row through the executor. */
extern bool chatmig_bulk_load;

#endif /* CHATMIG_SETTINGS_H */
