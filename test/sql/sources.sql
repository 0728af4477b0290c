--
-- sources: what a legacy table can be, besides an ordinary one
--
CREATE SCHEMA regress_sources;
SET search_path = regress_sources;
CREATE EXTENSION chatmig;

-- What a migration made, in one line; and what validate finds wrong.
CREATE FUNCTION run(name text)
RETURNS TABLE (legacy_rows bigint, already bigint, migrated bigint,
               conversations bigint, messages bigint, violations bigint)
LANGUAGE sql SET search_path = regress_sources AS $$
    SELECT m.legacy_rows, m.already, m.migrated, m.conversations, m.messages,
           (SELECT count(*) FROM chatmig_validate($1)
            WHERE status = 'violation')
    FROM chatmig_migrate($1) AS m
$$;

--
-- A partitioned table, with a key of two columns and partitions of partitions
--
CREATE TABLE parts (
    id int, day date, user_id int, question text, answer text, at timestamp,
    PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts
    FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parts_2 PARTITION OF parts
    FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (id);
CREATE TABLE parts_2a PARTITION OF parts_2
    FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_2b PARTITION OF parts_2
    FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts
SELECT i, date '2024-01-30' + i, i % 2, 'q' || i, 'a' || i,
       timestamp '2024-01-30' + i * interval '1 day'
FROM generate_series(1, 9) AS i;
SELECT chatmig_register('parts', target =>
    '{"conversations": "parts_c", "messages": "parts_m"}');
-- The key in reports is that of both columns.
SELECT legacy_key FROM chatmig_preview('parts', 1);
SELECT * FROM run('parts');
-- Across partitions one conversation a user, in the order of time.
SELECT c.user_id, string_agg(m.content, ' ' ORDER BY m.position)
FROM parts_m AS m JOIN parts_c AS c ON c.id = m.conversation_id
GROUP BY c.user_id ORDER BY 1;
SELECT key_1, key_2 FROM parts_trace ORDER BY 1 LIMIT 2;
-- A new partition's rows come; those of a detached one are missed.
CREATE TABLE parts_3 PARTITION OF parts DEFAULT;
INSERT INTO parts VALUES (1, '2025-01-01', 1, 'q10', 'a10', '2025-01-01');
SELECT * FROM run('parts');
ALTER TABLE parts DETACH PARTITION parts_1;
SELECT migrated, messages FROM chatmig_migrate('parts');
SELECT check_name, violations FROM chatmig_validate('parts')
WHERE status NOT IN ('ok', 'info');
ALTER TABLE parts ATTACH PARTITION parts_1
    FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
SELECT * FROM run('parts');
-- A partition alone is a table like any other.
SELECT chatmig_register('parts_1', target =>
    '{"conversations": "p1_c", "messages": "p1_m"}');
SELECT * FROM run('parts_1');

--
-- Inheritance: the children's rows belong to it, and may repeat its keys
--
CREATE TABLE parent (id int PRIMARY KEY, user_id int, message text,
                     response text, extra int);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent VALUES (1, 1, 'parent', 'yes', 7);
INSERT INTO child VALUES (2, 1, 'child', 'yes', 8);
SELECT chatmig_register('parent', target =>
    '{"conversations": "parent_c", "messages": "parent_m"}');
SELECT * FROM run('parent');
SELECT content, metadata FROM parent_m ORDER BY position;
INSERT INTO child VALUES (1, 1, 'the same key', 'no', 9);
SELECT * FROM chatmig_migrate('parent');
\echo :LAST_ERROR_SQLSTATE

--
-- Views: the key is named
--
CREATE TABLE log (session text, turn int, said text, replied text,
                  tags text[]);
INSERT INTO log VALUES ('a', 1, 'one', 'eins', '{x}'),
                       ('a', 2, 'two', 'zwei', NULL),
                       ('b', 1, 'three', 'drei', '{y,z}');
CREATE VIEW turns AS
SELECT session AS session_id, turn, said AS question, replied AS answer, tags
FROM log WHERE said <> 'hidden';
SELECT chatmig_register('turns');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('turns', '{"key": ["session_id", "turn"]}',
    '{"conversations": "turns_c", "messages": "turns_m"}');
SELECT * FROM run('turns');
SELECT c.metadata ->> 'session_id' AS session, m.position, m.content,
       m.metadata
FROM turns_m AS m JOIN turns_c AS c ON c.id = m.conversation_id
ORDER BY 1, 2;
-- A key that repeats, or is missing, is refused with an example.
INSERT INTO log VALUES ('b', 1, 'three again', 'drei', NULL);
SELECT * FROM chatmig_migrate('turns');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM chatmig_plan('turns');
UPDATE log SET turn = NULL WHERE said = 'three again';
SELECT * FROM chatmig_migrate('turns');
\echo :LAST_ERROR_SQLSTATE
-- What the view does not show is no legacy row.
UPDATE log SET said = 'hidden' WHERE said = 'three again';
SELECT * FROM run('turns');
-- A view that unites two tables, with a role that is written in it.
CREATE TABLE asked (id int PRIMARY KEY, user_id int, text text, at timestamptz);
CREATE TABLE replied (id int PRIMARY KEY, user_id int, text text,
                      at timestamptz);
INSERT INTO asked VALUES (1, 1, 'q1', '2024-05-01Z'), (2, 1, 'q2', '2024-05-03Z');
INSERT INTO replied VALUES (1, 1, 'a1', '2024-05-02Z');
CREATE VIEW united AS
SELECT 'q' || id AS id, user_id, 'user' AS role, text AS content, at FROM asked
UNION ALL
SELECT 'a' || id, user_id, 'assistant', text, at FROM replied;
SELECT chatmig_register('united', '{"key": "id", "time": "at"}',
    '{"conversations": "united_c", "messages": "united_m"}');
SELECT * FROM run('united');
SELECT position, role, content FROM united_m ORDER BY position;
-- The view gone: the way back is still there, by force.
DROP VIEW united;
SELECT messages FROM chatmig_rollback('united', force => true);
SELECT chatmig_unregister('united');

-- A materialized view is what it was when it was refreshed.
CREATE MATERIALIZED VIEW stored AS
SELECT id, user_id, text AS question, ''::text AS answer FROM asked;
SELECT chatmig_register('stored', '{"key": "id"}',
    '{"conversations": "stored_c", "messages": "stored_m"}');
SELECT * FROM run('stored');
INSERT INTO asked VALUES (3, 1, 'q3', '2024-05-04Z');
SELECT * FROM run('stored');
REFRESH MATERIALIZED VIEW stored;
SELECT * FROM run('stored');
-- One without data says so.
REFRESH MATERIALIZED VIEW stored WITH NO DATA;
SELECT * FROM chatmig_migrate('stored');
\echo :LAST_ERROR_SQLSTATE

--
-- Names: a quoted schema and camelCase, with quotes and signs of other
-- languages in them; and such a schema as the target
--
CREATE SCHEMA "Regress Sources ""2""";
CREATE TABLE "Regress Sources ""2"""."User" ("Id" text PRIMARY KEY);
CREATE TYPE "Regress Sources ""2"""."Role" AS ENUM ('USER', 'BOT', 'Sys''tem');
CREATE TABLE "Regress Sources ""2"""."Chat-Messages 'x' %s \ $1" (
    "Id" text COLLATE "C" PRIMARY KEY,
    "userId" text REFERENCES "Regress Sources ""2"""."User"
        ON UPDATE CASCADE ON DELETE CASCADE,
    "Role" "Regress Sources ""2"""."Role",
    "Content %s ""q"" 'a'" text, "createdAt" timestamp(3), "select" int,
    "Größe \ $1 ""x"" 'y'" numeric);
INSERT INTO "Regress Sources ""2"""."User" VALUES ('cuid1'), ('cuid2');
INSERT INTO "Regress Sources ""2"""."Chat-Messages 'x' %s \ $1" VALUES
    ('m1', 'cuid1', 'USER', 'hello', '2024-05-01 10:00:00.123', 1, 1.50),
    ('m2', 'cuid1', 'BOT', E'it''s "\\ %s', '2024-05-01 10:00:01', NULL, NULL),
    ('m3', 'cuid2', 'Sys''tem', 'x', '2024-05-01 10:00:02', 2, 'NaN');
SELECT chatmig_register('"Regress Sources ""2"""."Chat-Messages ''x'' %s \ $1"',
    '{"role": "Role", "content": "Content %s \"q\" ''a''",
      "roles": {"Sys''tem": "system", "BOT": "assistant"}}',
    '{"schema": "Regress Sources \"2\"", "conversations": "Conversation %s",
      "messages": "Mess\"age''s", "trace": "select"}',
    '{"title": "100% {owner} \\ '' \" %s", "description": "{session}"}',
    name => 'Quoted ''"\ %s');
