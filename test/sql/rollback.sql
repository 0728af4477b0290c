--
-- rollback: takes back exactly what a migration made, and nothing else
--
CREATE SCHEMA regress_rollback;
SET search_path = regress_rollback;
CREATE EXTENSION chatmig;

CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 5);
CREATE TABLE chat (
    id int PRIMARY KEY, user_id int REFERENCES users, session_id text,
    message text, response text, created_at timestamptz, media_url text);
INSERT INTO chat
SELECT i, i % 3 + 1, 's' || i % 2, 'question ' || i,
       CASE WHEN i % 7 > 0 THEN 'answer ' || i END,
       '2024-05-01Z'::timestamptz + i * interval '1 hour',
       CASE WHEN i % 5 = 0 THEN 'http://media/' || i END
FROM generate_series(1, 20) AS i;
CREATE TABLE saved_chat AS TABLE chat;

-- The tables of the migration with all that is in them.
CREATE PROCEDURE save(suffix text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE conversations_%1$s AS TABLE conversations;
                    CREATE TABLE messages_%1$s AS TABLE messages;
                    CREATE TABLE media_%1$s AS TABLE media;
                    CREATE TABLE chat_trace_%1$s AS TABLE chat_trace', suffix);
END
$$;
-- In how many rows they differ from those that were saved.
CREATE FUNCTION differences(suffix text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    name text;
    one bigint;
    total bigint := 0;
BEGIN
    FOREACH name IN ARRAY '{conversations,messages,media,chat_trace}'::text[]
    LOOP
        EXECUTE format('SELECT count(*) FROM (
            (TABLE %1$I EXCEPT ALL TABLE %2$I) UNION ALL
            (TABLE %2$I EXCEPT ALL TABLE %1$I)) AS d',
            name, name || '_' || suffix) INTO one;
        total := total + one;
    END LOOP;
    RETURN total;
END
$$;
-- Those of the migration's tables that are there.
CREATE FUNCTION tables() RETURNS text LANGUAGE sql
SET search_path = regress_rollback AS $$
    SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
    WHERE relnamespace = 'regress_rollback'::regnamespace AND relkind = 'r'
      AND relname IN ('conversations', 'messages', 'media', 'chat_trace')
$$;
-- The numbers without the time that it took.
CREATE FUNCTION taken_back(name text, dry_run boolean = false,
                           force boolean = false)
RETURNS TABLE (legacy_rows bigint, migrated bigint, conversations bigint,
               messages bigint, media bigint)
LANGUAGE sql AS $$
    SELECT legacy_rows, migrated, conversations, messages, media
    FROM regress_rollback.chatmig_rollback($1, $2, $3)
$$;
CREATE VIEW ledger AS
SELECT (SELECT count(*) FROM chatmig_migration) AS registered,
       (SELECT count(*) FROM chatmig_target) AS targets,
       (SELECT count(*) FROM chatmig_run) AS runs,
       (SELECT count(*) FROM chatmig_rejects) AS rejects;

-- Nothing to take back (55000), nobody of that name (42704).
SELECT chatmig_register('chat');
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM taken_back('chat', true);
SELECT * FROM taken_back('nothing');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM chatmig_rollback(NULL);

-- A dry run counts, and touches nothing at all.
SELECT conversations, messages, media FROM chatmig_migrate();
CALL save('first');
TABLE ledger;
BEGIN;
SELECT * FROM taken_back('chat', true);
SELECT pg_current_xact_id_if_assigned();
SELECT DISTINCT mode FROM pg_locks
WHERE pid = pg_backend_pid() AND relation = 'messages'::regclass;
COMMIT;
SELECT differences('first');
TABLE ledger;

-- The real one: the same numbers; the tables are gone, the old one is as ever.
SELECT * FROM taken_back('chat');
SELECT tables();
TABLE ledger;
SELECT state FROM chatmig_status;
SELECT count(*) FROM (TABLE chat EXCEPT TABLE saved_chat) AS d;

-- Twice is once too much, and says so.
SELECT * FROM taken_back('chat');

-- Migrating again gives the same rows with the same ids.
SELECT conversations, messages, media FROM chatmig_migrate();
SELECT differences('first');

--
-- What others have added
--
-- Conversations of the application's own stay, with all that is in them; the
-- tables stay too, and a NOTICE says why.
INSERT INTO conversations (id, user_id, title)
VALUES ('00000000-0000-0000-0000-000000000001', 5, 'own');
INSERT INTO media (id, user_id, url)
VALUES ('00000000-0000-0000-0000-000000000002', 5, 'http://own');
INSERT INTO messages (id, conversation_id, position, role, content, media_id)
VALUES ('00000000-0000-0000-0000-000000000003',
        '00000000-0000-0000-0000-000000000001', 0, 'user', 'own',
        '00000000-0000-0000-0000-000000000002');
INSERT INTO messages (id, conversation_id, position, role, content, reply_to_id)
VALUES ('00000000-0000-0000-0000-000000000004',
        '00000000-0000-0000-0000-000000000001', 1, 'assistant', 'own',
        '00000000-0000-0000-0000-000000000003');
CALL save('with_own');
SELECT * FROM taken_back('chat', true);
SELECT differences('with_own');
SELECT * FROM taken_back('chat');
SELECT tables();
SELECT title FROM conversations;
SELECT content, position, media_id IS NOT NULL AS has_medium,
       reply_to_id IS NOT NULL AS replies FROM messages ORDER BY position;
SELECT url FROM media;
TABLE ledger;
-- Migrating again goes into these tables, with the same ids.
SELECT conversations, messages, media FROM chatmig_migrate();
SELECT differences('with_own');
-- Again the other way; then without the rows of its own the tables go.
SELECT * FROM taken_back('chat');
DELETE FROM conversations;
DELETE FROM media;
SELECT conversations, messages, media FROM chatmig_migrate();
SELECT differences('first');
SELECT * FROM taken_back('chat');
SELECT tables();

-- Migrated rows that the application changed or deleted are taken back as
-- they are: no number but theirs counts.
SELECT messages FROM chatmig_migrate();
UPDATE messages SET content = 'changed' WHERE content = 'question 1';
DELETE FROM messages WHERE content IN ('question 2', 'answer 2');
DELETE FROM conversations WHERE id = (
    SELECT conversation_id FROM messages WHERE content = 'question 3');
SELECT * FROM taken_back('chat');
SELECT messages FROM chatmig_migrate();
SELECT differences('first');

-- A message that was added to a migrated conversation stops it; nothing has
-- happened then, and the hint leads out.
INSERT INTO messages (id, conversation_id, position, role, content)
SELECT '00000000-0000-0000-0000-000000000005', conversation_id, 100, 'user',
       'added' FROM messages WHERE content = 'question 1';
CALL save('with_added');
SELECT * FROM taken_back('chat', true);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
SELECT differences('with_added');
INSERT INTO conversations (id) VALUES ('00000000-0000-0000-0000-000000000001');
UPDATE messages SET conversation_id = '00000000-0000-0000-0000-000000000001'
WHERE content = 'added';
-- It may not reply to a migrated one either, nor use its medium.
UPDATE messages SET reply_to_id = (SELECT id FROM messages
                                   WHERE content = 'answer 1'),
                    media_id = (SELECT id FROM media
                                WHERE url = 'http://media/10')
WHERE content = 'added';
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
UPDATE messages SET reply_to_id = NULL WHERE content = 'added';
SELECT * FROM taken_back('chat');
UPDATE messages SET media_id = NULL WHERE content = 'added';
SELECT * FROM taken_back('chat');
SELECT content FROM messages;
DROP TABLE messages, conversations, media CASCADE;

-- A table of the user's that points to them: its rows must not be lost, be
-- the foreign key of one column or, by a key of the user's, of several. (The
-- id in the DETAIL is that which the row points to.)
SELECT messages FROM chatmig_migrate();
CREATE TABLE stars (id int PRIMARY KEY, "Message Id" uuid
                    REFERENCES messages ON DELETE CASCADE);
