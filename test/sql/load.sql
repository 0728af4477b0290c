--
-- load: rows of new tables go past indexes and foreign keys; both hold at the end
--
CREATE EXTENSION chatmig;
CREATE SCHEMA load;
SET search_path = load, public;
SET TimeZone = 'UTC';

\set SHOW_CONTEXT never

-- Ordered by an index, so that each row is written before the next one is read;
-- the functions of a view find what has been written so far.
CREATE TABLE base (id int PRIMARY KEY, user_id int, message text, response text,
                   at timestamptz);
INSERT INTO base
SELECT i, i, 'q' || i, 'a' || i, '2024-01-01 10:00Z'::timestamptz + i * interval '1 s'
FROM generate_series(1, 2500) AS i;
CREATE INDEX ON base (user_id, at, id);
ANALYZE base;
CREATE FUNCTION meddle(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    -- once the tables are there, which is while they are loaded
    IF current_setting('load.meddle', true) <> ''
       AND to_regclass('load.conversations') IS NOT NULL
    THEN
        EXECUTE current_setting('load.meddle');
        GET DIAGNOSTICS done = ROW_COUNT;
        RAISE NOTICE 'rows: %', done;
        PERFORM set_config('load.meddle', '', false);
    END IF;
    RETURN value;
END $$;
-- in a view a volatile function would be called for all rows before they are
-- sorted, so it hides behind one that says that it is stable
CREATE FUNCTION pass(value text) RETURNS text LANGUAGE plpgsql STABLE AS
    'BEGIN RETURN load.meddle(value); END';
CREATE VIEW seen AS
SELECT id, user_id, message, at,
       CASE id WHEN 2400 THEN pass(response) ELSE response END AS response
FROM base;
SELECT chatmig_register('seen', '{"key": "id"}');
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;

-- What there is once a run is over: of each table, whether its rows are frozen
-- and their pages all-visible (later servers add a few pages that stay empty),
-- and how many its indexes find; and what is not valid.
CREATE FUNCTION show(OUT relation name, OUT all_visible bool, OUT indexes int,
                     OUT entries text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    i record;
    n bigint;
BEGIN
    FOR relation, n IN
        SELECT relname, relallvisible FROM pg_class
        WHERE relnamespace = 'load'::regnamespace AND relkind = 'r'
              AND relname <> 'base' ORDER BY relname
    LOOP
        EXECUTE format('SELECT count(DISTINCT (ctid::text::point)[0]) = $1 FROM %I', relation)
            INTO all_visible USING n;
        indexes := 0;
        entries := '';
        FOR i IN SELECT a.attname, x.indisvalid FROM pg_index AS x
                 JOIN pg_attribute AS a ON a.attrelid = indexrelid AND a.attnum = 1
                 WHERE indrelid = relation::regclass ORDER BY indexrelid::regclass::text
        LOOP
            indexes := indexes + i.indisvalid::int;
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE %I IS NOT NULL
                            ORDER BY %I OFFSET 0) AS s',
                           relation, i.attname, i.attname) INTO n;
            entries := entries || n || ' ';
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;
CREATE VIEW references_of AS
SELECT conname, convalidated, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE conrelid = to_regclass('messages') AND contype IN ('c', 'f')
ORDER BY conname;

-- Nobody meddles: all is there, and found.
SELECT migrated, conversations, messages FROM chatmig_migrate('seen');
SELECT * FROM show();
SELECT * FROM references_of;
SELECT chatmig_assert_valid('seen');
SELECT migrated FROM chatmig_rollback('seen');

-- Taken back with a savepoint and done again, in one transaction.
BEGIN;
SAVEPOINT s;
SELECT migrated FROM chatmig_migrate('seen');
ROLLBACK TO s;
SELECT to_regclass('messages') IS NULL AS is_gone;
SELECT migrated FROM chatmig_migrate('seen');
COMMIT;
SELECT * FROM show();
SELECT chatmig_assert_valid('seen');
SELECT migrated FROM chatmig_rollback('seen');

