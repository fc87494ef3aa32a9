-- pgbench: one row per transaction. TARGET is replaced by the table's name.
\set member random(0, 1999)
\set team :member % 50
\set department :member % 5
\set input random(100, 9000)
\set output random(10, 1200)
INSERT INTO TARGET (department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens, status)
VALUES ('dept-' || :department, 'team-' || :team, 'ai_chatbot', 'user-' || :member || '@example.com', 'prod', 'openai', 'gpt-4o', 'chat',
  :input, :output, 'ok');
