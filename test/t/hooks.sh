#!/bin/sh
# Other libraries that hook into the executor are still called: one that came
# before chatmig, and one that came after it.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

fresh hooks
sql hooks >/dev/null <<-'SQL'
	CREATE EXTENSION chatmig;
	CREATE TABLE old (id int PRIMARY KEY, user_id int, message text, response text, created_at timestamptz);
	INSERT INTO old VALUES (1, 1, 'q', 'a', '2024-05-01 10:00Z');
	CREATE TABLE c (id uuid PRIMARY KEY, user_id int);
	CREATE TABLE m (id uuid, conversation_id uuid REFERENCES c, role text, content text, created_at timestamptz);
	SELECT chatmig_register('old', target => '{"conversations": "c", "messages": "m"}');
SQL

# plans FIRST SECOND: plans of the INSERT into m that auto_explain shows.
plans()
{
	psql -XqAt -d hooks 2>&1 <<-SQL | grep -c '^Insert on m '
		LOAD '$1';
		LOAD '$2';
		SET auto_explain.log_min_duration = 0;
		SET auto_explain.log_nested_statements = on;
		SET client_min_messages = log;
		BEGIN;
		SELECT messages FROM chatmig_migrate('old');
		ROLLBACK;
	SQL
}

is "$(plans auto_explain chatmig)" 1 "auto_explain, loaded before chatmig"
is "$(plans chatmig auto_explain)" 1 "auto_explain, loaded after chatmig"
done_testing
