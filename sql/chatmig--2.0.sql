/* sql/chatmig--2.0.sql */

-- The whole interface of chatmig 2.0. This file is the truth about it.

-- complain if script is sourced in psql rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION chatmig" to load this file. \quit

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
-- What was made of a registration. Rows are written by chatmig's own functions
-- alone, and go into dumps. No foreign keys to the registrations: a parallel
-- restore loads tables of an extension in any order.
--
CREATE TABLE @extschema@.chatmig_target (
    migration pg_catalog.text NOT NULL,
    part pg_catalog.text NOT NULL
        CONSTRAINT chatmig_target_part_check
        CHECK (part OPERATOR(pg_catalog.=) ANY
               (ARRAY['conversations', 'messages', 'media', 'trace',
                      'owners', 'links'])),
    relation pg_catalog.regclass NOT NULL,
    created pg_catalog.bool NOT NULL,
    columns pg_catalog.jsonb,
    definition pg_catalog.jsonb,
    CONSTRAINT chatmig_target_pkey PRIMARY KEY (migration, part)
);
COMMENT ON TABLE @extschema@.chatmig_target IS
    'The tables that each migration fills';
COMMENT ON COLUMN @extschema@.chatmig_target.migration IS
    'The migration''s name';
COMMENT ON COLUMN @extschema@.chatmig_target.part IS
    'conversations, messages, media, trace (from legacy rows to messages), owners (conversations of those without messages), or links (rows of other tables that were linked)';
COMMENT ON COLUMN @extschema@.chatmig_target.relation IS
    'The table';
COMMENT ON COLUMN @extschema@.chatmig_target.created IS
    'True if chatmig created it, so that a rollback may drop it';
COMMENT ON COLUMN @extschema@.chatmig_target.columns IS
    'Of a table that chatmig did not create: which of its columns are filled, by what they are for';
COMMENT ON COLUMN @extschema@.chatmig_target.definition IS
    'What it had after the first run: constraints, indexes, columns that are NOT NULL or have a default, triggers; chatmig_validate() says what is missing';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_target', '');

CREATE TABLE @extschema@.chatmig_run (
    migration pg_catalog.text NOT NULL
        CONSTRAINT chatmig_run_pkey PRIMARY KEY,
    migrated_at pg_catalog.timestamptz NOT NULL,
    last_run pg_catalog.timestamptz NOT NULL,
    legacy_rows pg_catalog.int8 NOT NULL,
    migrated pg_catalog.int8 NOT NULL,
    empty pg_catalog.int8 NOT NULL,
    rejected pg_catalog.int8 NOT NULL,
    conversations pg_catalog.int8 NOT NULL,
    messages pg_catalog.int8 NOT NULL,
    media pg_catalog.int8 NOT NULL,
    skipped pg_catalog.int8 NOT NULL,
    links pg_catalog.int8 NOT NULL
);
COMMENT ON TABLE @extschema@.chatmig_run IS
    'What the runs of each migration have done so far';
COMMENT ON COLUMN @extschema@.chatmig_run.migration IS
    'The migration''s name';
COMMENT ON COLUMN @extschema@.chatmig_run.migrated_at IS
    'Start of the transaction of the first run';
COMMENT ON COLUMN @extschema@.chatmig_run.last_run IS
    'Start of the transaction of the last run that did something';
COMMENT ON COLUMN @extschema@.chatmig_run.legacy_rows IS
    'Rows of the legacy table, at the last run';
COMMENT ON COLUMN @extschema@.chatmig_run.migrated IS
    'Legacy rows migrated, by all runs';
COMMENT ON COLUMN @extschema@.chatmig_run.empty IS
    'Legacy rows that hold no message, at the last run';
COMMENT ON COLUMN @extschema@.chatmig_run.rejected IS
    'Legacy rows rejected, at the last run';
COMMENT ON COLUMN @extschema@.chatmig_run.conversations IS
    'Conversations made, by all runs';
COMMENT ON COLUMN @extschema@.chatmig_run.messages IS
    'Messages made, by all runs';
COMMENT ON COLUMN @extschema@.chatmig_run.media IS
    'Media made, by all runs';
