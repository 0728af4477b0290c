-- The old table, as AuraFlow has it, with metadata; users as it refers to them.
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO users (name) SELECT 'user ' || i FROM generate_series(1, :users) AS i;

CREATE TABLE chat_messages (
    id serial PRIMARY KEY,
    user_id int REFERENCES users ON DELETE CASCADE,
    session_id varchar(255),
    message text,
    response text,
    model varchar(100),
    metadata jsonb,
    "timestamp" timestamp DEFAULT now()
);
