CREATE FUNCTION spend._check_scope(scope jsonb, group_by text[], may_be_of_row boolean) RETURNS void
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_check_scope';
COMMENT ON FUNCTION spend._check_scope(jsonb, text[], boolean) IS
  'Internal: raises for a malformed scope, an unknown dimension, or one that is not rolled up where it must be.';
CREATE FUNCTION spend._scope_keys(scope jsonb, group_by text[], OUT kind text, OUT key_hash bigint) RETURNS SETOF record
  LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'spend_scope_keys';
COMMENT ON FUNCTION spend._scope_keys(jsonb, text[]) IS 'Internal: under which kind and hashes a budget is found.';

CREATE SEQUENCE spend.budgets_budget_id_seq;
COMMENT ON SEQUENCE spend.budgets_budget_id_seq IS 'Numbers of budgets.';
CREATE TABLE spend.budgets (
  budget_id bigint PRIMARY KEY DEFAULT nextval('spend.budgets_budget_id_seq'),
  name text NOT NULL UNIQUE CHECK (name <> ''),
  scope jsonb NOT NULL DEFAULT '{}',
  group_by text[] NOT NULL DEFAULT '{}',
  measure text NOT NULL DEFAULT 'cost' CHECK (measure IN ('cost', 'tokens', 'calls')),
  amount numeric NOT NULL,
  currency text CHECK (currency ~ '^[A-Z][A-Z0-9_]{0,11}$'),
  period text NOT NULL DEFAULT 'month'
    CHECK (period IN ('hour', 'day', 'week', 'month', 'quarter', 'year', 'fiscal_year', 'total', 'range', 'rolling')),
  rolling_days integer,
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  time_zone text,
  thresholds numeric[] NOT NULL DEFAULT '{80,100}',
  on_exceeded text NOT NULL DEFAULT 'halt' CHECK (on_exceeded IN ('alert', 'halt', 'reject')),
  on_unpriced text CHECK (on_unpriced IN ('deny', 'allow')),
  fallback_model text CHECK (fallback_model <> ''),
  fallback_at numeric NOT NULL DEFAULT 90 CHECK (fallback_at > 0 AND fallback_at <= 100),
  approval_above numeric CHECK (approval_above >= 0 AND approval_above < 1e20 AND scale(trim_scale(approval_above)) <= 18),
  is_critical boolean NOT NULL DEFAULT false,
  owner text,
  cost_center text,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  generation integer NOT NULL,
  CONSTRAINT budgets_one_plan_line EXCLUDE USING gist (spend.text_key(cost_center) WITH =, valid_during WITH &&)
    WHERE (period = 'month' AND cost_center IS NOT NULL)
) USING heap;
COMMENT ON TABLE spend.budgets IS 'Budgets: a limit per period for the rows a scope covers. A month budget with a cost_center is its plan line in the chargeback.';
COMMENT ON COLUMN spend.budgets.budget_id IS 'Number of the budget.';
COMMENT ON COLUMN spend.budgets.name IS 'Name, as in alerts and errors.';
COMMENT ON COLUMN spend.budgets.scope IS
  'Rows covered: {"team": "search", "environment": ["prod", "staging"], "user_id": {"not": "ci"}, "run_id": {"present": true}}; {} covers all, or the cost_center when one is given.';
COMMENT ON COLUMN spend.budgets.group_by IS 'Dimensions with a counter and the whole amount for each combination of values; a missing value counts to (none).';
COMMENT ON COLUMN spend.budgets.measure IS 'What is limited: cost, tokens (input and output) or calls.';
COMMENT ON COLUMN spend.budgets.amount IS 'The limit of one period. A change holds from the current period on; earlier ones keep theirs in spend.budget_amounts.';
COMMENT ON COLUMN spend.budgets.currency IS 'Currency of the amount; NULL is that of spend.settings. Rows in another currency count as unpriced.';
COMMENT ON COLUMN spend.budgets.period IS
  'hour, day, week, month, quarter, year, fiscal_year, total, range (valid_during is the only period) or rolling, beginning in the time zone; weeks and fiscal years as spend.settings says.';
