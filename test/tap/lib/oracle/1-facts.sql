-- What every view has to say, recomputed from the rows of the ledger, another way than the extension does it: from what the documents say
-- of each column. One view in the schema oracle for each public view, with the same columns; oracle.differences() compares them.
CREATE SCHEMA oracle;

-- Rows of months that retention has dropped: sums still have them. oracle.drop_rows() keeps them here.
CREATE TABLE oracle.dropped (LIKE spend.usage);

CREATE VIEW oracle._settings AS
SELECT coalesce(s.time_zone, 'UTC') AS zone, coalesce(s.currency, 'USD') AS own_currency, coalesce(s.week_start, 1) AS week_start,
       coalesce(s.fiscal_year_start, 1) AS fiscal_year_start, coalesce(s.unallocated_cost_center, '(untagged)') AS unallocated, s.organisation
FROM (VALUES (1)) AS one(row) LEFT JOIN spend.settings AS s ON true;

-- Whose view it is: the scope of a reader, each condition a value; {} sees all.
CREATE FUNCTION oracle.scope() RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT coalesce(nullif(current_setting('oracle.scope', true), ''), '{}')::jsonb $$;
CREATE FUNCTION oracle.sees(dimensions jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT coalesce(dimensions, '{}') @> oracle.scope() $$;

-- Whether a scope, as in budgets, covers facts: a value, a list, {"not": ...} and {"present": ...}.
CREATE FUNCTION oracle.covers(scope jsonb, facts jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(bool_and(
    CASE jsonb_typeof(c.value)
      WHEN 'object' THEN
        (NOT c.value ? 'present' OR (facts ->> c.key IS NOT NULL) = (c.value ->> 'present')::boolean)
        AND (NOT c.value ? 'not' OR facts ->> c.key IS NULL
             OR facts ->> c.key NOT IN (SELECT spend.text_key(n) FROM jsonb_array_elements_text(CASE jsonb_typeof(c.value -> 'not') WHEN 'array' THEN c.value -> 'not' ELSE jsonb_build_array(c.value -> 'not') END) AS n))
      WHEN 'array' THEN coalesce(facts ->> c.key IN (SELECT spend.text_key(v) FROM jsonb_array_elements_text(c.value) AS v), false)
      ELSE coalesce(facts ->> c.key = spend.text_key(c.value #>> '{}'), false)
    END), true)
  FROM jsonb_each(scope) AS c
$$;
-- Whether all that a scope covers is within what is seen.
CREATE FUNCTION oracle.sees_scope(scope jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(bool_and(coalesce(jsonb_typeof(scope -> c.key) = 'string' AND spend.text_key(scope ->> c.key) = c.value, false)), true) FROM jsonb_each_text(oracle.scope()) AS c
$$;

CREATE VIEW oracle._dictionary AS
SELECT a.attribution_id, (array_agg(a.dimensions))[1] AS dims, min(a.first_seen_at) AS first_seen_at FROM spend.attributions AS a GROUP BY a.attribution_id;

-- One row for each row of the ledger, voided ones too, with all that is asked of it.
CREATE VIEW oracle._rows AS
SELECT u.*, s.zone, coalesce(u.currency, s.own_currency) AS money, coalesce(d.dims, '{}') AS dims,
       (u.occurred_at AT TIME ZONE s.zone)::date AS day, date_trunc('month', u.occurred_at AT TIME ZONE s.zone)::date AS month,
       (u.occurred_at AT TIME ZONE 'UTC')::date AS day_utc, nullif(spend.text_key(u.provider), '') AS sent_provider,
       coalesce(p.provider, nullif(spend.text_key(u.provider), '')) AS vendor, p.model AS priced_model,
       nullif(spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), '') AS model,
       coalesce(nullif(spend.text_key(u.service_tier), ''), 'standard') AS tier_of_service, nullif(spend.text_key(u.surface), '') AS host,
       nullif(spend.text_key(u.region), '') AS place, nullif(spend.text_key(u.speed), '') AS pace, nullif(spend.text_key(u.variant), '') AS form,
       nullif(spend.text_key(u.operation), '') AS operation_key, nullif(spend.text_key(u.route), '') AS route_key, nullif(spend.text_key(u.purpose), '') AS purpose_key,
       nullif(spend.text_key(u.source), '') AS source_key,
       CASE WHEN coalesce(u.blocked_reason, '') <> '' THEN 'blocked'
            WHEN spend.text_key(u.status) IN ('blocked', 'refused', 'rejected', 'denied', 'content_filter', 'content filter') THEN 'blocked'
            WHEN spend.text_key(u.status) IN ('error', 'errored', 'failed', 'fail', 'failure', 'timeout', 'timed out', 'timed_out', 'expired') THEN 'failed'
            WHEN spend.text_key(u.status) IN ('cancelled', 'canceled', 'abandoned', 'abort', 'aborted', 'interrupted') THEN 'abandoned' ELSE 'ok' END AS ended,
       coalesce(u.attempt > 1, false) OR coalesce(spend.text_key(u.purpose) = 'retry', false) AS again,
       coalesce(u.recorded_at - u.occurred_at > interval '24 hours', false) AS is_late,
       m.tier,
       CASE WHEN u.price_id IS NOT NULL THEN coalesce(oracle_saving.per_token, 0) END AS saved_per_token
FROM (SELECT w.*, false AS is_dropped FROM spend.usage AS w UNION ALL SELECT o.*, true FROM oracle.dropped AS o) AS u
CROSS JOIN oracle._settings AS s
LEFT JOIN oracle._dictionary AS d USING (attribution_id)
LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
LEFT JOIN spend.models AS m ON m.provider = coalesce(p.provider, spend.text_key(u.provider)) AND m.model = coalesce(p.model, spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)))
-- What a token from the cache costs less than another, by the rates for a short request, where the price has both.
LEFT JOIN LATERAL (
  SELECT sum(CASE r.key WHEN 'input_tokens' THEN q.rate ELSE -q.rate END) AS per_token
  FROM jsonb_each(p.price::jsonb -> 'rates') AS r
  CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(r.value) WHEN 'object' THEN r.value ->> 'base' ELSE r.value #>> '{}' END AS said) AS t
  CROSS JOIN LATERAL (SELECT split_part(t.said, '/', 1)::numeric / CASE lower(split_part(t.said, '/', 2)) WHEN '1m' THEN 1000000 WHEN '1k' THEN 1000 ELSE 1 END AS rate) AS q
  WHERE r.key IN ('input_tokens', 'cache_read_tokens') HAVING count(*) = 2
) AS oracle_saving ON true
WHERE oracle.sees(d.dims);

-- Those that count.
CREATE VIEW oracle._facts AS SELECT r.* FROM oracle._rows AS r WHERE r.pricing_status <> 'voided' OFFSET 0;

CREATE FUNCTION oracle.value(dims jsonb, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(dims ->> name, '(untagged)') $$;

CREATE VIEW oracle._names AS
SELECT unnest(ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace',
                    'environment', 'customer', 'customer_segment', 'geography', 'data_class']) AS name, true AS is_column
UNION ALL
SELECT d.name, false FROM spend.dimensions AS d
WHERE d.is_rolled_up AND NOT EXISTS (SELECT FROM information_schema.columns AS c WHERE c.table_schema = 'spend' AND c.table_name = 'usage' AND c.column_name = d.name);

-- Once for each dimension.
CREATE VIEW oracle._long AS
SELECT f.*, v.dimension, v.dimension_value,
       md5(ROW(f.vendor, f.model, f.host, f.place, f.tier_of_service, f.pace, f.form, f.money)::text) AS sku
FROM oracle._facts AS f
CROSS JOIN LATERAL (
  VALUES ('total', '(all)'), ('provider', coalesce(f.vendor, '(unknown)')), ('model', coalesce(f.model, '(unknown)')), ('service_tier', f.tier_of_service),
         ('operation', coalesce(f.operation_key, '(untagged)')), ('route', coalesce(f.route_key, '(untagged)')), ('purpose', coalesce(f.purpose_key, '(untagged)'))
  UNION ALL SELECT n.name, oracle.value(f.dims, n.name) FROM oracle._names AS n
) AS v(dimension, dimension_value);

CREATE FUNCTION oracle.label(dimension text, value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT c.name FROM spend.cost_centers AS c WHERE label.dimension = 'cost_center' AND c.code = label.value ORDER BY c.valid_during DESC LIMIT 1),
                  (SELECT v.label FROM spend.dimension_values AS v WHERE v.dimension = label.dimension AND v.value = label.value), label.value)
$$;

-- The entry of a cost center for a month: the one that holds on its first day, or else the first that begins in it.
CREATE FUNCTION oracle.center(code text, month date) RETURNS spend.cost_centers LANGUAGE sql STABLE AS $$
  SELECT c FROM spend.cost_centers AS c
  WHERE c.code = center.code AND (c.valid_during @> center.month OR (lower(c.valid_during) > center.month AND lower(c.valid_during) < center.month + interval '1 month'))
  ORDER BY c.valid_during @> center.month DESC, lower(c.valid_during) LIMIT 1
$$;

-- The limit of a budget for a period and group: the amount that holds at its start; overrides as they are now, or were at its end.
CREATE FUNCTION oracle.budget_limit(budget_id bigint, since timestamptz, until timestamptz, amount_at timestamptz, "group" jsonb) RETURNS numeric LANGUAGE sql STABLE AS $$
  WITH moment AS (SELECT CASE WHEN now() < since THEN since WHEN now() >= until THEN until - interval '1 microsecond' ELSE now() END AS at),
  changes AS (SELECT o.* FROM spend.budget_overrides AS o, moment AS m WHERE o.budget_id = budget_limit.budget_id AND o.valid_during @> m.at AND (o.group_values IS NULL OR o.group_values = "group"))
  SELECT coalesce((SELECT c.amount FROM changes AS c WHERE c.kind = 'replace' ORDER BY c.group_values IS NULL, c.override_id DESC LIMIT 1),
                  (SELECT a.amount FROM spend.budget_amounts AS a WHERE a.budget_id = budget_limit.budget_id AND a.valid_from <= amount_at ORDER BY a.valid_from DESC LIMIT 1),
                  (SELECT b.amount FROM spend.budgets AS b WHERE b.budget_id = budget_limit.budget_id))
         + coalesce((SELECT sum(c.amount) FROM changes AS c WHERE c.kind = 'add'), 0)
$$;

-- An attribution has what a row that counts says of its dimensions, and besides only what a rule may have given it.
CREATE VIEW oracle._check_attributions AS
SELECT u.usage_id, n.name, said.value AS said, d.dims ->> n.name AS has
FROM (SELECT w.*, to_jsonb(w) AS said FROM spend.usage AS w OFFSET 0) AS u
CROSS JOIN oracle._names AS n
LEFT JOIN oracle._dictionary AS d USING (attribution_id)
CROSS JOIN LATERAL (SELECT nullif(spend.text_key(CASE WHEN n.is_column THEN u.said ->> n.name ELSE u.tags ->> n.name END), '') AS value) AS said
WHERE u.pricing_status <> 'voided' AND d.dims ->> n.name IS DISTINCT FROM said.value
  AND NOT EXISTS (SELECT FROM spend.allocation_rules AS r WHERE r.valid_during @> u.occurred_at AND (said.value IS NULL OR r.overwrites)
                  AND (spend.text_key(r.assign ->> n.name) = d.dims ->> n.name OR jsonb_typeof(r.assign -> n.name) = 'object'));
