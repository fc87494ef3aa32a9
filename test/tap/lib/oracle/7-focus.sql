-- FOCUS: charges by UTC day, own month, attribution, SKU, meter and price, from the lines of each row.
CREATE FUNCTION oracle.focus_name(provider text, surface text, name text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(n) ->> focus_name.name FROM spend.focus_names AS n
  WHERE n.provider IN (focus_name.provider, '') AND n.surface IN (coalesce(focus_name.surface, ''), '') AND (n.provider <> '' OR n.surface = '') AND to_jsonb(n) ->> focus_name.name IS NOT NULL
  ORDER BY n.provider DESC, n.surface DESC LIMIT 1
$$;

-- What is no currency is not billed in money. Of months that were dropped only sums are left: they are compared as such.
CREATE VIEW oracle._billed AS
SELECT p.* FROM oracle._priced AS p WHERE p.currency IN ('USD', 'EUR', 'JPY', 'KWD', 'GBP');

-- Closed months stay as they were booked; what differs since is another charge. Together they are what the rows say.
CREATE FUNCTION oracle.closed_until() RETURNS date LANGUAGE sql STABLE AS $$ SELECT coalesce((max(p.period_end_at) AT TIME ZONE 'UTC')::date + 1, '-infinity') FROM spend.periods AS p $$;

CREATE VIEW oracle._dropped_days AS SELECT DISTINCT (d.occurred_at AT TIME ZONE 'UTC')::date AS day FROM oracle.dropped AS d;

CREATE VIEW oracle._charges AS
SELECT x.month, x.day_utc, x.attribution_id, x.dims, coalesce(x.vendor, '(unknown)') AS vendor, coalesce(x.priced_model, x.model, '(unknown)') AS model, x.host, x.place, x.tier_of_service, x.pace, x.form,
       x.currency, x.meter, x.rate, x.per, x.factor, sum(x.quantity) AS quantity, sum(x.amount) AS amount, sum(x.consumed) AS consumed
FROM (
  SELECT l.month, l.day_utc, l.attribution_id, l.dims, l.vendor, l.priced_model, l.model, l.host, l.place, l.tier_of_service, l.pace, l.form, l.currency, l.meter, l.rate, l.per, l.factor,
         l.quantity, l.amount, l.quantity AS consumed
  FROM oracle._lines AS l
  UNION ALL
  SELECT p.month, p.day_utc, p.attribution_id, p.dims, p.vendor, p.priced_model, p.model, p.host, p.place, p.tier_of_service, p.pace, p.form, p.currency,
         CASE p.pricing_status WHEN 'reported' THEN 'reported_cost' ELSE 'cost' END, 1, 1, 1, p.cost, p.cost, 1
  FROM oracle._billed AS p WHERE p.price IS NULL AND (p.pricing_status = 'reported' OR p.cost <> 0)
  UNION ALL
  -- What is left when discounts are taken off: fixed amounts and mark-ups.
  SELECT p.month, p.day_utc, p.attribution_id, p.dims, p.vendor, p.priced_model, p.model, p.host, p.place, p.tier_of_service, p.pace, p.form, p.currency, NULL, NULL, NULL, 1, NULL, r.rest, NULL
  FROM oracle._billed AS p CROSS JOIN LATERAL (SELECT p.cost - p.list_cost * p.factor AS rest) AS r WHERE p.price IS NOT NULL AND r.rest <> 0
) AS x
WHERE x.currency IN ('USD', 'EUR', 'JPY', 'KWD', 'GBP') AND x.day_utc NOT IN (SELECT d.day FROM oracle._dropped_days AS d)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
HAVING x.meter IS NOT NULL OR sum(x.amount) <> 0;

CREATE VIEW oracle._focus AS
SELECT c.*, m.developer, m.family, m.version, s.*, e.is_exact,
       CASE WHEN e.is_exact THEN c.quantity / c.per ELSE c.amount END AS priced_quantity, CASE WHEN e.is_exact THEN c.rate ELSE 1 END AS list_price,
       CASE WHEN e.is_exact THEN c.rate * c.factor ELSE c.factor END AS contracted_price,
       CASE WHEN NOT e.is_exact THEN c.currency WHEN c.per = 1 THEN s.unit ELSE c.per || ' ' || s.unit END AS priced_unit
FROM oracle._charges AS c
LEFT JOIN spend.models AS m ON m.provider = c.vendor AND m.model = c.model
CROSS JOIN LATERAL (
  SELECT CASE c.meter WHEN 'input_tokens' THEN 'Input Tokens' WHEN 'output_tokens' THEN 'Output Tokens' WHEN 'cache_read_tokens' THEN 'Cache Read Input Tokens'
                      WHEN 'web_searches' THEN 'Web Searches' WHEN 'tool_calls' THEN 'Tool Calls' WHEN 'retrieval_queries' THEN 'Retrieval Queries'
                      WHEN 'review_minutes' THEN 'Review Minutes' WHEN 'reported_cost' THEN 'Reported Cost' WHEN 'cost' THEN 'Cost' END AS sku_meter,
         CASE c.meter WHEN 'web_searches' THEN 'WebSearches' WHEN 'tool_calls' THEN 'ToolCalls' WHEN 'retrieval_queries' THEN 'RetrievalQueries' WHEN 'review_minutes' THEN 'Minutes' ELSE 'Tokens' END AS unit,
         c.vendor || '/' || c.model || '/' || CASE c.meter WHEN 'input_tokens' THEN 'input' WHEN 'output_tokens' THEN 'output' WHEN 'cache_read_tokens' THEN 'cache-read'
                                                           ELSE replace(c.meter, '_', '-') END AS sku
) AS s
CROSS JOIN LATERAL (SELECT c.meter NOT IN ('cost', 'reported_cost') AND c.quantity / c.per * c.rate = c.amount AND scale(trim_scale(c.quantity / c.per)) <= 18
                           AND scale(trim_scale(c.rate * c.factor)) <= 18 AS is_exact) AS e;

CREATE VIEW oracle.focus AS
SELECT NULL::jsonb AS "AllocatedMethodDetails", NULL AS "AllocatedMethodId", NULL AS "AllocatedResourceId", NULL AS "AllocatedResourceName", NULL::jsonb AS "AllocatedTags",
       NULL AS "AvailabilityZone", (f.amount * f.factor)::numeric(38, 18) AS "BilledCost",
       coalesce(oracle.focus_name(f.vendor, f.host, 'billing_account_id'), nullif(o.organisation, ''), 'default') AS "BillingAccountId",
       coalesce(oracle.focus_name(f.vendor, f.host, 'billing_account_name'), nullif(o.organisation, '')) AS "BillingAccountName", 'Organisation' AS "BillingAccountType",
       f.currency AS "BillingCurrency", (date_trunc('month', f.day_utc::timestamp) + interval '1 month') AT TIME ZONE 'UTC' AS "BillingPeriodEnd",
       date_trunc('month', f.day_utc::timestamp) AT TIME ZONE 'UTC' AS "BillingPeriodStart", NULL AS "CapacityReservationId", NULL AS "CapacityReservationStatus",
       CASE WHEN f.meter IS NULL THEN 'Adjustment' ELSE 'Usage' END AS "ChargeCategory", 'Usage-Based' AS "ChargeFrequency",
       (f.day_utc + 1)::timestamp AT TIME ZONE 'UTC' AS "ChargePeriodEnd", f.day_utc::timestamp AT TIME ZONE 'UTC' AS "ChargePeriodStart",
       NULL AS "CommitmentDiscountCategory", NULL AS "CommitmentDiscountId", NULL AS "CommitmentDiscountName", NULL::numeric(38, 18) AS "CommitmentDiscountQuantity",
       NULL AS "CommitmentDiscountStatus", NULL AS "CommitmentDiscountType", NULL AS "CommitmentDiscountUnit", NULL::jsonb AS "CommitmentProgramEligibilityDetails",
       f.consumed::numeric(38, 18) AS "ConsumedQuantity", CASE WHEN f.meter IN ('cost', 'reported_cost') THEN 'Requests' WHEN f.meter IS NOT NULL THEN f.unit END AS "ConsumedUnit",
       NULL::jsonb AS "ContractApplied", (f.amount * f.factor)::numeric(38, 18) AS "ContractedCost",
       CASE WHEN f.meter IS NOT NULL THEN f.contracted_price END::numeric(38, 18) AS "ContractedUnitPrice", (f.amount * f.factor)::numeric(38, 18) AS "EffectiveCost",
       coalesce(oracle.focus_name(f.vendor, f.host, 'host_provider_name'), f.host, n.service_provider) AS "HostProviderName", NULL AS "InvoiceDetailId", NULL AS "InvoiceId",
       coalesce(oracle.focus_name(f.vendor, f.host, 'invoice_issuer_name'), n.service_provider) AS "InvoiceIssuerName", f.amount::numeric(38, 18) AS "ListCost",
       CASE WHEN f.meter IS NOT NULL THEN f.list_price END::numeric(38, 18) AS "ListUnitPrice",
       CASE WHEN f.meter IS NOT NULL THEN CASE f.tier_of_service WHEN 'flex' THEN 'Dynamic' ELSE 'Standard' END END AS "PricingCategory", f.currency AS "PricingCurrency",
       CASE WHEN f.meter IS NOT NULL THEN f.contracted_price END::numeric(38, 18) AS "PricingCurrencyContractedUnitPrice",
       (f.amount * f.factor)::numeric(38, 18) AS "PricingCurrencyEffectiveCost", CASE WHEN f.meter IS NOT NULL THEN f.list_price END::numeric(38, 18) AS "PricingCurrencyListUnitPrice",
       CASE WHEN f.meter IS NOT NULL THEN f.priced_quantity END::numeric(38, 18) AS "PricingQuantity", CASE WHEN f.meter IS NOT NULL THEN f.priced_unit END AS "PricingUnit",
       f.place AS "RegionId", f.place AS "RegionName", f.dims ->> 'api_key' AS "ResourceId", f.dims ->> 'api_key' AS "ResourceName",
       CASE WHEN f.dims ? 'api_key' THEN 'API Key' END AS "ResourceType", 'AI and Machine Learning' AS "ServiceCategory",
       coalesce(oracle.focus_name(f.vendor, f.host, 'service_name'), f.vendor || ' API') AS "ServiceName", n.service_provider AS "ServiceProviderName", 'Generative AI' AS "ServiceSubcategory",
       CASE WHEN f.meter IS NOT NULL THEN f.sku END AS "SkuId", f.sku_meter AS "SkuMeter",
       CASE WHEN f.meter IS NOT NULL THEN
         f.sku || '#' || f.tier_of_service || coalesce('/' || f.host, '') || coalesce('/' || f.place, '') || coalesce('/' || f.pace, '') || coalesce('/' || f.form, '')
         || '@' || trim_scale(f.list_price) || ' ' || f.currency || '/' || f.priced_unit END AS "SkuPriceId",
       coalesce(f.dims ->> 'workspace', f.dims ->> 'project') AS "SubAccountId", coalesce(f.dims ->> 'workspace', f.dims ->> 'project') AS "SubAccountName",
       CASE WHEN f.dims ? 'workspace' THEN 'Workspace' WHEN f.dims ? 'project' THEN 'Project' END AS "SubAccountType", f.dims AS "Tags",
       oracle.value(f.dims, 'cost_center') AS "x_CostCenter", coalesce(f.dims ->> 'user_id', f.dims ->> 'api_key') AS "x_PrincipalId",
       coalesce(oracle.focus_name(f.vendor, f.host, 'publisher_name'), f.developer, n.service_provider) AS "x_PublisherName"
FROM oracle._focus AS f
CROSS JOIN oracle._settings AS o
CROSS JOIN LATERAL (SELECT coalesce(oracle.focus_name(f.vendor, f.host, 'service_provider_name'), f.vendor) AS service_provider) AS n;

-- The same charges as in version 1.4, which has its own oracle.
CREATE VIEW oracle.focus_1_2 AS
SELECT f."AvailabilityZone", f."BilledCost", f."BillingAccountId", f."BillingAccountName", f."BillingAccountType", f."BillingCurrency", f."BillingPeriodEnd", f."BillingPeriodStart",
       f."ChargeCategory", f."ChargePeriodEnd", f."ChargePeriodStart", f."ConsumedQuantity", f."ConsumedUnit", f."ContractedCost", f."ContractedUnitPrice", f."EffectiveCost",
       f."InvoiceIssuerName", f."ListCost", f."ListUnitPrice", f."PricingCategory", f."PricingCurrency", f."PricingQuantity", f."PricingUnit", f."ServiceProviderName" AS "ProviderName",
       f."x_PublisherName" AS "PublisherName", f."RegionId", f."ResourceId", f."ServiceName", f."SkuId", f."SkuMeter", f."SkuPriceId", f."SubAccountId", f."Tags", f."x_CostCenter", f."x_PrincipalId"
FROM spend.focus AS f WHERE oracle.sees(f."Tags");

-- Of days that were dropped: what their rows cost, by currency and attribution.
CREATE VIEW oracle._check_dropped_charges AS
SELECT coalesce(r.day, f.day) AS day, coalesce(r.currency, f.currency) AS currency, coalesce(r.dims, f.dims) AS dims, r.cost AS from_rows, f.cost AS from_view
FROM (SELECT p.day_utc AS day, p.currency, p.dims, sum(p.cost) AS cost FROM oracle._billed AS p WHERE p.day_utc IN (SELECT d.day FROM oracle._dropped_days AS d) GROUP BY 1, 2, 3 HAVING sum(p.cost) <> 0) AS r
FULL JOIN (
  SELECT (v."ChargePeriodStart" AT TIME ZONE 'UTC')::date AS day, v."BillingCurrency" AS currency, v."Tags" AS dims, sum(v."BilledCost") AS cost FROM spend.focus AS v
  WHERE (v."ChargePeriodStart" AT TIME ZONE 'UTC')::date IN (SELECT d.day FROM oracle._dropped_days AS d) GROUP BY 1, 2, 3 HAVING sum(v."BilledCost") <> 0
) AS f ON f.day = r.day AND f.currency = r.currency AND f.dims = r.dims
WHERE r.cost IS DISTINCT FROM f.cost;

CREATE VIEW oracle._check_closed_charges AS
SELECT r.*, f.billed AS shown, f.listed AS shown_list, f.consumed AS shown_quantity
FROM (
  SELECT o."ChargePeriodStart" AS day, o."BillingCurrency" AS currency, o."Tags" AS dims, o."SkuId" AS sku, sum(o."BilledCost") AS billed, sum(o."ListCost") AS listed, sum(o."ConsumedQuantity") AS consumed
  FROM oracle.focus AS o WHERE (o."ChargePeriodStart" AT TIME ZONE 'UTC')::date < oracle.closed_until() GROUP BY 1, 2, 3, 4
) AS r
FULL JOIN (
  SELECT v."ChargePeriodStart" AS day, v."BillingCurrency" AS currency, v."Tags" AS dims, v."SkuId" AS sku, sum(v."BilledCost") AS billed, sum(v."ListCost") AS listed, sum(v."ConsumedQuantity") AS consumed
  FROM spend.focus AS v
  WHERE (v."ChargePeriodStart" AT TIME ZONE 'UTC')::date < oracle.closed_until() AND (v."ChargePeriodStart" AT TIME ZONE 'UTC')::date NOT IN (SELECT d.day FROM oracle._dropped_days AS d)
  GROUP BY 1, 2, 3, 4
) AS f ON r.day = f.day AND r.currency = f.currency AND r.dims = f.dims AND coalesce(r.sku, '') = coalesce(f.sku, '')
WHERE (coalesce(r.billed, 0), coalesce(r.listed, 0), coalesce(r.consumed, 0)) IS DISTINCT FROM (coalesce(f.billed, 0), coalesce(f.listed, 0), coalesce(f.consumed, 0));
