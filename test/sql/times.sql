--
-- times.c and fingerprint.c: what the read query calls for each legacy row
--
CREATE EXTENSION chatmig;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\pset null NULL

-- Text that is ISO 8601, and the time that it is. The zone is for texts that
-- name none.
CREATE TEMP TABLE readable (value text, zone text, expected timestamptz);
INSERT INTO readable VALUES
    -- a date is its midnight
    ('2024-05-01', 'UTC', '2024-05-01 00:00:00+00'),
    ('2024-05-01', 'Europe/Berlin', '2024-04-30 22:00:00+00'),
    ('2024-02-29', 'UTC', '2024-02-29 00:00:00+00'),
    -- local times, in a zone with and without summer time
    ('2024-05-01 10:00:00', 'UTC', '2024-05-01 10:00:00+00'),
    ('2024-05-01T10:00:00', 'Asia/Kolkata', '2024-05-01 04:30:00+00'),
    ('2024-05-01t10:00', 'UTC', '2024-05-01 10:00:00+00'),
    ('2024-05-01 10:00:00', 'America/New_York', '2024-05-01 14:00:00+00'),
    ('2024-12-01 10:00:00', 'America/New_York', '2024-12-01 15:00:00+00'),
    -- in the gap of spring an hour later, in the fold of autumn winter time
    ('2024-03-31 02:30:00', 'Europe/Berlin', '2024-03-31 01:30:00+00'),
    ('2024-10-27 02:30:00', 'Europe/Berlin', '2024-10-27 01:30:00+00'),
    -- fractions of a second, rounded to microseconds
    ('2024-05-01 10:00:00.1', 'UTC', '2024-05-01 10:00:00.1+00'),
    ('2024-05-01 10:00:00,123', 'UTC', '2024-05-01 10:00:00.123+00'),
    ('2024-05-01 10:00:00.123456', 'UTC', '2024-05-01 10:00:00.123456+00'),
    ('2024-05-01 10:00:00.123456789Z', 'UTC', '2024-05-01 10:00:00.123457+00'),
    ('2024-12-31 23:59:59.9999999', 'UTC', '2025-01-01 00:00:00+00'),
    ('2024-05-01 10:00:00.00000000000000000001', 'UTC',
     '2024-05-01 10:00:00+00'),
    ('2024-05-01 10:00:00.' || repeat('0', 63) || '1', 'UTC',
     '2024-05-01 10:00:00+00'),
    -- a zone in the text comes first
    ('2024-05-01T10:00:00.123Z', 'Europe/Berlin', '2024-05-01 10:00:00.123+00'),
    ('2024-05-01 10:00:00 UTC', 'Europe/Berlin', '2024-05-01 10:00:00+00'),
    ('2024-05-01 10:00:00+02', 'Asia/Tokyo', '2024-05-01 08:00:00+00'),
    ('2024-05-01 10:00:00+0530', 'Asia/Tokyo', '2024-05-01 04:30:00+00'),
    ('2024-05-01 10:00:00-03:30', 'Asia/Tokyo', '2024-05-01 13:30:00+00'),
    ('2024-05-01 10:00:00 -08', 'Asia/Tokyo', '2024-05-01 18:00:00+00'),
    ('1890-01-01 00:53:28+00:53:28', 'Asia/Tokyo', '1890-01-01 00:00:00+00'),
    -- the standard's basic form, with a time
    ('20240501T1000Z', 'UTC', '2024-05-01 10:00:00+00'),
    ('20240501T100000.5+0200', 'UTC', '2024-05-01 08:00:00.5+00'),
    ('20240501T100000-05:00', 'UTC', '2024-05-01 15:00:00+00'),
    -- the end of a day, and a leap second
    ('2024-05-01 24:00:00', 'UTC', '2024-05-02 00:00:00+00'),
    ('2016-12-31 23:59:60', 'UTC', '2017-01-01 00:00:00+00'),
    -- blanks around it
    (E'  2024-05-01   10:00:00\n', 'UTC', '2024-05-01 10:00:00+00'),
    -- years BC, of which the fifth is a leap year; the range's two ends
    ('0044-03-15 12:00:00 BC', 'UTC', '0044-03-15 12:00:00+00 BC'),
    ('0044-03-15 12:00:00+01 bc', 'UTC', '0044-03-15 11:00:00+00 BC'),
    ('0005-02-29 BC', 'UTC', '0005-02-29 00:00:00+00 BC'),
    ('4714-11-24 00:00:00 BC', 'UTC', '4714-11-24 00:00:00+00 BC'),
    ('294276-12-31 23:59:59.999999', 'UTC', '294276-12-31 23:59:59.999999+00'),
    ('294277-01-01 00:30:00+01', 'UTC', '294276-12-31 23:30:00+00'),
    -- infinity stays
    ('infinity', 'Europe/Berlin', 'infinity'),
    ('-Infinity', 'Europe/Berlin', '-infinity');

