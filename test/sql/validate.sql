--
-- Checking: a fault is planted, and exactly the check that is for it speaks
-- and names the row; what is no fault is not accused
--
CREATE EXTENSION chatmig;
CREATE SCHEMA validate;
SET search_path = validate, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;
\pset null NULL

--
-- The sources
--
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2), (3), (4);
CREATE TABLE mentors (id int PRIMARY KEY);
INSERT INTO mentors VALUES (1), (2), (3);

-- Pairs: halves that are NULL and empty, both of them, identical pairs, a time
-- that is missing, one before Christ and one that is infinite, a guest, text of
-- 4 bytes a character, a question that is a medium alone.
CREATE TABLE pairs (id serial PRIMARY KEY,
                    user_id int REFERENCES users ON DELETE CASCADE,
                    message text, response text, model varchar(100),
                    "timestamp" timestamp DEFAULT now(),
                    session_id varchar(255), tokens int, lang text,
                    metadata jsonb, media_url text);
INSERT INTO pairs VALUES
(1, 1, 'Hi!', 'Hello, Ada.', 'm1', '2024-05-01 10:00', 's1', 11, 'en', '{"a": 1, "b": [2]}', NULL),
(2, 1, NULL, 'Did you know?', 'm1', '2024-05-01 10:02', 's1', 12, NULL, NULL, NULL),
(3, 1, 'No. Tell me.', '', 'm1', '2024-05-01 10:03', 's1', 13, 'en', NULL, NULL),
(4, 1, 'Same', 'Same', NULL, '2024-05-01 10:04', 's1', NULL, 'en', NULL, NULL),
(5, 1, 'Same', 'Same', NULL, NULL, 's1', NULL, 'en', NULL, NULL),
(6, 1, '', NULL, 'm1', '2024-05-01 10:05', 's1', 0, 'en', NULL, NULL),
(7, 2, 'Look: 😀', 'A smile 😀, two: 😀😀.', 'm2', '0044-03-15 12:00 BC', 's2', 17, 'la', '[1]', 'https://x/7.png'),
(8, 2, 'The end?', 'Never.', 'm2', 'infinity', 's2', 18, 'la', '{"a": null}', NULL),
(9, NULL, 'Who am I?', 'A guest.', 'm1', '2024-05-02 11:00', NULL, 19, 'en', NULL, NULL),
(10, 2, '', NULL, 'm2', '2024-05-01 09:00', 's2', NULL, 'la', NULL, 'https://x/10.png'),
(11, 3, 'One', 'Two', 'm1', '2024-05-03 08:00', 's3', 21, 'de', '{}', NULL);
SELECT setval('pairs_id_seq', 11);

-- Messages: a key of two columns, a counterpart, own spellings of roles.
CREATE TABLE flat (chat text, n int, phone text,
                   mentor_id int REFERENCES mentors, author text, body text,
                   tokens bigint, sent_at timestamptz, mood text,
                   PRIMARY KEY (chat, n));
INSERT INTO flat VALUES
('a', 1, '+1', 1, 'Boss', 'One', NULL, '2024-05-01 10:00Z', 'good'),
('a', 2, '+1', 1, 'lyra', 'Two', 5, '2024-05-01 10:01Z', NULL),
('a', 3, '+1', 2, 'user', 'Other mentor', NULL, '2024-05-01 10:02Z', NULL),
('b "', 1, NULL, 1, 'lyra', 'Guest', 6, NULL, NULL),
('b "', 2, NULL, 1, 'system', 'Rules', 7, '2024-05-01 10:04Z', 'bad'),
('b "', 3, NULL, 1, NULL, '', NULL, '2024-05-01 10:05Z', NULL);

-- A view, whose key nothing proves.
CREATE TABLE below (id int, user_id int, question text, answer text);
INSERT INTO below VALUES (1, 1, 'q1', 'a1'), (2, 1, 'q2', NULL);
CREATE VIEW seen AS SELECT * FROM below;

-- Owners without notes, and rows that point to conversations.
CREATE TABLE workspaces (id int PRIMARY KEY, created_at timestamptz);
INSERT INTO workspaces VALUES (1, '2024-01-01Z'), (2, '2024-01-02Z');
CREATE TABLE notes (id int PRIMARY KEY, workspace int REFERENCES workspaces,
                    question text, answer text, created_at timestamptz);
INSERT INTO notes VALUES (1, 1, 'q', 'a', '2024-02-01Z');
CREATE TABLE games (id int PRIMARY KEY, workspace int, conversation_id bigint);
INSERT INTO games VALUES (1, 1, NULL), (2, 2, NULL), (3, NULL, NULL);

-- All four migrate whole.
SELECT chatmig_register('pairs', '{"tokens": "tokens", "metadata": "metadata", "media": "media_url", "time": "timestamp"}');
SELECT chatmig_register('flat', '{"shape": "flat", "owner": "phone", "counterpart": "mentor_id", "session": null, "role": "author", "content": "body", "time": "sent_at", "tokens": "tokens", "roles": {"lyra": "assistant", "Boss": "user"}}',
                        '{"conversations": "flat_c", "messages": "flat_m"}',
                        '{"id_type": "bigint", "max_rejects": 1}');
SELECT chatmig_register('seen', '{"key": ["id"], "question": "question", "answer": "answer", "owner": "user_id"}',
                        '{"conversations": "seen_c", "messages": "seen_m"}');
SELECT chatmig_register('notes', '{"owner": "workspace"}',
                        '{"conversations": "rooms", "messages": "words", "links": [{"table": "games", "owner": "workspace", "conversation": "conversation_id"}]}',
                        '{"id_type": "bigint", "empty_owners": true, "title": "Default"}');
SELECT migration, legacy_rows, migrated, empty, rejected, conversations,
       messages, media, links
FROM chatmig_migrate() ORDER BY migration;

-- Every check of each is ok; some have seen something that is worth a word.
SELECT migration, count(*), count(*) FILTER (WHERE status = 'ok') AS ok
FROM chatmig_validate() GROUP BY migration ORDER BY migration;
SELECT migration, check_name, violations, detail FROM chatmig_validate()
WHERE detail IS NOT NULL ORDER BY migration, check_name;

--
-- Names for ids: q7 and a7 are the messages of pair 7, x7 is its medium, and c7 the
-- conversation of which it is the first row; seen2 is the message of row 2 of seen
--
CREATE TABLE names (name text PRIMARY KEY, id uuid UNIQUE);
INSERT INTO names
SELECT 'q' || key_1, message_ids[1] FROM pairs_trace WHERE message_ids[1] IS NOT NULL
UNION ALL
SELECT 'a' || key_1, message_ids[2] FROM pairs_trace WHERE message_ids[2] IS NOT NULL
UNION ALL
SELECT 'x' || key_1, media_id FROM pairs_trace WHERE media_id IS NOT NULL
UNION ALL
SELECT 'c' || min(key_1), conversation_id FROM pairs_trace GROUP BY conversation_id
UNION ALL
SELECT 'seen' || key_1, message_ids[1] FROM seen_trace
UNION ALL
VALUES ('n0', uuid '00000000-0000-7000-8000-000000000000');
CREATE FUNCTION id(text) RETURNS uuid LANGUAGE sql
    AS 'SELECT id FROM validate.names WHERE name = $1';
