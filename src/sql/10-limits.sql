-- What a budget's limit is by more than its amount: amounts from a date on, and overrides for a group or a time. And the log of who
-- changed what and why.
CREATE SEQUENCE spend.change_log_change_id_seq;
COMMENT ON SEQUENCE spend.change_log_change_id_seq IS 'Numbers of changes.';
CREATE TABLE spend.change_log (
  change_id bigint PRIMARY KEY DEFAULT nextval('spend.change_log_change_id_seq'),
  changed_at timestamptz NOT NULL DEFAULT now(),
  changed_by name NOT NULL DEFAULT session_user,
  object_kind text NOT NULL,
  object_id bigint NOT NULL,
  object_name text,
  operation text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
  old_value jsonb,
  new_value jsonb,
  reason text
) USING heap;
CREATE INDEX change_log_object_idx ON spend.change_log (object_kind, object_id, change_id);
COMMENT ON TABLE spend.change_log IS 'Every change of a budget, its amounts, its overrides, of pauses and overheads: who changed what, when and why. Written by triggers, never changed.';
COMMENT ON COLUMN spend.change_log.change_id IS 'Number of the change.';
COMMENT ON COLUMN spend.change_log.changed_at IS 'Start of the transaction that made it.';
COMMENT ON COLUMN spend.change_log.changed_by IS 'Role that had logged in.';
COMMENT ON COLUMN spend.change_log.object_kind IS 'budget, budget_amount, budget_override, pause or overhead.';
COMMENT ON COLUMN spend.change_log.object_id IS 'Number of the budget, pause or overhead.';
COMMENT ON COLUMN spend.change_log.object_name IS 'Name of the budget or overhead at that time.';
COMMENT ON COLUMN spend.change_log.operation IS 'insert, update or delete.';
COMMENT ON COLUMN spend.change_log.old_value IS 'The row before; for an update only what differs.';
COMMENT ON COLUMN spend.change_log.new_value IS 'The row after; for an update only what differs.';
COMMENT ON COLUMN spend.change_log.reason IS 'Why, as given with the change.';
ALTER SEQUENCE spend.change_log_change_id_seq OWNED BY spend.change_log.change_id;

CREATE FUNCTION spend._log_change() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Arguments: kind of object, column with its number, column that says since when it has been there.
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  subject jsonb := coalesce(after, before);
  why text := after ->> 'reason';
BEGIN
  -- What was made in the past comes from a dump, and its log with it.
  IF TG_OP = 'INSERT' AND (after ->> TG_ARGV[2])::timestamptz <> now() THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF before = after THEN
      RETURN NULL;
    END IF;
    IF after -> 'reason' = before -> 'reason' THEN
      why := CASE WHEN after -> 'resume_reason' <> before -> 'resume_reason' THEN after ->> 'resume_reason' END;
    END IF;
    SELECT jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, after -> b.key) INTO before, after
    FROM jsonb_each(before) AS b WHERE b.value IS DISTINCT FROM after -> b.key;
  END IF;
  INSERT INTO spend.change_log (object_kind, object_id, object_name, operation, old_value, new_value, reason)
  VALUES (TG_ARGV[0], (subject ->> TG_ARGV[1])::bigint,
          coalesce(subject ->> 'name', (SELECT b.name FROM spend.budgets AS b WHERE b.budget_id = (subject ->> 'budget_id')::bigint)),
          lower(TG_OP), before, after, why);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._log_change() IS 'Internal: writes a change of the configuration to spend.change_log.';
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON spend.budgets
  FOR EACH ROW EXECUTE FUNCTION spend._log_change('budget', 'budget_id', 'created_at');

CREATE TABLE spend.budget_amounts (
  budget_id bigint NOT NULL,
  valid_from timestamptz NOT NULL,
  amount numeric NOT NULL,
  reason text,
  set_by name NOT NULL DEFAULT session_user,
  set_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (budget_id, valid_from)
) USING heap;
COMMENT ON TABLE spend.budget_amounts IS
  'Amounts of budgets from a time on: the limit of a period is the one that holds at its start. Written by a change of budgets.amount; rows of a later date may be added.';
