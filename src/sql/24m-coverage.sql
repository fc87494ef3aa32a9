CREATE VIEW spend.coverage WITH (security_barrier) AS
SELECT md5(jsonb_build_array(c.usage_month, c.currency)::text) AS coverage_key,
       c.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       c.usage_month AS period_start,
       'month'::text AS period_kind,
       c.currency,
       c.calls::bigint AS calls,
       c.cost::numeric(38, 18) AS cost,
       c.tagged_cost::numeric(38, 18) AS tagged_cost,
       (c.tagged_cost / nullif(c.cost, 0))::numeric(14, 6) AS tagged_share,
       (c.cost - c.tagged_cost)::numeric(38, 18) AS untagged_cost,
       c.unbudgeted_cost::numeric(38, 18) AS unbudgeted_cost,
       c.unknown_key_cost::numeric(38, 18) AS unknown_key_cost,
       c.unsanctioned_cost::numeric(38, 18) AS unsanctioned_cost,
       c.unpriced_calls::bigint AS unpriced_calls
FROM (
  SELECT f.usage_month, f.currency, sum(f.calls) AS calls, coalesce(sum(f.cost), 0) AS cost,
         coalesce(sum(f.cost) FILTER (WHERE spend._missing_tags(coalesce(f.dimensions, '{}')) = '{}'), 0) AS tagged_cost,
         coalesce(sum(f.cost) FILTER (WHERE NOT f.has_budget), 0) AS unbudgeted_cost,
         coalesce(sum(f.cost) FILTER (WHERE f.has_unknown_key), 0) AS unknown_key_cost,
         coalesce(sum(f.cost) FILTER (WHERE f.has_unsanctioned_source), 0) AS unsanctioned_cost,
         coalesce(sum(f.unpriced_calls), 0) AS unpriced_calls
  FROM spend._covered_facts AS f
  GROUP BY 1, 2
  HAVING sum(f.calls) <> 0
) AS c
CROSS JOIN spend._rollup_zone() AS z;
COMMENT ON VIEW spend.coverage IS 'How much of the spend has all required tags, by month, and the money behind what has not: without a budget, of unknown keys, of unsanctioned sources.';
COMMENT ON COLUMN spend.coverage.coverage_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.coverage.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.coverage.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.coverage.period_kind IS 'month.';
COMMENT ON COLUMN spend.coverage.currency IS 'Currency of the amounts; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.coverage.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.coverage.cost IS 'Their cost, as far as they have one.';
COMMENT ON COLUMN spend.coverage.tagged_cost IS 'Cost of usage that has all tags required by spend.required_tags, sent or given by allocation rules.';
COMMENT ON COLUMN spend.coverage.tagged_share IS 'That as a share of cost; NULL without cost.';
COMMENT ON COLUMN spend.coverage.untagged_cost IS 'The rest of the cost.';
COMMENT ON COLUMN spend.coverage.unbudgeted_cost IS 'Cost that no budget covers which is valid in the month; budgets by run, model, route and the like aside.';
COMMENT ON COLUMN spend.coverage.unknown_key_cost IS 'Cost under API keys without an entry in spend.dimension_values; 0 where no key has one.';
COMMENT ON COLUMN spend.coverage.unsanctioned_cost IS 'Cost from sources that spend.sources does not sanction; 0 where no source is listed.';
COMMENT ON COLUMN spend.coverage.unpriced_calls IS 'Rows without a price: their cost is not in here.';

CREATE VIEW spend.source_usage WITH (security_barrier) AS
SELECT md5(jsonb_build_array(u.source, u.currency)::text) AS source_usage_key,
       u.last_usage_date::timestamp AT TIME ZONE z AS last_day_start_at,
       coalesce(u.source, '(unknown)') AS source,
       coalesce(s.is_sanctioned, false) AS is_sanctioned,
       s.owner,
       u.first_usage_date,
       u.last_usage_date,
       u.currency,
       u.calls::bigint AS calls,
       u.cost::numeric(38, 18) AS cost,
       u.unpriced_calls::bigint AS unpriced_calls
