-- One call site of spend.cost() meets many rows: what it remembers of one row never leaks into the next.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

SELECT spend.set_price('east', 'site-model', '{"rates": {"input_tokens": "1/1M", "output_tokens": "4/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('east', 'site-model', '{"rates": {"input_tokens": "2/1M", "output_tokens": "8/1M"}}', '2026-02-01') IS NOT NULL AS ok;
SELECT spend.set_price('east', 'site-model', '{"rates": {"input_tokens": "0.5/1M", "output_tokens": "2/1M"}}', '2026-01-01', service_tier => 'batch') IS NOT NULL AS ok;
SELECT spend.set_price('west', 'site-model', '{"rates": {"input_tokens": "10/1M"}, "conditions": [{"if": {"quality": "hd"}, "multiply": "3"}]}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('west', 'site-tiers', '{"rates": {"input_tokens": {"base": "1/1M", "tiers": [{"above": 1000000, "rate": "2/1M"}]}}}', '-infinity') IS NOT NULL AS ok;

-- Model, provider, time, context and usage change from row to row, and come again: the same as each row by itself.
CREATE TABLE regress.sites (id integer, model text, usage spend.token_usage, provider text, at timestamptz, context jsonb);
INSERT INTO regress.sites
SELECT row_number() OVER (), model, usage::spend.token_usage, provider, at::timestamptz, context::jsonb
FROM (VALUES ('site-model'), ('Site-Model '), ('site-tiers'), (NULL)) AS m (model),
     (VALUES ('east'), ('west'), (NULL)) AS p (provider),
     (VALUES ('{"input_tokens": 1000000, "output_tokens": 1}'), ('{"input_tokens": 1000001}'), ('{"input_tokens": 2.5}'), ('{}'), (NULL)) AS u (usage),
     (VALUES ('2025-12-31 12:00Z'), ('2026-01-15 12:00Z'), ('2026-02-15 12:00Z'), ('-infinity'), ('infinity'), (NULL)) AS t (at),
     (VALUES ('{}'), ('{"service_tier": "batch"}'), ('{"quality": "hd"}'), (NULL)) AS c (context);
CREATE FUNCTION regress.alone(of_model text, usage spend.token_usage, of_provider text, at timestamptz, context jsonb) RETURNS numeric
  LANGUAGE plpgsql AS $$
DECLARE
  result numeric;
BEGIN
  -- A statement of its own for each row, so nothing is remembered at the call site; and the lines, which take another way.
  EXECUTE 'SELECT spend.cost($1, $2, $3, $4, $5)' INTO result USING of_model, usage, of_provider, at, context;
  IF result IS NOT NULL AND result <> (SELECT coalesce(sum(amount), 0) FROM spend.cost_breakdown(of_model, usage, of_provider, at, context)) THEN
    RAISE 'lines and cost differ';
  END IF;
  RETURN result;
END
$$;
SET client_min_messages = error;
SELECT count(*) AS rows, count(cost) AS costs, count(DISTINCT cost) AS different, count(*) FILTER (WHERE cost IS DISTINCT FROM alone OR scale(cost) <> scale(alone)) AS wrong
FROM (SELECT spend.cost(model, usage, provider, at, context) AS cost, regress.alone(model, usage, provider, at, context) AS alone
      FROM (SELECT * FROM regress.sites ORDER BY id * 7919 % 1447) AS drawn) AS compared;
-- The same under a rate card.
SELECT count(*) AS rows, count(*) FILTER (WHERE cost IS DISTINCT FROM by_card) AS wrong
FROM (SELECT spend.cost(model, usage, provider, at, context) AS cost, spend.cost(card, usage, model, at, context, provider) AS by_card
      FROM regress.sites, (SELECT spend.price_table(p) AS card FROM spend.prices AS p WHERE superseded_at IS NULL) AS cards) AS compared;
RESET client_min_messages;

-- A key that no condition tests is refused, whatever rows came before.
SELECT regress.error($$SELECT spend.cost('site-model', '{"input_tokens": 1}', 'east', '2026-01-15', context) FROM (VALUES ('{}'::jsonb), ('{"qualty": "hd"}')) AS c (context)$$);
-- Contradictory counts are refused, also in the middle.
SELECT regress.error($$SELECT spend.cost('site-model', usage, 'east', '2026-01-15') FROM (VALUES ('{"input_tokens": 1}'::spend.token_usage), ('{"input_tokens": 1, "cache_read_tokens": 2}')) AS u (usage)$$);

-- A call site that outlives statements: prices that change, come back and are rolled back.
CREATE FUNCTION regress.follow(OUT step text, OUT cost numeric) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  i integer;
BEGIN
  FOR i IN 1 .. 4 LOOP
    step := 'before ' || i;
    cost := spend.cost('site-model', '{"input_tokens": 1000000}', 'east', '2026-05-01');
    RETURN NEXT;
    BEGIN
      PERFORM spend.set_price('east', 'site-model', format('{"rates": {"input_tokens": "%s/1M"}}', 10 * i)::spend.price, '2026-04-01');
      step := 'inside ' || i;
      cost := spend.cost('site-model', '{"input_tokens": 1000000}', 'east', '2026-05-01');
      RETURN NEXT;
      IF i % 2 = 1 THEN
        RAISE 'back' USING ERRCODE = 'P0009';
      END IF;
    EXCEPTION WHEN SQLSTATE 'P0009' THEN
      NULL;
    END;
  END LOOP;
END
$$;
SELECT * FROM regress.follow();
SELECT spend.cost('site-model', '{"input_tokens": 1000000}', 'east', '2026-05-01') AS after;
-- A prepared statement follows too.
PREPARE site AS SELECT spend.cost('site-model', '{"input_tokens": 1000000}', 'east', '2026-05-01');
EXECUTE site;
SELECT spend.set_price('east', 'site-model', '{"rates": {"input_tokens": "77/1M"}}', '2026-04-01') IS NOT NULL AS ok;
EXECUTE site;
BEGIN;
SELECT spend.set_price('east', 'site-model', '{"rates": {"input_tokens": "88/1M"}}', '2026-04-01') IS NOT NULL AS ok;
EXECUTE site;
ROLLBACK;
EXECUTE site;

-- Amounts at the edges of what fits 64 bits, and names longer than what lies in place, are as exact as others.
SELECT spend.set_price('edge', repeat('long-name-', 12) || 'x', '{"rates": {"input_tokens": "0.000000001/1B"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('edge', 'edge', '{"rates": {"input_tokens": "999999999.999/1k", "output_tokens": "1/1"}}', '-infinity') IS NOT NULL AS ok;
SELECT n, spend.cost(repeat('long-name-', 12) || 'x', format('{"input_tokens": %s}', n)::spend.token_usage, 'edge') AS small,
       CASE WHEN n < 1e13 THEN spend.cost('edge', format('{"input_tokens": %s}', n)::spend.token_usage, 'edge') END AS large,
       spend.cost('edge', format('{"output_tokens": %s}', n)::spend.token_usage, 'edge') AS whole
FROM (VALUES (1::numeric), (10), (9999), (10000), (100000000), (9223372), (9223373), (99999999999), (72057594037927935), (72057594037927936)) AS v (n);

-- Wherever the decimal point lies and however many digits there are: the same bytes as the server's own arithmetic makes,
-- for rows that come after the call site has met their price as well.
CREATE TABLE regress.edges AS
SELECT 'digits-' || row_number() OVER () AS model, rate, per, factor
FROM (VALUES (0.000000000000000001, '1', 1), (0.00001, '1', 1), (0.0001, '1', 1), (0.001, '1', 1), (0.01, '1', 1), (0.1, '1', 1), (1, '1', 1),
             (2147483647, '1', 1), (2147483648, '1', 1), (1.234567, '1k', 0.001), (2.5, '1M', 0.000001), (0.075, '1M', 0.000001)) AS r (rate, per, factor);
SELECT count(spend.set_price('edge', model, format('{"rates": {"input_tokens": "%s/%s"}}', rate, per)::spend.price, '-infinity')) AS prices FROM regress.edges;
SELECT count(*) AS rows, count(*) FILTER (WHERE numeric_send(cost) IS DISTINCT FROM numeric_send(trim_scale(n * rate * factor))) AS wrong
FROM (SELECT n, rate, factor, spend.cost(model, format('{"input_tokens": %s}', n)::spend.token_usage, CASE WHEN round = 3 THEN NULL ELSE 'edge' END) AS cost
      FROM generate_series(1, 3) AS round, regress.edges,
           (SELECT unnest(ARRAY[0, 1, 7, 99, 999, 1001, 9999, 10001, 123456, 99999999, 100000001, 72057594037927935, 72057594037927936]) AS n
            UNION ALL SELECT trim_scale(power(10::numeric, i) - d) FROM generate_series(1, 18) AS i, generate_series(0, 1) AS d) AS counts
      WHERE n * rate < 1e20) AS costs;
