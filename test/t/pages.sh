#!/bin/sh
# The pages of new tables, as parallel workers load them: a worker whose queue is
# full writes those that are full, and whatever then happens to it leaves the
# database as it was, or the run whole. (test/sql/pages.sql has where rows lie;
# test/t/faults.sh what goes wrong elsewhere; test/t/tools.sh the pages'
# checksums, and a standby's.)
#
# The server itself writes no page here: not in the background, not at a
# checkpoint, and not for want of a buffer.

[ -n "${FAULTS_SERVER-}" ] || exec env FAULTS_SERVER=1 SERVER_CONF="
	autovacuum = off
	restart_after_crash = on
	bgwriter_lru_maxpages = 0
	checkpoint_timeout = 1h
	max_wal_size = 10GB" "$(dirname "$0")/../bin/with-server" "$0"

. "$(dirname "$0")/../bin/faults.sh"

db=chatmig_pages
fixture $db 2.0 1000

# Two workers, whose queues take 4 MB each. The owner 1 stops in the middle of
# its one conversation, after 1.4 MB, of which the process that writes gets 1 MB:
# it waits for the rest, and the other worker's 15 MB have nowhere to go.
sql $db <<-'SQL' >/dev/null
	CREATE EXTENSION pg_buffercache SCHEMA faults;
	CREATE SCHEMA long;
	CREATE TABLE app.long AS
	SELECT g AS id, CASE WHEN g <= 4000 THEN 1 ELSE g % 200 END AS user_id,
	       repeat(md5(g::text), 45) AS message, 'answer ' || g AS response,
	       timestamptz '2024-01-01 00:00Z' + g * interval '1 s' AS sent_at
	FROM generate_series(1, 24000) AS g;
	ALTER TABLE app.long ADD PRIMARY KEY (id);
	CREATE INDEX ON app.long (user_id, sent_at, id);
	CREATE VIEW app.long_seen AS
	SELECT id, user_id, message,
	       CASE id WHEN 900 THEN faults.pause('row', response) ELSE response END
	           AS response,
	       sent_at
	FROM app.long;
	SELECT chatmig_register('app.long_seen', '{"key": ["id"]}',
	    '{"schema": "long"}', name => 'long');
	VACUUM ANALYZE app.long;
	CHECKPOINT;
SQL
workers='SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0;
	SET min_parallel_index_scan_size = 0;
	SET enable_sort = off; SET enable_bitmapscan = off;'

# What a run says and writes, its time left out.
migrate="
	SELECT legacy_rows, migrated, conversations, messages FROM chatmig_migrate('long');
	SELECT chatmig_assert_valid('long')"
written="
	SELECT count(*), md5(string_agg(m::text, ' ' ORDER BY id)) FROM long.messages AS m;
	SELECT count(*), md5(string_agg(c::text, ' ' ORDER BY id)) FROM long.conversations AS c;
	SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY key_1)) FROM long.long_trace AS t"

# What amcheck and the size of a table say against its pages.
unsound="
	SELECT t, v FROM unnest('{long.messages,long.conversations,long.long_trace}'::regclass[]) AS t,
	              verify_heapam(t) AS v;
	SELECT t, 'empty pages' FROM (VALUES
	    ('long.messages'::regclass, (SELECT count(DISTINCT (ctid::text::point)[0]) FROM long.messages)),
	    ('long.conversations', (SELECT count(DISTINCT (ctid::text::point)[0]) FROM long.conversations)),
	    ('long.long_trace', (SELECT count(DISTINCT (ctid::text::point)[0]) FROM long.long_trace)))
	    AS v (t, n)
	WHERE n <> pg_relation_size(t) / 8192"

# Whether there are pages of tables that nobody else can see yet in buffers, and
# whether most of them have been written.
new_pages="
	SELECT count(*) > 100, count(*) FILTER (WHERE isdirty) < 60
	FROM faults.pg_buffercache AS b
	WHERE reldatabase = (SELECT oid FROM pg_database WHERE datname = '$db')
	      AND relforknumber = 0
	      AND NOT EXISTS (SELECT FROM pg_class
	                      WHERE pg_relation_filenode(oid) = b.relfilenode)"

full="
	SELECT pid FROM pg_stat_activity
	WHERE backend_type = 'parallel worker' AND wait_event = 'MessageQueueSend'"

# begin_full: a run in which one worker waits at the row, and another one for
# room in its queue
begin_full()
{
	begin row "$workers SELECT chatmig_migrate('long')"
	wait_for "a worker whose queue is full" "$full"
}

# fault KIND: a worker is the one whose queue is full
pid_of_worker()
{
	sql $db "$full"
}

fault()
{
	begin_full
	strike "$1"
	ok "$1: it is stopped" says "$expected"
	ok "$1: the database is as before" unchanged
	is "$(leftovers)" "" "$1: nothing is left over"
	is "$(sql $db "BEGIN; $workers $migrate; $written; ROLLBACK")" \
		"$(cat "$scratch/long")" "$1: the next run goes through and is valid"
}

state >"$scratch/before"
sql $db "BEGIN; $workers $migrate; $written; $unsound; ROLLBACK" >"$scratch/long"
is "$(sed -n 1p "$scratch/long")" "24000|24000|200|48000" "a run that nobody disturbs"
is "$(sed '1,2d' "$scratch/long")" \
	"$(sql $db "BEGIN; SET max_parallel_workers_per_gather = 0; $migrate; $written; ROLLBACK" | sed '1,2d')" \
	"as with one process"

# -- a worker whose queue is full is stopped, or another process while it waits

for kind in cancel cancel_worker terminate terminate_worker kill kill_worker crash; do
	fault $kind
done

# -- it writes

begin_full
is "$(sql $db "$new_pages")" "t|t" \
	"a worker whose queue is full has written the full pages of the new tables"
# A hole in a file would be another process's error, once the disk is full.
oid=$(sql $db "SELECT oid FROM pg_database WHERE datname = '$db'")
find "$PGDATA/base/$oid" -newer "$scratch/long" -size +128k -printf '%f %b %s\n' \
	>"$scratch/files"
ok "there are files that grow" [ -s "$scratch/files" ]
none "$(awk '$2 * 512 < $3' "$scratch/files")" "all of their pages have room on the disk"
release
finish
is "$(sql $db "SELECT chatmig_assert_valid('long'); $written; $unsound" | sed 1d)" \
	"$(sed '1,2d' "$scratch/long")" "it goes on, and comes to the same"
crash_server
is "$(sql $db "SELECT chatmig_assert_valid('long'); $written; $unsound" | sed 1d)" \
	"$(sed '1,2d' "$scratch/long")" "and so it is after a crash of the server"

log_is_clean
done_testing
