-- The interface of chatmig 2.0, and the tables that it makes, as promised.

BEGIN;
CREATE EXTENSION chatmig;
SELECT plan(343);

-- The functions: arguments with defaults and what they return; s, i or v for
-- the volatility, s or u for parallel safe or not; whether PUBLIC may call them.
CREATE TEMP TABLE promise (name text, arguments text, result text,
                           volatility "char", parallel "char", for_public bool);
INSERT INTO promise VALUES
('chatmig_create_chat_messages',
 'shape text DEFAULT ''pair''::text, table_name text DEFAULT ''chat_messages''::text, schema_name text DEFAULT NULL::text, owner_table regclass DEFAULT NULL::regclass, OUT object text, OUT action text, OUT detail text',
 'SETOF record', 'v', 'u', false),
('chatmig_drop_chat_messages',
 'source regclass, force boolean DEFAULT false',
 'void', 'v', 'u', false),
('chatmig_detect',
 'source regclass DEFAULT NULL::regclass, OUT source regclass, OUT shape text, OUT confidence real, OUT mapping jsonb, OUT notes text[]',
 'SETOF record', 's', 'u', true),
('chatmig_register',
 'source regclass, mapping jsonb DEFAULT ''{}''::jsonb, target jsonb DEFAULT ''{}''::jsonb, options jsonb DEFAULT ''{}''::jsonb, profile text DEFAULT NULL::text, name text DEFAULT NULL::text',
 'text', 'v', 'u', false),
('chatmig_unregister', 'name text', 'void', 'v', 'u', false),
('chatmig_plan',
 'name text DEFAULT NULL::text, OUT migration text, OUT step integer, OUT object text, OUT action text, OUT rows bigint, OUT bytes bigint, OUT lock text, OUT note text',
 'SETOF record', 'v', 'u', true),
('chatmig_preview',
 'name text DEFAULT NULL::text, max_messages integer DEFAULT 20, OUT migration text, OUT conversation text, OUT "position" integer, OUT role text, OUT content text, OUT created_at timestamp with time zone, OUT legacy_key text',
 'SETOF record', 'v', 'u', true),
('chatmig_migrate',
 'name text DEFAULT NULL::text, dry_run boolean DEFAULT false, force boolean DEFAULT false, OUT migration text, OUT legacy_rows bigint, OUT already bigint, OUT skipped bigint, OUT migrated bigint, OUT empty bigint, OUT rejected bigint, OUT conversations bigint, OUT messages bigint, OUT media bigint, OUT links bigint, OUT elapsed interval',
 'SETOF record', 'v', 'u', false),
('chatmig_validate',
 'name text DEFAULT NULL::text, OUT migration text, OUT check_name text, OUT status text, OUT violations bigint, OUT example text, OUT detail text, OUT hint text',
 'SETOF record', 'v', 'u', true),
('chatmig_violations',
 'name text, check_name text, max_rows integer DEFAULT 100, OUT legacy_key text, OUT conversation text, OUT message text, OUT detail text',
 'SETOF record', 'v', 'u', true),
('chatmig_assert_valid', 'name text DEFAULT NULL::text', 'void', 'v', 'u', true),
('chatmig_rollback',
 'name text, dry_run boolean DEFAULT false, force boolean DEFAULT false, OUT migration text, OUT legacy_rows bigint, OUT already bigint, OUT skipped bigint, OUT migrated bigint, OUT empty bigint, OUT rejected bigint, OUT conversations bigint, OUT messages bigint, OUT media bigint, OUT links bigint, OUT elapsed interval',
 'SETOF record', 'v', 'u', false),
-- what serves conversations
('chatmig_create_conversation',
 'owner text DEFAULT NULL::text, counterpart text DEFAULT NULL::text, title text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, migration text DEFAULT NULL::text',
 'text', 'v', 'u', true),
('chatmig_active_conversation',
 'owner text DEFAULT NULL::text, counterpart text DEFAULT NULL::text, idle interval DEFAULT NULL::interval, migration text DEFAULT NULL::text',
 'text', 'v', 'u', true),
