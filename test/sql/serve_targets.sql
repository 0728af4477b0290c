--
-- serve_targets: the same functions on targets of every kind: ids that are
-- numbers, quoted names and enums, no table of conversations, no position, the
-- legacy table itself
--
CREATE SCHEMA regress_serve_targets;
SET search_path = regress_serve_targets;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
CREATE EXTENSION chatmig;
\pset null NULL

\getenv here PG_ABS_SRCDIR
\set lines :here '/sql/include/serve.inc'
\i :lines


--
-- Numbers for ids
--
CREATE TABLE talks (id int PRIMARY KEY, user_id int, message text,
                    response text, sent_at timestamptz);
INSERT INTO talks VALUES (1, 1, 'q1', 'a1', '2024-05-01 10:00Z');
SELECT chatmig_register('talks', options => '{"id_type": "bigint"}');
SELECT conversations, messages FROM chatmig_migrate();
-- The migrated conversation has the number 1, the next one 2; messages go on
-- from 3.
SELECT chatmig_active_conversation('1'), chatmig_active_conversation('2');
SELECT chatmig_append('1', 'user', 'q2'), chatmig_append('2', 'assistant', 'a2');
SELECT * FROM chatmig_append_pair('2', 'q3', 'a3');
SELECT message, talk FROM chatmig_history('2') JOIN talk('2') ON
    split_part(talk, '|', 1) = "position"::text ORDER BY "position";
-- 22P02, and 22003 for what is too large for one.
\set VERBOSITY sqlstate
SELECT chatmig_append('c2', 'user', 'x');
SELECT chatmig_append('99999999999999999999', 'user', 'x');
\set VERBOSITY default
-- No session, no media here: 0A000 for what there is no table for.
SELECT chatmig_append('1', 'user', 'x', media => '1');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_create_media('1', 'http://example.org/cat');
\echo :LAST_ERROR_SQLSTATE
-- ... and no column for counterparts.
SELECT chatmig_active_conversation('1', '5');
\echo :LAST_ERROR_SQLSTATE
SELECT check_name, status FROM chatmig_validate() WHERE status <> 'ok';

