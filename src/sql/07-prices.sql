CREATE SEQUENCE spend.prices_price_id_seq;
COMMENT ON SEQUENCE spend.prices_price_id_seq IS 'Numbers of prices.';
CREATE TABLE spend.prices (
  price_id bigint PRIMARY KEY DEFAULT nextval('spend.prices_price_id_seq'),
  provider text NOT NULL,
  model text NOT NULL,
  surface text NOT NULL DEFAULT '',
  region text NOT NULL DEFAULT '',
  service_tier text NOT NULL DEFAULT 'standard',
  speed text NOT NULL DEFAULT '',
  variant text NOT NULL DEFAULT '',
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  price spend.price NOT NULL,
  source text,
  origin text NOT NULL DEFAULT 'user' CHECK (origin IN ('user', 'catalog')),
  checked_date date,
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  recorded_by name NOT NULL DEFAULT session_user,
  superseded_at timestamptz,
  CONSTRAINT prices_one_at_a_time EXCLUDE USING gist (
    provider WITH =, model WITH =, surface WITH =, region WITH =, service_tier WITH =, speed WITH =, variant WITH =, valid_during WITH &&
  ) WHERE (superseded_at IS NULL)
) USING heap;
-- In byte order, which needs no locale: a connection that prices a call or two reads the prices of these models only.
CREATE INDEX prices_by_model ON spend.prices (model COLLATE "C");
COMMENT ON TABLE spend.prices IS 'Price table: one row per SKU and time range; two live prices of one SKU never overlap.';
COMMENT ON COLUMN spend.prices.price_id IS 'Number of the price; usage.price_id names it.';
COMMENT ON COLUMN spend.prices.provider IS 'Provider, normalised.';
COMMENT ON COLUMN spend.prices.model IS 'Model as the provider names it, normalised.';
COMMENT ON COLUMN spend.prices.surface IS 'Host that serves the model where it is sold apart; '''' where it does not apply.';
COMMENT ON COLUMN spend.prices.region IS 'Region the price holds in; '''' for all.';
COMMENT ON COLUMN spend.prices.service_tier IS 'Service tier: standard, batch, flex, priority, ...';
COMMENT ON COLUMN spend.prices.speed IS 'Speed grade; '''' where it does not apply.';
COMMENT ON COLUMN spend.prices.variant IS 'Request parameters that pick the price (quality, size); '''' where it does not apply.';
COMMENT ON COLUMN spend.prices.valid_during IS 'Half-open range of the time of use.';
COMMENT ON COLUMN spend.prices.price IS 'The terms.';
COMMENT ON COLUMN spend.prices.source IS 'Where the figures come from.';
COMMENT ON COLUMN spend.prices.origin IS 'user: set by hand, catalogs leave the SKU alone. catalog: from a catalog.';
COMMENT ON COLUMN spend.prices.checked_date IS 'When the figures were last compared with the source.';
COMMENT ON COLUMN spend.prices.reason IS 'Why the price was set.';
COMMENT ON COLUMN spend.prices.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN spend.prices.recorded_by IS 'Who wrote the row.';
COMMENT ON COLUMN spend.prices.superseded_at IS 'When another row took its place for the same time range; NULL for a live price.';
ALTER SEQUENCE spend.prices_price_id_seq OWNED BY spend.prices.price_id;

CREATE FUNCTION spend._normalise_price() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.provider := spend.text_key(NEW.provider);
  NEW.model := spend.text_key(NEW.model);
  NEW.surface := spend.text_key(NEW.surface);
  NEW.region := spend.text_key(NEW.region);
  NEW.service_tier := coalesce(nullif(spend.text_key(NEW.service_tier), ''), 'standard');
  NEW.speed := spend.text_key(NEW.speed);
  NEW.variant := spend.text_key(NEW.variant);
  IF NEW.provider = '' OR NEW.model = '' THEN
    RAISE EXCEPTION 'a price needs a provider and a model'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Only surface, region, speed and variant may be empty.';
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_price() IS 'Internal: keys of prices stand in their normalised form.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.prices FOR EACH ROW EXECUTE FUNCTION spend._normalise_price();
CALL spend._watch('spend.prices');

CREATE FUNCTION spend._put_price(new spend.prices) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  starts timestamptz := lower(new.valid_during);
  ends timestamptz := upper(new.valid_during);
  next_start timestamptz;
  closed spend.prices;
