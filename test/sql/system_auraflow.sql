--
-- AuraFlow: a question and its answer in one row, into single messages. The
-- new table has no conversations beside it (conversation_id groups its rows)
-- and no position: its readers sort by time.
--
\getenv here PG_ABS_SRCDIR
\set system :here '/sql/include/system.inc'
\i :system

-- The old tables, with a row of each kind that is odd.
SELECT $old$
CREATE TABLE users (
    id serial PRIMARY KEY,
    email varchar(255) NOT NULL UNIQUE
);
CREATE TABLE chat_messages (
    id serial PRIMARY KEY,
    user_id int REFERENCES users ON DELETE CASCADE,
    message text NOT NULL,
    response text NOT NULL,
    model varchar(100) NOT NULL,
    timestamp timestamp DEFAULT now(),
    session_id varchar(255)
);
CREATE INDEX idx_chat_messages_user_timestamp
    ON chat_messages (user_id, timestamp DESC);
INSERT INTO users (email) VALUES
    ('ada@example.org'), ('ben@example.org'), ('cy@example.org'),
    ('dee@example.org');
INSERT INTO chat_messages
    (user_id, message, response, model, timestamp, session_id) VALUES
    (1, 'Plan my week', 'Here is a plan.', 'gpt-4', '2024-05-01 10:00:00', 's1'),
    -- 2: the bot speaks first
    (1, '', 'Did you finish the report?', 'gpt-4', '2024-05-01 10:02:00', 's1'),
    -- 3: no answer came
    (1, 'Not yet.', '', 'gpt-4', '2024-05-01 10:03:00', 's1'),
    -- 4, 5: the same question, answered again by another model
    (1, 'Tell me a joke', 'Knock knock.', 'gpt-4', '2024-05-01 10:05:00', 's1'),
    (1, 'Tell me a joke', E'Who''s there?\n😀', 'gpt-4o', '2024-05-01 10:05:30', 's1'),
    -- 6: another connection; a time to the microsecond
    (1, 'New day', 'Good morning.', 'gpt-4', '2024-05-02 08:00:00.000001', 's2'),
    -- 7: a guest
    (NULL, 'Hello?', 'Hello, guest.', 'gpt-3.5', '2024-05-01 09:00:00', 's3'),
    -- 8: before there were sessions
    (2, 'What time is it?', 'Nine.', 'gpt-4', '2024-05-01 09:00:00', NULL),
    -- 9: nothing in it
    (2, '', '', 'gpt-4', '2024-05-01 09:10:00', NULL),
    -- 10, 11: no time in the whole session: there is none to take
    (2, 'Lost', 'Found.', 'gpt-4', NULL, 's4'),
    (2, 'Lost again', 'Found again.', 'gpt-4', NULL, 's4'),
    -- 12: of the user who is in the new table too
    (4, 'Old words', 'Old answer.', 'gpt-4', '2024-05-01 12:00:00', 's5'),
    -- 13: written into both tables
    (4, 'New words', 'New answer.', 'gpt-4', '2024-06-01 12:00:01', 's9'),
    -- 14: at the same instant as 6
    (1, 'Quick', 'Reply', 'gpt-4', '2024-05-02 08:00:00.000001', 's2'),
    -- 15: no time: that of the row before it, which is 9
    (2, 'And now?', 'Still nine.', 'gpt-4', NULL, NULL);
$old$ AS old \gset

--
-- The new table is there: the application's own migration has made it, and
-- one user has talked in it already.
--
\set schema auraflow
\i :variant
CREATE TABLE messages (
    id serial PRIMARY KEY,
    user_id int REFERENCES users ON DELETE CASCADE,
    content text NOT NULL,
    sender varchar(10) NOT NULL CHECK (sender IN ('user', 'aurora')),
    model varchar(100),
    session_id varchar(255),
    timestamp timestamp DEFAULT now(),
    conversation_id uuid DEFAULT gen_random_uuid(),
    reply_to_id int REFERENCES messages
);
CREATE INDEX idx_messages_user_timestamp ON messages (user_id, timestamp DESC);
CREATE INDEX idx_messages_conversation ON messages (conversation_id);
INSERT INTO messages
    (user_id, content, sender, model, session_id, timestamp, conversation_id) VALUES
    (4, 'New words', 'user', NULL, 's9', '2024-06-01 12:00:00',
     '00000000-0000-4000-8000-000000000004'),
    (4, 'New answer.', 'aurora', 'gpt-4', 's9', '2024-06-01 12:00:01',
     '00000000-0000-4000-8000-000000000004');

