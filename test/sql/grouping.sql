--
-- group.c and title.c: which conversation a message joins, and where
--
CREATE EXTENSION chatmig;
CREATE SCHEMA grouping;
SET search_path = grouping, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\pset null NULL

-- Registers a table, migrates it into tables of its own, and says which keys
-- each conversation holds, in the order of positions; "dense": whether those
-- are 0, 1, 2, ...
CREATE FUNCTION run(source text, mapping jsonb, options jsonb DEFAULT '{}')
RETURNS TABLE (keys text, dense bool, title text, description text,
               metadata jsonb, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM chatmig_register(source, mapping,
                             jsonb_build_object('conversations', source || '_c',
                                                'messages', source || '_m'),
                             options);
    PERFORM chatmig_migrate(source);
    RETURN QUERY EXECUTE format(
        'SELECT string_agg(t.key_1 || CASE m.role WHEN ''user'' THEN ''q''
                                      ELSE ''a'' END,
                           '' '' ORDER BY m."position"),
                (min(m."position"), max(m."position"),
                 count(DISTINCT m."position")) = (0, count(*) - 1, count(*)),
                c.title, c.description, c.metadata, c.created_at, c.updated_at
         FROM %I AS c LEFT JOIN %I AS m ON m.conversation_id = c.id
              LEFT JOIN %I AS t ON m.id = ANY (t.message_ids)
                                   AND t.conversation_id = c.id
         GROUP BY c.id ORDER BY min(t.key_1)',
        source || '_c', source || '_m', source || '_trace');
END
$$;

--
-- Groups: owner, counterpart, session. NULL is a value of each.
--
CREATE TABLE pairs (id int PRIMARY KEY, who int, bot text, room uuid,
                    q text, a text, at timestamptz);
INSERT INTO pairs VALUES
    (1, 1, 'x', '00000000-0000-4000-8000-000000000001', 'q', 'a', '2024-01-01'),
    (2, 2, 'x', '00000000-0000-4000-8000-000000000001', 'q', 'a', '2024-01-02'),
    (3, 1, 'y', '00000000-0000-4000-8000-000000000001', 'q', 'a', '2024-01-03'),
    (4, 1, 'x', '00000000-0000-4000-8000-000000000002', 'q', 'a', '2024-01-04'),
    (5, NULL, 'x', NULL, 'q', 'a', '2024-01-05'),
    (6, 1, NULL, NULL, 'q', 'a', '2024-01-06'),
    (7, NULL, NULL, NULL, 'q', 'a', '2024-01-07'),
    (8, 1, 'x', '00000000-0000-4000-8000-000000000001', 'q', '', '2024-01-08'),
    (9, NULL, NULL, NULL, NULL, 'a', '2024-01-09'),
    (10, NULL, 'x', NULL, 'q', 'a', '2024-01-10');

-- By the owner alone: 1, 2 and nobody.
CREATE VIEW by_owner AS SELECT * FROM pairs;
SELECT keys, dense, metadata, created_at, updated_at
FROM run('by_owner', '{"key": ["id"], "owner": "who", "counterpart": null,
                       "session": null, "question": "q", "answer": "a",
                       "time": "at"}');
-- The conversation says whose it is; the columns that play no part are kept.
SELECT c.who, m.role, m.content, m.created_at, m.metadata
FROM by_owner_c AS c JOIN by_owner_m AS m ON m.conversation_id = c.id
WHERE c.who IS NULL ORDER BY m."position";

-- By all three: 7 groups. The session is in the conversation's metadata.
SELECT keys, dense, metadata, created_at, updated_at
FROM run('pairs', '{"key": ["id"], "owner": "who", "counterpart": "bot",
                    "session": "room", "question": "q", "answer": "a",
                    "time": "at"}');
SELECT who, bot, count(*) FROM pairs_c GROUP BY who, bot ORDER BY who, bot;

-- By the session alone, and by the counterpart alone.
CREATE VIEW by_session AS SELECT * FROM pairs;
SELECT keys, metadata
FROM run('by_session', '{"key": ["id"], "owner": null, "counterpart": null,
                         "session": "room", "question": "q", "answer": "a",
                         "time": "at"}');
