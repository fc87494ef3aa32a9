-- Leaves for the tables that are compared with the ledger: the same ranges and indexes as the ledger's own leaves have.
CREATE PROCEDURE bench.make_leaves(parent regclass) LANGUAGE plpgsql AS $$
DECLARE
  leaf record;
  name name;
  definition text;
BEGIN
  FOR leaf IN
    SELECT c.oid, c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'spend.usage'::regclass
  LOOP
    name := (SELECT relname FROM pg_class WHERE oid = parent) || substr(leaf.relname, length('usage') + 1);
    EXECUTE format('CREATE TABLE bench.%I PARTITION OF %s %s', name, parent, leaf.bound);
    EXECUTE format('ALTER TABLE bench.%I ADD PRIMARY KEY (usage_id)', name);
    FOR definition IN SELECT substring(pg_get_indexdef(indexrelid) FROM ' USING .*') FROM pg_index WHERE indrelid = leaf.oid AND NOT indisprimary LOOP
      EXECUTE format('CREATE INDEX ON bench.%I%s', name, definition);
    END LOOP;
  END LOOP;
END
$$;