FROM (
  SELECT d.source, d.currency, min(d.usage_date) AS first_usage_date, max(d.usage_date) AS last_usage_date, sum(d.calls) AS calls,
         coalesce(sum(d.cost), 0) AS cost, coalesce(sum(d.unpriced_calls), 0) AS unpriced_calls
  FROM (
    SELECT u.usage_date, k.source, k.currency, sum(u.calls) AS calls, sum(u.cost) AS cost, sum(u.unpriced_calls) AS unpriced_calls
    FROM spend._rollup_zone() AS r
    CROSS JOIN LATERAL spend._months_of_usage(r) AS m(usage_month)
    CROSS JOIN LATERAL spend._day_sums(m.usage_month, NULL, r) AS u
    JOIN spend._kinds AS k USING (kind_id)
    GROUP BY 1, 2, 3
    HAVING sum(u.calls) <> 0
  ) AS d
  GROUP BY 1, 2
) AS u
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN spend.sources AS s ON s.source = u.source;
COMMENT ON VIEW spend.source_usage IS 'Sources of usage: whether they are sanctioned, when they were first and last seen, and their money.';
COMMENT ON COLUMN spend.source_usage.source_usage_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.source_usage.last_day_start_at IS 'Start of the last day with usage.';
COMMENT ON COLUMN spend.source_usage.source IS 'Source, normalised; (unknown) for usage without one.';
COMMENT ON COLUMN spend.source_usage.is_sanctioned IS 'Whether spend.sources allows it.';
COMMENT ON COLUMN spend.source_usage.owner IS 'Who answers for it.';
COMMENT ON COLUMN spend.source_usage.first_usage_date IS 'First day with usage, in the organisation''s zone.';
COMMENT ON COLUMN spend.source_usage.last_usage_date IS 'Last day with usage.';
COMMENT ON COLUMN spend.source_usage.currency IS 'Currency of the cost; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.source_usage.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.source_usage.cost IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.source_usage.unpriced_calls IS 'Rows without a price.';

CREATE VIEW spend.confusable_values WITH (security_barrier) AS
WITH used AS MATERIALIZED (
  SELECT m.dimensions, m.currency, max(m.usage_month) AS last_month, sum(m.calls) AS calls, sum(m.cost) AS cost
  FROM (SELECT f.usage_month, f.dimensions, f.currency, sum(f.calls) AS calls, sum(f.cost) AS cost FROM spend._month_facts AS f GROUP BY 1, 2, 3 HAVING sum(f.calls) <> 0) AS m
  GROUP BY 1, 2
)
SELECT md5(jsonb_build_array(l.dimension, l.dimension_value, u.currency)::text) AS confusable_values_key,
       max(u.last_month)::timestamp AT TIME ZONE min(z) AS last_month_start_at,
       l.dimension,
       l.dimension_value,
       l.looks_like,
       l.dimension_value = l.looks_like AS is_original,
       u.currency,
       sum(u.calls)::bigint AS calls,
       coalesce(sum(u.cost), 0)::numeric(38, 18) AS cost
FROM spend._look_alikes AS l
JOIN used AS u ON u.dimensions ->> l.dimension = l.dimension_value
CROSS JOIN spend._rollup_zone() AS z
GROUP BY l.dimension, l.dimension_value, l.looks_like, u.currency;
COMMENT ON VIEW spend.confusable_values IS
  'Values of a dimension that people can hardly tell apart, such as one with a Cyrillic letter: to the ledger they are different, so a budget on one does not cover the other.';
COMMENT ON COLUMN spend.confusable_values.confusable_values_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.confusable_values.last_month_start_at IS 'Start of the last month with usage of the value.';
COMMENT ON COLUMN spend.confusable_values.dimension IS 'Dimension.';
COMMENT ON COLUMN spend.confusable_values.dimension_value IS 'Value, normalised.';
COMMENT ON COLUMN spend.confusable_values.looks_like IS 'Of the values that look alike, the one that was used first.';
COMMENT ON COLUMN spend.confusable_values.is_original IS 'Whether it is that one.';
COMMENT ON COLUMN spend.confusable_values.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.confusable_values.calls IS 'Usage rows with the value.';
COMMENT ON COLUMN spend.confusable_values.cost IS 'Their cost, as far as they have one.';
