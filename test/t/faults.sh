#!/bin/sh
# What goes wrong in the middle of a run of 20,000 rows leaves the database as
# it was, or the run whole, and nothing else: no relation, no file, no row of
# chatmig's own tables. The next run goes through. (test/t/interrupt.sh has what
# goes wrong at a time, instead of at a place; test/t/faults_calls.sh the calls
# that are no first run.)

. "$(dirname "$0")/../bin/faults.sh"

db=chatmig_faults
small=$scratch/small
trap 'umount -l "$small" 2>/dev/null || true; rm -rf "$scratch"' EXIT

fixture $db 2.0 20000
pause_run $db

# -- a run, and one that is stopped

# What a run says that it did, and a checksum of what it wrote. Ids of filled
# tables depend on how many were given before.
migrate()
{
	cat <<-SQL
		SELECT legacy_rows, already, skipped, migrated, empty, rejected,
		       conversations, messages FROM chatmig_migrate('$1');
		SELECT chatmig_assert_valid('$1');
		SELECT count(*), md5(string_agg(row::text, ' ' ORDER BY row::text COLLATE "C"))
		FROM (SELECT c.user_id, c.title, c.created_at, c.updated_at,
		             m.role, m.content, m.created_at
		      FROM $1.messages AS m
		           JOIN $1.conversations AS c ON c.id = conversation_id) AS row;
	SQL
}

# rehearse MIGRATION [SETTINGS;]: the same, taken back
rehearse()
{
	{
		echo "${2-} BEGIN;"
		migrate "$1"
		echo 'ROLLBACK;'
	} | sql $db 2>&1
}

# as_before WHAT MIGRATION: nothing has happened, and the next run goes through
as_before()
{
	ok "$1: the database is as before" unchanged
	is "$(leftovers)" "" "$1: nothing is left over"
	is "$(rehearse "$2")" "$(cat "$scratch/$2")" \
		"$1: the next run goes through and is valid"
}

# fault KIND MIGRATION PLACE [SETTINGS;]
fault()
{
	what="$1, $2, at $3"
	case $3 in
	read) begin row "$read ${4-} SELECT chatmig_migrate('$2')" ;;
	load) begin row "$load ${4-} SELECT chatmig_migrate('$2')" ;;
	share) begin row "$share ${4-} SELECT chatmig_migrate('$2')" ;;
	index) begin_index "${4-}" '' ;;
	*) begin "$3" "${4-} SELECT chatmig_migrate('$2')" ;;
	esac
	strike "$1"
	ok "$what: it is stopped" says "$expected"
	as_before "$what" "$2"
}

# begin_index SETTINGS; STATEMENTS: a run, and what comes after it. Two processes
# wait, each in an index that it builds.
begin_index()
{
	begin index "$share $1 SELECT chatmig_migrate('built'); $2"
	wait_for "a worker that builds an index" "
		SELECT FROM pg_stat_activity
		WHERE application_name = 'run' AND backend_type = 'parallel worker'
		      AND wait_event = 'advisory'"
}

# short WHAT MIGRATION SETTINGS; ERROR
short()
{
	sql $db "$3 SELECT chatmig_migrate('$2')" >"$scratch/run" 2>&1 || true
	ok "$1: it is stopped" says "$4"
	as_before "$1" "$2"
}

# full WHAT MIGRATION KB SETTINGS;
full()
{
	mount -o "remount,size=$3k" "$small"
	short "$1" "$2" "$4" 'could not extend file\|No space left on device'
}

# waits STATEMENT: it must wait, and nobody may see anything of it
waits()
{
	is "$(sqlstate $db "SET lock_timeout = 50; $1")" 55P03 "it waits: $1"
}