-- Of a message of flat, by its key.
CREATE FUNCTION id(text, int) RETURNS bigint LANGUAGE sql
    AS 'SELECT message_ids[1] FROM validate.flat_trace WHERE (key_1, key_2) = ($1, $2)';
SELECT name, c.user_id, c.title, c.metadata, c.created_at, c.updated_at,
       string_agg(concat_ws(' ', m."position", (SELECT name FROM names WHERE id = m.id)), ', ' ORDER BY m."position") AS messages
FROM names JOIN conversations AS c USING (id)
     JOIN messages AS m ON m.conversation_id = c.id
GROUP BY name, c.id ORDER BY name COLLATE "C";

-- Plants faults, and shows what is said of each: see there.
\getenv here PG_ABS_SRCDIR
\set plant :here '/sql/include/plant.inc'
\i :plant

--
-- Pairs
--
INSERT INTO faults (migration, fault, sql, expected) VALUES
-- the legacy table
('pairs', 'a legacy row is added',
 $$INSERT INTO pairs (user_id, message) VALUES (1, 'late')$$,
 'legacy_unmigrated violation 1 legacy key 12'),
('pairs', 'an empty legacy row is added',
 $$INSERT INTO pairs (user_id, message) VALUES (1, '')$$,
 '-'),
('pairs', 'a legacy row is changed',
 $$UPDATE pairs SET response = 'Hello, Eve.' WHERE id = 1$$,
 'legacy_changed violation 1 legacy key 1'),
('pairs', 'a kept column of a legacy row is changed',
 $$UPDATE pairs SET lang = NULL WHERE id = 9$$,
 'legacy_changed violation 1 legacy key 9'),
('pairs', 'two legacy rows are deleted',
 $$DELETE FROM pairs WHERE id IN (3, 9)$$,
 'legacy_deleted violation 2 legacy key 3'),
('pairs', 'an empty legacy row gets a text',
 $$UPDATE pairs SET response = 'late' WHERE id = 6$$,
 'legacy_unmigrated violation 1 legacy key 6'),
-- the legacy row is gone under one key, and has come under another
('pairs', 'a legacy row gets another key',
 $$UPDATE pairs SET id = 111 WHERE id = 11$$,
 'legacy_unmigrated violation 1 legacy key 111; legacy_deleted violation 1 legacy key 11'),
-- the mapping
('pairs', 'a mapped column is renamed',
 $$ALTER TABLE pairs RENAME response TO answer$$,
 'mapping violation 1'),
('pairs', 'a mapped column is dropped',
 $$ALTER TABLE pairs DROP model$$,
 'mapping violation 1'),
-- not registered by name; but of row 2, where it was NULL, nothing is lost
('pairs', 'a kept column is dropped',
 $$ALTER TABLE pairs DROP lang$$,
 'legacy_changed violation 9 legacy key 1'),
-- without messages to compare with, what the rows lack is good to know
('pairs', 'the key has another type',
 $$ALTER TABLE pairs ALTER id TYPE bigint$$,
 'mapping violation 1; legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6'),
('pairs', 'the time cannot be a time any more',
 $$ALTER TABLE pairs ALTER "timestamp" DROP DEFAULT,
     ALTER "timestamp" TYPE bool USING false$$,
 'mapping violation 1'),
('pairs', 'a column is added',
 $$ALTER TABLE pairs ADD note text$$,
 '-'),
('pairs', 'a column is added, and filled',
 $$ALTER TABLE pairs ADD note text DEFAULT 'new'$$,
 'legacy_changed violation 10 legacy key 1'),
-- the same times, as they are read
('pairs', 'the time has another type',
 $$ALTER TABLE pairs ALTER "timestamp" TYPE timestamptz$$,
 '-'),
('pairs', 'times become texts',
 $$ALTER TABLE pairs ALTER "timestamp" DROP DEFAULT, ALTER "timestamp" TYPE text$$,
 'legacy_changed violation 9 legacy key 1'),
('pairs', 'a text has another type',
 $$ALTER TABLE pairs ALTER session_id TYPE text$$,
 '-'),
-- messages
('pairs', 'a character of an answer is another',
 $$UPDATE messages SET content = 'Hello, Eva.' WHERE id = id('a1')$$,
 'message_content violation 1 legacy key 1'),
('pairs', 'a character of four bytes is another',
 $$UPDATE messages SET content = 'A smile 😀, two: 😀😁.' WHERE id = id('a7')$$,
 'message_content violation 1 legacy key 7'),
('pairs', 'a blank is added',
 $$UPDATE messages SET content = content || ' ' WHERE id = id('q9')$$,
 'message_content violation 1 legacy key 9'),
('pairs', 'a content is empty',
 $$UPDATE messages SET content = '' WHERE id = id('q9')$$,
 'message_content violation 1 legacy key 9'),
('pairs', 'two contents are exchanged',
 $$UPDATE messages SET content = CASE id WHEN id('q1') THEN 'One' ELSE 'Hi!' END
   WHERE id IN (id('q1'), id('q11'))$$,
 'message_content violation 2 legacy key 1'),
('pairs', 'the halves of a pair are exchanged',
 $$UPDATE messages SET content = CASE id WHEN id('q11') THEN 'Two' ELSE 'One' END
   WHERE id IN (id('q11'), id('a11'))$$,
 'message_content violation 2 legacy key 11'),
('pairs', 'a question is deleted',
 $$DELETE FROM messages WHERE id = id('q1')$$,
 'message_missing violation 1 legacy key 1'),
('pairs', 'the last message is deleted',
 $$DELETE FROM messages WHERE id = id('a11')$$,
 'message_missing violation 1 legacy key 11'),
('pairs', 'one of two equal messages is deleted',
 $$DELETE FROM messages WHERE id = id('a5')$$,
 'message_missing violation 1 legacy key 5'),
('pairs', 'a message is doubled',
 $$INSERT INTO messages (id, conversation_id, "position", role, content, model, created_at)
   SELECT id('n0'), conversation_id, 2, role, content, model, created_at
   FROM messages WHERE id = id('a11')$$,
 'message_unexpected violation 1 message n0'),
('pairs', 'a message of no legacy row is in front',
 $$UPDATE messages SET "position" = 2 WHERE id = id('a11');
   UPDATE messages SET "position" = 1 WHERE id = id('q11');
   INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   VALUES (id('n0'), id('c11'), 0, 'system', 'Be kind.', '2024-05-03 08:00Z')$$,
 'message_unexpected violation 1 message n0'),
-- as old as the history, and in a conversation that no legacy row explains
('pairs', 'a message is there again, in a conversation of its own',
 $$INSERT INTO conversations (id, user_id, created_at, updated_at)
   VALUES (id('n0'), 3, '2024-05-03 08:00Z', '2024-05-03 08:00Z');
   INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   VALUES (id('n0'), id('n0'), 0, 'user', 'One', '2024-05-03 08:00Z')$$,
 'message_duplicate violation 1 legacy key 11'),
