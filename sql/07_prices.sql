-- The price table: set_price closes and opens, prices never overlap, the catalog leaves history and other people's prices alone.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE VIEW regress.prices AS
SELECT price_id AS id, provider, model, service_tier AS tier, region, lower(valid_during) AS valid_from, upper(valid_during) AS valid_until,
       spend.to_jsonb(price) #>> '{rates,input_tokens}' AS rate, origin, superseded_at IS NOT NULL AS superseded, reason
FROM spend.prices;

-- One call closes the price in force and opens the new one, in the normalised SKU.
SELECT spend.set_price(' OpenAI', 'GPT-Regress ', '{"rates": {"input_tokens": "2/1M"}}', '2026-01-01');
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "3/1M"}}', '2026-03-01', reason => 'new list');
SELECT * FROM regress.prices ORDER BY id;
-- Before the first price there was none; nothing is made up.
SELECT spend.cost('gpt-regress', '{"input_tokens": 1000000}', at => '2025-12-31 23:59:59.999999') AS before, spend.cost('gpt-regress', '{"input_tokens": 1000000}', at => '2026-02-28') AS first,
       spend.cost('gpt-regress', '{"input_tokens": 1000000}', at => '2026-03-01') AS second;
-- At the same moment: the old row stays, superseded, and the new one holds.
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "3.1/1M"}}', '2026-03-01', reason => 'typing error');
-- A future price, then one before it: it holds until the future one.
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "5/1M"}}', '2026-09-01');
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "4/1M"}}', '2026-06-01');
-- Before all of them.
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "1/1M"}}', '-infinity');
SELECT * FROM regress.prices ORDER BY valid_from NULLS FIRST, superseded DESC, id;
SELECT at::date, spend.cost('gpt-regress', '{"input_tokens": 1000000}', at => at) AS cost
FROM unnest(ARRAY['1999-01-01', '2026-01-01', '2026-03-01', '2026-06-01', '2026-09-01', '2100-01-01']::timestamptz[]) AS at;
-- Other parts of the SKU are prices of their own.
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "0.5/1M"}}', '2026-01-01', service_tier => 'Batch', region => 'EU') IS NOT NULL AS ok;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "0.6/1M"}}', '2026-01-01', service_tier => '', speed => 'Fast', surface => 'Azure', variant => 'HD') IS NOT NULL AS ok;
SELECT service_tier, region, surface, speed, variant, upper(valid_during) AS until FROM spend.prices WHERE price_id > 6 ORDER BY price_id;
-- It says what a later price does not change.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-07-01', 'gpt-regress', 1000000), ('2026-08-01', 'GPT-regress', 1000000) RETURNING cost;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "9/1M"}}', '2026-07-15') IS NOT NULL AS ok;
SELECT occurred_at, cost FROM spend.usage ORDER BY 1;
-- What cannot be a price.
SELECT regress.error($$SELECT spend.set_price('', 'm', '{"rates": {}}')$$);
SELECT regress.error($$SELECT spend.set_price('p', '   ', '{"rates": {}}')$$);
SELECT regress.error($$SELECT spend.set_price(NULL, 'm', '{"rates": {}}')$$);
SELECT regress.error($$SELECT spend.set_price('p', 'm', NULL)$$);
SELECT regress.error($$SELECT spend.set_price('p', 'm', '{"rates": {}}', NULL)$$);
SELECT regress.error($$SELECT spend.set_price('p', 'm', '{"rates": {}}', 'infinity')$$);
SELECT regress.error($$SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "-1/1M"}}')$$);

-- The table itself: keys are normalised, two live prices never overlap, bounds of any kind are read right.
INSERT INTO spend.prices (provider, model, price, valid_during) VALUES ('P', ' M ', '{"rates": {"input_tokens": "1/1M"}}', '(2026-01-01, 2026-02-01]');
SELECT provider, model, service_tier, region, origin, recorded_by = session_user AS by_me FROM spend.prices WHERE model = 'm';
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-01') IS NULL AS open_lower, spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-01 00:00:00.000001') AS just_after,
       spend.cost('m', '{"input_tokens": 1000000}', at => '2026-02-01') AS closed_upper, spend.cost('m', '{"input_tokens": 1000000}', at => '2026-02-01 00:00:00.000001') IS NULL AS just_past;
