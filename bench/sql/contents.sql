-- Counts, and a sum of hashes, of what a run left; the same for all that leave
-- the same rows, whatever their ids. A message's hash has its place in it, so
-- the sum knows the order. A trace's has the places of its messages.
SELECT (SELECT count(*) FROM conversations),
       (SELECT sum(hash_record_extended(ROW(
                   user_id, title, description, is_active, metadata, created_at,
                   updated_at), 0)::numeric)
        FROM conversations),
       (SELECT count(*) FROM messages),
       (SELECT sum(hash_record_extended(ROW(
                   c.user_id, c.metadata, c.created_at, m.position, m.role,
                   m.content, m.model, m.tokens, m.metadata, m.media_id,
                   m.created_at, r.conversation_id = m.conversation_id,
                   r.position), 0)::numeric)
        FROM messages AS m
        JOIN conversations AS c ON c.id = m.conversation_id
        LEFT JOIN messages AS r ON r.id = m.reply_to_id),
       (SELECT count(*) FROM chat_messages_trace),
       (SELECT sum(hash_record_extended(ROW(
                   t.key_1, t.message_ids[1] IS NULL, m.conversation_id =
                   t.conversation_id, m.position, m.created_at), 0)::numeric)
        FROM chat_messages_trace AS t
        JOIN messages AS m ON m.id = t.message_ids[cardinality(t.message_ids)])
