-- Usage that is somebody else's: rows, budgets and rollups move, the cost stays, what was is kept.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

INSERT INTO spend.budgets (name, amount, group_by, period, on_exceeded, on_unpriced) VALUES ('teams', 5, '{team}', 'total', 'reject', 'allow'), ('months', 1000, '{cost_center}', 'month', 'alert', 'allow');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS set, spend.set_price('maker', 'n', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS euro;
CALL spend._make_month('2026-01-01');
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, team, cost_center, request_model, input_tokens, tags) VALUES
  ('2026-01-10', 'a', NULL, 'm', 1, '{"ticket": "T-1"}'), ('2026-01-31', 'A ', 'cc-1', 'm', 2, NULL), ('2026-02-01', 'b', NULL, 'm', 4, '{"ticket": "T-1"}'), ('2026-02-02', 'b', 'cc-1', 'n', 8, NULL), ('2026-02-03', NULL, NULL, 'nobody', 1, NULL);
RESET client_min_messages;
CREATE VIEW regress.books AS
SELECT b.name, to_char(c.period_start, 'YYYY-MM') AS period, c.group_values::text AS group_values, trim_scale(c.spent) AS spent, c.calls FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id)
UNION ALL SELECT 'view', to_char(usage_date, 'YYYY-MM'), cost_center || ' ' || team || ' ' || currency, trim_scale(sum(cost)), sum(calls) FROM spend.daily_spend GROUP BY 1, 2, 3
UNION ALL SELECT 'verify', NULL, v::text, NULL, NULL FROM spend.verify() AS v UNION ALL SELECT 'verify_rollups', NULL, v::text, NULL, NULL FROM spend.verify_rollups() AS v ORDER BY 1, 2, 3;
SELECT * FROM regress.books;

-- A dry run says what would move, and nothing has moved; the cost stays, whatever prices have become, and a cap refuses nothing.
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "100/1"}}' WHERE model = 'm';
SELECT * FROM spend.reattribute('2026-01-01', filter => '{"team": "a"}', dry_run => true, dimensions => '{"team": "B", "cost_center": "CC-2"}');
SELECT count(*) AS adjustments FROM spend.adjustments;
SELECT old_dimensions, new_dimensions, currency, calls, unpriced_calls, cost FROM spend.reattribute('2026-01-01', filter => '{"team": "a"}', reason => 'moved to b', dimensions => '{"team": "B", "cost_center": "CC-2"}');
SELECT * FROM regress.books;
SELECT usage_id, team, cost_center, trim_scale(cost) AS cost FROM spend.usage ORDER BY usage_id;
SELECT kind, usage_id, old_values, new_values, trim_scale(old_cost) AS old_cost, trim_scale(new_cost) AS new_cost, old_attribution_id <> attribution_id AS moved, reason FROM spend.adjustments ORDER BY usage_id;
-- Again: nothing is left to move. Written in another way it is the same.
SELECT * FROM spend.reattribute('2026-01-01', filter => '{"team": "b"}', reason => 'again', dimensions => '{"team": " b"}');
-- A range and a value taken away; currencies and rows without a price stand apart.
SELECT old_dimensions, new_dimensions, currency, calls, unpriced_calls, cost FROM spend.reattribute('2026-02-01', '2026-02-03 00:00:01', reason => 'whose?', dimensions => '{"team": null, "feature": "f"}');
SELECT * FROM regress.books;

-- Without dimensions: by what counts as one now. A tag becomes a dimension, another one ceases to be.
INSERT INTO spend.dimensions (name) VALUES ('ticket');
SELECT old_dimensions, new_dimensions, currency, calls, cost FROM spend.reattribute('-infinity', dry_run => true);
SELECT count(*) AS lines, sum(calls) AS calls FROM spend.reattribute('-infinity', reason => 'tickets are a dimension now');
SELECT * FROM spend.reattribute('-infinity', reason => 'again');
SELECT item, regexp_replace(detail, ' at .* by [^:]*', ' at ... by us') AS detail FROM spend.explain(1) WHERE kind = 'adjustment';
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('feature', false);
SELECT old_dimensions, new_dimensions, currency, calls, cost FROM spend.reattribute('-infinity', reason => 'features are none');
-- A tag is moved as a column is; one that is no dimension cannot be.
SELECT old_dimensions, new_dimensions, calls FROM spend.reattribute('-infinity', filter => '{"ticket": "t-1"}', reason => 'tickets', dimensions => '{"ticket": "T-2", "team": "c"}');
SELECT usage_id, team, tags FROM spend.usage WHERE tags IS NOT NULL ORDER BY 1;
SELECT d AS dimensions, regress.error(format('SELECT spend.reattribute(''-infinity'', reason => ''why'', dimensions => %L)', d)) FROM unnest(ARRAY['{"nobody": 1}', '{"input_tokens": 1}', '{"tags": {}}', '{"run_id": "x"}', '{"team": ["a"]}', '{}', '[]']) AS d;
SELECT regress.error($$SELECT spend.reattribute('-infinity', dimensions => '{"team": "x"}')$$), regress.error($$SELECT spend.reattribute(NULL, reason => 'why')$$), regress.error($$SELECT spend.reattribute('-infinity', filter => '{"modle": 1}', reason => 'why')$$);
-- Voided rows stay where they are. A savepoint takes all back. What was moved is folded.
SELECT old_cost FROM spend.void(1, 'test');
SELECT calls FROM spend.reattribute('2026-01-01', '2026-02-01', reason => 'x', dimensions => '{"team": "x"}');
SELECT usage_id, team FROM spend.usage WHERE occurred_at < '2026-02-01' ORDER BY 1;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-05', 'own', 'm', 0.05);
SAVEPOINT s;
SELECT old_dimensions, new_dimensions, calls FROM spend.reattribute('2026-02-05', reason => 'x', dimensions => '{"team": "other"}');
SELECT * FROM spend.verify();
ROLLBACK TO s;
SELECT old_dimensions, new_dimensions, calls FROM spend.reattribute('2026-02-05', reason => 'x', dimensions => '{"team": "third"}');
COMMIT;
SELECT * FROM regress.books;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT * FROM regress.books;
-- The sum over the ledger is what it was, in every report.
SELECT currency, trim_scale(sum(cost)) AS cost, (SELECT trim_scale(sum(d.cost)) FROM spend.daily_spend AS d WHERE d.currency = u.currency) AS view FROM spend.usage AS u WHERE cost IS NOT NULL GROUP BY 1 ORDER BY 1;

SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_writer, regress_admin;
CREATE ROLE regress_reader;
CREATE ROLE regress_writer;
CREATE ROLE regress_admin;
SELECT spend.grant_access('regress_reader', 'reader'), spend.grant_access('regress_writer', 'writer'), spend.grant_access('regress_admin', 'admin') \gset grant_
RESET client_min_messages;
SET ROLE regress_reader;
SELECT regress.error($$SELECT spend.reattribute('-infinity', dry_run => true)$$);
SET ROLE regress_writer;
SELECT regress.error($$SELECT spend.reattribute('-infinity', dry_run => true)$$);
SET ROLE regress_admin;
SELECT regress.error($$SELECT spend.reattribute('-infinity', dry_run => true)$$);
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_reader, regress_writer, regress_admin;
DROP ROLE regress_reader, regress_writer, regress_admin;
