#!/bin/sh
# The server's own tools find nothing wrong with what a migration has made, and
# carry it: pg_amcheck, pg_checksums, pg_upgrade, a standby, logical replication,
# pg_dump in parts. (test/t/dump.sh has whole dumps at every stage.)
#
# Servers are stopped and copied here, so the script runs beside one of its own.

[ -n "${TOOLS_SERVER-}" ] || exec env TOOLS_SERVER=1 \
	SERVER_INITDB=--data-checksums SERVER_CONF="
	wal_level = logical
	max_wal_senders = 4
	max_replication_slots = 4" "$(dirname "$0")/../bin/with-server" "$0"

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

# the server's user writes there, too
[ "$(id -u)" != 0 ] || chown "$(stat -c %U:%G "$PGDATA")" "$scratch"
standby=$scratch/standby
upgraded=$scratch/upgraded

clean_up()
{
	for data in "$standby" "$upgraded" "$PGDATA"; do
		[ ! -e "$data/postmaster.pid" ] || stop "$data" immediate || true
	done
	rm -rf "$scratch"
}
trap clean_up EXIT

# from a folder that the server's user may enter
as_server()
{
	(cd "$scratch" && HOME=$scratch $SERVER_RUN "$@")
}

start()
{
	as_server "$PG_BINDIR/pg_ctl" start -D "$1" -s -w -l "$1.log" \
		>/dev/null </dev/null || {
		cat "$1.log"
		return 1
	}
}

stop()
{
	as_server "$PG_BINDIR/pg_ctl" stop -D "$1" -s -w -m "${2-fast}"
}

# on PORT COMMAND...: on another server beside this one
on()
{
	(
		export PGPORT="$1"
		shift
		"$@"
	)
}

# Three shapes; ids of uuid, bigint and text; media, replies, foreign keys. A
# row without a time, one without anything, texts long enough for TOAST.
legacy()
{
	sql "$1" <<-'SQL'
		CREATE TABLE users (id int PRIMARY KEY, name text);
		INSERT INTO users SELECT g, 'user ' || g FROM generate_series(0, 99) AS g;
		CREATE TABLE pairs (
		    id int PRIMARY KEY,
		    user_id int REFERENCES users ON DELETE CASCADE,
		    message text,
		    response text,
		    photo text,
		    sent_at timestamptz);
		INSERT INTO pairs
		SELECT g, g % 100, 'q' || g,
		       CASE g % 1000 WHEN 0 THEN (SELECT string_agg(md5((g * h)::text), ' ')
		                                  FROM generate_series(1, 300) AS h)
		                     WHEN 1 THEN '' ELSE 'answer ' || g END,
		       CASE g % 10 WHEN 0 THEN 'cat' || g || '.png' END,
		       CASE WHEN g <> 777 THEN timestamptz '2024-01-01Z' + g * interval '1 min' END
		FROM generate_series(1, 10000) AS g;
		CREATE TABLE notes (
		    id uuid PRIMARY KEY,
		    user_id int REFERENCES users,
		    sender text,
		    content text,
		    parent_id uuid REFERENCES notes,
		    created_at timestamptz);
		INSERT INTO notes
		SELECT md5(g::text)::uuid, g % 100, CASE WHEN g % 200 < 100 THEN 'user' ELSE 'bot' END,
		       'note ' || g, CASE WHEN g > 100 THEN md5((g - 100)::text)::uuid END,
		       timestamptz '2024-01-01Z' + g * interval '1 s'
		FROM generate_series(1, 5000) AS g;
		CREATE TABLE logs (id int PRIMARY KEY, user_id int, body jsonb, created_at timestamp);
		INSERT INTO logs
		SELECT g, g % 10, jsonb_build_object('messages', jsonb_build_array(
		           jsonb_build_object('role', 'user', 'content', 'q' || g),
		           jsonb_build_object('role', 'assistant', 'content', 'a' || g))),
		       timestamp '2024-01-01' + g * interval '1 h'
		FROM generate_series(1, 1000) AS g;
		CREATE SCHEMA pairs_new;
		CREATE SCHEMA notes_new;
		CREATE SCHEMA logs_new;
		ANALYZE;
	SQL
}

