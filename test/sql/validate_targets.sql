--
-- Checking tables that were there before: what the messages have themselves,
-- times without positions, summaries, owners' times, and what the tables had
--
CREATE EXTENSION chatmig;
CREATE SCHEMA regress_validate_targets;
SET search_path = regress_validate_targets, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;
\pset null NULL

--
-- Pairs into messages without conversations and positions. Rows 3 and 4 are of
-- one time, 5 has none, and so has the only row of its session; the
-- application has written messages already.
--
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2), (4);
CREATE TABLE pairs (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
                    message text, response text, "timestamp" timestamp, session_id text);
INSERT INTO pairs VALUES
(1, 1, 'Hi!', 'Hello, Ada.', '2024-05-01 10:00', 's1'),
(2, 1, 'No.', '', '2024-05-01 10:01', 's1'),
(3, 1, 'Same', 'Same', '2024-05-01 10:02', 's1'),
(4, 1, 'Same', 'Same', '2024-05-01 10:02', 's1'),
(5, 1, 'When?', 'Then.', NULL, 's1'),
(6, 2, 'Alone?', 'Yes.', NULL, NULL),
(7, NULL, 'Guest', 'Host', '2024-05-01 11:00', 's2');
CREATE TABLE lines (id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
                    content text NOT NULL, sender varchar(10) NOT NULL CHECK (sender IN ('user', 'aurora')),
                    session_id text, "timestamp" timestamp DEFAULT now(),
                    conversation_id uuid DEFAULT gen_random_uuid(), reply_to_id int REFERENCES lines);
CREATE INDEX lines_user ON lines (user_id, "timestamp" DESC);
CREATE INDEX lines_lower ON lines (lower(content));
CREATE FUNCTION untouched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER untouched BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION untouched();
CREATE TRIGGER asleep BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION untouched();
ALTER TABLE lines DISABLE TRIGGER asleep;
INSERT INTO lines (user_id, content, sender, session_id, "timestamp", conversation_id)
VALUES (4, 'Mine', 'user', 's9', '2024-06-01', '00000000-0000-4000-8000-000000000004');
SELECT chatmig_register('pairs', target => '{"messages": {"table": "lines", "roles": {"assistant": "aurora"}}}');

--
-- Messages whose metadata describe media, with their summaries
--
CREATE TABLE said (id int PRIMARY KEY, user_id int, role text, content text,
                   metadata jsonb, created_at timestamptz);
INSERT INTO said VALUES
(1, 1, 'user', 'Look', '{"hasMedia": true, "filename": "cat.jpg"}', '2024-05-01 10:00Z'),
(2, 1, 'assistant', 'A cat.', '{"isMediaAnalysis": true, "filename": "cat.jpg"}', '2024-05-01 10:01Z'),
(3, 1, 'user', 'And?', '{"hasMedia": true, "filename": "dog.jpg"}', '2024-05-01 10:02Z'),
(4, 1, 'assistant', 'A dog.', '{"isMediaAnalysis": true, "filename": "dog.jpg"}', '2024-05-01 10:03Z'),
(5, 1, 'user', 'A bill', '{"hasMedia": true, "filename": "bill.pdf"}', '2024-05-01 10:04Z');
CREATE TABLE "Chat" (id text PRIMARY KEY, "userId" int NOT NULL,
                     "createdAt" timestamp(3) NOT NULL, "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE "Media" (id text PRIMARY KEY, url text NOT NULL, type text, summary text,
                      "userId" int NOT NULL, "createdAt" timestamp(3) NOT NULL);
CREATE TABLE "Line" (id text PRIMARY KEY, role text NOT NULL, content text, metadata jsonb,
                     "mediaId" text REFERENCES "Media", "chatId" text NOT NULL REFERENCES "Chat",
                     "createdAt" timestamp(3) NOT NULL);
SELECT chatmig_register('said', '{"media": {"when": "hasMedia", "name": "filename", "summary_when": "isMediaAnalysis"}}',
                        '{"conversations": "Chat", "messages": "Line", "media": "Media"}');

--
-- Conversations with their owners' times
--
CREATE TABLE workspaces (id int PRIMARY KEY, created_at timestamp, updated_at timestamp);
INSERT INTO workspaces VALUES (1, '2024-01-01', '2024-01-02'), (2, '2024-01-03', NULL);
CREATE TABLE patches (id int PRIMARY KEY, workspace_id int REFERENCES workspaces, question text,
                      answer text, created_at timestamptz);
