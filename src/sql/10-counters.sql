-- What transactions have moved counters by while these are in shared memory: appended at their commit, folded into spend.counters later.
-- No index, key or foreign key: nothing here may fail a COMMIT or make it wait.
CREATE TABLE spend.counter_deltas (
  written_at timestamptz NOT NULL,
  movements bytea NOT NULL
) USING heap WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE spend.counter_deltas ALTER movements SET STORAGE EXTERNAL;
COMMENT ON TABLE spend.counter_deltas IS 'Movements of budget counters that spend.maintain() has not folded into spend.counters yet.';
COMMENT ON COLUMN spend.counter_deltas.written_at IS 'Start of the transaction.';
COMMENT ON COLUMN spend.counter_deltas.movements IS 'Its movements, packed; spend._counter_totals reads them.';

-- The ledger itself writes past triggers.
CREATE TRIGGER forget_all AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON spend.counter_deltas FOR EACH STATEMENT EXECUTE FUNCTION spend._forget_counter();
ALTER TABLE spend.counter_deltas ENABLE ALWAYS TRIGGER forget_all;

CREATE FUNCTION spend._counter_movements(
  movements bytea, OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT period_end timestamptz,
  OUT group_values jsonb, OUT spent numeric, OUT calls bigint, OUT unpriced_calls bigint, OUT claimed_percent numeric
) RETURNS SETOF record
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 3 AS 'MODULE_PATHNAME', 'spend_counter_movements';
COMMENT ON FUNCTION spend._counter_movements(bytea) IS 'Internal: the movements in a row of spend.counter_deltas.';

CREATE VIEW spend._unfolded_counters WITH (security_barrier) AS
SELECT m.budget_id, m.generation, m.period_start, m.group_hash, sum(m.spent) AS spent, sum(m.calls)::bigint AS calls,
       sum(m.unpriced_calls)::bigint AS unpriced_calls, max(m.claimed_percent) AS claimed_percent
FROM spend.counter_deltas AS d CROSS JOIN LATERAL spend._counter_movements(d.movements) AS m
GROUP BY m.budget_id, m.generation, m.period_start, m.group_hash;
COMMENT ON VIEW spend._unfolded_counters IS 'Internal: what spend.counter_deltas holds of each counter.';
COMMENT ON COLUMN spend._unfolded_counters.budget_id IS 'The budget.';
COMMENT ON COLUMN spend._unfolded_counters.generation IS 'Its meaning: a redefined budget counts anew.';
COMMENT ON COLUMN spend._unfolded_counters.period_start IS 'Start of the period; -infinity for total.';
COMMENT ON COLUMN spend._unfolded_counters.group_hash IS 'Hash of the group values; all zero without group_by.';
COMMENT ON COLUMN spend._unfolded_counters.spent IS 'Movement in the budget''s measure.';
COMMENT ON COLUMN spend._unfolded_counters.calls IS 'Rows counted.';
COMMENT ON COLUMN spend._unfolded_counters.unpriced_calls IS 'Rows among them that have no price in the budget''s currency.';
COMMENT ON COLUMN spend._unfolded_counters.claimed_percent IS 'Highest threshold that an alert was written for.';

CREATE VIEW spend._counter_totals WITH (security_barrier) AS
SELECT c.budget_id, c.generation, c.period_start, c.group_hash, c.period_end, c.group_values,
       trim_scale(c.spent + coalesce(d.spent, 0)) AS spent,
       c.calls + coalesce(d.calls, 0) AS calls,
       c.unpriced_calls + coalesce(d.unpriced_calls, 0) AS unpriced_calls,
       greatest(c.claimed_percent, d.claimed_percent) AS claimed_percent
