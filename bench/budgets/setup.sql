-- Ten budgets of five kinds of scope. psql variable: budgets, how many there are in all; the others are those of users who never come.
SET client_min_messages = warning;
CREATE EXTENSION pg_spend CASCADE;
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1M"}}', '-infinity');
INSERT INTO spend.budgets (name, amount, on_exceeded, scope, group_by) VALUES
  ('all', 1e9, 'alert', '{}', '{}'),
  ('each team', 1e9, 'alert', '{}', '{team}'),
  ('prod', 1e9, 'alert', '{"environment": "prod"}', '{}'),
  ('team in prod', 1e9, 'alert', '{"team": "t1", "environment": "prod"}', '{}');
INSERT INTO spend.budgets (name, amount, on_exceeded, scope)
SELECT 'user ' || i, 1e9, 'reject', jsonb_build_object('user_id', 'u' || i) FROM generate_series(1, :budgets - 4) AS i;
VACUUM ANALYZE;
