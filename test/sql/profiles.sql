--
-- profiles: a mapping, a target and options under a name, and what only they
-- made necessary: columns to keep, constant metadata, titles for nobody
--
CREATE SCHEMA regress_profiles;
SET search_path = regress_profiles;
SET TimeZone = 'UTC';
CREATE EXTENSION chatmig;
\pset null NULL

CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2);
CREATE VIEW registered AS
SELECT name, profile, mapping, target, options FROM chatmig_migration;
-- Registers a table under a name of its own, into tables of its own.
CREATE FUNCTION register(name text, source regclass, profile text,
                         mapping jsonb DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT chatmig_register(source, mapping,
        jsonb_build_object('conversations', name || '_c', 'messages', name || '_m'),
        options, profile, name);
END;

--
-- The table
--
-- The built-in ones; nothing in them is SQL NULL.
SELECT name, mapping, target, options FROM chatmig_profile
WHERE builtin ORDER BY name COLLATE "C";
SELECT count(*) AS profiles, count(*) FILTER (WHERE length(description) > 20) AS described
FROM chatmig_profile;

-- Everybody may read them, and nobody but the owner write them, unless granted.
CREATE ROLE regress_chatmig_author;
GRANT USAGE, CREATE ON SCHEMA regress_profiles TO regress_chatmig_author;
SET ROLE regress_chatmig_author;
SELECT count(*) FROM chatmig_profile;
INSERT INTO chatmig_profile (name, description) VALUES ('hers', 'Her own');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT INSERT ON chatmig_profile TO regress_chatmig_author;
SET ROLE regress_chatmig_author;
-- What is left out is an empty object, and no profile is built in by accident.
INSERT INTO chatmig_profile (name, description) VALUES ('hers', 'Her own')
RETURNING *;
DELETE FROM chatmig_profile WHERE name = 'hers';
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Names are unique; the three are objects; a description is needed.
INSERT INTO chatmig_profile (name, description) VALUES ('lyra', 'Another');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
INSERT INTO chatmig_profile (name, description, mapping) VALUES ('a', 'b', '[]');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO chatmig_profile (name, description, target) VALUES ('a', 'b', '"c"');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO chatmig_profile (name, description, options) VALUES ('a', 'b', 'null');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO chatmig_profile (name) VALUES ('a');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO chatmig_profile (name, description, target) VALUES ('a', 'b', NULL);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

--
-- One profile, several tables
--
-- A profile's roles are for a column that can hold them. Where the role is a
-- boolean, or a number, they are left out, and its name says what it means.
CREATE TABLE spoken (id int PRIMARY KEY, user_id int, text text, sender varchar(10));
CREATE TABLE flagged (id int PRIMARY KEY, user_id int, message text, is_user boolean);
CREATE TABLE counted (id int PRIMARY KEY, user_id int, message text, is_user smallint);
CREATE TYPE speaker AS ENUM ('user', 'northstar');
CREATE TABLE labelled (id int PRIMARY KEY, user_id int, text text, sender speaker);
SELECT register('spoken', 'spoken', 'lyra');
SELECT register('flagged', 'flagged', 'lyra');
SELECT register('counted', 'counted', 'lyra');
SELECT register('labelled', 'labelled', 'lyra');
SELECT name, profile, mapping ->> 'role' AS role, mapping -> 'roles' AS roles
FROM registered ORDER BY name COLLATE "C";

-- The rows of each come through, with the bot's messages as the assistant's.
INSERT INTO spoken VALUES (1, 1, 'hi', 'user'), (2, 1, 'ho', 'lyra'),
    (3, 1, 'he', 'northstar');
INSERT INTO flagged VALUES (1, 1, 'hi', true), (2, 1, 'ho', false);
INSERT INTO counted VALUES (1, 1, 'hi', 1), (2, 1, 'ho', 0);
INSERT INTO labelled VALUES (1, 1, 'hi', 'user'), (2, 1, 'ho', 'northstar');
SELECT migration, migrated, rejected, messages FROM chatmig_migrate()
ORDER BY migration COLLATE "C";
SELECT 'spoken' AS of, role, content, metadata FROM spoken_m
UNION ALL SELECT 'flagged', role, content, metadata FROM flagged_m
UNION ALL SELECT 'counted', role, content, metadata FROM counted_m
UNION ALL SELECT 'labelled', role, content, metadata FROM labelled_m
ORDER BY 1, 3;
SELECT migration, check_name, detail FROM chatmig_validate() WHERE status <> 'ok';

-- Of a profile for both, each column gets what it can hold. A column whose name
-- does not say of whom it speaks has the profile to say it.
INSERT INTO chatmig_profile (name, description, mapping) VALUES
('flags', 'Whoever spoke', '{"shape": "flat", "role": "flag", "content": "message",
  "roles": {"bot": "assistant", "0": "user", "-1": "system", "true": "assistant",
            "false": "user", "+1": "tool", "-": "tool", "": "tool"}}');
CREATE TABLE flag_b (id int PRIMARY KEY, message text, flag boolean);
CREATE TABLE flag_i (id int PRIMARY KEY, message text, flag bigint);
SELECT register('flag_b', 'flag_b', 'flags');
SELECT register('flag_i', 'flag_i', 'flags');
SELECT name, mapping -> 'roles' AS roles FROM registered
WHERE name LIKE 'flag\__' ORDER BY name;

-- What the user says is the user's: it is not left out.
SELECT register('flagged_own', 'flagged', 'lyra', '{"roles": {"lyra": "assistant"}}');
SELECT mapping -> 'roles' AS roles FROM registered WHERE name = 'flagged_own';
-- Roles are of no use where the user says that it is another shape.
CREATE TABLE both_shapes (id int PRIMARY KEY, sender text, text text, question text,
                          answer text);
SELECT register('pairs', 'both_shapes', 'lyra', '{"shape": "pair"}');
SELECT register('flat', 'both_shapes', 'lyra');
SELECT name, mapping FROM registered WHERE name IN ('pairs', 'flat') ORDER BY name;

--
-- Key by key, what the user says stands
--
INSERT INTO chatmig_profile VALUES
('house', 'Our own',
 '{"shape": "pair", "key": ["id"], "owner": "user_id", "session": null,
   "question": "q", "answer": "a", "keep": ["mood"]}',
 '{"trace": "house_steps"}',
 '{"title": "House", "idle_gap": "1 hour", "max_rejects": 7,
   "metadata": {"house": true}}');
