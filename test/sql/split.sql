--
-- split.c: legacy rows in, messages out, by tables of cases
--
-- Without an owner and a time all rows of a table make one conversation, in
-- the order of their keys.
--
CREATE EXTENSION chatmig;
CREATE SCHEMA split;
SET search_path = split, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\pset null NULL

-- Registers and migrates a table into tables of its own.
CREATE FUNCTION run(source text, mapping jsonb, options jsonb DEFAULT '{}',
                    OUT legacy_rows bigint, OUT already bigint,
                    OUT migrated bigint, OUT empty bigint, OUT rejected bigint,
                    OUT conversations bigint, OUT messages bigint,
                    OUT media bigint)
LANGUAGE sql AS $$
    SELECT chatmig_register(source, mapping,
                            jsonb_build_object('conversations', source || '_c',
                                               'messages', source || '_m',
                                               'media', source || '_media'),
                            options);
    SELECT legacy_rows, already, migrated, empty, rejected, conversations,
           messages, media
    FROM chatmig_migrate(source)
$$;

-- Its messages in order: of which key and which part, and which position they
-- reply to. A message that no row leads to has no key.
CREATE FUNCTION messages(source text)
RETURNS TABLE (key text, part bigint, "position" int, role text, content text,
               model text, tokens bigint, metadata jsonb, url text, type text,
               reply_to int)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.key_1::text, t.part, m."position", m.role, m.content,
                m.model, m.tokens::bigint, m.metadata, %s, r."position"
         FROM %I AS m
              LEFT JOIN (SELECT t.*, u.* FROM %I AS t,
                                unnest(t.message_ids) WITH ORDINALITY
                                AS u (message_id, part)) AS t
              ON t.message_id = m.id
              LEFT JOIN %I AS r ON r.id = m.reply_to_id
              %s
         ORDER BY m."position"',
        CASE WHEN to_regclass(source || '_media') IS NULL
             THEN 'NULL::text, NULL::text' ELSE 'd.url, d.type' END,
        source || '_m', source || '_trace', source || '_m',
        CASE WHEN to_regclass(source || '_media') IS NOT NULL
             THEN format('LEFT JOIN %I AS d ON d.id = m.media_id',
                         source || '_media') ELSE '' END);
END
$$;

--
-- Halves of pairs
--
CREATE TABLE halves (id int PRIMARY KEY, q text, a text, note text);
INSERT INTO halves VALUES
    (1, 'a question', 'its answer', NULL),
    (2, '', 'a proactive answer', NULL),
    (3, NULL, 'another one', NULL),
    (4, 'never answered', '', NULL),
    (5, 'nor this', NULL, NULL),
    (6, '', '', NULL),
    (7, NULL, NULL, NULL),
    (8, NULL, '', 'a note alone is no message'),
    (9, ' ', E'\n\t', NULL),
    (10, 'twice', 'the same', NULL),
    (11, 'twice', 'the same', NULL);

-- 11 rows, of which 3 are empty; 12 messages in one conversation.
SELECT * FROM run('halves', '{"key": ["id"], "question": "q", "answer": "a"}');

-- An answer replies to the question of its row alone; blanks are messages.
SELECT key, part, "position", role, to_json(content) AS content, reply_to
FROM messages('halves');

-- The trace has each half at its place.
SELECT key_1, array_length(message_ids, 1) AS parts,
       array_position(message_ids, NULL) AS missing
FROM halves_trace ORDER BY key_1;

-- Nothing in a table of nothing: tables without rows.
CREATE TABLE nothing (id int PRIMARY KEY, q text, a text);
SELECT * FROM run('nothing', '{"key": ["id"], "question": "q", "answer": "a"}');
SELECT * FROM messages('nothing');
CREATE TABLE all_null (id int PRIMARY KEY, who int, q text, a text,
                       at timestamptz, model text, tokens int, meta jsonb,
                       url text);
INSERT INTO all_null VALUES (1), (2), (3);
SELECT * FROM run('all_null',
    '{"key": ["id"], "owner": "who", "question": "q", "answer": "a",
      "time": "at", "model": "model", "tokens": "tokens", "metadata": "meta",
      "media": "url"}');

