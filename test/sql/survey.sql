--
-- survey: what validate looks at first, and what it must not take for the same
--
CREATE EXTENSION chatmig SCHEMA public;
CREATE SCHEMA regress_survey;
SET search_path = regress_survey, public;
CREATE VIEW found AS
SELECT migration, check_name, status, violations FROM chatmig_validate()
WHERE status <> 'ok' ORDER BY 1, 2;

--
-- The order in a conversation, whatever the plan is
--
-- Rows of one time, in the order of their keys, which lie far apart.
CREATE TABLE pairs (id serial PRIMARY KEY, user_id int, message text, response text,
                    created_at timestamp);
INSERT INTO pairs (user_id, message, response, created_at)
SELECT u, format('q%s.%s', u, k), format('a%s.%s', u, k),
       timestamp '2024-01-01' + u * interval '1 minute'
FROM generate_series(1, 300) AS u, generate_series(1, 3) AS k ORDER BY k, u;
-- Numbers as ids: for those that follow from keys, see summary.sql.
SELECT chatmig_register('pairs', options => '{"id_type": "bigint"}');
SELECT messages, conversations FROM chatmig_migrate('pairs');
ANALYZE;
-- By several processes, by one that does what several should, and by one: nothing.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
TABLE found;
SET max_parallel_workers = 0;
TABLE found;
SET max_parallel_workers_per_gather = 0;
TABLE found;
RESET max_parallel_workers_per_gather;
RESET max_parallel_workers;
-- In each conversation two of the three rows change places, and no message its
-- words: 300 conversations are not in order, always.
UPDATE messages SET position = position + 1000;
UPDATE messages AS m SET position = CASE c.user_id % 3
    WHEN 0 THEN (ARRAY[2, 3, 0, 1, 4, 5])[position - 999]
    WHEN 1 THEN (ARRAY[0, 1, 4, 5, 2, 3])[position - 999]
    ELSE (ARRAY[4, 5, 2, 3, 0, 1])[position - 999] END
FROM conversations AS c WHERE c.id = m.conversation_id;
TABLE found;
SET max_parallel_workers = 0;
TABLE found;
SET max_parallel_workers_per_gather = 0;
TABLE found;
RESET max_parallel_workers_per_gather;
RESET max_parallel_workers;

--
-- Numbers that differ in high bits
--
-- The server's hash of a bigint is one of 32 bits: 1 and 4294967296 have the same.
CREATE TABLE flat (id bigint PRIMARY KEY, user_id bigint, role text, content text,
                   tokens bigint, created_at timestamptz);
INSERT INTO flat
SELECT i, i % 5, 'user', 'text ' || i, 5, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute'
FROM generate_series(1, 20) AS i;
SELECT chatmig_register('flat', '{"tokens": "tokens"}',
    '{"conversations": "flat_conversations", "messages": "flat_messages"}',
    '{"id_type": "bigint"}');
SELECT messages FROM chatmig_migrate('flat');
CREATE FUNCTION pg_temp.planted(fault text) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE fault;
    RETURN QUERY SELECT * FROM found WHERE migration = 'flat';
    RAISE EXCEPTION SQLSTATE 'UE001';
EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
END
$$;
-- An owner, tokens, an id and an answered message: each time it is said.
SELECT * FROM pg_temp.planted('UPDATE flat_conversations SET user_id = 4294967296 WHERE user_id = 1');
SELECT * FROM pg_temp.planted($$UPDATE flat_messages SET tokens = 4294967300 WHERE content = 'text 3'$$);
SELECT * FROM pg_temp.planted($$UPDATE flat_messages SET id = 4294967296 # id # 1 WHERE content = 'text 3'$$);
SELECT * FROM pg_temp.planted($$UPDATE flat_messages SET reply_to_id = 1 WHERE content = 'text 3'$$);

--
-- A trace that has lost its constraints, and a part of a key
--
CREATE TABLE two (a text, b uuid, user_id int, message text, response text,
                  created_at timestamptz, PRIMARY KEY (a, b));
INSERT INTO two SELECT 'x', md5(i::text)::uuid, 1, 'q' || i, 'a' || i, '2024-01-01 00:00:00+00'
FROM generate_series(1, 5) AS i;
SELECT chatmig_register('two', target =>
    '{"conversations": "two_conversations", "messages": "two_messages"}');
SELECT messages FROM chatmig_migrate('two');
ALTER TABLE two_trace DROP CONSTRAINT two_trace_pkey, ALTER key_2 DROP NOT NULL;
UPDATE two_trace SET key_2 = NULL WHERE key_2 = md5('3')::uuid;
-- By the trace one row is not migrated, and one that is not there was.
SELECT * FROM found WHERE migration = 'two';
-- Two of them, of which one is not where its key would be.
UPDATE two_trace SET key_2 = NULL, key_1 = 'y' WHERE key_2 = md5('4')::uuid;
SELECT * FROM found WHERE migration = 'two';

SET client_min_messages = warning;
DROP SCHEMA regress_survey CASCADE;
DROP EXTENSION chatmig;
