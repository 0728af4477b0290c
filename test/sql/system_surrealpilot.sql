--
-- SurrealPilot: transcripts in JSON, in the patches of a workspace, into one
-- default conversation for each workspace; its games are linked to it.
--
\getenv here PG_ABS_SRCDIR
\set system :here '/sql/include/system.inc'
\i :system

SELECT $tables$
CREATE TABLE workspaces (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    metadata json,
    created_at timestamp(0),
    updated_at timestamp(0)
);
CREATE TABLE patches (
    id bigserial PRIMARY KEY,
    workspace_id bigint NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    patch_id varchar(255) NOT NULL UNIQUE,
    envelope_json text NOT NULL,
    tokens_used int NOT NULL DEFAULT 0,
    success boolean NOT NULL DEFAULT false,
    timings json,
    etag varchar(255),
    created_at timestamp(0),
    updated_at timestamp(0)
);
CREATE TABLE games (
    id bigserial PRIMARY KEY,
    workspace_id bigint NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    title varchar(255) NOT NULL,
    metadata json,
    created_at timestamp(0),
    updated_at timestamp(0),
    conversation_id bigint
);
$tables$ AS tables, $rows$
INSERT INTO workspaces (name, metadata, created_at, updated_at) VALUES
    ('Alpha', '{"engine": "unreal"}', '2024-02-01 08:00:00', '2024-02-02 08:00:00'),
    ('Beta', NULL, '2024-02-03 08:00:00', '2024-02-03 08:00:00'),
    ('Gamma', '{}', '2024-02-04 08:00:00', '2024-02-04 08:00:00'),
    ('Delta', NULL, '2024-02-05 08:00:00', '2024-02-05 08:00:00'),
    ('Epsilon', NULL, NULL, NULL);
INSERT INTO patches (workspace_id, patch_id, envelope_json, tokens_used,
                     success, timings, created_at, updated_at) VALUES
    (1, 'p-1', '{"v": "1.0", "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Make a cube"},
        {"role": "assistant", "content": "Done. \ud83c\udfb2\nA cube."}]}',
     100, true, '{"ms": 5}', '2024-03-01 10:00:00', '2024-03-01 10:00:09'),
    -- 2: the second, third and fourth message are none
    (1, 'p-2', '{"messages": [
        {"role": "user", "content": "Bigger"},
        {"content": "Nobody says this"},
        {"role": "assistant"},
        {"role": "wizard", "content": "Abracadabra"},
        {"role": "assistant", "content": "Bigger it is."}]}',
     50, true, NULL, '2024-03-02 10:00:00', '2024-03-02 10:00:00'),
    -- 3: no time
    (1, 'p-3', '{"messages": [{"role": "user", "content": "When?"}]}',
     0, false, NULL, NULL, NULL),
    -- 4, 5, 6: not JSON, JSON without messages, an empty list of them
    (1, 'p-4', 'diff --git a/b', 1, false, NULL, '2024-03-04 10:00:00', NULL),
    (1, 'p-5', '{"operations": []}', 2, true, NULL, '2024-03-05 10:00:00', NULL),
    (1, 'p-6', '{"messages": []}', 3, true, NULL, '2024-03-06 10:00:00', NULL),
    -- 7: of the workspace that has a conversation
    (3, 'p-7', '{"messages": [{"role": "user", "content": "Old words"}]}',
     7, true, NULL, '2024-03-07 10:00:00', NULL),
    -- 8: nothing else in this workspace
    (4, 'p-8', '[]', 8, true, NULL, '2024-03-08 10:00:00', NULL),
    -- 9: neither the patch nor its workspace has a time
    (5, 'p-9', '{"messages": [{"role": "user", "content": "Timeless"}]}',
     9, true, NULL, NULL, NULL);
INSERT INTO games (workspace_id, title) VALUES
    (1, 'Cube'), (1, 'Bigger cube'), (2, 'Ball'), (3, 'Bird'), (3, 'Egg');
$rows$ AS rows \gset
SELECT :'tables' || :'rows' AS old \gset

-- The new tables as Laravel makes them (the variable "id": what an id is), and
-- a conversation that has nothing to do with this.
SELECT $new$
CREATE TABLE chat_conversations (
    id bigint :id PRIMARY KEY,
    workspace_id bigint NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    title varchar(255),
    description text,
    created_at timestamp(0),
    updated_at timestamp(0)
);
CREATE INDEX idx_workspace_conversations
    ON chat_conversations (workspace_id, updated_at DESC);
CREATE TABLE chat_messages (
    id bigint :id PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES chat_conversations ON DELETE CASCADE,
    role varchar(255) NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content text NOT NULL,
    metadata json,
    created_at timestamp(0)
);
CREATE INDEX idx_conversation_messages ON chat_messages (conversation_id, created_at);
ALTER TABLE games ADD FOREIGN KEY (conversation_id)
    REFERENCES chat_conversations ON DELETE SET NULL;
