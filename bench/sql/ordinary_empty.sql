TRUNCATE app.conversations, app.messages;
VACUUM ANALYZE app.conversations;
VACUUM ANALYZE app.messages;
