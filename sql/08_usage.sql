-- The ledger: INSERT, COPY, UPDATE, DELETE, savepoints; what is computed, what is refused, what is recorded all the same.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "1/1M", "output_tokens": "8/1M"}}', '-infinity') AS price \gset
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "4/1M", "cache_read_tokens": "2/1M", "output_tokens": "16/1M"}}', '2026-06-01') AS later_price \gset
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "1/1M", "output_tokens": "4/1M"}}', '-infinity', service_tier => 'batch') AS batch \gset
SELECT spend.set_price('openai', 'gpt-regress-2026', '{"rates": {"input_tokens": "20/1M"}}', '-infinity') AS other \gset
SELECT spend.set_price('mistral', 'mistral-regress', '{"currency": "EUR", "rates": {"input_tokens": "3/1M", "tool_calls": "0.01/1"}}', '-infinity') AS euro \gset
SELECT spend.set_price('openai', 'whisper-regress', '{"rates": {"audio_seconds": "0.36/hour"}}', '-infinity') AS audio \gset
SELECT spend.set_price('openai', 'gratis', '{"rates": {"input_tokens": "0/1M"}}', '-infinity') AS free \gset
-- A plain row: the app inserts what it knows, the rest is computed. 600 x 2 + 400 x 1 + 100 x 8 per million.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, cache_read_tokens, output_tokens, cost_center)
VALUES ('2026-05-03 10:00', 'openai', 'gpt-regress', 1000, 400, 100, 'CC-1')
RETURNING usage_id, cost, list_cost, currency, price_id = :price AS by_price, pricing_status, pricing_reason, recorded_at = now() AS recorded_now, attribution_id IS NOT NULL AS attributed;
SELECT tableoid::regclass AS leaf, cost_center, cost, (600 * 2 + 400 * 1 + 100 * 8) / 1e6 AS by_hand FROM spend.usage;
-- Only times, no columns at all: recorded, unpriced, now.
INSERT INTO spend.usage DEFAULT VALUES RETURNING occurred_at = now() AS now, cost, currency, pricing_status, pricing_reason;
INSERT INTO spend.usage (request_model) VALUES ('gpt-regress') RETURNING cost, pricing_status, pricing_reason;
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('', 1) RETURNING cost, pricing_status, pricing_reason;
-- Zero usage is free of charge, but not "no usage".
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, output_tokens) VALUES ('2026-05-03', 'gpt-regress', 0, 0), ('2026-05-03', 'gratis', 5, NULL) RETURNING cost, pricing_status, pricing_reason;
-- Multi-row, several currencies and outcomes, in one statement.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cache_read_tokens, output_tokens, tool_calls, other_usage) VALUES
  ('2026-05-04', 'mistral-regress', 1000000, NULL, NULL, 5, NULL),
  ('2026-05-04', 'gpt-regress', 1000000, NULL, NULL, 5, NULL),
  ('2026-05-04', 'gpt-regress', 100, 250, NULL, NULL, NULL),
  ('2026-05-04', 'gpt-regress', NULL, 250, NULL, NULL, NULL),
  ('2026-05-04', 'gpt-regress', 10, NULL, 10, NULL, '{"pages": 2}'),
  ('2026-05-04', 'whisper-regress', NULL, NULL, NULL, NULL, '{"audio_seconds": 10}'),
  ('2026-05-04', 'gpt-regress', 2, NULL, NULL, NULL, '{"input_tokens": 1000000}')
RETURNING cost, currency, pricing_status, pricing_reason;
-- Where the model that answered is known, it is priced; the start of the call picks the price; provider, tier and spelling matter as in spend.cost().
INSERT INTO spend.usage (occurred_at, started_at, provider, request_model, response_model, service_tier, region, input_tokens) VALUES
  ('2026-05-05', NULL, NULL, 'gpt-regress', 'gpt-regress-2026', NULL, NULL, 1000000),
  ('2026-05-05', NULL, NULL, 'gpt-regress', '', NULL, NULL, 1000000),
  ('2026-05-05', NULL, ' OPENAI ', 'GPT-Regress', NULL, 'Batch', 'somewhere', 1000000),
  ('2026-05-05', NULL, 'openai', 'gpt-regress', NULL, 'flex', NULL, 1000000),
  ('2026-06-01 00:05', '2026-05-31 23:55', NULL, 'gpt-regress', NULL, NULL, NULL, 1000000),
  ('2026-06-01 00:05', NULL, NULL, 'gpt-regress', NULL, NULL, NULL, 1000000)
RETURNING cost, price_id IN (:price, :later_price, :batch, :other) AS known_price, pricing_status, pricing_reason;
-- Text stays as sent; the reported cost stands beside ours, never instead of it.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, reported_cost) VALUES ('2026-05-05', ' OPENAI ', 'GPT-Regress', 1000000, 1.99) RETURNING provider, request_model, reported_cost, cost;
-- A cost too large for money is no reason to lose the row.
SELECT spend.set_price('openai', 'gold', '{"rates": {"input_tokens": "99999999999999999999/1"}}', '-infinity') AS gold \gset
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-05-05', 'gold', 2) RETURNING cost, pricing_status, pricing_reason;
DELETE FROM spend.usage WHERE request_model = 'gold';

