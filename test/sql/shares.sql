--
-- shares: parallel workers that do all but the writing come to what one process
-- comes to
--
CREATE EXTENSION chatmig;
CREATE SCHEMA shares;
SET search_path = shares, public;
SET TimeZone = 'UTC';

\set SHOW_CONTEXT never

-- So that the planner takes workers for small tables, too.
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;

-- Owners with many rows, with one, and none; sessions; media; texts that are
-- stored apart from their row; empty halves and empty rows.
CREATE TABLE talks (
    id int PRIMARY KEY,
    who text,
    session_id int,
    question text,
    answer text,
    photo text,
    model text,
    tokens int,
    note jsonb,
    sent_at timestamptz);
ALTER TABLE talks ALTER answer SET STORAGE EXTERNAL;
INSERT INTO talks
SELECT i, nullif('user ' || (i * i) % 41, 'user 0'), i % 3,
       CASE WHEN i % 7 > 0 THEN 'question ' || i END,
       CASE WHEN i % 50 = 0 THEN repeat('answer ' || i || ' ', 1000)
            WHEN i % 5 > 0 THEN 'answer ' || i END,
       CASE WHEN i % 11 = 0 THEN 'photos/' || i || '.png' END,
       'model ' || i % 2, i, jsonb_build_object('n', i),
       timestamptz '2024-01-01 00:00Z' + i * 11 % 7000 * interval '1 min'
FROM generate_series(1, 3000) AS i;
INSERT INTO talks (id, who, sent_at) VALUES (9001, 'nobody', '2024-01-01');
ANALYZE talks;
SELECT chatmig_register('talks',
                        '{"owner": "who", "metadata": "note", "media": "photo"}',
                        '{"schema": "shares"}', '{"idle_gap": "1 day"}');

-- What a run says, and a sum of all that it leaves.
CREATE FUNCTION leaves(migration text, OUT counts text, OUT conversations text,
                       OUT messages text, OUT media text, OUT trace text)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT concat_ws('|', legacy_rows, migrated, empty, rejected, c.conversations,
                     c.messages, c.media)
    INTO counts FROM chatmig_migrate(migration) AS c;
    SELECT md5(string_agg(t::text, ' ' ORDER BY id)) INTO conversations
    FROM shares.conversations AS t;
    SELECT md5(string_agg(t::text, ' ' ORDER BY id)) INTO messages
    FROM shares.messages AS t;
    SELECT md5(string_agg(t::text, ' ' ORDER BY id)) INTO media
    FROM shares.media AS t;
    EXECUTE format('SELECT md5(string_agg(t::text, '' '' ORDER BY key_1))
                    FROM shares.%I AS t', migration || '_trace')
    INTO trace;
END $$;

-- One process.
SET max_parallel_workers_per_gather = 0;
CREATE TABLE alone AS SELECT * FROM leaves('talks');
SELECT counts FROM alone;
-- Its messages, one by one, are as validate wants them.
SELECT check_name, status FROM chatmig_validate('talks') WHERE status <> 'ok';
SELECT count(*) FROM chatmig_rollback('talks');

-- One worker, two, three, and none that could be started: the same.
CREATE PROCEDURE same() LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT a FROM shares.alone AS a) IS DISTINCT FROM
       (SELECT l FROM shares.leaves('talks') AS l) THEN
        RAISE 'not the same';
    END IF;
    PERFORM chatmig_assert_valid('talks');
    PERFORM chatmig_rollback('talks');
END $$;
SET max_parallel_workers_per_gather = 1;
CALL same();
SET max_parallel_workers_per_gather = 2;
CALL same();
SET max_parallel_workers_per_gather = 3;
CALL same();
SET max_parallel_workers = 1;
CALL same();
SET max_parallel_workers = 0;
CALL same();
RESET max_parallel_workers;
-- The same through the executor, which has no workers.
SET chatmig.bulk_load = off;
CALL same();
RESET chatmig.bulk_load;

-- Inside of a transaction that has written the rows itself, in a
-- subtransaction, under any isolation level.
BEGIN;
UPDATE talks SET tokens = tokens;
SAVEPOINT s;
CALL same();
RELEASE s;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL same();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL same();
COMMIT;

-- A conversation's messages lie together, and conversations in the order of
-- their messages.
SELECT migrated FROM chatmig_migrate('talks');
WITH m AS (
    SELECT conversation_id, row_number() OVER (ORDER BY ctid) AS place FROM messages),
