#!/bin/sh
# Dump and restore at every stage: the restored database holds the same, says
# the same, and goes on from there.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

# The extension lives in the schema tool, the old tables in app, and each
# migration fills a schema of its own.
schemas='app tool pairs photos notes seen parts'

# Five histories: pairs with ids of uuid, pairs with media and ids of bigint,
# flat messages one of which cannot be converted, a view, a partitioned table.
legacy()
{
	sql "$1" <<-'SQL'
		CREATE SCHEMA app;
		CREATE SCHEMA tool;
		CREATE SCHEMA pairs;
		CREATE SCHEMA photos;
		CREATE SCHEMA notes;
		CREATE SCHEMA seen;
		CREATE SCHEMA parts;
		SET search_path = app;
		CREATE TABLE users (id serial PRIMARY KEY, name text);
		INSERT INTO users (name) VALUES ('Ada'), ('Grace');
		CREATE TABLE pairs (
		    id serial PRIMARY KEY,
		    user_id int REFERENCES users ON DELETE CASCADE,
		    message text,
		    response text,
		    "timestamp" timestamp);
		INSERT INTO pairs (user_id, message, response, "timestamp")
		SELECT nullif(g % 3, 0), 'q' || g,
		       CASE WHEN g % 4 > 0 THEN E'a\n\\N\t\U0001F600' || g END,
		       timestamp '2024-01-01' + g * interval '1 min'
		FROM generate_series(1, 20) AS g;
		CREATE TABLE photos (LIKE pairs INCLUDING ALL, photo text);
		INSERT INTO photos SELECT *, 'cat' || id || '.png' FROM pairs;
		CREATE TABLE notes (
		    id uuid PRIMARY KEY,
		    sender text,
		    content text,
		    created_at timestamptz,
		    mood text);
		INSERT INTO notes
		SELECT md5(g::text)::uuid,
		       CASE g WHEN 7 THEN 'zebra' WHEN 8 THEN 'bot' ELSE 'user' END,
		       'note ' || g, timestamptz '2024-01-01 10:00Z' + g * interval '1 s',
		       'fine'
		FROM generate_series(1, 10) AS g;
		CREATE VIEW seen AS SELECT id, user_id, message, response, "timestamp"
		    FROM pairs WHERE id <= 10;
		CREATE TABLE parts (
		    user_id int NOT NULL,
		    id int NOT NULL,
		    message text,
		    response text,
		    "timestamp" timestamptz,
		    PRIMARY KEY (user_id, id)) PARTITION BY LIST (user_id);
		CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
		CREATE TABLE part_2 PARTITION OF parts FOR VALUES IN (2);
		INSERT INTO parts SELECT user_id, id, message, response, "timestamp"
		    FROM pairs WHERE user_id IS NOT NULL;
	SQL
}

register()
{
	sql "$1" <<-'SQL' >/dev/null
		INSERT INTO tool.chatmig_profile (name, description, target, options)
		VALUES ('pairs', 'Ours', '{"schema": "pairs"}', '{"title": "Pairs \\N"}');
		SELECT tool.chatmig_register('app.pairs', profile => 'pairs');
		SELECT tool.chatmig_register('app.photos', '{"media": "photo"}',
		    '{"schema": "photos"}', '{"id_type": "bigint"}');
		SELECT tool.chatmig_register('app.notes', target => '{"schema": "notes"}',
		    options => '{"max_rejects": 1}');
		SELECT tool.chatmig_register('app.seen', '{"key": ["id"]}',
		    '{"schema": "seen"}');
		SELECT tool.chatmig_register('app.parts', target => '{"schema": "parts"}');
	SQL
}

status='SELECT * FROM tool.chatmig_status ORDER BY migration COLLATE "C"'
profiles='SELECT name, builtin, options FROM tool.chatmig_profile ORDER BY name COLLATE "C"'
validate='SELECT * FROM tool.chatmig_validate() ORDER BY migration COLLATE "C", check_name COLLATE "C"'
migrate="SELECT migration, legacy_rows, already, migrated, empty, rejected,
	conversations, messages, media FROM tool.chatmig_migrate()"