('chatmig_append',
 'conversation text, role text, content text, model text DEFAULT NULL::text, tokens bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb, media text DEFAULT NULL::text, reply_to text DEFAULT NULL::text, owner text DEFAULT NULL::text, migration text DEFAULT NULL::text',
 'text', 'v', 'u', true),
('chatmig_append_pair',
 'conversation text, question text, answer text, model text DEFAULT NULL::text, tokens bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb, media text DEFAULT NULL::text, owner text DEFAULT NULL::text, migration text DEFAULT NULL::text, OUT question_message text, OUT answer_message text',
 'record', 'v', 'u', true),
('chatmig_history',
 'conversation text, max_messages bigint DEFAULT 50, before_position bigint DEFAULT NULL::bigint, migration text DEFAULT NULL::text, OUT message text, OUT "position" bigint, OUT role text, OUT content text, OUT model text, OUT tokens bigint, OUT metadata jsonb, OUT media text, OUT media_url text, OUT media_type text, OUT media_summary text, OUT reply_to text, OUT created_at timestamp with time zone',
 'SETOF record', 's', 'u', true),
('chatmig_pairs',
 'owner text DEFAULT NULL::text, conversation text DEFAULT NULL::text, migration text DEFAULT NULL::text, OUT conversation text, OUT question text, OUT answer text, OUT model text, OUT asked_at timestamp with time zone, OUT answered_at timestamp with time zone, OUT question_message text, OUT answer_message text',
 'SETOF record', 's', 'u', true),
('chatmig_conversations',
 'owner text DEFAULT NULL::text, counterpart text DEFAULT NULL::text, active boolean DEFAULT true, max_rows bigint DEFAULT 50, before text DEFAULT NULL::text, migration text DEFAULT NULL::text, OUT conversation text, OUT owner text, OUT counterpart text, OUT title text, OUT active boolean, OUT messages bigint, OUT last_role text, OUT last_message text, OUT created_at timestamp with time zone, OUT updated_at timestamp with time zone, OUT metadata jsonb',
 'SETOF record', 's', 'u', true),
('chatmig_message_count',
 'conversation text, migration text DEFAULT NULL::text',
 'bigint', 's', 'u', true),
('chatmig_rename_conversation',
 'conversation text, title text, migration text DEFAULT NULL::text',
 'void', 'v', 'u', true),
('chatmig_archive_conversation',
 'conversation text, migration text DEFAULT NULL::text',
 'boolean', 'v', 'u', true),
('chatmig_unarchive_conversation',
 'conversation text, migration text DEFAULT NULL::text',
 'boolean', 'v', 'u', true),
('chatmig_delete_conversation',
 'conversation text, migration text DEFAULT NULL::text',
 'bigint', 'v', 'u', true),
('chatmig_reset',
 'owner text, migration text DEFAULT NULL::text, OUT conversations bigint, OUT messages bigint',
 'record', 'v', 'u', true),
('chatmig_cleanup',
 'older_than interval, dry_run boolean DEFAULT false, migration text DEFAULT NULL::text, OUT conversations bigint, OUT messages bigint',
 'record', 'v', 'u', true),
('chatmig_create_media',
 'owner text, url text, type text DEFAULT NULL::text, summary text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, migration text DEFAULT NULL::text',
 'text', 'v', 'u', true),
('chatmig_statistics',
 'owner text DEFAULT NULL::text, migration text DEFAULT NULL::text, OUT conversations bigint, OUT active_conversations bigint, OUT archived_conversations bigint, OUT with_counterpart bigint, OUT without_counterpart bigint, OUT messages bigint, OUT user_messages bigint, OUT assistant_messages bigint, OUT system_messages bigint, OUT tool_messages bigint, OUT other_messages bigint, OUT conversation_messages bigint, OUT active_conversation_messages bigint, OUT standalone_messages bigint, OUT media bigint, OUT first_activity timestamp with time zone, OUT last_activity timestamp with time zone',
 'record', 's', 'u', true),
-- what the queries that read and check call
('chatmig_json_fault', 'value text', 'text', 'i', 's', true),
('chatmig_time_from_timestamp', 'timestamp without time zone, zone text',
 'timestamp with time zone', 's', 's', true),
