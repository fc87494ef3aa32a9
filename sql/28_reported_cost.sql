-- The cost that a vendor reports, beside ours.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
\pset null (null)
SELECT spend.set_price(p, 'm', '{"rates": {"input_tokens": "1/1M"}}', valid_from => '-infinity') > 0 AS priced FROM unnest(ARRAY['checked', 'trusted', 'ignored', 'silent']) AS p;
SELECT spend.set_price('trusted', 'gratis', '{"rates": {"input_tokens": "0/1M"}}', valid_from => '-infinity') > 0 AS priced;
INSERT INTO spend.providers (provider, reported_cost_policy, tolerance) VALUES (' Checked ', 'verify', 0.05), ('trusted', 'trust', 0.01), ('ignored', 'ignore', 0.01) RETURNING provider, reported_cost_policy, tolerance;

INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, reported_cost, reported_currency) VALUES
  ('2026-05-01', 'checked', 'm', 1000000, 1.04, NULL), ('2026-05-01', 'checked', 'm', 1000000, 1.06, 'USD'), ('2026-05-01', 'checked', 'm', 1000000, 9, 'EUR'), ('2026-05-01', 'checked', 'unknown', 5, 0.2, NULL),
  ('2026-05-02', 'trusted', 'm', 1000000, 1.5, NULL), ('2026-05-02', 'trusted', 'm', 1000000, 0, NULL), ('2026-05-02', 'trusted', 'unknown', 5, 0.25, NULL), ('2026-05-02', 'trusted', 'm', 1000000, 2, 'eur'), ('2026-05-02', 'trusted', 'm', 1000000, 2, 'no currency'),
  ('2026-05-02', 'trusted', 'm', 1000000, NULL, NULL), ('2026-05-02', 'trusted', 'm', 1000000, -1, NULL), ('2026-05-02', 'trusted', 'gratis', 5, NULL, NULL), ('2026-05-02', 'trusted', NULL, NULL, 0.1, NULL),
  ('2026-05-03', 'ignored', 'm', 1000000, 7, NULL), ('2026-05-03', 'silent', 'm', 1000000, 1, NULL), ('2026-05-03', 'silent', 'm', 1000000, NULL, NULL);
SELECT provider, request_model, reported_cost, reported_currency, cost, list_cost, computed_cost, currency, price_id IS NOT NULL AS has_price, pricing_status, pricing_reason FROM spend.usage ORDER BY usage_id;

-- Where the vendor's figure counts, it is what explains the row; the lines add up as everywhere.
SELECT u.cost, e.kind, e.item, e.amount, e.detail FROM spend.usage AS u, spend.explain(u.usage_id) AS e
WHERE u.provider IN ('trusted', 'checked') AND (e.kind <> 'fact' OR e.item = 'reported') ORDER BY u.usage_id, e.line;
SELECT u.usage_id FROM spend.usage AS u LEFT JOIN spend.cost_explanation AS e USING (usage_id) GROUP BY u.usage_id, u.cost HAVING sum(e.amount) IS DISTINCT FROM u.cost AND u.cost <> 0;

SELECT provider, model, currency, reported_cost_policy, calls, unpriced_calls, differing_calls, trim_scale(computed_cost) AS computed_cost, trim_scale(reported_cost) AS reported_cost,
       trim_scale(difference) AS difference, difference_percent, trim_scale(unpriced_reported_cost) AS unpriced_reported_cost
FROM spend.reported_cost_differences ORDER BY provider, model, currency;

-- A figure that can be no call's cost never counts, and no sum of such breaks the view.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, reported_cost) SELECT '2026-05-03', p, 'm', 1000000, c FROM unnest(ARRAY['trusted', 'silent']) AS p, unnest(ARRAY[1e15, 1000000000000001, 1e20, 1e20, -1, 1e200]) AS c
RETURNING provider, round(reported_cost) = 1e15 AS is_most, cost, pricing_status;
SELECT provider, calls, differing_calls, trim_scale(reported_cost) AS reported_cost FROM spend.reported_cost_differences WHERE model = 'm' ORDER BY provider, currency;
DELETE FROM spend.usage WHERE abs(reported_cost) >= 1e15 OR provider = 'silent' AND reported_cost = -1;

-- A figure that arrives later counts where it is trusted, and changes nothing elsewhere.
UPDATE spend.usage SET reported_cost = 3 WHERE provider = 'trusted' AND reported_cost IS NULL AND request_model = 'm' RETURNING cost, computed_cost, list_cost, pricing_status;
UPDATE spend.usage SET reported_cost = NULL WHERE provider = 'trusted' AND reported_cost = 3 RETURNING cost, computed_cost, list_cost, pricing_status;
UPDATE spend.usage SET reported_cost = 5 WHERE provider = 'silent' RETURNING cost, computed_cost, pricing_status;

-- Every row has one of six outcomes.
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, cache_read_tokens, service_tier) VALUES
  ('2026-05-04', 'silent', 'm', 10, 5, NULL), ('2026-05-04', 'silent', 'm', 10, 50, NULL), ('2026-05-04', 'silent', 'm', 10, NULL, 'batch');
SELECT pricing_status, pricing_reason, count(*) FROM spend.usage GROUP BY 1, 2 ORDER BY pricing_status COLLATE "C", pricing_reason COLLATE "C";

-- Trust comes and goes with the table, in the very transaction too.
BEGIN;
UPDATE spend.providers SET reported_cost_policy = 'trust' WHERE provider = 'checked';
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, reported_cost) VALUES ('2026-05-05', 'checked', 'm', 1000000, 4) RETURNING cost, pricing_status;
ROLLBACK;
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens, reported_cost) VALUES ('2026-05-05', 'checked', 'm', 1000000, 4) RETURNING cost, pricing_status;

-- Tiers of models: proposed by list price, yours stay.
INSERT INTO spend.models (provider, model, tier, label) VALUES ('OpenAI', 'GPT-4o', 'premium', 'our best') RETURNING provider, model, tier, origin;
SELECT added > 0 AS loaded FROM spend.load_catalog();
SELECT provider, model, tier, label, origin FROM spend.models WHERE model IN ('gpt-4o', 'gpt-4o-mini', 'claude-opus-4-20250514', 'text-embedding-3-small', 'gpt-4.1') AND provider IN ('openai', 'anthropic') ORDER BY 1, 2;
INSERT INTO spend.models (provider, model, tier) VALUES ('x', 'y', 'luxury');