COMMENT ON COLUMN spend.budget_amounts.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.budget_amounts.valid_from IS 'Periods that begin at this time or later have this amount, up to the next row; -infinity is from the beginning.';
COMMENT ON COLUMN spend.budget_amounts.amount IS 'The limit of one period.';
COMMENT ON COLUMN spend.budget_amounts.reason IS 'Why.';
COMMENT ON COLUMN spend.budget_amounts.set_by IS 'Who set it.';
COMMENT ON COLUMN spend.budget_amounts.set_at IS 'When.';

CREATE SEQUENCE spend.budget_overrides_override_id_seq;
COMMENT ON SEQUENCE spend.budget_overrides_override_id_seq IS 'Numbers of overrides.';
CREATE TABLE spend.budget_overrides (
  override_id bigint PRIMARY KEY DEFAULT nextval('spend.budget_overrides_override_id_seq'),
  budget_id bigint NOT NULL,
  group_values jsonb,
  kind text NOT NULL CHECK (kind IN ('replace', 'add')),
  amount numeric NOT NULL,
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  reason text,
  set_by name NOT NULL DEFAULT session_user,
  set_at timestamptz NOT NULL DEFAULT now(),
  group_hash uuid NOT NULL
) USING heap;
CREATE INDEX budget_overrides_group_idx ON spend.budget_overrides (budget_id, group_hash);
COMMENT ON TABLE spend.budget_overrides IS
  'Other limits for a time, for one group of a budget or for all: an amount in place of the budget''s (replace) or on top of it (add). In force while valid_during contains now; a period that is over keeps what was in force at its end.';
COMMENT ON COLUMN spend.budget_overrides.override_id IS 'Number of the override; of two that replace, the later one holds.';
COMMENT ON COLUMN spend.budget_overrides.budget_id IS 'The budget.';
COMMENT ON COLUMN spend.budget_overrides.group_values IS 'The group, by all dimensions of group_by: {"user_id": "ada"}; NULL is every group.';
COMMENT ON COLUMN spend.budget_overrides.kind IS 'replace: this amount instead; one for the group wins over one for all. add: on top of the limit.';
COMMENT ON COLUMN spend.budget_overrides.amount IS 'The amount, in the budget''s currency or unit.';
COMMENT ON COLUMN spend.budget_overrides.valid_during IS 'While it is in force.';
COMMENT ON COLUMN spend.budget_overrides.reason IS 'Why.';
COMMENT ON COLUMN spend.budget_overrides.set_by IS 'Who granted it.';
COMMENT ON COLUMN spend.budget_overrides.set_at IS 'When.';
COMMENT ON COLUMN spend.budget_overrides.group_hash IS 'Hash of the group values, all zero for every group (set by the ledger).';
ALTER SEQUENCE spend.budget_overrides_override_id_seq OWNED BY spend.budget_overrides.override_id;

CREATE FUNCTION spend._group_of(budget_id bigint, group_values jsonb, OUT canonical jsonb, OUT group_hash uuid) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_group_of';
COMMENT ON FUNCTION spend._group_of(bigint, jsonb) IS
  'Internal: a group of a budget in its canonical form. Raises for an unknown budget, and for values that are not those of its group_by.';
CREATE FUNCTION spend._budget_period(budget_id bigint, at timestamptz, OUT period_start timestamptz, OUT period_end timestamptz) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_budget_period';
COMMENT ON FUNCTION spend._budget_period(bigint, timestamptz) IS 'Internal: the period of a budget that contains a time; no row for an unknown budget.';

CREATE FUNCTION spend._check_limit() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  budget_name text := (SELECT b.name FROM spend.budgets AS b WHERE b.budget_id = NEW.budget_id);
  is_restored boolean := TG_OP = 'INSERT' AND NEW.set_at <> now();
