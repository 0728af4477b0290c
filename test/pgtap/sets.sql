-- Every half of a legacy row is a message and every message is such a half: by
-- plain SQL that knows the tables, and nothing of how chatmig fills them.

BEGIN;
CREATE EXTENSION chatmig;
SELECT plan(35);

-- Pairs: five owners and guests, sessions and none, empty halves of both kinds,
-- the same words again and again, four-byte characters, times that repeat and
-- do not follow the key. The rows of owner 5 have no times here and there.
CREATE TABLE pairs (
    id int PRIMARY KEY,
    user_id int,
    session_id varchar(20),
    message text,
    response text,
    model text,
    sent_at timestamp,
    mood text);
INSERT INTO pairs
SELECT g,
       nullif(g % 6, 0),
       CASE WHEN g % 7 < 3 THEN 's' || g % 2 END,
       CASE WHEN g % 11 = 0 THEN '' WHEN g % 13 = 0 THEN NULL
            ELSE repeat('q' || g % 20, 1 + g % 30) || E' \U0001F680\t\n''' END,
       CASE WHEN g % 10 = 0 THEN NULL WHEN g % 22 = 0 THEN ''
            ELSE 'a' || g % 25 || chr(200 + g) END,
       CASE WHEN g % 3 > 0 THEN 'gpt-' || g % 3 END,
       CASE WHEN g % 6 <> 5 OR g % 4 > 0
            THEN timestamp '2024-01-01' + (g * 7919 % 400) * interval '90 s' END,
       CASE WHEN g % 2 = 0 THEN 'mood ' || g END
FROM generate_series(1, 500) AS g;
SELECT chatmig_register('pairs', options => '{"time_zone": "Asia/Tokyo"}');
SELECT chatmig_migrate('pairs');

-- What must be there, a row a half.
CREATE TEMP VIEW half AS
SELECT p.id, h.part, h.role, h.content, p.user_id, p.session_id::text,
       p.model, p.sent_at AT TIME ZONE 'Asia/Tokyo' AS created_at, p.mood
FROM pairs AS p,
     LATERAL (VALUES (1, 'user', p.message),
                     (2, 'assistant', p.response)) AS h (part, role, content)
WHERE h.content <> '';
-- What is there, by the trace.
CREATE TEMP VIEW traced AS
SELECT t.key_1 AS id, i.part::int, m.role, m.content, c.user_id,
       c.metadata ->> 'session_id' AS session_id, m.model, m.created_at,
       m.metadata ->> 'mood' AS mood
FROM pairs_trace AS t,
     LATERAL unnest(t.message_ids) WITH ORDINALITY AS i (id, part)
     JOIN messages AS m ON m.id = i.id
     JOIN conversations AS c ON c.id = m.conversation_id;

-- the generated rows are of all kinds: else what follows would say little
SELECT cmp_ok(count(*)::int, '>', 800, 'there are more than 800 halves') FROM half;
SELECT cmp_ok(count(*)::int, '>', 0, what) FROM pairs,
       LATERAL (VALUES ('questions that are NULL', message IS NULL),
                       ('questions that are empty', message = ''),
                       ('answers that are NULL', response IS NULL),
                       ('rows without any message',
                        coalesce(message, '') || coalesce(response, '') = ''),
                       ('guests', user_id IS NULL),
                       ('rows without a session', session_id IS NULL),
                       ('rows without a time', sent_at IS NULL)) AS k (what, found)
WHERE found GROUP BY what ORDER BY what;

-- By the trace, in both directions: no half is missing, none is invented. A
-- time that is missing is chatmig's to give.
SELECT is_empty('SELECT id, part, role, content, user_id, session_id, model, mood FROM half
                 EXCEPT ALL
                 SELECT id, part, role, content, user_id, session_id, model, mood FROM traced',
                'every half is a message');
SELECT is_empty('SELECT id, part, role, content, user_id, session_id, model, mood FROM traced
                 EXCEPT ALL
                 SELECT id, part, role, content, user_id, session_id, model, mood FROM half',
                'every message is a half');
SELECT is_empty('SELECT id, part, created_at FROM half WHERE created_at IS NOT NULL
                 EXCEPT SELECT id, part, created_at FROM traced',
                'every message has its row''s time, read in the zone given');
SELECT is_empty('SELECT FROM messages WHERE created_at IS NULL',
                'a message without a time of its own has been given one');
