-- Which budgets cover a row: every kind of condition, dimensions of the row that no attribution has, hierarchies, and how budgets are found.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "1/1"}}', '-infinity') AS usd, spend.set_price('other', 'n', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS second \gset
CREATE VIEW regress.counters AS
SELECT b.name AS budget, c.group_values AS grp, c.spent, c.calls
FROM spend._counter_totals AS c JOIN spend._budget_periods() AS p USING (budget_id, generation) JOIN spend.budgets AS b ON b.budget_id = c.budget_id
ORDER BY b.budget_id, c.period_start, c.group_values::text COLLATE "C";
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
$$;
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('session', false), ('squad', true);

-- Conditions: a value, a list, all but, presence and absence, and two of them on one dimension.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope) VALUES
  ('one', 1000, 'total', 'alert', '{"team": " A "}'),
  ('list', 1000, 'total', 'alert', '{"team": ["a", "B"]}'),
  ('not one', 1000, 'total', 'alert', '{"team": {"not": "A"}}'),
  ('not in list', 1000, 'total', 'alert', '{"team": {"not": ["a", "b"]}}'),
  ('present', 1000, 'total', 'alert', '{"team": {"present": true}}'),
  ('absent', 1000, 'total', 'alert', '{"team": {"present": false}}'),
  ('present, but not a', 1000, 'total', 'alert', '{"team": {"not": "a", "present": true}}'),
  ('prod, not a', 1000, 'total', 'alert', '{"environment": "prod", "team": {"not": "a"}}'),
  ('squad', 1000, 'total', 'alert', '{"squad": "red"}');
INSERT INTO spend.usage (occurred_at, team, environment, tags, request_model, input_tokens) VALUES
  ('2020-05-01', 'a', 'prod', NULL, 'm', 1), ('2020-05-01', 'B', 'prod', NULL, 'm', 2), ('2020-05-01', 'c', 'test', '{"squad": "Red"}', 'm', 4), ('2020-05-01', NULL, 'prod', '{"squad": "blue"}', 'm', 8);
SELECT budget, spent FROM regress.counters;
SELECT * FROM spend.verify();
SELECT kind, count(*) AS hashes, count(DISTINCT budget_id) AS budgets FROM spend.budget_keys GROUP BY 1 ORDER BY 1;
-- Each change of a scope moves the budget to where it is now found.
UPDATE spend.budgets SET scope = '{"team": "c"}' WHERE name = 'list';
DELETE FROM spend.budgets WHERE name IN ('one', 'not one');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'c', 'm', 16), ('2020-05-01', 'a', 'm', 32);
SELECT budget, spent FROM regress.counters;
SELECT * FROM spend.verify();
SELECT count(*) AS orphans FROM spend.budget_keys AS k WHERE NOT EXISTS (SELECT FROM spend.budgets AS b WHERE b.budget_id = k.budget_id);
CALL regress.clean();
SELECT count(*) AS keys FROM spend.budget_keys;

-- A hierarchy is checked together: the first level that has no room refuses, and no level is moved.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope) VALUES
  ('company', 100, 'total', 'reject', '{}'),
  ('department', 50, 'total', 'reject', '{"department": "d"}'),
  ('project', 20, 'total', 'reject', '{"department": "d", "project": "p"}'),
  ('workflow', 10, 'total', 'reject', '{"department": "d", "project": "p", "workflow": "w"}');
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'p', 'w', 'm', 8) RETURNING cost;
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'p', 'w', 'm', 3);
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'p', 'x', 'm', 12) RETURNING cost;
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'p', 'x', 'm', 1);
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'q', 'x', 'm', 30) RETURNING cost;
INSERT INTO spend.usage (occurred_at, department, project, workflow, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'q', 'x', 'm', 1);
INSERT INTO spend.usage (occurred_at, department, request_model, input_tokens) VALUES ('2026-01-01', 'e', 'm', 51);
SELECT budget, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();

-- Dimensions of the row: per run, per route, per model, per provider, by a tag that is not rolled up. Ids are compared as sent, names are not.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope, group_by) VALUES
  ('each run', 10, 'total', 'reject', '{"run_id": {"present": true}}', '{run_id}'),
  ('each run of w', 1000, 'total', 'alert', '{"workflow": "w"}', '{run_id}'),
  ('each route', 1000, 'total', 'alert', '{}', '{route,model}'),
  ('each provider', 1000, 'total', 'alert', '{"provider": {"present": true}}', '{provider}'),
  ('each session', 1000, 'total', 'alert', '{"session": {"present": true}}', '{team,session}'),
  ('one run', 1000, 'total', 'alert', '{"run_id": ["r-1", "r-2"]}', '{}'),
  ('one trace', 1000, 'total', 'alert', '{"trace_id": "t-1", "team": "a"}', '{}');
