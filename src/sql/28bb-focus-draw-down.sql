-- Prepaid commitments: what is bought is one charge; usage that it covers is billed at 0 until it is used up, charge by charge in the order of
-- their days; what is left when it ends is a charge, too. Closed bills stand: later usage draws from what they have left.

CREATE VIEW spend._prepaid AS
SELECT c.commitment_id, c.scope, c.currency, (lower(c.valid_during) AT TIME ZONE c.time_zone)::date AS first_date,
       (upper(c.valid_during) AT TIME ZONE c.time_zone)::date AS end_date
FROM spend.commitments AS c WHERE c.is_prepaid;
COMMENT ON VIEW spend._prepaid IS 'Internal: prepaid commitments with their days.';

CREATE VIEW spend._focus_due AS
SELECT c.*, d.is_drawn
FROM (
  SELECT c.* FROM spend._focus_charges AS c WHERE c.usage_month > (SELECT m.month FROM spend._closed_month AS m)
  UNION ALL
  SELECT u.* FROM spend._focus_unbooked AS u WHERE isfinite((SELECT m.month FROM spend._closed_month AS m))
) AS c
CROSS JOIN LATERAL (
  SELECT (SELECT EXISTS (SELECT FROM spend.commitments AS k WHERE k.is_prepaid)) AND EXISTS (
    SELECT
    FROM spend._prepaid AS p
    LEFT JOIN spend._dimensions_of AS a ON a.attribution_id = c.attribution_id
    WHERE p.currency = c.currency AND c.usage_date_utc >= p.first_date AND c.usage_date_utc < p.end_date
      AND spend._scope_covers(p.scope, coalesce(a.dimensions, '{}') || jsonb_build_object(
            'provider', c.provider, 'model', c.model, 'surface', c.surface, 'region', c.region, 'service_tier', c.service_tier, 'speed', c.speed, 'variant', c.variant))
  ) AS is_drawn
) AS d;
COMMENT ON VIEW spend._focus_due IS 'Internal: what is not booked yet: charges of open months, and what changed in closed ones; and whether a prepaid commitment may pay for it.';

CREATE FUNCTION spend._part_worth(charge spend.focus_bookings, balance numeric) RETURNS spend.focus_bookings
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part spend.focus_bookings := charge;
BEGIN
  IF charge.meter IN ('cost', 'reported_cost') THEN
    part.quantity := balance / charge.factor;
    part.amount := part.quantity;
    part.consumed := 0;
  ELSE
    -- Whole units, so that both parts are a price times a quantity.
    part.quantity := least(floor(balance * charge.per / (charge.rate * charge.factor)), charge.quantity);
    part.amount := round((part.quantity * charge.rate + 0e-40) / charge.per, 18);
    part.consumed := CASE WHEN charge.consumed = charge.quantity THEN part.quantity ELSE 0 END;
  END IF;
  IF part.amount * part.factor > balance OR scale(trim_scale(part.amount * part.factor)) > 18 THEN
    part.quantity := 0;
    part.amount := 0;
  END IF;
  RETURN part;
END
$$;
COMMENT ON FUNCTION spend._part_worth(spend.focus_bookings, numeric) IS 'Internal: the part of a charge that a balance pays for; amount 0 for none.';

CREATE FUNCTION spend._draw_down() RETURNS SETOF spend.focus_bookings
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  terms record;
  item record;
  booked record;
  charge spend.focus_bookings;
  part spend.focus_bookings;
  worth numeric;
