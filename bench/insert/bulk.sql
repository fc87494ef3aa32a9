-- One INSERT ... SELECT. psql variables: target, rows. The first row of a session loads caches; it is not what is measured.
BEGIN;
INSERT INTO :target (occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id)
SELECT occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id
FROM bench.staged WHERE id = 1;
ROLLBACK;
\timing on
INSERT INTO :target (occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id)
SELECT occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id
FROM bench.staged WHERE id <= :rows;
