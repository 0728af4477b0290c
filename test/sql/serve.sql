--
-- serve: conversations in SQL, on whatever tables a migration filled
--
CREATE SCHEMA regress_serve;
SET search_path = regress_serve;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
CREATE EXTENSION chatmig;
\pset null NULL

\getenv here PG_ABS_SRCDIR
\set lines :here '/sql/include/serve.inc'
\i :lines

--
-- The default target, with uuids
--
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 9);
CREATE TABLE talks (
    id int PRIMARY KEY, user_id int REFERENCES users, mentor_id int,
    role text NOT NULL, content text, model text, tokens int,
    media_url text, media_type text, created_at timestamptz);
INSERT INTO talks VALUES
    (1, 1, NULL, 'user', 'q1', NULL, NULL, NULL, NULL, '2024-05-01 10:00Z'),
    (2, 1, NULL, 'assistant', 'a1', 'm1', 7, NULL, NULL, '2024-05-01 10:01Z'),
    (3, 1, 5, 'user', 'look', NULL, NULL, 'http://example.org/cat', 'image/png',
     '2024-05-02 10:00Z'),
    (4, 2, NULL, 'user', 'q2', NULL, NULL, NULL, NULL, '2024-05-03 10:00Z'),
    (5, 3, NULL, 'user', 'long ago', NULL, NULL, NULL, NULL, NULL);

-- Before there is a migration, and before it has been run: 55000.
SELECT chatmig_active_conversation('1');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_register('talks', '{"counterpart": "mentor_id",
    "media": "media_url", "media_type": "media_type"}');
SELECT chatmig_append('x', 'user', 'hello', migration => 'talks');
\echo :LAST_ERROR_SQLSTATE
SELECT migrated, conversations, messages, media FROM chatmig_migrate();
-- One that does not exist: 42704.
SELECT chatmig_active_conversation('1', migration => 'nothing');
\echo :LAST_ERROR_SQLSTATE

-- Lists: two of user 1's, the latest first; one of them with counterpart 5;
-- none is archived.
SELECT list('1');
SELECT list('1', '5');
SELECT list('1', active => false);
-- Pages: one row each, and nothing behind the last one.
SELECT conversation AS mentor FROM chatmig_conversations('1', max_rows => 1) \gset
SELECT list('1', max_rows => 1, before => :'mentor');
SELECT conversation AS plain
FROM chatmig_conversations('1', max_rows => 1, before => :'mentor') \gset
SELECT count(*) FROM chatmig_conversations('1', before => :'plain');
-- All owners'; the one without a time is the last, and pages go on to it.
SELECT list(NULL);
SELECT conversation AS third FROM chatmig_conversations(max_rows => 3)
ORDER BY updated_at LIMIT 1 \gset
SELECT list(NULL, before => :'third');
SELECT conversation AS timeless FROM chatmig_conversations('3') \gset
SELECT count(*) FROM chatmig_conversations(before => :'timeless');

-- The active one is the latest with nobody; with 5, it is another one; of one
-- that has no time, still that one.
SELECT chatmig_active_conversation('1') = :'plain' AS same;
SELECT chatmig_active_conversation('1', '5') = :'mentor' AS same;
SELECT chatmig_active_conversation('3') = :'timeless' AS same;

-- The migrated history, and what is added: positions go on, updated_at moves
-- to the last message's time; the bot may speak twice; every argument is kept.
SELECT talk(:'plain');
SELECT talk(:'mentor');
SELECT chatmig_append(:'plain', 'assistant', 'Are you there?') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'assistant', 'Hello?', model => 'm2',
    tokens => 3, metadata => '{"mood": "kind"}') AS hello \gset
SELECT chatmig_append(:'plain', 'user', 'Yes.', reply_to => :'hello') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'system', '') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'tool', NULL) IS NOT NULL AS added;
SELECT talk(:'plain');
SELECT c.updated_at = h.created_at AS moved
FROM conversations AS c, chatmig_history(:'plain', 1) AS h WHERE id = :'plain';
-- It is the latest now.
SELECT list('1', max_rows => 1);
-- Never back: one that is ahead of the clock stays there.
UPDATE conversations SET updated_at = '2200-01-01Z' WHERE id = :'mentor';
SELECT chatmig_append(:'mentor', 'assistant', 'A cat!') IS NOT NULL AS added;
SELECT updated_at FROM conversations WHERE id = :'mentor';
SELECT talk(:'mentor');
UPDATE conversations SET updated_at = now() WHERE id = :'mentor';

-- Pages of the history: the last two, the two before them, and so on.
SELECT talk(:'plain', max_messages => 2);
SELECT talk(:'plain', max_messages => 2, before => 5);
SELECT talk(:'plain', max_messages => 2, before => 1);
SELECT talk(:'plain', before => 0);
SELECT count(*) FROM chatmig_history(:'plain', NULL);
SELECT count(*) FROM chatmig_history(:'plain', 0);
SELECT chatmig_message_count(:'plain');

