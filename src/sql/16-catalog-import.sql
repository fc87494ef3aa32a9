CREATE TYPE spend.import_line AS (
  name text, provider text, model text, surface text, region text, service_tier text, speed text, variant text, alias text,
  action text, reason text, valid_from timestamptz, price spend.price, old_price spend.price,
  currency text, calls_30d bigint, unpriced_30d bigint, cost_30d numeric, new_cost_30d numeric, price_id bigint
);
COMMENT ON TYPE spend.import_line IS 'One line of the report of spend.import_catalog(): what the import does, or would do, to one price.';
COMMENT ON COLUMN spend.import_line.name IS 'The entry as the document calls it.';
COMMENT ON COLUMN spend.import_line.provider IS 'Provider of the SKU, under our name.';
COMMENT ON COLUMN spend.import_line.model IS 'Model of the SKU.';
COMMENT ON COLUMN spend.import_line.surface IS 'Surface of the SKU; '''' where it does not apply.';
COMMENT ON COLUMN spend.import_line.region IS 'Region of the SKU; '''' for all.';
COMMENT ON COLUMN spend.import_line.service_tier IS 'Service tier of the SKU.';
COMMENT ON COLUMN spend.import_line.speed IS 'Speed grade of the SKU; '''' where it does not apply.';
COMMENT ON COLUMN spend.import_line.variant IS 'Variant of the SKU; '''' where it does not apply.';
COMMENT ON COLUMN spend.import_line.alias IS
  'On a line about a name and no price: the further name, or pattern with "*", that the document gives the model; quarantined, the clause as it stands there. NULL on lines of prices.';
COMMENT ON COLUMN spend.import_line.action IS
  'added: a price where none was. closed: the price in force was closed and this one follows. unchanged. skipped: somebody set a price of this SKU by hand. quarantined: not imported.';
COMMENT ON COLUMN spend.import_line.reason IS 'Why; for an imported price, what was cleaned, left out or assumed; for a name that was closed, what it stood for.';
COMMENT ON COLUMN spend.import_line.valid_from IS 'From when the new price holds; NULL when nothing changes.';
COMMENT ON COLUMN spend.import_line.price IS 'The price that the document states.';
COMMENT ON COLUMN spend.import_line.old_price IS 'The price that was closed.';
COMMENT ON COLUMN spend.import_line.currency IS 'In a dry run: the currency of cost_30d and new_cost_30d.';
COMMENT ON COLUMN spend.import_line.calls_30d IS 'In a dry run: calls of the last 30 days that this price would have priced.';
COMMENT ON COLUMN spend.import_line.unpriced_30d IS 'In a dry run: how many of them have no cost in that currency today.';
COMMENT ON COLUMN spend.import_line.cost_30d IS 'In a dry run: what these calls cost, at list prices.';
COMMENT ON COLUMN spend.import_line.new_cost_30d IS 'In a dry run: what they would have cost, had this price held all the time.';
COMMENT ON COLUMN spend.import_line.price_id IS 'Number of the new price; NULL in a dry run.';

CREATE FUNCTION spend._plan_import(
  format text, document jsonb, effective_from timestamptz,
  OUT step text, OUT name text, OUT provider text, OUT model text, OUT surface text, OUT region text, OUT service_tier text, OUT speed text,
  OUT variant text, OUT alias text, OUT row_id bigint, OUT range_from timestamptz, OUT range_until timestamptz, OUT price spend.price, OUT source text,
  OUT checked timestamptz, OUT action text, OUT reason text
) RETURNS SETOF record
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_plan_import';
COMMENT ON FUNCTION spend._plan_import(text, jsonb, timestamptz) IS
  'Internal: the steps that bring a catalog into spend.prices (close, replace, insert) and spend.model_aliases (close, delete, insert alias), and after those of each price or alias a line of the report.';

CREATE FUNCTION spend._priced(usage spend.usage, OUT price_id bigint, OUT list_cost numeric, OUT currency text) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_priced';
COMMENT ON FUNCTION spend._priced(spend.usage) IS
  'Internal: how the prices of this moment price the row, at its own time; no row when its counts cannot be priced.';

CREATE FUNCTION spend._apply_import(format text, document jsonb, effective_from timestamptz) RETURNS SETOF spend.import_line
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  step record;
  line spend.import_line;
