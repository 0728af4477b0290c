\echo
\echo '== 7. Back, and forth again'
\echo
\echo 'The old rows are still there, so the way to mend it is back and forth again.'
\echo 'What going back would do:'
\echo
SELECT pg_temp.checksum('SELECT ctid, xmin, * FROM conversations') AS conversations_faulty,
       pg_temp.checksum('SELECT ctid, xmin, * FROM messages') AS messages_faulty \gset
:show
SELECT migration, legacy_rows, already, migrated, empty, rejected, conversations, messages
FROM chatmig_rollback('chat_messages', dry_run => true);
:hide
SELECT pg_temp.claim('that was a dry run: nothing has changed',
                     pg_temp.checksum('SELECT ctid, xmin, * FROM conversations') = :'conversations_faulty'
                     AND pg_temp.checksum('SELECT ctid, xmin, * FROM messages') = :'messages_faulty')
:checked

\echo
\echo 'Back:'
\echo
:show
SELECT migration, legacy_rows, already, migrated, empty, rejected, conversations, messages
FROM chatmig_rollback('chat_messages');
SELECT migration, source, state FROM chatmig_status;
:hide

\echo 'The old rows, and their checksum before all this and now:'
\echo
SELECT "when", rows, checksum
FROM (VALUES (1, 'before', :pairs, :'checksum_before'),
             (2, 'now', (SELECT count(*) FROM chat_messages), pg_temp.old_table_checksum()))
     AS v (place, "when", rows, checksum)
ORDER BY place;
SELECT pg_temp.claim('the tables are those from before the conversion, no more and no less',
                     pg_temp.relations() = :'relations_before', pg_temp.relations()) :checked
SELECT pg_temp.claim('chat_messages is untouched: the same rows in the same places',
                     pg_temp.old_table_checksum() = :'checksum_before'
                     AND pg_temp.old_table_definition() = :'definition_before') :checked

\echo
\echo 'And forth again:'
\echo
:show
SELECT migration, legacy_rows, already, migrated, empty, rejected, conversations, messages
FROM chatmig_migrate('chat_messages');
:hide
SELECT pg_temp.claim('the same conversations and messages as the first time, ids included',
                     pg_temp.checksum('SELECT * FROM conversations') = :'conversations_once'
                     AND pg_temp.checksum('SELECT * FROM messages') = :'messages_once') :checked
\ir converted.sql
SELECT pg_temp.claim('chatmig''s own checks are all ok, the planted fault is gone',
                     count(*) > 0 AND bool_and(status = 'ok'),
                     string_agg(check_name || ' ' || status, ', ') FILTER (WHERE status <> 'ok'))
FROM chatmig_validate() :checked
