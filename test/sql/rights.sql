--
-- rights: chatmig does for a role what the role could do by hand, no more
--
-- The extension is in a schema of its own that no search_path names.
CREATE SCHEMA regress_rights_ext;
CREATE EXTENSION chatmig SCHEMA regress_rights_ext;
CREATE SCHEMA regress_rights;
SET search_path = regress_rights;
CREATE ROLE regress_chatmig_owner;
CREATE ROLE regress_chatmig_member IN ROLE regress_chatmig_owner;
CREATE ROLE regress_chatmig_stranger;
CREATE ROLE regress_chatmig_super SUPERUSER;
GRANT USAGE ON SCHEMA regress_rights_ext TO regress_chatmig_owner,
    regress_chatmig_stranger;
GRANT USAGE ON SCHEMA regress_rights TO PUBLIC;
GRANT CREATE ON SCHEMA regress_rights TO regress_chatmig_owner;

-- What PUBLIC may not call. Nothing of the ledger may be written
-- or, but for the two views and the profiles, read.
SELECT p.proname FROM pg_proc AS p
WHERE p.pronamespace = 'regress_rights_ext'::regnamespace
  AND NOT has_function_privilege('regress_chatmig_stranger', p.oid, 'EXECUTE')
ORDER BY 1;
SELECT c.relname, has_table_privilege('regress_chatmig_stranger', c.oid,
    'SELECT') AS may_read, has_table_privilege('regress_chatmig_stranger',
    c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS may_more
FROM pg_class AS c
WHERE c.relnamespace = 'regress_rights_ext'::regnamespace
  AND c.relkind IN ('r', 'v') ORDER BY 1;

--
-- The owner of a table, who is no superuser
--
SET ROLE regress_chatmig_owner;
CREATE TABLE flat (id int PRIMARY KEY, user_id int, role text, content text);
INSERT INTO flat VALUES (1, 1, 'user', 'a'), (2, 1, 'nobody', 'b');
-- Without EXECUTE he may not even register.
SELECT regress_rights_ext.chatmig_register('flat');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_rights_ext
    TO regress_chatmig_owner, regress_chatmig_stranger;

-- With it, all goes from start to end.
SET ROLE regress_chatmig_owner;
SELECT regress_rights_ext.chatmig_register('flat',
                                           options => '{"max_rejects": 1}');
SELECT count(*) > 0 AS planned FROM regress_rights_ext.chatmig_plan('flat');
SELECT content FROM regress_rights_ext.chatmig_preview('flat');
SELECT migrated, rejected FROM regress_rights_ext.chatmig_migrate('flat');
SELECT count(*) AS violations
FROM regress_rights_ext.chatmig_validate('flat') WHERE status = 'violation';
SELECT state FROM regress_rights_ext.chatmig_status;
SELECT legacy_row FROM regress_rights_ext.chatmig_rejects;
-- All calls that name nobody work for him alone.
SELECT migration FROM regress_rights_ext.chatmig_migrate();
SELECT count(*) FROM regress_rights_ext.chatmig_violations('flat', 'legacy_rejected');
RESET ROLE;

-- All that is new is his, and no member of the extension.
SELECT c.relname, c.relowner::regrole, d.objid IS NOT NULL AS is_member
FROM pg_class AS c
LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass
    AND d.objid = c.oid AND d.deptype = 'e'
WHERE c.relnamespace = 'regress_rights'::regnamespace AND c.relkind = 'r'
ORDER BY 1;

-- A member of the role may do the same.
SET ROLE regress_chatmig_member;
SELECT already FROM regress_rights_ext.chatmig_migrate('flat');
SELECT state FROM regress_rights_ext.chatmig_status;

--
-- Somebody else: 42501 from whatever reads or writes the table
--
SET ROLE regress_chatmig_stranger;
\set VERBOSITY sqlstate
SELECT * FROM regress_rights_ext.chatmig_detect('flat');
SELECT regress_rights_ext.chatmig_register('flat');
SELECT regress_rights_ext.chatmig_unregister('flat');
SELECT * FROM regress_rights_ext.chatmig_plan('flat');
SELECT * FROM regress_rights_ext.chatmig_preview('flat');
SELECT * FROM regress_rights_ext.chatmig_migrate('flat');
SELECT * FROM regress_rights_ext.chatmig_migrate('flat', dry_run => true);
SELECT * FROM regress_rights_ext.chatmig_validate('flat');
SELECT * FROM regress_rights_ext.chatmig_violations('flat', 'legacy_rejected');
SELECT regress_rights_ext.chatmig_assert_valid('flat');
SELECT * FROM regress_rights_ext.chatmig_rollback('flat');
SELECT * FROM regress_rights_ext.chatmig_rollback('flat', dry_run => true);
SELECT regress_rights_ext.chatmig_drop_chat_messages('flat', force => true);
SELECT * FROM regress_rights_ext.chatmig_create_chat_messages();
SELECT * FROM regress_rights_ext.chatmig_migration;
SELECT * FROM regress_rights_ext.chatmig_rejected;
\set VERBOSITY default
-- The views show him nothing; nor can a function in a condition peep.
SELECT count(*) FROM regress_rights_ext.chatmig_status;
SELECT count(*) FROM regress_rights_ext.chatmig_rejects;
RESET ROLE;
GRANT CREATE ON SCHEMA regress_rights TO regress_chatmig_stranger;
SET ROLE regress_chatmig_stranger;
CREATE FUNCTION peep(text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql
AS 'BEGIN RAISE NOTICE ''seen: %'', $1; RETURN true; END';
SELECT count(*) FROM regress_rights_ext.chatmig_rejects
WHERE regress_rights.peep(legacy_row::text);
-- Who may read and write the table does not own it.
RESET ROLE;
GRANT ALL ON flat TO regress_chatmig_stranger;
SET ROLE regress_chatmig_stranger;
SELECT * FROM regress_rights_ext.chatmig_migrate('flat');
SELECT count(*) FROM regress_rights_ext.chatmig_rejects;
-- Who may not create tables in the schema may not have them created.
RESET ROLE;
REVOKE CREATE ON SCHEMA regress_rights FROM regress_chatmig_stranger;
CREATE TABLE his (id int PRIMARY KEY, user_id int, question text, answer text);
ALTER TABLE his OWNER TO regress_chatmig_stranger;
SET ROLE regress_chatmig_stranger;
SELECT regress_rights_ext.chatmig_register('his');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

--
-- A superuser migrates another role's table
--
SET ROLE regress_chatmig_owner;
CREATE TABLE pairs (id int PRIMARY KEY, user_id int, question text,
                    answer text, asked bigint);
INSERT INTO pairs VALUES (1, 1, 'q', 'a', 1);
-- What a view calls, and what runs when rows are written, acts as the owner.
-- This tries to be more, once it is armed, and counts that it was called.
CREATE SEQUENCE acted;
CREATE FUNCTION act(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('regress.armed', true) IS DISTINCT FROM 'yes' THEN
        RETURN true;
    END IF;
    PERFORM nextval('regress_rights.acted');
    IF current_user <> 'regress_chatmig_owner' THEN
        RAISE WARNING '% acts as %', what, current_user;
    END IF;
    BEGIN
        ALTER ROLE regress_chatmig_owner SUPERUSER;
        RAISE WARNING '% became superuser', what;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    BEGIN
        SET LOCAL ROLE regress_chatmig_super;
        RAISE WARNING '% changed role', what;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    BEGIN
        EXECUTE 'SELECT FROM regress_rights.secret';
        RAISE WARNING '% read a secret', what;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    RETURN true;
END
$$;
CREATE VIEW seen AS
SELECT id, user_id, question, answer, asked FROM pairs
WHERE regress_rights.act('view');
RESET ROLE;
CREATE TABLE secret (id int);
-- It is dangerous: for a superuser's own call it does what it says.
SET regress.armed = 'yes';
BEGIN;
SELECT act('superuser');
ROLLBACK;

SELECT setval('acted', 1, false);
SELECT regress_rights_ext.chatmig_register('seen', '{"key": "id",
    "time": "asked"}', '{"conversations": "c2", "messages": "m2"}');
SELECT count(*) > 0 AS planned FROM regress_rights_ext.chatmig_plan('seen');
SELECT content FROM regress_rights_ext.chatmig_preview('seen');
SELECT messages FROM regress_rights_ext.chatmig_migrate('seen');
SELECT is_called FROM acted;

-- Triggers, indexes, checks and defaults of the owner's: at the second run, in
-- validate, and when it is taken back.
SET regress.armed = 'no';
SET ROLE regress_chatmig_owner;
CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN PERFORM regress_rights.act(''trigger'');
    RETURN coalesce(new, old); END';
CREATE TRIGGER on_write BEFORE INSERT OR UPDATE OR DELETE ON m2
FOR EACH ROW EXECUTE FUNCTION on_write();
CREATE FUNCTION on_index(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN RETURN regress_rights.act(''index''); END';
CREATE INDEX ON m2 (on_index(content));
ALTER TABLE m2 ADD CHECK (act('check'));
ALTER TABLE c2 ADD COLUMN extra boolean DEFAULT act('default');
INSERT INTO c2 (title) VALUES ('own');
INSERT INTO pairs VALUES (2, 1, 'q', 'a', 2);
RESET ROLE;
SET regress.armed = 'yes';
SELECT setval('acted', 1, false);
SELECT messages FROM regress_rights_ext.chatmig_migrate('seen');
SELECT is_called FROM acted;
SELECT setval('acted', 1, false);
SELECT count(*) FILTER (WHERE status = 'violation') AS violations
FROM regress_rights_ext.chatmig_validate('seen');
SELECT count(*) AS found
FROM regress_rights_ext.chatmig_violations('seen', 'legacy_rejected');
SELECT regress_rights_ext.chatmig_assert_valid('seen');
SELECT is_called FROM acted;
SELECT setval('acted', 1, false);
SELECT messages FROM regress_rights_ext.chatmig_rollback('seen', true);
SELECT messages FROM regress_rights_ext.chatmig_rollback('seen');
SELECT is_called FROM acted;

-- Ids of a type of the owner's, with a cast of his own.
SET regress.armed = 'no';
SET ROLE regress_chatmig_owner;
DROP TABLE c2, m2;
CREATE TYPE wrapped AS (id uuid);
CREATE FUNCTION unwrap(wrapped) RETURNS uuid LANGUAGE plpgsql
AS 'BEGIN PERFORM regress_rights.act(''cast''); RETURN ($1).id; END';
CREATE CAST (wrapped AS uuid) WITH FUNCTION unwrap(wrapped) AS IMPLICIT;
RESET ROLE;
SELECT messages FROM regress_rights_ext.chatmig_migrate('seen');
SET ROLE regress_chatmig_owner;
ALTER TABLE m2 DROP CONSTRAINT m2_reply_to_id_fkey, DROP CONSTRAINT m2_pkey;
DROP INDEX m2_reply_to_id_idx;
ALTER TABLE m2 ALTER id DROP DEFAULT,
    ALTER id TYPE wrapped USING ROW(id)::wrapped;
RESET ROLE;
SET regress.armed = 'yes';
SELECT setval('acted', 1, false);
SELECT messages FROM regress_rights_ext.chatmig_rollback('seen', true);
SELECT messages FROM regress_rights_ext.chatmig_rollback('seen');
SELECT is_called FROM acted;
SELECT regress_rights_ext.chatmig_unregister('seen');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_owner';
SET regress.armed = 'no';

-- An owner who may not reach chatmig cannot have his table read by it.
CREATE ROLE regress_chatmig_outsider;
GRANT CREATE ON SCHEMA regress_rights TO regress_chatmig_outsider;
CREATE TABLE outside (id int PRIMARY KEY, user_id int, question text,
                      answer text);
ALTER TABLE outside OWNER TO regress_chatmig_outsider;
SELECT regress_rights_ext.chatmig_register('outside',
    target => '{"conversations": "c6", "messages": "m6"}');
\echo :LAST_ERROR_SQLSTATE

-- ... nor one whom default privileges keep from what it calls: before a row moves,
-- and with what to do.
GRANT USAGE ON SCHEMA regress_rights_ext TO regress_chatmig_outsider;
REVOKE EXECUTE ON FUNCTION regress_rights_ext.chatmig_fingerprint(record),
    regress_rights_ext.chatmig_hash_uuid(text, uuid) FROM PUBLIC;
SELECT regress_rights_ext.chatmig_register('outside',
    target => '{"conversations": "c6", "messages": "m6"}');
\echo :LAST_ERROR_SQLSTATE
-- As it says: registered, and seen as a plan.
GRANT EXECUTE ON FUNCTION regress_rights_ext.chatmig_fingerprint(record), regress_rights_ext.chatmig_hash_uuid(text,uuid) TO regress_chatmig_outsider;
SELECT regress_rights_ext.chatmig_register('outside',
    target => '{"conversations": "c6", "messages": "m6"}');
SELECT count(*) > 0 AS planned FROM regress_rights_ext.chatmig_plan('outside');
REVOKE EXECUTE ON FUNCTION regress_rights_ext.chatmig_hash_uuid(text,uuid) FROM regress_chatmig_outsider;
SELECT count(*) FROM regress_rights_ext.chatmig_plan('outside');
REVOKE EXECUTE ON FUNCTION regress_rights_ext.chatmig_fingerprint(record) FROM regress_chatmig_outsider;
GRANT EXECUTE ON FUNCTION regress_rights_ext.chatmig_fingerprint(record),
    regress_rights_ext.chatmig_hash_uuid(text, uuid) TO PUBLIC;
SELECT regress_rights_ext.chatmig_unregister('outside');
REVOKE USAGE ON SCHEMA regress_rights_ext FROM regress_chatmig_outsider;
-- The new tables are the owner's whoever migrates, a member of his role too.
SET ROLE regress_chatmig_member;
SELECT regress_rights_ext.chatmig_register('pairs',
    target => '{"conversations": "c3", "messages": "m3"}');
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs');
SELECT relname, relowner::regrole FROM pg_class
WHERE relname IN ('c3', 'm3', 'pairs_trace') ORDER BY 1;
-- So he can go on, and back. Of what others refer to his rows with, he must be
-- able to see that; and so must who is superuser in his place.
RESET ROLE;
CREATE TABLE star (message uuid REFERENCES m3);
\set SHOW_CONTEXT never
SELECT * FROM regress_rights_ext.chatmig_rollback('pairs');
\set SHOW_CONTEXT errors
DROP TABLE star;
SET ROLE regress_chatmig_owner;
INSERT INTO pairs VALUES (3, 1, 'q', 'a', 3);
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs');
SELECT messages FROM regress_rights_ext.chatmig_rollback('pairs');
RESET ROLE;

--
-- Row security: an error rather than hidden rows
--
ALTER TABLE pairs ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON pairs USING (id = 1);
\set SHOW_CONTEXT never
-- It is not for the owner, who sees all.
SET ROLE regress_chatmig_owner;
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs', true);
-- Unless it is forced.
ALTER TABLE pairs FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM pairs;
SELECT * FROM regress_rights_ext.chatmig_migrate('pairs');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM regress_rights_ext.chatmig_plan('pairs');
SELECT * FROM regress_rights_ext.chatmig_preview('pairs');
RESET ROLE;
-- For a superuser it is the same, as the owner's rights count.
SELECT * FROM regress_rights_ext.chatmig_migrate('pairs');
-- A view of it by somebody to whom it applies.
ALTER TABLE pairs NO FORCE ROW LEVEL SECURITY;
GRANT SELECT ON pairs TO regress_chatmig_stranger;
GRANT CREATE ON SCHEMA regress_rights TO regress_chatmig_stranger;
SET ROLE regress_chatmig_stranger;
CREATE VIEW hidden AS SELECT * FROM pairs;
SELECT count(*) FROM hidden;
SELECT regress_rights_ext.chatmig_register('hidden', '{"key": "id"}',
    '{"conversations": "c4", "messages": "m4"}');
SELECT * FROM regress_rights_ext.chatmig_migrate('hidden');
\echo :LAST_ERROR_SQLSTATE
SELECT regress_rights_ext.chatmig_unregister('hidden');
\set SHOW_CONTEXT errors
-- row_security is the session's own again after an error and after success.
SHOW row_security;
RESET ROLE;
ALTER TABLE pairs DISABLE ROW LEVEL SECURITY;

-- A source that is gone is shown to superusers alone, and its rejected rows.
DROP TABLE flat CASCADE;
SELECT migration, state FROM regress_rights_ext.chatmig_status
WHERE migration = 'flat';
SELECT count(*) FROM regress_rights_ext.chatmig_rejects;
SET ROLE regress_chatmig_owner;
SELECT migration, state FROM regress_rights_ext.chatmig_status
WHERE migration = 'flat';
SELECT count(*) FROM regress_rights_ext.chatmig_rejects;
SELECT regress_rights_ext.chatmig_unregister('flat');
RESET ROLE;

--
-- A search_path of somebody who means harm
--
-- In front of everything: functions, operators, casts, types and tables that
-- are called like those that chatmig uses. Each that is called says so.
CREATE SCHEMA regress_rights_evil;
CREATE FUNCTION regress_rights_evil.call(what text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'called: %', what;
    RETURN what;
END
$$;
DO $$
DECLARE
    f record;
BEGIN
    -- all that takes any or up to two common types, by the names used
    FOR f IN
        SELECT DISTINCT n.name, a.args, a.result
        FROM unnest('{count,max,min,abs,coalesce,to_jsonb,jsonb_build_object,
            jsonb_build_array,jsonb_typeof,unnest,array_upper,first_value,
            num_nulls,num_nonnulls,now,nextval,setval,gen_random_uuid,concat_ws,
            format,string_agg,pg_get_serial_sequence,strpos,nullif,length,
            chatmig_fingerprint,pg_has_role}'::text[]) AS n (name),
        (VALUES ('text', 'text'), ('integer', 'text'), ('bigint', 'bigint'),
                ('jsonb', 'jsonb'), ('text, text', 'text'), ('uuid', 'text'),
                ('record', 'bigint'), ('', 'text'), ('regclass', 'text'),
                ('timestamptz', 'text'), ('double precision', 'float8'))
            AS a (args, result)
    LOOP
        EXECUTE format('CREATE FUNCTION regress_rights_evil.%I(%s) RETURNS %s
            LANGUAGE plpgsql AS $f$ BEGIN
            PERFORM regress_rights_evil.call(%L); RETURN NULL; END $f$',
            f.name, f.args, f.result, f.name);
    END LOOP;
    FOR f IN
        SELECT o.name, t.type
        FROM unnest('{=,<>,<,>,||,->>,?|}'::text[]) AS o (name),
             unnest('{text,integer,bigint,uuid,oid,jsonb,timestamptz,name}'
                    ::text[]) AS t (type)
    LOOP
        EXECUTE format('CREATE FUNCTION regress_rights_evil.%I(%s, %s)
            RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN
            PERFORM regress_rights_evil.call(%L); RETURN true; END $f$;
            CREATE OPERATOR regress_rights_evil.%s (LEFTARG = %s,
            RIGHTARG = %s, FUNCTION = regress_rights_evil.%I)',
            'op_' || md5(f.name || f.type), f.type, f.type,
            f.name || ' of ' || f.type, f.name, f.type, f.type,
            'op_' || md5(f.name || f.type));
    END LOOP;
END
$$;
CREATE TYPE regress_rights_evil.uuid AS ENUM ('a');
CREATE TYPE regress_rights_evil.text AS ENUM ('a');
CREATE DOMAIN regress_rights_evil.int8 AS int CHECK (value < 0);
CREATE DOMAIN regress_rights_evil.timestamptz AS date CHECK (value < '0001-1-1');
CREATE TABLE regress_rights_evil.pg_class (oid int);
CREATE TABLE regress_rights_evil.pg_constraint (oid int);
CREATE TABLE regress_rights_evil.chatmig_migration (name int);
CREATE TABLE regress_rights_evil.conversations (id int);
-- The look-alikes are found by who is not careful.
SET search_path = regress_rights_evil, regress_rights, pg_catalog;
SELECT 1 = 1, now() IS NULL AS now;
SELECT regress_rights_ext.chatmig_register('pairs',
    '{"time": "asked"}', '{"conversations": "c5", "messages": "m5"}');
SELECT source FROM regress_rights_ext.chatmig_detect('pairs');
SELECT migration FROM regress_rights_ext.chatmig_plan('pairs') LIMIT 1;
SELECT content FROM regress_rights_ext.chatmig_preview('pairs');
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs', true);
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs');
INSERT INTO pairs VALUES (4, 1, 'q', 'a', NULL);
SELECT messages FROM regress_rights_ext.chatmig_migrate('pairs');
SELECT check_name FROM regress_rights_ext.chatmig_validate('pairs') LIMIT 1;
SELECT regress_rights_ext.chatmig_assert_valid('pairs');
SELECT migration IS NULL FROM regress_rights_ext.chatmig_status;
SELECT migration FROM regress_rights_ext.chatmig_rejects;
SELECT messages FROM regress_rights_ext.chatmig_rollback('pairs', true);
SELECT messages FROM regress_rights_ext.chatmig_rollback('pairs');
SELECT regress_rights_ext.chatmig_unregister('pairs');
SELECT object FROM regress_rights_ext.chatmig_create_chat_messages('flat',
    'made', 'regress_rights') LIMIT 1;
SELECT regress_rights_ext.chatmig_drop_chat_messages('regress_rights.made');
SHOW search_path;
RESET search_path;

SET client_min_messages = warning;
DROP SCHEMA regress_rights, regress_rights_evil CASCADE;
DROP SCHEMA regress_rights_ext CASCADE;
DROP ROLE regress_chatmig_owner, regress_chatmig_member,
    regress_chatmig_stranger, regress_chatmig_super, regress_chatmig_outsider;
