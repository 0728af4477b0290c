--
-- targets_rows: existing tables that hold rows already, rows that stay where
-- they are, rows of others that are linked, owners without any, and what has
-- no column
--
CREATE SCHEMA regress_targets_rows;
SET search_path = regress_targets_rows;
\getenv here PG_ABS_SRCDIR
\set targets :here '/sql/include/targets.inc'
\set ECHO none
\i :targets
\set ECHO all

--
-- Of two tables, one is there
--
-- The messages are created beside the application's conversations, and go.
CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int);
CALL save('beside', 'c');
SELECT go('beside', 'pairs', '{"conversations": "c"}');
SELECT user_id, position, role, content FROM messages JOIN c ON c.id = conversation_id ORDER BY 1, 2;
SELECT back('beside');
SELECT to_regclass('messages'), to_regclass('beside_trace');
-- Where something depends on them, they stay, empty.
CALL save('beside', 'c');
SELECT go('beside', 'pairs', '{"conversations": "c"}');
CREATE VIEW v AS TABLE messages;
SELECT back('beside');
SELECT count(*) FROM v;
DROP TABLE messages, c CASCADE;
-- The other way round.
CREATE TABLE m (id serial PRIMARY KEY, conversation_id uuid, role text, content text, created_at timestamptz);
CALL save('beside', 'm');
SELECT go('beside', 'pairs', '{"messages": "m", "conversations": "conversations"}');
SELECT user_id, title FROM conversations ORDER BY 1;
SELECT back('beside');
SELECT to_regclass('conversations');
-- None at all: the messages say whose they are, or else it is an error.
SELECT go('beside', 'pairs', '{"messages": "m", "conversations": null}');
ALTER TABLE m ADD user_id int;
CALL save('beside', 'm');
SELECT go('beside', 'pairs', '{"messages": "m", "conversations": null}');
SELECT user_id, count(DISTINCT conversation_id) AS conversations, count(*) FROM m GROUP BY 1 ORDER BY 1;
SELECT back('beside');
ALTER TABLE m ALTER conversation_id TYPE int USING NULL;
SELECT go('beside', 'pairs', '{"messages": "m", "conversations": null}');
DROP TABLE m;

--
-- Owners who have conversations already
--
CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int);
CREATE TABLE m (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id int NOT NULL REFERENCES c,
                role text, content text, created_at timestamptz);
