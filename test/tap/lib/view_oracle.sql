-- Views recomputed from the rows of the ledger, another way than the extension does it: what the views have to say.
CREATE SCHEMA oracle;

CREATE VIEW oracle.daily_spend AS
WITH dictionary AS (
  SELECT DISTINCT ON (a.attribution_id) a.attribution_id, a.dimensions FROM spend.attributions AS a ORDER BY a.attribution_id
), summed AS (
  SELECT (u.occurred_at AT TIME ZONE s.time_zone)::date AS usage_date,
         (u.occurred_at AT TIME ZONE 'UTC')::date AS usage_date_utc,
         s.time_zone,
         u.attribution_id,
         coalesce(p.provider, nullif(spend.text_key(u.provider), '')) AS provider,
         nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), '') AS model,
         nullif(spend.text_key(u.surface), '') AS surface,
         nullif(spend.text_key(u.region), '') AS region,
         coalesce(nullif(spend.text_key(u.service_tier), ''), 'standard') AS service_tier,
         nullif(spend.text_key(u.speed), '') AS speed,
         nullif(spend.text_key(u.variant), '') AS variant,
         coalesce(u.currency, s.currency) AS currency,
         count(*) AS calls,
         sum(u.input_tokens) AS input_tokens,
         sum(u.output_tokens) AS output_tokens,
         sum(u.cache_read_tokens) AS cache_read_tokens,
         sum(u.cache_write_tokens) AS cache_write_tokens,
         sum(u.output_reasoning_tokens) AS output_reasoning_tokens,
         sum(u.cost) AS cost,
         sum(u.list_cost) AS list_cost,
         count(*) FILTER (WHERE u.cost IS NULL) AS unpriced_calls
  FROM spend.usage AS u
  CROSS JOIN spend._settings() AS s
  LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
  WHERE spend.visible(u.attribution_id) AND u.pricing_status <> 'voided'
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
)
SELECT md5(jsonb_build_array(d.usage_date, d.usage_date_utc, d.attribution_id, d.provider, d.model, d.surface, d.region, d.service_tier,
                             d.speed, d.variant, d.currency)::text) AS daily_spend_key,
       d.usage_date::timestamp AT TIME ZONE d.time_zone AS day_start_at,
       d.usage_date,
       d.usage_date_utc,
       coalesce(a.dimensions ->> 'cost_center', '(untagged)') AS cost_center,
       coalesce(a.dimensions ->> 'department', '(untagged)') AS department,
       coalesce(a.dimensions ->> 'team', '(untagged)') AS team,
       coalesce(a.dimensions ->> 'project', '(untagged)') AS project,
       coalesce(a.dimensions ->> 'feature', '(untagged)') AS feature,
       coalesce(a.dimensions ->> 'workflow', '(untagged)') AS workflow,
       coalesce(a.dimensions ->> 'application', '(untagged)') AS application,
       coalesce(a.dimensions ->> 'agent', '(untagged)') AS agent,
       coalesce(a.dimensions ->> 'api_key', '(untagged)') AS api_key,
       coalesce(a.dimensions ->> 'user_id', '(untagged)') AS user_id,
       coalesce(a.dimensions ->> 'user_group', '(untagged)') AS user_group,
       coalesce(a.dimensions ->> 'workspace', '(untagged)') AS workspace,
       coalesce(a.dimensions ->> 'environment', '(untagged)') AS environment,
       coalesce(a.dimensions ->> 'customer', '(untagged)') AS customer,
       coalesce(a.dimensions ->> 'customer_segment', '(untagged)') AS customer_segment,
       coalesce(a.dimensions ->> 'geography', '(untagged)') AS geography,
       coalesce(a.dimensions ->> 'data_class', '(untagged)') AS data_class,
       coalesce(d.provider, '(unknown)') AS provider,
       coalesce(d.model, '(unknown)') AS model,
       coalesce(d.surface, '') AS surface,
       coalesce(d.region, '') AS region,
       d.service_tier,
       coalesce(d.speed, '') AS speed,
       coalesce(d.variant, '') AS variant,
       d.currency,
       d.calls,
       coalesce(d.input_tokens, 0)::bigint AS input_tokens,
       coalesce(d.output_tokens, 0)::bigint AS output_tokens,
       coalesce(d.cache_read_tokens, 0)::bigint AS cache_read_tokens,
       coalesce(d.cache_write_tokens, 0)::bigint AS cache_write_tokens,
       coalesce(d.output_reasoning_tokens, 0)::bigint AS output_reasoning_tokens,
       coalesce(d.cost, 0)::numeric(38, 18) AS cost,
       coalesce(d.list_cost, 0)::numeric(38, 18) AS list_cost,
       d.unpriced_calls
