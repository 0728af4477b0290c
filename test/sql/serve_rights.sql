--
-- serve_rights: serving does for a role what the role could do by hand, under
-- row security
--
CREATE SCHEMA regress_serve_ext;
CREATE EXTENSION chatmig SCHEMA regress_serve_ext;
CREATE SCHEMA regress_serve_rights;
CREATE ROLE regress_chatmig_owner;
CREATE ROLE regress_chatmig_app;
CREATE ROLE regress_chatmig_reader;
CREATE ROLE regress_chatmig_stranger;
GRANT USAGE ON SCHEMA regress_serve_ext TO PUBLIC;
GRANT USAGE ON SCHEMA regress_serve_rights TO PUBLIC;
GRANT CREATE ON SCHEMA regress_serve_rights TO regress_chatmig_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_serve_ext TO regress_chatmig_owner;
SET search_path = regress_serve_rights, regress_serve_ext;
SET TimeZone = 'UTC';

SET ROLE regress_chatmig_owner;
CREATE TABLE talks (id int PRIMARY KEY, user_id text, message text,
                    response text, sent_at timestamptz, photo text);
INSERT INTO talks VALUES
    (1, 'ada', 'q1', 'a1', '2024-05-01 10:00Z', NULL),
    (2, 'ben', 'q2', 'a2', '2024-05-01 10:00Z', 'http://example.org/cat');
SELECT chatmig_register('talks', '{"media": "photo"}', options => '{"id_type": "bigint"}');
SELECT conversations, messages, media FROM chatmig_migrate();
RESET ROLE;

--
-- Rights on the tables, and nothing else
--
-- A stranger may call the functions, and the tables refuse: 42501, each time.
SET ROLE regress_chatmig_stranger;
\set VERBOSITY terse
SELECT chatmig_active_conversation('ada');
SELECT chatmig_create_conversation('ada');
SELECT chatmig_append('1', 'user', 'x');
SELECT * FROM chatmig_append_pair('1', 'x', 'y');
SELECT * FROM chatmig_history('1');
SELECT * FROM chatmig_pairs('ada');
SELECT * FROM chatmig_conversations('ada');
SELECT chatmig_message_count('1');
SELECT chatmig_rename_conversation('1', 'x');
SELECT chatmig_archive_conversation('1');
SELECT chatmig_unarchive_conversation('1');
SELECT chatmig_delete_conversation('1');
SELECT * FROM chatmig_reset('ada');
SELECT * FROM chatmig_cleanup('1 day');
SELECT chatmig_create_media('ada', 'http://example.org/dog');
SELECT conversations FROM chatmig_statistics('ada');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
RESET ROLE;

-- A reader may read, and change nothing.
GRANT SELECT ON conversations, messages, media TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1');
SELECT messages, media FROM chatmig_statistics();
\set VERBOSITY sqlstate
SELECT chatmig_append('1', 'user', 'x');
SELECT chatmig_archive_conversation('1');
SELECT * FROM chatmig_reset('ada');
\set VERBOSITY default
RESET ROLE;

-- The application has the rights of an application: none on the legacy table,
-- none on the trace, none on chatmig's own tables.
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations, messages, media
    TO regress_chatmig_app;
SET ROLE regress_chatmig_app;
SELECT has_table_privilege('talks', 'SELECT') AS legacy,
       has_table_privilege('talks_trace', 'SELECT') AS trace,
       has_table_privilege('regress_serve_ext.chatmig_target', 'SELECT') AS ledger;
SELECT chatmig_active_conversation('ada');
SELECT chatmig_append('1', 'user', 'q3');
SELECT * FROM chatmig_append_pair('1', 'q4', 'a4');
SELECT chatmig_create_media('ada', 'http://example.org/dog');
SELECT chatmig_append('1', 'user', NULL, media => '2');
SELECT chatmig_rename_conversation('1', 'Mine');
SELECT chatmig_archive_conversation('1'), chatmig_unarchive_conversation('1');
SELECT title, messages FROM chatmig_conversations('ada');
SELECT messages, media FROM chatmig_statistics('ada');
SELECT chatmig_active_conversation('cy');
SELECT chatmig_delete_conversation('3');
SELECT * FROM chatmig_cleanup('1000 years');
RESET ROLE;

