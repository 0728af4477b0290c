--
-- Types of keys, owners and times; odd names; types of the new ids
--
CREATE EXTENSION chatmig;
CREATE EXTENSION citext SCHEMA public;
CREATE SCHEMA types;
SET search_path = types, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'iso_8601';
\pset null NULL

-- Registers and migrates a table into tables of its own.
CREATE FUNCTION run(source text, mapping jsonb, options jsonb DEFAULT '{}',
                    OUT migrated bigint, OUT rejected bigint,
                    OUT conversations bigint, OUT messages bigint)
LANGUAGE sql AS $$
    SELECT chatmig_register(quote_ident(source)::regclass, mapping,
                            jsonb_build_object('conversations', source || '_c',
                                               'messages', source || '_m'),
                            options);
    SELECT migrated, rejected, conversations, messages FROM chatmig_migrate(source)
$$;

-- A column's type, as it was declared.
CREATE FUNCTION type_of(relation regclass, name text) RETURNS text
LANGUAGE sql AS $$
    SELECT format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' not null' ELSE '' END
    FROM pg_attribute WHERE attrelid = relation AND attname = name
$$;

--
-- Keys. Each table has two good rows and one that is rejected, so that the
-- key also finds its row again; a second run has nothing to do, and a new row
-- joins the others.
--
CREATE DOMAIN code AS varchar(8) CHECK (VALUE <> '');
CREATE TYPE grade AS ENUM ('z', 'a');
CREATE TABLE key_types (n serial, type text, one text, two text, three text,
                        four text);
INSERT INTO key_types (type, one, two, three, four) VALUES
    ('int', '-1', '0', '2147483647', '7'),
    ('smallint', '-1', '0', '32767', '7'),
    ('bigint', '-9223372036854775808', '0', '9223372036854775807', '7'),
    ('uuid', '00000000-0000-4000-8000-000000000001',
     '00000000-0000-4000-8000-000000000002',
     'ffffffff-ffff-4fff-bfff-ffffffffffff',
     '10000000-0000-4000-8000-000000000002'),
    ('text', '', 'it''s "one" \ {x}', 'ckabc0001', 'line' || E'\n' || 'two'),
    ('varchar(36)', 'a', 'b', 'ckabc0001', 'B'),
    ('char(6)', 'a', 'b', 'c', 'd'),
    ('numeric', '1.50', '123456789012345678901234567890', 'NaN', '2'),
    ('numeric(6,2)', '1.50', '2.25', '-3', '2'),
    ('float8', '0.1', '1e300', 'infinity', '-0.5'),
    ('bool', 'f', NULL, 't', NULL),
    ('date', '2024-05-01', 'infinity', '0044-03-15 BC', '2024-05-02'),
    ('timestamptz', '2024-05-01 10:00:00.123456+02', '2024-05-01 10:00:00+00',
     '0044-03-15 00:00:00+00 BC', 'infinity'),
    ('inet', '10.0.0.1', '10.0.0.0/8', '::1', '10.0.0.2'),
    ('bytea', '\x00', '\xff00', '\x', '\x5c'),
    ('interval', '1 day', '1 month', '-03:04:05', '2 days'),
    ('name', 'a', 'b', 'c', 'd'),
    ('public.citext', 'a', 'B', 'c', 'D'),
    ('code', 'a', 'b', 'c', 'd'),
    ('grade', 'z', NULL, 'a', NULL),
    ('int[]', '{1,2}', '{}', '{3}', '{NULL}');

