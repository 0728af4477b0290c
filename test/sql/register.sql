--
-- register: what a registration stores, and what it refuses
--
CREATE SCHEMA regress_register;
SET search_path = regress_register;
CREATE EXTENSION chatmig;

CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE chat_messages (
    id serial PRIMARY KEY, user_id int REFERENCES users,
    message text NOT NULL, response text NOT NULL, model varchar(100),
    timestamp timestamp DEFAULT now(), session_id varchar(255));
CREATE TABLE chat_flat (
    id int PRIMARY KEY, user_id int, sender text, text text, at bigint);
CREATE VIEW registered AS
SELECT name, source, mapping, target, options FROM chatmig_migration;

-- The name is the table's; what the mapping leaves out is detected and stored
-- with it; target and options stay as they were written.
SELECT chatmig_register('chat_messages');
SELECT * FROM registered;

-- The state of it; there is nothing else to know yet.
SELECT migration, source, shape, state, conversations_table, legacy_rows
FROM chatmig_status;

-- What the mapping names stands, null means no column, and what is left is
-- detected; a column that is named is no other part's.
SELECT chatmig_register('chat_messages',
    '{"owner": null, "session": null, "question": "response",
      "answer": "message"}',
    '{"schema": "regress_register", "trace": "steps"}',
    '{"idle_gap": "30 minutes", "title": null, "description": "of {owner}",
      "max_rejects": 3, "time_zone": "Europe/Berlin", "id_type": "text"}',
    name => 'other');
SELECT mapping, target, options FROM registered WHERE name = 'other';

-- A part that is named chooses the shape.
SELECT chatmig_register('chat_messages',
    '{"role": "model", "content": "response"}', name => 'as_flat');
SELECT mapping FROM registered WHERE name = 'as_flat';

-- An epoch's unit is taken from the size of the numbers; 0 and NULL tell
-- nothing, and without a row there is none.
SELECT chatmig_register('chat_flat', '{"time": "at"}', name => 'epoch_0');
INSERT INTO chat_flat VALUES (1, 1, 'user', 'a', 1), (2, 1, 'user', 'b', NULL);
SELECT chatmig_register('chat_flat', '{"time": "at"}', name => 'epoch_1');
UPDATE chat_flat SET at = 1700000000000 WHERE id = 1;
INSERT INTO chat_flat VALUES (3, 1, 'user', 'c', 0);
SELECT chatmig_register('chat_flat', '{"time": "at"}', name => 'epoch_2');
UPDATE chat_flat SET at = -1700000000000000 WHERE id = 1;
SELECT chatmig_register('chat_flat', '{"time": "at"}', name => 'epoch_3');
-- Numbers in two units are refused, unless the user says what they are.
INSERT INTO chat_flat VALUES (4, 1, 'user', 'd', 1700000000);
SELECT chatmig_register('chat_flat', '{"time": "at"}', name => 'epoch_4');
SELECT chatmig_register('chat_flat', '{"time": "at", "epoch": "seconds"}',
                        name => 'epoch_4');
DELETE FROM chat_flat WHERE id = 4;
SELECT name, mapping -> 'epoch' AS epoch FROM registered
WHERE name LIKE 'epoch%' ORDER BY name;

-- A boolean is a role if its name says of whom; else the user has to say.
CREATE TABLE flags (id int PRIMARY KEY, user_id int, content text,
                    is_user boolean, "fromBot" smallint, flag boolean);
SELECT chatmig_register('flags', '{"role": "is_user"}', name => 'flag_1');
SELECT chatmig_register('flags', '{"role": "fromBot"}', name => 'flag_2');
SELECT chatmig_register('flags',
    '{"role": "flag", "roles": {"true": "tool", "false": "system"}}',
    name => 'flag_3');
SELECT name, mapping -> 'roles' AS roles FROM registered
WHERE name LIKE 'flag%' ORDER BY name;
SELECT chatmig_register('flags', '{"role": "flag"}');
\echo :LAST_ERROR_SQLSTATE

