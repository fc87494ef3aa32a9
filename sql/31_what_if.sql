-- What-if: rate cards from queries, from JSON and with overrides; pricing under them; a card is not parsed again per row.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET client_min_messages = error;
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1"}}', '2026-01-01') IS NOT NULL AS a, spend.set_price('maker', 'm', '{"rates": {"input_tokens": "3/1", "output_tokens": "4/1"}}', '2026-02-01') IS NOT NULL AS b,
       spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.5/1", "output_tokens": "1/1"}}', '-infinity', service_tier => 'batch', region => 'EU') IS NOT NULL AS c, spend.set_price('other', 'small', '{"currency": "EUR", "rates": {"input_tokens": "0.1/1", "output_tokens": "0.1/1"}}', '-infinity') IS NOT NULL AS d;
INSERT INTO spend.usage (occurred_at, started_at, provider, request_model, response_model, service_tier, region, input_tokens, output_tokens, cache_read_tokens) VALUES
  ('2026-01-10', NULL, NULL, 'm', NULL, NULL, NULL, 10, 1, NULL), ('2026-02-01 00:01', '2026-01-31 23:59', 'maker', 'x', 'M', NULL, NULL, 20, 2, NULL), ('2026-02-10', NULL, NULL, 'm', NULL, 'batch', 'eu', 40, 4, NULL),
  ('2026-02-10', NULL, NULL, 'small', NULL, NULL, NULL, 80, 8, NULL), ('2026-02-10', NULL, NULL, 'm', NULL, NULL, NULL, 1, NULL, 2), ('2026-02-10', NULL, NULL, 'unknown', NULL, NULL, NULL, 7, NULL, NULL), ('2026-02-10', NULL, NULL, NULL, NULL, NULL, NULL, 7, NULL, NULL), ('2026-02-10', NULL, NULL, 'm', NULL, NULL, NULL, NULL, NULL, NULL);
RESET client_min_messages;

-- Cards: of rows, of columns, of nothing, with NULLs; the same prices make the same card.
SELECT spend.price_table(p) AS live FROM spend.prices AS p WHERE p.superseded_at IS NULL \gset
SELECT :'live'::spend.price_table AS card;
SELECT spend.price_table(p) OPERATOR(spend.=) :'live'::spend.price_table AS as_of FROM spend.prices_as_of(now()) AS p;
SELECT spend.price_table(provider, model, price, valid_during, service_tier, region, surface, speed, variant)::text = :'live' AS by_columns FROM spend.prices;
SELECT spend.price_table(provider, model, price) AS short FROM spend.prices WHERE model = 'small';
SELECT spend.price_table('p', 'n', '{"rates": {"input_tokens": "1/1"}}', v, NULL, NULL, NULL, NULL, NULL) AS nulls FROM (VALUES (NULL::tstzrange)) AS t(v);
SELECT spend.price_table('p', 'n', '{"rates": {"input_tokens": "1/1"}}', 'empty', NULL, NULL, NULL, NULL, NULL) AS never_valid;
SELECT spend.price_table(p) AS empty FROM spend.prices AS p WHERE false;
SELECT spend.price_table(provider, model, price) AS empty_too FROM spend.prices WHERE false;
SELECT regress.error($$SELECT spend.price_table('p', NULL, price) FROM spend.prices$$);
SELECT regress.error($$SELECT spend.price_table('p', 'm', NULL::spend.price)$$);
SELECT regress.error($$SELECT spend.price_table('p', 'm', price) FROM spend.prices$$);

-- Overrides: cut into what the card says, by SKU and time, in whatever spelling.
CREATE FUNCTION regress.card(VARIADIC entries text[]) RETURNS spend.price_table LANGUAGE sql AS $$
  SELECT spend.price_table('p', e[1], ('{"rates": {"input_tokens": "' || e[2] || '/1"}}')::jsonb::spend.price, tstzrange(nullif(e[3], '')::timestamptz, nullif(e[4], '')::timestamptz), e[5], NULL, NULL, NULL, NULL)
  FROM (SELECT string_to_array(x, ' ') AS e FROM unnest(entries) AS x) AS s
$$;
CREATE FUNCTION regress.show(card spend.price_table) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', e ->> 'model', e ->> 'service_tier', e -> 'price' -> 'rates' ->> 'input_tokens', left(e ->> 'valid_from', 10), '..', left(e ->> 'valid_until', 10)), ', ' ORDER BY n)
  FROM jsonb_array_elements(card::jsonb -> 'prices') WITH ORDINALITY AS x(e, n)
