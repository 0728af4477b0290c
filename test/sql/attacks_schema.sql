--
-- attacks_schema: who may create things in the schema that the extension lives
-- in, or even owns it, gains nothing by that
--
SET client_min_messages = warning;
CREATE ROLE regress_chatmig_alice;
CREATE ROLE regress_chatmig_mallory;
-- mallory's schema, into which a superuser puts the extension
CREATE SCHEMA regress_sch_ext AUTHORIZATION regress_chatmig_mallory;
CREATE SCHEMA regress_sch AUTHORIZATION regress_chatmig_alice;
GRANT USAGE ON SCHEMA regress_sch_ext TO regress_chatmig_alice;
GRANT ALL ON SCHEMA regress_sch TO regress_chatmig_mallory;
CREATE TABLE public.regress_seen (what text, who text);
GRANT INSERT ON public.regress_seen TO PUBLIC;
CREATE VIEW public.regress_others AS
SELECT DISTINCT what, who FROM public.regress_seen
WHERE who <> 'regress_chatmig_mallory' ORDER BY 1, 2;

-- Whatever of mallory's is called says as whom, and tries to gain rights.
SET ROLE regress_chatmig_mallory;
CREATE FUNCTION regress_sch_ext.act(what text) RETURNS boolean LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO public.regress_seen VALUES (what, current_user);
    IF current_user <> 'regress_chatmig_mallory' THEN
        BEGIN
            ALTER ROLE regress_chatmig_mallory SUPERUSER;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION regress_sch.overload(name text, arguments text, result text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FUNCTION regress_sch_ext.%I(%s) RETURNS %s LANGUAGE plpgsql
        AS $f$ BEGIN PERFORM regress_sch_ext.act(%L); RETURN NULL; END $f$',
        name, arguments, result, format('%s(%s)', name, arguments));
EXCEPTION WHEN invalid_function_definition OR feature_not_supported OR duplicate_function THEN
    NULL;
END $$;
RESET ROLE;

--
-- What is there before CREATE EXTENSION
--
-- Each thing that the extension would create is there already, and mallory's:
-- an error, and nothing of the extension.
CREATE FUNCTION public.regress_try(kind text, ddl text, command text, OUT thing text,
    OUT said text, OUT version text, OUT called text) LANGUAGE plpgsql AS $$
BEGIN
    thing := kind;
    BEGIN
        SET LOCAL ROLE regress_chatmig_mallory;
        EXECUTE ddl;
        RESET ROLE;
        EXECUTE command;
        said := 'done';
        version := (SELECT extversion FROM pg_extension WHERE extname = 'chatmig');
        called := (SELECT string_agg(what || ' as ' || who, ', ') FROM public.regress_others);
        RAISE EXCEPTION SQLSTATE 'UE001';
    EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
    WHEN OTHERS THEN
        said := SQLSTATE || ' ' || SQLERRM;
        version := (SELECT extversion FROM pg_extension WHERE extname = 'chatmig');
    END;
END $$;
CREATE TABLE public.regress_things (kind text, ddl text, since text);
INSERT INTO public.regress_things
SELECT 'table ' || t, format('CREATE TABLE regress_sch_ext.%I (name text)', t), s
FROM (VALUES ('chatmig_migration', '1.0'), ('chatmig_profile', '1.0'),
             ('chatmig_target', '2.0'), ('chatmig_run', '2.0'),
             ('chatmig_rejected', '2.0')) AS v (t, s)