-- A pair: the model with both, tokens with the answer, which replies.
SELECT question_message <> answer_message AS two
FROM chatmig_append_pair(:'mentor', 'And now?', 'A dog.', model => 'm3',
                         tokens => 9, metadata => '{"k": 1}');
SELECT talk(:'mentor', max_messages => 2);
SELECT q.created_at < a.created_at AS later, a.created_at = c.updated_at AS moved
FROM chatmig_history(:'mentor') AS q, chatmig_history(:'mentor') AS a,
     conversations AS c
WHERE q.content = 'And now?' AND a.content = 'A dog.' AND c.id = :'mentor';

-- Pairs again, for old readers: nothing is overwritten. Two answers in a row
-- are two rows, and what system and tools say does not come between.
SELECT pairs(NULL, :'plain');
SELECT pairs('1');
SELECT chatmig_append(:'plain', 'user', 'One more?') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'tool', 'looking') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'assistant', 'One more.') IS NOT NULL AS added;
SELECT pairs(NULL, :'plain');

-- Media: a new one is sent, and shown with the message.
SELECT chatmig_create_media('1', 'http://example.org/dog', 'image/png',
                            'A dog.', '{"size": 9}') AS dog \gset
SELECT user_id, url, type, summary, metadata FROM media WHERE id = :'dog';
SELECT chatmig_append(:'mentor', 'user', NULL, media => :'dog') IS NOT NULL AS added;
SELECT talk(:'mentor', max_messages => 1);
-- Of another owner, or not there: 23503.
SELECT chatmig_create_media('2', 'http://example.org/cow') AS cow \gset
\set VERBOSITY sqlstate
SELECT chatmig_append(:'mentor', 'user', NULL, media => :'cow');
\set VERBOSITY default
SELECT chatmig_append(:'mentor', 'user', NULL,
                      media => '00000000-0000-0000-0000-000000000000');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
-- Without a URL: 22004.
SELECT chatmig_create_media('1', NULL);
\echo :LAST_ERROR_SQLSTATE

-- New ones: get or create gives the same again; with a counterpart another;
-- after archiving a new one; after being idle a new one.
SELECT chatmig_active_conversation('4') AS first \gset
SELECT chatmig_active_conversation('4') = :'first' AS same;
SELECT chatmig_active_conversation('4', idle => '1 hour') = :'first' AS same;
SELECT chatmig_active_conversation('4', '5') = :'first' AS same;
SELECT chatmig_archive_conversation(:'first') AS archived,
       chatmig_archive_conversation(:'first') AS again;