-- byte for byte, whatever the collation calls equal
SELECT is_empty('SELECT FROM half JOIN traced USING (id, part)
                 WHERE convert_to(half.content, ''UTF8'') <> convert_to(traced.content, ''UTF8'')',
                'the words are the same, byte for byte');

-- Without the trace: the same bag of words.
SELECT is_empty('SELECT role, content, user_id, session_id, model, mood FROM half
                 EXCEPT ALL
                 SELECT m.role, m.content, c.user_id, c.metadata ->> ''session_id'', m.model,
                        m.metadata ->> ''mood''
                 FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id',
                'every half is among the messages');
SELECT is_empty('SELECT m.role, m.content, c.user_id, c.metadata ->> ''session_id'', m.model,
                        m.metadata ->> ''mood''
                 FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
                 EXCEPT ALL
                 SELECT role, content, user_id, session_id, model, mood FROM half',
                'every message is among the halves');

-- Conversations: one for each owner and session that says something.
SELECT results_eq('SELECT user_id, session_id, count(*) FROM half
                   GROUP BY 1, 2 ORDER BY 1, 2',
                  'SELECT user_id, metadata ->> ''session_id'',
                          (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id)
                   FROM conversations AS c ORDER BY 1, 2',
                  'each owner and session has one conversation, with all its messages');
SELECT is_empty('SELECT FROM (SELECT id, part, row_number() OVER (
                     PARTITION BY user_id, session_id ORDER BY created_at, id, part) - 1 AS n
                     FROM half WHERE user_id IS DISTINCT FROM 5) AS h
                 JOIN pairs_trace AS t ON t.key_1 = h.id
                 JOIN messages AS m ON m.id = t.message_ids[part]
                 WHERE m.position <> n',
                'messages stand in the order of time, key and half');
SELECT is_empty('SELECT conversation_id FROM messages GROUP BY 1
                 HAVING max(position) + 1 <> count(*) OR min(position) <> 0
                        OR count(DISTINCT position) <> count(*)',
                'positions are 0, 1, 2, ...');
SELECT is_empty('SELECT FROM (SELECT created_at, lag(created_at) OVER (
                     PARTITION BY conversation_id ORDER BY position) AS before FROM messages) AS o
                 WHERE created_at < before',
                'no message is older than the one before it');
SELECT is_empty('SELECT FROM conversations AS c
                 WHERE (created_at, updated_at) IS DISTINCT FROM
                       (SELECT ROW(min(created_at), max(created_at)) FROM messages AS m
                        WHERE m.conversation_id = c.id)',
                'a conversation lasts from its first message to its last');

-- The trace: a row of it for each legacy row that says something.
SELECT bag_eq('SELECT DISTINCT id FROM half', 'SELECT key_1 FROM pairs_trace',
              'each legacy row with a message is traced once');
SELECT bag_eq('SELECT id FROM messages',
              'SELECT i FROM pairs_trace, unnest(message_ids) AS i WHERE i IS NOT NULL',
              'each message is in the trace once');
SELECT is_empty('SELECT FROM pairs_trace AS t, unnest(t.message_ids) AS i
                 JOIN messages AS m ON m.id = i
                 WHERE m.conversation_id <> t.conversation_id',
                'the trace knows the conversation');
SELECT is_empty('SELECT FROM messages AS a JOIN pairs_trace AS t ON t.message_ids[2] = a.id
                 WHERE a.reply_to_id IS DISTINCT FROM t.message_ids[1]',
                'an answer replies to its own question, if there is one');

-- From one legacy row to its messages, and back.
SELECT results_eq('SELECT m.role, m.content FROM pairs_trace AS t
                   JOIN messages AS m ON m.id = ANY (t.message_ids)
                   WHERE t.key_1 = 7 ORDER BY m.position',
                  'SELECT r, c FROM pairs, LATERAL (VALUES (''user'', message),
                   (''assistant'', response)) AS h (r, c) WHERE id = 7',
                  'from a legacy row to its messages');
SELECT results_eq('SELECT t.key_1 FROM messages AS m
                   JOIN pairs_trace AS t ON m.id = ANY (t.message_ids)
                   WHERE m.content = (SELECT message FROM pairs WHERE id = 7)
                   ORDER BY 1',
                  'SELECT id FROM pairs WHERE message = (SELECT message FROM pairs WHERE id = 7)
                   ORDER BY 1',
                  'from messages to their legacy rows');

