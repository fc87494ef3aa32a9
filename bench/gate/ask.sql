-- pgbench: a call that asks first, then settles with what it used; two transactions.
\set member random(0, 1999)
\set team :member % 50
\set department :member % 5
\set output random(10, 1200)
SELECT hold_id FROM spend.authorize('gpt-4o', jsonb_build_object('department', 'dept-' || :department, 'team', 'team-' || :team),
  '{"input_tokens": 4000, "output_tokens": 1200}', 'openai') \gset
INSERT INTO spend.usage (hold_id, input_tokens, output_tokens, status) VALUES (:hold_id, 4000, :output, 'ok');
