#!/bin/sh
# From 1.0 to 2.0: the interface is the same as a fresh one's, and what is
# registered is converted, all of it or nothing.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

# AuraFlow's old table with some of its odd rows: an identical pair twice, a
# proactive message, a pair without an answer, one without anything, no time.
legacy()
{
	sql "$1" <<-'SQL'
		CREATE TABLE users (id serial PRIMARY KEY, name text);
		INSERT INTO users (name) VALUES ('Ada'), ('Grace');
		CREATE TABLE chat_messages (
		    id serial PRIMARY KEY,
		    user_id int REFERENCES users ON DELETE CASCADE,
		    message text,
		    response text,
		    model varchar(100),
		    "timestamp" timestamp DEFAULT now(),
		    session_id varchar(255),
		    photo text);
		INSERT INTO chat_messages (user_id, message, response, "timestamp", photo)
		VALUES (1, 'Hello', 'Hi', '2024-01-01 10:00', NULL),
		       (1, 'Hello', 'Hi', '2024-01-01 10:00', NULL),
		       (2, '', 'Are you there?', '2024-01-01 10:02', NULL),
		       (2, E'Yes \U0001F600', NULL, '2024-01-01 10:03', 'cat.png'),
		       (NULL, '', '', '2024-01-01 10:04', NULL),
		       (NULL, 'guest', 'Welcome', NULL, NULL);
	SQL
}

# A flat table of which one row has a role that nobody knows.
unconvertible()
{
	sql "$1" <<-'SQL'
		CREATE TABLE notes (
		    id int PRIMARY KEY,
		    sender text,
		    content text,
		    created_at timestamptz);
		INSERT INTO notes
		VALUES (1, 'user', 'Hello', '2024-01-01 10:00Z'),
		       (2, 'zebra', 'Neigh', '2024-01-01 10:01Z');
	SQL
}

# Every member of the extension, each of its properties, and what hangs on it,
# a line each and by name: two databases can be compared. Columns that hold
# OIDs of the database's own objects, or statistics, are left out or resolved.
interface()
{
	sql "$1" <<-'SQL'
		CREATE TEMP VIEW member AS
		SELECT d.classid, d.objid,
		       (pg_identify_object(d.classid, d.objid, 0)).identity AS name
		FROM pg_depend AS d
		     JOIN pg_extension AS e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		      AND e.extname = 'chatmig';

