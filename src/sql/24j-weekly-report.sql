CREATE VIEW spend.weekly_report WITH (security_barrier) AS
WITH weeks AS (
  -- A week in which a month ends is in two parts, one for each.
  SELECT u.usage_date - (extract(isodow FROM u.usage_date)::integer - c.week_start + 7) % 7 AS week_start, m.usage_month AS month, u.first_value AS feature,
         k.currency, k.tier, sum(u.calls) AS calls, sum(u.cost) AS cost, sum(u.unpriced_calls) AS unpriced_calls, sum(u.input_tokens) AS input_tokens,
         sum(u.cache_read_tokens) AS cache_read_tokens
  FROM spend._rollup_zone() AS z
  CROSS JOIN spend._settings() AS c
  CROSS JOIN LATERAL spend._months_of_usage(z) AS m(usage_month)
  CROSS JOIN LATERAL spend._day_sums(m.usage_month, 'feature', z) AS u
  JOIN spend._kinds AS k USING (kind_id)
  GROUP BY 1, 2, 3, 4, 5
  HAVING sum(u.calls) <> 0
), totals AS (
  SELECT w.week_start, w.currency, sum(w.calls) AS calls, coalesce(sum(w.cost), 0) AS cost, coalesce(sum(w.unpriced_calls), 0) AS unpriced_calls,
         coalesce(sum(w.cache_read_tokens), 0) / nullif(sum(w.input_tokens), 0) AS cache_hit_rate,
         coalesce(sum(w.cost) FILTER (WHERE w.tier = 'premium'), 0) / nullif(sum(w.cost), 0) AS premium_share
  FROM weeks AS w GROUP BY 1, 2
), features AS (
  SELECT DISTINCT ON (f.week_start, f.currency) f.week_start, f.currency, f.feature, f.cost
  FROM (SELECT w.week_start, w.currency, coalesce(w.feature, '(untagged)') AS feature, coalesce(sum(w.cost), 0) AS cost FROM weeks AS w GROUP BY 1, 2, 3) AS f
  ORDER BY f.week_start, f.currency, f.cost DESC, f.feature COLLATE "C"
), plan AS (
  SELECT c.period_start, c.currency, sum(c.budget) AS budget FROM spend.chargeback_monthly AS c GROUP BY 1, 2
), to_date AS (
  SELECT w.week_start, w.month, w.currency, sum(sum(w.cost)) OVER (PARTITION BY w.month, w.currency ORDER BY w.week_start) AS cost FROM weeks AS w GROUP BY 1, 2, 3
)
SELECT md5(jsonb_build_array(t.week_start, t.currency)::text) AS weekly_report_key,
       t.week_start::timestamp AT TIME ZONE z AS period_start_at,
       t.week_start AS period_start,
       'week'::text AS period_kind,
       t.currency,
       t.cost::numeric(38, 18) AS cost,
       coalesce(p.cost, 0)::numeric(38, 18) AS previous_cost,
       (t.cost - coalesce(p.cost, 0))::numeric(38, 18) AS change,
       (100 * (t.cost - p.cost) / nullif(p.cost, 0))::numeric(20, 4) AS change_percent,
       t.calls::bigint AS calls,
       t.unpriced_calls::bigint AS unpriced_calls,
       m.budget::numeric(38, 18) AS month_budget,
       coalesce(a.cost, 0)::numeric(38, 18) AS month_actual,
       f.feature AS top_feature,
       f.cost::numeric(38, 18) AS top_feature_cost,
       t.cache_hit_rate::numeric(14, 6) AS cache_hit_rate,
       p.cache_hit_rate::numeric(14, 6) AS previous_cache_hit_rate,
       t.premium_share::numeric(14, 6) AS premium_share,
       p.premium_share::numeric(14, 6) AS previous_premium_share
FROM totals AS t
JOIN features AS f USING (week_start, currency)
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN totals AS p ON p.week_start = t.week_start - 7 AND p.currency = t.currency
CROSS JOIN LATERAL (SELECT date_trunc('month', t.week_start + 6)::date AS month) AS e
LEFT JOIN plan AS m ON m.period_start = e.month AND m.currency = t.currency
LEFT JOIN to_date AS a ON a.week_start = t.week_start AND a.month = e.month AND a.currency = t.currency;
COMMENT ON VIEW spend.weekly_report IS 'The week against the week before: total, budget of its month and what of it was spent by the end of the week, top feature, cache hit rate, share of premium models.';
COMMENT ON COLUMN spend.weekly_report.weekly_report_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.weekly_report.period_start_at IS 'Start of the week in the organisation''s zone.';
COMMENT ON COLUMN spend.weekly_report.period_start IS 'First day of the week, by settings.week_start.';
COMMENT ON COLUMN spend.weekly_report.period_kind IS 'week.';
COMMENT ON COLUMN spend.weekly_report.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.weekly_report.cost IS 'Cost of the week.';
COMMENT ON COLUMN spend.weekly_report.previous_cost IS 'Cost of the week before.';
COMMENT ON COLUMN spend.weekly_report.change IS 'cost − previous_cost.';
COMMENT ON COLUMN spend.weekly_report.change_percent IS 'That in percent of previous_cost; NULL without one.';
COMMENT ON COLUMN spend.weekly_report.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.weekly_report.unpriced_calls IS 'Rows without a price.';
COMMENT ON COLUMN spend.weekly_report.month_budget IS 'Plan lines of the month in which the week ends; NULL without one.';
COMMENT ON COLUMN spend.weekly_report.month_actual IS 'Cost of that month up to the end of the week.';
COMMENT ON COLUMN spend.weekly_report.top_feature IS 'Feature with the highest cost.';
COMMENT ON COLUMN spend.weekly_report.top_feature_cost IS 'Its cost.';
COMMENT ON COLUMN spend.weekly_report.cache_hit_rate IS 'Share of input tokens that came from the cache; NULL without input.';
COMMENT ON COLUMN spend.weekly_report.previous_cache_hit_rate IS 'The same of the week before.';
COMMENT ON COLUMN spend.weekly_report.premium_share IS 'Share of the cost that premium models had.';
COMMENT ON COLUMN spend.weekly_report.previous_premium_share IS 'The same of the week before.';