CREATE TABLE src (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
INSERT INTO src VALUES
    (1, 1, 'a', 'b', '2024-05-01 10:00Z'), (2, 1, 'c', NULL, '2024-05-01 10:01Z'),
    (3, 2, 'd', 'e', '2024-05-01 10:02Z'), (4, NULL, 'guest', 'x', '2024-05-01 10:03Z'),
    (5, NULL, '', '', '2024-05-01 10:04Z');
-- The application has the first pair, seconds later, and the third, much later.
INSERT INTO c (user_id) VALUES (1);
INSERT INTO m (conversation_id, role, content, created_at) VALUES
    (1, 'user', 'a', '2024-05-01 10:00:10Z'), (1, 'assistant', 'b', '2024-05-01 10:00:20Z'),
    (1, 'user', 'c', '2024-05-01 10:03:00Z');
CREATE VIEW talks AS
SELECT c.id, c.user_id, string_agg(content, ' ' ORDER BY m.id) AS contents
FROM c LEFT JOIN m ON c.id = conversation_id GROUP BY c.id ORDER BY c.id;
CALL save('s', 'c', 'm');
-- Both rows of the first owner are skipped, and said to be, as information.
SELECT go('s', 'src', '{"conversations": "c", "messages": "m"}');
SELECT status, violations FROM chatmig_validate('s') WHERE check_name = 'legacy_unmigrated';
TABLE talks;
-- Later rows join what the migration made; the first owner's are skipped again.
INSERT INTO src VALUES
    (6, 1, 'later of 1', NULL, '2024-05-02Z'), (7, 2, 'later of 2', NULL, '2024-05-02Z'),
    (8, 3, 'first of 3', NULL, '2024-05-02Z'), (9, NULL, 'later guest', NULL, '2024-05-02Z');
SELECT run('s');
TABLE talks;
-- By force, what the application does not have, once.
SELECT run('s', true);
TABLE talks;
SELECT run('s', true);
SELECT run('s');
SELECT back('s');
DELETE FROM src WHERE id > 5;
-- By force at once.
CALL save('s', 'c', 'm', 'src');
SELECT go('s', 'src', '{"conversations": "c", "messages": "m"}', force => true);
SELECT user_id, contents FROM talks;
SELECT back('s');
-- Guests who have some are skipped like anybody.
INSERT INTO c (user_id) VALUES (NULL);
CALL save('s', 'c', 'm', 'src');
SELECT go('s', 'src', '{"conversations": "c", "messages": "m"}');
SELECT user_id, contents FROM talks;
SELECT back('s');
-- Without an owner, all rows are one's; they are skipped if there is anything.
CALL save('s', 'c', 'm', 'src');
SELECT go('s', 'src', '{"conversations": "c", "messages": "m"}', '{"owner": null}');
SELECT run('s', true);
SELECT back('s');
-- A second migration into the same tables; each takes back its own.
CALL save('s', 'c', 'm');
SELECT go('s', 'src', '{"conversations": "c", "messages": "m"}');
CALL save('second', 'c', 'm');
SELECT go('second', 'pairs', '{"conversations": "c", "messages": "m"}', force => true);
SELECT user_id, contents FROM talks;
SELECT problems('s');
SELECT back('second');
SELECT back('s');

--
-- In place: rows stay and get a conversation
--
CREATE TABLE chats (id text PRIMARY KEY, "userId" int, "mentorId" int, "createdAt" timestamp(3),
                    "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE ms (id text PRIMARY KEY, "userId" int, "mentorId" int, role text, content text,
                 "createdAt" timestamp(3), "updatedAt" timestamp(3),
                 "chatId" text REFERENCES chats ON DELETE SET NULL);
INSERT INTO chats VALUES ('theirs', 1, NULL, '2024-01-01', '2024-01-01');
INSERT INTO ms VALUES
    ('a', 1, NULL, 'user', 'in one already', '2024-01-01', NULL, 'theirs'),
    ('b', 1, NULL, 'user', 'Hi!', '2024-05-01 10:00', NULL, NULL),
    ('c', 1, NULL, 'assistant', 'Hello.', '2024-05-01 10:00', NULL, NULL),
    ('d', 1, 7, 'user', 'Mentor?', '2024-05-01 10:01', NULL, NULL),
    ('e', NULL, NULL, 'user', 'guest', '2024-05-01 10:02', NULL, NULL),
    ('f', 1, 7, 'user', '', '2024-05-01 10:03', NULL, NULL);
CREATE VIEW places AS
SELECT m.id, content, "chatId" IS NULL AS alone, c."userId", c."mentorId", c."createdAt",
       c."updatedAt" < '2025-01-01' AS old
FROM ms AS m LEFT JOIN chats AS c ON c.id = "chatId" ORDER BY m.id;
CALL save('p', 'chats', 'ms');
-- The column that is filled looks like a session, and is none.
SELECT go('p', 'ms', '{"conversations": "chats", "messages": "ms"}', '{"counterpart": "mentorId"}');
TABLE places;
-- A row that is older than the migration joins its conversation; one that is
-- younger stands alone, unless forced.
INSERT INTO ms VALUES ('g', 1, NULL, 'user', 'alone', now(), NULL, NULL),
                      ('h', 1, NULL, 'user', 'old one', '2024-05-01 11:00', NULL, NULL);
SELECT run('p');
SELECT id, alone FROM places WHERE id > 'f';
SELECT run('p', true);
SELECT id, alone, old, "createdAt" FROM places WHERE id > 'f';
DELETE FROM ms WHERE id > 'f';
SELECT back('p');
-- A trigger that says when a row was changed changes nothing of the row.
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."updatedAt" := '2025-01-01';
    RETURN NEW;
END
$$;
CREATE TRIGGER t BEFORE UPDATE ON ms FOR EACH ROW EXECUTE FUNCTION touch();
CALL save('p', 'chats');
SELECT go('p', 'ms', '{"conversations": "chats", "messages": "ms"}', '{"counterpart": "mentorId"}');
SELECT back('p');
DROP TRIGGER t ON ms;
-- What the application changes afterwards is found, and kept by a rollback.
SELECT go('p', 'ms', '{"conversations": "chats", "messages": "ms"}', '{"counterpart": "mentorId"}');
UPDATE ms SET content = 'Hi there!' WHERE id = 'b';
UPDATE ms SET "chatId" = 'theirs' WHERE id = 'c';
SELECT problems('p');
SELECT back('p');
SELECT id, content, "chatId" FROM ms ORDER BY id;
-- Ids of other types; positions, which are taken back, too.
CREATE TABLE cu (id uuid PRIMARY KEY, user_id int);
CREATE TABLE mu (id uuid PRIMARY KEY, user_id int, role text, content text, created_at timestamptz,
                 conversation_id uuid REFERENCES cu, position int);
INSERT INTO mu
SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, i % 2, 'user', 'm' || i,
       '2024-05-01Z'::timestamptz + i * interval '1 h' FROM generate_series(1, 6) AS i;
CALL save('p', 'cu', 'mu');
SELECT go('p', 'mu', '{"messages": "mu"}');
SELECT user_id, position, content FROM mu ORDER BY 1, 2;
SELECT back('p');
CREATE TABLE cb (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int);
CREATE TABLE mb (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, role text,
                 content text, created_at timestamptz, conversation_id bigint REFERENCES cb);
INSERT INTO mb (user_id, role, content, created_at)
SELECT user_id, role, content, created_at FROM mu ORDER BY id;
CALL save('p', 'cb', 'mb');
SELECT go('p', 'mb', '{"conversations": "cb", "messages": "mb"}');
SELECT string_agg(id || ':' || conversation_id, ' ' ORDER BY id) FROM mb;
SELECT back('p');
-- Positions that are there are not overwritten.
UPDATE mu SET position = 5 WHERE user_id = 1;
CALL save('p', 'cu', 'mu');
SELECT go('p', 'mu', '{"messages": "mu"}');
SELECT go('p', 'mu', '{"messages": {"table": "mu", "columns": {"position": null}}}');
SELECT back('p');
-- A composite key; a pair.
ALTER TABLE mb DROP CONSTRAINT mb_pkey, ADD PRIMARY KEY (id, user_id);
SELECT go('p', 'mb', '{"conversations": "cb", "messages": "mb"}');
CREATE TABLE both_kinds (id int PRIMARY KEY, user_id int, message text, response text, role text,
                         content text, created_at timestamptz, conversation_id uuid);
SELECT go('p', 'both_kinds', '{"conversations": "cu", "messages": "both_kinds"}', '{"shape": "pair"}');

--
-- Room for rows that come later, and belong before others
--
CREATE TABLE late (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
-- The second row first, a message of the application's at a place of its own,
-- then the first row.
CREATE FUNCTION room(position_column text, own int, more text = '') RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE lc (id uuid PRIMARY KEY, user_id int);
    EXECUTE format('CREATE TABLE lm (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES lc,
                    role text, content text, created_at timestamptz, %s); %s', position_column, more);
    TRUNCATE late;
    INSERT INTO late VALUES (2, 1, 'third', 'fourth', '2024-05-02Z');
    CALL save('room', 'lc', 'lm');
    RETURN QUERY SELECT go('room', 'late', '{"conversations": "lc", "messages": "lm"}');
    INSERT INTO lm SELECT gen_random_uuid(), id, 'system', 'own', now(), own FROM lc;
    INSERT INTO late VALUES (1, 1, 'first', 'second', '2024-05-01Z');
    RETURN NEXT counts('room', false, false);
    RETURN QUERY SELECT string_agg(position || ':' || content, ' ' ORDER BY position) FROM lm;
    DELETE FROM lm WHERE content = 'own';
    RETURN QUERY SELECT problems('room');
    RETURN QUERY SELECT back('room');
    DROP TABLE lm, lc;
END
$$;
-- A negative position of the application's stays, whatever says which
-- positions may be there; what is behind goes on.
SELECT room('position int', -1);
SELECT room('position smallint CHECK (position >= 0)', 2);
SELECT room('position bigint, UNIQUE (conversation_id, position)', -1);
SELECT room('position int CHECK (position BETWEEN 0 AND 4), UNIQUE (conversation_id, position)', 2);
SELECT room('position int', 2, 'CREATE UNIQUE INDEX ON lm (conversation_id, abs(position))');
SELECT room('position int, UNIQUE (conversation_id, position) DEFERRABLE', -1);
DROP FUNCTION room;

--
-- Wider integers than the source's
--
CREATE TABLE small (id int PRIMARY KEY, user_id smallint, mentor int, session_id int, message text,
                    response text, tokens int, created_at timestamptz);
INSERT INTO small VALUES (1, 1, 7, 70, 'q', 'a', 10, '2024-05-02Z'), (2, NULL, NULL, 71, 'guest', 'b', 11, '2024-05-01Z');
CREATE TABLE wc (id uuid PRIMARY KEY, user_id bigint, mentor bigint, session_id bigint);
CREATE TABLE wm (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES wc, role text, content text,
                 tokens bigint, position bigint, created_at timestamptz);
INSERT INTO wc VALUES ('00000000-0000-0000-0000-000000000001', 5000000000, 5000000000, 5000000000);
INSERT INTO wm VALUES ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001',
                       'user', 'theirs', 5000000000, 5000000000, '2024-05-01Z');
-- The application's rows may hold what the source's type does not. They are
-- nobody's whom the source knows, and no guest's either.
CALL save('wide', 'wc', 'wm');
SELECT go('wide', 'small', '{"conversations": "wc", "messages": "wm"}', '{"session": "session_id", "counterpart": "mentor"}');
SELECT user_id, mentor, session_id, content, tokens, position FROM wm JOIN wc ON wc.id = conversation_id ORDER BY content;
-- A row that comes later goes before the others.
INSERT INTO small VALUES (3, 1, 7, 70, 'before', NULL, NULL, '2024-05-01Z');
SELECT run('wide');
-- Such values in rows of the migration are found.
UPDATE wc SET user_id = 5000000000 WHERE user_id = 1;
UPDATE wm SET tokens = 5000000000 WHERE content = 'b';
SELECT problems('wide');
UPDATE wc SET user_id = 1 WHERE mentor = 7;
UPDATE wm SET tokens = 11 WHERE content = 'b';
-- Behind such a position there is no place.
UPDATE wm SET position = 5000000000 WHERE content = 'a';
INSERT INTO small VALUES (4, 1, 7, 70, 'behind', NULL, NULL, '2024-05-03Z');
SELECT problems('wide');
SELECT run('wide');
UPDATE wm SET position = 2 WHERE content = 'a';
-- Nor is there one between it and the next message.
UPDATE wm SET position = 5000000000 WHERE content = 'before';
UPDATE small SET created_at = '2024-05-01 12:00Z' WHERE id = 4;
SELECT run('wide');
UPDATE wm SET position = 0 WHERE content = 'before';
DELETE FROM small WHERE id > 3;
SELECT back('wide');
DROP TABLE wm, wc, small;

--
-- Links
--
DROP TABLE m, c CASCADE;
CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int);
CREATE TABLE m (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL REFERENCES c,
                role text, content text, created_at timestamptz);
