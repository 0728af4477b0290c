-- The rival: set-based SQL, made as fast as it gets by trying.
--
-- A parallel scan, one sort of narrow rows, and hash joins that fit into memory;
-- tables are created from queries, and indexes built after the load. A
-- conversation takes over the random id of its first row, which saves a join.
-- What it leaves differs from chatmig's in three things: ids are random, so
-- that they say nothing of the row and change when it is run again; messages
-- lie in no order; and fingerprints are the server's hash of the row.
SET search_path = rival, public;
SET work_mem = '256MB';
SET jit = off;

CREATE UNLOGGED TABLE placed AS
SELECT id, user_id, session_id, at, question_id, answer_id, fingerprint,
       first_value(question_id) OVER conversation AS conversation_id,
       (sum(has_question::int + has_answer::int) OVER conversation)::int
           - has_question::int - has_answer::int AS position,
       has_question, has_answer,
       lead(id) OVER conversation IS NULL AS is_last
FROM (SELECT id, user_id, session_id, "timestamp" AS at,
             coalesce(message, '') <> '' AS has_question,
             coalesce(response, '') <> '' AS has_answer,
             gen_random_uuid() AS question_id, gen_random_uuid() AS answer_id,
             hash_record_extended(s, 0) AS fingerprint
      FROM chat_messages AS s
      WHERE coalesce(message, '') <> '' OR coalesce(response, '') <> '') AS s
WINDOW conversation AS (PARTITION BY user_id, session_id ORDER BY at, id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
ANALYZE placed;

CREATE TABLE conversations AS
SELECT f.conversation_id AS id, f.user_id,
       left(btrim(s.first), 80)
           || CASE WHEN length(btrim(s.first)) > 80 THEN '...' ELSE '' END AS title,
       NULL::text AS description, true AS is_active,
       jsonb_build_object('session_id', f.session_id) AS metadata,
       f.at AT TIME ZONE 'UTC' AS created_at, l.at AT TIME ZONE 'UTC' AS updated_at
FROM placed AS f
JOIN placed AS l ON l.conversation_id = f.conversation_id AND l.is_last
JOIN (SELECT id, coalesce(nullif(message, ''), response) AS first
      FROM chat_messages) AS s ON s.id = f.id
WHERE f.position = 0;

CREATE TABLE messages AS
SELECT m.id, p.conversation_id, m.position, m.role, m.content, s.model::text AS model,
       NULL::int AS tokens, s.metadata, NULL::uuid AS media_id, m.reply_to_id,
       p.at AT TIME ZONE 'UTC' AS created_at
FROM placed AS p
JOIN chat_messages AS s ON s.id = p.id
CROSS JOIN LATERAL (
    SELECT p.question_id AS id, p.position, 'user' AS role, s.message AS content,
           NULL::uuid AS reply_to_id
    WHERE p.has_question
    UNION ALL
    SELECT p.answer_id, p.position + p.has_question::int, 'assistant', s.response,
           CASE WHEN p.has_question THEN p.question_id END
    WHERE p.has_answer) AS m;

CREATE TABLE chat_messages_trace AS
SELECT id AS key_1, fingerprint, conversation_id,
       CASE WHEN has_answer
            THEN ARRAY[CASE WHEN has_question THEN question_id END, answer_id]
            ELSE ARRAY[question_id] END AS message_ids,
       NULL::uuid AS media_id
FROM placed;
DROP TABLE placed;
RESET work_mem;
