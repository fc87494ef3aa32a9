CREATE TYPE spend.token_usage;

CREATE FUNCTION spend.token_usage_in(cstring) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_in';
CREATE FUNCTION spend.token_usage_out(spend.token_usage) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_out';
CREATE FUNCTION spend.token_usage_recv(internal) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_recv';
CREATE FUNCTION spend.token_usage_send(spend.token_usage) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_send';
COMMENT ON FUNCTION spend.token_usage_in(cstring) IS 'Input of token_usage: a JSON object of meter and quantity.';
COMMENT ON FUNCTION spend.token_usage_out(spend.token_usage) IS 'Output of token_usage: canonical JSON.';
COMMENT ON FUNCTION spend.token_usage_recv(internal) IS 'Binary input of token_usage; every byte is checked.';
COMMENT ON FUNCTION spend.token_usage_send(spend.token_usage) IS 'Binary output of token_usage: version byte, then the meters.';

CREATE TYPE spend.token_usage (
  INPUT = spend.token_usage_in,
  OUTPUT = spend.token_usage_out,
  RECEIVE = spend.token_usage_recv,
  SEND = spend.token_usage_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = extended
);
COMMENT ON TYPE spend.token_usage IS
  'Quantities by meter, exact and never negative; counts are inclusive: {"input_tokens": 1200, "cache_read_tokens": 800, "output_tokens": 350}.';

CREATE FUNCTION spend.token_usage(jsonb) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_from_jsonb';
CREATE FUNCTION spend.to_jsonb(spend.token_usage) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_to_jsonb';
COMMENT ON FUNCTION spend.token_usage(jsonb) IS 'A token_usage from a JSON object of meter and quantity.';
COMMENT ON FUNCTION spend.to_jsonb(spend.token_usage) IS 'The quantities as a JSON object.';
CREATE CAST (jsonb AS spend.token_usage) WITH FUNCTION spend.token_usage(jsonb) AS ASSIGNMENT;
CREATE CAST (spend.token_usage AS jsonb) WITH FUNCTION spend.to_jsonb(spend.token_usage) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS spend.token_usage) IS 'JSON object of meter and quantity to token_usage.';
COMMENT ON CAST (spend.token_usage AS jsonb) IS 'token_usage to a JSON object.';

CREATE FUNCTION spend.token_usage_eq(spend.token_usage, spend.token_usage) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_eq';
CREATE FUNCTION spend.token_usage_ne(spend.token_usage, spend.token_usage) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_ne';
CREATE FUNCTION spend.token_usage_hash(spend.token_usage) RETURNS integer
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_hash';
CREATE FUNCTION spend.token_usage_hash_extended(spend.token_usage, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_hash_extended';
CREATE FUNCTION spend.token_usage_add(spend.token_usage, spend.token_usage) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_add';
CREATE FUNCTION spend.token_usage_get(spend.token_usage, meter text) RETURNS numeric
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_get';
COMMENT ON FUNCTION spend.token_usage_eq(spend.token_usage, spend.token_usage) IS 'Same quantities in every meter.';
COMMENT ON FUNCTION spend.token_usage_ne(spend.token_usage, spend.token_usage) IS 'Different quantities in some meter.';
COMMENT ON FUNCTION spend.token_usage_hash(spend.token_usage) IS 'Hash that agrees with equality.';
COMMENT ON FUNCTION spend.token_usage_hash_extended(spend.token_usage, bigint) IS 'Seeded hash that agrees with equality.';
COMMENT ON FUNCTION spend.token_usage_add(spend.token_usage, spend.token_usage) IS 'Sum, meter by meter.';
COMMENT ON FUNCTION spend.token_usage_get(spend.token_usage, text) IS 'Quantity of one meter; NULL when the meter is absent.';

CREATE OPERATOR spend.= (
  LEFTARG = spend.token_usage, RIGHTARG = spend.token_usage, FUNCTION = spend.token_usage_eq,
  COMMUTATOR = OPERATOR(spend.=), NEGATOR = OPERATOR(spend.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
CREATE OPERATOR spend.<> (
  LEFTARG = spend.token_usage, RIGHTARG = spend.token_usage, FUNCTION = spend.token_usage_ne,
  COMMUTATOR = OPERATOR(spend.<>), NEGATOR = OPERATOR(spend.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR spend.+ (
  LEFTARG = spend.token_usage, RIGHTARG = spend.token_usage, FUNCTION = spend.token_usage_add, COMMUTATOR = OPERATOR(spend.+)
);
CREATE OPERATOR spend.-> (LEFTARG = spend.token_usage, RIGHTARG = text, FUNCTION = spend.token_usage_get);
COMMENT ON OPERATOR spend.= (spend.token_usage, spend.token_usage) IS 'Same quantities in every meter.';
COMMENT ON OPERATOR spend.<> (spend.token_usage, spend.token_usage) IS 'Different quantities in some meter.';
COMMENT ON OPERATOR spend.+ (spend.token_usage, spend.token_usage) IS 'Sum, meter by meter.';
COMMENT ON OPERATOR spend.-> (spend.token_usage, text) IS 'Quantity of one meter; NULL when the meter is absent.';

CREATE OPERATOR CLASS spend.token_usage_ops DEFAULT FOR TYPE spend.token_usage USING hash AS
  OPERATOR 1 spend.=,
  FUNCTION 1 spend.token_usage_hash(spend.token_usage),
  FUNCTION 2 spend.token_usage_hash_extended(spend.token_usage, bigint);
COMMENT ON OPERATOR CLASS spend.token_usage_ops USING hash IS 'Hashing of token_usage: GROUP BY, DISTINCT, hash joins.';

CREATE FUNCTION spend.token_usage_sum_step(internal, spend.token_usage) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_sum_step';
CREATE FUNCTION spend.token_usage_sum_combine(internal, internal) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_sum_combine';
CREATE FUNCTION spend.token_usage_sum_serialize(internal) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_sum_serialize';
CREATE FUNCTION spend.token_usage_sum_deserialize(bytea, internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_sum_deserialize';
CREATE FUNCTION spend.token_usage_sum_final(internal) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_token_usage_sum_final';
COMMENT ON FUNCTION spend.token_usage_sum_step(internal, spend.token_usage) IS 'Transition function of sum(token_usage).';
COMMENT ON FUNCTION spend.token_usage_sum_combine(internal, internal) IS 'Combine function of sum(token_usage).';
COMMENT ON FUNCTION spend.token_usage_sum_serialize(internal) IS 'Serialisation of the state of sum(token_usage).';
COMMENT ON FUNCTION spend.token_usage_sum_deserialize(bytea, internal) IS 'Deserialisation of the state of sum(token_usage).';
COMMENT ON FUNCTION spend.token_usage_sum_final(internal) IS 'Final function of sum(token_usage).';
CREATE AGGREGATE spend.sum(spend.token_usage) (
  SFUNC = spend.token_usage_sum_step,
  STYPE = internal,
  FINALFUNC = spend.token_usage_sum_final,
  COMBINEFUNC = spend.token_usage_sum_combine,
  SERIALFUNC = spend.token_usage_sum_serialize,
  DESERIALFUNC = spend.token_usage_sum_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE spend.sum(spend.token_usage) IS 'Sum of quantities, meter by meter; NULL over no rows. Tiers are never to be applied to such a sum.';