-- who says the same later, or is somebody else, has said it
('pairs', 'the same words, later or of another owner',
 $$INSERT INTO conversations (id, user_id, created_at, updated_at)
   VALUES (id('n0'), 4, '2024-05-03 08:00Z', now());
   INSERT INTO messages (conversation_id, "position", role, content, created_at)
   VALUES (id('n0'), 0, 'user', 'One', '2024-05-03 08:00Z'),
          (id('n0'), 1, 'user', 'Hi!', now())$$,
 '-'),
('pairs', 'a role is another',
 $$UPDATE messages SET role = 'system' WHERE id = id('q1')$$,
 'message_role violation 1 legacy key 1'),
('pairs', 'the roles of a pair are exchanged',
 $$UPDATE messages SET role = CASE id WHEN id('q11') THEN 'assistant' ELSE 'user' END
   WHERE id IN (id('q11'), id('a11'))$$,
 'message_role violation 2 legacy key 11'),
('pairs', 'the time is later by a microsecond',
 $$UPDATE messages SET created_at = created_at + '1 us' WHERE id = id('a4')$$,
 'message_time violation 1 legacy key 4'),
('pairs', 'the first time is earlier by a second',
 $$UPDATE messages SET created_at = created_at - interval '1 s' WHERE id = id('q1')$$,
 'message_time violation 1 legacy key 1'),
('pairs', 'a time before Christ is after',
 $$UPDATE messages SET created_at = '0044-03-15 12:00Z' WHERE id = id('q7')$$,
 'message_time violation 1 legacy key 7'),
('pairs', 'an infinite time is finite',
 $$UPDATE messages SET created_at = '9999-12-31 12:00Z' WHERE id = id('q8')$$,
 'message_time violation 1 legacy key 8'),
('pairs', 'a time is lost',
 $$UPDATE messages SET created_at = NULL WHERE id = id('a9')$$,
 'message_time violation 1 legacy key 9'),
('pairs', 'a neighbour''s time is later by a second',
 $$UPDATE messages SET created_at = created_at + interval '1 s' WHERE id = id('a5')$$,
 'message_time violation 1 legacy key 5'),
('pairs', 'a neighbour''s time is lost by one half',
 $$UPDATE messages SET created_at = NULL WHERE id = id('q5')$$,
 'message_time violation 1 legacy key 5'),
('pairs', 'the model is another',
 $$UPDATE messages SET model = 'm3' WHERE id = id('q3')$$,
 'message_model violation 1 legacy key 3'),
('pairs', 'the model is lost',
 $$UPDATE messages SET model = NULL WHERE conversation_id = id('c7')$$,
 'message_model violation 5 legacy key 7'),
('pairs', 'a model comes of nothing',
 $$UPDATE messages SET model = '' WHERE id = id('q4')$$,
 'message_model violation 1 legacy key 4'),
('pairs', 'tokens are others',
 $$UPDATE messages SET tokens = 12 WHERE id = id('a1')$$,
 'message_tokens violation 1 legacy key 1'),
('pairs', 'tokens are lost',
 $$UPDATE messages SET tokens = NULL WHERE id = id('q3')$$,
 'message_tokens violation 1 legacy key 3'),
('pairs', 'tokens are the question''s, too',
 $$UPDATE messages SET tokens = 11 WHERE id = id('q1')$$,
 'message_tokens violation 1 legacy key 1'),
('pairs', 'a kept column is lost',
 $$UPDATE messages SET metadata = metadata - 'lang' WHERE id = id('q1')$$,
 'message_metadata violation 1 legacy key 1'),
('pairs', 'all metadata are lost',
 $$UPDATE messages SET metadata = NULL WHERE id = id('a9')$$,
 'message_metadata violation 1 legacy key 9'),
('pairs', 'a kept column is another',
 $$UPDATE messages SET metadata = jsonb_set(metadata, '{lang}', '"EN"') WHERE id = id('a1')$$,
 'message_metadata violation 1 legacy key 1'),
('pairs', 'a member of the mapped object is lost',
 $$UPDATE messages SET metadata = metadata - 'a' WHERE id = id('q8')$$,
 'message_metadata violation 1 legacy key 8'),
('pairs', 'a member of the mapped object is another',
 $$UPDATE messages SET metadata = jsonb_set(metadata, '{b,0}', '3') WHERE id = id('q1')$$,
 'message_metadata violation 1 legacy key 1'),
('pairs', 'the mapped column, which is no object, is lost',
 $$UPDATE messages SET metadata = metadata - 'metadata' WHERE id = id('a7')$$,
 'message_metadata violation 1 legacy key 7'),
('pairs', 'the mark of a missing time is lost',
 $$UPDATE messages SET metadata = metadata - 'chatmig_time_missing' WHERE id = id('a5')$$,
 'message_metadata violation 1 legacy key 5'),
('pairs', 'an answer replies to nothing',
 $$UPDATE messages SET reply_to_id = NULL WHERE id = id('a1')$$,
 'message_reply violation 1 legacy key 1'),
('pairs', 'an answer replies to another question',
 $$UPDATE messages SET reply_to_id = id('q4') WHERE id = id('a1')$$,
 'message_reply violation 1 legacy key 1'),
('pairs', 'an answer without a question replies',
 $$UPDATE messages SET reply_to_id = id('a1') WHERE id = id('a2')$$,
 'message_reply violation 1 legacy key 2'),
('pairs', 'a question replies',
 $$UPDATE messages SET reply_to_id = id('a1') WHERE id = id('q3')$$,
 'message_reply violation 1 legacy key 3'),
-- media
('pairs', 'the URL is another',
 $$UPDATE media SET url = 'https://x/7.PNG' WHERE id = id('x7')$$,
 'media violation 1 legacy key 7'),
('pairs', 'a medium is deleted',
 $$DELETE FROM media WHERE id = id('x10')$$,
 'media violation 1 legacy key 10'),
('pairs', 'a message has lost its medium',
 $$UPDATE messages SET media_id = NULL WHERE id = id('q7')$$,
 'media violation 1 legacy key 7'),
('pairs', 'two messages have exchanged their media',
 $$UPDATE messages SET media_id = CASE id WHEN id('q7') THEN id('x10') ELSE id('x7') END
   WHERE id IN (id('q7'), id('q10'))$$,
 'media violation 2 legacy key 7'),
('pairs', 'an answer has the question''s medium, too',
 $$UPDATE messages SET media_id = id('x7') WHERE id = id('a7')$$,
 'media violation 1 legacy key 7'),
('pairs', 'a medium of another owner',
 $$UPDATE media SET user_id = 1 WHERE id = id('x7')$$,
 'media violation 1 legacy key 7'),
('pairs', 'the time of a medium is later by a second',
 $$UPDATE media SET created_at = created_at + interval '1 s' WHERE id = id('x10')$$,
 'media violation 1 legacy key 10'),
