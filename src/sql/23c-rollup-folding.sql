-- The rows of the ledger summed up as rollups are. To cut days anew, to seal a month, and to compare.
CREATE FUNCTION spend._kind_id(usage spend.usage) RETURNS uuid
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_kind_id';
COMMENT ON FUNCTION spend._kind_id(spend.usage) IS 'Internal: the kind of a usage row.';

-- A quarter hour lies in one day of every zone that is in use today; a row belongs where its quarter hour begins.
CREATE VIEW spend._row_sums AS
SELECT date_bin('15 minutes', u.occurred_at, '2000-01-01 UTC') AS bucket_start,
       coalesce(u.attribution_id, '00000000-0000-0000-0000-000000000000') AS attribution_id,
       spend._kind_id(u) AS kind_id,
       count(*) AS calls,
       count(*) FILTER (WHERE u.cost IS NULL) AS unpriced_calls,
       count(*) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'failed') AS failed_calls,
       count(*) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'abandoned') AS abandoned_calls,
       count(*) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'blocked') AS blocked_calls,
       count(*) FILTER (WHERE u.attempt > 1 OR spend.text_key(u.purpose) = 'retry') AS retried_calls,
       count(*) FILTER (WHERE u.fallback_of <> '') AS fallback_calls,
       count(*) FILTER (WHERE u.response_cache_hit) AS cached_calls,
       count(*) FILTER (WHERE u.accepted) AS accepted_calls,
       count(*) FILTER (WHERE NOT u.accepted) AS rejected_calls,
       count(*) FILTER (WHERE u.human_reviewed) AS reviewed_calls,
       count(*) FILTER (WHERE u.recorded_at - u.occurred_at > interval '24 hours') AS late_calls,
       sum(u.cost) AS cost,
       sum(u.list_cost) AS list_cost,
       sum(u.cost) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'failed') AS failed_cost,
       sum(u.cost) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'abandoned') AS abandoned_cost,
       sum(u.cost) FILTER (WHERE spend.outcome(u.status, u.blocked_reason) = 'blocked') AS blocked_cost,
       sum(u.cost) FILTER (WHERE u.attempt > 1 OR spend.text_key(u.purpose) = 'retry') AS retried_cost,
       sum(u.cost) FILTER (WHERE u.fallback_of <> '') AS fallback_cost,
       sum(u.cost) FILTER (WHERE u.accepted) AS accepted_cost,
       sum(u.cost) FILTER (WHERE u.recorded_at - u.occurred_at > interval '24 hours') AS late_cost,
       sum(u.input_tokens) AS input_tokens,
       sum(u.cache_read_tokens) AS cache_read_tokens,
       sum(u.cache_write_tokens) AS cache_write_tokens,
       sum(u.output_tokens) AS output_tokens,
       sum(u.output_reasoning_tokens) AS output_reasoning_tokens,
       sum(u.tool_calls) AS tool_calls,
       sum(u.retrieval_queries) AS retrieval_queries,
       sum(u.agent_steps) AS agent_steps,
       sum(u.original_input_tokens) FILTER (WHERE u.input_tokens IS NOT NULL) AS original_input_tokens,
       sum(u.input_tokens) FILTER (WHERE u.original_input_tokens IS NOT NULL) AS compressed_input_tokens
FROM spend.usage AS u
-- A replica session stores rows that nothing has priced or attributed: they count when somebody does.
WHERE u.recorded_at IS NOT NULL AND u.pricing_status IS DISTINCT FROM 'voided'
GROUP BY 1, 2, 3;
COMMENT ON VIEW spend._row_sums IS 'Internal: what the rows of the ledger sum up to.';

CREATE FUNCTION spend._try_to_fold() RETURNS boolean
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  -- Under an older snapshot the deltas of this moment are not visible, and some that are have been folded.
  SELECT current_setting('transaction_isolation') = 'read committed' AND spend._try_lock('spend.rollup')
$$;
COMMENT ON FUNCTION spend._try_to_fold() IS 'Internal: makes this transaction the one that may write rollups; false if it cannot be.';

CREATE FUNCTION spend._fold_rollups(most bigint, time_zone text, first_quarter timestamptz) RETURNS bigint
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_fold_rollups';
COMMENT ON FUNCTION spend._fold_rollups(bigint, text, timestamptz) IS
  'Internal: adds about so many sums to the rollups and returns how many there were. The caller is the one that folds.';

CREATE FUNCTION spend._first_quarter() RETURNS timestamptz
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT date_trunc('day', now(), 'UTC') - interval '62 days'
$$;
COMMENT ON FUNCTION spend._first_quarter() IS 'Internal: from when on sums by quarter hour are kept: two months and what they may lack.';

