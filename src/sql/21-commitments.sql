CREATE SEQUENCE spend.commitments_commitment_id_seq;
COMMENT ON SEQUENCE spend.commitments_commitment_id_seq IS 'Numbers of commitments.';
CREATE TABLE spend.commitments (
  commitment_id bigint PRIMARY KEY DEFAULT nextval('spend.commitments_commitment_id_seq'),
  name text NOT NULL UNIQUE CHECK (name <> ''),
  kind text NOT NULL CHECK (kind IN ('commitment', 'minimum', 'volume', 'capacity')),
  scope jsonb NOT NULL DEFAULT '{}',
  period text NOT NULL DEFAULT 'month' CHECK (period IN ('month', 'quarter', 'year', 'term')),
  valid_during tstzrange NOT NULL,
  time_zone text,
  currency text CHECK (currency ~ '^[A-Z][A-Z0-9_]{0,11}$'),
  amount numeric,
  overage_percent numeric,
  is_prepaid boolean NOT NULL DEFAULT false,
  measure text,
  tiers jsonb,
  tier_mode text CHECK (tier_mode IN ('graduated', 'whole')),
  units numeric,
  hourly_rate numeric,
  spillover_scope jsonb,
  contract text,
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by name NOT NULL DEFAULT session_user
) USING heap;
COMMENT ON TABLE spend.commitments IS
  'What a contract says of a whole period: an amount committed, a minimum, volume tiers, or capacity that is paid for whether it is used or not. Never changes the cost of a row; spend.commitment_status() says what is due.';
COMMENT ON COLUMN spend.commitments.commitment_id IS 'Number of the commitment.';
COMMENT ON COLUMN spend.commitments.name IS 'Name, as the status shows it.';
COMMENT ON COLUMN spend.commitments.kind IS
  'commitment: amount is due, and usage above it at overage_percent. minimum: at least amount is due. volume: usage is charged by tiers. capacity: units × hourly_rate for every hour.';
COMMENT ON COLUMN spend.commitments.scope IS 'Usage covered, as in price_terms.scope. Of capacity: what the fee pays for.';
COMMENT ON COLUMN spend.commitments.period IS
  'month, quarter or year, counted from the start of valid_during (of capacity: calendar periods); term: the whole of it.';
COMMENT ON COLUMN spend.commitments.valid_during IS 'Half-open; has a start, and ends with a period unless it is capacity.';
COMMENT ON COLUMN spend.commitments.time_zone IS 'Zone in which periods begin; without one, that of spend.settings at the time of writing.';
COMMENT ON COLUMN spend.commitments.currency IS 'Of all amounts; usage in another currency is counted apart. Without one, that of spend.settings at the time of writing.';
COMMENT ON COLUMN spend.commitments.amount IS 'Of a commitment or minimum: the amount of one period.';
COMMENT ON COLUMN spend.commitments.overage_percent IS 'Of a commitment: what usage above the amount costs more than its cost, in percent; -10 is ten percent less. 0 without one.';
COMMENT ON COLUMN spend.commitments.is_prepaid IS 'Of a commitment: the amount of each period is paid when it begins, and usage draws it down: in spend.focus that usage is billed at 0 until the amount is used up.';
COMMENT ON COLUMN spend.commitments.measure IS 'Of volume: what the tiers count: cost (the default), tokens, calls, or a meter.';
COMMENT ON COLUMN spend.commitments.tiers IS
  'Of volume, ascending: [{"up_to": 10000, "percent": 0}, {"percent": -5}] on cost, [{"up_to": 1000000, "rate": 2, "per": 1000000, "flat": 10}, ...] on quantities; with "package" instead of "per" the rate is for each package begun. The last has no up_to.';
