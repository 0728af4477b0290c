--
-- rights_everywhere: a role without rights gets 42501 from every function and
-- from the ledger, whatever state a migration is in
--
-- All functions of the extension are called, those that come later, too: what
-- is not known here is listed, and then wants a value or an explanation.
CREATE SCHEMA regress_ev_ext;
CREATE EXTENSION chatmig SCHEMA regress_ev_ext;
CREATE SCHEMA regress_ev;
SET search_path = regress_ev;
SET client_min_messages = warning;
CREATE ROLE regress_chatmig_alice;
CREATE ROLE regress_chatmig_mallory;
GRANT USAGE, CREATE ON SCHEMA regress_ev TO regress_chatmig_alice;
GRANT USAGE ON SCHEMA regress_ev TO regress_chatmig_mallory;
GRANT USAGE ON SCHEMA regress_ev_ext TO regress_chatmig_alice;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_ev_ext TO regress_chatmig_alice;

-- Alice's migrations, in all the states that there are. Each holds a secret.
SET ROLE regress_chatmig_alice;
CREATE FUNCTION history(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, user_id int,
        role text, content text, media_url text)', name);
    EXECUTE format('INSERT INTO %I VALUES (1, 1, ''user'', ''secret'', ''url''),
        (2, 1, ''nobody'', ''secret'', NULL)', name);
    PERFORM regress_ev_ext.chatmig_register(name::regclass,
        target => format('{"conversations": "%s_c", "messages": "%s_m",
            "media": "%s_f"}', name, name, name)::jsonb,
        options => '{"max_rejects": 9, "id_type": "bigint"}');
END $$;
SELECT history(name) FROM unnest('{registered,migrated,reversed,stripped,
    sourceless,lost}'::text[]) AS name;
SELECT migration, messages, media, rejected
FROM unnest('{migrated,reversed,stripped,sourceless,lost}'::text[]) AS name,
     regress_ev_ext.chatmig_migrate(name);
-- one that was taken back, one whose new tables were dropped by hand, one whose
-- legacy table was, and one of which nothing is left
SELECT messages FROM regress_ev_ext.chatmig_rollback('reversed');
DROP TABLE stripped_c, stripped_m, stripped_f, stripped_trace;
DROP TABLE sourceless;
DROP TABLE lost, lost_c, lost_m, lost_f, lost_trace;
RESET ROLE;

-- What is there, to see that nothing changes.
CREATE FUNCTION all_there() RETURNS text LANGUAGE sql AS $$
SELECT md5(string_agg(x, '' ORDER BY x)) FROM (
    SELECT m::text FROM regress_ev_ext.chatmig_migration AS m
    UNION ALL SELECT p::text FROM regress_ev_ext.chatmig_profile AS p
    UNION ALL SELECT t::text FROM regress_ev_ext.chatmig_target AS t
    UNION ALL SELECT r::text FROM regress_ev_ext.chatmig_run AS r
    UNION ALL SELECT j::text FROM regress_ev_ext.chatmig_rejected AS j
    UNION ALL SELECT f::text FROM regress_ev.migrated AS f
    UNION ALL SELECT c::text FROM regress_ev.migrated_c AS c
    UNION ALL SELECT m::text FROM regress_ev.migrated_m AS m
    UNION ALL SELECT f::text FROM regress_ev.migrated_f AS f
    UNION ALL SELECT t::text FROM regress_ev.migrated_trace AS t
    UNION ALL SELECT c.relname || c.relowner || coalesce(c.relacl::text, '')
    FROM pg_class AS c
    WHERE c.relnamespace IN ('regress_ev'::regnamespace,
                             'regress_ev_ext'::regnamespace)) AS x (x)
$$;

--
-- Functions
--
-- These look at nothing but their arguments, and everybody may call them.
CREATE TABLE pure (name text);
INSERT INTO pure VALUES ('chatmig_json_fault'), ('chatmig_time_from_timestamp'),
    ('chatmig_time_from_date'), ('chatmig_time_from_text'),
    ('chatmig_time_from_epoch'), ('chatmig_fingerprint'),
    ('chatmig_hash_text'), ('chatmig_hash_jsonb'),
    ('chatmig_hash_timestamp'), ('chatmig_hash_timestamptz'), ('chatmig_hash_sum'),
    ('chatmig_hash_integer'), ('chatmig_hash_bigint'), ('chatmig_hash_uuid'),
    ('chatmig_hash_pair'), ('chatmig_message_id'), ('chatmig_summary'),
    ('chatmig_summary_add'), ('chatmig_summary_combine'),
    ('chatmig_summary_send'), ('chatmig_summary_receive');
-- What is given for an argument; %s is the migration.
CREATE TABLE arguments (name text, value text, function text);
INSERT INTO arguments VALUES
    ('name', '%L'), ('migration', '%L'), ('check_name', '''legacy_rejected'''),
    ('shape', '''flat'''), ('table_name', '''new'''),
    ('schema_name', '''regress_ev'''), ('owner_table', 'NULL'),
    ('source', '''regress_ev.migrated'''), ('mapping', '''{}'''),
    ('target', '''{}'''), ('options', '''{}'''), ('profile', 'NULL'),
    ('force', 'true'), ('dry_run', 'true'), ('dry_run', 'false'),
    ('max_rows', '9'), ('max_messages', '9'), ('owner', '''1'''),
    ('counterpart', 'NULL'), ('title', '''x'''), ('metadata', 'NULL'),
    ('idle', 'NULL'), ('conversation', '''1'''), ('role', '''user'''),
    ('content', '''x'''), ('model', 'NULL'), ('tokens', 'NULL'),
    ('media', 'NULL'), ('reply_to', 'NULL'), ('question', '''x'''),
    ('answer', '''x'''), ('before_position', 'NULL'), ('active', 'NULL'),
    ('before', 'NULL'), ('older_than', '''1 second'''), ('url', '''x'''),
    ('type', 'NULL'), ('summary', 'NULL');
-- one of the two alone
INSERT INTO arguments VALUES ('owner', 'NULL', 'chatmig_pairs');

-- Every function of the extension with all values of its arguments.
CREATE VIEW calls AS
WITH RECURSIVE functions AS (
    SELECT p.oid, p.proname::text AS name, p.pronargs, p.proargnames
    FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass
        AND d.objid = p.oid AND d.deptype = 'e'
    WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid =
          (SELECT oid FROM pg_extension WHERE extname = 'chatmig')
), filled AS (
    SELECT oid, name, pronargs, proargnames, 0 AS n, ''::text COLLATE "C" AS list FROM functions
    WHERE name NOT IN (SELECT name FROM pure)
    UNION ALL
    SELECT f.oid, f.name, f.pronargs, f.proargnames, f.n + 1,
           format('%s%s%I => %s', f.list, CASE WHEN f.n > 0 THEN ', ' END,
                  f.proargnames[f.n + 1], coalesce(a.value, 'unknown value'))
    FROM filled AS f LEFT JOIN arguments AS a
         ON a.name = f.proargnames[f.n + 1]
         AND coalesce(a.function, f.name) = f.name
    WHERE f.n < f.pronargs
)
SELECT oid, name, list FROM filled
WHERE n = pronargs AND (name <> 'chatmig_pairs' OR list LIKE '%owner => NULL%');
-- All of them are called with something, and no argument is without a value.
SELECT p.proname FROM pg_proc AS p
WHERE p.pronamespace = 'regress_ev_ext'::regnamespace
  AND p.proname NOT IN (SELECT name FROM calls UNION SELECT name FROM pure);
SELECT name, list FROM calls WHERE list LIKE '%unknown value%';
SELECT count(DISTINCT oid) >= 28 AS many FROM calls;
GRANT SELECT ON calls TO PUBLIC;

-- Calls them all for a migration and returns what each of them says. Whatever
-- one changes is taken back.
CREATE FUNCTION try(sql text, OUT said text, OUT reason text)
LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE sql INTO n;
    said := n || ' rows';
    RAISE EXCEPTION USING ERRCODE = 'UE001', MESSAGE = 'taken back';
EXCEPTION
    WHEN SQLSTATE 'UE001' THEN
        NULL;
    WHEN OTHERS THEN
        said := SQLSTATE;
        reason := SQLERRM;
END $$;
CREATE FUNCTION try_all(migration text)
RETURNS TABLE (name text, said text, reason text) LANGUAGE sql AS $$
    SELECT DISTINCT c.name, t.said, t.reason
    FROM regress_ev.calls AS c, regress_ev.try(format(
        'SELECT count(*) FROM regress_ev_ext.%I(%s)', c.name,
        format(replace(c.list, '%L', '%1$L'), migration))) AS t
$$;
SELECT all_there() AS before \gset

-- Alice's calls do something, so that the refusals below mean something.
SET ROLE regress_chatmig_alice;
SELECT name, said, reason FROM try_all('migrated') ORDER BY name COLLATE "C", said;
RESET ROLE;

-- Mallory, without USAGE on the schema, with it, and with EXECUTE on everything:
-- 42501 it is, be it for the function or for the tables. The exceptions: where
-- nothing is migrated, or the tables have been dropped, there is nothing to
-- serve and nothing to have rights on, and everybody is told so.
CREATE FUNCTION exceptions() RETURNS TABLE (migration text, said text,
    reason text, functions bigint, names text) LANGUAGE sql AS $$
    SELECT m, t.said, t.reason, count(DISTINCT t.name),
           CASE WHEN count(DISTINCT t.name) < 9
                THEN string_agg(DISTINCT t.name, ', ') END
    FROM unnest('{registered,migrated,reversed,stripped,sourceless,lost}'
                ::text[]) AS m, regress_ev.try_all(m) AS t
    WHERE t.said <> '42501' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
SET ROLE regress_chatmig_mallory;
SELECT * FROM exceptions();
RESET ROLE;
GRANT USAGE ON SCHEMA regress_ev_ext TO regress_chatmig_mallory;
SET ROLE regress_chatmig_mallory;
SELECT * FROM exceptions();
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_ev_ext TO regress_chatmig_mallory;
SET ROLE regress_chatmig_mallory;
SELECT * FROM exceptions();
-- The same where no migration is named, but for those that are STRICT and do
-- nothing.
SELECT t.said, t.reason, count(*) AS functions,
       CASE WHEN count(*) < 9 THEN string_agg(t.name, ', ' ORDER BY t.name) END AS names
FROM try_all(NULL) AS t WHERE said <> '42501' GROUP BY 1, 2 ORDER BY 1, 2;
-- Of what he may not read, nothing is found.
SELECT count(*) FROM regress_ev_ext.chatmig_detect()
WHERE source::text LIKE 'regress_ev%';
-- Whoever is refused is not told what is in the rows.
SELECT count(*) FROM unnest('{registered,migrated,reversed,stripped,sourceless,
    lost}'::text[]) AS m, try_all(m) AS t WHERE t.reason LIKE '%secret%';

--
-- The ledger, and what was made
--
-- (the list of calls above is this test's)
SELECT c.relname, p.privilege
FROM pg_class AS c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,
    TRIGGER}'::text[]) AS p (privilege)
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f')
  AND c.relnamespace IN ('regress_ev'::regnamespace,
                         'regress_ev_ext'::regnamespace)
  AND has_table_privilege(c.oid, p.privilege) ORDER BY 1, 2;
SELECT c.relname FROM (SELECT oid, relname FROM pg_class WHERE relkind = 'S'
    AND relnamespace = 'regress_ev'::regnamespace OFFSET 0) AS c
WHERE has_sequence_privilege(c.oid, 'SELECT, USAGE, UPDATE');
SELECT c.relname, t.said
FROM pg_class AS c, unnest('{SELECT count(*) FROM %s,
    WITH x AS (DELETE FROM %s RETURNING 1) SELECT count(*) FROM x,
    WITH x AS (INSERT INTO %s DEFAULT VALUES RETURNING 1) SELECT count(*) FROM x}'
    ::text[]) AS sql, try(format(sql, c.oid::regclass)) AS t
WHERE c.relkind IN ('r', 'v') AND t.said <> '42501'
  AND c.relnamespace = 'regress_ev_ext'::regnamespace ORDER BY 1, 2;
-- The planner's statistics of the new tables show no words either.
RESET ROLE;
ANALYZE migrated_m;
SET ROLE regress_chatmig_mallory;
SELECT count(*) FROM pg_stats WHERE schemaname = 'regress_ev';
RESET ROLE;

-- Nothing has changed.
SELECT all_there() = :'before' AS unchanged;

RESET search_path;
DROP SCHEMA regress_ev CASCADE;
DROP SCHEMA regress_ev_ext CASCADE;
DROP ROLE regress_chatmig_alice, regress_chatmig_mallory;
