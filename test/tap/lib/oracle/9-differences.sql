-- Views against their oracles. A public view, or a column of one, that has none is a difference, too.

CREATE VIEW oracle.status AS
SELECT 'status' AS status_key, count(*) AS unfolded_movements, min(d.written_at) AS oldest_unfolded_at,
  (SELECT count(*) FROM spend.rollup_deltas) AS unfolded_sums, (SELECT least(count(*), 100000) FROM ONLY spend.usage_default) AS default_partition_rows,
  (SELECT count(*) FROM spend.alerts AS a WHERE a.delivered_at IS NULL) AS undelivered_alerts,
  (SELECT min(a.created_at) FROM spend.alerts AS a WHERE a.delivered_at IS NULL) AS oldest_undelivered_at,
  (SELECT max(p.checked_date) FROM spend.prices AS p WHERE p.origin = 'catalog') AS catalog_checked_date
FROM spend.counter_deltas AS d;

-- Columns that say nothing that rows could tell.
CREATE TABLE oracle.labels (view_name text, column_name text, why text);
INSERT INTO oracle.labels VALUES
  ('budget_status', 'budget_status_key', 'a hash with the hash of the group'),
  ('budget_status', 'refused_calls', 'what was refused is in no row'), ('budget_status', 'refused_cost', 'what was refused is in no row'),
  ('cost_explanation', 'cost_explanation_key', 'by the number of the line'), ('cost_explanation', 'line', 'order'), ('cost_explanation', 'detail', 'words'),
  ('cost_explanation', 'tier', 'words'), ('cost_explanation', 'condition', 'words'),
  ('full_cost', 'calls', 'checked over all components together'),
  ('focus', 'ChargeClass', 'words'), ('focus', 'ChargeDescription', 'words'), ('focus', 'SkuPriceDetails', 'words; the rules of FOCUS are tested by themselves'), ('focus', 'x_ChargeId', 'a hash'),
  ('focus', 'x_OriginChargeId', 'nothing is split'), ('focus', 'x_OriginBilledCost', 'nothing is split'), ('focus', 'x_OriginListCost', 'nothing is split'),
  ('focus', 'x_OriginContractedCost', 'nothing is split'),
  ('status', 'checked_at', 'now'), ('status', 'catalog_age_days', 'of now'), ('status', 'unpriced_calls', 'the sum of unpriced_usage, which is compared by itself'),
  ('status', 'is_preloaded', 'of memory'), ('status', 'counter_mode', 'of memory'), ('status', 'counters_in_memory', 'of memory'), ('status', 'counter_capacity', 'of memory'),
  ('status', 'reservations', 'of memory'), ('status', 'reservation_capacity', 'of memory'), ('status', 'counters_kept_as_rows', 'of memory'),
  ('status', 'rollup_percent', 'of the sums, not of the rows'), ('status', 'warning', 'words'), ('status', 'hint', 'words');
-- Version 1.2 has the columns of 1.4, which are compared there.
INSERT INTO oracle.labels
SELECT 'focus_1_2', a.attname, 'as in focus' FROM pg_attribute AS a
WHERE a.attrelid = 'spend.focus_1_2'::regclass AND a.attnum > 0
  AND NOT EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = 'oracle.focus_1_2'::regclass AND o.attname = a.attname)
  AND EXISTS (SELECT FROM pg_attribute AS f WHERE f.attrelid = 'spend.focus'::regclass AND f.attname = a.attname);

-- Rows that are looked at, where not all are.
CREATE TABLE oracle.conditions (view_name text PRIMARY KEY, condition text);
INSERT INTO oracle.conditions VALUES
  -- Groups that have been used, and are not any more, may be there with zeros.
  ('budget_status', $q$x.calls <> 0 OR x.spent <> 0 OR x.held <> 0 OR x.budget_name NOT LIKE 'each %%'$q$),
  -- Facts have words only.
  ('cost_explanation', $q$x.kind <> 'fact'$q$),
  -- Of closed months the sums of all bills, of dropped ones the costs are checked (_check_closed_charges, _check_dropped_charges).
  ('focus', $q$(x."ChargePeriodStart" AT TIME ZONE 'UTC')::date <> ALL (%1$s) AND (x."ChargePeriodStart" AT TIME ZONE 'UTC')::date >= %2$L::date$q$),
  ('focus_1_2', $q$(x."ChargePeriodStart" AT TIME ZONE 'UTC')::date <> ALL (%1$s) AND (x."ChargePeriodStart" AT TIME ZONE 'UTC')::date >= %2$L::date$q$);

