--
-- summary: both sides as a few numbers, before any survey
--
-- Which of the two is made, summary.sh says.
CREATE EXTENSION chatmig SCHEMA public;
CREATE SCHEMA regress_summary;
SET search_path = regress_summary, public;
SET TimeZone = 'UTC';
\set VERBOSITY terse

CREATE VIEW found AS
SELECT migration, check_name, status, violations FROM chatmig_validate()
WHERE status <> 'ok' ORDER BY 1, 2;

--
-- Ids follow from keys
--
-- 12 hexadecimal digits of milliseconds, the version, the part, 62 bits of a hash.
SELECT chatmig_message_id('pairs', '1', 1, '1970-01-01 00:00:01.000999') AS question,
       chatmig_message_id('pairs', '1', 2, '1970-01-01 00:00:01.000999') AS answer;
-- All of it counts, and nothing is the id of two; NULL has none.
SELECT count(*) AS ids, count(DISTINCT chatmig_message_id(m, k, p, t)) AS different
FROM unnest('{a,b,ab}'::text[]) AS m, unnest('{a,b,ba,""}'::text[]) AS k,
     generate_series(1, 2) AS p, unnest('{2024-01-01,2024-01-02}'::timestamp[]) AS t;
SELECT chatmig_message_id('a', NULL, 1, '2024-01-01'), chatmig_message_id('a', 'b', 1, NULL);

--
-- What a clean table is
--
-- A question and an answer, one of them, or none; sessions; a half that is NULL
-- or empty; metadata or not.
CREATE TABLE pairs (id int PRIMARY KEY, user_id int, session_id text, message text,
                    response text, model text, metadata jsonb, created_at timestamp);
INSERT INTO pairs
SELECT i, i % 7, 's' || i % 3, CASE WHEN i % 10 NOT IN (3, 4) THEN 'q' || i WHEN i % 10 = 3 THEN '' END,
       CASE WHEN i % 10 NOT IN (4, 5) THEN 'a' || i END, 'gpt-' || i % 2,
       CASE WHEN i % 3 = 0 THEN jsonb_build_object('n', i) END,
       timestamp '2024-01-01' + (i * 7919 % 400) * interval '1 minute'
FROM generate_series(1, 400) AS i;
SELECT chatmig_register('pairs');
SELECT legacy_rows, messages, conversations FROM chatmig_migrate('pairs');
-- The id is what it says.
SELECT count(*) AS messages, bool_and(m.id = chatmig_message_id('pairs', t.key_1::text, n::int, p.created_at)) AS same
FROM pairs_trace AS t JOIN pairs AS p ON p.id = t.key_1
CROSS JOIN LATERAL unnest(t.message_ids) WITH ORDINALITY AS i (id, n)
JOIN messages AS m ON m.id = i.id;

-- Other keys, times, shapes, parts.
CREATE TABLE by_uuid (id uuid PRIMARY KEY, user_id bigint, message text, response text, created_at timestamptz);
INSERT INTO by_uuid SELECT md5(i::text)::uuid, i % 5, 'q' || i, 'a' || i,
    timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' FROM generate_series(1, 60) AS i;
CREATE TABLE by_two (a text, b smallint, user_id uuid, message text, response text, created_at timestamptz,
                     PRIMARY KEY (a, b));
INSERT INTO by_two SELECT 'x "' || i % 4, i, md5((i % 5)::text)::uuid, 'q' || i, 'a' || i,
    timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' FROM generate_series(1, 60) AS i;
CREATE TABLE flat (id bigint PRIMARY KEY, user_id text, mentor_id int, role text, content text, model text,
                   tokens int, colour text, created_at timestamp);
INSERT INTO flat SELECT i, 'u' || i % 5, i % 2, (ARRAY['user', 'Bot', 'system'])[1 + i % 3],
    CASE WHEN i % 11 > 0 THEN 'text ' || i END, 'm', i, 'red', timestamp '2024-01-01' + i * interval '1 second'
FROM generate_series(1, 60) AS i;
CREATE TABLE odd_names (id_1 int, pg_is_in_recovery int, PRIMARY KEY (id_1, pg_is_in_recovery), s int, message text, "respon""se %s" text, id_2 timestamptz);
INSERT INTO odd_names SELECT i, 1, i % 5, 'q' || i, 'a' || i,
    timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' FROM generate_series(1, 60) AS i;
