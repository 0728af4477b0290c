/*
 * exact.h
 *	  Memory contexts whose chunks AddressSanitizer knows.
 */
#ifndef CHATMIG_TEST_EXACT_H
#define CHATMIG_TEST_EXACT_H

#include "utils/palloc.h"

/* A child of parent, in which each chunk is one of malloc. */
extern MemoryContext chatmig_exact_context(MemoryContext parent,
										   const char *name);

#endif /* CHATMIG_TEST_EXACT_H */
