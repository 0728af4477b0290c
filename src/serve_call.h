/*
 * serve_call.h
 *	  One call that serves: its target, its settings, and what errors say of it.
 */
#ifndef CHATMIG_SERVE_CALL_H
#define CHATMIG_SERVE_CALL_H

#include "serve_cache.h"

typedef struct ServeCall
{
	ServeTarget *target;
	const char *function;
	int guc_level;
	ErrorContextCallback context;
} ServeCall;

/*
 * Between begin and end, SQL runs as the caller, with the caller's row
 * security, under search_path pg_catalog, pg_temp; an error restores the
 * search path with its (sub)transaction. Errors name the target's tables in
 * their context. The call must live as long. migration as in serve_cache.h.
 */
extern void chatmig_serve_call_begin(ServeCall *call, const char *function,
									 const char *migration);
extern void chatmig_serve_call_end(ServeCall *call);

/*
 * Serialises who calls it with the same first n arguments, as the n columns
 * compare them, to the end of the transaction. A column may not be there.
 */
extern void chatmig_serve_call_lock(const ServeCall *call,
									const QueryArgs *args,
									const ServeColumn *const *columns, int n);

#endif /* CHATMIG_SERVE_CALL_H */
