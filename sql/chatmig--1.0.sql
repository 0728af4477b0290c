/* sql/chatmig--1.0.sql */

-- The release for the pair era: find the old table, describe it, check it.

-- complain if script is sourced in psql rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION chatmig VERSION '1.0'" to load this file. \quit

--
-- What is registered. A row says where a history is and how to read it. It is
-- written by chatmig's own functions alone, and it goes into dumps.
--
CREATE TABLE @extschema@.chatmig_migration (
    name pg_catalog.text NOT NULL
        CONSTRAINT chatmig_migration_pkey PRIMARY KEY,
    source pg_catalog.regclass NOT NULL,
    mapping pg_catalog.jsonb NOT NULL,
    target pg_catalog.jsonb NOT NULL,
    options pg_catalog.jsonb NOT NULL,
    profile pg_catalog.text,
    registered_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE @extschema@.chatmig_migration IS
    'Registered migrations; read the view chatmig_status instead';
COMMENT ON COLUMN @extschema@.chatmig_migration.name IS
    'The migration''s name';
COMMENT ON COLUMN @extschema@.chatmig_migration.source IS
    'The legacy table or view';
COMMENT ON COLUMN @extschema@.chatmig_migration.mapping IS
    'Which column plays which part, with what detection found';
COMMENT ON COLUMN @extschema@.chatmig_migration.target IS
    'Names of the tables to fill, as given; empty: the defaults';
COMMENT ON COLUMN @extschema@.chatmig_migration.options IS
    'Options, as given';
COMMENT ON COLUMN @extschema@.chatmig_migration.profile IS
    'The profile that the registration began from, if any';
COMMENT ON COLUMN @extschema@.chatmig_migration.registered_at IS
    'When it was registered';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_migration', '');

--
-- Functions, in the order in which a user calls them. Those that write or
-- create are not for PUBLIC; all check that the caller owns the table.
--
CREATE FUNCTION @extschema@.chatmig_create_chat_messages(
    shape pg_catalog.text DEFAULT 'pair',
    table_name pg_catalog.text DEFAULT 'chat_messages',
    schema_name pg_catalog.text DEFAULT NULL,
    owner_table pg_catalog.regclass DEFAULT NULL,
    OUT object pg_catalog.text,
    OUT action pg_catalog.text,
    OUT detail pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_create_chat_messages'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_create_chat_messages(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.regclass)
    FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_create_chat_messages(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.regclass) IS
    'Creates a chat_messages table of shape pair or flat, with constraints, indexes and comments; an existing table is compared with it and never changed. Returns a row an object';

CREATE FUNCTION @extschema@.chatmig_drop_chat_messages(
    source pg_catalog.regclass,
    force pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME', 'chatmig_drop_chat_messages'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_drop_chat_messages(
    pg_catalog.regclass, pg_catalog.bool) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_drop_chat_messages(
    pg_catalog.regclass, pg_catalog.bool) IS
    'Drops a chat_messages table; refuses (55000) while it holds rows, unless force, and in any case (55000) what a migration reads or has filled, and (42809) what is no chat table';

CREATE FUNCTION @extschema@.chatmig_detect(
    source pg_catalog.regclass DEFAULT NULL,
    OUT source pg_catalog.regclass,
    OUT shape pg_catalog.text,
    OUT confidence pg_catalog.float4,
    OUT mapping pg_catalog.jsonb,
    OUT notes pg_catalog.text[])
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_detect'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_detect(pg_catalog.regclass) IS
    'Looks at a table, or at all that the caller may read, and says which hold a chat history: shape, confidence (0 to 1), mapping, and why. Changes nothing, never fails on what it finds';

CREATE FUNCTION @extschema@.chatmig_register(
    source pg_catalog.regclass,
    mapping pg_catalog.jsonb DEFAULT '{}',
    target pg_catalog.jsonb DEFAULT '{}',
    options pg_catalog.jsonb DEFAULT '{}',
    profile pg_catalog.text DEFAULT NULL,
    name pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_register'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_register(
    pg_catalog.regclass, pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.jsonb,
    pg_catalog.text, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_register(
    pg_catalog.regclass, pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.jsonb,
    pg_catalog.text, pg_catalog.text) IS
    'Registers a legacy table for migration and returns the migration''s name. What the mapping leaves out is detected; what is ambiguous is refused with the candidates (42P38). Moves nothing';

CREATE FUNCTION @extschema@.chatmig_unregister(name pg_catalog.text)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME', 'chatmig_unregister'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_unregister(pg_catalog.text)
    FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_unregister(pg_catalog.text) IS
    'Forgets a registration; refuses (55000) once it has been migrated';

CREATE FUNCTION @extschema@.chatmig_validate(
    name pg_catalog.text DEFAULT NULL,
    OUT migration pg_catalog.text,
    OUT check_name pg_catalog.text,
    OUT status pg_catalog.text,
    OUT violations pg_catalog.int8,
    OUT example pg_catalog.text,
    OUT detail pg_catalog.text,
    OUT hint pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_validate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_validate(pg_catalog.text) IS
    'Checks one migration, or all: a row a check, with status (ok, info, warning, violation), number of findings, the first of them, and what to do. Changes nothing';

CREATE FUNCTION @extschema@.chatmig_violations(
    name pg_catalog.text,
    check_name pg_catalog.text,
    max_rows pg_catalog.int4 DEFAULT 100,
    OUT legacy_key pg_catalog.text,
    OUT conversation pg_catalog.text,
    OUT message pg_catalog.text,
    OUT detail pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_violations'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_violations(
    pg_catalog.text, pg_catalog.text, pg_catalog.int4) IS
    'Lists what one check of chatmig_validate() found, up to max_rows';

CREATE FUNCTION @extschema@.chatmig_assert_valid(
    name pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME', 'chatmig_assert_valid'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_assert_valid(pg_catalog.text) IS
    'Raises an error (23000) if any check of chatmig_validate() is a violation; for scripts and CI';

--
-- The state of things. A migration is shown to members of the role that owns
-- its source; one whose source is gone, to superusers.
--
CREATE VIEW @extschema@.chatmig_status WITH (security_barrier) AS
SELECT m.name AS migration,
       m.source,
       m.mapping OPERATOR(pg_catalog.->>) 'shape' AS shape,
       CASE WHEN c.oid IS NULL THEN 'source missing'
            ELSE 'registered' END AS state,
       m.registered_at
FROM @extschema@.chatmig_migration AS m
     LEFT JOIN pg_catalog.pg_class AS c
     ON c.oid OPERATOR(pg_catalog.=) m.source
WHERE CASE WHEN c.oid IS NULL
           THEN (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r
                 WHERE r.rolname OPERATOR(pg_catalog.=) current_user)
           ELSE pg_catalog.pg_has_role(c.relowner, 'USAGE') END;
GRANT SELECT ON @extschema@.chatmig_status TO PUBLIC;
COMMENT ON VIEW @extschema@.chatmig_status IS
    'One line for each registered migration that the current role may see';
