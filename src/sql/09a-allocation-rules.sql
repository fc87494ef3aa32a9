-- Whose usage it is where the app does not say: this key belongs to that team. The row keeps what was sent; its attribution has what the
-- rules add.
CREATE FUNCTION spend._check_allocation_rule(scope jsonb, assign jsonb, overwrites boolean, by_registry boolean) RETURNS boolean
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_check_allocation_rule';
COMMENT ON FUNCTION spend._check_allocation_rule(jsonb, jsonb, boolean, boolean) IS
  'Internal: raises for a malformed rule; by the registry of dimensions, also for one that could never do anything.';

CREATE SEQUENCE spend.allocation_rules_rule_id_seq;
COMMENT ON SEQUENCE spend.allocation_rules_rule_id_seq IS 'Numbers of allocation rules.';
CREATE TABLE spend.allocation_rules (
  rule_id bigint PRIMARY KEY DEFAULT nextval('spend.allocation_rules_rule_id_seq'),
  name text NOT NULL CHECK (name <> ''),
  priority integer NOT NULL DEFAULT 100,
  scope jsonb NOT NULL,
  assign jsonb NOT NULL,
  overwrites boolean NOT NULL DEFAULT false,
  valid_during tstzrange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid_during)),
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by name NOT NULL DEFAULT session_user,
  withdrawn_at timestamptz,
  withdrawn_by name,
  CONSTRAINT allocation_rules_one_at_a_time EXCLUDE USING gist (name WITH =, valid_during WITH &&) WHERE (withdrawn_at IS NULL)
) USING heap;
COMMENT ON TABLE spend.allocation_rules IS
  'Rules that give usage values of dimensions which it lacks, in their order; every version of each. Written by spend.set_allocation_rule() and spend.end_allocation_rule(), never rewritten.';
COMMENT ON COLUMN spend.allocation_rules.rule_id IS 'Number of the version.';
COMMENT ON COLUMN spend.allocation_rules.name IS 'Name of the rule; its versions share it.';
COMMENT ON COLUMN spend.allocation_rules.priority IS 'The lower one comes first, then by name. The first rule that matches gives a dimension its value.';
COMMENT ON COLUMN spend.allocation_rules.scope IS
  'Rows that the rule covers, as in budgets.scope: {"api_key": ["key-7", "key-8"]}. Also by source, provider, model, route and the like, and by what earlier rules have given.';
COMMENT ON COLUMN spend.allocation_rules.assign IS 'What it gives: {"team": "search"}, or {"user_id": {"from": "requested_by"}} for the value of another dimension.';
COMMENT ON COLUMN spend.allocation_rules.overwrites IS 'False: only what the row does not say itself. True: whatever the row says.';
COMMENT ON COLUMN spend.allocation_rules.valid_during IS 'Half-open range of the time of use.';
COMMENT ON COLUMN spend.allocation_rules.reason IS 'Why the version was written.';
COMMENT ON COLUMN spend.allocation_rules.recorded_at IS 'When the version was written (set by the ledger; a row that has it comes from a dump).';
COMMENT ON COLUMN spend.allocation_rules.recorded_by IS 'Who wrote it.';
COMMENT ON COLUMN spend.allocation_rules.withdrawn_at IS 'When the version ceased to apply to rows that are written; NULL for a live one.';
COMMENT ON COLUMN spend.allocation_rules.withdrawn_by IS 'Who took it back.';
ALTER SEQUENCE spend.allocation_rules_rule_id_seq OWNED BY spend.allocation_rules.rule_id;
CALL spend._watch('spend.allocation_rules');

CREATE FUNCTION spend._check_allocation_rules() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[]) <> (to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[]) OR OLD.withdrawn_at IS NOT NULL THEN
      RAISE EXCEPTION 'allocation rule "%" cannot be rewritten', OLD.name
        USING ERRCODE = 'feature_not_supported', DETAIL = 'Rows that it has attributed are explained by it.',
              HINT = 'Call spend.set_allocation_rule() with the same name for what holds from a time on, or spend.end_allocation_rule().';
    END IF;
    RETURN NEW;
  END IF;
  -- From a dump: it was checked, and what its scope names may be restored after it. A malformed one would stop every writer.
  PERFORM spend._check_allocation_rule(NEW.scope, NEW.assign, NEW.overwrites, NEW.recorded_at IS NULL);
  NEW.recorded_at := coalesce(NEW.recorded_at, now());
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._check_allocation_rules() IS 'Internal: refuses a rule that could not work, or that rewrites what rows are explained by.';
CREATE TRIGGER check_allocation_rule BEFORE INSERT OR UPDATE ON spend.allocation_rules FOR EACH ROW EXECUTE FUNCTION spend._check_allocation_rules();