--
-- Texts, byte for byte
--
CREATE TABLE texts (id int PRIMARY KEY, q text, a varchar);
INSERT INTO texts VALUES
    (1, repeat('1 MB of text; ', 74899), repeat(chr(128512), 262144)),
    (2, chr(128512) || chr(119070) || chr(1114109), chr(65533) || chr(1)),
    (3, '{"role": "user", "content": "a\u0000b"}', '[1, {"a": null}]'),
    (4, E'it''s "quoted" \\ \\n %s $1 $$', E'C:\\new\r\n\r\n\ttab\b\f'),
    (5, E'\nline\n', '   blanks before and behind   ');
-- Not compressed and outside of the row, so that every way of storing it comes.
ALTER TABLE texts ADD COLUMN more text;
ALTER TABLE texts ALTER COLUMN more SET STORAGE EXTERNAL;
UPDATE texts SET more = repeat('outside', 1000) WHERE id = 1;
SELECT * FROM run('texts', '{"key": ["id"], "question": "q", "answer": "a"}');
SELECT m.key, m.part, length(m.content), octet_length(m.content),
       md5(m.content) = md5(CASE m.part WHEN 1 THEN t.q ELSE t.a END) AS same
FROM messages('texts') AS m JOIN texts AS t ON t.id = m.key::int
ORDER BY m."position";
SELECT key, part, metadata ->> 'more' = repeat('outside', 1000) AS kept
FROM messages('texts') WHERE key = '1';

-- json and jsonb halves are their text; an empty object is not empty.
CREATE TABLE jsons (id int PRIMARY KEY, q json, a jsonb);
INSERT INTO jsons VALUES (1, '{ "b":1,  "a":2 }', '{ "b":1,  "a":2 }'),
                         (2, '""', 'null'), (3, '{}', '[]'), (4, NULL, NULL);
SELECT * FROM run('jsons', '{"key": ["id"], "question": "q", "answer": "a"}');
SELECT key, part, "position", role, content FROM messages('jsons');

--
-- Model and tokens: the model on both halves, the tokens on the answer, for
-- they are what the model was paid for; without an answer, on the question
--
CREATE TABLE paid (id int PRIMARY KEY, q text, a text, model text, tokens int);
INSERT INTO paid VALUES (1, 'q', 'a', 'gpt', 5), (2, 'q', NULL, 'gpt', 6),
                        (3, NULL, 'a', 'gpt', 7), (4, 'q', 'a', NULL, NULL),
                        (5, 'q', 'a', '', 0);
SELECT * FROM run('paid', '{"key": ["id"], "question": "q", "answer": "a",
                            "model": "model", "tokens": "tokens"}');
SELECT key, part, role, model, tokens, metadata FROM messages('paid');

-- In a flat table each message has its own; bigint stays bigint.
CREATE TYPE model AS ENUM ('small', 'large');
CREATE TABLE flat_paid (id int PRIMARY KEY, r text, t text, model model,
                        tokens bigint);
INSERT INTO flat_paid VALUES (1, 'user', 'q', NULL, 3),
                             (2, 'assistant', 'a', 'large', 5000000000);
SELECT * FROM run('flat_paid', '{"key": ["id"], "role": "r", "content": "t",
                                 "model": "model", "tokens": "tokens"}');
SELECT key, role, model, tokens FROM messages('flat_paid');
SELECT attname, atttypid::regtype FROM pg_attribute
WHERE attrelid = 'flat_paid_m'::regclass AND attname IN ('model', 'tokens');

--
-- Media belong to the question; without words they make its message alone
--
CREATE TABLE media_pair (id int PRIMARY KEY, who text, q text, a text,
                         url text, kind varchar(10), at timestamptz);
INSERT INTO media_pair VALUES
    (1, 'ann', 'look', 'nice', 'http://x/1.png', 'image', '2024-01-01 00:00:01'),
    (2, 'ann', '', 'what is it?', 'http://x/2.png', NULL, '2024-01-01 00:00:02'),
    (3, 'ann', NULL, NULL, 'http://x/3.png', 'image', '2024-01-01 00:00:03'),
    (4, 'ann', 'no medium', 'so', '', 'image', '2024-01-01 00:00:04'),
    (5, 'ann', NULL, 'nor here', NULL, 'image', '2024-01-01 00:00:05'),
    (6, 'ann', NULL, '', '', 'image', '2024-01-01 00:00:06'),
    (7, 'ann', 'again', 'nice', 'http://x/1.png', 'image',
     '2024-01-01 00:00:07');