FROM summed AS d
LEFT JOIN dictionary AS a USING (attribution_id);

CREATE VIEW oracle.spend_by_model AS
SELECT md5(jsonb_build_array(date_trunc('month', d.usage_date)::date, d.provider, d.model, d.service_tier, d.currency)::text) AS spend_by_model_key,
       min(date_trunc('month', d.usage_date::timestamp) AT TIME ZONE s.time_zone) AS period_start_at,
       date_trunc('month', d.usage_date)::date AS period_start,
       'month'::text AS period_kind,
       d.provider,
       d.model,
       d.service_tier,
       d.currency,
       sum(d.calls)::bigint AS calls,
       sum(d.input_tokens)::bigint AS input_tokens,
       sum(d.output_tokens)::bigint AS output_tokens,
       sum(d.cache_read_tokens)::bigint AS cache_read_tokens,
       sum(d.cost)::numeric(38, 18) AS cost,
       (round(sum(d.cost), 24) / nullif(sum(d.calls) - sum(d.unpriced_calls), 0))::numeric(38, 18) AS cost_per_call,
       sum(d.unpriced_calls)::bigint AS unpriced_calls
FROM oracle.daily_spend AS d
CROSS JOIN spend._settings() AS s
GROUP BY date_trunc('month', d.usage_date)::date, d.provider, d.model, d.service_tier, d.currency;

CREATE VIEW oracle.chargeback_monthly AS
WITH unallocated AS (
  -- Usage without a cost center stays apart by department, nobody else could tell whose it is; unless something is said of it as a whole.
  SELECT s.unallocated_cost_center AS label,
         NOT EXISTS (SELECT FROM spend.cost_centers AS c WHERE c.code = s.unallocated_cost_center AND c.department IS NOT NULL)
         AND NOT EXISTS (SELECT FROM spend.budgets AS b
                         WHERE b.period = 'month' AND b.measure = 'cost' AND spend.text_key(b.cost_center) = s.unallocated_cost_center) AS is_split
  FROM spend._settings() AS s
), used AS (
  SELECT date_trunc('month', d.usage_date)::date AS period_start,
         CASE WHEN d.cost_center = '(untagged)' THEN n.label ELSE d.cost_center END AS cost_center,
         d.currency,
         min(d.department) AS department,
         min(d.department) = max(d.department) AS is_one_department,
         sum(d.cost) AS actual,
         sum(d.calls) AS calls,
         sum(d.input_tokens + d.output_tokens) AS tokens,
         sum(d.unpriced_calls) AS unpriced_calls
  FROM oracle.daily_spend AS d
  CROSS JOIN unallocated AS n
  GROUP BY 1, 2, 3, CASE WHEN n.is_split AND d.cost_center IN ('(untagged)', n.label) THEN d.department END
), months AS (
  SELECT generate_series(least(min(u.period_start), date_trunc('month', now() AT TIME ZONE min(s.time_zone))::date),
                         greatest(max(u.period_start), date_trunc('month', now() AT TIME ZONE min(s.time_zone))::date), '1 month')::date AS period_start
  FROM spend._settings() AS s LEFT JOIN used AS u ON true
), planned AS (
  SELECT m.period_start, spend.text_key(b.cost_center) AS cost_center, coalesce(b.currency, s.currency) AS currency,
         spend._budget_limit(b.budget_id, l.period_start, l.period_end, '00000000-0000-0000-0000-000000000000') AS amount
  FROM spend.budgets AS b
  CROSS JOIN spend._settings() AS s
  CROSS JOIN months AS m
  CROSS JOIN LATERAL (
    SELECT m.period_start::timestamp AT TIME ZONE z.zone AS period_start,
           (m.period_start + interval '1 month') AT TIME ZONE z.zone AS period_end
    FROM (SELECT coalesce(b.time_zone, s.time_zone)) AS z(zone)
  ) AS l
  WHERE b.period = 'month' AND b.measure = 'cost' AND b.cost_center IS NOT NULL AND b.valid_during @> l.period_start
    AND spend._visible_scope(b.scope)
)
SELECT md5(jsonb_build_array(x.period_start, x.cost_center, x.department, x.currency)::text) AS chargeback_monthly_key,
       x.period_start::timestamp AT TIME ZONE s.time_zone AS period_start_at,
       x.period_start,
       'month'::text AS period_kind,
       x.cost_center,
       x.department,
       x.currency,
       x.budget::numeric(38, 18) AS budget,
       x.actual::numeric(38, 18) AS actual,
       (x.budget - x.actual)::numeric(38, 18) AS variance,
       (CASE WHEN x.is_charged_back THEN x.actual ELSE 0 END)::numeric(38, 18) AS chargeback,
       x.calls::bigint AS calls,
       x.tokens::bigint AS tokens,
       x.unpriced_calls::bigint AS unpriced_calls,
       x.label,
       x.parent