COMMENT ON COLUMN spend.commitments.tier_mode IS 'Of volume: graduated (the default): each slice at its own tier. whole: the tier reached prices everything.';
COMMENT ON COLUMN spend.commitments.units IS 'Of capacity: units provisioned.';
COMMENT ON COLUMN spend.commitments.hourly_rate IS 'Of capacity: amount for one unit and hour.';
COMMENT ON COLUMN spend.commitments.spillover_scope IS 'Of capacity: usage that did not fit and is charged by its cost, as in price_terms.scope.';
COMMENT ON COLUMN spend.commitments.contract IS 'Reference of the contract.';
COMMENT ON COLUMN spend.commitments.reason IS 'Why it was written.';
COMMENT ON COLUMN spend.commitments.recorded_at IS 'When the row was written (set by the ledger; a row that has it comes from a dump).';
COMMENT ON COLUMN spend.commitments.recorded_by IS 'Who wrote the row.';
ALTER SEQUENCE spend.commitments_commitment_id_seq OWNED BY spend.commitments.commitment_id;

CREATE FUNCTION spend._period_step(period text) RETURNS interval
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE period WHEN 'month' THEN interval '1 month' WHEN 'quarter' THEN interval '3 months' WHEN 'year' THEN interval '12 months' END
$$;
COMMENT ON FUNCTION spend._period_step(text) IS 'Internal: length of a commitment''s period; NULL for term.';

CREATE FUNCTION spend._commitment_periods(c spend.commitments, since timestamptz, until timestamptz, OUT period_start timestamptz, OUT period_end timestamptz)
RETURNS SETOF record
  LANGUAGE sql STABLE ROWS 12 SET search_path = pg_catalog, pg_temp AS $$
  -- Counted from the first period, not from the one before: a month that begins on the 31st does so again after February.
  SELECT p.period_start, p.period_end
  FROM (SELECT lower(c.valid_during) AT TIME ZONE c.time_zone AS starts, spend._period_step(c.period) AS step) AS s
  CROSS JOIN LATERAL (SELECT CASE c.kind WHEN 'capacity' THEN date_trunc(CASE c.period WHEN 'term' THEN 'microseconds' ELSE c.period END, s.starts)
                                  ELSE s.starts END AS origin,
                             (extract(month FROM s.step) + 12 * extract(year FROM s.step))::integer AS months) AS o
  CROSS JOIN LATERAL generate_series(
    greatest(0, (12 * (extract(year FROM since AT TIME ZONE c.time_zone) - extract(year FROM o.origin))
                 + extract(month FROM since AT TIME ZONE c.time_zone) - extract(month FROM o.origin))::integer / o.months - 1),
    (12 * (extract(year FROM until AT TIME ZONE c.time_zone) - extract(year FROM o.origin))
     + extract(month FROM until AT TIME ZONE c.time_zone) - extract(month FROM o.origin))::integer / o.months + 1) AS i
  CROSS JOIN LATERAL (SELECT greatest((o.origin + i * s.step) AT TIME ZONE c.time_zone, lower(c.valid_during)) AS period_start,
                             least((o.origin + (i + 1) * s.step) AT TIME ZONE c.time_zone, upper(c.valid_during)) AS period_end) AS p
  WHERE p.period_start < p.period_end AND p.period_end > since AND p.period_start <= until
  UNION ALL
  SELECT lower(c.valid_during), upper(c.valid_during)
  WHERE c.period = 'term' AND upper(c.valid_during) > since AND lower(c.valid_during) <= until
$$;
COMMENT ON FUNCTION spend._commitment_periods(spend.commitments, timestamptz, timestamptz) IS 'Internal: the periods of a commitment that meet [since, until], both finite.';

CREATE FUNCTION spend._tiered_amount(quantity numeric, tiers jsonb, tier_mode text) RETURNS numeric
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH tier AS (
    SELECT t.number, (t.tier ->> 'up_to')::numeric AS up_to, coalesce(lag((t.tier ->> 'up_to')::numeric) OVER (ORDER BY t.number), 0) AS above,
           coalesce((t.tier ->> 'rate')::numeric, 100 + (t.tier ->> 'percent')::numeric) AS rate,
           (t.tier ->> 'package')::numeric AS package,
           coalesce((t.tier ->> 'per')::numeric, CASE WHEN t.tier ? 'percent' THEN 100 ELSE 1 END) AS per,
           coalesce((t.tier ->> 'flat')::numeric, 0) AS flat
    FROM jsonb_array_elements(tiers) WITH ORDINALITY AS t(tier, number)
  ), slice AS (
    SELECT t.rate, t.per, t.flat, t.package,
           CASE WHEN tier_mode = 'graduated' THEN least(quantity, t.up_to) - t.above ELSE quantity END AS quantity
    FROM tier AS t
    WHERE (quantity > t.above OR t.number = 1) AND (tier_mode = 'graduated' OR t.up_to IS NULL OR quantity <= t.up_to)
  )
  -- The sum of zero gives the quotient its decimals: multiply first, divide last, round once.
  SELECT trim_scale(sum(CASE WHEN s.package IS NULL THEN round((s.quantity * s.rate + 0e-40) / s.per, 18)
                             ELSE (div(s.quantity, s.package) + (mod(s.quantity, s.package) > 0)::integer) * s.rate END + s.flat))
  FROM slice AS s