-- Spellings are for roles that there are, and are strings.
SELECT chatmig_register('chat_flat', '{"roles": {"lyra": "Assistant"}}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_flat', '{"roles": {"lyra": 1}}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_flat', '{"roles": ["lyra"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"roles": {"lyra": "user"}}');
\echo :LAST_ERROR_SQLSTATE

--
-- Registering again
--
-- The same again writes nothing.
CREATE TABLE before AS SELECT xmin::text AS writer, m.* FROM chatmig_migration AS m;
SELECT chatmig_register('chat_messages');
SELECT count(*) = 0 AS unchanged FROM before AS b
FULL JOIN chatmig_migration AS m USING (name)
WHERE b.writer IS DISTINCT FROM m.xmin::text;

-- Before migrating, another registration takes the place of the old one.
SELECT chatmig_register('chat_messages', '{"session": null}');
SELECT mapping -> 'session' AS session FROM registered
WHERE name = 'chat_messages';

-- A name is that of one table.
SELECT chatmig_register('chat_flat', name => 'chat_messages');
\echo :LAST_ERROR_SQLSTATE

-- After migrating: the same is fine, what would say something else of migrated
-- rows is refused (55000). max_rejects is about rows to come, and may change;
-- what was not given stays.
SELECT chatmig_register('chat_messages');
SELECT conversations, messages FROM chatmig_migrate('chat_messages');
SELECT chatmig_register('chat_messages');
SELECT chatmig_register('chat_messages', options => '{"max_rejects": 1}');
SELECT mapping ->> 'session' AS session, options
FROM chatmig_migration WHERE name = 'chat_messages';
SELECT chatmig_register('chat_messages', '{"session": null}');
\echo :LAST_ERROR_SQLSTATE

-- The same call is the same, also where it says less, or says it differently,
-- than what is stored: a name that is no array, null for what is to be detected
-- and for what there is none of.
CREATE TABLE again (id int PRIMARY KEY, q text, a text, session_id text);
INSERT INTO again VALUES (1, 'hi', 'ho', 's');
SELECT chatmig_register('again',
    '{"shape": null, "key": "id", "question": "q", "answer": "a", "owner": null,
      "session": null, "epoch": null, "keep": "session_id"}',
    '{"conversations": "again_c", "messages": "again_m"}', '{"max_rejects": null}');
SELECT migrated, messages FROM chatmig_migrate('again');
SELECT chatmig_register('again',
    '{"shape": null, "key": "id", "question": "q", "answer": "a", "owner": null,
      "session": null, "epoch": null, "keep": "session_id"}',
    '{"conversations": "again_c", "messages": "again_m"}', '{"max_rejects": null}');