('pairs', 'a medium of no message',
 $$INSERT INTO media (id, user_id, url, created_at)
   VALUES (id('n0'), 1, 'https://x/0.png', '2024-05-01')$$,
 'media violation 1'),
-- conversations
('pairs', 'a message is in another conversation',
 $$UPDATE messages SET conversation_id = id('c9'), "position" = 2 WHERE id = id('a11')$$,
 'message_owner violation 1 legacy key 11'),
('pairs', 'a conversation is of another owner',
 $$UPDATE conversations SET user_id = 3 WHERE id = id('c9')$$,
 'message_owner violation 2 legacy key 9'),
('pairs', 'a conversation is of nobody',
 $$UPDATE conversations SET user_id = NULL WHERE id = id('c11')$$,
 'message_owner violation 2 legacy key 11'),
('pairs', 'a conversation is of another session',
 $$UPDATE conversations SET metadata = '{"session_id": "S3"}' WHERE id = id('c11')$$,
 'message_owner violation 2 legacy key 11'),
('pairs', 'a conversation has lost its session',
 $$UPDATE conversations SET metadata = NULL WHERE id = id('c11')$$,
 'message_owner violation 2 legacy key 11'),
('pairs', 'a conversation is deleted, and its messages with it',
 $$DELETE FROM conversations WHERE id = id('c11')$$,
 'message_missing violation 2 legacy key 11'),
('pairs', 'a conversation is deleted, its messages are not',
 $$SET LOCAL session_replication_role = replica;
   DELETE FROM conversations WHERE id = id('c11')$$,
 'message_orphan violation 2 legacy key 11'),
('pairs', 'a message of no legacy row is in no conversation',
 $$ALTER TABLE messages ALTER conversation_id DROP NOT NULL;
   INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   VALUES (id('n0'), NULL, 0, 'user', 'Where am I?', '2024-05-01')$$,
 'message_orphan violation 1 message n0; constraints warning 1'),
-- the messages are gone, and the conversation stays as it never was
('pairs', 'all messages of a conversation are deleted',
 $$DELETE FROM messages WHERE conversation_id = id('c11')$$,
 'message_missing violation 2 legacy key 11; conversation_empty violation 1 conversation c11'),
-- by chatmig's own function it is on record, and good to know
('pairs', 'a conversation is deleted on purpose',
 $$DO 'BEGIN PERFORM chatmig_delete_conversation(id(''c11'')::text, ''pairs''); END'$$,
 'conversation_deleted info 1 conversation c11'),
('pairs', 'an old conversation without messages',
 $$INSERT INTO conversations (id, user_id, created_at, updated_at)
   VALUES (id('n0'), 1, '2024-05-01', '2024-05-01')$$,
 'conversation_empty violation 1 conversation n0'),
('pairs', 'an owner does not exist any more',
 $$SET LOCAL session_replication_role = replica; DELETE FROM users WHERE id = 3$$,
 'conversation_orphan violation 1 conversation c11'),
('pairs', 'created_at of a conversation is later',
 $$UPDATE conversations SET created_at = created_at + interval '1 s' WHERE id = id('c1')$$,
 'conversation_times violation 1 conversation c1'),
('pairs', 'updated_at of a conversation is earlier',
 $$UPDATE conversations SET updated_at = created_at WHERE id = id('c1')$$,
 'conversation_times violation 1 conversation c1'),
('pairs', 'both times of a conversation are lost',
 $$UPDATE conversations SET created_at = NULL, updated_at = NULL WHERE id = id('c7')$$,
 'conversation_times violation 2 conversation c7'),
('pairs', 'positions with a gap',
 $$UPDATE messages SET "position" = 7 WHERE id = id('a11')$$,
 'conversation_order violation 1 conversation c11'),
('pairs', 'positions from 1',
 $$UPDATE messages SET "position" = 2 WHERE id = id('a11');
   UPDATE messages SET "position" = 1 WHERE id = id('q11')$$,
 'conversation_order violation 1 conversation c11'),
('pairs', 'the positions of a pair are exchanged',
 $$UPDATE messages SET "position" = 9 WHERE id = id('a11');
   UPDATE messages SET "position" = 1 WHERE id = id('q11');
   UPDATE messages SET "position" = 0 WHERE id = id('a11')$$,
 'conversation_order violation 1 legacy key 11'),
('pairs', 'the positions of two equal questions are exchanged',
 $$UPDATE messages SET "position" = -1 WHERE id = id('q4');
   UPDATE messages SET "position" = 4 WHERE id = id('q5');
   UPDATE messages SET "position" = 6 WHERE id = id('q4')$$,
 'conversation_order violation 1 legacy key 4'),
('pairs', 'two messages have one position',
 $$ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_position_key,
     ADD CONSTRAINT later UNIQUE (conversation_id, "position") DEFERRABLE INITIALLY DEFERRED;
   UPDATE messages SET "position" = 0 WHERE id = id('a11')$$,
 'conversation_order violation 1 conversation c11'),
('pairs', 'a message of the application is behind a gap',
 $$INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   VALUES (id('n0'), id('c11'), 3, 'user', 'More', now())$$,
 'conversation_order violation 1 conversation c11'),
-- keys and indexes
('pairs', 'a foreign key is dropped',
 $$ALTER TABLE messages DROP CONSTRAINT messages_reply_to_id_fkey$$,
 'constraints violation 1'),
('pairs', 'a foreign key to the owners is dropped',
 $$ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey$$,
 'constraints violation 1'),
('pairs', 'a foreign key of the media is dropped',
 $$ALTER TABLE messages DROP CONSTRAINT messages_media_id_fkey$$,
 'constraints violation 1'),
('pairs', 'a foreign key is not valid',
 $$ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey;
   ALTER TABLE messages ADD FOREIGN KEY (conversation_id) REFERENCES conversations NOT VALID$$,
 'constraints violation 1'),
('pairs', 'a foreign key leads to another table',
 $$CREATE TABLE other AS TABLE conversations;
   ALTER TABLE other ADD PRIMARY KEY (id);
   ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey;
   ALTER TABLE messages ADD FOREIGN KEY (conversation_id) REFERENCES other$$,
 'constraints violation 1'),
('pairs', 'foreign keys are not enforced',
 $$ALTER TABLE messages DISABLE TRIGGER ALL$$,
 'constraints violation 3'),
('pairs', 'the primary key of the messages is dropped',
 $$ALTER TABLE messages DROP CONSTRAINT messages_reply_to_id_fkey,
     DROP CONSTRAINT messages_pkey$$,
 'constraints violation 2'),
('pairs', 'the primary key of the trace is dropped',
 $$ALTER TABLE pairs_trace DROP CONSTRAINT pairs_trace_pkey$$,
 'constraints violation 1'),
('pairs', 'the check of the role is dropped',
 $$ALTER TABLE messages DROP CONSTRAINT messages_role_check$$,
 'constraints violation 1'),
('pairs', 'the unique constraint is dropped',
 $$ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_position_key$$,
 'constraints violation 1'),
