-- pgbench: users who have a budget ask, and give back what was set aside.
\set number random(1, 6)
SELECT hold_id FROM spend.authorize('m', jsonb_build_object('team', 't1', 'user_id', 'u' || :number, 'environment', 'prod'), '{"input_tokens": 1}') \gset
SELECT spend.release(:hold_id);