register="
	SELECT chatmig_register('pairs', '{\"media\": \"photo\"}', '{\"schema\": \"pairs_new\"}');
	SELECT chatmig_register('notes', target => '{\"schema\": \"notes_new\"}',
	    options => '{\"id_type\": \"text\"}');
	SELECT chatmig_register('logs', target => '{\"schema\": \"logs_new\"}',
	    options => '{\"id_type\": \"bigint\"}')"
migrate="
	SELECT migration, legacy_rows, already, migrated, messages
	FROM chatmig_migrate() ORDER BY migration COLLATE \"C\""
findings="
	SELECT migration, check_name, status, violations FROM chatmig_validate()
	WHERE status IN ('warning', 'violation')"
all_checks="SELECT * FROM chatmig_validate() ORDER BY migration COLLATE \"C\", check_name"
sizes="
	SELECT oid::regclass, pg_relation_size(oid) FROM pg_class
	WHERE relnamespace::regnamespace::text LIKE '%\\_new' AND relkind IN ('r', 'i')
	ORDER BY 1"
schemas='public pairs_new notes_new logs_new'
all_of_it='logs|1000|0|1000|2000
notes|5000|0|5000|5000
pairs|10000|0|10000|19990'
one_more='logs|1001|1000|1|2
notes|5001|5000|1|1
pairs|10001|10000|1|2'

add_rows()
{
	sql "$1" <<-'SQL'
		INSERT INTO pairs VALUES (10001, 1, 'late', 'answer', NULL, '2025-01-01');
		INSERT INTO notes VALUES (md5('late')::uuid, 1, 'user', 'late', NULL, '2025-01-01');
		INSERT INTO logs SELECT 1001, user_id, body, '2025-01-01' FROM logs WHERE id = 1;
	SQL
}

fresh tools_main tools_old

# -- a standby follows a migration

# parallel workers take shares of small tables, too
sql tools_main 'CREATE EXTENSION chatmig;
	ALTER DATABASE tools_main SET parallel_setup_cost = 0;
	ALTER DATABASE tools_main SET min_parallel_table_scan_size = 0'
legacy tools_main
sql tools_main "$register" >/dev/null
ok "a standby is made of the running server" \
	as_server "$PG_BINDIR/pg_basebackup" -h "$PGHOST" -D "$standby" -R -c fast
as_server sh -c "echo 'port = 5433' >>'$standby/postgresql.conf'"
ok "and starts" start "$standby"

