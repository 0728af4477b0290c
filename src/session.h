/*
 * session.h
 *	  What a conversation keeps of the session that it was.
 */
#ifndef CHATMIG_SESSION_H
#define CHATMIG_SESSION_H

#include "rows.h"

/*
 * {"<session column>": value} as jsonb, numbers as numbers and the rest as
 * strings, palloc'd; NULL where there is no session.
 */
extern Value chatmig_session_metadata(const Mapping *mapping, Value session);

#endif /* CHATMIG_SESSION_H */
