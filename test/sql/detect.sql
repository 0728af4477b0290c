--
-- detect: what a table's columns are for, by their names, types and keys
--
CREATE SCHEMA regress_detect;
SET search_path = regress_detect;
CREATE EXTENSION chatmig;

CREATE TYPE role_upper AS ENUM ('USER', 'ASSISTANT', 'SYSTEM');
CREATE DOMAIN prose AS text;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE people (id text PRIMARY KEY);
CREATE TABLE mentors (id text PRIMARY KEY);
CREATE TABLE workspaces (id bigint PRIMARY KEY);

-- A case: a table's name and columns, and what detection must say of it.
-- sure: more than 0.6; likely: more than 0.4; no chat: less than that.
CREATE TABLE cases (
    number int GENERATED ALWAYS AS IDENTITY,
    name name, columns text, shape text, confidence text, mapping jsonb);

-- The five systems, and tables known from elsewhere.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('chat_messages',
 'id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
  message text NOT NULL, response text NOT NULL, model varchar(100),
  timestamp timestamp DEFAULT now(), session_id varchar(255)',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","session":"session_id",
   "question":"message","answer":"response","time":"timestamp",
   "model":"model"}'),
('chat_messages_voice',
 'id uuid PRIMARY KEY, user_id uuid NOT NULL, text text NOT NULL,
  sender varchar(10) CHECK (sender IN (''user'', ''lyra'')),
  is_voice boolean DEFAULT false, created_at timestamptz DEFAULT now()',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"sender",
   "content":"text","time":"created_at"}'),
('chat_messages_later',
 'id uuid PRIMARY KEY, user_id uuid NOT NULL, message text, is_user boolean,
  metadata jsonb, created_at timestamp',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"is_user",
   "content":"message","time":"created_at","metadata":"metadata"}'),
('messages',
 'id text PRIMARY KEY, role role_upper NOT NULL, content text NOT NULL,
  metadata jsonb, "userId" text REFERENCES people ON DELETE CASCADE,
  "createdAt" timestamp(3) DEFAULT now()',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"userId","role":"role",
   "content":"content","time":"createdAt","metadata":"metadata"}'),
('mentor_messages',
 'id text PRIMARY KEY, "userId" text NOT NULL REFERENCES people,
  "mentorId" text REFERENCES mentors ON DELETE SET NULL, role text NOT NULL,
  content text NOT NULL, prompt text, model text, tokens int, metadata jsonb,
  "createdAt" timestamp(3), "taskId" text',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"userId","counterpart":"mentorId",
   "role":"role","content":"content","time":"createdAt","model":"model",
   "tokens":"tokens","metadata":"metadata"}'),
-- transcripts are no shape of this version
('patches',
 'id bigint PRIMARY KEY, workspace_id bigint REFERENCES workspaces,
  patch_id varchar(36), envelope_json text, tokens_used int, success boolean,
  timings json, etag text, created_at timestamp, updated_at timestamp',
 NULL, 'no chat', '{"key":["id"]}'),
('chat_history',
 'message_id uuid, chat_id uuid, user_message text, assistant text,
  message_time timestamp, PRIMARY KEY (chat_id, message_id)',
 'pair', 'sure',
 '{"shape":"pair","key":["chat_id","message_id"],"session":"chat_id",
   "question":"user_message","answer":"assistant","time":"message_time"}'),
('workspace_chats',
 'id serial PRIMARY KEY, "workspaceId" int, prompt text, response json,
  user_id int, thread_id int, "createdAt" timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","session":"thread_id",
   "question":"prompt","answer":"response","time":"createdAt"}'),
('application_chat_record',
 'id uuid PRIMARY KEY, chat_id uuid, problem_text varchar, answer_text varchar,
  message_tokens int, answer_tokens int, index int, create_time timestamptz',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"session":"chat_id",
   "question":"problem_text","answer":"answer_text","time":"create_time"}'),
('chat_message',
 'id uuid PRIMARY KEY, role varchar, chatflowid varchar, content text,
  "createdDate" timestamp, "chatId" varchar, "sessionId" varchar',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"counterpart":"chatflowid","session":"chatId",
   "role":"role","content":"content","time":"createdDate"}'),
('message_store', 'id serial PRIMARY KEY, session_id text, message jsonb',
 NULL, 'no chat', '{"key":["id"]}');

-- Names, keys, owners, times and types in which others differ.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('exchanges',
 'pk bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "userId" int,
  "userMessage" prose, "botResponse" prose, ts bigint',
 'pair', 'sure',
 '{"shape":"pair","key":["pk"],"owner":"userId","question":"userMessage",
   "answer":"botResponse","time":"ts"}'),
('log1', 'id varchar(36) PRIMARY KEY, phone text, query text, answer text',
 'pair', 'likely',
 '{"shape":"pair","key":["id"],"owner":"phone","question":"query",
   "answer":"answer"}'),
