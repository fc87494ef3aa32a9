-- What rows cost and why: their prices by hand, what was corrected, and what others say of the cost.

CREATE FUNCTION oracle.rates(price spend.price, OUT meter text, OUT rate numeric, OUT per numeric) RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$
  SELECT r.key, split_part(t.said, '/', 1)::numeric, CASE lower(split_part(t.said, '/', 2)) WHEN '1m' THEN 1000000 WHEN '1k' THEN 1000 ELSE 1 END
  FROM jsonb_each(price::jsonb -> 'rates') AS r
  CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(r.value) WHEN 'object' THEN r.value ->> 'base' ELSE r.value #>> '{}' END AS said) AS t
$$;

-- Plain prices by hand: what has a rate of its own is not charged at its parent's, and is never more than that (no parent, or 0, says nothing of it); an activity without
-- a rate is free.
CREATE FUNCTION oracle.charges(price spend.price, sent jsonb, OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT amount numeric) RETURNS SETOF record
  LANGUAGE sql IMMUTABLE AS $$
  WITH rates AS (SELECT * FROM oracle.rates(price)), counts AS (
    SELECT coalesce(nullif((sent ->> 'input_tokens')::numeric, 0), (sent ->> 'cache_read_tokens')::numeric, 0) AS input, coalesce((sent ->> 'output_tokens')::numeric, 0) AS output,
           CASE WHEN EXISTS (SELECT FROM rates AS r WHERE r.meter = 'cache_read_tokens') THEN least(coalesce((sent ->> 'cache_read_tokens')::numeric, 0), nullif((sent ->> 'input_tokens')::numeric, 0)) ELSE 0 END AS cached
  ), quantities AS (
    SELECT v.meter, v.quantity FROM counts AS c CROSS JOIN LATERAL (VALUES ('input_tokens', greatest(c.input - c.cached, 0)), ('cache_read_tokens', c.cached), ('output_tokens', c.output)) AS v(meter, quantity)
    UNION ALL
    SELECT s.key, s.value::numeric FROM jsonb_each_text(sent) AS s WHERE s.key NOT IN ('input_tokens', 'cache_read_tokens', 'output_tokens')
  )
  SELECT q.meter, q.quantity, r.rate, r.per, q.quantity * r.rate / r.per FROM quantities AS q JOIN rates AS r USING (meter) WHERE q.quantity > 0
$$;

-- The lines of each row that has a price: under the version of it that gives the row's list cost, the present one first.
CREATE VIEW oracle._priced AS
SELECT f.*, v.price, t.factor
FROM oracle._facts AS f
CROSS JOIN LATERAL (
  SELECT jsonb_strip_nulls(jsonb_build_object('input_tokens', f.input_tokens, 'output_tokens', f.output_tokens, 'cache_read_tokens', f.cache_read_tokens, 'tool_calls', f.tool_calls,
                                              'retrieval_queries', f.retrieval_queries)) || coalesce(f.other_usage::jsonb, '{}') AS sent
) AS s
LEFT JOIN LATERAL (
  SELECT p.price FROM (
    SELECT p.price, 0 AS age, NULL::timestamptz AS until FROM spend.prices AS p WHERE p.price_id = f.price_id
    UNION ALL SELECT h.price, 1, upper(h.believed_during) FROM spend.price_history AS h WHERE h.price_id = f.price_id
  ) AS p
  WHERE (SELECT coalesce(sum(c.amount), 0) FROM oracle.charges(p.price, s.sent) AS c) = f.list_cost
  ORDER BY p.age, p.until DESC LIMIT 1
) AS v ON f.pricing_status <> 'reported'
-- What discounts leave of the list price.
CROSS JOIN LATERAL (
  SELECT coalesce(1 - sum(t.percent) / 100, 1) AS factor FROM spend.price_terms AS t WHERE t.term_id = ANY (f.price_term_ids) AND t.kind = 'discount'
) AS t
WHERE f.cost IS NOT NULL;

CREATE VIEW oracle._lines AS
SELECT p.*, c.meter, c.quantity, c.rate, c.per, c.amount
FROM oracle._priced AS p
CROSS JOIN LATERAL oracle.charges(p.price, jsonb_strip_nulls(jsonb_build_object('input_tokens', p.input_tokens, 'output_tokens', p.output_tokens,
  'cache_read_tokens', p.cache_read_tokens, 'tool_calls', p.tool_calls, 'retrieval_queries', p.retrieval_queries)) || coalesce(p.other_usage::jsonb, '{}')) AS c
