-- Charges: what a day's usage of one SKU by one attribution cost, meter by meter. Sums of the rollup are split by the rates of their price;
-- where that does not give the sum's own cost to the last digit (context tiers, schedules, terms per row), the rows of that day are asked.

-- The barrier keeps this join apart, so that each price is boiled down once.
CREATE VIEW spend._focus_kinds WITH (security_barrier) AS
SELECT k.kind_id, k.provider, coalesce(k.priced_model, k.model) AS model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency,
       k.pricing_status = 'reported' AS is_reported, spend._base_price(k.price) AS base_price, k.price::jsonb -> 'rates' ? 'requests' AS counts_requests
FROM spend._kinds AS k
WHERE spend._is_iso_currency(k.currency);
COMMENT ON VIEW spend._focus_kinds IS 'Internal: kinds of usage that are billed in money, with their SKU.';

CREATE FUNCTION spend._discount_factor(list_cost numeric, cost numeric, facts jsonb, currency text, usage_date_utc date) RETURNS numeric
  LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Discounts are shares, so they hold of a sum as of its parts; whether they were the same all day is asked at both ends of it.
  SELECT CASE WHEN bool_and(t.is_it) AND list_cost * f.factor = cost THEN f.factor END
  FROM (SELECT round(cost / nullif(list_cost, 0), 16) AS factor) AS f
  CROSS JOIN (
    SELECT list_cost + sum(l.amount) = cost AND bool_and(l.kind = 'discount') AS is_it
    FROM (VALUES (0, usage_date_utc::timestamp AT TIME ZONE 'UTC'), (1, (usage_date_utc + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')) AS m(moment, at)
    CROSS JOIN LATERAL spend.price_term_lines(list_cost, facts, currency, m.at) AS l
    GROUP BY m.moment
  ) AS t
  GROUP BY f.factor
  HAVING count(*) = 2
$$;
COMMENT ON FUNCTION spend._discount_factor(numeric, numeric, jsonb, text, date) IS
  'Internal: what share of the list price was charged for a day''s sum; NULL when the terms of that day say something else.';

CREATE FUNCTION spend._sum_lines(
  price spend.price, list_cost numeric, input_tokens numeric, output_tokens numeric, cache_read_tokens numeric, cache_write_tokens numeric,
  output_reasoning_tokens numeric, tool_calls numeric, retrieval_queries numeric, requests numeric, factor numeric,
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 3 AS 'MODULE_PATHNAME', 'spend_sum_lines';
COMMENT ON FUNCTION spend._sum_lines(spend.price, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric) IS
  'Internal: a sum split by the rates of a price; no row where they do not give the list cost to the last digit, or the factor gives more decimals than the ledger has.';
CREATE FUNCTION spend._is_sum(
  price spend.price, list_cost numeric, input_tokens numeric, output_tokens numeric, cache_read_tokens numeric, cache_write_tokens numeric,
  output_reasoning_tokens numeric, tool_calls numeric, retrieval_queries numeric, requests numeric, factor numeric
) RETURNS boolean
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_is_sum';
COMMENT ON FUNCTION spend._is_sum(spend.price, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric) IS
  'Internal: whether _sum_lines() splits the sum; true of one that used and cost nothing.';

CREATE VIEW spend._focus_sums AS
SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.kind_id, s.calls, s.cost, s.list_cost, k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant,
       k.currency, k.is_reported, k.base_price, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.output_reasoning_tokens, s.tool_calls,
       s.retrieval_queries, r.requests, f.factor,
       spend._is_sum(k.base_price, s.list_cost, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
                     s.output_reasoning_tokens, s.tool_calls, s.retrieval_queries, r.requests, f.factor) AS is_split
FROM (
  SELECT u.usage_month, u.usage_date_utc, u.attribution_id, u.kind_id, sum(u.calls) AS calls, coalesce(sum(u.cost), 0) AS cost, coalesce(sum(u.list_cost), 0) AS list_cost,
         sum(u.unpriced_calls) AS unpriced_calls, sum(u.input_tokens) AS input_tokens, sum(u.output_tokens) AS output_tokens,
         sum(u.cache_read_tokens) AS cache_read_tokens, sum(u.cache_write_tokens) AS cache_write_tokens,
         sum(u.output_reasoning_tokens) AS output_reasoning_tokens, sum(u.tool_calls) AS tool_calls, sum(u.retrieval_queries) AS retrieval_queries
  FROM spend._usage_days AS u
  GROUP BY 1, 2, 3, 4
) AS s
JOIN spend._focus_kinds AS k USING (kind_id)
LEFT JOIN spend._seen AS a USING (attribution_id)
CROSS JOIN LATERAL (SELECT CASE WHEN k.counts_requests THEN s.calls END AS requests) AS r
CROSS JOIN LATERAL (
  SELECT CASE WHEN s.cost = s.list_cost THEN 1
              ELSE spend._discount_factor(s.list_cost, s.cost, coalesce(a.dimensions, '{}') || jsonb_build_object(
                'provider', k.provider, 'model', k.model, 'surface', k.surface, 'region', k.region, 'service_tier', k.service_tier, 'speed', k.speed,
                'variant', k.variant), k.currency, s.usage_date_utc) END AS factor
) AS f
WHERE s.calls > coalesce(s.unpriced_calls, 0) AND coalesce(a.is_visible, spend.visible(NULL));
COMMENT ON VIEW spend._focus_sums IS 'Internal: what was priced by the organisation''s month, UTC day, attribution and kind, as far as the current role may see it.';

CREATE VIEW spend._price_versions AS
SELECT p.price_id, p.price, 0 AS age, NULL::timestamptz AS until FROM spend.prices AS p
UNION ALL
SELECT h.price_id, h.price, 1, upper(h.believed_during) FROM spend.price_history AS h;
COMMENT ON VIEW spend._price_versions IS 'Internal: prices as they are and as they were.';

CREATE FUNCTION spend._row_cost_lines(
  usage spend.usage, price spend.price,
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT factor numeric, OUT amount numeric, OUT consumed numeric
) RETURNS SETOF record
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 4 SET search_path = pg_catalog, pg_temp AS $$
  WITH discounted AS (
    SELECT round((usage.list_cost + coalesce(sum(t.amount) FILTER (WHERE t.kind = 'discount'), 0)) / nullif(usage.list_cost, 0), 18) AS factor
    FROM spend.price_term_lines(usage) AS t
  ), line AS (
    SELECT c.*, CASE WHEN max(scale(trim_scale(c.amount * d.factor))) OVER () <= 18 THEN d.factor ELSE 1 END AS factor
    FROM discounted AS d CROSS JOIN spend._charge_lines(usage, price) AS c
    WHERE price IS NOT NULL
    UNION ALL
    -- Nothing on record says how the cost came about: it is charged as one amount.
    SELECT 'cost', usage.cost, 1, 1, NULL, NULL, usage.cost, 1 WHERE price IS NULL AND usage.cost <> 0
  )
  SELECT l.meter, l.quantity, l.rate, l.per, l.tier, l.condition, l.factor, l.amount, CASE l.meter WHEN 'cost' THEN 1 ELSE l.quantity END FROM line AS l
  UNION ALL
  -- Mark-ups, fixed amounts and what rounding left: no price times a quantity.
  SELECT NULL, NULL, NULL, NULL, NULL, NULL, 1, r.rest, NULL
  FROM (SELECT usage.cost - coalesce(sum(l.amount * l.factor), 0) AS rest FROM line AS l) AS r
  WHERE r.rest <> 0
$$;
COMMENT ON FUNCTION spend._row_cost_lines(spend.usage, spend.price) IS
  'Internal: what makes up the cost of a row under the price that gave it: lines at a rate, times what discounts leave of it, and a line without a meter for the rest.';

CREATE VIEW spend._focus_lines AS
SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.kind_id, l.meter, l.quantity, l.rate, l.per, NULL::text AS tier, NULL::text AS condition, s.factor, l.amount,
       l.quantity AS consumed
FROM spend._focus_sums AS s
CROSS JOIN LATERAL spend._sum_lines(s.base_price, s.list_cost, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.output_reasoning_tokens,
                                    s.tool_calls, s.retrieval_queries, s.requests, s.factor) AS l
WHERE NOT s.is_reported
UNION ALL
SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.kind_id, 'reported_cost', s.cost, 1, 1, NULL, NULL, 1, s.cost, s.calls
FROM spend._focus_sums AS s
WHERE s.is_reported
UNION ALL
-- One reading of the rows for all sums of a day.
SELECT d.usage_month, d.usage_date_utc, r.attribution_id, r.kind_id, l.meter, l.quantity, l.rate, l.per, l.tier, l.condition, l.factor, l.amount, l.consumed
FROM (
  SELECT s.usage_month, s.usage_date_utc, jsonb_object_agg(s.attribution_id::text || s.kind_id::text, true) AS groups
  FROM spend._focus_sums AS s
  WHERE NOT s.is_reported AND NOT s.is_split
  GROUP BY 1, 2
) AS d
CROSS JOIN spend._rollup_zone() AS z
CROSS JOIN LATERAL (
  SELECT u, coalesce(u.attribution_id, '00000000-0000-0000-0000-000000000000') AS attribution_id, spend._kind_id(u) AS kind_id
  FROM spend.usage AS u
  WHERE u.occurred_at >= d.usage_date_utc::timestamp AT TIME ZONE 'UTC' AND u.occurred_at < (d.usage_date_utc + 1)::timestamp AT TIME ZONE 'UTC'
    AND u.cost IS NOT NULL AND u.recorded_at IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided'
    AND date_trunc('month', u.occurred_at AT TIME ZONE z)::date = d.usage_month
) AS r
-- Of the versions of its price, the one that gives the row its cost.
LEFT JOIN LATERAL (
  SELECT v.price
  FROM spend._price_versions AS v
  WHERE v.price_id = (r.u).price_id AND coalesce((SELECT sum(c.amount) FROM spend._charge_lines(r.u, v.price) AS c), 0) = (r.u).list_cost
  ORDER BY v.age, v.until DESC
  LIMIT 1
) AS p ON true
CROSS JOIN LATERAL spend._row_cost_lines(r.u, p.price) AS l
WHERE d.groups ? (r.attribution_id::text || r.kind_id::text)
UNION ALL
-- Rows that were dropped left their sums only.
SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.kind_id, 'cost', d.cost, 1, 1, NULL, NULL, 1, d.cost, d.calls
FROM (
  SELECT e.usage_month, e.usage_date_utc, e.attribution_id, e.kind_id, sum(e.cost) AS cost, sum(e.calls) AS calls FROM spend.sealed_rollup AS e GROUP BY 1, 2, 3, 4
) AS d
JOIN spend._focus_sums AS s USING (usage_month, usage_date_utc, attribution_id, kind_id)
WHERE d.cost <> 0 AND NOT s.is_reported AND NOT s.is_split AND (SELECT true FROM spend.sealed_rollup LIMIT 1);
COMMENT ON VIEW spend._focus_lines IS 'Internal: charges by kind of usage, from sums where they can be split, else from rows.';

CREATE VIEW spend._focus_charges AS
SELECT l.usage_month, l.usage_date_utc, l.attribution_id, k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency, l.meter, l.rate, l.per, l.tier,
       l.condition, l.factor, sum(l.quantity) AS quantity, sum(l.amount) AS amount, sum(l.consumed) AS consumed
FROM spend._focus_lines AS l
JOIN spend._focus_kinds AS k USING (kind_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
HAVING l.meter IS NOT NULL OR sum(l.amount) <> 0;
COMMENT ON VIEW spend._focus_charges IS 'Internal: charges by UTC day, attribution, SKU and meter, as the ledger is now. A UTC day in which the organisation''s month ends is in both months.';
