--
-- targets_found: what random histories have found in existing tables
--
CREATE EXTENSION chatmig;
CREATE SCHEMA regress_found;
SET search_path = regress_found, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;
\pset null NULL

-- What checking says of a migration that nobody has touched: nothing.
CREATE FUNCTION faults(name text)
RETURNS TABLE (check_name text, status text, detail text) LANGUAGE sql AS $$
    SELECT check_name, status, detail FROM chatmig_validate(name)
    WHERE status NOT IN ('ok', 'info')
$$;

--
-- Flat messages of one time keep it where ids are numbers, also without a
-- position: both are of .003 seconds, rounded to .00.
--
CREATE TABLE numbered (id int PRIMARY KEY, who int, role text, content text, at timestamptz);
INSERT INTO numbered VALUES (1, 1, 'user', 'a', '2024-05-01 10:00:00.003'), (2, 1, 'bot', 'b', '2024-05-01 10:00:00.003');
CREATE TABLE numbered_c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who int);
CREATE TABLE numbered_m (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id int REFERENCES numbered_c, role text, content text, created_at timestamp(2));
SELECT chatmig_register('numbered', '{"owner": "who"}', '{"conversations": "numbered_c", "messages": "numbered_m"}');
SELECT migrated, messages FROM chatmig_migrate('numbered');
SELECT content, created_at FROM numbered_m ORDER BY id;
SELECT * FROM faults('numbered');
-- So a message that is moved by less than the steps are, is found.
BEGIN;
UPDATE numbered_m SET created_at = created_at + interval '10 ms' WHERE content = 'b';
SELECT legacy_key FROM chatmig_violations('numbered', 'message_time');
ROLLBACK;

--
-- The model that a message in a transcript names goes into the column for it.
--
CREATE TABLE models (id int PRIMARY KEY, who int, said jsonb, at timestamptz);
INSERT INTO models VALUES (1, 1, '[{"role": "user", "content": "a", "model": "m1"}]', '2024-05-01');
CREATE TABLE models_c (id uuid PRIMARY KEY, who int);
CREATE TABLE models_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES models_c, position int, role text, content text, model text, metadata jsonb, created_at timestamptz);
SELECT chatmig_register('models', '{"transcript": "said", "path": "$[*]", "owner": "who"}', '{"conversations": "models_c", "messages": "models_m"}');
SELECT migrated, messages FROM chatmig_migrate('models');
SELECT content, model, metadata FROM models_m;
SELECT * FROM faults('models');

--
-- A transcript without a time stays where it is when another row comes between
-- it and the one whose time it has, also where the mark is in the trace.
--
CREATE TABLE marked (id int PRIMARY KEY, who int, said jsonb, at timestamptz);
INSERT INTO marked VALUES (1, 1, '[{"role": "user", "content": "1"}]', '2024-05-01 10:00'), (9, 1, '[{"role": "user", "content": "2"}]', NULL);
CREATE TABLE marked_c (id uuid PRIMARY KEY, who int);
CREATE TABLE marked_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES marked_c, position int, role text, content text, created_at timestamptz);
SELECT chatmig_register('marked', '{"transcript": "said", "path": "$[*]", "owner": "who"}', '{"conversations": "marked_c", "messages": "marked_m"}');
SELECT migrated, messages FROM chatmig_migrate('marked');
INSERT INTO marked VALUES (5, 1, '[{"role": "user", "content": "3"}]', '2024-05-01 11:00');
SELECT migrated, messages FROM chatmig_migrate('marked');
-- 3 is the last: it is an hour younger than the other two.
SELECT position, content, created_at FROM marked_m ORDER BY position;
SELECT * FROM faults('marked');

