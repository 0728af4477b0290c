-- The rival for tables that exist: set_based.sql, with INSERT ... SELECT in the
-- place of new tables.
SET search_path = app, public;
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
             :fingerprint AS fingerprint
      FROM first_messages AS s
      WHERE coalesce(message, '') <> '' OR coalesce(response, '') <> '') AS s
WINDOW conversation AS (PARTITION BY user_id, session_id ORDER BY at, id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
ANALYZE placed;

INSERT INTO conversations
SELECT f.conversation_id, f.user_id,
       left(btrim(s.first), 80)
           || CASE WHEN length(btrim(s.first)) > 80 THEN '...' ELSE '' END,
       jsonb_build_object('session_id', f.session_id),
       f.at AT TIME ZONE 'UTC', l.at AT TIME ZONE 'UTC'
FROM placed AS f
JOIN placed AS l ON l.conversation_id = f.conversation_id AND l.is_last
JOIN (SELECT id, coalesce(nullif(message, ''), response) AS first
      FROM first_messages) AS s ON s.id = f.id
WHERE f.position = 0;

INSERT INTO messages
SELECT m.id, p.conversation_id, m.position, m.role, m.content, s.model, s.metadata,
       p.at AT TIME ZONE 'UTC'
FROM placed AS p
JOIN first_messages AS s ON s.id = p.id
CROSS JOIN LATERAL (
    SELECT p.question_id AS id, p.position, 'user' AS role, s.message AS content
    WHERE p.has_question
    UNION ALL
    SELECT p.answer_id, p.position + p.has_question::int, 'assistant', s.response
    WHERE p.has_answer) AS m;

SET default_statistics_target = 10;
ANALYZE conversations;
ANALYZE messages;
RESET default_statistics_target;