$$;
SELECT o AS overrides, regress.show(spend.merge(regress.card('a 1', 'b 2 2026-01-01 2026-02-01', 'b 3 2026-02-01 2026-03-01', 'c 4  2026-03-01 batch'), regress.card(VARIADIC o))) AS merged
FROM (VALUES (ARRAY['a 9']), (ARRAY['a 9 2026-01-01']), (ARRAY['A 9 2026-01-01 2026-02-01', 'a 8 2026-03-01 2026-04-01']), (ARRAY['b 9 2026-01-15 2026-02-15']), (ARRAY['b 9']), (ARRAY['b 9 2026-03-01']),
             (ARRAY['b 9 2025-01-01 2026-01-01']), (ARRAY['b 9 2026-01-01 2026-02-01']), (ARRAY['c 9']), (ARRAY['c 9   BATCH']), (ARRAY['d 9'])) AS v(o);
SELECT regress.show(regress.card('a 1') OPERATOR(spend.||) '{"prices": [{"provider": "p", "model": "b", "price": {"rates": {"input_tokens": "2/1"}}}]}') AS operator;
SELECT spend.merge(NULL, regress.card('a 1')) IS NULL AS null_stays, spend.merge(regress.card('a 1'), '{"prices": []}') OPERATOR(spend.=) regress.card('a 1') AS nothing_new;

-- Pricing under a card is what the live prices say, if they are on it; by time, tier, region, provider; NULL is never 0.
SELECT u.usage_id, u.cost, u.currency, spend.what_if(u, :'live') AS same_card, spend.cost(:'live'::spend.price_table, spend.tokens(u), coalesce(u.response_model, u.request_model), at => coalesce(u.started_at, u.occurred_at), provider => u.provider,
         context => jsonb_build_object('service_tier', coalesce(u.service_tier, ''), 'region', coalesce(u.region, ''), 'strict', false)) AS in_parts
FROM spend.usage AS u WHERE u.request_model IS NOT NULL ORDER BY 1;
SELECT usage_id, spend.what_if(u, :'live', 'small') AS small, spend.what_if(u, :'live', 'small', 'OTHER') AS small_of_other, spend.what_if(u, :'live', 'small', 'maker') AS small_of_maker, spend.what_if(u, :'live', provider => 'maker') AS of_maker,
       spend.what_if(u, spend.merge(:'live', '{"prices": [{"provider": "maker", "model": "m", "valid_from": "2026-02-01", "price": {"rates": {"input_tokens": "100/1", "output_tokens": "0/1"}}}]}')) AS february
FROM spend.usage AS u ORDER BY 1;
SELECT spend.what_if(NULL, :'live') AS row, spend.what_if(u, NULL) AS card FROM spend.usage AS u LIMIT 1;
SELECT spend.cost(NULL::spend.price_table, '{}', 'm') AS card, spend.cost(:'live'::spend.price_table, NULL, 'm') AS usage, spend.cost(:'live'::spend.price_table, '{}', NULL) AS model, spend.cost(:'live'::spend.price_table, '{}', 'm', NULL) AS at, spend.cost(:'live'::spend.price_table, '{}', 'm', context => NULL) AS context;
SELECT spend.cost('{"prices": []}'::spend.price_table, '{"input_tokens": 1}', 'nothing on it') AS nothing, spend.cost('{"prices": []}'::spend.price_table, '{"input_tokens": 1}', 'nothing on it') AS said_once;
SELECT regress.error(format('SELECT spend.cost(%L::spend.price_table, ''{"input_tokens": 1, "cache_read_tokens": 2}'', ''m'')', :'live'));
SELECT meter, quantity, rate, per, amount FROM spend.cost_breakdown(:'live'::spend.price_table, '{"input_tokens": 3, "output_tokens": 2}', 'm', '2026-02-01');
SELECT count(*) AS unpriced FROM spend.cost_breakdown(:'live'::spend.price_table, '{"pages": 3}', 'm', '2026-02-01');
-- Three literals still are model, usage and provider, four the time too.
SELECT spend.cost('m', '{"input_tokens": 1}', 'maker') AS three, spend.cost('m', '{"input_tokens": 1}', 'maker', '2026-01-01') AS four, spend.cost('m', '{"input_tokens": 1}', 'maker', '2026-01-01', '{"service_tier": "batch", "region": "eu"}') AS five,
       (SELECT sum(amount) FROM spend.cost_breakdown('m', '{"input_tokens": 1}', 'maker', '2026-01-01')) AS lines, spend.cost(:'live'::spend.price_table, '{"input_tokens": 1}', 'm', '2026-01-01', '{"service_tier": "batch", "region": "eu"}', 'maker') AS by_card;
