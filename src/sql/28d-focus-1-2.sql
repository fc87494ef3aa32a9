-- FOCUS 1.2, which most exports and the validators still speak: the same charges without the columns that came later, and with the two
-- names that 1.3 replaced.
CREATE VIEW spend.focus_1_2 WITH (security_barrier) AS
SELECT f."AvailabilityZone", f."BilledCost", f."BillingAccountId", f."BillingAccountName", f."BillingAccountType", f."BillingCurrency",
       f."BillingPeriodEnd", f."BillingPeriodStart", f."CapacityReservationId", f."CapacityReservationStatus", f."ChargeCategory", f."ChargeClass",
       f."ChargeDescription", f."ChargeFrequency", f."ChargePeriodEnd", f."ChargePeriodStart", f."CommitmentDiscountCategory",
       f."CommitmentDiscountId", f."CommitmentDiscountName", f."CommitmentDiscountQuantity", f."CommitmentDiscountStatus",
       f."CommitmentDiscountType", f."CommitmentDiscountUnit", f."ConsumedQuantity", f."ConsumedUnit", f."ContractedCost", f."ContractedUnitPrice",
       f."EffectiveCost", f."InvoiceId", f."InvoiceIssuerName", f."ListCost", f."ListUnitPrice", f."PricingCategory", f."PricingCurrency",
       f."PricingCurrencyContractedUnitPrice", f."PricingCurrencyEffectiveCost", f."PricingCurrencyListUnitPrice", f."PricingQuantity",
       f."PricingUnit", f."ServiceProviderName" AS "ProviderName", f."x_PublisherName" AS "PublisherName", f."RegionId", f."RegionName",
       f."ResourceId", f."ResourceName", f."ResourceType", f."ServiceCategory", f."ServiceName", f."ServiceSubcategory", f."SkuId", f."SkuMeter",
       f."SkuPriceDetails", f."SkuPriceId", f."SubAccountId", f."SubAccountName", f."SubAccountType", f."Tags", f."x_ChargeId", f."x_CostCenter",
       f."x_PrincipalId"
FROM spend.focus AS f;
COMMENT ON VIEW spend.focus_1_2 IS 'FOCUS 1.2: the charges of spend.focus in the columns of that version.';