-- The rows of a query, as the current role sees them. oracle.shown_to() makes one that sees as a reader does.
CREATE FUNCTION oracle.shown(query text) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY EXECUTE query; END $$;
CREATE FUNCTION oracle.shown_to(reader text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE FUNCTION oracle.%I(query text) RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER AS $f$ BEGIN RETURN QUERY EXECUTE query; END $f$', 'shown to ' || reader);
  EXECUTE format('ALTER FUNCTION oracle.%I(text) OWNER TO %I', 'shown to ' || reader, reader);
END
$$;

-- Rows that are in one of the two only, seen at one moment, that of the statement. For a reader whose scope is in oracle.scope: what that role is shown.
CREATE FUNCTION oracle.differences(reader text DEFAULT NULL, only_view text DEFAULT NULL, OUT view_name text, OUT side text, OUT line text) RETURNS SETOF record LANGUAGE plpgsql STABLE AS $$
DECLARE
  item record;
  columns text;
  dropped text := quote_literal(ARRAY(SELECT d.day FROM oracle._dropped_days AS d)) || '::date[]';
BEGIN
  FOR item IN
    SELECT c.oid, c.relname, to_regclass(format('oracle.%I', c.relname)) AS oracle, coalesce((SELECT format(o.condition, dropped, oracle.closed_until()) FROM oracle.conditions AS o WHERE o.view_name = c.relname), 'true') AS condition
    FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind IN ('v', 'm') AND c.relname NOT LIKE '\_%' AND c.relname = coalesce(only_view, c.relname)
    ORDER BY c.relname
  LOOP
    IF item.oracle IS NULL THEN
      RETURN QUERY SELECT item.relname::text, 'view', 'there is no oracle of it';
      CONTINUE;
    END IF;
    RETURN QUERY
      SELECT item.relname::text, 'view', format('there is no oracle of column %s', a.attname) FROM pg_attribute AS a
      WHERE a.attrelid = item.oid AND a.attnum > 0 AND NOT EXISTS (SELECT FROM oracle.labels AS l WHERE l.view_name = item.relname AND l.column_name = a.attname)
        AND NOT EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = item.oracle AND o.attname = a.attname)
      UNION ALL
      SELECT item.relname::text, 'oracle', format('there is no column %s', a.attname) FROM pg_attribute AS a
      WHERE a.attrelid = item.oracle AND a.attnum > 0 AND NOT EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = item.oid AND o.attname = a.attname);
    SELECT string_agg(format('x.%I', a.attname), ', ' ORDER BY a.attnum) INTO columns FROM pg_attribute AS a
    WHERE a.attrelid = item.oracle AND a.attnum > 0 AND EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = item.oid AND o.attname = a.attname);
    RETURN QUERY EXECUTE format(
      'WITH rows AS MATERIALIZED (SELECT ROW(%2$s)::text AS line FROM oracle.%1$I AS x WHERE %3$s), shown AS MATERIALIZED (SELECT s.line FROM oracle.%4$I(%5$L) AS s(line))
       SELECT %1$L, %6$L, x.line FROM (SELECT line FROM rows EXCEPT ALL SELECT line FROM shown) AS x
       UNION ALL SELECT %1$L, %7$L, x.line FROM (SELECT line FROM shown EXCEPT ALL SELECT line FROM rows) AS x',
      item.relname, columns, item.condition, coalesce('shown to ' || reader, 'shown'), format('SELECT ROW(%s)::text FROM spend.%I AS x WHERE %s', columns, item.relname, item.condition), 'rows', 'view');
  END LOOP;
  FOR item IN SELECT c.relname FROM pg_class AS c WHERE reader IS NULL AND only_view IS NULL AND c.relnamespace = 'oracle'::regnamespace AND c.relkind = 'v' AND c.relname LIKE '\_check\_%' ORDER BY c.relname LOOP
    RETURN QUERY EXECUTE format('SELECT %L, %L, c::text FROM oracle.%I AS c', item.relname, 'check', item.relname);
  END LOOP;