COMMENT ON COLUMN @extschema@.chatmig_run.skipped IS
    'Legacy rows skipped, at the last run: their owners have conversations of others';
COMMENT ON COLUMN @extschema@.chatmig_run.links IS
    'Rows of other tables that were linked to a conversation, by all runs';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_run', '');

CREATE TABLE @extschema@.chatmig_rejected (
    migration pg_catalog.text NOT NULL,
    legacy_key pg_catalog.text NOT NULL,
    part pg_catalog.int4 NOT NULL,
    code pg_catalog.text NOT NULL,
    reason pg_catalog.text NOT NULL,
    legacy_row pg_catalog.jsonb NOT NULL,
    partial pg_catalog.bool NOT NULL,
    rejected_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT chatmig_rejected_pkey PRIMARY KEY (migration, legacy_key, part)
);
COMMENT ON TABLE @extschema@.chatmig_rejected IS
    'Legacy rows that could not be converted; read the view chatmig_rejects instead';
COMMENT ON COLUMN @extschema@.chatmig_rejected.migration IS
    'The migration''s name';
COMMENT ON COLUMN @extschema@.chatmig_rejected.legacy_key IS
    'The row''s key as text; a JSON array where the key has several columns';
COMMENT ON COLUMN @extschema@.chatmig_rejected.part IS
    'The message''s number in the row, from 1; 0: the row as a whole';
COMMENT ON COLUMN @extschema@.chatmig_rejected.code IS
    'Why, in one word: unknown_role, missing_role, invalid_time, ...';
COMMENT ON COLUMN @extschema@.chatmig_rejected.reason IS
    'Why, in a sentence with the values';
COMMENT ON COLUMN @extschema@.chatmig_rejected.legacy_row IS
    'The whole legacy row';
COMMENT ON COLUMN @extschema@.chatmig_rejected.partial IS
    'True: other messages of the row came through';
COMMENT ON COLUMN @extschema@.chatmig_rejected.rejected_at IS
    'Start of the transaction that rejected it';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_rejected', '');

CREATE TABLE @extschema@.chatmig_deleted (
    migration pg_catalog.text NOT NULL,
    conversation pg_catalog.text NOT NULL,
    owner pg_catalog.text,
    deleted_by pg_catalog.text NOT NULL,
    deleted_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT chatmig_deleted_pkey PRIMARY KEY (migration, conversation)
);
COMMENT ON TABLE @extschema@.chatmig_deleted IS
    'Conversations that chatmig''s own functions have deleted; read the view chatmig_deletions instead';
COMMENT ON COLUMN @extschema@.chatmig_deleted.migration IS
    'The migration''s name';
COMMENT ON COLUMN @extschema@.chatmig_deleted.conversation IS
    'The id, as text';
COMMENT ON COLUMN @extschema@.chatmig_deleted.owner IS
    'Whose it was, as text';
COMMENT ON COLUMN @extschema@.chatmig_deleted.deleted_by IS
    'The role that called chatmig_delete_conversation(), chatmig_reset() or chatmig_cleanup()';
COMMENT ON COLUMN @extschema@.chatmig_deleted.deleted_at IS
    'Start of the transaction that deleted it';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chatmig_deleted', '');

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

