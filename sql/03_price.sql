-- spend.price: text and binary form, price * token_usage with tiers of every kind, worked out by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET search_path = public, spend;

-- Canonical text: rates in meter order, amounts normalised, defaults left out.
SELECT '{"rates": {"output_tokens": "10.00/1M", "input_tokens": "2.50/1M"}}'::price;
SELECT '{"currency": "EUR", "rates": {}}'::price, '{"rates": {"pages": "1/1k", "audio_seconds": "0.36/hour", "requests": "0.01/1", "storage": "1/1B"}}'::price;
SELECT '{"currency": "USD", "rates": {"input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M",
  "output_tokens": {"base": "10/1M", "tiers": [{"above": 200000, "rate": "15/1M"}], "basis": "input_tokens"}}}'::price;
-- Tiers are sorted, "from 5" before "above 5"; an empty list of tiers says nothing; graduated tiers have no basis.
SELECT '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"above": 9, "rate": "1/1M"}, {"above": 5, "rate": "2/1M"}, {"from": 5, "rate": "4/1M"}]}}}'::price;
SELECT '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [], "mode": "graduated"}}}'::price;
SELECT '{"rates": {"output_tokens": {"base": "3/1M", "tiers": [{"above": 9, "rate": "1/1M"}], "mode": "graduated"}}}'::price;
SELECT '{"rates": {"output_tokens": {"base": "3/1M", "tiers": [{"above": 9, "rate": "1/1M"}], "basis": "output_tokens"}}}'::price;

SELECT '{"rates": {"input_tokens": "2.50/1M"}}'::price = '{"currency": "USD", "rates": {"input_tokens": {"base": "2.5/1M"}}}'::price AS equal,
       '{"rates": {"input_tokens": "1/1k"}}'::price <> '{"rates": {"input_tokens": "1000/1M"}}'::price AS other_terms,
       price_hash('{"rates": {"input_tokens": "2.50/1M"}}') = price_hash('{"currency": "USD", "rates": {"input_tokens": {"base": "2.5/1M"}}}') AS same_hash;
SELECT currency('{"rates": {}}'), currency('{"currency": "DBU", "rates": {}}'), currency(NULL::price) IS NULL AS nothing;
SELECT '{"rates": {"b": "1/1", "a": "2/1"}}'::jsonb::price AS from_jsonb, '{"rates": {"a": "2.0/1"}}'::price::jsonb AS to_jsonb;
SELECT p, count(*) FROM (VALUES ('{"rates": {"a": "1/1"}}'::price), ('{"rates": {"a": "1.0/1"}}'), ('{"rates": {}}')) AS v(p) GROUP BY p ORDER BY p::text COLLATE "C";

-- Counts are inclusive: 600 at 2.50, 400 at 1.25 and 100 at 10 per million are 0.0015 + 0.0005 + 0.001 = 0.003.
\set p '{"rates": {"input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M"}}'
SELECT :'p'::price * '{"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100}'::token_usage AS cost,
       '{"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100}'::token_usage * :'p'::price AS commuted,
       600 * 2.5 / 1e6 + 400 * 1.25 / 1e6 + 100 * 10 / 1e6 AS by_hand;
-- Nothing is lost: ten tokens at 0.15 per million, a million times.
SELECT '{"rates": {"input_tokens": "0.15/1M"}}'::price * '{"input_tokens": 10}'::token_usage AS ten_tokens;
SELECT trim_scale(sum('{"rates": {"input_tokens": "0.15/1M"}}'::price * '{"input_tokens": 10}'::token_usage)) AS a_million_times FROM generate_series(1, 1000000);
-- A meter without a rate bills at its parent's; cached audio as cached, then as input. Absent is not zero, an explicit 0 is free.
SELECT '{"rates": {"input_tokens": "2/1M"}}'::price * '{"input_tokens": 1000000, "cache_read_tokens": 400000}'::token_usage AS cache_at_input_rate,
       '{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "0/1M"}}'::price * '{"input_tokens": 1000000, "cache_read_tokens": 400000}'::token_usage AS cache_free,
       '{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M"}}'::price
         * '{"input_tokens": 1000000, "cache_read_tokens": 400000, "input_audio_tokens": 300000, "cache_audio_read_tokens": 100000}'::token_usage AS audio_as_text;