-- Flat rows, with bigint ids: roles in several spellings, a key of two columns.
CREATE TABLE notes (
    room text,
    n bigint,
    author uuid,
    mentor text,
    sender text,
    body text,
    created_at timestamptz,
    PRIMARY KEY (room, n));
INSERT INTO notes
SELECT 'room ' || g % 3, g, CASE WHEN g % 5 > 0 THEN md5((g % 5)::text)::uuid END,
       CASE WHEN g % 4 > 0 THEN 'mentor ' || g % 2 END,
       (ARRAY['user', 'USER', 'Human', 'bot', 'ASSISTANT', 'ai', 'system', 'lyra'])[1 + g % 8],
       CASE WHEN g % 17 = 0 THEN '' ELSE 'note ' || g % 40 || E' \U0001F600' END,
       timestamptz '2024-01-01 00:00Z' + (g * 7919 % 300) * interval '1 min'
FROM generate_series(1, 500) AS g;
SELECT chatmig_register('notes',
    '{"shape": "flat", "owner": "author", "counterpart": "mentor", "role": "sender",
      "content": "body", "time": "created_at", "roles": {"lyra": "assistant"}}',
    '{"conversations": "note_conversations", "messages": "note_messages"}',
    '{"id_type": "bigint"}');
SELECT chatmig_migrate('notes');
CREATE TEMP VIEW note AS
SELECT room, n, author, mentor, body AS content, created_at,
       CASE WHEN sender IN ('user', 'USER', 'Human') THEN 'user'
            WHEN sender = 'system' THEN 'system' ELSE 'assistant' END AS role
FROM notes WHERE body <> '';
CREATE TEMP VIEW traced_note AS
SELECT t.key_1 AS room, t.key_2 AS n, c.author, c.mentor, m.content, m.created_at, m.role
FROM notes_trace AS t
     JOIN note_messages AS m ON m.id = t.message_ids[1]
     JOIN note_conversations AS c ON c.id = t.conversation_id AND c.id = m.conversation_id;

SELECT is((SELECT count(*) FROM note), 471::bigint, 'there are 471 notes with words');
SELECT is_empty('TABLE note EXCEPT ALL TABLE traced_note', 'every note is a message');
SELECT is_empty('TABLE traced_note EXCEPT ALL TABLE note', 'every message is a note');
SELECT bag_eq('SELECT author, mentor, content, created_at, role FROM note',
              'SELECT author, mentor, content, m.created_at, role FROM note_messages AS m
               JOIN note_conversations AS c ON c.id = m.conversation_id',
              'also without the trace');
SELECT results_eq('SELECT author, mentor, count(*) FROM note GROUP BY 1, 2 ORDER BY 1, 2',
                  'SELECT author, mentor, count(*) FROM note_messages AS m
                   JOIN note_conversations AS c ON c.id = m.conversation_id
                   GROUP BY c.id ORDER BY 1, 2',
                  'each owner and counterpart has one conversation');
SELECT is_empty('SELECT FROM (SELECT room, n, row_number() OVER (
                     PARTITION BY author, mentor ORDER BY created_at, room COLLATE "C", n) - 1 AS place
                     FROM note) AS h
                 JOIN notes_trace AS t ON (t.key_1, t.key_2) = (h.room, h.n)
                 JOIN note_messages AS m ON m.id = t.message_ids[1]
                 WHERE m.position <> place',
                'notes stand in the order of time and key');
SELECT is_empty('SELECT FROM notes_trace WHERE cardinality(message_ids) <> 1',
                'a note is one message');
SELECT bag_eq('SELECT id FROM note_messages', 'SELECT message_ids[1] FROM notes_trace',
              'each message is in the trace once');

-- Again: nothing is added, in either.
SELECT results_eq('SELECT migration, legacy_rows, already, migrated, empty, rejected, messages
                   FROM chatmig_migrate() ORDER BY 1',
                  $$VALUES ('notes', 500::bigint, 471::bigint, 0::bigint, 29::bigint, 0::bigint, 0::bigint),
                           ('pairs', 500, (SELECT count(*) FROM pairs_trace), 0,
                            500 - (SELECT count(*) FROM pairs_trace), 0, 0)$$,
                  'a second run finds nothing to do');
SELECT is_empty('SELECT FROM chatmig_validate() WHERE status = ''violation''',
                'chatmig_validate() says the same');

SELECT * FROM finish();
ROLLBACK;
