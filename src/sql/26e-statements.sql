-- What a period is booked at. A line is the difference between what the reports say of a month when a period is closed and what
-- earlier statements have booked of it: of the period itself all, of closed ones what has been corrected since.
CREATE TABLE spend.statements (
  period_start date NOT NULL,
  usage_start_date date NOT NULL,
  cost_center text NOT NULL,
  department text NOT NULL,
  currency text NOT NULL,
  is_correction boolean NOT NULL,
  actual numeric NOT NULL,
  chargeback numeric NOT NULL,
  calls bigint NOT NULL,
  unpriced_calls bigint NOT NULL,
  PRIMARY KEY (period_start, usage_start_date, cost_center, department, currency)
) USING heap;
COMMENT ON TABLE spend.statements IS 'Statements of closed periods, exact. Written by spend.close_period(), never changed.';
COMMENT ON COLUMN spend.statements.period_start IS 'First day of the period in which the line is booked.';
COMMENT ON COLUMN spend.statements.usage_start_date IS 'First day of the month of the usage.';
COMMENT ON COLUMN spend.statements.cost_center IS 'Cost center, as in chargeback_monthly.';
COMMENT ON COLUMN spend.statements.department IS 'Its department, as in chargeback_monthly.';
COMMENT ON COLUMN spend.statements.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.statements.is_correction IS 'Whether the month of the usage was closed before: late usage, and what was corrected.';
COMMENT ON COLUMN spend.statements.actual IS 'Cost; of a correction, the difference.';
COMMENT ON COLUMN spend.statements.chargeback IS 'What is booked to the center: actual where it is charged back, else 0.';
COMMENT ON COLUMN spend.statements.calls IS 'Usage rows, or the difference.';
COMMENT ON COLUMN spend.statements.unpriced_calls IS 'Rows without a price, or the difference.';

