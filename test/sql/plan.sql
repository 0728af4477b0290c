--
-- plan: what a migration would do is said before it is done, and changes
-- nothing; what changed since it was registered stops it
--
CREATE SCHEMA regress_plan;
SET search_path = regress_plan;
CREATE EXTENSION chatmig;

CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE bots (id text PRIMARY KEY);
CREATE TABLE chat (
    id int PRIMARY KEY, user_id int REFERENCES users,
    bot_id text REFERENCES bots, role text, content text,
    created_at text, media_url text);
INSERT INTO users SELECT generate_series(1, 3);
INSERT INTO chat (id, user_id, role, content, created_at, media_url) VALUES
    (1, 1, 'user', 'hello', '2024-05-01 10:00', NULL),
    (2, 1, 'bot', 'hi', '2024-05-01 10:01', NULL),
    (3, 1, 'user', '', '2024-05-01 10:02', NULL),
    (4, 1, 'user', NULL, '2024-05-01 10:03', 'http://a/1'),
    (5, 2, 'northstar', 'who am I', '2024-05-01 10:00', NULL),
    (6, 2, NULL, 'nobody', '2024-05-01 10:01', NULL),
    (7, 2, 'user', 'when', 'yesterday', NULL),
    (8, 2, 'user', 'now', '2024-05-01 10:04', NULL),
    (9, 3, 'northstar', 'alone', '2024-05-01 10:04', NULL),
    (10, NULL, 'user', 'guest', NULL, NULL);

-- What is there: the ledger's rows as they are stored, and all relations.
CREATE VIEW state AS
SELECT 'chatmig_migration' AS of, ctid::text || xmin::text AS what
FROM chatmig_migration
UNION ALL SELECT 'chatmig_target', ctid::text || xmin::text FROM chatmig_target
UNION ALL SELECT 'chatmig_run', ctid::text || xmin::text FROM chatmig_run
UNION ALL
SELECT 'chatmig_rejected', ctid::text || xmin::text FROM chatmig_rejected
UNION ALL
SELECT 'relation', concat_ws(' ', oid, relname, relfilenode, reltuples, xmin)
FROM pg_class WHERE relnamespace = 'regress_plan'::regnamespace;

-- Calls plan, preview and a dry run, and says whether anything is different
-- after them.
CREATE TABLE before (LIKE state);
CREATE PROCEDURE rehearse() LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT s::text FROM state AS s ORDER BY 1);
BEGIN
    PERFORM count(*) FROM chatmig_plan();
    PERFORM count(*) FROM chatmig_preview(max_messages => 1000);
    PERFORM count(*) FROM chatmig_migrate(dry_run => true);
    RAISE NOTICE 'same: %, transaction id: %',
        before = ARRAY(SELECT s::text FROM state AS s ORDER BY 1),
        coalesce(pg_current_xact_id_if_assigned()::text, 'none');
END
$$;
-- The columns of chatmig_migrate() that a dry run must foretell.
CREATE FUNCTION foretold(dry_run boolean)
RETURNS TABLE (legacy_rows bigint, already bigint, migrated bigint,
               empty bigint, rejected bigint, conversations bigint,
               messages bigint, media bigint, links bigint)
BEGIN ATOMIC
    SELECT legacy_rows, already, migrated, empty, rejected, conversations,
           messages, media, links
    FROM chatmig_migrate('chat', dry_run => dry_run);
END;
-- The same numbers as chatmig_plan() has them.
CREATE VIEW planned AS
SELECT sum(rows) FILTER (WHERE action = 'read') AS legacy_rows,
       sum(rows) FILTER (WHERE note = 'migrated already') AS already,
       sum(rows) FILTER (WHERE action = 'reject') AS rejected,
       sum(rows) FILTER (WHERE note LIKE 'no message%') AS empty,
       sum(rows) FILTER (WHERE object ~ 'conversations$'
                         AND action ~ 'load|insert') AS conversations,
       sum(rows) FILTER (WHERE object ~ 'messages$'
                         AND action ~ 'load|insert') AS messages,
       sum(rows) FILTER (WHERE object ~ 'media$'
                         AND action ~ 'load|insert') AS media,
       sum(rows) FILTER (WHERE object ~ 'trace$'
                         AND action ~ 'load|insert') AS migrated
FROM chatmig_plan();

--
-- Before the first run, with more rejected rows than are allowed
--
SELECT chatmig_register('chat', options => '{"max_rejects": 3}');
CALL rehearse();

-- The dry run counts to the end; the plan says that it would stop.
SELECT * FROM foretold(true);
SELECT step, object, action, rows, bytes > 0 AS has_bytes, lock, note
FROM chatmig_plan();
SELECT * FROM planned;

-- The preview shows the messages: no rejected and no empty one. The first only,
-- if so many are asked for.
SELECT dense_rank() OVER (ORDER BY conversation) AS conversation, position,
       role, content, created_at AT TIME ZONE 'UTC' AS created_at, legacy_key
