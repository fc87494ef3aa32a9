-- What was used, and what for. Rollups keep rows of different kinds apart; as dimensions have attributions, kinds have a dictionary.

-- No unique key: under one, two writers of a new kind would wait for each other, or fail under REPEATABLE READ.
CREATE TABLE spend.usage_kinds (
  kind_id uuid NOT NULL,
  provider text,
  model text,
  surface text,
  region text,
  service_tier text,
  speed text,
  variant text,
  currency text,
  price_id bigint,
  operation text,
  route text,
  purpose text,
  pricing_status text,
  pricing_reason text,
  source text,
  first_seen_at timestamptz DEFAULT now()
) USING heap;
CREATE INDEX usage_kinds_kind_id_idx ON spend.usage_kinds (kind_id);
COMMENT ON TABLE spend.usage_kinds IS
  'Dictionary of kinds of usage: every combination of what usage rows carried of SKU, price, operation, route and purpose, under its content hash. Append-only; an id may stand twice.';
COMMENT ON COLUMN spend.usage_kinds.kind_id IS '128-bit BLAKE2b hash of the values.';
COMMENT ON COLUMN spend.usage_kinds.provider IS 'Provider as sent, normalised.';
COMMENT ON COLUMN spend.usage_kinds.model IS 'Model that answered, else that was asked for, normalised.';
COMMENT ON COLUMN spend.usage_kinds.surface IS 'Host that served the model, normalised.';
COMMENT ON COLUMN spend.usage_kinds.region IS 'Region, normalised.';
COMMENT ON COLUMN spend.usage_kinds.service_tier IS 'Service tier, normalised; standard when not given.';
COMMENT ON COLUMN spend.usage_kinds.speed IS 'Speed grade, normalised.';
COMMENT ON COLUMN spend.usage_kinds.variant IS 'Variant, normalised.';
COMMENT ON COLUMN spend.usage_kinds.currency IS 'Currency of the cost; NULL for unpriced usage.';
COMMENT ON COLUMN spend.usage_kinds.price_id IS 'Price that priced the usage.';
COMMENT ON COLUMN spend.usage_kinds.operation IS 'Operation, normalised.';
COMMENT ON COLUMN spend.usage_kinds.route IS 'Route, normalised.';
COMMENT ON COLUMN spend.usage_kinds.purpose IS 'Purpose, normalised.';
COMMENT ON COLUMN spend.usage_kinds.pricing_status IS 'usage.pricing_status.';
COMMENT ON COLUMN spend.usage_kinds.pricing_reason IS 'usage.pricing_reason, of usage that was not simply priced.';
COMMENT ON COLUMN spend.usage_kinds.source IS 'App or feed that wrote the usage, normalised.';
COMMENT ON COLUMN spend.usage_kinds.first_seen_at IS 'When the kind was first stored.';
-- Not on INSERT: writers append here, and their caches know what they appended.
CREATE TRIGGER invalidate_row AFTER UPDATE OR DELETE ON spend.usage_kinds FOR EACH ROW EXECUTE FUNCTION spend.invalidate();
CREATE TRIGGER invalidate_all AFTER TRUNCATE ON spend.usage_kinds FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate();
ALTER TABLE spend.usage_kinds ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;

CREATE FUNCTION spend.outcome(status text, blocked_reason text DEFAULT NULL) RETURNS text
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_outcome';
COMMENT ON FUNCTION spend.outcome(text, text) IS
  'How a call ended: failed, abandoned, blocked or ok, from the words of its status (error, timeout; cancelled; refused, content_filter; ...). With a blocked_reason it was blocked; a status that is not known counts as ok.';

CREATE FUNCTION spend._base_price(price spend.price) RETURNS spend.price
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('currency', p.terms -> 'currency', 'rates', coalesce(r.rates, '{}'))::text::spend.price
  FROM (SELECT price::jsonb AS terms) AS p
  CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(m.key, CASE jsonb_typeof(m.value) WHEN 'object' THEN m.value -> 'base' ELSE m.value END) AS rates
    FROM jsonb_each(p.terms -> 'rates') AS m
  ) AS r
$$;
COMMENT ON FUNCTION spend._base_price(spend.price) IS 'Internal: the price of a short request that meets no condition; it prices a sum as it prices the parts.';

-- The SKU has an id of its own, by which views group: one comparison instead of eight.
CREATE VIEW spend._kinds WITH (security_barrier) AS
SELECT k.*,
       m.tier,
       -- What a million input tokens from the cache cost less than others, in a short request and before customer terms.
       1000 * ((t.untimed_price OPERATOR(spend.*) '{"input_tokens": 1000}'::spend.token_usage)
               - (t.untimed_price OPERATOR(spend.*) '{"input_tokens": 1000, "cache_read_tokens": 1000}'::spend.token_usage)) AS cache_saving,
       md5(jsonb_build_array(k.provider, k.model, k.surface, k.region, k.service_tier, k.speed, k.variant, k.currency)::text)::uuid AS sku_id
FROM (
  SELECT DISTINCT ON (k.kind_id) k.kind_id, coalesce(p.provider, k.provider) AS provider, k.provider AS sent_provider, k.model, k.surface, k.region,
         k.service_tier, k.speed, k.variant, coalesce(k.currency, s.currency) AS currency, k.operation, k.route, k.purpose, k.pricing_status,
         k.pricing_reason, k.source, k.price_id, p.price, p.model AS priced_model
  FROM spend.usage_kinds AS k
  CROSS JOIN spend._settings() AS s
  LEFT JOIN spend.prices AS p ON p.price_id = k.price_id
  ORDER BY k.kind_id
) AS k
-- A price with a schedule has no answer without a time.
CROSS JOIN LATERAL (SELECT CASE WHEN strpos(k.price::text, '"time"') > 0 THEN spend._base_price(k.price) ELSE k.price END AS untimed_price) AS t
LEFT JOIN spend.models AS m ON m.provider = k.provider AND m.model = coalesce(k.priced_model, k.model);
COMMENT ON VIEW spend._kinds IS 'Internal: the dictionary of kinds without duplicates, with the provider that was priced, the tier of the model and the price.';

CREATE VIEW spend._dimensions_of WITH (security_barrier) AS
SELECT DISTINCT ON (a.attribution_id) a.attribution_id, a.dimensions FROM spend.attributions AS a ORDER BY a.attribution_id;
COMMENT ON VIEW spend._dimensions_of IS 'Internal: the dictionary of attributions without duplicates.';
