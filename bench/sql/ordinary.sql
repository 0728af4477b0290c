-- Tables that an application has made, with indexes and a trigger, and the first
-- rows of the old table.
CREATE SCHEMA app;
CREATE TABLE first_messages AS SELECT * FROM chat_messages WHERE id <= :rows;
ALTER TABLE first_messages ADD PRIMARY KEY (id);
ANALYZE first_messages;
CREATE TABLE app.conversations (
    id uuid PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, title text,
    metadata jsonb, created_at timestamptz, updated_at timestamptz);
CREATE INDEX ON app.conversations (user_id, updated_at DESC);
CREATE TABLE app.messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES app.conversations ON DELETE CASCADE,
    "position" int NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
    content text, model text, metadata jsonb, created_at timestamptz,
    UNIQUE (conversation_id, "position"));
CREATE INDEX ON app.messages (created_at);
CREATE FUNCTION app.stamp() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.role := lower(NEW.role); RETURN NEW; END$$;
CREATE TRIGGER stamp BEFORE INSERT ON app.messages
    FOR EACH ROW EXECUTE FUNCTION app.stamp();
SELECT chatmig_register('first_messages', target =>
    '{"schema": "app", "conversations": "conversations", "messages": "messages"}');