SELECT * FROM run('Quoted ''"\ %s');
SELECT c."userId", c.title, c.description, m.position, m.role, m.content,
       m.metadata
FROM "Regress Sources ""2"""."Mess""age's" AS m
JOIN "Regress Sources ""2"""."Conversation %s" AS c
ON c.id = m.conversation_id ORDER BY 1, 4;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = '"Regress Sources ""2"""."Conversation %s"'::regclass
ORDER BY 1;
SELECT obj_description('"Regress Sources ""2"""."Mess""age''s"'::regclass);
-- A second run, and back again.
INSERT INTO "Regress Sources ""2"""."Chat-Messages 'x' %s \ $1" VALUES
    ('m4', 'cuid1', 'USER', 'more', '2024-05-01 10:00:00.5', 1, 1.50);
SELECT * FROM run('Quoted ''"\ %s');
SELECT object FROM chatmig_plan('Quoted ''"\ %s') WHERE action = 'insert';
SELECT messages FROM chatmig_rollback('Quoted ''"\ %s');

-- Names of 63 bytes everywhere: the trace's is cut, the names of keys and
-- indexes are found by the server.
SELECT repeat('ö', 31) || 'x' AS long \gset
CREATE TABLE :"long" (:"long" int PRIMARY KEY, user_id int, message text,
                      response text);
