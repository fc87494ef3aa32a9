-- FOCUS 1.4, Cost and Usage. Names, types and order of the columns are the specification's; columns of our own begin with x_.
-- Prices and quantities are exact, and so are their products: where a price has no exact block of units, the amount itself is the quantity.
CREATE VIEW spend.focus WITH (security_barrier) AS
SELECT NULL::jsonb AS "AllocatedMethodDetails",
       NULL::text AS "AllocatedMethodId",
       NULL::text AS "AllocatedResourceId",
       NULL::text AS "AllocatedResourceName",
       NULL::jsonb AS "AllocatedTags",
       NULL::text AS "AvailabilityZone",
       (CASE WHEN f.is_paid THEN 0 ELSE f.contracted_cost END)::numeric(38, 18) AS "BilledCost",
       f.billing_account_id AS "BillingAccountId",
       f.billing_account_name AS "BillingAccountName",
       'Organisation'::text AS "BillingAccountType",
       f.currency AS "BillingCurrency",
       (f.billing_month + interval '1 month') AT TIME ZONE 'UTC' AS "BillingPeriodEnd",
       f.billing_month AT TIME ZONE 'UTC' AS "BillingPeriodStart",
       NULL::text AS "CapacityReservationId",
       NULL::text AS "CapacityReservationStatus",
       CASE WHEN f.meter IS NULL THEN 'Adjustment' WHEN f.meter = '#purchase' THEN 'Purchase' ELSE 'Usage' END AS "ChargeCategory",
       CASE WHEN f.corrected_in IS NOT NULL THEN 'Correction' END AS "ChargeClass",
       CASE WHEN f.corrected_in IS NOT NULL THEN 'Correction: ' ELSE '' END || CASE WHEN f.meter IS NULL THEN 'Mark-ups, fixed amounts and rounding' WHEN f.meter = '#purchase' THEN 'Purchase of a prepaid commitment'
                                      WHEN f.meter = '#unused' THEN 'What was not used of a prepaid commitment' ELSE upper(left(f.sku_meter, 1)) || lower(substr(f.sku_meter, 2)) END
         || CASE WHEN f.is_commitment THEN ': ' || f.commitment_name ELSE ' for ' || f.model END AS "ChargeDescription",
       CASE WHEN f.meter IS DISTINCT FROM '#purchase' THEN 'Usage-Based' WHEN f.commitment_period = 'term' THEN 'One-Time' ELSE 'Recurring' END AS "ChargeFrequency",
       (coalesce(f.last_date_utc, f.usage_date_utc) + 1)::timestamp AT TIME ZONE 'UTC' AS "ChargePeriodEnd",
       f.usage_date_utc::timestamp AT TIME ZONE 'UTC' AS "ChargePeriodStart",
       CASE WHEN f.commitment_id IS NOT NULL THEN 'Spend' END AS "CommitmentDiscountCategory",
       f.commitment_name AS "CommitmentDiscountId",
       f.commitment_name AS "CommitmentDiscountName",
       (CASE WHEN f.commitment_id IS NOT NULL THEN f.contracted_cost END)::numeric(38, 18) AS "CommitmentDiscountQuantity",
       CASE WHEN f.meter = '#unused' THEN 'Unused' WHEN f.is_paid THEN 'Used' END AS "CommitmentDiscountStatus",
       CASE WHEN f.commitment_id IS NOT NULL THEN 'Prepaid Spend Commitment' END AS "CommitmentDiscountType",
       CASE WHEN f.commitment_id IS NOT NULL THEN f.currency END AS "CommitmentDiscountUnit",
       NULL::jsonb AS "CommitmentProgramEligibilityDetails",
       f.consumed::numeric(38, 18) AS "ConsumedQuantity",
       CASE WHEN f.meter IN ('cost', 'reported_cost') THEN 'Requests' WHEN NOT f.is_commitment THEN f.unit END AS "ConsumedUnit",
       NULL::jsonb AS "ContractApplied",
       f.contracted_cost::numeric(38, 18) AS "ContractedCost",
       f.contracted_unit_price::numeric(38, 18) AS "ContractedUnitPrice",
       f.effective_cost::numeric(38, 18) AS "EffectiveCost",
       f.host_provider_name AS "HostProviderName",
       NULL::text AS "InvoiceDetailId",
       NULL::text AS "InvoiceId",
       f.invoice_issuer_name AS "InvoiceIssuerName",
       f.amount::numeric(38, 18) AS "ListCost",
       f.list_unit_price::numeric(38, 18) AS "ListUnitPrice",
       CASE WHEN f.meter IS NULL THEN NULL WHEN f.is_paid THEN 'Committed' WHEN f.service_tier = 'flex' THEN 'Dynamic' ELSE 'Standard' END AS "PricingCategory",
       f.currency AS "PricingCurrency",
       f.contracted_unit_price::numeric(38, 18) AS "PricingCurrencyContractedUnitPrice",
       f.effective_cost::numeric(38, 18) AS "PricingCurrencyEffectiveCost",
       f.list_unit_price::numeric(38, 18) AS "PricingCurrencyListUnitPrice",
       f.pricing_quantity::numeric(38, 18) AS "PricingQuantity",
       f.pricing_unit AS "PricingUnit",
       f.region AS "RegionId",
       f.region AS "RegionName",
       CASE WHEN f.is_commitment THEN f.commitment_name ELSE f.dimensions ->> 'api_key' END AS "ResourceId",
       CASE WHEN f.is_commitment THEN f.commitment_name ELSE f.dimensions ->> 'api_key' END AS "ResourceName",
       CASE WHEN f.is_commitment THEN 'Commitment' WHEN f.dimensions ? 'api_key' THEN 'API Key' END AS "ResourceType",
       'AI and Machine Learning'::text AS "ServiceCategory",
       f.service_name AS "ServiceName",
       f.service_provider_name AS "ServiceProviderName",
       'Generative AI'::text AS "ServiceSubcategory",
       f.sku_id AS "SkuId",
       f.sku_meter AS "SkuMeter",
       CASE WHEN f.meter IS NOT NULL AND NOT f.is_commitment THEN spend._focus_details(f.meter, f.model, f.developer, f.family, f.version, f.service_tier, f.surface, f.speed, f.variant, f.tier, f.condition) END
         AS "SkuPriceDetails",
       f.sku_price_id AS "SkuPriceId",
       coalesce(f.dimensions ->> 'workspace', f.dimensions ->> 'project') AS "SubAccountId",
       coalesce(f.dimensions ->> 'workspace', f.dimensions ->> 'project') AS "SubAccountName",
       CASE WHEN f.dimensions ? 'workspace' THEN 'Workspace' WHEN f.dimensions ? 'project' THEN 'Project' END AS "SubAccountType",
       coalesce(f.dimensions, '{}') AS "Tags",
       md5(jsonb_build_array(f.usage_date_utc, f.attribution_id, f.provider, f.model, f.surface, f.region, f.service_tier, f.speed, f.variant, f.currency, f.meter,
                             trim_scale(f.rate), trim_scale(f.per), f.tier, f.condition, trim_scale(f.factor), f.usage_month, f.corrected_in, f.commitment_id)::text) AS "x_ChargeId",
       coalesce(f.dimensions ->> 'cost_center', f.commitment_cost_center, '(untagged)') AS "x_CostCenter",
       coalesce(f.dimensions ->> 'user_id', f.dimensions ->> 'api_key') AS "x_PrincipalId",
       NULL::text AS "x_OriginChargeId",
       NULL::numeric(38, 18) AS "x_OriginBilledCost",
       NULL::numeric(38, 18) AS "x_OriginListCost",
       NULL::numeric(38, 18) AS "x_OriginContractedCost",
       f.publisher_name AS "x_PublisherName"
