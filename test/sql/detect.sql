--
-- detect: what a table's columns are for, by their names, types and keys
--
CREATE SCHEMA regress_detect;
SET search_path = regress_detect;
CREATE EXTENSION chatmig;

CREATE TYPE role_upper AS ENUM ('USER', 'ASSISTANT', 'SYSTEM');
CREATE TYPE advisor_or_bot AS ENUM ('advisor', 'bot');
CREATE TYPE message_direction AS ENUM ('inbound', 'outbound');
CREATE TYPE message_type AS ENUM ('text', 'image', 'audio', 'video', 'sticker');
CREATE TYPE interaction_type AS ENUM ('question', 'answer', 'game', 'vote');
CREATE DOMAIN prose AS text;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE people (id text PRIMARY KEY);
CREATE TABLE mentors (id text PRIMARY KEY);
CREATE TABLE workspaces (id bigint PRIMARY KEY);

-- A case: a table's name, columns and rows, and what detection must say of it.
-- sure: 0.6 and more; likely: 0.4 and more; no chat: less than that, no shape.
CREATE TABLE cases (
    number int GENERATED ALWAYS AS IDENTITY,
    name name, columns text, rows text, shape text, confidence text,
    mapping jsonb);

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
   "role":"role","content":"content","time":"createdDate"}');

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

-- Tables of public repositories: a question and its answer in a row.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('chats', 'id serial PRIMARY KEY, user_message text NOT NULL,
  bot_response text NOT NULL, timestamp timestamp DEFAULT now()',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"user_message",
   "answer":"bot_response","time":"timestamp"}'),
('"AI_Chatbot_Interactions"', 'interaction_id serial PRIMARY KEY,
  user_id int NOT NULL REFERENCES users, query text NOT NULL,
  chatbot_response text NOT NULL, timestamp timestamp, query_category text,
  feedback text',
 'pair', 'sure',
 '{"shape":"pair","key":["interaction_id"],"owner":"user_id",
   "question":"query","answer":"chatbot_response","time":"timestamp"}'),
('"TrainingLogs"', 'id uuid PRIMARY KEY, "userId" uuid NOT NULL,
  user_query text, bot_response text, rating int, timestamp bigint NOT NULL',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"userId","question":"user_query",
   "answer":"bot_response","time":"timestamp"}'),
('bot_messages', 'id serial PRIMARY KEY, chat_id bigint NOT NULL,
  user_id bigint, username varchar(255), message_text text NOT NULL,
  bot_response text, created_at timestamp, response_time_ms int,
  error_message text',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","session":"chat_id",
   "question":"message_text","answer":"bot_response","time":"created_at"}'),
('"CONVERSATIONLOG"', '"ID" int PRIMARY KEY, "BotMessage" varchar(255),
  "HumanMessage" varchar(255), "Intent" varchar(255), "Entity" varchar(255),
  "ToC" timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["ID"],"question":"HumanMessage",
   "answer":"BotMessage"}'),
('"AiInteraction"', 'id text PRIMARY KEY, "userId" text NOT NULL,
  "userMessage" text NOT NULL, "aiResponse" text NOT NULL, "agentId" text,
  "agentName" text, model text, "conversationId" text, pathname text,
  "responseTimeMs" int, "hadError" boolean, "errorMessage" text,
  "createdAt" timestamp(3), "updatedAt" timestamp(3)',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"userId","counterpart":"agentId",
   "session":"conversationId","question":"userMessage",
   "answer":"aiResponse","model":"model","time":"createdAt"}'),
('llm_logs', 'id serial PRIMARY KEY, prompt text NOT NULL,
  response text NOT NULL, model_name text NOT NULL, model_provider text,
  created_at timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"prompt","answer":"response",
   "model":"model_name","time":"created_at"}'),
('chat_log', 'id uuid PRIMARY KEY, user_id text NOT NULL,
  created_at timestamp, prompt text, response text, i_tokens int, o_tokens int',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"prompt",
   "answer":"response","time":"created_at"}'),
('run_logs', 'id serial PRIMARY KEY, prompt text NOT NULL, tool text NOT NULL,
  response text NOT NULL, timestamp timestamptz, tokens int',
 'pair', 'likely',
 '{"shape":"pair","key":["id"],"question":"prompt","answer":"response",
   "time":"timestamp","tokens":"tokens"}'),
('interactions', 'id int PRIMARY KEY, user_input varchar, response varchar',
 'pair', 'likely',
 '{"shape":"pair","key":["id"],"question":"user_input",
   "answer":"response"}'),
('chat_events', 'id bigserial PRIMARY KEY, profile_id text NOT NULL,
  topic_id text, user_message text NOT NULL, assistant_message text NOT NULL,
  created_at timestamptz',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"profile_id","session":"topic_id",
   "question":"user_message","answer":"assistant_message",
   "time":"created_at"}'),
-- Dify: two columns of the model; the prompt as JSON stands beside the text
('dify_messages', 'id uuid PRIMARY KEY, app_id uuid, model_provider varchar,
  model_id varchar, conversation_id uuid, inputs json, query text NOT NULL,
  message json, message_tokens int, answer text NOT NULL, answer_tokens int,
  currency varchar, from_source varchar, from_end_user_id uuid,
  created_at timestamp, updated_at timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"from_end_user_id",
   "session":"conversation_id","question":"query","answer":"answer",
   "model":"model_id","time":"created_at"}'),
-- time "at"
('exchange', 'id int PRIMARY KEY, user_id int, prompt text, reply text,
  at timestamptz',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"prompt",
   "answer":"reply","time":"at"}');

-- ... and a message in a row.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('chat_history_bank', 'id serial PRIMARY KEY, user_id int NOT NULL,
  message varchar(1000) NOT NULL, sender advisor_or_bot NOT NULL,
  created_at timestamp',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"sender",
   "content":"message","time":"created_at"}'),
('chat_history_site', 'id char(36) PRIMARY KEY, chatbot_id varchar(36),
  session_id varchar(255), from_user boolean, message varchar(8192),
  created_at timestamp, updated_at timestamp',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"counterpart":"chatbot_id",
   "session":"session_id","role":"from_user","content":"message",
   "time":"created_at"}'),
('conversation_messages', 'id uuid PRIMARY KEY, user_id uuid,
  conversation_id uuid, created_at timestamptz, role text NOT NULL,
  content text NOT NULL',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id",
   "session":"conversation_id","role":"role","content":"content",
   "time":"created_at"}'),
('chat_logs_shop', 'id uuid PRIMARY KEY, session_id varchar(100) NOT NULL,
  user_id uuid, role varchar(20) NOT NULL, message text NOT NULL,
  tool_used varchar(100), risk_level varchar(20), created_at timestamptz',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","session":"session_id",
   "role":"role","content":"message","time":"created_at"}'),
('whatsapp_chat_message', 'id uuid PRIMARY KEY,
  whatsapp_message_id varchar(255), phone_number varchar(20) NOT NULL,
  direction message_direction NOT NULL, message_type message_type NOT NULL,
  content text, metadata jsonb, created_at timestamptz',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"phone_number","role":"direction",
   "roles":{"inbound":"user","outbound":"assistant"},"content":"content",
   "metadata":"metadata","time":"created_at"}'),
('messages_do', 'id text PRIMARY KEY, role text NOT NULL,
  content text NOT NULL, created_at bigint NOT NULL',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"role":"role","content":"content",
   "time":"created_at"}'),
('"Chat Message"', '"Id" bigint PRIMARY KEY, "UserId" text,
  "SenderType" text, "MessageText" text, "SentAt" timestamptz',
 'flat', 'sure',
 '{"shape":"flat","key":["Id"],"owner":"UserId","role":"SenderType",
   "content":"MessageText","time":"SentAt"}');

-- ... and JSON that is called like a transcript; there is no row to see any
-- messages in.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('conversation_history', 'id uuid PRIMARY KEY, user_id uuid NOT NULL,
  title text, messages jsonb, created_at timestamptz, updated_at timestamptz',
 'transcript', 'likely',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "transcript":"messages","time":"created_at"}'),
('agent_conversations', 'id serial PRIMARY KEY,
  user_id int NOT NULL UNIQUE REFERENCES users, messages jsonb NOT NULL,
  updated_at timestamp',
 'transcript', 'likely',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "transcript":"messages"}'),
