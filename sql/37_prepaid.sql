-- Prepaid commitments: bought once, drawn down by usage, charge by charge; what closed bills say of it stands.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

SELECT spend.set_price('solora', 'm', '{"rates": {"input_tokens": "5/1M", "output_tokens": "25/1M"}}', '-infinity') AS m, spend.set_price('other', 'n', '{"rates": {"input_tokens": "1/1M"}}', '-infinity') AS n,
       spend.set_price_term('deal', 'discount', 20, scope => '{"provider": "solora"}', valid_from => '2025-01-01') AS deal,
       spend.set_price_term('fee', 'fixed', amount => 0.5, scope => '{"team": "b"}', valid_from => '2025-01-01') AS fee \gset
SELECT regress.error($$INSERT INTO spend.commitments (name, kind, is_prepaid, period, amount, valid_during) VALUES ('no', 'minimum', true, 'term', 1, '[2025-05-01, 2025-06-01)')$$);
INSERT INTO spend.commitments (name, kind, is_prepaid, scope, period, amount, valid_during) VALUES ('prepay', 'commitment', true, '{"provider": "solora"}', 'term', 100, '[2025-05-01, 2025-08-01)');
INSERT INTO spend.usage (occurred_at, team, provider, request_model, input_tokens, output_tokens) VALUES
  ('2025-05-03', 'a', 'solora', 'm', 5000000, 1500000), ('2025-06-03', 'a', 'solora', 'm', 10000000, 250000), ('2025-07-03', 'b', 'solora', 'm', 3000000, NULL), ('2025-08-03', 'b', 'solora', 'm', 1000000, NULL),
  ('2025-05-03', 'a', 'other', 'n', 1000000, NULL);
CREATE VIEW regress.bill AS
SELECT "BillingPeriodStart"::date AS bill, "ChargePeriodStart"::date AS day, "ChargeCategory" AS category, "ChargeClass" AS class, "SkuId" AS sku, trim_scale("PricingQuantity") AS quantity, trim_scale("BilledCost") AS billed,
       trim_scale("EffectiveCost") AS effective, "CommitmentDiscountStatus" AS status, "PricingCategory" AS pricing FROM spend.focus;
-- All that is billed is what the usage cost and what was left unused; keys are unique.
CREATE VIEW regress.totals AS
SELECT sum(billed) = sum(effective) AS is_all_billed, sum(effective) FILTER (WHERE status IS DISTINCT FROM 'Unused') = (SELECT sum(cost) FROM spend.usage) AS is_the_ledger, trim_scale(sum(billed)) AS billed,
       (SELECT count(DISTINCT "x_ChargeId") = count(*) FROM spend.focus) AS keys_are_unique
FROM regress.bill;
-- It lasts into July, and there for 1.25 million tokens more: the charge is divided. A fixed amount is no usage.
SELECT * FROM regress.bill ORDER BY bill, day, sku, status;
SELECT * FROM regress.totals;
SELECT "ChargeDescription" AS description, "ChargeFrequency" AS frequency, "ChargePeriodEnd"::date AS until, "CommitmentDiscountId" AS id, "CommitmentDiscountType" AS type, trim_scale("CommitmentDiscountQuantity") AS quantity, "CommitmentDiscountUnit" AS unit,
       "ResourceId" AS resource, "ResourceType" AS resource_type, "ServiceProviderName" AS provider, "Tags" AS tags FROM spend.focus WHERE "ChargeCategory" = 'Purchase';
-- Closing changes nothing.
CREATE TABLE regress.open AS SELECT * FROM spend.focus;
SELECT count(*) FROM spend.close_period('2025-05-01');
SELECT count(*) FROM spend.close_period('2025-06-01');
SELECT count(*) AS changed FROM ((TABLE regress.open EXCEPT ALL SELECT * FROM spend.focus) UNION ALL (SELECT * FROM spend.focus EXCEPT ALL TABLE regress.open)) AS x;

-- Who sees what: a team its charges; what was bought, who may see all that it pays for. The function behind it tells no more.
INSERT INTO spend.commitments (name, kind, is_prepaid, scope, period, amount, valid_during) VALUES ('for b', 'commitment', true, '{"team": "b"}', 'month', 1, '[2025-08-01, 2025-09-01)'),
  ('no money', 'commitment', true, '{}', 'month', 1, '[2025-08-01, 2025-09-01)');
UPDATE spend.commitments SET currency = 'DBU' WHERE name = 'no money';
SET client_min_messages = error;
CREATE ROLE regress_prepaid_b;
CREATE ROLE regress_prepaid_nobody;
SELECT spend.grant_access('regress_prepaid_b', 'reader', '{"team": "b"}') \gset grant_
RESET client_min_messages;
SET ROLE regress_prepaid_b;
SELECT "ChargePeriodStart"::date AS day, "ChargeCategory" AS category, trim_scale("BilledCost") AS billed, trim_scale("EffectiveCost") AS effective, "CommitmentDiscountId" AS commitment, "ResourceId" AS resource FROM spend.focus ORDER BY 1, 2, 3, 4;
SELECT usage_date_utc, meter, trim_scale(amount) AS amount, commitment_id FROM spend._focus_drawn() ORDER BY 1, 2, 3;
SELECT regress.error('SELECT * FROM spend._draw_down()');
SET ROLE regress_prepaid_nobody;
SELECT regress.error('SELECT * FROM spend._focus_drawn()');
RESET ROLE;

-- Less usage gives back what was drawn for it; the next charges draw it.
SELECT old_cost, new_cost FROM spend.amend(1, '{"input_tokens": 1000000}', 'less', include_closed => true);
SELECT * FROM regress.bill WHERE class IS NOT NULL OR day >= '2025-07-01' ORDER BY bill, day, sku, status;
SELECT * FROM regress.totals;
CREATE TABLE regress.corrected AS SELECT * FROM spend.focus;
SELECT count(*) FROM spend.close_period('2025-07-01');
SELECT count(*) AS changed FROM ((TABLE regress.corrected EXCEPT ALL SELECT * FROM spend.focus) UNION ALL (SELECT * FROM spend.focus EXCEPT ALL TABLE regress.corrected)) AS x;
-- What comes late draws from what was left unused.
INSERT INTO spend.usage (occurred_at, team, provider, request_model, input_tokens) VALUES ('2025-05-04', 'a', 'solora', 'm', 1000000);
SELECT * FROM regress.bill WHERE bill >= '2025-08-01' ORDER BY bill, day, sku, status;
SELECT * FROM regress.totals;
-- More was bought: the difference is billed. What else is agreed is another commitment.
UPDATE spend.commitments SET amount = 110 WHERE name = 'prepay';
SELECT * FROM regress.bill WHERE bill >= '2025-08-01' ORDER BY bill, day, sku, status;
SELECT * FROM regress.totals;
SELECT regress.error($$UPDATE spend.commitments SET scope = '{}' WHERE name = 'prepay'$$), regress.error($$DELETE FROM spend.commitments WHERE name = 'prepay'$$);
SET client_min_messages = error;
DROP OWNED BY regress_prepaid_b, regress_prepaid_nobody;
DROP ROLE regress_prepaid_b, regress_prepaid_nobody;
