CREATE VIEW spend._row_costs AS
SELECT date_trunc('month', u.occurred_at AT TIME ZONE z)::date AS usage_month, u.currency, nullif(u.run_id, '') AS run_id, u.usage_id, u.accepted, u.cost
FROM spend.usage AS u
CROSS JOIN spend._rollup_zone() AS z
WHERE u.cost IS NOT NULL AND u.recorded_at IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided' AND spend.visible(u.attribution_id);
COMMENT ON VIEW spend._row_costs IS 'Internal: the priced rows.';
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT a.attname FROM pg_attribute AS a WHERE a.attnum > 0 AND a.attrelid = 'spend._row_costs'::regclass LOOP
    EXECUTE format('COMMENT ON COLUMN spend._row_costs.%I IS %L', item.attname, 'Internal: as in the tables.');
  END LOOP;
END
$$;

-- From the sums only: what single calls and runs cost stands in call_costs.
CREATE VIEW spend.unit_costs WITH (security_barrier) AS
SELECT md5(jsonb_build_array(u.usage_month, u.unit, u.currency)::text) AS unit_costs_key,
       u.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       u.usage_month AS period_start,
       'month'::text AS period_kind,
       u.unit,
       u.currency,
       u.units::bigint AS units,
       u.cost::numeric(38, 18) AS cost,
       (round(u.cost, 24) / nullif(u.units, 0))::numeric(38, 18) AS cost_per_unit,
       u.p50::numeric(38, 18) AS p50_cost,
       u.p95::numeric(38, 18) AS p95_cost
FROM (
  SELECT n.usage_month, n.unit, n.currency, count(*) AS units, sum(n.cost) AS cost, percentile_disc(0.5) WITHIN GROUP (ORDER BY n.cost) AS p50,
         percentile_disc(0.95) WITHIN GROUP (ORDER BY n.cost) AS p95
  FROM (
    SELECT d.usage_month, d.unit, s.first_value, k.currency, coalesce(sum(s.cost), 0) AS cost
    FROM spend._rollup_zone() AS r
    CROSS JOIN LATERAL spend._months_of_usage(r) AS m(usage_month)
    CROSS JOIN LATERAL (
      VALUES (m.usage_month, 'user', 'user_id'), (m.usage_month, 'customer', 'customer'), (m.usage_month, 'feature', 'feature'),
             (m.usage_month, 'workflow', 'workflow'), (m.usage_month, 'team', 'team')
    ) AS d(usage_month, unit, dimension)
    CROSS JOIN LATERAL spend._month_sums(d.usage_month, d.dimension, NULL, r) AS s
    JOIN spend._kinds AS k USING (kind_id)
    WHERE s.first_value IS NOT NULL
    GROUP BY 1, 2, 3, 4
    HAVING sum(s.calls) <> 0
  ) AS n
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT f.usage_month, v.unit, f.currency, v.units, f.cost, NULL, NULL
  FROM (
    SELECT t.usage_month, t.currency, sum(t.accepted_calls) AS accepted, sum(t.calls) - coalesce(sum(t.unpriced_calls), 0) AS priced,
           coalesce(sum(t.cost), 0) AS cost
    FROM spend._month_totals AS t GROUP BY 1, 2
  ) AS f
  CROSS JOIN LATERAL (VALUES ('accepted_output', f.accepted), ('call', f.priced)) AS v(unit, units)
  WHERE v.units > 0
) AS u
CROSS JOIN spend._rollup_zone() AS z;
COMMENT ON VIEW spend.unit_costs IS 'What one unit costs, by month: a call, a user, a customer, a feature, a workflow, a team, an accepted output. Runs, and how the costs of calls and accepted outputs are spread, are in call_costs.';
COMMENT ON COLUMN spend.unit_costs.unit_costs_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.unit_costs.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.unit_costs.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.unit_costs.period_kind IS 'month.';
COMMENT ON COLUMN spend.unit_costs.unit IS 'call, user, customer, feature, workflow, team or accepted_output.';
COMMENT ON COLUMN spend.unit_costs.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.unit_costs.units IS 'How many there were; of calls, those with a cost.';
COMMENT ON COLUMN spend.unit_costs.cost IS 'Their cost; of accepted_output, the whole cost of the month, accepted or not.';
COMMENT ON COLUMN spend.unit_costs.cost_per_unit IS 'cost / units.';
COMMENT ON COLUMN spend.unit_costs.p50_cost IS 'Half of the units cost no more; NULL for call and accepted_output.';
COMMENT ON COLUMN spend.unit_costs.p95_cost IS '95 percent of the units cost no more; NULL for call and accepted_output.';

