-- A view of one's own depends on ours column by column, ours on those under it, and so on. pg_dump -Fc and -Fd follow every path through
-- what they do not dump themselves: millions of millions of them, through views of several floors. So the public view of such a building reads a
-- function, whose body is a text and depends on nothing. The planner puts the body in its place, as that of any other view: conditions reach all
-- that they have reached before, and the types with their decimals cost nothing. For that the functions pin no path, and name nothing that one could lead to.
DO $$
DECLARE
  view name;
  body name;
  source name;
  item record;
BEGIN
  FOREACH view IN ARRAY ARRAY['focus', 'focus_1_2', 'efficiency', 'spend_change', 'coverage', 'data_quality'] LOOP
    body := '_' || view;
    source := '_' || view || '_rows';
    SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, NULL)), ', ' ORDER BY a.attnum) AS columns,
           string_agg(format('r.%I::%s AS %1$I', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) AS outputs,
           obj_description(format('spend.%I', view)::regclass, 'pg_class') AS comment
    INTO item
    FROM pg_attribute AS a WHERE a.attrelid = format('spend.%I', view)::regclass AND a.attnum > 0;
    EXECUTE format('ALTER VIEW spend.%I RENAME TO %I', view, body);
    EXECUTE format('CREATE FUNCTION spend.%I() RETURNS TABLE (%s) LANGUAGE sql STABLE AS %L', source, item.columns, format('SELECT v.* FROM spend.%I AS v', body));
    EXECUTE format('CREATE VIEW spend.%I WITH (security_barrier) AS SELECT %s FROM spend.%I() AS r', view, item.outputs, source);
    EXECUTE format('COMMENT ON VIEW spend.%I IS %L', view, item.comment);
    EXECUTE format('COMMENT ON VIEW spend.%I IS %L', body, format('Internal: spend.%s.', view));
    EXECUTE format('COMMENT ON FUNCTION spend.%I() IS %L', source, format('Internal: the rows of spend.%s.', view));
    FOR item IN
      SELECT a.attname, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute AS a WHERE a.attrelid = format('spend.%I', body)::regclass AND a.attnum > 0
    LOOP
      EXECUTE format('COMMENT ON COLUMN spend.%I.%I IS %L', view, item.attname, item.comment);
      EXECUTE format('COMMENT ON COLUMN spend.%I.%I IS %L', body, item.attname, format('Internal: as in spend.%s.', view));
    END LOOP;
  END LOOP;
END
$$;
