-- spend.explain(): the lines of a recorded row, by the price that priced it, add up to its cost exactly, whatever happened since.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE FUNCTION regress.explain(id bigint) RETURNS TABLE (line bigint, kind text, item text, quantity numeric, rate numeric, per numeric, tier text, amount numeric, detail text) LANGUAGE sql AS $$
  SELECT e.line, e.kind, e.item, e.quantity, e.rate, e.per, e.tier, e.amount, CASE e.item WHEN 'believed' THEN regexp_replace(e.detail, '\d[-\d]+ [:\d]+Z', '<then>', 'g') ELSE e.detail END
  FROM spend.explain(id) AS e
$$;
SET client_min_messages = error;
INSERT INTO spend.prices (provider, model, valid_during, price, source, origin, checked_date, reason, region) VALUES
  ('maker', 'm', '[2026-01-01, 2026-03-01)', '{"rates": {"input_tokens": {"base": "1.1/1M", "tiers": [{"above": 10000, "rate": "2.2/1M"}]}, "cache_read_tokens": "0.1/1M", "output_tokens": "7/1M", "requests": "0.001/1"}}', 'https://example.com/prices', 'user', '2026-01-05', 'contract', ''),
  ('maker', 'third', '(,)', '{"currency": "EUR", "rates": {"input_tokens": "1/hour", "output_tokens": "1/hour", "audio_seconds": "1/hour"}}', NULL, 'user', NULL, NULL, 'eu'),
  ('maker', 'gift', '(,)', '{"rates": {"input_tokens": "0/1M", "output_tokens": "0/1M"}}', NULL, 'catalog', NULL, NULL, '');
INSERT INTO spend.usage (occurred_at, started_at, request_model, response_model, region, service_tier, input_tokens, cache_read_tokens, output_tokens, other_usage, team, reported_cost) VALUES
  ('2026-02-02 00:10', '2026-02-01 23:59', 'M-latest', 'm', NULL, 'batch', 20000, 100, 7, NULL, 'a', 0.5),
  ('2026-02-02', NULL, 'third', NULL, 'EU', NULL, 1, NULL, 1, '{"audio_seconds": 1}', 'b', NULL),
  ('2026-02-02', NULL, 'gift', NULL, NULL, NULL, 5, NULL, NULL, NULL, 'b', NULL),
  ('2026-02-02', NULL, 'unknown', NULL, NULL, NULL, 5, NULL, NULL, NULL, 'b', NULL),
  ('2026-02-02', NULL, 'm', NULL, NULL, NULL, 5, 9, NULL, NULL, NULL, NULL),
  ('2026-02-02', NULL, 'm', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
RESET client_min_messages;
SELECT * FROM regress.explain(1);
SELECT * FROM regress.explain(2);
SELECT * FROM regress.explain(3);
SELECT * FROM regress.explain(4);
SELECT line, kind, item, quantity, amount, detail FROM regress.explain(5) WHERE kind = 'charge' OR item = 'status';
-- A row that is not there, the row's month, another month.
SELECT (SELECT count(*) FROM spend.explain(99)) AS none, (SELECT count(*) > 0 FROM spend.explain(1, '2026-02-02 00:10')) AS by_time, (SELECT count(*) FROM spend.explain(1, '2026-02-03')) AS other_time, (SELECT count(*) FROM spend.explain(NULL)) AS nothing;
CREATE FUNCTION regress.off() RETURNS TABLE (usage_id bigint, cost numeric, lines numeric) LANGUAGE sql AS $$
  SELECT u.usage_id, u.cost, sum(e.amount) FROM spend.usage AS u LEFT JOIN spend.cost_explanation AS e USING (usage_id) GROUP BY 1, 2
  HAVING sum(e.amount) IS DISTINCT FROM u.cost AND coalesce(u.cost, 0) <> 0
$$;
SELECT * FROM regress.off();

-- The price that priced the row explains it: closed, superseded, edited by hand, deleted.
SET client_min_messages = error;
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "5/1M", "output_tokens": "5/1M"}}', '2026-02-01') > 0 AS closed;
SELECT item, amount, detail FROM regress.explain(1) WHERE kind = 'charge' OR item IN ('price', 'valid', 'believed');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "6/1M", "output_tokens": "5/1M"}}', '2026-01-01') > 0 AS superseded;
SELECT item, amount, detail FROM regress.explain(1) WHERE kind = 'charge' OR item IN ('price', 'valid', 'believed');
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "9/1M"}}' WHERE price_id = 1;
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "8/1M"}}' WHERE price_id = 1;
SELECT item, amount, detail FROM regress.explain(1) WHERE kind = 'charge' OR item IN ('price', 'valid', 'believed');
DELETE FROM spend.prices WHERE price_id = 1;
SELECT item, amount, detail FROM regress.explain(1) WHERE kind = 'charge' OR item IN ('price', 'valid', 'believed');
SELECT * FROM regress.off();
-- Where nothing on record gives the cost, the lines say so, and still add up.
BEGIN;
DELETE FROM spend.price_history;
SELECT * FROM regress.explain(1) WHERE kind <> 'fact';
SELECT * FROM regress.off();
ROLLBACK;

