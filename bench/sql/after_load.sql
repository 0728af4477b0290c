SELECT setval('chat_messages_id_seq', (SELECT max(id) FROM chat_messages));
CREATE INDEX ON chat_messages (user_id, "timestamp" DESC);
VACUUM ANALYZE chat_messages;
VACUUM ANALYZE users;