BEGIN
  -- Two imports at once: the second waits here, then finds what the first has done. set_price() waits for it, and it for set_price().
  LOCK TABLE spend.prices, spend.model_aliases IN SHARE ROW EXCLUSIVE MODE;
  FOR step IN SELECT s.* FROM spend._plan_import(format, document, effective_from) AS s LOOP
    CASE step.step
      WHEN 'close' THEN
        UPDATE spend.prices AS p SET valid_during = tstzrange(lower(p.valid_during), step.range_until)
        WHERE p.price_id = step.row_id RETURNING p.price INTO line.old_price;
      WHEN 'replace' THEN
        UPDATE spend.prices AS p SET superseded_at = now() WHERE p.price_id = step.row_id RETURNING p.price INTO line.old_price;
      WHEN 'insert' THEN
        INSERT INTO spend.prices AS p (provider, model, surface, region, service_tier, speed, variant, valid_during, price, source, origin, checked_date)
        VALUES (step.provider, step.model, step.surface, step.region, step.service_tier, step.speed, step.variant,
                tstzrange(nullif(step.range_from, '-infinity'), nullif(step.range_until, 'infinity')), step.price, step.source, 'catalog',
                (coalesce(step.checked, now()) AT TIME ZONE 'UTC')::date)
        RETURNING p.price_id INTO line.price_id;
      WHEN 'close alias' THEN
        UPDATE spend.model_aliases AS a SET valid_during = tstzrange(lower(a.valid_during), step.range_until) WHERE a.alias_id = step.row_id;
      WHEN 'delete alias' THEN
        DELETE FROM spend.model_aliases AS a WHERE a.alias_id = step.row_id;
      WHEN 'insert alias' THEN
        INSERT INTO spend.model_aliases (alias, provider, model, for_provider, valid_during, origin, reason)
        VALUES (step.alias, step.provider, step.model, step.provider,
                tstzrange(nullif(step.range_from, '-infinity'), nullif(step.range_until, 'infinity')), 'catalog', format);
      ELSE
        line.name := step.name;
        line.provider := step.provider;
        line.model := step.model;
        line.surface := step.surface;
        line.region := step.region;
        line.service_tier := step.service_tier;
        line.speed := step.speed;
        line.variant := step.variant;
        line.alias := step.alias;
        line.action := step.action;
        line.reason := step.reason;
        line.valid_from := step.range_from;
        line.price := step.price;
        RETURN NEXT line;
        line := NULL;
    END CASE;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend._apply_import(text, jsonb, timestamptz) IS 'Internal: imports a catalog and reports.';