SELECT chatmig_register('odd_names', '{"key": ["id_1", "pg_is_in_recovery"], "owner": "s", "time": "id_2", "answer": "respon\"se %s"}',
                        '{"conversations": "odd_c", "messages": "odd_m"}');
SELECT chatmig_register('by_uuid', target => '{"conversations": "uuid_c", "messages": "uuid_m"}');
SELECT chatmig_register('by_two', target => '{"conversations": "two_c", "messages": "two_m"}');
SELECT chatmig_register('flat', '{"counterpart": "mentor_id", "tokens": "tokens", "roles": {"Bot": "assistant"}}',
                        '{"conversations": "flat_c", "messages": "flat_m"}', '{"idle_gap": "20 seconds"}');
SELECT migration, messages, conversations FROM chatmig_migrate('by_uuid')
UNION ALL SELECT migration, messages, conversations FROM chatmig_migrate('by_two')
UNION ALL SELECT migration, messages, conversations FROM chatmig_migrate('flat')
UNION ALL SELECT migration, messages, conversations FROM chatmig_migrate('odd_names');
ANALYZE;
TABLE found;

-- By several processes, each of which has a part of the messages.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT chatmig_assert_valid('pairs');
SET max_parallel_workers = 0;
SELECT chatmig_assert_valid('pairs');
RESET max_parallel_workers;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- A view, whose rows are looked at as those of a table.
CREATE VIEW rows_of_pairs AS SELECT * FROM pairs WHERE user_id < 3;
SELECT chatmig_register('rows_of_pairs', '{"key": ["id"]}',
    '{"conversations": "view_c", "messages": "view_m"}');
SELECT messages FROM chatmig_migrate('rows_of_pairs');
SELECT chatmig_assert_valid('rows_of_pairs');

--
-- What it does not take
--
CREATE TABLE by_text (id int PRIMARY KEY, user_id int, message text, response text, sent_at text);
INSERT INTO by_text VALUES (1, 1, 'q', 'a', '2024-01-01T10:00:00Z'), (2, 1, 'q', 'a', 'yesterday');
SELECT chatmig_register('by_text', '{"time": "sent_at"}',
    '{"conversations": "text_c", "messages": "text_m"}', '{"max_rejects": 1}');
SELECT migrated, rejected FROM chatmig_status WHERE migration = 'by_text';
SELECT messages, rejected FROM chatmig_migrate('by_text');
SELECT check_name, status, violations FROM chatmig_validate('by_text') WHERE status <> 'ok';

--
-- Life goes on: the application's own messages and conversations, and new legacy rows
--
CREATE FUNCTION pg_temp.planted(fault text) RETURNS SETOF found LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE fault;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n = 0 THEN
        RAISE EXCEPTION 'nothing has changed';
    END IF;
    RETURN QUERY SELECT migration, check_name, status, violations FROM chatmig_validate('pairs')
    WHERE status <> 'ok' ORDER BY 2;
    RAISE EXCEPTION SQLSTATE 'UE001';
EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
END
$$;
-- All of these are clean, and need no survey.
SELECT * FROM pg_temp.planted($$SELECT chatmig_append(min(id::text), 'user', 'more', migration => 'pairs') FROM conversations$$);
SELECT * FROM pg_temp.planted($$SELECT chatmig_append_pair(id::text, 'more', 'of it', migration => 'pairs') FROM conversations$$);
SELECT * FROM pg_temp.planted($$SELECT chatmig_append(chatmig_create_conversation('1', migration => 'pairs'), 'user', 'hello', migration => 'pairs')$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET title = 'mine', is_active = false$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET updated_at = now()$$);
-- rows that lie elsewhere now
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = content WHERE position % 3 = 1$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = content WHERE position % 2 = 0$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = content$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET message = message$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET key_1 = key_1$$);
-- a legacy row that no run has seen: it is found without a survey
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (500, 1, 's1', 'q', 'a', NULL, NULL, now() AT TIME ZONE 'UTC' + interval '1 day')$$);
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (501, 1, 's1', '', NULL, NULL, NULL, '2024-01-01')$$);
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (502, 1, 's1', NULL, NULL, NULL, NULL, NULL)$$);