BEGIN
  -- One change of a SKU at a time, and none while a catalog is imported: the second waits here instead of meeting the exclusion constraint.
  LOCK TABLE spend.prices IN ROW EXCLUSIVE MODE;
  PERFORM spend._lock('spend.prices',
    hashtext(concat_ws(chr(31), new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)));

  SELECT min(lower(p.valid_during)) INTO next_start
  FROM spend.prices AS p
  WHERE (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
      = (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)
    AND p.superseded_at IS NULL AND NOT lower_inf(p.valid_during) AND (starts IS NULL OR lower(p.valid_during) > starts);
  IF next_start IS NOT NULL AND (ends IS NULL OR next_start < ends) THEN
    ends := next_start;
  END IF;

  -- The price in force at the start: closed there, or replaced when it starts at the same moment.
  SELECT p.* INTO closed
  FROM spend.prices AS p
  WHERE (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
      = (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant)
    AND p.superseded_at IS NULL
    AND (CASE WHEN starts IS NULL THEN lower_inf(p.valid_during) ELSE p.valid_during @> starts END)
  FOR UPDATE;
  IF FOUND THEN
    IF lower(closed.valid_during) IS NOT DISTINCT FROM starts THEN
      UPDATE spend.prices AS p SET superseded_at = now() WHERE p.price_id = closed.price_id;
    ELSE
      UPDATE spend.prices AS p SET valid_during = tstzrange(lower(closed.valid_during), starts) WHERE p.price_id = closed.price_id;
    END IF;
  END IF;

  INSERT INTO spend.prices (provider, model, surface, region, service_tier, speed, variant, valid_during, price, source, origin, checked_date, reason)
  VALUES (new.provider, new.model, new.surface, new.region, new.service_tier, new.speed, new.variant, tstzrange(starts, ends),
          new.price, new.source, new.origin, new.checked_date, new.reason)
  RETURNING price_id INTO new.price_id;
  RETURN new.price_id;
END
$$;
COMMENT ON FUNCTION spend._put_price(spend.prices) IS 'Internal: inserts a price and closes the one in force at its start.';

CREATE FUNCTION spend.set_price(
  provider text, model text, price spend.price, valid_from timestamptz DEFAULT now(), region text DEFAULT '',
  service_tier text DEFAULT 'standard', surface text DEFAULT '', speed text DEFAULT '', variant text DEFAULT '', reason text DEFAULT NULL
) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  new spend.prices;
  affected bigint;
  waiting bigint;
BEGIN
  IF provider IS NULL OR model IS NULL OR price IS NULL OR valid_from IS NULL THEN
    RAISE EXCEPTION 'provider, model, price and valid_from must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF valid_from = 'infinity' THEN
    RAISE EXCEPTION 'valid_from must not be infinity'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'A price that holds always is valid from -infinity.';
  END IF;
  new.provider := spend.text_key(provider);
  new.model := spend.text_key(model);
  new.surface := coalesce(spend.text_key(surface), '');
  new.region := coalesce(spend.text_key(region), '');
  new.service_tier := coalesce(nullif(spend.text_key(service_tier), ''), 'standard');
  new.speed := coalesce(spend.text_key(speed), '');
  new.variant := coalesce(spend.text_key(variant), '');
  new.valid_during := tstzrange(nullif(valid_from, '-infinity'), NULL);
  new.price := price;
  new.origin := 'user';
  new.checked_date := current_date;
  new.reason := reason;
  new.price_id := spend._put_price(new);

  SELECT count(*), count(*) FILTER (WHERE u.cost IS NULL) INTO affected, waiting
  FROM spend.usage AS u
  WHERE u.occurred_at >= valid_from AND coalesce(u.started_at, u.occurred_at) >= valid_from AND u.pricing_status IS DISTINCT FROM 'voided'
    AND spend._model_form(coalesce(nullif(u.response_model, ''), u.request_model)) = spend._model_form(new.model)
    AND (u.provider IS NULL OR spend.text_key(u.provider) IN ('', new.provider));
  IF waiting > 0 THEN
    RAISE NOTICE '% usage rows since % keep the cost they were given, % of them none', affected, valid_from, waiting
      USING HINT = format('SELECT * FROM spend.reprice(%L, filter => ''{"pricing_status": "unpriced"}'') prices the rows that waited for it; without the filter it corrects all.', valid_from);
  ELSIF affected > 0 THEN
    RAISE NOTICE '% usage rows since % keep the cost they were given', affected, valid_from
      USING HINT = format('A later price never changes a recorded row by itself; SELECT * FROM spend.reprice(%L, dry_run => true) says what re-rating would change.', valid_from);
  END IF;
  RETURN new.price_id;
END
$$;
COMMENT ON FUNCTION spend.set_price(text, text, spend.price, timestamptz, text, text, text, text, text, text) IS
  'Sets the price of one SKU from a time on: closes the price in force and opens the new one in one call; says how many recorded rows keep theirs. Returns the number of the new price.';
