CREATE FUNCTION spend._is_mispriced(usage spend.usage) RETURNS boolean
  LANGUAGE c STABLE STRICT COST 100 AS 'MODULE_PATHNAME', 'spend_is_mispriced';
COMMENT ON FUNCTION spend._is_mispriced(spend.usage) IS 'Internal: whether today''s prices give the row another cost than it has.';
CREATE FUNCTION spend._repriced(
  usage spend.usage, OUT cost numeric, OUT list_cost numeric, OUT currency text, OUT price_id bigint, OUT pricing_status text, OUT pricing_reason text
) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_repriced';
COMMENT ON FUNCTION spend._repriced(spend.usage) IS 'Internal: how today''s prices would price the row; no row when its cost is what it has.';

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
  include_closed boolean DEFAULT false,
  OUT batch_id bigint, OUT provider text, OUT model text, OUT currency text, OUT calls bigint, OUT newly_priced_calls bigint, OUT old_cost numeric,
  OUT new_cost numeric, OUT difference numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  this_batch bigint;
BEGIN
  PERFORM spend._check_range(since, until, filter);
  since := spend._open_since(since, include_closed);
  IF NOT coalesce(dry_run, false) THEN
    -- One large correction at a time: two of them would take the same rows in different orders.
    PERFORM spend._lock('spend.adjustments');
    this_batch := nextval('spend.adjustments_batch_id_seq');
    PERFORM spend._correct_rows('reprice', this_batch, reprice.reason, format(
      'UPDATE spend.usage AS u SET cost = u.cost WHERE u.occurred_at >= $1 AND u.occurred_at < $2 AND (%s) AND spend._is_mispriced(u)',
      spend._usage_condition(filter)), since, until);
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
COMMENT ON FUNCTION spend.reprice(timestamptz, timestamptz, jsonb, text, boolean, boolean) IS
  'Prices the usage of [since, until) again with today''s prices, each row at its own time: rows that waited for a price, and rows whose cost is another by now. Old and new cost go to spend.adjustments, budgets move by the difference in the same transaction, nothing is refused. filter: {"model": ..., "team": [...], ...}. Returns the totals by provider, model and currency; dry_run only says what they would be. Closed periods are left alone unless include_closed. For administrators.';
