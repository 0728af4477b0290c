-- 1,000 conversations with 100 messages each, and ids that are numbers.
CREATE EXTENSION chatmig;
CREATE TABLE talks (id int PRIMARY KEY, user_id int NOT NULL, message text,
                    response text, sent_at timestamptz NOT NULL);
INSERT INTO talks
SELECT i, i % 1000, repeat('question ', 10), repeat('answer ', 40),
       '2024-01-01Z'::timestamptz + i * interval '1 second'
FROM generate_series(1, 50000) AS i;
SELECT chatmig_register('talks', options => '{"id_type": "bigint"}');
SELECT migrated, conversations, messages FROM chatmig_migrate();
VACUUM ANALYZE;
