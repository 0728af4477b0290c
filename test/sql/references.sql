--
-- references: foreign keys of tables that exist, which are looked up once for
-- rows with the same key, and hold as they always do
--
CREATE SCHEMA regress_references;
SET search_path = regress_references;
SET TimeZone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION chatmig;
\pset format unaligned
\pset footer off
\set SHOW_CONTEXT never

CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2), (3);
-- Three conversations, of five pairs, one, and four.
CREATE TABLE old (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
INSERT INTO old SELECT n, CASE WHEN n < 6 THEN 1 WHEN n = 6 THEN 2 ELSE 3 END, 'q' || n, 'a' || n,
                       '2024-05-01 10:00Z'::timestamptz + n * interval '1 minute'
    FROM generate_series(1, 10) AS n;

-- The tables, with a foreign key that ends as it is given.
CREATE PROCEDURE make(action text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE c (id uuid PRIMARY KEY, user_id int REFERENCES users);
    CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid, role text, content text, created_at timestamptz);
    EXECUTE 'ALTER TABLE m ADD FOREIGN KEY (conversation_id) REFERENCES c ' || action;
    PERFORM chatmig_register('old', target => '{"conversations": "c", "messages": "m"}');
END
$$;
-- A trigger of that name on messages, which does that.
CREATE PROCEDURE make_trigger(name text, what text, does text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql
                    SET search_path = regress_references AS %L', name,
                   format('BEGIN %s RETURN NEW; END', does));
    EXECUTE format('CREATE TRIGGER %1$I %2$s INSERT ON m FOR EACH ROW EXECUTE FUNCTION %1$I()', name, what);
END
$$;
-- That message gets a conversation that is not there.
CREATE PROCEDURE lose(content text) LANGUAGE plpgsql AS $$
BEGIN
    CALL make_trigger('lose', 'BEFORE', format('IF NEW.content = %L THEN
                      NEW.conversation_id := md5(''lost'')::uuid; END IF;', content));
END
$$;
-- The first conversation is deleted once its first message has been looked up.
CREATE PROCEDURE delete_early() LANGUAGE plpgsql AS $$
BEGIN
    CALL make_trigger('z last', 'AFTER', 'IF NEW.content = ''q1'' THEN
                      DELETE FROM c WHERE id = NEW.conversation_id; END IF;');
END
$$;
-- A foreign key of two columns besides.
CREATE PROCEDURE add_tenants() LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE c ADD tenant int DEFAULT 1, ADD UNIQUE (tenant, id);
    ALTER TABLE m ADD tenant int DEFAULT 1,
        ADD FOREIGN KEY (tenant, conversation_id) REFERENCES c (tenant, id) MATCH FULL;
END
$$;
-- What there is: messages, those without a conversation, those whose
-- conversation is not there.
CREATE FUNCTION left_behind(OUT messages bigint, OUT without bigint, OUT dangling bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(*), count(*) FILTER (WHERE conversation_id IS NULL),
           count(*) FILTER (WHERE conversation_id IS NOT NULL AND c.id IS NULL)
    INTO messages, without, dangling
    FROM m LEFT JOIN c ON c.id = m.conversation_id;
END
$$;

--
-- As often as it must be
--
-- Three conversations are looked up, not twenty messages; and their rows are
-- locked against others as by any INSERT.
BEGIN;
CALL make('');
SELECT messages, conversations FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
SELECT * FROM left_behind();
SELECT count(*) FROM c WHERE xmax <> 0;
-- A second run looks again, and meets one that is deleted since.
INSERT INTO old VALUES (11, 3, 'q11', 'a11', '2024-05-01 10:11Z');
DELETE FROM m WHERE conversation_id = (SELECT id FROM c WHERE user_id = 3);
DELETE FROM c WHERE user_id = 3;
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;

--
-- What a trigger before the row makes of the key
--
-- A conversation that is not there: for the first message, for one behind
-- others of the same, for the last.
BEGIN;
CALL make('');
CALL lose('q1');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
BEGIN;
CALL make('');
CALL lose('q4');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
BEGIN;
CALL make('');
CALL lose('a10');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- None: such a row refers to nothing, the next one to its own again.
BEGIN;
CALL make('');
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content = ''q4'' THEN NEW.conversation_id := NULL; END IF;');
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;
-- None, and then one that is not there.
BEGIN;
CALL make('');
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content = ''q4'' THEN NEW.conversation_id := NULL;
    ELSIF NEW.content = ''a4'' THEN NEW.conversation_id := md5(''lost'')::uuid; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;

--
-- Keys of two columns
--
-- Either half may differ: each conversation is looked up for both foreign keys;
-- and another tenant's is refused in the middle of one.
BEGIN;
CALL make('');
CALL add_tenants();
SELECT messages FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
SELECT messages FROM chatmig_rollback('old');
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content = ''q4'' THEN NEW.tenant := 2; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
BEGIN;
CALL make('');
CALL add_tenants();
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content = ''q4'' THEN NEW.tenant := NULL; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;

--
-- Triggers after the row, between one look and the next
--
-- Of two messages with the same lost conversation, the first is deleted before
-- the server looks, which then looks for nothing; the second is refused.
BEGIN;
CALL make('');
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content IN (''q4'', ''a4'') THEN NEW.conversation_id := md5(''lost'')::uuid; END IF;');
CALL make_trigger('A first', 'AFTER', 'IF NEW.content = ''q4'' THEN DELETE FROM m WHERE id = NEW.id; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- The conversation is deleted behind the first message that has been looked up:
-- refused, or all its messages go with it.
BEGIN;
CALL make('');
CALL delete_early();
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
BEGIN;
CALL make('ON DELETE CASCADE');
CALL delete_early();
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;
BEGIN;
CALL make('ON DELETE SET NULL');
CALL delete_early();
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;
-- ... or gets another id, and they follow it.
BEGIN;
CALL make('ON UPDATE CASCADE');
CALL make_trigger('z last', 'AFTER', 'IF NEW.content = ''q1'' THEN UPDATE c SET id = md5(''new'')::uuid WHERE id = NEW.conversation_id; END IF;');
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;
-- The conversation is deleted, and its messages stay, as another trigger says:
-- the server's own hole, which is no wider here. Refused at the next look.
BEGIN;
CALL make('ON DELETE CASCADE');
CALL delete_early();
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stay BEFORE DELETE ON m FOR EACH ROW EXECUTE FUNCTION stay();
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- So it is where the other table's triggers are switched off.
BEGIN;
CALL make('');
CALL delete_early();
ALTER TABLE c DISABLE TRIGGER ALL;
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- A trigger that writes elsewhere lets the server look for each row; one that
-- only reads does not.
BEGIN;
CALL make('');
CREATE TABLE log (id uuid);
CALL make_trigger('z last', 'AFTER', 'INSERT INTO log VALUES (NEW.id);');
SELECT messages FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
ROLLBACK;
BEGIN;
CALL make('');
CALL make_trigger('z last', 'AFTER', 'PERFORM count(*) FROM users;');
SELECT messages FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
ROLLBACK;
-- A message is moved to a conversation that is not there, before the server looks
-- and after it has.
BEGIN;
CALL make('');
CALL make_trigger('A first', 'AFTER', 'IF NEW.content = ''q4'' THEN UPDATE m SET conversation_id = md5(''lost'')::uuid WHERE id = NEW.id; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
BEGIN;
CALL make('');
CALL make_trigger('z last', 'AFTER', 'IF NEW.content = ''q4'' THEN UPDATE m SET conversation_id = md5(''lost'')::uuid WHERE id = NEW.id; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- What is deleted in a block that fails is still there.
BEGIN;
CALL make('ON DELETE CASCADE');
CALL make_trigger('z last', 'AFTER', 'BEGIN DELETE FROM c WHERE id = NEW.conversation_id; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END;');
SELECT messages FROM chatmig_migrate('old');
SELECT * FROM left_behind();
ROLLBACK;
-- A look for another key may call a function that deletes the conversation: here
-- a cast, as the server looks for the role of the first message.
BEGIN;
CALL make('');
ALTER TABLE c DISABLE TRIGGER ALL;
CREATE TYPE speaker AS ENUM ('user', 'assistant');
CREATE FUNCTION number(speaker) RETURNS int LANGUAGE plpgsql SET search_path = regress_references AS
    'BEGIN IF $1::text = ''user'' THEN DELETE FROM c; END IF; RETURN 1; END';
CREATE CAST (speaker AS int) WITH FUNCTION number(speaker) AS IMPLICIT;
CREATE TABLE roles (id int PRIMARY KEY);
INSERT INTO roles VALUES (1);
ALTER TABLE m ALTER role TYPE speaker USING NULL, ADD FOREIGN KEY (role) REFERENCES roles;
SELECT chatmig_unregister('old');
SELECT chatmig_register('old', target => '{"conversations": "c", "messages": "m"}');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;

--
-- Keys that may wait for the commit
--
-- They do not wait while chatmig inserts.
BEGIN;
CALL make('DEFERRABLE INITIALLY DEFERRED');
CALL lose('q4');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- Where a trigger lets them wait, it is said when they no longer do.
BEGIN;
CALL make('DEFERRABLE INITIALLY IMMEDIATE');
CALL make_trigger('lose', 'BEFORE', 'SET CONSTRAINTS ALL DEFERRED; IF NEW.content = ''q4'' THEN NEW.conversation_id := md5(''lost'')::uuid; END IF;');
SELECT messages FROM chatmig_migrate('old');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
-- The conversation is deleted, which may be checked at the commit; its next
-- message is refused at once.
BEGIN;
CALL make('DEFERRABLE INITIALLY IMMEDIATE');
CALL make_trigger('z last', 'AFTER', 'IF NEW.content = ''q1'' THEN SET CONSTRAINTS ALL DEFERRED; DELETE FROM c WHERE id = NEW.conversation_id; END IF;');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;

--
-- Other tables
--
-- Partitions, whose rows are looked up one by one.
BEGIN;
CALL make('');
DROP TABLE m;
CREATE TABLE m (id uuid, conversation_id uuid REFERENCES c, role text, content text, created_at timestamptz) PARTITION BY LIST (role);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN ('user');
CREATE TABLE m2 PARTITION OF m DEFAULT;
SELECT chatmig_unregister('old');
SELECT chatmig_register('old', target => '{"conversations": "c", "messages": "m"}');
SELECT messages FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
SELECT * FROM left_behind();
SELECT messages FROM chatmig_rollback('old');
CALL lose('q4');
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- Owners, of whom one is not there.
BEGIN;
CALL make('');
UPDATE old SET user_id = 4 WHERE id = 10;
SELECT messages FROM chatmig_migrate('old');
ROLLBACK;
-- Ids that are text, of a collation to which cases are equal: what is not the
-- same to the byte is looked up, and found. Two more than conversations, and one
-- after a NULL.
CREATE COLLATION "any case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
BEGIN;
CALL make('');
ALTER TABLE m DROP CONSTRAINT m_conversation_id_fkey, ALTER conversation_id TYPE text COLLATE "any case";
ALTER TABLE c ALTER id TYPE text COLLATE "any case";
ALTER TABLE m ADD FOREIGN KEY (conversation_id) REFERENCES c;
SELECT chatmig_unregister('old');
SELECT chatmig_register('old', target => '{"conversations": "c", "messages": "m"}');
CALL make_trigger('lose', 'BEFORE', 'IF NEW.content = ''q4'' THEN NEW.conversation_id := upper(NEW.conversation_id);
    ELSIF NEW.content = ''q9'' THEN NEW.conversation_id := NULL; END IF;');
SELECT messages FROM chatmig_migrate('old');
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'c';
SELECT count(*) FROM m JOIN c ON c.id = m.conversation_id;
ROLLBACK;

DROP EXTENSION chatmig CASCADE;
DROP SCHEMA regress_references CASCADE;