('chatmig_time_from_date', 'date, zone text',
 'timestamp with time zone', 's', 's', true),
('chatmig_time_from_text', 'text, zone text',
 'timestamp with time zone', 's', 's', true),
('chatmig_time_from_epoch', 'double precision, units_per_second double precision',
 'timestamp with time zone', 's', 's', true),
('chatmig_fingerprint', 'record', 'bigint', 'i', 's', true),
('chatmig_hash_text', 'name text, value text', 'bigint', 'i', 's', true),
('chatmig_hash_jsonb', 'name text, value jsonb', 'bigint', 'i', 's', true),
('chatmig_hash_timestamp', 'name text, value timestamp without time zone',
 'bigint', 'i', 's', true),
('chatmig_hash_timestamptz', 'name text, value timestamp with time zone',
 'bigint', 'i', 's', true),
('chatmig_hash_integer', 'name text, value integer', 'bigint', 'i', 's', true),
('chatmig_hash_bigint', 'name text, value bigint', 'bigint', 'i', 's', true),
('chatmig_hash_uuid', 'name text, value uuid', 'bigint', 'i', 's', true),
('chatmig_hash_pair', 'bigint, bigint', 'bigint', 'i', 's', true),
('chatmig_hash_sum',
 'bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint', 'bigint',
 'i', 's', true),
('chatmig_message_id',
 'migration text, key text, part integer, "time" timestamp without time zone',
 'uuid', 'i', 's', true),
('chatmig_summary',
 'conversation uuid, conversation_hash bigint, begins timestamp with time zone, ends timestamp with time zone, "position" bigint, "time" timestamp with time zone, id bigint, answered bigint, contents bigint, until timestamp with time zone',
 'bytea', 'i', 's', true),
('chatmig_summary_add',
 'internal, uuid, bigint, timestamp with time zone, timestamp with time zone, bigint, timestamp with time zone, bigint, bigint, bigint, timestamp with time zone',
 'internal', 'i', 's', true),
('chatmig_summary_combine', 'internal, internal', 'internal', 'i', 's', true),
('chatmig_summary_send', 'internal', 'bytea', 'i', 's', true),
('chatmig_summary_receive', 'bytea, internal', 'internal', 'i', 's', true);

SELECT bag_eq('SELECT proname::text FROM pg_proc WHERE proname LIKE ''chatmig%''',
              'SELECT name FROM promise',
              'there are these functions, each once, and no others');
SELECT is(pg_get_function_arguments(p.oid), f.arguments, f.name || ': arguments and columns')
FROM promise AS f LEFT JOIN pg_proc AS p ON p.proname = f.name ORDER BY f.name;
SELECT is(pg_get_function_result(p.oid), f.result, f.name || ': result')
FROM promise AS f LEFT JOIN pg_proc AS p ON p.proname = f.name ORDER BY f.name;
SELECT is(p.provolatile::text || p.proparallel::text, f.volatility::text || f.parallel::text,
          f.name || ': volatility and parallel safety')
FROM promise AS f LEFT JOIN pg_proc AS p ON p.proname = f.name ORDER BY f.name;
SELECT is(has_function_privilege('public', p.oid, 'EXECUTE'), f.for_public,
          f.name || CASE WHEN f.for_public THEN ': PUBLIC may call it'
                         ELSE ': not for PUBLIC' END)
FROM promise AS f LEFT JOIN pg_proc AS p ON p.proname = f.name ORDER BY f.name;
SELECT cmp_ok(length(obj_description(p.oid, 'pg_proc')), '>', 20, f.name || ': has a comment')
FROM promise AS f LEFT JOIN pg_proc AS p ON p.proname = f.name ORDER BY f.name;
-- none runs with somebody else's rights
SELECT is_empty('SELECT proname FROM pg_proc WHERE proname LIKE ''chatmig%'' AND prosecdef',
                'no function is SECURITY DEFINER');

