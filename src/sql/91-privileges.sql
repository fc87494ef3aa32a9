-- Nothing for PUBLIC but the types' own functions: they touch no table, and operators and casts need them. Nothing either for roles that
-- ALTER DEFAULT PRIVILEGES names; who may do what is for spend.grant_access() to say.
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT c.oid::regclass AS relation FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') LOOP
    CALL spend._make_private(item.relation);
  END LOOP;
  FOR item IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
    FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    WHERE n.nspname = 'spend' AND a.grantee <> n.nspowner
  LOOP
    EXECUTE format('REVOKE ALL ON SCHEMA spend FROM %s', item.grantee);
  END LOOP;
  FOR item IN
    SELECT DISTINCT p.oid::regprocedure AS signature, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
    FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE a.grantee <> p.proowner AND p.pronamespace = 'spend'::regnamespace
      AND NOT (p.provolatile = 'i' AND p.prokind IN ('f', 'a') AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname IN ('c'))
               OR p.prokind = 'a')
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s', item.signature, item.grantee);
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