# restore HOW: chatmig_dump into an empty chatmig_copy
restore()
{
	fresh chatmig_copy
	case $1 in
	custom)
		pg_dump -Fc -d chatmig_dump -f "$scratch/custom"
		pg_restore --exit-on-error -d chatmig_copy "$scratch/custom"
		;;
	directory)
		rm -rf "$scratch/directory"
		pg_dump -Fd -j 2 -d chatmig_dump -f "$scratch/directory"
		pg_restore --exit-on-error -j 2 -d chatmig_copy "$scratch/directory"
		;;
	plain)
		pg_dump -d chatmig_dump -f "$scratch/plain"
		psql -X -q -v ON_ERROR_STOP=1 -d chatmig_copy -f "$scratch/plain"
		;;
	no-owner)
		pg_dump --no-owner --no-acl --inserts -d chatmig_dump -f "$scratch/no-owner"
		psql -X -q -v ON_ERROR_STOP=1 -d chatmig_copy -f "$scratch/no-owner"
		;;
	esac >"$scratch/restore.out" || cat "$scratch/restore.out"
}

# stage DESCRIPTION: in every format, what comes back is what was there
stage()
{
	content chatmig_dump $schemas >"$scratch/content"
	dump chatmig_dump --schema-only >"$scratch/schema"
	for format in plain no-owner directory custom; do
		ok "$1, $format: is restored without an error" restore "$format"
		is "$(content chatmig_copy $schemas)" "$(cat "$scratch/content")" \
			"$1, $format: the rows of all tables and views are the same"
		is "$(dump chatmig_copy --schema-only)" "$(cat "$scratch/schema")" \
			"$1, $format: tables, constraints, indexes and rights are the same"
		is "$(sql chatmig_copy "$status")" "$(sql chatmig_dump "$status")" \
			"$1, $format: the status is the same"
		is "$(sql chatmig_copy "$profiles")" "$(sql chatmig_dump "$profiles")" \
			"$1, $format: the profiles are the same, the user's and the built-in ones"
		is "$(sql chatmig_copy "$validate")" "$(sql chatmig_dump "$validate")" \
			"$1, $format: the checks say the same"
	done
}

# A row more in each history, of an owner or a time that was there before.
add_rows()
{
	sql "$1" <<-'SQL'
		SET search_path = app;
		INSERT INTO pairs VALUES (0, 1, 'late', 'answer', '2024-02-01');
		INSERT INTO photos VALUES (100, 1, 'late', 'answer', '2024-02-01', 'dog.png');
		INSERT INTO notes VALUES (md5('late')::uuid, 'user', 'late', '2024-02-01', 'new');
		INSERT INTO parts VALUES (1, 100, 'late', 'answer', '2024-02-01');
	SQL
}

# migration|legacy_rows|already|migrated|empty|rejected|conversations|messages|media
all_of_it="notes|10|0|9|0|1|1|9|0
pairs|20|0|20|0|0|3|35|0
parts|14|0|14|0|0|2|24|0
photos|20|0|20|0|0|3|35|20
seen|10|0|10|0|0|3|18|0"
one_more="notes|11|9|1|0|1|0|1|0
pairs|21|20|1|0|0|0|2|0
parts|15|14|1|0|0|0|2|0
photos|21|20|1|0|0|0|2|1
seen|11|10|1|0|0|0|2|0"
nothing_more="notes|11|10|0|0|1|0|0|0
pairs|21|21|0|0|0|0|0|0
parts|15|15|0|0|0|0|0|0
photos|21|21|0|0|0|0|0|0
seen|11|11|0|0|0|0|0|0"

# left DATABASE: the tables that there are in the target schemas
left()
{
	sql "$1" "
		SELECT c.oid::regclass FROM pg_class AS c
		WHERE c.relnamespace::regnamespace::text
		      IN ('pairs', 'photos', 'notes', 'seen', 'parts')"
}

roll_back()
{
	sql "$1" "
		SELECT tool.chatmig_rollback(migration)
		FROM tool.chatmig_status WHERE state = 'migrated'" >/dev/null
}

fresh chatmig_dump
legacy chatmig_dump
sql chatmig_dump "CREATE EXTENSION chatmig VERSION '1.0' SCHEMA tool"
register chatmig_dump

# -- 1.0, registered: a dump names no version, so this comes back as 2.0

for format in plain custom; do
	ok "1.0 registered, $format: is restored without an error" restore "$format"
	for table in tool.chatmig_migration tool.chatmig_profile app.pairs app.photos app.notes app.parts; do
		is "$(sql chatmig_copy "SELECT t::text FROM $table AS t ORDER BY 1")" \
			"$(sql chatmig_dump "SELECT t::text FROM $table AS t ORDER BY 1")" \
			"1.0 registered, $format: $table has the same rows"
	done
	is "$(left chatmig_copy)" "" "1.0 registered, $format: a restore converts nothing"
done
is "$(sql chatmig_copy "$migrate")" "$all_of_it" \
	"1.0 registered: chatmig_migrate() converts what was restored"

# -- 2.0, registered