-- The views, to be read by everybody, and the tables below, by nobody.
CREATE FUNCTION pg_temp.columns_of(regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT attname || ' ' || format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
           || CASE attidentity WHEN 'd' THEN ' BY DEFAULT' WHEN 'a' THEN ' ALWAYS' ELSE '' END
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum $$;
SELECT results_eq($$SELECT pg_temp.columns_of('chatmig_status')$$,
    ARRAY['migration text', 'source regclass', 'shape text', 'state text',
          'registered_at timestamp with time zone', 'conversations_table regclass',
          'messages_table regclass', 'media_table regclass', 'trace_table regclass',
          'legacy_rows bigint', 'skipped bigint', 'migrated bigint', 'empty bigint', 'rejected bigint',
          'conversations bigint', 'messages bigint', 'media bigint', 'links bigint',
          'migrated_at timestamp with time zone', 'last_run timestamp with time zone'],
    'chatmig_status has these columns');
SELECT results_eq($$SELECT pg_temp.columns_of('chatmig_rejects')$$,
    ARRAY['migration text', 'legacy_key text', 'part integer', 'code text', 'reason text',
          'legacy_row jsonb', 'rejected_at timestamp with time zone'],
    'chatmig_rejects has these columns');
SELECT results_eq($$SELECT pg_temp.columns_of('chatmig_deletions')$$,
    ARRAY['migration text', 'conversation text', 'owner text', 'deleted_by text',
          'deleted_at timestamp with time zone'],
    'chatmig_deletions has these columns');
SELECT bag_eq($$SELECT relname::text, relkind::text, has_table_privilege('public', oid, 'SELECT') AS reads,
                       has_table_privilege('public', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
                FROM pg_class WHERE relname LIKE 'chatmig%' AND relkind IN ('r', 'v', 'S')$$,
              $$VALUES ('chatmig_status', 'v', true, false),
                       ('chatmig_rejects', 'v', true, false),
                       ('chatmig_deletions', 'v', true, false),
                       ('chatmig_profile', 'r', true, false),
                       ('chatmig_migration', 'r', false, false),
                       ('chatmig_target', 'r', false, false),
                       ('chatmig_run', 'r', false, false),
                       ('chatmig_rejected', 'r', false, false),
                       ('chatmig_deleted', 'r', false, false)$$,
              'PUBLIC may read the views and the profiles, and nothing else');
SELECT results_eq($$SELECT pg_temp.columns_of('chatmig_profile')$$,
    ARRAY['name text NOT NULL', 'description text NOT NULL',
          'mapping jsonb NOT NULL DEFAULT ''{}''::jsonb', 'target jsonb NOT NULL DEFAULT ''{}''::jsonb',
          'options jsonb NOT NULL DEFAULT ''{}''::jsonb', 'builtin boolean NOT NULL DEFAULT false'],
    'chatmig_profile has these columns');
SELECT set_has('SELECT name FROM chatmig_profile WHERE builtin',
               $$VALUES ('auraflow'), ('lyra'), ('whatsapp'), ('mentor'), ('surrealpilot')$$,
               'there are these built-in profiles');
SELECT cmp_ok(length(obj_description(oid, 'pg_class')), '>', 20, relname || ': has a comment')
FROM pg_class WHERE relname LIKE 'chatmig%' AND relkind IN ('r', 'v') ORDER BY relname;
-- the settings
SELECT bag_eq($$SELECT name, setting, context FROM pg_settings WHERE name LIKE 'chatmig.%'$$,
              $$VALUES ('chatmig.convert_on_update', 'on', 'user'),
                       ('chatmig.bulk_load', 'on', 'user')$$,
              'there are these settings, and everybody may set them');
SELECT throws_ok('SET chatmig.convert_on_updates = off', '42602', NULL,
                 'a setting that is misspelt is refused');
-- nothing moves along with the schema, and no other schema is written to
SELECT bag_eq($$SELECT relocatable, trusted, schema FROM pg_available_extension_versions
                WHERE name = 'chatmig' AND version = '2.0'$$,
              $$VALUES (false, false, NULL::name)$$,
              'the extension is made in a schema of the user''s choice');

-- The default target, with all that can be mapped.
CREATE TABLE users (id uuid PRIMARY KEY);
CREATE TABLE mentors (id varchar(32) PRIMARY KEY);
CREATE TABLE talks (
    id bigint PRIMARY KEY,
    "userId" uuid REFERENCES users ON DELETE CASCADE,
    "mentorId" varchar(32) REFERENCES mentors ON UPDATE CASCADE ON DELETE SET NULL,
    message text, response text, model text, tokens int, photo text,
    sent_at timestamptz);
SELECT chatmig_register('talks', '{"owner": "userId", "counterpart": "mentorId",
    "tokens": "tokens", "media": "photo"}');
SELECT chatmig_migrate('talks');
SELECT results_eq($$SELECT pg_temp.columns_of('conversations')$$,
    ARRAY['id uuid NOT NULL DEFAULT gen_random_uuid()', 'userId uuid',
          'mentorId character varying(32)', 'title text', 'description text',
          'is_active boolean NOT NULL DEFAULT true', 'metadata jsonb',
          'created_at timestamp with time zone DEFAULT now()',
          'updated_at timestamp with time zone DEFAULT now()'],
    'conversations: columns');
SELECT results_eq($$SELECT pg_temp.columns_of('messages')$$,
    ARRAY['id uuid NOT NULL DEFAULT gen_random_uuid()', 'conversation_id uuid NOT NULL',
          'position integer NOT NULL', 'role text NOT NULL', 'content text', 'model text',
          'tokens integer', 'metadata jsonb', 'media_id uuid', 'reply_to_id uuid',
          'created_at timestamp with time zone DEFAULT now()'],
    'messages: columns');
SELECT results_eq($$SELECT pg_temp.columns_of('media')$$,
    ARRAY['id uuid NOT NULL DEFAULT gen_random_uuid()', 'userId uuid', 'url text', 'type text',
          'summary text', 'metadata jsonb', 'created_at timestamp with time zone DEFAULT now()'],
    'media: columns');
SELECT results_eq($$SELECT pg_temp.columns_of('talks_trace')$$,
    ARRAY['key_1 bigint NOT NULL', 'fingerprint bigint NOT NULL',
          'conversation_id uuid NOT NULL', 'message_ids uuid[] NOT NULL', 'media_id uuid'],
    'trace: columns');
CREATE FUNCTION pg_temp.constraints_of(regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = $1 AND convalidated AND NOT condeferrable $$;
SELECT bag_eq($$SELECT pg_temp.constraints_of('conversations')$$,
    ARRAY['PRIMARY KEY (id)',
          'FOREIGN KEY ("userId") REFERENCES users(id) ON DELETE CASCADE',
          'FOREIGN KEY ("mentorId") REFERENCES mentors(id) ON UPDATE CASCADE ON DELETE SET NULL'],
    'conversations: keys, with the source''s own references');
SELECT bag_eq($$SELECT pg_temp.constraints_of('messages')$$,
    ARRAY['PRIMARY KEY (id)', 'UNIQUE (conversation_id, "position")',
          'FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE',
          'FOREIGN KEY (media_id) REFERENCES media(id) ON DELETE SET NULL',
          'FOREIGN KEY (reply_to_id) REFERENCES messages(id) ON DELETE SET NULL',
          'CHECK ((role = ANY (ARRAY[''user''::text, ''assistant''::text, ''system''::text, ''tool''::text])))'],
    'messages: keys and the roles that there are');
SELECT bag_eq($$SELECT pg_temp.constraints_of('media')$$,
    ARRAY['PRIMARY KEY (id)', 'FOREIGN KEY ("userId") REFERENCES users(id) ON DELETE CASCADE'],
    'media: keys');
SELECT bag_eq($$SELECT pg_temp.constraints_of('talks_trace')$$, ARRAY['PRIMARY KEY (key_1)'],
    'trace: a legacy row is migrated once, by the key');
CREATE FUNCTION pg_temp.indexes_of(regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') FROM pg_index
    WHERE indrelid = $1 AND indisvalid AND indisready $$;
SELECT bag_eq($$SELECT pg_temp.indexes_of('conversations')$$,
    ARRAY['btree (id)', 'btree ("userId", updated_at DESC)'],
    'conversations: an index for a user''s conversations, latest first');
SELECT bag_eq($$SELECT pg_temp.indexes_of('messages')$$,
    ARRAY['btree (id)', 'btree (conversation_id, "position")',
          'btree (media_id) WHERE (media_id IS NOT NULL)',
          'btree (reply_to_id) WHERE (reply_to_id IS NOT NULL)'],
    'messages: an index for a conversation''s messages in order, and for each reference');
SELECT bag_eq($$SELECT pg_temp.indexes_of('media')$$,
    ARRAY['btree (id)', 'btree ("userId", created_at DESC)'],
    'media: an index for a user''s media');
SELECT matches(obj_description(t::regclass, 'pg_class'), 'public\.talks', t || ': the comment says whence')
FROM unnest('{conversations,messages,media,talks_trace}'::text[]) AS t;
SELECT isnt(col_description(t::regclass, attnum), NULL, format('%s.%s has a comment', t, c))
FROM (VALUES ('conversations', 'userId'), ('conversations', 'mentorId'),
             ('conversations', 'created_at'), ('conversations', 'updated_at'),
             ('messages', 'position'), ('messages', 'role'), ('messages', 'metadata'),
             ('messages', 'reply_to_id'), ('messages', 'created_at'), ('media', 'url'),
             ('media', 'summary'), ('talks_trace', 'message_ids'),
             ('talks_trace', 'fingerprint')) AS k (t, c)
     JOIN pg_attribute ON attrelid = t::regclass AND attname = c;
-- the constraints work: a conversation takes its messages with it, a medium none
INSERT INTO conversations (id) VALUES (md5('c')::uuid);
INSERT INTO media (id) VALUES (md5('f')::uuid);
INSERT INTO messages (conversation_id, position, role, media_id)
VALUES (md5('c')::uuid, 0, 'tool', md5('f')::uuid);
SELECT throws_ok($$INSERT INTO messages (conversation_id, position, role)
                   VALUES (md5('c')::uuid, 0, 'user')$$, '23505', NULL,
                 'no position is taken twice');
SELECT throws_ok($$INSERT INTO messages (conversation_id, position, role)
                   VALUES (md5('c')::uuid, 1, 'bot')$$, '23514', NULL,
                 'no role that is not known');
DELETE FROM media;
SELECT is((SELECT count(*) FROM messages WHERE media_id IS NULL), 1::bigint,
          'a message outlives its medium');
DELETE FROM conversations;
SELECT is((SELECT count(*) FROM messages), 0::bigint, 'a conversation takes its messages along');

-- The owner's column has the source's type and reference, whatever these are;
-- so has the trace's key. A reference of several columns is not copied.
CREATE DOMAIN phone AS varchar(20) CHECK (VALUE ~ '^\+');
CREATE TYPE team AS ENUM ('red', 'blue');
CREATE TABLE referenced (
    i int PRIMARY KEY, b bigint UNIQUE, u uuid UNIQUE, t text UNIQUE, v varchar(36) UNIQUE,
    n numeric(12,2) UNIQUE, c char(8) UNIQUE, e team UNIQUE, p phone UNIQUE,
    k text COLLATE "C" UNIQUE, UNIQUE (i, t));
CREATE FUNCTION pg_temp.owner_of_type(owner_column text, type text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    target text := format('{"conversations": "c_%1$s", "messages": "m_%1$s", "trace": "t_%1$s"}', owner_column);
    source_type text;
BEGIN
    EXECUTE format('CREATE TABLE s_%1$s (room %2$s, id int, PRIMARY KEY (room, id),
        person %2$s REFERENCES referenced (%1$s) ON DELETE SET DEFAULT ON UPDATE CASCADE,
        message text, response text)', owner_column, type);
    PERFORM chatmig_register(('s_' || owner_column)::regclass, '{"owner": "person"}', target::jsonb);
    PERFORM chatmig_migrate('s_' || owner_column);
    SELECT format_type(atttypid, atttypmod) || attcollation INTO source_type
    FROM pg_attribute WHERE attrelid = ('s_' || owner_column)::regclass AND attname = 'person';
    RETURN NEXT is((SELECT format_type(atttypid, atttypmod) || attcollation FROM pg_attribute
                    WHERE attrelid = ('c_' || owner_column)::regclass AND attname = 'person'),
                   source_type, type || ': the owner keeps its type');
    RETURN NEXT is((SELECT pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE conrelid = ('c_' || owner_column)::regclass AND contype = 'f'),
                   format('FOREIGN KEY (person) REFERENCES referenced(%s) ON UPDATE CASCADE ON DELETE SET DEFAULT', owner_column),
                   type || ': the owner keeps its reference');
    RETURN NEXT is((SELECT format_type(atttypid, atttypmod) || attcollation FROM pg_attribute
                    WHERE attrelid = ('t_' || owner_column)::regclass AND attname = 'key_1'),
                   source_type, type || ': the trace keeps the key''s type');
    RETURN NEXT is((SELECT pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE conrelid = ('t_' || owner_column)::regclass AND contype = 'p'),
                   'PRIMARY KEY (key_1, key_2)', type || ': the trace has the whole key');
END $$;
SELECT pg_temp.owner_of_type('i', 'int');
SELECT pg_temp.owner_of_type('b', 'bigint');
SELECT pg_temp.owner_of_type('u', 'uuid');
SELECT pg_temp.owner_of_type('t', 'text');
SELECT pg_temp.owner_of_type('v', 'varchar(36)');
SELECT pg_temp.owner_of_type('n', 'numeric(12,2)');
SELECT pg_temp.owner_of_type('c', 'char(8)');
SELECT pg_temp.owner_of_type('e', 'team');
SELECT pg_temp.owner_of_type('p', 'phone');
SELECT pg_temp.owner_of_type('k', 'text COLLATE "C"');

CREATE TABLE composite (id int PRIMARY KEY, person int, team text, message text, response text,
                        FOREIGN KEY (person, team) REFERENCES referenced (i, t));
SELECT chatmig_register('composite', '{"owner": "person"}',
    '{"conversations": "cc", "messages": "cm"}');
SELECT chatmig_migrate('composite');
SELECT bag_eq($$SELECT pg_temp.constraints_of('cc')$$, ARRAY['PRIMARY KEY (id)'],
    'a reference of several columns is not copied');

-- The other types of ids, and no owner at all.
CREATE TABLE guests (id text PRIMARY KEY, message text, response text);
SELECT chatmig_register('guests', target => '{"conversations": "gc", "messages": "gm"}',
    options => '{"id_type": "bigint"}');
SELECT chatmig_migrate('guests');
SELECT is((SELECT array_agg(c) FROM pg_temp.columns_of('gc') AS c WHERE c LIKE 'id %'),
          ARRAY['id bigint NOT NULL BY DEFAULT'], 'id_type bigint: identity');
SELECT bag_eq($$SELECT c FROM pg_temp.columns_of('gm') AS c WHERE c LIKE '%id %'$$,
          ARRAY['id bigint NOT NULL BY DEFAULT', 'conversation_id bigint NOT NULL',
                'media_id bigint', 'reply_to_id bigint'], 'id_type bigint: references');
SELECT bag_eq($$SELECT pg_temp.indexes_of('gc')$$, ARRAY['btree (id)', 'btree (updated_at DESC)'],
    'no owner: the latest conversations have an index');
SELECT is((SELECT media_table FROM chatmig_status WHERE migration = 'guests'), NULL,
    'no media are mapped: there is no such table');
SELECT chatmig_rollback('guests');
SELECT chatmig_register('guests', target => '{"conversations": "gc", "messages": "gm"}',
    options => '{"id_type": "text"}');
SELECT chatmig_migrate('guests');
SELECT is((SELECT array_agg(c) FROM pg_temp.columns_of('gm') AS c WHERE c LIKE 'id %'),
          ARRAY['id text NOT NULL DEFAULT (gen_random_uuid())::text'], 'id_type text: with a default');

SELECT * FROM finish();
ROLLBACK;