INSERT INTO stars SELECT 1, id FROM messages WHERE content = 'answer 1';
DO $$
DECLARE
    detail text;
    hint text;
BEGIN
    PERFORM chatmig_rollback('chat');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL,
                            hint = PG_EXCEPTION_HINT;
    RAISE NOTICE USING MESSAGE = sqlerrm, DETAIL = replace(detail,
        (SELECT "Message Id"::text FROM stars), '(id)'), HINT = hint;
END
$$;
SELECT count(*) AS stars FROM stars;
-- Its rows gone, it is in the way of DROP TABLE alone: the tables stay empty.
DELETE FROM stars;
SELECT * FROM taken_back('chat');
SELECT tables();
SELECT count(*) FROM messages;
SELECT messages FROM chatmig_migrate();
SELECT differences('first');
DROP TABLE stars;

ALTER TABLE messages ADD UNIQUE (conversation_id, position, role);
CREATE TABLE marks (conversation uuid, position int, role text, FOREIGN KEY
    (conversation, position, role) REFERENCES messages
    (conversation_id, position, role));
INSERT INTO marks SELECT conversation_id, position, role FROM messages
WHERE content IN ('answer 1', 'answer 3');
\set VERBOSITY terse
SELECT * FROM taken_back('chat');
\set VERBOSITY default
DROP TABLE marks;

