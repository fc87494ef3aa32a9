-- Alerts: what they carry, when a threshold is announced again, what goes past a halt budget, rolling windows, what drove it, the outbox.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS usd, spend.set_price('maker', 'n', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS second \gset
CREATE VIEW regress.alerts AS
SELECT event, budget_name AS budget, threshold_percent AS percent, group_values AS grp, spent, amount FROM spend.alerts ORDER BY alert_id;
CREATE VIEW regress.status AS
SELECT budget_name AS budget, group_label AS grp, amount::float8 AS amount, spent::float8 AS spent, calls, is_exceeded FROM spend.budget_status ORDER BY budget_id, group_label;
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
$$;

-- The first halt budget says what it does not do; others do not say it again, nor does one that is restored.
INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('only an alert', 10, 'alert');
INSERT INTO spend.budgets (name, amount) VALUES ('b', 10), ('a', 10);
INSERT INTO spend.budgets (name, amount) VALUES ('another', 10);
CALL regress.clean();
INSERT INTO spend.budgets (name, amount) VALUES ('once more', 10);
CALL regress.clean();
DELETE FROM spend.change_log;
INSERT INTO spend.budgets (name, amount, generation, created_at) VALUES ('restored', 10, 1, '2020-01-01');
CALL regress.clean();

-- Who, what, how much, since when.
INSERT INTO spend.budgets (name, amount, period, cost_center, owner, on_exceeded, measure, group_by) VALUES ('all of it', 100, 'total', 'CC-1', 'ada@example.com', 'alert', 'calls', '{user_id}');
INSERT INTO spend.usage (occurred_at, cost_center, user_id) SELECT '2026-01-01', 'cc-1', 'bob' FROM generate_series(1, 80) AS i;
SELECT event, budget_name, owner, cost_center, on_exceeded, measure, threshold_percent, period_start, period_end, group_values, spent, amount, currency, attempts, next_attempt_at = created_at AS is_due, last_error, delivered_at FROM spend.alerts;
SELECT a.group_hash = c.group_hash AS same_group FROM spend.alerts AS a JOIN spend._counter_totals AS c USING (budget_id, period_start);
CALL regress.clean();

-- A limit that is changed: the highest threshold that is reached under the new one is announced with the next row, or when it is reached; once.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('raised', 100, 'total', 'alert');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 85);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 20);
SELECT * FROM regress.alerts;
SELECT spend.set_budget_amount('raised', 200, 'more') = '-infinity' AS set;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 50);
SELECT count(*) AS alerts FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 10);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 10);
-- Going down and up again says nothing new.
DELETE FROM spend.usage WHERE input_tokens = 50;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 51);
SELECT spend.top_up_budget('raised', 10, 'a little') > 0 AS set;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 40);
SELECT * FROM regress.alerts;
-- Lowered: what is true under the new limit is said with the next row.
SELECT spend.set_budget_amount('raised', 1000, 'much more') = '-infinity' AS set;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 100);
SELECT spend.set_budget_amount('raised', 300, 'less') = '-infinity' AS set;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 1);
SELECT * FROM regress.alerts OFFSET 4;
CALL regress.clean();

-- What goes past a halt budget is recorded, and says so once a day and counter: not the row that crosses, but those after it.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, group_by) VALUES ('halt', 10, 'total', 'halt', '{team}'), ('alert', 10, 'total', 'alert', '{}');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 12);
SELECT event, budget, grp, spent FROM regress.alerts WHERE budget = 'halt';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 0);
SELECT count(*) AS bypassed FROM regress.alerts WHERE event = 'budget_bypassed';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 1), ('2026-01-01', 'b', 'm', 1);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 1);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'b', 'm', 10), ('2026-01-01', 'b', 'm', 10);
SELECT event, budget, percent, grp, spent, amount FROM regress.alerts WHERE event = 'budget_bypassed';
-- The next day, one more. A rollback takes it back, and the row that comes then says it.
UPDATE spend.alerts SET created_at = created_at - interval '1 day';
\c -
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 1);
ROLLBACK;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 2);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-01', 'a', 'm', 2);
SELECT event, budget, grp, spent FROM regress.alerts WHERE event = 'budget_bypassed' ORDER BY spent;
CALL regress.clean();
-- A budget of nothing, and one of a period that is over.
INSERT INTO spend.budgets (name, amount, period) VALUES ('nothing', 0, 'total'), ('a month', 1, 'month');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2020-01-01', 'm', 5);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2020-01-01', 'm', 5);
SELECT event, budget, percent, spent, amount FROM regress.alerts;
CALL regress.clean();
-- Very many groups at once: each says it sooner or later, and no table of locks is filled.
INSERT INTO spend.budgets (name, amount, period, group_by) VALUES ('each', 1, 'total', '{user_id}');
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-01-01', i::text, 'm', 2 FROM generate_series(1, 120) AS i;
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-01-01', i::text, 'm', 2 FROM generate_series(1, 120) AS i;
SELECT count(*) AS bypassed FROM regress.alerts WHERE event = 'budget_bypassed';
SELECT count(*) <= 50 AS few_locks FROM pg_locks WHERE locktype = 'advisory';
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-01-01', i::text, 'm', 2 FROM generate_series(60, 120) AS i;
SELECT count(*) > 50 AND count(*) = count(DISTINCT group_values) AS more FROM spend.alerts WHERE event = 'budget_bypassed';
CALL regress.clean();