--
-- A WhatsApp bot: quoted names, ids that the application makes, an enum, times
-- to the millisecond, no position, no metadata, nothing to archive
--
CREATE SCHEMA regress_serve_whatsapp;
SET search_path = regress_serve_whatsapp, regress_serve_targets;
CREATE TYPE "Role" AS ENUM ('USER', 'BOT', 'SYSTEM');
CREATE TABLE "User" (id text PRIMARY KEY, "phoneNumber" text NOT NULL UNIQUE);
CREATE TABLE "Conversation" (
    id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE "Media" (
    id text PRIMARY KEY, url text NOT NULL, type text NOT NULL, summary text,
    "userId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE "Message" (
    id text PRIMARY KEY, role "Role" NOT NULL, content text,
    "mediaId" text REFERENCES "Media" ON DELETE SET NULL,
    "conversationId" text NOT NULL REFERENCES "Conversation" ON DELETE RESTRICT,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO "User" VALUES ('ada', '+1'), ('ben', '+2');
CREATE TABLE messages (
    id text PRIMARY KEY, role text NOT NULL, content text NOT NULL,
    metadata jsonb, "userId" text NOT NULL REFERENCES "User",
    "createdAt" timestamp(3) NOT NULL);
INSERT INTO messages VALUES
    ('m1', 'USER', 'Hi', NULL, 'ada', '2024-05-01 10:00:00.001'),
    ('m2', 'ASSISTANT', 'Hello', NULL, 'ada', '2024-05-01 10:00:01.5'),
    ('m3', 'USER', 'Look', '{"hasMedia": true, "mediaType": "image/jpeg",
     "filename": "cat.jpg", "url": "http://example.org/cat"}', 'ada',
     '2024-05-01 10:00:02');
SELECT chatmig_register('messages', profile => 'whatsapp', name => 'whatsapp');
SELECT conversations, messages, media FROM chatmig_migrate('whatsapp');
-- Two migrations have been run: which one must be said, and the hint says so.
SELECT chatmig_active_conversation('ada');
\echo :LAST_ERROR_SQLSTATE
-- Roles are read as user and assistant, and written as the enum has them.
SELECT chatmig_active_conversation('ada', migration => 'whatsapp') AS ada \gset
SELECT talk(:'ada', 'whatsapp');
SELECT chatmig_append(:'ada', 'assistant', 'A cat!', migration => 'whatsapp')
    IS NOT NULL AS added;
SELECT chatmig_append(:'ada', 'BOT', 'Nice.', migration => 'whatsapp')
    IS NOT NULL AS added;
SELECT role, content FROM "Message" WHERE "conversationId" = :'ada'
ORDER BY "createdAt", id;
-- 22023: the enum has no tool.
SELECT chatmig_append(:'ada', 'tool', 'x', migration => 'whatsapp');
\echo :LAST_ERROR_SQLSTATE
-- Ten messages in one transaction keep their order, which is that of time.
DO $$
DECLARE
    ada text := chatmig_active_conversation('ada', migration => 'whatsapp');
BEGIN
    FOR i IN 1..5 LOOP
        PERFORM chatmig_append_pair(ada, 'q' || i, 'a' || i, migration => 'whatsapp');
    END LOOP;
END $$;
SELECT string_agg(content, ' ' ORDER BY "position") FROM chatmig_history(:'ada', 10, migration => 'whatsapp');
SELECT count(*) = count(DISTINCT "createdAt") AS differ
FROM "Message" WHERE "conversationId" = :'ada';
SELECT max(m."createdAt") = max(c."updatedAt") AS moved
FROM "Message" AS m JOIN "Conversation" AS c ON c.id = "conversationId";
-- Pages go by the number that a message has in that order.
SELECT talk(:'ada', 'whatsapp', 2, 4);
-- A medium of Ada's; its type may not be NULL, so it is empty.
SELECT chatmig_create_media('ada', 'http://example.org/dog', summary => 'A dog.',
                            migration => 'whatsapp') AS dog \gset
SELECT url, type, summary, "userId" FROM "Media" WHERE id = :'dog';
SELECT chatmig_append(:'ada', 'user', 'And this?', media => :'dog',
                      migration => 'whatsapp') IS NOT NULL AS added;
SELECT talk(:'ada', 'whatsapp', 1);
-- What the tables have no columns for is refused and not lost: 0A000.
\set VERBOSITY terse
SELECT chatmig_append(:'ada', 'user', 'x', tokens => 1, migration => 'whatsapp');
SELECT chatmig_append(:'ada', 'user', 'x', metadata => '{}', migration => 'whatsapp');
SELECT chatmig_archive_conversation(:'ada', 'whatsapp');
SELECT chatmig_rename_conversation(:'ada', 'x', 'whatsapp');
SELECT chatmig_create_conversation('ada', title => 'x', migration => 'whatsapp');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
-- What was added is the application's, and no fault.
SELECT check_name, status, detail FROM chatmig_validate('whatsapp')
WHERE status NOT IN ('ok', 'info');
-- With columns for it under usual names, it goes.
\set VERBOSITY default
SELECT chatmig_archive_conversation(:'ada', 'whatsapp');
ALTER TABLE "Conversation" ADD "isActive" bool, ADD title varchar(20);
ALTER TABLE "Message" ADD metadata json NOT NULL DEFAULT '{}', ADD "tokenCount" int;
SELECT chatmig_archive_conversation(:'ada', 'whatsapp'),
       chatmig_unarchive_conversation(:'ada', 'whatsapp');
SELECT chatmig_rename_conversation(:'ada', 'Cats', 'whatsapp');
SELECT chatmig_append(:'ada', 'user', 'And that?', tokens => 1, metadata => '{"k": 1}',
                      migration => 'whatsapp') IS NOT NULL AS added;
SELECT talk(:'ada', 'whatsapp', 1);
-- 22001: a title that is too long.
\set VERBOSITY sqlstate
SELECT chatmig_rename_conversation(:'ada', repeat('x', 21), 'whatsapp');
\set VERBOSITY default
-- Another one after a while, and Ben's first; ids are texts.
UPDATE "Conversation" SET "updatedAt" = "updatedAt" - interval '100 days';
SELECT chatmig_active_conversation('ada', idle => '1 day', migration => 'whatsapp')
    = :'ada' AS same;
SELECT chatmig_append(chatmig_active_conversation('ben', migration => 'whatsapp'),
                      'user', 'Ben here', migration => 'whatsapp') IS NOT NULL AS added;
SELECT * FROM list(NULL, migration => 'whatsapp') ORDER BY 1;
SELECT pairs('ada', migration => 'whatsapp');
-- Cleanup and reset: the foreign key restricts, so messages go first.
SELECT * FROM chatmig_cleanup('90 days', migration => 'whatsapp');
SELECT * FROM chatmig_reset('ben', 'whatsapp');
SELECT (SELECT count(*) FROM "User") AS users, (SELECT count(*) FROM "Media") AS media,
       (SELECT count(*) FROM "Conversation") AS conversations,
       (SELECT count(*) FROM "Message") AS messages;

--
-- AuraFlow: messages alone; conversation_id groups them, time orders them
--
CREATE SCHEMA regress_serve_auraflow;
SET search_path = regress_serve_auraflow, regress_serve_targets;
CREATE TABLE users (id serial PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 5);
CREATE TABLE chat_messages (
    id serial PRIMARY KEY, user_id int REFERENCES users, message text NOT NULL,
    response text NOT NULL, model varchar(100) NOT NULL, timestamp timestamp,
    session_id varchar(255));
INSERT INTO chat_messages (user_id, message, response, model, timestamp, session_id)
VALUES (1, 'Plan my week', 'Here is a plan.', 'gpt-4', '2024-05-01 10:00', 's1'),
       (1, '', 'Did you do it?', 'gpt-4', '2024-05-01 10:05', 's1'),
       (1, 'New day', 'Good morning.', 'gpt-4', '2024-05-02 08:00', 's2'),
       (2, 'Hello', 'Hello, two.', 'gpt-4', '2024-05-01 09:00', NULL);
CREATE TABLE messages (
    id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
    content text NOT NULL,
    sender varchar(10) NOT NULL CHECK (sender IN ('user', 'aurora')),
    model varchar(100), session_id varchar(255), timestamp timestamp DEFAULT now(),
    conversation_id uuid DEFAULT gen_random_uuid(),
    reply_to_id int REFERENCES messages);
SELECT chatmig_register('chat_messages', profile => 'auraflow', name => 'auraflow');
SELECT messages FROM chatmig_migrate('auraflow');
SELECT list('1', migration => 'auraflow');
SELECT conversation AS older FROM chatmig_conversations('1', migration => 'auraflow')
WHERE messages = 3 \gset
SELECT list('1', max_rows => 1, migration => 'auraflow');
SELECT conversation AS newer FROM chatmig_conversations('1', max_rows => 1, migration => 'auraflow') \gset
SELECT list('1', before => :'newer', migration => 'auraflow');
-- The active one is that of the last message. What is added repeats owner and
-- session of its conversation, and is the bot's own word for itself.
SELECT chatmig_active_conversation('1', migration => 'auraflow') = :'newer' AS same;
SELECT chatmig_append(:'older', 'assistant', 'And now?', migration => 'auraflow') IS NOT NULL AS added;
SELECT * FROM chatmig_append_pair(:'older', 'Done.', 'Good.', model => 'gpt-4o', migration => 'auraflow');
SELECT id, user_id, sender, content, model, session_id, reply_to_id
FROM messages WHERE conversation_id = :'older' ORDER BY timestamp, id;
SELECT talk(:'older', 'auraflow');
SELECT pairs(NULL, :'older', 'auraflow');
SELECT chatmig_active_conversation('1', migration => 'auraflow') = :'older' AS same;
-- A new conversation is an id; all who ask before its first message get the
-- same. The first message says whose it is, for nothing else does.
SELECT chatmig_active_conversation('3', migration => 'auraflow') AS three \gset
SELECT chatmig_active_conversation('3', migration => 'auraflow') = :'three' AS same;
SELECT count(*) FROM chatmig_history(:'three', migration => 'auraflow');
\set VERBOSITY sqlstate
SELECT chatmig_append(:'three', 'user', 'Three here', migration => 'auraflow');
\set VERBOSITY default
SELECT chatmig_append(:'three', 'user', 'Three here', owner => '3', migration => 'auraflow')
    IS NOT NULL AS added;
SELECT chatmig_append(:'three', 'assistant', 'Hello, three.', migration => 'auraflow')
    IS NOT NULL AS added;
SELECT list('3', migration => 'auraflow');
SELECT chatmig_active_conversation('3', migration => 'auraflow') = :'three' AS same;
-- After a while there is another one, and only one.
UPDATE messages SET timestamp = timestamp - interval '2 days' WHERE user_id = 3;
SELECT chatmig_active_conversation('3', idle => '1 day', migration => 'auraflow') AS next \gset
SELECT :'next' = :'three' AS same,
       chatmig_active_conversation('3', idle => '1 day', migration => 'auraflow') = :'next' AS again;
-- Somebody else's: P0002.
\set VERBOSITY sqlstate
SELECT chatmig_append(:'three', 'user', 'x', owner => '1', migration => 'auraflow');
\set VERBOSITY default
-- Standalone messages are allowed here, and told apart.
SELECT chatmig_append(NULL, 'user', 'By the way', owner => '3', migration => 'auraflow')
    IS NOT NULL AS added;
SELECT pairs('3', migration => 'auraflow');
SELECT conversations, messages, user_messages, assistant_messages,
       conversation_messages, standalone_messages
FROM chatmig_statistics('3', 'auraflow');
SELECT conversations, messages = (SELECT count(*) FROM messages) AS messages
FROM chatmig_statistics(migration => 'auraflow');
-- 0A000 without a table for titles and archives.
\set VERBOSITY terse
SELECT chatmig_rename_conversation(:'three', 'x', 'auraflow');
SELECT chatmig_archive_conversation(:'three', 'auraflow');
\set VERBOSITY default
SELECT check_name, status, detail FROM chatmig_validate('auraflow')
WHERE status NOT IN ('ok', 'info');
-- Cleanup by the last message: user 2's, which is old, and the newer one of
-- user 1; the older one goes on today.
SELECT * FROM chatmig_cleanup('90 days', dry_run => true, migration => 'auraflow');
SELECT * FROM chatmig_cleanup('90 days', migration => 'auraflow');
SELECT chatmig_delete_conversation(:'three', 'auraflow');
SELECT * FROM chatmig_reset('1', 'auraflow');
SELECT user_id, content FROM messages;

--
-- Mentors: the legacy table is the messages' table, and lets messages stand
-- alone; deleting a chat would leave its messages behind
--
CREATE SCHEMA regress_serve_mentor;
SET search_path = regress_serve_mentor, regress_serve_targets;
CREATE TABLE users (id text PRIMARY KEY);
INSERT INTO users VALUES ('ann'), ('bob');
CREATE TABLE messages (
    id text PRIMARY KEY, "userId" text REFERENCES users, "mentorId" text,
    role text NOT NULL, content text NOT NULL, model text, tokens int,
    metadata jsonb, "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO messages VALUES
    ('m1', 'ann', 'coach', 'user', 'How?', NULL, NULL, NULL, '2024-05-01 10:00:00.123'),
    ('m2', 'ann', 'coach', 'assistant', 'So.', 'gpt-4', 7, NULL, '2024-05-01 10:00:01'),
    ('m3', 'ann', NULL, 'user', 'A question', NULL, NULL, NULL, '2024-05-01 10:05:00');
CREATE TABLE chats (
    id text PRIMARY KEY, "userId" text NOT NULL REFERENCES users,
    "mentorId" text, title text, "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL, metadata jsonb);
ALTER TABLE messages ADD "chatId" text REFERENCES chats ON DELETE SET NULL;
SELECT chatmig_register('messages', profile => 'mentor', name => 'mentor');
SELECT conversations, messages FROM chatmig_migrate('mentor');
SELECT list('ann', migration => 'mentor');
SELECT chatmig_active_conversation('ann', 'coach', migration => 'mentor') AS coach \gset
SELECT chatmig_active_conversation('ann', migration => 'mentor') = :'coach' AS same;
SELECT question_message IS NOT NULL AS added
FROM chatmig_append_pair(:'coach', 'And then?', 'Rest.', 'gpt-4', 9, '{"mood": "kind"}', migration => 'mentor');
SELECT chatmig_append(NULL, 'user', 'To nobody', owner => 'ann', migration => 'mentor') IS NOT NULL AS added;
SELECT "userId", "mentorId", role, content, model, tokens, metadata, "chatId" IS NULL AS alone
FROM messages ORDER BY content COLLATE "C";
SELECT talk(:'coach', 'mentor');
-- Legacy rows that are not migrated are not taken for standalone messages by
-- chatmig_migrate(): what came later is the application's.
SELECT legacy_rows, already, skipped, migrated FROM chatmig_migrate('mentor');
SELECT check_name, status, detail FROM chatmig_validate('mentor')
WHERE status NOT IN ('ok', 'info');
SELECT conversations, with_counterpart, without_counterpart, messages,
       conversation_messages, standalone_messages
FROM chatmig_statistics('ann', 'mentor');
-- The guide drops the columns from messages: the chat says whose they are.
ALTER TABLE messages DROP COLUMN "userId", DROP COLUMN "mentorId";
SELECT chatmig_append(:'coach', 'user', 'Still here', migration => 'mentor') IS NOT NULL AS added;
SELECT conversation_messages, standalone_messages FROM chatmig_statistics('ann', 'mentor');
SELECT standalone_messages FROM chatmig_statistics(migration => 'mentor');
\set VERBOSITY terse
SELECT chatmig_append(NULL, 'user', 'x', owner => 'ann', migration => 'mentor');
\set VERBOSITY default
SELECT chatmig_append(NULL, 'user', 'Of nobody', migration => 'mentor') IS NOT NULL AS added;
-- A chat that is deleted takes its messages along.
SELECT chatmig_delete_conversation(:'coach', 'mentor');
SELECT content, "chatId" IS NULL AS alone FROM messages ORDER BY content COLLATE "C";

--
-- Owners that compare equal though they are spelled differently
--
CREATE SCHEMA regress_serve_citext;
SET search_path = regress_serve_citext, regress_serve_targets;
CREATE EXTENSION citext;
CREATE DOMAIN person AS citext;
CREATE TABLE chats (id int PRIMARY KEY, user_id person, message text,
                    response text, photo text, sent_at timestamptz);
INSERT INTO chats VALUES (1, 'Ada', 'q1', 'a1', NULL, '2024-05-01 10:00Z');
SELECT chatmig_register('chats', '{"media": "photo"}', options => '{"id_type": "bigint"}',
                        name => 'citext');
SELECT conversations FROM chatmig_migrate('citext');
SELECT chatmig_active_conversation('ADA', migration => 'citext');
SELECT chatmig_append('1', 'user', NULL, owner => 'ada', migration => 'citext',
    media => chatmig_create_media('aDa', 'http://example.org/cat', migration => 'citext'));
SELECT owner, messages FROM chatmig_conversations('ada', migration => 'citext');
\set VERBOSITY sqlstate
SELECT chatmig_append('1', 'user', NULL, owner => 'ben', migration => 'citext');
\set VERBOSITY default
SELECT * FROM chatmig_reset('ADA', 'citext');

--
-- Owners that a collation holds equal, and two migrations into the same tables
--
CREATE SCHEMA regress_serve_collated;
SET search_path = regress_serve_collated, regress_serve_targets;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE posts (id int PRIMARY KEY, user_id text COLLATE any_case, message text,
                    response text, sent_at timestamptz);
CREATE TABLE letters (LIKE posts INCLUDING ALL);
INSERT INTO posts VALUES (1, 'Ada', 'q1', 'a1', '2024-05-01 10:00Z');
INSERT INTO letters VALUES (1, 'Eve', 'q2', 'a2', '2024-05-01 10:00Z');
SELECT chatmig_register('posts', options => '{"id_type": "bigint"}');
SELECT conversations FROM chatmig_migrate('posts');
SELECT chatmig_register('letters', target =>
    '{"conversations": "conversations", "messages": "messages"}');
SELECT conversations FROM chatmig_migrate('letters');
-- ADA is Ada, wherever that is asked.
SELECT chatmig_active_conversation('ADA', migration => 'posts');
SELECT chatmig_append('1', 'user', 'x', owner => 'ADA', migration => 'posts') IS NOT NULL AS added;
\set VERBOSITY sqlstate
SELECT chatmig_append('1', 'user', 'x', owner => 'Eve', migration => 'posts');
\set VERBOSITY default
-- Who asks for a conversation of one, waits for who asks for one of the other:
-- both locks are the same.
BEGIN;
SELECT chatmig_active_conversation('Zoe', migration => 'posts') IS NOT NULL AS got,
       chatmig_archive_conversation(chatmig_active_conversation('Zoe', migration => 'posts'), 'posts') AS archived,
       chatmig_active_conversation('ZOE', migration => 'posts') IS NOT NULL AS another;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;
-- Whatever the migration's name: Eve's conversation is in these tables, too.
SELECT chatmig_delete_conversation(chatmig_active_conversation('eve', migration => 'posts'), 'posts');
SELECT migration, check_name, status FROM chatmig_validate()
WHERE status <> 'ok' AND migration IN ('posts', 'letters');
-- Where all that has been run filled the same tables, none need be named.
BEGIN;
DELETE FROM chatmig_run WHERE migration NOT IN ('posts', 'letters');
ALTER TABLE chatmig_migration SET (fillfactor = 100); -- for all to forget
SELECT chatmig_active_conversation('aDA');
ROLLBACK;

--
-- Tables that keep whole seconds, a role whose domain changes, messages that
-- stand alone
--
CREATE SCHEMA regress_serve_coarse;
SET search_path = regress_serve_coarse, regress_serve_targets;
CREATE DOMAIN speaker AS text CHECK (value IN ('user', 'bot'));
CREATE DOMAIN loud_speaker AS speaker;
CREATE TABLE rooms (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, user_id int,
    title varchar(10) NOT NULL, updated_at timestamp(0));
CREATE TABLE lines (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    room_id bigint REFERENCES rooms ON DELETE RESTRICT, user_id int, sender loud_speaker NOT NULL,
    body text NOT NULL, size int GENERATED ALWAYS AS (length(body)) STORED,
    reply_to_id bigint REFERENCES lines, created_at timestamp(0));
CREATE TABLE old_lines (id int PRIMARY KEY, user_id int, message text, response text,
    sent_at timestamptz);
INSERT INTO old_lines VALUES (1, 1, 'q1', 'a1', '2024-05-01Z'), (2, 2, 'q2', 'a2', '2024-05-01Z');
SELECT chatmig_register('old_lines', name => 'coarse', target =>
    '{"conversations": "rooms", "messages": {"table": "lines", "columns": {"conversation": "room_id"}}}');
SELECT conversations FROM chatmig_migrate('coarse');
-- In the second in which the migration has run, and before it by the column.
UPDATE chatmig_run SET migrated_at = date_trunc('second', clock_timestamp()) + interval '0.9 s'
WHERE migration = 'coarse';
SELECT chatmig_append('1', 'assistant', 'q3', migration => 'coarse') AS q3 \gset
UPDATE lines SET created_at = (SELECT date_trunc('second', migrated_at) FROM chatmig_run
                               WHERE migration = 'coarse') AT TIME ZONE 'UTC'
WHERE id = :q3;
SELECT chatmig_create_conversation('1', title => 'new', migration => 'coarse') IS NOT NULL AS created;
SELECT check_name, status, detail FROM chatmig_validate('coarse')
WHERE status NOT IN ('ok', 'info');
-- A second earlier it is nobody's.
UPDATE lines SET created_at = created_at - interval '1 s' WHERE id = :q3;
SELECT check_name, status FROM chatmig_validate('coarse') WHERE status NOT IN ('ok', 'info');
-- A message that stands alone is answered by its own owner; 23503 for others.
SELECT chatmig_append(NULL, 'user', 'alone', owner => '1', migration => 'coarse') AS alone \gset
SELECT chatmig_append(NULL, 'user', 'mine', owner => '2', reply_to => :'alone', migration => 'coarse');
SELECT chatmig_append(NULL, 'user', 'mine', owner => '1', reply_to => :'alone', migration => 'coarse')
    IS NOT NULL AS added;
SELECT chatmig_append(NULL, 'user', 'nobody''s', reply_to => :'alone', migration => 'coarse');
-- The domain says which roles there are, whenever it does: 22023 before.
\set VERBOSITY sqlstate
SELECT chatmig_append('1', 'system', 'x', migration => 'coarse');
ALTER DOMAIN speaker DROP CONSTRAINT speaker_check;
ALTER DOMAIN speaker ADD CHECK (value IN ('user', 'bot', 'system'));
SELECT chatmig_append('1', 'system', 'x', migration => 'coarse') IS NOT NULL AS added;
ALTER DOMAIN loud_speaker ADD CHECK (value <> 'system') NOT VALID;
SELECT chatmig_append('1', 'system', 'x', migration => 'coarse');
\set VERBOSITY default
-- Longer than times go back: nothing is that old, nor has anybody been idle so
-- long.
SELECT * FROM chatmig_cleanup('178000000 years', migration => 'coarse');
SELECT chatmig_active_conversation('2', idle => '500000 years', migration => 'coarse');
SELECT * FROM chatmig_cleanup('6000 years', dry_run => true, migration => 'coarse');

--
-- The cache: what changes is seen by the next call
--
-- An enum that grows, a schema that is renamed, and a column.
SET search_path = regress_serve_whatsapp, regress_serve_targets;
ALTER TYPE "Role" ADD VALUE 'TOOL';
SELECT chatmig_append(chatmig_active_conversation('ben', migration => 'whatsapp'),
                      'tool', 'x', migration => 'whatsapp') IS NOT NULL AS added;
ALTER SCHEMA regress_serve_whatsapp RENAME TO regress_serve_moved;
SET search_path = regress_serve_moved, regress_serve_targets;
SELECT chatmig_append(chatmig_active_conversation('ben', migration => 'whatsapp'),
                      'user', 'x', migration => 'whatsapp') IS NOT NULL AS added;
ALTER TABLE "Message" RENAME COLUMN content TO words;
SELECT chatmig_active_conversation('ben', migration => 'whatsapp');
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE "Message" RENAME COLUMN words TO content;
SELECT list('ben', migration => 'whatsapp');
-- A migration that is rolled back is no longer served; the other one is, and
-- where it is the only one, it need not be named.
SET search_path = regress_serve_targets;
SELECT chatmig_active_conversation('1', migration => 'talks');
DELETE FROM messages WHERE id > 2;
DELETE FROM conversations WHERE id > 1;
SELECT conversations FROM chatmig_rollback('talks');
SELECT chatmig_active_conversation('1', migration => 'talks');
\echo :LAST_ERROR_SQLSTATE
-- A table that has been dropped is said to be gone.
SET client_min_messages = warning;
DROP TABLE regress_serve_moved."Media" CASCADE;
\set VERBOSITY terse
SELECT chatmig_active_conversation('ben', migration => 'whatsapp');
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA regress_serve_targets, regress_serve_moved, regress_serve_auraflow,
    regress_serve_mentor, regress_serve_citext, regress_serve_collated,
    regress_serve_coarse CASCADE;