-- Text that is not, or that could mean two things.
CREATE TEMP TABLE unreadable (value text);
INSERT INTO unreadable VALUES
    -- words, also those that the server understands
    (''), (' '), ('hello'), ('now'), ('today'), ('tomorrow'), ('yesterday'),
    ('epoch'), ('NaN'), ('+infinity'), ('infinity BC'), ('infinity UTC'),
    -- the order of day and month is anybody's guess
    ('01/05/2024'), ('1.5.2024'), ('01-05-2024'), ('2024/05/01'),
    ('May 1 2024'), ('1 May 2024'), ('2024-May-01'), ('24-05-01'),
    -- parts missing, or too short
    ('10:00:00'), ('10:00:00+02'), ('2024'), ('2024-05'), ('2024-5-1'),
    ('2024-05-01T'), ('2024-05-01 10'), ('2024-05-01 9:00'),
    ('2024-05-01 10:0'), ('2024-05-01 10:00:0'), ('2024-05-01 10:00:00.'),
    ('2024-05-01 10:00:00+2'), ('2024-05-01 10:00:00+02:'),
    ('2024-05-01 10:00:00+'), ('2024-05-01 10:00:00+020'),
    -- parts too many
    ('2024-05-011'), ('2024-05-0110:00'), ('2024-05-01 10:00:000'),
    ('2024-05-01 10:00:00 11:00:00'), ('2024-05-01 10:00:00 x'),
    ('2024-05-01 10:00 PM'), ('2024-05-01Z'), ('2024-05-01T 10:00'),
    ('2024-05-01 10:00:00.' || repeat('0', 65)), ('2024-05-01 10:00:00ZBC'),
    ('2024-05-01BC'), ('2024-05-01 10:00:00ZZ'), ('2024-05-01 BC BC'), ('-2024-05-01'),
    -- abbreviations of zones depend on a setting
    ('2024-05-01 10:00:00 EST'), ('2024-05-01 10:00:00 CET'),
    ('2024-05-01 10:00:00 Europe/Berlin'),
    -- no such date, time or zone
    ('0000-00-00 00:00:00'), ('0000-01-01'), ('2024-00-01'), ('2024-13-01'),
    ('2024-05-00'), ('2024-05-32'), ('2023-02-29'), ('1900-02-29'),
    ('0004-02-29 BC'), ('2024-05-01 25:00:00'), ('2024-05-01 24:00:01'),
    ('2024-05-01 10:60:00'), ('2024-05-01 10:00:61'),
    ('2024-05-01 10:00:00+16'), ('2024-05-01 10:00:00+02:60'),
    -- numbers of which nobody knows what they count
    ('20240501'), ('20240501100000'), ('1714557600'), ('1714557600123'),
    ('99999999999999999999-01-01'),
    -- out of range
    ('294277-01-01'), ('4714-11-23 BC'), ('4714-11-24 00:00:00+02 BC'),
    ('294276-12-31 23:00:00-02');

-- No case may differ, whatever the session's settings: 38 and 76 cases.
CREATE FUNCTION pg_temp.differing(OUT readable bigint, OUT unreadable bigint,
                                  OUT differ text)
LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM readable),
           (SELECT count(*) FROM unreadable),
           (SELECT string_agg(value, '; ')
            FROM (SELECT value FROM readable
                  WHERE chatmig_time_from_text(value, zone)
                        IS DISTINCT FROM expected
                  UNION ALL
                  SELECT value FROM unreadable
                  WHERE chatmig_time_from_text(value, 'UTC') IS NOT NULL)
                 AS differing)
$$;
SELECT * FROM pg_temp.differing();
SET DateStyle = 'German, DMY';
SET TimeZone = 'Pacific/Auckland';
SELECT * FROM pg_temp.differing();
SET DateStyle = 'SQL, MDY';
SET TimeZone = 'America/St_Johns';
SELECT * FROM pg_temp.differing();
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';