--
-- Row security
--
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE media ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON conversations
    USING (user_id = current_setting('app.who', true));
CREATE POLICY own ON media USING (user_id = current_setting('app.who', true));
CREATE POLICY own ON messages USING (
    conversation_id IN (SELECT id FROM regress_serve_rights.conversations));
SET ROLE regress_chatmig_app;
SET app.who = 'ben';
-- Ben sees his own, and a list of all is a list of his.
SELECT conversation, owner, messages FROM chatmig_conversations();
SELECT content FROM chatmig_history('2');
SELECT conversations, messages, media FROM chatmig_statistics();
SELECT chatmig_append('2', 'user', 'q5') IS NOT NULL AS added;
-- Ada's conversation is not there: P0002. Nor can he begin one for her, send
-- her medium (23503), or delete what is hers.
\set VERBOSITY terse
SELECT * FROM chatmig_history('1');
SELECT chatmig_append('1', 'user', 'x');
SELECT chatmig_rename_conversation('1', 'x');
SELECT chatmig_delete_conversation('1');
SELECT chatmig_active_conversation('ada');
SELECT chatmig_append('2', 'user', 'x', media => '2');
\set VERBOSITY default
SELECT * FROM chatmig_reset('ada');
SELECT count(*) FROM chatmig_conversations('ada');
-- A cleanup is one of his own.
SELECT conversations FROM chatmig_cleanup('1 microsecond', dry_run => true);
-- The same session as another user, then as a role that row security does not
-- apply to: prepared plans go along.
SET app.who = 'ada';
SELECT conversation, owner FROM chatmig_conversations();
RESET ROLE;
SELECT conversation, owner FROM chatmig_conversations() ORDER BY conversation::int;
SET ROLE regress_chatmig_app;
SELECT conversation, owner FROM chatmig_conversations();
-- Who says that nothing may be hidden gets an error where something would be.
SET row_security = off;
\set VERBOSITY sqlstate
SELECT * FROM chatmig_history('1');
SELECT chatmig_append('1', 'user', 'x');
\set VERBOSITY default
RESET row_security;
RESET ROLE;
DROP POLICY own ON messages;
DROP POLICY own ON conversations;
DROP POLICY own ON media;
ALTER TABLE conversations DISABLE ROW LEVEL SECURITY;
ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
ALTER TABLE media DISABLE ROW LEVEL SECURITY;

--
-- The search path: a user's look-alikes are not called, and it is as it was
-- afterwards, after an error too
--
CREATE SCHEMA regress_serve_evil;
CREATE TABLE regress_serve_evil.messages (id int);
CREATE FUNCTION regress_serve_evil.max(int) RETURNS int LANGUAGE sql AS 'SELECT 666';
CREATE FUNCTION regress_serve_evil.clock_timestamp() RETURNS timestamptz
    LANGUAGE sql AS $$SELECT '1666-01-01Z'::timestamptz$$;
