-- Counts, and sums of hashes, of what has been put into tables that existed.
SELECT (SELECT count(*) FROM app.conversations),
       (SELECT sum(hash_record_extended(ROW(
                   user_id, title, metadata, created_at, updated_at), 0)::numeric)
        FROM app.conversations),
       (SELECT count(*) FROM app.messages),
       (SELECT sum(hash_record_extended(ROW(
                   c.user_id, c.metadata, m.position, m.role, m.content, m.model,
                   m.metadata, m.created_at), 0)::numeric)
        FROM app.messages AS m
        JOIN app.conversations AS c ON c.id = m.conversation_id)