INSERT INTO patches VALUES (1, 1, 'q', 'a', '2024-02-01Z');
CREATE TABLE rooms (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, workspace_id int NOT NULL,
                    created_at timestamp(0), updated_at timestamp(0));
CREATE TABLE words (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room_id int REFERENCES rooms ON DELETE CASCADE,
                    "position" int, role text, content text, created_at timestamp(0));
SELECT chatmig_register('patches', '{"owner": "workspace_id", "time": "created_at"}',
                        '{"conversations": "rooms", "messages": "words"}',
                        '{"empty_owners": true, "times": "owner"}');

-- All rows are migrated, and each check is ok.
SELECT migration, legacy_rows, migrated, skipped, conversations, messages, media
FROM chatmig_migrate() ORDER BY migration;
SELECT migration, check_name, status, violations, example FROM chatmig_validate()
WHERE status <> 'ok' ORDER BY migration, check_name;
-- A question is a step before its answer; of rows 3 and 4, each message is
-- behind the one before it; row 5 has the time of row 4, and is behind it, too.
SELECT sender, content, "timestamp", t.key_1
FROM lines AS m LEFT JOIN pairs_trace AS t ON m.id = ANY (t.message_ids)
ORDER BY m.user_id, m."timestamp", m.id;

CREATE TABLE names AS
SELECT 'chat' AS name, id FROM "Chat"
UNION ALL SELECT 'line' || row_number() OVER (ORDER BY "createdAt"), id FROM "Line"
UNION ALL SELECT url, id FROM "Media"
UNION ALL SELECT 'c' || min(key_1), conversation_id::text FROM pairs_trace GROUP BY conversation_id;
\getenv here PG_ABS_SRCDIR
\set plant :here '/sql/include/plant.inc'
\i :plant
-- Of a message of pairs, by row and part.
CREATE FUNCTION id(int, int) RETURNS int LANGUAGE sql
    AS 'SELECT message_ids[$2] FROM regress_validate_targets.pairs_trace WHERE key_1 = $1';

INSERT INTO faults (migration, fault, sql, expected) VALUES
-- times, to the step
('pairs', 'an answer is later by a microsecond',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '1 us' WHERE id = id(1, 2)$$,
 'message_time violation 1 legacy key 1'),
('pairs', 'a question is later by a microsecond, and has its answer''s time',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '1 us' WHERE id = id(1, 1)$$,
 'message_time violation 1 legacy key 1'),
('pairs', 'a question is earlier by a microsecond',
 $$UPDATE lines SET "timestamp" = "timestamp" - interval '1 us' WHERE id = id(1, 1)$$,
 'message_time violation 1 legacy key 1'),
('pairs', 'a question without an answer is earlier by a microsecond',
 $$UPDATE lines SET "timestamp" = "timestamp" - interval '1 us' WHERE id = id(2, 1)$$,
 'message_time violation 1 legacy key 2'),
('pairs', 'a question without an answer is later by an hour',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '1 h' WHERE id = id(7, 2)$$,
 'message_time violation 1 legacy key 7'),
-- the last of them is not behind the one before it any more
('pairs', 'a message that was kept apart is later by a microsecond',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '1 us' WHERE id = id(5, 2)$$,
 'message_time violation 1 legacy key 5'),
('pairs', 'the time that came from a neighbour is later by an hour',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '1 h' WHERE id IN (id(5, 1), id(5, 2))$$,
 'message_time violation 1 legacy key 5'),
-- also where each is behind another; row 5 has no time, and is behind row 4
('pairs', 'a conversation is two hours late',
 $$UPDATE lines SET "timestamp" = "timestamp" + interval '2 h'
   WHERE session_id = 's1'$$,
 'message_time violation 7 legacy key 1'),
-- who was in the way is gone, and so nobody can say
('pairs', 'a pair is deleted, with its legacy row, before others of that time',
 $$DELETE FROM pairs WHERE id = 3;
   UPDATE lines SET reply_to_id = NULL WHERE id = id(3, 2);
   DELETE FROM lines WHERE id IN (id(3, 1), id(3, 2))$$,
 '-'),
-- what a message has itself
('pairs', 'a message is of another owner',
 $$UPDATE lines SET user_id = 2 WHERE id = id(2, 1)$$,
 'message_owner violation 1 legacy key 2'),
('pairs', 'a message is of nobody',
 $$UPDATE lines SET user_id = NULL WHERE id = id(2, 1)$$,
 'message_owner violation 1 legacy key 2'),
