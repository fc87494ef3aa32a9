-- A model's name and the model that it means.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
\pset null (null)

DO $$
DECLARE
  item text[];
BEGIN
  FOREACH item SLICE 1 IN ARRAY ARRAY[
    ['anthropic', 'claude-opus-4'], ['anthropic', 'claude-opus-4-8'], ['anthropic', 'claude-3-5-haiku-20241022'], ['anthropic', 'claude-3-7-sonnet-latest'],
    ['openai', 'gpt-5.4'], ['openai', 'gpt-5.4-2026-03-05'], ['openai', 'gpt-5.4-mini'], ['openai', 'gpt-3.5-turbo'], ['openai', 'ft:gpt-4o'], ['openai', 'gpt-4o'],
    ['google', 'gemini-2.0-flash'], ['google', 'gemini-2.5-pro'], ['bedrock', 'anthropic.claude-opus-4-8-v1:0'], ['bedrock', 'us.meta.llama4-maverick-17b-instruct-v1:0'],
    ['groq', 'llama-3.3-70b'], ['cerebras', 'llama-3.3-70b'], ['openrouter', 'anthropic/claude-opus-4.8'], ['openrouter', 'mistralai/mistral-7b:free'], ['azure', 'gpt-4o']
  ] LOOP
    PERFORM spend.set_price(item[1], item[2], '{"rates": {"input_tokens": "1/1M", "output_tokens": "2/1M"}}', valid_from => '-infinity');
  END LOOP;
END
$$;

CREATE TEMP TABLE asked (n int GENERATED ALWAYS AS IDENTITY, model text, provider text);
INSERT INTO asked (model, provider) VALUES
  -- As it stands; letters, spaces and Unicode do not matter.
  ('gpt-5.4', 'openai'), (' GPT-5.4 ', 'OpenAI'), ('gpt-5.4', NULL),
  -- Dots and dashes in versions, dates, latest; the exact name first.
  ('gpt-5-4', NULL), ('gpt-5-4-mini', 'openai'), ('gpt-5.4-2026-03-05', NULL), ('gpt-5-4-2026-03-05', NULL), ('gpt-5.4-mini-2026-03-17', NULL),
  ('claude-opus-4-20250514', NULL), ('claude-opus-4@20250514', 'anthropic'), ('claude-opus-4-latest', NULL), ('claude-4-opus', NULL), ('claude-opus-4-0', NULL),
  ('claude-3-5-haiku@20241022', NULL), ('claude-sonnet-3.7', NULL), ('gpt-35-turbo', NULL),
  -- What goes on with a version is another model.
  ('claude-opus-4.8', NULL), ('claude-opus-4-9', NULL), ('claude-opus-4.80', NULL), ('claude-opus-4-80', NULL), ('claude-opus-5', NULL), ('claude-opus-4-mini', NULL), ('gpt-5.4x', NULL), ('gpt-5', NULL),
  -- Gateways, paths, hosts.
  ('openrouter/anthropic/claude-opus-4.8', NULL), ('openrouter/openai/gpt-5.4', NULL), ('openai/gpt-5.4', NULL), ('vertex_ai/gemini-2.5-pro', NULL), ('gemini/gemini-2.0-flash-001', NULL),
  ('publishers/google/models/gemini-2.0-flash', NULL), ('projects/p/locations/l/publishers/google/models/gemini-2.5-pro', 'google-vertex'), ('models/gemini-2.5-pro', 'gcp.gemini'),
  ('google-gla:gemini-2.5-pro', NULL), ('groq/llama-3.3-70b', NULL), ('openai/gpt-5.4', 'google'), ('azure/gpt-5.4', NULL), ('azure/gpt-4o', NULL),
  -- Bedrock.
  ('us.anthropic.claude-opus-4-8-v1:0', NULL), ('global.anthropic.claude-opus-4-8-v1', 'aws.bedrock'), ('mx.anthropic.claude-opus-4-8-v1:0', NULL),
  ('arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-8-v1:0', NULL),
  ('arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdef', NULL), ('us.meta.llama4-maverick-17b-instruct-v1', 'bedrock'), ('eu.anthropic.claude-opus-4-20250514-v1:0', NULL),
  -- Fine-tuned models have their own price, free ones are no paid ones.
  ('ft:gpt-4o-2024-08-06:org::abc', NULL), ('ft:gpt-5.4:org::abc', NULL), ('gpt-4o-2024-08-06.ft-abc', 'azure'), ('mistralai/mistral-7b:free', 'openrouter'), ('anthropic/claude-opus-4.8:free', 'openrouter'), ('gpt-4o:free', NULL),
  -- Another provider's price, one hop.
  ('gpt-5.4-mini', 'azure'), ('claude-opus-4-8', 'google-vertex'), ('claude-opus-4-8', 'azure'), ('llama-3.3-70b', 'azure'), ('gpt-4o', 'nobody'),
  -- Nobody, and more than one.
  ('llama-3.3-70b', NULL), ('unheard-of', NULL), ('', NULL), (NULL, 'openai');