$$;
COMMENT ON FUNCTION spend._tiered_amount(numeric, jsonb, text) IS 'Internal: what a quantity costs by tiers; tiers are (above, up_to].';

CREATE FUNCTION spend._check_tiers(name text, measure text, tiers jsonb) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tier record;
  above numeric := 0;
  key text;
  figure text := CASE measure WHEN 'cost' THEN 'percent' ELSE 'rate' END;
BEGIN
  IF jsonb_typeof(tiers) IS DISTINCT FROM 'array' OR jsonb_array_length(tiers) NOT BETWEEN 1 AND 64 THEN
    RAISE EXCEPTION 'tiers of commitment "%" must be a list of 1 to 64 tiers', name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Such as [{"up_to": 10000, "percent": 0}, {"percent": -5}].';
  END IF;
  FOR tier IN SELECT t.value, t.number, t.number = jsonb_array_length(tiers) AS is_last FROM jsonb_array_elements(tiers) WITH ORDINALITY AS t(value, number) LOOP
    IF jsonb_typeof(tier.value) <> 'object' THEN
      RAISE EXCEPTION 'tier % of commitment "%" is not an object', tier.number, name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT k INTO key FROM jsonb_object_keys(tier.value) AS k
    WHERE k NOT IN ('up_to', 'flat', figure) AND NOT (figure = 'rate' AND k IN ('per', 'package')) OR jsonb_typeof(tier.value -> k) <> 'number' ORDER BY k LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'tier % of commitment "%" has an unknown key, or no number: "%"', tier.number, name, key
        USING ERRCODE = 'invalid_parameter_value', HINT = format('A tier on %s has up_to, %s and flat.', measure, CASE figure WHEN 'rate' THEN 'rate, per or package' ELSE figure END);
    END IF;
    IF NOT tier.value ? figure OR (tier.value ->> 'percent')::numeric NOT BETWEEN -100 AND 10000 OR (tier.value ->> 'rate')::numeric NOT BETWEEN 0 AND 1e18
       OR (tier.value ->> 'flat')::numeric NOT BETWEEN 0 AND 1e18 OR (tier.value ->> 'per')::numeric NOT BETWEEN 1 AND 1e12
       OR (tier.value ->> 'package')::numeric NOT BETWEEN 1 AND 1e12 OR (tier.value ? 'per' AND tier.value ? 'package') THEN
      RAISE EXCEPTION 'tier % of commitment "%" is out of range', tier.number, name
        USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The tier is %s.', tier.value),
              HINT = format('It has a %s; percent is -100 to 10000, rate and flat are not negative, per or package is at least 1.', figure);
    END IF;
    IF tier.is_last = (tier.value ? 'up_to') OR (tier.value ->> 'up_to')::numeric <= above THEN
      RAISE EXCEPTION 'tiers of commitment "%" are not ascending', name
        USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Tier %s is %s.', tier.number, tier.value),
              HINT = 'Each up_to is above the one before, and only the last tier has none.';
    END IF;
    above := (tier.value ->> 'up_to')::numeric;
  END LOOP;
END
$$;
COMMENT ON FUNCTION spend._check_tiers(text, text, jsonb) IS 'Internal: raises for volume tiers that could not work.';

CREATE FUNCTION spend._check_commitment() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_restored boolean := TG_OP = 'INSERT' AND NEW.recorded_at IS NOT NULL;
  figure record;
  wrong text;
  endless spend.commitments;
