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
  consumed numeric,
  last_date_utc date,
  commitment_id bigint
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
COMMENT ON COLUMN spend.focus_bookings.meter IS 'What is charged; NULL for mark-ups, fixed amounts and rounding; #purchase and #unused of what a prepaid commitment costs, and what was left of it.';
COMMENT ON COLUMN spend.focus_bookings.rate IS 'List price of a block of units.';
COMMENT ON COLUMN spend.focus_bookings.per IS 'Units of a block.';
COMMENT ON COLUMN spend.focus_bookings.tier IS 'Context tier of the price.';
COMMENT ON COLUMN spend.focus_bookings.condition IS 'Condition of the price.';
COMMENT ON COLUMN spend.focus_bookings.factor IS 'Share of the list price that was charged.';
COMMENT ON COLUMN spend.focus_bookings.quantity IS 'Units charged, or the difference.';
COMMENT ON COLUMN spend.focus_bookings.amount IS 'Amount by the list price, or the difference.';
COMMENT ON COLUMN spend.focus_bookings.consumed IS 'Units used, or the difference.';
COMMENT ON COLUMN spend.focus_bookings.last_date_utc IS 'Last day that is paid for, of a purchase; else NULL.';
COMMENT ON COLUMN spend.focus_bookings.commitment_id IS 'Prepaid commitment that was bought, or that paid for the usage; NULL for none.';
CREATE INDEX focus_bookings_commitment_id_idx ON spend.focus_bookings (commitment_id) WHERE commitment_id IS NOT NULL;

-- What the charges were made of, in sums: they tell which days are not any more as they were booked.
CREATE TABLE spend.focus_booked_sums (
  period_start date NOT NULL,
  usage_month date NOT NULL,
  usage_date_utc date NOT NULL,
  attribution_id uuid NOT NULL,
  kind_id uuid NOT NULL,
  calls numeric NOT NULL,
  cost numeric NOT NULL,
  list_cost numeric NOT NULL,
  input_tokens numeric NOT NULL,
  output_tokens numeric NOT NULL,
  cache_read_tokens numeric NOT NULL,
  cache_write_tokens numeric NOT NULL,
  output_reasoning_tokens numeric NOT NULL,
  tool_calls numeric NOT NULL,
  retrieval_queries numeric NOT NULL
) USING heap;
COMMENT ON TABLE spend.focus_booked_sums IS 'Sums of usage of which the charges in spend.focus_bookings were made. Written by spend.close_period(), never changed.';
COMMENT ON COLUMN spend.focus_booked_sums.period_start IS 'First day of the period in which they were booked.';
COMMENT ON COLUMN spend.focus_booked_sums.usage_month IS 'First day of the month of the usage, in the organisation''s zone.';
COMMENT ON COLUMN spend.focus_booked_sums.usage_date_utc IS 'UTC day of the usage.';
COMMENT ON COLUMN spend.focus_booked_sums.attribution_id IS 'The attribution.';
COMMENT ON COLUMN spend.focus_booked_sums.kind_id IS 'The kind of usage: SKU, price, currency and what else rollups tell apart.';
COMMENT ON COLUMN spend.focus_booked_sums.calls IS 'Usage rows, or the difference, as of all that follow.';
COMMENT ON COLUMN spend.focus_booked_sums.cost IS 'Cost.';
COMMENT ON COLUMN spend.focus_booked_sums.list_cost IS 'Cost before customer terms.';
COMMENT ON COLUMN spend.focus_booked_sums.input_tokens IS 'Input tokens.';
COMMENT ON COLUMN spend.focus_booked_sums.output_tokens IS 'Output tokens.';
COMMENT ON COLUMN spend.focus_booked_sums.cache_read_tokens IS 'Of them, read from a cache.';
COMMENT ON COLUMN spend.focus_booked_sums.cache_write_tokens IS 'Of them, written to a cache.';
COMMENT ON COLUMN spend.focus_booked_sums.output_reasoning_tokens IS 'Output tokens of reasoning.';
COMMENT ON COLUMN spend.focus_booked_sums.tool_calls IS 'Tool calls.';
COMMENT ON COLUMN spend.focus_booked_sums.retrieval_queries IS 'Retrieval queries.';

CREATE VIEW spend._closed_month AS SELECT coalesce(max(p.period_start), '-infinity') AS month FROM spend.periods AS p;
COMMENT ON VIEW spend._closed_month IS 'Internal: the last month that is closed; -infinity for none.';

