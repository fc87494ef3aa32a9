-- One COPY. psql variables: target, file.
BEGIN;
INSERT INTO :target (occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id)
SELECT * FROM bench.copied LIMIT 1;
ROLLBACK;
\timing on
COPY :target (occurred_at, department, team, feature, user_id, environment, provider, request_model, operation, input_tokens, output_tokens,
  cache_read_tokens, status, request_id) FROM :'file';