BEGIN
  PERFORM spend._check_amount(NEW.amount, coalesce(budget_name, NEW.budget_id::text));
  -- A restored row may come before its budget.
  IF is_restored THEN
    RETURN NEW;
  END IF;
  IF budget_name IS NULL THEN
    RAISE EXCEPTION 'budget % does not exist', NEW.budget_id USING ERRCODE = 'undefined_object';
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.budget_id <> OLD.budget_id THEN
    RAISE EXCEPTION 'the budget of a limit does not change' USING ERRCODE = 'feature_not_supported';
  END IF;
  NEW.set_by := session_user;
  NEW.set_at := now();
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_limit() IS 'Internal: refuses a limit that could not work, and notes who set it.';
CREATE TRIGGER check_limit BEFORE INSERT OR UPDATE ON spend.budget_amounts FOR EACH ROW EXECUTE FUNCTION spend._check_limit();
CREATE TRIGGER check_limit BEFORE INSERT OR UPDATE ON spend.budget_overrides FOR EACH ROW EXECUTE FUNCTION spend._check_limit();

CREATE FUNCTION spend._name_group() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.group_values IS NULL THEN
    NEW.group_hash := '00000000-0000-0000-0000-000000000000';
  ELSIF TG_OP = 'UPDATE' OR NEW.set_at = now() THEN  -- not restored
    SELECT g.canonical, g.group_hash INTO NEW.group_values, NEW.group_hash FROM spend._group_of(NEW.budget_id, NEW.group_values) AS g;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._name_group() IS 'Internal: writes the group of an override in its canonical form.';
CREATE TRIGGER name_group BEFORE INSERT OR UPDATE ON spend.budget_overrides FOR EACH ROW EXECUTE FUNCTION spend._name_group();

CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON spend.budget_amounts
  FOR EACH ROW EXECUTE FUNCTION spend._log_change('budget_amount', 'budget_id', 'set_at');
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON spend.budget_overrides
  FOR EACH ROW EXECUTE FUNCTION spend._log_change('budget_override', 'budget_id', 'set_at');

-- The limits belong to the budgets: who has read those must read again. ALWAYS, as in spend._watch().
CREATE TRIGGER invalidate_row AFTER INSERT OR UPDATE OR DELETE ON spend.budget_amounts FOR EACH ROW EXECUTE FUNCTION spend.invalidate('budgets');
CREATE TRIGGER invalidate_all AFTER TRUNCATE ON spend.budget_amounts FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate('budgets');
ALTER TABLE spend.budget_amounts ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;
CREATE TRIGGER invalidate_row AFTER INSERT OR UPDATE OR DELETE ON spend.budget_overrides FOR EACH ROW EXECUTE FUNCTION spend.invalidate('budgets');
CREATE TRIGGER invalidate_all AFTER TRUNCATE ON spend.budget_overrides FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate('budgets');
ALTER TABLE spend.budget_overrides ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;

CREATE FUNCTION spend._keep_amounts() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  since timestamptz;
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM spend.budget_amounts AS a WHERE a.budget_id = OLD.budget_id;
    DELETE FROM spend.budget_overrides AS o WHERE o.budget_id = OLD.budget_id;
    RETURN NULL;
  END IF;
  IF NEW.amount <> OLD.amount THEN
    since := (SELECT p.period_start FROM spend._budget_period(NEW.budget_id, now()) AS p);
    IF since > '-infinity' THEN
      INSERT INTO spend.budget_amounts (budget_id, valid_from, amount)
      SELECT NEW.budget_id, '-infinity', OLD.amount
      WHERE NOT EXISTS (SELECT FROM spend.budget_amounts AS a WHERE a.budget_id = NEW.budget_id AND a.valid_from < since);
    END IF;
    INSERT INTO spend.budget_amounts (budget_id, valid_from, amount, reason)
    VALUES (NEW.budget_id, since, NEW.amount, CASE WHEN NEW.reason IS DISTINCT FROM OLD.reason THEN NEW.reason END)
    ON CONFLICT (budget_id, valid_from) DO UPDATE SET amount = excluded.amount, reason = excluded.reason;
  END IF;
  IF NEW.group_by <> OLD.group_by THEN
    UPDATE spend.budget_overrides AS o SET group_values = o.group_values WHERE o.budget_id = NEW.budget_id AND o.group_values IS NOT NULL;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._keep_amounts() IS 'Internal: past periods keep their amount when it changes; what belongs to a budget goes with it.';
