-- A ledger with usage of ninety days, 250 combinations of dimensions and models, folded as it comes. psql variable: rows.
\set ON_ERROR_STOP on
CREATE EXTENSION pg_spend CASCADE;
SELECT spend.set_price('maker', 'm' || i, '{"rates": {"input_tokens": "2.5/1M", "output_tokens": "10/1M"}}', '-infinity') FROM generate_series(1, 5) AS i;
SELECT format('CALL spend._make_month(%L)', (date_trunc('month', now()) - make_interval(months => i))::date) FROM generate_series(1, 3) AS i \gexec
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT format($q$INSERT INTO spend.usage (occurred_at, team, department, provider, request_model, input_tokens, output_tokens)
  SELECT now() - interval '90 days' * (1 - i::double precision / %1$s), 'team-' || i %% 50, 'dept-' || i %% 5, 'maker', 'm' || 1 + i %% 5, 100 + i %% 9000, 10 + i %% 1200
  FROM generate_series(%2$s, %3$s) AS i$q$, :rows, first, least(first + 499999, :rows)),
  'DO $$ BEGIN PERFORM spend.maintain(0); END $$'
FROM generate_series(1, :rows::bigint, 500000) AS first \gexec
VACUUM (ANALYZE);
CHECKPOINT;
