--
-- reindex: indexes of new tables that several processes have built are those
-- that one process builds
--
CREATE EXTENSION chatmig;
CREATE EXTENSION amcheck;
CREATE SCHEMA reindex;
SET search_path = reindex, public;
SET TimeZone = 'UTC';

\set SHOW_CONTEXT never

-- Texts of the same length and keys in no order; media, and rows without; a row
-- with nothing in it.
CREATE TABLE talks (id text PRIMARY KEY, user_id int, message text, response text,
                    photo text, at timestamptz);
INSERT INTO talks
SELECT md5(i::text), i % 17, 'question ' || i,
       CASE WHEN i % 5 > 0 THEN 'answer ' || i END,
       CASE WHEN i % 3 = 0 THEN 'photos/' || i || '.png' END,
       timestamptz '2024-01-01 00:00Z' + i * 11 % 700 * interval '1 min'
FROM generate_series(1, 1500) AS i;
INSERT INTO talks VALUES ('empty', 1, NULL, '', NULL, '2024-01-01');
ANALYZE talks;
SELECT chatmig_register('talks', '{"media": "photo"}', '{"schema": "reindex"}');

-- A run, and what it leaves: of each index its definition, whether it is right
-- (amcheck raises an error if it is not), and whether the catalog knows its size.
CREATE FUNCTION indexes(OUT index text, OUT entries bigint, OUT is_known bool)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    i record;
BEGIN
    PERFORM chatmig_migrate('talks');
    PERFORM chatmig_assert_valid('talks');
    FOR i IN SELECT c.oid, c.relpages, c.reltuples, x.indrelid::regclass AS rel,
                    pg_get_indexdef(c.oid) AS definition,
                    coalesce(pg_get_expr(indpred, indrelid), 'true') AS predicate
             FROM pg_class AS c JOIN pg_index AS x ON x.indexrelid = c.oid
             WHERE c.relnamespace = 'reindex'::regnamespace AND c.relname !~ '^talks_pkey'
             ORDER BY c.relname
    LOOP
        PERFORM bt_index_parent_check(i.oid, true, true);
        EXECUTE format('SELECT count(*) FROM %s WHERE %s', i.rel, i.predicate)
            INTO entries;
        index := i.definition;
        is_known := i.reltuples = entries
            AND i.relpages = pg_relation_size(i.oid) / current_setting('block_size')::int;
        RETURN NEXT;
    END LOOP;
    PERFORM chatmig_rollback('talks');
END $$;

-- One process.
SET max_parallel_maintenance_workers = 0;
CREATE TABLE alone AS SELECT * FROM indexes();
SELECT * FROM alone;

-- Small tables get workers, too.
SET min_parallel_table_scan_size = 0;
CREATE PROCEDURE same() LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT * FROM reindex.indexes() EXCEPT SELECT * FROM reindex.alone)
       OR (SELECT count(*) FROM reindex.alone) = 0 THEN
        RAISE 'not the same';
    END IF;
END $$;
-- One worker, which is what the default memory allows; several; more than there
-- are indexes; and none that could be started.
SET max_parallel_maintenance_workers = 2;
CALL same();
SET maintenance_work_mem = '512MB';
CALL same();
SET max_parallel_maintenance_workers = 12;
CALL same();
SET max_parallel_workers = 0;
CALL same();
RESET max_parallel_workers;
-- The server gives no worker less than 32 MB.
SET maintenance_work_mem = '1MB';
CALL same();

-- Not in a subtransaction of its own, and undone by one around it.
SET maintenance_work_mem = '512MB';
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM indexes();
SELECT migrated FROM chatmig_migrate('talks');
ROLLBACK TO s;
SELECT count(*) FROM indexes();
COMMIT;
SELECT to_regclass('messages') IS NULL AS is_gone;

-- What an event trigger puts on new tables while they are made. Once, as what it
-- does is a command as well.
CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    rule text := current_setting('reindex.rule');
BEGIN
    IF tg_tag = current_setting('reindex.tag') AND rule <> ''
       AND to_regclass('reindex.talks_trace') IS NOT NULL THEN
        PERFORM set_config('reindex.rule', '', false);
        EXECUTE rule;
    END IF;
END $$;
SET reindex.rule = '';
CREATE EVENT TRIGGER regress_reindex ON ddl_command_end EXECUTE FUNCTION meddle();

-- An unlogged table's indexes have a second file each, for after a crash.
SET reindex.tag = 'CREATE TABLE';
SET reindex.rule = 'ALTER TABLE reindex.messages SET UNLOGGED';
SELECT migrated FROM chatmig_migrate('talks');
SELECT count(*), count(pg_stat_file(pg_relation_filepath(indexrelid) || '_init'))
FROM pg_index WHERE indrelid = 'messages'::regclass;
SELECT migrated FROM chatmig_rollback('talks');

-- Indexes of other kinds are whole as well.
SET reindex.tag = 'CREATE INDEX';
SET reindex.rule = 'CREATE INDEX by_text ON reindex.messages (lower(content));
                    CREATE INDEX by_role ON reindex.messages USING hash (role)';
SELECT migrated FROM chatmig_migrate('talks');
SELECT bt_index_parent_check('by_text', true, true);
SET enable_seqscan = off;
SELECT count(*) FROM messages WHERE role = 'assistant';
RESET enable_seqscan;
SELECT migrated FROM chatmig_rollback('talks');

-- An exclusion constraint that the rows break: an error of the server.
SET reindex.rule = 'ALTER TABLE reindex.messages
    ADD CONSTRAINT one_role EXCLUDE USING btree (role WITH =)';
SELECT migrated FROM chatmig_migrate('talks');

-- Nobody would look at these for each row: an error.
CREATE TABLE people (id int PRIMARY KEY);
SET reindex.rule = 'ALTER TABLE reindex.conversations
    ADD FOREIGN KEY (user_id) REFERENCES reindex.people';
SELECT migrated FROM chatmig_migrate('talks');
SET reindex.rule = 'CREATE TRIGGER upper BEFORE INSERT ON reindex.messages
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()';
SELECT migrated FROM chatmig_migrate('talks');
SET reindex.rule = 'ALTER TABLE reindex.messages ENABLE ROW LEVEL SECURITY';
SELECT migrated FROM chatmig_migrate('talks');
SET reindex.rule = 'CREATE RULE away AS ON INSERT TO reindex.messages DO INSTEAD NOTHING';
SELECT migrated FROM chatmig_migrate('talks');
DROP EVENT TRIGGER regress_reindex;
SELECT to_regclass('messages') IS NULL AS is_gone;

-- Who owns the source, and is no superuser, needs no more for it.
CREATE ROLE regress_builder;
GRANT USAGE, CREATE ON SCHEMA reindex TO regress_builder;
GRANT EXECUTE ON FUNCTION chatmig_migrate, chatmig_rollback TO regress_builder;
ALTER TABLE talks OWNER TO regress_builder;
SET ROLE regress_builder;
SELECT migrated FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
SELECT migrated FROM chatmig_rollback('talks');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA reindex CASCADE;
DROP EXTENSION amcheck;
DROP EXTENSION chatmig;
DROP ROLE regress_builder;
