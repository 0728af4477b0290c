-- The same rows, in tables without anything.
CREATE TABLE app.conversations_copy AS SELECT * FROM app.conversations;
CREATE TABLE app.messages_copy AS SELECT * FROM app.messages;
SELECT chatmig_rollback('first_messages');