-- Makes room: versions that reach into it are taken back, and what is left of their time stays as versions of their own.
CREATE FUNCTION spend._cut_allocation_rule(name text, room tstzrange) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  old spend.allocation_rules;
  rest tstzrange;
  cut bigint := 0;
BEGIN
  -- One change at a time: two new versions cannot see each other.
  PERFORM spend._lock('spend.allocation_rules');
  FOR old IN
    SELECT r.* FROM spend.allocation_rules AS r
    WHERE r.name = _cut_allocation_rule.name AND r.withdrawn_at IS NULL AND r.valid_during && room ORDER BY r.rule_id
  LOOP
    cut := cut + 1;
    UPDATE spend.allocation_rules AS r SET withdrawn_at = now(), withdrawn_by = session_user WHERE r.rule_id = old.rule_id;
    FOR rest IN SELECT unnest(tstzmultirange(old.valid_during) - tstzmultirange(room)) LOOP
      INSERT INTO spend.allocation_rules (name, priority, scope, assign, overwrites, valid_during, reason)
      VALUES (old.name, old.priority, old.scope, old.assign, old.overwrites, rest, old.reason);
    END LOOP;
  END LOOP;
  RETURN cut;
END
$$;
COMMENT ON FUNCTION spend._cut_allocation_rule(text, tstzrange) IS 'Internal: takes a range of time out of a rule; how many versions that touched.';

CREATE FUNCTION spend.set_allocation_rule(
  name text, scope jsonb, assign jsonb, priority integer DEFAULT NULL, valid_from timestamptz DEFAULT now(), valid_until timestamptz DEFAULT NULL,
  overwrites boolean DEFAULT false, reason text DEFAULT NULL
) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  room tstzrange;
  number bigint;
  place integer := priority;
BEGIN
  IF name IS NULL OR scope IS NULL OR assign IS NULL OR overwrites IS NULL THEN
    RAISE EXCEPTION 'name, scope, assign and overwrites must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF nullif(valid_from, '-infinity') >= nullif(valid_until, 'infinity') THEN
    RAISE EXCEPTION 'allocation rule "%" would be over before it begins', name
      USING ERRCODE = 'invalid_parameter_value', DETAIL = format('From %s until %s.', valid_from, valid_until);
  END IF;
  PERFORM spend._check_allocation_rule(scope, assign, overwrites, true);
  room := tstzrange(nullif(valid_from, '-infinity'), nullif(valid_until, 'infinity'));
  IF place IS NULL THEN
    SELECT r.priority INTO place FROM spend.allocation_rules AS r WHERE r.name = set_allocation_rule.name AND r.withdrawn_at IS NULL ORDER BY r.valid_during DESC LIMIT 1;
  END IF;
  PERFORM spend._cut_allocation_rule(name, room);
  INSERT INTO spend.allocation_rules (name, priority, scope, assign, overwrites, valid_during, reason)
  VALUES (name, coalesce(place, 100), scope, assign, overwrites, room, reason) RETURNING rule_id INTO number;
  RETURN number;
END
$$;
COMMENT ON FUNCTION spend.set_allocation_rule(text, jsonb, jsonb, integer, timestamptz, timestamptz, boolean, text) IS
  'Sets a rule for usage of a range of time, from now on by default: rows that the scope covers get the values that assign names where they lack them; with overwrites, in any case. Another version of that name stays for the time outside the range. Rows that are recorded keep their attribution. Returns the number of the version.';

CREATE FUNCTION spend.end_allocation_rule(name text, at timestamptz DEFAULT now()) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF spend._cut_allocation_rule(name, tstzrange(nullif(at, '-infinity'), NULL)) = 0 THEN
    RAISE EXCEPTION 'no allocation rule "%" is in force at % or later', name, at
      USING ERRCODE = 'undefined_object', HINT = 'SELECT name, valid_during FROM spend.allocation_rules WHERE withdrawn_at IS NULL shows those that are.';
  END IF;
END
$$;
COMMENT ON FUNCTION spend.end_allocation_rule(text, timestamptz) IS 'Ends a rule at a time of use. Rows that are recorded keep their attribution.';

