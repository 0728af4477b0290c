\echo
\echo '== 6. A fault, and how it is found'
\echo
\echo 'Now somebody''s script "cleans" a message, and loses another:'
\echo
:show
UPDATE messages SET content = 'My boss wants me to convert it tonight ????'
WHERE content LIKE 'My boss wants me%';
DELETE FROM messages WHERE content = 'Can you help me?';
:hide
SELECT (SELECT id FROM chat_messages WHERE message LIKE 'My boss wants me%') AS changed_row,
       (SELECT id FROM chat_messages WHERE message = 'Can you help me?') AS lost_row,
       (SELECT id FROM messages WHERE content LIKE 'My boss wants me%') AS changed_message \gset

\echo
\echo 'The checks that find something:'
\echo
:show
SELECT check_name, status, violations, detail, hint
FROM chatmig_validate() WHERE status <> 'ok' \gx
SELECT * FROM chatmig_violations('chat_messages', 'message_content') \gx
:hide
SELECT pg_temp.claim('both faults are found, and nothing else is',
                     string_agg(check_name || ' ' || violations, ', ' ORDER BY check_name)
                     = 'message_content 1, message_missing 1',
                     string_agg(check_name || ' ' || violations, ', ' ORDER BY check_name))
FROM chatmig_validate() WHERE status <> 'ok' :checked
SELECT pg_temp.claim(format('they are in rows %s and %s of chat_messages, as planted',
                            :changed_row, :lost_row),
                     array_agg(legacy_key ORDER BY legacy_key)
                     = ARRAY[:'changed_row', :'lost_row'],
                     string_agg(legacy_key, ', ' ORDER BY legacy_key))
FROM (SELECT * FROM chatmig_violations('chat_messages', 'message_content')
      UNION ALL
      SELECT * FROM chatmig_violations('chat_messages', 'message_missing')) AS v :checked
SELECT pg_temp.claim('the changed message is named by its id', array_agg(message) = ARRAY[:'changed_message'],
                     string_agg(message, ', '))
FROM chatmig_violations('chat_messages', 'message_content') :checked

SELECT pg_temp.claim('chatmig_assert_valid(), which a script would call, raises an error (23000)',
                     e = '23000', e)
FROM pg_temp.sqlstate_of('SELECT chatmig_assert_valid()') AS e :checked
