--
-- targets: tables that the application has made already, in all their variety
--
CREATE SCHEMA regress_targets;
SET search_path = regress_targets;
\getenv here PG_ABS_SRCDIR
\set targets :here '/sql/include/targets.inc'
\set ECHO none
\i :targets
\set ECHO all

-- Of all conversations, the contents alone.
\set contents 'SELECT string_agg(m.content, $f$, $f$ ORDER BY c.user_id, m.created_at, m.id) FROM m JOIN c ON c.id = m.conversation_id'

--
-- Names
--
-- The usual ones. What is there stays; without a position, the question of a
-- pair is a microsecond before the answer, and a row of the same time behind.
CREATE TABLE conversations (
    id uuid PRIMARY KEY, user_id int REFERENCES users, title text,
    created_at timestamptz, updated_at timestamptz);
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    role text NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO conversations VALUES
    ('00000000-0000-0000-0000-000000000001', 3, 'Theirs', '2024-01-01Z', '2024-01-02Z');
INSERT INTO messages VALUES
    ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001',
     'user', 'Mine', '2024-01-01Z');
CALL save('usual', 'conversations', 'messages', 'pairs');
SELECT go('usual', 'pairs', '{"conversations": "conversations", "messages": "messages"}');
SELECT user_id, title, created_at, updated_at FROM conversations ORDER BY user_id;
SELECT c.user_id, m.role, m.content, m.created_at FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id ORDER BY user_id, m.created_at;
SELECT back('usual');

-- Only the messages are named: the foreign key leads to the conversations.
CALL save('usual', 'conversations', 'messages');
SELECT go('usual', 'pairs', '{"messages": "messages"}');
SELECT back('usual');
-- Neither is: existing tables are not filled by accident.
SELECT go('usual', 'pairs', '{}');

-- Quoted, in camel case and in upper case; milliseconds.
CREATE TABLE "Conversation" (
    "Id" text PRIMARY KEY, "userId" int, "createdAt" timestamp(3),
    "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE "MESSAGE" (
    "ID" text PRIMARY KEY, "conversationId" text NOT NULL REFERENCES "Conversation",
    "ROLE" text NOT NULL, "Content" text, "createdAt" timestamp(3) NOT NULL);
CALL save('camel', '"Conversation"', '"MESSAGE"');
SELECT go('camel', 'pairs', '{"conversations": "Conversation", "messages": "MESSAGE"}');
SELECT c."userId", c."createdAt", c."updatedAt", m."ROLE", m."Content", m."createdAt"
FROM "Conversation" AS c JOIN "MESSAGE" AS m ON m."conversationId" = c."Id"
ORDER BY 1, 6;
SELECT back('camel');

