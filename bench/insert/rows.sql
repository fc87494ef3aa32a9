-- The rows that every benchmark inserts: calls of 2,000 users in 50 teams of 5 departments, in order of time over the month
-- so far. psql variables: rows (how many), csv (the Azure trace).
CREATE SCHEMA bench;

CREATE TABLE bench.staged AS
SELECT
  i AS id,
  date_trunc('month', now()) + (now() - date_trunc('month', now())) * (i::double precision / :rows) AS occurred_at,
  'dept-' || member % 5 AS department,
  'team-' || member % 50 AS team,
  (ARRAY['ai_code_review', 'ai_chatbot', 'ai_search', 'ai_summary'])[1 + member % 2 * 2 + i % 2] AS feature,
  'user-' || member || '@example.com' AS user_id,
  CASE WHEN i % 10 = 0 THEN 'staging' ELSE 'prod' END AS environment,
  (ARRAY['openai', 'openai', 'openai', 'google', 'deepseek'])[1 + i % 5] AS provider,
  (ARRAY['gpt-4o', 'gpt-4o-mini', 'gpt-5', 'gemini-2.5-flash', 'deepseek-chat'])[1 + i % 5] AS request_model,
  'chat' AS operation,
  (100 + i * 7919 % 9000)::numeric AS input_tokens,
  (10 + i * 104729 % 1200)::numeric AS output_tokens,
  CASE WHEN i % 3 = 0 THEN (i * 7919 % 100)::numeric END AS cache_read_tokens,
  'ok' AS status,
  'req_' || md5(i::text) AS request_id
FROM (SELECT i, i * 48271 % 2003 % 2000 AS member FROM generate_series(1, :rows::bigint) AS i) AS numbered;
ALTER TABLE bench.staged ADD PRIMARY KEY (id);

-- The trace as an app would send it, its hour put into the month so far and repeated, written where COPY can read it.
CREATE TABLE bench.trace (trace text, occurred_at timestamptz, input_tokens numeric, output_tokens numeric);
\copy bench.trace FROM pstdin WITH (FORMAT csv, HEADER)
CREATE TABLE bench.copied AS
SELECT
  date_trunc('month', now()) + (t.occurred_at - min(t.occurred_at) OVER ()) AS occurred_at,
  CASE t.trace WHEN 'code' THEN 'dept-0' ELSE 'dept-1' END AS department,
  'team-' || row_number() OVER () % 50 AS team,
  CASE t.trace WHEN 'code' THEN 'ai_code_review' ELSE 'ai_chatbot' END AS feature,
  'user-' || row_number() OVER () % 2000 || '@example.com' AS user_id,
  'prod' AS environment,
  'openai' AS provider,
  CASE t.trace WHEN 'code' THEN 'gpt-5' ELSE 'gpt-4o-mini' END AS request_model,
  'chat' AS operation,
  t.input_tokens, t.output_tokens, NULL::numeric AS cache_read_tokens,
  'ok' AS status,
  'req_' || md5(row_number() OVER ()::text) AS request_id
FROM bench.trace AS t, generate_series(1, :copies);
VACUUM ANALYZE bench.staged, bench.copied;
