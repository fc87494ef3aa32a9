-- Each line of the chargeback counts for its center and for all that are above it in that month. What a reader may not see is in no sum.
CREATE VIEW spend.chargeback_tree WITH (security_barrier) AS
SELECT md5(jsonb_build_array(t.period_start, t.cost_center, t.currency)::text) AS chargeback_tree_key,
       t.period_start::timestamp AT TIME ZONE z AS period_start_at,
       t.period_start,
       'month'::text AS period_kind,
       t.cost_center,
       coalesce(c.name, v.label, t.cost_center) AS cost_center_label,
       c.parent AS parent_cost_center,
       t.path,
       t.depth::integer AS depth,
       t.currency,
       t.budget::numeric(38, 18) AS budget,
       t.actual::numeric(38, 18) AS actual,
       (t.budget - t.actual)::numeric(38, 18) AS variance,
       t.chargeback::numeric(38, 18) AS chargeback,
       t.own_actual::numeric(38, 18) AS own_actual,
       t.calls::bigint AS calls,
       t.unpriced_calls::bigint AS unpriced_calls
FROM (
  SELECT l.period_start, u.cost_center, l.currency, min(u.path) AS path, min(u.depth) AS depth, sum(l.budget) AS budget, sum(l.actual) AS actual,
         sum(l.chargeback) AS chargeback, coalesce(sum(l.actual) FILTER (WHERE u.distance = 0), 0) AS own_actual, sum(l.calls) AS calls,
         sum(l.unpriced_calls) AS unpriced_calls
  FROM (
    SELECT m.period_start, m.cost_center, m.currency, sum(m.budget) AS budget, sum(m.actual) AS actual, sum(m.chargeback) AS chargeback, sum(m.calls) AS calls,
           sum(m.unpriced_calls) AS unpriced_calls
    FROM spend.chargeback_monthly AS m GROUP BY 1, 2, 3
  ) AS l
  CROSS JOIN LATERAL (
    WITH RECURSIVE up(cost_center, distance, line) AS (
      SELECT l.cost_center, 0, ARRAY[l.cost_center]
      UNION ALL
      SELECT p.parent, up.distance + 1, up.line || p.parent
      FROM up
      CROSS JOIN LATERAL (
        SELECT e.parent FROM spend.cost_centers AS e
        WHERE e.code = up.cost_center AND e.valid_during && daterange(l.period_start, (l.period_start + interval '1 month')::date)
        ORDER BY lower(e.valid_during) NULLS FIRST LIMIT 1
      ) AS p
      WHERE p.parent <> ALL (up.line)
    )
    SELECT up.cost_center, up.distance, string_agg(up.cost_center, ' / ') OVER (ORDER BY up.distance DESC) AS path,
           count(*) OVER (ORDER BY up.distance DESC) - 1 AS depth
    FROM up
  ) AS u
  GROUP BY 1, 2, 3
) AS t
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN LATERAL (
  SELECT e.name, e.parent FROM spend.cost_centers AS e
  WHERE e.code = t.cost_center AND e.valid_during && daterange(t.period_start, (t.period_start + interval '1 month')::date)
  ORDER BY lower(e.valid_during) NULLS FIRST LIMIT 1
) AS c ON true
LEFT JOIN spend.dimension_values AS v ON v.dimension = 'cost_center' AND v.value = t.cost_center;
COMMENT ON VIEW spend.chargeback_tree IS
  'The chargeback rolled up: for each month and cost center what it and all centers below it used, as the centers were organised in that month. Add up the rows of one depth only.';
COMMENT ON COLUMN spend.chargeback_tree.chargeback_tree_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.chargeback_tree.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.chargeback_tree.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.chargeback_tree.period_kind IS 'month.';
COMMENT ON COLUMN spend.chargeback_tree.cost_center IS 'Cost center.';
COMMENT ON COLUMN spend.chargeback_tree.cost_center_label IS 'Name of the center in that month.';
COMMENT ON COLUMN spend.chargeback_tree.parent_cost_center IS 'Center that it was a part of in that month; NULL at the top.';
COMMENT ON COLUMN spend.chargeback_tree.path IS 'From the top down to the center: company / engineering / search.';
COMMENT ON COLUMN spend.chargeback_tree.depth IS 'How many centers are above it.';
COMMENT ON COLUMN spend.chargeback_tree.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.chargeback_tree.budget IS 'Plan lines of the center and of those below it; NULL without any.';
COMMENT ON COLUMN spend.chargeback_tree.actual IS 'Cost of the priced rows of the center and of those below it.';
COMMENT ON COLUMN spend.chargeback_tree.variance IS 'budget − actual: negative is over budget.';
COMMENT ON COLUMN spend.chargeback_tree.chargeback IS 'What of it is booked: the actual of the centers among them that are charged back.';
COMMENT ON COLUMN spend.chargeback_tree.own_actual IS 'Cost of the center''s own rows.';
COMMENT ON COLUMN spend.chargeback_tree.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.chargeback_tree.unpriced_calls IS 'Rows without a price: their cost is not in here.';
