CREATE FUNCTION spend._check_required_tag(dimension text, scope jsonb, on_missing text) RETURNS void
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_check_required_tag';
COMMENT ON FUNCTION spend._check_required_tag(text, jsonb, text) IS 'Internal: raises for a requirement that could not work.';
CREATE FUNCTION spend._missing_tags(dimensions jsonb) RETURNS text[]
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'spend_missing_tags';
COMMENT ON FUNCTION spend._missing_tags(jsonb) IS
  'Internal: required dimensions that usage of these dimensions lacks. A cost center that stands in for a missing value counts as none.';

CREATE SEQUENCE spend.required_tags_requirement_id_seq;
COMMENT ON SEQUENCE spend.required_tags_requirement_id_seq IS 'Numbers of requirements.';
CREATE TABLE spend.required_tags (
  requirement_id bigint PRIMARY KEY DEFAULT nextval('spend.required_tags_requirement_id_seq'),
  dimension text NOT NULL,
  scope jsonb NOT NULL DEFAULT '{}',
  on_missing text NOT NULL DEFAULT 'flag' CHECK (on_missing IN ('flag', 'assign', 'reject')),
  assign_to text CHECK (assign_to <> ''),
  reason text,
  created_at timestamptz NOT NULL,
  created_by name NOT NULL DEFAULT session_user,
  CHECK ((assign_to IS NOT NULL) = (on_missing = 'assign'))
) USING heap;
COMMENT ON TABLE spend.required_tags IS 'Dimensions that rows of a scope must have a value of, and what happens to rows that have none, after allocation rules.';
COMMENT ON COLUMN spend.required_tags.requirement_id IS 'Number of the requirement.';
COMMENT ON COLUMN spend.required_tags.dimension IS 'Dimension column of spend.usage, or registered tag.';
COMMENT ON COLUMN spend.required_tags.scope IS 'Rows of which it is required, as in budgets.scope, by rolled-up dimensions; {} is all.';
COMMENT ON COLUMN spend.required_tags.on_missing IS
  'flag: the row is recorded, and spend.coverage and spend.data_quality say how much is missing. assign: a row without cost center goes to that of assign_to. reject: the INSERT fails (SP002).';
COMMENT ON COLUMN spend.required_tags.assign_to IS 'Cost center that such rows go to, with assign.';
COMMENT ON COLUMN spend.required_tags.reason IS 'Why it is required.';
COMMENT ON COLUMN spend.required_tags.created_at IS 'When it was required (set by the ledger; a row that has it comes from a dump).';
COMMENT ON COLUMN spend.required_tags.created_by IS 'Who requires it.';
ALTER SEQUENCE spend.required_tags_requirement_id_seq OWNED BY spend.required_tags.requirement_id;
CALL spend._watch('spend.required_tags');

-- Assigning is an allocation rule that comes after all others: explained, versioned and previewed as every rule.
CREATE FUNCTION spend._apply_required_tag() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.created_at IS NOT NULL THEN
    -- From a dump: it was checked, and its rule comes with the rules. A malformed scope would stop every writer.
    PERFORM spend._scope_keys(NEW.scope, '{}');
    RETURN NEW;
  END IF;
  IF TG_OP <> 'INSERT' AND OLD.on_missing = 'assign' THEN
    PERFORM spend._cut_allocation_rule(format('required tag %s', OLD.requirement_id), '(,)');
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.created_at := coalesce(NEW.created_at, now());
  PERFORM spend._check_required_tag(NEW.dimension, NEW.scope, NEW.on_missing);
  IF NEW.on_missing = 'assign' THEN
    PERFORM spend.set_allocation_rule(format('required tag %s', NEW.requirement_id), NEW.scope || jsonb_build_object(NEW.dimension, '{"present": false}'::jsonb),
                                      jsonb_build_object('cost_center', NEW.assign_to), 2147483647, '-infinity', reason => format('%s is missing', NEW.dimension));
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._apply_required_tag() IS 'Internal: refuses a requirement that could not work, and keeps the rule of one that assigns.';
CREATE TRIGGER apply_required_tag BEFORE INSERT OR UPDATE OR DELETE ON spend.required_tags FOR EACH ROW EXECUTE FUNCTION spend._apply_required_tag();