FROM (
  SELECT c.*, coalesce(c.corrected_in::timestamp, date_trunc('month', c.usage_date_utc::timestamp)) AS billing_month, a.dimensions, m.developer, m.family, m.version, s.sku_meter, s.unit,
         CASE WHEN c.meter IS NOT NULL THEN s.sku_id END AS sku_id,
         CASE WHEN c.is_commitment THEN s.sku_id || format('@1 %s', c.currency)
              WHEN c.meter IS NOT NULL THEN
           concat_ws('/', s.sku_id || '#' || c.service_tier, nullif(c.surface, ''), nullif(c.region, ''), nullif(c.speed, ''), nullif(c.variant, ''), c.tier, c.condition)
           || format('@%s %s/%s', trim_scale(p.list_unit_price), c.currency, p.pricing_unit) END AS sku_price_id,
         p.pricing_quantity, p.pricing_unit, p.list_unit_price, p.contracted_unit_price,
         c.amount * c.factor AS contracted_cost, CASE WHEN c.meter = '#purchase' THEN 0 ELSE c.amount * c.factor END AS effective_cost,
         c.commitment_id IS NOT NULL AND c.meter <> '#purchase' AS is_paid, s.commitment_name, k.period AS commitment_period,
         CASE WHEN c.is_commitment AND jsonb_typeof(k.scope -> 'cost_center') = 'string' THEN spend.text_key(k.scope ->> 'cost_center') END AS commitment_cost_center,
         n.billing_account_id, n.billing_account_name, n.service_provider_name, n.service_name,
         coalesce(n.host_provider_name, nullif(c.surface, ''), n.service_provider_name) AS host_provider_name,
         coalesce(n.invoice_issuer_name, n.service_provider_name) AS invoice_issuer_name,
         coalesce(n.publisher_name, m.developer, n.service_provider_name) AS publisher_name
  FROM (
    SELECT c.corrected_in, c.usage_month, c.usage_date_utc, c.attribution_id, coalesce(c.provider, '(unknown)') AS provider, coalesce(c.model, '(unknown)') AS model, coalesce(c.surface, '') AS surface, c.region,
           c.service_tier, c.speed, c.variant, c.currency, c.meter, c.rate, c.per, c.tier, c.condition, c.factor, c.quantity, c.amount, c.consumed,
           c.last_date_utc, c.commitment_id, coalesce(c.meter LIKE '#%', false) AS is_commitment
    FROM spend._focus_billed AS c
  ) AS c
  LEFT JOIN spend._seen AS a USING (attribution_id)
  LEFT JOIN spend.commitments AS k USING (commitment_id)
  LEFT JOIN spend.models AS m ON m.provider = c.provider AND m.model = c.model
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.is_commitment THEN 'commitment/' || k.name
                ELSE format('%s/%s/%s', c.provider, c.model, replace(regexp_replace(c.meter, '_tokens$', ''), '_', '-')) END AS sku_id,
           CASE WHEN c.is_commitment THEN 'Prepaid Commitment' ELSE spend._focus_meter(c.meter) END AS sku_meter,
           CASE WHEN c.is_commitment THEN c.currency ELSE spend._focus_unit(c.meter) END AS unit, k.name AS commitment_name
  ) AS s
  CROSS JOIN LATERAL (
    SELECT CASE c.per WHEN 3600 THEN round(c.quantity / 3600, 18) ELSE c.quantity * round(1 / c.per, 9) END AS quantity
  ) AS b
  CROSS JOIN LATERAL (
    SELECT b.quantity * c.rate = c.amount AND scale(trim_scale(b.quantity)) <= 18 AND scale(trim_scale(c.rate * c.factor)) <= 18 AND c.meter NOT IN ('cost', 'reported_cost')
  ) AS e(is_exact)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.meter IS NULL THEN NULL WHEN e.is_exact THEN b.quantity ELSE c.amount END AS pricing_quantity,
           CASE WHEN c.meter IS NULL THEN NULL WHEN NOT e.is_exact THEN c.currency WHEN c.per = 1 THEN s.unit
                WHEN c.per = 3600 AND s.unit = 'Seconds' THEN 'Hours' ELSE trim_scale(c.per)::text || ' ' || s.unit END AS pricing_unit,
           CASE WHEN c.meter IS NULL THEN NULL WHEN e.is_exact THEN c.rate ELSE 1 END AS list_unit_price,
           CASE WHEN c.meter IS NULL THEN NULL WHEN e.is_exact THEN c.rate * c.factor ELSE c.factor END AS contracted_unit_price
  ) AS p
  CROSS JOIN spend._settings() AS o
  LEFT JOIN spend.focus_names AS n1 ON n1.provider = c.provider AND n1.surface = c.surface
  LEFT JOIN spend.focus_names AS n2 ON n2.provider = c.provider AND n2.surface = '' AND c.surface <> ''
  LEFT JOIN spend.focus_names AS n3 ON n3.provider = '' AND n3.surface = ''
  CROSS JOIN LATERAL (
    SELECT coalesce(n1.service_provider_name, n2.service_provider_name, n3.service_provider_name, c.provider) AS service_provider_name,
           coalesce(n1.service_name, n2.service_name, n3.service_name, c.provider || ' API') AS service_name,
           coalesce(n1.host_provider_name, n2.host_provider_name, n3.host_provider_name) AS host_provider_name,
           coalesce(n1.invoice_issuer_name, n2.invoice_issuer_name, n3.invoice_issuer_name) AS invoice_issuer_name,
           coalesce(n1.publisher_name, n2.publisher_name, n3.publisher_name) AS publisher_name,
           coalesce(n1.billing_account_id, n2.billing_account_id, n3.billing_account_id, nullif(o.organisation, ''), 'default') AS billing_account_id,
           coalesce(n1.billing_account_name, n2.billing_account_name, n3.billing_account_name, nullif(o.organisation, '')) AS billing_account_name
  ) AS n
) AS f;
COMMENT ON VIEW spend.focus IS
  'FOCUS 1.4, Cost and Usage: one row for each UTC day, attribution, SKU and meter, so one for each token class. Unpriced usage, and usage priced in units that are no money, is not in it. Closed periods stay as they were booked; what changes in them afterwards is a correction in the bill of the period that is closed next.';