\set source chat_messages
\set profile auraflow
SELECT $$
    SELECT string_agg(DISTINCT concat_ws('/', coalesce(user_id::text, 'guest'),
                                         session_id), ' + '),
           NULL, NULL, min(timestamp), max(timestamp), NULL::jsonb
    FROM messages GROUP BY conversation_id
$$ AS conversations, $$
    WITH m AS (
        SELECT *, row_number() OVER (PARTITION BY conversation_id
                                     ORDER BY timestamp, id) AS n
        FROM messages)
    SELECT concat_ws('/', coalesce(m.user_id::text, 'guest'), m.session_id),
           m.n, m.sender, m.content, m.timestamp, m.model, NULL::int,
           NULL::jsonb, NULL, r.n, t.key_1::text
    FROM m LEFT JOIN m AS r ON r.id = m.reply_to_id
         LEFT JOIN chat_messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS messages \gset

INSERT INTO expected_conversations VALUES
    ('1/s1', NULL, NULL, '2024-05-01 09:59:59.999999', '2024-05-01 10:05:30'),
    ('1/s2', NULL, NULL, '2024-05-02 08:00:00', '2024-05-02 08:00:00.000003'),
    ('guest/s3', NULL, NULL, '2024-05-01 08:59:59.999999', '2024-05-01 09:00:00'),
    ('2', NULL, NULL, '2024-05-01 08:59:59.999999', '2024-05-01 09:10:00'),
    ('2/s4', NULL, NULL, NULL, NULL),
    -- the application's own
    ('4/s9', NULL, NULL, '2024-06-01 12:00:00', '2024-06-01 12:00:01');
-- A question that has its answer in the same row is a microsecond older; a pair
-- of the same time as the one before it is younger by so much as is needed.
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, model, reply_to,
     legacy_key) VALUES
    ('1/s1', 1, 'user', 'Plan my week', '2024-05-01 09:59:59.999999', 'gpt-4', NULL, '1'),
    ('1/s1', 2, 'aurora', 'Here is a plan.', '2024-05-01 10:00:00', 'gpt-4', 1, '1'),
    ('1/s1', 3, 'aurora', 'Did you finish the report?', '2024-05-01 10:02:00', 'gpt-4', NULL, '2'),
    ('1/s1', 4, 'user', 'Not yet.', '2024-05-01 10:03:00', 'gpt-4', NULL, '3'),
    ('1/s1', 5, 'user', 'Tell me a joke', '2024-05-01 10:04:59.999999', 'gpt-4', NULL, '4'),
    ('1/s1', 6, 'aurora', 'Knock knock.', '2024-05-01 10:05:00', 'gpt-4', 5, '4'),
    ('1/s1', 7, 'user', 'Tell me a joke', '2024-05-01 10:05:29.999999', 'gpt-4o', NULL, '5'),
    ('1/s1', 8, 'aurora', E'Who''s there?\n😀', '2024-05-01 10:05:30', 'gpt-4o', 7, '5'),
    ('1/s2', 1, 'user', 'New day', '2024-05-02 08:00:00', 'gpt-4', NULL, '6'),
    ('1/s2', 2, 'aurora', 'Good morning.', '2024-05-02 08:00:00.000001', 'gpt-4', 1, '6'),
    ('1/s2', 3, 'user', 'Quick', '2024-05-02 08:00:00.000002', 'gpt-4', NULL, '14'),
    ('1/s2', 4, 'aurora', 'Reply', '2024-05-02 08:00:00.000003', 'gpt-4', 3, '14'),
    ('guest/s3', 1, 'user', 'Hello?', '2024-05-01 08:59:59.999999', 'gpt-3.5', NULL, '7'),
    ('guest/s3', 2, 'aurora', 'Hello, guest.', '2024-05-01 09:00:00', 'gpt-3.5', 1, '7'),
    ('2', 1, 'user', 'What time is it?', '2024-05-01 08:59:59.999999', 'gpt-4', NULL, '8'),
    ('2', 2, 'aurora', 'Nine.', '2024-05-01 09:00:00', 'gpt-4', 1, '8'),
    ('2', 3, 'user', 'And now?', '2024-05-01 09:09:59.999999', 'gpt-4', NULL, '15'),
    ('2', 4, 'aurora', 'Still nine.', '2024-05-01 09:10:00', 'gpt-4', 3, '15'),
    ('2/s4', 1, 'user', 'Lost', NULL, 'gpt-4', NULL, '10'),
    ('2/s4', 2, 'aurora', 'Found.', NULL, 'gpt-4', 1, '10'),
    ('2/s4', 3, 'user', 'Lost again', NULL, 'gpt-4', NULL, '11'),
    ('2/s4', 4, 'aurora', 'Found again.', NULL, 'gpt-4', 3, '11'),
    ('4/s9', 1, 'user', 'New words', '2024-06-01 12:00:00', NULL, NULL, NULL),
    ('4/s9', 2, 'aurora', 'New answer.', '2024-06-01 12:00:01', 'gpt-4', NULL, NULL);