		SELECT line FROM (
		SELECT format('member %s: %s', m.classid::regclass, m.name) AS line
		FROM member AS m
		UNION ALL
		SELECT format('comment %s %s: %s', m.name, s.objsubid, s.description)
		FROM member AS m
		     JOIN pg_description AS s
		     ON s.classoid = m.classid AND s.objoid = m.objid
		UNION ALL
		SELECT format('initial ACL %s %s: %s %s', m.name, i.objsubid,
		              i.privtype, i.initprivs)
		FROM member AS m
		     JOIN pg_init_privs AS i
		     ON i.classoid = m.classid AND i.objoid = m.objid
		UNION ALL
		SELECT format('relation %s: %s', m.name,
		              to_jsonb(c) - '{oid, relnamespace, reltype, relfilenode,
		                  reltoastrelid, relpages, reltuples, relallvisible,
		                  relfrozenxid, relminmxid}'::text[])
		FROM member AS m
		     JOIN pg_class AS c
		     ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
		UNION ALL
		SELECT format('column %s: %s %s', m.name,
		              to_jsonb(a) - '{attrelid, attoptions}'::text[],
		              pg_get_expr(d.adbin, d.adrelid))
		FROM member AS m
		     JOIN pg_attribute AS a
		     ON m.classid = 'pg_class'::regclass AND a.attrelid = m.objid
		     LEFT JOIN pg_attrdef AS d
		     ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		UNION ALL
		SELECT format('constraint %s: %s %s %s', m.name, c.conname,
		              c.convalidated, pg_get_constraintdef(c.oid))
		FROM member AS m
		     JOIN pg_constraint AS c
		     ON m.classid = 'pg_class'::regclass AND c.conrelid = m.objid
		UNION ALL
		SELECT format('index %s: %s', m.name, pg_get_indexdef(i.indexrelid))
		FROM member AS m
		     JOIN pg_index AS i
		     ON m.classid = 'pg_class'::regclass AND i.indrelid = m.objid
		UNION ALL
		SELECT format('trigger %s: %s', m.name, pg_get_triggerdef(t.oid))
		FROM member AS m
		     JOIN pg_trigger AS t
		     ON m.classid = 'pg_class'::regclass AND t.tgrelid = m.objid
		WHERE NOT t.tgisinternal
		UNION ALL
		SELECT format('view %s: %s', m.name, pg_get_viewdef(m.objid))
		FROM member AS m
		WHERE m.classid = 'pg_class'::regclass
		UNION ALL
		SELECT format('function %s: %s %s', m.name,
		              to_jsonb(p) - '{oid, pronamespace, proargdefaults}'::text[],
		              CASE WHEN p.prokind = 'a'
		                   THEN (SELECT to_jsonb(a)::text FROM pg_aggregate AS a
		                         WHERE a.aggfnoid = p.oid)
		                   ELSE pg_get_functiondef(p.oid) END)
		FROM member AS m
		     JOIN pg_proc AS p
		     ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
		UNION ALL
		SELECT format('dumped %s: %s %s', k.n, k.relation::regclass, k.condition)
		FROM pg_extension AS e
		     CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition)
		         WITH ORDINALITY AS k (relation, condition, n)
		WHERE e.extname = 'chatmig'
		UNION ALL
		SELECT format('extension: %s', to_jsonb(e) - '{oid, extconfig}'::text[])
		FROM pg_extension AS e
		WHERE e.extname = 'chatmig'
		UNION ALL
		SELECT format('profile: %s', p) FROM chatmig_profile AS p
		UNION ALL
		-- with members that nobody counts as such
		SELECT format('in the schema: %s', c.oid::regclass)
		FROM pg_class AS c
		WHERE c.relnamespace = 'public'::regnamespace
		) AS lines
		ORDER BY line COLLATE "C";
	SQL
}

# same DATABASE DATABASE: prints how their interfaces differ
same()
{
	interface "$1" >"$scratch/$1"
	interface "$2" >"$scratch/$2"
	diff "$scratch/$1" "$scratch/$2"
}

members="
	SELECT count(*) FROM pg_depend AS d
	     JOIN pg_extension AS e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	      AND e.extname = 'chatmig'"
version="SELECT extversion FROM pg_extension WHERE extname = 'chatmig'"

fresh chatmig_update_new chatmig_update_old chatmig_update

# -- the interface

sql chatmig_update_new 'CREATE EXTENSION chatmig'
sql chatmig_update_old "CREATE EXTENSION chatmig VERSION '1.0'"
# a comparison of nothing with nothing would hold too
ok "the comparison sees that 1.0 and 2.0 differ" \
	eval '! same chatmig_update_new chatmig_update_old >/dev/null'
for what in member comment 'initial ACL' relation column constraint index view \
	function dumped extension profile; do
	ok "the comparison sees lines of kind '$what'" \
		grep -q "^$what" "$scratch/chatmig_update_new"
done

# nothing is registered: nothing is converted, and no error
sql chatmig_update_old "ALTER EXTENSION chatmig UPDATE TO '2.0'"
is "$(sql chatmig_update_old "$version")" 2.0 "an empty registry is updated"
ok "an updated 2.0 has the interface of a fresh one" \
	same chatmig_update_new chatmig_update_old
is "$(sql chatmig_update_old 'SELECT count(*) FROM chatmig_status')" 0 \
	"after that nothing is registered"

# a view of the user's on chatmig_status does not stop the update, and stays
fresh chatmig_update
sql chatmig_update <<'SQL'
	CREATE EXTENSION chatmig VERSION '1.0';
	CREATE VIEW mine AS SELECT migration, state FROM chatmig_status;
	ALTER EXTENSION chatmig UPDATE;
SQL
is "$(sql chatmig_update 'SELECT count(*) FROM mine')" 0 \
	"a view on chatmig_status lives through the update"