-- A rolling window of days: what leaves it counts no more; today's rows and late ones are seen together.
SELECT regress.error(format('INSERT INTO spend.budgets (name, amount, period, rolling_days, on_exceeded) VALUES (''b'', 1, %s)', v)) AS error FROM unnest(ARRAY['''rolling'', NULL, ''halt''', '''rolling'', 1, ''halt''', '''rolling'', 367, ''halt''', '''day'', 7, ''halt''', '''rolling'', 7, ''reject''']) AS v;
INSERT INTO spend.budgets (name, amount, period, rolling_days, on_exceeded, group_by) VALUES ('a week', 100, 'rolling', 7, 'halt', '{team}');
CREATE FUNCTION regress.day(n integer) RETURNS timestamptz LANGUAGE sql AS $$ SELECT (date_trunc('day', now() AT TIME ZONE 'UTC') + n * interval '1 day') AT TIME ZONE 'UTC' $$;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(-7), 'a', 'm', 500), (regress.day(-6), 'a', 'm', 30), (regress.day(-1), 'a', 'm', 30), (regress.day(0), 'b', 'm', 5);
SELECT * FROM regress.status;
SELECT * FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(0), 'a', 'm', 25);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(0), 'a', 'm', 1);
SELECT * FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(-3), 'a', 'm', 20), (regress.day(0), 'a', 'm', 1);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(0), 'a', 'm', 1);
SELECT * FROM regress.alerts;
SELECT period_start = regress.day(-6) AS six_days_ago, period_end = regress.day(1) AS until_tomorrow FROM spend.alerts;
SELECT * FROM regress.status;
-- Days before the budget count, too: their counters are made from the rows.
DELETE FROM spend.counters;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(0), 'b', 'm', 1);
SELECT * FROM regress.status;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (regress.day(0), 'a', 'm', 1);
SELECT * FROM regress.status;
SELECT count(*) AS alerts FROM regress.alerts;
SELECT * FROM spend.verify();
CALL regress.clean();

-- What drove it: where the usage differs, who has most.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, scope) VALUES ('driven', 100, 'total', 'alert', '{"department": "d"}');
INSERT INTO spend.usage (occurred_at, department, team, user_id, request_model, run_id, input_tokens) VALUES
  ('2026-01-01', 'd', 'a', 'ada', 'm', 'r1', 50), ('2026-01-01', 'd', 'a', 'bob', 'M', 'r2', 20), ('2026-01-01', 'd', 'b', 'cy', 'n', 'r3', 10), ('2026-01-01', 'd', NULL, 'cy', 'n', 'r3', 5), ('2026-01-01', 'e', 'z', 'z', 'm', 'r9', 500);
INSERT INTO spend.usage (occurred_at, department, team, user_id, request_model, input_tokens) VALUES ('2026-01-01', 'd', 'b', 'cy', 'n', 1000);
SELECT a.threshold_percent, d.* FROM (SELECT alert_id, threshold_percent FROM spend.alerts ORDER BY alert_id LIMIT 1) AS a CROSS JOIN LATERAL spend.alert_drivers(a.alert_id, 2) AS d;
SELECT count(*) AS none FROM spend.alert_drivers(-1);

-- A deliverer takes what is due, skips what another one has, and says how it went.
CREATE ROLE regress_deliverer;
SELECT spend.grant_access('regress_deliverer', 'admin');
SET ROLE regress_deliverer;
BEGIN;
SELECT event, threshold_percent FROM spend.alerts WHERE delivered_at IS NULL AND next_attempt_at <= now() ORDER BY alert_id LIMIT 1 FOR UPDATE SKIP LOCKED;
UPDATE spend.alerts SET attempts = attempts + 1, last_error = 'connection refused', next_attempt_at = now() + interval '1 minute' WHERE threshold_percent = 80;
COMMIT;
SELECT event, threshold_percent, attempts FROM spend.alerts WHERE delivered_at IS NULL AND next_attempt_at <= now() FOR UPDATE SKIP LOCKED;
UPDATE spend.alerts SET delivered_at = now() WHERE threshold_percent = 100;
SELECT regress.error($$UPDATE spend.alerts SET spent = 0$$), regress.error($$DELETE FROM spend.alerts$$), regress.error($$INSERT INTO spend.alerts DEFAULT VALUES$$);
RESET ROLE;
SELECT spend.revoke_access('regress_deliverer', 'admin');
DROP ROLE regress_deliverer;
CALL regress.clean();
