#!/bin/sh
# A run of 200,000 rows can be stopped at any moment, leaves nothing behind,
# and needs little memory; an error in it says which row it was.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

fresh chatmig_interrupt
sql chatmig_interrupt <<-'SQL' >/dev/null
	CREATE EXTENSION chatmig;
	CREATE TABLE talks (
	    id int PRIMARY KEY,
	    user_id int,
	    message text,
	    response text,
	    sent_at timestamptz);
	INSERT INTO talks
	SELECT g, g % 1000, repeat('question ' || g, 5), repeat('answer ' || g, 20),
	       timestamptz '2024-01-01 00:00Z' + g * interval '1 s'
	FROM generate_series(1, 200000) AS g;
	VACUUM ANALYZE talks;
	SELECT chatmig_register('talks');
SQL

# What a run that is stopped must leave as it is: the relations, and the rows of
# the ledger.
traces()
{
	sql chatmig_interrupt "
		SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid) FROM pg_class
		WHERE relnamespace = 'public'::regnamespace;
		SELECT count(*) FROM chatmig_target;
		SELECT count(*) FROM chatmig_run;
		SELECT count(*) FROM chatmig_rejected"
}

# Files of the database that belong to no relation. Those of a transaction that
# was taken back are gone; those of a dropped table wait for a checkpoint.
orphans()
{
	sql chatmig_interrupt <<-'SQL'
		CHECKPOINT;
		SELECT f FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database
		    WHERE datname = current_database())) AS f
		WHERE f ~ '^\d+$' AND pg_filenode_relation(0, f::oid) IS NULL
		      AND NOT EXISTS (SELECT FROM pg_class
		                      WHERE pg_relation_filenode(oid) = f::oid);
	SQL
}

before=$(traces)

# -- by statement_timeout, at many moments: reading, loading, building indexes

start=$(date +%s%N)
sql chatmig_interrupt 'BEGIN; SELECT chatmig_migrate(); ROLLBACK' >/dev/null
whole=$((($(date +%s%N) - start) / 1000000))
is "$(traces)" "$before" "a run that is taken back leaves nothing"