INSERT INTO chat_conversations (workspace_id, title, description, created_at, updated_at)
SELECT id, 'Birds', 'About the migration of birds', '2024-06-01 10:00:00', '2024-06-01 10:00:01'
FROM workspaces WHERE name = 'Gamma';
INSERT INTO chat_messages (conversation_id, role, content, created_at)
SELECT id, 'user', 'Where do they go?', '2024-06-01 10:00:01'
FROM chat_conversations;
UPDATE games SET conversation_id = (SELECT id FROM chat_conversations)
WHERE title = 'Bird';
$new$ AS new \gset

\set source patches
\set profile surrealpilot
SELECT $$
    SELECT w.name, c.title, c.description, c.created_at, c.updated_at, NULL::jsonb
    FROM chat_conversations AS c JOIN workspaces AS w ON w.id = c.workspace_id
$$ AS pilot_conversations, $$
    SELECT w.name, row_number() OVER (PARTITION BY m.conversation_id
                                      ORDER BY m.created_at, m.id),
           m.role, m.content, m.created_at, NULL, NULL::int, m.metadata::jsonb,
           NULL, NULL::bigint, t.key_1::text
    FROM chat_messages AS m
         JOIN chat_conversations AS c ON c.id = m.conversation_id
         JOIN workspaces AS w ON w.id = c.workspace_id
         LEFT JOIN patches_trace AS t ON m.id = ANY (t.message_ids)
$$ AS pilot_messages, $$
    SELECT g.title, concat_ws('/', w.name, c.title)
    FROM games AS g JOIN chat_conversations AS c ON c.id = g.conversation_id
         JOIN workspaces AS w ON w.id = c.workspace_id
$$ AS pilot_links \gset

-- Every workspace has one conversation, with the workspace's own times.
INSERT INTO expected_conversations VALUES
    ('Alpha', 'Default Chat', 'Created by the migration from patches', '2024-02-01 08:00:00', '2024-02-02 08:00:00'),
    ('Beta', 'Default Chat', 'Created by the migration from patches', '2024-02-03 08:00:00', '2024-02-03 08:00:00'),
    ('Gamma', 'Birds', 'About the migration of birds', '2024-06-01 10:00:00', '2024-06-01 10:00:01'),
    ('Delta', 'Default Chat', 'Created by the migration from patches', '2024-02-05 08:00:00', '2024-02-05 08:00:00'),
    ('Epsilon', 'Default Chat', 'Created by the migration from patches', NULL, NULL);
-- Messages carry their patch and its time.
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, metadata, legacy_key) VALUES
    ('Alpha', 1, 'system', 'Be brief.', '2024-03-01 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-1", "tokens_used": 100}', '1'),
    ('Alpha', 2, 'user', 'Make a cube', '2024-03-01 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-1", "tokens_used": 100}', '1'),
    ('Alpha', 3, 'assistant', E'Done. 🎲\nA cube.', '2024-03-01 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-1", "tokens_used": 100}', '1'),
    ('Alpha', 4, 'user', 'Bigger', '2024-03-02 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-2", "tokens_used": 50}', '2'),
    ('Alpha', 5, 'assistant', 'Bigger it is.', '2024-03-02 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-2", "tokens_used": 50}', '2'),
    ('Alpha', 6, 'user', 'When?', '2024-03-02 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-3", "tokens_used": 0, "chatmig_time_missing": true}', '3'),
    ('Epsilon', 1, 'user', 'Timeless', NULL,
     '{"migrated_from_patch": true, "patch_id": "p-9", "tokens_used": 9, "chatmig_time_missing": true}', '9'),
    ('Gamma', 1, 'user', 'Where do they go?', '2024-06-01 10:00:01', NULL, NULL);
INSERT INTO expected_links VALUES
    ('Cube', 'Alpha/Default Chat'), ('Bigger cube', 'Alpha/Default Chat'),
    ('Ball', 'Beta/Default Chat'), ('Bird', 'Gamma/Birds');

--
-- The guide's tables, ids counted by a sequence behind the column
--
\set schema surrealpilot_guide
\i :variant
\set id 'GENERATED BY DEFAULT AS IDENTITY'
:new
\set conversations :pilot_conversations
\set messages :pilot_messages
\set links :pilot_links
-- Four rows are migrated (of one of them, two of five messages), four rejected,
-- one skipped; three games are linked.
\i :migrate

-- The guide's verification: every workspace has a conversation; conversations,
-- messages and games refer to what exists; the workspaces are what they were.
SELECT (SELECT count(*) FROM workspaces AS w WHERE NOT EXISTS
            (SELECT FROM chat_conversations AS c WHERE c.workspace_id = w.id))
           AS without_conversation,
       (SELECT count(*) FROM chat_conversations AS c WHERE NOT EXISTS
            (SELECT FROM workspaces AS w WHERE w.id = c.workspace_id))
           AS orphan_conversations,
       (SELECT count(*) FROM chat_messages AS m WHERE NOT EXISTS
            (SELECT FROM chat_conversations AS c WHERE c.id = m.conversation_id))
           AS orphan_messages,
       (SELECT count(*) FROM games AS g WHERE conversation_id IS NOT NULL AND NOT EXISTS
            (SELECT FROM chat_conversations AS c WHERE c.id = g.conversation_id))
           AS orphan_games;
