-- The floor: the finished tables, copied. Nothing is read but them, and nothing
-- is sorted, joined or computed.
SET search_path = rival, public;
SET jit = off;
CREATE TABLE conversations AS SELECT * FROM public.conversations;
CREATE TABLE messages AS SELECT * FROM public.messages;
CREATE TABLE chat_messages_trace AS SELECT * FROM public.chat_messages_trace;
