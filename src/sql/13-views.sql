-- What BI reads. Base types only, every numeric with a typmod, one surrogate text key and one time column per view; NULL dimensions
-- read (untagged), so totals equal the ledger. The views belong to the extension's owner and filter by spend.visible().
-- Keys are hashes of JSON arrays: unambiguous whatever the parts contain, and the same under every DateStyle.

CREATE VIEW spend.daily_spend WITH (security_barrier) AS
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
COMMENT ON VIEW spend.daily_spend IS 'The long base: spend and usage by day, rolled-up dimensions and SKU; totals equal the ledger.';
COMMENT ON COLUMN spend.daily_spend.daily_spend_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.daily_spend.day_start_at IS 'Start of the day in the organisation''s zone.';
COMMENT ON COLUMN spend.daily_spend.usage_date IS 'Day in the organisation''s zone.';
COMMENT ON COLUMN spend.daily_spend.usage_date_utc IS 'Day in UTC, as providers'' dashboards count.';
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id',
                              'user_group', 'workspace', 'environment', 'customer', 'customer_segment', 'geography', 'data_class'] LOOP
    EXECUTE format('COMMENT ON COLUMN spend.daily_spend.%I IS %L', name, 'Dimension, normalised; (untagged) where rows carry none.');
  END LOOP;
END
$$;
COMMENT ON COLUMN spend.daily_spend.provider IS 'Provider that was priced, else as sent; (unknown) without.';
COMMENT ON COLUMN spend.daily_spend.model IS 'Model that answered, normalised.';
COMMENT ON COLUMN spend.daily_spend.surface IS 'Host that served the model; '''' where it does not apply.';
COMMENT ON COLUMN spend.daily_spend.region IS 'Region that served the call; '''' where not said.';
COMMENT ON COLUMN spend.daily_spend.service_tier IS 'Service tier.';
COMMENT ON COLUMN spend.daily_spend.speed IS 'Speed grade; '''' where it does not apply.';
COMMENT ON COLUMN spend.daily_spend.variant IS 'Variant; '''' where it does not apply.';
COMMENT ON COLUMN spend.daily_spend.currency IS 'Currency of the amounts; of unpriced usage, that of the settings.';
COMMENT ON COLUMN spend.daily_spend.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.daily_spend.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.daily_spend.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN spend.daily_spend.cache_read_tokens IS 'Input tokens read from cache.';
COMMENT ON COLUMN spend.daily_spend.cache_write_tokens IS 'Input tokens written to cache.';
COMMENT ON COLUMN spend.daily_spend.output_reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN spend.daily_spend.cost IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.daily_spend.list_cost IS 'Cost before customer terms.';
COMMENT ON COLUMN spend.daily_spend.unpriced_calls IS 'Rows without a price: their cost is not in here.';

CREATE VIEW spend.spend_by_model WITH (security_barrier) AS
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
FROM spend.daily_spend AS d
CROSS JOIN spend._settings() AS s
GROUP BY date_trunc('month', d.usage_date)::date, d.provider, d.model, d.service_tier, d.currency;
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