-- 300,000 audio of which 100,000 cached: (1,000,000 - 400,000 - 300,000 + 100,000) x 2 + 300,000 cached text x 1 + 200,000 x 8 + 100,000 cached audio x 4.
SELECT '{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M", "input_audio_tokens": "8/1M", "cache_audio_read_tokens": "4/1M"}}'::price
         * '{"input_tokens": 1000000, "cache_read_tokens": 400000, "input_audio_tokens": 300000, "cache_audio_read_tokens": 100000}'::token_usage AS cost,
       0.4 * 2 + 0.3 * 1 + 0.2 * 8 + 0.1 * 4 AS by_hand;
-- No rate: NULL, not 0. A zero count needs no rate; nothing costs nothing; a NULL costs NULL.
SELECT '{"rates": {"input_tokens": "2/1M"}}'::price * '{"input_tokens": 1, "output_tokens": 1}'::token_usage AS no_rate,
       '{"rates": {"input_tokens": "2/1M"}}'::price * '{"input_tokens": 1, "x": 1}'::token_usage AS no_rate_for_x,
       '{"rates": {"input_tokens": "2/1M"}}'::price * '{"input_tokens": 1, "output_tokens": 0}'::token_usage AS zero_count,
       '{"rates": {}}'::price * '{}'::token_usage AS nothing,
       '{"rates": {}}'::price * NULL::token_usage AS null_usage, NULL::price * '{}'::token_usage AS null_price;
-- Billed on another basis, token counts beside it are information; requests counts one where the usage does not say.
SELECT '{"rates": {"images": "0.04/1"}}'::price * '{"images": 3, "input_tokens": 500}'::token_usage AS images,
       '{"rates": {"requests": "0.01/1"}}'::price * '{}'::token_usage AS one_request,
       '{"rates": {"requests": "0.01/1"}}'::price * '{"requests": 7}'::token_usage AS seven_requests,
       '{"rates": {"input_tokens": "1/1M"}}'::price * '{"input_tokens": 1000000, "tool_calls": 5}'::token_usage AS tools_without_rate;
-- Per hour stays exact: 0.36 an hour for 10 seconds; a third of a cent does not, and is rounded half-even once at 18 places.
SELECT '{"rates": {"audio_seconds": "0.36/hour"}}'::price * '{"audio_seconds": 10}'::token_usage AS exact,
       '{"rates": {"audio_seconds": "1/hour"}}'::price * '{"audio_seconds": 1}'::token_usage AS rounded,
       '{"rates": {"audio_seconds": "1/hour"}}'::price * '{"audio_seconds": 3600}'::token_usage AS whole;
-- Half-even at the 18th place: 0.5 and 2.5 units of 1e-18 round to even, 1.5 up.
SELECT '{"rates": {"a": "0.000000000000000001/1"}}'::price * '{"a": 0.5}'::token_usage AS half,
       '{"rates": {"a": "0.000000000000000001/1"}}'::price * '{"a": 1.5}'::token_usage AS one_and_half,
       '{"rates": {"a": "0.000000000000000001/1"}}'::price * '{"a": 2.5}'::token_usage AS two_and_half;

-- Tiers: "above" is >, "from" is >=; whole by default: the highest threshold crossed prices the whole quantity.
SELECT tokens,
       '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"above": 200000, "rate": "6/1M"}]}}}'::price * u AS above,
       '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"from": 200000, "rate": "6/1M"}]}}}'::price * u AS "from",
       '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"above": 200000, "rate": "6/1M"}], "mode": "graduated"}}}'::price * u AS graduated
FROM unnest(ARRAY[199999, 200000, 200001, 300000]) AS tokens CROSS JOIN LATERAL (SELECT format('{"input_tokens": %s}', tokens)::token_usage) AS x(u);
-- Each meter its own; the basis is the request's whole input, cached tokens included, and output is priced by the input's size.
\set t '{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"above": 200000, "rate": "6/1M"}]}, "cache_read_tokens": "0.3/1M", "output_tokens": {"base": "15/1M", "tiers": [{"above": 200000, "rate": "22.5/1M"}]}}}'
SELECT :'t'::price * '{"input_tokens": 250000, "cache_read_tokens": 240000, "output_tokens": 1000}'::token_usage AS cost,
       10000 * 6 / 1e6 + 240000 * 0.3 / 1e6 + 1000 * 22.5 / 1e6 AS by_hand;
-- Another basis; several thresholds, as numbers and not as text ("90000" sorts after "128000").
SELECT n, '{"rates": {"input_tokens": "1/1M", "output_tokens": {"base": "1/1M", "tiers": [{"above": 90000, "rate": "2/1M"}, {"above": 128000, "rate": "3/1M"}], "basis": "output_tokens"}}}'::price
  * format('{"input_tokens": 500000, "output_tokens": %s}', n)::token_usage AS cost
