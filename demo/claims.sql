-- How the demo checks what it says. Everything here is plain SQL over the old
-- and the new tables, in this session's temporary schema; chatmig is not asked.

-- Stops the demo unless the sentence is true.
CREATE FUNCTION pg_temp.claim(sentence text, holds boolean, instead text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'not as said: %', sentence || coalesce(E'\n  instead: ' || instead, '');
    END IF;
    RETURN '  checked: ' || sentence;
END $$;

-- The number of rows that are in one query's result and not in the other's.
-- As often as they are there: a row that is twice in one must be twice in both.
CREATE FUNCTION pg_temp.differences(one text, other text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) AS d',
                   '(' || one || ')', '(' || other || ')') INTO number;
    RETURN number;
END $$;

-- What a statement ends with: '00000', or the SQLSTATE of its error.
CREATE FUNCTION pg_temp.sqlstate_of(statement text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- A checksum of a query's rows, whatever their order.
CREATE FUNCTION pg_temp.checksum(query text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    sum text;
BEGIN
    EXECUTE format('SELECT md5(string_agg(md5(r::text), '''' ORDER BY md5(r::text))) FROM (%s) AS r',
                   query) INTO sum;
    RETURN sum;
END $$;

-- A row's place on disk and the transaction that wrote it are in this one:
-- an UPDATE that changes nothing would still show.
CREATE FUNCTION pg_temp.old_table_checksum()
RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.checksum('SELECT ctid, xmin, xmax, * FROM chat_messages')
$$;

-- Columns, constraints, indexes and triggers of the old table, its owner and
-- its rights.
CREATE FUNCTION pg_temp.old_table_definition()
RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(part, E'\n' ORDER BY part)
    FROM (SELECT format('column %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull,
                        pg_get_expr(adbin, adrelid)) AS part
          FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
          WHERE attrelid = 'chat_messages'::regclass AND attnum > 0
          UNION ALL
          SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE 'chat_messages'::regclass IN (conrelid, confrelid)
          UNION ALL
          SELECT pg_get_indexdef(indexrelid)
          FROM pg_index WHERE indrelid = 'chat_messages'::regclass
          UNION ALL
          SELECT pg_get_triggerdef(oid)
          FROM pg_trigger WHERE tgrelid = 'chat_messages'::regclass AND NOT tgisinternal
          UNION ALL
          SELECT format('table %s %s %s %s %s', relowner::regrole, relacl, reloptions, relfilenode,
                        relrowsecurity)
          FROM pg_class WHERE oid = 'chat_messages'::regclass) AS parts
$$;

-- The user's tables, views and sequences: all that no extension owns.
CREATE FUNCTION pg_temp.relations()
RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname)
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
      AND c.relnamespace::regnamespace::text !~ '^(pg_.*|information_schema)$'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
$$;

-- The new messages, as anybody would read them.
CREATE FUNCTION pg_temp.all_messages(
    OUT conversation uuid, OUT user_id integer, OUT pos integer, OUT role text,
    OUT content text, OUT model text, OUT at timestamptz, OUT no_time boolean)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT c.id, c.user_id, m."position", m.role, m.content, m.model, m.created_at,
           coalesce(m.metadata ->> 'chatmig_time_missing', 'false') = 'true'
    FROM messages m LEFT JOIN conversations c ON c.id = m.conversation_id;
END $$;