-- A view of the user's: the rows go, the tables and the view stay.
CREATE VIEW talk AS SELECT content FROM messages ORDER BY position;
SELECT * FROM taken_back('chat');
SELECT count(*) FROM talk;
SELECT tables();
SELECT messages FROM chatmig_migrate();
SELECT differences('first');
DROP VIEW talk;
-- A view of the trace: only that stays.
CREATE VIEW trace_view AS SELECT * FROM chat_trace;
SELECT * FROM taken_back('chat');
SELECT tables(), (SELECT count(*) FROM trace_view) AS traced;
SELECT messages FROM chatmig_migrate();
SELECT differences('first');
DROP VIEW trace_view;

-- A trigger of the user's that keeps rows: an error, and nothing has happened.
INSERT INTO conversations (id) VALUES ('00000000-0000-0000-0000-000000000001');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON messages
FOR EACH ROW WHEN (OLD.position = 1) EXECUTE FUNCTION keep();
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) AS messages FROM messages;
DROP TRIGGER keep ON messages;
DELETE FROM conversations WHERE id = '00000000-0000-0000-0000-000000000001';

--
-- What is gone
--
-- Tables that the user dropped are not missed; the trace is.
BEGIN;
DROP TABLE messages, conversations CASCADE;
SELECT * FROM taken_back('chat');
SELECT tables();
ROLLBACK;
-- The trace gone: force does not help, and both ways out that the hints name
-- lead out. To begin anew:
BEGIN;
DROP TABLE chat_trace;
SAVEPOINT lost;
SELECT * FROM taken_back('chat', force => true);
ROLLBACK TO lost;
SELECT * FROM taken_back('chat');
ROLLBACK TO lost;
SELECT violations, regexp_replace(detail, '\d+', 'N') AS detail, hint
FROM chatmig_validate('chat') WHERE check_name = 'ledger';
DROP TABLE messages, conversations, media CASCADE;
SELECT * FROM taken_back('chat');
TABLE ledger;
SELECT messages FROM chatmig_migrate();
SELECT differences('first');
ROLLBACK;
-- To go on, with the trace from a dump:
BEGIN;
DROP TABLE chat_trace;
CREATE TABLE chat_trace AS TABLE chat_trace_first;
UPDATE chatmig_target SET relation = 'chat_trace'
WHERE migration = 'chat' AND part = 'trace';
SELECT already, migrated FROM chatmig_migrate();
SELECT * FROM taken_back('chat');
SELECT tables();
ROLLBACK;

