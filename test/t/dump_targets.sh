#!/bin/sh
# Dump and restore with existing tables that are filled: what comes back is
# what was there, and goes on from there.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

schemas='app'

# The application's tables, with rows of its own: numbers from sequences and
# roles from an enum; rows that stay in place; rows that are linked; an owner
# who has no message.
application()
{
	sql "$1" <<-'SQL' >/dev/null
		CREATE SCHEMA app;
		CREATE SCHEMA tool;
		CREATE EXTENSION chatmig SCHEMA tool;
		SET search_path = app;
		CREATE TYPE role AS ENUM ('USER', 'BOT');
		CREATE TABLE users (id int PRIMARY KEY, created_at timestamptz);
		INSERT INTO users SELECT i, '2023-01-01Z' FROM generate_series(1, 4) AS i;
		CREATE TABLE pairs (
		    id int PRIMARY KEY, user_id int REFERENCES users, message text,
		    response text, model text, created_at timestamptz);
		INSERT INTO pairs
		SELECT i, i % 2 + 1, 'q' || i, 'a' || i, 'm' || i,
		       timestamptz '2024-01-01Z' + i * interval '1 min'
		FROM generate_series(1, 10) AS i;
		CREATE TABLE "Conversation" (
		    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "userId" int,
		    "createdAt" timestamp(3), "updatedAt" timestamp(3));
		CREATE TABLE "Message" (
		    id bigserial PRIMARY KEY, "conversationId" int NOT NULL REFERENCES "Conversation",
		    role role NOT NULL, content text, "createdAt" timestamp(3));
		INSERT INTO "Conversation" ("userId") VALUES (3);
		INSERT INTO "Message" ("conversationId", role, content) VALUES (1, 'USER', 'theirs');
		CREATE TABLE games (id int PRIMARY KEY, owner int, chat int REFERENCES "Conversation");
		INSERT INTO games VALUES (1, 1, NULL), (2, 3, NULL), (3, 4, NULL);
		CREATE TABLE chats (id text PRIMARY KEY, user_id int);
		CREATE TABLE notes (
		    id text PRIMARY KEY, user_id int, role text, content text,
		    created_at timestamptz, chat_id text REFERENCES chats);
		INSERT INTO notes
		SELECT 'n' || i, i % 2, 'user', 'note ' || i,
		       timestamptz '2024-01-01Z' + i * interval '1 min'
		FROM generate_series(1, 6) AS i;
	SQL
}

register()
{
	sql "$1" <<-'SQL' >/dev/null
		SELECT tool.chatmig_register('app.pairs', target => '{
		    "conversations": "Conversation", "messages": "Message",
		    "links": [{"table": "games", "owner": "owner", "conversation": "chat"}]}',
		    options => '{"empty_owners": true}');
		SELECT tool.chatmig_register('app.notes', target => '{
		    "conversations": "chats", "messages": "notes"}');
	SQL
}

status='SELECT * FROM tool.chatmig_status ORDER BY migration'
validate='SELECT * FROM tool.chatmig_validate() ORDER BY migration, check_name COLLATE "C"'
violations="SELECT migration, check_name, detail FROM tool.chatmig_validate()
	WHERE status IN ('violation', 'warning')"
migrate='SELECT migration, legacy_rows, already, skipped, migrated, conversations, messages, links
	FROM tool.chatmig_migrate()'

# restore HOW: chatmig_dump into an empty chatmig_copy
restore()
{
	fresh chatmig_copy
	case $1 in
	plain)
		pg_dump -d chatmig_dump -f "$scratch/plain"
		psql -X -q -v ON_ERROR_STOP=1 -d chatmig_copy -f "$scratch/plain"
		;;
	custom)
		pg_dump -Fc -d chatmig_dump -f "$scratch/custom"
		pg_restore --exit-on-error -d chatmig_copy "$scratch/custom"
		;;
	esac >"$scratch/restore.out" || cat "$scratch/restore.out"
}

# Rows of both histories, of owners that were there and of one that had none.
add_rows()
{
	sql "$1" <<-'SQL'
		SET search_path = app;
		INSERT INTO pairs VALUES
		    (11, 1, 'late', 'answer', NULL, '2024-02-01Z'), (12, 4, 'first', NULL, NULL, '2024-02-01Z');
		INSERT INTO games VALUES (4, 2, NULL);
		INSERT INTO notes VALUES ('n7', 1, 'user', 'late', '2024-01-02Z');
	SQL
}

fresh chatmig_dump
application chatmig_dump
content chatmig_dump $schemas >"$scratch/before"
register chatmig_dump
is "$(sql chatmig_dump "$migrate")" "notes|6|0|0|6|2|6|0
pairs|10|0|0|10|3|20|2" "both are migrated, and two rows linked"
is "$(sql chatmig_dump "$violations")" "" "the checks find nothing"

content chatmig_dump $schemas >"$scratch/content"
for format in plain custom; do
	ok "$format: is restored without an error" restore "$format"
	is "$(content chatmig_copy $schemas)" "$(cat "$scratch/content")" \
		"$format: the rows of all tables are the same"
	is "$(sql chatmig_copy "$status")" "$(sql chatmig_dump "$status")" \
		"$format: the status is the same"
	is "$(sql chatmig_copy "$validate" | grep -v '|statistics|')" \
		"$(sql chatmig_dump "$validate" | grep -v '|statistics|')" \
		"$format: the checks say the same"
	add_rows chatmig_copy
	is "$(sql chatmig_copy "$migrate")" "notes|7|6|0|1|0|1|0
pairs|12|10|0|2|0|3|1" "$format: goes on: later rows join, a later row is linked"
	is "$(sql chatmig_copy "$violations")" "" "$format: the checks find nothing"
	sql chatmig_copy "SELECT tool.chatmig_rollback(m) FROM unnest('{pairs,notes}'::text[]) AS m" >/dev/null
	sql chatmig_copy "SET search_path = app; DELETE FROM pairs WHERE id > 10;
		DELETE FROM games WHERE id > 3; DELETE FROM notes WHERE id = 'n7'"
	is "$(content chatmig_copy $schemas)" "$(cat "$scratch/before")" \
		"$format: rolled back, the application's rows are those of before"
	is "$(sql chatmig_copy "INSERT INTO app.\"Conversation\" (\"userId\") VALUES (9) RETURNING id")" \
		"5" "$format: the sequence stands behind all that it gave"
done
done_testing