together AS (
    SELECT conversation_id AS id, min(place) AS first,
           max(place) - min(place) + 1 = count(*) AS is_together
    FROM m GROUP BY 1),
both_orders AS (
    SELECT row_number() OVER (ORDER BY first) = row_number() OVER (ORDER BY c.ctid)
               AS is_ordered, is_together
    FROM together JOIN conversations AS c USING (id))
SELECT bool_and(is_together) AS together, bool_and(is_ordered) AS ordered
FROM both_orders;
-- Later rows, which one process adds.
INSERT INTO talks (id, who, question, sent_at)
SELECT 5000 + i, 'user ' || i, 'late', '2025-01-01' FROM generate_series(1, 50) AS i;
SELECT already, migrated FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
SELECT count(*) FROM chatmig_rollback('talks');
DELETE FROM talks WHERE id > 5000 AND id < 9000;

--
-- Who does it: workers, as the legacy table's owner
--
CREATE ROLE regress_shares_owner;
GRANT USAGE, CREATE ON SCHEMA shares TO regress_shares_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO regress_shares_owner;
CREATE FUNCTION worker() RETURNS text STABLE PARALLEL SAFE LANGUAGE sql AS
    'SELECT pg_backend_pid()::text';
CREATE FUNCTION who() RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql AS
    'BEGIN RETURN current_user; END';
GRANT SELECT ON talks TO regress_shares_owner;
CREATE VIEW seen AS
SELECT id, who, session_id, question, answer, sent_at, model, who() AS reader,
       worker() AS process
FROM talks;
ALTER VIEW seen OWNER TO regress_shares_owner;
SELECT chatmig_register('seen', '{"key": "id", "owner": "who",
                                  "keep": ["reader", "process"]}',
                        '{"schema": "shares"}');
SELECT migrated FROM chatmig_migrate('seen');
SELECT metadata ->> 'reader' AS reader,
       bool_or(metadata ->> 'process' = pg_backend_pid()::text) AS by_this_process
FROM messages GROUP BY 1;
SELECT count(*) FROM chatmig_rollback('seen');
-- The same by the owner itself.
SET ROLE regress_shares_owner;
SELECT migrated FROM chatmig_migrate('seen');
SELECT bool_or(metadata ->> 'process' = pg_backend_pid()::text) AS by_this_process
FROM messages;
SELECT count(*) FROM chatmig_rollback('seen');
RESET ROLE;
-- A function that is not safe there keeps all workers away.
ALTER FUNCTION worker() PARALLEL UNSAFE;
SELECT migrated FROM chatmig_migrate('seen');
SELECT bool_and(metadata ->> 'process' = pg_backend_pid()::text) AS by_this_process
FROM messages;
SELECT count(*) FROM chatmig_rollback('seen');
-- So does one that is restricted to this process, though the server's own
-- workers would read beside it.
ALTER FUNCTION worker() PARALLEL RESTRICTED;
SELECT migrated FROM chatmig_migrate('seen');
SELECT bool_and(metadata ->> 'process' = pg_backend_pid()::text) AS by_this_process
FROM messages;
SELECT count(*) FROM chatmig_rollback('seen');
ALTER FUNCTION worker() PARALLEL SAFE;
-- And so does a volatile one: each worker would read another owner, and take
-- rows that another takes, too, or none takes. Here, all 3001 rows come.
CREATE VIEW strangers AS
SELECT id, coalesce(who, gen_random_uuid()::text) AS who, session_id, question,
       answer, sent_at
FROM talks;
SELECT chatmig_register('strangers', '{"key": "id", "owner": "who"}',
                        '{"schema": "shares"}');
SELECT legacy_rows, migrated, empty FROM chatmig_migrate('strangers');
SELECT count(*) FROM chatmig_rollback('strangers');

--
-- Errors of a worker: its own message, with who says it, and nothing is left
--
CREATE FUNCTION fail(value text) RETURNS text STABLE PARALLEL SAFE
LANGUAGE plpgsql AS $$
BEGIN
    IF value = 'question 1234' THEN
        RAISE 'this row is broken' USING ERRCODE = 'XX001', HINT = 'Look for it.';
    END IF;
    RETURN value;
END $$;
CREATE OR REPLACE VIEW seen AS
SELECT id, who, session_id, fail(question) AS question, answer, sent_at, model,
       who() AS reader, worker() AS process
