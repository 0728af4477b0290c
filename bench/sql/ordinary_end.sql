SELECT chatmig_unregister('first_messages');
DROP SCHEMA app CASCADE;
DROP TABLE first_messages;
