-- A counter that has no row of its own starts from rollups where there are more rows than are quickly read, and is the same to the last
-- digit as one that starts from the rows: verify() always reads these.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.37/1", "output_tokens": "1/3"}}', '-infinity') AS usd,
       spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') AS eur \gset
INSERT INTO spend.settings (time_zone) VALUES ('America/New_York');
-- Four months of 2020, days of more than a thousand rows where clocks change in New York and on Lord Howe Island, and the last forty days
-- with one hour of many rows.
CREATE VIEW regress.times AS
SELECT i, '2020-02-01'::timestamptz + i * interval '39 minutes' AS at FROM generate_series(0, 4400) AS i
UNION ALL SELECT i, '2020-03-08 05:00'::timestamptz + i * interval '71 seconds' FROM generate_series(0, 1150) AS i
UNION ALL SELECT i, '2020-04-04 13:00'::timestamptz + i * interval '71 seconds' FROM generate_series(0, 1150) AS i
UNION ALL SELECT i, date_trunc('hour', now()) - interval '40 days' + i * interval '3 hours' FROM generate_series(0, 310) AS i
UNION ALL SELECT i, date_trunc('hour', now()) - interval '3 days' + i * interval '3 seconds' FROM generate_series(0, 1199) AS i;
CREATE PROCEDURE regress.write(of_five integer[]) LANGUAGE sql AS $$
  INSERT INTO spend.usage (occurred_at, team, user_id, environment, run_id, request_model, input_tokens, output_tokens)
  SELECT t.at, 'team-' || t.i % 3, CASE WHEN t.i % 7 > 0 THEN 'user-' || t.i % 7 END, 'prod', 'run-' || t.i % 5, (ARRAY['m', 'm', 'e', 'nobody'])[1 + t.i % 4], t.i % 11, t.i % 4
  FROM regress.times AS t WHERE t.i % 5 = ANY (of_five);
$$;
SET client_min_messages = error;
CALL regress.write('{0, 1, 2}');
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
-- Some of it is not folded, and some of the folded rows change.
CALL regress.write('{3, 4}');
DELETE FROM spend.usage WHERE occurred_at < '2020-06-20' AND input_tokens = 9;
UPDATE spend.usage SET team = 'team-9', output_tokens = 40 WHERE occurred_at < '2020-06-20' AND input_tokens = 10 AND output_tokens = 0;
RESET client_min_messages;
SELECT count(*) FROM spend.verify_rollups();

-- Every kind of period in four zones, every measure, groups and conditions; loaded by the rows of one statement.
CREATE PROCEDURE regress.make_budgets() LANGUAGE sql AS $$
  INSERT INTO spend.budgets (name, amount, measure, period, time_zone, group_by, scope, valid_during, on_exceeded)
  SELECT concat_ws(' ', k.measure, p.period, z.zone, k.valid), 1, k.measure, p.period, z.zone, k.group_by, k.scope, k.valid, 'alert'
  FROM unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year', 'total']) AS p(period)
  CROSS JOIN unnest(ARRAY['America/New_York', 'UTC', 'Asia/Kathmandu', 'Australia/Lord_Howe']) AS z(zone)
  JOIN (VALUES ('cost', '{}'::text[], '{}'::jsonb, '(,)'::tstzrange, '.*'), ('tokens', '{team}', '{"environment": "prod"}', '(,)', 'Amer.*(day|month|total)'),
    ('calls', '{user_id}', '{"team": {"not": "team-1"}}', '(,)', 'Asia.*(hour|day|month)'), ('cost', '{}', '{}', '[2020-02-10 05:00+00,2020-04-20 16:15+00)', 'UTC.*(month|total)'))
    AS k(measure, group_by, scope, valid, which) ON z.zone || p.period ~ k.which;
$$;
CREATE VIEW regress.looks AS
SELECT at FROM unnest(ARRAY['2020-02-10 12:00', '2020-03-08 12:00', '2020-04-04 20:00', '2020-04-20 16:14']::timestamptz[]) AS at
UNION ALL SELECT date_trunc('hour', now()) - interval '3 days' + interval '10 minutes';
CREATE PROCEDURE regress.load() LANGUAGE sql AS $$
  INSERT INTO spend.usage (occurred_at, team, user_id, environment, request_model, input_tokens)
  SELECT l.at, 'team-0', 'user-1', 'prod', 'm', 2 FROM regress.looks AS l;
$$;
CALL regress.make_budgets();
CALL regress.load();
SELECT count(*) > 80 AS many, count(*) FILTER (WHERE c.calls > 1000) > 40 AS many_of_many_rows FROM spend._counter_totals AS c;
SELECT count(*) FROM spend.verify();
-- The same with everything folded.
DELETE FROM spend.budgets;
DELETE FROM spend.counters;
SET client_min_messages = error;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
RESET client_min_messages;
-- All of them are folded; dead ones take part in the choice.
TRUNCATE spend.rollup_deltas;
CALL regress.make_budgets();
CALL regress.load();
SELECT count(*) FROM spend.verify();