CREATE VIEW by_bot AS SELECT * FROM pairs;
SELECT keys, metadata
FROM run('by_bot', '{"key": ["id"], "owner": null, "counterpart": "bot",
                     "session": null, "question": "q", "answer": "a",
                     "time": "at"}');

-- No owner and no session at all: one conversation; and without a time column
-- the key orders, and no time is invented.
CREATE VIEW by_nothing AS SELECT id, q, a FROM pairs;
SELECT keys, dense, metadata, created_at, updated_at
FROM run('by_nothing', '{"key": ["id"], "question": "q", "answer": "a"}');
SELECT count(*), count(created_at), count(metadata) FROM by_nothing_m;

-- A session that is a number is one in the metadata, too, unless JSON has no
-- such number; money is not written as one.
CREATE TABLE numbered (id int PRIMARY KEY, n numeric, price money,
                       q text, a text);
INSERT INTO numbered VALUES (1, 1.50, 5, 'q', 'a'), (2, 1.5, 5, 'q', 'a'),
                            (3, 7, 5, 'q', 'a'), (4, 'NaN', 5, 'q', 'a'),
                            (5, '-infinity', 5, 'q', 'a');
SELECT keys, metadata
FROM run('numbered', '{"key": ["id"], "session": "n", "question": "q",
                       "answer": "a"}');
CREATE VIEW priced AS SELECT * FROM numbered;
SELECT keys, metadata
FROM run('priced', '{"key": ["id"], "session": "price", "question": "q",
                     "answer": "a"}');

--
-- Order
--
CREATE TABLE flat (id int PRIMARY KEY, who text, r text, t text, at timestamp);
INSERT INTO flat VALUES
    -- equal times: the key orders
    (3, 'equal', 'user', 't', '2024-01-01 10:00'),
    (1, 'equal', 'assistant', 't', '2024-01-01 10:00'),
    (2, 'equal', 'user', 't', '2024-01-01 10:00'),
    -- the time comes before the key, a microsecond is enough
    (11, 'time', 'user', 't', '2024-01-01 10:00:00.000003'),
    (12, 'time', 'assistant', 't', '2024-01-01 10:00:00.000001'),
    (13, 'time', 'assistant', 't', '2024-01-01 10:00:00.000002'),
    -- two answers in a row, and two questions
    (21, 'row', 'user', 't', '2024-01-01 10:00:01'),
    (22, 'row', 'assistant', 't', '2024-01-01 10:00:02'),
    (23, 'row', 'assistant', 't', '2024-01-01 10:00:03'),
    (24, 'row', 'user', 't', '2024-01-01 10:00:04'),
    (25, 'row', 'user', 't', '2024-01-01 10:00:05'),
    -- years BC and infinity; the years are far apart, and yet together
    (31, 'far', 'user', 't', 'infinity'),
    (32, 'far', 'user', 't', '2024-01-01'),
    (33, 'far', 'user', 't', '0044-03-15 BC'),
    (34, 'far', 'user', 't', '-infinity'),
    (35, 'far', 'user', 't', '4714-11-24 BC'),
    (36, 'far', 'user', 't', 'infinity'),
    -- empty rows leave no hole
    (41, 'hole', 'user', '', '2024-01-01 10:00:01'),
    (42, 'hole', 'user', 't', '2024-01-01 10:00:02'),
    (43, 'hole', 'user', NULL, '2024-01-01 10:00:03'),
    (44, 'hole', 'user', 't', '2024-01-01 10:00:04'),
    (45, 'hole', 'user', '', '2024-01-01 10:00:05');
-- created_at is the first message's, updated_at the last's: not an empty row's.
SELECT keys, dense, created_at, updated_at
FROM run('flat', '{"key": ["id"], "owner": "who", "role": "r",
                   "content": "t", "time": "at"}');
SELECT t.key_1, m."position", m.created_at
FROM flat_m AS m JOIN flat_trace AS t ON m.id = ANY (t.message_ids)
WHERE t.key_1 BETWEEN 31 AND 36 ORDER BY m."position";

--
-- Idle gaps, of 30 minutes
--
CREATE TABLE idle (id int PRIMARY KEY, who text, q text, a text,
                   at timestamptz);
