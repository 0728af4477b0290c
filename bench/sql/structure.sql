-- Columns, indexes and constraints of the three tables, without their schema's
-- name.
SELECT replace(line, current_schema || '.', '') FROM (
    SELECT format('%s.%s %s%s %s', attrelid::regclass, attname,
                  format_type(atttypid, atttypmod),
                  CASE WHEN attnotnull THEN ' NOT NULL' END,
                  pg_get_expr(adbin, adrelid)) AS line
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN ('conversations'::regclass, 'messages'::regclass,
                       'chat_messages_trace'::regclass) AND attnum > 0
    UNION ALL
    SELECT pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid IN ('conversations'::regclass, 'messages'::regclass,
                       'chat_messages_trace'::regclass) AND indisvalid
    UNION ALL
    SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid IN ('conversations'::regclass, 'messages'::regclass,
                       'chat_messages_trace'::regclass)) AS l
ORDER BY 1