FROM unnest(ARRAY[90000, 90001, 128000, 128001]) AS n;
-- Graduated over three steps: 10 at 5, 10 at 4, 5 at 3.
SELECT '{"rates": {"pages": {"base": "5/1", "tiers": [{"above": 20, "rate": "3/1"}, {"above": 10, "rate": "4/1"}], "mode": "graduated"}}}'::price * '{"pages": 25}'::token_usage AS cost,
       10 * 5 + 10 * 4 + 5 * 3 AS by_hand;

-- The largest cost there is, and one beyond it.
SELECT '{"rates": {"a": "99999999999999999999/1"}}'::price * '{"a": 1}'::token_usage AS largest;
SELECT regress.error($$SELECT '{"rates": {"a": "99999999999999999999/1"}}'::spend.price OPERATOR(spend.*) '{"a": 2}'::spend.token_usage$$);
SELECT regress.error($$SELECT '{"rates": {"a": "99999999999999999999/1"}}'::spend.price OPERATOR(spend.*) '{"a": 99999999999999999999}'::spend.token_usage$$);
-- Contradictory counts raise here: there is no row to flag.
SELECT regress.error($$SELECT '{"rates": {"input_tokens": "1/1M"}}'::spend.price OPERATOR(spend.*) '{"input_tokens": 10, "cache_read_tokens": 11}'::spend.token_usage$$);
SELECT regress.error($$SELECT '{"rates": {"input_tokens": "1/1M"}}'::spend.price OPERATOR(spend.*) '{"cache_read_tokens": 11}'::spend.token_usage$$);
SELECT regress.error($$SELECT '{"rates": {"input_tokens": "1/1M"}}'::spend.price OPERATOR(spend.*) '{"input_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 5}'::spend.token_usage$$);

-- Binary form.
SELECT price_send('{"rates": {"a": "1/1"}}');
\set binary `mktemp -u /tmp/regress_price_XXXXXX`
CREATE TABLE regress.prices (p price);
INSERT INTO regress.prices VALUES ('{"rates": {}}'), (:'t'), (NULL);
COPY regress.prices TO :'binary' (FORMAT binary);
COPY regress.prices FROM :'binary' (FORMAT binary);
SELECT p, count(*) FROM regress.prices GROUP BY p ORDER BY p::text COLLATE "C";
SELECT what, regress.receive('spend.price', bytes) AS received
FROM (VALUES (1, 'as sent', price_send(:'t')),
             (2, 'nothing', ''::bytea),
             (3, 'another version', '\x0200' || convert_to('{"currency": "USD", "rates": {}}', 'UTF8')),
             (4, 'flags set', '\x0101' || convert_to('{"currency": "USD", "rates": {}}', 'UTF8')),
             (5, 'not canonical', '\x0100' || convert_to('{"currency":"USD","rates":{}}', 'UTF8')),
             (6, 'not JSON', '\x0100' || convert_to('{"currency": "USD", "rates": {}', 'UTF8')),
             (7, 'NUL inside', '\x0100' || convert_to('{"currency": "USD", "rates": {}}', 'UTF8') || '\x00'),
             (8, 'invalid UTF-8', '\x0100' || convert_to('{"currency": "USD", "rates": {"', 'UTF8') || '\xc3' || convert_to('": "1/1"}}', 'UTF8')),
             (9, 'negative rate', '\x0100' || convert_to('{"currency": "USD", "rates": {"a": "-1/1"}}', 'UTF8')),
             (10, 'large', '\x0100' || convert_to(repeat(' ', 70000), 'UTF8'))) AS v(n, what, bytes) ORDER BY n;
SELECT left(result, 6) AS outcome, count(*) > 0 AS seen
FROM (SELECT regress.receive('spend.price', bytes) AS result
      FROM (SELECT price_send('{"rates": {"input_tokens": {"base": "3/1M", "tiers": [{"from": 20, "rate": "6/1M"}]}}}') AS good) AS g
      CROSS JOIN LATERAL (
        SELECT substr(good, 1, n) AS bytes FROM generate_series(0, octet_length(good) - 1) AS n
        UNION ALL SELECT set_byte(good, n, b) FROM generate_series(0, octet_length(good) - 1) AS n, unnest(ARRAY[0, 34, 128, 255]) AS b) AS mutated) AS r
GROUP BY 1 ORDER BY 1;
\setenv file :binary
\setenv port :PORT
\! rm -f "$file" /tmp/regress_recv_"$port"_*
DROP TABLE regress.prices;