FROM (
  SELECT coalesce(u.period_start, p.period_start) AS period_start,
         coalesce(u.cost_center, p.cost_center) AS cost_center,
         coalesce(c.department, CASE WHEN u.is_one_department THEN u.department WHEN u.is_one_department IS NULL THEN '(untagged)' ELSE '(several)' END)
           AS department,
         coalesce(u.currency, p.currency) AS currency,
         p.amount AS budget,
         coalesce(u.actual, 0) AS actual,
         coalesce(u.calls, 0) AS calls,
         coalesce(u.tokens, 0) AS tokens,
         coalesce(u.unpriced_calls, 0) AS unpriced_calls,
         coalesce(c.is_charged_back, coalesce(u.cost_center, p.cost_center) <> s0.unallocated_cost_center) AS is_charged_back,
         coalesce(c.name, v.label, u.cost_center, p.cost_center) AS label,
         c.parent
  FROM used AS u
  FULL JOIN planned AS p ON p.period_start = u.period_start AND p.cost_center = u.cost_center AND p.currency = u.currency
  CROSS JOIN spend._settings() AS s0
  LEFT JOIN spend.cost_centers AS c ON c.code = coalesce(u.cost_center, p.cost_center) AND c.valid_during @> coalesce(u.period_start, p.period_start)
  LEFT JOIN spend.dimension_values AS v ON v.dimension = 'cost_center' AND v.value = coalesce(u.cost_center, p.cost_center)
) AS x
CROSS JOIN spend._settings() AS s;

CREATE VIEW oracle.unpriced_usage AS
SELECT md5(jsonb_build_array(nullif(spend.text_key(u.provider), ''),
                             nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), u.pricing_reason)::text)
         AS unpriced_usage_key,
       max((u.occurred_at AT TIME ZONE s.time_zone)::date)::timestamp AT TIME ZONE min(s.time_zone) AS last_day_start_at,
       max((u.occurred_at AT TIME ZONE s.time_zone)::date) AS last_usage_date,
       min((u.occurred_at AT TIME ZONE s.time_zone)::date) AS first_usage_date,
       coalesce(nullif(spend.text_key(u.provider), ''), '(unknown)') AS provider,
       coalesce(nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), '(unknown)') AS model,
       coalesce(u.pricing_reason, '') AS pricing_reason,
       count(*) AS calls,
       coalesce(sum(u.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(u.output_tokens), 0)::bigint AS output_tokens
FROM spend.usage AS u CROSS JOIN spend._settings() AS s
WHERE u.pricing_status = 'unpriced' AND spend.visible(u.attribution_id)
GROUP BY nullif(spend.text_key(u.provider), ''), nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), u.pricing_reason;