BEGIN
  SELECT array_agg(c.commitment_id) AS ids, array_agg(c.scope) AS scopes, array_agg(c.currency) AS currencies, array_agg(d.first_date) AS first_dates,
         array_agg(d.end_date) AS end_dates, array_agg(p.period_end <= now()) AS are_over, array_agg(c.amount - coalesce(b.bought, 0)) AS unbilled,
         array_agg(c.amount - coalesce(b.drawn, 0)) AS balances, array_agg(coalesce(b.unused, 0)) AS unused
  INTO terms
  FROM (
    SELECT k.*, k AS row FROM spend.commitments AS k WHERE k.is_prepaid AND lower(k.valid_during) <= now() AND spend._is_iso_currency(k.currency) ORDER BY lower(k.valid_during), k.commitment_id
  ) AS c
  CROSS JOIN LATERAL spend._commitment_periods(c.row, lower(c.valid_during), now()) AS p
  CROSS JOIN LATERAL (SELECT (p.period_start AT TIME ZONE c.time_zone)::date AS first_date, (p.period_end AT TIME ZONE c.time_zone)::date AS end_date) AS d
  LEFT JOIN LATERAL (
    SELECT sum(f.amount) FILTER (WHERE f.meter = '#purchase') AS bought, sum(f.amount) FILTER (WHERE f.meter = '#unused') AS unused,
           sum(f.amount * f.factor) FILTER (WHERE f.meter NOT LIKE '#%') AS drawn
    FROM spend.focus_bookings AS f
    WHERE f.commitment_id = c.commitment_id AND f.usage_date_utc >= d.first_date AND f.usage_date_utc < d.end_date
  ) AS b ON true;

  FOR item IN
    SELECT ROW(NULL, NULL, c.usage_month, c.usage_date_utc, c.attribution_id, c.provider, c.model, c.surface, c.region, c.service_tier, c.speed, c.variant, c.currency,
               c.meter, c.rate, c.per, c.tier, c.condition, c.factor, c.quantity, c.amount, c.consumed, NULL, NULL)::spend.focus_bookings AS charge,
           coalesce(a.dimensions, '{}') || jsonb_build_object('provider', c.provider, 'model', c.model, 'surface', c.surface, 'region', c.region,
                                                              'service_tier', c.service_tier, 'speed', c.speed, 'variant', c.variant) AS facts
    FROM spend._focus_due AS c
    LEFT JOIN spend._dimensions_of AS a USING (attribution_id)
    WHERE c.is_drawn
    ORDER BY c.usage_month, c.usage_date_utc, c.attribution_id, c.provider COLLATE "C", c.model COLLATE "C", c.surface COLLATE "C", c.region COLLATE "C",
             c.service_tier COLLATE "C", c.speed COLLATE "C", c.variant COLLATE "C", c.meter COLLATE "C", c.tier COLLATE "C", c.condition COLLATE "C",
             c.rate, c.per, c.factor
  LOOP
    charge := item.charge;
    worth := charge.amount * charge.factor;
    -- Mark-ups, fixed amounts and rounding are billed: they are no usage.
    IF charge.meter IS NOT NULL AND worth > 0 THEN
      FOR i IN 1 .. coalesce(cardinality(terms.ids), 0) LOOP
        CONTINUE WHEN terms.balances[i] <= 0 OR charge.currency <> terms.currencies[i] OR charge.usage_date_utc < terms.first_dates[i]
                   OR charge.usage_date_utc >= terms.end_dates[i] OR NOT spend._scope_covers(terms.scopes[i], item.facts);
        part := CASE WHEN worth > terms.balances[i] THEN spend._part_worth(charge, terms.balances[i]) ELSE charge END;
        CONTINUE WHEN part.amount = 0;
        part.commitment_id := terms.ids[i];
        RETURN NEXT part;
        terms.balances[i] := terms.balances[i] - part.amount * part.factor;
        charge.quantity := charge.quantity - part.quantity;
        charge.amount := charge.amount - part.amount;
        charge.consumed := charge.consumed - part.consumed;
        worth := charge.amount * charge.factor;
        EXIT WHEN worth = 0;
      END LOOP;
      CONTINUE WHEN worth = 0;
    ELSIF charge.meter IS NOT NULL AND worth < 0 THEN
      -- Usage that was not: what was billed is given back first, then what the commitment that ended last has paid.
      FOR booked IN
        SELECT b.commitment_id, sum(b.quantity) AS quantity, sum(b.amount) AS amount, sum(b.consumed) AS consumed
        FROM spend.focus_bookings AS b
        WHERE b.usage_date_utc = charge.usage_date_utc
          AND (b.usage_month, b.attribution_id, b.provider, b.model, b.surface, b.region, b.service_tier, b.speed, b.variant, b.currency, b.meter, b.rate, b.per, b.tier,
               b.condition, b.factor)
              IS NOT DISTINCT FROM
              (charge.usage_month, charge.attribution_id, charge.provider, charge.model, charge.surface, charge.region, charge.service_tier, charge.speed, charge.variant,
               charge.currency, charge.meter, charge.rate, charge.per, charge.tier, charge.condition, charge.factor)
        GROUP BY b.commitment_id
        HAVING sum(b.amount) > 0
        ORDER BY b.commitment_id IS NOT NULL, b.commitment_id DESC
      LOOP
        part := charge;
        IF -charge.amount > booked.amount THEN
          part.quantity := -booked.quantity;
          part.amount := -booked.amount;
          part.consumed := -booked.consumed;
        END IF;
        part.commitment_id := booked.commitment_id;
        RETURN NEXT part;
        FOR i IN 1 .. coalesce(cardinality(terms.ids), 0) LOOP
          IF terms.ids[i] = booked.commitment_id AND charge.usage_date_utc >= terms.first_dates[i] AND charge.usage_date_utc < terms.end_dates[i] THEN
            terms.balances[i] := terms.balances[i] - part.amount * part.factor;
          END IF;
        END LOOP;
        charge.quantity := charge.quantity - part.quantity;
        charge.amount := charge.amount - part.amount;
        charge.consumed := charge.consumed - part.consumed;
        EXIT WHEN charge.amount = 0;
      END LOOP;
      CONTINUE WHEN charge.amount = 0;
    END IF;
    RETURN NEXT charge;
  END LOOP;

  FOR i IN 1 .. coalesce(cardinality(terms.ids), 0) LOOP
    part := NULL;
    part.attribution_id := '00000000-0000-0000-0000-000000000000';
    part.provider := CASE jsonb_typeof(terms.scopes[i] -> 'provider') WHEN 'string' THEN spend.text_key(terms.scopes[i] ->> 'provider') END;
    part.currency := terms.currencies[i];
    part.rate := 1;
    part.per := 1;
    part.factor := 1;
    part.commitment_id := terms.ids[i];
    IF terms.unbilled[i] <> 0 THEN
      part.meter := '#purchase';
      part.usage_date_utc := terms.first_dates[i];
      part.usage_month := date_trunc('month', part.usage_date_utc);
      part.last_date_utc := terms.end_dates[i] - 1;
      part.quantity := terms.unbilled[i];
      part.amount := part.quantity;
      RETURN NEXT part;
    END IF;
    IF terms.are_over[i] AND greatest(terms.balances[i], 0) <> terms.unused[i] THEN
      part.meter := '#unused';
      part.usage_date_utc := terms.end_dates[i] - 1;
      part.usage_month := date_trunc('month', part.usage_date_utc);
      part.last_date_utc := NULL;
      part.quantity := greatest(terms.balances[i], 0) - terms.unused[i];
      part.amount := part.quantity;
      RETURN NEXT part;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend._draw_down() IS
  'Internal: what prepaid commitments cost, what usage has drawn from them, and the usage that was left to be billed, as far as it is not booked. Of all usage, whoever asks.';

