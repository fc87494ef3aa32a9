-- Where the periods of a budget begin: weeks and fiscal years as the organisation says, days on which clocks change, a range, a rolling window.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS usd \gset
CREATE VIEW regress.counters AS
SELECT b.name AS budget, c.period_start, c.period_end, c.spent, c.calls
FROM spend._counter_totals AS c JOIN spend._budget_periods() AS p USING (budget_id, generation) JOIN spend.budgets AS b ON b.budget_id = c.budget_id
ORDER BY b.budget_id, c.period_start;
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
$$;
CREATE FUNCTION regress.period_of(zone text, period text, at text, OUT starts text, OUT ends text, OUT length interval) LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  INSERT INTO spend.budgets (name, amount, period, time_zone, on_exceeded) VALUES ('probe', 1, period, zone, 'alert') RETURNING budget_id INTO id;
  SELECT (p.period_start AT TIME ZONE zone)::text, (p.period_end AT TIME ZONE zone)::text, p.period_end - p.period_start INTO starts, ends, length FROM spend._budget_period(id, (at::timestamptz)) AS p;
  DELETE FROM spend.budgets WHERE budget_id = id;
END
$$;

-- Weeks begin on the organisation's day, fiscal years in its month; a change of either begins new counters.
SELECT * FROM regress.period_of('UTC', 'week', '2026-11-25 12:00+00');
INSERT INTO spend.settings (week_start, fiscal_year_start) VALUES (7, 7);
SELECT * FROM regress.period_of('UTC', 'week', '2026-11-25 12:00+00');
SELECT * FROM regress.period_of('UTC', 'week', '2026-11-22 00:00+00');
SELECT * FROM regress.period_of('UTC', 'week', '2026-11-21 23:59+00');
SELECT * FROM regress.period_of('America/New_York', 'week', '2026-11-01 12:00+00');
SELECT * FROM regress.period_of('UTC', 'fiscal_year', '2026-06-30 23:59+00');
SELECT * FROM regress.period_of('UTC', 'fiscal_year', '2026-07-01 00:00+00');
SELECT * FROM regress.period_of('Asia/Kolkata', 'fiscal_year', '2026-06-30 18:30+00');
UPDATE spend.settings SET week_start = 6, fiscal_year_start = 4;
SELECT * FROM regress.period_of('UTC', 'week', '2026-11-25 12:00+00');
SELECT * FROM regress.period_of('UTC', 'fiscal_year', '2026-02-28 12:00+00');
INSERT INTO spend.budgets (name, amount, measure, period) VALUES ('week', 100, 'calls', 'week'), ('fiscal', 100, 'calls', 'fiscal_year'), ('month', 100, 'calls', 'month');
INSERT INTO spend.usage (occurred_at) SELECT '2026-01-01'::timestamptz + i * interval '1 day' FROM generate_series(0, 119) AS i;
SELECT budget, period_start AT TIME ZONE 'UTC' AS since, spent FROM regress.counters WHERE budget <> 'week' OR period_start < '2026-01-20';
UPDATE spend.settings SET week_start = 1, fiscal_year_start = 1;
INSERT INTO spend.usage (occurred_at) VALUES ('2026-03-31 23:59'), ('2026-01-05');
SELECT budget, period_start AT TIME ZONE 'UTC' AS since, spent FROM regress.counters WHERE budget <> 'month';
SELECT * FROM spend.verify();
CALL regress.clean();
DELETE FROM spend.settings;

-- Days of 23, 24.5, 23.5 and 25 hours; midnight that does not come (São Paulo 2017), comes twice (Havana 2025); zones with half and quarter hours.
SELECT z.zone, z.at, p.* FROM (VALUES
  ('Europe/Berlin', '2026-03-29 12:00+00'), ('Europe/Berlin', '2026-10-25 12:00+00'), ('Australia/Lord_Howe', '2026-04-05 00:00+00'), ('Australia/Lord_Howe', '2026-10-04 00:00+00'),
  ('America/Sao_Paulo', '2017-10-15 12:00+00'), ('America/Sao_Paulo', '2017-10-14 12:00+00'), ('America/Sao_Paulo', '2018-02-17 12:00+00'), ('America/Sao_Paulo', '2018-02-18 12:00+00'),
  ('America/Havana', '2025-11-02 04:30+00'), ('America/Havana', '2025-11-02 05:30+00'), ('America/Havana', '2025-11-01 12:00+00'),
  ('Asia/Kathmandu', '2026-05-01 18:15+00'), ('Asia/Kathmandu', '2026-05-01 18:14+00'), ('America/St_Johns', '2026-03-08 12:00+00'), ('Pacific/Apia', '2011-12-29 12:00+00')) AS z(zone, at)