INSERT INTO :"long" VALUES (1, 1, 'q', 'a');
SELECT chatmig_register(:'long', target => jsonb_build_object(
    'conversations', repeat('c', 63), 'messages', repeat('m', 63)));
SELECT * FROM run(:'long');
SELECT object FROM chatmig_plan(:'long') WHERE action = 'insert';

-- Columns that are called like those of the new tables: the group's columns
-- give way, the others are kept in the metadata under their own names.
CREATE TABLE clash (
    conversation_id int, position int, id int, title text, role text,
    content text, created_at timestamptz, metadata jsonb, key_1 int, t int,
    s int, q int, at int, "owner" int, known bool, fingerprint int,
    PRIMARY KEY (position, id));
INSERT INTO clash VALUES (1, 2, 3, 'Tom', 'user', 'hi', '2024-05-01Z',
    '{"a": 1}', 4, 5, 6, 7, 8, 9, true, 10);
SELECT chatmig_register('clash', '{"owner": "title", "session": null}',
    '{"conversations": "clash_c", "messages": "clash_m"}');
SELECT * FROM run('clash');
SELECT to_jsonb(c) - 'id' AS conversation FROM clash_c AS c;
SELECT metadata FROM clash_m;
INSERT INTO clash VALUES (1, 3, 3, 'Tom', 'user', 'ho', '2024-05-02Z',
    '{"key_1": 1}', 4, 5, 6, 7, 8, 9, true, 10);
SELECT * FROM run('clash');
SELECT metadata FROM clash_m ORDER BY position DESC LIMIT 1;

--
-- Two migrations in one schema: the second's names are taken; the hint works
--
CREATE TABLE first (id int PRIMARY KEY, user_id int, question text, answer text);
CREATE TABLE second (id int PRIMARY KEY, user_id int, question text,
                     answer text);
INSERT INTO first VALUES (1, 1, 'first', 'yes');
INSERT INTO second VALUES (1, 1, 'second', 'yes');
SELECT chatmig_register('first');
SELECT * FROM run('first');
SELECT chatmig_register('second');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('second',
                        target => '{"conversations": "chat_conversations"}');
SELECT chatmig_register('second', target =>
    '{"conversations": "chat_conversations", "messages": "chat_messages"}');
SELECT * FROM run('second');
SELECT content FROM messages UNION ALL SELECT content FROM chat_messages
ORDER BY 1;
-- In another schema every name is free; the same table may be migrated twice.
CREATE SCHEMA regress_sources_new;
SELECT chatmig_register('second', target =>
    '{"schema": "regress_sources_new"}', name => 'again');
SELECT * FROM run('again');
SELECT relname FROM pg_class
WHERE relnamespace = 'regress_sources_new'::regnamespace AND relkind = 'r'
ORDER BY 1;
-- Their ids differ, as their migrations do.
SELECT count(*) FROM chat_messages JOIN regress_sources_new.messages USING (id);

-- The tables that a migration made as the source of another.
SELECT chatmig_register('messages', '{"owner": "conversation_id"}',
    '{"conversations": "of_messages_c", "messages": "of_messages_m"}');
SELECT legacy_rows, messages FROM chatmig_migrate('messages');

SET client_min_messages = warning;
DROP SCHEMA regress_sources, regress_sources_new,
    "Regress Sources ""2""" CASCADE;