UNION ALL VALUES
    ('view chatmig_rejects', 'CREATE VIEW regress_sch_ext.chatmig_rejects AS
      SELECT regress_sch_ext.act(''view'')', '2.0'),
    ('index chatmig_run_pkey', 'CREATE TABLE regress_sch_ext.t (id int);
      CREATE INDEX chatmig_run_pkey ON regress_sch_ext.t (id)', '2.0'),
    ('type chatmig_run', 'CREATE TYPE regress_sch_ext.chatmig_run AS (id int)', '2.0'),
    ('sequence chatmig_target', 'CREATE SEQUENCE regress_sch_ext.chatmig_target', '2.0'),
    ('function chatmig_plan(text)', 'SELECT regress_sch.overload(''chatmig_plan'',
      ''name text'', ''int'')', '2.0'),
    ('function chatmig_fingerprint(record)', 'SELECT regress_sch.overload(
      ''chatmig_fingerprint'', ''record'', ''int8'')', '2.0'),
    -- of another signature: it stays what it is, and is not called
    ('function chatmig_migrate()', 'SELECT regress_sch.overload(''chatmig_migrate'',
      '''', ''int'')', 'other'),
    ('function chatmig_assert_valid()', 'SELECT regress_sch.overload(
      ''chatmig_assert_valid'', '''', ''int'')', 'other'),
    ('function pg_extension_config_dump()', 'SELECT regress_sch.overload(
      ''pg_extension_config_dump'', ''text, text'', ''int'')', 'other');
SELECT t.* FROM public.regress_things, public.regress_try(kind, ddl,
    'CREATE EXTENSION chatmig SCHEMA regress_sch_ext') AS t ORDER BY kind COLLATE "C";

--
-- 1.0: the names of 2.0 are free. Here they lead to mallory's views
--
CREATE EXTENSION chatmig SCHEMA regress_sch_ext VERSION '1.0';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_sch_ext
    TO regress_chatmig_alice, regress_chatmig_mallory;
BEGIN;
SET LOCAL ROLE regress_chatmig_mallory;
CREATE VIEW regress_sch_ext.chatmig_run AS
SELECT 'his'::text AS migration, NULL::timestamptz AS migrated_at
FROM (SELECT regress_sch_ext.act('chatmig_run') OFFSET 0) AS a (acted) WHERE acted OFFSET 0;
CREATE VIEW regress_sch_ext.chatmig_target AS
SELECT 'his'::text AS migration, 'messages'::text AS part, 0::regclass AS relation,
       true AS created, NULL::jsonb AS columns
FROM (SELECT regress_sch_ext.act('chatmig_target') OFFSET 0) AS a (acted) WHERE acted OFFSET 0;
CREATE VIEW regress_sch_ext.chatmig_rejects AS
SELECT 'hers'::text AS migration, '1'::text AS legacy_key, 1 AS part
FROM (SELECT regress_sch_ext.act('chatmig_rejects') OFFSET 0) AS a (acted) WHERE acted OFFSET 0;
CREATE TABLE regress_sch.his (id int PRIMARY KEY, user_id int, message text, response text);
SELECT regress_sch_ext.chatmig_register('regress_sch.his');
SELECT count(*) FROM regress_sch_ext.chatmig_validate('his') WHERE status = 'violation';
SET LOCAL ROLE regress_chatmig_alice;
CREATE TABLE regress_sch.hers (id int PRIMARY KEY, user_id int, message text,
                               response text, sent_at varchar);
INSERT INTO regress_sch.hers VALUES (1, 1, 'q', 'a', '2024-05-01');
SELECT regress_sch_ext.chatmig_register('regress_sch.hers');
SELECT count(*) FROM regress_sch_ext.chatmig_validate('hers') WHERE status = 'violation';
SELECT count(*) FROM regress_sch_ext.chatmig_violations('hers', 'legacy_time');
SET LOCAL ROLE regress_chatmig_mallory;
SELECT regress_sch_ext.chatmig_unregister('his');
RESET ROLE;
SELECT * FROM public.regress_others;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';
ROLLBACK;

-- The update finds them in its way, or does not mind them: then it converts.
SET ROLE regress_chatmig_alice;
CREATE TABLE regress_sch.hers (id int PRIMARY KEY, user_id int, message text, response text);
INSERT INTO regress_sch.hers VALUES (1, 1, 'q', 'a');
SELECT regress_sch_ext.chatmig_register('regress_sch.hers');
RESET ROLE;
SELECT t.* FROM public.regress_things, public.regress_try(kind, ddl,
    'ALTER EXTENSION chatmig UPDATE TO ''2.0''') AS t
WHERE since <> '1.0' ORDER BY kind COLLATE "C";
SELECT extversion FROM pg_extension WHERE extname = 'chatmig';

--
-- 2.0: functions of the same names as chatmig's own, for whatever types its
-- queries could have
--
ALTER EXTENSION chatmig UPDATE TO '2.0';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_sch_ext TO regress_chatmig_alice;
SET ROLE regress_chatmig_alice;
SELECT conversations FROM regress_sch_ext.chatmig_rollback('hers');
CREATE TABLE regress_sch.by_text (LIKE regress_sch.hers INCLUDING ALL, sent_at varchar(30));
CREATE TABLE regress_sch.by_epoch (LIKE regress_sch.hers INCLUDING ALL, sent_at int8, extra json);
CREATE TABLE regress_sch.by_local (LIKE regress_sch.hers INCLUDING ALL, sent_at timestamp);
CREATE TABLE regress_sch.by_day (LIKE regress_sch.hers INCLUDING ALL, sent_at date);
INSERT INTO regress_sch.by_text VALUES (1, 1, 'q', 'a', '2024-05-01'), (2, 1, 'q', 'a', NULL);
INSERT INTO regress_sch.by_epoch VALUES (1, 1, 'q', 'a', 1714550400, '{"a": "\u0000"}'), (2, 1, 'q', 'a', NULL, '{}');
INSERT INTO regress_sch.by_local VALUES (1, 1, 'q', 'a', '2024-05-01'), (2, 1, 'q', 'a', NULL);
INSERT INTO regress_sch.by_day VALUES (1, 1, 'q', 'a', '2024-05-01'), (2, 1, 'q', 'a', NULL);
RESET ROLE;
SET ROLE regress_chatmig_mallory;
SELECT count(regress_sch.overload(f, a || coalesce(', ' || z, ''), r)) > 400 AS overloaded
FROM (VALUES ('chatmig_time_from_timestamp', 'timestamptz'), ('chatmig_time_from_date', 'timestamptz'),
             ('chatmig_time_from_text', 'timestamptz'), ('chatmig_time_from_epoch', 'timestamptz'),
             ('chatmig_json_fault', 'text'), ('chatmig_fingerprint', 'int8'),
             ('chatmig_hash_text', 'int8'), ('chatmig_hash_jsonb', 'int8'),
             ('chatmig_hash_timestamp', 'int8'), ('chatmig_hash_timestamptz', 'int8'),
             ('chatmig_hash_integer', 'int8'), ('chatmig_hash_bigint', 'int8'),
             ('chatmig_hash_uuid', 'int8'), ('chatmig_hash_pair', 'int8')) AS f (f, r),
     unnest('{timestamp,timestamptz,date,text,varchar,bpchar,name,json,jsonb,float8,float4,int8,
        int4,numeric,cstring,anyelement,anynonarray,anycompatible,regress_sch.by_text,
        regress_sch.by_epoch,regress_sch.by_local,regress_sch.by_day}'::text[]) AS a,
     unnest('{text,varchar,name,bpchar,float8,float4,int8,int4,numeric,anyelement,NULL}'::text[]) AS z;
-- ... of which the first are as they must be, or the last
SELECT count(regress_sch.overload('chatmig_hash_sum',
    repeat('int8, ', k) || a || repeat(', ' || z, 7 - k), 'int8')) > 200 AS overloaded
FROM generate_series(0, 7) AS k,
     unnest('{text,varchar,int4,numeric,anyelement,int8}'::text[]) AS a,
     unnest('{text,varchar,int4,numeric,anyelement}'::text[]) AS z;
RESET ROLE;
SET ROLE regress_chatmig_alice;
SELECT regress_sch_ext.chatmig_register(('regress_sch.' || t)::regclass,
    CASE t WHEN 'by_epoch' THEN '{"epoch": "seconds"}' ELSE '{}' END::jsonb,
    format('{"conversations": "c_%s", "messages": "m_%1$s"}', t)::jsonb, '{"time_zone": "Europe/Berlin"}')
FROM unnest('{by_text,by_epoch,by_local,by_day}'::text[]) AS t;
SELECT migration, messages FROM regress_sch_ext.chatmig_migrate(dry_run => true);
SELECT migration, messages FROM regress_sch_ext.chatmig_migrate();
INSERT INTO regress_sch.by_text SELECT id + 2, user_id, message, response, sent_at FROM regress_sch.by_text;
INSERT INTO regress_sch.by_epoch SELECT id + 2, user_id, message, response, sent_at FROM regress_sch.by_epoch;
INSERT INTO regress_sch.by_local SELECT id + 2, user_id, message, response, sent_at FROM regress_sch.by_local;
INSERT INTO regress_sch.by_day SELECT id + 2, user_id, message, response, sent_at FROM regress_sch.by_day;
SELECT migration, messages FROM regress_sch_ext.chatmig_migrate();
SELECT migration, check_name, detail FROM regress_sch_ext.chatmig_validate() WHERE status = 'violation';
SELECT sum(messages) FROM unnest('{hers,by_text,by_epoch,by_local,by_day}'::text[]) AS t,
    regress_sch_ext.chatmig_rollback(t, force => true) WHERE t <> 'hers';
RESET ROLE;
-- Nobody has called anything of mallory's.
SELECT * FROM public.regress_others;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';

-- What belongs to the extension is not the schema's owner's to change.
SET ROLE regress_chatmig_mallory;
\set VERBOSITY sqlstate
DROP TABLE regress_sch_ext.chatmig_migration CASCADE;
ALTER TABLE regress_sch_ext.chatmig_migration RENAME TO x;
CREATE OR REPLACE FUNCTION regress_sch_ext.chatmig_json_fault(text) RETURNS text LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW regress_sch_ext.chatmig_status AS SELECT 1;
DROP FUNCTION regress_sch_ext.chatmig_fingerprint(record);
CREATE TRIGGER t BEFORE INSERT ON regress_sch_ext.chatmig_run EXECUTE FUNCTION regress_sch_ext.act();
\set VERBOSITY default
RESET ROLE;

DROP EXTENSION chatmig CASCADE;
DROP VIEW public.regress_others;
DROP TABLE public.regress_seen, public.regress_things;
DROP FUNCTION public.regress_try;
DROP OWNED BY regress_chatmig_mallory, regress_chatmig_alice CASCADE;
DROP ROLE regress_chatmig_mallory, regress_chatmig_alice;
