--
-- bulk.c and insert.c: two ways into a table, and the same rows; one run and
-- two, and the same rows
--
CREATE EXTENSION chatmig;
CREATE SCHEMA paths;
SET search_path = paths, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;
\pset null NULL

-- Some 8,000 pairs. The first 5,700 are one user's in one session: more than
-- 10,000 messages in one conversation, at which what waits is written. The
-- others are of 14 users, nobody among them, in 5 sessions. Keys and times
-- are in different orders, times are equal, halves are empty, texts are short
-- and long, of 1 to 4 bytes a character.
CREATE TABLE history (id int PRIMARY KEY, user_id int, session_id text,
                      question text, answer text, model varchar(20), tokens int,
                      metadata jsonb, media_url text, media_type text,
                      lang text, created_at timestamptz);
INSERT INTO history
SELECT i,
       CASE WHEN i <= 5700 THEN 99 WHEN i % 7 > 0 THEN i % 13 END,
       CASE WHEN i > 5700 AND i % 5 > 0 THEN 's' || i % 4 END,
       CASE WHEN i % 11 = 0 THEN '' WHEN i % 17 > 0
            THEN 'question ' || i || repeat(chr(128512), i % 40) END,
       CASE WHEN i % 500 = 0 THEN repeat(md5(i::text), 1000) WHEN i % 19 > 0
            THEN repeat('answer ' || i || E'\n', i % 20) END,
       CASE WHEN i % 3 > 0 THEN 'model ' || i % 3 END,
       CASE WHEN i % 4 > 0 THEN i END,
       CASE WHEN i % 6 = 0 THEN '[]' WHEN i % 5 > 0
            THEN jsonb_build_object('n', i) END,
       CASE WHEN i % 10 = 0 THEN 'http://x/' || i WHEN i % 23 = 0 THEN '' END,
       CASE WHEN i % 20 = 0 THEN 'image' END,
       CASE WHEN i % 8 > 0 THEN 'l' || i % 8 END,
       timestamptz '2024-01-01' + (i * 7919 % 4001) * interval '1 minute'
FROM generate_series(1, 8000) AS i;
CREATE VIEW pairs AS SELECT * FROM history WHERE id > 5700;
CREATE VIEW pairs_of_text AS SELECT * FROM pairs;
CREATE VIEW pairs_of_bigint AS SELECT * FROM pairs;
CREATE VIEW pairs_with_media AS SELECT * FROM pairs;
CREATE VIEW pairs_with_gaps AS SELECT * FROM pairs;
CREATE VIEW pairs_without_times AS
SELECT id, user_id, question, answer,
       CASE WHEN id % 3 > 0 AND user_id IS DISTINCT FROM 5
            THEN created_at END AS created_at FROM pairs;
CREATE VIEW pairs_without_time AS
SELECT id, user_id, question, answer FROM pairs;
CREATE VIEW messages AS
SELECT id, user_id, session_id, CASE WHEN id % 3 = 0 THEN 'user' WHEN id % 50 = 0
                                THEN 'nobody' ELSE 'Bot' END AS role,
       question AS content, media_url, tokens::bigint, lang, created_at
FROM pairs;
CREATE VIEW messages_of_bigint AS SELECT * FROM messages;

