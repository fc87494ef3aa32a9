-- Catalogs of others: what is added, closed, left alone and quarantined, and what a dry run says.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
\setenv CATALOGS :abs_srcdir
\set litellm `cat "$CATALOGS/test/catalogs/litellm.json"`
\set genai `cat "$CATALOGS/test/catalogs/genai_prices.json"`
CREATE VIEW regress.prices AS
SELECT provider, model, service_tier AS tier, region, speed, variant, surface, CASE WHEN lower(valid_during) = now() THEN 'now' ELSE coalesce(lower(valid_during)::text, '-') END AS valid_from,
       CASE WHEN upper(valid_during) = now() THEN 'now' ELSE coalesce(upper(valid_during)::text, '-') END AS valid_until, price, source, origin, superseded_at IS NOT NULL AS superseded
FROM spend.prices;

-- The whole report of a cut of LiteLLM's catalog.
SELECT name, provider, model, service_tier, region, speed, variant, surface, action, reason, price FROM spend.import_catalog('litellm', :'litellm', '-infinity')
ORDER BY name COLLATE "C", service_tier COLLATE "C", region COLLATE "C", speed COLLATE "C", variant COLLATE "C";
SELECT count(*) AS with_gaps FROM spend.prices WHERE source IS NULL OR checked_date IS NULL OR origin <> 'catalog' OR valid_during <> '(,)';
-- The second import changes nothing, whatever the time from which it holds.
SELECT count(*) AS rows FROM spend.prices \gset
SELECT DISTINCT action FROM spend.import_catalog('litellm', :'litellm', '-infinity') ORDER BY 1;
SELECT DISTINCT action FROM spend.import_catalog('litellm', :'litellm') ORDER BY 1;
SELECT DISTINCT action FROM spend.import_catalog('litellm', :'litellm', '2026-01-01') ORDER BY 1;
SELECT count(*) = :rows AS same_rows FROM spend.prices;
SELECT count(*) AS aliases FROM spend.model_aliases;
-- What was imported prices usage.
SELECT spend.cost('gpt-5.6', '{"input_tokens": 300000, "cache_read_tokens": 100000, "output_tokens": 1000}', context => '{"service_tier": "flex", "region": "eu"}') AS flex_eu,
       spend.cost('claude-opus-4-6', '{"input_tokens": 1000000}', context => '{"speed": "fast"}') AS fast,
       spend.cost('sonar-pro', '{"input_tokens": 1000}', provider => 'perplexity', context => '{"variant": "high"}') AS sonar_high,
       spend.cost('whisper-1', '{"audio_seconds": 3600}') AS whisper_hour;

-- Another catalog: prices with dates, steps and fees; what it says of a price in force is true from now on, never before.
BEGIN;
SELECT name, action, reason, CASE WHEN valid_from = now() THEN 'now' ELSE valid_from::text END AS valid_from, old_price IS NOT NULL AS had_price
FROM spend.import_catalog('genai-prices', :'genai', '-infinity') WHERE alias IS NULL AND name !~ 'claude-(opus|sonnet)|-3.6-' ORDER BY name COLLATE "C", price::text COLLATE "C" DESC;
SELECT provider, model, valid_from, valid_until, superseded, source FROM regress.prices
WHERE model IN ('o3', 'gemini-2.5-pro') AND tier = 'standard' AND region = '' AND speed = '' AND surface = '' ORDER BY provider, model, valid_from <> '-', valid_from = 'now', valid_from;
SELECT spend.cost('o3', '{"input_tokens": 1000}', at => '2025-06-09 23:59:59.999999') AS before, spend.cost('o3', '{"input_tokens": 1000}', at => '2025-06-10') AS after;
SELECT DISTINCT action FROM spend.import_catalog('genai-prices', :'genai', '-infinity') ORDER BY 1;
-- Off-peak hours.
DELETE FROM spend.prices WHERE provider = 'deepseek';
SELECT action, price FROM spend.import_catalog('genai-prices', :'genai', '-infinity') WHERE provider = 'deepseek' AND alias IS NULL;
SELECT at, spend.cost('deepseek-chat', '{"input_tokens": 100000000}', at => at)
FROM unnest(ARRAY['2025-06-02 16:00Z', '2025-06-02 16:29:59Z', '2025-06-02 17:00Z', '2025-06-03 00:29:59Z', '2025-06-03 00:30Z']::timestamptz[]) AS at;
-- Its names of models.
SELECT name, alias, action, reason FROM spend.import_catalog('genai-prices', :'genai', '-infinity') WHERE alias IS NOT NULL ORDER BY name COLLATE "C", alias COLLATE "C";
SELECT DISTINCT origin, for_provider = provider AS for_its_rows, valid_during, reason FROM spend.model_aliases;
SELECT r.*, a.name FROM unnest(ARRAY['deepseek-chat-v3-0324', 'gemini-2.0-flash-thinking-exp', 'gemini-3.5-flash-7', 'claude-haiku-4-5-fast', 'claude-haiku-4-52']) WITH ORDINALITY AS a (name, n),
  LATERAL spend.resolve_model(a.name, CASE WHEN a.name ~ '^c' THEN 'anthropic' WHEN a.name ~ '^g' THEN 'google' ELSE 'deepseek' END) AS r ORDER BY a.n;
