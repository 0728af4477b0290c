--
-- Migrating more than once: nothing twice, nothing moved, new rows join
--
CREATE EXTENSION chatmig;
CREATE SCHEMA migrate;
SET search_path = migrate, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\pset null NULL

-- Every id that was ever given, to be compared after each run.
CREATE TABLE given (source text, key text, part bigint, message uuid,
                    conversation uuid, created_at timestamptz,
                    PRIMARY KEY (source, key, part));

-- A dry run and a run. "rehearsed": the dry run said the same numbers and
-- wrote nothing; "kept": all ids and times of earlier runs are what they were.
CREATE FUNCTION run(source text, force bool DEFAULT false,
                    OUT legacy_rows bigint, OUT already bigint,
                    OUT migrated bigint, OUT empty bigint, OUT rejected bigint,
                    OUT conversations bigint, OUT messages bigint,
                    OUT rehearsed bool, OUT kept bool)
LANGUAGE plpgsql AS $$
DECLARE
    said text;
    did text;
    before text := pg_current_xact_id_if_assigned();
BEGIN
    SELECT to_jsonb(c) - 'elapsed' INTO said
    FROM chatmig_migrate(source, dry_run => true, force => run.force) AS c;
    rehearsed := pg_current_xact_id_if_assigned()::text
                 IS NOT DISTINCT FROM before;
    SELECT to_jsonb(c) - 'elapsed', c.legacy_rows, c.already, c.migrated,
           c.empty, c.rejected, c.conversations, c.messages
    INTO did, legacy_rows, already, migrated, empty, rejected, conversations,
         messages
    FROM chatmig_migrate(source, force => run.force) AS c;
    rehearsed := rehearsed AND said = did;
    EXECUTE format(
        'CREATE TEMP TABLE now_given AS
         SELECT %L AS source, t.key_1::text AS key, u.part, m.id AS message,
                m.conversation_id AS conversation, m.created_at
         FROM %I AS t, unnest(t.message_ids) WITH ORDINALITY AS u (id, part),
              %I AS m
         WHERE m.id = u.id AND m.conversation_id = t.conversation_id',
        source, source || '_trace', source || '_m');
    kept := NOT EXISTS (SELECT * FROM given AS g WHERE g.source = run.source
                        EXCEPT SELECT * FROM now_given);
    INSERT INTO given SELECT * FROM now_given ON CONFLICT DO NOTHING;
    DROP TABLE now_given;
END
$$;
CREATE FUNCTION register(source text, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
    SELECT chatmig_register(source, '{}',
                            jsonb_build_object('conversations', source || '_c',
                                               'messages', source || '_m'),
                            options)
$$;

-- The conversations: their messages in order, and their times.
CREATE FUNCTION show(source text)
RETURNS TABLE (owner text, messages text, dense bool, created_at time,
               updated_at time)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT c.user_id::text,
                string_agg(m.content, '' '' ORDER BY m."position"),
                (min(m."position"), max(m."position"),
                 count(DISTINCT m."position")) = (0, count(*) - 1, count(*)),
                c.created_at::time, c.updated_at::time
         FROM %I AS c LEFT JOIN %I AS m ON m.conversation_id = c.id
         GROUP BY c.id ORDER BY c.user_id, c.created_at',
        source || '_c', source || '_m');
END
$$;

-- Where each row of chatmig and of a migration is, and who wrote it last. Of
-- registrations only what they say: a run locks its own by an UPDATE.
CREATE FUNCTION versions(source text)
RETURNS TABLE (relation text, row_id text, writer text)
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    RETURN QUERY SELECT 'chatmig_migration', m::text, ''
                 FROM chatmig_migration AS m;
    FOREACH name IN ARRAY ARRAY['chatmig_target', 'chatmig_run',
                                'chatmig_rejected', source || '_c',
                                source || '_m', source || '_trace']
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, ctid::text, xmin::text FROM %I',
                                    name, name);
    END LOOP;