-- Odd ones; names of 63 bytes; roles and columns as the user says.
CREATE TABLE "100% ""Chats""" (
    "%s id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "who's ""it""" int,
    "%n$s" text, "a%" timestamptz, "b\" timestamptz, "m%I" jsonb);
CREATE TABLE "Ångström '%s' ☃ a name that has sixty-three bytes and no mo" (
    "%I" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "%1$s" bigint REFERENCES "100% ""Chats""",
    "$1" text CHECK ("$1" IN ('100% me', 'it''s "it"')),
    "x'y" text, "z z" timestamptz, "q""%" jsonb, "r%s" bigint);
ALTER TABLE "Ångström '%s' ☃ a name that has sixty-three bytes and no mo"
    RENAME "x'y" TO "a column whose name has sixty-three bytes and a % in it, too 12";
CALL save('100% "odd"', '"100% ""Chats"""', '"Ångström ''%s'' ☃ a name that has sixty-three bytes and no mo"');
SELECT go('100% "odd"', 'pairs', '{
    "conversations": {"table": "100% \"Chats\"", "columns": {"id": "%s id",
        "owner": "who''s \"it\"", "title": "%n$s", "created_at": "a%", "updated_at": "b\\",
        "metadata": "m%I"}},
    "messages": {"table": "Ångström ''%s'' ☃ a name that has sixty-three bytes and no mo",
        "columns": {"id": "%I", "conversation": "%1$s", "role": "$1",
            "content": "a column whose name has sixty-three bytes and a % in it, too 12",
            "created_at": "z z", "metadata": "q\"%", "reply_to": "r%s"},
        "roles": {"user": "100% me", "assistant": "it''s \"it\""}}}');
TABLE "100% ""Chats""";
TABLE "Ångström '%s' ☃ a name that has sixty-three bytes and no mo";
-- The checks can tell, and the plan can say it.
UPDATE "Ångström '%s' ☃ a name that has sixty-three bytes and no mo"
SET "a column whose name has sixty-three bytes and a % in it, too 12" = '100%' WHERE "%I" = 1;
SELECT problems('100% "odd"');
SELECT step, object, action, rows FROM chatmig_plan('100% "odd"');
SELECT back('100% "odd"');

-- In another schema; a column that shall not be filled.
CREATE SCHEMA regress_targets_other;
CREATE TABLE regress_targets_other.c (id uuid PRIMARY KEY, user_id int, title text DEFAULT 'theirs');
CREATE TABLE regress_targets_other.m (
    id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES regress_targets_other.c,
    role text, content text, created_at timestamptz);
CALL save('other', 'regress_targets_other.c', 'regress_targets_other.m');
SELECT go('other', 'pairs', '{"schema": "regress_targets_other", "messages": "m",
                              "conversations": {"table": "c", "columns": {"title": null}}}');
SELECT user_id, title FROM regress_targets_other.c ORDER BY 1;
SELECT back('other');
SELECT to_regclass('regress_targets_other.other_trace');

-- A column that does not exist, one that is for something else, an unknown part.
SELECT go('other', 'pairs', '{"messages": {"table": "messages", "columns": {"content": "words"}}}');
SELECT go('other', 'pairs', '{"messages": {"table": "messages", "columns": {"content": "created_at"}}}');
SELECT go('other', 'pairs', '{"messages": {"table": "messages", "columns": {"words": "content"}}}');
DROP TABLE messages, conversations;

--
-- Types of ids
--
CREATE DOMAIN short_id AS varchar(30);
CREATE DOMAIN long_id AS varchar(40);
CREATE DOMAIN uuid_id AS uuid;
CREATE DOMAIN big_id AS bigint;
-- id of c, id of m, and how these are referred to
CREATE FUNCTION ids(conversation text, message text, to_conversation text, to_message text)
RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try(format('CREATE TABLE c (id %s PRIMARY KEY, user_id int);
        CREATE TABLE m (id %s PRIMARY KEY, conversation_id %s NOT NULL REFERENCES c,
            reply_to_id %s REFERENCES m, role text, content text, created_at timestamptz)',
            conversation, message, to_conversation, to_message),
        'pairs',
        'SELECT string_agg(m.content, '', '' ORDER BY c.user_id, m.created_at, m.id)
                || ''; replies: '' || string_agg(q.content, '', '' ORDER BY c.user_id)
         FROM m JOIN c ON c.id = m.conversation_id LEFT JOIN m AS q ON q.id = m.reply_to_id');
END;
SELECT ids('uuid', 'uuid', 'uuid', 'uuid');
SELECT ids('uuid DEFAULT gen_random_uuid()', 'bigint GENERATED ALWAYS AS IDENTITY', 'uuid', 'bigint');
SELECT ids('bigint GENERATED ALWAYS AS IDENTITY', 'uuid', 'bigint', 'uuid');
SELECT ids('int GENERATED BY DEFAULT AS IDENTITY', 'text', 'int', 'text');
SELECT ids('serial', 'bigserial', 'int', 'bigint');
SELECT ids('text', 'serial', 'text', 'int');
SELECT ids('varchar(36)', 'char(40)', 'varchar(36)', 'char(40)');
SELECT ids('uuid_id', 'long_id', 'uuid_id', 'long_id');
SELECT ids('long_id', 'uuid_id', 'long_id', 'uuid_id');
-- Too short for an id, wherever it is.
SELECT ids('varchar(30)', 'uuid', 'varchar(30)', 'uuid');
SELECT ids('text', 'varchar(35)', 'text', 'text');
SELECT ids('text', 'text', 'varchar(30)', 'text');
SELECT ids('text', 'text', 'text', 'char(20)');
SELECT ids('short_id', 'uuid', 'short_id', 'uuid');
-- Numbers that nothing gives.
SELECT ids('int', 'uuid', 'int', 'uuid');
SELECT ids('big_id', 'uuid', 'big_id', 'uuid');
SELECT ids('uuid', 'int DEFAULT 7', 'uuid', 'int');
CREATE SEQUENCE shared;
SELECT ids('bigint DEFAULT nextval(''shared'')', 'uuid', 'bigint', 'uuid');
-- Types that are none for ids.
SELECT ids('numeric', 'uuid', 'numeric', 'uuid');
SELECT ids('smallserial', 'uuid', 'smallint', 'uuid');

-- A sequence that is behind what the application gave itself: its first number
-- is taken though it was never called (c), or many are (m). It stands behind
-- the highest id afterwards.
DROP TABLE m, c;
CREATE TABLE c (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id int);
CREATE TABLE m (id bigserial PRIMARY KEY, conversation_id int NOT NULL REFERENCES c,
                role text, content text, created_at timestamptz);
INSERT INTO c VALUES (1, 3);
INSERT INTO m VALUES (100, 1, 'user', 'theirs');
CALL save('behind', 'c', 'm');
SELECT go('behind', 'pairs', '{"conversations": "c", "messages": "m"}');
SELECT string_agg(id || ':' || user_id, ' ' ORDER BY id) FROM c;
SELECT string_agg(id || ':' || content, ' ' ORDER BY id) FROM m;
SELECT back('behind');
INSERT INTO c (user_id) VALUES (3) RETURNING id;
INSERT INTO m (conversation_id) VALUES (1) RETURNING id;
-- One that counts down, and has been used: it is not moved back.
DROP TABLE m, c;
CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY (INCREMENT -1) PRIMARY KEY, user_id int);
CREATE TABLE m (id int GENERATED ALWAYS AS IDENTITY (INCREMENT 10 START 5) PRIMARY KEY,
                conversation_id int NOT NULL REFERENCES c, role text, content text, created_at timestamptz);
INSERT INTO c (user_id) VALUES (3), (3);
CALL save('behind', 'c', 'm');
SELECT go('behind', 'pairs', '{"conversations": "c", "messages": "m"}');
SELECT string_agg(id || ':' || user_id, ' ' ORDER BY id DESC) FROM c;
SELECT string_agg(id || ':' || content, ' ' ORDER BY id) FROM m;
SELECT back('behind');

--
-- Roles
--
CREATE TYPE app_role AS ENUM ('USER', 'BOT', 'SYSTEM');
CREATE TYPE two_roles AS ENUM ('Human', 'AI');
CREATE TYPE odd_roles AS ENUM ('me', 'it');
CREATE DOMAIN checked_role AS text CHECK (VALUE IN ('customer', 'agent', 'nobody'));
CREATE DOMAIN doubly_checked AS checked_role CHECK (VALUE <> 'nobody');
CREATE DOMAIN role_pattern AS varchar(10) NOT NULL CHECK (VALUE ~ '^[a-z]+$');
CREATE DOMAIN enum_domain AS app_role CHECK (VALUE <> 'SYSTEM');
CREATE FUNCTION roles(type text, roles jsonb = NULL, source regclass = 'flats',
                      options jsonb = '{}', mapping jsonb = '{}')
RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try(format('CREATE TABLE c (id uuid PRIMARY KEY, user_id int);
        CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c,
            role %s, content text, created_at timestamptz)', type),
        source, 'SELECT string_agg(role || '' '' || content, '', '' ORDER BY m.created_at) FROM m',
        jsonb_build_object('conversations', 'c', 'messages',
            jsonb_strip_nulls(jsonb_build_object('table', 'm', 'roles', roles))),
        options => options, mapping => mapping);
END;
-- An enum, some with spellings that chatmig knows.
SELECT roles('app_role');
SELECT roles('two_roles');
SELECT roles('odd_roles');
SELECT roles('odd_roles', '{"user": "me", "assistant": "it"}');
SELECT roles('odd_roles', '{"user": "me", "assistant": "they"}');
SELECT roles('odd_roles', '{"user": "me", "assistant": "me"}');
SELECT roles('odd_roles', '{"user": "me", "helper": "it"}');
-- Domains: their checks count, those of the domain below, too.
SELECT roles('checked_role');
SELECT roles('doubly_checked');
SELECT roles('role_pattern');
SELECT roles('role_pattern', '{"assistant": "Bot"}');
SELECT roles('enum_domain');
-- Check constraints, as people write them.
SELECT roles('text');
SELECT roles($$text CHECK (role IN ('user', 'bot'))$$);
SELECT roles($$text CHECK (role = ANY (ARRAY['user', 'northstar']))$$);
SELECT roles($$text CHECK (role = ANY (ARRAY['user', 'northstar']))$$, '{"assistant": "northstar"}');
SELECT roles($$varchar(20) NOT NULL CHECK (role::text = 'user' OR role::text = 'Ai')$$);
SELECT roles($$text CHECK (role IN ('user', 'bot', 'assistant')) CHECK (role IN ('user', 'bot'))$$);
SELECT roles($$text CHECK (upper(role) = 'USER' OR lower(role) = 'bot')$$);
SELECT roles($$text CHECK (role <> '')$$);
SELECT roles($$text CHECK (role ~ '^(user|bot)$')$$);
SELECT roles($$text CHECK (role ~ '^(user|bot)$')$$, '{"assistant": "bot"}');
SELECT roles($$text CHECK (role IN ('user', 'it''s', 'x\y'))$$, '{"assistant": "it''s"}');
SELECT roles($$text CHECK (role IN ('user', 'it''s', 'x\y'))$$, '{"assistant": "x\\y"}');
-- A check that raises an error for what it cannot test does not allow that.
SELECT roles($$text CHECK (role::int IN (1, 2))$$);
SELECT roles($$text CHECK (role::int IN (1, 2))$$, '{"user": "1", "assistant": "2"}');
SELECT roles($$text CHECK (role::int IN (1, 2))$$, '{"user": "1", "assistant": "me"}');
SELECT roles($$text CHECK (role::int IN (1, 2))$$, '{"user": "1", "assistant": "3"}');
-- A check that needs another column says nothing about the role alone.
SELECT roles($$text, CHECK (role <> 'user' OR content <> '')$$);
-- Too short for one of them; blank-padded; no role at all.
SELECT roles('varchar(8)');
SELECT roles('varchar(8)', '{"assistant": "bot"}');
SELECT roles('char(12)');
SELECT roles('int');

-- Roles of the source that have no place are found before a row moves. Empty
-- rows make no message, and a role in them is none.
CREATE TABLE many_roles (id int PRIMARY KEY, user_id int, sender text, content text, created_at timestamptz);
INSERT INTO many_roles VALUES
    (1, 1, 'user', 'Hi!', '2024-05-01 10:00Z'), (2, 1, 'bot', 'Hello.', '2024-05-01 10:01Z'),
    (3, 1, 'system', 'Be nice.', '2024-05-01 10:02Z'), (4, 1, 'SYSTEM', 'Be brief.', '2024-05-01 10:03Z'),
    (5, 1, 'function', '', '2024-05-01 10:04Z'), (6, 1, 'tool', '{}', '2024-05-01 10:05Z');
SELECT roles('two_roles', source => 'many_roles');
SELECT roles('two_roles', source => 'many_roles', options => '{"max_rejects": 9}');
SELECT roles('app_role', source => 'many_roles');
DELETE FROM many_roles WHERE id = 6;
SELECT roles('app_role', source => 'many_roles');
SELECT roles('two_roles', source => 'many_roles', roles => '{"system": "AI"}');
SELECT roles('two_roles', source => 'many_roles',
             mapping => '{"roles": {"system": "assistant", "SYSTEM": "assistant"}}');
-- chatmig_plan() says so, and a later run, too.
SELECT chatmig_register('many_roles', target => '{"conversations": "c", "messages": "m"}');
DELETE FROM many_roles WHERE id IN (3, 4);
SELECT run('many_roles');
INSERT INTO many_roles VALUES (7, 1, 'developer', 'New.', '2024-05-02Z');
SELECT step FROM chatmig_plan('many_roles');
SELECT counts('many_roles', false, false);
SELECT back('many_roles');

--
-- Lengths
--
CREATE TABLE long (id int PRIMARY KEY, user_id int, message text, response text, model text, created_at timestamptz);
INSERT INTO long VALUES
    (1, 1, 'short', 'also', 'm', '2024-05-01 10:00Z'),
    (2, 1, 'äöüäöüäöüä', 'twenty bytes above', 'm', '2024-05-01 10:01Z'),
    (3, 1, 'äöüäöüäöüäx', 'no', 'm', '2024-05-01 10:02Z'),
    (4, 1, 'model', 'no', 'too-long-a-model', '2024-05-01 10:03Z'),
    (5, 1, 'blanks     ', 'no', 'm', '2024-05-01 10:04Z');
CREATE DOMAIN ten AS varchar(10);
CREATE FUNCTION lengths(content text, model text, title text, options jsonb = '{"max_rejects": 9}')
RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try(format('CREATE TABLE c (id uuid PRIMARY KEY, user_id int, title %3$s);
        CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c,
            role text, content %1$s, model %2$s, created_at timestamptz)', content, model, title),
        'long', 'SELECT format(''"%s": %s'', title, string_agg(quote_literal(content), '' '' ORDER BY m.created_at))
                 FROM m JOIN c ON c.id = conversation_id GROUP BY title
                 UNION ALL SELECT * FROM (SELECT format(''%s %s %s'', legacy_key, code, reason)
                 FROM chatmig_rejects WHERE migration = ''try'' ORDER BY legacy_key) AS r',
        options => options);
END;
-- A title is cut off, in characters; a message never.
SELECT lengths('text', 'text', 'text');
SELECT lengths('varchar', 'varchar(15)', 'varchar(4)');
SELECT lengths('varchar(10)', 'text', 'varchar(4) NOT NULL', '{"max_rejects": 9, "title": "äöüä {owner}"}');
SELECT lengths('ten', 'ten', 'ten', '{"max_rejects": 9, "title": null}');
SELECT lengths('ten', 'ten', 'text', '{}');
-- Types that would lose something of a content.
SELECT lengths('char(100)', 'text', 'text');
SELECT lengths('name', 'text', 'text');

--
-- Times
--
CREATE TABLE same (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
INSERT INTO same VALUES
    (1, 1, 'q1', 'a1', '2024-05-01 10:00:00.6Z'), (2, 1, 'q2', 'a2', '2024-05-01 10:00:00.6Z'),
    (3, 1, 'q3', NULL, '2024-05-01 10:00:00.6Z'), (4, 1, NULL, 'a4', '2024-05-01 10:00:00.6Z'),
    (5, 1, 'q5', 'a5', '2024-05-01 10:00:00.7Z'), (6, 1, 'q6', 'a6', '2024-05-01 10:00:09Z');
CREATE TABLE same_flat (id int PRIMARY KEY, user_id int, role text, content text, created_at timestamptz);
INSERT INTO same_flat
SELECT i, 1, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'm' || i, '2024-05-01 10:00Z'
FROM generate_series(1, 6) AS i;
CREATE TABLE timeless (id int PRIMARY KEY, user_id int, message text, response text);
INSERT INTO timeless SELECT i, 1, 'q' || i, 'a' || i FROM generate_series(1, 3) AS i;
CREATE DOMAIN ms AS timestamp(3);
CREATE FUNCTION times(message text, conversation text, source regclass, id text = 'uuid')
RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try(format('CREATE TABLE c (id uuid PRIMARY KEY, user_id int, created_at %2$s, updated_at %2$s);
        CREATE TABLE m (id %3$s PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c,
            role text, content text, created_at %1$s)', message, conversation, id),
        source, 'SELECT format(''%s to %s: %s'', to_char(c.created_at, ''HH24:MI:SS.US''),
            to_char(c.updated_at, ''HH24:MI:SS.US''),
            string_agg(content || '' '' || coalesce(to_char(m.created_at, ''HH24:MI:SS.US''), ''-''),
                       '', '' ORDER BY m.created_at, m.id))
            FROM m JOIN c ON c.id = conversation_id GROUP BY c.id ORDER BY 1');
END;
-- Kept apart by the smallest step that the column keeps, in the order of the
-- rows, in pairs and among flat rows.
SELECT times('timestamptz', 'timestamptz', 'same');
SELECT times('timestamp', 'timestamp', 'same');
SELECT times('timestamp(3)', 'timestamp(3)', 'same');
SELECT times('ms', 'ms', 'same');
SELECT times('timestamp(0)', 'timestamp(0)', 'same');
SELECT times('timestamptz', 'timestamptz', 'same_flat');
-- Rounded where nothing else is kept.
SELECT times('timestamp(3)', 'timestamp(0)', 'flats');
-- Dates are no times.
SELECT times('date', 'timestamptz', 'same');
SELECT times('timestamptz', 'date', 'same_flat');
-- No times: no order, unless the ids count; and never the time of the migration.
SELECT times('timestamptz', 'timestamptz', 'timeless');
SELECT times('timestamptz', 'timestamptz', 'timeless', 'serial');
SELECT times('timestamptz NOT NULL DEFAULT now()', 'timestamptz', 'timeless', 'serial');
SELECT times('timestamptz', 'timestamptz NOT NULL DEFAULT now()', 'timeless', 'serial');
-- A time of a group that has none, in a table that must have one.
CREATE TABLE few_times (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
INSERT INTO few_times VALUES (1, 1, 'a', NULL, '2024-05-01Z'), (2, 1, 'b', NULL, NULL), (3, 2, 'c', NULL, NULL);
SELECT times('timestamptz NOT NULL', 'timestamptz', 'few_times', 'serial');
-- Rows that come later: early ones, late ones, ones of the same time.
DROP TABLE m, c;
CREATE TABLE c (id uuid PRIMARY KEY, user_id int, created_at timestamptz, updated_at timestamptz);
CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c, role text,
                content text, created_at timestamptz);
CALL save('later', 'c', 'm');
SELECT go('later', 'same', '{"conversations": "c", "messages": "m"}');
INSERT INTO same VALUES
    (20, 1, 'q20', 'a20', '2024-05-01 10:00:00.6Z'), (21, 1, 'q21', 'a21', '2024-05-01 09:00Z'),
    (22, 1, 'q22', 'a22', '2024-05-01 11:00Z');
SELECT run('later');
SELECT string_agg(content, ' ' ORDER BY created_at) FROM m;
SELECT created_at, updated_at FROM c;
SELECT back('later');
CALL save('later', 'c', 'm');
SELECT go('later', 'same_flat', '{"conversations": "c", "messages": "m"}');
INSERT INTO same_flat VALUES
    (20, 1, 'user', 'm20', '2024-05-01 10:00Z'), (21, 1, 'user', 'm21', '2024-05-01 09:00Z'),
    (22, 1, 'user', 'm22', '2024-05-01 11:00Z');
SELECT run('later');
SELECT string_agg(content, ' ' ORDER BY created_at) FROM m;
SELECT back('later');

--
-- Columns that must be filled
--
CREATE TABLE guests (id int PRIMARY KEY, user_id int, role text, content text, model text,
                     tokens int, session_id text, created_at timestamptz);
INSERT INTO guests VALUES
    (1, 1, 'user', 'Hi!', NULL, NULL, 's1', '2024-05-01 10:00Z'),
    (2, 1, 'assistant', 'Hello.', 'm1', 7, 's1', '2024-05-01 10:01Z'),
    (3, NULL, 'user', 'Anybody?', NULL, NULL, 's2', '2024-05-01 10:02Z'),
    (4, NULL, 'assistant', 'Yes.', 'm1', 3, 's2', '2024-05-01 10:03Z'),
    (5, NULL, 'user', '', NULL, NULL, NULL, '2024-05-01 10:04Z');
CREATE DOMAIN filled AS int NOT NULL;
CREATE FUNCTION filling(conversation text, message text, target jsonb = NULL, mapping jsonb = '{"session": null}')
RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try(format('CREATE TABLE c (id uuid PRIMARY KEY, %s);
        CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c,
            role text, content text, created_at timestamptz, %s)', conversation, message),
        'guests', 'SELECT format(''%s: %s'', to_jsonb(c) - ''id'', string_agg((to_jsonb(m) - ''id''
            - ''conversation_id'' - ''created_at'')::text, '', '' ORDER BY m.created_at))
            FROM m JOIN c ON c.id = conversation_id GROUP BY c.* ORDER BY 1',
        target, mapping);