CREATE FUNCTION @extschema@.chatmig_plan(
    name pg_catalog.text DEFAULT NULL,
    OUT migration pg_catalog.text,
    OUT step pg_catalog.int4,
    OUT object pg_catalog.text,
    OUT action pg_catalog.text,
    OUT rows pg_catalog.int8,
    OUT bytes pg_catalog.int8,
    OUT lock pg_catalog.text,
    OUT note pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_plan'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_plan(pg_catalog.text) IS
    'Says what chatmig_migrate() would do, step by step: exact numbers of rows, estimated bytes, the lock of each step. Reads the whole legacy table, changes nothing';

CREATE FUNCTION @extschema@.chatmig_preview(
    name pg_catalog.text DEFAULT NULL,
    max_messages pg_catalog.int4 DEFAULT 20,
    OUT migration pg_catalog.text,
    OUT conversation pg_catalog.text,
    OUT "position" pg_catalog.int4,
    OUT role pg_catalog.text,
    OUT content pg_catalog.text,
    OUT created_at pg_catalog.timestamptz,
    OUT legacy_key pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_preview'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_preview(
    pg_catalog.text, pg_catalog.int4) IS
    'Shows the first messages that chatmig_migrate() would write, up to max_messages for each migration. Changes nothing';

CREATE FUNCTION @extschema@.chatmig_migrate(
    name pg_catalog.text DEFAULT NULL,
    dry_run pg_catalog.bool DEFAULT false,
    force pg_catalog.bool DEFAULT false,
    OUT migration pg_catalog.text,
    OUT legacy_rows pg_catalog.int8,
    OUT already pg_catalog.int8,
    OUT skipped pg_catalog.int8,
    OUT migrated pg_catalog.int8,
    OUT empty pg_catalog.int8,
    OUT rejected pg_catalog.int8,
    OUT conversations pg_catalog.int8,
    OUT messages pg_catalog.int8,
    OUT media pg_catalog.int8,
    OUT links pg_catalog.int8,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_migrate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_migrate(
    pg_catalog.text, pg_catalog.bool, pg_catalog.bool) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_migrate(
    pg_catalog.text, pg_catalog.bool, pg_catalog.bool) IS
    'Migrates what is not migrated yet, of one migration or of all, in the current transaction. legacy_rows = already + skipped + migrated + empty + rejected; the other numbers count what this run made. skipped: rows of owners who had conversations of others in the target. dry_run: changes nothing. force: migrates those, too, but nothing twice. elapsed: wall clock';

CREATE FUNCTION @extschema@.chatmig_rollback(
    name pg_catalog.text,
    dry_run pg_catalog.bool DEFAULT false,
    force pg_catalog.bool DEFAULT false,
    OUT migration pg_catalog.text,
    OUT legacy_rows pg_catalog.int8,
    OUT already pg_catalog.int8,
    OUT skipped pg_catalog.int8,
    OUT migrated pg_catalog.int8,
    OUT empty pg_catalog.int8,
    OUT rejected pg_catalog.int8,
    OUT conversations pg_catalog.int8,
    OUT messages pg_catalog.int8,
    OUT media pg_catalog.int8,
    OUT links pg_catalog.int8,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_rollback'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.chatmig_rollback(
    pg_catalog.text, pg_catalog.bool, pg_catalog.bool) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.chatmig_rollback(
    pg_catalog.text, pg_catalog.bool, pg_catalog.bool) IS
    'Takes back exactly what a migration made, and drops the tables it created if nothing else is in them. What was changed in migrated rows since is lost. Refuses (55000) where rows that came later hang on migrated ones, and where the legacy table is gone, or rows of it are, so that the messages are the only copy. The numbers count what was taken back. dry_run: changes nothing. force: deletes the only copy, too';

--
-- Conversations, served from the tables that a migration has filled. Ids are
-- text, whatever their type. Each function does what the caller could do by
-- hand, with the caller's rights on the tables and under row security, so that
-- PUBLIC may call them. migration: whose tables; NULL: there is only one.
--
CREATE FUNCTION @extschema@.chatmig_create_conversation(
    owner pg_catalog.text DEFAULT NULL,
    counterpart pg_catalog.text DEFAULT NULL,
    title pg_catalog.text DEFAULT NULL,
    metadata pg_catalog.jsonb DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_create_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_create_conversation(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.jsonb,
    pg_catalog.text) IS
    'Begins a conversation of an owner, with a counterpart or nobody, and returns its id. Where the target has no table of conversations, the id alone: the first message makes it true';

CREATE FUNCTION @extschema@.chatmig_active_conversation(
    owner pg_catalog.text DEFAULT NULL,
    counterpart pg_catalog.text DEFAULT NULL,
    idle pg_catalog.interval DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_active_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_active_conversation(
    pg_catalog.text, pg_catalog.text, pg_catalog.interval,
    pg_catalog.text) IS
    'The id of the owner''s latest conversation with that counterpart (NULL: with nobody) that is not archived and, with idle, in which something has happened within that time; begins one where there is none, and never two, whoever else calls it at the same time';

CREATE FUNCTION @extschema@.chatmig_append(
    conversation pg_catalog.text,
    role pg_catalog.text,
    content pg_catalog.text,
    model pg_catalog.text DEFAULT NULL,
    tokens pg_catalog.int8 DEFAULT NULL,
    metadata pg_catalog.jsonb DEFAULT NULL,
    media pg_catalog.text DEFAULT NULL,
    reply_to pg_catalog.text DEFAULT NULL,
    owner pg_catalog.text DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_append'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_append(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
    pg_catalog.int8, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
    pg_catalog.text, pg_catalog.text) IS
    'Adds a message at the end of a conversation, moves the conversation''s updated_at to its time, and returns its id. role: user, assistant, system or tool, or the table''s own word. conversation NULL: a message that stands alone, where the table allows that. owner: whose conversation it must be. Others who append to the same conversation wait until this transaction ends. Errors: P0002 no such conversation, 55000 it is archived, 22023 unknown role, 22P02 not an id, 23503 reply_to or media do not belong there, 0A000 no column for what is given';

CREATE FUNCTION @extschema@.chatmig_append_pair(
    conversation pg_catalog.text,
    question pg_catalog.text,
    answer pg_catalog.text,
    model pg_catalog.text DEFAULT NULL,
    tokens pg_catalog.int8 DEFAULT NULL,
    metadata pg_catalog.jsonb DEFAULT NULL,
    media pg_catalog.text DEFAULT NULL,
    owner pg_catalog.text DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL,
    OUT question_message pg_catalog.text,
    OUT answer_message pg_catalog.text)
RETURNS pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_append_pair'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_append_pair(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
    pg_catalog.int8, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
    pg_catalog.text) IS
    'Adds a question and its answer, both or none, and returns their ids. The medium goes with the question, tokens with the answer, model and metadata with both. Errors as in chatmig_append()';

CREATE FUNCTION @extschema@.chatmig_history(
    conversation pg_catalog.text,
    max_messages pg_catalog.int8 DEFAULT 50,
    before_position pg_catalog.int8 DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL,
    OUT message pg_catalog.text,
    OUT "position" pg_catalog.int8,
    OUT role pg_catalog.text,
    OUT content pg_catalog.text,
    OUT model pg_catalog.text,
    OUT tokens pg_catalog.int8,
    OUT metadata pg_catalog.jsonb,
    OUT media pg_catalog.text,
    OUT media_url pg_catalog.text,
    OUT media_type pg_catalog.text,
    OUT media_summary pg_catalog.text,
    OUT reply_to pg_catalog.text,
    OUT created_at pg_catalog.timestamptz)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_history'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_history(
    pg_catalog.text, pg_catalog.int8, pg_catalog.int8, pg_catalog.text) IS
    'The last messages of a conversation, in their order; max_messages NULL: all. The page before: before_position => the first position of this one. Errors: P0002 no such conversation';

CREATE FUNCTION @extschema@.chatmig_pairs(
    owner pg_catalog.text DEFAULT NULL,
    conversation pg_catalog.text DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL,
    OUT conversation pg_catalog.text,
    OUT question pg_catalog.text,
    OUT answer pg_catalog.text,
    OUT model pg_catalog.text,
    OUT asked_at pg_catalog.timestamptz,
    OUT answered_at pg_catalog.timestamptz,
    OUT question_message pg_catalog.text,
    OUT answer_message pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_pairs'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_pairs(
    pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
    'The messages of users and assistants as questions and answers, for what still reads such rows: of an owner, standalone messages last, or of a conversation. A question without an answer is a row, and so is an answer without a question';

CREATE FUNCTION @extschema@.chatmig_conversations(
    owner pg_catalog.text DEFAULT NULL,
    counterpart pg_catalog.text DEFAULT NULL,
    active pg_catalog.bool DEFAULT true,
    max_rows pg_catalog.int8 DEFAULT 50,
    before pg_catalog.text DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL,
    OUT conversation pg_catalog.text,
    OUT owner pg_catalog.text,
    OUT counterpart pg_catalog.text,
    OUT title pg_catalog.text,
    OUT active pg_catalog.bool,
    OUT messages pg_catalog.int8,
    OUT last_role pg_catalog.text,
    OUT last_message pg_catalog.text,
    OUT created_at pg_catalog.timestamptz,
    OUT updated_at pg_catalog.timestamptz,
    OUT metadata pg_catalog.jsonb)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_conversations'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_conversations(
    pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.int8,
    pg_catalog.text, pg_catalog.text) IS
    'An owner''s conversations, the latest first, with the first 100 characters of the last message; owner NULL: of all that the caller may see; counterpart NULL: with whomever; active false: archived ones, NULL: both; max_rows NULL: all. The next page: before => the last conversation of this one';

CREATE FUNCTION @extschema@.chatmig_message_count(
    conversation pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_message_count'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_message_count(
    pg_catalog.text, pg_catalog.text) IS
    'The number of messages in a conversation. Errors: P0002 no such conversation';

CREATE FUNCTION @extschema@.chatmig_rename_conversation(
    conversation pg_catalog.text,
    title pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME', 'chatmig_rename_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_rename_conversation(
    pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
    'Gives a conversation a title. Errors: P0002 no such conversation, 0A000 conversations have no title';

CREATE FUNCTION @extschema@.chatmig_archive_conversation(
    conversation pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'chatmig_archive_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_archive_conversation(
    pg_catalog.text, pg_catalog.text) IS
    'Archives a conversation: it stays, is no longer active, and takes no message; false: it was archived already. Errors: P0002 no such conversation, 0A000 conversations have no column for it';

CREATE FUNCTION @extschema@.chatmig_unarchive_conversation(
    conversation pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'chatmig_unarchive_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_unarchive_conversation(
    pg_catalog.text, pg_catalog.text) IS
    'Opens an archived conversation again; false: it was open. Errors: P0002 no such conversation, 0A000 conversations have no column for it';

CREATE FUNCTION @extschema@.chatmig_delete_conversation(
    conversation pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_delete_conversation'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_delete_conversation(
    pg_catalog.text, pg_catalog.text) IS
    'Deletes a conversation with its messages, and returns their number; media stay. Errors: P0002 no such conversation';

CREATE FUNCTION @extschema@.chatmig_reset(
    owner pg_catalog.text,
    migration pg_catalog.text DEFAULT NULL,
    OUT conversations pg_catalog.int8,
    OUT messages pg_catalog.int8)
RETURNS pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_reset'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_reset(
    pg_catalog.text, pg_catalog.text) IS
    'Deletes all conversations and messages of an owner, standalone ones too, and returns how many; the owner and the owner''s media stay';

CREATE FUNCTION @extschema@.chatmig_cleanup(
    older_than pg_catalog.interval,
    dry_run pg_catalog.bool DEFAULT false,
    migration pg_catalog.text DEFAULT NULL,
    OUT conversations pg_catalog.int8,
    OUT messages pg_catalog.int8)
RETURNS pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_cleanup'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_cleanup(
    pg_catalog.interval, pg_catalog.bool, pg_catalog.text) IS
    'Deletes the conversations, whosever they are, in which nothing has happened for so long, with their messages, and returns how many. dry_run: counts them';

CREATE FUNCTION @extschema@.chatmig_create_media(
    owner pg_catalog.text,
    url pg_catalog.text,
    type pg_catalog.text DEFAULT NULL,
    summary pg_catalog.text DEFAULT NULL,
    metadata pg_catalog.jsonb DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_create_media'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_create_media(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
    pg_catalog.jsonb, pg_catalog.text) IS
    'Adds a medium of an owner, for chatmig_append(media => ...), and returns its id. Errors: 0A000 the target has no table of media';

CREATE FUNCTION @extschema@.chatmig_statistics(
    owner pg_catalog.text DEFAULT NULL,
    migration pg_catalog.text DEFAULT NULL,
    OUT conversations pg_catalog.int8,
    OUT active_conversations pg_catalog.int8,
    OUT archived_conversations pg_catalog.int8,
    OUT with_counterpart pg_catalog.int8,
    OUT without_counterpart pg_catalog.int8,
    OUT messages pg_catalog.int8,
    OUT user_messages pg_catalog.int8,
    OUT assistant_messages pg_catalog.int8,
    OUT system_messages pg_catalog.int8,
    OUT tool_messages pg_catalog.int8,
    OUT other_messages pg_catalog.int8,
    OUT conversation_messages pg_catalog.int8,
    OUT active_conversation_messages pg_catalog.int8,
    OUT standalone_messages pg_catalog.int8,
    OUT media pg_catalog.int8,
    OUT first_activity pg_catalog.timestamptz,
    OUT last_activity pg_catalog.timestamptz)
RETURNS pg_catalog.record
AS 'MODULE_PATHNAME', 'chatmig_statistics'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.chatmig_statistics(
    pg_catalog.text, pg_catalog.text) IS
    'An owner in numbers; NULL: all that the caller may see. conversations = active + archived = with + without counterpart; messages = those of all roles = conversation + standalone messages. Reads all of the owner''s messages';

--
-- What the query that reads a legacy table calls for each row.
--
CREATE FUNCTION @extschema@.chatmig_json_fault(value pg_catalog.text)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'chatmig_json_fault'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_json_fault(pg_catalog.text) IS
    'Why jsonb cannot hold the text, in a sentence; NULL if it can. No error, whatever the text is';

CREATE FUNCTION @extschema@.chatmig_time_from_timestamp(
    pg_catalog.timestamp, zone pg_catalog.text)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'chatmig_time_from_timestamp'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_time_from_timestamp(
    pg_catalog.timestamp, pg_catalog.text) IS
    'A time without zone, read in the given one; NULL if out of range';

CREATE FUNCTION @extschema@.chatmig_time_from_date(
    pg_catalog.date, zone pg_catalog.text)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'chatmig_time_from_date'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_time_from_date(
    pg_catalog.date, pg_catalog.text) IS
    'Midnight in the given zone; NULL if out of range';

CREATE FUNCTION @extschema@.chatmig_time_from_text(
    pg_catalog.text, zone pg_catalog.text)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'chatmig_time_from_text'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_time_from_text(
    pg_catalog.text, pg_catalog.text) IS
    'A time in ISO 8601, read in the given zone unless it names one; NULL if it cannot be read';

CREATE FUNCTION @extschema@.chatmig_time_from_epoch(
    pg_catalog.float8, units_per_second pg_catalog.float8)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'chatmig_time_from_epoch'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_time_from_epoch(
    pg_catalog.float8, pg_catalog.float8) IS
    'Units since 1970-01-01 00:00 UTC: 1 for seconds, 1000 for milliseconds; NULL if out of range';

CREATE FUNCTION @extschema@.chatmig_fingerprint(pg_catalog.record)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_fingerprint'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_fingerprint(pg_catalog.record) IS
    'A hash of a row''s column names and values; NULLs and the order of columns do not count';

CREATE FUNCTION @extschema@.chatmig_hash_text(
    name pg_catalog.text, value pg_catalog.text)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_varlena'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_text(
    pg_catalog.text, pg_catalog.text) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_jsonb(
    name pg_catalog.text, value pg_catalog.jsonb)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_varlena'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_jsonb(
    pg_catalog.text, pg_catalog.jsonb) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_timestamp(
    name pg_catalog.text, value pg_catalog.timestamp)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_eight_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_timestamp(
    pg_catalog.text, pg_catalog.timestamp) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_timestamptz(
    name pg_catalog.text, value pg_catalog.timestamptz)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_eight_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_timestamptz(
    pg_catalog.text, pg_catalog.timestamptz) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_integer(
    name pg_catalog.text, value pg_catalog.int4)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_four_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_integer(
    pg_catalog.text, pg_catalog.int4) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_bigint(
    name pg_catalog.text, value pg_catalog.int8)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_eight_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_bigint(
    pg_catalog.text, pg_catalog.int8) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_uuid(
    name pg_catalog.text, value pg_catalog.uuid)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_uuid'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_uuid(
    pg_catalog.text, pg_catalog.uuid) IS
    'What a column of that name and value adds to its row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_hash_pair(
    pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_pair'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_pair(
    pg_catalog.int8, pg_catalog.int8) IS
    'A hash of two numbers, in this order';

