-- Re-rating: what was believed when, rows priced again at their own time, adjustments, budgets that move by the difference.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- What was valid when, and what was believed when. Each change stands in a transaction of its own.
CREATE TABLE regress.moments (moment text PRIMARY KEY, at timestamptz NOT NULL);
INSERT INTO regress.moments VALUES ('before all', clock_timestamp());
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '2026-01-01') AS first \gset
INSERT INTO regress.moments VALUES ('one price', clock_timestamp());
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "2/1"}}', '2026-02-01') AS second \gset
INSERT INTO regress.moments VALUES ('back-dated', clock_timestamp());
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "3/1"}}', '2026-02-01', reason => 'typing error') AS third \gset
INSERT INTO regress.moments VALUES ('corrected', clock_timestamp());
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "4/1"}}' WHERE price_id = :third;
INSERT INTO regress.moments VALUES ('edited by hand', clock_timestamp());
DELETE FROM spend.prices WHERE price_id = :first;
INSERT INTO regress.moments VALUES ('deleted by hand', clock_timestamp());
TRUNCATE spend.prices;
INSERT INTO regress.moments VALUES ('truncated', clock_timestamp());
CREATE FUNCTION regress.believed(believed_at timestamptz) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', p.valid_during, p.price -> 'rates' ->> 'input_tokens'), ', ' ORDER BY p.valid_during)
  FROM (SELECT a.valid_during, a.price::jsonb AS price FROM spend.prices_as_of(believed_at) AS a) AS p
$$;
SELECT m.moment, regress.believed(m.at) AS believed FROM regress.moments AS m ORDER BY m.at;
-- Which price was believed on day X for usage of day Y: exactly one at any moment.
SELECT m.moment, string_agg(used_at::date || ' ' || (SELECT p.price::jsonb -> 'rates' ->> 'input_tokens' FROM spend.prices_as_of(m.at) AS p WHERE p.model = 'm' AND p.valid_during @> used_at), ', ' ORDER BY used_at) AS rates
FROM regress.moments AS m, unnest('{2026-01-15,2026-02-15}'::timestamptz[]) AS used_at GROUP BY m.moment, m.at ORDER BY m.at;
-- What one transaction wrote and took back was never believed.
BEGIN;
SELECT spend.set_price('maker', 'fleeting', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS p \gset
DELETE FROM spend.prices WHERE price_id = :p;
COMMIT;
SELECT count(*) AS fleeting FROM spend.price_history WHERE model = 'fleeting';
-- A row that came superseded was believed until then.
INSERT INTO spend.prices (provider, model, price, recorded_at, superseded_at) VALUES ('maker', 'hand', '{"rates": {"input_tokens": "1/1"}}', '2026-01-01', '2026-02-01');
SELECT at::date, count(p.*) FILTER (WHERE p.model = 'hand') AS believed FROM unnest('{2025-12-31,2026-01-01,2026-01-31,2026-02-01}'::timestamptz[]) AS at LEFT JOIN LATERAL spend.prices_as_of(at) AS p ON true GROUP BY 1 ORDER BY 1;
DELETE FROM spend.prices;

-- Rows that wait for a price: listed, counted apart, and priced by one call when it arrives. Months with and without a leaf of their own.
CALL spend._make_month('2026-01-01');
INSERT INTO spend.dimensions (name) VALUES ('ticket');
INSERT INTO spend.budgets (name, amount, group_by, period, on_exceeded, on_unpriced) VALUES
  ('all', 1000, '{}', 'total', 'alert', 'allow'), ('teams', 40, '{team}', 'total', 'halt', 'allow'), ('cap', 50, '{}', 'total', 'reject', 'allow');
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, started_at, team, provider, request_model, service_tier, input_tokens, tags) VALUES
  ('2026-01-31 12:00', NULL, 'a', NULL, 'late', NULL, 10, '{"ticket": "T-1"}'), ('2026-02-01 00:10', '2026-01-31 23:59', 'a', 'maker', 'Late', 'batch', 4, NULL), ('2026-02-02', NULL, 'b', NULL, 'late', NULL, 8, NULL),
  ('2026-02-03', NULL, 'b', NULL, 'never', NULL, 8, NULL), ('2026-02-03', NULL, NULL, NULL, NULL, NULL, 8, NULL);