CREATE TRIGGER keep_amounts AFTER UPDATE OR DELETE ON spend.budgets FOR EACH ROW EXECUTE FUNCTION spend._keep_amounts();

CREATE FUNCTION spend._budget_named(budget text) RETURNS spend.budgets
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_budget spend.budgets;
BEGIN
  SELECT b.* INTO found_budget FROM spend.budgets AS b WHERE b.name = budget;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'budget "%" does not exist', budget USING ERRCODE = 'undefined_object';
  END IF;
  RETURN found_budget;
END
$$;
COMMENT ON FUNCTION spend._budget_named(text) IS 'Internal: a budget by its name, or an error.';

CREATE FUNCTION spend.set_budget_amount(budget text, amount numeric, reason text DEFAULT NULL, valid_from timestamptz DEFAULT NULL) RETURNS timestamptz
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target spend.budgets := spend._budget_named(budget);
  current_start timestamptz := (SELECT p.period_start FROM spend._budget_period(target.budget_id, now()) AS p);
BEGIN
  IF set_budget_amount.amount IS NULL THEN
    RAISE EXCEPTION 'amount must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF set_budget_amount.valid_from < current_start THEN
    RAISE EXCEPTION 'the amount of a period that is over does not change'
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The current period of budget "%s" began at %s.', budget, current_start),
            HINT = 'Leave valid_from out to change the current period and those after it.';
  END IF;
  IF set_budget_amount.valid_from > now() THEN
    INSERT INTO spend.budget_amounts AS a (budget_id, valid_from, amount, reason)
    VALUES (target.budget_id, set_budget_amount.valid_from, set_budget_amount.amount, set_budget_amount.reason)
    ON CONFLICT ON CONSTRAINT budget_amounts_pkey DO UPDATE SET amount = excluded.amount, reason = excluded.reason;
    RETURN set_budget_amount.valid_from;
  END IF;
  UPDATE spend.budgets AS b SET amount = set_budget_amount.amount, reason = set_budget_amount.reason WHERE b.budget_id = target.budget_id;
  RETURN current_start;
END
$$;
COMMENT ON FUNCTION spend.set_budget_amount(text, numeric, text, timestamptz) IS
  'Sets the amount of a budget from the current period on, or for the periods that begin at valid_from or later. Past periods keep theirs. Returns from when it holds.';

