-- Conditions of a price: schedules, service tiers, variants, multipliers; what the trigger and the functions hand to them; strict settings.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

-- Canonical text: the order in which conditions are asked; normalised values; what says nothing left out.
SELECT '{"conditions": [{"multiply": 1.10, "if": {"region": "EU"}, "scope": "all"}, {"if": {"quality": "HD", "size": ["b", "a", "B"]}, "rates": {"images": "0.10/1"}},
  {"if": {"time": {"hours": "16:30-00:30", "time_zone": "UTC"}}, "rates": {"input_tokens": "1.0/1M"}}], "rates": {}}'::spend.price AS canonical \gset
SELECT :'canonical';
SELECT :'canonical'::spend.price OPERATOR(spend.=) :'canonical'::spend.price AS same, spend.price(:'canonical'::jsonb) OPERATOR(spend.=) :'canonical'::spend.price AS through_jsonb,
       spend.price_hash(:'canonical') = spend.price_hash(:'canonical'::jsonb::spend.price) AS same_hash;
-- A price stored before there were conditions reads as it did.
SELECT '\x0100'::bytea || convert_to('{"currency": "USD", "rates": {"input_tokens": {"base": "2.5/1M", "tiers": [{"above": 200000, "rate": "5/1M"}]}}}', 'UTF8') = spend.price_send('{"rates": {"input_tokens": {"base": "2.5/1M", "tiers": [{"above": 200000, "rate": "5/1M"}]}}}') AS same_image;
-- Errors name the place.
\set VERBOSITY terse
SELECT '{"rates": {}, "conditions": {}}'::spend.price;
SELECT '{"rates": {}, "conditions": [{"if": {"service_tier": "batch"}, "rate": {}}]}'::spend.price;
SELECT '{"rates": {}, "conditions": [{"if": {"time": {"hours": "25:00-26:00"}}, "rates": {}}]}'::spend.price;
SELECT '{"rates": {}, "conditions": [{"if": {"time": {"weekdays": "mon", "time_zone": "Nowhere"}}, "rates": {}}]}'::spend.price;
SELECT '{"rates": {}, "conditions": [{"if": {"region": "eu"}, "multiply": "-1"}]}'::spend.price;
SELECT '{"prices": [{"provider": "p", "model": "m", "price": {"rates": {}, "conditions": [{"if": {"a": []}, "rates": {}}]}}]}'::spend.price_table;

-- A rate card of its own.
SELECT spend.set_price('acme', 'lamp', '{"rates": {"input_tokens": "4/1M", "cache_read_tokens": "1/1M", "output_tokens": "8/1M", "web_searches": "10/1k"}, "conditions": [
  {"if": {"service_tier": "batch"}, "rates": {"input_tokens": "2/1M", "output_tokens": "4/1M"}},
  {"if": {"speed": "fast"}, "multiply": "6"},
  {"if": {"region": "us"}, "multiply": "1.1", "scope": "all_but_cache"},
  {"if": {"time": {"hours": "22:00-06:00", "weekdays": ["fri"], "time_zone": "Asia/Kolkata"}}, "rates": {"input_tokens": "1/1M", "output_tokens": "2/1M"}}]}', valid_from => '-infinity') > 0 AS done;
SELECT spend.set_price('acme', 'brush', '{"rates": {"images": "0.04/1"}, "conditions": [
  {"if": {"quality": "hd"}, "rates": {"images": "0.08/1"}}, {"if": {"quality": "hd", "size": "wide"}, "rates": {"images": "0.12/1"}}]}', valid_from => '-infinity') > 0 AS done;

