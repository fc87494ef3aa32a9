CREATE SEQUENCE spend.approvals_approval_id_seq;
COMMENT ON SEQUENCE spend.approvals_approval_id_seq IS 'Numbers of approvals.';
CREATE TABLE spend.approvals (
  approval_id bigint PRIMARY KEY DEFAULT nextval('spend.approvals_approval_id_seq'),
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  writer text NOT NULL,
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'declined', 'used', 'expired')),
  expires_at timestamptz NOT NULL,
  budget_ids bigint[] NOT NULL,
  provider text,
  model text NOT NULL,
  dimensions jsonb NOT NULL,
  context jsonb NOT NULL,
  estimate spend.token_usage NOT NULL,
  cost numeric,
  currency text,
  request_hash uuid NOT NULL,
  decided_at timestamptz,
  decided_by text,
  reason text,
  used_at timestamptz,
  hold_id bigint
) USING heap;
COMMENT ON TABLE spend.approvals IS
  'Calls that need somebody''s approval: what was asked, who decided and why, and the hold that used it. One row per request, good for one call. Written by spend.authorize(), spend.approve() and spend.decline().';
COMMENT ON COLUMN spend.approvals.approval_id IS 'Number of the approval, as spend.authorize() returns and takes it.';
COMMENT ON COLUMN spend.approvals.requested_at IS 'When the call was asked for.';
COMMENT ON COLUMN spend.approvals.writer IS 'Role that asked; it, its members and the owner of the ledger may use the approval.';
COMMENT ON COLUMN spend.approvals.state IS
  'requested, approved, declined, used or expired; of a requested or approved one whose expires_at has passed, expired is true already.';
COMMENT ON COLUMN spend.approvals.expires_at IS 'Until when it can be decided, and once approved, used.';
COMMENT ON COLUMN spend.approvals.budget_ids IS 'Budgets that ask for the approval.';
COMMENT ON COLUMN spend.approvals.provider IS 'Provider of the call.';
COMMENT ON COLUMN spend.approvals.model IS 'Model of the call.';
COMMENT ON COLUMN spend.approvals.dimensions IS 'Dimensions of the call, as given.';
COMMENT ON COLUMN spend.approvals.context IS 'What else decides the price, as given.';
COMMENT ON COLUMN spend.approvals.estimate IS 'The most that the call may use.';
COMMENT ON COLUMN spend.approvals.cost IS 'What that costs, and so the most that is approved; NULL when there is no price.';
COMMENT ON COLUMN spend.approvals.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.approvals.request_hash IS 'Hash of who asked for what: asking again while a request is open makes no second one.';
COMMENT ON COLUMN spend.approvals.decided_at IS 'When it was approved or declined.';
COMMENT ON COLUMN spend.approvals.decided_by IS 'Who did: the role that had logged in.';
COMMENT ON COLUMN spend.approvals.reason IS 'Why.';
COMMENT ON COLUMN spend.approvals.used_at IS 'When the approved call was let through.';
COMMENT ON COLUMN spend.approvals.hold_id IS 'Its hold.';
-- Not partial: rows are stored as the system's catalogs are, which have no such indexes.
CREATE INDEX approvals_request_idx ON spend.approvals (request_hash);
CREATE INDEX approvals_state_idx ON spend.approvals (state, expires_at);
ALTER SEQUENCE spend.approvals_approval_id_seq OWNED BY spend.approvals.approval_id;

CREATE FUNCTION spend.approve(approval_id bigint, reason text DEFAULT NULL, valid_for interval DEFAULT '1 day') RETURNS timestamptz
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_approve';
COMMENT ON FUNCTION spend.approve(bigint, text, interval) IS
  'Approves a call that spend.authorize() has answered with needs_approval: once, within valid_for (90 days at most), for no more than was asked. It gets past approval_above, not past a limit or a pause. Returns until when it holds. For approvers whose scope covers every budget that asks, and administrators.';
CREATE FUNCTION spend.decline(approval_id bigint, reason text) RETURNS void
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'spend_decline';
COMMENT ON FUNCTION spend.decline(bigint, text) IS
  'Declines a call that waits for approval, or takes an approval back that was not used yet; spend.authorize() then denies it. For whom spend.approve() is.';

CREATE FUNCTION spend._may_decide(budget_ids bigint[]) RETURNS boolean
  LANGUAGE c STABLE STRICT COST 10 AS 'MODULE_PATHNAME', 'spend_may_decide';
COMMENT ON FUNCTION spend._may_decide(bigint[]) IS 'Internal: whether the current role may approve calls that these budgets ask about.';

CREATE VIEW spend.pending_approvals WITH (security_barrier) AS
SELECT a.approval_id::text AS pending_approvals_key,
       a.requested_at,
       a.approval_id,
       a.writer,
       (SELECT string_agg(b.name, ', ' ORDER BY b.name) FROM spend.budgets AS b WHERE b.budget_id = ANY (a.budget_ids)) AS budget_names,
       a.provider,
       a.model,
       a.dimensions::text AS dimensions,
       a.context::text AS context,
       a.estimate::text AS estimate,
       a.cost::numeric(38, 18) AS cost,
       a.currency,
       a.expires_at
FROM spend.approvals AS a
WHERE a.state = 'requested' AND a.expires_at > now() AND spend._may_decide(a.budget_ids);
COMMENT ON VIEW spend.pending_approvals IS 'Calls that wait for spend.approve() or spend.decline(), of those that the current role may decide.';
COMMENT ON COLUMN spend.pending_approvals.pending_approvals_key IS 'Surrogate key of the row.';
COMMENT ON COLUMN spend.pending_approvals.requested_at IS 'When the call was asked for.';
COMMENT ON COLUMN spend.pending_approvals.approval_id IS 'Number of the approval.';
COMMENT ON COLUMN spend.pending_approvals.writer IS 'Role that asked.';
COMMENT ON COLUMN spend.pending_approvals.budget_names IS 'Budgets that ask for the approval.';
COMMENT ON COLUMN spend.pending_approvals.provider IS 'Provider of the call.';
COMMENT ON COLUMN spend.pending_approvals.model IS 'Model of the call.';
COMMENT ON COLUMN spend.pending_approvals.dimensions IS 'Dimensions of the call.';
COMMENT ON COLUMN spend.pending_approvals.context IS 'What else decides the price.';
COMMENT ON COLUMN spend.pending_approvals.estimate IS 'The most that the call may use.';
COMMENT ON COLUMN spend.pending_approvals.cost IS 'What that costs; NULL when there is no price.';
COMMENT ON COLUMN spend.pending_approvals.currency IS 'Currency of the cost.';
COMMENT ON COLUMN spend.pending_approvals.expires_at IS 'Until when it can be decided.';