CREATE FUNCTION spend._allocate(dimensions jsonb, at timestamptz, known_at timestamptz DEFAULT NULL) RETURNS jsonb
  LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'spend_allocate';
COMMENT ON FUNCTION spend._allocate(jsonb, timestamptz, timestamptz) IS
  'Internal: the rolled-up dimensions, normalised, of usage at a time with these facts, by the rules of now, or of those on record at another time.';
CREATE FUNCTION spend._attribution_now(usage spend.usage, OUT attribution_id uuid, OUT dimensions jsonb) RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_attribution_now';
COMMENT ON FUNCTION spend._attribution_now(spend.usage) IS 'Internal: how a row would be attributed if it were written now.';
CREATE FUNCTION spend._attribution_on_record(usage spend.usage, known_at timestamptz) RETURNS jsonb
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_attribution_on_record';
COMMENT ON FUNCTION spend._attribution_on_record(spend.usage, timestamptz) IS 'Internal: the dimensions that a row would have by the rules that were on record at a time.';
CREATE FUNCTION spend._attributed(attribution_id uuid, dimension text) RETURNS text
  LANGUAGE c STABLE STRICT COST 1 AS 'MODULE_PATHNAME', 'spend_attributed';
COMMENT ON FUNCTION spend._attributed(uuid, text) IS 'Internal: value of a dimension in an attribution that the current role may see; NULL without.';
CREATE FUNCTION spend._allocation_steps(usage spend.usage, OUT dimension text, OUT value text, OUT said text, OUT rule_id bigint, OUT rule_name text)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'spend_allocation_steps';
COMMENT ON FUNCTION spend._allocation_steps(spend.usage) IS
  'Internal: what rules have given a recorded row, and which. By those on record when it was written, or of now, whichever give the attribution that it has.';

CREATE FUNCTION spend.preview_allocation_rule(
  name text, scope jsonb, assign jsonb, priority integer DEFAULT NULL, valid_from timestamptz DEFAULT '-infinity', valid_until timestamptz DEFAULT NULL,
  overwrites boolean DEFAULT false, since timestamptz DEFAULT now() - interval '30 days', until timestamptz DEFAULT now(),
  OUT dimension text, OUT old_value text, OUT new_value text, OUT currency text, OUT calls bigint, OUT cost numeric
) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changes jsonb;
BEGIN
  BEGIN
    PERFORM spend.set_allocation_rule(name, scope, assign, priority, valid_from, valid_until, overwrites);
    SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') INTO changes FROM (
      SELECT d.key AS dimension, r.old_dimensions ->> d.key AS old_value, r.new_dimensions ->> d.key AS new_value, r.currency, sum(r.calls) AS calls, sum(r.cost) AS cost
      FROM (
        SELECT o.dimensions AS old_dimensions, n.dimensions AS new_dimensions, u.currency, count(*) AS calls, sum(u.cost) AS cost
        FROM spend.usage AS u
        CROSS JOIN LATERAL spend._attribution_now(u) AS n
        CROSS JOIN LATERAL (SELECT spend._attribution_on_record(u, now() - interval '1 microsecond') AS dimensions) AS o
        WHERE u.occurred_at >= preview_allocation_rule.since AND u.occurred_at < preview_allocation_rule.until AND n.dimensions <> o.dimensions
        GROUP BY 1, 2, 3
      ) AS r
      CROSS JOIN LATERAL jsonb_each_text(r.old_dimensions || r.new_dimensions) AS d
      WHERE r.old_dimensions ->> d.key IS DISTINCT FROM r.new_dimensions ->> d.key
      GROUP BY 1, 2, 3, 4
    ) AS c;
    RAISE EXCEPTION 'preview' USING ERRCODE = 'SP000';
  EXCEPTION WHEN SQLSTATE 'SP000' THEN
    NULL;  -- the rule is taken back, what it would have done is kept
  END;
  RETURN QUERY
    SELECT c.dimension, c.old_value, c.new_value, c.currency, c.calls, c.cost
    FROM jsonb_to_recordset(changes) AS c(dimension text, old_value text, new_value text, currency text, calls bigint, cost numeric)
    ORDER BY c.dimension, c.cost DESC NULLS LAST, c.new_value;
END
$$;
COMMENT ON FUNCTION spend.preview_allocation_rule(text, jsonb, jsonb, integer, timestamptz, timestamptz, boolean, timestamptz, timestamptz) IS
  'Dry run: to what else usage like that recorded in a time would be attributed with this rule than with the rules of now, and how much money that is. Nothing changes.';
