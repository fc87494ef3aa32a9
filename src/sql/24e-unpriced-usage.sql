CREATE VIEW spend.unpriced_usage WITH (security_barrier) AS
SELECT md5(jsonb_build_array(k.sent_provider, k.model, k.pricing_reason)::text) AS unpriced_usage_key,
       max(d.usage_date)::timestamp AT TIME ZONE min(z) AS last_day_start_at,
       max(d.usage_date) AS last_usage_date,
       min(d.usage_date) AS first_usage_date,
       coalesce(k.sent_provider, '(unknown)') AS provider,
       coalesce(k.model, '(unknown)') AS model,
       coalesce(k.pricing_reason, '') AS pricing_reason,
       sum(d.calls)::bigint AS calls,
       coalesce(sum(d.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(d.output_tokens), 0)::bigint AS output_tokens
FROM (
  SELECT u.usage_date, u.attribution_id, u.kind_id, sum(u.calls) AS calls, sum(u.input_tokens) AS input_tokens, sum(u.output_tokens) AS output_tokens
  FROM spend._usage_days AS u
  WHERE u.kind_id IN (SELECT i.kind_id FROM spend.usage_kinds AS i WHERE i.pricing_status = 'unpriced')
  GROUP BY 1, 2, 3
  HAVING sum(u.calls) <> 0
) AS d
JOIN spend._kinds AS k USING (kind_id)
CROSS JOIN spend._rollup_zone() AS z
LEFT JOIN spend._seen AS a USING (attribution_id)
WHERE coalesce(a.is_visible, spend.visible(NULL))
GROUP BY k.sent_provider, k.model, k.pricing_reason;
COMMENT ON VIEW spend.unpriced_usage IS 'Usage without a price, by provider, model and reason: unknown is not free, it waits here.';
COMMENT ON COLUMN spend.unpriced_usage.unpriced_usage_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.unpriced_usage.last_day_start_at IS 'Start of the last day with such usage.';
COMMENT ON COLUMN spend.unpriced_usage.last_usage_date IS 'Last day with such usage.';
COMMENT ON COLUMN spend.unpriced_usage.first_usage_date IS 'First day with such usage.';
COMMENT ON COLUMN spend.unpriced_usage.provider IS 'Provider as sent, normalised; (unknown) without.';
COMMENT ON COLUMN spend.unpriced_usage.model IS 'Model, normalised; (unknown) without.';
COMMENT ON COLUMN spend.unpriced_usage.pricing_reason IS 'Why there was no price.';
COMMENT ON COLUMN spend.unpriced_usage.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.unpriced_usage.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.unpriced_usage.output_tokens IS 'Output tokens, reasoning included.';
