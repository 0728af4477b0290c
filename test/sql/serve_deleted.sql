--
-- serve_deleted: what serving deletes is not lost to validate, nor in the way
-- of the next run; what goes by accident is found
--
CREATE SCHEMA regress_serve_deleted;
SET search_path = regress_serve_deleted;
SET TimeZone = 'UTC';
CREATE EXTENSION chatmig;
CREATE ROLE regress_chatmig_app;
GRANT USAGE ON SCHEMA regress_serve_deleted TO regress_chatmig_app;
\pset null NULL

CREATE TABLE talks (id int PRIMARY KEY, user_id text, message text,
                    response text, sent_at timestamptz);
INSERT INTO talks VALUES
    (1, 'ada', 'q1', 'a1', '2024-05-01 10:00Z'),
    (2, 'ada', 'q2', 'a2', '2024-05-01 10:01Z'),
    (3, 'ben', 'q3', 'a3', '2024-05-01 10:02Z'),
    (4, 'cy', 'q4', NULL, '2024-05-01 10:03Z'),
    (5, 'dee', 'q5', 'a5', '2024-05-01 10:04Z'),
    (6, 'eve', 'q6', 'a6', '2124-05-01 10:04Z');
SELECT chatmig_register('talks', options => '{"id_type": "bigint"}');
SELECT conversations, messages FROM chatmig_migrate();
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations, messages TO regress_chatmig_app;
-- What is not ok, in short; which key is the first is not certain.
CREATE FUNCTION findings(migration text DEFAULT 'talks') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', check_name, status, violations,
                     regexp_replace(example, 'key \d+', 'key N'))
    FROM chatmig_validate(migration) WHERE status <> 'ok' $$;

--
-- Deleted on purpose: by a role that may read neither the trace nor chatmig's
-- own tables
--
SET ROLE regress_chatmig_app;
-- ada's, with what has been added to it; then ben's, by a reset; then one that
-- the application has begun itself, long after the last run.
SELECT chatmig_append('1', 'user', 'q7') IS NOT NULL AS added;
SELECT chatmig_delete_conversation('1');
SELECT * FROM chatmig_reset('ben');
SELECT chatmig_active_conversation('fay') AS fay \gset
UPDATE conversations SET updated_at = now() - interval '1 hour' WHERE id = :fay;
RESET ROLE;
UPDATE chatmig_run SET migrated_at = now() - interval '3 days',
    last_run = now() - interval '2 days';
SET ROLE regress_chatmig_app;
SELECT chatmig_delete_conversation(:'fay');
-- What is rolled back is not recorded.
BEGIN;
SELECT chatmig_delete_conversation('3');
ROLLBACK;
-- An old one, and with it that of the future, which has been active since.
UPDATE conversations SET updated_at = now() WHERE user_id = 'dee';
UPDATE conversations SET updated_at = '2023-01-01Z' WHERE user_id = 'eve';
SELECT * FROM chatmig_cleanup('1 year', dry_run => true);
SELECT * FROM chatmig_cleanup('1 year');
-- The records are not the application's.
SELECT count(*) FROM chatmig_deletions;
RESET ROLE;
-- ada's, ben's, cy's and eve's; not fay's, which no migration has made.
SELECT conversation, owner, deleted_by, deleted_at > now() - interval '1 minute' AS now
FROM chatmig_deletions ORDER BY conversation;
-- Good to know, and no fault: one row for each conversation.
SELECT findings();
SELECT conversation, regexp_replace(detail, ' at .* \(', ' at ... (') AS detail
FROM chatmig_violations('talks', 'conversation_deleted');
SELECT chatmig_assert_valid('talks');

--
-- By accident: a DELETE by hand is what it has always been
--
BEGIN;
DELETE FROM conversations WHERE user_id = 'dee';
SELECT findings();
ROLLBACK;
-- A conversation that is back, without its messages, is not deleted: they are
-- missing.
BEGIN;
INSERT INTO conversations (id, user_id, created_at, updated_at)
OVERRIDING SYSTEM VALUE VALUES (1, 'ada', '2024-05-01 10:00Z', '2024-05-01 10:01Z');
SELECT findings();
ROLLBACK;

--
-- Another run
--
-- Deleted conversations stay deleted.
SELECT already, migrated, conversations FROM chatmig_migrate();
SELECT findings();
-- What has come since begins a new conversation, of those who have none any
-- more: one of ada's two rows is younger than all that she had, one older. It
-- stops nobody else's.
INSERT INTO talks VALUES
    (7, 'ada', 'q8', 'a8', '2024-06-01 10:00Z'),
    (8, 'ada', 'q9', NULL, '2023-06-01 10:00Z'),
    (9, 'dee', 'q10', NULL, '2024-06-01 10:00Z');