-- What the server writes comes back as it was, in each of the zones.
CREATE FUNCTION pg_temp.lost(zone text) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', zone, true);
    RETURN (SELECT count(*)
            FROM (SELECT timestamptz '4000-01-01 00:00 BC'
                         + i * interval '97 days 11:13:17.191923' AS t
                  FROM generate_series(1, 40000) AS i) AS times
            WHERE chatmig_time_from_text(t::text, 'Asia/Tokyo')
                  IS DISTINCT FROM t
               OR chatmig_time_from_text(t::timestamp::text, zone)
                  IS DISTINCT FROM t::timestamp::timestamptz
               OR chatmig_time_from_timestamp(t::timestamp, zone)
                  IS DISTINCT FROM t::timestamp::timestamptz
               OR chatmig_time_from_date(t::date, zone)
                  IS DISTINCT FROM t::date::timestamptz);
END
$$;
SELECT zone, pg_temp.lost(zone)
FROM unnest('{UTC, Etc/GMT+5, Europe/Berlin, Asia/Kathmandu,
              Australia/Lord_Howe}'::text[]) AS zone;

-- Timestamps: infinity stays; what the zone moves out of range is NULL.
SELECT value, chatmig_time_from_timestamp(value, 'Etc/GMT-1') AS east,
       chatmig_time_from_timestamp(value, 'Etc/GMT+1') AS west,
       chatmig_time_from_timestamp(value, 'America/New_York') AS new_york
FROM (VALUES (timestamp '-infinity'), ('4714-11-24 00:00:00 BC'),
             ('0001-12-31 23:30:00 BC'), ('2024-05-01 10:00:00'),
             ('294276-12-31 23:30:00'), ('infinity')) AS v (value);

-- Dates: the same; and dates later than any time are NULL.
SELECT value, chatmig_time_from_date(value, 'Etc/GMT-1') AS east,
       chatmig_time_from_date(value, 'Europe/Berlin') AS berlin
FROM (VALUES (date '-infinity'), ('4714-11-24 BC'), ('2024-05-01'),
             ('294276-12-31'), ('294277-01-01'), ('5874897-12-31'),
             ('infinity')) AS v (value);

-- Numbers: exact to the microsecond in our days; NaN and what is out of range
-- are NULL. The last two are at the range's ends.
SELECT value, units, chatmig_time_from_epoch(value, units)
FROM (VALUES (0::float8, 1::float8), (1714557600, 1), (1714557600.123456, 1),
             (1714557600123, 1000), (1714557600123456, 1000000), (-1, 1000),
             ('infinity', 1), ('-infinity', 1000), ('NaN', 1), (1e300, 1),
             (-1e300, 1), (-210866803201, 1), (9224318016000, 1),
             (-210866803200, 1), (9224318015000, 1)) AS v (value, units);

-- NULL in, NULL out.
SELECT chatmig_time_from_timestamp(NULL, 'UTC') AS a,
       chatmig_time_from_date(NULL, 'UTC') AS b,
       chatmig_time_from_text(NULL, 'UTC') AS c,
       chatmig_time_from_epoch(NULL, 1) AS d,
       chatmig_fingerprint(NULL) AS e;

-- A zone that changes from row to row is looked up again.
SELECT zone, chatmig_time_from_text('2024-05-01 10:00:00', zone)
FROM (VALUES ('UTC'), ('Europe/Berlin'), ('UTC'), ('Asia/Tokyo')) AS v (zone);

-- A wrong zone or unit is not the row's fault: 22023.
DO $$
DECLARE
    call text;
    state text;
    message text;
BEGIN
    FOREACH call IN ARRAY ARRAY[
        $a$chatmig_time_from_text('2024-05-01', 'Europe/Atlantis')$a$,
        $a$chatmig_time_from_text('unreadable', 'Europe/Atlantis')$a$,
        $a$chatmig_time_from_timestamp('infinity', 'PST')$a$,
        $a$chatmig_time_from_date('infinity', '')$a$,
        $a$chatmig_time_from_date('2024-05-01', repeat('x', 300))$a$,
        $a$chatmig_time_from_epoch(1, 0)$a$,
        $a$chatmig_time_from_epoch(1, -1)$a$,
        $a$chatmig_time_from_epoch(1, 'NaN')$a$,
        $a$chatmig_time_from_epoch(1, 'infinity')$a$]
    LOOP
        BEGIN
            EXECUTE 'SELECT ' || call;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
                                    message = MESSAGE_TEXT;
            RAISE INFO '% %', state, left(message, 60);
        END;
    END LOOP;
