TRUNCATE app.conversations, app.messages;
DROP TABLE IF EXISTS app.placed;
VACUUM ANALYZE app.conversations;
VACUUM ANALYZE app.messages;
