\echo
\echo '== 1. The rows before'
\echo
\echo 'AuraFlow keeps a question and its answer in one row. This is its table, filled'
\echo 'with quotations from Debian''s fortunes packages and what Eliza answers to them:'
\echo
\echo '\\d chat_messages'
\d chat_messages

\echo 'It holds what old chat tables hold after some years:'
\echo
CREATE TEMP TABLE old_facts AS
SELECT what, number
FROM (SELECT count(*) AS pairs,
             count(DISTINCT user_id) AS people,
             count(DISTINCT session_id) AS sessions,
             count(*) FILTER (WHERE message = '' AND response <> '') AS proactive,
             count(*) FILTER (WHERE message <> '' AND response = '') AS unanswered,
             count(*) FILTER (WHERE message = '' AND response = '') AS empty,
             count(*) FILTER (WHERE "timestamp" IS NULL) AS no_time,
             count(*) FILTER (WHERE session_id IS NULL) AS no_session,
             count(*) FILTER (WHERE user_id IS NULL) AS guests,
             count(*) FILTER (WHERE message || response ~ '\n') AS multi_line,
             count(*) FILTER (WHERE message || response ~ '[\U00010000-\U0010ffff]') AS four_bytes,
             max(greatest(char_length(message), char_length(response))) AS longest
      FROM chat_messages) AS a,
     (SELECT count(*) AS twins
      FROM (SELECT FROM chat_messages
            GROUP BY user_id, message, response, model, "timestamp", session_id
            HAVING count(*) > 1) AS t) AS b,
     (SELECT count(*) AS late
      FROM (SELECT "timestamp" < max("timestamp") OVER (
                       PARTITION BY user_id, session_id ORDER BY id) AS late
            FROM chat_messages) AS l
      WHERE late) AS c,
     LATERAL (VALUES
        (1, 'pairs', pairs),
        (2, 'people who wrote them', people),
        (3, 'sessions', sessions),
        (4, 'pairs that the bot began (message is empty)', proactive),
        (5, 'pairs without an answer (response is empty)', unanswered),
        (6, 'pairs with neither', empty),
        (7, 'pairs without a time', no_time),
        (8, 'pairs without a session', no_session),
        (9, 'pairs of guests (user_id is NULL)', guests),
        (10, 'pairs that are there twice, in all but the id', twins),
        (11, 'pairs stored after later ones of their session', late),
        (12, 'pairs with several lines in a text', multi_line),
        (13, 'pairs with characters of four bytes', four_bytes),
        (14, 'characters in the longest text', longest)
     ) AS v (place, what, number)
ORDER BY place;
TABLE old_facts;
SELECT pg_temp.claim('at least 2,000 pairs, and some of each kind',
                     min(number) > 0 AND max(number) FILTER (WHERE what = 'pairs') >= 2000)
FROM old_facts :checked

\echo
\echo 'One of the talks, shortened. Eliza began it, and one row has no time:'
\echo
SELECT id, left(replace(message, E'\n', ' '), 33) AS message, left(response, 35) AS response,
       "timestamp"
FROM chat_messages WHERE session_id = 'ws-evening' ORDER BY id;

-- What the later steps compare with.
SELECT pg_temp.old_table_checksum() AS checksum_before,
       pg_temp.old_table_definition() AS definition_before,
       pg_temp.relations() AS relations_before,
       (SELECT number FROM old_facts WHERE what = 'pairs') AS pairs,
       (SELECT number FROM old_facts WHERE what = 'pairs with neither') AS empty_pairs \gset