INSERT INTO idle VALUES
    -- exactly the gap stays; a microsecond more does not
    (1, 'exact', 'q', 'a', '2024-01-01 10:00'),
    (2, 'exact', 'q', 'a', '2024-01-01 10:30'),
    (3, 'exact', 'q', 'a', '2024-01-01 11:00:00.000001'),
    (4, 'exact', 'q', 'a', '2024-01-01 11:30:00.000001'),
    -- the pause counts from row to row, not from the beginning
    (11, 'long', 'q', 'a', '2024-01-01 10:00'),
    (12, 'long', 'q', 'a', '2024-01-01 10:29'),
    (13, 'long', 'q', 'a', '2024-01-01 10:58'),
    -- an empty row says nothing about a pause
    (21, 'empty', 'q', 'a', '2024-01-01 10:00'),
    (22, 'empty', '', NULL, '2024-01-01 10:20'),
    (23, 'empty', 'q', 'a', '2024-01-01 10:40'),
    -- a missing time is that of the row before; where none is known at all,
    -- nothing says that there was a pause
    (31, 'null', 'q', 'a', '2024-01-01 10:00'),
    (32, 'null', 'q', 'a', NULL),
    (33, 'null', 'q', 'a', '2024-01-01 11:00'),
    (34, 'nulls', 'q', 'a', NULL),
    (35, 'nulls', 'q', 'a', NULL),
    -- between infinity and any time there is a pause, but not within it
    (41, 'far', 'q', 'a', '-infinity'),
    (42, 'far', 'q', 'a', '-infinity'),
    (43, 'far', 'q', 'a', '4714-11-24 00:00:00+00 BC'),
    (44, 'far', 'q', 'a', '294276-12-31 23:59:59+00'),
    (45, 'far', 'q', 'a', 'infinity'),
    (46, 'far', 'q', 'a', 'infinity'),
    (51, 'ends', 'q', 'a', '-infinity'),
    (52, 'ends', 'q', 'a', 'infinity'),
    -- the second owner's row is close to the first's, and yet not with it
    (61, 'one', 'q', 'a', '2024-01-01 10:00'),
    (62, 'two', 'q', 'a', '2024-01-01 10:01'),
    (63, 'one', 'q', 'a', '2024-01-01 10:02');
SELECT keys, dense, created_at, updated_at
FROM run('idle', '{"key": ["id"], "owner": "who", "question": "q",
                   "answer": "a", "time": "at"}',
         '{"idle_gap": "30 minutes"}');

-- A day has 24 hours and a month 30 days.
CREATE TABLE monthly (id int PRIMARY KEY, q text, a text, at date);
INSERT INTO monthly VALUES (1, 'q', 'a', '2024-01-01'),
                           (2, 'q', 'a', '2024-01-31'),
                           (3, 'q', 'a', '2024-03-02');
SELECT keys, created_at, updated_at
FROM run('monthly', '{"key": ["id"], "question": "q", "answer": "a",
                      "time": "at"}', '{"idle_gap": "1 month"}');

--
-- Missing times: that of the row before it by key in its group, else that of
-- the first row after it; marked. A group without any has none.
--
CREATE TABLE missing (id int PRIMARY KEY, who text, q text, a text,
                      at timestamptz);
INSERT INTO missing VALUES
    (1, 'ann', 'q', 'a', NULL),
    (2, 'ann', 'q', 'a', NULL),
    (3, 'ann', 'q', 'a', '2024-01-01 12:00'),
    (4, 'ann', 'q', 'a', NULL),
    (5, 'ann', 'q', 'a', '2024-01-01 11:00'),
    (6, 'ann', 'q', 'a', NULL),
    (7, 'ann', 'q', 'a', NULL),
    (8, 'bob', 'q', 'a', NULL),
    (9, 'bob', 'q', 'a', NULL),
    (10, NULL, 'q', 'a', NULL),
    (11, 'eve', 'q', 'a', '2024-01-01 09:00'),
    (12, NULL, 'q', 'a', '2024-01-01 08:00'),
    -- a row that holds no message has a time as good as any
    (13, 'zoe', '', '', '2024-01-01 07:00'),
    (14, 'zoe', 'q', 'a', NULL);
