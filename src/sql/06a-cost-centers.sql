-- A center has one row for each time in which nothing changed about it, so that a reorganisation leaves the past as it was.
CREATE TABLE spend.cost_centers (
  code text NOT NULL CHECK (code = spend.text_key(code) AND code <> ''),
  name text,
  department text,
  gl_account text,
  owner text,
  is_charged_back boolean NOT NULL DEFAULT true,
  parent text CHECK (parent = spend.text_key(parent) AND parent <> ''),
  valid_during daterange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  reason text,
  PRIMARY KEY (code, valid_during),
  EXCLUDE USING gist (code WITH =, valid_during WITH &&)
) USING heap;
CREATE INDEX cost_centers_parent_idx ON spend.cost_centers (parent);
COMMENT ON TABLE spend.cost_centers IS
  'Cost centers that usage is booked to, as they are and as they were: spend.change_cost_center() changes one from a date on. A center without an entry is charged back under its code.';
COMMENT ON COLUMN spend.cost_centers.code IS 'Code in its normalised form (spend.text_key), as in usage.cost_center.';
COMMENT ON COLUMN spend.cost_centers.name IS 'Name for people.';
COMMENT ON COLUMN spend.cost_centers.department IS 'Department the center belongs to.';
COMMENT ON COLUMN spend.cost_centers.gl_account IS 'General-ledger account.';
COMMENT ON COLUMN spend.cost_centers.owner IS 'Who answers for the center.';
COMMENT ON COLUMN spend.cost_centers.is_charged_back IS 'True: its usage is booked to it (chargeback). False: it is only told (showback).';
COMMENT ON COLUMN spend.cost_centers.parent IS 'Code of the center that it is a part of; NULL at the top.';
COMMENT ON COLUMN spend.cost_centers.valid_during IS
  'Days on which all this holds. A month is reported by the entry that holds on its first day, or else by the first that begins in it.';
COMMENT ON COLUMN spend.cost_centers.reason IS 'Why it became so.';

CREATE FUNCTION spend._normalise_cost_center() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.code := spend.text_key(NEW.code);
  NEW.parent := nullif(spend.text_key(NEW.parent), '');
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_cost_center() IS 'Internal: codes of cost centers stand in their normalised form, whatever the case they were typed in.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.cost_centers FOR EACH ROW EXECUTE FUNCTION spend._normalise_cost_center();

CREATE FUNCTION spend._check_cost_center() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  circle text;
BEGIN
  -- Two who make each other's center a parent at once see each other here: the second waits, and reads what the first has done.
  PERFORM spend._lock('spend.cost_centers');
  WITH RECURSIVE above(code, during, line) AS (
    SELECT NEW.parent, NEW.valid_during, ARRAY[NEW.code, NEW.parent]
    UNION ALL
    SELECT c.parent, a.during * c.valid_during, a.line || c.parent
    FROM above AS a
    JOIN spend.cost_centers AS c ON c.code = a.code AND c.valid_during && a.during
    WHERE a.code <> NEW.code AND c.parent IS NOT NULL AND (c.parent = NEW.code OR c.parent <> ALL (a.line))
  )
  SELECT array_to_string(a.line, ' < ') INTO circle FROM above AS a WHERE a.code = NEW.code LIMIT 1;
  IF circle IS NOT NULL THEN
    RAISE EXCEPTION 'cost center "%" would be a part of itself', NEW.code
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It would be %s.', circle),
            HINT = 'Move the other center first, or choose another parent.';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION spend._check_cost_center() IS 'Internal: refuses a parent that is, on any day, below the center itself.';
CREATE TRIGGER check_parent AFTER INSERT OR UPDATE ON spend.cost_centers
  FOR EACH ROW WHEN (NEW.parent IS NOT NULL) EXECUTE FUNCTION spend._check_cost_center();

CREATE FUNCTION spend.change_cost_center(
  code text, valid_from date, parent text DEFAULT NULL, name text DEFAULT NULL, department text DEFAULT NULL, gl_account text DEFAULT NULL,
  owner text DEFAULT NULL, is_charged_back boolean DEFAULT NULL, reason text DEFAULT NULL
) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key text := spend.text_key(code);
  current spend.cost_centers;
  next_start date;
BEGIN
  IF valid_from IS NULL OR NOT isfinite(valid_from) OR coalesce(key, '') = '' THEN
    RAISE EXCEPTION 'code and valid_from must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say from which day on the change holds.';
  END IF;
  PERFORM spend._lock('spend.cost_centers');
  SELECT c.* INTO current FROM spend.cost_centers AS c WHERE c.code = key AND c.valid_during @> change_cost_center.valid_from;
  IF FOUND THEN
    IF lower(current.valid_during) = valid_from THEN
      DELETE FROM spend.cost_centers AS c WHERE c.code = key AND c.valid_during = current.valid_during;
    ELSE
      UPDATE spend.cost_centers AS c SET valid_during = daterange(lower(c.valid_during), change_cost_center.valid_from)
      WHERE c.code = key AND c.valid_during = current.valid_during;
    END IF;
    next_start := upper(current.valid_during);
  ELSE
    SELECT min(lower(c.valid_during)) INTO next_start FROM spend.cost_centers AS c
    WHERE c.code = key AND lower(c.valid_during) > change_cost_center.valid_from;
  END IF;
  INSERT INTO spend.cost_centers (code, name, department, gl_account, owner, is_charged_back, parent, valid_during, reason)
  VALUES (key, coalesce(name, current.name), coalesce(department, current.department), coalesce(gl_account, current.gl_account), coalesce(owner, current.owner),
          coalesce(is_charged_back, current.is_charged_back, true), coalesce(parent, current.parent), daterange(valid_from, next_start), reason);
END
$$;
COMMENT ON FUNCTION spend.change_cost_center(text, date, text, text, text, text, text, boolean, text) IS
  'Changes a cost center from a day on and keeps what held before: a reorganisation. What is NULL stays as it was; parent '''' puts the center at the top. A center that is not there yet begins on that day.';