--
-- One fault at a time: none of them is clean, and each is found
--
-- in messages
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = content || ' ' WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = 'a77' WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET content = CASE content WHEN 'q77' THEN 'q78' ELSE 'q77' END WHERE content IN ('q77', 'q78')$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET role = 'system' WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET model = NULL WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET metadata = '{"n": 1}' WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET created_at = created_at + interval '1 microsecond' WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET created_at = now() WHERE content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET reply_to_id = NULL WHERE content = 'a77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET reply_to_id = id WHERE content = 'a77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET id = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' WHERE content = 'a77'$$);
SELECT * FROM pg_temp.planted($$DELETE FROM messages WHERE content = 'a77'$$);
SELECT * FROM pg_temp.planted($$DELETE FROM messages AS m USING conversations AS c
    WHERE c.id = m.conversation_id AND c.user_id = 1 AND c.metadata ->> 'session_id' = 's1'$$);
SELECT * FROM pg_temp.planted($$INSERT INTO messages (id, conversation_id, position, role, content, created_at)
    SELECT 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', m.conversation_id, 1000, 'user', 'late', m.created_at
    FROM messages AS m WHERE m.content = 'q77'$$);
-- whatever the records say of the times of runs
SELECT * FROM pg_temp.planted($$WITH r AS (UPDATE chatmig_run SET last_run = migrated_at - interval '10 minutes'
        WHERE migration = 'pairs' RETURNING migrated_at)
    INSERT INTO messages (id, conversation_id, position, role, content, created_at)
    SELECT 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', m.conversation_id, max(m.position) + 1, 'user', 'late', r.migrated_at - interval '5 minutes'
    FROM messages AS m, r GROUP BY 2, r.migrated_at LIMIT 1$$);
SELECT * FROM pg_temp.planted($$WITH r AS (UPDATE chatmig_run SET last_run = migrated_at - interval '10 minutes'
        WHERE migration = 'pairs' RETURNING migrated_at)
    UPDATE conversations SET updated_at = migrated_at - interval '5 minutes' FROM r WHERE user_id = 2$$);
-- in a table that inherits, where no unique index sees it
CREATE TABLE more_messages () INHERITS (messages);
SELECT * FROM pg_temp.planted($$INSERT INTO more_messages (id, conversation_id, position, role, content, created_at)
    SELECT gen_random_uuid(), id, 0, 'user', 'late', now() FROM conversations$$);
DROP TABLE more_messages;
-- in their order
SELECT * FROM pg_temp.planted($$UPDATE messages SET position = position + 1000 WHERE content = 'a77'$$);
ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_position_key;
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = CASE WHEN m.content = 'q77' THEN m.position + 1 ELSE m.position - 1 END
    FROM messages AS o WHERE o.content = 'q77' AND m.id IN (o.id, (SELECT a.id FROM messages AS a WHERE a.content = 'a77'))$$);
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = m.position - 2 FROM messages AS o
    WHERE o.content = 'q77' AND m.conversation_id = o.conversation_id AND m.position >= o.position$$);
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = m.position - 2 FROM messages AS o
    WHERE o.content = 'q77' AND m.conversation_id = o.conversation_id$$);
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = m.position + 2 FROM messages AS o
    WHERE o.content = 'q77' AND m.conversation_id = o.conversation_id AND m.position >= o.position$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET position = -position$$);
SELECT * FROM pg_temp.planted($$INSERT INTO messages (id, conversation_id, position, role, content, created_at)
    SELECT gen_random_uuid(), c.id, n, 'user', 'late', now() + n * interval '1 second'
    FROM (SELECT min(id::text)::uuid AS id FROM conversations) AS c, generate_series(0, 1) AS n$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET position = 0 WHERE position = 1$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET position = position + 1$$);
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = o.position FROM messages AS o
    WHERE m.content = 'a77' AND o.content = 'q77'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET position = l.last - m.position
    FROM (SELECT conversation_id, max(position) AS last FROM messages GROUP BY 1) AS l
    WHERE l.conversation_id = m.conversation_id$$);
