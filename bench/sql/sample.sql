-- The first rows of the old table, migrated by chatmig: what the scripts must
-- leave. :sample is their number.
CREATE TABLE rival.chat_messages (LIKE chat_messages INCLUDING ALL);
ALTER TABLE rival.chat_messages
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
INSERT INTO rival.chat_messages SELECT * FROM chat_messages WHERE id <= :sample;
SELECT chatmig_register('rival.chat_messages', name => 'sample',
    target => '{"trace": "chat_messages_trace"}');
SELECT chatmig_migrate('sample');
