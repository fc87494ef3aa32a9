-- Who writes usage dates it, to any month: what one call locks, and how many leaves there can be, is bounded. Rows of further months
-- stay in the default leaf, where everything works as well.
CREATE FUNCTION spend._missing_months(months_ahead integer) RETURNS SETOF date
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH wanted(month, is_coming) AS (
    SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date, true FROM generate_series(0, least(months_ahead, 120)) AS i
    UNION
    SELECT DISTINCT date_trunc('month', u.occurred_at AT TIME ZONE 'UTC')::date, false FROM spend.usage_default AS u
    -- The ledger takes no other times; replication brings what the other side has.
    WHERE u.occurred_at >= '0001-01-01 UTC' AND u.occurred_at < '9999-12-01 UTC'
  ), missing AS (
    SELECT w.month, bool_or(w.is_coming) AS is_coming FROM wanted AS w
    WHERE to_regclass(format('spend.%I', 'usage_' || to_char(w.month, 'YYYY_MM'))) IS NULL
    GROUP BY w.month
  ), of_rows AS (
    SELECT m.month FROM missing AS m WHERE NOT m.is_coming ORDER BY m.month DESC
    LIMIT least(24, greatest(0, 600 - (SELECT count(*) FROM pg_inherits AS i WHERE i.inhparent = 'spend.usage'::regclass)))
  )
  SELECT m.month FROM missing AS m WHERE m.is_coming UNION ALL SELECT r.month FROM of_rows AS r ORDER BY 1
$$;
COMMENT ON FUNCTION spend._missing_months(integer) IS 'Internal: months that get a leaf now: the coming ones, and those with rows in the default leaf, up to 24 at once and 600 leaves.';

-- DateStyle and TimeZone: bounds go through text here, and some styles write zones by abbreviations that mean another zone when read.
CREATE PROCEDURE spend._make_month(month date)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' SET TimeZone = 'UTC' AS $$
DECLARE
  name name := 'usage_' || to_char(month, 'YYYY_MM');
  since timestamptz := month::timestamp AT TIME ZONE 'UTC';
  until timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
  -- The parent first: a writer that has passed it has chosen its leaf, and if that is the default leaf and the month gets its own
  -- while the writer waits, its INSERT fails for ever. One that waits for the parent finds the new leaf; a reader finds the moved rows.
  LOCK TABLE ONLY spend.usage IN ACCESS EXCLUSIVE MODE;
  LOCK TABLE spend.usage_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('CREATE TABLE spend.%I (LIKE spend.usage INCLUDING DEFAULTS INCLUDING STORAGE) USING heap', name);
  -- A leaf cannot be attached while the default leaf holds rows of its range. The new one has no triggers yet, those of the default
  -- leaf are silent for the moment: the rows move, nothing is accounted.
  EXECUTE format('INSERT INTO spend.%I SELECT * FROM spend.usage_default WHERE occurred_at >= %L AND occurred_at < %L', name, since, until);
  ALTER TABLE spend.usage_default DISABLE TRIGGER USER;
  DELETE FROM spend.usage_default WHERE occurred_at >= since AND occurred_at < until;
  ALTER TABLE spend.usage_default ENABLE TRIGGER USER;
  ALTER TABLE spend.usage_default ENABLE ALWAYS TRIGGER account_row;
  EXECUTE format('ALTER TABLE spend.usage ATTACH PARTITION spend.%I FOR VALUES FROM (%L) TO (%L)', name, since, until);
  EXECUTE format('CALL spend._equip_leaf(%L)', format('spend.%I', name));
END
$$;
COMMENT ON PROCEDURE spend._make_month(date) IS 'Internal: makes the leaf of one month and moves its rows out of the default leaf.';

CREATE FUNCTION spend._maintain_ledger(months_ahead integer, OUT action text, OUT subject text) RETURNS SETOF record
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  month date;
  attempt integer;