CREATE FUNCTION spend._price_impact(price_ids bigint[], OUT price_id bigint, OUT currency text, OUT calls bigint, OUT unpriced bigint, OUT cost numeric, OUT new_cost numeric)
  RETURNS SETOF record
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- The prices in question hold all the time, and no other of their SKUs does. The caller rolls this back.
  UPDATE spend.prices AS p SET superseded_at = now()
  FROM spend.prices AS n
  WHERE n.price_id = ANY (price_ids) AND p.price_id <> n.price_id AND p.superseded_at IS NULL
    AND (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
      = (n.provider, n.model, n.surface, n.region, n.service_tier, n.speed, n.variant);
  UPDATE spend.prices AS p SET valid_during = '(,)' WHERE p.price_id = ANY (price_ids);
  RETURN QUERY
  SELECT n.price_id, n.currency, count(*), count(*) FILTER (WHERE u.cost IS NULL OR u.currency IS DISTINCT FROM n.currency),
         trim_scale(sum(coalesce(u.list_cost, u.cost)) FILTER (WHERE u.currency = n.currency)), trim_scale(sum(n.list_cost))
  FROM spend.usage AS u
  CROSS JOIN LATERAL spend._priced(u) AS n
  WHERE u.occurred_at >= now() - interval '30 days' AND u.occurred_at <= now() AND u.pricing_status IS DISTINCT FROM 'voided' AND n.price_id = ANY (price_ids)
  GROUP BY n.price_id, n.currency;
END
$$;
COMMENT ON FUNCTION spend._price_impact(bigint[]) IS
  'Internal: what the usage of the last 30 days costs under these prices. Changes the price table: only for a subtransaction that is rolled back.';

CREATE FUNCTION spend.import_catalog(
  format text, document jsonb, effective_from timestamptz DEFAULT now(), dry_run boolean DEFAULT false
) RETURNS SETOF spend.import_line
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines spend.import_line[];
  line spend.import_line;
  impacts jsonb;
BEGIN
  IF format IS NULL OR document IS NULL OR effective_from IS NULL OR dry_run IS NULL THEN
    RAISE EXCEPTION 'format, document, effective_from and dry_run must not be null'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Use -infinity to import the prices for all times.';
  END IF;
  IF NOT dry_run THEN
    RETURN QUERY SELECT l.* FROM spend._apply_import(format, document, effective_from) AS l;
    RETURN;
  END IF;
  -- A dry run is the real thing, taken back: the report cannot differ from what the import would do.
  BEGIN
    lines := ARRAY(SELECT l FROM spend._apply_import(format, document, effective_from) AS l);
    -- Of several prices of one SKU, the last is what it comes to.
    SELECT coalesce(jsonb_object_agg(i.price_id, to_jsonb(i)), '{}') INTO impacts
    FROM spend._price_impact(ARRAY(
      SELECT DISTINCT ON (l.provider, l.model, l.surface, l.region, l.service_tier, l.speed, l.variant) l.price_id
      FROM unnest(lines) AS l WHERE l.price_id IS NOT NULL
      ORDER BY l.provider, l.model, l.surface, l.region, l.service_tier, l.speed, l.variant, l.valid_from DESC)) AS i;
    RAISE EXCEPTION 'dry run' USING ERRCODE = 'SPDRY';
  EXCEPTION WHEN SQLSTATE 'SPDRY' THEN
    NULL;
  END;
  FOREACH line IN ARRAY lines LOOP
    IF line.price_id IS NOT NULL THEN
      line.calls_30d := coalesce((impacts #>> ARRAY[line.price_id::text, 'calls'])::bigint, 0);
      line.unpriced_30d := coalesce((impacts #>> ARRAY[line.price_id::text, 'unpriced'])::bigint, 0);
      line.currency := impacts #>> ARRAY[line.price_id::text, 'currency'];
      line.cost_30d := (impacts #>> ARRAY[line.price_id::text, 'cost'])::numeric;
      line.new_cost_30d := (impacts #>> ARRAY[line.price_id::text, 'new_cost'])::numeric;
      line.price_id := NULL;
    END IF;
    RETURN NEXT line;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend.import_catalog(text, jsonb, timestamptz, boolean) IS
  'Imports a price catalog: format litellm, genai-prices or pg_spend. Fills gaps, closes ranges instead of overwriting them, changes nothing before effective_from, leaves every SKU alone that has a price set by hand, and quarantines what cannot be right. Returns a line for each price; the second import of a document changes nothing. With dry_run nothing is changed, and each changed price says what the last 30 days would have cost. For administrators.';

CREATE FUNCTION spend.price_impact(
  provider text, model text, price spend.price, region text DEFAULT '', service_tier text DEFAULT 'standard', surface text DEFAULT '',
  speed text DEFAULT '', variant text DEFAULT '',
  OUT currency text, OUT calls_30d bigint, OUT unpriced_30d bigint, OUT cost_30d numeric, OUT new_cost_30d numeric
)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  new_price_id bigint;
BEGIN
  IF provider IS NULL OR model IS NULL OR price IS NULL THEN
    RAISE EXCEPTION 'provider, model and price must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  BEGIN
    -- Beyond all times: it is widened afterwards, once the others have made room.
    INSERT INTO spend.prices AS p (provider, model, price, region, service_tier, surface, speed, variant, superseded_at)
    VALUES (provider, model, price, coalesce(region, ''), coalesce(service_tier, 'standard'), coalesce(surface, ''), coalesce(speed, ''), coalesce(variant, ''), now())
    RETURNING p.price_id INTO new_price_id;
    UPDATE spend.prices AS p SET superseded_at = now()
    FROM spend.prices AS n
    WHERE n.price_id = new_price_id AND p.superseded_at IS NULL
      AND (p.provider, p.model, p.surface, p.region, p.service_tier, p.speed, p.variant)
        = (n.provider, n.model, n.surface, n.region, n.service_tier, n.speed, n.variant);
    UPDATE spend.prices AS p SET superseded_at = NULL WHERE p.price_id = new_price_id;
    SELECT i.currency, i.calls, i.unpriced, i.cost, i.new_cost INTO currency, calls_30d, unpriced_30d, cost_30d, new_cost_30d
    FROM spend._price_impact(ARRAY[new_price_id]) AS i;
    RAISE EXCEPTION 'dry run' USING ERRCODE = 'SPDRY';
  EXCEPTION WHEN SQLSTATE 'SPDRY' THEN
    calls_30d := coalesce(calls_30d, 0);
    unpriced_30d := coalesce(unpriced_30d, 0);
  END;
END
$$;
COMMENT ON FUNCTION spend.price_impact(text, text, spend.price, text, text, text, text, text) IS
  'The dry run of spend.set_price(): how many calls of the last 30 days this price would have priced, how many of them have no cost in its currency today, what the others cost at list prices, and what all would have cost. Changes nothing. For administrators.';