END
$$;

--
-- New rows join the right conversation
--
CREATE TABLE chat (id int PRIMARY KEY, user_id int, session_id text, role text,
                   content text, created_at timestamptz);
INSERT INTO chat VALUES
    (1, 1, 'x', 'user', 'a1', '2024-01-01 10:01'),
    (2, 1, 'x', 'assistant', 'a2', '2024-01-01 10:02'),
    (3, 1, 'x', 'user', 'a3', '2024-01-01 10:03'),
    (4, 2, 'x', 'user', 'b1', '2024-01-01 10:01'),
    (5, NULL, NULL, 'user', 'n1', '2024-01-01 10:01'),
    (6, 1, 'x', 'user', '', '2024-01-01 10:04');
SELECT register('chat');
SELECT * FROM run('chat');
SELECT * FROM show('chat');

-- Again, with force, too: no row is written, neither chatmig's nor the user's.
CREATE TABLE versions_before AS SELECT * FROM versions('chat');
SELECT * FROM run('chat');
SELECT * FROM run('chat', force => true);
SELECT count(*) AS compared,
       count(*) FILTER (WHERE v IS NULL OR b IS NULL) AS changed
FROM versions_before AS b FULL JOIN versions('chat') AS v
ON (v.relation, v.row_id, v.writer) = (b.relation, b.row_id, b.writer);

-- Without an empty row there is not even a run; still nothing changes.
DELETE FROM chat WHERE id = 6;
SELECT * FROM run('chat');
SELECT count(*) FILTER (WHERE v IS NULL OR b IS NULL) AS changed
FROM versions_before AS b FULL JOIN versions('chat') AS v
ON (v.relation, v.row_id, v.writer) = (b.relation, b.row_id, b.writer);

-- Behind the others, between them, and before them: in one run.
INSERT INTO chat VALUES
    (11, 1, 'x', 'user', 'a4', '2024-01-01 10:04'),
    (12, 1, 'x', 'user', 'a2.5', '2024-01-01 10:02:30'),
    (13, 1, 'x', 'user', 'a1.5', '2024-01-01 10:01:30'),
    (14, 1, 'x', 'user', 'a1.6', '2024-01-01 10:01:40'),
    (15, 1, 'x', 'user', 'a0', '2024-01-01 10:00'),
    (16, NULL, NULL, 'user', 'n0', '2024-01-01 10:00'),
    -- equal times: the key orders
    (0, 2, 'x', 'user', 'b0', '2024-01-01 10:01'),
    (17, 2, 'x', 'user', 'b2', '2024-01-01 10:01');
SELECT * FROM run('chat');
SELECT * FROM show('chat');

-- Another session and another user: conversations of their own.
INSERT INTO chat VALUES
    (21, 1, 'y', 'user', 'y1', '2024-01-01 10:02'),
    (22, 1, NULL, 'user', 'z1', '2024-01-01 10:05'),
    (23, 3, 'x', 'user', 'c1', '2024-01-01 10:02');
SELECT * FROM run('chat');
SELECT * FROM show('chat');

-- What the application wrote stays: behind it goes what is later than all that
-- was migrated, even if it is older than the application's; the rest goes
-- where it belongs, and the application's moves up with what is behind.
INSERT INTO chat_m (conversation_id, "position", role, content, created_at)
SELECT c.id, 3, 'user', 'app', '2024-01-02 00:00'
FROM chat_c AS c WHERE user_id = 2;
UPDATE chat_c SET updated_at = '2024-01-01 20:00' WHERE user_id = 2;
INSERT INTO chat VALUES
    (31, 2, 'x', 'user', 'b3', '2024-01-01 10:30'),
    (32, 2, 'x', 'user', 'b0.5', '2024-01-01 10:00:30');
SELECT * FROM run('chat');
SELECT * FROM show('chat') WHERE owner = '2';
SELECT "position", created_at FROM chat_m WHERE content = 'app';

