--
-- Chats with mentors: flat messages, by user and mentor, into chats. The same
-- table is source and target: its rows stay where they are and get a chat.
--
\getenv here PG_ABS_SRCDIR
\set system :here '/sql/include/system.inc'
\i :system

--
-- Ann talks to two mentors and to nobody in particular; Bob to one; Cat has
-- written nothing; Dan has a chat of the new kind, and an older message.
--
SELECT $old$
CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE mentors (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE messages (
    id text PRIMARY KEY,
    "userId" text NOT NULL REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE,
    "mentorId" text REFERENCES mentors ON UPDATE CASCADE ON DELETE SET NULL,
    role text NOT NULL,
    content text NOT NULL,
    prompt text,
    model text,
    tokens int,
    metadata jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "taskId" text
);
INSERT INTO users VALUES ('ann', 'ann@example.org'), ('bob', 'bob@example.org'),
    ('cat', 'cat@example.org'), ('dan', 'dan@example.org');
INSERT INTO mentors VALUES ('coach', 'Coach Carla'), ('writer', 'Writer Will');
INSERT INTO messages (id, "userId", "mentorId", role, content, prompt, model,
                      tokens, metadata, "createdAt", "taskId") VALUES
    -- saved together, at one instant
    ('cmm01', 'ann', 'coach', 'user', 'How do I start?', NULL, NULL, NULL, NULL, '2024-05-01 10:00:00.123', NULL),
    ('cmm02', 'ann', 'coach', 'assistant', 'Small. 🌱', 'How do I start?', 'gpt-4', 7, '{"mood": "kind"}', '2024-05-01 10:00:00.123', 'task1'),
    -- with no mentor, or with one who is no more
    ('cmm03', 'ann', NULL, 'user', 'A question', NULL, NULL, NULL, NULL, '2024-05-01 10:05:00', NULL),
    ('cmm04', 'ann', NULL, 'assistant', 'An answer', NULL, 'gpt-4', 3, NULL, '2024-05-01 10:05:01', NULL),
    ('cmm05', 'ann', 'writer', 'system', 'Be brief', NULL, NULL, NULL, NULL, '2024-05-01 11:00:00', NULL),
    -- a month later, to the same mentor
    ('cmm06', 'ann', 'coach', 'user', 'And then?', NULL, NULL, NULL, NULL, '2024-06-01 10:00:00', NULL),
    -- the same mentor, another user; the answer is empty
    ('cmm07', 'bob', 'coach', 'user', 'Bob here', NULL, NULL, NULL, NULL, '2024-05-01 10:00:00', NULL),
    ('cmm08', 'bob', 'coach', 'assistant', '', NULL, 'gpt-4', 0, NULL, '2024-05-01 10:00:01', NULL),
    ('cmm09', 'dan', 'coach', 'user', 'Before', NULL, NULL, NULL, NULL, '2024-05-01 10:00:00', NULL);
$old$ AS old \gset

-- The application's migration adds chats, and a chat to each message.
SELECT $new$
CREATE TABLE chats (
    id text PRIMARY KEY,
    "userId" text NOT NULL REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE,
    "mentorId" text REFERENCES mentors ON UPDATE CASCADE ON DELETE SET NULL,
    title text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    metadata jsonb
);
ALTER TABLE messages ADD "chatId" text
    REFERENCES chats ON UPDATE CASCADE ON DELETE SET NULL;
INSERT INTO chats VALUES
    ('ccdan', 'dan', 'coach', 'Mine', true, '2024-07-01 10:00:00', '2024-07-01 10:00:01', NULL);
INSERT INTO messages (id, "userId", "mentorId", role, content, "createdAt", "chatId")
VALUES ('cmm10', 'dan', 'coach', 'user', 'After', '2024-07-01 10:00:01', 'ccdan');
CREATE TEMP TABLE messages_before AS
SELECT id, to_jsonb(m) - 'chatId' AS message FROM messages AS m;
$new$ AS new \gset

\set source messages
\set profile mentor
SELECT $$
    SELECT concat_ws('/', "userId", "mentorId"), title, NULL, "createdAt",
           "updatedAt", metadata
    FROM chats WHERE "isActive"
$$ AS mentor_conversations, $$
    SELECT concat_ws('/', c."userId", c."mentorId"),
           row_number() OVER (PARTITION BY m."chatId"
                              ORDER BY m."createdAt", m.id),
           m.role, m.content, m."createdAt", m.model, m.tokens, m.metadata,
           NULL, NULL::bigint, m.id
    FROM messages AS m JOIN chats AS c ON c.id = m."chatId"
$$ AS mentor_messages \gset

INSERT INTO expected_conversations VALUES
    ('ann/coach', 'Chat with coach', NULL, '2024-05-01 10:00:00.123', '2024-06-01 10:00:00'),
    ('ann/writer', 'Chat with writer', NULL, '2024-05-01 11:00:00', '2024-05-01 11:00:00'),
    ('ann', 'General Chat', NULL, '2024-05-01 10:05:00', '2024-05-01 10:05:01'),
    ('bob/coach', 'Chat with coach', NULL, '2024-05-01 10:00:00', '2024-05-01 10:00:00'),
    ('dan/coach', 'Mine', NULL, '2024-07-01 10:00:00', '2024-07-01 10:00:01'),
    ('dan/coach', 'Chat with coach', NULL, '2024-05-01 10:00:00', '2024-05-01 10:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, model, tokens,
     metadata, legacy_key) VALUES
    ('ann/coach', 1, 'user', 'How do I start?', '2024-05-01 10:00:00.123', NULL, NULL, NULL, 'cmm01'),
    ('ann/coach', 2, 'assistant', 'Small. 🌱', '2024-05-01 10:00:00.123', 'gpt-4', 7, '{"mood": "kind"}', 'cmm02'),
    ('ann/coach', 3, 'user', 'And then?', '2024-06-01 10:00:00', NULL, NULL, NULL, 'cmm06'),
    ('ann', 1, 'user', 'A question', '2024-05-01 10:05:00', NULL, NULL, NULL, 'cmm03'),
    ('ann', 2, 'assistant', 'An answer', '2024-05-01 10:05:01', 'gpt-4', 3, NULL, 'cmm04'),
    ('ann/writer', 1, 'system', 'Be brief', '2024-05-01 11:00:00', NULL, NULL, NULL, 'cmm05'),
    ('bob/coach', 1, 'user', 'Bob here', '2024-05-01 10:00:00', NULL, NULL, NULL, 'cmm07'),
    ('dan/coach', 1, 'user', 'Before', '2024-05-01 10:00:00', NULL, NULL, NULL, 'cmm09'),
    -- the application's own, in the chat that it was in
    ('dan/coach', 1, 'user', 'After', '2024-07-01 10:00:01', NULL, NULL, NULL, 'cmm10');

--
-- The source: messages keep their user and mentor beside their chat
--
\set schema mentor_source
\i :variant
:new
\set conversations :mentor_conversations
\set messages :mentor_messages
-- Eight rows get a chat, one holds nothing, one has a chat already and stays there.
\i :migrate

-- Of the rows nothing else has changed, and none is new.
SELECT count(*) AS changed
FROM messages_before AS b FULL JOIN messages AS m ON m.id = b.id
WHERE to_jsonb(m) - 'chatId' IS DISTINCT FROM b.message;
-- getUserChats(): the newest first
SELECT title, (SELECT count(*) FROM messages AS m WHERE m."chatId" = c.id)
FROM chats AS c WHERE "userId" = 'ann' AND "isActive" ORDER BY "updatedAt" DESC;
-- getOrCreateMentorChat(): there is one to get, for each user and mentor.
SELECT "userId", "mentorId", count(*) FROM chats GROUP BY 1, 2 ORDER BY 1, 2;
-- The old endpoint returns standalone messages alone.
SELECT id, "userId", content FROM messages WHERE "chatId" IS NULL ORDER BY id;
-- getChatStats(): all chats are those with a mentor and those without.
SELECT count(*) AS total, count("mentorId") AS mentor,
       count(*) FILTER (WHERE "mentorId" IS NULL) AS standalone,
       (SELECT count(*) FROM messages AS m JOIN chats AS a ON a.id = m."chatId"
        WHERE a."isActive" AND a."userId" = c."userId") AS messages
FROM chats AS c WHERE "isActive" GROUP BY "userId" ORDER BY "userId";
-- deleteChat() only hides a chat: its messages keep it, and another run does not
-- bring it back.
BEGIN;
UPDATE chats SET "isActive" = false WHERE title = 'Chat with writer';
SELECT * FROM regress_system.run(:'migration');
SELECT title, "isActive" FROM chats WHERE "userId" = 'ann' ORDER BY title;
ROLLBACK;
-- createStandaloneMessage() and saveConversation() after the migration: the one
-- has no chat and is to have none, the other has its own. Another run leaves
-- both as they are.
BEGIN;
INSERT INTO messages (id, "userId", "mentorId", role, content, "createdAt", "chatId")
VALUES
    ('cmm11', 'bob', NULL, 'user', 'Just this', '2100-07-02 10:00:00', NULL),
    ('cmm12', 'ann', 'coach', 'user', 'Again', '2100-07-02 10:00:00.000',
     (SELECT id FROM chats WHERE ("userId", "mentorId") = ('ann', 'coach'))),
    ('cmm13', 'ann', 'coach', 'assistant', 'Yes.', '2100-07-02 10:00:00.000',
     (SELECT id FROM chats WHERE ("userId", "mentorId") = ('ann', 'coach')));
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, legacy_key) VALUES
    ('ann/coach', 4, 'user', 'Again', '2100-07-02 10:00:00', 'cmm12'),
    ('ann/coach', 5, 'assistant', 'Yes.', '2100-07-02 10:00:00', 'cmm13');
