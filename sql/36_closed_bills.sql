-- Bills of closed periods: they do not change; what does is a correction in the next one. Scopes, months that end elsewhere than in UTC, rows that were dropped.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

INSERT INTO spend.settings (time_zone) VALUES ('Asia/Kolkata');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "2/1M", "output_tokens": "10/1M"}}', '-infinity') AS m,
       spend.set_price('maker', 't', '{"rates": {"input_tokens": {"base": "1/1M", "tiers": [{"above": 200000, "rate": "2/1M"}]}}}', '-infinity') AS t \gset
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, output_tokens) VALUES
  ('2025-12-02 10:00Z', 'a', 'm', 3000000, 100000), ('2025-12-02 11:00Z', 'a', 'm', 1000000, NULL), ('2025-12-03 11:00Z', 'b', 'm', 1000000, NULL), ('2025-12-03 11:00Z', 'b', 't', 100000, NULL), ('2025-12-03 11:00Z', 'b', 't', 300000, NULL),
  -- On one UTC day, in two months of the organisation.
  ('2025-12-31 18:00Z', 'a', 'm', 1000000, NULL), ('2025-12-31 19:00Z', 'a', 'm', 2000000, NULL), ('2026-01-03 11:00Z', 'b', 'm', 500000, NULL);
CREATE VIEW regress.bill AS
SELECT "BillingPeriodStart"::date AS bill, "ChargePeriodStart"::date AS day, "ChargeClass" AS class, "Tags" ->> 'team' AS team, "SkuId" AS sku, "SkuPriceDetails" ->> 'x_ContextTier' AS tier,
       trim_scale("ConsumedQuantity") AS consumed, trim_scale("PricingQuantity") AS quantity, trim_scale("ListUnitPrice") AS price, trim_scale("BilledCost") AS billed, "ChargeDescription" AS description FROM spend.focus;
CREATE VIEW regress.totals AS
SELECT (SELECT trim_scale(sum(billed)) FROM regress.bill) AS billed, (SELECT trim_scale(sum(cost)) FROM spend.usage) AS ledger, (SELECT count(DISTINCT "x_ChargeId") = count(*) FROM spend.focus) AS keys_are_unique;
CREATE TABLE regress.open AS SELECT * FROM regress.bill;
SELECT currency, actual, corrections FROM spend.close_period('2025-12-01');
SELECT count(*) AS changed FROM ((TABLE regress.open EXCEPT ALL SELECT * FROM regress.bill) UNION ALL (SELECT * FROM regress.bill EXCEPT ALL TABLE regress.open)) AS x;
-- Less, nothing at all, somebody else's, late; and a tier that is told by the rows.
SELECT old_cost, new_cost FROM spend.amend(1, '{"input_tokens": 1000000}', 'counted twice', include_closed => true);
SELECT old_cost FROM spend.void(4, 'test', include_closed => true);
SELECT calls, cost FROM spend.reattribute('2025-12-01', '2026-01-01', filter => '{"usage_id": 3}', reason => 'whose', dimensions => '{"team": "c"}', include_closed => true);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2025-12-31 17:00Z', 'a', 'm', 5), ('2025-12-05 17:00Z', 'b', 't', 200001);
-- Of the open month, on the day on which the other ended: that is no correction.
SELECT old_cost, new_cost FROM spend.amend(7, '{"input_tokens": 2000001}', 'open');
SELECT * FROM regress.bill WHERE class IS NOT NULL ORDER BY bill, day, team, sku, tier;
SELECT day, team, consumed FROM regress.bill WHERE class IS NULL AND (day = '2025-12-31' OR day > '2025-12-31') ORDER BY day, consumed;
SELECT * FROM regress.totals;
SELECT count(*) AS gone FROM (SELECT * FROM regress.open WHERE day < '2025-12-31' EXCEPT ALL SELECT * FROM regress.bill) AS x;
-- As if nothing had been: taken back before it is booked.
SELECT old_cost, new_cost FROM spend.amend(1, '{"input_tokens": 3000000}', 'was right', include_closed => true);
SELECT count(*) AS left FROM regress.bill WHERE class IS NOT NULL AND team = 'a' AND day = '2025-12-02';
SELECT old_cost, new_cost FROM spend.amend(1, '{"input_tokens": 1000000}', 'was wrong', include_closed => true);

-- What leaves cost and tokens as they are is a change of the bill all the same: whose it is, tier, kind of token, meter.
SELECT spend.set_price('maker', 'n', '{"rates": {"input_tokens": "3/1M", "cache_read_tokens": "3/1M", "web_searches": "1/1", "images": "1/1"}}', '-infinity') AS n,
       spend.set_price('maker', 'n', '{"rates": {"input_tokens": "3/1M"}}', '-infinity', service_tier => 'flex') AS flex \gset
