CREATE FUNCTION spend._drifted_holds(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT in_memory numeric, OUT stored numeric
) RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'spend_drifted_holds';
COMMENT ON FUNCTION spend._drifted_holds() IS
  'Internal: counters in shared memory whose holds are not those of spend.hold_amounts, of the counters that nobody is using.';

CREATE FUNCTION spend._hold_problems(
  OUT problem text, OUT hold_id bigint, OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT group_values jsonb,
  OUT recorded numeric, OUT expected numeric
) RETURNS SETOF record
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  WITH amounts AS (
    SELECT a.hold_id, a.budget_id, a.generation, a.period_start, a.group_hash, a.group_values, a.amount, a.expires_at,
           row_number() OVER (PARTITION BY a.hold_id, a.budget_id, a.generation, a.period_start, a.group_hash) AS number
    FROM spend.hold_amounts AS a
  ), expected AS (
    -- What the hold says it holds of a budget of that measure.
    SELECT a.*, h.state, h.expires_at AS hold_expires_at,
           CASE b.measure WHEN 'cost' THEN h.cost WHEN 'calls' THEN 1
                ELSE coalesce(h.estimate OPERATOR(spend.->) 'input_tokens', 0) + coalesce(h.estimate OPERATOR(spend.->) 'output_tokens', 0) END AS expected
    FROM amounts AS a
    LEFT JOIN spend.holds AS h USING (hold_id)
    LEFT JOIN spend.budgets AS b USING (budget_id)
  )
  SELECT 'amount without an open hold', e.hold_id, e.budget_id, e.generation, e.period_start, e.group_hash, e.group_values, e.amount, 0::numeric
  FROM expected AS e WHERE e.state IS NULL OR e.state IN ('settled', 'released')
  UNION ALL
  SELECT 'amount held twice', e.hold_id, e.budget_id, e.generation, e.period_start, e.group_hash, e.group_values, e.amount, 0
  FROM expected AS e WHERE e.state = 'open' AND e.number > 1
  UNION ALL
  SELECT 'amount differs from its hold', e.hold_id, e.budget_id, e.generation, e.period_start, e.group_hash, e.group_values, e.amount, e.expected
  FROM expected AS e WHERE e.state = 'open' AND e.number = 1 AND e.amount <> e.expected
  UNION ALL
  SELECT 'amount ends later than its hold', e.hold_id, e.budget_id, e.generation, e.period_start, e.group_hash, e.group_values, e.amount, e.amount
  FROM expected AS e WHERE e.state = 'open' AND e.number = 1 AND e.expires_at > e.hold_expires_at
  UNION ALL
  SELECT 'hold settled by several rows', u.hold_id, NULL, NULL, NULL, NULL, NULL, count(*), 1
  FROM spend.usage AS u WHERE u.hold_id IS NOT NULL GROUP BY u.hold_id HAVING count(*) > 1
  UNION ALL
  -- A row that replication or a restore brought may be of a hold that is not here.
  SELECT 'row of a hold that it has not settled', u.hold_id, NULL, NULL, NULL, NULL, NULL, u.cost, h.cost
  FROM spend.usage AS u JOIN spend.holds AS h USING (hold_id)
  WHERE h.state <> 'settled'
     OR h.usage_id IS DISTINCT FROM u.usage_id
    AND NOT EXISTS (SELECT FROM spend.usage AS o WHERE o.hold_id = h.hold_id AND o.usage_id = h.usage_id)
  UNION ALL
  SELECT 'held in memory differs', NULL, d.budget_id, d.generation, d.period_start, d.group_hash, NULL, d.in_memory, d.stored
  FROM spend._drifted_holds() AS d
  JOIN spend._budget_periods() AS p USING (budget_id, generation)
$$;
COMMENT ON FUNCTION spend._hold_problems() IS 'Internal: what is wrong with holds and what they set aside.';

CREATE FUNCTION spend.verify_holds(
  repair boolean DEFAULT false, OUT problem text, OUT hold_id bigint, OUT budget text, OUT period_start timestamptz, OUT group_values jsonb, OUT recorded numeric,
  OUT expected numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT p.*, b.name FROM spend._hold_problems() AS p LEFT JOIN spend.budgets AS b USING (budget_id)
    ORDER BY p.hold_id, p.budget_id, p.period_start, p.group_hash, p.problem
  LOOP
    problem := found.problem;
    hold_id := found.hold_id;
    budget := found.name;
    period_start := found.period_start;
    group_values := found.group_values;
    recorded := found.recorded;
    expected := found.expected;
    RETURN NEXT;
    IF repair AND problem = 'amount without an open hold' THEN
      DELETE FROM spend.hold_amounts AS a
      WHERE a.hold_id = found.hold_id AND a.budget_id = found.budget_id
        AND NOT EXISTS (SELECT FROM spend.holds AS h WHERE h.hold_id = a.hold_id AND h.state IN ('open', 'expired'));
    ELSIF repair AND problem = 'held in memory differs' THEN
      PERFORM spend._repair_counter(found.budget_id, found.generation, found.period_start, found.group_hash);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.verify_holds(boolean) IS
  'Returns what is wrong with holds: amounts that no open hold stands behind, or that differ from their hold; holds that several rows settled; holds in shared memory that are not those stored. No row means they are right; spend.verify() asks for them, too. With repair => true it gives back what no hold stands behind, and sets memory right.';
