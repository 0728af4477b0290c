#!/bin/sh
# pg_upgrade to a newer major: a database with 1.0 registered and one with 2.0
# migrated come over as they are, and go on there.
#
# Runs where chatmig is installed for a newer server, too: that of
# NEWER_PG_CONFIG, or else the newest of Debian's. Servers are stopped here, so
# the script runs beside one of its own.

[ -n "${MAJOR_SERVER-}" ] ||
	exec env MAJOR_SERVER=1 "$(dirname "$0")/../bin/with-server" "$0"

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

new_bin=
for config in ${NEWER_PG_CONFIG:-/usr/lib/postgresql/1[6-9]/bin/pg_config}; do
	[ ! -e "$("$config" --pkglibdir 2>/dev/null)/chatmig.so" ] ||
		new_bin=$("$config" --bindir)
done
[ -n "$new_bin" ] || skip_all "chatmig is not installed for a newer server"

[ "$(id -u)" != 0 ] || chown "$(stat -c %U:%G "$PGDATA")" "$scratch"
new_data=$scratch/new

clean_up()
{
	[ ! -e "$new_data/postmaster.pid" ] || as_server "$new_bin/pg_ctl" \
		stop -D "$new_data" -s -w -m immediate || true
	rm -rf "$scratch"
}
trap clean_up EXIT

# from a folder that the server's user may enter
as_server()
{
	(cd "$scratch" && HOME=$scratch $SERVER_RUN "$@")
}