-- Twelve rows are migrated with their 22 messages (two rows have one half), one
-- is empty, two are of a user who is in the new table already.
\i :migrate

-- What the new table has no column for, the trace keeps.
SELECT key_1, metadata FROM chat_messages_trace WHERE metadata IS NOT NULL
ORDER BY 1;
-- The guide's verification: the new table exists ...
SELECT EXISTS (SELECT FROM information_schema.tables
               WHERE table_schema = :'schema' AND table_name = 'messages');
-- ... and takes messages behind those that came from the old one: a user's and
-- a bot's message are saved, two are retrieved, they make one entry of a chat
-- history, and they are taken away again.
BEGIN;
CREATE VIEW chat_history AS
SELECT user_id, session_id, message, response
FROM (SELECT user_id, session_id, conversation_id, timestamp, id, sender,
             CASE WHEN sender = 'user' THEN content ELSE '' END AS message,
             CASE WHEN sender = 'aurora' THEN content
                  WHEN lead(sender) OVER talk = 'aurora'
                  THEN lead(content) OVER talk
                  ELSE '' END AS response,
             sender = 'aurora' AND lag(sender) OVER talk = 'user' AS told
      FROM messages
      WINDOW talk AS (PARTITION BY conversation_id ORDER BY timestamp, id)) AS m
WHERE told IS NOT TRUE;
INSERT INTO messages (user_id, content, sender, session_id, timestamp,
                      conversation_id) VALUES
    (3, 'Hello Aurora', 'user', 'test', '2024-07-01 10:00:00',
     '00000000-0000-4000-8000-000000000003'),
    (3, 'Hello! How can I help?', 'aurora', 'test', '2024-07-01 10:00:01',
     '00000000-0000-4000-8000-000000000003');
SELECT content, sender FROM messages WHERE user_id = 3 ORDER BY timestamp DESC;
SELECT message, response FROM chat_history WHERE user_id = 3;
DELETE FROM messages WHERE user_id = 3;

-- The old history is readable from the new table: converted back, each row that
-- held something is there as it was, and no other.
CREATE VIEW lost AS
SELECT user_id, session_id, message, response FROM chat_messages
WHERE (message, response) <> ('', '') AND user_id IS DISTINCT FROM 4;
SELECT count(*) FROM chat_history WHERE user_id IS DISTINCT FROM 4;
(TABLE lost EXCEPT ALL TABLE chat_history)
UNION ALL
(SELECT * FROM chat_history WHERE user_id IS DISTINCT FROM 4
 EXCEPT ALL TABLE lost);
ROLLBACK;

-- Both systems go on: a pair of the old one joins its session, also where its
-- user talks in the new one meanwhile; what the new one has written itself is
-- not touched, and what is written into both does not come twice.
BEGIN;
INSERT INTO chat_messages
    (user_id, message, response, model, timestamp, session_id) VALUES
    (1, 'Still here', 'So am I.', 'gpt-4', '2024-05-02 08:01:00', 's2'),
    (1, 'And here', '', 'gpt-4', '2024-06-01 12:00:02', 's8');
INSERT INTO messages (user_id, content, sender, session_id, timestamp,
                      conversation_id) VALUES
    (1, 'And here', 'user', 's8', '2024-06-01 12:00:00',
     '00000000-0000-4000-8000-000000000001');