CREATE TABLE games (id int PRIMARY KEY, owner int, chat bigint REFERENCES c ON DELETE SET NULL, note text);
CREATE TABLE "Tickets 100%" (a text, b int, "Owner" bigint, "Conversation" bigint, PRIMARY KEY (b, a));
CREATE TABLE keyless (owner int, chat bigint);
INSERT INTO c (user_id) VALUES (3);
INSERT INTO games VALUES (1, 1, NULL), (2, 1, NULL), (3, 3, 1), (4, 3, NULL), (5, NULL, NULL), (6, 2, NULL);
INSERT INTO "Tickets 100%" VALUES ('x,"y', 1, 1, NULL), ('z', 2, 2, NULL), ('z', 3, 9, NULL);
CREATE FUNCTION linking(links jsonb) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT try('', 'pairs', 'SELECT ''ok''',
        jsonb_build_object('conversations', 'c', 'messages', 'm', 'links', links));
END;
-- What cannot be.
SELECT linking('[{"table": "keyless", "owner": "owner", "conversation": "chat"}]');
SELECT linking('[{"table": "gamez", "owner": "owner", "conversation": "chat"}]');
SELECT linking('[{"table": "games", "owner": "user_id", "conversation": "chat"}]');
SELECT linking('[{"table": "games", "owner": "owner", "conversation": "note"}]');
SELECT linking('[{"table": "games", "owner": "note", "conversation": "chat"}]');
SELECT linking('[{"table": "games", "owner": "owner"}]');
SELECT linking('{"table": "games"}');
-- Inheritance: the children's rows may have the same primary keys.
CREATE TABLE older () INHERITS (games);
SELECT linking('[{"table": "games", "owner": "owner", "conversation": "chat"}]');
ALTER TABLE older NO INHERIT games;
DROP TABLE older;
-- Two tables, one with a key of two columns; rows that point somewhere stay.
\set links '{"conversations": "c", "messages": "m", "links": [{"table": "games", "owner": "owner", "conversation": "chat"}, {"table": "Tickets 100%", "owner": "Owner", "conversation": "Conversation"}]}'
CALL save('l', 'c', 'm', 'games', '"Tickets 100%"');
SELECT go('l', 'pairs', :'links');
SELECT g.id, g.owner, c.user_id FROM games AS g LEFT JOIN c ON c.id = g.chat ORDER BY 1;
SELECT t.a, t.b, t."Owner", c.user_id FROM "Tickets 100%" AS t LEFT JOIN c ON c.id = "Conversation" ORDER BY b;
SELECT link_table, row_key FROM l_links ORDER BY 1, 2;
SELECT back('l');
-- Rows that come later are linked later. The application points one elsewhere,
-- empties one, deletes one: rollback leaves these alone.
SELECT go('l', 'pairs', :'links');
INSERT INTO games VALUES (7, 1, NULL);
SELECT run('l');
UPDATE games SET chat = 1 WHERE id = 1;
UPDATE games SET chat = NULL WHERE id = 6;
DELETE FROM "Tickets 100%" WHERE b = 1;
SELECT back('l');
SELECT string_agg(id || ':' || coalesce(chat::text, '-'), ' ' ORDER BY id) FROM games;
SELECT b, "Conversation" FROM "Tickets 100%" ORDER BY 1;
-- One table is dropped, one renamed: the next run and rollback get along.
UPDATE games SET chat = NULL WHERE id = 1;
CALL save('l', 'c', 'm');
SELECT go('l', 'pairs', :'links');
DROP TABLE "Tickets 100%";
SELECT counts('l', false, false);
ALTER TABLE games RENAME TO matches;
SELECT back('l');
SELECT string_agg(id || ':' || coalesce(chat::text, '-'), ' ' ORDER BY id) FROM matches;

