-- The state of the machinery. Sums by time and attribution are worth their upkeep where they are far fewer than the rows.
CREATE VIEW spend._folded_days AS
SELECT r.usage_date, r.attribution_id, r.calls FROM spend.rollup AS r
UNION ALL
SELECT m.usage_date, m.attribution_id, m.calls FROM spend.rollup_months AS m WHERE m.usage_date IS NOT NULL;
COMMENT ON VIEW spend._folded_days IS 'Internal: the sums by day that are folded.';

CREATE FUNCTION spend._rollup_density(OUT rollup_percent bigint, OUT warning text, OUT hint text) RETURNS record
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  since date := (now() AT TIME ZONE spend._rollup_zone())::date - 6;
  usage_rows numeric;
  sums bigint;
  dimension record;
BEGIN
  SELECT count(*), coalesce(sum(r.calls), 0) INTO sums, usage_rows FROM spend._folded_days AS r WHERE r.usage_date >= since AND r.calls > 0;
  IF usage_rows = 0 THEN
    RETURN;
  END IF;
  rollup_percent := round(100 * sums / usage_rows);
  -- A small ledger is sparse by nature, and quick in any case.
  IF rollup_percent <= 20 OR usage_rows < 1000 THEN
    RETURN;
  END IF;
  warning := format('rollups are sparse: %s sums by day for 100 rows of usage', rollup_percent);
  -- Which dimension keeps rows apart, by a sample of the combinations. How many values it has is not for every reader.
  SELECT d.key AS name INTO dimension
  FROM (SELECT DISTINCT r.attribution_id FROM spend._folded_days AS r WHERE r.usage_date >= since AND r.calls > 0 LIMIT 10000) AS s
  JOIN spend.attributions AS a USING (attribution_id)
  CROSS JOIN LATERAL jsonb_each_text(a.dimensions) AS d
  GROUP BY 1 ORDER BY count(DISTINCT d.value) DESC, 1 LIMIT 1;
  hint := CASE WHEN dimension.name IS NULL
    THEN 'The kinds of usage are many: models, operations, routes or purposes that differ from row to row.'
    ELSE format('%s has the most values. If no report needs it, set is_rolled_up to false for it in spend.dimensions: rows keep it, and budgets may still ask for it.',
                dimension.name) END;
END
$$;
COMMENT ON FUNCTION spend._rollup_density() IS 'Internal: how many sums there are for 100 rows of usage, and what to do if they are many.';

CREATE FUNCTION spend._waiting(
  OUT unfolded_sums bigint, OUT default_partition_rows bigint, OUT undelivered_alerts bigint, OUT oldest_undelivered_at timestamptz, OUT catalog_checked_date date
) RETURNS record
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT count(*) FROM spend.rollup_deltas),
         -- A ledger that nobody maintains has all its rows there.
         (SELECT count(*) FROM (SELECT FROM spend.usage_default LIMIT 100000) AS u),
         a.waiting, a.oldest,
         (SELECT max(p.checked_date) FROM spend.prices AS p WHERE p.origin = 'catalog')
  FROM (SELECT count(*) AS waiting, min(a.created_at) AS oldest FROM spend.alerts AS a WHERE a.delivered_at IS NULL) AS a
$$;
COMMENT ON FUNCTION spend._waiting() IS 'Internal: what waits for upkeep, for delivery or for a newer catalog.';

-- A function and not a part of the view: what a view of one's own depends on stays little.
CREATE FUNCTION spend._unpriced_calls() RETURNS bigint
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(u.calls), 0)::bigint FROM spend.unpriced_usage AS u
$$;
COMMENT ON FUNCTION spend._unpriced_calls() IS 'Internal: rows without a price that the current role may see.';

CREATE VIEW spend.status WITH (security_barrier) AS
SELECT 'status'::text AS status_key,
       now() AS checked_at,
       m.is_preloaded,
       m.mode AS counter_mode,
       m.counters AS counters_in_memory,
       m.counter_capacity,
       m.reservations,
       m.reservation_capacity,
       m.row_groups AS counters_kept_as_rows,
       d.unfolded_movements,
       d.oldest_unfolded_at,
       w.unfolded_sums,
       w.default_partition_rows,
       w.undelivered_alerts,
       w.oldest_undelivered_at,
       spend._unpriced_calls() AS unpriced_calls,
       w.catalog_checked_date,
       (now() AT TIME ZONE spend._rollup_zone())::date - w.catalog_checked_date AS catalog_age_days,
       r.rollup_percent,
       r.warning,
       r.hint
FROM spend._counter_memory() AS m
CROSS JOIN spend._rollup_density() AS r
CROSS JOIN spend._waiting() AS w
CROSS JOIN (SELECT count(*) AS unfolded_movements, min(c.written_at) AS oldest_unfolded_at FROM spend.counter_deltas AS c) AS d;
COMMENT ON VIEW spend.status IS 'State of the ledger''s machinery, one row.';
COMMENT ON COLUMN spend.status.status_key IS 'status.';
COMMENT ON COLUMN spend.status.checked_at IS 'Time of the look.';
COMMENT ON COLUMN spend.status.is_preloaded IS 'Whether the server loaded the library when it started (shared_preload_libraries).';
COMMENT ON COLUMN spend.status.counter_mode IS 'Where budget counters are kept: shared (memory) or table.';
COMMENT ON COLUMN spend.status.counters_in_memory IS 'Counters in shared memory, of all databases.';
COMMENT ON COLUMN spend.status.counter_capacity IS 'How many there can be; then those that nobody uses give way.';
COMMENT ON COLUMN spend.status.reservations IS 'Counters that running and prepared transactions have moved, one for each transaction and counter.';
COMMENT ON COLUMN spend.status.reservation_capacity IS 'How many there can be; then further counters are kept as rows.';
COMMENT ON COLUMN spend.status.counters_kept_as_rows IS 'Sets of counters, of 4,096, that are rows until the next start of the server because memory was full.';
COMMENT ON COLUMN spend.status.unfolded_movements IS 'Rows of spend.counter_deltas that spend.maintain() will fold.';
COMMENT ON COLUMN spend.status.oldest_unfolded_at IS 'Start of the oldest transaction among them.';
COMMENT ON COLUMN spend.status.unfolded_sums IS 'Rows of spend.rollup_deltas that spend.maintain() will fold; each holds the sums of up to forty groups.';
COMMENT ON COLUMN spend.status.default_partition_rows IS 'Usage rows of months without a partition, counted up to 100,000; spend.maintain() moves them.';
COMMENT ON COLUMN spend.status.undelivered_alerts IS 'Rows of spend.alerts that nobody has delivered.';
COMMENT ON COLUMN spend.status.oldest_undelivered_at IS 'When the oldest of them was written.';
COMMENT ON COLUMN spend.status.unpriced_calls IS 'Usage rows without a price, as far as the reader may see them: spend.unpriced_usage lists them.';
COMMENT ON COLUMN spend.status.catalog_checked_date IS 'Day on which the newest price of the shipped catalog was checked; NULL when none is loaded.';
COMMENT ON COLUMN spend.status.catalog_age_days IS 'Days since then.';
COMMENT ON COLUMN spend.status.rollup_percent IS 'Sums by day for 100 rows of usage, of the last seven days that are folded. Views read sums: with as many of them as rows they gain nothing.';
COMMENT ON COLUMN spend.status.warning IS 'What somebody should look at; NULL when there is nothing.';
COMMENT ON COLUMN spend.status.hint IS 'What to do about it.';
