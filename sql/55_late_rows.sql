-- Late and future rows: a date is no way past a cap, and history that the ledger's owner fills in concerns its own time only.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS usd \gset
CREATE VIEW regress.counters AS
SELECT b.name AS budget, CASE WHEN now() >= c.period_start AND now() < c.period_end THEN 'now' WHEN c.period_end <= now() THEN 'past' ELSE 'to come' END AS period, c.group_values AS grp, c.spent, c.calls
FROM spend._counter_totals AS c JOIN spend._budget_periods() AS p USING (budget_id, generation) JOIN spend.budgets AS b ON b.budget_id = c.budget_id
ORDER BY b.budget_id, c.period_start, c.group_values::text COLLATE "C";
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
$$;
CREATE ROLE regress_late_writer;
SELECT spend.grant_access('regress_late_writer', 'writer');
GRANT USAGE ON SCHEMA regress TO regress_late_writer;

-- Flagged: late and future; not what is within the skew. Writers cannot set the flags.
INSERT INTO spend.usage (occurred_at) VALUES (now() - interval '23 hours'), (now() - interval '25 hours'), (now() + interval '23 hours'), (now() + interval '25 hours');
SELECT timing, enforced_at IS NULL AS own_time_only, count(*) FROM spend.usage GROUP BY 1, 2 ORDER BY 1;
INSERT INTO spend.settings (max_clock_skew) VALUES ('1 hour');
INSERT INTO spend.usage (occurred_at) VALUES (now() - interval '59 minutes'), (now() - interval '61 minutes') RETURNING timing;
SELECT split_part(regress.error($$UPDATE spend.settings SET max_clock_skew = '-1 day'$$), E'\n', 1) AS error;
DELETE FROM spend.settings;
SET ROLE regress_late_writer;
SELECT regress.error($$INSERT INTO spend.usage (timing) VALUES ('late')$$), regress.error($$INSERT INTO spend.usage (enforced_at) VALUES (NULL)$$);
RESET ROLE;
INSERT INTO spend.usage (occurred_at, timing, enforced_at) VALUES (now(), 'late', now()) RETURNING timing, enforced_at;
CALL regress.clean();

-- A writer that dates its usage into last month, or far ahead, meets the cap of now; what it may still use counts in both.
INSERT INTO spend.budgets (name, amount, on_exceeded, thresholds, group_by) VALUES ('month', 10, 'reject', '{50,100}', '{team}');
INSERT INTO spend.budgets (name, amount, on_exceeded, period) VALUES ('total', 1000, 'alert', 'total');
SET ROLE regress_late_writer;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'a', 'm', 4), ('2999-01-01', 'a', 'm', 3), (now(), 'a', 'm', 2);
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'a', 'm', 2)$$), E'\n', 1) AS late;
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-02-01', 'a', 'm', 2)$$), E'\n', 1) AS future;
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2020-01-01', 'b', 'm', 1 FROM generate_series(1, 11)$$), E'\n', 1) AS many;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'a', 'm', 1) RETURNING cost;
RESET ROLE;
SELECT * FROM regress.counters;
SELECT event, threshold_percent, spent, period_end > now() AS of_now FROM spend.alerts ORDER BY alert_id;
SELECT timing, enforced_at = recorded_at AS enforced, cost FROM spend.usage ORDER BY usage_id;
SELECT * FROM spend.verify();
SELECT budget_name, group_label, spent::float8 FROM spend.budget_status WHERE spent > 0 ORDER BY budget_id, group_label;
-- What goes and what is changed leaves both; another budget that appears counts both, and so does a counter that is made again.
UPDATE spend.usage SET input_tokens = 5 WHERE input_tokens = 4;
DELETE FROM spend.usage WHERE input_tokens = 3;
SELECT * FROM regress.counters;
SELECT * FROM spend.verify();
DELETE FROM spend.counters;
INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('newcomer', 1000, 'alert');
SELECT budget_name, group_label, spent::float8 FROM spend.budget_status WHERE spent > 0 ORDER BY budget_id, group_label;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 0);
SELECT * FROM regress.counters;
SELECT * FROM spend.verify();
-- Savepoints, and a budget that the transaction makes itself.
SET ROLE regress_late_writer;
BEGIN;
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'c', 'm', 6);
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'c', 'm', 6);
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-01-01', 'c', 'm', 6)$$), E'\n', 1) AS error;
COMMIT;
RESET ROLE;
SELECT period, spent FROM regress.counters WHERE grp = '{"team": "c"}';
SELECT * FROM spend.verify();
CALL regress.clean();

-- By run: found by the index on run_id, whatever the time.
INSERT INTO spend.budgets (name, amount, on_exceeded, scope, group_by) VALUES ('each run', 10, 'reject', '{"run_id": {"present": true}}', '{run_id}');
SET ROLE regress_late_writer;
INSERT INTO spend.usage (occurred_at, run_id, request_model, input_tokens) VALUES ('2020-01-01', 'r', 'm', 6), ('2020-01-01', 's', 'm', 1);
RESET ROLE;
DELETE FROM spend.counters;
SET ROLE regress_late_writer;
SELECT split_part(regress.error($$INSERT INTO spend.usage (run_id, request_model, input_tokens) VALUES ('r', 'm', 5)$$), E'\n', 1) AS error;
INSERT INTO spend.usage (run_id, request_model, input_tokens) VALUES ('r', 'm', 4) RETURNING cost;
RESET ROLE;
SELECT * FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();

-- A rolling window that holds both days counts the row once, however the counters came about; one that has passed its day counts it when it came.
INSERT INTO spend.budgets (name, amount, on_exceeded, period, rolling_days) VALUES ('week', 100, 'alert', 'rolling', 7);
SET ROLE regress_late_writer;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES (now() - interval '3 days', 'm', 5), (now() - interval '20 days', 'm', 7), (now() + interval '3 days', 'm', 11);
RESET ROLE;
INSERT INTO spend.budgets (name, amount, on_exceeded, period, rolling_days) VALUES ('newcomer', 100, 'alert', 'rolling', 7);
SELECT budget_name, spent::float8, calls FROM spend.budget_status ORDER BY budget_id;
SELECT * FROM spend.verify();
DELETE FROM spend.counters;
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1);
SELECT budget_name, spent::float8, calls FROM spend.budget_status ORDER BY budget_id;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT * FROM spend.verify();
CALL regress.clean();

-- The owner fills in history: nothing is refused, no bell rings, and the budgets of now do not move.
INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('month', 10, 'reject');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) SELECT '2020-01-01'::timestamptz + i * interval '1 day', 'm', 100 FROM generate_series(1, 60) AS i;
SELECT * FROM regress.counters;
SELECT count(*) AS alerts FROM spend.alerts;
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 10) RETURNING cost;
SELECT * FROM spend.verify();
CALL regress.clean();
SELECT spend.revoke_access('regress_late_writer', 'writer');
REVOKE USAGE ON SCHEMA regress FROM regress_late_writer;
DROP ROLE regress_late_writer;