late=
unexpected=
for percent in 5 20 40 60 75 90; do
	after=$((whole * percent / 100))
	start=$(date +%s%N)
	state=$(sqlstate chatmig_interrupt "
		SET statement_timeout = $after; SELECT chatmig_migrate()")
	took=$((($(date +%s%N) - start) / 1000000))
	# the machine may have been much faster this time
	[ "$state" = 57014 ] || [ "$percent" -ge 40 ] ||
		unexpected="$unexpected $percent%: $state"
	if [ -z "$state" ]; then
		sql chatmig_interrupt "SELECT chatmig_rollback('talks')" >/dev/null
	fi
	# as soon as the machine lets it: a bound that only a hang exceeds
	[ "$((took - after))" -lt 10000 ] ||
		late="$late $percent%: stopped after $took ms instead of $after"
done
is "$unexpected" "" "statement_timeout stops a run"
is "$late" "" "soon after"
is "$(traces)" "$before" "no table and no row of the ledger is left"

# -- by pg_cancel_backend and pg_terminate_backend, from another session

# stop FUNCTION: calls it on a run that is under way; prints how long the run
# went on after that, in milliseconds
stop()
{
	PGAPPNAME=chatmig_run sql chatmig_interrupt 'SELECT chatmig_migrate()' \
		>"$scratch/run" 2>&1 &
	run=$!
	until [ "$(sql chatmig_interrupt "
		SELECT count(*) FROM pg_stat_activity
		WHERE application_name = 'chatmig_run' AND state = 'active'
		      AND backend_type = 'client backend'")" = 1 ]; do
		sleep 0.05
	done
	sleep "$(awk "BEGIN { print $whole / 8000 }")"
	start=$(date +%s%N)
	sql chatmig_interrupt "
		SELECT $1(pid) FROM pg_stat_activity
		WHERE application_name = 'chatmig_run' AND backend_type = 'client backend'" \
		>"$scratch/stopped"
	wait "$run" || true
	echo $((($(date +%s%N) - start) / 1000000))
}

for function in pg_cancel_backend pg_terminate_backend; do
	took=$(stop "$function")
	is "$(cat "$scratch/stopped")" t "$function finds a run under way"
	ok "$function: it stops soon after (it took $took ms)" \
		[ "$took" -lt 10000 ]
	ok "$function: and says so" \
		grep -Eq 'canceling statement due to user request|terminating connection' \
		"$scratch/run"
	is "$(traces)" "$before" "$function: no table and no row of the ledger is left"
done
is "$(orphans)" "" "no file is left"

# -- memory: the next run goes through, with work_mem = 4MB and no helpers

# VmHWM also counts the pages of the shared buffers that a backend has touched,
# so these are allowed for.
ok "the next run goes through" sql chatmig_interrupt <<-'SQL'
	SET work_mem = '4MB';
	SET maintenance_work_mem = '16MB';
	SET max_parallel_workers_per_gather = 0;
	SET max_parallel_maintenance_workers = 0;
	-- whatever this touches is not of the run
	SELECT count(*), sum(length(message) + length(response)) FROM talks;
	CREATE TEMP TABLE memory AS
	    SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status') AS at_start;
	CREATE TABLE result AS SELECT * FROM chatmig_migrate();
	ALTER TABLE memory ADD at_end text;
	UPDATE memory SET at_end =
	    pg_read_file('/proc/' || pg_backend_pid() || '/status');
	CREATE TABLE growth AS
	SELECT substring(at_end, 'VmHWM:\s+(\d+)')::int / 1024
	       - substring(at_start, 'VmHWM:\s+(\d+)')::int / 1024 AS mb
	FROM memory;
SQL
is "$(sql chatmig_interrupt '
	SELECT legacy_rows, already, migrated, rejected, conversations, messages
	FROM result')" "200000|0|200000|0|1000|400000" "and migrates all"
growth=$(sql chatmig_interrupt 'SELECT mb FROM growth')
shared=$(sql chatmig_interrupt "
	SELECT pg_size_bytes(current_setting('shared_buffers')) / 1024 / 1024")
ok "it needs less than 150 MB beside the shared buffers: $growth MB in all" \
	[ "$growth" -lt $((150 + shared)) ]

# -- an error in the loop says which row of which migration it was

sql chatmig_interrupt <<-'SQL'
	ALTER TABLE messages ADD CONSTRAINT no_swearing CHECK (content !~ 'damn') NOT VALID;
	INSERT INTO talks VALUES (300001, 1, 'fine', 'fine', '2025-01-01'),
	                         (300002, 2, 'damn', 'oh', '2025-01-02'),
	                         (300003, 3, 'fine', 'fine', '2025-01-03');
SQL
before=$(traces)
sql chatmig_interrupt 'SELECT chatmig_migrate()' >"$scratch/run" 2>&1 || true
ok "a check on the target stops the run" \
	grep -q 'violates check constraint "no_swearing"' "$scratch/run"
ok "the error names the migration and the legacy row" \
	grep -q 'migration "talks", legacy key 300002$' "$scratch/run"
is "$(traces)" "$before" "and nothing has changed"
is "$(sql chatmig_interrupt 'SELECT count(*) FROM messages')" 400000 \
	"not even for the row before it"
# a user's function that fails while the table is read
sql chatmig_interrupt <<-'SQL' >/dev/null
	CREATE VIEW loud AS
	SELECT id, message, 1 / (id - 5000) || response AS response FROM talks;
	SELECT chatmig_register('loud', '{"key": ["id"]}',
	    '{"conversations": "loud_conversations", "messages": "loud_messages"}');
SQL
before=$(traces)
sql chatmig_interrupt "SELECT chatmig_migrate('loud')" >"$scratch/run" 2>&1 || true
ok "an error in the source stops the run" grep -q 'division by zero' "$scratch/run"
ok "and names the migration" \
	grep -q 'migration "loud", reading public.loud$' "$scratch/run"
is "$(traces)" "$before" "and leaves nothing"
# -- a transaction that was prepared and then forgotten

# Which ones hold locks on which tables, by what validate says.
leftovers()
{
	sql chatmig_interrupt "
		SELECT split_part(detail, ' ', 2), regexp_replace(detail, '.* on ', '')
		FROM chatmig_violations('$1', 'leftovers') ORDER BY 2"
}

sql chatmig_interrupt <<-'SQL' >/dev/null
	ALTER TABLE messages DROP CONSTRAINT no_swearing;
	CREATE TABLE elsewhere (id int);
	BEGIN;
	INSERT INTO elsewhere VALUES (1);
	PREPARE TRANSACTION 'elsewhere';
SQL
is "$(leftovers talks)" "" "what is prepared elsewhere is no leftover"
sql chatmig_interrupt <<-'SQL' >/dev/null
	BEGIN;
	SELECT chatmig_migrate('talks');
	PREPARE TRANSACTION 'mine';
SQL
is "$(leftovers talks)" "'mine',|public.conversations.
'mine',|public.messages.
'mine',|public.talks.
'mine',|public.talks_trace." "validate finds a run that was prepared and not ended"
is "$(sql chatmig_interrupt "
	SELECT status, violations, hint ~ 'ROLLBACK PREPARED'
	FROM chatmig_validate('talks') WHERE check_name = 'leftovers'")" \
	"warning|4|t" "warns of it, and says what to do"
sql chatmig_interrupt "COMMIT PREPARED 'mine'" >/dev/null
sql chatmig_interrupt "ROLLBACK PREPARED 'elsewhere'" >/dev/null
is "$(leftovers talks)" "" "no longer once it has been committed"
is "$(sql chatmig_interrupt "
	SELECT string_agg(check_name, ' ') FROM chatmig_validate('talks')
	WHERE status NOT IN ('ok', 'info')")" "" "and then all is well"

none "$(grep -E 'PANIC:|TRAP:|was terminated by signal' "$SERVER_LOG" || true)" \
	"the server's log knows of no crash"

done_testing