FROM chatmig_preview('chat') ORDER BY legacy_key::int;
SELECT content FROM chatmig_preview('chat', 2);
SELECT content FROM chatmig_preview('chat', 0);
SELECT content FROM chatmig_preview('chat', -1);
SELECT count(*) FROM chatmig_preview('chat', NULL);

-- The run stops, names a row and the number, and leaves nothing.
SELECT * FROM chatmig_migrate('chat');
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('conversations'), count(*) FROM chatmig_rejects;

--
-- The first run
--
SELECT chatmig_register('chat', options => '{"max_rejects": 4}');
CALL rehearse();
CREATE TABLE foretold_ids AS
SELECT conversation, position, role, content, created_at FROM chatmig_preview();

-- The dry run's numbers and the plan's are those of the run.
CREATE TABLE told AS SELECT * FROM foretold(true);
CREATE TABLE told_by_plan AS SELECT * FROM planned;
SELECT * FROM foretold(false);
SELECT count(*) AS same_as_dry_run FROM (
    TABLE told INTERSECT
    SELECT legacy_rows, 0, migrated, empty, rejected, conversations, messages,
           media, 0 FROM chatmig_run) AS s;
SELECT count(*) AS same_as_plan
FROM told_by_plan AS p JOIN chatmig_run AS r
USING (legacy_rows, rejected, empty, conversations, messages, media, migrated);

-- The preview's messages are those of the run, ids included.
SELECT count(*) AS previewed FROM foretold_ids;
SELECT count(*) AS different FROM (
    (TABLE foretold_ids EXCEPT
     SELECT conversation_id::text, position, role, content, created_at
     FROM messages)
    UNION ALL
    (SELECT conversation_id::text, position, role, content, created_at
     FROM messages EXCEPT TABLE foretold_ids)) AS d;

-- Rejected rows are kept whole, with the reason.
SELECT legacy_key, code, reason, legacy_row ->> 'content' AS content
FROM chatmig_rejects ORDER BY legacy_key::int;

--
-- A second run: some rows are new, some rejected ones are corrected
--
INSERT INTO chat (id, user_id, role, content, created_at, media_url) VALUES
    (11, 1, 'user', 'between', '2024-05-01 10:00:30', NULL),
    (12, 1, 'assistant', 'after', '2024-05-02', NULL),
    (13, 3, 'user', 'new', '2024-05-01', NULL),
    (14, 3, 'user', '', '2024-05-01', 'http://a/2'),
    (15, 3, 'nobody', 'new', '2024-05-01', NULL),
    (16, 3, 'nobody', '', '2024-05-01', NULL);
UPDATE chat SET role = 'bot' WHERE id IN (5, 9);
CALL rehearse();
TRUNCATE told, told_by_plan;
INSERT INTO told SELECT * FROM foretold(true);
INSERT INTO told_by_plan SELECT * FROM planned;
TABLE told;
-- What comes behind all others has no place yet; what comes between has.
SELECT position, role, content, legacy_key
FROM chatmig_preview() ORDER BY legacy_key::int;
SELECT step, object, action, rows, lock FROM chatmig_plan();
SELECT count(*) AS same_as_dry_run FROM (
    TABLE told INTERSECT SELECT * FROM foretold(false)) AS s;
SELECT count(*) AS same_as_plan
FROM told AS t JOIN told_by_plan AS p
USING (legacy_rows, already, rejected, empty, conversations, messages, media,
       migrated);

-- A third: nothing is left to do but what is rejected, and nothing is written
-- but the row of the ledger that keeps two runs apart.
CALL rehearse();
SELECT * FROM foretold(true);
INSERT INTO before TABLE state;
SELECT * FROM foretold(false);
SELECT of FROM (TABLE before EXCEPT TABLE state) AS b
UNION ALL
SELECT of FROM (TABLE state EXCEPT TABLE before) AS s;

--
-- What the user does to the new tables does not stop it
--
-- Renamed, moved, and with a column more.
CREATE SCHEMA regress_plan_moved;
ALTER TABLE conversations RENAME TO talks;
ALTER TABLE messages SET SCHEMA regress_plan_moved;
ALTER TABLE media ADD COLUMN size int;
INSERT INTO chat VALUES (17, 1, NULL, 'user', 'moved', '2024-05-03', NULL),
                        (18, 1, NULL, 'user', 'pic', '2024-05-03', 'http://b');
SELECT object, action, rows FROM chatmig_plan() WHERE action = 'insert';
SELECT * FROM foretold(false);
SELECT content, m.position FROM regress_plan_moved.messages AS m
JOIN talks AS c ON c.id = m.conversation_id
WHERE content IN ('moved', 'pic', 'after') ORDER BY 2;

-- One that is gone stops it (55000), and the hint leads out.
DROP TABLE media CASCADE;
SELECT * FROM chatmig_plan();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM foretold(false);
SELECT conversations, messages, media FROM chatmig_rollback('chat');
SELECT conversations, messages, media FROM foretold(false);
SELECT conversations, messages, media FROM chatmig_rollback('chat');
DROP SCHEMA regress_plan_moved;

--
-- What the user does to the old table between register and migrate
--
CREATE TABLE pairs (id int PRIMARY KEY, user_id int, message text,
                    response text, created_at timestamp, mood text);