COMMENT ON COLUMN spend.budgets.rolling_days IS 'For rolling: days in the window, today included, 2 to 366.';
COMMENT ON COLUMN spend.budgets.valid_during IS 'Rows outside are not covered; bounds stand on quarter hours.';
COMMENT ON COLUMN spend.budgets.time_zone IS 'Zone in which periods begin; NULL is that of spend.settings.';
COMMENT ON COLUMN spend.budgets.thresholds IS 'Percentages of the amount at which an alert is written, once per counter.';
COMMENT ON COLUMN spend.budgets.on_exceeded IS 'alert: record and tell. halt: record, the gate denies. reject: an INSERT that would cross the limit fails (SP001).';
COMMENT ON COLUMN spend.budgets.on_unpriced IS 'deny: a reject budget refuses unpriced rows (SP003). allow: they are counted apart. NULL: deny for halt and reject.';
COMMENT ON COLUMN spend.budgets.fallback_model IS 'Model that spend.authorize() proposes instead when the budget is nearly used up.';
COMMENT ON COLUMN spend.budgets.fallback_at IS 'Percent of the limit, spent and held, from which on it does.';
COMMENT ON COLUMN spend.budgets.approval_above IS 'A call that asks for more of the budget, in its measure, needs somebody''s approval first: spend.authorize() says needs_approval. NULL: none does.';
COMMENT ON COLUMN spend.budgets.is_critical IS 'Whether work under this budget must not be stopped by other means.';
COMMENT ON COLUMN spend.budgets.owner IS 'Who answers for the budget.';
COMMENT ON COLUMN spend.budgets.cost_center IS 'Cost center whose plan line this is.';
COMMENT ON COLUMN spend.budgets.reason IS 'Why the budget was made or last changed: goes with the change to spend.change_log.';
COMMENT ON COLUMN spend.budgets.created_at IS 'When it was made (set by the ledger).';
COMMENT ON COLUMN spend.budgets.generation IS 'Counts redefinitions of scope, group_by, measure, currency, period, time zone and validity (set by the ledger; a row that has it comes from a dump).';
ALTER SEQUENCE spend.budgets_budget_id_seq OWNED BY spend.budgets.budget_id;
CALL spend._watch('spend.budgets');

-- When and by which transaction a budget got its present meaning. Apart from the budget and never dumped: a restored budget begins anew.
CREATE TABLE spend.budget_epochs (
  budget_id bigint PRIMARY KEY,
  redefined_by xid8 NOT NULL,
  redefined_at timestamptz NOT NULL
) USING heap;
COMMENT ON TABLE spend.budget_epochs IS 'Internal: the transaction that gave each budget its present meaning.';
COMMENT ON COLUMN spend.budget_epochs.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.budget_epochs.redefined_by IS 'Its transaction.';
COMMENT ON COLUMN spend.budget_epochs.redefined_at IS 'Its time.';

CREATE FUNCTION spend._check_amount(amount numeric, budget text) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF amount = 'NaN' OR amount < 0 OR amount >= 1e20 OR scale(trim_scale(amount)) > 18 THEN
    RAISE EXCEPTION 'amount of budget "%" is out of range', budget
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The amount is %s.', amount),
            HINT = 'An amount is zero or more, below 1e20, with at most 18 decimals.';
  END IF;
END
$$;
COMMENT ON FUNCTION spend._check_amount(numeric, text) IS 'Internal: refuses an amount that no counter could hold.';

