-- Recorded rows are corrected, never silently: whatever changes them after the fact leaves here what was, who changed it and why.
CREATE SEQUENCE spend.adjustments_adjustment_id_seq;
COMMENT ON SEQUENCE spend.adjustments_adjustment_id_seq IS 'Numbers of adjustments.';
CREATE SEQUENCE spend.adjustments_batch_id_seq;
COMMENT ON SEQUENCE spend.adjustments_batch_id_seq IS 'Numbers of corrections.';
CREATE TABLE spend.adjustments (
  adjustment_id bigint PRIMARY KEY DEFAULT nextval('spend.adjustments_adjustment_id_seq'),
  batch_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('reprice', 'amend', 'void', 'outcome', 'reattribute')),
  usage_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  attribution_id uuid,
  old_attribution_id uuid,
  provider text,
  model text,
  old_values jsonb,
  new_values jsonb,
  old_cost numeric,
  new_cost numeric,
  old_list_cost numeric,
  new_list_cost numeric,
  old_currency text,
  new_currency text,
  old_price_id bigint,
  new_price_id bigint,
  old_pricing_status text,
  new_pricing_status text,
  old_pricing_reason text,
  new_pricing_reason text,
  reason text,
  adjusted_at timestamptz NOT NULL,
  adjusted_by name NOT NULL
) USING heap;
CREATE INDEX adjustments_batch_id_idx ON spend.adjustments (batch_id);
CREATE INDEX adjustments_usage_id_idx ON spend.adjustments (usage_id);
COMMENT ON TABLE spend.adjustments IS 'What corrections changed in recorded rows: one row for each usage row and correction, with what was before and what is after. Append-only.';
COMMENT ON COLUMN spend.adjustments.adjustment_id IS 'Number of the adjustment.';
COMMENT ON COLUMN spend.adjustments.batch_id IS 'Number of the correction: one call of the function that made it.';
COMMENT ON COLUMN spend.adjustments.kind IS 'The function: reprice, amend, void, outcome (record_outcome) or reattribute.';
COMMENT ON COLUMN spend.adjustments.usage_id IS 'The usage row.';
COMMENT ON COLUMN spend.adjustments.occurred_at IS 'Its time.';
COMMENT ON COLUMN spend.adjustments.attribution_id IS 'Its attribution after.';
COMMENT ON COLUMN spend.adjustments.old_attribution_id IS 'Its attribution before.';
COMMENT ON COLUMN spend.adjustments.provider IS 'Its provider as sent, normalised, after.';
COMMENT ON COLUMN spend.adjustments.model IS 'Its model, normalised, after.';
COMMENT ON COLUMN spend.adjustments.old_values IS 'The columns that were changed, as they were before; NULL when only what the ledger computes has changed.';
COMMENT ON COLUMN spend.adjustments.new_values IS 'The same columns after.';
COMMENT ON COLUMN spend.adjustments.old_cost IS 'Cost before; NULL when it was unpriced.';
COMMENT ON COLUMN spend.adjustments.new_cost IS 'Cost after.';
COMMENT ON COLUMN spend.adjustments.old_list_cost IS 'Cost before customer terms, before.';
COMMENT ON COLUMN spend.adjustments.new_list_cost IS 'Cost before customer terms, after.';
COMMENT ON COLUMN spend.adjustments.old_currency IS 'Currency before.';
COMMENT ON COLUMN spend.adjustments.new_currency IS 'Currency after.';
COMMENT ON COLUMN spend.adjustments.old_price_id IS 'Price that priced it before.';
COMMENT ON COLUMN spend.adjustments.new_price_id IS 'Price that prices it now.';
COMMENT ON COLUMN spend.adjustments.old_pricing_status IS 'Pricing status before.';
COMMENT ON COLUMN spend.adjustments.new_pricing_status IS 'Pricing status after.';
COMMENT ON COLUMN spend.adjustments.old_pricing_reason IS 'Pricing reason before.';
COMMENT ON COLUMN spend.adjustments.new_pricing_reason IS 'Pricing reason after.';
COMMENT ON COLUMN spend.adjustments.reason IS 'Why.';
COMMENT ON COLUMN spend.adjustments.adjusted_at IS 'Start of the transaction that changed it.';
COMMENT ON COLUMN spend.adjustments.adjusted_by IS 'Who did.';
ALTER SEQUENCE spend.adjustments_adjustment_id_seq OWNED BY spend.adjustments.adjustment_id;
ALTER SEQUENCE spend.adjustments_batch_id_seq OWNED BY spend.adjustments.batch_id;

CREATE FUNCTION spend._correct_rows(kind text, batch_id bigint, reason text, command text, since timestamptz, until timestamptz) RETURNS bigint
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_correct_rows';
COMMENT ON FUNCTION spend._correct_rows(text, bigint, text, text, timestamptz, timestamptz) IS
  'Internal: runs an UPDATE of spend.usage, whose parameters are since and until, as a correction: each changed row gets an adjustment. How many rows.';

