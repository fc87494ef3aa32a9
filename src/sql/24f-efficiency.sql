-- One row for each value of each dimension: ask for one dimension, the sums of all of them are each the whole.
CREATE VIEW spend.efficiency WITH (security_barrier) AS
SELECT md5(jsonb_build_array(f.usage_month, f.dimension, f.dimension_value, f.currency)::text) AS efficiency_key,
       f.usage_month::timestamp AT TIME ZONE z AS period_start_at,
       f.usage_month AS period_start,
       'month'::text AS period_kind,
       f.dimension,
       f.dimension_value,
       f.currency,
       f.calls::bigint AS calls,
       f.cost::numeric(38, 18) AS cost,
       f.unpriced_calls::bigint AS unpriced_calls,
       f.input_tokens::bigint AS input_tokens,
       f.output_tokens::bigint AS output_tokens,
       f.cache_read_tokens::bigint AS cache_read_tokens,
       (f.cache_read_tokens / nullif(f.input_tokens, 0))::numeric(14, 6) AS cache_hit_rate,
       f.cache_savings::numeric(38, 18) AS cache_savings,
       f.cached_calls::bigint AS cached_calls,
       (f.cached_calls / f.calls)::numeric(14, 6) AS response_cache_hit_rate,
       f.premium_calls::bigint AS premium_calls,
       f.premium_cost::numeric(38, 18) AS premium_cost,
       (f.premium_cost / nullif(f.cost, 0))::numeric(14, 6) AS premium_share,
       f.fallback_calls::bigint AS fallback_calls,
       f.fallback_cost::numeric(38, 18) AS fallback_cost,
       (f.fallback_calls / f.calls)::numeric(14, 6) AS fallback_rate,
       f.retried_calls::bigint AS retried_calls,
       f.retried_cost::numeric(38, 18) AS retried_cost,
       (f.retried_calls / f.calls)::numeric(14, 6) AS retry_rate,
       f.failed_calls::bigint AS failed_calls,
       f.failed_cost::numeric(38, 18) AS failed_cost,
       f.abandoned_calls::bigint AS abandoned_calls,
       f.abandoned_cost::numeric(38, 18) AS abandoned_cost,
       f.blocked_calls::bigint AS blocked_calls,
       f.blocked_cost::numeric(38, 18) AS blocked_cost,
       f.accepted_calls::bigint AS accepted_calls,
       f.rejected_calls::bigint AS rejected_calls,
       (f.accepted_calls / nullif(f.accepted_calls + f.rejected_calls, 0))::numeric(14, 6) AS acceptance_rate,
       f.accepted_cost::numeric(38, 18) AS accepted_cost,
       f.reviewed_calls::bigint AS reviewed_calls,
       f.experiment_cost::numeric(38, 18) AS experiment_cost,
       f.tool_calls::bigint AS tool_calls,
       f.retrieval_queries::bigint AS retrieval_queries,
       f.agent_steps::bigint AS agent_steps,
       (f.output_tokens / nullif(f.input_tokens, 0))::numeric(20, 6) AS output_input_ratio,
       (f.compressed_input_tokens / nullif(f.original_input_tokens, 0))::numeric(20, 6) AS compression_ratio,
       coalesce(l.label, f.dimension_value) AS dimension_label