('pairs', 'a guest''s message is somebody''s',
 $$UPDATE lines SET user_id = 1 WHERE id = id(7, 1)$$,
 'message_owner violation 1 legacy key 7'),
('pairs', 'a message is of another session',
 $$UPDATE lines SET session_id = 'S1' WHERE id = id(2, 1)$$,
 'message_owner violation 1 legacy key 2'),
('pairs', 'a message has got a session',
 $$UPDATE lines SET session_id = '' WHERE id = id(6, 1)$$,
 'message_owner violation 1 legacy key 6'),
('pairs', 'half a conversation is split off',
 $$UPDATE lines SET conversation_id = '00000000-0000-4000-8000-000000000001'
   WHERE id IN (id(4, 1), id(4, 2), id(5, 1), id(5, 2))$$,
 'message_owner violation 4 legacy key 4'),
('pairs', 'a turn is there again, in a conversation of its own',
 $$INSERT INTO lines (user_id, content, sender, session_id, "timestamp", conversation_id)
   SELECT user_id, content, sender, session_id, "timestamp", '00000000-0000-4000-8000-000000000001'
   FROM lines WHERE id IN (id(7, 1), id(7, 2));
   ALTER SEQUENCE lines_id_seq RESTART WITH 100$$,
 'message_duplicate warning 2 legacy key 7'),
('pairs', 'an owner is deleted, and all of theirs on both sides',
 $$DELETE FROM users WHERE id = 1$$,
 '-'),
-- what the table had
('pairs', 'two foreign keys are dropped',
 $$ALTER TABLE lines DROP CONSTRAINT lines_user_id_fkey, DROP CONSTRAINT lines_reply_to_id_fkey$$,
 'constraints warning 2'),
('pairs', 'a foreign key deletes otherwise, and is not valid',
 $$ALTER TABLE lines DROP CONSTRAINT lines_user_id_fkey, DROP CONSTRAINT lines_reply_to_id_fkey,
       ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL,
       ADD FOREIGN KEY (reply_to_id) REFERENCES lines NOT VALID$$,
 'constraints warning 2'),
('pairs', 'the primary key, the check and a NOT NULL are dropped',
 $$ALTER TABLE lines DROP CONSTRAINT lines_pkey CASCADE, DROP CONSTRAINT lines_sender_check,
       ALTER content DROP NOT NULL$$,
 'constraints warning 4'),
('pairs', 'foreign keys and triggers do not fire',
 $$ALTER TABLE lines DISABLE TRIGGER ALL$$,
 'constraints warning 3'),
('pairs', 'a trigger is dropped, another is enabled',
 $$DROP TRIGGER untouched ON lines; ALTER TABLE lines ENABLE TRIGGER asleep$$,
 'constraints warning 1'),
('pairs', 'a default is dropped',
 $$ALTER TABLE lines ALTER conversation_id DROP DEFAULT$$,
 'constraints warning 1'),
('pairs', 'a crash empties the messages',
 $$ALTER TABLE lines SET UNLOGGED$$,
 'constraints warning 1'),
('pairs', 'two indexes are dropped',
 $$DROP INDEX lines_user, lines_lower$$,
 'indexes warning 2'),
-- nothing could be migrated any more
('pairs', 'nothing gives an id any more',
 $$ALTER TABLE lines ALTER id DROP DEFAULT$$,
 'legacy_time info 2 legacy key 5; ledger violation 1'),
('pairs', 'constraints and indexes have other names, tables and columns, too',
 $$ALTER TABLE lines RENAME CONSTRAINT lines_user_id_fkey TO k1;
   ALTER TABLE lines RENAME CONSTRAINT lines_sender_check TO k2;
   ALTER INDEX lines_user RENAME TO k3;
   ALTER TABLE lines RENAME TO spoken;
   ALTER TABLE users RENAME TO people$$,
 '-'),
('pairs', 'what is new is no fault',
 $$ALTER TABLE lines ADD likes int NOT NULL DEFAULT 0 CHECK (likes >= 0);
   CREATE INDEX ON lines (likes);
   INSERT INTO lines (user_id, content, sender, session_id) VALUES (1, 'New', 'user', 's1');
   INSERT INTO lines (user_id, content, sender, session_id, conversation_id)
   SELECT user_id, 'More', 'user', session_id, conversation_id FROM lines WHERE id = id(7, 1);
   ALTER SEQUENCE lines_id_seq RESTART WITH 100$$,
 '-'),