END;
-- By the migration, by defaults, by the server.
SELECT filling('user_id int, x int NOT NULL DEFAULT 4, y int GENERATED ALWAYS AS (user_id * 2) STORED',
               'low text GENERATED ALWAYS AS (lower(content)) STORED, n int NOT NULL GENERATED ALWAYS AS IDENTITY');
SELECT filling('user_id int, is_active boolean NOT NULL, title text NOT NULL, description text NOT NULL',
               'metadata json NOT NULL');
-- By nothing: all that miss something are named.
SELECT filling('user_id int', 'a int NOT NULL, b text NOT NULL, d text NOT NULL DEFAULT 1');
SELECT filling('user_id int, a filled', 'b int');
SELECT filling('user_id int', 'reply_to_id uuid NOT NULL');
SELECT filling('user_id int NOT NULL', 'b int', mapping => '{"owner": null, "session": null}');
-- By some rows, not by others; these are counted, but for those without a message.
SELECT filling('user_id int NOT NULL', 'b int');
SELECT filling('user_id filled', 'b int');
SELECT filling('user_id int', 'model text NOT NULL');
SELECT filling('user_id int', 'tokens int NOT NULL DEFAULT 0');
SELECT filling('user_id int, session_id text NOT NULL', 'b int', mapping => '{}');
SELECT filling('user_id int', 'tokens int NOT NULL DEFAULT 0',
               '{"conversations": "c", "messages": {"table": "m", "columns": {"tokens": null}}}');

