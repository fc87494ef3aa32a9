-- What bad input gets: a clear error with its own SQLSTATE that names the offending part; never a crash, a wrap or a silent zero.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- token_usage: text.
SELECT t AS input, regress.error(format('SELECT %L::spend.token_usage', t)) FROM unnest(ARRAY[
  '', ' ', 'NaN', 'null', 'true', '1', '"x"', '[]', '[1]', '{', '}', '{}{}', '{} x', '{"a"}', '{"a": }', '{"a": 1,}', '{a: 1}', '{''a'': 1}',
  '{"a": 1 "b": 2}', '{"a": null}', '{"a": true}', '{"a": []}', '{"a": {}}', '{"a": ""}', '{"a": "x"}', '{"a": "1 "}', '{"a": "+1"}', '{"a": +1}',
  '{"a": 01}', '{"a": .5}', '{"a": 5.}', '{"a": 0x10}', '{"a": 1_000}', '{"a": "1,000"}', '{"a": 1e}', '// comment', '{"a": 1} // comment']) AS t;
-- Quantities that no count can be.
SELECT t AS input, regress.error(format('SELECT %L::spend.token_usage', t)) FROM unnest(ARRAY[
  '{"input_tokens": -1}', '{"input_tokens": -0.000000000000000001}', '{"input_tokens": "-5"}', '{"input_tokens": NaN}', '{"input_tokens": "NaN"}', '{"input_tokens": Infinity}',
  '{"input_tokens": "Infinity"}', '{"input_tokens": -Infinity}', '{"input_tokens": 1e20}', '{"input_tokens": 100000000000000000000}',
  '{"input_tokens": 0.0000000000000000001}', '{"input_tokens": 1e400}', '{"input_tokens": 1e-400}', '{"input_tokens": 1e999999999999999999999}']) AS t;
-- 400 digits, before and behind the point.
SELECT regress.error(format('SELECT ''{"input_tokens": %s}''::spend.token_usage', repeat('9', 400)));
SELECT regress.error(format('SELECT ''{"input_tokens": 0.%s}''::spend.token_usage', repeat('3', 400)));
SELECT regress.error(format('SELECT ''{"input_tokens": 1.%s}''::spend.token_usage', repeat('0', 400)));
SELECT regress.error(format('SELECT ''{"input_tokens": "%s"}''::spend.token_usage', repeat('9', 400)));
-- Names that no meter can have; a key twice, also under an escape.
SELECT t AS input, regress.error(format('SELECT %L::spend.token_usage', t)) FROM unnest(ARRAY[
  '{"": 1}', '{"Input_Tokens": 1}', '{"input-tokens": 1}', '{"input tokens": 1}', '{"1a": 1}', '{"_a": 1}', '{"ä": 1}', '{"a''b": 1}', '{"a\u0000": 1}', '{"a\n": 1}',
  '{"a": 1, "a": 2}', '{"a": 1, "b": 1, "a": 1}', '{"a": 1, "\u0061": 2}', '{"a": 0, "a": 0}', '{"\ud800": 1}']) AS t;
SELECT regress.error(format('SELECT ''{"%s": 1}''::spend.token_usage', repeat('a', 64)));
SELECT regress.error(format('SELECT ''{"%s": 1}''::spend.token_usage', repeat('a', 63))) AS longest_name;
SELECT regress.error(format('SELECT ''{"%s": 1}''::spend.token_usage', repeat('ü', 1000)));
-- Size: 10 MB, too many meters, nested without end.
SELECT regress.error(format('SELECT ''{"a": 1%s}''::spend.token_usage', repeat(' ', 10000000)));
SELECT regress.error(format('SELECT ''{"a": "%s"}''::spend.token_usage', repeat('x', 10000000)));
SELECT regress.error($$SELECT jsonb_object_agg('m' || i, 1)::spend.token_usage FROM generate_series(1, 20000) AS i$$);
SELECT regress.error(format('SELECT ''{"a": %s}''::spend.token_usage', repeat('[', 60000)));
SELECT regress.error(format('SELECT ''%s''::spend.token_usage', repeat('[', 60000)));
SELECT regress.error(format('SELECT ''%s''::spend.token_usage', repeat('{"a":', 10000)));

-- price: text.
SELECT t AS input, regress.error(format('SELECT %L::spend.price', t)) FROM unnest(ARRAY[
  '', 'null', '[]', '7', '{}', '{"currency": "USD"}', '{"rates": []}', '{"rates": null}', '{"rates": {"a": 1}}', '{"rates": {"a": null}}', '{"rates": {"a": []}}', '{"rates": {"a": {}}}',
  '{"rates": {}, "rates": {}}', '{"rates": {"a": "1/1", "a": "1/1"}}', '{"rates": {"A": "1/1"}}', '{"rates": {"": "1/1"}}', '{"rates": {}, "discount": 1}',
  '{"currency": "usd", "rates": {}}', '{"currency": "", "rates": {}}', '{"currency": "€", "rates": {}}', '{"currency": "ABCDEFGHIJKLM", "rates": {}}', '{"currency": 7, "rates": {}}']) AS t;