-- summaries
('said', 'a summary is another',
 $$UPDATE "Media" SET summary = 'A tiger.' WHERE url = 'cat.jpg'$$,
 'media violation 1 legacy key 1'),
('said', 'two summaries are exchanged',
 $$UPDATE "Media" SET summary = CASE url WHEN 'cat.jpg' THEN 'A dog.' ELSE 'A cat.' END
   WHERE url <> 'bill.pdf'$$,
 'media violation 2 legacy key 1'),
('said', 'a summary is lost',
 $$UPDATE "Media" SET summary = NULL WHERE url = 'dog.jpg'$$,
 'media violation 1 legacy key 3'),
('said', 'a summary is of another medium',
 $$UPDATE "Media" SET summary = 'A dog.' WHERE url = 'bill.pdf'$$,
 'media violation 1 legacy key 5'),
('said', 'the time of a medium is later by a millisecond',
 $$UPDATE "Media" SET "createdAt" = "createdAt" + interval '1 ms' WHERE url = 'cat.jpg'$$,
 'media violation 1 legacy key 1'),
('said', 'a medium is there again',
 $$INSERT INTO "Media" SELECT 'again', url, type, summary, "userId", "createdAt"
   FROM "Media" WHERE url = 'cat.jpg'$$,
 'media warning 1'),
('said', 'media of the application''s own',
 $$INSERT INTO "Media" SELECT 'own' || url, url, type, summary, "userId", now() FROM "Media";
   INSERT INTO "Media" VALUES ('mine', 'mine.png', NULL, NULL, 1, '2024-01-01')$$,
 '-'),
('said', 'a conversation begins a millisecond later, and ends earlier',
 $$UPDATE "Chat" SET "createdAt" = "createdAt" + interval '1 ms', "updatedAt" = "updatedAt" - interval '1 ms'$$,
 'conversation_times violation 2 conversation chat'),
('said', 'the conversation goes on',
 $$UPDATE "Chat" SET "updatedAt" = now()$$,
 '-'),
-- owners' times
('patches', 'a conversation began later than its owner',
 $$UPDATE rooms SET created_at = created_at + interval '1 s' WHERE workspace_id = 1$$,
 'conversation_times warning 1 conversation 1'),
('patches', 'a conversation ended before its owner was changed',
 $$UPDATE rooms SET updated_at = updated_at - interval '1 s' WHERE workspace_id = 1$$,
 'conversation_times warning 1 conversation 1'),
('patches', 'an owner has been changed since, and a conversation has gone on',
 $$UPDATE workspaces SET updated_at = now() WHERE id = 1;
   UPDATE rooms SET updated_at = now()$$,
 '-');
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM plant('pairs');
SELECT * FROM plant('said');
SELECT * FROM plant('patches');
\pset format aligned
\pset tuples_only off

-- What the tables had is in dumps, by name.
SELECT d.* FROM chatmig_target AS t, jsonb_to_recordset(t.definition) AS d (kind text, name text, type text, columns text[])
WHERE t.migration = 'pairs' AND t.part = 'messages'
ORDER BY d.kind COLLATE "C", d.name COLLATE "C";

-- More rows than before of one time, and the rest without any: each is behind
-- the one before it, and nothing is accused.
INSERT INTO pairs SELECT i, 2, 'q' || i, 'a' || i, CASE WHEN i = 1000 THEN timestamp '2024-05-02 10:00' END, 's5'
FROM generate_series(100, 2100) AS i;
INSERT INTO pairs SELECT i, 2, 'q' || i, 'a' || i, '2024-05-02 10:00', 's6'
FROM generate_series(3000, 4500) AS i;
SELECT migrated, messages FROM chatmig_migrate('pairs');
SELECT check_name, status, violations, example, detail FROM chatmig_validate('pairs')
WHERE status <> 'ok' AND status <> 'info';
-- Later ones are told from these, too.
INSERT INTO pairs VALUES (99, 2, 'before', 'them', NULL, 's5'), (4501, 2, 'behind', 'them', '2024-05-02 10:00', 's6');
SELECT migrated, messages FROM chatmig_migrate('pairs');
SELECT check_name, status, violations, example, detail FROM chatmig_validate('pairs')
WHERE status <> 'ok' AND status <> 'info';

DROP SCHEMA regress_validate_targets CASCADE;
DROP EXTENSION chatmig;
