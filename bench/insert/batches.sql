-- pgbench: a hundred rows per transaction. TARGET is replaced by the table's name.
INSERT INTO TARGET (department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens, status)
SELECT 'dept-' || m.member % 5, 'team-' || m.member % 50, 'ai_chatbot', 'user-' || m.member || '@example.com', 'prod', 'openai', 'gpt-4o', 'chat',
  m.input, m.output, 'ok'
FROM (SELECT (random() * 1999)::int AS member, 100 + (random() * 8900)::int AS input, 10 + (random() * 1190)::int AS output FROM generate_series(1, 100)) AS m;
