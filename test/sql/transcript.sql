--
-- Transcripts: JSON in, messages out, by tables of cases; and what checking,
-- later runs and a rollback make of rows that hold many messages
--
CREATE EXTENSION chatmig;
CREATE SCHEMA transcript;
SET search_path = transcript, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\pset null NULL

-- Registers and migrates a table into tables of its own.
CREATE FUNCTION run(source text, mapping jsonb, options jsonb DEFAULT '{}',
                    OUT legacy_rows bigint, OUT migrated bigint,
                    OUT empty bigint, OUT rejected bigint,
                    OUT conversations bigint, OUT messages bigint)
LANGUAGE sql AS $$
    SELECT chatmig_register(source, '{"key": ["id"], "path": "$[*]"}' || mapping,
                            jsonb_build_object('conversations', source || '_c',
                                               'messages', source || '_m'),
                            options);
    SELECT legacy_rows, migrated, empty, rejected, conversations, messages
    FROM chatmig_migrate(source)
$$;

-- Its messages in order, with the part of the message that each replies to.
CREATE FUNCTION messages(source text)
RETURNS TABLE (key text, part bigint, role text, content text, at timestamptz,
               model text, tokens bigint, metadata jsonb, reply_to bigint)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH t AS (SELECT t.key_1::text, u.* FROM %I AS t,
                           unnest(t.message_ids) WITH ORDINALITY AS u (id, part))
         SELECT t.key_1, t.part, m.role, m.content, m.created_at, m.model,
                m.tokens::bigint, m.metadata, r.part
         FROM %I AS m LEFT JOIN t USING (id) LEFT JOIN t AS r ON r.id = m.reply_to_id
         ORDER BY m."position"',
        source || '_trace', source || '_m');
END
$$;

-- What is not ok.
CREATE FUNCTION faults(source text)
RETURNS TABLE (check_name text, status text, violations bigint, detail text)
LANGUAGE sql AS $$
    SELECT check_name, status, violations, detail FROM chatmig_validate(source)
    WHERE status <> 'ok' AND check_name <> 'legacy_rejected'
$$;

--
-- What jsonb cannot hold is found without an error
--
SELECT json, chatmig_json_fault(json) AS fault
FROM unnest(ARRAY['{"a": [1, "x", null, true, -1.5e-3]}', '7', '"x"', 'null', ' [ ] ',
                  '"\u00e9 \ud83d\ude00 \\ud83d \\\" \\u0000"',
                  '', ' ', 'hello', '{', '[1,]', '{"a" 1}', '[1] [2]', E'"\n"',
                  '{''a'': 1}', '"\u12"', '"\x"', '01', 'NaN',
                  '"\u0000"', '"\ud83d"', '"\ud83dx"', '"\ude00\ud83d"', '"\ud83d\u0041"',
                  '1e200000', '-1e-20000', '1e131071', '1e-16383', '1e-16384',
                  '9e99999999999999999999', '0.5e-16382', '0.5e-16383']) AS json;

-- Numbers that are no fault are numbers; 1e200000 would have been an error.
SELECT bool_and(json::jsonb IS NOT NULL)
FROM unnest(ARRAY['1e131071', '1e-16383', '0.5e-16382']) AS json
WHERE chatmig_json_fault(json) IS NULL;

-- 500 levels pass, 501 do not, 1,000,000 do not exhaust the stack; brackets in
-- strings are none.
SELECT n, chatmig_json_fault(repeat('[', n) || repeat(']', n)) AS fault
FROM unnest(ARRAY[500, 501, 1000000]) AS n;
SELECT chatmig_json_fault(format('["%s"]', repeat('[{\"', 1000))) AS fault;

-- Numbers that are short until they are written: 2047 of 131,072 digits pass,
-- one more does not; digits behind the point count, too.
SELECT n, chatmig_json_fault('[1' || repeat(',1e131071', n) || ']') AS fault
FROM unnest(ARRAY[2047, 2048]) AS n;
SELECT n, chatmig_json_fault('[1' || repeat(',-1e-16383', n) || ']') AS fault
FROM unnest(ARRAY[16381, 16384]) AS n;

-- 8,000,000 members would not fit into the server's memory for one array; a
-- long word is not repeated whole.
SELECT chatmig_json_fault('[' || repeat('1,', 8000000) || '1]') AS fault;
SELECT length(chatmig_json_fault(repeat('x', 1000000))) AS length;

