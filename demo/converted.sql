-- Everything that must hold whenever the history is converted.

SELECT pg_temp.claim(:'halves' || ' texts that are not empty, ' || count(*) || ' messages',
                     count(*) = :halves)
FROM pg_temp.all_messages() :checked
SELECT pg_temp.claim('each text is one message: the same bytes, role, owner, model and time'
                     || E'\n           (read as UTC, though this session is in '
                     || current_setting('TimeZone') || ')', d = 0,
                     d || ' differences')
FROM pg_temp.differences(
    'SELECT user_id, role, content, model, at FROM half',
    'SELECT user_id, role, content, model, at FROM pg_temp.all_messages()') AS d :checked
SELECT pg_temp.claim(:'talks' || ' combinations of user and session, ' || count(*) || ' conversations',
                     count(*) = :talks)
FROM conversations :checked
SELECT pg_temp.claim('each session is one conversation, with its texts in their order', d = 0,
                     d || ' differences')
FROM pg_temp.differences(
    'SELECT user_id, session_id, array_agg(role || content ORDER BY at, id, part), min(at), max(at)
     FROM half GROUP BY user_id, session_id',
    'SELECT c.user_id, c.metadata ->> ''session_id'', array_agg(m.role || m.content ORDER BY m.pos), c.created_at, c.updated_at
     FROM conversations c JOIN pg_temp.all_messages() m ON m.conversation = c.id
     GROUP BY c.id') AS d :checked
SELECT pg_temp.claim('each answer points to the question before it', d = 0, d || ' differences')
FROM pg_temp.differences(
    'SELECT message, response FROM chat_messages WHERE message <> '''' AND response <> ''''',
    'SELECT q.content, a.content
     FROM messages q JOIN messages a ON a.reply_to_id = q.id
     WHERE a.conversation_id = q.conversation_id AND a."position" = q."position" + 1') AS d :checked
SELECT pg_temp.claim('positions are 0, 1, 2, ... in each conversation', bool_and(pos = place - 1))
FROM (SELECT pos, row_number() OVER (PARTITION BY conversation ORDER BY pos) AS place
      FROM pg_temp.all_messages()) AS p :checked
SELECT pg_temp.claim('a message whose row had no time has its neighbour''s, and says so', d = 0,
                     d || ' differences')
FROM pg_temp.differences(
    'SELECT content, at FROM half WHERE no_time',
    'SELECT content, at FROM pg_temp.all_messages() WHERE no_time') AS d :checked
SELECT pg_temp.claim('the new tables are the user''s, not the extension''s',
                     string_to_array(pg_temp.relations(), ', ')
                     @> '{conversations,messages,chat_messages_trace}', pg_temp.relations()) :checked
SELECT pg_temp.claim('chat_messages is untouched: the same rows in the same places',
                     pg_temp.old_table_checksum() = :'checksum_before'
                     AND pg_temp.old_table_definition() = :'definition_before') :checked