FROM (
  SELECT d.report_month AS usage_month, d.dimension, d.dimension_value, d.currency,
         coalesce(sum(d.calls), 0) AS calls,
         coalesce(sum(d.cost), 0) AS cost,
         coalesce(sum(d.unpriced_calls), 0) AS unpriced_calls,
         coalesce(sum(d.input_tokens), 0) AS input_tokens,
         coalesce(sum(d.output_tokens), 0) AS output_tokens,
         coalesce(sum(d.cache_read_tokens), 0) AS cache_read_tokens,
         coalesce(sum(d.cached_calls), 0) AS cached_calls,
         coalesce(sum(d.fallback_calls), 0) AS fallback_calls,
         coalesce(sum(d.fallback_cost), 0) AS fallback_cost,
         coalesce(sum(d.retried_calls), 0) AS retried_calls,
         coalesce(sum(d.retried_cost), 0) AS retried_cost,
         coalesce(sum(d.failed_calls), 0) AS failed_calls,
         coalesce(sum(d.failed_cost), 0) AS failed_cost,
         coalesce(sum(d.abandoned_calls), 0) AS abandoned_calls,
         coalesce(sum(d.abandoned_cost), 0) AS abandoned_cost,
         coalesce(sum(d.blocked_calls), 0) AS blocked_calls,
         coalesce(sum(d.blocked_cost), 0) AS blocked_cost,
         coalesce(sum(d.accepted_calls), 0) AS accepted_calls,
         coalesce(sum(d.rejected_calls), 0) AS rejected_calls,
         coalesce(sum(d.accepted_cost), 0) AS accepted_cost,
         coalesce(sum(d.reviewed_calls), 0) AS reviewed_calls,
         coalesce(sum(d.tool_calls), 0) AS tool_calls,
         coalesce(sum(d.retrieval_queries), 0) AS retrieval_queries,
         coalesce(sum(d.agent_steps), 0) AS agent_steps,
         coalesce(sum(d.original_input_tokens), 0) AS original_input_tokens,
         coalesce(sum(d.compressed_input_tokens), 0) AS compressed_input_tokens,
         coalesce(sum(d.cache_read_tokens * d.cache_saving), 0) * 0.000001 AS cache_savings,
         coalesce(sum(d.calls) FILTER (WHERE d.tier = 'premium'), 0) AS premium_calls,
         coalesce(sum(d.cost) FILTER (WHERE d.tier = 'premium'), 0) AS premium_cost,
         coalesce(sum(d.cost) FILTER (WHERE d.purpose IN ('experiment', 'evaluation')), 0) AS experiment_cost
  FROM spend._month_dimensions AS d
  WHERE NOT d.is_previous
  GROUP BY 1, 2, 3, 4
  HAVING sum(d.calls) <> 0
) AS f
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN spend._labels AS l ON l.dimension = f.dimension AND l.value = f.dimension_value;
COMMENT ON VIEW spend.efficiency IS 'How well the money is used, by month and any dimension: cache, premium models, fallbacks, retries, failures, abandoned and blocked calls, acceptance, compression.';
COMMENT ON COLUMN spend.efficiency.efficiency_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.efficiency.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.efficiency.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.efficiency.period_kind IS 'month.';
COMMENT ON COLUMN spend.efficiency.dimension IS 'What the row is by: total, a dimension, provider, model, service_tier, operation, route or purpose.';
COMMENT ON COLUMN spend.efficiency.dimension_value IS 'Its value; (untagged) or (unknown) without one.';
COMMENT ON COLUMN spend.efficiency.currency IS 'Currency of the amounts; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.efficiency.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.efficiency.cost IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.efficiency.unpriced_calls IS 'Rows without a price.';
COMMENT ON COLUMN spend.efficiency.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.efficiency.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN spend.efficiency.cache_read_tokens IS 'Input tokens read from the provider''s cache.';
COMMENT ON COLUMN spend.efficiency.cache_hit_rate IS 'Share of input tokens that came from the cache, 0 to 1; NULL without input.';
COMMENT ON COLUMN spend.efficiency.cache_savings IS 'What these tokens cost less than others: by the list price''s rates for a short request, before customer terms.';
COMMENT ON COLUMN spend.efficiency.cached_calls IS 'Rows that the app''s own response cache answered.';
COMMENT ON COLUMN spend.efficiency.response_cache_hit_rate IS 'Their share of the rows.';
COMMENT ON COLUMN spend.efficiency.premium_calls IS 'Rows of models whose tier is premium (spend.models).';
COMMENT ON COLUMN spend.efficiency.premium_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.premium_share IS 'Their share of the cost; NULL without cost.';
COMMENT ON COLUMN spend.efficiency.fallback_calls IS 'Rows that stood in for another model.';
COMMENT ON COLUMN spend.efficiency.fallback_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.fallback_rate IS 'Their share of the rows.';
COMMENT ON COLUMN spend.efficiency.retried_calls IS 'Rows that try again: attempt above 1, or purpose retry.';
COMMENT ON COLUMN spend.efficiency.retried_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.retry_rate IS 'Their share of the rows.';
COMMENT ON COLUMN spend.efficiency.failed_calls IS 'Rows that failed (spend.outcome()).';
COMMENT ON COLUMN spend.efficiency.failed_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.abandoned_calls IS 'Rows that were given up.';
COMMENT ON COLUMN spend.efficiency.abandoned_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.blocked_calls IS 'Rows that something blocked.';
COMMENT ON COLUMN spend.efficiency.blocked_cost IS 'Their cost.';
COMMENT ON COLUMN spend.efficiency.accepted_calls IS 'Rows whose result was accepted.';
COMMENT ON COLUMN spend.efficiency.rejected_calls IS 'Rows whose result was not accepted.';
COMMENT ON COLUMN spend.efficiency.acceptance_rate IS 'Share of the accepted among both; NULL when nobody said.';
COMMENT ON COLUMN spend.efficiency.accepted_cost IS 'Cost of the accepted rows.';
COMMENT ON COLUMN spend.efficiency.reviewed_calls IS 'Rows whose result a person reviewed.';
COMMENT ON COLUMN spend.efficiency.experiment_cost IS 'Cost of the rows whose purpose is experiment or evaluation.';
COMMENT ON COLUMN spend.efficiency.tool_calls IS 'Tool calls.';
COMMENT ON COLUMN spend.efficiency.retrieval_queries IS 'Retrieval queries.';
COMMENT ON COLUMN spend.efficiency.agent_steps IS 'Steps of agents.';
COMMENT ON COLUMN spend.efficiency.output_input_ratio IS 'Output tokens per input token.';
COMMENT ON COLUMN spend.efficiency.compression_ratio IS 'Input tokens after compression per token before, of the rows that know both.';
COMMENT ON COLUMN spend.efficiency.dimension_label IS 'Name of the value (spend.dimension_values, spend.cost_centers), else the value.';