END
$$;

-- Retention, as administrators do it, keeping what the sums still have. False when somebody was in the way.
CREATE FUNCTION oracle.drop_rows(before date) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
  leaf regclass;
BEGIN
  FOR leaf IN SELECT i.inhrelid::regclass FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'spend.usage'::regclass AND c.relname ~ '^usage_[0-9]{4}_[0-9]{2}$' AND to_date(substr(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
  LOOP
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', leaf);
    EXECUTE format('INSERT INTO oracle.dropped SELECT * FROM %s', leaf);
  END LOOP;
  IF EXISTS (SELECT FROM spend.drop_rows(before) AS d WHERE d.action <> 'dropped') THEN
    RAISE lock_not_available;
  END IF;
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END
$$;

-- Wrong views that nothing notices: each public view in turn with one column changed in its last digit, without one of its rows, and with one of them twice.
CREATE FUNCTION oracle.unnoticed(OUT view_name text, OUT mutant text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  item record;
  change record;
  condition text;
  changed text;
  noticed bigint;
  tried bigint := 0;
BEGIN
  FOR item IN SELECT c.oid, c.relname FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' ORDER BY c.relname LOOP
    SELECT coalesce(min(format(o.condition, '''{}''::date[]', oracle.closed_until())), 'true') INTO condition FROM oracle.conditions AS o WHERE o.view_name = item.relname;
    FOR change IN
      SELECT a.attname AS name, format('%s AS %I', CASE
          WHEN a.atttypid = 'numeric'::regtype THEN format('coalesce(x.%I, 0) + 1e-%s', a.attname, (a.atttypmod - 4) & 65535)
          WHEN a.atttypid IN ('bigint'::regtype, 'integer'::regtype) THEN format('coalesce(x.%I, 0) + 1', a.attname)
          WHEN a.atttypid = 'boolean'::regtype THEN format('x.%I IS NOT TRUE', a.attname)
          WHEN a.atttypid = 'date'::regtype THEN format('coalesce(x.%I, ''2000-01-01'') + 1', a.attname)
          WHEN a.atttypid = 'timestamptz'::regtype THEN format('CASE WHEN isfinite(x.%1$I) THEN x.%1$I + interval ''1 microsecond'' ELSE ''2000-01-01'' END', a.attname)
          WHEN a.atttypid = 'jsonb'::regtype THEN '''{"wrong": 1}''::jsonb'
          ELSE format('coalesce(x.%I, '''') || '' ''', a.attname) END, a.attname) AS column
      FROM pg_attribute AS a
      WHERE a.attrelid = item.oid AND a.attnum > 0 AND NOT EXISTS (SELECT FROM oracle.labels AS l WHERE l.view_name = item.relname AND l.column_name = a.attname)
      UNION ALL SELECT 'a row is missing', 'missing' UNION ALL SELECT 'a row is there twice', 'twice'
    LOOP
      BEGIN
        EXECUTE format('ALTER VIEW spend.%I RENAME TO "_right"', item.relname);
        SELECT string_agg(CASE a.attname WHEN change.name THEN change.column ELSE format('x.%I', a.attname) END, ', ' ORDER BY a.attnum) INTO changed
        FROM pg_attribute AS a WHERE a.attrelid = item.oid AND a.attnum > 0;
        EXECUTE format('CREATE VIEW spend.%I AS SELECT %s FROM spend."_right" AS x %s', item.relname, changed, CASE change.column
          WHEN 'missing' THEN format('WHERE %s OFFSET 1', condition) WHEN 'twice' THEN format('UNION ALL (SELECT x.* FROM spend."_right" AS x WHERE %s LIMIT 1)', condition) ELSE '' END);
        SELECT count(*) INTO noticed FROM oracle.differences(NULL, item.relname);
        RAISE EXCEPTION 'back' USING ERRCODE = 'SP000';
      EXCEPTION WHEN SQLSTATE 'SP000' THEN
        NULL;  -- the right view again
      END;
      IF noticed = 0 THEN
        unnoticed.view_name := item.relname;
        mutant := change.name;
        RETURN NEXT;
      END IF;
      tried := tried + 1;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT 'no view', 'no mutant was tried' WHERE tried < 400;
END
$$;
