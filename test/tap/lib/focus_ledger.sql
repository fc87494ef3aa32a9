-- A ledger with every kind of charge that the FOCUS views know, and with what they leave out.
INSERT INTO spend.settings (organisation, time_zone) VALUES ('Acme', 'Asia/Kolkata');
SELECT spend.set_price('maker', 'plain', '{"rates": {"input_tokens": "5/1M", "cache_read_tokens": "0.5/1M", "cache_write_tokens": "6.25/1M", "output_tokens": "25/1M", "web_searches": "10/1k"}}', '-infinity'),
       spend.set_price('maker', 'plain', '{"rates": {"input_tokens": "2.5/1M", "output_tokens": "12.5/1M"}}', '-infinity', service_tier => 'flex'),
       spend.set_price('maker', 'tiered', '{"rates": {"input_tokens": {"base": "1/1M", "tiers": [{"above": 200000, "rate": "2/1M"}]},
                                                      "output_tokens": {"base": "10/1M", "tiers": [{"above": 200000, "rate": "15/1M"}], "basis": "input_tokens"}}}', '-infinity'),
       spend.set_price('maker', 'nightly', '{"rates": {"input_tokens": "1/1M", "requests": "0.001/1"}, "conditions": [{"if": {"time": {"hours": "16:30-00:30"}}, "rates": {"input_tokens": "0.5/1M"}}]}', '-infinity'),
       spend.set_price('maker', 'hours', '{"currency": "EUR", "rates": {"audio_seconds": "0.37/hour"}}', '-infinity'),
       spend.set_price('maker', 'whole hours', '{"rates": {"audio_seconds": "0.36/hour"}}', '-infinity'),
       spend.set_price('maker', 'fine', '{"rates": {"input_tokens": "0.000000000012345/1M"}}', '-infinity'),
       spend.set_price('maker', 'free', '{"rates": {"input_tokens": "0/1M"}}', '-infinity'),
       spend.set_price('maker', 'units', '{"currency": "DBU", "rates": {"input_tokens": "1/1M"}}', '-infinity'),
       spend.set_price('billing', 'theirs', '{"rates": {"input_tokens": "1/1M"}}', '-infinity');
INSERT INTO spend.providers (provider, reported_cost_policy) VALUES ('billing', 'trust');
SELECT spend.set_price_term('rebate', 'discount', 12.5, scope => '{"team": ["cheap", "both"]}', valid_from => '-infinity'),
       spend.set_price_term('odd rebate', 'discount', 33.333333, scope => '{"team": "odd"}', valid_from => '2026-03-02 12:00Z'),
       spend.set_price_term('overhead', 'markup', 5, scope => '{"team": ["dear", "both"]}', valid_from => '-infinity'),
       spend.set_price_term('fee', 'fixed', amount => 0.01, scope => '{"team": "dear"}', valid_from => '-infinity');
-- Paid in advance: one that is used up amid a day, one for each month that takes over what is left, and one that nobody uses.
INSERT INTO spend.commitments (name, kind, is_prepaid, scope, period, amount, valid_during, time_zone) VALUES
  ('first', 'commitment', true, '{"team": "a", "provider": "maker"}', 'term', 12.3456, '[2026-03-01 00:00+05:30, 2026-04-01 00:00+05:30)', 'Asia/Kolkata'),
  ('monthly', 'commitment', true, '{"team": ["a", "b", "cheap"]}', 'month', 61.000000000000000001, '[2026-02-01 00:00+05:30, 2026-05-01 00:00+05:30)', 'Asia/Kolkata'),
  ('idle', 'commitment', true, '{"cost_center": "nobody"}', 'term', 7, '[2026-03-10 00:00+05:30, 2026-03-20 00:00+05:30)', 'Asia/Kolkata');
INSERT INTO spend.usage (occurred_at, team, workspace, project, api_key, user_id, region, service_tier, request_model, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, other_usage)
SELECT '2026-02-28 10:00Z'::timestamptz + i * interval '5 hours', t, CASE WHEN i > 5 THEN 'ws' END, 'p', 'key-1', CASE WHEN i % 2 = 0 THEN 'ann' END, 'eu', CASE WHEN i % 3 = 0 THEN 'flex' END, 'plain', 1000000 + i,
       CASE WHEN i % 3 > 0 THEN 200001 END, CASE WHEN i % 3 > 0 THEN 7 END, 1003, CASE WHEN i = 4 THEN '{"web_searches": 7}'::spend.token_usage END
FROM generate_series(0, 11) AS i, unnest(ARRAY['a', 'b', 'cheap', 'dear', 'both', 'odd', NULL]) AS t;
INSERT INTO spend.usage (occurred_at, team, provider, request_model, input_tokens, output_tokens, other_usage, reported_cost) VALUES
  ('2026-03-02 01:00Z', 'a', NULL, 'tiered', 100000, 10, NULL, NULL), ('2026-03-02 02:00Z', 'a', NULL, 'tiered', 300000, 10, NULL, NULL), ('2026-03-03 02:00Z', 'a', NULL, 'tiered', 100000, 10, NULL, NULL),
  ('2026-03-02 01:00Z', 'cheap', NULL, 'nightly', 1000, NULL, NULL, NULL), ('2026-03-02 17:00Z', 'cheap', NULL, 'nightly', 2000, NULL, NULL, NULL), ('2026-03-03 01:00Z', 'a', NULL, 'nightly', 1000, NULL, NULL, NULL),
  ('2026-03-02 02:00Z', 'a', NULL, 'hours', NULL, NULL, '{"audio_seconds": 10}', NULL), ('2026-03-02 02:00Z', 'cheap', NULL, 'hours', NULL, NULL, '{"audio_seconds": 7200}', NULL),
  ('2026-03-02 02:00Z', 'a', NULL, 'whole hours', NULL, NULL, '{"audio_seconds": 90}', NULL), ('2026-03-02 02:00Z', 'a', NULL, 'fine', 1234, NULL, NULL, NULL), ('2026-03-02 02:00Z', 'odd', NULL, 'fine', 1, NULL, NULL, NULL),
  ('2026-03-02 02:00Z', 'a', NULL, 'free', 5, NULL, NULL, NULL), ('2026-03-02 02:00Z', 'a', 'billing', 'theirs', 5, NULL, NULL, 0.123456789), ('2026-03-02 03:00Z', 'a', 'billing', 'theirs', 5, NULL, NULL, 1),
  ('2026-03-02 02:00Z', 'a', NULL, 'units', 1, NULL, NULL, NULL), ('2026-03-02 02:00Z', 'a', NULL, 'unknown', 1, NULL, NULL, NULL);
-- A price that was corrected since, and rows that contradict themselves.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, cache_read_tokens) VALUES ('2026-03-02 02:00Z', 'a', 'plain', 5, 9), ('2026-03-04 02:00Z', 'a', 'nova', 7, NULL);
SELECT spend.set_price('maker', 'nova', '{"rates": {"input_tokens": "3/1M"}}', '-infinity');
SELECT count(*) FROM spend.reprice('-infinity', filter => '{"model": "nova"}', reason => 'the price came late');
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "4/1M"}}' WHERE model = 'nova';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-03-04 02:00Z', 'a', 'nova', 9);
-- One row too many, and one that said the wrong team.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-03-02 02:00Z', 'a', 'tiered', 250000), ('2026-03-02 02:00Z', 'x', 'tiered', 260000);
SELECT spend.void((SELECT usage_id FROM spend.usage WHERE input_tokens = 250000), 'a test');
SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE input_tokens = 260000), '{"team": "b"}', 'wrong team');
