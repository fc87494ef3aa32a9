-- The full cost of a unit of work: everything that carries its run_id, by what it was for, and the overheads on top. Model calls, tool calls,
-- retrieval, storage and the time of people are all usage rows; here they meet. Each amount stands in one component, so they add up.

CREATE FUNCTION spend._cost_component(meter text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN meter IN ('tool_calls', 'web_searches', 'map_searches', 'file_searches', 'code_sessions') THEN 'tool_calls'
    WHEN meter IN ('retrieval_queries', 'rerank_searches') THEN 'retrieval'
    WHEN meter IN ('storage_gb_days', 'vector_storage_gb_days', 'cache_token_hours') THEN 'storage'
    WHEN meter = 'review_minutes' THEN 'review'
    WHEN meter = 'orchestration_calls' THEN 'overhead'
    WHEN right(meter, 7) = '_tokens' THEN 'tokens'
    ELSE 'other'
  END
$$;
COMMENT ON FUNCTION spend._cost_component(text) IS 'Internal: the component of spend.full_cost that a meter belongs to.';

CREATE VIEW spend._run_rows AS
SELECT u, u.run_id, u.attribution_id, u.occurred_at, u.cost, u.currency, date_trunc('month', u.occurred_at AT TIME ZONE z)::date AS period_start,
       CASE WHEN u.attempt > 1 OR spend.text_key(u.purpose) = 'retry' THEN 'retries'
            WHEN spend.text_key(u.purpose) = 'evaluation' THEN 'evaluation'
            WHEN u.fallback_of <> '' THEN 'fallback' END AS own_component,
       -- Most rows have tokens and nothing else: they need not be taken apart.
       u.other_usage IS NULL AND coalesce(u.tool_calls, 0) = 0 AND coalesce(u.retrieval_queries, 0) = 0 AS is_plain
FROM spend.usage AS u
CROSS JOIN spend._rollup_zone() AS z
-- Not by a join with the dictionary, which a run would be slower for than for its rows.
WHERE u.run_id <> '' AND u.cost IS NOT NULL AND u.recorded_at IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided'
  AND spend.visible(u.attribution_id);
COMMENT ON VIEW spend._run_rows IS 'Internal: the priced rows of runs, as far as the current role may see them.';

CREATE VIEW spend.full_cost WITH (security_barrier) AS
SELECT md5(jsonb_build_array(f.run_id, f.period_start, f.attribution_id, f.component, f.detail, f.currency)::text) AS full_cost_key,
       min(f.occurred_at) AS first_occurred_at,
       f.period_start,
       'month'::text AS period_kind,
       f.run_id,
       coalesce(spend._attributed(f.attribution_id, 'cost_center'), '(untagged)') AS cost_center,
       coalesce(spend._attributed(f.attribution_id, 'team'), '(untagged)') AS team,
       coalesce(spend._attributed(f.attribution_id, 'workflow'), '(untagged)') AS workflow,
       coalesce(spend._attributed(f.attribution_id, 'feature'), '(untagged)') AS feature,
       f.component,
       f.detail,
       f.currency,
       sum(f.calls)::bigint AS calls,
       round(sum(f.cost), 18)::numeric(38, 18) AS cost
FROM (
  SELECT r.run_id, r.period_start, r.attribution_id, r.occurred_at, coalesce(r.own_component, 'tokens') AS component, '' AS detail, r.currency, 1 AS calls, r.cost
  FROM spend._run_rows AS r
  WHERE r.is_plain OR r.own_component IS NOT NULL
  UNION ALL
  -- The first line of a row carries the call. What has no meter is mark-ups and rounding of a row: it goes with the model.
  SELECT r.run_id, r.period_start, r.attribution_id, r.occurred_at, spend._cost_component(coalesce(l.meter, 'terms_tokens')), '', r.currency,
         CASE l.line WHEN 1 THEN 1 ELSE 0 END, l.amount * l.factor
  FROM spend._run_rows AS r
  LEFT JOIN LATERAL (
    SELECT v.price
    FROM spend._price_versions AS v
    WHERE v.price_id = (r.u).price_id AND (r.u).pricing_status <> 'reported'
      AND coalesce((SELECT sum(c.amount) FROM spend._charge_lines(r.u, v.price) AS c), 0) = (r.u).list_cost
    ORDER BY v.age, v.until DESC
    LIMIT 1
  ) AS p ON true
  CROSS JOIN LATERAL spend._row_cost_lines(r.u, p.price) WITH ORDINALITY AS l(meter, quantity, rate, per, tier, condition, factor, amount, consumed, line)
  WHERE NOT r.is_plain AND r.own_component IS NULL
  UNION ALL
  SELECT r.run_id, r.period_start, r.attribution_id, r.occurred_at, 'overhead', o.name, coalesce(o.currency, r.currency), 0,
         CASE o.kind WHEN 'percent' THEN r.cost * o.amount * 0.01 ELSE o.amount END
  FROM spend._run_rows AS r
  LEFT JOIN spend.prices AS p ON p.price_id = (r.u).price_id
  LEFT JOIN LATERAL (SELECT d.dimensions FROM spend.attributions AS d WHERE d.attribution_id = r.attribution_id LIMIT 1) AS a ON true
  CROSS JOIN LATERAL (
    SELECT coalesce(a.dimensions, '{}') || jsonb_build_object(
      'provider', coalesce(p.provider, (r.u).provider), 'model', coalesce(p.model, nullif((r.u).response_model, ''), (r.u).request_model), 'surface', (r.u).surface,
      'region', (r.u).region, 'service_tier', (r.u).service_tier, 'speed', (r.u).speed, 'variant', (r.u).variant) AS facts
  ) AS k
  JOIN spend.overheads AS o ON o.valid_during @> coalesce((r.u).started_at, r.occurred_at) AND spend._scope_covers(o.scope, k.facts)
) AS f
GROUP BY f.run_id, f.period_start, f.attribution_id, f.component, f.detail, f.currency;
COMMENT ON VIEW spend.full_cost IS 'What a unit of work cost, everything counted: by run, month, attribution and component. Without overhead, the amounts add up to the cost of the run''s rows. Reads rows: ask for a run, or a month.';
COMMENT ON COLUMN spend.full_cost.full_cost_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.full_cost.first_occurred_at IS 'First usage of the run in it.';
COMMENT ON COLUMN spend.full_cost.period_start IS 'First day of the month; a run that goes on over its end has rows in both.';
COMMENT ON COLUMN spend.full_cost.period_kind IS 'month.';
COMMENT ON COLUMN spend.full_cost.run_id IS 'The run. Usage without one is in the other views.';
COMMENT ON COLUMN spend.full_cost.cost_center IS 'Cost center; (untagged) without one.';
COMMENT ON COLUMN spend.full_cost.team IS 'Team; (untagged) without one.';
COMMENT ON COLUMN spend.full_cost.workflow IS 'Workflow; (untagged) without one.';
COMMENT ON COLUMN spend.full_cost.feature IS 'Feature; (untagged) without one.';
COMMENT ON COLUMN spend.full_cost.component IS
  'retries, evaluation and fallback: whole rows of that purpose. Of all others tokens, tool_calls, retrieval, storage, review (the time of people) or other, by meter. overhead: what spend.overheads add, and orchestration that was metered.';
COMMENT ON COLUMN spend.full_cost.detail IS 'Name of the overhead; empty for what was metered.';
COMMENT ON COLUMN spend.full_cost.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.full_cost.calls IS 'Usage rows; one that is in several components is counted in one. 0 for overheads.';
COMMENT ON COLUMN spend.full_cost.cost IS 'Cost after customer terms; of overheads, what they add.';
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT a.attname FROM pg_attribute AS a WHERE a.attnum > 0 AND a.attrelid = 'spend._run_rows'::regclass LOOP
    EXECUTE format('COMMENT ON COLUMN spend._run_rows.%I IS %L', item.attname, 'Internal: as in the tables.');
  END LOOP;
END
$$;
