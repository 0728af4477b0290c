--
-- A WhatsApp bot: flat messages in which media hide, into conversations,
-- messages and media with Prisma's quoted names, text ids, enums and times to
-- the millisecond.
--
\getenv here PG_ABS_SRCDIR
\set system :here '/sql/include/system.inc'
\i :system

--
-- The old tables. Ada has sent pictures, with and without an analysis; Ben has
-- talked a little; Cy has written nothing; Dee is in the new tables already.
--
SELECT $old$
CREATE TYPE "OldRole" AS ENUM ('USER', 'ASSISTANT', 'SYSTEM');
CREATE TABLE users (
    id text PRIMARY KEY,
    phone text NOT NULL UNIQUE,
    name text,
    "isActive" boolean NOT NULL DEFAULT true,
    "lastMessageAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);
CREATE TABLE messages (
    id text PRIMARY KEY,
    role "OldRole" NOT NULL,
    content text NOT NULL,
    metadata jsonb,
    "userId" text NOT NULL REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "messages_userId_createdAt_idx" ON messages ("userId", "createdAt");
INSERT INTO users VALUES
    ('cku_ada', '+15550001', 'Ada', true, '2024-05-02 10:00:03.250', '2024-05-01', '2024-05-02'),
    ('cku_ben', '+15550002', NULL, true, NULL, '2024-05-01', '2024-05-01'),
    ('cku_cy', '+15550003', 'Cy', false, NULL, '2024-05-01', '2024-05-01'),
    ('cku_dee', '+15550004', 'Dee', true, NULL, '2024-05-01', '2024-05-01');
INSERT INTO messages (id, "userId", role, content, metadata, "createdAt") VALUES
    ('ckm_01', 'cku_ada', 'SYSTEM', 'You are helpful.', NULL, '2024-05-01 10:00:00.000'),
    ('ckm_02', 'cku_ada', 'USER', 'Hi', '{}', '2024-05-01 10:00:00.001'),
    ('ckm_03', 'cku_ada', 'ASSISTANT', 'Hello 👋', '{"tokens": 12}', '2024-05-01 10:00:01.500'),
    -- a picture, and what the bot saw in it
    ('ckm_04', 'cku_ada', 'USER', 'What is this?',
     '{"hasMedia": true, "mediaType": "image/jpeg", "filename": "cat.jpg", "mediaSize": 2048}',
     '2024-05-01 10:01:00.000'),
    ('ckm_05', 'cku_ada', 'ASSISTANT', 'A picture of a cat.',
     '{"isMediaAnalysis": true, "mediaType": "image/jpeg", "filename": "cat.jpg"}',
     '2024-05-01 10:01:02.000'),
    ('ckm_06', 'cku_ada', 'ASSISTANT', 'That is a cat!', NULL, '2024-05-01 10:01:03.000'),
    -- a document that nobody looked at, sent without a word
    ('ckm_07', 'cku_ada', 'USER', '',
     '{"hasMedia": true, "mediaType": "application/pdf", "filename": "bill.pdf", "mediaSize": 9}',
     '2024-05-02 10:00:00.000'),
    -- two pictures of one name, one after the other; this one was kept
    ('ckm_08', 'cku_ada', 'USER', 'First',
     '{"hasMedia": true, "mediaType": "image/png", "filename": "image.png", "url": "https://example.org/1.png"}',
     '2024-05-02 10:00:01.000'),
    ('ckm_09', 'cku_ada', 'ASSISTANT', 'A red square.',
     '{"isMediaAnalysis": true, "mediaType": "image/png", "filename": "image.png"}',
     '2024-05-02 10:00:02.000'),
    ('ckm_10', 'cku_ada', 'USER', 'Second',
     '{"hasMedia": true, "mediaType": "image/png", "filename": "image.png"}',
     '2024-05-02 10:00:03.000'),
    ('ckm_11', 'cku_ada', 'ASSISTANT', 'A blue circle.',
     '{"isMediaAnalysis": true, "mediaType": "image/png", "filename": "image.png"}',
     '2024-05-02 10:00:03.250'),
    -- no medium, in so many words; two messages of one role; a millisecond
    ('ckm_12', 'cku_ben', 'USER', 'Hello', '{"hasMedia": false}', '2024-05-01 11:00:00.000'),
    ('ckm_13', 'cku_ben', 'USER', 'Anybody?', NULL, '2024-05-01 11:00:05.122'),
    ('ckm_14', 'cku_ben', 'ASSISTANT', 'Yes.', NULL, '2024-05-01 11:00:05.123'),
    -- an analysis of a medium that is not there is a message like any other
    ('ckm_15', 'cku_ben', 'ASSISTANT', 'A picture of a dog.',
     '{"isMediaAnalysis": true, "mediaType": "image/jpeg", "filename": "dog.jpg"}',
     '2024-05-01 11:00:06.000'),
    -- nothing in it
    ('ckm_16', 'cku_ben', 'USER', '', NULL, '2024-05-01 11:00:07.000'),
    ('ckm_17', 'cku_dee', 'USER', 'Before', NULL, '2024-05-01 12:00:00.000');
$old$ AS old \gset

-- The new tables as Prisma makes them, with the bot's role (the variable "bot");
-- the users have been copied.
SELECT $new$
CREATE TYPE "Role" AS ENUM ('USER', :'bot', 'SYSTEM');
CREATE TABLE "User" (
    id text PRIMARY KEY,
    "phoneNumber" text NOT NULL,
    name text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX "User_phoneNumber_key" ON "User" ("phoneNumber");
CREATE TABLE "Conversation" (
    id text PRIMARY KEY,
    "userId" text NOT NULL REFERENCES "User" ON UPDATE CASCADE ON DELETE RESTRICT,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);
CREATE TABLE "Media" (
    id text PRIMARY KEY,
    url text NOT NULL,
    type text NOT NULL,
    summary text,
    "userId" text NOT NULL REFERENCES "User" ON UPDATE CASCADE ON DELETE RESTRICT,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "Message" (
    id text PRIMARY KEY,
    role "Role" NOT NULL,
    content text,
    "mediaId" text REFERENCES "Media" ON UPDATE CASCADE ON DELETE SET NULL,
    "conversationId" text NOT NULL REFERENCES "Conversation"
        ON UPDATE CASCADE ON DELETE RESTRICT,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO "User" SELECT id, :phone, name, "createdAt" FROM users;
INSERT INTO "Conversation" VALUES
    ('clc_dee', 'cku_dee', '2024-06-01 10:00:00', '2024-06-01 10:00:01');
INSERT INTO "Message" VALUES
    ('clm_dee', 'USER', 'After', NULL, 'clc_dee', '2024-06-01 10:00:01');
$new$ AS new \gset

\set source messages
\set profile whatsapp
-- The application reads a conversation by time.
SELECT $$
    SELECT u.name, NULL, NULL, c."createdAt", c."updatedAt", NULL::jsonb
    FROM "Conversation" AS c JOIN "User" AS u ON u.id = c."userId"
$$ AS prisma_conversations, $$
    SELECT u.name, row_number() OVER (PARTITION BY m."conversationId"
                                      ORDER BY m."createdAt", m.id),
           m.role::text, m.content, m."createdAt", NULL, NULL::int,
           t.metadata #> '{1, metadata}',
           d.url, NULL::bigint, t.key_1
    FROM "Message" AS m JOIN "Conversation" AS c ON c.id = m."conversationId"
         JOIN "User" AS u ON u.id = c."userId"
         LEFT JOIN "Media" AS d ON d.id = m."mediaId" AND d."userId" = u.id
         LEFT JOIN messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS prisma_messages, $$
    SELECT u.name, d.url, d.type, d.summary, d."createdAt"
    FROM "Media" AS d JOIN "User" AS u ON u.id = d."userId"
$$ AS prisma_media \gset

-- Ben has no name there.
INSERT INTO expected_conversations VALUES
    ('Ada', NULL, NULL, '2024-05-01 10:00:00.000', '2024-05-02 10:00:03.250'),
    (NULL, NULL, NULL, '2024-05-01 11:00:00.000', '2024-05-01 11:00:06.000'),
    ('Dee', NULL, NULL, '2024-06-01 10:00:00', '2024-06-01 10:00:01');
-- The new table has no metadata: the trace keeps the old ones.
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, media, metadata,
     legacy_key) VALUES
    ('Ada', 1, 'SYSTEM', 'You are helpful.', '2024-05-01 10:00:00.000', NULL, NULL, 'ckm_01'),
    ('Ada', 2, 'USER', 'Hi', '2024-05-01 10:00:00.001', NULL, '{}', 'ckm_02'),
    ('Ada', 3, 'BOT', 'Hello 👋', '2024-05-01 10:00:01.500', NULL, '{"tokens": 12}', 'ckm_03'),
    ('Ada', 4, 'USER', 'What is this?', '2024-05-01 10:01:00.000', 'cat.jpg',
     '{"hasMedia": true, "mediaType": "image/jpeg", "filename": "cat.jpg", "mediaSize": 2048}', 'ckm_04'),
    ('Ada', 5, 'BOT', 'A picture of a cat.', '2024-05-01 10:01:02.000', NULL,
     '{"isMediaAnalysis": true, "mediaType": "image/jpeg", "filename": "cat.jpg"}', 'ckm_05'),
    ('Ada', 6, 'BOT', 'That is a cat!', '2024-05-01 10:01:03.000', NULL, NULL, 'ckm_06'),
    ('Ada', 7, 'USER', '', '2024-05-02 10:00:00.000', 'bill.pdf',
     '{"hasMedia": true, "mediaType": "application/pdf", "filename": "bill.pdf", "mediaSize": 9}', 'ckm_07'),
    ('Ada', 8, 'USER', 'First', '2024-05-02 10:00:01.000', 'https://example.org/1.png',
     '{"hasMedia": true, "mediaType": "image/png", "filename": "image.png", "url": "https://example.org/1.png"}', 'ckm_08'),
    ('Ada', 9, 'BOT', 'A red square.', '2024-05-02 10:00:02.000', NULL,
     '{"isMediaAnalysis": true, "mediaType": "image/png", "filename": "image.png"}', 'ckm_09'),
    ('Ada', 10, 'USER', 'Second', '2024-05-02 10:00:03.000', 'image.png',
     '{"hasMedia": true, "mediaType": "image/png", "filename": "image.png"}', 'ckm_10'),
    ('Ada', 11, 'BOT', 'A blue circle.', '2024-05-02 10:00:03.250', NULL,
     '{"isMediaAnalysis": true, "mediaType": "image/png", "filename": "image.png"}', 'ckm_11'),
    (NULL, 1, 'USER', 'Hello', '2024-05-01 11:00:00.000', NULL, '{"hasMedia": false}', 'ckm_12'),
    (NULL, 2, 'USER', 'Anybody?', '2024-05-01 11:00:05.122', NULL, NULL, 'ckm_13'),
    (NULL, 3, 'BOT', 'Yes.', '2024-05-01 11:00:05.123', NULL, NULL, 'ckm_14'),
    (NULL, 4, 'BOT', 'A picture of a dog.', '2024-05-01 11:00:06.000', NULL,
     '{"isMediaAnalysis": true, "mediaType": "image/jpeg", "filename": "dog.jpg"}', 'ckm_15'),
    ('Dee', 1, 'USER', 'After', '2024-06-01 10:00:01', NULL, NULL, NULL);
-- A medium without a url has its file's name there.
INSERT INTO expected_media VALUES
    ('Ada', 'cat.jpg', 'image/jpeg', 'A picture of a cat.', '2024-05-01 10:01:00.000'),
    ('Ada', 'bill.pdf', 'application/pdf', NULL, '2024-05-02 10:00:00.000'),
    ('Ada', 'https://example.org/1.png', 'image/png', 'A red square.', '2024-05-02 10:00:01.000'),
    ('Ada', 'image.png', 'image/png', 'A blue circle.', '2024-05-02 10:00:03.000');

--
-- The guide: the bot is BOT, a user has a phoneNumber
--
\set schema whatsapp_guide
\i :variant
ALTER TABLE users RENAME phone TO "phoneNumber";
\set bot BOT
\set phone '"phoneNumber"'
:new
\set conversations :prisma_conversations
\set messages :prisma_messages
\set media :prisma_media
-- Fifteen rows are migrated, one is empty, one is skipped with its owner.
\i :migrate

-- What the guide's services do now. getConversationHistory() of the user's
-- latest conversation:
SELECT role, content, url, summary FROM (
    SELECT m.role, m.content, d.url, d.summary, m."createdAt", m.id
    FROM "Message" AS m LEFT JOIN "Media" AS d ON d.id = m."mediaId"
    WHERE "conversationId" = (SELECT id FROM "Conversation"
                              WHERE "userId" = 'cku_ada'
                              ORDER BY "updatedAt" DESC LIMIT 1)
    ORDER BY m."createdAt" DESC, m.id DESC LIMIT 4) AS h
ORDER BY h."createdAt", h.id;
-- createMessage() needs no id of ours, and is the newest in it.
INSERT INTO "Message" VALUES
    ('clm_new', 'USER', 'And now?', NULL,
     (SELECT id FROM "Conversation" WHERE "userId" = 'cku_ben'), '2024-06-02 10:00:00');
SELECT content FROM "Message" AS m JOIN "Conversation" AS c
       ON c.id = m."conversationId"
WHERE "userId" = 'cku_ben' ORDER BY m."createdAt" DESC LIMIT 1;
DELETE FROM "Message" WHERE id = 'clm_new';
-- getUserConversations() with counts, getMessageCount()
SELECT u.name, count(DISTINCT c.id) AS conversations, count(m.id) AS messages,
       (SELECT count(*) FROM "Media" AS d WHERE d."userId" = u.id) AS media
FROM "User" AS u LEFT JOIN "Conversation" AS c ON c."userId" = u.id
     LEFT JOIN "Message" AS m ON m."conversationId" = c.id
GROUP BY u.id ORDER BY u.id;
BEGIN;
-- resetUserConversation() takes conversations and messages; the user and the
-- media stay.
DELETE FROM "Message" WHERE "conversationId" IN
    (SELECT id FROM "Conversation" WHERE "userId" = 'cku_ada');
DELETE FROM "Conversation" WHERE "userId" = 'cku_ada';
SELECT (SELECT count(*) FROM "User") AS users,
       (SELECT count(*) FROM "Media") AS media,
       (SELECT count(*) FROM "Conversation") AS conversations;
ROLLBACK;
-- cleanupOldConversations(): what was not updated for 90 days, by its own times
-- and not by that of the migration.
SELECT count(*) FILTER (WHERE "updatedAt" < timestamp '2024-08-01' - interval '90 days') AS old,
       count(*) FILTER (WHERE "updatedAt" >= timestamp '2024-08-01' - interval '90 days') AS young
FROM "Conversation";
-- With force, the user who is there already comes too.
BEGIN;
INSERT INTO expected_conversations VALUES
    ('Dee', NULL, NULL, '2024-05-01 12:00:00', '2024-05-01 12:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, legacy_key) VALUES
    ('Dee', 1, 'USER', 'Before', '2024-05-01 12:00:00', 'ckm_17');
SELECT * FROM regress_system.run(:'migration', force => true);
\i :compare
SELECT * FROM regress_system.run(:'migration', force => true);
ROLLBACK;
\i :rollback

--
-- The source: the bot is ASSISTANT, a user has a phone
--
\set schema whatsapp_source
\i :variant
\set bot ASSISTANT
\set phone phone
:new
\set conversations :prisma_conversations
\set messages :prisma_messages
\set media :prisma_media
UPDATE expected_messages SET role = 'ASSISTANT' WHERE role = 'BOT';
\i :migrate
\i :rollback

--
-- chatmig makes the new tables
--
\set schema whatsapp_created
\i :variant
\set target '{"conversations": "conversations", "messages": "chat_messages", "media": "media"}'
SELECT $$
    SELECT u.name, c.title, NULL, c.created_at, c.updated_at, c.metadata
    FROM conversations AS c JOIN users AS u ON u.id = c."userId"
$$ AS conversations, $$
    SELECT u.name, m.position + 1, m.role, m.content, m.created_at, m.model,
           m.tokens, m.metadata, d.url, r.position + 1, t.key_1
    FROM chat_messages AS m JOIN conversations AS c ON c.id = m.conversation_id
         JOIN users AS u ON u.id = c."userId"
         LEFT JOIN chat_messages AS r ON r.id = m.reply_to_id
         LEFT JOIN media AS d ON d.id = m.media_id
         LEFT JOIN messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS messages, $$
    SELECT u.name, d.url, d.type, d.summary, d.created_at
    FROM media AS d JOIN users AS u ON u.id = d."userId"
$$ AS media \gset
DELETE FROM expected_conversations WHERE conversation = 'Dee';
INSERT INTO expected_conversations VALUES
    ('Dee', NULL, NULL, '2024-05-01 12:00:00', '2024-05-01 12:00:00');
DELETE FROM expected_messages WHERE conversation = 'Dee';
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, legacy_key) VALUES
    ('Dee', 1, 'user', 'Before', '2024-05-01 12:00:00', 'ckm_17');
UPDATE expected_messages SET role = lower(role);
UPDATE expected_conversations
SET title = CASE conversation WHEN 'Ada' THEN 'You are helpful.'
                              WHEN 'Dee' THEN 'Before' ELSE 'Hello' END;
\i :migrate
\i :rollback

DROP SCHEMA regress_system CASCADE;
DROP EXTENSION chatmig;