-- 4 media: the same picture twice is two. Row 6 holds nothing.
SELECT * FROM run('media_pair',
    '{"key": ["id"], "owner": "who", "question": "q", "answer": "a",
      "media": "url", "media_type": "kind", "time": "at"}');
SELECT key, part, "position", role, content, url, type, reply_to
FROM messages('media_pair');
-- A medium has its owner and its row's time, and the trace leads to it.
SELECT t.key_1, d.who, d.url, d.type, d.summary, d.metadata, d.created_at
FROM media_pair_media AS d
     FULL JOIN media_pair_trace AS t ON t.media_id = d.id ORDER BY t.key_1;

CREATE TABLE media_flat (id int PRIMARY KEY, r text, t text, url text);
INSERT INTO media_flat VALUES
    (1, 'user', 'look', 'http://x/1.png'),
    (2, 'user', '', 'http://x/2.png'),
    (3, 'assistant', NULL, 'http://x/3.png'),
    (4, NULL, '', ''),
    (5, 'nobody', NULL, NULL);
-- Rows 4 and 5 hold nothing, so that their roles do not matter.
SELECT * FROM run('media_flat', '{"key": ["id"], "role": "r", "content": "t",
                                  "media": "url"}');
SELECT key, "position", role, content, url, type FROM messages('media_flat');

--
-- Metadata
--
-- Alone: an object is the metadata; what is none stays under the column's name.
CREATE TABLE mapped (id int PRIMARY KEY, q text, a text, meta jsonb);
INSERT INTO mapped VALUES
    (1, 'q', 'a', '{"a": 1, "b": {"c": [null]}}'), (2, 'q', NULL, '[1, "x"]'),
    (3, 'q', NULL, '"text"'), (4, 'q', NULL, '17.50'), (5, 'q', NULL, 'null'),
    (6, 'q', NULL, '{}'), (7, 'q', NULL, NULL);
SELECT * FROM run('mapped', '{"key": ["id"], "question": "q", "answer": "a",
                              "metadata": "meta"}');
SELECT key, part, metadata FROM messages('mapped');

-- With kept columns: they join the object, unless a name is in both; then the
-- object stays whole under its column's name. NULLs are kept beside values.
CREATE TABLE kept (id int PRIMARY KEY, q text, a text, meta jsonb, lang text,
                   "Kept ""so"" it's" int);
INSERT INTO kept VALUES
    (1, 'q', 'a', '{"a": 1}', 'en', 5), (2, 'q', NULL, '{"a": 1}', NULL, 5),
    (3, 'q', NULL, '{"a": 1}', NULL, NULL),
    (4, 'q', NULL, '{"lang": "de", "a": 1}', 'en', 5),
    (5, 'q', NULL, '{"lang": "de"}', NULL, NULL),
    (6, 'q', NULL, '{"chatmig_time_missing": "mine"}', 'en', NULL),
    (7, 'q', NULL, '[1]', 'en', NULL), (8, 'q', NULL, 'null', NULL, NULL),
    (9, 'q', NULL, NULL, 'en', NULL), (10, 'q', NULL, NULL, NULL, NULL);
SELECT * FROM run('kept', '{"key": ["id"], "question": "q", "answer": "a",
                            "metadata": "meta"}');
SELECT key, part, metadata FROM messages('kept');

-- json that jsonb cannot hold is kept as a string: \u0000, and halves of
-- surrogate pairs. A whole pair is a character, and a backslash is a backslash.
CREATE TABLE held (id int PRIMARY KEY, q text, a text, meta json, extra json);
INSERT INTO held VALUES
    (1, 'q', NULL, '{"a":"\u0000"}', NULL),
    (2, 'q', NULL, NULL, '{"a":"\u0000"}'),
    (3, 'q', NULL, '{"b":  1}', '{"a":"cut \ud83d"}'),
    (4, 'q', NULL, '{"a":"\ude00\ud83d"}', '{"a":  1}'),
    (5, 'q', NULL, '{"a":"\ud83d\ude00"}', '"\uD83D\uDE00"'),
    (6, 'q', NULL, '{"a":"\\ud83d"}', '"\\ud83d\ude00"'),
    (7, 'q', NULL, '{"a":1,"a":2}', '[1,  "\u00e9"]');