SELECT already, migrated, conversations, messages FROM chatmig_migrate(dry_run => true);
SELECT already, migrated, conversations, messages FROM chatmig_migrate();
SELECT user_id, string_agg(content, ' ' ORDER BY "position")
FROM conversations JOIN messages ON conversation_id = conversations.id
WHERE user_id IN ('ada', 'dee') GROUP BY user_id ORDER BY user_id;
SELECT findings();
-- A third run joins the new one.
INSERT INTO talks VALUES (10, 'ada', 'q11', NULL, '2023-07-01 10:00Z');
SELECT already, migrated, conversations, messages FROM chatmig_migrate();
SELECT user_id, string_agg(content, ' ' ORDER BY "position")
FROM conversations JOIN messages ON conversation_id = conversations.id
WHERE user_id = 'ada' GROUP BY user_id;
-- The same where somebody has deleted it by hand, which is still a fault.
DELETE FROM conversations WHERE user_id = 'dee';
INSERT INTO talks VALUES (11, 'dee', 'q12', NULL, '2024-07-01 10:00Z');
SELECT migrated, conversations, messages FROM chatmig_migrate();
SELECT findings();
-- With a rollback the records go, too.
SELECT migrated, conversations, messages FROM chatmig_rollback('talks');
SELECT count(*) FROM chatmig_deletions;
SELECT migrated, conversations, messages FROM chatmig_migrate();
SELECT findings();

--
-- Without a table of conversations
--
CREATE TABLE words (id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    conversation_id text, user_id text, role text, content text, sent_at timestamptz);
SELECT chatmig_register('talks', name => 'grouped', target =>
    '{"conversations": null, "messages": "words"}');
SELECT migrated, messages FROM chatmig_migrate('grouped');
SELECT conversation AS dee FROM chatmig_conversations('dee', migration => 'grouped') \gset
SELECT chatmig_delete_conversation(conversation, 'grouped')
FROM chatmig_conversations('ada', migration => 'grouped');
SELECT * FROM chatmig_reset('cy', 'grouped');
SELECT owner FROM chatmig_deletions WHERE migration = 'grouped' ORDER BY owner;
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('grouped');
-- Late rows begin another one here, too.
INSERT INTO talks VALUES (12, 'ada', 'q13', NULL, '2024-07-01 10:00Z');
SELECT migrated, messages FROM chatmig_migrate('grouped');
SELECT owner, messages FROM chatmig_conversations('ada', migration => 'grouped');
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('grouped');
-- A client that still has the id of a deleted one goes on under it: what was
-- deleted is as deleted as before.
BEGIN;
SELECT chatmig_delete_conversation(:'dee', 'grouped');
SELECT chatmig_append(:'dee', 'user', 'still there', owner => 'dee', migration => 'grouped')
    IS NOT NULL AS added;
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('grouped');
ROLLBACK;
DELETE FROM words WHERE user_id = 'dee';
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('grouped');

--
-- Rows that are their own messages, owners without messages, and rows of other
-- tables that point to a conversation without a foreign key
--
CREATE TABLE users (id text PRIMARY KEY, created_at timestamptz);
INSERT INTO users VALUES ('ann', '2024-01-01Z'), ('bob', '2024-01-01Z'), ('cat', '2024-01-01Z');
CREATE TABLE notes (id text PRIMARY KEY, user_id text REFERENCES users, role text,
    content text, created_at timestamptz);
INSERT INTO notes VALUES ('n1', 'ann', 'user', 'x', '2024-05-01Z'),
    ('n2', 'ann', 'assistant', 'y', '2024-05-02Z'), ('n3', 'bob', 'user', 'z', '2024-05-01Z');
CREATE TABLE chats (id text PRIMARY KEY, user_id text, title text,
    created_at timestamptz, updated_at timestamptz);
ALTER TABLE notes ADD chat_id text;
SELECT chatmig_register('notes', name => 'in_place', target =>
    '{"messages": {"table": "notes", "columns": {"conversation": "chat_id"}},
      "conversations": "chats"}');
SELECT migrated, conversations FROM chatmig_migrate('in_place');
SELECT * FROM chatmig_reset('ann', 'in_place');
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('in_place');
-- What somebody has deleted by hand needs a person's eye, as before.
DELETE FROM notes WHERE id = 'n3';
SELECT regexp_replace(findings, '[0-9a-f]{8}-.*', 'ID') FROM findings('in_place');

CREATE TABLE says (id int PRIMARY KEY, user_id text REFERENCES users, message text,
    response text, sent_at timestamptz);
INSERT INTO says VALUES (1, 'ann', 'q', 'a', '2024-05-01Z'), (2, 'bob', 'q', 'a', '2024-05-01Z');
CREATE TABLE games (id int PRIMARY KEY, user_id text, conversation_id bigint);
INSERT INTO games VALUES (1, 'ann', NULL), (2, 'bob', NULL);
SELECT chatmig_register('says', name => 'linked',
    target => '{"conversations": "rooms", "messages": "lines",
                "links": [{"table": "games", "owner": "user_id", "conversation": "conversation_id"}]}',
    options => '{"id_type": "bigint", "empty_owners": true}');
SELECT migrated, conversations, links FROM chatmig_migrate('linked');
-- ann's, with her game, and cat's, who has said nothing.
SELECT * FROM chatmig_reset('ann', 'linked');
SELECT * FROM chatmig_reset('cat', 'linked');
SELECT findings('linked');
SELECT chatmig_assert_valid('linked');
-- A conversation that is gone by accident is a fault, each time.
BEGIN;
DELETE FROM rooms WHERE user_id = 'bob';
SELECT findings('linked');
ROLLBACK;
-- Owners who have none get one by the next run, and so does what points nowhere.
UPDATE games SET conversation_id = NULL WHERE id = 1;
SELECT migrated, conversations, links FROM chatmig_migrate('linked');
SELECT findings('linked');

SET client_min_messages = warning;
DROP SCHEMA regress_serve_deleted CASCADE;
DROP ROLE regress_chatmig_app;
