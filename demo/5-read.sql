\echo
\echo '== 5. A conversation, read'
\echo
\echo 'Ada''s latest conversations, as an application lists them:'
\echo
:show
SELECT left(c.title, 60) AS title, c.updated_at AT TIME ZONE 'UTC' AS updated,
       (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) AS messages
FROM conversations c JOIN users u ON u.id = c.user_id
WHERE u.name = 'ada' ORDER BY c.updated_at DESC LIMIT 5;
:hide

\echo
\echo 'What ada talked about that evening in May:'
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
SELECT pg_temp.claim('the texts of that session, each once, in their order',
                     (SELECT array_agg(m.content ORDER BY m.pos)
                      FROM pg_temp.all_messages() m JOIN pg_temp.all_messages() boss USING (conversation)
                      WHERE boss.content LIKE 'My boss wants me%')
                     = (SELECT array_agg(content ORDER BY at, id, part)
                        FROM half WHERE session_id = 'ws-evening')) :checked
SELECT pg_temp.claim('one of them had no time, and has that of the pair before it',
                     (SELECT array_agg(DISTINCT m.at) FROM pg_temp.all_messages() m
                      WHERE m.content LIKE 'Because it''s "easy"%')
                     = (SELECT array_agg("timestamp" AT TIME ZONE 'UTC') FROM chat_messages
                        WHERE message LIKE 'My boss wants me%')) :checked