SELECT keys, dense, created_at, updated_at
FROM run('missing', '{"key": ["id"], "owner": "who", "question": "q",
                      "answer": "a", "time": "at"}');
SELECT t.key_1, m."position", m.created_at, m.metadata
FROM missing_m AS m JOIN missing_trace AS t ON m.id = ANY (t.message_ids)
WHERE m.role = 'user' ORDER BY t.key_1;

-- A time that cannot be read is not missing, and is nobody's neighbour.
CREATE TABLE unreadable (id int PRIMARY KEY, q text, a text, at text);
INSERT INTO unreadable VALUES
    (1, 'q', 'a', '2024-01-01 10:00'), (2, 'q', 'a', 'yesterday'),
    (3, 'q', 'a', NULL), (4, '', '', 'never');
SELECT keys, dense, created_at, updated_at
FROM run('unreadable', '{"key": ["id"], "question": "q", "answer": "a",
                         "time": "at"}', '{"max_rejects": 1}');
SELECT legacy_key, code, reason FROM chatmig_rejects
WHERE migration = 'unreadable';

--
-- Titles: by default the first line of the first message, at most 80 characters
--
CREATE TABLE titles (id int PRIMARY KEY, who int, q text, a text);
INSERT INTO titles VALUES
    (1, 1, 'the first', 'and its answer'), (2, 1, 'a second', 'no title'),
    (3, 2, '', 'a proactive answer'),
    (4, 3, E' \t\r\n  the first line \r\nthe second', NULL),
    (5, 4, E' \n\t', 'blanks make no title'),
    (6, 5, repeat('x', 80), NULL),
    (7, 6, repeat('x', 81), NULL),
    (8, 7, repeat(chr(128512), 80), NULL),
    (9, 8, repeat(chr(128512), 81), NULL),
    (10, 9, repeat(chr(128512), 79) || E'\n' || repeat('y', 1000), NULL),
    -- what is fetched ends within a character
    (11, 10, repeat(' ', 945) || repeat(chr(128512), 100), NULL),
    -- or at the end of one, so that only the length tells that more follows
    (12, 11, repeat(' ', 944) || repeat(chr(128512), 100), NULL),
    (13, 12, repeat('words ', 200000), NULL),
    (14, 13, repeat('x', 79) || ' y z', NULL),
    (15, 14, '{owner} {"a": 1}', NULL),
    (16, 15, repeat(E'\n', 2000) || 'too far down', NULL);
SELECT keys, length(title), replace(title, chr(128512), '#') AS title
FROM run('titles', '{"key": ["id"], "owner": "who", "question": "q",
                     "answer": "a"}') WITH ORDINALITY ORDER BY ordinality;

-- Templates with every placeholder; a NULL of the row leaves nothing, and what
-- leaves nothing at all is no title.
CREATE TABLE templates (id int PRIMARY KEY, who text, bot int, room date,
                        q text, a text);
INSERT INTO templates VALUES
    (1, 'ann {owner}', 7, '2024-05-01', 'hello', 'a'),
    (2, NULL, NULL, NULL, E'two\nlines', 'a'),
    (3, 'it''s "me" \', -1, 'infinity', NULL, 'answer');
SELECT keys, title, description
FROM run('templates',
         '{"key": ["id"], "owner": "who", "counterpart": "bot",
           "session": "room", "question": "q", "answer": "a"}',
         '{"title": "{owner}|{counterpart}|{session}|{first_message} }",
           "description": "{owner}{counterpart}"}');
-- A placeholder of a part that is not mapped leaves nothing.
CREATE VIEW parts AS SELECT id, q, a FROM templates;
SELECT keys, title, description
FROM run('parts', '{"key": ["id"], "question": "q", "answer": "a"}',
         '{"title": "{owner}{counterpart}{session}",
           "description": "moved, {owner}"}');
-- null: no title.
CREATE VIEW untitled AS SELECT id, q, a FROM templates;
SELECT keys, title, description
FROM run('untitled', '{"key": ["id"], "question": "q", "answer": "a"}',
         '{"title": null}');

SET client_min_messages = warning;
DROP SCHEMA grouping CASCADE;
DROP EXTENSION chatmig;
