\echo
\echo '== 2. chatmig 1.0: find the table, describe it, check it'
\echo
:show
CREATE EXTENSION chatmig VERSION '1.0';
:hide
SELECT pg_temp.claim('version 1.0 is installed', extversion = '1.0', extversion)
FROM pg_extension WHERE extname = 'chatmig' :checked

\echo
\echo 'Which tables hold a history, and which of their columns plays which part?'
\echo
:show
SELECT source, shape, confidence, jsonb_pretty(mapping) AS mapping,
       array_to_string(notes, E'\n') AS notes
FROM chatmig_detect() \gx
:hide
SELECT pg_temp.claim('it found chat_messages, and no other table',
                     array_agg(source::text || ' ' || shape) = ARRAY['chat_messages pair'],
                     string_agg(source::text || ' ' || shape, ', '))
FROM chatmig_detect() :checked

\echo
\echo 'That is right, so the table can be registered as it was found. Nothing moves yet.'
\echo
:show
SELECT chatmig_register('chat_messages');
SELECT * FROM chatmig_status \gx
:hide
SELECT pg_temp.claim('one migration, registered, of chat_messages',
                     array_agg(format('%s %s %s', migration, source, state))
                     = ARRAY['chat_messages chat_messages registered'],
                     string_agg(format('%s %s %s', migration, source, state), ', '))
FROM chatmig_status :checked

\echo
\echo 'What can be said of the old table before it is converted:'
\echo
:show
SELECT check_name, status, violations, detail
FROM chatmig_validate() WHERE detail NOT LIKE 'Not checked%' OR status <> 'info';
:hide
SELECT pg_temp.claim('no violation among ' || count(*) || ' checks',
                     count(*) > 0 AND bool_and(status IN ('ok', 'info', 'warning')),
                     string_agg(check_name, ', ') FILTER (WHERE status = 'violation'))
FROM chatmig_validate() :checked
SELECT pg_temp.claim('no table has been added', pg_temp.relations() = :'relations_before',
                     pg_temp.relations()) :checked