-- Rates.
SELECT rate, regress.error(format('SELECT %L::spend.price', format('{"rates": {"input_tokens": "%s"}}', rate))) FROM unnest(ARRAY[
  '', '1', '/', '1/', '/1M', '2.50', '2.50/2M', '2.50/1m', '2.50/M', '2.50/1 M', ' 2.50/1M', '2.50/1M ', '2.50 /1M', '2,50/1M', '$2.50/1M', '2.50/1M/1M', '2.50/hours', '2.50/day', '2.50/1e6', '2.50/-1',
  '-2.50/1M', '+2.50/1M', 'NaN/1M', 'Infinity/1M', '-Infinity/1M', '1e20/1M', '1e-19/1M', '1e400/1M', '0.0000000000000000001/1', '123456789012345678901/1B']) AS rate;
SELECT regress.error(format('SELECT ''{"rates": {"input_tokens": "%s/1M"}}''::spend.price', repeat('9', 400)));
SELECT regress.error(format('SELECT ''{"rates": {"input_tokens": "0.%s/1M"}}''::spend.price', repeat('3', 400)));
SELECT regress.error(format('SELECT ''{"rates": {"input_tokens": "%s"}}''::spend.price', repeat('/', 10000)));
-- Tiers.
SELECT t AS input, regress.error(format('SELECT %L::spend.price', format('{"rates": {"output_tokens": %s}}', t))) FROM unnest(ARRAY[
  '{"tiers": []}', '{"base": "1/1M", "tiers": {}}', '{"base": "1/1M", "tiers": [1]}', '{"base": "1/1M", "tiers": [{}]}', '{"base": "1/1M", "tiers": [{"above": 1}]}',
  '{"base": "1/1M", "tiers": [{"rate": "1/1M"}]}', '{"base": "1/1M", "tiers": [{"above": 1, "from": 2, "rate": "1/1M"}]}', '{"base": "1/1M", "tiers": [{"above": -1, "rate": "1/1M"}]}',
  '{"base": "1/1M", "tiers": [{"above": "200k", "rate": "1/1M"}]}', '{"base": "1/1M", "tiers": [{"above": NaN, "rate": "1/1M"}]}', '{"base": "1/1M", "tiers": [{"above": 1, "rate": "1/1M"}, {"above": 1.0, "rate": "2/1M"}]}',
  '{"base": "1/1M", "tiers": [{"above": 1, "rate": "-1/1M"}]}', '{"base": "1/1M", "tiers": [{"below": 1, "rate": "1/1M"}]}', '{"base": "1/1M", "basis": "Total"}', '{"base": "1/1M", "basis": 7}',
  '{"base": "1/1M", "mode": "Whole"}', '{"base": "1/1M", "mode": "average"}', '{"base": "1/1M", "from": 1}',
  '{"base": "1/1M", "tiers": [{"above": 1, "rate": "2/1M"}], "mode": "graduated", "basis": "input_tokens"}']) AS t;
SELECT regress.error(format('SELECT %L::spend.price', jsonb_build_object('rates', jsonb_build_object('a', jsonb_build_object('base', '1/1', 'tiers', jsonb_agg(jsonb_build_object('above', i, 'rate', '1/1')))))))
FROM generate_series(1, 65) AS i;
SELECT regress.error(format('SELECT %L::spend.price', jsonb_build_object('rates', jsonb_object_agg('m' || i, '1/1')))) FROM generate_series(1, 257) AS i;
SELECT regress.error(format('SELECT ''{"rates": {"a": "1/1"}%s}''::spend.price', repeat(' ', 10000000)));
SELECT regress.error(format('SELECT ''{"rates": %s''::spend.price', repeat('{"a":', 10000)));
SELECT regress.error(format('SELECT ''{"rates": {"a": %s''::spend.price', repeat('[', 60000)));

-- Rows of the ledger: counts that no count can be are refused, and the column is named.
SELECT v AS input_tokens, regress.error(format('INSERT INTO spend.usage (input_tokens) VALUES (%L)', v)) FROM unnest(ARRAY[
  '-1', '-5', '-0.000000000000000001', 'NaN', 'Infinity', '-Infinity', '1e15', '1e20', '1e400', '0.0000000000000000001', '-1e400', 'many']) AS v;
SELECT c AS column, regress.error(format('INSERT INTO spend.usage (%I) VALUES (-1)', c)) FROM unnest(ARRAY[
  'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_reasoning_tokens', 'tool_calls', 'retrieval_queries', 'agent_steps', 'original_input_tokens']) AS c;