INSERT INTO spend.usage (occurred_at, team, workflow, run_id, trace_id, route, provider, request_model, response_model, tags, input_tokens) VALUES
  ('2026-01-01', 'a', 'w', 'r-1', 't-1', 'cheap', 'Maker', 'm', NULL, NULL, 1), ('2026-01-01', 'a', 'w', 'R-1', 't-1', 'Cheap', 'maker', 'M ', NULL, '{"session": "S"}', 2),
  ('2026-01-01', 'a', NULL, 'r-2', 't-2', 'best', 'other', 'm', 'n', '{"session": "s"}', 4), ('2026-01-01', 'b', 'w', NULL, 't-1', NULL, NULL, 'm', NULL, NULL, 8);
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'r-1', 'm', 10);
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'r-1', 'm', 9) RETURNING cost;
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) SELECT '2026-01-01', 'a', 'r-3', 'm', 1 FROM generate_series(1, 11) AS i;
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) SELECT '2026-01-01', 'a', 'r-' || i % 3 + 3, 'm', 1 FROM generate_series(1, 30) AS i;
SELECT budget, grp, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
-- No attribution has them.
SELECT DISTINCT jsonb_object_keys(dimensions) AS dimension FROM spend.attributions ORDER BY 1;
-- A row that is moved to another run, and one that is taken away.
UPDATE spend.usage SET run_id = 'r-9' WHERE run_id = 'r-2';
DELETE FROM spend.usage WHERE run_id = 'r-4';
UPDATE spend.usage SET route = 'best' WHERE run_id = 'R-1';
SELECT budget, grp, spent, calls FROM regress.counters WHERE grp ?| '{run_id,route}' OR budget = 'one run';
SELECT * FROM spend.verify();
-- The counter of a run is made again from its rows, found by the index on run_id.
DELETE FROM spend.counters AS c USING spend.budgets AS b WHERE b.budget_id = c.budget_id AND b.name LIKE '%run%';
SELECT count(*) AS runs FROM regress.counters WHERE budget = 'each run';
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'r-1', 'm', 0.5);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'r-3', 'm', 1)$$);
SELECT budget, grp, spent, calls FROM regress.counters WHERE budget LIKE '%run%';
SELECT * FROM spend.verify();
-- A budget that appears while a transaction has rows counts them, although it asks for what the transaction has not looked at.
BEGIN;
DELETE FROM spend.budgets WHERE name <> 'each provider';
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-02', 'a', 'r-20', 'm', 3);
COMMIT;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-02', 'a', 'r-20', 'm', 4), ('2026-01-02', 'a', 'r-21', 'm', 5), ('2026-01-02', 'a', 'r-22', 'm', 1);
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-02', 'a', 'r-21', 'm', 100);
ROLLBACK TO a;
DELETE FROM spend.usage WHERE run_id = 'r-22';
UPDATE spend.usage SET input_tokens = 2 WHERE run_id = 'r-20' AND input_tokens = 3;
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope, group_by) VALUES ('late comer', 1000, 'total', 'alert', '{"run_id": {"present": true}}', '{run_id}');
SELECT * FROM spend.verify();
COMMIT;
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, input_tokens) VALUES ('2026-01-02', 'a', 'r-20', 'm', 1), ('2026-01-02', 'a', 'r-21', 'm', 1);
SELECT budget, grp, spent, calls FROM regress.counters WHERE budget = 'late comer';
SELECT * FROM spend.verify();
CALL regress.clean();

-- A dimension that ceases to be rolled up keeps its budgets.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, group_by) VALUES ('each squad', 10, 'total', 'reject', '{squad}');
INSERT INTO spend.usage (occurred_at, tags, request_model, input_tokens) VALUES ('2026-01-01', '{"squad": "red"}', 'm', 8);
UPDATE spend.dimensions SET is_rolled_up = false WHERE name = 'squad';
INSERT INTO spend.usage (occurred_at, tags, request_model, input_tokens) VALUES ('2026-01-01', '{"squad": "RED"}', 'm', 2);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, tags, request_model, input_tokens) VALUES ('2026-01-01', '{"squad": "red"}', 'm', 1)$$);
SELECT budget, grp, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
-- TRUNCATE takes all of them away.
BEGIN;
TRUNCATE spend.budgets;
INSERT INTO spend.usage (occurred_at, tags, request_model, input_tokens) VALUES ('2026-01-01', '{"squad": "red"}', 'm', 100) RETURNING cost;
ROLLBACK;
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, tags, request_model, input_tokens) VALUES ('2026-01-01', '{"squad": "red"}', 'm', 1)$$);
CALL regress.clean();

-- Many budgets of one kind: each row meets its own.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope) SELECT 'user ' || i, 10, 'total', 'reject', jsonb_build_object('user_id', 'u' || i) FROM generate_series(1, 2000) AS i;
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-01-01', 'u' || i, 'm', i % 10 + 1 FROM generate_series(1, 2000) AS i;
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) VALUES ('2026-01-01', 'U1999', 'm', 1)$$);
SELECT count(*) AS counters, sum(spent) AS spent, min(calls) AS fewest, max(calls) AS most FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();

-- Upkeep: the counters of runs that have rested for a week go, and come back from the rows when the run goes on.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope, group_by) VALUES ('each run', 10, 'total', 'reject', '{"run_id": {"present": true}}', '{run_id}');
INSERT INTO spend.usage (occurred_at, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'rests', 'm', 4), ('2026-01-01', 'has alerted', 'm', 9), (now(), 'runs', 'm', 4);
SELECT * FROM spend.maintain(0) WHERE action LIKE '%counters%';
SELECT grp, spent FROM regress.counters;
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'rests', 'm', 7)$$) LIKE '%spent 4 USD, asked 7 USD%' AS refused;
INSERT INTO spend.usage (occurred_at, run_id, request_model, input_tokens) VALUES ('2026-01-01', 'rests', 'm', 6) RETURNING cost;
SELECT grp, spent FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();
-- Budgets that came while our triggers were off are found again.
ALTER TABLE spend.budgets DISABLE TRIGGER ALL;
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope, generation) VALUES ('lost', 10, 'total', 'reject', '{"team": "a"}', 1);
ALTER TABLE spend.budgets ENABLE TRIGGER check_budget, ENABLE TRIGGER keep_amounts, ENABLE TRIGGER log_change, ENABLE TRIGGER halt_notice, ENABLE ALWAYS TRIGGER begin_epoch, ENABLE ALWAYS TRIGGER forget_keys, ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;
SELECT * FROM spend.maintain(0) WHERE action LIKE '%budgets%';
SELECT split_part(regress.error($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 11)$$), E'\n', 1) AS error;
CALL regress.clean();