CREATE FUNCTION spend._check_budget() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bad numeric;
BEGIN
  IF NEW.scope = '{}' AND NEW.cost_center IS NOT NULL THEN
    NEW.scope := jsonb_build_object('cost_center', NEW.cost_center);
  END IF;
  -- A restored budget may come before the dimensions that it names.
  IF TG_OP = 'UPDATE' OR NEW.generation IS NULL THEN
    PERFORM spend._check_scope(NEW.scope, NEW.group_by, true);
  END IF;
  PERFORM spend._check_amount(NEW.amount, NEW.name);
  SELECT t INTO bad FROM unnest(NEW.thresholds) AS t WHERE t IS NULL OR t = 'NaN' OR t <= 1 OR t > 10000 OR scale(trim_scale(t)) > 6 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'threshold % of budget "%" is not a percentage above 1', coalesce(bad::text, 'NULL'), NEW.name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Thresholds are percent: write 80 for 80 percent, not 0.8.';
  END IF;
  IF NEW.time_zone IS NOT NULL THEN
    PERFORM now() AT TIME ZONE NEW.time_zone;
  END IF;
  IF NEW.measure <> 'cost' AND NEW.currency IS NOT NULL THEN
    RAISE EXCEPTION 'budget "%" counts % and so has no currency', NEW.name, NEW.measure USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT isempty(NEW.valid_during) THEN  -- whose bounds are those of for ever
    NEW.valid_during := tstzrange(lower(NEW.valid_during), upper(NEW.valid_during));
  END IF;
  IF date_bin('15 minutes', lower(NEW.valid_during), 'epoch') <> lower(NEW.valid_during)
     OR date_bin('15 minutes', upper(NEW.valid_during), 'epoch') <> upper(NEW.valid_during) THEN
    RAISE EXCEPTION 'valid_during of budget "%" must begin and end on a quarter hour', NEW.name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Usage is summed by quarter hours, in which every time zone''s days begin.';
  END IF;
  IF NEW.period = 'rolling' AND (NEW.rolling_days BETWEEN 2 AND 366) IS NOT TRUE OR NEW.period <> 'rolling' AND NEW.rolling_days IS NOT NULL THEN
    RAISE EXCEPTION 'budget "%" has period % and rolling_days %', NEW.name, NEW.period, coalesce(NEW.rolling_days::text, 'NULL')
      USING ERRCODE = 'invalid_parameter_value', HINT = 'A rolling budget has from 2 to 366 rolling_days, any other none.';
  END IF;
  IF NEW.period = 'rolling' AND NEW.on_exceeded = 'reject' THEN
    RAISE EXCEPTION 'rolling budget "%" cannot reject', NEW.name
      USING ERRCODE = 'feature_not_supported', DETAIL = 'Its window is the sum of many counters, which are not locked together.',
            HINT = 'Use on_exceeded = ''halt'', or a day budget that rejects beside it.';
  END IF;
  IF NEW.period = 'range' AND NOT (coalesce(isfinite(lower(NEW.valid_during)), false) AND coalesce(isfinite(upper(NEW.valid_during)), false)) THEN
    RAISE EXCEPTION 'range budget "%" has no beginning or no end', NEW.name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Write valid_during = ''[2026-01-01, 2026-04-01)''.';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF NEW.budget_id <> OLD.budget_id THEN
      RAISE EXCEPTION 'the number of a budget does not change' USING ERRCODE = 'feature_not_supported';
    END IF;
    NEW.created_at := OLD.created_at;
    IF (NEW.scope, NEW.group_by, NEW.measure, NEW.currency, NEW.period, NEW.rolling_days, NEW.time_zone, NEW.valid_during)
       IS NOT DISTINCT FROM (OLD.scope, OLD.group_by, OLD.measure, OLD.currency, OLD.period, OLD.rolling_days, OLD.time_zone, OLD.valid_during) THEN
      NEW.generation := OLD.generation;
    ELSE
      NEW.generation := OLD.generation + 1;
    END IF;
  ELSIF NEW.generation IS NULL THEN
    NEW.generation := 1;
    NEW.created_at := now();
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_budget() IS 'Internal: refuses a budget that could not work, and counts how often it was redefined.';
CREATE TRIGGER check_budget BEFORE INSERT OR UPDATE ON spend.budgets FOR EACH ROW EXECUTE FUNCTION spend._check_budget();