('pairs', 'a foreign key leaves messages when their conversation is deleted',
 $$ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey;
   ALTER TABLE messages ADD FOREIGN KEY (conversation_id) REFERENCES conversations$$,
 'constraints warning 1'),
('pairs', 'a column may be NULL',
 $$ALTER TABLE messages ALTER role DROP NOT NULL$$,
 'constraints warning 1'),
('pairs', 'two columns have no default any more',
 $$ALTER TABLE conversations ALTER id DROP DEFAULT, ALTER is_active DROP DEFAULT$$,
 'constraints warning 2'),
('pairs', 'a crash empties the messages',
 $$ALTER TABLE messages SET UNLOGGED$$,
 'constraints warning 1'),
('pairs', 'a crash empties the trace',
 $$ALTER TABLE pairs_trace SET UNLOGGED$$,
 'constraints warning 1'),
('pairs', 'the index for replies is dropped',
 $$DROP INDEX messages_reply_to_id_idx$$,
 'indexes warning 1'),
('pairs', 'the index for the latest conversations is dropped',
 $$DROP INDEX conversations_user_id_updated_at_idx$$,
 'indexes warning 1'),
('pairs', 'an index is not valid',
 $$UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'messages_pkey'::regclass$$,
 'indexes violation 1'),
-- the ledger
('pairs', 'the messages are a member of the extension',
 $$ALTER EXTENSION chatmig ADD TABLE messages$$,
 'extension_members violation 1'),
('pairs', 'the legacy table is a member of the extension',
 $$ALTER EXTENSION chatmig ADD TABLE pairs$$,
 'extension_members violation 1'),
-- a row of the trace less: nothing says any more that the row was migrated
('pairs', 'a row of the trace is deleted',
 $$DELETE FROM pairs_trace WHERE key_1 = 11$$,
 'legacy_unmigrated violation 1 legacy key 11; ledger violation 1'),
('pairs', 'a row of the trace has another fingerprint',
 $$UPDATE pairs_trace SET fingerprint = fingerprint + 1 WHERE key_1 = 11$$,
 'legacy_changed violation 1 legacy key 11'),
('pairs', 'a run has counted wrong',
 $$UPDATE chatmig_run SET migrated = migrated + 1 WHERE migration = 'pairs'$$,
 'ledger violation 1'),
('pairs', 'a run has counted other messages, conversations and media',
 $$UPDATE chatmig_run SET messages = 0, conversations = 0, media = 0
   WHERE migration = 'pairs'$$,
 'ledger violation 3'),
('pairs', 'a run has linked rows, of which no record is',
 $$UPDATE chatmig_run SET links = 1 WHERE migration = 'pairs'$$,
 'ledger violation 1'),
('pairs', 'the last run was days before the first',
 $$UPDATE chatmig_run SET last_run = migrated_at - interval '2 days' WHERE migration = 'pairs'$$,
 'ledger violation 1'),
('pairs', 'the first run is yet to come',
 $$UPDATE chatmig_run SET migrated_at = 'infinity', last_run = 'infinity'
   WHERE migration = 'pairs'$$,
 'ledger violation 1'),
('pairs', 'the trace names a third message of a pair',
 $$UPDATE pairs_trace SET message_ids = message_ids || id('n0') WHERE key_1 = 11$$,
 'ledger violation 1 legacy key 11'),
('pairs', 'nothing says which table is the trace',
 $$DELETE FROM chatmig_target WHERE migration = 'pairs' AND part = 'trace'$$,
 'legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6; ledger violation 1'),
('pairs', 'the messages are dropped',
 $$DROP TABLE messages$$,
 'legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6; ledger violation 1'),
('pairs', 'the trace is dropped',
 $$DROP TABLE pairs_trace$$,
 'legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6; ledger violation 1'),
('pairs', 'the trace and the media are dropped',
 $$DROP TABLE pairs_trace, media CASCADE$$,
 'legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6; ledger violation 2'),
('pairs', 'a column of the messages is dropped',
 $$ALTER TABLE messages DROP reply_to_id$$,
 'legacy_time info 1 legacy key 5; legacy_empty info 1 legacy key 6; ledger violation 1'),
('pairs', 'the legacy table is dropped',
 $$DROP TABLE pairs$$,
 'mapping violation 1'),
-- what is no fault: the application goes on with what it was given
('pairs', 'messages are added, as the application does',
 $$INSERT INTO messages (id, conversation_id, "position", role, content, model, tokens, created_at, reply_to_id)
   SELECT gen_random_uuid(), id, n + i, CASE i WHEN 1 THEN 'tool' ELSE 'user' END,
          'new', 'm9', 99, now(), NULL
   FROM (SELECT conversation_id AS id, count(*) AS n FROM messages GROUP BY 1) AS m,
        generate_series(0, 1) AS i;
   UPDATE conversations SET updated_at = now()$$,
 '-'),
('pairs', 'messages are added, and updated_at is left',
 $$INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   VALUES (gen_random_uuid(), id('c1'), 8, 'user', '', now() + interval '1 s')$$,
 '-'),
('pairs', 'an answer to a migrated message, with a migrated medium',
 $$INSERT INTO messages (id, conversation_id, "position", role, content, created_at, reply_to_id, media_id)
   VALUES (gen_random_uuid(), id('c9'), 2, 'user', 'again', now(), id('a9'), id('x7'))$$,
 '-'),
('pairs', 'titles, descriptions and metadata are edited',
 $$UPDATE conversations SET title = NULL, description = 'mine', is_active = false,
       metadata = coalesce(metadata, '{}') || '{"pinned": true}';
   UPDATE messages SET metadata = coalesce(metadata, '{}') || '{"seen": true}';
   UPDATE media SET summary = 'a smile', metadata = '{"width": 8}'$$,
 '-'),
('pairs', 'conversations of its own',
 $$INSERT INTO conversations (id, user_id, title, created_at, updated_at)
   VALUES (id('n0'), 4, 'empty yet', now(), now());
   INSERT INTO conversations (id, user_id, title, created_at, updated_at)
   SELECT gen_random_uuid(), 4, 'mine', '2020-01-01', '2020-01-02';
   INSERT INTO messages (id, conversation_id, "position", role, content, created_at)
   SELECT gen_random_uuid(), id, 0, 'user', 'mine', '2020-01-01' FROM conversations WHERE title = 'mine';
   INSERT INTO media (id, user_id, url, created_at)
   VALUES (id('n0'), 4, 'https://x/mine.png', now())$$,
 '-'),
('pairs', 'columns, indexes and keys of its own',
 $$ALTER TABLE messages ADD rating int CHECK (rating < 6), ADD content_length int
       GENERATED ALWAYS AS (length(content)) STORED;
   CREATE INDEX ON messages (created_at);
   CREATE UNIQUE INDEX ON messages (id) WHERE role = 'user';
   CREATE TABLE ratings (message_id uuid REFERENCES messages);
   ALTER TABLE conversations ADD team int REFERENCES users$$,
 '-'),
