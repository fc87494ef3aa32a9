CREATE FUNCTION spend._charge_lines(
  usage spend.usage, price spend.price,
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'spend_charge_lines';
COMMENT ON FUNCTION spend._charge_lines(spend.usage, spend.price) IS 'Internal: the lines of a recorded row under a price; no row when it does not price it.';

CREATE FUNCTION spend._utc(at timestamptz) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION spend._utc(timestamptz) IS 'Internal: a time as explanations write it, the same in every session.';

-- One statement for one row and for all: facts, charges, terms, reported costs, adjustments. The price is the version that priced the row, also when it
-- was superseded, changed or deleted since: of the versions on record, the one that gives the row's cost.
CREATE VIEW spend.cost_explanation WITH (security_barrier) AS
SELECT md5(jsonb_build_array(u.usage_id, e.line)::text) AS cost_explanation_key,
       u.occurred_at,
       u.usage_id,
       e.line,
       e.kind,
       e.item,
       e.quantity::numeric(38, 18) AS quantity,
       e.rate::numeric(38, 18) AS rate,
       e.per::numeric(38, 18) AS per,
       e.tier,
       e.condition,
       e.amount::numeric(38, 18) AS amount,
       u.currency,
       e.detail
FROM spend.usage AS u
LEFT JOIN LATERAL (
  SELECT v.*, coalesce((SELECT sum(c.amount) FROM spend._charge_lines(u, v.price) AS c), 0) = u.list_cost AS is_match
  FROM (
    SELECT p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant, p.valid_during, p.price, p.source, p.origin, p.checked_date,
           p.reason, greatest(p.recorded_at, (SELECT max(upper(h.believed_during)) FROM spend.price_history AS h WHERE h.price_id = p.price_id)) AS believed_from,
           p.superseded_at AS believed_until
    FROM spend.prices AS p WHERE p.price_id = u.price_id
    UNION ALL
    SELECT h.provider, h.model, h.surface, h.region, h.service_tier, h.speed, h.variant, h.valid_during, h.price, h.source, h.origin, h.checked_date,
           h.reason, lower(h.believed_during), upper(h.believed_during)
    FROM spend.price_history AS h WHERE h.price_id = u.price_id
  ) AS v
  ORDER BY is_match DESC NULLS LAST, v.valid_during @> coalesce(u.started_at, u.occurred_at) DESC, v.believed_until DESC NULLS FIRST, v.believed_from
  LIMIT 1
) AS v ON true
CROSS JOIN LATERAL (
  SELECT 100 + c.line AS line, 'charge' AS kind, c.meter AS item, c.quantity, c.rate, c.per, c.tier, c.condition, c.amount, NULL AS detail
  FROM spend._charge_lines(u, v.price) WITH ORDINALITY AS c(meter, quantity, rate, per, tier, condition, amount, line)
  WHERE v.is_match AND coalesce(u.pricing_status, '') NOT IN ('reported', 'voided')
  UNION ALL
  SELECT 500 + t.line, 'term', t.name, NULL, NULL, NULL, NULL, t.condition, t.amount, NULL
  FROM spend.price_term_lines(u) WITH ORDINALITY AS t(term_id, name, kind, condition, amount, line)
  WHERE v.is_match AND coalesce(u.pricing_status, '') NOT IN ('reported', 'voided')
  UNION ALL
  -- The policy of the provider lets its own figure count, whatever the price says.
  SELECT 800, 'reported', 'reported_cost', NULL, NULL, NULL, NULL, NULL, u.cost,
         'the provider''s own figure counts' || CASE
           WHEN u.computed_cost IS NULL THEN '; by our prices the row has none'
           ELSE format('; by our prices it is %s %s', trim_scale(u.computed_cost), coalesce(v.price::jsonb ->> 'currency', u.currency)) END
  WHERE u.pricing_status = 'reported' AND u.cost IS NOT NULL
  UNION ALL
  SELECT 900, 'unexplained', 'cost', NULL, NULL, NULL, NULL, NULL, u.cost,
         CASE WHEN u.price_id IS NULL THEN 'the row names no price' ELSE format('no version of price %s on record gives this cost', u.price_id) END
  WHERE u.cost IS NOT NULL AND v.is_match IS NOT TRUE AND coalesce(u.pricing_status, '') NOT IN ('reported', 'voided')
  UNION ALL
  SELECT f.line, 'fact', f.item, NULL, NULL, NULL, NULL, NULL, NULL, f.detail
  FROM (VALUES
    (1, 'usage', format('%s at %s', u.usage_id, spend._utc(u.occurred_at)) || coalesce(', started at ' || spend._utc(u.started_at), '')),
    (2, 'status', coalesce(u.pricing_status, 'not priced here') || coalesce(': ' || u.pricing_reason, '')),
    (3, 'cost', coalesce(trim_scale(u.cost) || ' ' || u.currency, 'unknown') || CASE WHEN u.list_cost <> u.cost THEN ', before terms ' || trim_scale(u.list_cost) ELSE '' END),
    (4, 'sent', concat_ws(', ', coalesce('provider ' || u.provider, 'no provider'), coalesce('model ' || coalesce(nullif(u.response_model, ''), u.request_model), 'no model'),
                          'asked for ' || CASE WHEN u.response_model <> u.request_model THEN u.request_model END, 'service tier ' || nullif(u.service_tier, ''),
                          'region ' || nullif(u.region, ''), 'surface ' || nullif(u.surface, ''), 'speed ' || nullif(u.speed, ''), 'variant ' || nullif(u.variant, ''))),
    (5, 'reported', trim_scale(u.reported_cost) || coalesce(' ' || nullif(u.reported_currency, ''), '')),
    (6, 'price', format('%s: ', u.price_id) || concat_ws(', ', v.provider || ' ' || v.model, 'service tier ' || v.service_tier, 'region ' || nullif(v.region, ''),
                                                         'surface ' || nullif(v.surface, ''), 'speed ' || nullif(v.speed, ''), 'variant ' || nullif(v.variant, ''))),
    (7, 'valid', coalesce('from ' || spend._utc(lower(v.valid_during)), 'from ever') || coalesce(' until ' || spend._utc(upper(v.valid_during)), '')),
    (8, 'believed', 'since ' || spend._utc(v.believed_from) || coalesce(' until ' || spend._utc(v.believed_until), '')),
    (9, 'source', concat_ws(', ', v.origin, v.source, 'checked ' || to_char(v.checked_date, 'YYYY-MM-DD'), v.reason))
  ) AS f(line, item, detail)
  WHERE f.detail IS NOT NULL AND (f.line < 6 OR v.price IS NOT NULL)
  UNION ALL
  -- What rules added to the row's dimensions.
  SELECT 10 + s.line, 'fact', 'allocated', NULL, NULL, NULL, NULL, NULL, NULL,
         format('%s %s, by rule "%s" (%s)', s.dimension, s.value, s.rule_name, s.rule_id) || CASE WHEN s.said <> '' THEN format('; the row says %s', s.said) ELSE '' END
  FROM spend._allocation_steps(u) WITH ORDINALITY AS s(dimension, value, said, rule_id, rule_name, line)
  UNION ALL
  SELECT 1000 + row_number() OVER (ORDER BY a.adjustment_id), 'adjustment', a.kind, NULL, NULL, NULL, NULL, NULL, NULL,
         concat_ws(', ', 'batch ' || a.batch_id, CASE WHEN spend.visible(a.old_attribution_id) THEN c.old_values || ' to ' || c.new_values END,
                   CASE WHEN (a.old_cost, a.old_currency) IS DISTINCT FROM (a.new_cost, a.new_currency) THEN
                     concat_ws(' ', coalesce(trim_scale(a.old_cost) || ' ' || a.old_currency, a.old_pricing_status), 'to',
                               coalesce(trim_scale(a.new_cost) || coalesce(' ' || a.new_currency, ''), a.new_pricing_status)) END,
                   concat_ws(' ', 'at', spend._utc(a.adjusted_at), 'by', a.adjusted_by)) || coalesce(': ' || a.reason, '')
  FROM spend.adjustments AS a
  -- Dimensions may have become others without a change of the row: by what counts as one.
  CROSS JOIN LATERAL (
    SELECT coalesce(a.old_values::text, (SELECT d.dimensions::text FROM spend.attributions AS d WHERE d.attribution_id = a.old_attribution_id LIMIT 1)) AS old_values,
           coalesce(a.new_values::text, (SELECT d.dimensions::text FROM spend.attributions AS d WHERE d.attribution_id = a.attribution_id LIMIT 1)) AS new_values
    WHERE a.old_values IS NOT NULL OR a.old_attribution_id IS DISTINCT FROM a.attribution_id
    UNION ALL
    SELECT NULL, NULL WHERE a.old_values IS NULL AND a.old_attribution_id IS NOT DISTINCT FROM a.attribution_id
  ) AS c
  WHERE a.usage_id = u.usage_id
) AS e
WHERE spend.visible(u.attribution_id);
COMMENT ON VIEW spend.cost_explanation IS
  'Why each usage row costs what it costs, line by line. Over the lines of a row, amount adds up to its cost exactly; only charges, terms, reported and unexplained costs have one.';
COMMENT ON COLUMN spend.cost_explanation.cost_explanation_key IS 'Surrogate key of the line.';
COMMENT ON COLUMN spend.cost_explanation.occurred_at IS 'When the usage happened.';
COMMENT ON COLUMN spend.cost_explanation.usage_id IS 'The usage row.';
COMMENT ON COLUMN spend.cost_explanation.line IS 'Orders the lines of a row.';
COMMENT ON COLUMN spend.cost_explanation.kind IS
  'fact: about the row, its price, or how it was allocated. charge: a quantity at a rate. term: what a customer term adds or takes. reported: the provider''s own figure, where its policy is trust. unexplained: a cost that nothing on record gives. adjustment: what was changed since it was recorded.';
COMMENT ON COLUMN spend.cost_explanation.item IS 'Meter of a charge, name of a term or fact; of an adjustment: reprice, amend, void, outcome or reattribute.';
COMMENT ON COLUMN spend.cost_explanation.quantity IS 'Quantity charged: what the lines of other meters charge is not in it.';
COMMENT ON COLUMN spend.cost_explanation.rate IS 'Rate per so many units.';
COMMENT ON COLUMN spend.cost_explanation.per IS 'Units that the rate buys.';
COMMENT ON COLUMN spend.cost_explanation.tier IS 'Context tier that applied.';
COMMENT ON COLUMN spend.cost_explanation.condition IS 'Condition or schedule that applied.';
COMMENT ON COLUMN spend.cost_explanation.amount IS 'Part of the cost; NULL for facts and adjustments.';
COMMENT ON COLUMN spend.cost_explanation.currency IS 'Currency of the amount.';
COMMENT ON COLUMN spend.cost_explanation.detail IS 'The fact, in words.';

CREATE FUNCTION spend.explain(
  usage_id bigint, occurred_at timestamptz DEFAULT NULL,
  OUT line bigint, OUT kind text, OUT item text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text,
  OUT amount numeric, OUT detail text
) RETURNS SETOF record
  LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
  SELECT row_number() OVER (ORDER BY e.line), e.kind, e.item, trim_scale(e.quantity), trim_scale(e.rate), trim_scale(e.per), e.tier, e.condition,
         trim_scale(e.amount), e.detail
  FROM spend.cost_explanation AS e
  WHERE e.usage_id = explain.usage_id AND (explain.occurred_at IS NULL OR e.occurred_at = explain.occurred_at)
  ORDER BY e.line
$$;
COMMENT ON FUNCTION spend.explain(bigint, timestamptz) IS
  'Why a usage row costs what it costs: facts, charges, terms, a trusted reported cost and what was changed since, line by line; the amounts add up to the cost exactly. With the row''s time only its month is read. No row for one that does not exist or is not visible.';