CREATE FUNCTION spend.top_up_budget(budget text, amount numeric, reason text, group_values jsonb DEFAULT NULL, valid_during tstzrange DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target spend.budgets := spend._budget_named(budget);
  number bigint;
BEGIN
  INSERT INTO spend.budget_overrides (budget_id, group_values, kind, amount, valid_during, reason)
  VALUES (target.budget_id, top_up_budget.group_values, 'add', top_up_budget.amount,
          coalesce(top_up_budget.valid_during,
                   (SELECT tstzrange(now(), nullif(p.period_end, 'infinity')) FROM spend._budget_period(target.budget_id, now()) AS p)),
          top_up_budget.reason)
  RETURNING override_id INTO number;
  RETURN number;
END
$$;
COMMENT ON FUNCTION spend.top_up_budget(text, numeric, text, jsonb, tstzrange) IS
  'Adds to the limit of a budget, or of one of its groups: to the end of the current period, or as long as said. Returns the number of the override.';

CREATE FUNCTION spend.set_budget_limit(budget text, group_values jsonb, amount numeric, reason text, valid_during tstzrange DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target spend.budgets := spend._budget_named(budget);
  number bigint;
BEGIN
  INSERT INTO spend.budget_overrides (budget_id, group_values, kind, amount, valid_during, reason)
  VALUES (target.budget_id, set_budget_limit.group_values, 'replace', set_budget_limit.amount,
          coalesce(set_budget_limit.valid_during, tstzrange(now(), NULL)), set_budget_limit.reason)
  RETURNING override_id INTO number;
  RETURN number;
END
$$;
COMMENT ON FUNCTION spend.set_budget_limit(text, jsonb, numeric, text, tstzrange) IS
  'Gives one group of a budget a limit of its own, from now on or as long as said: every user 50, this one 500. Returns the number of the override.';

CREATE FUNCTION spend.end_budget_override(override_id bigint, reason text DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target spend.budget_overrides;
BEGIN
  SELECT o.* INTO target FROM spend.budget_overrides AS o WHERE o.override_id = end_budget_override.override_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'override % does not exist', end_budget_override.override_id USING ERRCODE = 'undefined_object';
  END IF;
  IF upper(target.valid_during) <= now() THEN
    RAISE EXCEPTION 'override % has ended at %', end_budget_override.override_id, upper(target.valid_during) USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  -- One that began with this very transaction, or has yet to begin, never was in force.
  IF lower(target.valid_during) >= now() THEN
    DELETE FROM spend.budget_overrides AS o WHERE o.override_id = target.override_id;
  ELSE
    UPDATE spend.budget_overrides AS o
    SET valid_during = tstzrange(lower(target.valid_during), now()), reason = coalesce(end_budget_override.reason, o.reason)
    WHERE o.override_id = target.override_id;
  END IF;
END
$$;
COMMENT ON FUNCTION spend.end_budget_override(bigint, text) IS 'Ends an override now; one that has not begun is removed.';

CREATE FUNCTION spend.alert_drivers(
  alert_id bigint, top integer DEFAULT 3, OUT dimension text, OUT value text, OUT amount numeric, OUT share_percent numeric, OUT calls bigint
) RETURNS SETOF record
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH covered AS (
    SELECT u.usage_id, r.amount,
           jsonb_strip_nulls(jsonb_build_object('model', spend.text_key(coalesce(nullif(u.response_model, ''), u.request_model)), 'route', spend.text_key(u.route),
                                                'run_id', u.run_id)) || coalesce(d.dimensions, '{}') AS facts
    FROM spend.alerts AS a
    JOIN spend.usage AS u
      ON ((u.occurred_at >= a.period_start AND u.occurred_at < a.period_end) OR (u.enforced_at >= a.period_start AND u.enforced_at < a.period_end))
         AND u.recorded_at <= a.created_at
    CROSS JOIN LATERAL spend._row_counters(u) AS r
    LEFT JOIN LATERAL (SELECT t.dimensions FROM spend.attributions AS t WHERE t.attribution_id = u.attribution_id LIMIT 1) AS d ON true
    WHERE a.alert_id = alert_drivers.alert_id AND r.budget_id = a.budget_id AND r.group_hash = a.group_hash
      AND r.period_start >= a.period_start AND r.period_start < a.period_end
  ), summed AS (
    SELECT f.key, f.value, sum(c.amount) AS amount, count(*) AS calls,
           row_number() OVER (PARTITION BY f.key ORDER BY sum(c.amount) DESC, f.value COLLATE "C") AS place,
           count(*) OVER (PARTITION BY f.key) AS distinct_values
    FROM covered AS c CROSS JOIN LATERAL jsonb_each_text(c.facts) AS f
    WHERE f.value <> ''
    GROUP BY 1, 2
  )
  SELECT s.key, s.value, s.amount, round(100 * s.amount / nullif(t.total, 0), 1), s.calls
  FROM summed AS s CROSS JOIN (SELECT sum(c.amount) AS total FROM covered AS c) AS t
  -- What all rows have in common, and what every row has its own of, drives nothing.
  WHERE s.place <= top AND (s.distinct_values > 1 OR s.amount < t.total)
  ORDER BY max(s.amount) OVER (PARTITION BY s.key) DESC, s.key, s.place
$$;
COMMENT ON FUNCTION spend.alert_drivers(bigint, integer) IS
  'What drove the budget of an alert until then: for each dimension in which its usage differs, the values with most of it. Reads the rows of the period: call it when the alert is delivered or looked into.';