SELECT * FROM regress_system.run(:'migration');
\i :compare
-- With force, Bob's gets a chat too.
INSERT INTO expected_conversations VALUES
    ('bob', 'General Chat', NULL, '2100-07-02 10:00:00', '2100-07-02 10:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, legacy_key) VALUES
    ('bob', 1, 'user', 'Just this', '2100-07-02 10:00:00', 'cmm11');
SELECT * FROM regress_system.run(:'migration', force => true);
\i :compare
SELECT * FROM regress_system.run(:'migration', force => true);
ROLLBACK;
\i :rollback
DROP TABLE messages_before;

--
-- The guide: once they have a chat, messages lose their user and mentor.
--
\set schema mentor_guide
\i :variant
:new
\set conversations :mentor_conversations
\set messages :mentor_messages
\i :migrate
-- From then on the chats alone say whose the messages are, and cannot be taken
-- back, unless forced to.
BEGIN;
ALTER TABLE messages DROP "userId", DROP "mentorId";
\i :compare
SELECT id, content FROM messages WHERE "chatId" IS NULL ORDER BY id;
SELECT * FROM chatmig_rollback(:'migration');
ROLLBACK;
\i :rollback
DROP TABLE messages_before;

--
-- chatmig makes the chats, and a table for their messages
--
\set schema mentor_created
\i :variant
\set target '{"messages": "chat_messages"}'
SELECT $$
    SELECT concat_ws('/', "userId", "mentorId"), title, NULL, created_at,
           updated_at, metadata
    FROM chats WHERE is_active
$$ AS conversations, $$
    SELECT concat_ws('/', c."userId", c."mentorId"), m.position + 1, m.role,
           m.content, m.created_at, m.model, m.tokens, m.metadata, NULL,
           r.position + 1, t.key_1
    FROM chat_messages AS m JOIN chats AS c ON c.id = m.conversation_id
         LEFT JOIN chat_messages AS r ON r.id = m.reply_to_id
         LEFT JOIN messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS messages \gset
DELETE FROM expected_conversations WHERE title = 'Mine';
DELETE FROM expected_messages WHERE legacy_key = 'cmm10';
-- prompt and taskId play no part, and are kept in the metadata.
UPDATE expected_messages
SET metadata = '{"mood": "kind", "prompt": "How do I start?", "taskId": "task1"}'
WHERE legacy_key = 'cmm02';
\i :migrate
\i :rollback

DROP SCHEMA regress_system CASCADE;
DROP EXTENSION chatmig;