-- Computed columns cannot be set, by nobody, in INSERT or UPDATE.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cost, list_cost, currency, price_id, pricing_status, pricing_reason, attribution_id)
VALUES ('2026-05-06', 'gpt-regress', 1000000, 0, 0, 'XXX', 99, 'free', 'because', '00000000-0000-0000-0000-000000000001')
RETURNING cost, list_cost, currency, price_id = :price AS by_price, pricing_status, pricing_reason, attribution_id = '00000000-0000-0000-0000-000000000001' AS forged;
UPDATE spend.usage SET cost = 0, list_cost = 0, currency = 'XXX', price_id = 99, pricing_status = 'free', pricing_reason = 'because', recorded_at = '2000-01-01', attribution_id = NULL
WHERE occurred_at = '2026-05-06' RETURNING cost, list_cost, currency, price_id = :price AS by_price, pricing_status, pricing_reason, recorded_at > '2020-01-01' AS recorded, attribution_id IS NOT NULL AS attributed;

-- UPDATE: only a change of what the price depends on prices again, at the row's own time.
SET client_min_messages = warning;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "3/1M", "cache_read_tokens": "1/1M", "output_tokens": "8/1M"}}', '2026-05-01') AS corrected \gset
RESET client_min_messages;
UPDATE spend.usage SET cost_center = 'CC-2', tags = '{"a": 1}', status = 'ok', accepted = true, reported_cost = 7 WHERE occurred_at = '2026-05-06' RETURNING cost, price_id = :price AS old_price;
UPDATE spend.usage SET input_tokens = 2000000 WHERE occurred_at = '2026-05-06' RETURNING cost, price_id = :corrected AS price_of_its_time;
UPDATE spend.usage SET input_tokens = 2000000.0, provider = provider WHERE occurred_at = '2026-05-06' RETURNING cost;
UPDATE spend.usage SET started_at = '2026-04-30 23:59' WHERE occurred_at = '2026-05-06' RETURNING cost, price_id = :price AS price_of_its_start;
UPDATE spend.usage SET request_model = 'nobody-knows', started_at = NULL WHERE occurred_at = '2026-05-06' RETURNING cost, currency, price_id, pricing_status, pricing_reason;
UPDATE spend.usage SET response_model = 'gpt-regress-2026' WHERE occurred_at = '2026-05-06' RETURNING cost, pricing_status, pricing_reason;
UPDATE spend.usage SET occurred_at = '2026-05-07' WHERE occurred_at = '2026-05-06' RETURNING occurred_at, cost;
SELECT regress.error($$UPDATE spend.usage SET occurred_at = '2026-06-07' WHERE occurred_at = '2026-05-07'$$);
SELECT regress.error($$UPDATE spend.usage SET occurred_at = '2025-05-07' WHERE occurred_at = '2026-05-07'$$);
SELECT regress.error($$UPDATE spend.usage SET occurred_at = 'infinity' WHERE occurred_at = '2026-05-07'$$);
-- Months are those of UTC, whatever the session's zone: this is one month, that is two.
BEGIN;
SET LOCAL TimeZone = 'Pacific/Auckland';
UPDATE spend.usage SET occurred_at = '2026-06-01 11:59:59+12' WHERE occurred_at = '2026-05-07 00:00+00' RETURNING occurred_at AT TIME ZONE 'UTC' AS utc;
SELECT regress.error($$UPDATE spend.usage SET occurred_at = '2026-06-01 12:00+12' WHERE occurred_at = '2026-06-01 11:59:59+12'$$);
ROLLBACK;
-- No truncation, of nothing of it.
SELECT regress.error('TRUNCATE spend.usage');
SELECT regress.error('TRUNCATE spend.usage_default');
SELECT regress.error('TRUNCATE ONLY spend.usage_default');
-- DELETE and savepoints.
SELECT count(*) AS before FROM spend.usage \gset
BEGIN;
DELETE FROM spend.usage WHERE occurred_at = '2026-05-07';
SAVEPOINT a;
DELETE FROM spend.usage;
SELECT count(*) AS rows FROM spend.usage;
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-05-08', 'gpt-regress', 1);
SELECT count(*) = :before AS rows FROM spend.usage;
COMMIT;
SELECT count(*) FILTER (WHERE occurred_at = '2026-05-07') AS deleted, count(*) FILTER (WHERE occurred_at = '2026-05-08') AS inserted FROM spend.usage;

