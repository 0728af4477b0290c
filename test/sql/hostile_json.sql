--
-- hostile_json: jsonb of every form in every argument is taken, or refused with
-- an error of its own (no internal one), quickly and in few words
--
CREATE EXTENSION chatmig SCHEMA public;
SET client_min_messages = warning;
CREATE SCHEMA regress_json;
SET search_path = regress_json, public;
CREATE TABLE flat (id int PRIMARY KEY, user_id int, role text, content text, extra jsonb);
INSERT INTO flat VALUES (1, 1, 'user', 'q', NULL);

-- What JSON can be, and a few that are nearly right. (Of duplicate keys jsonb
-- keeps the last one.)
CREATE TABLE form (what text, value jsonb);
INSERT INTO form VALUES
    ('null', 'null'), ('array', '[]'), ('object', '{}'), ('zero', '0'), ('number', '1'),
    ('negative', '-1'), ('huge', '1e400'), ('beyond bigint', '9223372036854775808'),
    ('fraction', '0.5'), ('string', '"x"'), ('empty', '""'), ('true', 'true'),
    ('false', 'false'), ('column', '"content"'), ('columns', '["id", "id"]'),
    ('array of null', '[null]'), ('array of array', '[[]]'), ('array of object', '[{}]'),
    ('array of numbers', '[1, 2]'), ('object of null', '{"a": null}'),
    ('object of object', '{"table": {"table": {}}}'), ('empty key', '{"": ""}'),
    ('twice', '{"table": 1, "table": {"a": 1}, "table": []}'),
    ('not ASCII', '"\u00e4\ud83d\ude00"'), ('control', '"\u0001\n\t"'), ('escapes', '"\\\"''%s"'),
    ('deep array', (repeat('[', 3000) || repeat(']', 3000))::jsonb),
    ('deep object', (repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb);

-- Registers, looks, and takes it back. Everything is undone.
CREATE FUNCTION try(mapping jsonb, target jsonb, options jsonb) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM chatmig_register('regress_json.flat', mapping, target, options);
    PERFORM chatmig_preview();
    PERFORM chatmig_unregister('flat');
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE ~ '^(XX|58|P0|21|22P|22000)' OR length(SQLERRM) > 1000 THEN
        RETURN SQLSTATE || ' ' || left(SQLERRM, 100);
    END IF;
    RETURN left(SQLSTATE, 2);
END $$;
-- Keys of the three arguments, and of what is in them; "nonsense" is none.
CREATE TABLE key (argument text, path text[], name text);
INSERT INTO key
SELECT 'mapping', '{}'::text[], unnest('{shape,key,owner,counterpart,session,question,answer,role,
    content,transcript,path,time,epoch,model,tokens,metadata,reply_to,media,media_type,roles,
    keep,nonsense}'::text[])
UNION ALL SELECT 'mapping', '{media}', unnest('{when,url,type,name,summary_when,nonsense}'::text[])
UNION ALL SELECT 'target', '{}', unnest('{schema,conversations,messages,media,links,nonsense}'::text[])
UNION ALL SELECT 'target', '{messages}', unnest('{table,columns,roles,nonsense}'::text[])
UNION ALL SELECT 'target', '{conversations}', unnest('{table,columns,roles,nonsense}'::text[])
UNION ALL SELECT 'target', '{messages,columns}', unnest('{id,role,content,position,nonsense}'::text[])
UNION ALL SELECT 'options', '{}', unnest('{idle_gap,title,title_without_counterpart,description,
    time_zone,max_rejects,empty_owners,id_type,metadata,times,nonsense}'::text[]);
-- The value at a path: {"messages": {"columns": {"id": value}}}
CREATE FUNCTION at(path text[], value jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN cardinality(path) = 0 THEN value
        ELSE jsonb_build_object(path[1], regress_json.at(path[2:], value)) END
$$;
SELECT k.argument || coalesce('.' || nullif(array_to_string(k.path, '.'), ''), '') AS argument,
       t.said, count(*) AS forms, count(DISTINCT k.name) AS keys
FROM key AS k, form AS f, at(k.path || k.name, f.value) AS v,
     try(CASE k.argument WHEN 'mapping' THEN v ELSE '{}' END,
         CASE k.argument WHEN 'target' THEN v ELSE '{}' END,
         CASE k.argument WHEN 'options' THEN v ELSE '{}' END) AS t (said)
GROUP BY 1, 2 ORDER BY 1, 2;
-- What is no object is none in any place, and NULL is as if it was left out.
SELECT said, count(*) AS forms FROM form AS f,
    unnest(ARRAY[try(value, '{}', '{}'), try('{}', value, '{}'), try('{}', '{}', value)]) AS said
GROUP BY 1 ORDER BY 1;
SELECT try(NULL, NULL, NULL);

-- 100 MB, as a string, as a key, as very many keys: refused before anything
-- else is done with it.
CREATE FUNCTION refusal(mapping jsonb, target jsonb, options jsonb, OUT code text,
    OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM chatmig_register('regress_json.flat', mapping, target, options);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
SELECT r.* FROM (SELECT jsonb_build_object('owner', repeat('x', 100000000)) OFFSET 0) AS large (v),
    LATERAL (SELECT * FROM refusal(v, '{}', '{}') UNION ALL SELECT * FROM refusal('{}', v, '{}')
             UNION ALL SELECT * FROM refusal('{}', '{}', v)) AS r;
SELECT r.code, r.message FROM refusal(jsonb_build_object(repeat('x', 1000000), 1), '{}', '{}') AS r;
SELECT r.code, r.message FROM refusal((SELECT jsonb_build_object('roles', jsonb_object_agg('r' || g, 'user'))
    FROM generate_series(1, 100000) AS g), '{}', '{}') AS r;
SELECT r.code, r.message FROM refusal((SELECT jsonb_build_object('keep', jsonb_agg('c' || g))
    FROM generate_series(1, 100000) AS g), '{}', '{}') AS r;
-- As many as a table can have columns are fine.
SELECT try(jsonb_build_object('roles', jsonb_object_agg(lpad(g::text, 60, 'r'), 'user')), '{}', '{}')
FROM generate_series(1, 1600) AS g;

--
-- Data: what the application gives to functions that serve is kept, or refused
--
SELECT chatmig_register('flat', options => '{"id_type": "bigint"}');
SELECT messages FROM chatmig_migrate();
CREATE FUNCTION try_to_serve(given jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text;
    kept boolean;
BEGIN
    made := chatmig_create_conversation('1', metadata => given);
    PERFORM chatmig_append(made, 'user', 'x', metadata => given);
    PERFORM chatmig_append_pair(made, 'x', 'y', metadata => given);
    kept := (SELECT bool_and(h.metadata IS NOT DISTINCT FROM given)
             FROM chatmig_history(made) AS h)
        AND (SELECT c.metadata IS NOT DISTINCT FROM given
             FROM chatmig_conversations('1') AS c WHERE c.conversation = made);
    RETURN CASE WHEN kept THEN 'kept' ELSE 'changed' END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || left(SQLERRM, 100);
END $$;
SELECT said, string_agg(what, ', ' ORDER BY what) AS forms
FROM form, try_to_serve(value) AS said GROUP BY 1 ORDER BY 1;

--
-- Transcripts: nested more deeply than the server's own parser can follow, cut
-- off, with keys twice
--
CREATE TABLE transcripts (id int PRIMARY KEY, user_id int, transcript text);
INSERT INTO transcripts VALUES
    (1, 1, '[{"role": "user", "content": "good"}]'),
    (2, 1, repeat('[', 1000000)),
    (3, 1, '[{"role": "user", "content": ' || repeat('[', 100000) || repeat(']', 100000) || '}]'),
    (4, 1, repeat('{"a":', 100000)),
    (5, 1, '[{"role": "user", "content": "a", "more": ' || repeat('[', 400) || repeat(']', 400) || '}]'),
    (6, 1, '[{"role": "user", "role": "system", "content": "x", "content": "last"}]'),
    (7, 1, '[{"role": "user", "content": "cut off"'),
    (8, 1, '[{"role": {"role": "user"}, "content": "x"}]'),
    (9, 1, '[{"role": ["user"], "content": {"content": "x"}}]'),
    (10, 1, '[{"role": "user", "content": 1e400}]'),
    (11, 1, '[null, 1, "x", [], {}, true]'),
    (12, 1, '{"role": "user", "content": "no array"}');
SELECT source, shape FROM chatmig_detect('transcripts');
SELECT chatmig_register('transcripts', '{"transcript": "transcript", "path": "$[*]"}',
    '{"conversations": "tc", "messages": "tm"}', '{"max_rejects": 99}');
SELECT legacy_rows, migrated, rejected, messages FROM chatmig_migrate('transcripts');
SELECT legacy_key::int, part, code FROM chatmig_rejects ORDER BY 1, 2;
SELECT role, left(content, 20) AS content, length(metadata::text) AS metadata FROM tm ORDER BY 2;
SELECT check_name, violations FROM chatmig_validate('transcripts')
WHERE status NOT IN ('ok', 'info');

DROP EXTENSION chatmig CASCADE;
RESET search_path;
DROP SCHEMA regress_json CASCADE;