CREATE FUNCTION try_key(key_type text, one text, two text, three text, four text,
                        OUT first text, OUT again text, OUT later text,
                        OUT trace_type text, OUT rejected text,
                        OUT whole bool)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE k (id %s PRIMARY KEY, role text, content text)',
                   key_type);
    EXECUTE format('INSERT INTO k SELECT v.id::%s, v.role, v.content
                    FROM (VALUES ($1, ''user'', ''one''),
                                 ($2, ''user'', ''two''),
                                 ($3, ''nobody'', ''three''))
                         AS v (id, role, content)
                    WHERE v.id IS NOT NULL', key_type)
    USING one, two, three;
    first := run('k', '{"key": ["id"], "owner": null, "role": "role",
                        "content": "content", "time": null}',
                 '{"max_rejects": 1}')::text;
    SELECT migrated || ' of ' || legacy_rows INTO again
    FROM chatmig_migrate('k');
    IF four IS NOT NULL THEN
        EXECUTE format('INSERT INTO k VALUES ($1::%s, ''user'', ''four'')',
                       key_type) USING four;
    END IF;
    SELECT migrated || ' of ' || legacy_rows || ': ' INTO later
    FROM chatmig_migrate('k');
    EXECUTE 'SELECT $1 || string_agg(content, '' '' ORDER BY "position")
             FROM k_m' INTO later USING later;
    trace_type := type_of('k_trace', 'key_1');
    EXECUTE 'SELECT legacy_key, legacy_row = to_jsonb(k)
             FROM chatmig_rejects, k
             WHERE migration = ''k'' AND k.role = ''nobody'''
    INTO rejected, whole;
    PERFORM chatmig_rollback('k');
    PERFORM chatmig_unregister('k');
    DROP TABLE k;
END
$$;
-- The order is that of the type: of numbers as numbers, of enums as declared.
SELECT k.type, t.*
FROM key_types AS k,
     try_key(k.type, k.one, k.two, k.three, k.four) AS t ORDER BY k.n;

-- Composite keys: as a JSON array of texts; the first column orders first.
CREATE TABLE composite (chat uuid, n int, flag bool, role text, content text,
                        PRIMARY KEY (chat, n, flag));
INSERT INTO composite VALUES
    ('00000000-0000-4000-8000-000000000002', 1, true, 'user', 'fifth'),
    ('00000000-0000-4000-8000-000000000001', 10, false, 'user', 'third'),
    ('00000000-0000-4000-8000-000000000001', 9, true, 'user', 'second'),
    ('00000000-0000-4000-8000-000000000001', 9, false, 'user', 'first'),
    ('00000000-0000-4000-8000-000000000001', 10, true, 'nobody', 'fourth');
SELECT * FROM run('composite',
    '{"key": ["chat", "n", "flag"], "session": null, "role": "role",
      "content": "content"}', '{"max_rejects": 1}');
SELECT key_1, key_2, key_3, "position", content
FROM composite_trace AS t JOIN composite_m AS m ON m.id = t.message_ids[1]
ORDER BY "position";
SELECT legacy_key, legacy_row FROM chatmig_rejects
WHERE migration = 'composite';
-- The key is not in the metadata: the trace has it.
SELECT count(metadata) FROM composite_m;

-- A key that chatmig must prove itself: of a view, with the whole row's key.
CREATE VIEW two_columns AS SELECT n, flag, chat, role, content FROM composite
WHERE role = 'user';
SELECT * FROM run('two_columns', '{"key": ["chat", "n", "flag"],
                                   "session": null, "role": "role",
                                   "content": "content"}');
--
-- Owners: conversations have the column with its name and its type
--
CREATE DOMAIN phone AS text CHECK (VALUE LIKE '+%') NOT NULL;
CREATE TABLE owner_types (n serial, type text, one text, two text);
INSERT INTO owner_types (type, one, two) VALUES
    ('int', '1', '2'), ('bigint', '1', '-9223372036854775808'),
    ('uuid', '00000000-0000-4000-8000-000000000001',
     '00000000-0000-4000-8000-000000000002'),
    ('text', 'ann', 'Ann'), ('varchar(20)', 'ann', ''),
    ('char(5)', 'ann', 'bob'), ('public.citext', 'ann', 'Bob'),
    ('phone', '+1', '+2'), ('numeric(8,2)', '1.50', '2'), ('bool', 't', 'f'),
    ('grade', 'z', 'a'), ('inet', '10.0.0.1', '10.0.0.0/8'),
    ('text COLLATE "C"', 'ann', 'Ann');

CREATE FUNCTION try_owner(owner_type text, one text, two text,
                          OUT type text, OUT owners text, OUT later text)
LANGUAGE plpgsql AS $$
DECLARE
    show CONSTANT text :=
        'SELECT string_agg(format(''%s: %s'', who, said), ''; '' ORDER BY said)
         FROM (SELECT c.who, string_agg(m.content, '' '' ORDER BY m."position")
                             AS said
               FROM o_c AS c JOIN o_m AS m ON m.conversation_id = c.id
               GROUP BY c.id, c.who) AS c';
BEGIN
    EXECUTE format('CREATE TABLE o (id int PRIMARY KEY, who %s,
                                    question text, answer text)', owner_type);
    EXECUTE format('INSERT INTO o VALUES (1, %1$L, ''q1''), (2, %2$L, ''q2''),
                                         (3, %1$L, ''q3'')', one, two);
    PERFORM run('o', '{"key": ["id"], "owner": "who", "question": "question",
                       "answer": "answer"}');
    type := type_of('o_c', 'who');
    EXECUTE show INTO owners;
    EXECUTE format('INSERT INTO o VALUES (4, %1$L, ''q4''), (5, %2$L, ''q5'')',
                   one, two);
    PERFORM chatmig_migrate('o');
    EXECUTE show INTO later;
    PERFORM chatmig_rollback('o');
    PERFORM chatmig_unregister('o');
    DROP TABLE o;
END
$$;
SELECT t.*
FROM owner_types AS o, try_owner(o.type, o.one, o.two) AS t ORDER BY o.n;

-- What is equal for its type is one owner: the first row's spelling stays.
CREATE TABLE equals (id int PRIMARY KEY, who citext, question text, answer text);
INSERT INTO equals VALUES (1, 'Ann@x', 'q', NULL), (2, 'ann@X', 'q', NULL),
                          (3, 'bob@x', 'q', NULL);
SELECT * FROM run('equals', '{"key": ["id"], "owner": "who"}');
INSERT INTO equals VALUES (4, 'ANN@X', 'q', NULL);
SELECT conversations, messages FROM chatmig_migrate('equals');
SELECT c.who, count(*) FROM equals_c AS c JOIN equals_m AS m
ON m.conversation_id = c.id GROUP BY c.who ORDER BY c.who;

-- So it is for the table of the owners, and for the rows of others that are
-- linked, whose column may be a text: bob has a game and a cup, Cy has a game
-- and no message, and Dan, who has a cup, is no owner.
CREATE TABLE players (name citext PRIMARY KEY, created_at timestamptz);
INSERT INTO players VALUES ('Bob', '2020-01-01Z'), ('Cy', '2020-01-02Z');
CREATE TABLE played (id int PRIMARY KEY, who citext REFERENCES players, question text,
                     answer text, at timestamptz);
INSERT INTO played VALUES (1, 'bob', 'q', 'a', '2024-05-01Z');
CREATE TABLE games (id int PRIMARY KEY, who citext, conversation uuid);
INSERT INTO games VALUES (1, 'BOB', NULL), (2, 'cy', NULL);
CREATE TABLE cups (id int PRIMARY KEY, who text, conversation uuid);
INSERT INTO cups VALUES (1, 'boB', NULL), (2, 'Dan', NULL);
SELECT chatmig_register('played', '{"owner": "who"}',
    '{"conversations": "played_c", "messages": "played_m", "links": [
      {"table": "games", "owner": "who", "conversation": "conversation"},
      {"table": "cups", "owner": "who", "conversation": "conversation"}]}',
    '{"times": "owner", "empty_owners": true}');
-- Two conversations, three links.
SELECT conversations, messages, links FROM chatmig_migrate('played');
SELECT who, created_at FROM played_c ORDER BY who;
SELECT 'game' AS what, g.id, c.who FROM games AS g LEFT JOIN played_c AS c ON c.id = g.conversation
UNION ALL SELECT 'cup', g.id, c.who FROM cups AS g LEFT JOIN played_c AS c ON c.id = g.conversation
ORDER BY 1, 2;
-- A new game is linked later.
INSERT INTO games VALUES (3, 'bOB', NULL);
SELECT links FROM chatmig_migrate('played', dry_run => true);
SELECT links FROM chatmig_migrate('played');
-- All is as it should be.
SELECT check_name, detail FROM chatmig_validate('played') WHERE status <> 'ok';

-- The owner's column gives way where the name has a meaning of its own.
CREATE TABLE taken (id int PRIMARY KEY, title text, question text, answer text);
INSERT INTO taken VALUES (1, 'ann', 'q', 'a');
SELECT * FROM run('taken', '{"key": ["id"], "owner": "title"}');
SELECT owner_title, title FROM taken_c;

--
-- Times. The session's settings must not matter, so all of it is done twice.
--
-- Each type reads the same moment, 2024-05-01 10:00:00.123456 in Kathmandu,
-- as far as it holds it: at 04:15 UTC. A date is its midnight there.
CREATE TABLE time_types (n serial, type text, value text, epoch text);
INSERT INTO time_types (type, value, epoch) VALUES
    ('timestamp', '2024-05-01 10:00:00.123456', NULL),
    ('timestamp(3)', '2024-05-01 10:00:00.123456', NULL),
    ('timestamptz', '2024-05-01 04:15:00.123456+00', NULL),
    ('date', '2024-05-01', NULL),
    ('text', '2024-05-01 10:00:00.123456', NULL),
    ('varchar(40)', '2024-05-01T04:15:00.123456Z', NULL),
    ('text', '2024-05-01 06:15:00.123456+02', NULL),
    ('int', '1714536900', NULL), ('bigint', '1714536900', NULL),
    ('float8', '1714536900.123456', NULL), ('real', '1714536900', NULL),
    ('numeric', '1714536900.123456', NULL),
    ('numeric(14,3)', '1714536900.123456', NULL),
    ('bigint', '1714536900123', NULL), ('float8', '1714536900123.456', NULL),
    ('numeric', '1714536900123.456', NULL),
    ('bigint', '1714536900123456', NULL), ('float8', '1714536900123456', NULL),
    ('numeric', '1714536900123456', NULL),
    -- what the user says stands, whatever the numbers look like
    ('bigint', '1714536900123', 'microseconds'),
    ('int', '1714536900', 'milliseconds');
CREATE FUNCTION try_time(time_type text, value text, given text,
                         OUT epoch text, OUT at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE t (id int PRIMARY KEY, question text,
                                    answer text, ts %s)', time_type);
    EXECUTE format('INSERT INTO t VALUES (1, ''q'', ''a'', %L)', value);
    PERFORM run('t', jsonb_build_object('key', '["id"]'::jsonb, 'time', 'ts')
                     || CASE WHEN given IS NULL THEN '{}'::jsonb
                        ELSE jsonb_build_object('epoch', given) END,
                '{"time_zone": "Asia/Kathmandu"}');
    SELECT m.mapping ->> 'epoch' INTO epoch FROM chatmig_migration AS m
    WHERE m.name = 't';
    EXECUTE 'SELECT min(created_at) FROM t_m HAVING count(*) = 2' INTO at;
    PERFORM chatmig_rollback('t');
    PERFORM chatmig_unregister('t');
    DROP TABLE t;
END
$$;
CREATE TABLE times_read AS
SELECT time_types.*, t.epoch AS unit, t.at
FROM time_types, try_time(type, value, epoch) AS t;
SELECT type, value, unit, at FROM times_read ORDER BY n;

-- Without the option, times without a zone are UTC's, and so are dates.
CREATE TABLE zoneless (id int PRIMARY KEY, question text, answer text,
                       ts timestamp, d date, "text" text, tz timestamptz,
                       kept interval);
INSERT INTO zoneless VALUES
    (1, 'q', NULL, '2024-05-01 10:00', '2024-05-01', '2024-05-01 10:00',
     '2024-05-01 10:00+00', '1 day 02:00'),
    (2, 'q', NULL, '0044-03-15 BC', '0044-03-15 BC', '0044-03-15 BC',
     '0044-03-15 00:00+00 BC', '-1 month'),
    (3, 'q', NULL, 'infinity', 'infinity', 'infinity', 'infinity', NULL),
    (4, 'q', NULL, NULL, '5874897-12-31', '05/01/2024', NULL, NULL),
    (5, 'q', NULL, NULL, NULL, 'now', NULL, NULL);
CREATE VIEW zoneless_ts AS SELECT * FROM zoneless;
CREATE VIEW zoneless_date AS SELECT * FROM zoneless;
CREATE VIEW zoneless_text AS SELECT * FROM zoneless;
CREATE VIEW zoneless_tz AS SELECT * FROM zoneless;
CREATE FUNCTION run_zoneless() RETURNS TABLE (n int, messages text)
LANGUAGE plpgsql AS $$
DECLARE
    source text;
BEGIN
    FOREACH source IN ARRAY ARRAY['ts', 'date', 'text', 'tz']
    LOOP
        PERFORM run('zoneless_' || source,
                    jsonb_build_object('key', '["id"]'::jsonb, 'time',
                        CASE source WHEN 'date' THEN 'd' ELSE source END),
                    '{"max_rejects": 2, "title": "{first_message}"}');
        RETURN QUERY EXECUTE format(
            'SELECT row_number() OVER (ORDER BY "position")::int,
                    concat_ws('' '', id, extract(epoch FROM created_at),
                              metadata)
             FROM %I', 'zoneless_' || source || '_m');
        RETURN QUERY SELECT 0, concat_ws(' ', legacy_key, code, legacy_row)
        FROM chatmig_rejects WHERE migration = 'zoneless_' || source;
        PERFORM chatmig_rollback('zoneless_' || source);
    END LOOP;
END
$$;
-- Rejected are the date that no time can hold, and texts that are not ISO 8601.
CREATE TABLE zoneless_read AS SELECT * FROM run_zoneless();
SELECT n, split_part(messages, ' ', 2) AS epoch FROM zoneless_read
WHERE n > 0 ORDER BY n, epoch;
SELECT messages FROM zoneless_read WHERE n = 0 ORDER BY messages;

-- The same under other settings: ids, times, kept columns and rejected rows.
SET TimeZone = 'America/St_Johns';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = -5;
CREATE TABLE zoneless_read_again AS SELECT * FROM run_zoneless();
CREATE TABLE times_read_again AS
SELECT time_types.*, t.epoch AS unit, t.at
FROM time_types, try_time(type, value, epoch) AS t;
-- And what they were before, after it.
SHOW TimeZone;
SHOW IntervalStyle;
SET IntervalStyle = 'iso_8601';
RESET bytea_output;
RESET extra_float_digits;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
-- No row, on either side.
(SELECT * FROM zoneless_read EXCEPT ALL SELECT * FROM zoneless_read_again)
UNION ALL
(SELECT * FROM zoneless_read_again EXCEPT ALL SELECT * FROM zoneless_read);
(SELECT * FROM times_read EXCEPT ALL SELECT * FROM times_read_again)
UNION ALL
(SELECT * FROM times_read_again EXCEPT ALL SELECT * FROM times_read);

-- A time beyond the range in its zone is rejected, not wrapped around.
CREATE TABLE edge (id int PRIMARY KEY, question text, answer text, at timestamp);
INSERT INTO edge VALUES (1, 'q', 'a', '294276-12-31 23:59:59'),
                        (2, 'q', 'a', '4714-11-24 00:00:00 BC');
SELECT * FROM run('edge', '{"key": ["id"], "time": "at"}',
                  '{"time_zone": "Asia/Tokyo", "max_rejects": 1}');
SELECT legacy_key, code, legacy_row FROM chatmig_rejects
WHERE migration = 'edge';

-- Texts that the server's own cast does not read as they stand: checking reads
-- them as migrating does. (That of a rejected row, neither reads.)
CREATE TABLE odd (id int PRIMARY KEY, question text, answer text, at text);
INSERT INTO odd VALUES
    (1, 'q', 'a', '20240501T100000-05:00'),
    (2, 'q', 'a', '2024-05-01 10:00:00,5 -05:30 BC'),
    (3, 'q', 'a', '2024-05-01 10:00:00.' || repeat('0', 63) || '1'),
    (4, 'q', 'a', '2024-05-01 10:00:00.' || repeat('0', 200)),
    (5, 'q', 'a', '2024-05-01 10:00:00ZBC');
SELECT * FROM run('odd', '{"key": ["id"], "time": "at"}', '{"max_rejects": 2}');
SELECT legacy_key, code FROM chatmig_rejects
WHERE migration = 'odd' ORDER BY legacy_key;
SELECT check_name, violations FROM chatmig_validate('odd') WHERE status <> 'ok';

--
-- Types of the new ids
--
CREATE TABLE ids (id int PRIMARY KEY, who int, question text, answer text,
                  url text, at timestamptz);
INSERT INTO ids VALUES
    (1, 1, 'q', 'a', 'http://x/1', '2024-05-01 10:00:00.123456+00'),
    (2, 2, 'q', 'a', NULL, '2024-05-01 10:00:01+00'),
    (3, 1, 'q', NULL, 'http://x/2', '2024-05-01 10:00:02+00');
CREATE VIEW ids_uuid AS SELECT * FROM ids;
CREATE VIEW ids_text AS SELECT * FROM ids;
CREATE VIEW ids_bigint AS SELECT * FROM ids;
CREATE FUNCTION run_ids(id_type text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    source text := 'ids_' || id_type;
BEGIN
    PERFORM chatmig_register(source,
        '{"key": ["id"], "owner": "who", "question": "question",
          "answer": "answer", "media": "url", "time": "at"}',
        jsonb_build_object('conversations', source || '_c', 'messages',
                           source || '_m', 'media', source || '_d'),
        jsonb_build_object('id_type', id_type));
    RETURN (SELECT format('%s conversations, %s messages, %s media',
                          conversations, messages, media)
            FROM chatmig_migrate(source));
END
$$;
SELECT id_type, run_ids(id_type)
FROM unnest('{uuid, text, bigint}'::text[]) AS id_type;
SELECT type_of('ids_uuid_c', 'id') AS c, type_of('ids_uuid_m', 'id') AS m,
       type_of('ids_uuid_m', 'conversation_id') AS conversation_id,
       type_of('ids_uuid_m', 'media_id') AS media_id,
       type_of('ids_uuid_trace', 'message_ids') AS message_ids
UNION ALL
SELECT type_of('ids_text_c', 'id'), type_of('ids_text_m', 'id'),
       type_of('ids_text_m', 'conversation_id'),
       type_of('ids_text_m', 'media_id'),
       type_of('ids_text_trace', 'message_ids')
UNION ALL
SELECT type_of('ids_bigint_c', 'id'), type_of('ids_bigint_m', 'id'),
       type_of('ids_bigint_m', 'conversation_id'),
       type_of('ids_bigint_m', 'media_id'),
       type_of('ids_bigint_trace', 'message_ids');

-- uuid: version 7, with the row's milliseconds in front and its part behind
-- them, so that ids sort as the messages do.
SELECT to_timestamp(('x' || left(replace(m.id::text, '-', ''), 12))::bit(48)
                    ::bigint / 1000.0) = date_trunc('milliseconds', m.created_at)
           AS milliseconds,
       substr(m.id::text, 15, 4) AS version_and_part,
       substr(m.id::text, 20, 1) IN ('8', '9', 'a', 'b') AS variant,
       row_number() OVER (ORDER BY m.id)
           = row_number() OVER (ORDER BY m.created_at, m."position") AS sorted
FROM ids_uuid_m AS m ORDER BY m.id;
-- text: a uuid as text.
SELECT count(DISTINCT id::uuid) FROM ids_text_m;

-- bigint: 1, 2, ... in the order of writing. An application's own row then
-- gets the next one, and so does a later run's.
SELECT c.who, m.id, m.conversation_id, m.media_id, m.reply_to_id
FROM ids_bigint_m AS m JOIN ids_bigint_c AS c ON c.id = m.conversation_id
ORDER BY m.id;
SELECT key_1, conversation_id, message_ids, media_id
FROM ids_bigint_trace ORDER BY key_1;
INSERT INTO ids_bigint_c (who) VALUES (3) RETURNING id;
INSERT INTO ids_bigint_m (conversation_id, "position", role, content)
VALUES (1, 3, 'user', 'the application''s') RETURNING id;
INSERT INTO ids_bigint_d (url) VALUES ('http://x/3') RETURNING id;
INSERT INTO ids VALUES
    (4, 1, 'q', 'a', 'http://x/4', '2024-05-01 10:00:03+00'),
    (5, 4, 'q', NULL, NULL, '2024-05-01 10:00:03+00');
SELECT migrated, conversations, messages, media
FROM chatmig_migrate('ids_bigint');
SELECT key_1, conversation_id, message_ids, media_id
FROM ids_bigint_trace WHERE key_1 > 3 ORDER BY key_1;
-- Without the extension's help the sequences go on, too.
INSERT INTO ids_bigint_m (conversation_id, "position", role)
VALUES (3, 0, 'user') RETURNING id;
-- uuid and text have defaults, for the application's own rows.
INSERT INTO ids_uuid_c (who) VALUES (3) RETURNING id IS NOT NULL AS given;
INSERT INTO ids_text_c (who) VALUES (3) RETURNING id::uuid IS NOT NULL AS given;

--
-- Names: camelCase, quotes, keywords, 63 bytes, and those that chatmig's own
-- queries use
--
CREATE TABLE "Chat ""Messages"" it's" (
    "select" int, "messageId" text, "userId" int, "the ""text"" it's \" text,
    "Sender" text, "createdAt" timestamp(3),
    "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow1" int,
    s text, q text, t text, m text, f text, g text, key_1 int, at text, run int,
    known bool, "position" int, metadata text, missing bool, "%s" text,
    PRIMARY KEY ("select", "messageId"));
INSERT INTO "Chat ""Messages"" it's" VALUES
    (1, 'a', 7, 'hello', 'USER', '2024-05-01 10:00:00.123', 5, 's', 'q', 't',
     'm', 'f', 'g', 1, 'at', 2, true, 3, 'meta', false, '%d'),
    (1, 'b', 7, 'there', 'BOT', NULL, 5, 's', 'q', 't',
     'm', 'f', 'g', 1, 'at', 2, true, 3, 'meta', false, '%d'),
    (2, 'a', 7, 'never', 'Nobody', NULL, 5, 's', 'q', 't',
     'm', 'f', 'g', 1, 'at', 2, true, 3, 'meta', false, '%d');
SELECT * FROM run('Chat "Messages" it''s',
    '{"key": ["select", "messageId"], "owner": "userId",
      "content": "the \"text\" it''s \\", "role": "Sender",
      "time": "createdAt", "metadata": null, "session": null, "model": null}',
    '{"max_rejects": 1}');
SELECT c."userId", m."position", m.role, m.content, m.created_at,
       jsonb_pretty(m.metadata) AS metadata
FROM "Chat ""Messages"" it's_c" AS c
     JOIN "Chat ""Messages"" it's_m" AS m ON m.conversation_id = c.id
ORDER BY m."position";
SELECT legacy_key, reason FROM chatmig_rejects
WHERE migration LIKE 'Chat%';
-- Corrected, and with a row more, it goes on.
UPDATE "Chat ""Messages"" it's" SET "Sender" = 'BOT' WHERE "select" = 2;
INSERT INTO "Chat ""Messages"" it's" ("select", "messageId", "userId", "Sender",
                                     "the ""text"" it's \")
VALUES (0, 'x', 7, 'USER', 'last');
SELECT already, migrated, rejected, conversations, messages
FROM chatmig_migrate('Chat "Messages" it''s');
SELECT string_agg(content, ' ' ORDER BY "position")
FROM "Chat ""Messages"" it's_m";

-- A table, a migration and targets with names of 63 bytes.
CREATE TABLE "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow2"
    ("aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow3" int
     PRIMARY KEY,
     "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow4" int,
     question text, answer text);
INSERT INTO "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow2"
VALUES (1, 7, 'q', 'a');
SELECT chatmig_register(
    '"aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow2"',
    '{"owner":
      "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow4"}',
    '{"conversations":
      "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow5",
      "messages":
      "aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow6"}');
SELECT migrated, messages FROM chatmig_migrate(
    'aVeryLongNameThatHasExactlySixtyThreeBytesSoThatNothingFitsNow2');
SELECT relname, length(relname) FROM pg_class
WHERE relnamespace = 'types'::regnamespace AND relname LIKE 'aVeryLong%'
      AND relkind = 'r' ORDER BY relname;

SET client_min_messages = warning;
DROP SCHEMA types CASCADE;
DROP EXTENSION citext;
DROP EXTENSION chatmig;