--
-- A counterpart in a column that is called as the messages' are; it has columns
-- in both tables.
--
CREATE TABLE named (id int PRIMARY KEY, role int, content int, q text, a text, at timestamptz);
INSERT INTO named VALUES (1, 1, 7, 'q', 'a', '2024-05-01');
CREATE TABLE named_c (id uuid PRIMARY KEY, who int, mentor int);
CREATE TABLE named_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES named_c, position int, role text, content text, created_at timestamptz, who int, mentor int);
SELECT chatmig_register('named', '{"shape": "pair", "owner": "role", "counterpart": "content", "question": "q", "answer": "a", "time": "at"}',
    '{"conversations": {"table": "named_c", "columns": {"owner": "who", "counterpart": "mentor"}},
      "messages": {"table": "named_m", "columns": {"owner": "who", "counterpart": "mentor"}}}');
SELECT migrated, messages FROM chatmig_migrate('named');
SELECT role, content, who, mentor FROM named_m ORDER BY position;
SELECT * FROM faults('named');

--
-- A session that has a column in the messages alone
--
CREATE TABLE sessions (id int PRIMARY KEY, who int, thread numeric, role text, content text, at timestamptz);
INSERT INTO sessions VALUES (1, 1, 1.5, 'user', 'a', '2024-05-01'), (2, 1, 'NaN', 'user', 'b', '2024-05-01'), (3, 1, NULL, 'user', 'c', '2024-05-01');
CREATE TABLE sessions_c (id uuid PRIMARY KEY, who int);
CREATE TABLE sessions_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES sessions_c, position int, role text, content text, thread numeric, created_at timestamptz);
SELECT chatmig_register('sessions', '{"owner": "who", "session": "thread"}', '{"conversations": "sessions_c", "messages": {"table": "sessions_m", "columns": {"session": "thread"}}}');
SELECT migrated, conversations, messages FROM chatmig_migrate('sessions');
SELECT content, thread FROM sessions_m ORDER BY content;
SELECT * FROM faults('sessions');
-- It is missed if it is lost, or another.
BEGIN;
UPDATE sessions_m SET thread = 2 WHERE content = 'a';
UPDATE sessions_m SET thread = NULL WHERE content = 'b';
SELECT legacy_key FROM chatmig_violations('sessions', 'message_owner') ORDER BY 1;
ROLLBACK;

--
-- A quote in the name of the column whose CHECK lists the roles
--
CREATE TABLE quoted (id int PRIMARY KEY, who int, q text, a text, at timestamptz);
INSERT INTO quoted VALUES (1, 1, 'q', 'a', '2024-05-01');
CREATE TABLE quoted_c (id uuid PRIMARY KEY, who int);
CREATE TABLE quoted_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES quoted_c, position int, "it's ""who""" text CHECK ("it's ""who""" IN ('USER', 'BOT')), content text, created_at timestamptz);
SELECT chatmig_register('quoted', '{"owner": "who", "question": "q", "answer": "a"}', '{"conversations": "quoted_c", "messages": {"table": "quoted_m", "columns": {"role": "it''s \"who\""}}}');
SELECT migrated, messages FROM chatmig_migrate('quoted');
SELECT "it's ""who""", content FROM quoted_m ORDER BY position;

--
-- By force, a picture without a word is migrated: nothing says that the
-- application has it. Row 1 is there, row 3 holds nothing.
--
CREATE TABLE pictures (id int PRIMARY KEY, who int, role text, content text, url text, at timestamptz);
INSERT INTO pictures VALUES (1, 1, 'user', 'a', NULL, '2024-05-01'), (2, 1, 'user', '', 'cat.jpg', '2024-05-01'), (3, 1, 'user', '', '', '2024-05-01');
CREATE TABLE pictures_c (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), who int);
CREATE TABLE pictures_d (id uuid PRIMARY KEY, who int, url text, type text, created_at timestamptz);
CREATE TABLE pictures_m (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), conversation_id uuid REFERENCES pictures_c, position int, role text, content text, media_id uuid REFERENCES pictures_d, created_at timestamptz);
WITH c AS (INSERT INTO pictures_c (who) VALUES (1) RETURNING id)
INSERT INTO pictures_m (conversation_id, position, role, content, created_at)
SELECT id, 0, 'user', 'a', '2024-05-01' FROM c;
SELECT chatmig_register('pictures', '{"owner": "who", "media": "url"}', '{"conversations": "pictures_c", "messages": "pictures_m", "media": "pictures_d"}');
SELECT migrated, skipped, messages, media FROM chatmig_migrate('pictures', force => true);

