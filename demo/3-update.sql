\echo
\echo '== 3. chatmig 2.0: convert'
\echo
\echo 'The update to 2.0 converts all that is registered, in one transaction, and checks'
\echo 'it before it ends. If a check failed, the database would still be at 1.0.'
\echo
:show
ALTER EXTENSION chatmig UPDATE;
SELECT * FROM chatmig_status \gx
:hide
SELECT pg_temp.claim('version 2.0 is installed', extversion = '2.0', extversion)
FROM pg_extension WHERE extname = 'chatmig' :checked

\echo
\echo 'The new tables:'
\echo
\echo '\\d conversations'
\d conversations
\echo '\\d messages'
\d messages
:show
SELECT count(*) AS conversations FROM conversations;
SELECT role, count(*) AS messages FROM messages GROUP BY role ORDER BY role;
:hide

\echo
\echo 'Checked against the old rows in plain SQL, without chatmig:'
\echo
\ir converted.sql

-- What going forth and back must give again.
SELECT pg_temp.checksum('SELECT * FROM conversations') AS conversations_once,
       pg_temp.checksum('SELECT * FROM messages') AS messages_once,
       pg_temp.checksum('SELECT ctid, xmin, * FROM conversations') AS conversations_written,
       pg_temp.checksum('SELECT ctid, xmin, * FROM messages') AS messages_written \gset
