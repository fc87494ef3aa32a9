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
  -- The whole is one more issue: the facts are read once, and by attribution where only that matters.
  SELECT i.usage_month, i.issue, i.detail, i.currency, coalesce(sum(i.calls), 0) AS calls, coalesce(sum(i.cost), 0) AS cost,
         sum(sum(i.calls) FILTER (WHERE i.issue = '')) OVER by_month AS total_calls, sum(sum(i.cost) FILTER (WHERE i.issue = '')) OVER by_month AS total_cost
  FROM (
    SELECT f.usage_month, f.currency, f.attribution_id, f.dimensions, f.pricing_status, f.pricing_reason, f.source, sum(f.calls) AS calls, sum(f.cost) AS cost,
           sum(f.late_calls) AS late_calls, sum(f.late_cost) AS late_cost
    FROM spend._month_facts AS f
    GROUP BY 1, 2, 3, 4, 5, 6, 7
  ) AS f
  CROSS JOIN spend._rollup_zone() AS r
  CROSS JOIN (SELECT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key') AS are_known) AS k
  CROSS JOIN (SELECT EXISTS (SELECT FROM spend.sources) AS are_known) AS s
  CROSS JOIN LATERAL (
    SELECT f.usage_month, f.currency, '' AS issue, '' AS detail, f.calls, f.cost
    UNION ALL
    SELECT f.usage_month, f.currency, 'untagged', d.name, f.calls, f.cost
    FROM unnest(ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace', 'environment', 'customer', 'customer_segment', 'geography', 'data_class']) AS d(name)
    WHERE NOT coalesce(f.dimensions, '{}') ? d.name
    UNION ALL
    SELECT f.usage_month, f.currency, f.pricing_status, coalesce(f.pricing_reason, ''), f.calls, f.cost
    WHERE f.pricing_status IN ('unpriced', 'inconsistent', 'priced_with_fallback')
    UNION ALL
    SELECT f.usage_month, f.currency, 'late', 'written more than a day after the usage', f.late_calls, f.late_cost WHERE f.late_calls <> 0
    UNION ALL
    SELECT f.usage_month, f.currency, 'missing_tag', m.name, f.calls, f.cost FROM unnest(spend._missing_tags(coalesce(f.dimensions, '{}'))) AS m(name)
    UNION ALL
    SELECT f.usage_month, f.currency, 'unbudgeted', '', f.calls, f.cost
    WHERE NOT coalesce(spend._has_budget(f.attribution_id, f.usage_month::timestamp AT TIME ZONE r, (f.usage_month + interval '1 month') AT TIME ZONE r), false)
    UNION ALL
    SELECT f.usage_month, f.currency, 'unknown_key', f.dimensions ->> 'api_key', f.calls, f.cost
    WHERE k.are_known AND f.dimensions ? 'api_key'
      AND NOT EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key' AND v.value = f.dimensions ->> 'api_key')
    UNION ALL
    SELECT f.usage_month, f.currency, 'unsanctioned_source', f.source, f.calls, f.cost
    WHERE s.are_known AND f.source IS NOT NULL AND NOT EXISTS (SELECT FROM spend.sources AS v WHERE v.source = f.source AND v.is_sanctioned)
    UNION ALL
    SELECT f.usage_month, f.currency, 'confusable', format('%s %s looks like %s', c.dimension, c.dimension_value, c.looks_like), f.calls, f.cost
    FROM copies AS c WHERE f.dimensions ->> c.dimension = c.dimension_value
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