INSERT INTO pairs VALUES (1, 1, 'a', 'b', '2024-05-01', 'good');
SELECT chatmig_register('pairs', target =>
    '{"conversations": "pc", "messages": "pm", "trace": "pt"}');

-- A column more, or less, that no part needs: fine.
ALTER TABLE pairs ADD COLUMN likes int DEFAULT 3, DROP COLUMN mood;
SELECT migrated, messages FROM chatmig_migrate('pairs', dry_run => true);
-- The table renamed: it is the same table.
ALTER TABLE pairs RENAME TO old_pairs;
SELECT object FROM chatmig_plan('pairs') WHERE action = 'read';

-- A column that a part needs, renamed: an error that names both.
ALTER TABLE old_pairs RENAME message TO question;
SELECT * FROM chatmig_plan('pairs');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM chatmig_migrate('pairs');
-- Of another type now.
ALTER TABLE old_pairs RENAME question TO message;
ALTER TABLE old_pairs ALTER message TYPE bytea USING message::bytea;
SELECT * FROM chatmig_migrate('pairs');
\echo :LAST_ERROR_SQLSTATE
-- Of another type that will do.
ALTER TABLE old_pairs ALTER message TYPE varchar USING 'a',
                      ALTER user_id TYPE bigint;
SELECT migrated, messages FROM chatmig_migrate('pairs', dry_run => true);
-- The key is gone, but names each row still; then it does not.
ALTER TABLE old_pairs DROP CONSTRAINT pairs_pkey,
                      ALTER id DROP NOT NULL;
SELECT migrated, messages FROM chatmig_migrate('pairs', dry_run => true);
INSERT INTO old_pairs SELECT * FROM old_pairs;
SELECT * FROM chatmig_migrate('pairs');
\echo :LAST_ERROR_SQLSTATE
UPDATE old_pairs SET id = NULL;
SELECT * FROM chatmig_migrate('pairs', dry_run => true);
\echo :LAST_ERROR_SQLSTATE
-- A needed column dropped.
ALTER TABLE old_pairs DROP COLUMN response;
SELECT * FROM chatmig_preview('pairs');
\echo :LAST_ERROR_SQLSTATE
-- The table dropped: said so (42P01), by a run of all migrations too.
DROP TABLE old_pairs;
\set VERBOSITY terse
SELECT * FROM chatmig_plan('pairs');
\set VERBOSITY sqlstate
SELECT * FROM chatmig_plan('pairs');
SELECT * FROM chatmig_migrate();
\set VERBOSITY default
SELECT migration, source IS NOT NULL AS source, state
FROM chatmig_status ORDER BY migration;
-- Its name may be taken by another table, or be forgotten.
CREATE TABLE pairs (id int PRIMARY KEY, user_id int, message text,
                    response text);
SELECT chatmig_register('pairs', target =>
    '{"conversations": "pc", "messages": "pm", "trace": "pt"}');
SELECT migration, legacy_rows, messages FROM chatmig_migrate('pairs');
DROP TABLE pairs;
SELECT chatmig_unregister('pairs');
\echo :LAST_ERROR_SQLSTATE
SELECT messages FROM chatmig_rollback('pairs');
SELECT chatmig_unregister('pairs');

-- A name taken since, and a schema dropped since.
SELECT chatmig_unregister('chat');
CREATE SCHEMA regress_plan_new;
SELECT chatmig_register('chat', target => '{"schema": "regress_plan_new"}');
CREATE VIEW regress_plan_new.messages AS SELECT 1;
SELECT * FROM chatmig_migrate('chat');
\echo :LAST_ERROR_SQLSTATE
DROP SCHEMA regress_plan_new CASCADE;
SELECT * FROM chatmig_migrate('chat');
\echo :LAST_ERROR_SQLSTATE

-- A migration that does not exist.
SELECT * FROM chatmig_plan('nothing');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM chatmig_preview('nothing');
SELECT * FROM chatmig_migrate('nothing');
SELECT * FROM chatmig_migrate('nothing', dry_run => true);
SELECT * FROM chatmig_migrate('');

-- Rows of chatmig's own tables that somebody has changed by hand.
BEGIN;
UPDATE chatmig_migration SET mapping = '{"key": ["id"]}' WHERE name = 'chat';
SELECT * FROM chatmig_plan('chat');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN;
CREATE SCHEMA regress_plan_new;
SELECT chatmig_register('chat', target => '{"schema": "regress_plan_new"}',
                        options => '{"max_rejects": 3}');
SELECT rejected FROM chatmig_migrate('chat');
DELETE FROM chatmig_target WHERE migration = 'chat' AND part = 'trace';
SELECT * FROM chatmig_migrate('chat');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- Without a registration there is nothing to do for all.
SELECT chatmig_unregister('chat');
SELECT count(*) FROM chatmig_plan();
SELECT count(*) FROM chatmig_preview();
SELECT count(*) FROM chatmig_migrate();

SET client_min_messages = warning;
DROP SCHEMA regress_plan CASCADE;
