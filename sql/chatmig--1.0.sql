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
    'Names of the tables to fill, as given, over the profile''s; empty: the defaults';
COMMENT ON COLUMN @extschema@.chatmig_migration.options IS
    'Options, as given, over the profile''s';
COMMENT ON COLUMN @extschema@.chatmig_migration.profile IS
    'The profile that the registration began from, if any';
COMMENT ON COLUMN @extschema@.chatmig_migration.registered_at IS
    'When it was registered';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_migration', '');

--
-- Profiles: mappings, targets and options under a name, for applications that
-- are used in many places. More are added with INSERT and go into dumps; the
-- built-in ones come with the extension.
--
CREATE TABLE @extschema@.chatmig_profile (
    name pg_catalog.text NOT NULL
        CONSTRAINT chatmig_profile_pkey PRIMARY KEY,
    description pg_catalog.text NOT NULL,
    mapping pg_catalog.jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chatmig_profile_mapping_check
        CHECK (pg_catalog.jsonb_typeof(mapping) OPERATOR(pg_catalog.=) 'object'),
    target pg_catalog.jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chatmig_profile_target_check
        CHECK (pg_catalog.jsonb_typeof(target) OPERATOR(pg_catalog.=) 'object'),
    options pg_catalog.jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chatmig_profile_options_check
        CHECK (pg_catalog.jsonb_typeof(options) OPERATOR(pg_catalog.=) 'object'),
    builtin pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE @extschema@.chatmig_profile IS
    'Mappings, targets and options under a name, for chatmig_register(profile => ...). Add yours with INSERT; built-in ones are not dumped, so copy one instead of changing it';
COMMENT ON COLUMN @extschema@.chatmig_profile.name IS
    'The profile''s name';
COMMENT ON COLUMN @extschema@.chatmig_profile.description IS
    'Which application it is for, and what it makes of the history';
COMMENT ON COLUMN @extschema@.chatmig_profile.mapping IS
    'As in chatmig_register(); columns that a table does not have are detected instead';
COMMENT ON COLUMN @extschema@.chatmig_profile.target IS
    'As in chatmig_register(); links whose table does not exist are left out';
COMMENT ON COLUMN @extschema@.chatmig_profile.options IS
    'As in chatmig_register()';
COMMENT ON COLUMN @extschema@.chatmig_profile.builtin IS
    'True for those that come with the extension; they are not dumped';
INSERT INTO @extschema@.chatmig_profile
    (name, description, mapping, target, options, builtin)
VALUES
('auraflow',
 'AuraFlow: a question and its answer in a row become messages of the user and of aurora',
 '{"shape": "pair"}',
 '{"messages": {"table": "messages", "roles": {"assistant": "aurora"}}}',
 '{}',
 true),
('lyra',
 'Lyra: flat messages of a user and of lyra, later northstar; or with is_user, true or false',
 '{"shape": "flat", "roles": {"lyra": "assistant", "northstar": "assistant"}}',
 '{}',
 '{}',
 true),
('whatsapp',
 'A WhatsApp bot: flat messages, of which some are media and their analysis, into Conversation, Message and Media',
 '{"shape": "flat",
   "media": {"when": "hasMedia", "url": "url", "type": "mediaType",
             "name": "filename", "summary_when": "isMediaAnalysis"}}',
 '{"conversations": "Conversation", "messages": "Message", "media": "Media"}',
 '{}',
 true),
('mentor',
 'Chats with mentors: flat messages by user and mentor; where source and target are the same table, its rows stay and get a chatId',
 '{"shape": "flat", "session": null}',
 '{"conversations": "chats", "messages": "messages"}',
 '{"title": "Chat with {counterpart}",
   "title_without_counterpart": "General Chat"}',
 true),
('surrealpilot',
 'SurrealPilot: transcripts in patches become the default conversation of each workspace, to which its games are linked',
 '{"shape": "transcript", "transcript": "envelope_json",
   "path": "$.messages[*]", "keep": ["patch_id", "tokens_used"]}',
 '{"conversations": "chat_conversations", "messages": "chat_messages",
   "links": [{"table": "games", "owner": "workspace_id",
              "conversation": "conversation_id"}]}',
 '{"title": "Default Chat",
   "description": "Created by the migration from patches",
   "metadata": {"migrated_from_patch": true}, "empty_owners": true,
   "times": "owner", "id_type": "bigint", "max_rejects": 9223372036854775807}',
 true);
GRANT SELECT ON @extschema@.chatmig_profile TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_profile',
                                           'WHERE NOT builtin');

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
    'Registers a legacy table for migration and returns the migration''s name. What the mapping leaves out is detected; what is ambiguous is refused with the candidates (42P38). profile: a name in chatmig_profile, whose mapping, target and options stand where none are given. Moves nothing';

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
-- What checking and reading call for each row.
--
CREATE FUNCTION @extschema@.chatmig_json_fault(value pg_catalog.text)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_json_fault'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_json_fault(pg_catalog.text) IS
    'Why jsonb cannot hold the text, in a sentence; NULL if it can. No error, whatever the text is';

CREATE FUNCTION @extschema@.chatmig_time_from_text(
    pg_catalog.text, zone pg_catalog.text)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'chatmig_time_from_text'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_time_from_text(
    pg_catalog.text, pg_catalog.text) IS
    'A time in ISO 8601, read in the given zone unless it names one; NULL if it cannot be read';

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
