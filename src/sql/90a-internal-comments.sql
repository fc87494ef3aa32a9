-- Columns of internal views are what they are named after in the tables; those of which there is more to say have said it.
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT c.oid::regclass AS view, a.attname
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND starts_with(c.relname, '_') AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.view, item.attname, 'Internal: as in the tables.');
  END LOOP;
END
$$;