('pairs', 'tables have other names, in another schema',
 $$CREATE SCHEMA elsewhere;
   ALTER TABLE messages RENAME TO chat_line;
   ALTER TABLE chat_line SET SCHEMA elsewhere;
   ALTER TABLE pairs RENAME TO old_pairs$$,
 '-'),
('pairs', 'a unique index in place of the constraint',
 $$ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_position_key;
   CREATE UNIQUE INDEX ON messages (conversation_id, "position")$$,
 '-'),
-- both sides agree
('pairs', 'a legacy row is deleted, and its messages, too',
 $$DELETE FROM pairs WHERE id = 11;
   DELETE FROM conversations WHERE id = id('c11')$$,
 '-'),
('pairs', 'an owner is deleted with all that is theirs',
 $$ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey,
       ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
   DELETE FROM users WHERE id = 3$$,
 '-'),
('pairs', 'late rows are migrated',
 $$INSERT INTO pairs (user_id, message, "timestamp", session_id) VALUES
       (1, 'early', '2024-05-01 09:00', 's1'), (1, 'no time', NULL, 's1'),
       (4, 'new', NULL, 's4');
   SELECT chatmig_migrate('pairs')$$,
 '-');
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM plant('pairs');

--
-- Messages
--
INSERT INTO faults (migration, fault, sql, expected) VALUES
('flat', 'a legacy row is added',
 $$INSERT INTO flat VALUES ('a "b"', 1, '+1', 1, 'user', 'late')$$,
 'legacy_unmigrated violation 1 legacy key ["a \"b\"", "1"]'),
('flat', 'a legacy row is changed',
 $$UPDATE flat SET author = 'user' WHERE chat = 'a' AND n = 1$$,
 'legacy_changed violation 1 legacy key ["a", "1"]'),
('flat', 'a legacy row is deleted',
 $$DELETE FROM flat WHERE chat = 'b "' AND n = 1$$,
 'legacy_deleted violation 1 legacy key ["b \"", "1"]'),
-- rejected, and a warning; it waits for its role to be explained
('flat', 'a row of an unknown role is rejected',
 $$INSERT INTO flat VALUES ('c', 1, '+1', 1, 'Zoe', 'Who?');
   SELECT chatmig_migrate('flat')$$,
 'legacy_rejected warning 1 legacy key ["c", "1"]'),
('flat', 'a content is another',
 $$UPDATE flat_m SET content = 'one' WHERE id = id('a', 1)$$,
 'message_content violation 1 legacy key ["a", "1"]'),
('flat', 'a message is deleted',
 $$DELETE FROM flat_m WHERE id = id('b "', 2)$$,
 'message_missing violation 1 legacy key ["b \"", "2"]'),
('flat', 'a message of no legacy row',
 $$INSERT INTO flat_m (conversation_id, "position", role, content, created_at)
   SELECT conversation_id, 2, 'user', 'Never said.', '2024-05-02' FROM flat_m WHERE id = id('a', 1)$$,
 'message_unexpected violation 1 message 6'),
('flat', 'a role is another',
 $$UPDATE flat_m SET role = 'user' WHERE id = id('a', 2)$$,
 'message_role violation 1 legacy key ["a", "2"]'),
('flat', 'a role''s own spelling is lost',
 $$UPDATE flat_m SET metadata = metadata - 'author' WHERE id = id('a', 2)$$,
 'message_metadata violation 1 legacy key ["a", "2"]'),
('flat', 'a role''s own spelling is another',
 $$UPDATE flat_m SET metadata = jsonb_set(metadata, '{author}', '"boss"') WHERE id = id('a', 1)$$,
 'message_metadata violation 1 legacy key ["a", "1"]'),
('flat', 'a kept column is lost',
 $$UPDATE flat_m SET metadata = metadata - 'mood' WHERE id = id('b "', 2)$$,
 'message_metadata violation 1 legacy key ["b \"", "2"]'),
('flat', 'the mark of a missing time is lost',
 $$UPDATE flat_m SET metadata = metadata - 'chatmig_time_missing' WHERE id = id('b "', 1)$$,
 'message_metadata violation 1 legacy key ["b \"", "1"]'),
-- where no row says when, the message's time says what comes after it
('flat', 'the time of a row without a time is later by a second',
 $$UPDATE flat_m SET created_at = created_at + interval '1 s' WHERE id = id('b "', 1)$$,
 'message_time violation 1 legacy key ["b \"", "1"]; conversation_order violation 1 legacy key ["b \"", "2"]'),
('flat', 'tokens are others',
 $$UPDATE flat_m SET tokens = 0 WHERE id = id('a', 1)$$,
 'message_tokens violation 1 legacy key ["a", "1"]'),
('flat', 'a message replies',
 $$UPDATE flat_m SET reply_to_id = id('a', 1) WHERE id = id('a', 2)$$,
 'message_reply violation 1 legacy key ["a", "2"]'),
-- where it should be, nothing is left
('flat', 'a message is in the conversation of another counterpart',
 $$UPDATE flat_m SET "position" = 2,
       conversation_id = (SELECT conversation_id FROM flat_m WHERE id = id('a', 1))
   WHERE id = id('a', 3)$$,
 'message_owner violation 1 legacy key ["a", "3"]; conversation_empty violation 1 conversation 2'),
('flat', 'a conversation is of another counterpart',
 $$UPDATE flat_c SET mentor_id = 1 WHERE mentor_id = 2$$,
 'message_owner violation 1 legacy key ["a", "3"]'),
('flat', 'a conversation is of another owner',
 $$UPDATE flat_c SET phone = '+2' WHERE mentor_id = 2$$,
 'message_owner violation 1 legacy key ["a", "3"]'),
('flat', 'a guest''s conversation is somebody''s',
 $$UPDATE flat_c SET phone = '' WHERE phone IS NULL$$,
 'message_owner violation 2 legacy key ["b \"", "1"]'),
('flat', 'a counterpart does not exist any more',
 $$SET LOCAL session_replication_role = replica; DELETE FROM mentors WHERE id = 2$$,
 'conversation_orphan violation 1 conversation 2'),
('flat', 'positions of two messages are exchanged',
 $$UPDATE flat_m SET "position" = 2 WHERE id = id('a', 1);
   UPDATE flat_m SET "position" = 0 WHERE id = id('a', 2);
   UPDATE flat_m SET "position" = 1 WHERE id = id('a', 1)$$,
 'conversation_order violation 1 legacy key ["a", "1"]'),
('flat', 'a foreign key to the counterparts is dropped',
 $$ALTER TABLE flat_c DROP CONSTRAINT flat_c_mentor_id_fkey$$,
 'constraints violation 1'),
-- the table, and the sequence of its id
('flat', 'the messages and their sequence are members of the extension',
 $$ALTER EXTENSION chatmig ADD TABLE flat_m;
   ALTER EXTENSION chatmig ADD SEQUENCE flat_m_id_seq$$,
 'extension_members violation 2'),