sql chatmig_dump <<'SQL'
	SET chatmig.convert_on_update = off;
	ALTER EXTENSION chatmig UPDATE TO '2.0';
SQL
stage "2.0 registered"
is "$(sql chatmig_copy "$migrate")" "$all_of_it" \
	"2.0 registered: chatmig_migrate() converts what was restored"

# -- migrated, with a rejected row and a deleted conversation

is "$(sql chatmig_dump "$migrate")" "$all_of_it" "the original is migrated"
# what the owner adds to the new tables is the owner's, and is dumped as well
sql chatmig_dump <<'SQL'
	ALTER TABLE pairs.conversations ADD COLUMN starred boolean DEFAULT false;
	CREATE INDEX starred ON pairs.conversations (id) WHERE starred;
	ALTER TABLE photos.messages ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON photos.messages USING (true);
	GRANT SELECT ON pairs.messages TO PUBLIC;
	UPDATE pairs.conversations SET starred = true WHERE user_id = 1;
	SELECT tool.chatmig_delete_conversation(tool.chatmig_active_conversation('2',
	    migration => 'photos'), 'photos') > 0 AS deleted;
SQL
# without owners and rights those granted here do not come back
sql chatmig_dump 'REVOKE SELECT ON pairs.messages FROM PUBLIC'
stage "migrated"
is "$(sql chatmig_copy 'SELECT migration, code, legacy_row ->> '"'content'"'
	FROM tool.chatmig_rejects')" "notes|unknown_role|note 7" \
	"migrated: the rejected row is there, whole"
is "$(sql chatmig_copy "SELECT migration, check_name, status, violations
	FROM tool.chatmig_validate() WHERE check_name LIKE '%deleted' AND status <> 'ok'
	UNION ALL SELECT migration, 'owner ' || owner, NULL, NULL FROM tool.chatmig_deletions")" \
	"photos|conversation_deleted|info|1
photos|owner 2||" "migrated: what was deleted on purpose is still on record"
add_rows chatmig_copy
is "$(sql chatmig_copy "$migrate")" "$one_more" \
	"migrated: chatmig_migrate() goes on with the rows that are new"
is "$(sql chatmig_copy "$migrate")" "$nothing_more" \
	"migrated: and once more changes nothing"
is "$(sql chatmig_copy "
	SELECT max(m.position), count(*)
	FROM pairs.messages AS m JOIN pairs.conversations AS c ON c.id = conversation_id
	WHERE user_id = 1")" \
	"$(sql chatmig_copy "
	SELECT count(message) + count(response) - 1, count(message) + count(response)
	FROM app.pairs WHERE user_id = 1")" \
	"migrated: the new row continues the restored conversation"
roll_back chatmig_copy
is "$(left chatmig_copy)" "" "migrated: chatmig_rollback() works on what was restored"
# the ids are what they were before
sql chatmig_copy "$migrate" >/dev/null
is "$(sql chatmig_copy "
	SELECT id, title FROM pairs.conversations ORDER BY id")" \
	"$(sql chatmig_dump "
	SELECT id, title FROM pairs.conversations ORDER BY id")" \
	"migrated: after that, chatmig_migrate() gives the same ids again"

# -- rolled back

roll_back chatmig_dump
is "$(left chatmig_dump)" "" "the original is rolled back"
stage "rolled back"
is "$(sql chatmig_copy "$migrate")" "$all_of_it" \
	"rolled back: chatmig_migrate() begins anew with what was restored"

# -- a source that is gone

sql chatmig_dump "$migrate" >/dev/null
sql chatmig_dump 'DROP TABLE app.photos; DROP VIEW app.seen'
schemas='app pairs photos notes seen parts'
status='SELECT migration, state, messages FROM tool.chatmig_status ORDER BY migration COLLATE "C"'
validate='SELECT migration, check_name, status FROM tool.chatmig_validate() ORDER BY migration COLLATE "C", check_name COLLATE "C"'
stage "source dropped"
is "$(sql chatmig_copy "$status")" "notes|migrated|9
pairs|migrated|35
parts|migrated|24
photos|source missing|35
seen|source missing|18" "source dropped: the restored database says which ones are gone"
add_rows()
{
	sql "$1" "INSERT INTO app.pairs VALUES (0, 1, 'late', 'answer', '2024-02-01')"
}
add_rows chatmig_copy
is "$(sql chatmig_copy "
	SELECT migration, legacy_rows, already, migrated
	FROM tool.chatmig_migrate('pairs')")" "pairs|21|20|1" \
	"source dropped: the other migrations go on"

done_testing