CROSS JOIN LATERAL regress.period_of(z.zone, 'day', z.at) AS p;
SELECT z.zone, z.at, p.* FROM (VALUES ('Asia/Kolkata', '2026-05-01 18:29+00'), ('Asia/Kolkata', '2026-05-01 18:30+00'), ('Asia/Kathmandu', '2026-05-01 18:14+00')) AS z(zone, at)
CROSS JOIN LATERAL regress.period_of(z.zone, 'hour', z.at) AS p;
-- Periods of a zone follow each other without gap and overlap, through every change of its clocks, and each contains its times.
DO $$
DECLARE
  zone text;
  kind text;
  at timestamptz;
  until timestamptz;
  id bigint;
  p record;
BEGIN
  FOREACH zone IN ARRAY ARRAY['Europe/Berlin', 'America/Sao_Paulo', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'] LOOP
    FOREACH kind IN ARRAY ARRAY['day', 'week', 'month'] LOOP
      INSERT INTO spend.budgets (name, amount, period, time_zone, on_exceeded) VALUES ('probe', 1, kind, zone, 'alert') RETURNING budget_id INTO id;
      at := (SELECT q.period_start FROM spend._budget_period(id, '2017-01-01 12:00+00') AS q);
      until := CASE kind WHEN 'day' THEN '2018-04-01' ELSE '2020-01-01' END;
      WHILE at < until LOOP
        FOR p IN SELECT q.* FROM (SELECT q.period_end FROM spend._budget_period(id, at) AS q) AS first,
                 LATERAL unnest(ARRAY[at, at + (first.period_end - at) / 2, first.period_end - interval '1 microsecond']) AS inside, LATERAL spend._budget_period(id, inside) AS q LOOP
          IF p.period_start <> at THEN
            RAISE EXCEPTION '% in %: % begins at % and at %', kind, zone, at, at, p.period_start;
          END IF;
        END LOOP;
        at := p.period_end;
      END LOOP;
      DELETE FROM spend.budgets WHERE budget_id = id;
    END LOOP;
  END LOOP;
END
$$;
-- Rows around these midnights, and in hours that come twice, are counted once.
INSERT INTO spend.budgets (name, amount, measure, period, time_zone)
SELECT p || ' ' || z, 100, 'calls', p, z FROM unnest(ARRAY['America/Havana', 'America/Sao_Paulo', 'Australia/Lord_Howe']) AS z, unnest(ARRAY['hour', 'day']) AS p;
INSERT INTO spend.usage (occurred_at) SELECT t + i * interval '15 minutes' FROM unnest(ARRAY['2025-11-02 02:00+00', '2017-10-15 00:00+00', '2018-02-18 00:00+00', '2026-04-04 12:00+00', '2026-10-03 12:00+00']::timestamptz[]) AS t, generate_series(0, 39) AS i;
SELECT budget, count(*) AS periods, sum(spent) AS calls FROM regress.counters GROUP BY 1 ORDER BY budget COLLATE "C";
SELECT * FROM spend.verify();
-- The same when they are counted from the rows.
DELETE FROM spend.counters;
INSERT INTO spend.usage (occurred_at) SELECT t + i * interval '15 minutes' + interval '1 minute' FROM unnest(ARRAY['2025-11-02 02:00+00', '2017-10-15 00:00+00', '2018-02-18 00:00+00', '2026-04-04 12:00+00', '2026-10-03 12:00+00']::timestamptz[]) AS t, generate_series(0, 39) AS i;
SELECT budget, count(*) AS periods, sum(spent) AS calls FROM regress.counters GROUP BY 1 ORDER BY budget COLLATE "C";
SELECT * FROM spend.verify();
CALL regress.clean();

-- A range is one period, whatever its length.
SELECT regress.error($$INSERT INTO spend.budgets (name, amount, period) VALUES ('b', 1, 'range')$$);
SELECT regress.error($$INSERT INTO spend.budgets (name, amount, period, valid_during) VALUES ('b', 1, 'range', '[2026-01-01, infinity)')$$);
INSERT INTO spend.budgets (name, amount, period, valid_during, on_exceeded) VALUES ('campaign', 10, 'range', '[2999-02-10, 2999-04-20)', 'reject');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-02-10', 'm', 4), ('2999-04-19', 'm', 6), ('2999-04-20', 'm', 99), ('2999-02-09', 'm', 99);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-03-01', 'm', 1)$$);
SELECT budget, period_start, period_end, spent FROM regress.counters;
UPDATE spend.budgets SET valid_during = '[2999-02-10, 2999-04-21)';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2999-04-20', 'm', 0);
SELECT budget, period_start, period_end, spent FROM regress.counters;
SELECT * FROM spend.verify();
CALL regress.clean();
