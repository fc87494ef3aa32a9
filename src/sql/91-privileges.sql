-- Nothing for PUBLIC but the types' own functions: they touch no table, and operators and casts need them.
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT p.oid::regprocedure AS signature
    FROM pg_proc AS p
    WHERE p.pronamespace = 'spend'::regnamespace
      AND NOT (p.provolatile = 'i' AND p.prokind IN ('f', 'a') AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname IN ('c'))
               OR p.prokind = 'a')
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', item.signature);
  END LOOP;
END
$$;

-- Extension scripts run with notices off ("warning"); somebody who asked for fewer messages than that still gets none.
DO $$
BEGIN
  IF current_setting('client_min_messages') = 'warning' THEN
    PERFORM set_config('client_min_messages', 'notice', true);
  END IF;
  RAISE NOTICE 'pg_spend is installed'
    USING HINT = 'Next: SELECT spend.load_catalog(); SELECT spend.maintain(); then INSERT INTO spend.usage.';
END
$$;