--
-- Owners without messages
--
DROP TABLE m, c, matches CASCADE;
ALTER TABLE users ADD gone int, ADD created_at timestamp(0), ADD "updatedAt" timestamptz;
ALTER TABLE users DROP gone;
INSERT INTO users VALUES
    (4, 'none', '2023-01-01', '2023-06-01Z'), (5, 'never updated', '2023-02-01', NULL),
    (6, 'no times', NULL, NULL), (7, 'rejected', '2023-03-01', NULL), (8, 'empty', '2023-04-01', NULL);
UPDATE users SET created_at = '2022-01-01' WHERE id < 4;
CREATE TABLE talk (id int PRIMARY KEY, user_id int REFERENCES users, message text, response text, created_at text);
INSERT INTO talk VALUES
    (1, 1, 'Hi!', 'Hello', '2024-05-01T10:00:00Z'), (2, 7, 'bad', 'time', 'yesterday'),
    (3, 8, '', NULL, '2024-05-01T10:00:00Z'), (4, NULL, 'guest', NULL, '2024-05-01T10:00:00Z');
CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, title text,
                created_at timestamptz, updated_at timestamptz);
CREATE TABLE m (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL REFERENCES c,
                role text, content text, created_at timestamptz);
INSERT INTO c (user_id, title) VALUES (3, 'theirs');
CREATE VIEW owned AS
SELECT user_id, title, created_at, updated_at,
       (SELECT count(*) FROM m WHERE conversation_id = c.id) AS messages