FROM talks;
CREATE PROCEDURE fails(migration text) LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    PERFORM chatmig_migrate(migration);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RAISE NOTICE '%: %', SQLSTATE, SQLERRM;
    RAISE NOTICE '%', regexp_replace(context, '.*(migration "\w+", [rl]e.*workers"?).*', '\1');
END $$;
CALL fails('seen');
SELECT to_regclass('messages'), to_regclass('conversations');
-- A rule that somebody adds to a new table is looked at where a row is formed.
CREATE FUNCTION add_rule() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('shares.rule', true) = 'on' THEN
        PERFORM set_config('shares.rule', 'off', false);
        ALTER TABLE shares.messages ADD CONSTRAINT rule CHECK (content <> 'answer 1234');
    END IF;
END $$;
CREATE EVENT TRIGGER regress_shares ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION add_rule();
SET shares.rule = on;
CALL fails('talks');
DROP EVENT TRIGGER regress_shares;
SELECT to_regclass('messages'), to_regclass('conversations');

--
-- Rows that cannot be converted
--
CREATE TABLE notes (id int PRIMARY KEY, who text, role text, content text,
                    at timestamptz);
INSERT INTO notes
SELECT i, 'user ' || i % 40, CASE i % 100 WHEN 99 THEN 'elephant' ELSE 'user' END,
       'note ' || i, '2024-01-01'
FROM generate_series(1, 2000) AS i;
ANALYZE notes;
SELECT chatmig_register('notes', '{"owner": "who"}', '{"schema": "shares"}');
-- With max_rejects 0 they are an error, which counts all of them, and nothing is
-- left. Which is the first differs.
DO $$
DECLARE
    detail text;
BEGIN
    PERFORM chatmig_migrate('notes');
EXCEPTION WHEN data_exception THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '%; %', SQLERRM,
        regexp_replace(detail, '^The first has the key \d*99:', 'The first:');
END $$;
-- 19 are too few; 20 are set aside, each with its row.
SELECT chatmig_register('notes', '{"owner": "who"}', '{"schema": "shares"}',
                        '{"max_rejects": 19}');
SELECT migrated FROM chatmig_migrate('notes');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('notes', '{"owner": "who"}', '{"schema": "shares"}',
                        '{"max_rejects": 20}');
SELECT legacy_rows, migrated, rejected, messages FROM chatmig_migrate('notes');
SELECT count(*), min(reason), bool_and(legacy_row ->> 'role' = 'elephant'
       AND legacy_row ->> 'id' = legacy_key AND part = 0) AS whole
FROM chatmig_rejects WHERE migration = 'notes';
SELECT count(*) FROM chatmig_rollback('notes');

-- Transcripts: messages that cannot be converted, of rows that can.
CREATE TABLE chats (id int PRIMARY KEY, who text, chat jsonb, at timestamptz);
INSERT INTO chats
SELECT i, 'user ' || i % 40, jsonb_build_object('messages', jsonb_build_array(
           jsonb_build_object('role', 'user', 'content', 'hello ' || i),
           jsonb_build_object('role', CASE WHEN i % 100 = 0 THEN 'elephant'
                                           ELSE 'assistant' END,
                              'content', 'welcome ' || i))),
       '2024-01-01'
FROM generate_series(1, 1000) AS i;
ANALYZE chats;
SELECT chatmig_register('chats', '{"path": "$.messages[*]", "owner": "who"}',
                        '{"schema": "shares"}', '{"max_rejects": 10}');
SELECT legacy_rows, migrated, rejected, messages FROM chatmig_migrate('chats');
SELECT count(*), bool_and(part = 2 AND legacy_row -> 'chat' ->> 'role' = 'elephant')
           AS the_message
FROM chatmig_rejects WHERE migration = 'chats';
SELECT check_name, status, violations FROM chatmig_validate('chats')
WHERE status NOT IN ('ok', 'info');
SELECT count(*) FROM chatmig_rollback('chats');

--
-- Where there are no shares, the server's workers read, and one process counts
--
-- Ids that are numbers have no gap.
SELECT chatmig_register('talks',
                        '{"owner": "who", "metadata": "note", "media": "photo"}',
                        '{"schema": "shares"}',
                        '{"idle_gap": "1 day", "id_type": "bigint"}');
SELECT migrated, r.conversations, r.messages, r.media
FROM chatmig_migrate('talks') AS r;
SELECT (SELECT max(id) FROM conversations) AS conversations,
       (SELECT max(id) FROM messages) AS messages, (SELECT max(id) FROM media) AS media;
