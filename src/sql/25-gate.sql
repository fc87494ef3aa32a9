CREATE SEQUENCE spend.decisions_decision_id_seq;
COMMENT ON SEQUENCE spend.decisions_decision_id_seq IS 'Numbers of decisions.';
CREATE TABLE spend.decisions (
  decision_id bigint PRIMARY KEY DEFAULT nextval('spend.decisions_decision_id_seq'),
  decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  writer text NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('allow', 'downgrade', 'needs_approval', 'deny')),
  reason text NOT NULL,
  budget_name text,
  provider text,
  requested_model text NOT NULL,
  model text NOT NULL,
  dimensions jsonb NOT NULL,
  context jsonb NOT NULL,
  estimate spend.token_usage NOT NULL,
  cost numeric,
  currency text,
  hold_id bigint,
  approval_id bigint
) USING heap;
COMMENT ON TABLE spend.decisions IS 'Calls that the gate did not allow as asked: denied, downgraded to another model, or to be approved first; and those that it allowed because they had been.';
COMMENT ON COLUMN spend.decisions.decision_id IS 'Number of the decision.';
COMMENT ON COLUMN spend.decisions.decided_at IS 'When.';
COMMENT ON COLUMN spend.decisions.writer IS 'Role that asked.';
COMMENT ON COLUMN spend.decisions.verdict IS 'deny, downgrade, needs_approval (once per request), or allow where an approval let it through.';
COMMENT ON COLUMN spend.decisions.reason IS 'Why, as authorize() returned it.';
COMMENT ON COLUMN spend.decisions.budget_name IS 'The budget that decided.';
COMMENT ON COLUMN spend.decisions.provider IS 'Provider that was asked for.';
COMMENT ON COLUMN spend.decisions.requested_model IS 'Model that was asked for.';
COMMENT ON COLUMN spend.decisions.model IS 'Model that was proposed; the requested one where there is none.';
COMMENT ON COLUMN spend.decisions.dimensions IS 'Dimensions of the call, as given.';
COMMENT ON COLUMN spend.decisions.context IS 'What else decides the price, as given.';
COMMENT ON COLUMN spend.decisions.estimate IS 'The most that the call would have used.';
COMMENT ON COLUMN spend.decisions.cost IS 'What that would have cost with the requested model; NULL when there is no price.';
COMMENT ON COLUMN spend.decisions.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.decisions.hold_id IS 'Hold for the proposed model, or the approved call.';
COMMENT ON COLUMN spend.decisions.approval_id IS 'The approval that was asked for, given or refused.';
CREATE INDEX decisions_decided_at_idx ON spend.decisions (decided_at);
ALTER SEQUENCE spend.decisions_decision_id_seq OWNED BY spend.decisions.decision_id;

CREATE FUNCTION spend.authorize(
  model text, dimensions jsonb, estimate spend.token_usage, provider text DEFAULT NULL, ttl interval DEFAULT '10 min', approval_id bigint DEFAULT NULL,
  context jsonb DEFAULT '{}',
  OUT verdict text, OUT reason text, OUT model text, OUT hold_id bigint, OUT max_output_tokens bigint, OUT budgets jsonb, OUT approval_id bigint
) RETURNS record
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_authorize';
COMMENT ON FUNCTION spend.authorize(text, jsonb, spend.token_usage, text, interval, bigint, jsonb) IS
  'Asks whether a call may run, before it does: verdict allow, downgrade (run the returned model instead), needs_approval (ask again with the returned approval_id) or deny, and why. What may run gets a hold for the estimate, the most that the call may use; settle or release it within the ttl. Commit before calling the provider.';

CREATE FUNCTION spend.release(hold_id bigint) RETURNS void
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_release';
COMMENT ON FUNCTION spend.release(bigint) IS 'Gives a hold back: the call did not happen and cost nothing. SP007 when the hold is not open.';

CREATE FUNCTION spend._reopen_hold(hold_id bigint) RETURNS void
  LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'spend_reopen_hold';
COMMENT ON FUNCTION spend._reopen_hold(bigint) IS 'Internal: lets an expired hold of the role''s own be settled; it sets nothing aside.';

