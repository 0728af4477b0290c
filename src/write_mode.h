/*
 * write_mode.h
 *	  Which way rows go into the tables.
 */
#ifndef CHATMIG_WRITE_MODE_H
#define CHATMIG_WRITE_MODE_H

typedef enum WriteMode
{
	WRITE_NOTHING, /* counts, and gives ids for a preview */
	WRITE_BULK,    /* into tables that this transaction created */
	WRITE_INSERT,  /* into any tables, through the executor */
	WRITE_SEND     /* to the process that writes in bulk; see share.h */
} WriteMode;

typedef struct Writer Writer;

#endif /* CHATMIG_WRITE_MODE_H */