SELECT split_part(regress.error($$INSERT INTO spend.prices (provider, model, price, valid_during) VALUES ('p', 'ｍ', '{"rates": {}}', '[2026-02-01, 2026-03-01)')$$), E'\n', 1) AS error;
INSERT INTO spend.prices (provider, model, price, valid_during, superseded_at) VALUES ('p', 'm', '{"rates": {"input_tokens": "7/1M"}}', '[2026-01-15, 2026-01-20)', '2026-01-16');
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-16') AS superseded_does_not_count;
SELECT regress.error($$INSERT INTO spend.prices (provider, model, price) VALUES ('', 'm', '{"rates": {}}')$$);
SELECT c AS column, split_part(regress.error(format('INSERT INTO spend.prices (provider, model, price, %I) VALUES (''q'', ''n'', ''{"rates": {}}'', NULL)', c)), E'\n', 1) AS error
FROM unnest(ARRAY['surface', 'region', 'speed', 'variant', 'valid_during', 'origin']) AS c;
SELECT split_part(regress.error($$INSERT INTO spend.prices (provider, model, price, valid_during) VALUES ('q', 'n', '{"rates": {}}', 'empty')$$), E'\n', 1) AS error;
SELECT split_part(regress.error($$INSERT INTO spend.prices (provider, model, price, origin) VALUES ('q', 'n', '{"rates": {}}', 'hearsay')$$), E'\n', 1) AS error;
-- Changes of the table are seen by the next statement; a rolled back one is not.
BEGIN;
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "8/1M"}}' WHERE model = 'm' AND superseded_at IS NULL;
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-10') AS own_change;
SAVEPOINT s;
DELETE FROM spend.prices WHERE model = 'm';
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-10') IS NULL AS deleted;
ROLLBACK TO s;
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-10') AS back_to_savepoint;
ROLLBACK;
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-10') AS rolled_back;
TRUNCATE spend.prices;
SELECT spend.cost('m', '{"input_tokens": 1000000}', at => '2026-01-10') IS NULL AS truncated;

-- The catalog: loaded, every price carries source and date; loaded again, nothing happens.
SELECT added > 1000 AS added_many, closed, unchanged, skipped FROM spend.load_catalog();
SELECT count(*) AS incomplete FROM spend.prices WHERE source IS NULL OR checked_date IS NULL OR origin <> 'catalog' OR price IS NULL;
SELECT count(DISTINCT provider) >= 10 AS ten_providers FROM spend.prices
WHERE provider IN ('openai', 'anthropic', 'google', 'azure', 'aws', 'bedrock', 'amazon', 'amazon-bedrock', 'mistral', 'deepseek', 'xai', 'x-ai', 'cohere', 'groq');
SELECT count(*) AS rows FROM spend.prices \gset
SELECT added, closed, unchanged = :rows AS all_unchanged, skipped FROM spend.load_catalog();
SELECT count(*) = :rows AS same_rows FROM spend.prices;
-- Every price of it can be used; rates of tokens are in the range in which vendors' are.
SELECT count(*) AS absurd
FROM spend.prices AS p, jsonb_each(spend.to_jsonb(p.price) -> 'rates') AS r, LATERAL (SELECT coalesce(r.value ->> 'base', r.value #>> '{}') AS rate) AS x
WHERE r.key LIKE '%\_tokens' AND split_part(x.rate, '/', 1)::numeric <> 0
  AND split_part(x.rate, '/', 1)::numeric / CASE split_part(x.rate, '/', 2) WHEN '1k' THEN 1e3 WHEN '1M' THEN 1e6 WHEN '1B' THEN 1e9 ELSE 1 END NOT BETWEEN 1e-10 AND 1e-2;
SELECT count(*) AS not_normalised FROM spend.prices WHERE provider <> spend.text_key(provider) OR model <> spend.text_key(model);
-- A price set by hand is left alone, and so is its whole SKU; what the catalog knew before is closed by it, not lost.
SELECT provider, model FROM spend.prices WHERE provider = 'openai' AND service_tier = 'standard' AND region = '' AND surface = '' AND speed = '' AND variant = '' AND valid_during = '(,)'
ORDER BY model COLLATE "C" LIMIT 1 \gset
SELECT spend.set_price(:'provider', :'model', '{"rates": {"input_tokens": "77/1M"}}', '2026-02-01') IS NOT NULL AS ok;
SELECT added, closed, skipped FROM spend.load_catalog();
SELECT lower(valid_during) AS valid_from, upper(valid_during) AS valid_until, origin, superseded_at FROM spend.prices WHERE provider = :'provider' AND model = :'model'
  AND service_tier = 'standard' AND region = '' AND surface = '' AND speed = '' AND variant = '' ORDER BY 1 NULLS FIRST;
SELECT spend.cost(:'model', '{"input_tokens": 1000000}', :'provider', '2026-03-01') AS by_hand;
-- A price that an older catalog gave is closed at the day the new one was seen, and stays for its time.
DELETE FROM spend.prices WHERE provider = :'provider' AND model = :'model';
INSERT INTO spend.prices (provider, model, price, origin, source, checked_date) VALUES (:'provider', :'model', '{"rates": {"input_tokens": "55/1M"}}', 'catalog', 'https://example.com', '2025-01-01');
SELECT added > 0 AS added, closed FROM spend.load_catalog();
SELECT spend.to_jsonb(price) #>> '{rates,input_tokens}' = '55/1M' AS is_old, lower_inf(valid_during) AS for_ever_before, upper(valid_during) = checked AS until_seen, superseded_at IS NULL AS still_live
FROM spend.prices, (SELECT max(checked_date)::timestamp AT TIME ZONE 'UTC' AS checked FROM spend.prices WHERE provider = :'provider' AND model = :'model') AS c
WHERE provider = :'provider' AND model = :'model' AND service_tier = 'standard' AND region = '' AND surface = '' AND speed = '' AND variant = '' ORDER BY valid_during LIMIT 1;
SELECT added, closed, skipped FROM spend.load_catalog();
