-- The rows that views are measured over: three whole months and the days of this one, in order of time. psql variables: rows, users (0:
-- dense dimensions, one combination for each of 50 teams; else a user and a feature in each row beside).
\set ON_ERROR_STOP on
SELECT spend.load_catalog() \gset
INSERT INTO spend.cost_centers (code, department) SELECT 'cc-' || i, 'dept-' || i FROM generate_series(0, 9) AS i;
INSERT INTO spend.budgets (name, group_by, amount, on_exceeded, cost_center)
VALUES ('all', '{}', 1000000000, 'halt', NULL), ('team', '{team}', 1000000000, 'halt', NULL), ('plan', '{}', 1000000, 'alert', 'cc-1');
-- As they are from their second period on: in its first, a grouped budget's status reads the rows that were there before it.
UPDATE spend.budget_epochs SET redefined_at = now() - interval '1 year';
-- Partitions before the rows, which would have to move else.
SELECT format('CALL spend._make_month(%L)', (date_trunc('month', now()) - make_interval(months => i))::date) FROM generate_series(1, 3) AS i \gexec
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
CREATE SCHEMA bench;
CREATE TABLE bench.loaded (rows bigint, insert_ms numeric, deltas bigint, fold_ms numeric);
CREATE PROCEDURE bench.load(first bigint, last bigint, total bigint, users bigint) LANGUAGE plpgsql AS $$
DECLARE
  since timestamptz := date_trunc('month', now()) - interval '3 months';
  span interval := now() - since;
  start timestamptz := clock_timestamp();
  inserted timestamptz;
  waiting bigint;
BEGIN
  INSERT INTO spend.usage (occurred_at, cost_center, department, team, feature, user_id, environment, provider, request_model, operation, run_id,
    input_tokens, output_tokens, cache_read_tokens, status, accepted)
  SELECT since + span * (i::double precision / total), 'cc-' || team % 10, 'dept-' || team % 10, 'team-' || team,
    'feature-' || CASE WHEN users = 0 THEN team % 7 ELSE i % 4 END, CASE WHEN users > 0 THEN 'user-' || member END, 'prod',
    (ARRAY['openai', 'openai', 'openai', 'google', 'deepseek'])[1 + i % 5], (ARRAY['gpt-4o', 'gpt-4o-mini', 'gpt-5', 'gemini-2.5-flash', 'deepseek-chat'])[1 + i % 5],
    'chat', 'run-' || i / 8, 100 + i * 7919 % 9000, 10 + i * 104729 % 1200, CASE WHEN i % 3 = 0 THEN i * 7919 % 100 END,
    CASE WHEN i % 50 = 0 THEN 'error' ELSE 'ok' END, CASE i % 4 WHEN 0 THEN true WHEN 1 THEN false END
  FROM (SELECT i, member, member % 50 AS team FROM generate_series(first, last) AS i CROSS JOIN LATERAL (SELECT i * 48271 % 2003 % greatest(users, 50)) AS m(member)) AS n;
  COMMIT;
  inserted := clock_timestamp();
  SELECT count(*) INTO waiting FROM spend.rollup_deltas AS d CROSS JOIN LATERAL spend._unpack_sums(d.packed);
  INSERT INTO bench.loaded VALUES (last - first + 1, 1000 * extract(epoch FROM inserted - start), waiting, NULL);
  start := clock_timestamp();
  PERFORM spend.maintain(0);
  UPDATE bench.loaded SET fold_ms = 1000 * extract(epoch FROM clock_timestamp() - start) WHERE fold_ms IS NULL;
  COMMIT;
END
$$;
SELECT format('CALL bench.load(%s, %s, %s, %s)', i, least(i + 499999, :rows), :rows, :users) FROM generate_series(1, :rows::bigint, 500000) AS i \gexec
VACUUM (ANALYZE);
CHECKPOINT;