('log2', 'id int PRIMARY KEY, prompt text, llm_output text, email text,
  created_on date',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"email","question":"prompt",
   "answer":"llm_output","time":"created_on"}'),
('log3', 'id int PRIMARY KEY, human_message text, ai_response text,
  session_id text, timestamp float8',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"session":"session_id",
   "question":"human_message","answer":"ai_response","time":"timestamp"}'),
('log4', 'id int PRIMARY KEY, user_input text, bot_reply text,
  created_at text, account_id uuid',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"account_id","question":"user_input",
   "answer":"bot_reply","time":"created_at"}'),
('chat_log5', 'id int PRIMARY KEY, input text, output text, user_id int',
 'pair', 'likely',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"input",
   "answer":"output"}'),
('chat6', 'id int PRIMARY KEY, question text, assistant_message text,
  thread_id text, tokens_used bigint',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"session":"thread_id","question":"question",
   "answer":"assistant_message","tokens":"tokens_used"}'),
-- a NOT NULL unique index is a key as well; a nullable or partial one is not
('chat7', 'uid text NOT NULL UNIQUE, other int UNIQUE, user_id int,
  message text, response text',
 'pair', 'sure',
 '{"shape":"pair","key":["uid"],"owner":"user_id","question":"message",
   "answer":"response"}'),
('chat8', 'id int UNIQUE, user_id int, message text, response text',
 'pair', 'sure',
 '{"shape":"pair","owner":"user_id","question":"message",
   "answer":"response"}'),
-- message is the whole message where a role stands beside it
('chat9', 'id int PRIMARY KEY, user_id int, sender_type text, message text,
  sent_at timestamptz',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"sender_type",
   "content":"message","time":"sent_at"}'),
('chat10', 'id int PRIMARY KEY, user_id int, is_bot smallint, body text',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"is_bot",
   "content":"body"}'),
-- sender is the owner where question and answer stand beside it
('chat11', 'id int PRIMARY KEY, sender text, message text, response text',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"sender","question":"message",
   "answer":"response"}'),
-- a foreign key says who the owner is, whatever the column is called
('chat12', 'id int PRIMARY KEY, belongs_to int REFERENCES users,
  message text, response text, media_url text, media_type text',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"belongs_to","question":"message",
   "answer":"response","media":"media_url","media_type":"media_type"}'),
