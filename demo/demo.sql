-- One migration from start to end. Called by demo/play, from the top of the
-- checkout. What a person sees is echoed; what stands between is checks.

\set ON_ERROR_STOP on
\set QUIET on
\set SHOW_CONTEXT never
\encoding UTF8
\pset pager off
\pset format wrapped
\pset columns 109
\pset linestyle unicode
\pset footer off
\pset null (null)

\set show '\\set QUIET off \\set ECHO queries'
\set hide '\\set ECHO none \\set QUIET on'
\set checked '\\g (format=unaligned tuples_only=on)'

-- Not UTC, so that reading times as UTC is not an accident.
SET TimeZone = 'America/New_York';

\ir schema.sql
\copy chat_messages (user_id, message, response, model, "timestamp", session_id) from program 'demo/talk.pl'
VACUUM ANALYZE;
\ir claims.sql

\ir 1-before.sql
\ir 2-register.sql
\ir 3-update.sql
\ir 4-validate.sql
\ir 5-read.sql
\ir 6-fault.sql
\ir 7-back.sql