SELECT * FROM run('held', '{"key": ["id"], "question": "q", "answer": "a",
                            "metadata": "meta"}');
SELECT key, metadata FROM messages('held');
SELECT bool_and(metadata ->> 'meta' = meta::text) AS same_1_4
FROM messages('held') AS m JOIN held AS h ON h.id = m.key::int
WHERE h.id IN (1, 4);

-- Columns of any type.
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE place AS (x int, note text);
CREATE TABLE odd (id int PRIMARY KEY, q text, a text,
    n numeric, big numeric, f float8, by bytea, arr text[], ints int[][],
    m mood, p place, b bool, u uuid, d date, ts timestamp, tz timestamptz,
    iv interval, r int4range, c char(5), x xml, i inet, s jsonb[]);
INSERT INTO odd VALUES
    (1, 'q', NULL, 1.50, 123456789012345678901234567890.123456789, 0.1,
     '\x00ff', '{x,NULL,"","a\"b"}', '{{1,2},{3,4}}', 'good', '(1,)', true,
     '00000000-0000-4000-8000-000000000001', '0044-03-15 BC', 'infinity',
     '2024-05-01 10:00:00.123456+02', '1 year 2 days 03:04:05', '[1,5)', 'ab',
     '<a/>', '10.0.0.1', '{"{\"a\": 1}"}'),
    (2, 'q', NULL, 'NaN', 0, '-infinity', '', '{}', NULL, 'bad', NULL, false,
     NULL, 'infinity', NULL, NULL, NULL, 'empty', '', NULL, NULL, NULL);
SELECT * FROM run('odd', '{"key": ["id"], "question": "q", "answer": "a",
                           "time": null}');
SELECT key, jsonb_pretty(metadata) AS metadata FROM messages('odd');

-- 120 columns and a column s; 121 names, each with its value.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE wide (id int PRIMARY KEY, q text, a text, s text, '
            || (SELECT string_agg(format('c%s int', i), ', ')
                FROM generate_series(1, 120) AS i) || ')';
END
$$;
INSERT INTO wide (id, q, c1, c50, c120, s) VALUES (1, 'q', 1, 50, 120, 's');
INSERT INTO wide (id, q) VALUES (2, 'nothing to keep');
INSERT INTO wide (id, q, c120) VALUES (3, 'the last alone', 120);
SELECT * FROM run('wide', '{"key": ["id"], "question": "q", "answer": "a"}');
SELECT key, (SELECT count(*) FROM jsonb_object_keys(metadata)) AS names,
       jsonb_strip_nulls(metadata) AS not_null
FROM messages('wide');

--
-- Roles
--
-- Known spellings, in any case; no metadata, since nothing is lost.
CREATE TABLE known (id serial PRIMARY KEY, r varchar(30), t text DEFAULT 't');
INSERT INTO known (r) VALUES
    ('user'), ('USER'), ('Human'), ('customer'), ('client'), ('visitor'),
    ('guest'), ('userMessage'), ('user_message'), ('HumanMessage'),
    ('assistant'), ('ASSISTANT'), ('ai'), ('Bot'), ('Machine'), ('agent'),
    ('model'), ('chatbot'), ('gpt'), ('LLM'), ('apiMessage'), ('AIMessage'),
    ('assistant_message'), ('system'), ('SystemMessage'), ('developer'),
    ('tool'), ('function'), ('ToolMessage');
SELECT * FROM run('known', '{"key": ["id"], "role": "r", "content": "t"}');
SELECT m.role, string_agg(k.r, ', ' ORDER BY k.id) AS spellings,
       count(m.metadata) AS with_metadata
FROM messages('known') AS m JOIN known AS k ON k.id = m.key::int
GROUP BY m.role ORDER BY min(k.id);

-- Spellings of the user's come first, are compared as they are, and are kept
-- in the metadata; a known spelling beside them is not.
CREATE TABLE named (id int PRIMARY KEY, "Sender" text, t text, extra int);
INSERT INTO named VALUES
    (1, 'lyra', 't', 1), (2, 'user', 't', NULL), (3, 'northstar', 't', NULL),
    (4, 'agent', 't', 2), (5, 'it''s \me "x"', 't', NULL);
SELECT * FROM run('named', '{"key": ["id"], "role": "Sender", "content": "t",
    "roles": {"lyra": "assistant", "northstar": "assistant", "agent": "user",
              "it''s \\me \"x\"": "system"}}');
SELECT key, role, metadata FROM messages('named');

-- Unknown and missing roles are rejected, each row whole and with its reason:
-- '' and blanks are no role, nor is a spelling of the user's in another case.
CREATE TABLE refused (id int PRIMARY KEY, r text, t text, meta json);
INSERT INTO refused VALUES
    (1, 'user', 'good', NULL), (2, 'lyra', 'unknown', '{"a":"\u0000"}'),
    (3, NULL, 'missing', '{"b":  1}'), (4, '', 'empty', NULL),
    (5, ' user', 'blank', NULL), (6, 'Me', 'case', NULL), (7, 'me', 'me', NULL);
SELECT * FROM run('refused', '{"key": ["id"], "role": "r", "content": "t",
                               "metadata": "meta", "roles": {"me": "user"}}',
                  '{"max_rejects": 5}');