-- Where budgets are found by: a row looks up the hash of its values for each kind of scope. Derived from the budgets, so never dumped.
CREATE TABLE spend.budget_keys (
  kind text COLLATE "C" NOT NULL,
  key_hash bigint NOT NULL,
  budget_id bigint NOT NULL,
  PRIMARY KEY (kind, key_hash, budget_id)
) USING heap;
COMMENT ON TABLE spend.budget_keys IS 'Internal: under which values of which dimensions each budget is found.';
COMMENT ON COLUMN spend.budget_keys.kind IS 'Dimensions whose values make up the hash, and after a bar those that are tested in another way or grouped by.';
COMMENT ON COLUMN spend.budget_keys.key_hash IS 'Hash of one combination of the values that the budget asks for.';
COMMENT ON COLUMN spend.budget_keys.budget_id IS 'The budget.';
CREATE INDEX budget_keys_budget_id_idx ON spend.budget_keys (budget_id);
-- By which rows look: one page, whether there are ten budgets or a million.
CREATE INDEX budget_keys_key_hash_idx ON spend.budget_keys USING hash (key_hash);

CREATE FUNCTION spend._begin_epoch() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.scope, NEW.group_by) IS NOT DISTINCT FROM (OLD.scope, OLD.group_by)
     AND EXISTS (SELECT FROM spend.budget_keys AS k WHERE k.budget_id = NEW.budget_id) THEN
    NULL;
  ELSE
    IF TG_OP <> 'INSERT' THEN
      DELETE FROM spend.budget_keys AS k WHERE k.budget_id = OLD.budget_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO spend.budget_keys SELECT k.kind, k.key_hash, NEW.budget_id FROM spend._scope_keys(NEW.scope, NEW.group_by) AS k;
    END IF;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' OR NEW.generation <> OLD.generation THEN
    INSERT INTO spend.budget_epochs VALUES (NEW.budget_id, pg_current_xact_id(), now())
    ON CONFLICT (budget_id) DO UPDATE SET redefined_by = excluded.redefined_by, redefined_at = excluded.redefined_at;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._begin_epoch() IS 'Internal: notes which transaction gave a budget its present meaning, and where it is found.';
-- Before invalidate_row, by its name. ALWAYS: a budget that arrives by logical replication is announced by this server's transaction.
CREATE TRIGGER begin_epoch AFTER INSERT OR UPDATE OR DELETE ON spend.budgets FOR EACH ROW EXECUTE FUNCTION spend._begin_epoch();
ALTER TABLE spend.budgets ENABLE ALWAYS TRIGGER begin_epoch;

CREATE FUNCTION spend._forget_keys() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM spend.budget_keys;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._forget_keys() IS 'Internal: budgets that were truncated are found no more.';
CREATE TRIGGER forget_keys AFTER TRUNCATE ON spend.budgets FOR EACH STATEMENT EXECUTE FUNCTION spend._forget_keys();
ALTER TABLE spend.budgets ENABLE ALWAYS TRIGGER forget_keys;

CREATE FUNCTION spend._redefine_budgets() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE spend.budget_epochs AS e SET redefined_by = pg_current_xact_id(), redefined_at = now()
  FROM spend.budgets AS b
  WHERE b.budget_id = e.budget_id AND (b.time_zone IS NULL OR b.currency IS NULL OR b.period IN ('week', 'fiscal_year'));
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._redefine_budgets() IS 'Internal: budgets that take their zone, currency or beginning from the settings begin anew when those change.';
CREATE TRIGGER redefine_budgets AFTER INSERT OR UPDATE OF time_zone, currency, week_start, fiscal_year_start OR DELETE ON spend.settings
  FOR EACH ROW EXECUTE FUNCTION spend._redefine_budgets();
