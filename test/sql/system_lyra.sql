--
-- Lyra: one message in one row, in a table for each user's talk with the bot.
-- The guide makes this table and says how to verify and how to remove it; later
-- it is a source. A user has one conversation.
--
\getenv here PG_ABS_SRCDIR
\set system :here '/sql/include/system.inc'
\i :system

--
-- The guide's own migration, with chatmig in place of its script
--
CREATE SCHEMA lyra_table;
SET search_path = lyra_table, public;
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
SELECT object, action FROM chatmig_create_chat_messages('flat', owner_table => 'users');
-- It is safe to run multiple times: nothing is made again.
SELECT action, count(*) FROM chatmig_create_chat_messages('flat', owner_table => 'users')
GROUP BY action;
-- Verification 1: the table exists.
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'lyra_table' AND table_name = 'chat_messages';
-- Verification 2: its structure.
SELECT column_name, data_type, is_nullable, column_default
FROM information_schema.columns
WHERE table_schema = 'lyra_table' AND table_name = 'chat_messages'
ORDER BY ordinal_position;
-- Verification 3: its indexes, the guide's three and the key.
SELECT indexname FROM pg_indexes
WHERE schemaname = 'lyra_table' AND tablename = 'chat_messages' ORDER BY 1;
-- Data validation: a sender is one of two, and belongs to a user.
\set VERBOSITY terse
INSERT INTO users VALUES ('00000000-0000-4000-8000-000000000001');
INSERT INTO chat_messages (user_id, text, sender)
VALUES ('00000000-0000-4000-8000-000000000001', 'hi', 'nobody');
INSERT INTO chat_messages (user_id, text, sender)
VALUES ('00000000-0000-4000-8000-000000000009', 'hi', 'user');
INSERT INTO chat_messages (user_id, text, sender)
VALUES ('00000000-0000-4000-8000-000000000001', 'hi', 'user');
-- Rollback: not while it holds what somebody has said, unless told to.
SELECT chatmig_drop_chat_messages('chat_messages');
\set VERBOSITY default
SELECT chatmig_drop_chat_messages('chat_messages', force => true);
SELECT count(*) FROM pg_class WHERE relnamespace = 'lyra_table'::regnamespace
                                   AND relname <> 'users' AND relkind = 'r';

-- CREATE TABLE IF NOT EXISTS never notices that an existing table differs;
-- chatmig says what differs: the guide's time without zone, the bot's name.
CREATE TABLE chat_messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    text text NOT NULL,
    sender varchar(10) NOT NULL CHECK (sender IN ('user', 'lyra')),
    is_voice boolean DEFAULT false,
    created_at timestamp DEFAULT now()
);
CREATE INDEX idx_chat_messages_user_id ON chat_messages (user_id);
CREATE INDEX idx_chat_messages_created_at ON chat_messages (created_at);
CREATE INDEX idx_chat_messages_sender ON chat_messages (sender);
SELECT object, action, detail
FROM chatmig_create_chat_messages('flat', owner_table => 'users')
WHERE action <> 'exists';
DROP SCHEMA lyra_table CASCADE;

--
-- The table as a source. User 1 says two things before the bot answers twice;
-- user 2 has a row for each odd value; user 3 has said nothing at all.
--
SELECT $old$
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                    name text NOT NULL);
CREATE TABLE chat_messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    text text NOT NULL,
    sender varchar(10) NOT NULL CHECK (sender IN ('user', 'lyra')),
    is_voice boolean DEFAULT false,
    created_at timestamp DEFAULT now()
);
CREATE INDEX idx_chat_messages_user_id ON chat_messages (user_id);
CREATE INDEX idx_chat_messages_created_at ON chat_messages (created_at);
CREATE INDEX idx_chat_messages_sender ON chat_messages (sender);
COMMENT ON TABLE chat_messages IS 'Stores chat messages between users and Lyra';
COMMENT ON COLUMN chat_messages.is_voice IS 'Whether the message was sent by voice';
INSERT INTO users VALUES
    ('00000000-0000-4000-8000-000000000001', 'Ada'),
    ('00000000-0000-4000-8000-000000000002', 'Ben'),
    ('00000000-0000-4000-8000-000000000003', 'Cy');
-- Ids are random: they do not follow the times.
INSERT INTO chat_messages VALUES
    ('99999999-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001',
     'Remind me to call', 'user', false, '2024-05-01 10:00:00'),
    ('11111111-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001',
     'Mum, I mean', 'user', true, '2024-05-01 10:00:03'),
    ('88888888-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001',
     'Done.', 'lyra', false, '2024-05-01 10:00:05'),
    ('22222222-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000001',
     E'Anything else?\n🙂', 'lyra', false, '2024-05-01 10:00:05.000001'),
    -- the bot speaks first; a month passes
    ('33333333-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000002',
     'Good morning!', 'lyra', NULL, '2024-05-01 08:00:00'),
    ('44444444-0000-4000-8000-000000000006', '00000000-0000-4000-8000-000000000002',
     'Morning', 'user', true, '2024-06-01 08:00:00'),
    -- nothing in it
    ('55555555-0000-4000-8000-000000000007', '00000000-0000-4000-8000-000000000002',
     '', 'user', true, '2024-06-01 08:01:00'),
    -- white space is something
    ('66666666-0000-4000-8000-000000000008', '00000000-0000-4000-8000-000000000002',
     ' ', 'user', false, '2024-06-01 08:02:00'),
    -- no time: that of the row before it in the order of the keys, 6666...
    ('77777777-0000-4000-8000-000000000009', '00000000-0000-4000-8000-000000000002',
     'When was this?', 'lyra', false, NULL);