BEGIN
  NEW.currency := coalesce(NEW.currency, (spend._settings()).currency);
  NEW.time_zone := coalesce(NEW.time_zone, (spend._settings()).time_zone);
  NEW.recorded_at := coalesce(NEW.recorded_at, now());
  PERFORM now() AT TIME ZONE NEW.time_zone;
  IF NEW.kind = 'commitment' THEN
    NEW.overage_percent := coalesce(NEW.overage_percent, 0);
  ELSIF NEW.kind = 'volume' THEN
    NEW.measure := coalesce(NEW.measure, 'cost');
    NEW.tier_mode := coalesce(NEW.tier_mode, 'graduated');
  END IF;
  SELECT string_agg(f.name, ', ') INTO wrong
  FROM (VALUES ('amount', NEW.amount IS NOT NULL, NEW.kind IN ('commitment', 'minimum')), ('overage_percent', NEW.overage_percent IS NOT NULL, NEW.kind = 'commitment'),
               ('is_prepaid', NEW.is_prepaid, NEW.is_prepaid AND NEW.kind = 'commitment'),
               ('measure', NEW.measure IS NOT NULL, NEW.kind = 'volume'), ('tiers', NEW.tiers IS NOT NULL, NEW.kind = 'volume'),
               ('tier_mode', NEW.tier_mode IS NOT NULL, NEW.kind = 'volume'), ('units', NEW.units IS NOT NULL, NEW.kind = 'capacity'),
               ('hourly_rate', NEW.hourly_rate IS NOT NULL, NEW.kind = 'capacity'),
               ('spillover_scope', NEW.spillover_scope IS NOT NULL, NEW.spillover_scope IS NOT NULL AND NEW.kind = 'capacity')) AS f(name, is_given, is_needed)
  WHERE f.is_given <> f.is_needed;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'commitment "%" has the wrong figures for a %', NEW.name, NEW.kind
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Missing, or not meant for it: %s.', wrong),
            HINT = 'A commitment has amount and overage_percent and may be is_prepaid, a minimum has amount, volume has tiers, measure and tier_mode, capacity has units, hourly_rate and perhaps spillover_scope.';
  END IF;
  FOR figure IN SELECT * FROM (VALUES ('amount', NEW.amount, 0), ('units', NEW.units, 0), ('hourly_rate', NEW.hourly_rate, 0), ('overage_percent', NEW.overage_percent, -100))
                AS f(name, value, least) LOOP
    IF figure.value = 'NaN' OR figure.value < figure.least OR figure.value >= 1e18 OR scale(trim_scale(figure.value)) > 18 THEN
      RAISE EXCEPTION '% of commitment "%" is out of range', figure.name, NEW.name
        USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s.', figure.value),
              HINT = format('It is %s or more, below 1e18, with at most 18 decimals.', figure.least);
    END IF;
  END LOOP;
  IF NEW.kind = 'volume' THEN
    PERFORM spend._check_tiers(NEW.name, NEW.measure, NEW.tiers);
  END IF;
  IF isempty(NEW.valid_during) OR NOT isfinite(coalesce(lower(NEW.valid_during), '-infinity')) OR (NEW.period = 'term' AND NOT isfinite(coalesce(upper(NEW.valid_during), 'infinity'))) THEN
    RAISE EXCEPTION 'commitment "%" has no %', NEW.name, CASE WHEN isfinite(coalesce(lower(NEW.valid_during), '-infinity')) THEN 'end' ELSE 'start' END
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('valid_during is %s.', NEW.valid_during),
            HINT = 'Its periods are counted from its start; a term is a period of its own and needs an end.';
  END IF;
  NEW.valid_during := tstzrange(lower(NEW.valid_during), coalesce(upper(NEW.valid_during), 'infinity'));
  endless := NEW;
  endless.valid_during := tstzrange(lower(NEW.valid_during), 'infinity');
  IF NEW.kind <> 'capacity' AND NEW.period <> 'term' AND isfinite(upper(NEW.valid_during))
     AND NOT EXISTS (SELECT FROM spend._commitment_periods(endless, upper(NEW.valid_during), upper(NEW.valid_during)) AS p
                     WHERE p.period_start = upper(NEW.valid_during)) THEN
    RAISE EXCEPTION 'commitment "%" does not end with one of its periods', NEW.name
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('%s of %s, in zone %s.', initcap(NEW.period) || 's', NEW.valid_during, NEW.time_zone),
            HINT = 'What part of an amount holds for part of a period is for the contract to say: write that part as a commitment of period term.';
  END IF;
  IF NOT is_restored THEN
    PERFORM spend._check_term_scope(NEW.scope);
    PERFORM spend._check_term_scope(NEW.spillover_scope);
    IF NEW.measure NOT IN ('cost', 'tokens', 'calls') THEN
      PERFORM format('{%s: 1}', to_json(NEW.measure))::spend.token_usage;  -- raises for what is no name of a meter
    END IF;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_commitment() IS 'Internal: refuses a commitment that could not work.';