WHERE p.price IS NOT NULL;

CREATE VIEW oracle.full_cost AS
WITH lines AS MATERIALIZED (
  SELECT p.*, coalesce(p.own, 'tokens') AS component, '' AS detail, 1 AS counted, p.cost AS part FROM (
    SELECT f.*, CASE WHEN f.again THEN 'retries' WHEN f.purpose_key = 'evaluation' THEN 'evaluation' WHEN f.fallback_of <> '' THEN 'fallback' END AS own,
           f.other_usage IS NULL AND coalesce(f.tool_calls, 0) = 0 AND coalesce(f.retrieval_queries, 0) = 0 AS is_plain
    FROM oracle._priced AS f WHERE f.run_id <> '' AND NOT f.is_dropped
  ) AS p
), metered AS MATERIALIZED (SELECT c.usage_id, c.meter, c.amount, c.factor FROM oracle._lines AS c WHERE c.run_id <> ''), parts AS (
  SELECT l.run_id, l.month, l.zone, l.attribution_id, l.dims, l.occurred_at, l.component, l.detail, l.currency, l.counted, l.part FROM lines AS l WHERE l.own IS NOT NULL OR l.is_plain
  UNION ALL
  -- Of all others each meter by itself; the row is counted with the first of them.
  SELECT l.run_id, l.month, l.zone, l.attribution_id, l.dims, l.occurred_at,
         CASE WHEN x.meter IN ('tool_calls', 'web_searches') THEN 'tool_calls' WHEN x.meter = 'retrieval_queries' THEN 'retrieval' WHEN x.meter LIKE '%\_gb\_days' THEN 'storage'
              WHEN x.meter = 'review_minutes' THEN 'review' WHEN x.meter LIKE '%\_tokens' THEN 'tokens' ELSE 'other' END, '', l.currency, NULL, x.amount
  FROM lines AS l
  JOIN (
    SELECT c.usage_id, c.meter, c.amount * c.factor AS amount FROM metered AS c
    UNION ALL
    SELECT p.usage_id, 'rest_tokens', p.cost - coalesce(m.amount, 0) FROM lines AS p LEFT JOIN (SELECT c.usage_id, sum(c.amount * c.factor) AS amount FROM metered AS c GROUP BY 1) AS m USING (usage_id)
    WHERE p.price IS NOT NULL AND p.cost <> coalesce(m.amount, 0)
    UNION ALL SELECT p.usage_id, 'cost', p.cost FROM lines AS p WHERE p.price IS NULL AND p.cost <> 0
  ) AS x ON x.usage_id = l.usage_id
  WHERE l.own IS NULL AND NOT l.is_plain
  UNION ALL
  SELECT l.run_id, l.month, l.zone, l.attribution_id, l.dims, l.occurred_at, 'overhead', o.name, coalesce(o.currency, l.currency), 0,
         CASE o.kind WHEN 'percent' THEN l.cost * o.amount / 100 ELSE o.amount END
  FROM lines AS l
  JOIN spend.overheads AS o ON o.valid_during @> coalesce(l.started_at, l.occurred_at)
    AND oracle.covers(o.scope, l.dims || jsonb_build_object('provider', l.vendor, 'model', coalesce(l.priced_model, l.model)))
)
SELECT md5(jsonb_build_array(p.run_id, p.month, p.attribution_id, p.component, p.detail, p.currency)::text) AS full_cost_key, min(p.occurred_at) AS first_occurred_at, p.month AS period_start,
       'month' AS period_kind, p.run_id, oracle.value(p.dims, 'cost_center') AS cost_center, oracle.value(p.dims, 'team') AS team, oracle.value(p.dims, 'workflow') AS workflow,
       oracle.value(p.dims, 'feature') AS feature, p.component, p.detail, p.currency, round(sum(p.part), 18)::numeric(38, 18) AS cost
FROM parts AS p
GROUP BY p.run_id, p.month, p.attribution_id, p.dims, p.component, p.detail, p.currency;

-- Rows are counted once, whatever components they are in.
CREATE VIEW oracle._check_run_calls AS
SELECT coalesce(r.run_id, c.run_id) AS run_id, r.calls AS from_rows, c.calls AS shown
FROM (SELECT f.run_id, f.month, f.currency, count(*) AS calls FROM oracle._facts AS f WHERE f.run_id <> '' AND f.cost IS NOT NULL AND NOT f.is_dropped GROUP BY 1, 2, 3) AS r
FULL JOIN (SELECT v.run_id, v.period_start, v.currency, sum(v.calls) AS calls FROM spend.full_cost AS v GROUP BY 1, 2, 3 HAVING sum(v.calls) <> 0) AS c
  ON c.run_id = r.run_id AND c.period_start = r.month AND c.currency = r.currency
