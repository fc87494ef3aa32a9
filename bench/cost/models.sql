-- A price list of made-up models, each with as many versions as asked for, one after the other; and the same as a plain table
-- for the peers. psql variables: models, versions, with_card (all of it as one value,
-- too, which more than some 80,000 prices do not fit).
CREATE SCHEMA bench;
CREATE FUNCTION bench.provider_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'vendor-' || i % 40 $$;
CREATE FUNCTION bench.model_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'family-' || i % 97 || '-model-' || i $$;

CREATE TABLE bench.peer_prices AS
SELECT bench.provider_name(i) AS provider, bench.model_name(i) AS model,
  CASE WHEN v = 0 THEN '-infinity' ELSE timestamptz '2025-01-01 00:00Z' + v * interval '60 days' END AS valid_from,
  CASE WHEN v = :versions - 1 THEN 'infinity' ELSE timestamptz '2025-01-01 00:00Z' + (v + 1) * interval '60 days' END AS valid_until,
  (1 + (i * 7 + v) % 199) * 0.05 AS input_rate,  -- per million tokens
  (1 + (i * 7 + v) % 199) * 0.005 AS cached_rate,
  (1 + (i * 7 + v) % 199) * 0.2 AS output_rate
FROM generate_series(1, :models::bigint) AS i, generate_series(0, :versions - 1) AS v;
ALTER TABLE bench.peer_prices ADD PRIMARY KEY (provider, model, valid_from);

INSERT INTO spend.prices (provider, model, valid_during, price, origin)
SELECT provider, model, tstzrange(nullif(valid_from, '-infinity'), nullif(valid_until, 'infinity')),
  jsonb_build_object('rates', jsonb_build_object(
    'input_tokens', input_rate || '/1M', 'cache_read_tokens', cached_rate || '/1M', 'output_tokens', output_rate || '/1M'))::spend.price,
  'catalog'
FROM bench.peer_prices;

\if :with_card
CREATE TABLE bench.card AS SELECT spend.price_table(p) AS card FROM spend.prices AS p;
\endif

-- The same arithmetic as a competent DBA would write it in PL/pgSQL: one index probe per row.
CREATE FUNCTION bench.peer_cost(
  of_provider text, of_model text, at timestamptz, input_tokens numeric, cache_read_tokens numeric, output_tokens numeric
) RETURNS numeric LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  price bench.peer_prices;
BEGIN
  SELECT * INTO price FROM bench.peer_prices AS p
  WHERE p.provider = of_provider AND p.model = of_model AND p.valid_from <= at ORDER BY p.valid_from DESC LIMIT 1;
  IF NOT FOUND OR price.valid_until <= at THEN
    RETURN NULL;
  END IF;
  RETURN ((input_tokens - cache_read_tokens) * price.input_rate + cache_read_tokens * price.cached_rate
    + output_tokens * price.output_rate) * 0.000001;
END
$$;
VACUUM ANALYZE spend.prices, bench.peer_prices;