SELECT chatmig_active_conversation('4') AS second \gset
SELECT :'second' = :'first' AS same;
UPDATE conversations SET updated_at = now() - interval '2 hours'
WHERE id = :'second';
SELECT chatmig_active_conversation('4') = :'second' AS same;
SELECT chatmig_active_conversation('4', idle => '1 hour') AS third \gset
SELECT :'third' = :'second' AS same;
SELECT chatmig_active_conversation('4') = :'third' AS same;
SELECT list('4', active => NULL);
SELECT list('4', active => false);
-- Title and metadata, if one wants them.
SELECT chatmig_create_conversation('5', '7', 'Holidays', '{"from": "app"}') AS trip \gset
SELECT list('5');
SELECT chatmig_rename_conversation(:'trip', 'Greece');
SELECT list('5');
-- An owner must be said, and exist.
SELECT chatmig_active_conversation(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_active_conversation('99');
\echo :LAST_ERROR_SQLSTATE
-- Guests may be nobody where the table allows it.
SELECT chatmig_create_conversation() IS NOT NULL AS created;

--
-- What is refused, with the whole message
--
\set VERBOSITY default
-- 55000: archived. Opened again, it takes messages.
DO $$ BEGIN
    PERFORM chatmig_append((SELECT conversation FROM chatmig_conversations(
        '4', active => false)), 'user', 'hello');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RAISE NOTICE '% %', SQLSTATE, regexp_replace(SQLERRM, '[0-9a-f-]{36}', 'ID');
END $$;
SELECT chatmig_unarchive_conversation(:'first') AS opened,
       chatmig_unarchive_conversation(:'first') AS again;
SELECT chatmig_append(:'first', 'user', 'hello') IS NOT NULL AS added;
-- 22023: a role that is none.
SELECT chatmig_append(:'plain', 'bot', 'hello');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_append(:'plain', NULL, 'hello');
\echo :LAST_ERROR_SQLSTATE
-- 22P02: what is no id, or no owner.
SELECT chatmig_append('42', 'user', 'hello');
\echo :LAST_ERROR_SQLSTATE
SELECT chatmig_active_conversation('me');
\echo :LAST_ERROR_SQLSTATE
-- P0002: a conversation that is not there, for each function that takes one.
\set none '00000000-0000-0000-0000-000000000000'
SELECT chatmig_append(:'none', 'user', 'hello');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT * FROM chatmig_append_pair(:'none', 'q', 'a');
SELECT * FROM chatmig_history(:'none');
SELECT * FROM chatmig_pairs(conversation => :'none');
SELECT * FROM chatmig_conversations(before => :'none');
SELECT chatmig_message_count(:'none');
SELECT chatmig_rename_conversation(:'none', 'x');
SELECT chatmig_archive_conversation(:'none');
SELECT chatmig_unarchive_conversation(:'none');
SELECT chatmig_delete_conversation(:'none');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
-- P0002: one of another owner.
SELECT chatmig_append(:'plain', 'user', 'hello', owner => '1') IS NOT NULL AS added;
SELECT chatmig_append(:'plain', 'user', 'hello', owner => '2');
-- 23503: replies to what is not there, or in another conversation.
SELECT chatmig_append(:'plain', 'user', 'hello', reply_to => :'none');
SELECT chatmig_append(:'mentor', 'user', 'hello', reply_to => :'hello');
-- 23502: a message that stands alone, where none may.
SELECT chatmig_append(NULL, 'user', 'hello');
-- 22023: neither owner nor conversation, or both; numbers below zero.
SELECT * FROM chatmig_pairs();
SELECT * FROM chatmig_pairs('1', :'plain');
SELECT * FROM chatmig_history(:'plain', -1);
SELECT * FROM chatmig_conversations('1', max_rows => -1);
SELECT * FROM chatmig_cleanup('0 days');
SELECT * FROM chatmig_cleanup('-1 days');
SELECT chatmig_active_conversation('1', idle => '-1 days');
-- 22004: what must not be NULL.
SELECT * FROM chatmig_cleanup(NULL);
SELECT * FROM chatmig_reset(NULL);
SELECT * FROM chatmig_history(NULL);
SELECT chatmig_delete_conversation(NULL);
\set VERBOSITY default
-- A call that fails leaves nothing behind, its settings included: a pair whose
-- answer does not fit has no question either.
BEGIN;
SAVEPOINT here;
SELECT chatmig_append_pair(:'plain', 'half', 'half', tokens => 3000000000);
ROLLBACK TO here;
SHOW search_path;
SELECT count(*) FROM chatmig_history(:'plain') WHERE content = 'half';
COMMIT;

--
-- Totals that add up
--
SELECT conversations, active_conversations AS active,
       archived_conversations AS archived, with_counterpart AS "with",
       without_counterpart AS without, messages, user_messages AS users,
       assistant_messages AS assistants, system_messages AS system,
       tool_messages AS tool, other_messages AS other,
       conversation_messages AS inside, active_conversation_messages AS open,
       standalone_messages AS alone, media,
       first_activity::date AS first, last_activity > now() - interval '1 hour' AS now
FROM chatmig_statistics('1');
SELECT conversations = (SELECT count(*) FROM conversations) AS conversations,
       conversations = active_conversations + archived_conversations
       AND conversations = with_counterpart + without_counterpart AS add_up,
       messages = (SELECT count(*) FROM messages) AS messages,
       messages = user_messages + assistant_messages + system_messages
                  + tool_messages + other_messages
       AND messages = conversation_messages + standalone_messages AS add_up,
       media = (SELECT count(*) FROM media) AS media
FROM chatmig_statistics();
-- Of somebody without anything: zeros, and no time.
SELECT conversations, messages, media, first_activity FROM chatmig_statistics('9');

-- After all this, validate has nothing to say.
SELECT check_name, status, detail FROM chatmig_validate() WHERE status <> 'ok';
-- Nor has another run of the migration.
SELECT already, migrated, conversations, messages FROM chatmig_migrate();

-- What only reads works in a read-only transaction; what writes does not: 25006.
BEGIN READ ONLY;
SELECT count(*) FROM chatmig_history(:'plain');
SELECT count(*) FROM chatmig_conversations('1');
SELECT messages FROM chatmig_statistics('1');
\set VERBOSITY sqlstate
SELECT chatmig_append(:'plain', 'user', 'x');
\set VERBOSITY default
ROLLBACK;

--
-- Deleting
--
-- A conversation with its one message; a second time, it is not there.
SELECT chatmig_delete_conversation(:'first') AS messages;
\set VERBOSITY sqlstate
SELECT chatmig_delete_conversation(:'first') AS messages;
\set VERBOSITY default
-- Old ones: of users 4 (two hours) and 2; not the one without a time. A dry run
-- says the same and deletes nothing.
SELECT * FROM chatmig_cleanup('1 hour', dry_run => true);
SELECT count(*) FROM conversations WHERE id = :'second';
SELECT * FROM chatmig_cleanup('1 hour');
SELECT count(*) FROM conversations WHERE id = :'second';
SELECT * FROM chatmig_cleanup('1 hour');
-- All of user 1's; the media stay, and so do the others'.
SELECT * FROM chatmig_reset('1');
SELECT conversations, messages, media FROM chatmig_statistics('1');
SELECT * FROM chatmig_reset('1');
SELECT list(NULL);

SET client_min_messages = warning;
DROP SCHEMA regress_serve CASCADE;