INSERT INTO expected_conversations VALUES
    ('1/s8', NULL, NULL, '2024-06-01 12:00:00', '2024-06-01 12:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at) VALUES
    ('1/s8', 1, 'user', 'And here', '2024-06-01 12:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, model, reply_to,
     legacy_key) VALUES
    ('1/s2', 5, 'user', 'Still here', '2024-05-02 08:00:59.999999', 'gpt-4', NULL, '16'),
    ('1/s2', 6, 'aurora', 'So am I.', '2024-05-02 08:01:00', 'gpt-4', 5, '16');
UPDATE expected_conversations SET updated_at = '2024-05-02 08:01:00'
WHERE conversation = '1/s2';
SELECT * FROM regress_system.run(:'migration');
\i :compare
-- With force, the user who is in the new table already comes too, in a
-- conversation of their own; but not what both tables hold.
INSERT INTO expected_conversations VALUES
    ('4/s5', NULL, NULL, '2024-05-01 11:59:59.999999', '2024-05-01 12:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, model, reply_to,
     legacy_key) VALUES
    ('4/s5', 1, 'user', 'Old words', '2024-05-01 11:59:59.999999', 'gpt-4', NULL, '12'),
    ('4/s5', 2, 'aurora', 'Old answer.', '2024-05-01 12:00:00', 'gpt-4', 1, '12');
SELECT * FROM regress_system.run(:'migration', force => true);
\i :compare
SELECT * FROM regress_system.run(:'migration', force => true);
-- Of the rows that were not migrated, validate says why.
SELECT legacy_key, detail
FROM chatmig_violations(:'migration', 'legacy_unmigrated') ORDER BY 1;
ROLLBACK;
\i :rollback

--
-- chatmig makes the new tables: with conversations, a position and its own
-- words for the roles, so that no time has to be moved.
--
\set schema auraflow_created
\i :variant
\set target '{"conversations": "conversations", "messages": "messages"}'
SELECT $$
    SELECT concat_ws('/', coalesce(user_id::text, 'guest'),
                     metadata->>'session_id'),
           title, description, created_at, updated_at,
           metadata - 'session_id'
    FROM conversations
$$ AS conversations, $$
    SELECT concat_ws('/', coalesce(c.user_id::text, 'guest'),
                     c.metadata->>'session_id'),
           m.position + 1, m.role, m.content, m.created_at, m.model, m.tokens,
           m.metadata, NULL, r.position + 1, t.key_1::text
    FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
         LEFT JOIN messages AS r ON r.id = m.reply_to_id
         LEFT JOIN chat_messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS messages \gset
DELETE FROM expected_conversations WHERE conversation = '4/s9';
DELETE FROM expected_messages WHERE conversation = '4/s9';
INSERT INTO expected_conversations VALUES
    ('4/s5', NULL, NULL, '2024-05-01 11:59:59.999999', '2024-05-01 12:00:00'),
    ('4/s9', NULL, NULL, '2024-06-01 12:00:00.999999', '2024-06-01 12:00:01');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, model, reply_to,
     legacy_key) VALUES
    ('4/s5', 1, 'user', 'Old words', '2024-05-01 11:59:59.999999', 'gpt-4', NULL, '12'),
    ('4/s5', 2, 'aurora', 'Old answer.', '2024-05-01 12:00:00', 'gpt-4', 1, '12'),
    ('4/s9', 1, 'user', 'New words', '2024-06-01 12:00:00.999999', 'gpt-4', NULL, '13'),
    ('4/s9', 2, 'aurora', 'New answer.', '2024-06-01 12:00:01', 'gpt-4', 1, '13');
UPDATE expected_messages
SET created_at = created_at + interval '1 microsecond'
WHERE role = 'user' AND content <> 'Not yet.';
UPDATE expected_messages SET created_at = '2024-05-02 08:00:00.000001'
WHERE legacy_key = '14';
UPDATE expected_messages SET role = 'assistant' WHERE role = 'aurora';
UPDATE expected_conversations
SET created_at = created_at + interval '1 microsecond',
    metadata = '{}',
    title = (SELECT content FROM expected_messages AS m
             WHERE m.conversation = expected_conversations.conversation
                   AND "position" = 1);
UPDATE expected_conversations SET metadata = NULL WHERE conversation = '2';
UPDATE expected_conversations SET updated_at = '2024-05-02 08:00:00.000001'
WHERE conversation = '1/s2';
UPDATE expected_messages SET metadata = '{"chatmig_time_missing": true}'
WHERE legacy_key IN ('10', '11', '15');

-- Fourteen rows are migrated with their 26 messages, one is empty.
\i :migrate
\i :rollback

DROP SCHEMA regress_system CASCADE;
DROP EXTENSION chatmig;
