CREATE SEQUENCE spend.holds_hold_id_seq;
COMMENT ON SEQUENCE spend.holds_hold_id_seq IS 'Numbers of holds.';
CREATE TABLE spend.holds (
  hold_id bigint PRIMARY KEY DEFAULT nextval('spend.holds_hold_id_seq'),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  writer text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled', 'released', 'expired')),
  resolved_at timestamptz,
  usage_id bigint,
  provider text,
  model text NOT NULL,
  requested_model text NOT NULL,
  dimensions jsonb NOT NULL,
  context jsonb NOT NULL,
  estimate spend.token_usage NOT NULL,
  cost numeric,
  currency text
) USING heap WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE spend.holds IS
  'Budget set aside for calls under way, one row per authorized call. A hold whose expires_at has passed holds nothing, whatever its state says; spend.maintain() marks it later.';
COMMENT ON COLUMN spend.holds.hold_id IS 'Number of the hold.';
COMMENT ON COLUMN spend.holds.created_at IS 'When the call was authorized.';
COMMENT ON COLUMN spend.holds.expires_at IS 'When the hold ends by itself.';
COMMENT ON COLUMN spend.holds.writer IS 'Role that authorized the call; it, its members and the owner of the ledger may settle or release.';
COMMENT ON COLUMN spend.holds.state IS 'open, settled, released or expired; of an open one whose time has passed, expired is true already.';
COMMENT ON COLUMN spend.holds.resolved_at IS 'When it was settled or released, or when it expired.';
COMMENT ON COLUMN spend.holds.usage_id IS 'Row of spend.usage that settled it.';
COMMENT ON COLUMN spend.holds.provider IS 'Provider that was asked for.';
COMMENT ON COLUMN spend.holds.model IS 'Model that the hold was priced for: the fallback where the verdict was downgrade.';
COMMENT ON COLUMN spend.holds.requested_model IS 'Model that was asked for.';
COMMENT ON COLUMN spend.holds.dimensions IS 'Dimensions of the call, as given; the settling row takes them.';
COMMENT ON COLUMN spend.holds.context IS 'What else decides the price, as given.';
COMMENT ON COLUMN spend.holds.estimate IS 'The most that the call may use.';
COMMENT ON COLUMN spend.holds.cost IS 'What that costs; NULL when there is no price.';
COMMENT ON COLUMN spend.holds.currency IS 'Currency of the cost.';
-- Not partial: rows are stored as the system's catalogs are, which have no such indexes.
CREATE INDEX holds_state_idx ON spend.holds (state, expires_at);
ALTER SEQUENCE spend.holds_hold_id_seq OWNED BY spend.holds.hold_id;

CREATE TABLE spend.hold_amounts (
  hold_id bigint NOT NULL,
  budget_id bigint NOT NULL,
  generation integer NOT NULL,
  period_start timestamptz NOT NULL,
  group_hash uuid NOT NULL,
  amount numeric NOT NULL,
  expires_at timestamptz NOT NULL
) USING heap WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- It has no key, and under a publication of all tables nothing could be deleted from it.
ALTER TABLE spend.hold_amounts REPLICA IDENTITY FULL;
COMMENT ON TABLE spend.hold_amounts IS 'What each open hold sets aside of each budget counter; a resolved hold has no rows here.';
COMMENT ON COLUMN spend.hold_amounts.hold_id IS 'The hold.';
COMMENT ON COLUMN spend.hold_amounts.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.hold_amounts.generation IS 'Its meaning, as in spend.counters.';
COMMENT ON COLUMN spend.hold_amounts.period_start IS 'Start of the period; a hold that may be settled in the next one holds there, too.';
COMMENT ON COLUMN spend.hold_amounts.group_hash IS 'Hash of the group values, as in spend.counters.';
COMMENT ON COLUMN spend.hold_amounts.amount IS 'Amount in the budget''s measure.';
COMMENT ON COLUMN spend.hold_amounts.expires_at IS 'When the hold ends by itself.';
CREATE INDEX hold_amounts_hold_id_idx ON spend.hold_amounts (hold_id);
CREATE INDEX hold_amounts_counter_idx ON spend.hold_amounts (budget_id, generation, period_start, group_hash, expires_at);

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
  -- Whoever is settling one has locked it, and decides; everybody else knows by the time that it is over.
  WITH over AS (
    UPDATE spend.holds AS h SET state = 'expired', resolved_at = h.expires_at
    WHERE h.hold_id = ANY (ARRAY(
      SELECT o.hold_id FROM spend.holds AS o WHERE o.state = 'open' AND o.expires_at <= clock_timestamp() FOR UPDATE SKIP LOCKED))
    RETURNING h.hold_id
  ), given_back AS (
    DELETE FROM spend.hold_amounts AS a USING over WHERE a.hold_id = over.hold_id
  )
  SELECT count(*) INTO expired FROM over;
  WITH gone AS (
    DELETE FROM spend.holds AS h
    WHERE h.hold_id = ANY (ARRAY(
      SELECT o.hold_id FROM spend.holds AS o WHERE o.state <> 'open' AND o.resolved_at < now() - interval '90 days' FOR UPDATE SKIP LOCKED))
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
