-- A bill that was closed does not change. Closing a period books its charges as they are; what the ledger says otherwise since (corrected
-- rows, late rows, rows that went) is the difference, charge by charge, and belongs to the bill of the period that is closed next.
CREATE TABLE spend.focus_bookings (
  period_start date NOT NULL,
  is_correction boolean NOT NULL,
  usage_month date NOT NULL,
  usage_date_utc date NOT NULL,
  attribution_id uuid NOT NULL,
  provider text,
  model text,
  surface text,
  region text,
  service_tier text,
  speed text,
  variant text,
  currency text NOT NULL,
  meter text,
  rate numeric,
  per numeric,
  tier text,
  condition text,
  factor numeric NOT NULL,
  quantity numeric,
  amount numeric NOT NULL,
  consumed numeric
) USING heap;
CREATE INDEX focus_bookings_usage_date_utc_idx ON spend.focus_bookings (usage_date_utc);
COMMENT ON TABLE spend.focus_bookings IS 'Charges of closed periods as spend.focus shows them. Written by spend.close_period() together with the statement, never changed.';
COMMENT ON COLUMN spend.focus_bookings.period_start IS 'First day of the period in which the charge is booked.';
COMMENT ON COLUMN spend.focus_bookings.is_correction IS 'Whether the month of the usage was closed before: the charge is a difference.';
COMMENT ON COLUMN spend.focus_bookings.usage_month IS 'First day of the month of the usage, in the organisation''s zone.';
COMMENT ON COLUMN spend.focus_bookings.usage_date_utc IS 'UTC day of the usage.';
COMMENT ON COLUMN spend.focus_bookings.attribution_id IS 'The attribution.';
COMMENT ON COLUMN spend.focus_bookings.provider IS 'Provider.';
COMMENT ON COLUMN spend.focus_bookings.model IS 'Model.';
COMMENT ON COLUMN spend.focus_bookings.surface IS 'Host that served the model.';
COMMENT ON COLUMN spend.focus_bookings.region IS 'Region.';
COMMENT ON COLUMN spend.focus_bookings.service_tier IS 'Service tier.';
COMMENT ON COLUMN spend.focus_bookings.speed IS 'Speed grade.';
COMMENT ON COLUMN spend.focus_bookings.variant IS 'Variant.';
COMMENT ON COLUMN spend.focus_bookings.currency IS 'Currency of the amount.';
COMMENT ON COLUMN spend.focus_bookings.meter IS 'What is charged; NULL for mark-ups, fixed amounts and rounding.';
COMMENT ON COLUMN spend.focus_bookings.rate IS 'List price of a block of units.';
COMMENT ON COLUMN spend.focus_bookings.per IS 'Units of a block.';
COMMENT ON COLUMN spend.focus_bookings.tier IS 'Context tier of the price.';
COMMENT ON COLUMN spend.focus_bookings.condition IS 'Condition of the price.';
COMMENT ON COLUMN spend.focus_bookings.factor IS 'Share of the list price that was charged.';
COMMENT ON COLUMN spend.focus_bookings.quantity IS 'Units charged, or the difference.';
COMMENT ON COLUMN spend.focus_bookings.amount IS 'Amount by the list price, or the difference.';
COMMENT ON COLUMN spend.focus_bookings.consumed IS 'Units used, or the difference.';

CREATE VIEW spend._closed_month AS SELECT coalesce(max(p.period_start), '-infinity') AS month FROM spend.periods AS p;
COMMENT ON VIEW spend._closed_month IS 'Internal: the last month that is closed; -infinity for none.';

CREATE VIEW spend._focus_booked AS
SELECT b.* FROM spend.focus_bookings AS b LEFT JOIN spend._seen AS a USING (attribution_id) WHERE coalesce(a.is_visible, spend.visible(NULL));
COMMENT ON VIEW spend._focus_booked IS 'Internal: charges of closed periods, as far as the current role may see them.';

-- Closed days in which something is not as it was booked, by sums, which are few; it may name one too many, as rates that round do.
CREATE VIEW spend._focus_changes AS
SELECT x.usage_date_utc, x.attribution_id
FROM (
  SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.provider, s.model, s.currency, s.cost, CASE WHEN s.is_reported THEN s.cost ELSE s.list_cost END AS list_cost,
         CASE WHEN s.is_reported THEN s.calls ELSE coalesce(s.input_tokens, 0) + coalesce(s.output_tokens, 0) END AS consumed, true AS is_live
  FROM spend._focus_sums AS s
  WHERE s.usage_month <= (SELECT m.month FROM spend._closed_month AS m)
  UNION ALL
  SELECT b.usage_month, b.usage_date_utc, b.attribution_id, b.provider, b.model, b.currency, -b.amount * b.factor, -b.amount,
         CASE WHEN b.meter LIKE '%\_tokens' OR b.meter = 'reported_cost' THEN -b.consumed ELSE 0 END, false
  FROM spend._focus_booked AS b
) AS x
GROUP BY x.usage_month, x.usage_date_utc, x.attribution_id, x.provider, x.model, x.currency
HAVING sum(x.cost) <> 0 OR sum(x.list_cost) <> 0 OR sum(x.consumed) <> 0 OR bool_and(x.is_live) OR NOT bool_or(x.is_live);
COMMENT ON VIEW spend._focus_changes IS 'Internal: days and attributions of closed periods that may not be as they were booked.';