-- twice the same message once more, behind all others
ALTER TABLE messages DROP CONSTRAINT messages_pkey CASCADE;
SELECT * FROM pg_temp.planted($$INSERT INTO messages (id, conversation_id, position, role, content, model, metadata, created_at, reply_to_id)
    SELECT m.id, m.conversation_id, m.position + n, m.role, m.content, m.model, m.metadata, m.created_at, m.reply_to_id
    FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id, generate_series(1, 2) AS n
    WHERE m.created_at = c.updated_at AND m.role = 'assistant' AND c.user_id = 2$$);
ALTER TABLE messages ADD PRIMARY KEY (id);
ALTER TABLE messages ADD CONSTRAINT messages_reply_to_id_fkey FOREIGN KEY (reply_to_id) REFERENCES messages ON DELETE SET NULL;
ALTER TABLE messages ADD CONSTRAINT messages_conversation_id_position_key UNIQUE (conversation_id, position);
-- in their conversations: of the same owner, and of another
SELECT * FROM pg_temp.planted($$UPDATE messages AS m SET conversation_id = (SELECT id FROM conversations
        WHERE user_id = 0 AND metadata ->> 'session_id' = 's0'), position = 1000 + position
    FROM conversations AS c WHERE c.id = m.conversation_id AND c.user_id = 0 AND c.metadata ->> 'session_id' = 's1'$$);
SELECT * FROM pg_temp.planted($$UPDATE messages SET conversation_id = (SELECT id FROM conversations
        WHERE user_id = 5 AND metadata ->> 'session_id' = 's0'), position = 1000 WHERE content = 'a77'$$);
-- in conversations
SELECT * FROM pg_temp.planted($$UPDATE conversations SET user_id = 3 WHERE user_id = 2$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET user_id = 5 - user_id WHERE user_id IN (2, 3)$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET metadata = '{"session_id": "s9"}' WHERE user_id = 2 AND metadata ->> 'session_id' = 's1'$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET created_at = created_at - interval '1 second' WHERE user_id = 2$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET updated_at = updated_at - interval '1 second' WHERE user_id = 2$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET updated_at = updated_at + interval '1 second' WHERE user_id = 2$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations SET updated_at = created_at WHERE user_id = 2$$);
SELECT * FROM pg_temp.planted($$INSERT INTO conversations (id, user_id, created_at, updated_at)
    VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 2, '2024-01-01', '2024-01-01')$$);
SELECT * FROM pg_temp.planted($$DELETE FROM conversations WHERE user_id = 2 AND metadata ->> 'session_id' = 's1'$$);
SELECT * FROM pg_temp.planted($$DELETE FROM conversations$$);
-- in conversations that end with each other's time
SELECT * FROM pg_temp.planted($$UPDATE conversations AS c SET updated_at = o.updated_at FROM conversations AS o
    WHERE c.user_id = o.user_id AND c.user_id = 2 AND c.metadata ->> 'session_id' <> o.metadata ->> 'session_id'$$);
SELECT * FROM pg_temp.planted($$UPDATE conversations AS c SET created_at = o.created_at FROM conversations AS o
    WHERE c.user_id = o.user_id AND c.user_id = 2 AND c.metadata ->> 'session_id' <> o.metadata ->> 'session_id'$$);
-- in the trace
SELECT * FROM pg_temp.planted($$DELETE FROM pairs_trace WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$DELETE FROM pairs_trace$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET key_1 = 1077 WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET fingerprint = fingerprint + 1 WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET message_ids = ARRAY[message_ids[2], message_ids[1]] WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET message_ids = message_ids || message_ids[1] WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET message_ids[2] = NULL WHERE key_1 = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace AS t SET message_ids = o.message_ids FROM pairs_trace AS o
    WHERE t.key_1 IN (77, 78) AND o.key_1 IN (77, 78) AND o.key_1 <> t.key_1$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs_trace SET conversation_id = (SELECT conversation_id FROM pairs_trace WHERE key_1 = 78)
    WHERE key_1 = 77$$);
