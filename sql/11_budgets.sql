-- Budgets: what is refused as a budget, what is counted where, when an INSERT is refused, when an alert is written.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
-- One token of model m costs one dollar, of model e one euro; free and unknown models exist. Periods of the year 2999 are not over yet, those of 2020 are.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "1/1"}}', '-infinity') AS usd, spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') AS eur \gset
SET client_min_messages = error;
SELECT spend.cost('unknown', '{}');
RESET client_min_messages;
CREATE VIEW regress.counters AS
SELECT b.name AS budget, c.period_start, c.group_values AS grp, c.spent, c.calls, c.unpriced_calls AS unpriced, c.claimed_percent AS claimed
FROM spend._counter_totals AS c JOIN spend._budget_periods() AS p USING (budget_id, generation) JOIN spend.budgets AS b ON b.budget_id = c.budget_id
ORDER BY b.budget_id, c.period_start, c.group_values::text COLLATE "C";
CREATE VIEW regress.alerts AS
SELECT event, budget_name AS budget, threshold_percent AS percent, period_start, group_values AS grp, spent, amount, currency FROM spend.alerts ORDER BY alert_id;
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
$$;

-- Validation: what could never work is refused, and the hint says how to write it.
SELECT v AS values, regress.error(format('INSERT INTO spend.budgets (name, amount, %s) VALUES (''b'', 100, %s)', split_part(v, '=', 1), split_part(v, '=', 2))) AS error FROM unnest(ARRAY[
  'thresholds=''{0.8,1}''', 'thresholds=''{80,1}''', 'thresholds=''{0}''', 'thresholds=''{-5}''', 'thresholds=''{NaN}''', 'thresholds=''{Infinity}''', 'thresholds=''{NULL}''', 'thresholds=''{80.0000001}''',
  'scope=''{"teem": "a"}''', 'scope=''{"Team": "a"}''', 'scope=''{"team": ""}''', 'scope=''{"team": " "}''', 'scope=''{"team": null}''', 'scope=''{"team": 7}''', 'scope=''{"team": []}''',
  'scope=''{"team": [["a"]]}''', 'scope=''{"team": {"like": "a"}}''', 'scope=''{"team": {"not": []}}''', 'scope=''{"team": {"present": "no"}}''', 'scope=''{"team": {}}''', 'scope=''{"": "a"}''', 'scope=''[]''', 'scope=''"team"''', 'scope=''null''',
  'group_by=''{teem}''', 'group_by=''{team,team}''', 'group_by=''{NULL}''', 'group_by=''{""}''',
  'time_zone=''Mars/Olympus''', 'time_zone=''''', 'valid_during=''[2999-01-01 00:07, 2999-02-01)''', 'valid_during=''[2999-01-01, 2999-02-01 00:00:01)''']) AS v;