-- After a re-rating: today's price, and what it was before.
SELECT calls, old_cost, new_cost, difference FROM spend.reprice('2026-02-01', filter => '{"model": "m"}', reason => 'renegotiated');
SELECT kind, item, quantity, rate, amount, regexp_replace(detail, '.* by [^:]*', '... by <us>') AS detail FROM regress.explain(1) WHERE kind <> 'fact';
SELECT * FROM regress.off();

-- Random rows under random prices with tiers, thirds of a cent and clamped counts.
SELECT setseed(0.5);
SET client_min_messages = error;
INSERT INTO spend.prices (provider, model, price)
SELECT 'maker', 'r' || i, jsonb_build_object('rates', jsonb_build_object(
  'input_tokens', jsonb_build_object('base', (random() * 9)::numeric(20, 12) || '/hour', 'mode', CASE i % 3 WHEN 0 THEN 'graduated' ELSE 'whole' END,
                                     'tiers', jsonb_build_array(jsonb_build_object('above', i * 10, 'rate', (random() * 9)::numeric(20, 12) || '/1M'))),
  'output_tokens', (random() * 9)::numeric(20, 12) || '/hour', 'output_reasoning_tokens', (random() * 9)::numeric(20, 12) || '/1k'))::spend.price
FROM generate_series(1, 20) AS i;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cache_read_tokens, output_tokens, output_reasoning_tokens)
SELECT '2026-03-01', 'r' || 1 + i % 20, (random() * 500)::integer, (random() * 300)::integer, (random() * 500)::numeric(10, 3), (random() * 100)::integer FROM generate_series(1, 500) AS i;
RESET client_min_messages;
SELECT pricing_status, count(*) > 0 AS some FROM spend.usage WHERE request_model LIKE 'r%' GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differences FROM regress.off();
SELECT count(*) AS unexplained FROM spend.cost_explanation WHERE kind = 'unexplained';

-- A reader sees the explanations of its rows, and nobody else any.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_scoped, regress_writer;
CREATE ROLE regress_scoped;
CREATE ROLE regress_writer;
SELECT spend.grant_access('regress_scoped', 'reader', '{"team": "a"}'), spend.grant_access('regress_writer', 'writer') \gset grant_
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress TO PUBLIC;
RESET client_min_messages;
SET ROLE regress_scoped;
SELECT (SELECT sum(amount) FROM spend.explain(1)) AS own, (SELECT count(*) FROM spend.explain(2)) AS other, (SELECT count(DISTINCT usage_id) FROM spend.cost_explanation) AS rows;
SELECT regress.error('SELECT * FROM spend.price_history'), regress.error('SELECT * FROM spend.prices');
SET ROLE regress_writer;
SELECT regress.error('SELECT * FROM spend.explain(1)');
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_scoped, regress_writer;
DROP ROLE regress_scoped, regress_writer;
