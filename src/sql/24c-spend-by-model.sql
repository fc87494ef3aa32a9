CREATE VIEW spend.spend_by_model WITH (security_barrier) AS
SELECT md5(jsonb_build_array(m.usage_month, coalesce(m.provider, '(unknown)'), coalesce(m.model, '(unknown)'), m.service_tier, m.currency)::text)
         AS spend_by_model_key,
       min(m.usage_month::timestamp AT TIME ZONE z) AS period_start_at,
       m.usage_month AS period_start,
       'month'::text AS period_kind,
       coalesce(m.provider, '(unknown)') AS provider,
       coalesce(m.model, '(unknown)') AS model,
       m.service_tier,
       m.currency,
       sum(m.calls)::bigint AS calls,
       coalesce(sum(m.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(m.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(m.cache_read_tokens), 0)::bigint AS cache_read_tokens,
       coalesce(sum(m.cost), 0)::numeric(38, 18) AS cost,
       (round(coalesce(sum(m.cost), 0), 24) / nullif(sum(m.calls) - coalesce(sum(m.unpriced_calls), 0), 0))::numeric(38, 18) AS cost_per_call,
       coalesce(sum(m.unpriced_calls), 0)::bigint AS unpriced_calls
FROM spend._month_totals AS m
CROSS JOIN spend._rollup_zone() AS z
GROUP BY m.usage_month, coalesce(m.provider, '(unknown)'), coalesce(m.model, '(unknown)'), m.service_tier, m.currency
HAVING sum(m.calls) <> 0;
COMMENT ON VIEW spend.spend_by_model IS 'Spend and usage by month and model.';
COMMENT ON COLUMN spend.spend_by_model.spend_by_model_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.spend_by_model.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.spend_by_model.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.spend_by_model.period_kind IS 'month.';
COMMENT ON COLUMN spend.spend_by_model.provider IS 'Provider.';
COMMENT ON COLUMN spend.spend_by_model.model IS 'Model.';
COMMENT ON COLUMN spend.spend_by_model.service_tier IS 'Service tier.';
COMMENT ON COLUMN spend.spend_by_model.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.spend_by_model.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.spend_by_model.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.spend_by_model.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN spend.spend_by_model.cache_read_tokens IS 'Input tokens read from cache.';
COMMENT ON COLUMN spend.spend_by_model.cost IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.spend_by_model.cost_per_call IS 'Cost per priced row; NULL without one.';
COMMENT ON COLUMN spend.spend_by_model.unpriced_calls IS 'Rows without a price.';

