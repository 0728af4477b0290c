-- Keys, indexes and constraints of the new tables, in the order that is fastest.
ALTER TABLE conversations
    ALTER id SET DEFAULT gen_random_uuid(), ALTER id SET NOT NULL,
    ALTER is_active SET NOT NULL, ALTER is_active SET DEFAULT true,
    ALTER created_at SET DEFAULT now(), ALTER updated_at SET DEFAULT now(),
    ADD PRIMARY KEY (id);
CREATE INDEX ON conversations (user_id, updated_at DESC);
ALTER TABLE messages
    ALTER id SET DEFAULT gen_random_uuid(), ALTER id SET NOT NULL,
    ALTER conversation_id SET NOT NULL, ALTER "position" SET NOT NULL,
    ALTER role SET NOT NULL, ALTER created_at SET DEFAULT now(),
    ADD PRIMARY KEY (id), ADD UNIQUE (conversation_id, "position"),
    ADD CHECK (role IN ('user', 'assistant', 'system', 'tool'));
CREATE INDEX ON messages (reply_to_id) WHERE reply_to_id IS NOT NULL;
ALTER TABLE messages
    ADD FOREIGN KEY (reply_to_id) REFERENCES messages ON DELETE SET NULL;
ALTER TABLE messages
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations ON DELETE CASCADE;
ALTER TABLE chat_messages_trace
    ALTER key_1 SET NOT NULL, ALTER fingerprint SET NOT NULL,
    ALTER conversation_id SET NOT NULL, ALTER message_ids SET NOT NULL,
    ADD PRIMARY KEY (key_1);
ALTER TABLE conversations
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
-- as chatmig does: autovacuum takes a larger sample
SET default_statistics_target = 10;
ANALYZE conversations;
ANALYZE messages;
ANALYZE chat_messages_trace;
RESET default_statistics_target;