CREATE VIEW spend.chargeback_monthly WITH (security_barrier) AS
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
  FROM spend.daily_spend AS d
  CROSS JOIN unallocated AS n
  GROUP BY 1, 2, 3, CASE WHEN n.is_split AND d.cost_center IN ('(untagged)', n.label) THEN d.department END
), months AS (
  SELECT DISTINCT u.period_start FROM used AS u
  UNION
  SELECT date_trunc('month', now() AT TIME ZONE s.time_zone)::date FROM spend._settings() AS s
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
COMMENT ON VIEW spend.chargeback_monthly IS 'Chargeback: budget, actual and what is booked, by month and cost center; one row per currency, currencies are never added.';
COMMENT ON COLUMN spend.chargeback_monthly.chargeback_monthly_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.chargeback_monthly.period_start_at IS 'Start of the month in the organisation''s zone.';
COMMENT ON COLUMN spend.chargeback_monthly.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.chargeback_monthly.period_kind IS 'month.';
COMMENT ON COLUMN spend.chargeback_monthly.cost_center IS 'Cost center; usage without one stands under settings.unallocated_cost_center.';
COMMENT ON COLUMN spend.chargeback_monthly.department IS 'Department of the center by spend.cost_centers, else that of its rows; (several) if they differ.';
COMMENT ON COLUMN spend.chargeback_monthly.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.chargeback_monthly.budget IS 'Plan line: amount of the month budget with this cost center; NULL without one.';
COMMENT ON COLUMN spend.chargeback_monthly.actual IS 'Cost of the priced rows.';
COMMENT ON COLUMN spend.chargeback_monthly.variance IS 'budget − actual: negative is over budget.';
COMMENT ON COLUMN spend.chargeback_monthly.chargeback IS 'actual where the center is charged back, else 0.';
COMMENT ON COLUMN spend.chargeback_monthly.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.chargeback_monthly.tokens IS 'Input and output tokens.';
COMMENT ON COLUMN spend.chargeback_monthly.unpriced_calls IS 'Rows without a price: their cost is not in here.';

CREATE VIEW spend.budget_status WITH (security_barrier) AS
WITH current_period AS (
  SELECT p.budget_id, p.generation, p.period_start, p.period_end, p.currency, p.time_zone FROM spend._budget_periods() AS p
), counted AS (
  -- A rolling budget has a counter for each day of its window, any other one for its period.
  SELECT c.budget_id, c.group_hash, c.group_values, sum(c.spent) AS spent, sum(c.calls)::bigint AS calls, sum(c.unpriced_calls)::bigint AS unpriced_calls
  FROM spend.counters AS c
  JOIN current_period AS p ON p.budget_id = c.budget_id AND p.generation = c.generation AND c.period_start >= p.period_start AND c.period_start < p.period_end
  GROUP BY 1, 2, 3
), uncertain AS (
  -- A counter is loaded when the first row moves it. What came before the budget was defined stands in the rows only.
  SELECT p.budget_id, p.period_start, p.period_end
  FROM current_period AS p
  JOIN spend.budget_epochs AS e ON e.budget_id = p.budget_id AND e.redefined_at >= p.period_start
  JOIN spend.budgets AS b ON b.budget_id = p.budget_id
  WHERE b.group_by <> '{}' OR b.period = 'rolling' OR p.budget_id NOT IN (SELECT c.budget_id FROM counted AS c)
), uncounted AS (
  SELECT r.budget_id, r.group_hash, r.group_values, sum(r.amount) AS spent, sum(r.calls)::bigint AS calls, sum(r.unpriced_calls)::bigint AS unpriced_calls
  FROM (SELECT min(u.period_start) AS since, max(u.period_end) AS until FROM uncertain AS u) AS range
  CROSS JOIN LATERAL (
    SELECT u FROM spend.usage AS u WHERE u.occurred_at >= range.since AND u.occurred_at < range.until
  ) AS rows
  CROSS JOIN LATERAL spend._row_counters(rows.u) AS r
  JOIN uncertain AS p ON p.budget_id = r.budget_id AND r.period_start >= p.period_start AND r.period_start < p.period_end
  WHERE range.since IS NOT NULL
    AND NOT EXISTS (SELECT FROM spend.counters AS c
                    WHERE (c.budget_id, c.generation, c.period_start, c.group_hash) = (r.budget_id, r.generation, r.period_start, r.group_hash))
  GROUP BY 1, 2, 3
), totals AS (
  SELECT t.budget_id, t.group_hash, t.group_values, sum(t.spent) AS spent, sum(t.calls)::bigint AS calls, sum(t.unpriced_calls)::bigint AS unpriced_calls
  FROM (SELECT * FROM counted UNION ALL SELECT * FROM uncounted) AS t
  GROUP BY 1, 2, 3
)
SELECT md5(jsonb_build_array(b.budget_id, p.period_start AT TIME ZONE 'UTC', t.group_hash)::text) AS budget_status_key,
       b.budget_id,
       b.name AS budget_name,
       p.period_start AS period_start_at,
       p.period_end AS period_end_at,
       CASE WHEN isfinite(p.period_start) THEN (p.period_start AT TIME ZONE p.time_zone)::date END AS period_start,
       b.period AS period_kind,
       CASE WHEN b.group_by = '{}' THEN ''
            ELSE coalesce((SELECT string_agg(g.key || '=' || g.value, ', ' ORDER BY g.key) FROM jsonb_each_text(t.group_values) AS g), '') END AS group_label,
       b.measure,
       nullif(p.currency, '') AS currency,
       l.amount::numeric(38, 18) AS amount,
       coalesce(t.spent, 0)::numeric(38, 18) AS spent,
       (l.amount - coalesce(t.spent, 0))::numeric(38, 18) AS remaining,
       -- At most 10 digits before the point: a figure beyond that says nothing more.
       least(coalesce(t.spent, 0) * 100 / nullif(l.amount, 0), 9999999999)::numeric(14, 4) AS used_percent,
       coalesce(t.spent, 0) > l.amount AS is_exceeded,
       b.on_exceeded,
       b.is_critical,
       coalesce(t.calls, 0) AS calls,
       coalesce(t.unpriced_calls, 0) AS unpriced_calls,
       b.cost_center,
       b.owner
FROM spend.budgets AS b
JOIN current_period AS p USING (budget_id)
LEFT JOIN totals AS t USING (budget_id)
CROSS JOIN LATERAL (
  SELECT spend._budget_limit(b.budget_id, p.period_start, p.period_end, coalesce(t.group_hash, '00000000-0000-0000-0000-000000000000')) AS amount
) AS l
WHERE b.valid_during && tstzrange(p.period_start, p.period_end);
COMMENT ON VIEW spend.budget_status IS 'Budgets in their current period: limit, spent, remaining; one row per combination of group_by values that was used.';
COMMENT ON COLUMN spend.budget_status.budget_status_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.budget_status.budget_id IS 'Number of the budget.';
COMMENT ON COLUMN spend.budget_status.budget_name IS 'Name of the budget.';
COMMENT ON COLUMN spend.budget_status.period_start_at IS 'Start of the current period, of a rolling budget of its window; -infinity for total.';
COMMENT ON COLUMN spend.budget_status.period_end_at IS 'End of the current period; infinity for total.';
COMMENT ON COLUMN spend.budget_status.period_start IS 'Day on which the period began in the budget''s zone; NULL for total.';
COMMENT ON COLUMN spend.budget_status.period_kind IS 'As in spend.budgets: hour to fiscal_year, total, range or rolling.';
COMMENT ON COLUMN spend.budget_status.group_label IS 'Values of the group_by dimensions; empty without group_by.';
COMMENT ON COLUMN spend.budget_status.measure IS 'cost, tokens or calls.';
COMMENT ON COLUMN spend.budget_status.currency IS 'Currency of the amounts; NULL for tokens and calls.';
COMMENT ON COLUMN spend.budget_status.amount IS 'The limit.';
COMMENT ON COLUMN spend.budget_status.spent IS 'Used so far, up to the last commit.';
COMMENT ON COLUMN spend.budget_status.remaining IS 'amount − spent; negative when exceeded.';
COMMENT ON COLUMN spend.budget_status.used_percent IS 'spent in percent of amount; NULL when the amount is 0.';
COMMENT ON COLUMN spend.budget_status.is_exceeded IS 'Whether spent is above amount.';
COMMENT ON COLUMN spend.budget_status.on_exceeded IS 'alert, halt or reject.';
COMMENT ON COLUMN spend.budget_status.is_critical IS 'Whether work under this budget must not be stopped by other means.';
COMMENT ON COLUMN spend.budget_status.calls IS 'Rows counted.';
COMMENT ON COLUMN spend.budget_status.unpriced_calls IS 'Rows among them without a price in the budget''s currency.';
COMMENT ON COLUMN spend.budget_status.cost_center IS 'Cost center whose plan line this is.';
COMMENT ON COLUMN spend.budget_status.owner IS 'Who answers for the budget.';

CREATE VIEW spend.active_pauses WITH (security_barrier) AS
SELECT p.pause_id::text AS active_pauses_key,
       p.paused_at,
       p.pause_id,
       p.scope::text AS scope,
       p.on_insert,
       p.reason,
       p.paused_by::text AS paused_by
FROM spend.pauses AS p
WHERE p.resumed_at IS NULL AND spend._visible_scope(p.scope);
COMMENT ON VIEW spend.active_pauses IS 'Work that spend.pause() has stopped.';
COMMENT ON COLUMN spend.active_pauses.active_pauses_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.active_pauses.paused_at IS 'Since when.';
COMMENT ON COLUMN spend.active_pauses.pause_id IS 'Number of the pause, for spend.resume().';
COMMENT ON COLUMN spend.active_pauses.scope IS 'Work that is stopped, as in budgets.scope.';
COMMENT ON COLUMN spend.active_pauses.on_insert IS 'record: usage of it is recorded all the same. reject: an INSERT of it fails (SP005).';
COMMENT ON COLUMN spend.active_pauses.reason IS 'Why.';
COMMENT ON COLUMN spend.active_pauses.paused_by IS 'Who paused it.';

CREATE VIEW spend.unpriced_usage WITH (security_barrier) AS
SELECT md5(jsonb_build_array(nullif(spend.text_key(u.provider), ''),
                             nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), u.pricing_reason)::text)
         AS unpriced_usage_key,
       max(u.occurred_at) AS last_occurred_at,
       min(u.occurred_at) AS first_occurred_at,
       coalesce(nullif(spend.text_key(u.provider), ''), '(unknown)') AS provider,
       coalesce(nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), '(unknown)') AS model,
       coalesce(u.pricing_reason, '') AS pricing_reason,
       count(*) AS calls,
       coalesce(sum(u.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(u.output_tokens), 0)::bigint AS output_tokens
FROM spend.usage AS u
WHERE u.pricing_status = 'unpriced' AND spend.visible(u.attribution_id)
GROUP BY nullif(spend.text_key(u.provider), ''), nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), ''), u.pricing_reason;
COMMENT ON VIEW spend.unpriced_usage IS 'Usage without a price, by provider, model and reason: unknown is not free, it waits here.';
COMMENT ON COLUMN spend.unpriced_usage.unpriced_usage_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.unpriced_usage.last_occurred_at IS 'Last such usage.';
COMMENT ON COLUMN spend.unpriced_usage.first_occurred_at IS 'First such usage.';
COMMENT ON COLUMN spend.unpriced_usage.provider IS 'Provider as sent, normalised; (unknown) without.';
COMMENT ON COLUMN spend.unpriced_usage.model IS 'Model, normalised; (unknown) without.';
COMMENT ON COLUMN spend.unpriced_usage.pricing_reason IS 'Why there was no price.';
COMMENT ON COLUMN spend.unpriced_usage.calls IS 'Usage rows.';
COMMENT ON COLUMN spend.unpriced_usage.input_tokens IS 'Input tokens, cached ones included.';
COMMENT ON COLUMN spend.unpriced_usage.output_tokens IS 'Output tokens, reasoning included.';