ROLLBACK;

-- A name that a catalog gives another model: closed from then on. One that somebody gave a meaning is theirs.
CREATE FUNCTION regress.names(model text, effective_from timestamptz) RETURNS TABLE (alias text, action text, reason text, valid_from timestamptz) LANGUAGE sql AS $$
  SELECT l.alias, l.action, l.reason, l.valid_from FROM spend.import_catalog('genai-prices', jsonb_build_array(jsonb_build_object('id', 'names', 'models', jsonb_build_array(
    jsonb_build_object('id', model, 'prices', '{"input_mtok": 1}'::jsonb, 'match', '{"or": [{"equals": "theirs"}, {"starts_with": "ours-"}]}'::jsonb)))), effective_from) AS l WHERE l.alias IS NOT NULL $$;
SELECT * FROM regress.names('first', '2001-01-01');
INSERT INTO spend.model_aliases (alias, provider, model, for_provider) VALUES ('OURS-*', 'names', 'other', 'names');
SELECT spend.set_price('names', 'other', '{"rates": {}}', '-infinity') IS NOT NULL AS ok;
SELECT * FROM spend.resolve_model('ours-1', 'names');
SELECT * FROM regress.names('second', '2001-03-01');
SELECT * FROM regress.names('second', '2001-04-01');
SELECT alias, model, valid_during, origin FROM spend.model_aliases ORDER BY alias COLLATE "C", valid_during;
SELECT alias, action, price_id FROM spend.import_catalog('genai-prices', '[{"id": "names", "models": [{"id": "third", "prices": {"input_mtok": 1}, "match": {"equals": "theirs"}}]}]', dry_run => true);
SELECT count(*) FROM spend.model_aliases WHERE model = 'third';

-- A price that somebody set by hand is theirs, also when it is superseded or over.
SELECT spend.set_price('openai', 'gpt-4o', '{"rates": {"input_tokens": "1/1M"}}', '2026-01-01') IS NOT NULL AS ok;
SELECT name, service_tier, action, reason FROM spend.import_catalog('litellm', :'litellm') WHERE model = 'gpt-4o' AND provider = 'openai' ORDER BY 2;

-- Dates: nothing before effective_from is touched; history is closed; what has not begun is replaced.
CREATE FUNCTION regress.import(rate text, effective_from timestamptz, VARIADIC more jsonb[] DEFAULT '{}') RETURNS TABLE (action text, reason text, valid_from timestamptz, old text) LANGUAGE sql AS $$
  SELECT l.action, l.reason, l.valid_from, spend.to_jsonb(l.old_price) #>> '{rates,input_tokens}'
  FROM spend.import_catalog('pg_spend', jsonb_build_object('format', 'pg_spend', 'version', 1, 'prices', jsonb_build_array(
    jsonb_build_object('provider', 'p', 'model', 'm', 'price', jsonb_build_object('rates', jsonb_build_object('input_tokens', rate)))) || to_jsonb(more)), effective_from) AS l $$;
CREATE VIEW regress.m AS SELECT valid_from, valid_until, spend.to_jsonb(price) #>> '{rates,input_tokens}' AS rate, superseded FROM regress.prices WHERE model = 'm' ORDER BY valid_from <> '-', valid_from, superseded DESC;
SELECT * FROM regress.import('1/1', '2001-01-01');
SELECT * FROM regress.import('2/1', '2001-03-01');
SELECT * FROM regress.import('2/1', '2001-02-01');
SELECT * FROM regress.import('3/1', '2090-01-01');
SELECT * FROM regress.import('4/1', '2080-01-01');
SELECT * FROM regress.m;
SELECT * FROM regress.import('4/1', '-infinity') AS i(action, reason, valid_from);
SELECT count(*) AS ranges, bool_and(rate IN ('1/1', '2/1', '4/1')) AS known FROM regress.m WHERE NOT superseded;