FROM c ORDER BY user_id;
\set target '{"conversations": "c", "messages": "m"}'
-- Everybody has one, with messages or the owner's own times; the third has the
-- application's.
CALL save('o', 'c', 'm');
SELECT go('o', 'talk', :'target', options => '{"empty_owners": true, "max_rejects": 1, "title": "Default"}');
TABLE owned;
-- Later messages join; later owners get one.
INSERT INTO talk VALUES
    (10, 4, 'at last', NULL, '2024-06-01T00:00:00Z'), (11, 3, 'theirs', NULL, '2024-06-01T00:00:00Z'),
    (12, 5, 'early', NULL, '2020-06-01T00:00:00Z');
INSERT INTO users VALUES (9, 'new', '2024-01-01', NULL);
SELECT run('o');
TABLE owned;
SELECT back('o');
-- Their times for all conversations; where they have none, the messages'.
CALL save('o', 'c', 'm');
INSERT INTO talk VALUES (20, 6, 'of no times', NULL, '2025-06-01T00:00:00Z');
SELECT go('o', 'talk', :'target',
          options => '{"empty_owners": true, "times": "owner", "max_rejects": 1, "title": "Default"}');
TABLE owned;
SELECT back('o');
-- An owner without messages and times, where there must be one.
DELETE FROM talk WHERE id = 20;
UPDATE c SET created_at = '2024-01-01Z';
ALTER TABLE c ALTER created_at SET NOT NULL;
SELECT go('o', 'talk', :'target', options => '{"empty_owners": true, "max_rejects": 1}');
-- Owners that have no times at all; no table of owners.
ALTER TABLE users DROP created_at, DROP "updatedAt";
SELECT go('o', 'talk', :'target', options => '{"times": "owner", "max_rejects": 1}');
ALTER TABLE c ALTER created_at DROP NOT NULL;
CALL save('o', 'c', 'm');
SELECT go('o', 'talk', :'target', options => '{"empty_owners": true, "max_rejects": 1, "title": null}');
TABLE owned;
SELECT back('o');
ALTER TABLE talk DROP CONSTRAINT talk_user_id_fkey;
SELECT go('o', 'talk', :'target', options => '{"empty_owners": true, "max_rejects": 1}');
-- Messages of an owner's mentor do not go into the owner's own conversation.
DROP TABLE c, m CASCADE;
CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, mentor int);
CREATE TABLE m (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL REFERENCES c,
                role text, content text, created_at timestamptz);
