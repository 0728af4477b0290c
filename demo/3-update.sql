-- What the messages must be: each text of the old rows that is not empty.
--
-- The order of a conversation: time, then id, then question before answer. A
-- row without a time has that of the row before it in its session or, where
-- there is none, of the row after it.
CREATE TEMP TABLE half AS
SELECT c.id, part, user_id, session_id, role, content, model, no_time,
       coalesce(known, first_value(known) OVER (
           PARTITION BY user_id, session_id, known_before ORDER BY c.id),
           first_value(known) OVER (
               PARTITION BY user_id, session_id ORDER BY known IS NULL, c.id)) AS at
FROM (SELECT *, "timestamp" IS NULL AS no_time, "timestamp" AT TIME ZONE 'UTC' AS known,
             count("timestamp") OVER (PARTITION BY user_id, session_id ORDER BY id) AS known_before
      FROM chat_messages) AS c,
     LATERAL (VALUES (1, 'user', message), (2, 'assistant', response)) AS h (part, role, content)
WHERE content <> '';
SELECT count(*) AS halves, count(DISTINCT (user_id, session_id)) AS talks FROM half \gset

\echo
\echo '== 3. chatmig 2.0: convert'
\echo
\echo 'The update to 2.0 converts all that is registered, in one transaction: all of it or'
\echo 'nothing. To see that, somebody''s own table stands in the way at first:'
\echo
\set ON_ERROR_STOP off
\set VERBOSITY terse
:show
CREATE TABLE conversations (topic text);
ALTER EXTENSION chatmig UPDATE;
:hide
\set refused :SQLSTATE
\set VERBOSITY default
\set ON_ERROR_STOP on
SELECT pg_temp.claim('refused (42P07), version 1.0 is still installed, nothing else has changed',
                     :'refused' = '42P07' AND extversion = '1.0'
                     AND pg_temp.relations() = (
                         SELECT string_agg(r, ', ' ORDER BY r)
                         FROM unnest(string_to_array(:'relations_before', ', ') || '{conversations}') r)
                     AND pg_temp.old_table_checksum() = :'checksum_before'
                     AND pg_temp.old_table_definition() = :'definition_before',
                     format('%s, version %s, %s', :'refused', extversion, pg_temp.relations()))
FROM pg_extension WHERE extname = 'chatmig' :checked

\echo
\echo 'And now without it:'
\echo
:show
DROP TABLE conversations;
ALTER EXTENSION chatmig UPDATE;
SELECT * FROM chatmig_status \gx
:hide
SELECT pg_temp.claim('version 2.0 is installed', extversion = '2.0', extversion)
FROM pg_extension WHERE extname = 'chatmig' :checked

\echo
\echo 'What a row was is now a question and its answer, in a conversation. The new tables:'
\echo
SELECT attrelid::regclass AS "table", attname AS "column",
       t.typname AS type,
       coalesce(col_description(attrelid, attnum), '') AS comment
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid IN ('conversations'::regclass, 'messages'::regclass) AND attnum > 0
ORDER BY attrelid::regclass::text, attnum;
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
