-- FOCUS: charges by hand, from sums and from rows; names; what a reader with a scope sees; rows that were dropped. The rules of the specification are checked by a TAP test.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE VIEW regress.charges AS
SELECT "ChargePeriodStart"::date AS day, "Tags" ->> 'team' AS team, "SkuId" AS sku, "SkuPriceDetails" ->> 'x_ContextTier' AS tier, trim_scale("ConsumedQuantity") AS consumed, "ConsumedUnit" AS unit,
       trim_scale("PricingQuantity") AS quantity, "PricingUnit" AS block, trim_scale("ListUnitPrice") AS list, trim_scale("ContractedUnitPrice") AS contracted, trim_scale("ListCost") AS list_cost,
       trim_scale("BilledCost") AS billed, "BillingCurrency" AS currency, "ChargeCategory" AS category
FROM spend.focus;
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "5/1M", "cache_read_tokens": "0.5/1M", "output_tokens": "25/1M", "web_searches": "10/1k"}}', '-infinity') AS m,
       spend.set_price('maker', 't', '{"rates": {"input_tokens": {"base": "1/1M", "tiers": [{"above": 200000, "rate": "2/1M"}]}}}', '-infinity') AS t,
       spend.set_price('maker', 'd', '{"currency": "DBU", "rates": {"input_tokens": "1/1M"}}', '-infinity') AS d,
       spend.set_price('maker', 'h', '{"currency": "EUR", "rates": {"audio_seconds": "0.37/hour"}}', '-infinity') AS h \gset
SELECT spend.set_price_term('rebate', 'discount', 20, scope => '{"team": "b"}', valid_from => '-infinity') AS rebate, spend.set_price_term('overhead', 'markup', 10, scope => '{"team": "c"}', valid_from => '-infinity') AS overhead \gset
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, cache_read_tokens, output_tokens, other_usage) VALUES
  ('2026-01-10 10:00Z', 'a', 'm', 8000000, 2000000, 100000, NULL), ('2026-01-10 23:59Z', 'a', 'm', 400000, NULL, NULL, NULL), ('2026-01-11 00:00Z', 'a', 'm', 1000000, NULL, NULL, NULL),
  ('2026-01-10 10:00Z', 'b', 'm', 1000000, NULL, NULL, NULL), ('2026-01-10 10:00Z', 'c', 'm', 1000000, NULL, NULL, NULL), ('2026-01-10 10:00Z', 'a', 'm', NULL, NULL, NULL, '{"web_searches": 3}'),
  ('2026-01-12 10:00Z', 'a', 't', 100000, NULL, NULL, NULL), ('2026-01-12 10:00Z', 'a', 't', 300000, NULL, NULL, NULL), ('2026-01-13 10:00Z', 'a', 't', 100000, NULL, NULL, NULL),
  ('2026-01-10 10:00Z', 'a', 'd', 5, NULL, NULL, NULL), ('2026-01-10 10:00Z', 'a', 'unknown', 5, NULL, NULL, NULL), ('2026-01-14 10:00Z', 'a', 'h', NULL, NULL, NULL, '{"audio_seconds": 10}');
-- One row for each token class; discounts are in the contracted price, mark-ups have no unit; a context tier is a price of its own.
SELECT * FROM regress.charges ORDER BY day, team, sku, tier, quantity;
-- Names.
SELECT DISTINCT "BillingAccountId", "BillingAccountName", "ServiceProviderName", "ServiceName", "HostProviderName", "InvoiceIssuerName" FROM spend.focus;
INSERT INTO spend.settings (organisation) VALUES ('Acme');
INSERT INTO spend.focus_names (provider, service_provider_name, invoice_issuer_name) VALUES (' Maker', 'The Maker', 'Reseller');
INSERT INTO spend.focus_names (service_name, host_provider_name) VALUES ('Models', 'Cloud');
INSERT INTO spend.models (provider, model, tier, developer) VALUES ('maker', 'm', 'standard', 'Lab');
SELECT DISTINCT "BillingAccountId", "BillingAccountName", "ServiceProviderName", "ServiceName", "HostProviderName", "InvoiceIssuerName", "SkuPriceDetails" ->> 'x_ModelDeveloper' AS developer FROM spend.focus WHERE "SkuId" LIKE '%/m/%';
SELECT DISTINCT "ProviderName", "PublisherName" FROM spend.focus_1_2 ORDER BY 2;
-- A reader sees the charges of their scope; others' prices and terms cannot be had by way of them.
CREATE ROLE regress_focus_b;
CREATE ROLE regress_focus_none;
SELECT spend.grant_access('regress_focus_b', 'reader', '{"team": "b"}'), spend.grant_access('regress_focus_none', 'reader', '{"team": "nobody"}');
GRANT SELECT ON regress.charges TO regress_focus_b;
CREATE FUNCTION regress.leak(text, numeric) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw % %', $1, trim_scale($2); RETURN true; END $$;
SET ROLE regress_focus_b;
SELECT "SkuId", trim_scale("BilledCost") AS billed, trim_scale("ListCost") AS list FROM spend.focus WHERE regress.leak("SkuId", "BilledCost");
SELECT count(*), trim_scale(sum("BilledCost")) AS billed FROM spend.focus_1_2;
SELECT regress.error('SELECT * FROM spend._focus_lines');
SELECT regress.error('SELECT * FROM spend._focus_charges');
SELECT regress.error('SELECT * FROM spend.focus_names');
SET ROLE regress_focus_none;
SELECT count(*) FROM spend.focus;
RESET ROLE;
-- Folding changes nothing; dropped rows leave their sums, and where those cannot be split, the amount.
CREATE TABLE regress.before AS SELECT * FROM regress.charges;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT count(*) AS differences FROM ((TABLE regress.before EXCEPT ALL SELECT * FROM regress.charges) UNION ALL (SELECT * FROM regress.charges EXCEPT ALL TABLE regress.before)) AS x;
SELECT action, month, usage_rows FROM spend.drop_rows('2026-02-01');
SELECT 'before' AS state, * FROM (TABLE regress.before EXCEPT ALL SELECT * FROM regress.charges) AS x UNION ALL SELECT 'after', * FROM (SELECT * FROM regress.charges EXCEPT ALL TABLE regress.before) AS x ORDER BY 1 DESC, day, team, sku, tier;
SELECT (SELECT sum(billed) FROM regress.before) = (SELECT sum(billed) FROM regress.charges) AS same_total;
SELECT spend.revoke_access('regress_focus_b', 'reader'), spend.revoke_access('regress_focus_none', 'reader');
REVOKE ALL ON regress.charges FROM regress_focus_b;
DROP ROLE regress_focus_b, regress_focus_none;
-- Amounts for people. Exact: no double holds these.
SELECT spend.format_amount(1234567.885, 'USD') AS us, spend.format_amount(1234567.885, 'EUR', 'de-DE') AS german, spend.format_amount(-1234567.885, 'INR', 'en-IN') AS indian, spend.format_amount(1234.5, 'JPY', 'ja') AS japanese,
       spend.format_amount(99999999999999999999.985, 'CHF', 'en-US') AS large, spend.format_amount(0.000000000000000001, 'DBU', 'fr') AS unit, spend.format_amount(NULL, 'USD') IS NULL AS none;
SELECT regress.error($$SELECT spend.format_amount(1, 'USD', 'klingon')$$);
SELECT regress.error($$SELECT spend.format_amount(1, 'dollars')$$);
SELECT regress.error($$SELECT spend.format_amount('NaN', 'USD')$$);