-- With today's live prices in a transaction that changes them: the card stays what it was.
BEGIN;
DELETE FROM spend.prices;
SELECT spend.cost(:'live'::spend.price_table, '{"input_tokens": 1}', 'm', '2026-01-01') AS by_card;
ROLLBACK;

-- Cards in a table, inline and out of line, several in one statement, alternating; in PL/pgSQL across changes of one row.
CREATE TABLE regress.cards (name text PRIMARY KEY, card spend.price_table);
INSERT INTO regress.cards SELECT 'big ' || f, spend.price_table('p', 'm' || i, ('{"rates": {"input_tokens": "' || i * f || '/1M"}}')::jsonb::spend.price) FROM generate_series(1, 3000) AS i, generate_series(1, 6) AS f GROUP BY f;
INSERT INTO regress.cards VALUES ('tiny', '{"prices": [{"provider": "p", "model": "m7", "price": {"rates": {"input_tokens": "70/1M"}}}]}');
SELECT pg_relation_size(reltoastrelid) > 0 AS out_of_line FROM pg_class WHERE oid = 'regress.cards'::regclass;
SELECT sum(spend.cost(c.card, '{"input_tokens": 1000000}', 'm7')) AS total, count(*) FROM regress.cards AS c CROSS JOIN generate_series(1, 200) AS i;
SELECT c.name, spend.cost(c.card, '{"input_tokens": 1000000}', 'm7') AS cost FROM regress.cards AS c ORDER BY 1;
CREATE TABLE regress.compressed (card spend.price_table);
ALTER TABLE regress.compressed ALTER COLUMN card SET STORAGE extended;
INSERT INTO regress.compressed SELECT card FROM regress.cards WHERE name IN ('big 3', 'tiny');
SELECT sum(spend.cost(c.card, '{"input_tokens": 1000000}', 'm7')) AS total FROM regress.compressed AS c;
DO $$
DECLARE
  total numeric := 0;
BEGIN
  FOR i IN 1..3 LOOP
    UPDATE regress.cards SET card = spend.merge(card, format('{"prices": [{"provider": "p", "model": "m7", "price": {"rates": {"input_tokens": "%s/1M"}}}]}', i)::spend.price_table) WHERE name = 'big 1';
    total := total * 10 + (SELECT spend.cost(c.card, '{"input_tokens": 1000000}', 'm7') FROM regress.cards AS c WHERE c.name = 'big 1');
  END LOOP;
  RAISE NOTICE 'total %', total;
END
$$;

-- Parallel workers price as the leader does.
CREATE TABLE regress.calls AS SELECT i, 'm' || 1 + i % 3000 AS model, ('{"input_tokens": ' || i % 1000 || '}')::spend.token_usage AS usage FROM generate_series(1, 20000) AS i;
ANALYZE regress.calls;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE FUNCTION regress.plan_has(command text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || command LOOP
    IF line LIKE '%' || node || '%' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END
$$;
SELECT regress.plan_has('SELECT sum(spend.cost((SELECT card FROM regress.cards WHERE name = ''big 2''), c.usage, c.model)) FROM regress.calls AS c', 'Partial Aggregate') AS parallel;
SELECT sum(spend.cost((SELECT card FROM regress.cards WHERE name = 'big 2'), c.usage, c.model)) AS parallel_sum FROM regress.calls AS c;
SET max_parallel_workers_per_gather = 0;
SELECT sum(spend.cost((SELECT card FROM regress.cards WHERE name = 'big 2'), c.usage, c.model)) AS serial_sum FROM regress.calls AS c;
SELECT (SELECT count(*) FROM pg_proc WHERE oid = 'spend.cost(spend.price_table, spend.token_usage, text, timestamptz, jsonb, text)'::regprocedure AND provolatile = 'i' AND proparallel = 's') AS immutable_and_safe;