-- A conversation that the application made is never joined.
INSERT INTO chat_c (user_id, title) VALUES (4, 'the application''s');
INSERT INTO chat VALUES (41, 4, 'x', 'user', 'd1', '2024-01-01 10:00');
SELECT * FROM run('chat');
SELECT title, (SELECT count(*) FROM chat_m WHERE conversation_id = c.id)
FROM chat_c AS c WHERE user_id = 4 ORDER BY title;

-- Both halves of pairs, at once at the front, in the middle and at the end.
CREATE TABLE pairs (id int PRIMARY KEY, user_id text, question text,
                    answer text, created_at timestamp);
INSERT INTO pairs VALUES
    (1, 'ann', 'q1', 'a1', '2024-01-01 10:01'),
    (2, 'ann', 'q2', NULL, '2024-01-01 10:02'),
    (3, 'ann', NULL, 'a3', '2024-01-01 10:03');
SELECT register('pairs');
SELECT * FROM run('pairs');
INSERT INTO pairs VALUES
    (10, 'ann', 'q0', 'a0', '2024-01-01 10:00'),
    (11, 'ann', 'q1.5', 'a1.5', '2024-01-01 10:01:30'),
    (12, 'ann', NULL, 'a2.5', '2024-01-01 10:02:30'),
    (13, 'ann', '', '', '2024-01-01 10:02:40'),
    (14, 'ann', 'q4', 'a4', '2024-01-01 10:04');
SELECT * FROM run('pairs');
SELECT * FROM show('pairs');

-- An answer that the user deleted leaves its question where it is.
DELETE FROM pairs_m WHERE content = 'a1.5';
UPDATE pairs_m SET "position" = "position" - 100 WHERE "position" > 5;
UPDATE pairs_m SET "position" = "position" + 99 WHERE "position" < 0;
INSERT INTO pairs VALUES
    (21, 'ann', 'q1.7', 'a1.7', '2024-01-01 10:01:40');
SELECT already, migrated, messages FROM chatmig_migrate('pairs');
SELECT messages, dense FROM show('pairs');

-- Rows without a time: they stand where they stood, however many come later.
CREATE TABLE timeless (id int PRIMARY KEY, user_id int, question text,
                       answer text, created_at timestamp);
INSERT INTO timeless (id, user_id, question, created_at) VALUES
    (2, 1, 't2', NULL), (4, 1, 't4', '2024-01-01 10:04'), (6, 1, 't6', NULL),
    (12, 2, 'u2', NULL), (14, 2, 'u4', NULL);
SELECT register('timeless');
SELECT * FROM run('timeless');
SELECT * FROM show('timeless');
INSERT INTO timeless (id, user_id, question, created_at) VALUES
    (1, 1, 't1', '2024-01-01 10:01'), (3, 1, 't3', NULL),
    (5, 1, 't5', '2024-01-01 10:05'), (7, 1, 't7', NULL),
    (11, 2, 'u1', NULL), (13, 2, 'u3', '2024-01-01 10:13'), (15, 2, 'u5', NULL);
SELECT * FROM run('timeless');
SELECT * FROM show('timeless');

-- No time at all: the key orders.
CREATE TABLE keyed (id int PRIMARY KEY, user_id int, question text, answer text);
INSERT INTO keyed VALUES (2, 1, 'k2', NULL), (4, 1, 'k4', NULL);
SELECT register('keyed');
SELECT * FROM run('keyed');
INSERT INTO keyed VALUES (1, 1, 'k1', NULL), (3, 1, 'k3', NULL),
                         (5, 1, 'k5', NULL);
SELECT * FROM run('keyed');
SELECT * FROM show('keyed');

--
-- With an idle gap of 30 minutes
--
CREATE TABLE idle (id int PRIMARY KEY, user_id text, question text, answer text,
                   created_at timestamptz);
