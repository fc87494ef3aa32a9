-- The full cost of a unit of work: components that add up, people's time by role, overheads by scope and time, rights.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "5/1M", "output_tokens": "25/1M", "web_searches": "10/1k", "tool_calls": "0.001/1", "retrieval_queries": "0.002/1"}}', '-infinity') AS m,
       spend.set_price('store', 'vectors', '{"rates": {"vector_storage_gb_days": "0.03/1", "retrieval_queries": "0.004/1"}}', '-infinity') AS v,
       -- The role of the reviewer is the model, their rate a price.
       spend.set_price('people', 'lawyer', '{"rates": {"review_minutes": "3/1"}}', '-infinity') AS l, spend.set_price('people', 'editor', '{"rates": {"review_minutes": "1/1"}}', '-infinity') AS e,
       spend.set_price('maker', 'm', '{"rates": {"input_tokens": "6/1M", "output_tokens": "25/1M"}}', '2026-02-01') AS later \gset
SELECT spend.set_price_term('rebate', 'discount', 10, scope => '{"provider": "maker", "team": "b"}', valid_from => '-infinity') AS rebate,
       spend.set_price_term('fee', 'markup', 10, scope => '{"provider": "maker", "team": "c"}', valid_from => '-infinity') AS fee \gset
INSERT INTO spend.usage (occurred_at, team, workflow, run_id, request_model, input_tokens, output_tokens, tool_calls, retrieval_queries, other_usage, attempt, purpose, fallback_of) VALUES
  ('2026-01-10', 'a', 'contracts', 'r1', 'm', 1000000, 10000, 3, 2, '{"web_searches": 5}', 1, 'work', NULL), ('2026-01-10', 'a', 'contracts', 'r1', 'm', 200000, NULL, NULL, NULL, NULL, 1, 'work', NULL),
  ('2026-01-10', 'a', 'contracts', 'r1', 'm', 300000, NULL, 1, NULL, NULL, 2, NULL, NULL), ('2026-01-10', 'a', 'contracts', 'r1', 'm', 100000, NULL, NULL, NULL, NULL, NULL, 'evaluation', NULL),
  ('2026-01-10', 'a', 'contracts', 'r1', 'm', 50000, NULL, NULL, NULL, NULL, NULL, NULL, 'big'), ('2026-01-10', 'a', 'contracts', 'r1', 'vectors', NULL, NULL, NULL, 10, '{"vector_storage_gb_days": 2}', NULL, NULL, NULL),
  ('2026-01-11', 'a', 'contracts', 'r1', 'lawyer', NULL, NULL, NULL, NULL, '{"review_minutes": 7}', NULL, NULL, NULL), ('2026-01-11', 'a', 'contracts', 'r1', 'editor', NULL, NULL, NULL, NULL, '{"review_minutes": 4.5}', NULL, NULL, NULL),
  ('2026-02-01', 'a', 'contracts', 'r1', 'm', 100000, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('2026-01-10', 'b', 'letters', 'r2', 'm', 100000, NULL, 1, NULL, NULL, NULL, NULL, NULL),
  ('2026-01-10', 'c', 'letters', 'r3', 'm', 100000, NULL, 1, NULL, NULL, NULL, NULL, NULL), ('2026-01-10', 'a', 'letters', NULL, 'm', 100000, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT run_id, period_start, team, component, calls, trim_scale(cost) AS cost FROM spend.full_cost ORDER BY 1, 2, 3, 4;
-- Overheads: shares and amounts, by scope and time; all that cover a row apply.
INSERT INTO spend.overheads (name, kind, amount, scope, valid_during) VALUES ('platform', 'percent', 5, '{}', '[2026-01-01, 2026-02-01)'), ('on call', 'per_call', 0.25, '{"workflow": "contracts", "model": "m"}', '(,)');
INSERT INTO spend.overheads (name, kind, amount, currency, reason) VALUES ('audit', 'per_call', 0.01, 'EUR', 'contract 7');
SELECT run_id, period_start, detail, currency, trim_scale(cost) AS cost FROM spend.full_cost WHERE component = 'overhead' ORDER BY 1, 2, 3;
SELECT run_id, currency, trim_scale(sum(cost)) AS full_cost, trim_scale(sum(cost) FILTER (WHERE component <> 'overhead')) AS metered,
       trim_scale(sum(cost) FILTER (WHERE component <> 'overhead')) = (SELECT trim_scale(sum(u.cost)) FROM spend.usage AS u WHERE u.run_id = f.run_id AND u.currency = f.currency) AS adds_up,
       sum(calls) FILTER (WHERE component <> 'overhead') = (SELECT count(*) FROM spend.usage AS u WHERE u.run_id = f.run_id AND u.currency = f.currency) AS counts
FROM spend.full_cost AS f GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) - count(DISTINCT full_cost_key) AS double_keys FROM spend.full_cost;
-- A voided row and an unpriced one are not in it; what a price was is kept.
SELECT old_cost FROM spend.void((SELECT usage_id FROM spend.usage WHERE run_id = 'r3'), 'a test');
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "1/1M"}}' WHERE price_id = :m;
SELECT run_id, component, trim_scale(cost) AS cost FROM spend.full_cost WHERE run_id IN ('r2', 'r3') ORDER BY 1, 2, 3;
-- What could not work is refused; changes are logged.
SELECT regress.error($$INSERT INTO spend.overheads (name, kind, amount) VALUES ('x', 'percent', -1)$$);
SELECT regress.error($$INSERT INTO spend.overheads (name, kind, amount, currency) VALUES ('x', 'percent', 1, 'USD')$$);
SELECT regress.error($$INSERT INTO spend.overheads (name, kind, amount, scope) VALUES ('x', 'percent', 1, '{"colour": "red"}')$$);
SELECT regress.error($$INSERT INTO spend.overheads (name, kind, amount) VALUES ('platform', 'percent', 1)$$) LIKE '23P01:%' AS one_at_a_time;
UPDATE spend.overheads SET amount = 6, reason = 'more platform' WHERE name = 'platform';
DELETE FROM spend.overheads WHERE name = 'audit';
SELECT object_name, operation, old_value -> 'amount' AS before, new_value -> 'amount' AS after, reason FROM spend.change_log WHERE object_kind = 'overhead' ORDER BY change_id;
-- A reader with a scope.
CREATE ROLE regress_full;
SELECT spend.grant_access('regress_full', 'reader', '{"team": "b"}');
SET ROLE regress_full;
SELECT run_id, component, detail, trim_scale(cost) AS cost FROM spend.full_cost ORDER BY 1, 2, 3;
SELECT regress.error('SELECT * FROM spend.overheads');
RESET ROLE;
SELECT spend.revoke_access('regress_full', 'reader');
DROP ROLE regress_full;
