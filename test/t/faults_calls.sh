#!/bin/sh
# What stops the calls that are no first run (test/t/faults.sh) in the middle: the
# update of the extension, a run that adds late rows, validate, rollback. Each
# leaves the database as it was and nothing over, and the next one goes through.

. "$(dirname "$0")/../bin/faults.sh"

# as_before WHAT: nothing has happened, and $again says what it said when nobody
# disturbed it
as_before()
{
	ok "$1: the database is as before" unchanged
	is "$(leftovers)" "" "$1: nothing is left over"
	is "$(rehearse)" "$(cat "$scratch/rehearsed")" "$1: the next one goes through"
}

# rehearse: $again, taken back
rehearse()
{
	sql $db "BEGIN; $again; ROLLBACK" 2>&1
}

# ready: what each fault is compared with
ready()
{
	state >"$scratch/before"
	rehearse >"$scratch/rehearsed"
	ok "$1: taken back, it has changed nothing" unchanged
}

# fault KIND PLACE [SETTINGS;]: stops $call there
fault()
{
	what="$1, $name, at $2"
	begin "$2" "${3-} $call"
	strike "$1"
	ok "$what: it is stopped" says "$expected"
	as_before "$what"
}

# -- the update from 1.0, which converts all that is registered

db=chatmig_faults_old
fixture $db 1.0 2000
name='update'
call="ALTER EXTENSION chatmig UPDATE TO '2.0'"
again="$call; -- which validates
	SELECT migration, state, migrated, conversations, messages FROM chatmig_status
	ORDER BY migration"
ready "update"
is "$(sed -n 1,4p "$scratch/rehearsed")" "built|migrated|1000|200|2000
filled|migrated|2000|200|4000
fresh|migrated|2000|200|4000
parsed|migrated|101|100|2000" "an update that nobody disturbs"
fault cancel 'CREATE TABLE public.chatmig_run'
fault cancel row
fault terminate 'CREATE TABLE fresh.messages'
fault kill 'CREATE INDEX parsed.messages_reply_to_id_idx'
fault kill 'ALTER EXTENSION chatmig'
fault crash conversation
fault crash 'ALTER EXTENSION chatmig'
fault statement_timeout row 'SET statement_timeout = 2500;'
fault lock_timeout row 'SET lock_timeout = 100;'
fault memory row
is "$(sql $db "SELECT extversion FROM pg_extension WHERE extname = 'chatmig'")" \
	1.0 "the database is at 1.0"

# -- a run that adds late rows

db=chatmig_faults
fixture $db 2.0 2000
pause_run $db
sql $db <<-'SQL' >/dev/null
	SELECT chatmig_migrate('fresh');
	SELECT chatmig_migrate('filled');
	INSERT INTO app.talks
	SELECT g, g % 200, 'late question ' || g, 'late answer ' || g,
	       timestamptz '2024-01-02 00:00Z' + g * interval '1 s'
	FROM generate_series(2001, 3000) AS g;
	CREATE TRIGGER late BEFORE INSERT ON fresh.messages
	    FOR EACH ROW WHEN (NEW.content = 'late question 2500')
	    EXECUTE FUNCTION faults.pause_row('late');
	CREATE TRIGGER late BEFORE INSERT ON filled.messages
	    FOR EACH ROW WHEN (NEW.content = 'late question 2500')
	    EXECUTE FUNCTION faults.pause_row('late');
SQL
for name in fresh filled; do
	call="SELECT chatmig_migrate('$name')"
	again="SELECT already, migrated, conversations, messages
		FROM chatmig_migrate('$name'); SELECT chatmig_assert_valid('$name')"
	ready "late rows, $name"
	is "$(sed -n 1p "$scratch/rehearsed")" "2000|1000|0|2000" \
		"late rows that nobody disturbs, $name"
	fault cancel late
	fault terminate record
	fault kill late
	fault crash record
	fault lock_timeout late 'SET lock_timeout = 100;'
done

# -- validate, which changes nothing anyhow

name='validate'
sql $db "SELECT chatmig_migrate('fresh'), chatmig_migrate('filled')" >/dev/null
call="SELECT chatmig_validate('fresh')"
again="SELECT count(*) FROM chatmig_validate('fresh') WHERE status = 'ok'"
ready "validate"
fault cancel row
fault terminate row
fault kill row
fault crash row
fault statement_timeout row 'SET statement_timeout = 2000;'
fault memory row
# a sort gets a share of maintenance_work_mem, if that is more than work_mem
sql $db "SET work_mem = '64kB'; SET maintenance_work_mem = '1MB';
	SET temp_file_limit = '50kB'; SET enable_indexscan = off;
	SET enable_bitmapscan = off; $call" \
	>"$scratch/run" 2>&1 || true
ok "temp_file_limit, validate: it is stopped" \
	says 'temporary file size exceeds temp_file_limit'
as_before "temp_file_limit, validate"
is "$(sql $db "SET work_mem = '64kB'; SET maintenance_work_mem = '1MB'; $again")" \
	"$(cat "$scratch/rehearsed")" "no work_mem, validate: the same"

# -- rollback, of tables that it drops and of tables that it empties

sql $db "
	CREATE TRIGGER back BEFORE DELETE ON filled.messages
	    FOR EACH ROW WHEN (OLD.content = 'question 100')
	    EXECUTE FUNCTION faults.pause_row('message');
	CREATE TRIGGER back BEFORE DELETE ON filled.conversations
	    FOR EACH ROW WHEN (OLD.user_id = 1)
	    EXECUTE FUNCTION faults.pause_row('conversation')"
for name in 'rollback of fresh' 'rollback of filled'; do
	migration=${name##* }
	call="SELECT chatmig_rollback('$migration')"
	again="SELECT migrated, conversations, messages
		FROM chatmig_rollback('$migration')"
	ready "$name"
	is "$(cat "$scratch/rehearsed")" "3000|200|6000" \
		"a $name that nobody disturbs"
	case $migration in
	fresh)
		fault cancel 'DROP TABLE fresh.messages'
		fault terminate 'DROP TABLE fresh.fresh_trace'
		fault kill 'DROP TABLE fresh.conversations'
		fault crash 'DROP TABLE fresh.conversations'
		fault lock_timeout 'DROP TABLE fresh.messages' 'SET lock_timeout = 100;'
		;;
	filled)
		fault cancel message
		fault terminate conversation
		fault kill message
		fault crash 'DROP TABLE filled.trace'
		fault statement_timeout message 'SET statement_timeout = 2000;'
		;;
	esac
done
# then they are really taken back
is "$(sql $db "SELECT migrated, conversations, messages FROM chatmig_rollback('fresh');
	SELECT migrated, conversations, messages FROM chatmig_rollback('filled')")" \
	"3000|200|6000
3000|200|6000" "the next rollbacks go through"
is "$(sql $db "
	SELECT relname FROM pg_class WHERE relnamespace = 'fresh'::regnamespace;
	SELECT count(*) FROM filled.conversations; SELECT content FROM filled.messages")" \
	"1
Hello" "and leave what was there before"
is "$(leftovers)" "" "not even a file"

log_is_clean
done_testing