# -- 1.0 by itself

fresh chatmig_update
legacy chatmig_update
sql chatmig_update "CREATE EXTENSION chatmig VERSION '1.0'"
is "$(sql chatmig_update "
	SELECT string_agg(proname, ' ' ORDER BY proname COLLATE \"C\")
	FROM pg_proc WHERE proname LIKE 'chatmig%'")" \
	"chatmig_assert_valid chatmig_create_chat_messages chatmig_detect \
chatmig_drop_chat_messages chatmig_json_fault chatmig_register \
chatmig_time_from_text chatmig_unregister \
chatmig_validate chatmig_violations" \
	"1.0 has its own functions and none of 2.0's"
is "$(sql chatmig_update '
	SELECT source, shape, confidence FROM chatmig_detect()')" \
	"chat_messages|pair|1" "1.0 detects the pairs"
is "$(sql chatmig_update "SELECT chatmig_register('chat_messages')")" \
	chat_messages "1.0 registers them"
is "$(sql chatmig_update '
	SELECT migration, source, shape, state FROM chatmig_status')" \
	"chat_messages|chat_messages|pair|registered" "1.0 shows their state"
is "$(sql chatmig_update "
	SELECT count(*) FILTER (WHERE status = 'violation') FROM chatmig_validate()")" \
	0 "1.0 checks them: no violation"
ok "chatmig_assert_valid() of 1.0 agrees" \
	sql chatmig_update 'SELECT chatmig_assert_valid()'
# registered again with another mapping: the later one counts
is "$(sql chatmig_update "
	SELECT chatmig_register('chat_messages', '{\"media\": \"photo\"}');
	SELECT mapping ->> 'media' FROM chatmig_migration")" \
	"chat_messages
photo" "1.0 registers again, differently"
sql chatmig_update "SELECT chatmig_unregister('chat_messages')" >/dev/null
is "$(sql chatmig_update 'SELECT count(*) FROM chatmig_status')" 0 \
	"1.0 forgets a registration"
is "$(sql chatmig_update "
	SELECT object, action
	FROM chatmig_create_chat_messages(table_name => 'talks')
	WHERE object LIKE 'table%'")" \
	"table \"talks\"|created" "1.0 makes the old table"
is "$(sql chatmig_update "
	SELECT count(*) FROM chatmig_create_chat_messages(table_name => 'talks')
	WHERE action <> 'exists'")" \
	0 "1.0 finds that it is there already"
sql chatmig_update "SELECT chatmig_drop_chat_messages('talks')" >/dev/null
is "$(sql chatmig_update "SELECT to_regclass('talks') IS NULL")" t \
	"1.0 drops it again while it is empty"
is "$(sqlstate chatmig_update "SELECT chatmig_drop_chat_messages('chat_messages')")" \
	55000 "1.0 does not drop a table with rows"

# -- the update converts

sql chatmig_update "
	SELECT chatmig_register('chat_messages', '{\"media\": \"photo\"}',
	                        options => '{\"id_type\": \"bigint\"}')" >/dev/null
before=$(content chatmig_update public | grep '^\(users\|chat_messages\)|')
sql chatmig_update 'ALTER EXTENSION chatmig UPDATE'
is "$(sql chatmig_update "$version")" 2.0 "a database with a registration is updated"
is "$(sql chatmig_update '
	SELECT state, legacy_rows, migrated, empty, rejected, messages, media
	FROM chatmig_status')" \
	"migrated|6|5|1|0|8|1" "what is registered is migrated"
is "$(content chatmig_update public | grep '^\(users\|chat_messages\)|')" \
	"$before" "no legacy row is touched"
is "$(sql chatmig_update "$members")" "$(sql chatmig_update_new "$members")" \
	"the extension has as many members as a fresh one"
# tables, indexes, identity sequences, toast tables, types, constraints, defaults
is "$(sql chatmig_update "
	SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
	FROM pg_depend AS d
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
	      AND pg_describe_object(d.classid, d.objid, d.objsubid)
	          ~ 'conversations|messages|media|trace|users'
	      AND d.classid <> 'pg_proc'::regclass")" \
	"" "nothing that the conversion made is a member"
is "$(sql chatmig_update "
	SELECT count(*) FROM pg_init_privs AS i
	JOIN pg_class AS c ON i.classoid = 'pg_class'::regclass AND c.oid = i.objoid
	WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'chatmig%'")" \
	0 "nor has it initial privileges"
# ids of bigint: the sequences are there, owned, and beyond the highest id
is "$(sql chatmig_update "
	SELECT t, pg_get_serial_sequence(t, 'id')
	FROM unnest('{conversations,messages,media}'::text[]) AS t")" \
	"conversations|public.conversations_id_seq
messages|public.messages_id_seq
media|public.media_id_seq" "each table owns its sequence"
is "$(sql chatmig_update "
	INSERT INTO messages (conversation_id, position, role)
	SELECT id, 1000, 'user' FROM conversations LIMIT 1
	RETURNING id > (SELECT count(*) FROM chat_messages)")" \
	t "the application's next id is free"

# -- convert_on_update = off

fresh chatmig_update
legacy chatmig_update
sql chatmig_update <<'SQL' >/dev/null
	CREATE EXTENSION chatmig VERSION '1.0';
	SELECT chatmig_register('chat_messages');
SQL
sql chatmig_update <<'SQL'
	SET chatmig.convert_on_update = off;
	ALTER EXTENSION chatmig UPDATE TO '2.0';
SQL
is "$(sql chatmig_update "
	SELECT state, to_regclass('conversations'), to_regclass('messages')
	FROM chatmig_status")" \
	"registered||" "convert_on_update = off updates the code alone"
is "$(sql chatmig_update '
	SELECT migration, legacy_rows, already, migrated, empty, messages
	FROM chatmig_migrate()')" \
	"chat_messages|6|0|5|1|8" "chatmig_migrate() converts afterwards"

# -- the update fails

# unchanged STATEMENTS DESCRIPTION: they fail with 22000, or with another
# SQLSTATE if given, and leave the database at 1.0 as it was, to the last byte
unchanged()
{
	dump chatmig_update >"$scratch/before"
	interface chatmig_update >"$scratch/interface"
	is "$(sqlstate chatmig_update "$1")" "${3:-22000}" "$2: the update fails"
	dump chatmig_update >"$scratch/after"
	ok "$2: no row, table or registration has changed" \
		diff "$scratch/before" "$scratch/after"
	interface chatmig_update >"$scratch/interface.after"
	ok "$2: the extension is 1.0 as before" \
		diff "$scratch/interface" "$scratch/interface.after"
	is "$(sql chatmig_update "$version")" 1.0 "$2: its version says so"
}

fresh chatmig_update
legacy chatmig_update
unconvertible chatmig_update
sql chatmig_update <<'SQL' >/dev/null
	CREATE EXTENSION chatmig VERSION '1.0';
	SELECT chatmig_register('notes');
SQL
unchanged 'ALTER EXTENSION chatmig UPDATE' "one row that cannot be converted"
# notes comes after chat_messages, whose tables are made and filled by then
sql chatmig_update "
	SELECT chatmig_register('chat_messages', target =>
	    '{\"conversations\": \"talks\", \"messages\": \"talk_messages\"}',
	    options => '{\"id_type\": \"bigint\"}')" >/dev/null
unchanged 'ALTER EXTENSION chatmig UPDATE' "one of two registrations fails"
# a name that somebody else has taken is refused before anything is made
sql chatmig_update "
	DELETE FROM notes WHERE sender = 'zebra'; CREATE TABLE messages ()"
unchanged 'ALTER EXTENSION chatmig UPDATE' "a target's name is taken" 42P07
# with the causes gone, the same update goes through
sql chatmig_update 'DROP TABLE messages; ALTER EXTENSION chatmig UPDATE'
is "$(sql chatmig_update '
	SELECT migration, state, messages FROM chatmig_status
	ORDER BY migration COLLATE "C"')" \
	"chat_messages|migrated|8
notes|migrated|1" "the update goes through once the causes are gone"

done_testing
