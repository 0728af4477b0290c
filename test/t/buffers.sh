#!/bin/sh
# How many buffers each call that serves touches does not depend on how many
# messages there are. MESSAGES=2000000 for a larger table than the usual one.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

messages=${MESSAGES:-100000}

# 100 messages of each owner, in 5 conversations.
fresh chatmig_buffers
sql chatmig_buffers <<-SQL >/dev/null
	CREATE EXTENSION chatmig;
	CREATE TABLE talks (
	    id int PRIMARY KEY, user_id int, session_id int, message text,
	    response text, photo text, sent_at timestamptz);
	INSERT INTO talks
	SELECT g, g % ($messages / 100), g / ($messages / 100) % 5, 'question ' || g,
	       repeat('answer ' || g, 5), CASE WHEN g % 7 = 0 THEN 'photo ' || g END,
	       timestamptz '2024-01-01 00:00Z' + g * interval '1 s'
	FROM generate_series(1, $messages / 2) AS g;
	SELECT chatmig_register('talks', '{"media": "photo"}', options => '{"id_type": "bigint"}');
	SELECT chatmig_migrate();
	VACUUM ANALYZE conversations, messages, media;
SQL

# touched SELECT...: buffers of one execution, after enough of them for the
# server to have settled on a plan; the most of three. OWNER is another one
# each time.
touched()
{
	sql chatmig_buffers <<-SQL
		CREATE FUNCTION pg_temp.touched(query text) RETURNS bigint LANGUAGE plpgsql AS \$\$
		DECLARE
		    plan json;
		    most bigint := 0;
		BEGIN
		    FOR i IN 1..10 LOOP
		        EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) '
		            || replace(query, 'OWNER', (100 + i)::text) INTO plan;
		        CONTINUE WHEN i <= 7;
		        most := greatest(most, (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint
		                             + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint);
		    END LOOP;
		    RETURN most;
		END \$\$;
		SELECT pg_temp.touched(\$query\$$1\$query\$);
	SQL
}

# most NUMBER SELECT...
most()
{
	buffers=$(touched "$2")
	ok "$buffers buffers, at most $1: $2" [ "$buffers" -le "$1" ]
}

most 80 "SELECT chatmig_append('77', 'user', 'hello')"
most 100 "SELECT chatmig_append('7', 'user', 'hello', 'm', 1, '{}')"
most 120 "SELECT chatmig_append_pair('78', 'hello', 'hello')"
most 10 "SELECT chatmig_active_conversation('78')"
most 30 "SELECT count(*) FROM chatmig_history('79')"
most 20 "SELECT count(*) FROM chatmig_history('79', 5, 12)"
most 20 "SELECT count(*) FROM chatmig_pairs(conversation => '79')"
most 60 "SELECT count(*) FROM chatmig_pairs(owner => '79')"
most 90 "SELECT count(*) FROM chatmig_conversations('79')"
most 20 "SELECT count(*) FROM chatmig_conversations('79', max_rows => 1)"
most 20 "SELECT chatmig_message_count('79')"
most 20 "SELECT chatmig_rename_conversation('79', 'title')"
most 30 "SELECT chatmig_archive_conversation('79'), chatmig_unarchive_conversation('79')"
most 20 "SELECT chatmig_create_media('79', 'http://example.org/cat')"
most 80 "SELECT chatmig_statistics('79')"
most 300 "SELECT chatmig_delete_conversation(chatmig_active_conversation('OWNER'))"
most 900 "SELECT chatmig_reset('OWNER')"

# Where nothing is known of the tables, as after a restore, either: an owner's
# messages are looked up, and not found among all of them. A superuser can have
# the server forget.
sql chatmig_buffers <<-'SQL' >/dev/null
	SET allow_system_table_mods = on;
	DELETE FROM pg_statistic
	WHERE starelid IN ('conversations'::regclass, 'messages'::regclass);
	UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0
	WHERE oid IN ('conversations'::regclass, 'messages'::regclass);
SQL
most 80 "SELECT chatmig_append('81', 'user', 'hello')"
most 20 "SELECT chatmig_active_conversation('81')"
most 30 "SELECT count(*) FROM chatmig_history('81')"
most 90 "SELECT count(*) FROM chatmig_pairs(owner => '81')"
most 90 "SELECT count(*) FROM chatmig_conversations('81')"
most 120 "SELECT chatmig_statistics('81')"

drop chatmig_buffers
done_testing
