--
-- altered: tables that are not as they were when a migration first ran, and
-- other things that a later run must not guess
--
CREATE EXTENSION chatmig SCHEMA public;
CREATE SCHEMA regress_altered;
SET search_path = regress_altered, public;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1);
CREATE TABLE chat_messages (id int PRIMARY KEY, user_id int REFERENCES users,
                            message text, response text);
INSERT INTO chat_messages VALUES (1, 1, 'q', 'a');
SELECT chatmig_register('chat_messages');
SELECT migrated FROM chatmig_migrate('chat_messages');

-- An owner and a key of wider types: taken as they lie in memory, user
-- 4294967297 would be user 1. Plan and run refuse, and say what to alter.
ALTER TABLE users ALTER id TYPE bigint;
ALTER TABLE chat_messages ALTER user_id TYPE bigint, ALTER id TYPE bigint;
INSERT INTO users VALUES (4294967297);
INSERT INTO chat_messages VALUES (4294967297, 4294967297, 'secret', 'x');
SELECT chatmig_plan('chat_messages');
SELECT chatmig_migrate('chat_messages');
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE conversations ALTER COLUMN user_id TYPE bigint;
SELECT chatmig_migrate('chat_messages');
ALTER TABLE chat_messages_trace ALTER COLUMN key_1 TYPE bigint;
SELECT already, migrated FROM chatmig_migrate('chat_messages');
SELECT c.user_id, m.content FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id ORDER BY 1, m."position";
SELECT key_1 FROM chat_messages_trace ORDER BY 1;
SELECT count(*) FROM chatmig_validate() WHERE status <> 'ok';

-- A column of the new tables with another name, another type, or none.
ALTER TABLE messages RENAME content TO body;
SELECT chatmig_migrate('chat_messages', dry_run => true);
ALTER TABLE messages RENAME body TO content;
ALTER TABLE messages ALTER content TYPE varchar(8);
SELECT chatmig_migrate('chat_messages', dry_run => true);
ALTER TABLE messages ALTER content TYPE text;
BEGIN;
ALTER TABLE messages DROP model;
SELECT chatmig_migrate('chat_messages', dry_run => true);
ROLLBACK;
-- Columns that the user has added do not matter.
ALTER TABLE messages ADD rating int DEFAULT 3;
INSERT INTO chat_messages VALUES (2, 1, 'q2', NULL);
SELECT already, migrated FROM chatmig_migrate('chat_messages');
SELECT content, rating FROM messages WHERE content = 'q2';

-- The new tables in another schema.
ALTER SCHEMA regress_altered RENAME TO regress_altered_2;
SET search_path = regress_altered_2, public;
INSERT INTO chat_messages VALUES (3, 1, 'q3', NULL);
SELECT already, migrated FROM chatmig_migrate('chat_messages');
SELECT count(*) FROM chatmig_validate() WHERE status <> 'ok';

-- A unit of times that no row told when it was registered.
CREATE TABLE later (id int PRIMARY KEY, message text, response text,
                    created_at bigint);
SELECT chatmig_register('later',
    target => '{"conversations": "later_c", "messages": "later_m"}');
SELECT migrated FROM chatmig_migrate('later');
INSERT INTO later VALUES (1, 'q', NULL, 1714557600000);
SELECT chatmig_migrate('later');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('later', '{"epoch": "milliseconds"}');
SELECT migrated FROM chatmig_migrate('later');
SELECT content, created_at AT TIME ZONE 'UTC' AS created_at FROM later_m;
-- Once rows have been migrated with it, it stays.
SELECT chatmig_register('later', '{"epoch": "seconds"}');
\echo :LAST_ERROR_SQLSTATE

-- A deferred foreign key, which the new table gets too, and a superuser who
-- migrates another role's table: nothing is left to be checked later.
CREATE ROLE regress_chatmig_django;
GRANT USAGE, CREATE ON SCHEMA regress_altered_2 TO regress_chatmig_django;
GRANT SELECT, REFERENCES ON users TO regress_chatmig_django;
SET ROLE regress_chatmig_django;
CREATE TABLE deferred (id int PRIMARY KEY, user_id bigint
    REFERENCES users DEFERRABLE INITIALLY DEFERRED, message text, response text);
INSERT INTO deferred VALUES (1, 1, 'q', 'a');
RESET ROLE;
SELECT chatmig_register('deferred',
    target => '{"conversations": "deferred_c", "messages": "deferred_m"}');
SELECT migrated FROM chatmig_migrate('deferred');
INSERT INTO deferred VALUES (2, NULL, 'q', 'a');
SELECT migrated FROM chatmig_migrate('deferred');
SELECT condeferred FROM pg_constraint
WHERE conrelid = 'deferred_c'::regclass AND contype = 'f';

-- The right to refer to a table is asked for before a row moves.
SELECT migrated FROM chatmig_rollback('deferred');
REVOKE REFERENCES ON users FROM regress_chatmig_django;
GRANT EXECUTE ON FUNCTION chatmig_migrate TO regress_chatmig_django;
SET ROLE regress_chatmig_django;
SELECT chatmig_migrate('deferred', dry_run => true);
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

SET client_min_messages = warning;
DROP EXTENSION chatmig CASCADE;
DROP SCHEMA regress_altered_2 CASCADE;
DROP ROLE regress_chatmig_django;
