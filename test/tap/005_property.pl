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

$node->stop;
done_testing();
