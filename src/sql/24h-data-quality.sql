-- Values that pass for another one, of which there are few or none: looked for once, not for every sum.
CREATE VIEW spend.data_quality WITH (security_barrier) AS
WITH copies AS MATERIALIZED (
  SELECT l.dimension, l.dimension_value, l.looks_like FROM spend._look_alikes AS l WHERE l.dimension_value <> l.looks_like
)
SELECT md5(jsonb_build_array(q.usage_month, q.issue, q.detail, q.currency)::text) AS data_quality_key,
       q.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       q.usage_month AS period_start,
       'month'::text AS period_kind,
       q.issue,
       q.detail,
       q.currency,
       q.calls::bigint AS calls,
       q.cost::numeric(38, 18) AS cost,
       (q.cost / nullif(q.total_cost, 0))::numeric(14, 6) AS cost_share,
       (q.calls / q.total_calls)::numeric(14, 6) AS calls_share
FROM (
  -- The whole is one more issue: the sums of a month are read once.
  SELECT i.usage_month, i.issue, i.detail, i.currency, coalesce(sum(i.calls), 0) AS calls, coalesce(sum(i.cost), 0) AS cost,
         sum(sum(i.calls) FILTER (WHERE i.issue = '')) OVER by_month AS total_calls, sum(sum(i.cost) FILTER (WHERE i.issue = '')) OVER by_month AS total_cost
  FROM (
    SELECT m.usage_month, k.currency, v.issue, v.detail, v.calls, v.cost
    FROM spend._rollup_zone() AS r
    CROSS JOIN LATERAL spend._months_of_usage(r) AS m(usage_month)
    CROSS JOIN LATERAL spend._month_issues(
      m.usage_month,
      ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace', 'environment', 'customer', 'customer_segment', 'geography', 'data_class'],
      m.usage_month::timestamp AT TIME ZONE r, (m.usage_month + interval '1 month') AT TIME ZONE r, r) AS t
    JOIN spend._kinds AS k USING (kind_id)
    CROSS JOIN (SELECT EXISTS (SELECT FROM spend.sources) AS are_known) AS s
    CROSS JOIN LATERAL (
      SELECT coalesce(t.first_value, '') AS issue, coalesce(t.second_value, '') AS detail, t.calls, t.cost
      UNION ALL
      SELECT k.pricing_status, coalesce(k.pricing_reason, ''), t.calls, t.cost
      WHERE t.first_value IS NULL AND k.pricing_status IN ('unpriced', 'inconsistent', 'priced_with_fallback')
      UNION ALL
      SELECT 'late', 'written more than a day after the usage', t.late_calls, t.late_cost WHERE t.first_value IS NULL AND t.late_calls <> 0
      UNION ALL
      SELECT 'unsanctioned_source', k.source, t.calls, t.cost
      WHERE t.first_value IS NULL AND s.are_known AND k.source IS NOT NULL AND NOT EXISTS (SELECT FROM spend.sources AS v WHERE v.source = k.source AND v.is_sanctioned)
    ) AS v
    UNION ALL
    SELECT m.usage_month, k.currency, 'unknown_key', s.first_value, s.calls, s.cost
    FROM (SELECT DISTINCT v.dimension FROM spend.dimension_values AS v WHERE v.dimension = 'api_key') AS d
    CROSS JOIN spend._rollup_zone() AS r
    CROSS JOIN LATERAL spend._months_of_usage(r) AS m(usage_month)
    CROSS JOIN LATERAL spend._month_sums(m.usage_month, d.dimension, NULL, r) AS s
    JOIN spend._kinds AS k USING (kind_id)
    WHERE s.first_value IS NOT NULL
      AND NOT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key' AND v.value = s.first_value)
    UNION ALL
    SELECT m.usage_month, k.currency, 'confusable', format('%s %s looks like %s', c.dimension, c.dimension_value, c.looks_like), s.calls, s.cost
    FROM (SELECT DISTINCT c.dimension FROM copies AS c) AS d
    CROSS JOIN spend._rollup_zone() AS r
    CROSS JOIN LATERAL spend._months_of_usage(r) AS m(usage_month)
    CROSS JOIN LATERAL spend._month_sums(m.usage_month, d.dimension, NULL, r) AS s
    JOIN copies AS c ON c.dimension = d.dimension AND c.dimension_value = s.first_value
    JOIN spend._kinds AS k USING (kind_id)
  ) AS i
  GROUP BY 1, 2, 3, 4
  WINDOW by_month AS (PARTITION BY i.usage_month, i.currency)
) AS q
CROSS JOIN spend._rollup_zone() AS z
WHERE q.issue <> '' AND q.calls <> 0;
COMMENT ON VIEW spend.data_quality IS 'Everything that the reports cannot vouch for, by month, with the money behind it: rows without a value of a dimension, unpriced, inconsistent, priced by a stand-in, late, without a budget, of unknown keys, of unsanctioned sources, under names that pass for others.';
COMMENT ON COLUMN spend.data_quality.data_quality_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.data_quality.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.data_quality.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.data_quality.period_kind IS 'month.';
COMMENT ON COLUMN spend.data_quality.issue IS 'untagged, unpriced, inconsistent, priced_with_fallback, late, missing_tag, unbudgeted, unknown_key, unsanctioned_source or confusable. A row may have several.';
COMMENT ON COLUMN spend.data_quality.detail IS 'untagged, missing_tag: the dimension that has no value; one that is required. unknown_key, unsanctioned_source: which. confusable: the dimension and both values. unbudgeted: empty. Else the reason.';
COMMENT ON COLUMN spend.data_quality.currency IS 'Currency of the amounts; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.data_quality.calls IS 'Usage rows with the issue.';
COMMENT ON COLUMN spend.data_quality.cost IS 'Their cost, as far as they have one.';
COMMENT ON COLUMN spend.data_quality.cost_share IS 'Their share of the cost of the month in that currency; NULL without cost.';
COMMENT ON COLUMN spend.data_quality.calls_share IS 'Their share of the rows.';
