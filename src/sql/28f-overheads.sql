-- What a unit of work costs beside what is metered: running the orchestration, the platform, on-call. Never part of a row's cost: nobody
-- sends a bill for it. Customer terms (price_terms) are for what does change the bill.
CREATE SEQUENCE spend.overheads_overhead_id_seq;
COMMENT ON SEQUENCE spend.overheads_overhead_id_seq IS 'Numbers of overheads.';
CREATE TABLE spend.overheads (
  overhead_id bigint PRIMARY KEY DEFAULT nextval('spend.overheads_overhead_id_seq'),
  name text NOT NULL CHECK (name <> ''),
  kind text NOT NULL CHECK (kind IN ('percent', 'per_call')),
  amount numeric NOT NULL,
  currency text CHECK (currency ~ '^[A-Z][A-Z0-9_]{0,11}$'),
  scope jsonb NOT NULL DEFAULT '{}',
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by name NOT NULL DEFAULT session_user,
  CONSTRAINT overheads_one_at_a_time EXCLUDE USING gist (name WITH =, valid_during WITH &&)
) USING heap;
COMMENT ON TABLE spend.overheads IS 'What is added to the cost of work in spend.full_cost, and nowhere else: a share of the cost, or an amount for each call. All that cover a row apply. Changes are in spend.change_log.';
COMMENT ON COLUMN spend.overheads.overhead_id IS 'Number of the overhead.';
COMMENT ON COLUMN spend.overheads.name IS 'Name, as reports show it; one name holds one overhead at a time.';
COMMENT ON COLUMN spend.overheads.kind IS 'percent: of the cost of each row. per_call: for each row that was priced.';
COMMENT ON COLUMN spend.overheads.amount IS 'Percent (5 is five percent), or amount per call.';
COMMENT ON COLUMN spend.overheads.currency IS 'Of an amount per call; that of the settings when not given.';
COMMENT ON COLUMN spend.overheads.scope IS 'Rows covered, as in price_terms.scope: {"workflow": ["research", "letters"], "model": "gpt-5*"}.';
COMMENT ON COLUMN spend.overheads.valid_during IS 'Half-open range of the time of use.';
COMMENT ON COLUMN spend.overheads.reason IS 'Why, and how the figure came about.';
COMMENT ON COLUMN spend.overheads.recorded_at IS 'When the row was written (set by the ledger; a row that has it comes from a dump).';
COMMENT ON COLUMN spend.overheads.recorded_by IS 'Who wrote the row.';
ALTER SEQUENCE spend.overheads_overhead_id_seq OWNED BY spend.overheads.overhead_id;

CREATE FUNCTION spend._check_overhead() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.recorded_at IS NOT NULL THEN
      RETURN NEW;  -- from a dump: it was checked, and what its scope names may be restored after it
    END IF;
    NEW.recorded_at := now();
  END IF;
  IF NEW.kind = 'per_call' THEN
    NEW.currency := coalesce(NEW.currency, (spend._settings()).currency);
  ELSIF NEW.currency IS NOT NULL THEN
    RAISE EXCEPTION 'overhead "%" is a percentage and has a currency', NEW.name USING ERRCODE = 'invalid_parameter_value', HINT = 'A share of a cost is in the cost''s currency.';
  END IF;
  IF NEW.amount = 'NaN' OR NEW.amount < 0 OR (NEW.kind = 'percent' AND NEW.amount > 10000) OR NEW.amount >= 1e12
     OR scale(trim_scale(NEW.amount)) > (CASE NEW.kind WHEN 'percent' THEN 6 ELSE 18 END) THEN
    RAISE EXCEPTION 'amount of overhead "%" is out of range', NEW.name
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The amount is %s.', NEW.amount),
            HINT = 'A percentage is 0 to 10000 with at most 6 decimals, an amount per call zero or more, below 1e12, with at most 18 decimals.';
  END IF;
  NEW.valid_during := tstzrange(nullif(lower(NEW.valid_during), '-infinity'), nullif(upper(NEW.valid_during), 'infinity'));
  PERFORM spend._check_term_scope(NEW.scope);
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_overhead() IS 'Internal: refuses an overhead that could not work.';
CREATE TRIGGER check_overhead BEFORE INSERT OR UPDATE ON spend.overheads FOR EACH ROW EXECUTE FUNCTION spend._check_overhead();
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON spend.overheads
  FOR EACH ROW EXECUTE FUNCTION spend._log_change('overhead', 'overhead_id', 'recorded_at');
