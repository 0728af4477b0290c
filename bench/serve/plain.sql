\set c random(1, 1000)
BEGIN;
UPDATE conversations SET updated_at = now() WHERE id = :c;
INSERT INTO messages (conversation_id, position, role, content)
VALUES (:c, (SELECT coalesce(max(position), -1) + 1 FROM messages
             WHERE conversation_id = :c),
        'user', 'What is the capital of France?');
COMMIT;