SELECT mapping FROM registered WHERE name = 'again';
-- Null for what there is says something else.
SELECT chatmig_register('again', '{"answer": null}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_rollback('again') IS NOT NULL AS rolled_back;
SELECT chatmig_unregister('again');
DROP TABLE again;

-- What is migrated is not forgotten.
SELECT chatmig_unregister('chat_messages');
\echo :LAST_ERROR_SQLSTATE
SELECT conversations, messages FROM chatmig_rollback('chat_messages');
SELECT chatmig_unregister('chat_messages');
SELECT chatmig_unregister('chat_messages');
\echo :LAST_ERROR_SQLSTATE
SELECT count(chatmig_unregister(name)) FROM registered;
SELECT count(*) FROM registered;

--
-- Names
--
-- Quoted names, with quotes in them, and one of 63 bytes; 64 are too many.
CREATE TABLE "Größe ""1"" 'x' \ %s" ("Id" int PRIMARY KEY, "User Id" int,
    "The ""Question""" text, "It's \ %s" text);
SELECT chatmig_register('"Größe ""1"" ''x'' \ %s"',
    '{"owner": "User Id", "question": "The \"Question\"",
      "answer": "It''s \\ %s"}');
SELECT name, mapping FROM registered;
SELECT chatmig_unregister('Größe "1" ''x'' \ %s');
SELECT chatmig_register('chat_messages', name => repeat('n', 63));
SELECT chatmig_unregister(repeat('n', 63));
SELECT chatmig_register('chat_messages', name => repeat('ö', 32));
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', name => '');
\echo :LAST_ERROR_SQLSTATE

-- A column that differs in case only is another one.
SELECT chatmig_register('chat_messages', '{"owner": "User_ID"}');
\echo :LAST_ERROR_SQLSTATE

--
-- A source that cannot be one
--
-- No key: a nullable unique column is none.
CREATE TABLE no_key (id int UNIQUE, user_id int, message text, response text);
SELECT chatmig_register('no_key');
\echo :LAST_ERROR_SQLSTATE
-- The hint's command can be run: there is no column of that name.
CREATE TABLE no_id (nr int, user_id int, message text, response text);
SELECT chatmig_register('no_id');
ALTER TABLE regress_register.no_id
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
SELECT chatmig_register('no_id');
SELECT chatmig_unregister('no_id');
-- Named, it is one; whether it is unique is found out when rows are read.
SELECT chatmig_register('no_key', '{"key": "id"}');
SELECT chatmig_register('no_key', '{"key": []}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('no_key', '{"key": [1]}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('no_key', '{"key": {"a": "id"}}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('no_key',
    '{"key": ["id", "id", "id", "id", "id", "id", "id", "id", "id"]}');
\echo :LAST_ERROR_SQLSTATE
-- A column named twice in the key.
SELECT chatmig_register('no_key', '{"key": ["id", "id"]}');
\echo :LAST_ERROR_SQLSTATE

-- Nothing like a message.
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, total numeric);
SELECT chatmig_register('orders');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE tickets (id int PRIMARY KEY, user_id int, subject text,
                      message text, response text, priority int);
SELECT chatmig_register('tickets');
\echo :LAST_ERROR_SQLSTATE
-- Half of it.
SELECT chatmig_register('orders', '{"question": null}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"answer": null}');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE no_column ();
SELECT chatmig_register('no_column');
\echo :LAST_ERROR_SQLSTATE

-- An ambiguous mapping: the candidates.
CREATE TABLE twofold (id int PRIMARY KEY, user_id int, prompt text,
    question text, answer text, created_at timestamp, timestamp timestamp);
SELECT chatmig_register('twofold');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('twofold', '{"question": "prompt"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('twofold',
    '{"question": "prompt", "time": "timestamp"}');
SELECT chatmig_unregister('twofold');

-- The extension's own, the system's, a temporary table, and what is no table.
SELECT chatmig_register('chatmig_migration');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chatmig_rejects');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('pg_catalog.pg_class');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('information_schema.tables');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register(('pg_toast.' || relname)::regclass)
FROM pg_class WHERE oid = (SELECT reltoastrelid FROM pg_class
                           WHERE oid = 'pg_rewrite'::regclass);
\echo :LAST_ERROR_SQLSTATE
CREATE TEMP TABLE temporary_chat (LIKE chat_messages INCLUDING ALL);
SELECT chatmig_register('temporary_chat');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages_id_seq');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages_pkey');
\echo :LAST_ERROR_SQLSTATE
CREATE TYPE pair AS (id int, message text, response text);
SELECT chatmig_register('pair');
\echo :LAST_ERROR_SQLSTATE

