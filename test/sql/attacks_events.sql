--
-- attacks_events: event triggers that veto, and event triggers that change what
-- chatmig creates before it gets to use it
--
SET client_min_messages = warning;
CREATE SCHEMA regress_events;
SET search_path = regress_events, public;
CREATE TABLE pairs (id int PRIMARY KEY, user_id int, message text, response text);
INSERT INTO pairs VALUES (1, 1, 'q', 'a'), (2, 2, 'q', '');
CREATE TABLE fired (what text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO regress_events.fired VALUES (TG_TABLE_NAME); RETURN NEW; END';

-- What is there: relations, the extension, registrations.
CREATE FUNCTION there() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(', ', (SELECT string_agg(relname, ' ' ORDER BY relname)
               FROM pg_class WHERE relnamespace = 'regress_events'::regnamespace
               AND relkind IN ('r', 'v')),
           (SELECT 'version ' || extversion FROM pg_extension WHERE extname = 'chatmig'))
$$;
-- One statement, while one kind of command is vetoed; then what it said, and
-- whether all is as it was.
CREATE FUNCTION try(veto text, command text, OUT said text, OUT unchanged boolean)
LANGUAGE plpgsql AS $$
DECLARE
    before text := there();
BEGIN
    PERFORM set_config('regress.veto', veto, true);
    EXECUTE command;
    said := 'done';
    unchanged := there() = before;
    PERFORM set_config('regress.veto', '', true);
EXCEPTION WHEN OTHERS THEN
    said := SQLSTATE || ' ' || SQLERRM;
    unchanged := there() = before;
END $$;

--
-- Vetoes
--
CREATE FUNCTION veto() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TAG = current_setting('regress.veto', true) THEN
        RAISE EXCEPTION SQLSTATE 'UE002' USING MESSAGE = 'vetoed: ' || TG_TAG;
    END IF;
END $$;
CREATE EVENT TRIGGER regress_veto_start ON ddl_command_start EXECUTE FUNCTION veto();
CREATE EVENT TRIGGER regress_veto_end ON ddl_command_end EXECUTE FUNCTION veto();
-- at CREATE EXTENSION, by what it creates, and by itself
SELECT tag, t.* FROM unnest('{CREATE EXTENSION,CREATE TABLE,CREATE VIEW,CREATE FUNCTION,
    COMMENT,REVOKE,GRANT}'::text[]) AS tag,
    try(tag, 'CREATE EXTENSION chatmig SCHEMA public') AS t;
-- at the update
CREATE EXTENSION chatmig SCHEMA public VERSION '1.0';
SELECT chatmig_register('pairs');
SELECT tag, t.* FROM unnest('{ALTER EXTENSION,CREATE TABLE,ALTER TABLE,CREATE INDEX,
    COMMENT}'::text[]) AS tag,
    try(tag, 'ALTER EXTENSION chatmig UPDATE TO ''2.0''') AS t;
SET chatmig.convert_on_update = off;
ALTER EXTENSION chatmig UPDATE TO '2.0';
RESET chatmig.convert_on_update;
-- at the migration, and when it is taken back: DROP TABLE is not found to be
-- something that other tables depend on, but an error
SELECT tag, t.* FROM unnest('{CREATE TABLE,ALTER TABLE,CREATE INDEX,COMMENT}'::text[]) AS tag,
    try(tag, 'SELECT chatmig_migrate()') AS t;
SELECT messages FROM chatmig_migrate();
SELECT tag, t.* FROM unnest('{DROP TABLE}'::text[]) AS tag,
    try(tag, 'SELECT chatmig_rollback(''pairs'')') AS t;
SELECT count(*) AS messages, (SELECT state FROM chatmig_status) FROM messages;
SELECT messages FROM chatmig_rollback('pairs');
DROP EVENT TRIGGER regress_veto_start;
DROP EVENT TRIGGER regress_veto_end;

--
-- Changes to each table that chatmig has just created
--
CREATE FUNCTION change() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM pg_event_trigger_ddl_commands()
             WHERE command_tag = 'CREATE TABLE' AND object_identity ~ '_chats|_words|_trace'
    LOOP
        EXECUTE format(current_setting('regress.change'), c.objid::regclass);
    END LOOP;
END $$;
CREATE EVENT TRIGGER regress_change ON ddl_command_end EXECUTE FUNCTION change();
-- Migrates, and says what the changes came to, as JSON of one message; then all
-- is undone.
CREATE FUNCTION changed(change text, OUT said text, OUT violations text, OUT message jsonb, OUT fired text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('regress.change', change, true);
    PERFORM chatmig_register('regress_events.pairs', target =>
        '{"conversations": "new_chats", "messages": "new_words"}', name => 'new');
    said := (SELECT m.messages || ' messages' FROM chatmig_migrate('new') AS m);
    violations := (SELECT string_agg(check_name, ', ') FROM chatmig_validate('new')
                   WHERE status = 'violation');
    EXECUTE 'SELECT to_jsonb(m) - ''{id,conversation_id,model,tokens,metadata,media_id,
        reply_to_id,created_at}''::text[] FROM regress_events.new_words AS m
        WHERE content = ''a''' INTO message;
    fired := (SELECT string_agg(x.n || ' ' || x.what, ', ' ORDER BY x.what)
              FROM (SELECT f.what, count(*) AS n FROM regress_events.fired AS f GROUP BY 1) AS x);
    RAISE EXCEPTION SQLSTATE 'UE001';
EXCEPTION
    WHEN SQLSTATE 'UE001' THEN NULL;
    WHEN OTHERS THEN said := SQLSTATE || ' ' || SQLERRM;
END $$;
-- Columns that are added get their default, triggers fire, checks are checked;
-- what is not there under its name any more is an error.
SELECT c.change, t.* FROM (VALUES
    (1, 'ALTER TABLE %s ADD tenant int DEFAULT 7, ADD other text NOT NULL DEFAULT ''x'''),
    (2, 'ALTER TABLE %s ADD tenant int NOT NULL'),
    (3, 'ALTER TABLE %s ADD twice int GENERATED ALWAYS AS (2 * 2) STORED'),
    (4, 'ALTER TABLE %s DROP COLUMN IF EXISTS model'),
    (5, 'ALTER TABLE %s RENAME COLUMN id TO number'),
    (6, 'CREATE TRIGGER t AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION regress_events.fire()'),
    (7, 'ALTER TABLE %s ADD CHECK (false)'),
    (8, 'CREATE RULE r AS ON INSERT TO %s DO INSTEAD NOTHING'),
    (9, 'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
    (10, 'CREATE INDEX ON %s ((1))'),
    (11, 'ALTER TABLE %s SET UNLOGGED'),
    (12, 'ALTER TABLE %s SET SCHEMA public'),
    (13, 'ALTER TABLE %s RENAME TO renamed'),
    (14, 'DROP TABLE %s')) AS c (n, change),
    changed(c.change) AS t ORDER BY n;
-- Nothing is left over.
SELECT there();

DROP EVENT TRIGGER regress_change;
DROP EXTENSION chatmig CASCADE;
RESET search_path;
DROP SCHEMA regress_events CASCADE;