--
-- A time that a row has from a neighbour is rounded in the target, the
-- neighbour's own is not: neither is wrong, nor is their order.
--
CREATE TABLE rounded (id int PRIMARY KEY, who int, role text, content text, at timestamptz);
INSERT INTO rounded VALUES (1, 1, 'user', 'a', '2024-05-01 10:00:00.123456'), (2, 1, 'bot', 'b', NULL),
    (3, 2, 'user', 'c', NULL), (4, 2, 'bot', '', '2024-05-01 10:00:00.123456'), (5, 2, 'user', 'd', '2024-05-01 09:00');
CREATE TABLE rounded_c (id uuid PRIMARY KEY, who int, created_at timestamp(0), updated_at timestamp(0));
CREATE TABLE rounded_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES rounded_c, position int, role text, content text, created_at timestamp(2));
SELECT chatmig_register('rounded', '{"owner": "who"}', '{"conversations": "rounded_c", "messages": "rounded_m"}');
SELECT migrated, messages FROM chatmig_migrate('rounded');
SELECT content, created_at FROM rounded_m ORDER BY position;
SELECT * FROM faults('rounded');

--
-- Without times and without positions there is no order that could be wrong.
--
CREATE TABLE timeless (id uuid PRIMARY KEY, who int, role text, content text, at timestamptz);
INSERT INTO timeless SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid, 1, 'user', n FROM generate_series(1, 9) AS n;
CREATE TABLE timeless_c (id uuid PRIMARY KEY, who int);
CREATE TABLE timeless_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES timeless_c, role text, content text, created_at timestamptz);
SELECT chatmig_register('timeless', '{"owner": "who"}', '{"conversations": "timeless_c", "messages": "timeless_m"}');
SELECT migrated, messages FROM chatmig_migrate('timeless');
SELECT * FROM faults('timeless');

--
-- A pair that has its time from the one before it, and was moved behind that,
-- does not stand behind the one after it, which has that time too.
--
CREATE TABLE apart (id int PRIMARY KEY, who int, q text, a text, at timestamptz);
INSERT INTO apart VALUES (1, 1, 'q1', 'a1', '2024-05-01'), (2, 1, 'q2', 'a2', NULL), (3, 1, 'q3', 'a3', '2024-05-01');
CREATE TABLE apart_c (id uuid PRIMARY KEY, who int);
CREATE TABLE apart_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES apart_c, role text, content text, created_at timestamptz);
SELECT chatmig_register('apart', '{"owner": "who", "question": "q", "answer": "a"}', '{"conversations": "apart_c", "messages": "apart_m"}');
SELECT migrated, messages FROM chatmig_migrate('apart');
SELECT content, created_at FROM apart_m ORDER BY created_at;
SELECT * FROM faults('apart');

--
-- A column that is said to be for tokens is not taken for the owner, though it
-- is called so, and nothing fills it.
--
CREATE TABLE claimed (id int PRIMARY KEY, whose int, role text, content text, at timestamptz);
INSERT INTO claimed VALUES (1, 7, 'user', 'a', '2024-05-01');
CREATE TABLE claimed_c (id uuid PRIMARY KEY, who int);
CREATE TABLE claimed_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES claimed_c, position int, role text, content text, whose int, created_at timestamptz);
SELECT chatmig_register('claimed', '{"owner": "whose"}', '{"conversations": {"table": "claimed_c", "columns": {"owner": "who"}}, "messages": {"table": "claimed_m", "columns": {"tokens": "whose"}}}');
SELECT migrated, messages FROM chatmig_migrate('claimed');
SELECT content, whose FROM claimed_m;

