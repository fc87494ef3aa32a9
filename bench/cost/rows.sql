-- Calls of all models in turn, at times over all versions of their prices. psql variables: models, rows.
CREATE TABLE bench.costed AS
SELECT provider, model, occurred_at, input_tokens, cache_read_tokens, output_tokens,
  input_tokens::bigint AS input_count, output_tokens::bigint AS output_count,
  jsonb_build_object('input_tokens', input_tokens, 'cache_read_tokens', cache_read_tokens, 'output_tokens', output_tokens)::spend.token_usage
    AS usage
FROM (
  SELECT bench.provider_name(m) AS provider, bench.model_name(m) AS model,
    timestamptz '2025-01-01 00:00Z' + i % 180 * interval '1 day' AS occurred_at,
    (100 + i * 7919 % 9000)::numeric AS input_tokens,
    (i * 7919 % 100)::numeric AS cache_read_tokens,
    (10 + i * 104729 % 1200)::numeric AS output_tokens
  FROM (SELECT i, 1 + i * 1000003 % :models AS m FROM generate_series(1, :rows::bigint) AS i) AS drawn
) AS calls;
CREATE TABLE bench.costed_few AS SELECT * FROM bench.costed LIMIT :rows / 20;
VACUUM ANALYZE bench.costed, bench.costed_few;