CREATE FUNCTION spend._usage_condition(filter jsonb) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
  subject text;
  wanted text[];
  condition text := 'true';
BEGIN
  IF jsonb_typeof(filter) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'filter must be a JSON object'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as ''{"model": "gpt-4o", "team": ["a", "b"]}''; ''{}'' means all rows.';
  END IF;
  FOR item IN
    SELECT f.key, f.value, format_type(a.atttypid, NULL) AS type, d.name IS NOT NULL AS is_tag
    FROM jsonb_each(filter) AS f
    LEFT JOIN pg_attribute AS a ON a.attrelid = 'spend.usage'::regclass AND a.attname = f.key AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('text'::regtype, 'bigint'::regtype)
    LEFT JOIN spend.dimensions AS d ON d.name = f.key
    ORDER BY f.key
  LOOP
    IF jsonb_typeof(item.value) = 'object'
       OR (jsonb_typeof(item.value) = 'array' AND EXISTS (SELECT FROM jsonb_array_elements(item.value) AS v WHERE jsonb_typeof(v) IN ('object', 'array'))) THEN
      RAISE EXCEPTION 'filter "%" must be a value or an array of values', item.key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    wanted := ARRAY(SELECT spend.text_key(coalesce(v #>> '{}', ''))
                    FROM jsonb_array_elements(CASE jsonb_typeof(item.value) WHEN 'array' THEN item.value ELSE jsonb_build_array(item.value) END) AS v);
    subject := CASE
      WHEN item.key = 'model' THEN 'coalesce(nullif(u.response_model, ''''), u.request_model)'
      WHEN item.type = 'bigint' THEN format('u.%I', item.key)
      -- Of a dimension, what the row is attributed to.
      WHEN item.type = 'text' THEN format('coalesce(spend._attributed(u.attribution_id, %L), u.%I)', item.key, item.key)
      WHEN item.is_tag THEN format('coalesce(spend._attributed(u.attribution_id, %L), u.tags ->> %L)', item.key, item.key)
    END;
    IF subject IS NULL THEN
      RAISE EXCEPTION 'unknown filter "%"', item.key
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'A filter names "model", a text or bigint column of spend.usage, or a dimension in spend.dimensions.';
    END IF;
    -- Text is compared as everywhere: in its normalised form; null and '' mean that the row has no value.
    condition := condition || ' AND ' || CASE
      WHEN item.type = 'bigint' THEN format('coalesce(%s::text, '''')', subject)
      WHEN item.key = 'service_tier' THEN format('coalesce(nullif(spend.text_key(%s), ''''), ''standard'')', subject)
      ELSE format('coalesce(spend.text_key(%s), '''')', subject)
    END || format(' = ANY (%L::text[])', wanted);
  END LOOP;
  RETURN condition;
END
$$;
COMMENT ON FUNCTION spend._usage_condition(jsonb) IS 'Internal: the SQL condition over u that a filter stands for.';

CREATE FUNCTION spend._check_range(since timestamptz, until timestamptz, filter jsonb) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF since IS NULL OR until IS NULL OR filter IS NULL THEN
    RAISE EXCEPTION 'since, until and filter must not be null'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Use -infinity and infinity for all times, ''{}'' for all rows.';
  END IF;
END
$$;
COMMENT ON FUNCTION spend._check_range(timestamptz, timestamptz, jsonb) IS 'Internal: refuses arguments that would select nothing by accident.';

CREATE FUNCTION spend._adjustment_lines(
  batch_id bigint, OUT provider text, OUT model text, OUT currency text, OUT calls bigint, OUT old_cost numeric, OUT new_cost numeric, OUT difference numeric
) RETURNS SETOF record
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(p.provider, a.provider), a.model, k.currency, count(*), trim_scale(coalesce(sum(a.old_cost) FILTER (WHERE a.old_currency = k.currency), 0)),
         trim_scale(coalesce(sum(a.new_cost) FILTER (WHERE a.new_currency = k.currency), 0)),
         trim_scale(coalesce(sum(a.new_cost) FILTER (WHERE a.new_currency = k.currency), 0) - coalesce(sum(a.old_cost) FILTER (WHERE a.old_currency = k.currency), 0))
  FROM spend.adjustments AS a
  LEFT JOIN spend.prices AS p ON p.price_id = a.new_price_id
  -- Money of two currencies is never added; a row that has none on either side is counted all the same.
  CROSS JOIN LATERAL (
    SELECT a.old_currency WHERE a.old_currency IS NOT NULL UNION SELECT a.new_currency WHERE a.new_currency IS NOT NULL
    UNION SELECT NULL WHERE coalesce(a.old_currency, a.new_currency) IS NULL
  ) AS k(currency)
  WHERE a.batch_id = _adjustment_lines.batch_id
  GROUP BY 1, 2, 3
  ORDER BY coalesce(p.provider, a.provider) COLLATE "C" NULLS LAST, a.model COLLATE "C" NULLS LAST, k.currency COLLATE "C" NULLS LAST
$$;
COMMENT ON FUNCTION spend._adjustment_lines(bigint) IS 'Internal: what one correction changed, by provider, model and currency.';

CREATE VIEW spend.adjustment_detail WITH (security_barrier) AS
SELECT md5(jsonb_build_array(a.adjustment_id)::text) AS adjustment_detail_key,
       a.adjustment_id,
       a.batch_id,
       a.kind,
       a.adjusted_at,
       a.adjusted_by::text AS adjusted_by,
       coalesce(a.reason, '') AS reason,
       a.usage_id,
       a.occurred_at,
       coalesce(p.provider, a.provider, '(unknown)') AS provider,
       coalesce(a.model, '(unknown)') AS model,
       -- What a row was is for those who may see it as it was.
       CASE WHEN spend.visible(a.old_attribution_id) AND spend.visible(a.attribution_id) THEN coalesce(a.old_values::text, '') ELSE '' END AS old_values,
       CASE WHEN spend.visible(a.old_attribution_id) AND spend.visible(a.attribution_id) THEN coalesce(a.new_values::text, '') ELSE '' END AS new_values,
       a.old_cost::numeric(38, 18) AS old_cost,
       a.old_currency,
       a.new_cost::numeric(38, 18) AS new_cost,
       a.new_currency,
       (CASE WHEN coalesce(a.old_currency, a.new_currency) = a.new_currency THEN a.new_cost - coalesce(a.old_cost, 0) END)::numeric(38, 18) AS difference,
       a.old_list_cost::numeric(38, 18) AS old_list_cost,
       a.new_list_cost::numeric(38, 18) AS new_list_cost,
       a.old_price_id,
       a.new_price_id,
       a.old_pricing_status,
       a.new_pricing_status,
       coalesce(a.old_pricing_reason, '') AS old_pricing_reason,
       coalesce(a.new_pricing_reason, '') AS new_pricing_reason
FROM spend.adjustments AS a
LEFT JOIN spend.prices AS p ON p.price_id = a.new_price_id
WHERE spend.visible(a.attribution_id) OR spend.visible(a.old_attribution_id);
COMMENT ON VIEW spend.adjustment_detail IS 'What corrections changed, row by row: what was before and what is after, why, who and when.';
COMMENT ON COLUMN spend.adjustment_detail.adjustment_detail_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.adjustment_detail.adjustment_id IS 'Number of the adjustment.';
COMMENT ON COLUMN spend.adjustment_detail.batch_id IS 'Number of the correction.';
COMMENT ON COLUMN spend.adjustment_detail.kind IS 'reprice, amend, void, outcome or reattribute.';
COMMENT ON COLUMN spend.adjustment_detail.adjusted_at IS 'Start of the transaction that changed the row.';
COMMENT ON COLUMN spend.adjustment_detail.adjusted_by IS 'Who did.';
COMMENT ON COLUMN spend.adjustment_detail.reason IS 'Why.';
COMMENT ON COLUMN spend.adjustment_detail.usage_id IS 'The usage row.';
COMMENT ON COLUMN spend.adjustment_detail.occurred_at IS 'When the usage happened.';
COMMENT ON COLUMN spend.adjustment_detail.provider IS 'Provider that is priced now, else as sent.';
COMMENT ON COLUMN spend.adjustment_detail.model IS 'Model that answered, normalised.';
COMMENT ON COLUMN spend.adjustment_detail.old_values IS 'Changed columns as they were, as JSON; empty for none, and for a reader who may not see the row both before and after.';
COMMENT ON COLUMN spend.adjustment_detail.new_values IS 'The same columns after.';
COMMENT ON COLUMN spend.adjustment_detail.old_cost IS 'Cost before; NULL when it was unpriced.';
COMMENT ON COLUMN spend.adjustment_detail.old_currency IS 'Currency before.';
COMMENT ON COLUMN spend.adjustment_detail.new_cost IS 'Cost after.';
COMMENT ON COLUMN spend.adjustment_detail.new_currency IS 'Currency after.';
COMMENT ON COLUMN spend.adjustment_detail.difference IS 'new_cost − old_cost, an unpriced row counting 0; NULL when the currency changed.';
COMMENT ON COLUMN spend.adjustment_detail.old_list_cost IS 'Cost before customer terms, before.';
COMMENT ON COLUMN spend.adjustment_detail.new_list_cost IS 'Cost before customer terms, after.';
COMMENT ON COLUMN spend.adjustment_detail.old_price_id IS 'Price that priced the row before.';
COMMENT ON COLUMN spend.adjustment_detail.new_price_id IS 'Price that prices it now.';
COMMENT ON COLUMN spend.adjustment_detail.old_pricing_status IS 'Pricing status before.';
COMMENT ON COLUMN spend.adjustment_detail.new_pricing_status IS 'Pricing status after.';
COMMENT ON COLUMN spend.adjustment_detail.old_pricing_reason IS 'Pricing reason before.';
COMMENT ON COLUMN spend.adjustment_detail.new_pricing_reason IS 'Pricing reason after.';