ALTER TABLE spend.settings ENABLE ALWAYS TRIGGER redefine_budgets;

CREATE TABLE spend.counters (
  budget_id bigint NOT NULL,
  generation integer NOT NULL,
  period_start timestamptz NOT NULL,
  group_hash uuid NOT NULL,
  period_end timestamptz NOT NULL,
  group_values jsonb NOT NULL,
  spent numeric NOT NULL,
  calls bigint NOT NULL,
  unpriced_calls bigint NOT NULL,
  claimed_percent numeric NOT NULL,
  PRIMARY KEY (budget_id, generation, period_start, group_hash)
) USING heap WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE spend.counters IS 'Running totals of budgets, one row per period and group; spend._counter_totals adds what is not folded into them yet. A cache of what the rows of spend.usage say; spend.verify() compares them.';
COMMENT ON COLUMN spend.counters.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.counters.generation IS 'Its meaning: a redefined budget counts anew.';
COMMENT ON COLUMN spend.counters.period_start IS 'Start of the period; -infinity for total.';
COMMENT ON COLUMN spend.counters.group_hash IS 'Hash of the group values; all zero without group_by.';
COMMENT ON COLUMN spend.counters.period_end IS 'End of the period.';
COMMENT ON COLUMN spend.counters.group_values IS 'Values of the group_by dimensions.';
COMMENT ON COLUMN spend.counters.spent IS 'Total in the budget''s measure.';
COMMENT ON COLUMN spend.counters.calls IS 'Rows counted.';
COMMENT ON COLUMN spend.counters.unpriced_calls IS 'Rows among them that have no price in the budget''s currency.';
COMMENT ON COLUMN spend.counters.claimed_percent IS 'Highest threshold that an alert was written for.';

-- Writers hold a weak lock on it from their last look at the budgets to their commit; whoever loads a new counter lets these pass.
CREATE TABLE spend.commit_window () USING heap;
COMMENT ON TABLE spend.commit_window IS 'Internal: has no rows; its lock orders commits and the loading of counters.';

-- A backend may remember the total of a counter that there is none of yet; a counter that was deleted by hand is another matter.
CREATE TRIGGER invalidate_row AFTER DELETE ON spend.counters FOR EACH ROW EXECUTE FUNCTION spend.invalidate('commit_window');
CREATE TRIGGER invalidate_all AFTER TRUNCATE ON spend.counters FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate('commit_window');
ALTER TABLE spend.counters ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;
CREATE FUNCTION spend._forget_counter() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'spend_forget_counter';
COMMENT ON FUNCTION spend._forget_counter() IS 'Internal: shared memory forgets counters whose rows were written by other hands than the ledger''s own, as in a restore.';
CREATE TRIGGER forget_row AFTER INSERT OR UPDATE OR DELETE ON spend.counters FOR EACH ROW EXECUTE FUNCTION spend._forget_counter();
CREATE TRIGGER forget_all AFTER TRUNCATE ON spend.counters FOR EACH STATEMENT EXECUTE FUNCTION spend._forget_counter();
ALTER TABLE spend.counters ENABLE ALWAYS TRIGGER forget_row, ENABLE ALWAYS TRIGGER forget_all;

CREATE SEQUENCE spend.alerts_alert_id_seq;
COMMENT ON SEQUENCE spend.alerts_alert_id_seq IS 'Numbers of alerts.';
CREATE TABLE spend.alerts (
  alert_id bigint PRIMARY KEY DEFAULT nextval('spend.alerts_alert_id_seq'),
  created_at timestamptz NOT NULL DEFAULT now(),
  event text NOT NULL,
  budget_id bigint NOT NULL,
  budget_name text NOT NULL,
  owner text,
  cost_center text,
  on_exceeded text NOT NULL,
  measure text NOT NULL,
  threshold_percent numeric,
  period_start timestamptz NOT NULL,
  period_end timestamptz NOT NULL,
  group_values jsonb NOT NULL,
  group_hash uuid NOT NULL,
  spent numeric NOT NULL,
  amount numeric NOT NULL,
  currency text,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  last_error text,
  delivered_at timestamptz
) USING heap;
CREATE INDEX alerts_counter_idx ON spend.alerts (budget_id, period_start, group_hash);
CREATE INDEX alerts_undelivered_idx ON spend.alerts (next_attempt_at) WHERE delivered_at IS NULL;
COMMENT ON TABLE spend.alerts IS
  'Outbox of alerts: one row per counter and threshold, written in the transaction that crosses it; NOTIFY spend_alert wakes listeners. A deliverer takes due rows FOR UPDATE SKIP LOCKED, and says in the row how it went.';