-- A dry run says the same and changes nothing, and what the last 30 days would have cost.
INSERT INTO spend.usage (provider, request_model, input_tokens, occurred_at) VALUES ('dry', 'run', 1000000, now() - interval '1 day'), ('dry', 'run', 500000, now() - interval '29 days'), ('dry', 'run', 7, now() - interval '31 days');
SELECT spend.set_price('dry', 'other', '{"rates": {"input_tokens": "1/1M"}}', '-infinity') IS NOT NULL AS ok;
\set doc '{"prices": [{"provider": "dry", "model": "run", "price": {"rates": {"input_tokens": "2/1M"}}}, {"provider": "dry", "model": "run", "service_tier": "batch", "price": {"rates": {"input_tokens": "1/1M"}}}, {"provider": "dry", "model": "other", "price": {"rates": {}}}]}'
SELECT max(price_id) AS last FROM spend.prices \gset
SELECT name, service_tier, action, price, price_id, currency, calls_30d, unpriced_30d, cost_30d, new_cost_30d FROM spend.import_catalog('pg_spend', :'doc', '-infinity', true);
SELECT max(price_id) = :last AS unchanged, (SELECT count(*) FROM spend.usage WHERE provider = 'dry' AND cost IS NOT NULL) AS priced FROM spend.prices;
SELECT name, service_tier, action, price_id > :last AS numbered, calls_30d FROM spend.import_catalog('pg_spend', :'doc', '-infinity');
INSERT INTO spend.usage (provider, request_model, service_tier, input_tokens) VALUES ('dry', 'run', '', 1000000), ('dry', 'run', 'batch', 1000000), ('dry', 'run', 'flex', 1000000) RETURNING cost, pricing_status;
-- Rows that fall back to the price count with it.
SELECT service_tier, action, old_price, calls_30d, unpriced_30d, cost_30d, new_cost_30d FROM spend.import_catalog('pg_spend', replace(:'doc', '2/1M', '10/1M')::jsonb, dry_run => true) WHERE model = 'run';
SELECT * FROM spend.price_impact('DRY', ' Run', '{"rates": {"input_tokens": "0/1M"}}');
SELECT * FROM spend.price_impact('dry', 'run', '{"rates": {"input_tokens": "3/1M"}}', service_tier => 'flex');
SELECT * FROM spend.price_impact('dry', 'run', '{"currency": "EUR", "rates": {"input_tokens": "3/1M"}}', service_tier => 'batch');
SELECT * FROM spend.price_impact('dry', 'run', '{"rates": {"output_tokens": "3/1M"}}', service_tier => 'batch');
SELECT * FROM spend.price_impact('dry', 'unheard-of', '{"rates": {"input_tokens": "3/1M"}}');
SELECT count(*) AS live FROM spend.prices WHERE provider = 'dry' AND superseded_at IS NULL;

-- Documents that are of no format, and arguments that are none.
SELECT regress.error($$SELECT spend.import_catalog('csv', '{}')$$);
SELECT regress.error($$SELECT spend.import_catalog('litellm', '[]')$$);
SELECT regress.error($$SELECT spend.import_catalog('genai-prices', '{}')$$);
SELECT name, action, reason FROM spend.import_catalog('genai-prices', '[{"models": [{"id": "m", "prices": {"input_mtok": 1}}]}, null, {"id": "acme", "models": 7}]');
SELECT regress.error($$SELECT spend.import_catalog('pg_spend', '{"format": "pg_spend", "version": 2, "prices": []}')$$);
SELECT regress.error($$SELECT spend.import_catalog('litellm', ('{"m": ' || repeat('[', 50) || repeat(']', 50) || '}')::jsonb)$$);
SELECT regress.error($$SELECT spend.import_catalog('litellm', jsonb_build_object('m', (SELECT jsonb_agg(i) FROM generate_series(1, 70000) AS i)))$$);
SELECT regress.error($$SELECT spend.import_catalog('litellm', NULL)$$);
SELECT regress.error($$SELECT spend.import_catalog('litellm', '{}', dry_run => NULL)$$);
SELECT regress.error($$SELECT spend.price_impact('p', NULL, '{"rates": {}}')$$);
SELECT regress.error($$SELECT spend.price_impact('', 'm', '{"rates": {}}')$$);

-- Administrators only.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_import_admin, regress_import_writer;
CREATE ROLE regress_import_admin;
CREATE ROLE regress_import_writer;
RESET client_min_messages;
SELECT spend.grant_access('regress_import_admin', 'admin'), spend.grant_access('regress_import_writer', 'writer');
SET ROLE regress_import_admin;
SELECT action, calls_30d FROM spend.import_catalog('pg_spend', '{"prices": [{"provider": "r", "model": "m", "price": {"rates": {"input_tokens": "1/1"}}}]}', dry_run => true);
SELECT action FROM spend.import_catalog('pg_spend', '{"prices": [{"provider": "r", "model": "m", "price": {"rates": {"input_tokens": "1/1"}}}]}');
SELECT calls_30d FROM spend.price_impact('r', 'm', '{"rates": {"input_tokens": "1/1"}}');
RESET ROLE;
SELECT recorded_by = session_user AS by_me FROM spend.prices WHERE provider = 'r';
SET ROLE regress_import_writer;
\set VERBOSITY terse
SELECT spend.import_catalog('pg_spend', '{"prices": []}');
SELECT spend.price_impact('r', 'm', '{"rates": {"input_tokens": "1/1"}}');
SELECT spend._apply_import('pg_spend', '{"prices": []}', now());
SELECT spend._plan_import('pg_spend', '{"prices": []}', now());
RESET ROLE;
\set VERBOSITY default
SELECT spend.revoke_access('regress_import_admin', 'admin'), spend.revoke_access('regress_import_writer', 'writer');
DROP ROLE regress_import_admin, regress_import_writer;