-- A row that exists already: ON CONFLICT DO NOTHING skips it, without the conflict clause it is an error.
INSERT INTO spend.usage (usage_id, occurred_at, request_model, input_tokens) VALUES (1, '2026-05-03', 'gpt-regress', 5), (1000001, '2026-05-03', 'gpt-regress', 5)
ON CONFLICT DO NOTHING RETURNING usage_id, cost;
SELECT split_part(regress.error($$INSERT INTO spend.usage (usage_id, occurred_at) VALUES (1, '2026-05-03')$$), E'\n', 1) AS error;
-- WITH, INSERT ... SELECT, MERGE, prepared statements.
WITH new AS (INSERT INTO spend.usage (occurred_at, request_model, input_tokens) SELECT '2026-05-09', 'gpt-regress', i * 1000000 FROM generate_series(1, 3) AS i RETURNING cost)
SELECT sum(cost) AS sum FROM new;
PREPARE put AS INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-05-09', $1, $2) RETURNING cost, currency;
EXECUTE put('gpt-regress', 1000000);
EXECUTE put('mistral-regress', 1000000);
DEALLOCATE put;
MERGE INTO spend.usage AS u USING (VALUES ('2026-05-09'::timestamptz, 'new-one', 1000000)) AS v(at, key, tokens) ON u.request_id = v.key
WHEN NOT MATCHED THEN INSERT (occurred_at, request_id, request_model, input_tokens) VALUES (v.at, v.key, 'gpt-regress', v.tokens);
MERGE INTO spend.usage AS u USING (VALUES ('new-one', 2000000)) AS v(key, tokens) ON u.request_id = v.key
WHEN MATCHED THEN UPDATE SET input_tokens = v.tokens;
SELECT cost FROM spend.usage WHERE request_id = 'new-one';
-- COPY in, text and CSV; COPY out.
COPY spend.usage (occurred_at, request_model, input_tokens, output_tokens, tags, other_usage) FROM STDIN;
2026-05-10 00:00:00+00	gpt-regress	1000000	0	{"ticket": "T-1"}	\N
2026-05-10 00:00:00+00	whisper-regress	\N	\N	\N	{"audio_seconds": 3600}
2026-07-10 00:00:00+00	gpt-regress	1000000	\N	\N	\N
\.
COPY spend.usage (occurred_at, request_model, input_tokens) FROM STDIN (FORMAT csv);
2026-05-10T01:00:00Z,GPT-REGRESS,1000000
\.
COPY (SELECT occurred_at, request_model, cost, currency FROM spend.usage WHERE occurred_at BETWEEN '2026-05-10' AND '2026-07-31' ORDER BY occurred_at, request_model COLLATE "C", cost) TO STDOUT;
-- A bad line stores nothing of the COPY.
\set ON_ERROR_STOP off
COPY spend.usage (occurred_at, request_model, input_tokens) FROM STDIN;
2026-05-11 00:00:00+00	gpt-regress	1000000
2026-05-11 00:00:00+00	gpt-regress	-1
\.
SELECT count(*) AS rows FROM spend.usage WHERE occurred_at = '2026-05-11';

-- The default leaf takes every month; with month leaves the rows go there, and the same is computed.
SELECT count(*) > 0 AS maintained FROM spend.maintain();
SELECT tableoid::regclass AS leaf, count(*) AS rows, sum(cost) FILTER (WHERE currency = 'USD') AS usd FROM spend.usage WHERE occurred_at < '2026-08-01' GROUP BY tableoid ORDER BY tableoid::regclass::text COLLATE "C";
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-05-12', 'gpt-regress', 1000000) RETURNING tableoid::regclass AS leaf, cost;
UPDATE spend.usage SET input_tokens = 2000000 WHERE occurred_at = '2026-05-12' RETURNING tableoid::regclass AS leaf, cost;
SELECT regress.error($$UPDATE spend.usage SET occurred_at = '2026-06-12' WHERE occurred_at = '2026-05-12'$$);
SELECT regress.error('TRUNCATE spend.usage_2026_05');
SELECT regress.error('TRUNCATE spend.usage CASCADE');
-- A leaf by name is the ledger as well.
INSERT INTO spend.usage_2026_05 (occurred_at, request_model, input_tokens) VALUES ('2026-05-13', 'gpt-regress', 1000000) RETURNING usage_id IS NOT NULL AS numbered, cost;
-- Nothing was lost on the way: what is unpriced says why.
SELECT pricing_status, pricing_reason, count(*) FROM spend.usage GROUP BY 1, 2 ORDER BY pricing_status COLLATE "C", pricing_reason COLLATE "C";
-- A column that somebody added to the ledger is carried along.
ALTER TABLE spend.usage ADD COLUMN regress_note text DEFAULT 'none';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, regress_note) VALUES ('2026-05-14', 'gpt-regress', 1000000, 'mine'), ('2999-05-14', 'gpt-regress', 1000000, 'yours') RETURNING cost, regress_note;
ALTER TABLE spend.usage DROP COLUMN regress_note;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-05-14', 'gpt-regress', 1000000) RETURNING cost;
SELECT count(*) AS maintained FROM spend.maintain(0) WHERE subject = 'spend.usage_2999_05';
SELECT request_model, cost FROM spend.usage_2999_05;
