CREATE TABLE spend.dimensions (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  label text,
  is_rolled_up boolean NOT NULL DEFAULT true
) USING heap;
COMMENT ON TABLE spend.dimensions IS
  'Registry of dimensions. The dimension columns of spend.usage need no entry; a name that is no column is taken from tags.';
COMMENT ON COLUMN spend.dimensions.name IS 'Column of spend.usage, or key in its tags.';
COMMENT ON COLUMN spend.dimensions.label IS 'Name for people.';
COMMENT ON COLUMN spend.dimensions.is_rolled_up IS 'Whether the dimension is part of the attribution, and so may carry budgets and reports.';
CALL spend._watch('spend.dimensions');

CREATE FUNCTION spend._dimension_columns() RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace',
               'environment', 'customer', 'customer_segment', 'geography', 'data_class']
$$;
COMMENT ON FUNCTION spend._dimension_columns() IS 'Internal: the columns of spend.usage that are dimensions.';

-- No unique key: under one, two writers of a new combination would wait for each other, or fail under REPEATABLE READ.
CREATE TABLE spend.attributions (
  attribution_id uuid NOT NULL,
  dimensions jsonb NOT NULL,
  first_seen_at timestamptz DEFAULT now()
) USING heap;
CREATE INDEX attributions_attribution_id_idx ON spend.attributions (attribution_id);
COMMENT ON TABLE spend.attributions IS
  'Dictionary of attributions: every combination of dimension values that usage rows carried, under its content hash. Append-only; an id may stand twice.';
COMMENT ON COLUMN spend.attributions.attribution_id IS '128-bit BLAKE2b hash of the normalised values.';
COMMENT ON COLUMN spend.attributions.dimensions IS 'Normalised values by dimension.';
COMMENT ON COLUMN spend.attributions.first_seen_at IS 'When the combination was first stored.';
-- Not on INSERT: writers append here, and their caches know what they appended.
CREATE TRIGGER invalidate_row AFTER UPDATE OR DELETE ON spend.attributions FOR EACH ROW EXECUTE FUNCTION spend.invalidate();
CREATE TRIGGER invalidate_all AFTER TRUNCATE ON spend.attributions FOR EACH STATEMENT EXECUTE FUNCTION spend.invalidate();
ALTER TABLE spend.attributions ENABLE ALWAYS TRIGGER invalidate_row, ENABLE ALWAYS TRIGGER invalidate_all;
