CREATE FUNCTION spend.usage_from(provider text, payload jsonb, api text DEFAULT NULL, strict boolean DEFAULT false) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'spend_usage_from';
COMMENT ON FUNCTION spend.usage_from(text, jsonb, text, boolean) IS
  'Inclusive counts of a provider''s response: the whole body, its usage object, OpenTelemetry attributes, or the list of a stream''s parts, up to 16 MB. The shape is detected; provider and api (messages, responses, images, ...) decide where it is ambiguous. NULL, never 0, when there is no usage or it is malformed, see usage_problem(); strict raises 22023 then. Counts that contradict each other come out as sent. Of several models only the one that answered: see usage_lines().';

CREATE FUNCTION spend.usage_lines(
  provider text, payload jsonb, api text DEFAULT NULL, strict boolean DEFAULT false,
  OUT model text, OUT usage spend.token_usage, OUT reported_cost numeric, OUT service_tier text, OUT speed text, OUT region text,
  OUT variant text, OUT reported_currency text, OUT problem text
) RETURNS SETOF record
  LANGUAGE c IMMUTABLE PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'spend_usage_lines';
COMMENT ON FUNCTION spend.usage_lines(text, jsonb, text, boolean) IS
  'What a provider''s response bills, one row for each model, first the one that answered: model, usage, the vendor''s own cost (for all rows, on the first) and its currency, the tier, speed and region that served, and the variant of the price (Perplexity''s search context size). Without usage one row whose usage is NULL and whose problem says why, so that the call is recorded as unpriced; no row for a span that only repeats its children''s usage.';

CREATE FUNCTION spend.usage_problem(provider text, payload jsonb, api text DEFAULT NULL) RETURNS text
  LANGUAGE c IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'spend_usage_problem';
COMMENT ON FUNCTION spend.usage_problem(text, jsonb, text) IS 'Why usage_from() is NULL for this payload; NULL when it is not.';

CREATE FUNCTION spend.usage_from_otel(attributes jsonb) RETURNS spend.token_usage
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'spend_usage_from_otel';
COMMENT ON FUNCTION spend.usage_from_otel(jsonb) IS
  'Inclusive counts of a model call''s OpenTelemetry attributes (gen_ai.usage.*, older and vendors'' names), flat, nested, or OTLP''s list. NULL without counts, and for agent, workflow and tool spans, which repeat their children''s.';

