-- spend.verify(): silent when counters say what rows say, and plain about every drift, made here on purpose.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
SET client_min_messages = error;
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded, measure) VALUES ('cost', 1000, 'month', '{team}', 'alert', 'cost'), ('tokens', 1000, 'total', '{}', 'reject', 'tokens'), ('calls', 1000, 'year', '{}', 'halt', 'calls');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-01', 'a', 'm', 1.5), ('2020-01-02', 'b', 'm', 2), ('2020-02-01', 'a', 'm', 4), ('2020-02-01', 'a', 'unknown', 8);
RESET client_min_messages;
-- What is to be falsified must stand in one place.
SELECT spend._fold_counters() >= 0 AS folded;
SELECT * FROM spend.verify();
-- Amounts, calls and unpriced calls that are wrong.
UPDATE spend.counters SET spent = spent + 0.000000000000000001 WHERE group_values = '{"team": "b"}';
SELECT * FROM spend.verify();
UPDATE spend.counters SET spent = spent - 0.000000000000000001 WHERE group_values = '{"team": "b"}';
UPDATE spend.counters AS c SET calls = c.calls + 1 FROM spend.budgets AS b WHERE b.budget_id = c.budget_id AND b.name = 'calls';
SELECT * FROM spend.verify();
UPDATE spend.counters AS c SET calls = c.calls - 1 FROM spend.budgets AS b WHERE b.budget_id = c.budget_id AND b.name = 'calls';
UPDATE spend.counters SET unpriced_calls = 0 WHERE unpriced_calls > 0;
SELECT budget, period_start, group_values, difference FROM spend.verify();
UPDATE spend.counters SET unpriced_calls = 1 WHERE group_values = '{"team": "a"}' AND period_start = '2020-02-01';
SELECT * FROM spend.verify();
-- Rows that came or went behind the ledger's back.
BEGIN;
ALTER TABLE spend.usage_default DISABLE TRIGGER ALL;
DELETE FROM spend.usage WHERE input_tokens = 4;
ALTER TABLE spend.usage_default ENABLE TRIGGER ALL;
SELECT budget, period_start, group_values, counter, from_rows, difference, counter_calls, calls_from_rows FROM spend.verify() ORDER BY budget COLLATE "C", period_start;
ROLLBACK;
BEGIN;
ALTER TABLE spend.usage_default DISABLE TRIGGER ALL;
UPDATE spend.usage SET cost = cost * 2 WHERE input_tokens = 2;
ALTER TABLE spend.usage_default ENABLE TRIGGER ALL;
SELECT budget, group_values, counter, from_rows, difference FROM spend.verify();
ROLLBACK;
-- A counter for rows that are not there, and one that is missing: the former is reported, the latter is loaded when it is needed.
BEGIN;
INSERT INTO spend.counters SELECT budget_id, generation, '2021-01-01', group_hash, '2021-02-01', group_values, 7, 1, 0, 0 FROM spend._counter_totals WHERE group_values = '{"team": "b"}';
SELECT budget, period_start, counter, from_rows FROM spend.verify();
ROLLBACK;
DELETE FROM spend.counters WHERE group_values = '{"team": "a"}';
SELECT * FROM spend.verify();
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-03', 'a', 'm', 10);
SELECT spent, calls FROM spend._counter_totals WHERE group_values = '{"team": "a"}';
SELECT * FROM spend.verify();
-- Within a transaction that is not yet committed, its own rows are taken into account.
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-03', 'b', 'm', 100);
UPDATE spend.usage SET team = 'c' WHERE input_tokens = 2;
DELETE FROM spend.usage WHERE input_tokens = 1.5;
SELECT * FROM spend.verify();
COMMIT;
SELECT * FROM spend.verify();
-- Thousands of random movements in savepoints, some of them rolled back: still the sum of the rows.
SELECT setseed(0.5);
DO $$
BEGIN
  FOR i IN 1..150 LOOP
    BEGIN
      INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2020-01-01'::timestamptz + random() * 90 * interval '1 day', chr(97 + (random() * 5)::integer), 'm', round((random() * 0.1)::numeric, 6) FROM generate_series(1, 25);
      UPDATE spend.usage SET team = chr(97 + (random() * 5)::integer) WHERE usage_id % 97 = i % 97;
      UPDATE spend.usage SET input_tokens = input_tokens + 0.000001 WHERE usage_id % 89 = i % 89;
      DELETE FROM spend.usage WHERE usage_id % 83 = i % 83;
      IF i % 3 = 0 THEN RAISE EXCEPTION 'back'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END
$$;
SELECT * FROM spend.verify();
SELECT count(*) > 100 AS many_rows, sum(cost) = sum(input_tokens) FILTER (WHERE cost IS NOT NULL) AS cost_adds_up FROM spend.usage;
SELECT (SELECT sum(spent) FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'cost') = sum(cost) AS counters_equal_ledger FROM spend.usage;
