\echo
\echo '== 5. A conversation, read'
\echo
\echo 'What ada talked about that evening. The row without a time has got one:'
\echo
:show
SELECT to_char(m.created_at AT TIME ZONE 'UTC', 'Mon DD, HH24:MI:SS') AS "when",
       CASE m.role WHEN 'user' THEN u.name ELSE 'eliza' END AS who,
       m.content AS text
FROM messages m
     JOIN conversations c ON c.id = m.conversation_id
     JOIN users u ON u.id = c.user_id
WHERE c.id = (SELECT conversation_id FROM messages WHERE content LIKE 'My boss wants me%')
ORDER BY m.position;
:hide
