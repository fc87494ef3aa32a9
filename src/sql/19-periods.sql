-- Closed periods. A month that is closed has a statement, and that does not change any more; what is corrected in it afterwards stands in the
-- statement of the period that is closed next.
CREATE TABLE spend.periods (
  period_start date PRIMARY KEY CHECK (extract(day FROM period_start) = 1),
  period_start_at timestamptz NOT NULL,
  period_end_at timestamptz NOT NULL,
  closed_at timestamptz NOT NULL,
  closed_by name NOT NULL,
  last_adjustment_id bigint NOT NULL,
  reason text
) USING heap;
COMMENT ON TABLE spend.periods IS 'Months that are closed, by spend.close_period(). All usage before the end of the last one is closed.';
COMMENT ON COLUMN spend.periods.period_start IS 'First day of the month.';
COMMENT ON COLUMN spend.periods.period_start_at IS 'The moment it began, in the organisation''s zone of that time.';
COMMENT ON COLUMN spend.periods.period_end_at IS 'The moment it ended.';
COMMENT ON COLUMN spend.periods.closed_at IS 'When it was closed.';
COMMENT ON COLUMN spend.periods.closed_by IS 'Who did.';
COMMENT ON COLUMN spend.periods.last_adjustment_id IS 'The last correction of a row that was made before it was closed; 0 for none.';
COMMENT ON COLUMN spend.periods.reason IS 'What was said about it.';

CREATE FUNCTION spend._closed_until() RETURNS timestamptz
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_closed_until';
COMMENT ON FUNCTION spend._closed_until() IS
  'Internal: the end of the last closed period, -infinity for none, as it is now, whatever the snapshot; until this transaction ends no further one is closed.';

CREATE FUNCTION spend._open_since(since timestamptz, include_closed boolean) RETURNS timestamptz
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  closed_until timestamptz := spend._closed_until();
BEGIN
  IF include_closed OR since >= closed_until THEN
    RETURN since;
  END IF;
  RAISE NOTICE 'usage before % is left as it is: its periods are closed', closed_until
    USING HINT = 'With include_closed => true it is corrected, too; the difference then stands in the statement of the next period.';
  RETURN closed_until;
END
$$;
COMMENT ON FUNCTION spend._open_since(timestamptz, boolean) IS 'Internal: where a correction of a range begins when it leaves closed periods alone.';
