-- A PL/pgSQL loop over the old rows, with an INSERT for each new one. :sample is
-- the number of old rows.
DO $$
DECLARE
    row record;
    last_user int;
    last_session text;
    last_at timestamptz;
    conversation uuid;
    question_id uuid;
    answer_id uuid;
    title text;
    place int;
BEGIN
    FOR row IN
        SELECT id, user_id, session_id, message, response, model, metadata,
               "timestamp" AT TIME ZONE 'UTC' AS at,
               hash_record_extended(s, 0) AS fingerprint
        FROM chat_messages AS s
        WHERE id <= :sample AND (message <> '' OR response <> '')
        ORDER BY user_id, session_id, "timestamp", id
    LOOP
        IF conversation IS NULL OR row.user_id <> last_user
           OR row.session_id <> last_session THEN
            UPDATE rival.conversations SET updated_at = last_at WHERE id = conversation;
            conversation := gen_random_uuid();
            title := btrim(coalesce(nullif(row.message, ''), row.response));
            INSERT INTO rival.conversations
            VALUES (conversation, row.user_id,
                    left(title, 80) || CASE WHEN length(title) > 80 THEN '...' ELSE '' END,
                    NULL, true, jsonb_build_object('session_id', row.session_id),
                    row.at, row.at);
            place := 0;
        END IF;
        question_id := NULL;
        answer_id := NULL;
        IF row.message <> '' THEN
            question_id := gen_random_uuid();
            INSERT INTO rival.messages
            VALUES (question_id, conversation, place, 'user', row.message, row.model,
                    NULL, row.metadata, NULL, NULL, row.at);
            place := place + 1;
        END IF;
        IF row.response <> '' THEN
            answer_id := gen_random_uuid();
            INSERT INTO rival.messages
            VALUES (answer_id, conversation, place, 'assistant', row.response,
                    row.model, NULL, row.metadata, NULL, question_id, row.at);
            place := place + 1;
        END IF;
        INSERT INTO rival.chat_messages_trace
        VALUES (row.id, row.fingerprint, conversation,
                CASE WHEN answer_id IS NULL THEN ARRAY[question_id]
                     ELSE ARRAY[question_id, answer_id] END, NULL);
        last_user := row.user_id;
        last_session := row.session_id;
        last_at := row.at;
    END LOOP;
    UPDATE rival.conversations SET updated_at = last_at WHERE id = conversation;
END $$