# first STATEMENT MIGRATION ERROR UNDO: the run waits for a transaction with
# STATEMENT in it, then fails with ERROR, and goes through after UNDO
first()
{
	hold
	PGAPPNAME=ddl sql $db "
		BEGIN; $1; SELECT pg_advisory_lock_shared(1); COMMIT" >"$scratch/ddl" 2>&1 &
	ddl=$!
	wait_for "a session that has done: $1" "
		SELECT FROM pg_stat_activity
		WHERE application_name = 'ddl' AND wait_event = 'advisory'"
	PGAPPNAME=run sql $db "SELECT chatmig_migrate('$2')" >"$scratch/run" 2>&1 &
	run=$!
	wait_for "a run that waits for: $1" "
		SELECT FROM pg_stat_activity
		WHERE application_name = 'run' AND wait_event_type = 'Lock'"
	release
	wait "$ddl"
	finish
	ok "after $1: the run fails and says why" says "$3"
	sql $db "$4"
	as_before "after $1" "$2"
}

state >"$scratch/before"
for migration in fresh filled parsed built; do
	rehearse $migration >"$scratch/$migration"
done
is "$(cut -d'|' -f1-8 "$scratch/fresh" | sed -n 1p)" \
	"20000|0|0|20000|0|0|200|40000" "a run that nobody disturbs: new tables"
is "$(cut -d'|' -f1-8 "$scratch/filled" | sed -n 1p)" \
	"20000|0|0|20000|0|0|200|40000" "a run that nobody disturbs: filled tables"
is "$(cut -d'|' -f1-8 "$scratch/parsed" | sed -n 1p)" \
	"501|0|0|501|0|0|100|10000" "a run that nobody disturbs: transcripts"
is "$(cut -d'|' -f1-8 "$scratch/built" | sed -n 1p)" \
	"1000|0|0|1000|0|0|200|2000" "a run that nobody disturbs: long keys"
ok "taken back, they have changed nothing" unchanged
is "$(leftovers)" "" "and have left nothing over"

# the checker would say so
sql $db "CREATE TABLE faults.lost (id int); CHECKPOINT"
lost=$(sql $db "SELECT pg_relation_filepath('faults.lost')")
as_server cp "$PGDATA/$lost" "$PGDATA/${lost%/*}/999999"
as_server rm "$PGDATA/$lost"
is "$(leftovers)" "file without relation: ${lost%/*}/999999
relation without file: faults.lost" "the checker sees what is left over"
ok "and that the database is not as before" \
	eval '! unchanged'
as_server rm "$PGDATA/${lost%/*}/999999"
sql $db 'DROP TABLE faults.lost'

# -- the places are what they are called

# What the run has written so far is in files that no other session knows.
read='SET enable_indexscan = off; SET enable_incremental_sort = off;'
load='SET enable_sort = off; SET enable_bitmapscan = off;'
written()
{
	begin row "$1 SELECT chatmig_migrate('fresh')"
	orphans | while read -r file; do
		wc -c <"$PGDATA/$file"
	done | awk '{ sum += $1 } END { print (sum > 1000000 ? "rows" : "none") }'
	sql $db "SELECT pg_cancel_backend($(pid_of_run))" >/dev/null
	finish
}
is "$(written "$read")" none "at one place all is read and nothing written"
is "$(written "$load")" rows "at another, some rows are written"

# And at a third, a worker waits for the row, and others go on.
share='SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0;'
begin row "$share SELECT chatmig_migrate('fresh')"
ok "at a third, a parallel worker waits" [ -n "$(pid_of_worker)" ]
sql $db "SELECT pg_cancel_backend($(pid_of_run))" >/dev/null
finish

# And at a fourth all rows are written, and a worker builds an index.
begin_index 'BEGIN;' "
	SELECT count(*) || ' of ' || count(bt_index_parent_check(indexrelid, true, true))
	FROM pg_index JOIN pg_class AS t ON t.oid = indrelid
	WHERE t.relnamespace = 'built'::regnamespace;
	SELECT chatmig_assert_valid('built');
	ROLLBACK"
ok "at a fourth, a parallel worker waits" [ -n "$(pid_of_worker)" ]
is "$(sql $db "SELECT DISTINCT mode FROM pg_locks
	WHERE pid = $(pid_of_worker) AND mode IN ('ShareLock', 'AccessExclusiveLock')
	ORDER BY mode")" "AccessExclusiveLock
