CREATE TABLE spend.dimension_values (
  dimension text NOT NULL CHECK (dimension ~ '^[a-z][a-z0-9_]{0,62}$'),
  value text NOT NULL CHECK (value = spend.text_key(value) AND value <> ''),
  label text,
  owner text,
  parent text CHECK (parent = spend.text_key(parent) AND parent <> '' AND parent <> value),
  PRIMARY KEY (dimension, value)
) USING heap;
COMMENT ON TABLE spend.dimension_values IS
  'What people call the values of dimensions: dashboards show names, not ids. A value needs no entry; names of cost centers stand in spend.cost_centers, too.';
COMMENT ON COLUMN spend.dimension_values.dimension IS 'Dimension, or provider, model, service_tier, operation, route or purpose.';
COMMENT ON COLUMN spend.dimension_values.value IS 'Value in its normalised form (spend.text_key), as views show it.';
COMMENT ON COLUMN spend.dimension_values.label IS 'Name for people.';
COMMENT ON COLUMN spend.dimension_values.owner IS 'Who answers for it.';
COMMENT ON COLUMN spend.dimension_values.parent IS 'Value of the same dimension that it is a part of.';

CREATE FUNCTION spend._normalise_dimension_value() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.value := spend.text_key(NEW.value);
  NEW.parent := nullif(spend.text_key(NEW.parent), '');
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION spend._normalise_dimension_value() IS 'Internal: values stand in their normalised form, whatever the case they were typed in.';
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON spend.dimension_values FOR EACH ROW EXECUTE FUNCTION spend._normalise_dimension_value();