SELECT (SELECT count(*) FROM workspaces) AS workspaces,
       (SELECT count(*) FROM chat_conversations) AS conversations,
       (SELECT count(*) FROM chat_messages) AS messages,
       (SELECT count(conversation_id) FROM games) AS games;
SELECT value FROM content_before WHERE (object, kind) = ('workspaces', 'row')
EXCEPT SELECT w::text FROM workspaces AS w;
-- The application goes on: its next ids are free.
BEGIN;
WITH c AS (INSERT INTO chat_conversations (workspace_id, title)
           VALUES (2, 'New') RETURNING id)
INSERT INTO chat_messages (conversation_id, role, content)
SELECT id, 'user', 'Hi' FROM c;
SELECT id > ALL (SELECT id FROM chat_messages WHERE content <> 'Hi') AS behind
FROM chat_messages WHERE content = 'Hi';
ROLLBACK;
-- --force: the workspace that was skipped gets its conversation too, and nothing
-- comes twice.
BEGIN;
INSERT INTO expected_conversations VALUES
    ('Gamma', 'Default Chat', 'Created by the migration from patches', '2024-02-04 08:00:00', '2024-02-04 08:00:00');
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, metadata, legacy_key) VALUES
    ('Gamma', 1, 'user', 'Old words', '2024-03-07 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-7", "tokens_used": 7}', '7');
INSERT INTO expected_links VALUES ('Egg', 'Gamma/Default Chat');
SELECT * FROM regress_system.run(:'migration', force => true);
\i :compare
SELECT * FROM regress_system.run(:'migration', force => true);
ROLLBACK;
-- A game that the application has moved since stays where it is.
BEGIN;
UPDATE games SET conversation_id = (SELECT id FROM chat_conversations
                                    WHERE title = 'Birds')
WHERE title = 'Ball';
SELECT links FROM chatmig_rollback(:'migration');
SELECT title, conversation_id IS NOT NULL AS linked FROM games ORDER BY id;
ROLLBACK;
-- The rollback leaves the birds, whose description speaks of a migration, too,
-- and resets the games that it linked, no others.
\i :rollback

--
-- The same with ids that only the sequence may give, and JSON that is json: so
-- what was no JSON is a number in place of messages.
--
\set schema surrealpilot_json
\i :variant
\set id 'GENERATED ALWAYS AS IDENTITY'
:new
UPDATE patches SET envelope_json = '{"messages": 1}' WHERE patch_id = 'p-4';
ALTER TABLE patches ALTER envelope_json TYPE json USING envelope_json::json;
\set conversations :pilot_conversations
\set messages :pilot_messages
\set links :pilot_links
\i :migrate
\i :rollback

--
-- chatmig makes the new tables
--
\set schema surrealpilot_created
\i :variant
SELECT $$
    SELECT w.name, c.title, c.description, c.created_at, c.updated_at, c.metadata
    FROM chat_conversations AS c JOIN workspaces AS w ON w.id = c.workspace_id
$$ AS conversations, $$
    SELECT w.name, m.position + 1, m.role, m.content, m.created_at, m.model,
           m.tokens, m.metadata, NULL, NULL::bigint, t.key_1::text
    FROM chat_messages AS m
         JOIN chat_conversations AS c ON c.id = m.conversation_id
         JOIN workspaces AS w ON w.id = c.workspace_id
         LEFT JOIN patches_trace AS t ON m.id = ANY (t.message_ids)
$$ AS messages \gset
\set links :pilot_links
UPDATE expected_conversations
SET title = 'Default Chat', description = 'Created by the migration from patches',
    created_at = '2024-02-04 08:00:00', updated_at = '2024-02-04 08:00:00'
WHERE conversation = 'Gamma';
DELETE FROM expected_messages WHERE conversation = 'Gamma';
INSERT INTO expected_messages
    (conversation, "position", role, content, created_at, metadata, legacy_key) VALUES
    ('Gamma', 1, 'user', 'Old words', '2024-03-07 10:00:00',
     '{"migrated_from_patch": true, "patch_id": "p-7", "tokens_used": 7}', '7');
-- There is a column for tokens: they are the last message's.
UPDATE expected_messages SET tokens = (metadata->>'tokens_used')::int
WHERE content NOT IN ('Be brief.', 'Make a cube', 'Bigger');
UPDATE expected_links SET conversation = 'Gamma/Default Chat' WHERE object = 'Bird';
INSERT INTO expected_links VALUES ('Egg', 'Gamma/Default Chat');
\i :migrate
\i :rollback

--
-- An empty database
--
\set old :tables
\set schema surrealpilot_empty
\i :variant
\set id 'GENERATED BY DEFAULT AS IDENTITY'
:new
\set conversations :pilot_conversations
\set messages :pilot_messages
\set links :pilot_links
TRUNCATE expected_conversations, expected_messages, expected_links;
\i :migrate
\i :rollback

DROP SCHEMA regress_system CASCADE;
DROP EXTENSION chatmig;