CREATE TRIGGER check_commitment BEFORE INSERT OR UPDATE ON spend.commitments FOR EACH ROW EXECUTE FUNCTION spend._check_commitment();

CREATE FUNCTION spend._keep_booked_commitment() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM spend.focus_bookings AS b WHERE b.commitment_id = OLD.commitment_id)
     AND (TG_OP = 'DELETE' OR (NEW.commitment_id, NEW.kind, NEW.scope, NEW.period, NEW.valid_during, NEW.time_zone, NEW.currency, NEW.is_prepaid)
                              IS DISTINCT FROM (OLD.commitment_id, OLD.kind, OLD.scope, OLD.period, OLD.valid_during, OLD.time_zone, OLD.currency, OLD.is_prepaid)) THEN
    RAISE EXCEPTION 'commitment "%" is in closed bills', OLD.name
      USING ERRCODE = 'SP008', DETAIL = 'It was bought, or usage has drawn from it, in a period that is closed.',
            HINT = 'Its amount may change: the difference is billed next. What else is agreed is a commitment of its own.';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION spend._keep_booked_commitment() IS 'Internal: refuses what would take a commitment out of closed bills.';
CREATE TRIGGER keep_booked BEFORE UPDATE OR DELETE ON spend.commitments FOR EACH ROW EXECUTE FUNCTION spend._keep_booked_commitment();

-- Both are read with the rights of their owner and filtered by those of the caller.
CREATE VIEW spend._visible_commitments WITH (security_barrier) AS
SELECT c.name, c, c.scope, c.spillover_scope, c.measure FROM spend.commitments AS c
WHERE spend._visible_scope(c.scope) AND spend._visible_scope(coalesce(c.spillover_scope, c.scope));
COMMENT ON VIEW spend._visible_commitments IS 'Internal: the commitments all of whose usage the current role may see.';
CREATE VIEW spend._commitment_usage WITH (security_barrier) AS
SELECT u.occurred_at, u.attribution_id, u.cost, u.currency, coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens, spend.tokens(u) AS usage,
       coalesce(p.provider, u.provider) AS provider, coalesce(p.model, nullif(u.response_model, ''), u.request_model) AS model,
       u.surface, u.region, u.service_tier, u.speed, u.variant
FROM spend.usage AS u LEFT JOIN spend.prices AS p ON p.price_id = u.price_id
WHERE u.pricing_status IS DISTINCT FROM 'voided' AND spend.visible(u.attribution_id);
COMMENT ON VIEW spend._commitment_usage IS 'Internal: the visible rows of the ledger, as far as commitments ask.';
CREATE VIEW spend._visible_attributions WITH (security_barrier) AS
SELECT DISTINCT ON (a.attribution_id) a.attribution_id, a.dimensions FROM spend.attributions AS a
WHERE spend.visible(a.attribution_id) ORDER BY a.attribution_id;
COMMENT ON VIEW spend._visible_attributions IS 'Internal: the dictionary of attributions, as far as the current role may see their rows.';

CREATE FUNCTION spend._commitment_due(c spend.commitments, rated numeric, quantity numeric, spillover numeric, fee numeric) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE c.kind
    WHEN 'commitment' THEN c.amount + greatest(rated - c.amount, 0) * (100 + c.overage_percent) * 0.01
    WHEN 'minimum' THEN greatest(c.amount, rated)
    WHEN 'volume' THEN spend._tiered_amount(CASE c.measure WHEN 'cost' THEN rated ELSE quantity END, c.tiers, c.tier_mode)
    ELSE fee + spillover END
