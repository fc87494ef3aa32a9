-- The cost of many rows at once: by spend.cost(), by a join with the same arithmetic in SQL, and the least that a sum over
-- the same rows takes. psql variable: rows.
CREATE TABLE bench.costed AS
SELECT provider, request_model AS model, occurred_at, input_tokens, coalesce(cache_read_tokens, 0) AS cache_read_tokens, output_tokens,
  input_tokens::bigint AS input_count, output_tokens::bigint AS output_count,
  jsonb_build_object('input_tokens', input_tokens, 'cache_read_tokens', coalesce(cache_read_tokens, 0), 'output_tokens', output_tokens)::spend.token_usage
    AS usage
FROM bench.staged WHERE id <= :rows;
VACUUM ANALYZE bench.costed;
SET max_parallel_workers_per_gather = 0;
\timing on
\echo figure sum
SELECT sum(input_count * 2 + output_count * 10) FROM bench.costed;
\echo figure function
SELECT sum(spend.cost(model, usage, provider, occurred_at)) FROM bench.costed;
\echo figure join
SELECT sum(((c.input_tokens - c.cache_read_tokens) * p.input_rate + c.cache_read_tokens * p.cached_rate + c.output_tokens * p.output_rate)
  * 0.000001)
FROM bench.costed AS c
JOIN bench.peer_prices AS p ON p.provider = c.provider AND p.model = c.model AND p.valid_from <= c.occurred_at AND p.valid_until > c.occurred_at;
\timing off
DROP TABLE bench.costed;