-- One row for each row of the ledger: everything by hand that the sums are made of.
CREATE VIEW oracle._facts AS
SELECT u.*, date_trunc('month', u.occurred_at AT TIME ZONE s.time_zone)::date AS month, (u.occurred_at AT TIME ZONE s.time_zone)::date AS day, s.time_zone AS zone,
       coalesce(u.currency, s.currency) AS money, coalesce(p.provider, nullif(spend.text_key(u.provider), '')) AS vendor,
       nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), '') AS model,
       coalesce(nullif(spend.text_key(u.service_tier), ''), 'standard') AS tier_of_service,
       m.tier, CASE WHEN coalesce(u.blocked_reason, '') <> '' OR lower(trim(u.status)) IN ('blocked', 'refused', 'content_filter') THEN 'blocked'
                    WHEN lower(trim(u.status)) IN ('error', 'failed', 'timeout') THEN 'failed'
                    WHEN lower(trim(u.status)) IN ('cancelled', 'abandoned') THEN 'abandoned' ELSE 'ok' END AS ended,
       coalesce(u.attempt > 1, false) OR coalesce(u.purpose = 'retry', false) AS again,
       u.recorded_at - u.occurred_at > interval '1 day' AS is_late,
       (SELECT sum(CASE x.meter WHEN 'input_tokens' THEN x.rate ELSE -x.rate END) FROM (
          SELECT r.key AS meter, split_part(r.value #>> '{}', '/', 1)::numeric / CASE lower(split_part(r.value #>> '{}', '/', 2)) WHEN '1m' THEN 1000000 WHEN '1k' THEN 1000 ELSE 1 END AS rate
          FROM jsonb_each(p.price::jsonb -> 'rates') AS r WHERE r.key IN ('input_tokens', 'cache_read_tokens')) AS x
        HAVING count(*) = 2) AS saved_per_token,
       spend.text_key(u.user_id) AS who
FROM spend.usage AS u
CROSS JOIN spend._settings() AS s
LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
LEFT JOIN spend.models AS m ON m.provider = coalesce(p.provider, spend.text_key(u.provider)) AND m.model = coalesce(p.model, spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)))
WHERE u.pricing_status <> 'voided'
OFFSET 0;

CREATE VIEW oracle._long AS
SELECT f.*, v.dimension, v.dimension_value, md5(ROW(f.vendor, f.model, spend.text_key(f.surface), spend.text_key(f.region), f.tier_of_service, spend.text_key(f.speed), spend.text_key(f.variant), f.money)::text) AS sku
FROM oracle._facts AS f
CROSS JOIN LATERAL (VALUES ('total', '(all)'), ('provider', coalesce(f.vendor, '(unknown)')), ('model', coalesce(f.model, '(unknown)')), ('service_tier', f.tier_of_service),
  ('operation', coalesce(nullif(spend.text_key(f.operation), ''), '(untagged)')), ('route', coalesce(nullif(spend.text_key(f.route), ''), '(untagged)')),
  ('purpose', coalesce(nullif(spend.text_key(f.purpose), ''), '(untagged)')),
  ('cost_center', coalesce(nullif(spend.text_key(f.cost_center), ''), '(untagged)')),
  ('department', coalesce(nullif(spend.text_key(f.department), ''), '(untagged)')),
  ('team', coalesce(nullif(spend.text_key(f.team), ''), '(untagged)')),
  ('project', coalesce(nullif(spend.text_key(f.project), ''), '(untagged)')),
  ('feature', coalesce(nullif(spend.text_key(f.feature), ''), '(untagged)')),
  ('workflow', coalesce(nullif(spend.text_key(f.workflow), ''), '(untagged)')),
  ('application', coalesce(nullif(spend.text_key(f.application), ''), '(untagged)')),
  ('agent', coalesce(nullif(spend.text_key(f.agent), ''), '(untagged)')),
  ('api_key', coalesce(nullif(spend.text_key(f.api_key), ''), '(untagged)')),
  ('user_id', coalesce(nullif(spend.text_key(f.user_id), ''), '(untagged)')),
  ('user_group', coalesce(nullif(spend.text_key(f.user_group), ''), '(untagged)')),
  ('workspace', coalesce(nullif(spend.text_key(f.workspace), ''), '(untagged)')),
  ('environment', coalesce(nullif(spend.text_key(f.environment), ''), '(untagged)')),
  ('customer', coalesce(nullif(spend.text_key(f.customer), ''), '(untagged)')),
  ('customer_segment', coalesce(nullif(spend.text_key(f.customer_segment), ''), '(untagged)')),
  ('geography', coalesce(nullif(spend.text_key(f.geography), ''), '(untagged)')),
  ('data_class', coalesce(nullif(spend.text_key(f.data_class), ''), '(untagged)'))) AS v(dimension, dimension_value);