COMMENT ON COLUMN spend.alerts.alert_id IS 'Number of the alert: the idempotency key of its delivery.';
COMMENT ON COLUMN spend.alerts.created_at IS 'Start of the transaction that crossed the threshold.';
COMMENT ON COLUMN spend.alerts.event IS
  'threshold_crossed below 100 percent, budget_crossed from there on; budget_bypassed: usage was recorded after a halt budget was exceeded, once per counter and day; budget_exhausted: a reject budget has refused its first row.';
COMMENT ON COLUMN spend.alerts.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.alerts.budget_name IS 'Its name at that time.';
COMMENT ON COLUMN spend.alerts.owner IS 'Who answered for the budget.';
COMMENT ON COLUMN spend.alerts.cost_center IS 'Its cost center.';
COMMENT ON COLUMN spend.alerts.on_exceeded IS 'What it does when it is exceeded: alert, halt or reject.';
COMMENT ON COLUMN spend.alerts.measure IS 'What it limits: cost, tokens or calls.';
COMMENT ON COLUMN spend.alerts.threshold_percent IS 'The threshold crossed; NULL for budget_bypassed and budget_exhausted.';
COMMENT ON COLUMN spend.alerts.period_start IS 'Start of the period: of a rolling budget, of its window.';
COMMENT ON COLUMN spend.alerts.period_end IS 'End of the period.';
COMMENT ON COLUMN spend.alerts.group_values IS 'Values of the group_by dimensions.';
COMMENT ON COLUMN spend.alerts.group_hash IS 'Hash of the group values; all zero without group_by.';
COMMENT ON COLUMN spend.alerts.spent IS 'Total after the transaction.';
COMMENT ON COLUMN spend.alerts.amount IS 'The limit.';
COMMENT ON COLUMN spend.alerts.currency IS 'Currency of both; NULL for tokens and calls.';
COMMENT ON COLUMN spend.alerts.attempts IS 'Deliveries tried (set by the deliverer).';
COMMENT ON COLUMN spend.alerts.next_attempt_at IS 'When to try again (set by the deliverer); an alert that is new is due at once.';
COMMENT ON COLUMN spend.alerts.last_error IS 'Why the last delivery failed (set by the deliverer).';
COMMENT ON COLUMN spend.alerts.delivered_at IS 'When a client delivered the alert.';
ALTER SEQUENCE spend.alerts_alert_id_seq OWNED BY spend.alerts.alert_id;

CREATE FUNCTION spend._halt_notice() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  first_name text := (SELECT min(n.name) FROM new_budgets AS n WHERE n.on_exceeded = 'halt' AND n.created_at = now());
BEGIN
  IF first_name IS NOT NULL
     AND NOT EXISTS (SELECT FROM spend.budgets AS b WHERE b.on_exceeded = 'halt' AND b.budget_id NOT IN (SELECT n.budget_id FROM new_budgets AS n))
     AND NOT EXISTS (SELECT FROM spend.change_log AS l
                     WHERE l.object_kind = 'budget' AND l.new_value ->> 'on_exceeded' = 'halt' AND l.object_id NOT IN (SELECT n.budget_id FROM new_budgets AS n)) THEN
    RAISE NOTICE 'budget "%" halts what asks before it calls', first_name
      USING DETAIL = 'Apps that insert usage without having asked are not stopped: their usage is recorded, and a budget_bypassed alert says so.',
            HINT = 'Ask spend.authorize() before each call, or set on_exceeded = ''reject'' where apps insert before they call.';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._halt_notice() IS 'Internal: says with the first halt budget of a database what a halt budget does not do.';