CREATE FUNCTION regress_serve_evil.equal(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR regress_serve_evil.= (FUNCTION = regress_serve_evil.equal,
                                      LEFTARG = bigint, RIGHTARG = bigint);
SET search_path = regress_serve_evil, pg_catalog, regress_serve_rights, regress_serve_ext;
SELECT chatmig_append('2', 'user', 'still here') IS NOT NULL AS added;
SHOW search_path;
DO $$ BEGIN
    PERFORM chatmig_append('99', 'user', 'x');
EXCEPTION WHEN no_data_found THEN
    RAISE NOTICE '%, search_path %', SQLSTATE, current_setting('search_path');
END $$;
SET search_path = regress_serve_rights, regress_serve_ext;
SELECT max("position") = 3 AS right_place, min(created_at) > '2000-01-01' AS right_time
FROM messages WHERE conversation_id = 2;
SELECT count(*) FROM messages WHERE content = 'still here';

-- A trigger that calls chatmig itself, and one that changes the tables so that
-- what is kept of them is thrown away meanwhile.
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.role = 'user' THEN
        EXECUTE 'COMMENT ON TABLE regress_serve_rights.messages IS ''changed''';
        ALTER TABLE regress_serve_rights.conversations ALTER title SET DEFAULT 'New';
        PERFORM regress_serve_ext.chatmig_append(NEW.conversation_id::text,
            'assistant', 'I heard: ' || NEW.content);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER answer AFTER INSERT ON messages FOR EACH ROW
    EXECUTE FUNCTION answer();
SELECT chatmig_append('2', 'user', 'hello') IS NOT NULL AS added;
SELECT chatmig_append('2', 'user', 'again') IS NOT NULL AS added;
SELECT "position", content FROM chatmig_history('2', 4);

-- What a trigger's function does not find on the way: the hint says why.
DROP TRIGGER answer ON messages;
CREATE TABLE seen (content text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO seen VALUES (NEW.content || ', jit ' || current_setting('jit')); RETURN NULL; END $$;
CREATE TRIGGER see AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION see();
\set VERBOSITY terse
SELECT chatmig_append('2', 'user', 'not seen');
\set VERBOSITY default
DO $$
DECLARE
    hint text;
BEGIN
    PERFORM chatmig_append('2', 'user', 'not seen');
EXCEPTION WHEN undefined_table THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '%', hint;
END $$;
ALTER FUNCTION see() SET search_path = regress_serve_rights;
-- Calls that serve are too short for JIT.
SELECT chatmig_append('2', 'user', 'seen') IS NOT NULL AS added;
SELECT content FROM seen;

--
-- Others' migrations
--
-- Somebody else migrates a table of his own. Whoever has rights on one of the
-- two need not say which: what he appends does not go to the other.
RESET search_path;
CREATE SCHEMA regress_serve_other AUTHORIZATION regress_chatmig_stranger;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_serve_ext TO regress_chatmig_stranger;
SET ROLE regress_chatmig_stranger;
SET search_path = regress_serve_other, regress_serve_ext;
CREATE TABLE lines (id int PRIMARY KEY, user_id text, message text,
                    response text, sent_at timestamptz);
INSERT INTO lines VALUES (1, 'eve', 'q', 'a', '2024-05-01 10:00Z');
SELECT chatmig_register('lines', options => '{"id_type": "bigint"}');
SELECT conversations, messages FROM chatmig_migrate('lines');
SELECT content FROM chatmig_history('1');
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1', 2);
-- A right on one column counts, too; then there are two again. The superuser has
-- rights on all.
SET ROLE regress_chatmig_stranger;
GRANT SELECT (id) ON regress_serve_other.messages TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1', 2);
RESET ROLE;
SELECT content FROM chatmig_history('1', 2);
-- It is taken back, and so is the other: which of the two is not said, nor named.
REVOKE SELECT (id) ON regress_serve_other.messages FROM regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1', 2);
RESET ROLE;
REVOKE SELECT ON regress_serve_rights.messages FROM regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1', 2);
-- A member of a role has its rights, as soon as it is one.
RESET ROLE;
GRANT regress_chatmig_owner TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT content FROM chatmig_history('1', 2);
RESET ROLE;

SET client_min_messages = warning;
RESET search_path;
DROP SCHEMA regress_serve_rights, regress_serve_evil,
    regress_serve_other CASCADE;
DROP SCHEMA regress_serve_ext CASCADE;
DROP ROLE regress_chatmig_owner, regress_chatmig_app, regress_chatmig_reader,
    regress_chatmig_stranger;