-- so that the row's own message is nobody's
('flat', 'a row of the trace names the message of another',
 $$UPDATE flat_trace SET message_ids = ARRAY[id('a', 1)] WHERE key_1 = 'a' AND key_2 = 2$$,
 'message_unexpected violation 1 message 2; ledger violation 1 legacy key ["a", "2"]'),
('flat', 'a sequence would give an id again',
 $$ALTER SEQUENCE flat_m_id_seq RESTART WITH 1$$,
 'sequences violation 1'),
-- it is at that number, which it has not given yet
('flat', 'a sequence would give the highest id again',
 $$ALTER SEQUENCE flat_m_id_seq RESTART WITH 5$$,
 'sequences violation 1'),
('flat', 'everybody may read the legacy table',
 $$GRANT SELECT ON flat TO PUBLIC$$,
 'rights warning 2'),
('flat', 'everybody may read the legacy table and the new ones',
 $$GRANT SELECT ON flat, flat_m, flat_c TO PUBLIC$$,
 '-'),
('flat', 'the legacy table has row security',
 $$ALTER TABLE flat ENABLE ROW LEVEL SECURITY$$,
 'rights warning 2'),
-- but not for its owner; and nobody else could see a row
('flat', 'row security of the legacy table is for its owner, too',
 $$ALTER TABLE flat ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
   ALTER TABLE flat_m ENABLE ROW LEVEL SECURITY;
   ALTER TABLE flat_c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY$$,
 'rights warning 1'),
('flat', 'the legacy table has a policy',
 $$CREATE POLICY p ON flat USING (phone = current_user);
   CREATE POLICY p ON flat_c USING (phone = current_user);
   ALTER TABLE flat ENABLE ROW LEVEL SECURITY;
   ALTER TABLE flat_m ENABLE ROW LEVEL SECURITY;
   ALTER TABLE flat_c ENABLE ROW LEVEL SECURITY$$,
 'rights warning 1'),
('flat', 'everybody may read two columns of the legacy table',
 $$GRANT SELECT (n, body) ON flat TO PUBLIC; GRANT SELECT (content) ON flat_m TO PUBLIC$$,
 'rights warning 1'),
('flat', 'the messages belong to somebody else',
 $$ALTER TABLE flat_m OWNER TO pg_monitor$$,
 'rights warning 1'),
('flat', 'a table was never analyzed',
 $$UPDATE pg_class SET reltuples = -1 WHERE oid = 'flat_m'::regclass$$,
 'statistics info 1'),
('flat', 'the counterpart has another type',
 $$ALTER TABLE flat DROP CONSTRAINT flat_mentor_id_fkey;
   ALTER TABLE flat ALTER mentor_id TYPE text$$,
 'mapping violation 1; legacy_time info 1 legacy key ["b \"", "1"]; legacy_empty info 1 legacy key ["b \"", "3"]');
SELECT * FROM plant('flat');

--
-- A view, the key of which nothing proves
--
INSERT INTO faults (migration, fault, sql, expected) VALUES
('seen', 'a row has no key',
 $$INSERT INTO below VALUES (NULL, 1, 'q', 'a')$$,
 'legacy_key violation 1'),
('seen', 'two rows without a key',
 $$INSERT INTO below VALUES (NULL, 1, 'q', 'a'), (NULL, NULL, NULL, NULL)$$,
 'legacy_key violation 2'),
('seen', 'a row is there twice',
 $$INSERT INTO below SELECT * FROM below WHERE id = 1$$,
 'legacy_key violation 1 legacy key 1'),
-- one of the two is not as it was, nobody knows which
('seen', 'two rows have one key',
 $$INSERT INTO below VALUES (1, 1, 'another', 'row')$$,
 'legacy_key violation 1 legacy key 1; legacy_changed violation 1 legacy key 1'),
('seen', 'two rows that are not migrated have one key',
 $$INSERT INTO below VALUES (3, 1, 'q3', 'a3'), (3, 1, 'q4', 'a4')$$,
 'legacy_key violation 1 legacy key 3; legacy_unmigrated violation 2 legacy key 3'),
('seen', 'the view shows less',
 $$CREATE OR REPLACE VIEW seen AS SELECT * FROM below WHERE id = 2$$,
 'legacy_deleted violation 1 legacy key 1'),
('seen', 'the view shows something else',
 $$CREATE OR REPLACE VIEW seen AS SELECT id, user_id, upper(question) AS question, answer FROM below$$,
 'legacy_changed violation 2 legacy key 1'),
-- counted in the trace, though every message is as it must be
('seen', 'the trace names a message for a half that was empty',
 $$UPDATE seen_trace SET message_ids[2] = id('n0') WHERE key_1 = 2$$,
 'ledger violation 1'),
('seen', 'the trace names a medium where none is mapped',
 $$UPDATE seen_trace SET media_id = id('n0') WHERE key_1 = 2$$,
 'ledger violation 1'),
('seen', 'positions of what has no times are exchanged',
 $$UPDATE seen_m SET "position" = 9 WHERE content = 'q1';
   UPDATE seen_m SET "position" = 0 WHERE content = 'q2';
   UPDATE seen_m SET "position" = 2 WHERE content = 'q1'$$,
 'conversation_order violation 1 legacy key 1'),
('seen', 'a content is another',
 $$UPDATE seen_m SET content = 'Q2' WHERE content = 'q2'$$,
 'message_content violation 1 legacy key 2'),
('seen', 'a time comes of nothing',
 $$UPDATE seen_m SET created_at = '2024-05-01' WHERE content = 'q2'$$,
 'message_time violation 1 legacy key 2');
SELECT * FROM plant('seen');

--
-- Owners without messages, and rows that are linked
--
INSERT INTO faults (migration, fault, sql, expected) VALUES
('notes', 'an owner''s conversation is deleted, who had no messages',
 $$UPDATE games SET conversation_id = NULL WHERE workspace = 2;
   DELETE FROM rooms WHERE workspace = 2$$,
 'conversation_missing violation 1'),
('notes', 'an owner came after the migration',
 $$INSERT INTO workspaces VALUES (9, now())$$,
 'conversation_missing info 1'),
('notes', 'an owner with messages is lost',
 $$SET LOCAL session_replication_role = replica;
   DELETE FROM workspaces WHERE id = 1$$,
 'conversation_orphan violation 1 conversation 1'),
('notes', 'a linked row points to another owner''s conversation',
 $$UPDATE games SET workspace = 2 WHERE id = 1$$,
 'links violation 1 conversation 1'),
('notes', 'the application has linked a row to another owner''s conversation',
 $$INSERT INTO games VALUES (9, 1, 2)$$,
 'links warning 1 conversation 2'),
('notes', 'a row points to no conversation',
 $$INSERT INTO games VALUES (9, 1, 77)$$,
 'links violation 1 conversation 77'),
('notes', 'a row is not linked any more, and another is by the application',
 $$UPDATE games SET conversation_id = NULL WHERE id = 1;
   INSERT INTO games VALUES (9, 2, 2)$$,
 '-'),
