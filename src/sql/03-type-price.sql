CREATE TYPE spend.price;

CREATE FUNCTION spend.price_in(cstring) RETURNS spend.price
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_in';
CREATE FUNCTION spend.price_out(spend.price) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_out';
CREATE FUNCTION spend.price_recv(internal) RETURNS spend.price
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_recv';
CREATE FUNCTION spend.price_send(spend.price) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_send';
COMMENT ON FUNCTION spend.price_in(cstring) IS 'Input of price: JSON.';
COMMENT ON FUNCTION spend.price_out(spend.price) IS 'Output of price: canonical JSON.';
COMMENT ON FUNCTION spend.price_recv(internal) IS 'Binary input of price; every byte is checked.';
COMMENT ON FUNCTION spend.price_send(spend.price) IS 'Binary output of price: version byte, then canonical JSON.';

CREATE TYPE spend.price (
  INPUT = spend.price_in,
  OUTPUT = spend.price_out,
  RECEIVE = spend.price_recv,
  SEND = spend.price_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = extended
);
COMMENT ON TYPE spend.price IS
  'All terms of one SKU: a currency, one rate per meter with tiers, and conditions under which other rates or multipliers hold: {"currency": "USD", "rates": {"input_tokens": "2.50/1M"}}.';

CREATE FUNCTION spend.price(jsonb) RETURNS spend.price
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_from_jsonb';
CREATE FUNCTION spend.to_jsonb(spend.price) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_to_jsonb';
COMMENT ON FUNCTION spend.price(jsonb) IS 'A price from its JSON form.';
COMMENT ON FUNCTION spend.to_jsonb(spend.price) IS 'The price as JSON.';
CREATE CAST (jsonb AS spend.price) WITH FUNCTION spend.price(jsonb) AS ASSIGNMENT;
CREATE CAST (spend.price AS jsonb) WITH FUNCTION spend.to_jsonb(spend.price) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS spend.price) IS 'A price from its JSON form.';
COMMENT ON CAST (spend.price AS jsonb) IS 'The price as JSON.';

CREATE FUNCTION spend.price_eq(spend.price, spend.price) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_eq';
CREATE FUNCTION spend.price_ne(spend.price, spend.price) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_ne';
CREATE FUNCTION spend.price_hash(spend.price) RETURNS integer
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_hash';
CREATE FUNCTION spend.price_hash_extended(spend.price, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_hash_extended';
COMMENT ON FUNCTION spend.price_eq(spend.price, spend.price) IS 'Same terms.';
COMMENT ON FUNCTION spend.price_ne(spend.price, spend.price) IS 'Different terms.';
COMMENT ON FUNCTION spend.price_hash(spend.price) IS 'Hash that agrees with equality.';
COMMENT ON FUNCTION spend.price_hash_extended(spend.price, bigint) IS 'Seeded hash that agrees with equality.';

CREATE OPERATOR spend.= (
  LEFTARG = spend.price, RIGHTARG = spend.price, FUNCTION = spend.price_eq,
  COMMUTATOR = OPERATOR(spend.=), NEGATOR = OPERATOR(spend.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
CREATE OPERATOR spend.<> (
  LEFTARG = spend.price, RIGHTARG = spend.price, FUNCTION = spend.price_ne,
  COMMUTATOR = OPERATOR(spend.<>), NEGATOR = OPERATOR(spend.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR spend.= (spend.price, spend.price) IS 'Same terms.';
COMMENT ON OPERATOR spend.<> (spend.price, spend.price) IS 'Different terms.';

CREATE OPERATOR CLASS spend.price_ops DEFAULT FOR TYPE spend.price USING hash AS
  OPERATOR 1 spend.=,
  FUNCTION 1 spend.price_hash(spend.price),
  FUNCTION 2 spend.price_hash_extended(spend.price, bigint);
COMMENT ON OPERATOR CLASS spend.price_ops USING hash IS 'Hashing of price: GROUP BY, DISTINCT, hash joins.';

CREATE FUNCTION spend.currency(spend.price) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_currency';
COMMENT ON FUNCTION spend.currency(spend.price) IS 'Currency of the price: ISO 4217, or a vendor''s unit such as DBU.';

CREATE FUNCTION spend.price_times_usage(spend.price, spend.token_usage) RETURNS numeric
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_times_usage';
CREATE FUNCTION spend.usage_times_price(spend.token_usage, spend.price) RETURNS numeric
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_usage_times_price';
COMMENT ON FUNCTION spend.price_times_usage(spend.price, spend.token_usage) IS
  'Cost of the usage under the price, exact to 18 decimals; NULL when a meter has no rate.';
COMMENT ON FUNCTION spend.usage_times_price(spend.token_usage, spend.price) IS
  'Cost of the usage under the price, exact to 18 decimals; NULL when a meter has no rate.';
CREATE OPERATOR spend.* (
  LEFTARG = spend.price, RIGHTARG = spend.token_usage, FUNCTION = spend.price_times_usage, COMMUTATOR = OPERATOR(spend.*)
);
CREATE OPERATOR spend.* (
  LEFTARG = spend.token_usage, RIGHTARG = spend.price, FUNCTION = spend.usage_times_price, COMMUTATOR = OPERATOR(spend.*)
);
COMMENT ON OPERATOR spend.* (spend.price, spend.token_usage) IS 'Cost of the usage under the price; NULL when a meter has no rate.';
COMMENT ON OPERATOR spend.* (spend.token_usage, spend.price) IS 'Cost of the usage under the price; NULL when a meter has no rate.';
