-- What was believed when. spend.prices says what is believed now; whenever a row of it changes or goes, the version that was believed
-- until then is kept here, whoever changed it and however.
CREATE TABLE spend.price_history (
  price_id bigint NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  surface text NOT NULL,
  region text NOT NULL,
  service_tier text NOT NULL,
  speed text NOT NULL,
  variant text NOT NULL,
  valid_during tstzrange NOT NULL,
  price spend.price NOT NULL,
  source text,
  origin text NOT NULL,
  checked_date date,
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by name NOT NULL,
  believed_during tstzrange NOT NULL
) USING heap;
CREATE INDEX price_history_price_id_idx ON spend.price_history (price_id);
COMMENT ON TABLE spend.price_history IS
  'Versions of prices that are no longer believed, with the time when they were: written when a row of spend.prices is changed or deleted, never changed itself.';
COMMENT ON COLUMN spend.price_history.price_id IS 'Number of the price, as in spend.prices.';
COMMENT ON COLUMN spend.price_history.provider IS 'Provider, normalised.';
COMMENT ON COLUMN spend.price_history.model IS 'Model, normalised.';
COMMENT ON COLUMN spend.price_history.surface IS 'Surface; '''' where it does not apply.';
COMMENT ON COLUMN spend.price_history.region IS 'Region; '''' for all.';
COMMENT ON COLUMN spend.price_history.service_tier IS 'Service tier.';
COMMENT ON COLUMN spend.price_history.speed IS 'Speed grade; '''' where it does not apply.';
COMMENT ON COLUMN spend.price_history.variant IS 'Variant; '''' where it does not apply.';
COMMENT ON COLUMN spend.price_history.valid_during IS 'Time of use for which this price was believed to hold.';
COMMENT ON COLUMN spend.price_history.price IS 'The terms.';
COMMENT ON COLUMN spend.price_history.source IS 'Where the figures came from.';
COMMENT ON COLUMN spend.price_history.origin IS 'user or catalog.';
COMMENT ON COLUMN spend.price_history.checked_date IS 'When the figures were last compared with the source.';
COMMENT ON COLUMN spend.price_history.reason IS 'Why the price was set.';
COMMENT ON COLUMN spend.price_history.recorded_at IS 'When the price was first written.';
COMMENT ON COLUMN spend.price_history.recorded_by IS 'Who wrote it.';
COMMENT ON COLUMN spend.price_history.believed_during IS 'From when to when this version stood in spend.prices.';

CREATE FUNCTION spend._believed_price(price spend.prices) RETURNS SETOF spend.price_history
  LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  -- A superseded version was no longer believed; one that this very transaction wrote never was.
  SELECT price.price_id, price.provider, price.model, price.surface, price.region, price.service_tier, price.speed, price.variant, price.valid_during,
         price.price, price.source, price.origin, price.checked_date, price.reason, price.recorded_at, price.recorded_by, tstzrange(b.since, now())
  FROM (SELECT greatest(price.recorded_at, max(upper(h.believed_during))) AS since FROM spend.price_history AS h WHERE h.price_id = price.price_id) AS b
  WHERE price.superseded_at IS NULL AND b.since < now()
$$;
COMMENT ON FUNCTION spend._believed_price(spend.prices) IS 'Internal: what price_history keeps of a price that is about to change; no row when it was not believed.';

CREATE FUNCTION spend._keep_price_history() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO spend.price_history SELECT v.* FROM spend.prices AS p CROSS JOIN LATERAL spend._believed_price(p) AS v;
  ELSE
    INSERT INTO spend.price_history SELECT v.* FROM spend._believed_price(OLD) AS v;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._keep_price_history() IS 'Internal: keeps the version of a price that was believed until now.';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON spend.prices FOR EACH ROW EXECUTE FUNCTION spend._keep_price_history();
CREATE TRIGGER keep_all_history BEFORE TRUNCATE ON spend.prices FOR EACH STATEMENT EXECUTE FUNCTION spend._keep_price_history();

CREATE FUNCTION spend.prices_as_of(believed_at timestamptz) RETURNS SETOF spend.prices
  LANGUAGE sql STABLE STRICT ROWS 1000 SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.*
  FROM spend.prices AS p
  WHERE (p.superseded_at IS NULL OR p.superseded_at > believed_at) AND p.recorded_at <= believed_at
    AND NOT EXISTS (SELECT FROM spend.price_history AS h WHERE h.price_id = p.price_id AND upper(h.believed_during) > believed_at)
  UNION ALL
  SELECT h.price_id, h.provider, h.model, h.surface, h.region, h.service_tier, h.speed, h.variant, h.valid_during, h.price, h.source, h.origin,
         h.checked_date, h.reason, h.recorded_at, h.recorded_by, upper(h.believed_during)
  FROM spend.price_history AS h
  WHERE h.believed_during @> believed_at
$$;
COMMENT ON FUNCTION spend.prices_as_of(timestamptz) IS
  'The price table as it was believed at a time; valid_during says for which time of use. superseded_at is when a version ceased to be believed. For administrators.';
