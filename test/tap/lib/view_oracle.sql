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
  WHERE spend.visible(u.attribution_id)
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
       (sum(d.cost) / nullif(sum(d.calls) - sum(d.unpriced_calls), 0))::numeric(38, 18) AS cost_per_call,
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
       x.unpriced_calls::bigint AS unpriced_calls
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
         coalesce(c.is_charged_back, coalesce(u.cost_center, p.cost_center) <> s0.unallocated_cost_center) AS is_charged_back
  FROM used AS u
  FULL JOIN planned AS p ON p.period_start = u.period_start AND p.cost_center = u.cost_center AND p.currency = u.currency
  CROSS JOIN spend._settings() AS s0
  LEFT JOIN spend.cost_centers AS c ON c.code = coalesce(u.cost_center, p.cost_center)
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