-- in the legacy table
SELECT * FROM pg_temp.planted($$UPDATE pairs SET message = 'other' WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET created_at = created_at + interval '1 second' WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET created_at = NULL WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET user_id = 3 WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET message = NULL, response = NULL WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET message = 'was empty' WHERE id = 4$$);
SELECT * FROM pg_temp.planted($$DELETE FROM pairs WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$UPDATE pairs SET id = 1077 WHERE id = 77$$);
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (500, 1, 's1', 'q', 'a', NULL, NULL, '2024-01-01')$$);
-- rows without a key, or without a time, of which no run knows
ALTER TABLE pairs DROP CONSTRAINT pairs_pkey, ALTER id DROP NOT NULL;
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (NULL, 1, 's1', 'q', 'a', NULL, NULL, '2024-01-01')$$);
SELECT * FROM pg_temp.planted($$INSERT INTO pairs VALUES (500, 1, 's1', 'q', 'a', NULL, NULL, NULL)$$);
SELECT * FROM pg_temp.planted($$INSERT INTO pairs SELECT p.* FROM pairs AS p, generate_series(1, 2) WHERE id = 77$$);

--
-- Messages of one time: keys decide, and the conversations are looked at
--
CREATE TABLE ties (id int PRIMARY KEY, user_id int, role text, content text, created_at timestamp);
INSERT INTO ties SELECT i, i % 4, (ARRAY['user', 'assistant'])[1 + i / 4 % 2], 'text ' || i,
    timestamp '2024-01-01' + CASE WHEN i % 4 < 2 THEN i / 8 ELSE i END * interval '1 minute'
FROM generate_series(1, 40) AS i;
SELECT chatmig_register('ties', target => '{"conversations": "ties_c", "messages": "ties_m"}');
SELECT messages, conversations FROM chatmig_migrate('ties');
SELECT chatmig_assert_valid('ties');
-- Two rows of one time change places; and two of different times.
CREATE FUNCTION pg_temp.swapped(first int, which int) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ties_m SET position = position + 100;
    UPDATE ties_m AS m SET position = CASE
        WHEN c.user_id <> which THEN m.position - 100
        WHEN m.position = 100 + first THEN first + 1 WHEN m.position = 101 + first THEN first
        ELSE m.position - 100 END FROM ties_c AS c WHERE c.id = m.conversation_id;
    RETURN QUERY SELECT migration, check_name, status, violations FROM chatmig_validate('ties')
    WHERE status <> 'ok' ORDER BY 2;
    RAISE EXCEPTION SQLSTATE 'UE001';
EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
END
$$;
SELECT * FROM pg_temp.swapped(0, 1);
SELECT * FROM pg_temp.swapped(1, 1);
SELECT * FROM pg_temp.swapped(0, 2);
-- None of it lies in its order.
UPDATE ties_m SET content = content WHERE position % 2 = 0;
SELECT chatmig_assert_valid('ties');
SELECT * FROM pg_temp.swapped(0, 1);

--
-- The aggregate by itself
--
SELECT chatmig_summary(NULL, 1, now(), now(), 0, now(), 1, 1, 1, now()) IS NOT NULL AS made,
       chatmig_summary(NULL, 1, now(), now(), 0, now(), 1, 1, 1, now()) FILTER (WHERE false) IS NULL AS nothing;
-- No position is too large for it.
SELECT chatmig_summary('11111111-1111-1111-1111-111111111111', 1, now(), now(), 9223372036854775807, now(),
                       1, 1, 1, now()) IS NOT NULL AS made FROM generate_series(1, 3);
-- Its state is nothing to play with.
CREATE ROLE regress_chatmig_summary;
GRANT CREATE ON SCHEMA regress_summary TO regress_chatmig_summary;
SET ROLE regress_chatmig_summary;
CREATE AGGREGATE regress_summary.mine(uuid, int8, timestamptz, timestamptz, int8, timestamptz,
    int8, int8, int8, timestamptz) (SFUNC = public.chatmig_summary_add, STYPE = internal);
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA regress_summary CASCADE;
DROP ROLE regress_chatmig_summary;
DROP EXTENSION chatmig;
