--
-- hostile_names: whatever tables, columns, roles, schemas and migrations are
-- called, it is a name, and never SQL, a format or the end of a string
--
CREATE EXTENSION chatmig SCHEMA public;
SET client_min_messages = warning;
CREATE SCHEMA regress_names;
SET search_path = regress_names, public;
GRANT USAGE ON SCHEMA regress_names TO PUBLIC;

CREATE TABLE hostile (n int, about text, name text);
INSERT INTO hostile VALUES
    (1, 'ends an identifier', 'x"; DROP TABLE regress_names.kept; --'),
    (2, 'ends a literal', 'x''; DROP TABLE regress_names.kept; --'),
    (3, 'ends an escape', 'x\''; DROP TABLE regress_names.kept; --'),
    (4, 'ends a dollar quote', '$$; DROP TABLE regress_names.kept; $x$ $1 $_$'),
    (5, 'formats', '%s %n %1$s %I %L %% %'),
    (6, 'replacements', '\1 \& {owner} {counterpart} :name :''x'' ${x}'),
    (7, 'JSON and paths', '{"a": [1, "$.b[*]"]}.,->>''c'''),
    (8, 'white space', E' a\tb\nc\r '),
    (9, 'a comment', '/* -- */ --'),
    (10, 'a word of SQL', 'select'),
    (11, 'a qualified type', 'public.text'),
    (12, 'a part', 'position'),
    (13, 'capitals', 'Messages'),
    (14, 'digits', '0'),
    (15, '63 bytes', rpad('a', 63, 'b')),
    (16, '63 bytes of 3 each', repeat('語', 21)),
    (17, '63 bytes of quotes', repeat('"', 63)),
    (18, '63 bytes of apostrophes', repeat('''', 63)),
    (19, 'composed and not', 'é' || E'e\u0301'),
    (20, 'right to left', 'שלום' || U&'\202E' || '"x"'),
    (21, 'an emoji', '💬');
SELECT count(*) AS too_long FROM hostile WHERE octet_length(name) > 63;
CREATE TABLE kept (id int);

-- A suffix, so that the name stays one of 63 bytes at most.
CREATE FUNCTION other(name text, suffix text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c, '' ORDER BY i) || suffix
    FROM (SELECT c, i, sum(octet_length(c)) OVER (ORDER BY i) AS bytes
          FROM string_to_table(name, NULL) WITH ORDINALITY AS t (c, i)) AS x
    WHERE bytes <= 63 - octet_length(suffix)
$$;

-- From start to end with nothing but that name: for a role, its schema, the
-- legacy table, its columns, the tables that it refers to and that refer to
-- it, the new tables, the migration. Returns what should be all zeros.
CREATE FUNCTION travel(name text, shape text, made boolean, OUT bad_plan int,
    OUT bad_messages int, OUT violations int, OUT bad_served int, OUT left_over int)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    schema text := regress_names.other(name, '_s');
    role text := regress_names.other(name, '_r');
    id text := regress_names.other(name, 'i');
    owner text := regress_names.other(name, 'o');
    one text := regress_names.other(name, '1');
    two text := regress_names.other(name, '2');
    more text := regress_names.other(name, 'm');
    target jsonb;
    conversation text;
BEGIN
    EXECUTE format('CREATE ROLE %I', role);
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', schema, role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO %I', role);
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY)', schema, owner, id);
    EXECUTE format('INSERT INTO %I.%I VALUES (1), (2)', schema, owner);
    EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY,
        %I int REFERENCES %I.%I ON DELETE CASCADE, %I text, %I text, %I json)',
        schema, name, id, owner, schema, owner, one, two, more);
    EXECUTE format('INSERT INTO %I.%I VALUES (1, 1, ''user'', ''b'', ''{"a": 1}''),
        (2, 1, ''assistant'', NULL, NULL), (3, 2, ''user'', ''b'', ''1'')', schema, name);
    target := jsonb_build_object('conversations', regress_names.other(name, 'c'),
                                 'messages', regress_names.other(name, 'x'));
    IF made THEN
        EXECUTE format('CREATE TABLE %I.%I (%I int GENERATED ALWAYS AS IDENTITY
            PRIMARY KEY, %I int, %I text)', schema, target->>'conversations',
            id, owner, two);
        EXECUTE format('CREATE TABLE %I.%I (%I int GENERATED ALWAYS AS IDENTITY
            PRIMARY KEY, %I int REFERENCES %I.%I, %I int, %I text CHECK (%I IN
            (''user'', ''assistant'')), %I text, created_at timestamptz)', schema, target->>'messages',
            id, owner, schema, target->>'conversations', more, one, one, two);
        target := jsonb_build_object(
            'conversations', jsonb_build_object('table', target->'conversations',
                'columns', jsonb_build_object('id', id, 'owner', owner, 'title', two)),
            'messages', jsonb_build_object('table', target->'messages',
                'columns', jsonb_build_object('id', id, 'conversation', owner,
                    'position', more, 'role', one, 'content', two)));
    END IF;
    PERFORM public.chatmig_register(format('%I.%I', schema, name)::regclass,
        CASE shape WHEN 'pair' THEN jsonb_build_object('shape', shape, 'key', id,
                'owner', owner, 'question', one, 'answer', two, 'keep', more)
            ELSE jsonb_build_object('shape', shape, 'key', id, 'owner', owner,
                'role', one, 'content', two, 'keep', more,
                'roles', jsonb_build_object(name, 'user')) END,
        target, jsonb_build_object('title', translate(name, '{}', ''),
                                   'metadata', jsonb_build_object(name, name)),
        name => name);
    -- what is found, planned and shown is there, and is what is moved
    bad_plan := (SELECT 1 - count(*) FROM public.chatmig_detect(
            format('%I.%I', schema, name)::regclass))
        + (SELECT 1 - sign(count(*)) FROM public.chatmig_plan(name));
    bad_messages := (SELECT count(*) FROM public.chatmig_preview(name))
        - (SELECT m.messages FROM public.chatmig_migrate(name) AS m);
    -- the next run takes a new row
    EXECUTE format('INSERT INTO %I.%I VALUES (9, 2, ''user'', ''d'')', schema, name);
    bad_messages := bad_messages
        + (SELECT m.migrated - 1 FROM public.chatmig_migrate(name) AS m);
    violations := (SELECT count(*) FROM public.chatmig_validate(name)
                   WHERE status = 'violation');
    -- the application writes and reads
    conversation := public.chatmig_create_conversation('1', title => name,
                                                       migration => name);
    PERFORM public.chatmig_append(conversation, 'user', name, metadata =>
        CASE WHEN NOT made THEN jsonb_build_object(name, name) END,
        migration => name);
    bad_served := (SELECT 1 - count(*)
                   FROM public.chatmig_history(conversation, migration => name) AS h
                   WHERE h.content = name)
        + (SELECT 1 - count(*)
           FROM public.chatmig_conversations('1', migration => name) AS c
           WHERE c.title = name AND c.conversation = conversation);
    PERFORM public.chatmig_delete_conversation(conversation, name);
    PERFORM public.chatmig_rollback(name, dry_run => true);
    PERFORM public.chatmig_rollback(name);
    PERFORM public.chatmig_unregister(name);
    left_over := (SELECT count(*) FROM public.chatmig_status AS s
                  WHERE s.migration = name)
        + (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n
           ON n.oid = c.relnamespace WHERE n.nspname = schema AND c.relkind = 'r')
        - CASE WHEN made THEN 4 ELSE 2 END;
    RESET ROLE;
    EXECUTE format('DROP SCHEMA %I CASCADE', schema);
    EXECUTE format('DROP OWNED BY %I', role);
    EXECUTE format('DROP ROLE %I', role);
END $$;
-- All zeros, for each name: new tables from pairs, existing ones from flat rows.
SELECT h.n, h.about, s.shape, t.*
FROM hostile AS h, (VALUES ('pair', false), ('flat', true)) AS s (shape, made),
     travel(h.name, s.shape, s.made) AS t
WHERE (t.bad_plan, t.bad_messages, t.violations, t.bad_served, t.left_over)
      IS DISTINCT FROM (0, 0, 0, 0, 0)
ORDER BY 1, 3;
SELECT count(*) FROM kept;

-- A hint can be run as it is: a name in it ends neither the JSON nor the
-- literal. Here it names the table that is in the way.
CREATE TABLE flat (id int PRIMARY KEY, user_id int, role text, content text);
CREATE FUNCTION hint_of(target jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM chatmig_register('regress_names.flat', target => target);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END $$;
CREATE FUNCTION holds(hint text, name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    argument text := substring(hint FROM 'target => (''.*''); or');
    value jsonb;
BEGIN
    EXECUTE 'SELECT ' || argument || '::jsonb' INTO value;
    RETURN value #>> '{messages,table}' = name;
END $$;
DO $$
DECLARE
    h hostile;
BEGIN
    FOR h IN SELECT * FROM regress_names.hostile LOOP
        EXECUTE format('CREATE TABLE regress_names.%I (id int)', h.name);
        IF holds(hint_of(jsonb_build_object('messages', h.name)), h.name)
           IS NOT TRUE
        THEN
            RAISE WARNING '%: %', h.about, hint_of(jsonb_build_object('messages', h.name));
        END IF;
        EXECUTE format('DROP TABLE regress_names.%I', h.name);
    END LOOP;
END $$;
SELECT count(*) FROM kept;

DROP EXTENSION chatmig CASCADE;
RESET search_path;
DROP SCHEMA regress_names CASCADE;