CREATE FUNCTION oracle.label(dimension text, value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT c.name FROM spend.cost_centers AS c WHERE label.dimension = 'cost_center' AND c.code = label.value ORDER BY c.valid_during DESC LIMIT 1),
                  (SELECT v.label FROM spend.dimension_values AS v WHERE v.dimension = label.dimension AND v.value = label.value), label.value)
$$;
CREATE VIEW oracle.efficiency AS
SELECT md5(jsonb_build_array(month, dimension, dimension_value, money)::text) AS efficiency_key, month::timestamp AT TIME ZONE min(zone) AS period_start_at, month AS period_start, 'month' AS period_kind,
       dimension, dimension_value, money AS currency, count(*) AS calls, coalesce(sum(cost), 0)::numeric(38, 18) AS cost, count(*) FILTER (WHERE cost IS NULL) AS unpriced,
       coalesce(sum(input_tokens), 0)::bigint AS input, coalesce(sum(output_tokens), 0)::bigint AS out, coalesce(sum(cache_read_tokens), 0)::bigint AS cached,
       (coalesce(sum(cache_read_tokens), 0) / nullif(sum(input_tokens), 0))::numeric(14, 6) AS cache_hit_rate,
       coalesce(sum(cache_read_tokens * CASE WHEN price_id IS NULL THEN NULL ELSE coalesce(saved_per_token, 0) END), 0)::numeric(38, 18) AS cache_savings,
       count(*) FILTER (WHERE response_cache_hit) AS hits, (count(*) FILTER (WHERE response_cache_hit) / count(*)::numeric)::numeric(14, 6) AS hit_rate,
       count(*) FILTER (WHERE tier = 'premium') AS premium, coalesce(sum(cost) FILTER (WHERE tier = 'premium'), 0)::numeric(38, 18) AS premium_cost,
       (coalesce(sum(cost) FILTER (WHERE tier = 'premium'), 0) / nullif(sum(cost), 0))::numeric(14, 6) AS premium_share,
       count(*) FILTER (WHERE fallback_of <> '') AS fallback, coalesce(sum(cost) FILTER (WHERE fallback_of <> ''), 0)::numeric(38, 18) AS fallback_cost, (count(*) FILTER (WHERE fallback_of <> '') / count(*)::numeric)::numeric(14, 6) AS fallback_rate,
       count(*) FILTER (WHERE again) AS retried, coalesce(sum(cost) FILTER (WHERE again), 0)::numeric(38, 18) AS retried_cost, (count(*) FILTER (WHERE again) / count(*)::numeric)::numeric(14, 6) AS retry_rate,
       count(*) FILTER (WHERE ended = 'failed') AS failed, coalesce(sum(cost) FILTER (WHERE ended = 'failed'), 0)::numeric(38, 18) AS failed_cost,
       count(*) FILTER (WHERE ended = 'abandoned') AS abandoned, coalesce(sum(cost) FILTER (WHERE ended = 'abandoned'), 0)::numeric(38, 18) AS abandoned_cost,
       count(*) FILTER (WHERE ended = 'blocked') AS blocked, coalesce(sum(cost) FILTER (WHERE ended = 'blocked'), 0)::numeric(38, 18) AS blocked_cost,
       count(*) FILTER (WHERE accepted) AS accepted, count(*) FILTER (WHERE NOT accepted) AS rejected, (count(*) FILTER (WHERE accepted) / nullif(count(accepted), 0)::numeric)::numeric(14, 6) AS acceptance_rate,
       coalesce(sum(cost) FILTER (WHERE accepted), 0)::numeric(38, 18) AS accepted_cost, count(*) FILTER (WHERE human_reviewed) AS reviewed,
       coalesce(sum(cost) FILTER (WHERE purpose IN ('experiment', 'evaluation')), 0)::numeric(38, 18) AS experiment_cost,
       coalesce(sum(tool_calls), 0)::bigint AS tools, coalesce(sum(retrieval_queries), 0)::bigint AS retrievals, coalesce(sum(agent_steps), 0)::bigint AS steps,
       (coalesce(sum(output_tokens), 0) / nullif(sum(input_tokens), 0))::numeric(20, 6) AS ratio,
       (sum(input_tokens) FILTER (WHERE original_input_tokens IS NOT NULL) / nullif(sum(original_input_tokens) FILTER (WHERE input_tokens IS NOT NULL), 0))::numeric(20, 6) AS compression,
       oracle.label(dimension, dimension_value) AS label