-- What a single call or run cost is in no sum, and no sum could tell exactly how such costs are spread.
CREATE VIEW spend.call_costs WITH (security_barrier) AS
SELECT md5(jsonb_build_array(u.usage_month, u.unit, u.currency)::text) AS call_costs_key,
       u.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       u.usage_month AS period_start,
       'month'::text AS period_kind,
       u.unit,
       u.currency,
       u.units::bigint AS units,
       u.cost::numeric(38, 18) AS cost,
       (round(u.cost, 24) / u.units)::numeric(38, 18) AS cost_per_unit,
       u.p50::numeric(38, 18) AS p50_cost,
       u.p95::numeric(38, 18) AS p95_cost
FROM (
  SELECT r.usage_month, 'call' AS unit, r.currency, count(*) AS units, sum(r.cost) AS cost, percentile_disc(0.5) WITHIN GROUP (ORDER BY r.cost) AS p50,
         percentile_disc(0.95) WITHIN GROUP (ORDER BY r.cost) AS p95
  FROM spend._row_costs AS r GROUP BY 1, 3
  UNION ALL
  SELECT r.usage_month, 'run', r.currency, count(*), sum(r.cost), percentile_disc(0.5) WITHIN GROUP (ORDER BY r.cost), percentile_disc(0.95) WITHIN GROUP (ORDER BY r.cost)
  FROM (SELECT c.usage_month, c.currency, c.run_id, sum(c.cost) AS cost FROM spend._row_costs AS c WHERE c.run_id IS NOT NULL GROUP BY 1, 2, 3) AS r
  GROUP BY 1, 3
  UNION ALL
  -- What was accepted is the run, with all that it took; of calls without a run, the call.
  SELECT r.usage_month, 'accepted_output', r.currency, count(*), sum(r.cost), percentile_disc(0.5) WITHIN GROUP (ORDER BY r.cost), percentile_disc(0.95) WITHIN GROUP (ORDER BY r.cost)
  FROM (
    SELECT c.usage_month, c.currency, sum(c.cost) AS cost FROM spend._row_costs AS c
    GROUP BY c.usage_month, c.currency, c.run_id, CASE WHEN c.run_id IS NULL THEN c.usage_id END HAVING bool_or(c.accepted)
  ) AS r
  GROUP BY 1, 3
) AS u
CROSS JOIN spend._rollup_zone() AS z;
COMMENT ON VIEW spend.call_costs IS 'What single calls, runs and accepted outputs cost, by month, and how that is spread. Reads the rows that are there, of all months: ask for one unit. What they cost on average is in unit_costs, from sums.';
COMMENT ON COLUMN spend.call_costs.call_costs_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.call_costs.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.call_costs.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.call_costs.period_kind IS 'month.';
COMMENT ON COLUMN spend.call_costs.unit IS 'call, run or accepted_output: a run of which something was accepted, with all its calls; of calls without a run, each that was accepted.';
COMMENT ON COLUMN spend.call_costs.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.call_costs.units IS 'How many with a cost there were; a run in each month in which it has calls.';
COMMENT ON COLUMN spend.call_costs.cost IS 'Their cost; of accepted_output, of the accepted ones only.';
COMMENT ON COLUMN spend.call_costs.cost_per_unit IS 'cost / units.';
COMMENT ON COLUMN spend.call_costs.p50_cost IS 'Half of the units cost no more.';
COMMENT ON COLUMN spend.call_costs.p95_cost IS '95 percent of the units cost no more.';