-- Renamed and moved tables are the same tables.
BEGIN;
CREATE SCHEMA regress_rollback_moved;
ALTER TABLE messages RENAME TO "Messages %s";
ALTER TABLE conversations SET SCHEMA regress_rollback_moved;
ALTER TABLE chat_trace SET SCHEMA regress_rollback_moved;
SELECT * FROM taken_back('chat');
SELECT count(*) FROM pg_class
WHERE relnamespace = 'regress_rollback_moved'::regnamespace;
ROLLBACK;

--
-- The only copy
--
-- Legacy rows that are gone: refused (55000), a dry run too, and nothing has
-- happened. What validate lists is what it counts; the first is the first of the
-- numbers, not of their texts.
BEGIN;
DELETE FROM chat WHERE id IN (3, 14, 20);
SAVEPOINT lost;
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO lost;
SELECT * FROM taken_back('chat', dry_run => true);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO lost;
SELECT differences('first');
SELECT legacy_key FROM chatmig_violations('chat', 'legacy_deleted');
-- Forced, it takes all back, as the dry run says.
SELECT * FROM taken_back('chat', dry_run => true, force => true);
SELECT * FROM taken_back('chat', force => true);
SELECT tables();
SELECT messages FROM chatmig_migrate();
ROLLBACK;
-- A column that was read is gone (55000): the messages alone hold what was in it.
BEGIN;
ALTER TABLE chat DROP response;
SAVEPOINT lost;
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO lost;
SELECT migrated, messages FROM taken_back('chat', force => true);
ROLLBACK;
-- Where their messages are gone too there is nothing to lose, but for media.
BEGIN;
DELETE FROM chat WHERE id IN (3, 5);
DELETE FROM messages WHERE id IN (SELECT unnest(message_ids) FROM chat_trace
                                  WHERE key_1 IN (3, 5));
SAVEPOINT lost;
SELECT * FROM taken_back('chat');
ROLLBACK TO lost;
DELETE FROM media WHERE url = 'http://media/5';
SELECT * FROM taken_back('chat');
ROLLBACK;
-- Rows that were put back are there; those that were changed are, too.
BEGIN;
DELETE FROM chat WHERE id = 3;
INSERT INTO chat SELECT * FROM saved_chat WHERE id = 3;
UPDATE chat SET message = 'changed' WHERE id = 4;
SELECT * FROM taken_back('chat', dry_run => true);
ROLLBACK;
-- Emptied.
BEGIN;
TRUNCATE chat;
SELECT * FROM taken_back('chat');
ROLLBACK;
-- Renamed and moved it is the same table.
BEGIN;
ALTER TABLE chat RENAME TO "Old %s";
CREATE SCHEMA regress_rollback_moved;
ALTER TABLE "Old %s" SET SCHEMA regress_rollback_moved;
SELECT * FROM taken_back('chat', dry_run => true);
DELETE FROM regress_rollback_moved."Old %s" WHERE id = 2;
SELECT * FROM taken_back('chat');
ROLLBACK;
-- A key that is called otherwise, or is of another type: nobody can tell.
BEGIN;
ALTER TABLE chat RENAME id TO number;
SAVEPOINT lost;
SELECT * FROM taken_back('chat');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO lost;
SELECT * FROM taken_back('chat', dry_run => true);
ROLLBACK TO lost;
SELECT * FROM taken_back('chat', force => true);
ROLLBACK;
BEGIN;
ALTER TABLE chat ALTER id TYPE text;
SELECT * FROM taken_back('chat');
ROLLBACK;
-- Nor if it became somebody else's.
CREATE ROLE regress_chatmig_rollback;
BEGIN;
ALTER TABLE chat OWNER TO regress_chatmig_rollback;
SELECT * FROM taken_back('chat');
ROLLBACK;
DROP ROLE regress_chatmig_rollback;
-- Dropped: refused, but where nothing is left of its rows.
BEGIN;
DROP TABLE chat;
SAVEPOINT lost;
SELECT * FROM taken_back('chat');
ROLLBACK TO lost;
SELECT * FROM taken_back('chat', dry_run => true);
ROLLBACK TO lost;
DELETE FROM messages;
DELETE FROM media;
SELECT * FROM taken_back('chat');
ROLLBACK;
-- NULL is no answer to whether to force it, and nothing happens.
SELECT count(*) FROM chatmig_rollback('chat', force => NULL);
SELECT tables();