END
$$;
SELECT chatmig_time_from_text('2024-05-01', 'Europe/Atlantis');
SELECT chatmig_time_from_epoch(1, 0);

--
-- Fingerprints
--
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE point3 AS (x int, mood mood, note text);
CREATE DOMAIN temper AS mood;
CREATE TABLE legacy (
    id int PRIMARY KEY,
    gone text,
    t text, b bool, i2 smallint, i8 bigint, f4 real, f8 float8, n numeric,
    u uuid, nm name, ts timestamptz, iv interval, by bytea, j jsonb,
    m mood, d temper, a text[], ms mood[], p point3, ps point3[], r int4range,
    c regclass);
ALTER TABLE legacy DROP COLUMN gone;
INSERT INTO legacy VALUES
    (1, 'hello', true, 2, 3, 4.5, 5.5, 6.70,
     '00000000-0000-4000-8000-000000000001', 'name', '2024-05-01 10:00:00+00',
     '1 day', '\x00ff', '{"a": [1, "x"]}',
     'good', 'bad', '{x,NULL,""}', '{good,bad}', '(1,good,)',
     '{"(1,bad,n)","(,,)"}', '[1,5)', 'pg_class'),
    (2, repeat('a long text ', 100000), true, 2, 3, 4.5, 5.5, 6.70,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE before AS SELECT id, chatmig_fingerprint(l) AS fp FROM legacy l;

-- Stored fingerprints stay valid: these numbers must never change (on machines
-- of the same byte order).
SELECT chatmig_fingerprint(r)
FROM (VALUES (1, 'a question'::text, timestamptz '2024-05-01 10:00:00+00'))
     AS r (id, question, asked_at);
SELECT id, fp FROM before ORDER BY id;

-- A row without values is 0.
SELECT chatmig_fingerprint(ROW()) AS no_columns,
       chatmig_fingerprint(ROW(NULL, NULL)) AS nulls;

-- A new column without values changes nothing, nor does its going: 3 rows.
ALTER TABLE legacy ADD COLUMN later text;
SELECT count(*) FROM legacy l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;
ALTER TABLE legacy DROP COLUMN later;
SELECT count(*) FROM legacy l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;

-- A new column with a default does, in rows that were written before, too: 0.
ALTER TABLE legacy ADD COLUMN later int DEFAULT 5;
SELECT count(*) FROM legacy l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;
ALTER TABLE legacy DROP COLUMN later;

-- The order of columns does not count: 3 rows.
SELECT count(*)
FROM (SELECT c, r, ps, p, ms, a, d, m, j, by, iv, ts, nm, u, n, f8, f4, i8, i2,
             b, t, id FROM legacy) AS l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;

-- Nor does how a value is stored: outside of the row and not compressed.
ALTER TABLE legacy ALTER COLUMN t SET STORAGE EXTERNAL;
UPDATE legacy SET t = t || '';
SELECT count(*) FROM legacy l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;

-- Nor whether the row comes from a table, a view or a variable.
CREATE VIEW legacy_view AS SELECT * FROM legacy;
SELECT count(*) FROM legacy_view l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;
DO $$
DECLARE
    l legacy;
    same bool;
BEGIN
    SELECT * INTO l FROM legacy WHERE id = 1;
    l.t := l.t || '';
    SELECT chatmig_fingerprint(l) = fp INTO same FROM before WHERE id = 1;
    RAISE INFO 'same: %', same;
END
$$;

-- Each change of a value counts, there and back: f, and t again.
CREATE FUNCTION pg_temp.same(assignment text) RETURNS bool
LANGUAGE plpgsql AS $$
DECLARE
    result bool;
BEGIN
    EXECUTE format('UPDATE legacy AS l SET %s FROM before AS b '
                   'WHERE l.id = 1 AND b.id = 1 '
                   'RETURNING chatmig_fingerprint(l) = fp', assignment)
    INTO result;
    RETURN result;
END
$$;
CREATE TEMP TABLE change (n serial, there text, back text);
INSERT INTO change (there, back) VALUES
    ('t = ''Hello''', 't = ''hello'''),
    ('t = ''hello ''', 't = ''hello'''),
    ('t = NULL', 't = ''hello'''),
    ('t = ''''', 't = ''hello'''),
    ('b = false', 'b = true'),
    ('i2 = -2', 'i2 = 2'),
    ('i2 = 3, i8 = 2', 'i2 = 2, i8 = 3'),
    ('f8 = 5.500000000000001', 'f8 = 5.5'),
    ('n = 6.7', 'n = 6.70'),
    ('nm = ''nam''', 'nm = ''name'''),
    ('ts = ts + interval ''1 microsecond''',
     'ts = ts - interval ''1 microsecond'''),
    ('iv = ''24:00''', 'iv = ''1 day'''),
    ('by = ''\x00''', 'by = ''\x00ff'''),
    ('j = ''{"a": [1, "y"]}''', 'j = ''{"a": [1, "x"]}'''),
    ('m = ''bad''', 'm = ''good'''),
    ('m = ''bad'', d = ''good''', 'm = ''good'', d = ''bad'''),
    ('a = ''{x,"",NULL}''', 'a = ''{x,NULL,""}'''),
    ('a = ''[0:2]={x,NULL,""}''', 'a = ''{x,NULL,""}'''),
    ('a = ''{{x,NULL,""}}''', 'a = ''{x,NULL,""}'''),
    ('ms = ''{bad,good}''', 'ms = ''{good,bad}'''),
    ('p.mood = ''bad''', 'p.mood = ''good'''),
    ('ps[2].x = 7', 'ps[2].x = NULL'),
    ('r = ''[1,6)''', 'r = ''[1,5)'''),
    ('c = ''pg_type''', 'c = ''pg_class''');
SELECT there, pg_temp.same(there) AS there_same, pg_temp.same(back) AS back_same
FROM change ORDER BY n;

-- A column's name counts, and so which column a value is in.
SELECT chatmig_fingerprint(x) = chatmig_fingerprint(y) AS same
FROM (SELECT 1 AS a, 2 AS b) AS x, (SELECT 2 AS a, 1 AS b) AS y;
SELECT chatmig_fingerprint(x) = chatmig_fingerprint(y) AS same
FROM (SELECT 1 AS a) AS x, (SELECT 1 AS b) AS y;

-- No OID counts: types that are made anew give the same, as in a restored
-- dump.
CREATE SCHEMA restored;
CREATE TYPE restored.mood AS ENUM ('bad', 'good');
CREATE TYPE restored.point3 AS (x int, mood restored.mood, note text);
CREATE TABLE restored.legacy AS
SELECT id, t, b, i2, i8, f4, f8, n, u, nm, ts, iv, by, j,
       m::text::restored.mood AS m, d::text::restored.mood AS d, a,
       ms::text[]::restored.mood[] AS ms, p::text::restored.point3 AS p,
       ps::text::restored.point3[] AS ps, r, c
FROM legacy;
SELECT count(*) FROM restored.legacy AS l JOIN before USING (id)
WHERE chatmig_fingerprint(l) = fp;

-- A type that changes in the middle of a query, the names of its columns with it:
-- of six rows, the second and the last have the same, and the first and the fifth.
CREATE TYPE couple AS (x int, y int);
CREATE FUNCTION pg_temp.renamed(x text, y text) RETURNS couple LANGUAGE plpgsql AS $$
DECLARE
    c couple;
BEGIN
    EXECUTE format('ALTER TYPE couple RENAME ATTRIBUTE %I TO %I', x, y);
    EXECUTE 'SELECT 1, 2' INTO c;
    RETURN c;
END
$$;
SELECT count(*), count(DISTINCT fp)
FROM (SELECT chatmig_fingerprint(pg_temp.renamed(x, y)) AS fp
      FROM (VALUES ('x', 'x2'), ('x2', 'x'), ('y', 'y2'), ('x', 'x2'),
                   ('y2', 'y'), ('x2', 'x')) AS v (x, y) OFFSET 0) AS f;
DROP FUNCTION pg_temp.renamed;
DROP TYPE couple;

-- The hashes of columns, added up, are the fingerprint of their row: texts and
-- jsonb of all sizes, however they are stored, times, numbers of either sign, and
-- NULL. All 8 rows, and 1 that is 0.
CREATE TABLE parts (t text, v varchar(20), j jsonb, ts timestamp, tz timestamptz,
                    i integer, b bigint, u uuid);
ALTER TABLE parts ALTER t SET STORAGE EXTERNAL;
INSERT INTO parts VALUES
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('', '', '{}', '-infinity', 'infinity', 0, 0, '00000000-0000-0000-0000-000000000000'),
    ('a', 'b ', '1', '2024-05-01', '2024-05-01 00:00:00+00', -1, -1,
     'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    (repeat('short ', 30), 'ü', '[1]', '4713-01-01 BC', '294276-12-31 23:59:59+00',
     2147483647, 9223372036854775807, '00000000-0000-4000-8000-000000000001'),
    (repeat('long ', 1000), NULL, '{"a": null}', '2000-01-01', '2000-01-01 00:00:00+00',
     -2147483648, -9223372036854775808, NULL),
    (repeat('long ', 100000), 'x', NULL, NULL, now(), NULL, 1, gen_random_uuid()),
    (NULL, 'x', to_jsonb(repeat('long ', 1000)), '2024-05-01 10:00:00.000001', NULL, 1, NULL,
     gen_random_uuid()),
    ('x', 'x', to_jsonb(repeat('long ', 100000)), now()::timestamp, now(), 1, 1,
     gen_random_uuid());
SELECT count(*) AS rows, count(*) FILTER (WHERE fp = sum) AS same,
       count(*) FILTER (WHERE sum = 0) AS zero
FROM (SELECT chatmig_fingerprint(p) AS fp,
             chatmig_hash_sum(chatmig_hash_text('t', t), chatmig_hash_text('v', v),
                 chatmig_hash_jsonb('j', j), chatmig_hash_timestamp('ts', ts),
                 chatmig_hash_timestamptz('tz', tz), chatmig_hash_integer('i', i),
                 chatmig_hash_bigint('b', b), chatmig_hash_uuid('u', u)) AS sum
      FROM parts AS p) AS s;
-- A name that is not the same for each row counts, too.
SELECT count(*) AS rows, count(DISTINCT chatmig_hash_text(name, 'x')) AS hashes,
       count(*) FILTER (WHERE chatmig_hash_text(name, 'x') = chatmig_fingerprint(p)) AS same
FROM (VALUES ('n'), ('other'), (''), (NULL), ('n')) AS v (name), (SELECT 'x'::text AS n) AS p;
-- ... in PL/pgSQL, too, where one call has many: as the fingerprint, each time.
DO $$
DECLARE
    name text;
    hash bigint;
    fingerprint bigint;
BEGIN
    FOREACH name IN ARRAY '{one,another,one,third}'::text[] LOOP
        hash := chatmig_hash_text(name, 'x');
        EXECUTE format('SELECT chatmig_fingerprint(r) FROM (SELECT text ''x'' AS %I) AS r', name)
            INTO fingerprint;
        RAISE INFO '%: %', name, hash = fingerprint;
    END LOOP;
END
$$;
-- A time in UTC is the same with and without a zone; NULL has no hash.
SELECT chatmig_hash_timestamp('at', '2024-05-01 10:00:00')
           = chatmig_hash_timestamptz('at', '2024-05-01 12:00:00+02') AS same,
       chatmig_hash_text('t', NULL) AS no_value, chatmig_hash_text(NULL, 't') AS no_name;
-- Sums have 64 bits; the order does not count.
SELECT chatmig_hash_sum(9223372036854775807, 1, NULL, NULL, NULL, NULL, NULL, NULL),
       chatmig_hash_sum(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS nothing,
       chatmig_hash_sum(1, 2, 4, 8, 16, 32, 64, 128) AS eight;
-- Two numbers have an order, and all of their bits count: 6 pairs, 6 hashes.
SELECT count(*) AS pairs, count(DISTINCT chatmig_hash_pair(x, y)) AS hashes
FROM (VALUES (1, 2), (2, 1), (4294967296, 2), (4294967299, 2), (1, 4294967298),
             (-2, 2)) AS v (x, y);
DROP TABLE parts;

-- A million different rows, a million fingerprints.
SELECT count(DISTINCT chatmig_fingerprint(r))
FROM (SELECT i AS a, j AS b FROM generate_series(1, 1000) AS i,
             generate_series(1, 1000) AS j) AS r;

DROP TABLE restored.legacy;
DROP TYPE restored.point3;
DROP TYPE restored.mood;
DROP SCHEMA restored;
DROP VIEW legacy_view;
DROP TABLE legacy, before;
DROP TYPE point3;
DROP DOMAIN temper;
DROP TYPE mood;
DROP EXTENSION chatmig;
