CREATE SEQUENCE spend.adjustments_adjustment_id_seq;
COMMENT ON SEQUENCE spend.adjustments_adjustment_id_seq IS 'Numbers of adjustments.';
CREATE SEQUENCE spend.adjustments_batch_id_seq;
COMMENT ON SEQUENCE spend.adjustments_batch_id_seq IS 'Numbers of re-ratings.';
CREATE TABLE spend.adjustments (
  adjustment_id bigint PRIMARY KEY DEFAULT nextval('spend.adjustments_adjustment_id_seq'),
  batch_id bigint NOT NULL,
  usage_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  attribution_id uuid,
  provider text,
  model text,
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
COMMENT ON TABLE spend.adjustments IS 'What spend.reprice() changed: one row for each usage row and re-rating, with the cost before and after. Append-only.';
COMMENT ON COLUMN spend.adjustments.adjustment_id IS 'Number of the adjustment.';
COMMENT ON COLUMN spend.adjustments.batch_id IS 'Number of the re-rating: one call of spend.reprice().';
COMMENT ON COLUMN spend.adjustments.usage_id IS 'The usage row.';
COMMENT ON COLUMN spend.adjustments.occurred_at IS 'Its time.';
COMMENT ON COLUMN spend.adjustments.attribution_id IS 'Its attribution.';
COMMENT ON COLUMN spend.adjustments.provider IS 'Its provider as sent, normalised.';
COMMENT ON COLUMN spend.adjustments.model IS 'Its model, normalised.';
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
COMMENT ON COLUMN spend.adjustments.reason IS 'Why it was re-rated.';
COMMENT ON COLUMN spend.adjustments.adjusted_at IS 'Start of the transaction that re-rated it.';
COMMENT ON COLUMN spend.adjustments.adjusted_by IS 'Who did.';
ALTER SEQUENCE spend.adjustments_adjustment_id_seq OWNED BY spend.adjustments.adjustment_id;
ALTER SEQUENCE spend.adjustments_batch_id_seq OWNED BY spend.adjustments.batch_id;

CREATE FUNCTION spend._is_mispriced(usage spend.usage) RETURNS boolean
  LANGUAGE c STABLE STRICT COST 100 AS 'MODULE_PATHNAME', 'spend_is_mispriced';
COMMENT ON FUNCTION spend._is_mispriced(spend.usage) IS 'Internal: whether today''s prices give the row another cost than it has.';
CREATE FUNCTION spend._repriced(
  usage spend.usage, OUT cost numeric, OUT list_cost numeric, OUT currency text, OUT price_id bigint, OUT pricing_status text, OUT pricing_reason text
) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_repriced';
COMMENT ON FUNCTION spend._repriced(spend.usage) IS 'Internal: how today''s prices would price the row; no row when its cost is what it has.';
CREATE FUNCTION spend._reprice_rows(since timestamptz, until timestamptz, condition text, batch_id bigint, reason text) RETURNS void
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_reprice_rows';
COMMENT ON FUNCTION spend._reprice_rows(timestamptz, timestamptz, text, bigint, text) IS 'Internal: updates the mispriced rows and writes their adjustments.';

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
      WHEN item.type IS NOT NULL THEN format('u.%I', item.key)
      WHEN item.is_tag THEN format('(u.tags ->> %L)', item.key)
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

CREATE FUNCTION spend.mispriced_usage(
  since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity', filter jsonb DEFAULT '{}',
  OUT usage_id bigint, OUT occurred_at timestamptz, OUT provider text, OUT model text, OUT old_cost numeric, OUT old_currency text,
  OUT old_pricing_status text, OUT old_pricing_reason text, OUT new_cost numeric, OUT new_currency text, OUT new_price_id bigint,
  OUT new_pricing_status text, OUT new_pricing_reason text
) RETURNS SETOF record
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM spend._check_range(since, until, filter);
  RETURN QUERY EXECUTE format(
    'SELECT u.usage_id, u.occurred_at, coalesce(p.provider, nullif(spend.text_key(u.provider), '''')),
            nullif(spend.text_key(coalesce(nullif(u.response_model, ''''), u.request_model)), ''''), u.cost, u.currency, u.pricing_status, u.pricing_reason,
            r.cost, r.currency, r.price_id, r.pricing_status, r.pricing_reason
     FROM spend.usage AS u
     CROSS JOIN LATERAL spend._repriced(u) AS r
     LEFT JOIN spend.prices AS p ON p.price_id = r.price_id
     WHERE u.occurred_at >= $1 AND u.occurred_at < $2 AND (%s) AND spend._is_mispriced(u)', spend._usage_condition(filter))
  USING since, until;
END
$$;
COMMENT ON FUNCTION spend.mispriced_usage(timestamptz, timestamptz, jsonb) IS
  'The rows that spend.reprice() would change: those that waited for a price that is there now, and those whose cost differs from what today''s prices say. Arguments as in spend.reprice(). For administrators.';

CREATE FUNCTION spend.reprice(
  since timestamptz, until timestamptz DEFAULT 'infinity', filter jsonb DEFAULT '{}', reason text DEFAULT NULL, dry_run boolean DEFAULT false,
  OUT batch_id bigint, OUT provider text, OUT model text, OUT currency text, OUT calls bigint, OUT newly_priced_calls bigint, OUT old_cost numeric,
  OUT new_cost numeric, OUT difference numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  this_batch bigint;
BEGIN
  PERFORM spend._check_range(since, until, filter);
  IF NOT coalesce(dry_run, false) THEN
    -- One re-rating at a time: two of them would take the same rows in different orders.
    PERFORM pg_advisory_xact_lock('spend.adjustments'::regclass::integer, 0);
    this_batch := nextval('spend.adjustments_batch_id_seq');
    PERFORM spend._reprice_rows(since, until, spend._usage_condition(filter), this_batch, reprice.reason);
  END IF;
  RETURN QUERY
  WITH changed AS (
    SELECT a.provider, a.model, a.new_price_id, a.old_currency, a.new_currency, a.old_cost, a.new_cost FROM spend.adjustments AS a WHERE a.batch_id = this_batch
    UNION ALL
    SELECT m.provider, m.model, m.new_price_id, m.old_currency, m.new_currency, m.old_cost, m.new_cost
    FROM spend.mispriced_usage(CASE WHEN this_batch IS NULL THEN reprice.since ELSE 'infinity' END, reprice.until, reprice.filter) AS m
  ), lines AS (
    SELECT coalesce(p.provider, c.provider) AS provider, c.model, k.currency, c.old_cost IS NULL AS is_newly_priced,
           CASE WHEN c.old_currency = k.currency THEN c.old_cost END AS old_cost, CASE WHEN c.new_currency = k.currency THEN c.new_cost END AS new_cost
    FROM changed AS c
    LEFT JOIN spend.prices AS p ON p.price_id = c.new_price_id
    -- Money of two currencies is never added: a row that changes its currency counts in a line of each.
    CROSS JOIN LATERAL (SELECT c.old_currency WHERE c.old_currency IS NOT NULL UNION SELECT c.new_currency WHERE c.new_currency IS NOT NULL) AS k(currency)
  )
  SELECT this_batch, l.provider, l.model, l.currency, count(*), count(*) FILTER (WHERE l.is_newly_priced), trim_scale(coalesce(sum(l.old_cost), 0)),
         trim_scale(coalesce(sum(l.new_cost), 0)), trim_scale(coalesce(sum(l.new_cost), 0) - coalesce(sum(l.old_cost), 0))
  FROM lines AS l
  GROUP BY l.provider, l.model, l.currency
  ORDER BY l.provider COLLATE "C" NULLS LAST, l.model COLLATE "C" NULLS LAST, l.currency COLLATE "C";
END
$$;
COMMENT ON FUNCTION spend.reprice(timestamptz, timestamptz, jsonb, text, boolean) IS
  'Prices the usage of [since, until) again with today''s prices, each row at its own time: rows that waited for a price, and rows whose cost is another by now. Old and new cost go to spend.adjustments, budgets move by the difference in the same transaction, nothing is refused. filter: {"model": ..., "team": [...], ...}. Returns the totals by provider, model and currency; dry_run only says what they would be. For administrators.';

CREATE VIEW spend.adjustment_detail WITH (security_barrier) AS
SELECT md5(jsonb_build_array(a.adjustment_id)::text) AS adjustment_detail_key,
       a.adjustment_id,
       a.batch_id,
       a.adjusted_at,
       a.adjusted_by::text AS adjusted_by,
       coalesce(a.reason, '') AS reason,
       a.usage_id,
       a.occurred_at,
       coalesce(p.provider, a.provider, '(unknown)') AS provider,
       coalesce(a.model, '(unknown)') AS model,
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
WHERE spend.visible(a.attribution_id);
COMMENT ON VIEW spend.adjustment_detail IS 'What re-rating changed, row by row: cost before and after, why, who and when.';
COMMENT ON COLUMN spend.adjustment_detail.adjustment_detail_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.adjustment_detail.adjustment_id IS 'Number of the adjustment.';
COMMENT ON COLUMN spend.adjustment_detail.batch_id IS 'Number of the re-rating.';
COMMENT ON COLUMN spend.adjustment_detail.adjusted_at IS 'Start of the transaction that re-rated the row.';
COMMENT ON COLUMN spend.adjustment_detail.adjusted_by IS 'Who did.';
COMMENT ON COLUMN spend.adjustment_detail.reason IS 'Why.';
COMMENT ON COLUMN spend.adjustment_detail.usage_id IS 'The usage row.';
COMMENT ON COLUMN spend.adjustment_detail.occurred_at IS 'When the usage happened.';
COMMENT ON COLUMN spend.adjustment_detail.provider IS 'Provider that is priced now, else as sent.';
COMMENT ON COLUMN spend.adjustment_detail.model IS 'Model that answered, normalised.';
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
