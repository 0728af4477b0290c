/*
 * insert_reference.h
 *	  Foreign keys of rows that are inserted: the same key is looked up once.
 */
#ifndef CHATMIG_INSERT_REFERENCE_H
#define CHATMIG_INSERT_REFERENCE_H

/*
 * Adds to what the server does as a query starts (ExecutorStart_hook). Called
 * once, as the library is loaded. Concerns INSERTs that have INSERT_ROWS to
 * read from, and changes how often they look, not what they refuse.
 */
extern void chatmig_insert_reference_init(void);

#endif /* CHATMIG_INSERT_REFERENCE_H */