CREATE VIEW spend._focus_unbooked AS
WITH changes AS MATERIALIZED (
  SELECT c.usage_date_utc, c.attribution_id FROM spend._focus_changes AS c
), line AS (
  SELECT c.*, false AS is_booked
  FROM spend._focus_charges AS c
  WHERE c.usage_month <= (SELECT m.month FROM spend._closed_month AS m) AND c.usage_date_utc = ANY (ARRAY(SELECT h.usage_date_utc FROM changes AS h))
    AND c.attribution_id = ANY (ARRAY(SELECT h.attribution_id FROM changes AS h))
  UNION ALL
  SELECT b.usage_month, b.usage_date_utc, b.attribution_id, b.provider, b.model, b.surface, b.region, b.service_tier, b.speed, b.variant, b.currency, b.meter, b.rate,
         b.per, b.tier, b.condition, b.factor, -b.quantity, -b.amount, -b.consumed, true
  FROM spend._focus_booked AS b
  WHERE b.usage_date_utc = ANY (ARRAY(SELECT h.usage_date_utc FROM changes AS h)) AND b.attribution_id = ANY (ARRAY(SELECT h.attribution_id FROM changes AS h))
), charge AS (
  -- Once rows were dropped, what was booked by meter is one amount, and so is what differs from it.
  SELECT l.*, bool_or(l.meter = 'cost') OVER same AND bool_or(l.is_booked) OVER same AS is_amount
  FROM line AS l
  WINDOW same AS (PARTITION BY l.usage_month, l.usage_date_utc, l.attribution_id, l.provider, l.model, l.surface, l.region, l.service_tier, l.speed, l.variant, l.currency)
)
SELECT c.usage_month, c.usage_date_utc, c.attribution_id, c.provider, c.model, c.surface, c.region, c.service_tier, c.speed, c.variant, c.currency, m.meter, m.rate, m.per,
       m.tier, m.condition, m.factor, sum(m.quantity) AS quantity, sum(m.amount) AS amount, sum(m.consumed) AS consumed
FROM charge AS c
CROSS JOIN LATERAL (
  SELECT c.meter, c.rate, c.per, c.tier, c.condition, c.factor, c.quantity, c.amount, c.consumed WHERE NOT c.is_amount
  UNION ALL
  SELECT 'cost', 1, 1, NULL, NULL, 1, c.amount * c.factor, c.amount * c.factor, 0 WHERE c.is_amount
) AS m
GROUP BY c.usage_month, c.usage_date_utc, c.attribution_id, c.provider, c.model, c.surface, c.region, c.service_tier, c.speed, c.variant, c.currency, m.meter, m.rate,
         m.per, m.tier, m.condition, m.factor
HAVING sum(m.amount) <> 0 OR sum(m.quantity) <> 0 OR sum(m.consumed) <> 0;
COMMENT ON VIEW spend._focus_unbooked IS 'Internal: what the ledger says of closed periods other than was booked.';

CREATE VIEW spend._focus_billed AS
SELECT NULL::date AS corrected_in, c.* FROM spend._focus_charges AS c WHERE c.usage_month > (SELECT m.month FROM spend._closed_month AS m)
UNION ALL
SELECT CASE WHEN b.is_correction THEN b.period_start END, b.usage_month, b.usage_date_utc, b.attribution_id, b.provider, b.model, b.surface, b.region, b.service_tier, b.speed,
       b.variant, b.currency, b.meter, b.rate, b.per, b.tier, b.condition, b.factor, b.quantity, b.amount, b.consumed
FROM spend._focus_booked AS b
UNION ALL
SELECT ((SELECT m.month FROM spend._closed_month AS m) + interval '1 month')::date, u.* FROM spend._focus_unbooked AS u WHERE isfinite((SELECT m.month FROM spend._closed_month AS m));
COMMENT ON VIEW spend._focus_billed IS 'Internal: all charges: of open months as the ledger is, of closed ones as they were booked, and what changed since.';

DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT a.attrelid::regclass AS view, a.attname FROM pg_attribute AS a
    WHERE a.attnum > 0 AND a.attrelid IN ('spend._closed_month'::regclass, 'spend._focus_booked'::regclass, 'spend._focus_changes'::regclass, 'spend._focus_unbooked'::regclass, 'spend._focus_billed'::regclass)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.view, item.attname, 'Internal: as in the tables.');
  END LOOP;
END
$$;