SELECT spend.set_price('maker', 'late', '{"rates": {"input_tokens": "1/1"}}', '2026-01-01') AS first, spend.set_price('maker', 'late', '{"rates": {"input_tokens": "2/1"}}', '2026-02-01') AS second \gset
RESET client_min_messages;
SELECT provider, model, pricing_reason, calls FROM spend.unpriced_usage ORDER BY model;
SELECT usage_id, occurred_at, provider, model, old_cost, old_pricing_status, old_pricing_reason, new_cost, new_currency, new_pricing_status, new_pricing_reason FROM spend.mispriced_usage() ORDER BY usage_id;
SELECT * FROM spend.reprice('2026-01-01', dry_run => true);
SELECT count(*) AS priced, (SELECT count(*) FROM spend.adjustments) AS adjustments FROM spend.usage WHERE cost IS NOT NULL;
SELECT * FROM spend.reprice('2026-01-01', reason => 'price arrived');
SELECT usage_id, cost, list_cost, currency, price_id = :first AS first, pricing_status, pricing_reason FROM spend.usage ORDER BY usage_id;
SELECT b.name, c.group_values, c.spent, c.calls, c.unpriced_calls FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) ORDER BY b.name, c.group_values::text COLLATE "C";
SELECT * FROM spend.verify();
SELECT event, budget_name, threshold_percent, group_values, spent FROM spend.alerts ORDER BY alert_id;
SELECT adjustment_id, batch_id, usage_id, provider, model, old_cost, new_cost, new_currency, old_pricing_status, new_pricing_status, old_pricing_reason, new_pricing_reason, reason, adjusted_by = session_user AS by_us, adjusted_at > now() - interval '1 hour' AS now
FROM spend.adjustments ORDER BY adjustment_id;
-- Nothing is left to do, and doing nothing leaves no trace.
SELECT * FROM spend.reprice('-infinity');
SELECT model, calls FROM spend.unpriced_usage ORDER BY model;

-- Mispriced rows: what was corrected, each row at its own time; never refused by a cap, whose debt then shuts the gate.
SET client_min_messages = error;
SELECT spend.set_price('maker', 'late', '{"rates": {"input_tokens": "6.000000000000000001/1"}}', '2026-02-01', reason => 'corrected') AS third \gset
RESET client_min_messages;
SELECT * FROM spend.reprice('2026-02-01', '2026-02-02 00:00:01', reason => 'corrected price');
SELECT usage_id, old_cost, new_cost, difference, old_price_id = :second AS second, new_price_id = :third AS third FROM spend.adjustment_detail WHERE batch_id > 1 ORDER BY adjustment_id;
SELECT b.name, c.group_values, c.spent, c.calls FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) ORDER BY b.name, c.group_values::text COLLATE "C";
SELECT * FROM spend.verify();
SELECT regress.error($$INSERT INTO spend.usage (request_model, input_tokens) VALUES ('late', 1)$$);
SELECT event, budget_name, threshold_percent, group_values, spent FROM spend.alerts WHERE alert_id > 2 ORDER BY alert_id;
-- The range is half open: the row of its end is out, that of its start is in.
SELECT regress.error($$SELECT 1 / (SELECT count(*) FROM spend.reprice('2026-02-01 00:10', '2026-02-01 00:10', dry_run => true))$$) AS nothing;

-- Filters: what they select, in the normalised form; what is not understood is refused.
BEGIN;
SET LOCAL client_min_messages = error;
DELETE FROM spend.prices;
SELECT spend.set_price('maker', 'late', '{"rates": {"input_tokens": "7/1"}}', '-infinity') > 0 AS set;
SELECT f AS filter, (SELECT string_agg(m.usage_id::text, ' ' ORDER BY m.usage_id) FROM spend.mispriced_usage(filter => f::jsonb) AS m) AS rows
FROM unnest(ARRAY['{}', '{"model": " LATE"}', '{"team": "A"}', '{"team": ["a", "b"], "service_tier": "batch"}', '{"service_tier": "standard"}', '{"ticket": "t-1"}', '{"ticket": null}', '{"usage_id": [1, 3]}', '{"usage_id": "2"}',
                  '{"pricing_status": "unpriced"}', '{"provider": ["maker", null]}', '{"provider": ""}', '{"request_model": "x''; DROP TABLE spend.usage; --"}', '{"team": []}']) AS f;
ROLLBACK;
SELECT regress.error(format('SELECT * FROM spend.reprice(%L, filter => %L)', '-infinity', f)) FROM unnest(ARRAY['{"modle": "late"}', '{"input_tokens": 1}', '{"tags": {"a": 1}}', '{"team": {"a": 1}}', '{"team": [["a"]]}', '[]', '"late"', 'null']) AS f;
SELECT regress.error($$SELECT * FROM spend.reprice(NULL)$$);
SELECT regress.error($$SELECT * FROM spend.reprice('-infinity', NULL)$$);
SELECT regress.error($$SELECT * FROM spend.reprice('-infinity', filter => NULL)$$);

