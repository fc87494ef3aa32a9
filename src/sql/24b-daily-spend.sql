-- Nine sums of a group in one state: the aggregates have the same arguments and the same step, so a row is added once for all of them.
CREATE FUNCTION spend._day_sums_step(internal, bigint, bigint, numeric, numeric, numeric, numeric, numeric, numeric, numeric) RETURNS internal
  LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_day_sums_step';
COMMENT ON FUNCTION spend._day_sums_step(internal, bigint, bigint, numeric, numeric, numeric, numeric, numeric, numeric, numeric) IS
  'Internal: adds a row to the sums of a group of spend.daily_spend.';
CREATE FUNCTION spend._summed_calls(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_calls';
CREATE FUNCTION spend._summed_unpriced_calls(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_unpriced_calls';
CREATE FUNCTION spend._summed_input_tokens(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_input_tokens';
CREATE FUNCTION spend._summed_output_tokens(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_output_tokens';
CREATE FUNCTION spend._summed_cache_read_tokens(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_cache_read_tokens';
CREATE FUNCTION spend._summed_cache_write_tokens(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_cache_write_tokens';
CREATE FUNCTION spend._summed_output_reasoning_tokens(internal) RETURNS bigint LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_output_reasoning_tokens';
CREATE FUNCTION spend._summed_cost(internal) RETURNS numeric LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_cost';
CREATE FUNCTION spend._summed_list_cost(internal) RETURNS numeric LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'spend_summed_list_cost';
DO $$
DECLARE
  types text := 'bigint, bigint, numeric, numeric, numeric, numeric, numeric, numeric, numeric';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['calls', 'unpriced_calls', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_reasoning_tokens', 'cost', 'list_cost'] LOOP
    EXECUTE format('COMMENT ON FUNCTION spend._summed_%1$s(internal) IS ''Internal: the sum of %1$s.''', name);
    EXECUTE format('CREATE AGGREGATE spend._sum_%1$s(%2$s) (SFUNC = spend._day_sums_step, STYPE = internal, SSPACE = 160, FINALFUNC = spend._summed_%1$s)', name, types);
    EXECUTE format('COMMENT ON AGGREGATE spend._sum_%1$s(%2$s) IS ''Internal: the sum of %1$s, for spend.daily_spend.''', name, types);
  END LOOP;
END
$$;

-- The long base. Grouped by ids of fixed size first: names are looked up for what is left. The key, too, is of those ids: days as numbers
-- are the same under every DateStyle.
CREATE VIEW spend.daily_spend WITH (security_barrier) AS
SELECT md5((d.usage_date - date '2000-01-01') || '/' || (d.usage_date_utc - date '2000-01-01') || '/' || d.attribution_id || '/' || d.sku_id) AS daily_spend_key,
       d.usage_date::timestamp AT TIME ZONE z AS day_start_at,
       d.usage_date,
       d.usage_date_utc,
       coalesce(a.cost_center, '(untagged)') AS cost_center,
       coalesce(a.department, '(untagged)') AS department,
       coalesce(a.team, '(untagged)') AS team,
       coalesce(a.project, '(untagged)') AS project,
       coalesce(a.feature, '(untagged)') AS feature,
       coalesce(a.workflow, '(untagged)') AS workflow,
       coalesce(a.application, '(untagged)') AS application,
       coalesce(a.agent, '(untagged)') AS agent,
       coalesce(a.api_key, '(untagged)') AS api_key,
       coalesce(a.user_id, '(untagged)') AS user_id,
       coalesce(a.user_group, '(untagged)') AS user_group,
       coalesce(a.workspace, '(untagged)') AS workspace,
       coalesce(a.environment, '(untagged)') AS environment,
       coalesce(a.customer, '(untagged)') AS customer,
       coalesce(a.customer_segment, '(untagged)') AS customer_segment,
       coalesce(a.geography, '(untagged)') AS geography,
       coalesce(a.data_class, '(untagged)') AS data_class,
       coalesce(k.provider, '(unknown)') AS provider,
       coalesce(k.model, '(unknown)') AS model,
       coalesce(k.surface, '') AS surface,
       coalesce(k.region, '') AS region,
       k.service_tier,
       coalesce(k.speed, '') AS speed,
       coalesce(k.variant, '') AS variant,
       k.currency,
       d.calls,
       d.input_tokens,
       d.output_tokens,
       d.cache_read_tokens,
       d.cache_write_tokens,
       d.output_reasoning_tokens,
       d.cost::numeric(38, 18) AS cost,
       d.list_cost::numeric(38, 18) AS list_cost,
       d.unpriced_calls
FROM (
  SELECT u.usage_date, u.usage_date_utc, u.attribution_id, k.sku_id,
         spend._sum_calls(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS calls,
         spend._sum_input_tokens(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS input_tokens,
         spend._sum_output_tokens(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS output_tokens,
         spend._sum_cache_read_tokens(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS cache_read_tokens,
         spend._sum_cache_write_tokens(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS cache_write_tokens,
         spend._sum_output_reasoning_tokens(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS output_reasoning_tokens,
         spend._sum_cost(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS cost,
         spend._sum_list_cost(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS list_cost,
         spend._sum_unpriced_calls(u.calls, u.unpriced_calls, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_reasoning_tokens, u.cost, u.list_cost) AS unpriced_calls
  FROM spend._usage_days AS u
  JOIN spend._kinds AS k USING (kind_id)
  GROUP BY 1, 2, 3, 4
) AS d
JOIN spend._skus AS k USING (sku_id)
CROSS JOIN spend._rollup_zone() AS z
-- Apart, so that the values are looked up once for an attribution.
LEFT JOIN (
  SELECT s.attribution_id, s.is_visible,
         s.dimensions ->> 'cost_center' AS cost_center, s.dimensions ->> 'department' AS department, s.dimensions ->> 'team' AS team,
         s.dimensions ->> 'project' AS project, s.dimensions ->> 'feature' AS feature, s.dimensions ->> 'workflow' AS workflow,
         s.dimensions ->> 'application' AS application, s.dimensions ->> 'agent' AS agent, s.dimensions ->> 'api_key' AS api_key,
         s.dimensions ->> 'user_id' AS user_id, s.dimensions ->> 'user_group' AS user_group, s.dimensions ->> 'workspace' AS workspace,
         s.dimensions ->> 'environment' AS environment, s.dimensions ->> 'customer' AS customer, s.dimensions ->> 'customer_segment' AS customer_segment,
         s.dimensions ->> 'geography' AS geography, s.dimensions ->> 'data_class' AS data_class
  FROM spend._seen AS s
  OFFSET 0
) AS a USING (attribution_id)
WHERE d.calls <> 0 AND coalesce(a.is_visible, spend.visible(NULL));
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

