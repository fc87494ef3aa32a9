-- What was spent, on what: sums by day, month and week.
CREATE VIEW oracle.daily_spend AS
SELECT md5((f.day - date '2000-01-01') || '/' || (f.day_utc - date '2000-01-01') || '/' || f.attribution_id || '/'
           || md5(jsonb_build_array(f.vendor, f.model, f.host, f.place, f.tier_of_service, f.pace, f.form, f.money)::text)::uuid) AS daily_spend_key,
       f.day::timestamp AT TIME ZONE f.zone AS day_start_at, f.day AS usage_date, f.day_utc AS usage_date_utc,
       oracle.value(f.dims, 'cost_center') AS cost_center, oracle.value(f.dims, 'department') AS department, oracle.value(f.dims, 'team') AS team,
       oracle.value(f.dims, 'project') AS project, oracle.value(f.dims, 'feature') AS feature, oracle.value(f.dims, 'workflow') AS workflow,
       oracle.value(f.dims, 'application') AS application, oracle.value(f.dims, 'agent') AS agent, oracle.value(f.dims, 'api_key') AS api_key,
       oracle.value(f.dims, 'user_id') AS user_id, oracle.value(f.dims, 'user_group') AS user_group, oracle.value(f.dims, 'workspace') AS workspace,
       oracle.value(f.dims, 'environment') AS environment, oracle.value(f.dims, 'customer') AS customer, oracle.value(f.dims, 'customer_segment') AS customer_segment,
       oracle.value(f.dims, 'geography') AS geography, oracle.value(f.dims, 'data_class') AS data_class,
       coalesce(f.vendor, '(unknown)') AS provider, coalesce(f.model, '(unknown)') AS model, coalesce(f.host, '') AS surface, coalesce(f.place, '') AS region,
       f.tier_of_service AS service_tier, coalesce(f.pace, '') AS speed, coalesce(f.form, '') AS variant, f.money AS currency,
       count(*) AS calls, coalesce(sum(f.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(f.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(f.cache_read_tokens), 0)::bigint AS cache_read_tokens, coalesce(sum(f.cache_write_tokens), 0)::bigint AS cache_write_tokens,
       coalesce(sum(f.output_reasoning_tokens), 0)::bigint AS output_reasoning_tokens, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       coalesce(sum(f.list_cost), 0)::numeric(38, 18) AS list_cost, count(*) FILTER (WHERE f.cost IS NULL) AS unpriced_calls
FROM oracle._facts AS f
GROUP BY f.day, f.day_utc, f.attribution_id, f.dims, f.vendor, f.model, f.host, f.place, f.tier_of_service, f.pace, f.form, f.money, f.zone;

CREATE VIEW oracle.spend_by_model AS
SELECT md5(jsonb_build_array(f.month, coalesce(f.vendor, '(unknown)'), coalesce(f.model, '(unknown)'), f.tier_of_service, f.money)::text) AS spend_by_model_key,
       f.month::timestamp AT TIME ZONE f.zone AS period_start_at, f.month AS period_start, 'month' AS period_kind,
       coalesce(f.vendor, '(unknown)') AS provider, coalesce(f.model, '(unknown)') AS model, f.tier_of_service AS service_tier, f.money AS currency,
       count(*) AS calls, coalesce(sum(f.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(f.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(f.cache_read_tokens), 0)::bigint AS cache_read_tokens, coalesce(sum(f.cost), 0)::numeric(38, 18) AS cost,
       (round(coalesce(sum(f.cost), 0), 24) / nullif(count(f.cost), 0))::numeric(38, 18) AS cost_per_call, count(*) FILTER (WHERE f.cost IS NULL) AS unpriced_calls
FROM oracle._facts AS f
GROUP BY f.month, f.zone, f.vendor, f.model, f.tier_of_service, f.money;

CREATE VIEW oracle.unpriced_usage AS
SELECT md5(jsonb_build_array(f.sent_provider, f.model, f.pricing_reason)::text) AS unpriced_usage_key, max(f.day)::timestamp AT TIME ZONE f.zone AS last_day_start_at,
       max(f.day) AS last_usage_date, min(f.day) AS first_usage_date, coalesce(f.sent_provider, '(unknown)') AS provider, coalesce(f.model, '(unknown)') AS model,
       coalesce(f.pricing_reason, '') AS pricing_reason, count(*) AS calls, coalesce(sum(f.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(f.output_tokens), 0)::bigint AS output_tokens
FROM oracle._facts AS f WHERE f.pricing_status = 'unpriced'
GROUP BY f.sent_provider, f.model, f.pricing_reason, f.zone;

-- Each row, voided ones with nothing; of months that were dropped there is none.
CREATE VIEW oracle.usage_detail AS
SELECT r.usage_id::text AS usage_detail_key, r.occurred_at, r.day AS usage_date, oracle.value(r.dims, 'department') AS department, oracle.value(r.dims, 'workspace') AS workspace,
       oracle.value(r.dims, 'user_group') AS user_group, oracle.value(r.dims, 'workflow') AS workflow, coalesce(r.vendor, '(unknown)') AS provider,
       coalesce(r.model, '(unknown)') AS model, coalesce(r.route_key, '(untagged)') AS route_type, oracle.value(r.dims, 'data_class') AS data_class,
       (n.counts * coalesce(r.input_tokens, 0))::bigint AS input_tokens, (n.counts * coalesce(r.output_tokens, 0))::bigint AS output_tokens,
       (n.counts * coalesce(r.retrieval_queries, 0))::bigint AS retrieval_calls, (n.counts * coalesce(r.tool_calls, 0))::bigint AS tool_calls,
       (n.counts * coalesce(r.agent_steps, 0))::bigint AS agent_steps, n.counts = 1 AND coalesce(r.response_cache_hit, false) AS is_cache_hit,
       (n.counts * coalesce(r.cache_read_tokens, 0))::bigint AS cache_read_tokens, coalesce(r.fallback_of, '') AS fallback_model,
       CASE n.counts WHEN 0 THEN 'voided' ELSE r.ended END AS run_status, CASE n.counts WHEN 0 THEN false ELSE r.accepted END AS is_accepted,
       n.counts = 1 AND coalesce(r.human_reviewed, false) AS is_human_reviewed, coalesce(r.blocked_reason, '') AS blocked_reason, r.cost::numeric(38, 18) AS cost,
       r.currency, b.owner AS budget_owner, oracle.value(r.dims, 'project') AS project_code, r.usage_id, nullif(r.run_id, '') AS run_id
FROM oracle._rows AS r
CROSS JOIN LATERAL (SELECT CASE r.pricing_status WHEN 'voided' THEN 0 ELSE 1 END AS counts) AS n
LEFT JOIN spend.budgets AS b ON b.period = 'month' AND b.measure = 'cost' AND spend.text_key(b.cost_center) = r.dims ->> 'cost_center' AND b.valid_during @> r.occurred_at
  AND oracle.sees_scope(b.scope)
WHERE NOT r.is_dropped;

CREATE VIEW oracle.unit_costs AS
SELECT md5(jsonb_build_array(u.month, u.unit, u.money)::text) AS unit_costs_key, u.month::timestamp AT TIME ZONE u.zone AS period_start_at, u.month AS period_start,
       'month' AS period_kind, u.unit, u.money AS currency, u.units, u.cost::numeric(38, 18) AS cost, (round(u.cost, 24) / u.units)::numeric(38, 18) AS cost_per_unit,
       u.costs[ceil(0.5 * u.units)::integer]::numeric(38, 18) AS p50_cost, u.costs[ceil(0.95 * u.units)::integer]::numeric(38, 18) AS p95_cost
FROM (
  SELECT x.month, x.zone, x.unit, x.money, count(*) AS units, sum(x.cost) AS cost, array_agg(x.cost ORDER BY x.cost) AS costs
  FROM (
    SELECT f.month, f.zone, v.unit, f.dims ->> v.name AS value, f.money, coalesce(sum(f.cost), 0) AS cost
    FROM oracle._facts AS f
    CROSS JOIN (VALUES ('user', 'user_id'), ('customer', 'customer'), ('feature', 'feature'), ('workflow', 'workflow'), ('team', 'team')) AS v(unit, name)
    WHERE f.dims ? v.name GROUP BY 1, 2, 3, 4, 5
  ) AS x GROUP BY 1, 2, 3, 4
  UNION ALL
  SELECT f.month, f.zone, 'call', f.money, count(f.cost), sum(f.cost), NULL FROM oracle._facts AS f GROUP BY 1, 2, 4 HAVING count(f.cost) > 0
  UNION ALL
  SELECT f.month, f.zone, 'accepted_output', f.money, count(*) FILTER (WHERE f.accepted), coalesce(sum(f.cost), 0), NULL
  FROM oracle._facts AS f GROUP BY 1, 2, 4 HAVING count(*) FILTER (WHERE f.accepted) > 0
) AS u;

CREATE VIEW oracle.call_costs AS
SELECT md5(jsonb_build_array(x.month, x.unit, x.money)::text) AS call_costs_key, x.month::timestamp AT TIME ZONE x.zone AS period_start_at, x.month AS period_start, 'month' AS period_kind,
       x.unit, x.money AS currency, count(*) AS units, sum(x.cost)::numeric(38, 18) AS cost, (round(sum(x.cost), 24) / count(*))::numeric(38, 18) AS cost_per_unit,
       (array_agg(x.cost ORDER BY x.cost))[ceil(0.5 * count(*))::integer]::numeric(38, 18) AS p50_cost,
       (array_agg(x.cost ORDER BY x.cost))[ceil(0.95 * count(*))::integer]::numeric(38, 18) AS p95_cost
FROM (
  SELECT f.month, f.zone, f.money, 'call' AS unit, f.cost FROM oracle._facts AS f WHERE f.cost IS NOT NULL AND NOT f.is_dropped
  UNION ALL
  SELECT f.month, f.zone, f.money, 'run', sum(f.cost) FROM oracle._facts AS f WHERE f.cost IS NOT NULL AND NOT f.is_dropped AND f.run_id <> '' GROUP BY 1, 2, 3, f.run_id
  UNION ALL
  SELECT f.month, f.zone, f.money, 'accepted_output', f.cost FROM oracle._facts AS f WHERE f.cost IS NOT NULL AND NOT f.is_dropped AND coalesce(f.run_id, '') = '' AND f.accepted
  UNION ALL
  SELECT f.month, f.zone, f.money, 'accepted_output', sum(f.cost) FROM oracle._facts AS f
  WHERE f.cost IS NOT NULL AND NOT f.is_dropped AND f.run_id <> ''
    AND EXISTS (SELECT FROM oracle._facts AS a WHERE a.month = f.month AND a.money = f.money AND a.run_id = f.run_id AND a.accepted AND a.cost IS NOT NULL AND NOT a.is_dropped)
  GROUP BY 1, 2, 3, f.run_id
) AS x
GROUP BY x.month, x.zone, x.unit, x.money;

CREATE VIEW oracle.weekly_report AS
WITH weeks AS (
  SELECT f.*, f.day - ((extract(isodow FROM f.day)::integer - s.week_start + 7) % 7) AS week FROM oracle._facts AS f CROSS JOIN oracle._settings AS s
), totals AS (
  SELECT w.week, w.money, w.zone, coalesce(sum(w.cost), 0) AS cost, count(*) AS calls, count(*) FILTER (WHERE w.cost IS NULL) AS unpriced,
         coalesce(sum(w.cache_read_tokens), 0) / nullif(sum(w.input_tokens), 0) AS hits, coalesce(sum(w.cost) FILTER (WHERE w.tier = 'premium'), 0) / nullif(sum(w.cost), 0) AS premium
  FROM weeks AS w GROUP BY 1, 2, 3
), features AS (
  SELECT DISTINCT ON (x.week, x.money) x.*
  FROM (SELECT w.week, w.money, oracle.value(w.dims, 'feature') AS feature, coalesce(sum(w.cost), 0) AS cost FROM weeks AS w GROUP BY 1, 2, 3) AS x
  ORDER BY x.week, x.money, x.cost DESC, x.feature COLLATE "C"
)
SELECT md5(jsonb_build_array(t.week, t.money)::text) AS weekly_report_key, t.week::timestamp AT TIME ZONE t.zone AS period_start_at, t.week AS period_start, 'week' AS period_kind,
       t.money AS currency, t.cost::numeric(38, 18) AS cost, coalesce(p.cost, 0)::numeric(38, 18) AS previous_cost, (t.cost - coalesce(p.cost, 0))::numeric(38, 18) AS change,
       (100 * (t.cost - p.cost) / nullif(p.cost, 0))::numeric(20, 4) AS change_percent, t.calls, t.unpriced AS unpriced_calls, m.budget::numeric(38, 18) AS month_budget,
       coalesce((SELECT sum(d.cost) FROM weeks AS d WHERE d.money = t.money AND d.day >= e.month AND d.day < t.week + 7), 0)::numeric(38, 18) AS month_actual, f.feature AS top_feature, f.cost::numeric(38, 18) AS top_feature_cost,
       t.hits::numeric(14, 6) AS cache_hit_rate, p.hits::numeric(14, 6) AS previous_cache_hit_rate, t.premium::numeric(14, 6) AS premium_share,
       p.premium::numeric(14, 6) AS previous_premium_share
FROM totals AS t
JOIN features AS f ON f.week = t.week AND f.money = t.money
LEFT JOIN totals AS p ON p.week = t.week - 7 AND p.money = t.money
CROSS JOIN LATERAL (SELECT date_trunc('month', t.week + 6)::date AS month) AS e
LEFT JOIN (SELECT c.period_start, c.currency, sum(c.budget) AS budget FROM oracle._charged AS c GROUP BY 1, 2) AS m ON m.period_start = e.month AND m.currency = t.money;