CREATE FUNCTION spend.close_period(
  period_start date, reason text DEFAULT NULL, OUT currency text, OUT actual numeric, OUT chargeback numeric, OUT corrections numeric
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  zone text := spend._rollup_zone();
  month_start timestamptz;
  month_end timestamptz;
  last_closed spend.periods;
BEGIN
  IF close_period.period_start IS NULL OR close_period.period_start <> date_trunc('month', close_period.period_start) THEN
    RAISE EXCEPTION 'a period is named by the first day of its month' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'periods are closed under READ COMMITTED only' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'What others have committed meanwhile belongs into the statement.';
  END IF;
  month_start := close_period.period_start::timestamp AT TIME ZONE zone;
  month_end := (close_period.period_start + interval '1 month') AT TIME ZONE zone;
  IF month_end > now() THEN
    RAISE EXCEPTION 'period % is not over', close_period.period_start
      USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('It ends at %s.', month_end);
  END IF;
  -- Waits for corrections that are under way, keeps new ones waiting; nobody else meets this lock.
  LOCK TABLE spend.periods IN EXCLUSIVE MODE;
  SELECT p.* INTO last_closed FROM spend.periods AS p ORDER BY p.period_end_at DESC LIMIT 1;
  IF last_closed.period_start >= close_period.period_start OR last_closed.period_end_at > month_start THEN
    RAISE EXCEPTION 'period % is closed', close_period.period_start
      USING ERRCODE = 'SP008', DETAIL = format('Period %s was closed at %s by %s, and all before it.', last_closed.period_start, last_closed.closed_at, last_closed.closed_by),
            HINT = 'A statement never changes. What has been corrected since stands in that of the next period.';
  END IF;
  INSERT INTO spend.periods (period_start, period_start_at, period_end_at, closed_at, closed_by, last_adjustment_id, reason)
  VALUES (close_period.period_start, month_start, month_end, now(), session_user, coalesce(last_closed.last_adjustment_id, 0), close_period.reason);
  RETURN QUERY
  WITH booked AS (
    INSERT INTO spend.statements AS s
    SELECT close_period.period_start, d.usage_start_date, d.cost_center, d.department, d.currency,
           d.usage_start_date <= coalesce(last_closed.period_start, '-infinity'), sum(d.actual), sum(d.chargeback), sum(d.calls), sum(d.unpriced_calls)
    FROM (
      SELECT c.period_start AS usage_start_date, c.cost_center, c.department, c.currency, c.actual, c.chargeback, c.calls, c.unpriced_calls
      FROM spend.chargeback_monthly AS c WHERE c.period_start <= close_period.period_start
      UNION ALL
      SELECT b.usage_start_date, b.cost_center, b.department, b.currency, -b.actual, -b.chargeback, -b.calls, -b.unpriced_calls FROM spend.statements AS b
    ) AS d
    GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(d.actual) <> 0 OR sum(d.chargeback) <> 0 OR sum(d.calls) <> 0 OR sum(d.unpriced_calls) <> 0
    RETURNING s.*
  ), bill AS (
    -- Under the same snapshot: the bill has what the statement has.
    INSERT INTO spend.focus_bookings
    SELECT close_period.period_start, u.usage_month <= coalesce(last_closed.period_start, '-infinity'), u.* FROM spend._focus_unbilled AS u WHERE u.usage_month <= close_period.period_start
  ), sums AS (
    INSERT INTO spend.focus_booked_sums SELECT close_period.period_start, m.* FROM spend._focus_moved_sums AS m
  )
  SELECT b.currency, trim_scale(coalesce(sum(b.actual) FILTER (WHERE NOT b.is_correction), 0)),
         trim_scale(coalesce(sum(b.chargeback) FILTER (WHERE NOT b.is_correction), 0)), trim_scale(coalesce(sum(b.actual) FILTER (WHERE b.is_correction), 0))
  FROM booked AS b GROUP BY b.currency ORDER BY b.currency COLLATE "C";
  -- All that were made up to now are in the bill.
  UPDATE spend.periods AS p SET last_adjustment_id = coalesce((SELECT max(a.adjustment_id) FROM spend.adjustments AS a), 0)
  WHERE p.period_start = close_period.period_start;
END
$$;
COMMENT ON FUNCTION spend.close_period(date, text) IS
  'Closes a month that is over, and all before it, for good: writes its statement and its charges in spend.focus, after which corrections leave its usage alone (SP008) unless told otherwise. Usage that comes later, and corrections made in closed periods, are booked in the statement of the period that is closed next. Returns what was booked, by currency. For administrators.';

CREATE FUNCTION spend._minor_digits(currency text) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- ISO 4217; what is no currency of it is told to the cent.
  SELECT CASE WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
              WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3 ELSE 2 END
$$;
COMMENT ON FUNCTION spend._minor_digits(text) IS 'Internal: decimals of a currency''s minor unit.';

-- Rounded once, and the lines of a period add up to its rounded total: what rounding down leaves goes to the lines with the largest rest. Over all lines,
-- whoever looks, so that each has one amount.
CREATE VIEW spend.statement_lines WITH (security_barrier) AS
SELECT md5(jsonb_build_array(l.period_start, l.usage_start_date, l.cost_center, l.department, l.currency)::text) AS statement_lines_key,
       l.period_start_at,
       l.period_start,
       'month'::text AS period_kind,
       l.usage_start_date,
       CASE WHEN l.is_correction THEN 'Correction' ELSE '' END AS charge_class,
       l.cost_center,
       l.department,
       l.currency,
       a.amount::numeric(38, 18) AS amount,
       (CASE WHEN l.chargeback = l.actual THEN a.amount ELSE round(l.chargeback * l.per_unit) / l.per_unit END)::numeric(38, 18) AS chargeback,
       l.actual::numeric(38, 18) AS exact_amount,
       l.calls,
       l.unpriced_calls,
       l.closed_at
FROM (
  SELECT r.*, sum(r.units) OVER w AS all_units, round(sum(r.actual) OVER w * r.per_unit) AS total_units,
         row_number() OVER (PARTITION BY r.period_start, r.currency ORDER BY r.actual * r.per_unit - r.units DESC, r.usage_start_date, r.cost_center COLLATE "C", r.department COLLATE "C")
           AS place
  FROM (
    SELECT s.*, p.period_start_at, p.closed_at, d.per_unit, floor(s.actual * d.per_unit) AS units
    FROM spend.statements AS s
    JOIN spend.periods AS p USING (period_start)
    CROSS JOIN LATERAL (SELECT power(10::numeric, spend._minor_digits(s.currency)) AS per_unit) AS d
  ) AS r
  WINDOW w AS (PARTITION BY r.period_start, r.currency)
) AS l
CROSS JOIN LATERAL (SELECT (l.units + CASE WHEN l.place <= l.total_units - l.all_units THEN 1 ELSE 0 END) / l.per_unit AS amount) AS a
WHERE spend._visible_scope(jsonb_build_object('cost_center', l.cost_center));
COMMENT ON VIEW spend.statement_lines IS 'Statements of closed periods, rounded to the currency''s minor unit; the lines of a period and currency add up to the rounded total. Never change.';
COMMENT ON COLUMN spend.statement_lines.statement_lines_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.statement_lines.period_start_at IS 'Start of the period in which the line is booked.';
COMMENT ON COLUMN spend.statement_lines.period_start IS 'Its first day.';
COMMENT ON COLUMN spend.statement_lines.period_kind IS 'month.';
COMMENT ON COLUMN spend.statement_lines.usage_start_date IS 'First day of the month of the usage.';
COMMENT ON COLUMN spend.statement_lines.charge_class IS 'Correction where the month of the usage was closed before: late usage, and what was corrected; else empty.';
COMMENT ON COLUMN spend.statement_lines.cost_center IS 'Cost center.';
COMMENT ON COLUMN spend.statement_lines.department IS 'Its department.';
COMMENT ON COLUMN spend.statement_lines.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN spend.statement_lines.amount IS 'Cost, rounded; negative where a correction takes away.';
COMMENT ON COLUMN spend.statement_lines.chargeback IS 'What is booked to the center: amount where it is charged back, else 0.';
COMMENT ON COLUMN spend.statement_lines.exact_amount IS 'The cost before rounding.';
COMMENT ON COLUMN spend.statement_lines.calls IS 'Usage rows, or the difference.';
COMMENT ON COLUMN spend.statement_lines.unpriced_calls IS 'Rows without a price, or the difference.';
COMMENT ON COLUMN spend.statement_lines.closed_at IS 'When the period was closed.';
