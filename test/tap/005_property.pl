#!/usr/bin/perl
# P2: 100,000 random prices x usages, against the same formula in SQL numeric: multiply first, add up, divide last, then
# 18 places half-even (SQL's round() is half away from zero, so the rounding is written out). Every digit must agree, the lines of
# the breakdown must add up to the cost, and no digit may be lost on the way through jsonb or the binary format.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('property');

$node->safe_psql('postgres', <<'SQL');
-- A random decimal with up to 18 decimals, often short, sometimes with every digit taken.
CREATE FUNCTION random_decimal(most_digits int, most_decimals int) RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  digits int := 1 + floor(random() * most_digits);
  decimals int := CASE WHEN random() < 0.3 THEN 0 ELSE floor(random() * (most_decimals + 1)) END;
  text text := '';
BEGIN
  FOR i IN 1..digits LOOP text := text || floor(random() * 10)::int; END LOOP;
  RETURN trim_scale(text::numeric / power(10::numeric, least(decimals, 18)));
END
$$;

CREATE FUNCTION random_unit() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT (ARRAY['1', '1k', '1M', '1M', '1M', '1B', 'hour'])[1 + floor(random() * 7)::int] $$;
CREATE FUNCTION per(unit text) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE unit WHEN '1' THEN 1 WHEN '1k' THEN 1000 WHEN '1M' THEN 1000000 WHEN '1B' THEN 1000000000 WHEN 'hour' THEN 3600 END::numeric $$;