--
-- Times without an end, where the application has talked to the owner
--
CREATE TABLE endless (id int PRIMARY KEY, who int, role text, content text, at timestamptz);
INSERT INTO endless VALUES (1, 1, 'user', 'a', 'infinity');
CREATE TABLE endless_c (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), who int);
CREATE TABLE endless_m (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), conversation_id uuid REFERENCES endless_c, position int, role text, content text, created_at timestamptz);
SELECT chatmig_register('endless', '{"owner": "who"}', '{"conversations": "endless_c", "messages": "endless_m"}');
SELECT migrated, messages FROM chatmig_migrate('endless');
WITH c AS (INSERT INTO endless_c (who) VALUES (1) RETURNING id)
INSERT INTO endless_m (conversation_id, position, role, content, created_at)
SELECT id, 0, 'user', 'a', '2024-05-01' FROM c;
SELECT * FROM faults('endless');

--
-- What is called alike in both tables is the same, whatever it is usually for:
-- the session, in a column that might hold tokens; unless that is said not to
-- hold it.
--
CREATE TABLE alike (id int PRIMARY KEY, who int, tokens int, q text, a text, at timestamptz);
INSERT INTO alike VALUES (1, 7, 99, 'q', 'a', '2024-05-01');
CREATE TABLE alike_c (id uuid PRIMARY KEY, who int);
CREATE TABLE alike_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES alike_c, position int, role text, content text, tokens bigint, created_at timestamptz);
SELECT chatmig_register('alike', '{"owner": "who", "session": "tokens", "tokens": null, "question": "q", "answer": "a"}', '{"conversations": "alike_c", "messages": "alike_m"}');
SELECT migrated, messages FROM chatmig_migrate('alike');
-- 99 in both
SELECT content, tokens FROM alike_m ORDER BY position;
SELECT * FROM faults('alike');
SELECT migrated FROM chatmig_rollback('alike');
SELECT chatmig_unregister('alike');
SELECT chatmig_register('alike', '{"owner": "who", "session": "tokens", "tokens": null, "question": "q", "answer": "a"}', '{"conversations": "alike_c", "messages": {"table": "alike_m", "columns": {"session": null}}}');
SELECT migrated, messages FROM chatmig_migrate('alike');
-- NULL in both
SELECT content, tokens FROM alike_m ORDER BY position;
SELECT * FROM faults('alike');

--
-- A row whose time was changed after it was migrated stays where it is: rows
-- that come later go behind all that are older, and never between the question
-- and the answer of one row. Key 1 is now at 35 minutes.
--
CREATE TABLE moved (id int PRIMARY KEY, q text, a text, at timestamptz);
INSERT INTO moved SELECT n, 'q' || n, 'a' || n, '2024-05-01'::timestamptz + n * interval '10 min' FROM generate_series(1, 4) AS n;
SELECT chatmig_register('moved', '{"question": "q", "answer": "a"}', '{"conversations": "moved_c", "messages": "moved_m"}');
SELECT migrated, messages FROM chatmig_migrate('moved');
UPDATE moved SET at = '2024-05-01 00:35' WHERE id = 1;
INSERT INTO moved VALUES (10, 'q10', NULL, '2024-05-01 00:32'), (11, 'q11', NULL, '2024-05-01 00:37');
SELECT migrated, messages FROM chatmig_migrate('moved');
-- 1, 2, 3, 10, 11, 4
SELECT position, content FROM moved_m ORDER BY position;
-- nothing but that key 1 was changed
SELECT * FROM faults('moved');

-- Nor where the row belongs to another conversation: key 2, of the first, is
-- now among those of the second.
CREATE TABLE gone (id int PRIMARY KEY, q text, a text, at timestamptz);
INSERT INTO gone SELECT n, 'q' || n, 'a' || n, '2024-05-01'::timestamptz + CASE WHEN n > 2 THEN 5 ELSE 0 END * interval '1 hour' + n * interval '10 min' FROM generate_series(1, 6) AS n;
SELECT chatmig_register('gone', '{"question": "q", "answer": "a"}', '{"conversations": "gone_c", "messages": "gone_m"}', '{"idle_gap": "1 hour"}');
SELECT migrated, messages, conversations FROM chatmig_migrate('gone');
UPDATE gone SET at = '2024-05-01 05:45' WHERE id = 2;
INSERT INTO gone VALUES (10, 'q10', NULL, '2024-05-01 05:35'), (11, 'q11', NULL, '2024-05-01 05:55');
SELECT migrated, messages FROM chatmig_migrate('gone');
-- 1, 2; and 3, 10, 4, 5, 11, 6
SELECT string_agg(content, ' ' ORDER BY position) FROM gone_m GROUP BY conversation_id ORDER BY min(created_at);
SELECT * FROM faults('gone');

