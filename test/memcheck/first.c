/*
 * first.c
 *	  Wakes AddressSanitizer before any other library is initialized.
 *
 * A library of Debian's server sets its messages' domain when it is loaded. If
 * that is the first to ask for memory, AddressSanitizer sets itself up within
 * glibc's lock for domains, takes and leaves it, and the next one to need it
 * waits for ever. Preloaded behind AddressSanitizer; linked with -z initfirst.
 */
#include <stdlib.h>

static void wake(void) __attribute__((constructor));

static void
wake(void)
{
	free(malloc(1));
}