FROM oracle._long GROUP BY month, dimension, dimension_value, money;

-- Per SKU and month first, then month against month.
CREATE VIEW oracle._months_of AS
SELECT month, dimension, dimension_value, money, sku, coalesce(sum(cost), 0) AS cost, coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) AS tokens
FROM oracle._long GROUP BY 1, 2, 3, 4, 5;
CREATE VIEW oracle.spend_change AS
SELECT md5(jsonb_build_array(month, dimension, dimension_value, money)::text) AS spend_change_key, month::timestamp AT TIME ZONE s.time_zone AS at, month, 'month' AS period_kind, dimension, dimension_value, money,
       now_cost::numeric(38, 18), before_cost::numeric(38, 18), (now_cost - before_cost)::numeric(38, 18) AS change, (100 * (now_cost - before_cost) / nullif(before_cost, 0))::numeric(20, 4) AS percent,
       price::numeric(38, 18), volume::numeric(38, 18), (now_cost - before_cost - price - volume)::numeric(38, 18) AS mix, now_tokens::bigint, before_tokens::bigint,
       oracle.label(dimension, dimension_value) AS label
FROM (
  SELECT month, dimension, dimension_value, money, sum(now_cost) AS now_cost, sum(before_cost) AS before_cost, sum(now_tokens) AS now_tokens, sum(before_tokens) AS before_tokens,
         sum(CASE WHEN now_tokens > 0 AND before_tokens > 0 THEN round(now_cost - round(now_tokens * before_cost, 24) / before_tokens, 18) ELSE 0 END) AS price,
         CASE WHEN sum(before_tokens) > 0 THEN round(round((sum(now_tokens) - sum(before_tokens)) * sum(before_cost), 24) / sum(before_tokens), 18) WHEN sum(before_cost) = 0 THEN sum(now_cost) ELSE 0 END AS volume,
         bool_or(is_now) AS is_now
  FROM (
    SELECT coalesce(n.month, (b.month + interval '1 month')::date) AS month, coalesce(n.dimension, b.dimension) AS dimension, coalesce(n.dimension_value, b.dimension_value) AS dimension_value,
           coalesce(n.money, b.money) AS money, coalesce(n.cost, 0) AS now_cost, coalesce(b.cost, 0) AS before_cost, coalesce(n.tokens, 0) AS now_tokens, coalesce(b.tokens, 0) AS before_tokens, n.month IS NOT NULL AS is_now
    FROM oracle._months_of AS n
    FULL JOIN oracle._months_of AS b ON (b.month + interval '1 month')::date = n.month AND b.dimension = n.dimension AND b.dimension_value = n.dimension_value AND b.money = n.money AND b.sku = n.sku
  ) AS pair GROUP BY 1, 2, 3, 4
) AS x CROSS JOIN spend._settings() AS s
WHERE is_now OR month <= date_trunc('month', now() AT TIME ZONE s.time_zone)::date;