--
-- Moved apart, a message has the time that its column keeps, and so has its
-- conversation, in whose column there is room for more.
--
CREATE TABLE coarse (id int PRIMARY KEY, q text, a text, at timestamptz);
INSERT INTO coarse VALUES (1, NULL, 'a1', '2024-05-01 10:00:08.003');
CREATE TABLE coarse_c (id uuid PRIMARY KEY, created_at timestamptz, updated_at timestamptz);
CREATE TABLE coarse_m (id uuid PRIMARY KEY, conversation_id uuid REFERENCES coarse_c, role text, content text, created_at timestamptz(0));
SELECT chatmig_register('coarse', '{"question": "q", "answer": "a"}', '{"conversations": "coarse_c", "messages": "coarse_m"}');
SELECT migrated FROM chatmig_migrate('coarse');
INSERT INTO coarse VALUES (2, 'q2', 'a2', '2024-05-01 10:00:09.003'), (3, 'q3', NULL, '2024-05-01 10:00:10.003');
SELECT migrated FROM chatmig_migrate('coarse');
-- 8, 9, 10, 11
SELECT content, created_at FROM coarse_m ORDER BY created_at;
-- 11, without a fraction
SELECT updated_at FROM coarse_c;
SELECT * FROM faults('coarse');

--
-- Metadata that are empty stay so, where a message has a time of its own, too
--
CREATE TABLE hollow (id int PRIMARY KEY, said jsonb, metadata jsonb, at timestamptz);
INSERT INTO hollow VALUES (1, '[{"role": "user", "content": "a"}, {"role": "user", "content": "b", "time": "2024-05-01T10:00:01Z"}]', '{}', '2024-05-01 10:00');
SELECT chatmig_register('hollow', '{"transcript": "said"}', '{"conversations": "hollow_c", "messages": "hollow_m"}');
SELECT migrated, messages FROM chatmig_migrate('hollow');
-- {} in both
SELECT content, metadata FROM hollow_m ORDER BY position;
SELECT * FROM faults('hollow');

--
-- Of two media of one name, the last has the words that come after both. What
-- was said of that name before either is in none, and nobody misses it.
--
CREATE TABLE cats (id int PRIMARY KEY, user_id int, role text, content text, metadata jsonb, created_at timestamptz);
INSERT INTO cats VALUES
(1, 1, 'assistant', 'Too early.', '{"isMediaAnalysis": true, "filename": "cat.jpg"}', '2024-05-01 10:00Z'),
(2, 1, 'user', 'Look', '{"hasMedia": true, "filename": "cat.jpg"}', '2024-05-01 10:01Z'),
(3, 1, 'user', 'Again', '{"hasMedia": true, "filename": "cat.jpg"}', '2024-05-01 10:02Z'),
(4, 1, 'assistant', 'A cat.', '{"isMediaAnalysis": true, "filename": "cat.jpg"}', '2024-05-01 10:03Z');
SELECT chatmig_register('cats', '{"media": {"when": "hasMedia", "name": "filename", "summary_when": "isMediaAnalysis"}}', '{"conversations": "cats_c", "messages": "cats_m", "media": "cats_d"}');
SELECT migrated, messages, media FROM chatmig_migrate('cats');
-- none, and 'A cat.'
SELECT m.content, d.summary FROM cats_m AS m JOIN cats_d AS d ON d.id = m.media_id ORDER BY m.position;
SELECT * FROM faults('cats');
-- Where those words are lost, both could have had them.
BEGIN;
UPDATE cats_d SET summary = NULL;
SELECT * FROM faults('cats');
ROLLBACK;

DROP SCHEMA regress_found CASCADE;
DROP EXTENSION chatmig;