CREATE VIEW spend._focus_booked AS
SELECT b.*
FROM spend.focus_bookings AS b
LEFT JOIN spend._seen AS a USING (attribution_id)
LEFT JOIN spend.commitments AS c USING (commitment_id)
-- What was bought is for those who see all that it may pay for.
WHERE CASE WHEN b.meter LIKE '#%' THEN spend._visible_scope(c.scope) ELSE coalesce(a.is_visible, spend.visible(NULL)) END;
COMMENT ON VIEW spend._focus_booked IS 'Internal: charges of closed periods, as far as the current role may see them.';

-- What closed months have come to since they were booked, sum by sum: nothing, but for what was changed or came late. A kind of usage has its
-- SKU and its price, so a change that leaves the cost as it is shows, too.
CREATE VIEW spend._focus_moved_sums AS
SELECT x.usage_month, x.usage_date_utc, x.attribution_id, x.kind_id, sum(x.calls) AS calls, sum(x.cost) AS cost, sum(x.list_cost) AS list_cost,
       sum(x.input_tokens) AS input_tokens, sum(x.output_tokens) AS output_tokens, sum(x.cache_read_tokens) AS cache_read_tokens,
       sum(x.cache_write_tokens) AS cache_write_tokens, sum(x.output_reasoning_tokens) AS output_reasoning_tokens, sum(x.tool_calls) AS tool_calls,
       sum(x.retrieval_queries) AS retrieval_queries
FROM (
  SELECT s.usage_month, s.usage_date_utc, s.attribution_id, s.kind_id, s.calls, s.cost, s.list_cost, coalesce(s.input_tokens, 0) AS input_tokens,
         coalesce(s.output_tokens, 0) AS output_tokens, coalesce(s.cache_read_tokens, 0) AS cache_read_tokens, coalesce(s.cache_write_tokens, 0) AS cache_write_tokens,
         coalesce(s.output_reasoning_tokens, 0) AS output_reasoning_tokens, coalesce(s.tool_calls, 0) AS tool_calls, coalesce(s.retrieval_queries, 0) AS retrieval_queries
  FROM spend._focus_sums AS s
  WHERE s.usage_month <= (SELECT m.month FROM spend._closed_month AS m)
  UNION ALL
  SELECT b.usage_month, b.usage_date_utc, b.attribution_id, b.kind_id, -b.calls, -b.cost, -b.list_cost, -b.input_tokens, -b.output_tokens, -b.cache_read_tokens,
         -b.cache_write_tokens, -b.output_reasoning_tokens, -b.tool_calls, -b.retrieval_queries
  FROM spend.focus_booked_sums AS b
  LEFT JOIN spend._seen AS a USING (attribution_id)
  WHERE coalesce(a.is_visible, spend.visible(NULL))
) AS x
GROUP BY 1, 2, 3, 4
HAVING sum(x.calls) <> 0 OR sum(x.cost) <> 0 OR sum(x.list_cost) <> 0 OR sum(x.input_tokens) <> 0 OR sum(x.output_tokens) <> 0 OR sum(x.cache_read_tokens) <> 0
       OR sum(x.cache_write_tokens) <> 0 OR sum(x.output_reasoning_tokens) <> 0 OR sum(x.tool_calls) <> 0 OR sum(x.retrieval_queries) <> 0;
COMMENT ON VIEW spend._focus_moved_sums IS 'Internal: by what the sums of closed months differ from those that were booked.';

-- It may name one too many. Sums do not have all meters: of rows that were amended, the rows are asked.
CREATE VIEW spend._focus_changes AS
SELECT s.usage_date_utc, s.attribution_id FROM spend._focus_moved_sums AS s
UNION ALL
SELECT (a.occurred_at AT TIME ZONE 'UTC')::date, coalesce(v.attribution_id, '00000000-0000-0000-0000-000000000000')
FROM spend.adjustments AS a
CROSS JOIN LATERAL (VALUES (a.attribution_id), (a.old_attribution_id)) AS v(attribution_id)
WHERE a.adjustment_id > (SELECT max(p.last_adjustment_id) FROM spend.periods AS p) AND a.kind = 'amend'
  AND a.occurred_at < (SELECT max(p.period_end_at) FROM spend.periods AS p);
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
  WHERE coalesce(b.meter NOT LIKE '#%', true) AND b.usage_date_utc = ANY (ARRAY(SELECT h.usage_date_utc FROM changes AS h)) AND b.attribution_id = ANY (ARRAY(SELECT h.attribution_id FROM changes AS h))
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
