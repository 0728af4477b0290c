\echo
\echo '== 4. What chatmig itself checks'
\echo
:show
SELECT check_name, status, violations FROM chatmig_validate();
:hide
SELECT pg_temp.claim('all ' || count(*) || ' checks are ok',
                     count(*) > 0 AND bool_and(status = 'ok'),
                     string_agg(check_name || ' ' || status, ', ') FILTER (WHERE status <> 'ok'))
FROM chatmig_validate() :checked

\echo
\echo 'Converting again finds nothing to do:'
\echo
:show
SELECT migration, legacy_rows, already, migrated, empty, rejected, conversations, messages
FROM chatmig_migrate();
:hide
SELECT pg_temp.claim('nothing has changed',
                     pg_temp.checksum('SELECT ctid, xmin, * FROM conversations') = :'conversations_written'
                     AND pg_temp.checksum('SELECT ctid, xmin, * FROM messages') = :'messages_written')
:checked