SELECT c AS column, regress.error(format('INSERT INTO spend.usage (%I) VALUES (''NaN'')', c)) FROM unnest(ARRAY['output_tokens', 'agent_steps', 'original_input_tokens', 'reported_cost']) AS c;
SELECT regress.error($$INSERT INTO spend.usage (other_usage) VALUES ('{"pages": -1}')$$);
SELECT regress.error($$INSERT INTO spend.usage (other_usage) VALUES ('{"pages": 1e15}')$$);
SELECT regress.error($$INSERT INTO spend.usage (reported_cost) VALUES ('-Infinity')$$);
SELECT regress.error(format('INSERT INTO spend.usage (input_tokens) VALUES (%s)', repeat('9', 400)));
SELECT t AS occurred_at, regress.error(format('INSERT INTO spend.usage (occurred_at) VALUES (%L)', t)) FROM unnest(ARRAY['infinity', '-infinity', '0001-12-31 BC', '10000-01-01']) AS t;
SELECT regress.error($$INSERT INTO spend.usage (started_at) VALUES ('infinity')$$);
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at) VALUES (NULL)$$), E'\n', 1) AS error;
SELECT regress.error($$INSERT INTO spend.usage (tags) VALUES ('{"a": 1')$$);
SELECT count(*) AS rows FROM spend.usage;
-- At the limits, it is taken.
INSERT INTO spend.usage (occurred_at, input_tokens, output_tokens, other_usage)
VALUES ('0001-01-01', 999999999999999.999999999999999999, 0, '{"pages": 999999999999999}'), ('9999-12-31 23:59:59.999999', 0.000000000000000001, NULL, NULL)
RETURNING occurred_at, input_tokens, pricing_status, pricing_reason;
-- A multi-row statement with one bad row stores none.
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, input_tokens) VALUES ('2026-05-01', 1), ('2026-05-01', -1)$$);
SELECT regress.error($$UPDATE spend.usage SET input_tokens = 'NaN'$$);
SELECT regress.error($$UPDATE spend.usage SET input_tokens = input_tokens - 1e15$$);
SELECT count(*) AS rows FROM spend.usage WHERE occurred_at = '2026-05-01';
-- What an index holds has a longest length, and says so.
SELECT c AS column, regress.error(format($$INSERT INTO spend.usage (occurred_at, %I) VALUES ('2026-04-01', repeat('é', 1001))$$, c)) FROM unnest(ARRAY['run_id', 'request_id']) AS c;
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{"input_tokens": 1}', context => jsonb_build_object('run_id', repeat('x', 2001)))$$);
INSERT INTO spend.usage (occurred_at, run_id, request_id) VALUES ('2026-04-01', repeat('é', 1000), (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 62) AS i)) RETURNING length(run_id), length(request_id);
SELECT regress.error($$UPDATE spend.usage SET run_id = repeat('x', 2001) WHERE occurred_at = '2026-04-01'$$);
DELETE FROM spend.usage WHERE occurred_at = '2026-04-01';
-- Text is taken as it is, whatever its size; what is no object in tags gives no dimension.
INSERT INTO spend.dimensions (name) VALUES ('squad');
INSERT INTO spend.usage (occurred_at, cost_center, request_model, tags) VALUES
  ('2026-05-01', repeat('x', 3000000), repeat('y', 3000000), '[]'), ('2026-05-01', E'\u0001\u007f\u00ad', E'm\\"''', '"squad"'), ('2026-05-01', 'x', 'm', '{"squad": {"a": 1}}'),
  ('2026-05-01', 'y', 'm', '{"squad": null}'), ('2026-05-01', 'z', 'm', 'null');
\c
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, cost_center, request_model) VALUES ('2026-05-01', repeat('x', 3000000), repeat('y', 3000000));
SELECT to_json(left(cost_center, 3))::text AS cost_center, length(cost_center) AS length, sum(calls) AS calls FROM spend.daily_spend WHERE usage_date_utc = '2026-05-01' GROUP BY 1, 2, cost_center ORDER BY cost_center COLLATE "C";

-- Functions.
SELECT regress.error($$SELECT spend.cost('{"rates": {}}', '{}')$$);
SELECT regress.error($$SELECT spend.estimate('m', -1, 0)$$);
SELECT regress.error($$SELECT spend.estimate('m', 9223372036854775807, 9223372036854775807)$$);
SELECT c AS context, regress.error(format($$SELECT spend.cost('{"rates": {}}'::spend.price, '{}', %L)$$, c)) FROM unnest(ARRAY['[]', 'null', '7', '{"tier": "batch"}', '{"service_tier": 7}', '{"strict": "no"}', '{"strict": null}']) AS c;
SELECT regress.error($$SELECT spend.text_key(repeat(E'\u3000', 1000000) || 'A')$$);
SELECT spend.text_key(repeat(E'\u3000', 1000000) || 'A') AS key, length(spend.text_key(repeat(U&'\FDFA', 10000))) AS grown;
-- Bytes that are not UTF-8 do not get past the server; the binary forms are covered with each type.
SELECT regress.error($$SELECT convert_from('\x7b22c3223a317d', 'UTF8')::spend.token_usage$$);