('eleven_conversations', 'id uuid PRIMARY KEY,
  conversation_id text NOT NULL UNIQUE, agent_id text NOT NULL,
  user_email text, user_name text, user_phone text, transcript jsonb,
  summary text, duration_secs int, created_at timestamptz',
 'transcript', 'likely', NULL),
-- in text it could be anything
('text_conversations', 'id text PRIMARY KEY, type text NOT NULL, title text,
  messages text NOT NULL, created_at text NOT NULL',
 NULL, 'no chat', NULL),
('patches_empty', 'id bigint PRIMARY KEY, workspace_id bigint,
  envelope_json text, created_at timestamp', NULL, 'no chat', NULL),
('message_store_empty', 'id serial PRIMARY KEY, session_id text, message jsonb',
 NULL, 'no chat', NULL),
('listening_tests', 'id serial PRIMARY KEY, slug varchar(64) NOT NULL,
  section_id int NOT NULL, title varchar(255), transcript jsonb NOT NULL,
  questions jsonb NOT NULL, answer_key jsonb NOT NULL, sort_order int',
 NULL, 'no chat', NULL),
('meetings', 'id uuid PRIMARY KEY, name text NOT NULL, date timestamptz,
  duration int, participants jsonb, topics jsonb, transcript jsonb,
  created_at timestamptz', NULL, 'no chat', NULL),
('pricelist_items', 'id uuid PRIMARY KEY, product_id varchar, category varchar,
  description text, validation_messages jsonb, last_updated timestamp',
 NULL, 'no chat', NULL);

-- ... and no chats: contact forms, tickets, e-mails, comments, surveys, logs.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('contact_messages', 'id serial PRIMARY KEY, name varchar(256) NOT NULL,
  email varchar(256) NOT NULL, mobile varchar(32), message text NOT NULL,
  status varchar(32), created_at timestamp, updated_at timestamp',
 NULL, 'no chat', NULL),
('contacts', 'id serial PRIMARY KEY, name text, email text, subject text,
  message text, read boolean, created_at timestamp', NULL, 'no chat', NULL),
('messages_from_form', 'id uuid PRIMARY KEY, type text NOT NULL,
  ticket_id text, name text NOT NULL, email text NOT NULL,
  subject text NOT NULL, message text NOT NULL, status text,
  created_at timestamp', NULL, 'no chat', NULL),
('feedbacks', 'id serial PRIMARY KEY, user_id int, message text,
  response text, created_at timestamp', NULL, 'no chat', NULL),
('product_reviews', 'id uuid PRIMARY KEY, product_name text, customer_name text,
  customer_email text, rating int, title text, comment text,
  response text, created_at timestamptz', NULL, 'no chat', NULL),
('testimonials', 'id serial PRIMARY KEY, name text, role text, content text,
  avatar text, rating int, created_at timestamp', NULL, 'no chat', NULL),
('support_ticket_messages', 'id serial PRIMARY KEY, ticket_id int NOT NULL,
  sender_id int NOT NULL, message text NOT NULL, sent_at timestamp',
 NULL, 'no chat', NULL),
('ticket_messages', 'id text PRIMARY KEY, "ticketId" text NOT NULL,
  "senderId" text NOT NULL, "senderName" text NOT NULL,
  "senderType" text NOT NULL, message text NOT NULL, "createdAt" timestamp(3)',
 NULL, 'no chat', NULL),
('"SupportMessage"', 'id text PRIMARY KEY, "ticketId" text NOT NULL,
  "senderId" text NOT NULL, role text NOT NULL, content text NOT NULL,
  "createdAt" timestamp(3)', NULL, 'no chat', NULL),
('emails', 'id serial PRIMARY KEY, message_id text, thread_id bigint,
  subject text, sender text, recipients text, text_body text, body text,
  sent_at timestamptz, created_at timestamptz', NULL, 'no chat', NULL),
('"Message"', 'id text PRIMARY KEY, "threadId" text NOT NULL,
  "externalId" text, "from" jsonb NOT NULL, "to" jsonb, cc jsonb,
  subject text NOT NULL, body text NOT NULL, "bodyHtml" text,
  "sentAt" timestamp(3), "isFromUser" boolean', NULL, 'no chat', NULL),
('messages_of_mailbox', 'id serial PRIMARY KEY, message_id text UNIQUE,
  thread_id text NOT NULL, sender text, recipient text, subject text,
  body text, sent_at timestamp', NULL, 'no chat', NULL),
('posts_comments', 'id serial PRIMARY KEY, post_id int NOT NULL,
  user_id int NOT NULL REFERENCES users, content text NOT NULL,
  type text, created_at timestamp', NULL, 'no chat', NULL),
('direct_messages', 'id uuid PRIMARY KEY, conversation_id uuid NOT NULL,
  sender_id int REFERENCES users, content text NOT NULL,
  created_at timestamptz, read_at timestamptz', NULL, 'no chat', NULL),
('whatsapp_messages', 'id varchar(255) PRIMARY KEY, type varchar(50) NOT NULL,
  timestamp timestamp NOT NULL, sender text NOT NULL REFERENCES people,
  recipient text NOT NULL REFERENCES people, text text',
 NULL, 'no chat', NULL),
('survey_responses', 'id uuid PRIMARY KEY, post_id text NOT NULL,
  user_id uuid NOT NULL, question_index int NOT NULL,
  question_text text NOT NULL, answer_text text, selected_option text,
  rating_value int, created_at timestamptz', NULL, 'no chat', NULL),
('user_responses', 'id serial PRIMARY KEY,
  user_id int NOT NULL REFERENCES users, question_number int NOT NULL,
  question_text varchar(255), answer_text varchar(255), created_at timestamp',
 NULL, 'no chat', NULL),
('survey_answers', 'survey_question_id varchar(50), user_id varchar(50),
  answer text, created timestamp, PRIMARY KEY (survey_question_id, user_id)',
 NULL, 'no chat', NULL),
('api_logs', 'id serial PRIMARY KEY, user_id int NOT NULL,
  method varchar(50), path varchar(150), request text, response text,
  status int, duration smallint, timestamp timestamp(3)',
 NULL, 'no chat', NULL),
('api_log', 'id serial PRIMARY KEY, path text NOT NULL, method text NOT NULL,
  response_message text, response_code int, query text,
  "createdAt" timestamp(3)', NULL, 'no chat', NULL),
('request_log', 'id serial PRIMARY KEY, user_id int REFERENCES users, ip text,
  request_method text, request_uri text, request_body text,
  response_body text, response_code int, request_time timestamptz',
 NULL, 'no chat', NULL),
('system_log', 'id bigserial PRIMARY KEY, source text, level text,
  message text, user_id int, created_at timestamptz', NULL, 'no chat', NULL),
('notifications', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  type varchar(50), message text NOT NULL, status text, created_at timestamp',
 NULL, 'no chat', NULL),
('alerts', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  type varchar(50), message text NOT NULL, created_at timestamp',
 NULL, 'no chat', NULL),
('faqs', 'id serial PRIMARY KEY, question text NOT NULL, answer text NOT NULL,
  created_at timestamp', NULL, 'no chat', NULL),
('help_items', 'id serial PRIMARY KEY, question text NOT NULL,
  answer text NOT NULL, created_by int REFERENCES users,
  created_at timestamp', NULL, 'no chat', NULL),
('cards', 'id serial PRIMARY KEY, user_id int REFERENCES users, question text,
  answer text, ease_factor float8, next_review date, created_at timestamp',
 NULL, 'no chat', NULL),
('quiz_attempts', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  question text, answer text, is_correct boolean, created_at timestamp',
 NULL, 'no chat', NULL),
('ai_feedback', 'id uuid PRIMARY KEY, user_message text NOT NULL,
  ai_response text NOT NULL, preferred_response text NOT NULL,
  feedback_category text, context_notes text, created_at timestamptz',
 NULL, 'no chat', NULL),
('classroom_interactions', 'id bigint PRIMARY KEY, course_id bigint NOT NULL,
  student_id bigint NOT NULL, interaction_type interaction_type NOT NULL,
  content text, media_url varchar(255), ai_response text, is_correct boolean,
  score int, created_at timestamp', NULL, 'no chat', NULL),
('orders_with_notes', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  order_number text, message text, reply text, amount numeric,
  created_at timestamp', NULL, 'no chat', NULL),
('prompt_templates', 'id serial PRIMARY KEY, role text, content text,
  created_by int REFERENCES users', NULL, 'no chat', NULL);

-- More of them, by which nothing above was chosen.
INSERT INTO cases (name, columns, shape, confidence, mapping) VALUES
('logs', 'id serial PRIMARY KEY, timestamp timestamp NOT NULL,
  document_links text, user_query text NOT NULL, llm_response text,
  time_taken_sec real, model_used text',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"user_query",
   "answer":"llm_response","time":"timestamp","model":"model_used"}'),
('query_logs', 'query_id varchar(36) PRIMARY KEY, user_id varchar(36) NOT NULL,
  website_id varchar(36), session_id varchar(36), user_query text NOT NULL,
  ai_response text, query_type varchar(50), processing_time_ms int,
  tokens_used int, context_used text, files_accessed text,
  status varchar(20), error_message text, created_at timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["query_id"],"owner":"user_id",
   "session":"session_id","question":"user_query","answer":"ai_response",
   "time":"created_at","tokens":"tokens_used"}'),
('user_queries', 'query_id int PRIMARY KEY, user_query text NOT NULL,
  answer_text text NOT NULL, answer_sources_used text, user_id text NOT NULL,
  timestamp timestamp, processing_time real, chunks_used int',
 'pair', 'sure',
 '{"shape":"pair","key":["query_id"],"owner":"user_id",
   "question":"user_query","answer":"answer_text","time":"timestamp"}'),
('log_table', 'id serial PRIMARY KEY, timestamp timestamptz NOT NULL,
  user_input text NOT NULL, assistant_response text NOT NULL,
  error_code varchar(10), citation_count int, citations jsonb,
  confidence numeric(3,2), request_classification varchar(50)',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"user_input",
   "answer":"assistant_response","time":"timestamp"}'),
-- its key is nowhere declared
('turns_of_agent', 'session_id text, turn_index int, user_message text,
  assistant_response text, timestamp text',
 'pair', 'sure',
 '{"shape":"pair","session":"session_id","question":"user_message",
   "answer":"assistant_response","time":"timestamp"}'),
('exchanges_of_model', 'exchange_id int PRIMARY KEY, session_id text NOT NULL,
  model_name text NOT NULL, user_message text NOT NULL,
  assistant_response text NOT NULL, created_at int NOT NULL',
 'pair', 'sure',
 '{"shape":"pair","key":["exchange_id"],"session":"session_id",
   "question":"user_message","answer":"assistant_response",
   "model":"model_name","time":"created_at"}'),
('voice_chat_history', 'id bigserial PRIMARY KEY,
  user_id int REFERENCES users ON DELETE CASCADE, session_id text,
  transcribed_text text, ai_response text, language text, voice_gender text,
  created_at timestamptz',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","session":"session_id",
   "question":"transcribed_text","answer":"ai_response","time":"created_at"}'),
('ai_companion_conversations', 'id int PRIMARY KEY, crew_member_id int NOT NULL,
  user_message text NOT NULL, ai_response text NOT NULL,
  timestamp timestamp NOT NULL, emotional_context text',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"crew_member_id",
   "question":"user_message","answer":"ai_response","time":"timestamp"}'),
('patient_interactions', 'id int PRIMARY KEY, timestamp text NOT NULL,
  patient_message text NOT NULL, agent_response text NOT NULL,
  action_taken text NOT NULL',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"patient_message",
   "answer":"agent_response","time":"timestamp"}'),
('successful_exchanges', 'id int PRIMARY KEY, user_prompt text NOT NULL,
  assistant_response text NOT NULL, timestamp timestamp',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"user_prompt",
   "answer":"assistant_response","time":"timestamp"}'),
('idea_massage_prompts', 'id uuid PRIMARY KEY, user_id int REFERENCES users,
  saved_item_id uuid, user_prompt text NOT NULL, ai_response text NOT NULL,
  original_content text NOT NULL, created_at timestamptz,
  updated_at timestamptz',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"user_prompt",
   "answer":"ai_response","time":"created_at"}'),
-- a chat that is sent by a queue
('turns_sent', 'turn_id text PRIMARY KEY, session_id text NOT NULL,
  sender_id text NOT NULL, user_message text NOT NULL,
  assistant_response text NOT NULL, created_at real NOT NULL, status text,
  attempts int, next_attempt_at real, notified_at real',
 'pair', 'likely',
 '{"shape":"pair","key":["turn_id"],"owner":"sender_id",
   "session":"session_id","question":"user_message",
   "answer":"assistant_response","time":"created_at"}'),
('chatwoot_messages', 'id serial PRIMARY KEY, account_id int NOT NULL,
  inbox_id int NOT NULL, conversation_id int NOT NULL, sender_type varchar,
  sender_id bigint, message_type int NOT NULL, content_type int,
  content text, content_attributes json, additional_attributes jsonb,
  status int, created_at timestamp',
 'flat', 'sure', NULL),
('coach_messages', 'id uuid PRIMARY KEY, conversation_id uuid NOT NULL,
  student_id uuid NOT NULL, role text NOT NULL, content text NOT NULL,
  created_at timestamptz',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"student_id",
   "session":"conversation_id","role":"role","content":"content",
   "time":"created_at"}'),
('contact_chat', 'id int PRIMARY KEY, contact_id text, role text, text text,
  ts real',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"contact_id","role":"role",
   "content":"text","time":"ts"}'),
('"Message_Logs"', 'id serial PRIMARY KEY, session_id int NOT NULL,
  sender_type varchar(20) NOT NULL, message_text text NOT NULL,
  sent_at timestamp',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"session_id","role":"sender_type",
   "content":"message_text","time":"sent_at"}'),
-- between people, most likely; a type may be anything
('interview_chat_messages', 'id serial PRIMARY KEY, interview_id int NOT NULL,
  sender_type varchar(10) NOT NULL, sender_name varchar(255) NOT NULL,
  message text NOT NULL, created_at timestamptz',
 'flat', 'likely', NULL),
('chat_interactions', 'id uuid PRIMARY KEY, session_id varchar(255) NOT NULL,
  message text NOT NULL, message_type varchar(50), step varchar(50),
  city varchar(255), phone varchar(50), lead_id uuid, ip_address varchar(45),
  user_agent text, created_at timestamptz',
 'flat', 'likely',
 '{"shape":"flat","key":["id"],"owner":"lead_id","session":"session_id",
   "role":"message_type","content":"message","time":"created_at"}'),
('chat_history_wechat', 'id uuid PRIMARY KEY, openid text NOT NULL,
  session_id text, user_info jsonb, conversation jsonb, message_count int,
  start_time timestamptz, last_update_time timestamptz,
  created_at timestamptz, updated_at timestamptz',
 'transcript', 'likely',
 '{"shape":"transcript","key":["id"],"owner":"openid",
   "session":"session_id","transcript":"conversation","time":"created_at"}'),

('library_contacts', 'id serial PRIMARY KEY, ticket_id varchar(50) UNIQUE,
  user_query text NOT NULL, ai_response text, user_email varchar(255),
  timestamp timestamp NOT NULL, status varchar(20), notes text',
 NULL, 'no chat', NULL),
('chat_analytics', 'id bigint PRIMARY KEY, thread_id text NOT NULL,
  user_query text NOT NULL, response_length int, tools_used text[],
  created_at timestamptz', NULL, 'no chat', NULL),
('jobs', 'id text PRIMARY KEY, user_query text NOT NULL, status text NOT NULL,
  created_at timestamp, updated_at timestamp, result text, context text',
 NULL, 'no chat', NULL),
('tasks', 'id uuid PRIMARY KEY, request_id text, session_id text,
  user_query text NOT NULL, status text, state_json jsonb, result_json jsonb,
  error text, created_at timestamptz', NULL, 'no chat', NULL),
('feedback', 'id int PRIMARY KEY, user_id text NOT NULL, message_id text,
  feedback_type text, rating int, correction text, user_message text,
  assistant_response text, context text, created_at text',
 NULL, 'no chat', NULL),
('qa_feedback_logs', 'id uuid PRIMARY KEY, document_id uuid,
  user_id int NOT NULL REFERENCES users, message_id uuid,
  user_query text NOT NULL, ai_response text NOT NULL, rating text,
  feedback_text text, created_at timestamptz', NULL, 'no chat', NULL),
('social_messages', 'id bigint PRIMARY KEY, conversation_id bigint NOT NULL,
  sender_id bigint NOT NULL, type message_type NOT NULL, text text,
  media_id bigint, reply_to_id bigint, created_at timestamp',
 NULL, 'no chat', NULL),
('swarm_messages', 'id text PRIMARY KEY, sender text, recipient text,
  msg_type text, subject text, body text, priority text, thread_id text,
  read int, created_at text, metadata text', NULL, 'no chat', NULL),
('private_messages', 'id int PRIMARY KEY, sender_id int NOT NULL,
  recipient_id int NOT NULL, subject varchar(200), content text NOT NULL,
  sent_at timestamp, read_at timestamp', NULL, 'no chat', NULL),
('friend_applications', 'id text PRIMARY KEY, comment_id text, site text,
  url text, owner text, description text, message text, status text,
  created_at int', NULL, 'no chat', NULL),
('t_device_message', 'id bigint PRIMARY KEY, device_sn varchar(255),
  message text NOT NULL, org_id varchar(50), user_id varchar(50),
  message_type varchar(50), sender_type varchar(50),
  receiver_type varchar(50), sent_time timestamp, title varchar(500),
  priority int', NULL, 'no chat', NULL),
('inbox_message', 'message_id int PRIMARY KEY, sender_id int NOT NULL,
  sender_type varchar(10) NOT NULL, recipient_id int NOT NULL, content text,
  sent_at timestamp', NULL, 'no chat', NULL),
('order_messages', 'id serial PRIMARY KEY, order_id varchar(255) NOT NULL,
  customer_id varchar(255), shop_owner_id varchar(255),
  sender_type varchar(20), message text NOT NULL, timestamp timestamp',
 NULL, 'no chat', NULL),
('messages_on_orders', 'id bigserial PRIMARY KEY, order_id bigint,
  sender_type varchar(30) NOT NULL, sender_name varchar(100),
  sender_email varchar(254), message text NOT NULL, created_at timestamptz',
 NULL, 'no chat', NULL),
('leads', 'id bigserial PRIMARY KEY, email text NOT NULL, name text,
  phone text, conversation jsonb, intent text, source text, status text,
  session_id text, created_at timestamptz', NULL, 'no chat', NULL),
('processing_stages', 'id uuid PRIMARY KEY, job_id uuid NOT NULL, stage text,
  status text, result jsonb, conversation jsonb, usage jsonb,
  created_at timestamptz', NULL, 'no chat', NULL),
('improvements', 'id uuid PRIMARY KEY, question text NOT NULL,
  answer text NOT NULL, created_at timestamptz', NULL, 'no chat', NULL),
('advices', 'id uuid PRIMARY KEY, category text NOT NULL,
  question text NOT NULL, answer text NOT NULL,
  author_id int REFERENCES users, created_at timestamptz',
 NULL, 'no chat', NULL),
('auto_responders', 'id int PRIMARY KEY, guild_id int NOT NULL, trigger text,
  match_type text, response text, channel_id int', NULL, 'no chat', NULL);

-- Where names do not decide, a few rows do. JSON that holds messages:
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
-- an envelope in text; one that is no JSON, and one without messages
('patches',
 'id bigint PRIMARY KEY, workspace_id bigint REFERENCES workspaces,
  patch_id varchar(36), envelope_json text, tokens_used int, success boolean,
  timings json, etag text, created_at timestamp, updated_at timestamp',
 $$(id, envelope_json, timings) VALUES
   (1, '{"messages": [{"role": "user", "content": "Add a cube"},
                      {"role": "assistant", "content": "Added."}]}', '[1, 2]'),
   (2, '{"error": "no credits"}', NULL), (3, 'not JSON at all', NULL),
   (4, '', NULL), (5, NULL, NULL)$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"owner":"workspace_id",
   "transcript":"envelope_json","path":"$.messages[*]","time":"created_at",
   "tokens":"tokens_used"}'),
-- LangChain: a message in a row
('message_store', 'id serial PRIMARY KEY, session_id text, message jsonb',
 $$(session_id, message) VALUES
   ('s', '{"type": "human", "data": {"content": "Hi", "example": false}}'),
   ('s', '{"type": "ai", "data": {"content": "Hello"}}')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"session":"session_id",
   "transcript":"message","path":"$"}'),
('n8n_chat_histories', 'id serial PRIMARY KEY,
  session_id varchar(255) NOT NULL, message jsonb NOT NULL',
 $$(session_id, message) VALUES
   ('s', '{"type": "human", "content": "Hi", "additional_kwargs": {}}'),
   ('s', '{"type": "ai", "content": "Hello", "tool_calls": []}'),
   ('s', '{"type": "system", "content": "Be brief."}')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"session":"session_id",
   "transcript":"message","path":"$"}'),
-- a name that says nothing
('blobs', 'id serial PRIMARY KEY, user_id int, chat_blob jsonb,
  created_at timestamp',
 $$(chat_blob) VALUES ('[{"sender": "USER", "text": "Hi"},
                         {"sender": "BOT", "text": "Hello"}]'), ('[]')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "transcript":"chat_blob","path":"$[*]","time":"created_at"}'),
('sessions', 'id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id int,
  state json, started_at timestamptz',
 $$(state) VALUES ('{"ui": {"open": true}, "log": {"turns": {"all": [
     {"author": "system", "body": "Be brief."},
     {"author": "user", "body": "Hi"}]}}}')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "transcript":"state","path":"$.log.turns.all[*]","time":"started_at"}'),
('voice_agent_calls', 'id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  caller_phone text, started_at timestamptz, transcript jsonb,
  recording_url text, outcome text, created_at timestamptz',
 $$(transcript) VALUES ('[{"role": "agent", "message": "Hello, how can I help?"},
                          {"role": "user", "message": null}]')$$,
 'transcript', 'sure', NULL),
-- the role beside it is that of the row; the JSON is the whole message
('wrapped', 'id serial PRIMARY KEY, session_id text, type text, content jsonb',
 $$(type, content) VALUES
   ('human', '{"role": "user", "content": [{"type": "text", "text": "Hi"}]}'),
   ('ai', '{"role": "assistant", "content": [{"type": "text", "text": "Yes"}]}')
 $$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"session":"session_id",
   "transcript":"content","path":"$"}'),
-- a chat of which no row has begun yet is called like one
('chats_begun', 'id serial PRIMARY KEY, user_id int, messages jsonb',
 $$(messages) VALUES ('[]'), ('[]')$$,
 'transcript', 'likely',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "transcript":"messages"}');

-- ... and JSON that holds something else, whatever it is called.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('documents', 'id serial PRIMARY KEY, user_id int, body jsonb,
  created_at timestamp',
 $$(body) VALUES ('{"type": "doc", "content": [{"type": "paragraph",
     "content": [{"type": "text", "text": "Dear customer"}]}]}')$$,
 NULL, 'no chat', NULL),
('campaigns', 'id serial PRIMARY KEY, user_id int, messages jsonb,
  created_at timestamp',
 $$(messages) VALUES ('[{"type": "push", "text": "Sale!"},
                        {"type": "sms", "text": "Sale!"}]')$$,
 NULL, 'no chat', NULL),
('carts', 'id serial PRIMARY KEY, customer_id int, items jsonb, total numeric',
 $$(items) VALUES ('[{"type": "gift", "text": "Happy birthday", "price": 3}]')$$,
 NULL, 'no chat', NULL),
('page_events', 'id serial PRIMARY KEY, user_id int, payload jsonb',
 $$(payload) VALUES ('{"type": "system", "message": "disk full"}'),
   ('{"type": "click", "text": "Buy"}'), ('{"type": "user", "text": "Ann"}')$$,
 NULL, 'no chat', NULL),
('mail_archive', 'id serial PRIMARY KEY, raw jsonb',
 $$(raw) VALUES ('[{"from": "a@example.com", "body": "Hi"}]')$$,
 NULL, 'no chat', NULL),
('meeting_notes', 'id serial PRIMARY KEY, user_id int, transcript jsonb',
 $$(transcript) VALUES ('[{"speaker": "Ann", "text": "Let us begin."}]')$$,
 NULL, 'no chat', NULL),
-- what a gateway logs: each request repeats what was said before
('api_request_log', 'id bigserial PRIMARY KEY, created_at timestamptz,
  kilo_user_id text, provider text, model text, status_code int,
  request jsonb, response text',
 $$(request) VALUES ('{"messages": [{"role": "user", "content": "Hi"}]}')$$,
 NULL, 'no chat', NULL);

-- A pair or flat messages stay what they are, whatever stands beside them.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('workspace_chats_used',
 'id serial PRIMARY KEY, "workspaceId" int, prompt text, response json,
  user_id int, thread_id int, "createdAt" timestamp',
 $$(prompt, response) VALUES
   ('Hi', '{"text": "Hello", "sources": [], "type": "chat"}')$$,
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","session":"thread_id",
   "question":"prompt","answer":"response","time":"createdAt"}'),
('chat_with_context', 'id serial PRIMARY KEY, user_id int, question text,
  answer text, history jsonb',
 $$(question, answer, history) VALUES
   ('Why?', 'So.', '[{"role": "user", "content": "Hi"}]')$$,
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"question",
   "answer":"answer"}'),
('parts', 'id serial PRIMARY KEY, chat_id text, role text, content jsonb',
 $$(role, content) VALUES ('user', '[{"type": "text", "text": "Hi"}]'),
                          ('assistant', '[{"type": "text", "text": "Hello"}]')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"chat_id","role":"role",
   "content":"content"}');

-- Roles in a column whose name does not say.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('lines', 'id serial PRIMARY KEY, user_id int, who varchar(10), text text,
  created_at timestamp',
 $$(who, text) VALUES ('user', 'Hi'), ('bot', 'Hello'), ('user', 'Bye')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"who",
   "content":"text","time":"created_at"}'),
('turns', 'id serial PRIMARY KEY, session_id text, kind char(12),
  status text, body text',
 $$(kind, status, body) VALUES ('Human', 'done', 'Hi'), ('AI', 'done', 'Hello')
 $$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"session_id","role":"kind",
   "content":"body"}'),
('said', 'id serial PRIMARY KEY, phone text, source text, type text,
  message text',
 $$(phone, source, type, message) VALUES ('1', 'user', 'text', 'Hi'),
   ('1', 'bot', 'text', 'Hello'), ('1', 'user', 'image', '')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"phone","role":"source",
   "content":"message"}'),
('sms', 'id serial PRIMARY KEY, phone text, way text, body text',
 $$(way, body) VALUES ('In', 'Hi'), ('Out', 'Hello'),
   ('system', 'They are gone.')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"phone","role":"way",
   "roles":{"In":"user","Out":"assistant"},"content":"body"}'),
-- an enum says so without a row
('by_enum', 'id serial PRIMARY KEY, user_id int, origin_of_it role_upper,
  text text', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"origin_of_it",
   "content":"text"}'),
-- one that is not known yet: the bot's name, most likely, but that is asked
('chat_messages_named', 'id serial PRIMARY KEY, user_id int, text text,
  sender varchar(10), created_at timestamp',
 $$(text, sender) VALUES ('Hi', 'user'), ('Hello', 'lyra')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"sender",
   "content":"text","time":"created_at"}');

-- ... and names, types and kinds that are no roles.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('guests', 'id serial PRIMARY KEY, user_id int, author text, content text,
  created_at timestamp',
 $$(author, content) VALUES ('Ann', 'Nice!'), ('Bob', 'Well.'),
                            ('Carl', 'Hm.'), ('Dora', 'Yes.')$$,
 NULL, 'no chat', NULL),
('said_by', 'id serial PRIMARY KEY, name text, role text, content text,
  created_at timestamp',
 $$(name, role, content) VALUES ('Ann', 'CEO', 'Great!'), ('Bob', 'CTO', 'Good'),
   ('Carl', 'Doctor', 'Fast'), ('Dora', 'Teacher', 'Nice')$$,
 NULL, 'no chat', NULL),
('user_events', 'id serial PRIMARY KEY, user_id int, session_id text,
  type text, message text, created_at timestamp',
 $$(type, message) VALUES ('login', 'Ann logged in'), ('logout', 'and out'),
                          ('login', 'and in')$$,
 NULL, 'no chat', NULL),
('group_chat', 'id serial PRIMARY KEY, room_id int, sender text, text text,
  created_at timestamp',
 $$(sender, text) VALUES ('ann', 'Hi'), ('bob', 'Hi'), ('carl', 'Hi'),
                         ('dora', 'Hi')$$,
 'flat', 'likely', NULL);

-- Seconds against milliseconds.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('seconds', 'id serial PRIMARY KEY, user_id int, prompt text, response text,
  ts int', '(ts) VALUES (0), (1714557600)', 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"prompt",
   "answer":"response","time":"ts","epoch":"seconds"}'),
('milliseconds', 'id serial PRIMARY KEY, user_id int, role text, content text,
  "createdAt" numeric', '("createdAt") VALUES (1714557600123), (NULL)',
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"role",
   "content":"content","time":"createdAt","epoch":"milliseconds"}'),
('microseconds', 'id serial PRIMARY KEY, user_id int, message text, reply text,
  at float8', '(at) VALUES (1714557600123456), (''NaN''), (''Infinity'')',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"message",
   "answer":"reply","time":"at","epoch":"microseconds"}'),
-- two units: nothing is proposed
('mixed_units', 'id serial PRIMARY KEY, user_id int, prompt text,
  response text, ts bigint', '(ts) VALUES (1714557600), (1714557600123)',
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"user_id","question":"prompt",
   "answer":"response","time":"ts"}');

-- Widely used applications: Open WebUI, the AI chatbot template of Vercel,
-- Langflow, Onyx, Chatbot UI, Zep.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('chat', 'id text PRIMARY KEY, user_id text, title text, chat json,
  created_at bigint, updated_at bigint, share_id text, archived boolean',
 $$(id, chat, created_at) VALUES ('c1', '{"title": "Hi",
     "history": {"messages": {"m1": {"role": "user", "content": "Hi"}}},
     "messages": [{"id": "m1", "role": "user", "content": "Hi"},
                  {"id": "m2", "role": "assistant", "content": "Hello"}]}',
     1714557600)$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"owner":"user_id","transcript":"chat",
   "path":"$.messages[*]","time":"created_at","epoch":"seconds"}'),
('"Message_v2"', 'id uuid PRIMARY KEY, "chatId" uuid NOT NULL,
  role varchar NOT NULL, parts json NOT NULL, attachments json NOT NULL,
  "createdAt" timestamp NOT NULL', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"chatId","role":"role",
   "content":"parts","time":"createdAt"}'),
('message', 'id uuid PRIMARY KEY, timestamp timestamp NOT NULL,
  sender varchar NOT NULL, sender_name varchar NOT NULL,
  session_id varchar NOT NULL, text text, files json, flow_id uuid,
  error boolean, category text, properties json, content_blocks json',
 $$(id, timestamp, sender, sender_name, session_id, text) VALUES
   (gen_random_uuid(), '2024-05-01', 'User', 'User', 's', 'Hi'),
   (gen_random_uuid(), '2024-05-01', 'Machine', 'AI', 's', 'Hello')$$,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"session_id","role":"sender",
   "content":"text","time":"timestamp","metadata":"properties"}'),
('onyx_chat_message', 'id serial PRIMARY KEY, chat_session_id uuid NOT NULL,
  message text NOT NULL, message_type role_upper NOT NULL, token_count int,
  time_sent timestamptz, parent_message int', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"chat_session_id",
   "role":"message_type","content":"message","time":"time_sent",
   "tokens":"token_count"}'),
('ui_messages', 'id uuid PRIMARY KEY, chat_id uuid NOT NULL,
  user_id uuid NOT NULL, assistant_id uuid, created_at timestamptz,
  updated_at timestamptz, content text NOT NULL, image_paths text[],
  model text NOT NULL, role text NOT NULL, sequence_number int NOT NULL', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","counterpart":"assistant_id",
   "session":"chat_id","role":"role","content":"content","model":"model",
   "time":"created_at"}'),
('zep_message', 'uuid uuid PRIMARY KEY, id bigint, created_at timestamptz,
  session_id varchar NOT NULL, role varchar NOT NULL, role_type varchar,
  content varchar NOT NULL, token_count bigint, metadata jsonb', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["uuid"],"session":"session_id","role":"role",
   "content":"content","tokens":"token_count","metadata":"metadata",
   "time":"created_at"}');

-- ... and what Laravel, Odoo, FreeScout, Moodle, Django and others keep.
INSERT INTO cases (name, columns, shape, confidence) VALUES
('telescope_entries', 'sequence bigserial PRIMARY KEY, uuid uuid,
  batch_id uuid, family_hash varchar, type varchar(20), content text,
  created_at timestamp', NULL, 'no chat'),
('notifications_sent', 'id uuid PRIMARY KEY, type varchar NOT NULL,
  notifiable_type varchar, notifiable_id bigint, data text NOT NULL,
  read_at timestamp, created_at timestamp', NULL, 'no chat'),
('web_sessions', 'id varchar PRIMARY KEY, user_id bigint, ip_address varchar,
  user_agent text, payload text, last_activity int', NULL, 'no chat'),
('activity_log', 'id bigserial PRIMARY KEY, log_name varchar,
  description text, subject_type varchar, subject_id bigint,
  properties json, created_at timestamp', NULL, 'no chat'),
('mail_message', 'id serial PRIMARY KEY, subject varchar, body text,
  author_id int, email_from varchar, message_type varchar, model varchar,
  res_id int, date timestamp', NULL, 'no chat'),
('threads', 'id serial PRIMARY KEY, conversation_id int, user_id int,
  type smallint, body text, "to" text, cc text, bcc text,
  created_at timestamp', NULL, 'no chat'),
('mdl_messages', 'id bigserial PRIMARY KEY, useridfrom bigint,
  conversationid bigint, subject text, fullmessage text, timecreated bigint',
 NULL, 'no chat'),
('django_session', 'session_key varchar(40) PRIMARY KEY, session_data text,
  expire_date timestamptz', NULL, 'no chat'),
('posts', 'id serial PRIMARY KEY, user_id int REFERENCES users, type varchar,
  content text, created_at timestamp', NULL, 'no chat'),
('pages', 'id serial PRIMARY KEY, title text, content text, author text,
  slug text, created_at timestamp', NULL, 'no chat'),
('onboarding_answers', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  question text, answer text, created_at timestamp', NULL, 'no chat');

-- The five systems' other tables.
INSERT INTO cases (name, columns, shape, confidence) VALUES
('whatsapp_users', 'id text PRIMARY KEY, phone text UNIQUE, name text,
  "isActive" boolean, "lastMessageAt" timestamp, "createdAt" timestamp',
 NULL, 'no chat'),
('"User"', 'id text PRIMARY KEY, "phoneNumber" text UNIQUE, name text,
  "createdAt" timestamp(3)', NULL, 'no chat'),
('"Media"', 'id text PRIMARY KEY, url text, type text, summary text,
  "userId" text, "createdAt" timestamp(3)', NULL, 'no chat'),
('"Conversation"', 'id text PRIMARY KEY, "userId" text,
  "createdAt" timestamp(3), "updatedAt" timestamp(3)', NULL, 'no chat'),
('mentor_chats', 'id text PRIMARY KEY, "userId" text, "mentorId" text,
  title text, "isActive" boolean, metadata jsonb, "createdAt" timestamp(3)',
 NULL, 'no chat'),
('tenants_workspaces', 'id bigint PRIMARY KEY, name text, metadata json,
  created_at timestamp, updated_at timestamp', NULL, 'no chat'),
('games', 'id bigint PRIMARY KEY, workspace_id bigint REFERENCES workspaces,
  title text, conversation_id bigint, created_at timestamp', NULL, 'no chat'),
('chat_conversations', 'id bigint PRIMARY KEY, workspace_id bigint,
  title varchar(255), description text, created_at timestamp',
 NULL, 'no chat');

-- And once more.
INSERT INTO cases (name, columns, rows, shape, confidence, mapping) VALUES
('journal', 'id serial PRIMARY KEY, telegram_id text, user_text text,
  ai_reply text, mode text, created_at text', NULL,
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"owner":"telegram_id","question":"user_text",
   "answer":"ai_reply","time":"created_at"}'),
('ai_messages', 'id serial PRIMARY KEY, conversation_id bigint NOT NULL,
  user_message text NOT NULL, ai_reply text, created_at timestamp', NULL,
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"session":"conversation_id",
   "question":"user_message","answer":"ai_reply","time":"created_at"}'),
('voice_history', 'id int PRIMARY KEY, user_input text NOT NULL,
  assistant_response text NOT NULL, language text, timestamp timestamp', NULL,
 'pair', 'sure',
 '{"shape":"pair","key":["id"],"question":"user_input",
   "answer":"assistant_response","time":"timestamp"}'),
('conversation_history_discord', 'id int PRIMARY KEY, guild_id text,
  user_id text, channel_id text, role text, content text, timestamp text',
 NULL, 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","session":"channel_id",
   "role":"role","content":"content","time":"timestamp"}'),
('conversation_history_modes', 'id int PRIMARY KEY,
  conversation_id text NOT NULL, message_type text NOT NULL,
  content text NOT NULL, thinking_mode text, timestamp timestamp,
  metadata text', NULL,
 'flat', 'likely',
 '{"shape":"flat","key":["id"],"session":"conversation_id",
   "role":"message_type","content":"content","time":"timestamp"}'),
('conversation_history_airtable', 'id int PRIMARY KEY, airtable_id text UNIQUE,
  user_id text NOT NULL, content text, role text, mode text,
  message_type text, timestamp text, created_time text', NULL,
 'flat', 'sure', NULL),
('ai_messages_of_books', 'id int PRIMARY KEY, book_id text NOT NULL,
  chapter_id int, scope_key text NOT NULL, role text NOT NULL,
  content text NOT NULL, tokens int NOT NULL, created_at int NOT NULL', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"role":"role","content":"content",
   "tokens":"tokens","time":"created_at"}'),
('ai_messages_by_flag', 'id int PRIMARY KEY, conversation_id int NOT NULL,
  is_user boolean, message text NOT NULL, timestamp timestamp', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"conversation_id","role":"is_user",
   "content":"message","time":"timestamp"}'),
('ai_messages_of_leads', 'id uuid PRIMARY KEY, conversation_id uuid NOT NULL,
  direction varchar(10) NOT NULL, sender_type varchar(10) NOT NULL,
  sender_id uuid, channel varchar(20), content text, created_at timestamptz',
 NULL, 'flat', 'sure',
 '{"shape":"flat","key":["id"],"session":"conversation_id",
   "role":"sender_type","content":"content","time":"created_at"}'),
('chat_messages_intercom', 'id text PRIMARY KEY,
  user_id int REFERENCES users, sender text NOT NULL, role text NOT NULL,
  text text NOT NULL, timestamp text, created_epoch int', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","role":"role",
   "content":"text","time":"timestamp"}'),
('conversations', 'id serial PRIMARY KEY, session_id text NOT NULL,
  user_id text, message text NOT NULL, sender text NOT NULL,
  timestamp text NOT NULL, metadata text', NULL,
 'flat', 'sure',
 '{"shape":"flat","key":["id"],"owner":"user_id","session":"session_id",
   "role":"sender","content":"message","time":"timestamp"}'),
-- text messages in both directions; that it is a bot who answers, nobody says
('sms_messages_of_leads', 'id uuid PRIMARY KEY, campaign_id uuid, lead_id uuid,
  to_phone varchar(50) NOT NULL, from_phone varchar(50) NOT NULL,
  message_body text NOT NULL, direction varchar(10), status varchar(20),
  sent_at timestamptz, created_at timestamptz', NULL,
 'flat', 'likely', NULL),
('history_of_sessions', 'id serial PRIMARY KEY, user_id text, session_id text,
  messages text, brief_count int, current_brief text, created_at timestamp,
  ended_at timestamp',
 $$(messages) VALUES ('[{"role": "user", "content": "Hi"}]')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["id"],"owner":"user_id",
   "session":"session_id","transcript":"messages","path":"$[*]",
   "time":"created_at"}'),
('conversation_history_of_user', 'user_id text PRIMARY KEY, history text',
 $$VALUES ('ann', '[{"role": "user", "content": "Hi"}]')$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["user_id"],"transcript":"history",
   "path":"$[*]"}'),
('call_history', 'session_id text PRIMARY KEY, conversation_id text NOT NULL,
  agent_name text NOT NULL, engine text NOT NULL, schema_version text,
  history_json text NOT NULL, created_at timestamp, updated_at timestamp',
 $$VALUES ('s', 'c', 'anna', 'gpt', '1',
   '{"v": 1, "history": [{"role": "agent", "text": "Hello"}]}', NULL, NULL)$$,
 'transcript', 'sure',
 '{"shape":"transcript","key":["session_id"],"counterpart":"agent_name",
   "session":"conversation_id","model":"engine",
   "transcript":"history_json","path":"$.history[*]","time":"created_at"}');

INSERT INTO cases (name, columns, shape, confidence) VALUES
('complaints', 'id text PRIMARY KEY, text text NOT NULL,
  ai_reply text NOT NULL, timestamp bigint NOT NULL', NULL, 'no chat'),
('trace_evaluations', 'id int PRIMARY KEY, conversation_id text NOT NULL,
  eval_run_id text, trace_json text NOT NULL, user_message text NOT NULL,
  history_json text, ai_reply text, triage_result text, trace_score real',
 NULL, 'no chat'),
('citizen_reports', 'id uuid PRIMARY KEY, user_id int REFERENCES users,
  subject text, message text NOT NULL, category text, priority text,
  assigned_to uuid, ai_reply text, status text, created_at timestamptz',
 NULL, 'no chat'),
('delivery_reviews', 'id uuid PRIMARY KEY, business_id uuid, platform text,
  rating int NOT NULL, content text, customer_name text, order_summary text,
  ai_reply text, reply_status text, created_at timestamptz', NULL, 'no chat'),
('leads_answered', 'id uuid PRIMARY KEY, name text NOT NULL, business text,
  email text NOT NULL, message text, ai_reply text, status text,
  created_at timestamptz', NULL, 'no chat'),
('mails', 'id int PRIMARY KEY, uid text, account text, from_addr text,
  subject text, body text, date text, category text, ai_reply text, sent int',
 NULL, 'no chat'),
('social_comments', 'id uuid PRIMARY KEY, platform_post_id uuid,
  user_id int REFERENCES users, content text NOT NULL, author text,
  classification text, priority int, ai_reply text, user_reply text,
  created_at timestamp, metadata jsonb', NULL, 'no chat'),
('history_posts', 'id int PRIMARY KEY, conversation_id int NOT NULL,
  user_telegram_id text NOT NULL, identifier text, post_number int,
  telegram_message_id int, content text NOT NULL, char_count int',
 NULL, 'no chat'),
('ai_insights', 'id uuid PRIMARY KEY, date date NOT NULL, type text NOT NULL,
  content text NOT NULL', NULL, 'no chat'),
('responses', 'id int PRIMARY KEY, session_key text, ts int, text text,
  prompt text, seen int, source text, text_sha1 text', NULL, 'no chat'),
('inquiries', 'id uuid PRIMARY KEY, audience_type text NOT NULL,
  name text NOT NULL, email text NOT NULL, phone text, message text NOT NULL,
  form_data jsonb, created_at timestamptz', NULL, 'no chat'),
('sim_sms_messages', 'id text PRIMARY KEY, rental_id text NOT NULL,
  sender text NOT NULL, message text NOT NULL, code text,
  received_at timestamptz', NULL, 'no chat'),
('incomingsms', 'id serial PRIMARY KEY, sender text NOT NULL,
  recipient text NOT NULL, message text NOT NULL, foreignid int,
  whenreceived int', NULL, 'no chat'),
('documents_received', 'id text PRIMARY KEY, direction text NOT NULL,
  year text, type text, code text, subject text NOT NULL, sender text NOT NULL,
  receiver text NOT NULL, priority text, status text', NULL, 'no chat'),
('messages_of_people', 'id int PRIMARY KEY,
  sender text NOT NULL REFERENCES people,
  receiver text NOT NULL REFERENCES people, text text NOT NULL,
  message_type text, media_path text, timestamp timestamp', NULL, 'no chat'),
('prompts', 'id uuid PRIMARY KEY, user_id int REFERENCES users, name text,
  description text, type interaction_type NOT NULL, content text NOT NULL,
  created_at timestamptz', NULL, 'no chat'),
('prompts_saved', 'id serial PRIMARY KEY, user_id int REFERENCES users,
  title varchar(255), original_input text NOT NULL,
  generated_prompt text NOT NULL, model_used varchar(100), is_public boolean',
 NULL, 'no chat'),
('gmail_metadata', 'message_id text PRIMARY KEY, subject text, sender text,
  sender_domain text, category text, risk_score text', NULL, 'no chat');

DO $$
DECLARE
    c cases;
BEGIN
    FOR c IN SELECT * FROM cases LOOP
        EXECUTE format('CREATE TABLE %s (%s)', c.name, c.columns);
        IF c.rows IS NOT NULL THEN
            EXECUTE format('INSERT INTO %s %s', c.name, c.rows);
        END IF;
    END LOOP;
END
$$;

-- Whatever detection says otherwise: nothing. (A table that is no chat may
-- have a mapping; where that matters, the case has one.)
SELECT c.name, d.shape, c.shape AS expected_shape, d.confidence,
       c.confidence AS expected_confidence, d.mapping,
       c.mapping AS expected_mapping, d.notes
FROM cases AS c, chatmig_detect(c.name::text::regclass) AS d
WHERE c.shape IS DISTINCT FROM d.shape
   OR c.confidence <> CASE WHEN d.confidence >= 0.6::real THEN 'sure'
                           WHEN d.confidence >= 0.4::real THEN 'likely'
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

-- What speaks against a chat; text that is called like a transcript is pointed
-- at, and so is what rows did not bear out.
SELECT note FROM chatmig_detect('tickets'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('contact_form'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('patches_empty'), unnest(notes) AS note;
SELECT note FROM chatmig_detect('campaigns'), unnest(notes) AS note;

-- What rows said: of the rows of patches that hold anything, one of three has
-- messages; in "who" a user and an assistant are named; "In" and "Out" are
-- opposites; what "lyra" means is to be said; "sender" has names of people;
-- numbers count seconds, or two units.
SELECT c.name, note
FROM cases AS c, chatmig_detect(c.name::text::regclass) AS d,
     unnest(notes) AS note
WHERE c.name IN ('patches', 'message_store', 'conversation_history', 'lines',
                 'sms', 'chat_messages_named', 'group_chat', 'seconds',
                 'mixed_units')
  AND note ~ '^(transcript|role|time): column'
ORDER BY c.number;

-- Where the messages are, for each value that a column of JSON may hold.
CREATE TABLE values_of_json (n int GENERATED ALWAYS AS IDENTITY,
                             value jsonb, path text);
INSERT INTO values_of_json (value, path) VALUES
-- the five names of a role, the four of a content, at the top and below
('[{"role": "user", "content": "Hi"}]', '$[*]'),
('[{"type": "human", "text": "Hi"}]', '$[*]'),
('[{"sender": "Bot", "message": "Hi"}]', '$[*]'),
('[{"from": "CUSTOMER", "body": "Hi"}]', '$[*]'),
('[{"author": "assistant", "content": null, "tool_calls": []}]', '$[*]'),
('{"messages": [{"role": "user", "content": "Hi"}]}', '$.messages[*]'),
('{"a": {"b": {"c": {"d": [{"role": "user", "content": "Hi"}]}}}}',
 '$.a.b.c.d[*]'),
-- five keys deep is too deep
('{"a": {"b": {"c": {"d": {"e": [{"role": "user", "content": ""}]}}}}}', NULL),
-- keys that are no plain words are quoted
('{"chat log": [{"role": "user", "content": "Hi"}]}', '$."chat log"[*]'),
('{"1st \"talk\"": [{"role": "user", "content": "Hi"}]}',
 '$."1st \"talk\""[*]'),
('{"": [{"role": "user", "content": "Hi"}]}', '$.""[*]'),
('{"größe": [{"role": "user", "content": "Hi"}]}', '$."größe"[*]'),
-- one message alone, and LangChain's; but not a member of something else
('{"role": "user", "content": "Hi"}', '$'),
('{"type": "ai", "data": {"content": "Hello"}}', '$'),
('{"to": "all", "last": {"role": "user", "content": "Hi"}}', NULL),
-- a content of parts; the parts are no messages themselves
('[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]', '$[*]'),
('{"content": [{"type": "text", "text": "Hi"}]}', NULL),
-- each message in an object of its own, and a message of messages
('[{"id": 1, "message": {"author": "user", "text": "Hi"}}]', '$[*].message'),
('{"turns": [{"messages": [{"role": "user", "content": "Hi"}]}]}',
 '$.turns[*].messages[*]'),
-- nearest to the top; of two at one depth, the longer one
('{"x": {"messages": [{"role": "user", "content": "1"}]},
   "log": [{"role": "user", "content": "2"}]}', '$.log[*]'),
('{"short": [{"role": "user", "content": "1"}],
   "long": [{"role": "user", "content": "1"}, {"role": "ai", "content": "2"}]}',
 '$.long[*]'),
-- a system's words first, a message without a content, an unknown name
('[{"role": "system", "content": "Be brief."}, {"role": "user"},
   {"role": "user", "content": "Hi"}]', '$[*]'),
('[{"role": "user", "content": "Hi"}, {"role": "lyra", "content": "Hello"}]',
 '$[*]'),
-- no speaker is known: rich text, e-mails, testimonials, events, references
('{"type": "doc", "content": [{"type": "paragraph", "content": []}]}', NULL),
('[{"from": "ann@example.com", "body": "Dear Bob"}]', NULL),
('[{"author": "Ann", "text": "Great!"}, {"role": "CEO", "text": "Yes"}]', NULL),
('[{"type": "system", "message": "disk full"}]', NULL),
('[{"role": 1, "content": "Hi"}]', NULL),
('[{"role": "user", "name": "Ann"}]', NULL),
('[{"role": "user", "content": {"id": 1}}]', NULL),
-- most of it is something else
('[{"role": "user", "content": "Hi"}, 1, 2]', NULL),
-- nothing, and values that are no containers
('[]', NULL), ('{}', NULL), ('"user"', NULL), ('1', NULL), ('null', NULL),
('[[[[[{"role": "user", "content": "Hi"}]]]]]', NULL);

CREATE FUNCTION path_of(value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    CREATE TABLE holder (id int PRIMARY KEY, session_id text, messages jsonb);
    INSERT INTO holder VALUES (1, 's', value);
    SELECT mapping ->> 'path' INTO result FROM chatmig_detect('holder');
    DROP TABLE holder;
    RETURN result;
END
$$;
-- Whatever is found elsewhere: nothing.
SELECT n, value, path_of(value), path AS expected FROM values_of_json
WHERE path_of(value) IS DISTINCT FROM path ORDER BY n;
-- Each path leads to objects, as the server reads it.
SELECT n, path FROM values_of_json
WHERE path IS NOT NULL
  AND NOT EXISTS (SELECT FROM jsonb_path_query(value, path::jsonpath) AS m
                  WHERE jsonb_typeof(m) = 'object') ORDER BY n;

-- What is no JSON, or none that jsonb could hold, is passed over, or ends the
-- sample: none of it is an error. The last two rows have messages.
CREATE TABLE broken_chat (id int PRIMARY KEY, session_id text, log text);
INSERT INTO broken_chat VALUES
(1, 's', '{"role": "user", "content": "'), (2, 's', '[{"role": "user",]'),
(3, 's', '[{"role": "user", "content": "\u0000"}]'), (4, 's', '["user'),
(5, 's', '[{"role": "user", "content": "Hi"}]'),
(6, 's', ' [{"role": "bot", "content": "Hello"}]');
SELECT shape, mapping ->> 'path' AS path FROM chatmig_detect('broken_chat');
-- Numbers that are too large for any, and nesting that is too deep, come
-- first: these rows are left behind.
CREATE TABLE broken_chat_too (LIKE broken_chat INCLUDING ALL);
INSERT INTO broken_chat_too
SELECT i, 's', '[{"role": "user", "content": 1e999999999}]'
FROM generate_series(1, 2) AS i;
INSERT INTO broken_chat_too VALUES
(3, 's', '{"role": "user", "content": ' || repeat('[', 100000));
INSERT INTO broken_chat_too SELECT * FROM broken_chat WHERE id > 4;
SELECT shape, mapping ->> 'path' AS path FROM chatmig_detect('broken_chat_too');
SELECT note FROM chatmig_detect('broken_chat_too'), unnest(notes) AS note
WHERE note LIKE 'some%';
-- Where there are too many of them, nothing is known, and it is only a note.
TRUNCATE broken_chat_too;
INSERT INTO broken_chat_too
SELECT i, 's', '[{"role": "user", "content": 1e999999999}]'
FROM generate_series(1, 30) AS i;
INSERT INTO broken_chat_too VALUES (31, 's', '[{"role": "user", "text": "Hi"}]');
SELECT shape, note FROM chatmig_detect('broken_chat_too'), unnest(notes) AS note;
-- A value of more than a megabyte is not looked into, but those beside it.
UPDATE broken_chat SET log = '[{"role": "user", "content": "' || repeat('x', 2000000) || '"}]'
WHERE id < 5;
SELECT shape, note FROM chatmig_detect('broken_chat'), unnest(notes) AS note
WHERE note LIKE 'transcript%';
-- After all that, the transaction lives, and nothing has been locked for good.
BEGIN;
SELECT count(*) FROM chatmig_detect('broken_chat');
INSERT INTO broken_chat VALUES (7);
SELECT relation::regclass, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND relation = 'broken_chat'::regclass
ORDER BY mode;
COMMIT;

-- Rows are looked at from both ends: the last ones of a large table have
-- another unit.
CREATE TABLE chat_large (id int PRIMARY KEY, user_id int, prompt text,
                         response text, ts bigint);
INSERT INTO chat_large SELECT i, 1, repeat('x', 500), 'yes',
    CASE WHEN i < 1900 THEN 1714557600 + i ELSE 1714557600000 + i END
FROM generate_series(1, 2000) AS i;
SELECT note FROM chatmig_detect('chat_large'), unnest(notes) AS note
WHERE note LIKE 'time%';

-- Of a partitioned table rows of the partitions are, also if one has its
-- columns in another order.
CREATE TABLE split_up (id int, session_id text, data jsonb, day date,
                       PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE split_up_1 PARTITION OF split_up
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE split_up_2 (data jsonb, dropped int, day date NOT NULL,
                         session_id text, id int NOT NULL);
ALTER TABLE split_up_2 DROP COLUMN dropped;
ALTER TABLE split_up ATTACH PARTITION split_up_2
    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO split_up VALUES
(1, 's', '[{"role": "user", "content": "Hi"}]', '2025-05-01');
SELECT shape, mapping ->> 'path' AS path FROM chatmig_detect('split_up');

-- Nothing is read of a view, a materialized view, or where row security
-- applies: then there is only the name.
CREATE VIEW transcript_view AS SELECT id, session_id, data FROM split_up;
SELECT shape FROM chatmig_detect('transcript_view');
CREATE ROLE regress_chatmig_reader;
GRANT USAGE ON SCHEMA regress_detect TO regress_chatmig_reader;
GRANT SELECT ON message_store, lines TO regress_chatmig_reader;
ALTER TABLE message_store ENABLE ROW LEVEL SECURITY;
SELECT shape FROM chatmig_detect('message_store');
SET ROLE regress_chatmig_reader;
SELECT shape FROM chatmig_detect('message_store');
SELECT shape FROM chatmig_detect('lines');
-- Nor with a right on some columns only.
RESET ROLE;
REVOKE SELECT ON lines FROM regress_chatmig_reader;
GRANT SELECT (id, text, who) ON lines TO regress_chatmig_reader;
SET ROLE regress_chatmig_reader;
SELECT shape FROM chatmig_detect('lines');
RESET ROLE;
-- In a parallel worker there can be no subtransaction, and so no sample; it is
-- no error, though the function is declared as not to run there at all. (From
-- 16 on the setting has another name.)
SELECT name AS force_parallel FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
ALTER FUNCTION chatmig_detect(regclass) PARALLEL SAFE;
SET :force_parallel = on;
SELECT shape FROM chatmig_detect('lines');
RESET :force_parallel;
ALTER FUNCTION chatmig_detect(regclass) PARALLEL UNSAFE;

-- A registration takes what rows say of the roles, and of the time.
SELECT chatmig_register('sms', target => '{"conversations": "sms_c", "messages": "sms_m"}');
SELECT mapping -> 'roles' AS roles FROM chatmig_migration WHERE name = 'sms';
SELECT chatmig_register('seconds', target => '{"conversations": "seconds_c", "messages": "seconds_m"}');
SELECT mapping -> 'epoch' AS epoch FROM chatmig_migration
WHERE name = 'seconds';
SELECT chatmig_unregister('sms'), chatmig_unregister('seconds');

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
