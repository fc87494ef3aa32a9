-- The cost of many rows at once: by the functions, by a join with the same arithmetic, by PL/pgSQL on fewer rows, and the least
-- that a sum over the same rows takes. What is in memory stays there: each runs over the rows once before. One process.
SET max_parallel_workers_per_gather = 0;
SET jit = off;
\set function 'SELECT ''result'', sum(spend.cost(model, usage, provider, occurred_at)) FROM bench.costed;'
\set sum 'SELECT sum(input_count * 2 + output_count * 10) FROM bench.costed;'
:sum
:function
\timing on
\echo figure sum
:sum
\echo figure function
:function
\echo figure numeric
SELECT sum(input_tokens * 2 + output_tokens * 10) FROM bench.costed;
\timing off
\if :with_peers
\timing on
\echo figure card
SELECT 'result', sum(spend.cost(card, usage, model, occurred_at, provider => provider)) FROM bench.costed, bench.card;
\echo figure join
SELECT 'result',
  sum(((c.input_tokens - c.cache_read_tokens) * p.input_rate + c.cache_read_tokens * p.cached_rate + c.output_tokens * p.output_rate)
    * 0.000001)
FROM bench.costed AS c
JOIN bench.peer_prices AS p ON p.provider = c.provider AND p.model = c.model AND p.valid_from <= c.occurred_at AND p.valid_until > c.occurred_at;
\echo figure rowwise
SELECT sum(bench.peer_cost(provider, model, occurred_at, input_tokens, cache_read_tokens, output_tokens)) FROM bench.costed_few;
\timing off
\endif
