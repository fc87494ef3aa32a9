CREATE TYPE spend.price_table;

CREATE FUNCTION spend.price_table_in(cstring) RETURNS spend.price_table
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_in';
CREATE FUNCTION spend.price_table_out(spend.price_table) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_out';
CREATE FUNCTION spend.price_table_recv(internal) RETURNS spend.price_table
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_recv';
CREATE FUNCTION spend.price_table_send(spend.price_table) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_send';
COMMENT ON FUNCTION spend.price_table_in(cstring) IS 'Input of price_table: JSON.';
COMMENT ON FUNCTION spend.price_table_out(spend.price_table) IS 'Output of price_table: canonical JSON.';
COMMENT ON FUNCTION spend.price_table_recv(internal) IS 'Binary input of price_table; every byte is checked.';
COMMENT ON FUNCTION spend.price_table_send(spend.price_table) IS 'Binary output of price_table: version byte, then canonical JSON.';

CREATE TYPE spend.price_table (
  INPUT = spend.price_table_in,
  OUTPUT = spend.price_table_out,
  RECEIVE = spend.price_table_recv,
  SEND = spend.price_table_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = external
);
COMMENT ON TYPE spend.price_table IS
  'A whole rate card as one value: {"prices": [{"provider": "openai", "model": "gpt-4o", "price": {...}}]}.';

CREATE FUNCTION spend.price_table(jsonb) RETURNS spend.price_table
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_from_jsonb';
CREATE FUNCTION spend.to_jsonb(spend.price_table) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_to_jsonb';
COMMENT ON FUNCTION spend.price_table(jsonb) IS 'A price_table from its JSON form.';
COMMENT ON FUNCTION spend.to_jsonb(spend.price_table) IS 'The rate card as JSON.';
CREATE CAST (jsonb AS spend.price_table) WITH FUNCTION spend.price_table(jsonb) AS ASSIGNMENT;
CREATE CAST (spend.price_table AS jsonb) WITH FUNCTION spend.to_jsonb(spend.price_table) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS spend.price_table) IS 'A price_table from its JSON form.';
COMMENT ON CAST (spend.price_table AS jsonb) IS 'The rate card as JSON.';

CREATE FUNCTION spend.price_table_eq(spend.price_table, spend.price_table) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_eq';
CREATE FUNCTION spend.price_table_ne(spend.price_table, spend.price_table) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_ne';
CREATE FUNCTION spend.price_table_hash(spend.price_table) RETURNS integer
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_hash';
CREATE FUNCTION spend.price_table_hash_extended(spend.price_table, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_price_table_hash_extended';
COMMENT ON FUNCTION spend.price_table_eq(spend.price_table, spend.price_table) IS 'Same rate card.';
COMMENT ON FUNCTION spend.price_table_ne(spend.price_table, spend.price_table) IS 'Different rate card.';
COMMENT ON FUNCTION spend.price_table_hash(spend.price_table) IS 'Hash that agrees with equality.';
COMMENT ON FUNCTION spend.price_table_hash_extended(spend.price_table, bigint) IS 'Seeded hash that agrees with equality.';

CREATE OPERATOR spend.= (
  LEFTARG = spend.price_table, RIGHTARG = spend.price_table, FUNCTION = spend.price_table_eq,
  COMMUTATOR = OPERATOR(spend.=), NEGATOR = OPERATOR(spend.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
CREATE OPERATOR spend.<> (
  LEFTARG = spend.price_table, RIGHTARG = spend.price_table, FUNCTION = spend.price_table_ne,
  COMMUTATOR = OPERATOR(spend.<>), NEGATOR = OPERATOR(spend.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR spend.= (spend.price_table, spend.price_table) IS 'Same rate card.';
COMMENT ON OPERATOR spend.<> (spend.price_table, spend.price_table) IS 'Different rate card.';

CREATE OPERATOR CLASS spend.price_table_ops DEFAULT FOR TYPE spend.price_table USING hash AS
  OPERATOR 1 spend.=,
  FUNCTION 1 spend.price_table_hash(spend.price_table),
  FUNCTION 2 spend.price_table_hash_extended(spend.price_table, bigint);
COMMENT ON OPERATOR CLASS spend.price_table_ops USING hash IS 'Hashing of price_table: GROUP BY, DISTINCT, hash joins.';
