# Sourced by the scripts in test/t that stop calls in the middle: a server that
# may be killed, a database to do it in, pauses, and what there is afterwards.
#
# Backends and servers are killed here, so the script runs beside a server of
# its own. With wal_level = minimal nothing of a bulk load is in the WAL, which
# leaves the most to a crash.

[ -n "${FAULTS_SERVER-}" ] || exec env FAULTS_SERVER=1 SERVER_CONF="
	wal_level = minimal
	max_wal_senders = 0
	autovacuum = off
	restart_after_crash = on" "$(dirname "$0")/../bin/with-server" "$0"

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

: >"$scratch/known"

# -- four migrations: new tables, filled ones, transcripts into new ones, and new
# -- tables whose indexes take their time

# fixture DATABASE VERSION ROWS: with so many pairs. A call in it stops where
# the setting faults.point says, until nobody holds the advisory lock 1 any more.
# The places: in the middle of the rows, where a view is read or a message
# written; at any DDL; in the middle of an index that is built; and, with
# pause_run, at the record of the run, and when all is done but the commit.
fixture()
{
	fresh "$1"
	sql "$1" "CREATE EXTENSION chatmig VERSION '$2';
		CREATE EXTENSION amcheck;
		ALTER DATABASE $1 SET faults.rows = $3"
	sql "$1" <<-'SQL' >/dev/null
		CREATE SCHEMA app;
		CREATE SCHEMA fresh;
		CREATE SCHEMA filled;
		CREATE SCHEMA parsed;
		CREATE SCHEMA built;
		CREATE SCHEMA faults;

		CREATE FUNCTION faults.pause(point text, value text) RETURNS text
		LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
		BEGIN
		    IF current_setting('faults.point', true) = point THEN
		        PERFORM pg_advisory_lock_shared(1);
		        PERFORM pg_advisory_unlock_shared(1);
		    END IF;
		    RETURN value;
		END $$;
		CREATE FUNCTION faults.pause_row() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
		    PERFORM faults.pause(TG_ARGV[0], '');
		    RETURN coalesce(NEW, OLD);
		END $$;
		CREATE FUNCTION faults.pause_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
		DECLARE
		    object text;
		BEGIN
		    FOR object IN SELECT object_identity FROM pg_event_trigger_ddl_commands() LOOP
		        PERFORM faults.pause(tg_tag || ' ' || object, '');
		    END LOOP;
		END $$;
		CREATE FUNCTION faults.pause_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
		DECLARE
		    object text;
		BEGIN
		    FOR object IN SELECT object_identity FROM pg_event_trigger_dropped_objects() LOOP
		        PERFORM faults.pause(tg_tag || ' ' || object, '');
		    END LOOP;
		END $$;
		CREATE EVENT TRIGGER pause_ddl ON ddl_command_end
		    EXECUTE FUNCTION faults.pause_ddl();
		CREATE EVENT TRIGGER pause_drop ON sql_drop
		    EXECUTE FUNCTION faults.pause_drop();

		CREATE TABLE app.talks (
		    id int PRIMARY KEY,
		    user_id int,
		    message text,
		    response text,
		    sent_at timestamptz);
		INSERT INTO app.talks
		SELECT g, g % 200, 'question ' || g, repeat('answer ' || g, 5),
		       timestamptz '2024-01-01 00:00Z' + g * interval '1 s'
		FROM generate_series(1, current_setting('faults.rows')::int) AS g;
		CREATE INDEX ON app.talks (user_id, sent_at, id);
		-- the row in the middle, as users go
		CREATE VIEW app.seen AS
		SELECT id, user_id, message,
		       CASE id WHEN 100 THEN faults.pause('row', response) ELSE response END
		           AS response,
		       sent_at
		FROM app.talks;

		CREATE TABLE app.envelopes (
		    id int PRIMARY KEY,
		    user_id int,
		    envelope jsonb,
		    sent_at timestamptz);
		INSERT INTO app.envelopes
		SELECT id / 20, user_id,
		       jsonb_build_object('messages', jsonb_agg(jsonb_build_object(
		           'role', 'user', 'content', message))),
		       min(sent_at)
		FROM (SELECT id, id / 20 % 100 AS user_id, message, sent_at
		      FROM app.talks WHERE id <= 10000) AS t
		GROUP BY id / 20, user_id;
		CREATE INDEX ON app.envelopes (user_id, sent_at, id);
		CREATE VIEW app.transcripts AS
		SELECT id, user_id,
		       CASE id WHEN 50 THEN faults.pause('row', envelope::text)::jsonb
		               ELSE envelope END AS envelope,
		       sent_at
		FROM app.envelopes;

		-- A type with an order of its own, of keys and owners: two processes that
		-- build an index of those compare them.
		CREATE TYPE faults.code AS (number int);
		CREATE FUNCTION faults.compare(a faults.code, b faults.code) RETURNS int
		LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
		BEGIN
		    -- they have new files, and nothing in them yet
		    IF a.number = 100
		       AND pg_relation_size(to_regclass('built.built_trace_pkey'))
		         * pg_relation_size(to_regclass(
		               'built.conversations_user_id_updated_at_idx')) = 0 THEN
		        PERFORM faults.pause('index', '');
		    END IF;
		    RETURN sign(a.number - b.number);
		END $$;
		DO $$
		DECLARE
		    operator text;
		BEGIN
		    FOREACH operator IN ARRAY '{<,<=,=,>=,>}'::text[] LOOP
		        EXECUTE format('CREATE FUNCTION faults.%1$I(a faults.code, b faults.code)
		            RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		            ''SELECT (a).number %1$s (b).number'';
		            CREATE OPERATOR faults.%1$s (FUNCTION = faults.%1$I,
		                LEFTARG = faults.code, RIGHTARG = faults.code)', operator);
		    END LOOP;
		END $$;
		CREATE OPERATOR CLASS faults.code_ops DEFAULT FOR TYPE faults.code USING btree AS
		    OPERATOR 1 faults.<, OPERATOR 2 faults.<=, OPERATOR 3 faults.=,
		    OPERATOR 4 faults.>=, OPERATOR 5 faults.>,
		    FUNCTION 1 faults.compare(faults.code, faults.code);
		CREATE TABLE app.coded AS
		SELECT row(id)::faults.code AS code, row(user_id)::faults.code AS user_id,
		       message, response, sent_at
		FROM app.talks WHERE id <= 1000;

		CREATE TABLE filled.conversations (
		    id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
		    user_id int,
		    title text,
		    created_at timestamptz,
		    updated_at timestamptz);
		CREATE TABLE filled.messages (
		    id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
		    conversation_id bigint NOT NULL REFERENCES filled.conversations,
		    role text NOT NULL,
		    content text NOT NULL,
		    mood text DEFAULT 'fine',
		    created_at timestamptz);
		-- what the application has written there itself
		INSERT INTO filled.conversations (user_id, title, created_at, updated_at)
		VALUES (5000, 'Mine', '2025-01-01', '2025-01-01');
		INSERT INTO filled.messages (conversation_id, role, content, created_at)
		VALUES (1, 'user', 'Hello', '2025-01-01');
		CREATE TRIGGER pause BEFORE INSERT ON filled.messages
		    FOR EACH ROW WHEN (NEW.content = 'question 100')
		    EXECUTE FUNCTION faults.pause_row('row');
		CREATE TRIGGER pause BEFORE INSERT ON filled.conversations
		    FOR EACH ROW WHEN (NEW.user_id = 1)
		    EXECUTE FUNCTION faults.pause_row('conversation');

		SELECT chatmig_register('app.seen', '{"key": ["id"]}',
		    '{"schema": "fresh"}', name => 'fresh');
		SELECT chatmig_register('app.talks', target => '{"schema": "filled",
		    "conversations": "conversations", "messages": "messages",
		    "trace": "trace"}', name => 'filled');
		SELECT chatmig_register('app.transcripts',
		    '{"key": ["id"], "path": "$.messages[*]"}',
		    '{"schema": "parsed"}', '{"id_type": "bigint"}', name => 'parsed');
		SELECT chatmig_register('app.coded', '{"key": ["code"], "owner": "user_id"}',
		    '{"schema": "built"}', name => 'built');
		VACUUM ANALYZE;
	SQL
}

# pause_run DATABASE: the places 'record' and 'commit'
pause_run()
{
	sql "$1" <<-'SQL'
		CREATE TRIGGER pause_record BEFORE INSERT ON chatmig_run
		    FOR EACH ROW EXECUTE FUNCTION faults.pause_row('record');
		CREATE CONSTRAINT TRIGGER pause_commit AFTER INSERT ON chatmig_run
		    DEFERRABLE INITIALLY DEFERRED
		    FOR EACH ROW EXECUTE FUNCTION faults.pause_row('commit');
	SQL
}

# -- what there is

# Every object, and a checksum of the rows of each table. How far sequences have
# gone is not in it: ids that an error has taken back are not given again.
state()
{
	dump $db --schema-only
	content $db app fresh filled parsed built public
}

# as it was when "before" was written
unchanged()
{
	state >"$scratch/after"
	diff "$scratch/before" "$scratch/after"
}

# Files of the database without a relation. After a crash there are some: the
# server forgets those of tables that were not committed, as of any CREATE TABLE.
orphans()
{
	sql $db <<-'SQL'
		CHECKPOINT;
		WITH folder (name) AS (
		    SELECT DISTINCT substring(pg_relation_filepath(oid) FROM '^(.*)/')
		    FROM pg_class WHERE relfilenode <> 0
		    UNION
		    SELECT 'base/' || oid FROM pg_database WHERE datname = current_database())
		SELECT name || '/' || f FROM folder, pg_ls_dir(name) AS f
		WHERE f ~ '^t?\d'
		      AND NOT EXISTS (
		          SELECT FROM pg_class
		          WHERE pg_relation_filepath(oid) = name || '/' || substring(f FROM '^\d+'))
		ORDER BY 1;
	SQL
}

# What nobody may find when a run is over: a line each.
leftovers()
{
	orphans >"$scratch/orphans"
	sed 's/^/file without relation: /' "$scratch/orphans" |
		grep -vxFf "$scratch/known" || true
	sql $db <<-'SQL'
		SELECT 'relation without file: ' || oid::regclass
		FROM pg_class
		WHERE pg_relation_filepath(oid) IS NOT NULL
		      AND pg_stat_file(pg_relation_filepath(oid), true) IS NULL
		UNION ALL
		SELECT 'invalid index: ' || indexrelid::regclass
		FROM pg_index WHERE NOT indisvalid OR NOT indisready
		UNION ALL
		SELECT 'temporary relation: ' || oid::regclass
		FROM pg_class WHERE relpersistence = 't'
		UNION ALL
		SELECT 'temporary file: ' || name FROM pg_ls_tmpdir()
		UNION ALL
		SELECT 'prepared transaction: ' || gid FROM pg_prepared_xacts
		UNION ALL
		SELECT 'session: ' || query FROM pg_stat_activity
		WHERE backend_type IN ('client backend', 'parallel worker')
		      AND pid <> pg_backend_pid() AND datname = current_database()
		UNION ALL
		SELECT 'lock: ' || l FROM pg_locks AS l
		WHERE pid IS DISTINCT FROM pg_backend_pid()
		UNION ALL
		SELECT 'sequence behind its table: ' || s
		FROM (VALUES ('filled.conversations'::regclass,
		              'filled.conversations_id_seq'::regclass,
		              (SELECT max(id) FROM filled.conversations)),
		             ('filled.messages', 'filled.messages_id_seq',
		              (SELECT max(id) FROM filled.messages))) AS v (t, s, highest)
		WHERE pg_sequence_last_value(s) < highest
	SQL
}

# a crash has happened: the server's own files are known from here on
know_orphans()
{
	orphans | sed 's/^/file without relation: /' >>"$scratch/known"
}

# -- a call that stops at a place

# hold: a session that has the lock
hold()
{
	PGAPPNAME=holder psql -X -q -d $db \
		-c 'SELECT pg_advisory_lock(1)' -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
	holder=$!
	wait_for "a lock that is held" "
		SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
}

# begin POINT [SETTINGS;] STATEMENT: in the background; ends when it waits there
begin()
{
	hold
	PGAPPNAME=run sql $db "SET faults.point = '$1'; $2" >"$scratch/run" 2>&1 &
	run=$!
	wait_for "a run that waits at '$1'" "
		SELECT FROM pg_stat_activity
		WHERE application_name = 'run' AND wait_event = 'advisory'"
}

# wait_for WHAT QUERY: until it returns a row
wait_for()
{
	tries=0
	until [ "$(sql $db "SELECT EXISTS ($2)")" = t ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || {
			echo "# there never was $1" >&2
			[ ! -s "$scratch/run" ] || sed 's/^/# /' "$scratch/run" >&2
			exit 1
		}
		sleep 0.05
	done
}

release()
{
	sql $db "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE application_name = 'holder'" >/dev/null
}

# until the run, and whoever held it, is gone, and the server takes connections
finish()
{
	wait "$run" || true
	# a server that recovers takes none
	until sql $db 'SELECT' >/dev/null 2>&1; do
		sleep 0.05
	done
	release
	wait "$holder" || true
	wait_for "an end of all sessions" "
		SELECT WHERE NOT EXISTS (
		    SELECT FROM pg_stat_activity
		    WHERE backend_type IN ('client backend', 'parallel worker')
		          AND pid <> pg_backend_pid())"
}

pid_of_run()
{
	sql $db "SELECT pid FROM pg_stat_activity
		WHERE application_name = 'run' AND backend_type = 'client backend'"
}

# of one that waits
pid_of_worker()
{
	sql $db "SELECT pid FROM pg_stat_activity
		WHERE application_name = 'run' AND backend_type = 'parallel worker'
		      AND wait_event = 'advisory'"
}

# from a folder that the server's user may enter
as_server()
{
	(cd / && $SERVER_RUN "$@")
}

crash_server()
{
	as_server "$PG_BINDIR/pg_ctl" stop -D "$PGDATA" -m immediate -s
	as_server "$PG_BINDIR/pg_ctl" start -D "$PGDATA" -s -w -l "$SERVER_LOG" \
		>/dev/null </dev/null
}

# says WHAT: the run has ended with this error
says()
{
	grep -q "ERROR: .*$1\|FATAL: .*$1\|$1.*unexpectedly" "$scratch/run" || {
		cat "$scratch/run"
		return 1
	}
}

# strike KIND: stops the call that begin has left waiting, and waits until it is
# gone; $expected is what it must say. A timeout comes by itself.
strike()
{
	case $1 in
	*_worker)
		pid=$(pid_of_worker)
		whom='background worker "parallel worker"'
		;;
	*)
		pid=$(pid_of_run)
		whom=connection
		;;
	esac
	case ${1%_worker} in
	cancel)
		sql $db "SELECT pg_cancel_backend($pid)" >/dev/null
		expected='canceling statement due to user request'
		;;
	terminate)
		sql $db "SELECT pg_terminate_backend($pid)" >/dev/null
		expected="terminating $whom due to administrator command"
		;;
	kill)
		as_server kill -9 "$pid"
		expected='server closed the connection'
		;;
	crash)
		crash_server
		expected='server closed the connection'
		;;
	statement_timeout)
		expected='canceling statement due to statement timeout'
		;;
	lock_timeout)
		expected='canceling statement due to lock timeout'
		;;
	memory)
		# no more than what it has by now, and a little
		kb=$(awk '/^VmSize/ { print $2 }' "/proc/$pid/status")
		as_server prlimit --pid "$pid" --as=$(((kb + 256) * 1024))
		release
		expected='out of memory'
		;;
	esac
	finish
	case $1 in
	kill* | crash) know_orphans ;;
	esac
}

# no backend has fallen but by the signal from here
log_is_clean()
{
	none "$(grep -E 'PANIC:|TRAP:|was terminated by signal' "$SERVER_LOG" |
		grep -v 'terminated by signal 9' || true)" \
		"the server's log knows of no other crash"
}
