-- Why more than the month before. Price is what the tokens of each SKU cost more than a month ago; volume is more tokens at last month's
-- average; what is left is mix: tokens that moved to dearer or cheaper SKUs, and SKUs that are new. The three add up exactly.
-- A quotient has as many decimals as its operands have, at least: rounded to 24 of them, zeros at the end of a sum change nothing.
CREATE VIEW spend.spend_change WITH (security_barrier) AS
SELECT md5(jsonb_build_array(c.usage_month, c.dimension, c.dimension_value, c.currency)::text) AS spend_change_key,
       c.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       c.usage_month AS period_start,
       'month'::text AS period_kind,
       c.dimension,
       c.dimension_value,
       c.currency,
       c.cost::numeric(38, 18) AS cost,
       c.previous_cost::numeric(38, 18) AS previous_cost,
       (c.cost - c.previous_cost)::numeric(38, 18) AS change,
       (100 * (c.cost - c.previous_cost) / nullif(c.previous_cost, 0))::numeric(20, 4) AS change_percent,
       c.price_effect::numeric(38, 18) AS price_effect,
       c.volume_effect::numeric(38, 18) AS volume_effect,
       (c.cost - c.previous_cost - c.price_effect - c.volume_effect)::numeric(38, 18) AS mix_effect,
       c.tokens::bigint AS tokens,
       c.previous_tokens::bigint AS previous_tokens,
       coalesce(l.label, c.dimension_value) AS dimension_label
FROM (
  SELECT s.usage_month, s.dimension, s.dimension_value, s.currency, sum(s.cost) AS cost, sum(s.previous_cost) AS previous_cost, sum(s.tokens) AS tokens,
         sum(s.previous_tokens) AS previous_tokens, sum(s.price_effect) AS price_effect,
         CASE WHEN sum(s.previous_tokens) > 0 THEN round(round((sum(s.tokens) - sum(s.previous_tokens)) * sum(s.previous_cost), 24) / sum(s.previous_tokens), 18)
              WHEN sum(s.previous_cost) = 0 THEN sum(s.cost) ELSE 0 END AS volume_effect,
         sum(s.calls) AS calls, sum(s.previous_calls) AS previous_calls
  FROM (
    SELECT x.usage_month, x.dimension, x.dimension_value, x.currency, x.sku_id, x.cost, x.previous_cost, x.tokens, x.previous_tokens, x.calls, x.previous_calls,
           CASE WHEN x.tokens > 0 AND x.previous_tokens > 0
                THEN round(x.cost - round(x.tokens * x.previous_cost, 24) / x.previous_tokens, 18) ELSE 0 END AS price_effect
    FROM (
      SELECT d.report_month AS usage_month, d.dimension, d.dimension_value, d.currency, d.sku_id,
             coalesce(sum(d.cost) FILTER (WHERE NOT d.is_previous), 0) AS cost,
             coalesce(sum(d.cost) FILTER (WHERE d.is_previous), 0) AS previous_cost,
             coalesce(sum(d.input_tokens) FILTER (WHERE NOT d.is_previous), 0) + coalesce(sum(d.output_tokens) FILTER (WHERE NOT d.is_previous), 0) AS tokens,
             coalesce(sum(d.input_tokens) FILTER (WHERE d.is_previous), 0) + coalesce(sum(d.output_tokens) FILTER (WHERE d.is_previous), 0) AS previous_tokens,
             coalesce(sum(d.calls) FILTER (WHERE NOT d.is_previous), 0) AS calls,
             coalesce(sum(d.calls) FILTER (WHERE d.is_previous), 0) AS previous_calls
      FROM spend._month_dimensions AS d
      GROUP BY 1, 2, 3, 4, 5
    ) AS x
  ) AS s
  GROUP BY 1, 2, 3, 4
) AS c
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN spend._labels AS l ON l.dimension = c.dimension AND l.value = c.dimension_value
-- The month after the last is no change of anything.
WHERE c.calls > 0 OR c.previous_calls > 0 AND c.usage_month <= date_trunc('month', now() AT TIME ZONE z)::date;
COMMENT ON VIEW spend.spend_change IS 'Cost by month and any dimension against the month before, and why: price, volume and mix, which add up to the change.';
COMMENT ON COLUMN spend.spend_change.spend_change_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.spend_change.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.spend_change.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.spend_change.period_kind IS 'month.';
COMMENT ON COLUMN spend.spend_change.dimension IS 'What the row is by: total, a dimension, provider, model, service_tier, operation, route or purpose.';
COMMENT ON COLUMN spend.spend_change.dimension_value IS 'Its value; (untagged) or (unknown) without one.';
COMMENT ON COLUMN spend.spend_change.currency IS 'Currency of the amounts; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.spend_change.cost IS 'Cost of the month.';
COMMENT ON COLUMN spend.spend_change.previous_cost IS 'Cost of the month before.';
COMMENT ON COLUMN spend.spend_change.change IS 'cost − previous_cost.';
COMMENT ON COLUMN spend.spend_change.change_percent IS 'That in percent of previous_cost; NULL when that is 0.';
COMMENT ON COLUMN spend.spend_change.price_effect IS 'What this month''s tokens cost more than at the SKU''s cost per token of the month before; of SKUs used in both.';
COMMENT ON COLUMN spend.spend_change.volume_effect IS 'More tokens, at the average cost per token of the month before; the whole cost when there was none.';
COMMENT ON COLUMN spend.spend_change.mix_effect IS 'The rest: other SKUs, and usage without tokens.';
COMMENT ON COLUMN spend.spend_change.tokens IS 'Input and output tokens.';
COMMENT ON COLUMN spend.spend_change.previous_tokens IS 'The same of the month before.';
COMMENT ON COLUMN spend.spend_change.dimension_label IS 'Name of the value (spend.dimension_values, spend.cost_centers), else the value.';
