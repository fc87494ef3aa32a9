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
  currency text,
  amounts_at tid[],
  mark_at timestamptz GENERATED ALWAYS AS (CASE WHEN state = 'open' AND amounts_at IS NULL THEN expires_at END) STORED
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
COMMENT ON COLUMN spend.holds.amounts_at IS 'Where its rows were put in spend.hold_amounts; NULL when it sets nothing aside.';
COMMENT ON COLUMN spend.holds.mark_at IS 'When spend.maintain() is to mark an open hold that sets nothing aside; others are found by their amounts.';
-- Not on the state, which each settlement changes: without that the new version of the row needs no index entries, but for holds that
-- set nothing aside.
CREATE INDEX holds_mark_at_idx ON spend.holds (mark_at, expires_at);
ALTER SEQUENCE spend.holds_hold_id_seq OWNED BY spend.holds.hold_id;

CREATE TABLE spend.hold_amounts (
  hold_id bigint NOT NULL,
  budget_id bigint NOT NULL,
  generation integer NOT NULL,
  period_start timestamptz NOT NULL,
  group_hash uuid NOT NULL,
  group_values jsonb NOT NULL,
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
COMMENT ON COLUMN spend.hold_amounts.group_values IS 'Values of the group_by dimensions.';
COMMENT ON COLUMN spend.hold_amounts.amount IS 'Amount in the budget''s measure.';
COMMENT ON COLUMN spend.hold_amounts.expires_at IS 'When the hold ends by itself.';
-- Not on generation and period, which hardly ever tell two amounts apart: each call adds entries.
CREATE INDEX hold_amounts_counter_idx ON spend.hold_amounts (budget_id, group_hash, expires_at);
CREATE FUNCTION spend._correct_hold() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_correct_hold';
COMMENT ON FUNCTION spend._correct_hold() IS 'Internal: tells shared memory what other hands than the ledger''s own have changed of what is held, as in a restore.';
CREATE TRIGGER correct_row AFTER INSERT OR UPDATE OR DELETE ON spend.hold_amounts FOR EACH ROW EXECUTE FUNCTION spend._correct_hold();
CREATE TRIGGER correct_all AFTER TRUNCATE ON spend.hold_amounts FOR EACH STATEMENT EXECUTE FUNCTION spend._correct_hold();
ALTER TABLE spend.hold_amounts ENABLE ALWAYS TRIGGER correct_row, ENABLE ALWAYS TRIGGER correct_all;