CREATE VIEW oracle.data_quality AS
SELECT md5(jsonb_build_array(month, issue, detail, money)::text) AS data_quality_key, month::timestamp AT TIME ZONE min(zone) AS at, month, 'month' AS kind, issue, detail, money, count(*) AS calls,
       coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       (coalesce(sum(f.cost), 0) / nullif(min(f.whole_cost), 0))::numeric(14, 6) AS share, (count(*)::numeric / min(f.whole))::numeric(14, 6) AS of_calls
FROM (SELECT w.*, sum(w.cost) OVER (PARTITION BY w.month, w.money) AS whole_cost, count(*) OVER (PARTITION BY w.month, w.money) AS whole FROM oracle._facts AS w) AS f
CROSS JOIN LATERAL (
  SELECT 'untagged', d.key FROM jsonb_each_text(to_jsonb(f)) AS d WHERE d.key IN ('cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace', 'environment', 'customer', 'customer_segment', 'geography', 'data_class') AND coalesce(spend.text_key(d.value), '') = ''
  UNION ALL SELECT f.pricing_status, coalesce(f.pricing_reason, '') WHERE f.pricing_status IN ('unpriced', 'inconsistent', 'priced_with_fallback')
  UNION ALL SELECT 'late', 'written more than a day after the usage' WHERE f.is_late
) AS i(issue, detail)
GROUP BY month, issue, detail, money;

CREATE VIEW oracle._weeks AS
SELECT f.*, f.day - ((extract(isodow FROM f.day)::integer - s.week_start + 7) % 7) AS week FROM oracle._facts AS f CROSS JOIN spend._settings() AS s;
CREATE VIEW oracle.weekly_report AS
WITH totals AS (
  SELECT week, money, min(zone) AS zone, coalesce(sum(cost), 0) AS cost, count(*) AS calls, count(*) FILTER (WHERE cost IS NULL) AS unpriced, sum(cache_read_tokens) / nullif(sum(input_tokens), 0) AS hit,
         coalesce(sum(cost) FILTER (WHERE tier = 'premium'), 0) / nullif(sum(cost), 0) AS premium
  FROM oracle._weeks GROUP BY 1, 2
)
SELECT md5(jsonb_build_array(t.week, t.money)::text) AS weekly_report_key, t.week::timestamp AT TIME ZONE t.zone AS at, t.week, 'week' AS kind, t.money, t.cost::numeric(38, 18), coalesce(p.cost, 0)::numeric(38, 18) AS before,
       (t.cost - coalesce(p.cost, 0))::numeric(38, 18) AS change, (100 * (t.cost - p.cost) / nullif(p.cost, 0))::numeric(20, 4) AS percent, t.calls, t.unpriced,
       m.budget::numeric(38, 18), coalesce(m.actual, 0)::numeric(38, 18) AS actual, f.feature, f.cost::numeric(38, 18) AS top, t.hit::numeric(14, 6), p.hit::numeric(14, 6) AS hit_before, t.premium::numeric(14, 6), p.premium::numeric(14, 6) AS premium_before
FROM totals AS t
JOIN (
  SELECT week, money, feature, cost, row_number() OVER (PARTITION BY week, money ORDER BY cost DESC, feature COLLATE "C") AS place
  FROM (SELECT week, money, coalesce(nullif(spend.text_key(w.feature), ''), '(untagged)') AS feature, coalesce(sum(w.cost), 0) AS cost FROM oracle._weeks AS w GROUP BY 1, 2, 3) AS by_feature
) AS f ON f.week = t.week AND f.money = t.money AND f.place = 1
LEFT JOIN totals AS p ON p.week = t.week - 7 AND p.money = t.money
LEFT JOIN (SELECT period_start, currency, sum(budget) AS budget, sum(actual) AS actual FROM oracle.chargeback_monthly GROUP BY 1, 2) AS m ON m.period_start = date_trunc('month', t.week + 6)::date AND m.currency = t.money;