-- Functions.
SELECT context, spend.cost('lamp', '{"input_tokens": 1000000, "cache_read_tokens": 500000, "output_tokens": 1000000, "web_searches": 100}', at => '2026-01-01T00:00:00Z', context => context)
FROM unnest(ARRAY['{}', '{"service_tier": "batch"}', '{"service_tier": "default"}', '{"region": "us"}', '{"region": "eu"}', '{"speed": "fast", "region": "US"}', '{"quality": "hd"}']::jsonb[]) AS context;
SELECT at, spend.estimate('lamp', 1000000, 0, at => at), spend.estimate('lamp', 1000000, 0, at => at, context => '{"service_tier": "batch"}') AS batch
FROM unnest(ARRAY['2026-01-02T16:29:59Z', '2026-01-02T16:30:00Z', '2026-01-03T00:29:59Z', '2026-01-03T00:30:00Z']::timestamptz[]) AS at;
SELECT spend.cost('lamp', '{"input_tokens": 1000000}', at => '2026-01-01T00:00:00Z', context => '{"at": "2026-01-02T17:00:00Z"}') AS at_of_the_context;
SELECT meter, quantity, rate, per, tier, condition, amount
FROM spend.cost_breakdown('lamp', '{"input_tokens": 1000000, "cache_read_tokens": 500000, "web_searches": 1}', at => '2026-01-01T00:00:00Z', context => '{"service_tier": "batch", "region": "us"}');
SELECT meter, condition, amount FROM spend.cost_breakdown('lamp', '{"input_tokens": 1000000, "cache_read_tokens": 500000}', at => '2026-01-02T17:00:00Z');
\set VERBOSITY default
SELECT spend.cost('{"rates": {"input_tokens": "1/1"}, "conditions": [{"if": {"time": {"hours": "00:00-12:00"}}, "rates": {"input_tokens": "2/1"}}]}'::spend.price, '{"input_tokens": 1}');
SELECT spend.cost('lamp', '{"input_tokens": 1}', at => 'infinity');
SELECT spend.cost('lamp', '{"input_tokens": 1}', at => '2026-01-01T00:00:00Z', context => '{"servicetier": "batch"}');
SELECT spend.cost('lamp', '{"input_tokens": 1}', at => '2026-01-01T00:00:00Z', context => '{"size": [1]}');
SELECT spend.cost('lamp', '{"input_tokens": 1}', at => '2026-01-01T00:00:00Z', context => '{"at": "noon"}');
SELECT spend.cost('lamp', '{"input_tokens": 1}', at => '2026-01-01T00:00:00Z', context => '{"strict": "no"}');
SELECT spend.cost('lamp', '{"input_tokens": 1, "cache_read_tokens": 2}', at => '2026-01-01T00:00:00Z');
SELECT spend.cost('lamp', '{"input_tokens": 1, "cache_read_tokens": 2}', at => '2026-01-01T00:00:00Z', context => '{"strict": false}');

-- Rows: the start of the call decides the time; parameters stand in variant. What a condition answers is no fallback.
INSERT INTO spend.usage (occurred_at, started_at, provider, request_model, service_tier, region, speed, variant, input_tokens, output_tokens, other_usage) VALUES
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'lamp', 'batch', NULL, NULL, NULL, 1000000, 1000000, NULL),
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'lamp', 'flex', NULL, NULL, NULL, 1000000, 0, NULL),
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'lamp', NULL, 'us', 'fast', NULL, 1000000, 0, NULL),
  ('2026-01-02 16:30:00Z', '2026-01-02 16:29:00Z', 'acme', 'lamp', NULL, NULL, NULL, NULL, 1000000, 0, NULL),
  ('2026-01-02 16:30:00Z', NULL, 'acme', 'lamp', NULL, NULL, NULL, NULL, 1000000, 0, NULL),
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'brush', NULL, NULL, NULL, 'quality=HD, size=wide', NULL, NULL, '{"images": 1}'),
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'brush', NULL, NULL, NULL, 'quality=hd, steps=50', NULL, NULL, '{"images": 1}'),
  ('2026-01-01 00:00:00Z', NULL, 'acme', 'lamp', 'batch', NULL, NULL, NULL, 1000000, NULL, '{"cache_read_tokens": 400000}');
SELECT request_model, service_tier, speed, variant, cost, pricing_status, pricing_reason FROM spend.usage ORDER BY usage_id;

-- Strict settings refuse an INSERT, and nothing else.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, cache_read_tokens) VALUES ('2026-01-01 00:00:00Z', 'acme', 'lamp', 1, 2)
RETURNING cost, pricing_status, pricing_reason;
INSERT INTO spend.settings (strict_usage, strict_pricing) VALUES (true, true);
\set SHOW_CONTEXT never
DO $$
BEGIN
  INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, cache_read_tokens) VALUES ('2026-01-01 00:00:00Z', 'acme', 'lamp', 1, 2);
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END $$;
DO $$
BEGIN
  INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens) VALUES ('2026-01-01 00:00:00Z', 'acme', 'no-such-model', 1);
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END $$;
\set VERBOSITY default
SELECT count(*) AS rows FROM spend.usage;
UPDATE spend.usage SET cache_read_tokens = 3 WHERE pricing_status = 'inconsistent' RETURNING pricing_status;
UPDATE spend.usage SET request_model = 'no-such-model' WHERE pricing_status = 'inconsistent' RETURNING cost, pricing_status;
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens) VALUES ('2026-01-01 00:00:00Z', 'acme', 'lamp', 1000000) RETURNING cost, pricing_status;
UPDATE spend.settings SET strict_pricing = false;
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens) VALUES ('2026-01-01 00:00:00Z', 'acme', 'no-such-model', 1) RETURNING cost, pricing_status;