SELECT v AS values, split_part(regress.error(format('INSERT INTO spend.budgets (name, amount, %s) VALUES (''b'', 100, %s)', split_part(v, '=', 1), split_part(v, '=', 2))), E'\n', 1) AS error FROM unnest(ARRAY[
  'measure=''dollars''', 'period=''fortnight''', 'on_exceeded=''panic''', 'on_unpriced=''maybe''', 'valid_during=''empty''', 'measure=NULL', 'thresholds=NULL', 'scope=NULL', 'group_by=NULL', 'currency=''usd''', 'currency=''''']) AS v;
SELECT regress.error($$INSERT INTO spend.budgets (name, amount, measure, currency) VALUES ('b', 100, 'calls', 'USD')$$);
SELECT a AS amount, regress.error(format($$INSERT INTO spend.budgets (name, amount) VALUES ('b', %L)$$, a)) FROM unnest(ARRAY['-1', 'NaN', 'Infinity', '1e20', '0.0000000000000000001']) AS a;
SELECT split_part(regress.error($$INSERT INTO spend.budgets (name, amount) VALUES ('', 1)$$), E'\n', 1) AS name, split_part(regress.error($$INSERT INTO spend.budgets (name) VALUES ('b')$$), E'\n', 1) AS amount;
SELECT count(*) AS budgets FROM spend.budgets;
-- The defaults.
INSERT INTO spend.budgets (name, amount) VALUES ('plain', 100)
RETURNING scope, group_by, measure, currency, period, valid_during, time_zone, thresholds, on_exceeded, on_unpriced, is_critical, owner, cost_center;
SELECT split_part(regress.error($$INSERT INTO spend.budgets (name, amount) VALUES ('plain', 1)$$), E'\n', 1) AS error;
SELECT regress.error($$UPDATE spend.budgets SET budget_id = 77$$);
SELECT regress.error($$UPDATE spend.budgets SET thresholds = '{0.8}'$$);
SELECT regress.error($$UPDATE spend.budgets SET scope = '{"teem": "x"}'$$);
-- One plan line per center and month, however the center is spelled; guards are free, and so are other times.
INSERT INTO spend.budgets (name, amount, cost_center, valid_during) VALUES ('plan', 100, 'CC-1', '[2026-01-01, 2027-01-01)') RETURNING scope;
SELECT split_part(regress.error($$INSERT INTO spend.budgets (name, amount, cost_center, valid_during) VALUES ('plan too', 100, ' cc-1', '[2026-12-01, 2028-01-01)')$$), E'\n', 1) AS error;
INSERT INTO spend.budgets (name, amount, cost_center, valid_during) VALUES ('next plan', 100, 'cc-1', '[2027-01-01, 2028-01-01)') RETURNING name;
INSERT INTO spend.budgets (name, amount, scope) VALUES ('guard', 100, '{"cost_center": "cc-1"}') RETURNING name;
INSERT INTO spend.budgets (name, amount, cost_center, period) VALUES ('day of center', 100, 'cc-1', 'day') RETURNING name;
CALL regress.clean();

-- What counts where: scope with one value, several, none; grouped; values in any spelling.
INSERT INTO spend.budgets (name, amount, scope, group_by, period, on_exceeded) VALUES
  ('all', 1000, '{}', '{}', 'total', 'alert'),
  ('search', 1000, '{"team": " SEARCH "}', '{}', 'total', 'alert'),
  ('two teams in prod', 1000, '{"team": ["search", "ads"], "environment": "Prod"}', '{}', 'total', 'alert'),
  ('each team', 1000, '{}', '{team}', 'total', 'alert'),
  ('each team and env', 1000, '{"team": "search"}', '{environment,team}', 'total', 'alert');
INSERT INTO spend.usage (occurred_at, team, environment, request_model, input_tokens) VALUES
  ('2020-05-01', 'Search', 'prod', 'm', 1), ('2020-05-01', 'search ', 'PROD', 'm', 2), ('2020-05-01', 'search', NULL, 'm', 4), ('2020-05-01', 'ads', 'prod', 'm', 8), ('2020-05-01', NULL, 'prod', 'm', 16),
  ('2020-05-01', 'search', 'prod', 'unknown', 32), ('2020-05-01', 'search', 'prod', 'e', 64);
SELECT budget, grp, spent, calls, unpriced FROM regress.counters;
SELECT * FROM spend.verify();
-- A row that leaves the scope leaves the counter, a deleted row too; what is priced anew moves by the difference; re-tagging keeps the cost.
UPDATE spend.usage SET team = 'Ads' WHERE input_tokens = 4;
UPDATE spend.usage SET input_tokens = 100 WHERE input_tokens = 8;
DELETE FROM spend.usage WHERE input_tokens = 16;
UPDATE spend.usage SET request_model = 'm' WHERE input_tokens = 32;
SELECT budget, grp, spent, calls, unpriced FROM regress.counters;
SELECT * FROM spend.verify();
-- Savepoints, and a transaction that takes everything back.
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'new', 'm', 1);
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'new', 'm', 2);
SAVEPOINT b;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'new', 'm', 4);
DELETE FROM spend.usage WHERE input_tokens = 2;
ROLLBACK TO b;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'new', 'm', 8);
RELEASE a;
SELECT * FROM spend.verify();
COMMIT;
SELECT grp, spent, calls FROM regress.counters WHERE budget = 'each team' AND grp = '{"team": "new"}';
BEGIN;
DELETE FROM spend.usage;
ROLLBACK;
SELECT budget, grp, spent, calls FROM regress.counters WHERE budget = 'all';
SELECT * FROM spend.verify();
-- An exception caught in PL/pgSQL is a savepoint too.
DO $$
BEGIN
  FOR i IN 1..5 LOOP
    BEGIN
      INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-05-01', 'loop', 'm', i);
      IF i % 2 = 0 THEN RAISE EXCEPTION 'even'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END
$$;
SELECT spent, calls, 1 + 3 + 5 AS by_hand FROM regress.counters WHERE grp = '{"team": "loop"}';
SELECT * FROM spend.verify();
CALL regress.clean();

-- Measures, and currencies: what the budget cannot express counts as unpriced.
INSERT INTO spend.budgets (name, amount, measure, period, currency, on_exceeded) VALUES ('usd', 100, 'cost', 'total', NULL, 'alert'), ('eur', 100, 'cost', 'total', 'EUR', 'alert'), ('tokens', 100, 'tokens', 'total', NULL, 'alert'), ('calls', 100, 'calls', 'total', NULL, 'alert');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cache_read_tokens, output_tokens, output_reasoning_tokens) VALUES
  ('2020-05-01', 'm', 10, 4, 5, 2), ('2020-05-01', 'e', 20, NULL, NULL, NULL), ('2020-05-01', 'unknown', 0.5, NULL, NULL, NULL), ('2020-05-01', 'm', NULL, NULL, NULL, NULL);
SELECT budget, spent, calls, unpriced FROM regress.counters;
SELECT budget_name, currency, spent::text, calls, unpriced_calls FROM spend.budget_status ORDER BY budget_id;
SELECT * FROM spend.verify();
CALL regress.clean();

-- Periods begin in the budget's zone: a day, a week (Monday), a month, a quarter, a year, an hour, of the same moment.
INSERT INTO spend.budgets (name, amount, measure, period, time_zone) SELECT p || ' ' || z, 100, 'calls', p, z FROM unnest(ARRAY['UTC', 'Pacific/Auckland', 'Asia/Kolkata']) AS z, unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year', 'total']) AS p;
INSERT INTO spend.usage (occurred_at) VALUES ('2020-05-31 12:30+00');
SELECT budget, period_start, period_end FROM regress.counters JOIN (SELECT budget_id, period_start, period_end, b.name AS budget FROM spend._counter_totals JOIN spend.budgets AS b USING (budget_id)) AS c USING (budget, period_start);
-- Half-open: the last microsecond of a day and the first of the next; days of 23 and 25 hours where clocks change.
CALL regress.clean();
INSERT INTO spend.budgets (name, amount, measure, period, time_zone) VALUES ('berlin', 100, 'calls', 'day', 'Europe/Berlin');
INSERT INTO spend.usage (occurred_at) VALUES ('2020-03-28 23:59:59.999999+01'), ('2020-03-29 00:00+01'), ('2020-03-29 23:59:59.999999+02'), ('2020-03-30 00:00+02'), ('2020-10-25 00:00+02'), ('2020-10-25 23:59:59.999999+01'), ('2020-10-26 00:00+01');
SELECT c.period_start AT TIME ZONE 'Europe/Berlin' AS day, c.spent, c.period_end - c.period_start AS length FROM spend._counter_totals AS c ORDER BY c.period_start;
SELECT * FROM spend.verify();
-- Zones and times whose offset is no quarter of an hour are counted the same way everywhere.
INSERT INTO spend.budgets (name, amount, measure, period, time_zone) VALUES ('posix', 100, 'calls', 'hour', '<x>+05:07'), ('local mean time', 100, 'calls', 'day', 'Europe/Amsterdam');
INSERT INTO spend.usage (occurred_at) SELECT t + i * interval '1 minute' FROM unnest(ARRAY['2020-05-01 00:00+00', '1850-01-01 22:00+00']::timestamptz[]) AS t, generate_series(0, 240) AS i;
SELECT budget, count(*) AS periods, sum(spent) AS spent FROM regress.counters WHERE budget <> 'berlin' GROUP BY 1 ORDER BY budget COLLATE "C";
SELECT * FROM spend.verify();
CALL regress.clean();

-- A reject budget answers in the statement, with the figures; the limit itself may be reached.
INSERT INTO spend.budgets (name, amount, on_exceeded, scope, thresholds) VALUES ('cap', 10, 'reject', '{"team": "a"}', '{}');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 4), ('2999-05-02', 'a', 'm', 3.5) RETURNING cost;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 2.500000000000000001);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 2.5) RETURNING cost;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'A ', 'm', 0.000000000000000001);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 1)$$);
-- What costs nothing is not refused, nor what is not covered, nor another period, nor a period that is over.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 0), ('2999-05-03', 'b', 'm', 99), ('2999-06-01', 'a', 'm', 10), ('2020-05-01', 'a', 'm', 99) RETURNING cost;
SELECT budget, period_start, spent, calls FROM regress.counters;
-- A statement that crosses the limit fails as a whole, in one row or in many, also COPY.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2999-07-01', CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, 'm', 1 FROM generate_series(1, 22) AS i;
SELECT count(*) AS stored FROM spend.usage WHERE occurred_at = '2999-07-01';
COPY spend.usage (occurred_at, team, request_model, input_tokens) FROM STDIN;
2999-07-01 00:00:00+00	a	m	6
2999-07-01 00:00:00+00	a	m	5
\.
SELECT count(*) AS stored FROM spend.usage WHERE occurred_at = '2999-07-01';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2999-07-01', 'a', 'm', 1 FROM generate_series(1, 10) AS i;
-- What reports a fact is recorded, as debt: UPDATE and a lowered limit; then the gate is shut until there is room again.
UPDATE spend.usage SET input_tokens = 8 WHERE occurred_at = '2999-05-01' RETURNING cost;
SELECT spent FROM regress.counters WHERE period_start = '2999-05-01';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 1);
UPDATE spend.budgets SET amount = 20;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 6) RETURNING cost;
UPDATE spend.budgets SET amount = 5;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 1);
DELETE FROM spend.usage WHERE occurred_at = '2999-05-01';
DELETE FROM spend.usage WHERE occurred_at = '2999-05-03' AND input_tokens >= 2.5;
SELECT spent FROM regress.counters WHERE period_start = '2999-05-01';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-03', 'a', 'm', 1.5) RETURNING cost;
SELECT * FROM spend.verify();
-- Within one transaction its own rows count, savepoint by savepoint; a refusal costs no more than its statement.
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 3);
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 2);
SAVEPOINT b;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 1);
ROLLBACK TO b;
DELETE FROM spend.usage WHERE occurred_at = '2999-08-01' AND input_tokens = 3;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 3) RETURNING cost;
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 2) RETURNING cost;
SAVEPOINT c;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-08-01', 'a', 'm', 0.1);
ROLLBACK TO c;
COMMIT;
SELECT spent, calls FROM regress.counters WHERE period_start = '2999-08-01';
SELECT * FROM spend.verify();
-- Several budgets: the first that has no room refuses, by name; grouped ones name the group, each group has the whole amount.
CALL regress.clean();
INSERT INTO spend.budgets (name, amount, on_exceeded, measure, period, group_by) VALUES ('per user', 3, 'reject', 'calls', 'day', '{user_id,team}'), ('tokens', 100, 'reject', 'tokens', 'total', '{}'), ('company', 1000, 'reject', 'cost', 'year', '{}');
INSERT INTO spend.usage (occurred_at, user_id, input_tokens, request_model) SELECT '2999-05-01', u, 1, 'm' FROM unnest(ARRAY['ann', 'Ann', 'bob', 'ANN', 'bob', NULL]) AS u;
INSERT INTO spend.usage (occurred_at, user_id, team, input_tokens, request_model) VALUES ('2999-05-01 23:00', 'ann', 't', 1, 'm');
INSERT INTO spend.usage (occurred_at, user_id, input_tokens, request_model) VALUES ('2999-05-01 23:00', 'ann', 1, 'm');
INSERT INTO spend.usage (occurred_at, user_id, input_tokens, output_tokens, request_model) VALUES ('2999-05-01 23:00', 'zoe', 50, 44, 'm');
INSERT INTO spend.usage (occurred_at, user_id, input_tokens, output_tokens, request_model) VALUES ('2999-05-01 23:00', 'zoe', 50, 43, 'm') RETURNING cost;
SELECT budget, period_start, grp, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();

-- Rows without a price: only a reject budget that denies refuses them, whatever was spent; what has another currency has no price for it.
INSERT INTO spend.budgets (name, amount, scope, on_exceeded, on_unpriced, period) VALUES
  ('reject deny', 100, '{"team": "rd"}', 'reject', NULL, 'total'), ('reject allow', 100, '{"team": "ra"}', 'reject', 'allow', 'total'), ('halt', 100, '{"team": "h"}', 'halt', NULL, 'total'), ('alert', 100, '{"team": "al"}', 'alert', 'deny', 'total');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'rd', 'unknown', 1);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'rd', 'e', 1);
INSERT INTO spend.usage (occurred_at, team, input_tokens) VALUES ('2999-05-01', 'rd', 1);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2999-05-01', t, m, 1 FROM unnest(ARRAY['ra', 'h', 'al']) AS t, unnest(ARRAY['unknown', 'e', 'm']) AS m;
SELECT budget, spent, calls, unpriced FROM regress.counters;
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'rd', 'unknown', 1)$$);
-- Tokens and calls are known without a price.
UPDATE spend.budgets SET measure = 'tokens' WHERE name = 'reject deny';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'rd', 'unknown', 1) RETURNING cost;
SELECT * FROM spend.verify();
CALL regress.clean();

-- Alerts: one per counter and threshold, in the transaction that crosses it; several at once in one jump.
INSERT INTO spend.budgets (name, amount, scope, thresholds) VALUES ('warn', 10, '{"team": "a"}', '{50,80,100,120.5}');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 4.999999999999999999);
SELECT * FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 0.000000000000000001);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 1);
SELECT * FROM regress.alerts;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 2);
SAVEPOINT s;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 50);
ROLLBACK TO s;
COMMIT;
SELECT percent, spent FROM regress.alerts;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 2);
ROLLBACK;
SELECT count(*) AS alerts FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 5);
SELECT event, percent, spent FROM regress.alerts;
-- Gone back and crossed again: said once. Another period, another alert; a period that is over rings no bell.
DELETE FROM spend.usage;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-05-01', 'a', 'm', 9), ('2020-05-01', 'a', 'm', 9);
SELECT count(*) AS alerts FROM regress.alerts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-06-01', 'a', 'm', 9);
SELECT event, percent, period_start, spent FROM regress.alerts WHERE period_start > '2999-05-01';
-- A budget over history says the highest threshold that is crossed, not all of them; groups say which.
INSERT INTO spend.budgets (name, amount, group_by, period, thresholds, measure) VALUES ('history', 10, '{team}', 'total', '{10,20,30}', 'tokens');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-06-01', 'a', 'm', 1), ('2999-06-01', NULL, 'm', 1.5);
SELECT event, percent, grp, spent, amount, currency FROM regress.alerts WHERE budget = 'history';
-- A limit of zero is exceeded by the first cent.
INSERT INTO spend.budgets (name, amount, scope, period) VALUES ('nothing', 0, '{"team": "zero"}', 'total');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-06-01', 'zero', 'm', 0);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-06-01', 'zero', 'm', 0.01);
SELECT event, percent, spent, amount FROM regress.alerts WHERE budget = 'nothing';
SELECT budget_name, used_percent, is_exceeded FROM spend.budget_status WHERE budget_name = 'nothing';
-- Listeners are woken once per transaction, whatever was crossed.
\o | sed 's/process with PID [0-9]*/process N/'
LISTEN spend_alert;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-07-01', 'a', 'm', 100), ('2999-08-01', 'a', 'm', 100);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2999-07-01', 'a', 'm', 100);
UNLISTEN spend_alert;
\o
SELECT count(*) AS alerts FROM regress.alerts WHERE period_start IN ('2999-07-01', '2999-08-01');
SELECT * FROM spend.verify();
CALL regress.clean();

-- A budget of this very transaction is enforced at once, over what was there before, and counted afterwards.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 3);
BEGIN;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 2);
INSERT INTO spend.budgets (name, amount, on_exceeded, period) VALUES ('own', 10, 'reject', 'total');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 2.1);
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 4) RETURNING cost;
SELECT budget_name, spent::text, calls FROM spend.budget_status;
COMMIT;
SELECT count(*) AS stored_counters FROM spend._counter_totals;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 0.1);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 0) RETURNING cost;
SELECT budget, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
-- Redefined: another scope counts anew, from rows; another amount or name does not.
UPDATE spend.budgets SET name = 'renamed', amount = 11, thresholds = '{90}', owner = 'me' RETURNING generation;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2999-05-01', 'm', 1, 'a') RETURNING cost;
UPDATE spend.budgets SET scope = '{"team": "a"}' RETURNING generation;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2999-05-01', 'm', 9, 'a') RETURNING cost;
SELECT budget, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
BEGIN;
UPDATE spend.budgets SET scope = '{}';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
ROLLBACK;
SELECT budget, spent FROM regress.counters;
SELECT action, subject FROM spend.maintain(0) WHERE action = 'removed counters';
-- Valid for a time only.
UPDATE spend.budgets SET valid_during = '[2999-05-10, 2999-05-20)', scope = '{}';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-09 23:59:59.999999', 'm', 99), ('2999-05-10', 'm', 11), ('2999-05-20', 'm', 99) RETURNING cost;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-19 23:59:59.999999', 'm', 1);
SELECT budget, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();
-- Settings: the zone and the currency of budgets that name none.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('by settings', 100, 'day', 'reject');
INSERT INTO spend.budgets (name, amount, period, time_zone, currency, on_exceeded) VALUES ('by itself', 100, 'day', 'UTC', 'USD', 'alert');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01 23:30+00', 'm', 60);
INSERT INTO spend.settings (time_zone) VALUES ('Europe/Berlin');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-02 10:00+00', 'm', 50);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-02 10:00+00', 'm', 40) RETURNING cost;
SELECT budget, period_start, spent FROM regress.counters;
SELECT * FROM spend.verify();
UPDATE spend.settings SET currency = 'EUR';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-02 10:00+00', 'm', 1);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-02 10:00+00', 'e', 1) RETURNING cost;
SELECT budget, period_start, spent, calls, unpriced FROM regress.counters;
SELECT * FROM spend.verify();
SELECT regress.error($$UPDATE spend.settings SET time_zone = 'Nowhere/City'$$);
SELECT split_part(regress.error($$INSERT INTO spend.settings (singleton) VALUES (false)$$), E'\n', 1) AS error, split_part(regress.error($$INSERT INTO spend.settings DEFAULT VALUES$$), E'\n', 1) AS second;
DELETE FROM spend.settings;
CALL regress.clean();

-- What a transaction does between its rows and its COMMIT changes nothing.
CREATE ROLE regress_nobody;
INSERT INTO spend.budgets (name, amount, period) VALUES ('deferred', 10, 'total');
BEGIN;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 9);
SET TRANSACTION READ ONLY;
COMMIT;
BEGIN;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
SET LOCAL ROLE regress_nobody;
SET LOCAL search_path = '';
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
SET CONSTRAINTS ALL IMMEDIATE;
COMMIT;
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1) RETURNING cost, recorded_at;
COMMIT;
-- Rows written by a deferred trigger at COMMIT are counted like all others.
CREATE TABLE regress.orders (tokens numeric);
CREATE FUNCTION regress.order_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', NEW.tokens);
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER order_usage AFTER INSERT ON regress.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regress.order_usage();
INSERT INTO regress.orders VALUES (5), (6);
SELECT budget, spent, calls FROM regress.counters;
SELECT percent, spent FROM regress.alerts;
SELECT * FROM spend.verify();
DROP TABLE regress.orders;
-- Procedures that commit in between.
CREATE PROCEDURE regress.commit_each() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..3 LOOP
    INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
    COMMIT;
  END LOOP;
  INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 100);
  ROLLBACK;
END
$$;
CALL regress.commit_each();
SELECT budget, spent, calls FROM regress.counters;
SELECT * FROM spend.verify();
DROP ROLE regress_nobody;
-- Deleting a budget in the transaction that moved it, and dropping everything.
BEGIN;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
DELETE FROM spend.budgets;
COMMIT;
BEGIN;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-05-01', 'm', 1);
SET LOCAL client_min_messages = error;
DROP EXTENSION pg_spend CASCADE;
COMMIT;
SELECT to_regclass('spend.usage') IS NULL AS gone;
