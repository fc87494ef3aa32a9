-- What was used and what was planned are added up, not joined: a condition on the month then reaches both.
CREATE VIEW spend.chargeback_monthly WITH (security_barrier) AS
WITH unallocated AS (
  -- Usage without a cost center stays apart by department, nobody else could tell whose it is; unless something is said of it as a whole.
  SELECT s.unallocated_cost_center AS label,
         NOT EXISTS (SELECT FROM spend.cost_centers AS c WHERE c.code = s.unallocated_cost_center AND c.department IS NOT NULL)
         AND NOT EXISTS (SELECT FROM spend.budgets AS b
                         WHERE b.period = 'month' AND b.measure = 'cost' AND spend.text_key(b.cost_center) = s.unallocated_cost_center) AS is_split
  FROM spend._settings() AS s
), used AS (
  SELECT m.usage_month AS period_start,
         coalesce(m.first_value, n.label) AS cost_center,
         CASE WHEN n.is_split AND coalesce(m.first_value, n.label) = n.label THEN coalesce(m.second_value, '(untagged)') END AS split_department,
         k.currency,
         coalesce(m.second_value, '(untagged)') AS department,
         NULL::numeric AS budget,
         sum(m.cost) AS actual,
         sum(m.calls) AS calls,
         coalesce(sum(m.input_tokens), 0) + coalesce(sum(m.output_tokens), 0) AS tokens,
         sum(m.unpriced_calls) AS unpriced_calls
  FROM (
    SELECT u.usage_month, s.*
    FROM spend._rollup_zone() AS z
    CROSS JOIN LATERAL spend._months_of_usage(z) AS u(usage_month)
    CROSS JOIN LATERAL spend._month_sums(u.usage_month, 'cost_center', 'department', z) AS s
  ) AS m
  JOIN spend._kinds AS k USING (kind_id)
  CROSS JOIN unallocated AS n
  GROUP BY 1, 2, 3, 4, 5
  HAVING sum(m.calls) <> 0
), planned AS (
  SELECT m.period_start, spend.text_key(b.cost_center) AS cost_center, NULL::text AS split_department, coalesce(b.currency, s.currency) AS currency,
         NULL::text AS department,
         spend._budget_limit(b.budget_id, l.period_start, l.period_end, '00000000-0000-0000-0000-000000000000') AS budget,
         NULL::numeric AS actual, NULL::numeric AS calls, NULL::numeric AS tokens, NULL::numeric AS unpriced_calls
  FROM spend.budgets AS b
  CROSS JOIN spend._settings() AS s
  CROSS JOIN spend._months AS m
  CROSS JOIN LATERAL (
    SELECT m.period_start::timestamp AT TIME ZONE coalesce(b.time_zone, s.time_zone) AS period_start,
           (m.period_start + interval '1 month') AT TIME ZONE coalesce(b.time_zone, s.time_zone) AS period_end
  ) AS l
  WHERE b.period = 'month' AND b.measure = 'cost' AND b.cost_center IS NOT NULL AND b.valid_during @> l.period_start AND spend._visible_scope(b.scope)
), lines AS (
  SELECT x.period_start, x.cost_center, x.split_department, x.currency, min(x.department) AS department,
         min(x.department) = max(x.department) AS is_one_department, sum(x.budget) AS budget, coalesce(sum(x.actual), 0) AS actual,
         coalesce(sum(x.calls), 0) AS calls, coalesce(sum(x.tokens), 0) AS tokens, coalesce(sum(x.unpriced_calls), 0) AS unpriced_calls
  FROM (SELECT * FROM used UNION ALL SELECT * FROM planned) AS x
  GROUP BY 1, 2, 3, 4
)
SELECT md5(jsonb_build_array(x.period_start, x.cost_center, x.department, x.currency)::text) AS chargeback_monthly_key,
       x.period_start::timestamp AT TIME ZONE z AS period_start_at,
       x.period_start,
       'month'::text AS period_kind,
       x.cost_center,
       x.department,
       x.currency,
       x.budget::numeric(38, 18) AS budget,
       x.actual::numeric(38, 18) AS actual,
       (x.budget - x.actual)::numeric(38, 18) AS variance,
       (CASE WHEN x.is_charged_back THEN x.actual ELSE 0 END)::numeric(38, 18) AS chargeback,
       x.calls::bigint AS calls,
       x.tokens::bigint AS tokens,
       x.unpriced_calls::bigint AS unpriced_calls,
       x.cost_center_label,
       x.parent_cost_center
FROM (
  SELECT l.period_start, l.cost_center, l.currency, l.budget, l.actual, l.calls, l.tokens, l.unpriced_calls,
         coalesce(c.department, CASE WHEN l.is_one_department THEN l.department WHEN l.is_one_department IS NULL THEN '(untagged)' ELSE '(several)' END)
           AS department,
         coalesce(c.is_charged_back, l.cost_center <> n.label) AS is_charged_back, coalesce(c.name, v.label, l.cost_center) AS cost_center_label,
         c.parent AS parent_cost_center
  FROM lines AS l
  CROSS JOIN unallocated AS n
  LEFT JOIN LATERAL (
    SELECT e.name, e.department, e.is_charged_back, e.parent FROM spend.cost_centers AS e
    WHERE e.code = l.cost_center AND e.valid_during && daterange(l.period_start, (l.period_start + interval '1 month')::date)
    ORDER BY lower(e.valid_during) NULLS FIRST LIMIT 1
  ) AS c ON true
  LEFT JOIN spend.dimension_values AS v ON v.dimension = 'cost_center' AND v.value = l.cost_center
) AS x
CROSS JOIN spend._rollup_zone() AS z;
COMMENT ON VIEW spend.chargeback_monthly IS 'Chargeback: budget, actual and what is booked, by month and cost center; one row per currency, currencies are never added.';
COMMENT ON COLUMN spend.chargeback_monthly.chargeback_monthly_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.chargeback_monthly.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.chargeback_monthly.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.chargeback_monthly.period_kind IS 'month.';
COMMENT ON COLUMN spend.chargeback_monthly.cost_center IS 'Cost center; usage without one stands under settings.unallocated_cost_center.';
COMMENT ON COLUMN spend.chargeback_monthly.department IS 'Department of the center by spend.cost_centers, else that of its rows; (several) if they differ.';
COMMENT ON COLUMN spend.chargeback_monthly.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.chargeback_monthly.budget IS 'Plan line: amount of the month budget with this cost center; NULL without one.';
COMMENT ON COLUMN spend.chargeback_monthly.actual IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.chargeback_monthly.variance IS 'budget − actual: negative is over budget.';
COMMENT ON COLUMN spend.chargeback_monthly.chargeback IS 'actual where the center is charged back, else 0.';
COMMENT ON COLUMN spend.chargeback_monthly.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.chargeback_monthly.tokens IS 'Input and output tokens.';
COMMENT ON COLUMN spend.chargeback_monthly.unpriced_calls IS 'Rows without a price: their cost is not in here.';
COMMENT ON COLUMN spend.chargeback_monthly.cost_center_label IS 'Name of the center: that of spend.cost_centers in that month, else its label in spend.dimension_values, else its code.';
COMMENT ON COLUMN spend.chargeback_monthly.parent_cost_center IS 'Center that it was a part of in that month; NULL at the top.';
