CREATE FUNCTION spend.cost(
  model text, usage spend.token_usage, provider text DEFAULT NULL, at timestamptz DEFAULT now(), context jsonb DEFAULT '{}'
) RETURNS numeric
  LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'spend_cost_by_model';
COMMENT ON FUNCTION spend.cost(text, spend.token_usage, text, timestamptz, jsonb) IS
  'Cost of a usage of a model by the price table, exact to 18 decimals, in the currency of its price. NULL, never 0, when there is no price; one WARNING per connection and model then. context: service_tier, region, surface, speed, variant, what conditions of the price test (quality, size, ...), at, strict.';

CREATE FUNCTION spend.cost(price spend.price, usage spend.token_usage, context jsonb DEFAULT '{}') RETURNS numeric
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_cost_by_price';
COMMENT ON FUNCTION spend.cost(spend.price, spend.token_usage, jsonb) IS
  'Cost of a usage under one price, exact to 18 decimals; NULL when a meter has no rate. context: what the conditions of the price test, "at" for its schedules; {"strict": false} clamps inconsistent counts instead of raising SP004.';

CREATE FUNCTION spend.cost_breakdown(
  model text, usage spend.token_usage, provider text DEFAULT NULL, at timestamptz DEFAULT now(), context jsonb DEFAULT '{}',
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'spend_cost_breakdown_by_model';
COMMENT ON FUNCTION spend.cost_breakdown(text, spend.token_usage, text, timestamptz, jsonb) IS
  'The lines of spend.cost(): which quantity of which meter at which rate; the amounts add up to the cost exactly. No row when unpriced.';

CREATE FUNCTION spend.cost_breakdown(
  price spend.price, usage spend.token_usage, context jsonb DEFAULT '{}',
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'spend_cost_breakdown_by_price';
COMMENT ON FUNCTION spend.cost_breakdown(spend.price, spend.token_usage, jsonb) IS
  'The lines of spend.cost() under one price; the amounts add up to the cost exactly. No row when unpriced.';

CREATE FUNCTION spend.estimate(
  model text, input_tokens bigint, output_tokens bigint, provider text DEFAULT NULL, at timestamptz DEFAULT now(), context jsonb DEFAULT '{}'
) RETURNS numeric
  LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN input_tokens IS NOT NULL OR output_tokens IS NOT NULL THEN
    spend.cost(model, spend.token_usage(jsonb_build_object('input_tokens', coalesce(input_tokens, 0), 'output_tokens', coalesce(output_tokens, 0))),
               provider, at, context) END
$$;
COMMENT ON FUNCTION spend.estimate(text, bigint, bigint, text, timestamptz, jsonb) IS
  'What a call of so many input and output tokens would cost; NULL when there is no price, or neither count is known.';
