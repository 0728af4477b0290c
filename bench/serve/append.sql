\set c random(1, 1000)
SELECT chatmig_append(:c::text, 'user', 'What is the capital of France?');