upgrade()
{
	as_server "$new_bin/pg_upgrade" -b "$PG_BINDIR" -B "$new_bin" \
		-d "$PGDATA" -D "$new_data" -p 5435 -P 5436 -s "$scratch" -U "$PGUSER" || {
		grep -h -A 3 'error:' "$new_data"/pg_upgrade_output.d/*/log/*.log
		return 1
	}
}

# by the newer pg_dump both times, without what says which server it was
dump_of()
{
	"$new_bin/pg_dump" -d "$1" | sed -E '/^-- Dumped (from|by) /d; /^\\(un)?restrict /d'
}

# Three shapes, three types of ids, media, foreign keys, texts for TOAST.
legacy()
{
	sql "$1" <<-'SQL'
		CREATE TABLE users (id int PRIMARY KEY, name text);
		INSERT INTO users SELECT g, 'user ' || g FROM generate_series(0, 9) AS g;
		CREATE TABLE pairs (id int PRIMARY KEY, user_id int REFERENCES users,
		    message text, response text, photo text, sent_at timestamptz);
		INSERT INTO pairs
		SELECT g, g % 10, 'q' || g,
		       CASE g % 100 WHEN 0 THEN (SELECT string_agg(md5((g * h)::text), ' ')
		                                 FROM generate_series(1, 300) AS h)
		                    WHEN 1 THEN '' ELSE 'answer ' || g END,
		       CASE g % 10 WHEN 0 THEN 'cat' || g || '.png' END,
		       timestamptz '2024-01-01Z' + g * interval '1 min'
		FROM generate_series(1, 1000) AS g;
		CREATE TABLE notes (id uuid PRIMARY KEY, user_id int, sender text,
		    content text, created_at timestamptz);
		INSERT INTO notes
		SELECT md5(g::text)::uuid, g % 10, CASE WHEN g % 2 = 0 THEN 'user' ELSE 'bot' END,
		       'note ' || g, timestamptz '2024-01-01Z' + g * interval '1 s'
		FROM generate_series(1, 500) AS g;
		CREATE TABLE logs (id int PRIMARY KEY, user_id int, body jsonb, created_at timestamp);
		INSERT INTO logs
		SELECT g, g % 10, jsonb_build_object('messages', jsonb_build_array(
		           jsonb_build_object('role', 'user', 'content', 'q' || g),
		           jsonb_build_object('role', 'assistant', 'content', 'a' || g))),
		       timestamp '2024-01-01' + g * interval '1 h'
		FROM generate_series(1, 100) AS g;
		CREATE SCHEMA pairs_new;
		CREATE SCHEMA notes_new;
		CREATE SCHEMA logs_new;
		SELECT chatmig_register('pairs', '{"media": "photo"}', '{"schema": "pairs_new"}');
		SELECT chatmig_register('notes', target => '{"schema": "notes_new"}',
		    options => '{"id_type": "text"}');
		SELECT chatmig_register('logs', target => '{"schema": "logs_new"}',
		    options => '{"id_type": "bigint"}');
	SQL
}

runs='SELECT migration, legacy_rows, migrated, messages
	FROM chatmig_status ORDER BY migration COLLATE "C"'
findings="SELECT migration, check_name, status, violations FROM chatmig_validate()
	WHERE status IN ('warning', 'violation')"
# whether tables have been analyzed is not kept
checks="SELECT * FROM chatmig_validate() WHERE check_name <> 'statistics'
	ORDER BY migration COLLATE \"C\", check_name"
all_of_it='logs|100|100|200
notes|500|500|500
pairs|1000|1000|1990'

fresh major_old major_new
sql major_old "CREATE EXTENSION chatmig VERSION '1.0'"
sql major_new "CREATE EXTENSION chatmig"
legacy major_old >/dev/null
legacy major_new >/dev/null
sql major_new 'SELECT chatmig_migrate()' >/dev/null
is "$(sql major_new "$runs")" "$all_of_it" "a database is migrated on $("$PG_CONFIG" --version)"
is "$(sql major_new "$findings")" "" "and valid"
sql major_new "$checks" >"$scratch/checks.before"
for db in major_old major_new; do
	dump_of "$db" >"$scratch/$db.before"
done

as_server "$PG_BINDIR/pg_ctl" stop -D "$PGDATA" -s -w
as_server "$new_bin/initdb" --no-sync --encoding=UTF8 --locale=C --auth=trust \
	--username="$PGUSER" -D "$new_data" >/dev/null
as_server sh -c "cat >>'$new_data/postgresql.conf'" <<CONF
listen_addresses = ''
unix_socket_directories = '$PGHOST'
port = 5434
fsync = off
CONF
ok "pg_upgrade to $("$new_bin/postgres" --version) goes through" \
	upgrade
as_server "$new_bin/pg_ctl" start -D "$new_data" -s -w -l "$scratch/log" \
	>/dev/null </dev/null || cat "$scratch/log"
PGPORT=5434
PATH=$new_bin:$PATH
export PGPORT PATH
is "$(sql major_new "SELECT current_setting('server_version_num')::int >= 160000")" t \
	"the newer server runs"
for db in major_old major_new; do
	dump_of "$db" >"$scratch/$db.after"
	ok "$db: the dump is the same" diff "$scratch/$db.before" "$scratch/$db.after"
done

is "$(sql major_new "$checks" | diff - "$scratch/checks.before")" "" \
	"migrated: all checks say the same"
sql major_new "
	INSERT INTO pairs VALUES (1001, 1, 'late', 'answer', NULL, '2025-01-01');
	INSERT INTO logs SELECT 101, user_id, body, '2025-01-01' FROM logs WHERE id = 1"
is "$(sql major_new "
	SELECT migration, already, migrated, messages
	FROM chatmig_migrate() ORDER BY migration COLLATE \"C\"")" \
	"logs|100|1|2
notes|500|0|0
pairs|1000|1|2" "it goes on migrating"
is "$(sql major_new "$findings")" "" "and is valid"
is "$(sql major_new "SELECT migrated, messages FROM chatmig_rollback('notes')")" \
	"500|500" "it takes back"
is "$(sql major_new "SELECT migrated, messages FROM chatmig_migrate('notes')")" \
	"500|500" "and migrates from the start"
is "$(sql major_new "$findings")" "" "and is valid"

is "$(sql major_old "SELECT extversion FROM pg_extension WHERE extname = 'chatmig'")" \
	"1.0" "registered at 1.0: it is still"
sql major_old 'ALTER EXTENSION chatmig UPDATE'
is "$(sql major_old "$runs")" "$all_of_it" "the update to 2.0 converts it there"
is "$(sql major_old "$findings")" "" "and it is valid"
ok "pg_amcheck finds nothing wrong" \
	pg_amcheck --install-missing --heapallindexed -d major_new -d major_old
done_testing