ShareLock" "it builds an index"
release
finish
is "$(sed -n 2p "$scratch/run")" '6 of 6' \
	"and once it goes on, the indexes have all rows in their order"
is "$(sed -n '3,$p' "$scratch/run")" '' "and the run is valid"

# -- a session that ends, at each of the places

fault cancel fresh 'CREATE TABLE fresh.messages'
fault cancel fresh read
fault cancel fresh load
fault cancel fresh 'CREATE INDEX fresh.messages_reply_to_id_idx'
fault cancel fresh record
fault cancel fresh commit
fault cancel filled row
fault cancel filled commit
fault cancel parsed load
fault cancel fresh share
fault cancel_worker fresh share
fault cancel parsed share
fault terminate fresh share
fault terminate_worker fresh share
fault terminate fresh 'CREATE INDEX fresh.messages_reply_to_id_idx'
fault cancel built index
fault cancel_worker built index
fault terminate_worker built index
fault statement_timeout built index 'SET statement_timeout = 3000;'
fault terminate filled row
fault terminate parsed commit
fault statement_timeout filled row 'SET statement_timeout = 4000;'
fault statement_timeout fresh share 'SET statement_timeout = 2000;'
fault lock_timeout fresh load 'SET lock_timeout = 100;'
fault lock_timeout fresh share 'SET lock_timeout = 100;'
fault lock_timeout filled conversation 'SET lock_timeout = 100;'

# All is done but the COMMIT, and the session says nothing more.
{
	echo "SET idle_in_transaction_session_timeout = 100;
		BEGIN; SELECT chatmig_migrate('fresh');"
	sleep 3
	echo 'COMMIT;'
} | sql $db >"$scratch/run" 2>&1 || true
ok "idle in transaction: it is stopped" \
	says 'terminating connection due to idle-in-transaction timeout'
as_before "idle in transaction" fresh

# -- a backend that is killed, and a server

fault kill fresh 'CREATE TABLE fresh.messages'
fault kill fresh load
fault kill fresh share
fault kill_worker fresh share
fault kill_worker parsed share
fault kill_worker built index
fault kill fresh 'ALTER TABLE fresh.messages'
fault kill filled row
fault kill parsed load
fault crash fresh load
fault crash fresh share
fault crash built index
fault crash fresh record
fault crash fresh commit
fault crash filled row
fault crash parsed commit

# -- no memory, no room

fault memory fresh load
fault memory parsed load

# the sort gets a share of maintenance_work_mem, if that is more than work_mem
little="SET work_mem = '64kB'; SET maintenance_work_mem = '1MB';"
short "temp_file_limit" fresh \
	"$read $little SET temp_file_limit = '500kB';" \
	'temporary file size exceeds temp_file_limit'
short "temp_file_limit in a worker" fresh \
	"$share $little SET temp_file_limit = '250kB';" \
	'temporary file size exceeds temp_file_limit'

# Less work_mem than anything needs is no fault: what does not fit goes to disk.
tight="SET work_mem = '64kB'; SET maintenance_work_mem = '1MB';
	SET hash_mem_multiplier = 1; $read"
for migration in fresh filled parsed; do
	is "$(rehearse $migration "$tight")" "$(cat "$scratch/$migration")" \
		"no work_mem, $migration: the same run, and valid"
	is "$(rehearse $migration "$tight $share")" "$(cat "$scratch/$migration")" \
		"no work_mem, $migration, with workers: the same"
done
is "$(leftovers)" "" "no work_mem: nothing is left over"

# -- a small disk