CREATE TRIGGER halt_notice AFTER INSERT ON spend.budgets REFERENCING NEW TABLE AS new_budgets FOR EACH STATEMENT EXECUTE FUNCTION spend._halt_notice();

CREATE FUNCTION spend._budget_periods(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT period_end timestamptz, OUT currency text, OUT time_zone text
) RETURNS SETOF record
  LANGUAGE c STABLE ROWS 100 AS 'MODULE_PATHNAME', 'spend_budget_periods';
COMMENT ON FUNCTION spend._budget_periods() IS 'Internal: the visible budgets with their current period, of rolling ones the window, and effective generation.';

CREATE FUNCTION spend._budget_meaning(budget_id bigint, OUT generation integer, OUT currency text) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_budget_meaning';
COMMENT ON FUNCTION spend._budget_meaning(bigint) IS
  'Internal: effective generation and currency of one budget, no row for none. For who asks about few of perhaps a million budgets.';

CREATE FUNCTION spend._budget_limit(budget_id bigint, period_start timestamptz, period_end timestamptz, group_hash uuid) RETURNS numeric
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_budget_limit';
COMMENT ON FUNCTION spend._budget_limit(bigint, timestamptz, timestamptz, uuid) IS
  'Internal: what a visible budget allows one period and group (all zero: no group); NULL for any other budget.';

CREATE FUNCTION spend._row_counters(
  usage spend.usage, OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid,
  OUT period_end timestamptz, OUT group_values jsonb, OUT amount numeric, OUT calls bigint, OUT unpriced_calls bigint
) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 3 AS 'MODULE_PATHNAME', 'spend_row_counters';
COMMENT ON FUNCTION spend._row_counters(spend.usage) IS 'Internal: what one row contributes to the counters of the visible budgets.';

CREATE FUNCTION spend._pending_counters(
  OUT budget_id bigint, OUT generation integer, OUT period_start timestamptz, OUT group_hash uuid, OUT amount numeric, OUT calls bigint,
  OUT unpriced_calls bigint
) RETURNS SETOF record
  LANGUAGE c STABLE ROWS 10 AS 'MODULE_PATHNAME', 'spend_pending_counters';
COMMENT ON FUNCTION spend._pending_counters() IS 'Internal: what this transaction will add to counters when it commits.';

CREATE TABLE spend.sealed_counters (
  month date NOT NULL,
  budget_id bigint NOT NULL,
  generation integer NOT NULL,
  period_start timestamptz NOT NULL,
  group_hash uuid NOT NULL,
  amount numeric NOT NULL,
  calls bigint NOT NULL,
  unpriced_calls bigint NOT NULL
) USING heap;
COMMENT ON TABLE spend.sealed_counters IS 'What rows that were dropped contributed to counters: a counter equals the rows that are there and these.';
COMMENT ON COLUMN spend.sealed_counters.month IS 'Month (UTC) whose rows were dropped.';
COMMENT ON COLUMN spend.sealed_counters.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.sealed_counters.generation IS 'Its meaning at that time.';
COMMENT ON COLUMN spend.sealed_counters.period_start IS 'Start of the period.';
COMMENT ON COLUMN spend.sealed_counters.group_hash IS 'Hash of the group values.';
COMMENT ON COLUMN spend.sealed_counters.amount IS 'Total in the budget''s measure.';
COMMENT ON COLUMN spend.sealed_counters.calls IS 'Rows counted.';
COMMENT ON COLUMN spend.sealed_counters.unpriced_calls IS 'Rows among them that have no price in the budget''s currency.';

