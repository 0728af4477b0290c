-- AuraFlow's old tables: a question and its answer in one row.

CREATE TABLE users (
    id serial PRIMARY KEY,
    name varchar(100) NOT NULL UNIQUE
);

CREATE TABLE chat_messages (
    id serial PRIMARY KEY,
    user_id integer REFERENCES users (id) ON DELETE CASCADE,
    message text NOT NULL,
    response text NOT NULL,
    model varchar(100),
    "timestamp" timestamp DEFAULT CURRENT_TIMESTAMP,
    session_id varchar(255)
);
CREATE INDEX chat_messages_user_id_timestamp_idx
    ON chat_messages (user_id, "timestamp" DESC);

INSERT INTO users (name) VALUES
    ('ada'), ('ben'), ('chidi'), ('dilara'), ('emre'), ('fatou'), ('goran'),
    ('hana'), ('ines'), ('jun'), ('kofi'), ('lena'), ('silent');