-- n / d at 18 places, half to even; exact for every numeric n and integer d.
CREATE FUNCTION half_even(n numeric, d numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  q numeric := div(n * 1e18, d);
  r numeric := n * 1e18 - q * d;
BEGIN
  IF 2 * r > d OR (2 * r = d AND mod(q, 2) = 1) THEN
    q := q + 1;
  END IF;
  RETURN trim_scale(q * 0.000000000000000001);
END
$$;

SELECT setseed(0.20261122);
CREATE TABLE cases AS
SELECT g AS id,
       random_decimal(10, 18) AS in_rate, random_unit() AS in_unit,
       CASE WHEN random() < 0.7 THEN random_decimal(8, 18) END AS cache_rate, random_unit() AS cache_unit,
       random_decimal(10, 18) AS out_rate, random_unit() AS out_unit,
       CASE WHEN random() < 0.3 THEN random_decimal(8, 12) END AS reasoning_rate, random_unit() AS reasoning_unit,
       CASE WHEN random() < 0.5 THEN floor(random() * 100000)::numeric END AS threshold,
       random_decimal(10, 18) AS tier_rate, random_unit() AS tier_unit,
       random() < 0.5 AS is_from, random() < 0.3 AS is_graduated,
       0::numeric AS input, 0::numeric AS cached, 0::numeric AS output, 0::numeric AS reasoning
FROM generate_series(1, 100000) AS g;
UPDATE cases SET
  input = CASE WHEN random() < 0.1 AND threshold IS NOT NULL THEN threshold WHEN random() < 0.2 THEN random_decimal(9, 6) ELSE floor(random() * 200000)::numeric END,
  output = CASE WHEN random() < 0.2 THEN random_decimal(9, 6) ELSE floor(random() * 200000)::numeric END;
UPDATE cases SET cached = trim_scale(trunc(input * (random() * 10)::int / 10, 6)), reasoning = trim_scale(trunc(output * (random() * 4)::int / 4, 6));

ALTER TABLE cases ADD price spend.price, ADD usage spend.token_usage;
UPDATE cases SET
  price = (jsonb_build_object('currency', 'USD', 'rates', jsonb_strip_nulls(jsonb_build_object(
    'input_tokens', in_rate || '/' || in_unit,
    'cache_read_tokens', cache_rate || '/' || cache_unit,
    'output_reasoning_tokens', reasoning_rate || '/' || reasoning_unit,
    'output_tokens', CASE WHEN threshold IS NULL THEN to_jsonb(out_rate || '/' || out_unit)
      WHEN is_graduated THEN jsonb_build_object('base', out_rate || '/' || out_unit, 'mode', 'graduated',
        'tiers', jsonb_build_array(jsonb_build_object('above', threshold, 'rate', tier_rate || '/' || tier_unit)))
      ELSE jsonb_build_object('base', out_rate || '/' || out_unit, 'basis', 'input_tokens',
        'tiers', jsonb_build_array(jsonb_build_object(CASE WHEN is_from THEN 'from' ELSE 'above' END, threshold, 'rate', tier_rate || '/' || tier_unit))) END))))::spend.price,
  usage = jsonb_build_object('input_tokens', input, 'cache_read_tokens', cached, 'output_tokens', output, 'output_reasoning_tokens', reasoning)::spend.token_usage;

-- The formula: each exclusive quantity at its own rate or its parent's; all over the common divisor 3600 * 1e9.
CREATE TABLE expected AS
SELECT c.id, half_even(sum(part.quantity * part.rate * (3600e9 / per(part.unit))), 3600e9) AS cost
FROM cases AS c
CROSS JOIN LATERAL (
  SELECT output - CASE WHEN reasoning_rate IS NULL THEN 0 ELSE reasoning END AS plain_output,
         threshold IS NOT NULL AND CASE WHEN is_from THEN input >= threshold ELSE input > threshold END AS in_tier
) AS o
CROSS JOIN LATERAL (VALUES
  (input - CASE WHEN cache_rate IS NULL THEN 0 ELSE cached END, in_rate, in_unit),
  (CASE WHEN cache_rate IS NULL THEN 0 ELSE cached END, coalesce(cache_rate, 0), cache_unit),
  (CASE WHEN reasoning_rate IS NULL THEN 0 ELSE reasoning END, coalesce(reasoning_rate, 0), reasoning_unit),
  (CASE WHEN threshold IS NULL THEN plain_output WHEN is_graduated THEN least(plain_output, threshold) WHEN in_tier THEN 0 ELSE plain_output END, out_rate, out_unit),
  (CASE WHEN threshold IS NULL THEN 0 WHEN is_graduated THEN greatest(plain_output - threshold, 0) WHEN in_tier THEN plain_output ELSE 0 END, tier_rate, tier_unit)
) AS part(quantity, rate, unit)
GROUP BY c.id;
ALTER TABLE cases ADD PRIMARY KEY (id);
ALTER TABLE expected ADD PRIMARY KEY (id);
ANALYZE cases, expected;
SQL

is(query($node, 'SELECT count(*) FROM cases JOIN expected USING (id) WHERE spend.cost(price, usage) = expected.cost'), '100000',
	'every cost equals the formula in numeric');
is( query($node, 'SELECT id, spend.cost(price, usage), expected.cost FROM cases JOIN expected USING (id) WHERE spend.cost(price, usage) IS DISTINCT FROM expected.cost ORDER BY id LIMIT 5'),
	'', 'no case differs');
is(query($node, q{SELECT count(*) FROM cases WHERE spend.cost(price, usage)::text ~ '\.\d*0$' OR spend.cost(price, usage)::text ~ '\.$'}), '0',
	'no result carries trailing zeros');
is(query($node, 'SELECT count(*) FROM cases WHERE price OPERATOR(spend.*) usage IS DISTINCT FROM spend.cost(price, usage)'), '0',
	'price * usage is the same');
is(query($node, 'SELECT count(*) FROM cases WHERE (SELECT sum(amount) FROM spend.cost_breakdown(price, usage)) IS DISTINCT FROM spend.cost(price, usage)'), '0',
	'the lines add up to the cost');
is( query($node, 'SELECT count(*) FROM cases WHERE NOT (price::jsonb::spend.price OPERATOR(spend.=) price AND price::text::spend.price OPERATOR(spend.=) price
    AND usage::jsonb::spend.token_usage OPERATOR(spend.=) usage AND usage::text::spend.token_usage OPERATOR(spend.=) usage)'),
	'0', 'text and jsonb keep every digit');
my $file = $node->basedir . '/cases.bin';
query($node, "COPY (SELECT id, price, usage FROM cases) TO '$file' (FORMAT binary)");
query($node, "CREATE TABLE again (id int, price spend.price, usage spend.token_usage); COPY again FROM '$file' (FORMAT binary); ANALYZE again");
is(query($node, 'SELECT count(*) FROM cases AS c JOIN again AS a USING (id) WHERE c.price OPERATOR(spend.=) a.price AND c.usage OPERATOR(spend.=) a.usage'),
	'100000', 'the binary format keeps every digit');
unlink $file;

# The same with conditions: a service tier with context tiers of its own, a schedule that wraps midnight or not, a factor of either scope.
$node->safe_psql('postgres', <<'SQL');
SELECT setseed(0.20261123);
CREATE TABLE requests AS
SELECT g AS id, random_decimal(6, 8) AS in_rate, CASE WHEN random() < 0.6 THEN random_decimal(6, 8) END AS cache_rate, random_decimal(6, 8) AS out_rate,
       floor(random() * 100000)::int AS threshold, random_decimal(6, 8) AS in_above, random_decimal(6, 8) AS batch_in, random_decimal(6, 8) AS batch_in_above,
       CASE WHEN random() < 0.6 THEN random_decimal(6, 8) END AS batch_out, random_decimal(6, 8) AS peak_in, random_decimal(6, 8) AS peak_out,
       floor(random() * 1440)::int AS peak_from, floor(random() * 1440)::int AS peak_until, (1 + floor(random() * 3000)::int) / 1000.0 AS factor, random() < 0.5 AS spares_cache,
       random() < 0.5 AS is_batch, random() < 0.5 AS is_eu, '2026-01-01'::timestamptz + floor(random() * 525600)::int * interval '1 minute' AS at,
       floor(random() * 200000)::numeric AS input, random_decimal(5, 3) AS output, floor(random() * 5)::int AS cached_quarters
FROM generate_series(1, 20000) AS g;
ALTER TABLE requests ADD cached numeric, ADD price spend.price, ADD usage spend.token_usage, ADD context jsonb;
UPDATE requests SET cached = floor(input * cached_quarters / 4), peak_until = CASE WHEN random() < 0.05 THEN peak_from ELSE peak_until END;
CREATE FUNCTION clock(minute int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT to_char(minute / 60, 'FM00') || ':' || to_char(minute % 60, 'FM00') $$;
UPDATE requests SET
  price = jsonb_build_object('rates', jsonb_strip_nulls(jsonb_build_object(
      'input_tokens', jsonb_build_object('base', in_rate || '/1M', 'tiers', jsonb_build_array(jsonb_build_object('above', threshold, 'rate', in_above || '/1M'))),
      'cache_read_tokens', cache_rate || '/1k', 'output_tokens', out_rate || '/1')),
    'conditions', jsonb_build_array(
      jsonb_build_object('if', '{"service_tier": "batch"}'::jsonb, 'rates', jsonb_strip_nulls(jsonb_build_object('output_tokens', batch_out || '/hour',
        'input_tokens', jsonb_build_object('base', batch_in || '/1B', 'tiers', jsonb_build_array(jsonb_build_object('from', threshold, 'rate', batch_in_above || '/1k')))))),
      jsonb_build_object('if', jsonb_build_object('time', jsonb_build_object('hours', clock(peak_from) || '-' || clock(peak_until), 'time_zone', 'Asia/Kolkata')),
        'rates', jsonb_build_object('input_tokens', peak_in || '/1', 'output_tokens', peak_out || '/1M')),
      jsonb_build_object('if', '{"region": "eu"}'::jsonb, 'multiply', factor, 'scope', CASE WHEN spares_cache THEN 'all_but_cache' ELSE 'all' END)))::spend.price,
  usage = jsonb_build_object('input_tokens', input, 'cache_read_tokens', cached, 'output_tokens', output)::spend.token_usage,
  context = jsonb_build_object('at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'region', CASE WHEN is_eu THEN 'EU' ELSE '' END,
    'service_tier', CASE WHEN is_batch THEN 'batch' ELSE 'default' END);

CREATE TABLE expected_of_requests AS
SELECT r.id, half_even(sum(part.quantity * part.rate * part.factor * (3600e9 / part.per)), 3600e9) AS cost
FROM requests AS r
CROSS JOIN LATERAL (SELECT (extract(hour FROM at AT TIME ZONE 'Asia/Kolkata') * 60 + extract(minute FROM at AT TIME ZONE 'Asia/Kolkata'))::int AS minute) AS t
CROSS JOIN LATERAL (SELECT CASE WHEN peak_from < peak_until THEN minute >= peak_from AND minute < peak_until ELSE minute >= peak_from OR minute < peak_until END AS is_peak,
  CASE WHEN is_eu THEN factor ELSE 1 END AS f) AS p
CROSS JOIN LATERAL (SELECT NOT is_peak AND cache_rate IS NOT NULL AS cache_apart) AS c
CROSS JOIN LATERAL (VALUES
  (input - CASE WHEN cache_apart THEN cached ELSE 0 END,
   CASE WHEN is_peak THEN peak_in WHEN is_batch AND input >= threshold THEN batch_in_above WHEN is_batch THEN batch_in WHEN input > threshold THEN in_above ELSE in_rate END,
   CASE WHEN is_peak THEN 1 WHEN is_batch AND input >= threshold THEN 1e3 WHEN is_batch THEN 1e9 ELSE 1e6 END, f),
  (CASE WHEN cache_apart THEN cached ELSE 0 END, coalesce(cache_rate, 0), 1e3, CASE WHEN spares_cache THEN 1 ELSE f END),
  (output, CASE WHEN is_peak THEN peak_out WHEN is_batch THEN coalesce(batch_out, out_rate) ELSE out_rate END,
   CASE WHEN is_peak THEN 1e6 WHEN is_batch AND batch_out IS NOT NULL THEN 3600 ELSE 1 END, f)
) AS part(quantity, rate, per, factor)
GROUP BY r.id;
ALTER TABLE requests ADD PRIMARY KEY (id);
ALTER TABLE expected_of_requests ADD PRIMARY KEY (id);
ANALYZE requests, expected_of_requests;
SQL
is( query($node, 'SELECT id, spend.cost(price, usage, context), e.cost FROM requests JOIN expected_of_requests AS e USING (id) WHERE spend.cost(price, usage, context) IS DISTINCT FROM e.cost ORDER BY id LIMIT 5'),
	'', 'no request under conditions differs from the formula in numeric');
is(query($node, 'SELECT count(*) FROM requests WHERE (SELECT coalesce(sum(amount), 0) FROM spend.cost_breakdown(price, usage, context)) IS DISTINCT FROM spend.cost(price, usage, context)'),
	'0', 'the lines add up under conditions');
is(query($node, 'SELECT count(*) FROM requests WHERE NOT (price::jsonb::spend.price OPERATOR(spend.=) price AND price::text::spend.price OPERATOR(spend.=) price)'),
	'0', 'conditions keep through text and jsonb');

$node->stop;
done_testing();