CREATE FUNCTION spend._focus_drawn() RETURNS SETOF spend.focus_bookings
  LANGUAGE c STABLE STRICT ROWS 100 AS 'MODULE_PATHNAME', 'spend_focus_drawn';
COMMENT ON FUNCTION spend._focus_drawn() IS 'Internal: the charges of _draw_down() that the current role may see.';

CREATE VIEW spend._focus_unbilled AS
SELECT c.usage_month, c.usage_date_utc, c.attribution_id, c.provider, c.model, c.surface, c.region, c.service_tier, c.speed, c.variant, c.currency, c.meter, c.rate, c.per, c.tier,
       c.condition, c.factor, c.quantity, c.amount, c.consumed, NULL::date AS last_date_utc, NULL::bigint AS commitment_id
FROM spend._focus_due AS c
WHERE NOT c.is_drawn
UNION ALL
SELECT d.usage_month, d.usage_date_utc, d.attribution_id, d.provider, d.model, d.surface, d.region, d.service_tier, d.speed, d.variant, d.currency, d.meter, d.rate, d.per, d.tier,
       d.condition, d.factor, d.quantity, d.amount, d.consumed, d.last_date_utc, d.commitment_id
FROM spend._focus_drawn() AS d
WHERE (SELECT EXISTS (SELECT FROM spend.commitments AS k WHERE k.is_prepaid));
COMMENT ON VIEW spend._focus_unbilled IS 'Internal: what is not booked yet, by who pays for it.';

CREATE VIEW spend._focus_billed AS
SELECT CASE WHEN u.usage_month <= (SELECT m.month FROM spend._closed_month AS m) THEN ((SELECT m.month FROM spend._closed_month AS m) + interval '1 month')::date END AS corrected_in, u.*
FROM spend._focus_unbilled AS u
UNION ALL
SELECT CASE WHEN b.is_correction THEN b.period_start END, b.usage_month, b.usage_date_utc, b.attribution_id, b.provider, b.model, b.surface, b.region, b.service_tier, b.speed,
       b.variant, b.currency, b.meter, b.rate, b.per, b.tier, b.condition, b.factor, b.quantity, b.amount, b.consumed, b.last_date_utc, b.commitment_id
FROM spend._focus_booked AS b;
COMMENT ON VIEW spend._focus_billed IS 'Internal: all charges: of open months as the ledger is, of closed ones as they were booked, and what changed since.';
