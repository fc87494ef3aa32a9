CREATE FUNCTION spend._month_leaves(OUT leaf regclass, OUT month date) RETURNS SETOF record
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass, to_date(substr(c.relname, 7), 'YYYY_MM')
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'spend.usage'::regclass AND c.relnamespace = 'spend'::regnamespace AND c.relname ~ '^usage_[0-9]{4,}_[0-9]{2}$'
$$;
COMMENT ON FUNCTION spend._month_leaves() IS 'Internal: the leaves that maintain() made, with their months.';

CREATE PROCEDURE spend._drop_month(leaf regclass, month date)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' SET TimeZone = 'UTC' AS $$
DECLARE
  since timestamptz := month::timestamp AT TIME ZONE 'UTC';
  until timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
  -- Nobody changes the rows while they are summed up; readers, and writers of all other months, go on. A writer who waits for this
  -- leaf has the parent locked: then the parent is not got below, and this is tried again.
  EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', leaf);
  INSERT INTO spend.sealed_counters (month, budget_id, generation, period_start, group_hash, amount, calls, unpriced_calls)
  SELECT _drop_month.month, r.budget_id, r.generation, r.period_start, r.group_hash, sum(r.amount), sum(r.calls), sum(r.unpriced_calls)
  FROM spend.usage AS u CROSS JOIN LATERAL spend._row_counters(u) AS r
  WHERE u.occurred_at >= since AND u.occurred_at < until
  GROUP BY 1, 2, 3, 4, 5;
  EXECUTE format($q$
    INSERT INTO spend.sealed_rollup (usage_month, usage_date, usage_date_utc, attribution_id, kind_id, %1$s)
    SELECT date_trunc('month', t.local_time)::date, t.local_time::date, (t.bucket_start AT TIME ZONE 'UTC')::date, t.attribution_id, t.kind_id, %2$s
    FROM (SELECT r.*, r.bucket_start AT TIME ZONE z AS local_time FROM spend._row_sums AS r CROSS JOIN spend._rollup_zone() AS z
          WHERE r.bucket_start >= $1 AND r.bucket_start < $2) AS t
    GROUP BY 1, 2, 3, 4, 5
    $q$, spend._each_sum('%I'), spend._each_sum('nullif(sum(t.%1$I), 0) AS %1$I'))
  USING since, until;
  LOCK TABLE ONLY spend.usage IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('ALTER TABLE spend.usage DETACH PARTITION %s', leaf);
  EXECUTE format('DROP TABLE %s', leaf);
END
$$;
COMMENT ON PROCEDURE spend._drop_month(regclass, date) IS 'Internal: notes what the rows of one month summed up to, and drops them.';

CREATE FUNCTION spend.drop_rows(before date, dry_run boolean DEFAULT false, OUT action text, OUT month date, OUT usage_rows bigint) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  item record;
  attempt integer;
BEGIN
  IF before IS NULL THEN
    RAISE EXCEPTION 'before must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF before > (spend._first_quarter() AT TIME ZONE 'UTC')::date THEN
    RAISE EXCEPTION 'rows since % cannot be dropped yet', (spend._first_quarter() AT TIME ZONE 'UTC')::date
      USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('Rows from before %s were asked for; recent usage is still summed up by quarter hour.', before),
            HINT = 'Name an earlier day. Whole months are dropped.';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'rows are dropped under READ COMMITTED only' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  -- Not while days are cut anew, and not beside maintain(), which makes leaves.
  PERFORM spend._lock('spend.usage');
  PERFORM spend._lock('spend.rollup');
  FOR item IN SELECT l.leaf, l.month FROM spend._month_leaves() AS l WHERE (l.month + interval '1 month')::date <= before ORDER BY 2 LOOP
    month := item.month;
    EXECUTE format('SELECT count(*) FROM %s', item.leaf) INTO usage_rows;
    IF coalesce(dry_run, false) THEN
      action := 'would drop';
    ELSE
      FOR attempt IN 1..5 LOOP
        BEGIN
          CALL spend._drop_month(item.leaf, item.month);
          action := 'dropped';
          EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
          action := 'deferred';
          PERFORM pg_sleep(0.1 * attempt);
        END;
      END LOOP;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.drop_rows(date, boolean) IS
  'Retention: drops the rows of whole months (UTC) that ended before a day. Rollups, budget counters and idempotency keys stay, so the views by day and month, the budgets and duplicates are as before; what needs rows (usage_detail, re-rating, explain) has none. Returns what it did by month; "deferred" means that writers were in the way. dry_run only says what it would do.';
