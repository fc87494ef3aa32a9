-- spend.cost(), spend.cost_breakdown(), spend.estimate(), spend.tokens(): by price and by model.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- By price: the context is optional, and NULL in, NULL out.
SELECT spend.cost('{"rates": {"input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M"}}'::spend.price,
                  '{"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100}') AS cost;
SELECT spend.cost(NULL::spend.price, '{}') AS price, spend.cost('{"rates": {}}'::spend.price, NULL) AS usage, spend.cost('{"rates": {}}'::spend.price, '{}', NULL) AS context;
-- The breakdown says which quantity of which meter at which rate, and adds up to the cost to the last digit.
SELECT * FROM spend.cost_breakdown('{"rates": {"input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": {"base": "10/1M", "tiers": [{"above": 900, "rate": "15/1M"}]}}}'::spend.price,
                                   '{"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100}');
SELECT meter, quantity, rate, per, tier, amount FROM spend.cost_breakdown('{"rates": {"pages": {"base": "5/1", "tiers": [{"above": 10, "rate": "4/1"}, {"from": 20, "rate": "3/1"}], "mode": "graduated"}, "requests": "0.5/1"}}'::spend.price, '{"pages": 25}');
-- Three thirds: each line is rounded, the largest carries the rest.
SELECT amount FROM spend.cost_breakdown('{"rates": {"a": "1/hour", "b": "1/hour", "c": "1/hour"}}'::spend.price, '{"a": 1200, "b": 1200, "c": 1200}');
SELECT sum(b.amount) AS lines, spend.cost(p, u) AS cost, sum(b.amount) = spend.cost(p, u) AS equal
FROM (SELECT '{"rates": {"a": "1/hour", "b": "7/hour", "c": "0.3/hour"}}'::spend.price AS p, '{"a": 1, "b": 1, "c": 1}'::spend.token_usage AS u) AS x,
     spend.cost_breakdown(p, u) AS b GROUP BY p, u;
SELECT count(*) AS lines_of_unpriced FROM spend.cost_breakdown('{"rates": {"input_tokens": "1/1M"}}'::spend.price, '{"output_tokens": 1}');
SELECT count(*) AS lines_of_null FROM spend.cost_breakdown('{"rates": {}}'::spend.price, NULL);
SELECT count(*) AS lines_of_nothing FROM spend.cost_breakdown('{"rates": {"input_tokens": "1/1M"}}'::spend.price, '{}');
-- A thousand generated usages under one tiered price: lines and cost agree in each.
SELECT count(*) AS usages, count(*) FILTER (WHERE lines <> cost) AS differences
FROM (SELECT spend.cost(p, u) AS cost, (SELECT sum(b.amount) FROM spend.cost_breakdown(p, u) AS b) AS lines
      FROM (SELECT '{"rates": {"input_tokens": {"base": "3.7/1M", "tiers": [{"above": 5000, "rate": "7.4/1M"}]}, "cache_read_tokens": "0.37/1M", "output_tokens": "11.1/1M", "audio_seconds": "0.77/hour"}}'::spend.price AS p,
                   format('{"input_tokens": %s, "cache_read_tokens": %s, "output_tokens": %s, "audio_seconds": %s}', i * 13, i * 7, i * 3, i)::spend.token_usage AS u
            FROM generate_series(1, 1000) AS i) AS g) AS x;

-- Contradictory counts: strict by default, clamped on request; what contradicts is named.
SELECT regress.error($$SELECT spend.cost('{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M"}}'::spend.price, '{"input_tokens": 1000000, "cache_read_tokens": 1500000}')$$);
SELECT spend.cost('{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M"}}'::spend.price, '{"input_tokens": 1000000, "cache_read_tokens": 1500000}', '{"strict": false}') AS clamped,
       spend.cost('{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M"}}'::spend.price, '{"cache_read_tokens": 500000}', '{"strict": false}') AS parent_raised;
SELECT regress.error($$SELECT spend.cost('{"rates": {"output_tokens": "2/1M"}}'::spend.price, '{"output_tokens": 5, "output_reasoning_tokens": 6}', '{"strict": true}')$$);