CREATE FUNCTION @extschema@.chatmig_hash_sum(
    pg_catalog.int8, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8,
    pg_catalog.int8, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'chatmig_hash_sum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_hash_sum(
    pg_catalog.int8, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8,
    pg_catalog.int8, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8) IS
    'The sum of hashes, in 64 bits; NULL adds nothing. Of the hashes of a row''s columns, it is the row''s chatmig_fingerprint()';

CREATE FUNCTION @extschema@.chatmig_message_id(
    migration pg_catalog.text, key pg_catalog.text, part pg_catalog.int4,
    "time" pg_catalog.timestamp)
RETURNS pg_catalog.uuid
AS 'MODULE_PATHNAME', 'chatmig_message_id'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_message_id(
    pg_catalog.text, pg_catalog.text, pg_catalog.int4, pg_catalog.timestamp) IS
    'The id of the message that is part 1, or 2, of the legacy row with this key, at a time in UTC';

CREATE FUNCTION @extschema@.chatmig_summary_add(
    pg_catalog.internal, pg_catalog.uuid, pg_catalog.int8,
    pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.int8,
    pg_catalog.timestamptz, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8,
    pg_catalog.timestamptz)
RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'chatmig_summary_add'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_summary_add(
    pg_catalog.internal, pg_catalog.uuid, pg_catalog.int8,
    pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.int8,
    pg_catalog.timestamptz, pg_catalog.int8, pg_catalog.int8, pg_catalog.int8,
    pg_catalog.timestamptz) IS
    'A part of chatmig_summary()';

