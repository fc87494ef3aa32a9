CREATE FUNCTION spend._catalog() RETURNS text
  LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'spend_catalog';
COMMENT ON FUNCTION spend._catalog() IS 'Internal: the price catalog shipped with the installed extension.';

CREATE FUNCTION spend.load_catalog(OUT added bigint, OUT closed bigint, OUT unchanged bigint, OUT skipped bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT count(l.price_id), count(*) FILTER (WHERE l.action = 'closed'), count(*) FILTER (WHERE l.action = 'unchanged'),
         count(*) FILTER (WHERE l.action = 'skipped')
  INTO added, closed, unchanged, skipped
  FROM spend._apply_import('pg_spend', spend._catalog()::jsonb, '-infinity') AS l;
  CALL spend._propose_model_tiers();
END
$$;
COMMENT ON FUNCTION spend.load_catalog() IS
  'Loads the shipped price catalog: adds what is new, closes ranges instead of overwriting them, leaves every SKU alone that has a price set by hand. Loading it again changes nothing.';