BEGIN
  IF NOT spend._try_lock('spend.usage') THEN
    action := 'skipped';
    subject := 'another session is maintaining the ledger';
    RETURN NEXT;
    RETURN;
  END IF;
  FOR month IN SELECT * FROM spend._missing_months(greatest(coalesce(months_ahead, 3), 0)) LOOP
    subject := 'spend.usage_' || to_char(month, 'YYYY_MM');
    -- The locks are asked for briefly: every writer queues behind us meanwhile.
    FOR attempt IN 1..5 LOOP
      BEGIN
        CALL spend._make_month(month);
        action := 'created partition';
        EXIT;
      EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        action := 'deferred partition';
        PERFORM pg_sleep(0.1 * attempt);
      END;
    END LOOP;
    RETURN NEXT;
  END LOOP;

  SELECT 'expired holds', t.expired::text INTO action, subject FROM spend._tidy_holds() AS t;
  IF subject <> '0' THEN
    RETURN NEXT;
  END IF;
  -- After what may take long, because who loads a counter waits for it, and before counters are judged by their rows.
  BEGIN
    subject := spend._fold_counters()::text;
    IF subject NOT IN ('0', '-1') THEN
      action := 'folded movements';
      RETURN NEXT;
    END IF;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    action := 'deferred folding';
    subject := 'spend.counter_deltas';
    RETURN NEXT;
  END;

  -- Only budgets that have counters are read, each once.
  WITH known AS MATERIALIZED (
    SELECT c.budget_id, m.generation FROM (SELECT DISTINCT o.budget_id FROM spend.counters AS o) AS c CROSS JOIN LATERAL spend._budget_meaning(c.budget_id) AS m
  ), gone AS (
    DELETE FROM spend.counters AS c
    WHERE c.ctid = ANY (ARRAY(
      SELECT d.ctid FROM spend.counters AS d
      WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.budget_id = d.budget_id AND k.generation = d.generation)
      FOR UPDATE OF d SKIP LOCKED))
    RETURNING 1
  )
  SELECT 'removed counters', count(*)::text INTO action, subject FROM gone;
  IF subject <> '0' THEN
    RETURN NEXT;
  END IF;
  -- What would come back from the rows of one run, found by their index, need not be kept when the run has rested for a week. What has
  -- alerted is kept, so that it does not alert again.
  WITH gone AS (
    DELETE FROM spend.counters AS c
    WHERE c.ctid = ANY (ARRAY(
      SELECT d.ctid FROM spend.counters AS d JOIN spend.budgets AS b ON b.budget_id = d.budget_id
      WHERE b.period = 'total' AND 'run_id' = ANY (b.group_by) AND d.claimed_percent = 0 AND d.group_values ->> 'run_id' <> '(none)'
        AND NOT EXISTS (SELECT FROM spend.usage AS u WHERE u.run_id = d.group_values ->> 'run_id' AND u.occurred_at > now() - interval '7 days')
      FOR UPDATE OF d SKIP LOCKED))
    RETURNING 1
  )
  SELECT 'removed counters of idle runs', count(*)::text INTO action, subject FROM gone;
  IF subject <> '0' THEN
    RETURN NEXT;
  END IF;

  -- A restore with triggers disabled leaves budgets where no row finds them.
  WITH found AS (
    UPDATE spend.budgets AS b SET scope = b.scope WHERE NOT EXISTS (SELECT FROM spend.budget_keys AS k WHERE k.budget_id = b.budget_id) RETURNING 1
  )
  SELECT 'indexed budgets', count(*)::text INTO action, subject FROM found;
  IF subject <> '0' THEN
    RETURN NEXT;
  END IF;
  DELETE FROM spend.budget_epochs AS e
  WHERE e.ctid = ANY (ARRAY(
    SELECT d.ctid FROM spend.budget_epochs AS d
    WHERE NOT EXISTS (SELECT FROM spend.budgets AS b WHERE b.budget_id = d.budget_id)
    FOR UPDATE SKIP LOCKED));

  DELETE FROM spend.refusals AS r
  WHERE NOT EXISTS (SELECT FROM spend._budget_meaning(r.budget_id) AS m WHERE m.generation = r.generation);
  subject := spend._write_refusals()::text;
  IF subject <> '0' THEN
    action := 'noted refusals';
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION spend._maintain_ledger(integer) IS 'Internal: upkeep of everything but the rollups. Returns what it did.';

CREATE FUNCTION spend.maintain(months_ahead integer DEFAULT 3, OUT action text, OUT subject text) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
BEGIN
  -- What takes long comes before anything that takes a lock which writers meet; but not if another session is at the rest.
  IF spend._try_lock('spend.usage') THEN
    RETURN QUERY SELECT m.action, m.subject FROM spend._maintain_rollups(9223372036854775807) AS m;
  END IF;
  RETURN QUERY SELECT m.action, m.subject FROM spend._maintain_ledger(months_ahead) AS m;
END
$$;
COMMENT ON FUNCTION spend.maintain(integer) IS
  'Upkeep, to be called every minute or so, at least daily: folds what was written since into the rollups and the budget counters, makes the leaves of this and the coming months (at most 120), moves rows out of the default leaf, removes counters of budgets that are gone and of runs that rest, marks expired holds, notes what was refused. Returns what it did.';
