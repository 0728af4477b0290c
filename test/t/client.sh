#!/bin/sh
# A real client plays a chat: client.js, with node-postgres, as a role that has
# rights on the new tables alone. 50 connections ask at once.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

DRIVER=pg@8.16.3

command -v node >/dev/null && command -v npm >/dev/null ||
	skip_all "node and npm are not installed; run test/bin/setup"
npm install --prefix "$scratch" --no-save --no-audit --no-fund --ignore-scripts \
	--loglevel=error "$DRIVER" >"$scratch/npm.log" 2>&1 ||
	skip_all "$DRIVER cannot be installed: $(tail -n 1 "$scratch/npm.log")"

fresh chatmig_client
sql chatmig_client <<-'SQL' >/dev/null
	DROP ROLE IF EXISTS regress_chatmig_client;
	CREATE ROLE regress_chatmig_client LOGIN;
	CREATE EXTENSION chatmig;
	CREATE TABLE talks (
	    id int PRIMARY KEY, user_id int, mentor_id int, message text,
	    response text, model text, photo text, sent_at timestamptz);
	INSERT INTO talks VALUES
	    (1, 1, NULL, 'Hi 👋', 'Hello.', 'm1', NULL, '2024-05-01 10:00Z');
	SELECT chatmig_register('talks', '{"counterpart": "mentor_id", "media": "photo"}');
	SELECT chatmig_migrate();
	GRANT SELECT, INSERT, UPDATE, DELETE ON conversations, messages, media
	    TO regress_chatmig_client;
SQL

ok "the client's chat goes as it should" \
	env NODE_PATH="$scratch/node_modules" PGDATABASE=chatmig_client \
	PGUSER=regress_chatmig_client node test/t/client.js
none "$(sql chatmig_client "SELECT check_name, detail FROM chatmig_validate() WHERE status <> 'ok'")" \
	"chatmig_validate() finds nothing afterwards"

drop chatmig_client
sql postgres "DROP ROLE regress_chatmig_client"
done_testing