INSERT INTO idle (id, user_id, question, created_at)
SELECT row_number() OVER (), u, u || h, '2024-01-01'::timestamptz
                                        + make_interval(hours => h)
FROM unnest('{bridge, after, alone, chain, front, ahead, far}'::text[]) AS u,
     unnest('{10, 11}'::int[]) AS h;
UPDATE idle SET created_at = '2024-01-01 12:00', question = 'alone12'
WHERE question = 'alone11';
UPDATE idle SET created_at = 'infinity' WHERE question = 'far11';
SELECT register('idle', '{"idle_gap": "30 minutes"}');
SELECT * FROM run('idle');
INSERT INTO idle (id, user_id, question, created_at) VALUES
    -- near enough to both: it joins the one before it, and both stay apart
    (21, 'bridge', '10:30', '2024-01-01 10:30'),
    -- near to the one after it alone
    (22, 'after', '10:30.1', '2024-01-01 10:30:00.000001'),
    -- near to none
    (23, 'alone', '11:00', '2024-01-01 11:00'),
    -- the second joins what the first has joined
    (24, 'chain', '10:30', '2024-01-01 10:30'),
    (25, 'chain', '10:45', '2024-01-01 10:45'),
    -- both in front, in order
    (26, 'front', '9:50', '2024-01-01 09:50'),
    (27, 'front', '9:40', '2024-01-01 09:40'),
    -- the first begins one of its own, which the second joins
    (28, 'ahead', '9:50', '2024-01-01 09:50'),
    (29, 'ahead', '9:25', '2024-01-01 09:25'),
    -- infinity is far from all but itself
    (30, 'far', '-inf', '-infinity'), (31, 'far', 'inf', 'infinity'),
    (32, 'far', '10:10', '2024-01-01 10:10');
SELECT * FROM run('idle');
SELECT * FROM show('idle');

-- The row that bridged a pause is deleted, and its message stays: what comes
-- between is near to the one after it alone, and goes behind the one before it,
-- not to the front.
DELETE FROM idle WHERE id = 24;
INSERT INTO idle (id, user_id, question, created_at) VALUES
    (33, 'chain', '10:35', '2024-01-01 10:35');
SELECT * FROM run('idle');
SELECT * FROM show('idle') WHERE owner = 'chain';

--
-- Rejected rows
--
CREATE TABLE refused (id int PRIMARY KEY, user_id int, role text, content text,
                      created_at text);
INSERT INTO refused VALUES
    (1, 1, 'user', 'r1', '2024-01-01 10:01'),
    (2, 1, 'nobody', 'r2', '2024-01-01 10:02'),
    (3, 1, 'assistant', 'r3', '2024-01-01 10:03'),
    (4, 1, NULL, 'r4', '2024-01-01 10:04'),
    (5, 1, 'user', 'r5', 'noon'),
    (6, 1, 'user', 'r6', '2024-01-01 10:06');
-- By default one is too many: the error names the first and says how many.
SELECT register('refused');
SELECT migrated FROM chatmig_migrate('refused');
-- Nothing has been made and nothing kept; a dry run says all of it.
SELECT to_regclass('refused_c') IS NULL AND to_regclass('refused_trace') IS NULL
       AS nothing, (SELECT count(*) FROM chatmig_rejects) AS rejects,
       (SELECT state FROM chatmig_status WHERE migration = 'refused') AS state;
SELECT legacy_rows, already, migrated, empty, rejected, conversations, messages
FROM chatmig_migrate('refused', dry_run => true);
SELECT action, rows, note FROM chatmig_plan('refused')
WHERE action IN ('read', 'reject', 'stop') ORDER BY step;

-- One less than there are stops as well; as many as there are pass.
SELECT register('refused', '{"max_rejects": 2}');
SELECT migrated FROM chatmig_migrate('refused');
SELECT register('refused', '{"max_rejects": 3}');
SELECT * FROM run('refused');
SELECT * FROM show('refused');
SELECT legacy_key, code, reason, legacy_row FROM chatmig_rejects
ORDER BY legacy_key;
SELECT legacy_rows, migrated, empty, rejected FROM chatmig_status
WHERE migration = 'refused';