SELECT chatmig_assert_valid('talks');
SELECT count(*) FROM chatmig_rollback('talks');
-- Nothing to share by: a conversation of all.
SELECT chatmig_register('talks', '{"owner": null, "session": null, "counterpart": null}',
                        '{"schema": "shares"}');
SELECT migrated, conversations FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
SELECT count(*) FROM chatmig_rollback('talks');
-- A counterpart or a session is as good as an owner.
SELECT chatmig_register('talks', '{"owner": null, "session": null, "counterpart": "who"}',
                        '{"schema": "shares"}');
SELECT migrated, conversations FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
SELECT count(*) FROM chatmig_rollback('talks');
SELECT chatmig_register('talks', '{"owner": null, "counterpart": null}',
                        '{"schema": "shares"}');
SELECT migrated, conversations FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
SELECT count(*) FROM chatmig_rollback('talks');
-- A row that takes its time from a neighbour.
BEGIN;
UPDATE talks SET sent_at = NULL WHERE id = 7;
SELECT migrated FROM chatmig_migrate('talks');
SELECT chatmig_assert_valid('talks');
ROLLBACK;
-- What is equal is one owner, and in one share, however it is spelled.
CREATE EXTENSION citext SCHEMA public;
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',
                         deterministic = false);
CREATE TYPE mood AS ENUM ('fine', 'poor', 'none');
CREATE DOMAIN code AS varchar(9);
CREATE TABLE kinds AS
SELECT i AS id, i % 40 AS integer, i % 40::bigint AS bigint,
       CASE WHEN i % 2 = 0 THEN 'ann' ELSE 'Ann' END || i % 19 AS text,
       (CASE WHEN i % 2 = 0 THEN 'ann' ELSE 'Ann' END || i % 19)::citext AS citext,
       (CASE WHEN i % 2 = 0 THEN 'ann' ELSE 'Ann' END || i % 19) COLLATE nocase AS nocase,
       ('a' || i % 19)::varchar(9) AS varchar, ('a' || i % 19)::char(9) AS char,
       ('a' || i % 19 || repeat(' ', i % 3))::bpchar AS bpchar,
       ('a' || i % 19 || repeat(' ', i % 3))::bpchar COLLATE nocase AS bpchar_nocase,
       ARRAY[('a' || i % 19 || repeat(' ', i % 3))::bpchar COLLATE nocase] AS bpchars,
       ('a' || i % 19)::code AS domain, ('a' || i % 19)::name AS name,
       CASE WHEN i % 2 = 0 THEN i % 19 * 1.0 ELSE i % 19 * 1.00 END AS numeric,
       CASE WHEN i % 2 = 0 THEN 0.0 ELSE '-0.0' END::float8 + i % 2 * 0.0::float8 AS float,
       i % 2 = 0 AS boolean, date '2024-01-01' + i % 19 AS date,
       ('{fine,poor,none}'::mood[])[i % 3 + 1] AS enum,
       ARRAY[i % 19, 1] AS array, inet '10.0.0.0' + i % 19 AS inet,
       md5((i % 19)::text)::uuid AS uuid, nullif('x', 'x') AS nothing,
       'q' || i AS question, 'a' || i AS answer,
       timestamptz '2024-01-01' AS at
FROM generate_series(1, 400) AS i;
ALTER TABLE kinds ADD PRIMARY KEY (id);
ANALYZE kinds;
CREATE FUNCTION conversations_of(kind text, workers int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    answer bigint;
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
    PERFORM chatmig_register('shares.kinds', jsonb_build_object('owner', kind,
        'question', 'question', 'answer', 'answer', 'counterpart', NULL, 'session', NULL,
        'time', 'at'), '{"schema": "shares"}');
    SELECT conversations INTO answer FROM chatmig_migrate('kinds');
    PERFORM chatmig_assert_valid('kinds');
    PERFORM chatmig_rollback('kinds');
    RETURN answer;
END $$;
SELECT kind, conversations_of(kind, 0) AS alone, conversations_of(kind, 3) AS shared
FROM unnest('{integer,bigint,text,citext,nocase,varchar,char,bpchar,bpchar_nocase,bpchars,
              domain,name,numeric,float,boolean,date,enum,array,inet,uuid,nothing}'::text[]) AS kind;

SET client_min_messages = warning;
RESET search_path;
DROP SCHEMA shares CASCADE;
DROP EXTENSION citext, chatmig CASCADE;
DROP ROLE regress_shares_owner;
