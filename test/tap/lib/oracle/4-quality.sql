-- How well the money was used, why it is more than before, and what the reports cannot vouch for.
CREATE VIEW oracle.efficiency AS
SELECT md5(jsonb_build_array(f.month, f.dimension, f.dimension_value, f.money)::text) AS efficiency_key, f.month::timestamp AT TIME ZONE f.zone AS period_start_at, f.month AS period_start,
       'month' AS period_kind, f.dimension, f.dimension_value, f.money AS currency, count(*) AS calls, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       count(*) FILTER (WHERE f.cost IS NULL) AS unpriced_calls, coalesce(sum(f.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(f.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(f.cache_read_tokens), 0)::bigint AS cache_read_tokens, (coalesce(sum(f.cache_read_tokens), 0) / nullif(sum(f.input_tokens), 0))::numeric(14, 6) AS cache_hit_rate,
       coalesce(sum(f.cache_read_tokens * f.saved_per_token), 0)::numeric(38, 18) AS cache_savings,
       count(*) FILTER (WHERE f.response_cache_hit) AS cached_calls, (count(*) FILTER (WHERE f.response_cache_hit) / count(*)::numeric)::numeric(14, 6) AS response_cache_hit_rate,
       count(*) FILTER (WHERE f.tier = 'premium') AS premium_calls, coalesce(sum(f.cost) FILTER (WHERE f.tier = 'premium'), 0)::numeric(38, 18) AS premium_cost,
       (coalesce(sum(f.cost) FILTER (WHERE f.tier = 'premium'), 0) / nullif(sum(f.cost), 0))::numeric(14, 6) AS premium_share,
       count(*) FILTER (WHERE f.fallback_of <> '') AS fallback_calls, coalesce(sum(f.cost) FILTER (WHERE f.fallback_of <> ''), 0)::numeric(38, 18) AS fallback_cost,
       (count(*) FILTER (WHERE f.fallback_of <> '') / count(*)::numeric)::numeric(14, 6) AS fallback_rate,
       count(*) FILTER (WHERE f.again) AS retried_calls, coalesce(sum(f.cost) FILTER (WHERE f.again), 0)::numeric(38, 18) AS retried_cost,
       (count(*) FILTER (WHERE f.again) / count(*)::numeric)::numeric(14, 6) AS retry_rate,
       count(*) FILTER (WHERE f.ended = 'failed') AS failed_calls, coalesce(sum(f.cost) FILTER (WHERE f.ended = 'failed'), 0)::numeric(38, 18) AS failed_cost,
       count(*) FILTER (WHERE f.ended = 'abandoned') AS abandoned_calls, coalesce(sum(f.cost) FILTER (WHERE f.ended = 'abandoned'), 0)::numeric(38, 18) AS abandoned_cost,
       count(*) FILTER (WHERE f.ended = 'blocked') AS blocked_calls, coalesce(sum(f.cost) FILTER (WHERE f.ended = 'blocked'), 0)::numeric(38, 18) AS blocked_cost,
       count(*) FILTER (WHERE f.accepted) AS accepted_calls, count(*) FILTER (WHERE NOT f.accepted) AS rejected_calls,
       (count(*) FILTER (WHERE f.accepted) / nullif(count(f.accepted), 0)::numeric)::numeric(14, 6) AS acceptance_rate,
       coalesce(sum(f.cost) FILTER (WHERE f.accepted), 0)::numeric(38, 18) AS accepted_cost, count(*) FILTER (WHERE f.human_reviewed) AS reviewed_calls,
       coalesce(sum(f.cost) FILTER (WHERE f.purpose_key IN ('experiment', 'evaluation')), 0)::numeric(38, 18) AS experiment_cost,
       coalesce(sum(f.tool_calls), 0)::bigint AS tool_calls, coalesce(sum(f.retrieval_queries), 0)::bigint AS retrieval_queries, coalesce(sum(f.agent_steps), 0)::bigint AS agent_steps,
       (coalesce(sum(f.output_tokens), 0) / nullif(sum(f.input_tokens), 0))::numeric(20, 6) AS output_input_ratio,
       (sum(f.input_tokens) FILTER (WHERE f.original_input_tokens IS NOT NULL) / nullif(sum(f.original_input_tokens) FILTER (WHERE f.input_tokens IS NOT NULL), 0))::numeric(20, 6) AS compression_ratio,
       oracle.label(f.dimension, f.dimension_value) AS dimension_label
FROM oracle._long AS f
GROUP BY f.month, f.zone, f.dimension, f.dimension_value, f.money;

-- Per SKU and month first, then month against month.
CREATE VIEW oracle._months_of AS
SELECT f.month, f.dimension, f.dimension_value, f.money, f.sku, coalesce(sum(f.cost), 0) AS cost, coalesce(sum(f.input_tokens), 0) + coalesce(sum(f.output_tokens), 0) AS tokens
FROM oracle._long AS f GROUP BY 1, 2, 3, 4, 5;
CREATE VIEW oracle.spend_change AS
WITH months AS MATERIALIZED (SELECT * FROM oracle._months_of)
SELECT md5(jsonb_build_array(x.month, x.dimension, x.dimension_value, x.money)::text) AS spend_change_key, x.month::timestamp AT TIME ZONE s.zone AS period_start_at, x.month AS period_start,
       'month' AS period_kind, x.dimension, x.dimension_value, x.money AS currency, x.now_cost::numeric(38, 18) AS cost, x.before_cost::numeric(38, 18) AS previous_cost,
       (x.now_cost - x.before_cost)::numeric(38, 18) AS change, (100 * (x.now_cost - x.before_cost) / nullif(x.before_cost, 0))::numeric(20, 4) AS change_percent,
       x.price::numeric(38, 18) AS price_effect, x.volume::numeric(38, 18) AS volume_effect, (x.now_cost - x.before_cost - x.price - x.volume)::numeric(38, 18) AS mix_effect,
       x.now_tokens::bigint AS tokens, x.before_tokens::bigint AS previous_tokens, oracle.label(x.dimension, x.dimension_value) AS dimension_label
FROM (
  SELECT p.month, p.dimension, p.dimension_value, p.money, sum(p.now_cost) AS now_cost, sum(p.before_cost) AS before_cost, sum(p.now_tokens) AS now_tokens, sum(p.before_tokens) AS before_tokens,
         sum(CASE WHEN p.now_tokens > 0 AND p.before_tokens > 0 THEN round(p.now_cost - round(p.now_tokens * p.before_cost, 24) / p.before_tokens, 18) ELSE 0 END) AS price,
         CASE WHEN sum(p.before_tokens) > 0 THEN round(round((sum(p.now_tokens) - sum(p.before_tokens)) * sum(p.before_cost), 24) / sum(p.before_tokens), 18)
              WHEN sum(p.before_cost) = 0 THEN sum(p.now_cost) ELSE 0 END AS volume,
         bool_or(p.is_now) AS is_now
  FROM (
    SELECT coalesce(n.month, (b.month + interval '1 month')::date) AS month, coalesce(n.dimension, b.dimension) AS dimension, coalesce(n.dimension_value, b.dimension_value) AS dimension_value,
           coalesce(n.money, b.money) AS money, coalesce(n.cost, 0) AS now_cost, coalesce(b.cost, 0) AS before_cost, coalesce(n.tokens, 0) AS now_tokens,
           coalesce(b.tokens, 0) AS before_tokens, n.month IS NOT NULL AS is_now
    FROM months AS n
    FULL JOIN months AS b ON (b.month + interval '1 month')::date = n.month AND b.dimension = n.dimension AND b.dimension_value = n.dimension_value AND b.money = n.money AND b.sku = n.sku
  ) AS p GROUP BY 1, 2, 3, 4
) AS x CROSS JOIN oracle._settings AS s
WHERE x.is_now OR x.month <= date_trunc('month', now() AT TIME ZONE s.zone)::date;

-- Required dimensions that a row has no value of. A cost center that a requirement assigns is none.
CREATE FUNCTION oracle.missing_tags(dims jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(DISTINCT r.dimension), '{}') FROM spend.required_tags AS r
  WHERE oracle.covers(r.scope, dims) AND (dims ->> r.dimension IS NULL OR (r.dimension = 'cost_center' AND dims ->> 'cost_center' = spend.text_key(r.assign_to)))
$$;

-- Budgets by dimensions of attributions only; one by run, model or route covers nothing for sure.
CREATE VIEW oracle._covering_budgets AS
SELECT b.* FROM spend.budgets AS b
WHERE NOT EXISTS (SELECT FROM jsonb_object_keys(b.scope) AS k(name) WHERE k.name NOT IN (SELECT n.name FROM oracle._names AS n))
  AND NOT EXISTS (SELECT FROM unnest(b.group_by) AS g(name) WHERE g.name NOT IN (SELECT n.name FROM oracle._names AS n));

CREATE VIEW oracle._covered AS
SELECT w.*, oracle.missing_tags(w.dims) = '{}' AS is_tagged,
       EXISTS (SELECT FROM oracle._covering_budgets AS b
               WHERE oracle.covers(b.scope, w.dims) AND b.valid_during && tstzrange(w.month::timestamp AT TIME ZONE w.zone, (w.month + interval '1 month') AT TIME ZONE w.zone)) AS has_budget,
       w.dims ? 'api_key' AND EXISTS (SELECT FROM spend.dimension_values AS v WHERE v.dimension = 'api_key')
         AND w.dims ->> 'api_key' NOT IN (SELECT v.value FROM spend.dimension_values AS v WHERE v.dimension = 'api_key') AS has_unknown_key,
       w.source_key IS NOT NULL AND EXISTS (SELECT FROM spend.sources)
         AND w.source_key NOT IN (SELECT v.source FROM spend.sources AS v WHERE v.is_sanctioned) AS is_unsanctioned
FROM oracle._facts AS w;

-- Every value that usage ever carried, whatever has become of it since.
CREATE VIEW oracle._values AS
SELECT v.key AS dimension, v.value AS dimension_value, min(d.first_seen_at) AS first_seen_at
FROM oracle._dictionary AS d CROSS JOIN LATERAL jsonb_each_text(d.dims) AS v
WHERE oracle.sees(d.dims) GROUP BY 1, 2;

CREATE VIEW oracle._look_alikes AS
SELECT v.*, (SELECT o.dimension_value FROM oracle._values AS o WHERE o.dimension = v.dimension AND spend.skeleton(o.dimension_value) = spend.skeleton(v.dimension_value)
             ORDER BY o.first_seen_at, o.dimension_value COLLATE "C" LIMIT 1) AS looks_like
FROM oracle._values AS v
WHERE EXISTS (SELECT FROM oracle._values AS o WHERE o.dimension = v.dimension AND o.dimension_value <> v.dimension_value AND spend.skeleton(o.dimension_value) = spend.skeleton(v.dimension_value));

-- The look-alikes once, not for every row.
CREATE VIEW oracle.data_quality AS
WITH look_alikes AS MATERIALIZED (SELECT * FROM oracle._look_alikes)
SELECT md5(jsonb_build_array(f.month, i.issue, i.detail, f.money)::text) AS data_quality_key, f.month::timestamp AT TIME ZONE f.zone AS period_start_at, f.month AS period_start,
       'month' AS period_kind, i.issue, i.detail, f.money AS currency, count(*) AS calls, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       (coalesce(sum(f.cost), 0) / nullif(min(f.whole_cost), 0))::numeric(14, 6) AS cost_share, (count(*)::numeric / min(f.whole))::numeric(14, 6) AS calls_share
FROM (SELECT w.*, sum(w.cost) OVER (PARTITION BY w.month, w.money) AS whole_cost, count(*) OVER (PARTITION BY w.month, w.money) AS whole FROM oracle._covered AS w) AS f
CROSS JOIN LATERAL (
  SELECT 'untagged', n.name FROM oracle._names AS n WHERE n.is_column AND NOT f.dims ? n.name
  UNION ALL SELECT f.pricing_status, coalesce(f.pricing_reason, '') WHERE f.pricing_status IN ('unpriced', 'inconsistent', 'priced_with_fallback')
  UNION ALL SELECT 'late', 'written more than a day after the usage' WHERE f.is_late
  UNION ALL SELECT 'missing_tag', m.name FROM unnest(oracle.missing_tags(f.dims)) AS m(name)
  UNION ALL SELECT 'unbudgeted', '' WHERE NOT f.has_budget
  UNION ALL SELECT 'unknown_key', f.dims ->> 'api_key' WHERE f.has_unknown_key
  UNION ALL SELECT 'unsanctioned_source', f.source_key WHERE f.is_unsanctioned
  UNION ALL SELECT 'confusable', l.dimension || ' ' || l.dimension_value || ' looks like ' || l.looks_like
            FROM look_alikes AS l WHERE f.dims ->> l.dimension = l.dimension_value AND l.dimension_value <> l.looks_like
) AS i(issue, detail)
GROUP BY f.month, f.zone, i.issue, i.detail, f.money;

CREATE VIEW oracle.coverage AS
SELECT md5(jsonb_build_array(f.month, f.money)::text) AS coverage_key, f.month::timestamp AT TIME ZONE f.zone AS period_start_at, f.month AS period_start, 'month' AS period_kind,
       f.money AS currency, count(*) AS calls, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       coalesce(sum(f.cost) FILTER (WHERE f.is_tagged), 0)::numeric(38, 18) AS tagged_cost,
       (coalesce(sum(f.cost) FILTER (WHERE f.is_tagged), 0) / nullif(sum(f.cost), 0))::numeric(14, 6) AS tagged_share,
       (coalesce(sum(f.cost), 0) - coalesce(sum(f.cost) FILTER (WHERE f.is_tagged), 0))::numeric(38, 18) AS untagged_cost,
       coalesce(sum(f.cost) FILTER (WHERE NOT f.has_budget), 0)::numeric(38, 18) AS unbudgeted_cost,
       coalesce(sum(f.cost) FILTER (WHERE f.has_unknown_key), 0)::numeric(38, 18) AS unknown_key_cost,
       coalesce(sum(f.cost) FILTER (WHERE f.is_unsanctioned), 0)::numeric(38, 18) AS unsanctioned_cost,
       count(*) FILTER (WHERE f.cost IS NULL) AS unpriced_calls
FROM oracle._covered AS f
GROUP BY f.month, f.zone, f.money;

CREATE VIEW oracle.source_usage AS
SELECT md5(jsonb_build_array(f.source_key, f.money)::text) AS source_usage_key, max(f.day)::timestamp AT TIME ZONE f.zone AS last_day_start_at, coalesce(f.source_key, '(unknown)') AS source,
       coalesce(s.is_sanctioned, false) AS is_sanctioned, s.owner, min(f.day) AS first_usage_date, max(f.day) AS last_usage_date, f.money AS currency, count(*) AS calls,
       coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost, count(*) FILTER (WHERE f.cost IS NULL) AS unpriced_calls
FROM oracle._facts AS f LEFT JOIN spend.sources AS s ON s.source = f.source_key
GROUP BY f.source_key, f.money, f.zone, s.is_sanctioned, s.owner;

CREATE VIEW oracle.dimension_labels AS
SELECT md5(jsonb_build_array(v.dimension, v.dimension_value)::text) AS dimension_labels_key, v.first_seen_at, v.dimension, v.dimension_value,
       oracle.label(v.dimension, v.dimension_value) AS dimension_label, coalesce(c.owner, d.owner) AS owner, p.parent,
       CASE WHEN p.parent IS NOT NULL THEN oracle.label(v.dimension, p.parent) END AS parent_label
FROM oracle._values AS v
LEFT JOIN spend.dimension_values AS d ON d.dimension = v.dimension AND d.value = v.dimension_value
LEFT JOIN LATERAL (SELECT k.* FROM spend.cost_centers AS k WHERE v.dimension = 'cost_center' AND k.code = v.dimension_value ORDER BY k.valid_during DESC LIMIT 1) AS c ON true
CROSS JOIN LATERAL (SELECT coalesce(c.parent, d.parent) AS parent) AS p;

CREATE VIEW oracle.confusable_values AS
SELECT md5(jsonb_build_array(l.dimension, l.dimension_value, f.money)::text) AS confusable_values_key, max(f.month)::timestamp AT TIME ZONE f.zone AS last_month_start_at, l.dimension,
       l.dimension_value, l.looks_like, l.dimension_value = l.looks_like AS is_original, f.money AS currency, count(*) AS calls, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost
FROM oracle._look_alikes AS l
JOIN oracle._facts AS f ON f.dims ->> l.dimension = l.dimension_value
GROUP BY l.dimension, l.dimension_value, l.looks_like, f.money, f.zone;