-- Migrates, keeps what came out under a prefix, and takes it back.
CREATE FUNCTION keep(prefix text, source text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    part text;
    said text;
BEGIN
    SELECT format('%s rows: %s conversations, %s messages, %s media, %s '
                  'empty, %s rejected', legacy_rows, conversations, messages,
                  media, empty, rejected)
    INTO said FROM chatmig_migrate(source);
    FOREACH part IN ARRAY ARRAY['c', 'm', 'd', 'trace']
    LOOP
        IF to_regclass(source || '_' || part) IS NOT NULL THEN
            EXECUTE format('CREATE TABLE %I AS SELECT * FROM %I',
                           prefix || part, source || '_' || part);
        END IF;
    END LOOP;
    PERFORM chatmig_rollback(source);
    RETURN said;
END
$$;
-- The rows that only one side has, of each table; with their columns, all of
-- them.
CREATE FUNCTION differ(a text, b text)
RETURNS TABLE (part text, columns bigint, same bigint, only_a bigint,
               only_b bigint)
LANGUAGE plpgsql AS $$
BEGIN
    FOREACH part IN ARRAY ARRAY['c', 'm', 'd', 'trace']
    LOOP
        CONTINUE WHEN to_regclass(a || part) IS NULL
                      AND to_regclass(b || part) IS NULL;
        SELECT count(*) INTO columns FROM pg_attribute
        WHERE attrelid = to_regclass(a || part) AND attnum > 0;
        EXECUTE format(
            'SELECT (SELECT count(*) FROM (TABLE %1$I INTERSECT ALL TABLE %2$I)
                     AS i),
                    (SELECT count(*) FROM (TABLE %1$I EXCEPT ALL TABLE %2$I)
                     AS i),
                    (SELECT count(*) FROM (TABLE %2$I EXCEPT ALL TABLE %1$I)
                     AS i)', a || part, b || part)
        INTO same, only_a, only_b;
        EXECUTE format('DROP TABLE %I, %I', a || part, b || part);
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE FUNCTION register(source text, mapping jsonb, options jsonb)
RETURNS text
LANGUAGE sql AS $$
    SELECT chatmig_register(source, '{"key": ["id"]}' || mapping,
                            jsonb_build_object('conversations', source || '_c',
                                               'messages', source || '_m',
                                               'media', source || '_d'),
                            options)
$$;

--
-- With bulk_load, and without
--
CREATE TABLE said (source text, bulk_load bool, said text);
CREATE FUNCTION compare(source text, mapping jsonb DEFAULT '{}',
                        options jsonb DEFAULT '{}')
RETURNS TABLE (part text, columns bigint, same bigint, only_bulk bigint,
               only_insert bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register(source, '{"media": null}' || mapping, options);
    SET chatmig.bulk_load = on;
    INSERT INTO said SELECT source, true, keep('bulk_', source);
    SET chatmig.bulk_load = off;
    INSERT INTO said SELECT source, false, keep('insert_', source);
    RESET chatmig.bulk_load;
    RETURN QUERY SELECT * FROM differ('bulk_', 'insert_');
END
$$;
-- Every row is the same on both sides, and in every column.
SELECT * FROM compare('history');
SELECT * FROM compare('pairs');
SELECT * FROM compare('pairs_of_text', options => '{"id_type": "text"}');
SELECT * FROM compare('pairs_of_bigint', '{"media": "media_url"}',
                      '{"id_type": "bigint"}');
SELECT * FROM compare('pairs_with_media', '{"media": "media_url"}');
SELECT * FROM compare('pairs_with_gaps', options =>
    '{"idle_gap": "2 hours", "description": "{owner} {session}"}');
SELECT * FROM compare('pairs_without_times');
SELECT * FROM compare('pairs_without_time');
SELECT * FROM compare('messages', '{"media": "media_url"}',
                      '{"max_rejects": 100}');
SELECT * FROM compare('messages_of_bigint', '{"media": "media_url"}',
                      '{"max_rejects": 100, "id_type": "bigint"}');
-- The numbers are the same, too, and add up to what the tables hold: to begin
-- with, every half that is not empty is a message.
SELECT source, count(*), min(said) AS said FROM said
GROUP BY source HAVING min(said) = max(said) ORDER BY source;
SELECT sum((question <> '')::int) + sum((answer <> '')::int)
       + count(*) FILTER (WHERE coalesce(question, '') = ''
                                AND media_url <> '') AS pairs_with_media
FROM pairs;
SELECT sum((question <> '')::int) + sum((answer <> '')::int) AS history,
       sum((question <> '')::int) FILTER (WHERE user_id = 99)
       + sum((answer <> '')::int) FILTER (WHERE user_id = 99)
       AS one_conversation
FROM history;

--
-- In one run, and in two of which the second's rows are later
--
CREATE TABLE later AS SELECT * FROM history;
ALTER TABLE later ADD PRIMARY KEY (id);
CREATE TABLE rest (LIKE later);
CREATE FUNCTION in_two(mapping jsonb DEFAULT '{}', options jsonb DEFAULT '{}')
RETURNS TABLE (part text, columns bigint, same bigint, only_one bigint,
               only_two bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register('later', '{"media": null}' || mapping, options);
    PERFORM keep('one_', 'later');
    WITH moved AS (DELETE FROM later WHERE created_at >= '2024-01-02 10:00'
                   RETURNING *)
    INSERT INTO rest SELECT * FROM moved;
    PERFORM chatmig_migrate('later');
    INSERT INTO later SELECT * FROM rest;
    PERFORM keep('two_', 'later');
    TRUNCATE rest;
    PERFORM chatmig_unregister('later');
    RETURN QUERY SELECT * FROM differ('one_', 'two_');
END
$$;
SELECT * FROM in_two();
SELECT * FROM in_two('{"media": "media_url"}', '{"idle_gap": "3 minutes"}');
SELECT * FROM in_two('{"session": null, "time": "created_at"}',
                     '{"id_type": "text"}');

DROP SCHEMA paths CASCADE;
DROP EXTENSION chatmig;