FROM spend.counters AS c
LEFT JOIN spend._unfolded_counters AS d USING (budget_id, generation, period_start, group_hash);
COMMENT ON VIEW spend._counter_totals IS 'Internal: running totals of budgets up to the last commit: spend.counters and what is not folded into it yet.';
COMMENT ON COLUMN spend._counter_totals.budget_id IS 'The budget.';
COMMENT ON COLUMN spend._counter_totals.generation IS 'Its meaning: a redefined budget counts anew.';
COMMENT ON COLUMN spend._counter_totals.period_start IS 'Start of the period; -infinity for total.';
COMMENT ON COLUMN spend._counter_totals.group_hash IS 'Hash of the group values; all zero without group_by.';
COMMENT ON COLUMN spend._counter_totals.period_end IS 'End of the period.';
COMMENT ON COLUMN spend._counter_totals.group_values IS 'Values of the group_by dimensions.';
COMMENT ON COLUMN spend._counter_totals.spent IS 'Total in the budget''s measure.';
COMMENT ON COLUMN spend._counter_totals.calls IS 'Rows counted.';
COMMENT ON COLUMN spend._counter_totals.unpriced_calls IS 'Rows among them that have no price in the budget''s currency.';
COMMENT ON COLUMN spend._counter_totals.claimed_percent IS 'Highest threshold that an alert was written for.';

CREATE FUNCTION spend._fold_counters() RETURNS bigint
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_fold_counters';
COMMENT ON FUNCTION spend._fold_counters() IS 'Internal: folds spend.counter_deltas into spend.counters; the number of rows folded, -1 if somebody else is at it.';

CREATE FUNCTION spend._repair_counter(budget_id bigint, generation integer, period_start timestamptz, group_hash uuid) RETURNS void
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_repair_counter';
COMMENT ON FUNCTION spend._repair_counter(bigint, integer, timestamptz, uuid) IS
  'Internal: makes a counter what the rows of the ledger say, waiting for those who are moving it.';

CREATE FUNCTION spend._drifted_counters(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT in_memory numeric, OUT stored numeric
) RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'spend_drifted_counters';
COMMENT ON FUNCTION spend._drifted_counters() IS
  'Internal: counters in shared memory that differ from spend._counter_totals, of those that nobody is moving.';

CREATE FUNCTION spend._counter_differences(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT budget text, OUT group_values jsonb,
  OUT counter numeric, OUT from_rows numeric, OUT counter_calls bigint, OUT calls_from_rows bigint
) RETURNS SETOF record
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  WITH counted AS (
    SELECT c.budget_id, c.generation, c.period_start, c.group_hash, c.group_values, c.spent, c.calls, c.unpriced_calls
    FROM spend._counter_totals AS c
    JOIN spend._budget_periods() AS p USING (budget_id, generation)
  ), pending AS MATERIALIZED (
    SELECT p.budget_id, p.generation, p.period_start, p.group_hash, p.amount, p.calls, p.unpriced_calls FROM spend._pending_counters() AS p
  -- Once: the planner expects few counters, and would sum the ledger for each of them.
  ), summed AS MATERIALIZED (
    SELECT r.budget_id, r.generation, r.period_start, r.group_hash, sum(r.amount) AS amount, sum(r.calls)::bigint AS calls,
           sum(r.unpriced_calls)::bigint AS unpriced_calls
    FROM (
      SELECT c.budget_id, c.generation, c.period_start, c.group_hash, c.amount, c.calls, c.unpriced_calls
      FROM spend.usage AS u CROSS JOIN LATERAL spend._row_counters(u) AS c
      UNION ALL
      SELECT c.budget_id, c.generation, c.period_start, c.group_hash, c.amount, c.calls, c.unpriced_calls FROM spend.sealed_counters AS c
    ) AS r
    GROUP BY 1, 2, 3, 4
  ), compared AS (
    SELECT c.budget_id, c.generation, c.period_start, c.group_hash, b.name, c.group_values, c.spent + coalesce(p.amount, 0) AS counter,
           coalesce(s.amount, 0) AS from_rows,
           c.calls + coalesce(p.calls, 0) AS counter_calls, coalesce(s.calls, 0) AS calls_from_rows,
           c.unpriced_calls + coalesce(p.unpriced_calls, 0) AS counter_unpriced, coalesce(s.unpriced_calls, 0) AS unpriced_from_rows
    FROM counted AS c
    JOIN (SELECT d.budget_id, d.name FROM spend.budgets AS d) AS b USING (budget_id)
    LEFT JOIN pending AS p USING (budget_id, generation, period_start, group_hash)
    LEFT JOIN summed AS s USING (budget_id, generation, period_start, group_hash)
  ), stored_wrong AS (
    SELECT c.budget_id, c.generation, c.period_start, c.group_hash, c.name, c.group_values, c.counter, c.from_rows, c.counter_calls, c.calls_from_rows
    FROM compared AS c
    WHERE c.counter <> c.from_rows OR c.counter_calls <> c.calls_from_rows OR c.counter_unpriced <> c.unpriced_from_rows
  )
  SELECT * FROM stored_wrong
  UNION ALL
  SELECT d.budget_id, d.generation, d.period_start, d.group_hash, b.name, t.group_values, d.in_memory, d.stored, t.calls, t.calls
  FROM spend._drifted_counters() AS d
  JOIN spend._counter_totals AS t USING (budget_id, generation, period_start, group_hash)
  JOIN spend._budget_periods() AS p USING (budget_id, generation)
  JOIN spend.budgets AS b USING (budget_id)
  WHERE NOT EXISTS (SELECT FROM stored_wrong AS w
                    WHERE (w.budget_id, w.generation, w.period_start, w.group_hash) = (d.budget_id, d.generation, d.period_start, d.group_hash))
