--
-- attacks: what a table's owner may try on the superuser who migrates it
--
CREATE EXTENSION chatmig SCHEMA public;
CREATE SCHEMA regress_attacks;
SET search_path = regress_attacks, public;
CREATE ROLE regress_chatmig_mallory;
GRANT USAGE, CREATE ON SCHEMA regress_attacks TO regress_chatmig_mallory;
GRANT EXECUTE ON FUNCTION chatmig_register TO regress_chatmig_mallory;

-- Each attack calls this, which says as whom it runs.
CREATE TABLE seen (who text);
GRANT INSERT ON seen TO PUBLIC;
SET ROLE regress_chatmig_mallory;
CREATE FUNCTION witness() RETURNS void LANGUAGE sql AS
    'INSERT INTO regress_attacks.seen VALUES (current_user)';

-- A column's name that goes on as SQL, where its foreign key is copied.
CREATE TABLE u (id int PRIMARY KEY);
INSERT INTO u VALUES (1);
CREATE TABLE named (id int PRIMARY KEY,
    "x) REFERENCES u;ALTER ROLE regress_chatmig_mallory SUPERUSER--" int
        REFERENCES u ON DELETE CASCADE,
    message text, response text);
INSERT INTO named VALUES (1, 1, 'q', 'a');
SELECT chatmig_register('named',
    '{"owner": "x) REFERENCES u;ALTER ROLE regress_chatmig_mallory SUPERUSER--"}',
    '{"conversations": "c1", "messages": "m1"}');
RESET ROLE;
SELECT messages FROM chatmig_migrate('named');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';
-- The key is the source's, with its action.
SELECT regexp_replace(pg_get_constraintdef(oid), '^.*\) REFERENCES', 'REFERENCES')
FROM pg_constraint WHERE conrelid = 'c1'::regclass AND contype = 'f';

-- An owner of a type whose cast is a function: it runs for each referred row
-- when the copied key is validated, but as mallory.
SET ROLE regress_chatmig_mallory;
CREATE TYPE uid AS ENUM ('1');
CREATE FUNCTION to_int(uid) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM regress_attacks.witness(); RETURN 1; END $$;
CREATE CAST (uid AS int) WITH FUNCTION to_int(uid) AS IMPLICIT;
CREATE TABLE cast_to (id int PRIMARY KEY, user_id uid REFERENCES u,
    message text, response text);
INSERT INTO cast_to VALUES (1, '1', 'q', 'a');
SELECT chatmig_register('cast_to',
    target => '{"conversations": "c2", "messages": "m2"}');
RESET ROLE;
SELECT messages FROM chatmig_migrate('cast_to');

-- A view that puts tables of its own in the place of the new ones while they
-- are loaded: what follows finds them, but as mallory.
SET ROLE regress_chatmig_mallory;
CREATE TABLE base (id int PRIMARY KEY, user_id int, message text,
                   response text);
INSERT INTO base VALUES (1, 1, 'q', 'a');
CREATE FUNCTION to_bigint(uid) RETURNS int8 LANGUAGE plpgsql AS
    $$ BEGIN PERFORM regress_attacks.witness(); RETURN 1; END $$;
CREATE CAST (uid AS int8) WITH FUNCTION to_bigint(uid) AS IMPLICIT;
CREATE FUNCTION swap(t text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('regress_attacks.m3') IS NOT NULL
       AND to_regclass('regress_attacks.moved') IS NULL THEN
        ALTER TABLE regress_attacks.m3 RENAME TO moved;
        CREATE TABLE regress_attacks.m3 (id regress_attacks.uid,
            conversation_id int8, "position" int, role text, reply_to_id int8);
        INSERT INTO regress_attacks.m3 VALUES ('1', 1, 0, 'user');
    END IF;
    RETURN t;
END $$;
CREATE VIEW swapping AS
SELECT id, user_id, swap(message) AS message, response FROM base;
SELECT chatmig_register('swapping', '{"key": "id"}',
    '{"conversations": "c3", "messages": "m3"}', '{"id_type": "bigint"}');
RESET ROLE;
DO $$ BEGIN
    PERFORM chatmig_migrate('swapping');
    RAISE NOTICE 'migrated';
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'refused';
END $$;

-- Nothing of mallory's has run as anybody else, and it has run.
SELECT who, count(*) > 0 AS has_run FROM seen GROUP BY who;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_chatmig_mallory';

SET client_min_messages = warning;
DROP EXTENSION chatmig CASCADE;
DROP SCHEMA regress_attacks CASCADE;
DROP ROLE regress_chatmig_mallory;