CREATE TABLE house (id int PRIMARY KEY, n int UNIQUE NOT NULL, user_id int, other int,
                    session_id int, q text, a text, sent_at timestamptz, mood text, tone text);
-- The profile alone: what it does not name is detected, and what it has null
-- for is no column.
SELECT chatmig_register('house', profile => 'house', name => 'plain');
-- Any key can be another, and a list is replaced whole; null is none: no owner,
-- no title, no gap; and the default, where there is one.
SELECT chatmig_register('house',
    '{"owner": null, "key": "n", "session": "session_id", "keep": null}',
    '{"conversations": "h_c", "messages": "h_m", "trace": null}',
    '{"title": null, "idle_gap": null, "max_rejects": null, "metadata": null,
      "description": "of {session}"}',
    'house', 'other');
SELECT * FROM registered WHERE name IN ('plain', 'other') ORDER BY name DESC;
INSERT INTO house VALUES (1, 9, 1, 2, 3, 'hi', 'ho', '2024-01-01', 'fine', 'low'),
    (2, 8, 1, 2, 3, 'hi', 'ho', '2024-01-02', 'fine', 'low');
-- Two conversations for the gap of an hour, with the title, and only "mood".
SELECT conversations, messages FROM chatmig_migrate('plain');
SELECT user_id, title, description FROM conversations ORDER BY created_at;
SELECT DISTINCT metadata FROM messages;
-- One conversation of nobody, without a title; all that plays no part is kept.
SELECT conversations, messages FROM chatmig_migrate('other');
SELECT title, description, metadata FROM h_c;
SELECT DISTINCT metadata FROM h_m;
SELECT key_1 FROM other_trace ORDER BY 1;
SELECT migration, check_name, detail FROM chatmig_validate()
WHERE migration IN ('plain', 'other') AND status <> 'ok';
-- What is no object is refused, profile or not (22023).
SELECT chatmig_register('house', '[]', profile => 'house', name => 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('spoken', '["roles"]', profile => 'lyra', name => 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('spoken', 'null', profile => 'lyra', name => 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('house', target => '"t"', profile => 'house', name => 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('house', options => 'null', profile => 'house', name => 'x');
\echo :LAST_ERROR_SQLSTATE

--
-- What a table does not have
--
INSERT INTO chatmig_profile VALUES
('elsewhere', 'For another table',
 '{"key": ["id", "part"], "owner": "uid", "session": "room", "media": "photo",
   "media_type": "q", "question": "q", "answer": "a", "keep": ["mood", "weather", "tone"]}',
 '{"links": [{"table": "games", "owner": "user_id", "conversation": "c"}]}');
-- Columns are detected instead, and named; columns to keep that there are not
-- are left out; without the medium, no column is its type; no game, no link.
SELECT register('elsewhere', 'house', 'elsewhere');
SELECT mapping, target FROM registered WHERE name = 'elsewhere';
-- A link's table is looked for where the target is.
SELECT chatmig_register('house', target => '{"schema": "nowhere"}',
                        profile => 'elsewhere', name => 'x');
\echo :LAST_ERROR_SQLSTATE
-- What the user names must be there (42703), and ends the profile's say in it.
SELECT register('x', 'house', 'elsewhere',
                '{"key": "id", "owner": "uid", "session": null, "media": null,
                  "media_type": null, "keep": []}');
\echo :LAST_ERROR_SQLSTATE

--
-- Refused
--
-- Of profiles that there are not, the others are named (42704).
SELECT chatmig_register('house', profile => 'House', name => 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('house', profile => '', name => 'x');
\echo :LAST_ERROR_SQLSTATE
-- What is wrong in a profile is said to be the profile's.
INSERT INTO chatmig_profile VALUES
('wrong key', 'Misspelt', '{"qestion": "q"}', '{}', '{}'),
('wrong role', 'No such role', '{"roles": {"lyra": "bot"}}', '{}', '{}'),
('wrong roles', 'No object', '{"roles": ["lyra"]}', '{}', '{}'),
('wrong option', 'Misspelt', '{}', '{}', '{"titel": "x"}'),
('wrong type', 'A number', '{"owner": 1}', '{}', '{}'),
('wrong keep', 'An object', '{"keep": {}}', '{}', '{}');
SELECT register('x', 'spoken', 'wrong key');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'spoken', 'wrong role');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'spoken', 'wrong roles');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'house', 'wrong option');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'house', 'wrong type', '{"question": "q", "answer": "a"}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'house', 'wrong keep');
\echo :LAST_ERROR_SQLSTATE
-- Later errors are not.
SELECT chatmig_register('nothing');
-- None of it has left anything.
SELECT count(*) FROM chatmig_migration WHERE name = 'x';

--
-- Registering again
--
-- The same again writes nothing; without the profile it is another
-- registration, until it is migrated.
CREATE FUNCTION stands(migration text) RETURNS text LANGUAGE sql
RETURN (SELECT m.xmin::text FROM chatmig_migration AS m WHERE m.name = migration);
SELECT register('again', 'spoken', 'lyra');
SELECT stands('again') AS before \gset
SELECT register('again', 'spoken', 'lyra');
SELECT stands('again') = :'before' AS is_the_same;
SELECT register('again', 'spoken', NULL);
SELECT profile, mapping -> 'roles' AS roles FROM registered WHERE name = 'again';
-- What the profile says and what the user says are the same, but not whose it is.
SELECT register('again', 'spoken', NULL,
                '{"roles": {"lyra": "assistant", "northstar": "assistant"}}');
SELECT register('again', 'spoken', 'lyra');
SELECT profile FROM registered WHERE name = 'again';
SELECT migrated FROM chatmig_migrate('again');
-- After that, with it, without it, and with another that says the same.
INSERT INTO chatmig_profile
SELECT 'lyra too', description, mapping FROM chatmig_profile WHERE name = 'lyra';
SELECT stands('again') AS before \gset
SELECT register('again', 'spoken', 'lyra');
SELECT register('again', 'spoken', NULL);
SELECT chatmig_register('spoken', name => 'again', profile => 'lyra too');
SELECT stands('again') = :'before' AS is_the_same;
-- A role that was unknown can be added: it joins those of the profile.
SELECT register('again', 'spoken', 'lyra', '{"roles": {"echo": "tool"}}');
SELECT profile, mapping -> 'roles' AS roles FROM registered WHERE name = 'again';
-- A profile that says something else is refused (55000), and so is its own
-- when it has changed.
SELECT register('again', 'spoken', 'flags');
\echo :LAST_ERROR_SQLSTATE
UPDATE chatmig_profile SET options = '{"title": "Lyra"}' WHERE name = 'lyra';
SELECT register('again', 'spoken', 'lyra');
\echo :LAST_ERROR_SQLSTATE
UPDATE chatmig_profile SET options = '{}' WHERE name = 'lyra';
-- Nor does it matter what is left out each time: flagged has no spellings of
-- lyra's, "plain" was given null for its session.
SELECT register('flagged', 'flagged', 'lyra');
SELECT chatmig_register('house', profile => 'house', name => 'plain');
SELECT name, mapping -> 'roles' AS roles, mapping -> 'session' AS session
FROM registered WHERE name IN ('flagged', 'plain') ORDER BY name;
-- A profile that is gone leaves what was registered as it is.
DELETE FROM chatmig_profile WHERE name = 'house';
SELECT already, migrated FROM chatmig_migrate('plain');
SELECT count(*) FROM chatmig_validate('plain') WHERE status <> 'ok';

--
-- keep: these columns, and no others
--
CREATE TABLE kept (id int PRIMARY KEY, user_id int, sender text, text text,
    at timestamptz, extra jsonb, mood text, "Tone ""x""" text, secret text);
INSERT INTO kept VALUES
(1, 1, 'lyra', 'a', '2024-01-01', '{"k": 1}', 'fine', 'low', 'pst'),
(2, 1, 'user', 'b', NULL, '{"mood": 2}', NULL, NULL, 'pst'),
(3, 1, 'user', 'c', '2024-01-03', NULL, NULL, NULL, NULL);
-- Three are named, the role and the key among them; three are left behind.
SELECT register('three', 'kept', 'lyra',
    '{"metadata": null, "time": "at", "keep": ["mood", "sender", "id"]}');
SELECT mapping -> 'keep' AS keep FROM registered WHERE name = 'three';
SELECT action, rows, note FROM chatmig_plan('three')
WHERE object LIKE '%.kept' ORDER BY step;
-- One may be named without an array; all, so that nothing is left; none at all.
SELECT register('one', 'kept', 'lyra',
    '{"metadata": "extra", "time": "at", "keep": "Tone \"x\""}');
SELECT register('every', 'kept', 'lyra', '{"metadata": "extra", "time": "at",
    "keep": ["id", "user_id", "sender", "text", "at", "extra", "mood",
             "Tone \"x\"", "secret"]}');
SELECT register('none', 'kept', 'lyra',
    '{"metadata": null, "time": "at", "keep": []}');
SELECT mapping -> 'keep' AS keep FROM registered
WHERE name IN ('one', 'every', 'none') ORDER BY name;
SELECT migration, note FROM unnest('{every,none,one}'::text[]) AS n,
    LATERAL chatmig_plan(n) WHERE action = 'leave behind';
SELECT migration, migrated FROM unnest('{every,none,one,three}'::text[]) AS n,
    LATERAL chatmig_migrate(n);
-- The first: mood, sender and id alone, and the mark of a missing time.
SELECT content, metadata FROM three_m ORDER BY position;
-- The second: the tone joins the object; where none is named mood, nothing does.
SELECT content, metadata FROM one_m ORDER BY position;
-- The third: all columns, the object's too, and beside them what is in the
-- object, unless a name of it is taken.
SELECT content, metadata FROM every_m ORDER BY position;
-- The last: the role's spelling, as ever where roles had to say what it means.
SELECT content, metadata FROM none_m ORDER BY position;
SELECT migration, check_name, detail FROM unnest('{every,none,one,three}'::text[]) AS n,
    LATERAL chatmig_validate(n) WHERE status NOT IN ('ok', 'info');
-- The checks find where what is kept is gone, or another.
UPDATE three_m SET metadata = metadata - 'mood' WHERE content = 'a';
UPDATE every_m SET metadata = jsonb_set(metadata, '{text}', '"B"') WHERE content = 'b';
SELECT migration, check_name, status, violations, detail
FROM unnest('{every,three}'::text[]) AS n, LATERAL chatmig_validate(n)
WHERE status NOT IN ('ok', 'info');
-- The same again is the same, and anything else refused.
SELECT register('one', 'kept', 'lyra',
    '{"metadata": "extra", "time": "at", "keep": "Tone \"x\""}');
SELECT register('one', 'kept', 'lyra', '{"keep": ["Tone \"x\"", "mood"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('one', 'kept', 'lyra', '{"keep": null}');
\echo :LAST_ERROR_SQLSTATE
-- Names that are no columns (42703), or twice, or no names (22023).
SELECT register('x', 'kept', 'lyra', '{"keep": ["mood", "Mood"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', '{"keep": ["mood", "mood"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', '{"keep": [1]}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', '{"keep": {"mood": true}}');
\echo :LAST_ERROR_SQLSTATE

--
-- Constant metadata
--
-- In each message, with or without anything else in it; any JSON, any name.
SELECT register('stamped', 'kept', 'lyra',
    '{"metadata": "extra", "time": "at", "keep": ["mood"]}',
    '{"metadata": {"k": {"deep": [1.0, null]}, "O''Hara \\ \"q\" {x} %s": "ä", "n": null}}');
SELECT register('bare', 'kept', 'lyra', '{"metadata": null, "time": null, "keep": []}',
    '{"metadata": {"migrated": true}}');
SELECT register('empty', 'kept', 'lyra', '{"metadata": null, "time": null, "keep": []}',
    '{"metadata": {}}');
SELECT migration, migrated FROM unnest('{bare,empty,stamped}'::text[]) AS n,
    LATERAL chatmig_migrate(n);
-- The objects of the first and the second row have names that are taken, and
-- stay whole.
SELECT content, metadata FROM stamped_m ORDER BY position;
SELECT content, metadata FROM bare_m ORDER BY position;
SELECT content, metadata FROM empty_m ORDER BY position;
SELECT migration, check_name, detail FROM unnest('{bare,empty,stamped}'::text[]) AS n,
    LATERAL chatmig_validate(n) WHERE status NOT IN ('ok', 'info');
-- The checks find where it is another, gone, or gone where it was null.
UPDATE bare_m SET metadata = NULL WHERE content = 'c';
UPDATE stamped_m SET metadata = jsonb_set(metadata, '{k,deep,0}', '2') WHERE content = 'a';
UPDATE stamped_m SET metadata = metadata - 'n' WHERE content = 'c';
SELECT migration, check_name, status, violations, detail
FROM unnest('{bare,stamped}'::text[]) AS n, LATERAL chatmig_validate(n)
WHERE status NOT IN ('ok', 'info');
SELECT legacy_key, detail FROM chatmig_violations('stamped', 'message_metadata');
-- Others in the metadata are no fault.
UPDATE bare_m SET metadata = '{"seen": 1, "migrated": true}' WHERE content = 'c';
SELECT count(*) FROM chatmig_validate('bare') WHERE status NOT IN ('ok', 'info');
-- It must be an object (22023).
SELECT register('x', 'kept', 'lyra', NULL, '{"metadata": ["migrated"]}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', NULL, '{"metadata": "migrated"}');
\echo :LAST_ERROR_SQLSTATE
-- A name for which there is something else is refused: a kept column, the role
-- as it was spelled, the mapped metadata, the mark of a missing time (22023).
SELECT register('x', 'kept', 'lyra', NULL, '{"metadata": {"a": 1, "mood": 2}}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', NULL, '{"metadata": {"sender": 1}}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', '{"metadata": "extra"}', '{"metadata": {"extra": 1}}');
\echo :LAST_ERROR_SQLSTATE
SELECT register('x', 'kept', 'lyra', NULL, '{"metadata": {"chatmig_time_missing": false}}');
\echo :LAST_ERROR_SQLSTATE
-- With the column left behind, or the role not spelled, the name is free.
SELECT register('free', 'kept', NULL, '{"keep": []}', '{"metadata": {"mood": 2, "sender": 1}}');

--
-- A title where there is nobody to name
--
CREATE TABLE taught (id int PRIMARY KEY, user_id int, mentor_id int, role text,
                     content text, at timestamptz);
INSERT INTO taught VALUES (1, 1, 7, 'user', 'hi', '2024-01-01'),
    (2, 1, NULL, 'user', 'who?', '2024-01-02');
SELECT register('taught', 'taught', NULL, NULL, '{"title": "Chat with {counterpart}",
    "title_without_counterpart": "General Chat of {owner}"}');
SELECT register('untitled', 'taught', NULL, NULL, '{"title_without_counterpart": null}');
SELECT register('same', 'taught', NULL, NULL, '{"title": "Chat"}');
-- No counterpart is mapped: there is none in any row.
SELECT register('nobody', 'taught', NULL, '{"counterpart": null}',
    '{"title": "Chat with {counterpart}", "title_without_counterpart": "Chat"}');
SELECT migration, conversations FROM unnest('{taught,untitled,same,nobody}'::text[]) AS n,
    LATERAL chatmig_migrate(n);
SELECT mentor_id, title FROM taught_c ORDER BY created_at;
SELECT mentor_id, title FROM untitled_c ORDER BY created_at;
SELECT mentor_id, title FROM same_c ORDER BY created_at;
SELECT title FROM nobody_c;
-- It is a template like the others (22023).
SELECT register('x', 'taught', NULL, NULL, '{"title_without_counterpart": "{nobody}"}');
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA regress_profiles CASCADE;
DROP ROLE regress_chatmig_author;