-- Again: the same are rejected, and nothing is written.
CREATE TABLE refused_before AS SELECT * FROM versions('refused');
SELECT * FROM run('refused');
SELECT count(*) FILTER (WHERE v IS NULL OR b IS NULL) AS changed
FROM refused_before AS b FULL JOIN versions('refused') AS v
ON (v.relation, v.row_id, v.writer) = (b.relation, b.row_id, b.writer);

-- Corrected rows go to their places and leave chatmig_rejects; what is wrong
-- in another way now says so, and what is as it was is not written again.
UPDATE refused SET role = 'user' WHERE id = 2;
UPDATE refused SET role = 'assistant', created_at = 'midnight' WHERE id = 4;
SELECT * FROM run('refused');
SELECT * FROM show('refused');
SELECT j.legacy_key, j.code, j.legacy_row ->> 'role' AS role, b IS NOT NULL AS same
FROM chatmig_rejected AS j LEFT JOIN refused_before AS b
ON (b.relation, b.row_id, b.writer)
   = ('chatmig_rejected', j.ctid::text, j.xmin::text)
ORDER BY legacy_key;

-- Too many in a later run: an error, and all is as it was, the good new row too.
INSERT INTO refused VALUES (7, 1, 'user', 'r7', '2024-01-01 10:07'),
                           (8, 1, '?', 'r8', NULL), (9, 1, '?', 'r9', NULL);
SELECT migrated FROM chatmig_migrate('refused');
SELECT legacy_key FROM chatmig_rejects ORDER BY legacy_key;
SELECT count(*) FROM refused_m;

-- With all corrected nothing is left; the last is in front of those it precedes.
DELETE FROM refused WHERE id > 7;
UPDATE refused SET created_at = '2024-01-01 10:04' WHERE id = 4;
UPDATE refused SET created_at = '2024-01-01 10:05' WHERE id = 5;
SELECT * FROM run('refused');
SELECT * FROM show('refused');
SELECT count(*) FROM chatmig_rejects;
SELECT legacy_rows, migrated, empty, rejected, conversations, messages
FROM chatmig_status WHERE migration = 'refused';

-- A rejected row that is deleted leaves chatmig_rejects, too, though all other
-- rows are migrated.
INSERT INTO refused VALUES (10, 1, '?', 'r10', NULL);
SELECT * FROM run('refused');
SELECT legacy_key FROM chatmig_rejects;
DELETE FROM refused WHERE id = 10;
SELECT * FROM run('refused');
SELECT count(*) FROM chatmig_rejects;
SELECT legacy_rows, migrated, rejected FROM chatmig_status
WHERE migration = 'refused';

-- All migrations at once; what each has to do, it does.
INSERT INTO keyed VALUES (6, 1, 'k6', NULL);
INSERT INTO chat VALUES (51, 1, 'x', 'user', 'a5', '2024-01-01 10:05');
SELECT migration, legacy_rows = already + migrated + empty + rejected AS sum,
       migrated, messages
FROM chatmig_migrate() ORDER BY migration;

-- After all of it: each non-empty half is one message, with its words.
SELECT count(*) AS messages, count(DISTINCT m.id) AS different,
       bool_and(m.content IS NOT DISTINCT FROM h.content) AS same
FROM (SELECT id, content FROM chat WHERE content <> '') AS h
     FULL JOIN chat_trace AS t ON t.key_1 = h.id
     FULL JOIN chat_m AS m ON m.id = t.message_ids[1]
WHERE m.content IS DISTINCT FROM 'app';

SET client_min_messages = warning;
DROP SCHEMA migrate CASCADE;
DROP EXTENSION chatmig;