-- Where a counter comes from: sums that somebody has spoilt come up in it, and verify() says so and sets it right, from the rows.
DELETE FROM spend.budgets;
DELETE FROM spend.counters;
BEGIN;
UPDATE spend.rollup_months SET calls = calls + 1000000000;
UPDATE spend.rollup SET calls = calls + 1000000;
UPDATE spend.rollup_quarters SET calls = calls + 10000;
COMMIT;
CREATE VIEW regress.sources AS
SELECT b.name AS budget, (c.period_start AT TIME ZONE b.time_zone)::date AS since, v.difference >= 1000000000 AS months, v.difference % 1000000000 >= 1000000 AS days, v.difference % 1000000 >= 10000 AS quarters
FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id)
LEFT JOIN spend.verify() AS v ON v.budget = b.name AND v.period_start = c.period_start AND v.group_values = c.group_values;
CREATE PROCEDURE regress.probe(at timestamptz, name text, period text, zone text, scope jsonb) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO spend.budgets (name, amount, measure, period, time_zone, scope, on_exceeded) VALUES (name, 1, 'calls', period, zone, scope, 'alert');
  COMMIT;
  INSERT INTO spend.usage (occurred_at, team, run_id, request_model) VALUES (at, 'team-0', 'run-0', 'm');
END
$$;
CALL regress.probe('2020-03-10 12:00+00', 'total', 'total', 'UTC', '{}');
CALL regress.probe('2020-03-10 12:00+00', 'year', 'year', 'America/New_York', '{}');
CALL regress.probe('2020-03-10 12:00+00', 'month there', 'month', 'America/New_York', '{}');
CALL regress.probe('2020-03-10 12:00+00', 'month in UTC', 'month', 'UTC', '{}');
CALL regress.probe('2020-03-08 12:00+00', 'day there', 'day', 'America/New_York', '{}');
-- A bound within a day that is not kept by the quarter hour any more; row dimensions; few rows: from the rows.
CALL regress.probe('2020-03-10 12:00+00', 'month in Kathmandu', 'month', 'Asia/Kathmandu', '{}');
CALL regress.probe('2020-03-10 12:00+00', 'run', 'total', 'UTC', '{"run_id": "run-0"}');
CALL regress.probe('2020-03-20 12:00+00', 'week', 'week', 'UTC', '{}');
-- A recent hour, by its quarters.
CALL regress.probe(date_trunc('hour', now()) - interval '3 days', 'hour', 'hour', 'UTC', '{}');
SELECT budget, months, days, quarters FROM regress.sources WHERE since = '-infinity' OR since < '2020-05-01' OR budget = 'hour' ORDER BY budget COLLATE "C", since;
-- A ledger without a state of its rollups has just been made, or is being restored.
INSERT INTO spend.budgets (name, amount, measure, period, on_exceeded) VALUES ('restored', 1, 'calls', 'year', 'alert');
BEGIN;
DELETE FROM spend.rollup_state;
COMMIT;
INSERT INTO spend.usage (occurred_at) VALUES ('2020-03-10 12:00+00');
SELECT budget, months, days, quarters FROM regress.sources WHERE budget = 'restored';
INSERT INTO spend.rollup_state (time_zone) VALUES ('America/New_York');
SELECT count(*) > 0 AS wrong FROM spend.verify(repair => true);
SELECT count(*) FROM spend.verify();
UPDATE spend.rollup_months SET calls = calls - 1000000000 WHERE calls >= 1000000000;
UPDATE spend.rollup SET calls = calls - 1000000 WHERE calls >= 1000000;
UPDATE spend.rollup_quarters SET calls = calls - 10000 WHERE calls >= 10000;
SELECT count(*) FROM spend.verify_rollups();
-- A writer's late row counts in the period in which it was written, once.
CREATE ROLE regress_rollup_writer;
SELECT spend.grant_access('regress_rollup_writer', 'writer');
SET ROLE regress_rollup_writer;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2020-03-10 12:00+00', 'm', 1), (now() - interval '2 days', 'm', 1);
RESET ROLE;
INSERT INTO spend.budgets (name, amount, measure, period, valid_during, on_exceeded)
SELECT 'late', 1, 'calls', 'total', tstzrange(date_trunc('hour', now()) - interval '4 days', NULL), 'alert';
INSERT INTO spend.usage (occurred_at) VALUES (now());
SELECT c.calls - (SELECT count(*) FROM spend.usage WHERE occurred_at >= lower(b.valid_during)) AS late FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) WHERE b.name = 'late';
SELECT count(*) FROM spend.verify();
-- Nor from rollups where rows were dropped: they know more than the rows. Counters that a dropped month was noted for keep it.
DELETE FROM spend.budgets;
DELETE FROM spend.counters;
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
CALL regress.probe('2020-03-10 12:00+00', 'before', 'total', 'UTC', '{}');
SELECT action, month FROM spend.drop_rows('2020-03-01');
CALL regress.probe('2020-03-10 12:00+00', 'after', 'total', 'UTC', '{}');
SELECT a.calls < b.calls AS fewer FROM spend._counter_totals AS a, spend._counter_totals AS b
WHERE a.budget_id = (SELECT budget_id FROM spend.budgets WHERE name = 'after') AND b.budget_id = (SELECT budget_id FROM spend.budgets WHERE name = 'before');
SELECT * FROM spend.verify();
-- Of a budget that was there when rows were dropped, a counter that is first moved afterwards has what they contributed, too.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2020-04-10 12:00+00', 'm', 5);
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
INSERT INTO spend.budgets (name, amount, measure, period, on_exceeded, on_unpriced) VALUES ('unmoved', 1000000, 'calls', 'total', 'reject', 'allow');
SELECT count(*) AS calls FROM spend.usage \gset
SELECT count(*) > 0 AS dropped FROM spend.drop_rows('2020-05-01');
INSERT INTO spend.usage (occurred_at) VALUES (now());
SELECT c.calls - :calls AS further FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) WHERE b.name = 'unmoved';
SELECT * FROM spend.verify();
DROP OWNED BY regress_rollup_writer;
DROP ROLE regress_rollup_writer;