$old$ AS old \gset

-- In the order of the times. The metadata keep is_voice, unless it is NULL, and
-- who the assistant was.
INSERT INTO expected_conversations VALUES
    ('Ada', 'Remind me to call', NULL, '2024-05-01 10:00:00', '2024-05-01 10:00:05.000001'),
    ('Ben', 'Good morning!', NULL, '2024-05-01 08:00:00', '2024-06-01 08:02:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, metadata, legacy_key) VALUES
    ('Ada', 0, 'user', 'Remind me to call', '2024-05-01 10:00:00', '{"is_voice": false}', '9999'),
    ('Ada', 1, 'user', 'Mum, I mean', '2024-05-01 10:00:03', '{"is_voice": true}', '1111'),
    ('Ada', 2, 'assistant', 'Done.', '2024-05-01 10:00:05',
     '{"is_voice": false, "sender": "lyra"}', '8888'),
    ('Ada', 3, 'assistant', E'Anything else?\n🙂', '2024-05-01 10:00:05.000001',
     '{"is_voice": false, "sender": "lyra"}', '2222'),
    ('Ben', 0, 'assistant', 'Good morning!', '2024-05-01 08:00:00', '{"sender": "lyra"}', '3333'),
    ('Ben', 1, 'user', 'Morning', '2024-06-01 08:00:00', '{"is_voice": true}', '4444'),
    ('Ben', 2, 'user', ' ', '2024-06-01 08:02:00', '{"is_voice": false}', '6666'),
    ('Ben', 3, 'assistant', 'When was this?', '2024-06-01 08:02:00',
     '{"is_voice": false, "sender": "lyra", "chatmig_time_missing": true}', '7777');

-- What is there, in tables that chatmig has made.
SELECT $$
    SELECT u.name, c.title, c.description, c.created_at, c.updated_at,
           c.metadata
    FROM conversations AS c JOIN users AS u ON u.id = c.user_id
$$ AS lyra_conversations, $$
    SELECT u.name, m.position, m.role, m.content, m.created_at, m.model,
           m.tokens, m.metadata, NULL, NULL::bigint, left(t.key_1::text, 4)
    FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
         JOIN users AS u ON u.id = c.user_id
         LEFT JOIN chat_messages_trace AS t ON m.id = ANY (t.message_ids)
$$ AS lyra_messages \gset

--
-- The guide's table
--
\set schema lyra_guide
\i :variant
\set source chat_messages
\set profile lyra
\set conversations :lyra_conversations
\set messages :lyra_messages
-- Eight rows are migrated, one is empty; user 3 has no conversation.
\i :migrate
\i :rollback

--
-- The application's own: times with a zone
--
\set schema lyra_source
\i :variant
ALTER TABLE chat_messages ALTER created_at TYPE timestamptz
    USING created_at AT TIME ZONE 'UTC';
\set conversations :lyra_conversations
\set messages :lyra_messages
\i :migrate
\i :rollback

--
-- With an idle gap, the month of silence begins another conversation.
--
\set schema lyra_gap
\i :variant
\set options '{"idle_gap": "6 hours"}'
\set conversations :lyra_conversations
\set messages :lyra_messages
UPDATE expected_conversations SET updated_at = '2024-05-01 08:00:00'
WHERE conversation = 'Ben';
INSERT INTO expected_conversations VALUES
    ('Ben', 'Morning', NULL, '2024-06-01 08:00:00', '2024-06-01 08:02:00');
UPDATE expected_messages SET "position" = "position" - 1
WHERE conversation = 'Ben' AND "position" > 0;
\i :migrate
\i :rollback
UPDATE expected_conversations SET updated_at = '2024-06-01 08:02:00'
WHERE conversation = 'Ben' AND title = 'Good morning!';
DELETE FROM expected_conversations WHERE title = 'Morning';
UPDATE expected_messages SET "position" = "position" + 1
WHERE conversation = 'Ben' AND content <> 'Good morning!';

--
-- A later release renames the bot; old rows have the old name. The old CHECK
-- would refuse the new one, so it has gone.
--
\set schema lyra_renamed
\i :variant
ALTER TABLE chat_messages DROP CONSTRAINT chat_messages_sender_check;
UPDATE chat_messages SET sender = 'northstar' WHERE text = 'When was this?';
\set conversations :lyra_conversations
\set messages :lyra_messages
UPDATE expected_messages SET metadata = jsonb_set(metadata, '{sender}', '"northstar"')
WHERE legacy_key = '7777';
\i :migrate
\i :rollback

--
-- Another release stores the same as message, is_user and metadata. What was in
-- the metadata is the message's metadata.
--
\set schema lyra_later
\i :variant
CREATE TABLE later (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    message text NOT NULL,
    is_user boolean NOT NULL,
    metadata jsonb,
    created_at timestamptz DEFAULT now()
);
INSERT INTO later
SELECT id, user_id, text, sender = 'user',
       CASE WHEN is_voice THEN jsonb '{"voice": {"seconds": 3}}' END,
       created_at AT TIME ZONE 'UTC'
FROM chat_messages;
DROP TABLE chat_messages;
ALTER TABLE later RENAME TO chat_messages;
\set conversations :lyra_conversations
\set messages :lyra_messages
UPDATE expected_messages SET metadata =
    CASE legacy_key WHEN '7777' THEN jsonb '{"chatmig_time_missing": true}'
                    WHEN '1111' THEN '{"voice": {"seconds": 3}}'
                    WHEN '4444' THEN '{"voice": {"seconds": 3}}' END;
\i :migrate
\i :rollback

--
-- The new tables are there, made by hand: other names, short titles, a row that
-- its owner has made there already.
--
\set schema lyra_existing
\i :variant
CREATE TABLE chats (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    title varchar(12) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_chats_user ON chats (user_id, updated_at DESC);
CREATE TABLE chat_lines (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    chat_id uuid NOT NULL REFERENCES chats ON DELETE CASCADE,
    position int NOT NULL,
    sender varchar(10) NOT NULL CHECK (sender IN ('user', 'lyra')),
    text text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    length int GENERATED ALWAYS AS (length(text)) STORED,
    UNIQUE (chat_id, position)
);
-- A trigger of the application counts what is written.
CREATE TABLE counts (lines int NOT NULL);
INSERT INTO counts VALUES (0);
CREATE FUNCTION count_line() RETURNS trigger LANGUAGE plpgsql
SET search_path = lyra_existing AS $$
BEGIN
    UPDATE counts SET lines = lines + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_line AFTER INSERT OR DELETE ON chat_lines
    FOR EACH ROW EXECUTE FUNCTION count_line();
INSERT INTO chats VALUES
    ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-000000000003',
     'Mine', '2024-07-01 10:00:00', '2024-07-01 10:00:00');
INSERT INTO chat_lines (chat_id, position, sender, text, created_at) VALUES
    ('00000000-0000-4000-8000-00000000000a', 0, 'user', 'Hi', '2024-07-01 10:00:00');
-- Cy has a line in the old table too, and is skipped.
INSERT INTO chat_messages VALUES
    ('aaaaaaaa-0000-4000-8000-000000000010', '00000000-0000-4000-8000-000000000003',
     'Long ago', 'user', false, '2024-01-01 10:00:00');
\set target '{"conversations": "chats", "messages": {"table": "chat_lines", "roles": {"assistant": "lyra"}}}'
SELECT $$
    SELECT u.name, c.title, NULL, c.created_at, c.updated_at, NULL::jsonb
    FROM chats AS c JOIN users AS u ON u.id = c.user_id
$$ AS conversations, $$
    SELECT u.name, m.position, m.sender, m.text, m.created_at, NULL,
           NULL::int, m.metadata, NULL, NULL::bigint, left(t.key_1::text, 4)
    FROM chat_lines AS m JOIN chats AS c ON c.id = m.chat_id
         JOIN users AS u ON u.id = c.user_id
         LEFT JOIN chat_messages_trace AS t ON m.id = ANY (t.message_ids)
    WHERE m.length = length(m.text)
$$ AS messages \gset
INSERT INTO expected_conversations VALUES
    ('Cy', 'Mine', NULL, '2024-07-01 10:00:00', '2024-07-01 10:00:00');
UPDATE expected_conversations SET title = 'Good morn...' WHERE conversation = 'Ben';
UPDATE expected_conversations SET title = 'Remind me...' WHERE conversation = 'Ada';
UPDATE expected_messages SET role = 'lyra' WHERE role = 'assistant';
UPDATE expected_messages SET metadata =
    CASE legacy_key WHEN '1111' THEN jsonb '{"is_voice": true}'
                    WHEN '4444' THEN '{"is_voice": true}'
                    WHEN '3333' THEN '{"sender": "lyra"}'
                    WHEN '6666' THEN '{"is_voice": false}'
                    WHEN '9999' THEN '{"is_voice": false}'
                    WHEN '7777' THEN '{"is_voice": false, "sender": "lyra", "chatmig_time_missing": true}'
                    ELSE '{"is_voice": false, "sender": "lyra"}' END;
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, metadata) VALUES
    ('Cy', 0, 'user', 'Hi', '2024-07-01 10:00:00', '{}');
\i :migrate
-- The application's trigger has seen each line, and a rollback takes each back.
TABLE counts;
\i :rollback

DROP SCHEMA regress_system CASCADE;
DROP EXTENSION chatmig;