CREATE FUNCTION spend._cut_days_anew(zone text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text := spend._each_sum('%I');
  sums text := spend._each_sum('nullif(sum(t.%1$I), 0) AS %1$I');
  negated text := spend._each_sum('-%I');
BEGIN
  -- Quarter hours are the same in every zone. Those that only coarser rows stand for get rows of their own.
  EXECUTE format($q$
    INSERT INTO spend.rollup_quarters (bucket_start, attribution_id, kind_id, %1$s)
    SELECT r.bucket_start, r.attribution_id, r.kind_id, %1$s FROM spend.rollup AS r WHERE r.bucket_start >= spend._first_quarter()
    UNION ALL
    SELECT m.bucket_start, m.attribution_id, m.kind_id, %1$s FROM spend.rollup_months AS m WHERE m.bucket_start >= spend._first_quarter()
    $q$, names);
  DELETE FROM spend.rollup;
  DELETE FROM spend.rollup_months;
  -- What is not folded yet is among the rows, and will be added. Days of dropped months stay as they were cut.
  EXECUTE format($q$
    INSERT INTO spend.rollup (usage_month, usage_date, usage_date_utc, attribution_id, kind_id, %1$s)
    SELECT t.usage_month, t.usage_date, t.usage_date_utc, t.attribution_id, t.kind_id, %2$s
    FROM (
      SELECT date_trunc('month', l.local_time)::date AS usage_month, l.local_time::date AS usage_date, (b.bucket_start AT TIME ZONE 'UTC')::date AS usage_date_utc, b.*
      FROM (
        SELECT bucket_start, attribution_id, kind_id, %1$s FROM spend._row_sums
        UNION ALL
        SELECT bucket_start, attribution_id, kind_id, %3$s FROM spend._unfolded_rollup
      ) AS b
      CROSS JOIN LATERAL (SELECT b.bucket_start AT TIME ZONE $1 AS local_time) AS l
      UNION ALL
      SELECT usage_month, usage_date, usage_date_utc, NULL, attribution_id, kind_id, %1$s FROM spend.sealed_rollup
    ) AS t
    GROUP BY 1, 2, 3, 4, 5
    $q$, names, sums, negated)
  USING zone;
  EXECUTE format('INSERT INTO spend.rollup_months (usage_month, attribution_id, kind_id, %1$s)
                  SELECT t.usage_month, t.attribution_id, t.kind_id, %2$s FROM spend.rollup AS t GROUP BY 1, 2, 3', names, sums);
  INSERT INTO spend.rollup_state (time_zone) VALUES (zone) ON CONFLICT (singleton) DO UPDATE SET time_zone = excluded.time_zone;
END
$$;
COMMENT ON FUNCTION spend._cut_days_anew(text) IS 'Internal: makes the days of the rollup anew from the rows, in another zone. The caller is the one that folds.';

CREATE FUNCTION spend._maintain_rollups(most bigint, OUT action text, OUT subject text) RETURNS SETOF record
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  zone text := (spend._settings()).time_zone;
  folded bigint;
BEGIN
  IF NOT spend._try_to_fold() THEN
    action := 'deferred folding';
    subject := CASE current_setting('transaction_isolation') WHEN 'read committed' THEN 'another session is folding' ELSE 'needs READ COMMITTED' END;
    RETURN NEXT;
    RETURN;
  END IF;
  -- What is folded into a table that is still to be restored would be there twice, and the restore would fail. A plain dump has the state
  -- after the sums; pg_restore may load tables in any order. Whoever may restore a ledger is a superuser.
  IF (EXISTS (SELECT FROM spend.rollup) AND NOT EXISTS (SELECT FROM spend.rollup_state))
     OR EXISTS (SELECT FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
                WHERE a.datname = current_database() AND a.application_name = 'pg_restore' AND r.rolsuper) THEN
    action := 'deferred folding';
    subject := 'the ledger is being restored';
    RETURN NEXT;
    RETURN;
  END IF;
  IF zone <> spend._rollup_zone() THEN
    PERFORM spend._cut_days_anew(zone);
    action := 'cut days in another time zone';
    subject := zone;
    RETURN NEXT;
  END IF;
  folded := spend._fold_rollups(most, zone, spend._first_quarter());
  -- A ledger without usage has no state: one that is restored from a dump brings its own. Only the folding knows whether there was any:
  -- it sees what was committed since the last statement.
  INSERT INTO spend.rollup_state (time_zone) SELECT zone WHERE folded > 0 ON CONFLICT DO NOTHING;
  DELETE FROM spend.rollup_quarters AS q WHERE q.bucket_start < spend._first_quarter();
  IF folded > 0 THEN
    action := 'folded deltas';
    subject := folded::text;
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION spend._maintain_rollups(bigint) IS 'Internal: cuts days anew after a change of the zone, then folds at most so many deltas. Returns what it did.';
