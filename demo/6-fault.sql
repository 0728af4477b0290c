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
SELECT (SELECT id FROM half WHERE content LIKE 'My boss wants me%') AS changed_row,
       (SELECT id FROM half WHERE content = 'Can you help me?') AS lost_row \gset

\echo
\echo 'The checks that find something:'
\echo
:show
SELECT check_name, status, violations, detail, hint
FROM chatmig_validate() WHERE status <> 'ok' \gx
SELECT * FROM chatmig_violations('chat_messages', 'message_content') \gx
:hide