$$;
COMMENT ON FUNCTION spend._counter_differences() IS
  'Internal: counters that are not what the rows of the ledger say, and counters in shared memory that are not what is stored.';

CREATE FUNCTION spend.verify(
  repair boolean DEFAULT false, OUT budget text, OUT period_start timestamptz, OUT group_values jsonb, OUT counter numeric, OUT from_rows numeric,
  OUT difference numeric, OUT counter_calls bigint, OUT calls_from_rows bigint
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT * FROM spend._counter_differences() AS d ORDER BY d.budget_id, d.period_start, d.group_hash LOOP
    budget := found.budget;
    period_start := found.period_start;
    group_values := found.group_values;
    counter := found.counter;
    from_rows := found.from_rows;
    difference := found.counter - found.from_rows;
    counter_calls := found.counter_calls;
    calls_from_rows := found.calls_from_rows;
    RETURN NEXT;
    IF repair THEN
      PERFORM spend._repair_counter(found.budget_id, found.generation, found.period_start, found.group_hash);
    END IF;
  END LOOP;
  FOR found IN SELECT * FROM spend.verify_holds(verify.repair) LOOP
    budget := found.budget;
    period_start := found.period_start;
    group_values := found.group_values;
    counter := found.recorded;
    from_rows := found.expected;
    difference := found.recorded - found.expected;
    counter_calls := NULL;
    calls_from_rows := NULL;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.verify(boolean) IS
  'Recomputes every budget counter from the rows of the ledger, with what months held that were dropped, and returns those that differ, also where one in shared memory differs from what is stored; and what spend.verify_holds() finds, without counts of calls: no row means the counters and holds are right. With repair => true it also sets those right, waiting for the writers that use them.';

CREATE FUNCTION spend._counter_memory(
  OUT mode text, OUT counters bigint, OUT counter_capacity bigint, OUT reservations bigint, OUT reservation_capacity bigint, OUT row_groups bigint,
  OUT is_preloaded boolean
) RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'spend_counter_memory';
COMMENT ON FUNCTION spend._counter_memory() IS 'Internal: where budget counters are kept, and how full that is.';

CREATE TABLE spend.refusals (
  budget_id bigint NOT NULL,
  generation integer NOT NULL,
  period_start timestamptz NOT NULL,
  group_hash uuid NOT NULL,
  period_end timestamptz NOT NULL,
  group_values jsonb NOT NULL,
  refused_calls bigint NOT NULL,
  refused_cost numeric NOT NULL,
  first_refused_at timestamptz NOT NULL,
  last_refused_at timestamptz NOT NULL,
  PRIMARY KEY (budget_id, generation, period_start, group_hash)
) USING heap;
COMMENT ON TABLE spend.refusals IS 'Rows that reject budgets have refused (SP001), one line per counter; written by spend.maintain() from shared memory.';
COMMENT ON COLUMN spend.refusals.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.refusals.generation IS 'Its meaning, as in spend.counters.';
COMMENT ON COLUMN spend.refusals.period_start IS 'Start of the period; -infinity for total.';
COMMENT ON COLUMN spend.refusals.group_hash IS 'Hash of the group values; all zero without group_by.';
COMMENT ON COLUMN spend.refusals.period_end IS 'End of the period.';
COMMENT ON COLUMN spend.refusals.group_values IS 'Values of the group_by dimensions; {} also when they are longer than 400 bytes.';
COMMENT ON COLUMN spend.refusals.refused_calls IS 'Rows refused.';
COMMENT ON COLUMN spend.refusals.refused_cost IS 'Their cost, as far as they had a price, in the currency of their prices.';
COMMENT ON COLUMN spend.refusals.first_refused_at IS 'When the first one was refused.';
COMMENT ON COLUMN spend.refusals.last_refused_at IS 'When the last one was refused.';

CREATE FUNCTION spend._unwritten_refusals(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT period_end timestamptz, OUT group_values jsonb,
  OUT refused_calls bigint, OUT refused_cost numeric, OUT first_refused_at timestamptz, OUT last_refused_at timestamptz
) RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'spend_unwritten_refusals';
COMMENT ON FUNCTION spend._unwritten_refusals() IS 'Internal: refusals of visible budgets that stand in shared memory only.';
CREATE FUNCTION spend._take_refusals(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT period_end timestamptz, OUT group_values jsonb,
  OUT refused_calls bigint, OUT refused_cost numeric, OUT first_refused_at timestamptz, OUT last_refused_at timestamptz
) RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'spend_take_refusals';
COMMENT ON FUNCTION spend._take_refusals() IS 'Internal: the same, to be written down: they leave shared memory when this transaction commits.';

CREATE FUNCTION spend._write_refusals() RETURNS bigint
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  WITH taken AS (
    SELECT u.* FROM spend._take_refusals() AS u
  ), written AS (
    INSERT INTO spend.refusals AS r
    SELECT t.budget_id, t.generation, t.period_start, t.group_hash, t.period_end, t.group_values, t.refused_calls, t.refused_cost,
           t.first_refused_at, t.last_refused_at
    FROM taken AS t
    ON CONFLICT (budget_id, generation, period_start, group_hash) DO UPDATE
      SET refused_calls = r.refused_calls + excluded.refused_calls, refused_cost = r.refused_cost + excluded.refused_cost,
          last_refused_at = excluded.last_refused_at
    RETURNING r.*
  ), announced AS (
    -- The first time that a counter is seen here.
    INSERT INTO spend.alerts (event, budget_id, budget_name, owner, cost_center, on_exceeded, measure, period_start, period_end, group_values, group_hash, spent,
      amount, currency)
    SELECT 'budget_exhausted', b.budget_id, b.name, b.owner, b.cost_center, b.on_exceeded, b.measure, w.period_start, w.period_end, w.group_values, w.group_hash,
           coalesce(c.spent, 0),
           spend._budget_limit(b.budget_id, w.period_start, w.period_end, w.group_hash), nullif(m.currency, '')
    FROM written AS w
    JOIN spend.budgets AS b ON b.budget_id = w.budget_id
    JOIN LATERAL spend._budget_meaning(w.budget_id) AS m ON m.generation = w.generation
    LEFT JOIN spend._counter_totals AS c
      ON (c.budget_id, c.generation, c.period_start, c.group_hash) = (w.budget_id, w.generation, w.period_start, w.group_hash)
    WHERE NOT EXISTS (SELECT FROM spend.refusals AS o
                      WHERE (o.budget_id, o.generation, o.period_start, o.group_hash) = (w.budget_id, w.generation, w.period_start, w.group_hash))
    RETURNING 1
  ), told AS MATERIALIZED (
    SELECT pg_notify('spend_alert', count(*)::text) FROM announced HAVING count(*) > 0
  )
  SELECT count(*) FROM taken WHERE (SELECT count(*) FROM told) >= 0
$$;
COMMENT ON FUNCTION spend._write_refusals() IS
  'Internal: writes refusals down that stand in shared memory, with an alert for each counter that has refused for the first time; how many counters.';