mkdir "$small"
if mount -t tmpfs -o size=64m tmpfs "$small" 2>/dev/null; then
	[ "$(id -u)" != 0 ] || chown "$(stat -c %U:%G "$PGDATA")" "$small"
	sql $db "CREATE TABLESPACE small LOCATION '$small'"
	into="SET default_tablespace = small; SET temp_tablespaces = '';"
	# how much it would take: some of it, half, nearly all
	begin commit "$into SELECT chatmig_migrate('fresh')"
	whole=$(du -sk "$small" | cut -f1)
	sql $db "SELECT pg_cancel_backend($(pid_of_run))" >/dev/null
	finish
	ok "the new tables take room on a small disk: $whole kB" [ "$whole" -gt 4000 ]
	for percent in 10 45 95; do
		full "disk full at $percent%" fresh $((whole * percent / 100)) "$into"
	done
	full "disk full, transcripts" parsed 1000 "$into"
	full "no room to sort" fresh 400 \
		"$read $little SET temp_tablespaces = small;"
	sql $db 'DROP TABLESPACE small'
	umount "$small"
else
	skip "disk full" "no file system can be mounted here"
fi

# -- other sessions, while a run is in the middle

begin row "$load SELECT chatmig_migrate('fresh')"
# these do not wait
ok "rows of the source are changed meanwhile" sql $db "
	SET lock_timeout = 50;
	UPDATE app.talks SET response = 'other' WHERE id IN (1, 199);
	DELETE FROM app.talks WHERE id IN (2, 198);
	INSERT INTO app.talks VALUES (20001, 1, 'late', 'late', '2025-01-01')"
waits 'TRUNCATE app.talks'
waits 'DROP TABLE app.talks CASCADE'
waits 'DROP VIEW app.seen'
waits 'ALTER TABLE app.talks DROP COLUMN response CASCADE'
waits 'ALTER TABLE app.talks ALTER COLUMN id TYPE bigint'
waits "SELECT chatmig_migrate('fresh')"
waits "SELECT chatmig_rollback('fresh')"
release
finish
is "$(sql $db "SELECT messages FROM chatmig_status WHERE migration = 'fresh'")" \
	40000 "the run has what was there when it began"
is "$(sql $db "SELECT check_name, violations FROM chatmig_validate('fresh')
	WHERE status = 'violation'")" "legacy_unmigrated|1
legacy_changed|2
legacy_deleted|2" "validate says what has changed since"
sql $db "
	DELETE FROM app.talks WHERE id = 20001;
	INSERT INTO app.talks
	SELECT g, g % 200, 'question ' || g, repeat('answer ' || g, 5),
	       timestamptz '2024-01-01 00:00Z' + g * interval '1 s'
	FROM unnest('{2, 198}'::int[]) AS g;
	UPDATE app.talks SET response = repeat('answer ' || id, 5) WHERE id IN (1, 199)"
is "$(sql $db "SELECT chatmig_assert_valid('fresh')")" "" \
	"with the rows as they were, it is valid"
sql $db "SELECT chatmig_rollback('fresh')" >/dev/null
# the order in which rows are stored is another one now
state >"$scratch/before"
as_before "changes of the source" fresh

begin row "SELECT chatmig_migrate('filled')"
ok "the application goes on writing to the filled tables" sql $db "
	SET lock_timeout = 50;
	INSERT INTO filled.messages (conversation_id, role, content, created_at)
	VALUES (1, 'user', 'More', '2025-01-02');
	UPDATE filled.conversations SET title = 'Mine too' WHERE id = 1"
waits 'ALTER TABLE filled.messages DROP COLUMN content'
waits 'ALTER TABLE filled.messages RENAME COLUMN content TO body'
waits "ALTER TABLE filled.messages ADD CHECK (content <> '')"
waits 'ALTER TABLE filled.conversations DROP COLUMN title'
waits 'TRUNCATE filled.messages'
waits 'DROP TABLE filled.messages'
waits "SELECT chatmig_register('app.talks', name => 'filled')"
release
finish
is "$(sql $db "SELECT messages FROM chatmig_status WHERE migration = 'filled'")" \
	40000 "the run is whole"
is "$(sql $db "SELECT chatmig_assert_valid('filled')")" "" "and valid"
sql $db "
	SELECT chatmig_rollback('filled');
	DELETE FROM filled.messages WHERE content = 'More';
	UPDATE filled.conversations SET title = 'Mine'" >/dev/null
