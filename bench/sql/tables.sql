-- The new tables, empty, with all that belongs to them: for scripts that add
-- row by row.
SET search_path = rival, public;
CREATE TABLE conversations (
    id uuid, user_id int, title text, description text, is_active boolean,
    metadata jsonb, created_at timestamptz, updated_at timestamptz);
CREATE TABLE messages (
    id uuid, conversation_id uuid, "position" int, role text, content text,
    model text, tokens int, metadata jsonb, media_id uuid, reply_to_id uuid,
    created_at timestamptz);
CREATE TABLE chat_messages_trace (
    key_1 int, fingerprint bigint, conversation_id uuid, message_ids uuid[],
    media_id uuid);