--
-- Elements: each line a row
--
CREATE TABLE elements (id int PRIMARY KEY, said text);
INSERT INTO elements (id, said)
SELECT n, line FROM regexp_split_to_table($$[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
[{"type": "human", "data": {"content": "LangChain", "additional_kwargs": {}, "type": "human", "example": false}}, {"type": "ai", "data": {"content": "yes"}}, {"data": {"type": "human", "content": "inner role"}}]
[{"type": "userMessage", "message": "Flowise"}, {"type": "apiMessage", "message": "yes", "sourceDocuments": [1]}]
[{"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "in message"}], "id": "m1"}, "uuid": "u1"}]
[{"sender": "bot", "text": "sender"}, {"from": "visitor", "body": "from"}, {"author": {"role": "user", "name": "Ada"}, "content": {"content_type": "text", "parts": ["ChatGPT", "export"]}}]
[{"role": "user", "parts": [{"text": "Gemini"}]}, {"role": "model", "parts": [{"text": "one"}, {"text": "two"}]}]
[{"type": "message", "role": "user", "content": "role first"}, {"type": "message", "sender": "bot", "content": "the known one"}]
[{"role": "", "type": "human", "content": null, "text": "", "message": [], "body": {}, "parts": ["the first that is filled"]}]
[{"role": "user", "content": "content", "text": "text", "message": "message"}]
[{"role": "user", "content": ["a", "", "b"]}, {"role": "user", "content": ["one"]}, {"role": "user", "content": [{"type": "text", "text": "plain"}]}, {"role": "user", "content": {"type": "text", "text": "one part"}}]
[{"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "x"}}]}, {"role": "user", "content": [{"type": "input_text", "text": "typed"}]}, {"role": "user", "content": [{"type": "text", "text": "cached", "cache": 1}]}]
[{"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {}}]}, {"role": "tool", "content": {"b": 1, "a": [true]}}, {"role": "user", "content": [1, null]}]
[{"role": "user", "content": 42}, {"role": "user", "content": 1.50}, {"role": "user", "content": false}, {"role": "user", "content": " "}, {"role": "user", "content": "\n\t"}, {"role": "user", "content": "😀\ud83d\ude00\\ \"q\""}]
[{"role": "user", "content": "one", "role": "assistant", "content": "two"}]
[{"role": "user", "content": "x", "id": 7, "tool_calls": [{"a": null}], "name": null, "tokens": 5}]
[{"role": "user", "content": "x", "id": 7, "metadata": {"a": 1, "b": {"c": 2}}}, {"role": "user", "content": "clash", "id": 7, "metadata": {"id": 8}}, {"role": "user", "content": "no object", "metadata": [1]}, {"role": "user", "content": "none", "metadata": {}}]
[{"role": "user", "content": "x", "model": "gpt"}, {"role": "user", "content": "x", "model": 4}, {"role": "user", "content": "x", "model": ""}]$$, '\n')
WITH ORDINALITY AS l (line, n);

-- All come through, in one conversation, byte for byte.
SELECT * FROM run('elements', '{"transcript": "said"}');
-- A part beside its text, or several, keep the array; a part alone does not.
-- Without any text the content is the JSON. Of two members with one name the
-- last counts. Members without a part are metadata.
SELECT key, part, role, content, model, metadata, reply_to
FROM messages('elements') WHERE key NOT IN ('13');
SELECT part, to_json(content) FROM messages('elements') WHERE key = '13';
-- And checking says so in its own words.
SELECT * FROM faults('elements');

--
-- What is no message: each with its code; the others of the row come through
--
CREATE TABLE bad (id int PRIMARY KEY, said text, lang text);
INSERT INTO bad VALUES
    (1, '[{"role": "user", "content": "good"}, {"content": "no role"}, {"role": "assistant", "content": "also good"}]', 'en'),
    (2, 'hello', NULL),
    (3, '{"role": "user", "content": "cut', NULL),
    (4, '[]', NULL),
    (5, '[{}]', NULL),
    (6, NULL, 'NULL holds nothing'),
    (7, '', 'nor does an empty text'),
    (8, ' ', 'blanks are no JSON'),
    (9, '["a string", 1, null, true, ["an array"], {"role": "user", "content": "the last"}]', NULL),
    (10, '[{"role": 1, "content": "x"}, {"role": true, "content": "x"}, {"role": null, "content": "x"}, {"role": [], "content": "x"}, {"author": {"name": "Ada"}, "content": "x"}]', NULL),
    (11, format('[{"role": "%s", "content": "x"}]', repeat('é', 100)), NULL),
    (12, '[{"role": "user"}, {"role": "user", "content": null}, {"role": "user", "content": ""}, {"role": "user", "content": []}, {"role": "user", "content": {}}, {"role": "user", "content": ["", {"text": ""}]}, {"role": "user", "message": {"id": 1}}]', NULL),
    (13, '[{"role": "user", "content": "x", "time": "10:30 AM"}, {"role": "user", "content": "x", "ts": 1e17}, {"role": "user", "content": "x", "date": {"a": 1}}, {"role": "user", "content": "x", "at": true}]', NULL),
    (14, '[{"role": "user", "content": "a\u0000b"}]', NULL),
    (15, '[{"role": "user", "content": "x", "n": 1e200000}]', NULL),
    (16, repeat('[', 501) || repeat(']', 501), NULL),
    (17, '123', NULL), (18, '"text"', NULL), (19, 'null', NULL), (20, '{"messages": []}', NULL);

-- Before it is migrated, checking warns of all of it.
SELECT chatmig_register('bad', '{"key": ["id"], "transcript": "said", "path": "$[*]"}');
SELECT legacy_key, detail FROM chatmig_violations('bad', 'legacy_content') ORDER BY legacy_key::int, detail;
SELECT legacy_key, detail FROM chatmig_violations('bad', 'legacy_role') ORDER BY legacy_key::int, detail;
SELECT legacy_key, detail FROM chatmig_violations('bad', 'legacy_time') ORDER BY legacy_key::int, detail;
SELECT legacy_key, detail FROM chatmig_violations('bad', 'legacy_empty') ORDER BY legacy_key::int, detail;
SELECT chatmig_unregister('bad');

-- No more than are allowed.
SELECT * FROM run('bad', '{"transcript": "said"}');
-- 2 rows with good messages, 2 empty ones, 16 rejected.
SELECT * FROM run('bad', '{"transcript": "said"}', '{"max_rejects": 100}');
-- The answer of row 1 does not reply: what was between is not known.
SELECT key, part, role, content, metadata, reply_to FROM messages('bad');
SELECT legacy_key, part, code, reason FROM chatmig_rejects
WHERE migration = 'bad' ORDER BY legacy_key::int, part;
-- A message that is rejected is kept with its row's columns, and without the
-- row's other messages; a row, whole.
SELECT legacy_key, part, partial, legacy_row FROM chatmig_rejected
WHERE migration = 'bad' AND legacy_key IN ('1', '2', '9', '15')
ORDER BY legacy_key::int, part;
-- Nothing is missing.
SELECT * FROM faults('bad');
SELECT key_1, array_length(message_ids, 1) AS parts, num_nulls(VARIADIC message_ids) AS missing
FROM bad_trace ORDER BY key_1;

-- Numbers and spellings of the user's are roles, and are kept as they were; so
-- is a known spelling that is to mean something else.
CREATE TABLE spelled (id int PRIMARY KEY, said jsonb);
INSERT INTO spelled VALUES (1, '[{"role": 0, "content": "0"}, {"role": "Lyra", "content": "Lyra"}, {"role": "USER", "content": "USER"}, {"role": "agent", "content": "agent"}, {"role": true, "content": "true"}]');
SELECT * FROM run('spelled', '{"transcript": "said", "roles": {"0": "user", "Lyra": "assistant", "agent": "user", "true": "system"}}');
SELECT part, role, content, metadata FROM messages('spelled');
SELECT * FROM faults('spelled');

--
-- Numbers whose text the server could not hold: a row is rejected, the others
-- come through, whatever the column's type
--
CREATE TABLE digits_json AS
SELECT id, format('[{"role": "user", "content": [%s1e131071]}]', repeat('1e131071,', n))::json AS said
FROM (VALUES (1, 1), (2, 8999)) AS v (id, n);
CREATE TABLE digits_jsonb AS SELECT id, said::jsonb FROM digits_json;
SELECT * FROM run('digits_json', '{"transcript": "said"}', '{"max_rejects": 1}');
SELECT * FROM run('digits_jsonb', '{"transcript": "said"}', '{"max_rejects": 1}');
SELECT length(content) FROM messages('digits_json') UNION ALL
SELECT length(content) FROM messages('digits_jsonb');
SELECT migration, legacy_key, code, reason FROM chatmig_rejects
WHERE migration LIKE 'digits%' ORDER BY 1;
-- Nothing is missing.
SELECT * FROM faults('digits_json') UNION ALL SELECT * FROM faults('digits_jsonb');
DROP TABLE digits_json, digits_jsonb;

--
-- Paths
--
CREATE TABLE paths (id int PRIMARY KEY, said json);
INSERT INTO paths VALUES
    (1, '{"id": "x", "messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]}'),
    (2, '{"messages": {"role": "user", "content": "one, not in an array"}}'),
    (3, '{"messages": "none"}'), (4, '[]'), (5, '{}');
SELECT * FROM run('paths', '{"transcript": "said", "path": "$.messages[*]"}', '{"max_rejects": 3}');
SELECT key, part, role, content FROM messages('paths');
SELECT legacy_key, part, code, reason FROM chatmig_rejects WHERE migration = 'paths' ORDER BY legacy_key;
SELECT * FROM faults('paths');

-- LangChain's message_store: a message a row, and no time at all.
CREATE TABLE message_store (id serial PRIMARY KEY, session_id text, message jsonb);
INSERT INTO message_store (session_id, message) VALUES
    ('a', '{"type": "human", "data": {"content": "Hi", "additional_kwargs": {}}}'),
    ('b', '{"type": "human", "data": {"content": "other session"}}'),
    ('a', '{"type": "ai", "data": {"content": "Hello", "tool_calls": [], "id": "run-1"}}');
SELECT * FROM run('message_store', '{"transcript": "message", "path": "$"}');
SELECT c.metadata, m.position, m.role, m.content, m.created_at, m.metadata
FROM message_store_m AS m JOIN message_store_c AS c ON c.id = m.conversation_id
ORDER BY c.metadata, m.position;
SELECT * FROM faults('message_store');

-- Into a nested envelope, and by a condition.
CREATE TABLE deep (id int PRIMARY KEY, said varchar);
INSERT INTO deep VALUES (1, '{"threads": [{"turns": [{"role": "user", "content": "1"}]}, {"turns": [{"role": "user", "content": "2"}, {"role": "system", "content": "no"}]}]}');
SELECT * FROM run('deep', '{"transcript": "said", "path": "strict $.threads[*].turns[*] ? (@.role != \"system\")"}');
SELECT part, content FROM messages('deep');
SELECT * FROM faults('deep');

-- Refused: a path that is none, no path where nothing tells, a path or a
-- transcript for another shape, a part that the shape does not have, a type
-- that cannot hold JSON.
CREATE TABLE refused (id int PRIMARY KEY, said text, n int);
SELECT chatmig_register('refused', '{"transcript": "said", "path": "$.["}');
SELECT chatmig_register('refused', '{"transcript": "said"}');
SELECT chatmig_register('refused', '{"shape": "flat", "path": "$"}');
SELECT chatmig_register('refused', '{"transcript": "said", "path": "$", "media": "said"}');
SELECT chatmig_register('refused', '{"transcript": "n", "path": "$"}');
SELECT chatmig_register('refused', '{"shape": "transcript", "path": "$"}');
SELECT chatmig_register('refused', '{"shape": "transcripts"}');
DROP TABLE refused;

--
-- Times, metadata, model and tokens of the row
--
CREATE TABLE rows (id int PRIMARY KEY, who text, said text, at timestamp, llm text, cost int, meta jsonb, lang text);
INSERT INTO rows VALUES
    (1, 'ann', '[{"role": "user", "content": "1", "timestamp": "2024-05-01T10:00:00Z", "lang": "de", "x": 1}, {"role": "assistant", "content": "2", "created_at": 1714557601, "model": "own"}, {"role": "assistant", "content": "3", "ts": 1714557602000.5}, {"role": "assistant", "content": "4", "at": 1714557603000000}]', '2024-05-01 12:00', 'gpt', 9, '{"m": 1}', 'en'),
    -- an earlier time behind a later one keeps its place
    (2, 'ann', '[{"role": "user", "content": "5", "date": "2024-05-03 09:00", "ts": "later"}, {"role": "assistant", "content": "6", "createdAt": "2024-05-02T08:00:00+02:00"}, {"role": "user", "content": "7"}]', '2024-05-04', NULL, 8, NULL, NULL),
    -- no time: that of the row before it, marked, but not where there is one
    (3, 'ann', '[{"role": "user", "content": "8"}, {"role": "assistant", "content": "9", "sentAt": "2024-05-05", "model": "own"}]', NULL, NULL, NULL, '{"x": 5}', NULL),
    (4, 'bob', '[{"role": "user", "content": "10", "x": 1, "sent_at": "infinity"}, {"role": "user", "content": "11", "create_time": -1.5}]', NULL, NULL, NULL, '{"x": 5}', NULL);
SELECT * FROM run('rows', '{"transcript": "said", "owner": "who", "time": "at", "model": "llm", "tokens": "cost", "metadata": "meta"}', '{"time_zone": "Europe/Berlin"}');
SELECT * FROM messages('rows') ORDER BY content::int;
-- Of a conversation: the earliest and the latest of its messages' times.
SELECT who, title, created_at, updated_at FROM rows_c ORDER BY who;
SELECT * FROM faults('rows');

-- A time of the row that cannot be read: then none of its messages is taken.
CREATE TABLE unread (id int PRIMARY KEY, said jsonb, at text);
INSERT INTO unread VALUES (1, '[{"role": "user", "content": "x", "ts": 0}]', 'soon'), (2, NULL, 'soon'), (3, '[]', 'soon');
SELECT * FROM run('unread', '{"transcript": "said", "time": "at"}', '{"max_rejects": 2}');
SELECT legacy_key, part, code, reason FROM chatmig_rejects WHERE migration = 'unread' ORDER BY legacy_key;
SELECT * FROM faults('unread');

-- What jsonb cannot hold is kept as a string among the columns, too.
CREATE TABLE beside (id int PRIMARY KEY, said json, extra json);
INSERT INTO beside VALUES (1, '[{"role": "user", "content": "x"}]', '{"n": 1e200000}'), (2, '[{"role": "user", "content": "x", "n": 1e200000}]', '{"n": 1e200000}');
SELECT * FROM run('beside', '{"transcript": "said"}', '{"max_rejects": 1}');
SELECT key, metadata FROM messages('beside');
SELECT legacy_row FROM chatmig_rejects WHERE migration = 'beside';
SELECT * FROM faults('beside');

--
-- Plan, preview, dry run
--
CREATE TABLE later (id int PRIMARY KEY, who text, said jsonb, at timestamptz);
INSERT INTO later VALUES
    (1, 'ann', '[{"role": "user", "content": "1"}, {"role": "assistant", "content": "2", "ts": "2024-01-09"}, {"content": "3"}]', '2024-01-01'),
    (3, 'ann', '[{"role": "user", "content": "7"}, {"role": "assistant", "content": "8"}]', '2024-01-03'),
    (4, 'ann', '[{"role": "user", "content": "9"}]', NULL),
    (5, 'ann', '[{"role": "user", "content": "10"}]', '2024-01-05');
SELECT chatmig_register('later', '{"transcript": "said", "path": "$[*]", "owner": "who", "time": "at"}', '{"conversations": "later_c", "messages": "later_m"}', '{"max_rejects": 5}');
SELECT step, object, action, rows, note FROM chatmig_plan('later') WHERE action IN ('read', 'reject', 'create and load') ORDER BY step;
-- With the messages' own times.
SELECT position, role, content, created_at, legacy_key FROM chatmig_preview('later');
SELECT legacy_rows, already, migrated, rejected, messages FROM chatmig_migrate('later', dry_run => true);
SELECT legacy_rows, already, migrated, rejected, messages FROM chatmig_migrate('later');
CREATE TABLE before AS SELECT * FROM later_m;
-- Again: nothing.
SELECT legacy_rows, already, migrated, rejected, messages FROM chatmig_migrate('later');

-- A row between others moves what follows up, one behind goes behind, one that
-- is rejected is rejected; what was rejected of row 1 stays.
INSERT INTO later VALUES
    (2, 'ann', '[{"role": "user", "content": "4"}, {"role": "assistant", "content": "5"}, {"role": "user", "content": "6"}]', '2024-01-02'),
    (6, 'ann', '[{"role": "user", "content": "11"}, {"role": "assistant", "content": "12"}]', '2024-01-06'),
    (7, 'ann', '[7]', '2024-01-07');
SELECT legacy_rows, already, migrated, rejected, messages FROM chatmig_migrate('later');
SELECT key, part, content, at, metadata, reply_to FROM messages('later');
SELECT count(*) AS same FROM before JOIN later_m USING (id, content, created_at);
SELECT legacy_key, part, code, partial FROM chatmig_rejected WHERE migration = 'later' ORDER BY 1, 2;
SELECT * FROM faults('later');

--
-- Faults are found, each by the check that is for it
--
-- What each check says; m4 stands for the message whose content is 4.
CREATE FUNCTION after(change text, source text DEFAULT 'later')
RETURNS TABLE (check_name text, status text, violations bigint, legacy_key text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
    said text;
    one record;
BEGIN
    FOREACH said IN ARRAY string_to_array(change, ';')
    LOOP
        EXECUTE said;
    END LOOP;
    FOR check_name, status, violations IN
        SELECT v.check_name, v.status, v.violations FROM chatmig_validate(source) AS v
        WHERE v.status <> 'ok' AND v.check_name <> 'legacy_rejected'
    LOOP
        FOR legacy_key, detail IN
            SELECT v.legacy_key, v.detail FROM chatmig_violations(source, check_name) AS v
            ORDER BY v.detail
        LOOP
            FOR one IN SELECT * FROM before
            LOOP
                detail := replace(detail, one.id::text, 'm' || one.content);
            END LOOP;
            detail := regexp_replace(detail, 'migration \(.*\)', 'migration (...)');
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
TRUNCATE before;
INSERT INTO before SELECT * FROM later_m;

-- The content of a message in the middle.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET content = '5!' WHERE content = '5'$$);
ROLLBACK;
-- Its role.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET role = 'tool' WHERE content = '6'$$);
ROLLBACK;
-- Its own time, and the row's; the conversation's follows from the former.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET created_at = '2024-01-08' WHERE content = '2'$$);
ROLLBACK;
BEGIN;
SELECT * FROM after($$UPDATE later_m SET created_at = '2024-01-02 01:00' WHERE content = '5'$$);
ROLLBACK;
-- A time that no neighbour has.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET created_at = '2024-01-03 01:00' WHERE content = '9'$$);
ROLLBACK;
-- The mark of a neighbour's time.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET metadata = NULL WHERE content = '9'$$);
ROLLBACK;
-- A message is deleted; its answer refers to nothing, by the foreign key.
BEGIN;
SELECT * FROM after($$DELETE FROM later_m WHERE content = '4'$$);
ROLLBACK;
-- One is doubled, under another id and at another place.
BEGIN;
SELECT * FROM after($$INSERT INTO later_m (id, conversation_id, position, role, content, created_at) SELECT '00000000-0000-7000-8000-000000000000', conversation_id, 100, role, content, created_at FROM later_m WHERE content = '5'$$);
ROLLBACK;
-- Two change places.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET position = 50 WHERE content = '4'; UPDATE later_m SET position = position - 1 WHERE content = '5'; UPDATE later_m SET position = (SELECT position + 1 FROM later_m WHERE content = '5') WHERE content = '4'$$);
ROLLBACK;
-- An answer to nothing, and to another question; a question that answers.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET reply_to_id = NULL WHERE content = '8'$$);
ROLLBACK;
BEGIN;
SELECT * FROM after($$UPDATE later_m SET reply_to_id = (SELECT id FROM later_m WHERE content = '6') WHERE content = '8'$$);
ROLLBACK;
BEGIN;
SELECT * FROM after($$UPDATE later_m SET reply_to_id = (SELECT id FROM later_m WHERE content = '5') WHERE content = '6'$$);
ROLLBACK;
-- A model that nobody named.
BEGIN;
SELECT * FROM after($$UPDATE later_m SET model = 'gpt' WHERE content = '5'$$);
ROLLBACK;
-- Moved to another conversation.
BEGIN;
SELECT * FROM after($$INSERT INTO later_c (id, who) VALUES ('00000000-0000-7000-8000-000000000000', 'ann'); UPDATE later_m SET conversation_id = '00000000-0000-7000-8000-000000000000' WHERE content = '5'$$);
ROLLBACK;
-- A rejected message of which nothing is kept any more.
BEGIN;
SELECT * FROM after($$DELETE FROM chatmig_rejected WHERE legacy_key = '1'$$);
ROLLBACK;
-- A role that was unknown, and is explained once the row's other messages are
-- migrated: it stays rejected, and is not missing.
BEGIN;
CREATE TABLE explained (id int PRIMARY KEY, said jsonb);
INSERT INTO explained VALUES (1, '[{"role": "user", "content": "x"}, {"role": "lyra", "content": "y"}]'), (2, '[{"role": "lyra", "content": "z"}]');
SELECT * FROM run('explained', '{"transcript": "said"}', '{"max_rejects": 2}');
SELECT chatmig_register('explained', '{"roles": {"lyra": "assistant"}}');
SELECT legacy_rows, already, migrated, rejected, messages FROM chatmig_migrate('explained');
SELECT key, part, role, content FROM messages('explained');
SELECT legacy_key, part, code FROM chatmig_rejects WHERE migration = 'explained';
SELECT * FROM faults('explained');
ROLLBACK;
-- The trace knows of no message where the row has one; or of one too many.
BEGIN;
SELECT * FROM after($$UPDATE later_trace SET message_ids[2] = NULL WHERE key_1 = 2$$);
ROLLBACK;
BEGIN;
SELECT * FROM after($$UPDATE later_trace SET message_ids[3] = (SELECT id FROM later_m WHERE content = '3x') WHERE key_1 = 1; UPDATE later_trace SET message_ids = message_ids || (SELECT id FROM later_m WHERE content = '11') WHERE key_1 = 5; UPDATE later_trace SET message_ids[1] = NULL WHERE key_1 = 6$$);
ROLLBACK;
-- A row that was changed, and one that was deleted: their messages stay
-- explained.
BEGIN;
SELECT * FROM after($$UPDATE later SET said = said || '[{"role": "user", "content": "new"}]' WHERE id = 2; DELETE FROM later WHERE id = 3$$);
ROLLBACK;
-- Members of a message: one lost, one changed; where names clash, within.
BEGIN;
SELECT * FROM after($$UPDATE elements_m SET metadata = metadata - 'tool_calls' WHERE metadata ? 'tool_calls'; UPDATE elements_m SET metadata = jsonb_set(metadata, '{b,c}', '3') WHERE metadata ? 'b'; UPDATE elements_m SET metadata = NULL WHERE content = 'LangChain'; UPDATE elements_m SET model = NULL WHERE model = 'gpt'$$, 'elements');
ROLLBACK;
BEGIN;
SELECT * FROM after($$UPDATE rows_m SET metadata = jsonb_set(metadata, '{chatmig_message,x}', '2') WHERE content = '1'; UPDATE rows_m SET metadata = metadata - 'chatmig_message' WHERE content = '10'; UPDATE rows_m SET tokens = 1 WHERE content = '3'; UPDATE rows_m SET model = 'gpt' WHERE content = '9'; UPDATE rows_m SET metadata = metadata - 'model' WHERE content = '2'$$, 'rows');
ROLLBACK;

--
-- Roll back, and migrate again: the same ids
--
SELECT migrated, conversations, messages FROM chatmig_rollback('later');
SELECT migrated, conversations, messages FROM chatmig_migrate('later');
SELECT count(*) AS same, (SELECT count(*) FROM later_m) AS all
FROM before JOIN later_m USING (id, conversation_id, position, content, created_at);

--
-- Ids of bigint; and every row through INSERT
--
SET chatmig.bulk_load = off;
CREATE TABLE counted (id int PRIMARY KEY, said jsonb);
INSERT INTO counted SELECT n, jsonb_build_array('{"role": "user", "content": "q"}'::jsonb, n, '{"role": "assistant", "content": "a"}'::jsonb) FROM generate_series(1, 3) AS n;
SELECT * FROM run('counted', '{"transcript": "said"}', '{"id_type": "bigint", "max_rejects": 3}');
SELECT key_1, message_ids FROM counted_trace ORDER BY key_1;
SELECT * FROM faults('counted');
RESET chatmig.bulk_load;

--
-- Into tables that exist, whose messages have no positions: the times order.
-- What does not fit is rejected by itself: nobody replies to it, and what the
-- row cost is for the last message that comes through. A model for which there
-- is no column is metadata.
--
CREATE TABLE there_c (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, title varchar(255), created_at timestamp);
CREATE TABLE there_m (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL REFERENCES there_c, role varchar(10) CHECK (role IN ('user', 'assistant')), content varchar(9) NOT NULL, tokens int, metadata json, reply_to_id bigint REFERENCES there_m, created_at timestamp);
CREATE TABLE there (id int PRIMARY KEY, said jsonb, cost int);
INSERT INTO there VALUES
    (1, '[{"role": "user", "content": "1", "ts": "2024-01-09"}, {"role": "assistant", "content": "2", "ts": "2024-01-08"}, {"role": "user", "content": "much too long", "ts": "2024-01-08"}, {"role": "assistant", "content": "4", "ts": "2024-01-10", "model": "m"}, {"role": "tool", "content": "5", "ts": "2024-01-11"}]', 7);
SELECT * FROM run('there', '{"transcript": "said", "tokens": "cost"}', '{"max_rejects": 2}');
SELECT m.role, m.content, m.tokens, m.metadata, m.created_at, r.content AS reply_to FROM there_m AS m LEFT JOIN there_m AS r ON r.id = m.reply_to_id ORDER BY m.created_at;
SELECT legacy_key, part, code, legacy_row FROM chatmig_rejects WHERE migration = 'there' ORDER BY part;
SELECT * FROM faults('there');

--
-- All combinations of members: splitting and checking, which share no code,
-- agree on each of them
--
CREATE TABLE mixed (id int PRIMARY KEY, said jsonb, at timestamptz, llm text, meta jsonb, k int);
INSERT INTO mixed
SELECT (n / 50)::int, jsonb_agg('{}' || coalesce(r, '{}') || coalesce(c, '{}') || coalesce(m, '{}') || coalesce(d, '{}') || coalesce(x, '{}') ORDER BY n),
       CASE WHEN n / 50 % 3 > 0 THEN timestamptz '2024-01-01' END,
       CASE WHEN n / 50 % 4 = 0 THEN 'gpt' END,
       CASE WHEN n / 50 % 5 = 0 THEN '{"a": 2}'::jsonb WHEN n / 50 % 5 = 1 THEN '[1]' END,
       CASE WHEN n / 50 % 7 = 0 THEN 1 END
FROM (SELECT row_number() OVER () AS n, *
      FROM unnest(ARRAY['{"type": "human"}', '{"role": "Bot", "type": "text"}', '{"role": "own"}', '{"role": "x"}', '{"role": 1}', '{"author": {"role": "ai"}}', '{"role": ""}']::jsonb[]) AS r,
           unnest(ARRAY[NULL, '{"content": ""}', '{"text": 5}', '{"content": [], "body": "b"}', '{"content": ["a", "b"]}', '{"parts": [{"text": "t"}]}', '{"content": [{"type": "image"}]}', '{"content": [{"type": "text", "text": ""}]}', '{"content": {"parts": ["p"]}}', '{"content": {"text": "q", "x": 1}}', '{"content": {"a": 1}}', '{"content": [{"type": null, "text": "n"}, {"type": "output_text", "text": "o"}]}', '{"content": {"text": ["z"], "parts": []}}']::jsonb[]) AS c,
           unnest(ARRAY[NULL, '{"message": "m"}', '{"message": {"content": "i", "role": "user", "k": 1}}', '{"message": {"role": "ai"}}']::jsonb[]) AS m,
           unnest(ARRAY[NULL, '{"data": {"text": ["d"]}}', '{"data": {"content": [1], "e": 1}, "time": "2024-01-02", "ts": 1}', '{"data": "s", "at": 1714557600}']::jsonb[]) AS d,
           unnest(ARRAY[NULL, '{"metadata": {"a": 1}, "date": "bad"}', '{"metadata": {"role": "z"}, "model": "m"}', '{"metadata": {"k": 3, "n": 1}, "a": null}']::jsonb[]) AS x) AS q
GROUP BY n / 50;
-- 7 x 13 x 4 x 4 x 4 messages in 117 rows: each is a message or a reject.
SELECT * FROM run('mixed', '{"transcript": "said", "time": "at", "model": "llm", "metadata": "meta", "roles": {"own": "system", "1": "tool"}}', '{"max_rejects": 10000}');
SELECT code, count(*), count(*) FILTER (WHERE part > 0) AS of_messages FROM chatmig_rejects WHERE migration = 'mixed' GROUP BY code ORDER BY code;
SELECT (SELECT count(*) FROM mixed_m) + (SELECT count(*) FROM chatmig_rejects WHERE migration = 'mixed') = 7 * 13 * 4 * 4 * 4 AS all;
SELECT * FROM faults('mixed');

--
-- Many messages in one row
--
CREATE TABLE many (id int PRIMARY KEY, said text, at timestamptz);
INSERT INTO many SELECT 1, '[' || string_agg(format('{"role": "%s", "content": "message %s", "n": %s}', CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END, n, n), ',' ORDER BY n) || ']'
FROM generate_series(1, 100000) AS n;
SELECT * FROM run('many', '{"transcript": "said", "time": "at"}');
SELECT count(*), count(*) FILTER (WHERE content = 'message ' || position + 1) AS same, count(reply_to_id) AS answers, count(*) FILTER (WHERE metadata -> 'n' = to_jsonb(position + 1)) AS kept
FROM many_m;
SELECT * FROM faults('many');
-- One that is lost in the middle, and one that is changed.
BEGIN;
DELETE FROM many_m WHERE position = 50000;
UPDATE many_m SET content = 'x' WHERE position = 70000;
SELECT v.check_name, v.violations, v.example FROM chatmig_validate('many') AS v WHERE status <> 'ok';
SELECT detail FROM chatmig_violations('many', 'message_content');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA transcript CASCADE;
DROP EXTENSION chatmig;