WHERE r.calls IS DISTINCT FROM c.calls;

CREATE VIEW oracle.cost_explanation AS
SELECT l.occurred_at, l.usage_id, 'charge' AS kind, l.meter AS item, l.quantity::numeric(38, 18) AS quantity, l.rate::numeric(38, 18) AS rate, l.per::numeric(38, 18) AS per,
       l.amount::numeric(38, 18) AS amount, l.currency
FROM oracle._lines AS l WHERE NOT l.is_dropped
UNION ALL
-- Of a term that is for others, too, a reader sees what it did to the row, not its name.
SELECT p.occurred_at, p.usage_id, 'term', CASE WHEN t.scope = '{}' OR oracle.sees_scope(t.scope) THEN t.name END, NULL, NULL, NULL, (CASE t.kind WHEN 'discount' THEN -p.list_cost * t.percent / 100 ELSE t.amount END)::numeric(38, 18), p.currency
FROM oracle._priced AS p JOIN spend.price_terms AS t ON t.term_id = ANY (p.price_term_ids) WHERE p.price IS NOT NULL AND NOT p.is_dropped
UNION ALL
SELECT p.occurred_at, p.usage_id, 'reported', 'reported_cost', NULL, NULL, NULL, p.cost::numeric(38, 18), p.currency FROM oracle._priced AS p WHERE p.pricing_status = 'reported' AND NOT p.is_dropped
UNION ALL
SELECT p.occurred_at, p.usage_id, 'unexplained', 'cost', NULL, NULL, NULL, p.cost::numeric(38, 18), p.currency
FROM oracle._priced AS p WHERE p.price IS NULL AND p.pricing_status <> 'reported' AND NOT p.is_dropped
UNION ALL
SELECT r.occurred_at, r.usage_id, 'adjustment', a.kind, NULL, NULL, NULL, NULL, r.currency
FROM oracle._rows AS r JOIN spend.adjustments AS a USING (usage_id) WHERE NOT r.is_dropped;

-- Over the lines of a row the amounts are its cost.
CREATE VIEW oracle._check_explained AS
SELECT u.usage_id, u.cost, e.amount
FROM spend.usage AS u LEFT JOIN (SELECT x.usage_id, sum(x.amount) AS amount FROM spend.cost_explanation AS x GROUP BY 1) AS e USING (usage_id)
WHERE u.pricing_status <> 'voided' AND coalesce(u.cost, 0) <> coalesce(e.amount, 0);

CREATE VIEW oracle.adjustment_detail AS
SELECT md5(jsonb_build_array(a.adjustment_id)::text) AS adjustment_detail_key, a.adjustment_id, a.batch_id, a.kind, a.adjusted_at, a.adjusted_by::text AS adjusted_by,
       coalesce(a.reason, '') AS reason, a.usage_id, a.occurred_at, coalesce(p.provider, a.provider, '(unknown)') AS provider, coalesce(a.model, '(unknown)') AS model,
       CASE WHEN oracle.sees(o.dims) AND oracle.sees(n.dims) THEN coalesce(a.old_values::text, '') ELSE '' END AS old_values,
       CASE WHEN oracle.sees(o.dims) AND oracle.sees(n.dims) THEN coalesce(a.new_values::text, '') ELSE '' END AS new_values,
       a.old_cost::numeric(38, 18) AS old_cost, a.old_currency, a.new_cost::numeric(38, 18) AS new_cost, a.new_currency,
       (CASE WHEN a.new_currency IS NOT NULL AND coalesce(a.old_currency, a.new_currency) = a.new_currency THEN a.new_cost - coalesce(a.old_cost, 0) END)::numeric(38, 18) AS difference,
       a.old_list_cost::numeric(38, 18) AS old_list_cost, a.new_list_cost::numeric(38, 18) AS new_list_cost, a.old_price_id, a.new_price_id, a.old_pricing_status, a.new_pricing_status,
       coalesce(a.old_pricing_reason, '') AS old_pricing_reason, coalesce(a.new_pricing_reason, '') AS new_pricing_reason