('notes', 'a message is added to the conversation of an owner who had none',
 $$INSERT INTO words (conversation_id, "position", role, content) VALUES (2, 0, 'user', 'First')$$,
 '-');
SELECT * FROM plant('notes');
\pset format aligned
\pset tuples_only off

-- All faults are taken back: everything is ok.
SELECT DISTINCT status FROM chatmig_validate();

-- Nor does it hang on the session's settings.
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -3;
SET search_path = pg_catalog;
SET enable_hashjoin = off;
SET work_mem = '64kB';
SELECT DISTINCT status FROM public.chatmig_validate();
RESET enable_hashjoin;
RESET work_mem;
RESET extra_float_digits;
RESET IntervalStyle;
SET search_path = validate, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';

-- All checks have been heard but two, which speak before a migration; see below,
-- transcript.sql for one that is about transcripts alone, and test/t/interrupt.sh
-- for leftovers.
SELECT check_name FROM chatmig_validate('pairs')
EXCEPT
SELECT split_part(one, ' ', 1) FROM faults, regexp_split_to_table(expected, '; ') AS one
ORDER BY check_name;

--
-- chatmig_violations() and chatmig_assert_valid()
--
BEGIN;
UPDATE messages SET model = 'm3' WHERE conversation_id = id('c7');
-- Five findings, all of them: the messages of conversation c7, by their keys.
SELECT legacy_key, readable(conversation) AS conversation,
       readable(message) AS message, readable(detail) AS detail
FROM chatmig_violations('pairs', 'message_model') ORDER BY legacy_key COLLATE "C", 3;
-- As many as are asked for: 0, 1, 4, 5, 5, 0; and none for NULL.
SELECT n, (SELECT count(*) FROM chatmig_violations('pairs', 'message_model', n))
FROM unnest(ARRAY[0, 1, 4, 5, 2147483647, -1, NULL]) AS n;
-- None of another check.
SELECT * FROM chatmig_violations('pairs', 'message_role');
-- 23000; all checks with violations are named, here one.
SAVEPOINT s;
SELECT chatmig_assert_valid('pairs');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
-- Two checks, of which the first is the error's; all migrations are asserted.
DELETE FROM media;
DELETE FROM flat_m WHERE id = id('a', 1);
SAVEPOINT s;
SELECT chatmig_assert_valid('pairs');
ROLLBACK TO s;
SELECT chatmig_assert_valid();
ROLLBACK;

-- Silent where all is right.
SELECT chatmig_assert_valid('pairs'), chatmig_assert_valid();
-- A warning is no violation.
BEGIN;
DROP INDEX conversations_user_id_updated_at_idx;
SELECT chatmig_assert_valid('pairs');
ROLLBACK;

-- No such check (22023), and no such migration (42704), each with a hint.
SELECT * FROM chatmig_violations('pairs', 'messages');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM chatmig_violations('pears', 'ledger');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM chatmig_validate('pears');
SELECT chatmig_assert_valid('pears');

-- In a transaction that only reads.
BEGIN READ ONLY;
SELECT migration, status, count(*) FROM chatmig_validate()
GROUP BY migration, status ORDER BY migration;
SELECT count(*) FROM chatmig_violations('pairs', 'message_content');
SELECT chatmig_assert_valid();
COMMIT;

-- Who does not own the legacy table may not ask (42501).
CREATE ROLE regress_validate_nobody;
GRANT USAGE ON SCHEMA validate TO regress_validate_nobody;
GRANT SELECT ON ALL TABLES IN SCHEMA validate TO regress_validate_nobody;
SET ROLE regress_validate_nobody;
\set VERBOSITY sqlstate
SELECT count(*) FROM chatmig_validate('pairs');
SELECT count(*) FROM chatmig_violations('pairs', 'ledger');
SELECT chatmig_assert_valid('pairs');
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_validate_nobody;
DROP ROLE regress_validate_nobody;

--
-- Before migrating
--
-- Texts as times, two of which cannot be read; roles that nobody knows; a row
-- that is empty, so that its role and time do not matter.
CREATE TABLE raw (id int PRIMARY KEY, user_id int, role text, content text,
                  written text);
INSERT INTO raw VALUES
(1, 1, 'user', 'fine', '2024-05-01 10:00'),
(2, 1, 'Zoe', 'who?', '2024-05-01 10:01'),
(3, 1, NULL, 'nobody', '2024-05-01 10:02'),
(4, 1, 'bot', 'no time', NULL),
(5, 1, 'bot', 'no such time', '2024-02-30 10:00'),
(6, 1, 'bot', 'any time', '01/02/2024'),
(7, 1, '?', '', 'never');
SELECT chatmig_register('raw', '{"shape": "flat", "time": "written", "role": "role", "content": "content", "owner": "user_id"}',
                        '{"conversations": "raw_c", "messages": "raw_m"}');
-- What of the legacy table can be seen is; the rest is not checked.
SELECT check_name, status, violations, example, detail
FROM chatmig_validate('raw');
-- Of rows 4, 5 and 6 the time, of 2 and 3 the role; 7 holds no message.
SELECT c, v.legacy_key, v.detail
FROM unnest(ARRAY['legacy_time', 'legacy_role', 'legacy_empty']) AS c,
     chatmig_violations('raw', c) AS v
ORDER BY 1, 2;
-- No violation, but nothing that is proved either.
SELECT chatmig_assert_valid('raw');
-- An empty table: there is nothing to say.
TRUNCATE raw;
SELECT check_name, status FROM chatmig_validate('raw')
WHERE status <> 'ok' AND detail NOT LIKE 'Not checked: nothing has been migrated yet.';
-- A row without a key, which the view shows before anything is migrated.
CREATE VIEW raw_view AS SELECT CASE WHEN id > 1 THEN id END AS id, user_id, role, content FROM raw;
INSERT INTO raw VALUES (1, 1, 'user', 'a'), (2, 1, 'user', 'b');
SELECT chatmig_register('raw_view', '{"shape": "flat", "key": ["id"], "role": "role", "content": "content", "owner": "user_id"}',
                        '{"conversations": "view_c", "messages": "view_m"}');
SELECT check_name, status, violations, example, detail
FROM chatmig_validate('raw_view')
WHERE status <> 'ok' AND detail NOT LIKE 'Not checked:%';
SELECT chatmig_assert_valid('raw_view');

-- Several migrations, each with all its checks, in the same order.
SELECT migration, count(*), count(DISTINCT check_name),
       md5(string_agg(check_name, ',' ORDER BY n)) = first_value(md5(string_agg(check_name, ',' ORDER BY n))) OVER (ORDER BY migration) AS same_order
FROM chatmig_validate() WITH ORDINALITY AS v (migration, check_name, status, violations, example, detail, hint, n)
GROUP BY migration ORDER BY migration;
-- Where nothing is registered, there is nothing to check, and nothing wrong.
BEGIN;
DELETE FROM chatmig_migration;
SELECT * FROM chatmig_validate();
SELECT chatmig_assert_valid();
ROLLBACK;

DROP SCHEMA validate CASCADE;
DROP EXTENSION chatmig;
