-- How a call ended is often known later, and by somebody else: a person accepts the answer, a job ends, a filter looks again.

CREATE FUNCTION spend.record_outcome(
  usage_id bigint DEFAULT NULL, run_id text DEFAULT NULL, request_id text DEFAULT NULL, accepted boolean DEFAULT NULL, human_reviewed boolean DEFAULT NULL,
  status text DEFAULT NULL, blocked_reason text DEFAULT NULL, reason text DEFAULT NULL
) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  named text := concat_ws(' AND ', 'u.usage_id = ' || usage_id, 'u.run_id = ' || quote_literal(nullif(run_id, '')),
                          'u.request_id = ' || quote_literal(nullif(request_id, '')));
  outcome jsonb := jsonb_strip_nulls(jsonb_build_object('accepted', accepted, 'human_reviewed', human_reviewed, 'status', status, 'blocked_reason', blocked_reason));
  counted bigint;
BEGIN
  IF named = '' THEN
    RAISE EXCEPTION 'usage_id, run_id or request_id must be given'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Name the rows whose outcome it is: SELECT spend.record_outcome(run_id => ''...'', accepted => true).';
  END IF;
  IF outcome = '{}' THEN
    RAISE EXCEPTION 'an outcome must be given'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give at least one of accepted, human_reviewed, status and blocked_reason.';
  END IF;
  named := named || ' AND u.pricing_status IS DISTINCT FROM ''voided''';
  -- The same again changes nothing.
  PERFORM spend._correct_rows('outcome', nextval('spend.adjustments_batch_id_seq'), record_outcome.reason, format(
    'UPDATE spend.usage AS u SET %s WHERE %s AND (%s)', l.assignments, named, l.differs), NULL, NULL)
  FROM spend._change_list(outcome, false) AS l;
  -- How many rows have that name, not how many have changed: who may not read rows learns nothing of what they said.
  EXECUTE 'SELECT count(*) FROM spend.usage AS u WHERE ' || named INTO counted;
  RETURN counted;
END
$$;
COMMENT ON FUNCTION spend.record_outcome(bigint, text, text, boolean, boolean, text, text, text) IS
  'Records what is known later of a row, of all rows of a run, or of a request: accepted, human_reviewed, status, blocked_reason; what is not given stays. Rollups move by the difference in the same transaction; what was stays in spend.adjustments. The same again changes nothing. Returns how many rows have that name, 0 when none has come yet. For writers, too: whoever made the call can name it.';