-- NULL, and a table that is gone.
SELECT chatmig_register(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('1'::oid::regclass);
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('nothing');
\echo :LAST_ERROR_SQLSTATE
-- The other arguments: NULL is what their default is.
SELECT chatmig_register('chat_messages', NULL, NULL, NULL, NULL, NULL);
SELECT target, options FROM registered WHERE name = 'chat_messages';
SELECT chatmig_unregister(NULL);

-- Somebody else's table (42501), be it that one may read and write it.
CREATE ROLE regress_chatmig_other;
GRANT ALL ON SCHEMA regress_register TO regress_chatmig_other;
GRANT ALL ON chat_messages TO regress_chatmig_other;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_register
    TO regress_chatmig_other;
SET ROLE regress_chatmig_other;
SELECT chatmig_register('chat_messages', name => 'stolen');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_unregister('chat_messages');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

--
-- A mapping that cannot be one
--
SELECT chatmig_register('chat_messages', '{"Owner": "user_id"}');
\echo :LAST_ERROR_SQLSTATE
-- The known keys are those of the shape.
SELECT chatmig_register('chat_flat', '{"question": null, "sender": "sender"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_flat', '{"role": "sender", "answer": "text"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"shape": "thread"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"shape": 1}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '["id"]');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '"pair"');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', 'null');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"owner": ["user_id"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"owner": {"a": {"b": {"c": 1}}}}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"owner": ""}');
\echo :LAST_ERROR_SQLSTATE
-- Of a key that is written twice, the last counts: that is what jsonb is.
SELECT chatmig_register('chat_messages',
                        '{"owner": "nobody", "owner": "user_id"}');
-- Deep enough to break a stack, if anybody followed it.
SELECT chatmig_register('chat_messages',
    ('{"owner": ' || repeat('[', 1000) || repeat(']', 1000) || '}')::jsonb);
\echo :LAST_ERROR_SQLSTATE

-- A column that does not exist: those that do.
SELECT chatmig_register('chat_messages', '{"time": "created_at"}');
\echo :LAST_ERROR_SQLSTATE
-- A name that chatmig has for something else in its queries; beside the others it
-- does not matter.
CREATE TABLE own_names (id int PRIMARY KEY, user_id int, message text, response text,
                        chatmig_group int DEFAULT 1);