ok "after a rollback the filled tables are as before" \
	unchanged

# -- other sessions that were there first

first 'ALTER TABLE filled.messages RENAME COLUMN content TO zebra' filled \
	'content' 'ALTER TABLE filled.messages RENAME COLUMN zebra TO content'
first "ALTER TABLE filled.messages ADD CONSTRAINT no_600 CHECK (content <> 'question 600')" \
	filled 'violates check constraint "no_600"' \
	'ALTER TABLE filled.messages DROP CONSTRAINT no_600'
first 'ALTER TABLE filled.messages ALTER mood SET NOT NULL, ALTER mood DROP DEFAULT' \
	filled 'mood' \
	"ALTER TABLE filled.messages ALTER mood DROP NOT NULL, ALTER mood SET DEFAULT 'fine'"
first 'ALTER TABLE app.talks RENAME COLUMN response TO zebra' filled \
	'response' 'ALTER TABLE app.talks RENAME COLUMN zebra TO response'

# -- at the commit itself, and after it

# Killed while it commits, a run is whole or has not been.
unclear=
for delay in 0 0.002 0.01; do
	begin commit "SELECT chatmig_migrate('fresh')"
	pid=$(pid_of_run)
	release
	sleep $delay
	as_server kill -9 "$pid" 2>/dev/null || true
	finish
	know_orphans
	if [ "$(sql $db 'SELECT count(*) FROM chatmig_run')" = 0 ]; then
		unchanged >"$scratch/difference" || unclear="$unclear not as before;"
	else
		sql $db "SELECT chatmig_assert_valid('fresh');
			SELECT chatmig_rollback('fresh')" >"$scratch/difference" 2>&1 &&
			unchanged >>"$scratch/difference" || unclear="$unclear not whole;"
	fi
	[ -z "$unclear" ] || cat "$scratch/difference" >&2
done
is "$unclear" "" "killed while it commits, a run is whole or has not been"

# Nothing of a bulk load is in the WAL: once committed it must be on the disk.
{
	echo "$share"
	migrate fresh
	migrate parsed
	migrate built
} | sql $db >"$scratch/whole"
is "$(cat "$scratch/whole")" \
	"$(cat "$scratch/fresh" "$scratch/parsed" "$scratch/built")" \
	"three runs with parallel workers, committed"
state >"$scratch/before"
crash_server
ok "after a crash of the server the committed rows and tables are all there" \
	unchanged
is "$(leftovers)" "" "and nothing else"
is "$(sql $db "
	SELECT chatmig_assert_valid('fresh'); SELECT chatmig_assert_valid('parsed');
	SELECT chatmig_assert_valid('built')" | tr -d '\n')" "" "and they are valid"

sql $db "SELECT chatmig_rollback('fresh'); SELECT chatmig_rollback('parsed');
	SELECT chatmig_rollback('built')" >/dev/null

# -- the source dropped by the session before

hold
PGAPPNAME=ddl sql $db "
	BEGIN; DROP TABLE app.talks CASCADE; SELECT pg_advisory_lock_shared(1);
	COMMIT" >/dev/null 2>&1 &
wait_for "a session that drops" "
	SELECT FROM pg_stat_activity
	WHERE application_name = 'ddl' AND wait_event = 'advisory'"
PGAPPNAME=run sql $db "SELECT chatmig_migrate('fresh')" >"$scratch/run" 2>&1 &
run=$!
wait_for "a run that waits" "
	SELECT FROM pg_stat_activity
	WHERE application_name = 'run' AND wait_event_type = 'Lock'"
release
finish
ok "the source is dropped first: the run fails and says why" \
	says 'the legacy table of migration "fresh" does not exist'
is "$(leftovers)" "" "and leaves nothing"
is "$(sql $db "
	SELECT relname FROM pg_class WHERE relnamespace = 'fresh'::regnamespace
	UNION ALL SELECT migration FROM chatmig_run WHERE migration = 'fresh'")" \
	"" "no table and no record"

log_is_clean
done_testing
