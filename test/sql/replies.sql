--
-- Replies: a legacy row that names another one
--
CREATE EXTENSION chatmig;
CREATE SCHEMA regress_replies;
SET search_path = regress_replies, public;
SET client_min_messages = warning;
\pset null NULL

-- Who answers whom, in order.
CREATE FUNCTION replies(messages regclass)
RETURNS TABLE (content text, answers text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT m.content, q.content FROM %s AS m
         LEFT JOIN %s AS q ON q.id = m.reply_to_id ORDER BY m.position',
        messages, messages);
END
$$;

-- A chain, a row that answers a later one (3 -> 4), one that is empty (6 -> 5),
-- itself (7), one whose role nobody knows (9 -> 8).
CREATE TABLE chat (id int PRIMARY KEY, user_id int, role text, content text,
                   created_at timestamptz, parent_id int REFERENCES chat);
INSERT INTO chat VALUES
(1, 1, 'user', 'one', '2024-05-01 10:00Z', NULL),
(2, 1, 'assistant', 'two', '2024-05-01 10:01Z', 1),
(3, 1, 'user', 'three', '2024-05-01 10:02Z', NULL),
(4, 1, 'assistant', 'four', '2024-05-01 10:03Z', 2),
(5, 1, 'user', '', '2024-05-01 10:04Z', NULL),
(6, 1, 'user', 'six', '2024-05-01 10:05Z', 5),
(7, 1, 'user', 'seven', '2024-05-01 10:06Z', 7),
(8, 1, '?', 'eight', '2024-05-01 10:07Z', NULL),
(9, 1, 'user', 'nine', '2024-05-01 10:08Z', 8);
UPDATE chat SET parent_id = 4 WHERE id = 3;

-- The foreign key to the table's own key is found.
SELECT chatmig_register('chat', options => '{"max_rejects": 1}');
SELECT mapping ->> 'reply_to' FROM chatmig_migration;
SELECT legacy_rows, migrated, empty, rejected, messages FROM chatmig_migrate();
-- two answers one, three four, four two; of the others nobody is there.
SELECT * FROM replies('messages');
-- What a row answers is kept by the legacy key, too.
SELECT content, metadata FROM messages WHERE metadata IS NOT NULL ORDER BY position;
SELECT check_name, status FROM chatmig_validate()
WHERE status NOT IN ('ok', 'info') AND check_name <> 'legacy_rejected';

-- A row that comes later answers an old one; one that is explained now is
-- answered by an old one.
INSERT INTO chat VALUES (10, 1, 'user', 'ten', '2024-05-01 10:09Z', 2);
SELECT chatmig_register('chat', '{"roles": {"?": "user"}}');
SELECT migrated, messages FROM chatmig_migrate();
SELECT * FROM replies('messages') WHERE answers IS NOT NULL;
SELECT check_name, status FROM chatmig_validate() WHERE status <> 'ok';

-- A reply that is lost, or leads elsewhere, is found.
BEGIN;
UPDATE messages SET reply_to_id = NULL WHERE content = 'two';
UPDATE messages SET reply_to_id = (SELECT id FROM messages WHERE content = 'one')
WHERE content = 'four';
SELECT legacy_key FROM chatmig_violations('chat', 'message_reply') ORDER BY 1;
ROLLBACK;
SELECT messages FROM chatmig_rollback('chat');

-- Pairs: the question answers the last message of the row that it names, and the
-- answer its question; where there is no question, the answer does.
CREATE TABLE pairs (id bigint PRIMARY KEY, user_id int, question text,
                    answer text, follows bigint REFERENCES pairs);
INSERT INTO pairs VALUES
(1, 1, 'q1', 'a1', NULL), (2, 1, 'q2', NULL, 1), (3, 1, NULL, 'a3', 2),
(4, 1, 'q4', 'a4', 3);
SELECT chatmig_register('pairs', target =>
    '{"conversations": "pair_c", "messages": "pair_m"}');
SELECT messages FROM chatmig_migrate('pairs');
SELECT * FROM replies('pair_m');
SELECT check_name, status FROM chatmig_validate('pairs') WHERE status <> 'ok';

-- JSON null: no column says so, and the column is kept.
SELECT chatmig_rollback('pairs') IS NOT NULL AS rolled_back;
SELECT chatmig_register('pairs', '{"reply_to": null}',
    '{"conversations": "pair_c", "messages": "pair_m"}');
SELECT messages FROM chatmig_migrate('pairs');
SELECT content, metadata FROM pair_m WHERE reply_to_id IS NULL ORDER BY position;

-- It must name a row as the key does.
SELECT chatmig_register('pairs', '{"reply_to": "user_id"}', name => 'wrong');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE two (a int, b int, role text, content text, parent int,
                  PRIMARY KEY (a, b));
SELECT chatmig_register('two', '{"reply_to": "parent"}');
\echo :LAST_ERROR_SQLSTATE

DROP SCHEMA regress_replies CASCADE;
DROP EXTENSION chatmig;
