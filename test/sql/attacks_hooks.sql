--
-- attacks_hooks: functions of a table's owner, hooked in wherever the server
-- calls one, while a superuser calls chatmig
--
CREATE EXTENSION chatmig SCHEMA public;
SET client_min_messages = warning;
CREATE ROLE regress_chatmig_mallory;
CREATE SCHEMA regress_hooks AUTHORIZATION regress_chatmig_mallory;
CREATE SCHEMA regress_hooks_evil AUTHORIZATION regress_chatmig_mallory;
CREATE TABLE public.regress_seen (hook text, who text);
GRANT INSERT ON public.regress_seen TO PUBLIC;
SET search_path = regress_hooks, public;

--
-- What all hooks do, each time: say as whom they run, try to be more, and
-- leave behind settings that lead the caller to the schema evil
--
SET ROLE regress_chatmig_mallory;
-- (once they are armed: before that, mallory's role is one that RESET ROLE leads
-- out of)
CREATE FUNCTION act(hook text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    IF current_setting('regress.armed', true) IS DISTINCT FROM 'yes' THEN
        RETURN;
    END IF;
    INSERT INTO public.regress_seen VALUES (hook, current_user);
    BEGIN
        ALTER ROLE regress_chatmig_mallory SUPERUSER;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    BEGIN
        EXECUTE 'RESET ROLE';
        EXECUTE 'RESET SESSION AUTHORIZATION';
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    BEGIN
        CREATE TEMP TABLE pg_class (oid oid);
    EXCEPTION WHEN insufficient_privilege OR duplicate_table THEN NULL;
    END;
END $$;
CREATE FUNCTION leave() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('regress.armed', true) = 'yes' THEN
        PERFORM pg_catalog.set_config('search_path', 'regress_hooks_evil, pg_catalog', false),
                pg_catalog.set_config('row_security', 'on', false),
                pg_catalog.set_config('DateStyle', 'SQL, DMY', false),
                pg_catalog.set_config('regress.left', 'yes', false);
    END IF;
END $$;
CREATE FUNCTION hook(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS
    'BEGIN PERFORM regress_hooks.act(what); PERFORM regress_hooks.leave(); RETURN true; END';
CREATE FUNCTION pass(what text, value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM regress_hooks.act(what); PERFORM regress_hooks.leave(); RETURN value; END';
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_hooks.act(pg_catalog.concat_ws(' ', 'trigger', TG_WHEN, TG_LEVEL));
    PERFORM regress_hooks.leave();
    RETURN coalesce(NEW, OLD);
END $$;
-- In the schema evil are things that chatmig's SQL names. They do what those of
-- the server do, so that nobody notices, and act.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{pg_constraint,pg_namespace,pg_inherits,pg_roles}'::text[] LOOP
        EXECUTE format('CREATE VIEW regress_hooks_evil.%I AS SELECT p.* FROM
            (SELECT regress_hooks.hook(%L) OFFSET 0) AS a (acted), pg_catalog.%1$I AS p
            WHERE a.acted OFFSET 0', name, 'look-alike ' || name);
    END LOOP;
END $$;
CREATE FUNCTION regress_hooks_evil.quote_ident(text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN PERFORM regress_hooks.act(''look-alike quote_ident'');
     RETURN pg_catalog.quote_ident($1); END';

-- It is dangerous: a superuser who runs such a function by hand is lost.
RESET ROLE;
BEGIN;
SET LOCAL regress.armed = 'yes';
SELECT act('by hand');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';
ROLLBACK;

--
-- Hooks in the legacy table and in the new ones, made by hand
--
SET ROLE regress_chatmig_mallory;
CREATE DOMAIN worded AS text CHECK (regress_hooks.hook('domain'));
CREATE TYPE uid AS ENUM ('1', '2');
CREATE FUNCTION to_text(uid) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM regress_hooks.act(''cast''); RETURN ''1''; END';
CREATE CAST (uid AS text) WITH FUNCTION to_text(uid) AS ASSIGNMENT;
CREATE TABLE secured (id int PRIMARY KEY, user_id uid,
                      message text, response text, extra worded);
INSERT INTO secured VALUES (1, '1', 'q', 'a', 'x'), (2, '2', 'q', 'a', 'y');
-- row security that does not apply to the owner, who is the view's, too
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secured USING (hook('policy'));
CREATE INDEX ON secured ((pass('index of the source', message)));
CREATE VIEW source AS
SELECT id, user_id, pass('view', message)::worded AS message, response, extra
FROM secured WHERE hook('condition of the view');
CREATE TABLE made_c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text, title worded,
    by_default boolean DEFAULT hook('default'), created_at timestamptz,
    CHECK (hook('check')));
CREATE TABLE made_m (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id int REFERENCES made_c, "position" int, role worded,
    content worded, created_at timestamptz, CHECK (hook('check')),
    generated text GENERATED ALWAYS AS (pass('generated', content)) STORED);
CREATE INDEX ON made_m ((pass('index', content)));
CREATE INDEX ON made_m (id) WHERE hook('condition of an index');
CREATE STATISTICS made_s ON (pass('statistics', content)), role FROM made_m;
CREATE RULE also AS ON INSERT TO made_c DO ALSO SELECT regress_hooks.act('rule');
ALTER TABLE made_c DISABLE RULE also;
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON made_m
    FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE ON made_m
    FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER c BEFORE INSERT OR UPDATE OR DELETE ON made_m
    FOR EACH STATEMENT EXECUTE FUNCTION fire();
CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON made_c
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fire();
RESET ROLE;

-- One call of the superuser's, after which nobody but mallory has run anything,
-- and the session is what it was. Which hooks have run goes into a list.
CREATE TABLE public.regress_ran (hook text);
CREATE FUNCTION public.regress_attack(sql text, OUT said text, OUT as_others text,
    OUT super boolean, OUT settings text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL regress.armed = 'yes';
    TRUNCATE public.regress_seen;
    BEGIN
        EXECUTE 'SELECT count(*) || '' rows'' FROM ' || sql INTO said;
    EXCEPTION WHEN OTHERS THEN
        said := SQLSTATE || ' ' || SQLERRM;
    END;
    settings := format('%s, %s, %s, %s', current_setting('search_path'),
        current_setting('row_security'), current_setting('DateStyle'),
        coalesce(current_setting('regress.left', true), ''));
    as_others := (SELECT string_agg(DISTINCT s.hook || ' as ' || s.who, ', ')
                  FROM public.regress_seen AS s
                  WHERE s.who <> 'regress_chatmig_mallory');
    super := (SELECT rolsuper FROM pg_catalog.pg_roles
              WHERE rolname = 'regress_chatmig_mallory');
    INSERT INTO public.regress_ran SELECT DISTINCT s.hook FROM public.regress_seen AS s;
END $$;
SET DateStyle = 'ISO, MDY';
SELECT number, call, a.*
FROM (VALUES
    (1, 'public.chatmig_detect(''regress_hooks.source'')'),
    (2, 'public.chatmig_detect(''regress_hooks.secured'')'),
    (3, 'public.chatmig_register(''regress_hooks.source'', ''{"key": "id"}'',
         ''{"conversations": "made_c", "messages": "made_m"}'', name => ''made'')'),
    (4, 'public.chatmig_register(''regress_hooks.source'', ''{"key": "id"}'',
         ''{"conversations": "new_c", "messages": "new_m"}'', name => ''new'')'),
    (5, 'public.chatmig_register(''regress_hooks.secured'', target =>
         ''{"conversations": "own_c", "messages": "own_m"}'')'),
    (11, 'public.chatmig_plan()'), (12, 'public.chatmig_preview()'),
    (13, 'public.chatmig_migrate(dry_run => true)'),
    (14, 'public.chatmig_migrate(''new'')'), (15, 'public.chatmig_migrate(''secured'')'),
    (16, 'public.chatmig_migrate(''made'')'), (17, 'public.chatmig_migrate()'),
    (18, 'public.chatmig_validate()'),
    (19, 'public.chatmig_violations(''made'', ''legacy_rejected'')'),
    (20, 'public.chatmig_assert_valid()')) AS c (number, call),
    public.regress_attack(call) AS a;

-- After more rows, which come into all the tables, and with hooks on those that
-- chatmig made, too.
SET ROLE regress_chatmig_mallory;
INSERT INTO secured VALUES (3, '1', 'q', 'a', 'x');
CREATE INDEX ON new_m ((pass('index', content)));
ALTER TABLE new_m ADD CHECK (hook('check')), ADD extra text DEFAULT pass('default', 'x');
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON new_m
    FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON new_trace
    FOR EACH ROW EXECUTE FUNCTION fire();
ALTER TABLE made_c ENABLE RULE also;
RESET ROLE;
SELECT number, call, a.*
FROM (VALUES
    (1, 'public.chatmig_migrate(''new'')'), (2, 'public.chatmig_migrate(''made'')'),
    (3, 'public.chatmig_migrate(''secured'')'), (4, 'public.chatmig_validate()'),
    (5, 'public.chatmig_rollback(''new'', true)'), (6, 'public.chatmig_rollback(''new'')'),
    (7, 'public.chatmig_rollback(''made'', true)'), (8, 'public.chatmig_rollback(''made'')'),
    (9, 'public.chatmig_rollback(''secured'')'),
    (10, 'public.chatmig_drop_chat_messages(''regress_hooks.secured'')'),
    (11, 'public.chatmig_unregister(''new'')')) AS c (number, call),
    public.regress_attack(call) AS a;

-- At the update, which migrates what is registered, and validates it.
SET client_min_messages = warning;
DROP EXTENSION chatmig CASCADE;
CREATE EXTENSION chatmig SCHEMA public VERSION '1.0';
CREATE FUNCTION public.regress_update() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN ALTER EXTENSION chatmig UPDATE TO '2.0'; END $$;
SELECT number, call, a.*
FROM (VALUES
    (1, 'public.chatmig_register(''regress_hooks.source'', ''{"key": "id"}'',
         ''{"conversations": "up_c", "messages": "up_m"}'', name => ''up'')'),
    (2, 'public.chatmig_validate()'), (3, 'public.regress_update()')) AS c (number, call),
    public.regress_attack(call) AS a;
SELECT state, messages FROM chatmig_status;
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('up_c', 'up_m') ORDER BY 1;

-- These have run, so that the lines above say something.
SELECT DISTINCT hook FROM public.regress_ran ORDER BY 1;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';

DROP EXTENSION chatmig CASCADE;
RESET search_path;
DROP TABLE public.regress_seen, public.regress_ran;
DROP FUNCTION public.regress_attack, public.regress_update;
DROP OWNED BY regress_chatmig_mallory CASCADE;
DROP ROLE regress_chatmig_mallory;