SELECT key, "position", role, content FROM messages('refused');
SELECT migration, legacy_key, code, reason, legacy_row
FROM chatmig_rejects ORDER BY legacy_key;

-- A boolean's name says whose message true is.
CREATE TABLE flag (id int PRIMARY KEY, is_user bool, t text);
INSERT INTO flag VALUES (1, true, 't'), (2, false, 't'), (3, NULL, 't');
SELECT * FROM run('flag', '{"key": ["id"], "role": "is_user", "content": "t"}',
                  '{"max_rejects": 1}');
SELECT key, role, metadata FROM messages('flag');
CREATE TABLE bot_flag (id int PRIMARY KEY, is_bot bool, t text);
INSERT INTO bot_flag VALUES (1, true, 't'), (2, false, 't');
SELECT * FROM run('bot_flag',
                  '{"key": ["id"], "role": "is_bot", "content": "t"}');
SELECT key, role, metadata FROM messages('bot_flag');

-- Integers 0 and 1 likewise; another number is unknown.
CREATE TABLE number_flag (id int PRIMARY KEY, from_user smallint, t text);
INSERT INTO number_flag VALUES (1, 1, 't'), (2, 0, 't'), (3, 2, 't');
SELECT * FROM run('number_flag',
                  '{"key": ["id"], "role": "from_user", "content": "t"}',
                  '{"max_rejects": 1}');
SELECT key, role, metadata FROM messages('number_flag');
SELECT legacy_key, code, reason FROM chatmig_rejects
WHERE migration IN ('flag', 'number_flag') ORDER BY migration;

-- Numbers that only the user can explain.
CREATE TABLE coded (id int PRIMARY KEY, kind int, t text);
INSERT INTO coded VALUES (1, 1, 't'), (2, 2, 't'), (3, -1, 't');
SELECT * FROM run('coded', '{"key": ["id"], "role": "kind", "content": "t",
    "roles": {"1": "user", "2": "assistant", "-1": "tool"}}');
SELECT key, role, metadata FROM messages('coded');

-- An enum, with known labels and one of the user's.
CREATE TYPE sender AS ENUM ('USER', 'BOT', 'SYSTEM', 'aurora');
CREATE TABLE labelled (id int PRIMARY KEY, sender sender, t text);
INSERT INTO labelled VALUES (1, 'USER', 't'), (2, 'BOT', 't'),
                            (3, 'SYSTEM', 't'), (4, 'aurora', 't');
SELECT * FROM run('labelled',
    '{"key": ["id"], "role": "sender", "content": "t",
      "roles": {"aurora": "assistant"}}');
SELECT key, role, metadata FROM messages('labelled');

SET client_min_messages = warning;
DROP SCHEMA split CASCADE;
DROP EXTENSION chatmig;