CREATE FUNCTION @extschema@.chatmig_summary_combine(
    pg_catalog.internal, pg_catalog.internal)
RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'chatmig_summary_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_summary_combine(
    pg_catalog.internal, pg_catalog.internal) IS
    'A part of chatmig_summary()';

CREATE FUNCTION @extschema@.chatmig_summary_send(pg_catalog.internal)
RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'chatmig_summary_send'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_summary_send(pg_catalog.internal) IS
    'A part of chatmig_summary()';

CREATE FUNCTION @extschema@.chatmig_summary_receive(
    pg_catalog.bytea, pg_catalog.internal)
RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'chatmig_summary_receive'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.chatmig_summary_receive(
    pg_catalog.bytea, pg_catalog.internal) IS
    'A part of chatmig_summary()';

CREATE AGGREGATE @extschema@.chatmig_summary(
    conversation pg_catalog.uuid, conversation_hash pg_catalog.int8,
    begins pg_catalog.timestamptz, ends pg_catalog.timestamptz,
    "position" pg_catalog.int8, "time" pg_catalog.timestamptz,
    id pg_catalog.int8, answered pg_catalog.int8, contents pg_catalog.int8,
    until pg_catalog.timestamptz) (
    SFUNC = @extschema@.chatmig_summary_add,
    STYPE = pg_catalog.internal,
    COMBINEFUNC = @extschema@.chatmig_summary_combine,
    SERIALFUNC = @extschema@.chatmig_summary_send,
    DESERIALFUNC = @extschema@.chatmig_summary_receive,
    FINALFUNC = @extschema@.chatmig_summary_send,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.chatmig_summary(
    pg_catalog.uuid, pg_catalog.int8, pg_catalog.timestamptz,
    pg_catalog.timestamptz, pg_catalog.int8, pg_catalog.timestamptz,
    pg_catalog.int8, pg_catalog.int8, pg_catalog.int8, pg_catalog.timestamptz)
    IS 'Messages as a few numbers, as chatmig_validate() compares them; id, answered and contents are hashes';

--
-- The state of things. A migration is shown to members of the role that owns
-- its source; one whose source is gone, to superusers.
--
CREATE VIEW @extschema@.chatmig_status WITH (security_barrier) AS
SELECT m.name AS migration,
       m.source,
       m.mapping OPERATOR(pg_catalog.->>) 'shape' AS shape,
       CASE WHEN c.oid IS NULL THEN 'source missing'
            WHEN r.migration IS NULL THEN 'registered'
            ELSE 'migrated' END AS state,
       m.registered_at,
       tc.relation AS conversations_table,
       tm.relation AS messages_table,
       td.relation AS media_table,
       tt.relation AS trace_table,
       r.legacy_rows,
       r.skipped,
       r.migrated,
       r.empty,
       r.rejected,
       r.conversations,
       r.messages,
       r.media,
       r.links,
       r.migrated_at,
       r.last_run
FROM @extschema@.chatmig_migration AS m
     LEFT JOIN pg_catalog.pg_class AS c
     ON c.oid OPERATOR(pg_catalog.=) m.source
     LEFT JOIN @extschema@.chatmig_run AS r
     ON r.migration OPERATOR(pg_catalog.=) m.name
     LEFT JOIN @extschema@.chatmig_target AS tc
     ON tc.migration OPERATOR(pg_catalog.=) m.name
        AND tc.part OPERATOR(pg_catalog.=) 'conversations'
     LEFT JOIN @extschema@.chatmig_target AS tm
     ON tm.migration OPERATOR(pg_catalog.=) m.name
        AND tm.part OPERATOR(pg_catalog.=) 'messages'
     LEFT JOIN @extschema@.chatmig_target AS td
     ON td.migration OPERATOR(pg_catalog.=) m.name
        AND td.part OPERATOR(pg_catalog.=) 'media'
     LEFT JOIN @extschema@.chatmig_target AS tt
     ON tt.migration OPERATOR(pg_catalog.=) m.name
        AND tt.part OPERATOR(pg_catalog.=) 'trace'
WHERE CASE WHEN c.oid IS NULL
           THEN (SELECT s.rolsuper FROM pg_catalog.pg_roles AS s
                 WHERE s.rolname OPERATOR(pg_catalog.=) current_user)
           ELSE pg_catalog.pg_has_role(c.relowner, 'USAGE') END;
GRANT SELECT ON @extschema@.chatmig_status TO PUBLIC;
COMMENT ON VIEW @extschema@.chatmig_status IS
    'One line for each registered migration that the current role may see';

--
-- Rejected rows hold people's words: they are shown to members of the role
-- that owns the legacy table, as the table itself would be.
--
CREATE VIEW @extschema@.chatmig_rejects WITH (security_barrier) AS
SELECT j.migration, j.legacy_key, j.part, j.code, j.reason, j.legacy_row,
       j.rejected_at
FROM @extschema@.chatmig_rejected AS j
     JOIN @extschema@.chatmig_migration AS m
     ON m.name OPERATOR(pg_catalog.=) j.migration
     LEFT JOIN pg_catalog.pg_class AS c
     ON c.oid OPERATOR(pg_catalog.=) m.source
WHERE CASE WHEN c.oid IS NULL
           THEN (SELECT s.rolsuper FROM pg_catalog.pg_roles AS s
                 WHERE s.rolname OPERATOR(pg_catalog.=) current_user)
           ELSE pg_catalog.pg_has_role(c.relowner, 'USAGE') END;
GRANT SELECT ON @extschema@.chatmig_rejects TO PUBLIC;
COMMENT ON VIEW @extschema@.chatmig_rejects IS
    'Legacy rows that could not be converted: key, code, reason, and the row, whole';

--
-- What has been deleted on purpose, and by whom; to the same roles.
--
CREATE VIEW @extschema@.chatmig_deletions WITH (security_barrier) AS
SELECT d.migration, d.conversation, d.owner, d.deleted_by, d.deleted_at
FROM @extschema@.chatmig_deleted AS d
     JOIN @extschema@.chatmig_migration AS m
     ON m.name OPERATOR(pg_catalog.=) d.migration
     LEFT JOIN pg_catalog.pg_class AS c
     ON c.oid OPERATOR(pg_catalog.=) m.source
WHERE CASE WHEN c.oid IS NULL
           THEN (SELECT s.rolsuper FROM pg_catalog.pg_roles AS s
                 WHERE s.rolname OPERATOR(pg_catalog.=) current_user)
           ELSE pg_catalog.pg_has_role(c.relowner, 'USAGE') END;
GRANT SELECT ON @extschema@.chatmig_deletions TO PUBLIC;
COMMENT ON VIEW @extschema@.chatmig_deletions IS
    'Conversations that chatmig_delete_conversation(), chatmig_reset() and chatmig_cleanup() have deleted; chatmig_validate() does not miss their messages. Not those that are surely younger than the last run';
