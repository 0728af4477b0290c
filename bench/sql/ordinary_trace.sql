-- The trace of what ordinary_set_based.sql has inserted.
CREATE TABLE first_messages_trace AS
SELECT id AS key_1, fingerprint, conversation_id,
       CASE WHEN has_answer
            THEN ARRAY[CASE WHEN has_question THEN question_id END, answer_id]
            ELSE ARRAY[question_id] END AS message_ids
FROM placed;
ALTER TABLE first_messages_trace ADD PRIMARY KEY (key_1);
SET default_statistics_target = 10;
ANALYZE first_messages_trace;
RESET default_statistics_target;