CREATE VIEW oracle.unit_costs AS
SELECT md5(jsonb_build_array(month, unit, money)::text) AS unit_costs_key, month::timestamp AT TIME ZONE min(zone) AS at, month, 'month' AS kind, unit, money, count(*) AS units, sum(cost)::numeric(38, 18),
       (round(sum(cost), 24) / count(*))::numeric(38, 18) AS per_unit, (array_agg(cost ORDER BY cost))[ceil(0.5 * count(*))::integer]::numeric(38, 18) AS p50, (array_agg(cost ORDER BY cost))[ceil(0.95 * count(*))::integer]::numeric(38, 18) AS p95
FROM (
  SELECT month, money, min(zone) AS zone, unit, value, coalesce(sum(cost), 0) AS cost FROM oracle._facts AS f
  CROSS JOIN LATERAL (VALUES ('user', f.user_id), ('customer', f.customer), ('feature', f.feature), ('workflow', f.workflow), ('team', f.team)) AS v(unit, raw)
  CROSS JOIN LATERAL (SELECT spend.text_key(v.raw)) AS k(value) WHERE k.value <> '' GROUP BY 1, 2, 4, 5
) AS x GROUP BY month, unit, money
UNION ALL
SELECT md5(jsonb_build_array(month, 'call', money)::text), month::timestamp AT TIME ZONE min(zone), month, 'month', 'call', money, count(cost), sum(cost)::numeric(38, 18),
       (round(sum(cost), 24) / count(cost))::numeric(38, 18), NULL, NULL
FROM oracle._facts GROUP BY month, money HAVING count(cost) > 0
UNION ALL
SELECT md5(jsonb_build_array(month, 'accepted_output', money)::text), month::timestamp AT TIME ZONE min(zone), month, 'month', 'accepted_output', money, count(*) FILTER (WHERE accepted), coalesce(sum(cost), 0)::numeric(38, 18),
       (round(coalesce(sum(cost), 0), 24) / count(*) FILTER (WHERE accepted))::numeric(38, 18), NULL, NULL
FROM oracle._facts GROUP BY month, money HAVING count(*) FILTER (WHERE accepted) > 0;

CREATE VIEW oracle.call_costs AS
SELECT md5(jsonb_build_array(month, unit, money)::text) AS call_costs_key, month::timestamp AT TIME ZONE min(zone) AS at, month, 'month' AS kind, unit, money, count(*) AS units, sum(cost)::numeric(38, 18),
       (round(sum(cost), 24) / count(*))::numeric(38, 18) AS per_unit, (array_agg(cost ORDER BY cost))[ceil(0.5 * count(*))::integer]::numeric(38, 18) AS p50, (array_agg(cost ORDER BY cost))[ceil(0.95 * count(*))::integer]::numeric(38, 18) AS p95
FROM (
  SELECT month, money, zone, 'call' AS unit, usage_id::text, cost FROM oracle._facts WHERE cost IS NOT NULL
  UNION ALL SELECT month, money, min(zone), 'run', run_id, sum(cost) FROM oracle._facts WHERE cost IS NOT NULL AND run_id <> '' GROUP BY 1, 2, 5
) AS x GROUP BY month, unit, money;

-- Rows that are in one of the two only. A statement sees one moment.
CREATE FUNCTION oracle.differences(OUT view_name text, OUT side text, OUT line text) RETURNS SETOF record LANGUAGE plpgsql STABLE AS $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'oracle'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' ORDER BY 1 LOOP
    RETURN QUERY EXECUTE format(
      'WITH rows AS MATERIALIZED (SELECT o::text AS line FROM oracle.%1$I AS o), shown AS MATERIALIZED (SELECT v::text AS line FROM spend.%1$I AS v)
       SELECT %1$L, %2$L, x.line FROM (SELECT line FROM rows EXCEPT ALL SELECT line FROM shown) AS x
       UNION ALL SELECT %1$L, %3$L, x.line FROM (SELECT line FROM shown EXCEPT ALL SELECT line FROM rows) AS x', name, 'rows', 'view');
  END LOOP;
END
$$;