INSERT INTO own_names VALUES (1, 1, 'q', 'a');
SELECT chatmig_register('own_names', '{"session": "chatmig_group"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('own_names', target => '{"conversations": "own_c", "messages": "own_m"}');
SELECT migrated FROM chatmig_migrate('own_names');
SELECT check_name FROM chatmig_validate('own_names') WHERE status = 'violation';
SELECT legacy_rows FROM chatmig_rollback('own_names');
SELECT chatmig_unregister('own_names');
-- Neither a column of the system nor one that was dropped.
SELECT chatmig_register('chat_messages', '{"key": ["ctid"]}');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE shortened (LIKE chat_messages INCLUDING ALL, old int);
ALTER TABLE shortened DROP COLUMN old;
SELECT chatmig_register('shortened',
                        '{"owner": "........pg.dropped.8........"}');
\echo :LAST_ERROR_SQLSTATE

-- A column in two parts: named for both, or taken from the one that needs it.
SELECT chatmig_register('chat_messages',
                        '{"question": "message", "answer": "message"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', '{"answer": "message"}');
\echo :LAST_ERROR_SQLSTATE
-- The key as a message: it has the wrong type.
SELECT chatmig_register('chat_messages', '{"question": "id"}');
\echo :LAST_ERROR_SQLSTATE

-- The wrong type, for each kind of part.
CREATE TABLE types (id int PRIMARY KEY, q text, a text, point point,
    number numeric, flag boolean, day date, doc jsonb, list text[], xml xml);
\set VERBOSITY terse
SELECT chatmig_register('types', '{"question": "number", "answer": "a"}');
SELECT chatmig_register('types', '{"question": "list", "answer": "a"}');
SELECT chatmig_register('types', '{"role": "day", "content": "a"}');
SELECT chatmig_register('types', '{"role": "doc", "content": "a"}');
\set VERBOSITY default
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "owner": "point"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "key": ["point"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "time": "flag"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "model": "number"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "tokens": "number"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "metadata": "xml"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('types',
    '{"question": "q", "answer": "a", "time": "number", "epoch": "days"}');
\echo :LAST_ERROR_SQLSTATE
-- JSON may be a message, a date a time, an array or a boolean an owner.
SELECT chatmig_register('types',
    '{"question": "q", "answer": "doc", "time": "day", "owner": "list",
      "session": "flag"}');

--
-- Targets and options that cannot be any
--
SELECT chatmig_register('chat_messages', target => '{"conversation": "c"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', target => '[]');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', target => '{"messages": 1}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', target => '{"messages": ""}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
    target => jsonb_build_object('media', repeat('m', 64)));
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', target => '{"schema": "nowhere"}');
\echo :LAST_ERROR_SQLSTATE
-- A name that is taken: by a table, by the source itself, by another target.
SELECT chatmig_register('chat_messages', target => '{"messages": "users"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
                        target => '{"messages": "chat_messages"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
                        target => '{"trace": "chat_messages_pkey"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
    target => '{"messages": "talk", "conversations": "talk"}');
\echo :LAST_ERROR_SQLSTATE
-- A medium's table counts only where there is a medium.
SELECT chatmig_register('chat_messages',
    target => '{"media": "users", "messages": "talk"}', name => 'no_media');
SELECT chatmig_unregister('no_media');
-- The hint's name is free, and so can be taken.
SELECT chatmig_register('chat_flat', '{"time": "at"}',
                        target => '{"messages": "chat_messages"}');
CREATE TABLE chat_messages1 ();
SELECT chatmig_register('chat_flat', '{"time": "at"}',
                        target => '{"messages": "chat_messages1"}');
-- The system's schemas are not for tables of users.
SELECT chatmig_register('chat_messages', target => '{"schema": "pg_catalog"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
                        target => '{"schema": "information_schema"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', target => '{"schema": "pg_toast"}');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT chatmig_register('chat_messages',
    target => jsonb_build_object('schema', pg_my_temp_schema()::regnamespace));
\set VERBOSITY default

SELECT chatmig_register('chat_messages', options => '{"gap": "1 hour"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '"uuid"');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"idle_gap": "-1 hour"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"idle_gap": "0"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"idle_gap": 30}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"idle_gap": "nonsense"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
                        options => '{"idle_gap": "-1000000 years"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"max_rejects": -1}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"max_rejects": 1.5}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"max_rejects": "x"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"max_rejects": 1e40}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
                        options => '{"time_zone": "Mars/Olympus"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages',
    options => jsonb_build_object('time_zone', repeat('z', 300)));
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"time_zone": ""}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"id_type": "serial"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"id_type": 1}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"title": "Of {user}"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"title": "100 % {"}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_messages', options => '{"description": []}');
\echo :LAST_ERROR_SQLSTATE

-- None of the refused registrations has left anything.
SELECT name, target, options FROM registered ORDER BY name COLLATE "C";

-- Roles may be added after migrating for spellings that were unknown: a row
-- with such a one cannot have been migrated. Known ones, and those given
-- before, keep their meaning.
CREATE TABLE chat_later (id int PRIMARY KEY, role text, content text);
INSERT INTO chat_later VALUES (1, 'lyra', 'Hello.');
SELECT chatmig_register('chat_later', '{"roles": {"lyra": "assistant"}}',
                        '{"conversations": "later_conversations", "messages": "later_messages"}');
SELECT migrated FROM chatmig_migrate('chat_later');
INSERT INTO chat_later VALUES (2, 'northstar', 'Hello again.');
SELECT chatmig_migrate('chat_later');
SELECT chatmig_register('chat_later', '{"roles": {"northstar": "assistant"}}');
SELECT mapping -> 'roles' AS roles FROM chatmig_migration
WHERE name = 'chat_later';
SELECT migrated FROM chatmig_migrate('chat_later');
SELECT chatmig_register('chat_later', '{"roles": {"lyra": "user"}}');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('chat_later', '{"roles": {"bot": "user"}}');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM chatmig_validate('chat_later') WHERE status <> 'ok';

SET client_min_messages = warning;
DROP SCHEMA regress_register CASCADE;
DROP ROLE regress_chatmig_other;