BEGIN;
INSERT INTO spend.usage (occurred_at, team, feature, request_model, input_tokens, other_usage) VALUES
  ('2026-01-05', 'b', 'whose', 'n', 1000000, NULL), ('2026-01-05', 'b', 'tier', 'n', 1000000, NULL), ('2026-01-05', 'b', 'kind', 'n', 1000000, NULL), ('2026-01-05', 'b', 'meter', 'n', NULL, '{"web_searches": 4}');
SELECT count(*) FROM spend.close_period('2026-01-01');
CREATE TABLE regress.booked AS SELECT * FROM regress.bill;
CREATE FUNCTION regress.amend(feature text, changes jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT (SELECT a.new_cost - a.old_cost FROM spend.amend(u.usage_id, changes, 'same cost', include_closed => true) AS a)::text FROM spend.usage AS u WHERE u.feature = amend.feature
$$;
SELECT regress.amend('whose', '{"team": "c"}') AS whose, regress.amend('tier', '{"service_tier": "flex"}') AS tier, regress.amend('kind', '{"cache_read_tokens": 400000}') AS kind,
       regress.amend('meter', '{"other_usage": {"images": 4}}') AS meter;
SELECT "Tags" ->> 'feature' AS feature, "Tags" ->> 'team' AS team, "ChargeClass" AS class, "SkuPriceId" AS price_id, trim_scale("ConsumedQuantity") AS consumed, trim_scale("BilledCost") AS billed
FROM spend.focus WHERE "BillingPeriodStart" = '2026-02-01Z' AND "ChargePeriodStart" = '2026-01-05Z' ORDER BY 1, "BilledCost";
SELECT * FROM regress.totals;
SELECT count(*) AS gone FROM (SELECT * FROM regress.booked EXCEPT ALL SELECT * FROM regress.bill) AS x;
-- Booked, and not said again.
SELECT actual, corrections FROM spend.close_period('2026-02-01');
SELECT count(*) AS open FROM regress.bill WHERE bill > '2026-02-01';
SELECT count(*) AS booked FROM regress.bill WHERE bill = '2026-02-01' AND class IS NOT NULL;
ROLLBACK;

-- A reader with a scope sees corrections of it: of what moved away or came, its part.
SET client_min_messages = error;
CREATE ROLE regress_bill_b;
CREATE ROLE regress_bill_c;
SELECT spend.grant_access('regress_bill_b', 'reader', '{"team": "b"}'), spend.grant_access('regress_bill_c', 'reader', '{"team": "c"}') \gset grant_
RESET client_min_messages;
GRANT USAGE ON SCHEMA regress TO regress_bill_b, regress_bill_c;
GRANT SELECT ON regress.bill TO regress_bill_b;
SET ROLE regress_bill_b;
SELECT "Tags" ->> 'team' AS team, "ChargeClass" AS class, "ChargePeriodStart"::date AS day, trim_scale("BilledCost") AS billed FROM spend.focus ORDER BY 3, 2 NULLS FIRST, 4;
SELECT regress.error('SELECT * FROM spend.focus_bookings'), regress.error('SELECT * FROM spend._focus_billed');
SET ROLE regress_bill_c;
SELECT "Tags" ->> 'team' AS team, "ChargeClass" AS class, trim_scale("BilledCost") AS billed FROM spend.focus_1_2;
RESET ROLE;

-- Booked: the next bill has them, with what its statement has. What comes after that is of the one after it.
SELECT currency, actual, corrections FROM spend.close_period('2026-01-01');
SELECT bill, class, trim_scale(sum(billed)) AS billed, count(*) FROM regress.bill GROUP BY 1, 2 ORDER BY 1, 2 NULLS FIRST;
SELECT old_cost FROM spend.void(3, 'not at all', include_closed => true);
SELECT * FROM regress.bill WHERE bill > '2026-01-01';
SELECT * FROM regress.totals;

-- Rows that are dropped leave their bills as they are; what comes late for them is one amount.
CREATE TABLE regress.closed AS SELECT * FROM regress.bill;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT action, month, usage_rows FROM spend.drop_rows('2026-01-01');
SELECT count(*) AS changed FROM ((TABLE regress.closed EXCEPT ALL SELECT * FROM regress.bill) UNION ALL (SELECT * FROM regress.bill EXCEPT ALL TABLE regress.closed)) AS x;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2025-12-03 17:00Z', 'b', 't', 300000), ('2025-12-02 17:00Z', 'a', 'm', 7);
SELECT * FROM regress.bill WHERE bill > '2026-01-01' ORDER BY day, team;
SELECT count(*) AS gone FROM (SELECT * FROM regress.closed WHERE bill < '2026-02-01' EXCEPT ALL SELECT * FROM regress.bill) AS x;
SELECT (SELECT sum(billed) FROM regress.bill) = (SELECT sum(actual) FROM spend.chargeback_monthly) AS equals_the_reports;
SELECT * FROM spend.verify_rollups();
SET client_min_messages = error;
DROP OWNED BY regress_bill_b, regress_bill_c;
DROP ROLE regress_bill_b, regress_bill_c;