-- Keys of several columns, text among them, under another collation by now.
CREATE TABLE keyed (a text COLLATE "C", "B b" bigint, question text,
                    answer text, PRIMARY KEY (a, "B b"));
INSERT INTO keyed VALUES ('x', 1, 'q', 'a'), ('x', 2, 'q', 'a'),
                         ('X "\', 1, 'q', 'a');
SELECT chatmig_register('keyed', target =>
    '{"conversations": "kc", "messages": "km"}');
SELECT messages FROM chatmig_migrate('keyed');
ALTER TABLE keyed ALTER a TYPE text COLLATE "POSIX";
SELECT messages FROM chatmig_rollback('keyed', dry_run => true);
DELETE FROM keyed WHERE (a, "B b") <> ('x', 1);
SELECT * FROM taken_back('keyed');
INSERT INTO keyed VALUES ('x', 2, 'q', 'a'), ('X "\', 1, 'q', 'a');
SELECT * FROM taken_back('keyed');

-- Rejected rows are forgotten; what was rejected is still in the old table.
SELECT * FROM taken_back('chat');
CREATE TABLE flat (id int PRIMARY KEY, user_id int, role text, content text);
INSERT INTO flat VALUES (1, 1, 'user', 'a'), (2, 1, 'nobody', 'b');
SELECT chatmig_register('flat', options => '{"max_rejects": 1}');
SELECT migrated, rejected FROM chatmig_migrate('flat');
SELECT migration, legacy_key FROM chatmig_rejects;
SELECT * FROM taken_back('flat');
SELECT count(*) FROM chatmig_rejects;

-- The other migration is none of its business: the tables are in one schema.
SELECT migrated FROM chatmig_migrate('flat');
SELECT chatmig_register('chat', target =>
    '{"conversations": "c2", "messages": "m2", "media": "d2"}');
SELECT messages FROM chatmig_migrate('chat');
SELECT * FROM taken_back('flat');
SELECT (SELECT count(*) FROM m2) AS m2, to_regclass('messages') AS messages;

-- Without the old table: all that came of it can still be taken back.
DROP TABLE chat;
SELECT * FROM taken_back('chat', force => true);
SELECT to_regclass('m2') AS m2;
SELECT chatmig_unregister('chat');

-- Ids that are numbers are as many again, and begin behind the last; text ids
-- are the same again.
DROP TABLE media_first, conversations_first, messages_first, chat_trace_first;
CREATE TABLE chat AS TABLE saved_chat;
ALTER TABLE chat ADD PRIMARY KEY (id);
SELECT chatmig_register('chat', options => '{"id_type": "text"}');
SELECT messages FROM chatmig_migrate('chat');
CALL save('first');
SELECT * FROM taken_back('chat');
SELECT messages FROM chatmig_migrate('chat');
SELECT differences('first');
SELECT * FROM taken_back('chat');
SELECT chatmig_register('chat', options => '{"id_type": "bigint"}');
SELECT messages FROM chatmig_migrate('chat');
INSERT INTO conversations (title) VALUES ('own') RETURNING id;
SELECT * FROM taken_back('chat');
SELECT messages FROM chatmig_migrate('chat');
SELECT min(id), max(id), count(*) FROM conversations;
SELECT * FROM taken_back('chat');

SET client_min_messages = warning;
DROP SCHEMA regress_rollback CASCADE;