FROM spend.adjustments AS a
LEFT JOIN spend.prices AS p ON p.price_id = a.new_price_id
LEFT JOIN oracle._dictionary AS o ON o.attribution_id = a.old_attribution_id
LEFT JOIN oracle._dictionary AS n ON n.attribution_id = a.attribution_id
WHERE oracle.sees(o.dims) OR oracle.sees(n.dims);

-- Breaks in the chain of a row's adjustments, where nobody writes plain UPDATEs: each begins with what the one before has left, the last ends with what the row is.
CREATE VIEW oracle._breaks AS
SELECT a.usage_id, a.adjustment_id, 'begins elsewhere' AS problem
FROM (
  SELECT a.*, lag(a.adjustment_id) OVER w AS previous, lag(a.new_cost) OVER w AS left_cost, lag(a.new_currency) OVER w AS left_currency, lag(a.attribution_id) OVER w AS left_attribution,
         lag(a.new_pricing_status) OVER w AS left_status
  FROM spend.adjustments AS a WINDOW w AS (PARTITION BY a.usage_id ORDER BY a.adjustment_id)
) AS a
WHERE a.previous IS NOT NULL
  AND (a.old_cost, a.old_currency, a.old_attribution_id, a.old_pricing_status) IS DISTINCT FROM (a.left_cost, a.left_currency, a.left_attribution, a.left_status)
UNION ALL
SELECT u.usage_id, a.adjustment_id, 'ends elsewhere'
FROM (SELECT DISTINCT ON (a.usage_id) a.* FROM spend.adjustments AS a ORDER BY a.usage_id, a.adjustment_id DESC) AS a JOIN spend.usage AS u USING (usage_id)
WHERE (a.new_cost, a.new_currency, a.attribution_id, a.new_pricing_status) IS DISTINCT FROM (u.cost, u.currency, u.attribution_id, u.pricing_status)
UNION ALL
SELECT a.usage_id, NULL, 'voided twice, or changed after it' FROM spend.adjustments AS a WHERE a.old_pricing_status = 'voided';

CREATE VIEW oracle.reported_cost_differences AS
SELECT md5(jsonb_build_array(c.provider, c.model, c.currency)::text) AS reported_cost_differences_key, max(c.occurred_at) AS last_occurred_at, min(c.occurred_at) AS first_occurred_at,
       coalesce(c.provider, '(unknown)') AS provider, coalesce(c.model, '(unknown)') AS model, c.currency, min(c.policy) AS reported_cost_policy, count(*) AS calls,
       count(*) FILTER (WHERE c.ours IS NULL) AS unpriced_calls,
       count(*) FILTER (WHERE c.ours IS NOT NULL AND (c.reported IS NULL OR abs(c.reported - c.ours) > c.tolerance * c.ours)) AS differing_calls,
       coalesce(sum(c.ours), 0)::numeric(38, 18) AS computed_cost, coalesce(sum(c.reported) FILTER (WHERE c.ours IS NOT NULL), 0)::numeric(38, 18) AS reported_cost,
       coalesce(sum(c.reported - c.ours), 0)::numeric(38, 18) AS difference,
       CASE WHEN sum(c.ours) > 0 THEN least(100 * sum(c.reported - c.ours) / sum(c.ours), 9999999999.9999) END::numeric(14, 4) AS difference_percent,
       coalesce(sum(c.reported) FILTER (WHERE c.ours IS NULL), 0)::numeric(38, 18) AS unpriced_reported_cost
FROM (
  SELECT f.occurred_at, coalesce(f.sent_provider, f.vendor) AS provider, coalesce(f.priced_model, f.model) AS model, upper(coalesce(nullif(f.reported_currency, ''), 'USD')) AS currency,
         CASE WHEN f.reported_cost >= 0 AND f.reported_cost <= 1e15 THEN f.reported_cost END AS reported, coalesce(v.reported_cost_policy, 'verify') AS policy, coalesce(v.tolerance, 0.01) AS tolerance,
         CASE WHEN upper(coalesce(nullif(f.reported_currency, ''), 'USD')) = coalesce(p.price::jsonb ->> 'currency', f.currency)
              THEN CASE f.pricing_status WHEN 'reported' THEN f.computed_cost ELSE f.cost END END AS ours
  FROM oracle._facts AS f
  LEFT JOIN spend.prices AS p ON p.price_id = f.price_id
  LEFT JOIN spend.providers AS v ON v.provider = coalesce(f.sent_provider, f.vendor)
  WHERE f.reported_cost IS NOT NULL AND NOT f.is_dropped
) AS c
WHERE c.policy <> 'ignore'
GROUP BY c.provider, c.model, c.currency;