CREATE TABLE mentored (id int PRIMARY KEY, user_id int REFERENCES users, mentor int, message text,
                       response text, created_at timestamptz);
INSERT INTO mentored VALUES (1, 1, 7, 'a', NULL, '2024-05-01Z');
DELETE FROM users WHERE id > 3;
CALL save('o', 'c', 'm');
SELECT go('o', 'mentored', :'target', '{"counterpart": "mentor"}', '{"empty_owners": true}');
INSERT INTO mentored VALUES (2, 2, 7, 'b', NULL, '2024-05-01Z'), (3, 2, NULL, 'c', NULL, '2024-05-01Z');
SELECT run('o');
SELECT user_id, mentor, string_agg(content, ' ') FROM c LEFT JOIN m ON c.id = conversation_id GROUP BY c.id ORDER BY 1, 2;
SELECT back('o');

--
-- What has no column is kept in the trace, and missed if it is lost there
--
CREATE TABLE rich (id int PRIMARY KEY, user_id int, session_id text, message text, response text, model text,
                   tokens bigint, metadata jsonb, extra numeric, media_url text, media_type text,
                   created_at timestamptz);
INSERT INTO rich VALUES
    (1, 1, 's1', 'Look!', 'A cat.', 'm1', 5000000000, '{"k": [1, "x"]}', 1.50, 'http://x/cat.png', 'image/png', '2024-05-01 10:00Z'),
    (2, 1, 's1', 'Thanks', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-05-01 10:01Z'),
    (3, 1, NULL, NULL, 'Bye', 'm2', 3, '[1]', NULL, '', 'image/png', NULL);
\set mapping '{"media": "media_url", "media_type": "media_type"}'
\set whole 'SELECT format($f$%s %s: %s$f$, key_1, e.key, e.value) FROM try_trace CROSS JOIN jsonb_each(metadata) AS e ORDER BY key_1, e.key'
-- All of it: nothing but ids, role, content and time.
SELECT try('CREATE TABLE c (id uuid PRIMARY KEY, user_id int);
            CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c, role text,
                            content text, created_at timestamptz)', 'rich', :'whole', mapping => :'mapping');
-- Each part of it, taken away from the first row.
CREATE FUNCTION lost(path text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM go('lost', 'rich', '{"conversations": "c", "messages": "m"}',
               '{"media": "media_url", "media_type": "media_type"}');
    UPDATE lost_trace SET metadata = metadata #- path WHERE key_1 = 1;
    RETURN QUERY SELECT problems('lost');
    PERFORM back('lost');
END
$$;
SELECT lost('{1,model}');
SELECT lost('{2,tokens}');
SELECT lost('{1,metadata,extra}');
SELECT lost('{1,session}');
SELECT lost('{1,media}');
SELECT lost('{1,media_type}');
-- Columns for some of it; the media have a table, which has none for the type.
SELECT try('CREATE TABLE c (id uuid PRIMARY KEY, user_id int, session_id text);
            CREATE TABLE pics (id serial PRIMARY KEY, path text NOT NULL, summary text NOT NULL, user_id int NOT NULL);
            CREATE TABLE m (id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES c, role text,
                            content text, tokens bigint, metadata json, attachment_id int REFERENCES pics,
                            created_at timestamptz)', 'rich',
           '(' || :'whole' || ') UNION ALL SELECT format($f$%s: %s, %s, of %s; "%s"$f$, m.content, tokens, m.metadata, p.user_id, p.path) FROM m LEFT JOIN pics AS p ON p.id = attachment_id',
           :'target'::jsonb || '{"media": "pics"}', :'mapping');

--
-- Whole seconds, and a later row of the same time
--
-- Its message is a second later than the one before, as the column keeps them;
-- and so is the conversation, though its columns keep more.
CREATE TABLE exact (id int PRIMARY KEY, user_id int, role text, content text, sent_at timestamptz);
INSERT INTO exact VALUES (1, 1, 'user', 'one', '2024-05-01 10:00:00.000013Z');
CREATE TABLE exact_c (id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, user_id int,
                      created_at timestamptz, updated_at timestamptz);
CREATE TABLE exact_m (id uuid PRIMARY KEY, conversation_id bigint REFERENCES exact_c, role text,
                      content text, created_at timestamptz(0));
SELECT chatmig_register('exact', target => '{"conversations": "exact_c", "messages": "exact_m"}');
SELECT migrated FROM chatmig_migrate('exact');
INSERT INTO exact VALUES (2, 1, 'assistant', 'two', '2024-05-01 10:00:00.000013Z');
SELECT migrated FROM chatmig_migrate('exact');
SELECT content, m.created_at, c.created_at, c.updated_at
FROM exact_m AS m JOIN exact_c AS c ON c.id = conversation_id ORDER BY m.created_at;
SELECT check_name, detail FROM chatmig_validate('exact') WHERE status IN ('warning', 'violation');

--
-- Statistics
--
-- After the first run each table has them: from a small sample, with 10 ranges of
-- times, where most rows are new, as autovacuum takes a larger one soon; or else
-- from one of the default size, with 100.
CREATE TABLE much (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
INSERT INTO much SELECT i, i % 50, 'q', 'a', timestamptz '2024-05-01 10:00:00Z' + i * interval '1 hour'
FROM generate_series(1, 600) AS i;
CREATE FUNCTION ranges(application text, target jsonb) RETURNS TABLE (messages text, ranges int)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE application;
    PERFORM chatmig_register('much', target => target);
    PERFORM chatmig_migrate('much');
    RETURN QUERY SELECT tablename::text, array_length(histogram_bounds::text::text[], 1) - 1
        FROM pg_stats WHERE schemaname = 'regress_targets_rows' AND attname = 'created_at'
        AND tablename = target ->> 'messages' AND NOT inherited
            = (SELECT relkind = 'r' FROM pg_class WHERE oid = (target ->> 'messages')::regclass);
    PERFORM chatmig_rollback('much');
    PERFORM chatmig_unregister('much');
END
$$;
SELECT * FROM ranges('', '{"conversations": "much_c", "messages": "much_new"}');
-- Tables of an application: empty; with fewer rows; with more; in partitions, which
-- autovacuum does not look at as one.
SELECT * FROM ranges('CREATE TABLE app_c (id uuid PRIMARY KEY, user_id int);
    CREATE TABLE empty_m (id uuid PRIMARY KEY, conversation_id uuid, role text, content text, created_at timestamptz);
    ANALYZE empty_m', '{"conversations": "app_c", "messages": "empty_m"}');
SELECT * FROM ranges('CREATE TABLE some_m (LIKE empty_m INCLUDING ALL);
    INSERT INTO some_m SELECT gen_random_uuid(), gen_random_uuid(), ''user'', ''x'', now() + i * interval ''1 s''
    FROM generate_series(1, 1199) AS i; ANALYZE some_m',
    '{"conversations": "app_c", "messages": "some_m"}');
SELECT * FROM ranges('CREATE TABLE many_m (LIKE empty_m INCLUDING ALL);
    INSERT INTO many_m SELECT gen_random_uuid(), gen_random_uuid(), ''user'', ''x'', now() + i * interval ''1 s''
    FROM generate_series(1, 1200) AS i; ANALYZE many_m',
    '{"conversations": "app_c", "messages": "many_m"}');
SELECT * FROM ranges('CREATE TABLE parts_m (LIKE empty_m) PARTITION BY HASH (id);
    CREATE TABLE parts_m_0 PARTITION OF parts_m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE parts_m_1 PARTITION OF parts_m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    ALTER TABLE parts_m ADD PRIMARY KEY (id)',
    '{"conversations": "app_c", "messages": "parts_m"}');

DROP EXTENSION chatmig CASCADE;
DROP SCHEMA regress_targets_rows CASCADE;
