-- Sums of a month by dimensions are those of the rows: asked for alone or together, in memory that does not hold them, folded or not, as one who sees
-- a part; and where a sum is larger than memory here can hold.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm' || i, '{"rates": {"input_tokens": "0.25/1", "output_tokens": "0.000000000000000001/1"}}', '-infinity') > 0 AS is_priced FROM generate_series(0, 2) AS i;
SET client_min_messages = error;
INSERT INTO spend.dimensions (name) VALUES ('squad');
CREATE FUNCTION regress.write(first integer, last integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO spend.usage (occurred_at, cost_center, department, team, user_id, tags, request_model, operation, input_tokens, output_tokens, status, accepted)
  SELECT '2026-01-31 23:00+00'::timestamptz + i * interval '7 minutes', 'c' || i % 3, 'd' || i % 5, CASE WHEN i % 4 > 0 THEN 't' || i % 4 END, 'u' || i % 97,
         CASE WHEN i % 6 > 2 THEN jsonb_build_object('squad', 's' || i % 6) END, CASE WHEN i % 11 > 0 THEN 'm' || i % 3 ELSE 'unheard of' END,
         CASE WHEN i % 2 > 0 THEN 'chat' END, i, i % 13, CASE WHEN i % 9 = 0 THEN 'error' END, CASE WHEN i % 7 = 0 THEN true END
  FROM generate_series(first, last) AS i
$$;
-- The rows by each dimension.
CREATE VIEW regress.rows AS
SELECT date_trunc('month', u.occurred_at AT TIME ZONE 'UTC')::date AS month, v.dimension, v.value, count(*) AS calls, coalesce(sum(u.cost), 0) AS cost, coalesce(sum(u.output_tokens), 0) AS output_tokens,
       count(*) FILTER (WHERE u.accepted) AS accepted_calls
FROM spend.usage AS u
CROSS JOIN LATERAL (VALUES ('total', '(all)'), ('cost_center', u.cost_center), ('department', u.department), ('team', u.team), ('user_id', u.user_id), ('squad', u.tags ->> 'squad'),
                           ('project', u.project), ('model', u.request_model), ('operation', u.operation)) AS v(dimension, value)
GROUP BY 1, 2, 3;
CREATE FUNCTION regress.differences(wanted text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*)
  FROM (SELECT e.period_start, e.dimension, e.dimension_value, e.calls, e.cost, e.output_tokens, e.accepted_calls FROM spend.efficiency AS e
        WHERE e.dimension = wanted OR wanted IS NULL AND e.dimension IN ('total', 'cost_center', 'department', 'team', 'user_id', 'squad', 'project', 'model', 'operation')) AS e
  FULL JOIN (SELECT r.month, r.dimension, coalesce(r.value, '(untagged)'), r.calls, r.cost, r.output_tokens, r.accepted_calls FROM regress.rows AS r WHERE r.dimension = wanted OR wanted IS NULL)
    AS r(period_start, dimension, dimension_value, calls, cost, output_tokens, accepted_calls) USING (period_start, dimension, dimension_value)
  WHERE (e.calls, e.cost, e.output_tokens, e.accepted_calls) IS DISTINCT FROM (r.calls, r.cost, r.output_tokens, r.accepted_calls)
$$;
CREATE FUNCTION regress.all_differences() RETURNS TABLE (together bigint, alone bigint, changes bigint, chargeback bigint, units bigint, weeks bigint, days bigint) LANGUAGE sql AS $$
  SELECT regress.differences(NULL), (SELECT sum(regress.differences(d)) FROM unnest(ARRAY['total', 'team', 'user_id', 'squad', 'project']) AS d),
         (SELECT count(*) FROM spend.spend_change AS c
          LEFT JOIN regress.rows AS r ON r.month = c.period_start AND r.dimension = c.dimension AND coalesce(r.value, '(untagged)') = c.dimension_value
          LEFT JOIN regress.rows AS p ON p.month = c.period_start - interval '1 month' AND p.dimension = c.dimension AND coalesce(p.value, '(untagged)') = c.dimension_value
          WHERE c.dimension IN ('total', 'team', 'user_id', 'squad') AND (c.cost, c.previous_cost) IS DISTINCT FROM (coalesce(r.cost, 0), coalesce(p.cost, 0))),
         (SELECT count(*) FROM (SELECT c.period_start, c.cost_center, sum(c.actual) AS cost, sum(c.calls) AS calls FROM spend.chargeback_monthly AS c GROUP BY 1, 2) AS c
          FULL JOIN (SELECT * FROM regress.rows WHERE dimension = 'cost_center') AS r ON r.month = c.period_start AND r.value = c.cost_center
          WHERE (c.cost, c.calls) IS DISTINCT FROM (r.cost, r.calls::numeric)),
         (SELECT count(*) FROM (SELECT u.period_start, u.units, u.cost FROM spend.unit_costs AS u WHERE u.unit = 'user') AS u
          FULL JOIN (SELECT r.month, count(*) AS units, sum(r.cost) AS cost FROM regress.rows AS r WHERE r.dimension = 'user_id' GROUP BY 1) AS r ON r.month = u.period_start
          WHERE (u.units, u.cost) IS DISTINCT FROM (r.units, r.cost)),
         (SELECT count(*) FROM (SELECT w.period_start, w.calls, w.cost FROM spend.weekly_report AS w) AS w
          FULL JOIN (SELECT date_trunc('week', u.occurred_at AT TIME ZONE 'UTC')::date AS week, count(*) AS calls, sum(u.cost) AS cost FROM spend.usage AS u GROUP BY 1) AS r ON r.week = w.period_start
          WHERE (w.calls, w.cost) IS DISTINCT FROM (r.calls, r.cost)),
         (SELECT count(*) FROM (SELECT d.usage_date, sum(d.calls) AS calls, sum(d.cost) AS cost, sum(d.output_tokens) AS tokens FROM spend.daily_spend AS d GROUP BY 1) AS d
          FULL JOIN (SELECT (u.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS calls, sum(u.cost) AS cost, sum(u.output_tokens) AS tokens FROM spend.usage AS u GROUP BY 1) AS r ON r.day = d.usage_date
          WHERE (d.calls, d.cost, d.tokens) IS DISTINCT FROM (r.calls, r.cost, r.tokens))
$$;
SELECT regress.write(1, 3000);
SELECT * FROM regress.all_differences();
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT * FROM regress.all_differences();
-- Some folded, some not, some of this transaction; in little memory.
SELECT regress.write(3001, 4500);
BEGIN;
SELECT regress.write(4501, 9000);
DELETE FROM spend.usage WHERE user_id = 'u5';
SELECT * FROM regress.all_differences();
SET LOCAL work_mem = '64kB';
SELECT * FROM regress.all_differences();
ROLLBACK;
SELECT * FROM regress.all_differences();
-- One who may see one cost center: what they see is of it, and what is without a value is not the rest of others.
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA regress TO regress_reader;
SELECT spend.grant_access('regress_reader', 'reader', '{"cost_center": "c1"}');
SELECT sum(r.calls) AS calls, sum(r.cost) AS cost FROM regress.rows AS r WHERE r.dimension = 'cost_center' AND r.value = 'c1';
SET ROLE regress_reader;
SELECT dimension, count(*) AS values, sum(calls) AS calls, sum(cost) AS cost FROM spend.efficiency WHERE dimension IN ('total', 'cost_center', 'team', 'user_id', 'squad', 'project') GROUP BY 1 ORDER BY 1;
SELECT sum(calls) AS calls, sum(cost) AS cost FROM spend.efficiency WHERE dimension = 'team';
SELECT count(*) FILTER (WHERE first_value <> 'c1') AS of_others, sum(calls) AS calls FROM spend._months_of_usage('UTC') AS m CROSS JOIN LATERAL spend._month_sums(m, 'cost_center', 'team', 'UTC');
RESET ROLE;
SELECT spend.revoke_access('regress_reader', 'reader');
-- Larger than a sum in memory can be, and what takes it back.
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
UPDATE spend.rollup_months SET cost = coalesce(cost, 0) + s.sign * 1e25
FROM (SELECT min(ctid) AS place, 1 AS sign FROM spend.rollup_months WHERE usage_month = '2026-02-01' UNION ALL SELECT max(ctid), -1 FROM spend.rollup_months WHERE usage_month = '2026-02-01') AS s
WHERE rollup_months.ctid = s.place;
SELECT period_start, dimension, dimension_value, cost FROM spend.efficiency WHERE dimension = 'total' AND period_start = '2026-02-01';
SELECT count(*) AS dimensions, count(DISTINCT cost) AS costs FROM (SELECT dimension, sum(cost) AS cost FROM spend._month_dimensions WHERE report_month = '2026-02-01' AND NOT is_previous GROUP BY 1) AS d;
SELECT spend._sum_cost(1, 0, NULL, NULL, NULL, NULL, NULL, v, NULL) AS cost, spend._sum_calls(1, 0, NULL, NULL, NULL, NULL, NULL, v, NULL) AS calls, spend._sum_input_tokens(1, 0, NULL, NULL, NULL, NULL, NULL, v, NULL) AS tokens
FROM (VALUES (1e25), (99999999999999999999.5), (99999999999999999999.5), (0.25), (-1e25)) AS f(v);
SELECT regress.error($$SELECT spend._sum_output_tokens(1, 0, NULL, v, NULL, NULL, NULL, NULL, NULL) FROM (VALUES (9e18), (9e18)) AS f(v)$$), spend._sum_output_tokens(1, 0, NULL, 9e18, NULL, NULL, NULL, NULL, NULL) AS fits;
SELECT spend._sum_cost(1, 0, NULL, NULL, NULL, NULL, NULL, 1, NULL) AS cost FROM generate_series(1, 0);
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;
