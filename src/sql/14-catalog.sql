CREATE FUNCTION spend._catalog() RETURNS text
  LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'spend_catalog';
COMMENT ON FUNCTION spend._catalog() IS 'Internal: the price catalog shipped with the installed extension.';

CREATE FUNCTION spend.load_catalog(OUT added bigint, OUT closed bigint, OUT unchanged bigint, OUT skipped bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  entry record;
  new spend.prices;
  live spend.prices;
BEGIN
  added := 0;
  closed := 0;
  unchanged := 0;
  skipped := 0;
  FOR entry IN
    SELECT p.provider, p.model, coalesce(p.surface, '') AS surface, coalesce(p.region, '') AS region,
           coalesce(p.service_tier, 'standard') AS service_tier, coalesce(p.speed, '') AS speed, coalesce(p.variant, '') AS variant,
           p.valid_from, p.valid_until, p.price::spend.price AS price, p.source, p.checked
    FROM jsonb_to_recordset(spend._catalog()::jsonb -> 'prices') AS p(
      provider text, model text, surface text, region text, service_tier text, speed text, variant text,
      valid_from timestamptz, valid_until timestamptz, price jsonb, source text, checked date)
    ORDER BY p.valid_from NULLS FIRST
  LOOP
    new := NULL;
    new.provider := spend.text_key(entry.provider);
    new.model := spend.text_key(entry.model);
    new.surface := spend.text_key(entry.surface);
    new.region := spend.text_key(entry.region);
    new.service_tier := spend.text_key(entry.service_tier);
    new.speed := spend.text_key(entry.speed);
    new.variant := spend.text_key(entry.variant);
    -- A price that somebody set by hand is theirs: the SKU is left alone.
    PERFORM FROM spend.prices AS p
    WHERE (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
        = (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)
      AND p.origin = 'user';
    IF FOUND THEN
      skipped := skipped + 1;
      CONTINUE;
    END IF;
    SELECT p.* INTO live FROM spend.prices AS p
    WHERE (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
        = (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)
      AND p.superseded_at IS NULL AND p.price OPERATOR(spend.=) entry.price
      AND p.valid_during && tstzrange(entry.valid_from, entry.valid_until)
    LIMIT 1;
    IF FOUND THEN
      unchanged := unchanged + 1;
      CONTINUE;
    END IF;
    new.price := entry.price;
    new.source := entry.source;
    new.origin := 'catalog';
    new.checked_date := entry.checked;
    new.valid_during := tstzrange(entry.valid_from, entry.valid_until);
    -- Where another price already stands for the same open past, the new one holds from the day it was seen: history is closed, not rewritten.
    PERFORM FROM spend.prices AS p
    WHERE (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
        = (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)
      AND p.superseded_at IS NULL AND p.valid_during && new.valid_during;
    IF FOUND THEN
      IF entry.valid_from IS NULL THEN
        IF entry.valid_until <= entry.checked THEN
          unchanged := unchanged + 1;
          CONTINUE;
        END IF;
        new.valid_during := tstzrange(entry.checked::timestamp AT TIME ZONE 'UTC', entry.valid_until);
      END IF;
      closed := closed + 1;
    END IF;
    PERFORM spend._put_price(new);
    added := added + 1;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.load_catalog() IS
  'Loads the shipped price catalog: adds what is new, closes ranges instead of overwriting them, leaves every SKU alone that has a price set by hand. Loading it again changes nothing.';
