CREATE FUNCTION spend.verify_rollups(
  OUT grain text, OUT bucket timestamp, OUT usage_date_utc date, OUT attribution_id uuid, OUT kind_id uuid, OUT sum_name text, OUT rollup numeric,
  OUT from_rows numeric, OUT difference numeric
) RETURNS SETOF record
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- One statement, so that rows and rollups are those of one moment.
  RETURN QUERY EXECUTE format($q$
    WITH row_sums AS (
      SELECT r.*, r.bucket_start AT TIME ZONE z AS local_time FROM spend._row_sums AS r CROSS JOIN spend._rollup_zone() AS z
    ), sides AS (
      SELECT 'day' AS grain, d.usage_date::timestamp AS bucket, d.usage_date_utc, d.attribution_id, d.kind_id, false AS is_from_rows, %1$s FROM spend._usage_days AS d
      UNION ALL
      SELECT 'day', date_trunc('day', r.local_time), (r.bucket_start AT TIME ZONE 'UTC')::date, r.attribution_id, r.kind_id, true, %1$s FROM row_sums AS r
      UNION ALL
      SELECT 'day', s.usage_date::timestamp, s.usage_date_utc, s.attribution_id, s.kind_id, true, %1$s FROM spend.sealed_rollup AS s
      UNION ALL
      SELECT 'month', m.usage_month::timestamp, NULL, m.attribution_id, m.kind_id, false, %1$s FROM spend._usage_months AS m
      UNION ALL
      SELECT 'month', date_trunc('month', r.local_time), NULL, r.attribution_id, r.kind_id, true, %1$s FROM row_sums AS r
      UNION ALL
      SELECT 'month', s.usage_month::timestamp, NULL, s.attribution_id, s.kind_id, true, %1$s FROM spend.sealed_rollup AS s
      UNION ALL
      SELECT 'quarter hour', q.bucket_start AT TIME ZONE 'UTC', (q.bucket_start AT TIME ZONE 'UTC')::date, q.attribution_id, q.kind_id, false, %1$s
      FROM spend._usage_quarters AS q WHERE q.bucket_start >= spend._first_quarter()
      UNION ALL
      SELECT 'quarter hour', r.bucket_start AT TIME ZONE 'UTC', (r.bucket_start AT TIME ZONE 'UTC')::date, r.attribution_id, r.kind_id, true, %1$s
      FROM row_sums AS r WHERE r.bucket_start >= spend._first_quarter()
    ), compared AS (
      SELECT s.grain, s.bucket, s.usage_date_utc, s.attribution_id, s.kind_id, %2$s
      FROM sides AS s
      GROUP BY 1, 2, 3, 4, 5
      HAVING %3$s
    )
    SELECT c.grain, c.bucket, c.usage_date_utc, c.attribution_id, c.kind_id, v.name, coalesce(v.rollup, 0), coalesce(v.from_rows, 0),
           coalesce(v.rollup, 0) - coalesce(v.from_rows, 0)
    FROM compared AS c
    CROSS JOIN LATERAL (VALUES %4$s) AS v(name, rollup, from_rows)
    WHERE coalesce(v.rollup, 0) <> coalesce(v.from_rows, 0)
    $q$, spend._each_sum('%I'),
    spend._each_sum('sum(s.%1$I) FILTER (WHERE NOT s.is_from_rows) AS rollup_%1$s, sum(s.%1$I) FILTER (WHERE s.is_from_rows) AS rows_%1$s'),
    replace(spend._each_sum('sum(CASE WHEN s.is_from_rows THEN -s.%1$I ELSE s.%1$I END) <> 0'), ' <> 0, ', ' <> 0 OR '),
    spend._each_sum('(%1$L, c.rollup_%1$s::numeric, c.rows_%1$s::numeric)'));
END
$$;
COMMENT ON FUNCTION spend.verify_rollups() IS
  'Sums up the rows of the ledger, with what months held that were dropped, and returns where rollups and deltas say otherwise: no row means that they are right. Reads every row.';