$$;
COMMENT ON FUNCTION spend._commitment_due(spend.commitments, numeric, numeric, numeric, numeric) IS 'Internal: what is due for a period with this usage.';

CREATE FUNCTION spend.commitment_status(
  commitment text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT now(),
  OUT name text, OUT kind text, OUT period_start timestamptz, OUT period_end timestamptz, OUT is_over boolean, OUT currency text,
  OUT committed numeric, OUT rated numeric, OUT used numeric, OUT remaining numeric, OUT utilization_percent numeric,
  OUT overage numeric, OUT overage_amount numeric, OUT shortfall numeric, OUT total_due numeric, OUT true_up numeric,
  OUT projected_rated numeric, OUT projected_due numeric, OUT calls bigint, OUT unpriced_calls bigint, OUT other_currency_calls bigint
) RETURNS SETOF record
  LANGUAGE plpgsql STABLE ROWS 12 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  wanted text := commitment_status.commitment;
  moment timestamptz := commitment_status.as_of;
  first_time timestamptz := coalesce(commitment_status.since, commitment_status.as_of);
  last_time timestamptz := commitment_status.until;
BEGIN
  IF moment IS NULL OR NOT isfinite(moment) THEN
    RAISE EXCEPTION 'as_of must be a time' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF wanted IS NOT NULL AND NOT EXISTS (SELECT FROM spend._visible_commitments AS v WHERE v.name = wanted) THEN
    RAISE EXCEPTION 'no commitment "%"', wanted
      USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM spend.commitments shows them to administrators; a reader sees those that cover only rows in their own scope.';
  END IF;
  RETURN QUERY
  WITH periods AS (
    SELECT v.c, v.scope, v.spillover_scope, v.measure, p.period_start, p.period_end, least(moment, p.period_end - interval '1 microsecond') AS last_row_at
    FROM spend._visible_commitments AS v
    -- Without an end: the period that holds the first time. An end that never comes: up to now.
    CROSS JOIN LATERAL (SELECT greatest(first_time, lower((v.c).valid_during)) AS since,
                               least(coalesce(last_time, first_time), upper((v.c).valid_during)) AS until) AS w
    CROSS JOIN LATERAL spend._commitment_periods(v.c, w.since, CASE WHEN isfinite(w.until) THEN w.until ELSE greatest(moment, w.since) END) AS p
    WHERE (wanted IS NULL OR v.name = wanted)
      AND CASE WHEN last_time IS NULL THEN p.period_start <= first_time AND first_time < p.period_end ELSE p.period_start < last_time END
  ), measured AS (
    SELECT p.*, r.*,
           CASE (p.c).kind WHEN 'capacity' THEN
             round((extract(epoch FROM p.period_end - p.period_start) * (p.c).units * (p.c).hourly_rate + 0e-40) / 3600, 18) END AS fee
    FROM periods AS p
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(g.cost) FILTER (WHERE g.is_covered), 0) AS rated,
             coalesce(sum(g.cost) FILTER (WHERE g.is_spillover), 0) AS spillover,
             coalesce(sum(g.quantity) FILTER (WHERE g.is_covered), 0) AS quantity,
             coalesce(sum(g.calls), 0)::bigint AS calls,
             coalesce(sum(g.unpriced_calls), 0)::bigint AS unpriced_calls,
             coalesce(sum(g.calls - g.unpriced_calls) FILTER (WHERE NOT g.is_currency), 0)::bigint AS other_currency_calls
      FROM (
        SELECT CASE WHEN s.is_currency THEN s.cost END AS cost, s.quantity, s.calls, s.unpriced_calls, s.is_currency,
               k.is_covered, NOT k.is_covered AS is_spillover
        FROM (
          SELECT u.attribution_id, u.provider, u.model, u.surface, u.region, u.service_tier, u.speed, u.variant,
                 coalesce(u.currency = (p.c).currency, true) AS is_currency, sum(u.cost) AS cost, count(*) AS calls, count(*) FILTER (WHERE u.cost IS NULL) AS unpriced_calls,
                 CASE p.measure WHEN 'calls' THEN count(*) ELSE sum(u.counted) END AS quantity
          FROM (
            SELECT u.attribution_id, u.provider, u.model, u.surface, u.region, u.service_tier, u.speed, u.variant, u.currency, u.cost, u.tokens AS counted
            FROM spend._commitment_usage AS u
            WHERE u.occurred_at >= p.period_start AND u.occurred_at <= p.last_row_at AND (p.measure IS NULL OR p.measure IN ('cost', 'tokens', 'calls'))
            UNION ALL
            -- Apart, because what a row holds of any meter is worked out for every row.
            SELECT u.attribution_id, u.provider, u.model, u.surface, u.region, u.service_tier, u.speed, u.variant, u.currency, u.cost,
                   u.usage OPERATOR(spend.->) p.measure
            FROM spend._commitment_usage AS u
            WHERE u.occurred_at >= p.period_start AND u.occurred_at <= p.last_row_at AND p.measure NOT IN ('cost', 'tokens', 'calls')
          ) AS u
          GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ) AS s
        LEFT JOIN spend._visible_attributions AS a USING (attribution_id)
        CROSS JOIN LATERAL (
          SELECT coalesce(a.dimensions, '{}') || jsonb_build_object('provider', s.provider, 'model', s.model, 'surface', s.surface, 'region', s.region,
                                                                     'service_tier', s.service_tier, 'speed', s.speed, 'variant', s.variant) AS facts
        ) AS f
        CROSS JOIN LATERAL (SELECT spend._scope_covers(p.scope, f.facts) AS is_covered) AS k
        WHERE k.is_covered OR spend._scope_covers(p.spillover_scope, f.facts)
      ) AS g
    ) AS r
  ), projected AS (
    -- Run rate: from the third day on, and never for a period without an end.
    SELECT m.*, coalesce((m.c).amount, m.fee) AS committed,
           CASE WHEN moment >= m.period_end THEN 1
                WHEN isfinite(m.period_end) AND moment - m.period_start >= interval '3 days'
                THEN (extract(epoch FROM m.period_end - m.period_start) + 0e-40) / extract(epoch FROM moment - m.period_start) END AS factor
    FROM measured AS m
  )
  SELECT (m.c).name, (m.c).kind, m.period_start, m.period_end, moment >= m.period_end, (m.c).currency,
         trim_scale(m.committed), trim_scale(m.rated), trim_scale(least(m.rated, coalesce(m.committed, m.rated))), trim_scale(greatest(m.committed - m.rated, 0)),
         CASE WHEN m.committed > 0 THEN round(m.rated * 100 / m.committed, 4) END,
         trim_scale(CASE (m.c).kind WHEN 'commitment' THEN greatest(m.rated - m.committed, 0) WHEN 'capacity' THEN m.spillover END),
         trim_scale(CASE (m.c).kind WHEN 'commitment' THEN d.due - m.committed WHEN 'capacity' THEN m.spillover END),
         trim_scale(CASE WHEN (m.c).kind IN ('commitment', 'minimum') THEN greatest(m.committed - m.rated, 0) END),
         trim_scale(d.due), trim_scale(d.due - m.rated - m.spillover),
         trim_scale(round(m.rated * m.factor, 18)),
         trim_scale(CASE WHEN m.factor IS NOT NULL THEN
           spend._commitment_due(m.c, round(m.rated * m.factor, 18), round(m.quantity * m.factor, 18), round(m.spillover * m.factor, 18), m.fee) END),
         m.calls, m.unpriced_calls, m.other_currency_calls
  FROM projected AS m
  CROSS JOIN LATERAL (SELECT spend._commitment_due(m.c, m.rated, m.quantity, m.spillover, m.fee) AS due) AS d
  ORDER BY (m.c).name COLLATE "C", m.period_start;
END
$$;
COMMENT ON FUNCTION spend.commitment_status(text, timestamptz, timestamptz, timestamptz) IS
  'What commitments come to, one row per commitment and period: the period that holds since (default as_of), or all that meet [since, until). Counts the rows that occurred up to as_of; an open period stands as if it ended then. total_due is what the contract says is due, true_up the line that leads there from the cost on the rows. Projected by run rate from the third day on. Rows without a price or in another currency are counted, their cost is in no amount. A reader sees the commitments whose whole scope is theirs.';
