#!/bin/sh
# DROP EXTENSION takes chatmig's own objects away and nothing else.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

# What DROP could reach: bigint identity ids and their sequences, media, foreign
# keys to users; and what the owner has added to the tables that chatmig made.
legacy()
{
	sql "$1" <<-'SQL'
		CREATE TABLE users (id serial PRIMARY KEY, name text);
		INSERT INTO users (name) VALUES ('Ada'), ('Grace');
		CREATE TABLE chat_messages (
		    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
		    user_id int REFERENCES users ON DELETE CASCADE,
		    message text,
		    response text,
		    "timestamp" timestamp DEFAULT now(),
		    photo text);
		CREATE INDEX ON chat_messages (user_id, "timestamp" DESC);
		INSERT INTO chat_messages (user_id, message, response, "timestamp", photo)
		SELECT 1 + g % 2, 'q' || g, 'a' || g,
		       timestamp '2024-01-01' + g * interval '1 min', 'cat.png'
		FROM generate_series(1, 10) AS g;
	SQL
}

register="SELECT chatmig_register('chat_messages', '{\"media\": \"photo\"}',
	options => '{\"id_type\": \"bigint\"}')"

add_to_targets()
{
	sql "$1" <<-'SQL'
		ALTER TABLE conversations
		    ADD COLUMN serial_no bigint GENERATED ALWAYS AS IDENTITY,
		    ADD COLUMN starred boolean NOT NULL DEFAULT false;
		ALTER TABLE messages
		    ADD COLUMN length int GENERATED ALWAYS AS (char_length(content)) STORED,
		    ADD CONSTRAINT not_too_long CHECK (char_length(content) < 1000),
		    ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON messages USING (true);
		CREATE INDEX by_words ON messages
		    USING gin (to_tsvector('simple', content));
		CREATE TABLE likes (
		    message_id bigint REFERENCES messages ON DELETE CASCADE,
		    user_id int REFERENCES users);
		INSERT INTO likes SELECT id, 1 FROM messages WHERE role = 'assistant';
		CREATE VIEW latest AS
		    SELECT DISTINCT ON (user_id) user_id, title
		    FROM conversations ORDER BY user_id, updated_at DESC;
	SQL
}

# All in public but for the extension and the rows of its tables.
user_data()
{
	dump "$1" --schema=public --exclude-table='chatmig_*'
}

# dropped DESCRIPTION HOW: the same before and after DROP EXTENSION chatmig HOW
dropped()
{
	user_data chatmig_drop >"$scratch/before"
	for object in 'TABLE public.chat_messages' 'TABLE public.conversations' \
		'TABLE public.messages' 'TABLE public.media' \
		'TABLE public.chat_messages_trace' 'COPY public.messages' \
		'SEQUENCE NAME public.messages_id_seq' 'INDEX by_words' 'POLICY own'; do
		ok "$1: the comparison covers $object" \
			grep -Eq "^ *(CREATE |ALTER |)$object" "$scratch/before"
	done
	none "$(grep -n 'public\.chatmig_' "$scratch/before" || true)" \
		"$1: and nothing of the extension"
	ok "$1: the extension is dropped" \
		sql chatmig_drop "DROP EXTENSION chatmig $2"
	user_data chatmig_drop >"$scratch/after"
	ok "$1: no row, column, index, sequence, constraint or default is lost" \
		diff "$scratch/before" "$scratch/after"
	is "$(sql chatmig_drop "
		SELECT proname FROM pg_proc WHERE proname LIKE 'chatmig%'
		UNION ALL
		SELECT relname FROM pg_class WHERE relname LIKE 'chatmig%'")" \
		"" "$1: nothing of the extension is left"
	# the application goes on
	is "$(sql chatmig_drop "
		INSERT INTO messages (conversation_id, position, role, content)
		SELECT id, 1000, 'user', 'later' FROM conversations
		RETURNING id > 20, length")" "t|5
t|5" "$1: the tables that were made take rows, with ids of their own"
}

# -- after ALTER EXTENSION UPDATE has converted

fresh chatmig_drop
legacy chatmig_drop
sql chatmig_drop "CREATE EXTENSION chatmig VERSION '1.0'; $register" >/dev/null
sql chatmig_drop 'ALTER EXTENSION chatmig UPDATE'
add_to_targets chatmig_drop
dropped "updated, CASCADE" CASCADE

# -- and again from the beginning

ok "CREATE EXTENSION works again" sql chatmig_drop 'CREATE EXTENSION chatmig'
is "$(sqlstate chatmig_drop "$register")" 42P07 \
	"the tables that are left are not taken over"
sql chatmig_drop "
	SELECT chatmig_register('chat_messages', '{\"media\": \"photo\"}',
	    '{\"conversations\": \"c2\", \"messages\": \"m2\", \"media\": \"f2\",
	      \"trace\": \"t2\"}', '{\"id_type\": \"bigint\"}')" >/dev/null
is "$(sql chatmig_drop '
	SELECT legacy_rows, already, migrated, messages FROM chatmig_migrate()')" \
	"10|0|10|20" "under other names the history is migrated again"

# -- after CREATE EXTENSION and chatmig_migrate(), in a transaction of its own

fresh chatmig_drop
legacy chatmig_drop
sql chatmig_drop "CREATE EXTENSION chatmig; $register; SELECT chatmig_migrate()" \
	>/dev/null
add_to_targets chatmig_drop
dropped "migrated, CASCADE" CASCADE

# -- all in one transaction, and without CASCADE: nothing depends on chatmig

fresh chatmig_drop
legacy chatmig_drop
sql chatmig_drop "
	BEGIN; CREATE EXTENSION chatmig; $register; SELECT chatmig_migrate(); COMMIT" \
	>/dev/null
add_to_targets chatmig_drop
dropped "migrated, RESTRICT" RESTRICT

# -- what 1.0 makes for the user is the user's as well

fresh chatmig_drop
sql chatmig_drop <<'SQL' >/dev/null
	CREATE EXTENSION chatmig VERSION '1.0';
	SELECT * FROM chatmig_create_chat_messages();
	SELECT * FROM chatmig_create_chat_messages('flat', 'talks');
SQL
user_data chatmig_drop >"$scratch/before"
sql chatmig_drop 'DROP EXTENSION chatmig CASCADE'
user_data chatmig_drop >"$scratch/after"
ok "the old tables that chatmig made stay" diff "$scratch/before" "$scratch/after"
ok "both of them" grep -q 'TABLE public.talks' "$scratch/after"

done_testing
