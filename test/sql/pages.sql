--
-- pages: parallel workers or not, the rows of new tables lie in their order, in
-- as many pages, however long they are and however the tables are stored
--
CREATE EXTENSION chatmig;
CREATE SCHEMA pages;
SET search_path = pages, public;
SET TimeZone = 'UTC';

\set SHOW_CONTEXT never

-- So that the planner takes workers for small tables, too.
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;

CREATE TABLE talks (
    id int PRIMARY KEY,
    who int,
    question text,
    answer text,
    photo text,
    sent_at timestamptz);
SELECT chatmig_register('talks', '{"owner": "who", "media": "photo"}', '{"schema": "pages"}');

-- A text that does not become shorter when it is compressed.
CREATE FUNCTION random_text(seed int, width int) RETURNS text LANGUAGE sql AS $$
    SELECT left(string_agg(md5(seed || ' ' || g), '' ORDER BY g), width)
    FROM generate_series(0, width / 32) AS g
$$;

-- 4,000 pairs of 40 owners, in no order; the answers as wide as that says of i.
CREATE PROCEDURE fill(widths text) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE talks;
    EXECUTE 'INSERT INTO talks
             SELECT i, i * i % 40, ''question '' || i, random_text(i, ' || widths || '),
                    CASE WHEN i % 11 = 0 THEN ''photos/'' || i || ''.png'' END,
                    timestamptz ''2024-01-01 00:00Z'' + i * interval ''1 min''
             FROM generate_series(1, 4000) AS i';
    ANALYZE talks;
END
$$;

-- Changes messages as soon as it is made, before there is anything in it.
CREATE FUNCTION change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT bool_or(object_identity = 'pages.messages') FROM pg_event_trigger_ddl_commands())
       AND current_setting('pages.change') <> '' THEN
        EXECUTE 'ALTER TABLE pages.messages ' || current_setting('pages.change');
    END IF;
END
$$;
CREATE EVENT TRIGGER change ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION change();

-- Where rows lie: whether conversations are together, and in the order of the
-- table of conversations; how many pages have rows, and how many have none.
CREATE FUNCTION lie(OUT together boolean, OUT ordered boolean, OUT pages bigint,
                    OUT empty_pages bigint, OUT content text)
LANGUAGE plpgsql AS $$
BEGIN
    WITH m AS (
        SELECT conversation_id, row_number() OVER (ORDER BY ctid) AS place FROM messages),
    together AS (
        SELECT conversation_id AS id, min(place) AS first,
               max(place) - min(place) + 1 = count(*) AS is_together
        FROM m GROUP BY 1),
    both_orders AS (
        SELECT row_number() OVER (ORDER BY first) = row_number() OVER (ORDER BY c.ctid)
                   AS is_ordered, is_together
        FROM together JOIN conversations AS c USING (id))
    SELECT bool_and(b.is_together), bool_and(b.is_ordered) INTO together, ordered
    FROM both_orders AS b;
    SELECT sum(n), sum(pg_relation_size(tab) / 8192 - n)
    INTO pages, empty_pages
    FROM (VALUES ('messages'::regclass, (SELECT count(DISTINCT (ctid::text::point)[0]) FROM messages)),
                 ('conversations', (SELECT count(DISTINCT (ctid::text::point)[0]) FROM conversations)),
                 ('media', (SELECT count(DISTINCT (ctid::text::point)[0]) FROM media)),
                 ('talks_trace', (SELECT count(DISTINCT (ctid::text::point)[0]) FROM talks_trace)))
         AS t (tab, n);
    SELECT md5(string_agg(m::text, ' ' ORDER BY id)) INTO content FROM messages AS m;
END
$$;

-- With workers, against one process: whether the rows are the same, and in no
-- more than a few pages more (one in 32, and 20), none of them empty (from 16 on
-- the server leaves some empty, where it adds the pages).
CREATE FUNCTION stored(change text, OUT same boolean, OUT together boolean,
                       OUT ordered boolean, OUT as_small boolean, OUT all_used boolean)
LANGUAGE plpgsql AS $$
DECLARE
    alone record;
    shared record;
BEGIN
    PERFORM set_config('pages.change', stored.change, true);
    SET LOCAL max_parallel_workers_per_gather = 0;
    PERFORM migrated FROM chatmig_migrate('talks');
    SELECT * INTO alone FROM lie();
    PERFORM chatmig_rollback('talks');
    SET LOCAL max_parallel_workers_per_gather = 2;
    PERFORM migrated FROM chatmig_migrate('talks');
    SELECT * INTO shared FROM lie();
    PERFORM chatmig_assert_valid('talks');
    PERFORM chatmig_rollback('talks');
    same := shared.content = alone.content;
    together := shared.together;
    ordered := shared.ordered;
    as_small := shared.pages <= alone.pages + alone.pages / 32 + 20;
    all_used := shared.empty_pages = 0
        OR shared.empty_pages < 256 AND current_setting('server_version_num')::int >= 160000;
END
$$;

-- Short rows; half of them stored apart; all around the width from which on they
-- are; all of any width; some stored apart, as usual.
CALL fill('i % 100');
SELECT * FROM stored('');
CALL fill('CASE WHEN i % 2 = 0 THEN 2500 ELSE i % 500 END');
SELECT * FROM stored('');
CALL fill('1900 + i % 150');
SELECT * FROM stored('');
CALL fill('i * 31 % 9000');
SELECT * FROM stored('');
CALL fill('CASE WHEN i % 50 = 0 THEN i * 7 ELSE i % 500 END');
SELECT * FROM stored('');

-- Pages that are to stay half empty, and nearly.
SELECT * FROM stored('SET (fillfactor = 50)');
SELECT * FROM stored('SET (fillfactor = 10)');
-- Rows that are stored apart once they are a tenth as long, and four times.
SELECT * FROM stored('SET (toast_tuple_target = 200)');
SELECT * FROM stored('SET (toast_tuple_target = 8160)');
-- Texts that are not compressed, and a table that is not logged.
SELECT * FROM stored('ALTER content SET STORAGE EXTERNAL');
SELECT * FROM stored('SET UNLOGGED');
-- Texts that are stored apart only if there is no other way, or never: more goes
-- into a page than was counted on, and pages that were ahead may stay empty.
SELECT same, together, ordered FROM stored('ALTER content SET STORAGE MAIN');
CALL fill('i * 31 % 7000');
SELECT same, together, ordered FROM stored('ALTER content SET STORAGE PLAIN');

DROP EVENT TRIGGER change;
SET client_min_messages = warning;
RESET search_path;
DROP SCHEMA pages CASCADE;
DROP EXTENSION chatmig;