-- The indexes know no row while tables are loaded, so that who looks for one by
-- them finds nothing; past them it is there.
SET load.meddle = 'UPDATE load.conversations SET title = ''mine'' WHERE user_id = 5';
SELECT migrated, conversations, messages FROM chatmig_migrate('seen');
SELECT title FROM conversations WHERE user_id = 5;
SELECT migrated FROM chatmig_rollback('seen');

-- A conversation that is written anew lies behind those that came after it,
-- where one scan does not look for it: the server checks the references, and
-- they hold.
SET load.meddle = 'UPDATE load.conversations SET title = ''mine'' WHERE title = ''q5''';
SELECT migrated, conversations, messages FROM chatmig_migrate('seen');
SELECT * FROM references_of;
SELECT title, ctid > (SELECT max(ctid) FROM conversations WHERE user_id = 6) AS is_behind
FROM conversations WHERE user_id = 5;
SELECT migrated FROM chatmig_rollback('seen');

-- A conversation that is gone leaves two messages that refer to nothing: an
-- error of the server, and nothing has changed.
SET load.meddle = 'DELETE FROM load.conversations WHERE title = ''q5''';
SELECT migrated FROM chatmig_migrate('seen');
SELECT to_regclass('messages') IS NULL AS is_gone;

-- A message that is gone leaves an answer that refers to it: the server, which
-- would take that reference away, asks an index that is not built yet. An error,
-- too.
SET load.meddle = 'DELETE FROM load.messages WHERE content = ''q5''';
SELECT migrated FROM chatmig_migrate('seen');
SELECT to_regclass('messages') IS NULL AS is_gone;

-- A conversation that is there twice, which no index knows yet: an error once
-- it is built.
SET load.meddle = 'INSERT INTO load.conversations (id)
    SELECT id FROM load.conversations WHERE title = ''q5''';
SELECT migrated FROM chatmig_migrate('seen');
SELECT to_regclass('messages') IS NULL AS is_gone;

-- The same of one that a parallel worker may build.
SET min_parallel_table_scan_size = 0;
SET load.meddle = 'INSERT INTO load.conversations (id)
    SELECT id FROM load.conversations WHERE title = ''q5''';
SELECT migrated FROM chatmig_migrate('seen');
SELECT to_regclass('messages') IS NULL AS is_gone;
RESET min_parallel_table_scan_size;

-- A check and a NOT NULL that somebody adds to new tables once they are made are
-- looked at for each row; with a column more the row would not be a row of it.
CREATE FUNCTION add_rule() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    rule text := current_setting('load.rule');
BEGIN
    PERFORM set_config('load.rule', '', false);  -- once: this is an ALTER TABLE, too
    IF rule <> '' THEN
        EXECUTE 'ALTER TABLE load.messages ' || rule;
    END IF;
END $$;
SET load.rule = '';
CREATE EVENT TRIGGER regress_load ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION add_rule();
SET load.rule = 'ADD CONSTRAINT not_q7 CHECK (content <> ''q7'')';
SELECT migrated FROM chatmig_migrate('seen');
SET load.rule = 'ALTER tokens SET NOT NULL';
SELECT migrated FROM chatmig_migrate('seen');
SET load.rule = 'ADD COLUMN more int';
SELECT migrated FROM chatmig_migrate('seen');
SET load.rule = 'DROP COLUMN model';
SELECT migrated FROM chatmig_migrate('seen');
SELECT to_regclass('messages') IS NULL AS is_gone;
DROP EVENT TRIGGER regress_load;

-- The next run goes through.
RESET load.meddle;
RESET load.rule;
SELECT migrated, conversations, messages FROM chatmig_migrate('seen');
SELECT chatmig_assert_valid('seen');

SET client_min_messages = warning;
DROP SCHEMA load CASCADE;
DROP EXTENSION chatmig;