SELECT a.model, a.provider, r.provider AS is_of, r.model AS is_model, r.matched_by FROM asked AS a CROSS JOIN LATERAL spend.resolve_model(a.model, a.provider) AS r ORDER BY a.n;

-- A name without a date is the only dated model there is, whichever host's wrapping it has; of two, neither.
SELECT spend.set_price(p, m, '{"rates": {"input_tokens": "1/1M"}}', valid_from => '-infinity') > 0 AS priced
FROM (VALUES ('anthropic', 'claude-sonnet-4-5-20250929'), ('anthropic', 'claude-haiku-4-5-20251001'), ('anthropic', 'claude-haiku-4-5-20261001'), ('bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0'),
             ('openai', 'gpt-5.5-2026-04-23'), ('google', 'gemini-2.5-flash-001')) AS v (p, m);
SELECT a.model, a.provider, r.provider AS is_of, r.model AS is_model, r.matched_by
FROM (VALUES (1, 'claude-sonnet-4-5', NULL), (2, 'claude-sonnet-4.5-latest', 'anthropic'), (3, 'anthropic/claude-4-5-sonnet', NULL), (4, 'claude-haiku-4-5', 'anthropic'), (5, 'claude-sonnet-4', NULL),
             (6, 'claude-sonnet-4-5-20260101', NULL), (7, 'us.anthropic.claude-sonnet-4-5-v1:0', NULL), (8, 'us.anthropic.claude-sonnet-4-5', 'bedrock'), (9, 'gpt-5.5', 'azure'), (10, 'gpt-5.5:free', 'openai'),
             (11, 'gemini-2.5-flash', 'googleai'), (12, 'googleai/gemini-2.5-flash', NULL),
             -- Bedrock's name, and the maker as the provider.
             (13, 'us.anthropic.claude-opus-4-8-v1:0', 'anthropic'), (14, 'anthropic/us.anthropic.claude-opus-4-8-v1:0', NULL), (15, 'us.anthropic.claude-opus-4-8-v1:0', 'openai')) AS a (n, model, provider)
CROSS JOIN LATERAL spend.resolve_model(a.model, a.provider) AS r ORDER BY a.n;
DELETE FROM spend.prices WHERE model ~ '4-5|5\.5|-001';

-- Aliases: deployments, in-house names, patterns; the more narrowly restricted and the longer first.
INSERT INTO spend.model_aliases (alias, provider, model, for_provider) VALUES
  ('Prod-Chat', 'openai', 'gpt-5.4', ''), ('prod-chat', 'anthropic', 'claude-opus-4', 'anthropic'), ('chat', 'azure', 'gpt-5.4-mini', 'azure');
INSERT INTO spend.model_aliases (alias, provider, model) VALUES
  ('acme-*', 'openai', 'gpt-5.4-mini'), ('acme-large-*', 'openai', 'gpt-5.4'), ('*-haiku-*', 'anthropic', 'claude-3-5-haiku-20241022'), ('model-4*', 'openai', 'gpt-4o'), ('future', 'openai', 'gpt-9');
INSERT INTO spend.model_aliases (alias, provider, model, is_override) VALUES ('gpt-4o', 'openai', 'gpt-5.4-mini', true);
INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('gpt-5.4', 'openai', 'gpt-4o');
SELECT a.model, a.provider, r.provider AS is_of, r.model AS is_model, r.matched_by
FROM (VALUES (1, 'prod-chat', NULL), (2, 'PROD-CHAT', 'anthropic'), (3, 'azure/chat', NULL), (4, 'chat', 'azure'), (5, 'chat', NULL), (6, 'acme-small', NULL), (7, 'acme-large-2', NULL),
             (8, 'openrouter/acme-large-x', NULL), (9, 'the-haiku-one', NULL), (10, 'model-4', NULL), (11, 'model-4-20250101', NULL), (12, 'model-4.1', NULL), (13, 'model-45', NULL), (14, 'acme-x:free', NULL),
             (15, 'gpt-4o', 'openai'), (16, 'gpt-4o', NULL), (17, 'gpt-5.4', 'openai'), (18, 'future', NULL)) AS a (n, model, provider)
CROSS JOIN LATERAL spend.resolve_model(a.model, a.provider) AS r ORDER BY a.n;

-- An alias for a provider is for rows that name none, too, where it is the maker of what they name.
INSERT INTO spend.model_aliases (alias, provider, model, for_provider) VALUES ('gpt-4-0613', 'openai', 'gpt-4o', 'openai'), ('claude-v9*', 'anthropic', 'claude-opus-4', 'anthropic'), ('gpt-5.4-mini', 'openai', 'gpt-4o', 'azure');
SELECT a.model, a.provider, r.provider AS is_of, r.model AS is_model, r.matched_by
FROM (VALUES (1, 'gpt-4-0613', NULL), (2, 'gpt-4-0613', 'openai'), (3, 'gpt-4-0613', 'groq'), (4, 'claude-v9-x', NULL), (5, 'claude-v9-x', 'bedrock'), (6, 'gpt-5.4-mini', NULL), (7, 'gpt-5.4-mini', 'azure')) AS a (n, model, provider)
CROSS JOIN LATERAL spend.resolve_model(a.model, a.provider) AS r ORDER BY a.n;
DELETE FROM spend.model_aliases WHERE alias IN ('gpt-4-0613', 'claude-v9*', 'gpt-5.4-mini');

