-- pgbench: the same two commits without the gate: a small row of the app's own, then the usage.
\set member random(0, 1999)
\set team :member % 50
\set department :member % 5
\set output random(10, 1200)
INSERT INTO bench.calls (department, team) VALUES ('dept-' || :department, 'team-' || :team);
INSERT INTO spend.usage (department, team, provider, request_model, input_tokens, output_tokens, status)
VALUES ('dept-' || :department, 'team-' || :team, 'openai', 'gpt-4o', 4000, :output, 'ok');
