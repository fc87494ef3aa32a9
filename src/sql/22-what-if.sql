-- What-if: a rate card is a value, so pricing under another one is an expression. Usage comes second, as in cost(price, usage): three
-- literals in a row then still mean the model, its usage and its provider.
CREATE FUNCTION spend.cost(
  card spend.price_table, usage spend.token_usage, model text, at timestamptz DEFAULT now(), context jsonb DEFAULT '{}', provider text DEFAULT NULL
) RETURNS numeric
  LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'spend_cost_by_table';
COMMENT ON FUNCTION spend.cost(spend.price_table, spend.token_usage, text, timestamptz, jsonb, text) IS
  'Cost of a usage of a model by a rate card, exact to 18 decimals, in the currency of its price. NULL, never 0, when the card has no price; one WARNING per connection and model then. context as in spend.cost() by model.';

CREATE FUNCTION spend.cost_breakdown(
  card spend.price_table, usage spend.token_usage, model text, at timestamptz DEFAULT now(), context jsonb DEFAULT '{}', provider text DEFAULT NULL,
  OUT meter text, OUT quantity numeric, OUT rate numeric, OUT per numeric, OUT tier text, OUT condition text, OUT amount numeric
) RETURNS SETOF record
  LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'spend_cost_breakdown_by_table';
COMMENT ON FUNCTION spend.cost_breakdown(spend.price_table, spend.token_usage, text, timestamptz, jsonb, text) IS
  'The lines of spend.cost() by a rate card; the amounts add up to the cost exactly. No row when unpriced.';

CREATE FUNCTION spend.what_if(usage spend.usage, card spend.price_table, model text DEFAULT NULL, provider text DEFAULT NULL) RETURNS numeric
  LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'spend_what_if';
COMMENT ON FUNCTION spend.what_if(spend.usage, spend.price_table, text, text) IS
  'What a recorded row would have cost by a rate card, before customer terms: at its own time, tier and region; with another model where one is given (its provider too, else the one that the card has it from). NULL when the card has no price, 0 for a voided row.';

CREATE FUNCTION spend.merge(card spend.price_table, overrides spend.price_table) RETURNS spend.price_table
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_merge';
COMMENT ON FUNCTION spend.merge(spend.price_table, spend.price_table) IS
  'A rate card with overrides: where both have a price of one SKU for the same time, that of the overrides holds; the rest of the card stays.';
CREATE OPERATOR spend.|| (LEFTARG = spend.price_table, RIGHTARG = spend.price_table, FUNCTION = spend.merge);
COMMENT ON OPERATOR spend.|| (spend.price_table, spend.price_table) IS 'The rate card with overrides merged in.';

CREATE FUNCTION spend.price_table_step(internal, provider text, model text, price spend.price) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_step';
CREATE FUNCTION spend.price_table_step(
  internal, provider text, model text, price spend.price, valid_during tstzrange, service_tier text, region text, surface text, speed text, variant text
) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_step';
CREATE FUNCTION spend.price_table_step(internal, spend.prices) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_step_row';
CREATE FUNCTION spend.price_table_final(internal) RETURNS spend.price_table
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_final';
COMMENT ON FUNCTION spend.price_table_step(internal, text, text, spend.price) IS 'Transition function of price_table(provider, model, price).';
COMMENT ON FUNCTION spend.price_table_step(internal, text, text, spend.price, tstzrange, text, text, text, text, text) IS
  'Transition function of price_table(provider, model, price, valid_during, ...).';
COMMENT ON FUNCTION spend.price_table_step(internal, spend.prices) IS 'Transition function of price_table(prices).';
COMMENT ON FUNCTION spend.price_table_final(internal) IS 'Final function of the aggregates price_table().';
CREATE AGGREGATE spend.price_table(spend.prices) (SFUNC = spend.price_table_step, STYPE = internal, FINALFUNC = spend.price_table_final, PARALLEL = SAFE);
CREATE AGGREGATE spend.price_table(provider text, model text, price spend.price) (
  SFUNC = spend.price_table_step, STYPE = internal, FINALFUNC = spend.price_table_final, PARALLEL = SAFE
);
CREATE AGGREGATE spend.price_table(
  provider text, model text, price spend.price, valid_during tstzrange, service_tier text, region text, surface text, speed text, variant text
) (SFUNC = spend.price_table_step, STYPE = internal, FINALFUNC = spend.price_table_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE spend.price_table(spend.prices) IS
  'A rate card from rows of spend.prices: of WHERE superseded_at IS NULL, or of spend.prices_as_of(). A card without prices over no rows.';
COMMENT ON AGGREGATE spend.price_table(text, text, spend.price) IS 'A rate card from provider, model and price, valid at all times.';
COMMENT ON AGGREGATE spend.price_table(text, text, spend.price, tstzrange, text, text, text, text, text) IS
  'A rate card from the columns of a query: provider, model, price, valid_during, service_tier, region, surface, speed, variant. NULL means always, standard and ''''.';