-- two columns that mean the same are both left out: the user is to be asked
('chat13', 'id int PRIMARY KEY, user_id int, prompt text, question text,
  answer text, created_at timestamp, timestamp timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","answer":"answer"}'),
-- a name alone does not make a number a message
('chat14', 'id int PRIMARY KEY, user_id int, message int, response int',
 NULL, 'no chat', '{"key":["id"]}'),
('"Chat ""15"" Größe"', '"İd" int PRIMARY KEY, "User ID" int,
  "Message" text, "RESPONSE" text, "Created At" timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["İd"],"owner":"User ID","question":"Message",
   "answer":"RESPONSE","time":"Created At"}');

-- What is no chat, although some of the names are the same.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('contact_form', 'id serial PRIMARY KEY, name text, email text, subject text,
  message text, created_at timestamp', NULL, 'no chat', '{"key":["id"]}'),
('contact_replies', 'id serial PRIMARY KEY, name text, email text,
  subject text, message text, reply text, created_at timestamp',
 NULL, 'no chat', NULL),
('orders', 'id serial PRIMARY KEY, customer_id int, product_id int,
  quantity int, price numeric, status text, created_at timestamp',
 NULL, 'no chat', '{"key":["id"]}'),
('faq', 'id serial PRIMARY KEY, question text, answer text, category text,
  sort_order int', NULL, 'no chat', NULL),
('tickets', 'id serial PRIMARY KEY, user_id int, subject text, message text,
  response text, priority text, created_at timestamp', NULL, 'no chat', NULL),
('comments', 'id serial PRIMARY KEY, post_id int, author text, content text,
  created_at timestamp', NULL, 'no chat', NULL),
('mail_queue', 'id serial PRIMARY KEY, sender text, recipient text,
  subject text, body text, attempts int, scheduled_at timestamp',
 NULL, 'no chat', NULL),
('quiz_items', 'id serial PRIMARY KEY, quiz_id int, question text,
  correct_answer text, options jsonb', NULL, 'no chat', NULL),
('empty_table', '', NULL, 'no chat', '{}');

DO $$
DECLARE
    c cases;
BEGIN
    FOR c IN SELECT * FROM cases LOOP
        EXECUTE format('CREATE TABLE %s (%s)', c.name, c.columns);
    END LOOP;
END
$$;

-- Whatever detection says otherwise: nothing. (A table that is no chat may
-- have a mapping; where it must not, the case says so.)
SELECT c.name, d.shape, c.shape AS expected_shape, d.confidence,
       c.confidence AS expected_confidence, d.mapping,
       c.mapping AS expected_mapping, d.notes
FROM cases AS c, chatmig_detect(c.name::text::regclass) AS d
WHERE (c.confidence <> 'no chat' AND c.shape IS DISTINCT FROM d.shape)
   OR c.confidence <> CASE WHEN d.confidence > 0.6::real THEN 'sure'
                           WHEN d.confidence > 0.4::real THEN 'likely'
                           ELSE 'no chat' END
   OR c.mapping <> d.mapping
   OR d.source <> c.name::text::regclass
ORDER BY c.number;

-- The notes say why: which column, which foreign key, and what was passed over.
SELECT note FROM chatmig_detect('mentor_messages'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('chat_message'), unnest(notes) AS note
WHERE note LIKE 'session%';

-- What is ambiguous, and what there is not.
SELECT note FROM chatmig_detect('chat13'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('chat8'), unnest(notes) AS note;

-- What speaks against a chat; transcripts are pointed at.
SELECT note FROM chatmig_detect('tickets'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('contact_form'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('patches'), unnest(notes) AS note;

-- A view has the columns of its table, and no key.
CREATE VIEW chat_view AS
SELECT id, user_id, message AS question, response AS answer FROM chat_messages;
SELECT shape, confidence > 0.6 AS sure, mapping, note
FROM chatmig_detect('chat_view'), unnest(notes) AS note;

-- A materialized view and a partitioned table, whose key is found.
CREATE MATERIALIZED VIEW chat_stored AS SELECT * FROM chat_view WITH NO DATA;
SELECT shape, mapping FROM chatmig_detect('chat_stored');
CREATE TABLE chat_parts (
    id int, at_day date, user_id int, question text, answer text,
    PRIMARY KEY (id, at_day)) PARTITION BY RANGE (at_day);
CREATE TABLE chat_parts_2024 PARTITION OF chat_parts
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT shape, mapping FROM chatmig_detect('chat_parts');

-- What was dropped plays no part.
ALTER TABLE chat12 DROP COLUMN media_url;
SELECT mapping FROM chatmig_detect('chat12');

-- Of a whole database: the likeliest first, no partition, no table without a
-- shape, none of the system's or the extension's, and none twice.
CREATE VIEW all_detected AS
SELECT row_number() OVER () AS place, * FROM chatmig_detect();
SELECT count(*) = count(DISTINCT source) AS none_twice,
       bool_and(shape IS NOT NULL) AS all_have_shape,
       string_agg(source::text, ', ' ORDER BY place)
           FILTER (WHERE source IN ('chat_parts', 'chat_parts_2024',
                                    'chat_view', 'chat_stored', 'orders',
                                    'patches', 'chatmig_rejected')) AS shown
FROM all_detected;
SELECT count(*) AS in_wrong_order
FROM all_detected AS a JOIN all_detected AS b ON a.place < b.place
WHERE a.confidence < b.confidence;

-- Of each table it says the same as for that table alone.
SELECT a.source FROM all_detected AS a, chatmig_detect(a.source) AS d
WHERE (a.shape, a.confidence, a.mapping, a.notes)
      IS DISTINCT FROM (d.shape, d.confidence, d.mapping, d.notes);

-- Not a table: no shape, no error.
CREATE SEQUENCE numbers;
SELECT shape, confidence, mapping FROM chatmig_detect('numbers');
SELECT shape, confidence FROM chatmig_detect('chat_messages_pkey');
SELECT shape IS NULL AS no_shape FROM chatmig_detect('pg_catalog.pg_class');

-- A table that does not exist is the server's error; one that was dropped
-- while the call was on its way gives no row.
SELECT * FROM chatmig_detect('nothing');
SELECT count(*) FROM chatmig_detect(4294967295::oid::regclass);

-- A role that may not read a table is told so (42501), and does not see it
-- among all; a column of it is enough for the one, and not for the other.
CREATE ROLE regress_chatmig_reader;
GRANT USAGE ON SCHEMA regress_detect TO regress_chatmig_reader;
GRANT SELECT ON chat_history TO regress_chatmig_reader;
GRANT SELECT (id) ON chat6 TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT * FROM chatmig_detect('chat_messages');
\echo :LAST_ERROR_SQLSTATE
SELECT shape FROM chatmig_detect('chat6');
SELECT source, shape FROM chatmig_detect();
RESET ROLE;

-- In a schema that the role may not enter, it sees nothing.
CREATE SCHEMA regress_detect_closed;
CREATE TABLE regress_detect_closed.chats (
    id int PRIMARY KEY, user_id int, question text, answer text);
GRANT SELECT ON regress_detect_closed.chats TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT count(*) FROM chatmig_detect() WHERE source::text LIKE '%chats';
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA regress_detect, regress_detect_closed CASCADE;
DROP ROLE regress_chatmig_reader;