CREATE FUNCTION spend.settle(
  hold_id bigint, usage spend.token_usage, response_model text DEFAULT NULL, status text DEFAULT NULL, source text DEFAULT NULL,
  idempotency_key text DEFAULT NULL, occurred_at timestamptz DEFAULT now(), even_if_expired boolean DEFAULT false,
  OUT usage_id bigint, OUT cost numeric, OUT currency text, OUT pricing_status text
) RETURNS SETOF record
  LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF settle.hold_id IS NULL OR settle.usage IS NULL THEN
    RAISE EXCEPTION 'hold_id and usage must not be null'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'A call that did not happen is given back with spend.release().';
  END IF;
  IF settle.even_if_expired THEN
    PERFORM spend._reopen_hold(settle.hold_id);
  END IF;
  RETURN QUERY
    INSERT INTO spend.usage AS u (hold_id, other_usage, response_model, status, source, idempotency_key, occurred_at)
    VALUES (settle.hold_id, settle.usage, settle.response_model, settle.status, settle.source, settle.idempotency_key, coalesce(settle.occurred_at, now()))
    RETURNING u.usage_id, u.cost, u.currency, u.pricing_status;
END
$$;
COMMENT ON FUNCTION spend.settle(bigint, spend.token_usage, text, text, text, text, timestamptz, boolean) IS
  'Records what an authorized call used, under the hold''s model and dimensions, and gives the rest of the hold back. Never refused for lack of budget: what exceeds the hold is debt. No row when the idempotency key was there already. SP007 when the hold is not open; even_if_expired records a call that took longer than its hold.';

CREATE FUNCTION spend._tidy_approvals() RETURNS void
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  UPDATE spend.approvals AS a SET state = 'expired'
  WHERE a.approval_id = ANY (ARRAY(
    SELECT o.approval_id FROM spend.approvals AS o WHERE o.state IN ('requested', 'approved') AND o.expires_at <= clock_timestamp() FOR UPDATE SKIP LOCKED));
  -- What somebody decided is kept.
  DELETE FROM spend.approvals AS a
  WHERE a.approval_id = ANY (ARRAY(
    SELECT o.approval_id FROM spend.approvals AS o
    WHERE o.state = 'expired' AND o.decided_at IS NULL AND o.expires_at < now() - interval '90 days' FOR UPDATE SKIP LOCKED));
$$;
COMMENT ON FUNCTION spend._tidy_approvals() IS 'Internal: marks approvals whose time is over, and forgets requests that nobody decided after 90 days.';

CREATE FUNCTION spend._tidy_holds(OUT expired bigint, OUT forgotten bigint) RETURNS record
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Whoever is settling one has locked it, and decides; everybody else knows by the time that it is over. They are found among the few
  -- amounts that are held and the few holds that are open and have none, not among all holds of three months.
  WITH over AS (
    UPDATE spend.holds AS h SET state = 'expired', resolved_at = h.expires_at
    WHERE h.hold_id = ANY (ARRAY(
      SELECT o.hold_id FROM spend.holds AS o
      WHERE o.hold_id = ANY (ARRAY(
          SELECT a.hold_id FROM spend.hold_amounts AS a WHERE a.expires_at <= clock_timestamp()
          UNION SELECT m.hold_id FROM spend.holds AS m WHERE m.mark_at <= (SELECT clock_timestamp())))
        AND o.state = 'open' AND o.expires_at <= clock_timestamp()
      FOR UPDATE SKIP LOCKED))
    RETURNING h.hold_id
  ), given_back AS (
    DELETE FROM spend.hold_amounts AS a USING over WHERE a.hold_id = over.hold_id
  )
  SELECT count(*) INTO expired FROM over;
  WITH gone AS (
    DELETE FROM spend.holds AS h
    WHERE h.hold_id = ANY (ARRAY(
      SELECT o.hold_id FROM spend.holds AS o
      WHERE o.mark_at IS NULL AND o.expires_at < now() - interval '90 days' FOR UPDATE SKIP LOCKED))
    RETURNING 1
  )
  SELECT count(*) INTO forgotten FROM gone;
  DELETE FROM spend.decisions AS d
  WHERE d.decision_id = ANY (ARRAY(
    SELECT o.decision_id FROM spend.decisions AS o WHERE o.decided_at < now() - interval '90 days' FOR UPDATE SKIP LOCKED));
  PERFORM spend._tidy_approvals();
END
$$;
COMMENT ON FUNCTION spend._tidy_holds() IS 'Internal: marks holds and approvals whose time is over, and forgets holds and decisions after 90 days.';