# caught_up: until the standby has replayed what is there now
caught_up()
{
	lsn=$(sql tools_main 'SELECT pg_current_wal_flush_lsn()')
	tries=0
	until [ "$(on 5433 sql tools_main "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || return 1
		sleep 0.1
	done
}

# what is decoded of a bulk load, beside: see below
sql tools_main "SELECT pg_create_logical_replication_slot('decoded', 'test_decoding')" \
	>/dev/null
is "$(sql tools_main "SET log_min_messages = debug1; $migrate")" "$all_of_it" \
	"the primary migrates, in bulk"
ok "with parallel workers" grep -q 'migrate: [1-9] parallel workers' "$SERVER_LOG"
is "$(sql tools_main "$findings")" "" "and is valid"
ok "the standby follows" caught_up
is "$(on 5433 sql tools_main 'SELECT pg_is_in_recovery()')" t "it is a standby"
is "$(on 5433 content tools_main $schemas)" "$(content tools_main $schemas)" \
	"it has the same rows in all tables and views"
is "$(on 5433 sql tools_main "$sizes")" "$(sql tools_main "$sizes")" \
	"in as many pages"
is "$(on 5433 sql tools_main "$all_checks")" "$(sql tools_main "$all_checks")" \
	"chatmig_validate() answers there, and says the same"
is "$(on 5433 sql tools_main 'SELECT count(*) > 100 FROM chatmig_validate()')" t \
	"in more than a hundred rows"
is "$(on 5433 sql tools_main 'SELECT chatmig_assert_valid()')" "" \
	"so does chatmig_assert_valid()"
# a fault is seen there, too
sql tools_main "UPDATE pairs_new.messages SET content = 'x' WHERE content = 'q5'"
caught_up
is "$(on 5433 sql tools_main "$findings")" "pairs|message_content|violation|1" \
	"it sees a message that was changed"
is "$(on 5433 sql tools_main "
	SELECT legacy_key FROM chatmig_violations('pairs', 'message_content')")" 5 \
	"and names the row"
sql tools_main "UPDATE pairs_new.messages SET content = 'q5' WHERE content = 'x'"
add_rows tools_main
caught_up
is "$(on 5433 sql tools_main "
	SELECT action, rows FROM chatmig_plan('pairs') WHERE step = 1")" \
	"$(sql tools_main "
	SELECT action, rows FROM chatmig_plan('pairs') WHERE step = 1")" \
	"chatmig_plan() answers"
is "$(on 5433 sql tools_main "
	SELECT already, migrated FROM chatmig_migrate('pairs', dry_run => true)")" \
	"10000|1" "a dry run answers"
for call in "chatmig_migrate('pairs')" "chatmig_rollback('pairs')" \
	"chatmig_register('pairs', name => 'other')" "chatmig_unregister('logs')"; do
	is "$(on 5433 sqlstate tools_main "SELECT $call")" 25006 \
		"what would write is refused there: $call"
done

# -- logical decoding and replication

# A bulk load is in the WAL for those who decode it, too.
is "$(sql tools_main "
	SELECT substring(data FROM '^table ([^:]*): INSERT'), count(*)
	FROM pg_logical_slot_get_changes('decoded', NULL, NULL)
	WHERE data ~ '^table (pairs|notes|logs)_new[.](conversations|messages|media): INSERT'
	GROUP BY 1 ORDER BY 1")" \
	"$(sql tools_main "
	SELECT 'logs_new.conversations', count(*) FROM logs_new.conversations UNION ALL
	SELECT 'logs_new.messages', count(*) FROM logs_new.messages UNION ALL
	SELECT 'notes_new.conversations', count(*) FROM notes_new.conversations UNION ALL
	SELECT 'notes_new.messages', count(*) FROM notes_new.messages UNION ALL
	SELECT 'pairs_new.conversations', count(*) FROM pairs_new.conversations UNION ALL
	SELECT 'pairs_new.media', count(*) FROM pairs_new.media UNION ALL
	SELECT 'pairs_new.messages', count(*) FROM pairs_new.messages
	ORDER BY 1")" \
	"logical decoding sees each row of a bulk load, once"
sql tools_main "SELECT pg_drop_replication_slot('decoded')" >/dev/null

fresh tools_subscriber
sql tools_subscriber <<'SQL'
	CREATE TABLE users (id int PRIMARY KEY, name text);
SQL
dump tools_main --schema-only -n pairs_new -n logs_new >"$scratch/tables.sql"
sql tools_subscriber <"$scratch/tables.sql" >/dev/null
dump tools_main --data-only -t users | sql tools_subscriber >/dev/null
sql tools_main 'CREATE PUBLICATION chats FOR TABLES IN SCHEMA pairs_new, logs_new'
# within one cluster the slot must be made by hand
sql tools_main "SELECT pg_create_logical_replication_slot('chats', 'pgoutput')" >/dev/null
sql tools_subscriber "
	CREATE SUBSCRIPTION chats CONNECTION 'host=$PGHOST port=$PGPORT dbname=tools_main user=$PGUSER'
	PUBLICATION chats WITH (create_slot = false, slot_name = chats)"

# until the subscriber has what the publisher has, or half a minute is over
same_there()
{
	tries=0
	until [ "$(content tools_subscriber pairs_new logs_new)" = \
		"$(content tools_main pairs_new logs_new)" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || return 1
		sleep 0.5
	done
}
ok "a subscriber has the new tables, row by row" same_there
is "$(sql tools_main "$migrate")" "$one_more" "a second run picks up what is new"
ok "the subscriber gets that, too" same_there
sql tools_main "
	UPDATE pairs_new.messages SET content = 'edited' WHERE content = 'late';
	DELETE FROM logs_new.conversations WHERE user_id = 3"
ok "and what the application changes and deletes: all tables have a key" same_there
is "$(sql tools_subscriber 'SELECT count(*) FROM pairs_new.messages')" 19992 \
	"none is empty on both sides"
sql tools_subscriber 'DROP SUBSCRIPTION chats'
sql tools_main "
	DROP PUBLICATION chats;
	UPDATE pairs_new.messages SET content = 'late' WHERE content = 'edited';
	SELECT chatmig_rollback('logs', force => true);
	SELECT chatmig_migrate('logs')" >/dev/null
is "$(sql tools_main "$findings")" "" "with all put back it is valid again"

# -- a standby takes over

caught_up
ok "the standby is promoted" \
	as_server "$PG_BINDIR/pg_ctl" promote -D "$standby" -s -w
is "$(on 5433 sql tools_main "$findings")" "" "it is valid"
on 5433 sql tools_main "
	INSERT INTO pairs VALUES (10002, 1, 'later', 'answer', NULL, '2025-01-02')"
is "$(on 5433 sql tools_main "
	SELECT already, migrated, messages FROM chatmig_migrate('pairs')")" \
	"10001|1|2" "and goes on migrating"
on 5433 sql tools_main "SELECT chatmig_rollback('pairs')" >/dev/null
is "$(on 5433 sql tools_main "SELECT to_regclass('pairs_new.messages') IS NULL")" t \
	"and takes it back"
stop "$standby"

# -- pg_dump in parts

# The tables first, then the rows, as for a move by hand. A message may reply
# to a later one, so triggers must be off.
fresh tools_copy
dump tools_main --schema-only >"$scratch/schema.sql"
dump tools_main --data-only --disable-triggers >"$scratch/data.sql" 2>/dev/null
ok "the schema is restored by itself" sql tools_copy <"$scratch/schema.sql"
is "$(sql tools_copy 'SELECT count(*) FROM chatmig_status')" 0 \
	"with it nothing is registered yet"
ok "then the rows" sql tools_copy <"$scratch/data.sql"
is "$(content tools_copy $schemas)" "$(content tools_main $schemas)" \
	"all tables and views have the same rows"
is "$(sql tools_copy "$findings")" "" "the copy is valid"
sql tools_copy "INSERT INTO logs SELECT 1002, user_id, body, '2025-01-02' FROM logs WHERE id = 1"
is "$(sql tools_copy "SELECT already, migrated, messages FROM chatmig_migrate('logs')")" \
	"1001|1|2" "and goes on, with ids beyond those that were restored"
# another owner, in parallel
fresh tools_copy
sql tools_copy 'CREATE ROLE regress_tools SUPERUSER LOGIN'
pg_dump -Fd -j 2 --no-owner -d tools_main -f "$scratch/directory"
ok "pg_dump -Fd -j 2 --no-owner is restored by another role" \
	pg_restore --exit-on-error --no-owner -j 2 -U regress_tools -d tools_copy \
	"$scratch/directory"
is "$(sql tools_copy "
	SELECT DISTINCT tableowner FROM pg_tables
	WHERE schemaname IN ($(quoted $schemas))")" regress_tools \
	"who then owns all of it"
is "$(sql tools_copy "SET ROLE regress_tools; $findings")" "" "and finds it valid"
add_rows_to_copy="INSERT INTO pairs VALUES (10002, 1, 'later', 'answer', NULL, '2025-01-02')"
is "$(sql tools_copy "SET ROLE regress_tools; $add_rows_to_copy;
	SELECT already, migrated FROM chatmig_migrate('pairs')")" "10001|1" "and goes on"
drop tools_copy tools_subscriber
sql postgres 'DROP ROLE regress_tools'

# -- pg_amcheck

ok "pg_amcheck finds nothing wrong: heap, indexes, each row in each index" \
	pg_amcheck --install-missing --heapallindexed --parent-check --rootdescend \
	--verbose -d tools_main
pg_amcheck --heapallindexed --verbose -d tools_main >"$scratch/amcheck" 2>&1
for relation in pairs_new.messages pairs_new.messages_pkey \
	pairs_new.messages_conversation_id_position_key pairs_new.pairs_trace_pkey \
	notes_new.messages_reply_to_id_idx pairs_new.media; do
	ok "it has looked at $relation" \
		grep -q "checking .*\"tools_main.$relation\"" "$scratch/amcheck"
done

# -- pg_upgrade, from 15 to 15: of one that is registered at 1.0, and of one
# that is migrated at 2.0

sql tools_old "CREATE EXTENSION chatmig VERSION '1.0'"
legacy tools_old
sql tools_old "$register" >/dev/null
dump tools_old >"$scratch/old.before"
dump tools_main >"$scratch/main.before"
sql tools_main "$all_checks" >"$scratch/checks.before"
stop "$PGDATA"
ok "pg_checksums finds no page that is wrong" \
	as_server "$PG_BINDIR/pg_checksums" --check -D "$PGDATA"
as_server "$PG_BINDIR/initdb" --no-sync --encoding=UTF8 --locale=C --auth=trust \
	--data-checksums --username="$PGUSER" -D "$upgraded" >/dev/null
as_server sh -c "cat >>'$upgraded/postgresql.conf'" <<CONF
listen_addresses = ''
unix_socket_directories = '$PGHOST'
port = 5434
fsync = off
CONF
ok "pg_upgrade goes through" \
	as_server "$PG_BINDIR/pg_upgrade" -b "$PG_BINDIR" -B "$PG_BINDIR" \
	-d "$PGDATA" -D "$upgraded" -p 5435 -P 5436 -s "$scratch" -U "$PGUSER"
ok "the new cluster starts" start "$upgraded"
PGPORT=5434
export PGPORT
dump tools_old >"$scratch/old.after"
dump tools_main >"$scratch/main.after"
ok "1.0, registered: the dump is the same" \
	diff "$scratch/old.before" "$scratch/old.after"
ok "2.0, migrated: the dump is the same" \
	diff "$scratch/main.before" "$scratch/main.after"
version="SELECT extversion FROM pg_extension WHERE extname = 'chatmig'"
is "$(sql tools_old "$version"; sql tools_main "$version")" "1.0
2.0" "the versions are the same"
is "$(sql tools_old '
	SELECT migration, state FROM chatmig_status ORDER BY migration COLLATE "C"')" \
	"logs|registered
notes|registered
pairs|registered" "1.0, registered: it is still"
sql tools_old 'ALTER EXTENSION chatmig UPDATE'
is "$(sql tools_old '
	SELECT migration, legacy_rows, migrated, messages
	FROM chatmig_status ORDER BY migration COLLATE "C"')" \
	"logs|1000|1000|2000
notes|5000|5000|5000
pairs|10000|10000|19990" "and the update to 2.0 converts it"
is "$(sql tools_old "$findings")" "" "and it is valid"
is "$(sql tools_main "$all_checks" | sed '/|statistics|/d')" \
	"$(sed '/|statistics|/d' "$scratch/checks.before")" \
	"2.0, migrated: the checks say the same"
sql tools_main "INSERT INTO logs SELECT 1002, user_id, body, '2025-01-02' FROM logs WHERE id = 1"
is "$(sql tools_main "
	SELECT legacy_rows, already, migrated, messages FROM chatmig_migrate('logs')")" \
	"1002|1001|1|2" "it goes on migrating"
is "$(sql tools_main "SELECT migrated, messages FROM chatmig_rollback('notes')")" \
	"5001|5001" "and takes back"
ok "pg_amcheck finds nothing wrong there, either" \
	pg_amcheck --install-missing --heapallindexed -d tools_main -d tools_old
sql tools_main "SELECT 'messages=' || pg_relation_filepath('pairs_new.messages')" \
	>"$scratch/files"
stop "$upgraded"
ok "nor does pg_checksums" \
	as_server "$PG_BINDIR/pg_checksums" --check -D "$upgraded"

# they would: one byte in the middle of a page
file=$(sed -n 's/^messages=//p' "$scratch/files")
as_server sh -c "printf x | dd of='$upgraded/$file' bs=1 seek=4000 conv=notrunc 2>/dev/null"
ok "it does once a byte of the messages is another" \
	eval '! as_server "$PG_BINDIR/pg_checksums" --check -D "$upgraded" >/dev/null 2>&1'

done_testing
