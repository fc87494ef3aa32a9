-- The cost that vendors report, beside ours. Compared row by row, each row in the currency that both are in. What is no cost of a
-- call (reported_cost() in price_row.cpp) would make the sums wrong, or too large for any view: it is counted, not added.
CREATE VIEW spend.reported_cost_differences WITH (security_barrier) AS
SELECT md5(jsonb_build_array(c.provider, c.model, c.currency)::text) AS reported_cost_differences_key,
       max(c.occurred_at) AS last_occurred_at,
       min(c.occurred_at) AS first_occurred_at,
       coalesce(c.provider, '(unknown)') AS provider,
       coalesce(c.model, '(unknown)') AS model,
       c.currency,
       min(c.policy) AS reported_cost_policy,
       count(*) AS calls,
       count(*) FILTER (WHERE c.ours IS NULL) AS unpriced_calls,
       count(*) FILTER (WHERE c.ours IS NOT NULL AND coalesce(abs(c.reported - c.ours) > c.tolerance * c.ours, true)) AS differing_calls,
       coalesce(sum(c.ours), 0)::numeric(38, 18) AS computed_cost,
       coalesce(sum(c.reported) FILTER (WHERE c.ours IS NOT NULL), 0)::numeric(38, 18) AS reported_cost,
       coalesce(sum(c.reported - c.ours), 0)::numeric(38, 18) AS difference,
       CASE WHEN sum(c.ours) > 0 THEN least(100 * sum(c.reported - c.ours) / sum(c.ours), 9999999999.9999) END::numeric(14, 4) AS difference_percent,
       coalesce(sum(c.reported) FILTER (WHERE c.ours IS NULL), 0)::numeric(38, 18) AS unpriced_reported_cost
FROM (
  SELECT u.occurred_at, CASE WHEN u.reported_cost BETWEEN 0 AND 1e15 THEN u.reported_cost END AS reported, upper(coalesce(nullif(u.reported_currency, ''), 'USD')) AS currency, k.provider, k.model,
         coalesce(r.reported_cost_policy, 'verify') AS policy, coalesce(r.tolerance, 0.01) AS tolerance,
         -- What the price made of it; another currency cannot be compared.
         CASE WHEN coalesce(p.price::jsonb ->> 'currency', u.currency) = upper(coalesce(nullif(u.reported_currency, ''), 'USD'))
              THEN CASE u.pricing_status WHEN 'reported' THEN u.computed_cost ELSE u.cost END END AS ours
  FROM spend.usage AS u
  LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
  CROSS JOIN LATERAL (
    SELECT coalesce(nullif(spend.text_key(u.provider), ''), p.provider) AS provider,
           coalesce(p.model, nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), '')) AS model
  ) AS k
  LEFT JOIN spend.providers AS r ON spend._canonical_provider(r.provider) = spend._canonical_provider(k.provider)
  WHERE u.reported_cost IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided' AND spend.visible(u.attribution_id)
) AS c
WHERE c.policy <> 'ignore'
GROUP BY c.provider, c.model, c.currency;
COMMENT ON VIEW spend.reported_cost_differences IS
  'What vendors reported beside what our prices make of the same calls, by model: where the two part, one of them is wrong. Providers whose policy is ignore are left out.';
COMMENT ON COLUMN spend.reported_cost_differences.reported_cost_differences_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.reported_cost_differences.last_occurred_at IS 'Last such usage.';
COMMENT ON COLUMN spend.reported_cost_differences.first_occurred_at IS 'First such usage.';
COMMENT ON COLUMN spend.reported_cost_differences.provider IS 'Provider as sent, else of the price, normalised; (unknown) without.';
COMMENT ON COLUMN spend.reported_cost_differences.model IS 'Model that priced the calls, else as sent, normalised; (unknown) without.';
COMMENT ON COLUMN spend.reported_cost_differences.currency IS 'Currency of the reported cost.';
COMMENT ON COLUMN spend.reported_cost_differences.reported_cost_policy IS 'verify: our cost counts. trust: the reported one does.';
COMMENT ON COLUMN spend.reported_cost_differences.calls IS 'Usage rows with a reported cost.';
COMMENT ON COLUMN spend.reported_cost_differences.unpriced_calls IS 'Rows among them that our prices give no cost, or one in another currency.';
COMMENT ON COLUMN spend.reported_cost_differences.differing_calls IS 'Rows among them whose two costs differ by more than the provider''s tolerance, or whose reported cost can be none: negative, or above 10^15. Such a figure is in no sum.';
COMMENT ON COLUMN spend.reported_cost_differences.computed_cost IS 'Cost by our prices.';
COMMENT ON COLUMN spend.reported_cost_differences.reported_cost IS 'Reported cost of the same rows.';
COMMENT ON COLUMN spend.reported_cost_differences.difference IS 'reported_cost less computed_cost.';
COMMENT ON COLUMN spend.reported_cost_differences.difference_percent IS 'That in percent of computed_cost, at most 9999999999.9999; NULL when that is 0.';
COMMENT ON COLUMN spend.reported_cost_differences.unpriced_reported_cost IS 'Reported cost of the rows that have none by our prices.';