--
-- Triggers and rules
--
CREATE PROCEDURE fresh() LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS m, c CASCADE;
    CREATE TABLE c (id uuid PRIMARY KEY, user_id int, n int NOT NULL DEFAULT 0, updated_at timestamptz);
    CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c,
                    role text, content text, created_at timestamptz);
END
$$;
-- With a trigger of that body on m; shows the contents, and the counters of c.
CREATE FUNCTION triggered(event text, body text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    CALL fresh();
    EXECUTE format('CREATE OR REPLACE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS %L',
                   'BEGIN ' || body || ' END');
    EXECUTE format('CREATE TRIGGER t %s EXECUTE FUNCTION act()', event);
    RETURN QUERY SELECT try('', 'pairs',
        'SELECT string_agg(content, '', '' ORDER BY c.user_id, m.created_at, content) || '' '' || sum(DISTINCT n)
         FROM m JOIN c ON c.id = conversation_id');
END
$$;
-- One that counts: it does its part, three times in each conversation.
SELECT triggered('AFTER INSERT ON m FOR EACH ROW',
    'UPDATE regress_targets.c SET n = n + 1 WHERE id = NEW.conversation_id; RETURN NULL;');
-- Ones that change rows: found.
SELECT triggered('BEFORE INSERT ON m FOR EACH ROW', 'NEW.content := upper(NEW.content); RETURN NEW;');
SELECT triggered('BEFORE INSERT ON m FOR EACH ROW', 'NEW.created_at := ''2020-01-01Z''; RETURN NEW;');
SELECT triggered('BEFORE INSERT ON m FOR EACH ROW', 'NEW.role := ''user''; RETURN NEW;');
-- One that swallows a row, one that refuses all, one that refuses to let go.
SELECT triggered('BEFORE INSERT ON m FOR EACH ROW',
    'IF NEW.content = ''Again?'' THEN RETURN NULL; END IF; RETURN NEW;');
SELECT triggered('BEFORE INSERT ON m FOR EACH STATEMENT', 'RAISE ''not today'';');
SELECT triggered('BEFORE DELETE ON m FOR EACH ROW', 'RETURN NULL;');
-- Rules.
CALL fresh();
CREATE RULE r AS ON INSERT TO m DO INSTEAD NOTHING;
SELECT try('', 'pairs', :'contents');
DROP RULE r ON m;
CREATE TABLE log (what text);
CREATE RULE r AS ON INSERT TO m DO ALSO INSERT INTO log VALUES (NEW.content);
SELECT try('', 'pairs', :'contents' || ' UNION ALL SELECT what FROM log');

--
-- Kinds of tables
--
-- Partitioned by time, without a partition for some, and with one; by hash.
CALL fresh();
DROP TABLE m;
CREATE TABLE m (id uuid, conversation_id uuid NOT NULL REFERENCES c, role text, content text,
                created_at timestamptz, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2024-05-01 09:00Z') TO ('2024-05-01 10:00Z');
SELECT try('', 'pairs', :'contents');
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM ('2024-05-01 10:00Z') TO ('2024-05-01 12:00Z');
SELECT try('', 'pairs', 'SELECT tableoid::regclass || '' '' || string_agg(content, '', '' ORDER BY created_at)
                         FROM m GROUP BY tableoid ORDER BY 1');
DROP TABLE m;
CREATE TABLE m (id uuid, conversation_id uuid NOT NULL REFERENCES c, role text, content text,
                created_at timestamptz, PRIMARY KEY (id, conversation_id)) PARTITION BY HASH (conversation_id);
CREATE TABLE m1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m2 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT try('', 'pairs', :'contents');
-- Others inherit from it: what is in them stays there.
CALL fresh();
CREATE TABLE child () INHERITS (m);
INSERT INTO c VALUES ('00000000-0000-0000-0000-000000000001', 3);
INSERT INTO child VALUES ('00000000-0000-0000-0000-000000000002',
    '00000000-0000-0000-0000-000000000001', 'user', 'in the child', '2024-01-01Z');
SELECT try('', 'pairs', :'contents', tables => '{c,m,child}');
-- Unlogged.
CALL fresh();
ALTER TABLE m SET UNLOGGED;
SELECT try('', 'pairs', :'contents');
-- What is no table: a view, a materialized one, a sequence.
CREATE VIEW v AS TABLE c;
CREATE MATERIALIZED VIEW w AS TABLE c;
SELECT try('', 'pairs', '', '{"conversations": "v", "messages": "m"}');
SELECT try('', 'pairs', '', '{"conversations": "w", "messages": "m"}');
SELECT try('', 'pairs', '', '{"conversations": "shared", "messages": "m"}');
-- One table for two, the source, what is chatmig's own, a trace.
SELECT try('', 'pairs', '', '{"conversations": "m", "messages": "m"}');
SELECT try('', 'pairs', '', '{"conversations": "pairs", "messages": "m"}');
SELECT try('', 'pairs', '', '{"conversations": "chatmig_migration", "messages": "m"}');
SELECT go('first', 'pairs', '{"conversations": "c", "messages": "m"}');
SELECT try('', 'flats', '', '{"conversations": "c", "messages": "first_trace"}');
SELECT try('', 'flats', '', '{"conversations": "c", "messages": "m", "trace": "first_trace"}');
SELECT try('', 'flats', '', '{"conversations": "c", "messages": "m", "trace": "m"}');
SELECT back('first');

--
-- Rights: those of the source's owner, whoever calls
--
CREATE ROLE regress_targets_app;
CREATE TABLE hers AS TABLE pairs;
ALTER TABLE hers ADD PRIMARY KEY (id), OWNER TO regress_targets_app;
CREATE SCHEMA regress_targets_far;
CREATE TABLE regress_targets_far.c (id serial PRIMARY KEY, user_id int);
CREATE TABLE regress_targets_other.n (
    id uuid PRIMARY KEY, conversation_id int NOT NULL REFERENCES regress_targets_far.c,
    role text, content text, created_at timestamptz);
GRANT USAGE ON SCHEMA regress_targets TO regress_targets_app;
\set target '{"schema": "regress_targets_other", "messages": "n"}'
-- Each of them is missed in its turn; the hint says what to do.
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT USAGE, CREATE ON SCHEMA regress_targets_other TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT SELECT ON regress_targets_other.n TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT INSERT, UPDATE ON regress_targets_other.n TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT DELETE ON regress_targets_other.n TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT USAGE ON SCHEMA regress_targets_far TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT SELECT, INSERT, UPDATE, DELETE ON regress_targets_far.c TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT USAGE ON SEQUENCE regress_targets_far.c_id_seq TO regress_targets_app;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
-- Enough; to put it behind what the application has given, one more.
GRANT SELECT ON SEQUENCE regress_targets_far.c_id_seq TO regress_targets_app;
SELECT try('', 'hers', 'SELECT count(*)::text FROM regress_targets_far.c', :'target',
           tables => '{regress_targets_far.c,regress_targets_other.n,hers}');
INSERT INTO regress_targets_far.c VALUES (100, 3);
SELECT try('', 'hers', '', :'target', tables => '{hers}');
GRANT UPDATE ON SEQUENCE regress_targets_far.c_id_seq TO regress_targets_app;
SELECT try('', 'hers', 'SELECT string_agg(id || '':'' || user_id, '' '' ORDER BY id) FROM regress_targets_far.c',
           :'target', tables => '{regress_targets_far.c,regress_targets_other.n,hers}');
-- Row security would hide rows from that role.
ALTER TABLE regress_targets_other.n ENABLE ROW LEVEL SECURITY;
SELECT try('', 'hers', '', :'target', tables => '{hers}');
ALTER ROLE regress_targets_app BYPASSRLS;
SELECT try('', 'hers', 'SELECT count(*)::text FROM regress_targets_other.n', :'target',
           tables => '{regress_targets_far.c,regress_targets_other.n,hers}');

DROP EXTENSION chatmig CASCADE;
DROP SCHEMA regress_targets, regress_targets_other, regress_targets_far CASCADE;
DROP ROLE regress_targets_app;