-- Two meanings of one name are refused when the second is written.
CREATE FUNCTION pg_temp.refusal(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  EXECUTE command;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN sqlstate || ' ' || sqlerrm || coalesce(' | ' || nullif(regexp_replace(detail, 'alias_id \d+', 'alias_id N'), ''), '');
END
$$;
SELECT pg_temp.refusal(c) FROM unnest(ARRAY[
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('PROD-chat', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('acme-*', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('gpt-5-4', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('*', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('a*b*c*d*e*f*g*h*i', 'openai', 'gpt-4o')$$,
  $$INSERT INTO spend.model_aliases (alias, provider, model, is_override) VALUES ('gpt-*', 'openai', 'gpt-4o', true)$$,
  $$SELECT spend.set_price('openai', 'gpt-5-4', '{"rates": {"input_tokens": "1/1M"}}')$$,
  $$SELECT spend.set_price('anthropic', 'claude-4-opus', '{"rates": {"input_tokens": "1/1M"}}')$$,
  $$SELECT spend.set_price('openai', 'gpt-5.4', '{"rates": {"input_tokens": "1/1M"}}')$$
]) AS c;

-- A name may change its meaning with time: rows get the one of their own time.
INSERT INTO spend.model_aliases (alias, provider, model, valid_during) VALUES
  ('moving', 'openai', 'gpt-5.4', '(,2026-03-01 00:00:00+00)'), ('moving', 'anthropic', 'claude-opus-4-8', '[2026-03-01 00:00:00+00,)');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-02-28 23:00+00', 'moving', 1), ('2026-03-01', 'moving', 1);

-- In the ledger: the model that answered counts, and how it was recognised is said where it was not by its name.
INSERT INTO spend.usage (occurred_at, provider, request_model, response_model, input_tokens) VALUES
  ('2026-03-02', 'openai', 'gpt-5.4-mini', 'gpt-5.4-2026-03-05', 10), ('2026-03-02', 'openai', 'prod-chat', NULL, 10), ('2026-03-02', 'azure', 'acme-1', 'gpt-5.4-mini-2026-03-17', 10),
  ('2026-03-02', NULL, 'openrouter/openai/gpt-5.4-mini', NULL, 10), ('2026-03-02', NULL, 'mystery', NULL, 10), ('2026-03-02', 'openai', 'gpt-4o', NULL, 10), ('2026-03-02', NULL, 'future', NULL, 10);
SELECT u.provider, u.request_model, u.response_model, p.provider AS is_of, p.model AS is_model, u.matched_by, u.pricing_status, u.pricing_reason
FROM spend.usage AS u LEFT JOIN spend.prices AS p USING (price_id) ORDER BY u.usage_id;

-- The organisation's own fallback, or none.
INSERT INTO spend.providers (provider, fallback_provider) VALUES ('in-house', 'openai'), ('azure.ai.openai', '');
SELECT a.model, a.provider, r.provider AS is_of, r.model AS is_model, r.matched_by
FROM (VALUES (1, 'gpt-5.4-2026-03-05', 'in-house'), (2, 'claude-opus-4', 'in-house'), (3, 'gpt-5.4-mini', 'azure'), (4, 'claude-opus-4-8', 'google')) AS a (n, model, provider)
CROSS JOIN LATERAL spend.resolve_model(a.model, a.provider) AS r ORDER BY a.n;
SELECT pg_temp.refusal($$INSERT INTO spend.providers (provider) VALUES ('azure')$$) LIKE '23505%' AS one_row_for_all_names;

-- Service tiers by vendors' names.
SELECT spend.set_price('openai', 'gpt-4o', '{"rates": {"input_tokens": "3/1M"}}', valid_from => '-infinity', service_tier => 'priority') > 0 AS priority,
       spend.set_price('openai', 'gpt-4o', '{"rates": {"input_tokens": "0.5/1M"}}', valid_from => '-infinity', service_tier => 'flex') > 0 AS flex;
DELETE FROM spend.model_aliases;
SELECT t AS service_tier, spend.cost('gpt-4o', '{"input_tokens": 1000000}', 'openai', context => jsonb_build_object('service_tier', t)) AS cost
FROM unnest(ARRAY['', 'auto', 'default', 'standard', 'priority', 'Fast', 'flex', 'scale', 'ON_DEMAND', 'ON_DEMAND_FLEX']) AS t;

-- Long and hostile names cost no time and match nothing.
INSERT INTO spend.model_aliases (alias, provider, model) VALUES ('a*a*a*a*a*a*a*b', 'openai', 'gpt-4o');
SELECT length(m) AS bytes, r.* FROM unnest(ARRAY[repeat('a', 500), repeat('a', 100000), repeat('openai/', 70) || 'gpt-4o', repeat('us.', 100) || 'anthropic.x', 'claude-' || repeat('4-', 200) || 'opus', repeat('-20250514', 50)]) AS m,
  LATERAL spend.resolve_model(m) AS r;