-- By model. Prices of two providers, a maker among them, two strangers, and one that changes.
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M", "output_tokens": "8/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('azure', 'gpt-regress', '{"rates": {"input_tokens": "3/1M", "output_tokens": "9/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('east', 'stranger', '{"rates": {"input_tokens": "1/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('west', 'stranger', '{"rates": {"input_tokens": "2/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('only', 'Einzig', '{"currency": "EUR", "rates": {"input_tokens": "1/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('openai', 'o3', '{"rates": {"input_tokens": "10/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('openai', 'o3', '{"rates": {"input_tokens": "2/1M"}}', '2025-06-10') IS NOT NULL AS ok;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "1/1M"}}', '-infinity', service_tier => 'batch') IS NOT NULL AS ok;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2.2/1M"}}', '-infinity', region => 'eu') IS NOT NULL AS ok;
\set u '{"input_tokens": 1000000}'
SELECT spend.cost('gpt-regress', :'u') AS maker, spend.cost('gpt-regress', :'u', 'azure') AS azure, spend.cost('gpt-regress', :'u', provider => 'openai') AS openai,
       spend.cost('einzig', :'u') AS only_provider, spend.cost(E'  GPT\u2011regress ', :'u', ' Azure') IS NULL AS other_hyphen, spend.cost(E' \u00a0ＧＰＴ-regress\u3000', :'u', 'ＡＺＵＲＥ') AS spelled_otherwise;
-- Ambiguous, unknown, unknown provider: NULL, never 0, one warning per connection and model, the hint says what to do.
SELECT spend.cost('stranger', :'u') AS ambiguous;
SELECT spend.cost('stranger', :'u') AS ambiguous_again, spend.cost('stranger', :'u', 'west') AS west;
SELECT spend.cost('no-such-model', :'u') AS unknown, spend.cost('no-such-model', '{}') AS unknown_and_nothing;
SELECT spend.cost('gpt-regress', :'u', 'nobody') AS unknown_provider;
SELECT spend.cost('o3', '{"input_tokens": 1000, "pages": 1}') AS no_rate;
SELECT count(*) AS lines FROM spend.cost_breakdown('no-such-model-either', :'u');
SELECT spend.cost('stranger', :'u') AS silent, spend.cost('no-such-model', :'u') AS silent_too;
SELECT spend.cost(NULL, :'u') AS model, spend.cost('o3', NULL) AS usage, spend.cost('o3', :'u', at => NULL) AS at, spend.cost('o3', :'u', context => NULL) AS context;
-- The price in force at the time of use; ranges are half-open.
SELECT spend.cost('o3', '{"input_tokens": 1000}', at => '2025-06-01') AS before, spend.cost('o3', '{"input_tokens": 1000}', at => '2025-06-09 23:59:59.999999+00') AS last_moment,
       spend.cost('o3', '{"input_tokens": 1000}', at => '2025-06-10 00:00+00') AS from_then, spend.cost('o3', '{"input_tokens": 1000}', at => '-infinity') AS first, spend.cost('o3', '{"input_tokens": 1000}', at => 'infinity') AS last;
-- Context picks the SKU. A tier without a price of its own is priced as standard; a region without one as everywhere.
SELECT spend.cost('gpt-regress', :'u', 'openai', context => '{"service_tier": "batch"}') AS batch, spend.cost('gpt-regress', :'u', 'openai', context => '{"service_tier": "Default"}') AS default_tier,
       spend.cost('gpt-regress', :'u', 'openai', context => '{"service_tier": "flex"}') AS flex_as_standard,
       spend.cost('gpt-regress', :'u', 'openai', context => '{"region": "EU"}') AS eu, spend.cost('gpt-regress', :'u', 'openai', context => '{"region": "us", "surface": "s", "speed": "fast", "variant": "hd"}') AS elsewhere,
       spend.cost('gpt-regress', :'u', 'openai', context => '{"service_tier": "batch", "region": "eu"}') AS batch_eu;
SELECT regress.error($$SELECT spend.cost('o3', '{"input_tokens": 1, "cache_read_tokens": 2}')$$);
SELECT spend.cost('o3', '{"input_tokens": 1000000, "cache_read_tokens": 2000000}', context => '{"strict": false}') AS clamped;
SELECT * FROM spend.cost_breakdown('gpt-regress', '{"input_tokens": 1000000, "output_tokens": 500000}', 'openai');
-- A model that is JSON is a price that was not cast.
SELECT regress.error($$SELECT spend.cost('{"rates": {"input_tokens": "1/1M"}}', '{"input_tokens": 1}')$$);
SELECT regress.error($$SELECT * FROM spend.cost_breakdown('{"rates": {}}', '{}')$$);

-- Estimates.
SELECT spend.estimate('gpt-regress', 1000000, 500000) AS both, spend.estimate('gpt-regress', 1000000, 0, 'azure') AS azure, spend.estimate('gpt-regress', NULL, 500000, 'openai') AS output_only,
       spend.estimate('o3', 1000, 0, at => '2025-06-01') AS at, spend.estimate('gpt-regress', 1000000, 0, 'openai', context => '{"service_tier": "batch"}') AS batch, spend.estimate('no-such-model', 1, 1) AS unknown, spend.estimate('gpt-regress', NULL, NULL, 'openai') AS no_counts;

-- The quantities of a row, as a price is applied to them.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, cache_read_tokens, output_tokens, tool_calls, agent_steps, original_input_tokens, other_usage)
VALUES ('2026-05-01', 'openai', 'gpt-regress', 1000.50, 400, 0, 3, 9, 5000, '{"web_searches": 2, "input_tokens": 7}');
SELECT spend.tokens(u) AS tokens, (spend.tokens(u) OPERATOR(spend.->) 'cache_read_tokens') AS cached FROM spend.usage AS u;
SELECT spend.tokens(NULL) IS NULL AS nothing, spend.tokens(ROW(u.*)::spend.usage) OPERATOR(spend.=) spend.tokens(u) AS same FROM spend.usage AS u;
-- Used in SQL: costs of many models in one statement.
SELECT m, spend.cost(m, :'u', p, '2026-01-01') AS cost FROM (VALUES ('gpt-regress', 'openai'), ('gpt-regress', 'azure'), ('o3', NULL), (NULL, 'openai')) AS v(m, p);
