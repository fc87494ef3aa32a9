-- Queries over sums are not compiled to machine code, whatever the planner takes them to cost; others are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE FUNCTION regress.is_compiled(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF) ' || query LOOP
    IF line LIKE '%JIT:%' THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 1);
SET jit = on;
SET jit_above_cost = 0;
SELECT name, regress.is_compiled('SELECT * FROM spend.' || name) AS is_compiled
FROM unnest(ARRAY['chargeback_monthly', 'daily_spend', 'efficiency', 'focus', 'spend_by_model', 'spend_change', 'unit_costs', 'weekly_report']) AS name;
SELECT regress.is_compiled('SELECT sum(i) FROM generate_series(1, 10) AS i') = pg_jit_available() AS others_are;
SELECT regress.is_compiled('SELECT sum(cost) FROM spend.usage') = pg_jit_available() AS rows_are;