-- The same money under another price is no adjustment. A price that is gone takes no cost away. Another currency is a line of its own.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT spend.set_price('maker', 'late', '{"rates": {"input_tokens": "1/1", "output_tokens": "9/1"}}', '2026-01-01') IS NOT NULL AS another;
SELECT count(*) AS same_money FROM spend.reprice('-infinity', '2026-02-01');
DELETE FROM spend.prices;
SELECT count(*) AS taken FROM spend.reprice('-infinity');
SELECT count(*) AS priced FROM spend.usage WHERE cost IS NOT NULL;
SELECT spend.set_price('maker', 'late', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS euro;
SELECT provider, model, currency, calls, newly_priced_calls, old_cost, new_cost, difference FROM spend.reprice('-infinity', dry_run => true);
SELECT provider, model, currency, calls, newly_priced_calls, old_cost, new_cost, difference FROM spend.reprice('-infinity');
SELECT old_cost, old_currency, new_cost, new_currency, difference FROM spend.adjustment_detail WHERE new_currency = 'EUR' ORDER BY usage_id;
SELECT * FROM spend.verify();
ROLLBACK;
SELECT * FROM spend.verify();

-- A savepoint that rolls back takes rows, adjustments and counters with it.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT spend.set_price('maker', 'never', '{"rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS set;
SAVEPOINT a;
SELECT calls, difference FROM spend.reprice('-infinity', filter => '{"model": "never"}');
ROLLBACK TO a;
SELECT count(*) AS adjustments FROM spend.adjustments WHERE model = 'never';
SELECT * FROM spend.verify();
COMMIT;
SELECT * FROM spend.verify();

-- An UPDATE cannot pretend to re-rate, neither before nor after a re-rating, nor after one that failed.
UPDATE spend.usage SET cost = 0, pricing_status = 'free' WHERE usage_id = 1;
BEGIN;
SELECT count(*) AS lines FROM spend.reprice('-infinity', filter => '{"model": "never"}', reason => 'again');
SAVEPOINT a;
SELECT spend._correct_rows('reprice', 0, NULL, 'UPDATE spend.usage AS u SET cost = u.cost WHERE 1 / (u.usage_id - u.usage_id) = 1', '-infinity', 'infinity');
ROLLBACK TO a;
UPDATE spend.usage SET cost = 0, team = team;
SELECT count(*) AS forged FROM spend.usage WHERE cost = 0;
SELECT count(*) AS adjustments FROM spend.adjustments WHERE batch_id = (SELECT max(batch_id) FROM spend.adjustments);
COMMIT;
SET session_replication_role = replica;
SELECT regress.error($$SELECT * FROM spend.reprice('-infinity')$$);
RESET session_replication_role;
-- A re-rating keeps the attribution, whatever became a dimension since.
SELECT usage_id, attribution_id INTO regress.attributions FROM spend.usage;
DELETE FROM spend.dimensions WHERE name = 'ticket';
SELECT spend.set_price('maker', 'late', '{"rates": {"input_tokens": "1.5/1"}}', '2026-01-01') IS NOT NULL AS set;
SELECT calls, old_cost, new_cost FROM spend.reprice('2026-01-01', '2026-02-01');
SELECT count(*) AS moved FROM spend.usage JOIN regress.attributions AS a USING (usage_id) WHERE a.attribution_id <> usage.attribution_id;
SELECT * FROM spend.verify();
-- The amounts of one re-rating add up: rows, adjustments, counters.
SELECT sum(u.cost) AS usage, (SELECT sum(coalesce(a.new_cost, 0) - coalesce(a.old_cost, 0)) FROM spend.adjustments AS a) AS adjustments, (SELECT c.spent FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) WHERE b.name = 'all') AS counter
FROM spend.usage AS u;

-- Who may do it, and who may read it.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_scoped, regress_writer, regress_admin;
CREATE ROLE regress_reader;
CREATE ROLE regress_scoped;
CREATE ROLE regress_writer;
CREATE ROLE regress_admin;
SELECT spend.grant_access('regress_reader', 'reader'), spend.grant_access('regress_scoped', 'reader', '{"team": "a"}'), spend.grant_access('regress_writer', 'writer'), spend.grant_access('regress_admin', 'admin') \gset grant_
RESET client_min_messages;
CREATE FUNCTION regress.as_role(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', role);
  result := split_part(regress.error(command), E'\n', 1);
  RESET ROLE;
  RETURN result;
END
$$;
SELECT r AS role, regress.as_role(r, $$SELECT * FROM spend.reprice('-infinity')$$) AS reprice, regress.as_role(r, 'SELECT * FROM spend.mispriced_usage()') AS mispriced, regress.as_role(r, 'SELECT * FROM spend.prices_as_of(now())') AS believed,
       regress.as_role(r, 'SELECT * FROM spend.adjustments') AS table, regress.as_role(r, 'SELECT * FROM spend.adjustment_detail') AS view, regress.as_role(r, $$SELECT spend._correct_rows('reprice', 1, '', '', '-infinity', 'infinity')$$) AS internal
FROM unnest(ARRAY['regress_reader', 'regress_scoped', 'regress_writer', 'regress_admin']) AS r;
SET ROLE regress_reader;
SELECT count(*) AS seen, count(DISTINCT usage_id) AS rows FROM spend.adjustment_detail;
SET ROLE regress_scoped;
SELECT count(*) AS seen, string_agg(DISTINCT usage_id::text, ' ') AS rows FROM spend.adjustment_detail;
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_reader, regress_scoped, regress_writer, regress_admin;
DROP ROLE regress_reader, regress_scoped, regress_writer, regress_admin;
